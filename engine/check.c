/* SPDX-License-Identifier: Apache-2.0
 * tree_check: recounts whatever engine_apply() and engine_undo() keep, from the lists alone. */
#include "engine/tree_priv.h"

#include <inttypes.h>

/* What the maps and live_bytes must add up to. */
struct census {
	size_t instances, activities, jobs, incidents, bytes;
	int64_t called;
};

#define WRONG(err, ...) (FAIL((err), internal, __VA_ARGS__), false)

static bool
check_variables(const struct activity *activity, struct error *err)
{
	const struct variable *variable, *before = NULL;
	size_t count = 0;

	for (variable = activity->variables; variable != NULL; before = variable, variable = variable->next) {
		if (variable->prev != (before != NULL ? before : activity->variables->prev))
			return WRONG(err, "variable '%s': broken list", variable->name);
		if (variable->owner != activity || variable->scope != activity->id)
			return WRONG(err, "variable '%s': not of scope %" PRId64, variable->name, activity->id);
		if (tree_variable_local(activity, variable->name) != variable)
			return WRONG(err, "variable '%s': not found by name, or twice", variable->name);
		count++;
	}
	if (before != NULL && activity->variables->prev != before)
		return WRONG(err, "activity %" PRId64 ": last variable lost", activity->id);
	if (activity->variable_names != NULL && map_count(activity->variable_names) != count)
		return WRONG(err, "activity %" PRId64 ": %zu names for %zu variables", activity->id,
			map_count(activity->variable_names), count);
	return true;
}

static bool
check_jobs(const struct tree *tree, const struct activity *activity, struct census *census, struct error *err)
{
	const struct job *job, *before = NULL;

	for (job = activity->jobs; job != NULL; before = job, job = job->next) {
		if (job->prev != (before != NULL ? before : activity->jobs->prev))
			return WRONG(err, "job %" PRId64 ": broken list", job->id);
		if (job->host != activity || job->activity != activity->id || tree_job(tree, job->id) != job)
			return WRONG(err, "job %" PRId64 ": not where it should be", job->id);
		census->jobs++;
		census->bytes += job_bytes(job);
	}
	if (before != NULL && activity->jobs->prev != before)
		return WRONG(err, "activity %" PRId64 ": last job lost", activity->id);
	return true;
}

static bool
check_incidents(const struct tree *tree, const struct activity *activity, struct census *census,
	struct error *err)
{
	const struct incident *incident, *before = NULL;

	for (incident = activity->incidents; incident != NULL; before = incident, incident = incident->next) {
		if (incident->prev != (before != NULL ? before : activity->incidents->prev))
			return WRONG(err, "incident %" PRId64 ": broken list", incident->id);
		if (incident->host != activity || incident->activity != activity->id
			|| tree_incident(tree, incident->id) != incident)
			return WRONG(err, "incident %" PRId64 ": not where it should be", incident->id);
		census->incidents++;
		census->bytes += incident_bytes(incident);
	}
	if (before != NULL && activity->incidents->prev != before)
		return WRONG(err, "activity %" PRId64 ": last incident lost", activity->id);
	return true;
}

/* Links, count and scope of the children; their own insides come when the walk gets there. */
static bool
check_children(const struct activity *activity, struct error *err)
{
	const struct activity *child, *before = NULL;
	int64_t count = 0;

	for (child = activity->first; child != NULL; before = child, child = child->next) {
		if (child->prev != before)
			return WRONG(err, "activity %" PRId64 ": broken list", child->id);
		if (child->scope != activity || child->parent != activity->id
			|| child->instance != activity->instance)
			return WRONG(err, "activity %" PRId64 ": not in scope %" PRId64, child->id, activity->id);
		count++;
	}
	if (activity->last != before)
		return WRONG(err, "activity %" PRId64 ": last child lost", activity->id);
	if (activity->child_count != count)
		return WRONG(err, "activity %" PRId64 ": counts %" PRId64 " children of %" PRId64, activity->id,
			activity->child_count, count);
	return true;
}

/* Every child takes one off, so that what is left must be zero everywhere; then they are put back. */
static bool
check_tokens(const struct activity *activity, struct error *err)
{
	int32_t nodes = activity->instance->definition->program->node_count;
	const struct activity *child;
	int32_t i, wrong = -1;

	if ((activity->tokens != NULL) != activity->node->has_inclusive_join)
		return WRONG(err, "activity %" PRId64 ": tokens kept for no join, or not kept", activity->id);
	if (activity->tokens == NULL)
		return true;
	for (child = activity->first; child != NULL; child = child->next)
		activity->tokens[child->node->index]--;
	for (i = 0; i < nodes; i++)
		if (activity->tokens[i] != 0)
			wrong = i;
	for (child = activity->first; child != NULL; child = child->next)
		activity->tokens[child->node->index]++;
	if (wrong >= 0)
		return WRONG(err, "activity %" PRId64 ": miscounts tokens of node %" PRId32, activity->id, wrong);
	return true;
}

static bool
check_activity(const struct tree *tree, const struct activity *activity, struct census *census,
	struct error *err)
{
	if (activity->closed)
		return WRONG(err, "activity %" PRId64 ": closed but still there", activity->id);
	if (tree_activity(tree, activity->id) != activity)
		return WRONG(err, "activity %" PRId64 ": not found by id", activity->id);
	census->activities++;
	census->called += activity->called_count;
	census->bytes += activity_bytes(activity);
	return check_children(activity, err) && check_tokens(activity, err)
		&& check_variables(activity, err) && check_jobs(tree, activity, census, err)
		&& check_incidents(tree, activity, census, err);
}

static bool
check_instance(const struct tree *tree, struct instance *instance, struct census *census, struct error *err)
{
	struct activity *top = &instance->activity;
	struct activity *at;

	if (tree_instance(tree, instance->id) != instance || instance->state != INSTANCE_active)
		return WRONG(err, "instance %" PRId64 ": not found by id, or ended", instance->id);
	if (instance == tree->root ? instance->parent != 0 : tree_activity(tree, instance->parent) == NULL)
		return WRONG(err, "instance %" PRId64 ": its caller does not live", instance->id);
	if (top->id != instance->id || top->instance != instance || top->scope != NULL
		|| top->node != &instance->definition->program->nodes[0])
		return WRONG(err, "instance %" PRId64 ": not its own activity", instance->id);
	census->instances++;
	census->bytes += instance_bytes(instance);
	for (at = top; at != NULL; at = activity_walk(top, at))
		if (!check_activity(tree, at, census, err))
			return false;
	return true;
}

static bool
check_count(const char *what, const struct map *map, size_t count, struct error *err)
{
	if (map_count(map) != count)
		return WRONG(err, "%zu %s found by id, %zu are there", map_count(map), what, count);
	return true;
}

bool
tree_check(const struct tree *tree, struct error *err)
{
	struct census census = { 0 };
	struct instance *instance = tree->root, *before = NULL;

	if (instance != NULL && instance->activity.closed)
		instance = NULL;	/* what it leaves behind must be nothing */
	for (; instance != NULL; before = instance, instance = instance->next) {
		if (instance->prev != (before != NULL ? before : tree->root->prev))
			return WRONG(err, "instance %" PRId64 ": broken list", instance->id);
		if (!check_instance(tree, instance, &census, err))
			return false;
	}
	if (before != NULL && tree->root->prev != before)
		return WRONG(err, "last instance lost");
	if (census.instances > 0 && census.called != (int64_t)census.instances - 1)
		return WRONG(err, "%" PRId64 " calls counted for %zu instances", census.called, census.instances);
	if (tree->live_bytes != census.bytes)
		return WRONG(err, "%zu bytes live, %zu are counted", census.bytes, tree->live_bytes);
	return check_count("instances", &tree->instances, census.instances, err)
		&& check_count("activities", &tree->activities, census.activities, err)
		&& check_count("jobs", &tree->jobs, census.jobs, err)
		&& check_count("incidents", &tree->incidents, census.incidents, err);
}
