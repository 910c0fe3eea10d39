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

/* What becomes of a transaction that is saved or sent. */
enum memory_fate {
	MEMORY_commits,
	MEMORY_aborts,		/* nothing is done, E_weather */
	MEMORY_commits_unheard,	/* done, and the answer is lost: E_fenced, as when nobody can find out */
	MEMORY_aborts_unheard,	/* nothing is done, and the answer is lost: E_fenced */
	MEMORY_late,		/* only sent: done when the answer is awaited, unless another takes over before */
};

/* A row of the event log, as its bytes. */
struct memory_event {
	int64_t id, root;
	enum command_kind kind;
	int64_t target;			/* of the command */
	const void *bytes;
	size_t length;
};

/* A row of the history: an activity that has ended. */
struct memory_ended {
	int64_t id, ended_us;
	int32_t key;
	bool canceled;
	int times;			/* how often it ended: more than once is wrong */
};

struct memory_lane {
	struct lane_range range;
	int64_t owner, seen_us;
	bool gone;			/* the owner's connection is: nobody has to wait for it */
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
	/* The same for what is to become of a transaction that the judge let pass, or of a claim (batch: NULL), which
	 * is never late; NULL: it commits. */
	enum memory_fate (*fate)(struct memory *memory, struct store *store, const struct batch *batch);
	/* Whether a late transaction still commits when another takes over or its daemon dies. NULL: it does not. */
	bool (*outlives)(struct memory *memory, struct store *store);
	/* Told of each command of a transaction that commits, with its effects as the log has them: before they are
	 * in the stored tree, and after (then it may be closed).  May be NULL. */
	void (*saving)(struct memory *memory, struct store *store, const struct saved_command *command,
		const struct effects *effects, const struct tree *stored);
	void (*saved)(struct memory *memory, struct store *store, const struct saved_command *command,
		const struct effects *effects, const struct tree *stored);
	struct store *caller;		/* while the judge is asked: who calls */
	void *context;			/* the test's */
	bool records;			/* keeps log and history: to be set before the first save */
	struct memory_event *log;	/* in the order in which it was written */
	size_t log_count, log_capacity;
	struct map history;		/* id to struct memory_ended */
	struct store *stores;		/* opened on it */
};

struct memory *memory_new(int64_t now_us);
void memory_free(struct memory *memory);

/* A store, as store_open_postgres() makes one; closed by its own close(). */
struct store *memory_open(struct memory *memory);

/* Answers to what this store sends do not arrive while `held`. */
void memory_hold(struct store *store, bool held);

/* The store's daemon has died: what it sent commits or not (outlives()), and the store is not used again. */
void memory_abandon(struct store *store);

/* The next activity of the tree behind `at` (NULL: the first), depth first; NULL behind the last. */
struct activity *memory_walk(const struct tree *tree, const struct activity *at);

/* The stored tree that has the id, or NULL; it is the memory's. */
const struct tree *memory_tree(const struct memory *memory, int64_t id);

#endif
