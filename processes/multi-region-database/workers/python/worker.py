#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""worker.py [URL]: the worker of the multi-region database on the community's Python client: worker.js does the same.

WORKER_ID names it, WORK_MS is how long each of its tasks takes.
"""
import os
import signal
import socket
import sys
import threading
import time

from camunda.external_task.external_task_worker import ExternalTaskWorker

BASE_URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080/engine-rest"
WORKER_ID = os.environ.get("WORKER_ID", f"python-{socket.gethostname()}")
WORK_SECONDS = int(os.environ.get("WORK_MS", 400)) / 1000
THREADS = 4

# Short, so that what a lost daemon or worker held is soon taken up again: every task here may be done twice.
LOCK_MS = 3000
# The model says R5/PT1S: after the first failure 4 retries are left, a second apart.  This client sends both itself.
CYCLE = 5
RETRY_MS = 1000
ISTANBUL_FAILURES = 2
QUOTA = {"istanbul": 16, "ankara": 4}


class Failure(Exception):
    """To be tried again."""


class Refusal(Exception):
    """A BPMN error."""


def say(task, text):
    print(f"{WORKER_ID} {task.get_business_key() or task.get_process_instance_id()} {task.get_activity_id()}: {text}",
          flush=True)


def failures(task):
    """How often this creation has failed: what its retries say, so it needs no memory of the worker's own."""
    retries = task._context["retries"]
    return 0 if retries is None else CYCLE - retries


def create_database(task):
    region = task.get_variable("region")
    nodes = task.get_variable("nodes") or 1
    quota = task.get_variable(f"{region}Quota") or QUOTA[region]
    if nodes > quota:
        raise Refusal(f"{region} has room for {quota} nodes, not for {nodes}")
    failed = failures(task)
    if region == "istanbul" and failed < ISTANBUL_FAILURES:
        raise Failure(f"no host in {region} answers (attempt {failed + 1})")
    cluster = f"{task.get_variable('name')}-{region}"
    return {"clusterId": cluster, "endpoint": f"{cluster}.db.example:5432"}


def raise_quota(task):
    return {f"{task.get_variable('region')}Quota": task.get_variable("nodes")}


def remind_operator(task):
    say(task, f"{task.get_variable('region')} takes long")


def create_replication(task):
    return {"replicationLag": 7}


def verify_replication(task):
    return {"verified": True}


def tell_developer(task):
    say(task, f"ready: {task.get_variable('istanbulEndpoint')} and {task.get_variable('ankaraEndpoint')}")


HANDLERS = {
    "create-database": create_database,
    "raise-quota": raise_quota,
    "remind-operator": remind_operator,
    "create-replication": create_replication,
    "verify-replication": verify_replication,
    "tell-developer": tell_developer,
}


def work(task):
    time.sleep(WORK_SECONDS)
    try:
        result = HANDLERS[task.get_topic_name()](task) or {}
        say(task, "done")
        return task.complete(result)
    except Refusal as refusal:
        say(task, refusal)
        return task.bpmn_error("QUOTA_EXCEEDED", str(refusal))
    except Failure as failure:
        say(task, failure)
        return task.failure(str(failure), "simulated", max_retries=CYCLE - 1, retry_timeout=RETRY_MS)


def main():
    # An answer that did not arrive is no failure of the task: the client waits for sleepSeconds and goes on, the lock
    # runs out, and the task is fetched again.
    config = {"lockDuration": LOCK_MS, "asyncResponseTimeout": 10000, "sleepSeconds": 0.3}
    for _ in range(THREADS):
        worker = ExternalTaskWorker(WORKER_ID, BASE_URL, config)
        threading.Thread(target=worker.subscribe, args=(list(HANDLERS), work), daemon=True).start()
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


# Blocked before any thread is made, so that the signals come to sigwait alone.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
main()
