/* SPDX-License-Identifier: Apache-2.0
 * Connections to PostgreSQL, and its errors as ours. */
#include "store/store_priv.h"

#include <stdlib.h>
#include <string.h>

enum { SERVER_MINIMUM = 150000 };

/* What every session of ours wants, whatever the server's configuration says. */
static const char session[] = "set client_min_messages = error; set timezone = 'UTC'; set datestyle = 'ISO'; "
	"set bytea_output = 'hex'; set jit = off; set standard_conforming_strings = on";

/* A row: beginning of an SQLSTATE and what it means; the first that fits. */
static const struct {
	const char *prefix;
	enum status status;
} meanings[] = {
	{ "08", E_weather }, { "53", E_weather }, { "57", E_weather }, { "58", E_weather }, { "25006", E_weather },
	{ "25P03", E_weather }, { "55P03", E_held }, { "40001", E_weather }, { "40P01", E_weather },
	{ "22012", E_internal }, { "22", E_invalid_request }, { "54", E_invalid_request }, { "42P01", E_engine },
	{ "3F000", E_engine }, { "3D000", E_engine }, { "28", E_engine },
};

enum status
pg_status(const char *sqlstate)
{
	for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
		if (!strncmp(sqlstate, meanings[i].prefix, strlen(meanings[i].prefix)))
			return meanings[i].status;
	return E_internal;
}

/* The first line of a libpq message, whose end is cut. */
static int
first_line(const char *message)
{
	return (int)strcspn(message, "\n");
}

enum status
pg_failed(PGconn *conn, const PGresult *result, const char *doing, struct error *err)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;

	/* its own words would tell of an index, and not whose fault it is */
	if (state && !strncmp(state, "54", 2))
		return error_set(err, pg_status(state), "a name, a key or a list is longer than the database can take "
			"(%s)", state);
	if (state && pg_status(state) == E_held)
		return FAIL(err, held, "somebody else holds a lock in the database on what this needs, try again (%s)",
			doing);
	if (state && primary)
		return error_set(err, pg_status(state), "the database failed while %s: %.300s (%s)", doing, primary,
			state);
	if (!conn || PQstatus(conn) != CONNECTION_OK) {
		const char *message = conn ? PQerrorMessage(conn) : "";

		return FAIL(err, weather, "no connection to the database while %s: %.*s", doing, first_line(message),
			message);
	}
	return FAIL(err, internal, "the database did not answer as expected while %s", doing);
}

/* libpq would print what the server says besides, above all its goodbye; the statement that fails tells us. */
static void
ignore_notice(void *context, const PGresult *result)
{
	(void)context;
	(void)result;
}

enum status
pg_connect(const char *database, const char *application, PGconn **conn, struct error *err)
{
	const char *const keys[] = { "connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count",
		"tcp_user_timeout", "client_encoding", "dbname", "application_name", NULL };
	const char *const values[] = { "5", "5", "2", "3", "10000", "UTF8", database, application, NULL };
	PGconn *fresh = PQconnectdbParams(keys, values, 1);
	enum status status = OK;

	if (!fresh || PQstatus(fresh) != CONNECTION_OK) {
		const char *message = fresh ? PQerrorMessage(fresh) : "out of memory";

		status = FAIL(err, weather, "cannot connect to the database: %.*s", first_line(message), message);
	} else if (PQserverVersion(fresh) < SERVER_MINIMUM) {
		status = FAIL(err, engine, "PostgreSQL 15 or later is needed, the server is %d",
			PQserverVersion(fresh) / 10000);
	} else {
		PQsetNoticeReceiver(fresh, ignore_notice, NULL);
		status = pg_run(fresh, session, "setting up a session", err);
	}
	if (status != OK) {
		PQfinish(fresh);
		return status;
	}
	*conn = fresh;
	return OK;
}

enum status
pg_run(PGconn *conn, const char *sql, const char *doing, struct error *err)
{
	PGresult *result = PQexec(conn, sql);
	ExecStatusType type = PQresultStatus(result);
	enum status status = OK;

	if (type != PGRES_COMMAND_OK && type != PGRES_TUPLES_OK)
		status = pg_failed(conn, result, doing, err);
	PQclear(result);
	return status;
}

enum status
pg_take_turn(PGconn *conn, const char *doing, struct error *err)
{
	return pg_run(conn, "set local lock_timeout = '10s'; select 1 from setting where name = 'parts' for update",
		doing, err);
}

enum status
pg_end(PGconn *conn, enum status status, const char *doing, struct error *err)
{
	struct error ignored;

	if (status == OK)
		status = pg_run(conn, "commit", doing, err);
	if (status != OK && pg_run(conn, "rollback", doing, &ignored) != OK)
		return status;	/* the connection is in the way, and is given up */
	return status;
}

enum status
pg_ask(PGconn *conn, const char *sql, int count, const char *const *texts, const char *doing, PGresult **result,
	struct error *err)
{
	PGresult *answer = PQexecParams(conn, sql, count, NULL, texts, NULL, NULL, 0);
	ExecStatusType type = PQresultStatus(answer);

	if (type != PGRES_COMMAND_OK && type != PGRES_TUPLES_OK) {
		enum status status = pg_failed(conn, answer, doing, err);

		PQclear(answer);
		return status;
	}
	*result = answer;
	return OK;
}
