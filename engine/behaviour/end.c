/* SPDX-License-Identifier: Apache-2.0
 * End events that do more than end: terminate (BPMN 13.5.6) and error. */
#include "engine/machine.h"

/* Every other token of the scope goes; then the scope completes as if all had ended. */
enum progress
enter_terminate(struct machine *machine, struct activity *activity, struct error *err)
{
	struct activity *scope = activity->scope;

	if (cancel_inside(machine, scope, activity, true, err) != OK)
		return FAILED;
	drop_pending(machine, scope);
	return MORE;
}

enum progress
enter_error_end(struct machine *machine, struct activity *activity, struct error *err)
{
	const struct node *node = activity->node;
	const char *message;

	if (eval_text(machine, activity, node, node->error_message, &message, err) != OK ||
	    throw_error(machine, activity, node->error_code, message, err) != OK)
		return FAILED;
	return DONE;
}
