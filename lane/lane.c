/* SPDX-License-Identifier: Apache-2.0
 * The state machine of a lane: own, gather, load, run, save, answer.
 *
 * While one batch is on its way into the store, the next one gathers and runs on the same trees: the store never waits
 * for the engine.  Nothing of it is sent before the first is committed, and nobody hears of it; if the first fails,
 * both are taken back and the second goes back into the inbox.  What needs the store (trees that are not cached, due
 * jobs, windows that ran dry) waits until nothing is on its way. */
#include "lane/lane_priv.h"

#include <assert.h>
#include <string.h>

#include "base/counters.h"
#include "base/log.h"

enum {
	ID_BLOCK = 20000,		/* ids reserved ahead, so that the part's row is written rarely */
	FIRST_WORKS = 32,		/* room for commands that a batch begins with */
	MOST_EFFECTS = 10000,		/* of a batch: what comes then waits for the next, some 50 ms later */
	FETCH_MOST = 1000,		/* tasks one fetch may get at once */
	SAVE_TRIES = 3,			/* of a batch that met weather */
	HELD_MOST = 3,			/* commands of a batch whose rows somebody else holds: more are weather */
	HELD_PAUSE_US = 5000000,	/* until their jobs and tasks are tried again: it costs half a second */
};

void
request_fail(struct request *request, const struct error *err)
{
	request->status = err->status;
	request->error = arena_copy(request->arena, err, sizeof *err);
}

/* ---- gathering ---------------------------------------------------------------------------------------- */

static struct work *
add_work(struct lane *lane, struct gathered *gathered)
{
	struct work *work;

	if (gathered->list == NULL) {
		gathered->capacity = FIRST_WORKS;
		gathered->list = ARENA_ARRAY(lane->scratch, struct work, FIRST_WORKS);
	}
	gathered->list = arena_grow(lane->scratch, gathered->list, sizeof *gathered->list, gathered->count,
		&gathered->capacity);
	work = &gathered->list[gathered->count++];
	*work = (struct work){.status = OK};
	return work;
}

/* Whether the trees of all these tasks are in the cache. */
static bool
are_cached(struct lane *lane, const int64_t *ids, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (cache_find(lane, ids[i]) == NULL)
			return false;
	return true;
}

/* False when that has to wait until nothing is on its way. */
static bool
gather_fetch(struct lane *lane, struct gathered *gathered, struct request *request)
{
	const struct fetch *fetch = &request->fetch;
	size_t limit = fetch->max_tasks < FETCH_MOST ? (size_t)fetch->max_tasks : FETCH_MOST, n, i;
	const struct fetch_topic **topics = ARENA_ARRAY(lane->scratch, const struct fetch_topic *, limit);
	int64_t *ids = ARENA_ARRAY(lane->scratch, int64_t, limit);
	struct work *work;

	n = tasks_pick(lane, fetch, limit, ids, topics);
	if (lane->flying != NULL && !are_cached(lane, ids, n)) {
		while (n-- > 0)
			tasks_put_back(lane, ids[n]);
		return false;
	}
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
	return true;
}

/* Filters that only the store can answer. */
static bool
asks_store(const struct fetch *fetch)
{
	size_t i;

	for (i = 0; i < fetch->topic_count; i++)
		if (fetch->topics[i].business_key != NULL || fetch->topics[i].process_variables.count > 0)
			return true;
	return false;
}

static void
gather_command(struct lane *lane, struct gathered *gathered, struct request *request)
{
	struct work *work = add_work(lane, gathered);

	work->request = request;
	work->command = request->command;
	work->command.arena = request->arena;
}

/* False when the request cannot be run while a batch is on its way. */
static bool
gather_one(struct lane *lane, struct gathered *gathered, struct request *request)
{
	bool flying = lane->flying != NULL;

	if (request->kind == REQUEST_fetch)
		return !(flying && asks_store(&request->fetch)) && gather_fetch(lane, gathered, request);
	if (flying && request->command.kind != COMMAND_start && cache_find(lane, request->command.target) == NULL)
		return false;
	gather_command(lane, gathered, request);
	return true;
}

static bool
has_room(const struct lane *lane, const struct gathered *gathered)
{
	size_t limit = (size_t)lane->config.settings->batch_commands;

	return gathered->count < limit && gathered->request_count < limit && gathered->effects < MOST_EFFECTS;
}

/* Takes requests off the inbox, in their order: at most a batch of them, and no more than a batch of commands. */
static void
gather_requests(struct lane *lane, struct gathered *gathered, struct request **inbox)
{
	struct request *request;

	while (*inbox != NULL && has_room(lane, gathered) && gather_one(lane, gathered, *inbox)) {
		request = *inbox;
		*inbox = request->next;
		request->next = NULL;
		request->status = OK;
		request->error = NULL;
		*gathered->requests_end = request;
		gathered->requests_end = &request->next;
		gathered->request_count++;
	}
}

static void
gather_jobs(struct lane *lane, struct gathered *gathered)
{
	size_t limit = ((size_t)lane->config.settings->batch_commands + 1) / 2, n, i;
	int64_t *ids = ARENA_ARRAY(lane->scratch, int64_t, limit);
	struct work *work;

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

/* After an unclean end: one job, which stands alone in its batch. */
static enum status
gather_careful_job(struct lane *lane, struct gathered *gathered, bool *alone, struct error *err)
{
	struct command command;

	TRY(careful_job(lane, &command, err));
	if (command.target == 0)
		return OK;
	add_work(lane, gathered)->command = command;
	*alone = true;
	return OK;
}

/* Jobs that are due, into an empty batch.  *alone: nothing else may join them. */
static enum status
gather_due(struct lane *lane, struct gathered *gathered, const struct request *inbox, bool *alone, struct error *err)
{
	if (!lane->config.settings->executor)
		return OK;
	if (lane->requests_first && inbox != NULL)
		return OK;
	if (is_careful(lane))
		return gather_careful_job(lane, gathered, alone, err);
	gather_jobs(lane, gathered);
	return OK;
}

/* ---- saving ------------------------------------------------------------------------------------------- */

/* What ran as the store wants it; an empty batch when nothing did. */
static struct batch
batch_of(struct lane *lane, struct gathered *gathered)
{
	struct saved_command *commands = ARENA_ARRAY(gathered->arena, struct saved_command, gathered->count);
	struct batch batch = {.commands = commands, .arena = gathered->arena};
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
	gathered->reserved = ARENA_ARRAY(gathered->arena, int64_t, PART_COUNT);
	for (i = 0; batch.count > 0 && i < PART_COUNT; i++)
		if (lane->next_id[i] > lane->persisted[i])
			gathered->reserved[i] = lane->next_id[i] + (int64_t)ID_BLOCK * ID_STEP;
	batch.reserved = gathered->reserved;
	gathered->saved = batch.count;
	return batch;
}

/* The batch is durable; it was now_us in the database at some time between these two. */
static void
note_saved(struct lane *lane, const struct gathered *gathered, int64_t now_us, int64_t since_us, int64_t monotonic_us)
{
	size_t i;

	if (gathered->saved == 0)
		return;
	for (i = 0; i < PART_COUNT; i++)
		if (gathered->reserved[i] != 0)
			lane->persisted[i] = gathered->reserved[i];
	owner_stored(lane, now_us, since_us, monotonic_us);
	counter_add(COUNT_batches, 1);
	counter_add(COUNT_commands, (int64_t)gathered->saved);
	histogram_add(TIME_batch_commands, (double)gathered->saved);
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
clear(struct gathered *gathered)
{
	struct arena *arena = gathered->arena;

	arena_reset(arena);
	*gathered = (struct gathered){.arena = arena};
	gathered->requests_end = &gathered->requests;
}

/* ---- when something goes wrong -------------------------------------------------------------------------- */

/* Runs and saves the work, and waits for it; OK when what ran is durable.  Otherwise everything is taken back. */
static enum status
attempt(struct lane *lane, struct gathered *gathered, int64_t monotonic_us, struct error *err)
{
	enum status status = run_new(lane, gathered, SIZE_MAX, err);
	int64_t now_us = 0;
	struct batch batch;

	if (status == OK) {
		batch = batch_of(lane, gathered);
		if (batch.count > 0)
			status = lane->config.store->ops->save(lane->config.store, &batch, &now_us, err);
	}
	if (status != OK) {
		counter_add(COUNT_batches_failed, 1);
		run_undo(lane, gathered);
		return status;
	}
	note_saved(lane, gathered, now_us, monotonic_us, owner_clock(lane, monotonic_us));
	publish_all(lane, gathered);
	return OK;
}

/* What is needed to run a piece of work again as if nothing had been. */
static void
reset_work(struct gathered *gathered)
{
	struct work *work;
	size_t i;

	gathered->ran = 0;
	gathered->effects = 0;
	for (i = 0; i < gathered->count; i++) {
		work = &gathered->list[i];
		if (work->command.kind == COMMAND_fail_job && !work->command.for_good) {
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
		work->error = NULL;
		work->ran = false;
		work->event_id = 0;
		work->fetched = NULL;
	}
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
	bool held = err->status == E_held;

	if (work->picked && held)
		tasks_postpone(lane, work->command.target, lane->last_now_us + HELD_PAUSE_US);
	else if (work->picked)
		tasks_put_back(lane, work->command.target);
	if (work->request == NULL)
		timers_put_back(lane, work->command.target, lane->last_now_us + (held ? HELD_PAUSE_US : SECOND_US));
	else if (work->request->task_count == 0 && !(work->picked && held))
		request_fail(work->request, err);
}

/* A piece that cannot be stored though it stands alone.  A due job has failed then like any other: it loses an attempt,
 * and is an incident in the end; but not when somebody else holds its rows, which is no fault of its own. */
static enum status
blame(struct lane *lane, struct work *work, int64_t monotonic_us, struct error *err)
{
	struct gathered single = {.list = work, .count = 1, .arena = lane->scratch};
	struct error cause = *err;
	enum status status;

	log_event(LOG_ERROR_LEVEL, "command-not-stored", "kind=%s target=%lld held=%d",
		command_word(work->command.kind), (long long)work->command.target, cause.status == E_held);
	counter_add(COUNT_commands_refused, 1);
	if (work->request == NULL && cause.status != E_held) {
		reset_work(&single);
		work->command = work_failure(lane, work->command.target, &cause);
		status = attempt(lane, &single, monotonic_us, err);
		if (status == OK || is_outside(status))
			return status;
	}
	leave_undone(lane, work, &cause);
	return OK;
}

/* After a batch failed for something in it: each piece alone, so that the guilty one stands alone.  *finished says how
 * many were settled before something from outside came between. */
static enum status
one_by_one(struct lane *lane, struct gathered *gathered, int64_t monotonic_us, size_t *finished, struct error *err)
{
	struct gathered single;
	enum status status;
	int held = 0;

	for (*finished = 0; *finished < gathered->count; ++*finished) {
		single = (struct gathered){
			.list = &gathered->list[*finished], .count = 1, .arena = lane->scratch,
		};
		reset_work(&single);
		status = attempt(lane, &single, monotonic_us, err);
		if (status == E_held && ++held > HELD_MOST)
			status = err->status = E_weather;
		if (status != OK && !is_outside(status))
			status = blame(lane, single.list, monotonic_us, err);
		if (status != OK)
			return status;
	}
	return OK;
}

/* A batch failed with that status and is taken back.  Nothing else is on its way: tries again, or finds out who is to
 * blame, answers in the end, and clears it. */
static void
recover(struct lane *lane, struct gathered *gathered, int64_t monotonic_us, struct error *err)
{
	enum status status = err->status;
	size_t finished = 0;
	int tries;

	counter_add(COUNT_batches_failed, 1);
	for (tries = 1; tries < SAVE_TRIES && status == E_weather; tries++) {
		reset_work(gathered);
		status = attempt(lane, gathered, monotonic_us, err);
	}
	if (status != OK && !is_outside(status))
		status = gathered->count > 1 ? one_by_one(lane, gathered, monotonic_us, &finished, err) :
					       blame(lane, gathered->list, monotonic_us, err);
	/* what is durable by now was done, whatever came then */
	for (; status != OK && finished < gathered->count; finished++)
		leave_undone(lane, &gathered->list[finished], err);
	answer(gathered);
	clear(gathered);
	if (status == OK)
		return;
	lane->recovers = status == E_weather && !lane->config.store->away;
	owner_step_down(lane, monotonic_us, err->message);
}

/* ---- flying ------------------------------------------------------------------------------------------------ */

/* Sends what has run to the store.  With nothing to save everybody is answered at once. */
static enum status
launch(struct lane *lane, int64_t monotonic_us, struct error *err)
{
	struct gathered *gathered = lane->open;
	struct batch batch = batch_of(lane, gathered);
	enum status status;

	if (batch.count == 0) {
		publish_all(lane, gathered);
		answer(gathered);
		clear(gathered);
		return OK;
	}
	status = lane->config.store->ops->send(lane->config.store, &batch, err);
	if (status != OK) {
		run_undo(lane, gathered);
		return status;
	}
	lane->launched_us = monotonic_us;
	lane->flying = gathered;
	lane->open = gathered == &lane->two[0] ? &lane->two[1] : &lane->two[0];
	lane->scratch = lane->open->arena;
	return OK;
}

/* Takes the batch that gathers back, and its requests into the inbox, before those that came later. */
static void
put_off(struct lane *lane, struct request **inbox)
{
	struct gathered *gathered = lane->open;
	size_t i;

	run_undo(lane, gathered);
	for (i = 0; i < gathered->count; i++)
		if (gathered->list[i].picked)
			tasks_put_back(lane, gathered->list[i].command.target);
	*gathered->requests_end = *inbox;
	*inbox = gathered->requests;
	clear(gathered);
}

static bool
is_empty(const struct gathered *gathered)
{
	return gathered->requests == NULL && gathered->count == 0;
}

/* The store has the answer for the batch that is on its way.  What gathered meanwhile follows it at once, before
 * anybody is answered, so that the store has something to do. */
static void
land(struct lane *lane, int64_t monotonic_us, struct request **inbox)
{
	struct gathered *landed = lane->flying;
	struct error err, late;
	enum status status, next = OK;
	int64_t now_us;

	lane->flying = NULL;
	status = lane->config.store->ops->await(lane->config.store, &now_us, &err);
	histogram_add(TIME_commit_seconds, (double)(monotonic_us - lane->launched_us) / (double)SECOND_US);
	if (status != OK) {
		put_off(lane, inbox);
		run_undo(lane, landed);
		recover(lane, landed, monotonic_us, &err);
		return;
	}
	note_saved(lane, landed, now_us, lane->launched_us, monotonic_us);
	if (!is_empty(lane->open))
		next = launch(lane, monotonic_us, &late);
	publish_all(lane, landed);
	answer(landed);
	clear(landed);
	if (next != OK)
		recover(lane, lane->open, monotonic_us, &late);
}

/* Something for which the store must be free. */
static bool
wants_store(const struct lane *lane, int64_t monotonic_us)
{
	return lane->crowded || is_careful(lane) || monotonic_us >= lane->next_renew_us || tasks_want_store(lane) ||
		timers_want_store(lane);
}

/* The batch has grown large: what has not run waits for the next, requests before those that came later. */
static void
leave_for_later(struct lane *lane, struct gathered *gathered, struct request **inbox)
{
	const struct request *first = NULL;
	struct request **at = &gathered->requests;
	struct work *work;
	size_t i;

	for (i = gathered->ran; i < gathered->count; i++) {
		work = &gathered->list[i];
		if (work->picked)
			tasks_put_back(lane, work->command.target);
		else if (work->request == NULL)
			timers_put_back(lane, work->command.target, lane->last_now_us);
		if (first == NULL)
			first = work->request;
	}
	run_cut(gathered);
	if (first == NULL)
		return;
	for (gathered->request_count = 0; *at != first; at = &(*at)->next)
		gathered->request_count++;
	*gathered->requests_end = *inbox;
	*inbox = *at;
	*at = NULL;
	gathered->requests_end = at;
}

/* Jobs come first into a batch: whether they left too little room for requests, by number or by what they did. */
static bool
is_full_of_jobs(const struct gathered *gathered)
{
	bool has_jobs = gathered->count > 0 && gathered->list[0].request == NULL;

	return has_jobs && (gathered->request_count == 0 || gathered->effects >= MOST_EFFECTS);
}

/* Gathers and runs what can be run now, and sends it when nothing else is on its way. */
static void
work_on(struct lane *lane, int64_t monotonic_us, struct request **inbox)
{
	struct gathered *open = lane->open;
	bool alone = false;
	enum status status;
	struct error err;

	if (lane->flying == NULL && gather_due(lane, open, *inbox, &alone, &err) != OK) {
		owner_step_down(lane, monotonic_us, err.message);
		return;
	}
	if (!alone)
		gather_requests(lane, open, inbox);
	if (is_empty(open))
		return;
	/* nothing that is not cached joins while a batch is on its way: loading fails only when this one is alone */
	status = run_new(lane, open, MOST_EFFECTS, &err);
	if (status == OK)
		leave_for_later(lane, open, inbox);
	lane->requests_first = *inbox != NULL && is_full_of_jobs(open);
	if (status != OK)
		run_undo(lane, open);
	else if (lane->flying == NULL)
		status = launch(lane, monotonic_us, &err);
	if (status != OK)
		recover(lane, open, monotonic_us, &err);
}

static void
refuse_inbox(struct request **inbox)
{
	struct gathered refused = {.requests = *inbox};
	struct request *request;
	struct error err;

	FAIL(&err, unavailable, "this daemon does not own the process instances now; try again");
	for (request = *inbox; request != NULL; request = request->next) {
		request->task_count = 0;
		request_fail(request, &err);
	}
	*inbox = NULL;
	answer(&refused);
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

/* What is due now and then, and needs the store free.  May step down. */
static void
look_after(struct lane *lane, int64_t monotonic_us)
{
	struct error err;

	if (monotonic_us >= lane->next_renew_us)
		owner_renew(lane, monotonic_us);
	if (!lane->active)
		return;
	if (lane->crowded)
		cache_trim(lane);
	lane->last_now_us = lane_now(lane, monotonic_us);
	if (timers_refill(lane, lane->last_now_us, &err) != OK)
		owner_step_down(lane, monotonic_us, err.message);
	else
		tasks_refill(lane);
}

int
lane_socket(const struct lane *lane)
{
	return lane->flying != NULL ? lane->config.store->ops->socket(lane->config.store) : -1;
}

int64_t
lane_step(struct lane *lane, int64_t monotonic_us, struct request **inbox)
{
	lane->step++;
	if (lane->flying != NULL && lane->config.store->ops->arrived(lane->config.store))
		land(lane, monotonic_us, inbox);
	if (!lane->active && monotonic_us >= lane->next_claim_us)
		owner_claim(lane, monotonic_us);
	if (lane->active && lane->flying == NULL)
		look_after(lane, monotonic_us);
	if (!lane->active) {
		refuse_inbox(inbox);
		return lane->next_claim_us;
	}
	lane->last_now_us = lane_now(lane, monotonic_us);
	tasks_expire(lane, lane->last_now_us);
	lane->drains = lane->flying != NULL && wants_store(lane, monotonic_us);
	if (!lane->drains)
		work_on(lane, monotonic_us, inbox);
	if (lane->flying != NULL && lane->config.store->ops->arrived(lane->config.store))
		land(lane, monotonic_us, inbox);
	if (!lane->active)
		return monotonic_us;
	cache_trim(lane);
	tasks_announce(lane);
	if (lane->flying != NULL)
		return lane_socket(lane) >= 0 ? lane->next_renew_us : monotonic_us;
	return *inbox != NULL || is_careful(lane) ? monotonic_us : next_step_us(lane, monotonic_us);
}

bool
lane_flying(const struct lane *lane)
{
	return lane->flying != NULL;
}

bool
lane_takes(const struct lane *lane)
{
	return lane->flying == NULL || (!lane->drains && has_room(lane, lane->open));
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
	for (int i = 0; i < 2; i++) {
		lane->two[i].arena = arena_new();
		clear(&lane->two[i]);
	}
	lane->open = &lane->two[0];
	lane->scratch = lane->open->arena;
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
	/* nobody hears how it ended: a daemon that dies, in tests */
	run_undo(lane, lane->open);
	if (lane->flying != NULL)
		run_undo(lane, lane->flying);
	cache_clear(lane);
	tasks_clear(lane);
	timers_clear(lane);
	ordered_free(lane->locks);
	ordered_free(lane->due);
	for (int i = 0; i < 2; i++)
		arena_free(lane->two[i].arena);
	arena_free(lane->arena);
	arena_free(lane->forever);
}

bool
lane_active(const struct lane *lane)
{
	return lane->active;
}

bool
lane_recovers(const struct lane *lane)
{
	return lane->recovers;
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

	while (lane->flying != NULL)
		land(lane, lane->launched_us, inbox);
	refuse_inbox(inbox);
	if (!lane->active)
		return;
	if (lane->config.store->ops->release(lane->config.store, &err) != OK)
		log_event(LOG_WARN_LEVEL, "lane-not-released", "lane=%d error=%s", (int)lane->config.range.lane,
			log_quote(err.message, quoted));
	owner_step_down(lane, 0, "stopping");
}
