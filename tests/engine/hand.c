/* SPDX-License-Identifier: Apache-2.0
 * A definition made by hand. */
#include "tests/engine/hand.h"

#include <stdio.h>
#include <stdlib.h>

static const struct node nodes[] = {
	{ .index = 0, .key = KEY_process, .id = "process", .scope = -1, .has_inclusive_join = true },
	{ .index = 1, .key = KEY_start, .id = "start", .scope = 0 },
	{ .index = 2, .key = KEY_task, .id = "task", .scope = 0 },
	{ .index = 3, .key = KEY_user, .id = "user", .scope = 0 },
	{ .index = 4, .key = KEY_timer, .id = "timer", .scope = 0 },
	{ .index = 5, .key = KEY_join, .id = "join", .scope = 0 },
	{ .index = 6, .key = KEY_sub, .id = "sub", .scope = 0, .has_inclusive_join = true },
	{ .index = 7, .key = KEY_inner, .id = "inner", .scope = 6 },
	{ .index = 8, .key = KEY_inner_join, .id = "innerJoin", .scope = 6 },
	{ .index = 9, .key = KEY_loop, .id = "loop", .scope = 10 },
	{ .index = 10, .key = KEY_loop_body, .id = "loop#multiInstanceBody", .scope = 0 },
};

static const struct program program = { .key = "process", .nodes = nodes, .node_count = 11 };
static const struct definition definition = { .id = HAND_DEFINITION, .key = "process", .program = &program };

static const struct definition *
get(void *context, int32_t id)
{
	(void)context;
	return id == HAND_DEFINITION ? &definition : NULL;
}

const struct definitions hand_definitions = { .get = get };

enum status
hand_apply(struct tree *tree, struct effects *effects, struct effect effect, struct error *err)
{
	enum status status;

	effects->list = arena_grow(effects->arena, effects->list, sizeof(effect), effects->count,
		&effects->capacity);
	effects->list[effects->count] = effect;
	status = engine_apply(tree, &effects->list[effects->count], err);
	if (status == OK)
		effects->count++;
	return status;
}

static void
must(struct tree *tree, struct effects *effects, struct effect effect)
{
	struct error err;

	if (hand_apply(tree, effects, effect, &err) == OK)
		return;
	fprintf(stderr, "%s: %s\n", effect_name(effect.kind), err.message);
	abort();
}

static void
fill_variables(struct tree *tree, struct effects *effects)
{
	static const char *const names[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j" };
	static const struct value_info info = { .filename = "a.bin", .mime = "x/y" };
	struct value file = { .type = VALUE_file, .text = "\0\1\2", .length = 3, .info = &info };
	struct value secret = value_string("never stored");
	struct value real = value_double(1.5);
	int64_t i;

	for (i = 0; i < 10; i++)
		must(tree, effects, HAND(variable_set, 2, names[i], value_integer(i), 200 + 2 * i));
	must(tree, effects, HAND(variable_set, 2, "c", value_string("text"), 0));
	must(tree, effects, HAND(variable_set, 4, "file", file, 230));
	must(tree, effects, HAND(variable_set, 4, "none", value_null(), 232));
	real.text = "1.50";
	real.length = 4;
	must(tree, effects, HAND(variable_set, 4, "real", real, 234));
	secret.transient = true;
	must(tree, effects, HAND(variable_set, 4, "secret", secret, 236));
	must(tree, effects, HAND(variable_drop, 4, "none"));
}

void
hand_fill(struct tree *tree, struct effects *effects)
{
	static const char *const users[] = { "ann", "bob" };
	static const char *const groups[] = { "sales" };

	must(tree, effects, HAND(instance_open, 2, 0, HAND_DEFINITION, "order 1", KEY_start, 1000, NULL));
	must(tree, effects, HAND(activity_open, 4, 2, 2, KEY_task, ACTIVITY_active, 0, 1001));
	must(tree, effects, HAND(task_open, 4, "topic", 5));
	must(tree, effects, HAND(task_lock, 4, "worker", 1002, 2002, 1));
	must(tree, effects, HAND(task_fail, 4, 2, "broken", "stack"));
	must(tree, effects, HAND(task_priority, 4, 6));
	must(tree, effects, HAND(activity_open, 6, 2, 2, KEY_user, ACTIVITY_active, 0, 1003));
	must(tree, effects, HAND(user_open, 6, "Name", NULL, NULL, 50, WHEN_NONE, 3000, "form",
		{ 2, users }, { 1, groups }));
	must(tree, effects, HAND(user_assign, 6, "ann"));
	must(tree, effects, HAND(activity_open, 8, 2, 2, KEY_sub, ACTIVITY_active, 0, 1004));
	must(tree, effects, HAND(activity_open, 10, 2, 8, KEY_inner, ACTIVITY_before, 0, 1004));
	must(tree, effects, HAND(job_open, 12, 10, JOB_before, KEY_inner, WHEN_NONE, 3, 0, NULL, 1004));
	must(tree, effects, HAND(job_open, 14, 10, JOB_timer, KEY_timer, 5000, 3, 0, "R3/PT1H", 1004));
	must(tree, effects, HAND(job_set, 12, 1500, 0, "no luck", KEY_inner));
	must(tree, effects, HAND(incident_open, 16, 10, INCIDENT_failed_job, 12, "no luck", KEY_inner, 1005));
	must(tree, effects, HAND(activity_open, 18, 2, 8, KEY_inner_join, ACTIVITY_joining, 48, 1005));
	must(tree, effects, HAND(activity_open, 20, 2, 8, KEY_inner_join, ACTIVITY_active, 0, 1005));
	must(tree, effects, HAND(activity_state, 20, ACTIVITY_joining, 52, 1006));
	must(tree, effects, HAND(instance_open, 22, 10, HAND_DEFINITION, NULL, KEY_start, 1006, NULL));
	must(tree, effects, HAND(instance_suspend, 22, 1));
	fill_variables(tree, effects);
}
