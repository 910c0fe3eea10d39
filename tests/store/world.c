/* SPDX-License-Identifier: Apache-2.0
 * See world.h. */
#include "tests/store/world.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/base/run.h"
#include "tests/engine/sim.h"
#include "tests/fixture/pg.h"

void
world_prepare(void)
{
	struct error err;
	int from, to;

	if (bpmn_init(&err) != OK)
		exit(EXIT_FAILURE);
	pg_fixture_start(false);
	if (store_migrate(pg_fixture_database("migrated", NULL), &from, &to, &err) == OK)
		return;
	fprintf(stderr, "%s\n", err.message);
	exit(EXIT_FAILURE);
}

const char *
world_database(const char *name)
{
	return pg_fixture_database(name, "migrated");
}

static const struct definition *
get(void *context, int32_t id)
{
	const struct world *world = context;

	for (size_t i = 0; i < world->count; i++)
		if (world->list[i].id == id)
			return &world->list[i];
	return NULL;
}

struct world *
world_open(const char *name)
{
	struct arena *arena = arena_new();
	struct world *world = ARENA_NEW(arena, struct world);
	const struct lane_range all = { .lane = 0, .first_part = 0, .last_part = PART_COUNT - 1 };

	world->arena = arena;
	world->database = world_database(name);
	settings_init(&world->settings);
	world->definitions = (struct definitions){ .get = get, .context = world };
	world->limits = (struct limits){ .steps = 100000, .default_retries = 3, .lock_expiries = 3 };
	ck_assert_msg(store_open_postgres(world->database, &world->settings, &world->store, &world->error) == OK, "%s",
		world->error.message);
	ck_assert_msg(world->store->ops->claim(world->store, &all, 77, 0, &world->claim, &world->error) == OK, "%s",
		world->error.message);
	ck_assert_msg(reader_open(world->database, &world->settings, &world->reader, &world->error) == OK, "%s",
		world->error.message);
	world->now_us = world->claim.now_us;
	world->next_id = world->claim.next_id[0];
	return world;
}

void
world_close(struct world *world)
{
	reader_close(world->reader);
	world->store->ops->close(world->store);
	arena_free(world->arena);
}

const struct definition *
world_deploy(struct world *world, const char *body)
{
	const char *xml = sim_process(world->arena, body);
	struct diagram diagram;
	struct deployed deployed;
	struct new_resource resource = { .name = "p.bpmn", .bytes = xml, .length = strlen(xml) };
	struct new_deployment deployment = { .name = "test", .resources = &resource, .resource_count = 1 };

	ck_assert_msg(bpmn_compile(world->arena, "p.bpmn", xml, strlen(xml), &diagram, &world->error) == OK, "%s",
		world->error.message);
	resource.programs = diagram.programs;
	resource.program_count = diagram.program_count;
	ck_assert_msg(store_deploy(world->reader, world->arena, &deployment, &deployed, &world->error) == OK, "%s",
		world->error.message);
	ck_assert_uint_eq(deployed.definition_count, 1);
	ck_assert_uint_lt(world->count, WORLD_DEFINITIONS);
	world->list[world->count] = deployed.definitions[0];
	return &world->list[world->count++];
}

enum status
world_run(struct world *world, struct tree *tree, struct command command)
{
	struct saved_command *saved = &world->commands[world->command_count];
	struct command *kept = arena_copy(world->arena, &command, sizeof command);
	struct outcome *outcome = ARENA_NEW(world->arena, struct outcome);
	struct effects *effects = ARENA_NEW(world->arena, struct effects);

	ck_assert_uint_lt(world->command_count, WORLD_COMMANDS);
	kept->now_us = world->now_us;
	kept->next_id = world->next_id;
	kept->limits = &world->limits;
	kept->arena = world->arena;
	effects_init(effects, world->arena);
	TRY(engine_run(tree, kept, effects, outcome, &world->error));
	world->next_id = outcome->next_id;
	*saved = (struct saved_command){ .tree = tree, .command = kept, .outcome = outcome, .effects = effects };
	if (command_logged(kept->kind)) {
		saved->event_id = world->next_id;
		world->next_id += ID_STEP;
	}
	saved->big_id = world->next_id;
	world->next_id += (int64_t)store_big_values(effects) * ID_STEP;
	world->outcome = *outcome;
	world->command_count++;
	return OK;
}

struct tree *
world_start(struct world *world, const struct definition *definition, struct entries variables)
{
	struct tree *tree = tree_new(&world->definitions);

	ck_assert_msg(world_run(world, tree, (struct command){ .kind = COMMAND_start, .definition = definition,
		.variables = variables, .business_key = "order" }) == OK, "%s", world->error.message);
	return tree;
}

enum status
world_save(struct world *world)
{
	struct arena *scratch = arena_new();
	int64_t reserved[PART_COUNT] = { [0] = world->next_id };
	struct batch batch = { .commands = world->commands, .count = world->command_count, .reserved = reserved,
		.arena = scratch };
	enum status status = world->store->ops->save(world->store, &batch, &world->now_us, &world->error);

	arena_free(scratch);
	if (status == OK)
		world->command_count = 0;
	return status;
}

void
world_must_save(struct world *world)
{
	ck_assert_msg(world_save(world) == OK, "%s", world->error.message);
}

struct tree *
world_load(struct world *world, int64_t id)
{
	struct tree *tree;

	ck_assert_msg(world->store->ops->load(world->store, &id, 1, &world->definitions, &tree, &world->error) == OK,
		"%s",
		world->error.message);
	return tree;
}

/* Depth first; NULL behind the last of the instance. */
static struct activity *
world_next(const struct activity *at)
{
	if (at->first)
		return at->first;
	while (at->scope && !at->next)
		at = at->scope;
	return at->scope ? at->next : NULL;
}

struct activity *
world_at(const struct tree *tree, const char *element)
{
	struct activity *at = &tree->root->activity;

	while (at && !text_equal(at->node->id, element))
		at = world_next(at);
	ck_assert_msg(at != NULL, "nothing is open at %s", element);
	return at;
}

/* Says where two dumps part, since they may be long. */
static void
must_be_equal(const char *loaded, const char *kept)
{
	size_t line = 0;

	for (size_t i = 0; loaded[i] == kept[i]; i++) {
		if (loaded[i] == '\0')
			return;
		if (loaded[i] == '\n')
			line = i + 1;
	}
	ck_abort_msg("loaded: %.300s\nkept:   %.300s", loaded + line, kept + line);
}

static const char *
comparable(struct world *world, struct tree *tree)
{
	ck_assert_msg(tree_forget_unstored(tree, &world->error) == OK, "%s", world->error.message);
	return tree_dump(tree, world->arena);
}

void
world_must_round_trip(struct world *world, struct tree *tree)
{
	world_must_save(world);
	world_must_equal_stored(world, tree);
}

void
world_must_equal_stored(struct world *world, const struct tree *tree)
{
	struct tree *copy = tree_copy(tree), *loaded = world_load(world, tree->root->id);

	ck_assert_ptr_nonnull(loaded);
	ck_assert_msg(tree_check(loaded, &world->error), "%s", world->error.message);
	must_be_equal(comparable(world, loaded), comparable(world, copy));
	tree_free(loaded);
	tree_free(copy);
}

static const char *
ask(struct world *world, const char *sql)
{
	PGconn *conn = PQconnectdb(world->database);
	PGresult *result = PQexec(conn, sql);
	const char *answer = "none";

	ck_assert_msg(PQresultStatus(result) == PGRES_TUPLES_OK, "%s: %s", sql, PQerrorMessage(conn));
	if (PQntuples(result) > 0)
		answer = PQgetisnull(result, 0, 0) ? "null" : arena_strdup(world->arena, PQgetvalue(result, 0, 0));
	PQclear(result);
	PQfinish(conn);
	return answer;
}

const char *
world_ask(struct world *world, const char *sql, ...)
{
	char text[4096];
	va_list args;

	va_start(args, sql);
	vsnprintf(text, sizeof text, sql, args);
	va_end(args);
	return ask(world, text);
}

int64_t
world_number(struct world *world, const char *sql, ...)
{
	char text[4096];
	int64_t number;
	va_list args;

	va_start(args, sql);
	vsnprintf(text, sizeof text, sql, args);
	va_end(args);
	ck_assert_msg(text_to_int(ask(world, text), &number), "no number: %s", text);
	return number;
}

void
world_terminate(struct world *world, PGconn *conn)
{
	ck_assert_str_eq(world_ask(world, "select pg_terminate_backend(%d, 5000)", PQbackendPID(conn)), "t");
}

int
world_suite(const char *name, const TTest *const *tests)
{
	return world_suite_with(name, NULL, NULL, tests);
}

int
world_suite_with(const char *name, void (*setup)(void), void (*teardown)(void), const TTest *const *tests)
{
	int failed = run_suite_with(name, setup, teardown, 120, tests);

	pg_fixture_stop();
	bpmn_done();
	return failed;
}
