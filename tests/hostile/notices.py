# SPDX-License-Identifier: Apache-2.0
"""The published holes of other engines (reliability.md 4.4), each by its name."""
import json
import re
import subprocess

import enemy
import rig

# What a JUEL engine may be talked into, and a text that would show that it was.
EVIL = ("${''.getClass()}", "${execution.getClass()}",
	"${''.getClass().forName('java.lang.Runtime').getRuntime().exec('id')}", "${System.getenv('HOME')}",
	"${''.class}", "#{''.class}", "${''['class']}", "${1.class}", "${dateTime().class}", "${''.class.name}",
	"${T(java.lang.Runtime)}", "${x = 1}", "${a -> a}", "${[1,2].stream()}", "${#execution}", "${execution.engineServices}",
	"${runtimeService.deleteProcessInstance('1','x')}", "${", "${${1}}", "${1}${", "#{1")
# Reading a member is what expressions are for, of a map; of anything else it fails when it is evaluated.
MEMBERS = ("${x.class}", "${x['class']}", "${x.class.name}", "${x.trim().class}", "${(x == '' ? 1 : x).class}")
AT_START = ("assignee", "candidateUsers", "candidateGroups", "dueDate", "priority", "topic", "expression",
	"condition", "timeDuration", "inputParameter", "list entry", "map entry", "loopCardinality", "collection")

EXPRESSIONS = (
	"assigneeExpression", "candidateUserExpression", "candidateGroupExpression", "ownerExpression",
	"involvedUserExpression", "createdBeforeExpression", "createdAfterExpression", "createdOnExpression",
	"dueDateExpression", "dueBeforeExpression", "dueAfterExpression", "followUpDateExpression", "followUpBeforeExpression",
	"followUpAfterExpression", "followUpBeforeOrNotExistentExpression", "processInstanceBusinessKeyExpression",
	"processInstanceBusinessKeyLikeExpression", "assigneeLikeExpression", "candidateGroupsExpression", "updatedAfterExpression")
KNOWN = {"/task", "/task/count"}	# the lists that have such fields in Camunda
WITH_OR = KNOWN | {"/process-instance", "/history/process-instance"}
LISTS = ("/task", "/task/count", "/process-instance", "/external-task", "/execution", "/job", "/variable-instance",
	"/history/process-instance", "/history/activity-instance", "/history/variable-instance")


def queries(client):
	"""CVE-2026-109432: expressions in queries."""
	for path in LISTS:
		wrong = []
		for name in EXPRESSIONS:
			for body, known in (({name: "${1+1}"}, path in KNOWN), ({"orQueries": [{name: "${1+1}"}]}, path in WITH_OR)):
				reply = client.post(f"{path}?maxResults=5", body)
				# elsewhere these are unknown properties, which Camunda ignores: nobody looks at them
				if reply.status != (400 if known else 200):
					wrong.append(f"{json.dumps(body)}: {reply.status} {reply.text[:100]}")
			reply = client.call("GET", f"/engine-rest{path}?maxResults=5&{name}=%24%7B1%2B1%7D")
			if reply.status != (400 if path in KNOWN else 200):
				wrong.append(f"GET {name}: {reply.status}")
		rig.say(not wrong, f"CVE-2026-109432: no expression in a query of {path}", "; ".join(wrong[:5]))


def wait(inner, kind="userTask", attributes=""):
	return (f'<bpmn:startEvent id="a"/><bpmn:{kind} id="t" {attributes}>{inner}</bpmn:{kind}><bpmn:endEvent id="z"/>' +
		rig.flows("a>t", "t>z"))


def timer(tag, text):
	return wait(f"<bpmn:timerEventDefinition><bpmn:{tag}>{text}</bpmn:{tag}></bpmn:timerEventDefinition>",
		"intermediateCatchEvent")


def io(inner):
	return wait(f"<bpmn:extensionElements><camunda:inputOutput>{inner}</camunda:inputOutput></bpmn:extensionElements>")


def external(attributes, inner=""):
	return wait(inner, "serviceTask", f'camunda:type="external" {attributes}')


# Every place of a diagram that holds an expression: its name, the diagram around %s.
ATTRIBUTES = (
	("assignee", wait("", attributes='camunda:assignee="%s"')),
	("candidateUsers", wait("", attributes='camunda:candidateUsers="%s"')),
	("candidateGroups", wait("", attributes='camunda:candidateGroups="%s"')),
	("dueDate", wait("", attributes='camunda:dueDate="%s"')),
	("followUpDate", wait("", attributes='camunda:followUpDate="%s"')),
	("priority", wait("", attributes='camunda:priority="%s"')),
	("formKey", wait("", attributes='camunda:formKey="%s"')),
	("topic", external('camunda:topic="%s"')),
	("taskPriority", external('camunda:topic="x" camunda:taskPriority="%s"')),
	("jobPriority", wait("", attributes='camunda:asyncBefore="true" camunda:jobPriority="%s"')),
	("expression", wait("", "serviceTask", 'camunda:expression="%s"')),
	("condition", '<bpmn:startEvent id="a"/><bpmn:exclusiveGateway id="t"/><bpmn:endEvent id="y"/>'
		'<bpmn:endEvent id="z"/>' + rig.flows("a>t", "t>z %s", "t>y ${true}")),
	("timeDuration", timer("timeDuration", "%s")),
	("timeDate", timer("timeDate", "%s")),
	("timeCycle", timer("timeCycle", "%s")),
	("inputParameter", io('<camunda:inputParameter name="x">%s</camunda:inputParameter>')),
	("outputParameter", io('<camunda:outputParameter name="x">%s</camunda:outputParameter>')),
	("list entry", io('<camunda:inputParameter name="x"><camunda:list><camunda:value>%s</camunda:value></camunda:list>'
		"</camunda:inputParameter>")),
	("map entry", io('<camunda:inputParameter name="x"><camunda:map><camunda:entry key="k">%s</camunda:entry></camunda:map>'
		"</camunda:inputParameter>")),
	("loopCardinality", wait("<bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality>%s</bpmn:loopCardinality>"
		"</bpmn:multiInstanceLoopCharacteristics>")),
	("completionCondition", wait("<bpmn:multiInstanceLoopCharacteristics><bpmn:loopCardinality>2</bpmn:loopCardinality>"
		"<bpmn:completionCondition>%s</bpmn:completionCondition></bpmn:multiInstanceLoopCharacteristics>")),
	("collection", wait('<bpmn:multiInstanceLoopCharacteristics camunda:collection="%s" camunda:elementVariable="e"/>')),
	("failedJobRetryTimeCycle", external('camunda:topic="x" camunda:asyncBefore="true"', "<bpmn:extensionElements>"
		"<camunda:failedJobRetryTimeCycle>%s</camunda:failedJobRetryTimeCycle></bpmn:extensionElements>")),
	("errorEventDefinition", external('camunda:topic="x"', '<bpmn:extensionElements><camunda:errorEventDefinition '
		'id="e" errorRef="r" expression="%s"/></bpmn:extensionElements>')),
	("execution listener", wait('<bpmn:extensionElements><camunda:executionListener event="start" expression="%s"/>'
		"</bpmn:extensionElements>")),
	("task listener", wait('<bpmn:extensionElements><camunda:taskListener event="create" expression="%s"/>'
		"</bpmn:extensionElements>")),
	("delegateExpression", wait("", "serviceTask", 'camunda:delegateExpression="%s"')),
	("class", wait("", "serviceTask", 'camunda:class="%s"')),
	("script", wait("<bpmn:script>%s</bpmn:script>", "scriptTask", 'scriptFormat="juel"')),
)
# Refused as a whole, whatever they say.
NOT_SUPPORTED = ("execution listener", "task listener", "delegateExpression", "class", "script")


def escape(text):
	return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def expressions(client):
	"""CVE-2026-116058, CVE-2026-75414: code in the expressions of a diagram."""
	for name, body in ATTRIBUTES:
		wrong = []
		sound = enemy.deploy(client, ("evil.bpmn", rig.model("evil", body.replace("%s", escape("${x}")))))
		for text in EVIL:
			reply = enemy.deploy(client, ("evil.bpmn", rig.model("evil", body.replace("%s", escape(text)))))
			why = "it was deployed" if reply.status == 200 else enemy.complaint(reply.status, reply.text)
			if why is not None:
				wrong.append(f"{text}: {why}")
		rig.say(not wrong, f"CVE-2026-116058, CVE-2026-75414: no code in {name}", "; ".join(wrong[:6]))
		rig.say((sound.status == 200) == (name not in NOT_SUPPORTED), f"CVE-2026-116058: {name} takes a sound expression",
			f"{sound.status} {sound.text[:200]}")


def members(client):
	"""CVE-2026-116058, CVE-2026-75414: what is deployed is not a way to classes either."""
	bodies = dict(ATTRIBUTES)
	for name in AT_START:
		wrong = []
		for text in MEMBERS:
			reply = enemy.deploy(client, ("evil.bpmn", rig.model("evil", bodies[name].replace("%s", escape(text)))))
			if reply.status == 200:
				reply = client.post("/process-definition/key/evil/start", {"variables": {"x": {"value": "text"}}})
			why = "it was evaluated" if reply.status == 200 else enemy.complaint(reply.status, reply.text)
			if why is not None:
				wrong.append(f"{text}: {why}")
		rig.say(not wrong, f"CVE-2026-116058, CVE-2026-75414: no class is read in {name}", "; ".join(wrong[:6]))


def paths(client):
	"""CVE-2022-25237: what is routed is what was asked for."""
	for path in ("/engine-rest/version;i18ntranslation", "/engine-rest;/version", "/engine-rest/i18ntranslation/../version",
			"/engine-rest/x/%2e%2e/version", "/health/../engine-rest/version", "/health;/engine-rest/version",
			"/engine-rest/engine/default/../../version", "/engine-rest\\version", "/ENGINE-REST/version", "/engine-rest/version/x",
			"/engine-rest/version/.", "/engine-rest/version%20", "/engine-rest/version.json"):
		reply = client.call("GET", path)
		rig.say(reply.status == 404 and "7.24" not in reply.text, f"CVE-2022-25237: {path} is nothing",
			f"{reply.status} {reply.text[:100]}")


def setup(client):
	"""CVE-2026-77226: nothing sets the engine up over the wire, whatever the method."""
	for path in ("/engine-rest/setup", "/setup", "/camunda/api/admin/setup/default/user/create", "/engine-rest/user/create",
			"/engine-rest/user", "/engine-rest/group/create", "/engine-rest/authorization/create", "/bpmnd/setup"):
		statuses = [client.call(method, path, {}).status for method in ("POST", "PUT")]
		rig.say(statuses == [404, 404], f"CVE-2026-77226: there is no {path}", statuses)


def xml_variables(client):
	"""CVE-2014-8125, CVE-2014-3682: a variable of type Xml is a text that nobody parses."""
	text = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'
	started = client.post("/process-definition/key/waits/start", {"variables": {"x": {"value": text, "type": "Xml"}}})
	back = client.call("GET", f"/engine-rest/process-instance/{started.json['id']}/variables/x?deserializeValue=true")
	rig.say(back.status == 200 and back.json["value"] == text, "CVE-2014-8125, CVE-2014-3682: XML in variables stays text",
		back.text[:200])


def resource_names(client):
	"""Notice 91: names of resources that would leave a folder."""
	for name in (b"../../../etc/passwd.bpmn", b"/etc/passwd.bpmn", b"C:\\x\\..\\y.bpmn", b"a\\\"b.bpmn", b"x;y.bpmn",
			b"..", b"%2e%2e%2fx.bpmn", "überweisung.bpmn".encode(), b"a b.bpmn", b".bpmn"):
		reply = enemy.deploy(client, (name, enemy.AT_ONCE))
		if reply.status != 200:
			rig.say(enemy.complaint(reply.status, reply.text) is None, f"notice 91: {name} is refused", reply.text)
			continue
		resource = client.get(f"/deployment/{reply.json['id']}/resources")[0]
		data = client.call("GET", f"/engine-rest/deployment/{reply.json['id']}/resources/{resource['id']}/data")
		offered = data.headers.get("Content-Disposition", "")
		safe = data.status == 200 and not re.search(r"\.\./|=\s*\"?[/\\]|\\\.\.|[\r\n]", offered)
		rig.say(safe and data.text == enemy.AT_ONCE, f"notice 91: {name} is offered as a plain name", f"{data.status} {offered}")
	for name in (b"a\0b.bpmn", b"\xc0\xae\xc0\xae/x.bpmn", b"\xff.bpmn", b"x" * 9000 + b".bpmn", b""):
		reply = enemy.deploy(client, (name, enemy.AT_ONCE))
		why = "it was taken" if reply.status == 200 else enemy.complaint(reply.status, reply.text)
		rig.say(why is None, f"notice 91: {name[:20]} is refused", why)


def unlimited(daemon, client, long):
	"""Notice 24: a list without maxResults is made in memory, of a few times its size, and has an end."""
	sizes = [1 << 20] * 20 + ([14 << 20] * 9 if long else [])
	for size in sizes:
		client.post("/process-definition/key/waits/start", {"variables": {"v": {"value": "x" * size}}})
	idle, listed = enemy.memory(daemon), sum(sizes[:20])
	with enemy.Meal(daemon, idle) as meal:
		reply = client.call("GET", "/engine-rest/variable-instance?variableName=v&sortBy=variableName&sortOrder=asc&maxResults=20")
	rig.note(f"a list of {len(reply.text) >> 20} MB takes {meal.bytes >> 20} MB and {meal.cpu:.2f} s")
	rig.say(reply.status == 200 and meal.bytes < 8 * len(reply.text) and len(reply.text) > listed, "notice 24: a list takes no "
		"more memory than eight times its bytes", f"{reply.status}, {meal.bytes >> 20} MB for {len(reply.text) >> 20}")
	if long:
		reply = client.call("GET", "/engine-rest/variable-instance")
		rig.say(reply.status == 400 and "maxResults" in reply.text, "notice 24: a list of more than 128 MB is refused",
			f"{reply.status}: {reply.text[:200]}")


def symbols():
	"""The CVEs of libxml2's schemas, XPath and catalogs on user input: what is not linked cannot be reached."""
	out = subprocess.run(["nm", "-D", "--undefined-only", rig.BPMND], capture_output=True, text=True)
	banned = re.findall(r"\bxml(?:XPath|Catalog|RelaxNG|Schematron|XInclude|XPtr|LoadExtDtd|ParseDTD)\w*", out.stdout)
	rig.say("xmlParseDocument" in out.stdout and not banned,
		"CVE-2025-9714 and others: XPath, catalogs, RelaxNG, Schematron and XInclude are not linked", banned or out.stderr)


def run(database, long):
	daemon = rig.Daemon(database, "notices")
	daemon.start()
	client = rig.Client(daemon.port, timeout=60)
	client.deploy("waits", rig.model("waits", wait("")))
	queries(client)
	expressions(client)
	members(client)
	paths(client)
	setup(client)
	xml_variables(client)
	resource_names(client)
	symbols()
	unlimited(daemon, client, long)
	enemy.harmless(daemon, "notices")
	daemon.term()
