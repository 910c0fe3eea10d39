/* SPDX-License-Identifier: Apache-2.0
 * What a lane asks of its whole range: tasks in order and page by page, due jobs, candidates that fit. */
#include "tests/store/world.h"

#include <string.h>

#include "tests/fixture/pg.h"

static struct world *world;
static struct ready_task *tasks;
static struct due_job *jobs;
static size_t count;

static const char one_task[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='work'/>"
	"<serviceTask id='work' camunda:type='external' camunda:topic='work' camunda:taskPriority='${priority}'/>"
	"<sequenceFlow id='f1' sourceRef='work' targetRef='e'/><endEvent id='e'/>";
static const char one_timer[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='wait'/>"
	"<intermediateCatchEvent id='wait'><timerEventDefinition><timeDuration xsi:type='tFormalExpression'>${wait}"
	"</timeDuration></timerEventDefinition></intermediateCatchEvent>"
	"<sequenceFlow id='f1' sourceRef='wait' targetRef='e'/><endEvent id='e'/>";

static void
setup(void)
{
	world = world_open("scan");
}

static void
teardown(void)
{
	world_close(world);
}

static void
must(enum status status)
{
	ck_assert_msg(status == OK, "%s", world->error.message);
}

/* A task of that priority, a microsecond after the one before; its activity. */
static int64_t
add_task(const struct definition *definition, int64_t priority)
{
	struct entry entry = { .name = "priority", .value = value_integer(priority) };
	struct tree *tree;
	int64_t id;

	world->now_us++;
	tree = world_start(world, definition, (struct entries){ .count = 1, .list = &entry });
	id = world_at(tree, "work")->id;
	world_must_save(world);
	tree_free(tree);
	return id;
}

static void
change(int64_t id, struct command command)
{
	struct tree *tree = world_load(world, id);

	command.target = id;
	must(world_run(world, tree, command));
	world_must_save(world);
	tree_free(tree);
}

static void
ask_ready(const char *topic, int32_t definition, const struct ready_task *after, size_t limit)
{
	must(world->store->ops->ready(world->store, topic, definition, after, limit, world->arena, &tasks, &count,
		&world->error));
}

START_TEST(test_ready_in_order)
{
	const struct definition *definition = world_deploy(world, one_task), *other = world_deploy(world, one_task);
	int64_t low = add_task(definition, 1), high = add_task(definition, 9), low_too = add_task(definition, 1);

	add_task(other, 5);
	ask_ready("work", definition->id, NULL, 10);
	ck_assert_uint_eq(count, 3);
	ck_assert_int_eq(tasks[0].id, high);
	ck_assert_int_eq(tasks[1].id, low);
	ck_assert_int_eq(tasks[2].id, low_too);
	ck_assert_int_eq(tasks[0].priority, 9);
	ck_assert_str_eq(tasks[0].topic, "work");
	ck_assert_int_eq(tasks[0].definition, definition->id);
	ck_assert_int_eq(tasks[0].until_us, WHEN_NONE);
	ask_ready("work", definition->id, &tasks[0], 1);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(tasks[0].id, low);
	ask_ready("work", definition->id, &tasks[0], 10);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(tasks[0].id, low_too);
	ask_ready("nothing", definition->id, NULL, 10);
	ck_assert_uint_eq(count, 0);
}
END_TEST

/* At a takeover: all of them by id, page by page. */
START_TEST(test_ready_of_all_topics)
{
	const struct definition *definition = world_deploy(world, one_task);
	struct ready_task after = { 0 };
	int64_t ids[5], seen = 0;

	for (int i = 0; i < 5; i++)
		ids[i] = add_task(definition, i);
	do {
		ask_ready(NULL, 0, &after, 2);
		for (size_t i = 0; i < count; i++)
			ck_assert_int_eq(tasks[i].id, ids[seen++]);
		if (count > 0)
			after = tasks[count - 1];
	} while (count == 2);
	ck_assert_int_eq(seen, 5);
}
END_TEST

/* Suspended, without retries, and out of our parts: not for us.  A lock only says when. */
START_TEST(test_what_is_not_ready)
{
	const struct lane_range high = { .lane = 0, .first_part = 1, .last_part = PART_COUNT - 1 };
	const struct definition *definition = world_deploy(world, one_task);
	int64_t locked = add_task(definition, 1), failed = add_task(definition, 1), suspended = add_task(definition, 1);

	change(locked, (struct command){ .kind = COMMAND_lock_task, .worker = "w", .duration_us = 1000 });
	change(failed, (struct command){ .kind = COMMAND_fail_task, .retries = 0 });
	change(world_number(world, "select inst from activity where id = %lld", (long long)suspended),
		(struct command){ .kind = COMMAND_suspend, .suspended = true });
	for (int all = 0; all < 2; all++) {
		ask_ready(all ? NULL : "work", definition->id, NULL, 10);
		ck_assert_uint_eq(count, 1);
		ck_assert_int_eq(tasks[0].id, locked);
		ck_assert_int_ne(tasks[0].until_us, WHEN_NONE);
	}
	must(world->store->ops->claim(world->store, &high, 77, 0, &world->claim, &world->error));
	for (int all = 0; all < 2; all++) {
		ask_ready(all ? NULL : "work", definition->id, NULL, 10);
		ck_assert_uint_eq(count, 0);
	}
}
END_TEST

static void
ask_jobs(int64_t until_us, int64_t after_due, int64_t after_id, size_t limit)
{
	must(world->store->ops->jobs(world->store, until_us, after_due, after_id, limit, world->arena, &jobs, &count,
		&world->error));
}

static void
add_timer(const struct definition *definition, const char *wait)
{
	struct entry entry = { .name = "wait", .value = value_string(wait) };
	struct tree *tree = world_start(world, definition, (struct entries){ .count = 1, .list = &entry });

	world_must_save(world);
	tree_free(tree);
}

START_TEST(test_due_jobs)
{
	const struct definition *definition = world_deploy(world, one_timer);
	int64_t start = world->now_us;

	add_timer(definition, "PT3S");
	for (int i = 0; i < 2; i++) {
		world->now_us = start;
		add_timer(definition, "PT1S");
	}
	ask_jobs(start + 1000000, INT64_MIN, -1, 10);
	ck_assert_uint_eq(count, 0);		/* until is not included */
	ask_jobs(start + 1000001, INT64_MIN, -1, 10);
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(jobs[0].due_us, start + 1000000);
	ck_assert_int_lt(jobs[0].id, jobs[1].id);
	ask_jobs(start + 5000000, jobs[0].due_us, jobs[0].id, 1);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(jobs[0].due_us, start + 1000000);
	ask_jobs(INT64_MAX, jobs[0].due_us, jobs[0].id, 10);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(jobs[0].due_us, start + 3000000);
	change(jobs[0].id, (struct command){ .kind = COMMAND_set_job_retries, .retries = 0 });
	ask_jobs(INT64_MAX, INT64_MIN, -1, 10);
	ck_assert_uint_eq(count, 2);
	pg_fixture_run(world->database, "update instance set suspended = true");
	ask_jobs(INT64_MAX, INT64_MIN, -1, 10);
	ck_assert_uint_eq(count, 0);
}
END_TEST

static const char *
filter(const int64_t *ids, size_t n, const char *business_key, const struct entry *wanted, size_t wanted_count)
{
	const struct entries entries = { .count = wanted_count, .list = wanted };
	bool keep[8];
	static char said[9];

	memset(keep, 1, sizeof keep);
	must(world->store->ops->filter(world->store, ids, n, business_key, &entries, keep, &world->error));
	for (size_t i = 0; i < n; i++)
		said[i] = keep[i] ? '+' : '-';
	said[n] = '\0';
	return said;
}

START_TEST(test_filter)
{
	const struct definition *definition = world_deploy(world, one_task);
	int64_t ids[3] = { add_task(definition, 1), add_task(definition, 2), 0 };
	const struct entry one = { .name = "priority", .value = value_integer(1) };
	struct entry set[] = { { .name = "text", .value = value_string("x") },
		{ .name = "real", .value = value_double(0.5) },
		{ .name = "yes", .value = value_boolean(true) }, { .name = "nothing", .value = value_null() },
		{ .name = "priority", .value = value_integer(1) } };

	ids[2] = ids[1] + 1000 * ID_STEP;	/* there is none */
	change(world_number(world, "select inst from activity where id = %lld", (long long)ids[0]),
		(struct command){ .kind = COMMAND_set_variables, .variables = { .count = 4, .list = set } });
	ck_assert_str_eq(filter(ids, 3, NULL, NULL, 0), "++-");
	ck_assert_str_eq(filter(ids, 3, "order", NULL, 0), "++-");
	ck_assert_str_eq(filter(ids, 3, "other", NULL, 0), "---");
	ck_assert_str_eq(filter(ids, 3, NULL, &one, 1), "+--");
	ck_assert_str_eq(filter(ids, 3, "order", set, 5), "+--");
	set[0].value = value_string("y");
	ck_assert_str_eq(filter(ids, 3, NULL, set, 1), "---");
	ck_assert_str_eq(filter(ids, 3, NULL, set, 2), "+--");	/* any of them */
	ck_assert_str_eq(filter(ids, 0, NULL, NULL, 0), "");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { test_ready_in_order, test_ready_of_all_topics, test_what_is_not_ready,
		test_due_jobs,
		test_filter, NULL };

	world_prepare();
	return world_suite_with("scan", setup, teardown, tests);
}
