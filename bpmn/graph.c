/* SPDX-License-Identifier: Apache-2.0
 * How nodes hang together: scopes and their children, boundary events, flows, and what can reach a join. */
#include "bpmn/compile.h"

/* Bits for all inclusive joins of a program, together: a diagram of nothing but joins must not eat the memory. */
enum { REACH_LIMIT_BYTES = 64 * 1024 * 1024 };

/* Lists of indices by owner, all in one array: how many each owner has, then where the next one goes. */
struct lists {
	int32_t *first;		/* owner to its start in items; one more than owners */
	int32_t *fill;
	int32_t *items;
};

static struct lists
lists_new(struct build *b, const int32_t *owner_of, size_t count)
{
	struct lists lists;
	size_t owners = b->node_count;

	lists.first = ARENA_ARRAY(b->arena, int32_t, owners + 1);
	lists.fill = ARENA_ARRAY(b->arena, int32_t, owners);
	lists.items = ARENA_ARRAY(b->arena, int32_t, count);
	for (size_t i = 0; i < count; i++) {
		if (owner_of[i] >= 0)
			lists.first[owner_of[i] + 1]++;
	}
	for (size_t i = 0; i < owners; i++) {
		lists.first[i + 1] += lists.first[i];
		lists.fill[i] = lists.first[i];
	}
	for (size_t i = 0; i < count; i++) {
		if (owner_of[i] >= 0)
			lists.items[lists.fill[owner_of[i]]++] = (int32_t)i;
	}
	return lists;
}

static void
lists_take(const struct lists *lists, size_t owner, const int32_t **items, int32_t *count)
{
	*count = lists->first[owner + 1] - lists->first[owner];
	*items = *count > 0 ? lists->items + lists->first[owner] : NULL;
}

/* The node a reference names, if it lies in that scope; a multi-instance activity is found as its body. */
static int32_t
find_in_scope(const struct build *b, const char *id, int32_t scope)
{
	int32_t index;

	if (id == NULL)
		return -1;
	index = (int32_t)(intptr_t)map_get_text(&b->node_by_id, id) - 1;
	if (index < 0 || b->nodes[index].scope != scope)
		return -1;
	return index;
}

static bool
is_skipped(const struct build *b, const char *id)
{
	return id != NULL && map_get_text(&b->skipped, id) != NULL;
}

bool
graph_attach(struct build *b, struct node *node)
{
	const struct xml_element *xml = b->node_xml[node->index];
	const char *reference = xml_plain(xml, "attachedToRef");
	int32_t host = find_in_scope(b, reference, node->scope);

	if (host >= 0 && (element_flags(b->nodes[host].element) & EL_ACTIVITY)) {
		node->attached_to = host;
		return true;
	}
	if (reference == NULL)
		problem(b, SEVERITY_error, xml, node->id, NULL,
			"AttachedToRef is required when using a timerEventDefinition");
	else if (!is_skipped(b, reference))
		problem(b, SEVERITY_error, xml, node->id, NULL,
			"Invalid reference in boundary event. Make sure that the referenced activity is defined in "
			"the same scope as the boundary event");
	return false;
}

static void
connect_flow(struct build *b, struct flow *flow)
{
	const struct xml_element *xml = b->flow_origin[flow->index].xml;
	const char *from = xml_plain(xml, "sourceRef"), *to = xml_plain(xml, "targetRef");
	const char *id = flow->id != NULL ? flow->id : "null";
	int32_t scope = b->flow_origin[flow->index].scope;

	flow->source = find_in_scope(b, from, scope);
	flow->target = find_in_scope(b, to, scope);
	if (is_skipped(b, from) || is_skipped(b, to)) {
		if (flow->source >= 0)
			b->maimed[flow->source] = true;
		if (flow->target >= 0)
			b->maimed[flow->target] = true;
		return;
	}
	if (flow->source < 0)
		problem(b, SEVERITY_error, xml, flow->id, NULL, "Invalid source '%s' of sequence flow '%s'",
			from != NULL ? from : "null", id);
	else if (flow->target < 0)
		problem(b, SEVERITY_error, xml, flow->id, NULL, "Invalid destination '%s' of sequence flow '%s'",
			to != NULL ? to : "null", id);
}

/* default="f3" as an index; a flow of another node is the rules' matter. */
static void
find_defaults(struct build *b)
{
	for (size_t i = 0; i < b->node_count; i++) {
		struct node *node = &b->nodes[i];
		const char *name = node->scope < 0 ? NULL : xml_plain(b->node_xml[i], "default");

		node->default_flow = -1;
		for (int32_t k = 0; name != NULL && k < node->outgoing_count; k++) {
			if (text_equal(b->flows[node->outgoing[k]].id, name))
				node->default_flow = node->outgoing[k];
		}
	}
}

void
graph_link(struct build *b)
{
	int32_t *scope = ARENA_ARRAY(b->arena, int32_t, b->node_count);
	int32_t *host = ARENA_ARRAY(b->arena, int32_t, b->node_count);
	int32_t *source = ARENA_ARRAY(b->arena, int32_t, b->flow_count);
	int32_t *target = ARENA_ARRAY(b->arena, int32_t, b->flow_count);

	b->maimed = ARENA_ARRAY(b->arena, bool, b->node_count);
	for (size_t i = 0; i < b->node_count; i++) {
		scope[i] = b->nodes[i].scope;
		host[i] = b->nodes[i].attached_to;
	}
	for (size_t i = 0; i < b->flow_count; i++) {
		connect_flow(b, &b->flows[i]);
		bool whole = b->flows[i].source >= 0 && b->flows[i].target >= 0;
		source[i] = whole ? b->flows[i].source : -1;
		target[i] = whole ? b->flows[i].target : -1;
	}
	struct lists children = lists_new(b, scope, b->node_count);
	struct lists boundaries = lists_new(b, host, b->node_count);
	struct lists outgoing = lists_new(b, source, b->flow_count);
	struct lists incoming = lists_new(b, target, b->flow_count);

	for (size_t i = 0; i < b->node_count; i++) {
		struct node *node = &b->nodes[i];

		lists_take(&children, i, &node->children, &node->child_count);
		lists_take(&boundaries, i, &node->boundaries, &node->boundary_count);
		lists_take(&outgoing, i, &node->outgoing, &node->outgoing_count);
		lists_take(&incoming, i, &node->incoming, &node->incoming_count);
	}
	find_defaults(b);
}

/* Camunda's isScope: what owns an execution of its own. */
static bool
owns_execution(const struct build *b, const struct node *node)
{
	const struct node *outer = node->scope >= 0 ? &b->nodes[node->scope] : NULL;

	if (element_flags(node->element) & EL_SCOPE)
		return true;
	if (node->element == EL_timer_catch)
		return true;
	if (node->boundary_count > 0 || node->input_count > 0 || node->output_count > 0)
		return true;
	if (node->service != NULL && node->service->implementation == IMPLEMENTATION_external)
		return true;
	return outer != NULL && outer->element == EL_multi_instance_body && !outer->multi->sequential;
}

/* A scope begins at its none start event, a body at its activity. */
static void
find_start(struct build *b, struct node *scope)
{
	const struct node *start = NULL;

	scope->start = -1;
	if (scope->element == EL_multi_instance_body) {
		scope->start = scope->index + 1;
		return;
	}
	for (int32_t i = 0; i < scope->child_count; i++) {
		const struct node *child = &b->nodes[scope->children[i]];

		if (child->element == EL_inclusive_gateway && child->incoming_count > 1)
			scope->has_inclusive_join = true;
		if (child->element != EL_start_event)
			continue;
		if (start == NULL)
			start = child;
		else if (scope->scope < 0)
			problem(b, SEVERITY_error, b->process, child->id, NULL,
				"multiple none start events or timer start events not supported on process "
				"definition");
		else
			problem(b, SEVERITY_error, b->node_xml[child->index], child->id, NULL,
				"multiple start events not supported for subprocess");
	}
	if (start != NULL)
		scope->start = start->index;
	else if (scope->scope < 0 && b->first_skipped == NULL)
		problem(b, SEVERITY_error, b->process, scope->id, NULL,
			"process must define a startEvent element");
}

void
graph_scopes(struct build *b)
{
	for (size_t i = 0; i < b->node_count; i++) {
		struct node *node = &b->nodes[i];

		node->start = -1;
		node->is_scope = owns_execution(b, node);
		if (element_flags(node->element) & EL_SCOPE)
			find_start(b, node);
	}
}

static bool
mark(uint64_t *bits, int32_t node)
{
	uint64_t bit = UINT64_C(1) << (node % 64);

	if (bits[node / 64] & bit)
		return false;
	bits[node / 64] |= bit;
	return true;
}

/* Backwards from one incoming flow, never through the join itself: each node is entered once.  An event on the
 * border of an activity is reached from the activity. */
static void
reach_flow(struct build *b, const struct node *join, int32_t flow, uint64_t *bits, int32_t *stack)
{
	size_t depth = 0;

	stack[depth++] = b->flows[flow].source;
	while (depth > 0) {
		int32_t index = stack[--depth];
		const struct node *node = &b->nodes[index];

		if (index == join->index || !mark(bits, index))
			continue;
		if (node->attached_to >= 0 && !(bits[node->attached_to / 64] >> (node->attached_to % 64) & 1))
			stack[depth++] = node->attached_to;
		for (int32_t i = 0; i < node->incoming_count; i++) {
			int32_t source = b->flows[node->incoming[i]].source;

			if (!(bits[source / 64] >> (source % 64) & 1))
				stack[depth++] = source;
		}
	}
}

void
graph_reach(struct build *b)
{
	int32_t words = (int32_t)((b->node_count + 63) / 64);
	/* A node is pushed once per edge that leads from it. */
	int32_t *stack = ARENA_ARRAY(b->arena, int32_t, b->flow_count + b->node_count + 1);
	size_t bytes = 0;

	for (size_t i = 0; i < b->node_count; i++) {
		struct node *join = &b->nodes[i];

		if (join->element != EL_inclusive_gateway || join->incoming_count < 2)
			continue;
		bytes += (size_t)join->incoming_count * (size_t)words * sizeof(uint64_t);
		if (bytes > REACH_LIMIT_BYTES) {
			problem(b, SEVERITY_error, b->node_xml[i], join->id, NULL,
				"too many inclusive joins for a process of this size");
			return;
		}
		uint64_t *reach = ARENA_ARRAY(b->arena, uint64_t, (size_t)join->incoming_count * (size_t)words);
		for (int32_t k = 0; k < join->incoming_count; k++)
			reach_flow(b, join, join->incoming[k], reach + (ptrdiff_t)k * words, stack);
		join->reach = reach;
		join->reach_words = words;
	}
}
