/* SPDX-License-Identifier: Apache-2.0
 * Fuzzes the machine: the first byte chooses a process, the others are commands with hostile arguments.  After each the
 * tree is sound, refused ones leave it as it was; the log gives it again; all taken back, it is empty. */
#include "tests/fuzz/fuzz.h"

#include <math.h>

#include "tests/engine/sim.h"

enum { COMMANDS = 40, COMMAND_KINDS = COMMAND_suspend, STEPS = 300, MOST_VARIABLES = 3 };

#define FLOW(from, to) "<sequenceFlow id='" from "_" to "' sourceRef='" from "' targetRef='" to "'/>"
#define IF(from, to, condition) "<sequenceFlow id='" from "_" to "' sourceRef='" from "' targetRef='" to "'>" \
	"<conditionExpression xsi:type='tFormalExpression'>" condition "</conditionExpression></sequenceFlow>"
#define EXTERNAL(id, more) "<serviceTask id='" id "' camunda:type='external' camunda:topic='t' " more ">"
#define TIMER(kind, text) "<timerEventDefinition><" kind ">" text "</" kind "></timerEventDefinition>"

static const char *const bodies[] = {
	/* tasks of each kind, asynchronous */
	"<startEvent id='s'/>" FLOW("s", "a") EXTERNAL("a", "camunda:asyncBefore='true' camunda:taskPriority='${a}'")
	"</serviceTask>" FLOW("a", "b")
	"<userTask id='b' camunda:assignee='${b}' camunda:candidateUsers='x,${a}' camunda:dueDate='${c}'"
	" camunda:asyncAfter='true'/>" FLOW("b", "c")
	"<serviceTask id='c' camunda:expression='${a + 1}' camunda:resultVariable='a' camunda:asyncBefore='true'/>"
	FLOW("c", "e") "<endEvent id='e'/>",
	/* fork and join */
	"<startEvent id='s'/>" FLOW("s", "f") "<parallelGateway id='f'/>" FLOW("f", "a") FLOW("f", "b") FLOW("f", "c")
	EXTERNAL("a", "") "</serviceTask><userTask id='b'/>"
	"<serviceTask id='c' camunda:expression='${a.b}' camunda:asyncBefore='true'/>"
	FLOW("a", "j") FLOW("b", "j") FLOW("c", "j") "<parallelGateway id='j' camunda:asyncBefore='true'/>"
	FLOW("j", "e") "<endEvent id='e'/>",
	/* inclusive, in a loop */
	"<startEvent id='s'/>" FLOW("s", "x") "<exclusiveGateway id='x'/>" FLOW("x", "f")
	"<inclusiveGateway id='f' default='f_c'/>" IF("f", "a", "${a == 1}") IF("f", "b", "${b > 1}") FLOW("f", "c")
	"<userTask id='a'/><userTask id='b'/><userTask id='c'/>" FLOW("a", "j") FLOW("b", "j") FLOW("c", "j")
	"<inclusiveGateway id='j'/>" FLOW("j", "y") "<exclusiveGateway id='y' default='y_e'/>" IF("y", "x", "${c}")
	FLOW("y", "e") "<endEvent id='e'/>",
	/* a sub-process with boundary events, error and termination */
	"<startEvent id='s'/>" FLOW("s", "z") "<subProcess id='z'><startEvent id='ps'/>" FLOW("ps", "pf")
	"<parallelGateway id='pf'/>" FLOW("pf", "a") FLOW("pf", "b") EXTERNAL("a", "")
	"</serviceTask><userTask id='b'/>" FLOW("a", "pe") FLOW("b", "pt")
	"<endEvent id='pe'><errorEventDefinition errorRef='told'/></endEvent>"
	"<endEvent id='pt'><terminateEventDefinition/></endEvent></subProcess>"
	"<boundaryEvent id='t' attachedToRef='z' cancelActivity='false'>" TIMER("timeCycle", "R3/PT1H")
	"</boundaryEvent><boundaryEvent id='u' attachedToRef='z'>" TIMER("timeDate", "${c}") "</boundaryEvent>"
	"<boundaryEvent id='r' attachedToRef='z'><errorEventDefinition errorRef='err1'"
	" camunda:errorCodeVariable='a' camunda:errorMessageVariable='b'/></boundaryEvent>"
	"<boundaryEvent id='q' attachedToRef='z'><errorEventDefinition/></boundaryEvent>"
	FLOW("z", "e") FLOW("t", "d") FLOW("u", "e2") FLOW("r", "e3") FLOW("q", "e4") "<userTask id='d'/>"
	"<endEvent id='e'/><endEvent id='e2'/><endEvent id='e3'/><endEvent id='e4'/>",
	/* parallel instances, nested */
	"<startEvent id='s'/>" FLOW("s", "z") "<subProcess id='z'><multiInstanceLoopCharacteristics"
	" camunda:collection='a' camunda:elementVariable='b'><completionCondition>${c == 1}</completionCondition>"
	"</multiInstanceLoopCharacteristics><startEvent id='ps'/>" FLOW("ps", "m")
	EXTERNAL("m", "camunda:asyncBefore='true'") "<multiInstanceLoopCharacteristics isSequential='true'>"
	"<loopCardinality>${b}</loopCardinality></multiInstanceLoopCharacteristics></serviceTask>"
	FLOW("m", "pe") "<endEvent id='pe'/></subProcess>" FLOW("z", "e") "<endEvent id='e'/>",
	/* mappings, retries, cases of errors, a cardinality that a client chooses */
	"<startEvent id='s'/>" FLOW("s", "a") EXTERNAL("a", "camunda:asyncAfter='true'") "<extensionElements>"
	"<camunda:inputOutput><camunda:inputParameter name='a'>${a}</camunda:inputParameter>"
	"<camunda:inputParameter name='b'><camunda:list><camunda:value>${b}</camunda:value></camunda:list>"
	"</camunda:inputParameter><camunda:outputParameter name='c'>${b}</camunda:outputParameter>"
	"</camunda:inputOutput><camunda:failedJobRetryTimeCycle>R2/PT1M,PT1H</camunda:failedJobRetryTimeCycle>"
	"<camunda:errorEventDefinition id='x' errorRef='err1' expression='${c}'/></extensionElements>"
	"</serviceTask>" FLOW("a", "m") "<userTask id='m'><multiInstanceLoopCharacteristics><loopCardinality>${c}"
	"</loopCardinality></multiInstanceLoopCharacteristics></userTask>" FLOW("m", "w")
	"<intermediateCatchEvent id='w'>" TIMER("timeDuration", "${a}") "</intermediateCatchEvent>" FLOW("w", "e")
	"<endEvent id='e'/><boundaryEvent id='r' attachedToRef='a'><errorEventDefinition errorRef='err1'/>"
	"</boundaryEvent>" FLOW("r", "e"),
	/* cycles and dates that a client chooses */
	"<startEvent id='s'/>" FLOW("s", "a") "<userTask id='a'/>" FLOW("a", "w")
	"<boundaryEvent id='t' attachedToRef='a' cancelActivity='false'>" TIMER("timeCycle", "${a}") "</boundaryEvent>"
	FLOW("t", "d") "<userTask id='d'/><boundaryEvent id='u' attachedToRef='d' cancelActivity='false'>"
	TIMER("timeCycle", "${b}") "</boundaryEvent>" FLOW("u", "x")
	"<intermediateCatchEvent id='w'>" TIMER("timeDate", "${c}") "</intermediateCatchEvent>" FLOW("w", "x")
	"<parallelGateway id='x'/>" FLOW("x", "y") FLOW("x", "z") "<userTask id='y'/>"
	"<intermediateCatchEvent id='z'>" TIMER("timeCycle", "0 0/5 * * * ?") "</intermediateCatchEvent>",
};
enum { PROCESSES = sizeof bodies / sizeof *bodies };

static const struct program *programs[PROCESSES];

int
LLVMFuzzerInitialize(int *count, char ***arguments)
{
	struct diagram diagram;
	struct arena *arena;
	struct error err;
	const char *xml;

	(void)count, (void)arguments;
	MUST(bpmn_init(&err) == OK, "%s", err.message);
	for (size_t i = 0; i < PROCESSES; i++) {
		arena = arena_new();		/* lives as long as the process */
		xml = sim_process(arena, bodies[i]);
		MUST(bpmn_compile(arena, "fuzz.bpmn", xml, strlen(xml), &diagram, &err) == OK, "%s", err.message);
		programs[i] = diagram.programs[0];
	}
	return 0;
}

/* ---- what a client may say ----------------------------------------------------------------------------------- */

static const char *
choose_text(struct choices *choices)
{
	static const char *const texts[] = { NULL, "", "a", "b", "c", "w1", "w2", "E1", "E2", "E3", "${a}",
		"PT1S", "2024-02-29T00:00:00", "\303\274\n\"\\", "P9999Y", "x,y,,z",
		"R2/PT1S", "R3/2024-01-31T00:00:00/P1M", "R9/PT1H/2024-01-01T00:00:00", "0 0/5 * * * ?" };

	return texts[choose(choices, sizeof texts / sizeof *texts)];
}

static const char *
choose_name(struct choices *choices)
{
	static const char *const names[] = { "a", "b", "c", "loopCounter", "nrOfInstances", "nrOfActiveInstances", "" };

	return names[choose(choices, sizeof names / sizeof *names)];
}

static struct value
choose_value(struct choices *choices)
{
	static const struct value_info info = { .format = "application/json", .object_type = "Thing" };
	struct value value = { .type = (enum value_type)choose(choices, VALUE_list) };
	const char *text = choose_text(choices);

	value.transient = choose(choices, 8) == 0;
	value.integer = choose_number(choices);
	value.real = value.type == VALUE_double ? (double)value.integer / 3 : 0;
	if (value.type == VALUE_boolean)
		value.integer &= 1;
	if (value.type == VALUE_integer || value.type == VALUE_short)
		value.integer = (int16_t)value.integer;
	if (value.type == VALUE_null)
		value.integer = 0;
	if (value.type == VALUE_json || value.type == VALUE_object)
		text = choose(choices, 2) == 0 ? "[1,\"a\",null]" : "{\"b\":[]}";
	if (value.type == VALUE_object)
		value.info = &info;
	if (value.type >= VALUE_string && value.type != VALUE_date) {
		value.text = text != NULL ? text : "";
		value.length = strlen(value.text);
	}
	return value;
}

static struct entries
choose_entries(struct arena *arena, struct choices *choices)
{
	struct entries entries = { .count = choose(choices, MOST_VARIABLES + 1) };
	struct entry *list = ARENA_ARRAY(arena, struct entry, entries.count);

	for (size_t i = 0; i < entries.count; i++) {
		list[i].name = choose_name(choices);
		list[i].local = choose(choices, 4) == 0;
		list[i].value = choose_value(choices);
	}
	entries.list = list;
	return entries;
}

/* ---- targets --------------------------------------------------------------------------------------------------- */

static int64_t
nth_job(const struct activity *activity, size_t *skip)
{
	const struct job *job;

	for (job = activity->jobs; job != NULL; job = job->next)
		if ((*skip)-- == 0)
			return job->id;
	return 0;
}

/* As a client gives one: positive, and of a task the number before. */
static int64_t
choose_id(struct choices *choices)
{
	int64_t id = choose_number(choices);

	return id > 0 && id < INT64_MAX ? id : 0;
}

/* An open activity or a job by its place, or whatever. */
static int64_t
choose_target(struct sim *sim, struct choices *choices)
{
	size_t form = choose(choices, 8), skip = choose(choices, 8);
	struct activity *at;
	int64_t id = 0;

	if (form == 0 || sim->tree == NULL || sim->tree->root == NULL)
		return choose_id(choices);
	if (form == 1 || sim_ended(sim))
		return sim->tree->root->id + (int64_t)skip;
	for (at = &sim->tree->root->activity; at != NULL; at = sim_next(sim, at)) {
		if (form < 5 && at->first == NULL && skip-- == 0)
			return at->id;
		if (form >= 5 && (id = nth_job(at, &skip)) != 0)
			return id;
	}
	return id;
}

static int64_t
choose_due(struct choices *choices)
{
	static const int64_t dues[] = { WHEN_NONE, WHEN_FIRST, WHEN_LAST, 0, INT64_C(1700000000000000) };

	return dues[choose(choices, sizeof dues / sizeof *dues)];
}

/* Not negative: the API refuses that. */
static int64_t
choose_duration(struct choices *choices)
{
	int64_t number = choose_number(choices);

	return number >= 0 ? number : 0;
}

static struct command
choose_command(struct sim *sim, struct choices *choices)
{
	static const char *const deletions[] = { "a", "b", "no such", "c" };
	struct command command = {
		.kind = (enum command_kind)(choose(choices, COMMAND_KINDS) + 1),
		.target = choose_target(sim, choices),
		.worker = choose_text(choices),
		.variables = choose_entries(sim->arena, choices),
		.local_variables = choose_entries(sim->arena, choices),
		.deletions = deletions,
		.deletion_count = choose(choices, 5),
		.local = choose(choices, 2),
		.duration_us = choose_duration(choices),
		.due_us = choose_due(choices),
		.set_due = choose(choices, 2),
		.retries = (int32_t)choose_number(choices),
		.priority = choose_number(choices),
		.error_code = choose_text(choices),
		.error_message = choose_text(choices),
		.error_details = choose_text(choices),
		.user = choose_text(choices),
		.claim = choose(choices, 2),
		.suspended = choose(choices, 2),
		.for_good = choose(choices, 2),
		.reason = choose_text(choices),
		.want_variables = choose(choices, 2),
	};

	return command;
}

/* ---- the run --------------------------------------------------------------------------------------------------- */

static void
run(struct sim *sim, struct command command)
{
	size_t before = sim->effects.count;
	const char *broken;
	enum status status;

	if (command.kind == COMMAND_start || sim->tree == NULL || sim->tree->root == NULL)
		command.kind = COMMAND_start;
	if (command.kind == COMMAND_start && sim->tree != NULL && sim->tree->root != NULL)
		return;
	command.definition = &sim->definition;
	status = sim_step(sim, command, &broken);
	MUST(broken == NULL, "%s: %s", command_word(command.kind), broken);
	if (status == OK)
		return;
	MUST(sim->effects.count == before, "%s left effects", command_word(command.kind));
	must_be_text(sim->error.message);
}

static void
take_all_back(struct sim *sim)
{
	struct tree *empty = tree_new(&sim->definitions);
	const char *nothing = tree_dump(empty, sim->arena);

	engine_undo(sim->tree, &sim->effects, 0);
	MUST(strcmp(tree_dump(sim->tree, sim->arena), nothing) == 0, "taken back, the tree is not empty");
	tree_free(empty);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct choices choices = { .at = bytes, .end = bytes + length };
	struct sim *sim = sim_of(programs[choose(&choices, PROCESSES)]);

	sim->limits.steps = STEPS;
	for (int i = 0; i < COMMANDS && choices.at < choices.end; i++) {
		run(sim, choose_command(sim, &choices));
		sim->now_us += (int64_t)choose_byte(&choices) * 60 * 1000000;
	}
	if (sim->tree != NULL && sim->tree->root != NULL)
		MUST(sim_replay(sim, &sim->error) == OK, "%s", sim->error.message);
	if (sim->tree != NULL)
		take_all_back(sim);
	sim_free(sim);
	return 0;
}
