/* SPDX-License-Identifier: Apache-2.0
 * One tree of the auditor's sample: its event log goes through the engine's apply onto an empty tree, and what comes
 * out is compared with what is stored, in one snapshot: what runs with the loaded tree (locks excepted, which the log
 * does not tell), what has ended with the history. */
#include "store/store_priv.h"

#include <inttypes.h>
#include <string.h>

enum { PAGE_EVENTS = 500 };

/* An activity or instance that has ended, as the log tells it. */
struct ended {
	int64_t id, instance, parent;
	int64_t key;			/* of an instance: its state */
	bool canceled;
	int64_t started_us, ended_us;
	bool seen;			/* history has it */
	struct ended *next;
};

struct replay {
	struct reader *reader;
	struct arena *arena;		/* of the fault, and of all that is kept until the end */
	const struct definitions *definitions;
	int64_t root;
	struct tree *tree;		/* replayed */
	struct tree *loaded;		/* NULL: does not run */
	struct map ended;		/* by id */
	struct ended *first;
	const char **instances;		/* ids of all that ran in it */
	size_t instance_count, instance_capacity;
	size_t events;
	const char *invariant, *fault;
};

#define FAULT(replay, code, ...) \
	((void)((replay)->invariant = (code), (replay)->fault = arena_printf((replay)->arena, __VA_ARGS__)))

/* ---- the log -------------------------------------------------------------------------------------------- */

static void
note_ended(struct replay *replay, const struct ended *ended)
{
	struct ended *kept = arena_copy(replay->arena, ended, sizeof *ended);

	if (map_get(&replay->ended, ended->id))
		FAULT(replay, "I2", "activity or instance %" PRId64 " ends twice in the event log", ended->id);
	kept->next = replay->first;
	replay->first = kept;
	map_put(&replay->ended, kept->id, kept);
}

/* Tokens that wait before or behind an activity are no activity instances: history does not show them. */
static bool
in_history(enum activity_state state)
{
	return state == ACTIVITY_active || state == ACTIVITY_joining;
}

static void
note_activity(struct replay *replay, const struct activity *activity, const struct activity *as, int64_t ended_us)
{
	if (in_history(as->state))
		note_ended(replay, &(struct ended){ .id = activity->id, .instance = activity->instance->id,
			.parent = activity->parent, .key = activity->node->key, .canceled = activity->canceled,
			.started_us = as->started_us, .ended_us = ended_us });
}

static void
note_instance(struct replay *replay, const struct instance *instance)
{
	note_ended(replay, &(struct ended){ .id = instance->id, .instance = instance->id, .parent = instance->parent,
		.key = instance->state, .started_us = instance->started_us, .ended_us = instance->ended_us });
}

static void
note_effect(struct replay *replay, const struct effect *effect, int64_t at_us)
{
	if (effect->kind == EFFECT_activity_close)
		note_activity(replay, effect->on.activity, effect->on.activity, effect->activity_close.ended_us);
	if (effect->kind == EFFECT_activity_state && effect->activity_state.state == ACTIVITY_after)
		note_activity(replay, effect->on.activity, effect->before, at_us);
	if (effect->kind == EFFECT_instance_close)
		note_instance(replay, effect->on.instance);
	if (effect->kind == EFFECT_instance_open) {
		replay->instances = arena_grow(replay->arena, replay->instances, sizeof *replay->instances,
			replay->instance_count, &replay->instance_capacity);
		replay->instances[replay->instance_count++] =
			number_text(replay->arena, effect->instance_open.instance);
	}
}

static void
apply_event(struct replay *replay, const struct stored_event *event)
{
	struct effects effects;
	struct error cause;
	enum status status;

	effects_init(&effects, replay->arena);
	status = effects_decode(event->data, event->length, &effects, &cause);
	for (size_t i = 0; i < effects.count && status == OK; i++) {
		status = engine_apply(replay->tree, &effects.list[i], &cause);
		if (status == OK)
			note_effect(replay, &effects.list[i], event->at_us);
	}
	if (status != OK)
		FAULT(replay, "I5", "event %" PRId64 " cannot be applied: %s", event->id, cause.message);
}

static enum status
apply_log(struct replay *replay, struct error *err)
{
	struct stored_event *events;
	size_t count = PAGE_EVENTS;
	int64_t after = 0;

	while (count == PAGE_EVENTS && !replay->fault) {
		TRY(store_events(replay->reader, replay->arena, replay->root, after, PAGE_EVENTS, &events, &count,
			err));
		for (size_t i = 0; i < count && !replay->fault; i++)
			apply_event(replay, &events[i]);
		if (count > 0)
			after = events[count - 1].id;
		replay->events += count;
	}
	return OK;
}

/* ---- what runs ------------------------------------------------------------------------------------------ */

/* The first line in which they differ. */
static void
compare_dumps(struct replay *replay, const char *stored, const char *replayed)
{
	size_t line = 0;

	for (size_t i = 0; stored[i] == replayed[i]; i++) {
		if (stored[i] == '\0')
			return;
		if (stored[i] == '\n')
			line = i + 1;
	}
	FAULT(replay, "I5", "stored is \"%.*s\", the event log says \"%.*s\"", (int)strcspn(stored + line, "\n"),
		stored + line, (int)strcspn(replayed + line, "\n"), replayed + line);
}

static const struct activity *
waiting(const struct activity *scope, const struct node *join, int32_t flow)
{
	for (const struct activity *at = scope->first; at; at = at->next)
		if (at->node == join && at->state == ACTIVITY_joining && at->flow == flow)
			return at;
	return NULL;
}

/* A parallel join fires as soon as a token waits at each of its flows. */
static void
check_join(struct replay *replay, const struct activity *token)
{
	const struct node *join = token->node;
	const struct flow *flows = token->instance->definition->program->flows;

	if (join->element != EL_parallel_gateway || token->state != ACTIVITY_joining)
		return;
	for (int32_t i = 0; i < join->incoming_count; i++)
		if (!waiting(token->scope, join, flows[join->incoming[i]].key))
			return;
	FAULT(replay, "I6", "the join '%s' has a token of every flow and has not fired", join->id);
}

static void
check_joins(struct replay *replay, const struct activity *scope)
{
	for (const struct activity *at = scope->first; at && !replay->fault; at = at->next) {
		check_join(replay, at);
		check_joins(replay, at);
	}
}

static enum status
comparable(struct tree *tree, struct arena *arena, const char **dump, struct error *err)
{
	TRY(tree_forget_unstored(tree, err));
	TRY(tree_forget_locks(tree, err));
	*dump = tree_dump(tree, arena);
	return OK;
}

static void
compare_running(struct replay *replay)
{
	const char *stored = "", *replayed = "";
	struct error cause;

	if (!tree_check(replay->loaded, &cause)) {
		FAULT(replay, "I1", "the tree is not sound: %s", cause.message);
		return;
	}
	for (const struct instance *at = replay->loaded->root; at && !replay->fault; at = at->next)
		check_joins(replay, &at->activity);
	if (replay->fault)
		return;
	if (!replay->tree->root || replay->tree->root->activity.closed) {
		FAULT(replay, "I5", "it runs, though its event log says that it has ended");
		return;
	}
	if (comparable(replay->loaded, replay->arena, &stored, &cause) != OK
		|| comparable(replay->tree, replay->arena, &replayed, &cause) != OK)
		FAULT(replay, "I5", "cannot be compared: %s", cause.message);
	else
		compare_dumps(replay, stored, replayed);
}

/* ---- what has ended ------------------------------------------------------------------------------------- */

/* Columns id, inst, parent, elem or state, canceled, started, ended of all instances that ran in the tree. */
static const char ended_sql[] =
	"select id, inst, parent, elem, canceled, (extract(epoch from started) * 1000000)::int8, "
	"(extract(epoch from ended) * 1000000)::int8 from history_activity "
	"where part = $1::int2 and inst = any($2::int8[]) "
	"union all select id, id, coalesce(parent, 0), state, false, (extract(epoch from started) * 1000000)::int8, "
	"(extract(epoch from ended) * 1000000)::int8 from history_process "
	"where part = $1::int2 and id = any($2::int8[])";

static void
compare_row(struct replay *replay, const PGresult *result, int row)
{
	int64_t id = cell_number(result, row, 0);
	struct ended *ended = map_get(&replay->ended, id);

	if (!ended)
		FAULT(replay, "I5", "%" PRId64 " is in history, though its event log does not end it", id);
	else if (ended->seen)
		FAULT(replay, "I2", "%" PRId64 " is in history twice", id);
	else if (ended->instance != cell_number(result, row, 1) || ended->parent != cell_number(result, row, 2)
		|| ended->key != cell_number(result, row, 3) || ended->canceled != cell_true(result, row, 4)
		|| ended->started_us != cell_number(result, row, 5) || ended->ended_us != cell_number(result, row, 6))
		FAULT(replay, "I5", "history tells of %" PRId64 " otherwise than its event log", id);
	else
		ended->seen = true;
}

static enum status
compare_ended(struct replay *replay, struct error *err)
{
	const char *texts[] = { number_text(replay->arena, id_part(replay->root)),
		array_text(replay->arena, replay->instances, replay->instance_count) };
	PGresult *result;

	TRY(reader_ask(replay->reader, ended_sql, 2, texts, "reading what has ended", &result, err));
	for (int row = 0; row < PQntuples(result) && !replay->fault; row++)
		compare_row(replay, result, row);
	PQclear(result);
	for (const struct ended *at = replay->first; at && !replay->fault; at = at->next)
		if (!at->seen)
			FAULT(replay, "I5", "%" PRId64 " has ended, though it is not in history", at->id);
	return OK;
}

/* ---- one tree ------------------------------------------------------------------------------------------- */

/* Rows that make no tree are a fault of theirs; a connection that fails is not. */
static enum status
load(struct replay *replay, struct error *err)
{
	enum status status = reader_load(replay->reader, replay->root, replay->definitions, &replay->loaded, err);

	if (status != E_internal || PQtransactionStatus(replay->reader->conn) != PQTRANS_INTRANS)
		return status;
	FAULT(replay, "I1", "its rows make no tree: %s", err->message);
	return OK;
}

static enum status
look(struct reader *reader, void *context, struct error *err)
{
	struct replay *replay = context;

	TRY(reader_run(reader, "set transaction isolation level repeatable read, read only", 0, NULL, "auditing", err));
	TRY(load(replay, err));
	if (!replay->fault)
		TRY(apply_log(replay, err));
	if (replay->fault)
		return OK;
	if (replay->loaded)
		compare_running(replay);
	else if (replay->tree->root && !replay->tree->root->activity.closed)
		FAULT(replay, "I5", "it does not run, though its event log says so");
	/* gone since it was picked, with its log: swept */
	return replay->fault || replay->events == 0 ? OK : compare_ended(replay, err);
}

enum status
audit_replay(struct reader *reader, int64_t root, const struct definitions *definitions, struct arena *arena,
	const char **invariant, const char **fault, struct error *err)
{
	struct replay replay = { .reader = reader, .arena = arena, .definitions = definitions, .root = root,
		.tree = tree_new(definitions) };
	enum status status;

	map_init(&replay.ended, arena);
	status = reader_transaction(reader, look, &replay, "auditing", err);
	tree_free(replay.tree);
	if (replay.loaded)
		tree_free(replay.loaded);
	if (status == OK && replay.fault) {
		*invariant = replay.invariant;
		*fault = replay.fault;
	}
	return status;
}
