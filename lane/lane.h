/* SPDX-License-Identifier: Apache-2.0
 * A lane: the one writer of a range of parts, as a state machine.  It is stepped with the time and what has arrived; it
 * has no thread and no socket.  What it holds (trees, ready queues, timers) is a bounded cache of the store. */
#ifndef LANE_LANE_H
#define LANE_LANE_H

#include "store/store.h"

enum request_kind {
	REQUEST_command,	/* one command for one tree */
	REQUEST_fetch,		/* lock external tasks and hand them out */
};

/* One topic of a fetch (api.md 2.1). Absent filters are NULL or 0. */
struct fetch_topic {
	const char *topic;
	int64_t lock_us;			/* duration of the lock */
	const char *business_key;
	const char *const *definition_ids;	/* wire ids; any of them */
	size_t definition_id_count;
	const char *const *definition_keys;
	size_t definition_key_count;
	const char *version_tag;		/* a LIKE pattern */
	const char *const *tenants;
	size_t tenant_count;
	bool without_tenant;
	struct entries process_variables;	/* any equal */
	bool variables_given;			/* else all visible ones */
	const char *const *variables;		/* names */
	size_t variable_count;
	bool local_variables;			/* only those of the task's own scope */
	bool deserialize;
	bool extension_properties;
};

enum fetch_order { FETCH_any, FETCH_oldest, FETCH_newest };	/* within equal priority */

struct fetch {
	const char *worker;
	int64_t max_tasks;
	bool use_priority;
	enum fetch_order order;
	const struct fetch_topic *topics;
	size_t topic_count;
};

/* A task handed out: everything the reply shows, in the request's arena. */
struct fetched {
	const struct definition *definition;
	const struct node *node;
	int64_t activity, instance;
	const char *business_key;
	int64_t created_us;
	struct external external;		/* with the new lock */
	struct entries variables;
	const struct fetch_topic *topic;
};

struct request {
	enum request_kind kind;
	struct arena *arena;		/* of the request; the lane writes answers into it */
	struct command command;		/* REQUEST_command; now_us, next_id and limits are the lane's to fill in */
	struct fetch fetch;		/* REQUEST_fetch */
	int64_t arrived_us;		/* monotonic, for the histograms */

	/* the answer, set before done() */
	enum status status;
	const struct error *error;	/* in the arena; NULL when status is OK */
	struct outcome outcome;
	struct fetched *tasks;
	size_t task_count;
	/* Called once, by whoever steps the lane, after the commit (or the refusal).  The request is the caller's
	 * again. */
	void (*done)(struct request *request);
	void *context;			/* the caller's */

	struct request *next;		/* the queue's */
};

/* The answer is this failure. */
void request_fail(struct request *request, const struct error *err);

struct lane;

struct lane_config {
	struct lane_range range;
	struct store *store;
	const struct definitions *definitions;
	const struct settings *settings;
	size_t cache_bytes;		/* this lane's share */
	/* After a commit that made external tasks of a topic ready (also when a lock ran out). May be NULL. */
	void (*ready)(void *context, struct lane *lane, const char *topic);
	/* The lane became active or stepped down. May be NULL. */
	void (*owned)(void *context, struct lane *lane, bool active);
	/* The clock of lane_step()'s monotonic_us, read when a call of the store is over. NULL: those take no time. */
	int64_t (*monotonic)(void *context);
	void *context;
	int64_t owner;			/* fresh random number of this daemon, positive */
};

struct lane *lane_new(const struct lane_config *config);
/* As lane_stop() leaves it; what is on its way else is forgotten, and nobody is answered. */
void lane_free(struct lane *lane);

/* Whether it owns its parts: answers commands. */
bool lane_active(const struct lane *lane);

/* Whether the database took no batch a short while ago, and may take none again though the lane is active: its disk is
 * full, say. */
bool lane_recovers(const struct lane *lane);

/* Whether it is not active because another daemon is: neither the database nor anything else is missing. */
bool lane_standby(const struct lane *lane);

/* One step: claims or renews ownership when it is time, takes from *inbox (a list in order of arrival, taken over in
 * part; what is left stays) at most one batch, runs and saves it together with due jobs and expired locks, and answers.
 * monotonic_us never goes back.  Returns the monotonic time at which it wants to be stepped again though nothing
 * arrives; <= monotonic_us when there is more to do at once. Requests to a lane that is not active are answered
 * E_unavailable. */
int64_t lane_step(struct lane *lane, int64_t monotonic_us, struct request **inbox);

/* While a batch is on its way into the store a step does not wait for it.  Then lane_flying() says so, lane_socket()
 * is what becomes readable when the lane should be stepped again (-1: at once), and lane_takes() tells whether a step
 * before that would take requests. */
bool lane_flying(const struct lane *lane);
int lane_socket(const struct lane *lane);
bool lane_takes(const struct lane *lane);

/* Finishes: awaits what is on its way, answers what is left in inbox with E_unavailable and gives the range up. */
void lane_stop(struct lane *lane, struct request **inbox);

/* The part of instances with that business key (and tenant, or NULL): the same for ever. */
int32_t part_of_key(const char *tenant, const char *business_key);

/* How many tasks are ready for the topic, roughly: what a dispatcher compares. */
size_t lane_ready(const struct lane *lane, const char *topic);

/* The time of the database as the lane knows it. */
int64_t lane_now(const struct lane *lane, int64_t monotonic_us);

#endif
