/* SPDX-License-Identifier: Apache-2.0
 * A sketch as a BPMN file, and what can be said of its nodes. */
#include "base/text.h"
#include "tests/simulate/sketch_model.h"

#define SKETCH_TIMER \
	"<timerEventDefinition><timeDuration xsi:type=\"tFormalExpression\">PT10S</timeDuration></timerEventDefinition>"

struct kind {
	const char *name, *tag, *attributes, *inside;
	unsigned flags;
};

static const struct kind kinds[] = {
#define KIND(name, tag, attributes, inside, flags) {#name, tag, attributes, inside, flags},
#include "tests/simulate/kinds.def"
#undef KIND
};

bool
sketch_is(const struct sketch_node *node, unsigned flags)
{
	return (kinds[node->kind].flags & flags) != 0;
}

const char *
sketch_kind_name(enum sketch_kind kind)
{
	return kinds[kind].name;
}

int
sketch_start_of(const struct sketch *sketch, int scope)
{
	int i;

	for (i = 0; i < (int)sketch->node_count; i++)
		if (sketch->nodes[i].kind == SKETCH_start && sketch->nodes[i].scope == scope)
			return i;
	return SKETCH_NONE;
}

static void
write_condition(struct text *text, const char *tag, const struct sketch_condition *condition)
{
	static const char *const signs[] = {
		[SKETCH_always] = "", [SKETCH_equal] = "==", [SKETCH_unequal] = "!=", [SKETCH_less] = "&lt;",
		[SKETCH_at_least] = "&gt;=",
	};

	if (condition->comparison == SKETCH_always)
		return;
	text_printf(text, "<%s xsi:type=\"tFormalExpression\">${", tag);
	if (condition->operand == SKETCH_variable)
		text_printf(text, "v%d", condition->variable);
	else
		text_puts(text, condition->operand == SKETCH_completed ? "nrOfCompletedInstances"
			: "nrOfActiveInstances");
	text_printf(text, " %s %d}</%s>", signs[condition->comparison], condition->constant, tag);
}

static void
write_loop(struct text *text, const struct sketch_node *node)
{
	if (node->loop == SKETCH_once)
		return;
	text_printf(text, "<multiInstanceLoopCharacteristics isSequential=\"%s\">"
		"<loopCardinality xsi:type=\"tFormalExpression\">",
		node->loop == SKETCH_in_turn ? "true" : "false");
	if (node->cardinality_variable != SKETCH_NONE)
		text_printf(text, "${v%d}", node->cardinality_variable);
	else
		text_int(text, node->cardinality);
	text_puts(text, "</loopCardinality>");
	write_condition(text, "completionCondition", &node->completion);
	text_puts(text, "</multiInstanceLoopCharacteristics>");
}

static void
write_attributes(struct text *text, const struct sketch *sketch, int at)
{
	const struct sketch_node *node = &sketch->nodes[at];
	size_t i;

	text_printf(text, "<%s id=\"n%d\"%s", kinds[node->kind].tag, node->number, kinds[node->kind].attributes);
	if (node->host != SKETCH_NONE)
		text_printf(text, " attachedToRef=\"n%d\"", sketch->nodes[node->host].number);
	if (node->stays)
		text_puts(text, " cancelActivity=\"false\"");
	if (node->before)
		text_puts(text, " camunda:asyncBefore=\"true\"");
	if (node->after)
		text_puts(text, " camunda:asyncAfter=\"true\"");
	for (i = 0; i < sketch->flow_count; i++)
		if (sketch->flows[i].source == at && sketch->flows[i].is_default)
			text_printf(text, " default=\"f%d\"", sketch->flows[i].number);
	text_putc(text, '>');
}

static void
write_flow(struct text *text, const struct sketch *sketch, const struct sketch_flow *flow)
{
	text_printf(text, "<sequenceFlow id=\"f%d\" sourceRef=\"n%d\" targetRef=\"n%d\">", flow->number,
		sketch->nodes[flow->source].number, sketch->nodes[flow->target].number);
	write_condition(text, "conditionExpression", &flow->condition);
	text_puts(text, "</sequenceFlow>\n");
}

static void
write_timer(struct text *text, const struct sketch_node *node)
{
	if (node->repeats == 0)
		text_puts(text, SKETCH_TIMER);
	else
		text_printf(text, "<timerEventDefinition><timeCycle xsi:type=\"tFormalExpression\">R%d/PT10S"
			"</timeCycle></timerEventDefinition>", node->repeats);
}

static void
write_scope(struct text *text, const struct sketch *sketch, int scope)
{
	const struct sketch_node *node;
	size_t i;

	for (i = 0; i < sketch->node_count; i++) {
		node = &sketch->nodes[i];
		if (node->scope != scope)
			continue;
		write_attributes(text, sketch, (int)i);
		write_loop(text, node);
		text_puts(text, kinds[node->kind].inside);
		if (node->kind == SKETCH_boundary_timer)
			write_timer(text, node);
		if (sketch_is(node, SKETCH_IS_error) && node->code > 0)
			text_printf(text, "<errorEventDefinition errorRef=\"error%d\"/>", node->code);
		else if (sketch_is(node, SKETCH_IS_error))
			text_puts(text, "<errorEventDefinition/>");
		if (node->kind == SKETCH_sub) {
			text_putc(text, '\n');
			write_scope(text, sketch, (int)i);
		}
		text_printf(text, "</%s>\n", kinds[node->kind].tag);
	}
	for (i = 0; i < sketch->flow_count; i++)
		if (sketch->nodes[sketch->flows[i].source].scope == scope)
			write_flow(text, sketch, &sketch->flows[i]);
}

const char *
sketch_xml(const struct sketch *sketch, struct arena *arena)
{
	struct text text;

	text_init(&text, arena);
	text_puts(&text, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<definitions xmlns=\"http://www.omg.org/spec/BPMN/20100524/MODEL\""
		" xmlns:camunda=\"http://camunda.org/schema/1.0/bpmn\""
		" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" targetNamespace=\"sketch\">\n"
		"<error id=\"error1\" errorCode=\"E1\"/>\n<error id=\"error2\" errorCode=\"E2\"/>\n"
		"<process id=\"p\" isExecutable=\"true\">\n");
	write_scope(&text, sketch, SKETCH_NONE);
	text_puts(&text, "</process>\n</definitions>\n");
	return text_string(&text);
}
