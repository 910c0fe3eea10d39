/* SPDX-License-Identifier: Apache-2.0
 * What test programs have in common: their cases in one suite, and how it is run. */
#ifndef TESTS_BASE_RUN_H
#define TESTS_BASE_RUN_H

#include <check.h>

#include "base/arena.h"

enum { RUN_SECONDS = 4 };		/* what check gives a test by itself */

/* Runs the tests of a NULL-ended list, each between setup and teardown (NULL: none); the exit code. */
static inline int
run_suite_with(const char *name, void (*setup)(void), void (*teardown)(void), int seconds, const TTest *const *tests)
{
	Suite *suite = suite_create(name);
	TCase *cases = tcase_create(name);
	SRunner *runner;
	int failed;

	if (seconds != RUN_SECONDS)
		tcase_set_timeout(cases, seconds);
	if (setup)
		tcase_add_checked_fixture(cases, setup, teardown);
	for (; *tests; tests++)
		tcase_add_test(cases, *tests);
	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}

static inline int
run_suite(const char *name, const TTest *const *tests)
{
	return run_suite_with(name, NULL, NULL, RUN_SECONDS, tests);
}

#endif
