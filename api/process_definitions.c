/* SPDX-License-Identifier: Apache-2.0
 * Definitions by id, by key and by key and tenant: themselves, their XML, suspension, and the start of instances
 * (api.md 2.3). */
#include "api/command.h"
#include "api/handlers.h"
#include "api/list.h"

#include <stdlib.h>
#include <string.h>

#include "api/variables.h"

/* ---- which one the path means ------------------------------------------------------------------------------------ */

static bool
by_key(const struct exchange *exchange)
{
	return strstr(exchange->route->path, "/key/") != NULL;
}

/* By key: the newest version, without tenant unless the path names one.  False when a complaint was sent; by id that is
 * the caller's, who is told by E_not_found. */
static enum status
find_definition(struct exchange *exchange, struct reader *reader, struct found_definition *found, struct error *err)
{
	bool keyed = by_key(exchange);
	const char *tenant = keyed && strstr(exchange->route->path, "/tenant-id/") != NULL ? exchange->params[1] : NULL;

	if (keyed)
		return store_latest(reader, exchange->params[0], tenant, found, err);
	return store_find_definition(reader, exchange->params[0], found, err);
}

static void
complain_key(struct exchange *exchange)
{
	if (strstr(exchange->route->path, "/tenant-id/") != NULL)
		reply_error(exchange, E_rest_missing, "No matching process definition with key: %s and tenant-id: %s",
			exchange->params[0], exchange->params[1]);
	else
		reply_error(exchange, E_rest_missing, "No matching process definition with key: %s and no tenant-id",
			exchange->params[0]);
}

/* For everything but a start: an unknown id is 404 with code 0. */
static bool
require_definition(struct exchange *exchange, struct reader *reader, struct found_definition *found)
{
	struct error err;

	if (find_definition(exchange, reader, found, &err) == OK)
		return true;
	if (err.status != E_not_found)
		exchange_error(exchange, &err);
	else if (by_key(exchange))
		complain_key(exchange);
	else
		exchange_error_as(exchange, 404, "InvalidRequestException", 0,
			arena_printf(exchange->arena, "No matching definition with id %s", exchange->params[0]));
	return false;
}

/* The compiled definition; false when a complaint was sent. */
static bool
require_program(struct exchange *exchange, const struct found_definition *found, const struct definition **definition)
{
	const struct definitions *definitions = exchange->backend->definitions;

	*definition = definitions->get(definitions->context, found->id);
	if (*definition != NULL)
		return true;
	reply_error(exchange, E_internal, "definition %d cannot be loaded; the log says why", (int)found->id);
	return false;
}

/* ---- reading -------------------------------------------------------------------------------------------------------
 * */

void
get_definition(struct exchange *exchange, struct reader *reader)
{
	const struct definition *definition;
	struct found_definition found;
	struct error err;
	bool there;

	if (!require_definition(exchange, reader, &found) || !require_program(exchange, &found, &definition))
		return;
	if (object_write(exchange, reader, QUERY_process_definition, "processDefinitionId", definition->wire_id, false,
		&there,
		&err) != OK)
		exchange_error(exchange, &err);
	else
		exchange_json(exchange);
}

void
get_definition_xml(struct exchange *exchange, struct reader *reader)
{
	struct json *json = &exchange->writer;
	struct stored_definition stored;
	struct found_definition found;
	struct error err;

	if (!require_definition(exchange, reader, &found))
		return;
	if (store_definition(reader, exchange->arena, found.id, &stored, &err) != OK) {
		exchange_error(exchange, &err);
		return;
	}
	json_open(json, '{');
	json_put_string(json, "id", stored.definition.wire_id);
	json_put_string(json, "bpmn20Xml", stored.xml);
	json_close(json, '}');
	exchange_json(exchange);
}

/* ---- start ---------------------------------------------------------------------------------------------------------
 * */

struct start {
	const struct definition *definition;
	bool want_variables;
};

static void
put_instance(struct exchange *exchange, const struct definition *definition, const struct outcome *outcome,
	const struct command *command)
{
	struct json *json = &exchange->writer;

	put_self_link(exchange, "process-instance", outcome->instance);
	json_put_id(json, "id", outcome->instance);
	json_put_string(json, "definitionId", definition->wire_id);
	json_put_string(json, "businessKey", command->business_key);
	json_put_string(json, "caseInstanceId", command->case_instance);
	json_put_bool(json, "ended", outcome->ended);
	json_put_bool(json, "suspended", false);
	json_put_string(json, "tenantId", definition->tenant);
	json_put_string(json, "definitionKey", definition->key);
}

static void
started(struct exchange *exchange)
{
	const struct start *start = exchange->state;
	const struct outcome *outcome = &exchange->request.outcome;

	json_open(&exchange->writer, '{');
	put_instance(exchange, start->definition, outcome, &exchange->request.command);
	if (start->want_variables) {
		json_key(&exchange->writer, "variables");
		variables_write(&exchange->writer, exchange->arena, &outcome->variables, false);
	}
	json_close(&exchange->writer, '}');
	exchange_json(exchange);
}

static bool
refuse_instructions(struct exchange *exchange, const char *id)
{
	const struct value *instructions = body_get(exchange, "startInstructions");

	if (instructions != NULL && (instructions->type != VALUE_list || instructions->length > 0)) {
		reply_error(exchange, E_invalid_request,
			"Cannot instantiate process definition %s: startInstructions are not supported yet", id);
		return true;
	}
	if (body_flag(exchange, "skipCustomListeners", false) || body_flag(exchange, "skipIoMappings", false)) {
		reply_error(exchange, E_rest_failed, "Cannot instantiate process definition %s: ENGINE-13024 Cannot "
			"skip custom "
			"listeners or input/output mappings when start a process instance at default start activity.",
			id);
		return true;
	}
	return false;
}

static void
start_definition(struct exchange *exchange, const struct definition *definition)
{
	struct start *start = ARENA_NEW(exchange->arena, struct start);
	struct command *command = &exchange->request.command;
	const char *prefix = arena_printf(exchange->arena, "Cannot instantiate process definition %s: ",
		definition->wire_id);

	if (!body_variables(exchange, "variables", prefix, &command->variables) ||
	    refuse_instructions(exchange, definition->wire_id))
		return;
	start->definition = definition;
	start->want_variables = body_flag(exchange, "withVariablesInReturn", false);
	command->kind = COMMAND_start;
	command->definition = definition;
	command->business_key = body_text(exchange, "businessKey");
	command->case_instance = body_text(exchange, "caseInstanceId");
	command->want_variables = start->want_variables;
	exchange->state = start;
	command_send(exchange, MANNER_start, definition->wire_id, started);
}

static void
start_found(struct exchange *exchange, const struct found_definition *found, const struct definition *definition)
{
	if (found->suspended)
		reply_error(exchange, E_rest_failed, "Cannot instantiate process definition %s: ENGINE-03043 Process "
			"Definition with id '%s' is suspended.", definition->wire_id, definition->wire_id);
	else
		start_definition(exchange, definition);
}

static void
find_and_start(struct exchange *exchange, struct reader *reader)
{
	int64_t ticket = recent_ticket(exchange->recent);
	const struct definition *definition;
	struct found_definition found;
	struct error err;

	if (find_definition(exchange, reader, &found, &err) != OK) {
		if (err.status == E_not_found && by_key(exchange))
			complain_key(exchange);
		else
			complain(exchange, MANNER_start, exchange->params[0], &err);
		return;
	}
	if (!require_program(exchange, &found, &definition))
		return;
	recent_learn(exchange->recent, ticket, exchange->path, exchange->arrived_us, &found);
	start_found(exchange, &found, definition);
}

/* What was found lately was compiled then: asking for its program does not block. */
void
start_instance(struct exchange *exchange, struct reader *reader)
{
	const struct definition *definition;
	struct found_definition found;

	(void)reader;
	if (!has_body(exchange))
		return;
	if (!recent_find(exchange->recent, exchange->path, exchange->arrived_us, &found))
		exchange_read(exchange, find_and_start);
	else if (require_program(exchange, &found, &definition))
		start_found(exchange, &found, definition);
}

/* ---- suspension ----------------------------------------------------------------------------------------------------
 * */

struct instances {
	struct arena *arena;
	int64_t *ids;
	size_t count, capacity;
};

static bool
take_instance(void *context, const char *const *cells)
{
	struct instances *instances = context;

	instances->ids = arena_grow(instances->arena, instances->ids, sizeof *instances->ids, instances->count,
		&instances->capacity);
	instances->ids[instances->count++] = strtoll(cells[cell_of(QUERY_process_instance, "id")], NULL, 10);
	return true;
}

/* Suspends the definition, then (when asked) its instances, each in its lane. */
static enum status
suspend(struct exchange *exchange, struct reader *reader, int32_t id, const char *wire_id, struct instances *instances,
	struct error *err)
{
	TRY(store_suspend_definition(reader, id, body_flag(exchange, "suspended", false), err));
	recent_forget(exchange->recent);
	if (!body_flag(exchange, "includeProcessInstances", false))
		return OK;
	return rows_where(reader, QUERY_process_instance, "processDefinitionId", wire_id, take_instance, instances,
		err);
}

static bool
refuse_later(struct exchange *exchange)
{
	const char *date = body_text(exchange, "executionDate");

	if (date == NULL)
		return false;
	reply_error(exchange, E_invalid_request, "Could not update the suspension state of Process Definitions due to: "
		"executionDate \"%s\": a later date is not supported yet", date);
	return true;
}

static void
suspend_instances(struct exchange *exchange, const struct instances *instances)
{
	exchange->request.command.kind = COMMAND_suspend;
	exchange->request.command.suspended = body_flag(exchange, "suspended", false);
	command_send_all(exchange, MANNER_instance_suspend, instances->ids, instances->count, NULL);
}

void
suspend_definition(struct exchange *exchange, struct reader *reader)
{
	struct instances instances = { .arena = exchange->arena };
	const struct definition *definition;
	struct found_definition found;
	struct error err;

	if (!has_body(exchange) || refuse_later(exchange))
		return;
	if (!require_definition(exchange, reader, &found) || !require_program(exchange, &found, &definition))
		return;
	if (suspend(exchange, reader, found.id, definition->wire_id, &instances, &err) != OK)
		exchange_error(exchange, &err);
	else
		suspend_instances(exchange, &instances);
}

struct definitions_found {
	struct arena *arena;
	const char **wire_ids;
	size_t count, capacity;
};

static bool
take_definition(void *context, const char *const *cells)
{
	struct definitions_found *found = context;

	found->wire_ids = arena_grow(found->arena, found->wire_ids, sizeof *found->wire_ids, found->count,
		&found->capacity);
	found->wire_ids[found->count++] = arena_strdup(found->arena, cells[cell_of(QUERY_process_definition, "id")]);
	return true;
}

static enum status
suspend_key(struct exchange *exchange, struct reader *reader, const char *key, struct instances *instances,
	struct error *err)
{
	struct definitions_found definitions = { .arena = exchange->arena };
	struct found_definition found;

	TRY(rows_where(reader, QUERY_process_definition, "key", key, take_definition, &definitions, err));
	for (size_t i = 0; i < definitions.count; i++) {
		TRY(store_find_definition(reader, definitions.wire_ids[i], &found, err));
		TRY(suspend(exchange, reader, found.id, definitions.wire_ids[i], instances, err));
	}
	return OK;
}

void
suspend_definitions(struct exchange *exchange, struct reader *reader)
{
	struct instances instances = { .arena = exchange->arena };
	const char *key, *id;
	struct error err;

	if (!has_body(exchange))
		return;
	key = body_text(exchange, "processDefinitionKey");
	id = body_text(exchange, "processDefinitionId");
	if (id != NULL) {
		reply_error(exchange, E_invalid_request, "Only processDefinitionKey can be set to update the "
			"suspension state.");
		return;
	}
	if (key == NULL) {
		reply_error(exchange, E_invalid_request,
			"Either processDefinitionId or processDefinitionKey should be set to update the suspension "
			"state.");
		return;
	}
	if (refuse_later(exchange))
		return;
	if (suspend_key(exchange, reader, key, &instances, &err) != OK)
		exchange_error(exchange, &err);
	else
		suspend_instances(exchange, &instances);
}
