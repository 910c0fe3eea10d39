/* SPDX-License-Identifier: Apache-2.0
 * Inclusive gateways (BPMN 13.4.3).  A join is looked at again whenever a token of its scope moved or died, so it never
 * waits for what cannot come. */
#include "engine/machine.h"

enum progress
enter_inclusive(struct machine *machine, struct activity *activity, struct error *err)
{
	if (activity->node->incoming_count <= 1)
		return MORE;
	if (!EMIT(machine, err, activity_state, .activity = activity->id, .state = ACTIVITY_joining,
		    .flow = activity->flow, .started_us = activity->started_us))
		return FAILED;
	touch_scope(machine, activity->scope);
	return WAIT;
}

static bool
reaches(const struct node *join, int32_t incoming, int32_t node)
{
	const uint64_t *bits = &join->reach[(size_t)incoming * (size_t)join->reach_words];

	return (bits[node / 64] >> (node % 64) & 1) != 0;
}

/* Which incoming flows hold a token, and the first token of each. */
static int32_t
gather(const struct activity *scope, const struct node *join, struct activity **tokens)
{
	const struct program *program = program_of(scope);
	struct activity *at;
	int32_t found = 0, i;

	for (at = scope->first; at != NULL; at = at->next) {
		if (at->node != join || at->state != ACTIVITY_joining)
			continue;
		for (i = 0; i < join->incoming_count; i++) {
			if (tokens[i] != NULL || program->flows[join->incoming[i]].key != at->flow)
				continue;
			tokens[i] = at;
			found++;
			break;
		}
	}
	return found;
}

/* A token that a job will bring to the join by a flow that is empty so far (asyncBefore). */
static bool
is_awaited(const struct activity *scope, const struct node *join, struct activity *const *tokens)
{
	const struct program *program = program_of(scope);
	const struct activity *at;
	int32_t i;

	if (!join->async_before)
		return false;
	for (at = scope->first; at != NULL; at = at->next) {
		if (at->node != join || at->state != ACTIVITY_before)
			continue;
		for (i = 0; i < join->incoming_count; i++)
			if (tokens[i] == NULL && program->flows[join->incoming[i]].key == at->flow)
				return true;
	}
	return false;
}

/* A token elsewhere in the scope holds the join up when it can reach an incoming flow that is empty, and none that
 * holds a token already. */
static bool
is_held_up(const struct activity *scope, const struct node *join, struct activity *const *tokens)
{
	const struct node *process = program_of(scope)->nodes;
	int32_t i, k, node;
	bool to_empty, to_full;

	for (k = 0; k < scope->node->child_count; k++) {
		node = scope->node->children[k];
		if (scope->tokens[node] == 0 || &process[node] == join)
			continue;
		to_empty = to_full = false;
		for (i = 0; i < join->incoming_count; i++) {
			if (!reaches(join, i, node))
				continue;
			if (tokens[i] == NULL)
				to_empty = true;
			else
				to_full = true;
		}
		if (to_empty && !to_full)
			return true;
	}
	return false;
}

/* One token of each flow is consumed; the first goes on. */
static enum status
fire(struct machine *machine, const struct node *join, struct activity **tokens, struct error *err)
{
	struct activity *first = NULL;
	int32_t i;

	for (i = 0; i < join->incoming_count; i++) {
		if (tokens[i] == NULL)
			continue;
		if (first == NULL) {
			first = tokens[i];
			continue;
		}
		TRY(close_activity(machine, tokens[i], false, err));
	}
	MUST_EMIT(machine, err, activity_state, .activity = first->id, .state = ACTIVITY_active, .flow = first->flow,
		.started_us = first->started_us);
	return leave(machine, first, err);
}

enum status
test_inclusive(struct machine *machine, struct activity *scope, bool *fired, struct error *err)
{
	const struct node *nodes = program_of(scope)->nodes, *join;
	struct activity **tokens;
	int32_t k;

	*fired = false;
	if (is_pending(machine, scope))
		return OK;
	for (k = 0; k < scope->node->child_count; k++) {
		join = &nodes[scope->node->children[k]];
		if (join->element != EL_inclusive_gateway || join->incoming_count <= 1 ||
		    scope->tokens[join->index] == 0)
			continue;
		tokens = ARENA_ARRAY(machine->arena, struct activity *, (size_t)join->incoming_count);
		if (gather(scope, join, tokens) == 0 || is_awaited(scope, join, tokens) ||
		    is_held_up(scope, join, tokens))
			continue;
		*fired = true;
		/* surplus tokens, or another join: look again when this branch waits */
		touch_scope(machine, scope);
		return fire(machine, join, tokens, err);
	}
	return OK;
}
