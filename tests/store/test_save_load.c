/* SPDX-License-Identifier: Apache-2.0
 * Trees through the database and back: everything a tree holds, many commands in one batch, and the history that is
 * left when it has ended. */
#include "tests/store/world.h"

#include <string.h>


static struct world *world;

static const char three_tasks[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='fork'/><parallelGateway id='fork'/>"
	"<sequenceFlow id='f1' sourceRef='fork' targetRef='work'/><sequenceFlow id='f2' sourceRef='fork' "
	"targetRef='ask'/>"
	"<sequenceFlow id='f3' sourceRef='fork' targetRef='later'/>"
	"<serviceTask id='work' camunda:type='external' camunda:topic='work' camunda:taskPriority='7'/>"
	"<userTask id='ask' name='Ask' camunda:assignee='ann' camunda:candidateUsers='bob,o&quot;neil,back\\slash' "
	"camunda:candidateGroups='sales' camunda:dueDate='2030-01-01T00:00:00' camunda:formKey='form' "
	"camunda:priority='60'>"
	"<documentation>What &amp; why</documentation></userTask>"
	"<serviceTask id='later' camunda:expression='${broken.now}' camunda:asyncBefore='true'/>"
	"<boundaryEvent id='remind' attachedToRef='ask' cancelActivity='false'><timerEventDefinition>"
	"<timeCycle xsi:type='tFormalExpression'>R3/PT1H</timeCycle></timerEventDefinition></boundaryEvent>"
	"<sequenceFlow id='f4' sourceRef='work' targetRef='join'/><sequenceFlow id='f5' sourceRef='ask' "
	"targetRef='join'/>"
	"<sequenceFlow id='f6' sourceRef='later' targetRef='join'/><parallelGateway id='join'/>"
	"<sequenceFlow id='f7' sourceRef='join' targetRef='e'/><endEvent id='e'/>"
	"<sequenceFlow id='f8' sourceRef='remind' targetRef='e2'/><endEvent id='e2'/>";

/* One wait state. */
static const char one_task[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='work'/>"
	"<serviceTask id='work' camunda:type='external' camunda:topic='work'/>"
	"<sequenceFlow id='f1' sourceRef='work' targetRef='e'/><endEvent id='e'/>";

static struct entry
typed(const char *name, enum value_type type, const char *text, size_t length, const struct value_info *info)
{
	return (struct entry){ .name = name,
		.value = { .type = type, .text = text, .length = length, .info = info } };
}

/* A text of that many bytes, no two places alike for a while. */
static const char *
long_text(size_t length)
{
	char *text = arena_alloc(world->arena, length + 1);

	for (size_t i = 0; i < length; i++)
		text[i] = (char)('a' + i % 23);
	return text;
}

static enum status
set_variables(struct tree *tree, int64_t target, const struct entry *list, size_t count)
{
	return world_run(world, tree, (struct command){ .kind = COMMAND_set_variables, .target = target,
		.variables = { .count = count, .list = list }, .local = true });
}

static void
setup(void)
{
	world = world_open("save_load");
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

/* ---- round trips ---------------------------------------------------------------------------------------- */

START_TEST(test_a_tree_with_everything)
{
	struct tree *tree;
	const struct activity *work;

	tree = world_start(world, world_deploy(world, three_tasks), (struct entries){ 0 });
	world_must_round_trip(world, tree);
	work = world_at(tree, "work");
	must(world_run(world, tree, (struct command){ .kind = COMMAND_lock_task, .target = work->id,
		.worker = "w \"1\"",
		.duration_us = 5000000 }));
	world_must_round_trip(world, tree);
	must(world_run(world, tree, (struct command){ .kind = COMMAND_fail_task, .target = work->id,
		.worker = "w \"1\"",
		.retries = 0, .error_message = "no luck", .error_details = "line 1\nline 2" }));
	must(world_run(world, tree, (struct command){ .kind = COMMAND_set_task_priority, .target = work->id,
		.priority = INT64_MAX }));
	world_must_round_trip(world, tree);
	ck_assert_str_eq(world_ask(world, "select message from incident"), "no luck");
	ck_assert_str_eq(world_ask(world, "select users::text from task"), "{bob,\"o\\\"neil\",\"back\\\\slash\"}");
	tree_free(tree);
}
END_TEST

static int64_t
only_job(const struct tree *tree, const char *element)
{
	const struct activity *at = world_at(tree, element);

	ck_assert_ptr_nonnull(at->jobs);
	return at->jobs->id;
}

START_TEST(test_jobs_and_incidents)
{
	struct tree *tree;
	int64_t job;

	tree = world_start(world, world_deploy(world, three_tasks), (struct entries){ 0 });
	job = only_job(tree, "later");
	for (int i = 0; i < 3; i++) {
		must(world_run(world, tree, (struct command){ .kind = COMMAND_fail_job, .target = job,
			.error_message = "broken", .error_code = "later" }));
		world_must_round_trip(world, tree);
	}
	ck_assert_int_eq(world_number(world, "select retries from job where id = %lld", (long long)job), 0);
	ck_assert_int_eq(world_number(world, "select count(*) from incident"), 1);
	must(world_run(world, tree, (struct command){ .kind = COMMAND_set_job_retries, .target = job, .retries = 5 }));
	world_must_round_trip(world, tree);
	ck_assert_int_eq(world_number(world, "select count(*) from incident"), 0);
	ck_assert_str_eq(world_ask(world, "select resolved::text from history_incident"), "true");
	must(world_run(world, tree, (struct command){ .kind = COMMAND_execute_job, .target = only_job(tree, "ask") }));
	world_must_round_trip(world, tree);	/* the timer repeats */
	must(world_run(world, tree, (struct command){ .kind = COMMAND_suspend, .target = tree->root->id,
		.suspended = true }));
	world_must_round_trip(world, tree);
	tree_free(tree);
}
END_TEST

START_TEST(test_a_user_task_changes_hands)
{
	struct tree *tree;
	int64_t ask;

	tree = world_start(world, world_deploy(world, three_tasks), (struct entries){ 0 });
	world_must_save(world);
	ask = world_at(tree, "ask")->id;
	must(world_run(world, tree, (struct command){ .kind = COMMAND_assign_user, .target = ask, .user = "bob" }));
	world_must_round_trip(world, tree);
	must(world_run(world, tree, (struct command){ .kind = COMMAND_assign_user, .target = ask, .user = NULL }));
	world_must_round_trip(world, tree);
	must(world_run(world, tree, (struct command){ .kind = COMMAND_assign_user, .target = ask, .user = "eve" }));
	must(world_run(world, tree, (struct command){ .kind = COMMAND_complete_user, .target = ask }));
	world_must_round_trip(world, tree);
	ck_assert_int_eq(world_number(world, "select count(*) from task"), 0);
	ck_assert_int_eq(world_number(world, "select count(*) from job"), 1);	/* its timer went with it */
	ck_assert_str_eq(world_ask(world, "select assignee from history_activity where id = %lld", (long long)ask),
		"eve");
	tree_free(tree);
}
END_TEST

/* ---- values --------------------------------------------------------------------------------------------- */

static const struct value_info file_info = { .filename = "a \"b\".bin", .mime = "x/y", .encoding = "UTF-8" };
static const struct value_info object_info = { .object_type = "java.util.List", .format = "application/json" };

static const struct value *
loaded_value(const struct tree *tree, const char *name)
{
	const struct variable *variable = tree_variable_local(&tree->root->activity, name);

	ck_assert_msg(variable != NULL, "%s was not loaded", name);
	return &variable->value;
}

START_TEST(test_every_type_of_value)
{
	struct entry list[] = {
		{ .name = "null", .value = value_null() },
		{ .name = "typed null", .value = { .type = VALUE_null, .integer = VALUE_string } },
		{ .name = "yes", .value = value_boolean(true) },
		{ .name = "short", .value = { .type = VALUE_short, .integer = -32768 } },
		{ .name = "integer", .value = value_integer(-5) },
		{ .name = "long", .value = value_long(INT64_MIN) },
		{ .name = "date", .value = value_date(INT64_C(1700000000123000)) },
		{ .name = "real", .value = value_double(-1e300) },
		{ .name = "source", .value = { .type = VALUE_double, .real = 1.5, .text = "1.500", .length = 5 } },
		{ .name = "empty", .value = value_string("") },
		{ .name = "string", .value = value_string("\xc3\xa4\xf0\x9f\x98\x80 'quoted' \\ \"") },
		typed("bytes", VALUE_bytes, "\0\1\377", 3, NULL),
		typed("no bytes", VALUE_bytes, "", 0, NULL),
		typed("file", VALUE_file, "\0content", 8, &file_info),
		typed("json", VALUE_json, "{\"a\": [1, 2]}", 13, NULL),
		typed("xml", VALUE_xml, "<a/>", 4, NULL),
		typed("object", VALUE_object, "[1, 2]", 6, &object_info),
	};
	struct tree *tree, *loaded;

	tree = world_start(world, world_deploy(world, one_task),
		(struct entries){ .count = sizeof list / sizeof list[0], .list = list });
	world_must_round_trip(world, tree);
	ck_assert_int_eq(world_number(world, "select count(*) from variable"), (int)(sizeof list / sizeof list[0]));
	loaded = world_load(world, tree->root->id);
	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++)
		ck_assert_msg(value_equal(loaded_value(loaded, list[i].name), &list[i].value), "%s", list[i].name);
	ck_assert_int_eq(loaded_value(loaded, "typed null")->integer, VALUE_string);
	tree_free(loaded);
	ck_assert_int_eq(world_number(world, "select count(*) from big_value"), 0);
	tree_free(tree);
}
END_TEST

START_TEST(test_content_with_nuls)
{
	const struct entry list[] = { typed("file", VALUE_file, "\0a\0b", 4, &file_info) };
	struct tree *tree, *loaded;

	tree = world_start(world, world_deploy(world, one_task), (struct entries){ .count = 1, .list = list });
	world_must_save(world);
	loaded = world_load(world, tree->root->id);
	ck_assert_uint_eq(loaded_value(loaded, "file")->length, 4);
	ck_assert_mem_eq(loaded_value(loaded, "file")->text, "\0a\0b", 4);
	tree_free(loaded);
	tree_free(tree);
}
END_TEST

/* On both sides of the limit; then small becomes large, large another large, and large small. */
START_TEST(test_big_values)
{
	struct entry list[] = {
		{ .name = "below", .value = value_string(long_text(BIG_VALUE)) },
		{ .name = "above", .value = value_string(long_text(BIG_VALUE + 1)) },
		typed("file", VALUE_file, long_text(3000000), 3000000, &file_info),
		{ .name = "x", .value = value_string("small") },
	};
	struct tree *tree;
	int64_t root;

	tree = world_start(world, world_deploy(world, one_task), (struct entries){ .count = 4, .list = list });
	root = tree->root->id;
	world_must_round_trip(world, tree);
	ck_assert_int_eq(world_number(world, "select count(*) from big_value"), 2);
	ck_assert_str_eq(world_ask(world, "select (value is null)::text from variable where name = 'above'"), "true");
	ck_assert_str_eq(world_ask(world, "select (big is null)::text from variable where name = 'below'"), "true");
	for (size_t length = 5000; length != 0; length = length == 5000 ? 6000 : length == 6000 ? 10 : 0) {
		list[3].value = value_string(long_text(length));
		must(set_variables(tree, root, &list[3], 1));
		world_must_round_trip(world, tree);
	}
	ck_assert_int_eq(world_number(world, "select count(*) from big_value"), 2);
	ck_assert_str_eq(world_ask(world, "select (big is null)::text from variable where name = 'x'"), "true");
	list[3].value = value_string(long_text(7000));
	must(set_variables(tree, root, &list[3], 1));
	list[3].value = value_string(long_text(8000));
	must(set_variables(tree, root, &list[3], 1));
	world_must_round_trip(world, tree);	/* two large values in one batch: one is stored */
	ck_assert_int_eq(world_number(world, "select count(*) from big_value"), 3);
	tree_free(tree);
}
END_TEST


/* ---- several commands in one batch ------------------------------------------------------------------------ */

/* Names that come, go and come again within a batch, of a scope that had some of them before. */
START_TEST(test_variables_within_a_batch)
{
	static const char *const drops[] = { "old", "new" };
	const struct entry first[] = { { .name = "old", .value = value_integer(1) },
		{ .name = "kept", .value = value_integer(2) } };
	const struct entry second[] = { { .name = "new", .value = value_integer(3) },
		{ .name = "old", .value = value_integer(4) } };
	const struct entry third[] = { { .name = "old", .value = value_string(long_text(4000)) },
		{ .name = "kept", .value = value_string(long_text(4000)) } };
	struct tree *tree = world_start(world, world_deploy(world, one_task),
		(struct entries){ .count = 2, .list = first });
	int64_t root = tree->root->id;

	world_must_round_trip(world, tree);
	must(set_variables(tree, root, second, 2));
	must(world_run(world, tree, (struct command){ .kind = COMMAND_set_variables, .target = root, .deletions = drops,
		.deletion_count = 2, .local = true }));
	must(set_variables(tree, root, third, 2));
	world_must_round_trip(world, tree);
	ck_assert_str_eq(world_ask(world, "select string_agg(name || '=' || number || ' ' || dropped, ', ' order by "
		"name) "
		"from history_variable"), "new=3 true, old=4 true");
	tree_free(tree);
}
END_TEST

/* It was set for the database, and is only seen by its command from then on. */
START_TEST(test_a_variable_becomes_transient)
{
	struct entry entry = { .name = "secret", .value = value_string("stored") };
	struct tree *tree = world_start(world, world_deploy(world, one_task),
		(struct entries){ .count = 1, .list = &entry });

	world_must_save(world);
	entry.value = value_string("not stored");
	entry.value.transient = true;
	must(set_variables(tree, tree->root->id, &entry, 1));
	world_must_save(world);
	ck_assert_int_eq(world_number(world, "select count(*) from variable"), 0);
	ck_assert_int_eq(world_number(world, "select count(*) from history_variable where value = 'not stored'"), 0);
	must(world_run(world, tree, (struct command){ .kind = COMMAND_complete_task,
		.target = world_at(tree, "work")->id,
		.variables = { .count = 1, .list = &entry } }));
	world_must_save(world);
	ck_assert_ptr_null(world_load(world, tree->root->id));
	tree_free(tree);
}
END_TEST

/* Begun and over in the same transaction: only history and the log are left. */
START_TEST(test_a_whole_life_in_a_batch)
{
	const struct entry entry = { .name = "x", .value = value_integer(1) };
	struct tree *tree = world_start(world, world_deploy(world, one_task),
		(struct entries){ .count = 1, .list = &entry });
	int64_t root = tree->root->id;

	must(world_run(world, tree, (struct command){ .kind = COMMAND_lock_task, .target = world_at(tree, "work")->id,
		.worker = "w", .duration_us = 1000000 }));
	must(world_run(world, tree, (struct command){ .kind = COMMAND_complete_task,
		.target = world_at(tree, "work")->id,
		.worker = "w" }));
	world_must_save(world);
	ck_assert_ptr_null(world_load(world, root));
	ck_assert_int_eq(world_number(world, "select (select count(*) from instance) + (select count(*) from "
		"activity) + "
		"(select count(*) from variable)"), 0);
	ck_assert_str_eq(world_ask(world, "select string_agg(e.id || ' ' || coalesce(h.worker, '-'), ', ' order by "
		"h.id) "
		"from history_activity h join element e using (definition, elem)"), "s -, work w, e -");
	ck_assert_str_eq(world_ask(world, "select name || number || dropped from history_variable"), "x1false");
	ck_assert_int_eq(world_number(world, "select state from history_process"), INSTANCE_completed);
	ck_assert_int_eq(world_number(world, "select count(*) from event"), 2);	/* a lock alone is not logged */
	tree_free(tree);
}
END_TEST

/* Two trees in one batch, one of which ends. */
START_TEST(test_trees_do_not_mix)
{
	const struct definition *definition = world_deploy(world, one_task);
	struct tree *one = world_start(world, definition, (struct entries){ 0 });
	struct tree *two = world_start(world, definition, (struct entries){ 0 }), *trees[4];
	int64_t ids[4] = { one->root->id, two->root->id, 0, 12345 };

	ids[2] = world_at(one, "work")->id;
	world_must_save(world);
	ck_assert_int_eq(world->store->ops->load(world->store, ids, 4, &world->definitions, trees, &world->error), OK);
	ck_assert_ptr_eq(trees[0], trees[2]);
	ck_assert_ptr_ne(trees[0], trees[1]);
	ck_assert_ptr_null(trees[3]);
	ck_assert_str_eq(tree_dump(trees[1], world->arena), tree_dump(two, world->arena));
	tree_free(trees[0]);
	tree_free(trees[1]);
	must(world_run(world, one, (struct command){ .kind = COMMAND_delete_instance, .target = ids[0],
		.reason = "why" }));
	must(world_run(world, two, (struct command){ .kind = COMMAND_lock_task, .target = world_at(two, "work")->id,
		.worker = "w", .duration_us = 1 }));
	world_must_round_trip(world, two);
	ck_assert_ptr_null(world_load(world, ids[0]));
	ck_assert_str_eq(world_ask(world, "select reason || ' ' || state from history_process"), "why 2");
	tree_free(one);
	tree_free(two);
}
END_TEST

/* What is taken back was never there. */
START_TEST(test_undo)
{
	const struct entry entry = { .name = "x", .value = value_integer(1) };
	struct tree *tree = world_start(world, world_deploy(world, one_task), (struct entries){ 0 });
	int64_t work = world_at(tree, "work")->id;

	world_must_round_trip(world, tree);
	must(set_variables(tree, work, &entry, 1));
	must(world_run(world, tree, (struct command){ .kind = COMMAND_complete_task, .target = work }));
	while (world->command_count > 0)
		engine_undo(tree, (struct effects *)world->commands[--world->command_count].effects, 0);
	world_must_round_trip(world, tree);
	ck_assert_int_eq(world_number(world, "select count(*) from event"), 1);
	tree_free(tree);
}
END_TEST

/* ---- history -------------------------------------------------------------------------------------------- */

START_TEST(test_history_of_a_cancelled_instance)
{
	const struct entry entry = { .name = "x", .value = value_string(long_text(3000)) };
	struct tree *tree = world_start(world, world_deploy(world, three_tasks),
		(struct entries){ .count = 1, .list = &entry });
	int64_t work = world_at(tree, "work")->id;

	must(set_variables(tree, work, &(struct entry){ .name = "own", .value = value_integer(1) }, 1));
	must(world_run(world, tree, (struct command){ .kind = COMMAND_fail_task, .target = work, .retries = 0 }));
	world_must_save(world);
	world->now_us += 1000000;
	must(world_run(world, tree, (struct command){ .kind = COMMAND_delete_instance, .target = tree->root->id }));
	world_must_save(world);
	ck_assert_str_eq(world_ask(world, "select string_agg(e.id || ' ' || canceled, ', ' order by e.id) from "
		"history_activity h "
		"join element e using (definition, elem)"), "ask true, fork false, s false, work true");
	ck_assert_str_eq(world_ask(world, "select resolved::text from history_incident"), "false");
	ck_assert_str_eq(world_ask(world, "select string_agg(v.name || ' ' || e.id || ' ' || "
		"coalesce(length(b.bytes), 0), ', ' "
		"order by v.name) from history_variable v join element e using (definition, elem) left join big_value "
		"b on b.id = "
		"v.big"), "own work 0, x p 3000");
	ck_assert_str_eq(world_ask(world, "select (ended - started >= '1 s')::text from history_process"), "true");
	ck_assert_int_eq(world_number(world, "select (select count(*) from instance) + (select count(*) from "
		"activity) + "
		"(select count(*) from task) + (select count(*) from job) + (select count(*) from incident) + "
		"(select count(*) from variable)"), 0);
	tree_free(tree);
}
END_TEST

/* All effects of the log, applied to nothing, make the tree that was saved. */
START_TEST(test_the_log_replays)
{
	const struct entry entry = { .name = "x", .value = value_string(long_text(3000)) };
	struct tree *tree = world_start(world, world_deploy(world, three_tasks),
		(struct entries){ .count = 1, .list = &entry });
	struct tree *replayed = tree_new(&world->definitions);
	struct stored_event *events;
	size_t count;

	must(world_run(world, tree, (struct command){ .kind = COMMAND_fail_task, .target = world_at(tree, "work")->id,
		.retries = 2, .error_message = "no luck" }));
	must(world_run(world, tree, (struct command){ .kind = COMMAND_complete_user,
		.target = world_at(tree, "ask")->id }));
	world_must_save(world);
	must(store_events(world->reader, world->arena, tree->root->id, 0, 100, &events, &count, &world->error));
	ck_assert_uint_eq(count, 3);
	for (size_t i = 0; i < count; i++) {
		struct effects effects;

		effects_init(&effects, world->arena);
		must(effects_decode(events[i].data, events[i].length, &effects, &world->error));
		for (size_t j = 0; j < effects.count; j++)
			must(engine_apply(replayed, &effects.list[j], &world->error));
	}
	ck_assert_str_eq(tree_dump(replayed, world->arena), tree_dump(tree, world->arena));
	tree_free(replayed);
	tree_free(tree);
}
END_TEST

/* ---- what is to blame ------------------------------------------------------------------------------------- */

/* PostgreSQL refuses the text: the batch fails as a whole, leaves nothing, and the lane is still ours. */
START_TEST(test_a_guilty_command)
{
	const struct definition *definition = world_deploy(world, one_task);
	struct tree *innocent = world_start(world, definition, (struct entries){ 0 });
	struct tree *guilty = world_start(world, definition, (struct entries){ 0 });

	must(world_run(world, guilty, (struct command){ .kind = COMMAND_fail_task,
		.target = world_at(guilty, "work")->id,
		.retries = 1, .error_message = "\xff" }));
	ck_assert_int_eq(world_save(world), E_invalid_request);
	ck_assert_int_eq(world_number(world, "select (select count(*) from instance) + (select count(*) from event)"),
		0);
	world->command_count = 1;	/* the innocent alone */
	world_must_round_trip(world, innocent);
	tree_free(innocent);
	tree_free(guilty);
}
END_TEST

/* A row that must be there is not: nothing is written half. */
START_TEST(test_a_row_that_is_missing)
{
	struct tree *tree = world_start(world, world_deploy(world, one_task), (struct entries){ 0 });

	world_must_save(world);
	ck_assert_str_eq(world_ask(world, "with d as (delete from activity returning 1) select count(*) from d"), "1");
	must(world_run(world, tree, (struct command){ .kind = COMMAND_complete_task,
		.target = world_at(tree, "work")->id }));
	ck_assert_int_eq(world_save(world), E_internal);
	ck_assert_int_eq(world_number(world, "select count(*) from history_process"), 0);
	ck_assert_int_eq(world_number(world, "select count(*) from instance"), 1);
	tree_free(tree);
}
END_TEST

/* Ids reserved with a batch are not handed out to the next owner. */
START_TEST(test_ids_are_reserved)
{
	struct tree *tree = world_start(world, world_deploy(world, one_task), (struct entries){ 0 });
	const struct lane_range all = { .lane = 0, .first_part = 0, .last_part = PART_COUNT - 1 };
	int64_t next = world->next_id;

	world_must_save(world);
	must(world->store->ops->claim(world->store, &all, 78, 0, &world->claim, &world->error));
	ck_assert_int_eq(world->claim.next_id[0], next);
	for (int part = 0; part < PART_COUNT; part++) {
		ck_assert_int_eq(id_part(world->claim.next_id[part]), part);
		ck_assert_int_eq(world->claim.next_id[part] % ID_STEP, 0);
	}
	tree_free(tree);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { test_a_tree_with_everything, test_jobs_and_incidents,
		test_a_user_task_changes_hands,
		test_every_type_of_value, test_content_with_nuls, test_big_values, test_variables_within_a_batch,
		test_a_variable_becomes_transient, test_a_whole_life_in_a_batch, test_trees_do_not_mix, test_undo,
		test_history_of_a_cancelled_instance, test_the_log_replays, test_a_guilty_command,
		test_a_row_that_is_missing,
		test_ids_are_reserved, NULL };

	world_prepare();
	return world_suite_with("save_load", setup, teardown, tests);
}
