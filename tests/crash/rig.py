# SPDX-License-Identifier: Apache-2.0
"""What the tests that hurt a daemon share: PostgreSQL, daemons, clients, workers' ledgers, verdicts."""
import atexit
import collections
import http.client
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BPMND = os.environ.get("BPMND", str(ROOT / "bpmnd"))


# ---- verdicts ----------------------------------------------------------------------------------------------------

failures = 0


def say(good, name, why=""):
	"""One case; `why` is said only when it failed."""
	global failures
	failures += not good
	print(f"ok {name}" if good else f"not ok {name}: {why}", flush=True)
	return good


def note(text):
	print(f"# {text}", flush=True)


def finish():
	sys.exit(1 if failures else 0)


# ---- PostgreSQL --------------------------------------------------------------------------------------------------


def with_postgres(*options):
	"""Runs this script again below a PostgreSQL of its own, unless it does already; the connection string."""
	database = os.environ.get("BPMND_TEST_DATABASE")
	if database is None:
		tool = str(ROOT / "tools" / "with-postgres")
		os.execv(tool, [tool, *options, sys.executable, *sys.argv])
	return database


# ---- daemons -----------------------------------------------------------------------------------------------------


def free_port():
	with socket.socket() as probe:
		probe.bind(("127.0.0.1", 0))
		return probe.getsockname()[1]


class Daemon:
	"""`bpmnd serve` at an address that stays the same when it is started again."""

	def __init__(self, database, name="bpmnd", **settings):
		self.port = free_port()
		self.command = [BPMND, "serve", "--database", database, "--listen", f"127.0.0.1:{self.port}"]
		for key, value in settings.items():
			self.command += ["--set", f"{key}={value}"]
		self.process = None
		self.line = None
		self.log = tempfile.NamedTemporaryFile("w+", prefix=f"{name}-", suffix=".log")
		atexit.register(self.end)

	def start(self):
		"""Starts it and waits for its ready line; the seconds that took."""
		began = time.monotonic()
		self.spawn()
		self.await_ready()
		return time.monotonic() - began

	def spawn(self):
		self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.log, text=True)

	def await_ready(self, seconds=30):
		if not select.select([self.process.stdout], [], [], seconds)[0]:
			raise SystemExit(f"not ok the daemon is ready in {seconds} s: " + self.tail())
		self.line = self.process.stdout.readline().strip()
		if "is ready at" not in self.line:
			raise SystemExit("not ok the daemon starts: " + self.tail())

	def signal(self, number):
		self.process.send_signal(number)

	def kill(self):
		self.signal(signal.SIGKILL)
		self.reap()

	def term(self, seconds=10):
		"""SIGTERM; the seconds until it was gone and its exit code."""
		began = time.monotonic()
		self.signal(signal.SIGTERM)
		code = self.reap(seconds)
		return time.monotonic() - began, code

	def reap(self, seconds=10):
		code = self.process.wait(seconds)
		self.process.stdout.close()
		return code

	def end(self):
		if self.process is not None and self.process.poll() is None:
			self.process.kill()
			self.process.wait()

	def tail(self, lines=20):
		self.log.flush()
		return "".join(open(self.log.name, errors="replace").readlines()[-lines:])

	def logged(self, event):
		return [line for line in open(self.log.name, errors="replace") if f"event={event}" in line or f" {event} " in line]

	def health(self):
		"""(HTTP status, word, headers), or None when nobody answers."""
		try:
			reply = Client(self.port).call("GET", "/health")
		except Down:
			return None
		return reply.status, (reply.json or {}).get("status"), reply.headers

	def await_health(self, word, seconds):
		"""The seconds until /health says `word`, or None."""
		began = time.monotonic()
		while time.monotonic() < began + seconds:
			health = self.health()
			if health is not None and health[1] == word:
				return time.monotonic() - began
			time.sleep(0.02)
		return None


# ---- clients -----------------------------------------------------------------------------------------------------


class Down(Exception):
	"""The connection failed: what became of the request is not known."""


Reply = collections.namedtuple("Reply", "status json headers text")


class Client:
	"""One connection, made again after it broke."""

	def __init__(self, port, timeout=30):
		self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

	def connect(self):
		if self.connection.sock is None:
			self.connection.connect()
			self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

	def call(self, method, path, body=None, content_type="application/json"):
		data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
		headers = {} if data is None else {"Content-Type": content_type}
		try:
			self.connect()
			self.connection.request(method, path, data, headers)
			reply = self.connection.getresponse()
			text = reply.read()
		except (OSError, http.client.HTTPException) as problem:
			self.connection.close()
			raise Down(repr(problem)) from None
		try:
			parsed = json.loads(text) if text else None
		except ValueError:
			parsed = None
		return Reply(reply.status, parsed, reply.headers, text.decode(errors="replace"))

	def get(self, path):
		reply = self.call("GET", "/engine-rest" + path)
		if reply.status != 200:
			raise SystemExit(f"not ok GET {path}: {reply.status} {reply.text}")
		return reply.json

	def post(self, path, body):
		return self.call("POST", "/engine-rest" + path, body)

	def pages(self, path, size=50000):
		"""All rows of a list; each page costs the database a sort of the whole."""
		rows = []
		while True:
			page = self.get(f"{path}{'&' if '?' in path else '?'}firstResult={len(rows)}&maxResults={size}")
			rows += page
			if len(page) < size:
				return rows

	def deploy(self, name, xml):
		head = f'--cut\r\nContent-Disposition: form-data; name="{name}"; filename="{name}.bpmn"\r\n\r\n'
		kind = '--cut\r\nContent-Disposition: form-data; name="deployment-name"\r\n\r\n' + name + "\r\n"
		body = (kind + head + xml + "\r\n--cut--\r\n").encode()
		reply = self.call("POST", "/engine-rest/deployment/create", body, "multipart/form-data; boundary=cut")
		if reply.status != 200:
			raise SystemExit(f"not ok deploy {name}: {reply.status} {reply.text}")


# ---- models ------------------------------------------------------------------------------------------------------


def model(key, body):
	return f"""<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
	xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
	targetNamespace="http://bpmnd.example/tests">
<bpmn:process id="{key}" isExecutable="true" camunda:historyTimeToLive="P1D">
{body}
</bpmn:process>
</bpmn:definitions>"""


def task(name, topic=None, inner=""):
	return (f'<bpmn:serviceTask id="{name}" camunda:type="external" camunda:topic="{topic or name}">{inner}'
		"</bpmn:serviceTask>")


def flows(*pairs):
	"""Sequence flows "a>b"; with a condition "a>b ${x}"."""
	text = []
	for i, pair in enumerate(pairs):
		ends, _, condition = pair.partition(" ")
		source, target = ends.split(">")
		inner = (f'<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">{condition}</bpmn:conditionExpression>'
			if condition else "")
		text.append(f'<bpmn:sequenceFlow id="flow{i}" sourceRef="{source}" targetRef="{target}">{inner}</bpmn:sequenceFlow>')
	return "\n".join(text)


# Rounds of a fork, three tasks, a join and a task that decides whether there is another round.
ROUNDS = model("rounds", "\n".join([
	'<bpmn:startEvent id="begin"/>', '<bpmn:exclusiveGateway id="merge"/>', '<bpmn:parallelGateway id="fork"/>',
	task("a"), task("b"), task("c"), '<bpmn:parallelGateway id="join"/>', task("after"),
	'<bpmn:exclusiveGateway id="again"/>', '<bpmn:endEvent id="done"/>',
	flows("begin>merge", "merge>fork", "fork>a", "fork>b", "fork>c", "a>join", "b>join", "c>join", "join>after",
		"after>again", "again>merge ${more}", "again>done ${!more}")]))
BRANCHES = ("a", "b", "c")


# ---- workers with a ledger ---------------------------------------------------------------------------------------


class Ledger:
	"""What was acknowledged, outside the database: task, activity instance, kind."""

	def __init__(self):
		self.lock = threading.Lock()
		self.completed = []		# activity instance ids, in order
		self.started = []		# process instance ids
		self.failed = self.extended = self.unknown = self.refused = 0
		self.wrong = []			# what must not have been answered
		self.file = tempfile.NamedTemporaryFile("w", prefix="ledger-", suffix=".tsv")

	def enter(self, kind, *words):
		with self.lock:
			self.file.write("\t".join([kind, *words]) + "\n")
			if kind == "complete":
				self.completed.append(words[0])
			elif kind == "start":
				self.started.append(words[0])
			else:
				setattr(self, kind, getattr(self, kind) + 1)

	def complain(self, text):
		with self.lock:
			self.wrong.append(text)


class Worker(threading.Thread):
	"""Fetches, sometimes extends or fails, completes; repeats what it does not know the outcome of.  `port()` says where
	to, `excused(since)` whether the daemon has been away since then, `more()` whether another round is wanted."""

	def __init__(self, number, ledger, random, port, excused, more, lock_ms=3000):
		super().__init__(daemon=True, name=f"worker{number}")
		self.ledger, self.random, self.port, self.excused, self.more = ledger, random, port, excused, more
		self.lock_ms = lock_ms
		self.stop = False
		self.client = None
		self.at = None

	def send(self, path, body):
		"""A reply that is not for want of a daemon, or None."""
		began = time.monotonic()
		if self.at != self.port():
			self.at = self.port()
			self.client = Client(self.at, timeout=3)
		try:
			reply = self.client.post(path, body)
		except Down as problem:
			if not self.excused(began):
				self.ledger.complain(f"{path}: {problem} though the daemon was there")
			time.sleep(0.01)
			return None
		if reply.status < 500:
			return reply
		if reply.status != 503 or reply.headers.get("Retry-After") is None or not self.excused(began):
			self.ledger.complain(f"{path}: {reply.status} {reply.text[:200]}")
		time.sleep(0.01)
		return None

	def insist(self, path, body, since):
		"""Sends until it is answered: (reply, whether an earlier try may have worked)."""
		unknown = False
		while not self.stop:
			reply = self.send(path, body)
			if reply is not None:
				return reply, unknown
			unknown = True
			self.ledger.enter("unknown")
		return None, unknown

	def work(self, given, since):
		path = "/external-task/" + given["id"]
		dice = self.random.random()
		if dice < 0.1:
			self.settle("extended", given, since, *self.insist(path + "/extendLock",
				{"workerId": self.name, "newDuration": self.lock_ms}, since))
		if dice > 0.9:
			self.settle("failed", given, since, *self.insist(path + "/failure", {"workerId": self.name,
				"errorMessage": "try again", "retries": 5, "retryTimeout": 20}, since))
			return
		body = {"workerId": self.name}
		if given["activityId"] == "after":
			body["variables"] = {"more": {"value": bool(self.more()), "type": "Boolean"}}
		self.settle("complete", given, since, *self.insist(path + "/complete", body, since))

	def settle(self, kind, given, since, reply, unknown):
		"""Enters the answer.  A task may be somebody else's by now when the lock ran out, and away when an earlier try
		worked."""
		if reply is None:
			return
		if reply.status == 204:
			self.ledger.enter(kind, given["activityInstanceId"], given["id"], self.name)
		elif unknown or time.monotonic() - since > self.lock_ms / 1000 - 0.1:
			self.ledger.enter("refused", given["id"], str(reply.status))
		else:
			self.ledger.complain(f"{kind} of {given['id']}: {reply.status} {reply.text[:200]}")

	def run(self):
		topics = [{"topicName": name, "lockDuration": self.lock_ms} for name in (*BRANCHES, "after")]
		while not self.stop:
			since = time.monotonic()
			reply = self.send("/external-task/fetchAndLock", {"workerId": self.name, "maxTasks": 3, "topics": topics,
				"asyncResponseTimeout": 500})
			if reply is None:
				continue
			if reply.status != 200:
				self.ledger.complain(f"fetch: {reply.status} {reply.text[:200]}")
				continue
			for given in reply.json:
				self.work(given, since)


def start_instance(client, ledger, key):
	"""Starts one of the rounds; whether that was acknowledged."""
	reply = client.post("/process-definition/key/rounds/start", {"businessKey": key})
	if reply.status == 200:
		ledger.enter("start", reply.json["id"], key)
	return reply


def audit(client, ledger, prefix=""):
	"""What must be true when all is over: history tells of every acknowledged completion once, all instances ended."""
	instances = client.pages("/history/process-instance?processDefinitionKey=rounds&sortBy=startTime&sortOrder=asc")
	rows = client.pages("/history/activity-instance?processDefinitionId=" + instances[0]["processDefinitionId"] +
		"&sortBy=activityInstanceId&sortOrder=asc")
	open_ones = [one["id"] for one in instances if one["state"] != "COMPLETED"]
	say(not open_ones, prefix + "every instance ends", f"{len(open_ones)} are open: {open_ones[:5]}")
	known = {one["id"] for one in instances}
	lost = [one for one in ledger.started if one not in known]
	say(not lost and len(known) == len(instances), prefix + "every acknowledged start is there once",
		f"{len(lost)} lost: {lost[:5]}")
	audit_completions(rows, ledger, prefix)
	audit_joins(instances, rows, prefix)
	say(not ledger.wrong, prefix + "no worker sees an error that is not its own",
		f"{len(ledger.wrong)}: {ledger.wrong[:3]}")
	left = {what: client.get(f"/{what}/count")["count"] for what in ("process-instance", "external-task", "incident", "job")}
	say(not any(left.values()), prefix + "nothing is left over", left)
	return len(rows)


def audit_completions(rows, ledger, prefix):
	"""Of the rows of history: each acknowledged completion once."""
	ended = collections.Counter(row["id"] for row in rows if row["endTime"] is not None and not row["canceled"])
	twice = [key for key, n in collections.Counter(ledger.completed).items() if n > 1]
	say(not twice, prefix + "no completion is acknowledged twice", twice[:5])
	missing = [one for one in ledger.completed if ended[one] != 1]
	say(not missing, prefix + "every acknowledged completion is in history exactly once",
		f"{len(missing)} of {len(ledger.completed)}: {missing[:5]}")


def audit_joins(instances, rows, prefix):
	"""Each round: every branch once, the join once for each, and what follows it once."""
	counts = collections.defaultdict(collections.Counter)
	for row in rows:
		counts[row["processInstanceId"]][row["activityId"]] += 1
	wrong = []
	for one in instances:
		count = counts[one["id"]]
		if len({count["fork"], count["after"], *(count[name] for name in BRANCHES)}) != 1 or \
				count["done"] != 1 or count["join"] != 3 * count["fork"]:
			wrong.append((one["id"], dict(count)))
	say(not wrong, prefix + "every join fires once in each round", f"{len(wrong)}: {wrong[:2]}")


# ---- databases that go away --------------------------------------------------------------------------------------


import pwd
import shlex


def fresh(database, name):
	"""A database of its own for a case."""
	subprocess.run(["createdb", name], check=True)
	return database.replace("dbname=" + os.environ["PGDATABASE"], "dbname=" + name)


def sql(database, text):
	psql = subprocess.run(["psql", "-qAtX", database, "-c", text], check=True, capture_output=True, text=True)
	return psql.stdout.strip()


class Holder:
	"""Somebody at a terminal: a session that ran a statement and leaves its transaction open."""

	def __init__(self, database, statement):
		self.psql = subprocess.Popen(["psql", "-qAtX", database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
		self.psql.stdin.write(f"begin; {statement}; select 'held';\n")
		self.psql.stdin.flush()
		while self.psql.stdout.readline().strip() != "held":
			pass

	def leave(self):
		self.psql.stdin.close()
		self.psql.wait()


def until_true(database, question, seconds=5):
	end = time.monotonic() + seconds
	while time.monotonic() < end:
		if sql(database, question) == "t":
			return True
	return False


class Cluster:
	"""The PostgreSQL that tools/with-postgres started for us: stopped without a goodbye, and started again."""

	def __init__(self):
		self.data = os.path.join(os.environ["PGHOST"], "data")
		with open(os.path.join(self.data, "postmaster.opts"), encoding="utf-8") as file:
			self.command = shlex.split(file.read())
		self.process = None

	def postmaster(self):
		with open(os.path.join(self.data, "postmaster.pid"), encoding="utf-8") as file:
			return int(file.readline())

	def stop(self):
		os.kill(self.postmaster(), signal.SIGQUIT)
		if self.process is not None:
			self.process.wait()
		while os.path.exists(os.path.join(self.data, "postmaster.pid")):
			time.sleep(0.01)

	def kill(self):
		"""SIGKILL to the postmaster, which start() has started: the zombie of another parent would be taken
		for a server that lives.  The backends find out by themselves."""
		self.process.kill()
		self.process.wait()

	def spawn(self):
		nowhere = subprocess.DEVNULL
		options = {"cwd": "/", "stdin": nowhere, "stdout": nowhere, "stderr": nowhere}
		if os.geteuid() == 0:
			user = pwd.getpwuid(os.stat(self.data).st_uid)
			options.update(user=user.pw_uid, group=user.pw_gid, extra_groups=[])
		self.process = subprocess.Popen(self.command, **options)

	def start(self):
		"""Until it is there: a backend that outlives its postmaster keeps the next one away."""
		self.spawn()
		while subprocess.run(["pg_isready", "-q"]).returncode != 0:
			if self.process.poll() is not None:
				self.spawn()
			time.sleep(0.01)


def refusals(port):
	"""How a daemon that is not active answers: (status, Retry-After) of a read, a command and a fetch."""
	client = Client(port)
	replies = [client.call("GET", "/engine-rest/process-instance"),
		client.post("/process-definition/key/rounds/start", {}),
		client.post("/external-task/fetchAndLock", {"workerId": "w", "maxTasks": 1, "topics": []}),
		client.call("GET", "/health")]
	return [(reply.status, reply.headers.get("Retry-After")) for reply in replies]


def until_refused(port, seconds=15):
	"""The answers once every kind of request is refused with 503 and Retry-After, or None."""
	end = time.monotonic() + seconds
	while time.monotonic() < end:
		answers = refusals(port)
		if all(status == 503 and retry for status, retry in answers):
			return answers
		time.sleep(0.05)
	return None


def metric(client, name):
	for line in client.call("GET", "/metrics").text.splitlines():
		if not line.startswith("#") and name in line.split(" ")[0]:
			return float(line.split(" ")[-1])
	raise SystemExit(f"not ok there is no metric {name}")
