# SPDX-License-Identifier: Apache-2.0
"""Heads that a proxy in front may read otherwise than we do: each carries a second request that must not run."""
import enemy
import rig

START = "/engine-rest/process-definition/key/atOnce/start"
COUNT = "/history/process-instance/count?processInstanceBusinessKey="
CHUNKED = "Transfer-Encoding: chunked\r\n"
JSON = "Content-Type: application/json\r\n"


def start(key):
	"""The request that must not run: it would leave an instance with that business key."""
	return enemy.request("POST", START, {"businessKey": key})


def post(head, body=b"", path=START, host="Host: h\r\n"):
	return f"POST {path} HTTP/1.1\r\n{host}{JSON}{head}\r\n".encode("latin-1") + body


def get(path="/engine-rest/version", head="Host: h\r\n", method="GET", version="HTTP/1.1"):
	return f"{method} {path} {version}\r\n{head}\r\n".encode("latin-1")


# Refused with that status, the connection closed and what stood behind it not run.
CLOSED = (
	("Content-Length and Transfer-Encoding", 400, post("Content-Length: 5\r\n" + CHUNKED, b"0\r\n\r\n")),
	("Transfer-Encoding and Content-Length", 400, post(CHUNKED + "Content-Length: 5\r\n", b"0\r\n\r\n")),
	("two different Content-Length", 400, post("Content-Length: 2\r\nContent-Length: 4\r\n", b"{}")),
	("two equal Content-Length", 400, post("Content-Length: 2\r\nContent-Length: 2\r\n", b"{}")),
	("a list of Content-Length", 400, post("Content-Length: 2, 2\r\n", b"{}")),
	("a signed Content-Length", 400, post("Content-Length: +2\r\n", b"{}")),
	("a negative Content-Length", 400, post("Content-Length: -2\r\n", b"{}")),
	("a hexadecimal Content-Length", 400, post("Content-Length: 0x2\r\n", b"{}")),
	("an empty Content-Length", 400, post("Content-Length:\r\n", b"{}")),
	("Content-Length with a space inside", 400, post("Content-Length: 2 2\r\n", b"{}")),
	("Content-Length beyond 64 bits", 413, post("Content-Length: 18446744073709551618\r\n", b"{}")),
	("a space before the colon of Content-Length", 400, post("Content-Length : 2\r\n", b"{}")),
	("a tab before the colon of Transfer-Encoding", 400, post("Transfer-Encoding\t: chunked\r\n", b"0\r\n\r\n")),
	("an unknown Transfer-Encoding", 400, post("Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n")),
	("Transfer-Encoding identity", 400, post("Transfer-Encoding: identity\r\n", b"{}")),
	("chunked twice", 400, post("Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n")),
	("two Transfer-Encoding", 400, post(CHUNKED + CHUNKED, b"0\r\n\r\n")),
	("a vertical tab before chunked", 400, post("Transfer-Encoding: \vchunked\r\n", b"0\r\n\r\n")),
	("a chunk's size beyond 64 bits", 413, post(CHUNKED, b"FFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n")),
	("a chunk's size that is no number", 400, post(CHUNKED, b"zz\r\n{}\r\n0\r\n\r\n")),
	("a chunk's size with 0x", 400, post(CHUNKED, b"0x2\r\n{}\r\n0\r\n\r\n")),
	("a chunk's size with a sign", 400, post(CHUNKED, b"-2\r\n{}\r\n0\r\n\r\n")),
	("a chunk longer than its size", 400, post(CHUNKED, b"2\r\n{}abc\r\n0\r\n\r\n")),
	("two Host", 400, get(head="Host: a\r\nHost: b\r\n")),
	("no Host", 400, get(head="")),
	("a header's name with a space", 400, get(head="Host: h\r\nBad Name: x\r\n")),
	("a header's name with a control byte", 400, get(head="Host: h\r\nBad\x01: x\r\n")),
	("a header without a colon", 400, get(head="Host: h\r\nnothing\r\n")),
	("a folded header", 400, get(head="Host: h\r\nX: a\r\n b\r\n")),
	("a folded Content-Length", 400, post("Content-Length: 60\r\n 0\r\n")),
	("a folded Transfer-Encoding", 400, post("Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n")),
	("a name that folding completes", 400, get(head="Host: h\r\nContent-: 60\r\n Length\r\n")),
	("a second line before the first header", 400, get(head=" X: a\r\nHost: h\r\n")),
	("a bare carriage return", 400, post("X: y\rTransfer-Encoding: chunked\r\nContent-Length: 2\r\n", b"{}")),
	("a control byte in a value", 400, get(head="Host: h\r\nX: \x01\r\n")),
	("NUL in a header's name", 400, post("Transfer-Encoding\0: chunked\r\nContent-Length: 2\r\n", b"{}")),
	("HTTP/1.0 without a Host", 400, get(head="", version="HTTP/1.0")),
	("no version", 400, b"GET /engine-rest/version\r\nHost: h\r\n\r\n"),
	("a space behind a chunk's size", 400, post(CHUNKED, b"2 \r\n{}\r\n0\r\n\r\n")),
	("no line end behind a chunk", 400, post(CHUNKED, b"2\r\n{}0\r\n\r\n")),
	("a head of 40 kB", 431, get(head="Host: h\r\nX: " + "x" * 40000 + "\r\n")),
	("5,000 headers", 431, get(head="Host: h\r\n" + "".join(f"X{i}: y\r\n" for i in range(5000)))),
	("a path of 40 kB", 414, get("/" + "p" * 40000)),
	("a method in lower case", 400, get(method="get")),
	("a method of other signs", 400, get(method="G@T")),
	("HTTP/0.9", 505, get(version="HTTP/0.9")),
	("HTTP/2.0", 505, get(version="HTTP/2.0")),
)

# Closed without a word: the library finds no request in it.
SILENT = (
	("tabs in the first line", b"GET\t/engine-rest/version\tHTTP/1.1\r\nHost: h\r\n\r\n"),
	("a space in the path", get("/engine-rest/version x")),
)

# Taken, as the library sees no difference: then what stands behind is one more request, and no more than that.
# (reliability.md 4.2: what is to be refused of these needs a proxy in front.)
TAKEN = (
	("bare line feeds", b"GET /engine-rest/version HTTP/1.1\nHost: h\n\n"),
	("NUL in a header's value", get(head="Host: h\r\nX: y\0z\r\n")),
	("NUL in the path", get("/engine-rest/version\0/x")),
	("NUL behind the method", get(method="GET\0")),
	("a header without a name", get(head="Host: h\r\n: x\r\n")),
	("a GET with a body", get(head="Host: h\r\nContent-Length: 2\r\n") + b"{}"),
	("a length with zeroes in front", post("Content-Length: 00000000000000000000002\r\n", b"{}")),
	("a chunk's extension", post(CHUNKED, b"2;a=b\r\n{}\r\n0\r\n\r\n")),
	("a length behind the chunks", post(CHUNKED, b"2\r\n{}\r\n0\r\nContent-Length: 60\r\n\r\n")),
	("chunks with bare line feeds", post(CHUNKED, b"2\n{}\n0\n\n")),
	("empty lines in front", b"\r\n\r\n" + get()),
	("an upgrade", get(head="Host: h\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n")),
)

# Refused in the path; the head is sound, so the connection may go on.
PATHS = (
	("%00 in a parameter", 400, "/engine-rest/task/1%00"),
	("%00 in a fixed segment", 404, "/engine-rest/version%00"),
	("%2f", 404, "/engine-rest%2fversion"),
	("%2f in a parameter", 404, "/engine-rest/process-definition/a%2fxml"),
	("..", 404, "/engine-rest/task/../version"),
	("%2e%2e", 404, "/engine-rest/task/%2e%2e/version"),
	(".", 404, "/engine-rest/./version"),
	(";x behind a segment", 404, "/engine-rest/version;x=y"),
	("a segment encoded in part", 404, "/engine-rest/%76ersion"),
	("overlong UTF-8", 400, "/engine-rest/task/%c0%af"),
	("a broken escape", 400, "/engine-rest/task/%zz"),
	("an escape cut short", 400, "/engine-rest/task/%4"),
	("a control byte", 400, "/engine-rest/task/%0d%0aX:%20y"),
	("a hundred segments", 404, "/engine-rest" + "/a" * 100),
	("another host's URL", 404, "http://elsewhere/engine-rest/nosuch"),
	("the asterisk", 404, "*"),
)


def ran(client, key):
	return client.get(COUNT + key)["count"]


def ask(port, head, key, wanted=None):
	"""The statuses that a head and the request behind it get: until the other side closes, or `wanted` many."""
	with enemy.Raw(port) as raw:
		raw.say(head + start(key))
		if wanted is not None:
			return [None if one is None else one.status for one in (raw.answer() for _ in range(wanted))]
		try:
			return [one.status for one in raw.rest()]
		except TimeoutError:
			return ["and the connection stays open"]


def check_closed(port, client):
	for number, (name, status, head) in enumerate(CLOSED):
		got, runs = ask(port, head, f"closed{number}"), ran(client, f"closed{number}")
		# of a head that is not read to its end the reset of the connection may overtake the reply
		good = got == [status] or (got == [] and len(head) > 8192)
		rig.say(good and runs == 0, f"heads: {name}", f"answered {got}, not {status}; what was hidden ran {runs} times")


def check_silent(port, client):
	for number, (name, head) in enumerate(SILENT):
		got, runs = ask(port, head, f"silent{number}"), ran(client, f"silent{number}")
		rig.say(got == [] and runs == 0, f"heads: {name}", f"answered {got}, what was hidden ran {runs} times")


def check_taken(port, client):
	for number, (name, head) in enumerate(TAKEN):
		got, runs = ask(port, head, f"taken{number}", 2), ran(client, f"taken{number}")
		rig.say(got == [200, 200] and runs == 1, f"heads: {name} is one request", f"answered {got}, the next ran {runs} times")


def check_paths(port, client):
	for name, status, path in PATHS:
		with enemy.Raw(port) as raw:
			raw.say(enemy.request("GET", path))
			answer = raw.answer()
		why = "no answer" if answer is None else enemy.complaint(answer.status, answer.body)
		rig.say(why is None and answer.status == status, f"heads: path with {name}",
			why or f"{answer.status}, not {status}: {answer.body[:100]}")


def run(database, long):
	daemon = rig.Daemon(database, "heads")
	daemon.start()
	client = rig.Client(daemon.port)
	client.deploy("atOnce", enemy.AT_ONCE)
	check_closed(daemon.port, client)
	check_silent(daemon.port, client)
	check_taken(daemon.port, client)
	check_paths(daemon.port, client)
	enemy.harmless(daemon, "heads")
	daemon.term()
