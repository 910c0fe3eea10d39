/* SPDX-License-Identifier: Apache-2.0
 * After an unclean end: jobs run one by one, and one that ends the daemon is found out. */
#include "tests/lane/drive.h"

#include <string.h>

enum { TAKEOVER_S = 60 };	/* longer than settings->takeover_seconds */

static const struct entries none;
static const char timer[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='wait'/>"
	"<intermediateCatchEvent id='wait'><timerEventDefinition><timeDuration xsi:type='tFormalExpression'>PT10S"
	"</timeDuration></timerEventDefinition></intermediateCatchEvent>"
	"<sequenceFlow id='f1' sourceRef='wait' targetRef='e'/><endEvent id='e'/>";

static int64_t culprit;		/* the daemon ends when this job's batch is saved */
static size_t jobs_with_others;	/* batches in which a job was not alone */
static size_t job_batches;

static enum status
watch(struct memory *memory, enum memory_call call, const struct batch *batch, struct error *err)
{
	bool has_job = false, ends = false;

	(void)memory;
	for (size_t i = 0; call == MEMORY_save && i < batch->count; i++) {
		const struct command *command = batch->commands[i].command;

		has_job = has_job || command->kind == COMMAND_execute_job;
		ends = ends || (command->kind == COMMAND_execute_job && command->target == culprit);
	}
	job_batches += has_job;
	jobs_with_others += has_job && batch->count > 1;
	return ends ? FAIL(err, fenced, "the daemon ends here") : OK;
}

static int64_t
job_of(int64_t instance)
{
	return drive_at(drive, instance, "wait")->jobs->id;
}

/* So many instances with a timer, and the daemon gone before it is due. */
static int64_t
begin(int count)
{
	const struct definition *definition = drive_define(drive, timer);
	int64_t first;

	culprit = 0;
	jobs_with_others = job_batches = 0;
	drive_open(drive);
	first = drive_begin(drive, definition, none);
	for (int i = 1; i < count; i++)
		drive_begin(drive, definition, none);
	drive->memory->judge = watch;
	return first;
}

/* Nobody releases anything; the next daemon comes when the jobs have been due for long. */
static void
die(int64_t owner)
{
	drive_restart(drive, owner);
	drive_wait(drive, TAKEOVER_S * DRIVE_SECOND);
	drive_step(drive);
	if (lane_active(drive->lane))
		drive_settle(drive);
}

START_TEST(test_one_by_one)
{
	begin(5);
	die(8);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
	ck_assert_uint_eq(job_batches, 5);
	ck_assert_uint_eq(jobs_with_others, 0);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_try], 6);		/* and that none is left */
}
END_TEST

/* Those that become due later run together again. */
START_TEST(test_later_ones_together)
{
	const struct definition *definition;

	begin(1);
	definition = &drive->list[0];
	die(8);
	for (int i = 0; i < 5; i++)
		drive_begin(drive, definition, none);
	job_batches = 0;
	drive_run(drive, 11 * DRIVE_SECOND);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
	ck_assert_uint_eq(job_batches, 1);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_try], 2);
}
END_TEST

START_TEST(test_after_a_clean_end)
{
	begin(5);
	lane_stop(drive->lane, &drive->inbox);
	die(8);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
	ck_assert_uint_eq(job_batches, 1);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_try], 0);
}
END_TEST

static enum memory_fate
lose_claim(struct memory *memory, struct store *store, const struct batch *batch)
{
	(void)store;
	ck_assert_ptr_null(batch);
	memory->fate = NULL;
	return MEMORY_commits_unheard;
}

/* The daemon after the dead one takes over, does not hear of it, and finds itself there the next time. */
START_TEST(test_a_claim_unheard)
{
	begin(5);
	drive->memory->fate = lose_claim;
	die(8);
	ck_assert(!lane_active(drive->lane));
	ck_assert_int_eq(drive->memory->lanes[0].owner, 8);
	drive_run(drive, DRIVE_SECOND);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
	ck_assert_uint_eq(job_batches, 5);
	ck_assert_uint_eq(jobs_with_others, 0);
}
END_TEST

/* Twice noted and never back: an incident, and everybody else's jobs have run. */
START_TEST(test_a_job_that_ends_the_daemon)
{
	int64_t first = begin(1), guilty = drive_begin(drive, &drive->list[0], none);
	const struct activity *at;

	drive_begin(drive, &drive->list[0], none);
	culprit = job_of(guilty);
	for (int64_t owner = 8; owner < 10; owner++) {
		die(owner);
		ck_assert(!lane_active(drive->lane));
		ck_assert_int_eq(drive->memory->lanes[0].tried, culprit);
		ck_assert_int_eq(drive->memory->lanes[0].tries, (int)(owner - 7));
	}
	die(10);
	ck_assert(lane_active(drive->lane));
	ck_assert_uint_eq(drive->memory->tree_count, 1);
	ck_assert_ptr_null(memory_tree(drive->memory, first));
	at = drive_at(drive, guilty, "wait");
	ck_assert_int_eq(at->jobs->retries, 0);
	ck_assert_ptr_nonnull(at->incidents);
	ck_assert_msg(strstr(at->jobs->message, "ended 2 times") != NULL, "%s", at->jobs->message);
	ck_assert_int_eq(drive->memory->lanes[0].tried, 0);
}
END_TEST

/* An operator who gives it new attempts gets them. */
START_TEST(test_a_second_chance)
{
	int64_t guilty = begin(1);

	culprit = job_of(guilty);
	for (int64_t owner = 8; owner < 11; owner++)
		die(owner);
	culprit = 0;
	drive_do(drive, (struct command){ .kind = COMMAND_set_job_retries, .target = job_of(guilty), .retries = 1 });
	drive_settle(drive);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
}
END_TEST

/* Requests are answered between the jobs, in batches of their own. */
START_TEST(test_requests_take_turns)
{
	struct request *requests[4];

	begin(20);
	drive_restart(drive, 8);
	drive_wait(drive, TAKEOVER_S * DRIVE_SECOND);
	for (int i = 0; i < 4; i++)
		requests[i] = drive_start(drive, &drive->list[0], none);
	for (int i = 0; i < 4; i++)
		drive_step(drive);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(drive_answers(requests[i]), 1);
	ck_assert_uint_gt(drive->memory->tree_count, 10);	/* most jobs are still to come */
	drive_settle(drive);
	ck_assert_uint_eq(drive->memory->tree_count, 4);
	ck_assert_uint_eq(jobs_with_others, 0);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { test_one_by_one, test_later_ones_together, test_after_a_clean_end,
		test_a_claim_unheard, test_a_job_that_ends_the_daemon, test_a_second_chance, test_requests_take_turns,
		NULL };

	return drive_suite("careful", tests);
}
