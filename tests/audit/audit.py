# SPDX-License-Identifier: Apache-2.0
"""The auditor for other tests, and a database with something of everything in it.

    import audit
    rig.say(*audit.audit(database))         # after a load: demands that nothing is found
"""
import os
import re
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "crash"))
import rig

FINDING = re.compile(r"^(I\d+|note) (\w+): ")


# ---- the auditor -------------------------------------------------------------------------------------------------


def run_audit(database, *options):
	"""Runs `bpmnd audit`: (exit code, checks that found something and what they say is broken, notes
	excluded; all it said)."""
	done = subprocess.run([rig.BPMND, "audit", "--database", database, *options], capture_output=True, text=True)
	matches = [FINDING.match(line) for line in done.stdout.splitlines()]
	found = {word for match in matches if match and match.group(1) != "note" for word in match.groups()}
	return done.returncode, found, done.stdout + done.stderr


def audit(database, name="the audit finds nothing", *options):
	"""For rig.say(): (whether it is clean, name, what it said)."""
	code, found, text = run_audit(database, *options)
	said = [line for line in text.splitlines() if not line.startswith("checked ")]
	return code == 0, name, f"exit code {code}: " + " | ".join(said[:10])


# ---- SQL ---------------------------------------------------------------------------------------------------------


def sql(database, statement):
	"""What psql says: a line for each row read, the command and a count for rows changed."""
	done = subprocess.run(["psql", "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement],
		capture_output=True, text=True)
	if done.returncode != 0:
		raise SystemExit(f"not ok {statement}: {done.stderr}")
	return done.stdout.strip()


def other(database, name):
	"""The connection string of another database beside it."""
	return re.sub(r"dbname=\S+", f"dbname={name}", database)


# ---- a population ------------------------------------------------------------------------------------------------

# Diagram and the variables that its start wants.
PROCESSES = (
	("async-after", {}), ("async-before", {"price": 4}), ("boundary-error", {}), ("boundary-timer-reminder", {}),
	("inclusive-gateway", {"gift": True, "fast": True}), ("input-output", {"price": 21, "shop": "Elma"}),
	("multi-instance-parallel", {"hosts": ["ist", "ank", "izm"]}), ("multi-instance-sub-process", {"bidders": 3}),
	("parallel-gateway", {}), ("retry-time-cycle", {}), ("service-task-external", {}), ("sub-process", {"size": 4}),
	("task-priority", {"premium": True}), ("timer-catch", {"opening": "2035-05-01T08:00:00Z"}),
	("user-task", {"document": "contract", "author": "kermit"}),
)
LARGE = 3000			# characters; more than a row takes
ROUNDS = 3			# of the population: instances of each process
WORKER = "auditor's"


def typed(value):
	if isinstance(value, list):
		return {"value": rig.json.dumps(value), "type": "Json"}
	return {"value": value}


def start(client, key, variables):
	body = {"variables": {name: typed(value) for name, value in variables.items()}}
	return client.post(f"/process-definition/key/{key}/start", body)


def deploy_all(client):
	for key, _ in PROCESSES:
		client.deploy(key, (rig.ROOT / "processes" / key / "diagram.bpmn").read_text())
	client.deploy("rounds", rig.ROUNDS)


def fetch(client, dice, count):
	topics = sorted({task["topicName"] for task in client.get("/external-task?notLocked=true")})
	body = {"workerId": WORKER, "maxTasks": count, "topics": [{"topicName": name, "lockDuration": 600000}
		for name in topics]}
	tasks = client.post("/external-task/fetchAndLock", body).json if topics else []
	dice.shuffle(tasks)
	return tasks


def work_on(client, dice, task):
	"""One thing that a worker may do with a task it holds."""
	path, what = "/external-task/" + task["id"], dice.random()
	if what < 0.6:
		text = "x" * LARGE if dice.random() < 0.2 else "small"
		client.post(path + "/complete", {"workerId": WORKER, "variables": {"bill": {"value": text},
			"more": {"value": dice.random() < 0.5}}})
	elif what < 0.7:
		client.post(path + "/failure", {"workerId": WORKER, "errorMessage": "no luck", "retries": dice.choice((0, 2)),
			"retryTimeout": 1000})
	elif what < 0.8:
		client.post(path + "/bpmnError", {"workerId": WORKER, "errorCode": "FULL"})
	elif what < 0.9:
		client.post(path + "/unlock", {})


def meddle(client, dice, instance):
	"""What an operator does to an instance."""
	path, what = "/process-instance/" + instance, dice.random()
	if what < 0.5:
		client.call("PUT", f"/engine-rest{path}/variables/note", {"value": "y" * dice.choice((5, LARGE))})
	elif what < 0.6:
		client.call("DELETE", f"/engine-rest{path}/variables/note")
	elif what < 0.7:
		client.call("PUT", f"/engine-rest{path}/suspended", {"suspended": dice.random() < 0.5})
	elif what < 0.75:
		client.call("DELETE", "/engine-rest" + path)


def one_round(client, dice):
	"""Starts one instance of each process and leaves everything half done."""
	for key, variables in (*PROCESSES, ("rounds", {})):
		reply = start(client, key, variables)
		if reply.status != 200:
			raise SystemExit(f"not ok start {key}: {reply.status} {reply.text}")
		meddle(client, dice, reply.json["id"])
	for task in fetch(client, dice, 20):
		work_on(client, dice, task)
	for task in client.get("/task")[:3]:
		client.post(f"/task/{task['id']}/complete", {"variables": {"approved": {"value": True}}})


def task_at(client, instance, element):
	"""The task of an element of an instance, locked."""
	(task,) = client.get(f"/external-task?processInstanceId={instance}&activityId={element}")
	reply = client.post(f"/external-task/{task['id']}/lock", {"workerId": WORKER, "lockDuration": 600000})
	if reply.status != 204:
		raise SystemExit(f"not ok lock {element}: {reply.status} {reply.text}")
	return "/external-task/" + task["id"]


def one_of_each(client):
	"""What a corruption needs to be there, whatever the dice say: joins with one token each, a lock, a failed task, a
	large value in use and one in history."""
	large = {"value": "x" * LARGE}
	for element in ("pack", "bill"):
		instance = start(client, "parallel-gateway", {}).json["id"]
		client.post(task_at(client, instance, element) + "/complete", {"workerId": WORKER, "variables": {"bill": large}})
	task_at(client, start(client, "parallel-gateway", {}).json["id"], "pack")
	instance = start(client, "parallel-gateway", {}).json["id"]
	client.post(task_at(client, instance, "pack") + "/failure", {"workerId": WORKER, "errorMessage": "broken", "retries": 0})
	instance = start(client, "rounds", {}).json["id"]
	for element in (*rig.BRANCHES, "after"):
		client.post(task_at(client, instance, element) + "/complete", {"workerId": WORKER, "variables": {"text": large,
			"more": {"value": False}}})
	for key, variables in PROCESSES:
		start(client, key, variables)
	instance = start(client, "async-after", {}).json["id"]
	client.post(task_at(client, instance, "charge") + "/complete", {"workerId": WORKER})


def populate(client, dice):
	deploy_all(client)
	for _ in range(ROUNDS):
		one_round(client, dice)
	one_of_each(client)
	await_quiet(client)


class Load(threading.Thread):
	"""Rounds without end, until stopped."""

	def __init__(self, port, dice):
		super().__init__(daemon=True)
		self.client, self.dice, self.rounds, self.over = rig.Client(port), dice, 0, threading.Event()
		self.start()

	def run(self):
		while not self.over.is_set():
			one_round(self.client, self.dice)
			self.rounds += 1

	def stop(self):
		self.over.set()
		self.join(30)
		return self.rounds


def await_quiet(client, seconds=20):
	"""Until no job is due any more: nothing moves by itself then."""
	end = time.monotonic() + seconds
	while client.get("/job/count?executable=true")["count"] > 0 and time.monotonic() < end:
		time.sleep(0.02)
