/* SPDX-License-Identifier: Apache-2.0
 * The tree: what runs, how it is found, and how things enter and leave it.  Checks come first, then what
 * cannot fail, so that a refusal leaves no trace. */
#include "engine/tree_priv.h"

#include <inttypes.h>
#include <string.h>

/* A scope with more variables than these finds them by map. */
enum { VARIABLES_BY_LIST = 8 };

/* What an entry of a map takes, roughly: a slot of 16 bytes or so, half of them empty. */
enum { MAP_ENTRY_BYTES = 48 };

struct tree *
tree_new(const struct definitions *definitions)
{
	struct arena *arena = arena_new();
	struct tree *tree = ARENA_NEW(arena, struct tree);

	tree->arena = arena;
	tree->definitions = definitions;
	map_init(&tree->instances, arena);
	map_init(&tree->activities, arena);
	map_init(&tree->jobs, arena);
	map_init(&tree->incidents, arena);
	return tree;
}

void
tree_free(struct tree *tree)
{
	if (tree != NULL)
		arena_free(tree->arena);
}

/* ---- finding ---------------------------------------------------------------------------------------- */

struct activity *
tree_activity(const struct tree *tree, int64_t id)
{
	return id > 0 ? map_get(&tree->activities, id) : NULL;
}

struct instance *
tree_instance(const struct tree *tree, int64_t id)
{
	return id > 0 ? map_get(&tree->instances, id) : NULL;
}

struct job *
tree_job(const struct tree *tree, int64_t id)
{
	return id > 0 ? map_get(&tree->jobs, id) : NULL;
}

struct incident *
tree_incident(const struct tree *tree, int64_t id)
{
	return id > 0 ? map_get(&tree->incidents, id) : NULL;
}

struct variable *
tree_own_variable(const struct activity *scope, const char *name)
{
	struct variable *variable;

	if (scope->variable_names != NULL)
		return map_get_text(scope->variable_names, name);
	for (variable = scope->variables; variable != NULL; variable = variable->next)
		if (strcmp(variable->name, name) == 0)
			return variable;
	return NULL;
}

const struct variable *
tree_variable_local(const struct activity *scope, const char *name)
{
	return tree_own_variable(scope, name);
}

const struct variable *
tree_variable(const struct activity *from, const char *name)
{
	const struct variable *variable = NULL;

	for (; from != NULL && variable == NULL; from = from->scope)
		variable = tree_own_variable(from, name);
	return variable;
}

struct activity *
activity_walk(struct activity *top, struct activity *at)
{
	if (at == NULL)
		return top;
	if (at->first != NULL)
		return at->first;
	while (at != top && at->next == NULL)
		at = at->scope;
	return at != top ? at->next : NULL;
}

/* ---- sizes ------------------------------------------------------------------------------------------ */

static size_t
text_bytes(const char *text)
{
	return text != NULL ? strlen(text) + 1 : 0;
}

static size_t
people_bytes(const struct people *people)
{
	size_t bytes = people->count * sizeof(*people->list);
	size_t i;

	for (i = 0; i < people->count; i++)
		bytes += text_bytes(people->list[i]);
	return bytes;
}

size_t
external_bytes(const struct external *external)
{
	return text_bytes(external->topic) + text_bytes(external->worker) + text_bytes(external->message)
		+ text_bytes(external->details);
}

size_t
human_bytes(const struct human *human)
{
	if (human == NULL)
		return 0;
	return sizeof(*human) + text_bytes(human->name) + text_bytes(human->description)
		+ text_bytes(human->assignee) + text_bytes(human->form_key) + people_bytes(&human->users)
		+ people_bytes(&human->groups);
}

size_t
variable_bytes(const struct variable *variable)
{
	return sizeof(*variable) + text_bytes(variable->name) + value_size(&variable->value);
}

size_t
job_bytes(const struct job *job)
{
	return sizeof(*job) + text_bytes(job->cycle) + text_bytes(job->message) + MAP_ENTRY_BYTES;
}

size_t
incident_bytes(const struct incident *incident)
{
	return sizeof(*incident) + text_bytes(incident->message) + MAP_ENTRY_BYTES;
}

static size_t
token_bytes(const struct activity *activity)
{
	return (size_t)activity->instance->definition->program->node_count * sizeof(*activity->tokens);
}

size_t
activity_bytes(const struct activity *activity)
{
	const struct variable *variable;
	size_t bytes = sizeof(*activity) + external_bytes(&activity->external) + human_bytes(activity->human)
		+ MAP_ENTRY_BYTES;

	if (activity->tokens != NULL)
		bytes += token_bytes(activity);
	for (variable = activity->variables; variable != NULL; variable = variable->next)
		bytes += variable_bytes(variable);
	return bytes;
}

size_t
instance_bytes(const struct instance *instance)
{
	return sizeof(*instance) - sizeof(instance->activity) + text_bytes(instance->business_key) +
		text_bytes(instance->case_instance)
		+ MAP_ENTRY_BYTES;
}

/* ---- copies ----------------------------------------------------------------------------------------- */

struct external
external_none(void)
{
	return (struct external){ .locked_us = WHEN_NONE, .until_us = WHEN_NONE, .retries = -1 };
}

struct external
external_copy(struct arena *arena, const struct external *from)
{
	struct external external = *from;

	if (from->topic == NULL)
		return external_none();
	external.topic = arena_strdup(arena, from->topic);
	external.worker = arena_strdup(arena, from->worker);
	external.message = arena_strdup(arena, from->message);
	external.details = arena_strdup(arena, from->details);
	return external;
}

static struct people
people_copy(struct arena *arena, const struct people *from)
{
	const char **list;
	size_t i;

	if (from->count == 0)
		return (struct people){ 0 };
	list = ARENA_ARRAY(arena, const char *, from->count);
	for (i = 0; i < from->count; i++)
		list[i] = arena_strdup(arena, from->list[i]);
	return (struct people){ .count = from->count, .list = list };
}

struct human *
human_copy(struct arena *arena, const struct human *from)
{
	struct human *human;

	if (from == NULL)
		return NULL;
	human = arena_copy(arena, from, sizeof(*from));
	human->name = arena_strdup(arena, from->name);
	human->description = arena_strdup(arena, from->description);
	human->assignee = arena_strdup(arena, from->assignee);
	human->form_key = arena_strdup(arena, from->form_key);
	human->users = people_copy(arena, &from->users);
	human->groups = people_copy(arena, &from->groups);
	return human;
}

/* ---- in and out ------------------------------------------------------------------------------------- */

/* By where it stands among its siblings: prev and next are its own, or new at the end. */
void
tree_attach_activity(struct tree *tree, struct activity *activity)
{
	struct activity *scope = activity->scope;

	if (scope != NULL) {
		*(activity->prev != NULL ? &activity->prev->next : &scope->first) = activity;
		*(activity->next != NULL ? &activity->next->prev : &scope->last) = activity;
		scope->child_count++;
		if (scope->tokens != NULL)
			scope->tokens[activity->node->index]++;
	}
	map_put(&tree->activities, activity->id, activity);
	tree->live_bytes += activity_bytes(activity);
}

void
tree_detach_activity(struct tree *tree, struct activity *activity)
{
	struct activity *scope = activity->scope;

	if (scope != NULL) {
		*(activity->prev != NULL ? &activity->prev->next : &scope->first) = activity->next;
		*(activity->next != NULL ? &activity->next->prev : &scope->last) = activity->prev;
		scope->child_count--;
		if (scope->tokens != NULL)
			scope->tokens[activity->node->index]--;
	}
	map_remove(&tree->activities, activity->id);
	tree->live_bytes -= activity_bytes(activity);
}

/* Counts instance at its caller, which outlives it. */
static void
count_called(const struct tree *tree, const struct instance *instance, int by)
{
	if (instance->parent != 0)
		tree_activity(tree, instance->parent)->called_count += by;
}

void
tree_attach_instance(struct tree *tree, struct instance *instance)
{
	LIST_RELINK(tree->root, instance);
	count_called(tree, instance, 1);
	map_put(&tree->instances, instance->id, instance);
	tree->live_bytes += instance_bytes(instance);
	tree_attach_activity(tree, &instance->activity);
}

void
tree_detach_instance(struct tree *tree, struct instance *instance)
{
	tree_detach_activity(tree, &instance->activity);
	tree->live_bytes -= instance_bytes(instance);
	map_remove(&tree->instances, instance->id);
	count_called(tree, instance, -1);
	LIST_UNLINK(tree->root, instance);
}

void
tree_attach_variable(struct tree *tree, struct variable *variable)
{
	struct activity *owner = variable->owner;

	LIST_RELINK(owner->variables, variable);
	if (owner->variable_names != NULL)
		map_put_text(owner->variable_names, variable->name, variable);
	tree->live_bytes += variable_bytes(variable);
}

void
tree_detach_variable(struct tree *tree, struct variable *variable)
{
	struct activity *owner = variable->owner;

	tree->live_bytes -= variable_bytes(variable);
	if (owner->variable_names != NULL)
		map_remove_text(owner->variable_names, variable->name);
	LIST_UNLINK(owner->variables, variable);
}

void
tree_attach_job(struct tree *tree, struct job *job)
{
	LIST_RELINK(job->host->jobs, job);
	map_put(&tree->jobs, job->id, job);
	tree->live_bytes += job_bytes(job);
}

void
tree_detach_job(struct tree *tree, struct job *job)
{
	tree->live_bytes -= job_bytes(job);
	map_remove(&tree->jobs, job->id);
	LIST_UNLINK(job->host->jobs, job);
}

void
tree_attach_incident(struct tree *tree, struct incident *incident)
{
	LIST_RELINK(incident->host->incidents, incident);
	map_put(&tree->incidents, incident->id, incident);
	tree->live_bytes += incident_bytes(incident);
}

void
tree_detach_incident(struct tree *tree, struct incident *incident)
{
	tree->live_bytes -= incident_bytes(incident);
	map_remove(&tree->incidents, incident->id);
	LIST_UNLINK(incident->host->incidents, incident);
}

/* ---- new things ------------------------------------------------------------------------------------- */

/* What an activity derives from its node and what it is in; the rest of it is filled in. */
static void
settle_activity(struct tree *tree, struct activity *activity, struct instance *instance,
	struct activity *scope, const struct node *node)
{
	activity->node = node;
	activity->instance = instance;
	activity->scope = scope;
	activity->first = activity->last = activity->next = NULL;
	activity->prev = scope != NULL ? scope->last : NULL;
	activity->child_count = activity->called_count = 0;
	activity->tokens = NULL;
	if (node->has_inclusive_join)
		activity->tokens = ARENA_ARRAY(tree->arena, int32_t,
			(size_t)instance->definition->program->node_count);
	activity->variables = NULL;
	activity->variable_names = NULL;
	activity->jobs = NULL;
	activity->incidents = NULL;
	activity->ended_us = WHEN_NONE;
	activity->closed = activity->canceled = false;
	tree_attach_activity(tree, activity);
}

static struct activity *
add_activity(struct tree *tree, const struct activity *row, struct instance *instance, struct activity *scope,
	const struct node *node)
{
	struct activity *activity = arena_copy(tree->arena, row, sizeof(*row));

	activity->external = external_copy(tree->arena, &row->external);
	activity->human = human_copy(tree->arena, row->human);
	settle_activity(tree, activity, instance, scope, node);
	return activity;
}

static struct instance *
add_instance(struct tree *tree, const struct instance *row, const struct definition *definition)
{
	struct instance *instance = arena_copy(tree->arena, row, sizeof(*row));

	instance->definition = definition;
	instance->business_key = arena_strdup(tree->arena, row->business_key);
	instance->case_instance = arena_strdup(tree->arena, row->case_instance);
	instance->state = INSTANCE_active;
	instance->reason = NULL;
	instance->ended_us = WHEN_NONE;
	instance->activity = (struct activity){
		.id = row->id,
		.state = ACTIVITY_active,
		.started_us = row->started_us,
		.external = external_none(),
	};
	LIST_APPEND(tree->root, instance);
	count_called(tree, instance, 1);
	map_put(&tree->instances, instance->id, instance);
	tree->live_bytes += instance_bytes(instance);
	settle_activity(tree, &instance->activity, instance, NULL, &definition->program->nodes[0]);
	return instance;
}

/* Counts only until there are too many: the list is short as long as there is no map. */
static void
index_names(struct tree *tree, struct activity *owner)
{
	struct variable *variable;
	int count = 0;

	for (variable = owner->variables; variable != NULL; variable = variable->next)
		count++;
	if (count <= VARIABLES_BY_LIST)
		return;
	owner->variable_names = ARENA_NEW(tree->arena, struct map);
	map_init(owner->variable_names, tree->arena);
	for (variable = owner->variables; variable != NULL; variable = variable->next)
		map_put_text(owner->variable_names, variable->name, variable);
}

static struct variable *
add_variable(struct tree *tree, const struct variable *row, struct activity *owner)
{
	struct variable *variable = arena_copy(tree->arena, row, sizeof(*row));

	variable->name = arena_strdup(tree->arena, row->name);
	variable->value = value_copy(tree->arena, row->value);
	variable->owner = owner;
	LIST_APPEND(owner->variables, variable);
	if (owner->variable_names != NULL)
		map_put_text(owner->variable_names, variable->name, variable);
	else
		index_names(tree, owner);
	tree->live_bytes += variable_bytes(variable);
	return variable;
}

static struct job *
add_job(struct tree *tree, const struct job *row, struct activity *host)
{
	struct job *job = arena_copy(tree->arena, row, sizeof(*row));

	job->cycle = arena_strdup(tree->arena, row->cycle);
	job->message = arena_strdup(tree->arena, row->message);
	job->host = host;
	LIST_APPEND(host->jobs, job);
	map_put(&tree->jobs, job->id, job);
	tree->live_bytes += job_bytes(job);
	return job;
}

static struct incident *
add_incident(struct tree *tree, const struct incident *row, struct activity *host)
{
	struct incident *incident = arena_copy(tree->arena, row, sizeof(*row));

	incident->message = arena_strdup(tree->arena, row->message);
	incident->host = host;
	LIST_APPEND(host->incidents, incident);
	map_put(&tree->incidents, incident->id, incident);
	tree->live_bytes += incident_bytes(incident);
	return incident;
}

/* The first instance has no caller, every later one has; behind a closed root nothing begins. */
static enum status
check_instance(const struct tree *tree, const struct instance *row, struct error *err)
{
	if (row->id <= 0 || tree_activity(tree, row->id) != NULL)
		return FAIL(err, internal, "instance %" PRId64 " cannot be opened", row->id);
	if (row->state != INSTANCE_active)
		return FAIL(err, internal, "instance %" PRId64 " has ended", row->id);
	if (tree->root != NULL && tree->root->activity.closed)
		return FAIL(err, internal, "the root of instance %" PRId64 " has ended", row->id);
	if (tree->root == NULL ? row->parent != 0 : tree_activity(tree, row->parent) == NULL)
		return FAIL(err, internal, "instance %" PRId64 " has no caller %" PRId64, row->id,
			row->parent);
	return OK;
}

enum status
tree_open_instance(struct tree *tree, const struct instance *row, int64_t definition,
	struct instance **opened, struct error *err)
{
	const struct definition *found = NULL;

	TRY(check_instance(tree, row, err));
	if (definition > 0 && definition <= INT32_MAX)
		found = tree->definitions->get(tree->definitions->context, (int32_t)definition);
	if (found == NULL)
		return FAIL(err, internal, "there is no definition %" PRId64 " for instance %" PRId64, definition,
			row->id);
	*opened = add_instance(tree, row, found);
	return OK;
}

static bool
activity_state_known(enum activity_state state)
{
	switch (state) {
	case ACTIVITY_active:
	case ACTIVITY_before:
	case ACTIVITY_after:
	case ACTIVITY_joining:
		return true;
	}
	return false;
}

enum status
tree_open_activity(struct tree *tree, const struct activity *row, int64_t instance, int64_t key,
	struct activity **opened, struct error *err)
{
	struct instance *within = tree_instance(tree, instance);
	struct activity *scope = tree_activity(tree, row->parent);
	const struct node *node = NULL;

	if (row->id <= 0 || tree_activity(tree, row->id) != NULL)
		return FAIL(err, internal, "activity %" PRId64 " cannot be opened", row->id);
	if (within == NULL || scope == NULL || scope->instance != within)
		return FAIL(err, internal, "activity %" PRId64 " has no scope %" PRId64 " in %" PRId64, row->id,
			row->parent, instance);
	if (!activity_state_known(row->state))
		return FAIL(err, internal, "activity %" PRId64 " has no state %d", row->id, (int)row->state);
	if (key > 0 && key <= INT32_MAX)
		node = program_node(within->definition->program, (int32_t)key);
	if (node == NULL)
		return FAIL(err, internal, "activity %" PRId64 " is of node %" PRId64 ", which there is not",
			row->id, key);
	*opened = add_activity(tree, row, within, scope, node);
	return OK;
}

bool
value_stored(const struct value *value)
{
	return value->type < VALUE_COUNT
		&& (value->transient || (value->type != VALUE_list && value->type != VALUE_map));
}

enum status
tree_open_variable(struct tree *tree, const struct variable *row, struct variable **opened, struct error *err)
{
	struct activity *owner = tree_activity(tree, row->scope);

	if (owner == NULL || row->name == NULL)
		return FAIL(err, internal, "variable %" PRId64 " has no scope %" PRId64, row->id, row->scope);
	if (!value_stored(&row->value))
		return FAIL(err, internal, "variable '%s' cannot be stored as it is", row->name);
	if (row->id <= 0 || tree_own_variable(owner, row->name) != NULL)
		return FAIL(err, internal, "variable '%s' of %" PRId64 " cannot be created", row->name,
			row->scope);
	*opened = add_variable(tree, row, owner);
	return OK;
}

static bool
job_kind_known(enum job_kind kind)
{
	switch (kind) {
	case JOB_timer:
	case JOB_before:
	case JOB_after:
	case JOB_instances:
		return true;
	}
	return false;
}

enum status
tree_open_job(struct tree *tree, const struct job *row, struct job **opened, struct error *err)
{
	struct activity *host = tree_activity(tree, row->activity);

	if (row->id <= 0 || tree_job(tree, row->id) != NULL || !job_kind_known(row->kind))
		return FAIL(err, internal, "job %" PRId64 " cannot be opened", row->id);
	if (host == NULL || program_node(host->instance->definition->program, row->key) == NULL)
		return FAIL(err, internal, "job %" PRId64 " has no activity %" PRId64 " or node %" PRId32,
			row->id, row->activity, row->key);
	*opened = add_job(tree, row, host);
	return OK;
}

enum status
tree_open_incident(struct tree *tree, const struct incident *row, struct incident **opened, struct error *err)
{
	struct activity *host = tree_activity(tree, row->activity);

	if (row->id <= 0 || tree_incident(tree, row->id) != NULL
		|| (row->kind != INCIDENT_failed_job && row->kind != INCIDENT_failed_external_task))
		return FAIL(err, internal, "incident %" PRId64 " cannot be opened", row->id);
	if (host == NULL)
		return FAIL(err, internal, "incident %" PRId64 " has no activity %" PRId64, row->id,
			row->activity);
	*opened = add_incident(tree, row, host);
	return OK;
}

/* ---- rows ------------------------------------------------------------------------------------------- */

enum status
tree_restore_instance(struct tree *tree, const struct instance *row, int32_t definition, struct error *err)
{
	struct instance *opened;

	return tree_open_instance(tree, row, definition, &opened, err);
}

enum status
tree_restore_activity(struct tree *tree, const struct activity *row, int64_t instance, int32_t key,
	struct error *err)
{
	struct activity *opened;

	return tree_open_activity(tree, row, instance, key, &opened, err);
}

enum status
tree_restore_variable(struct tree *tree, const struct variable *row, struct error *err)
{
	struct variable *opened;

	return tree_open_variable(tree, row, &opened, err);
}

enum status
tree_restore_job(struct tree *tree, const struct job *row, struct error *err)
{
	struct job *opened;

	return tree_open_job(tree, row, &opened, err);
}

enum status
tree_restore_incident(struct tree *tree, const struct incident *row, struct error *err)
{
	struct incident *opened;

	return tree_open_incident(tree, row, &opened, err);
}

/* ---- copy ------------------------------------------------------------------------------------------- */

static void
copy_hangers(struct tree *copy, struct activity *to, const struct activity *from)
{
	const struct variable *variable;
	const struct job *job;
	const struct incident *incident;

	for (variable = from->variables; variable != NULL; variable = variable->next)
		add_variable(copy, variable, to);
	for (job = from->jobs; job != NULL; job = job->next)
		add_job(copy, job, to);
	for (incident = from->incidents; incident != NULL; incident = incident->next)
		add_incident(copy, incident, to);
}

/* Instances come in order of opening, so that a caller is there before what it called. */
struct tree *
tree_copy(const struct tree *tree)
{
	struct tree *copy = tree_new(tree->definitions);
	struct instance *from, *to;
	struct activity *at, *added, *top;

	copy->owner_data = tree->owner_data;
	if (tree->root == NULL || tree->root->activity.closed)
		return copy;
	for (from = tree->root; from != NULL; from = from->next) {
		to = add_instance(copy, from, from->definition);
		top = &from->activity;
		copy_hangers(copy, &to->activity, top);
		for (at = activity_walk(top, top); at != NULL; at = activity_walk(top, at)) {
			added = add_activity(copy, at, to, tree_activity(copy, at->scope->id), at->node);
			copy_hangers(copy, added, at);
		}
	}
	return copy;
}
