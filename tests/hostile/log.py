# SPDX-License-Identifier: Apache-2.0
"""The log says no value of a variable, no connection string and no password, at any level, whatever fails."""
import random
import re
import subprocess

import enemy
import rig

VALUE, PASSWORD = "MarkOfAValue8372", "MarkOfAPassword5521"
NOISE = random.Random(1).randbytes(4000).hex()		# nothing to compress, so that no index takes it

EXPRESSION = rig.model("expression", '<bpmn:startEvent id="a"/><bpmn:serviceTask id="t" camunda:expression="${v.nothing}"/>'
	'<bpmn:endEvent id="z"/>' + rig.flows("a>t", "t>z"))
JOB = EXPRESSION.replace('"expression"', '"job"').replace('id="t"', 'id="t" camunda:asyncBefore="true"')
TIMER = rig.model("timer", '<bpmn:startEvent id="a"/><bpmn:intermediateCatchEvent id="t"><bpmn:timerEventDefinition>'
	"<bpmn:timeDuration>${v}</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>"
	'<bpmn:endEvent id="z"/>' + rig.flows("a>t", "t>z"))
WORK = rig.model("work", '<bpmn:startEvent id="a"/>' + rig.task("t") + '<bpmn:userTask id="u" camunda:assignee="${v}"/>'
	'<bpmn:endEvent id="z"/>' + rig.flows("a>t", "t>u", "u>z"))


def marked(**more):
	return {"variables": {"v": {"value": VALUE, **more}}}


def fail_everything(client):
	"""Everything that can fail while a value is at hand; the statuses it was answered with."""
	statuses = []

	def post(path, body):
		reply = client.post(path, body)
		statuses.append(reply.status)
		return reply

	for key in ("expression", "timer"):
		post(f"/process-definition/key/{key}/start", marked())
	post("/process-definition/key/job/start", marked())
	for kind in ("Integer", "Date", "Bytes", "Boolean", "NoSuchType", "Object"):
		post("/process-definition/key/work/start", marked(type=kind))
	post("/process-definition/key/work/start", {"variables": {VALUE + "x" * 5000 + NOISE: {"value": VALUE}}})
	post("/process-definition/key/work/start", {"businessKey": VALUE + NOISE, **marked()})
	post("/process-definition/key/work/start", marked())
	task = client.post("/external-task/fetchAndLock", {"workerId": "w", "maxTasks": 1, "topics":
		[{"topicName": "t", "lockDuration": 60000}]}).json[0]["id"]
	post(f"/external-task/{task}/complete", {"workerId": "other", **marked()})
	post(f"/external-task/{task}/failure", {"workerId": "w", "errorMessage": VALUE, "errorDetails": VALUE, "retries": 0,
		**marked()})
	post(f"/external-task/{task}/bpmnError", {"workerId": "w", "errorCode": VALUE, "errorMessage": VALUE, **marked()})
	post("/process-instance", {"variables": [{"name": "v", "operator": "eq", "value": VALUE}] * 30})
	post("/process-instance", {"variables": [{"name": "v", "operator": "bad", "value": VALUE}]})
	post("/task", {"nameLike": VALUE, "sorting": VALUE})
	statuses.append(client.call("POST", "/engine-rest/process-definition/key/work/start", f"{{{VALUE}".encode()).status)
	statuses.append(client.call("GET", f"/engine-rest/task?assignee={VALUE}&maxResults=x").status)
	return statuses


def await_incidents(client, before):
	"""The job that fails has done so for the last time: how many incidents there are more than before."""
	return -enemy.settle(lambda: before - client.get("/incident/count")["count"], -1, 60)


def lose_the_database(daemon, database, client):
	"""It ends all connections and takes no new ones, under load: the statuses that gave, and whether all is well again."""
	statuses, name = set(), re.search(r"dbname=(\w+)", database)[1]
	beside = re.sub(r"dbname=\w+", "dbname=postgres", database)	# nobody may be able to connect to ours
	rig.sql(beside, f"alter database {name} allow_connections false")
	for _ in range(5):
		rig.sql(beside, f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'")
		for _ in range(4):
			try:
				statuses.add(client.post("/process-definition/key/work/start", marked()).status)
				statuses.add(client.post("/task", {"nameLike": VALUE}).status)
			except rig.Down:
				statuses.add("no answer")
	rig.sql(beside, f"alter database {name} allow_connections true")
	return statuses, daemon.await_health("UP", 60) is not None


def check(name, daemon):
	daemon.log.flush()
	text = open(daemon.log.name, errors="replace").read()
	for word, what in ((VALUE, "value of a variable"), (PASSWORD, "password"), ("host=/", "connection string"),
			("user=bpmnd", "connection string")):
		lines = [line for line in text.splitlines() if word in line]
		rig.say(not lines, f"log: {name}: no {what} ({word})", lines[:3])
	return text


def run(database, long):
	secret = f"{database} password={PASSWORD}"
	for level in ("debug", "info", "error") if long else ("debug",):	# which says all that the others do
		daemon = rig.Daemon(secret, "log", log_level=level, default_retries=1)
		daemon.start()
		client = rig.Client(daemon.port)
		for key, xml in (("expression", EXPRESSION), ("job", JOB), ("timer", TIMER), ("work", WORK)):
			client.deploy(key, xml)
		before = client.get("/incident/count")["count"]
		statuses = fail_everything(client)
		refused, incidents = sum(status >= 400 for status in statuses), await_incidents(client, before)
		lost, healthy = lose_the_database(daemon, database, client)
		rig.say(refused >= 14 and incidents >= 1 and 503 in lost and healthy, f"log: {level}: what should fail did",
			f"{refused} of {statuses}, {incidents} incidents, {lost}, {healthy}")
		text = check(level, daemon)
		rig.say("reader-not-connected" in text or "claim-failed" in text or level == "error",
			f"log: {level}: the log tells of the loss", text[:300])
		enemy.harmless(daemon, f"log: {level}")
		daemon.term()
	wrong_database(secret)


def wrong_database(secret):
	"""A daemon that cannot connect says why, not with what."""
	for text in (secret.replace("dbname=", "dbname=no"), secret.replace("host=", "host=/nowhere"),
			f"postgresql://bpmnd:{PASSWORD}@127.0.0.1:1/x", f"postgresql://bpmnd:{PASSWORD}@127.0.0.1:1/x?nonsense=1",
			f"password={PASSWORD} nonsense", f"host='{PASSWORD}"):
		done = subprocess.run([rig.BPMND, "serve", "--database", text, "--listen", f"127.0.0.1:{rig.free_port()}"],
			capture_output=True, text=True, timeout=60)
		said = done.stdout + done.stderr
		rig.say(done.returncode == 1 and said and PASSWORD not in said, "log: a daemon without its database keeps the password",
			f"{done.returncode}: {said[:300]}")
