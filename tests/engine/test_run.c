/* SPDX-License-Identifier: Apache-2.0
 * The machine, element by element: what is open after each command, what was closed in which order. */
#include <stdlib.h>
#include <string.h>

#include "tests/base/run.h"
#include "tests/engine/words.h"

START_TEST(sequence)
{
	struct sim *sim = sim_begin("<startEvent id='s'/>" EXTERNAL("a") "<endEvent id='e'/>"
		FLOW("f1", "s", "a") FLOW("f2", "a", "e"), NONE);

	ck_assert_str_eq(sim_active(sim), "a");
	ck_assert(sim_complete(sim, "a", VARS(INT("x", 7))) == OK);
	ck_assert(sim_ended(sim));
	ck_assert(sim->outcome.ended);
	ck_assert_str_eq(sim_history(sim), "s a e");
	ck_assert_str_eq(sim_variable(sim, "x"), "7");
	sim_free(sim);
}
END_TEST

START_TEST(depth_first)
{
	struct sim *sim = sim_begin("<startEvent id='s'/><parallelGateway id='fork'/><task id='a'/><task id='a2'/>"
		"<task id='b'/><task id='b2'/><parallelGateway id='join'/><endEvent id='e'/>"
		FLOW("f0", "s", "fork") FLOW("f1", "fork", "a") FLOW("f2", "fork", "b") FLOW("f3", "a", "a2")
		FLOW("f4", "b", "b2") FLOW("f5", "a2", "join") FLOW("f6", "b2", "join") FLOW("f7", "join", "e"), NONE);

	ck_assert(sim_ended(sim));
	ck_assert_str_eq(sim_history(sim), "s fork a a2 b b2 join join e");
	sim_free(sim);
}
END_TEST

START_TEST(parallel_join)
{
	struct sim *sim = sim_begin("<startEvent id='s'/><parallelGateway id='fork'/>" EXTERNAL("a") EXTERNAL("b")
		"<parallelGateway id='join'/>" EXTERNAL("c") "<endEvent id='e'/>"
		FLOW("f0", "s", "fork") FLOW("f1", "fork", "a") FLOW("f2", "fork", "b") FLOW("f5", "a", "join")
		FLOW("f6", "b", "join") FLOW("f7", "join", "c") FLOW("f8", "c", "e"), NONE);

	ck_assert_str_eq(sim_active(sim), "a b");
	COMPLETE(sim, "b");
	ck_assert_str_eq(sim_active(sim), "a join");
	COMPLETE(sim, "a");
	ck_assert_str_eq(sim_active(sim), "c");
	COMPLETE(sim, "c");
	ck_assert(sim_ended(sim));
	sim_free(sim);
}
END_TEST

/* Two tokens on one flow do not make up for one that is missing on another (BPMN 13.4.1). */
START_TEST(join_is_per_flow)
{
	struct sim *sim = sim_begin("<startEvent id='s'/><parallelGateway id='fork'/>" EXTERNAL("a") EXTERNAL("b")
		EXTERNAL("c")
		"<exclusiveGateway id='x'/><parallelGateway id='join'/><endEvent id='e'/>"
		FLOW("f0", "s", "fork") FLOW("f1", "fork", "a") FLOW("f2", "fork", "b") FLOW("f3", "fork", "c")
		FLOW("f4", "a", "x") FLOW("f5", "b", "x") FLOW("f6", "x", "join") FLOW("f7", "c", "join")
		FLOW("f8", "join", "e"), NONE);

	COMPLETE(sim, "a");
	COMPLETE(sim, "b");
	ck_assert_str_eq(sim_active(sim), "c join join");
	COMPLETE(sim, "c");
	ck_assert_str_eq(sim_active(sim), "join");
	sim_free(sim);
}
END_TEST

START_TEST(exclusive)
{
	struct sim *sim = sim_begin("<startEvent id='s'/>" EXTERNAL("a")
		"<exclusiveGateway id='x' default='f4'/><endEvent id='one'/>"
		"<endEvent id='two'/><endEvent id='other'/>"
		FLOW("f0", "s", "a") FLOW("f1", "a", "x") IF("f2", "x", "one", "${v == 1}")
		IF("f3", "x", "two", "${v == 2}")
		FLOW("f4", "x", "other"), NONE);

	ck_assert(sim_complete(sim, "a", NONE) == E_engine);
	ck_assert_str_eq(sim->error.message,
		"Unknown property used in expression: ${v == 1}. Cause: Cannot resolve identifier 'v'");
	ck_assert_str_eq(sim->error.element, "x");
	ck_assert(sim_complete(sim, "a", VARS(INT("v", 2))) == OK);
	ck_assert_str_eq(sim_history(sim), "s a x two");
	sim_free(sim);
}
END_TEST

START_TEST(no_flow_holds)
{
	struct sim *sim = sim_begin("<startEvent id='s'/>" EXTERNAL("a") "<exclusiveGateway id='x'/>"
		"<endEvent id='one'/><endEvent id='two'/>" FLOW("f0", "s", "a") FLOW("f1", "a", "x")
		IF("f2", "x", "one", "${v == 1}")
		IF("f3", "x", "two", "${v == 2}"), NONE);

	ck_assert(sim_complete(sim, "a", VARS(INT("v", 3))) == E_engine);
	ck_assert_ptr_nonnull(strstr(sim->error.message, "ENGINE-02004"));
	ck_assert_str_eq(sim_active(sim), "a");
	ck_assert_str_eq(sim_variable(sim, "v"), "-");
	sim_free(sim);
}
END_TEST

/* The join must not wait for a token that has ended elsewhere. */
START_TEST(inclusive_join_sees_death)
{
	struct sim *sim = sim_begin("<startEvent id='s'/><inclusiveGateway id='o'/>" EXTERNAL("a") EXTERNAL("b")
		"<exclusiveGateway id='x'/><inclusiveGateway id='j'/>" EXTERNAL("c")
		"<endEvent id='e'/><endEvent id='e2'/>"
		FLOW("f0", "s", "o") IF("f1", "o", "a", "${true}") IF("f2", "o", "b", "${true}") FLOW("f3", "a", "j")
		FLOW("f4", "b", "x") IF("f5", "x", "e2", "${end}") IF("f6", "x", "j", "${!end}") FLOW("f7", "j", "c")
		FLOW("f8", "c", "e"), NONE);

	COMPLETE(sim, "a");
	ck_assert_str_eq(sim_active(sim), "b j");
	ck_assert(sim_complete(sim, "b", VARS({.name = "end", .value = value_boolean(true)})) == OK);
	ck_assert_str_eq(sim_active(sim), "c");
	sim_free(sim);
}
END_TEST

/* Tokens wait in front of the join, each for its job: the first to come in waits for the second. */
START_TEST(inclusive_join_behind_jobs)
{
	struct sim *sim = sim_begin("<startEvent id='s'/><inclusiveGateway id='o'/><inclusiveGateway id='j' "
		"camunda:asyncBefore='true'/>"
		EXTERNAL("c") FLOW("f0", "s", "o") FLOW("f1", "o", "j") FLOW("f2", "o", "j") FLOW("f3", "j", "c"),
		NONE);
	struct activity *first = sim->tree->root->activity.first;

	ck_assert_int_eq(sim_count(sim, "j"), 2);
	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_execute_job, .target = first->jobs->id}) == OK);
	ck_assert_int_eq(sim_count(sim, "j"), 2);
	ck_assert_int_eq(first->state, ACTIVITY_joining);
	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_execute_job, .target = first->next->jobs->id}) == OK);
	ck_assert_str_eq(sim_active(sim), "c");
	sim_free(sim);
}
END_TEST

START_TEST(sub_process_and_terminate)
{
	struct sim *sim = sim_begin("<startEvent id='s'/><subProcess id='sub'><startEvent id='is'/><parallelGateway "
		"id='fork'/>"
		EXTERNAL("a") EXTERNAL("b")
		"<endEvent id='stop'><terminateEventDefinition/></endEvent><endEvent id='ie'/>"
		FLOW("i0", "is", "fork") FLOW("i1", "fork", "a") FLOW("i2", "fork", "b") FLOW("i3", "a", "stop")
		FLOW("i4", "b", "ie") "</subProcess>" EXTERNAL("c") "<endEvent id='e'/>"
		FLOW("f0", "s", "sub") FLOW("f1", "sub", "c") FLOW("f2", "c", "e"), NONE);

	ck_assert_str_eq(sim_active(sim), "sub a b");
	COMPLETE(sim, "a");
	ck_assert_str_eq(sim_active(sim), "c");
	ck_assert_str_eq(sim_history(sim), "s is fork a -b stop sub");
	sim_free(sim);
}
END_TEST

#define BOUNDARY_ERROR(id, to, ref) \
	"<boundaryEvent id='" id "' attachedToRef='" to "'><errorEventDefinition " ref "/></boundaryEvent>"

/* A matching code goes before one that catches all, whatever the order in the diagram. */
START_TEST(error_specific_first)
{
	struct sim *sim = sim_begin("<startEvent id='s'/>" EXTERNAL("a") BOUNDARY_ERROR("all", "a", "")
		BOUNDARY_ERROR("one", "a", "errorRef='err1' camunda:errorCodeVariable='code'") "<endEvent id='e'/>"
			EXTERNAL("h")
		"<endEvent id='e3'/>" FLOW("f0", "s", "a") FLOW("f1", "a", "e") FLOW("f2", "one", "h")
		FLOW("f3", "all", "e3"), NONE);
	struct activity *a = sim_at(sim, "a");

	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_error_task, .target = a->id, .error_code = "E1"})
		== OK);
	ck_assert_str_eq(sim_active(sim), "h");
	ck_assert_str_eq(sim_history(sim), "s -a one");
	ck_assert_str_eq(sim_variable(sim, "code"), "E1");
	sim_free(sim);
}
END_TEST

START_TEST(error_end_and_unhandled)
{
	struct sim *sim = sim_begin("<startEvent id='s'/><subProcess id='sub'><startEvent id='is'/>" EXTERNAL("a")
		"<endEvent id='bad'><errorEventDefinition errorRef='err1'/></endEvent>" FLOW("i0", "is", "a")
		FLOW("i1", "a", "bad")
		"</subProcess>" BOUNDARY_ERROR("caught", "sub", "errorRef='err1'") "<endEvent id='e'/>" EXTERNAL("h")
		"<endEvent id='e2'/>"
		FLOW("f0", "s", "sub") FLOW("f1", "sub", "e") FLOW("f2", "caught", "h") FLOW("f3", "h", "e2"), NONE);
	struct activity *h;

	COMPLETE(sim, "a");
	ck_assert_str_eq(sim_active(sim), "h");
	ck_assert_str_eq(sim_history(sim), "s is a -bad -sub caught");
	h = sim_at(sim, "h");
	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_error_task, .target = h->id, .error_code = "X"}) == OK);
	ck_assert(sim_ended(sim));
	sim_free(sim);
}
END_TEST

#define BOUNDARY_TIMER(id, to, cancel, kind, text) \
	"<boundaryEvent id='" id "' attachedToRef='" to "' cancelActivity='" cancel "'><timerEventDefinition><" kind \
	" xsi:type='tFormalExpression'>" text "</" kind "></timerEventDefinition></boundaryEvent>"

/* A path that an uncaught error ends is over as an activity: what it has to hand out, it does. */
START_TEST(unhandled_error_maps_outputs)
{
	struct sim *sim = sim_begin("<startEvent id='s'/><parallelGateway id='g'/>"
		"<serviceTask id='a' camunda:type='external' camunda:topic='a'><extensionElements><camunda:inputOutput>"
		"<camunda:outputParameter name='out'>${1 + 1}</camunda:outputParameter></camunda:inputOutput>"
		"</extensionElements></serviceTask>" EXTERNAL("b")
		FLOW("f0", "s", "g") FLOW("f1", "g", "a") FLOW("f2", "g", "b"), NONE);

	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_error_task, .target = sim_at(sim, "a")->id,
		.error_code = "unknown"}) == OK);
	ck_assert_str_eq(sim_active(sim), "b");
	ck_assert_str_eq(sim_variable(sim, "out"), "2");
	sim_free(sim);
}
END_TEST

/* A modelled message may be an expression; one that a worker's report became an error by is the worker's. */
START_TEST(error_messages)
{
	static const char end[] = "<startEvent id='s'/><subProcess id='sub'><startEvent id='is'/><endEvent id='ie'>"
		"<errorEventDefinition errorRef='told'/></endEvent>" FLOW("i0", "is", "ie") "</subProcess>"
		BOUNDARY_ERROR("b", "sub", "camunda:errorMessageVariable='why'") EXTERNAL("after")
		FLOW("f0", "s", "sub") FLOW("f1", "b", "after");
	static const char report[] = "<startEvent id='s'/><serviceTask id='a' camunda:type='external' "
		"camunda:topic='a'>"
		"<extensionElements><camunda:errorEventDefinition id='c' errorRef='told' expression='${true}'/>"
		"</extensionElements></serviceTask>" BOUNDARY_ERROR("b", "a", "camunda:errorMessageVariable='why'")
		EXTERNAL("after") FLOW("f0", "s", "a") FLOW("f1", "b", "after");
	struct sim *sim = sim_begin(end, VARS(INT("n", 7)));

	ck_assert_str_eq(sim_active(sim), "after");
	ck_assert_str_eq(sim_variable(sim, "why"), "failed 7 times");
	sim_free(sim);
	sim = sim_begin(report, VARS(INT("n", 7)));
	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_fail_task, .target = sim_at(sim, "a")->id,
		.error_message = "broken", .retries = 1}) == OK);
	ck_assert_str_eq(sim_active(sim), "after");
	ck_assert_str_eq(sim_variable(sim, "why"), "broken");
	sim_free(sim);
}
END_TEST

START_TEST(timer_interrupts)
{
	struct sim *sim = sim_begin("<startEvent id='s'/>" EXTERNAL("a")
		BOUNDARY_TIMER("t", "a", "true", "timeDuration", "PT1H")
		"<endEvent id='e'/>" EXTERNAL("late") "<endEvent id='e2'/>"
		FLOW("f0", "s", "a") FLOW("f1", "a", "e") FLOW("f2", "t", "late") FLOW("f3", "late", "e2"), NONE);

	ck_assert_int_eq(sim_at(sim, "a")->jobs->due_us - sim->now_us, INT64_C(3600000000));
	ck_assert(sim_fire(sim, "t") == OK);
	ck_assert_str_eq(sim_active(sim), "late");
	ck_assert_str_eq(sim_history(sim), "s -a t");
	sim_free(sim);
}
END_TEST

/* Every ten seconds, three times, beside the task a. */
static struct sim *
begin_ticking(void)
{
	return sim_begin("<startEvent id='s'/>" EXTERNAL("a")
		BOUNDARY_TIMER("t", "a", "false", "timeCycle", "R3/PT10S")
		"<endEvent id='e'/><endEvent id='tick'/>"
		FLOW("f0", "s", "a") FLOW("f1", "a", "e") FLOW("f2", "t", "tick"), NONE);
}

/* Fires at each of these seconds after the start, when it must be due, and not again. */
static void
ticks_at(struct sim *sim, int64_t start_us, const int *seconds, int count)
{
	for (int i = 0; i < count; i++) {
		ck_assert_ptr_nonnull(sim_at(sim, "a")->jobs);
		sim->now_us = sim_at(sim, "a")->jobs->due_us;
		ck_assert_int_eq(sim->now_us, start_us + seconds[i] * INT64_C(1000000));
		ck_assert(sim_fire(sim, "t") == OK);
	}
	ck_assert_ptr_null(sim_at(sim, "a")->jobs);
}

static void
move_tick(struct sim *sim, int64_t due_us)
{
	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_set_job_due, .target = sim_at(sim, "a")->jobs->id,
		.due_us = due_us}) == OK);
}

START_TEST(timer_repeats_beside)
{
	struct sim *sim = begin_ticking();

	ticks_at(sim, sim->now_us, (const int[]){10, 20, 30}, 3);
	ck_assert_str_eq(sim_active(sim), "a");
	ck_assert_str_eq(sim_history(sim), "s t tick t tick t tick");
	sim_free(sim);
}
END_TEST

/* As in Camunda, who moves one firing moves no other: they stay where the start put them. */
START_TEST(timer_repeats_after_a_moved_one)
{
	struct sim *sim = begin_ticking();
	int64_t start_us = sim->now_us;

	move_tick(sim, start_us + 15000000);
	ticks_at(sim, start_us, (const int[]){15, 20, 30}, 3);
	sim_free(sim);
	sim = begin_ticking();
	start_us = sim->now_us;
	move_tick(sim, start_us + 40000000);
	ticks_at(sim, start_us, (const int[]){40}, 1);
	sim_free(sim);
}
END_TEST

/* A client may take the date away: it is due at once. */
START_TEST(timer_repeats_after_one_without_a_date)
{
	struct sim *sim = begin_ticking();
	int64_t start_us = sim->now_us;

	move_tick(sim, WHEN_NONE);
	sim->now_us += 1000000;
	ck_assert(sim_fire(sim, "t") == OK);
	ticks_at(sim, start_us, (const int[]){10, 20, 30}, 3);
	sim_free(sim);
}
END_TEST

/* It is 22:13:20, so that three are left of five. */
START_TEST(timer_repeats_until)
{
	struct sim *sim = sim_begin("<startEvent id='s'/>" EXTERNAL("a")
		BOUNDARY_TIMER("t", "a", "false", "timeCycle", "R4/PT1H/2023-11-15T01:00:00Z")
		"<endEvent id='tick'/>" FLOW("f0", "s", "a") FLOW("f2", "t", "tick"), NONE);
	const int64_t hour_us = 3600 * (int64_t)1000000, first_us = (1700000000 / 3600 + 1) * hour_us;

	ck_assert_int_eq(sim->now_us / hour_us, first_us / hour_us - 1);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(sim_at(sim, "a")->jobs->due_us, first_us + i * hour_us);
		sim->now_us = first_us + i * hour_us + 1;
		ck_assert(sim_fire(sim, "t") == OK);
	}
	ck_assert_ptr_null(sim_at(sim, "a")->jobs);
	ck_assert_str_eq(sim_active(sim), "a");
	sim_free(sim);
}
END_TEST

/* What is kept of a cycle has its anchor in it, and must be read again. */
START_TEST(timer_with_a_long_cycle)
{
	struct arena *arena = arena_new();
	char digits[230];
	struct sim *sim;

	memset(digits, '0', sizeof digits);
	for (int length = 190; length < 230; length++) {
		const char *cycle = arena_printf(arena, "R/PT%.*s1S", length, digits);

		sim = sim_new(sim_process(arena, arena_printf(arena, "<startEvent id='s'/>" EXTERNAL("a")
			BOUNDARY_TIMER("t", "a", "false", "timeCycle", "%s") "<endEvent id='tick'/>"
			FLOW("f0", "s", "a") FLOW("f2", "t", "tick"), cycle)));
		if (sim_start(sim, NONE) == OK) {
			sim->now_us = sim_at(sim, "a")->jobs->due_us;
			ck_assert_msg(sim_fire(sim, "t") == OK, "%d: %s", length, sim->error.message);
			ck_assert_ptr_nonnull(sim_at(sim, "a")->jobs);
		} else {
			ck_assert_ptr_nonnull(strstr(sim->error.message, "is too long"));
		}
		sim_free(sim);
	}
	arena_free(arena);
}
END_TEST

START_TEST(timer_by_cron)
{
	struct sim *sim = sim_begin("<startEvent id='s'/>" EXTERNAL("a") BOUNDARY_TIMER("t", "a", "false", "timeCycle",
		"0 0/5 * * * ?") "<endEvent id='tick'/>" FLOW("f0", "s", "a") FLOW("f2", "t", "tick"), NONE);
	const int64_t five_minutes_us = 300 * (int64_t)1000000;
	int64_t due_us = sim_at(sim, "a")->jobs->due_us;

	ck_assert_int_gt(due_us, sim->now_us);
	ck_assert_int_eq(due_us % five_minutes_us, 0);
	sim->now_us = due_us + five_minutes_us + 1;	/* late: one is missed */
	ck_assert(sim_fire(sim, "t") == OK);
	ck_assert_int_eq(sim_at(sim, "a")->jobs->due_us, due_us + 2 * five_minutes_us);
	sim_free(sim);
}
END_TEST

START_TEST(loop_without_wait_ends)
{
	struct arena *arena = arena_new();
	struct sim *sim = sim_new(sim_process(arena, "<startEvent id='s'/><exclusiveGateway id='x'/><task id='t'/>"
		FLOW("f0", "s", "x") FLOW("f1", "x", "t") FLOW("f2", "t", "x")));

	sim->limits.steps = 10000;
	ck_assert(sim_start(sim, NONE) == E_engine);
	ck_assert_ptr_nonnull(strstr(sim->error.message, "more than 10000 steps"));
	ck_assert_ptr_null(sim->tree->root);
	sim_free(sim);
	arena_free(arena);
}
END_TEST

START_TEST(mappings)
{
	struct sim *sim = sim_begin("<startEvent id='s'/><serviceTask id='a' camunda:type='external' camunda:topic='a'>"
		"<extensionElements><camunda:inputOutput><camunda:inputParameter name='loc'>${x + 1}"
		"</camunda:inputParameter>"
		"<camunda:outputParameter name='out'>${loc * 2}</camunda:outputParameter></camunda:inputOutput>"
		"</extensionElements>"
		"</serviceTask><endEvent id='e'/>" FLOW("f0", "s", "a") FLOW("f1", "a", "e"), VARS(INT("x", 4)));

	ck_assert_int_eq(tree_variable_local(sim_at(sim, "a"), "loc")->value.integer, 5);
	COMPLETE(sim, "a");
	ck_assert_str_eq(sim_variable(sim, "out"), "10");
	ck_assert_str_eq(sim_variable(sim, "loc"), "-");
	sim_free(sim);
}
END_TEST

/* Camunda computes every input in the scope outside (CB InputParameter): a shadowed name still means the outer one, and
 * a name that only another input would give is unknown. */
START_TEST(inputs_do_not_see_each_other)
{
	static const char shadow[] = "<startEvent id='s'/><userTask id='a'><extensionElements><camunda:inputOutput>"
		"<camunda:inputParameter name='x'>${x + 10}</camunda:inputParameter>"
		"<camunda:inputParameter name='y'>${x * 100}</camunda:inputParameter></camunda:inputOutput>"
		"</extensionElements>"
		"</userTask>" FLOW("f0", "s", "a");
	static const char chain[] = "<startEvent id='s'/><userTask id='a'><extensionElements><camunda:inputOutput>"
		"<camunda:inputParameter name='one'>${1}</camunda:inputParameter>"
		"<camunda:inputParameter name='two'>${one + 1}</camunda:inputParameter></camunda:inputOutput>"
		"</extensionElements>"
		"</userTask>" FLOW("f0", "s", "a");
	struct arena *arena = arena_new();
	struct sim *sim = sim_begin(shadow, VARS(INT("x", 1)));

	ck_assert_int_eq(tree_variable_local(sim_at(sim, "a"), "x")->value.integer, 11);
	ck_assert_int_eq(tree_variable_local(sim_at(sim, "a"), "y")->value.integer, 100);
	sim_free(sim);
	sim = sim_new(sim_process(arena, chain));
	ck_assert(sim_start(sim, NONE) == E_engine);
	ck_assert_ptr_nonnull(strstr(sim->error.message, "Cannot resolve identifier 'one'"));
	sim_free(sim);
	arena_free(arena);
}
END_TEST

START_TEST(async_and_failure)
{
	struct sim *sim = sim_begin("<startEvent id='s'/><serviceTask id='a' camunda:asyncBefore='true' "
		"camunda:asyncAfter='true'"
		" camunda:expression='${missing}' camunda:resultVariable='r'><extensionElements>"
		"<camunda:failedJobRetryTimeCycle>"
		"R2/PT5M</camunda:failedJobRetryTimeCycle></extensionElements></serviceTask><endEvent id='e'/>"
		FLOW("f0", "s", "a") FLOW("f1", "a", "e"), NONE);
	struct activity *a = sim_at(sim, "a");
	struct job *job = a->jobs;

	ck_assert_int_eq(a->state, ACTIVITY_before);
	ck_assert(sim_fire(sim, "a") == E_engine);
	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_fail_job, .target = job->id, .error_message = "no",
		.error_code = "a"}) == OK);
	ck_assert_int_eq(job->retries, 1);
	ck_assert_int_eq(job->due_us - sim->now_us, INT64_C(300000000));
	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_fail_job, .target = job->id, .error_message = "no"})
		== OK);
	ck_assert_int_eq(job->retries, 0);
	ck_assert_ptr_nonnull(a->incidents);
	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_set_variables, .target = sim->tree->root->id,
		.variables = VARS(INT("missing", 1))}) == OK);
	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_set_job_retries, .target = job->id, .retries = 1})
		== OK);
	ck_assert_ptr_null(a->incidents);
	ck_assert_msg(sim_fire(sim, "a") == OK, "%s", sim->error.message);
	ck_assert_int_eq(sim_at(sim, "a")->state, ACTIVITY_after);
	ck_assert(sim_fire(sim, "a") == OK);
	ck_assert(sim_ended(sim));
	ck_assert_str_eq(sim_variable(sim, "r"), "1");
	sim_free(sim);
}
END_TEST

/* An operator takes the attempts while a worker has the task, which then fails without a word about them. */
START_TEST(external_task_without_attempts)
{
	struct sim *sim = sim_begin("<startEvent id='s'/><serviceTask id='a' camunda:type='external' camunda:topic='a'>"
		"<extensionElements><camunda:failedJobRetryTimeCycle>R3/PT5S</camunda:failedJobRetryTimeCycle>"
		"</extensionElements></serviceTask><endEvent id='e'/>" FLOW("f0", "s", "a") FLOW("f1", "a", "e"), NONE);
	struct activity *a = sim_at(sim, "a");

	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_lock_task, .target = a->id, .worker = "w1",
		.duration_us = 1000000}) == OK);
	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_set_task_retries, .target = a->id, .retries = 0})
		== OK);
	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_fail_task, .target = a->id, .worker = "w1",
		.retries = -1, .error_message = "no"}) == OK);
	ck_assert_int_eq(a->external.retries, 0);
	ck_assert_ptr_nonnull(a->incidents);
	sim_free(sim);
}
END_TEST

START_TEST(external_task_life)
{
	struct sim *sim = sim_begin("<startEvent id='s'/>" EXTERNAL("a") "<endEvent id='e'/>" FLOW("f0", "s", "a")
		FLOW("f1", "a", "e"), NONE);
	struct activity *a = sim_at(sim, "a");
	struct command lock = {.kind = COMMAND_lock_task, .target = a->id, .worker = "w1", .duration_us = 1000000};

	ck_assert(sim_run(sim, lock) == OK);
	lock.worker = "w2";
	ck_assert(sim_run(sim, lock) == E_bad_user_request);
	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_complete_task, .target = a->id, .worker = "w2"}) ==
		E_bad_user_request);
	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_fail_task, .target = a->id, .worker = "w1",
		.retries = 0,
		.error_message = "no"}) == OK);
	ck_assert_ptr_nonnull(a->incidents);
	/* it reports once more, and changes its mind */
	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_fail_task, .target = a->id, .worker = "w1",
		.retries = 1,
		.error_message = "maybe"}) == OK);
	ck_assert_ptr_null(a->incidents);
	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_set_task_retries, .target = a->id, .retries = 0})
		== OK);
	ck_assert_ptr_nonnull(a->incidents);
	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_set_task_retries, .target = a->id, .retries = 2})
		== OK);
	ck_assert_ptr_null(a->incidents);
	sim->now_us += 5000000;
	ck_assert(sim_run(sim, lock) == OK);
	ck_assert_int_eq(a->external.expiries, 0);
	/* for ever, as far as there are dates */
	lock.duration_us = INT64_MAX;
	ck_assert(sim_run(sim, lock) == OK);
	ck_assert(a->external.until_us == WHEN_LAST);
	lock.duration_us = 1000000;
	ck_assert(sim_run(sim, lock) == OK);
	sim->now_us += 5000000;
	ck_assert(sim_run(sim, lock) == OK);
	ck_assert_int_eq(a->external.expiries, 1);
	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_complete_task, .target = a->id, .worker = "w2"}) == OK);
	ck_assert(sim_ended(sim));
	sim_free(sim);
}
END_TEST

/* An errorEventDefinition counts when it is true; a text, even an empty one, is not. */
START_TEST(error_case_must_be_true)
{
	struct sim *sim = sim_begin("<startEvent id='s'/><serviceTask id='a' camunda:type='external' camunda:topic='a'>"
		"<extensionElements><camunda:errorEventDefinition id='c1' errorRef='err' expression=''/>"
		"<camunda:errorEventDefinition id='c2' errorRef='err' expression='${flag}'/></extensionElements>"
		"</serviceTask>"
		"<boundaryEvent id='b' attachedToRef='a'><errorEventDefinition errorRef='err'/></boundaryEvent>"
		"<endEvent id='good'/><endEvent id='bad'/>" FLOW("f0", "s", "a") FLOW("f1", "a", "good")
		FLOW("f2", "b", "bad"),
		VARS(TEXT("flag", "true")));

	COMPLETE(sim, "a");
	ck_assert_str_eq(sim_history(sim), "s a good");
	sim_free(sim);
}
END_TEST

/* A name that is the activity's own after this very command is not set outside by it: what is for all goes first. */
START_TEST(local_variables_come_last)
{
	struct sim *sim = sim_begin("<startEvent id='s'/><serviceTask id='a' camunda:type='external' camunda:topic='a'>"
		"<extensionElements><camunda:inputOutput><camunda:outputParameter "
		"name='out'>${x}</camunda:outputParameter>"
		"</camunda:inputOutput></extensionElements></serviceTask>" EXTERNAL("after")
		FLOW("f0", "s", "a") FLOW("f1", "a", "after"), NONE);
	struct entries all = VARS(INT("x", 1)), own = VARS(INT("x", 2));

	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_complete_task, .target = sim_at(sim, "a")->id,
		.variables = all, .local_variables = own}) == OK);
	ck_assert_str_eq(sim_variable(sim, "x"), "1");
	ck_assert_str_eq(sim_variable(sim, "out"), "2");
	sim_free(sim);
}
END_TEST

/* Each candidate is an expression of its own: a list beside names stays a list. */
START_TEST(candidates)
{
	static const char body[] = "<startEvent id='s'/>"
		"<userTask id='u' camunda:candidateUsers='${list}, eva,#{both}' camunda:candidateGroups='${none}'/>"
		FLOW("f0", "s", "u");
	struct value items[] = {value_string("ann"), value_string("ben")};
	struct value list = {.type = VALUE_list, .items = items, .length = 2};
	struct arena *arena = arena_new();
	struct sim *sim = sim_new(sim_process(arena, body));
	const struct people *users;

	ck_assert(sim_start(sim, VARS({.name = "list", .value = list}, TEXT("both", "cid, dan"),
		{.name = "none", .value = value_null()})) == E_engine);
	ck_assert_str_eq(sim->error.message, "Expression did not resolve to a string or collection of strings");
	ck_assert(sim_start(sim, VARS({.name = "list", .value = list}, TEXT("both", "cid, dan"),
		TEXT("none", ""))) == OK);
	users = &sim_at(sim, "u")->human->users;
	ck_assert_uint_eq(users->count, 5);
	ck_assert_str_eq(users->list[0], "ann");
	ck_assert_str_eq(users->list[2], "eva");
	ck_assert_str_eq(users->list[4], "dan");
	ck_assert_uint_eq(sim_at(sim, "u")->human->groups.count, 0);
	sim_free(sim);
	arena_free(arena);
}
END_TEST

START_TEST(user_priorities)
{
	static const char body[] = "<startEvent id='s'/><userTask id='u' camunda:priority='${p}'/>"
		FLOW("f0", "s", "u");
	struct sim *sim = sim_begin(body, VARS({.name = "p", .value = value_null()}));

	ck_assert_int_eq(sim_at(sim, "u")->human->priority, 50);
	sim_free(sim);
	sim = sim_begin(body, VARS(TEXT("p", "7")));
	ck_assert_int_eq(sim_at(sim, "u")->human->priority, 7);
	sim_free(sim);
}
END_TEST

/* Flows straight out of an activity are chosen while it is there: its own variables count, its outputs not yet. */
START_TEST(conditions_before_outputs)
{
	struct sim *sim = sim_begin("<startEvent id='s'/><serviceTask id='a' camunda:type='external' camunda:topic='a'>"
		"<extensionElements><camunda:inputOutput><camunda:inputParameter "
		"name='own'>${1}</camunda:inputParameter>"
		"<camunda:outputParameter name='v'>${2}</camunda:outputParameter></camunda:inputOutput>"
		"</extensionElements></serviceTask>" EXTERNAL("before") EXTERNAL("behind") FLOW("f0", "s", "a")
		IF("f1", "a", "before", "${own == 1 and v == 1}") IF("f2", "a", "behind", "${v == 2}"),
		VARS(INT("v", 1)));

	COMPLETE(sim, "a");
	ck_assert_str_eq(sim_active(sim), "before");
	ck_assert_str_eq(sim_variable(sim, "v"), "2");
	sim_free(sim);
}
END_TEST

START_TEST(initiator_is_unknown)
{
	struct sim *sim = sim_begin("<startEvent id='s' camunda:initiator='who'/><userTask id='u' "
		"camunda:assignee='${who}'/>"
		FLOW("f0", "s", "u"), NONE);

	ck_assert_int_eq(tree_variable(sim_at(sim, "u"), "who")->value.type, VALUE_null);
	ck_assert_ptr_null(sim_at(sim, "u")->human->assignee);
	sim_free(sim);
	sim = sim_begin("<startEvent id='s' camunda:initiator='who'/><userTask id='u' camunda:assignee='${who}'/>"
		FLOW("f0", "s", "u"), VARS(TEXT("who", "ann")));
	ck_assert_str_eq(sim_at(sim, "u")->human->assignee, "ann");
	sim_free(sim);
}
END_TEST

#define URGENT "<startEvent id='s'/><serviceTask id='a' camunda:type='external' camunda:topic='a' " \
	"camunda:taskPriority='${p}'/>" FLOW("f0", "s", "a")

/* A priority that cannot be computed is 0; one that is no whole number is an error. */
START_TEST(priorities)
{
	struct arena *arena = arena_new();
	struct sim *sim = sim_begin(URGENT, VARS(INT("p", 7)));

	ck_assert_int_eq(sim_at(sim, "a")->external.priority, 7);
	sim_free(sim);
	sim = sim_begin(URGENT, NONE);
	ck_assert_int_eq(sim_at(sim, "a")->external.priority, 0);
	sim_free(sim);
	sim = sim_new(sim_process(arena, URGENT));
	ck_assert(sim_start(sim, VARS(TEXT("p", "7"))) == E_engine);
	ck_assert_str_eq(sim->error.message, "taskPriority: Priority value is not an Integer");
	sim_free(sim);
	arena_free(arena);
}
END_TEST

START_TEST(deletion)
{
	struct sim *sim = sim_begin("<startEvent id='s'/><subProcess id='sub'><startEvent id='is'/>" EXTERNAL("a")
		"<endEvent id='ie'/>"
		FLOW("i0", "is", "a") FLOW("i1", "a", "ie") "</subProcess><endEvent id='e'/>" FLOW("f0", "s", "sub")
		FLOW("f1", "sub", "e"), NONE);

	ck_assert(sim_run(sim, (struct command){.kind = COMMAND_delete_instance, .target = sim->tree->root->id,
		.reason = "why"}) == OK);
	ck_assert(sim_ended(sim));
	ck_assert_int_eq(sim->tree->root->state, INSTANCE_externally_terminated);
	ck_assert_str_eq(sim_history(sim), "s is -a -sub");
	sim_free(sim);
}
END_TEST

START_TEST(transients_go)
{
	struct sim *sim = sim_begin("<startEvent id='s'/><exclusiveGateway id='x'/>" EXTERNAL("a")
		"<endEvent id='e'/><endEvent id='e2'/>"
		FLOW("f0", "s", "x") IF("f1", "x", "a", "${t == 1}") IF("f3", "x", "e2", "${t == 2}")
		FLOW("f2", "a", "e"),
		VARS({.name = "t", .value = {.type = VALUE_integer, .integer = 1, .transient = true}}));

	ck_assert_str_eq(sim_active(sim), "a");
	ck_assert_str_eq(sim_variable(sim, "t"), "-");
	sim_free(sim);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { sequence, depth_first, parallel_join, join_is_per_flow, exclusive,
		no_flow_holds, inclusive_join_sees_death, inclusive_join_behind_jobs, sub_process_and_terminate,
		error_specific_first, error_end_and_unhandled, unhandled_error_maps_outputs, error_messages,
		timer_interrupts, timer_repeats_beside, timer_repeats_after_a_moved_one,
		timer_repeats_after_one_without_a_date, timer_repeats_until, timer_with_a_long_cycle, timer_by_cron,
		loop_without_wait_ends, mappings, inputs_do_not_see_each_other, async_and_failure, external_task_life,
		external_task_without_attempts, error_case_must_be_true, local_variables_come_last, candidates,
		user_priorities, conditions_before_outputs, initiator_is_unknown, priorities, deletion, transients_go,
		NULL };
	struct error err;

	if (bpmn_init(&err) != OK)
		return 1;
	return run_suite_with("run", NULL, NULL, 60, tests);
}
