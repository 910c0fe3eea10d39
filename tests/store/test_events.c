/* SPDX-License-Identifier: Apache-2.0
 * What readers ask of one instance: its event log page by page, elements, what a scope sees, what is active. */
#include "tests/store/world.h"

#include <string.h>

static struct world *world;
static struct tree *tree;
static struct stored_event *events;
static size_t count;

static const char process[] =
	"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='sub'/>"
	"<subProcess id='sub'><startEvent id='s2'/><sequenceFlow id='g0' sourceRef='s2' targetRef='work'/>"
	"<serviceTask id='work' name='Work' camunda:type='external' camunda:topic='work'/>"
	"<sequenceFlow id='g1' sourceRef='work' targetRef='after'/>"
	"<userTask id='after' camunda:asyncBefore='true'/><sequenceFlow id='g2' sourceRef='after' targetRef='e2'/>"
	"<endEvent id='e2'/></subProcess>"
	"<sequenceFlow id='f1' sourceRef='sub' targetRef='e'/><endEvent id='e'/>";

static void
setup(void)
{
	world = world_open("events");
	tree = world_start(world, world_deploy(world, process), (struct entries){ 0 });
	world_must_save(world);
}

static void
teardown(void)
{
	tree_free(tree);
	world_close(world);
}

static void
must(enum status status)
{
	ck_assert_msg(status == OK, "%s", world->error.message);
}

static void
run(struct command command)
{
	must(world_run(world, tree, command));
	world_must_save(world);
}

static void
ask_events(int64_t root, int64_t after, size_t limit)
{
	must(store_events(world->reader, world->arena, root, after, limit, &events, &count, &world->error));
}

/* A task is locked, fails, is locked again and completed. */
static void
work(void)
{
	int64_t id = world_at(tree, "work")->id;

	run((struct command){ .kind = COMMAND_lock_task, .target = id, .worker = "w", .duration_us = 1000000 });
	run((struct command){ .kind = COMMAND_fail_task, .target = id, .worker = "w", .retries = 2,
		.error_message = "no \"luck\"" });
	run((struct command){ .kind = COMMAND_lock_task, .target = id, .worker = "w2", .duration_us = 1000000 });
	run((struct command){ .kind = COMMAND_complete_task, .target = id, .worker = "w2" });
}

START_TEST(test_events)
{
	static const enum command_kind kinds[] = { COMMAND_start, COMMAND_fail_task, COMMAND_complete_task };
	int64_t root = tree->root->id, id = world_at(tree, "work")->id, first;

	work();
	ask_events(root, 0, 10);
	ck_assert_uint_eq(count, 3);
	for (size_t i = 0; i < count; i++) {
		ck_assert_int_eq(events[i].kind, kinds[i]);
		ck_assert_int_eq(events[i].root, root);
		ck_assert_int_eq(events[i].definition, world->list[0].id);
		ck_assert_uint_gt(events[i].length, 1);
		ck_assert_int_eq(((const char *)events[i].data)[0], EVENT_FORMAT);
		ck_assert(i == 0 || events[i].id > events[i - 1].id);
		ck_assert(i == 0 || events[i].at_us >= events[i - 1].at_us);
	}
	ck_assert_ptr_null(events[0].worker);
	ck_assert_ptr_null(events[0].message);
	ck_assert_int_eq(events[0].locked_us, WHEN_NONE);
	ck_assert_str_eq(events[1].worker, "w");
	ck_assert_str_eq(events[1].message, "no \"luck\"");
	ck_assert_int_eq(events[1].activity, id);
	ck_assert_int_eq(events[1].elem, program_node_by_id(world->list[0].program, "work")->key);
	ck_assert_int_ne(events[1].locked_us, WHEN_NONE);
	ck_assert_str_eq(events[2].worker, "w2");
	ck_assert_int_gt(events[2].locked_us, events[1].locked_us);
	first = events[0].id;
	ask_events(root, 0, 1);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(events[0].id, first);
	ask_events(root, first, 1);
	ck_assert_uint_eq(count, 1);
	ck_assert_int_eq(events[0].kind, COMMAND_fail_task);
	ask_events(root, events[0].id + 1000000, 10);
	ck_assert_uint_eq(count, 0);
	ask_events(id, 0, 10);		/* of a root only */
	ck_assert_uint_eq(count, 0);
}
END_TEST

/* Of what is over too, and of nothing else. */
START_TEST(test_elements)
{
	const struct program *program = world->list[0].program;
	int64_t ids[4] = { world_at(tree, "sub")->id, world_at(tree, "work")->id, 1234, 0 };
	int32_t keys[4] = { 7, 7, 7, 7 };

	work();
	ids[3] = world_at(tree, "after")->id;
	must(store_elements(world->reader, tree->root->id, ids, 4, keys, &world->error));
	ck_assert_int_eq(keys[0], program_node_by_id(program, "sub")->key);
	ck_assert_int_eq(keys[1], program_node_by_id(program, "work")->key);
	ck_assert_int_eq(keys[2], 0);
	ck_assert_int_eq(keys[3], program_node_by_id(program, "after")->key);
	must(store_elements(world->reader, 99, ids, 4, keys, &world->error));
	ck_assert_int_eq(keys[0], 0);
	must(store_elements(world->reader, tree->root->id, ids, 0, keys, &world->error));
}
END_TEST

static const char *
seen(int64_t scope, bool local)
{
	struct entries entries;
	struct text text;
	bool exists;

	must(store_scope_variables(world->reader, world->arena, scope, local, &entries, &exists, &world->error));
	if (!exists)
		return "nothing there";
	text_init(&text, world->arena);
	for (size_t i = 0; i < entries.count; i++)
		text_printf(&text, "%s=%s ", entries.list[i].name, value_to_text(world->arena, &entries.list[i].value));
	return text_string(&text);
}

static void
set(int64_t target, const char *name, const char *value)
{
	const struct entry entry = { .name = name, .value = value_string(value) };

	run((struct command){ .kind = COMMAND_set_variables, .target = target, .local = true,
		.variables = { .count = 1, .list = &entry } });
}

/* The nearest of each name; a large one is read from where it lies. */
START_TEST(test_scopes)
{
	char *large = arena_alloc(world->arena, 3001);
	int64_t root = tree->root->id, sub = world_at(tree, "sub")->id, id = world_at(tree, "work")->id;

	memset(large, 'x', 3000);
	ck_assert_str_eq(seen(root, false), "");
	set(root, "a", "root");
	set(root, "b", "root");
	set(sub, "b", "sub");
	set(id, "c", large);
	ck_assert_str_eq(seen(root, false), "a=root b=root ");
	ck_assert_str_eq(seen(sub, false), "a=root b=sub ");
	ck_assert_str_eq(seen(sub, true), "b=sub ");
	ck_assert_str_eq(seen(id, false), arena_printf(world->arena, "a=root b=sub c=%s ", large));
	ck_assert_str_eq(seen(id + 1000, false), "nothing there");
	work();
	ck_assert_str_eq(seen(id, false), "nothing there");
}
END_TEST

START_TEST(test_a_running_instance)
{
	struct running_instance *instance;
	const struct running_activity *sub, *inner;

	must(store_running_instance(world->reader, world->arena, tree->root->id, &instance, &world->error));
	ck_assert_int_eq(instance->id, tree->root->id);
	ck_assert_str_eq(instance->definition, world->list[0].wire_id);
	sub = instance->root->first;
	ck_assert_ptr_nonnull(sub);
	ck_assert_ptr_null(sub->next);
	ck_assert_str_eq(sub->id_text, "sub");
	ck_assert_str_eq(sub->type, "subProcess");
	inner = sub->first;
	ck_assert_str_eq(inner->id_text, "work");
	ck_assert_str_eq(inner->name, "Work");
	ck_assert(!inner->transition);
	run((struct command){ .kind = COMMAND_fail_task, .target = inner->id, .retries = 0 });
	must(store_running_instance(world->reader, world->arena, inner->id, &instance, &world->error));
	ck_assert_int_eq(instance->id, tree->root->id);
	ck_assert_uint_eq(instance->root->first->first->incident_count, 1);
	run((struct command){ .kind = COMMAND_set_task_retries, .target = inner->id, .retries = 1 });
	work();
	must(store_running_instance(world->reader, world->arena, tree->root->id, &instance, &world->error));
	ck_assert_str_eq(instance->root->first->first->id_text, "after");
	ck_assert(instance->root->first->first->transition);	/* waits before it */
	ck_assert_int_eq(store_running_instance(world->reader, world->arena, 1234, &instance, &world->error),
		E_not_found);
}
END_TEST

/* A reader whose connection died while nobody asked does not notice. */
START_TEST(test_a_reader_that_lost_its_connection)
{
	struct query_request request = { .query = QUERY_process_instance, .max = -1 };
	int64_t running = 0;

	world_terminate(world, world->reader->conn);
	ask_events(tree->root->id, 0, 10);
	ck_assert_uint_eq(count, 1);
	world_terminate(world, world->reader->conn);
	must(store_count(world->reader, &request, &running, &world->error));
	ck_assert_int_eq(running, 1);
	world_terminate(world, world->reader->conn);
	must(store_check_schema(world->reader, &world->error));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { test_events, test_elements, test_scopes, test_a_running_instance,
		test_a_reader_that_lost_its_connection, NULL };

	world_prepare();
	return world_suite_with("events", setup, teardown, tests);
}
