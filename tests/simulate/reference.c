/* SPDX-License-Identifier: Apache-2.0
 * See reference.h.  Work is a stack of tokens that are on their way: the last one goes first, so that branches run
 * depth first, in document order.  A parallel join goes on as soon as it can; inclusive ones are asked when nothing
 * else moves, since what is on its way may still come: 13.4.3 says when one can go on, not that it must at once. */
#include "tests/simulate/reference.h"

static void leave(struct reference *run, struct token *token);
static void end_path(struct reference *run, struct token *token);

static const struct sketch_node *
node_of(const struct reference *run, const struct token *token)
{
	return &run->sketch->nodes[token->node];
}

static int
flow_count(const struct reference *run)
{
	return (int)run->sketch->flow_count;
}

/* ---- tokens come and go --------------------------------------------------------------------------- */

/* A token inside of the other, behind those that are there. */
static struct token *
put_token(struct reference *run, struct token *parent, int node, enum token_state state, int flow)
{
	struct token *token = ARENA_NEW(run->arena, struct token), **end;

	*token = (struct token){
		.id = ++run->last_id,
		.parent = parent,
		.node = node,
		.state = state,
		.flow = flow,
		.counter = SKETCH_NONE,
	};
	if (parent != NULL) {
		for (end = &parent->first; *end != NULL; end = &(*end)->next)
			continue;
		*end = token;
	}
	return token;
}

static void
take_token(struct token *token)
{
	struct token **at;

	token->dead = true;
	if (token->parent == NULL)
		return;
	for (at = &token->parent->first; *at != token; at = &(*at)->next)
		continue;
	*at = token->next;
}

/* The token is what the command goes on with. */
static void
push(struct reference *run, struct token *token)
{
	run->moving = arena_grow(run->arena, run->moving, sizeof(*run->moving), run->moving_count, &run->moving_room);
	run->moving[run->moving_count++] = token;
}

static void
note_end(struct reference *run, const struct token *token, bool canceled)
{
	if (token->node == SKETCH_NONE)
		return;
	run->ended = arena_grow(run->arena, run->ended, sizeof(*run->ended), run->ended_count, &run->ended_room);
	run->ended[run->ended_count++] = (struct ended){token->node, token->is_body, canceled};
}

/* Removes the token and all in it.  What only waits for a job, or is on its way, has not begun or has ended already. */
static void
cancel(struct reference *run, struct token *token)
{
	while (token->first != NULL)
		cancel(run, token->first);
	if (token->state == TOKEN_active || token->state == TOKEN_joining)
		note_end(run, token, true);
	take_token(token);
}

static void
cancel_inside(struct reference *run, struct token *token)
{
	while (token->first != NULL)
		cancel(run, token->first);
}

static struct token *
find_token(struct token *token, int64_t id)
{
	struct token *at, *found = NULL;

	if (token->id == id)
		return token;
	for (at = token->first; at != NULL && found == NULL; at = at->next)
		found = find_token(at, id);
	return found;
}

/* ---- conditions ----------------------------------------------------------------------------------- */

/* body: whose counters a completion condition means; else NULL. */
static bool
holds(const struct reference *run, const struct sketch_condition *condition, const struct token *body)
{
	int left = 0;

	switch (condition->operand) {
	case SKETCH_variable: left = run->variables[condition->variable]; break;
	case SKETCH_completed: left = body->completed; break;
	case SKETCH_active:
		/* in turn, it is one all the time */
		left = node_of(run, body)->loop == SKETCH_in_turn ? 1 : body->total - body->completed;
		break;
	}
	switch (condition->comparison) {
	case SKETCH_always: return true;
	case SKETCH_equal: return left == condition->constant;
	case SKETCH_unequal: return left != condition->constant;
	case SKETCH_less: return left < condition->constant;
	case SKETCH_at_least: return left >= condition->constant;
	}
	return false;
}

/* ---- flows ---------------------------------------------------------------------------------------- */

struct choice {
	bool *taken;			/* for each flow of the sketch */
	int ways;			/* flows out of the node */
	int count;			/* flows taken */
};

static void
choose(struct choice *choice, int flow)
{
	choice->taken[flow] = true;
	choice->count++;
}

/* The first that is true (13.4.2). */
static void
choose_exclusive(const struct reference *run, int node, struct choice *choice)
{
	const struct sketch_flow *flow;
	int i;

	for (i = 0; i < flow_count(run) && choice->count == 0; i++) {
		flow = &run->sketch->flows[i];
		if (flow->source == node && !flow->is_default && holds(run, &flow->condition, NULL))
			choose(choice, i);
	}
}

/* All that are true (13.4.3, 13.3.1); a parallel gateway does not ask (13.4.1).  Whether the default is needed. */
static bool
choose_all(const struct reference *run, int node, struct choice *choice)
{
	bool parallel = run->sketch->nodes[node].kind == SKETCH_parallel;
	bool asked = false, held = false;
	const struct sketch_flow *flow;
	int i;

	for (i = 0; i < flow_count(run); i++) {
		flow = &run->sketch->flows[i];
		if (flow->source != node || (flow->is_default && !parallel))
			continue;
		if (!parallel && flow->condition.comparison != SKETCH_always) {
			asked = true;
			if (!holds(run, &flow->condition, NULL))
				continue;
			held = true;
		}
		choose(choice, i);
	}
	/* of activities and events a flow without condition says nothing about the default (13.3.1) */
	if (sketch_is(&run->sketch->nodes[node], SKETCH_IS_gateway))
		return choice->count == 0;
	return choice->count == 0 || (asked && !held);
}

/* False when the node has ways out but none can be taken. */
static bool
choose_flows(const struct reference *run, int node, struct choice *choice)
{
	bool needs_default;
	int i;

	choice->taken = ARENA_ARRAY(run->arena, bool, run->sketch->flow_count);
	if (run->sketch->nodes[node].kind == SKETCH_exclusive) {
		choose_exclusive(run, node, choice);
		needs_default = choice->count == 0;
	} else {
		needs_default = choose_all(run, node, choice);
	}
	for (i = 0; i < flow_count(run); i++) {
		if (run->sketch->flows[i].source != node)
			continue;
		choice->ways++;
		if (needs_default && run->sketch->flows[i].is_default)
			choose(choice, i);
	}
	return choice->count > 0 || choice->ways == 0;
}

/* The scope has lost a token: without any it is over, and what it is the inside of goes on. */
static void
look_at_scope(struct reference *run, struct token *scope)
{
	if (scope->first == NULL)
		leave(run, scope);
}

/* Takes the flows out of the node, for a token in the scope that is already gone. */
static void
depart(struct reference *run, struct token *scope, int node)
{
	bool after = run->sketch->nodes[node].after;
	struct choice choice = {0};
	struct token **made;
	int i, count = 0;

	if (!choose_flows(run, node, &choice)) {
		run->answer = ANSWER_refused;
		return;
	}
	made = ARENA_ARRAY(run->arena, struct token *, run->sketch->flow_count);
	for (i = 0; i < flow_count(run); i++)
		if (choice.taken[i])
			made[count++] = put_token(run, scope, after ? node : run->sketch->flows[i].target,
				after ? TOKEN_after : TOKEN_moving, i);
	if (after && choice.ways == 0)
		put_token(run, scope, node, TOKEN_after, SKETCH_NONE);
	while (!after && count > 0)
		push(run, made[--count]);
	look_at_scope(run, scope);
}

/* ---- loops ---------------------------------------------------------------------------------------- */

static void
add_instance(struct reference *run, struct token *body, int counter)
{
	struct token *token = put_token(run, body, body->node, TOKEN_moving, SKETCH_NONE);

	token->counter = counter;
}

static void
push_instances(struct reference *run, struct token *body)
{
	struct token *last = NULL, *at;

	/* the first goes first */
	while (last != body->first) {
		for (at = body->first; at->next != last; at = at->next)
			continue;
		push(run, at);
		last = at;
	}
}

static void
begin_loop(struct reference *run, struct token *body)
{
	const struct sketch_node *node = node_of(run, body);
	int i;

	body->is_body = true;
	body->total = node->cardinality_variable == SKETCH_NONE ? node->cardinality
		: run->variables[node->cardinality_variable];
	for (i = 0; i < body->total && (i == 0 || node->loop == SKETCH_side_by_side); i++)
		add_instance(run, body, i);
	push_instances(run, body);
	if (body->total == 0)
		leave(run, body);
}

/* An instance has ended and is gone. */
static void
count_instance(struct reference *run, struct token *body)
{
	const struct sketch_node *node = node_of(run, body);

	body->completed++;
	if (body->completed == body->total ||
	    (node->completion.comparison != SKETCH_always && holds(run, &node->completion, body))) {
		cancel_inside(run, body);
		leave(run, body);
	} else if (node->loop == SKETCH_in_turn) {
		add_instance(run, body, body->completed);
		push_instances(run, body);
	}
}

/* ---- leaving -------------------------------------------------------------------------------------- */

/* The token is gone, without a flow taken. */
static void
end_path(struct reference *run, struct token *token)
{
	take_token(token);
	if (token->parent == NULL)
		return;
	if (token->parent->is_body)
		count_instance(run, token->parent);
	else
		look_at_scope(run, token->parent);
}

/* What the token stands for has ended. */
static void
leave(struct reference *run, struct token *token)
{
	note_end(run, token, false);
	if (token->parent == NULL || token->parent->is_body) {
		end_path(run, token);
		return;
	}
	take_token(token);
	depart(run, token->parent, token->node);
}

/* ---- errors --------------------------------------------------------------------------------------- */

/* Where an error of the code leaves the node: a boundary event with the code before one that catches all. */
static int
find_catch(const struct reference *run, int host, int code)
{
	const struct sketch_node *node;
	int i, found = SKETCH_NONE;

	for (i = 0; i < (int)run->sketch->node_count; i++) {
		node = &run->sketch->nodes[i];
		if (node->kind != SKETCH_boundary_error || node->host != host)
			continue;
		if (node->code == code)
			return i;
		if (node->code == 0)
			found = i;
	}
	return found;
}

/* A token leaves its activity by a boundary event, or comes beside it. */
static void
take_boundary(struct reference *run, struct token *host, int boundary, bool interrupting)
{
	struct token *scope = host->parent;

	if (interrupting)
		cancel(run, host);
	push(run, put_token(run, scope, boundary, TOKEN_moving, SKETCH_NONE));
}

/* The innermost that catches it, seen from where it was thrown; if nobody does, the path ends there. */
static void
throw_error(struct reference *run, struct token *thrower, int code)
{
	struct token *at;
	int boundary;

	for (at = thrower; at->parent != NULL; at = at->parent) {
		if (at->parent->is_body)
			continue;		/* boundary events of a loop hang on the whole of it */
		boundary = find_catch(run, at->node, code);
		if (boundary != SKETCH_NONE) {
			take_boundary(run, at, boundary, true);
			return;
		}
	}
	note_end(run, thrower, false);
	end_path(run, thrower);
}

/* ---- joins ---------------------------------------------------------------------------------------- */

/* The first token that waits at the node and came by the flow. */
static struct token *
find_waiting(struct token *scope, int node, int flow)
{
	struct token *at;

	for (at = scope->first; at != NULL; at = at->next)
		if (at->state == TOKEN_joining && at->node == node && at->flow == flow)
			return at;
	return NULL;
}

/* Marks the flows that a token at the node can come to without going through the join. */
static void
mark_from(const struct reference *run, int node, int join, bool *seen, bool *reached)
{
	int i;

	if (node == join || seen[node])
		return;
	seen[node] = true;
	for (i = 0; i < flow_count(run); i++)
		if (run->sketch->flows[i].source == node) {
			reached[i] = true;
			mark_from(run, run->sketch->flows[i].target, join, seen, reached);
		}
	for (i = 0; i < (int)run->sketch->node_count; i++)
		if (run->sketch->nodes[i].host == node)
			mark_from(run, i, join, seen, reached);
}

/* The same for a token wherever it is.  One that has left its node, or has not come into it yet, is on its flow. */
static bool *
mark_reachable(const struct reference *run, const struct token *token, int join)
{
	bool *seen = ARENA_ARRAY(run->arena, bool, run->sketch->node_count);
	bool *reached = ARENA_ARRAY(run->arena, bool, run->sketch->flow_count);

	if (token->flow != SKETCH_NONE && token->state != TOKEN_active)
		reached[token->flow] = true;
	if (token->state == TOKEN_after) {
		if (token->flow != SKETCH_NONE)
			mark_from(run, run->sketch->flows[token->flow].target, join, seen, reached);
	} else {
		mark_from(run, token->node, join, seen, reached);
	}
	return reached;
}

/* Whether the join has still to wait for the token (13.4.3): it can come by a flow on which nobody waits, and not by
 * one on which somebody does. */
static bool
is_awaited(const struct reference *run, struct token *scope, int join, const struct token *token)
{
	const bool *reached;
	bool by_empty = false, by_full = false;
	int i;

	if (token->state == TOKEN_joining && token->node == join)
		return false;
	reached = mark_reachable(run, token, join);
	for (i = 0; i < flow_count(run); i++) {
		if (run->sketch->flows[i].target != join || !reached[i])
			continue;
		if (find_waiting(scope, join, i) != NULL)
			by_full = true;
		else
			by_empty = true;
	}
	return by_empty && !by_full;
}

/* Whether the tokens that wait at the node may go on together. */
static bool
is_enabled(const struct reference *run, struct token *scope, int join)
{
	bool parallel = run->sketch->nodes[join].kind == SKETCH_parallel, anybody = false;
	struct token *at;
	int i;

	for (i = 0; i < flow_count(run); i++) {
		if (run->sketch->flows[i].target != join)
			continue;
		if (find_waiting(scope, join, i) != NULL)
			anybody = true;
		else if (parallel)
			return false;
	}
	for (at = scope->first; at != NULL && anybody && !parallel; at = at->next)
		if (is_awaited(run, scope, join, at))
			return false;
	return anybody;
}

/* One token of each flow goes. */
static void
fire_join(struct reference *run, struct token *scope, int join)
{
	struct token *token;
	int i;

	for (i = 0; i < flow_count(run); i++) {
		token = run->sketch->flows[i].target == join ? find_waiting(scope, join, i) : NULL;
		if (token != NULL) {
			note_end(run, token, false);
			take_token(token);
		}
	}
	depart(run, scope, join);
}

/* Fires one join of the kind that may, in the scope or in one inside, the first in the document; false when there is
 * none. */
static bool
try_joins(struct reference *run, struct token *scope, enum sketch_kind kind)
{
	struct token *at;
	int i;

	for (i = 0; i < (int)run->sketch->node_count; i++)
		if (run->sketch->nodes[i].kind == kind && is_enabled(run, scope, i)) {
			fire_join(run, scope, i);
			return true;
		}
	for (at = scope->first; at != NULL; at = at->next)
		if (try_joins(run, at, kind))
			return true;
	return false;
}

static int
count_incoming(const struct reference *run, int node)
{
	int i, count = 0;

	for (i = 0; i < flow_count(run); i++)
		count += run->sketch->flows[i].target == node;
	return count;
}

/* ---- entering ------------------------------------------------------------------------------------- */

static void
terminate(struct reference *run, struct token *token)
{
	struct token *scope = token->parent;

	note_end(run, token, false);
	take_token(token);
	cancel_inside(run, scope);
	leave(run, scope);
}

static void
begin(struct reference *run, struct token *token)
{
	token->state = TOKEN_active;
	switch (node_of(run, token)->kind) {
	case SKETCH_service: case SKETCH_send: case SKETCH_rule: case SKETCH_user: case SKETCH_timer:
		break;
	case SKETCH_sub:
		push(run, put_token(run, token, sketch_start_of(run->sketch, token->node), TOKEN_moving, SKETCH_NONE));
		break;
	case SKETCH_parallel: case SKETCH_inclusive:
		if (count_incoming(run, token->node) > 1)
			token->state = TOKEN_joining;
		else
			leave(run, token);
		break;
	case SKETCH_terminate:
		terminate(run, token);
		break;
	case SKETCH_error_end:
		throw_error(run, token, node_of(run, token)->code);
		break;
	case SKETCH_start: case SKETCH_end: case SKETCH_undefined: case SKETCH_manual: case SKETCH_exclusive:
	case SKETCH_boundary_timer: case SKETCH_boundary_error: case SKETCH_KINDS:
		leave(run, token);
		break;
	}
}

/* Boundary timers run from now on. */
static void
arm(struct reference *run, struct token *token)
{
	const struct sketch_node *node;
	int i;

	token->rings = ARENA_ARRAY(run->arena, int, run->sketch->node_count);
	for (i = 0; i < (int)run->sketch->node_count; i++) {
		node = &run->sketch->nodes[i];
		if (node->host == token->node && node->kind == SKETCH_boundary_timer)
			token->rings[i] = node->repeats > 0 ? node->repeats : 1;
	}
}

/* The activity begins, as a loop or once. */
static void
enter(struct reference *run, struct token *token)
{
	token->state = TOKEN_active;
	arm(run, token);
	if (node_of(run, token)->loop != SKETCH_once)
		begin_loop(run, token);
	else
		begin(run, token);
}

static void
arrive(struct reference *run, struct token *token)
{
	if (token->parent->is_body)
		begin(run, token);
	else if (node_of(run, token)->before)
		token->state = TOKEN_before;
	else
		enter(run, token);
}

/* Until every token waits. */
static enum answer
go_on(struct reference *run)
{
	struct token *token;

	while (run->answer == ANSWER_done && !run->process->dead) {
		if (++run->steps > REFERENCE_STEPS)
			return ANSWER_endless;
		if (try_joins(run, run->process, SKETCH_parallel))
			continue;
		if (run->moving_count == 0 && try_joins(run, run->process, SKETCH_inclusive))
			continue;
		if (run->moving_count == 0)
			break;
		token = run->moving[--run->moving_count];
		if (!token->dead)
			arrive(run, token);
	}
	return run->answer;
}

/* ---- commands ------------------------------------------------------------------------------------- */

struct reference *
reference_new(struct arena *arena, const struct sketch *sketch)
{
	struct reference *run = ARENA_NEW(arena, struct reference);

	run->arena = arena;
	run->sketch = sketch;
	return run;
}

static struct token *
copy_token(struct arena *arena, size_t nodes, const struct token *token, struct token *parent)
{
	struct token *made = arena_copy(arena, token, sizeof(*token)), **end = &made->first;
	const struct token *at;

	made->parent = parent;
	made->first = NULL;
	if (token->rings != NULL)
		made->rings = arena_copy(arena, token->rings, nodes * sizeof(*token->rings));
	for (at = token->first; at != NULL; at = at->next) {
		*end = copy_token(arena, nodes, at, made);
		end = &(*end)->next;
	}
	return made;
}

/* Before a command: what it starts from, and the token that it is about (NULL when there is none of that id). */
static struct token *
prepare(struct reference *run, struct reference *before, int64_t id)
{
	run->answer = ANSWER_done;
	run->ended_count = run->moving_count = 0;
	run->steps = 0;
	*before = *run;
	if (run->process == NULL || run->process->dead)
		return NULL;
	before->process = copy_token(run->arena, run->sketch->node_count, run->process, NULL);
	return find_token(run->process, id);
}

/* Everything as before the command. */
static enum answer
take_back(struct reference *run, const struct reference *before, enum answer answer)
{
	*run = *before;
	return answer;
}

static enum answer
finish(struct reference *run, const struct reference *before)
{
	enum answer answer = go_on(run);

	return answer == ANSWER_done ? ANSWER_done : take_back(run, before, answer);
}

enum answer
reference_start(struct reference *run, const int values[SKETCH_VARIABLES])
{
	struct reference before;

	if (run->process != NULL)
		return ANSWER_refused;
	(void)prepare(run, &before, 0);
	(void)reference_set(run, values);
	run->process = put_token(run, NULL, SKETCH_NONE, TOKEN_active, SKETCH_NONE);
	push(run, put_token(run, run->process, sketch_start_of(run->sketch, SKETCH_NONE), TOKEN_moving, SKETCH_NONE));
	return finish(run, &before);
}

enum answer
reference_set(struct reference *run, const int values[SKETCH_VARIABLES])
{
	int i;

	for (i = 0; i < SKETCH_VARIABLES; i++)
		run->variables[i] = values[i];
	return ANSWER_done;
}

static bool
is_open_task(const struct reference *run, const struct token *token)
{
	return token != NULL && token->state == TOKEN_active && !token->is_body && token->node != SKETCH_NONE &&
	       sketch_is(node_of(run, token), SKETCH_IS_task);
}

enum answer
reference_complete(struct reference *run, int64_t id, const int values[SKETCH_VARIABLES])
{
	struct reference before;
	struct token *token = prepare(run, &before, id);

	if (!is_open_task(run, token))
		return ANSWER_refused;
	(void)reference_set(run, values);
	leave(run, token);
	return finish(run, &before);
}

enum answer
reference_error(struct reference *run, int64_t id, int code)
{
	struct reference before;
	struct token *token = prepare(run, &before, id);

	if (!is_open_task(run, token))
		return ANSWER_refused;
	throw_error(run, token, code);
	return finish(run, &before);
}

int
reference_rings(const struct reference *run, const struct token *token, int timer)
{
	return token->rings != NULL && (size_t)timer < run->sketch->node_count ? token->rings[timer] : 0;
}

static enum answer
ring(struct reference *run, struct token *token, int timer)
{
	bool stays = run->sketch->nodes[timer].stays;

	if (reference_rings(run, token, timer) == 0)
		return ANSWER_refused;
	token->rings[timer]--;
	take_boundary(run, token, timer, !stays);
	return ANSWER_done;
}

/* An asynchronous continuation, or a timer on the way. */
static enum answer
resume(struct reference *run, struct token *token)
{
	switch (token->state) {
	case TOKEN_before:
		enter(run, token);
		return ANSWER_done;
	case TOKEN_after:
		if (token->flow == SKETCH_NONE) {
			end_path(run, token);
			return ANSWER_done;
		}
		token->node = run->sketch->flows[token->flow].target;
		token->state = TOKEN_moving;
		push(run, token);
		return ANSWER_done;
	case TOKEN_active:
		if (token->node == SKETCH_NONE || node_of(run, token)->kind != SKETCH_timer)
			return ANSWER_refused;
		leave(run, token);
		return ANSWER_done;
	case TOKEN_joining: case TOKEN_moving:
		break;
	}
	return ANSWER_refused;
}

enum answer
reference_job(struct reference *run, int64_t id, int timer)
{
	struct reference before;
	struct token *token = prepare(run, &before, id);

	if (token == NULL || (timer == SKETCH_NONE ? resume(run, token) : ring(run, token, timer)) != ANSWER_done)
		return take_back(run, &before, ANSWER_refused);
	return finish(run, &before);
}
