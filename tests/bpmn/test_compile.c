/* SPDX-License-Identifier: Apache-2.0
 * Tests of the compiler: what diagrams become, and what it says about wrong ones. */
#include "bpmn/bpmn.h"
#include "tests/bpmn/run.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bpmn/models.h"

static struct arena *arena;
static struct diagram diagram;
static struct error failure;

static enum status
compile(const char *xml)
{
	memset(&failure, 0, sizeof(failure));
	memset(&diagram, 0, sizeof(diagram));
	return bpmn_compile(arena, "test.bpmn", xml, strlen(xml), &diagram, &failure);
}

/* The only program of a diagram that must compile. */
static const struct program *
program_of(const char *xml)
{
	enum status status = compile(xml);

	ck_assert_msg(status == OK, "%s", failure.message);
	ck_assert_uint_eq(diagram.program_count, 1);
	return diagram.programs[0];
}

static const struct node *
node_of(const struct program *program, const char *id)
{
	const struct node *node = program_node_by_id(program, id);

	ck_assert_msg(node != NULL, "no node %s", id);
	ck_assert_ptr_eq(program_node(program, node->key), node);
	ck_assert_ptr_eq(&program->nodes[node->index], node);
	return node;
}

static const struct problem *
find_problem(const char *message)
{
	for (size_t i = 0; i < diagram.problems.count; i++) {
		if (strcmp(diagram.problems.list[i].message, message) == 0)
			return &diagram.problems.list[i];
	}
	return NULL;
}

/* Asserts that the diagram is refused with that message at that element. */
static const struct problem *
refused(const char *xml, const char *message, const char *element)
{
	enum status status = compile(xml);
	const struct problem *found;

	ck_assert_msg(status == E_parse, "status %d instead of E_parse: %s", status, failure.message);
	found = find_problem(message);
	ck_assert_msg(found != NULL, "'%s' is not in: %s", message, failure.message);
	ck_assert(!found->warning);
	ck_assert_pstr_eq(found->element, element);
	return found;
}

static const struct problem *
warned(const char *xml, const char *message, const char *element)
{
	const struct problem *found;

	program_of(xml);
	found = find_problem(message);
	ck_assert_msg(found != NULL, "no warning '%s' in %zu problems", message, diagram.problems.count);
	ck_assert(found->warning);
	ck_assert_str_eq(found->element, element);
	return found;
}

static void
assert_expr(const struct expr *expr, const char *source)
{
	ck_assert_ptr_nonnull(expr);
	ck_assert_str_eq(expr_source(expr), source);
}

START_TEST(line_of_nodes)
{
	const struct program *program = program_of(LINE(EXTERNAL("a", "")));
	const struct node *task = node_of(program, "a"), *start = node_of(program, "s");

	ck_assert_str_eq(program->key, "p");
	ck_assert_str_eq(program->category, "http://example.org/test");
	ck_assert_int_eq(program->history_ttl_days, 30);
	ck_assert(program->startable_in_tasklist);
	ck_assert_int_eq(program->node_count, 4);
	ck_assert_int_eq(program->flow_count, 2);
	ck_assert_int_eq(program->nodes[0].element, EL_process);
	ck_assert_int_eq(program->nodes[0].key, 1 * KEY_ROLES);
	ck_assert_int_eq(program->nodes[0].scope, -1);
	ck_assert_int_eq(program->nodes[0].start, start->index);
	ck_assert_int_eq(program->nodes[0].child_count, 3);
	ck_assert_int_eq(start->key, 2 * KEY_ROLES);
	ck_assert_int_eq(task->key, 3 * KEY_ROLES);
	ck_assert_int_eq(task->element, EL_service_task);
	ck_assert_int_eq(task->service->implementation, IMPLEMENTATION_external);
	assert_expr(task->service->topic, "t");
	ck_assert(task->is_scope);
	ck_assert(task->exclusive);
	ck_assert(!task->async_before && !task->async_after);
	ck_assert_int_eq(task->incoming_count, 1);
	ck_assert_str_eq(program->flows[task->incoming[0]].id, "f1");
	ck_assert_int_eq(program->flows[task->outgoing[0]].target, node_of(program, "e")->index);
	ck_assert_int_eq(task->default_flow, -1);
	ck_assert_ptr_eq(program_flow(program, program->flows[1].key), &program->flows[1]);
	ck_assert_ptr_null(program_node(program, 4000));
	ck_assert_ptr_null(program_flow(program, task->key));
	ck_assert_ptr_null(program_node_by_id(program, "nosuch"));
}
END_TEST

START_TEST(process_attributes)
{
	const struct program *program = program_of(MODEL_HEAD
		"<process id=\"q\" name=\"Q\" isExecutable=\"true\" camunda:versionTag=\"v1\""
		" camunda:historyTimeToLive=\"P7D\" camunda:isStartableInTasklist=\"false\""
		" camunda:jobPriority=\"5\" camunda:taskPriority=\"${x}\">"
		"<documentation>What it does</documentation>" START("s") EXTERNAL("a", "")
		"<task id=\"b\" camunda:jobPriority=\"9\"/>"
		FLOW("f", "s", "a") FLOW("g", "a", "b") "</process>" MODEL_TAIL);

	ck_assert_str_eq(program->name, "Q");
	ck_assert_str_eq(program->version_tag, "v1");
	ck_assert_str_eq(program->description, "What it does");
	ck_assert_int_eq(program->history_ttl_days, 7);
	ck_assert(!program->startable_in_tasklist);
	assert_expr(node_of(program, "a")->job_priority, "5");
	assert_expr(node_of(program, "b")->job_priority, "9");
	assert_expr(node_of(program, "a")->service->priority, "${x}");
}
END_TEST

START_TEST(several_processes)
{
	ck_assert_int_eq(compile(MODEL_HEAD
		"<process id=\"a\" isExecutable=\"true\">" START("s") "</process>"
		"<process id=\"b\" isExecutable=\"false\"/>"
		"<process id=\"c\" isExecutable=\"true\">" START("t") "</process>" MODEL_TAIL), OK);
	ck_assert_uint_eq(diagram.program_count, 2);
	ck_assert_str_eq(diagram.programs[0]->key, "a");
	ck_assert_str_eq(diagram.programs[1]->key, "c");
	ck_assert_int_eq(diagram.programs[1]->nodes[0].key, 1 * KEY_ROLES);
	ck_assert_int_eq(node_of(diagram.programs[1], "t")->key, 2 * KEY_ROLES);
}
END_TEST

START_TEST(sub_process)
{
	const struct program *program = program_of(PROCESS(START("s")
		"<subProcess id=\"a\">" START("s2") "<task id=\"b\"/>" FLOW("g", "s2", "b") "</subProcess>"
		"<task id=\"c\"/>" FLOW("f1", "s", "a") FLOW("f2", "a", "c")));
	const struct node *sub = node_of(program, "a");

	ck_assert(sub->is_scope);
	ck_assert_int_eq(sub->start, node_of(program, "s2")->index);
	ck_assert_int_eq(sub->child_count, 2);
	ck_assert_int_eq(node_of(program, "b")->scope, sub->index);
	ck_assert_int_eq(node_of(program, "c")->scope, 0);
	ck_assert_int_eq(sub->outgoing_count, 1);
	ck_assert_int_eq(sub->key, 3 * KEY_ROLES);
	ck_assert(!node_of(program, "b")->is_scope);
}
END_TEST

START_TEST(multi_instance)
{
	const struct program *program = program_of(LINE(
		"<serviceTask id=\"a\" name=\"A\" camunda:type=\"external\" camunda:topic=\"t\""
		" camunda:asyncBefore=\"true\"><multiInstanceLoopCharacteristics isSequential=\"true\""
		" camunda:collection=\"items\" camunda:elementVariable=\"item\" camunda:asyncAfter=\"true\""
		" camunda:exclusive=\"false\">"
		"<completionCondition>${done}</completionCondition>"
		"</multiInstanceLoopCharacteristics></serviceTask>"
		"<boundaryEvent id=\"b\" attachedToRef=\"a\"><errorEventDefinition id=\"d\"/></boundaryEvent>"));
	const struct node *body = node_of(program, "a#multiInstanceBody"), *inner = node_of(program, "a");

	ck_assert_int_eq(body->element, EL_multi_instance_body);
	ck_assert_int_eq(body->key, 3 * KEY_ROLES + KEY_BODY);
	ck_assert_int_eq(inner->key, 3 * KEY_ROLES);
	ck_assert_int_eq(inner->index, body->index + 1);
	ck_assert_int_eq(body->start, inner->index);
	ck_assert_int_eq(inner->scope, body->index);
	ck_assert_str_eq(body->name, "A");
	ck_assert_int_eq(body->incoming_count, 1);
	ck_assert_int_eq(body->outgoing_count, 1);
	ck_assert_int_eq(inner->incoming_count, 0);
	ck_assert_int_eq(body->boundary_count, 1);
	ck_assert_int_eq(inner->boundary_count, 0);
	ck_assert_int_eq(node_of(program, "b")->attached_to, body->index);
	ck_assert(body->async_before && !body->async_after && body->exclusive);
	ck_assert(!inner->async_before && inner->async_after && !inner->exclusive);
	ck_assert(body->is_scope);
	ck_assert(body->multi->sequential);
	assert_expr(body->multi->collection, "items");
	assert_expr(body->multi->completion, "${done}");
	ck_assert_ptr_null(body->multi->cardinality);
	ck_assert_str_eq(body->multi->element_variable, "item");
	ck_assert_ptr_null(body->service);
	ck_assert_ptr_nonnull(inner->service);
}
END_TEST

START_TEST(multi_instance_sub_process)
{
	const struct program *program = program_of(LINE(
		"<subProcess id=\"a\"><multiInstanceLoopCharacteristics><loopCardinality>3</loopCardinality>"
		"</multiInstanceLoopCharacteristics>" START("s2") "<task id=\"b\"/>" FLOW("g", "s2", "b")
		"</subProcess><task id=\"c\"/>") );
	const struct node *inner = node_of(program, "a");

	ck_assert_int_eq(inner->element, EL_sub_process);
	ck_assert_int_eq(inner->start, node_of(program, "s2")->index);
	ck_assert_int_eq(node_of(program, "b")->scope, inner->index);
	ck_assert_int_eq(node_of(program, "c")->scope, 0);
	assert_expr(program->nodes[inner->scope].multi->cardinality, "3");
	ck_assert(inner->is_scope);
}
END_TEST

START_TEST(multi_instance_of_the_standard)
{
	const struct program *program = program_of(LINE(
		"<task id=\"a\"><multiInstanceLoopCharacteristics>"
		"<loopDataInputRef>items</loopDataInputRef><inputDataItem id=\"i\" name=\"item\"/>"
		"</multiInstanceLoopCharacteristics></task>"));
	const struct multi *multi = node_of(program, "a#multiInstanceBody")->multi;

	assert_expr(multi->collection, "items");
	ck_assert_str_eq(multi->element_variable, "item");
	ck_assert(node_of(program, "a")->is_scope);
}
END_TEST

START_TEST(boundary_events)
{
	const struct program *program = program_of(LINE("<userTask id=\"a\"/>"
		"<boundaryEvent id=\"b\" attachedToRef=\"a\" cancelActivity=\"false\"><timerEventDefinition id=\"d1\">"
		"<timeCycle xsi:type=\"tFormalExpression\"> R3/PT1M </timeCycle></timerEventDefinition></boundaryEvent>"
		"<boundaryEvent id=\"c\" attachedToRef=\"a\"><errorEventDefinition id=\"d2\" errorRef=\"boom\""
		" camunda:errorCodeVariable=\"code\" camunda:errorMessageVariable=\"text\"/></boundaryEvent>"));
	const struct node *task = node_of(program, "a"), *timer = node_of(program, "b"),
		*caught = node_of(program, "c");

	ck_assert(task->is_scope);
	ck_assert_int_eq(task->boundary_count, 2);
	ck_assert_int_eq(task->boundaries[0], timer->index);
	ck_assert_int_eq(task->boundaries[1], caught->index);
	ck_assert_int_eq(timer->element, EL_boundary_timer);
	ck_assert(!timer->interrupting && caught->interrupting);
	ck_assert_int_eq(timer->timer->kind, TIMER_cycle);
	assert_expr(timer->timer->expression, "R3/PT1M");
	ck_assert_str_eq(caught->catch_error->code, "E1");
	ck_assert_str_eq(caught->catch_error->code_variable, "code");
	ck_assert_str_eq(caught->catch_error->message_variable, "text");
	ck_assert_int_eq(timer->scope, 0);
}
END_TEST

START_TEST(errors)
{
	const struct program *program = program_of(MODEL_HEAD
		"<error id=\"x\" errorCode=\"E1\" camunda:errorMessage=\"broken\"/><error id=\"y\"/>"
		"<process id=\"p\" isExecutable=\"true\">" START("s")
		EXTERNAL("a", "<extensionElements><camunda:errorEventDefinition id=\"q\" errorRef=\"x\""
			" expression=\"${state == 1}\"/></extensionElements>")
		"<boundaryEvent id=\"any\" attachedToRef=\"a\"><errorEventDefinition id=\"d1\" errorRef=\"y\"/>"
		"</boundaryEvent>"
		"<endEvent id=\"e\"><errorEventDefinition id=\"d3\" errorRef=\"x\"/></endEvent>"
		FLOW("f1", "s", "a") FLOW("f2", "a", "e") "</process>" MODEL_TAIL);
	const struct service *service = node_of(program, "a")->service;

	ck_assert_int_eq(service->error_case_count, 1);
	ck_assert_str_eq(service->error_cases[0].code, "E1");
	assert_expr(service->error_cases[0].condition, "${state == 1}");
	ck_assert_ptr_null(node_of(program, "any")->catch_error->code);
	ck_assert_int_eq(node_of(program, "e")->element, EL_error_end_event);
	ck_assert_str_eq(node_of(program, "e")->error_code, "E1");
	assert_expr(node_of(program, "e")->error_message, "broken");
}
END_TEST

START_TEST(user_task)
{
	const struct program *program = program_of(LINE(
		"<userTask id=\"a\" name=\"Do ${x}\" camunda:candidateUsers=\"u1, ${list[2]},\" "
		"camunda:candidateGroups=\"g\""
		" camunda:dueDate=\"${due}\" camunda:followUpDate=\"2030-01-01\" camunda:priority=\"7\""
		" camunda:formKey=\"form\"><documentation>Look</documentation>"
		"<humanPerformer><resourceAssignmentExpression><formalExpression>kermit</formalExpression>"
		"</resourceAssignmentExpression></humanPerformer>"
		"<potentialOwner><resourceAssignmentExpression><formalExpression>user(fozzie), group(m), other"
		"</formalExpression></resourceAssignmentExpression></potentialOwner></userTask>"));
	const struct user *user = node_of(program, "a")->user;

	assert_expr(user->assignee, "kermit");
	ck_assert_int_eq(user->users.count, 3);
	assert_expr(user->users.list[0], "fozzie");
	assert_expr(user->users.list[1], "u1");
	assert_expr(user->users.list[2], "${list[2]}");
	ck_assert_int_eq(user->groups.count, 3);
	assert_expr(user->groups.list[0], "m");
	assert_expr(user->groups.list[1], "other");
	assert_expr(user->groups.list[2], "g");
	assert_expr(user->due_date, "${due}");
	assert_expr(user->follow_up_date, "2030-01-01");
	assert_expr(user->priority, "7");
	assert_expr(user->name, "Do ${x}");
	assert_expr(user->description, "Look");
	assert_expr(user->form_key, "form");
}
END_TEST

START_TEST(documentation)
{
	const struct program *program = program_of(LINE("<userTask id=\"a\"><documentation> First. </documentation>"
		"<documentation>Then ${x}.</documentation></userTask>"));

	assert_expr(node_of(program, "a")->user->description, "First.\n\nThen ${x}.");
	ck_assert_ptr_null(program->description);
}
END_TEST

START_TEST(mappings)
{
	const struct program *program = program_of(LINE("<userTask id=\"a\"><extensionElements>"
		"<camunda:inputOutput><camunda:inputParameter name=\"text\"> ${x} </camunda:inputParameter>"
		"<camunda:inputParameter name=\"nothing\"/>"
		"<camunda:inputParameter name=\"list\"><camunda:list><camunda:value>1</camunda:value>"
		"<camunda:list><camunda:value>2</camunda:value></camunda:list></camunda:list></camunda:inputParameter>"
		"<camunda:outputParameter name=\"map\"><camunda:map><camunda:entry key=\"k\">v</camunda:entry>"
		"<camunda:entry key=\"l\"><camunda:list/></camunda:entry></camunda:map></camunda:outputParameter>"
		"</camunda:inputOutput><camunda:properties><camunda:property name=\"currency\" value=\"EUR\"/>"
		"</camunda:properties></extensionElements></userTask>"));
	const struct node *task = node_of(program, "a");

	ck_assert(task->is_scope);
	ck_assert_int_eq(task->input_count, 3);
	ck_assert_str_eq(task->inputs[0].name, "text");
	assert_expr(task->inputs[0].expression, "${x}");
	ck_assert_int_eq(task->inputs[1].kind, ASSIGN_null);
	ck_assert_int_eq(task->inputs[2].kind, ASSIGN_list);
	ck_assert_int_eq(task->inputs[2].part_count, 2);
	assert_expr(task->inputs[2].parts[0].expression, "1");
	ck_assert_int_eq(task->inputs[2].parts[1].kind, ASSIGN_list);
	assert_expr(task->inputs[2].parts[1].parts[0].expression, "2");
	ck_assert_int_eq(task->output_count, 1);
	ck_assert_int_eq(task->outputs[0].kind, ASSIGN_map);
	ck_assert_str_eq(task->outputs[0].parts[0].name, "k");
	assert_expr(task->outputs[0].parts[0].expression, "v");
	ck_assert_int_eq(task->outputs[0].parts[1].kind, ASSIGN_list);
	ck_assert_int_eq(task->outputs[0].parts[1].part_count, 0);
	ck_assert_int_eq(task->property_count, 1);
	ck_assert_str_eq(task->properties[0].name, "currency");
	ck_assert_str_eq(task->properties[0].value, "EUR");
}
END_TEST

#define RETRY(text) LINE("<task id=\"a\" camunda:asyncBefore=\"true\"><extensionElements>" \
	"<camunda:failedJobRetryTimeCycle>" text "</camunda:failedJobRetryTimeCycle></extensionElements></task>")

START_TEST(retries)
{
	const struct retry *retry = node_of(program_of(RETRY("R3/PT5M")), "a")->retry;

	ck_assert_int_eq(retry->attempts, 3);
	ck_assert_int_eq(retry->wait_count, 1);
	ck_assert_int_eq(retry->waits[0].us, INT64_C(300000000));
	retry = node_of(program_of(RETRY("PT10M, PT20M")), "a")->retry;
	ck_assert_int_eq(retry->attempts, 3);
	ck_assert_int_eq(retry->wait_count, 2);
	ck_assert_int_eq(retry->waits[1].us, INT64_C(1200000000));
	retry = node_of(program_of(RETRY("${cycle}")), "a")->retry;
	assert_expr(retry->expression, "${cycle}");
	ck_assert_ptr_null(node_of(program_of(RETRY("soon")), "a")->retry);
	ck_assert_ptr_null(node_of(program_of(RETRY("R0/PT5M")), "a")->retry);
	warned(RETRY("soon"), "failedJobRetryTimeCycle 'soon' gives no attempts; the default applies", "a");
}
END_TEST

START_TEST(expression_services)
{
	const struct program *program = program_of(LINE(
		"<serviceTask id=\"a\" camunda:expression=\"${x + 1}\" camunda:resultVariable=\"y\"/>"));
	const struct service *service = node_of(program, "a")->service;

	ck_assert_int_eq(service->implementation, IMPLEMENTATION_expression);
	assert_expr(service->expression, "${x + 1}");
	ck_assert_str_eq(service->result_variable, "y");
	ck_assert(!node_of(program, "a")->is_scope);
}
END_TEST

START_TEST(timers)
{
	const struct program *program = program_of(LINE("<intermediateCatchEvent id=\"a\"><timerEventDefinition>"
		"<timeDuration xsi:type=\"tFormalExpression\">PT1H</timeDuration></timerEventDefinition>"
		"</intermediateCatchEvent>"));
	const struct node *timer = node_of(program, "a");

	ck_assert_int_eq(timer->element, EL_timer_catch);
	ck_assert_int_eq(timer->timer->kind, TIMER_duration);
	assert_expr(timer->timer->expression, "PT1H");
	ck_assert(timer->is_scope);
	ck_assert_uint_eq(diagram.problems.count, 0);
	program_of(LINE("<intermediateCatchEvent id=\"a\"><timerEventDefinition>"
		"<timeDuration xsi:type=\"tFormalExpression\">soon</timeDuration></timerEventDefinition>"
		"</intermediateCatchEvent>"));
	ck_assert_uint_eq(diagram.problems.count, 1);
	ck_assert(diagram.problems.list[0].warning);
	ck_assert_str_eq(diagram.problems.list[0].element, "a");
	program_of(LINE("<intermediateCatchEvent id=\"a\"><timerEventDefinition>"
		"<timeCycle xsi:type=\"tFormalExpression\">0 0/5 * * * ?</timeCycle>"
		"</timerEventDefinition></intermediateCatchEvent>"));
	ck_assert_uint_eq(diagram.problems.count, 0);
	program_of(LINE("<intermediateCatchEvent id=\"a\"><timerEventDefinition>"
		"<timeCycle xsi:type=\"tFormalExpression\">0 0/5 * * *</timeCycle>"
		"</timerEventDefinition></intermediateCatchEvent>"));
	ck_assert_uint_eq(diagram.problems.count, 1);
}
END_TEST

static bool
reaches(const struct program *program, const struct node *join, int32_t flow, const char *id)
{
	int32_t index = node_of(program, id)->index;

	return join->reach[flow * join->reach_words + index / 64] >> (index % 64) & 1;
}

/* split -> a (boundary b -> c -> join), split -> d -> join, and a loop from behind the join. */
START_TEST(inclusive_reach)
{
	const struct program *program = program_of(PROCESS(START("s") "<inclusiveGateway id=\"split\"/>"
		"<userTask id=\"a\"/><boundaryEvent id=\"b\" attachedToRef=\"a\"><errorEventDefinition id=\"d1\"/>"
		"</boundaryEvent><task id=\"c\"/><task id=\"d\"/><inclusiveGateway id=\"join\"/><task id=\"after\"/>"
		FLOW("f0", "s", "split") FLOW("f1", "split", "a") FLOW("f2", "split", "d") FLOW("j1", "a", "join")
		FLOW("f3", "b", "c") FLOW("j2", "c", "join") FLOW("j3", "d", "join") FLOW("f4", "join", "after")
		FLOW("f5", "after", "d")));
	const struct node *join = node_of(program, "join");

	ck_assert(program->nodes[0].has_inclusive_join);
	ck_assert_int_eq(join->incoming_count, 3);
	ck_assert(reaches(program, join, 0, "a") && reaches(program, join, 0, "split"));
	ck_assert(!reaches(program, join, 0, "c") && !reaches(program, join, 0, "b"));
	ck_assert(reaches(program, join, 1, "c") && reaches(program, join, 1, "b") &&
		reaches(program, join, 1, "a") && reaches(program, join, 1, "s"));
	ck_assert(!reaches(program, join, 1, "d") && !reaches(program, join, 1, "after"));
	ck_assert(reaches(program, join, 2, "d") && reaches(program, join, 2, "after"));
	ck_assert(!reaches(program, join, 2, "join") && !reaches(program, join, 2, "a"));
	ck_assert_ptr_null(node_of(program, "split")->reach);
}
END_TEST

START_TEST(conditions_and_defaults)
{
	const struct program *program = program_of(PROCESS(START("s")
		"<exclusiveGateway id=\"g\" default=\"f2\"/><task id=\"a\"/><task id=\"b\"/>" FLOW("f0", "s", "g")
		CHOICE("f1", "g", "a", " ${x == 1} ") FLOW("f2", "g", "b")));
	const struct node *gateway = node_of(program, "g");

	ck_assert_str_eq(program->flows[gateway->default_flow].id, "f2");
	assert_expr(program->flows[gateway->outgoing[0]].condition, "${x == 1}");
	ck_assert_ptr_null(program->flows[gateway->outgoing[1]].condition);
	ck_assert_uint_eq(diagram.problems.count, 0);
}
END_TEST

START_TEST(wrong_gateways)
{
	const struct problem *found = refused(PROCESS(START("s") "<exclusiveGateway id=\"g\"/><task id=\"a\"/>"
		FLOW("f0", "s", "g") CHOICE("f1", "g", "a", "${x}")),
		"Exclusive Gateway 'g' has only one outgoing sequence flow ('f1'). This is not allowed to have a "
		"condition.", "g");

	ck_assert_int_eq(found->line, 0);
	ck_assert_int_eq(found->column, 0);
	ck_assert_int_eq(found->element_count, 2);
	ck_assert_str_eq(found->elements[0], "g");
	ck_assert_str_eq(found->elements[1], "f1");
	refused(PROCESS(START("s") "<exclusiveGateway id=\"g\"/>" FLOW("f0", "s", "g")),
		"Exclusive Gateway 'g' has no outgoing sequence flows.", "g");
	refused(PROCESS(START("s") "<exclusiveGateway id=\"g\" default=\"f1\"/><task id=\"a\"/><task id=\"b\"/>"
		FLOW("f0", "s", "g") CHOICE("f1", "g", "a", "${x}") CHOICE("f2", "g", "b", "${y}")),
		"Exclusive Gateway 'g' has outgoing sequence flow 'f1' which is the default flow but has a condition "
		"too.", "g");
	refused(PROCESS(START("s") "<exclusiveGateway id=\"g\"/><task id=\"a\"/><task id=\"b\"/>"
		FLOW("f0", "s", "g") FLOW("f1", "g", "a") FLOW("f2", "g", "b")),
		"Exclusive Gateway 'g' has outgoing sequence flow 'f2' without condition which is not the default "
		"flow.", "g");
	warned(PROCESS(START("s") "<exclusiveGateway id=\"g\"/><task id=\"a\"/><task id=\"b\"/>"
		FLOW("f0", "s", "g") FLOW("f1", "g", "a") CHOICE("f2", "g", "b", "${x}")),
		"Exclusive Gateway 'g' has outgoing sequence flow 'f1' without condition which is not the default "
		"flow. We assume it to be the default flow, but it is bad modeling practice, better set the default "
		"flow in your gateway.", "g");
}
END_TEST

START_TEST(wrong_flows)
{
	refused(PROCESS(START("s") "<task id=\"a\"/>" FLOW("f1", "s", "a") FLOW("f2", "a", "nowhere")),
		"Invalid destination 'nowhere' of sequence flow 'f2'", "f2");
	refused(PROCESS(START("s") "<task id=\"a\"/>" FLOW("f1", "nowhere", "a")),
		"Invalid source 'nowhere' of sequence flow 'f1'", "f1");
	refused(PROCESS(START("s") "<subProcess id=\"a\">" START("s2") "<task id=\"b\"/>" FLOW("g", "s2", "b")
		"</subProcess>" FLOW("f1", "s", "b")), "Invalid destination 'b' of sequence flow 'f1'", "f1");
	refused(PROCESS(START("s") "<task id=\"a\"/><sequenceFlow id=\"f\" sourceRef=\"s\" targetRef=\"a\">"
		"<conditionExpression xsi:type=\"tFormalExpression\" language=\"groovy\">x</conditionExpression>"
		"</sequenceFlow>"), "conditions in the language 'groovy' are not supported yet, only juel", "f");
	warned(PROCESS(START("s") "<task id=\"a\"/>" CHOICE("f", "s", "a", "yes")),
		"condition of sequence flow 'f' is plain text and will fail: write it as ${...}", "f");
}
END_TEST

START_TEST(wrong_starts)
{
	const struct problem *found =
		refused(PROCESS("<task id=\"a\"/>"), "process must define a startEvent element", "p");

	ck_assert_int_eq(found->line, 3);
	ck_assert_int_eq(found->element_count, 1);
	found = refused(PROCESS(START("s") START("t")),
		"multiple none start events or timer start events not supported on process definition", "t");
	ck_assert_int_eq(found->line, 3);
	ck_assert_int_eq(found->element_count, 2);
	ck_assert_str_eq(found->elements[0], "p");
	ck_assert_str_eq(found->elements[1], "t");
	warned(PROCESS(START("s") "<subProcess id=\"a\"><task id=\"b\"/></subProcess>" FLOW("f", "s", "a")),
		"sub-process 'a' has no start event and will fail when it is entered", "a");
}
END_TEST

START_TEST(wrong_tasks)
{
	const char *mandatory = "One of the attributes 'class', 'delegateExpression', 'type', or 'expression' is "
		"mandatory on serviceTask. If you are using a connector, make sure the connect process engine "
		"plugin is registered with the process engine.";
	const struct problem *found;

	refused(LINE("<serviceTask id=\"a\"/>"), mandatory, "a");
	refused(LINE("<serviceTask id=\"a\" camunda:type=\"external\"/>"),
		"External tasks must specify a 'topic' attribute in the camunda namespace", "a");
	found = refused(LINE("<serviceTask id=\"a\" camunda:type=\"external\" camunda:topic=\"t\">"
		"<multiInstanceLoopCharacteristics/></serviceTask>"),
		"Either loopCardinality or loopDataInputRef/activiti:collection must be set",
		"a#multiInstanceBody");
	ck_assert_int_eq(found->element_count, 1);
	refused(LINE("<task id=\"a\"><multiInstanceLoopCharacteristics camunda:elementVariable=\"x\">"
		"<loopCardinality>3</loopCardinality></multiInstanceLoopCharacteristics></task>"),
		"loopDataInputRef/activiti:collection must be set when using inputDataItem or "
		"activiti:elementVariable", "a#multiInstanceBody");
	refused(LINE("<task id=\"a\" camunda:asyncBefore=\"true\" camunda:jobPriority=\"high\"/>"),
		"Value 'high' for attribute 'jobPriority' is not a valid number", "a");
}
END_TEST

/* The type decides: a class beside it is never asked for. */
START_TEST(class_beside_external)
{
	const struct program *program = program_of(LINE("<serviceTask id=\"a\" camunda:type=\"external\" "
		"camunda:topic=\"t\""
		" camunda:class=\"org.example.A\"/>"));

	ck_assert_int_eq(node_of(program, "a")->service->implementation, IMPLEMENTATION_external);
	ck_assert_uint_eq(diagram.problems.count, 0);
	program_of(LINE("<serviceTask id=\"a\" camunda:type=\"External\" camunda:topic=\"t\"/>"));
	ck_assert_int_eq(compile(LINE("<serviceTask id=\"a\" camunda:class=\"org.example.A\"/>")), E_parse);
}
END_TEST

START_TEST(wrong_forms)
{
	static const char both[] = "Invalid element definition: only one of the attributes formKey and formRef is "
		"allowed.";
	static const char binding[] = "Invalid element definition: value for formRefBinding attribute has to be one of "
		"[deployment, latest, version] but was newest";

	refused(LINE("<userTask id=\"a\" camunda:formKey=\"k\" camunda:formRef=\"r\" "
		"camunda:formRefBinding=\"latest\"/>"),
		both, "a");
	refused(LINE("<userTask id=\"a\" camunda:formRef=\"r\" camunda:formRefBinding=\"newest\"/>"), binding, "a");
	refused(PROCESS("<startEvent id=\"s\" camunda:formRef=\"r\" camunda:formRefBinding=\"newest\"/>" END("e")
		FLOW("f", "s", "e")), binding, "s");
	refused(LINE("<userTask id=\"a\" camunda:formRef=\"r\"/>"),
		"Invalid element definition: value for formRefBinding "
		"attribute has to be one of [deployment, latest, version] but was null", "a");
	program_of(LINE("<userTask id=\"a\" camunda:formRef=\"r\" camunda:formRefBinding=\"version\"/>"));
}
END_TEST

START_TEST(wrong_assignees)
{
	static const char performer[] = "<resourceAssignmentExpression><formalExpression>ann</formalExpression>"
		"</resourceAssignmentExpression>";
	const char *two = arena_printf(arena, LINE("<userTask id=\"a\" name=\"Ask\"><humanPerformer>%s</humanPerformer>"
		"<humanPerformer>%s</humanPerformer></userTask>"), performer, performer);
	const char *twice = arena_printf(arena, LINE("<userTask id=\"a\" name=\"Ask\" camunda:assignee=\"ben\">"
		"<humanPerformer>%s</humanPerformer></userTask>"), performer);

	refused(two, "Invalid task definition: multiple humanPerformer sub elements defined for Ask", "a");
	refused(twice, "Invalid usage: duplicate assignee declaration for task Ask", "a");
}
END_TEST

/* A process from s to e by f, and a drawing with one shape and one edge. */
#define DRAWN(shape, edge) \
	MODEL_HEAD "<process id=\"p\" isExecutable=\"true\">" START("s") END("e") FLOW("f", "s", "e") "</process>" \
	"<BPMNDiagram xmlns=\"http://www.omg.org/spec/BPMN/20100524/DI\"" \
	" xmlns:dc=\"http://www.omg.org/spec/DD/20100524/DC\" xmlns:di=\"http://www.omg.org/spec/DD/20100524/DI\">" \
	"<BPMNPlane bpmnElement=\"p\"><BPMNShape id=\"d1\" bpmnElement=\"" shape "\">" \
	"<dc:Bounds x=\"1\" y=\"1\" width=\"1\" height=\"1\"/></BPMNShape>" \
	"<BPMNEdge id=\"d2\" bpmnElement=\"" edge "\"><di:waypoint x=\"1\" y=\"1\"/><di:waypoint x=\"2\" y=\"1\"/>" \
	"</BPMNEdge></BPMNPlane></BPMNDiagram>" MODEL_TAIL

START_TEST(wrong_references)
{
	program_of(DRAWN("s", "f"));
	refused(DRAWN("gone", "f"), "Invalid reference in 'bpmnElement' attribute, activity gone not found", "d1");
	refused(DRAWN("s", "gone"), "Invalid reference in 'bpmnElement' attribute, sequenceFlow gonenot found", "d2");
	refused(PROCESS(START("s") "<association id=\"n\" sourceRef=\"s\" targetRef=\"gone\"/>"),
		"Invalid reference targetRef 'gone' of association element ", "n");
	refused(PROCESS(START("s") "<association id=\"n\" sourceRef=\"gone\" targetRef=\"s\"/>"),
		"Invalid reference sourceRef 'gone' of association element ", "n");
	refused(PROCESS(START("s") END("e") "<task id=\"a\" camunda:asyncAfter=\"true\"/>" FLOW("f", "s", "a")
		"<sequenceFlow sourceRef=\"a\" targetRef=\"e\"/>"),
		"Sequence flow with sourceRef='a' must have an id, activity with id 'a' uses 'asyncAfter'.", "a");
}
END_TEST

START_TEST(wrong_events)
{
	const struct problem *found = refused(LINE("<intermediateCatchEvent id=\"a\"><timerEventDefinition id=\"d\"/>"
		"</intermediateCatchEvent>"),
		"Timer needs configuration (either timeDate, timeCycle or timeDuration is needed).", "a");

	ck_assert_int_eq(found->element_count, 2);
	ck_assert_str_eq(found->elements[0], "d");
	ck_assert_str_eq(found->elements[1], "a");
	refused(LINE("<task id=\"a\"/><boundaryEvent id=\"b\" attachedToRef=\"nothing\"><timerEventDefinition id=\"d\">"
		"<timeDuration>PT1H</timeDuration></timerEventDefinition></boundaryEvent>"),
		"Invalid reference in boundary event. Make sure that the referenced activity is defined in the same "
		"scope as the boundary event", "b");
	refused(LINE("<task id=\"a\"/><boundaryEvent id=\"b\" attachedToRef=\"s\"><errorEventDefinition id=\"d\"/>"
		"</boundaryEvent>"),
		"Invalid reference in boundary event. Make sure that the referenced activity is defined in the same "
		"scope as the boundary event", "b");
	refused(PROCESS(START("s") "<endEvent id=\"e\"><errorEventDefinition id=\"d\"/></endEvent>"
		FLOW("f", "s", "e")), "'errorRef' attribute is mandatory on error end event", "e");
	refused(MODEL_HEAD "<error id=\"x\"/><process id=\"p\" isExecutable=\"true\">" START("s")
		"<endEvent id=\"e\"><errorEventDefinition id=\"d\" errorRef=\"x\"/></endEvent>" FLOW("f", "s", "e")
		"</process>" MODEL_TAIL, "'errorCode' is mandatory on errors referenced by throwing error event "
		"definitions, but the error 'x' does not define one.", "e");
	warned(PROCESS(START("s") "<task id=\"a\"/>" END("e") FLOW("f1", "s", "a") FLOW("f2", "a", "e")
		FLOW("f3", "e", "a")), "outgoing sequence flows of end event 'e' are never taken", "e");
}
END_TEST

#define IO(side) "<extensionElements><camunda:inputOutput><camunda:" side " name=\"n\">1</camunda:" side ">" \
	"</camunda:inputOutput></extensionElements>"

START_TEST(wrong_mappings)
{
	refused(PROCESS("<startEvent id=\"s\">" IO("inputParameter") "</startEvent>"),
		"camunda:inputOutput mapping unsupported for element type 'startEvent'.", "s");
	refused(LINE("<parallelGateway id=\"a\">" IO("inputParameter") "</parallelGateway>"),
		"camunda:inputOutput mapping unsupported for element type 'parallelGateway'.", "a");
	refused(PROCESS(START("s") "<endEvent id=\"e\">" IO("outputParameter") "</endEvent>" FLOW("f", "s", "e")),
		"camunda:outputParameter not allowed for element type 'endEvent'.", "e");
	refused(LINE("<task id=\"a\">" IO("outputParameter") "<multiInstanceLoopCharacteristics><loopCardinality>3"
		"</loopCardinality></multiInstanceLoopCharacteristics></task>"),
		"camunda:outputParameter not allowed for multi-instance constructs", "a");
}
END_TEST

START_TEST(wrong_time_to_live)
{
	const struct problem *found = refused(MODEL_HEAD "<process id=\"p\" isExecutable=\"true\""
		" camunda:historyTimeToLive=\"soon\">" START("s") "</process>" MODEL_TAIL,
		"Cannot parse historyTimeToLive: For input string: \"soon\": "
		"Cannot parse historyTimeToLive: For input string: \"soon\"", "p");

	ck_assert_int_eq(found->line, 3);
}
END_TEST

/* An id may be missing by the schema; a process is stored and started by its own, everything else may do without. */
START_TEST(missing_ids)
{
	const struct problem *found = refused(MODEL_HEAD "<process isExecutable=\"true\">" START("s") "</process>"
		MODEL_TAIL, "an executable process must have an id: it is started by it", NULL);

	ck_assert_int_eq(found->line, 3);
	refused(PROCESS(START("s") "<exclusiveGateway/>"), "Exclusive Gateway 'null' has no outgoing sequence flows.",
		NULL);
	ck_assert_int_eq(compile(PROCESS("<startEvent/>")), OK);
	ck_assert_ptr_null(diagram.programs[0]->nodes[1].id);
}
END_TEST

/* One mistake is one problem: what follows from it is not reported as well. */
START_TEST(no_second_complaint)
{
	refused(LINE("<task id=\"a\"/><boundaryEvent id=\"b\" attachedToRef=\"no\"><timerEventDefinition id=\"d\"/>"
		"</boundaryEvent>"), "Invalid reference in boundary event. Make sure that the referenced activity is "
		"defined in the same scope as the boundary event", "b");
	ck_assert_ptr_null(find_problem("Timer needs configuration (either timeDate, timeCycle or timeDuration is "
		"needed)."));
	ck_assert_int_eq(compile(LINE("<exclusiveGateway id=\"a\" default=\"f2\"/><callActivity id=\"c\""
		" calledElement=\"x\"/>" FLOW("f3", "a", "c"))), E_parse);
	ck_assert_uint_eq(diagram.problems.errors, 1);
	ck_assert_str_eq(diagram.problems.list[0].element, "c");
}
END_TEST

START_TEST(all_problems_at_once)
{
	ck_assert_int_eq(compile(LINE("<serviceTask id=\"a\"/>"
		"<serviceTask id=\"b\" camunda:type=\"external\"/><task id=\"c\"/>" CHOICE("f3", "a", "c", "${a b"))),
		E_parse);
	ck_assert_uint_eq(diagram.problems.errors, 3);
	ck_assert_int_eq(strncmp(failure.message, "ENGINE-09005 Could not parse BPMN process. Errors: \n* ", 54), 0);
}
END_TEST

START_TEST(expression_error)
{
	ck_assert_int_eq(compile(PROCESS(START("s") "<task id=\"a\"/>\n" CHOICE("f", "s", "a", "${a b"))), E_engine);
	ck_assert_str_eq(failure.message, "ENGINE-01009 Error while parsing process. Error parsing '${a b': syntax "
		"error at position 4, encountered 'b', expected '}'.");
	ck_assert_str_eq(failure.element, "f");
	ck_assert_int_eq(failure.line, 6);
}
END_TEST

enum { MANY = 50000 };

/* A chain of tasks: twice the nodes must not take four times as long.  Only a gross bound is asserted. */
START_TEST(many_nodes)
{
	struct text text;
	clock_t begin;

	text_init(&text, arena);
	text_puts(&text, MODEL_HEAD "<process id=\"p\" isExecutable=\"true\">" START("n0"));
	for (int i = 1; i <= MANY; i++) {
		text_printf(&text, "<exclusiveGateway id=\"n%d\"/>", i);
		text_printf(&text, "<sequenceFlow id=\"f%d\" sourceRef=\"n%d\" targetRef=\"n%d\"/>", i, i - 1, i);
	}
	text_printf(&text, "<endEvent id=\"e\"/><sequenceFlow id=\"f\" sourceRef=\"n%d\" targetRef=\"e\"/></process>"
		MODEL_TAIL, MANY);
	begin = clock();
	const struct program *program = program_of(text_string(&text));
	double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;

	ck_assert_int_eq(program->node_count, MANY + 3);
	ck_assert_int_eq(program->flow_count, MANY + 1);
	for (int32_t i = 0; i < program->node_count; i += 97)
		node_of(program, program->nodes[i].id);
	ck_assert_msg(seconds < 10, "%.1f s", seconds);
}
END_TEST

/* A file of that many processes. */
static const char *
crowd(int count)
{
	struct text text;

	text_init(&text, arena);
	text_puts(&text, MODEL_HEAD);
	for (int i = 0; i < count; i++)
		text_printf(&text, "<process id=\"p%d\" isExecutable=\"true\"><startEvent id=\"s%d\"/></process>", i,
			i);
	text_puts(&text, MODEL_TAIL);
	return text_string(&text);
}

static size_t
memory_for(int count)
{
	const char *xml = crowd(count);
	size_t before = arena_used(arena);

	ck_assert_int_eq(compile(xml), OK);
	ck_assert_uint_eq(diagram.program_count, (size_t)count);
	return arena_used(arena) - before;
}

/* What a process of a file costs is not the size of the file. */
START_TEST(many_processes)
{
	size_t few = memory_for(100), many = memory_for(1600);

	ck_assert_msg(many < 24 * few, "%zu bytes for 100, %zu for 1600", few, many);
}
END_TEST

/* The drawing belongs to the file: what is wrong with it is said once. */
START_TEST(one_drawing)
{
	const struct problem *problem;
	int found = 0;

	compile(MODEL_HEAD "<process id=\"p\" isExecutable=\"true\"><startEvent id=\"s\"/></process>"
		"<process id=\"q\" isExecutable=\"true\"><startEvent id=\"t\"/></process>"
		"<bpmndi:BPMNDiagram xmlns:bpmndi=\"http://www.omg.org/spec/BPMN/20100524/DI\"><bpmndi:BPMNPlane>"
		"<bpmndi:BPMNShape id=\"d\"/></bpmndi:BPMNPlane></bpmndi:BPMNDiagram>" MODEL_TAIL);
	for (size_t i = 0; i < diagram.problems.count; i++) {
		problem = &diagram.problems.list[i];
		found += strcmp(problem->message, "'bpmnElement' attribute is required on BPMNShape") == 0;
	}
	ck_assert_int_eq(found, 1);
}
END_TEST

static void
setup(void)
{
	arena = arena_new();
}

static void
teardown(void)
{
	arena_free(arena);
}

int
main(void)
{
	const TTest *const tests[] = {
		line_of_nodes,
		process_attributes,
		several_processes,
		sub_process,
		multi_instance,
		multi_instance_sub_process,
		multi_instance_of_the_standard,
		boundary_events,
		errors,
		user_task,
		documentation,
		mappings,
		retries,
		expression_services,
		timers,
		inclusive_reach,
		conditions_and_defaults,
		wrong_gateways,
		wrong_flows,
		wrong_starts,
		wrong_tasks,
		class_beside_external,
		wrong_forms,
		wrong_assignees,
		wrong_references,
		wrong_events,
		wrong_mappings,
		wrong_time_to_live, missing_ids,
		no_second_complaint,
		all_problems_at_once,
		expression_error,
		many_nodes,
		many_processes,
		one_drawing,
		NULL,
	};

	return run_bpmn_suite("bpmn/compile", setup, teardown, 60, tests);
}
