/* SPDX-License-Identifier: Apache-2.0
 * Programs as text, compared with golden files: tests/bpmn/golden/NAME.bpmn gives NAME.txt.
 * UPDATE_GOLDEN=1 in the environment writes them anew. */
#include "bpmn/bpmn.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static const char *const models[] = { "order", "loops", "joins" };

static struct arena *arena;

static const char *
golden_path(const char *name, const char *suffix)
{
	const char *top = getenv("SRCDIR");

	return arena_printf(arena, "%s/tests/bpmn/golden/%s.%s", top != NULL ? top : ".", name, suffix);
}

static const char *
read_file(const char *path)
{
	const char *bytes;
	struct error err;
	size_t length;

	ck_assert_msg(file_read(arena, path, &bytes, &length, &err) == OK, "%s", err.message);
	return bytes;
}

static void
write_file(const char *path, const char *content)
{
	FILE *file = fopen(path, "w");

	ck_assert_msg(file != NULL, "cannot write %s", path);
	fputs(content, file);
	ck_assert_int_eq(fclose(file), 0);
}

static const char *
dump_model(const char *name)
{
	const char *xml = read_file(golden_path(name, "bpmn"));
	struct error err = { .status = OK };
	struct diagram diagram;
	struct text text;
	enum status status = bpmn_compile(arena, name, xml, strlen(xml), &diagram, &err);

	ck_assert_msg(status == OK, "%s: %s", name, err.message);
	ck_assert_uint_eq(diagram.problems.count, 0);
	text_init(&text, arena);
	for (size_t i = 0; i < diagram.program_count; i++)
		program_dump(diagram.programs[i], &text);
	return text_string(&text);
}

START_TEST(golden)
{
	const char *dump = dump_model(models[_i]), *path = golden_path(models[_i], "txt");

	if (getenv("UPDATE_GOLDEN") != NULL)
		write_file(path, dump);
	ck_assert_str_eq(dump, read_file(path));
}
END_TEST

static void
setup(void)
{
	arena = arena_new();
}

static void
teardown(void)
{
	arena_free(arena);
}

int
main(void)
{
	Suite *suite = suite_create("bpmn/dump");
	TCase *tests = tcase_create("golden");
	struct error err = { .status = OK };
	SRunner *runner;
	int failed;

	if (bpmn_init(&err) != OK) {
		fprintf(stderr, "%s\n", err.message);
		return EXIT_FAILURE;
	}
	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_loop_test(tests, golden, 0, (int)(sizeof(models) / sizeof(models[0])));
	suite_add_tcase(suite, tests);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	bpmn_done();
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
