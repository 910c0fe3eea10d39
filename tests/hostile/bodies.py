# SPDX-License-Identifier: Apache-2.0
"""Bodies: numbers, dates, names and texts that are too large, JSON that is none, and in each documented field of each
route that takes a body what does not belong there.  None is answered with an internal error."""
import json
import os
import random
import re
import subprocess
import time

import enemy
import rig

PLACES = rig.model("places", "\n".join([
	'<bpmn:startEvent id="begin"/>', '<bpmn:parallelGateway id="fork"/>', rig.task("work"), '<bpmn:userTask id="human"/>',
	'<bpmn:intermediateCatchEvent id="timer"><bpmn:timerEventDefinition><bpmn:timeDuration '
	'xsi:type="bpmn:tFormalExpression">PT1H</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>',
	'<bpmn:endEvent id="done"/>', rig.flows("begin>fork", "fork>work", "fork>human", "fork>timer", "work>done", "human>done",
		"timer>done")]))
START = "/engine-rest/process-definition/key/atOnce/start"


# ---- extremes ------------------------------------------------------------------------------------------------------


def variable(value, kind=None, name="v"):
	"""The body of a start; value is JSON text."""
	return f'{{"variables":{{"{name}":{{"value":{value}' + (f',"type":"{kind}"' if kind else "") + "}}}"


# Name, the body, which statuses are right.
REFUSED, TAKEN, EITHER = (400, 413), (200,), (200, 400)
EXTREMES = (
	("an integer beyond int64", REFUSED, variable("9223372036854775808")),
	("an integer below int64", REFUSED, variable("-9223372036854775809")),
	("the largest int64", TAKEN, variable("9223372036854775807", "Long")),
	("an Integer beyond int32", REFUSED, variable("2147483648", "Integer")),
	("a Short beyond int16", REFUSED, variable("32768", "Short")),
	("a Long with a point", REFUSED, variable("1.5", "Long")),
	("1e999", REFUSED, variable("1e999")),
	("-1e999 as a Double", REFUSED, variable("-1e999", "Double")),
	("1e999 as a text of a Double", REFUSED, variable('"1e999"', "Double")),
	("NaN", REFUSED, variable("NaN")),
	("Infinity", REFUSED, variable("-Infinity", "Double")),
	("a number of 100,000 digits", REFUSED, variable("1" * 100000)),
	("a fraction of 100,000 digits", REFUSED, variable("0." + "1" * 100000)),
	("a number with a zero in front", REFUSED, variable("01")),
	("a hexadecimal number", REFUSED, variable("0x10")),
	("a date of the year 99999999", REFUSED, variable('"99999999-01-01T00:00:00.000+0000"', "Date")),
	("a date of the year 0", EITHER, variable('"0000-01-01T00:00:00.000+0000"', "Date")),
	("a date of the year 9999", TAKEN, variable('"9999-12-31T23:59:59.999+0000"', "Date")),
	("a date before the common era", REFUSED, variable('"-0001-01-01T00:00:00.000+0000"', "Date")),
	("the 30th of February", EITHER, variable('"2023-02-30T00:00:00.000+0000"', "Date")),
	("a date with a zone of a hundred hours", EITHER, variable('"2023-02-03T00:00:00.000+9999"', "Date")),
	("a date that is a number", REFUSED, variable("1e15", "Date")),
	("a name of 10 KB", EITHER, variable("1", name="n" * 10240)),
	("a name of 1 MB", EITHER, variable("1", name="n" * (1 << 20))),
	("an empty name", EITHER, variable("1", name="")),
	("a name of brackets and dots", TAKEN, variable("1", name="a.b[0]${c}'; drop table instance; --")),
	("a name with U+0000", REFUSED, variable("1", name="a\\u0000b")),
	("100,000 variables", EITHER, '{"variables":{' + ",".join(f'"v{i}":{{"value":{i}}}' for i in range(100000)) + "}}"),
	("600,000 variables", REFUSED, '{"variables":{' + ",".join(f'"v{i}":{{}}' for i in range(600000)) + ',"z":' +
		"[" + "1," * 900000 + "1]}}"),
	("10,000 arrays inside each other", REFUSED, variable("[" * 10000 + "]" * 10000)),
	("10,000 objects inside each other", REFUSED, variable('{"a":' * 10000 + "1" + "}" * 10000)),
	("8,000,000 open brackets", REFUSED, "[" * 8000000),
	("an Object that is deep inside its text", TAKEN, json.dumps({"variables": {"v": {"value": "[" * 100000 + "]" * 100000,
		"type": "Object", "valueInfo": {"objectTypeName": "x", "serializationDataFormat": "application/json"}}}})),
	("duplicate keys", TAKEN, '{"variables":{"v":{"value":1},"v":{"value":2}},"variables":{"w":{"value":1}}}'),
	("100,000 duplicate keys", TAKEN, "{" + ",".join(['"businessKey":"k"'] * 100000) + "}"),
	("a lone high surrogate", REFUSED, variable('"\\ud800"')),
	("a lone low surrogate", REFUSED, variable('"\\udc00"')),
	("surrogates the wrong way round", REFUSED, variable('"\\udc00\\ud800"')),
	("a pair of surrogates", TAKEN, variable('"\\ud83d\\ude00"')),
	("U+0000", REFUSED, variable('"\\u0000"')),
	("U+FFFE", EITHER, variable('"\\ufffe"')),
	("invalid UTF-8", REFUSED, variable('"#"').encode().replace(b"#", b"\xff")),
	("overlong UTF-8", REFUSED, variable('"#"').encode().replace(b"#", b"\xc0\x80")),
	("UTF-8 cut short", REFUSED, variable('"#"').encode().replace(b"#", b"\xe2\x82")),
	("beyond Unicode", REFUSED, variable('"#"').encode().replace(b"#", b"\xf4\x90\x80\x80")),
	("UTF-16", REFUSED, variable("1").encode("utf-16")),
	("a byte order mark", EITHER, variable("1").encode("utf-8-sig")),
	("a raw NUL", REFUSED, variable('"a\0b"')),
	("a raw line end in a text", REFUSED, variable('"a\nb"')),
	("a text of 16 MB", REFUSED, variable('"' + "x" * (16 << 20) + '"')),
	("a text of 15 MB", TAKEN, variable('"' + "x" * (15 << 20) + '"')),
	("15 MB of escapes", TAKEN, variable('"' + "\\u00e9" * (5 << 19) + '"')),
	("base64 that is none", REFUSED, variable('"!!!"', "Bytes")),
	("base64 cut short", EITHER, variable('"QQ"', "Bytes")),
	("a type that is none", REFUSED, variable("1", "NoSuchType")),
	("a type of 1 MB", REFUSED, variable("1", "T" * (1 << 20))),
	("single quotes", REFUSED, "{'variables':{}}"),
	("a comment", REFUSED, "{/*x*/}"),
	("a comma too many", REFUSED, '{"variables":{},}'),
	("two values", REFUSED, "{}{}"),
	("half a value", REFUSED, '{"variables":{"v"'),
	("an array", REFUSED, "[]"),
	("a business key with quotes", TAKEN, json.dumps({"businessKey": "'; drop table instance; --"})),
)


def check_extremes(client):
	for name, statuses, body in EXTREMES:
		try:
			reply = client.call("POST", START, body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass"))
		except rig.Down as problem:
			rig.say(False, f"bodies: {name}", problem)
			continue
		why = None if reply.status == 200 else enemy.complaint(reply.status, reply.text, empty_message=True)
		rig.say(why is None and reply.status in statuses, f"bodies: {name}", why or f"{reply.status}: {reply.text[:200]}")


# No index of PostgreSQL takes 2,704 bytes: whatever is found by name or key has to be shorter.
LONG_NAMES = (
	("a business key", "POST", START, lambda text: {"businessKey": text}),
	("a variable's name", "POST", START.replace("atOnce", "places"), lambda text: {"variables": {text: {"value": 1}}}),
	("an assignee", "POST", "/engine-rest/task/{id}/claim", lambda text: {"userId": text}),
)


def check_long_names(client, dice):
	places = Places(client)
	for length in (255, 5000, 100000):
		text = "".join(dice.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))	# nothing to compress
		for name, method, pattern, body in LONG_NAMES:
			reply = client.call(method, places.path(pattern), body(text))
			why = None if reply.status in (200, 204) else enemy.complaint(reply.status, reply.text)
			rig.say(why is None and (reply.status < 300) == (length == 255), f"bodies: {name} of {length} characters",
				why or f"{reply.status}: {reply.text[:200]}")
		reply = enemy.deploy(client, (text[:length // 20] + ".bpmn", rig.model(text, rig.task("t"))))
		why = None if reply.status == 200 else enemy.complaint(reply.status, reply.text)
		rig.say(why is None, f"bodies: a process whose id has {length} characters", why)
	places.renew()


def check_far_away(client):
	"""What is to happen in 300 million years does not happen now."""
	places = Places(client)
	reply = client.post(f"/external-task/{places.ids['external-task']}/failure", {"workerId": "w", "retries": 3,
		"retryTimeout": 9223372036854775807})
	free = client.get(f"/external-task/count?notLocked=true&processInstanceId={places.instance}")["count"]
	rig.say(reply.status == 204 and free == 0, "bodies: a task to be tried again in 2^63 ms waits",
		f"{reply.status} {reply.text}, {free} to fetch")
	places.renew()


# Lists of great length where a query or a fetch takes them.
MANY = 20000
LONG_LISTS = (
	("20,000 orders", "/engine-rest/process-instance", {"sorting": [{"sortBy": "instanceId", "sortOrder": "asc"}] * MANY}),
	("20,000 variables", "/engine-rest/process-instance", {"variables": [{"name": "a", "operator": "eq", "value": 1}] * MANY}),
	("21 variables", "/engine-rest/process-instance", {"variables":
		[{"name": "a", "operator": "eq", "value": 1}] * 21}),
	("20 variables", "/engine-rest/history/process-instance", {"variables":
		[{"name": "a", "operator": "eq", "value": 1}] * 20}),
	("20,000 ids", "/engine-rest/process-instance", {"processInstanceIds": [str(i) for i in range(MANY)]}),
	("20,000 keys", "/engine-rest/task", {"processDefinitionKeyIn": [f"k{i}" for i in range(MANY)]}),
	("20,000 topics", "/engine-rest/external-task/fetchAndLock", {"workerId": "w", "maxTasks": 1, "topics":
		[{"topicName": f"t{i}", "lockDuration": 1000} for i in range(MANY)]}),
	("20,000 variables of a topic", "/engine-rest/external-task/fetchAndLock", {"workerId": "w", "maxTasks": 1, "topics":
		[{"topicName": "t", "lockDuration": 1000, "processVariables": {f"v{i}": i for i in range(MANY)}}]}),
	("20,000 times one topic", "/engine-rest/external-task/fetchAndLock", {"workerId": "w", "maxTasks": 1, "topics":
		[{"topicName": "t", "lockDuration": 1000}] * MANY}),
	("20,000 wildcards", "/engine-rest/task", {"nameLike": "%_" * MANY + "x"}),
)


def check_long_lists(client):
	for name, path, body in LONG_LISTS:
		began = time.monotonic()
		reply = client.call("POST", path, body)
		took = time.monotonic() - began
		why = None if reply.status == 200 else enemy.complaint(reply.status, reply.text, empty_message=True)
		rig.say(why is None, f"bodies: a list of {name}", why)
		rig.say(took < 5, f"bodies: a list of {name} does not take long", f"{took:.1f} s")


# ---- wrong types ----------------------------------------------------------------------------------------------------

WRONG = (None, True, False, 0, -1, 2147483648, 9223372036854775807, -9223372036854775808, 1.5, 1e308, -1e308, "", "x", "true",
	"-1", "9223372036854775807", "99999999-01-01T00:00:00.000+0000", "${''.class}", "x" * 5000, "%", [], [None], [1], [[]], [{}],
	["x", 1, None, {"a": []}], {}, {"a": None}, {"a": 1}, {"a": {}}, {"a": {"value": []}}, {"a": {"type": []}},
	{"a": {"type": "Date", "value": {}}}, {"a": {"value": 1, "valueInfo": []}}, {"a": {"value": "x", "type": "File",
	"valueInfo": {"filename": {}}}})

WORKER = {"workerId": "w"}
DEFINITION = {"suspended": True, "includeProcessInstances": True, "executionDate": None}
# Documented fields of each handler, with a value that is right where others are to be reached by it.
FIELDS = {
	"fetch_external_tasks": {**WORKER, "maxTasks": 1, "usePriority": True, "sorting": [{"sortBy": "createTime",
		"sortOrder": "asc"}], "asyncResponseTimeout": 0, "topics": [{"topicName": "work", "lockDuration": 1000,
		"variables": [], "localVariables": False, "businessKey": "b", "processDefinitionId": "p", "processDefinitionIdIn": [],
		"processDefinitionKey": "k", "processDefinitionKeyIn": [], "processDefinitionVersionTag": "v",
		"processVariables": {}, "withoutTenantId": True, "tenantIdIn": [], "deserializeValues": False,
		"includeExtensionProperties": True}]},
	"complete_external_task": {**WORKER, "variables": {}, "localVariables": {}},
	"fail_external_task": {**WORKER, "errorMessage": "m", "errorDetails": "d", "retries": 3, "retryTimeout": 0,
		"variables": {}, "localVariables": {}},
	"error_external_task": {**WORKER, "errorCode": "c", "errorMessage": "m", "variables": {}},
	"lock_external_task": {**WORKER, "lockDuration": 1000},
	"extend_external_task": {**WORKER, "newDuration": 1000},
	"unlock_external_task": {},
	"set_external_task_retries": {"retries": 1},
	"set_external_task_priority": {"priority": 1},
	"suspend_definitions": {"processDefinitionKey": "places", "processDefinitionId": None, **DEFINITION},
	"suspend_definition": DEFINITION,
	"start_instance": {"businessKey": "b", "caseInstanceId": "c", "variables": {}, "withVariablesInReturn": True,
		"startInstructions": [], "skipCustomListeners": False, "skipIoMappings": False},
	"suspend_instance": {"suspended": False},
	"modify_scope_variables": {"modifications": {}, "deletions": []},
	"put_scope_variable": {"value": 1, "type": "Integer", "valueInfo": {}, "local": False},
	"signal_execution": {"variables": {}},
	"complete_task": {"variables": {}, "withVariablesInReturn": True},
	"error_task": {"errorCode": "c", "errorMessage": "m", "variables": {}},
	"claim_task": {"userId": "u"},
	"unclaim_task": {},
	"assign_task": {"userId": "u"},
	"execute_job_now": {},
	"set_job_retries": {"retries": 1, "dueDate": None},
	"set_job_due_date": {"duedate": None, "cascade": False},
}
NO_JSON = ("create_deployment", "upload_scope_variable")


def routes():
	"""(method, path, handler) of those that take a body."""
	text = subprocess.run([rig.BPMND, "print", "routes"], capture_output=True, text=True, check=True).stdout
	rows = re.findall(r"^\| (POST|PUT) \| `(\S+)` \| (\w+) \|$", text, re.M)
	return [row for row in rows if row[2] not in NO_JSON]


def filters(handler):
	"""A list's fields: the rows of its table, and what every list has."""
	query = re.sub(r"^(list|count)_", "", handler)
	text = open(rig.ROOT / "store" / "queries" / f"{query}.def").read()
	return {name: None for name in re.findall(r'^FILTER\( "(\w+)"', text, re.M)} | {"sorting": [], "orQueries": []}


def is_list(handler):
	return handler.startswith(("list_", "count_"))


class Places:
	"""An instance with something of everything, made again when an attack has consumed it."""

	def __init__(self, client):
		self.client = client
		self.renew()

	def renew(self):
		"""What was there ends, so that the lists stay short."""
		for one in self.client.get("/process-instance"):
			self.client.call("DELETE", f"/engine-rest/process-instance/{one['id']}")
		self.client.call("PUT", "/engine-rest/process-definition/key/places/suspended", {"suspended": False})
		self.instance = self.client.post("/process-definition/key/places/start", {"variables": {"v": {"value": 1}}}).json["id"]
		query = f"?processInstanceId={self.instance}"
		self.ids = {"process-instance": self.instance, "execution": self.instance}
		for kind in ("external-task", "task", "job"):
			self.ids[kind] = self.client.get(f"/{kind}{query}")[0]["id"]
		self.ids["process-definition"] = self.client.get("/process-definition?key=places")[0]["id"]
		self.client.post(f"/external-task/{self.ids['external-task']}/lock", {"workerId": "w", "lockDuration": 600000})

	def path(self, pattern):
		kind = pattern.split("/")[2]
		return pattern.replace("{id}", str(self.ids.get(kind))).replace("{key}", "places").replace("{t}", "nobody").replace(
			"{name}", "v")


def bodies(fields, dice, count):
	"""Each field in turn with what is wrong there, the others right; then wrong bodies as a whole."""
	for name in fields:
		for value in (WRONG if count is None else dice.sample(WRONG, count)):
			yield {**fields, name: value}
	topic = (fields.get("topics") or [None])[0]
	for name in topic or ():
		for value in (WRONG if count is None else dice.sample(WRONG, count)):
			yield {**fields, "topics": [{**topic, name: value}]}
	yield from ([], "x", 1, True, [{}])


def check_types(client, dice, long):
	places, wrong, requests, consumed = Places(client), [], 0, 0
	for method, pattern, handler in routes():
		if not is_list(handler) and handler not in FIELDS:
			rig.say(False, f"bodies: the fields of {handler} are known", "a row of FIELDS is missing")
			continue
		count = None if long else 1 if is_list(handler) else 4
		fields = filters(handler) if is_list(handler) else FIELDS[handler]
		for body in bodies(fields, dice, count):
			if is_list(handler) and isinstance(body, dict):
				body = {name: value for name, value in body.items() if value is not None}
			page = "?maxResults=5" if is_list(handler) else ""	# other cases may have left large rows
			reply = client.call(method, places.path(pattern) + page, body)
			requests += 1
			why = None if reply.status in (200, 204) else enemy.complaint(reply.status, reply.text, empty_message=True)
			if why is not None:
				wrong.append(f"{method} {pattern} {json.dumps(body)[:300]}: {why}")
			if reply.status in (200, 204) and not is_list(handler):
				places.renew()
				consumed += 1
	rig.note(f"{requests} bodies with a wrong type, {consumed} of them taken")
	rig.say(requests > 1000 and not wrong, "bodies: wrong types in every field of every route are refused with a reason",
		f"{len(wrong)} of {requests}: " + "; ".join(wrong[:12]))


def run(database, long):
	seed = int(os.environ.get("HOSTILE_SEED", time.time_ns() % 10 ** 6))
	rig.note(f"bodies: seed {seed} (again: HOSTILE_SEED={seed})")
	daemon = rig.Daemon(database, "bodies")
	daemon.start()
	client = rig.Client(daemon.port, timeout=60)
	client.deploy("atOnce", enemy.AT_ONCE)
	client.deploy("places", PLACES)
	dice = random.Random(seed)
	check_types(client, dice, long)
	check_long_names(client, dice)
	check_far_away(client)
	check_long_lists(client)
	check_extremes(client)		# last, for what they leave in history is large
	enemy.harmless(daemon, "bodies")
	daemon.term()
