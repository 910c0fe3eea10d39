/* SPDX-License-Identifier: Apache-2.0
 * Runs the tests of a program that needs the schema of BPMN. */
#ifndef TESTS_BPMN_RUN_H
#define TESTS_BPMN_RUN_H

#include <stdio.h>

#include "bpmn/bpmn.h"
#include "tests/base/run.h"

/* As run_suite_with(). */
static inline int
run_bpmn_suite(const char *name, void (*setup)(void), void (*teardown)(void), int seconds, const TTest *const *tests)
{
	struct error err = { .status = OK };
	int failed;

	if (bpmn_init(&err) != OK) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	failed = run_suite_with(name, setup, teardown, seconds, tests);
	bpmn_done();
	return failed;
}

#endif
