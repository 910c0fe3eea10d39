/* SPDX-License-Identifier: Apache-2.0
 * Partitions by the month in which a root instance started.  They are created apart and attached, since PARTITION OF
 * would stop every writer behind one open report. */
#include "store/store_priv.h"

#include <time.h>

#define SECOND_US INT64_C(1000000)
enum { MONTHS = 12 };

/* The tables that have partitions; a row: name. */
static const char partitioned[] = "('big_value'), ('history_process'), ('history_activity'), ('history_variable'), "
	"('history_incident'), ('event')";

int64_t
month_of(int64_t us)
{
	time_t seconds = (time_t)(us / SECOND_US - (us % SECOND_US < 0));
	struct tm tm;

	gmtime_r(&seconds, &tm);
	return (tm.tm_year + INT64_C(1900)) * MONTHS + tm.tm_mon;
}

/* Names of tables that have no partition of that month.  Asked of the catalogue as a table, since a function like
 * to_regclass() may still answer from before we waited for another maker. */
static enum status
missing(PGconn *conn, struct arena *arena, int64_t month, PGresult **result, struct error *err)
{
	const char *sql = arena_printf(arena, "select t.name from (values %s) t (name) "
		"where not exists (select from pg_class c where c.relname = t.name || '_y%04dm%02d' "
		"and c.relnamespace = quote_ident(current_schema())::regnamespace)", partitioned, (int)(month / MONTHS),
		(int)(month % MONTHS) + 1);

	return pg_ask(conn, sql, 0, NULL, "looking for partitions", result, err);
}

static enum status
make_one(PGconn *conn, struct arena *arena, const char *table, int64_t month, struct error *err)
{
	int year = (int)(month / MONTHS), from = (int)(month % MONTHS) + 1;
	int next_year = (int)((month + 1) / MONTHS), to = (int)((month + 1) % MONTHS) + 1;
	const char *sql = arena_printf(arena,
		"create table %s_y%04dm%02d (like %s including defaults including storage); "
		"alter table %s attach partition %s_y%04dm%02d "
		"for values from ('%04d-%02d-01 00:00:00+00') to ('%04d-%02d-01 00:00:00+00')",
		table, year, from, table, table, table, year, from, year, from, next_year, to);

	return pg_run(conn, sql, "making a partition", err);
}

/* Under a lock on a row that all makers of partitions take: what another has made meanwhile is seen. */
static enum status
make_missing(PGconn *conn, struct arena *arena, int64_t month, struct error *err)
{
	enum status status = OK;
	PGresult *result;

	TRY(pg_take_turn(conn, "making partitions", err));
	TRY(missing(conn, arena, month, &result, err));
	for (int i = 0; i < PQntuples(result) && status == OK; i++)
		status = make_one(conn, arena, PQgetvalue(result, i, 0), month, err);
	PQclear(result);
	return status;
}

static enum status
ensure_month(PGconn *conn, struct arena *arena, int64_t month, struct error *err)
{
	enum status status;
	PGresult *result;
	int count;

	TRY(missing(conn, arena, month, &result, err));
	count = PQntuples(result);
	PQclear(result);
	if (count == 0)
		return OK;
	TRY(pg_run(conn, "begin", "making partitions", err));
	status = make_missing(conn, arena, month, err);
	return pg_end(conn, status, "making partitions", err);
}

enum status
partitions_ensure(PGconn *conn, int64_t us, int count, struct error *err)
{
	struct arena *arena = arena_new();
	int64_t month = month_of(us);
	enum status status = OK;

	for (int i = 0; i < count && status == OK; i++)
		status = ensure_month(conn, arena, month + i, err);
	arena_free(arena);
	return status;
}
