/* SPDX-License-Identifier: Apache-2.0
 * See world.h. */
#include "tests/simulate/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/simulate/rules.h"
#include "tests/simulate/tree_hash.h"

enum {
	IDLE_STEPS = 1000,	/* in a row, without time passing, that store nothing: more is no rest */
	BUSY_STEPS = 20,	/* that do: a diagram may run in circles for ever */
	BLOATED = 300,		/* activities of one instance: somebody has to delete it before it goes on */
	TICK_US = WORLD_SECOND / 2,	/* that pass then */
};

bool
world_failed(const struct world *world)
{
	return world->failed[0] != '\0';
}

void
world_fail(struct world *world, const char *format, ...)
{
	va_list arguments;

	if (world_failed(world))
		return;
	va_start(arguments, format);
	vsnprintf(world->failed, sizeof world->failed, format, arguments);
	va_end(arguments);
}

void
world_tell(struct world *world, const char *format, ...)
{
	size_t length = world->story ? strlen(world->story) : 0;
	va_list arguments;
	int put;

	if (length + 2 >= world->story_room)
		return;
	va_start(arguments, format);
	put = vsnprintf(world->story + length, world->story_room - length - 1, format, arguments);
	va_end(arguments);
	if (put > 0)
		strcat(world->story + length, "\n");
}

/* ---- the store's hooks ------------------------------------------------------------------------------------ */

static struct place *
place_of(struct world *world, const struct store *store)
{
	for (int d = 0; d < world->daemons; d++)
		for (int l = 0; l < world->lanes; l++)
			if (world->daemon[d].places[l].store == store)
				return &world->daemon[d].places[l];
	return NULL;
}

static bool
is_dying(const struct place *place)
{
	return place->world->daemon[place->daemon].dying;
}

/* A job that ends the daemon: always the same ones, whoever runs them. */
static bool
is_poisonous(struct world *world, const struct batch *batch)
{
	for (size_t i = 0; world->poison > 0 && batch && i < batch->count; i++) {
		int64_t target = batch->commands[i].command->target;

		if (batch->commands[i].command->kind != COMMAND_execute_job ||
		    hash_number(7, target) % (uint64_t)world->poison != 0)
			continue;
		map_put(&world->poisoned, target, world);
		return true;
	}
	return false;
}

static bool
is_unlucky(const struct batch *batch)
{
	for (size_t i = 0; batch && i < batch->count; i++)
		if (hash_number(batch->commands[i].command->kind, batch->commands[i].command->target) % 3 == 0)
			return true;
	return false;
}

static enum status
judge(struct memory *memory, enum memory_call call, const struct batch *batch, struct error *err)
{
	struct world *world = memory->context;
	struct place *place = place_of(world, memory->caller);

	if (!is_dying(place) && call == MEMORY_save && is_poisonous(world, batch)) {
		world->counted.poisoned++;
		world->poisonings++;
		world->daemon[place->daemon].dying = true;
	}
	if (is_dying(place))
		return FAIL(err, weather, "the daemon has ended");
	if (place->weather > 0) {
		place->weather--;
		world->counted.weather++;
		return FAIL(err, weather, "the database is away");
	}
	if (place->blames && call == MEMORY_save && is_unlucky(batch)) {
		world->counted.blamed++;
		place->blamed = true;
		return place->holds ? FAIL(err, held, "a row is held") : FAIL(err, internal, "a row was refused");
	}
	return OK;
}

static enum memory_fate
fate(struct memory *memory, struct store *store, const struct batch *batch)
{
	struct world *world = memory->context;
	struct place *place = place_of(world, store);
	enum memory_fate fate = place->fate;

	place->fate = MEMORY_commits;
	if (batch) {
		rules_promise(place, batch);
		if (fate == MEMORY_commits && place->late)
			fate = MEMORY_late;
		place->late = false;
	}
	world->counted.commits += fate == MEMORY_commits;
	world->counted.aborts += fate == MEMORY_aborts;
	world->counted.late += fate == MEMORY_late;
	world->counted.unheard += fate == MEMORY_commits_unheard || fate == MEMORY_aborts_unheard;
	return fate;
}

static bool
outlives(struct memory *memory, struct store *store)
{
	struct world *world = memory->context;

	(void)store;
	return dice_chance(&world->dice, 50);
}

static void
saving(struct memory *memory, struct store *store, const struct saved_command *command, const struct effects *effects,
	const struct tree *stored)
{
	rules_saving(place_of(memory->context, store), command, effects, stored);
}

static void
saved(struct memory *memory, struct store *store, const struct saved_command *command, const struct effects *effects,
	const struct tree *stored)
{
	rules_saved(place_of(memory->context, store), command, effects, stored);
}

/* ---- daemons ---------------------------------------------------------------------------------------------- */

static const struct definition *
get(void *context, int32_t id)
{
	const struct world *world = context;

	return id >= 1 && (size_t)id <= world->count ? &world->list[id - 1] : NULL;
}

struct world *
world_new(struct arena *arena)
{
	struct world *world = ARENA_NEW(arena, struct world);

	world->arena = arena;
	world->memory = memory_new(INT64_C(1700000000000000));
	world->memory->context = world;
	world->memory->judge = judge;
	world->memory->fate = fate;
	world->memory->outlives = outlives;
	world->memory->saving = saving;
	world->memory->saved = saved;
	world->memory->records = true;
	world->latest_us = world->memory->now_us;
	world->now_us = 1000;
	settings_init(&world->settings);
	world->definitions = (struct definitions){ .get = get, .context = world };
	map_init(&world->by_arena, arena);
	map_init(&world->ids, arena);
	map_init(&world->done, arena);
	map_init(&world->tallies, arena);
	map_init(&world->replayed, arena);
	map_init(&world->poisoned, arena);
	world->hash = 1;
	return world;
}

static void
owned(void *context, struct lane *lane, bool active)
{
	struct world *world = context;

	(void)lane;
	world->counted.takeovers += active;
}

static void
open_place(struct world *world, struct place *place)
{
	int32_t width = PART_COUNT / world->lanes;

	place->store = memory_open(world->memory);
	place->inbox = NULL;
	place->end = &place->inbox;
	place->next_us = world->now_us;
	map_init(&place->expected, world->arena);
	place->lane = lane_new(&(struct lane_config){
		.range = { .lane = place->number, .first_part = place->number * width,
			.last_part = (place->number + 1) * width - 1 },
		.store = place->store,
		.definitions = &world->definitions,
		.settings = &world->settings,
		.cache_bytes = world->cache_bytes,
		.owned = owned,
		.context = world,
		.owner = ++world->next_owner,
	});
}

void
world_revive(struct world *world, struct daemon *daemon)
{
	if (daemon->alive)
		return;
	*daemon = (struct daemon){ .alive = true };
	for (int l = 0; l < world->lanes; l++) {
		struct place *place = &daemon->places[l];

		*place = (struct place){ .world = world, .daemon = (int)(daemon - world->daemon), .number = l };
		open_place(world, place);
	}
}

void
world_kill(struct world *world, struct daemon *daemon)
{
	if (!daemon->alive)
		return;
	for (struct ask *ask = world->asks; ask; ask = ask->next)
		if (ask->place >= daemon->places && ask->place < daemon->places + world->lanes && !ask->answered)
			ask->lost = true;
	for (int l = 0; l < world->lanes; l++) {
		memory_abandon(daemon->places[l].store);
		lane_free(daemon->places[l].lane);
		daemon->places[l].lane = NULL;
	}
	daemon->alive = false;
	daemon->dying = false;
	world->counted.crashes++;
}

void
world_begin(struct world *world)
{
	for (int d = 0; d < world->daemons; d++)
		world_revive(world, &world->daemon[d]);
}

void
world_free(struct world *world)
{
	for (int d = 0; d < world->daemons; d++)
		for (int l = 0; l < world->lanes && world->daemon[d].alive; l++)
			lane_free(world->daemon[d].places[l].lane);
	rules_free(world);
	memory_free(world->memory);
	for (size_t i = 0; i < world->arena_count; i++)
		arena_free(world->arenas[i]);
}

/* ---- steps ------------------------------------------------------------------------------------------------ */

/* A daemon that dies in the midst of a step is gone after it, and is started again. */
static void
bury(struct world *world, struct daemon *daemon)
{
	if (!daemon->dying)
		return;
	world_tell(world, "# daemon %d ended in a job and was started again", (int)(daemon - world->daemon));
	world_kill(world, daemon);
	world_revive(world, daemon);
}

void
world_step(struct world *world, struct place *place)
{
	struct daemon *daemon = &world->daemon[place->daemon];

	if (!daemon->alive || daemon->paused || world_failed(world))
		return;
	place->fresh = false;
	place->next_us = lane_step(place->lane, world->now_us, &place->inbox);
	for (place->end = &place->inbox; *place->end; place->end = &(*place->end)->next)
		;
	place->blames = place->blames && !place->blamed;
	place->blamed = false;
	bury(world, daemon);
	world->counted.steps++;
}

static bool
is_restless(struct world *world, const struct place *place)
{
	const struct daemon *daemon = &world->daemon[place->daemon];

	if (!daemon->alive || daemon->paused)
		return false;
	if (lane_flying(place->lane) && place->held)
		return place->fresh && lane_takes(place->lane);
	return place->inbox || place->next_us <= world->now_us;
}

static bool
is_bloated(const struct world *world)
{
	for (size_t i = 0; i < world->memory->tree_count; i++)
		if (map_count(&world->memory->trees[i]->activities) > BLOATED)
			return true;
	return false;
}

bool
world_settle(struct world *world)
{
	size_t stored = world->memory->saved_commands;
	int idle = 0, busy = 0;
	bool more;

	do {
		more = false;
		for (int d = 0; d < world->daemons; d++)
			for (int l = 0; l < world->lanes; l++) {
				struct place *place = &world->daemon[d].places[l];

				if (!is_restless(world, place))
					continue;
				world_step(world, place);
				more = true;
			}
		if (world->memory->saved_commands != stored) {
			stored = world->memory->saved_commands;
			busy++;
			idle = 0;
		}
		if (++idle > IDLE_STEPS)
			world_fail(world, "the lanes do not come to rest");
	} while (more && busy < BUSY_STEPS && !is_bloated(world) && !world_failed(world));
	return !more;
}

static void
pass(struct world *world, int64_t us)
{
	world->now_us += us;
	world->latest_us += us;		/* who has not asked since a jump back goes on from before it */
	world_jump(world, us);
}

void
world_jump(struct world *world, int64_t us)
{
	world->memory->now_us += us;
	if (world->memory->now_us > world->latest_us)
		world->latest_us = world->memory->now_us;
}

void
world_run(struct world *world, int64_t us)
{
	int64_t end = world->now_us + us;
	bool rests = world_settle(world);

	while (!world_failed(world)) {
		int64_t next = end;

		for (int d = 0; d < world->daemons; d++)
			for (int l = 0; l < world->lanes; l++) {
				const struct place *place = &world->daemon[d].places[l];

				if (!world->daemon[d].alive || world->daemon[d].paused || place->held)
					continue;
				if (place->next_us < next)
					next = place->next_us;
			}
		if (!rests && next < world->now_us + TICK_US)
			next = end < world->now_us + TICK_US ? end : world->now_us + TICK_US;
		if (next > world->now_us)
			pass(world, next - world->now_us);
		if (world->now_us >= end || is_bloated(world))
			break;
		rests = world_settle(world);
	}
}

void
world_calm(struct world *world)
{
	bool lives = false;

	for (int d = 0; d < world->daemons; d++) {
		world->daemon[d].paused = false;
		lives |= world->daemon[d].alive;
		for (int l = 0; l < world->lanes && world->daemon[d].alive; l++) {
			struct place *place = &world->daemon[d].places[l];

			place->held = false;
			place->late = false;
			place->fate = MEMORY_commits;
			place->weather = 0;
			place->blames = false;
			place->next_us = world->now_us;
			memory_hold(place->store, false);
		}
	}
	if (!lives)
		world_revive(world, &world->daemon[0]);
}

/* ---- clients ---------------------------------------------------------------------------------------------- */

struct place *
world_owner(struct world *world, int64_t id)
{
	int number = id_part(id) / (PART_COUNT / world->lanes);

	for (int d = 0; d < world->daemons; d++)
		if (world->daemon[d].alive && lane_active(world->daemon[d].places[number].lane))
			return &world->daemon[d].places[number];
	return NULL;
}

static void
done(struct request *request)
{
	struct ask *ask = request->context;
	struct world *world = ask->place->world;

	if (is_dying(ask->place))
		return;			/* it dies before the answer is out; world_kill() notes it as lost */
	rules_answered(world, ask);
}

struct arena *
world_arena(struct world *world)
{
	world->arenas = arena_grow(world->arena, world->arenas, sizeof *world->arenas, world->arena_count,
		&world->arena_capacity);
	return world->arenas[world->arena_count++] = arena_new();
}

static struct place *
place_for(struct world *world, const struct request *request, bool anywhere)
{
	int64_t id = request->command.target;
	struct place *place;
	struct daemon *daemon;

	if (id == 0 && request->command.business_key)
		id = (int64_t)part_of_key(NULL, request->command.business_key) << PART_SHIFT;
	else if (id == 0)
		id = dice_roll(&world->dice, PART_COUNT) << PART_SHIFT;
	place = anywhere ? NULL : world_owner(world, id);
	if (place)
		return place;
	daemon = &world->daemon[dice_roll(&world->dice, world->daemons)];
	return daemon->alive ? &daemon->places[id_part(id) / (PART_COUNT / world->lanes)] : NULL;
}

struct ask *
world_ask(struct world *world, struct arena *arena, struct request request, bool anywhere)
{
	struct place *place = place_for(world, &request, anywhere);
	struct ask *ask;

	if (!place)
		return NULL;
	ask = ARENA_NEW(world->arena, struct ask);
	ask->request = request;
	ask->request.arena = arena;
	ask->request.arrived_us = world->now_us;
	ask->request.done = done;
	ask->request.context = ask;
	ask->place = place;
	ask->next = world->asks;
	world->asks = ask;
	map_put(&world->by_arena, (int64_t)(intptr_t)arena, ask);
	place->fresh = true;
	*place->end = &ask->request;
	place->end = &ask->request.next;
	world->counted.commands++;
	return ask;
}
