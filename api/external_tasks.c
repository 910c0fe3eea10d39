/* SPDX-License-Identifier: Apache-2.0
 * What workers do: fetch, lock, complete, fail, report errors (api.md 2.1). */
#include "api/command.h"
#include "api/handlers.h"
#include "api/list.h"

#include <string.h>

#include "api/variables.h"

enum { MOST_TASKS = 10000, MAX_WAIT_MS = 1800000 };

/* Sets up a command for the task in the path; false when a complaint was sent. */
static bool
prepare(struct exchange *exchange, enum command_kind kind)
{
	struct command *command = &exchange->request.command;

	command->kind = kind;
	command->retries = -1;
	if (path_task(exchange, 0, &command->target))
		return true;
	complain_missing(exchange, MANNER_external_task, exchange->params[0]);
	return false;
}

/* The worker that every word about a task needs. */
static bool
take_worker(struct exchange *exchange)
{
	exchange->request.command.worker = body_text(exchange, "workerId");
	if (exchange->request.command.worker != NULL)
		return true;
	reply_error(exchange, E_null_value, "workerId is null");
	return false;
}

/* As microseconds; what is beyond any date stays so. */
static int64_t
milliseconds(int64_t ms)
{
	return ms < INT64_MAX / 1000 ? ms * 1000 : INT64_MAX;
}

static bool
take_variables(struct exchange *exchange)
{
	struct command *command = &exchange->request.command;

	return body_variables(exchange, "variables", NULL, &command->variables) &&
		body_variables(exchange, "localVariables", NULL, &command->local_variables);
}

static void
send(struct exchange *exchange)
{
	command_send(exchange, MANNER_external_task, exchange->params[0], NULL);
}

void
complete_external_task(struct exchange *exchange, struct reader *reader)
{
	(void)reader;
	if (!has_body(exchange) || !take_variables(exchange) || !take_worker(exchange) ||
	    !prepare(exchange, COMMAND_complete_task))
		return;
	send(exchange);
}

/* A whole number of the body, or the default; false when a complaint was sent. */
static bool
take_number(struct exchange *exchange, const char *name, int64_t otherwise, int64_t *number)
{
	*number = otherwise;
	if (body_number(exchange, name, number) >= 0)
		return true;
	reply_bad_json(exchange);
	return false;
}

/* retries left out is -1 here: then the model's retry cycle counts, where Camunda takes 0 (docs/compatibility.md). */
void
fail_external_task(struct exchange *exchange, struct reader *reader)
{
	struct command *command = &exchange->request.command;
	int64_t retries, wait_ms;
	bool given;

	(void)reader;
	if (!has_body(exchange) || !take_number(exchange, "retries", -1, &retries) ||
	    !take_number(exchange, "retryTimeout", 0, &wait_ms) || !take_variables(exchange) || !take_worker(exchange))
		return;
	given = body_get(exchange, "retries") != NULL;
	if (given && (retries < 0 || retries > INT32_MAX)) {
		reply_error(exchange, E_engine, "retries is not greater than or equal to 0");
		return;
	}
	if (wait_ms < 0) {
		reply_error(exchange, E_engine, "retryDuration is not greater than or equal to 0");
		return;
	}
	if (!prepare(exchange, COMMAND_fail_task))
		return;
	command->retries = given ? (int32_t)retries : -1;
	command->duration_us = milliseconds(wait_ms);
	command->error_message = body_text(exchange, "errorMessage");
	command->error_details = body_text(exchange, "errorDetails");
	send(exchange);
}

void
error_external_task(struct exchange *exchange, struct reader *reader)
{
	struct command *command = &exchange->request.command;

	(void)reader;
	if (!has_body(exchange) || !take_variables(exchange) || !take_worker(exchange))
		return;
	command->error_code = body_text(exchange, "errorCode");
	command->error_message = body_text(exchange, "errorMessage");
	if (command->error_code == NULL) {
		reply_error(exchange, E_null_value, "errorCode is null");
		return;
	}
	if (prepare(exchange, COMMAND_error_task))
		send(exchange);
}

static void
lock(struct exchange *exchange, enum command_kind kind, const char *name, const char *called)
{
	int64_t ms;

	/* Camunda looks at the worker first here, and last there. */
	if (!has_body(exchange) || !take_number(exchange, name, 0, &ms) ||
	    (kind == COMMAND_lock_task && !take_worker(exchange)))
		return;
	if (ms <= 0) {
		exchange_error_as(exchange, 400, "RestException", 0,
			arena_printf(exchange->arena, "%s is not greater than 0", called));
		return;
	}
	if (!take_worker(exchange) || !prepare(exchange, kind))
		return;
	exchange->request.command.duration_us = milliseconds(ms);
	send(exchange);
}

void
lock_external_task(struct exchange *exchange, struct reader *reader)
{
	(void)reader;
	lock(exchange, COMMAND_lock_task, "lockDuration", "lockDuration");
}

void
extend_external_task(struct exchange *exchange, struct reader *reader)
{
	(void)reader;
	lock(exchange, COMMAND_extend_lock, "newDuration", "lockTime");
}

void
unlock_external_task(struct exchange *exchange, struct reader *reader)
{
	(void)reader;
	if (prepare(exchange, COMMAND_unlock_task))
		send(exchange);
}

void
set_external_task_retries(struct exchange *exchange, struct reader *reader)
{
	int64_t retries;

	(void)reader;
	if (!has_body(exchange) || !take_number(exchange, "retries", 0, &retries))
		return;
	if (body_get(exchange, "retries") == NULL) {
		reply_error(exchange, E_invalid_request, "The number of retries cannot be null.");
		return;
	}
	if (retries < 0 || retries > INT32_MAX) {
		exchange_error_as(exchange, 400, "RestException", 0, "The number of retries cannot be negative");
		return;
	}
	if (!prepare(exchange, COMMAND_set_task_retries))
		return;
	exchange->request.command.retries = (int32_t)retries;
	send(exchange);
}

void
set_external_task_priority(struct exchange *exchange, struct reader *reader)
{
	(void)reader;
	if (!has_body(exchange) || !take_number(exchange, "priority", 0, &exchange->request.command.priority) ||
	    !prepare(exchange, COMMAND_set_task_priority))
		return;
	send(exchange);
}

/* ---- error details ---------------------------------------------------------------------------------------------- */

void
get_external_task_details(struct exchange *exchange, struct reader *reader)
{
	struct error err;
	bool found;

	if (field_reply(exchange, reader, QUERY_external_task, "externalTaskId", "errorDetails", &found, &err) != OK)
		exchange_error(exchange, &err);
	else if (!found)
		reply_error(exchange, E_rest_failed, "External task with id %s does not exist", exchange->params[0]);
}

/* ---- fetch ------------------------------------------------------------------------------------------------------- */

static bool
text_list(struct exchange *exchange, const struct value *json, const char *const **list, size_t *count)
{
	const char **texts;

	if (json == NULL || json->type == VALUE_null)
		return true;
	if (json->type != VALUE_list)
		return false;
	texts = ARENA_ARRAY(exchange->arena, const char *, json->length);
	for (size_t i = 0; i < json->length; i++) {
		if (json->items[i].type == VALUE_list || json->items[i].type == VALUE_map ||
			json->items[i].type == VALUE_null)
			return false;
		texts[i] = value_to_text(exchange->arena, &json->items[i]);
	}
	*list = texts;
	*count = json->length;
	return true;
}

static const char *
topic_text(struct exchange *exchange, const struct value *json, const char *name)
{
	const struct value *member = value_get(json, name);

	return member != NULL && member->type != VALUE_null ? value_to_text(exchange->arena, member) : NULL;
}

/* Booleans may come as text (the Go client's withoutTenantId). */
static bool
topic_flag(const struct value *json, const char *name)
{
	const struct value *member = value_get(json, name);

	if (member == NULL)
		return false;
	return member->type == VALUE_string ? strcmp(member->text, "true") == 0 : member->integer != 0;
}

/* A list and a single value that mean the same filter (processDefinitionIdIn, processDefinitionId). */
static bool
topic_filter(struct exchange *exchange, const struct value *json, const char *many, const char *one,
	const char *const **list, size_t *count)
{
	const char *single = topic_text(exchange, json, one);
	const char **only;

	if (!text_list(exchange, value_get(json, many), list, count))
		return false;
	if (single == NULL)
		return true;
	only = ARENA_ARRAY(exchange->arena, const char *, 1);
	only[0] = single;
	*list = only;
	*count = 1;
	return true;
}

static bool
topic_variables(struct exchange *exchange, const struct value *json, struct fetch_topic *topic)
{
	const struct value *map = value_get(json, "processVariables");
	struct entry *list;

	if (map == NULL || map->type == VALUE_null)
		return true;
	if (map->type != VALUE_map) {
		reply_bad_json(exchange);
		return false;
	}
	list = ARENA_ARRAY(exchange->arena, struct entry, map->length);
	for (size_t i = 0; i < map->length; i++) {
		list[i].name = map->entries[i].name;
		if (!variable_raw(&map->entries[i].value, &list[i].value)) {
			reply_error(exchange, E_engine, "Object values cannot be used to query");
			return false;
		}
	}
	topic->process_variables = (struct entries){ .count = map->length, .list = list };
	return true;
}

static bool
read_topic(struct exchange *exchange, const struct value *json, struct fetch_topic *topic)
{
	const struct value *duration = json->type == VALUE_map ? value_get(json, "lockDuration") : NULL;
	const struct value *variables = json->type == VALUE_map ? value_get(json, "variables") : NULL;
	bool read;

	if (json->type != VALUE_map) {
		reply_bad_json(exchange);
		return false;
	}
	topic->topic = topic_text(exchange, json, "topicName");
	if (topic->topic == NULL) {
		reply_error(exchange, E_null_value, "topicName is null");
		return false;
	}
	if (duration == NULL || (duration->type != VALUE_integer && duration->type != VALUE_long) ||
		duration->integer <= 0) {
		reply_error(exchange, E_engine, "lockTime is not greater than 0");
		return false;
	}
	topic->lock_us = milliseconds(duration->integer);
	topic->business_key = topic_text(exchange, json, "businessKey");
	topic->version_tag = topic_text(exchange, json, "processDefinitionVersionTag");
	topic->without_tenant = topic_flag(json, "withoutTenantId");
	topic->local_variables = topic_flag(json, "localVariables");
	topic->deserialize = topic_flag(json, "deserializeValues");
	topic->extension_properties = topic_flag(json, "includeExtensionProperties");
	topic->variables_given = variables != NULL && variables->type == VALUE_list;
	read = topic_filter(exchange, json, "processDefinitionIdIn", "processDefinitionId", &topic->definition_ids,
		&topic->definition_id_count) &&
		topic_filter(exchange, json, "processDefinitionKeyIn", "processDefinitionKey", &topic->definition_keys,
			&topic->definition_key_count) &&
		text_list(exchange, value_get(json, "tenantIdIn"), &topic->tenants, &topic->tenant_count) &&
		text_list(exchange, variables, &topic->variables, &topic->variable_count);
	if (!read) {
		reply_bad_json(exchange);
		return false;
	}
	return topic_variables(exchange, json, topic);
}

static bool
read_topics(struct exchange *exchange, struct fetch *fetch)
{
	const struct value *json = body_get(exchange, "topics");
	struct fetch_topic *topics;

	if (json == NULL)
		return true;
	if (json->type != VALUE_list) {
		reply_bad_json(exchange);
		return false;
	}
	topics = ARENA_ARRAY(exchange->arena, struct fetch_topic, json->length);
	for (size_t i = 0; i < json->length; i++)
		if (!read_topic(exchange, &json->items[i], &topics[i]))
			return false;
	fetch->topics = topics;
	fetch->topic_count = json->length;
	return true;
}

/* [{"sortBy": "createTime", "sortOrder": "asc" or "desc"}] */
static bool
read_order(struct exchange *exchange, struct fetch *fetch)
{
	const struct value *json = body_get(exchange, "sorting"), *by, *order;

	if (json == NULL || (json->type == VALUE_list && json->length == 0))
		return true;
	if (json->type != VALUE_list || json->items[0].type != VALUE_map) {
		reply_bad_json(exchange);
		return false;
	}
	by = value_get(&json->items[0], "sortBy");
	order = value_get(&json->items[0], "sortOrder");
	if (by == NULL || by->type != VALUE_string) {
		reply_error(exchange, E_invalid_request, "sorting needs sortBy");
		return false;
	}
	if (strcmp(by->text, "createTime") != 0) {
		reply_error(exchange, E_invalid_request, "Cannot set query sortBy parameter to value %s", by->text);
		return false;
	}
	if (order == NULL || order->type == VALUE_null) {
		reply_error(exchange, E_not_valid, "Invalid query: call asc() or desc() after using orderByXX(): "
			"direction is null");
		return false;
	}
	if (order->type != VALUE_string || (strcmp(order->text, "asc") != 0 && strcmp(order->text, "desc") != 0)) {
		reply_error(exchange, E_invalid_request, "Cannot set query sortOrder parameter to value %s",
			value_to_text(exchange->arena, order));
		return false;
	}
	fetch->order = order->text[0] == 'a' ? FETCH_oldest : FETCH_newest;
	return true;
}

static void
put_properties(struct json *json, const struct fetched *task)
{
	json_key(json, "extensionProperties");
	json_open(json, '{');
	for (int32_t i = 0; task->topic->extension_properties && i < task->node->property_count; i++)
		json_put_string(json, task->node->properties[i].name, task->node->properties[i].value);
	json_close(json, '}');
}

static const char *
activity_instance_id(struct arena *arena, const struct fetched *task)
{
	struct text text;

	text_init(&text, arena);
	text_puts(&text, task->node->id);
	text_putc(&text, ':');
	text_int(&text, task->activity);
	return text_string(&text);
}

static void
put_task(struct exchange *exchange, const struct fetched *task)
{
	struct json *json = &exchange->writer;
	const struct external *external = &task->external;

	json_open(json, '{');
	json_put_string(json, "activityId", task->node->id);
	json_put_string(json, "activityInstanceId", activity_instance_id(exchange->arena, task));
	json_put_string(json, "errorMessage", external->message);
	json_put_string(json, "errorDetails", external->details);
	json_put_id(json, "executionId", task->activity);
	json_put_id(json, "id", task->activity + 1);
	json_put_date(json, "lockExpirationTime", external->until_us);
	json_put_date(json, "createTime", task->created_us);
	json_put_string(json, "processDefinitionId", task->definition->wire_id);
	json_put_string(json, "processDefinitionKey", task->definition->key);
	json_put_string(json, "processDefinitionVersionTag", task->definition->program->version_tag);
	json_put_id(json, "processInstanceId", task->instance);
	if (external->retries < 0)
		json_put_null(json, "retries");
	else
		json_put_int(json, "retries", external->retries);
	json_put_bool(json, "suspended", false);	/* never filled by Camunda */
	json_put_string(json, "workerId", external->worker);
	json_put_string(json, "topicName", external->topic);
	json_put_string(json, "tenantId", task->definition->tenant);
	json_key(json, "variables");
	variables_write(json, exchange->arena, &task->variables, task->topic->deserialize);
	json_put_int(json, "priority", external->priority);
	json_put_string(json, "businessKey", task->business_key);
	put_properties(json, task);
	json_close(json, '}');
}

static void
put_tasks(struct exchange *exchange)
{
	const struct request *request = &exchange->request;

	json_open(&exchange->writer, '[');
	for (size_t i = 0; i < request->task_count; i++)
		put_task(exchange, &request->tasks[i]);
	json_close(&exchange->writer, ']');
	exchange_json(exchange);
}

static void
fetched(struct request *request)
{
	struct exchange *exchange = request->context;

	if (request->status != OK)
		exchange_error(exchange, request->error);
	else
		put_tasks(exchange);
}

static bool
still_there(struct request *request)
{
	/* While it is parked the request's context is the poll's; the exchange holds the request. */
	struct exchange *exchange = (struct exchange *)((char *)request - offsetof(struct exchange, request));

	return exchange_client_there(exchange);
}

void
fetch_external_tasks(struct exchange *exchange, struct reader *reader)
{
	struct request *request = &exchange->request;
	struct fetch *fetch = &request->fetch;
	int64_t wait_ms;

	(void)reader;
	if (!has_body(exchange) || !take_number(exchange, "maxTasks", 0, &fetch->max_tasks) ||
	    !take_number(exchange, "asyncResponseTimeout", 0, &wait_ms) || !read_topics(exchange, fetch) ||
	    !read_order(exchange, fetch))
		return;
	fetch->worker = body_text(exchange, "workerId");
	fetch->use_priority = body_flag(exchange, "usePriority", false);
	if (wait_ms > MAX_WAIT_MS) {
		reply_error(exchange, E_invalid_request,
			"The asynchronous response timeout cannot be set to a value greater than %d milliseconds",
			MAX_WAIT_MS);
		return;
	}
	if (fetch->worker == NULL) {
		reply_error(exchange, E_null_value, "workerId is null");
		return;
	}
	if (fetch->max_tasks < 0) {
		reply_error(exchange, E_engine, "maxResults is not greater than or equal to 0");
		return;
	}
	if (fetch->max_tasks == 0 || fetch->topic_count == 0) {
		put_tasks(exchange);
		return;
	}
	if (fetch->max_tasks > MOST_TASKS)
		fetch->max_tasks = MOST_TASKS;
	request->kind = REQUEST_fetch;
	request->arena = exchange->arena;
	request->context = exchange;
	request->done = fetched;
	request->arrived_us = exchange->arrived_us;
	exchange->backend->fetch(exchange->backend->context, request,
		wait_ms > 0 ? exchange->arrived_us + wait_ms * 1000 : 0, still_there);
}
