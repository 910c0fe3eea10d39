/* SPDX-License-Identifier: Apache-2.0
 * The commands of a batch: their trees, their run, and how it is taken back. */
#include "lane/lane_priv.h"

#include "base/counters.h"
#include "base/log.h"

/* ---- ids ---------------------------------------------------------------------------------------- */

/* The part of a new instance: by its business key, so that equal keys meet; else the one in use for now. */
static int32_t
part_for(struct lane *lane, const struct command *command)
{
	const struct lane_range *range = &lane->config.range;
	int32_t width = range->last_part - range->first_part + 1;

	if (command->business_key != NULL)
		return part_of_key(command->definition != NULL ? command->definition->tenant : NULL,
			command->business_key);
	if (lane->starts_left-- <= 0) {
		lane->starts_left = STARTS_PER_PART;
		lane->start_part = range->first_part + (lane->start_part - range->first_part + 1) % width;
	}
	return lane->start_part;
}

int32_t
part_of_key(const char *tenant, const char *business_key)
{
	uint64_t hash = hash_text(business_key);

	if (tenant != NULL)
		hash ^= hash_text(tenant) * UINT64_C(0x9E3779B97F4A7C15);
	return (int32_t)(hash % PART_COUNT);
}

/* Finds or loads the trees of all work that has not run, in one read for those that are not cached. */
static enum status
load_trees(struct lane *lane, struct gathered *gathered, struct error *err)
{
	size_t from = gathered->ran, count = gathered->count - from;
	int64_t *missing = ARENA_ARRAY(lane->scratch, int64_t, count);
	struct tree **trees = ARENA_ARRAY(lane->scratch, struct tree *, count);
	struct cached *cached;
	struct work *work;
	size_t i, n = 0;

	for (i = from; i < gathered->count; i++) {
		work = &gathered->list[i];
		if (work->command.kind == COMMAND_start)
			continue;
		if (cache_find(lane, work->command.target) != NULL)
			counter_add(COUNT_trees_hit, 1);
		else
			missing[n++] = work->command.target;
	}
	if (n > 0) {
		TRY(lane->config.store->ops->load(lane->config.store, missing, n, lane->config.definitions, trees,
			err));
		for (i = 0; i < n; i++) {
			if (trees[i] == NULL || trees[i]->owner_data != NULL)
				continue;
			cache_add(lane, trees[i]);
			counter_add(COUNT_trees_loaded, 1);
		}
	}
	for (i = from; i < gathered->count; i++) {
		work = &gathered->list[i];
		if (work->command.kind == COMMAND_start)
			continue;
		cached = cache_find(lane, work->command.target);
		if (cached == NULL)
			continue;
		cache_touch(lane, cached);
		cached->pins++;
		work->cached = cached;
		work->tree = cached->tree;
	}
	return OK;
}

/* ---- running ------------------------------------------------------------------------------------------ */

static enum status
refuse(struct lane *lane, struct work *work, const struct error *err)
{
	work->error = arena_copy(lane->scratch, err, sizeof *err);
	return work->status = err->status;
}

static enum status
run_engine(struct lane *lane, struct work *work, int32_t part)
{
	int64_t *next = &lane->next_id[part];
	struct error err;
	size_t large;

	work->command.now_us = lane->last_now_us;
	work->command.next_id = *next;
	work->command.limits = &lane->limits;
	effects_init(&work->effects, lane->scratch);
	work->status = engine_run(work->tree, &work->command, &work->effects, &work->outcome, &err);
	if (work->status != OK)
		return refuse(lane, work, &err);
	work->ran = true;
	*next = work->outcome.next_id;
	if (command_logged(work->command.kind)) {
		work->event_id = *next;
		*next += ID_STEP;
	}
	large = store_big_values(&work->effects);
	work->big_id = *next;
	*next += (int64_t)large * ID_STEP;
	return OK;
}

static void
refuse_missing(struct lane *lane, struct work *work)
{
	struct error err;

	FAIL(&err, not_found, "nothing that runs has the id '%lld'", (long long)work->command.target);
	refuse(lane, work, &err);
}

struct command
work_failure(struct lane *lane, int64_t job, const struct error *cause)
{
	counter_add(COUNT_jobs_failed, 1);
	return (struct command){
		.kind = COMMAND_fail_job,
		.target = job,
		.error_message = arena_strdup(lane->scratch, cause->message),
		.error_code = cause->element,
		.arena = lane->scratch,
	};
}

/* A job that failed becomes a second command: its effects are gone, what is left is one attempt less. */
static void
fail_job(struct lane *lane, struct work *work)
{
	const struct error *cause = work->error;

	work->command = work_failure(lane, work->command.target, cause);
	if (run_engine(lane, work, id_part(work->command.target)) != OK)
		log_event(LOG_ERROR_LEVEL, "job-failure-not-recorded", "job=%lld", (long long)work->command.target);
	/* whoever asked for the job hears why it failed */
	work->error = cause;
	work->status = cause->status;
}

/* Whether the task's lock has now run out once too often to be handed out again. */
static bool
exhausted(const struct lane *lane, const struct work *work)
{
	const struct activity *activity = tree_activity(work->tree, work->command.target);
	const struct external *external;

	if (activity == NULL || lane->limits.lock_expiries == 0)
		return false;
	external = &activity->external;
	return external->locked_us != WHEN_NONE && external->until_us <= lane->last_now_us &&
		external->expiries + 1 >= lane->limits.lock_expiries;
}

static void
run_one(struct lane *lane, struct work *work)
{
	int32_t part;

	if (work->command.kind == COMMAND_start) {
		work->tree = tree_new(lane->config.definitions);
		part = part_for(lane, &work->command);
		if (run_engine(lane, work, part) != OK) {
			tree_free(work->tree);
			work->tree = NULL;
		}
		return;
	}
	if (work->tree == NULL || work->tree->root == NULL || work->tree->root->activity.closed) {
		refuse_missing(lane, work);
		return;
	}
	part = id_part(work->command.target);
	if (work->picked && exhausted(lane, work))
		work->command.kind = COMMAND_expire_lock;
	if (run_engine(lane, work, part) == OK) {
		/* as it is locked now: before this is committed another command may end it */
		if (work->command.kind == COMMAND_lock_task && work->picked)
			work->fetched = task_hand_out(tree_activity(work->tree, work->command.target), work->topic,
				work->request->arena);
	} else if (work->command.kind == COMMAND_execute_job && work->status != E_not_found &&
		   work->status != E_suspended) {
		fail_job(lane, work);
	}
}

/* Whether a batch may end before its next piece of work: not within a request. */
static bool
may_end(const struct gathered *gathered)
{
	const struct work *next = &gathered->list[gathered->ran];

	return next->request == NULL || next->request != next[-1].request;
}

enum status
run_new(struct lane *lane, struct gathered *gathered, size_t most, struct error *err)
{
	struct work *work;

	if (gathered->ran == gathered->count)
		return OK;
	TRY(load_trees(lane, gathered, err));
	for (; gathered->ran < gathered->count; gathered->ran++) {
		if (gathered->effects >= most && may_end(gathered))
			return OK;
		work = &gathered->list[gathered->ran];
		run_one(lane, work);
		if (work->ran)
			gathered->effects += work->effects.count;
	}
	return OK;
}

void
run_cut(struct gathered *gathered)
{
	size_t i;

	for (i = gathered->ran; i < gathered->count; i++)
		if (gathered->list[i].cached != NULL)
			gathered->list[i].cached->pins--;
	gathered->count = gathered->ran;
}

void
run_undo(struct lane *lane, struct gathered *gathered)
{
	struct work *work;
	size_t i;

	for (i = gathered->count; i-- > 0;) {
		work = &gathered->list[i];
		if (work->ran && work->command.kind == COMMAND_start)
			tree_free(work->tree);
		else if (work->ran)
			publish_undo(lane, work);
		work->ran = false;
		work->tree = NULL;
	}
	for (i = 0; i < gathered->count; i++) {
		work = &gathered->list[i];
		if (work->cached != NULL && --work->cached->pins == 0)
			cache_forget(lane, work->cached);
		work->cached = NULL;
	}
	gathered->ran = 0;
	gathered->effects = 0;
}
