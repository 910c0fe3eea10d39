/* SPDX-License-Identifier: Apache-2.0
 * What a lane does while a batch is on its way into the store: the next one runs, nobody hears of it, and all of it can
 * be taken back. */
#include "tests/lane/drive.h"

#include <string.h>

#include "base/counters.h"

static const char one_task[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='work'/>"
	"<serviceTask id='work' camunda:type='external' camunda:topic='work'/>"
	"<sequenceFlow id='f1' sourceRef='work' targetRef='e'/><endEvent id='e'/>";
static const char two_tasks[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='a'/>"
	"<serviceTask id='a' camunda:type='external' camunda:topic='a'/>"
	"<sequenceFlow id='f1' sourceRef='a' targetRef='b'/>"
	"<serviceTask id='b' camunda:type='external' camunda:topic='b'/>"
	"<sequenceFlow id='f2' sourceRef='b' targetRef='e'/><endEvent id='e'/>";
/* Whoever comes first ends the other. */
static const char race[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='fork'/><parallelGateway id='fork'/>"
	"<sequenceFlow id='f1' sourceRef='fork' targetRef='a'/><sequenceFlow id='f2' sourceRef='fork' targetRef='b'/>"
	"<serviceTask id='a' camunda:type='external' camunda:topic='a'/>"
	"<serviceTask id='b' camunda:type='external' camunda:topic='b'/>"
	"<sequenceFlow id='f3' sourceRef='a' targetRef='over'/><sequenceFlow id='f4' sourceRef='b' targetRef='over'/>"
	"<endEvent id='over'><terminateEventDefinition/></endEvent>";

static const struct entries none;

static struct command
complete(int64_t task)
{
	return (struct command){ .kind = COMMAND_complete_task, .target = task };
}

static int64_t
task_of(int64_t instance, const char *element)
{
	return drive_at(drive, instance, element)->id;
}

/* The answers that were held back come. */
static void
let_go(void)
{
	drive->memory->hold = false;
	drive_settle(drive);
}

/* The nth save from now on fails so; the store remembers it from sending to answering. */
static struct {
	size_t nth;
	enum status status;
} plan;

static enum status
judge(struct memory *memory, enum memory_call call, const struct batch *batch, struct error *err)
{
	(void)memory;
	(void)batch;
	if (call != MEMORY_save || plan.nth == 0 || --plan.nth > 0)
		return OK;
	error_set(err, plan.status, "as the test wants it");
	return plan.status;
}

static void
fail_save(size_t nth, enum status status)
{
	plan.nth = nth;
	plan.status = status;
	drive->memory->judge = judge;
}

START_TEST(test_the_next_batch_runs_meanwhile)
{
	const struct definition *definition = drive_define(drive, one_task);
	struct request *first, *second, *third;

	drive_open(drive);
	drive->memory->hold = true;
	first = drive_start(drive, definition, none);
	drive_step(drive);
	ck_assert(lane_flying(drive->lane));
	ck_assert(lane_takes(drive->lane));
	ck_assert_int_eq(drive_answers(first), 0);
	second = drive_start(drive, definition, none);
	drive_step(drive);
	third = drive_start(drive, definition, none);
	drive_step(drive);
	ck_assert_ptr_null(drive->inbox);
	ck_assert_int_eq(drive_answers(second), 0);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_save], 1);
	/* the answer to the first sends the others */
	drive->memory->hold = false;
	drive_step(drive);
	ck_assert_int_eq(drive_answers(first), 1);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_save], 2);
	drive_settle(drive);
	ck_assert_int_eq(drive_answers(second), 1);
	ck_assert_int_eq(drive_answers(third), 1);
	ck_assert_int_eq(third->status, OK);
	ck_assert_uint_eq(drive->memory->saved_commands, 3);
	ck_assert(!lane_flying(drive->lane));
}
END_TEST

/* Two commands complete the same task, the second while the first is on its way; whether the first one's save fails. */
static void
complete_twice(enum status failure, struct request **first, struct request **again)
{
	const struct definition *definition = drive_define(drive, two_tasks);
	int64_t instance, a;

	drive_open(drive);
	instance = drive_begin(drive, definition, none);
	a = task_of(instance, "a");
	if (failure != OK)
		fail_save(1, failure);
	drive->memory->hold = true;
	*first = drive_ask(drive, complete(a));
	drive_step(drive);
	*again = drive_ask(drive, complete(a));
	drive_step(drive);
	ck_assert_int_eq(drive_answers(*first), 0);
	ck_assert_int_eq(drive_answers(*again), 0);	/* a refusal, too, may rest on what is not committed */
	let_go();
	ck_assert_int_eq(drive_answers(*first), 1);
	ck_assert_int_eq(drive_answers(*again), 1);
	ck_assert_ptr_nonnull(drive_at(drive, instance, "b"));
}

/* On what the first batch left, though that is not committed. */
START_TEST(test_commands_for_one_tree)
{
	struct request *first, *again;

	complete_twice(OK, &first, &again);
	ck_assert_int_eq(first->status, OK);
	ck_assert_int_eq(again->status, E_not_found);
}
END_TEST

/* It is refused, so the second one is the first to complete the task. */
START_TEST(test_the_first_fails_for_good)
{
	struct request *first, *again;

	complete_twice(E_internal, &first, &again);
	ck_assert_int_eq(first->status, E_internal);
	ck_assert_int_eq(again->status, OK);
}
END_TEST

START_TEST(test_weather_over_the_first)
{
	struct request *first, *again;

	complete_twice(E_weather, &first, &again);
	ck_assert_int_eq(first->status, OK);
	ck_assert_int_eq(again->status, E_not_found);
}
END_TEST

/* The first batch is published after the second has run on the same tree: when the second is taken back then, the
 * queues must not keep its view. */
START_TEST(test_the_second_fails)
{
	const struct definition *definition = drive_define(drive, race);
	struct request *first, *second, *fetch;
	int64_t instance, other;

	drive_open(drive);
	instance = drive_begin(drive, definition, none);
	other = drive_begin(drive, definition, none);
	fail_save(2, E_internal);
	drive->memory->hold = true;
	first = drive_ask(drive, (struct command){ .kind = COMMAND_set_task_priority, .target = task_of(instance, "a"),
		.priority = 7 });
	drive_step(drive);
	second = drive_ask(drive, complete(task_of(instance, "b")));	/* ends a, too */
	drive_step(drive);
	let_go();
	ck_assert_int_eq(first->status, OK);
	ck_assert_int_eq(second->status, E_internal);
	fetch = drive_fetch_topic(drive, "w", "a", 10);
	drive_settle(drive);
	ck_assert_uint_eq(fetch->task_count, 2);
	ck_assert_int_eq(fetch->tasks[0].activity, task_of(instance, "a"));
	ck_assert_int_eq(fetch->tasks[0].external.priority, 7);
	ck_assert_int_eq(fetch->tasks[1].activity, task_of(other, "a"));
}
END_TEST

/* A task that is locked in the first batch and ended by the second is handed out as it was locked. */
START_TEST(test_handed_out_and_gone)
{
	const struct definition *definition = drive_define(drive, race);
	struct request *fetch, *second, *late;
	int64_t instance, a;

	drive_open(drive);
	instance = drive_begin(drive, definition, none);
	a = task_of(instance, "a");
	drive->memory->hold = true;
	fetch = drive_fetch_topic(drive, "w", "a", 1);
	drive_step(drive);
	second = drive_ask(drive, complete(task_of(instance, "b")));
	drive_step(drive);
	let_go();
	ck_assert_int_eq(second->status, OK);
	ck_assert_uint_eq(fetch->task_count, 1);
	ck_assert_int_eq(fetch->tasks[0].activity, a);
	ck_assert_str_eq(fetch->tasks[0].external.worker, "w");
	late = drive_ask(drive, (struct command){ .kind = COMMAND_complete_task, .target = a, .worker = "w" });
	drive_settle(drive);
	ck_assert_int_eq(late->status, E_not_found);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
}
END_TEST

/* A fetch of a batch that is put off gets its tasks all the same. */
START_TEST(test_a_fetch_is_put_off)
{
	const struct definition *definition = drive_define(drive, two_tasks);
	struct request *first, *fetch;
	int64_t instance;

	drive_open(drive);
	instance = drive_begin(drive, definition, none);
	drive_begin(drive, definition, none);
	fail_save(1, E_internal);
	drive->memory->hold = true;
	first = drive_ask(drive, complete(task_of(instance, "a")));
	drive_step(drive);
	fetch = drive_fetch_topic(drive, "w", "a", 10);
	drive_step(drive);
	let_go();
	ck_assert_int_eq(first->status, E_internal);
	ck_assert_int_eq(fetch->status, OK);
	ck_assert_uint_eq(fetch->task_count, 2);
}
END_TEST

/* Trees that have to be loaded wait, and those behind them, in order. */
START_TEST(test_what_is_not_cached_waits)
{
	const struct definition *definition;
	struct request *first, *cold, *behind;

	drive->cache_bytes = 0;
	definition = drive_define(drive, one_task);
	drive_open(drive);
	drive_begin(drive, definition, none);
	drive->memory->hold = true;
	first = drive_start(drive, definition, none);
	drive_step(drive);
	cold = drive_ask(drive, complete(drive->memory->trees[0]->root->activity.first->id));
	behind = drive_start(drive, definition, none);
	drive_step(drive);
	ck_assert_ptr_eq(drive->inbox, cold);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_load], 0);
	let_go();
	ck_assert_int_eq(first->status, OK);
	ck_assert_int_eq(cold->status, OK);
	ck_assert_int_eq(behind->status, OK);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_load], 1);
}
END_TEST

/* So do fetches of tasks whose trees are not in memory. */
START_TEST(test_tasks_that_are_not_cached_wait)
{
	const struct definition *definition;
	struct request *first, *fetch;

	drive->cache_bytes = 0;
	definition = drive_define(drive, one_task);
	drive_open(drive);
	drive_begin(drive, definition, none);
	drive_begin(drive, definition, none);
	drive->memory->hold = true;
	first = drive_start(drive, definition, none);
	drive_step(drive);
	fetch = drive_fetch_topic(drive, "w", "work", 10);
	drive_step(drive);
	ck_assert_ptr_eq(drive->inbox, fetch);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_load], 0);
	let_go();
	ck_assert_int_eq(first->status, OK);
	ck_assert_uint_eq(fetch->task_count, 3);
}
END_TEST

/* However many batches follow each other: what needs the store has its turn. */
START_TEST(test_due_jobs_have_their_turn)
{
	static const char timer[] =
		"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='wait'/>"
		"<intermediateCatchEvent id='wait'><timerEventDefinition><timeDuration>PT5S</timeDuration>"
		"</timerEventDefinition></intermediateCatchEvent>"
		"<sequenceFlow id='f1' sourceRef='wait' targetRef='e'/><endEvent id='e'/>";
	const struct definition *waits = drive_define(drive, timer), *works = drive_define(drive, one_task);
	struct request *request = NULL;

	drive_open(drive);
	drive_begin(drive, waits, none);
	drive->memory->hold = true;
	drive_start(drive, works, none);
	drive_step(drive);
	drive_wait(drive, 6 * DRIVE_SECOND);
	request = drive_start(drive, works, none);
	drive_step(drive);
	ck_assert(!lane_takes(drive->lane));
	ck_assert_ptr_eq(drive->inbox, request);
	drive->memory->hold = false;
	drive_step(drive);
	ck_assert_uint_eq(drive->memory->ended, 1);
	drive_settle(drive);
	ck_assert_int_eq(request->status, OK);
}
END_TEST

/* Each save is on its way until the next step. */
static enum status
hold_each(struct memory *memory, enum memory_call call, const struct batch *batch, struct error *err)
{
	(void)batch;
	(void)err;
	if (call == MEMORY_save)
		memory->hold = true;
	return OK;
}

/* A tree that is always in use is still copied out of its garbage. */
START_TEST(test_garbage_of_a_busy_tree)
{
	const struct definition *definition = drive_define(drive, one_task);
	char large[20000];
	struct entry entry = { .name = "v" };
	int64_t instance;

	memset(large, 'x', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	entry.value = (struct value){ .type = VALUE_string, .text = large, .length = sizeof large - 1 };
	drive_open(drive);
	instance = drive_begin(drive, definition, none);
	drive->memory->judge = hold_each;
	for (int i = 0; i < 200; i++) {
		drive->memory->hold = false;
		drive_ask(drive, (struct command){ .kind = COMMAND_set_variables, .target = instance,
			.variables = { .count = 1, .list = &entry } });
		drive_step(drive);
		ck_assert(lane_flying(drive->lane));
	}
	ck_assert_int_lt(counter_get(COUNT_cache_bytes), 20 * (int64_t)sizeof large);
	drive->memory->judge = NULL;
	let_go();
}
END_TEST

/* What is on its way is awaited, what is behind it refused. */
START_TEST(test_stopping)
{
	const struct definition *definition = drive_define(drive, one_task);
	struct request *first, *second, *third;

	drive_open(drive);
	drive->memory->hold = true;
	first = drive_start(drive, definition, none);
	drive_step(drive);
	second = drive_start(drive, definition, none);
	drive_step(drive);
	third = drive_start(drive, definition, none);
	lane_stop(drive->lane, &drive->inbox);
	ck_assert_int_eq(first->status, OK);
	ck_assert_int_eq(second->status, OK);
	ck_assert_int_eq(third->status, E_unavailable);
	ck_assert_uint_eq(drive->memory->tree_count, 2);
	ck_assert(!lane_active(drive->lane));
}
END_TEST

/* A daemon dies with one batch on its way and one behind it; the next one finds what was committed. */
START_TEST(test_dying)
{
	const struct definition *definition = drive_define(drive, one_task);
	int64_t instance;

	drive_open(drive);
	instance = drive_begin(drive, definition, none);
	drive->memory->hold = true;
	drive_ask(drive, complete(task_of(instance, "work")));
	drive_step(drive);
	drive_start(drive, definition, none);
	drive_step(drive);
	drive_restart(drive, 8);
	drive->memory->hold = false;
	drive_run(drive, 20 * DRIVE_SECOND);
	ck_assert(lane_active(drive->lane));
	ck_assert_uint_eq(drive->memory->tree_count, 0);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		test_the_next_batch_runs_meanwhile, test_commands_for_one_tree, test_the_first_fails_for_good,
		test_weather_over_the_first, test_the_second_fails, test_handed_out_and_gone,
		test_a_fetch_is_put_off, test_what_is_not_cached_waits,
		test_tasks_that_are_not_cached_wait, test_due_jobs_have_their_turn,
		test_garbage_of_a_busy_tree, test_stopping, test_dying, NULL,
	};

	return drive_suite("flight", tests);
}
