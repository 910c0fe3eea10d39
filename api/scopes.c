/* SPDX-License-Identifier: Apache-2.0
 * Variables of process instances, executions and user tasks: one family of resources that differ in what they call
 * themselves and in how far they look (api.md 2.0, 2.4).  Any of them takes the id of any execution. */
#include "api/command.h"
#include "api/handlers.h"

#include <string.h>

#include "api/variables.h"

/* A row: where the path begins, Camunda's name of it, what an unknown id is, whether it looks only at its own scope. */
static const struct family {
	const char *path, *what, *unknown;
	bool local, task;
} families[] = {
	{ "/process-instance/", "process instance", "execution %s doesn't exist: execution is null", false, false },
	{ "/execution/", "execution", "execution %s doesn't exist: execution is null", true, false },
	{ "/task/", "task", "task %s doesn't exist: task is null", false, true },
};

static const struct family *
family_of(const struct exchange *exchange)
{
	const struct family *family = families;

	while (strncmp(exchange->route->path, family->path, strlen(family->path)) != 0)
		family++;
	return family;
}

/* The scope that the path means; 0 when its id is none. */
static int64_t
scope_of(const struct exchange *exchange)
{
	int64_t id;

	if (family_of(exchange)->task)
		return path_task(exchange, 0, &id) ? id : 0;
	return path_id(exchange, 0, &id) && id % ID_STEP == 0 ? id : 0;
}

static const char *
unknown_text(struct exchange *exchange)
{
	const char *format = family_of(exchange)->unknown, *id = exchange->params[0];
	size_t before = strcspn(format, "%");

	return arena_printf(exchange->arena, "%.*s%s%s", (int)before, format, id, format + before + 2);
}

/* "Cannot put task variable x" and the like. */
static const char *
doing(struct exchange *exchange, const char *verb)
{
	return arena_printf(exchange->arena, "Cannot %s %s variable %s", verb, family_of(exchange)->what,
		exchange->params[1]);
}

/* ---- reading -------------------------------------------------------------------------------------------------------
 * */

/* What the scope sees; false when a complaint was sent, begun with `prefix` or, when that is NULL, bare. */
static bool
read_scope(struct exchange *exchange, struct reader *reader, const char *prefix, struct entries *entries)
{
	int64_t scope = scope_of(exchange);
	bool exists = false;
	struct error err;

	if (scope != 0 && store_scope_variables(reader, exchange->arena, scope, family_of(exchange)->local, entries,
		&exists, &err) != OK) {
		exchange_error(exchange, &err);
		return false;
	}
	if (exists)
		return true;
	if (prefix != NULL)
		reply_error(exchange, E_rest_failed, "%s: %s", prefix, unknown_text(exchange));
	else
		reply_error(exchange, E_null_value, "%s", unknown_text(exchange));
	return false;
}

void
list_scope_variables(struct exchange *exchange, struct reader *reader)
{
	struct entries entries;
	bool deserialize = exchange_query_flag(exchange, "deserializeValues",
		exchange_query_flag(exchange, "deserializeValue", true));

	if (!read_scope(exchange, reader, NULL, &entries))
		return;
	variables_write(&exchange->writer, exchange->arena, &entries, deserialize);
	exchange_json(exchange);
}

/* The one in the path; false when a complaint was sent. */
static bool
find_variable(struct exchange *exchange, struct reader *reader, const struct value **value)
{
	struct entries entries;

	if (!read_scope(exchange, reader, doing(exchange, "get"), &entries))
		return false;
	for (size_t i = 0; i < entries.count; i++) {
		if (strcmp(entries.list[i].name, exchange->params[1]) != 0)
			continue;
		*value = &entries.list[i].value;
		return true;
	}
	reply_error(exchange, E_invalid_missing, "%s variable with name %s does not exist", family_of(exchange)->what,
		exchange->params[1]);
	return false;
}

void
get_scope_variable(struct exchange *exchange, struct reader *reader)
{
	const struct value *value;

	if (!find_variable(exchange, reader, &value))
		return;
	json_open(&exchange->writer, '{');
	variable_write(&exchange->writer, exchange->arena, value, exchange_query_flag(exchange, "deserializeValue",
		true), true);
	json_close(&exchange->writer, '}');
	exchange_json(exchange);
}

void
reply_content(struct exchange *exchange, const struct value *value, const char *id)
{
	const struct value_info *info = value->info;
	const char *type = "application/octet-stream";
	bool null_bytes = value->type == VALUE_null && value->integer == VALUE_bytes;

	if (value->type != VALUE_file && value->type != VALUE_bytes && !null_bytes) {
		reply_error(exchange, E_invalid_request, "Value of variable with id %s is not a binary value.", id);
		return;
	}
	if (value->type == VALUE_file && info != NULL && info->mime != NULL)
		type = info->mime;
	if (value->type == VALUE_file && info != NULL && info->encoding != NULL)
		type = arena_printf(exchange->arena, "%s;charset=%s", type, info->encoding);
	exchange_bytes(exchange, 200, type, value->text, value->length,
		value->type == VALUE_file && info != NULL ? attachment(exchange, info->filename) : NULL);
}

void
get_scope_variable_data(struct exchange *exchange, struct reader *reader)
{
	const struct value *value;

	if (find_variable(exchange, reader, &value))
		reply_content(exchange, value, exchange->params[0]);
}

/* ---- writing -------------------------------------------------------------------------------------------------------
 * */

/* How the command failed; the state is what was tried ("Cannot put task variable x"). */
static void
written(struct exchange *exchange)
{
	const struct request *request = &exchange->request;

	if (request->status == OK)
		exchange_empty(exchange);
	else if (request->status == E_not_found)
		reply_error(exchange, E_rest_failed, "%s: %s", (const char *)exchange->state, unknown_text(exchange));
	else
		exchange_error(exchange, request->error);
}

static void
write_scope(struct exchange *exchange, const char *tried)
{
	struct command *command = &exchange->request.command;

	exchange->state = (void *)tried;
	command->kind = COMMAND_set_variables;
	command->target = scope_of(exchange);
	command->local = family_of(exchange)->local;
	if (command->target == 0) {
		reply_error(exchange, E_rest_failed, "%s: %s", tried, unknown_text(exchange));
		return;
	}
	exchange->request.kind = REQUEST_command;
	exchange_submit(exchange, written);
}

static void
write_one(struct exchange *exchange, const struct value *value)
{
	struct entry *entry = ARENA_NEW(exchange->arena, struct entry);

	entry->name = exchange->params[1];
	entry->value = *value;
	exchange->request.command.variables = (struct entries){ .count = 1, .list = entry };
	write_scope(exchange, doing(exchange, "put"));
}

void
put_scope_variable(struct exchange *exchange, struct reader *reader)
{
	struct value value;
	struct error err;
	bool local;

	(void)reader;
	if (!has_body(exchange))
		return;
	if (variable_read(exchange->arena, &exchange->json, &value, &local, &err) != OK) {
		/* what Camunda's engine refuses is wrapped, what its REST layer refuses is not */
		reply_error(exchange, err.status == E_engine ? E_rest_failed : err.status, "%s: %s", doing(exchange,
			"put"),
			err.message);
		return;
	}
	write_one(exchange, &value);
}

void
delete_scope_variable(struct exchange *exchange, struct reader *reader)
{
	struct command *command = &exchange->request.command;

	(void)reader;
	command->deletions = &exchange->params[1];
	command->deletion_count = 1;
	write_scope(exchange, doing(exchange, "delete"));
}

static bool
take_deletions(struct exchange *exchange)
{
	const struct value *json = body_get(exchange, "deletions");
	const char **names;

	if (json == NULL)
		return true;
	if (json->type != VALUE_list) {
		reply_bad_json(exchange);
		return false;
	}
	names = ARENA_ARRAY(exchange->arena, const char *, json->length);
	for (size_t i = 0; i < json->length; i++)
		names[i] = value_to_text(exchange->arena, &json->items[i]);
	exchange->request.command.deletions = names;
	exchange->request.command.deletion_count = json->length;
	return true;
}

/* {"modifications": {name: value}, "deletions": [name]} */
void
modify_scope_variables(struct exchange *exchange, struct reader *reader)
{
	const char *what = family_of(exchange)->what;
	const char *prefix = arena_printf(exchange->arena, "Cannot modify variables for %s: ", what);

	(void)reader;
	if (!has_body(exchange) || !take_deletions(exchange) ||
	    !body_variables(exchange, "modifications", prefix, &exchange->request.command.variables))
		return;
	write_scope(exchange,
		arena_printf(exchange->arena, "Cannot modify variables for %s %s", what, exchange->params[0]));
}

/* ---- upload --------------------------------------------------------------------------------------------------------
 * */

static const struct part *
find_part(const struct exchange *exchange, const char *name)
{
	for (size_t i = 0; i < exchange->part_count; i++)
		if (text_equal(exchange->parts[i].name, name))
			return &exchange->parts[i];
	return NULL;
}

/* The media type without its parameters, and the charset among them. */
static void
take_media(struct exchange *exchange, const char *type, struct value_info *info)
{
	const char *charset;

	if (type == NULL)
		type = "application/octet-stream";
	info->mime = arena_strndup(exchange->arena, type, strcspn(type, "; "));
	charset = strcasestr(type, "charset=");
	if (charset != NULL && strncasecmp(info->mime, "text/", 5) != 0)
		info->encoding = arena_strndup(exchange->arena, charset + 8, strcspn(charset + 8, "; "));
}

/* The parts as a value: bytes unless valueType says File; texts of the other types are kept as text. */
static enum status
read_upload(struct exchange *exchange, struct value *value, struct error *err)
{
	const struct part *data = find_part(exchange, "data"), *kind = find_part(exchange, "valueType");
	const char *name = kind != NULL ? arena_strndup(exchange->arena, kind->bytes, kind->length) : "Bytes";
	struct value_info *info = ARENA_NEW(exchange->arena, struct value_info);

	*value = (struct value){ .type = VALUE_bytes };
	if (!value_type_find(name, &value->type))
		return FAIL(err, rest_invalid, "Unsupported value type '%s'", name);
	if (value->type != VALUE_bytes && value->type != VALUE_file)
		return FAIL(err, invalid_request, "A value of type %s cannot be uploaded: use Bytes or File", name);
	if (data == NULL)
		return FAIL(err, invalid_request, "The form has no part 'data'");
	value->text = arena_bytes(exchange->arena, data->bytes, data->length);
	value->length = data->length;
	if (value->type == VALUE_bytes)
		return OK;
	if (data->filename == NULL)
		return FAIL(err, invalid_request, "Cannot create file without filename! Please set a name into "
			"ValueInfo with key filename");
	info->filename = data->filename;
	take_media(exchange, data->type, info);
	value->info = info;
	return OK;
}

void
upload_scope_variable(struct exchange *exchange, struct reader *reader)
{
	struct value value;
	struct error err;

	(void)reader;
	if (read_upload(exchange, &value, &err) != OK)
		exchange_error(exchange, &err);
	else
		write_one(exchange, &value);
}
