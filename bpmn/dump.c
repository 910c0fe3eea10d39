/* SPDX-License-Identifier: Apache-2.0
 * A program as text, a line per node and flow: for people, and for tests that compare it. */
#include "bpmn/bpmn.h"

/* A quoted text; what would break the line is escaped. */
static void
put_quoted(struct text *text, const char *string)
{
	text_putc(text, '"');
	for (; *string != '\0'; string++) {
		if (*string == '\n')
			text_puts(text, "\\n");
		else if (*string == '\r')
			text_puts(text, "\\r");
		else if (*string == '\t')
			text_puts(text, "\\t");
		else if (*string == '"' || *string == '\\')
			text_printf(text, "\\%c", *string);
		else
			text_putc(text, *string);
	}
	text_putc(text, '"');
}

static void
put_text(struct text *text, const char *label, const char *string)
{
	if (string == NULL)
		return;
	text_printf(text, " %s=", label);
	put_quoted(text, string);
}

static void
put_expr(struct text *text, const char *label, const struct expr *expr)
{
	if (expr != NULL)
		put_text(text, label, expr_source(expr));
}

static void
put_flag(struct text *text, const char *label, bool flag)
{
	if (flag)
		text_printf(text, " %s", label);
}

/* A node by its id, or by its index when the XML gave none. */
static void
put_node(struct text *text, const char *label, const struct program *program, int32_t index)
{
	if (index < 0)
		return;
	text_printf(text, " %s=", label);
	if (program->nodes[index].id != NULL)
		text_puts(text, program->nodes[index].id);
	else
		text_printf(text, "[%d]", index);
}

static void
put_flows(struct text *text, const char *label, const struct program *program, const int32_t *flows, int32_t count)
{
	if (count == 0)
		return;
	text_printf(text, " %s=", label);
	for (int32_t i = 0; i < count; i++) {
		const char *id = program->flows[flows[i]].id;

		if (i > 0)
			text_putc(text, ',');
		if (id != NULL)
			text_puts(text, id);
		else
			text_printf(text, "[%d]", flows[i]);
	}
}

static void put_assign(struct text *text, const struct assign *assign);

static void
put_parts(struct text *text, const struct assign *assign, char open, char close)
{
	text_putc(text, open);
	for (int32_t i = 0; i < assign->part_count; i++) {
		if (i > 0)
			text_puts(text, ", ");
		put_assign(text, &assign->parts[i]);
	}
	text_putc(text, close);
}

static void
put_assign(struct text *text, const struct assign *assign)
{
	if (assign->name != NULL)
		text_printf(text, "%s: ", assign->name);
	switch (assign->kind) {
	case ASSIGN_expression:
		put_quoted(text, expr_source(assign->expression));
		break;
	case ASSIGN_list:
		put_parts(text, assign, '[', ']');
		break;
	case ASSIGN_map:
		put_parts(text, assign, '{', '}');
		break;
	case ASSIGN_null:
		text_puts(text, "null");
		break;
	}
}

static void
put_assigns(struct text *text, const char *label, const struct assign *list, int32_t count)
{
	struct assign all = { .kind = ASSIGN_map, .parts = list, .part_count = count };

	if (count == 0)
		return;
	text_printf(text, " %s=", label);
	put_parts(text, &all, '{', '}');
}

static void
put_service(struct text *text, const struct service *service)
{
	static const char *const names[] = { "none", "external", "expression" };

	if (service == NULL)
		return;
	text_printf(text, " implementation=%s", names[service->implementation]);
	put_expr(text, "topic", service->topic);
	put_expr(text, "task-priority", service->priority);
	put_expr(text, "expression", service->expression);
	put_text(text, "result-variable", service->result_variable);
	for (int32_t i = 0; i < service->error_case_count; i++) {
		put_text(text, "error-case", service->error_cases[i].code != NULL ? service->error_cases[i].code : "");
		put_expr(text, "when", service->error_cases[i].condition);
	}
}

static void
put_exprs(struct text *text, const char *label, const struct exprs *exprs)
{
	for (int32_t i = 0; i < exprs->count; i++)
		put_expr(text, label, exprs->list[i]);
}

static void
put_user(struct text *text, const struct user *user)
{
	if (user == NULL)
		return;
	put_expr(text, "task-name", user->name);
	put_expr(text, "assignee", user->assignee);
	put_exprs(text, "candidate-users", &user->users);
	put_exprs(text, "candidate-groups", &user->groups);
	put_expr(text, "due-date", user->due_date);
	put_expr(text, "follow-up-date", user->follow_up_date);
	put_expr(text, "priority", user->priority);
	put_expr(text, "description", user->description);
	put_expr(text, "form-key", user->form_key);
}

static void
put_multi(struct text *text, const struct multi *multi)
{
	if (multi == NULL)
		return;
	text_puts(text, multi->sequential ? " sequential" : " parallel");
	put_expr(text, "cardinality", multi->cardinality);
	put_expr(text, "collection", multi->collection);
	put_text(text, "element-variable", multi->element_variable);
	put_expr(text, "completion", multi->completion);
}

static void
put_retry(struct text *text, const struct retry *retry)
{
	if (retry == NULL)
		return;
	if (retry->expression != NULL) {
		put_expr(text, "retry", retry->expression);
		return;
	}
	text_printf(text, " attempts=%d waits=", retry->attempts);
	for (int32_t i = 0; i < retry->wait_count; i++) {
		const struct period *wait = &retry->waits[i];

		text_printf(text, "%s%lldM/%lldD/%lldus", i > 0 ? "," : "", (long long)wait->months,
			(long long)wait->days, (long long)wait->us);
	}
}

static void
put_event(struct text *text, const struct program *program, const struct node *node)
{
	static const char *const kinds[] = { "date", "duration", "cycle" };

	if (element_flags(node->element) & EL_BOUNDARY) {
		put_node(text, "attached-to", program, node->attached_to);
		text_puts(text, node->interrupting ? " interrupting" : " non-interrupting");
	}
	if (node->timer != NULL)
		put_expr(text, kinds[node->timer->kind], node->timer->expression);
	if (node->catch_error != NULL) {
		put_text(text, "code", node->catch_error->code != NULL ? node->catch_error->code : "*");
		put_text(text, "code-variable", node->catch_error->code_variable);
		put_text(text, "message-variable", node->catch_error->message_variable);
	}
	put_text(text, "error-code", node->error_code);
	put_expr(text, "error-message", node->error_message);
}

/* For every incoming flow the nodes from which a token can still come. */
static void
put_reach(struct text *text, const struct program *program, const struct node *node)
{
	if (node->reach == NULL)
		return;
	for (int32_t i = 0; i < node->incoming_count; i++) {
		const uint64_t *bits = node->reach + (ptrdiff_t)i * node->reach_words;
		const char *id = program->flows[node->incoming[i]].id;

		text_printf(text, " reach(%s)=", id != NULL ? id : "");
		for (int32_t n = 0, found = 0; n < program->node_count; n++) {
			if (!(bits[n / 64] >> (n % 64) & 1))
				continue;
			text_printf(text, "%s%s", found++ > 0 ? "," : "",
				program->nodes[n].id != NULL ? program->nodes[n].id : "");
		}
	}
}

static void
dump_node(struct text *text, const struct program *program, const struct node *node)
{
	text_printf(text, "node %d %s %s key=%d line=%d", node->index, element_name(node->element),
		node->id != NULL ? node->id : "-", node->key, node->line);
	put_text(text, "name", node->name);
	put_node(text, "in", program, node->scope);
	put_node(text, "start", program, node->start);
	put_flag(text, "scope", node->is_scope);
	put_flag(text, "inclusive-join", node->has_inclusive_join);
	put_flag(text, "async-before", node->async_before);
	put_flag(text, "async-after", node->async_after);
	put_flag(text, "non-exclusive", !node->exclusive);
	put_event(text, program, node);
	put_multi(text, node->multi);
	put_service(text, node->service);
	put_user(text, node->user);
	put_assigns(text, "inputs", node->inputs, node->input_count);
	put_assigns(text, "outputs", node->outputs, node->output_count);
	put_retry(text, node->retry);
	put_expr(text, "job-priority", node->job_priority);
	for (int32_t i = 0; i < node->property_count; i++) {
		text_printf(text, " property %s=", node->properties[i].name);
		put_quoted(text, node->properties[i].value != NULL ? node->properties[i].value : "");
	}
	put_flows(text, "incoming", program, node->incoming, node->incoming_count);
	put_flows(text, "outgoing", program, node->outgoing, node->outgoing_count);
	if (node->default_flow >= 0)
		put_flows(text, "default", program, &node->default_flow, 1);
	put_reach(text, program, node);
	text_putc(text, '\n');
}

void
program_dump(const struct program *program, struct text *text)
{
	text_printf(text, "process %s", program->key);
	put_text(text, "name", program->name);
	put_text(text, "category", program->category);
	put_text(text, "description", program->description);
	put_text(text, "version-tag", program->version_tag);
	put_text(text, "initiator", program->initiator);
	if (program->history_ttl_days >= 0)
		text_printf(text, " history-days=%d", program->history_ttl_days);
	put_flag(text, "not-startable-in-tasklist", !program->startable_in_tasklist);
	text_putc(text, '\n');
	for (int32_t i = 0; i < program->node_count; i++)
		dump_node(text, program, &program->nodes[i]);
	for (int32_t i = 0; i < program->flow_count; i++) {
		const struct flow *flow = &program->flows[i];

		text_printf(text, "flow %d %s key=%d line=%d", i, flow->id != NULL ? flow->id : "-", flow->key,
			flow->line);
		put_text(text, "name", flow->name);
		put_node(text, "from", program, flow->source);
		put_node(text, "to", program, flow->target);
		put_expr(text, "condition", flow->condition);
		text_putc(text, '\n');
	}
}
