/* SPDX-License-Identifier: Apache-2.0
 * Values of variables as columns, and back. */
#include "store/store_priv.h"

#include <string.h>

enum storage { STORAGE_none, STORAGE_integer, STORAGE_real, STORAGE_text, STORAGE_bytes, STORAGE_tree };

static const enum storage storages[] = {
#define TYPE(number, name, camunda, storage) [number] = STORAGE_##storage,
#include "base/types.def"
#undef TYPE
};
enum { STORAGES = sizeof storages / sizeof storages[0] };

bool
value_is_big(const struct value *value)
{
	enum storage storage = storages[value->type];

	return (storage == STORAGE_text || storage == STORAGE_bytes) && !value->transient && value->length > BIG_VALUE;
}

static void
put_info(struct json *json, const char *name, const char *text)
{
	if (!text)
		return;
	json_key(json, name);
	json_string(json, text);
}

static const char *
info_store(struct arena *arena, const struct value_info *info)
{
	struct text text;
	struct json json;

	if (!info)
		return NULL;
	text_init(&text, arena);
	json_init(&json, &text);
	json_open(&json, '{');
	put_info(&json, "filename", info->filename);
	put_info(&json, "mimeType", info->mime);
	put_info(&json, "encoding", info->encoding);
	put_info(&json, "objectTypeName", info->object_type);
	put_info(&json, "serializationDataFormat", info->format);
	json_close(&json, '}');
	return text_string(&text);
}

enum status
value_store(struct arena *arena, const struct value *value, struct stored_value *stored, struct error *err)
{
	struct stored_value s = { .type = (int16_t)value->type };

	switch (storages[value->type]) {
	case STORAGE_none:
		break;
	case STORAGE_integer:
		s.has_number = true;
		s.number = value->integer;
		break;
	case STORAGE_real:
		s.has_real = true;
		s.real = value->real;
		s.bytes = value->text;
		s.length = value->text ? strlen(value->text) : 0;
		break;
	case STORAGE_text:
	case STORAGE_bytes:
		s.bytes = value->text ? value->text : "";
		s.length = value->text ? value->length : 0;
		s.info = info_store(arena, value->info);
		break;
	case STORAGE_tree:
		return FAIL(err, internal, "a %s cannot be stored as it is", value_type_name(value->type));
	}
	*stored = s;
	return OK;
}

static const char *
get_info(struct arena *arena, const struct value *map, const char *name)
{
	const struct value *value = value_get(map, name);

	return value && value->type == VALUE_string ? arena_strdup(arena, value->text) : NULL;
}

static enum status
info_load(struct arena *arena, const char *text, const struct value_info **info, struct error *err)
{
	struct value_info *fresh = ARENA_NEW(arena, struct value_info);
	struct value map;

	TRY(json_read(arena, text, strlen(text), &json_default_limits, &map, err));
	if (map.type != VALUE_map)
		return FAIL(err, internal, "the info of a stored value is no JSON object");
	fresh->filename = get_info(arena, &map, "filename");
	fresh->mime = get_info(arena, &map, "mimeType");
	fresh->encoding = get_info(arena, &map, "encoding");
	fresh->object_type = get_info(arena, &map, "objectTypeName");
	fresh->format = get_info(arena, &map, "serializationDataFormat");
	*info = fresh;
	return OK;
}

enum status
value_load(struct arena *arena, const struct stored_value *stored, struct value *value, struct error *err)
{
	struct value v = { .type = VALUE_null };

	if (stored->type < 0 || stored->type >= STORAGES || storages[stored->type] == STORAGE_tree)
		return FAIL(err, internal, "a stored value has the unknown type %d", stored->type);
	v.type = (enum value_type)stored->type;
	if (stored->bytes)
		v.text = arena_bytes(arena, stored->bytes, stored->length);
	switch (storages[v.type]) {
	case STORAGE_none:
		v.text = NULL;
		break;
	case STORAGE_integer:
		v.integer = stored->number;
		break;
	case STORAGE_real:
		v.real = stored->real;
		break;
	case STORAGE_text:
	case STORAGE_bytes:
	case STORAGE_tree:
		if (!v.text)
			return FAIL(err, internal, "a stored %s has no content", value_type_name(v.type));
		v.length = stored->length;
		if (stored->info)
			TRY(info_load(arena, stored->info, &v.info, err));
		break;
	}
	*value = v;
	return OK;
}
