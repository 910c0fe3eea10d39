/* SPDX-License-Identifier: Apache-2.0
 * The engine against the reference: random processes, random commands, the same to be seen after each.
 *
 *	test_reference [FIRST [COUNT]]		seeds from FIRST on (1), COUNT of each shape (SEEDS)
 *
 * A disagreement prints the seed, and the smallest process and history that still disagree. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "tests/engine/sim.h"
#include "tests/simulate/trace.h"

enum { SEEDS = 30, COMPILED = 1500, SHRUNK = 1000, COMMANDS = 60, TOKENS = 40, STEPS = 20 * REFERENCE_STEPS };

static uint64_t first_seed = 1;
static int seed_count = SEEDS;

static const struct sketch_shape shapes[] = {
	{.most_nodes = 8, .most_depth = 1, .unstructured = false},
	{.most_nodes = 25, .most_depth = 2, .unstructured = false},
	{.most_nodes = 60, .most_depth = 4, .unstructured = false},
	{.most_nodes = 7, .most_depth = 1, .unstructured = true},
	{.most_nodes = 14, .most_depth = 2, .unstructured = true},
	{.most_nodes = 40, .most_depth = 3, .unstructured = true},
};
enum { SHAPES = sizeof(shapes) / sizeof(*shapes) };

/* What has been seen, so that a run that tests nothing is noticed. */
static struct {
	int64_t commands, refused, endless, instances, over;
} seen;

/* One history: the engine and the reference side by side. */
struct pair {
	struct arena *arena;
	const struct sketch *sketch;
	struct dice dice;
	struct sim *sim;
	struct reference *reference;
	struct text log;		/* the commands so far */
	const char *complaint;		/* the disagreement, or NULL */
	int commands;
};

static void
complain(struct pair *pair, const char *what, const char *engine, const char *reference)
{
	pair->complaint = arena_printf(pair->arena, "%s\n--- engine:\n%s\n--- reference:\n%s\n", what, engine,
		reference);
}

/* ---- one command ---------------------------------------------------------------------------------- */

enum verb { VERB_start, VERB_complete, VERB_error, VERB_job, VERB_set };

struct order {
	enum verb verb;
	const struct trace *engine, *reference;		/* what it is about, or NULL */
	int values[SKETCH_VARIABLES];
	int code;
};

static struct entries
entries_of(struct arena *arena, const struct order *order)
{
	struct entry *list = ARENA_ARRAY(arena, struct entry, SKETCH_VARIABLES);
	int i;

	for (i = 0; i < SKETCH_VARIABLES; i++)
		list[i] = (struct entry){arena_printf(arena, "v%d", i), value_integer(order->values[i]), false};
	return (struct entries){SKETCH_VARIABLES, list};
}

static struct command
engine_command(struct pair *pair, const struct order *order)
{
	struct command command = {
		.target = order->engine != NULL ? order->engine->id : 0,
		.variables = entries_of(pair->arena, order),
	};

	switch (order->verb) {
	case VERB_start:
		command.kind = COMMAND_start;
		command.definition = &pair->sim->definition;
		break;
	case VERB_complete:
		command.kind = order->engine->is_user ? COMMAND_complete_user : COMMAND_complete_task;
		break;
	case VERB_error:
		command.kind = order->engine->is_user ? COMMAND_error_user : COMMAND_error_task;
		command.error_code = arena_printf(pair->arena, "E%d", order->code);
		command.variables.count = 0;
		break;
	case VERB_job:
		command.kind = COMMAND_execute_job;
		command.variables.count = 0;
		break;
	case VERB_set:
		command.kind = COMMAND_set_variables;
		command.target = pair->sim->tree->root->id;
		break;
	}
	return command;
}

static enum answer
ask_reference(struct pair *pair, const struct order *order)
{
	int64_t id = order->reference != NULL ? order->reference->id : 0;

	switch (order->verb) {
	case VERB_start: return reference_start(pair->reference, order->values);
	case VERB_complete: return reference_complete(pair->reference, id, order->values);
	case VERB_error: return reference_error(pair->reference, id, order->code);
	case VERB_job: return reference_job(pair->reference, id, order->reference->timer);
	case VERB_set: return reference_set(pair->reference, order->values);
	}
	return ANSWER_refused;
}

static void
write_order(struct pair *pair, const struct order *order)
{
	static const char *const verbs[] = {"start", "complete", "error", "execute", "set"};
	int i;

	text_printf(&pair->log, "%s", verbs[order->verb]);
	if (order->reference != NULL)
		text_printf(&pair->log, " %s (%lld)", order->reference->line, (long long)order->engine->id);
	if (order->verb == VERB_error)
		text_printf(&pair->log, " E%d", order->code);
	for (i = 0; i < SKETCH_VARIABLES && order->verb != VERB_error && order->verb != VERB_job; i++)
		text_printf(&pair->log, " v%d=%d", i, order->values[i]);
	text_putc(&pair->log, '\n');
}

/* Depth first says in which order things happen, but not which of two inclusive joins goes first. */
static bool
has_order(const struct sketch *sketch)
{
	size_t i;

	for (i = 0; i < sketch->node_count; i++)
		if (sketch->nodes[i].kind == SKETCH_inclusive)
			return false;
	return true;
}

/* What can be seen afterwards. */
static void
compare(struct pair *pair, size_t from)
{
	struct trace *engine = trace_engine(pair->arena, pair->sim->tree);
	struct trace *reference = trace_reference(pair->arena, pair->reference);
	bool in_order = has_order(pair->sketch);
	const char *ended = trace_engine_ended(pair->arena, &pair->sim->effects, from, in_order);
	const char *expected = trace_reference_ended(pair->arena, pair->reference, in_order);

	if (!text_equal(engine->text, reference->text))
		complain(pair, "another state", engine->text, reference->text);
	else if (!text_equal(ended, expected))
		complain(pair, "something else has ended", ended, expected);
}

/* Gives the command to both; false when this history cannot go on. */
static bool
carry_out(struct pair *pair, const struct order *order)
{
	static const char *const answers[] = {"done", "refused", "endless"};
	size_t from = pair->sim->effects.count;
	enum answer answer;
	enum status status;
	const char *broken;

	pair->commands++;
	write_order(pair, order);
	answer = ask_reference(pair, order);
	status = sim_step(pair->sim, engine_command(pair, order), &broken);
	seen.refused += answer == ANSWER_refused;
	seen.endless += answer == ANSWER_endless;
	if (broken != NULL)
		complain(pair, "the tree is broken", broken, "");
	else if (answer == ANSWER_endless)
		return status != OK;	/* else long, not endless: the reference gives up early */
	else if ((status == OK) != (answer == ANSWER_done))
		complain(pair, "another answer", status == OK ? "done" : pair->sim->error.message, answers[answer]);
	else if (status == OK && order->verb != VERB_set)
		compare(pair, from);
	return pair->complaint == NULL;
}

/* ---- histories ------------------------------------------------------------------------------------ */

static void
draw_values(struct pair *pair, struct order *order)
{
	int i;

	for (i = 0; i < SKETCH_VARIABLES; i++)
		order->values[i] = (int)dice_roll(&pair->dice, 4);
}

/* One of what is open; false when nothing is, or too much. */
static bool
draw_order(struct pair *pair, struct order *order)
{
	const struct trace **engine, **reference;
	size_t count = trace_choices(pair->arena, trace_engine(pair->arena, pair->sim->tree), &engine);
	size_t same = trace_choices(pair->arena, trace_reference(pair->arena, pair->reference), &reference);
	size_t at;

	if (count == 0 || count != same || count > TOKENS)
		return false;
	*order = (struct order){.verb = VERB_set};
	draw_values(pair, order);
	if (dice_chance(&pair->dice, 5))
		return true;
	at = (size_t)dice_roll(&pair->dice, (int64_t)count);
	order->engine = engine[at];
	order->reference = reference[at];
	order->code = 1 + (int)dice_roll(&pair->dice, 3);
	if (engine[at]->kind == TRACE_job)
		order->verb = VERB_job;
	else
		order->verb = dice_chance(&pair->dice, 15) ? VERB_error : VERB_complete;
	return true;
}

/* An instance from start to end, or to the last command. */
static void
play_instance(struct pair *pair, const char *xml)
{
	struct order order = {.verb = VERB_start};
	struct error err;

	if (sim_open("sketch.bpmn", xml, strlen(xml), &pair->sim, &err) != OK) {
		complain(pair, "it does not deploy", err.message, "");
		return;
	}
	pair->sim->limits.steps = STEPS;
	pair->reference = reference_new(pair->arena, pair->sketch);
	draw_values(pair, &order);
	seen.instances++;
	if (carry_out(pair, &order) && pair->reference->process != NULL)
		while (pair->commands < COMMANDS && draw_order(pair, &order) && carry_out(pair, &order))
			continue;
	if (pair->complaint == NULL && pair->reference->process != NULL && sim_replay(pair->sim, &err) != OK)
		complain(pair, "replay", err.message, "");
	seen.over += pair->reference->process != NULL && pair->reference->process->dead;
	sim_free(pair->sim);
}

/* So many commands, in as many instances as it takes; the disagreement with its history, in the arena, or NULL. */
static const char *
play(struct arena *arena, const struct sketch *sketch, uint64_t seed, int *commands)
{
	struct pair pair = {.arena = arena_new(), .sketch = sketch, .dice = {.state = seed}};
	const char *xml = sketch_xml(sketch, pair.arena), *found = NULL;

	while (pair.complaint == NULL && pair.commands < COMMANDS) {
		text_init(&pair.log, pair.arena);
		play_instance(&pair, xml);
		pair.commands++;	/* a process may end at once */
	}
	seen.commands += pair.commands;
	*commands = pair.commands;
	if (pair.complaint != NULL)
		found = arena_printf(arena, "%s\n%s%s", xml, text_string(&pair.log), pair.complaint);
	arena_free(pair.arena);
	return found;
}

/* ---- shrinking ------------------------------------------------------------------------------------ */

/* Whether some history of the process disagrees: that of the seed, or of some others. */
static const char *
find_complaint(struct arena *arena, const struct sketch *sketch, uint64_t seed)
{
	const char *complaint = NULL;
	int commands;
	uint64_t i;

	for (i = 0; i < 5 && complaint == NULL; i++)
		complaint = play(arena, sketch, seed + i, &commands);
	return complaint;
}

/* Leaves out part after part as long as a disagreement is left, or until so many processes were tried. */
static const char *
shrink(struct arena *arena, const struct sketch *sketch, uint64_t seed, const char *complaint)
{
	const struct sketch *smaller;
	const char *found;
	size_t part = 0;
	int tried;

	for (tried = 0; tried < SHRUNK && part < sketch_parts(sketch); tried++) {
		smaller = sketch_without(arena, sketch, part);
		found = smaller != NULL ? find_complaint(arena, smaller, seed) : NULL;
		if (found != NULL) {
			sketch = smaller;
			complaint = found;
			part = 0;
		} else {
			part++;
		}
	}
	return complaint;
}

/* ---- tests ---------------------------------------------------------------------------------------- */

static void
must_compile(uint64_t seed, const struct sketch *sketch, struct arena *arena)
{
	const char *xml = sketch_xml(sketch, arena);
	struct diagram diagram;
	struct error err;

	ck_assert_msg(bpmn_compile(arena, "sketch.bpmn", xml, strlen(xml), &diagram, &err) == OK, "seed %llu: %s\n%s",
		(unsigned long long)seed, err.message, xml);
	ck_assert_uint_eq(diagram.program_count, 1);
}

START_TEST(sketches_compile)
{
	struct arena *arena = arena_new();
	const struct sketch *sketch;
	uint64_t seed;

	for (seed = first_seed; seed < first_seed + COMPILED; seed++) {
		sketch = sketch_random(arena, seed, &shapes[seed % SHAPES]);
		must_compile(seed, sketch, arena);
		ck_assert_str_eq(sketch_xml(sketch, arena),
			sketch_xml(sketch_random(arena, seed, &shapes[seed % SHAPES]), arena));
		arena_reset(arena);
	}
	arena_free(arena);
}
END_TEST

/* Any way to the smallest compiles too, and has an end. */
START_TEST(sketches_shrink)
{
	struct arena *arena = arena_new();
	const struct sketch *sketch, *smaller;
	struct dice dice = {.state = first_seed};
	uint64_t seed;
	size_t parts;

	for (seed = first_seed; seed < first_seed + COMPILED / 50; seed++) {
		sketch = sketch_random(arena, seed, &shapes[seed % SHAPES]);
		while ((parts = sketch_parts(sketch)) > 0) {
			smaller = sketch_without(arena, sketch, (size_t)dice_roll(&dice, (int64_t)parts));
			ck_assert_ptr_nonnull(smaller);
			ck_assert_uint_lt(sketch_parts(smaller), parts);
			must_compile(seed, smaller, arena);
			sketch = smaller;
		}
		ck_assert_ptr_null(sketch_without(arena, sketch, 0));
		arena_reset(arena);
	}
	arena_free(arena);
}
END_TEST

START_TEST(engine_agrees)
{
	struct arena *arena = arena_new();
	const struct sketch *sketch;
	const char *complaint;
	uint64_t seed;
	int commands;

	for (seed = first_seed; seed < first_seed + (uint64_t)seed_count; seed++) {
		sketch = sketch_random(arena, seed, &shapes[_i]);
		complaint = play(arena, sketch, seed, &commands);
		if (complaint != NULL)
			complaint = shrink(arena, sketch, seed, complaint);
		ck_assert_msg(complaint == NULL, "shape %d, seed %llu:\n%s", _i, (unsigned long long)seed, complaint);
		ck_assert_int_ge(commands, 50);
		arena_reset(arena);
	}
	printf("shape %d, seeds %llu to %llu: %lld commands, %lld refused, %lld endless; %lld instances, %lld over\n",
		_i, (unsigned long long)first_seed, (unsigned long long)seed - 1, (long long)seen.commands,
		(long long)seen.refused, (long long)seen.endless, (long long)seen.instances, (long long)seen.over);
	/* a single seed may be a process that never ends; most are not */
	if (seed_count >= SEEDS)
		ck_assert_int_gt(seen.over, seed_count);
	arena_free(arena);
}
END_TEST

int
main(int argc, char **argv)
{
	Suite *suite = suite_create("reference");
	TCase *sketches = tcase_create("sketches"), *engine = tcase_create("engine");
	SRunner *runner;
	struct error err;
	int failed;

	if (argc > 1)
		first_seed = strtoull(argv[1], NULL, 10);
	if (argc > 2)
		seed_count = atoi(argv[2]);
	if (bpmn_init(&err) != OK)
		return 1;
	tcase_add_test(sketches, sketches_compile);
	tcase_add_test(sketches, sketches_shrink);
	tcase_add_loop_test(engine, engine_agrees, 0, SHAPES);
	tcase_set_timeout(sketches, 0);
	tcase_set_timeout(engine, 0);
	suite_add_tcase(suite, sketches);
	suite_add_tcase(suite, engine);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
