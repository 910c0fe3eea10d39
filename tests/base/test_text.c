/* SPDX-License-Identifier: Apache-2.0
 * Text: building, numbers, UTF-8, base64. */
#include "base/text.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/base/run.h"

START_TEST(text_grows)
{
	struct arena *arena = arena_new();
	struct text text;

	text_init(&text, arena);
	ck_assert_str_eq(text_string(&text), "");
	for (int i = 0; i < 1000; i++)
		text_putc(&text, 'x');
	text_puts(&text, "ab");
	text_put(&text, "cd", 1);
	text_printf(&text, "%03d", 7);
	ck_assert_uint_eq(text.length, 1006);
	ck_assert_str_eq(text_string(&text) + 1000, "abc007");
	arena_free(arena);
}
END_TEST

static void
expect_int(int64_t number, const char *printed)
{
	struct arena *arena = arena_new();
	struct text text;
	int64_t back;

	text_init(&text, arena);
	text_int(&text, number);
	ck_assert_str_eq(text_string(&text), printed);
	ck_assert(text_to_int(printed, &back));
	ck_assert_int_eq(back, number);
	arena_free(arena);
}

START_TEST(integers)
{
	static const char *const bad[] = { "", "-", "+1", " 1", "1 ", "1x", "0x1", "1.0", "9223372036854775808",
		"-9223372036854775809", "99999999999999999999", "--1" };
	int64_t number = 42;

	expect_int(0, "0");
	expect_int(-1, "-1");
	expect_int(INT64_MAX, "9223372036854775807");
	expect_int(INT64_MIN, "-9223372036854775808");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!text_to_int(bad[i], &number), "%s", bad[i]);
	ck_assert_int_eq(number, 42);
}
END_TEST

START_TEST(ids)
{
	static const char *const bad[] = { "", "0", "-1", "01", "a", "1a", "9223372036854775808", " 1" };
	int64_t id = 42;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!text_to_id(bad[i], &id), "%s", bad[i]);
	ck_assert_int_eq(id, 42);
	ck_assert(text_to_id("9223372036854775807", &id));
	ck_assert_int_eq(id, INT64_MAX);
}
END_TEST

START_TEST(equality)
{
	ck_assert(text_equal(NULL, NULL));
	ck_assert(!text_equal(NULL, ""));
	ck_assert(!text_equal("", NULL));
	ck_assert(text_equal("a", "a"));
	ck_assert(!text_equal("a", "b"));
}
END_TEST

START_TEST(utf8)
{
	static const char *const good[] = { "", "abc", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
		"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "\x80", "\xc0\xaf", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
		"\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xc2",
		"\xe2\x82", "\xf0\x90\x80", "\xe2\x28\xa1", "\xc2\x41", "\xf0\x90\x28\x80" };

	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		ck_assert_msg(text_is_utf8(good[i], strlen(good[i])), "good %zu", i);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!text_is_utf8(bad[i], strlen(bad[i])), "bad %zu", i);
	ck_assert(!text_is_utf8("a\0b", 3));
	ck_assert_uint_eq(text_utf8_prefix("ab\xffz", 4), 2);
}
END_TEST

static const char *
printed(struct arena *arena, double real)
{
	struct text text;

	text_init(&text, arena);
	text_double(&text, real);
	return text_string(&text);
}

START_TEST(doubles_as_java_prints_them)
{
	static const struct {
		double real;
		const char *text;
	} rows[] = {
		{ 0.0, "0.0" }, { -0.0, "-0.0" }, { 1, "1.0" }, { -1.5, "-1.5" }, { 0.5, "0.5" }, { 100, "100.0" },
		{ 0.1, "0.1" }, { 0.1 + 0.2, "0.30000000000000004" }, { 0.001, "0.001" }, { 0.0123, "0.0123" },
		{ 0.0001, "1.0E-4" }, { 0.00012345, "1.2345E-4" }, { 9999999, "9999999.0" },
		{ 1e7, "1.0E7" }, { 12345678.9, "1.23456789E7" }, { 1e10, "1.0E10" }, { 123456.789, "123456.789" },
		{ DBL_MAX, "1.7976931348623157E308" }, { DBL_MIN, "2.2250738585072014E-308" },
		{ 4.9e-324, "4.9E-324" }, { 1e23, "1.0E23" }, { 2e-3, "0.002" }, { 1.0 / 3, "0.3333333333333333" },
		{ INFINITY, "Infinity" }, { -INFINITY, "-Infinity" }, { NAN, "NaN" },
	};
	struct arena *arena = arena_new();

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_str_eq(printed(arena, rows[i].real), rows[i].text);
	arena_free(arena);
}
END_TEST

START_TEST(doubles_read_back)
{
	struct arena *arena = arena_new();
	uint64_t state = 88172645463325252u;

	for (int i = 0; i < 20000; i++) {
		double real;

		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		memcpy(&real, &state, sizeof real);
		if (!isfinite(real))
			continue;
		ck_assert(strtod(printed(arena, real), NULL) == real);
		arena_reset(arena);
	}
	arena_free(arena);
}
END_TEST

START_TEST(base64)
{
	static const char *const rows[][2] = { { "", "" }, { "f", "Zg==" }, { "fo", "Zm8=" }, { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" } };
	static const char *const bad[] = { "Z", "Zg=", "Zg===", "=", "==", "Z===", "Zm9vY", "Zm 9", "Zm9\n", "Zg==Zg==",
		"Zm9-", "Zh==", "Zm9=" };
	struct arena *arena = arena_new();
	size_t length = 99;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *bytes;

		ck_assert_str_eq(base64_encode(arena, rows[i][0], strlen(rows[i][0])), rows[i][1]);
		bytes = base64_decode(arena, rows[i][1], &length);
		ck_assert_ptr_nonnull(bytes);
		ck_assert_uint_eq(length, strlen(rows[i][0]));
		ck_assert_mem_eq(bytes, rows[i][0], length);
	}
	ck_assert_mem_eq(base64_decode(arena, "Zm8", &length), "fo", 2);
	ck_assert_uint_eq(length, 2);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(!base64_decode(arena, bad[i], &length), "%s", bad[i]);
	ck_assert_uint_eq(length, 2);
	arena_free(arena);
}
END_TEST

START_TEST(base64_of_all_bytes)
{
	struct arena *arena = arena_new();
	unsigned char all[256];

	for (size_t i = 0; i < sizeof all; i++)
		all[i] = (unsigned char)i;
	for (size_t size = 0; size <= sizeof all; size++) {
		size_t length;
		unsigned char *back = base64_decode(arena, base64_encode(arena, all, size), &length);

		ck_assert_uint_eq(length, size);
		ck_assert_mem_eq(back, all, size);
	}
	arena_free(arena);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { text_grows, integers, ids, equality, utf8,
		doubles_as_java_prints_them, doubles_read_back, base64, base64_of_all_bytes, NULL };

	return run_suite("text", tests);
}
