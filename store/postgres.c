/* SPDX-License-Identifier: Apache-2.0
 * The writer of a lane on PostgreSQL: its connection, ownership by the fence row, transactions in one pipeline. */
#include "store/store_priv.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"

/* How long a lost connection is tried again before a transaction's outcome is given up, and the pause between. */
enum { RESOLVE_SECONDS = 10, PAUSE_US = 100000, MONTHS_AHEAD = 3 };

/* Nobody else writes what a lane writes: who waits for a row half a second waits for somebody at a terminal.
 * Joins go by primary key from an array, at any size of the tables: the planner must not think otherwise.  Pages of a
 * scan come in the index's order: a bitmap would be sorted anew for each (100,000 tasks in 1.0 s instead of 2.9). */
static const char session[] = "set plan_cache_mode = force_generic_plan; set enable_seqscan = off; "
	"set enable_hashjoin = off; set enable_mergejoin = off; set enable_bitmapscan = off; "
	"set statement_timeout = '30s'; set lock_timeout = '500ms'; set idle_in_transaction_session_timeout = '10s'; "
	"set client_connection_check_interval = '2s'";

static struct postgres *
postgres(struct store *store)
{
	return (struct postgres *)store;	/* its first member */
}

/* ---- connection --------------------------------------------------------------------------------------- */

static void
disconnect(struct postgres *pg)
{
	PQfinish(pg->conn);
	pg->conn = NULL;
}

/* Which backend serves us, so that our successor can end it. */
static enum status
read_backend(PGconn *conn, int32_t *pid, int64_t *start_us, struct error *err)
{
	PGresult *result = PQexecParams(conn, "select backend_start from pg_stat_activity where pid = pg_backend_pid()",
		0,
		NULL, NULL, NULL, NULL, 1);
	enum status status = OK;

	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
		status = pg_failed(conn, result, "reading the session", err);
	else
		*start_us = cell_time(result, 0, 0);
	*pid = PQbackendPID(conn);
	PQclear(result);
	return status;
}

/* Ends the backend of that number if it is still the one that began then. */
static enum status
terminate(PGconn *conn, struct arena *arena, int32_t pid, int64_t start_us, struct error *err)
{
	struct rows rows;
	PGresult *result;

	rows_init(&rows, SQL_lane_terminate, arena);
	put_int(&rows, pid);
	put_time(&rows, start_us);
	TRY(sql_run(conn, &rows, &result, err));
	PQclear(result);
	return OK;
}

static enum status
set_up(struct postgres *pg, PGconn *conn, struct error *err)
{
	int32_t pid = 0;
	int64_t start_us = WHEN_NONE;

	TRY(pg_run(conn, session, "setting up a session", err));
	TRY(sql_prepare(conn, err));
	TRY(read_backend(conn, &pid, &start_us, err));
	if (pg->pid)
		TRY(terminate(conn, pg->scratch, pg->pid, pg->backend_start_us, err));
	pg->pid = pid;
	pg->backend_start_us = start_us;
	return OK;
}

/* A fresh connection; the backend of the one before is ended first. */
static enum status
connect_again(struct postgres *pg, struct error *err)
{
	char name[32] = "bpmnd-lane";
	enum status status;
	PGconn *conn;

	disconnect(pg);
	if (pg->owner)
		snprintf(name, sizeof name, "bpmnd-lane-%d", pg->range.lane);
	status = pg_connect(pg->database, name, &conn, err);
	pg->store.away = status != OK;
	if (status != OK)
		return status;
	status = set_up(pg, conn, err);
	if (status != OK) {
		PQfinish(conn);
		return status;
	}
	pg->conn = conn;
	return OK;
}

static enum status
lost_lane(struct postgres *pg, struct error *err)
{
	int32_t lane = pg->range.lane;

	pg->owner = 0;
	return FAIL(err, fenced, "lane %d is owned by another daemon", lane);
}

/* Runs a statement that answers with one row when we own the lane, and with none when we do not. */
static enum status
ask_as_owner(struct postgres *pg, struct rows *rows, PGresult **result, struct error *err)
{
	TRY(sql_run(pg->conn, rows, result, err));
	if (PQntuples(*result) == 1)
		return OK;
	PQclear(*result);
	return lost_lane(pg, err);
}

static void
put_owner(struct postgres *pg, struct rows *rows, enum sql sql)
{
	rows_init(rows, sql, pg->scratch);
	put_int(rows, pg->range.lane);
	put_int(rows, pg->owner);
}

/* Connects as the owner that we are, unless another has taken the lane meanwhile. */
static enum status
return_to_lane(struct postgres *pg, struct error *err)
{
	struct rows rows;
	PGresult *result;

	TRY(connect_again(pg, err));
	put_owner(pg, &rows, SQL_lane_return);
	put_int(&rows, pg->pid);
	put_time(&rows, pg->backend_start_us);
	TRY(ask_as_owner(pg, &rows, &result, err));
	PQclear(result);
	return OK;
}

static bool
connected(const struct postgres *pg)
{
	return pg->conn && PQstatus(pg->conn) == CONNECTION_OK;
}

enum status
postgres_ready(struct postgres *pg, struct error *err)
{
	assert(pg->flight.count == 0);		/* the connection is a transaction's that nobody has awaited */
	if (!pg->owner)
		return FAIL(err, fenced, "this daemon does not own the lane");
	return connected(pg) ? OK : return_to_lane(pg, err);
}

/* ---- pipelines ---------------------------------------------------------------------------------------- */

/* Takes the result of the next statement of a pipeline.  The first failure counts; what follows was skipped. */
static void
take_result(PGconn *conn, const char *doing, PGresult **result, enum status *status, struct error *err)
{
	PGresult *answer = PQgetResult(conn);
	ExecStatusType type = PQresultStatus(answer);

	if (*status == OK && type != PGRES_COMMAND_OK && type != PGRES_TUPLES_OK)
		*status = pg_failed(conn, answer, doing, err);
	if (answer)
		PQclear(PQgetResult(conn));	/* the NULL that ends a statement's results */
	if (*status == OK && result)
		*result = answer;
	else
		PQclear(answer);
}

/* The end of a pipeline. */
static void
take_sync(PGconn *conn, enum status *status, struct error *err)
{
	PGresult *answer = PQgetResult(conn);

	if (PQresultStatus(answer) != PGRES_PIPELINE_SYNC && *status == OK)
		*status = pg_failed(conn, answer, "ending a pipeline", err);
	PQclear(answer);
	if (!PQexitPipelineMode(conn) && *status == OK)
		*status = pg_failed(conn, NULL, "ending a pipeline", err);
}

enum status
postgres_read(struct postgres *pg, struct rows *const *list, size_t count, PGresult **results, struct error *err)
{
	enum status status = OK;
	bool sent = PQenterPipelineMode(pg->conn) == 1;

	memset(results, 0, count * sizeof *results);
	for (size_t i = 0; i < count && sent; i++)
		sent = sql_send(pg->conn, list[i]);
	if (!sent || !PQpipelineSync(pg->conn)) {
		status = pg_failed(pg->conn, NULL, "reading", err);
		disconnect(pg);
		return status;
	}
	for (size_t i = 0; i < count; i++)
		take_result(pg->conn, list[i]->statement->name, &results[i], &status, err);
	take_sync(pg->conn, &status, err);
	if (status == OK)
		return OK;
	for (size_t i = 0; i < count; i++)
		PQclear(results[i]);
	return status;
}

static bool
send_plain(PGconn *conn, enum sql sql)
{
	return PQsendQueryPrepared(conn, sql_statement(sql)->name, 0, NULL, NULL, NULL, 1) == 1;
}

static bool
send_transaction(PGconn *conn, struct rows *const *list, size_t count, struct rows *fence)
{
	if (!PQenterPipelineMode(conn) || !send_plain(conn, SQL_begin))
		return false;
	for (size_t i = 0; i < count; i++)
		if (list[i]->count > 0 && !sql_send(conn, list[i]))
			return false;
	return sql_send(conn, fence) && send_plain(conn, SQL_commit) && PQpipelineSync(conn);
}

/* What is sent, and in which order it is answered. */
static void
plan_flight(struct flight *flight, struct rows *const *list, size_t count)
{
	*flight = (struct flight){ .status = OK };
	flight->doing[flight->count++] = "beginning a transaction";
	for (size_t i = 0; i < count; i++)
		if (list[i]->count > 0)
			flight->doing[flight->count++] = list[i]->statement->name;
	flight->fence = flight->count;
	flight->doing[flight->count++] = "fencing";
	flight->commit = flight->count;
	flight->doing[flight->count++] = "committing";
	flight->doing[flight->count++] = "ending a pipeline";
}

enum status
postgres_send(struct postgres *pg, struct rows *const *list, size_t count, struct error *err)
{
	struct rows fence;

	TRY(postgres_ready(pg, err));
	put_owner(pg, &fence, SQL_fence);
	put_int(&fence, pg->seq);
	plan_flight(&pg->flight, list, count);
	pg->flight.sent = send_transaction(pg->conn, list, count, &fence);
	return OK;
}

/* Takes the next answer in. */
static void
take_answer(PGconn *conn, struct flight *flight)
{
	const char *doing = flight->doing[flight->next];
	struct error late;
	PGresult *answer = NULL;

	if (flight->next == flight->count - 1) {
		take_sync(conn, flight->committed ? &(enum status){ OK } : &flight->status,
			flight->committed ? &late : &flight->error);
	} else {
		take_result(conn, doing, &answer, &flight->status, &flight->error);
	}
	if (answer && flight->next == flight->fence)
		flight->now_us = cell_time(answer, 0, 1);
	if (answer && flight->next == flight->commit) {
		flight->committed = !strcmp(PQcmdStatus(answer), "COMMIT");
		if (!flight->committed)
			flight->status = FAIL(&flight->error, internal,
				"the database rolled back instead of committing");
	}
	PQclear(answer);
	flight->next++;
}

bool
postgres_arrived(struct store *store)
{
	struct postgres *pg = postgres(store);
	struct flight *flight = &pg->flight;

	if (!flight->sent || !PQconsumeInput(pg->conn))
		return true;
	while (flight->next < flight->count && !PQisBusy(pg->conn))
		take_answer(pg->conn, flight);
	return flight->next == flight->count;
}

int
postgres_socket(const struct store *store)
{
	const struct postgres *pg = (const struct postgres *)store;

	return PQsocket(pg->conn);
}

/* ---- outcomes ----------------------------------------------------------------------------------------- */

/* What the fence row says about the transaction that was under way when the connection was lost. */
static enum status
read_outcome(struct postgres *pg, int64_t *seq, int64_t *now_us, struct error *err)
{
	struct rows rows;
	PGresult *result;

	TRY(return_to_lane(pg, err));
	put_owner(pg, &rows, SQL_fence_resolve);
	put_int(&rows, pg->seq);
	TRY(ask_as_owner(pg, &rows, &result, err));
	*seq = cell_int(result, 0, 0);
	*now_us = cell_time(result, 0, 1);
	PQclear(result);
	return OK;
}

/* The lane was taken from us; its new owner has kept how far we had come. */
static enum status
read_prior(struct postgres *pg, int64_t owner, int64_t *now_us, struct error *err)
{
	struct rows rows;
	struct error ignored;
	PGresult *result;
	bool committed, known;

	rows_init(&rows, SQL_fence_prior, pg->scratch);
	put_int(&rows, pg->range.lane);
	put_int(&rows, owner);
	if (sql_run(pg->conn, &rows, &result, &ignored) != OK)
		return FAIL(err, fenced, "lane %d was lost and the outcome of its last transaction is not known",
			pg->range.lane);
	known = PQntuples(result) == 1;
	committed = known && cell_int(result, 0, 0) == pg->seq + 1;
	if (committed)
		*now_us = cell_time(result, 0, 1);
	PQclear(result);
	if (committed)
		return OK;
	if (known)
		return FAIL(err, fenced, "lane %d is owned by another daemon", pg->range.lane);
	return FAIL(err, fenced, "lane %d was lost and the outcome of its last transaction is not known",
		pg->range.lane);
}

static int64_t
seconds_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

/* The connection was lost with COMMIT possibly under way.  Reconnects until the fence row tells: OK when it was
 * committed, E_weather when not (and then it never will be).  After RESOLVE_SECONDS the lane is given up. */
static enum status
resolve(struct postgres *pg, int64_t *now_us, struct error *err)
{
	int64_t owner = pg->owner, end = seconds_now() + RESOLVE_SECONDS, seq = 0;
	enum status status = read_outcome(pg, &seq, now_us, err);

	while (status != OK && status != E_fenced && seconds_now() < end) {
		disconnect(pg);
		usleep(PAUSE_US);
		status = read_outcome(pg, &seq, now_us, err);
	}
	if (status == E_fenced)
		return read_prior(pg, owner, now_us, err);
	if (status != OK) {
		pg->owner = 0;
		return FAIL(err, fenced, "the database stays away, the outcome of the last transaction is not known");
	}
	log_event(LOG_WARN_LEVEL, "commit-resolved", "lane=%d committed=%d", pg->range.lane, seq == pg->seq + 1);
	status = seq == pg->seq + 1 ? OK : E_weather;
	pg->seq = seq;
	return status == OK ? OK : FAIL(err, weather, "the connection to the database was lost, nothing was written");
}

/* A transaction failed on its own: leaves it, and tells blame from having been fenced (rows that are missing, or there
 * already, because another owner has written them). */
static enum status
leave(struct postgres *pg, enum status status, struct error *err)
{
	struct error ignored;
	struct rows rows;
	PGresult *result;

	if (pg_run(pg->conn, "rollback", "rolling back", &ignored) != OK) {
		disconnect(pg);
		return status;
	}
	put_owner(pg, &rows, SQL_lane_owned);
	put_int(&rows, pg->seq);
	if (status != E_weather && sql_run(pg->conn, &rows, &result, &ignored) == OK) {
		bool owned = PQntuples(result) == 1;

		PQclear(result);
		if (!owned)
			return lost_lane(pg, err);
	}
	return status;
}

enum status
postgres_await(struct store *store, int64_t *now_us, struct error *err)
{
	struct postgres *pg = postgres(store);
	struct flight *flight = &pg->flight;

	while (flight->sent && flight->next < flight->count)
		take_answer(pg->conn, flight);
	flight->count = 0;
	if (!flight->sent) {
		disconnect(pg);
		return resolve(pg, now_us, err);
	}
	if (flight->committed) {
		*now_us = flight->now_us;
		pg->seq++;
		return OK;
	}
	*err = flight->error;
	return connected(pg) ? leave(pg, flight->status, err) : resolve(pg, now_us, err);
}

/* ---- ownership ---------------------------------------------------------------------------------------- */

static void
put_range(struct postgres *pg, struct rows *rows, enum sql sql, const struct lane_range *range, bool lane)
{
	rows_init(rows, sql, pg->scratch);
	if (lane)
		put_int(rows, range->lane);
	put_int(rows, range->first_part);
	put_int(rows, range->last_part);
}

static enum status
run_rows(struct postgres *pg, struct rows *rows, struct error *err)
{
	PGresult *result;

	TRY(sql_run(pg->conn, rows, &result, err));
	PQclear(result);
	return OK;
}

/* The lane's row, made if it was missing: whether it is free for us, and the owner to be replaced, whose backend is
 * ended.  An owner without a connection was killed (or its connection was: then it returns, and is fenced); it need not
 * be waited for. */
static enum status
prepare_takeover(struct postgres *pg, const struct lane_range *range, int64_t owner, int64_t *takeover_us,
	int64_t *previous, struct error *err)
{
	struct rows rows;
	PGresult *result;
	bool is_free;
	int32_t pid;
	int64_t start_us;

	put_range(pg, &rows, SQL_lane_make, range, true);
	TRY(run_rows(pg, &rows, err));
	rows_init(&rows, SQL_lane_read, pg->scratch);
	put_int(&rows, range->lane);
	put_int(&rows, owner);
	put_int(&rows, *takeover_us);
	TRY(sql_run(pg->conn, &rows, &result, err));
	*previous = cell_int(result, 0, 0);
	is_free = cell_bool(result, 0, 1);
	pid = (int32_t)cell_int(result, 0, 2);
	start_us = cell_time(result, 0, 3);
	if (cell_bool(result, 0, 4))
		*takeover_us = 0;
	PQclear(result);
	if (!is_free && *takeover_us > 0)
		return FAIL(err, fenced, "lane %d is owned by a living daemon", range->lane);
	if (pid && pid != pg->pid)
		TRY(terminate(pg->conn, pg->scratch, pid, start_us, err));
	return OK;
}

/* Lanes of another division of the parts: none of them may live; those of the dead are fenced. */
static enum status
evict_others(struct postgres *pg, const struct lane_range *range, int64_t takeover_us, bool *unclean, struct error *err)
{
	struct rows rows;
	PGresult *result;
	int64_t living;

	put_range(pg, &rows, SQL_lane_others, range, true);
	put_int(&rows, takeover_us);
	TRY(sql_run(pg->conn, &rows, &result, err));
	living = cell_int(result, 0, 0);
	PQclear(result);
	if (living > 0)
		return FAIL(err, fenced, "parts %d to %d belong to a living daemon with another number of lanes",
			range->first_part, range->last_part);
	put_range(pg, &rows, SQL_lane_evict, range, true);
	TRY(sql_run(pg->conn, &rows, &result, err));
	*unclean = *unclean || PQntuples(result) > 0;
	PQclear(result);
	return OK;
}

static enum status
take_row(struct postgres *pg, const struct lane_range *range, int64_t owner, int64_t previous, int64_t takeover_us,
	int64_t *now_us, struct error *err)
{
	struct rows rows;
	PGresult *result;

	put_range(pg, &rows, SQL_lane_take, range, true);
	put_int(&rows, owner);
	put_int(&rows, previous);
	put_int(&rows, takeover_us);
	put_int(&rows, pg->pid);
	put_time(&rows, pg->backend_start_us);
	TRY(sql_run(pg->conn, &rows, &result, err));
	*now_us = cell_time(result, 0, 1);
	PQclear(result);
	return OK;
}

static enum status
read_tried(struct postgres *pg, const struct lane_range *range, struct claim *claim, struct error *err)
{
	struct rows rows;
	PGresult *result;

	rows_init(&rows, SQL_lane_tried, pg->scratch);
	put_int(&rows, range->lane);
	TRY(sql_run(pg->conn, &rows, &result, err));
	claim->tried = cell_int(result, 0, 0);
	claim->tries = (int32_t)cell_int(result, 0, 1);
	PQclear(result);
	return OK;
}

static enum status
read_parts(struct postgres *pg, const struct lane_range *range, struct claim *claim, struct error *err)
{
	struct rows rows;
	PGresult *result;

	put_range(pg, &rows, SQL_part_make, range, false);
	TRY(run_rows(pg, &rows, err));
	put_range(pg, &rows, SQL_part_read, range, false);
	TRY(sql_run(pg->conn, &rows, &result, err));
	for (int i = 0; i < PQntuples(result); i++)
		claim->next_id[cell_int(result, i, 0)] = cell_int(result, i, 1);
	PQclear(result);
	return OK;
}

/* Inside a transaction.  The lock on a row that every claim takes keeps two overlapping ranges from coming together. */
static enum status
take_over(struct postgres *pg, const struct lane_range *range, int64_t owner, int64_t previous, int64_t takeover_us,
	int64_t own_takeover_us, struct claim *claim, struct error *err)
{
	TRY(pg_take_turn(pg->conn, "claiming a lane", err));
	TRY(evict_others(pg, range, takeover_us, &claim->unclean, err));
	if (previous != 0 && previous != owner)
		claim->unclean = true;
	TRY(take_row(pg, range, owner, previous, own_takeover_us, &claim->now_us, err));
	TRY(read_tried(pg, range, claim, err));
	return read_parts(pg, range, claim, err);
}

/* The database holds as many parts as this program, or its ids would mean something else. */
static enum status
check_parts(PGconn *conn, int64_t *now_us, struct error *err)
{
	enum status status = OK;
	PGresult *result;
	int64_t us;

	TRY(pg_ask(conn, "select value, (extract(epoch from now()) * 1000000)::bigint from setting where name = "
		"'parts'", 0,
		NULL, "reading settings", &result, err));
	if (PQntuples(result) != 1 || atoi(PQgetvalue(result, 0, 0)) != PART_COUNT)
		status = FAIL(err, engine, "the database was made for another number of parts than %d", PART_COUNT);
	else if (!text_to_int(PQgetvalue(result, 0, 1), &us))
		status = FAIL(err, internal, "the database's time cannot be read");
	else
		*now_us = us;
	PQclear(result);
	return status;
}

static enum status
see_partitions(struct postgres *pg, int64_t now_us, struct error *err)
{
	if (pg->month == month_of(now_us))
		return OK;
	TRY(partitions_ensure(pg->conn, now_us, MONTHS_AHEAD, err));
	pg->month = month_of(now_us);
	return OK;
}

static enum status
claim_range(struct postgres *pg, const struct lane_range *range, int64_t owner, int64_t takeover_us,
	struct claim *claim, struct error *err)
{
	int64_t now_us = 0, previous, own_takeover_us = takeover_us;
	enum status status;

	if (!connected(pg))
		TRY(connect_again(pg, err));
	TRY(check_parts(pg->conn, &now_us, err));
	TRY(see_partitions(pg, now_us, err));
	TRY(prepare_takeover(pg, range, owner, &own_takeover_us, &previous, err));
	TRY(pg_run(pg->conn, "begin", "claiming a lane", err));
	status = take_over(pg, range, owner, previous, takeover_us, own_takeover_us, claim, err);
	status = pg_end(pg->conn, status, "claiming a lane", err);
	if (PQtransactionStatus(pg->conn) != PQTRANS_IDLE)
		disconnect(pg);
	return status;
}

static enum status
postgres_claim(struct store *store, const struct lane_range *range, int64_t owner, int64_t takeover_us,
	struct claim *claim, struct error *err)
{
	struct postgres *pg = postgres(store);
	struct claim *fresh;
	enum status status;

	arena_reset(pg->scratch);
	pg->owner = 0;
	if (takeover_us < 0)
		takeover_us = 0;
	fresh = ARENA_NEW(pg->scratch, struct claim);
	fresh->unclean = claim->unclean;
	status = claim_range(pg, range, owner, takeover_us, fresh, err);
	claim->unclean = fresh->unclean;
	if (status != OK)
		return status;
	fresh->owner = owner;
	pg->range = *range;
	pg->owner = owner;
	pg->seq = 0;
	*claim = *fresh;
	return OK;
}

static enum status
postgres_release(struct store *store, struct error *err)
{
	struct postgres *pg = postgres(store);
	struct rows rows;
	PGresult *result;

	arena_reset(pg->scratch);
	TRY(postgres_ready(pg, err));
	put_owner(pg, &rows, SQL_lane_release);
	TRY(ask_as_owner(pg, &rows, &result, err));
	PQclear(result);
	pg->owner = 0;
	return OK;
}

static enum status
postgres_try_job(struct store *store, int64_t job, int32_t *tries, struct error *err)
{
	struct postgres *pg = postgres(store);
	struct rows rows;
	PGresult *result;

	arena_reset(pg->scratch);
	TRY(postgres_ready(pg, err));
	put_owner(pg, &rows, SQL_lane_try);
	put_int(&rows, job);
	TRY(ask_as_owner(pg, &rows, &result, err));
	*tries = (int32_t)cell_int(result, 0, 0);
	PQclear(result);
	return OK;
}

/* Renews; partitions of a new month are made here, where a delay hurts least, and tried again at the next renewal. */
static enum status
postgres_renew(struct store *store, int64_t *now_us, struct error *err)
{
	struct postgres *pg = postgres(store);
	struct error late;
	struct rows rows;
	PGresult *result;

	arena_reset(pg->scratch);
	TRY(postgres_ready(pg, err));
	put_owner(pg, &rows, SQL_lane_renew);
	TRY(ask_as_owner(pg, &rows, &result, err));
	*now_us = cell_time(result, 0, 0);
	PQclear(result);
	if (see_partitions(pg, *now_us, &late) != OK) {
		char quoted[512];

		log_event(LOG_ERROR_LEVEL, "partitions-missing", "reason=%s", log_quote(late.message, quoted));
	}
	return OK;
}

/* ---- opening and closing -------------------------------------------------------------------------------- */

static void
postgres_close(struct store *store)
{
	struct postgres *pg = postgres(store);

	disconnect(pg);
	arena_free(pg->scratch);
	arena_free(pg->arena);
}

static const struct store_ops operations = {
	.close = postgres_close,
	.claim = postgres_claim,
	.release = postgres_release,
	.renew = postgres_renew,
	.try_job = postgres_try_job,
	.load = postgres_load,
	.save = postgres_save,
	.send = postgres_send_batch,
	.await = postgres_await,
	.arrived = postgres_arrived,
	.socket = postgres_socket,
	.ready = postgres_scan_ready,
	.jobs = postgres_scan_jobs,
	.filter = postgres_filter,
};

enum status
store_open_postgres(const char *database, const struct settings *settings, struct store **store, struct error *err)
{
	struct arena *arena = arena_new();
	struct postgres *pg = ARENA_NEW(arena, struct postgres);
	enum status status;

	(void)settings;		/* nothing of them concerns a writer yet */
	pg->store.ops = &operations;
	pg->arena = arena;
	pg->scratch = arena_new();
	pg->database = arena_strdup(arena, database);
	status = connect_again(pg, err);
	if (status != OK) {
		postgres_close(&pg->store);
		return status;
	}
	*store = &pg->store;
	return OK;
}
