/* SPDX-License-Identifier: Apache-2.0
 * What the unit tests of api/ share: an arena for each test, and the main that runs them. */
#ifndef TESTS_API_UNIT_H
#define TESTS_API_UNIT_H

#include <check.h>

#include "base/arena.h"

static struct arena *arena;

static void
arena_setup(void)
{
	arena = arena_new();
}

static void
arena_teardown(void)
{
	arena_free(arena);
}

/* Runs the tests of a NULL-ended list; the exit code. */
static inline int
run_units(const char *name, const TTest *const *tests)
{
	Suite *suite = suite_create(name);
	TCase *cases = tcase_create(name);
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(cases, arena_setup, arena_teardown);
	for (; *tests; tests++)
		tcase_add_test(cases, *tests);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

#endif
