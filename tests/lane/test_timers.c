/* SPDX-License-Identifier: Apache-2.0
 * Jobs as a lane runs them: when they are due, when they fail, when nobody is to run them, and after a takeover. */
#include "tests/lane/drive.h"

#include <string.h>

static const struct entries none;
static const struct definition *definition;

static const char timer[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='wait'/>"
	"<intermediateCatchEvent id='wait'><timerEventDefinition><timeDuration xsi:type='tFormalExpression'>PT10S"
	"</timeDuration></timerEventDefinition></intermediateCatchEvent>"
	"<sequenceFlow id='f1' sourceRef='wait' targetRef='e'/><endEvent id='e'/>";
static const char late[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='wait'/>"
	"<intermediateCatchEvent id='wait'><timerEventDefinition><timeDuration xsi:type='tFormalExpression'>P2D"
	"</timeDuration></timerEventDefinition></intermediateCatchEvent>"
	"<sequenceFlow id='f1' sourceRef='wait' targetRef='e'/><endEvent id='e'/>";
static const char async_end[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='t'/><task id='t' "
	"camunda:asyncBefore='true'/>"
	"<sequenceFlow id='f1' sourceRef='t' targetRef='e'/><endEvent id='e'/>";
/* Its job fails until the variable is there. */
static const char bad_job[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='bad'/>"
	"<serviceTask id='bad' camunda:expression='${cure}' camunda:asyncBefore='true'/>"
	"<sequenceFlow id='f1' sourceRef='bad' targetRef='e'/><endEvent id='e'/>";
static const char bad_job_with_waits[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='bad'/>"
	"<serviceTask id='bad' camunda:expression='${cure}' camunda:asyncBefore='true'><extensionElements>"
	"<camunda:failedJobRetryTimeCycle>R3/PT10S</camunda:failedJobRetryTimeCycle></extensionElements></serviceTask>"
	"<sequenceFlow id='f1' sourceRef='bad' targetRef='e'/><endEvent id='e'/>";
static const char reminder[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='ask'/><userTask "
	"id='ask'/>"
	"<boundaryEvent id='remind' attachedToRef='ask' cancelActivity='false'><timerEventDefinition>"
	"<timeCycle xsi:type='tFormalExpression'>R3/PT1H</timeCycle></timerEventDefinition></boundaryEvent>"
	"<sequenceFlow id='f1' sourceRef='ask' targetRef='e'/><endEvent id='e'/>"
	"<sequenceFlow id='f2' sourceRef='remind' targetRef='seen'/><userTask id='seen'/>"
	"<sequenceFlow id='f3' sourceRef='seen' targetRef='e2'/><endEvent id='e2'/>";

static int64_t
begin(const char *process)
{
	definition = drive_define(drive, process);
	drive_open(drive);
	return drive_begin(drive, definition, none);
}

static const struct job *
job_of(int64_t instance, const char *element)
{
	const struct activity *at = drive_at(drive, instance, element);

	ck_assert_ptr_nonnull(at);
	ck_assert_ptr_nonnull(at->jobs);
	return at->jobs;
}

/* ---- when ------------------------------------------------------------------------------------------------- */

START_TEST(test_a_timer_fires_on_time)
{
	begin(timer);
	drive_run(drive, 10 * DRIVE_SECOND - 1);
	ck_assert_uint_eq(drive->memory->tree_count, 1);
	drive_run(drive, 1);
	drive_settle(drive);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
	ck_assert_uint_eq(drive->memory->saved_commands, 2);
}
END_TEST

START_TEST(test_at_once)
{
	begin(async_end);
	drive_settle(drive);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
}
END_TEST

/* Many that are due at the same moment, in order and batches. */
START_TEST(test_many_at_once)
{
	begin(timer);
	for (int i = 0; i < 999; i++)
		drive_start(drive, definition, none);
	drive_settle(drive);
	drive_run(drive, 11 * DRIVE_SECOND);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
	ck_assert_uint_le(drive->memory->calls[MEMORY_save], 5 + 8 + 1);
}
END_TEST

/* Beyond what is held in memory: the store remembers it. */
START_TEST(test_beyond_the_window)
{
	size_t scans;

	begin(late);
	scans = drive->memory->calls[MEMORY_jobs];
	drive_run(drive, INT64_C(48) * 3600 * DRIVE_SECOND - 1);
	ck_assert_uint_eq(drive->memory->tree_count, 1);
	ck_assert_uint_gt(drive->memory->calls[MEMORY_jobs], scans);
	drive_run(drive, 10 * DRIVE_SECOND);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
}
END_TEST

/* Every hour, three times, while the task waits. */
START_TEST(test_a_cycle)
{
	int64_t instance = begin(reminder);

	ck_assert_ptr_null(drive_at(drive, instance, "seen"));
	drive_run(drive, INT64_C(3600) * DRIVE_SECOND);
	drive_settle(drive);
	ck_assert_int_eq(memory_tree(drive->memory, instance)->root->activity.child_count, 2);
	drive_run(drive, INT64_C(5) * 3600 * DRIVE_SECOND);
	ck_assert_int_eq(memory_tree(drive->memory, instance)->root->activity.child_count, 4);
}
END_TEST

START_TEST(test_a_due_date_that_moves)
{
	int64_t instance = begin(timer), job = job_of(instance, "wait")->id;

	drive_do(drive, (struct command){ .kind = COMMAND_set_job_due, .target = job, .set_due = true,
		.due_us = drive->memory->now_us + 30 * DRIVE_SECOND });
	drive_run(drive, 29 * DRIVE_SECOND);
	ck_assert_uint_eq(drive->memory->tree_count, 1);
	drive_run(drive, 2 * DRIVE_SECOND);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
}
END_TEST

START_TEST(test_suspended)
{
	int64_t instance = begin(timer);

	drive_do(drive, (struct command){ .kind = COMMAND_suspend, .target = instance, .suspended = true });
	drive_run(drive, 60 * DRIVE_SECOND);
	ck_assert_uint_eq(drive->memory->tree_count, 1);
	drive_do(drive, (struct command){ .kind = COMMAND_suspend, .target = instance, .suspended = false });
	drive_settle(drive);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
}
END_TEST

/* The task that it hung on is gone, and the job with it. */
START_TEST(test_a_job_that_went)
{
	int64_t instance = begin(reminder);
	struct request *request;
	int64_t job = job_of(instance, "ask")->id;

	drive_do(drive, (struct command){ .kind = COMMAND_complete_user,
		.target = drive_at(drive, instance, "ask")->id });
	drive_run(drive, INT64_C(7200) * DRIVE_SECOND);
	ck_assert_uint_eq(drive->memory->saved_commands, 2);
	request = drive_ask(drive, (struct command){ .kind = COMMAND_execute_job, .target = job });
	drive_settle(drive);
	ck_assert_int_eq(request->status, E_not_found);
}
END_TEST

/* ---- failures --------------------------------------------------------------------------------------------- */

/* Attempt after attempt, then an incident that says where. */
START_TEST(test_a_job_that_fails)
{
	int64_t instance = begin(bad_job);
	const struct job *job;

	drive_settle(drive);
	drive_run(drive, 60 * DRIVE_SECOND);
	job = job_of(instance, "bad");
	ck_assert_int_eq(job->retries, 0);
	ck_assert_msg(strstr(job->message, "cure") != NULL, "%s", job->message);
	ck_assert_int_eq(job->failed_key, program_node_by_id(definition->program, "bad")->key);
	ck_assert_ptr_nonnull(drive_at(drive, instance, "bad")->incidents);
	ck_assert_uint_eq(drive->memory->saved_commands, 4);
}
END_TEST

START_TEST(test_waits_between_attempts)
{
	int64_t instance = begin(bad_job_with_waits);

	drive_settle(drive);
	ck_assert_int_eq(job_of(instance, "bad")->retries, 2);
	drive_run(drive, 9 * DRIVE_SECOND);
	ck_assert_int_eq(job_of(instance, "bad")->retries, 2);
	drive_run(drive, 2 * DRIVE_SECOND);
	ck_assert_int_eq(job_of(instance, "bad")->retries, 1);
	drive_run(drive, 11 * DRIVE_SECOND);
	ck_assert_int_eq(job_of(instance, "bad")->retries, 0);
}
END_TEST

/* New attempts are made at once, and resolve the incident. */
START_TEST(test_retries_are_given)
{
	const struct entry cure = { .name = "cure", .value = value_integer(1) };
	int64_t instance = begin(bad_job);

	drive_settle(drive);
	drive_do(drive, (struct command){ .kind = COMMAND_set_variables, .target = instance,
		.variables = { .count = 1, .list = &cure } });
	drive_do(drive, (struct command){ .kind = COMMAND_set_job_retries, .target = job_of(instance, "bad")->id,
		.retries = 1 });
	drive_settle(drive);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
}
END_TEST

/* ---- who runs them ---------------------------------------------------------------------------------------- */

START_TEST(test_without_an_executor)
{
	int64_t instance;
	struct request *request;

	drive->settings.executor = false;
	instance = begin(bad_job);
	drive_run(drive, 600 * DRIVE_SECOND);
	ck_assert_int_eq(job_of(instance, "bad")->retries, 3);
	request = drive_ask(drive, (struct command){ .kind = COMMAND_execute_job,
		.target = job_of(instance, "bad")->id });
	drive_settle(drive);
	ck_assert_int_ne(request->status, OK);
	ck_assert_msg(strstr(request->error->message, "cure") != NULL, "%s", request->error->message);
	ck_assert_int_eq(job_of(instance, "bad")->retries, 2);
	drive_run(drive, 600 * DRIVE_SECOND);
	ck_assert_int_eq(job_of(instance, "bad")->retries, 2);
}
END_TEST

/* By hand, before its time. */
START_TEST(test_by_hand)
{
	int64_t instance = begin(late);

	drive_do(drive, (struct command){ .kind = COMMAND_execute_job, .target = job_of(instance, "wait")->id });
	ck_assert_uint_eq(drive->memory->tree_count, 0);
}
END_TEST

START_TEST(test_a_takeover_finds_the_timers)
{
	begin(timer);
	drive_restart(drive, 8);
	drive_wait(drive, 9 * DRIVE_SECOND);
	drive_settle(drive);
	ck_assert(lane_active(drive->lane));
	ck_assert_uint_eq(drive->memory->tree_count, 1);
	drive_run(drive, 2 * DRIVE_SECOND);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
}
END_TEST

static enum status
fails_once(struct memory *memory, enum memory_call call, const struct batch *batch, struct error *err)
{
	(void)batch;
	if (call != MEMORY_save)
		return OK;
	memory->judge = NULL;
	return FAIL(err, internal, "broken once");
}

/* It is tried again although its second lies behind what is held in memory. */
START_TEST(test_a_job_that_was_not_saved)
{
	drive->settings.job_window_seconds = 1;
	drive->settings.executor = false;
	begin(async_end);
	drive->settings.executor = true;
	drive->memory->judge = fails_once;
	drive_run(drive, 5 * DRIVE_SECOND);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
}
END_TEST

/* Weather during a job: the lane steps down, and finds it again. */
static enum status
is_away(struct memory *memory, enum memory_call call, const struct batch *batch, struct error *err)
{
	(void)memory;
	(void)batch;
	return call == MEMORY_save ? FAIL(err, weather, "away") : OK;
}

START_TEST(test_weather_over_a_job)
{
	begin(timer);
	drive->memory->judge = is_away;
	drive_wait(drive, 10 * DRIVE_SECOND);
	drive_step(drive);
	ck_assert(!lane_active(drive->lane));
	drive->memory->judge = NULL;
	drive_run(drive, 3 * DRIVE_SECOND);
	ck_assert(lane_active(drive->lane));
	ck_assert_uint_eq(drive->memory->tree_count, 0);
}
END_TEST

/* A job is always due, and a batch holds one command: requests have their turn all the same. */
START_TEST(test_batches_of_one)
{
	const struct definition *loop = drive_define(drive,
		"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='round'/>"
		"<exclusiveGateway id='round' camunda:asyncAfter='true'/>"
		"<sequenceFlow id='f1' sourceRef='round' targetRef='round'/>");
	struct request *start, *end;
	int i;

	drive->settings.batch_commands = 1;
	drive_open(drive);
	start = drive_start(drive, loop, (struct entries){ 0 });
	for (i = 0; i < 5; i++)
		drive_step(drive);
	ck_assert_int_eq(drive_answers(start), 1);
	end = drive_ask(drive, (struct command){ .kind = COMMAND_delete_instance,
		.target = start->outcome.instance });
	for (i = 0; i < 5; i++)
		drive_step(drive);
	ck_assert_int_eq(drive_answers(end), 1);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { test_a_timer_fires_on_time, test_at_once, test_many_at_once,
		test_beyond_the_window,
		test_a_cycle, test_a_due_date_that_moves, test_suspended, test_a_job_that_went, test_a_job_that_fails,
		test_waits_between_attempts, test_retries_are_given, test_without_an_executor, test_by_hand,
		test_a_takeover_finds_the_timers,
		test_a_job_that_was_not_saved,
		test_weather_over_a_job, test_batches_of_one, NULL };

	return drive_suite("timers", tests);
}
