/* SPDX-License-Identifier: Apache-2.0
 * The steps of a schedule: what clients ask and what goes wrong.  Each takes what it needs from dice of its own and
 * from what is stored, so that a schedule without one of its steps is still a schedule. */
#ifndef TESTS_SIMULATE_STEPS_H
#define TESTS_SIMULATE_STEPS_H

#include "tests/simulate/world.h"

enum step_kind {
#define STEP(name, weight) STEP_##name,
#include "tests/simulate/steps.def"
#undef STEP
	STEP_COUNT
};

/* One by weight. */
enum step_kind step_random(struct dice *dice);

/* Whether it ends an ownership, or may: schedules without such steps show what a fresh start would mend. */
bool step_unsettles(enum step_kind kind);

/* Plays it; world->dice are its dice. */
void step_play(struct world *world, enum step_kind kind);

/* An operator deletes instances that grow without end: loops that fork. */
bool step_too_large(const struct tree *tree);
void step_tame(struct world *world);

/* Some of v0 to v3 with small numbers, in the arena. */
struct entries step_variables(struct dice *dice, struct arena *arena);

/* Asks with a request of its own for what is stored (drain.c does, too); NULL when no daemon lives. */
struct ask *step_command(struct world *world, struct command command);
/* part: of the lane that is asked, -1: any. */
struct ask *step_fetch(struct world *world, const char *worker, const char *const *topics, size_t count, int64_t most,
	int part);

#endif
