/* SPDX-License-Identifier: Apache-2.0
 * External tasks as a lane hands them out: which, in what order, to whom, and what becomes of a lock. */
#include "tests/lane/drive.h"

#include <string.h>

static const struct definition *definition;

/* One wait state, with a priority that a variable gives. */
static const char one_task[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='work'/>"
	"<serviceTask id='work' camunda:type='external' camunda:topic='work' camunda:taskPriority='${priority}'/>"
	"<sequenceFlow id='f1' sourceRef='work' targetRef='e'/><endEvent id='e'/>";

static void
open_with(const char *process)
{
	definition = drive_define(drive, process);
	drive_open(drive);
}

/* An instance that waits with that priority, started a millisecond after the one before. */
static int64_t
begin(int64_t priority)
{
	const struct entry entry = { .name = "priority", .value = value_integer(priority) };

	drive_wait(drive, 1000);
	return drive_begin(drive, definition, (struct entries){ .count = 1, .list = &entry });
}

static int64_t
task_of(int64_t instance)
{
	const struct activity *at = drive_at(drive, instance, "work");

	ck_assert_ptr_nonnull(at);
	return at->id;
}

/* Fetches and says the priorities it got. */
static const char *
fetched(const struct request *request)
{
	struct text text;

	ck_assert_int_eq(drive_answers(request), 1);
	ck_assert_msg(request->status == OK, "%s", request->error->message);
	text_init(&text, drive->arena);
	for (size_t i = 0; i < request->task_count; i++)
		text_printf(&text, "%lld ", (long long)request->tasks[i].external.priority);
	return text_string(&text);
}

static struct request *
fetch(const char *worker, int64_t max_tasks)
{
	struct request *request = drive_fetch_topic(drive, worker, "work", max_tasks);

	drive_settle(drive);
	return request;
}

/* ---- which ------------------------------------------------------------------------------------------------ */

START_TEST(test_what_a_fetch_gives)
{
	const struct entry entries[] = { { .name = "priority", .value = value_integer(4) },
		{ .name = "text", .value = value_string("x") } };
	const struct entry own = { .name = "text", .value = value_string("nearer") };
	const struct fetched *task;
	int64_t instance;
	struct request *request;

	open_with(one_task);
	instance = drive_begin(drive, definition, (struct entries){ .count = 2, .list = entries });
	drive_do(drive, (struct command){ .kind = COMMAND_set_variables, .target = task_of(instance), .local = true,
		.variables = { .count = 1, .list = &own } });
	drive_wait(drive, 5000);
	request = fetch("w", 10);
	ck_assert_uint_eq(request->task_count, 1);
	task = &request->tasks[0];
	ck_assert_int_eq(task->instance, instance);
	ck_assert_int_eq(task->activity, task_of(instance));
	ck_assert_str_eq(task->node->id, "work");
	ck_assert_ptr_eq(task->definition, definition);
	ck_assert_str_eq(task->external.topic, "work");
	ck_assert_str_eq(task->external.worker, "w");
	ck_assert_int_eq(task->external.locked_us, drive->memory->now_us);
	ck_assert_int_eq(task->external.until_us, drive->memory->now_us + 10 * DRIVE_SECOND);
	ck_assert_int_eq(task->created_us, drive->memory->now_us - 5000);
	ck_assert_uint_eq(task->variables.count, 2);
	ck_assert_str_eq(task->variables.list[0].name, "text");
	ck_assert_str_eq(task->variables.list[0].value.text, "nearer");
	ck_assert_int_eq(task->variables.list[1].value.integer, 4);
	ck_assert_str_eq(drive_at(drive, instance, "work")->external.worker, "w");	/* durable */
}
END_TEST

START_TEST(test_variables_by_name)
{
	static const char *const names[] = { "priority", "nothing" };
	struct fetch_topic topic = { .topic = "work", .lock_us = 1000, .variables_given = true, .variables = names,
		.variable_count = 2 };
	struct request *request;

	open_with(one_task);
	begin(1);
	begin(2);
	request = drive_fetch(drive, (struct fetch){ .worker = "w", .max_tasks = 1, .topics = &topic,
		.topic_count = 1 });
	drive_settle(drive);
	ck_assert_uint_eq(request->tasks[0].variables.count, 1);
	ck_assert_str_eq(request->tasks[0].variables.list[0].name, "priority");
	topic.local_variables = true;
	request = drive_fetch(drive, (struct fetch){ .worker = "w", .max_tasks = 1, .topics = &topic,
		.topic_count = 1 });
	drive_settle(drive);
	ck_assert_uint_eq(request->tasks[0].variables.count, 0);
}
END_TEST

/* By priority, then the oldest; a worker never gets what another holds. */
START_TEST(test_priority)
{
	int64_t first, second;
	struct request *request;

	open_with(one_task);
	begin(1);
	begin(5);
	first = begin(7);
	second = begin(7);
	ck_assert_uint_eq(lane_ready(drive->lane, "work"), 4);
	request = fetch("one", 2);
	ck_assert_str_eq(fetched(request), "7 7 ");
	ck_assert_int_eq(request->tasks[0].instance, first);
	ck_assert_int_eq(request->tasks[1].instance, second);
	ck_assert_str_eq(fetched(fetch("two", 10)), "5 1 ");
	ck_assert_str_eq(fetched(fetch("three", 10)), "");
	ck_assert_uint_eq(lane_ready(drive->lane, "work"), 0);
}
END_TEST

/* Without priority: by creation, either way. */
START_TEST(test_by_creation)
{
	struct fetch_topic topic = { .topic = "work", .lock_us = 1000000 };
	struct fetch wanted = { .worker = "w", .max_tasks = 2, .topics = &topic, .topic_count = 1 };
	struct request *newest, *oldest;

	open_with(one_task);
	for (int i = 1; i <= 5; i++)
		begin(i == 3 ? 9 : i);
	wanted.order = FETCH_newest;
	newest = drive_fetch(drive, wanted);
	wanted.order = FETCH_oldest;
	oldest = drive_fetch(drive, wanted);
	drive_settle(drive);
	ck_assert_str_eq(fetched(newest), "5 4 ");
	ck_assert_str_eq(fetched(oldest), "1 2 ");
	wanted.order = FETCH_newest;
	wanted.use_priority = true;
	begin(1);
	newest = drive_fetch(drive, wanted);
	drive_settle(drive);
	ck_assert_str_eq(fetched(newest), "9 1 ");
}
END_TEST

/* In one batch: two workers that ask at the same time, and a start that was before them. */
START_TEST(test_two_workers_in_a_batch)
{
	struct request *one, *two;

	open_with(one_task);
	begin(2);
	begin(1);
	one = drive_fetch_topic(drive, "one", "work", 1);
	two = drive_fetch_topic(drive, "two", "work", 5);
	drive_step(drive);
	ck_assert_str_eq(fetched(one), "2 ");
	ck_assert_str_eq(fetched(two), "1 ");
	ck_assert_str_eq(two->tasks[0].external.worker, "two");
}
END_TEST

/* One topic twice, one of two topics: each task once, under the first that fits. */
START_TEST(test_several_topics)
{
	struct fetch_topic topics[] = { { .topic = "none", .lock_us = 1000 },
		{ .topic = "work", .lock_us = 2000, .business_key = "b" }, { .topic = "work", .lock_us = 3000 } };
	struct request *request;

	open_with(one_task);
	begin(1);
	begin(2);
	request = drive_fetch(drive, (struct fetch){ .worker = "w", .max_tasks = 10, .use_priority = true,
		.topics = topics,
		.topic_count = 3 });
	drive_settle(drive);
	ck_assert_str_eq(fetched(request), "2 1 ");
	ck_assert_ptr_eq(request->tasks[0].topic, &topics[2]);
}
END_TEST

START_TEST(test_filters)
{
	struct entry wanted = { .name = "priority", .value = value_integer(2) };
	struct fetch_topic topic = { .topic = "work", .lock_us = 1000,
		.process_variables = { .count = 1, .list = &wanted } };
	struct fetch asked = { .worker = "w", .max_tasks = 10, .topics = &topic, .topic_count = 1 };
	const char *const ids[] = { "p:1:1" }, *const others[] = { "p:2:2" }, *const keys[] = { "p" };
	struct request *request;

	open_with(one_task);
	for (int i = 1; i <= 4; i++)
		begin(i);
#define GETS(expected) \
	do { \
		request = drive_fetch(drive, asked); \
		drive_settle(drive); \
		ck_assert_str_eq(fetched(request), expected); \
	} while (0)
	GETS("2 ");
	GETS("");
	topic.process_variables.count = 0;
	topic.definition_ids = others;
	topic.definition_id_count = 1;
	GETS("");
	topic.definition_ids = ids;
	topic.version_tag = "none%";
	GETS("");
	topic.version_tag = NULL;
	topic.tenants = keys;
	topic.tenant_count = 1;
	GETS("");
	topic.tenant_count = 0;
	topic.business_key = "b";
	GETS("");
	topic.business_key = NULL;
	topic.definition_keys = keys;
	topic.definition_key_count = 1;
	topic.without_tenant = true;
	asked.max_tasks = 1;
	GETS("4 ");
	asked.max_tasks = 0;
	GETS("");
#undef GETS
}
END_TEST

START_TEST(test_what_is_not_handed_out)
{
	int64_t suspended, failed, over;

	open_with(one_task);
	suspended = begin(1);
	failed = begin(2);
	over = begin(3);
	drive_do(drive, (struct command){ .kind = COMMAND_suspend, .target = suspended, .suspended = true });
	drive_do(drive, (struct command){ .kind = COMMAND_fail_task, .target = task_of(failed), .retries = 0 });
	drive_do(drive, (struct command){ .kind = COMMAND_delete_instance, .target = over });
	ck_assert_str_eq(fetched(fetch("w", 10)), "");
	drive_do(drive, (struct command){ .kind = COMMAND_suspend, .target = suspended, .suspended = false });
	drive_do(drive, (struct command){ .kind = COMMAND_set_task_retries, .target = task_of(failed), .retries = 1 });
	ck_assert_str_eq(fetched(fetch("w", 10)), "2 1 ");
}
END_TEST

/* A priority that is changed counts at once. */
START_TEST(test_priority_changes)
{
	int64_t low;

	open_with(one_task);
	low = begin(1);
	begin(5);
	drive_do(drive, (struct command){ .kind = COMMAND_set_task_priority, .target = task_of(low), .priority = 9 });
	ck_assert_str_eq(fetched(fetch("w", 10)), "9 5 ");
}
END_TEST

/* ---- locks -------------------------------------------------------------------------------------------------- */

START_TEST(test_a_lock_runs_out)
{
	struct request *request;
	int64_t instance;

	open_with(one_task);
	instance = begin(1);
	fetch("one", 1);
	ck_assert_str_eq(fetched(fetch("two", 1)), "");
	drive_wait(drive, 10 * DRIVE_SECOND - 1);
	ck_assert_str_eq(fetched(fetch("two", 1)), "");
	drive_wait(drive, 1);
	request = fetch("two", 1);
	ck_assert_str_eq(fetched(request), "1 ");
	ck_assert_int_eq(drive_at(drive, instance, "work")->external.expiries, 1);
	ck_assert_str_eq(request->tasks[0].external.worker, "two");
	/* the first is too late now */
	request = drive_ask(drive, (struct command){ .kind = COMMAND_complete_task, .target = task_of(instance),
		.worker = "one" });
	drive_settle(drive);
	ck_assert_int_ne(request->status, OK);
	drive_do(drive, (struct command){ .kind = COMMAND_complete_task, .target = task_of(instance),
		.worker = "two" });
	ck_assert_uint_eq(drive->memory->tree_count, 0);
}
END_TEST

START_TEST(test_extend_and_unlock)
{
	int64_t instance;

	open_with(one_task);
	instance = begin(1);
	fetch("one", 1);
	drive_do(drive, (struct command){ .kind = COMMAND_extend_lock, .target = task_of(instance), .worker = "one",
		.duration_us = 60 * DRIVE_SECOND });
	drive_wait(drive, 30 * DRIVE_SECOND);
	ck_assert_str_eq(fetched(fetch("two", 1)), "");
	drive_do(drive, (struct command){ .kind = COMMAND_unlock_task, .target = task_of(instance) });
	ck_assert_str_eq(fetched(fetch("two", 1)), "1 ");
}
END_TEST

/* Somebody locks the task by name in the batch in which another fetches it: it is his, and is not forgotten when that
 * lock runs out. */
START_TEST(test_locked_while_another_asks)
{
	int64_t instance;
	struct request *other;

	open_with(one_task);
	instance = begin(1);
	drive_ask(drive, (struct command){ .kind = COMMAND_lock_task, .target = task_of(instance), .worker = "one",
		.duration_us = 10 * DRIVE_SECOND });
	other = drive_fetch_topic(drive, "two", "work", 1);
	drive_settle(drive);
	ck_assert_str_eq(fetched(other), "");
	drive_wait(drive, 11 * DRIVE_SECOND);
	ck_assert_str_eq(fetched(fetch("two", 1)), "1 ");
}
END_TEST

/* A failure with time to wait: the task comes back then, and not before. */
START_TEST(test_retry_later)
{
	int64_t instance;

	open_with(one_task);
	instance = begin(1);
	fetch("w", 1);
	drive_do(drive, (struct command){ .kind = COMMAND_fail_task, .target = task_of(instance), .worker = "w",
		.retries = 2,
		.duration_us = 30 * DRIVE_SECOND, .error_message = "later" });
	drive_wait(drive, 29 * DRIVE_SECOND);
	ck_assert_str_eq(fetched(fetch("w", 1)), "");
	drive_wait(drive, DRIVE_SECOND);
	ck_assert_str_eq(fetched(fetch("w", 1)), "1 ");
	ck_assert_int_eq(drive_at(drive, instance, "work")->external.retries, 2);
}
END_TEST

/* A task that no worker survives becomes an incident that names the last one. */
START_TEST(test_too_many_locks_ran_out)
{
	const struct activity *work;
	int64_t instance;

	drive->settings.lock_expiries = 3;
	open_with(one_task);
	instance = begin(1);
	for (int i = 0; i < 3; i++) {
		ck_assert_str_eq(fetched(fetch(arena_printf(drive->arena, "worker-%d", i), 1)), "1 ");
		drive_wait(drive, 10 * DRIVE_SECOND);
	}
	ck_assert_str_eq(fetched(fetch("w", 1)), "");
	work = drive_at(drive, instance, "work");
	ck_assert_ptr_nonnull(work->incidents);
	ck_assert_int_eq(work->incidents->kind, INCIDENT_failed_external_task);
	ck_assert_msg(strstr(work->incidents->message, "worker-2") != NULL, "%s", work->incidents->message);
	ck_assert_int_eq(work->external.retries, 0);
	drive_do(drive, (struct command){ .kind = COMMAND_set_task_retries, .target = work->id, .retries = 1 });
	ck_assert_str_eq(fetched(fetch("w", 1)), "1 ");
	ck_assert_ptr_null(drive_at(drive, instance, "work")->incidents);
}
END_TEST

/* The ids of a batch that was not saved go back. */
static enum status
fails_once(struct memory *memory, enum memory_call call, const struct batch *batch, struct error *err)
{
	(void)batch;
	if (call != MEMORY_save)
		return OK;
	memory->judge = NULL;
	return FAIL(err, internal, "broken once");
}

START_TEST(test_a_fetch_that_was_not_saved)
{
	struct request *request;

	open_with(one_task);
	begin(1);
	drive->memory->judge = fails_once;
	request = drive_fetch_topic(drive, "w", "work", 10);
	drive_settle(drive);
	ck_assert_int_eq(request->status, E_internal);
	ck_assert_uint_eq(request->task_count, 0);
	ck_assert_str_eq(fetched(fetch("w", 10)), "1 ");
}
END_TEST

/* ---- windows ------------------------------------------------------------------------------------------------ */

/* More tasks than the lane remembers: each is handed out once, best first. */
static void
work_through(int64_t at_once, bool complete, bool best_come_last)
{
	int64_t last = 35;
	int got = 0;

	drive->settings.ready_window = 10;
	open_with(one_task);
	for (int i = 1; i <= 35; i++)
		begin(best_come_last ? i : 36 - i);
	for (int rounds = 0; got < 35; rounds++) {
		struct request *request = fetch("w", at_once);

		ck_assert_msg(rounds < 100, "only %d tasks were handed out", got);
		fetched(request);
		for (size_t i = 0; i < request->task_count; i++, got++) {
			ck_assert_int_le(request->tasks[i].external.priority, last);
			last = request->tasks[i].external.priority;
			if (complete)
				drive_do(drive, (struct command){ .kind = COMMAND_complete_task,
					.target = request->tasks[i].activity, .worker = "w" });
		}
	}
	ck_assert_str_eq(fetched(fetch("w", 10)), "");
}

START_TEST(test_a_window_that_is_worked_through)
{
	work_through(4, true, false);
}
END_TEST

/* Workers hold what the window held: what lies behind it is not kept from the others until they are done. */
START_TEST(test_a_window_of_locked_tasks)
{
	work_through(4, false, false);
}
END_TEST

START_TEST(test_a_window_taken_whole)
{
	work_through(10, false, false);
}
END_TEST

/* A better task than those that fill the window takes the place of the last. */
START_TEST(test_a_window_of_the_best)
{
	work_through(4, true, true);
}
END_TEST

/* A lane that looks for tasks behind its window does so when something may have changed, not without end. */
START_TEST(test_a_window_without_more)
{
	size_t scans;

	drive->settings.ready_window = 10;
	open_with(one_task);
	for (int i = 1; i <= 10; i++)
		begin(i);
	begin(0);
	fetch("w", 10);
	fetch("w", 10);
	scans = drive->memory->calls[MEMORY_ready];
	for (int i = 0; i < 100; i++)
		drive_step(drive);
	ck_assert_uint_le(drive->memory->calls[MEMORY_ready], scans + 2);
}
END_TEST

/* More locks than are remembered: those beyond come back too. */
START_TEST(test_more_locks_than_remembered)
{
	int got = 0;

	drive->settings.ready_window = 2;
	open_with(one_task);
	for (int i = 1; i <= 50; i++) {
		int64_t instance = begin(i);

		drive_do(drive, (struct command){ .kind = COMMAND_lock_task, .target = task_of(instance),
			.worker = "gone",
			.duration_us = 60 * DRIVE_SECOND });
	}
	drive_run(drive, 70 * DRIVE_SECOND);
	for (int rounds = 0; rounds < 100; rounds++) {
		struct request *request = fetch("w", 2);

		fetched(request);
		for (size_t i = 0; i < request->task_count; i++, got++)
			drive_do(drive, (struct command){ .kind = COMMAND_complete_task,
			.target = request->tasks[i].activity,
				.worker = "w" });
	}
	ck_assert_int_eq(got, 50);
}
END_TEST

/* All of it from the store: ready, locked, retried later. */
START_TEST(test_a_takeover_finds_all)
{
	int64_t locked, later;

	open_with(one_task);
	begin(1);
	locked = begin(2);
	later = begin(3);
	drive_do(drive, (struct command){ .kind = COMMAND_lock_task, .target = task_of(locked), .worker = "w",
		.duration_us = 60 * DRIVE_SECOND });
	drive_do(drive, (struct command){ .kind = COMMAND_fail_task, .target = task_of(later), .retries = 1,
		.duration_us = 20 * DRIVE_SECOND });
	drive_restart(drive, 8);
	drive_wait(drive, 9 * DRIVE_SECOND);
	drive_step(drive);
	ck_assert(lane_active(drive->lane));
	ck_assert_str_eq(fetched(fetch("w2", 10)), "1 ");
	drive_wait(drive, 12 * DRIVE_SECOND);
	ck_assert_str_eq(fetched(fetch("w2", 10)), "3 1 ");	/* the lock on the first ran out as well */
	drive_do(drive, (struct command){ .kind = COMMAND_complete_task, .target = task_of(locked), .worker = "w" });
}
END_TEST

/* ---- who waits is told -------------------------------------------------------------------------------------- */

static const char *
told(void)
{
	const char *text = arena_strdup(drive->arena, text_string(&drive->told));

	text_init(&drive->told, drive->arena);
	return text;
}

START_TEST(test_the_dispatcher_is_told)
{
	int64_t instance;

	open_with(one_task);
	ck_assert_str_eq(told(), "");
	instance = begin(1);
	ck_assert_str_eq(told(), "work ");
	drive_ask(drive, (struct command){ .kind = COMMAND_complete_task, .target = 12345 });
	drive_settle(drive);
	ck_assert_str_eq(told(), "");
	fetch("w", 1);
	ck_assert_str_eq(told(), "");
	drive_run(drive, 9 * DRIVE_SECOND);
	ck_assert_str_eq(told(), "");
	drive_run(drive, 2 * DRIVE_SECOND);		/* the lane wakes by itself when the lock runs out */
	ck_assert_str_eq(told(), "work ");
	fetch("w", 1);
	drive_do(drive, (struct command){ .kind = COMMAND_fail_task, .target = task_of(instance), .worker = "w",
		.retries = 1,
		.duration_us = 5 * DRIVE_SECOND });
	ck_assert_str_eq(told(), "");
	drive_run(drive, 6 * DRIVE_SECOND);
	ck_assert_str_eq(told(), "work ");
	drive_do(drive, (struct command){ .kind = COMMAND_suspend, .target = instance, .suspended = true });
	ck_assert_str_eq(told(), "");
	drive_do(drive, (struct command){ .kind = COMMAND_suspend, .target = instance, .suspended = false });
	ck_assert_str_eq(told(), "work ");
	drive_restart(drive, 8);
	drive_wait(drive, 9 * DRIVE_SECOND);
	drive_step(drive);
	ck_assert_str_eq(told(), "work ");		/* who is parked at a daemon that takes over */
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { test_what_a_fetch_gives, test_variables_by_name, test_priority, test_by_creation,
		test_two_workers_in_a_batch, test_several_topics, test_filters, test_what_is_not_handed_out,
		test_priority_changes, test_a_lock_runs_out, test_extend_and_unlock, test_retry_later,
		test_too_many_locks_ran_out, test_a_fetch_that_was_not_saved, test_a_window_that_is_worked_through,
		test_locked_while_another_asks, test_a_window_of_locked_tasks, test_a_window_taken_whole,
		test_a_window_of_the_best,
		test_a_window_without_more,
		test_more_locks_than_remembered, test_a_takeover_finds_all, test_the_dispatcher_is_told, NULL };

	return drive_suite("tasks", tests);
}
