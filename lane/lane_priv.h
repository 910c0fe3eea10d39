/* SPDX-License-Identifier: Apache-2.0
 * Private to lane/: what a lane holds. */
#ifndef LANE_LANE_PRIV_H
#define LANE_LANE_PRIV_H

#include "base/heap.h"
#include "lane/lane.h"

/* The ready tasks of one topic and definition, best first: order is (-priority, created, id). */
struct queue {
	const char *topic;
	int32_t definition;
	struct ordered *tasks;
	bool more;			/* the store may have tasks behind the window that are not in it: */
	struct order behind;		/* all of them come after this one */
	bool announced;			/* in this step's list of topics with new tasks */
	struct queue *next_of_topic;
	struct queue *next;		/* of all queues */
};

/* A task the lane knows: in its queue, or waiting for a lock to run out. */
struct waiting {
	int64_t id;
	struct queue *queue;
	int64_t priority, created_us;
	int64_t until_us;		/* WHEN_NONE: no lock */
	bool queued, locked;		/* in queue->tasks; in lane->locks */
	struct waiting *next_free;
};

/* A job the lane knows. */
struct timer_entry {
	int64_t id, due_us;
	struct timer_entry *next_free;
};

/* A tree in the cache. */
struct cached {
	struct tree *tree;
	size_t bytes;			/* counted for it */
	int64_t used;			/* number of the step that last needed it */
	int pins;			/* works of batches that run or are on their way: it stays as it is */
	struct cached *newer, *older;	/* by last use */
	struct cached *next_free;
};

/* One command of a batch. */
struct work {
	struct request *request;	/* NULL: a due job */
	const struct fetch_topic *topic;	/* of a pick for a fetch */
	struct command command;
	struct cached *cached;		/* its tree, pinned; NULL for a start until it is saved */
	struct tree *tree;
	struct effects effects;
	struct outcome outcome;
	int64_t event_id, big_id;
	enum status status;
	const struct error *error;	/* in the batch's arena; NULL when status is OK */
	bool picked;			/* the command is a lock for a fetch */
	bool ran;			/* effects are in the tree */
	struct fetched *fetched;	/* of a pick that ran: what is handed out once that is saved */
};

/* A batch: work, and the requests that are answered with it. */
struct gathered {
	struct arena *arena;		/* everything about it */
	struct work *list;
	size_t count, capacity;
	size_t ran;			/* the first so many were run, or refused */
	size_t effects;			/* of those */
	size_t saved;			/* commands that have something to save */
	int64_t *reserved;		/* new part.next_id of the save, by part; 0: unchanged */
	struct request *requests;	/* in order */
	struct request **requests_end;
	size_t request_count;
};

struct lane {
	struct lane_config config;
	struct arena *forever;		/* the lane itself */
	struct arena *arena;		/* as long as the ownership */
	struct arena *scratch;		/* the open batch's */
	struct gathered two[2];
	struct gathered *open;		/* gathers and runs */
	struct gathered *flying;	/* on its way into the store, or NULL: then nothing stays open between steps */
	int64_t launched_us;		/* monotonic */
	bool drains;			/* takes nothing until the store is free */
	bool crowded;			/* a tree that cannot be compacted for its pins has much garbage */
	struct limits limits;
	bool active;
	bool standby;			/* the last claim found another living owner */
	int64_t step;			/* number of this step */

	/* time: the database's, as far as is known, at that monotonic one */
	int64_t base_us, base_monotonic_us, last_now_us;
	int64_t ahead_us;			/* of the database's clock at base_monotonic_us */
	int64_t next_claim_us, next_renew_us;	/* monotonic */
	int64_t claim_pause_us;			/* grows while claims fail */
	bool found_unclean;			/* by claims since this lane was active */
	bool recovers;				/* the database, which is there, took no batch, and none since */
	int64_t settles_us;			/* this time, monotonic */

	/* ids */
	int64_t next_id[PART_COUNT];	/* first not handed out */
	int64_t persisted[PART_COUNT];	/* part.next_id in the store */
	int32_t start_part;		/* where instances without a business key go for a while */
	int64_t starts_left;		/* until the next part */

	/* cache: ids of activities, jobs and instances to their tree */
	struct map index;
	struct cached *newest, *oldest, *free_cached;
	size_t cache_used;

	/* external tasks */
	struct map topics;		/* text to first queue of it */
	struct queue *queues;
	struct map tasks;		/* id to struct waiting */
	struct waiting *free_waiting;
	struct ordered *locks;		/* (until, 0, id) */
	int64_t rescan_us;		/* when locks beyond the window may have run out; INT64_MAX: none */

	/* jobs before the horizon are all here */
	struct ordered *due;		/* (due, 0, id) */
	struct map jobs;		/* id to struct timer_entry */
	struct timer_entry *free_timers;
	struct order horizon;		/* (due, 0, id) */

	/* after an unclean end */
	int64_t careful_us;		/* jobs due until then run alone, each noted first; WHEN_NONE: none does */
	int64_t tried;			/* what is noted in the store; 0: nothing */
	int32_t tries;
	bool requests_first;		/* jobs have filled the last batch, and requests wait */
};

/* Between two claims: short at first, since a daemon that was killed is gone in a moment; longer with each, also when
 * the lane was lost again at once (a full disk lets it be claimed), until it has lived to renew. */
#define SECOND_US INT64_C(1000000)
#define CLAIM_PAUSE_US (SECOND_US / 20)
#define CLAIM_PAUSE_MOST_US SECOND_US

enum { STARTS_PER_PART = 64 };	/* instances without a business key that follow each other into a part */

/* owner.c */
/* It was now_us in the database some time between since_us and monotonic_us; and something was stored then. */
void owner_set_time(struct lane *lane, int64_t now_us, int64_t since_us, int64_t monotonic_us);
void owner_stored(struct lane *lane, int64_t now_us, int64_t since_us, int64_t monotonic_us);
/* The monotonic time, in a step that began at this one. */
int64_t owner_clock(const struct lane *lane, int64_t monotonic_us);
void owner_claim(struct lane *lane, int64_t monotonic_us);	/* tries to, and rebuilds what the lane holds */
void owner_renew(struct lane *lane, int64_t monotonic_us);
void owner_step_down(struct lane *lane, int64_t monotonic_us, const char *why);
void owner_forget(struct lane *lane);				/* everything the lane holds */

/* hand_out.c: the task as it is now, in the arena. */
struct fetched *task_hand_out(const struct activity *activity, const struct fetch_topic *topic, struct arena *arena);

/* run.c: loads and runs what has not run yet, until the batch has `most` effects. When that fails, what was run before
 * stays. */
enum status run_new(struct lane *lane, struct gathered *gathered, size_t most, struct error *err);
/* Forgets the work that has not run, which is no request's in part. */
void run_cut(struct gathered *gathered);
/* Takes everything back, last first; trees that no other batch needs are forgotten. */
void run_undo(struct lane *lane, struct gathered *gathered);
/* The command that records the failure of a job. */
struct command work_failure(struct lane *lane, int64_t job, const struct error *cause);

/* publish.c: after the commit of a batch. */
void publish_all(struct lane *lane, struct gathered *gathered);
/* Takes the effects of work back, and what queues and timers saw of them. */
void publish_undo(struct lane *lane, struct work *work);

/* cache.c */
struct cached *cache_find(struct lane *lane, int64_t id);
struct cached *cache_add(struct lane *lane, struct tree *tree);	/* indexes everything in it */
void cache_touch(struct lane *lane, struct cached *cached);
void cache_index(struct lane *lane, struct cached *cached, int64_t id);
void cache_unindex(struct lane *lane, int64_t id);
void cache_forget(struct lane *lane, struct cached *cached);	/* frees the tree */
void cache_trim(struct lane *lane);				/* to its bytes; compacts what is half garbage */
void cache_clear(struct lane *lane);
/* The next activity of the tree behind `at` (NULL: the first) in depth-first order; NULL at the end. */
struct activity *tree_walk(const struct tree *tree, struct activity *at);

/* tasks.c */
void tasks_init(struct lane *lane);
void tasks_clear(struct lane *lane);
enum status tasks_scan(struct lane *lane, struct error *err);	/* everything from the store, at takeover */
void tasks_sync(struct lane *lane, struct tree *tree, int64_t id);	/* as the tree now says */
void tasks_forget(struct lane *lane, int64_t id);
/* Takes candidates for the fetch out of the queues, best first, at most limit. */
size_t tasks_pick(struct lane *lane, const struct fetch *fetch, size_t limit, int64_t *ids,
	const struct fetch_topic **topics);
void tasks_put_back(struct lane *lane, int64_t id);
void tasks_postpone(struct lane *lane, int64_t id, int64_t until_us);	/* nobody gets it until then */
/* Locks that ran out: they are ready again; up to limit ids that have had too many go to *exhausted instead. */
void tasks_expire(struct lane *lane, int64_t now_us);
void tasks_refill(struct lane *lane);
void tasks_announce(struct lane *lane);				/* tells the dispatcher */
bool tasks_want_store(const struct lane *lane);			/* a window ran dry, or lost locks ran out */
int64_t tasks_next_us(const struct lane *lane);			/* next lock that runs out; INT64_MAX */

/* careful.c */
void careful_begin(struct lane *lane, const struct claim *claim);
bool is_careful(const struct lane *lane);
/* The next job that has to run alone, noted in the store; target 0: there is none, and the lane is careful no more. */
enum status careful_job(struct lane *lane, struct command *command, struct error *err);

/* timers.c */
void timers_init(struct lane *lane);
void timers_clear(struct lane *lane);
void timers_sync(struct lane *lane, struct tree *tree, int64_t id);
size_t timers_due(struct lane *lane, int64_t now_us, size_t limit, int64_t *ids);	/* takes them out */
bool timers_take(struct lane *lane, int64_t id);		/* out, if it is due; whether it was */
void timers_put_back(struct lane *lane, int64_t id, int64_t due_us);	/* whatever the horizon is */
enum status timers_refill(struct lane *lane, int64_t now_us, struct error *err);
bool timers_want_store(const struct lane *lane);		/* jobs are due, or the horizon is near */
int64_t timers_next_us(const struct lane *lane);

#endif
