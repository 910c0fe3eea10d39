/* SPDX-License-Identifier: Apache-2.0
 * Arenas, errors. */
#include "base/error.h"

#include <stdint.h>
#include <string.h>

#include "base/text.h"
#include "tests/base/run.h"

START_TEST(memory_is_zeroed_and_aligned)
{
	struct arena *arena = arena_new();
	static const char zeros[100000];

	for (int round = 0; round < 3; round++) {
		for (size_t size = 0; size < 100000; size = size * 2 + 1) {
			char *memory = arena_alloc(arena, size);

			ck_assert_ptr_nonnull(memory);
			ck_assert_uint_eq((uintptr_t)memory % 16, 0);
			ck_assert_mem_eq(memory, zeros, size);
			memset(memory, 0xff, size);
		}
		arena_reset(arena);
		ck_assert_uint_eq(arena_used(arena), 0);
	}
	arena_free(arena);
	arena_free(NULL);
}
END_TEST

START_TEST(objects_do_not_overlap)
{
	struct arena *arena = arena_new();
	unsigned char *objects[500];

	for (size_t i = 0; i < 500; i++) {
		objects[i] = arena_alloc(arena, i * 37 % 3000 + 1);
		memset(objects[i], (int)(i % 251), i * 37 % 3000 + 1);
	}
	for (size_t i = 0; i < 500; i++) {
		ck_assert_uint_eq(objects[i][0], i % 251);
		ck_assert_uint_eq(objects[i][i * 37 % 3000], i % 251);
	}
	ck_assert_uint_ge(arena_used(arena), 500 * 1000);
	arena_free(arena);
}
END_TEST

START_TEST(copies)
{
	struct arena *arena = arena_new();

	ck_assert_str_eq(arena_strdup(arena, "abc"), "abc");
	ck_assert_ptr_null(arena_strdup(arena, NULL));
	ck_assert_ptr_null(arena_strndup(arena, NULL, 3));
	ck_assert_str_eq(arena_strndup(arena, "abcdef", 3), "abc");
	ck_assert_str_eq(arena_strndup(arena, "ab", 300), "ab");
	ck_assert_mem_eq(arena_copy(arena, "a\0b", 3), "a\0b", 3);
	ck_assert_ptr_nonnull(arena_copy(arena, NULL, 0));
	ck_assert_str_eq(arena_printf(arena, "%d-%s", 7, "x"), "7-x");
	arena_free(arena);
}
END_TEST

START_TEST(arrays_grow)
{
	struct arena *arena = arena_new();
	size_t capacity = 0;
	int *array = NULL;

	for (size_t i = 0; i < 1000; i++) {
		array = arena_grow(arena, array, sizeof *array, i, &capacity);
		ck_assert_uint_gt(capacity, i);
		array[i] = (int)i;
	}
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(array[i], i);
	ck_assert_ptr_nonnull(ARENA_ARRAY(arena, int, 0));
	arena_free(arena);
}
END_TEST

START_TEST(error_is_written)
{
	struct error err = { .element = "old", .line = 7 };

	ck_assert_int_eq(FAIL(&err, invalid_request, "no '%s'", "x"), E_invalid_request);
	ck_assert_int_eq(err.status, E_invalid_request);
	ck_assert_str_eq(err.message, "no 'x'");
	ck_assert_ptr_null(err.element);
	ck_assert_int_eq(err.line, 0);
	ck_assert_int_eq(FAIL(&err, internal, "wrapped: %s", err.message), E_internal);
	ck_assert_str_eq(err.message, "wrapped: no 'x'");
	ck_assert_int_eq(FAIL(NULL, parse, "nobody listens"), E_parse);
}
END_TEST

START_TEST(long_messages_are_cut_between_characters)
{
	for (size_t shift = 0; shift < 3; shift++) {
		char longest[2 * ERROR_TEXT + 1] = { 0 };
		struct error err;

		memset(longest, 'a', shift);
		for (size_t i = shift; i + 3 < sizeof longest; i += 3)
			memcpy(longest + i, "\xe2\x82\xac", 3);
		ck_assert_int_eq(FAIL(&err, parse, "%s", longest), E_parse);
		ck_assert_uint_ge(strlen(err.message), ERROR_TEXT - 4);
		ck_assert(text_is_utf8(err.message, strlen(err.message)));
	}
}
END_TEST

/* The precision of a format cuts inside a character, and a client's bytes may be none. */
START_TEST(messages_are_text)
{
	struct error err;

	ck_assert_int_eq(FAIL(&err, parse, "'%.2s' is \xff\xc3no \xe2\x82\xactext\xe2\x82", "a\xc3\xa4"), E_parse);
	ck_assert_str_eq(err.message, "'a' is no \xe2\x82\xactext");
	ck_assert_int_eq(FAIL(&err, internal, "%s", "\x80"), E_internal);
	ck_assert_uint_gt(strlen(err.message), 0);
}
END_TEST

START_TEST(status_rows)
{
	ck_assert_int_eq(status_http(OK), 200);
	ck_assert_int_eq(status_http(E_invalid_missing), 404);
	ck_assert_str_eq(status_type(E_suspended), "SuspendedEntityInteractionException");
	ck_assert_int_eq(status_code(E_invalid_request), -1);
	ck_assert_int_eq(status_code(E_parse), 0);
	ck_assert_str_eq(status_name(E_weather), "weather");
	for (int i = OK + 1; i < STATUS_COUNT; i++)
		ck_assert_int_ge(status_http((enum status)i), 400);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { memory_is_zeroed_and_aligned, objects_do_not_overlap, copies,
		arrays_grow, error_is_written, long_messages_are_cut_between_characters, messages_are_text, status_rows,
		NULL };

	return run_suite("arena", tests);
}
