/* SPDX-License-Identifier: Apache-2.0
 * A batch of effects as rows: first what happened to each object over the whole batch, then one row operation (or
 * none) for it, in arrays by statement. */
#include "store/store_priv.h"

#include <assert.h>
#include <stdlib.h>

enum kind { KIND_instance, KIND_activity, KIND_variable, KIND_job, KIND_incident, KIND_COUNT };

/* What the batch did to one object.  Its values are read from the object itself, in its last state. */
struct change {
	enum kind kind;
	int64_t id;
	union {
		struct instance *instance;
		struct activity *activity;
		struct variable *variable;
		struct job *job;
		struct incident *incident;
	} on;
	const struct tree *tree;
	bool existed;			/* has a row from before the batch */
	bool closed;			/* or dropped */
	bool touched;			/* more than the lock */
	bool locked;			/* activity: its lock changed */
	bool assigned, user_opened;	/* activity: user task */
	bool resolved;			/* incident */
	bool moved;			/* activity: its state changed */
	enum activity_state state_before;	/* activity: before the batch, if moved */
	int64_t created_us;		/* variable that did not exist */
	int64_t ended_us;		/* variable, incident */
	int64_t big;			/* variable: id of its large value, 0 */
	bool big_before;		/* variable: a large value is stored for it */
};

struct save {
	struct arena *arena;
	struct map changes[KIND_COUNT];
	struct change **list;
	size_t count, capacity;
	const struct saved_command *command;	/* at work */
	int64_t big_id;			/* next free one of the command */
	int64_t moved;			/* variables that move with their scopes */
	struct rows *rows[SQL_COUNT];
	struct error *err;
};

static struct rows *
use(struct save *save, enum sql sql)
{
	if (!save->rows[sql]) {
		save->rows[sql] = ARENA_NEW(save->arena, struct rows);
		rows_init(save->rows[sql], sql, save->arena);
	}
	return save->rows[sql];
}

/* A row that begins with part and id. */
static struct rows *
use_id(struct save *save, enum sql sql, int64_t id)
{
	struct rows *rows = use(save, sql);

	put_int(rows, id_part(id));
	put_int(rows, id);
	return rows;
}

/* Zero stands for none in a tree, for null in a row. */
static void
put_id(struct rows *rows, int64_t id)
{
	if (id)
		put_int(rows, id);
	else
		put_null(rows);
}

static int64_t
root_started(const struct tree *tree)
{
	return tree->root->started_us;
}

/* ---- what happened -------------------------------------------------------------------------------------- */

static struct change *
change_of(struct save *save, enum kind kind, int64_t id, void *object)
{
	struct change *change = map_get(&save->changes[kind], id);

	if (change)
		return change;
	change = ARENA_NEW(save->arena, struct change);
	change->kind = kind;
	change->id = id;
	change->on.instance = object;
	change->tree = save->command->tree;
	change->existed = true;
	save->list = arena_grow(save->arena, save->list, sizeof(struct change *), save->count, &save->capacity);
	save->list[save->count++] = change;
	map_put(&save->changes[kind], id, change);
	return change;
}

static void
put_history_activity(struct save *save, const struct tree *tree, const struct activity *activity, int64_t started_us,
	int64_t ended_us)
{
	struct rows *rows = use_id(save, SQL_history_activity, activity->id);

	put_int(rows, activity->instance->id);
	put_int(rows, activity->parent);
	put_int(rows, activity->instance->definition->id);
	put_int(rows, activity->node->key);
	put_bool(rows, activity->canceled);
	put_bool(rows, activity->closed ? activity->alone : activity->scope->child_count == 1);
	put_time(rows, started_us);
	put_time(rows, ended_us);
	put_text(rows, activity->external.worker);
	put_text(rows, activity->human ? activity->human->assignee : NULL);
	put_time(rows, root_started(tree));
}

/* Only in these states is a token an activity instance, which history shows. */
static bool
is_activity_instance(enum activity_state state)
{
	return state == ACTIVITY_active || state == ACTIVITY_joining;
}

/* before is the activity as it was.  One that goes to wait behind its end has ended, though its token stays. */
static void
note_state(struct save *save, struct change *change, const struct effect *effect)
{
	const struct activity *before = effect->before;

	if (!change->moved && change->existed)
		change->state_before = before->state;
	change->moved = change->touched = true;
	if (effect->activity_state.state == ACTIVITY_after && is_activity_instance(before->state))
		put_history_activity(save, change->tree, change->on.activity, before->started_us,
			save->command->command->now_us);
}

static void
note_variable_set(struct save *save, const struct effect *effect)
{
	struct variable *variable = effect->on.variable;
	bool known = map_get(&save->changes[KIND_variable], variable->id) != NULL;
	struct change *change = change_of(save, KIND_variable, variable->id, variable);
	const struct value *before = effect->before;

	if (!known && (effect->created || before->transient)) {
		change->existed = false;
		change->created_us = save->command->command->now_us;
	} else if (!known) {
		change->big_before = value_is_big(before);
	}
	change->touched = true;
	change->big = 0;
	if (value_is_big(&effect->variable_set.value)) {
		change->big = save->big_id;
		save->big_id += ID_STEP;
	}
}

static struct change *
note_activity(struct save *save, const struct effect *effect)
{
	return change_of(save, KIND_activity, effect->on.activity->id, effect->on.activity);
}

static struct change *
note_job(struct save *save, const struct effect *effect)
{
	return change_of(save, KIND_job, effect->on.job->id, effect->on.job);
}

static void
note(struct save *save, const struct effect *effect)
{
	struct change *change;

	switch (effect->kind) {
	case EFFECT_instance_open:
		change_of(save, KIND_instance, effect->on.instance->id, effect->on.instance)->existed = false;
		break;
	case EFFECT_instance_close:
		change_of(save, KIND_instance, effect->on.instance->id, effect->on.instance)->closed = true;
		break;
	case EFFECT_instance_suspend:
		change_of(save, KIND_instance, effect->on.instance->id, effect->on.instance)->touched = true;
		break;
	case EFFECT_activity_open:
		note_activity(save, effect)->existed = false;
		break;
	case EFFECT_activity_state:
		note_state(save, note_activity(save, effect), effect);
		break;
	case EFFECT_activity_close:
		note_activity(save, effect)->closed = true;
		break;
	case EFFECT_task_lock:
		note_activity(save, effect)->locked = true;
		break;
	case EFFECT_task_open:
	case EFFECT_task_fail:
	case EFFECT_task_priority:
		note_activity(save, effect)->touched = true;
		break;
	case EFFECT_user_open:
		note_activity(save, effect)->user_opened = true;
		break;
	case EFFECT_user_assign:
		note_activity(save, effect)->assigned = true;
		break;
	case EFFECT_variable_set:
		note_variable_set(save, effect);
		break;
	case EFFECT_variable_drop:
		change = change_of(save, KIND_variable, effect->on.variable->id, effect->on.variable);
		if (!change->touched && effect->on.variable->value.transient)
			change->existed = false;
		change->closed = true;
		change->ended_us = save->command->command->now_us;
		break;
	case EFFECT_job_open:
		note_job(save, effect)->existed = false;
		break;
	case EFFECT_job_set:
		note_job(save, effect)->touched = true;
		break;
	case EFFECT_job_close:
		note_job(save, effect)->closed = true;
		break;
	case EFFECT_incident_open:
		change_of(save, KIND_incident, effect->on.incident->id, effect->on.incident)->existed = false;
		break;
	case EFFECT_incident_close:
		change = change_of(save, KIND_incident, effect->on.incident->id, effect->on.incident);
		change->closed = true;
		change->resolved = effect->incident_close.resolved != 0;
		change->ended_us = effect->incident_close.ended_us;
		break;
	}
}

size_t
store_big_values(const struct effects *effects)
{
	size_t count = 0;

	for (size_t i = 0; i < effects->count; i++)
		if (effects->list[i].kind == EFFECT_variable_set && value_is_big(&effects->list[i].variable_set.value))
			count++;
	return count;
}

/* ---- variables ------------------------------------------------------------------------------------------ */

static void
put_big(struct save *save, const struct change *change, const struct stored_value *stored)
{
	struct rows *rows = use_id(save, SQL_big_insert, change->big);

	put_time(rows, root_started(change->tree));
	put_bytes(rows, stored->bytes, stored->length);
}

/* Columns type, number, real, value, big, info. */
static void
put_value(struct rows *rows, const struct change *change, const struct stored_value *stored)
{
	put_int(rows, stored->type);
	if (stored->has_number)
		put_int(rows, stored->number);
	else
		put_null(rows);
	if (stored->has_real)
		put_real(rows, stored->real);
	else
		put_null(rows);
	put_bytes(rows, change->big ? NULL : stored->bytes, stored->length);
	put_id(rows, change->big);
	put_text(rows, stored->info);
}

/* Part, scope and name, a variable's key. */
static struct rows *
use_name(struct save *save, enum sql sql, const struct variable *variable)
{
	struct rows *rows = use_id(save, sql, variable->scope);

	put_text(rows, variable->name);
	return rows;
}

/* It came and went within the batch. */
static void
put_history_variable(struct save *save, const struct change *change, const struct stored_value *stored)
{
	const struct variable *variable = change->on.variable;
	const struct activity *owner = variable->owner;
	struct rows *rows = use_id(save, SQL_history_variable, variable->id);

	put_int(rows, owner->instance->id);
	put_int(rows, variable->scope);
	put_int(rows, owner->instance->definition->id);
	put_int(rows, owner->node->key);
	put_text(rows, variable->name);
	put_value(rows, change, stored);
	put_time(rows, change->created_us);
	put_time(rows, change->closed ? change->ended_us : owner->ended_us);
	put_bool(rows, change->closed);
	put_time(rows, root_started(change->tree));
}

static void
put_new_variable(struct save *save, const struct change *change, const struct stored_value *stored)
{
	const struct variable *variable = change->on.variable;
	struct rows *rows;

	if (change->big)
		put_big(save, change, stored);
	if (change->closed || variable->owner->closed) {
		put_history_variable(save, change, stored);
		return;
	}
	rows = use_name(save, SQL_variable_insert, variable);
	put_int(rows, variable->id);
	put_int(rows, variable->owner->instance->id);
	put_value(rows, change, stored);
	put_time(rows, change->created_us);
}

static void
put_drop(struct save *save, const struct change *change)
{
	const struct activity *owner = change->on.variable->owner;
	struct rows *rows = use_name(save, SQL_variable_drop, change->on.variable);

	put_int(rows, owner->instance->definition->id);
	put_int(rows, owner->node->key);
	put_time(rows, change->closed ? change->ended_us : save->command->command->now_us);
	put_time(rows, root_started(change->tree));
}

/* One that has become transient is dropped from what is stored. */
static enum status
put_variable(struct save *save, const struct change *change)
{
	const struct variable *variable = change->on.variable;
	bool transient = variable->value.transient;
	struct stored_value stored;

	if (!transient && change->touched) {
		TRY(value_store(save->arena, &variable->value, &stored, save->err));
		if (!change->existed) {
			put_new_variable(save, change, &stored);
			return OK;
		}
		if (change->big_before)
			put_time(use_name(save, SQL_big_delete, variable), root_started(change->tree));
		if (change->big)
			put_big(save, change, &stored);
		put_value(use_name(save, SQL_variable_update, variable), change, &stored);
	}
	if (change->existed && (change->closed || transient))
		put_drop(save, change);
	return OK;
}

/* The variables of a scope that has closed: those that have rows move to the history. */
static void
put_scope(struct save *save, const struct tree *tree, const struct activity *scope)
{
	int64_t count = 0;
	struct rows *rows;

	for (const struct variable *v = scope->variables; v; v = v->next) {
		const struct change *change = map_get(&save->changes[KIND_variable], v->id);

		count += !v->value.transient && (!change || change->existed);
	}
	if (count == 0)
		return;
	save->moved += count;
	rows = use_id(save, SQL_variable_move, scope->id);
	put_int(rows, scope->instance->definition->id);
	put_int(rows, scope->node->key);
	put_time(rows, scope->ended_us);
	put_time(rows, root_started(tree));
	put_int(rows, 0);	/* how many move in all is known at the end: see set_moved() */
}

/* ---- activities ----------------------------------------------------------------------------------------- */

/* Columns worker, locked, lock_until. */
static void
put_lock(struct rows *rows, const struct external *external)
{
	put_text(rows, external->worker);
	put_time(rows, external->locked_us);
	put_time(rows, external->until_us);
}

/* Columns state to details, but for what lies between in one of the two statements. */
static void
put_state(struct rows *rows, const struct activity *activity)
{
	put_int(rows, activity->state);
	put_int(rows, activity->flow);
	put_time(rows, activity->started_us);
}

static void
put_external(struct rows *rows, const struct external *external)
{
	put_text(rows, external->topic);
	put_lock(rows, external);
	if (external->retries >= 0)
		put_int(rows, external->retries);
	else
		put_null(rows);
	put_int(rows, external->expiries);
	put_int(rows, external->priority);
	put_text(rows, external->message);
	put_text(rows, external->details);
}

static void
put_activity_row(struct save *save, const struct activity *activity)
{
	struct rows *rows = use_id(save, SQL_activity_insert, activity->id);

	put_int(rows, activity->instance->id);
	put_int(rows, activity->parent);
	put_int(rows, activity->instance->definition->id);
	put_int(rows, activity->node->key);
	put_state(rows, activity);
	put_external(rows, &activity->external);
}

static void
update_activity(struct save *save, const struct change *change)
{
	const struct activity *activity = change->on.activity;
	struct rows *rows;

	if (change->touched) {
		rows = use_id(save, SQL_activity_update, activity->id);
		put_state(rows, activity);
		put_external(rows, &activity->external);
	} else if (change->locked) {
		rows = use_id(save, SQL_activity_lock, activity->id);
		put_lock(rows, &activity->external);
		put_int(rows, activity->external.expiries);
	}
}

/* Names as an array's text, every one quoted. */
static const char *
people_text(struct arena *arena, const struct people *people)
{
	struct text text;

	text_init(&text, arena);
	text_putc(&text, '{');
	for (size_t i = 0; i < people->count; i++) {
		text_puts(&text, i > 0 ? ",\"" : "\"");
		for (const char *c = people->list[i]; *c; c++) {
			if (*c == '"' || *c == '\\')
				text_putc(&text, '\\');
			text_putc(&text, *c);
		}
		text_putc(&text, '"');
	}
	text_putc(&text, '}');
	return text_string(&text);
}

static void
put_task_row(struct save *save, const struct activity *activity)
{
	const struct human *human = activity->human;
	struct rows *rows = use_id(save, SQL_task_insert, activity->id);

	put_int(rows, activity->instance->id);
	put_int(rows, activity->instance->definition->id);
	put_int(rows, activity->node->key);
	put_text(rows, human->name);
	put_text(rows, human->description);
	put_text(rows, human->assignee);
	put_text(rows, human->form_key);
	put_int(rows, human->priority);
	put_time(rows, human->due_us);
	put_time(rows, human->follow_up_us);
	put_time(rows, activity->started_us);
	put_text(rows, people_text(save->arena, &human->users));
	put_text(rows, people_text(save->arena, &human->groups));
}

/* There is a user task as long as its activity is an activity instance. */
static void
put_task(struct save *save, const struct change *change)
{
	const struct activity *activity = change->on.activity;
	enum activity_state old = change->moved ? change->state_before : activity->state;
	bool before = activity->human && change->existed && !change->user_opened && old == ACTIVITY_active;
	bool after = activity->human && !change->closed && activity->state == ACTIVITY_active;

	if (before && !after)
		use_id(save, SQL_task_delete, activity->id);
	else if (!before && after)
		put_task_row(save, activity);
	else if (before && change->assigned)
		put_text(use_id(save, SQL_task_assign, activity->id), activity->human->assignee);
}

/* Its row is as the history wants it, unless its state has changed since it was written. */
static void
put_end(struct save *save, const struct change *change)
{
	const struct activity *activity = change->on.activity;
	struct rows *rows = use_id(save, SQL_activity_end, activity->id);

	put_bool(rows, activity->canceled);
	put_bool(rows, activity->alone);
	put_time(rows, activity->ended_us);
	put_text(rows, activity->external.worker);
	put_text(rows, activity->human ? activity->human->assignee : NULL);
	put_time(rows, root_started(change->tree));
}

static void
put_closed(struct save *save, const struct change *change)
{
	const struct activity *activity = change->on.activity;
	bool instance = is_activity_instance(activity->state);

	if (instance && change->existed && !change->moved) {
		put_end(save, change);
		return;
	}
	if (change->existed)
		use_id(save, SQL_activity_delete, activity->id);
	if (instance)
		put_history_activity(save, change->tree, activity, activity->started_us, activity->ended_us);
}

static void
put_activity(struct save *save, const struct change *change)
{
	const struct activity *activity = change->on.activity;

	put_task(save, change);
	if (change->closed) {
		put_closed(save, change);
		put_scope(save, change->tree, activity);
	} else if (change->existed) {
		update_activity(save, change);
	} else {
		put_activity_row(save, activity);
	}
}

/* ---- instances, jobs, incidents ------------------------------------------------------------------------- */

static void
put_history_process(struct save *save, const struct tree *tree, const struct instance *instance)
{
	struct rows *rows = use_id(save, SQL_history_process, instance->id);

	put_int(rows, tree->root->id);
	put_id(rows, instance->parent);
	put_int(rows, instance->definition->id);
	put_text(rows, instance->business_key);
	put_text(rows, instance->case_instance);
	put_int(rows, instance->state);
	put_text(rows, instance->reason);
	put_int(rows, instance->start_key);
	put_time(rows, instance->started_us);
	put_time(rows, instance->ended_us);
	put_time(rows, root_started(tree));
}

static void
put_instance_row(struct save *save, const struct tree *tree, const struct instance *instance)
{
	struct rows *rows = use_id(save, SQL_instance_insert, instance->id);

	put_int(rows, tree->root->id);
	put_id(rows, instance->parent);
	put_int(rows, instance->definition->id);
	put_text(rows, instance->business_key);
	put_text(rows, instance->case_instance);
	put_bool(rows, instance->suspended);
	put_int(rows, instance->start_key);
	put_time(rows, instance->started_us);
	put_time(rows, root_started(tree));
}

static void
put_instance(struct save *save, const struct change *change)
{
	const struct instance *instance = change->on.instance;

	if (change->closed) {
		if (change->existed)
			use_id(save, SQL_instance_delete, instance->id);
		put_history_process(save, change->tree, instance);
		put_scope(save, change->tree, &instance->activity);
	} else if (!change->existed) {
		put_instance_row(save, change->tree, instance);
	} else {
		put_bool(use_id(save, SQL_instance_suspend, instance->id), instance->suspended);
	}
}

static void
put_job_row(struct save *save, const struct job *job)
{
	struct rows *rows = use_id(save, SQL_job_insert, job->id);

	put_int(rows, job->host->instance->id);
	put_int(rows, job->activity);
	put_int(rows, job->host->instance->definition->id);
	put_int(rows, job->key);
	put_int(rows, job->kind);
	put_time(rows, job->due_us);
	put_int(rows, job->retries);
	put_int(rows, job->priority);
	put_text(rows, job->cycle);
	put_text(rows, job->message);
	put_id(rows, job->failed_key);
	put_time(rows, job->created_us);
}

static void
put_job(struct save *save, const struct change *change)
{
	const struct job *job = change->on.job;
	struct rows *rows;

	if (change->closed) {
		if (change->existed)
			use_id(save, SQL_job_delete, job->id);
		return;
	}
	if (!change->existed) {
		put_job_row(save, job);
		return;
	}
	rows = use_id(save, SQL_job_update, job->id);
	put_time(rows, job->due_us);
	put_int(rows, job->retries);
	put_text(rows, job->message);
	put_id(rows, job->failed_key);
}

/* What incident and history_incident have in common, up to created. */
static struct rows *
put_incident_row(struct save *save, enum sql sql, const struct incident *incident)
{
	struct rows *rows = use_id(save, sql, incident->id);

	put_int(rows, incident->host->instance->id);
	put_int(rows, incident->activity);
	put_int(rows, incident->host->instance->definition->id);
	put_int(rows, incident->host->node->key);
	put_int(rows, incident->kind);
	put_int(rows, incident->configuration);
	put_text(rows, incident->message);
	put_id(rows, incident->failed_key);
	put_time(rows, incident->created_us);
	return rows;
}

static void
put_incident(struct save *save, const struct change *change)
{
	struct rows *rows;

	if (!change->closed) {
		put_incident_row(save, SQL_incident_insert, change->on.incident);
		return;
	}
	if (change->existed)
		use_id(save, SQL_incident_delete, change->on.incident->id);
	rows = put_incident_row(save, SQL_history_incident, change->on.incident);
	put_time(rows, change->ended_us);
	put_bool(rows, change->resolved);
	put_time(rows, root_started(change->tree));
}

/* ---- the event log -------------------------------------------------------------------------------------- */

static int32_t
event_definition(const struct save *save, const struct saved_command *command)
{
	const struct change *change = map_get(&save->changes[KIND_instance], command->outcome->instance);
	const struct instance *instance = change ? change->on.instance
		: tree_instance(command->tree, command->outcome->instance);

	return (instance ? instance : command->tree->root)->definition->id;
}

static void
put_event(struct save *save, const struct saved_command *saved)
{
	const struct command *command = saved->command;
	struct rows *rows = use_id(save, SQL_event_insert, saved->event_id);
	const void *bytes;
	size_t length;

	effects_encode(saved->effects, 0, save->arena, &bytes, &length);
	put_int(rows, saved->tree->root->id);
	put_int(rows, command->kind);
	put_int(rows, saved->outcome->element_key);
	put_int(rows, saved->outcome->activity);
	put_int(rows, event_definition(save, saved));
	put_time(rows, command->now_us);
	put_text(rows, command->worker);
	put_time(rows, saved->outcome->locked_us);
	put_text(rows, command->error_message);
	put_bytes(rows, bytes, length);
	put_time(rows, root_started(saved->tree));
}

/* ---- the batch ------------------------------------------------------------------------------------------ */

/* The order of statements: large values go as long as their variables name them; variables are changed, then leave,
 * then come, since a name can be dropped and set again. */
static const enum sql order[] = {
	SQL_part_reserve,
	SQL_big_delete, SQL_variable_update, SQL_variable_drop, SQL_variable_move,
	SQL_job_delete, SQL_incident_delete, SQL_task_delete, SQL_activity_end, SQL_activity_delete,
	SQL_instance_delete,
	SQL_instance_suspend, SQL_activity_lock, SQL_activity_update, SQL_task_assign, SQL_job_update,
	SQL_instance_insert, SQL_activity_insert, SQL_task_insert, SQL_variable_insert, SQL_big_insert, SQL_job_insert,
	SQL_incident_insert,
	SQL_history_process, SQL_history_activity, SQL_history_variable, SQL_history_incident, SQL_event_insert,
};
enum { ORDER_COUNT = sizeof order / sizeof order[0] };

static enum status
put_change(struct save *save, const struct change *change)
{
	switch (change->kind) {
	case KIND_instance:
		put_instance(save, change);
		break;
	case KIND_activity:
		put_activity(save, change);
		break;
	case KIND_variable:
		return put_variable(save, change);
	case KIND_job:
		put_job(save, change);
		break;
	case KIND_incident:
		put_incident(save, change);
		break;
	case KIND_COUNT:
		assert(!"no kind");
	}
	return OK;
}

static void
put_reserved(struct save *save, const int64_t *reserved)
{
	for (int part = 0; part < PART_COUNT; part++) {
		if (!reserved[part])
			continue;
		put_int(use(save, SQL_part_reserve), part);
		put_int(use(save, SQL_part_reserve), reserved[part]);
	}
}

/* The number of rows a move must touch comes last and once, when all are known. */
static void
set_moved(struct save *save)
{
	struct rows *rows = save->rows[SQL_variable_move];

	if (rows)
		rows_set_last(rows, save->moved);
}

static int
compare(const void *a, const void *b)
{
	const struct change *left = *(const struct change *const *)a, *right = *(const struct change *const *)b;

	if (left->kind != right->kind)
		return left->kind < right->kind ? -1 : 1;
	return left->id < right->id ? -1 : left->id > right->id;
}

/* Rows come in the order of their keys, so that neighbours in an index are looked up together. */
static enum status
put_changes(struct save *save)
{
	if (save->count > 0)
		qsort(save->list, save->count, sizeof(struct change *), compare);
	for (size_t i = 0; i < save->count; i++)
		TRY(put_change(save, save->list[i]));
	return OK;
}

static enum status
collect(struct save *save, const struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		const struct effects *effects = batch->commands[i].effects;

		save->command = &batch->commands[i];
		save->big_id = batch->commands[i].big_id;
		for (size_t j = 0; j < effects->count; j++)
			note(save, &effects->list[j]);
	}
	put_reserved(save, batch->reserved);
	TRY(put_changes(save));
	for (size_t i = 0; i < batch->count; i++)
		if (batch->commands[i].event_id)
			put_event(save, &batch->commands[i]);
	set_moved(save);
	return OK;
}

enum status
postgres_send_batch(struct store *store, const struct batch *batch, struct error *err)
{
	struct postgres *pg = (struct postgres *)store;
	struct save save = { .arena = batch->arena, .err = err };
	struct rows *list[ORDER_COUNT];
	size_t count = 0;

	arena_reset(pg->scratch);
	for (int i = 0; i < KIND_COUNT; i++)
		map_init(&save.changes[i], batch->arena);
	TRY(collect(&save, batch));
	for (size_t i = 0; i < ORDER_COUNT; i++)
		if (save.rows[order[i]])
			list[count++] = save.rows[order[i]];
	return postgres_send(pg, list, count, err);
}

enum status
postgres_save(struct store *store, const struct batch *batch, int64_t *now_us, struct error *err)
{
	TRY(postgres_send_batch(store, batch, err));
	return postgres_await(store, now_us, err);
}
