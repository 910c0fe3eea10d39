/* SPDX-License-Identifier: Apache-2.0
 * Every filter and sort of every list on a large database: PostgreSQL takes each, and those that name an id find their
 * rows by index, however many others there are.  What a list answers is a matter of the API's tests. */
#include "tests/store/world.h"

#include <stdlib.h>
#include <string.h>

#include "tests/fixture/pg.h"

static struct reader *reader;
static struct arena *arena;
static struct error err;
static struct text plans;		/* of the statements since the last forget_plans() */

/* When all roots of the history started, so that one partition holds it. */
#define STARTED "timestamptz '2023-11-14 22:13:20Z'"
#define STARTED_US INT64_C(1700000000000000)

/* n is the number of an instance; its parts are ids behind its own. */
static const char large[] =
	"insert into deployment select d, 'd' || d, null, null, now() from generate_series(1, 20) d;"
	"insert into resource select d, d, 'r.bpmn', '' from generate_series(1, 20) d;"
	"insert into definition select d, d, d, 0, 'key' || d || ':1:' || d, 'key' || d, 1, null, 'name', 'c', "
	"null, null, 180, true, false, false from generate_series(1, 20) d;"
	"insert into element select d, e * 4, 'element' || e, 'name', "
	"(array['processDefinition', 'userTask', 'serviceTask', 'noneEndEvent'])[e], "
	"case when e > 1 then 4 else 0 end, e = 3 from generate_series(1, 20) d, generate_series(1, 4) e;"
	"insert into job_definition select d, 12, 2, 'async-continuation', 'async-before' "
	"from generate_series(1, 20) d;"
	"create temporary table n as select n, (n % 256)::int2 as part, "
	"((n % 256)::int8 << 55) + (1::int8 << 32) + n * 100 as id, n % 20 + 1 as definition, "
	"now() - n * interval '1 second' as at from generate_series(1, 20000) n;"
	"insert into instance select part, id, id, null, definition, 'order' || n, null, false, 8, at, " STARTED
	" from n;"
	"insert into activity select part, id + 2, id, id, definition, 12, 0, 0, at, 'topic' || n % 50, "
	"'w' || n % 50, null::timestamptz, at, null::int, 0, n % 7, null, null from n union all "
	"select part, id + 4, id, id, definition, 8, 0, 0, at, null, null, null, null, null, 0, 0, null, null from n;"
	"insert into task select part, id + 4, id, definition, 8, 'task' || n % 100, null, 'user' || n % 1000, "
	"null, 50, at, null, at, array['user' || n % 1000], array['group' || n % 1000] from n;"
	"insert into variable select part, id, 'v' || v, id + 6 + v * 2, id, 6, null, null, "
	"convert_to('x' || n, 'UTF8'), null, null, at from n, generate_series(1, 3) v;"
	"insert into job select part, id + 20, id, id + 2, definition, 12, 1, at, n % 4, 0, null, null, null, at "
	"from n;"
	"insert into incident select part, id + 22, id, id + 2, definition, 12, 1 + n % 2, id + 20, 'message', 12, "
	"at from n;"
	"insert into history_process select part, id + 50, id + 50, null, definition, 'order' || n, null, 1, null, 8, "
	"at, at, " STARTED " from n;"
	"insert into history_activity select part, id + 52 + a * 2, id + 50, id + 50, definition, 8 + a % 2 * 4, "
	"false, true, at, at, null, 'user' || n % 1000, " STARTED " from n, generate_series(1, 3) a;"
	"insert into history_variable select part, id + 62 + v * 2, id + 50, id + 50, definition, 4, 'v' || v, 3, n, "
	"null, null, null, null, at, at, false, " STARTED " from n, generate_series(1, 3) v;"
	"insert into history_incident select part, id + 70, id + 50, id + 52, definition, 12, 1, id + 72, null, null, "
	"at, at, true, " STARTED " from n;";

static void
make_large(void)
{
	PGconn *conn;

	if (pg_connect(world_database("large"), "test", &conn, &err) != OK ||
	    partitions_ensure(conn, STARTED_US, 1, &err) != OK || pg_run(conn, large, "filling", &err) != OK ||
	    pg_run(conn, "vacuum (analyze)", "analysing", &err) != OK) {
		fprintf(stderr, "%s\n", err.message);
		exit(EXIT_FAILURE);
	}
	PQfinish(conn);
}

/* What the server says of its own accord: plans, by auto_explain. */
static void
take_notice(void *context, const PGresult *result)
{
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);

	(void)context;
	text_puts(&plans, text ? text : "");
	text_putc(&plans, '\n');
}

static void
must(enum status status, const char *what)
{
	ck_assert_msg(status == OK, "%s: %s\n%s", what, err.message, text_string(&plans));
}

static void
setup(void)
{
	struct settings settings;

	arena = arena_new();
	text_init(&plans, arena);
	settings_init(&settings);
	must(reader_open(pg_fixture_conninfo("large"), &settings, &reader, &err), "opening");
	PQsetNoticeReceiver(reader->conn, take_notice, NULL);
	must(pg_run(reader->conn, "load 'auto_explain'; set auto_explain.log_min_duration = 0; "
		"set client_min_messages = log", "explaining", &err), "explaining");
}

static void
teardown(void)
{
	reader_close(reader);
	arena_free(arena);
}

static void
forget_plans(void)
{
	text_init(&plans, arena);
}

/* ---- arguments ------------------------------------------------------------------------------------------ */

/* A value that the filter can have. */
static const char *
sample(const struct filter *filter, const char *id)
{
	switch (filter->type) {
	case FILTER_id:
	case FILTER_ids:
		return id;
	case FILTER_activity_ids:
		return arena_printf(arena, "element3:%s", id);
	case FILTER_number:
		return "3";
	case FILTER_date:
		return "1700000000000000";
	case FILTER_true:
	case FILTER_unless:
	case FILTER_include:
	case FILTER_flag:
		return "true";
	case FILTER_types:
		return "string";
	case FILTER_choice:
		return "open";
	case FILTER_text:
	case FILTER_texts:
	case FILTER_like:
	case FILTER_variables:
	case FILTER_value:
	case FILTER_dates:
	case FILTER_refused:
	case FILTER_ignored:
		break;
	}
	return "text%";
}

static bool
takes_row(void *context, const char *const *cells)
{
	(void)cells;
	++*(int64_t *)context;
	return true;
}

static size_t
ask(const struct query_request *request, const char *what)
{
	int64_t rows = 0;

	must(store_query(reader, request, takes_row, &rows, &err), what);
	return (size_t)rows;
}

static const char *
some_id(void)
{
	PGresult *result;
	const char *id;

	must(pg_ask(reader->conn, "select id from instance where business_key = 'order12312'", 0, NULL, "asking",
		&result,
		&err), "asking");
	id = cell_string(result, 0, 0, arena);
	PQclear(result);
	return id;
}

/* ---- every row of the tables ------------------------------------------------------------------------------ */

static void
try_filter(enum query query, const struct filter *filter, const char *id)
{
	const char *const texts[] = { sample(filter, id), "7" };
	struct variable_condition condition = { .name = "v1", .op = OP_eq, .value = value_string("x1") };
	struct argument argument = { .filter = filter, .texts = texts, .count = 1, .conditions = &condition };
	struct query_request request = { .query = query, .arguments = &argument, .argument_count = 1, .max = 5 };
	const char *what = arena_printf(arena, "%s by %s", query_table(query).name, filter->name);
	int64_t count;

	if (filter->type == FILTER_refused)
		return;
	if (filter->type == FILTER_dates)
		condition = (struct variable_condition){ .op = OP_gt, .value = value_date(1) };
	forget_plans();
	ask(&request, what);
	if (!strcmp(filter->name, "variableName")) {
		argument.ignore_case = true;
		must(store_count(reader, &request, &count, &err), what);
	}
	if (filter->type == FILTER_texts || filter->type == FILTER_ids || filter->type == FILTER_activity_ids) {
		argument.count = 2;
		must(store_count(reader, &request, &count, &err), what);
		argument.count = 0;
		must(store_count(reader, &request, &count, &err), what);
	}
}

START_TEST(test_every_filter)
{
	const char *id = some_id();

	for (int query = 0; query < QUERY_COUNT; query++)
		for (size_t i = 0; i < query_table((enum query)query).filter_count; i++)
			try_filter((enum query)query, &query_table((enum query)query).filters[i], id);
}
END_TEST

START_TEST(test_every_sort)
{
	for (int query = 0; query < QUERY_COUNT; query++) {
		struct query_table table = query_table((enum query)query);

		for (size_t i = 0; i < table.sort_count; i++) {
			struct ordering orderings[] = { { &table.sorts[i], true }, { &table.sorts[0], false } };
			struct query_request request = { .query = (enum query)query, .orderings = orderings,
				.ordering_count = 2,
				.first = 2, .max = 3 };
			const char *what = arena_printf(arena, "%s in order of %s", table.name, table.sorts[i].name);

			forget_plans();
			ask(&request, what);
		}
	}
}
END_TEST

/* What names one instance, or NULL. */
static const struct filter *
find_instance_filter(const struct query_table *table)
{
	for (size_t i = 0; i < table->filter_count; i++)
		if (!strcmp(table->filters[i].name, "processInstanceId") ||
		    !strcmp(table->filters[i].name, "processInstanceIdIn"))
			return &table->filters[i];
	ck_abort_msg("%s cannot be asked for one instance", table->name);
	return NULL;
}

/* Every condition on variables, with a value of every type, wherever variables can be asked for; of one instance, since
 * only whether it runs is asked here. */
static void
try_conditions(enum query query, const struct filter *filter)
{
	static const struct value values[] = {
		{ .type = VALUE_null }, { .type = VALUE_boolean, .integer = 1 }, { .type = VALUE_short, .integer = 1 },
		{ .type = VALUE_integer, .integer = 1 }, { .type = VALUE_long, .integer = INT64_MAX },
		{ .type = VALUE_double, .real = 0.1 }, { .type = VALUE_string, .text = "x_%'\\", .length = 5 },
		{ .type = VALUE_string, .text = "", .length = 0 }, { .type = VALUE_date, .integer = 1 },
	};
	struct variable_condition conditions[2] = { 0 };
	const struct query_table table = query_table(query);
	const char *id = some_id();
	struct argument arguments[] = { { .filter = filter, .count = 2, .conditions = conditions },
		{ .filter = find_instance_filter(&table), .texts = &id, .count = 1 } };
	struct query_request request = { .query = query, .arguments = arguments, .argument_count = 2, .max = 1 };

	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
		for (int op = OP_eq; op <= OP_not_like; op++) {
			conditions[0] = (struct variable_condition){ "v1", (enum variable_operator)op, values[i],
				false, false };
			conditions[1] = (struct variable_condition){ "V1", (enum variable_operator)op, values[i], true,
				true };
			forget_plans();
			ask(&request, arena_printf(arena, "%s by %s, type %d, operator %d", query_table(query).name,
				filter->name,
				(int)values[i].type, op));
		}
}

START_TEST(test_every_condition_on_variables)
{
	for (int query = 0; query < QUERY_COUNT; query++) {
		struct query_table table = query_table((enum query)query);

		for (size_t i = 0; i < table.filter_count; i++)
			if (table.filters[i].type == FILTER_variables || table.filters[i].type == FILTER_value)
				try_conditions((enum query)query, &table.filters[i]);
	}
}
END_TEST

/* ---- by index --------------------------------------------------------------------------------------------- */

/* What has a row for each of many instances; partitions have a month behind the name. */
static const char *const large_tables[] = { "instance", "activity", "task", "variable", "job", "incident",
	"history_process",
	"history_activity", "history_variable", "history_incident" };

/* The first of the large tables that a plan reads whole, or NULL. */
static const char *
read_whole(const char *plan)
{
	static const char scan[] = "Seq Scan on ";
	const char *at = plan;

	while ((at = strstr(at, scan)) != NULL) {
		size_t length;

		at += strlen(scan);
		length = strcspn(at, " ");
		for (size_t i = 0; i < sizeof large_tables / sizeof large_tables[0]; i++) {
			size_t n = strlen(large_tables[i]);

			if (length >= n && !strncmp(at, large_tables[i], n) &&
				(length == n || !strncmp(at + n, "_y", 2)))
				return large_tables[i];
		}
	}
	return NULL;
}

/* Ids that do not lead to few rows by an index, and why that may be. */
static bool
may_read_all(enum query query, const char *name)
{
	static const struct {
		enum query query;
		const char *name;
	} all[] = {
		/* what is left out is little, what is answered is the rest */
		{ QUERY_history_process_instance, "processInstanceIdNotIn" },
		/* no index knows a user task's own variables */
		{ QUERY_variable_instance, "taskIdIn" },
		{ QUERY_history_variable_instance, "taskIdIn" },
		/* as long as little is broken there are few incidents */
		{ QUERY_process_instance, "incidentId" },
		{ QUERY_incident, "causeIncidentId" },
		{ QUERY_incident, "rootCauseIncidentId" },
		{ QUERY_incident, "configuration" },
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (all[i].query == query && !strcmp(all[i].name, name))
			return true;
	return !strcmp(name, "deploymentId") || !strcmp(name, "deploymentIdIn");	/* thousands of instances */
}

/* Keys of which each instance or each user has one. */
static bool
is_selective_key(const char *name)
{
	static const char *const names[] = { "businessKey", "processInstanceBusinessKey",
		"processInstanceBusinessKeyIn",
		"assignee", "assigneeIn", "candidateUser", "candidateGroup" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* The names of the lists' filters that read a large table whole. */
static void
note_scan(struct text *found, enum query query, const struct filter *filter, const char *id)
{
	const char *const texts[] = { filter->type == FILTER_text || filter->type == FILTER_texts ? "user7" :
		sample(filter, id) };
	struct argument argument = { .filter = filter, .texts = texts, .count = 1 };
	struct query_request request = { .query = query, .arguments = &argument, .argument_count = 1, .max = 10 };
	const char *table;

	forget_plans();
	ask(&request, filter->name);
	ck_assert_msg(strstr(text_string(&plans), "Limit") != NULL, "no plan: %s", text_string(&plans));
	table = read_whole(text_string(&plans));
	if (table)
		text_printf(found, "%s by %s reads all of %s\n%s\n", query_table(query).name, filter->name, table,
			getenv("SHOW_PLANS") ? text_string(&plans) : "");
}

START_TEST(test_ids_go_by_index)
{
	const char *id = some_id();
	struct text found;

	text_init(&found, arena);
	for (int query = 0; query < QUERY_COUNT; query++) {
		struct query_table table = query_table((enum query)query);

		for (size_t i = 0; i < table.filter_count; i++) {
			const struct filter *filter = &table.filters[i];
			bool by_id = filter->type == FILTER_id || filter->type == FILTER_ids ||
				filter->type == FILTER_activity_ids;
			bool by_key = (filter->type == FILTER_text || filter->type == FILTER_texts) &&
				is_selective_key(filter->name);

			if ((by_id && !may_read_all((enum query)query, filter->name)) || by_key)
				note_scan(&found, (enum query)query, filter, id);
		}
	}
	ck_assert_msg(found.length == 0, "%s", text_string(&found));
}
END_TEST

/* ---- rows ------------------------------------------------------------------------------------------------- */

/* A list without conditions says as many as were made, pages do not overlap, and its end can be asked for. */
START_TEST(test_counts_and_pages)
{
	struct query_request request = { .query = QUERY_process_instance, .max = -1 };
	int64_t count;

	must(store_count(reader, &request, &count, &err), "counting");
	ck_assert_int_eq(count, 20000);
	request.max = 7;
	request.first = 19998;
	ck_assert_uint_eq(ask(&request, "the last page"), 2);
	request.first = 20000;
	ck_assert_uint_eq(ask(&request, "behind the last page"), 0);
	request.max = 0;
	request.first = 0;
	ck_assert_uint_eq(ask(&request, "nothing"), 0);
}
END_TEST

static bool
takes_three(void *context, const char *const *cells)
{
	(void)cells;
	return ++*(int64_t *)context < 3;
}

/* Whoever has seen enough says so, and the connection is as good as before. */
START_TEST(test_a_list_that_is_left)
{
	struct query_request request = { .query = QUERY_history_activity_instance, .max = -1 };
	int64_t rows = 0, count;

	error_set(&err, E_engine, "%s", "why it was left");
	must(store_query(reader, &request, takes_three, &rows, &err), "leaving");
	ck_assert_int_eq(rows, 3);
	ck_assert_str_eq(err.message, "why it was left");
	request.query = QUERY_process_instance;
	must(store_count(reader, &request, &count, &err), "counting");
	ck_assert_int_eq(count, 20000);
}
END_TEST

static size_t
cells_of(const struct query_table *table)
{
	size_t cells = 0;

	for (size_t i = 0; i < table->field_count; i++)
		cells += table->fields[i].type == FIELD_null ? 0 : table->fields[i].type == FIELD_value ? 5 : 1;
	return cells;
}

/* Dates, ids, numbers and booleans are what the tables say they are, in a row of every list that has one. */
static bool
checks_cells(void *context, const char *const *cells)
{
	struct query_table table = query_table(*(enum query *)context);
	int64_t number;

	for (size_t i = 0, cell = 0; i < table.field_count; i++) {
		const char *text = table.fields[i].type == FIELD_null ? NULL : cells[cell];
		enum field_type type = table.fields[i].type;

		if (text && (type == FIELD_id || type == FIELD_number || type == FIELD_date))
			ck_assert_msg(text_to_int(text, &number), "%s.%s is '%s'", table.name, table.fields[i].name,
			text);
		if (text && type == FIELD_bool)
			ck_assert_msg(!strcmp(text, "t") ||
			!strcmp(text, "f"), "%s.%s is '%s'", table.name, table.fields[i].name,
				text);
		cell += type == FIELD_null ? 0 : type == FIELD_value ? 5 : 1;
	}
	return true;
}

START_TEST(test_cells)
{
	for (int query = 0; query < QUERY_COUNT; query++) {
		struct query_request request = { .query = (enum query)query, .max = 2 };
		struct query_table table = query_table((enum query)query);
		enum query asked = (enum query)query;

		ck_assert_uint_gt(cells_of(&table), 0);
		must(store_query(reader, &request, checks_cells, &asked, &err), table.name);
	}
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { test_every_filter, test_every_sort, test_every_condition_on_variables,
		test_ids_go_by_index, test_counts_and_pages, test_a_list_that_is_left, test_cells, NULL };

	world_prepare();
	make_large();
	return world_suite_with("queries", setup, teardown, tests);
}
