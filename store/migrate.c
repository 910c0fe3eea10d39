/* SPDX-License-Identifier: Apache-2.0
 * Migrations: the SQL of store/migrations/, inside the program, applied forward by number. */
#include "store/store_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The files, as NUL-ended texts. */
#define MIGRATION(number, name) \
	__asm__(".section .rodata\n" \
		".global bpmnd_migration_" #number "\n" \
		"bpmnd_migration_" #number ":\n" \
		".incbin \"store/migrations/" #number "-" name ".sql\"\n" \
		".byte 0\n" \
		".previous\n"); \
	extern const char bpmnd_migration_##number[];
#include "store/migrations.def"
#undef MIGRATION

static const struct migration {
	const char *number, *name, *sql;
} migrations[] = {
#define MIGRATION(number, name) { #number, name, bpmnd_migration_##number },
#include "store/migrations.def"
#undef MIGRATION
};
enum { MIGRATIONS = sizeof migrations / sizeof migrations[0] };

int
migration_newest(void)
{
	return atoi(migrations[MIGRATIONS - 1].number);
}

/* How PostgreSQL says that another daemon has just made the table: it is there, its name is taken, or its type's is. */
static bool
is_there(const char *state)
{
	return state && (!strcmp(state, "42P07") || !strcmp(state, "23505") || !strcmp(state, "42710"));
}

/* The table of migrations.  Of daemons that make it at once only one succeeds, which is as good for the others. */
static enum status
make_table(PGconn *conn, struct error *err)
{
	static const char sql[] = "create table if not exists migration (number int primary key, name text not null, "
		"applied timestamptz not null default now())";
	PGresult *result = PQexec(conn, sql);
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	enum status status = OK;

	if (PQresultStatus(result) != PGRES_COMMAND_OK && !is_there(state))
		status = pg_failed(conn, result, "making the table of migrations", err);
	PQclear(result);
	return status;
}

/* Number of the newest migration applied; 0: an empty database. */
static enum status
read_number(PGconn *conn, int *number, struct error *err)
{
	PGresult *result;

	TRY(pg_ask(conn, "select coalesce(max(number), 0) from migration", 0, NULL, "reading the schema's number",
		&result,
		err));
	*number = atoi(PQgetvalue(result, 0, 0));
	PQclear(result);
	return OK;
}

static enum status
apply(PGconn *conn, const struct migration *migration, struct error *err)
{
	const char *const texts[] = { migration->number, migration->name };
	PGresult *result;

	TRY(pg_run(conn, migration->sql, "migrating the schema", err));
	TRY(pg_ask(conn, "insert into migration (number, name) values ($1::int, $2)", 2, texts, "migrating the schema",
		&result, err));
	PQclear(result);
	return OK;
}

/* One step, under a lock that other daemons wait for.  *number is the schema's, before and after. */
static enum status
step(PGconn *conn, int *number, struct error *err)
{
	TRY(pg_run(conn, "lock table migration in exclusive mode", "migrating the schema", err));
	TRY(read_number(conn, number, err));
	if (*number > migration_newest())
		return FAIL(err, engine, "the database has schema %d, this program knows %d: it needs a newer program",
			*number,
			migration_newest());
	for (int i = 0; i < MIGRATIONS; i++) {
		int next = atoi(migrations[i].number);

		if (next <= *number)
			continue;
		TRY(apply(conn, &migrations[i], err));
		*number = next;
		return OK;
	}
	return OK;
}

static enum status
step_transaction(PGconn *conn, int *number, struct error *err)
{
	enum status status;

	TRY(pg_run(conn, "begin", "migrating the schema", err));
	status = step(conn, number, err);
	return pg_end(conn, status, "migrating the schema", err);
}

static enum status
migrate(PGconn *conn, int *from, int *to, struct error *err)
{
	int first, number;

	TRY(make_table(conn, err));
	TRY(read_number(conn, &first, err));
	do
		TRY(step_transaction(conn, &number, err));
	while (number < migration_newest());
	*from = first;
	*to = number;
	return OK;
}

enum status
store_migrate(const char *database, int *from, int *to, struct error *err)
{
	enum status status;
	PGconn *conn;

	TRY(pg_connect(database, "bpmnd-migrate", &conn, err));
	status = migrate(conn, from, to, err);
	PQfinish(conn);
	return status;
}
