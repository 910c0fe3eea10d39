/* SPDX-License-Identifier: Apache-2.0
 * Commands by chance, in batches of any size, on trees with a bit of everything: after each batch the database has
 * exactly what is in memory, and in the end only history.  The seed is fixed; RANDOM_SEED gives another. */
#include "tests/store/world.h"

#include <stdlib.h>
#include <string.h>

enum { TREES = 4, BATCHES = 400, MOST_COMMANDS = 8, LARGE = 2500 };

static const char process[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='fork'/><inclusiveGateway id='fork'/>"
	"<sequenceFlow id='f1' sourceRef='fork' targetRef='work'/><sequenceFlow id='f2' sourceRef='fork' "
	"targetRef='ask'/>"
	"<sequenceFlow id='f3' sourceRef='fork' targetRef='sub'/>"
	"<serviceTask id='work' camunda:type='external' camunda:topic='work' camunda:asyncBefore='true' "
	"camunda:asyncAfter='true'><multiInstanceLoopCharacteristics><loopCardinality>3</loopCardinality>"
	"</multiInstanceLoopCharacteristics></serviceTask>"
	"<userTask id='ask' name='Ask' camunda:candidateUsers='ann,bob' camunda:asyncBefore='true'/>"
	"<boundaryEvent id='remind' attachedToRef='ask' cancelActivity='false'><timerEventDefinition>"
	"<timeCycle xsi:type='tFormalExpression'>R5/PT1H</timeCycle></timerEventDefinition></boundaryEvent>"
	"<sequenceFlow id='f8' sourceRef='remind' targetRef='e2'/><endEvent id='e2'/>"
	"<subProcess id='sub'><startEvent id='s2'/><sequenceFlow id='g0' sourceRef='s2' targetRef='inner'/>"
	"<serviceTask id='inner' camunda:type='external' camunda:topic='inner'><extensionElements><camunda:inputOutput>"
	"<camunda:inputParameter name='in'>text</camunda:inputParameter></camunda:inputOutput></extensionElements>"
	"</serviceTask><sequenceFlow id='g1' sourceRef='inner' targetRef='e3'/><endEvent id='e3'/></subProcess>"
	"<boundaryEvent id='caught' attachedToRef='sub'><errorEventDefinition errorRef='err1'/></boundaryEvent>"
	"<sequenceFlow id='f9' sourceRef='caught' targetRef='again'/><userTask id='again'/>"
	"<sequenceFlow id='f10' sourceRef='again' targetRef='join'/>"
	"<sequenceFlow id='f4' sourceRef='work' targetRef='join'/><sequenceFlow id='f5' sourceRef='ask' "
	"targetRef='join'/>"
	"<sequenceFlow id='f6' sourceRef='sub' targetRef='join'/><inclusiveGateway id='join'/>"
	"<sequenceFlow id='f7' sourceRef='join' targetRef='e'/><endEvent id='e'/>";

static struct world *world;
static const struct definition *definition;
static struct tree *trees[TREES];
static int64_t roots[TREES];
static uint32_t state;
static char large[LARGE + 1];

/* A number below `most`. */
static size_t
chance(size_t most)
{
	state = state * 1664525u + 1013904223u;
	return (state >> 8) % most;
}

static struct value
any_value(void)
{
	static const struct value_info info = { .filename = "a", .mime = "b/c" };
	struct value value = { .type = VALUE_file, .text = "\0\1", .length = 2, .info = &info };

	switch (chance(6)) {
	case 0:
		return value_integer((int64_t)chance(1000));
	case 1:
		return value_string(large);
	case 2:
		return value_null();
	case 3:
		return value;
	case 4:
		value = value_string("seen by its command alone");
		value.transient = true;
		return value;
	default:
		return value_string("small");
	}
}

static struct entries
any_variables(void)
{
	static const char *const names[] = { "a", "b", "c" };
	size_t count = chance(3);
	struct entry *list = ARENA_ARRAY(world->arena, struct entry, count);

	for (size_t i = 0; i < count; i++)
		list[i] = (struct entry){ .name = names[(i + chance(2)) % 3], .value = any_value(),
		.local = chance(2) == 0 };
	if (count == 2 && !strcmp(list[0].name, list[1].name))
		count = 1;
	return (struct entries){ .count = count, .list = list };
}

/* An open activity: the n-th, round and round. */
static struct activity *
any_activity(const struct tree *tree)
{
	struct activity *at = &tree->root->activity;

	for (size_t n = chance(12); n > 0; n--) {
		if (at->first) {
			at = at->first;
			continue;
		}
		while (at->scope && !at->next)
			at = at->scope;
		at = at->scope ? at->next : &tree->root->activity;
	}
	return at;
}

static const struct job *
any_job(const struct tree *tree)
{
	for (int tries = 0; tries < 10; tries++) {
		const struct activity *at = any_activity(tree);

		if (at->jobs)
			return at->jobs;
	}
	return NULL;
}

static struct command
any_job_command(const struct tree *tree)
{
	static const enum command_kind kinds[] = { COMMAND_execute_job, COMMAND_execute_job, COMMAND_fail_job,
		COMMAND_set_job_retries, COMMAND_set_job_due };
	const struct job *job = any_job(tree);

	return (struct command){ .kind = kinds[chance(5)], .target = job ? job->id : 1, .retries = (int32_t)chance(3),
		.error_message = "the job failed", .set_due = true,
		.due_us = world->now_us + (int64_t)chance(1000000) };
}

static struct command
any_task_command(const struct tree *tree)
{
	static const enum command_kind kinds[] = { COMMAND_lock_task, COMMAND_lock_task, COMMAND_complete_task,
		COMMAND_complete_task, COMMAND_fail_task, COMMAND_error_task, COMMAND_extend_lock, COMMAND_unlock_task,
		COMMAND_set_task_retries, COMMAND_set_task_priority, COMMAND_complete_user, COMMAND_complete_user,
		COMMAND_assign_user, COMMAND_expire_lock };
	static const char *const workers[] = { "w", "w", "w2" }, *const users[] = { "ann", "bob", NULL };
	const struct activity *at = any_activity(tree);

	return (struct command){ .kind = kinds[chance(14)], .target = at->id,
		.worker = chance(2) ? at->external.worker : workers[chance(3)],
		.user = users[chance(3)], .retries = (int32_t)chance(3), .error_code = chance(2) ? "E1" : "none",
		.error_message = "it failed", .error_details = large, .variables = any_variables(), .priority = 3,
		.duration_us = (int64_t)chance(chance(2) ? 2000 : 2000000), .local_variables = any_variables() };
}

/* What takes the instance on, from wherever it looks. */
static struct command
any_progress(const struct tree *tree)
{
	const struct activity *at = any_activity(tree);

	if (at->jobs && at->state != ACTIVITY_active)
		return (struct command){ .kind = COMMAND_execute_job, .target = at->jobs->id };
	return (struct command){ .kind = at->human ? COMMAND_complete_user : COMMAND_complete_task, .target = at->id };
}

static struct command
any_command(const struct tree *tree)
{
	static const char *const names[] = { "a", "b" };

	switch (chance(10)) {
	case 0:
		return (struct command){ .kind = COMMAND_set_variables, .target = any_activity(tree)->id,
			.variables = any_variables(), .deletions = names, .deletion_count = chance(3),
			.local = chance(2) == 0 };
	case 1:
		return (struct command){ .kind = COMMAND_suspend, .target = tree->root->id,
			.suspended = chance(4) == 0 };
	case 2:
	case 3:
	case 4:
		return any_job_command(tree);
	case 5:
	case 6:
		return any_progress(tree);
	default:
		return any_task_command(tree);
	}
}

/* One command for one of the trees; what the engine refuses did nothing. */
static void
step(void)
{
	size_t i = chance(TREES);

	if (!trees[i]) {
		trees[i] = world_start(world, definition, any_variables());
		roots[i] = trees[i]->root->id;
	} else if (!trees[i]->root->activity.closed) {
		enum status status = world_run(world, trees[i], any_command(trees[i]));

		ck_assert_msg(status != E_internal, "%s", world->error.message);
	}
}

static void
compare(void)
{
	for (int i = 0; i < TREES; i++) {
		if (!trees[i])
			continue;
		if (!trees[i]->root->activity.closed) {
			world_must_equal_stored(world, trees[i]);
			continue;
		}
		ck_assert_ptr_null(world_load(world, roots[i]));
		tree_free(trees[i]);
		trees[i] = NULL;
	}
}

/* All of it; then everything that still runs is deleted. */
static void
live(void)
{
	const char *seed = getenv("RANDOM_SEED");

	state = seed ? (uint32_t)strtoul(seed, NULL, 10) : 1;
	memset(large, 'x', LARGE);
	definition = world_deploy(world, process);
	for (int batch = 0; batch < BATCHES; batch++) {
		for (size_t n = 1 + chance(MOST_COMMANDS); n > 0; n--)
			step();
		ck_assert_msg(world_save(world) == OK, "batch %d: %s", batch, world->error.message);
		compare();
	}
	for (int i = 0; i < TREES; i++)
		if (trees[i])
			ck_assert_int_eq(world_run(world, trees[i], (struct command){ .kind = COMMAND_delete_instance,
				.target = roots[i] }), OK);
	world_must_save(world);
	compare();
}

START_TEST(test_by_chance)
{
	live();
	ck_assert_int_eq(world_number(world, "select (select count(*) from instance) + (select count(*) from "
		"activity) + "
		"(select count(*) from variable) + (select count(*) from task) + (select count(*) from job) + "
		"(select count(*) from incident)"), 0);
}
END_TEST

/* What history says after all that: nothing twice, nothing of transient values, each incident and activity closed. */
START_TEST(test_history_by_chance)
{
	live();
	ck_assert_int_gt(world_number(world, "select count(*) from history_process where state = 1"), 3);
	ck_assert_int_ge(world_number(world, "select count(distinct kind) from event"), 15);
	ck_assert_str_eq(world_ask(world, "select string_agg(id::text, ' ') from (select id from history_activity "
		"group by id "
		"having count(*) > 1) x"), "null");
	ck_assert_str_eq(world_ask(world, "select string_agg(id::text, ' ') from (select id from history_variable "
		"group by id "
		"having count(*) > 1) x"), "null");
	ck_assert_int_eq(world_number(world, "select count(*) from history_variable where "
		"value = 'seen by its command alone'"), 0);
	ck_assert_int_eq(world_number(world, "select count(*) from history_variable v where v.big is not null and not "
		"exists ("
		"select from big_value b where b.part = v.part and b.id = v.big and b.root_started = v.root_started)"),
		0);
	ck_assert_int_eq(world_number(world, "select count(*) from big_value b where not exists (select from "
		"variable v where v.part = b.part and v.big = b.id) and not exists (select from history_variable v "
		"where v.part = b.part and v.big = b.id)"), 0);
	ck_assert_int_eq(world_number(world, "select count(*) from history_activity a where not exists ("
		"select from history_process p where p.id = a.inst)"), 0);
	ck_assert_int_eq(world_number(world, "select count(*) from history_activity where ended < started"), 0);
}
END_TEST

static void
setup(void)
{
	world = world_open("random");
}

static void
teardown(void)
{
	for (int i = 0; i < TREES; i++)
		if (trees[i])
			tree_free(trees[i]);
	world_close(world);
}

int
main(void)
{
	const TTest *const tests[] = { test_by_chance, test_history_by_chance, NULL };

	world_prepare();
	return world_suite_with("random", setup, teardown, tests);
}
