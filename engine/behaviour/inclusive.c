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

/* Whether a token that can come by these flows holds the join up: by one that is empty, and by none that holds a token
 * already.  node: where the token is. */
static bool
holds_up(const struct node *join, struct activity *const *tokens, int32_t node)
{
	bool to_empty = false, to_full = false;
	int32_t i;

	for (i = 0; i < join->incoming_count; i++) {
		if (!reaches(join, i, node))
			continue;
		if (tokens[i] == NULL)
			to_empty = true;
		else
			to_full = true;
	}
	return to_empty && !to_full;
}

/* The same for a token that is on the flow with that key, and nowhere else. */
static bool
flow_holds_up(const struct program *program, const struct node *join, struct activity *const *tokens, int32_t key)
{
	const struct flow *flow;
	int32_t i;

	for (i = 0; i < join->incoming_count; i++)
		if (program->flows[join->incoming[i]].key == key)
			return tokens[i] == NULL;
	flow = program_flow(program, key);
	return flow != NULL && holds_up(join, tokens, flow->target);
}

/* Tokens that wait for a job between two nodes: one before the join itself (asyncBefore), and one that has left its
 * node and can no longer take another flow (asyncAfter). */
static bool
is_awaited(const struct activity *scope, const struct node *join, struct activity *const *tokens)
{
	const struct program *program = program_of(scope);
	const struct activity *at;

	for (at = scope->first; at != NULL; at = at->next)
		if (((at->state == ACTIVITY_before && at->node == join) || at->state == ACTIVITY_after) &&
		    flow_holds_up(program, join, tokens, at->flow))
			return true;
	return false;
}

/* Whether a token of the scope is still at the node, not only behind it. */
static bool
is_occupied(const struct activity *scope, const struct node *node)
{
	const struct activity *at;

	if (scope->tokens[node->index] == 0)
		return false;
	if (!node->async_after)
		return true;
	for (at = scope->first; at != NULL; at = at->next)
		if (at->node == node && at->state != ACTIVITY_after)
			return true;
	return false;
}

/* A token at another node of the scope. */
static bool
is_held_up(const struct activity *scope, const struct node *join, struct activity *const *tokens)
{
	const struct node *process = program_of(scope)->nodes, *node;
	int32_t k;

	for (k = 0; k < scope->node->child_count; k++) {
		node = &process[scope->node->children[k]];
		if (node != join && is_occupied(scope, node) && holds_up(join, tokens, node->index))
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
