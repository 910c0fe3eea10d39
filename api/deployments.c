/* SPDX-License-Identifier: Apache-2.0
 * Deployments: the Modeler's multipart upload, what lies in them, their deletion (api.md 2.2). */
#include "api/command.h"
#include "api/handlers.h"
#include "api/list.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "bpmn/bpmn.h"

/* ---- create ---------------------------------------------------------------------------------------------------- */

struct upload {
	struct new_deployment deployment;
	struct new_resource *resources;
	struct diagram failed;		/* of the resource that could not be compiled */
	const char *failed_name;
};

static const char *
part_text(struct exchange *exchange, const char *name)
{
	for (size_t i = exchange->part_count; i-- > 0;)
		if (text_equal(exchange->parts[i].name, name))
			return arena_strndup(exchange->arena, exchange->parts[i].bytes, exchange->parts[i].length);
	return NULL;
}

static bool
part_flag(struct exchange *exchange, const char *name)
{
	const char *text = part_text(exchange, name);

	return text != NULL && strcasecmp(text, "true") == 0;
}

/* Which parts say something about the deployment; every other one is a resource. */
static bool
is_word(const char *name)
{
	static const char *const words[] = { "deployment-name", "deployment-source", "tenant-id",
		"enable-duplicate-filtering", "deploy-changed-only", "deployment-activation-time" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (text_equal(words[i], name))
			return true;
	return false;
}

static bool
ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), wanted = strlen(end);

	return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

/* Parts with one name, and resources with one name: the last wins. */
static void
take_resource(struct upload *upload, const char **names, const struct part *part)
{
	size_t i = 0;

	while (i < upload->deployment.resource_count && !text_equal(names[i], part->name) &&
	       !text_equal(upload->resources[i].name, part->filename))
		i++;
	if (i == upload->deployment.resource_count)
		upload->deployment.resource_count++;
	names[i] = part->name;
	upload->resources[i] = (struct new_resource){ .name = part->filename, .bytes = part->bytes,
		.length = part->length };
}

static enum status
take_resources(struct exchange *exchange, struct upload *upload, struct error *err)
{
	const char **names = ARENA_ARRAY(exchange->arena, const char *, exchange->part_count);

	upload->resources = ARENA_ARRAY(exchange->arena, struct new_resource, exchange->part_count);
	upload->deployment.resources = upload->resources;
	for (size_t i = 0; i < exchange->part_count; i++) {
		const struct part *part = &exchange->parts[i];

		if (is_word(part->name))
			continue;
		if (part->filename == NULL || part->filename[0] == '\0')
			return FAIL(err, invalid_request,
				"No file name found in the deployment resource described by form parameter '%s'.",
				part->name);
		take_resource(upload, names, part);
	}
	if (upload->deployment.resource_count == 0)
		return FAIL(err, invalid_request, "No deployment resources contained in the form upload.");
	return OK;
}

static enum status
compile_resource(struct exchange *exchange, struct upload *upload, struct new_resource *resource, struct error *err)
{
	struct diagram diagram = { 0 };
	enum status status;

	if (ends_with(resource->name, ".dmn") || ends_with(resource->name, ".dmn11.xml"))
		return FAIL(err, invalid_request, "Cannot deploy '%s': DMN is not supported yet", resource->name);
	if (!ends_with(resource->name, ".bpmn") && !ends_with(resource->name, ".bpmn20.xml"))
		return OK;
	status = bpmn_compile(exchange->arena, resource->name, resource->bytes, resource->length, &diagram, err);
	if (status != OK) {
		upload->failed = diagram;
		upload->failed_name = resource->name;
		return status;
	}
	resource->programs = diagram.programs;
	resource->program_count = diagram.program_count;
	return OK;
}

static enum status
read_upload(struct exchange *exchange, struct upload *upload, struct error *err)
{
	struct new_deployment *deployment = &upload->deployment;

	if (part_text(exchange, "deployment-activation-time") != NULL)
		return FAIL(err, invalid_request, "deployment-activation-time is not supported yet");
	deployment->name = part_text(exchange, "deployment-name");
	deployment->source = part_text(exchange, "deployment-source");
	deployment->tenant = part_text(exchange, "tenant-id");
	deployment->duplicate_filtering = part_flag(exchange, "enable-duplicate-filtering");
	deployment->changed_only = part_flag(exchange, "deploy-changed-only");
	TRY(take_resources(exchange, upload, err));
	for (size_t i = 0; i < deployment->resource_count; i++)
		TRY(compile_resource(exchange, upload, &upload->resources[i], err));
	return OK;
}

/* Camunda writes this key with a Cyrillic first letter, its documentation without: both. */
static void
put_elements(struct json *json, const char *name, const struct problem *problem)
{
	json_key(json, name);
	json_open(json, '[');
	for (int i = 0; i < problem->element_count; i++)
		json_string(json, problem->elements[i]);
	json_close(json, ']');
}

static void
put_problems(struct json *json, const char *name, const struct problems *problems, bool warnings)
{
	json_key(json, name);
	json_open(json, '[');
	for (size_t i = 0; i < problems->count; i++) {
		const struct problem *problem = &problems->list[i];

		if (problem->warning != warnings)
			continue;
		json_open(json, '{');
		json_put_string(json, "message", problem->message);
		json_put_int(json, "line", problem->line);
		json_put_int(json, "column", problem->column);
		json_put_string(json, "mainElementId", problem->element);
		put_elements(json, "\xd0\xb5lementIds", problem);
		put_elements(json, "elementIds", problem);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void
reply_problems(struct exchange *exchange, const struct upload *upload)
{
	const struct problems *problems = &upload->failed.problems;
	struct json *json = &exchange->writer;

	json_open(json, '{');
	json_put_string(json, "type", status_type(E_parse));
	json_put_string(json, "message", problems->text);
	json_put_int(json, "code", status_code(E_parse));
	json_key(json, "details");
	json_open(json, '{');
	json_key(json, upload->failed_name);
	json_open(json, '{');
	put_problems(json, "errors", problems, false);
	put_problems(json, "warnings", problems, true);
	json_close(json, '}');
	json_close(json, '}');
	json_close(json, '}');
	exchange_json_status(exchange, status_http(E_parse));
}

static enum status
put_definitions(struct exchange *exchange, struct reader *reader, const struct deployed *deployed, struct error *err)
{
	struct json *json = &exchange->writer;
	bool found;

	json_key(json, "deployedProcessDefinitions");
	if (deployed->definition_count == 0) {
		json_null(json);
		return OK;
	}
	json_open(json, '{');
	for (size_t i = 0; i < deployed->definition_count; i++) {
		json_key(json, deployed->definitions[i].wire_id);
		TRY(object_write(exchange, reader, QUERY_process_definition, "processDefinitionId",
			deployed->definitions[i].wire_id, false, &found, err));
	}
	json_close(json, '}');
	return OK;
}

static enum status
put_deployed(struct exchange *exchange, struct reader *reader, const struct deployed *deployed, struct error *err)
{
	static const char *const nothing[] = { "deployedCaseDefinitions", "deployedDecisionDefinitions",
		"deployedDecisionRequirementsDefinitions" };
	struct json *json = &exchange->writer;

	json_open(json, '{');
	put_self_link(exchange, "deployment", deployed->id);
	json_put_id(json, "id", deployed->id);
	json_put_string(json, "name", deployed->name);
	json_put_string(json, "source", deployed->source);
	json_put_date(json, "deploymentTime", deployed->created_us);
	json_put_string(json, "tenantId", deployed->tenant);
	TRY(put_definitions(exchange, reader, deployed, err));
	for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++)
		json_put_null(json, nothing[i]);
	json_close(json, '}');
	return OK;
}

static enum status
deploy(struct exchange *exchange, struct reader *reader, const struct upload *upload, struct deployed *deployed,
	struct error *err)
{
	TRY(store_deploy(reader, exchange->arena, &upload->deployment, deployed, err));
	recent_forget(exchange->recent);
	return OK;
}

void
create_deployment(struct exchange *exchange, struct reader *reader)
{
	struct upload *upload = ARENA_NEW(exchange->arena, struct upload);
	struct deployed deployed;
	struct error err;

	if (read_upload(exchange, upload, &err) != OK) {
		if (upload->failed.problems.errors > 0)
			reply_problems(exchange, upload);
		else
			exchange_error(exchange, &err);
		return;
	}
	if (deploy(exchange, reader, upload, &deployed, &err) != OK ||
	    put_deployed(exchange, reader, &deployed, &err) != OK) {
		exchange_error(exchange, &err);
		return;
	}
	exchange_json(exchange);
}

/* ---- resources -----------------------------------------------------------------------------------------------------
 * */

static const struct {
	const char *suffix, *type;
} media_types[] = {
	{ ".bpmn", "application/xml" }, { ".cmmn", "application/xml" }, { ".dmn", "application/xml" },
	{ ".xml", "application/xml" }, { ".json", "application/json" }, { ".form", "application/json" },
	{ ".png", "image/png" }, { ".jpg", "image/jpeg" }, { ".jpeg", "image/jpeg" }, { ".gif", "image/gif" },
	{ ".svg", "image/svg+xml" }, { ".html", "text/html" }, { ".xhtml", "application/xhtml+xml" },
	{ ".txt", "text/plain" }, { ".css", "text/css" }, { ".js", "application/javascript" },
	{ ".pdf", "application/pdf" },
};

static const char *
media_type(const char *name)
{
	for (size_t i = 0; i < sizeof media_types / sizeof media_types[0]; i++)
		if (ends_with(name, media_types[i].suffix))
			return media_types[i].type;
	return "application/octet-stream";
}

/* Resources of one deployment, by name. */
struct resources {
	struct exchange *exchange;
	size_t count;
	const char *wanted;		/* id of the only one asked for, or NULL */
};

static bool
put_resource(void *context, const char *const *cells)
{
	struct resources *resources = context;
	struct json *json = &resources->exchange->writer;

	if (resources->wanted != NULL && strcmp(resources->wanted, cells[0]) != 0)
		return true;
	resources->count++;
	json_open(json, '{');
	json_put_string(json, "id", cells[0]);
	json_put_string(json, "name", cells[1]);
	json_put_string(json, "deploymentId", cells[2]);
	json_close(json, '}');
	return true;
}

void
list_deployment_resources(struct exchange *exchange, struct reader *reader)
{
	struct resources resources = { .exchange = exchange };
	struct error err;

	json_open(&exchange->writer, '[');
	if (rows_where(reader, QUERY_resource, "deploymentId", exchange->params[0], put_resource, &resources,
		&err) != OK) {
		exchange_error(exchange, &err);
		return;
	}
	if (resources.count == 0) {
		reply_error(exchange, E_invalid_missing, "Deployment resources for deployment id '%s' do not exist.",
			exchange->params[0]);
		return;
	}
	json_close(&exchange->writer, ']');
	exchange_json(exchange);
}

void
get_deployment_resource(struct exchange *exchange, struct reader *reader)
{
	struct resources resources = { .exchange = exchange, .wanted = exchange->params[1] };
	struct error err;

	if (rows_where(reader, QUERY_resource, "deploymentId", exchange->params[0], put_resource, &resources,
		&err) != OK)
		exchange_error(exchange, &err);
	else if (resources.count == 0)
		reply_error(exchange, E_invalid_missing, "Deployment resource with resource id '%s' for deployment id "
			"'%s' does not exist.", exchange->params[1], exchange->params[0]);
	else
		exchange_json(exchange);
}

void
get_deployment_resource_data(struct exchange *exchange, struct reader *reader)
{
	int64_t deployment, id;
	const void *bytes;
	const char *name;
	size_t length;
	struct error err;

	if (!path_id(exchange, 0, &deployment) || !path_id(exchange, 1, &id)) {
		reply_error(exchange, E_invalid_request, "Deployment resource '%s' for deployment id '%s' does not "
			"exist.",
			exchange->params[1], exchange->params[0]);
		return;
	}
	if (store_resource(reader, exchange->arena, deployment, id, &name, &bytes, &length, &err) == OK) {
		exchange_bytes(exchange, 200, media_type(name), bytes, length, attachment(exchange, name));
		return;
	}
	if (err.status == E_not_found)
		reply_error(exchange, E_invalid_request, "Deployment resource '%s' for deployment id '%s' does not "
			"exist.",
			exchange->params[1], exchange->params[0]);
	else
		exchange_error(exchange, &err);
}

/* ---- delete --------------------------------------------------------------------------------------------------------
 * */

struct removal {
	int64_t deployment;
	int64_t *instances;
	size_t count, capacity;
	const char *definition;		/* of the first instance */
	struct exchange *exchange;
};

static bool
take_instance(void *context, const char *const *cells)
{
	struct removal *removal = context;

	if (removal->count == 0)
		removal->definition = arena_strdup(removal->exchange->arena, cells[cell_of(QUERY_process_instance,
			"definitionId")]);
	removal->instances = arena_grow(removal->exchange->arena, removal->instances, sizeof *removal->instances,
		removal->count, &removal->capacity);
	removal->instances[removal->count++] = strtoll(cells[cell_of(QUERY_process_instance, "id")], NULL, 10);
	return true;
}

static void
remove_deployment(struct exchange *exchange, struct reader *reader)
{
	const struct removal *removal = exchange->state;
	bool cascade = exchange_query_flag(exchange, "cascade", false);
	enum status status;
	struct error err;

	status = store_delete_deployment(reader, removal->deployment, cascade, &err);
	recent_forget(exchange->recent);
	if (status == OK)
		exchange_empty(exchange);
	else if (err.status == E_not_found)
		reply_error(exchange, E_invalid_missing, "%s", err.message);
	else
		exchange_error(exchange, &err);
}

static void
instances_removed(struct exchange *exchange)
{
	exchange_read(exchange, remove_deployment);
}

/* What runs is ended first, each in its lane; the rows of history go in the background. */
void
delete_deployment(struct exchange *exchange, struct reader *reader)
{
	struct removal *removal = ARENA_NEW(exchange->arena, struct removal);
	struct error err;

	removal->exchange = exchange;
	exchange->state = removal;
	if (!path_id(exchange, 0, &removal->deployment)) {
		reply_error(exchange, E_invalid_missing, "Deployment with id '%s' do not exist", exchange->params[0]);
		return;
	}
	if (rows_where(reader, QUERY_process_instance, "deploymentId", exchange->params[0], take_instance, removal,
		&err) != OK) {
		exchange_error(exchange, &err);
		return;
	}
	if (removal->count > 0 && !exchange_query_flag(exchange, "cascade", false)) {
		reply_error(exchange, E_engine, "ENGINE-03076 Deletion of process definition without cascading failed. "
			"Process "
			"definition with id: %s can't be deleted, because there are %zu dependent process instances.",
			removal->definition, removal->count);
		return;
	}
	exchange->request.command.kind = COMMAND_delete_instance;
	exchange->request.command.reason = "deployment deleted";
	command_send_all(exchange, MANNER_instance_delete, removal->instances, removal->count, instances_removed);
}
