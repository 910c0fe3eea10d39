/* SPDX-License-Identifier: Apache-2.0
 * What a fetch gets of a task: copied, since the tree goes on without it. */
#include "lane/lane_priv.h"

/* Variables visible from an activity: the nearest of each name, in the arena of the request. */
static struct entries
visible_variables(const struct activity *from, bool local, struct arena *arena)
{
	struct entry *list = NULL;
	size_t count = 0, capacity = 0;
	const struct activity *scope;
	const struct variable *variable;
	struct map seen;

	map_init(&seen, arena);
	for (scope = from; scope != NULL; scope = local ? NULL : scope->scope) {
		for (variable = scope->variables; variable != NULL; variable = variable->next) {
			if (map_get_text(&seen, variable->name) != NULL)
				continue;
			map_put_text(&seen, variable->name, &seen);
			list = arena_grow(arena, list, sizeof *list, count, &capacity);
			list[count].name = arena_strdup(arena, variable->name);
			list[count++].value = value_copy(arena, variable->value);
		}
	}
	return (struct entries){.count = count, .list = list};
}

static struct entries
named_variables(const struct activity *from, const struct fetch_topic *topic, struct arena *arena)
{
	struct entry *list = ARENA_ARRAY(arena, struct entry, topic->variable_count);
	const struct variable *variable;
	size_t i, count = 0;

	for (i = 0; i < topic->variable_count; i++) {
		variable = topic->local_variables ? tree_variable_local(from, topic->variables[i]) :
						    tree_variable(from, topic->variables[i]);
		if (variable == NULL)
			continue;
		list[count].name = topic->variables[i];
		list[count++].value = value_copy(arena, variable->value);
	}
	return (struct entries){.count = count, .list = list};
}

struct fetched *
task_hand_out(const struct activity *activity, const struct fetch_topic *topic, struct arena *arena)
{
	struct fetched *fetched = ARENA_NEW(arena, struct fetched);

	*fetched = (struct fetched){
		.definition = activity->instance->definition,
		.node = activity->node,
		.activity = activity->id,
		.instance = activity->instance->id,
		.business_key = arena_strdup(arena, activity->instance->business_key),
		.created_us = activity->started_us,
		.external = activity->external,
		.topic = topic,
	};
	fetched->external.topic = arena_strdup(arena, activity->external.topic);
	fetched->external.worker = arena_strdup(arena, activity->external.worker);
	fetched->external.message = arena_strdup(arena, activity->external.message);
	fetched->external.details = arena_strdup(arena, activity->external.details);
	fetched->variables = topic->variables_given ?
		named_variables(activity, topic, arena) :
		visible_variables(activity, topic->local_variables, arena);
	return fetched;
}
