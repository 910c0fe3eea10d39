# SPDX-License-Identifier: Apache-2.0
"""Scenarios of those who wait, for tasks or for others' commands; see scenario_rig.py for what a scenario is."""
import json
import math
import random
import resource
import time

import rig
from scenario_rig import Connection, Poller, Side, completion_of, fetch_body, fetch_many, percentile

LONG_MS = 600_000
RENEWAL = "update lane set seen = now()"            # store/sql.def, lane_renew
DEFINITION = "select id, suspended from definition where key"   # by which a start finds its diagram, now and then
FENCE = "with f as (update lane set seq"            # store/sql.def, fence: once in each transaction of a lane
HOUSEKEEPING = ("swept", "p.deleted", "not exists (select from resource")    # store/sweep.c: once a minute


# ---- parked polls ----------------------------------------------------------------------------------------------------


class Parked:
    """Connections with a long poll each."""

    def __init__(self, daemon, topic, count):
        self.daemon, self.topic, self.poller = daemon, topic, Poller()
        self.connections = [Connection(daemon) for _ in range(count)]
        for connection in self.connections:
            self.poller.add(connection)

    def poll(self, wait_ms):
        """Every connection asks; returns when all are parked."""
        for connection in self.connections:
            self.ask_again(connection, wait_ms)
        end = time.monotonic() + 60
        while self.daemon.metrics()["bpmnd_polls_parked"] < len(self.connections):
            if time.monotonic() > end:
                raise rig.Failure("a minute later not all polls are parked")
            time.sleep(0.01)

    def ask_again(self, connection, wait_ms):
        connection.send("/external-task/fetchAndLock", fetch_body(self.topic, 1, wait_ms))

    def answers(self, seconds):
        """[(connection, number of tasks)]; a Failure when one is no 200."""
        found = []
        for connection, (status, text) in self.poller.replies(seconds):
            if status != 200:
                raise rig.Failure(f"a poll was answered {status}: {text.decode(errors='replace')}")
            found.append((connection, text.count(b'"activityInstanceId"')))
        return found

    def await_all(self):
        """Until each was answered, without a task."""
        left, end = len(self.connections), time.monotonic() + 60
        while left > 0:
            found = self.answers(1)
            left -= len(found)
            if sum(tasks for _, tasks in found) > 0 or time.monotonic() > end:
                raise rig.Failure("polls of an empty topic were not answered in time, or with tasks")

    def close(self):
        self.poller.close()


def parked(report, size, postgres):
    """10,000 long polls: memory, waking up, queries while nothing happens"""
    count = size.count(10_000)
    allow_descriptors(count + 200)
    with Side(report, postgres, "parked") as side:
        side.deploy("seq1")
        report.figure("memory, idle", side.memory_mb(), "MB")
        polls = Parked(side.daemon, "seq1", count)
        report.figure(f"memory, {count:,} connections", side.memory_mb(), "MB")
        polls.poll(3000)
        report.at_most(f"memory, {count:,} polls parked for the first time", side.memory_mb(), 100, 60, "MB")
        polls.await_all()
        polls.poll(2000)
        polls.await_all()
        polls.poll(LONG_MS)
        report.at_most(f"memory, {count:,} polls parked for the third time", side.memory_mb(), 100, 60, "MB")
        idle(report, side, 4 if size.quick else 10)
        wake_up(report, side, polls, size.count(1000))
        polls.close()


def allow_descriptors(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < count:
        raise rig.Failure(f"{count} descriptors are needed, and at most {hard} allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))


def idle(report, side, seconds):
    """Statements and CPU while all are parked and nothing happens."""
    counters = rig.Counters(side.postgres, side.database, side.daemon)
    time.sleep(seconds)
    counted = counters.stop()
    renewals = calls(counted, RENEWAL)
    housekeeping = sum(calls(counted, word, inside=True) for word in HOUSEKEEPING)
    others = sum(row["calls"] for row in counted["by_statement"]) - renewals - housekeeping
    report.figure(f"renewals of the lane in {seconds} s", renewals)
    report.figure("statements of the sweep that comes once a minute", housekeeping)
    report.at_most(f"other statements in {seconds} s", others, 0, 0)
    report.figure(f"CPU of bpmnd in {seconds} s", counted["engine_us"] / 1000, "ms")
    if renewals > math.ceil(seconds / 3):
        report.fault(f"{renewals} renewals in {seconds} s: one in 3 s was promised")


def calls(counted, text, inside=False):
    return sum(row["calls"] for row in counted["by_statement"]
               if (text in row["query"] if inside else row["query"].startswith(text)))


def wake_up(report, side, polls, count):
    """Instances are started one by one; from the reply to the start to the reply to the poll that got its task."""
    starter = Connection(side.daemon)
    polls.poller.add(starter)
    waits, whole = [], []
    for _ in range(count):
        began = time.perf_counter()
        starter.send("/process-definition/key/seq1/start", {})
        started = woken = None
        while started is None or woken is None:
            replies = polls.poller.replies(10)
            now = time.perf_counter()
            if not replies:
                raise rig.Failure("an instance was started, and no poll was answered in 10 s")
            for connection, (status, text) in replies:
                if connection is starter:
                    started = now
                elif woken is None and text.count(b'"activityInstanceId"') == 1:
                    woken = now
                    polls.ask_again(connection, LONG_MS)
                else:
                    report.fault(f"a second poll was answered: {status} {text[:200]}")
        waits.append(max(0, woken - started))
        whole.append(woken - began)
    report.figure("waking up, p50", 1000 * percentile(waits, 0.5), "ms")
    report.at_most("waking up, p99", 1000 * percentile(waits, 0.99), 20, 20, "ms")
    report.figure("waking up, max", 1000 * max(waits), "ms")
    report.figure("from sending the start to the task, p50", 1000 * percentile(whole, 0.5), "ms")


# ---- thundering herd -------------------------------------------------------------------------------------------------

WORKERS = 500
ROUNDS = 3


def thundering(report, size, postgres):
    """500 workers wait for an empty topic, and one task appears"""
    with Side(report, postgres, "thunder") as side:
        side.deploy("seq1")
        side.start("seq1", 1)       # what is compiled and prepared once is
        side.work_off("seq1", 1)
        polls = Parked(side.daemon, "seq1", WORKERS)
        polls.poll(LONG_MS)
        starter = Connection(side.daemon)
        rounds = [one_task(report, side, polls, starter) for _ in range(ROUNDS)]
        starter.close()
        polls.close()
    answered, statements, transactions, reads = (max(column) for column in zip(*rounds))
    report.figure("polls answered, at most", answered)
    report.figure("statements, renewals of the lane left out, at most", statements)
    report.at_most("transactions of the lane: the start's, the lock's", transactions, 2, 2)
    report.at_most("reads of anybody but the start", reads, 0, 0)


def one_task(report, side, polls, starter, seconds=1.5):
    """One start, and what comes of it until a while later: (polls answered, statements, transactions, reads)."""
    counters = rig.Counters(side.postgres, side.database, side.daemon)
    starter.ask("/process-definition/key/seq1/start", {})
    answered, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        answered += polls.answers(0.1)
    counted = counters.stop()
    tasks = [number for _, number in answered]
    if tasks != [1]:
        report.fault(f"{len(tasks)} polls were answered, with {sum(tasks)} tasks: 1 with 1 was wanted")
    for connection, _ in answered:
        polls.ask_again(connection, LONG_MS)
    return (len(tasks), counted["statements"] - calls(counted, RENEWAL), calls(counted, FENCE),
            calls(counted, "select") - calls(counted, DEFINITION))


# ---- fairness --------------------------------------------------------------------------------------------------------

SHARE = 0.3         # of capacity: what the others ask for
BEFORE_S = 1.0      # how long they do so before the large command comes, and
AFTER_S = 1.0       # after it was answered
MOST_S = 20         # there are tasks for them for so long, besides


class OpenLoop:
    """Requests at fixed times, whatever becomes of those before: latencies count from when a request was due.  One that
    waits for its answer keeps none from being sent: there are as many connections as it takes."""
    CONNECTIONS = 8000

    def __init__(self, daemon, rate, requests):
        self.daemon, self.rate, self.requests, self.poller = daemon, rate, requests, Poller()
        self.idle = []
        self.busy = {}          # connection: number of its request
        self.records = {}       # number of a request: (due, answered, status)
        self.sent = 0
        self.begin = time.perf_counter()

    def step(self):
        """Sends what is due and takes what has come: replies to others than its own requests."""
        strangers = []
        while self.sent < len(self.requests) and len(self.busy) < self.CONNECTIONS:
            if self._due(self.sent) > time.perf_counter():
                break
            connection = self.idle.pop() if self.idle else self._connect()
            connection.send(*self.requests[self.sent])
            self.busy[connection] = self.sent
            self.sent += 1
        for connection, reply in self.poller.replies(0.001):
            if connection not in self.busy:
                strangers.append(reply)
                continue
            number = self.busy.pop(connection)
            self.records[number] = (self._due(number), time.perf_counter(), reply[0])
            self.idle.append(connection)
        return strangers

    def _due(self, number):
        return self.begin + number / self.rate

    def _connect(self):
        connection = Connection(self.daemon)
        self.poller.add(connection)
        return connection

    def run(self, seconds):
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            self.step()

    def ask(self, connection, path, body):
        """Another's request meanwhile, on a connection of its own that the poller has; None: nothing is due any more."""
        connection.send(path, body)
        while self.sent < len(self.requests):
            for reply in self.step():
                return reply
        return None

    def drain(self):
        self.requests = self.requests[:self.sent]
        while self.busy:
            self.step()

    def latencies_ms(self, since, until):
        """{number of the request: latency} of those that were due then."""
        return {number: 1000 * (answered - due) for number, (due, answered, _) in self.records.items()
                if since <= due <= until}


def fairness(report, size, postgres):
    """others complete seq10 tasks at 30 % of capacity while one command makes 100,000 parallel elements"""
    allow_descriptors(OpenLoop.CONNECTIONS + 200)
    for lanes in (1, 2):
        with Side(report, postgres, f"fair{lanes}", lanes=lanes) as side:
            create_among_others(report, size, side, lanes)


def create_among_others(report, size, side, lanes):
    elements = size.count(100_000)
    side.deploy("seq10")
    side.deploy_fan("fan", elements)
    rate = SHARE * side.load("seq10", workers=64, fetch=10, in_flight=size.in_flight, seconds=2, warm_up=1)["rate"]
    supply = int(rate * (BEFORE_S + AFTER_S + size.count(MOST_S)))
    side.start("seq10", supply)
    creator = Connection(side.daemon)
    tasks = fetch_many(creator, "seq10", supply)
    random.Random(1).shuffle(tasks)     # a fetch gets those of one lane
    loop = OpenLoop(side.daemon, rate, [completion_of(task) for task in tasks])
    loop.run(BEFORE_S)
    loop.poller.add(creator)
    sent = time.perf_counter()
    started = loop.ask(creator, "/process-definition/key/fan/start", {})
    answered = time.perf_counter()
    while loop.sent < len(tasks):       # a job creates what the start left
        reply = loop.ask(creator, "/job/count", {"processDefinitionKey": "fan"})
        if reply is None or reply[0] != 200 or json.loads(reply[1])["count"] == 0:
            break
        loop.run(0.05)
    created = time.perf_counter()
    loop.run(AFTER_S)
    loop.drain()
    loop.poller.close()
    side.acknowledge(tasks[:loop.sent])
    made = int(side.query("select count(*) from activity where topic = 'fan'")[0][0])
    if started is None or started[0] != 200 or made != elements:
        report.fault(f"the large command was answered {started}, and made {made} of {elements} elements")
        return
    wrong = [status for _, _, status in loop.records.values() if status != 204]
    if wrong:
        report.fault(f"{len(wrong)} completions of others were answered other than 204: {sorted(set(wrong))}")
    report.figure(f"{named(lanes)}: completions of others, due", rate, "/s")
    report.figure(f"{named(lanes)}: start answered after", answered - sent, "s")
    report.figure(f"{named(lanes)}: all created after", created - sent, "s")
    busy = lane_of(json.loads(started[1])["id"], lanes)
    report_fairness(report, loop, lanes, [lane_of(task, lanes) == busy for task in tasks], sent, created)


def lane_of(wire_id, lanes):
    """Bits 62 to 55 of an id are its part; a lane has a range of the 256 parts."""
    return (int(wire_id) >> 55) * lanes // 256


def named(lanes):
    return f"{lanes} lane{'s' if lanes > 1 else ''}"


def report_fairness(report, loop, lanes, same_lane, sent, created):
    """What the others saw before, during and after the creation; same_lane tells of each whether its lane was busy."""
    def note(what, values):
        if values:
            report.figure(f"{named(lanes)}: others {what}, p50, p99, max", percentile(values, 0.5), "".join(
                f"{value:10.3g}" for value in (percentile(values, 0.99), max(values))) + " ms", values)

    during = loop.latencies_ms(sent, created)
    if not during:
        raise rig.Failure("the creation was over before a completion of others was due")
    note("before", list(loop.latencies_ms(0, sent).values()))
    note("during the creation", list(during.values()))
    note("during it, of the same lane", [value for i, value in during.items() if same_lane[i]])
    note("during it, of another lane", [value for i, value in during.items() if not same_lane[i]])
    note("after", list(loop.latencies_ms(created, math.inf).values()))
    worst = percentile(during.values(), 0.99)
    report.at_most(f"{named(lanes)}: others during the creation, p99", worst, 500, 200, "ms")
