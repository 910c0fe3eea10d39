/* SPDX-License-Identifier: Apache-2.0
 * See drain.h. */
#include "tests/simulate/drain.h"

#include <inttypes.h>

#include "tests/simulate/steps.h"

enum {
	WORK_ROUNDS = 8,	/* of all workers; who has not ended by then (a loop, a lost token) is deleted */
	MOST_ROUNDS = 12,
	WORK_FETCHES = 40,	/* in a row whose tasks are completed: loops make new ones without end */
	MOST_FETCHES = 240,	/* with those that only take what is left */
	MOST_LOOKS = 3,
	MOST_WAITS = 60,	/* for an owner: jobs may end several, and each is missed for a while */
	FETCH_MOST = 50,
	HELD_SECONDS = 12,	/* until what was held is tried again: five, at half speed after a clock went back */
};

static const struct activity *
next_stored(const struct world *world, size_t *tree, const struct activity *at)
{
	const struct memory *memory = world->memory;

	if (at)
		at = memory_walk(memory->trees[*tree], at);
	else if (*tree < memory->tree_count)
		at = memory_walk(memory->trees[*tree], NULL);
	while (!at && ++*tree < memory->tree_count)
		at = memory_walk(memory->trees[*tree], NULL);
	return at;
}

static bool
is_owned(struct world *world)
{
	for (int l = 0; l < world->lanes; l++)
		if (!world_owner(world, (int64_t)(l * (PART_COUNT / world->lanes)) << PART_SHIFT))
			return false;
	return true;
}

/* An owner that is silent is replaced; one that the database's clock makes look alive for long, too, in the end. */
static void
await_owner(struct world *world)
{
	world_settle(world);
	for (int i = 0; i < MOST_WAITS && !is_owned(world) && !world_failed(world); i++)
		world_run(world, 2 * WORLD_SECOND);
	if (is_owned(world))
		return;
	world_jump(world, world->latest_us - world->memory->now_us + 60 * WORLD_SECOND);
	world_run(world, 10 * WORLD_SECOND);
	if (!is_owned(world))
		world_fail(world, "without faults nobody takes the lanes over");
}

static struct command
repair_of(const struct activity *at, const struct incident *incident)
{
	if (incident->kind == INCIDENT_failed_external_task)
		return (struct command){ .kind = COMMAND_set_task_retries, .target = at->id, .retries = 1 };
	return (struct command){ .kind = COMMAND_set_job_retries, .target = incident->configuration, .retries = 1 };
}

/* What people do: end suspensions and incidents, complete user tasks.  What has grown too large is left to those who
 * delete it: a command for each of its tasks would make them wait. */
static void
people(struct world *world, bool give_up)
{
	const struct activity *at = NULL;
	size_t tree = 0;

	while ((at = next_stored(world, &tree, at)) != NULL) {
		if (!give_up && step_too_large(world->memory->trees[tree]))
			continue;
		if (!at->scope && give_up)
			step_command(world, (struct command){ .kind = COMMAND_delete_instance, .target = at->id });
		else if (!at->scope && at->instance->suspended)
			step_command(world, (struct command){ .kind = COMMAND_suspend, .target = at->id });
		for (const struct incident *incident = at->incidents; incident && !give_up; incident = incident->next)
			/* nobody tries a job again that ended the daemon */
			if (!map_get(&world->poisoned, incident->configuration))
				step_command(world, repair_of(at, incident));
		if (at->human && !at->instance->suspended && !give_up)
			step_command(world, (struct command){ .kind = COMMAND_complete_user, .target = at->id,
				.variables = step_variables(&world->dice, world->arena) });
	}
	world_settle(world);
}

/* Fetches from the lane, and completes what it gets if wanted. */
static void
work_once(struct world *world, int lane, bool completes)
{
	struct ask *ask = step_fetch(world, "drain", world->topics, world->topic_count, FETCH_MOST,
		lane * (PART_COUNT / world->lanes));

	world_settle(world);
	if (!ask || !ask->answered || world_failed(world))
		return;
	for (size_t i = 0; i < ask->request.task_count && completes; i++)
		step_command(world, (struct command){ .kind = COMMAND_complete_task, .worker = "drain",
			.target = ask->request.tasks[i].activity,
			.variables = step_variables(&world->dice, world->arena) });
	world_settle(world);
}

static int64_t
time_of(struct world *world, int64_t id)
{
	const struct place *place = world_owner(world, id);

	return place ? lane_now(place->lane, world->now_us) : INT64_MIN;
}

static bool
is_fetchable(const struct activity *at)
{
	return at->external.topic && at->state == ACTIVITY_active && at->external.retries != 0 &&
		!at->instance->suspended;
}

/* Whether a fetch would have to give it. */
static bool
is_ready(struct world *world, const struct activity *at)
{
	return is_fetchable(at) &&
		(at->external.until_us == WHEN_NONE || at->external.until_us <= time_of(world, at->id));
}

static bool
any_ready(struct world *world)
{
	const struct activity *at = NULL;
	size_t tree = 0;

	while ((at = next_stored(world, &tree, at)) != NULL)
		if (is_ready(world, at))
			return true;
	return false;
}

/* A fetch may get nothing for its pains when what it found becomes an incident: it is asked again. */
static void
work(struct world *world)
{
	for (int fetches = 0; fetches < MOST_FETCHES && any_ready(world) && !world_failed(world); fetches++) {
		step_tame(world);
		for (int l = 0; l < world->lanes && world->topic_count > 0; l++)
			work_once(world, l, fetches < WORK_FETCHES);
	}
}

/* Until the lanes rest and nothing is ready; what becomes so while they come to rest has other looks.  Whether they
 * rest. */
static bool
work_to_rest(struct world *world)
{
	bool rests;
	int looks = 0;

	do {
		work(world);
		rests = world_settle(world);
	} while (rests && any_ready(world) && ++looks < MOST_LOOKS && !world_failed(world));
	return rests;
}

/* Nothing that a fetch would have to give, or a lane to run, is left. */
static void
check_nothing_hides(struct world *world)
{
	const struct activity *at = NULL;
	size_t tree = 0;

	while ((at = next_stored(world, &tree, at)) != NULL) {
		int64_t now_us = time_of(world, at->id);

		if (is_ready(world, at))
			world_fail(world, "task %" PRId64 " (%s) is ready and no fetch finds it", at->id, at->node->id);
		for (const struct job *job = at->jobs; job; job = job->next) {
			int64_t due_us = job->due_us != WHEN_NONE ? job->due_us : job->created_us;

			if (job->retries > 0 && !at->instance->suspended && due_us <= now_us - 2 * WORLD_SECOND)
				world_fail(world, "job %" PRId64 " (%s) is due and nobody runs it", job->id,
					at->node->id);
		}
	}
}

/* When a lock runs out or a job falls due next; INT64_MAX: nothing does. */
static int64_t
next_event_us(struct world *world)
{
	int64_t next = INT64_MAX;
	const struct activity *at = NULL;
	size_t tree = 0;

	while ((at = next_stored(world, &tree, at)) != NULL) {
		if (is_fetchable(at) && at->external.until_us != WHEN_NONE && at->external.until_us < next)
			next = at->external.until_us;
		for (const struct job *job = at->jobs; job; job = job->next)
			if (job->retries > 0 && job->due_us != WHEN_NONE && job->due_us < next)
				next = job->due_us;
	}
	return next;
}

/* So much time passes that all clocks follow, and those who were in trouble hear of it.  It stops where an instance has
 * grown too large, until somebody deletes that. */
static void
hear(struct world *world, int64_t us)
{
	int64_t end = world->now_us + us;

	while (world->now_us < end && !world_failed(world)) {
		step_tame(world);
		world_run(world, end - world->now_us);
	}
}

/* Lets that time come; a leap of the clock, so that a long wait costs no more than a short one. */
static void
pass_until(struct world *world, int64_t us)
{
	int64_t ahead = us == INT64_MAX ? 0 : us - world->memory->now_us;

	world->quiet = false;			/* an owner may seem dead for the leap */
	if (ahead > 4 * WORLD_SECOND)
		world_jump(world, ahead - 2 * WORLD_SECOND);
	hear(world, 6 * WORLD_SECOND);		/* longer than between two renewals */
	await_owner(world);
	world->quiet = true;
}

/* A job that ends its daemon is run by hand or unnoted once each, noted twice, and given up then.  After a jump of the
 * clock it may fall due unnoted again. */
static void
check_poisonings(struct world *world, int64_t before)
{
	enum { USUAL = 4, AFTER_JUMPS = 8 };
	int64_t jobs = (int64_t)map_count(&world->poisoned), ends = world->poisonings - before;

	if (ends > jobs * (world->counted.jumps ? AFTER_JUMPS : USUAL))
		world_fail(world, "%" PRId64 " jobs ended the daemon %" PRId64 " times", jobs, ends);
}

void
drain(struct world *world)
{
	int64_t poisonings = world->poisonings;

	world_calm(world);
	hear(world, HELD_SECONDS * WORLD_SECOND);
	world->quiet = true;
	for (int round = 0; round < MOST_ROUNDS && !world_failed(world); round++) {
		await_owner(world);
		step_tame(world);
		people(world, round >= WORK_ROUNDS);
		if (work_to_rest(world) && is_owned(world) && !world_failed(world))
			check_nothing_hides(world);
		if (world->memory->tree_count == 0)
			break;
		pass_until(world, next_event_us(world));
	}
	world_settle(world);
	check_poisonings(world, poisonings);
	if (world->memory->tree_count > 0)
		world_fail(world, "%zu instances do not end, not even by deletion", world->memory->tree_count);
}
