/* SPDX-License-Identifier: Apache-2.0
 * Extension elements that many nodes carry: input and output mappings, retries, properties, priorities. */
#include "bpmn/compile.h"

#include <limits.h>
#include <string.h>

static void build_assign(struct build *b, const struct node *node, struct assign *assign,
	const struct xml_element *xml);

/* The items of a camunda:list or the entries of a camunda:map.  The depth is bounded by the reader's limit. */
static void
build_parts(struct build *b, const struct node *node, struct assign *assign, const struct xml_element *box)
{
	struct assign *parts = NULL;
	size_t count = 0, capacity = 0;

	for (const struct xml_element *item = box->first; item != NULL; item = item->next) {
		struct assign part = { .line = item->line };

		if (item->space != XML_SPACE_camunda)
			continue;
		if (assign->kind == ASSIGN_map) {
			part.name = xml_attribute(item, XML_SPACE_none, "key");
			if (part.name == NULL) {
				problem(b, SEVERITY_error, item, node->id, NULL,
					"Missing attribute 'key' for 'entry' element");
				continue;
			}
		}
		/* A list inside a list stands there itself, without a wrapping element. */
		build_assign(b, node, &part, item);
		parts = arena_grow(b->arena, parts, sizeof(*parts), count, &capacity);
		parts[count++] = part;
	}
	assign->parts = parts;
	assign->part_count = (int32_t)count;
}

/* The list, map or other element that gives a parameter's value; NULL when it is text. */
static const struct xml_element *
value_element(const struct xml_element *xml)
{
	if (xml->space == XML_SPACE_camunda && (strcmp(xml->name, "list") == 0 || strcmp(xml->name, "map") == 0))
		return xml;
	for (const struct xml_element *child = xml->first; child != NULL; child = child->next) {
		if (child->space == XML_SPACE_camunda)
			return child;
	}
	return NULL;
}

/* One value: text is an expression, nothing is null. */
static void
build_assign(struct build *b, const struct node *node, struct assign *assign, const struct xml_element *xml)
{
	const struct xml_element *inner = value_element(xml);
	const char *text;

	if (inner != NULL && strcmp(inner->name, "list") == 0) {
		assign->kind = ASSIGN_list;
		build_parts(b, node, assign, inner);
		return;
	}
	if (inner != NULL && strcmp(inner->name, "map") == 0) {
		assign->kind = ASSIGN_map;
		build_parts(b, node, assign, inner);
		return;
	}
	assign->kind = ASSIGN_null;
	if (inner != NULL) {
		if (b->report->errors == 0)
			problem(b, SEVERITY_error, inner, node->id, NULL, "%s is not supported in a mapping",
				inner->name);
		return;
	}
	text = xml_trimmed(b->arena, xml);
	if (text[0] == '\0')
		return;
	assign->kind = ASSIGN_expression;
	assign->expression = build_expr(b, xml, node->id, text);
}

static int32_t
build_parameters(struct build *b, const struct node *node, const struct xml_element *box, const char *tag,
	const struct assign **parameters)
{
	const struct xml_element *item = NULL;
	struct assign *list = NULL;
	size_t count = 0, capacity = 0;

	while ((item = xml_next_child(box, item, XML_SPACE_camunda, tag)) != NULL) {
		struct assign assign = { .line = item->line };

		assign.name = xml_plain(item, "name");
		if (assign.name == NULL) {
			problem(b, SEVERITY_error, item, node->id, NULL, "Missing attribute 'name' for %s", tag);
			continue;
		}
		build_assign(b, node, &assign, item);
		list = arena_grow(b->arena, list, sizeof(*list), count, &capacity);
		list[count++] = assign;
	}
	*parameters = list;
	return (int32_t)count;
}

void
build_mapping(struct build *b, struct node *node, const struct xml_element *xml)
{
	const struct xml_element *box = xml_extension(xml, NULL, "inputOutput");
	unsigned flags = element_flags(node->element);

	if (box == NULL)
		return;
	if ((flags & (EL_GATEWAY | EL_BOUNDARY)) || node->element == EL_start_event) {
		problem(b, SEVERITY_error, xml, node->id, NULL,
			"camunda:inputOutput mapping unsupported for element type '%s'.", xml->name);
		return;
	}
	node->input_count = build_parameters(b, node, box, "inputParameter", &node->inputs);
	node->output_count = build_parameters(b, node, box, "outputParameter", &node->outputs);
	if (node->output_count == 0)
		return;
	if (flags & EL_END)
		problem(b, SEVERITY_error, xml, node->id, NULL,
			"camunda:outputParameter not allowed for element type '%s'.", xml->name);
	else if (b->nodes[node->scope].element == EL_multi_instance_body)
		problem(b, SEVERITY_error, xml, node->id, NULL,
			"camunda:outputParameter not allowed for multi-instance constructs");
}

/* R3/PT5M: three attempts in all, five minutes between them. */
static bool
read_cycle(struct build *b, struct retry *retry, const char *text)
{
	struct error err = { .status = OK };
	struct period *wait;
	struct cycle cycle;

	if (cycle_parse(text, &cycle, &err) != OK || cycle.repeats == 0)
		return false;
	wait = ARENA_NEW(b->arena, struct period);
	*wait = cycle.period;
	retry->attempts = cycle.repeats < 0 || cycle.repeats > INT32_MAX ? INT32_MAX : (int32_t)cycle.repeats;
	retry->waits = wait;
	retry->wait_count = 1;
	return true;
}

/* PT10M,PT20M: one attempt more than waits. */
static bool
read_waits(struct build *b, struct retry *retry, char *text)
{
	struct period *waits = NULL;
	size_t count = 0, capacity = 0;
	char *rest = text, *item;

	while ((item = strsep(&rest, ",")) != NULL) {
		struct error err = { .status = OK };

		item += strspn(item, " \t\r\n");
		item[strcspn(item, " \t\r\n")] = '\0';
		waits = arena_grow(b->arena, waits, sizeof(*waits), count, &capacity);
		if (period_parse(item, &waits[count], &err) != OK)
			return false;
		count++;
	}
	retry->attempts = (int32_t)count + 1;
	retry->waits = waits;
	retry->wait_count = (int32_t)count;
	return true;
}

void
build_retry(struct build *b, struct node *node, const struct xml_element *xml)
{
	const struct xml_element *item = xml_extension(xml, NULL, "failedJobRetryTimeCycle");
	struct retry *retry;
	const char *text;
	bool readable;

	if (item == NULL)
		return;
	text = xml_trimmed(b->arena, item);
	retry = ARENA_NEW(b->arena, struct retry);
	if (strstr(text, "${") != NULL || strstr(text, "#{") != NULL) {
		retry->expression = build_expr(b, item, node->id, text);
		node->retry = retry;
		return;
	}
	if (text[0] == 'R')
		readable = read_cycle(b, retry, text);
	else
		readable = read_waits(b, retry, arena_strdup(b->arena, text));
	if (readable)
		node->retry = retry;
	else
		problem(b, SEVERITY_warning, item, node->id, NULL,
			"failedJobRetryTimeCycle '%s' gives no attempts; the default applies", text);
}

void
build_properties(struct build *b, struct node *node, const struct xml_element *xml)
{
	const struct xml_element *box = xml_extension(xml, NULL, "properties"), *item = NULL;
	struct property *list = NULL;
	size_t count = 0, capacity = 0;

	while (box != NULL && (item = xml_next_child(box, item, XML_SPACE_camunda, "property")) != NULL) {
		const char *name = xml_attribute(item, XML_SPACE_none, "name");

		if (name == NULL)
			continue;
		list = arena_grow(b->arena, list, sizeof(*list), count, &capacity);
		list[count].name = name;
		list[count].value = xml_attribute(item, XML_SPACE_none, "value");
		count++;
	}
	node->properties = list;
	node->property_count = (int32_t)count;
}

const struct expr *
build_priority(struct build *b, const struct xml_element *xml, const char *name)
{
	const char *text = xml_camunda(xml, name);
	const struct expr *expr = build_expr(b, xml, xml->id, text);
	int64_t number;

	if (expr == NULL || !expr_is_literal(expr) || text_to_int(text, &number))
		return expr;
	problem(b, SEVERITY_error, xml, xml->id, NULL, "Value '%s' for attribute '%s' is not a valid number", text,
		name);
	return NULL;
}
