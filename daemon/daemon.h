/* SPDX-License-Identifier: Apache-2.0
 * Private to daemon/: the threads and what they share. */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <pthread.h>
#include <stdatomic.h>

#include "api/api.h"

/* Microseconds of CLOCK_MONOTONIC. */
int64_t monotonic_now(void);

/* ---- definitions.c: compiled definitions, shared by all threads ---- */

struct definition_cache;
struct definition_cache *definition_cache_new(const char *database, const struct settings *settings);
void definition_cache_free(struct definition_cache *cache);
/* What engine, store and lane ask; loads and compiles what is not there. */
const struct definitions *definition_cache_face(struct definition_cache *cache);

/* ---- lanes.c: one thread for each lane ---- */

struct lanes;
struct lanes_config {
	const char *database;
	const struct settings *settings;
	const struct definitions *definitions;
	void (*ready)(void *context, int32_t lane, const char *topic, size_t count);
	void *context;
};
enum status lanes_start(const struct lanes_config *config, struct lanes **lanes, struct error *err) MUST_CHECK;
/* Waits until it is decided whether this daemon is active; says so. */
bool lanes_await(struct lanes *lanes);
/* Finishes what is queued, gives the parts up, joins the threads.  What is submitted afterwards is refused. */
void lanes_stop(struct lanes *lanes);
void lanes_free(struct lanes *lanes);
/* While it is on, what the calling thread submits wakes no sleeping lane until it is off again, or much has come. */
void lanes_gather(struct lanes *lanes, bool on);
/* To the lane of the command's part; answered at once when its queue is full. */
void lanes_submit(struct lanes *lanes, struct request *request);
void lanes_submit_to(struct lanes *lanes, int32_t lane, struct request *request);
int32_t lanes_count(const struct lanes *lanes);
bool lanes_active(const struct lanes *lanes);
/* Whether one of them recovers (lane/lane.h). */
bool lanes_recover(const struct lanes *lanes);
/* Not active because another daemon is. */
bool lanes_standby(const struct lanes *lanes);

/* ---- polls.c: fetches, those that wait included ---- */

struct polls;
struct polls *polls_start(void);
void polls_use(struct polls *polls, struct lanes *lanes);
/* Answers everything that is parked, at once and from now on. */
void polls_stop(struct polls *polls);
void polls_free(struct polls *polls);
void polls_fetch(struct polls *polls, struct request *request, int64_t deadline_us,
	bool (*still_there)(struct request *));
/* `count` tasks of the topic are ready in that lane; called by its thread. */
void polls_ready(struct polls *polls, int32_t lane, const char *topic, size_t count);

/* ---- readers.c: a pool of threads, each with its connection ---- */

struct readers;
struct readers *readers_start(const char *database, const struct settings *settings);
/* Finishes what is queued, joins the threads.  Work that comes afterwards is called at once, without a reader. */
void readers_stop(struct readers *readers);
void readers_free(struct readers *readers);
/* Long work keeps all threads but one; the other work goes first. */
void readers_run(struct readers *readers, bool is_long, void (*work)(struct reader *reader, void *argument),
	void *argument);

/* ---- private.c: a PostgreSQL of our own, for `bpmnd dev` ---- */

struct private_postgres;
/* Makes (the first time) and starts a PostgreSQL in folder, reachable by a socket there alone; it dies with us. */
enum status private_start(const char *folder, struct private_postgres **postgres, const char **database,
	struct arena *arena, struct error *err) MUST_CHECK;
void private_stop(struct private_postgres *postgres);

/* ---- audit.c ---- */

/* Checks a database while daemons work on it, prints what was checked and found; `sample` running and as many ended
 * instances, which ones by seed, are replayed.  *findings: how much is wrong. */
enum status audit(const struct settings *settings, size_t sample, uint64_t seed, int64_t *findings,
	struct error *err) MUST_CHECK;

/* ---- serve.c ---- */

/* Runs until SIGTERM or SIGINT: migrates, starts everything, says that it is ready. */
enum status serve(const struct settings *settings, const char *database, struct error *err) MUST_CHECK;

#endif
