/* SPDX-License-Identifier: Apache-2.0
 * What every test program of this folder has: its cases in one suite, and the main that runs it. */
#ifndef TESTS_BASE_RUN_H
#define TESTS_BASE_RUN_H

#include <check.h>

#include "base/arena.h"

/* Runs the tests of a NULL-ended list; the exit code. */
static inline int
run_suite(const char *name, const TTest *const *tests)
{
	Suite *suite = suite_create(name);
	TCase *cases = tcase_create(name);
	SRunner *runner;
	int failed;

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
