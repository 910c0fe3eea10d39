/* SPDX-License-Identifier: Apache-2.0
 * The state machine of a lane: own, gather, load, run, save, answer. */
#include "lane/lane_priv.h"

#include <assert.h>
#include <string.h>

#include "base/counters.h"
#include "base/log.h"

enum {
	ID_BLOCK = 20000,		/* ids reserved ahead, so that the part's row is written rarely */
	FETCH_MOST = 1000,		/* tasks one fetch may get at once */
	SAVE_TRIES = 3,			/* of a batch that met weather */
};

/* One command of the batch under way. */
struct work {
	struct request *request;	/* NULL: a due job */
	const struct fetch_topic *topic;	/* of a pick for a fetch */
	struct command command;
	struct cached *cached;		/* its tree; NULL for a start until it is saved */
	struct tree *tree;
	struct effects effects;
	struct outcome outcome;
	int64_t event_id, big_id;
	enum status status;
	struct error error;
	bool picked;			/* the command is a lock for a fetch */
	bool ran;			/* effects are in the tree */
};

struct gathered {
	struct work *list;
	size_t count, capacity;
	struct request *requests;	/* to be answered after this step, in order */
	struct request **requests_end;
};

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

/* ---- gathering ---------------------------------------------------------------------------------------- */

static struct work *
add_work(struct lane *lane, struct gathered *gathered)
{
	struct work *work;

	gathered->list = arena_grow(lane->scratch, gathered->list, sizeof *gathered->list, gathered->count,
		&gathered->capacity);
	work = &gathered->list[gathered->count++];
	*work = (struct work){.status = OK};
	return work;
}

static void
gather_fetch(struct lane *lane, struct gathered *gathered, struct request *request)
{
	const struct fetch *fetch = &request->fetch;
	size_t limit = fetch->max_tasks < FETCH_MOST ? (size_t)fetch->max_tasks : FETCH_MOST, n, i;
	const struct fetch_topic **topics = ARENA_ARRAY(lane->scratch, const struct fetch_topic *, limit);
	int64_t *ids = ARENA_ARRAY(lane->scratch, int64_t, limit);
	struct work *work;

	n = tasks_pick(lane, fetch, limit, ids, topics);
	for (i = 0; i < n; i++) {
		work = add_work(lane, gathered);
		work->request = request;
		work->picked = true;
		work->topic = topics[i];
		work->command = (struct command){
			.kind = COMMAND_lock_task,
			.target = ids[i],
			.worker = fetch->worker,
			.duration_us = topics[i]->lock_us,
			.arena = request->arena,
		};
	}
	request->tasks = ARENA_ARRAY(request->arena, struct fetched, n);
	request->task_count = 0;
}

/* Takes requests off the inbox: at most a batch of them, and no more than a batch of commands. */
static void
gather_requests(struct lane *lane, struct gathered *gathered, struct request **inbox, size_t limit)
{
	struct request *request;
	struct work *work;
	size_t taken = 0;

	while (*inbox != NULL && gathered->count < limit && taken++ < limit) {
		request = *inbox;
		*inbox = request->next;
		request->next = NULL;
		*gathered->requests_end = request;
		gathered->requests_end = &request->next;
		request->status = OK;
		if (request->kind == REQUEST_fetch) {
			gather_fetch(lane, gathered, request);
			continue;
		}
		work = add_work(lane, gathered);
		work->request = request;
		work->command = request->command;
		work->command.arena = request->arena;
	}
}

static void
gather_jobs(struct lane *lane, struct gathered *gathered, size_t limit)
{
	int64_t *ids = ARENA_ARRAY(lane->scratch, int64_t, limit);
	size_t n, i;
	struct work *work;

	if (!lane->config.settings->executor)
		return;
	n = timers_due(lane, lane->last_now_us, limit, ids);
	for (i = 0; i < n; i++) {
		work = add_work(lane, gathered);
		work->command = (struct command){
			.kind = COMMAND_execute_job,
			.target = ids[i],
			.arena = lane->scratch,
		};
	}
}

/* Finds or loads the trees of all work, in one read for those that are not cached. */
static enum status
load_trees(struct lane *lane, struct gathered *gathered, struct error *err)
{
	int64_t *missing = ARENA_ARRAY(lane->scratch, int64_t, gathered->count);
	struct tree **trees = ARENA_ARRAY(lane->scratch, struct tree *, gathered->count);
	struct cached *cached;
	struct work *work;
	size_t i, n = 0;

	for (i = 0; i < gathered->count; i++) {
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
	for (i = 0; i < gathered->count; i++) {
		work = &gathered->list[i];
		if (work->command.kind == COMMAND_start)
			continue;
		cached = cache_find(lane, work->command.target);
		if (cached == NULL)
			continue;
		cache_touch(lane, cached);
		work->cached = cached;
		work->tree = cached->tree;
	}
	return OK;
}

/* ---- running ------------------------------------------------------------------------------------------ */

static enum status
run_engine(struct lane *lane, struct work *work, int32_t part)
{
	int64_t *next = &lane->next_id[part];
	size_t large;

	work->command.now_us = lane->last_now_us;
	work->command.next_id = *next;
	work->command.limits = &lane->limits;
	effects_init(&work->effects, lane->scratch);
	work->status = engine_run(work->tree, &work->command, &work->effects, &work->outcome, &work->error);
	if (work->status != OK)
		return work->status;
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
refuse_missing(struct work *work)
{
	work->status = FAIL(&work->error, not_found, "nothing that runs has the id '%lld'",
		(long long)work->command.target);
}

static struct command
failure_of(struct lane *lane, int64_t job, const struct error *cause)
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
	struct error cause = work->error;

	work->command = failure_of(lane, work->command.target, &cause);
	if (run_engine(lane, work, id_part(work->command.target)) != OK)
		log_event(LOG_ERROR_LEVEL, "job-failure-not-recorded", "job=%lld", (long long)work->command.target);
	/* whoever asked for the job hears why it failed */
	work->error = cause;
	work->status = cause.status;
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
		refuse_missing(work);
		return;
	}
	part = id_part(work->command.target);
	if (work->picked && exhausted(lane, work))
		work->command.kind = COMMAND_expire_lock;
	if (run_engine(lane, work, part) != OK && work->command.kind == COMMAND_execute_job &&
	    work->status != E_not_found && work->status != E_suspended)
		fail_job(lane, work);
}

static void
run_all(struct lane *lane, struct gathered *gathered)
{
	size_t i;

	for (i = 0; i < gathered->count; i++)
		run_one(lane, &gathered->list[i]);
}

/* Takes everything back, last first; the trees are as the store has them, but are forgotten all the same. */
static void
take_back(struct lane *lane, struct gathered *gathered)
{
	struct work *work;
	size_t i;

	for (i = gathered->count; i-- > 0;) {
		work = &gathered->list[i];
		if (work->ran)
			engine_undo(work->tree, &work->effects, 0);
	}
	for (i = 0; i < gathered->count; i++) {
		work = &gathered->list[i];
		if (work->command.kind == COMMAND_start && work->ran)
			tree_free(work->tree);
		else if (work->cached != NULL && work->cached->tree != NULL)
			cache_forget(lane, work->cached);
		work->ran = false;
		work->tree = NULL;
		work->cached = NULL;
	}
}

/* ---- saving ------------------------------------------------------------------------------------------- */

static enum status
save(struct lane *lane, struct gathered *gathered, int64_t *now_us, struct error *err)
{
	struct saved_command *commands = ARENA_ARRAY(lane->scratch, struct saved_command, gathered->count);
	int64_t *reserved = ARENA_ARRAY(lane->scratch, int64_t, PART_COUNT);
	struct batch batch = {.commands = commands, .reserved = reserved, .arena = lane->scratch};
	enum status status;
	struct work *work;
	size_t i;

	for (i = 0; i < gathered->count; i++) {
		work = &gathered->list[i];
		if (!work->ran)
			continue;
		commands[batch.count++] = (struct saved_command){
			.tree = work->tree,
			.command = &work->command,
			.outcome = &work->outcome,
			.effects = &work->effects,
			.event_id = work->event_id,
			.big_id = work->big_id,
		};
	}
	if (batch.count == 0) {
		*now_us = 0;
		return OK;
	}
	for (i = 0; i < PART_COUNT; i++)
		if (lane->next_id[i] > lane->persisted[i])
			reserved[i] = lane->next_id[i] + (int64_t)ID_BLOCK * ID_STEP;
	status = lane->config.store->ops->save(lane->config.store, &batch, now_us, err);
	if (status != OK) {
		counter_add(COUNT_batches_failed, 1);
		return status;
	}
	for (i = 0; i < PART_COUNT; i++)
		if (reserved[i] != 0)
			lane->persisted[i] = reserved[i];
	counter_add(COUNT_batches, 1);
	counter_add(COUNT_commands, (int64_t)batch.count);
	histogram_add(TIME_batch_commands, (double)batch.count);
	return OK;
}

/* ---- after the commit --------------------------------------------------------------------------------- */

/* Everything of a tree whose tasks and jobs became available again (or ceased to be) as a whole. */
static void
sync_whole(struct lane *lane, struct tree *tree)
{
	struct activity *activity;
	const struct job *job;

	for (activity = tree_walk(tree, NULL); activity != NULL; activity = tree_walk(tree, activity)) {
		if (activity->external.topic != NULL)
			tasks_sync(lane, tree, activity->id);
		for (job = activity->jobs; job != NULL; job = job->next)
			timers_sync(lane, tree, job->id);
	}
}

static void
publish_activity(struct lane *lane, struct work *work, const struct effect *effect)
{
	int64_t id = effect->on.activity->id;

	if (effect->kind == EFFECT_activity_open && !effect->on.activity->closed)
		cache_index(lane, work->cached, id);
	if (effect->kind == EFFECT_activity_close) {
		cache_unindex(lane, id);
		counter_add(COUNT_activities_ended, 1);
	}
	if (effect->on.activity->external.topic != NULL)
		tasks_sync(lane, work->tree, id);
}

static void
publish_effect(struct lane *lane, struct work *work, const struct effect *effect)
{
	switch (effect->kind) {
	case EFFECT_activity_open:
		counter_add(COUNT_activities_started, 1);
		publish_activity(lane, work, effect);
		break;
	case EFFECT_activity_state:
	case EFFECT_activity_close:
	case EFFECT_task_open:
	case EFFECT_task_lock:
	case EFFECT_task_fail:
	case EFFECT_task_priority:
		publish_activity(lane, work, effect);
		break;
	case EFFECT_job_open:
	case EFFECT_job_set:
	case EFFECT_job_close:
		if (tree_job(work->tree, effect->on.job->id) != NULL)
			cache_index(lane, work->cached, effect->on.job->id);
		else
			cache_unindex(lane, effect->on.job->id);
		timers_sync(lane, work->tree, effect->on.job->id);
		break;
	case EFFECT_instance_open:
		cache_index(lane, work->cached, effect->on.instance->id);
		counter_add(COUNT_instances_started, 1);
		break;
	case EFFECT_instance_close:
		cache_unindex(lane, effect->on.instance->id);
		counter_add(COUNT_instances_ended, 1);
		break;
	case EFFECT_instance_suspend:
		sync_whole(lane, work->tree);
		break;
	case EFFECT_incident_open:
		counter_add(COUNT_incidents_opened, 1);
		break;
	case EFFECT_user_open:
	case EFFECT_user_assign:
	case EFFECT_variable_set:
	case EFFECT_variable_drop:
	case EFFECT_incident_close:
		break;
	}
}

static void
publish(struct lane *lane, struct work *work)
{
	size_t i;

	if (work->cached == NULL)
		work->cached = cache_add(lane, work->tree);
	for (i = 0; i < work->effects.count; i++)
		publish_effect(lane, work, &work->effects.list[i]);
	if (work->command.kind == COMMAND_execute_job)
		counter_add(COUNT_jobs_executed, 1);
	if (work->command.kind == COMMAND_complete_task)
		counter_add(COUNT_tasks_completed, 1);
	if (work->command.kind == COMMAND_fail_task)
		counter_add(COUNT_tasks_failed, 1);
	cache_touch(lane, work->cached);
}

/* Trees whose root has ended hold nothing that runs. */
static void
drop_ended(struct lane *lane, struct gathered *gathered)
{
	struct work *work;
	size_t i;

	for (i = 0; i < gathered->count; i++) {
		work = &gathered->list[i];
		if (work->ran && work->cached->tree != NULL && work->cached->tree->root->activity.closed)
			cache_forget(lane, work->cached);
	}
}

/* ---- answers ------------------------------------------------------------------------------------------ */

static void
settle(struct lane *lane, struct work *work)
{
	struct request *request = work->request;

	if (work->status != OK)
		counter_add(COUNT_commands_refused, 1);
	if (work->picked) {
		if (work->ran && work->command.kind == COMMAND_lock_task)
			task_hand_out(lane, tree_activity(work->tree, work->command.target), work->topic, request);
		else if (!work->ran && work->tree != NULL)
			tasks_sync(lane, work->tree, work->command.target);	/* as the batch has left it */
		else if (!work->ran)
			tasks_forget(lane, work->command.target);
		return;
	}
	if (request == NULL)
		return;
	request->status = work->status;
	request->error = work->error;
	request->outcome = work->outcome;
}

static void
answer(struct gathered *gathered)
{
	struct request *request, *next;

	for (request = gathered->requests; request != NULL; request = next) {
		next = request->next;
		request->next = NULL;
		request->done(request);
	}
}

static void
answer_all(struct gathered *gathered, const struct error *err)
{
	struct request *request;

	for (request = gathered->requests; request != NULL; request = request->next) {
		request->status = err->status;
		request->error = *err;
		request->task_count = 0;
	}
	answer(gathered);
}

/* ---- a batch ------------------------------------------------------------------------------------------ */

/* Loads, runs and saves the work; OK when what ran is durable.  Otherwise everything is taken back. */
static enum status
attempt(struct lane *lane, struct gathered *gathered, int64_t *now_us, struct error *err)
{
	enum status status = load_trees(lane, gathered, err);

	if (status == OK) {
		run_all(lane, gathered);
		status = save(lane, gathered, now_us, err);
	}
	if (status != OK)
		take_back(lane, gathered);
	return status;
}

/* What is needed to run a piece of work again as if nothing had been. */
static void
reset_work(struct gathered *gathered)
{
	struct work *work;
	size_t i;

	for (i = 0; i < gathered->count; i++) {
		work = &gathered->list[i];
		if (work->command.kind == COMMAND_fail_job) {
			work->command = (struct command){
				.kind = COMMAND_execute_job,
				.target = work->command.target,
				.arena = work->command.arena,
			};
			if (work->request != NULL) {
				work->command = work->request->command;
				work->command.arena = work->request->arena;
			}
		}
		if (work->picked)
			work->command.kind = COMMAND_lock_task;
		work->status = OK;
		work->ran = false;
		work->event_id = 0;
	}
}

static void
finish(struct lane *lane, struct gathered *gathered)
{
	size_t i;

	for (i = 0; i < gathered->count; i++)
		if (gathered->list[i].ran)
			publish(lane, &gathered->list[i]);
	for (i = 0; i < gathered->count; i++)
		settle(lane, &gathered->list[i]);
	drop_ended(lane, gathered);
}

static bool
is_outside(enum status status)
{
	return status == E_weather || status == E_fenced;
}

/* Work that was not done: the task or job is there for another time, the client hears why. */
static void
leave_undone(struct lane *lane, struct work *work, const struct error *err)
{
	if (work->picked)
		tasks_put_back(lane, work->command.target);
	if (work->request == NULL) {
		timers_put_back(lane, work->command.target, lane->last_now_us + SECOND_US);
	} else if (work->request->task_count == 0) {
		work->request->status = err->status;
		work->request->error = *err;
	}
}

/* A piece that cannot be stored though it stands alone.  A due job has failed then like any other: it loses an attempt,
 * and is an incident in the end. */
static enum status
blame(struct lane *lane, struct work *work, struct error *err)
{
	struct gathered single = {.list = work, .count = 1};
	struct error cause = *err;
	enum status status;
	int64_t now_us;

	log_event(LOG_ERROR_LEVEL, "command-not-stored", "kind=%s target=%lld", command_word(work->command.kind),
		(long long)work->command.target);
	counter_add(COUNT_commands_refused, 1);
	if (work->request == NULL) {
		reset_work(&single);
		work->command = failure_of(lane, work->command.target, &cause);
		status = attempt(lane, &single, &now_us, err);
		if (status == OK)
			finish(lane, &single);
		if (status == OK || is_outside(status))
			return status;
	}
	leave_undone(lane, work, &cause);
	return OK;
}

/* After a batch failed for something in it: each piece alone, so that the guilty one stands alone.  *finished says how
 * many were settled before something from outside came between. */
static enum status
one_by_one(struct lane *lane, struct gathered *gathered, size_t *finished, struct error *err)
{
	struct gathered single;
	enum status status;
	int64_t now_us;

	for (*finished = 0; *finished < gathered->count; ++*finished) {
		single = (struct gathered){.list = &gathered->list[*finished], .count = 1};
		reset_work(&single);
		status = attempt(lane, &single, &now_us, err);
		if (status == OK)
			finish(lane, &single);
		else if (!is_outside(status))
			status = blame(lane, single.list, err);
		if (status != OK)
			return status;
	}
	return OK;
}

static void
run_batch(struct lane *lane, struct gathered *gathered, int64_t monotonic_us)
{
	enum status status = E_weather;
	struct error err;
	int64_t now_us = 0;
	size_t finished = 0;
	int tries;

	for (tries = 0; tries < SAVE_TRIES && status == E_weather; tries++) {
		reset_work(gathered);
		status = attempt(lane, gathered, &now_us, &err);
	}
	if (status == OK) {
		if (now_us != 0) {
			owner_set_time(lane, now_us, monotonic_us);
			lane->next_renew_us = monotonic_us + 3 * SECOND_US;
		}
		finish(lane, gathered);
	} else if (!is_outside(status)) {
		status = gathered->count > 1 ? one_by_one(lane, gathered, &finished, &err) :
					       blame(lane, gathered->list, &err);
	}
	/* what is durable by now was done, whatever came then */
	for (; status != OK && finished < gathered->count; finished++)
		leave_undone(lane, &gathered->list[finished], &err);
	answer(gathered);
	if (status != OK)
		owner_step_down(lane, monotonic_us, err.message);
}

static void
refuse_inbox(struct lane *lane, struct request **inbox)
{
	struct gathered gathered = {.requests = *inbox};
	struct error err;

	(void)lane;
	*inbox = NULL;
	FAIL(&err, unavailable, "this daemon does not own the process instances now; try again");
	answer_all(&gathered, &err);
}

static int64_t
next_step_us(const struct lane *lane, int64_t monotonic_us)
{
	int64_t next = lane->next_renew_us, event;

	event = tasks_next_us(lane);
	if (lane->config.settings->executor && timers_next_us(lane) < event)
		event = timers_next_us(lane);
	if (event == INT64_MAX)
		return next;
	event += monotonic_us - lane_now(lane, monotonic_us);
	if (event < monotonic_us)
		event = monotonic_us;
	return event < next ? event : next;
}

int64_t
lane_step(struct lane *lane, int64_t monotonic_us, struct request **inbox)
{
	struct gathered gathered = {.requests_end = &gathered.requests};
	size_t limit = (size_t)lane->config.settings->batch_commands;
	struct error err;

	lane->step++;
	arena_reset(lane->scratch);
	if (!lane->active && monotonic_us >= lane->next_claim_us)
		owner_claim(lane, monotonic_us);
	if (lane->active && monotonic_us >= lane->next_renew_us)
		owner_renew(lane, monotonic_us);
	if (!lane->active) {
		refuse_inbox(lane, inbox);
		return lane->next_claim_us;
	}
	lane->last_now_us = lane_now(lane, monotonic_us);
	tasks_expire(lane, lane->last_now_us);
	if (timers_refill(lane, lane->last_now_us, &err) != OK) {
		owner_step_down(lane, monotonic_us, err.message);
		refuse_inbox(lane, inbox);
		return monotonic_us;
	}
	tasks_refill(lane);
	gather_jobs(lane, &gathered, (limit + 1) / 2);
	gather_requests(lane, &gathered, inbox, limit);
	if (gathered.count > 0)
		run_batch(lane, &gathered, monotonic_us);
	else
		answer(&gathered);
	if (!lane->active)
		return monotonic_us;
	cache_trim(lane);
	tasks_announce(lane);
	return *inbox != NULL ? monotonic_us : next_step_us(lane, monotonic_us);
}

struct lane *
lane_new(const struct lane_config *config)
{
	struct arena *arena = arena_new();
	struct arena *forever = arena_new();
	struct lane *lane = ARENA_NEW(forever, struct lane);

	lane->config = *config;
	lane->forever = forever;
	lane->arena = arena;
	lane->scratch = arena_new();
	lane->claim_pause_us = CLAIM_PAUSE_US;
	lane->limits = (struct limits){
		.steps = config->settings->step_limit,
		.default_retries = (int32_t)config->settings->default_retries,
		.lock_expiries = (int32_t)config->settings->lock_expiries,
	};
	map_init(&lane->index, arena);
	map_init(&lane->topics, arena);
	map_init(&lane->tasks, arena);
	map_init(&lane->jobs, arena);
	tasks_init(lane);
	timers_init(lane);
	return lane;
}

void
lane_free(struct lane *lane)
{
	cache_clear(lane);
	tasks_clear(lane);
	timers_clear(lane);
	ordered_free(lane->locks);
	ordered_free(lane->due);
	arena_free(lane->scratch);
	arena_free(lane->arena);
	arena_free(lane->forever);
}

bool
lane_active(const struct lane *lane)
{
	return lane->active;
}

bool
lane_standby(const struct lane *lane)
{
	return lane->standby;
}

void
lane_stop(struct lane *lane, struct request **inbox)
{
	struct error err;
	char quoted[512];

	refuse_inbox(lane, inbox);
	if (!lane->active)
		return;
	if (lane->config.store->ops->release(lane->config.store, &err) != OK)
		log_event(LOG_WARN_LEVEL, "lane-not-released", "lane=%d error=%s", (int)lane->config.range.lane,
			log_quote(err.message, quoted));
	owner_step_down(lane, 0, "stopping");
}
