/* SPDX-License-Identifier: Apache-2.0
 * The invariants that hold at every commit and every answer (I1 to I14).  They are the hooks of the store in memory and
 * of the requests; what is broken is noted with world_fail(). */
#ifndef TESTS_SIMULATE_RULES_H
#define TESTS_SIMULATE_RULES_H

#include "tests/simulate/world.h"

/* Before a transaction: what the trees of the lane are then must be what the store has after it. */
void rules_promise(struct place *place, const struct batch *batch);

/* A command of a transaction, before and after it is in the stored tree. */
void rules_saving(struct place *place, const struct saved_command *command, const struct effects *effects,
	const struct tree *stored);
void rules_saved(struct place *place, const struct saved_command *command, const struct effects *effects,
	const struct tree *stored);

/* A request was answered. */
void rules_answered(struct world *world, struct ask *ask);

/* At the end: everybody was answered, and what was acknowledged is in the history once. */
void rules_end(struct world *world);

void rules_free(struct world *world);

#endif
