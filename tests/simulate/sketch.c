/* SPDX-License-Identifier: Apache-2.0
 * Random processes (sketch.h).  Blocks are drawn as a modeler would draw them; a tangle is nodes first, then flows
 * between any of them.  What both have in common is added afterwards: conditions, defaults, loops, boundary events. */
#include "tests/simulate/sketch_model.h"

#include "base/text.h"

struct artist {
	struct dice dice;
	struct arena *arena;
	struct sketch *sketch;
	int most_depth;
	int left;			/* nodes that may still be drawn */
};

static void draw_blocks(struct artist *artist, int scope, int depth);

/* A new node without flows, by its place in the list. */
static int
add_node(struct artist *artist, enum sketch_kind kind, int scope)
{
	struct sketch *sketch = artist->sketch;
	int at = (int)sketch->node_count;

	sketch->nodes = arena_grow(artist->arena, sketch->nodes, sizeof(*sketch->nodes), sketch->node_count,
		&sketch->node_room);
	sketch->nodes[sketch->node_count++] = (struct sketch_node){
		.number = at + 1,
		.kind = kind,
		.scope = scope,
		.host = SKETCH_NONE,
		.cardinality_variable = SKETCH_NONE,
	};
	artist->left--;
	return at;
}

static struct sketch_flow *
add_flow(struct artist *artist, int source, int target)
{
	struct sketch *sketch = artist->sketch;
	int number = (int)sketch->flow_count + 1;

	sketch->flows = arena_grow(artist->arena, sketch->flows, sizeof(*sketch->flows), sketch->flow_count,
		&sketch->flow_room);
	sketch->flows[sketch->flow_count] = (struct sketch_flow){
		.number = number,
		.source = source,
		.target = target,
	};
	return &sketch->flows[sketch->flow_count++];
}

static struct sketch_condition
draw_condition(struct dice *dice)
{
	return (struct sketch_condition){
		.comparison = (enum sketch_comparison)(SKETCH_equal + dice_roll(dice, 4)),
		.operand = SKETCH_variable,
		.variable = (int)dice_roll(dice, SKETCH_VARIABLES),
		.constant = (int)dice_roll(dice, 4),
	};
}

/* ---- what any diagram may carry ------------------------------------------------------------------- */

static struct sketch_condition
draw_completion(struct dice *dice)
{
	if (dice_chance(dice, 60))
		return (struct sketch_condition){SKETCH_at_least, SKETCH_completed, 0, 1 + (int)dice_roll(dice, 2)};
	if (dice_chance(dice, 50))
		return (struct sketch_condition){SKETCH_less, SKETCH_active, 0, 1 + (int)dice_roll(dice, 2)};
	return draw_condition(dice);
}

static void
draw_loop(struct dice *dice, struct sketch_node *node)
{
	node->loop = dice_chance(dice, 50) ? SKETCH_side_by_side : SKETCH_in_turn;
	node->cardinality = dice_chance(dice, 85) ? 1 + (int)dice_roll(dice, 3) : 0;
	if (dice_chance(dice, 20))
		node->cardinality_variable = (int)dice_roll(dice, SKETCH_VARIABLES);
	if (dice_chance(dice, 35))
		node->completion = draw_completion(dice);
}

/* Asynchronous continuations and loops. */
static void
adorn(struct artist *artist, int at)
{
	struct sketch_node *node = &artist->sketch->nodes[at];

	if (sketch_is(node, SKETCH_IS_boundary))
		return;
	node->before = dice_chance(&artist->dice, 7);
	node->after = !sketch_is(node, SKETCH_IS_end) && dice_chance(&artist->dice, 7);
	if (sketch_is(node, SKETCH_IS_activity) && dice_chance(&artist->dice, node->kind == SKETCH_sub ? 35 : 12))
		draw_loop(&artist->dice, node);
}

static int
add_boundary(struct artist *artist, int host)
{
	bool timer = dice_chance(&artist->dice, 50);
	enum sketch_kind kind = timer ? SKETCH_boundary_timer : SKETCH_boundary_error;
	int at = add_node(artist, kind, artist->sketch->nodes[host].scope);
	struct sketch_node *node = &artist->sketch->nodes[at];

	node->host = host;
	node->stays = timer && dice_chance(&artist->dice, 50);
	node->repeats = node->stays && dice_chance(&artist->dice, 50) ? 1 + (int)dice_roll(&artist->dice, 3) : 0;
	node->code = timer ? 0 : (int)dice_roll(&artist->dice, 3);
	return at;
}

/* Boundary events of one activity catch each code once. */
static bool
is_caught_already(const struct sketch *sketch, int boundary)
{
	const struct sketch_node *node = &sketch->nodes[boundary];
	int i;

	for (i = 0; i < boundary; i++)
		if (sketch->nodes[i].host == node->host && node->kind == SKETCH_boundary_error &&
		    sketch->nodes[i].kind == SKETCH_boundary_error && sketch->nodes[i].code == node->code)
			return true;
	return false;
}

/* Up to two boundary events at the activity; how many. */
static int
add_boundaries(struct artist *artist, int host, int made[2])
{
	bool wanted = sketch_is(&artist->sketch->nodes[host], SKETCH_IS_activity) && dice_chance(&artist->dice, 30);
	int count = 0;

	while (wanted && count < 2) {
		made[count] = add_boundary(artist, host);
		if (is_caught_already(artist->sketch, made[count])) {
			artist->sketch->nodes[made[count]].kind = SKETCH_boundary_timer;
			artist->sketch->nodes[made[count]].code = 0;
		}
		count++;
		wanted = dice_chance(&artist->dice, 30);
	}
	return count;
}

/* ---- conditions and defaults ---------------------------------------------------------------------- */

struct ways {
	int count;			/* flows out of the node */
	int first, last;		/* of them, in document order */
};

static struct ways
ways_out(const struct sketch *sketch, int node)
{
	struct ways ways = {0, SKETCH_NONE, SKETCH_NONE};
	int i;

	for (i = 0; i < (int)sketch->flow_count; i++) {
		if (sketch->flows[i].source != node)
			continue;
		if (ways.count++ == 0)
			ways.first = i;
		ways.last = i;
	}
	return ways;
}

/* What the node allows, in percent, for each of its flows. */
static int
chance_of_condition(const struct sketch_node *node, int ways)
{
	if (node->kind == SKETCH_exclusive)
		return ways > 1 ? 100 : 0;
	if (node->kind == SKETCH_inclusive)
		return ways > 1 ? 80 : 0;
	if (sketch_is(node, SKETCH_IS_activity))
		return ways > 1 ? 40 : 3;
	return 0;
}

/* Conditions on the flows of a node and mostly a default among them, so that a token goes somewhere. */
static void
label_flows(struct artist *artist, int at)
{
	struct sketch *sketch = artist->sketch;
	struct ways ways = ways_out(sketch, at);
	int chance = chance_of_condition(&sketch->nodes[at], ways.count);
	bool conditional = false;
	int i, fallback;

	for (i = 0; i < (int)sketch->flow_count; i++)
		if (sketch->flows[i].source == at && dice_chance(&artist->dice, chance)) {
			sketch->flows[i].condition = draw_condition(&artist->dice);
			conditional = true;
		}
	if (!conditional || ways.count < 2 || dice_chance(&artist->dice, 5))
		return;
	fallback = dice_chance(&artist->dice, 50) ? ways.first : ways.last;
	sketch->flows[fallback].is_default = true;
	sketch->flows[fallback].condition = (struct sketch_condition){0};
}

/* ---- blocks --------------------------------------------------------------------------------------- */

static enum sketch_kind
draw_step(struct dice *dice)
{
	static const enum sketch_kind kinds[] = {
		SKETCH_service, SKETCH_service, SKETCH_service, SKETCH_user, SKETCH_user, SKETCH_send, SKETCH_rule,
		SKETCH_undefined, SKETCH_manual, SKETCH_timer,
	};

	return kinds[dice_roll(dice, (int64_t)(sizeof(kinds) / sizeof(*kinds)))];
}

static enum sketch_kind
draw_end(struct dice *dice, int scope)
{
	if (dice_chance(dice, 8))
		return SKETCH_terminate;
	return dice_chance(dice, scope == SKETCH_NONE ? 3 : 15) ? SKETCH_error_end : SKETCH_end;
}

static int
add_end(struct artist *artist, int scope)
{
	int end = add_node(artist, draw_end(&artist->dice, scope), scope);

	if (artist->sketch->nodes[end].kind == SKETCH_error_end)
		artist->sketch->nodes[end].code = 1 + (int)dice_roll(&artist->dice, 2);
	adorn(artist, end);
	return end;
}

static int draw_sequence(struct artist *artist, int scope, int depth, int from, int most);

/* The flow out of a boundary event: to an end of its own, or back into the path before `into`. */
static void
draw_rescue(struct artist *artist, int depth, int boundary, int into)
{
	int scope = artist->sketch->nodes[boundary].scope;
	int tail = draw_sequence(artist, scope, depth, boundary, (int)dice_roll(&artist->dice, 2));

	if (dice_chance(&artist->dice, 60))
		add_flow(artist, tail, into);
	else if (dice_chance(&artist->dice, 80))
		add_flow(artist, tail, add_end(artist, scope));
}

/* An activity or event, with what hangs on it; the node at which the path goes on. */
static int
draw_activity(struct artist *artist, int scope, int depth, int from)
{
	bool inner = depth < artist->most_depth && artist->left > 4 && dice_chance(&artist->dice, 30);
	int at = add_node(artist, inner ? SKETCH_sub : draw_step(&artist->dice), scope);
	int boundaries[2], count, merge, i;

	add_flow(artist, from, at);
	adorn(artist, at);
	if (inner)
		draw_blocks(artist, at, depth + 1);
	count = add_boundaries(artist, at, boundaries);
	if (count == 0)
		return at;
	merge = add_node(artist, SKETCH_exclusive, scope);
	add_flow(artist, at, merge);
	for (i = 0; i < count; i++)
		draw_rescue(artist, depth, boundaries[i], merge);
	return merge;
}

/* A split, branches and the join of the same kind; now and then a branch has an end of its own. */
static int
draw_gateways(struct artist *artist, int scope, int depth, int from)
{
	enum sketch_kind kind = (enum sketch_kind)(SKETCH_exclusive + dice_roll(&artist->dice, 3));
	int split = add_node(artist, kind, scope), join, tail, i;
	int branches = 2 + (int)dice_roll(&artist->dice, 2);

	add_flow(artist, from, split);
	adorn(artist, split);
	join = add_node(artist, kind, scope);
	adorn(artist, join);
	for (i = 0; i < branches; i++) {
		tail = draw_sequence(artist, scope, depth, split, (int)dice_roll(&artist->dice, 3));
		if (i > 0 && tail != split && dice_chance(&artist->dice, kind == SKETCH_parallel ? 4 : 20))
			add_flow(artist, tail, add_end(artist, scope));
		else
			add_flow(artist, tail, join);
	}
	return join;
}

/* Back to the beginning as long as a variable says so; mostly with something in it that waits. */
static int
draw_return(struct artist *artist, int scope, int depth, int from)
{
	int head = add_node(artist, SKETCH_exclusive, scope), tail, again;

	add_flow(artist, from, head);
	tail = head;
	if (!dice_chance(&artist->dice, 3)) {
		tail = add_node(artist, SKETCH_user, scope);
		add_flow(artist, head, tail);
		adorn(artist, tail);
		artist->sketch->nodes[tail].loop = SKETCH_once;
	}
	tail = draw_sequence(artist, scope, depth, tail, 1);
	again = add_node(artist, SKETCH_exclusive, scope);
	add_flow(artist, tail, again);
	add_flow(artist, again, head);
	return again;
}

/* Up to so many blocks after `from`; the last node of them. */
static int
draw_sequence(struct artist *artist, int scope, int depth, int from, int most)
{
	int i;

	for (i = 0; i < most && artist->left > 0; i++) {
		if (artist->left > 5 && dice_chance(&artist->dice, 30))
			from = draw_gateways(artist, scope, depth, from);
		else if (artist->left > 5 && dice_chance(&artist->dice, 12))
			from = draw_return(artist, scope, depth, from);
		else
			from = draw_activity(artist, scope, depth, from);
	}
	return from;
}

static void
draw_blocks(struct artist *artist, int scope, int depth)
{
	int start = add_node(artist, SKETCH_start, scope);
	int most = scope == SKETCH_NONE ? 3 + (int)dice_roll(&artist->dice, 3) : 1 + (int)dice_roll(&artist->dice, 3);
	int tail = draw_sequence(artist, scope, depth, start, most);

	/* a path may also just stop */
	if (dice_chance(&artist->dice, 95))
		add_flow(artist, tail, add_end(artist, scope));
}

/* ---- tangles -------------------------------------------------------------------------------------- */

static enum sketch_kind
draw_any(struct artist *artist, int scope, int depth)
{
	if (dice_chance(&artist->dice, 33))
		return (enum sketch_kind)(SKETCH_exclusive + dice_roll(&artist->dice, 3));
	if (depth < artist->most_depth && artist->left > 4 && dice_chance(&artist->dice, 25))
		return SKETCH_sub;
	if (dice_chance(&artist->dice, 20))
		return draw_end(&artist->dice, scope);
	return draw_step(&artist->dice);
}

/* A node of the scope that flows may lead to, from `first` on in the list. */
static int
draw_target(struct artist *artist, int scope, int first)
{
	const struct sketch *sketch = artist->sketch;
	int tries, at;

	for (tries = 0; tries < 1000; tries++) {
		at = first + (int)dice_roll(&artist->dice, (int64_t)sketch->node_count - first);
		if (sketch->nodes[at].scope == scope && sketch->nodes[at].kind != SKETCH_start &&
		    !sketch_is(&sketch->nodes[at], SKETCH_IS_boundary))
			return at;
	}
	return SKETCH_NONE;
}

/* Flows from a node to any others, mostly forward. */
static void
tie(struct artist *artist, int at, int first)
{
	const struct sketch_node *node = &artist->sketch->nodes[at];
	int scope = node->scope;
	bool wide = sketch_is(node, SKETCH_IS_gateway);
	int ways = 1 + (dice_chance(&artist->dice, wide ? 55 : 15) ? 1 + (int)dice_roll(&artist->dice, 2) : 0);
	int i, target;

	if (sketch_is(node, SKETCH_IS_end))
		return;
	for (i = 0; i < ways; i++) {
		target = draw_target(artist, scope, dice_chance(&artist->dice, 75) ? at : first);
		if (target == SKETCH_NONE || (target == at && dice_chance(&artist->dice, 90)))
			target = draw_target(artist, scope, first);
		if (target != SKETCH_NONE)
			add_flow(artist, at, target);
	}
}

/* An exclusive gateway has a way out in every diagram that deploys. */
static void
open_dead_ends(struct artist *artist, int scope)
{
	int count = (int)artist->sketch->node_count, i;

	for (i = 0; i < count; i++)
		if (artist->sketch->nodes[i].kind == SKETCH_exclusive && artist->sketch->nodes[i].scope == scope &&
		    ways_out(artist->sketch, i).count == 0)
			add_flow(artist, i, add_end(artist, scope));
}

static void
draw_tangle(struct artist *artist, int scope, int depth)
{
	int first = add_node(artist, SKETCH_start, scope), i, at, made[2];
	int wanted = scope == SKETCH_NONE ? artist->left : 2 + (int)dice_roll(&artist->dice, 5);

	for (i = 0; i < wanted && artist->left > 0; i++) {
		at = add_node(artist, draw_any(artist, scope, depth), scope);
		adorn(artist, at);
		if (artist->sketch->nodes[at].kind == SKETCH_error_end)
			artist->sketch->nodes[at].code = 1 + (int)dice_roll(&artist->dice, 2);
		if (artist->sketch->nodes[at].kind == SKETCH_sub)
			draw_tangle(artist, at, depth + 1);
		add_boundaries(artist, at, made);
	}
	for (i = first; i < (int)artist->sketch->node_count; i++)
		if (artist->sketch->nodes[i].scope == scope)
			tie(artist, i, first);
}

/* ---- the whole ------------------------------------------------------------------------------------ */

struct sketch *
sketch_random(struct arena *arena, uint64_t seed, const struct sketch_shape *shape)
{
	struct artist artist = {
		.dice = {.state = seed},
		.arena = arena,
		.sketch = ARENA_NEW(arena, struct sketch),
		.most_depth = shape->most_depth,
		.left = shape->most_nodes,
	};
	int i;

	if (shape->unstructured)
		draw_tangle(&artist, SKETCH_NONE, 0);
	else
		draw_blocks(&artist, SKETCH_NONE, 0);
	for (i = SKETCH_NONE; i < (int)artist.sketch->node_count; i++)
		open_dead_ends(&artist, i);
	for (i = 0; i < (int)artist.sketch->node_count; i++)
		label_flows(&artist, i);
	return artist.sketch;
}
