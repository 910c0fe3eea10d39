/* SPDX-License-Identifier: Apache-2.0
 * Random processes: blocks of every supported element nested at random, or an unstructured graph.  A sketch is the
 * generator's own model of the process, not the compiler's: the reference semantics (reference.h) read it too. */
#ifndef TESTS_SIMULATE_SKETCH_H
#define TESTS_SIMULATE_SKETCH_H

#include "base/arena.h"
#include "tests/simulate/dice.h"

struct sketch_shape {
	int most_nodes;			/* flow nodes, roughly, of all levels together */
	int most_depth;			/* of sub-processes in each other */
	bool unstructured;		/* any graph that deploys, loops and dead branches included; else blocks */
};

struct sketch;

/* The process of that seed and shape, in the arena: always one that bpmn_compile() accepts, with the process id "p". */
struct sketch *sketch_random(struct arena *arena, uint64_t seed, const struct sketch_shape *shape);

/* Its BPMN file; the same text for the same sketch. */
const char *sketch_xml(const struct sketch *sketch, struct arena *arena);

/* Shrinking: how many parts can be left out one at a time, and the process without one of them (0 to parts - 1), with
 * what hangs on it; the flows are mended.  NULL when nothing that deploys would be left. */
size_t sketch_parts(const struct sketch *sketch);
struct sketch *sketch_without(struct arena *arena, const struct sketch *sketch, size_t part);

#endif
