/* SPDX-License-Identifier: Apache-2.0
 * See drive.h. */
#include "tests/lane/drive.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "bpmn/bpmn.h"
#include "tests/base/run.h"
#include "tests/engine/sim.h"

struct drive *drive;

static const struct definition *
get(void *context, int32_t id)
{
	const struct drive *of = context;

	return id >= 1 && (size_t)id <= of->count ? &of->list[id - 1] : NULL;
}

static void
told(void *context, struct lane *lane, const char *topic)
{
	struct drive *of = context;

	(void)lane;
	text_printf(&of->told, "%s ", topic);
}

static void
owned(void *context, struct lane *lane, bool active)
{
	struct drive *of = context;

	ck_assert(of->lane == NULL || of->lane != lane || lane_active(lane) == active);
	of->owned += active ? 1 : -1;
}

struct drive *
drive_new(void)
{
	struct arena *arena = arena_new();
	struct drive *fresh = ARENA_NEW(arena, struct drive);

	fresh->arena = arena;
	fresh->memory = memory_new(INT64_C(1700000000000000));
	settings_init(&fresh->settings);
	fresh->cache_bytes = 1 << 20;
	fresh->definitions = (struct definitions){ .get = get, .context = fresh };
	fresh->now_us = 1000;
	fresh->end = &fresh->inbox;
	text_init(&fresh->told, arena);
	return fresh;
}

void
drive_free(struct drive *of)
{
	if (of->lane)
		lane_free(of->lane);
	memory_free(of->memory);
	arena_free(of->arena);
}

static int64_t
drive_clock(void *context)
{
	return ((const struct drive *)context)->now_us;
}

struct lane *
drive_another(struct drive *of, int64_t owner)
{
	return lane_new(&(struct lane_config){
		.range = { .lane = 0, .first_part = 0, .last_part = PART_COUNT - 1 },
		.store = memory_open(of->memory),
		.definitions = &of->definitions,
		.settings = &of->settings,
		.cache_bytes = of->cache_bytes,
		.ready = told,
		.owned = owned,
		.monotonic = drive_clock,
		.context = of,
		.owner = owner,
	});
}

void
drive_open(struct drive *of)
{
	of->lane = drive_another(of, 7);
	drive_step(of);
}

void
drive_restart(struct drive *of, int64_t owner)
{
	lane_free(of->lane);
	of->lane = NULL;
	of->lane = drive_another(of, owner);
}

const struct definition *
drive_define(struct drive *of, const char *body)
{
	const char *xml = sim_process(of->arena, body);
	struct definition *definition = &of->list[of->count++];
	struct diagram diagram;
	struct error err;

	ck_assert_uint_le(of->count, DRIVE_DEFINITIONS);
	ck_assert_msg(bpmn_compile(of->arena, "p.bpmn", xml, strlen(xml), &diagram, &err) == OK, "%s", err.message);
	*definition = (struct definition){
		.id = (int32_t)of->count,
		.wire_id = arena_printf(of->arena, "p:%zu:%zu", of->count, of->count),
		.key = diagram.programs[0]->key,
		.version = (int32_t)of->count,
		.program = diagram.programs[0],
	};
	return definition;
}

/* ---- requests --------------------------------------------------------------------------------------------- */

static void
done(struct request *request)
{
	++*(int *)request->context;
}

static struct request *
put(struct drive *of, struct request request)
{
	struct request *kept = arena_copy(of->arena, &request, sizeof request);

	kept->arena = of->arena;
	kept->arrived_us = of->now_us;
	kept->done = done;
	kept->context = ARENA_NEW(of->arena, int);
	*of->end = kept;
	of->end = &kept->next;
	return kept;
}

struct request *
drive_ask(struct drive *of, struct command command)
{
	return put(of, (struct request){ .kind = REQUEST_command, .command = command });
}

struct request *
drive_fetch(struct drive *of, struct fetch fetch)
{
	return put(of, (struct request){ .kind = REQUEST_fetch, .fetch = fetch });
}

struct request *
drive_fetch_topic(struct drive *of, const char *worker, const char *topic, int64_t max_tasks)
{
	struct fetch_topic *wanted = ARENA_NEW(of->arena, struct fetch_topic);

	wanted->topic = topic;
	wanted->lock_us = 10 * DRIVE_SECOND;
	return drive_fetch(of, (struct fetch){ .worker = worker, .max_tasks = max_tasks, .use_priority = true,
		.topics = wanted, .topic_count = 1 });
}

struct request *
drive_start(struct drive *of, const struct definition *definition, struct entries variables)
{
	return drive_ask(of, (struct command){ .kind = COMMAND_start, .definition = definition,
		.variables = variables });
}

int
drive_answers(const struct request *request)
{
	return *(const int *)request->context;
}

/* ---- steps ------------------------------------------------------------------------------------------------ */

void
drive_step(struct drive *of)
{
	of->next_us = lane_step(of->lane, of->now_us, &of->inbox);
	if (of->inbox == NULL)
		of->end = &of->inbox;
}

void
drive_settle(struct drive *of)
{
	int steps = 0;

	do {
		drive_step(of);
		ck_assert_int_lt(++steps, 1000);	/* it must come to rest */
	} while (of->inbox != NULL || of->next_us <= of->now_us);
}

void
drive_wait(struct drive *of, int64_t us)
{
	of->now_us += us;
	of->memory->now_us += us;
}

void
drive_run(struct drive *of, int64_t us)
{
	int64_t end = of->now_us + us;

	drive_settle(of);
	while (of->next_us <= end) {
		drive_wait(of, of->next_us - of->now_us);
		drive_settle(of);
	}
	drive_wait(of, end - of->now_us);
}

struct request *
drive_do(struct drive *of, struct command command)
{
	struct request *request = drive_ask(of, command);

	drive_settle(of);
	ck_assert_int_eq(drive_answers(request), 1);
	ck_assert_msg(request->status == OK, "%s", request->error->message);
	return request;
}

int64_t
drive_begin(struct drive *of, const struct definition *definition, struct entries variables)
{
	struct request *request = drive_start(of, definition, variables);

	drive_settle(of);
	ck_assert_msg(request->status == OK, "%s", request->error->message);
	return request->outcome.instance;
}

const struct activity *
drive_at(struct drive *of, int64_t instance, const char *element)
{
	const struct tree *tree = memory_tree(of->memory, instance);
	const struct activity *at = tree ? &tree->root->activity : NULL;

	while (at && !text_equal(at->node->id, element)) {
		if (at->first) {
			at = at->first;
			continue;
		}
		while (at->scope && !at->next)
			at = at->scope;
		at = at->scope ? at->next : NULL;
	}
	return at;
}

/* ---- suites ------------------------------------------------------------------------------------------------ */

static void
setup(void)
{
	drive = drive_new();
}

static void
teardown(void)
{
	drive_free(drive);
}

int
drive_suite(const char *name, const TTest *const *tests)
{
	struct error err;
	int failed;

	if (bpmn_init(&err) != OK)
		return EXIT_FAILURE;
	log_set_level(LOG_ERROR_LEVEL);
	failed = run_suite_with(name, setup, teardown, RUN_SECONDS, tests);
	bpmn_done();
	return failed;
}
