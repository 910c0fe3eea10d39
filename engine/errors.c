/* SPDX-License-Identifier: Apache-2.0
 * BPMN errors: the search for a handler, scope by scope outward (BPMN 10.5.1; order as Camunda 7's). */
#include "engine/machine.h"

#include "base/text.h"

/* The boundary event of the activity that catches the code: a matching code goes before one that catches all. */
static const struct node *
handler_of(const struct activity *activity, const char *code)
{
	const struct node *all = NULL, *boundary;
	int32_t i;

	for (i = 0; i < activity->node->boundary_count; i++) {
		boundary = node_at(activity, activity->node->boundaries[i]);
		if (boundary->catch_error == NULL)
			continue;
		if (boundary->catch_error->code == NULL) {
			all = all != NULL ? all : boundary;
			continue;
		}
		if (text_equal(boundary->catch_error->code, code))
			return boundary;
	}
	return all;
}

static enum status
set_text(struct machine *machine, struct activity *scope, const char *name, const char *text, struct error *err)
{
	if (name == NULL)
		return OK;
	return set_variable(machine, scope, name, text != NULL ? value_string(text) : value_null(), err);
}

enum status
throw_error(struct machine *machine, struct activity *activity, const char *code, const char *message,
	struct error *err)
{
	const struct node *handler = NULL;
	struct activity *host;

	for (host = activity; host->scope != NULL; host = host->scope) {
		handler = handler_of(host, code);
		if (handler != NULL)
			break;
	}
	if (handler == NULL)
		return end_token(machine, activity, err);
	TRY(set_text(machine, host->scope, handler->catch_error->code_variable, code, err));
	TRY(set_text(machine, host->scope, handler->catch_error->message_variable, message, err));
	return fire_boundary(machine, host, handler, err);
}
