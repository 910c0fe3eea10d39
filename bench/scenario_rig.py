# SPDX-License-Identifier: Apache-2.0
"""What the scenarios share: reports with targets, daemons that can be killed, sides to compare, connections, history.

A scenario is a function(report, size, postgres).  It measures, notes figures and targets in the report, and faults when
something was wrong: an error that a worker saw, a count that is not what it must be, a daemon that did not end well."""
import concurrent.futures
import json
import os
import select
import shutil
import signal
import socket
import statistics
import tempfile
import time

import rig
from trial import tasks_of

LOCK_MS = 600_000       # longer than any scenario
MOST_TASKS = 1000       # of one fetch


# ---- sizes and reports -----------------------------------------------------------------------------------------------


class Size:
    """How much of everything: as the targets say, or a tenth of it for a smoke test."""

    def __init__(self, quick):
        self.quick = quick
        self.pairs = 1 if quick else 5
        self.seconds = 1.5 if quick else 4
        self.warm_up = 0.5 if quick else 1
        self.in_flight = 640 if quick else None     # instances of 64 workers that the driver keeps open

    def count(self, number):
        return number // 10 if self.quick else number


class Report:
    """What a scenario has found, printed as it comes."""

    def __init__(self, name):
        self.name = name
        self.figures, self.targets, self.faults = [], [], []

    def figure(self, what, value, unit="", detail=None):
        """A measured number; `detail` is for the JSON file alone."""
        self.figures.append({"what": what, "value": value, "unit": unit, "detail": detail})
        print(f"  {what:<56}{shown(value):>12} {unit}", flush=True)

    def at_most(self, what, value, must, aim, unit=""):
        self._target(what, value, must, aim, unit, "<=", value <= must, value <= aim)

    def at_least(self, what, value, must, aim, unit=""):
        self._target(what, value, must, aim, unit, ">=", value >= must, value >= aim)

    def _target(self, what, value, must, aim, unit, sign, reached, aimed):
        self.targets.append({"what": what, "value": value, "unit": unit, "must": f"{sign} {must}",
                             "aim": f"{sign} {aim}", "reached": reached, "aimed": aimed})
        verdict = "aim reached" if aimed else "reached" if reached else "MISS"
        print(f"  {what:<56}{shown(value):>12} {unit:<3} must {sign} {must}, aim {sign} {aim}: {verdict}", flush=True)

    def fault(self, text):
        self.faults.append(text)
        print(f"  FAULT {text}", flush=True)

    def verdict(self):
        """The line that sums it up."""
        missed = [target for target in self.targets if not target["reached"]]
        aims = sum(target["aimed"] for target in self.targets)
        if self.faults:
            return f"FAILED {self.name}: {self.faults[0]}"
        if missed:
            return f"MISS {self.name}: " + ", ".join(
                f"{target['what']} {shown(target['value'])} {target['unit']}".strip() + f" (must {target['must']})"
                for target in missed)
        return f"ok {self.name}: {len(self.targets)} of {len(self.targets)} reached, {aims} of them with their aim"

    def result(self):
        return {"figures": self.figures, "targets": self.targets, "faults": self.faults}


def shown(value):
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.3g}"


def percentile(values, share):
    """The smallest of them that is not less than that share of all; values in any order, at least one."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


# ---- daemons ---------------------------------------------------------------------------------------------------------


class Daemon(rig.Peer):
    """bpmnd without a script around it, so that it can be killed and the time of its start is its own."""

    def __init__(self, postgres, database, settings):
        super().__init__("bpmnd", postgres, database, settings)
        self.base = "/engine-rest"

    def command(self):
        command = [os.environ.get("BPMND", str(rig.BUILD / "bpmnd")), "serve", "--database",
                   self.postgres.conninfo(self.database), "--listen", f"{self.host}:{self.port}"]
        return command + [word for name, value in self.settings.items() for word in ("--set", f"{name}={value}")]

    def launch(self):
        self.spawn()
        self.pid = self.process.pid

    def await_ready(self):
        said = select.select([self.process.stdout], [], [], 60)[0]
        if not said or "is ready at" not in self.process.stdout.readline():
            raise rig.Failure(f"bpmnd does not start:\n{self.log_tail()}")

    def start(self):
        """Starts it; the seconds from exec to the line that says that it is ready."""
        began = time.monotonic()
        self.launch()
        self.await_ready()
        return time.monotonic() - began

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.stop()


class Side:
    """A daemon on a database of its own, and what its workers were told by all loads: one side of a comparison."""
    # Copied history has ids below those that a part begins with (store/sql.def, part_make).
    OWN_IDS = f"id & {2 ** 55 - 1} >= {2 ** 32}"

    def __init__(self, report, postgres, database, **settings):
        self.report, self.postgres, self.database = report, postgres, database
        self.daemon = Daemon(postgres, database, settings)
        self.folder = tempfile.mkdtemp(prefix="bench-ledger-")
        self.ledger = os.path.join(self.folder, "all")
        open(self.ledger, "w").close()

    def __enter__(self):
        try:
            self.postgres.create(self.database)
            self.daemon.start()
        except BaseException:
            self._clean()
            raise
        return self

    def __exit__(self, kind, *exception):
        try:
            if kind is None:
                self._check()
        finally:
            self._clean()

    def _check(self):
        """What must hold in the end, whatever was measured."""
        failed = self.daemon.metrics()["bpmnd_batches_failed"]
        if failed:
            self.report.fault(f"{self.database}: {failed:.0f} transactions were rolled back")
        ledger = (rig.HERE / "peers" / "bpmnd" / "ledger.sql").read_text().strip()
        found = rig.compare_ledger(self.postgres, self.database, self.ledger, f"{ledger} and {self.OWN_IDS}")
        if not found["match"]:
            self.report.fault(f"{self.database}: the ledger does not match: {found}")
        code = self.daemon.stop()
        if code != 0:
            self.report.fault(f"{self.database}: bpmnd ended with {code}")

    def _clean(self):
        self.daemon.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.postgres.drop(self.database)

    def query(self, sql):
        return self.postgres.query(sql, self.database)

    def memory_mb(self):
        return rig.memory_kb(self.daemon.pid)["rss_kb"] / 1024

    def restart(self):
        """The seconds of the new start."""
        if self.daemon.stop() != 0:
            self.report.fault(f"{self.database}: bpmnd did not end well")
        return self.daemon.start()

    def deploy(self, *workloads):
        for workload in workloads:
            self.daemon.deploy(workload)

    def deploy_fan(self, name, elements):
        """mi100 as process and topic `name`, with so many elements."""
        xml = (rig.HERE / "workloads" / "mi100.bpmn").read_text()
        self.daemon.deploy_xml(name, xml.replace("mi100", name).replace(">100<", f">{elements}<"))

    def load(self, workload, **options):
        """One load of the driver to its end: its JSON object, and "rate" of completions and their "cpu" in bpmnd and
        PostgreSQL in us, over the whole load."""
        one = os.path.join(self.folder, "one")
        clock = rig.ProcessClock({"engine": self.daemon.pid, "postgres": self.postgres.pid})
        load = rig.drive(self.daemon, workload, ledger=one, **options)
        spent = clock.read()
        load["rate"] = load["completions"] / max(load["seconds"], 0.001)
        load["cpu"] = (spent["engine_us"] + spent["postgres_us"]) / max(load["completed_total"], 1)
        with open(one, "rb") as acknowledged, open(self.ledger, "ab") as all_of_them:
            shutil.copyfileobj(acknowledged, all_of_them)
        errors = {answer: number for answer, number in load["answers"].items() if answer != "2xx" and number > 0}
        if errors:
            self.report.fault(f"{self.database} {workload}: answers other than 2xx: {errors}")
        if not load["drained"]:
            self.report.fault(f"{self.database} {workload}: not all was worked off")
        return load

    def start(self, workload, count):
        """So many instances, and the start is all that happens to them."""
        load = self.load(workload, only="start", count=count, seconds=600)
        if load["started_total"] < count:
            self.report.fault(f"{self.database} {workload}: {load['started_total']} of {count} instances started")

    def work_off(self, workload, count):
        """Instances that wait, to their end."""
        self.load(workload, only="work", count=count * tasks_of()[workload], seconds=600, workers=1)

    def acknowledge(self, tasks):
        """Completions that were not made by the driver."""
        with open(self.ledger, "a") as ledger:
            ledger.writelines(f"{task}\n" for task in tasks)


def in_turn(count, first, second):
    """Calls the two so many times, (first, second), (second, first), ...: lists of what each returned.  What else the
    machine does at the time meets both."""
    results = {first: [], second: []}
    for i in range(count):
        for measure in (first, second) if i % 2 == 0 else (second, first):
            results[measure].append(measure())
    return results[first], results[second]


def median_ratio(ones, others):
    """The median over pairs of one/other."""
    return statistics.median(one / other for one, other in zip(ones, others))


def compare_loads(report, what, names, loads, must=None, aim=None):
    """What two sides reached in turn, as lists of what Side.load() returned; a target is for second/first."""
    rates, costs = ([[load[key] for load in side] for side in loads] for key in ("rate", "cpu"))
    for name, rate, cost in zip(names, rates, costs):
        report.figure(f"{what}: {name}, median", statistics.median(rate), "completions/s", rate)
        report.figure(f"{what}: {name}, CPU of bpmnd and PostgreSQL", statistics.median(cost), "us/completion", cost)
    ratio = median_ratio(rates[1], rates[0])
    if must is None:
        report.figure(f"{what}: {names[1]}/{names[0]}", ratio)
    else:
        report.at_least(f"{what}: {names[1]}/{names[0]}", ratio, must, aim)


# ---- connections -----------------------------------------------------------------------------------------------------


class Connection:
    """A keep-alive connection to a daemon; one request at a time."""

    def __init__(self, daemon, seconds=60):
        self.socket = socket.create_connection((daemon.host, daemon.port), timeout=seconds)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.base = daemon.base
        self.received = b""

    def send(self, path, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = (f"POST {self.base}{path} HTTP/1.1\r\nHost: bpmnd\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(data)}\r\n\r\n")
        self.socket.sendall(head.encode() + data)

    def receive(self):
        """Reads once what is there: (status, body as bytes) when the reply is whole, None when it is not yet."""
        block = self.socket.recv(1 << 20)
        if not block:
            raise rig.Failure("bpmnd has closed a connection")
        self.received += block
        head, end, body = self.received.partition(b"\r\n\r\n")
        if not end:
            return None
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if len(body) < length:
            return None
        self.received = b""
        return int(head.split(b" ", 2)[1]), body

    def await_reply(self):
        while True:
            reply = self.receive()
            if reply is not None:
                return reply

    def call(self, path, body):
        """(status, body as bytes)."""
        self.send(path, body)
        return self.await_reply()

    def ask(self, path, body):
        """What an answer of 2xx holds."""
        status, text = self.call(path, body)
        if not 200 <= status < 300:
            raise rig.Failure(f"POST {path} was answered {status}: {text.decode(errors='replace')[:300]}")
        return json.loads(text) if text else None

    def close(self):
        self.socket.close()


class Poller:
    """Many connections, of which the answered ones are wanted."""

    def __init__(self):
        self.epoll = select.epoll()
        self.connections = {}

    def add(self, connection):
        self.connections[connection.socket.fileno()] = connection
        self.epoll.register(connection.socket.fileno(), select.EPOLLIN)

    def replies(self, seconds):
        """[(connection, (status, body))] of those that are whole, once there is something or the time is over."""
        ready = [self.connections[number] for number, _ in self.epoll.poll(seconds, 1024)]
        found = [(connection, connection.receive()) for connection in ready]
        return [(connection, reply) for connection, reply in found if reply is not None]

    def close(self):
        self.epoll.close()
        for connection in self.connections.values():
            connection.close()


def fetch_body(topic, most=1, wait_ms=0, worker="scenario"):
    """The body of a fetchAndLock."""
    return {"workerId": worker, "maxTasks": most, "usePriority": False, "asyncResponseTimeout": wait_ms or None,
            "topics": [{"topicName": topic, "lockDuration": LOCK_MS, "variables": []}]}


def fetch(connection, topic, most=1):
    return connection.ask("/external-task/fetchAndLock", fetch_body(topic, most))


def fetch_many(connection, topic, count):
    """Ids of so many tasks, locked."""
    ids = []
    while len(ids) < count:
        tasks = fetch(connection, topic, min(MOST_TASKS, count - len(ids)))
        if not tasks:
            raise rig.Failure(f"only {len(ids)} of {count} tasks of {topic} are there")
        ids += [task["id"] for task in tasks]
    return ids


def completion_of(task):
    """Path and body that complete it as the driver does."""
    body = {"workerId": "scenario", "variables": {"n": {"value": 5, "type": "Integer"}}}
    return f"/external-task/{task}/complete", json.dumps(body).encode()


# ---- history ---------------------------------------------------------------------------------------------------------


class History:
    """The history of one finished instance, multiplied by SQL: copies with ids of their own, in all parts."""
    TABLES = ("history_activity", "event", "history_process", "history_variable")    # the largest first
    IDS = ("id", "inst", "root", "parent", "scope", "activity")
    TIMES = ("started", "ended", "created", "at", "locked", "root_started")
    PARTS = 256
    SPAN = 128      # ids of one copy; the template must need fewer

    def __init__(self, side):
        """The side has one instance, and it has ended."""
        self.side = side
        (self.root, last), = side.query("select p.id, max(e.id) from history_process p, event e group by p.id")
        if int(last) - int(self.root) >= self.SPAN:
            raise rig.Failure(f"an instance has more than {self.SPAN} ids")

    def multiply(self, count):
        """The rows made."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            return sum(pool.map(lambda table: self._copy(table, count), self.TABLES))

    def _copy(self, table, count):
        per_part = -(-count // self.PARTS)
        columns = [row[0] for row in self.side.query("select column_name from information_schema.columns where "
                                                     f"table_name = '{table}' order by ordinal_position")]
        rows = self.side.postgres.script(
            f"create temp table template as select * from {table};\n"
            f"insert into {table} select {', '.join(map(self._expression, columns))} from (select k, k / {per_part} as "
            f"part, (k / {per_part})::bigint << 55 | (k % {per_part} + 1) * {self.SPAN} as first "
            f"from generate_series(0, {count} - 1) k) k, template t;\n"
            f"select count(*) * {count} from template;\n", self.side.database)
        return int(rows[0][0])

    def _expression(self, column):
        if column == "part":
            return "k.part"
        if column == "business_key":
            return "'copy-' || k.k"
        if column in self.IDS:
            return f"k.first + (t.{column} - {self.root})"
        if column in self.TIMES:
            return f"t.{column} + k.k * interval '1 microsecond'"
        return f"t.{column}"
