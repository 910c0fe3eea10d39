# SPDX-License-Identifier: Apache-2.0
"""Scenarios in which there is much of something, or nothing in memory; see scenario_rig.py for what they are."""
import statistics
import subprocess
import tempfile
import time

import rig
from scenario_rig import (Connection, History, Side, compare_loads, completion_of, fetch, fetch_body, fetch_many,
                          in_turn, median_ratio)

EQUAL = 1.1     # two costs that differ by less are equal for us


# ---- growth ----------------------------------------------------------------------------------------------------------

BACKLOG = 8000      # instances that wait on the small side, so that no worker waits


def growth(report, size, postgres):
    """seq10 at 64x10 beside 1,000,000 finished instances and 100,000 waiting ones, and on an empty database"""
    with Side(report, postgres, "empty") as empty, Side(report, postgres, "grown") as grown:
        for side in (empty, grown):
            side.deploy("seq10", "seq1")
            side.start("seq10", 1)
            side.work_off("seq10", 1)
        began = time.monotonic()
        rows = History(grown).multiply(size.count(1_000_000))
        postgres.settle("grown")
        report.figure("rows of copied history", rows, "", {"seconds": time.monotonic() - began})
        waiting = size.count(100_000)
        grown.start("seq1", waiting)
        grown.restart()
        compare_growth(report, size, "others wait", empty, grown, closed_loop, (0.9, 0.95))
        grown.start("seq10", waiting)
        compare_growth(report, size, "same topic", empty, grown, backlog_loop, (0.9, 0.95))
        grown.restart()     # each instance is loaded once now: what that costs, no-cache tells
        compare_growth(report, size, "same topic, after a restart", empty, grown, backlog_loop)


def closed_loop(side, size):
    return side.load("seq10", workers=64, fetch=10, in_flight=size.in_flight, seconds=size.seconds,
                     warm_up=size.warm_up)


def backlog_loop(side, size):
    """Workers alone: with a backlog whatever a closed loop starts would not come to its turn."""
    missing = BACKLOG - int(side.query("select count(*) from activity where topic = 'seq10'")[0][0])
    if missing > 0:
        side.start("seq10", missing)
    return side.load("seq10", only="work", workers=64, fetch=10, seconds=size.seconds)


def compare_growth(report, size, what, empty, grown, loop, target=()):
    grown.postgres.run("checkpoint")    # once: what is written whole after it, is so for both and for the first loads
    loads = in_turn(size.pairs, lambda: loop(empty, size), lambda: loop(grown, size))
    compare_loads(report, what, ("empty", "grown"), loads, *target)
    hits, loads = (grown.daemon.metrics()[f"bpmnd_trees_{name}"] for name in ("hit", "loaded"))
    report.figure(f"{what}: grown, trees found in the cache", hits / max(1, hits + loads), "of all")


# ---- large instances -------------------------------------------------------------------------------------------------

SMALL = 20      # elements of a small instance; half of them are completed, so that it never ends


def large_instance(report, size, postgres):
    """one worker completes tasks of an instance with 10,000 open ones, and of instances with 20"""
    elements, rounds = size.count(10_000), 10 if size.quick else 40
    with Side(report, postgres, "large") as side:
        connection = Connection(side.daemon)
        for name, count in (("large", elements), ("small", SMALL)):
            side.deploy_fan(name, count)

        def measure(name, starts):
            for _ in range(starts):
                connection.ask(f"/process-definition/key/{name}/start", {})
            return complete_halves(side, connection, name, rounds)

        began = time.monotonic()
        connection.ask("/process-definition/key/large/start", {})
        while connection.ask("/job/count", {})["count"] > 0:    # a job creates what the start left
            time.sleep(0.01)
        report.figure("creation of the large instance", time.monotonic() - began, "s")
        measure("large", 0), measure("small", rounds)       # the first round of each warms up
        small, large = in_turn(3 if size.quick else 5, lambda: measure("small", rounds), lambda: measure("large", 0))
        connection.close()
        for what, words in WORDS.items():
            pairs = [[block[what] for block in blocks] for blocks in (small, large)]
            for name, values in zip(("small", "large"), pairs):
                report.figure(f"{name}: {words}", statistics.median(values), "us", values)
            if what in COSTS:
                report.at_most(f"large/small: {words}", median_ratio(*reversed(pairs)), 2, EQUAL)


WORDS = {"p50": "complete p50, as the client sees it", "cpu": "CPU of bpmnd and PostgreSQL per completion",
         "max": "complete, the slowest of a block", "lock": "fetchAndLock p50 of 20 tasks"}
COSTS = ("p50", "cpu")


def complete_halves(side, connection, topic, rounds):
    """Fetches SMALL tasks at a time and completes half of them: the names of WORDS, in us."""
    groups, locks, times = [], [], []
    for _ in range(rounds):
        began = time.perf_counter()
        tasks = fetch(connection, topic, SMALL)
        locks.append(time.perf_counter() - began)
        if len(tasks) != SMALL or len({task["processInstanceId"] for task in tasks}) != 1:
            raise rig.Failure(f"a fetch of {topic} got {len(tasks)} tasks, or of more than one instance")
        groups.append([task["id"] for task in tasks])
    clock = rig.ProcessClock({"engine": side.daemon.pid, "postgres": side.postgres.pid})
    for group in groups:
        for task in group[:SMALL // 2]:
            began = time.perf_counter()
            status, text = connection.call(*completion_of(task))
            times.append(time.perf_counter() - began)
            if status != 204:
                raise rig.Failure(f"a completion was answered {status}: {text.decode(errors='replace')}")
        side.acknowledge(group[:SMALL // 2])
    spent = clock.read()
    return {"p50": 1e6 * statistics.median(times), "max": 1e6 * max(times), "lock": 1e6 * statistics.median(locks),
            "cpu": (spent["engine_us"] + spent["postgres_us"]) / len(times)}


# ---- no cache --------------------------------------------------------------------------------------------------------

UNCACHED = {"seq10": dict(workers=64, fetch=10), "par4": dict(workers=16, fetch=1),
            "mi100": dict(workers=64, fetch=10, in_flight=64)}


def no_cache(report, size, postgres):
    """seq10, par4 and mi100 without a cache of instances, and with it"""
    with Side(report, postgres, "cached") as cached, Side(report, postgres, "uncached", cache_bytes=0) as uncached:
        for side in (cached, uncached):
            side.deploy(*UNCACHED)
        for workload, options in UNCACHED.items():
            options = dict({"in_flight": size.in_flight}, seconds=size.seconds, warm_up=size.warm_up, **options)
            loads = in_turn(size.pairs, lambda: cached.load(workload, **options),
                            lambda: uncached.load(workload, **options))
            compare_loads(report, workload, ("cached", "uncached"), loads, 0.3, 0.5)
        hits, loads = (uncached.daemon.metrics()[f"bpmnd_trees_{name}"] for name in ("hit", "loaded"))
        report.figure("uncached: trees loaded", loads / max(1, hits + loads), "of all")


# ---- starting --------------------------------------------------------------------------------------------------------

STARTS = 5
KILLS = 3


def cold_start(report, size, postgres):
    """from exec to the first task handed out, after SIGKILL with 100,000 tasks waiting; start-up, memory, size"""
    with Side(report, postgres, "cold") as side:
        starts = [side.restart() for _ in range(STARTS)]
        report.figure("start-up, existing database: all", starts[-1], "s", starts)
        report.at_most("start-up, existing database, median", statistics.median(starts), 1, 0.1, "s")
        report.at_most("memory when idle", side.memory_mb(), 30, 15, "MB")
        report.at_most("stripped binary", stripped_bytes() / 2 ** 20, 3, 2, "MB")
        waiting = size.count(100_000)
        side.deploy("seq1")
        side.start("seq1", waiting)
        firsts = [first_task_after_kill(side, "seq1") for _ in range(KILLS)]
        report.at_most(f"first task of {waiting:,} after SIGKILL, median", statistics.median(firsts), 2, 0.5, "s")
        report.figure("memory with all of them waiting, none loaded", side.memory_mb(), "MB", firsts)
        connection = Connection(side.daemon)
        tasks = fetch_many(connection, "seq1", waiting - KILLS)
        if len(set(tasks)) != waiting - KILLS or fetch(connection, "seq1"):
            report.fault("after the kills other tasks are there than before")
        connection.close()


def first_task_after_kill(side, topic):
    """Seconds from exec until a fetch is answered with a task."""
    side.daemon.kill()
    began = time.monotonic()
    side.daemon.launch()
    while side.daemon.process.poll() is None and time.monotonic() < began + 60:
        try:
            connection = Connection(side.daemon)
        except ConnectionRefusedError:
            time.sleep(0.001)
            continue
        status, text = connection.call("/external-task/fetchAndLock", fetch_body(topic))
        connection.close()
        if status == 200 and text != b"[]":
            seconds = time.monotonic() - began
            side.daemon.await_ready()
            return seconds
        time.sleep(0.001)
    raise rig.Failure(f"bpmnd hands out no task within a minute, or has ended:\n{side.daemon.log_tail()}")


def stripped_bytes():
    with tempfile.NamedTemporaryFile() as copy:
        subprocess.run(["strip", "-o", copy.name, str(rig.BUILD / "bpmnd")], check=True)
        return len(open(copy.name, "rb").read())
