/* SPDX-License-Identifier: Apache-2.0
 * Multi-instance activities: how many are created, when they begin, and when the whole is over. */
#include <stdlib.h>
#include <string.h>

#include "tests/base/run.h"
#include "tests/engine/words.h"

#define MULTI(id, attributes, inside) \
	"<serviceTask id='" id "' camunda:type='external' camunda:topic='" id "'>" \
	"<multiInstanceLoopCharacteristics " attributes ">" inside "</multiInstanceLoopCharacteristics></serviceTask>"
#define CARDINALITY(n) "<loopCardinality xsi:type='tFormalExpression'>" n "</loopCardinality>"

START_TEST(multi_parallel)
{
	struct sim *sim = sim_begin("<startEvent id='s'/>" MULTI("m", "", CARDINALITY("3")
		"<completionCondition xsi:type='tFormalExpression'>${nrOfCompletedInstances &gt;= 2}"
		"</completionCondition>")
		EXTERNAL("after") "<endEvent id='e'/>" FLOW("f0", "s", "m") FLOW("f1", "m", "after")
			FLOW("f2", "after", "e"), NONE);

	ck_assert_str_eq(sim_active(sim), "m#multiInstanceBody m m m");
	COMPLETE(sim, "m");
	ck_assert_int_eq(sim_count(sim, "m"), 2);
	COMPLETE(sim, "m");
	ck_assert_str_eq(sim_active(sim), "after");
	ck_assert_str_eq(sim_history(sim), "s m m -m m#multiInstanceBody");
	sim_free(sim);
}
END_TEST

static struct sim *
x_then_y(void)
{
	struct value items[] = {value_string("x"), value_string("y")};

	return sim_begin("<startEvent id='s'/>" MULTI("m",
		"isSequential='true' camunda:collection='${list}' camunda:elementVariable='item'", "")
		"<endEvent id='e'/>" FLOW("f0", "s", "m") FLOW("f1", "m", "e"),
		VARS({.name = "list", .value = {.type = VALUE_list, .items = items, .length = 2}}));
}

START_TEST(multi_sequential_collection)
{
	struct sim *sim = x_then_y();
	struct activity *m = sim_at(sim, "m");

	ck_assert_int_eq(sim_count(sim, "m"), 1);
	ck_assert_str_eq(tree_variable(m, "item")->value.text, "x");
	ck_assert_int_eq(tree_variable(m, "loopCounter")->value.integer, 0);
	COMPLETE(sim, "m");
	m = sim_at(sim, "m");
	ck_assert_str_eq(tree_variable(m, "item")->value.text, "y");
	ck_assert_int_eq(tree_variable(m, "loopCounter")->value.integer, 1);
	COMPLETE(sim, "m");
	ck_assert(sim_ended(sim));
	sim_free(sim);
}
END_TEST

/* One command creates a thousand; a job goes on with the next ones. */
START_TEST(multi_large)
{
	struct sim *sim = sim_begin("<startEvent id='s'/>" MULTI("m", "", CARDINALITY("20000")) "<endEvent id='e'/>"
		FLOW("f0", "s", "m") FLOW("f1", "m", "e"), NONE);
	const struct activity *body = sim->tree->root->activity.first;
	int64_t commands;

	for (commands = 1; body->jobs != NULL; commands++) {
		ck_assert_int_eq(body->child_count, commands * 1000);
		ck_assert(sim_fire(sim, "m#multiInstanceBody") == OK);
	}
	ck_assert_int_eq(commands, 20);
	ck_assert_int_eq(body->child_count, 20000);
	ck_assert_int_eq(tree_variable_local(body->last, "loopCounter")->value.integer, 19999);
	sim_free(sim);
}
END_TEST

/* A body of which a part is created: it does not complete early, has the right elements in the end, and what would
 * create the rest goes with it. */
static struct sim *
large_collection(struct value *items, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		items[i] = value_integer((int64_t)i * 10);
	return sim_begin("<startEvent id='s'/>"
		MULTI("m", "camunda:collection='${list}' camunda:elementVariable='item'", "")
		"<boundaryEvent id='b' attachedToRef='m'><errorEventDefinition/></boundaryEvent>" EXTERNAL("after")
		FLOW("f0", "s", "m") FLOW("f1", "m", "after") FLOW("f2", "b", "after"),
		VARS({.name = "list", .value = {.type = VALUE_list, .items = items, .length = count}}));
}

START_TEST(multi_large_completes_when_all_did)
{
	struct value items[1001];
	struct sim *sim = large_collection(items, 1001);
	struct activity *body = sim->tree->root->activity.first, *m;

	while (body->child_count > 0)
		ck_assert(sim_run(sim, (struct command){.kind = COMMAND_complete_task, .target = body->first->id})
			== OK);
	ck_assert_str_eq(sim_active(sim), "m#multiInstanceBody");
	ck_assert_int_eq(tree_variable_local(body, "nrOfActiveInstances")->value.integer, 1);
	ck_assert(sim_fire(sim, "m#multiInstanceBody") == OK);
	m = sim_at(sim, "m");
	ck_assert_int_eq(tree_variable_local(m, "loopCounter")->value.integer, 1000);
	ck_assert_int_eq(tree_variable_local(m, "item")->value.integer, 10000);
	COMPLETE(sim, "m");
	ck_assert_str_eq(sim_active(sim), "after");
	sim_free(sim);
}
END_TEST

START_TEST(multi_large_canceled)
{
	struct value items[2500];
	struct sim *sim = large_collection(items, 2500);
	struct activity *body = sim->tree->root->activity.first;

	ck_assert_ptr_nonnull(body->jobs);
	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_error_task, .target = body->first->id,
		.error_code = "any"}) == OK);
	ck_assert_str_eq(sim_active(sim), "after");
	ck_assert_ptr_null(body->jobs);
	sim_free(sim);
}
END_TEST

START_TEST(multi_too_large)
{
	struct arena *arena = arena_new();
	struct sim *sim = sim_new(sim_process(arena, "<startEvent id='s'/>" MULTI("m", "", CARDINALITY("10001"))
		FLOW("f0", "s", "m")));

	sim->limits.steps = 10000;
	ck_assert(sim_start(sim, NONE) == E_engine);
	ck_assert_ptr_nonnull(strstr(sim->error.message, "10001 instances"));
	ck_assert_str_eq(sim->error.element, "m#multiInstanceBody");
	sim_free(sim);
	arena_free(arena);
}
END_TEST

/* Instances in a row share one loopCounter and one element, the body's: variables that change, not new ones. */
START_TEST(multi_sequential_shares_variables)
{
	struct sim *sim = x_then_y();
	struct activity *body = sim_at(sim, "m")->scope;
	int64_t counter = tree_variable_local(body, "loopCounter")->id, item = tree_variable_local(body, "item")->id;

	ck_assert_ptr_null(sim_at(sim, "m")->variables);
	COMPLETE(sim, "m");
	ck_assert_ptr_null(sim_at(sim, "m")->variables);
	ck_assert_int_eq(tree_variable_local(body, "loopCounter")->id, counter);
	ck_assert_int_eq(tree_variable_local(body, "loopCounter")->value.integer, 1);
	ck_assert_int_eq(tree_variable_local(body, "item")->id, item);
	ck_assert_str_eq(tree_variable_local(body, "item")->value.text, "y");
	sim_free(sim);
}
END_TEST

/* All parallel instances are made, with their variables, before the first begins; those that never begin because it
 * ends the body are no part of the history. */
START_TEST(multi_parallel_opens_all_first)
{
	struct sim *sim = sim_begin("<startEvent id='s'/><subProcess id='sub'><multiInstanceLoopCharacteristics>"
		CARDINALITY("3")
		"</multiInstanceLoopCharacteristics><startEvent id='is'/><endEvent id='bad'><errorEventDefinition "
		"errorRef='err'/>"
		"</endEvent>" FLOW("i0", "is", "bad") "</subProcess><boundaryEvent id='b' attachedToRef='sub'>"
		"<errorEventDefinition/></boundaryEvent>" EXTERNAL("after") FLOW("f0", "s", "sub")
		FLOW("f1", "b", "after"), NONE);
	size_t i, began = 0, counters = 0;

	for (i = 0; i < sim->effects.count; i++) {
		const struct effect *effect = &sim->effects.list[i];

		if (effect->kind == EFFECT_variable_set && strcmp(effect->variable_set.name, "loopCounter") == 0)
			counters++;
		if (effect->kind == EFFECT_activity_state && effect->activity_state.state == ACTIVITY_active)
			began++;
	}
	ck_assert_uint_eq(counters, 3);
	ck_assert_uint_eq(began, 1);
	ck_assert_str_eq(sim_active(sim), "after");
	sim_free(sim);
}
END_TEST

static void
refuses_counter(struct entries counter)
{
	struct sim *sim = sim_begin("<startEvent id='s'/>" MULTI("m", "isSequential='true'", CARDINALITY("2"))
		FLOW("f0", "s", "m"), NONE);
	const char *quoted = arena_printf(sim->arena, "'%s'", counter.list[0].name);

	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_set_variables, .target = sim_at(sim, "m")->scope->id,
		.variables = counter, .local = true}) == OK);
	ck_assert(sim_complete(sim, "m", NONE) == E_engine);
	ck_assert_ptr_nonnull(strstr(sim->error.message, quoted));
	sim_free(sim);
}

START_TEST(multi_counter_of_another_type)
{
	struct entry far = { .name = "nrOfCompletedInstances" };

	refuses_counter(VARS(TEXT("nrOfInstances", "two")));
	far.value = value_long(INT64_MAX);
	refuses_counter((struct entries){ .list = &far, .count = 1 });
	far.value = value_long(INT64_C(1) << 31);
	refuses_counter((struct entries){ .list = &far, .count = 1 });
	far.name = "nrOfInstances";
	far.value = value_long(INT64_MIN);
	refuses_counter((struct entries){ .list = &far, .count = 1 });
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { multi_parallel, multi_sequential_collection, multi_large,
		multi_large_completes_when_all_did, multi_large_canceled, multi_too_large,
		multi_sequential_shares_variables, multi_parallel_opens_all_first, multi_counter_of_another_type,
		NULL };
	struct error err;

	return bpmn_init(&err) != OK ? EXIT_FAILURE : run_suite_with("multi", NULL, NULL, 60, tests);
}
