/* SPDX-License-Identifier: Apache-2.0
 * The end of a schedule (I13): faults have stopped, workers and people do all there is to do, and time passes. */
#ifndef TESTS_SIMULATE_DRAIN_H
#define TESTS_SIMULATE_DRAIN_H

#include "tests/simulate/world.h"

/* Afterwards nothing runs any more, or the world has failed. */
void drain(struct world *world);

#endif
