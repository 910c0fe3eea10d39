/* SPDX-License-Identifier: Apache-2.0
 * A lane on a store in memory, stepped by hand: the test says what arrives and how time passes. */
#ifndef TESTS_LANE_DRIVE_H
#define TESTS_LANE_DRIVE_H

#include <check.h>

#include "lane/lane.h"
#include "tests/memory_store.h"

enum { DRIVE_DEFINITIONS = 8, DRIVE_SECOND = 1000000 };

struct drive {
	struct arena *arena;
	struct memory *memory;
	struct settings settings;	/* to be changed before drive_open() */
	size_t cache_bytes;
	struct lane *lane;
	struct definition list[DRIVE_DEFINITIONS];
	size_t count;
	struct definitions definitions;
	int64_t now_us;			/* monotonic; the database's time moves along */
	int64_t next_us;		/* when the last step wants the next */
	struct request *inbox, **end;
	struct text told;		/* topics that ready() named, with blanks */
	int owned;			/* how often the lane said so, less how often it stepped down */
};

struct drive *drive_new(void);
void drive_free(struct drive *drive);

/* The lane of a daemon; stepped once. */
void drive_open(struct drive *drive);
/* One of another daemon on the same memory; the test frees it. */
struct lane *drive_another(struct drive *drive, int64_t owner);
/* The daemon dies: a fresh lane, of another owner, takes its place (and is not stepped). */
void drive_restart(struct drive *drive, int64_t owner);

/* Compiles the process with these flow nodes inside (see sim_process()). */
const struct definition *drive_define(struct drive *drive, const char *body);

/* Puts a request into the inbox.  It is the drive's. */
struct request *drive_ask(struct drive *drive, struct command command);
struct request *drive_fetch(struct drive *drive, struct fetch fetch);
/* The common fetch: one topic, a lock of 10 seconds. */
struct request *drive_fetch_topic(struct drive *drive, const char *worker, const char *topic, int64_t max_tasks);
struct request *drive_start(struct drive *drive, const struct definition *definition, struct entries variables);
int drive_answers(const struct request *request);	/* how often done() was called */

/* One step; then as many as there is something to do at once. */
void drive_step(struct drive *drive);
void drive_settle(struct drive *drive);
/* Lets time pass without a step; and with each step that the lane wants on the way. */
void drive_wait(struct drive *drive, int64_t us);
void drive_run(struct drive *drive, int64_t us);

/* Asks and settles; the answer must be OK. */
struct request *drive_do(struct drive *drive, struct command command);
/* Starts and settles; the instance. */
int64_t drive_begin(struct drive *drive, const struct definition *definition, struct entries variables);
/* The stored activity of that element in that instance, NULL when none is open. */
const struct activity *drive_at(struct drive *drive, int64_t instance, const char *element);

/* Runs the tests of a NULL-ended list, each with a fresh drive; the exit code of main(). */
extern struct drive *drive;
int drive_suite(const char *name, const TTest *const *tests);

#endif
