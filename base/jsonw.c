/* SPDX-License-Identifier: Apache-2.0
 * The JSON writer: output as Jackson prints it, compact. */
#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/when.h"

void
json_init(struct json *json, struct text *text)
{
	*json = (struct json){ .text = text };
}

/* The comma before a value, when another stands there already. */
static void
before(struct json *json)
{
	if (json->comma)
		text_putc(json->text, ',');
	json->comma = true;
}

void
json_open(struct json *json, char bracket)
{
	assert(bracket == '{' || bracket == '[');
	before(json);
	text_putc(json->text, bracket);
	json->comma = false;
}

void
json_close(struct json *json, char bracket)
{
	assert(bracket == '}' || bracket == ']');
	text_putc(json->text, bracket);
	json->comma = true;
}

/* The letter of a short escape, 0 when the character has none. */
static char
short_escape(unsigned char c)
{
	switch (c) {
	case '"':
	case '\\':
		return (char)c;
	case '\b':
		return 'b';
	case '\f':
		return 'f';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\t':
		return 't';
	default:
		return 0;
	}
}

/* Runs without anything to escape are put in one piece. */
static void
put_quoted(struct text *text, const char *bytes, size_t length)
{
	size_t start = 0;

	text_putc(text, '"');
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)bytes[i];
		char letter;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		text_put(text, bytes + start, i - start);
		start = i + 1;
		letter = short_escape(c);
		if (letter) {
			text_putc(text, '\\');
			text_putc(text, letter);
		} else {
			text_printf(text, "\\u%04X", (unsigned)c);
		}
	}
	text_put(text, bytes + start, length - start);
	text_putc(text, '"');
}

void
json_key(struct json *json, const char *name)
{
	before(json);
	put_quoted(json->text, name, strlen(name));
	text_putc(json->text, ':');
	json->comma = false;
}

void
json_raw(struct json *json, const char *text)
{
	before(json);
	text_puts(json->text, text);
}

void
json_null(struct json *json)
{
	json_raw(json, "null");
}

void
json_bool(struct json *json, bool b)
{
	json_raw(json, b ? "true" : "false");
}

void
json_int(struct json *json, int64_t number)
{
	before(json);
	text_int(json->text, number);
}

/* What JSON has no number for goes as a string, as with Jackson. */
void
json_double(struct json *json, double real, const char *source)
{
	before(json);
	if (source) {
		text_puts(json->text, source);
		return;
	}
	if (!isfinite(real))
		text_putc(json->text, '"');
	text_double(json->text, real);
	if (!isfinite(real))
		text_putc(json->text, '"');
}

void
json_string(struct json *json, const char *string)
{
	if (!string) {
		json_null(json);
		return;
	}
	before(json);
	put_quoted(json->text, string, strlen(string));
}

void
json_id(struct json *json, int64_t id)
{
	if (!id) {
		json_null(json);
		return;
	}
	before(json);
	text_putc(json->text, '"');
	text_int(json->text, id);
	text_putc(json->text, '"');
}

void
json_date(struct json *json, int64_t us)
{
	char printed[WHEN_TEXT];

	if (us == WHEN_NONE)
		json_null(json);
	else
		json_string(json, when_print(us, printed));
}

static void
put_list(struct json *json, const struct value *list)
{
	json_open(json, '[');
	for (size_t i = 0; i < list->length; i++)
		json_value(json, &list->items[i]);
	json_close(json, ']');
}

static void
put_map(struct json *json, const struct value *map)
{
	json_open(json, '{');
	for (size_t i = 0; i < map->length; i++) {
		json_key(json, map->entries[i].name);
		json_value(json, &map->entries[i].value);
	}
	json_close(json, '}');
}

static void
put_content(struct json *json, const struct value *value)
{
	if (!value->text) {
		json_null(json);
		return;
	}
	before(json);
	put_quoted(json->text, value->text, value->length);
}

/* Json and serialised objects go as the string they are: their text need not be well-formed. */
void
json_value(struct json *json, const struct value *value)
{
	switch (value->type) {
	case VALUE_null:
		json_null(json);
		break;
	case VALUE_boolean:
		json_bool(json, value->integer != 0);
		break;
	case VALUE_short:
	case VALUE_integer:
	case VALUE_long:
		json_int(json, value->integer);
		break;
	case VALUE_double:
		json_double(json, value->real, value->text);
		break;
	case VALUE_date:
		json_date(json, value->integer);
		break;
	case VALUE_string:
	case VALUE_json:
	case VALUE_xml:
	case VALUE_object:
		put_content(json, value);
		break;
	case VALUE_bytes:
	case VALUE_file:
		json_string(json, value->text ?
			base64_encode(json->text->arena, value->text, value->length) : NULL);
		break;
	case VALUE_list:
		put_list(json, value);
		break;
	case VALUE_map:
		put_map(json, value);
		break;
	case VALUE_COUNT:
		assert(!"no type");
	}
}

void
json_put_null(struct json *json, const char *name)
{
	json_key(json, name);
	json_null(json);
}

void
json_put_bool(struct json *json, const char *name, bool b)
{
	json_key(json, name);
	json_bool(json, b);
}

void
json_put_int(struct json *json, const char *name, int64_t number)
{
	json_key(json, name);
	json_int(json, number);
}

void
json_put_string(struct json *json, const char *name, const char *string)
{
	json_key(json, name);
	json_string(json, string);
}

void
json_put_id(struct json *json, const char *name, int64_t id)
{
	json_key(json, name);
	json_id(json, id);
}

void
json_put_date(struct json *json, const char *name, int64_t us)
{
	json_key(json, name);
	json_date(json, us);
}
