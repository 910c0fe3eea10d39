# SPDX-License-Identifier: Apache-2.0
"""Clients that hold connections: parked polls by the thousand, slow senders and readers, half requests, long pipelines,
tiny chunks, connects without end.  Others are served meanwhile, deadlines hold, and nothing is kept afterwards."""
import contextlib
import json
import selectors
import threading
import time

import enemy
import rig

HEAD_SECONDS, BODY_SECONDS = 3, 5
SLACK = 2.5			# a sweep each half second, and five processes on two cores
# What a good client may wait at the 99th percentile.  Quiet it is some ms; a client that starves, or a thread that waits
# for another client, would wait for a deadline, 3 s at least.  Half a second is what scheduling on two busy cores, one of
# them ours, may take, and far from both.
P99 = 0.5
POLLS = 10000
BYTES_PER_POLL = 20000		# reliability.md 3.3, T11
# 256 arenas of 64 kB at most are kept for later requests (api/http.c), and holes smaller than a page; the polls alone were
# 80 MB, so that a leak of a third of them shows.  Every ten seconds what is free goes back to the system.
KEPT, KEPT_SECONDS = 24 << 20, 20
LIST_BYTES = 1 << 20
LARGE_LIST = enemy.request("GET", "/engine-rest/variable-instance?variableName=large")


def hold(count, port, data, **options):
	"""That many connections that said `data`."""
	held = []
	for _ in range(count):
		raw = enemy.Raw(port, **options)
		raw.say(data)
		held.append(raw)
	return held


def let_go(held):
	for raw in held:
		raw.abort()


class Ends:
	"""When the other side closes each of these connections, seconds after `since`."""

	def __init__(self, held, since):
		self.seconds, self.since = [], since
		self.selector = selectors.DefaultSelector()
		for raw in held:
			raw.socket.setblocking(False)
			self.selector.register(raw.socket, selectors.EVENT_READ, raw)

	def look(self, until):
		"""Collects ends until then, or until all have ended."""
		while self.selector.get_map() and time.monotonic() < until:
			for key, _ in self.selector.select(max(0, until - time.monotonic())):
				self.hear(key)

	def hear(self, key):
		try:
			if key.fileobj.recv(65536):
				return
		except OSError:
			pass
		self.selector.unregister(key.fileobj)
		self.seconds.append(time.monotonic() - self.since)

	def left(self):
		return len(self.selector.get_map())


def drip(held, ends, data, seconds):
	"""A byte each second into those that are still open."""
	end = time.monotonic() + seconds
	for byte in data:
		with contextlib.suppress(OSError):
			for raw in held:
				raw.socket.send(bytes([byte]))
		ends.look(min(end, time.monotonic() + 1))
		if not ends.left() or time.monotonic() >= end:
			return


def expect_ends(name, ends, limit):
	early = [s for s in ends.seconds if s < limit - 0.1]
	late = [s for s in ends.seconds if s > limit + SLACK]
	rig.say(ends.seconds and not early and not late and not ends.left(), f"connections: {name} end after {limit} s",
		f"{ends.left()} are open, {len(early)} ended early, {len(late)} late: {(early + late)[:3]}")


# ---- the attacks ----------------------------------------------------------------------------------------------------


def fetch(topic):
	return enemy.request("POST", "/engine-rest/external-task/fetchAndLock", {"workerId": "w", "maxTasks": 1,
		"asyncResponseTimeout": 1800000, "topics": [{"topicName": topic, "lockDuration": 60000}]})


def park(daemon, client):
	"""All polls for one topic; the caller lets them go."""
	before = enemy.memory(daemon)
	held = hold(POLLS, daemon.port, fetch("work"))
	parked = enemy.settle(lambda: -gauge(client), -POLLS)
	each = (enemy.memory(daemon) - before) // POLLS
	rig.note(f"{POLLS} parked polls: {each} bytes each")
	rig.say(parked == -POLLS, f"connections: {POLLS} polls are parked", -parked)
	rig.say(each < BYTES_PER_POLL, f"connections: a parked poll takes less than {BYTES_PER_POLL} bytes", each)
	return held


def gauge(client):
	"""How many polls are parked."""
	for line in client.call("GET", "/metrics").text.splitlines():
		if line.startswith("bpmnd_polls_parked "):
			return int(float(line.split()[1]))
	raise SystemExit("not ok connections: there is a count of parked polls")


def herd(client, held):
	"""One task for all of them: one poll gets it, the others stay."""
	selector = selectors.DefaultSelector()
	for raw in held:
		selector.register(raw.socket, selectors.EVENT_READ, raw)
	began = time.monotonic()
	client.post("/process-definition/key/work/start", {})
	first = selector.select(10)
	took = time.monotonic() - began
	more = selector.select(0.3) if first else []		# whoever else was woken
	tasks = [json.loads(key.data.answer().body) for key, _ in first]
	rig.note(f"one of {len(held)} polls got the task {took * 1000:.0f} ms after the request that made it")
	rig.say(len(first) == 1 and len(tasks[0]) == 1 and {key.fd for key, _ in more} <= {key.fd for key, _ in first},
		"connections: one poll of all gets the task", f"{len(first)}, then {len(more)}: {tasks[:2]}")
	selector.close()


def slow_heads(port, count):
	since = time.monotonic()
	text = b"GET /engine-rest/version HTTP/1.1\r\nHost: h\r\nX: " + b"x" * 100
	held = hold(count, port, text[:1])
	ends = Ends(held, since)
	drip(held, ends, text[1:], HEAD_SECONDS + SLACK)
	expect_ends(f"{count} heads that drip", ends, HEAD_SECONDS)
	let_go(held)


def slow_bodies(port, count):
	since = time.monotonic()
	head = enemy.request("POST", "/engine-rest/task", b"{" + b" " * 998 + b"}")
	held = hold(count, port, head[:-990])
	ends = Ends(held, since)
	drip(held, ends, b" " * 100, BODY_SECONDS + SLACK)
	expect_ends(f"{count} bodies that drip", ends, BODY_SECONDS)
	let_go(held)


HALVES = (("empty connections", b"", HEAD_SECONDS), ("half heads", b"GET /engine-rest/ver", HEAD_SECONDS),
	("heads without a body", enemy.request("POST", "/engine-rest/task", b"{}")[:-2], BODY_SECONDS))


def half_requests(port, count, name, data, limit):
	since = time.monotonic()
	held = hold(count, port, data)
	ends = Ends(held, since)
	ends.look(since + limit + SLACK)
	expect_ends(f"{count} {name}", ends, limit)
	let_go(held)


def at_once(*calls):
	"""Each (function, arguments...) in a thread, all at the same time."""
	threads = [threading.Thread(target=call[0], args=call[1:]) for call in calls]
	for thread in threads:
		thread.start()
	for thread in threads:
		thread.join()


def slow_readers(daemon, count):
	"""They ask for a megabyte and more, and do not read.  What is ready for them waits in memory, until the connection has
	not moved for body_seconds."""
	since = time.monotonic()
	held = hold(count, daemon.port, LARGE_LIST, receive_buffer=4096)
	full = enemy.settle(lambda: -enemy.memory(daemon), -(count * LIST_BYTES), 1)
	ended = enemy.settle(lambda: connections_to(daemon.port), 8, BODY_SECONDS + SLACK + 5)
	rig.note(f"{count} slow readers: {-full >> 20} MB, gone after {time.monotonic() - since:.1f} s")
	rig.say(ended <= 8, f"connections: {count} readers that do not read end", f"{ended} connections are there")
	let_go(held)


def dripping_readers(daemon, count):
	"""They read all the time, four kilobytes a second: less than the least speed, so the deadline counts."""
	since = time.monotonic()
	held = hold(count, daemon.port, LARGE_LIST, receive_buffer=4096, segment=1448)
	open_, taken = len(held), 0
	while open_ and time.monotonic() < since + BODY_SECONDS + SLACK + 5:
		time.sleep(0.25)		# the speed of the client
		taken += sum(read_some(raw, 1024) for raw in held)
		open_ = max(0, connections_to(daemon.port) - 8)
	seconds = time.monotonic() - since
	rig.note(f"{count} readers that drip: {taken // count} bytes each, gone after {seconds:.1f} s")
	rig.say(not open_ and taken < count * LIST_BYTES and seconds > BODY_SECONDS - 0.1,
		f"connections: {count} readers that drip end", f"{open_} are open after {seconds:.1f} s, {taken} bytes taken")
	let_go(held)


def steady_reader(daemon):
	"""Slow, but fast enough: some 130 kB a second for longer than the deadline, and it gets all of its reply."""
	with enemy.Raw(daemon.port, receive_buffer=16384, segment=1448) as raw:
		since = time.monotonic()
		raw.say(LARGE_LIST)
		taken = 0
		while taken < LIST_BYTES:
			got = read_some(raw, 16384)
			taken += got
			if not got and time.monotonic() > since + 10 * BODY_SECONDS:
				break
			time.sleep(0.125)		# the speed of the client
		rig.say(taken >= LIST_BYTES and time.monotonic() - since > BODY_SECONDS,
			"connections: a slow reader gets all of its reply", f"{taken} bytes in {time.monotonic() - since:.1f} s")


def read_some(raw, most):
	raw.socket.setblocking(False)
	try:
		return len(raw.socket.recv(most))
	except OSError:
		return 0


def connections_to(port):
	"""Sockets of the daemon's side that are established."""
	here = f":{port:04X}"
	return sum(fields[1].endswith(here) and fields[3] == "01"
		for fields in (line.split() for line in open("/proc/net/tcp").readlines()[1:]))


def pipeline(port, count=1000):
	with enemy.Raw(port) as raw:
		data = b"".join(enemy.request("GET", f"/engine-rest/task/none{i}") for i in range(count))
		sender = threading.Thread(target=raw.say, args=(data,), daemon=True)
		sender.start()
		wrong = []
		for i in range(count):
			answer = raw.answer()
			if answer is None or answer.status != 404 or b'none%d"' % i not in answer.body:
				wrong.append((i, answer and answer.body))
				break
		rig.say(not wrong, f"connections: {count} requests in one pipeline are answered in order", wrong)


def tiny_chunks(port, count=20000):
	body = b'{"nameLike":"' + b"x" * (count - 15) + b'"}'
	data = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
	head = b"POST /engine-rest/task/count HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
	with enemy.Raw(port) as raw:
		raw.say(head + b"Transfer-Encoding: chunked\r\n\r\n" + data)
		answer = raw.answer()
		rig.say(answer is not None and answer.status == 200, f"connections: {count} chunks of one byte are a body", answer)


def connects(port, count):
	"""One after the other, ended with a reset, half of them in the middle of a request."""
	began, wrong = time.monotonic(), 0
	for i in range(count):
		try:
			raw = enemy.Raw(port)
		except OSError:
			wrong += 1
			continue
		if i % 2:
			raw.say(b"GET /engine")
		raw.abort()
	rig.note(f"{count} connects in {time.monotonic() - began:.1f} s")
	rig.say(not wrong, f"connections: {count} connects are taken", f"{wrong} were not")


# ---- the case ----------------------------------------------------------------------------------------------------------


def attack(daemon, client, long):
	"""Everything at once with the polls."""
	polls = park(daemon, client)
	herd(client, polls)
	at_once((slow_heads, daemon.port, 200), (slow_bodies, daemon.port, 200),
		*((half_requests, daemon.port, 200, *half) for half in HALVES))
	pipeline(daemon.port)
	tiny_chunks(daemon.port)
	connects(daemon.port, 50000 if long else 10000)
	let_go(polls)
	slow_readers(daemon, 30)
	at_once((dripping_readers, daemon, 30), (steady_reader, daemon))


def served(name, probe):
	seconds, problems = probe.stop()
	p99 = enemy.percentile(seconds, 0.99)
	rig.note(f"{name}: {len(seconds)} requests of a good client, p50 {enemy.percentile(seconds, 0.5) * 1000:.1f} ms, "
		f"p99 {p99 * 1000:.1f} ms, longest {seconds[-1] * 1000:.0f} ms")
	rig.say(len(seconds) > 100 and not problems and p99 <= P99, f"connections: a good client waits {P99} s at most (p99), {name}",
		f"p99 {p99:.3f} s, {problems[:3]}")


def run(database, long):
	daemon = rig.Daemon(database, "connections", header_seconds=HEAD_SECONDS, body_seconds=BODY_SECONDS)
	daemon.start()
	client = rig.Client(daemon.port)
	client.deploy("atOnce", enemy.AT_ONCE)
	client.deploy("work", rig.model("work", '<bpmn:startEvent id="a"/>' + rig.task("task", "work") + '<bpmn:endEvent id="z"/>' +
		rig.flows("a>task", "task>z")))
	client.post("/process-definition/key/work/start", {"variables": {"large": {"value": "x" * LIST_BYTES}}})
	fetched = client.post("/external-task/fetchAndLock", {"workerId": "w", "maxTasks": 1, "topics": [{"topicName": "work",
		"lockDuration": 10 ** 9}]})
	rig.say(len(fetched.json) == 1, "connections: the topic is empty", fetched.text)
	probe = enemy.Probe(daemon)
	time.sleep(2)		# a measurement takes its time
	served("in peace", probe)
	memory, descriptors = enemy.memory(daemon), enemy.descriptors(daemon)
	for _ in range(2 if long else 1):
		probe = enemy.Probe(daemon)
		attack(daemon, rig.Client(daemon.port), long)	# an idle connection ends after BODY_SECONDS
		served("under attack", probe)
	left = enemy.settle(lambda: enemy.descriptors(daemon), descriptors)
	rig.say(left <= descriptors, "connections: no descriptor is kept", f"{left}, before {descriptors}")
	kept = enemy.settle(lambda: enemy.memory(daemon) - memory, KEPT, KEPT_SECONDS)
	rig.note(f"memory: {memory >> 20} MB before, {(memory + kept) >> 20} MB after")
	rig.say(kept <= KEPT, f"connections: {KEPT >> 20} MB of memory are kept at most", f"{kept >> 20} MB more than before")
	enemy.harmless(daemon, "connections")
	daemon.term()
