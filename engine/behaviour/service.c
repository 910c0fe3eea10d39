/* SPDX-License-Identifier: Apache-2.0
 * Service-like tasks: done by a worker (external), or by an expression. */
#include "engine/machine.h"

/* Ready for a worker from here on; topic and priority are fixed now. */
static enum progress
open_external(struct machine *machine, struct activity *activity, struct error *err)
{
	const struct service *service = activity->node->service;
	const char *topic;
	int64_t priority;

	if (eval_text(machine, activity, activity->node, service->topic, &topic, err) != OK ||
	    eval_priority(machine, activity, activity->node, service->priority, "taskPriority", &priority, err) != OK)
		return FAILED;
	if (topic == NULL) {
		FAIL(err, engine, "the topic of the external task '%s' is null", activity->node->id);
		return FAILED;
	}
	if (!EMIT(machine, err, task_open, .activity = activity->id, .topic = topic, .priority = priority))
		return FAILED;
	return WAIT;
}

static enum progress
compute(struct machine *machine, struct activity *activity, struct error *err)
{
	const struct service *service = activity->node->service;
	struct value value;

	if (eval(machine, activity, activity->node, service->expression, &value, err) != OK)
		return FAILED;
	if (service->result_variable != NULL &&
	    set_variable(machine, activity, service->result_variable, value, err) != OK)
		return FAILED;
	return MORE;
}

enum progress
enter_service(struct machine *machine, struct activity *activity, struct error *err)
{
	switch (activity->node->service->implementation) {
	case IMPLEMENTATION_external:
		return open_external(machine, activity, err);
	case IMPLEMENTATION_expression:
		return compute(machine, activity, err);
	case IMPLEMENTATION_none:
		break;
	}
	return MORE;
}
