/* SPDX-License-Identifier: Apache-2.0
 * See memory_store.h. */
#include "tests/memory_store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct memory_store {
	struct store store;
	struct memory *memory;
	struct lane_range range;
	int64_t owner;			/* 0: owns nothing */
	enum status outcome;		/* of what was sent */
	struct error error;
	bool held;
	int64_t done_us;		/* when what was sent was done */
	bool late;			/* sent, and neither done nor given up yet: */
	struct batch batch;
	struct memory_store *next;	/* of the memory's */
};

static struct memory_store *
of(struct store *store)
{
	return (struct memory_store *)store;	/* its first member */
}

/* Counts the call and asks the test what is to become of it. */
static enum status
begin(struct store *store, enum memory_call call, const struct batch *batch, struct error *err)
{
	struct memory *memory = of(store)->memory;

	memory->calls[call]++;
	memory->caller = store;
	return memory->judge ? memory->judge(memory, call, batch, err) : OK;
}

/* ---- ownership ------------------------------------------------------------------------------------------ */

static struct memory_lane *
own_row(struct memory_store *store)
{
	struct memory_lane *lane = &store->memory->lanes[store->range.lane];

	return store->owner && lane->owner == store->owner ? lane : NULL;
}

static enum status
must_own(struct memory_store *store, struct error *err)
{
	struct memory_lane *lane = own_row(store);

	if (!lane) {
		store->owner = 0;
		return FAIL(err, fenced, "the lane is owned by another");
	}
	lane->seen_us = store->memory->now_us;
	return OK;
}

/* ---- trees ------------------------------------------------------------------------------------------------ */

/* Depth first through all instances; NULL behind the last. */
struct activity *
memory_walk(const struct tree *tree, const struct activity *at)
{
	if (!at)
		return tree->root ? &tree->root->activity : NULL;
	if (at->first)
		return at->first;
	while (at->scope && !at->next)
		at = at->scope;
	if (at->scope)
		return at->next;
	return at->instance->next ? &at->instance->next->activity : NULL;
}

static bool
holds(const struct tree *tree, int64_t id)
{
	return tree_activity(tree, id) || tree_instance(tree, id) || tree_job(tree, id);
}

const struct tree *
memory_tree(const struct memory *memory, int64_t id)
{
	for (size_t i = 0; i < memory->tree_count; i++)
		if (holds(memory->trees[i], id))
			return memory->trees[i];
	return NULL;
}

static enum status
memory_load(struct store *store, const int64_t *ids, size_t count, const struct definitions *definitions,
	struct tree **trees, struct error *err)
{
	struct memory *memory = of(store)->memory;
	struct arena *arena;
	struct map roots;

	TRY(begin(store, MEMORY_load, NULL, err));
	(void)definitions;
	arena = arena_new();
	map_init(&roots, arena);
	for (size_t i = 0; i < count; i++) {
		const struct tree *stored = memory_tree(memory, ids[i]);

		trees[i] = stored ? map_get(&roots, stored->root->id) : NULL;
		if (!stored || trees[i])
			continue;
		trees[i] = tree_copy(stored);
		trees[i]->owner_data = NULL;
		map_put(&roots, stored->root->id, trees[i]);
	}
	arena_free(arena);
	return OK;
}

/* ---- saving ----------------------------------------------------------------------------------------------- */

/* The stored tree of the root, made when it is new. */
static struct tree *
stored_tree(struct memory *memory, const struct tree *tree)
{
	for (size_t i = 0; i < memory->tree_count; i++)
		if (memory->trees[i]->root->id == tree->root->id)
			return memory->trees[i];
	memory->trees = arena_grow(memory->arena, memory->trees, sizeof(struct tree *), memory->tree_count,
		&memory->tree_capacity);
	return memory->trees[memory->tree_count++] = tree_new(tree->definitions);
}

static void
must(enum status status, const struct error *err)
{
	if (status == OK)
		return;
	fprintf(stderr, "memory store: %s\n", err->message);
	abort();
}

static void
apply(struct tree *tree, struct effect effect)
{
	struct error err;

	must(engine_apply(tree, &effect, &err), &err);
}

/* What only its command was to see. */
static void
drop_transient(struct tree *tree)
{
	for (struct activity *at = memory_walk(tree, NULL); at; at = memory_walk(tree, at))
		for (struct variable *variable = at->variables, *next; variable; variable = next) {
			next = variable->next;
			if (variable->value.transient)
				apply(tree, (struct effect){ .kind = EFFECT_variable_drop,
					.variable_drop = { .scope = variable->scope, .name = variable->name } });
		}
}

static void
forget_tree(struct memory *memory, struct tree *tree)
{
	for (size_t i = 0; i < memory->tree_count; i++)
		if (memory->trees[i] == tree)
			memory->trees[i] = memory->trees[--memory->tree_count];
	tree_free(tree);
	memory->ended++;
}

static void
note_ended(struct memory *memory, const struct activity *activity, bool canceled)
{
	struct memory_ended *ended = map_get(&memory->history, activity->id);

	if (!ended) {
		ended = ARENA_NEW(memory->arena, struct memory_ended);
		*ended = (struct memory_ended){ .id = activity->id, .ended_us = activity->ended_us,
			.key = activity->node->key, .canceled = canceled };
		map_put(&memory->history, activity->id, ended);
	}
	ended->times++;
}

/* Log and history. */
static void
record(struct memory *memory, const struct saved_command *command, const struct effects *effects, const void *bytes,
	size_t length)
{
	for (size_t i = 0; i < effects->count; i++)
		if (effects->list[i].kind == EFFECT_activity_close)
			note_ended(memory, effects->list[i].on.activity, effects->list[i].activity_close.canceled);
	if (command->event_id == 0)
		return;
	memory->log = arena_grow(memory->arena, memory->log, sizeof *memory->log, memory->log_count,
		&memory->log_capacity);
	memory->log[memory->log_count++] = (struct memory_event){
		.id = command->event_id,
		.root = command->tree->root->id,
		.kind = command->command->kind,
		.target = command->command->target,
		.bytes = arena_copy(memory->arena, bytes, length),
		.length = length,
	};
}

/* As the event log would tell it: the effects go through their bytes. */
static void
save_command(struct memory_store *store, struct arena *arena, const struct saved_command *command)
{
	struct memory *memory = store->memory;
	struct tree *tree = stored_tree(memory, command->tree);
	struct effects effects;
	const void *bytes;
	size_t length;
	struct error err;

	effects_init(&effects, arena);
	effects_encode(command->effects, 0, arena, &bytes, &length);
	must(effects_decode(bytes, length, &effects, &err), &err);
	if (memory->saving)
		memory->saving(memory, &store->store, command, &effects, tree);
	for (size_t i = 0; i < effects.count; i++)
		must(engine_apply(tree, &effects.list[i], &err), &err);
	must(tree_check(tree, &err) ? OK : E_internal, &err);
	if (memory->records)
		record(memory, command, &effects, bytes, length);
	if (memory->saved)
		memory->saved(memory, &store->store, command, &effects, tree);
	if (tree->root->activity.closed)
		forget_tree(memory, tree);
	else
		drop_transient(tree);
}

/* A transaction, ended by the fence. */
static enum status
commit(struct memory_store *store, const struct batch *batch, struct error *err)
{
	struct memory *memory = store->memory;

	TRY(must_own(store, err));
	for (int part = 0; part < PART_COUNT; part++)
		if (batch->reserved[part]) {
			assert(batch->reserved[part] > memory->next_id[part]);
			memory->next_id[part] = batch->reserved[part];
		}
	for (size_t i = 0; i < batch->count; i++)
		save_command(store, batch->arena, &batch->commands[i]);
	memory->saved_commands += batch->count;
	return OK;
}

static enum status
unheard(struct error *err)
{
	return FAIL(err, fenced, "the outcome of the last transaction is not known");
}

/* The connection is gone: nobody has to wait for this owner, and it owns no more until it claims again. */
static void
disconnect(struct memory_store *store)
{
	if (own_row(store))
		own_row(store)->gone = true;
	store->owner = 0;
}

static enum status
settle(struct memory_store *store, const struct batch *batch, enum memory_fate fate, struct error *err)
{
	switch (fate) {
	case MEMORY_aborts:
		return FAIL(err, weather, "the transaction was aborted");
	case MEMORY_aborts_unheard:
		disconnect(store);
		return unheard(err);
	case MEMORY_commits_unheard:
		TRY(commit(store, batch, err));
		disconnect(store);
		return unheard(err);
	case MEMORY_commits:
	case MEMORY_late:
		break;
	}
	return commit(store, batch, err);
}

static enum memory_fate
fate_of(struct store *store, const struct batch *batch)
{
	struct memory *memory = of(store)->memory;

	return memory->fate ? memory->fate(memory, store, batch) : MEMORY_commits;
}

static enum status
memory_save(struct store *store, const struct batch *batch, int64_t *now_us, struct error *err)
{
	TRY(begin(store, MEMORY_save, batch, err));
	TRY(settle(of(store), batch, fate_of(store, batch), err));
	*now_us = of(store)->memory->now_us;
	return OK;
}

/* Its backend is ended: what was under way is done, or never will be. */
static void
end_late(struct memory_store *store)
{
	struct memory *memory = store->memory;
	struct error err;

	if (!store->late)
		return;
	store->late = false;
	if (own_row(store) && memory->outlives && memory->outlives(memory, &store->store))
		must(commit(store, &store->batch, &err), &err);
	store->outcome = unheard(&store->error);
}

static void
finish_late(struct memory *memory, int64_t owner)
{
	for (struct memory_store *store = (struct memory_store *)memory->stores; store; store = store->next)
		if (store->owner == owner)
			end_late(store);
}

void
memory_abandon(struct store *store)
{
	end_late(of(store));
	disconnect(of(store));
}

/* What is sent is judged at once, and done unless it is late; the lane hears of it when it asks. */
static enum status
memory_send(struct store *store, const struct batch *batch, struct error *err)
{
	struct memory_store *self = of(store);
	enum memory_fate fate;

	(void)err;
	self->outcome = begin(store, MEMORY_save, batch, &self->error);
	if (self->outcome != OK)
		return OK;
	fate = fate_of(store, batch);
	self->late = fate == MEMORY_late;
	self->batch = *batch;
	self->done_us = self->memory->now_us;
	if (!self->late)
		self->outcome = settle(self, batch, fate, &self->error);
	return OK;
}

static enum status
memory_await(struct store *store, int64_t *now_us, struct error *err)
{
	struct memory_store *self = of(store);

	if (self->late) {
		self->outcome = commit(self, &self->batch, &self->error);
		self->done_us = self->memory->now_us;
	}
	self->late = false;
	*now_us = self->done_us;
	if (self->outcome != OK)
		*err = self->error;
	return self->outcome;
}

static bool
is_held(const struct memory_store *store)
{
	return store->memory->hold || store->held;
}

static bool
memory_arrived(struct store *store)
{
	return !is_held(of(store));
}

static int
memory_socket(const struct store *store)
{
	return is_held((const struct memory_store *)store) ? 0 : -1;
}

void
memory_hold(struct store *store, bool held)
{
	of(store)->held = held;
}

/* ---- taking over ----------------------------------------------------------------------------------------- */

static bool
overlap(const struct lane_range *a, const struct lane_range *b)
{
	return a->first_part <= b->last_part && a->last_part >= b->first_part;
}

/* Whether a claim of the range finds another owner there. */
static bool
is_other(const struct memory_lane *lane, const struct lane_range *range, int number, int64_t owner)
{
	return lane->owner != 0 && lane->owner != owner && (number == range->lane || overlap(&lane->range, range));
}

static enum status
memory_claim(struct store *store, const struct lane_range *range, int64_t owner, int64_t takeover_us,
	struct claim *claim, struct error *err)
{
	struct memory *memory = of(store)->memory;
	struct memory_lane *row;
	bool unclean = claim->unclean;
	enum memory_fate fate;

	of(store)->owner = 0;
	TRY(begin(store, MEMORY_claim, NULL, err));
	assert(range->lane < MEMORY_LANES);
	for (int i = 0; i < MEMORY_LANES; i++) {
		struct memory_lane *lane = &memory->lanes[i];
		bool same = i == range->lane;

		if (lane->owner == 0 || (same && lane->owner == owner) || (!same && !overlap(&lane->range, range)))
			continue;
		if (!lane->gone && lane->seen_us > memory->now_us - takeover_us)
			return FAIL(err, fenced, "lane %d is owned by a living daemon", i);
	}
	*claim = (struct claim){ .owner = owner, .now_us = memory->now_us, .unclean = unclean };
	for (int i = 0; i < MEMORY_LANES; i++)
		claim->unclean |= is_other(&memory->lanes[i], range, i, owner);
	fate = fate_of(store, NULL);
	if (fate == MEMORY_aborts || fate == MEMORY_aborts_unheard)
		return FAIL(err, weather, "the claim was aborted");
	for (int i = 0; i < MEMORY_LANES; i++) {
		struct memory_lane *lane = &memory->lanes[i];

		if (!is_other(lane, range, i, owner))
			continue;
		finish_late(memory, lane->owner);
		lane->owner = 0;
	}
	row = &memory->lanes[range->lane];
	row->range = *range;
	row->owner = owner;
	row->gone = false;
	row->seen_us = memory->now_us;
	if (fate == MEMORY_commits_unheard) {
		row->gone = true;
		return FAIL(err, weather, "the claim was made, and its answer is lost");
	}
	claim->tried = row->tried;
	claim->tries = row->tries;
	of(store)->range = *range;
	of(store)->owner = owner;
	for (int part = range->first_part; part <= range->last_part; part++)
		claim->next_id[part] = memory->next_id[part];
	return OK;
}

static enum status
memory_release(struct store *store, struct error *err)
{
	TRY(must_own(of(store), err));
	own_row(of(store))->owner = 0;
	of(store)->owner = 0;
	return OK;
}

static enum status
memory_renew(struct store *store, int64_t *now_us, struct error *err)
{
	TRY(begin(store, MEMORY_renew, NULL, err));
	TRY(must_own(of(store), err));
	*now_us = of(store)->memory->now_us;
	return OK;
}

static enum status
memory_try_job(struct store *store, int64_t job, int32_t *tries, struct error *err)
{
	struct memory_lane *lane;

	TRY(begin(store, MEMORY_try, NULL, err));
	TRY(must_own(of(store), err));
	lane = own_row(of(store));
	lane->tries = lane->tried == job ? lane->tries + 1 : 1;
	lane->tried = job;
	*tries = lane->tries;
	return OK;
}

/* ---- scans ------------------------------------------------------------------------------------------------ */

static bool
in_range(const struct memory_store *store, int64_t id)
{
	return id_part(id) >= store->range.first_part && id_part(id) <= store->range.last_part;
}

/* By priority (descending), creation, id. */
static int
compare_tasks(const void *left, const void *right)
{
	const struct ready_task *a = left, *b = right;

	if (a->priority != b->priority)
		return a->priority > b->priority ? -1 : 1;
	if (a->created_us != b->created_us)
		return a->created_us < b->created_us ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static int
compare_ids(const void *left, const void *right)
{
	const struct ready_task *a = left, *b = right;

	return a->id < b->id ? -1 : a->id > b->id;
}

static bool
is_wanted(const struct memory_store *store, const struct activity *activity, const char *topic, int32_t definition)
{
	return in_range(store, activity->id) && activity->external.topic && activity->state == ACTIVITY_active &&
		activity->external.retries != 0 && !activity->instance->suspended &&
		(!topic || !strcmp(activity->external.topic, topic)) &&
		(!topic || activity->instance->definition->id == definition);
}

static struct ready_task
ready_of(struct arena *arena, const struct activity *activity)
{
	return (struct ready_task){
		.id = activity->id,
		.instance = activity->instance->id,
		.definition = activity->instance->definition->id,
		.topic = arena_strdup(arena, activity->external.topic),
		.priority = activity->external.priority,
		.created_us = activity->started_us,
		.until_us = activity->external.until_us,
	};
}

static enum status
memory_ready(struct store *store, const char *topic, int32_t definition, const struct ready_task *after, size_t limit,
	struct arena *arena, struct ready_task **tasks, size_t *count, struct error *err)
{
	struct memory *memory = of(store)->memory;
	int (*compare)(const void *, const void *) = topic ? compare_tasks : compare_ids;
	struct ready_task *list = NULL, task;
	size_t n = 0, capacity = 0;
	struct activity *at;

	TRY(begin(store, MEMORY_ready, NULL, err));
	for (size_t i = 0; i < memory->tree_count; i++)
		for (at = memory_walk(memory->trees[i], NULL); at; at = memory_walk(memory->trees[i], at)) {
			if (!is_wanted(of(store), at, topic, definition))
				continue;
			task = ready_of(arena, at);
			if (after && compare(&task, after) <= 0)
				continue;
			list = arena_grow(arena, list, sizeof *list, n, &capacity);
			list[n++] = task;
		}
	if (n > 0)
		qsort(list, n, sizeof *list, compare);
	*tasks = list;
	*count = n < limit ? n : limit;
	return OK;
}

static int
compare_jobs(const void *left, const void *right)
{
	const struct due_job *a = left, *b = right;

	if (a->due_us != b->due_us)
		return a->due_us < b->due_us ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static enum status
memory_jobs(struct store *store, int64_t until_us, int64_t after_due, int64_t after_id, size_t limit,
	struct arena *arena, struct due_job **jobs, size_t *count, struct error *err)
{
	struct memory *memory = of(store)->memory;
	const struct due_job after = { .id = after_id, .due_us = after_due };
	struct due_job *list = NULL;
	size_t n = 0, capacity = 0;
	struct activity *at;

	TRY(begin(store, MEMORY_jobs, NULL, err));
	for (size_t i = 0; i < memory->tree_count; i++)
		for (at = memory_walk(memory->trees[i], NULL); at; at = memory_walk(memory->trees[i], at))
			for (const struct job *job = at->jobs; job; job = job->next) {
				struct due_job due = { .id = job->id,
					.due_us = job->due_us != WHEN_NONE ? job->due_us : job->created_us };

				if (job->retries <= 0 || at->instance->suspended || !in_range(of(store), job->id) ||
				    due.due_us >= until_us || compare_jobs(&due, &after) <= 0)
					continue;
				list = arena_grow(arena, list, sizeof *list, n, &capacity);
				list[n++] = due;
			}
	if (n > 0)
		qsort(list, n, sizeof *list, compare_jobs);
	*jobs = list;
	*count = n < limit ? n : limit;
	return OK;
}

/* Business key, and any of the variables. */
static bool
fits(const struct activity *activity, const char *business_key, const struct entries *wanted)
{
	const struct instance *instance = activity->instance;

	if (business_key && (!instance->business_key || strcmp(instance->business_key, business_key)))
		return false;
	for (size_t i = 0; i < wanted->count; i++) {
		const struct variable *variable = tree_variable_local(&instance->activity, wanted->list[i].name);

		if (variable && value_equal(&variable->value, &wanted->list[i].value))
			return true;
	}
	return wanted->count == 0;
}

static enum status
memory_filter(struct store *store, const int64_t *candidates, size_t count, const char *business_key,
	const struct entries *process_variables, bool *keep, struct error *err)
{
	TRY(begin(store, MEMORY_filter, NULL, err));
	for (size_t i = 0; i < count; i++) {
		const struct tree *tree = memory_tree(of(store)->memory, candidates[i]);

		keep[i] = tree && fits(tree_activity(tree, candidates[i]), business_key, process_variables);
	}
	return OK;
}

/* ---- opening and closing ---------------------------------------------------------------------------------- */

static void
memory_close(struct store *store)
{
	(void)store;			/* it lies in the memory's arena */
}

static const struct store_ops operations = {
	.close = memory_close,
	.claim = memory_claim,
	.release = memory_release,
	.renew = memory_renew,
	.try_job = memory_try_job,
	.load = memory_load,
	.save = memory_save,
	.send = memory_send,
	.await = memory_await,
	.arrived = memory_arrived,
	.socket = memory_socket,
	.ready = memory_ready,
	.jobs = memory_jobs,
	.filter = memory_filter,
};

struct memory *
memory_new(int64_t now_us)
{
	struct arena *arena = arena_new();
	struct memory *memory = ARENA_NEW(arena, struct memory);

	memory->arena = arena;
	memory->now_us = now_us;
	map_init(&memory->history, arena);
	for (int part = 0; part < PART_COUNT; part++)
		memory->next_id[part] = ((int64_t)part << PART_SHIFT) + 1000;
	return memory;
}

void
memory_free(struct memory *memory)
{
	for (size_t i = 0; i < memory->tree_count; i++)
		tree_free(memory->trees[i]);
	arena_free(memory->arena);
}

struct store *
memory_open(struct memory *memory)
{
	struct memory_store *store = ARENA_NEW(memory->arena, struct memory_store);

	store->store.ops = &operations;
	store->memory = memory;
	store->next = (struct memory_store *)memory->stores;
	memory->stores = &store->store;
	return &store->store;
}
