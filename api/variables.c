/* SPDX-License-Identifier: Apache-2.0
 * Variables on the wire: Camunda's types, its coercions, its complaints. */
#include "api/variables.h"

#include <string.h>

#include "base/text.h"
#include "base/when.h"

static const char json_format[] = "application/json";

/* ---- reading ----------------------------------------------------------------------------------------------- */

/* The Java class that Camunda names when a value does not fit its type. */
static const char *const java_types[VALUE_COUNT] = {
	[VALUE_null] = "javax.lang.model.type.NullType",
	[VALUE_boolean] = "java.lang.Boolean",
	[VALUE_short] = "java.lang.Short",
	[VALUE_integer] = "java.lang.Integer",
	[VALUE_long] = "java.lang.Long",
	[VALUE_double] = "java.lang.Double",
	[VALUE_string] = "java.lang.String",
	[VALUE_date] = "java.util.Date",
	[VALUE_bytes] = "[B",
};

static enum status
cannot_convert(struct arena *arena, const struct value *json, enum value_type type, struct error *err)
{
	return FAIL(err, invalid_request, "Cannot convert value '%s' of type '%s' to java type %s",
		value_to_text(arena, json), value_type_name(type), java_types[type]);
}

/* A whole number from a JSON number or a text that is one. */
static bool
whole_number(const struct value *json, int64_t *number)
{
	if (json->type == VALUE_integer || json->type == VALUE_long) {
		*number = json->integer;
		return true;
	}
	return json->type == VALUE_string && text_to_int(json->text, number);
}

static enum status
read_whole(struct arena *arena, const struct value *json, enum value_type type, struct value *value, struct error *err)
{
	int64_t number, most = INT64_MAX;

	if (type == VALUE_short)
		most = INT16_MAX;
	else if (type == VALUE_integer)
		most = INT32_MAX;
	if (!whole_number(json, &number) || number > most || number < -most - 1)
		return cannot_convert(arena, json, type, err);
	*value = (struct value){.type = type, .integer = number};
	return OK;
}

static enum status
read_double(struct arena *arena, const struct value *json, struct value *value, struct error *err)
{
	struct value parsed = *json;
	struct error ignored;

	if (json->type == VALUE_string &&
	    json_read(arena, json->text, strlen(json->text), &json_default_limits, &parsed, &ignored) != OK)
		return cannot_convert(arena, json, VALUE_double, err);
	if (parsed.type == VALUE_integer || parsed.type == VALUE_long) {
		*value = value_double((double)parsed.integer);
		return OK;
	}
	if (parsed.type != VALUE_double)
		return cannot_convert(arena, json, VALUE_double, err);
	*value = value_double(parsed.real);
	return OK;
}

static enum status
read_boolean(struct arena *arena, const struct value *json, struct value *value, struct error *err)
{
	bool text = json->type == VALUE_string;

	if (json->type == VALUE_boolean)
		*value = value_boolean(json->integer != 0);
	else if (text && (text_equal(json->text, "true") || text_equal(json->text, "false")))
		*value = value_boolean(json->text[0] == 't');
	else
		return cannot_convert(arena, json, VALUE_boolean, err);
	return OK;
}

static enum status
read_date(struct arena *arena, const struct value *json, struct value *value, struct error *err)
{
	struct error ignored;
	int64_t us;

	if (json->type != VALUE_string || when_parse_strict(json->text, &us, &ignored) != OK)
		return cannot_convert(arena, json, VALUE_date, err);
	*value = value_date(us);
	return OK;
}

static enum status
read_bytes(struct arena *arena, const struct value *json, struct value *value, struct error *err)
{
	const void *bytes = NULL;
	size_t length = 0;

	if (json->type == VALUE_string)
		bytes = base64_decode(arena, json->text, &length);
	if (bytes == NULL)
		return cannot_convert(arena, json, VALUE_bytes, err);
	*value = (struct value){.type = VALUE_bytes, .text = bytes, .length = length};
	return OK;
}

/* A member of valueInfo; numbers and booleans as text. */
static const char *
info_text(struct arena *arena, const struct value *info, const char *name)
{
	const struct value *member = info != NULL && info->type == VALUE_map ? value_get(info, name) : NULL;

	if (member == NULL || member->type == VALUE_null || member->type == VALUE_list || member->type == VALUE_map)
		return NULL;
	return value_to_text(arena, member);
}

static enum status
read_file(struct arena *arena, const struct value *json, const struct value *info, struct value *value,
	struct error *err)
{
	struct value_info *file = ARENA_NEW(arena, struct value_info);

	file->filename = info_text(arena, info, "filename");
	file->mime = info_text(arena, info, "mimeType");
	file->encoding = info_text(arena, info, "encoding");
	if (file->filename == NULL)
		return FAIL(err, invalid_request,
			"Cannot create file without filename! Please set a name into ValueInfo with key filename");
	TRY(read_bytes(arena, json, value, err));
	value->type = VALUE_file;
	value->info = file;
	return OK;
}

/* Types that are serialised by the client come as text. */
static enum status
no_text(enum value_type type, struct error *err)
{
	return FAIL(err, invalid_request,
		"Must provide 'null' or String value for value of SerializableValue type '%s'.", value_type_name(type));
}

static enum status
read_object(struct arena *arena, const struct value *json, const struct value *info, struct value *value,
	struct error *err)
{
	struct value_info *object = ARENA_NEW(arena, struct value_info);

	object->object_type = info_text(arena, info, "objectTypeName");
	object->format = info_text(arena, info, "serializationDataFormat");
	if (json->type != VALUE_string)
		return no_text(VALUE_object, err);
	if (object->format == NULL)
		return FAIL(err, engine, "Cannot find serializer for value 'ObjectValue [value=null, "
			"isDeserialized=false, "
			"serializationDataFormat=null, objectTypeName=%s, serializedValue=%zu chars, "
			"isTransient=false]'.",
			object->object_type != NULL ? object->object_type : "null", json->length);
	if (object->object_type == NULL)
		return FAIL(err, engine, "Cannot write serialized value: no 'objectTypeName' provided for non-null "
			"value.");
	*value = (struct value){.type = VALUE_object, .text = json->text, .length = json->length, .info = object};
	return OK;
}

static enum status
read_typed(struct arena *arena, enum value_type type, const struct value *json, const struct value *info,
	struct value *value, struct error *err)
{
	if (json->type == VALUE_null) {
		if (type == VALUE_file)
			return FAIL(err, invalid_request, "A variable of type File needs a value");
		*value = (struct value){.type = VALUE_null, .integer = type};
		return OK;
	}
	switch (type) {
	case VALUE_null:
		return cannot_convert(arena, json, type, err);
	case VALUE_boolean:
		return read_boolean(arena, json, value, err);
	case VALUE_short:
	case VALUE_integer:
	case VALUE_long:
		return read_whole(arena, json, type, value, err);
	case VALUE_double:
		return read_double(arena, json, value, err);
	case VALUE_string:
		*value = value_string(value_to_text(arena, json));
		return OK;
	case VALUE_json:
	case VALUE_xml:
		if (json->type != VALUE_string)
			return no_text(type, err);
		*value = *json;
		value->type = type;
		return OK;
	case VALUE_date:
		return read_date(arena, json, value, err);
	case VALUE_bytes:
		return read_bytes(arena, json, value, err);
	case VALUE_file:
		return read_file(arena, json, info, value, err);
	case VALUE_object:
		return read_object(arena, json, info, value, err);
	case VALUE_list:
	case VALUE_map:
	case VALUE_COUNT:
		break;
	}
	return FAIL(err, invalid_request, "Unsupported value type '%s'", value_type_name(type));
}

/* Without a type: scalars are what they are, lists and maps become Objects.  Camunda would serialise those for Java; we
 * keep JSON (docs/compatibility.md). */
static struct value
read_untyped(struct arena *arena, const struct value *json)
{
	struct value_info *info;
	struct text text;
	struct json writer;

	if (json->type != VALUE_list && json->type != VALUE_map)
		return json->type == VALUE_double ? value_double(json->real) : *json;
	info = ARENA_NEW(arena, struct value_info);
	info->object_type = json->type == VALUE_list ? "java.util.ArrayList" : "java.util.LinkedHashMap";
	info->format = json_format;
	text_init(&text, arena);
	json_init(&writer, &text);
	json_value(&writer, json);
	return (struct value){.type = VALUE_object, .text = text_string(&text), .length = text.length, .info = info};
}

static bool
is_true(const struct value *value)
{
	if (value == NULL)
		return false;
	return (value->type == VALUE_boolean && value->integer != 0) ||
		(value->type == VALUE_string && text_equal(value->text, "true"));
}

enum status
variable_read(struct arena *arena, const struct value *dto, struct value *value, bool *local, struct error *err)
{
	static const struct value null = {.type = VALUE_null};
	const struct value *json, *info, *type_name;
	enum value_type type;

	if (dto->type != VALUE_map)
		return FAIL(err, invalid_request, "a variable is an object with value, type and valueInfo");
	json = value_get(dto, "value");
	info = value_get(dto, "valueInfo");
	type_name = value_get(dto, "type");
	json = json != NULL ? json : &null;
	if (info != NULL && info->type != VALUE_map && info->type != VALUE_null)
		return FAIL(err, invalid_request, "valueInfo is an object");
	*local = is_true(value_get(dto, "local"));
	if (type_name == NULL || type_name->type == VALUE_null) {
		*value = read_untyped(arena, json);
	} else {
		const char *name = value_to_text(arena, type_name);

		if (!value_type_find(name, &type) || type == VALUE_list || type == VALUE_map)
			return FAIL(err, invalid_request, "Unsupported value type '%s'", name);
		TRY(read_typed(arena, type, json, info, value, err));
	}
	value->transient = info != NULL && info->type == VALUE_map && is_true(value_get(info, "transient"));
	return OK;
}

enum status
variables_read(struct arena *arena, const struct value *map, struct entries *entries, struct error *err)
{
	struct entry *list;
	size_t i;

	*entries = (struct entries){0};
	if (map == NULL || map->type == VALUE_null)
		return OK;
	if (map->type != VALUE_map)
		return FAIL(err, invalid_request, "variables are an object of name and value");
	list = ARENA_ARRAY(arena, struct entry, map->length);
	for (i = 0; i < map->length; i++) {
		list[i].name = map->entries[i].name;
		TRY(variable_read(arena, &map->entries[i].value, &list[i].value, &list[i].local, err));
	}
	*entries = (struct entries){.count = map->length, .list = list};
	return OK;
}

bool
variable_raw(const struct value *json, struct value *value)
{
	if (json->type == VALUE_list || json->type == VALUE_map)
		return false;
	*value = json->type == VALUE_double ? value_double(json->real) : *json;
	return true;
}

/* ---- writing ----------------------------------------------------------------------------------------------- */

/* An Object's JSON as JSON, or as the text it is stored as. */
static void
write_object(struct json *json, struct arena *arena, const struct value *value, bool deserialize)
{
	struct value opened;
	struct error ignored;

	if (deserialize && value->info != NULL && text_equal(value->info->format, json_format) &&
	    value_open(arena, value, &opened, &ignored) == OK)
		json_raw(json, value->text);
	else
		json_string(json, value->text);
}

static void
write_value(struct json *json, struct arena *arena, const struct value *value, bool deserialize, bool content)
{
	switch (value->type) {
	case VALUE_null:
	case VALUE_file:
		json_null(json);
		return;
	case VALUE_boolean:
		json_bool(json, value->integer != 0);
		return;
	case VALUE_short:
	case VALUE_integer:
	case VALUE_long:
		json_int(json, value->integer);
		return;
	case VALUE_double:
		json_double(json, value->real, NULL);
		return;
	case VALUE_string:
	case VALUE_json:
	case VALUE_xml:
		json_string(json, value->text);
		return;
	case VALUE_date:
		json_date(json, value->integer);
		return;
	case VALUE_bytes:
		json_string(json, content ? base64_encode(arena, value->text, value->length) : NULL);
		return;
	case VALUE_object:
		write_object(json, arena, value, deserialize);
		return;
	case VALUE_list:
	case VALUE_map:
	case VALUE_COUNT:
		json_value(json, value);
		return;
	}
}

static void
write_info(struct json *json, const char *name, const char *text)
{
	if (text == NULL)
		return;
	json_key(json, name);
	json_string(json, text);
}

void
variable_write(struct json *json, struct arena *arena, const struct value *value, bool deserialize, bool content)
{
	json_put_string(json, "type",
		value_type_name(value->type != VALUE_null ? value->type : (enum value_type)value->integer));
	json_key(json, "value");
	write_value(json, arena, value, deserialize, content);
	json_key(json, "valueInfo");
	json_open(json, '{');
	if (value->type == VALUE_object) {
		json_put_string(json, "objectTypeName", value->info != NULL ? value->info->object_type : NULL);
		json_put_string(json, "serializationDataFormat", value->info != NULL ? value->info->format : NULL);
	} else if (value->info != NULL) {
		write_info(json, "filename", value->info->filename);
		write_info(json, "mimeType", value->info->mime);
		write_info(json, "encoding", value->info->encoding);
	}
	json_close(json, '}');
}

void
variables_write(struct json *json, struct arena *arena, const struct entries *entries, bool deserialize)
{
	size_t i;

	json_open(json, '{');
	for (i = 0; i < entries->count; i++) {
		json_key(json, entries->list[i].name);
		json_open(json, '{');
		variable_write(json, arena, &entries->list[i].value, deserialize, true);
		json_close(json, '}');
	}
	json_close(json, '}');
}
