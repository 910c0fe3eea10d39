/* SPDX-License-Identifier: Apache-2.0
 * See sim.h. */
#include "tests/engine/sim.h"

#include <check.h>
#include <string.h>

#include "base/text.h"

static const struct definition *
get(void *context, int32_t id)
{
	struct sim *sim = context;

	return id == sim->definition.id ? &sim->definition : NULL;
}

const char *
sim_process(struct arena *arena, const char *body)
{
	return arena_printf(arena,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
		"<definitions xmlns=\"http://www.omg.org/spec/BPMN/20100524/MODEL\""
		" xmlns:camunda=\"http://camunda.org/schema/1.0/bpmn\""
		" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" targetNamespace=\"test\">"
		"<error id=\"err1\" errorCode=\"E1\"/><error id=\"err2\" errorCode=\"E2\"/>"
		"<error id=\"told\" errorCode=\"E3\" camunda:errorMessage=\"failed ${n} times\"/>"
		"<process id=\"p\" isExecutable=\"true\">%s</process></definitions>", body);
}

/* The program lives at least as long. */
static struct sim *
begin(struct arena *arena, const struct program *program)
{
	struct sim *sim = ARENA_NEW(arena, struct sim);

	sim->arena = arena;
	sim->definition = (struct definition){
		.id = 1,
		.wire_id = "p:1:1",
		.key = program->key,
		.version = 1,
		.program = program,
	};
	sim->definitions = (struct definitions){.get = get, .context = sim};
	sim->limits = (struct limits){.steps = 1000000, .default_retries = 3, .lock_expiries = 3};
	sim->now_us = INT64_C(1700000000000000);
	sim->next_id = 1000;
	effects_init(&sim->effects, arena);
	return sim;
}

struct sim *
sim_of(const struct program *program)
{
	return begin(arena_new(), program);
}

enum status
sim_open(const char *name, const char *xml, size_t length, struct sim **made, struct error *err)
{
	struct arena *arena = arena_new();
	struct diagram diagram;
	enum status status = bpmn_compile(arena, name, xml, length, &diagram, err);

	if (status == OK && diagram.program_count == 0)
		status = FAIL(err, engine, "%s has no executable process", name);
	if (status != OK) {
		arena_free(arena);
		return status;
	}
	*made = begin(arena, diagram.programs[0]);
	return OK;
}

struct sim *
sim_new(const char *xml)
{
	struct sim *sim = NULL;
	struct error err;
	enum status status = sim_open("sim.bpmn", xml, strlen(xml), &sim, &err);

	ck_assert_msg(status == OK, "%s", err.message);
	return sim;
}

void
sim_free(struct sim *sim)
{
	if (sim->tree != NULL)
		tree_free(sim->tree);
	arena_free(sim->arena);
}

enum status
sim_step(struct sim *sim, struct command command, const char **broken)
{
	const char *before = NULL;
	enum status status;
	struct error check;

	*broken = NULL;
	if (sim->tree == NULL)
		sim->tree = tree_new(&sim->definitions);
	else
		before = tree_dump(sim->tree, sim->arena);
	command.now_us = sim->now_us;
	command.next_id = sim->next_id;
	command.limits = &sim->limits;
	command.arena = sim->arena;
	status = engine_run(sim->tree, &command, &sim->effects, &sim->outcome, &sim->error);
	if (status == OK)
		sim->next_id = sim->outcome.next_id;
	if (!tree_check(sim->tree, &check))
		*broken = arena_strdup(sim->arena, check.message);
	else if (status != OK && before != NULL && !text_equal(before, tree_dump(sim->tree, sim->arena)))
		*broken = "a refused command has changed the tree";
	return status;
}

enum status
sim_run(struct sim *sim, struct command command)
{
	const char *broken;
	enum status status = sim_step(sim, command, &broken);

	ck_assert_msg(broken == NULL, "%s", broken);
	return status;
}

/* Into an empty tree. */
static enum status
replay(struct sim *sim, struct tree *tree, struct error *err)
{
	struct effects effects;
	const void *bytes;
	size_t length, i;

	effects_encode(&sim->effects, 0, sim->arena, &bytes, &length);
	effects_init(&effects, sim->arena);
	TRY(effects_decode(bytes, length, &effects, err));
	for (i = 0; i < effects.count; i++)
		TRY(engine_apply(tree, &effects.list[i], err));
	if (!tree_check(tree, err))
		return E_internal;
	if (!text_equal(tree_dump(sim->tree, sim->arena), tree_dump(tree, sim->arena)))
		return FAIL(err, internal, "replayed, the tree is another");
	return OK;
}

enum status
sim_replay(struct sim *sim, struct error *err)
{
	struct tree *tree = tree_new(&sim->definitions);
	enum status status = replay(sim, tree, err);

	tree_free(tree);
	if (status != OK || sim_ended(sim))
		return status;
	tree = tree_copy(sim->tree);
	if (!text_equal(tree_dump(sim->tree, sim->arena), tree_dump(tree, sim->arena)))
		status = FAIL(err, internal, "copied, the tree is another");
	tree_free(tree);
	return status;
}

enum status
sim_start(struct sim *sim, struct entries variables)
{
	return sim_run(sim, (struct command){
		.kind = COMMAND_start,
		.definition = &sim->definition,
		.variables = variables,
	});
}

struct sim *
sim_begin(const char *body, struct entries variables)
{
	struct arena *arena = arena_new();
	struct sim *sim = sim_new(sim_process(arena, body));

	arena_free(arena);
	ck_assert_msg(sim_start(sim, variables) == OK, "%s", sim->error.message);
	return sim;
}

struct activity *
sim_next(struct sim *sim, struct activity *at)
{
	struct activity *top = &sim->tree->root->activity;

	if (at == NULL)
		at = top;
	if (at->first != NULL)
		return at->first;
	while (at != top && at->next == NULL)
		at = at->scope;
	return at == top ? NULL : at->next;
}

bool
sim_ended(const struct sim *sim)
{
	return sim->tree->root->activity.closed;
}

int
sim_count(struct sim *sim, const char *element)
{
	struct activity *at = NULL;
	int count = 0;

	if (sim_ended(sim))
		return 0;
	while ((at = sim_next(sim, at)) != NULL)
		count += text_equal(at->node->id, element);
	return count;
}

struct activity *
sim_at(struct sim *sim, const char *element)
{
	struct activity *at = NULL, *found = NULL;

	if (sim_ended(sim))
		return NULL;
	while ((at = sim_next(sim, at)) != NULL)
		if (text_equal(at->node->id, element) && found == NULL)
			found = at;
	return found;
}

enum status
sim_complete(struct sim *sim, const char *element, struct entries variables)
{
	struct activity *activity = sim_at(sim, element);

	ck_assert_msg(activity != NULL, "nothing open at %s", element);
	return sim_run(sim, (struct command){
		.kind = activity->human != NULL ? COMMAND_complete_user : COMMAND_complete_task,
		.target = activity->id,
		.variables = variables,
	});
}

enum status
sim_fire(struct sim *sim, const char *element)
{
	struct activity *at = &sim->tree->root->activity;
	const struct node *node = program_node_by_id(sim->definition.program, element);
	struct job *job;

	for (; at != NULL; at = sim_next(sim, at))
		for (job = at->jobs; job != NULL; job = job->next)
			if (job->key == node->key)
				return sim_run(sim, (struct command){.kind = COMMAND_execute_job, .target = job->id});
	ck_abort_msg("no job at %s", element);
	return E_internal;
}

const char *
sim_active(struct sim *sim)
{
	struct activity *at = NULL;
	struct text text;

	text_init(&text, sim->arena);
	if (sim_ended(sim))
		return "";
	while ((at = sim_next(sim, at)) != NULL)
		text_printf(&text, "%s%s", text.length > 0 ? " " : "", at->node->id);
	return text_string(&text);
}

const char *
sim_history(struct sim *sim)
{
	const struct effect *effect;
	struct text text;
	size_t i;

	text_init(&text, sim->arena);
	for (i = 0; i < sim->effects.count; i++) {
		effect = &sim->effects.list[i];
		if (effect->kind != EFFECT_activity_close || effect->on.activity->state == ACTIVITY_before ||
		    effect->on.activity->state == ACTIVITY_after)
			continue;
		text_printf(&text, "%s%s%s", text.length > 0 ? " " : "", effect->activity_close.canceled ? "-" : "",
			effect->on.activity->node->id);
	}
	return text_string(&text);
}

const char *
sim_variable(struct sim *sim, const char *name)
{
	const struct variable *variable = tree_variable_local(&sim->tree->root->activity, name);

	return variable != NULL ? value_to_text(sim->arena, &variable->value) : "-";
}
