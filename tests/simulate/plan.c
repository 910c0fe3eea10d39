/* SPDX-License-Identifier: Apache-2.0
 * See plan.h. */
#include "tests/simulate/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bpmn/bpmn.h"
#include "tests/simulate/drain.h"
#include "tests/simulate/rules.h"

enum {
	FEWEST_STEPS = 120, MORE_STEPS = 60,
	SKETCHES = 1500,	/* different ones: they are compiled once in a process */
};

static struct sketch *
some_sketch(struct arena *arena, struct dice *dice)
{
	struct sketch_shape shape = {
		.most_nodes = 4 + (int)dice_roll(dice, 12),
		.most_depth = (int)dice_roll(dice, 3),
		.unstructured = dice_chance(dice, 30),
	};

	return sketch_random(arena, dice_next(dice), &shape);
}

struct plan *
plan_random(struct arena *arena, uint64_t seed)
{
	static const int64_t batches[] = { 1, 2, 3, 8, 256 }, windows[] = { 1, 2, 3, 100000 };
	static const int64_t expiries[] = { 0, 1, 2, 10 };
	struct plan *plan = ARENA_NEW(arena, struct plan);
	struct dice dice = { .state = seed };
	bool settled;

	plan->seed = seed;
	plan->sketch_count = 2 + (size_t)dice_roll(&dice, 2);
	for (size_t i = 0; i < plan->sketch_count; i++) {
		struct dice own = { .state = (uint64_t)dice_roll(&dice, SKETCHES) };

		plan->sketches[i] = some_sketch(arena, &own);
	}
	plan->daemons = 1 + (int)dice_roll(&dice, WORLD_DAEMONS);
	plan->lanes = dice_chance(&dice, 75) ? 1 : WORLD_LANES;
	plan->poison = dice_chance(&dice, 10) ? 4 : 0;
	plan->batch_commands = batches[dice_roll(&dice, 5)];
	plan->ready_window = windows[dice_roll(&dice, 4)];
	plan->job_window_seconds = dice_chance(&dice, 50) ? 300 : 1 + dice_roll(&dice, 20);
	plan->lock_expiries = expiries[dice_roll(&dice, 4)];
	plan->cache_bytes = dice_chance(&dice, 50) ? 1 << 20 : (size_t)dice_roll(&dice, 2) * 40000;
	plan->step_count = FEWEST_STEPS + (size_t)dice_roll(&dice, MORE_STEPS);
	plan->steps = ARENA_ARRAY(arena, struct step, plan->step_count);
	settled = dice_chance(&dice, 40);
	for (size_t i = 0; i < plan->step_count; i++) {
		plan->steps[i] = (struct step){ .kind = step_random(&dice), .seed = dice_next(&dice) };
		if (settled && step_unsettles(plan->steps[i].kind))
			plan->steps[i].kind = STEP_blame;
	}
	plan->end_seed = dice_next(&dice);
	return plan;
}

const char *
plan_diagram(const struct plan *plan, size_t number, struct arena *arena)
{
	return sketch_xml(plan->sketches[number], arena);
}

const char *
plan_settings(const struct plan *plan, struct arena *arena)
{
	return arena_printf(arena, "%d daemons of %d lanes, batch_commands=%" PRId64 " ready_window=%" PRId64
		" job_window_seconds=%" PRId64 " lock_expiries=%" PRId64
		" cache_bytes=%zu, one job in %d ends its daemon",
		plan->daemons, plan->lanes, plan->batch_commands, plan->ready_window, plan->job_window_seconds,
		plan->lock_expiries, plan->cache_bytes, plan->poison);
}

/* Programs by their text, for as long as the process runs: reading a diagram takes longer than a schedule. */
static const struct program *
compiled(struct world *world, const char *xml)
{
	static struct arena *arena;
	static struct map programs;
	const struct program *program;
	struct diagram diagram;
	struct error err;

	if (!arena) {
		arena = arena_new();
		map_init(&programs, arena);
	}
	program = map_get_text(&programs, xml);
	if (program)
		return program;
	if (bpmn_compile(arena, "p.bpmn", xml, strlen(xml), &diagram, &err) != OK || diagram.program_count == 0) {
		world_fail(world, "a diagram does not deploy: %s", err.message);
		return NULL;
	}
	map_put_text(&programs, arena_strdup(arena, xml), (void *)diagram.programs[0]);
	return diagram.programs[0];
}

static void
define(struct world *world, const struct plan *plan)
{
	for (size_t i = 0; i < plan->sketch_count; i++) {
		const struct program *program = compiled(world, plan_diagram(plan, i, world->arena));

		if (!program)
			return;
		world->list[world->count++] = (struct definition){
			.id = (int32_t)i + 1,
			.wire_id = arena_printf(world->arena, "p:%zu:%zu", i + 1, i + 1),
			.key = program->key,
			.version = (int32_t)i + 1,
			.program = program,
		};
	}
}

static void
furnish(struct world *world, const struct plan *plan)
{
	world->daemons = plan->daemons;
	world->lanes = plan->lanes;
	world->poison = plan->poison;
	world->cache_bytes = plan->cache_bytes;
	world->settings.batch_commands = plan->batch_commands;
	world->settings.ready_window = plan->ready_window;
	world->settings.job_window_seconds = plan->job_window_seconds;
	world->settings.lock_expiries = plan->lock_expiries;
	world->settings.step_limit = 3000;
	world->settings.default_retries = 2;
}

struct verdict
plan_play(const struct plan *plan, struct arena *arena, char *story, size_t room)
{
	struct world *world = world_new(arena);
	struct verdict verdict = { .hash = 0 };

	world->story = story;
	world->story_room = room;
	furnish(world, plan);
	define(world, plan);
	world->dice = (struct dice){ .state = plan->seed };
	world_begin(world);
	for (size_t i = 0; i < plan->step_count && !world_failed(world); i++) {
		world->dice = (struct dice){ .state = plan->steps[i].seed };
		step_tame(world);
		step_play(world, plan->steps[i].kind);
	}
	world->dice = (struct dice){ .state = plan->end_seed };
	world_tell(world, "# faults stop, and all work until nothing is left");
	if (!world_failed(world))
		drain(world);
	if (!world_failed(world))
		rules_end(world);
	snprintf(verdict.failed, sizeof verdict.failed, "%s", world->failed);
	verdict.hash = world->hash;
	verdict.counted = world->counted;
	world_free(world);
	return verdict;
}
