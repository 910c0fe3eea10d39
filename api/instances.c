/* SPDX-License-Identifier: Apache-2.0
 * Running instances and executions: deletion, suspension, signals, and the tree of what is active (api.md 2.4). */
#include "api/command.h"
#include "api/handlers.h"
#include "api/list.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The instance or execution of the path as the command's target; false when the complaint was sent. */
static bool
take_target(struct exchange *exchange, enum manner manner)
{
	int64_t id;

	if (path_id(exchange, 0, &id) && id % ID_STEP == 0) {
		exchange->request.command.target = id;
		return true;
	}
	complain_missing(exchange, manner, exchange->params[0]);
	return false;
}

static void
deleted(struct exchange *exchange)
{
	const struct request *request = &exchange->request;

	if (request->status == OK ||
	    (request->status == E_not_found && !exchange_query_flag(exchange, "failIfNotExists", true)))
		exchange_empty(exchange);
	else
		complain(exchange, MANNER_instance_delete, exchange->params[0], request->error);
}

void
delete_instance(struct exchange *exchange, struct reader *reader)
{
	int64_t id;

	(void)reader;
	if (!path_id(exchange, 0, &id) || id % ID_STEP != 0) {
		if (exchange_query_flag(exchange, "failIfNotExists", true))
			complain_missing(exchange, MANNER_instance_delete, exchange->params[0]);
		else
			exchange_empty(exchange);
		return;
	}
	exchange->request.command.kind = COMMAND_delete_instance;
	exchange->request.command.target = id;
	exchange->request.kind = REQUEST_command;
	exchange_submit(exchange, deleted);
}

void
suspend_instance(struct exchange *exchange, struct reader *reader)
{
	(void)reader;
	if (!has_body(exchange) || !take_target(exchange, MANNER_instance_suspend))
		return;
	exchange->request.command.kind = COMMAND_suspend;
	exchange->request.command.suspended = body_flag(exchange, "suspended", false);
	command_send(exchange, MANNER_instance_suspend, exchange->params[0], NULL);
}

void
signal_execution(struct exchange *exchange, struct reader *reader)
{
	const char *prefix = arena_printf(exchange->arena, "Cannot signal execution %s: ", exchange->params[0]);

	(void)reader;
	if (!has_body(exchange) ||
	    !body_variables(exchange, "variables", prefix, &exchange->request.command.variables) ||
	    !take_target(exchange, MANNER_signal))
		return;
	exchange->request.command.kind = COMMAND_signal;
	command_send(exchange, MANNER_signal, exchange->params[0], NULL);
}

/* ---- the tree of active activities ----------------------------------------------------------------------------------
 * */

/* One incident as both {id, activityId} and in the list of ids. */
static void
put_incidents(struct json *json, const struct running_activity *activity)
{
	json_key(json, "incidentIds");
	json_open(json, '[');
	for (size_t i = 0; i < activity->incident_count; i++)
		json_id(json, activity->incidents[i]);
	json_close(json, ']');
	json_key(json, "incidents");
	json_open(json, '[');
	for (size_t i = 0; i < activity->incident_count; i++) {
		json_open(json, '{');
		json_put_id(json, "id", activity->incidents[i]);
		json_put_string(json, "activityId", activity->id_text);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static int64_t
execution_of(const struct running_activity *activity, const struct running_activity *parent)
{
	bool alone = parent != NULL && parent->first == activity && activity->next == NULL;

	return activity->shares && alone ? parent->id : activity->id;
}

static void
put_executions(struct json *json, const struct running_activity *activity, const struct running_activity *parent)
{
	json_key(json, "executionIds");
	json_open(json, '[');
	json_id(json, execution_of(activity, parent));
	json_close(json, ']');
}

struct forest {
	struct exchange *exchange;
	const struct running_instance *instance;
};

static const char *
instance_id(struct forest *forest, const struct running_activity *activity)
{
	if (activity->id == forest->instance->id)
		return arena_printf(forest->exchange->arena, "%lld", (long long)activity->id);
	return arena_printf(forest->exchange->arena, "%s:%lld", activity->id_text, (long long)activity->id);
}

static void
put_common(struct forest *forest, const struct running_activity *activity, const struct running_activity *parent)
{
	struct json *json = &forest->exchange->writer;

	if (activity->transition)
		json_put_string(json, "id", arena_printf(forest->exchange->arena, "%lld",
			(long long)execution_of(activity, parent)));
	else
		json_put_string(json, "id", instance_id(forest, activity));
	json_put_string(json, "parentActivityInstanceId", parent != NULL ? instance_id(forest, parent) : NULL);
	json_put_string(json, "activityId", activity->id_text);
	json_put_string(json, "activityType", activity->type);
	json_put_id(json, "processInstanceId", forest->instance->id);
	json_put_string(json, "processDefinitionId", forest->instance->definition);
	json_put_string(json, "activityName", activity->name);
}

/* What waits before or behind an activity has no activity instance: its id is the execution's. */
static void
put_transition(struct forest *forest, const struct running_activity *activity, const struct running_activity *parent)
{
	struct json *json = &forest->exchange->writer;

	json_open(json, '{');
	put_common(forest, activity, parent);
	json_put_id(json, "executionId", execution_of(activity, parent));
	json_put_string(json, "targetActivityId", activity->id_text);
	put_incidents(json, activity);
	json_close(json, '}');
}

enum { MOST_DEPTH = 200 };

/* Recursion is bounded: a scope lies in a scope of the diagram, whose depth the reader limits. */
static void
put_activity(struct forest *forest, const struct running_activity *activity, const struct running_activity *parent,
	int depth)
{
	struct json *json = &forest->exchange->writer;
	const struct running_activity *child;

	json_open(json, '{');
	put_common(forest, activity, parent);
	json_put_string(json, "name", activity->name);
	json_key(json, "childActivityInstances");
	json_open(json, '[');
	for (child = activity->first; child != NULL && depth < MOST_DEPTH; child = child->next)
		if (!child->transition)
			put_activity(forest, child, activity, depth + 1);
	json_close(json, ']');
	json_key(json, "childTransitionInstances");
	json_open(json, '[');
	for (child = activity->first; child != NULL; child = child->next)
		if (child->transition)
			put_transition(forest, child, activity);
	json_close(json, ']');
	put_executions(json, activity, parent);
	put_incidents(json, activity);
	json_close(json, '}');
}

void
get_activity_instances(struct exchange *exchange, struct reader *reader)
{
	struct forest forest = { .exchange = exchange };
	struct running_instance *instance = NULL;
	struct error err;
	int64_t id = 0;

	if (path_id(exchange, 0, &id) &&
	    store_running_instance(reader, exchange->arena, id, &instance, &err) != OK && err.status != E_not_found) {
		exchange_error(exchange, &err);
		return;
	}
	if (instance == NULL) {
		reply_error(exchange, E_invalid_missing, "Process instance with id %s does not exist",
			exchange->params[0]);
		return;
	}
	if (instance->id != id) {
		exchange_error_as(exchange, 500, "InvalidRequestException", 0, arena_printf(exchange->arena,
			"Cannot restore state of process instance %lld: list of executions is empty",
			(long long)instance->id));
		return;
	}
	forest.instance = instance;
	put_activity(&forest, instance->root, NULL, 0);
	exchange_json(exchange);
}
