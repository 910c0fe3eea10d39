# SPDX-License-Identifier: Apache-2.0
"""What a hostile client needs and rig.py has not: sockets byte by byte, a daemon's appetite, a probe that measures."""
import collections
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "crash"))
import rig

TICKS = os.sysconf("SC_CLK_TCK")

# The refusals that are 500 on the wire of Camunda 7 too (base/status.def, api/manners.def): of its engine, about what
# was asked.  Its own failure would be a RestException "internal error", which is never right.
CAMUNDAS_500 = ("ProcessEngineException", "NullValueException", "TaskAlreadyClaimedException", "RestException",
	"InvalidRequestException")


# ---- sockets -----------------------------------------------------------------------------------------------------


Answer = collections.namedtuple("Answer", "status head body")


class Raw:
	"""A connection that says what it is told to, and hears what comes."""

	def __init__(self, port, timeout=20, receive_buffer=None, segment=None):
		self.socket = socket.socket()
		if segment is not None:		# as of a far client: the other side's buffer is small then, too
			self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
		if receive_buffer is not None:
			self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
		self.socket.settimeout(timeout)
		self.socket.connect(("127.0.0.1", port))
		self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
		self.heard = b""

	def __enter__(self):
		return self

	def __exit__(self, *ignored):
		self.socket.close()

	def say(self, data):
		"""False when the other side has hung up before all was said."""
		try:
			self.socket.sendall(data)
			return True
		except (BrokenPipeError, ConnectionResetError):
			return False

	def more(self):
		"""Whether something more has come; False at the end."""
		try:
			data = self.socket.recv(65536)
		except ConnectionResetError:
			return False
		self.heard += data
		return data != b""

	def answer(self):
		"""The next reply, or None when the connection ended before it did."""
		while b"\r\n\r\n" not in self.heard:
			if not self.more():
				return None
		head, _, rest = self.heard.partition(b"\r\n\r\n")
		lines = head.decode("latin-1").split("\r\n")
		lengths = [int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:")]
		length = lengths[0] if lengths else 0
		while len(rest) < length:
			if not self.more():
				return None
			rest = self.heard.partition(b"\r\n\r\n")[2]
		self.heard = rest[length:]
		return Answer(int(lines[0].split()[1]), lines, rest[:length])

	def rest(self):
		"""All replies until the other side closes; raises TimeoutError when it does not."""
		answers = []
		while True:
			one = self.answer()
			if one is None:
				return answers
			answers.append(one)

	def abort(self):
		"""Ends it with a reset, so that nothing of it stays in the kernel."""
		self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
		self.socket.close()


def request(method, path, body=None, content_type="application/json", head=""):
	"""A whole request as bytes."""
	data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
	if body is not None:
		head += f"Content-Type: {content_type}\r\nContent-Length: {len(data)}\r\n"
	return f"{method} {path} HTTP/1.1\r\nHost: h\r\n{head}\r\n".encode() + data


# ---- what is a good refusal ---------------------------------------------------------------------------------------


def complaint(status, text, empty_message=False):
	"""Why a reply is no proper refusal; None when it is one: a 4xx (or what Camunda answers with 500) with the error
	object.  `empty_message`: Camunda has none for JSON of the wrong shape."""
	try:
		error = json.loads(text)
	except ValueError:
		return f"{status}, no JSON: {text[:100]!r}"
	if not isinstance(error, dict) or not isinstance(error.get("type"), str) or not isinstance(error.get("message"), str):
		return f"{status}, no error object: {text[:100]!r}"
	if error["message"] == "" and not empty_message:
		return f"{status} without a message"
	if 400 <= status < 500:
		return None
	of_engine = error["code"] == 0 or error["message"].startswith("ENGINE-")
	if status == 500 and error["type"] in CAMUNDAS_500 and of_engine and "database failed" not in error["message"]:
		return None
	return f"{status} {text[:200]!r}"


def multipart(*parts, fields=()):
	"""A body of resources (file name, bytes) for deployment/create, and its content type."""
	body = b"".join(b'--cut\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % pair for pair in fields)
	for i, (name, data) in enumerate(parts):
		file_name = name if isinstance(name, bytes) else name.encode()
		body += b'--cut\r\nContent-Disposition: form-data; name="r%d"; filename="%s"\r\n\r\n' % (i, file_name)
		body += (data if isinstance(data, bytes) else data.encode()) + b"\r\n"
	return body + b"--cut--\r\n", "multipart/form-data; boundary=cut"


def deploy(client, *parts):
	"""The reply to a deployment that may be refused."""
	body, kind = multipart(*parts, fields=[(b"deployment-name", b"hostile")])
	return client.call("POST", "/engine-rest/deployment/create", body, kind)


# ---- a daemon's appetite -------------------------------------------------------------------------------------------


def memory(daemon, what="VmRSS"):
	"""Bytes; what: VmRSS or VmHWM (the most since calm())."""
	for line in open(f"/proc/{daemon.process.pid}/status"):
		if line.startswith(what + ":"):
			return int(line.split()[1]) * 1024
	raise RuntimeError("no " + what)


def calm(daemon):
	"""Lets VmHWM begin anew."""
	with open(f"/proc/{daemon.process.pid}/clear_refs", "w") as file:
		file.write("5")


def descriptors(daemon):
	return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def cpu_seconds(daemon):
	fields = open(f"/proc/{daemon.process.pid}/stat").read().rpartition(")")[2].split()
	return (int(fields[11]) + int(fields[12])) / TICKS


class Meal:
	"""CPU time that something took of a daemon, and the most memory it had beyond `idle` bytes, what was kept from earlier
	meals included: `with Meal(daemon, idle) as meal`."""

	def __init__(self, daemon, idle):
		self.daemon, self.idle = daemon, idle

	def __enter__(self):
		calm(self.daemon)
		self.before = cpu_seconds(self.daemon)
		return self

	def __exit__(self, *ignored):
		self.cpu = cpu_seconds(self.daemon) - self.before
		self.bytes = memory(self.daemon, "VmHWM") - self.idle


def settle(measure, wanted, seconds=30):
	"""Waits until measure() is at most that; what it is in the end."""
	end = time.monotonic() + seconds
	while True:
		value = measure()
		if value <= wanted or time.monotonic() > end:
			return value
		time.sleep(0.1)


def harmless(daemon, name):
	"""After all that: the process is the same and serves."""
	health = daemon.health()
	rig.say(daemon.process.poll() is None and health is not None and health[:2] == (200, "UP"), f"{name}: the daemon is "
		"unharmed", f"exit {daemon.process.poll()}, health {health}; {daemon.tail()}")


# ---- a probe -------------------------------------------------------------------------------------------------------


# An instance that waits for nobody.
AT_ONCE = rig.model("atOnce", '<bpmn:startEvent id="begin"/><bpmn:endEvent id="done"/>' + rig.flows("begin>done"))


class Probe:
	"""A well-behaved client in a process of its own: a command and a read in turn, until told to stop.  The model atOnce
	is to be deployed."""

	def __init__(self, daemon):
		self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__), str(daemon.port)],
			stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

	def stop(self):
		"""Ascending seconds of each request, and the problems it had."""
		output = self.process.communicate("")[0]
		heard = json.loads(output)
		return sorted(heard["seconds"]), heard["problems"]


def percentile(ascending, share):
	return ascending[min(len(ascending) - 1, int(len(ascending) * share))]


def probe_main(port):
	import select
	client, seconds, problems = rig.Client(port), [], []
	turns = (("POST", "/engine-rest/process-definition/key/atOnce/start", {}),
		("GET", "/engine-rest/process-instance/count", None))
	while not select.select([sys.stdin], [], [], 0.005)[0]:
		began = time.monotonic()
		try:
			reply = client.call(*turns[len(seconds) % 2])
			if reply.status != 200:
				problems.append(f"{reply.status} {reply.text[:200]}")
		except rig.Down as problem:
			problems.append(str(problem))
		seconds.append(time.monotonic() - began)
	json.dump({"seconds": seconds, "problems": problems[:10]}, sys.stdout)


if __name__ == "__main__":
	probe_main(int(sys.argv[1]))
