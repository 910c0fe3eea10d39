/* SPDX-License-Identifier: Apache-2.0
 * What the files of store/ share: libpq with our errors, PostgreSQL's binary forms, the statements of sql.def. */
#ifndef STORE_STORE_PRIV_H
#define STORE_STORE_PRIV_H

#include <libpq-fe.h>

#include "store/store.h"

/* ---- connections and errors (connect.c) --------------------------------------------------------------- */

/* Which status an SQLSTATE means: 08, 53, 57, 58, 25006, 40001, 40P01 are weather; 22 is invalid_request. */
enum status pg_status(const char *sqlstate);

/* The failure behind a result (NULL: out of memory or connection lost) as status and a text without SQL.
 * doing completes "the database failed while ...".  The result is not cleared. */
enum status pg_failed(PGconn *conn, const PGresult *result, const char *doing, struct error *err);

/* Opens a connection: PostgreSQL 15 or later, keepalives, UTF-8, UTC. */
enum status pg_connect(const char *database, const char *application, PGconn **conn, struct error *err) MUST_CHECK;

/* Runs SQL without parameters, several statements allowed, and forgets what it returns. */
enum status pg_run(PGconn *conn, const char *sql, const char *doing, struct error *err) MUST_CHECK;

/* In a transaction: waits for its turn among all claims and makers of partitions, longer than a lane waits for a
 * row. */
enum status pg_take_turn(PGconn *conn, const char *doing, struct error *err) MUST_CHECK;

/* Ends a transaction whose work went as `status` says: commits, or rolls back, also when the commit was refused.  The
 * first failure counts. */
enum status pg_end(PGconn *conn, enum status status, const char *doing, struct error *err) MUST_CHECK;

/* Runs one SQL statement; texts are its parameters (NULL: SQL null), cells are text.  *result is to be PQclear()ed. */
enum status pg_ask(PGconn *conn, const char *sql, int count, const char *const *texts, const char *doing,
	PGresult **result, struct error *err) MUST_CHECK;

/* ---- binary forms (binary.c) -------------------------------------------------------------------------- */

/* Cells of a result in binary form. NULL cells: 0, WHEN_NONE, NULL.  Texts and bytes point into the result. */
int64_t cell_int(const PGresult *result, int row, int column);		/* int2, int4, int8 */
int64_t cell_time(const PGresult *result, int row, int column);
double cell_real(const PGresult *result, int row, int column);
bool cell_bool(const PGresult *result, int row, int column);
const char *cell_text(const PGresult *result, int row, int column);
const void *cell_bytes(const PGresult *result, int row, int column, size_t *length);
struct people cell_texts(const PGresult *result, int row, int column, struct arena *arena);	/* text[] */

/* PostgreSQL's clock (microseconds since 2000) and ours; the ends of the range are its infinities. */
int64_t time_to_pg(int64_t us);
int64_t time_from_pg(int64_t pg);

/* ---- statements (sql.c) ------------------------------------------------------------------------------- */

enum sql {
#define SQL(name, types, text) SQL_##name,
#include "store/sql.def"
#undef SQL
	SQL_COUNT
};

enum { SQL_PARAMETERS = 20, ARRAY_HEADER = 20 };

struct sql_type {
	const char *name;
	Oid oid, array;
};

/* A statement with the types of its parameters looked up. */
struct sql_statement {
	const char *name, *text;
	const char *list;		/* names of the types */
	int count;
	const struct sql_type *types[SQL_PARAMETERS];
	bool arrays[SQL_PARAMETERS];
};
const struct sql_statement *sql_statement(enum sql sql);

/* Sends every statement's Parse in one pipeline. */
enum status sql_prepare(PGconn *conn, struct error *err) MUST_CHECK;

/* Parameters of one statement, filled column by column and row by row in the order of its types.  A parameter that
 * is no array takes its value in the first row only, so a statement without arrays has one row. */
struct rows {
	enum sql sql;
	const struct sql_statement *statement;
	size_t count;			/* full rows */
	int at;				/* column to be put next */
	size_t filled[SQL_PARAMETERS];	/* elements by column */
	struct text columns[SQL_PARAMETERS];
	bool nulls[SQL_PARAMETERS];	/* one was put */
};
void rows_init(struct rows *rows, enum sql sql, struct arena *arena);
void put_int(struct rows *rows, int64_t number);
void put_real(struct rows *rows, double real);
void put_bool(struct rows *rows, bool b);
void put_time(struct rows *rows, int64_t us);		/* WHEN_NONE: null */
void put_text(struct rows *rows, const char *text);	/* NULL: null */
void put_bytes(struct rows *rows, const void *bytes, size_t length);	/* NULL: null */
void put_null(struct rows *rows);

/* Goes to a column, for statements whose arrays differ in length (their `count` says nothing). */
void rows_seek(struct rows *rows, int column);

/* Replaces an int8 that is no array and comes last. */
void rows_set_last(struct rows *rows, int64_t number);

/* Sends it, binary both ways (for pipelines); false when the connection is lost. */
bool sql_send(PGconn *conn, struct rows *rows);

/* Sends it and waits for the result, which is to be PQclear()ed. */
enum status sql_run(PGconn *conn, struct rows *rows, PGresult **result, struct error *err) MUST_CHECK;

/* ---- values (value.c) --------------------------------------------------------------------------------- */

enum { BIG_VALUE = 2000 };		/* bytes above which a value has a row of its own in big_value */

/* How a value lies in columns type, number, real, value or big, info of variable and history_variable.
 * A double's source text, where it has one, is its value. */
struct stored_value {
	int16_t type;
	bool has_number, has_real;
	int64_t number;
	double real;
	const void *bytes;		/* NULL: null */
	size_t length;
	const char *info;		/* JSON object or NULL */
};
bool value_is_big(const struct value *value);
enum status value_store(struct arena *arena, const struct value *value, struct stored_value *stored,
	struct error *err) MUST_CHECK;
enum status value_load(struct arena *arena, const struct stored_value *stored, struct value *value,
	struct error *err) MUST_CHECK;

/* ---- the writer (postgres.c, load.c, save.c, scan.c) ---------------------------------------------------- */

/* A transaction on its way, and how far its answers have come. */
struct flight {
	bool sent;			/* else the connection was lost while it was */
	const char *doing[SQL_COUNT + 4];	/* for complaints, by answer */
	int count, next;		/* answers: one for each statement, one for the end of the pipeline */
	int fence, commit;		/* which ones these are */
	bool committed;			/* its answer came: nothing that fails behind it matters */
	int64_t now_us;
	enum status status;		/* the first failure; what follows it was skipped */
	struct error error;
};

struct postgres {
	struct store store;
	struct arena *arena;		/* lives as long as the store */
	struct arena *scratch;		/* of one call */
	const char *database;
	PGconn *conn;			/* or NULL */
	struct lane_range range;
	int64_t owner;			/* 0: owns nothing */
	int64_t seq;			/* of the fence row, as far as we know it committed */
	int32_t pid;			/* of our backend: terminated before its successor writes */
	int64_t backend_start_us;
	struct flight flight;
	int64_t month;			/* years * 12 + months up to which partitions were seen */
};

/* The connection, made again if need be. E_fenced when we own nothing (any more). */
enum status postgres_ready(struct postgres *pg, struct error *err) MUST_CHECK;

/* Sends the rows in one transaction that ends with the fence; rows without content are not sent.  How it ended is
 * postgres_await()'s to tell, what is unknown after a lost connection included. */
enum status postgres_send(struct postgres *pg, struct rows *const *list, size_t count, struct error *err) MUST_CHECK;
bool postgres_arrived(struct store *store);
int postgres_socket(const struct store *store);
enum status postgres_await(struct store *store, int64_t *now_us, struct error *err);

/* Runs the statements, which only read, in one round trip; on OK results[i] are to be PQclear()ed. */
enum status postgres_read(struct postgres *pg, struct rows *const *list, size_t count, PGresult **results,
	struct error *err) MUST_CHECK;

enum status postgres_load(struct store *store, const int64_t *ids, size_t count, const struct definitions *definitions,
	struct tree **trees, struct error *err) MUST_CHECK;
enum status postgres_save(struct store *store, const struct batch *batch, int64_t *now_us,
	struct error *err) MUST_CHECK;
enum status postgres_send_batch(struct store *store, const struct batch *batch, struct error *err) MUST_CHECK;
enum status postgres_scan_ready(struct store *store, const char *topic, int32_t definition,
	const struct ready_task *after, size_t limit, struct arena *arena, struct ready_task **tasks, size_t *count,
	struct error *err) MUST_CHECK;
enum status postgres_scan_jobs(struct store *store, int64_t until_us, int64_t after_due, int64_t after_id, size_t limit,
	struct arena *arena, struct due_job **jobs, size_t *count, struct error *err) MUST_CHECK;
enum status postgres_filter(struct store *store, const int64_t *candidates, size_t count, const char *business_key,
	const struct entries *process_variables, bool *keep, struct error *err) MUST_CHECK;

/* ---- schema (partitions.c, migrate.c) ------------------------------------------------------------------- */

/* Months since year 0 of a time. */
int64_t month_of(int64_t us);

/* Makes the partitions of `count` months from that of us on, where they are missing.  Safe beside other daemons. */
enum status partitions_ensure(PGconn *conn, int64_t us, int count, struct error *err) MUST_CHECK;

/* Number of the newest migration this program has. */
int migration_newest(void);

/* ---- the reading half (reader.c, query.c, deploy.c, definitions.c, events.c, sweep.c) -------------------- */

struct reader {
	struct arena *arena;		/* lives as long as the reader */
	struct arena *scratch;		/* of one call */
	const char *database;
	int64_t seconds;		/* a statement may take */
	PGconn *conn;			/* or NULL */
	bool in_transaction;
};

/* The connection, made again if it was lost. */
enum status reader_ready(struct reader *reader, struct error *err) MUST_CHECK;

/* As pg_ask(), over a connection that may have died meanwhile. */
enum status reader_ask(struct reader *reader, const char *sql, int count, const char *const *texts, const char *doing,
	PGresult **result, struct error *err) MUST_CHECK;

/* The same for what returns nothing of interest. */
enum status reader_run(struct reader *reader, const char *sql, int count, const char *const *texts, const char *doing,
	struct error *err) MUST_CHECK;

/* Runs work() in a transaction of its own; nothing of it stays when it fails. */
enum status reader_transaction(struct reader *reader,
	enum status (*work)(struct reader *reader, void *context, struct error *err), void *context, const char *doing,
	struct error *err) MUST_CHECK;

/* The tree that holds the id, as store_ops.load, over a connection with sql_prepare() behind it. */
enum status reader_load(struct reader *reader, int64_t id, const struct definitions *definitions, struct tree **tree,
	struct error *err) MUST_CHECK;

/* Cells of a result in text form.  NULL cells: 0, NULL, false. */
int64_t cell_number(const PGresult *result, int row, int column);
const char *cell_string(const PGresult *result, int row, int column, struct arena *arena);	/* a copy */
bool cell_true(const PGresult *result, int row, int column);

/* Parameters in text form: an array (NULL: a null in it), bytes, a number. */
const char *array_text(struct arena *arena, const char *const *items, size_t count);
const char *bytes_text(struct arena *arena, const void *bytes, size_t length);
const char *number_text(struct arena *arena, int64_t number);

/* The bytes behind encode(..., 'hex'), with a NUL behind them. */
const void *text_bytes(struct arena *arena, const char *hex, size_t *length);

/* ---- the auditor (audit.c, replay.c) -------------------------------------------------------------------- */

/* Checks the tree of that root in one snapshot: whether its event log, replayed, gives what is stored (I5), and whether
 * it is sound.  *fault is the first thing that is wrong, in the arena, or NULL; *invariant is what it breaks. */
enum status audit_replay(struct reader *reader, int64_t root, const struct definitions *definitions,
	struct arena *arena, const char **invariant, const char **fault, struct error *err) MUST_CHECK;

/* The query tables as text, for store_describe(). */
void queries_describe(struct text *text);

#endif
