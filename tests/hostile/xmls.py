# SPDX-License-Identifier: Apache-2.0
"""The XML corpus of those who attack parsers: each file is refused (or taken) within bounds of CPU time and memory."""
import time

import enemy
import rig

# A deployment of 10 MB, the most a diagram may have, takes this much at most, its bytes sent, kept and compiled.  The
# tree of libxml2 takes some 33 bytes for a byte of XML that is all markup, 330 MB; whoever was caught by the look
# before it costs a tenth of that.
CPU_SECONDS, BYTES = 2.0, 512 << 20
CAUGHT_CPU_SECONDS, CAUGHT_BYTES = 0.5, 96 << 20

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
OPEN = ('<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
	'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
	'targetNamespace="t"%s><bpmn:process id="p" isExecutable="true" camunda:historyTimeToLive="P1D">')
CLOSE = "</bpmn:process></bpmn:definitions>"
BODY = '<bpmn:startEvent id="a"/><bpmn:endEvent id="z"/><bpmn:sequenceFlow id="f" sourceRef="a" targetRef="z"/>'


def diagram(body, doctype="", attributes="", head=HEAD):
	return head + doctype + OPEN % attributes + body + CLOSE


def doctype(inner):
	return diagram("<bpmn:documentation>&a;</bpmn:documentation>" + BODY, f"<!DOCTYPE x [{inner}]>\n")


def laughs():
	inner = '<!ENTITY a0 "ha">' + "".join(
		f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10)) + '<!ENTITY a "&a9;">'
	return doctype(inner)


def extended(inner):
	"""Where anything may stand."""
	return diagram(f"<bpmn:extensionElements>{inner}</bpmn:extensionElements>" + BODY)


def flow(name, source, target):
	return f'<bpmn:sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}"/>'


def nested(tag, depth, attributes=""):
	opened = "".join(f'<bpmn:{tag} id="n{i}"{attributes}>' for i in range(depth))
	return BODY + opened + f"</bpmn:{tag}>" * depth


def wired(*flows):
	"""a, task t, z with these flows instead of the plain one."""
	return diagram('<bpmn:startEvent id="a"/><bpmn:userTask id="t"/><bpmn:endEvent id="z"/>' + "".join(
		flow(f"f{i}", *ends) for i, ends in enumerate(flows)))


def crowd():
	one = '<bpmn:process id="p%d" isExecutable="true" camunda:historyTimeToLive="P1D"><bpmn:startEvent id="a%d"/></bpmn:process>'
	return HEAD + OPEN.partition("<bpmn:process")[0] % "" + "".join(
		one % (i, i) for i in range(2000)) + "</bpmn:definitions>"


# Caught before a library sees them, or (False) behind it: name, whether at first sight, the file.
REFUSED = (
	("billion laughs", True, laughs),
	("quadratic entities", True, lambda: doctype(f'<!ENTITY a "{"x" * 100000}">').replace("&a;", "&a;" * 100000)),
	("an external entity", True, lambda: doctype('<!ENTITY a SYSTEM "file:///etc/passwd">')),
	("an external entity over the net", True, lambda: doctype('<!ENTITY a SYSTEM "http://127.0.0.1:9/x">')),
	("an external DTD", True, lambda: diagram(BODY, '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">')),
	("a parameter entity", True, lambda: doctype('<!ENTITY % b SYSTEM "file:///etc/passwd"> %b;')),
	("default attributes", True, lambda: doctype("<!ATTLIST x " + " ".join(f'b{i} CDATA "v"' for i in range(2000)) + ">")),
	("an empty DOCTYPE", True, lambda: diagram(BODY, "<!DOCTYPE x>")),
	("DOCTYPE behind the root", True, lambda: diagram(BODY) + "<!DOCTYPE x>"),
	("DOCTYPE in small letters", True, lambda: diagram(BODY, "<!doctype x>")),
	("DOCTYPE in UTF-16", True, lambda: laughs().replace("UTF-8", "UTF-16").encode("utf-16")),
	("an undeclared entity", False, lambda: diagram("<bpmn:documentation>&a;</bpmn:documentation>" + BODY)),
	("a style sheet", True, lambda: diagram(BODY, '<?xml-stylesheet href="file:///etc/passwd"?>')),
	("200,000 elements inside each other", True, lambda: diagram(nested("subProcess", 200000))),
	("a million attributes", True, lambda: diagram(BODY, "", "".join(f' a{i}="v"' for i in range(1000000))[:9000000])),
	("257 attributes", True, lambda: diagram(BODY, "", "".join(f' b:a{i}="v"' for i in range(257)))),
	("100,000 namespace declarations", True, lambda: diagram(BODY, "", "".join(
		f' xmlns:n{i}="u{i}"' for i in range(100000)))),
	("3,000,000 elements", True, lambda: diagram(BODY + "<x/>" * 2400000)),
	("14 MB of one text node", True, lambda: diagram(f"<bpmn:documentation>{'x' * (14 << 20)}</bpmn:documentation>" + BODY)),
	("NUL", True, lambda: diagram(BODY + "<!--\0-->")),
	("NUL behind the end", True, lambda: diagram(BODY) + "\0"),
	("a reference to NUL", False, lambda: diagram("<bpmn:documentation>&#0;</bpmn:documentation>" + BODY)),
	("overlong UTF-8", True, lambda: diagram(BODY + "<!--#-->").encode().replace(b"#", b"\xc0\xbc")),
	("surrogates in UTF-8", True, lambda: diagram(BODY + "<!--#-->").encode().replace(b"#", b"\xed\xa0\x80")),
	("half a surrogate in UTF-16", True, lambda: diagram(BODY).encode("utf-16") + b"\x00\xd8"),
	("UTF-16 of odd length", True, lambda: diagram(BODY).encode("utf-16") + b"\x20"),
	("UTF-16 without its mark", True, lambda: diagram(BODY).encode("utf-16-le")),
	("UTF-32", True, lambda: diagram(BODY).encode("utf-32")),
	("UTF-7", False, lambda: diagram(BODY, head='<?xml version="1.0" encoding="UTF-7"?>') + "+ADw-x/+AD4-"),
	("nothing", True, lambda: ""),
	("half a file", True, lambda: diagram(BODY)[:-30]),
	("a tag without end", True, lambda: diagram(BODY + "<!--")),
	("duplicate ids", False, lambda: diagram(BODY + '<bpmn:userTask id="a"/>')),
	("100,000 times one id", False, lambda: diagram('<bpmn:userTask id="t"/>' * 100000)),
	("a flow from a flow", False, lambda: wired(("a", "t"), ("f0", "z"))),
	("a flow to itself", False, lambda: wired(("a", "t"), ("t", "f1"))),
	("a flow into nowhere", False, lambda: wired(("a", "nowhere"))),
	("a boundary event attached to itself", False, lambda: diagram(BODY +
		'<bpmn:boundaryEvent id="b" attachedToRef="b"><bpmn:errorEventDefinition/></bpmn:boundaryEvent>')),
	("boundary events attached to each other", False, lambda: diagram(BODY + "".join(
		f'<bpmn:boundaryEvent id="b{i}" attachedToRef="b{1 - i}"><bpmn:errorEventDefinition/></bpmn:boundaryEvent>'
		for i in range(2)))),
	("a default flow that is its own task", False, lambda: diagram(
		'<bpmn:startEvent id="a"/><bpmn:exclusiveGateway id="g" default="g"/>' + flow("f", "a", "g"))),
)

# Odd or large, but diagrams: taken, or refused for a rule, in bounds.
BOUNDED = (
	("an encoding that is none", lambda: diagram(BODY, head='<?xml version="1.0" encoding="no-such"?>')),
	("a flow from the start event to itself", lambda: wired(("a", "a"), ("a", "z"))),
	("an XInclude", lambda: extended(
		'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file:///etc/passwd" parse="text"/>')),
	("UTF-16", lambda: diagram(BODY).replace("UTF-8", "UTF-16").encode("utf-16")),
	("UTF-8 with its mark", lambda: diagram(BODY).encode("utf-8-sig")),
	("9 MB of one text node", lambda: diagram(f"<bpmn:documentation>{'x' * (9 << 20)}</bpmn:documentation>" + BODY)),
	("9 MB of character references", lambda: diagram(f"<bpmn:documentation>{'&#120;' * 1500000}</bpmn:documentation>" + BODY)),
	("9 MB of a comment", lambda: diagram(BODY + f"<!--{'x' * (9 << 20)}-->")),
	("9 MB of line ends", lambda: diagram(BODY + "\n" * (9 << 20))),
	("190,000 empty elements", lambda: diagram("<bpmn:documentation/>" * 190000 + BODY)),
	("4,000 times 250 attributes", lambda: extended("".join(
		'<x xmlns="u" ' + " ".join(f'a{j}=""' for j in range(250)) + "/>" for i in range(4000)))),
	("100,000 namespace declarations in 400 tags", lambda: extended("".join(
		'<x xmlns="u" ' + " ".join(f'xmlns:n{i}="u{j}{i}"' for i in range(250)) + "/>" for j in range(400)))),
	("100 sub-processes inside each other", lambda: diagram(nested("subProcess", 100))),
	("data references in a circle", lambda: diagram(BODY + '<bpmn:dataObjectReference id="d" dataObjectRef="e"/>'
		'<bpmn:dataObjectReference id="e" dataObjectRef="d"/><bpmn:dataObjectReference id="i" dataObjectRef="i"/>')),
	("a process that calls itself", lambda: diagram('<bpmn:startEvent id="a"/><bpmn:callActivity id="t" calledElement="p"/>' +
		flow("f", "a", "t"))),
	("a task whose flow comes back to it", lambda: wired(("a", "t"), ("t", "t"), ("t", "z"))),
	("a chain of 40,000 tasks", lambda: diagram('<bpmn:startEvent id="t0"/>' + "".join(
		f'<bpmn:userTask id="t{i}"/>' + flow(f"f{i}", f"t{i - 1}", f"t{i}") for i in range(1, 40000)))),
	("20,000 inclusive gateways", lambda: diagram('<bpmn:startEvent id="t0"/>' + "".join(
		f'<bpmn:inclusiveGateway id="t{i}"/>' + flow(f"f{i}", f"t{i - 1}", f"t{i}") for i in range(1, 20000)))),
	("60,000 flows into one join", lambda: diagram('<bpmn:startEvent id="a"/><bpmn:inclusiveGateway id="g"/>'
		'<bpmn:inclusiveGateway id="h"/>' + flow("f", "a", "g") + "".join(flow(f"f{i}", "g", "h") for i in range(60000)))),
	("40,000 boundary events at one task", lambda: diagram(BODY + '<bpmn:userTask id="t"/>' + "".join(
		f'<bpmn:boundaryEvent id="b{i}" attachedToRef="t"><bpmn:errorEventDefinition errorRef="e"/></bpmn:boundaryEvent>'
		for i in range(40000)))),
	("2,000 processes", crowd),
)


def try_one(daemon, client, idle, name, text, cpu, most):
	"""Deploys it within these bounds: the reply."""
	began = time.monotonic()
	with enemy.Meal(daemon, idle) as meal:
		reply = enemy.deploy(client, ("hostile.bpmn", text))
	rig.note(f"{name}: {len(text) >> 10} kB, {reply.status}, {meal.cpu:.2f} s of CPU, {time.monotonic() - began:.1f} s, "
		f"{meal.bytes >> 20} MB")
	rig.say(meal.cpu <= cpu and meal.bytes <= most, f"xml: {name} is cheap", f"{meal.cpu:.1f} s of CPU, {meal.bytes >> 20} MB")
	return reply


def run(database, long):
	daemon = rig.Daemon(database, "xml")
	daemon.start()
	client = rig.Client(daemon.port, timeout=120)
	idle = enemy.memory(daemon)
	for name, at_sight, make in sorted(REFUSED, key=lambda row: not row[1]):
		text = make()
		if at_sight:
			reply = try_one(daemon, client, idle, name, text, CAUGHT_CPU_SECONDS, CAUGHT_BYTES)
		else:
			reply = try_one(daemon, client, idle, name, text, CPU_SECONDS, BYTES)
		why = f"{reply.status}" if reply.status < 400 else enemy.complaint(reply.status, reply.text)
		rig.say(why is None and "root:" not in reply.text, f"xml: {name} is refused", why or reply.text[:300])
	for name, make in BOUNDED:
		reply = try_one(daemon, client, idle, name, make(), CPU_SECONDS, BYTES)
		why = None if reply.status == 200 else enemy.complaint(reply.status, reply.text)
		rig.say(why is None, f"xml: {name} is taken or refused with a reason", why)
	enemy.harmless(daemon, "xml")
	daemon.term()
