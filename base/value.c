/* SPDX-License-Identifier: Apache-2.0
 * Values: making, copying, comparing, measuring and printing them. */
#include "base/value.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/map.h"
#include "base/text.h"
#include "base/when.h"

enum storage { STORAGE_none, STORAGE_integer, STORAGE_real, STORAGE_text, STORAGE_bytes, STORAGE_tree };

struct row {
	const char *camunda;
	enum storage storage;
};

static const struct row rows[VALUE_COUNT] = {
#define TYPE(number, name, camunda_, storage_) \
	[number] = { .camunda = camunda_, .storage = STORAGE_##storage_ },
#include "base/types.def"
#undef TYPE
};

static const struct row *
row_of(enum value_type type)
{
	assert((unsigned)type < VALUE_COUNT);
	return &rows[type];
}

const char *
value_type_name(enum value_type type)
{
	return row_of(type)->camunda;
}

bool
value_type_find(const char *camunda, enum value_type *type)
{
	for (int i = 0; i < VALUE_COUNT; i++) {
		const char *name = rows[i].camunda;

		if (toupper((unsigned char)camunda[0]) == name[0] && strcmp(camunda + 1, name + 1) == 0) {
			*type = (enum value_type)i;
			return true;
		}
	}
	return false;
}

struct value
value_null(void)
{
	return (struct value){ .type = VALUE_null };
}

struct value
value_boolean(bool b)
{
	return (struct value){ .type = VALUE_boolean, .integer = b };
}

struct value
value_integer(int64_t number)
{
	bool fits = number >= INT32_MIN && number <= INT32_MAX;

	return (struct value){ .type = fits ? VALUE_integer : VALUE_long, .integer = number };
}

struct value
value_long(int64_t number)
{
	return (struct value){ .type = VALUE_long, .integer = number };
}

struct value
value_double(double real)
{
	return (struct value){ .type = VALUE_double, .real = real };
}

struct value
value_string(const char *text)
{
	return (struct value){ .type = VALUE_string, .text = text, .length = strlen(text) };
}

struct value
value_date(int64_t us)
{
	return (struct value){ .type = VALUE_date, .integer = us };
}

static const struct value_info *
copy_info(struct arena *arena, const struct value_info *info)
{
	struct value_info *copy;

	if (!info)
		return NULL;
	copy = ARENA_NEW(arena, struct value_info);
	copy->filename = arena_strdup(arena, info->filename);
	copy->mime = arena_strdup(arena, info->mime);
	copy->encoding = arena_strdup(arena, info->encoding);
	copy->object_type = arena_strdup(arena, info->object_type);
	copy->format = arena_strdup(arena, info->format);
	return copy;
}

/* Content with a NUL behind it, also for bytes, so that nothing runs over the end. */
static void
copy_tree(struct arena *arena, struct value *value)
{
	if (value->items) {
		struct value *items = ARENA_ARRAY(arena, struct value, value->length);

		for (size_t i = 0; i < value->length; i++)
			items[i] = value_copy(arena, value->items[i]);
		value->items = items;
	}
	if (value->entries) {
		struct entry *entries = ARENA_ARRAY(arena, struct entry, value->length);

		for (size_t i = 0; i < value->length; i++) {
			entries[i] = value->entries[i];
			entries[i].name = arena_strdup(arena, entries[i].name);
			entries[i].value = value_copy(arena, entries[i].value);
		}
		value->entries = entries;
	}
}

struct value
value_copy(struct arena *arena, struct value value)
{
	switch (row_of(value.type)->storage) {
	case STORAGE_none:
	case STORAGE_integer:
		break;
	case STORAGE_real:
		value.text = arena_strdup(arena, value.text);
		break;
	case STORAGE_text:
	case STORAGE_bytes:
		value.text = arena_bytes(arena, value.text, value.length);
		value.info = copy_info(arena, value.info);
		break;
	case STORAGE_tree:
		copy_tree(arena, &value);
		break;
	}
	return value;
}

static bool
info_equal(const struct value_info *a, const struct value_info *b)
{
	static const struct value_info none;

	a = a ? a : &none;
	b = b ? b : &none;
	return text_equal(a->filename, b->filename) && text_equal(a->mime, b->mime) &&
		text_equal(a->encoding, b->encoding) && text_equal(a->object_type, b->object_type) &&
		text_equal(a->format, b->format);
}

static bool
content_equal(const struct value *a, const struct value *b)
{
	if (a->length != b->length || !a->text != !b->text)
		return false;
	if (a->text && a->length && memcmp(a->text, b->text, a->length) != 0)
		return false;
	return info_equal(a->info, b->info);
}

/* Whether every entry of a has its equal in b, by an index of b: their order does not count. */
static bool
entries_equal_unordered(const struct value *a, const struct value *b)
{
	struct arena *scratch = arena_new();
	struct map index;
	bool equal = true;

	map_init(&index, scratch);
	for (size_t i = 0; i < b->length; i++)
		map_put_text(&index, b->entries[i].name, (void *)(uintptr_t)&b->entries[i]);
	for (size_t i = 0; i < a->length && equal; i++) {
		const struct entry *other = map_get_text(&index, a->entries[i].name);

		equal = other && value_equal(&a->entries[i].value, &other->value);
	}
	arena_free(scratch);
	return equal;
}

/* Entries are mostly in the same order, so the index is only built where they are not. */
static bool
entries_equal(const struct value *a, const struct value *b)
{
	for (size_t i = 0; i < a->length; i++) {
		if (!text_equal(a->entries[i].name, b->entries[i].name))
			return entries_equal_unordered(a, b);
		if (!value_equal(&a->entries[i].value, &b->entries[i].value))
			return false;
	}
	return true;
}

static bool
tree_equal(const struct value *a, const struct value *b)
{
	if (a->length != b->length)
		return false;
	if (a->type == VALUE_map)
		return entries_equal(a, b);
	for (size_t i = 0; i < a->length; i++) {
		if (!value_equal(&a->items[i], &b->items[i]))
			return false;
	}
	return true;
}

bool
value_equal(const struct value *a, const struct value *b)
{
	if (a->type != b->type)
		return false;
	if (a->type == VALUE_null)
		return true;		/* whatever it was declared as */
	switch (row_of(a->type)->storage) {
	case STORAGE_none:
		return true;
	case STORAGE_integer:
		return a->integer == b->integer;
	case STORAGE_real:
		return a->real == b->real || (isnan(a->real) && isnan(b->real));
	case STORAGE_text:
	case STORAGE_bytes:
		return content_equal(a, b);
	case STORAGE_tree:
		return tree_equal(a, b);
	}
	return false;
}

static size_t
length_of(const char *text)
{
	return text ? strlen(text) : 0;
}

static size_t
info_size(const struct value_info *info)
{
	if (!info)
		return 0;
	return length_of(info->filename) + length_of(info->mime) + length_of(info->encoding) +
		length_of(info->object_type) + length_of(info->format);
}

size_t
value_size(const struct value *value)
{
	size_t sum = 0;

	switch (row_of(value->type)->storage) {
	case STORAGE_none:
		break;
	case STORAGE_integer:
		sum = sizeof value->integer;
		break;
	case STORAGE_real:
		sum = sizeof value->real + length_of(value->text);
		break;
	case STORAGE_text:
	case STORAGE_bytes:
		sum = (value->text ? value->length : 0) + info_size(value->info);
		break;
	case STORAGE_tree:
		for (size_t i = 0; value->items && i < value->length; i++)
			sum += 2 + value_size(&value->items[i]);
		for (size_t i = 0; value->entries && i < value->length; i++)
			sum += 4 + strlen(value->entries[i].name) + value_size(&value->entries[i].value);
		break;
	}
	return sum;
}

/* As java.util.Date prints itself in UTC: Thu Jan 01 00:00:00 UTC 1970. */
static void
put_date(struct text *text, int64_t us)
{
	static const char days[7][4] = { "Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed" };
	static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep",
		"Oct", "Nov", "Dec" };
	const int64_t day_us = 86400000000;
	int64_t day = us / day_us - (us % day_us < 0);
	struct when_parts parts;

	when_split(us, &parts);
	text_printf(text, "%s %s %02d %02d:%02d:%02d UTC %04" PRId64, days[(day % 7 + 7) % 7],
		months[parts.month - 1], parts.day, parts.hour, parts.minute, parts.second, parts.year);
}

static void put_value(struct text *text, const struct value *value);

static void
put_list(struct text *text, const struct value *list)
{
	text_putc(text, '[');
	for (size_t i = 0; i < list->length; i++) {
		text_puts(text, i ? ", " : "");
		put_value(text, &list->items[i]);
	}
	text_putc(text, ']');
}

static void
put_map(struct text *text, const struct value *map)
{
	text_putc(text, '{');
	for (size_t i = 0; i < map->length; i++) {
		text_puts(text, i ? ", " : "");
		text_puts(text, map->entries[i].name);
		text_putc(text, '=');
		put_value(text, &map->entries[i].value);
	}
	text_putc(text, '}');
}

/* A file prints its name and bytes print as base64: Java's own forms are addresses of objects. */
static void
put_value(struct text *text, const struct value *value)
{
	switch (value->type) {
	case VALUE_null:
		text_puts(text, "null");
		break;
	case VALUE_boolean:
		text_puts(text, value->integer ? "true" : "false");
		break;
	case VALUE_short:
	case VALUE_integer:
	case VALUE_long:
		text_int(text, value->integer);
		break;
	case VALUE_double:
		text_double(text, value->real);
		break;
	case VALUE_date:
		put_date(text, value->integer);
		break;
	case VALUE_string:
	case VALUE_json:
	case VALUE_xml:
	case VALUE_object:
		text_put(text, value->text ? value->text : "null", value->text ? value->length : 4);
		break;
	case VALUE_bytes:
		text_puts(text, base64_encode(text->arena, value->text, value->text ? value->length : 0));
		break;
	case VALUE_file:
		text_puts(text, value->info && value->info->filename ? value->info->filename : "");
		break;
	case VALUE_list:
		put_list(text, value);
		break;
	case VALUE_map:
		put_map(text, value);
		break;
	case VALUE_COUNT:
		assert(!"no type");
	}
}

const char *
value_to_text(struct arena *arena, const struct value *value)
{
	struct text text;

	text_init(&text, arena);
	put_value(&text, value);
	return text_string(&text);
}

enum status
value_open(struct arena *arena, const struct value *value, struct value *opened, struct error *err)
{
	bool json = value->type == VALUE_json;

	if (value->type == VALUE_object && value->info)
		json = text_equal(value->info->format, "application/json");
	if (!json || !value->text) {
		*opened = *value;
		return OK;
	}
	return json_read(arena, value->text, value->length, &json_default_limits, opened, err);
}

const struct value *
value_get(const struct value *map, const char *name)
{
	if (map->type != VALUE_map)
		return NULL;
	for (size_t i = 0; i < map->length; i++) {
		if (strcmp(map->entries[i].name, name) == 0)
			return &map->entries[i].value;
	}
	return NULL;
}
