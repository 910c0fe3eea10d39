/* SPDX-License-Identifier: Apache-2.0
 * A store in plain memory with the rules of the real one, for tests: what is saved is what the effects say, replayed
 * from their bytes; ownership, order and limits are as in store/store.h.  Several stores may be opened on one memory,
 * as several daemons on one database. */
#ifndef TESTS_MEMORY_STORE_H
#define TESTS_MEMORY_STORE_H

#include "store/store.h"

enum { MEMORY_LANES = 8 };

enum memory_call { MEMORY_claim, MEMORY_renew, MEMORY_try, MEMORY_load, MEMORY_save, MEMORY_ready, MEMORY_jobs,
	MEMORY_filter, MEMORY_CALLS };

struct memory_lane {
	struct lane_range range;
	int64_t owner, seen_us;
	int64_t tried;			/* see try_job() */
	int32_t tries;
};

struct memory {
	struct arena *arena;
	int64_t now_us;			/* the database's time: moves when the test says so */
	struct memory_lane lanes[MEMORY_LANES];
	int64_t next_id[PART_COUNT];
	struct tree **trees;		/* of the instances that run */
	size_t tree_count, tree_capacity;
	size_t calls[MEMORY_CALLS];
	size_t saved_commands;		/* of batches that were saved */
	size_t ended;			/* trees */
	bool hold;			/* answers to what was sent do not arrive */
	/* Asked before each call (batch: of a save); what is not OK is its answer, and nothing is done. May be NULL. */
	enum status (*judge)(struct memory *memory, enum memory_call call, const struct batch *batch,
		struct error *err);
	void *context;			/* the test's */
};

struct memory *memory_new(int64_t now_us);
void memory_free(struct memory *memory);

/* A store, as store_open_postgres() makes one; closed by its own close(). */
struct store *memory_open(struct memory *memory);

/* The stored tree that has the id, or NULL; it is the memory's. */
const struct tree *memory_tree(const struct memory *memory, int64_t id);

#endif
