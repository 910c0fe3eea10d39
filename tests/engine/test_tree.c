/* SPDX-License-Identifier: Apache-2.0
 * Finding, restoring, copying and checking trees. */
#include "engine/engine.h"

#include <stdlib.h>

#include "tests/base/run.h"
#include "tests/engine/hand.h"

static struct arena *arena;
static struct tree *tree;
static struct effects effects;
static struct error err;

static void
setup(void)
{
	arena = arena_new();
	tree = tree_new(&hand_definitions);
	effects_init(&effects, arena);
}

static void
teardown(void)
{
	tree_free(tree);
	arena_free(arena);
}

static void
must_be_whole(const struct tree *checked)
{
	ck_assert_msg(tree_check(checked, &err), "%s", err.message);
}

START_TEST(test_find)
{
	hand_fill(tree, &effects);
	must_be_whole(tree);
	ck_assert_ptr_eq(tree->root, tree_instance(tree, 2));
	ck_assert_ptr_eq(tree_activity(tree, 2), &tree->root->activity);
	ck_assert_ptr_null(tree_instance(tree, 4));
	ck_assert_ptr_null(tree_activity(tree, 0));
	ck_assert_ptr_null(tree_activity(tree, -1));
	ck_assert_ptr_eq(tree_job(tree, 12)->host, tree_activity(tree, 10));
	ck_assert_int_eq(tree->root->activity.child_count, 3);
	ck_assert_int_eq(tree_activity(tree, 8)->tokens[8], 2);
	ck_assert_int_eq(tree_activity(tree, 8)->tokens[7], 1);
	ck_assert_ptr_null(tree_activity(tree, 4)->tokens);
}
END_TEST

START_TEST(test_variables)
{
	const struct activity *task, *inner;

	hand_fill(tree, &effects);
	task = tree_activity(tree, 4);
	inner = tree_activity(tree, 10);
	ck_assert_str_eq(tree_variable(inner, "c")->value.text, "text");
	ck_assert_int_eq(tree_variable(inner, "j")->value.integer, 9);
	ck_assert_ptr_null(tree_variable_local(inner, "c"));
	ck_assert_ptr_null(tree_variable(inner, "file"));
	ck_assert_ptr_nonnull(tree_variable_local(task, "file"));
	ck_assert_ptr_null(tree_variable(task, "none"));
	ck_assert_ptr_null(tree_variable(&tree_instance(tree, 22)->activity, "a"));	/* not the caller's */
}
END_TEST

START_TEST(test_copy)
{
	struct tree *copy;

	hand_fill(tree, &effects);
	tree->owner_data = &effects;
	copy = tree_copy(tree);
	ck_assert_str_eq(tree_dump(copy, arena), tree_dump(tree, arena));
	ck_assert_ptr_eq(copy->owner_data, &effects);
	tree_free(tree);
	tree = copy;
	must_be_whole(tree);
	ck_assert_int_lt(arena_used(tree->arena), 4 * tree->live_bytes + 4096);
}
END_TEST

/* Parents before children, as rows come from a store. */
static void
restore_activity(struct tree *to, const struct activity *from)
{
	const struct variable *variable;
	const struct job *job;
	const struct incident *incident;

	if (from->scope != NULL)
		ck_assert_int_eq(tree_restore_activity(to, from, from->instance->id, from->node->key, &err), OK);
	for (variable = from->variables; variable != NULL; variable = variable->next)
		ck_assert_int_eq(tree_restore_variable(to, variable, &err), OK);
	for (job = from->jobs; job != NULL; job = job->next)
		ck_assert_int_eq(tree_restore_job(to, job, &err), OK);
	for (incident = from->incidents; incident != NULL; incident = incident->next)
		ck_assert_int_eq(tree_restore_incident(to, incident, &err), OK);
}

START_TEST(test_restore)
{
	struct tree *other = tree_new(&hand_definitions);
	int64_t id;

	hand_fill(tree, &effects);
	for (id = 2; id <= 22; id += 2) {
		if (tree_instance(tree, id) != NULL)
			ck_assert_int_eq(
				tree_restore_instance(other, tree_instance(tree, id), HAND_DEFINITION, &err), OK);
		if (tree_activity(tree, id) != NULL)
			restore_activity(other, tree_activity(tree, id));
	}
	must_be_whole(other);
	ck_assert_str_eq(tree_dump(other, arena), tree_dump(tree, arena));
	tree_free(other);
}
END_TEST

START_TEST(test_restore_refuses)
{
	struct instance instance = { .id = 2 };
	struct activity activity = { .id = 4, .parent = 2 };
	struct variable variable = { .id = 6, .scope = 4, .name = "x" };
	struct job job = { .id = 8, .activity = 4, .kind = JOB_timer, .key = KEY_timer };
	struct incident incident = { .id = 10, .activity = 4, .kind = INCIDENT_failed_job };

	ck_assert_int_eq(tree_restore_activity(tree, &activity, 2, KEY_task, &err), E_internal);
	ck_assert_int_eq(tree_restore_instance(tree, &instance, 8, &err), E_internal);
	ck_assert_int_eq(tree_restore_instance(tree, &instance, HAND_DEFINITION, &err), OK);
	ck_assert_int_eq(tree_restore_instance(tree, &instance, HAND_DEFINITION, &err), E_internal);
	ck_assert_int_eq(tree_restore_activity(tree, &activity, 2, 999, &err), E_internal);
	ck_assert_int_eq(tree_restore_activity(tree, &activity, 4, KEY_task, &err), E_internal);
	ck_assert_int_eq(tree_restore_variable(tree, &variable, &err), E_internal);
	ck_assert_int_eq(tree_restore_job(tree, &job, &err), E_internal);
	ck_assert_int_eq(tree_restore_incident(tree, &incident, &err), E_internal);
	ck_assert_int_eq(tree_restore_activity(tree, &activity, 2, KEY_task, &err), OK);
	ck_assert_int_eq(tree_restore_variable(tree, &variable, &err), OK);
	ck_assert_int_eq(tree_restore_variable(tree, &variable, &err), E_internal);
	job.key = 998;
	ck_assert_int_eq(tree_restore_job(tree, &job, &err), E_internal);
	must_be_whole(tree);
}
END_TEST

/* Each fault made by hand is found, and only it. */
START_TEST(test_check_finds)
{
	struct activity *sub, *inner;

	hand_fill(tree, &effects);
	sub = tree_activity(tree, 8);
	inner = tree_activity(tree, 10);
#define FAULT(change, repair) \
	do { \
		change; \
		ck_assert_msg(!tree_check(tree, &err), "not found: %s", #change); \
		repair; \
		must_be_whole(tree); \
	} while (0)
	FAULT(sub->child_count++, sub->child_count--);
	FAULT(sub->called_count++, sub->called_count--);
	FAULT(sub->tokens[3]++, sub->tokens[3]--);
	FAULT(inner->closed = true, inner->closed = false);
	FAULT(sub->last = inner, sub->last = tree_activity(tree, 20));
	FAULT(inner->next->prev = NULL, inner->next->prev = inner);
	FAULT(inner->jobs->prev = inner->jobs, inner->jobs->prev = inner->jobs->next);
	FAULT(inner->jobs->host = sub, inner->jobs->host = inner);
	FAULT(tree->live_bytes++, tree->live_bytes--);
	FAULT(map_remove(&tree->jobs, 12), map_put(&tree->jobs, 12, inner->jobs));
	FAULT(map_put(&tree->incidents, 999, inner), map_remove(&tree->incidents, 999));
	FAULT(tree->root->next->parent = 999, tree->root->next->parent = 10);
	FAULT(map_remove_text(tree->root->activity.variable_names, "d"),
		map_put_text(tree->root->activity.variable_names, "d",
			tree->root->activity.variables->next->next->next));
#undef FAULT
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { test_find, test_variables, test_copy, test_restore, test_restore_refuses,
		test_check_finds, NULL };

	return run_suite_with("tree", setup, teardown, RUN_SECONDS, tests);
}
