/* SPDX-License-Identifier: Apache-2.0
 * Effects onto a tree, and back.  Each effect has a pair of functions here: the first checks whatever could be
 * wrong before it changes anything, since effects also come from disk; the second relies on the first.  What an
 * effect replaced is kept in its `before`, in the arena of the tree, where it is garbage once the effect stands. */
#include "engine/tree_priv.h"

#include <assert.h>
#include <inttypes.h>

void
effects_init(struct effects *effects, struct arena *arena)
{
	*effects = (struct effects){ .arena = arena };
}

/* ---- what an effect may carry ----------------------------------------------------------------------- */

static bool
is_flag(int64_t number)
{
	return number == 0 || number == 1;
}

static bool
is_narrow(int64_t number)
{
	return number >= INT32_MIN && number <= INT32_MAX;
}

static enum status
refuse(const char *what, int64_t id, struct error *err)
{
	return FAIL(err, internal, "effect %s does not fit %" PRId64, what, id);
}

/* ---- instances -------------------------------------------------------------------------------------- */

static enum status
apply_instance_open(struct tree *tree, struct effect *effect, struct error *err)
{
	const __typeof__(effect->instance_open) *with = &effect->instance_open;
	struct instance row = {
		.id = with->instance,
		.parent = with->parent,
		.business_key = with->business_key,
		.case_instance = with->case_instance,
		.started_us = with->started_us,
	};

	if (!is_narrow(with->start_key))
		return refuse("instance_open", with->instance, err);
	row.start_key = (int32_t)with->start_key;
	return tree_open_instance(tree, &row, with->definition, &effect->on.instance, err);
}

static void
undo_instance_open(struct tree *tree, struct effect *effect)
{
	tree_detach_instance(tree, effect->on.instance);
}

/* Nothing may be left in it, on it or called by it. */
static bool
is_empty(const struct activity *activity)
{
	return activity->first == NULL && activity->called_count == 0 && activity->jobs == NULL
		&& activity->incidents == NULL;
}

/* A closed root stays where it is: the tree's owner sees by it that all is over. */
static enum status
apply_instance_close(struct tree *tree, struct effect *effect, struct error *err)
{
	const __typeof__(effect->instance_close) *with = &effect->instance_close;
	struct instance *instance = tree_instance(tree, with->instance);
	bool is_root = instance == tree->root;

	if (instance == NULL || !is_empty(&instance->activity) || with->state < INSTANCE_completed
		|| with->state > INSTANCE_internally_terminated)
		return refuse("instance_close", with->instance, err);
	tree_detach_instance(tree, instance);
	if (is_root)
		tree->root = instance;
	instance->state = (enum instance_state)with->state;
	instance->reason = arena_strdup(tree->arena, with->reason);
	instance->ended_us = instance->activity.ended_us = with->ended_us;
	instance->activity.closed = true;
	instance->activity.canceled = instance->state != INSTANCE_completed;
	effect->on.instance = instance;
	return OK;
}

static void
undo_instance_close(struct tree *tree, struct effect *effect)
{
	struct instance *instance = effect->on.instance;

	instance->state = INSTANCE_active;
	instance->reason = NULL;
	instance->ended_us = instance->activity.ended_us = WHEN_NONE;
	instance->activity.closed = instance->activity.canceled = false;
	if (tree->root == instance)
		tree->root = NULL;
	tree_attach_instance(tree, instance);
}

static enum status
apply_instance_suspend(struct tree *tree, struct effect *effect, struct error *err)
{
	const __typeof__(effect->instance_suspend) *with = &effect->instance_suspend;
	struct instance *instance = tree_instance(tree, with->instance);

	if (instance == NULL || !is_flag(with->suspended))
		return refuse("instance_suspend", with->instance, err);
	effect->before = arena_copy(tree->arena, &instance->suspended, sizeof(instance->suspended));
	instance->suspended = with->suspended;
	effect->on.instance = instance;
	return OK;
}

static void
undo_instance_suspend(struct tree *tree, struct effect *effect)
{
	(void)tree;
	effect->on.instance->suspended = *(const bool *)effect->before;
}

/* ---- activities ------------------------------------------------------------------------------------- */

static bool
is_activity_state(int64_t state)
{
	return state >= ACTIVITY_active && state <= ACTIVITY_joining;
}

static enum status
apply_activity_open(struct tree *tree, struct effect *effect, struct error *err)
{
	const __typeof__(effect->activity_open) *with = &effect->activity_open;
	struct activity row = {
		.id = with->activity,
		.parent = with->parent,
		.started_us = with->started_us,
	};

	if (!is_activity_state(with->state) || !is_narrow(with->flow))
		return refuse("activity_open", with->activity, err);
	row.state = (enum activity_state)with->state;
	row.flow = (int32_t)with->flow;
	return tree_open_activity(tree, &row, with->instance, with->key, &effect->on.activity, err);
}

static void
undo_activity_open(struct tree *tree, struct effect *effect)
{
	tree_detach_activity(tree, effect->on.activity);
}

/* An instance's own activity is always active. */
static enum status
apply_activity_state(struct tree *tree, struct effect *effect, struct error *err)
{
	const __typeof__(effect->activity_state) *with = &effect->activity_state;
	struct activity *activity = tree_activity(tree, with->activity);

	if (activity == NULL || activity->scope == NULL || !is_activity_state(with->state)
		|| !is_narrow(with->flow))
		return refuse("activity_state", with->activity, err);
	effect->before = arena_copy(tree->arena, activity, sizeof(*activity));
	activity->state = (enum activity_state)with->state;
	activity->flow = (int32_t)with->flow;
	activity->started_us = with->started_us;
	effect->on.activity = activity;
	return OK;
}

static void
undo_activity_state(struct tree *tree, struct effect *effect)
{
	const struct activity *before = effect->before;
	struct activity *activity = effect->on.activity;

	(void)tree;
	activity->state = before->state;
	activity->flow = before->flow;
	activity->started_us = before->started_us;
}

/* Its variables end with it and stay on it, for whoever writes history. */
static enum status
apply_activity_close(struct tree *tree, struct effect *effect, struct error *err)
{
	const __typeof__(effect->activity_close) *with = &effect->activity_close;
	struct activity *activity = tree_activity(tree, with->activity);

	if (activity == NULL || activity->scope == NULL || !is_empty(activity) || !is_flag(with->canceled))
		return refuse("activity_close", with->activity, err);
	activity->alone = activity->scope->child_count == 1;
	tree_detach_activity(tree, activity);
	activity->closed = true;
	activity->canceled = with->canceled;
	activity->ended_us = with->ended_us;
	effect->on.activity = activity;
	return OK;
}

static void
undo_activity_close(struct tree *tree, struct effect *effect)
{
	struct activity *activity = effect->on.activity;

	activity->closed = activity->canceled = false;
	activity->ended_us = WHEN_NONE;
	tree_attach_activity(tree, activity);
}

/* ---- external tasks --------------------------------------------------------------------------------- */

/* Before an activity's task is written: keeps it as it is, and stops counting its texts. */
static struct external *
begin_external(struct tree *tree, struct effect *effect, struct activity *activity)
{
	effect->before = arena_copy(tree->arena, &activity->external, sizeof(activity->external));
	effect->on.activity = activity;
	tree->live_bytes -= external_bytes(&activity->external);
	return &activity->external;
}

static enum status
end_external(struct tree *tree, const struct external *external)
{
	tree->live_bytes += external_bytes(external);
	return OK;
}

static void
undo_external(struct tree *tree, struct effect *effect)
{
	struct external *external = &effect->on.activity->external;

	tree->live_bytes -= external_bytes(external);
	*external = *(const struct external *)effect->before;
	tree->live_bytes += external_bytes(external);
}

static enum status
apply_task_open(struct tree *tree, struct effect *effect, struct error *err)
{
	const __typeof__(effect->task_open) *with = &effect->task_open;
	struct activity *activity = tree_activity(tree, with->activity);
	struct external *external;

	if (activity == NULL || activity->scope == NULL || activity->external.topic != NULL
		|| with->topic == NULL)
		return refuse("task_open", with->activity, err);
	external = begin_external(tree, effect, activity);
	*external = external_none();
	external->topic = arena_strdup(tree->arena, with->topic);
	external->priority = with->priority;
	return end_external(tree, external);
}

static void
undo_task_open(struct tree *tree, struct effect *effect)
{
	undo_external(tree, effect);
}

/* NULL when it is not an external task. */
static struct activity *
find_task(const struct tree *tree, int64_t id)
{
	struct activity *found = tree_activity(tree, id);

	return found != NULL && found->external.topic != NULL ? found : NULL;
}

static enum status
apply_task_lock(struct tree *tree, struct effect *effect, struct error *err)
{
	const __typeof__(effect->task_lock) *with = &effect->task_lock;
	struct activity *activity = find_task(tree, with->activity);
	struct external *external;

	if (activity == NULL || !is_narrow(with->expiries))
		return refuse("task_lock", with->activity, err);
	external = begin_external(tree, effect, activity);
	external->worker = arena_strdup(tree->arena, with->worker);
	external->locked_us = with->locked_us;
	external->until_us = with->until_us;
	external->expiries = (int32_t)with->expiries;
	return end_external(tree, external);
}

static void
undo_task_lock(struct tree *tree, struct effect *effect)
{
	undo_external(tree, effect);
}

static enum status
apply_task_fail(struct tree *tree, struct effect *effect, struct error *err)
{
	const __typeof__(effect->task_fail) *with = &effect->task_fail;
	struct activity *activity = find_task(tree, with->activity);
	struct external *external;

	if (activity == NULL || !is_narrow(with->retries))
		return refuse("task_fail", with->activity, err);
	external = begin_external(tree, effect, activity);
	external->retries = (int32_t)with->retries;
	external->message = arena_strdup(tree->arena, with->message);
	external->details = arena_strdup(tree->arena, with->details);
	return end_external(tree, external);
}

static void
undo_task_fail(struct tree *tree, struct effect *effect)
{
	undo_external(tree, effect);
}

static enum status
apply_task_priority(struct tree *tree, struct effect *effect, struct error *err)
{
	struct activity *activity = find_task(tree, effect->task_priority.activity);
	struct external *external;

	if (activity == NULL)
		return refuse("task_priority", effect->task_priority.activity, err);
	external = begin_external(tree, effect, activity);
	external->priority = effect->task_priority.priority;
	return end_external(tree, external);
}

static void
undo_task_priority(struct tree *tree, struct effect *effect)
{
	undo_external(tree, effect);
}

/* ---- user tasks ------------------------------------------------------------------------------------- */

static bool
people_whole(const struct people *people)
{
	size_t i;

	for (i = 0; i < people->count; i++)
		if (people->list[i] == NULL)
			return false;
	return true;
}

static enum status
apply_user_open(struct tree *tree, struct effect *effect, struct error *err)
{
	const __typeof__(effect->user_open) *with = &effect->user_open;
	struct activity *activity = tree_activity(tree, with->activity);
	struct human human = {
		.name = with->name,
		.description = with->description,
		.assignee = with->assignee,
		.form_key = with->form_key,
		.priority = with->priority,
		.due_us = with->due_us,
		.follow_up_us = with->follow_up_us,
		.users = with->users,
		.groups = with->groups,
	};

	if (activity == NULL || activity->scope == NULL || activity->human != NULL
		|| !people_whole(&with->users) || !people_whole(&with->groups))
		return refuse("user_open", with->activity, err);
	activity->human = human_copy(tree->arena, &human);
	tree->live_bytes += human_bytes(activity->human);
	effect->on.activity = activity;
	return OK;
}

static void
undo_user_open(struct tree *tree, struct effect *effect)
{
	struct activity *activity = effect->on.activity;

	tree->live_bytes -= human_bytes(activity->human);
	activity->human = NULL;
}

static void
set_assignee(struct tree *tree, struct human *human, const char *assignee)
{
	tree->live_bytes -= human_bytes(human);
	human->assignee = assignee;
	tree->live_bytes += human_bytes(human);
}

static enum status
apply_user_assign(struct tree *tree, struct effect *effect, struct error *err)
{
	const __typeof__(effect->user_assign) *with = &effect->user_assign;
	struct activity *activity = tree_activity(tree, with->activity);

	if (activity == NULL || activity->human == NULL)
		return refuse("user_assign", with->activity, err);
	effect->before = activity->human->assignee;
	set_assignee(tree, activity->human, arena_strdup(tree->arena, with->assignee));
	effect->on.activity = activity;
	return OK;
}

static void
undo_user_assign(struct tree *tree, struct effect *effect)
{
	set_assignee(tree, effect->on.activity->human, effect->before);
}

/* ---- variables -------------------------------------------------------------------------------------- */

static void
set_value(struct tree *tree, struct variable *variable, struct value value)
{
	tree->live_bytes -= variable_bytes(variable);
	variable->value = value;
	tree->live_bytes += variable_bytes(variable);
}

static enum status
apply_variable_set(struct tree *tree, struct effect *effect, struct error *err)
{
	const __typeof__(effect->variable_set) *with = &effect->variable_set;
	struct activity *scope = tree_activity(tree, with->scope);
	struct variable *variable = NULL;
	struct variable row = {
		.id = with->variable,
		.scope = with->scope,
		.name = with->name,
		.value = with->value,
		.created_us = WHEN_NONE,
	};

	if (scope != NULL && with->name != NULL)
		variable = tree_own_variable(scope, with->name);
	effect->created = variable == NULL;
	if (variable == NULL)
		return tree_open_variable(tree, &row, &effect->on.variable, err);
	if (!value_stored(&with->value))
		return FAIL(err, internal, "variable '%s' cannot be stored as it is", with->name);
	effect->before = arena_copy(tree->arena, &variable->value, sizeof(variable->value));
	set_value(tree, variable, value_copy(tree->arena, with->value));
	effect->on.variable = variable;
	return OK;
}

static void
undo_variable_set(struct tree *tree, struct effect *effect)
{
	if (effect->created)
		tree_detach_variable(tree, effect->on.variable);
	else
		set_value(tree, effect->on.variable, *(const struct value *)effect->before);
}

static enum status
apply_variable_drop(struct tree *tree, struct effect *effect, struct error *err)
{
	const __typeof__(effect->variable_drop) *with = &effect->variable_drop;
	struct activity *scope = tree_activity(tree, with->scope);
	struct variable *variable = NULL;

	if (scope != NULL && with->name != NULL)
		variable = tree_own_variable(scope, with->name);
	if (variable == NULL)
		return refuse("variable_drop", with->scope, err);
	tree_detach_variable(tree, variable);
	effect->on.variable = variable;
	return OK;
}

static void
undo_variable_drop(struct tree *tree, struct effect *effect)
{
	tree_attach_variable(tree, effect->on.variable);
}

/* ---- jobs ------------------------------------------------------------------------------------------- */

static enum status
apply_job_open(struct tree *tree, struct effect *effect, struct error *err)
{
	const __typeof__(effect->job_open) *with = &effect->job_open;
	struct job row = {
		.id = with->job,
		.activity = with->activity,
		.due_us = with->due_us,
		.priority = with->priority,
		.cycle = with->cycle,
		.created_us = with->created_us,
	};

	if (with->kind < JOB_timer || with->kind > JOB_instances || !is_narrow(with->key)
		|| !is_narrow(with->retries))
		return refuse("job_open", with->job, err);
	row.kind = (enum job_kind)with->kind;
	row.key = (int32_t)with->key;
	row.retries = (int32_t)with->retries;
	return tree_open_job(tree, &row, &effect->on.job, err);
}

static void
undo_job_open(struct tree *tree, struct effect *effect)
{
	tree_detach_job(tree, effect->on.job);
}

static enum status
apply_job_set(struct tree *tree, struct effect *effect, struct error *err)
{
	const __typeof__(effect->job_set) *with = &effect->job_set;
	struct job *job = tree_job(tree, with->job);

	if (job == NULL || !is_narrow(with->retries) || !is_narrow(with->failed_key))
		return refuse("job_set", with->job, err);
	effect->before = arena_copy(tree->arena, job, sizeof(*job));
	tree->live_bytes -= job_bytes(job);
	job->due_us = with->due_us;
	job->retries = (int32_t)with->retries;
	job->message = arena_strdup(tree->arena, with->message);
	job->failed_key = (int32_t)with->failed_key;
	tree->live_bytes += job_bytes(job);
	effect->on.job = job;
	return OK;
}

static void
undo_job_set(struct tree *tree, struct effect *effect)
{
	const struct job *before = effect->before;
	struct job *job = effect->on.job;

	tree->live_bytes -= job_bytes(job);
	job->due_us = before->due_us;
	job->retries = before->retries;
	job->message = before->message;
	job->failed_key = before->failed_key;
	tree->live_bytes += job_bytes(job);
}

static enum status
apply_job_close(struct tree *tree, struct effect *effect, struct error *err)
{
	struct job *job = tree_job(tree, effect->job_close.job);

	if (job == NULL)
		return refuse("job_close", effect->job_close.job, err);
	tree_detach_job(tree, job);
	effect->on.job = job;
	return OK;
}

static void
undo_job_close(struct tree *tree, struct effect *effect)
{
	tree_attach_job(tree, effect->on.job);
}

/* ---- incidents -------------------------------------------------------------------------------------- */

static enum status
apply_incident_open(struct tree *tree, struct effect *effect, struct error *err)
{
	const __typeof__(effect->incident_open) *with = &effect->incident_open;
	struct incident row = {
		.id = with->incident,
		.activity = with->activity,
		.configuration = with->configuration,
		.message = with->message,
		.created_us = with->created_us,
	};

	if (with->kind < INCIDENT_failed_job || with->kind > INCIDENT_failed_external_task
		|| !is_narrow(with->failed_key))
		return refuse("incident_open", with->incident, err);
	row.kind = (enum incident_kind)with->kind;
	row.failed_key = (int32_t)with->failed_key;
	return tree_open_incident(tree, &row, &effect->on.incident, err);
}

static void
undo_incident_open(struct tree *tree, struct effect *effect)
{
	tree_detach_incident(tree, effect->on.incident);
}

static enum status
apply_incident_close(struct tree *tree, struct effect *effect, struct error *err)
{
	const __typeof__(effect->incident_close) *with = &effect->incident_close;
	struct incident *incident = tree_incident(tree, with->incident);

	if (incident == NULL || !is_flag(with->resolved))
		return refuse("incident_close", with->incident, err);
	tree_detach_incident(tree, incident);
	effect->on.incident = incident;
	return OK;
}

static void
undo_incident_close(struct tree *tree, struct effect *effect)
{
	tree_attach_incident(tree, effect->on.incident);
}

/* ---- the two doors ---------------------------------------------------------------------------------- */

struct change {
	enum status (*apply)(struct tree *tree, struct effect *effect, struct error *err);
	void (*undo)(struct tree *tree, struct effect *effect);
};

static const struct change changes[] = {
#define EFFECT(number, name, fields) [number] = { apply_##name, undo_##name },
#include "engine/effects.def"
#undef EFFECT
};

/* What on points to says whether the effect stands: engine_undo() passes over one that was refused. */
enum status
engine_apply(struct tree *tree, struct effect *effect, struct error *err)
{
	size_t kind = (size_t)effect->kind;

	effect->on.instance = NULL;
	effect->before = NULL;
	effect->created = false;
	if (kind >= sizeof(changes) / sizeof(changes[0]) || changes[kind].apply == NULL)
		return FAIL(err, internal, "there is no effect %d", (int)effect->kind);
	return changes[kind].apply(tree, effect, err);
}

void
engine_undo(struct tree *tree, struct effects *effects, size_t from)
{
	struct effect *effect;

	while (effects->count > from) {
		effect = &effects->list[--effects->count];
		if (effect->on.instance == NULL)
			continue;
		assert(changes[effect->kind].undo != NULL);
		changes[effect->kind].undo(tree, effect);
		effect->on.instance = NULL;
	}
}
