/* SPDX-License-Identifier: Apache-2.0
 * Values. */
#include "base/value.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "tests/base/run.h"

static struct value
from_json(struct arena *arena, const char *text)
{
	struct value value;
	struct error err;

	ck_assert_int_eq(json_read(arena, text, strlen(text), &json_default_limits, &value, &err), OK);
	return value;
}

static void
expect_text(struct value value, const char *text)
{
	struct arena *arena = arena_new();

	ck_assert_str_eq(value_to_text(arena, &value), text);
	arena_free(arena);
}

START_TEST(types)
{
	enum value_type type = VALUE_null;

	ck_assert_str_eq(value_type_name(VALUE_object), "Object");
	ck_assert(value_type_find("Integer", &type));
	ck_assert_int_eq(type, VALUE_integer);
	ck_assert(value_type_find("json", &type));
	ck_assert_int_eq(type, VALUE_json);
	ck_assert(!value_type_find("JSON", &type));
	ck_assert(!value_type_find("", &type));
	ck_assert(!value_type_find("integerx", &type));
	ck_assert_int_eq(type, VALUE_json);
	ck_assert_int_eq(value_integer(INT32_MAX).type, VALUE_integer);
	ck_assert_int_eq(value_integer((int64_t)INT32_MAX + 1).type, VALUE_long);
	ck_assert_int_eq(value_integer(INT32_MIN).type, VALUE_integer);
	ck_assert_int_eq(value_long(1).type, VALUE_long);
}
END_TEST

START_TEST(texts_as_java)
{
	struct arena *arena = arena_new();
	struct value_info info = { .filename = "a.txt" };

	expect_text(value_null(), "null");
	expect_text(value_boolean(true), "true");
	expect_text(value_boolean(false), "false");
	expect_text(value_integer(-7), "-7");
	expect_text(value_double(1), "1.0");
	expect_text(value_double(1e10), "1.0E10");
	expect_text(value_string("x"), "x");
	expect_text(value_date(0), "Thu Jan 01 00:00:00 UTC 1970");
	expect_text(value_date(-1), "Wed Dec 31 23:59:59 UTC 1969");
	expect_text((struct value){ .type = VALUE_file, .info = &info }, "a.txt");
	expect_text((struct value){ .type = VALUE_bytes, .text = "foo", .length = 3 }, "Zm9v");
	expect_text(from_json(arena, "[1, 2.50, null, \"a\", [], {}]"), "[1, 2.5, null, a, [], {}]");
	expect_text(from_json(arena, "{\"k\":\"v\",\"l\":[true]}"), "{k=v, l=[true]}");
	arena_free(arena);
}
END_TEST

START_TEST(copies_are_deep_and_equal)
{
	struct arena *first = arena_new(), *second = arena_new();
	struct value_info info = { .filename = "f", .mime = "text/plain" };
	struct value original = from_json(first, "{\"a\":[1,2.50,\"x\",{\"b\":null}],\"c\":\"d\"}");
	struct value file = { .type = VALUE_file, .text = arena_strdup(first, "abc"), .length = 3, .info = &info };
	struct value copy = value_copy(second, original), file_copy = value_copy(second, file);

	ck_assert(value_equal(&original, &copy));
	ck_assert(value_equal(&file, &file_copy));
	arena_free(first);
	ck_assert_str_eq(value_get(&copy, "a")->items[1].text, "2.50");
	ck_assert_str_eq(file_copy.info->mime, "text/plain");
	ck_assert_ptr_ne(file_copy.info, &info);
	ck_assert_str_eq(value_to_text(second, &copy), "{a=[1, 2.5, x, {b=null}], c=d}");
	arena_free(second);
}
END_TEST

START_TEST(equality)
{
	struct arena *arena = arena_new();
	static const struct {
		const char *a, *b;
		bool equal;
	} rows[] = {
		{ "1", "1", true }, { "1", "1.0", false }, { "1.0", "1.00", true }, { "\"a\"", "\"b\"", false },
		{ "[1,2]", "[2,1]", false }, { "{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true },
		{ "{\"a\":1,\"b\":2}", "{\"b\":1,\"a\":2}", false }, { "{\"a\":1}", "{\"b\":1}", false },
		{ "[]", "[1]", false }, { "null", "null", true }, { "null", "false", false }, { "[]", "{}", false },
		{ "\"\"", "\"\"", true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct value a = from_json(arena, rows[i].a), b = from_json(arena, rows[i].b);

		ck_assert_msg(value_equal(&a, &b) == rows[i].equal, "%s %s", rows[i].a, rows[i].b);
		ck_assert_msg(value_equal(&b, &a) == rows[i].equal, "%s %s", rows[i].b, rows[i].a);
	}
	ck_assert(value_equal(&(struct value){ .type = VALUE_double, .real = NAN },
		&(struct value){ .type = VALUE_double, .real = NAN }));
	ck_assert(!value_equal(&(struct value){ .type = VALUE_bytes, .text = "a\0b", .length = 3 },
		&(struct value){ .type = VALUE_bytes, .text = "a\0c", .length = 3 }));
	arena_free(arena);
}
END_TEST

START_TEST(sizes)
{
	struct arena *arena = arena_new();
	struct value_info info = { .filename = "1234" };
	struct value list = from_json(arena, "[\"abc\",\"de\"]");

	ck_assert_uint_eq(value_size(&(struct value){ .type = VALUE_null }), 8);
	ck_assert_uint_eq(value_size(&(struct value){ .type = VALUE_date }), 8);
	ck_assert_uint_eq(value_size(&(struct value){ .type = VALUE_string, .text = "abc", .length = 3 }), 3);
	ck_assert_uint_eq(value_size(&(struct value){ .type = VALUE_file, .text = "abc", .length = 3, .info = &info }),
		7);
	ck_assert_uint_eq(value_size(&list), 9);
	arena_free(arena);
}
END_TEST

START_TEST(opening)
{
	struct arena *arena = arena_new();
	struct value_info json = { .format = "application/json" }, java = { .format = "application/x-java" };
	struct value value = { .type = VALUE_json, .text = "{\"a\":[7]}", .length = 9 }, opened;
	struct error err;

	ck_assert_int_eq(value_open(arena, &value, &opened, &err), OK);
	ck_assert_int_eq(value_get(&opened, "a")->items[0].integer, 7);
	ck_assert_ptr_null(value_get(&opened, "b"));
	ck_assert_ptr_null(value_get(&value, "a"));
	value.type = VALUE_object;
	value.info = &json;
	ck_assert_int_eq(value_open(arena, &value, &opened, &err), OK);
	ck_assert_int_eq(opened.type, VALUE_map);
	value.info = &java;
	ck_assert_int_eq(value_open(arena, &value, &opened, &err), OK);
	ck_assert_int_eq(opened.type, VALUE_object);
	value = (struct value){ .type = VALUE_json, .text = "{", .length = 1 };
	ck_assert_int_eq(value_open(arena, &value, &opened, &err), E_invalid_request);
	ck_assert_int_eq(opened.type, VALUE_object);
	arena_free(arena);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { types, texts_as_java, copies_are_deep_and_equal, equality, sizes,
		opening, NULL };

	return run_suite("value", tests);
}
