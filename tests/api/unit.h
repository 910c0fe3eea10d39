/* SPDX-License-Identifier: Apache-2.0
 * What the unit tests of api/ share: an arena for each test, and the main that runs them. */
#ifndef TESTS_API_UNIT_H
#define TESTS_API_UNIT_H

#include "tests/base/run.h"

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
	return run_suite_with(name, arena_setup, arena_teardown, RUN_SECONDS, tests);
}

#endif
