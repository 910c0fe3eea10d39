/* SPDX-License-Identifier: Apache-2.0
 * Reading whole files. */
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/base/run.h"

static struct arena *arena;
static char path[] = "test-file-XXXXXX";

static void
setup(void)
{
	arena = arena_new();
	memset(path + strlen(path) - 6, 'X', 6);
	close(mkstemp(path));
}

static void
teardown(void)
{
	unlink(path);
	arena_free(arena);
}

static void
put(const char *bytes, size_t length)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(bytes, 1, length, file), length);
	ck_assert_int_eq(fclose(file), 0);
}

START_TEST(whole)
{
	size_t length = 1;
	const char *bytes;
	struct text large;
	struct error err;

	ck_assert_int_eq(file_read(arena, path, &bytes, &length, &err), OK);
	ck_assert_uint_eq(length, 0);
	ck_assert_str_eq(bytes, "");
	put("a\0b\n", 4);
	ck_assert_int_eq(file_read(arena, path, &bytes, &length, &err), OK);
	ck_assert_uint_eq(length, 4);
	ck_assert_mem_eq(bytes, "a\0b\n\0", 5);
	text_init(&large, arena);
	for (int i = 0; i < 50000; i++)
		text_printf(&large, "%d,", i);
	put(text_string(&large), large.length);
	ck_assert_int_eq(file_read(arena, path, &bytes, &length, &err), OK);
	ck_assert_uint_eq(length, large.length);
	ck_assert_str_eq(bytes, text_string(&large));
}
END_TEST

START_TEST(what_cannot_be_read)
{
	const char *bytes;
	size_t length;
	struct error err;

	ck_assert_int_eq(file_read(arena, "no/such/file", &bytes, &length, &err), E_invalid_request);
	ck_assert_str_eq(err.message, "cannot open 'no/such/file': No such file or directory");
	ck_assert_int_eq(file_read(arena, ".", &bytes, &length, &err), E_invalid_request);
	ck_assert_str_eq(err.message, "cannot read '.': Is a directory");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { whole, what_cannot_be_read, NULL };

	return run_suite_with("file", setup, teardown, RUN_SECONDS, tests);
}
