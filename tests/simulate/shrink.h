/* SPDX-License-Identifier: Apache-2.0
 * A schedule that fails, made small: without the steps, daemons and parts of diagrams that it fails without, too. */
#ifndef TESTS_SIMULATE_SHRINK_H
#define TESTS_SIMULATE_SHRINK_H

#include "tests/simulate/plan.h"

/* Changes the plan; what is new lives in the arena.  Takes seconds seconds at most. */
void shrink(struct plan *plan, struct arena *arena, int seconds);

#endif
