/* SPDX-License-Identifier: Apache-2.0
 * JSON: what is read, what is refused and where, what is written. */
#include "base/json.h"

#include <math.h>
#include <string.h>

#include "base/when.h"
#include "tests/base/run.h"

/* Exactly the bytes, without a NUL behind them, so that a sanitizer sees the reader go too far. */
static enum status
read_bytes(struct arena *arena, const char *bytes, size_t length, struct value *value, struct error *err)
{
	return json_read(arena, arena_copy(arena, bytes, length), length, &json_default_limits, value, err);
}

START_TEST(texts_come_back)
{
	static const char *const rows[] = { "null", "true", "false", "0", "-1", "1.50", "-0.0", "1e5", "12E-2",
		"9223372036854775807", "-9223372036854775808", "\"\"", "\"a\\\"\\\\\\n\\t\"", "[]", "{}",
		"[1,[2,[]],{}]",
		"{\"a\":{\"b\":[null]},\"\":1}", "\"\xe2\x82\xac\"", "\"\x7f/\"" };
	struct arena *arena = arena_new();

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct value value;
		struct error err = { .message = "" };
		struct text text;
		struct json json;

		ck_assert_msg(read_bytes(arena, rows[i], strlen(rows[i]), &value, &err) == OK, "%s: %s", rows[i],
			err.message);
		text_init(&text, arena);
		json_init(&json, &text);
		json_value(&json, &value);
		ck_assert_str_eq(text_string(&text), rows[i]);
	}
	arena_free(arena);
}
END_TEST

START_TEST(values_have_types)
{
	static const char source[] = " { \"i\" : 1, \"l\" : 3000000000, \"d\" : 1.0, \"u\":\"\\u20ac\\ud83d\\ude00\", "
		"\"z\":-0 }\r\n";
	struct arena *arena = arena_new();
	struct value value;
	struct error err;

	ck_assert_int_eq(read_bytes(arena, source, sizeof source - 1, &value, &err), OK);
	ck_assert_int_eq(value.type, VALUE_map);
	ck_assert_int_eq(value_get(&value, "i")->type, VALUE_integer);
	ck_assert_int_eq(value_get(&value, "l")->type, VALUE_long);
	ck_assert_int_eq(value_get(&value, "l")->integer, 3000000000);
	ck_assert_int_eq(value_get(&value, "d")->type, VALUE_double);
	ck_assert_str_eq(value_get(&value, "d")->text, "1.0");
	ck_assert_str_eq(value_get(&value, "u")->text, "\xe2\x82\xac\xf0\x9f\x98\x80");
	ck_assert_uint_eq(value_get(&value, "u")->length, 7);
	ck_assert_int_eq(value_get(&value, "z")->type, VALUE_integer);
	ck_assert_int_eq(value_get(&value, "z")->integer, 0);
	arena_free(arena);
}
END_TEST

START_TEST(the_last_of_a_name_wins)
{
	static const char source[] = "{\"a\":1,\"b\":2,\"a\":3}";
	struct arena *arena = arena_new();
	struct value value;
	struct error err;

	ck_assert_int_eq(read_bytes(arena, source, sizeof source - 1, &value, &err), OK);
	ck_assert_uint_eq(value.length, 2);
	ck_assert_str_eq(value.entries[0].name, "a");
	ck_assert_int_eq(value.entries[0].value.integer, 3);
	arena_free(arena);
}
END_TEST

START_TEST(refused)
{
	static const char *const rows[] = { "", " ", "{", "[", "]", "[1", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}",
		"{\"a\":1,}", "{a:1}", "{1:1}", "'a'", "\"a", "\"\\x\"", "\"\\u12g4\"", "\"\\u12", "\"\\u0000\"",
		"\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800\\ud800\"", "\"a\nb\"", "\"a\tb\"",
		"\"\x1f\"", "NaN", "-NaN", "Infinity", "-Infinity", "nan", "[NaN]", "TRUE", "Null", "nul", "nullx",
		"01", "-01", "-", "+1", ".5", "1.", "1.e5", "1e", "1e+", "0x1", "1 2", "1,", "[1] x", "{} {}",
		"9223372036854775808", "-9223372036854775809", "1e999", "-1e999", "[1 2]", "{\"a\" 1}", "[1:2]",
		"/* c */ 1", "1 // c", "\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\xef\xbb\xbf""1", "[1}",
		"{\"a\":1]", "[}", ":", "\"a\"\"b\"", "truefalse", "1true", "[1\"a\"]" };
	struct arena *arena = arena_new();

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct value value = { .integer = 4711 };
		struct error err = { .status = OK };

		ck_assert_msg(read_bytes(arena, rows[i], strlen(rows[i]), &value, &err) == E_invalid_request, "%s",
			rows[i]);
		ck_assert_msg(strstr(err.message, " at byte ") != NULL, "%s", err.message);
		ck_assert_int_eq(value.integer, 4711);
	}
	arena_free(arena);
}
END_TEST

START_TEST(offsets)
{
	struct arena *arena = arena_new();
	struct value value;
	struct error err;

	ck_assert_int_eq(read_bytes(arena, "[1,\0]", 5, &value, &err), E_invalid_request);
	ck_assert_str_eq(err.message, "JSON: a NUL byte at byte 3");
	ck_assert_int_eq(read_bytes(arena, "[\"\xff\"]", 5, &value, &err), E_invalid_request);
	ck_assert_str_eq(err.message, "JSON: invalid UTF-8 at byte 2");
	ck_assert_int_eq(read_bytes(arena, "[1, nix]", 8, &value, &err), E_invalid_request);
	ck_assert_str_eq(err.message, "JSON: not a value at byte 4");
	arena_free(arena);
}
END_TEST

/* Nested arrays; a maximal depth that both reads and parses. */
START_TEST(limits)
{
	static const struct json_limits small = { .depth = 2, .values = 3 };
	struct arena *arena = arena_new();
	struct value value;
	struct error err;
	char deep[131];

	memset(deep, '[', 64);
	memset(deep + 64, ']', 64);
	ck_assert_int_eq(json_read(arena, deep, 128, &json_default_limits, &value, &err), OK);
	memset(deep, '[', 63);
	deep[63] = '1';
	memset(deep + 64, ']', 63);
	ck_assert_int_eq(json_read(arena, deep, 127, &json_default_limits, &value, &err), OK);
	memset(deep, '[', 65);
	memset(deep + 65, ']', 65);
	ck_assert_int_eq(json_read(arena, deep, 130, &json_default_limits, &value, &err), E_invalid_request);
	ck_assert_ptr_nonnull(strstr(err.message, "too deeply"));
	ck_assert_int_eq(json_read(arena, "[[1]]", 5, &small, &value, &err), OK);
	ck_assert_int_eq(json_read(arena, "[[[]]]", 6, &small, &value, &err), E_invalid_request);
	ck_assert_int_eq(json_read(arena, "[1,2]", 5, &small, &value, &err), OK);
	ck_assert_int_eq(json_read(arena, "[1,2,3]", 7, &small, &value, &err), E_invalid_request);
	ck_assert_ptr_nonnull(strstr(err.message, "too many values"));
	arena_free(arena);
}
END_TEST

START_TEST(long_numbers)
{
	struct arena *arena = arena_new();
	struct value value;
	struct error err;
	char digits[1101];

	memset(digits, '1', sizeof digits);
	digits[1] = '.';
	ck_assert_int_eq(read_bytes(arena, digits, 1000, &value, &err), OK);
	ck_assert_uint_eq(strlen(value.text), 1000);
	ck_assert_int_eq(read_bytes(arena, digits, 1001, &value, &err), E_invalid_request);
	arena_free(arena);
}
END_TEST

START_TEST(writer)
{
	struct arena *arena = arena_new();
	struct text text;
	struct json json;

	text_init(&text, arena);
	json_init(&json, &text);
	json_open(&json, '{');
	json_key(&json, "a\"b");
	json_open(&json, '[');
	json_null(&json);
	json_bool(&json, true);
	json_bool(&json, false);
	json_int(&json, INT64_MIN);
	json_close(&json, ']');
	json_key(&json, "d");
	json_open(&json, '[');
	json_double(&json, 1, NULL);
	json_double(&json, 1e10, NULL);
	json_double(&json, 1, "1.00");
	json_double(&json, NAN, NULL);
	json_close(&json, ']');
	json_key(&json, "s");
	json_open(&json, '[');
	json_string(&json, "\x01\x1f\b\f\n\r\t\"\\/\xe2\x82\xac");
	json_string(&json, NULL);
	json_id(&json, 12);
	json_id(&json, 0);
	json_date(&json, 1767323045678901);
	json_date(&json, WHEN_NONE);
	json_raw(&json, "{\"r\":1}");
	json_close(&json, ']');
	json_key(&json, "e");
	json_open(&json, '{');
	json_close(&json, '}');
	json_close(&json, '}');
	ck_assert_str_eq(text_string(&text), "{\"a\\\"b\":[null,true,false,-9223372036854775808],"
		"\"d\":[1.0,1.0E10,1.00,\"NaN\"],"
		"\"s\":[\"\\u0001\\u001F\\b\\f\\n\\r\\t\\\"\\\\/\xe2\x82\xac\",null,\"12\",null,"
		"\"2026-01-02T03:04:05.678+0000\",null,{\"r\":1}],\"e\":{}}");
	arena_free(arena);
}
END_TEST

START_TEST(other_values)
{
	struct arena *arena = arena_new();
	struct value items[] = { { .type = VALUE_json, .text = "{", .length = 1 }, { .type = VALUE_xml },
		{ .type = VALUE_bytes, .text = "fo", .length = 2 }, { .type = VALUE_file },
		{ .type = VALUE_date, .integer = 0 } };
	struct value list = { .type = VALUE_list, .items = items, .length = 5 };
	struct text text;
	struct json json;

	text_init(&text, arena);
	json_init(&json, &text);
	json_value(&json, &list);
	ck_assert_str_eq(text_string(&text), "[\"{\",null,\"Zm8=\",null,\"1970-01-01T00:00:00.000+0000\"]");
	arena_free(arena);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { texts_come_back, values_have_types, the_last_of_a_name_wins, refused,
		offsets, limits, long_numbers, writer, other_values, NULL };

	return run_suite("json", tests);
}
