/* SPDX-License-Identifier: Apache-2.0
 * See steps.h. */
#include "tests/simulate/steps.h"

#include <inttypes.h>

#include "base/text.h"

static const char *const workers[WORLD_WORKERS] = { "anna", "bert", "carl", "dora" };
static const char *const keys[] = { NULL, NULL, "order-1", "order-2", "order-3" };
static const char *const names[] = { "v0", "v1", "v2", "v3" };
enum { NAMES = sizeof names / sizeof names[0], KEYS = sizeof keys / sizeof keys[0] };
enum { MOST_CANDIDATES = 400, MOST_ACTIVITIES = 40 };

struct entries
step_variables(struct dice *dice, struct arena *arena)
{
	struct entry *list = ARENA_ARRAY(arena, struct entry, NAMES);
	size_t count = 0;

	for (size_t i = 0; i < NAMES; i++) {
		int64_t number = dice_roll(dice, 4);

		if (dice_chance(dice, 60))
			list[count++] = (struct entry){ .name = names[i], .value = value_integer(number) };
	}
	return (struct entries){ .count = count, .list = list };
}

/* All of them, so that no expression fails for want of one. */
static struct entries
all_variables(struct dice *dice, struct arena *arena)
{
	struct entry *list = ARENA_ARRAY(arena, struct entry, NAMES);

	for (size_t i = 0; i < NAMES; i++)
		list[i] = (struct entry){ .name = names[i], .value = value_integer(dice_roll(dice, 4)) };
	return (struct entries){ .count = NAMES, .list = list };
}

static const char *
shown(struct arena *arena, struct entries entries)
{
	struct text text;

	text_init(&text, arena);
	for (size_t i = 0; i < entries.count; i++)
		text_printf(&text, "%s %s=%" PRId64, i ? "" : " with", entries.list[i].name,
			entries.list[i].value.integer);
	return text_string(&text);
}

/* ---- what there is to choose from --------------------------------------------------------------------------- */

enum choice { CHOOSE_task, CHOOSE_user, CHOOSE_any, CHOOSE_job };

static bool
is_chosen(const struct activity *at, enum choice choice)
{
	switch (choice) {
	case CHOOSE_task: return at->external.topic != NULL && at->state == ACTIVITY_active;
	case CHOOSE_user: return at->human != NULL;
	case CHOOSE_any: return true;
	case CHOOSE_job: return at->jobs != NULL;
	}
	return false;
}

/* Any stored activity of the kind, or NULL. */
static const struct activity *
choose(struct world *world, enum choice choice)
{
	const struct activity *list[MOST_CANDIDATES], *at;
	size_t count = 0;

	for (size_t i = 0; i < world->memory->tree_count; i++)
		for (at = memory_walk(world->memory->trees[i], NULL); at; at = memory_walk(world->memory->trees[i], at))
			if (count < MOST_CANDIDATES && is_chosen(at, choice))
				list[count++] = at;
	return count ? list[dice_roll(&world->dice, (int64_t)count)] : NULL;
}

/* Mostly a task that a worker was given, maybe long ago and done by now; else any with any worker. */
static struct holding
choose_holding(struct world *world)
{
	const struct activity *at;
	size_t behind;

	if (world->holding_count > 0 && dice_chance(&world->dice, 85)) {
		behind = (size_t)dice_roll(&world->dice, world->holding_count < 6 ? (int64_t)world->holding_count : 6);
		return world->holdings[world->holding_count - 1 - behind];
	}
	at = choose(world, CHOOSE_task);
	return (struct holding){ .task = at ? at->id : 0,
		.worker = workers[dice_roll(&world->dice, WORLD_WORKERS)] };
}

static const char *
element_of(const struct world *world, int64_t id)
{
	const struct tree *tree = memory_tree(world->memory, id);
	const struct activity *at = tree ? tree_activity(tree, id) : NULL;
	const struct job *job = tree && !at ? tree_job(tree, id) : NULL;

	return at ? at->node->id : job ? job->host->node->id : "gone";
}

/* ---- asking --------------------------------------------------------------------------------------------------- */

struct ask *
step_command(struct world *world, struct command command)
{
	return world_ask(world, world_arena(world),
		(struct request){ .kind = REQUEST_command, .command = command }, !world->quiet &&
		dice_chance(&world->dice, 5));
}

struct ask *
step_fetch(struct world *world, const char *worker, const char *const *topics, size_t count, int64_t most, int part)
{
	struct arena *arena = world_arena(world);
	struct fetch_topic *wanted = ARENA_ARRAY(arena, struct fetch_topic, count);
	bool use_priority = dice_chance(&world->dice, 70), anywhere = dice_chance(&world->dice, 5);
	enum fetch_order order = (enum fetch_order)dice_roll(&world->dice, 3);
	static const int64_t locks[] = { 1000, WORLD_SECOND, 10 * WORLD_SECOND, 60 * WORLD_SECOND };

	for (size_t i = 0; i < count; i++) {
		wanted[i].topic = topics[i];
		wanted[i].lock_us = world->quiet ? locks[3] : locks[dice_roll(&world->dice, 4)];
	}
	/* the target of a command that is none says only whom to ask */
	if (part < 0)
		part = (int)dice_roll(&world->dice, PART_COUNT);
	return world_ask(world, arena, (struct request){ .kind = REQUEST_fetch,
		.command = { .target = ((int64_t)part << PART_SHIFT) + 1 }, .fetch = { .worker = worker,
		.max_tasks = most, .use_priority = use_priority,
		.order = order, .topics = wanted, .topic_count = count } },
		!world->quiet && anywhere);
}

static void
step_start(struct world *world)
{
	const struct definition *definition = &world->list[dice_roll(&world->dice, (int64_t)world->count)];
	struct entries variables = all_variables(&world->dice, world->arena);
	const char *key = keys[dice_roll(&world->dice, KEYS)];

	world_tell(world, "start %s%s%s%s # of diagram-%d", definition->key, key ? " key " : "", key ? key : "",
		shown(world->arena, variables), (int)definition->id);
	step_command(world, (struct command){ .kind = COMMAND_start, .definition = definition, .business_key = key,
		.variables = variables });
}

static void
step_fetch_some(struct world *world)
{
	const char *worker = workers[dice_roll(&world->dice, WORLD_WORKERS)];
	int64_t most = 1 + dice_roll(&world->dice, 4);
	size_t first, count;

	if (world->topic_count == 0)
		return;
	first = (size_t)dice_roll(&world->dice, (int64_t)world->topic_count);
	count = 1 + (size_t)dice_roll(&world->dice, (int64_t)(world->topic_count - first));
	world_tell(world, "fetch %s most %" PRId64 " by %s", world->topics[first], most, worker);
	step_fetch(world, worker, &world->topics[first], count, most, -1);
}

static void
step_complete(struct world *world)
{
	struct holding holding = choose_holding(world);
	struct entries variables = step_variables(&world->dice, world->arena);
	bool twice = dice_chance(&world->dice, 10);

	if (holding.task == 0)
		return;
	for (int i = 0; i <= twice; i++) {
		world_tell(world, "complete %s%s # by %s", element_of(world, holding.task),
			shown(world->arena, variables), holding.worker);
		step_command(world, (struct command){ .kind = COMMAND_complete_task, .target = holding.task,
			.worker = holding.worker, .variables = variables });
	}
}

static void
step_complete_user(struct world *world)
{
	const struct activity *at = choose(world, CHOOSE_user);
	struct entries variables = step_variables(&world->dice, world->arena);

	if (!at)
		return;
	world_tell(world, "complete %s%s", at->node->id, shown(world->arena, variables));
	step_command(world, (struct command){ .kind = COMMAND_complete_user, .target = at->id,
		.variables = variables });
}

static void
step_fail(struct world *world)
{
	struct holding holding = choose_holding(world);
	int32_t retries = (int32_t)dice_roll(&world->dice, 4) - 1;

	if (holding.task == 0)
		return;
	world_tell(world, "fail %s retries %d timeout PT5S", element_of(world, holding.task), (int)retries);
	step_command(world, (struct command){ .kind = COMMAND_fail_task, .target = holding.task,
		.worker = holding.worker, .retries = retries, .error_message = "no luck",
		.duration_us = dice_roll(&world->dice, 2) * 5 * WORLD_SECOND });
}

static void
step_error(struct world *world)
{
	static const char *const codes[] = { "E1", "E2", "none" };
	struct holding holding = choose_holding(world);
	const char *code = codes[dice_roll(&world->dice, 3)];

	if (holding.task == 0)
		return;
	world_tell(world, "error %s %s", element_of(world, holding.task), code);
	step_command(world, (struct command){ .kind = COMMAND_error_task, .target = holding.task,
		.worker = holding.worker, .error_code = code });
}

static void
step_extend(struct world *world)
{
	struct holding holding = choose_holding(world);

	if (holding.task == 0)
		return;
	world_tell(world, "# %s extends its lock of %s", holding.worker, element_of(world, holding.task));
	step_command(world, (struct command){ .kind = COMMAND_extend_lock, .target = holding.task,
		.worker = holding.worker, .duration_us = 20 * WORLD_SECOND });
}

static void
step_unlock(struct world *world)
{
	struct holding holding = choose_holding(world);

	if (holding.task == 0)
		return;
	world_tell(world, "unlock %s", element_of(world, holding.task));
	step_command(world, (struct command){ .kind = COMMAND_unlock_task, .target = holding.task });
}

static void
step_retries(struct world *world)
{
	const struct activity *at = choose(world, CHOOSE_task);
	int32_t retries = (int32_t)dice_roll(&world->dice, 3);

	if (!at)
		return;
	world_tell(world, "repair %s retries %d", at->node->id, (int)retries);
	step_command(world, (struct command){ .kind = COMMAND_set_task_retries, .target = at->id,
		.retries = retries });
}

static void
step_priority(struct world *world)
{
	const struct activity *at = choose(world, CHOOSE_task);

	if (!at)
		return;
	world_tell(world, "# the priority of %s changes", at->node->id);
	step_command(world, (struct command){ .kind = COMMAND_set_task_priority, .target = at->id,
		.priority = dice_roll(&world->dice, 10) });
}

static void
step_suspend(struct world *world)
{
	const struct activity *at = choose(world, CHOOSE_any);
	bool suspended = dice_chance(&world->dice, 50);

	if (!at)
		return;
	world_tell(world, suspended ? "suspend" : "activate");
	step_command(world, (struct command){ .kind = COMMAND_suspend, .target = at->instance->id,
		.suspended = suspended });
}

static void
step_delete_one(struct world *world)
{
	const struct activity *at = choose(world, CHOOSE_any);

	if (!at)
		return;
	world_tell(world, "delete");
	step_command(world, (struct command){ .kind = COMMAND_delete_instance, .target = at->instance->id,
		.reason = "not wanted" });
}

static void
step_set_variables(struct world *world)
{
	const struct activity *at = choose(world, CHOOSE_any);
	struct entries variables = step_variables(&world->dice, world->arena);

	if (!at || variables.count == 0)
		return;
	world_tell(world, "# set%s", shown(world->arena, variables));
	step_command(world, (struct command){ .kind = COMMAND_set_variables, .target = at->id,
		.variables = variables, .local = dice_chance(&world->dice, 30) });
}

static void
ask_about_job(struct world *world, struct command command)
{
	const struct activity *at = choose(world, CHOOSE_job);

	if (!at)
		return;
	world_tell(world, "# %s of the job at %s", command_word(command.kind), at->node->id);
	command.target = at->jobs->id;
	step_command(world, command);
}

static void
step_job(struct world *world)
{
	ask_about_job(world, (struct command){ .kind = COMMAND_execute_job });
}

static void
step_job_retries(struct world *world)
{
	ask_about_job(world, (struct command){ .kind = COMMAND_set_job_retries,
		.retries = (int32_t)dice_roll(&world->dice, 3) });
}

static void
step_job_due(struct world *world)
{
	ask_about_job(world, (struct command){ .kind = COMMAND_set_job_due,
		.due_us = world->memory->now_us + dice_roll(&world->dice, 60) * WORLD_SECOND });
}

static void
step_assign(struct world *world)
{
	const struct activity *at = choose(world, CHOOSE_user);

	if (!at)
		return;
	world_tell(world, "assign %s anna", at->node->id);
	step_command(world, (struct command){ .kind = COMMAND_assign_user, .target = at->id, .user = "anna" });
}

static void
step_unknown(struct world *world)
{
	int64_t part = dice_roll(&world->dice, PART_COUNT), number = dice_roll(&world->dice, 2000);

	world_tell(world, "# a task is completed that never was");
	step_command(world, (struct command){ .kind = COMMAND_complete_task, .worker = workers[0],
		.target = (part << PART_SHIFT) + 2 * number + 2 });
}

/* ---- time and faults -------------------------------------------------------------------------------------------- */

static struct place *
any_place(struct world *world)
{
	struct daemon *daemon = &world->daemon[dice_roll(&world->dice, world->daemons)];
	struct place *place = &daemon->places[dice_roll(&world->dice, world->lanes)];

	return daemon->alive ? place : NULL;
}

static void
step_settle(struct world *world)
{
	world_settle(world);
}

static void
step_once(struct world *world)
{
	struct place *place = any_place(world);

	if (place)
		world_step(world, place);
}

static void
step_wait(struct world *world)
{
	static const int64_t spans[] = { 1, 1000, WORLD_SECOND, 2 * WORLD_SECOND, 6 * WORLD_SECOND,
		12 * WORLD_SECOND };
	int64_t us = spans[dice_roll(&world->dice, 6)];

	world_tell(world, "only sim clock PT%" PRId64 "S # %" PRId64 " us", us / WORLD_SECOND, us);
	world_run(world, us);
}

static void
set_fate(struct world *world, enum memory_fate fate, const char *what)
{
	struct place *place = any_place(world);

	if (!place)
		return;
	world_tell(world, "# the next transaction of daemon %d %s", place->daemon, what);
	place->fate = fate;
}

static void
step_abort(struct world *world)
{
	set_fate(world, MEMORY_aborts, "aborts");
}

static void
step_unheard(struct world *world)
{
	set_fate(world, MEMORY_commits_unheard, "commits, and its answer is lost");
}

static void
step_unheard_abort(struct world *world)
{
	set_fate(world, MEMORY_aborts_unheard, "aborts, and its answer is lost");
}

static void
step_late(struct world *world)
{
	struct place *place = any_place(world);

	if (!place)
		return;
	world_tell(world, "# the next transaction of daemon %d takes long", place->daemon);
	place->late = true;
	place->held = true;
	memory_hold(place->store, true);
}

static void
hold(struct world *world, bool held)
{
	struct place *place = any_place(world);

	if (!place)
		return;
	world_tell(world, "# answers to daemon %d %s", place->daemon, held ? "are held back" : "arrive again");
	place->held = held;
	place->next_us = world->now_us;
	memory_hold(place->store, held);
}

static void
step_hold(struct world *world)
{
	hold(world, true);
}

static void
step_release(struct world *world)
{
	hold(world, false);
}

static void
step_weather(struct world *world)
{
	struct place *place = any_place(world);

	if (!place)
		return;
	place->weather = 1 + (int)dice_roll(&world->dice, 4);
	world_tell(world, "# %d calls of daemon %d fail", place->weather, place->daemon);
}

static void
step_blame(struct world *world)
{
	struct place *place = any_place(world);

	if (!place)
		return;
	place->blames = true;
	place->holds = dice_chance(&world->dice, 50);
	world_tell(world, "# some commands of daemon %d %s", place->daemon,
		place->holds ? "meet rows that somebody holds" : "cannot be stored");
}

static struct daemon *
any_daemon(struct world *world)
{
	return &world->daemon[dice_roll(&world->dice, world->daemons)];
}

static void
step_crash(struct world *world)
{
	struct daemon *daemon = any_daemon(world);

	if (!daemon->alive)
		return;
	world_tell(world, "# daemon %d is killed", (int)(daemon - world->daemon));
	world_kill(world, daemon);
	if (dice_chance(&world->dice, 70))
		world_revive(world, daemon);
}

static void
step_revive(struct world *world)
{
	struct daemon *daemon = any_daemon(world);

	if (!daemon->alive)
		world_tell(world, "# daemon %d is started", (int)(daemon - world->daemon));
	world_revive(world, daemon);
}

static void
step_pause(struct world *world)
{
	struct daemon *daemon = any_daemon(world);

	if (!daemon->alive || daemon->paused)
		return;
	world_tell(world, "# daemon %d stops, beyond its lease", (int)(daemon - world->daemon));
	daemon->paused = true;
	world->counted.pauses++;
	world_run(world, (world->settings.takeover_seconds + 2) * WORLD_SECOND);
}

static void
step_resume(struct world *world)
{
	struct daemon *daemon = any_daemon(world);

	if (daemon->paused)
		world_tell(world, "# daemon %d goes on", (int)(daemon - world->daemon));
	daemon->paused = false;
}

static void
step_jump(struct world *world)
{
	int64_t us = (dice_chance(&world->dice, 60) ? 1 : -1) * INT64_C(3600) * WORLD_SECOND;

	world_tell(world, "# the database's clock jumps by %s hour", us > 0 ? "an" : "minus one");
	world_jump(world, us);
	world->counted.jumps++;
}

/* A batch that changes a task is on its way, and the next one, which may fail, ends that task already. */
static void
step_overtake(struct world *world)
{
	struct holding holding = choose_holding(world);
	struct place *place = holding.task != 0 ? world_owner(world, holding.task) : NULL;

	if (!place)
		return;
	world_tell(world, "# the priority of %s changes, and meanwhile %s completes it",
		element_of(world, holding.task), holding.worker);
	place->held = true;
	memory_hold(place->store, true);
	step_command(world, (struct command){ .kind = COMMAND_set_task_priority, .target = holding.task,
		.priority = dice_roll(&world->dice, 10) });
	world_step(world, place);
	step_command(world, (struct command){ .kind = COMMAND_complete_task, .target = holding.task,
		.worker = holding.worker });
	world_step(world, place);
	place->blames = dice_chance(&world->dice, 50);
	place->holds = dice_chance(&world->dice, 50);
}

/* ---- the table -------------------------------------------------------------------------------------------------- */

static void (*const plays[STEP_COUNT])(struct world *world) = {
#define STEP(name, weight) [STEP_##name] = step_##name,
#include "tests/simulate/steps.def"
#undef STEP
};
static const int weights[STEP_COUNT] = {
#define STEP(name, weight) [STEP_##name] = weight,
#include "tests/simulate/steps.def"
#undef STEP
};

enum step_kind
step_random(struct dice *dice)
{
	int64_t sum = 0, at;
	int kind = 0;

	for (int i = 0; i < STEP_COUNT; i++)
		sum += weights[i];
	for (at = dice_roll(dice, sum); at >= weights[kind]; kind++)
		at -= weights[kind];
	return (enum step_kind)kind;
}

bool
step_too_large(const struct tree *tree)
{
	return map_count(&tree->activities) > MOST_ACTIVITIES;
}

void
step_tame(struct world *world)
{
	for (size_t i = 0; i < world->memory->tree_count; i++)
		if (step_too_large(world->memory->trees[i]))
			step_command(world, (struct command){ .kind = COMMAND_delete_instance,
				.target = world->memory->trees[i]->root->id, .reason = "too large" });
}

bool
step_unsettles(enum step_kind kind)
{
	return kind == STEP_crash || kind == STEP_revive || kind == STEP_pause || kind == STEP_resume ||
		kind == STEP_jump || kind == STEP_abort || kind == STEP_unheard || kind == STEP_unheard_abort ||
		kind == STEP_weather;
}

void
step_play(struct world *world, enum step_kind kind)
{
	plays[kind](world);
}
