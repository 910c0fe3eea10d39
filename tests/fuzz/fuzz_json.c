/* SPDX-License-Identifier: Apache-2.0
 * Fuzzes JSON: what is read is text throughout and within the limits, and is read again from what is written. */
#include "tests/fuzz/fuzz.h"

#include <math.h>

#include "base/json.h"

static void check(const struct value *value, size_t depth);

static void
check_list(const struct value *value, size_t depth)
{
	for (size_t i = 0; i < value->length; i++)
		check(&value->items[i], depth + 1);
}

static void
check_map(const struct value *value, size_t depth)
{
	for (size_t i = 0; i < value->length; i++) {
		must_be_text(value->entries[i].name);
		MUST(value_get(value, value->entries[i].name) == &value->entries[i].value, "a name occurs twice");
		check(&value->entries[i].value, depth + 1);
	}
}

/* Text, finite numbers, each type only where JSON has it. */
static void
check(const struct value *value, size_t depth)
{
	MUST(depth <= json_default_limits.depth, "%zu deep", depth);
	if (value->type == VALUE_list)
		check_list(value, depth);
	else if (value->type == VALUE_map)
		check_map(value, depth);
	else if (value->type == VALUE_string)
		MUST(text_is_utf8(value->text, value->length), "a string is no text");
	else if (value->type == VALUE_double)
		MUST(isfinite(value->real) && strtod(value->text, NULL) == value->real, "%s", value->text);
	else if (value->type == VALUE_integer)
		MUST(value->integer == (int32_t)value->integer, "an Integer of more than 32 bits");
	else
		MUST(value->type == VALUE_null || value->type == VALUE_boolean || value->type == VALUE_long,
			"type %d", (int)value->type);
}

static const char *
written(struct arena *arena, const struct value *value)
{
	struct text text;
	struct json json;

	text_init(&text, arena);
	json_init(&json, &text);
	json_value(&json, value);
	return text_string(&text);
}

/* Written and read it is the same value, in the same bytes; and a copy is equal. */
static void
there_and_back(struct arena *arena, const struct value *value)
{
	const char *first = written(arena, value);
	struct value again, copy = value_copy(arena, *value);
	struct error err;

	MUST(json_read(arena, first, strlen(first), &json_default_limits, &again, &err) == OK, "%s", err.message);
	MUST(value_equal(value, &again), "%s", first);
	MUST(strcmp(written(arena, &again), first) == 0, "%s", first);
	MUST(value_equal(value, &copy), "%s", first);
}

/* A smaller limit refuses, or reads the same. */
static void
limited(struct arena *arena, const char *text, size_t length, const struct value *value)
{
	static const struct json_limits limits = { .depth = 3, .values = 8 };
	struct value again;
	struct error err;

	if (json_read(arena, text, length, &limits, &again, &err) == OK)
		MUST(value_equal(value, &again), "the limit changes the value");
	else
		must_be_text(err.message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct arena *arena = arena_new();
	char *text = malloc(length > 0 ? length : 1);	/* no NUL behind it */
	struct value value;
	struct error err;

	memcpy(text, bytes, length);
	if (json_read(arena, text, length, &json_default_limits, &value, &err) == OK) {
		check(&value, 0);
		there_and_back(arena, &value);
		limited(arena, text, length, &value);
	} else {
		MUST(err.status == E_invalid_request, "%s", err.message);
		must_be_text(err.message);
	}
	free(text);
	arena_free(arena);
	return 0;
}
