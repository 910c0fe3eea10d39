/* SPDX-License-Identifier: Apache-2.0
 * Stands in for the random processes until they are there: a few fixed ones, one of them by seed.  They read the
 * variables v0 to v3. */
#include "tests/simulate/sketch.h"

#include <stddef.h>

struct sketch {
	size_t number;
};

#define FLOW(from, to) "<sequenceFlow id='" from "_" to "' sourceRef='" from "' targetRef='" to "'/>"
#define WHEN(from, to, condition) "<sequenceFlow id='" from "_" to "' sourceRef='" from "' targetRef='" to "'>" \
	"<conditionExpression xsi:type='tFormalExpression'>" condition "</conditionExpression></sequenceFlow>"
#define TASK(id, topic) "<serviceTask id='" id "' camunda:type='external' camunda:topic='" topic "'/>"
#define TIMER(duration) "<timerEventDefinition><timeDuration xsi:type='tFormalExpression'>" duration \
	"</timeDuration></timerEventDefinition>"
#define START "<startEvent id='s'/>"
#define END "<endEvent id='e'/>"

static const char *const bodies[] = {
	/* a fork of tasks and a join */
	START FLOW("s", "f") "<parallelGateway id='f'/>" FLOW("f", "a") FLOW("f", "b") FLOW("f", "c")
	TASK("a", "t0") TASK("b", "t1") "<userTask id='c'/>" FLOW("a", "j") FLOW("b", "j") FLOW("c", "j")
	"<parallelGateway id='j'/>" FLOW("j", "d") TASK("d", "t0") FLOW("d", "e") END,

	/* timers at a task, asynchronous continuations behind */
	START FLOW("s", "a") TASK("a", "t0")
	"<boundaryEvent id='late' attachedToRef='a'>" TIMER("PT30S") "</boundaryEvent>"
	"<boundaryEvent id='nag' attachedToRef='a' cancelActivity='false'><timerEventDefinition>"
	"<timeCycle xsi:type='tFormalExpression'>R3/PT9S</timeCycle></timerEventDefinition></boundaryEvent>"
	FLOW("nag", "n") "<task id='n' camunda:asyncBefore='true'/>"
	FLOW("late", "l") TASK("l", "t1") FLOW("l", "e")
	FLOW("a", "b") "<task id='b' camunda:asyncBefore='true' camunda:asyncAfter='true'/>" FLOW("b", "w")
	"<intermediateCatchEvent id='w'>" TIMER("PT20S") "</intermediateCatchEvent>" FLOW("w", "e") END,

	/* choices, some of which nobody takes */
	START FLOW("s", "x") "<exclusiveGateway id='x'/>" WHEN("x", "a", "${v0 == 1}") WHEN("x", "b", "${v0 == 2}")
	WHEN("x", "i", "${v0 != 3}") TASK("a", "t0") "<userTask id='b'/>" FLOW("a", "e") FLOW("b", "e")
	"<inclusiveGateway id='i' default='i_q'/>" WHEN("i", "o", "${v1 &gt; 0}") FLOW("i", "q")
	WHEN("i", "r", "${v1 &gt; 1}") TASK("o", "t1") TASK("q", "t0") TASK("r", "t2") FLOW("o", "k") FLOW("q", "k")
	FLOW("r", "k") "<inclusiveGateway id='k'/>" FLOW("k", "e") END,

	/* many at once, one after the other */
	START FLOW("s", "m") "<serviceTask id='m' camunda:type='external' camunda:topic='t0'>"
	"<multiInstanceLoopCharacteristics><loopCardinality xsi:type='tFormalExpression'>3</loopCardinality>"
	"<completionCondition xsi:type='tFormalExpression'>${v2 == 3}</completionCondition>"
	"</multiInstanceLoopCharacteristics></serviceTask>" FLOW("m", "q")
	"<serviceTask id='q' camunda:type='external' camunda:topic='t1' camunda:asyncBefore='true'>"
	"<multiInstanceLoopCharacteristics isSequential='true'>"
	"<loopCardinality xsi:type='tFormalExpression'>2</loopCardinality></multiInstanceLoopCharacteristics>"
	"</serviceTask>" FLOW("q", "e") END,

	/* a sub-process that errors, timers and a terminate end leave */
	START FLOW("s", "u") "<subProcess id='u'><startEvent id='us'/>" FLOW("us", "uf") "<parallelGateway id='uf'/>"
	FLOW("uf", "ua") FLOW("uf", "ub") TASK("ua", "t0") TASK("ub", "t1") FLOW("ua", "ue") FLOW("ub", "ux")
	"<exclusiveGateway id='ux' default='ux_ue'/>" FLOW("ux", "ue") WHEN("ux", "ut", "${v3 == 1}")
	WHEN("ux", "ur", "${v3 == 2}") "<endEvent id='ue'/><endEvent id='ut'><terminateEventDefinition/></endEvent>"
	"<endEvent id='ur'><errorEventDefinition errorRef='err1'/></endEvent></subProcess>"
	"<boundaryEvent id='bt' attachedToRef='u'>" TIMER("PT1M") "</boundaryEvent>"
	"<boundaryEvent id='be' attachedToRef='u'><errorEventDefinition errorRef='err1'/></boundaryEvent>"
	FLOW("bt", "h") "<userTask id='h'/>" FLOW("be", "h") FLOW("h", "e") FLOW("u", "e") END,

	/* jobs that fail, a task with a retry cycle, a loop */
	START FLOW("s", "a") "<serviceTask id='a' camunda:type='external' camunda:topic='t2' camunda:taskPriority='7'>"
	"<extensionElements><camunda:failedJobRetryTimeCycle>R3/PT5S</camunda:failedJobRetryTimeCycle>"
	"</extensionElements></serviceTask>" FLOW("a", "b")
	"<serviceTask id='b' camunda:asyncBefore='true' camunda:expression='${v9}'/>" FLOW("b", "x")
	"<exclusiveGateway id='x' default='x_e'/>" FLOW("x", "e") WHEN("x", "a", "${v1 == 1}") END,

	START FLOW("s", "a") TASK("a", "t0") FLOW("a", "b") "<serviceTask id='b' camunda:asyncBefore='true' "
	"camunda:expression='${v1 + 1}' camunda:resultVariable='v2'/>" FLOW("b", "x")
	"<exclusiveGateway id='x' default='x_e'/>" FLOW("x", "e") WHEN("x", "a", "${v1 == 1}") END,

	/* two rounds through one join */
	START FLOW("s", "f") "<parallelGateway id='f'/>" FLOW("f", "a") FLOW("f", "j") FLOW("f", "c") TASK("a", "t0")
	TASK("c", "t0") FLOW("a", "y") FLOW("c", "y") "<exclusiveGateway id='y'/>" FLOW("y", "j")
	"<parallelGateway id='j'/>" FLOW("j", "d") "<userTask id='d' camunda:assignee='anna'/>" FLOW("d", "e") END,
};
enum { BODIES = sizeof bodies / sizeof bodies[0] };

struct sketch *
sketch_random(struct arena *arena, uint64_t seed, const struct sketch_shape *shape)
{
	struct sketch *sketch = ARENA_NEW(arena, struct sketch);
	struct dice dice = { .state = seed };

	(void)shape;
	sketch->number = (size_t)dice_roll(&dice, BODIES);
	return sketch;
}

const char *
sketch_xml(const struct sketch *sketch, struct arena *arena)
{
	return arena_printf(arena,
		"<?xml version='1.0' encoding='UTF-8'?>"
		"<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL'"
		" xmlns:camunda='http://camunda.org/schema/1.0/bpmn'"
		" xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' targetNamespace='test'>"
		"<error id='err1' errorCode='E1'/><process id='p' isExecutable='true'>%s</process></definitions>",
		bodies[sketch->number]);
}

size_t
sketch_parts(const struct sketch *sketch)
{
	(void)sketch;
	return 0;
}

struct sketch *
sketch_without(struct arena *arena, const struct sketch *sketch, size_t part)
{
	(void)arena;
	(void)sketch;
	(void)part;
	return NULL;
}
