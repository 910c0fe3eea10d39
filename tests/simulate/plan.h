/* SPDX-License-Identifier: Apache-2.0
 * A schedule: diagrams, settings and steps, all from one seed.  Played twice it does the same, to the last bit. */
#ifndef TESTS_SIMULATE_PLAN_H
#define TESTS_SIMULATE_PLAN_H

#include "tests/simulate/sketch.h"
#include "tests/simulate/steps.h"

struct step {
	enum step_kind kind;
	uint64_t seed;			/* of its own dice */
};

struct plan {
	uint64_t seed;			/* what it was made of */
	uint64_t end_seed;		/* dice of the end, when the faults have stopped */
	struct sketch *sketches[WORLD_DEFINITIONS];
	size_t sketch_count;
	int daemons, lanes, poison;
	int64_t batch_commands, ready_window, job_window_seconds, lock_expiries;
	size_t cache_bytes;
	struct step *steps;
	size_t step_count;
};

struct verdict {
	char failed[WORLD_MESSAGE];	/* "": all is well */
	uint64_t hash;
	struct world_count counted;
};

struct plan *plan_random(struct arena *arena, uint64_t seed);

/* Plays it to the end.  story, unless NULL, has room for that many bytes and becomes what happened, while it does. */
struct verdict plan_play(const struct plan *plan, struct arena *arena, char *story, size_t room);

/* Its diagrams' BPMN files and its settings in words. */
const char *plan_diagram(const struct plan *plan, size_t number, struct arena *arena);
const char *plan_settings(const struct plan *plan, struct arena *arena);

#endif
