#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""raw.py BASE: sends what the JavaScript and the Python client send, byte for byte, and holds the replies against what
those clients rely on: status, headers and the order of keys are as in Camunda 7.  BASE is like http://127.0.0.1:8080.
"""
import itertools
import json
import os
import re
import socket
import sys
import time
import urllib.parse

from cases import case, run, same

REST = "/engine-rest"
SECONDS = 10
DATE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000"
ID = r"[1-9][0-9]*"

JS = {"user-agent": "got (https://github.com/sindresorhus/got)", "accept-encoding": "gzip, deflate, br",
      "connection": "keep-alive"}
PYTHON = {"User-Agent": "python-requests/2.32.5", "Accept-Encoding": "gzip, deflate", "Accept": "*/*",
          "Connection": "keep-alive", "Content-Type": "application/json"}


class Reply:
    """status_line, headers (as pairs, as they came) and body, all bytes but the headers' text."""

    def __init__(self, file):
        self.status_line = file.readline()
        self.headers = []
        for line in iter(file.readline, b"\r\n"):
            name, colon, value = line.decode("ascii").partition(": ")
            if not colon or not value.endswith("\r\n"):
                raise AssertionError(f"a header line is {line!r}")
            self.headers.append((name, value[:-2]))
        self.body = file.read(int(self.header("Content-Length") or 0))

    def header(self, name):
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self):
        return json.loads(self.body)


class Server:
    """One connection, kept alive over all requests as the clients do: a reply that is longer or shorter than it says
    spoils the next one."""

    def __init__(self, base):
        parts = urllib.parse.urlsplit(base)
        self.address = parts.hostname, parts.port
        self.host = parts.netloc
        self.connect()

    def connect(self):
        self.socket = socket.create_connection(self.address, SECONDS)
        self.file = self.socket.makefile("rb")

    def send(self, method, path, headers, body):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body is not None:
            lines.append(f"Content-Length: {len(body)}")
        self.socket.sendall("\r\n".join(lines + ["", ""]).encode() + (body or b""))

    def ask(self, method, path, headers, body=None):
        self.send(method, REST + path, headers, body)
        return Reply(self.file)

    def js(self, path, value):
        """A POST of the JavaScript client."""
        return self.ask("POST", path, {**JS, "content-type": "application/json"}, compact(value))

    def python(self, path, value, method="POST"):
        return self.ask(method, path, PYTHON, json.dumps(value).encode())

    def python_get(self, path):
        return self.ask("GET", path, PYTHON)


def compact(value):
    return json.dumps(value, separators=(",", ":")).encode()


topics = (f"raw-{os.getpid()}-{number}" for number in itertools.count(1))


class Instance:
    """One of the process `calls`, waiting at an external task with a topic of its own."""

    def __init__(self, server, **variables):
        self.server, self.topic = server, next(topics)
        variables["topic"] = {"value": self.topic, "type": "String"}
        reply = server.python("/process-definition/key/calls/start", {"variables": variables, "businessKey": "raw"})
        self.id, self.definition = reply.json()["id"], reply.json()["definitionId"]

    def fetch(self, worker="raw", **extra):
        topic = {"topicName": self.topic, "lockDuration": 50000, **extra}
        return self.server.js("/external-task/fetchAndLock", {
            "maxTasks": 10, "usePriority": True, "asyncResponseTimeout": 1000, "topics": [topic], "workerId": worker})

    def task(self):
        return self.fetch().json()[0]["id"]


# ---- what every reply of a kind has in common ----------------------------------------------------------------------

def is_json(reply, status_line, pattern, cached=False):
    """The reply as a whole: its line, its headers and no others, and the body by a pattern."""
    same(reply.status_line, status_line, "the status line")
    same(reply.header("Content-Type"), "application/json", "Content-Type")
    others = {name for name, _ in reply.headers} - {"Date", "Content-Type", "Content-Length"}
    same(others, {"Cache-Control"} if cached else set(), "the set of other headers")
    if not re.fullmatch(pattern, reply.body.decode()):
        raise AssertionError(f"the body is {reply.body.decode()}, not {pattern}")


def is_ok(reply, pattern, cached=False):
    is_json(reply, b"HTTP/1.1 200 OK\r\n", pattern, cached)


def is_error(reply, status_line, body):
    is_json(reply, b"HTTP/1.1 " + status_line + b"\r\n", re.escape(body))


def is_empty(reply):
    same(reply.status_line, b"HTTP/1.1 204 No Content\r\n", "the status line")
    same({name for name, _ in reply.headers}, {"Date"}, "the set of headers")


def exactly(text, **patterns):
    """A pattern of a text in which <name> stands for one of the patterns."""
    known = {"id": ID, "date": DATE, **patterns}
    return re.sub("<([a-z]+)>", lambda found: known[found.group(1)], re.escape(text))


TASK = ('{"activityId":"call","activityInstanceId":"call:<id>","errorMessage":null,"errorDetails":null,'
        '"executionId":"<id>","id":"<id>","lockExpirationTime":"<date>","createTime":"<date>",'
        '"processDefinitionId":"<definition>","processDefinitionKey":"calls","processDefinitionVersionTag":"1.0",'
        '"processInstanceId":"<instance>","retries":null,"suspended":false,"workerId":"raw","topicName":"<topic>",'
        '"tenantId":null,"variables":<variables>,"priority":7,"businessKey":"raw",'
        '"extensionProperties":<properties>}')


def task_pattern(instance, variables, properties="{}"):
    return exactly(f"[{TASK}]", definition=re.escape(instance.definition), instance=instance.id, topic=instance.topic,
                   variables=re.escape(variables), properties=re.escape(properties))


# ---- the JavaScript client -----------------------------------------------------------------------------------------

@case("an empty fetch is []")
def _(server):
    body = {"maxTasks": 10, "usePriority": True, "topics": [{"topicName": "nobody", "lockDuration": 50000}],
            "workerId": "some-random-id"}
    is_ok(server.js("/external-task/fetchAndLock", body), r"\[\]")


@case("a fetched task has all its 21 keys, and type before value")
def _(server):
    instance = Instance(server, b={"value": True, "type": "boolean"}, a={"value": "ü\"\\/", "type": "string"})
    reply = instance.fetch(variables=["a", "b"])
    a = '"a":{"type":"String","value":"ü\\"\\\\/","valueInfo":{}}'
    b = '"b":{"type":"Boolean","value":true,"valueInfo":{}}'
    either = "|".join(task_pattern(instance, variables) for variables in (f"{{{a},{b}}}", f"{{{b},{a}}}"))
    is_ok(reply, f"(?:{either})")


@case("extension properties come when they are asked for")
def _(server):
    instance = Instance(server)
    is_ok(instance.fetch(variables=[], includeExtensionProperties=True),
          task_pattern(instance, "{}", '{"currency":"EUR"}'))


TYPED = {
    "string": ("string", "x", '{"type":"String","value":"x","valueInfo":{}}'),
    "integer": ("integer", 7, '{"type":"Integer","value":7,"valueInfo":{}}'),
    "long": ("long", 5000000000, '{"type":"Long","value":5000000000,"valueInfo":{}}'),
    "double": ("double", 2.5, '{"type":"Double","value":2.5,"valueInfo":{}}'),
    "boolean": ("boolean", False, '{"type":"Boolean","value":false,"valueInfo":{}}'),
    "null": ("null", None, '{"type":"Null","value":null,"valueInfo":{}}'),
    "date": ("date", "2026-01-02T03:04:05.678+0000",
             '{"type":"Date","value":"2026-01-02T03:04:05.678+0000","valueInfo":{}}'),
    "json": ("json", '{"no":7}', '{"type":"Json","value":"{\\"no\\":7}","valueInfo":{}}'),
}


@case("complete with every type of the client, and each comes back with its type first")
def _(server):
    instance = Instance(server)
    variables = {name: {"type": kind, "value": value, "valueInfo": {}} for name, (kind, value, _) in TYPED.items()}
    is_empty(server.js(f"/external-task/{instance.task()}/complete", {
        "workerId": "raw", "variables": variables, "localVariables": {"inner": variables["integer"]}}))
    for name, (_, _, text) in TYPED.items():
        is_ok(server.python_get(f"/process-instance/{instance.id}/variables/{name}?deserializeValue=false"),
              re.escape(text), cached=True)
    is_ok(server.python_get(f"/process-instance/{instance.id}/variables/copied"), re.escape(TYPED["integer"][2]), True)


@case("a transient variable is not kept")
def _(server):
    instance = Instance(server)
    is_empty(server.js(f"/external-task/{instance.task()}/complete", {"workerId": "raw", "variables": {
        "gone": {"type": "integer", "value": 1, "valueInfo": {"transient": True}}}}))
    reply = server.python_get(f"/process-instance/{instance.id}/variables/gone")
    same(reply.status_line, b"HTTP/1.1 404 Not Found\r\n")


@case("failure, bpmnError, lock and extendLock answer 204 without a content type")
def _(server):
    instance = Instance(server)
    path = f"/external-task/{instance.task()}"
    is_empty(server.js(f"{path}/extendLock", {"newDuration": 60000, "workerId": "raw"}))
    is_empty(server.js(f"{path}/lock", {"lockDuration": 60000, "workerId": "raw"}))
    is_empty(server.js(f"{path}/failure", {"errorMessage": "m", "errorDetails": "d", "retries": 1, "retryTimeout": 0,
                                           "workerId": "raw"}))
    is_empty(server.js(f"{path}/bpmnError", {"errorCode": "REFUSED", "workerId": "raw", "errorMessage": "no"}))


@case("unlock with no body and no content type, with null and with {}")
def _(server):
    instance = Instance(server)
    path = f"/external-task/{instance.task()}/unlock"
    is_empty(server.ask("POST", path, {**JS, "Content-Length": "0"}))
    for body in (b"null", b"{}"):
        instance.task()
        is_empty(server.ask("POST", path, {**JS, "content-type": "application/json"}, body))


@case("a failure without retries, where the model has no cycle, is an incident")
def _(server):
    instance = Instance(server)
    task = instance.task()
    is_empty(server.js(f"/external-task/{task}/failure", {"errorMessage": "m", "workerId": "raw"}))
    incidents = server.python_get(f"/incident?processInstanceId={instance.id}").json()
    same([(item["incidentType"], item["configuration"], item["incidentMessage"]) for item in incidents],
         [("failedExternalTask", task, "m")])


@case("a file is downloaded by the paths of the clients; its misspelt mimetype is not kept")
def _(server):
    for encoding, media in ((None, ""), ("UTF-8", ";charset=UTF-8")):
        info = {"filename": "report.txt", **({"encoding": encoding} if encoding else {})}
        instance = Instance(server, file={"type": "file", "value": "aGVsbG8A/w==",
                                          "valueInfo": {**info, "mimetype": "text/plain"}})
        task = instance.fetch(variables=["file"]).json()[0]
        same(task["variables"]["file"], {"type": "File", "value": None, "valueInfo": info})
        for path in (f"/execution/{instance.id}/localVariables", f"/process-instance/{task['executionId']}/variables"):
            reply = server.ask("GET", f"{path}/file/data", JS)
            same(reply.status_line, b"HTTP/1.1 200 OK\r\n")
            same(reply.body, b"hello\0\xff", "the file")
            same(reply.header("Content-Type"), "application/octet-stream" + media, "Content-Type")
            same(reply.header("Content-Disposition"),
                 "attachment; filename=\"report.txt\"; filename*=UTF-8''report.txt")


@case("errors are JSON objects, word for word")
def _(server):
    instance = Instance(server)
    task = instance.task()
    is_error(server.js(f"/external-task/{task}/complete", {"workerId": "other"}), b"400 Bad Request",
             f'{{"type":"RestException","message":"External Task {task} cannot be completed by worker \'other\'. '
             'It is locked by worker \'raw\'.","code":0}')
    is_error(server.js("/external-task/1/complete", {"workerId": "raw"}), b"404 Not Found",
             '{"type":"RestException","message":"External task with id 1 does not exist","code":0}')
    is_error(server.js("/external-task/fetchAndLock", {"workerId": "raw", "maxTasks": 1, "topics": [],
                                                       "asyncResponseTimeout": 1800001}), b"400 Bad Request",
             '{"type":"InvalidRequestException","message":"The asynchronous response timeout cannot be set to a value '
             'greater than 1800000 milliseconds","code":null}')


@case("a client that has gone during its long poll gets no lock")
def _(server):
    topic = next(topics)
    gone = Server(f"http://{server.host}")
    body = {"maxTasks": 1, "asyncResponseTimeout": 30000, "workerId": "gone",
            "topics": [{"topicName": topic, "lockDuration": 50000}]}
    gone.send("POST", REST + "/external-task/fetchAndLock", {**JS, "content-type": "application/json"}, compact(body))
    gone.file.close()
    gone.socket.close()
    variables = {"topic": {"value": topic}}
    server.python("/process-definition/key/calls/start", {"variables": variables})
    fetched = server.js("/external-task/fetchAndLock", {**body, "workerId": "stays"}).json()
    same([task["workerId"] for task in fetched], ["stays"])


# ---- the Python client ---------------------------------------------------------------------------------------------

def python_fetch(topic, timeout=30000):
    return {"workerId": "raw", "maxTasks": 1, "topics": [
        {"topicName": topic, "lockDuration": 300000, "processVariables": {}, "includeExtensionProperties": True,
         "deserializeValues": True, "variables": None}], "asyncResponseTimeout": timeout, "usePriority": False,
        "sorting": None}


@case("its fetch gets objects inline")
def _(server):
    instance = Instance(server, m={"value": {"k": [1, None, "é"]}})
    reply = server.python("/external-task/fetchAndLock", python_fetch(instance.topic))
    topic = f'"topic":{{"type":"String","value":"{instance.topic}","valueInfo":{{}}}}'
    inner = '"inner":{"type":"Null","value":null,"valueInfo":{}}'
    task = reply.json()[0]
    same(task["variables"]["m"]["value"], {"k": [1, None, "é"]})
    same(list(task["variables"]["m"]), ["type", "value", "valueInfo"])
    same(task["variables"]["m"]["type"], "Object")
    same(sorted(task["variables"]["m"]["valueInfo"]), ["objectTypeName", "serializationDataFormat"])
    for text in (topic, inner, '"extensionProperties":{"currency":"EUR"}'):
        same(text in reply.body.decode(), True, f"that {text} is in it")


@case("its long poll ends with [] and not before its time")
def _(server):
    began = time.monotonic()
    is_ok(server.python("/external-task/fetchAndLock", python_fetch("nobody", 700)), r"\[\]")
    same(0.65 <= time.monotonic() - began < 3, True, f"that {time.monotonic() - began} s are about 0.7 s")


@case("complete with untyped values")
def _(server):
    instance = Instance(server)
    is_empty(server.python(f"/external-task/{instance.task()}/complete", {
        "workerId": "raw", "variables": {"a": {"value": 1}, "d": {"value": {"k": [1]}}}, "localVariables": {}}))
    is_ok(server.python_get(f"/process-instance/{instance.id}/variables/a"),
          re.escape('{"type":"Integer","value":1,"valueInfo":{}}'), True)
    reply = server.python_get(f"/process-instance/{instance.id}/variables/d").json()
    same((list(reply), reply["type"], reply["value"]), (["type", "value", "valueInfo"], "Object", {"k": [1]}))


@case("failure and bpmnError")
def _(server):
    instance = Instance(server)
    path = f"/external-task/{instance.task()}"
    is_empty(server.python(f"{path}/failure", {"workerId": "raw", "errorMessage": "m", "retries": 3, "retryTimeout": 0,
                                               "errorDetails": "d"}))
    same(server.python_get(path).json()["retries"], 3)
    is_empty(server.python(f"{path}/bpmnError", {"workerId": "raw", "errorCode": "REFUSED", "errorMessage": "why not",
                                                 "variables": {"at": {"value": "noon"}}}))
    for name, value in (("why", "why not"), ("at", "noon")):
        is_ok(server.python_get(f"/process-instance/{instance.id}/variables/{name}"),
              re.escape(f'{{"type":"String","value":"{value}","valueInfo":{{}}}}'), True)


INSTANCE = ('"id":"<instance>","definitionId":"<definition>","businessKey":"raw","caseInstanceId":null,"ended":false,'
            '"suspended":false,"tenantId":null,"definitionKey":"calls"')


@case("start by key and by id")
def _(server):
    definition = Instance(server).definition
    for path in ("key/calls", definition):
        reply = server.python(f"/process-definition/{path}/start", {
            "variables": {"topic": {"value": next(topics)}}, "businessKey": "raw"})
        href = f"http://{server.host}/engine-rest/process-instance/<instance>"
        links = f'{{"links":[{{"method":"GET","href":"{href}","rel":"self"}}],'
        is_ok(reply, exactly(links + INSTANCE + "}", instance=ID, definition=re.escape(definition)))


@case("the definition by key and version tag")
def _(server):
    definition = Instance(server).definition
    reply = server.python_get("/process-definition?key=calls&versionTagLike=1.0%25&sortBy=version&sortOrder=desc"
                              "&firstResult=0&maxResults=1")
    is_ok(reply, exactly(
        '[{"id":"<definition>","key":"calls","category":"http://bpmnd.example/tests","description":null,'
        '"name":"Calls of the clients","version":<id>,"resource":"calls.bpmn","deploymentId":"<id>","diagram":null,'
        '"suspended":false,"tenantId":null,"versionTag":"1.0","historyTimeToLive":1,"startableInTasklist":true}]',
        definition=re.escape(definition)), cached=True)


@case("an instance by a variable")
def _(server):
    instance = Instance(server)
    reply = server.python_get(f"/process-instance?processDefinitionKey=calls&variables=topic_eq_{instance.topic}")
    is_ok(reply, exactly('[{"links":[],' + INSTANCE + "}]", instance=instance.id,
                         definition=re.escape(instance.definition)), cached=True)


@case("jobs, and setting the retries of one")
def _(server):
    instance = Instance(server)
    query = f"firstResult=0&maxResults=1&sortBy=jobDueDate&sortOrder=desc&processInstanceId={instance.id}"
    reply = server.python_get(f"/job?{query}")
    is_ok(reply, exactly(
        '[{"id":"<id>","jobDefinitionId":"<any>","processInstanceId":"<instance>","processDefinitionId":"<definition>",'
        '"processDefinitionKey":"calls","executionId":"<id>","exceptionMessage":null,"failedActivityId":null,'
        '"retries":3,"dueDate":"<date>","suspended":false,"priority":0,"tenantId":null,'
        '"createTime":"<date>","batchId":null}]',
        instance=instance.id, definition=re.escape(instance.definition), any='[^"]+'), cached=True)
    job = reply.json()[0]["id"]
    is_empty(server.python(f"/job/{job}/retries", {"retries": 1}, "PUT"))
    same(server.python_get(f"/job/{job}").json()["retries"], 1)


@case("a variable and its data")
def _(server):
    instance = Instance(server, bytes={"type": "Bytes", "value": "AAH/"})
    is_ok(server.python_get(f"/process-instance/{instance.id}/variables/bytes"),
          re.escape('{"type":"Bytes","value":"AAH/","valueInfo":{}}'), True)
    reply = server.python_get(f"/process-instance/{instance.id}/variables/bytes/data")
    same((reply.status_line, reply.header("Content-Type"), reply.body),
         (b"HTTP/1.1 200 OK\r\n", "application/octet-stream", b"\0\1\xff"))


@case("what is not there, or not so, is refused with a JSON object")
def _(server):
    def refused(reply, status):
        same(reply.status_line.split()[1], status)
        same(reply.header("Content-Type"), "application/json")
        same(sorted(reply.json()), ["code", "message", "type"])

    refused(server.python_get("/no-such-resource"), b"404")
    refused(server.python("/external-task/fetchAndLock", {}, "DELETE"), b"405")
    refused(server.ask("POST", "/external-task/fetchAndLock", {"Content-Type": "text/plain"}, b"{}"), b"415")
    refused(server.ask("POST", "/external-task/fetchAndLock", PYTHON, b"{"), b"400")
    refused(server.python_get("/process-instance/1"), b"404")


def deploy(server, name, xml):
    """The deployment's id."""
    body = (f'--b\r\nContent-Disposition: form-data; name="deployment-name"\r\n\r\n{name}\r\n'
            f'--b\r\nContent-Disposition: form-data; name="data"; filename="{name}.bpmn"\r\n\r\n{xml}\r\n--b--\r\n')
    headers = {**PYTHON, "Content-Type": "multipart/form-data; boundary=b"}
    return server.ask("POST", "/deployment/create", headers, body.encode()).json()["id"]


@case("a start follows its definition at once")
def _(server):
    def start():
        return server.python("/process-definition/key/follows/start", {}).json()

    def version():
        return start()["definitionId"].split(":")[1]

    def suspend(suspended):
        is_empty(server.python("/process-definition/key/follows/suspended", {"suspended": suspended}, "PUT"))

    xml = ('<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="urn:follows">'
           '<process id="follows" isExecutable="true"><startEvent id="s{0}"/></process></definitions>')
    deploy(server, "follows", xml.format(1))
    same([version(), version()], ["1", "1"])
    second = deploy(server, "follows", xml.format(2))
    same([version(), version()], ["2", "2"])
    suspend(True)
    same(start()["type"], "RestException")
    suspend(False)
    same(version(), "2")
    is_empty(server.ask("DELETE", f"/deployment/{second}?cascade=true", PYTHON))
    same(version(), "1")


if __name__ == "__main__":
    sys.exit(1 if run("raw", Server(sys.argv[1])) else 0)
