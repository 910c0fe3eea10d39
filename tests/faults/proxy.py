# SPDX-License-Identifier: Apache-2.0
"""Proxies that do to a connection what networks do: cut it, hold it up, lose what it carries."""
import ctypes
import os
import re
import socket
import struct
import threading
import time

SO_ATTACH_FILTER = 26
BLOCK = 65536


class Proxy:
	"""Listens on 127.0.0.1:port and opens a pair of connections for each client; a subclass decides what passes."""

	def __init__(self, target):
		self.target = target	# what socket.connect() takes: a path, or (host, port)
		self.lock = threading.Lock()
		self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
		self.port = self.listener.getsockname()[1]
		threading.Thread(target=self.accept, daemon=True).start()

	def accept(self):
		while True:
			client = self.listener.accept()[0]
			client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
			threading.Thread(target=self.serve, args=(client,), daemon=True).start()

	def serve(self, client):
		server = socket.socket(socket.AF_UNIX if isinstance(self.target, str) else socket.AF_INET)
		try:
			server.connect(self.target)
		except OSError:
			client.close()
			return
		pair = self.make_pair(client, server)
		threading.Thread(target=pair.pump, args=(server, client, pair.answered), daemon=True).start()
		pair.pump(client, server, pair.asked)

	def make_pair(self, client, server):
		return Pair(self, client, server)


class Pair:
	"""Two connected sockets: what one sends goes to the other, through a function that may hold it or cut."""

	def __init__(self, proxy, client, server):
		self.proxy, self.client, self.server = proxy, client, server

	def pump(self, source, target, through):
		try:
			while True:
				data = source.recv(BLOCK)
				if not data:
					break
				through(data, target)
		except OSError:
			pass
		self.cut()

	def asked(self, data, target):
		target.sendall(data)

	def answered(self, data, target):
		target.sendall(data)

	def cut(self):
		for end in (self.client, self.server):
			try:
				end.shutdown(socket.SHUT_RDWR)
			except OSError:
				pass


def go_deaf(sock):
	"""The kernel drops whatever arrives for it, unacknowledged, as if the cable were cut."""
	drop_all = struct.pack("HBBI", 0x06, 0, 0, 0)	# return 0: keep no byte
	code = ctypes.create_string_buffer(drop_all)
	sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HxxxxxxP", 1, ctypes.addressof(code)))


# ---- between the daemon and PostgreSQL ---------------------------------------------------------------------------


class Messages:
	"""Cuts a stream of the frontend's messages where each ends.  The first has no letter."""

	def __init__(self):
		self.rest = b""
		self.started = False

	def feed(self, data):
		"""The messages that are complete now: (letter or None, bytes)."""
		self.rest += data
		whole = []
		while True:
			head = 1 if self.started else 0
			if len(self.rest) < head + 4:
				return whole
			length = head + struct.unpack_from("!I", self.rest, head)[0]
			if len(self.rest) < length:
				return whole
			whole.append((self.rest[:1] if head else None, self.rest[:length]))
			self.rest = self.rest[length:]
			self.started = True


class PostgresProxy(Proxy):
	"""`plan` is done to the next COMMIT that a lane sends: a method of PostgresPair, or None.  `delay()` are the
	seconds for which every message is held, each way."""

	def __init__(self):
		self.plan = None
		self.done = threading.Event()
		self.delay = lambda: 0
		super().__init__(os.path.join(os.environ["PGHOST"], ".s.PGSQL.5432"))

	def make_pair(self, client, server):
		return PostgresPair(self, client, server)

	def database(self, direct):
		"""The connection string that goes through here."""
		return re.sub(r"host=\S+", f"host=127.0.0.1 port={self.port} sslmode=disable gssencmode=disable",
			direct)

	def disturb(self, plan):
		with self.lock:
			self.done.clear()
			self.plan = plan

	def take_plan(self):
		with self.lock:
			plan, self.plan = self.plan, None
		return plan


def is_commit(letter, message):
	"""A Bind of the prepared statement `commit`."""
	return letter == b"B" and message[5:].split(b"\0", 2)[1] == b"commit"


class PostgresPair(Pair):
	def __init__(self, proxy, client, server):
		super().__init__(proxy, client, server)
		self.messages = Messages()
		self.commits = False		# the message at hand belongs to a commit; Sync ends it
		self.on_answer = None		# what becomes of the answer to it

	def asked(self, data, target):
		time.sleep(self.proxy.delay())
		for letter, message in self.messages.feed(data):
			self.commits = self.commits or is_commit(letter, message)
			plan = self.proxy.take_plan() if self.commits and letter == b"S" else None
			if letter == b"S":
				self.commits = False
			if plan is None:
				target.sendall(message)
			else:
				plan(self, message)
				self.proxy.done.set()

	def answered(self, data, target):
		time.sleep(self.proxy.delay())
		if self.on_answer is None:
			target.sendall(data)
		else:
			self.on_answer(data)

	# plans: what happens to the Sync that follows a COMMIT, without which the server does not answer

	def cut_before(self, sync):
		"""The server has the COMMIT but no Sync; it may commit or not."""
		self.cut()

	def cut_after(self, sync):
		"""It has all of it; nobody hears the answer."""
		self.server.sendall(sync)
		self.cut()

	def cut_at_answer(self, sync):
		"""It has committed, and its answer gets lost."""
		self.on_answer = lambda data: self.cut()
		self.server.sendall(sync)

	def cut_behind_answer(self, sync):
		"""Its answer arrives, and then the connection is gone."""
		def pass_and_cut(data):
			self.client.sendall(data)
			self.cut()
		self.on_answer = pass_and_cut
		self.server.sendall(sync)

	def half_open(self, sync):
		"""The COMMIT arrives, and from then on nothing in either direction, without a goodbye."""
		go_deaf(self.client)
		self.on_answer = lambda data: None
		self.server.sendall(sync)


def stall(seconds):
	"""A plan: the server commits, and its answer is held up."""
	def plan(pair, sync):
		def hold(data):
			pair.on_answer = None
			time.sleep(seconds)
			pair.client.sendall(data)
		pair.on_answer = hold
		pair.server.sendall(sync)
	return plan


# ---- between a worker and the daemon -----------------------------------------------------------------------------


class ForgetfulProxy(Proxy):
	"""Drops every second reply with its connection; remembers what was dropped: (request line, status)."""

	def __init__(self, port):
		self.replies = 0
		self.dropped = []
		super().__init__(("127.0.0.1", port))

	def make_pair(self, client, server):
		return ForgetfulPair(self, client, server)

	def drops(self, request, reply):
		with self.lock:
			self.replies += 1
			if self.replies % 2:
				return False
			self.dropped.append((request, int(reply.split(b" ", 2)[1])))
			return True


class ForgetfulPair(Pair):
	"""Clients here send a request in one or two writes and wait for its reply."""

	request = None

	def asked(self, data, target):
		self.request = self.request or data.split(b"\r\n", 1)[0].decode()
		target.sendall(data)

	def answered(self, data, target):
		if self.request is not None and self.proxy.drops(self.request, data):
			self.cut()
			return
		self.request = None
		target.sendall(data)
