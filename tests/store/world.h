/* SPDX-License-Identifier: Apache-2.0
 * A database of one test with all that a lane would have around it: a store that owns all parts, a reader, deployed
 * definitions, ids and a clock.  What goes wrong here fails the test. */
#ifndef TESTS_STORE_WORLD_H
#define TESTS_STORE_WORLD_H

#include <check.h>

#include "bpmn/bpmn.h"
#include "store/store_priv.h"

enum { WORLD_DEFINITIONS = 32, WORLD_COMMANDS = 64 };

struct world {
	struct arena *arena;
	const char *database;
	struct settings settings;
	struct store *store;		/* owns all parts */
	struct claim claim;
	struct reader *reader;
	struct definitions definitions;
	struct definition list[WORLD_DEFINITIONS];
	size_t count;
	struct limits limits;
	int64_t now_us, next_id;	/* everything in part 0 */
	struct error error;
	/* commands that ran and are not saved */
	struct saved_command commands[WORLD_COMMANDS];
	size_t command_count;
	struct outcome outcome;		/* of the last command */
};

/* In main(): the server, and a migrated database to copy. */
void world_prepare(void);

/* The connection string of a fresh migrated database. */
const char *world_database(const char *name);

struct world *world_open(const char *name);
void world_close(struct world *world);

/* Deploys the process with these flow nodes inside (see sim_process()). */
const struct definition *world_deploy(struct world *world, const char *body);

/* Runs one command and keeps it for the next save.  A start needs an empty tree. */
enum status world_run(struct world *world, struct tree *tree, struct command command);
struct tree *world_start(struct world *world, const struct definition *definition, struct entries variables);

/* Saves what ran as one batch, which is kept when that fails. */
enum status world_save(struct world *world);
void world_must_save(struct world *world);

/* The tree that the database has, NULL when nothing runs there; to be freed. */
struct tree *world_load(struct world *world, int64_t id);

/* Saves, and says that loading gives the same tree again. */
void world_must_round_trip(struct world *world, struct tree *tree);

/* Says that loading gives the same tree, but for values that are not stored. */
void world_must_equal_stored(struct world *world, const struct tree *tree);

/* The open activity at that element. */
struct activity *world_at(const struct tree *tree, const char *element);

/* The single cell of a query, "null", or "none" without a row.  It has a connection of its own. */
const char *world_ask(struct world *world, const char *sql, ...) PRINTF_LIKE(2, 3);
int64_t world_number(struct world *world, const char *sql, ...) PRINTF_LIKE(2, 3);

/* Ends the backend that serves this connection. */
void world_terminate(struct world *world, PGconn *conn);

/* Runs the tests of a NULL-ended list; the exit code of main(). */
int world_suite(const char *name, const TTest *const *tests);
/* The same with something around each. */
int world_suite_with(const char *name, void (*setup)(void), void (*teardown)(void), const TTest *const *tests);

#endif
