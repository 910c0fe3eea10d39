/* SPDX-License-Identifier: Apache-2.0
 * Problems with their places and ids, and the rules that look at a whole program. */
#include "bpmn/compile.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum place { PLACE_nowhere, PLACE_here };

/* The ids a problem names: its element's own, then the main one, then another. */
static void
set_elements(struct build *b, struct problem *made, const char *own, const char *main_id, const char *other)
{
	const char *const ids[] = { own, main_id, other };
	const char **list = ARENA_ARRAY(b->arena, const char *, 3);
	int count = 0;

	for (size_t i = 0; i < 3; i++) {
		if (ids[i] == NULL || (count > 0 && strcmp(list[count - 1], ids[i]) == 0))
			continue;
		list[count++] = ids[i];
	}
	made->element = main_id;
	made->elements = list;
	made->element_count = count;
}

void
problem(struct build *b, enum severity severity, const struct xml_element *at, const char *element,
	const char *other, const char *format, ...)
{
	const char *own = at != NULL ? at->id : NULL, *main_id = element != NULL ? element : own;
	va_list args, again;
	char *message;
	int length;

	va_start(args, format);
	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, args);
	message = arena_alloc(b->arena, (size_t)length + 1);
	vsnprintf(message, (size_t)length + 1, format, again);
	va_end(again);
	va_end(args);
	report_at(b->report, severity == SEVERITY_warning, at != NULL ? at->line : 0,
		at != NULL ? at->column : 0, main_id, "%s", message);
	set_elements(b, &b->report->list[b->report->count - 1], own, main_id, other);
}

/* What has no id is called as in Java. */
static const char *
id_of(const struct flow *flow)
{
	return flow->id != NULL ? flow->id : "null";
}

static const char *
own_id(const struct node *node)
{
	return node->id != NULL ? node->id : "null";
}

static bool
has_default(const struct build *b, const struct node *node)
{
	return node->scope >= 0 && xml_plain(b->node_xml[node->index], "default") != NULL &&
		!(b->nodes[node->scope].element == EL_multi_instance_body);
}

static bool
bare(const struct node *node, const struct flow *flow)
{
	return flow->condition == NULL && flow->index != node->default_flow;
}

/* Flows that are always true; more than one leaves an exclusive gateway without a choice. */
static int32_t
count_bare(const struct build *b, const struct node *node)
{
	int32_t count = 0;

	for (int32_t i = 0; i < node->outgoing_count; i++)
		count += bare(node, &b->flows[node->outgoing[i]]);
	return count;
}

/* Whether no token ever enters: only start and boundary events and inner activities need no incoming flow. */
static bool
is_unreachable(const struct build *b, const struct node *node)
{
	if (node->scope < 0 || node->incoming_count > 0 || node->element == EL_start_event)
		return false;
	if (element_flags(node->element) & EL_BOUNDARY)
		return false;
	return b->nodes[node->scope].element != EL_multi_instance_body;
}

static const struct xml_element *
place_of(const struct xml_element *xml, enum place place)
{
	return place == PLACE_here ? xml : NULL;
}

/* Warnings are ours but for those about gateways, and of a diagram with errors they would be half guesses: there only
 * what Camunda says too is said. */
static bool
is_said(const struct build *b, enum severity severity, enum place place)
{
	return severity == SEVERITY_error || place == PLACE_nowhere || b->report->errors == 0;
}

static void
check_node(struct build *b, const struct node *n)
{
#define FLOW(name, severity, place, when, ...)
#define NODE(name, severity, place, when, ...) \
	if (is_said(b, SEVERITY_##severity, PLACE_##place) && (when)) \
		problem(b, SEVERITY_##severity, place_of(b->node_xml[n->index], PLACE_##place), n->id, NULL, \
			__VA_ARGS__);
#include "bpmn/rules.def"
#undef FLOW
#undef NODE
}

/* bare_flows is that of the node, counted once. */
static void
check_flow(struct build *b, const struct node *n, const struct flow *f, int32_t bare_flows)
{
	const struct xml_element *xml = b->flow_origin[f->index].xml;

#define NODE(name, severity, place, when, ...)
#define FLOW(name, severity, place, when, ...) \
	if (is_said(b, SEVERITY_##severity, PLACE_##place) && (when)) \
		problem(b, SEVERITY_##severity, place_of(xml, PLACE_##place), \
			PLACE_##place == PLACE_here ? f->id : n->id, \
			PLACE_##place == PLACE_here ? NULL : f->id, __VA_ARGS__);
#include "bpmn/rules.def"
#undef FLOW
#undef NODE
}

void
rules_check(struct build *b)
{
	for (size_t i = 0; i < b->node_count; i++) {
		const struct node *node = &b->nodes[i];
		int32_t bare_flows = count_bare(b, node);

		/* What the refused parts would have meant is not known: no second complaint. */
		if (b->maimed[i])
			continue;
		check_node(b, node);
		for (int32_t k = 0; k < node->outgoing_count; k++)
			check_flow(b, node, &b->flows[node->outgoing[k]], bare_flows);
	}
}
