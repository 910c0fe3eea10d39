#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""wire.py [--url URL] [--jobs N] [--set NAME=VALUE] [FOLDER]...

Tells the stories (README.md) of these folders, or of all of processes/, over HTTP, N folders at a time:
to the bpmnd of $BPMND, which is started on a private database and stopped at the end (the wire driver), or
to any server with the REST API of Camunda 7 at --url, e.g. http://localhost:8080/engine-rest (the oracle).
"""
import argparse
import collections
import concurrent.futures
import datetime
import http.client
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse
import uuid

WORKER = "story"
LOCK_MS = 600_000
DATE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}$")


class Wrong(Exception):
    """What was expected and what came."""


class Refused(Exception):
    """The server said no."""

    def __init__(self, status, message):
        super().__init__(f"HTTP {status}: {message}")


# --- the file

TEXT_CLAUSES = {"as", "of", "by", "key", "message", "refused", "retries", "timeout", "most"}
ENTRY_CLAUSES = {"with", "locally", "where"}
CLAUSES = TEXT_CLAUSES | ENTRY_CLAUSES | {"gets"}


def split_line(line):
    """Words of a line: up to a blank that is in no quotes and no brackets."""
    words, word, quoted, depth, i = [], "", False, 0, 0
    while i < len(line):
        c = line[i]
        if not word and c == "#":
            break
        if not quoted and depth <= 0 and c in " \t":
            if word:
                words.append(word)
            word, depth = "", 0
        elif quoted and c == "\\" and i + 1 < len(line):
            word += line[i:i + 2]
            i += 1
        else:
            word += c
            quoted ^= c == '"'
            if not quoted:
                depth += (c in "[{") - (c in "]}")
        i += 1
    return words + [word] if word else words


def value_of(word):
    try:
        return json.loads(word)
    except ValueError:
        return word


def text_of(word):
    return str(value_of(word)) if word.startswith('"') else word


def entries_of(words):
    entries = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise Wrong(f"'{word}' is not of the form name=value")
        entries[name] = value_of(value)
    return entries


class Step:
    def __init__(self, line, words):
        self.line, self.only, self.words = line, None, []
        self.clauses = {"with": {}, "locally": {}, "where": {}}
        if words[0] == "only":
            if len(words) < 3:
                raise Wrong("'only' wants a driver and a step")
            self.only, words = words[1], words[2:]
        self.verb, at = words[0], 1
        while at < len(words) and words[at] not in CLAUSES:
            self.words.append(words[at])
            at += 1
        while at < len(words):
            at = self.clause(words, at)

    def clause(self, words, at):
        name, at = words[at], at + 1
        if name not in CLAUSES:
            raise Wrong(f"'{name}' stands behind a clause")
        end = at + 1 if name in TEXT_CLAUSES else at
        while name not in TEXT_CLAUSES and end < len(words) and words[end] not in CLAUSES:
            end += 1
        taken = words[at:end]
        if not taken:
            raise Wrong(f"'{name}' wants words")
        if name in TEXT_CLAUSES:
            self.clauses[name] = text_of(taken[0])
        else:
            self.clauses[name] = entries_of(taken) if name in ENTRY_CLAUSES else taken
        return end

    def __getattr__(self, name):
        return self.__dict__["clauses"].get(name.rstrip("_"))

    def word(self, at):
        if at >= len(self.words):
            raise Wrong(f"'{self.verb}' wants more words")
        return self.words[at]


def read_stories(path):
    """[(title, [step])] of a story file."""
    stories = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        words = split_line(line)
        if not words:
            continue
        try:
            if words[0] == "story":
                stories.append((text_of(words[1]), []))
            elif not stories:
                raise Wrong("a step stands before the first 'story'")
            else:
                stories[-1][1].append(Step(number, words))
        except Wrong as wrong:
            raise Wrong(f"line {number}: {wrong}") from None
    if not stories or not all(steps for _, steps in stories):
        raise Wrong("no story, or one without steps")
    return stories


# --- the server

class Server:
    """One connection; every answer is JSON, text or nothing."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=60)
        self.root = parts.path.rstrip("/")

    def call(self, method, path, body=None, content_type="application/json"):
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = content_type
            body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.connection.request(method, self.root + path, body, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        data = json.loads(text) if text and "json" in answer.getheader("Content-Type", "") else text
        if answer.status >= 300:
            raise Refused(answer.status, data.get("message") if isinstance(data, dict) else data)
        return data

    def get(self, path, **query):
        query = {name: value for name, value in query.items() if value is not None}
        return self.call("GET", path + ("?" + urllib.parse.urlencode(query) if query else ""))

    def post(self, path, body):
        return self.call("POST", path, body)

    def put(self, path, body):
        return self.call("PUT", path, body)

    def deploy(self, name, file, content):
        mark = uuid.uuid4().hex
        parts = (f'--{mark}\r\nContent-Disposition: form-data; name="deployment-name"\r\n\r\n{name}\r\n'
                 f'--{mark}\r\nContent-Disposition: form-data; name="data"; filename="{file}"\r\n'
                 f"Content-Type: application/octet-stream\r\n\r\n").encode()
        return self.call("POST", "/deployment/create", parts + content + f"\r\n--{mark}--\r\n".encode(),
                         f"multipart/form-data; boundary={mark}")


def sent(entries):
    """Variables without a type: the server takes them for what they are."""
    return {name: {"value": value} for name, value in entries.items()}


def milliseconds(text):
    found = re.fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", text)
    if not found:
        raise Wrong(f"'{text}' is no duration")
    days, hours, minutes, seconds = (int(n or 0) for n in found.groups())
    return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000


def as_json(value):
    """For comparing: 1 and 1.0 differ, an instant is in UTC whatever zone the server prints."""
    if isinstance(value, str) and DATE.match(value):
        instant = datetime.datetime.strptime(value, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(datetime.timezone.utc)
        value = instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}+0000"
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def plain(variable):
    """The value of a variable as the server gives it; a serialised list or map opened."""
    value = variable["value"]
    return value_of(value) if variable["type"] in ("Json", "Object") and isinstance(value, str) else value


def within(wanted, there):
    return all(name in there and as_json(there[name]) == as_json(value) for name, value in wanted.items())


def same_list(wanted, got):
    wanted = [] if wanted == ["nothing"] else wanted
    if collections.Counter(wanted) != collections.Counter(got):
        raise Wrong(f"expected {' '.join(sorted(wanted)) or 'nothing'}, got {' '.join(sorted(got)) or 'nothing'}")


def age(item):
    """Sorts tasks by when they were made: ids grow, where they are numbers."""
    return (0, int(item["id"]), "") if item["id"].isdigit() else (1, 0, item.get("createTime") or item.get("created"))


# --- telling

class Teller:
    """The state of one story."""

    def __init__(self, server, folder, drivers):
        self.server, self.folder, self.drivers = server, folder, drivers
        self.definitions = {}       # key -> id, deployed last
        self.all_definitions = []
        self.deployments = []
        self.instances = []         # (name, id) in order of start
        self.fetched = []

    def clean(self):
        for deployment in self.deployments:
            self.server.call("DELETE", f"/deployment/{deployment}?cascade=true&skipCustomListeners=true"
                                       "&skipIoMappings=true")

    def instance(self, step):
        for name, id in reversed(self.instances):
            if step.of is None or step.of == name:
                return id
        raise Wrong(f"no instance '{step.of}' was started")

    def step(self, step):
        if step.only not in (None, "sim", "wire", "oracle", "bpmnd"):
            raise Wrong(f"there is no driver '{step.only}'")
        if step.only and step.only not in self.drivers:
            return
        verb = getattr(self, "do_" + step.verb, None)
        if not verb:
            raise Wrong(f"there is no step '{step.verb}'")
        try:
            verb(step)
        except Refused as refused:
            if step.refused is None:
                raise
            if step.refused not in str(refused):
                raise Wrong(f'expected to be refused with "{step.refused}", got "{refused}"') from None
            return
        if step.refused is not None:
            raise Wrong(f'expected to be refused with "{step.refused}", but it was done')

    # steps

    def do_deploy(self, step):
        file = step.words[0] if step.words else "diagram.bpmn"
        content = (self.folder / file).read_bytes()
        # the name differs each time: no duplicate filtering, and runs do not disturb each other
        answer = self.server.deploy(f"story {self.folder.name} {uuid.uuid4().hex}", file, content)
        self.deployments.append(answer["id"])
        for id, definition in (answer["deployedProcessDefinitions"] or {}).items():
            self.definitions[definition["key"]] = id
            self.all_definitions.append(id)

    def do_start(self, step):
        key = step.word(0)
        path = f"/process-definition/{self.definitions[key]}" if key in self.definitions else \
            f"/process-definition/key/{key}"
        body = {"variables": sent(step.with_)}
        if step.key is not None:
            body["businessKey"] = step.key
        self.instances.append((step.as_, self.server.post(path + "/start", body)["id"]))

    def do_fetch(self, step):
        topic = {"topicName": step.word(0), "lockDuration": LOCK_MS, "includeExtensionProperties": True,
                 "deserializeValues": False, "processDefinitionIdIn": self.all_definitions}
        self.fetched = self.server.post("/external-task/fetchAndLock", {
            "workerId": step.by or WORKER, "maxTasks": int(step.most or 1000), "usePriority": True,
            "topics": [topic]})
        same_list(step.gets, [task["activityId"] for task in self.fetched])

    def externals(self, step, element):
        return sorted(self.server.get("/external-task", processInstanceId=self.instance(step), activityId=element),
                      key=age)

    def humans(self, step, element):
        return sorted(self.server.get("/task", processInstanceId=self.instance(step), taskDefinitionKey=element),
                      key=age)

    def find(self, step):
        """("external-task" or "task", the task)."""
        element, instance = step.word(0), self.instance(step)
        if step.where:
            for task in self.fetched:
                there = {name: plain(variable) for name, variable in task["variables"].items()}
                if task["activityId"] == element and task["processInstanceId"] == instance and \
                        within(step.where, there) and any(task["id"] == other["id"]
                                                          for other in self.externals(step, element)):
                    return "external-task", task
        else:
            for kind, tasks in (("external-task", self.externals), ("task", self.humans)):
                found = tasks(step, element)
                if found:
                    return kind, found[0]
        raise Wrong(f"expected a task at {element}, got none")

    def external(self, step):
        """The external task there, and who reports on it; locked first if nobody holds it."""
        kind, task = self.find(step)
        worker = step.by or WORKER
        if kind == "external-task" and task["workerId"] is None:
            self.server.post(f"/external-task/{task['id']}/lock", {"workerId": worker, "lockDuration": LOCK_MS})
        return kind, task["id"], worker

    def do_lock(self, step):
        _, task = self.find(step)
        self.server.post(f"/external-task/{task['id']}/lock",
                         {"workerId": step.by or WORKER, "lockDuration": LOCK_MS})

    def do_unlock(self, step):
        _, task = self.find(step)
        self.server.post(f"/external-task/{task['id']}/unlock", {})

    def do_complete(self, step):
        kind, id, worker = self.external(step)
        body = {"variables": sent(step.with_)}
        if kind == "external-task":
            body.update(workerId=worker, localVariables=sent(step.locally))
        self.server.post(f"/{kind}/{id}/complete", body)

    def do_fail(self, step):
        _, id, worker = self.external(step)
        body = {"workerId": worker, "errorMessage": step.message, "variables": sent(step.with_)}
        if step.retries is not None:
            body["retries"] = int(step.retries)
        if step.timeout is not None:
            body["retryTimeout"] = milliseconds(step.timeout)
        self.server.post(f"/external-task/{id}/failure", body)

    def do_error(self, step):
        kind, id, worker = self.external(step)
        body = {"errorCode": text_of(step.word(1)), "errorMessage": step.message, "variables": sent(step.with_)}
        if kind == "external-task":
            body["workerId"] = worker
        self.server.post(f"/{kind}/{id}/bpmnError", body)

    def do_repair(self, step):
        element, body = step.word(0), {"retries": int(step.retries)}
        tasks = self.externals(step, element)
        if tasks:
            self.server.put(f"/external-task/{tasks[0]['id']}/retries", body)
        else:
            self.server.put(f"/job/{self.job(step, element)['id']}/retries", body)

    def do_signal(self, step):
        def walk(node):
            for child in node["childActivityInstances"]:
                if child["activityId"] == step.word(0):
                    return child["executionIds"][0]
                if found := walk(child):
                    return found
            return None

        execution = walk(self.server.get(f"/process-instance/{self.instance(step)}/activity-instances"))
        if execution is None:
            raise Wrong(f"expected something open at {step.word(0)}, got nothing")
        self.server.post(f"/execution/{execution}/signal", {"variables": sent(step.with_)})

    def do_claim(self, step):
        self.server.post(f"/task/{self.find(step)[1]['id']}/claim", {"userId": text_of(step.word(1))})

    def do_assign(self, step):
        user = text_of(step.word(1))
        self.server.post(f"/task/{self.find(step)[1]['id']}/assignee", {"userId": None if user == "nobody" else user})

    def job(self, step, element):
        jobs = sorted(self.server.get("/job", processInstanceId=self.instance(step), activityId=element), key=age)
        if not jobs:
            raise Wrong(f"expected a job at {element}, got none")
        return jobs[0]

    def do_fire(self, step):
        self.server.post(f"/job/{self.job(step, step.word(0))['id']}/execute", {})

    def do_clock(self, step):
        raise Wrong("a server's clock cannot be moved: 'only sim clock', or 'fire ELEMENT'")

    def do_set(self, step):
        self.server.post(f"/process-instance/{self.instance(step)}/variables",
                         {"modifications": sent(entries_of(step.words))})

    def do_suspend(self, step):
        self.server.put(f"/process-instance/{self.instance(step)}/suspended", {"suspended": True})

    def do_activate(self, step):
        self.server.put(f"/process-instance/{self.instance(step)}/suspended", {"suspended": False})

    def do_delete(self, step):
        self.server.call("DELETE", f"/process-instance/{self.instance(step)}")

    # expectations

    def do_expect(self, step):
        expectation = getattr(self, "expect_" + step.word(0), None)
        if not expectation:
            raise Wrong("there is nothing like that to expect")
        expectation(step)

    def expect_at(self, step):
        ids = []

        def walk(node):
            for child in node["childActivityInstances"]:
                ids.append(child["activityId"])
                walk(child)
            ids.extend(child["activityId"] for child in node["childTransitionInstances"])

        if self.state(step) in ("ACTIVE", "SUSPENDED"):
            walk(self.server.get(f"/process-instance/{self.instance(step)}/activity-instances"))
        same_list(step.words[1:], ids)

    def expect_tasks(self, step):
        same_list(step.words[1:], [task["activityId"] for task in self.externals(step, None)] +
                  [task["taskDefinitionKey"] for task in self.humans(step, None)])

    def expect_jobs(self, step):
        """A job does not say its element, but can be asked for by it."""
        wanted = [] if step.words[1:] == ["nothing"] else step.words[1:]
        instance, got = self.instance(step), []
        for element in sorted(set(wanted)):
            got += [element] * self.server.get("/job/count", processInstanceId=instance, activityId=element)["count"]
        got += ["other"] * (self.server.get("/job/count", processInstanceId=instance)["count"] - len(got))
        same_list(step.words[1:], got)

    def expect_incidents(self, step):
        same_list(step.words[1:], [incident["activityId"] for incident in
                                   self.server.get("/incident", processInstanceId=self.instance(step))])

    def expect_history(self, step):
        same_list(step.words[1:], [("-" if item["canceled"] else "") + item["activityId"] for item in
                                   self.server.get("/history/activity-instance", finished="true",
                                                   processInstanceId=self.instance(step))])

    def state(self, step):
        return self.server.get(f"/history/process-instance/{self.instance(step)}")["state"]

    def expect_ended(self, step):
        if self.state(step) != "COMPLETED":
            raise Wrong(f"expected state COMPLETED, got {self.state(step)}")

    def expect_state(self, step):
        if self.state(step) != step.word(1):
            raise Wrong(f"expected state {step.word(1)}, got {self.state(step)}")

    def variables(self, step):
        instance = self.instance(step)
        return {item["name"]: plain(item) for item in
                self.server.get("/history/variable-instance", processInstanceId=instance)
                if item["activityInstanceId"] == instance}

    def expect_variables(self, step):
        there = self.variables(step)
        for name, value in entries_of(step.words[1:]).items():
            got = as_json(there[name]) if name in there else "nothing"
            if got != as_json(value):
                raise Wrong(f"expected {name}={as_json(value)}, got {got}")

    def expect_absent(self, step):
        there = self.variables(step)
        for name in step.words[1:]:
            if name in there:
                raise Wrong(f"expected no variable {name}, got one")

    def expect_fetched(self, step, properties=False):
        wanted = entries_of(step.words[2:])
        for task in self.fetched:
            there = task["extensionProperties"] if properties else \
                {name: plain(variable) for name, variable in task["variables"].items()}
            if task["activityId"] == step.word(1) and within(wanted, there):
                return
        raise Wrong(f"expected a fetched task at {step.word(1)} with these "
                    f"{'properties' if properties else 'variables'}, got none")

    def expect_properties(self, step):
        self.expect_fetched(step, properties=True)

    @staticmethod
    def fields(step, there):
        for name, value in entries_of(step.words[2:]).items():
            if name not in there:
                raise Wrong(f"there is no field {name}")
            if as_json(there[name]) != as_json(value):
                raise Wrong(f"expected {name}={as_json(value)}, got {as_json(there[name])}")

    def expect_task(self, step):
        element = step.word(1)
        for task in self.externals(step, element):
            return self.fields(step, task)
        for task in self.humans(step, element):
            wanted = entries_of(step.words[2:])
            for field, query in (("users", "candidateUser"), ("groups", "candidateGroup")):
                task[field] = [name for name in wanted.get(field, []) if self.is_offered(task, query, name)]
            return self.fields(step, task)
        raise Wrong(f"expected a task at {element}, got none")

    def is_offered(self, task, query, name):
        """As a task list asks."""
        found = self.server.get("/task", **{query: name}, processInstanceId=task["processInstanceId"])
        return any(task["id"] == other["id"] for other in found)

    def expect_job(self, step):
        self.fields(step, self.job(step, step.word(1)))

    def expect_definition(self, step):
        self.fields(step, self.server.get(f"/process-definition/{self.definitions[step.word(1)]}"))


def tell_folder(url, folder, drivers):
    """[(title, word, what is wrong)] of all stories of a folder; the word is "ok", "not ok" or "skip"."""
    results = []
    try:
        stories = read_stories(folder / "story")
    except (Wrong, OSError) as wrong:
        return [("story", "not ok", str(wrong))]
    server = Server(url)
    for title, steps in stories:
        if not any(step.only is None or step.only in drivers for step in steps):
            results.append((title, "skip", "not for this driver"))
            continue
        teller, step, wrong = Teller(server, folder, drivers), steps[0], None
        try:
            try:
                for step in steps:
                    teller.step(step)
            finally:
                teller.clean()
        except (Wrong, Refused, OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            text = str(error) if isinstance(error, (Wrong, Refused)) else repr(error)
            wrong = f"line {step.line}: {step.verb}: {text}"
            server = Server(url)
        results.append((title, "not ok" if wrong else "ok", wrong))
    return results


# --- a daemon of our own

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    def __init__(self, program, settings):
        self.data = tempfile.mkdtemp(prefix="stories-")
        os.chmod(self.data, 0o755)      # PostgreSQL may run as another account; it closes its own folder
        self.ready = False
        self.log = open(os.path.join(self.data, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [program, "dev", "--data", os.path.join(self.data, "data"), "--listen", f"127.0.0.1:{free_port()}",
             "--set", "executor=off", *(word for setting in settings for word in ("--set", setting))], stdout=subprocess.PIPE, stderr=self.log, text=True)

    def await_ready(self, seconds=60):
        """The URL in its ready line."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not select.select([self.process.stdout], [], [], end - time.monotonic())[0]:
                break
            line = self.process.stdout.readline()
            found = re.search(r"ready at (\S+)", line)
            if found and self.is_active(found.group(1), end):
                self.ready = True
                return found.group(1)
            if not line:
                break
        raise Wrong("bpmnd did not become ready: " + self.tail().strip())

    @staticmethod
    def is_active(url, end):
        """It listens before it owns its database: until then it answers 503."""
        server = Server(url.replace("/engine-rest", ""))
        while time.monotonic() < end:
            try:
                if server.get("/health")["state"] == "active":
                    return True
            except Refused:
                pass
            time.sleep(0.02)
        return False

    def tail(self):
        self.log.flush()
        self.log.seek(0)
        return "".join(self.log.readlines()[-20:])

    def stop(self):
        """What is wrong with how it ended, or None."""
        wrong = None
        self.process.send_signal(signal.SIGTERM)
        try:
            if self.process.wait(30) != 0 and self.ready:
                wrong = f"bpmnd ended with {self.process.returncode}: {self.tail()}"
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            wrong = "bpmnd did not end within 30 s of SIGTERM: " + self.tail()
        self.log.close()
        shutil.rmtree(self.data, ignore_errors=True)
        return wrong


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--url", "--oracle")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("folders", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    root = pathlib.Path(__file__).resolve().parents[2] / "processes"
    folders = args.folders or sorted(path for path in root.iterdir() if path.is_dir())
    folders = [folder.resolve() for folder in folders]
    program = os.environ.get("BPMND")
    if not args.url and not program:
        parser.error("neither --url nor $BPMND")

    daemon = None if args.url else Daemon(program, args.settings)
    counts = {"ok": 0, "not ok": 0, "skip": 0}
    try:
        url = args.url or daemon.await_ready()
        drivers = {"oracle"} if args.url else {"wire", "bpmnd"}
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            told = pool.map(lambda folder: tell_folder(url, folder, drivers), folders)
            for folder, results in zip(folders, told):
                for title, word, note in results:
                    print(f"{word} {folder.name}: {title}{': ' + note if note else ''}", flush=True)
                    counts[word] += 1
    except Wrong as wrong:
        print(f"not ok {wrong}")
        counts["not ok"] += 1
    finally:
        wrong = daemon.stop() if daemon else None
        if wrong:
            print(f"not ok {wrong}")
            counts["not ok"] += 1
    print(f"{counts['ok']} passed, {counts['not ok']} failed, {counts['skip']} skipped")
    return 1 if counts["not ok"] else 0


if __name__ == "__main__":
    sys.exit(main())
