/* SPDX-License-Identifier: Apache-2.0
 * What bench/count runs below callgrind: completions of external tasks on the engine alone, or in a lane whose store
 * is in memory.  Callgrind collects in measure_completion() and measure_step() only, which call the engine and the lane
 * and nothing else.  Prints the number of completions, and the engine's calls of malloc() in them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpmn/bpmn.h"
#include "lane/lane.h"
#include "tests/memory_store.h"

enum {
	BATCH = 50,		/* completions in one batch */
	FETCH = 10,		/* tasks of one fetch */
	VALUES = 1000,		/* different values of the variable */
	STEP_US = 1000,		/* from one step to the next */
	STEPS_MOST = 1000,	/* of one batch; a lane that needs more hangs */
};

struct model {
	struct arena *arena;
	struct definition definition;
	struct definitions definitions;
};

enum status measure_completion(struct tree *tree, const struct command *command, struct effects *effects,
	struct outcome *outcome, struct error *err);
int64_t measure_step(struct lane *lane, int64_t now_us, struct request **inbox);
void *__wrap_malloc(size_t size);
void *__real_malloc(size_t size);

static bool counting;
static unsigned long allocations;

/* The linker sends every malloc() of our own objects here. */
void *
__wrap_malloc(size_t size)
{
	if (counting)
		allocations++;
	return __real_malloc(size);
}

__attribute__((noinline)) enum status
measure_completion(struct tree *tree, const struct command *command, struct effects *effects, struct outcome *outcome,
	struct error *err)
{
	enum status status;

	counting = true;
	status = engine_run(tree, command, effects, outcome, err);
	counting = false;
	return status;
}

__attribute__((noinline)) int64_t
measure_step(struct lane *lane, int64_t now_us, struct request **inbox)
{
	return lane_step(lane, now_us, inbox);
}

static void
die(const char *doing, const struct error *err)
{
	fprintf(stderr, "bench-count: %s: %s\n", doing, err->message);
	exit(1);
}

static void
must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench-count: %s\n", what);
	exit(1);
}

/* ---- the model ------------------------------------------------------------------------------------------ */

static const struct definition *
get(void *context, int32_t id)
{
	struct model *model = context;

	return id == model->definition.id ? &model->definition : NULL;
}

static const char *
read_file(struct arena *arena, const char *path, size_t *length)
{
	FILE *file = fopen(path, "rb");
	char *bytes;
	long size;

	must(file != NULL, "the diagram cannot be opened");
	must(fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0, "the diagram has no size");
	rewind(file);
	bytes = arena_alloc(arena, (size_t)size);
	*length = fread(bytes, 1, (size_t)size, file);
	must(*length == (size_t)size, "the diagram cannot be read");
	fclose(file);
	return bytes;
}

static struct model *
model_new(const char *path)
{
	struct arena *arena = arena_new();
	struct model *model = ARENA_NEW(arena, struct model);
	struct diagram diagram;
	struct error err;
	const char *xml;
	size_t length;

	if (bpmn_init(&err) != OK)
		die("starting", &err);
	xml = read_file(arena, path, &length);
	if (bpmn_compile(arena, path, xml, length, &diagram, &err) != OK)
		die("compiling the diagram", &err);
	must(diagram.program_count == 1, "the diagram has to have one executable process");
	model->arena = arena;
	model->definition = (struct definition){
		.id = 1,
		.wire_id = "bench:1:1",
		.key = diagram.programs[0]->key,
		.version = 1,
		.program = diagram.programs[0],
	};
	model->definitions = (struct definitions){ .get = get, .context = model };
	return model;
}

/* The one variable that every completion sets. */
static struct entries
variables(struct arena *arena, unsigned long number)
{
	struct entry *entry = ARENA_NEW(arena, struct entry);

	entry->name = "n";
	entry->value = value_integer((int64_t)(number % VALUES));
	return (struct entries){ .count = 1, .list = entry };
}

/* ---- the engine alone ------------------------------------------------------------------------------------ */

struct machine {
	struct model *model;
	struct arena *batch;		/* as the lane has one: emptied after each batch */
	struct limits limits;
	struct tree *tree;
	int64_t now_us, next_id;
	unsigned long completions;
};

/* The first open external task, depth first. */
static const struct activity *
first_task(const struct tree *tree)
{
	const struct activity *at = tree->root->activity.closed ? NULL : &tree->root->activity;

	while (at != NULL && at->external.topic == NULL) {
		if (at->first != NULL) {
			at = at->first;
			continue;
		}
		while (at->scope != NULL && at->next == NULL)
			at = at->scope;
		at = at->scope != NULL ? at->next : NULL;
	}
	return at;
}

static void
run(struct machine *machine, struct command command, bool measured)
{
	struct effects effects;
	struct outcome outcome;
	struct error err;
	enum status status;

	command.now_us = machine->now_us += STEP_US;
	command.next_id = machine->next_id;
	command.limits = &machine->limits;
	command.arena = machine->batch;
	effects_init(&effects, machine->batch);
	if (measured)
		status = measure_completion(machine->tree, &command, &effects, &outcome, &err);
	else
		status = engine_run(machine->tree, &command, &effects, &outcome, &err);
	if (status != OK)
		die(command_word(command.kind), &err);
	machine->next_id = outcome.next_id;
}

static void
work_off(struct machine *machine)
{
	const struct activity *task;
	int64_t id;

	while ((task = first_task(machine->tree)) != NULL) {
		id = task->id;
		run(machine, (struct command){ .kind = COMMAND_lock_task, .target = id, .worker = "worker-1",
			.duration_us = 600000000 }, false);
		run(machine, (struct command){ .kind = COMMAND_complete_task, .target = id, .worker = "worker-1",
			.variables = variables(machine->batch, machine->completions) }, true);
		if (++machine->completions % BATCH == 0)
			arena_reset(machine->batch);
	}
	must(machine->tree->root->activity.closed, "an instance without tasks has not ended");
}

static unsigned long
count_engine(struct model *model, unsigned long instances)
{
	struct machine machine = {
		.model = model,
		.batch = arena_new(),
		.limits = { .steps = 1000000, .default_retries = 3, .lock_expiries = 10 },
		.now_us = INT64_C(1700000000000000),
		.next_id = 1000,
	};

	for (unsigned long i = 0; i < instances; i++) {
		machine.tree = tree_new(&model->definitions);
		run(&machine, (struct command){ .kind = COMMAND_start, .definition = &model->definition }, false);
		work_off(&machine);
		tree_free(machine.tree);
	}
	arena_free(machine.batch);
	return machine.completions;
}

/* ---- a lane on a store in memory ------------------------------------------------------------------------- */

struct bench {
	struct model *model;
	struct memory *memory;
	struct settings settings;
	struct lane *lane;
	struct arena *requests;		/* emptied once all are answered */
	struct request *inbox, **end;
	size_t waiting;			/* requests without answer */
	int64_t now_us;
	unsigned long completions;
};

static void
done(struct request *request)
{
	struct bench *bench = request->context;

	if (request->status != OK)
		die("a request was refused", request->error);
	bench->waiting--;
}

static struct request *
ask(struct bench *bench, struct request request)
{
	struct request *kept = arena_copy(bench->requests, &request, sizeof request);

	kept->arena = bench->requests;
	kept->arrived_us = bench->now_us;
	kept->done = done;
	kept->context = bench;
	*bench->end = kept;
	bench->end = &kept->next;
	bench->waiting++;
	return kept;
}

/* Steps until everything is answered. */
static void
answer_all(struct bench *bench, bool measured)
{
	for (int steps = 0; bench->waiting > 0; steps++) {
		must(steps < STEPS_MOST, "the lane does not answer");
		bench->now_us += STEP_US;
		bench->memory->now_us += STEP_US;
		if (measured)
			measure_step(bench->lane, bench->now_us, &bench->inbox);
		else
			lane_step(bench->lane, bench->now_us, &bench->inbox);
	}
	bench->end = &bench->inbox;
}

static void
start_batch(struct bench *bench)
{
	for (int i = 0; i < BATCH; i++)
		ask(bench, (struct request){ .kind = REQUEST_command,
			.command = { .kind = COMMAND_start, .definition = &bench->model->definition } });
	answer_all(bench, false);
	arena_reset(bench->requests);
}

/* Fetches a batch of tasks and completes them; whether there were any. */
static bool
complete_batch(struct bench *bench)
{
	const struct fetch_topic topic = { .topic = bench->model->definition.key, .lock_us = 600000000 };
	struct request *fetches[BATCH / FETCH];
	unsigned long before = bench->completions;

	for (int i = 0; i < BATCH / FETCH; i++)
		fetches[i] = ask(bench, (struct request){ .kind = REQUEST_fetch, .fetch = { .worker = "worker-1",
			.max_tasks = FETCH, .topics = &topic, .topic_count = 1 } });
	answer_all(bench, true);
	for (int i = 0; i < BATCH / FETCH; i++)
		for (size_t j = 0; j < fetches[i]->task_count; j++)
			ask(bench, (struct request){ .kind = REQUEST_command, .command = {
				.kind = COMMAND_complete_task, .target = fetches[i]->tasks[j].activity,
				.worker = "worker-1",
				.variables = variables(bench->requests, bench->completions++) } });
	answer_all(bench, true);
	arena_reset(bench->requests);
	return bench->completions > before;
}

static unsigned long
count_lane(struct model *model, unsigned long instances)
{
	struct bench bench = {
		.model = model,
		.memory = memory_new(INT64_C(1700000000000000)),
		.requests = arena_new(),
		.now_us = STEP_US,
	};

	settings_init(&bench.settings);
	bench.end = &bench.inbox;
	bench.lane = lane_new(&(struct lane_config){
		.range = { .lane = 0, .first_part = 0, .last_part = PART_COUNT - 1 },
		.store = memory_open(bench.memory),
		.definitions = &model->definitions,
		.settings = &bench.settings,
		.cache_bytes = 64 << 20,
		.owner = 7,
	});
	lane_step(bench.lane, bench.now_us, &bench.inbox);
	must(lane_active(bench.lane), "the lane is not active");
	for (unsigned long i = 0; i < instances; i += BATCH) {
		start_batch(&bench);
		while (complete_batch(&bench))
			;
		must(bench.memory->ended == i + BATCH, "not every instance has ended");
	}
	lane_free(bench.lane);
	memory_free(bench.memory);
	arena_free(bench.requests);
	return bench.completions;
}

int
main(int argc, char **argv)
{
	unsigned long instances = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;
	bool lane = argc == 4 && strcmp(argv[1], "lane") == 0;
	unsigned long completions;

	if (instances == 0 || (!lane && strcmp(argv[1], "engine") != 0)) {
		fprintf(stderr, "usage: bench-count engine|lane DIAGRAM INSTANCES (lane: a multiple of %d)\n", BATCH);
		return 2;
	}
	completions = (lane ? count_lane : count_engine)(model_new(argv[2]), instances);
	printf("{\"completions\": %lu, \"allocations\": %lu}\n", completions, allocations);
	return 0;
}
