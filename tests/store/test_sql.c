/* SPDX-License-Identifier: Apache-2.0
 * The statements of sql.def against a migrated schema: PostgreSQL takes each of them, and the names of the parameters'
 * types are PostgreSQL's own. */
#include "tests/store/world.h"

#include <string.h>

static PGconn *
connect_migrated(const char *name)
{
	struct error err;
	PGconn *conn;

	ck_assert_msg(pg_connect(world_database(name), "test", &conn, &err) == OK, "%s", err.message);
	return conn;
}

/* One after the other, so that a failure names the statement and what PostgreSQL says. */
START_TEST(test_every_statement_prepares)
{
	PGconn *conn = connect_migrated("sql_each");

	for (int i = 0; i < SQL_COUNT; i++) {
		const struct sql_statement *statement = sql_statement((enum sql)i);
		Oid oids[SQL_PARAMETERS];
		PGresult *result;

		for (int j = 0; j < statement->count; j++)
			oids[j] = statement->arrays[j] ? statement->types[j]->array : statement->types[j]->oid;
		result = PQprepare(conn, statement->name, statement->text, statement->count, oids);
		ck_assert_msg(PQresultStatus(result) == PGRES_COMMAND_OK, "%s: %s", statement->name,
			PQerrorMessage(conn));
		PQclear(result);
		result = PQdescribePrepared(conn, statement->name);
		ck_assert_msg(PQnparams(result) == statement->count, "%s has %d parameters, its types are %s",
			statement->name,
			PQnparams(result), statement->list);
		PQclear(result);
	}
	PQfinish(conn);
}
END_TEST

START_TEST(test_all_at_once)
{
	PGconn *conn = connect_migrated("sql_all");
	struct error err;

	ck_assert_msg(sql_prepare(conn, &err) == OK, "%s", err.message);
	ck_assert_int_eq(PQpipelineStatus(conn), PQ_PIPELINE_OFF);
	PQfinish(conn);
}
END_TEST

/* The failure names the statement, and the connection can be used again. */
START_TEST(test_a_statement_that_fails)
{
	PGconn *conn = connect_migrated("sql_fails");
	struct error err;

	ck_assert_int_eq(pg_run(conn, "alter table event rename to no_event", "breaking", &err), OK);
	ck_assert_int_eq(sql_prepare(conn, &err), E_engine);
	ck_assert_msg(strstr(err.message, "event_insert") != NULL, "%s", err.message);
	ck_assert_int_eq(pg_run(conn, "select 1", "asking", &err), OK);
	PQfinish(conn);
}
END_TEST

/* Nulls, arrays of nothing and of many, the ends of each type: what goes in comes out. */
START_TEST(test_binary_forms)
{
	static const int64_t times[] = { WHEN_FIRST, WHEN_LAST, 0, -1, INT64_C(946684800000000),
		INT64_C(1700000000123456) };
	PGconn *conn = connect_migrated("sql_binary");
	PGresult *result;

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
		ck_assert_int_eq(time_from_pg(time_to_pg(times[i])), times[i]);
	ck_assert_int_eq(time_from_pg(time_to_pg(INT64_MAX)), INT64_MAX);
	result = PQexecParams(conn, "select 7::int2, -7::int4, 1 << 20, 9223372036854775807, -1.5::float8, true, "
		"'text', "
		"'\\x000102'::bytea, timestamptz '2023-11-14 22:13:20.123456+00', null::int4, null::timestamptz, "
		"array['a', null, 'c \"'], array[]::text[], timestamptz 'infinity', false", 0, NULL, NULL, NULL, NULL,
		1);
	struct arena *arena = arena_new();
	struct people people;
	size_t length;

	ck_assert_int_eq(PQresultStatus(result), PGRES_TUPLES_OK);
	ck_assert_int_eq(cell_int(result, 0, 0), 7);
	ck_assert_int_eq(cell_int(result, 0, 1), -7);
	ck_assert_int_eq(cell_int(result, 0, 2), 1 << 20);
	ck_assert_int_eq(cell_int(result, 0, 3), INT64_MAX);
	ck_assert(cell_real(result, 0, 4) == -1.5);
	ck_assert(cell_bool(result, 0, 5));
	ck_assert_str_eq(cell_text(result, 0, 6), "text");
	ck_assert_mem_eq(cell_bytes(result, 0, 7, &length), "\0\1\2", 3);
	ck_assert_uint_eq(length, 3);
	ck_assert_int_eq(cell_time(result, 0, 8), INT64_C(1700000000123456));
	ck_assert_int_eq(cell_int(result, 0, 9), 0);
	ck_assert_int_eq(cell_time(result, 0, 10), WHEN_NONE);
	people = cell_texts(result, 0, 11, arena);
	ck_assert_uint_eq(people.count, 3);
	ck_assert_str_eq(people.list[2], "c \"");
	ck_assert_uint_eq(cell_texts(result, 0, 12, arena).count, 0);
	ck_assert_int_eq(cell_time(result, 0, 13), INT64_MAX);
	ck_assert(!cell_bool(result, 0, 14));
	PQclear(result);
	PQfinish(conn);
	arena_free(arena);
}
END_TEST

START_TEST(test_what_an_error_means)
{
	ck_assert_int_eq(pg_status("40001"), E_weather);
	ck_assert_int_eq(pg_status("40P01"), E_weather);
	ck_assert_int_eq(pg_status("53300"), E_weather);
	ck_assert_int_eq(pg_status("57P01"), E_weather);
	ck_assert_int_eq(pg_status("58030"), E_weather);
	ck_assert_int_eq(pg_status("08006"), E_weather);
	ck_assert_int_eq(pg_status("25006"), E_weather);
	ck_assert_int_eq(pg_status("22021"), E_invalid_request);
	ck_assert_int_eq(pg_status("54000"), E_invalid_request);
	ck_assert_int_eq(pg_status("22012"), E_internal);
	ck_assert_int_eq(pg_status("23505"), E_internal);
	ck_assert_int_eq(pg_status("42P01"), E_engine);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { test_every_statement_prepares, test_all_at_once, test_a_statement_that_fails,
		test_binary_forms, test_what_an_error_means, NULL };

	world_prepare();
	return world_suite("sql", tests);
}
