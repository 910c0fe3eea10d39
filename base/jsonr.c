/* SPDX-License-Identifier: Apache-2.0
 * The JSON reader.  One linear scan at the border refuses what json-c would accept, repair or clamp; then
 * json-c parses, and its tree is copied into the arena. */
#include "base/json.h"

#define json_bool json_c_bool	/* a type of json-c's with the name of our function */
#include <json-c/json.h>
#undef json_bool
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { NUMBER_BYTES = 1000 };	/* longest number, as Jackson's default */

const struct json_limits json_default_limits = { .depth = 64, .values = 1000000 };

struct scan {
	const char *bytes;
	size_t length, at;
	const struct json_limits *limits;
	size_t depth, values;
};

/* The next byte, or 0 at the end (a byte 0 is refused before the scan). */
static char
peek(const struct scan *scan)
{
	return scan->at < scan->length ? scan->bytes[scan->at] : '\0';
}

static enum status
refuse(const struct scan *scan, const char *what, struct error *err)
{
	return FAIL(err, invalid_request, "JSON: %s at byte %zu", what, scan->at);
}

/* Four hex digits, or -1. */
static int
read_hex(const struct scan *scan, size_t at)
{
	int sum = 0;

	if (scan->length - at < 4)
		return -1;
	for (size_t i = at; i < at + 4; i++) {
		char c = scan->bytes[i];
		int digit = c >= '0' && c <= '9' ? c - '0' :
			c >= 'a' && c <= 'f' ? c - 'a' + 10 :
			c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

		if (digit < 0)
			return -1;
		sum = sum * 16 + digit;
	}
	return sum;
}

/* \uXXXX, at behind the u.  A surrogate must have its other half, since alone it has no UTF-8. */
static enum status
scan_unicode(struct scan *scan, struct error *err)
{
	int unit = read_hex(scan, scan->at);
	int low;

	if (unit < 0)
		return refuse(scan, "\\u needs four hex digits", err);
	if (unit == 0)
		return refuse(scan, "the character U+0000 is not allowed", err);
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return refuse(scan, "half of a surrogate pair", err);
	scan->at += 4;
	if (unit < 0xd800 || unit > 0xdbff)
		return OK;
	if (scan->length - scan->at < 6 || scan->bytes[scan->at] != '\\' || scan->bytes[scan->at + 1] != 'u')
		return refuse(scan, "half of a surrogate pair", err);
	low = read_hex(scan, scan->at + 2);
	if (low < 0xdc00 || low > 0xdfff)
		return refuse(scan, "half of a surrogate pair", err);
	scan->at += 6;
	return OK;
}

static enum status
scan_string(struct scan *scan, struct error *err)
{
	for (scan->at++; scan->at < scan->length; scan->at++) {
		unsigned char c = (unsigned char)scan->bytes[scan->at];

		if (c == '"') {
			scan->at++;
			return OK;
		}
		if (c < 0x20)
			return refuse(scan, "a control character in a string", err);
		if (c != '\\')
			continue;
		scan->at++;
		if (!peek(scan) || !strchr("\"\\/bfnrtu", peek(scan)))
			return refuse(scan, "an unknown escape", err);
		if (peek(scan) == 'u') {
			scan->at++;
			TRY(scan_unicode(scan, err));
			scan->at--;
		}
	}
	return refuse(scan, "a string without end", err);
}

/* Digits; false when there are none. */
static bool
scan_digits(struct scan *scan)
{
	size_t start = scan->at;

	while (peek(scan) >= '0' && peek(scan) <= '9')
		scan->at++;
	return scan->at > start;
}

/* A number of the grammar that int64 or double can hold: json-c would clamp. */
static enum status
scan_number(struct scan *scan, struct error *err)
{
	char copy[NUMBER_BYTES + 1];
	size_t start = scan->at, whole;
	bool real = false;
	int64_t number;

	scan->at += peek(scan) == '-';
	whole = scan->at;
	if (!scan_digits(scan) || (scan->bytes[whole] == '0' && scan->at > whole + 1))
		return refuse(scan, "not a number", err);
	if (peek(scan) == '.') {
		real = true;
		scan->at++;
		if (!scan_digits(scan))
			return refuse(scan, "no digit behind the point", err);
	}
	if (peek(scan) == 'e' || peek(scan) == 'E') {
		real = true;
		scan->at++;
		scan->at += peek(scan) == '+' || peek(scan) == '-';
		if (!scan_digits(scan))
			return refuse(scan, "no digit in the exponent", err);
	}
	if (scan->at - start > NUMBER_BYTES)
		return refuse(scan, "a number with too many digits", err);
	memcpy(copy, scan->bytes + start, scan->at - start);
	copy[scan->at - start] = '\0';
	if (real ? !isfinite(strtod(copy, NULL)) : !text_to_int(copy, &number))
		return refuse(scan, "a number out of range", err);
	return OK;
}

static enum status
scan_literal(struct scan *scan, struct error *err)
{
	static const char *const literals[] = { "null", "true", "false" };

	for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
		size_t length = strlen(literals[i]);

		if (scan->length - scan->at >= length &&
			memcmp(scan->bytes + scan->at, literals[i], length) == 0) {
			scan->at += length;
			return OK;
		}
	}
	return refuse(scan, "not a value", err);
}

/* Keys are counted as values too, which only makes the limit a little stricter for objects. */
static enum status
scan_token(struct scan *scan, struct error *err)
{
	char c = peek(scan);

	if (c == ',' || c == ':') {
		scan->at++;
		return OK;
	}
	if (c == ']' || c == '}') {
		scan->at++;
		scan->depth -= scan->depth > 0;
		return OK;
	}
	if (++scan->values > scan->limits->values)
		return refuse(scan, "too many values", err);
	if (c == '[' || c == '{') {
		if (++scan->depth > scan->limits->depth)
			return refuse(scan, "nested too deeply", err);
		scan->at++;
		return OK;
	}
	if (c == '"')
		return scan_string(scan, err);
	if (c == '-' || (c >= '0' && c <= '9'))
		return scan_number(scan, err);
	return scan_literal(scan, err);
}

/* The border check.  The order of the tokens is left to json-c. */
static enum status
scan_all(struct scan *scan, struct error *err)
{
	scan->at = text_utf8_prefix(scan->bytes, scan->length);
	if (scan->at < scan->length)
		return refuse(scan, scan->bytes[scan->at] ? "invalid UTF-8" : "a NUL byte", err);
	if (scan->length >= INT_MAX)
		return FAIL(err, too_large, "JSON: %zu bytes are too many", scan->length);
	scan->at = 0;
	for (;;) {
		while (peek(scan) && strchr(" \t\r\n", peek(scan)))
			scan->at++;
		if (scan->at == scan->length)
			return OK;
		TRY(scan_token(scan, err));
	}
}

static struct value convert(struct arena *arena, struct json_object *from);

static struct value
convert_list(struct arena *arena, struct json_object *from)
{
	size_t count = json_object_array_length(from);
	struct value *items = ARENA_ARRAY(arena, struct value, count);

	for (size_t i = 0; i < count; i++)
		items[i] = convert(arena, json_object_array_get_idx(from, i));
	return (struct value){ .type = VALUE_list, .length = count, .items = items };
}

static struct value
convert_map(struct arena *arena, struct json_object *from)
{
	size_t count = (size_t)json_object_object_length(from), done = 0;
	struct entry *entries = ARENA_ARRAY(arena, struct entry, count);
	struct json_object_iter at;

	json_object_object_foreachC(from, at) {
		entries[done].name = arena_strdup(arena, at.key);
		entries[done].value = convert(arena, at.val);
		done++;
	}
	return (struct value){ .type = VALUE_map, .length = done, .entries = entries };
}

static struct value
convert_string(struct arena *arena, struct json_object *from)
{
	size_t length = (size_t)json_object_get_string_len(from);
	char *text = arena_alloc(arena, length + 1);

	memcpy(text, json_object_get_string(from), length);
	return (struct value){ .type = VALUE_string, .text = text, .length = length };
}

/* json-c's tree as a value; its depth was limited by the scan. */
static struct value
convert(struct arena *arena, struct json_object *from)
{
	struct value value = { .type = VALUE_null };

	switch (json_object_get_type(from)) {
	case json_type_null:
		break;
	case json_type_boolean:
		value = value_boolean(json_object_get_boolean(from));
		break;
	case json_type_int:
		value = value_integer(json_object_get_int64(from));
		break;
	case json_type_double:
		value = value_double(json_object_get_double(from));
		value.text = arena_strdup(arena, json_object_to_json_string(from));
		break;
	case json_type_string:
		value = convert_string(arena, from);
		break;
	case json_type_array:
		value = convert_list(arena, from);
		break;
	case json_type_object:
		value = convert_map(arena, from);
		break;
	}
	return value;
}

static pthread_key_t tokener_key;
static pthread_once_t tokener_once = PTHREAD_ONCE_INIT;

static void
free_tokener(void *tokener)
{
	json_tokener_free(tokener);
}

static void
make_key(void)
{
	if (pthread_key_create(&tokener_key, free_tokener) != 0)
		abort();
}

/* Each thread has one for the usual depth: making it costs as much as a small body does.  The caller gives it back. */
static struct json_tokener *
take_tokener(const struct json_limits *limits)
{
	struct json_tokener *tokener = NULL;

	pthread_once(&tokener_once, make_key);
	if (limits->depth == json_default_limits.depth)
		tokener = pthread_getspecific(tokener_key);
	if (tokener)
		pthread_setspecific(tokener_key, NULL);
	else
		tokener = json_tokener_new_ex((int)limits->depth + 2);
	if (!tokener)
		memory_out();
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	return tokener;
}

static void
give_back(struct json_tokener *tokener, const struct json_limits *limits)
{
	if (limits->depth == json_default_limits.depth && pthread_getspecific(tokener_key) == NULL) {
		json_tokener_reset(tokener);
		if (pthread_setspecific(tokener_key, tokener) == 0)
			return;
	}
	json_tokener_free(tokener);
}

/* Runs json-c over the checked bytes.  A number at the very end is only complete once its end is seen. */
static enum status
parse(struct scan *scan, struct json_object **parsed, struct error *err)
{
	struct json_tokener *tokener = take_tokener(scan->limits);
	enum json_tokener_error error;

	*parsed = json_tokener_parse_ex(tokener, scan->bytes, (int)scan->length);
	error = json_tokener_get_error(tokener);
	scan->at = json_tokener_get_parse_end(tokener);
	if (error == json_tokener_continue) {
		*parsed = json_tokener_parse_ex(tokener, "", 1);
		error = json_tokener_get_error(tokener);
		scan->at = scan->length;
	}
	give_back(tokener, scan->limits);
	if (error == json_tokener_success)
		return OK;
	json_object_put(*parsed);
	if (error == json_tokener_continue || error == json_tokener_error_parse_eof)
		return refuse(scan, "ends too early", err);
	return refuse(scan, json_tokener_error_desc(error), err);
}

enum status
json_read(struct arena *arena, const char *bytes, size_t length, const struct json_limits *limits,
	struct value *value, struct error *err)
{
	struct scan scan = { .bytes = bytes, .length = length, .limits = limits };
	struct json_object *parsed;

	TRY(scan_all(&scan, err));
	TRY(parse(&scan, &parsed, err));
	*value = convert(arena, parsed);
	json_object_put(parsed);
	return OK;
}
