#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""suite.py BASE: every call that the community's Python client has, made by the client itself.  Run it with a Python
that has it installed.  BASE is like http://127.0.0.1:8080.
"""
import asyncio
import base64
import itertools
import json
import os
import sys
import threading
import time
import urllib.request

from camunda.client.async_external_task_client import AsyncExternalTaskClient
from camunda.client.engine_client import EngineClient
from camunda.client.external_task_client import ExternalTaskClient
from camunda.external_task.async_external_task_worker import AsyncExternalTaskWorker
from camunda.external_task.external_task_worker import ExternalTaskWorker, NoExternalTaskFound
from camunda.process_definition.process_definition_client import ProcessDefinitionClient

from cases import case, run, same

SECONDS = 10
FAST = {"asyncResponseTimeout": 5000, "sleepSeconds": 0.05}

topics = (f"python-{os.getpid()}-{number}" for number in itertools.count(1))


def rest(url, path):
    with urllib.request.urlopen(url + path, timeout=SECONDS) as reply:
        return json.load(reply)


class Instance:
    """One of the process `calls`, waiting at an external task with a topic of its own."""

    def __init__(self, url, variables=None, **extra):
        self.url, self.topic = url, next(topics)
        started = EngineClient(url).start_process("calls", {**(variables or {}), "topic": self.topic}, **extra)
        self.id, self.definition = started["id"], started["definitionId"]

    def variable(self, name):
        return rest(self.url, f"/process-instance/{self.id}/variables/{name}")["value"]

    def at(self):
        return [task["taskDefinitionKey"] for task in rest(self.url, f"/task?processInstanceId={self.id}")]

    def once(self, action, **fetch):
        """The library's own loop, gone through once."""
        ExternalTaskWorker("suite", self.url, FAST).fetch_and_execute(self.topic, action, **fetch)


def refused(call, *words):
    try:
        call()
    except Exception as error:  # the library raises nothing more special
        for word in words:
            same(word in str(error), True, f"that '{word}' is in '{error}'")
        return
    raise AssertionError("it was not refused")


@case("complete with variables, global and local")
def _(url):
    instance = Instance(url)
    day = {"value": "2026-01-02T03:04:05.678+0000", "type": "Date"}
    values = {"string": "ü", "integer": 7, "double": 2.5, "yes": True, "nothing": None, "map": {"k": [1]},
              "list": [1, "a"]}
    instance.once(lambda task: task.complete({**values, "day": day}, {"inner": "local"}))
    for name, value in {**values, "day": day["value"], "copied": "local"}.items():
        same(instance.variable(name), value, name)
    same(instance.at(), ["look"])


@case("what a task tells")
def _(url):
    instance = Instance(url, {"integer": 7, "map": {"k": [1]}}, business_key="suite")
    tasks = []
    instance.once(lambda task: tasks.append(task) or task.complete())
    task = tasks[0]
    same(task.get_variable("integer"), 7)
    same(task.get_variable("integer", with_meta=True), {"type": "Integer", "value": 7, "valueInfo": {}})
    same(task.get_variable("map"), {"k": [1]})
    same(sorted(task.get_variables()), ["inner", "integer", "map", "topic"])
    same((task.get_activity_id(), task.get_topic_name(), task.get_worker_id()), ("call", instance.topic, "suite"))
    same((task.get_process_instance_id(), task.get_business_key(), task.get_tenant_id()), (instance.id, "suite", None))
    same(task.get_extension_properties(), {"currency": "EUR"})
    same(task.get_extension_property("currency"), "EUR")


@case("failure counts the retries down")
def _(url):
    instance = Instance(url)
    tasks = []

    def fail(task):
        tasks.append(task._context["retries"])
        return task.failure("no", "trace", max_retries=2, retry_timeout=0)

    for _ in range(2):
        instance.once(fail)
    same(tasks, [None, 2])
    same([(task["retries"], task["errorMessage"]) for task in rest(url, f"/external-task?topicName={instance.topic}")],
         [(1, "no")])
    same(rest(url, f"/incident?processInstanceId={instance.id}"), [])
    instance.once(fail)
    same([item["incidentType"] for item in rest(url, f"/incident?processInstanceId={instance.id}")],
         ["failedExternalTask"])


@case("a BPMN error with variables")
def _(url):
    instance = Instance(url)
    instance.once(lambda task: task.bpmn_error("REFUSED", "not today", {"until": "noon"}))
    same(instance.at(), ["look_refused"])
    same((instance.variable("why"), instance.variable("until")), ("not today", "noon"))


@case("fetch by process variables and with some variables only")
def _(url):
    instance = Instance(url, {"city": "Izmir"})
    client = ExternalTaskClient("suite", url, {**FAST, "asyncResponseTimeout": 0})
    same(client.fetch_and_lock(instance.topic, {"city": "Bursa"}), [])
    tasks = client.fetch_and_lock([instance.topic, "another"], {"city": "Izmir"}, ["city"])
    same([list(task["variables"]) for task in tasks], [["city"]])


@case("a long poll is woken by a new task")
def _(url):
    topic = next(topics)
    found = []
    client = ExternalTaskClient("suite", url, {"asyncResponseTimeout": 30000})
    poll = threading.Thread(target=lambda: found.extend(client.fetch_and_lock(topic)), daemon=True)
    poll.start()
    EngineClient(url).start_process("calls", {"topic": topic})
    poll.join(SECONDS)
    same([task["topicName"] for task in found], [topic])


@case("a long poll without a task ends when its time is over")
def _(url):
    worker = ExternalTaskWorker("suite", url, {"asyncResponseTimeout": 300})
    began = time.monotonic()
    try:
        worker.fetch_and_execute("nobody", lambda task: task.complete())
    except NoExternalTaskFound:
        same(time.monotonic() - began >= 0.3, True, "that it waited")
        return
    raise AssertionError("a task was found")


@case("an error of the engine names its status, type and message")
def _(url):
    instance = Instance(url)
    client = ExternalTaskClient("suite", url, FAST)
    task = client.fetch_and_lock(instance.topic)[0]["id"]
    other = ExternalTaskClient("other", url, FAST)
    refused(lambda: other.complete(task, {}), "received 400 : RestException : ", "It is locked by worker 'suite'.")
    refused(lambda: other.failure(task, "no", "", 1, 0), "received 400 : RestException : ")
    refused(lambda: other.bpmn_failure(task, "REFUSED", "no"), "400 Client Error")
    same(client.complete(task, {}), True)
    refused(lambda: client.complete(task, {}), "received 404 : RestException : ",
            f"External task with id {task} does not exist")


@case("the asynchronous client and worker")
def _(url):
    async def work():
        client = AsyncExternalTaskClient("suite", url, FAST)
        one, two, three = Instance(url), Instance(url), Instance(url)
        same(await client.complete((await client.fetch_and_lock(one.topic))[0]["id"], {"a": 1}, {"inner": 2}), True)
        same((one.variable("a"), one.variable("copied")), (1, 2))
        task = (await client.fetch_and_lock(two.topic))[0]["id"]
        same(await client.failure(task, "no", "trace", 1, 0), True)
        task = (await client.fetch_and_lock(two.topic))[0]
        same((task["retries"], task["errorDetails"]), (1, "trace"))
        same(await client.bpmn_failure(task["id"], "REFUSED", "no", {"b": 2}), True)
        same((two.at(), two.variable("b")), (["look_refused"], 2))

        done = asyncio.Event()

        async def action(task):
            done.set()
            return task.complete({"c": 3})

        worker = AsyncExternalTaskWorker("suite", url, {**FAST, "asyncResponseTimeout": 200})
        loop = asyncio.create_task(worker.subscribe({three.topic: action}))
        await asyncio.wait_for(done.wait(), SECONDS)
        await asyncio.wait_for(asyncio.gather(*worker.running_tasks), SECONDS)
        await worker.stop()
        loop.cancel()
        same((three.at(), three.variable("c")), (["look"], 3))

    asyncio.run(work())


@case("start by version tag, and the definitions by it")
def _(url):
    client = ProcessDefinitionClient(url)
    found = client.get_process_definitions("calls", "1.0", [])
    same([(item["key"], item["versionTag"]) for item in found], [("calls", "1.0")])
    same(client.get_process_definitions("calls", "2", []), [])
    started = client.start_process_by_version("calls", "1.0", {"topic": next(topics)}, business_key="by-version")
    same((started["definitionId"], started["businessKey"]), (found[0]["id"], "by-version"))


@case("start of what is not there is refused")
def _(url):
    refused(lambda: EngineClient(url).start_process("nothing", {}), "received 404 : RestException : ",
            "No matching process definition with key: nothing and no tenant-id")
    refused(lambda: EngineClient(url).start_process("calls", {}, tenant_id="nobody"), "received 404 : ")


@case("instances by key and variables")
def _(url):
    instance = Instance(url, {"city": f"Izmir-{os.getpid()}"})
    found = EngineClient(url).get_process_instance("calls", [f"city_eq_Izmir-{os.getpid()}"])
    same([item["id"] for item in found], [instance.id])
    same(EngineClient(url).get_process_instance("calls", [f"topic_eq_{instance.topic}"], ["nobody"]), [])


@case("jobs and their retries")
def _(url):
    instance = Instance(url)
    client = EngineClient(url)
    jobs = client.get_jobs(0, 10, process_instance_id=instance.id)
    same([(job["processInstanceId"], job["retries"]) for job in jobs], [(instance.id, 3)])
    same(client.set_job_retry(jobs[0]["id"], 5), True)
    same([job["retries"] for job in client.get_jobs(0, 10, process_instance_id=instance.id)], [5])
    same(client.get_jobs(0, 10, process_instance_id=instance.id, with_failure=True, task_name="call"), [])


@case("a variable of bytes")
def _(url):
    content = bytes(range(256))
    value = {"value": base64.b64encode(content).decode(), "type": "Bytes"}
    instance = Instance(url, {"bytes": value})
    client = EngineClient(url)
    same(base64.b64decode(client.get_process_instance_variable(instance.id, "bytes")), content)
    same(client.get_process_instance_variable(instance.id, "bytes", with_meta=True)["type"], "Bytes")
    refused(lambda: client.get_process_instance_variable(instance.id, "none"), "received 404 : ")


@case("credentials are ignored")
def _(url):
    instance = Instance(url)
    config = {"auth_basic": {"username": "demo", "password": "demo"}, **FAST}
    ExternalTaskWorker("suite", url, config).fetch_and_execute(instance.topic, lambda task: task.complete())
    same(EngineClient(url, {"auth_bearer": {"access_token": "token"}}).get_process_instance("nothing"), [])


@case("a message, which this engine does not know yet, is refused with a JSON object")
def _(url):
    refused(lambda: EngineClient(url).correlate_message("paid", business_key="suite"), "received 404 : ")


if __name__ == "__main__":
    sys.exit(1 if run("python", sys.argv[1] + "/engine-rest") else 0)
