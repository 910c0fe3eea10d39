/* SPDX-License-Identifier: Apache-2.0
 * Leaving parts out of a sketch.  A part is a node but a start event, a flow, or what adorns a node or flow. */
#include "tests/simulate/sketch_model.h"

enum part_kind {
	PART_node, PART_flow, PART_before, PART_after, PART_loop, PART_completion, PART_repeats, PART_condition
};

struct part {
	enum part_kind kind;
	int at;				/* node or flow */
};

/* Part number `wanted`, or how many there are when there is none of that number. */
static size_t
find_part(const struct sketch *sketch, size_t wanted, struct part *part)
{
	size_t count = 0, i;

#define PART(what, is_there) do { \
	if (is_there) { \
		if (count == wanted) \
			*part = (struct part){what, (int)i}; \
		count++; \
	} } while (0)
	for (i = 0; i < sketch->node_count; i++) {
		PART(PART_node, sketch->nodes[i].kind != SKETCH_start);
		PART(PART_before, sketch->nodes[i].before);
		PART(PART_after, sketch->nodes[i].after);
		PART(PART_loop, sketch->nodes[i].loop != SKETCH_once);
		PART(PART_completion, sketch->nodes[i].completion.comparison != SKETCH_always);
		PART(PART_repeats, sketch->nodes[i].repeats > 0);
	}
	for (i = 0; i < sketch->flow_count; i++) {
		PART(PART_flow, true);
		/* those of an exclusive gateway go with their flows */
		PART(PART_condition, sketch->flows[i].condition.comparison != SKETCH_always &&
			sketch->nodes[sketch->flows[i].source].kind != SKETCH_exclusive);
	}
#undef PART
	return count;
}

size_t
sketch_parts(const struct sketch *sketch)
{
	struct part part;

	return find_part(sketch, SIZE_MAX, &part);
}

static struct sketch *
copy(struct arena *arena, const struct sketch *sketch)
{
	struct sketch *made = ARENA_NEW(arena, struct sketch);

	*made = *sketch;
	made->nodes = arena_copy(arena, sketch->nodes, sketch->node_count * sizeof(*sketch->nodes));
	made->flows = arena_copy(arena, sketch->flows, sketch->flow_count * sizeof(*sketch->flows));
	made->node_room = sketch->node_count;
	made->flow_room = sketch->flow_count;
	return made;
}

/* The flows that led to the node go on to where its first flow led. */
static void
bypass(struct sketch *sketch, int node)
{
	int target = SKETCH_NONE;
	size_t i;

	for (i = sketch->flow_count; i-- > 0;)
		if (sketch->flows[i].source == node)
			target = sketch->flows[i].target;
	for (i = 0; i < sketch->flow_count && target != SKETCH_NONE && target != node; i++)
		if (sketch->flows[i].target == node)
			sketch->flows[i].target = target;
}

static bool
hangs_on(const struct sketch *sketch, int node, int removed)
{
	for (; node != SKETCH_NONE; node = sketch->nodes[node].scope)
		if (node == removed || sketch->nodes[node].host == removed)
			return true;
	return false;
}

static void
drop_flow(struct sketch *sketch, size_t at)
{
	for (sketch->flow_count--; at < sketch->flow_count; at++)
		sketch->flows[at] = sketch->flows[at + 1];
}

/* Takes one node and its flows out of the lists, and counts all references down. */
static void
drop_node(struct sketch *sketch, int at)
{
	size_t i;

	for (i = sketch->flow_count; i-- > 0;)
		if (sketch->flows[i].source == at || sketch->flows[i].target == at)
			drop_flow(sketch, i);
	sketch->node_count--;
	for (i = (size_t)at; i < sketch->node_count; i++)
		sketch->nodes[i] = sketch->nodes[i + 1];
	for (i = 0; i < sketch->node_count; i++) {
		sketch->nodes[i].scope -= sketch->nodes[i].scope > at;
		sketch->nodes[i].host -= sketch->nodes[i].host > at;
	}
	for (i = 0; i < sketch->flow_count; i++) {
		sketch->flows[i].source -= sketch->flows[i].source > at;
		sketch->flows[i].target -= sketch->flows[i].target > at;
	}
}

/* A node with all that lies in it or hangs on it, the last first so that places stay right. */
static void
remove_node(struct sketch *sketch, int removed)
{
	bool *gone;
	int i, count = (int)sketch->node_count;
	struct arena *scratch = arena_new();

	bypass(sketch, removed);
	gone = ARENA_ARRAY(scratch, bool, sketch->node_count);
	for (i = 0; i < count; i++)
		gone[i] = hangs_on(sketch, i, removed);
	for (i = count; i-- > 0;)
		if (gone[i])
			drop_node(sketch, i);
	arena_free(scratch);
}

/* What a deployment would refuse at an exclusive gateway that has lost flows or conditions: it becomes a plain task, a
 * lone flow has no condition, and of several one without a condition is the default, the others get one. */
static void
mend_gateway(struct sketch *sketch, int at)
{
	int ways = 0, fallback = SKETCH_NONE, i;
	struct sketch_flow *flow;

	for (i = 0; i < (int)sketch->flow_count; i++) {
		flow = &sketch->flows[i];
		if (flow->source != at)
			continue;
		ways++;
		if (flow->is_default || (fallback == SKETCH_NONE && flow->condition.comparison == SKETCH_always))
			fallback = i;
	}
	if (ways == 0)
		sketch->nodes[at].kind = SKETCH_undefined;
	for (i = 0; i < (int)sketch->flow_count; i++) {
		flow = &sketch->flows[i];
		if (flow->source != at)
			continue;
		flow->is_default = ways > 1 && i == fallback;
		if (ways == 1 || flow->is_default)
			flow->condition = (struct sketch_condition){0};
		else if (flow->condition.comparison == SKETCH_always)
			flow->condition = (struct sketch_condition){SKETCH_equal, SKETCH_variable, 0, 0};
	}
}

struct sketch *
sketch_without(struct arena *arena, const struct sketch *sketch, size_t number)
{
	struct sketch *made = copy(arena, sketch);
	struct part part;
	int i;

	if (number >= find_part(sketch, number, &part))
		return NULL;
	switch (part.kind) {
	case PART_node: remove_node(made, part.at); break;
	case PART_flow: drop_flow(made, (size_t)part.at); break;
	case PART_before: made->nodes[part.at].before = false; break;
	case PART_after: made->nodes[part.at].after = false; break;
	case PART_loop: made->nodes[part.at].loop = SKETCH_once; break;
	case PART_completion: made->nodes[part.at].completion = (struct sketch_condition){0}; break;
	case PART_repeats: made->nodes[part.at].repeats = 0; break;
	case PART_condition: made->flows[part.at].condition = (struct sketch_condition){0}; break;
	}
	for (i = 0; i < (int)made->node_count; i++)
		if (made->nodes[i].kind == SKETCH_exclusive)
			mend_gateway(made, i);
	return made;
}
