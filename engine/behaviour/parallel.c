/* SPDX-License-Identifier: Apache-2.0
 * Parallel gateways (BPMN 13.4.1).  As a join it waits for a token on each incoming flow and takes one of each; what is
 * left over stays.  Camunda 7 counts tokens whatever flow they came by: a deliberate deviation. */
#include "engine/machine.h"

/* Waiting tokens at this join, one for each incoming flow; false when a flow has none. */
static bool
gather(struct machine *machine, const struct activity *arrived, struct activity ***tokens)
{
	const struct node *node = arrived->node;
	const struct program *program = program_of(arrived);
	struct activity *at;
	int32_t found = 0, i;

	*tokens = ARENA_ARRAY(machine->arena, struct activity *, (size_t)node->incoming_count);
	for (at = arrived->scope->first; at != NULL && found < node->incoming_count; at = at->next) {
		if (at->node != node || at->state != ACTIVITY_joining)
			continue;
		for (i = 0; i < node->incoming_count; i++) {
			if ((*tokens)[i] != NULL || program->flows[node->incoming[i]].key != at->flow)
				continue;
			(*tokens)[i] = at;
			found++;
			break;
		}
	}
	return found == node->incoming_count;
}

enum progress
enter_parallel(struct machine *machine, struct activity *activity, struct error *err)
{
	const struct node *node = activity->node;
	struct activity **tokens;
	int32_t i;

	if (node->incoming_count <= 1)
		return MORE;
	if (!EMIT(machine, err, activity_state, .activity = activity->id, .state = ACTIVITY_joining,
		    .flow = activity->flow, .started_us = activity->started_us))
		return FAILED;
	touch_scope(machine, activity->scope);
	if (!gather(machine, activity, &tokens))
		return WAIT;
	for (i = 0; i < node->incoming_count; i++)
		if (tokens[i] != activity && close_activity(machine, tokens[i], false, err) != OK)
			return FAILED;
	if (!EMIT(machine, err, activity_state, .activity = activity->id, .state = ACTIVITY_active,
		    .flow = activity->flow, .started_us = activity->started_us))
		return FAILED;
	return MORE;
}
