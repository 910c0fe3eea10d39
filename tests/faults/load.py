# SPDX-License-Identifier: Apache-2.0
"""What the cases share: three definitions under load, a ledger, and what must be true in the end."""
import argparse
import collections
import mmap
import os
import random
import resource
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "crash"))
import rig

WORKERS = 8
BUSY = 12			# instances that are always open
WAIT_MS = 100			# of the timer
LOOPS = 4			# instances of the multi-instance task
DECIDE = ("after>again", "again>merge ${more}", "again>done ${!more}")


def rounds_of(key, inner, *pairs):
	"""A loop that begins behind `merge` and ends with `after`, which decides whether there is another round."""
	return rig.model(key, "\n".join(['<bpmn:startEvent id="begin"/>', '<bpmn:exclusiveGateway id="merge"/>', *inner,
		rig.task("after"), '<bpmn:exclusiveGateway id="again"/>', '<bpmn:endEvent id="done"/>',
		rig.flows("begin>merge", *pairs, *DECIDE)]))


def timer(name, duration):
	return (f'<bpmn:intermediateCatchEvent id="{name}"><bpmn:timerEventDefinition><bpmn:timeDuration '
		f'xsi:type="bpmn:tFormalExpression">{duration}</bpmn:timeDuration></bpmn:timerEventDefinition>'
		"</bpmn:intermediateCatchEvent>")


def loop(count):
	return ("<bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality>"
		f"{count}</bpmn:loopCardinality></bpmn:multiInstanceLoopCharacteristics>")


TIMERS = rounds_of("timers", [rig.task("a"), timer("wait", f"PT{WAIT_MS / 1000}S")], "merge>a", "a>wait", "wait>after")
MANY = rounds_of("many", [rig.task("b", inner=loop(LOOPS))], "merge>b", "b>after")
MODELS = {"rounds": rig.ROUNDS, "timers": TIMERS, "many": MANY}


def options(usage, **more):
	"""--short (the default) or --long, --seed; whatever is random comes from args.dice."""
	parser = argparse.ArgumentParser(usage=usage)
	parser.add_argument("--short", action="store_true", help="the default")
	parser.add_argument("--long", action="store_true")
	parser.add_argument("--seed", type=int, default=int(os.environ.get("FAULTS_SEED", time.time_ns() % 10 ** 6)))
	for name, value in more.items():
		parser.add_argument("--" + name, type=type(value), default=value)
	args = parser.parse_args()
	args.dice = random.Random(args.seed)
	return args


def begin(usage, *postgres, **more):
	"""The options and the database; says how the run is repeated."""
	args = options(usage, **more)
	database = rig.with_postgres(*postgres)
	rig.note(f"seed {args.seed} (again: --seed {args.seed})")
	return args, database


class Shimmed(rig.Daemon):
	"""A daemon with shim.c before libpq, and a file through which the next fault is ordered."""

	def __init__(self, database, marker=None, **settings):
		super().__init__(database, **settings)
		self.orders = tempfile.NamedTemporaryFile(prefix="fault-")
		self.orders.write(bytes(16))
		self.orders.flush()
		self.fault = mmap.mmap(self.orders.fileno(), 16)
		self.environment = dict(os.environ, LD_PRELOAD=shim(), BPMND_FAULT=self.orders.name)
		if marker is not None:
			self.environment["BPMND_FAULT_MARKER"] = marker

	def spawn(self):
		self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=self.log, text=True,
			env=self.environment, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)))

	def order(self, what, n):
		"""The n-th statement from now on meets that; n 0: none does."""
		struct.pack_into("i", self.fault, 0, 0)
		struct.pack_into("8s", self.fault, 8, what.encode())
		struct.pack_into("i", self.fault, 0, n)

	def met(self):
		"""How many statements have met a fault so far."""
		return struct.unpack_from("i", self.fault, 4)[0]


def shim():
	"""The shared object; without one the case is skipped."""
	path = os.path.join(os.environ.get("BUILDDIR", str(rig.ROOT)), "tests", "faults", "shim.so")
	if not os.path.exists(path):
		print(f"skip {os.path.basename(sys.argv[0])}: no {path} (make tests/faults/shim.so)")
		sys.exit(0)
	return path


class Outage:
	"""When a daemon or its database was away: nobody may be refused at any other time."""

	def __init__(self):
		self.lock = threading.Lock()
		self.away = True
		self.changed = time.monotonic()

	def down(self):
		with self.lock:
			self.away = True

	def up(self):
		with self.lock:
			self.away, self.changed = False, time.monotonic()

	def excused(self, since):
		with self.lock:
			return self.away or since <= self.changed


class Load:
	"""Workers and a starter that keep instances of the three definitions going until settle()."""

	def __init__(self, port, dice, outage, workers=WORKERS, lock_ms=2000):
		self.port, self.dice, self.outage, self.lock_ms = port, dice, outage, lock_ms
		self.ledger = rig.Ledger()
		self.over = False
		self.ending = 0
		self.workers = [rig.Worker(i, self.ledger, random.Random(dice.random()), port, outage.excused,
			self.more, lock_ms)
			for i in range(workers)]
		self.starter = threading.Thread(target=self.start_instances, args=(random.Random(dice.random()),),
			daemon=True)

	def deploy(self):
		client = rig.Client(self.port())
		for key, xml in MODELS.items():
			client.deploy(key, xml)

	def start(self):
		self.deploy()
		self.outage.up()
		for thread in (*self.workers, self.starter):
			thread.start()
		self.await_progress()

	def more(self):
		"""Whether an instance goes on; while the load lasts most do."""
		goes_on = not self.over and self.dice.random() < 0.8
		self.ending += not goes_on
		return goes_on

	def start_instances(self, dice):
		number = 0
		while not self.over:
			if len(self.ledger.started) - self.ending >= BUSY:
				time.sleep(0.02)
				continue
			number += 1
			self.start_one(dice.choice(list(MODELS)), f"key-{number}")

	def start_one(self, key, business_key):
		"""A start of unknown outcome is made again under another business key."""
		began = time.monotonic()
		try:
			reply = rig.Client(self.port()).post(f"/process-definition/key/{key}/start",
				{"businessKey": business_key})
		except rig.Down as problem:
			if not self.outage.excused(began):
				self.ledger.complain(f"start: {problem}")
			time.sleep(0.01)
			return
		if reply.status == 200:
			self.ledger.enter("start", reply.json["id"], business_key)
		elif reply.status != 503 or not self.outage.excused(began):
			self.ledger.complain(f"start: {reply.status} {reply.text[:200]}")

	def await_progress(self, more=40, seconds=20):
		"""Until so many completions more are acknowledged."""
		wanted, end = len(self.ledger.completed) + more, time.monotonic() + seconds
		while len(self.ledger.completed) < wanted and time.monotonic() < end:
			time.sleep(0.005)
		return len(self.ledger.completed) >= wanted

	def settle(self, prefix, seconds=40):
		"""Lets everything end, and compares what was acknowledged with what is there."""
		self.over = True
		self.starter.join(35)
		client = rig.Client(self.port())
		drain(client, seconds)
		for worker in self.workers:
			worker.stop = True
		for worker in self.workers:
			worker.join(10)
		audit(client, self.ledger, prefix)
		rig.note(f"{prefix}{len(self.ledger.started)} instances, {len(self.ledger.completed)} completions, "
			f"{self.ledger.unknown} of unknown outcome, {self.ledger.refused} refused")


def drain(client, seconds):
	"""Until nothing runs any more; how many instances are left."""
	end = time.monotonic() + seconds
	while True:
		left = client.get("/process-instance/count")["count"]
		if left == 0 or time.monotonic() > end:
			return left
		time.sleep(0.05)


# ---- what must be true in the end --------------------------------------------------------------------------------


def audit(client, ledger, prefix):
	"""Every acknowledged start and completion is there once, nothing happened twice, nothing is left over."""
	instances = client.pages("/history/process-instance?sortBy=startTime&sortOrder=asc")
	rows = client.pages("/history/activity-instance?sortBy=activityInstanceId&sortOrder=asc")
	audit_starts(instances, ledger, prefix)
	rig.audit_completions(rows, ledger, prefix)
	rig.audit_joins([one for one in instances if one["processDefinitionKey"] == "rounds"], rows, prefix)
	audit_loops(instances, rows, prefix)
	early = [row["id"] for row in rows if row["activityId"] == "wait" and (row["durationInMillis"] or 0) < WAIT_MS]
	rig.say(not early, prefix + "no timer fires before it is due", early[:3])
	rig.say(not ledger.wrong, prefix + "no worker sees an error that is not its own",
		f"{len(ledger.wrong)}: {ledger.wrong[:3]}")
	left = left_over(client)
	rig.say(not any(left.values()), prefix + "nothing is left over", left)


def left_over(client):
	"""How many there are of what must be gone when all instances have ended."""
	kinds = ("process-instance", "external-task", "incident", "job")
	return {kind: client.get(f"/{kind}/count")["count"] for kind in kinds}


def audit_starts(instances, ledger, prefix):
	counts = collections.Counter(one["id"] for one in instances)
	lost = [one for one in ledger.started if counts[one] != 1]
	rig.say(not lost, prefix + "every acknowledged start is there once", f"{len(lost)}: {lost[:5]}")
	open_ones = [one["id"] for one in instances if one["state"] != "COMPLETED"]
	rig.say(not open_ones, prefix + "every instance ends", f"{len(open_ones)} are open: {open_ones[:5]}")
	keys = collections.Counter(one["businessKey"] for one in instances if one["businessKey"] is not None)
	twice = [key for key, count in keys.items() if count > 1]
	rig.say(not twice, prefix + "no start takes effect twice", twice[:5])


def audit_loops(instances, rows, prefix):
	"""Each round has one timer, or all instances of the multi-instance task, and goes on once."""
	counts = collections.defaultdict(collections.Counter)
	for row in rows:
		counts[row["processInstanceId"]][row["activityId"]] += 1
	wrong = []
	for one in instances:
		count = counts[one["id"]]
		expected = {"timers": {"a": 1, "wait": 1}, "many": {"b": LOOPS, "b#multiInstanceBody": 1}}
		for name, times in expected.get(one["processDefinitionKey"], {}).items():
			if count[name] != times * count["after"] or count["done"] != 1:
				wrong.append((one["id"], dict(count)))
	rig.say(not wrong, prefix + "timers fire once and multi-instance tasks go on once in each round",
		f"{len(wrong)}: {wrong[:2]}")
