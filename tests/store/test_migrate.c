/* SPDX-License-Identifier: Apache-2.0
 * Migrations: from nothing to the newest, again, several at once, and what is refused. */
#include "tests/store/world.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fixture/pg.h"

static struct error err;

static const char *
ask(const char *database, const char *sql)
{
	static char answer[256];
	PGconn *conn = PQconnectdb(database);
	PGresult *result = PQexec(conn, sql);

	ck_assert_msg(PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1, "%s", PQerrorMessage(conn));
	snprintf(answer, sizeof answer, "%s", PQgetvalue(result, 0, 0));
	PQclear(result);
	PQfinish(conn);
	return answer;
}

static enum status
check_schema(const char *database)
{
	struct settings settings;
	struct reader *reader;
	enum status status;

	settings_init(&settings);
	ck_assert_msg(reader_open(database, &settings, &reader, &err) == OK, "%s", err.message);
	status = store_check_schema(reader, &err);
	reader_close(reader);
	return status;
}

START_TEST(test_from_nothing_and_again)
{
	const char *database = pg_fixture_database("migrate_twice", NULL);
	int from = -1, to = -1;

	ck_assert_msg(store_migrate(database, &from, &to, &err) == OK, "%s", err.message);
	ck_assert_int_eq(from, 0);
	ck_assert_int_eq(to, migration_newest());
	ck_assert_msg(check_schema(database) == OK, "%s", err.message);
	ck_assert_msg(store_migrate(database, &from, &to, &err) == OK, "%s", err.message);
	ck_assert_int_eq(from, migration_newest());
	ck_assert_int_eq(to, migration_newest());
	ck_assert_int_eq(atoi(ask(database, "select count(*) from migration")), migration_newest());
}
END_TEST

START_TEST(test_an_empty_database_is_no_schema)
{
	ck_assert_int_eq(check_schema(pg_fixture_database("migrate_empty", NULL)), E_engine);
}
END_TEST

/* Daemons that start at the same moment: all succeed, each step is made once. */
START_TEST(test_several_at_once)
{
	enum { DAEMONS = 6 };
	const char *database = pg_fixture_database("migrate_race", NULL);
	int gate[2], status, from, to;

	ck_assert_int_eq(pipe(gate), 0);
	for (int i = 0; i < DAEMONS; i++) {
		if (fork() == 0) {
			char byte;

			close(gate[1]);
			while (read(gate[0], &byte, 1) > 0)
				;
			if (store_migrate(database, &from, &to, &err) == OK && to == migration_newest())
				_exit(0);
			fprintf(stderr, "%s\n", err.message);
			_exit(1);
		}
	}
	close(gate[1]);		/* opens it for all */
	for (int i = 0; i < DAEMONS; i++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	close(gate[0]);
	ck_assert_int_eq(atoi(ask(database, "select count(*) from migration")), migration_newest());
	ck_assert_msg(check_schema(database) == OK, "%s", err.message);
}
END_TEST

START_TEST(test_a_newer_schema_is_refused)
{
	const char *database = world_database("migrate_newer");
	int from, to;

	pg_fixture_run(database, "insert into migration (number, name) values (9999, 'from-the-future')");
	ck_assert_int_eq(store_migrate(database, &from, &to, &err), E_engine);
	ck_assert_msg(strstr(err.message, "9999") != NULL, "%s", err.message);
	ck_assert_int_eq(check_schema(database), E_engine);
	ck_assert_str_eq(ask(database, "select count(*) from migration where number = 9999"), "1");
}
END_TEST

/* A step that fails leaves nothing of itself, and the next try begins where it began. */
START_TEST(test_a_step_that_fails_leaves_nothing)
{
	const char *database = pg_fixture_database("migrate_fails", NULL);
	int from, to;

	pg_fixture_run(database, "create table history_process ()");	/* in the way of the first */
	ck_assert_int_ne(store_migrate(database, &from, &to, &err), OK);
	ck_assert_str_eq(ask(database, "select to_regclass('lane') is null and to_regclass('instance') is null"), "t");
	ck_assert_str_eq(ask(database, "select count(*) from migration"), "0");
	pg_fixture_run(database, "drop table history_process");
	ck_assert_msg(store_migrate(database, &from, &to, &err) == OK, "%s", err.message);
	ck_assert_int_eq(from, 0);
}
END_TEST

START_TEST(test_no_database)
{
	int from, to;

	ck_assert_int_ne(store_migrate(pg_fixture_conninfo("migrate_missing"), &from, &to, &err), OK);
	ck_assert_msg(strstr(err.message, "migrate_missing") != NULL, "%s", err.message);
}
END_TEST

/* ---- partitions --------------------------------------------------------------------------------------- */

START_TEST(test_months)
{
	ck_assert_int_eq(month_of(0), 1970 * 12);
	ck_assert_int_eq(month_of(-1), 1969 * 12 + 11);
	ck_assert_int_eq(month_of(INT64_C(1700000000000000)), 2023 * 12 + 10);
	ck_assert_int_eq(month_of(INT64_C(1704067199999999)), 2023 * 12 + 11);
	ck_assert_int_eq(month_of(INT64_C(1704067200000000)), 2024 * 12);
}
END_TEST

static int
partitions(const char *database)
{
	return atoi(ask(database, "select count(*) from pg_inherits where inhparent = 'event'::regclass"));
}

/* From November over the end of the year; the second time nothing is to be done; a later one adds its own. */
START_TEST(test_partitions_are_made_once)
{
	const char *database = world_database("partitions");
	PGconn *conn;

	ck_assert_msg(pg_connect(database, "test", &conn, &err) == OK, "%s", err.message);
	ck_assert_msg(partitions_ensure(conn, INT64_C(1700000000000000), 3, &err) == OK, "%s", err.message);
	ck_assert_int_eq(partitions(database), 3);
	ck_assert_msg(partitions_ensure(conn, INT64_C(1700000000000000), 3, &err) == OK, "%s", err.message);
	ck_assert_int_eq(partitions(database), 3);
	ck_assert_msg(partitions_ensure(conn, INT64_C(1704067200000000), 3, &err) == OK, "%s", err.message);
	ck_assert_int_eq(partitions(database), 5);
	pg_fixture_run(database, "insert into event select 0, 1, 1, 1, 0, 0, 1, t, null, null, null, '', t from "
		"(values (timestamptz '2023-11-01 00:00Z'), ('2023-12-31 23:59:59.999999Z'), ('2024-03-31 "
		"23:59:59Z')) v (t)");
	ck_assert_str_eq(ask(database, "select string_agg(tableoid::regclass::text, ' ' order by root_started) from "
		"event"),
		"event_y2023m11 event_y2023m12 event_y2024m03");
	ck_assert_str_eq(ask(database, "select count(distinct inhparent) from pg_inherits i join pg_class c on c.oid "
		"= inhparent "
		"where c.relkind = 'p'"), "6");
	PQfinish(conn);
}
END_TEST

/* Daemons that see the same month for the first time. */
START_TEST(test_partitions_at_once)
{
	enum { DAEMONS = 4 };
	const char *database = world_database("partitions_race");
	int gate[2], status;

	ck_assert_int_eq(pipe(gate), 0);
	for (int i = 0; i < DAEMONS; i++) {
		if (fork() == 0) {
			PGconn *conn;
			char byte;

			close(gate[1]);
			if (pg_connect(database, "test", &conn, &err) != OK)
				_exit(1);
			while (read(gate[0], &byte, 1) > 0)
				;
			if (partitions_ensure(conn, INT64_C(1700000000000000), 3, &err) == OK)
				_exit(0);
			fprintf(stderr, "%s\n", err.message);
			_exit(1);
		}
	}
	close(gate[1]);
	for (int i = 0; i < DAEMONS; i++) {
		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	close(gate[0]);
	ck_assert_int_eq(partitions(database), 3);
}
END_TEST

/* Making partitions waits for nobody who only reads: an open report must not stop the writers. */
START_TEST(test_partitions_beside_an_open_report)
{
	const char *database = world_database("partitions_report");
	PGconn *report, *conn;

	ck_assert_msg(pg_connect(database, "report", &report, &err) == OK, "%s", err.message);
	ck_assert_msg(pg_connect(database, "test", &conn, &err) == OK, "%s", err.message);
	ck_assert_int_eq(pg_run(report, "begin; select count(*) from event; select count(*) from history_process",
		"reading",
		&err), OK);
	ck_assert_int_eq(pg_run(conn, "set lock_timeout = '2s'", "setting", &err), OK);
	ck_assert_msg(partitions_ensure(conn, INT64_C(1700000000000000), 1, &err) == OK, "%s", err.message);
	ck_assert_int_eq(partitions(database), 1);
	PQfinish(conn);
	PQfinish(report);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { test_from_nothing_and_again, test_an_empty_database_is_no_schema,
		test_several_at_once,
		test_a_newer_schema_is_refused, test_a_step_that_fails_leaves_nothing, test_no_database, test_months,
		test_partitions_are_made_once, test_partitions_at_once, test_partitions_beside_an_open_report, NULL };

	world_prepare();
	return world_suite("migrate", tests);
}
