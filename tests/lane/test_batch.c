/* SPDX-License-Identifier: Apache-2.0
 * A lane's batches: what goes into one, what happens when it cannot be saved, and who owns the parts. */
#include "tests/lane/drive.h"

#include <string.h>

static const char one_task[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='work'/>"
	"<serviceTask id='work' camunda:type='external' camunda:topic='work'/>"
	"<sequenceFlow id='f1' sourceRef='work' targetRef='e'/><endEvent id='e'/>";
/* Its job fails with an expression that cannot be evaluated. */
static const char bad_job[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='bad'/>"
	"<serviceTask id='bad' camunda:expression='${nobody.knows}' camunda:asyncBefore='true'/>"
	"<sequenceFlow id='f1' sourceRef='bad' targetRef='e'/><endEvent id='e'/>";
static const char async_end[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='t'/><task id='t' "
	"camunda:asyncBefore='true'/>"
	"<sequenceFlow id='f1' sourceRef='t' targetRef='e'/><endEvent id='e'/>";

/* A job creates 900 instances. */
static const char many_later[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='work'/>"
	"<serviceTask id='work' camunda:type='external' camunda:topic='work' camunda:asyncBefore='true'>"
	"<multiInstanceLoopCharacteristics><loopCardinality xsi:type='tFormalExpression'>900</loopCardinality>"
	"</multiInstanceLoopCharacteristics></serviceTask>"
	"<sequenceFlow id='f1' sourceRef='work' targetRef='e'/><endEvent id='e'/>";

static const struct entries none;

/* ---- what goes into a batch ------------------------------------------------------------------------------- */

START_TEST(test_a_batch_is_what_gathered)
{
	const struct definition *definition = drive_define(drive, one_task);
	struct request *requests[300];

	drive_open(drive);
	for (int i = 0; i < 300; i++)
		requests[i] = drive_start(drive, definition, none);
	drive_step(drive);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_save], 1);
	ck_assert_uint_eq(drive->memory->saved_commands, 256);
	ck_assert_int_eq(drive_answers(requests[255]), 1);
	ck_assert_int_eq(drive_answers(requests[256]), 0);
	ck_assert_int_le(drive->next_us, drive->now_us);	/* there is more */
	drive_settle(drive);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_save], 2);
	ck_assert_uint_eq(drive->memory->tree_count, 300);
	for (int i = 0; i < 300; i++) {
		ck_assert_int_eq(drive_answers(requests[i]), 1);
		ck_assert_int_eq(requests[i]->status, OK);
		ck_assert_int_gt(requests[i]->outcome.instance, i > 0 && i % 64 ? requests[i - 1]->outcome.instance
			: 0);
	}
}
END_TEST

static size_t largest, effects_before;	/* effects of a batch, and of it without its last command */

static enum status
measure(struct memory *memory, enum memory_call call, const struct batch *batch, struct error *err)
{
	size_t sum = 0;

	(void)memory;
	(void)err;
	for (size_t i = 0; call == MEMORY_save && i < batch->count; i++) {
		effects_before = sum > effects_before ? sum : effects_before;
		sum += batch->commands[i].effects->count;
	}
	largest = sum > largest ? sum : largest;
	return OK;
}

/* Commands that do much do not pile up in one transaction: jobs and requests behind them wait for the next. */
START_TEST(test_large_commands)
{
	const struct definition *many = drive_define(drive, many_later), *one = drive_define(drive, one_task);
	struct request *requests[20], *fetch;

	drive->settings.executor = false;
	drive_open(drive);
	for (int i = 0; i < 20; i++)
		drive_begin(drive, many, none);
	drive_wait(drive, DRIVE_SECOND);
	drive->settings.executor = true;
	drive->memory->judge = measure;
	largest = effects_before = 0;
	for (int i = 0; i < 20; i++)
		requests[i] = drive_start(drive, one, none);
	fetch = drive_fetch_topic(drive, "w", "work", 1000);
	drive_step(drive);
	ck_assert_int_eq(drive_answers(requests[0]), 0);
	drive_step(drive);
	ck_assert_int_eq(drive_answers(requests[19]), 1);	/* before the other jobs */
	drive_settle(drive);
	for (int i = 0; i < 20; i++) {
		ck_assert_int_eq(drive_answers(requests[i]), 1);
		ck_assert_int_eq(requests[i]->status, OK);
		ck_assert_int_gt(requests[i]->outcome.instance, i > 0 ? requests[i - 1]->outcome.instance : 0);
	}
	ck_assert_int_eq(drive_answers(fetch), 1);
	ck_assert_uint_eq(fetch->task_count, 1000);
	ck_assert_uint_gt(largest, 2000);
	ck_assert_uint_lt(effects_before, 10000);
	drive->settings.executor = false;
	fetch = drive_fetch_topic(drive, "w", "work", 1000);
	drive_settle(drive);
	ck_assert_uint_eq(fetch->task_count, 1000);
}
END_TEST

/* Without linger: a command that comes alone is saved alone, and nothing is saved for nothing. */
START_TEST(test_a_command_alone)
{
	const struct definition *definition = drive_define(drive, one_task);

	drive_open(drive);
	drive_begin(drive, definition, none);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_save], 1);
	drive_settle(drive);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_save], 1);
	ck_assert_int_gt(drive->next_us, drive->now_us);
}
END_TEST

/* Several commands for one instance run in order, each on what the one before left. */
START_TEST(test_one_instance_in_order)
{
	const struct definition *definition = drive_define(drive, one_task);
	struct request *lock, *complete, *again;
	int64_t instance, work;

	drive_open(drive);
	instance = drive_begin(drive, definition, none);
	work = drive_at(drive, instance, "work")->id;
	lock = drive_ask(drive, (struct command){ .kind = COMMAND_lock_task, .target = work, .worker = "w",
		.duration_us = DRIVE_SECOND });
	complete = drive_ask(drive, (struct command){ .kind = COMMAND_complete_task, .target = work, .worker = "w" });
	again = drive_ask(drive, (struct command){ .kind = COMMAND_complete_task, .target = work, .worker = "w" });
	drive_step(drive);
	ck_assert_int_eq(lock->status, OK);
	ck_assert_int_eq(complete->status, OK);
	ck_assert(complete->outcome.ended);
	ck_assert_int_eq(again->status, E_not_found);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_save], 2);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_load], 0);	/* it was in the cache */
}
END_TEST

/* What the engine refuses never reaches the store, and hurts nobody. */
START_TEST(test_refusals)
{
	const struct definition *definition = drive_define(drive, one_task);
	struct request *missing, *wrong, *good;
	int64_t instance;

	drive_open(drive);
	instance = drive_begin(drive, definition, none);
	missing = drive_ask(drive, (struct command){ .kind = COMMAND_complete_task, .target = 123456 });
	wrong = drive_ask(drive, (struct command){ .kind = COMMAND_complete_task, .worker = "thief",
		.target = drive_at(drive, instance, "work")->id });
	good = drive_start(drive, definition, none);
	drive_step(drive);
	ck_assert_int_eq(missing->status, E_not_found);
	ck_assert_int_ne(wrong->status, OK);
	ck_assert_int_eq(good->status, OK);
	ck_assert_uint_eq(drive->memory->saved_commands, 2);
	drive_ask(drive, (struct command){ .kind = COMMAND_complete_task, .target = 123456 });
	drive_settle(drive);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_save], 2);	/* nothing to save */
}
END_TEST

/* ---- the cache -------------------------------------------------------------------------------------------- */

START_TEST(test_without_a_cache)
{
	const struct definition *definition;
	struct request *requests[20];

	drive->cache_bytes = 0;
	definition = drive_define(drive, one_task);
	drive_open(drive);
	for (int i = 0; i < 20; i++)
		drive_start(drive, definition, none);
	drive_settle(drive);
	for (int i = 0; i < 20; i++)
		requests[i] = drive_ask(drive, (struct command){ .kind = COMMAND_complete_task,
			.target = drive->memory->trees[i / 2]->root->activity.first->id });
	drive_step(drive);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_load], 1);	/* all in one read */
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(requests[i]->status, i % 2 ? E_not_found : OK);
	ck_assert_uint_eq(drive->memory->tree_count, 10);
}
END_TEST

/* Room for some: the one that was used last stays. */
START_TEST(test_least_recently_used)
{
	const struct definition *definition = drive_define(drive, one_task);
	int64_t ids[50];

	drive->cache_bytes = 40000;
	drive_open(drive);
	for (int i = 0; i < 50; i++)
		ids[i] = drive_begin(drive, definition, none);
	drive_do(drive, (struct command){ .kind = COMMAND_suspend, .target = ids[49], .suspended = true });
	ck_assert_uint_eq(drive->memory->calls[MEMORY_load], 0);
	drive_do(drive, (struct command){ .kind = COMMAND_suspend, .target = ids[0], .suspended = true });
	ck_assert_uint_eq(drive->memory->calls[MEMORY_load], 1);
	drive_do(drive, (struct command){ .kind = COMMAND_suspend, .target = ids[0], .suspended = false });
	ck_assert_uint_eq(drive->memory->calls[MEMORY_load], 1);
}
END_TEST

/* Many steps of one tree make garbage, which is copied out; what is left is the tree. */
START_TEST(test_garbage)
{
	const struct definition *definition = drive_define(drive, one_task);
	char *text = arena_alloc(drive->arena, 1001);
	struct entry entry = { .name = "x" };
	int64_t instance;

	memset(text, 'x', 1000);
	entry.value = value_string(text);
	drive_open(drive);
	instance = drive_begin(drive, definition, none);
	for (int i = 0; i < 500; i++) {
		text[0] = (char)('a' + i % 26);
		drive_do(drive, (struct command){ .kind = COMMAND_set_variables, .target = instance,
			.variables = { .count = 1, .list = &entry } });
	}
	drive_do(drive, (struct command){ .kind = COMMAND_complete_task,
		.target = drive_at(drive, instance, "work")->id });
	ck_assert_uint_eq(drive->memory->calls[MEMORY_load], 0);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
}
END_TEST

/* ---- when saving fails -------------------------------------------------------------------------------------- */

/* The answers that saves get, one after the other; 0 (OK) from then on. */
struct script {
	enum status saves[8];
	size_t at;
};

static enum status
by_script(struct memory *memory, enum memory_call call, const struct batch *batch, struct error *err)
{
	struct script *script = memory->context;
	enum status status;

	(void)batch;
	if (call != MEMORY_save || script->at >= sizeof script->saves / sizeof script->saves[0])
		return OK;
	status = script->saves[script->at++];
	return status == OK ? OK : error_set(err, status, "as the script says");
}

static void
play(struct script *script)
{
	drive->memory->context = script;
	drive->memory->judge = by_script;
}

/* Refuses every batch with a command of that business key. */
static enum status
finds_guilt(struct memory *memory, enum memory_call call, const struct batch *batch, struct error *err)
{
	(void)memory;
	if (call != MEMORY_save)
		return OK;
	for (size_t i = 0; i < batch->count; i++)
		if (batch->commands[i].command->business_key &&
		    !strcmp(batch->commands[i].command->business_key, "guilty"))
			return FAIL(err, invalid_request, "that cannot be stored");
	return OK;
}

START_TEST(test_the_guilty_one_stands_alone)
{
	const struct definition *definition = drive_define(drive, one_task);
	struct request *requests[9];

	drive_open(drive);
	drive->memory->judge = finds_guilt;
	for (int i = 0; i < 9; i++)
		requests[i] = drive_ask(drive, (struct command){ .kind = COMMAND_start, .definition = definition,
			.business_key = i == 4 ? "guilty" : "innocent" });
	drive_step(drive);
	for (int i = 0; i < 9; i++) {
		ck_assert_int_eq(drive_answers(requests[i]), 1);
		ck_assert_int_eq(requests[i]->status, i == 4 ? E_invalid_request : OK);
	}
	ck_assert_str_eq(requests[4]->error->message, "that cannot be stored");
	ck_assert_uint_eq(drive->memory->tree_count, 8);
	ck_assert(lane_active(drive->lane));
}
END_TEST

/* Alone in its batch already. */
START_TEST(test_guilty_and_alone)
{
	const struct definition *definition = drive_define(drive, one_task);
	struct request *request;

	drive_open(drive);
	drive->memory->judge = finds_guilt;
	request = drive_ask(drive, (struct command){ .kind = COMMAND_start, .definition = definition,
		.business_key = "guilty" });
	drive_step(drive);
	ck_assert_int_eq(request->status, E_invalid_request);
	ck_assert(lane_active(drive->lane));
	drive_begin(drive, definition, none);
}
END_TEST

static int64_t held[5];			/* rows of these activities or jobs are; 0 ends */

static enum status
finds_held(struct memory *memory, enum memory_call call, const struct batch *batch, struct error *err)
{
	(void)memory;
	for (size_t i = 0; call == MEMORY_save && i < batch->count; i++)
		for (const int64_t *id = held; *id != 0; id++)
			if (batch->commands[i].command->target == *id)
				return FAIL(err, held, "somebody else has it");
	return OK;
}

static struct request *
complete(int64_t instance)
{
	return drive_ask(drive, (struct command){ .kind = COMMAND_complete_task,
		.target = drive_at(drive, instance, "work")->id });
}

/* Whoever has a transaction open on a row stops what needs the row, and nothing else. */
START_TEST(test_held_rows)
{
	const struct definition *definition = drive_define(drive, one_task);
	struct request *requests[5], *again;
	int64_t instances[5];

	drive_open(drive);
	for (int i = 0; i < 5; i++)
		instances[i] = drive_begin(drive, definition, none);
	memset(held, 0, sizeof held);
	held[0] = drive_at(drive, instances[3], "work")->id;
	drive->memory->judge = finds_held;
	for (int i = 0; i < 5; i++)
		requests[i] = complete(instances[i]);
	drive_step(drive);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(requests[i]->status, i == 3 ? E_held : OK);
	ck_assert_uint_eq(drive->memory->tree_count, 1);
	ck_assert(lane_active(drive->lane));
	held[0] = 0;
	again = complete(instances[3]);
	drive_step(drive);
	ck_assert_int_eq(again->status, OK);
}
END_TEST

/* A whole table is held, or something like it: that is no matter of single commands. */
START_TEST(test_too_many_held_rows)
{
	const struct definition *definition = drive_define(drive, one_task);
	struct request *requests[4];

	drive_open(drive);
	memset(held, 0, sizeof held);
	for (int i = 0; i < 4; i++)
		held[i] = drive_at(drive, drive_begin(drive, definition, none), "work")->id;
	for (int i = 0; i < 4; i++)
		requests[i] = drive_ask(drive, (struct command){ .kind = COMMAND_complete_task, .target = held[i] });
	drive->memory->judge = finds_held;
	drive_step(drive);
	ck_assert(!lane_active(drive->lane));
	ck_assert(lane_recovers(drive->lane));
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(requests[i]->status, i < 3 ? E_held : E_weather);
	ck_assert_uint_eq(drive->memory->tree_count, 4);
}
END_TEST

/* A poll gets nothing, and is not woken for what it cannot get. */
START_TEST(test_a_held_task)
{
	const struct definition *definition = drive_define(drive, one_task);
	struct request *fetch;

	drive_open(drive);
	memset(held, 0, sizeof held);
	held[0] = drive_at(drive, drive_begin(drive, definition, none), "work")->id;
	drive->memory->judge = finds_held;
	fetch = drive_fetch_topic(drive, "w", "work", 10);
	drive_step(drive);
	ck_assert_int_eq(drive_answers(fetch), 1);
	ck_assert_int_eq(fetch->status, OK);
	ck_assert_uint_eq(fetch->task_count, 0);
	ck_assert_uint_eq(lane_ready(drive->lane, "work"), 0);
	drive_run(drive, 6 * DRIVE_SECOND);
	ck_assert_uint_eq(lane_ready(drive->lane, "work"), 1);
	held[0] = 0;
	fetch = drive_fetch_topic(drive, "w", "work", 10);
	drive_step(drive);
	ck_assert_uint_eq(fetch->task_count, 1);
}
END_TEST

/* It loses no attempt, and is tried now and then. */
START_TEST(test_a_held_job)
{
	const struct definition *definition = drive_define(drive, async_end);
	const struct job *job;

	drive->settings.executor = false;
	drive_open(drive);
	drive_start(drive, definition, none);
	drive_settle(drive);
	job = drive->memory->trees[0]->root->activity.first->jobs;
	memset(held, 0, sizeof held);
	held[0] = job->id;
	drive->memory->judge = finds_held;
	drive->settings.executor = true;
	drive_run(drive, 12 * DRIVE_SECOND);
	ck_assert_uint_eq(drive->memory->tree_count, 1);
	ck_assert_int_eq(drive->memory->trees[0]->root->activity.first->jobs->retries, 3);
	ck_assert(lane_active(drive->lane));
	held[0] = 0;
	drive_run(drive, 6 * DRIVE_SECOND);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
}
END_TEST

/* Short weather is not seen by anybody. */
START_TEST(test_weather_that_passes)
{
	struct script script = { .saves = { E_weather, E_weather } };
	const struct definition *definition = drive_define(drive, one_task);
	int64_t instance;

	drive_open(drive);
	play(&script);
	instance = drive_begin(drive, definition, none);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_save], 3);
	ck_assert_uint_eq(drive->memory->tree_count, 1);
	script = (struct script){ .saves = { E_weather } };
	drive_do(drive, (struct command){ .kind = COMMAND_complete_task,
		.target = drive_at(drive, instance, "work")->id });
	ck_assert_uint_eq(drive->memory->tree_count, 0);
}
END_TEST

/* Weather that stays: 503 for all, nothing is blamed, and the lane begins anew. */
START_TEST(test_weather_that_stays)
{
	struct script script = { .saves = { E_weather, E_weather, E_weather } };
	const struct definition *definition = drive_define(drive, one_task);
	struct request *one, *two;

	drive_open(drive);
	play(&script);
	one = drive_start(drive, definition, none);
	two = drive_start(drive, definition, none);
	drive_step(drive);
	ck_assert_int_eq(one->status, E_weather);
	ck_assert_int_eq(two->status, E_weather);
	ck_assert_int_eq(drive_answers(one), 1);
	ck_assert_int_eq(status_http(one->status), 503);
	ck_assert(!lane_active(drive->lane));
	ck_assert_uint_eq(drive->memory->tree_count, 0);
	drive_wait(drive, 2 * DRIVE_SECOND);
	drive_step(drive);
	ck_assert(lane_active(drive->lane));
	drive_begin(drive, definition, none);
	ck_assert_uint_eq(drive->memory->tree_count, 1);
}
END_TEST

static enum status
loses_reads(struct memory *memory, enum memory_call call, const struct batch *batch, struct error *err)
{
	(void)batch;
	return call == MEMORY_load && memory->calls[MEMORY_load] < 3 ? FAIL(err, weather, "gone") : OK;
}

START_TEST(test_a_read_that_fails)
{
	const struct definition *definition = drive_define(drive, one_task);
	int64_t instance;

	drive->cache_bytes = 0;
	drive_open(drive);
	instance = drive_begin(drive, definition, none);
	drive->memory->judge = loses_reads;
	drive_do(drive, (struct command){ .kind = COMMAND_complete_task,
		.target = drive_at(drive, instance, "work")->id });
	ck_assert_uint_eq(drive->memory->calls[MEMORY_load], 3);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
}
END_TEST

/* ---- jobs whose batch fails --------------------------------------------------------------------------------- */

/* A job that fails is a second command in the same batch; when that batch meets weather, all of it runs again. */
START_TEST(test_a_failed_job_and_weather)
{
	struct script script = { .saves = { E_weather } };
	const struct definition *definition = drive_define(drive, bad_job);
	int64_t instance;
	struct request *request;

	drive->settings.executor = false;
	drive_open(drive);
	instance = drive_begin(drive, definition, none);
	play(&script);
	request = drive_ask(drive, (struct command){ .kind = COMMAND_execute_job,
		.target = drive_at(drive, instance, "bad")->jobs->id });
	drive_settle(drive);
	ck_assert_int_ne(request->status, OK);
	ck_assert_ptr_nonnull(strstr(request->error->message, "nobody"));
	ck_assert_int_eq(drive_at(drive, instance, "bad")->jobs->retries, 2);
	ck_assert_int_eq(drive_answers(request), 1);
}
END_TEST

/* One by one, and then the database goes away: what is durable by then was done, and its client hears so. */
START_TEST(test_weather_after_a_part_was_saved)
{
	struct script script = { .saves = { E_internal, OK, E_weather } };
	const struct definition *definition = drive_define(drive, one_task);
	struct request *saved, *lost;

	drive_open(drive);
	play(&script);
	saved = drive_start(drive, definition, none);
	lost = drive_start(drive, definition, none);
	drive_step(drive);
	ck_assert_uint_eq(drive->memory->tree_count, 1);
	ck_assert_int_eq(saved->status, OK);
	ck_assert_int_eq(lost->status, E_weather);
	ck_assert_int_eq(drive_answers(saved), 1);
	ck_assert_int_eq(drive_answers(lost), 1);
}
END_TEST

/* A due job whose effects cannot be stored is not forgotten: it is tried again. */
START_TEST(test_a_guilty_job)
{
	struct script script = { .saves = { E_internal, OK, E_internal } };
	const struct definition *definition = drive_define(drive, async_end);

	drive->settings.executor = false;
	drive_open(drive);
	drive_start(drive, definition, none);
	drive_start(drive, definition, none);
	drive_settle(drive);
	drive->settings.executor = true;
	play(&script);
	drive_step(drive);
	ck_assert_uint_eq(drive->memory->tree_count, 1);
	ck_assert_int_eq(drive->memory->trees[0]->root->activity.first->jobs->retries, 2);
	drive_run(drive, 5 * DRIVE_SECOND);
	ck_assert_uint_eq(drive->memory->tree_count, 0);
}
END_TEST

/* At most half of a batch are due jobs, so that clients are heard. */
START_TEST(test_jobs_take_half)
{
	const struct definition *definition = drive_define(drive, async_end);
	struct request *request;

	drive->settings.batch_commands = 10;
	drive->settings.executor = false;
	drive_open(drive);
	for (int i = 0; i < 20; i++)
		drive_start(drive, definition, none);
	drive_settle(drive);
	drive->settings.executor = true;
	drive->memory->saved_commands = 0;
	for (int i = 0; i < 20; i++)
		request = drive_start(drive, definition, none);
	drive_step(drive);
	ck_assert_uint_eq(drive->memory->saved_commands, 10);
	ck_assert_uint_eq(drive->memory->ended, 5);
	drive_settle(drive);
	ck_assert_int_eq(request->status, OK);
	ck_assert_uint_eq(drive->memory->ended, 40);
}
END_TEST

/* ---- ownership ---------------------------------------------------------------------------------------------- */

START_TEST(test_a_standby)
{
	const struct definition *definition = drive_define(drive, one_task);
	struct lane *standby = drive_another(drive, 8), *first;
	struct request *request, *late;
	int64_t instance, work;

	drive_open(drive);
	first = drive->lane;
	instance = drive_begin(drive, definition, none);
	drive->lane = standby;
	request = drive_start(drive, definition, none);
	drive_step(drive);
	ck_assert(!lane_active(standby));
	ck_assert_int_eq(request->status, E_unavailable);
	/* the first is silent for too long */
	drive_wait(drive, 9 * DRIVE_SECOND);
	drive_step(drive);
	ck_assert(lane_active(standby));
	work = drive_at(drive, instance, "work")->id;
	drive_do(drive, (struct command){ .kind = COMMAND_complete_task, .target = work });
	/* and comes back with what it still remembers */
	drive->lane = first;
	late = drive_ask(drive, (struct command){ .kind = COMMAND_complete_task, .target = work });
	drive_step(drive);
	ck_assert_int_ne(late->status, OK);
	ck_assert_int_eq(status_http(late->status), 503);
	ck_assert(!lane_active(first));
	ck_assert_uint_eq(drive->memory->ended, 1);
	ck_assert_int_eq(drive->owned, 1);
	lane_free(standby);
}
END_TEST

/* Before it has noticed anything itself: the fence of its batch tells. */
START_TEST(test_fenced_in_a_batch)
{
	const struct definition *definition = drive_define(drive, one_task);
	struct request *one, *two;

	drive_open(drive);
	drive->memory->lanes[0].owner = 99;
	one = drive_start(drive, definition, none);
	two = drive_start(drive, definition, none);
	drive_step(drive);
	ck_assert_int_eq(one->status, E_fenced);
	ck_assert_int_eq(two->status, E_fenced);
	ck_assert(!lane_active(drive->lane));
	ck_assert_uint_eq(drive->memory->tree_count, 0);
	ck_assert_int_eq(drive->owned, 0);
}
END_TEST

START_TEST(test_renewal)
{
	drive_open(drive);
	ck_assert_int_eq(drive->next_us, drive->now_us + 3 * DRIVE_SECOND);
	drive_run(drive, 60 * DRIVE_SECOND);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_renew], 20);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_claim], 1);
	drive->memory->lanes[0].owner = 99;
	drive_wait(drive, 3 * DRIVE_SECOND);
	drive_step(drive);
	ck_assert(!lane_active(drive->lane));
}
END_TEST

/* Given up at the end, so that nobody waits. */
START_TEST(test_stop)
{
	const struct definition *definition = drive_define(drive, one_task);
	struct request *request;

	drive_open(drive);
	request = drive_start(drive, definition, none);
	lane_stop(drive->lane, &drive->inbox);
	drive->end = &drive->inbox;
	ck_assert_int_eq(request->status, E_unavailable);
	ck_assert(!lane_active(drive->lane));
	drive_restart(drive, 9);
	drive_step(drive);
	ck_assert(lane_active(drive->lane));
	drive_begin(drive, definition, none);
}
END_TEST

/* Ids are reserved ahead and never handed out twice, whatever is lost with a daemon. */
START_TEST(test_ids_after_a_crash)
{
	const struct definition *definition = drive_define(drive, one_task);
	int64_t before, after;

	drive_open(drive);
	before = drive_begin(drive, definition, none);
	drive_restart(drive, 8);
	drive_wait(drive, 9 * DRIVE_SECOND);
	drive_step(drive);
	after = drive_begin(drive, definition, none);
	ck_assert_int_gt(after, before);
	ck_assert_uint_eq(drive->memory->tree_count, 2);
}
END_TEST

/* The clock of a lane is the database's, and neither goes back nor stands still. */
START_TEST(test_time)
{
	int64_t before, now;

	drive_open(drive);
	ck_assert_int_eq(lane_now(drive->lane, drive->now_us), drive->memory->now_us);
	drive_wait(drive, 5);
	ck_assert_int_eq(lane_now(drive->lane, drive->now_us), drive->memory->now_us);
	drive_step(drive);
	before = lane_now(drive->lane, drive->now_us);
	drive->memory->now_us -= 60 * DRIVE_SECOND;
	drive->now_us += 4 * DRIVE_SECOND;
	drive_step(drive);		/* renews, and hears of an earlier time */
	ck_assert_int_ge(lane_now(drive->lane, drive->now_us), before);
	drive_run(drive, 20 * DRIVE_SECOND);
	now = lane_now(drive->lane, drive->now_us);
	ck_assert_int_ge(now, before + 10 * DRIVE_SECOND);
	ck_assert_int_lt(now, before + 18 * DRIVE_SECOND);
	drive_run(drive, 160 * DRIVE_SECOND);
	ck_assert_int_eq(lane_now(drive->lane, drive->now_us), drive->memory->now_us);
}
END_TEST

static enum status
slowly(struct memory *memory, enum memory_call call, const struct batch *batch, struct error *err)
{
	(void)memory;
	(void)batch;
	(void)err;
	if (call == MEMORY_claim || call == MEMORY_renew)
		drive_wait(drive, 2 * DRIVE_SECOND);
	return OK;
}

/* A claim that ends the backend of a dead owner takes two seconds: what is due then is not due two seconds before. */
START_TEST(test_the_time_of_slow_calls)
{
	drive->memory->judge = slowly;
	drive_open(drive);
	ck_assert_int_eq(lane_now(drive->lane, drive->now_us), drive->memory->now_us);
	drive_wait(drive, 3 * DRIVE_SECOND);
	drive_step(drive);
	ck_assert_uint_eq(drive->memory->calls[MEMORY_renew], 1);
	ck_assert_int_eq(lane_now(drive->lane, drive->now_us), drive->memory->now_us);
}
END_TEST

/* An answer that comes late tells an early time, and not that the clock is wrong. */
START_TEST(test_the_time_of_late_answers)
{
	const struct definition *definition = drive_define(drive, one_task);

	drive_open(drive);
	drive->memory->hold = true;
	drive_start(drive, definition, none);
	drive_step(drive);
	ck_assert(lane_flying(drive->lane));
	drive_wait(drive, 2 * DRIVE_SECOND);
	ck_assert_int_eq(lane_now(drive->lane, drive->now_us), drive->memory->now_us);
	drive->memory->hold = false;
	drive_step(drive);
	ck_assert_int_eq(lane_now(drive->lane, drive->now_us), drive->memory->now_us);
	drive_wait(drive, DRIVE_SECOND);
	ck_assert_int_eq(lane_now(drive->lane, drive->now_us), drive->memory->now_us);
}
END_TEST

/* Equal keys meet in a part, for ever. */
START_TEST(test_parts)
{
	ck_assert_int_eq(part_of_key(NULL, "order 1"), part_of_key(NULL, "order 1"));
	ck_assert_int_eq(part_of_key(NULL, ""), 38);
	ck_assert_int_ne(part_of_key("a", "order 1"), part_of_key("b", "order 1"));
	for (int i = 0; i < 1000; i++) {
		int part = part_of_key("t", arena_printf(drive->arena, "%d", i));

		ck_assert(part >= 0 && part < PART_COUNT);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { test_a_batch_is_what_gathered, test_large_commands, test_a_command_alone,
		test_one_instance_in_order,
		test_refusals, test_without_a_cache, test_least_recently_used, test_garbage,
		test_the_guilty_one_stands_alone,
		test_guilty_and_alone, test_held_rows, test_too_many_held_rows, test_a_held_task, test_a_held_job,
		test_weather_that_passes, test_weather_that_stays, test_a_read_that_fails,
		test_a_failed_job_and_weather, test_weather_after_a_part_was_saved, test_a_guilty_job,
		test_jobs_take_half, test_a_standby, test_fenced_in_a_batch, test_renewal,
		test_stop, test_ids_after_a_crash, test_time, test_the_time_of_slow_calls,
		test_the_time_of_late_answers, test_parts, NULL };

	return drive_suite("batch", tests);
}
