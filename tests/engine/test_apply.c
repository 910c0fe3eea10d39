/* SPDX-License-Identifier: Apache-2.0
 * Effects applied, refused and taken back. */
#include "engine/engine.h"

#include <check.h>
#include <stdlib.h>

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
must_be_whole(void)
{
	ck_assert_msg(tree_check(tree, &err), "%s", err.message);
}

#define APPLY(of, ...) hand_apply(tree, &effects, HAND(of, __VA_ARGS__), &err)
#define GOOD(of, ...) ck_assert_msg(APPLY(of, __VA_ARGS__) == OK, "%s", err.message)
#define REFUSED(of, ...) ck_assert_int_eq(APPLY(of, __VA_ARGS__), E_internal)

/* Back to every point on the way there, which must look as it did. */
START_TEST(test_undo_each)
{
	const char *dumps[100];
	struct tree *first = tree;
	size_t count, i;

	hand_fill(tree, &effects);
	count = effects.count;
	ck_assert_int_lt(count, 100);
	tree = tree_new(&hand_definitions);
	for (i = 0; i < count; i++) {
		dumps[i] = tree_dump(tree, arena);
		ck_assert_int_eq(engine_apply(tree, &effects.list[i], &err), OK);
		must_be_whole();
	}
	ck_assert_str_eq(tree_dump(tree, arena), tree_dump(first, arena));
	while (i-- > 0) {
		engine_undo(tree, &effects, i);
		ck_assert_int_eq(effects.count, i);
		ck_assert_str_eq(tree_dump(tree, arena), dumps[i]);
		must_be_whole();
	}
	ck_assert_uint_eq(tree->live_bytes, 0);
	tree_free(first);
}
END_TEST

START_TEST(test_task_open)
{
	const struct external *external;

	GOOD(instance_open, 2, 0, HAND_DEFINITION, NULL, KEY_start, 1000);
	GOOD(activity_open, 4, 2, 2, KEY_task, ACTIVITY_active, 0, 1001);
	REFUSED(task_lock, 4, "w", 1, 2, 0);
	REFUSED(task_open, 4, NULL, 5);
	GOOD(task_open, 4, "topic", 5);
	external = &tree_activity(tree, 4)->external;
	ck_assert_str_eq(external->topic, "topic");
	ck_assert_int_eq(external->retries, -1);
	ck_assert_int_eq(external->expiries, 0);
	ck_assert(external->until_us == WHEN_NONE && external->locked_us == WHEN_NONE);
	ck_assert_int_eq(external->priority, 5);
	REFUSED(task_open, 4, "other", 5);
	must_be_whole();
}
END_TEST

/* What an effect replaced is there for the store. */
START_TEST(test_before)
{
	const struct effect *last;

	hand_fill(tree, &effects);
	GOOD(task_lock, 4, NULL, WHEN_NONE, WHEN_NONE, 0);
	last = &effects.list[effects.count - 1];
	ck_assert_str_eq(((const struct external *)last->before)->worker, "worker");
	ck_assert_ptr_null(last->on.activity->external.worker);
	GOOD(variable_set, 2, "c", value_long(1), 0);
	last = &effects.list[effects.count - 1];
	ck_assert(!last->created);
	ck_assert_str_eq(((const struct value *)last->before)->text, "text");
	ck_assert_int_eq(last->on.variable->id, 204);
	GOOD(variable_set, 2, "new", value_long(1), 300);
	last = &effects.list[effects.count - 1];
	ck_assert(last->created);
	ck_assert_ptr_null(last->before);
	ck_assert_int_eq(last->on.variable->id, 300);
	GOOD(user_assign, 6, NULL);
	ck_assert_str_eq(effects.list[effects.count - 1].before, "ann");
}
END_TEST

/* Closing takes the variables along, and nothing else. */
START_TEST(test_close)
{
	const struct activity *inner;
	const char *before;
	size_t count;

	hand_fill(tree, &effects);
	before = tree_dump(tree, arena);
	count = effects.count;
	inner = tree_activity(tree, 10);
	GOOD(variable_set, 10, "mine", value_long(1), 300);
	REFUSED(activity_close, 10, 0, 2000);
	GOOD(incident_close, 16, 1, 2000);
	GOOD(job_close, 14);
	REFUSED(activity_close, 10, 0, 2000);
	GOOD(job_close, 12);
	REFUSED(activity_close, 8, 0, 2000);
	GOOD(instance_close, 22, INSTANCE_completed, NULL, 2000);
	ck_assert_ptr_null(tree->root->next);
	GOOD(activity_close, 10, 1, 2001);
	ck_assert(inner->closed && inner->canceled && inner->ended_us == 2001);
	ck_assert_str_eq(inner->variables->name, "mine");
	ck_assert_ptr_null(tree_activity(tree, 10));
	REFUSED(activity_close, 10, 1, 2001);
	REFUSED(variable_set, 10, "mine", value_long(1), 302);
	must_be_whole();
	GOOD(activity_close, 20, 0, 2001);
	GOOD(activity_close, 18, 0, 2001);
	GOOD(activity_close, 8, 0, 2001);
	REFUSED(instance_close, 2, INSTANCE_completed, NULL, 2002);
	GOOD(activity_close, 4, 0, 2001);
	GOOD(activity_close, 6, 0, 2001);
	REFUSED(instance_close, 2, INSTANCE_active, NULL, 2002);
	REFUSED(activity_close, 2, 0, 2002);
	GOOD(instance_close, 2, INSTANCE_externally_terminated, "enough", 2002);
	must_be_whole();
	ck_assert(tree->root->activity.closed);
	ck_assert_str_eq(tree->root->reason, "enough");
	ck_assert_ptr_null(tree_instance(tree, 2));
	ck_assert_uint_eq(tree->live_bytes, 0);
	REFUSED(instance_open, 50, 0, HAND_DEFINITION, NULL, KEY_start, 1000);
	engine_undo(tree, &effects, count);
	ck_assert_str_eq(tree_dump(tree, arena), before);
	must_be_whole();
}
END_TEST

START_TEST(test_refuses)
{
	struct effect odd = { .kind = (enum effect_kind)99 };
	struct value list = { .type = VALUE_list };
	const char *before;

	REFUSED(instance_open, 2, 4, HAND_DEFINITION, NULL, KEY_start, 1000);
	hand_fill(tree, &effects);
	before = tree_dump(tree, arena);
	ck_assert_int_eq(engine_apply(tree, &odd, &err), E_internal);
	odd.kind = (enum effect_kind)-1;
	ck_assert_int_eq(engine_apply(tree, &odd, &err), E_internal);
	odd.kind = (enum effect_kind)0;
	ck_assert_int_eq(engine_apply(tree, &odd, &err), E_internal);
	REFUSED(instance_open, 24, 0, HAND_DEFINITION, NULL, KEY_start, 1000);
	REFUSED(instance_open, 24, 2, HAND_DEFINITION + (INT64_C(1) << 32), NULL, KEY_start, 1000);
	REFUSED(instance_open, 4, 2, HAND_DEFINITION, NULL, KEY_start, 1000);
	REFUSED(instance_suspend, 2, 2);
	REFUSED(instance_close, 2, INSTANCE_completed, NULL, 1);
	REFUSED(activity_open, 4, 2, 2, KEY_task, ACTIVITY_active, 0, 1);
	REFUSED(activity_open, 30, 2, 22, KEY_task, ACTIVITY_active, 0, 1);
	REFUSED(activity_open, 30, 2, 2, KEY_task, 4, 0, 1);
	REFUSED(activity_open, 30, 2, 2, KEY_task + (INT64_C(1) << 32), ACTIVITY_active, 0, 1);
	REFUSED(activity_open, 30, 2, 2, KEY_task, ACTIVITY_active, INT64_MAX, 1);
	REFUSED(activity_open, -30, 2, 2, KEY_task, ACTIVITY_active, 0, 1);
	REFUSED(activity_state, 2, ACTIVITY_before, 0, 1);
	REFUSED(activity_state, 4, -1, 0, 1);
	REFUSED(task_fail, 4, INT64_MIN, NULL, NULL);
	REFUSED(task_priority, 6, 1);
	REFUSED(user_open, 6, NULL, NULL, NULL, 0, 0, 0, NULL, { 0 }, { 0 });
	REFUSED(user_assign, 4, "ann");
	REFUSED(user_open, 2, NULL, NULL, NULL, 0, 0, 0, NULL, { 0 }, { 0 });
	REFUSED(task_open, 2, "topic", 0);
	REFUSED(variable_set, 2, NULL, value_null(), 300);
	REFUSED(variable_set, 2, "new", value_null(), 0);
	REFUSED(variable_set, 2, "new", list, 300);
	REFUSED(variable_set, 2, "c", list, 0);
	REFUSED(variable_drop, 2, "new");
	REFUSED(variable_drop, 2, NULL);
	REFUSED(job_open, 12, 4, JOB_timer, KEY_timer, 1, 1, 1, NULL, 1);
	REFUSED(job_open, 30, 5, JOB_timer, KEY_timer, 1, 1, 1, NULL, 1);
	REFUSED(job_open, 30, 4, 5, KEY_timer, 1, 1, 1, NULL, 1);
	REFUSED(job_set, 30, 1, 1, NULL, 0);
	REFUSED(job_close, 30);
	REFUSED(incident_open, 16, 4, INCIDENT_failed_job, 1, NULL, 0, 0);
	REFUSED(incident_open, 30, 4, 3, 1, NULL, 0, 0);
	REFUSED(incident_close, 30, 1, 1);
	ck_assert_str_eq(tree_dump(tree, arena), before);
	must_be_whole();
}
END_TEST

/* ---- at random -------------------------------------------------------------------------------------- */

static uint64_t seed;

static int64_t
any(int64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (int64_t)(seed >> 11) % below;
}

/* Even and few, so that many fit. */
static int64_t
any_id(void)
{
	return 2 + 2 * any(16);
}

static const char *
any_text(void)
{
	static const char *const texts[] = { NULL, "", "a", "b", "c", "d", "e", "f", "g", "h", "i", "long long text" };

	return texts[any(12)];
}

static struct value
any_value(void)
{
	struct value value = value_string("some");

	switch (any(4)) {
	case 0:
		return value_null();
	case 1:
		return value_double(0.5);
	case 2:
		return value_long(any(1000));
	default:
		return value;
	}
}

static struct effect
any_effect(void)
{
	static const int64_t keys[] = { KEY_task, KEY_user, KEY_sub, KEY_sub, KEY_inner, KEY_inner_join, 3 };
	int64_t id = any_id(), other = any_id(), key = keys[any(7)];
	int64_t instance = any(3) ? 2 : any_id();

	switch ((enum effect_kind)(1 + any(19))) {
	case EFFECT_instance_open:
		return HAND(instance_open, id, other, HAND_DEFINITION, any_text(), KEY_start, any(100));
	case EFFECT_instance_close:
		return HAND(instance_close, id > 2 ? id : 4, any(4), any_text(), any(100));
	case EFFECT_instance_suspend:
		return HAND(instance_suspend, instance, any(2));
	case EFFECT_activity_open:
		return HAND(activity_open, id, instance, any(2) ? instance : other, key, any(4), any(50), any(100));
	case EFFECT_activity_state:
		return HAND(activity_state, id, any(4), any(50), any(100));
	case EFFECT_activity_close:
		return HAND(activity_close, id, any(2), any(100));
	case EFFECT_task_open:
		return HAND(task_open, id, any_text(), any(9));
	case EFFECT_task_lock:
		return HAND(task_lock, id, any_text(), any(100), any(100), any(3));
	case EFFECT_task_fail:
		return HAND(task_fail, id, any(9), any_text(), any_text());
	case EFFECT_task_priority:
		return HAND(task_priority, id, any(9));
	case EFFECT_user_open:
		return HAND(user_open, id, any_text(), any_text(), any_text(), 5, 6, 7, any_text(), { 0 }, { 0 });
	case EFFECT_user_assign:
		return HAND(user_assign, id, any_text());
	case EFFECT_variable_set:
		return HAND(variable_set, any(2) ? id : instance, any_text(), any_value(), 100 + any_id());
	case EFFECT_variable_drop:
		return HAND(variable_drop, any(2) ? id : instance, any_text());
	case EFFECT_job_open:
		return HAND(job_open, id, other, 1 + any(3), key, any(100), any(9), 0, any_text(), any(100));
	case EFFECT_job_set:
		return HAND(job_set, id, any(100), any(3), any_text(), any(40));
	case EFFECT_job_close:
		return HAND(job_close, id);
	case EFFECT_incident_open:
		return HAND(incident_open, id, other, 1 + any(2), any_id(), any_text(), any(40), any(100));
	case EFFECT_incident_close:
		return HAND(incident_close, id, any(2), any(100));
	}
	return HAND(job_close, id);
}

/* Every command is run, taken back, and run again from its bytes on two trees. */
static void
one_command(struct tree *replica, size_t *applied)
{
	const char *before = tree_dump(tree, arena), *after;
	size_t from = effects.count, wanted = 1 + (size_t)any(20), i, length;
	const void *bytes;

	for (i = 0; i < wanted; i++)
		if (hand_apply(tree, &effects, any_effect(), &err) != OK)
			ck_assert_int_eq(err.status, E_internal);
	*applied += effects.count - from;
	must_be_whole();
	after = tree_dump(tree, arena);
	effects_encode(&effects, from, arena, &bytes, &length);
	engine_undo(tree, &effects, from);
	must_be_whole();
	ck_assert_str_eq(tree_dump(tree, arena), before);
	if (any(3) == 0)
		return;
	ck_assert_int_eq(effects_decode(bytes, length, &effects, &err), OK);
	for (i = from; i < effects.count; i++) {
		ck_assert_int_eq(engine_apply(replica, &effects.list[i], &err), OK);
		ck_assert_int_eq(engine_apply(tree, &effects.list[i], &err), OK);
	}
	ck_assert_str_eq(tree_dump(tree, arena), after);
	ck_assert_str_eq(tree_dump(replica, arena), after);
}

START_TEST(test_random)
{
	struct tree *replica = tree_new(&hand_definitions), *copy;
	size_t applied = 0;
	int i;

	seed = UINT64_C(0x9e3779b97f4a7c15) * (uint64_t)(_i + 1);
	GOOD(instance_open, 2, 0, HAND_DEFINITION, NULL, KEY_start, 1000);
	ck_assert_int_eq(engine_apply(replica, &effects.list[0], &err), OK);
	for (i = 0; i < 200; i++) {
		one_command(replica, &applied);
		copy = tree_copy(tree);
		if (!tree->root->activity.closed)
			ck_assert_str_eq(tree_dump(copy, arena), tree_dump(tree, arena));
		tree_free(copy);
	}
	ck_assert_int_gt(applied, 100);
	tree_free(replica);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("apply");
	TCase *tcase = tcase_create("apply");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_undo_each);
	tcase_add_test(tcase, test_task_open);
	tcase_add_test(tcase, test_before);
	tcase_add_test(tcase, test_close);
	tcase_add_test(tcase, test_refuses);
	tcase_add_loop_test(tcase, test_random, 0, 20);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
