/* SPDX-License-Identifier: Apache-2.0
 * Schedules in processes of their own, so that one that crashes or hangs is a failure like any other. */
#ifndef TESTS_SIMULATE_GUARD_H
#define TESTS_SIMULATE_GUARD_H

#include "tests/simulate/plan.h"

enum { GUARD_SECONDS = 60 };	/* for one schedule: more is hanging */
enum { GUARD_STORY = 65536 };

/* Plays the plan in a child; verdict.failed also tells how the child died.  story: GUARD_STORY bytes for what happened
 * until then, or NULL. */
struct verdict guard_play(const struct plan *plan, char *story);

/* Plays the schedules first_seed + share, + jobs, ... below first_seed + count in this many children at once, until one
 * fails.  *seed is then that one's, and the verdict is its; else the verdict has what all of them did. */
struct verdict guard_range(uint64_t first_seed, int64_t count, int jobs, uint64_t *seed);

#endif
