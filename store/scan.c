/* SPDX-License-Identifier: Apache-2.0
 * What a lane asks of its whole range: external tasks that are ready, jobs that are due, candidates that fit. */
#include "store/store_priv.h"

#include <string.h>

/* Runs a scan: a statement that only reads. */
static enum status
scan(struct postgres *pg, struct rows *rows, PGresult **result, struct error *err)
{
	struct rows *list[] = { rows };

	TRY(postgres_ready(pg, err));
	return postgres_read(pg, list, 1, result, err);
}

static void
begin(struct postgres *pg, struct rows *rows, enum sql sql)
{
	arena_reset(pg->scratch);
	rows_init(rows, sql, pg->scratch);
}

static void
put_range(const struct postgres *pg, struct rows *rows)
{
	put_int(rows, pg->range.first_part);
	put_int(rows, pg->range.last_part);
}

static void
read_task(const PGresult *result, int row, struct arena *arena, struct ready_task *task)
{
	task->id = cell_int(result, row, 0);
	task->instance = cell_int(result, row, 1);
	task->definition = (int32_t)cell_int(result, row, 2);
	task->topic = arena_strdup(arena, cell_text(result, row, 3));
	task->priority = cell_int(result, row, 4);
	task->created_us = cell_time(result, row, 5);
	task->until_us = cell_time(result, row, 6);
}

static void
ask_topic(const struct postgres *pg, struct rows *rows, const char *topic, int32_t definition,
	const struct ready_task *after)
{
	put_range(pg, rows);
	put_text(rows, topic);
	put_int(rows, definition);
	if (after) {
		put_int(rows, after->priority);
		put_time(rows, after->created_us);
		put_int(rows, after->id);
	} else {
		put_null(rows);
		put_null(rows);
		put_null(rows);
	}
}

enum status
postgres_scan_ready(struct store *store, const char *topic, int32_t definition, const struct ready_task *after,
	size_t limit, struct arena *arena, struct ready_task **tasks, size_t *count, struct error *err)
{
	struct postgres *pg = (struct postgres *)store;
	struct ready_task *list;
	struct rows rows;
	PGresult *result;

	begin(pg, &rows, topic ? SQL_ready_topic : SQL_ready_all);
	if (topic) {
		ask_topic(pg, &rows, topic, definition, after);
	} else {
		put_range(pg, &rows);
		put_int(&rows, after ? after->id : 0);
	}
	put_int(&rows, (int64_t)limit);
	TRY(scan(pg, &rows, &result, err));
	*count = (size_t)PQntuples(result);
	list = ARENA_ARRAY(arena, struct ready_task, *count);
	for (size_t i = 0; i < *count; i++)
		read_task(result, (int)i, arena, &list[i]);
	PQclear(result);
	*tasks = list;
	return OK;
}

/* A time that is never null: what lies outside PostgreSQL's range is one of its infinities. */
static int64_t
bounded(int64_t us)
{
	return us == WHEN_NONE ? WHEN_NONE + 1 : us;
}

enum status
postgres_scan_jobs(struct store *store, int64_t until_us, int64_t after_due, int64_t after_id, size_t limit,
	struct arena *arena, struct due_job **jobs, size_t *count, struct error *err)
{
	struct postgres *pg = (struct postgres *)store;
	struct due_job *list;
	struct rows rows;
	PGresult *result;

	begin(pg, &rows, SQL_due_jobs);
	put_range(pg, &rows);
	put_time(&rows, bounded(until_us));
	put_time(&rows, bounded(after_due));
	put_int(&rows, after_id);
	put_int(&rows, (int64_t)limit);
	TRY(scan(pg, &rows, &result, err));
	*count = (size_t)PQntuples(result);
	list = ARENA_ARRAY(arena, struct due_job, *count);
	for (size_t i = 0; i < *count; i++) {
		list[i].id = cell_int(result, (int)i, 0);
		list[i].due_us = cell_time(result, (int)i, 1);
	}
	PQclear(result);
	*jobs = list;
	return OK;
}

/* One wanted variable: name, type, number, real, value.  The source text of a double does not matter. */
static enum status
put_wanted(struct rows *rows, struct arena *arena, const struct entry *entry, struct error *err)
{
	struct stored_value stored;

	TRY(value_store(arena, &entry->value, &stored, err));
	put_text(rows, entry->name);
	put_int(rows, stored.type);
	if (stored.has_number)
		put_int(rows, stored.number);
	else
		put_null(rows);
	if (stored.has_real)
		put_real(rows, stored.real);
	else
		put_null(rows);
	put_bytes(rows, stored.has_real ? NULL : stored.bytes, stored.length);
	return OK;
}

/* Two sets of arrays of different length, and the business key between them. */
static enum status
ask_filter(struct postgres *pg, struct rows *rows, const int64_t *candidates, size_t count, const char *business_key,
	const struct entries *wanted, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		rows_seek(rows, 0);
		put_int(rows, id_part(candidates[i]));
		put_int(rows, candidates[i]);
		put_int(rows, (int64_t)i);
	}
	rows_seek(rows, 3);
	put_text(rows, business_key);
	for (size_t i = 0; wanted && i < wanted->count; i++) {
		rows_seek(rows, 4);
		TRY(put_wanted(rows, pg->scratch, &wanted->list[i], err));
	}
	rows_seek(rows, 0);
	return OK;
}

enum status
postgres_filter(struct store *store, const int64_t *candidates, size_t count, const char *business_key,
	const struct entries *process_variables, bool *keep, struct error *err)
{
	struct postgres *pg = (struct postgres *)store;
	struct rows rows;
	PGresult *result;

	begin(pg, &rows, SQL_filter);
	TRY(ask_filter(pg, &rows, candidates, count, business_key, process_variables, err));
	TRY(scan(pg, &rows, &result, err));
	memset(keep, 0, count * sizeof *keep);
	for (int i = 0; i < PQntuples(result); i++)
		keep[cell_int(result, i, 0)] = true;
	PQclear(result);
	return OK;
}
