/* SPDX-License-Identifier: Apache-2.0
 * Deployments: versions, what is a duplicate, what is deleted, and what the sweep leaves. */
#include "tests/store/world.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/engine/sim.h"
#include "tests/fixture/pg.h"

static struct world *world;
static struct deployed deployed;

/* A process of that key which waits for a worker; `mark` makes the bytes differ. */
static const char *
process(const char *key, const char *mark)
{
	const char *xml = sim_process(world->arena, arena_printf(world->arena, "<documentation>%s</documentation>"
		"<startEvent id='s'/><sequenceFlow id='f0' sourceRef='s' targetRef='work'/>"
		"<serviceTask id='work' name='Work' camunda:type='external' camunda:topic='work' "
		"camunda:asyncBefore='true'/>"
		"<sequenceFlow id='f1' sourceRef='work' targetRef='e'/><endEvent id='e'/>", mark));
	const char *at = strstr(xml, "<process id=\"p\"");

	return arena_printf(world->arena, "%.*s<process id=\"%s\"%s", (int)(at - xml), xml, key,
		at + strlen("<process id=\"p\""));
}

static struct new_resource
resource(const char *name, const char *text)
{
	struct new_resource made = { .name = name, .bytes = text, .length = strlen(text) };
	struct diagram diagram;

	if (!strstr(name, ".bpmn"))
		return made;
	ck_assert_msg(bpmn_compile(world->arena, name, text, strlen(text), &diagram, &world->error) == OK, "%s",
		world->error.message);
	made.programs = diagram.programs;
	made.program_count = diagram.program_count;
	return made;
}

static enum status
deploy(struct new_deployment deployment)
{
	return store_deploy(world->reader, world->arena, &deployment, &deployed, &world->error);
}

static void
must(enum status status)
{
	ck_assert_msg(status == OK, "%s", world->error.message);
}

static void
setup(void)
{
	world = world_open("deploy");
}

static void
teardown(void)
{
	world_close(world);
}

/* ---- versions ------------------------------------------------------------------------------------------- */

START_TEST(test_versions)
{
	struct new_resource one[] = { resource("a.bpmn", process("a", "1")), resource("b.bpmn", process("b", "1")),
		resource("notes.txt", "read me") };
	struct new_resource two[] = { resource("a.bpmn", process("a", "2")) };
	int64_t first;

	must(deploy((struct new_deployment){ .name = "d", .source = "test", .resources = one, .resource_count = 3 }));
	ck_assert_uint_eq(deployed.definition_count, 2);
	ck_assert(!deployed.duplicate);
	ck_assert_str_eq(deployed.definitions[0].key, "a");
	ck_assert_int_eq(deployed.definitions[0].version, 1);
	ck_assert_str_eq(deployed.definitions[0].wire_id,
		arena_printf(world->arena, "a:1:%d", deployed.definitions[0].id));
	ck_assert_int_ne(deployed.definitions[0].id, deployed.definitions[1].id);
	first = deployed.id;
	must(deploy((struct new_deployment){ .name = "d", .source = "test", .resources = two, .resource_count = 1 }));
	ck_assert_int_gt(deployed.id, first);
	ck_assert_int_eq(deployed.definitions[0].version, 2);
	ck_assert_int_eq(deployed.definitions[0].deployment, deployed.id);
	ck_assert_int_eq(world_number(world, "select count(*) from resource"), 4);
}
END_TEST

/* A tenant counts for itself, and nobody else sees its versions. */
START_TEST(test_versions_of_tenants)
{
	struct new_resource resources[] = { resource("a.bpmn", process("a", "1")) };
	struct found_definition found, of_tenant;

	for (int i = 1; i <= 2; i++) {
		must(deploy((struct new_deployment){ .tenant = "t", .resources = resources, .resource_count = 1 }));
		ck_assert_int_eq(deployed.definitions[0].version, i);
	}
	ck_assert_int_eq(store_latest(world->reader, "a", NULL, &found, &world->error), E_not_found);
	must(deploy((struct new_deployment){ .resources = resources, .resource_count = 1, .suspended = true }));
	ck_assert_int_eq(deployed.definitions[0].version, 1);
	must(store_latest(world->reader, "a", NULL, &found, &world->error));
	must(store_latest(world->reader, "a", "t", &of_tenant, &world->error));
	ck_assert_int_eq(found.id, deployed.definitions[0].id);
	ck_assert_int_lt(of_tenant.id, found.id);
	ck_assert(found.suspended);
	ck_assert(!of_tenant.suspended);
}
END_TEST

START_TEST(test_what_is_stored_of_a_definition)
{
	const char *xml = process("a", "1");
	struct new_resource resources[] = { resource("notes.txt", "read me"), resource("a.bpmn", xml) };
	struct stored_definition stored;
	struct found_definition found;
	const char *name;
	const void *bytes;
	size_t length;

	must(deploy((struct new_deployment){ .resources = resources, .resource_count = 2 }));
	must(store_find_definition(world->reader, deployed.definitions[0].wire_id, &found, &world->error));
	must(store_definition(world->reader, world->arena, found.id, &stored, &world->error));
	ck_assert_str_eq(stored.resource, "a.bpmn");
	ck_assert_uint_eq(stored.length, strlen(xml));
	ck_assert_mem_eq(stored.xml, xml, stored.length);
	ck_assert_str_eq(stored.definition.key, "a");
	ck_assert_ptr_null(stored.definition.tenant);
	ck_assert_int_eq(stored.process_index, 0);
	ck_assert_str_eq(world_ask(world, "select string_agg(id || ' ' || type, ', ' order by elem) from element"),
		"a processDefinition, s startEvent, work serviceTask, e noneEndEvent");
	ck_assert_str_eq(world_ask(world, "select type || ' ' || configuration from job_definition"),
		"async-continuation async-before");
	must(store_resource(world->reader, world->arena, deployed.id, world_number(world,
		"select id from resource where name = 'notes.txt'"), &name, &bytes, &length, &world->error));
	ck_assert_str_eq(name, "notes.txt");
	ck_assert_mem_eq(bytes, "read me", length);
	ck_assert_int_eq(store_resource(world->reader, world->arena, deployed.id + 1, 1, &name, &bytes, &length,
		&world->error),
		E_not_found);
	must(store_suspend_definition(world->reader, found.id, true, &world->error));
	must(store_definition(world->reader, world->arena, found.id, &stored, &world->error));
	ck_assert(stored.suspended);
	ck_assert_int_eq(store_definition(world->reader, world->arena, 999999, &stored, &world->error), E_not_found);
	ck_assert_int_eq(store_find_definition(world->reader, "a:1:999999", &found, &world->error), E_not_found);
}
END_TEST

/* A key of that length has no room in Camunda's columns: the number alone is the id. */
START_TEST(test_a_long_key)
{
	const char *key = "a2345678901234567890123456789012345678901234567890123456789012345";
	struct new_resource resources[] = { resource("a.bpmn", process(key, "1")) };

	must(deploy((struct new_deployment){ .resources = resources, .resource_count = 1 }));
	ck_assert_str_eq(deployed.definitions[0].wire_id, number_text(world->arena, deployed.definitions[0].id));
}
END_TEST

/* Deployers that come at the same moment: versions without gaps, each its own. */
START_TEST(test_several_at_once)
{
	enum { DEPLOYERS = 4, EACH = 3 };
	struct new_resource resources[] = { resource("a.bpmn", process("a", "1")) };
	int code;

	for (int i = 0; i < DEPLOYERS; i++) {
		if (fork() == 0) {
			struct reader *reader;
			int failed = reader_open(world->database, &world->settings, &reader, &world->error) != OK;

			world->reader = reader;
			for (int j = 0; j < EACH && !failed; j++)
				failed = deploy((struct new_deployment){ .resources = resources,
				.resource_count = 1 }) != OK;
			_exit(failed);
		}
	}
	for (int i = 0; i < DEPLOYERS; i++) {
		ck_assert_int_gt(wait(&code), 0);
		ck_assert_int_eq(code, 0);
	}
	ck_assert_str_eq(world_ask(world, "select count(distinct version) || ' ' || max(version) from definition"),
		"12 12");
}
END_TEST

/* Nothing of a deployment that fails half-way stays. */
START_TEST(test_all_or_nothing)
{
	struct new_resource resources[] = { resource("a.bpmn", process("a", "1")), resource("same", "x"),
		resource("same", "y") };

	ck_assert_int_ne(deploy((struct new_deployment){ .resources = resources, .resource_count = 3 }), OK);
	ck_assert_int_eq(world_number(world, "select (select count(*) from deployment) + (select count(*) from "
		"definition) + "
		"(select count(*) from resource) + (select count(*) from element)"), 0);
	must(deploy((struct new_deployment){ .resources = resources, .resource_count = 2 }));
	ck_assert_int_eq(deployed.definitions[0].version, 1);
}
END_TEST

/* ---- duplicates ------------------------------------------------------------------------------------------- */

START_TEST(test_duplicates)
{
	struct new_resource same[] = { resource("a.bpmn", process("a", "1")), resource("notes.txt", "1") };
	struct new_resource changed[] = { same[0], resource("notes.txt", "2") };
	struct new_deployment deployment = { .name = "d", .source = "s", .resources = same, .resource_count = 2,
		.duplicate_filtering = true };
	int64_t first, created_us;

	must(deploy(deployment));
	ck_assert(!deployed.duplicate);
	first = deployed.id;
	created_us = deployed.created_us;
	must(deploy(deployment));
	ck_assert(deployed.duplicate);
	ck_assert_int_eq(deployed.id, first);
	ck_assert_int_eq(deployed.created_us, created_us);
	ck_assert_uint_eq(deployed.definition_count, 0);
	deployment.resources = changed;
	must(deploy(deployment));	/* one differs: all are deployed */
	ck_assert(!deployed.duplicate);
	ck_assert_uint_eq(deployed.definition_count, 1);
	deployment.name = "other";
	must(deploy(deployment));	/* another name, so nothing to compare with */
	ck_assert(!deployed.duplicate);
	deployment.name = "d";
	deployment.duplicate_filtering = false;
	must(deploy(deployment));
	ck_assert(!deployed.duplicate);
	ck_assert_int_eq(world_number(world, "select max(version) from definition"), 4);
}
END_TEST

START_TEST(test_changed_only)
{
	struct new_resource first[] = { resource("a.bpmn", process("a", "1")), resource("b.bpmn", process("b", "1")) };
	struct new_resource second[] = { first[0], resource("b.bpmn", process("b", "2")) };
	struct new_deployment deployment = { .name = "d", .resources = first, .resource_count = 2,
		.duplicate_filtering = true,
		.changed_only = true };

	must(deploy(deployment));
	deployment.resources = second;
	must(deploy(deployment));
	ck_assert_uint_eq(deployed.definition_count, 1);
	ck_assert_str_eq(deployed.definitions[0].key, "b");
	ck_assert_int_eq(deployed.definitions[0].version, 2);
	must(deploy(deployment));	/* a is unchanged in an older deployment, b in the newest */
	ck_assert(deployed.duplicate);
}
END_TEST

/* ---- deletion ----------------------------------------------------------------------------------------------- */

/* Versions go on behind those that are gone only if one is left. */
START_TEST(test_delete)
{
	struct new_resource resources[] = { resource("a.bpmn", process("a", "1")) };
	struct new_deployment deployment = { .name = "d", .resources = resources, .resource_count = 1,
		.duplicate_filtering = true };
	struct found_definition found;
	struct stored_definition stored;
	int32_t gone;

	must(deploy(deployment));
	gone = deployed.definitions[0].id;
	must(store_delete_deployment(world->reader, deployed.id, false, &world->error));
	ck_assert_int_eq(store_delete_deployment(world->reader, deployed.id, false, &world->error), E_not_found);
	ck_assert_int_eq(store_latest(world->reader, "a", NULL, &found, &world->error), E_not_found);
	ck_assert_int_eq(store_find_definition(world->reader, deployed.definitions[0].wire_id, &found, &world->error),
		E_not_found);
	must(store_definition(world->reader, world->arena, gone, &stored,
		&world->error));	/* history still shows it */
	must(deploy(deployment));	/* what is deleted is no duplicate */
	ck_assert(!deployed.duplicate);
	ck_assert_int_eq(deployed.definitions[0].version, 1);
}
END_TEST

/* An instance of the definition that was started and ended, with a bit of everything in its history. */
static void
live_and_die(const struct definition *definition)
{
	const struct entry entry = { .name = "x", .value = value_string(arena_alloc(world->arena, 1)) };
	char *large = arena_alloc(world->arena, 3001);
	struct entry big = entry;
	struct tree *tree;

	memset(large, 'x', 3000);
	big.value = value_string(large);
	world->list[0] = *definition;
	world->count = 1;
	tree = world_start(world, &world->list[0], (struct entries){ .count = 1, .list = &big });
	must(world_run(world, tree, (struct command){ .kind = COMMAND_execute_job,
		.target = world_at(tree, "work")->jobs->id }));
	must(world_run(world, tree, (struct command){ .kind = COMMAND_fail_task, .target = world_at(tree, "work")->id,
		.retries = 0 }));
	world_must_save(world);
	must(world_run(world, tree, (struct command){ .kind = COMMAND_delete_instance, .target = tree->root->id }));
	world_must_save(world);
	tree_free(tree);
}

static int64_t
history_rows(void)
{
	return world_number(world, "select (select count(*) from history_process) + (select count(*) from "
		"history_activity) + "
		"(select count(*) from history_variable) + (select count(*) from history_incident) + (select count(*) "
		"from event) + "
		"(select count(*) from big_value)");
}

static void
sweep(void)
{
	bool more = true;

	for (int i = 0; more; i++) {
		ck_assert_int_lt(i, 10);
		must(store_sweep(world->reader, &more, &world->error));
	}
}

START_TEST(test_cascade_and_sweep)
{
	struct new_resource one[] = { resource("a.bpmn", process("a", "1")) },
		two[] = { resource("b.bpmn", process("b", "1")) };
	int64_t first, kept;

	must(deploy((struct new_deployment){ .resources = one, .resource_count = 1 }));
	first = deployed.id;
	live_and_die(&deployed.definitions[0]);
	must(deploy((struct new_deployment){ .resources = two, .resource_count = 1 }));
	kept = history_rows();
	ck_assert_int_gt(kept, 5);
	sweep();
	ck_assert_int_eq(history_rows(), kept);	/* nobody deleted anything */
	live_and_die(&deployed.definitions[0]);
	must(store_delete_deployment(world->reader, first, true, &world->error));
	sweep();
	ck_assert_int_eq(history_rows(), kept);
	ck_assert_str_eq(world_ask(world, "select string_agg(key, ' ') from definition"), "b");
	ck_assert_int_eq(world_number(world, "select count(*) from element"), 4);
	ck_assert_int_eq(world_number(world, "select count(*) from job_definition"), 1);
	ck_assert_int_eq(world_number(world, "select count(*) from resource"), 1);
	ck_assert_int_eq(world_number(world, "select count(*) from deployment"), 1);
	ck_assert_int_eq(world_number(world, "select count(*) from swept"), 0);
	must(store_delete_deployment(world->reader, deployed.id, true, &world->error));
	sweep();
	ck_assert_int_eq(history_rows(), 0);
}
END_TEST

/* Without a cascade the history stays, for the sweep too. */
START_TEST(test_history_outlives_its_deployment)
{
	struct new_resource resources[] = { resource("a.bpmn", process("a", "1")) };
	int64_t before;

	must(deploy((struct new_deployment){ .resources = resources, .resource_count = 1 }));
	live_and_die(&deployed.definitions[0]);
	before = history_rows();
	must(store_delete_deployment(world->reader, deployed.id, false, &world->error));
	sweep();
	ck_assert_int_eq(history_rows(), before);
	ck_assert_int_eq(world_number(world, "select count(*) from definition"), 1);
}
END_TEST

/* More instances than one round takes. */
START_TEST(test_sweep_goes_on)
{
	struct new_resource resources[] = { resource("a.bpmn", process("a", "1")) };
	int64_t rounds = 0;
	bool more;

	must(deploy((struct new_deployment){ .resources = resources, .resource_count = 1 }));
	pg_fixture_run(world->database, arena_printf(world->arena,
		"insert into history_process select 0, g, g, null, %d, null, "
		"null, 1, null, 4, now(), now(), now() from generate_series(1, 1000) g", deployed.definitions[0].id));
	must(store_delete_deployment(world->reader, deployed.id, true, &world->error));
	do {
		must(store_sweep(world->reader, &more, &world->error));
		rounds++;
	} while (more && rounds < 100);
	ck_assert_int_ge(rounds, 3);
	ck_assert_int_eq(history_rows(), 0);
	ck_assert_int_eq(world_number(world, "select count(*) from deployment"), 0);
}
END_TEST

/* A definition stays as long as something of it runs. */
START_TEST(test_sweep_waits_for_the_running)
{
	struct new_resource resources[] = { resource("a.bpmn", process("a", "1")) };
	struct tree *tree;
	bool more;

	must(deploy((struct new_deployment){ .resources = resources, .resource_count = 1 }));
	world->list[0] = deployed.definitions[0];
	world->count = 1;
	tree = world_start(world, &world->list[0], (struct entries){ 0 });
	world_must_save(world);
	must(store_delete_deployment(world->reader, deployed.id, true, &world->error));
	must(store_sweep(world->reader, &more, &world->error));
	ck_assert_int_eq(world_number(world, "select count(*) from definition"), 1);
	must(world_run(world, tree, (struct command){ .kind = COMMAND_delete_instance, .target = tree->root->id }));
	world_must_save(world);
	sweep();
	ck_assert_int_eq(world_number(world, "select count(*) from definition"), 0);
	ck_assert_int_eq(history_rows(), 0);
	tree_free(tree);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { test_versions, test_versions_of_tenants, test_what_is_stored_of_a_definition,
		test_a_long_key, test_several_at_once, test_all_or_nothing, test_duplicates, test_changed_only,
		test_delete,
		test_cascade_and_sweep, test_history_outlives_its_deployment, test_sweep_goes_on,
		test_sweep_waits_for_the_running, NULL };

	world_prepare();
	return world_suite_with("deploy", setup, teardown, tests);
}
