/* SPDX-License-Identifier: Apache-2.0
 * What a schedule plays in: one or two daemons with their lanes on one memory, virtual time, clients that remember what
 * they asked and were told, and the first rule that was broken. */
#ifndef TESTS_SIMULATE_WORLD_H
#define TESTS_SIMULATE_WORLD_H

#include "lane/lane.h"
#include "tests/memory_store.h"
#include "tests/simulate/dice.h"

enum { WORLD_DAEMONS = 2, WORLD_LANES = 2, WORLD_DEFINITIONS = 3, WORLD_WORKERS = 4, WORLD_TOPICS = 128 };
enum { WORLD_SECOND = 1000000, WORLD_MESSAGE = 600 };

struct world;

/* One lane of a daemon. */
struct place {
	struct world *world;
	int daemon, number;
	struct store *store;
	struct lane *lane;
	struct request *inbox, **end;
	int64_t next_us;		/* when it wants to be stepped */
	bool held;
	bool fresh;			/* something was asked since its last step */
	enum memory_fate fate;		/* of its next transaction */
	bool late;			/* its next transaction is only sent */
	int weather;			/* so many of its next calls fail */
	bool blames;			/* transactions with an unlucky command fail, in the next step with some */
	bool holds;			/* such a command is not to blame: somebody else holds its rows */
	bool blamed;			/* one did in this step */
	struct map expected;		/* root to struct promised: what the batch on its way must lead to */
};

struct daemon {
	bool alive, paused;
	bool dying;			/* ended in the midst of a step: nobody hears of it any more */
	struct place places[WORLD_LANES];
};

/* A request and what became of it. */
struct ask {
	struct request request;
	struct place *place;
	int committed;			/* how often its command became durable */
	int64_t *locked;		/* fetch: tasks locked durably */
	size_t lock_count, lock_capacity;
	bool answered, lost;		/* lost: its daemon died */
	struct ask *next;		/* of all */
};

/* A task that a worker was given, and may have lost since. */
struct holding {
	int64_t task;
	const char *worker;
};

struct world_count {
	int64_t schedules, commands, steps, commits, aborts, unheard, late, weather, blamed, crashes, poisoned, pauses,
		jumps, takeovers, answers;
};

struct world {
	struct arena *arena;
	struct memory *memory;
	struct settings settings;
	struct definition list[WORLD_DEFINITIONS];
	size_t count;
	struct definitions definitions;
	int daemons, lanes;
	struct daemon daemon[WORLD_DAEMONS];
	int64_t now_us;			/* monotonic */
	int64_t latest_us;		/* what a lane can take for the database's time, at most */
	int64_t next_owner;
	size_t cache_bytes;
	int poison;			/* one job in so many ends the daemon that runs it; 0: none */
	int64_t poisonings;
	struct map poisoned;		/* jobs that did */
	struct dice dice;		/* of the step that is played */
	struct ask *asks;
	struct map by_arena;		/* requests by their arena */
	struct holding *holdings;
	size_t holding_count, holding_capacity;
	const char *topics[WORLD_TOPICS];
	size_t topic_count;
	struct map ids;			/* every id that ever became durable */
	struct map done;		/* tasks to their number of completions */
	struct map tallies;		/* how often tokens came to joins, and these fired */
	struct map replayed;		/* root to the tree that its log alone gives */
	uint64_t hash;			/* of all that was stored and answered */
	bool quiet;			/* faults have stopped: only success counts */
	char failed[WORLD_MESSAGE];	/* the first rule that was broken; "" when none was */
	struct world_count counted;
	char *story;			/* what was played, in the words of tests/stories; NULL: not wanted */
	size_t story_room;
	struct arena **arenas;		/* of requests */
	size_t arena_count, arena_capacity;
};

/* The world is the arena's but for its lanes and trees. Definitions are to be added, then world_begin(). */
struct world *world_new(struct arena *arena);
void world_begin(struct world *world);
void world_free(struct world *world);

/* Notes that a rule is broken; the first one stays. */
void world_fail(struct world *world, const char *format, ...) PRINTF_LIKE(2, 3);
bool world_failed(const struct world *world);

/* A line of the story. */
void world_tell(struct world *world, const char *format, ...) PRINTF_LIKE(2, 3);

/* Puts a request into the inbox of the lane for its target's part (0: any): that of a daemon which owns it, unless
 * `anywhere`.  NULL when no daemon lives.  arena: of the request, from world_arena(). */
struct arena *world_arena(struct world *world);
struct ask *world_ask(struct world *world, struct arena *arena, struct request request, bool anywhere);

/* One step of a lane; as many as there is something to do at once, on all lanes that are not paused: whether they rest
 * then (a diagram may run in circles). */
void world_step(struct world *world, struct place *place);
bool world_settle(struct world *world);
/* Time passes, with every step that the lanes want on the way. */
void world_run(struct world *world, int64_t us);
/* The database's clock moves alone. */
void world_jump(struct world *world, int64_t us);

/* A daemon is killed; another takes its name. */
void world_kill(struct world *world, struct daemon *daemon);
void world_revive(struct world *world, struct daemon *daemon);

/* The lane of a living daemon that is active for the id's part, or NULL. */
struct place *world_owner(struct world *world, int64_t id);

/* No more faults: everything that was held, paused or dead goes on. */
void world_calm(struct world *world);

#endif
