/* SPDX-License-Identifier: Apache-2.0
 * bench-floor --database CONNINFO [--batch 50] [--seconds 1.5]
 *
 * What PostgreSQL allows on this machine at this moment: the rows of a workflow engine's transitions (complete task k,
 * create task k + 1) without an engine.  One connection, one transaction and one round trip per batch of transitions,
 * set-based statements with binary array parameters in pipeline mode.  For each transition: the instance's row is
 * locked, its task deleted, the next one inserted, its token updated, two history rows written.
 *
 * Works in a database bench_floor of that server, which it makes, and prints one JSON object. */
#include <endian.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libpq-fe.h>

enum { INSTANCES = 10000, OID_int8 = 20, OID_int8_array = 1016 };

/* Few indexes, so that the floor is a hard one: what is live by id and by instance, history by instance.  Ids
 * ascend, as an engine's do.  Autovacuum stays away: what this program leaves behind is dropped, and must not cost
 * the run that comes next. */
static const char schema[] =
	"drop schema if exists floor cascade; create schema floor; set search_path = floor; "
	"create table instance (id int8 primary key, definition int8 not null, version int8 not null, "
	"  business_key text, started timestamptz not null) with (fillfactor = 70, autovacuum_enabled = off); "
	"create table token (id int8 primary key, instance int8 not null, node int4 not null, "
	"  entered timestamptz not null) with (fillfactor = 70, autovacuum_enabled = off); "
	"create index on token (instance); "
	"create table task (id int8 primary key, instance int8 not null, token int8 not null, topic text not null, "
	"  worker text, lock_until timestamptz, created timestamptz not null) "
	"  with (fillfactor = 70, autovacuum_enabled = off); "
	"create index on task (instance); "
	"create table history_activity (id int8 not null, instance int8 not null, node int4 not null, "
	"  started timestamptz not null, ended timestamptz not null, worker text) with (autovacuum_enabled = off); "
	"create index on history_activity (instance); "
	"create table history_task (id int8 not null, instance int8 not null, task int8 not null, topic text not null, "
	"  worker text, at timestamptz not null) with (autovacuum_enabled = off); "
	"create index on history_task (instance); ";

/* 10000 is INSTANCES; what they wait at first has their ids. */
static const char fill[] =
	"insert into instance select i, 1, 0, 'key-' || i, now() from generate_series(1, 10000) i; "
	"insert into token select i, i, 1, now() from generate_series(1, 10000) i; "
	"insert into task select i, i, i, 'bench', 'worker-1', now(), now() from generate_series(1, 10000) i; "
	"analyze instance, token, task; "
	/* What an engine would set on its hot connections: array parameters give index plans at any table size. */
	"set jit = off; set plan_cache_mode = force_generic_plan; set enable_seqscan = off;";

/* What a batch sends: columns of equal length. */
enum column { COLUMN_instance, COLUMN_task, COLUMN_new_id, COLUMN_node, COLUMNS };

static const struct statement {
	const char *name, *text;
	int count;
	enum column columns[COLUMNS];
} statements[] = {
	{ "lock", "select version from instance where id = any($1) for update", 1, { COLUMN_instance } },
	{ "delete", "delete from task where id = any($1)", 1, { COLUMN_task } },
	{ "insert", "insert into task (id, instance, token, topic, worker, lock_until, created) "
		"select unnest($1), unnest($2), unnest($2), 'bench', 'worker-1', now() + interval '10 minutes', now()",
		2, { COLUMN_new_id, COLUMN_instance } },
	{ "move", "update token t set node = u.node, entered = now() "
		"from (select unnest($1) as id, unnest($2)::int4 as node) u where t.id = u.id",
		2, { COLUMN_instance, COLUMN_node } },
	{ "activity", "insert into history_activity (id, instance, node, started, ended, worker) "
		"select unnest($1), unnest($2), unnest($3)::int4, now(), now(), 'worker-1'",
		3, { COLUMN_new_id, COLUMN_instance, COLUMN_node } },
	{ "note", "insert into history_task (id, instance, task, topic, worker, at) "
		"select unnest($1), unnest($2), unnest($3), 'bench', 'worker-1', now()",
		3, { COLUMN_new_id, COLUMN_instance, COLUMN_task } },
};
enum { STATEMENTS = sizeof statements / sizeof *statements };

/* An int8[] on the wire: dimensions, whether there are nulls, element type, length, lower bound, all 32 bits; then
 * the length and the value of each element. */
enum { ARRAY_HEAD = 20, ARRAY_ELEMENT = 12, MOST_BATCH = 5000 };

struct array {
	char bytes[ARRAY_HEAD + ARRAY_ELEMENT * MOST_BATCH];
};

struct floor {
	PGconn *conn;
	int batch;
	int64_t next_id;		/* ids so far are those of the first tasks */
	int next_instance;		/* counted from 0; ids are one more */
	int64_t tasks[INSTANCES];	/* at which each instance waits */
	int64_t node[INSTANCES];
	struct array arrays[COLUMNS];
};

static _Noreturn void
die(struct floor *floor, const char *doing)
{
	fprintf(stderr, "bench-floor: %s: %s", doing, PQerrorMessage(floor->conn));
	exit(1);
}

static int64_t
clock_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

/* ---- the database --------------------------------------------------------------------------------------- */

static void
run(struct floor *floor, const char *sql, const char *doing)
{
	PGresult *result = PQexec(floor->conn, sql);

	if (PQresultStatus(result) != PGRES_COMMAND_OK && PQresultStatus(result) != PGRES_TUPLES_OK)
		die(floor, doing);
	PQclear(result);
}

static void
ignore_notice(void *context, const char *message)
{
	(void)context;
	(void)message;
}

static void
open_database(struct floor *floor, const char *conninfo, const char *dbname)
{
	const char *names[] = { "dbname", "dbname", NULL }, *values[] = { conninfo, dbname, NULL };

	PQfinish(floor->conn);
	/* the first dbname is a whole connection string, the second one wins over what it says */
	floor->conn = PQconnectdbParams(names, values, 1);
	if (PQstatus(floor->conn) != CONNECTION_OK)
		die(floor, "connecting");
	PQsetNoticeProcessor(floor->conn, ignore_notice, NULL);
}

static void
make_database(struct floor *floor, const char *conninfo)
{
	PGresult *result;

	open_database(floor, conninfo, NULL);
	result = PQexec(floor->conn, "select from pg_database where datname = 'bench_floor'");
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		die(floor, "looking for the database bench_floor");
	if (PQntuples(result) == 0)
		run(floor, "create database bench_floor", "creating the database bench_floor");
	PQclear(result);
	open_database(floor, conninfo, "bench_floor");
}

static void
prepare_one(struct floor *floor, const char *name, const char *text, int count)
{
	static const Oid types[COLUMNS] = { OID_int8_array, OID_int8_array, OID_int8_array, OID_int8_array };
	PGresult *result = PQprepare(floor->conn, name, text, count, types);

	if (PQresultStatus(result) != PGRES_COMMAND_OK)
		die(floor, name);
	PQclear(result);
}

static void
prepare(struct floor *floor)
{
	run(floor, schema, "making tables");
	run(floor, fill, "filling tables");
	for (int i = 0; i < STATEMENTS; i++)
		prepare_one(floor, statements[i].name, statements[i].text, statements[i].count);
	prepare_one(floor, "begin", "begin", 0);
	prepare_one(floor, "commit", "commit", 0);
	if (PQenterPipelineMode(floor->conn) != 1)
		die(floor, "entering pipeline mode");
	for (int i = 0; i < INSTANCES; i++)
		floor->tasks[i] = i + 1;
	floor->next_id = INSTANCES + 1;
}

/* ---- a batch -------------------------------------------------------------------------------------------- */

static void
put_int32(char *bytes, int32_t value)
{
	uint32_t wire = htobe32((uint32_t)value);

	memcpy(bytes, &wire, sizeof wire);
}

static void
begin_array(struct array *array, int length)
{
	const int32_t head[] = { 1, 0, OID_int8, length, 1 };

	for (int i = 0; i < ARRAY_HEAD / 4; i++)
		put_int32(array->bytes + 4 * i, head[i]);
}

static void
put_element(struct array *array, int i, int64_t value)
{
	char *bytes = array->bytes + ARRAY_HEAD + ARRAY_ELEMENT * i;
	uint64_t wire = htobe64((uint64_t)value);

	put_int32(bytes, sizeof wire);
	memcpy(bytes + 4, &wire, sizeof wire);
}

/* The next instances take a step: their tasks are done, and others there instead. */
static void
step(struct floor *floor)
{
	for (int i = 0; i < COLUMNS; i++)
		begin_array(&floor->arrays[i], floor->batch);
	for (int i = 0; i < floor->batch; i++) {
		int instance = floor->next_instance;

		put_element(&floor->arrays[COLUMN_instance], i, instance + 1);
		put_element(&floor->arrays[COLUMN_task], i, floor->tasks[instance]);
		put_element(&floor->arrays[COLUMN_new_id], i, floor->next_id);
		put_element(&floor->arrays[COLUMN_node], i, ++floor->node[instance]);
		floor->tasks[instance] = floor->next_id++;
		floor->next_instance = (instance + 1) % INSTANCES;
	}
}

static void
send_statement(struct floor *floor, const char *name, int count, const enum column *columns)
{
	int length = ARRAY_HEAD + ARRAY_ELEMENT * floor->batch;
	const int lengths[COLUMNS] = { length, length, length, length }, binary[COLUMNS] = { 1, 1, 1, 1 };
	const char *values[COLUMNS];

	for (int i = 0; i < count; i++)
		values[i] = floor->arrays[columns[i]].bytes;
	if (PQsendQueryPrepared(floor->conn, name, count, values, lengths, binary, 1) != 1)
		die(floor, name);
}

/* One statement's result, and the null that ends it.  Every statement with a table must touch a row per transition. */
static void
take_result(struct floor *floor, const char *name, int rows)
{
	PGresult *result = PQgetResult(floor->conn);
	ExecStatusType status = PQresultStatus(result);

	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		die(floor, name);
	if (rows > 0 && atoi(PQcmdTuples(result)) != rows) {
		fprintf(stderr, "bench-floor: %s touched %s rows, not %d\n", name, PQcmdTuples(result), rows);
		exit(1);
	}
	PQclear(result);
	if (PQgetResult(floor->conn) != NULL)
		die(floor, name);
}

static void
run_batch(struct floor *floor)
{
	PGresult *result;

	step(floor);
	send_statement(floor, "begin", 0, NULL);
	for (int i = 0; i < STATEMENTS; i++)
		send_statement(floor, statements[i].name, statements[i].count, statements[i].columns);
	send_statement(floor, "commit", 0, NULL);
	if (PQpipelineSync(floor->conn) != 1)
		die(floor, "sending");
	take_result(floor, "begin", 0);
	for (int i = 0; i < STATEMENTS; i++)
		take_result(floor, statements[i].name, floor->batch);
	take_result(floor, "commit", 0);
	result = PQgetResult(floor->conn);
	if (PQresultStatus(result) != PGRES_PIPELINE_SYNC)
		die(floor, "ending a batch");
	PQclear(result);
}

/* ---- the program ---------------------------------------------------------------------------------------- */

/* Runs batches for so long; how many, and the microseconds they took. */
static int64_t
run_for(struct floor *floor, double seconds, int64_t *took_us)
{
	int64_t began = clock_us(CLOCK_MONOTONIC), batches = 0;

	do {
		run_batch(floor);
		batches++;
		*took_us = clock_us(CLOCK_MONOTONIC) - began;
	} while ((double)*took_us < seconds * 1e6);
	return batches;
}

static void
measure(struct floor *floor, double seconds)
{
	int64_t took_us, cpu_us, transitions;

	run_for(floor, seconds / 5, &took_us);	/* caches and plans */
	cpu_us = clock_us(CLOCK_PROCESS_CPUTIME_ID);
	transitions = run_for(floor, seconds, &took_us) * floor->batch;
	cpu_us = clock_us(CLOCK_PROCESS_CPUTIME_ID) - cpu_us;
	printf("{\"batch\": %d, \"seconds\": %.3f, \"transitions\": %" PRId64
		", \"transitions_per_second\": %.0f, \"cpu_us\": %" PRId64 "}\n", floor->batch, (double)took_us / 1e6,
		transitions, (double)transitions * 1e6 / (double)took_us, cpu_us);
}

static const struct option options[] = {
	{ "database", required_argument, NULL, 'd' },
	{ "batch", required_argument, NULL, 'b' },
	{ "seconds", required_argument, NULL, 's' },
	{ NULL, 0, NULL, 0 },
};

int
main(int argc, char **argv)
{
	static struct floor floor = { .batch = 50 };
	const char *conninfo = NULL;
	double seconds = 1.5;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			conninfo = optarg;
			break;
		case 'b':
			floor.batch = atoi(optarg);
			break;
		case 's':
			seconds = atof(optarg);
			break;
		default:
			return 2;
		}
	}
	if (conninfo == NULL || optind < argc || floor.batch < 1 || floor.batch > MOST_BATCH || seconds <= 0) {
		fprintf(stderr, "bench-floor --database CONNINFO [--batch 1..%d] [--seconds S]\n", MOST_BATCH);
		return 2;
	}
	make_database(&floor, conninfo);
	prepare(&floor);
	measure(&floor, seconds);
	PQfinish(floor.conn);
	return 0;
}
