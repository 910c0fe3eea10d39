/* SPDX-License-Identifier: Apache-2.0
 * A reader's connection: made again when it was lost, every statement with a time limit, answers as text. */
#include "store/store_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum status
connect_reader(struct reader *reader, struct error *err)
{
	char session[128];

	TRY(pg_connect(reader->database, "bpmnd-reader", &reader->conn, err));
	snprintf(session, sizeof session, "set statement_timeout = '%llds'; set lock_timeout = '10s'",
		(long long)reader->seconds);
	return pg_run(reader->conn, session, "setting up a session", err);
}

static void
disconnect(struct reader *reader)
{
	PQfinish(reader->conn);
	reader->conn = NULL;
}

enum status
reader_open(const char *database, const struct settings *settings, struct reader **reader, struct error *err)
{
	struct arena *arena = arena_new();
	struct reader *fresh = ARENA_NEW(arena, struct reader);
	enum status status;

	*fresh = (struct reader){
		.arena = arena,
		.scratch = arena_new(),
		.database = arena_strdup(arena, database),
		.seconds = settings->read_seconds,
	};
	status = connect_reader(fresh, err);
	if (status != OK) {
		reader_close(fresh);
		return status;
	}
	*reader = fresh;
	return OK;
}

void
reader_close(struct reader *reader)
{
	PQfinish(reader->conn);
	arena_free(reader->scratch);
	arena_free(reader->arena);
}

enum status
reader_ready(struct reader *reader, struct error *err)
{
	if (reader->conn && PQstatus(reader->conn) == CONNECTION_OK)
		return OK;
	disconnect(reader);
	return connect_reader(reader, err);
}

/* A connection that died while nobody used it shows only at the first statement, which did nothing then: that one is
 * sent again.  Inside a transaction there is nothing to repeat. */
enum status
reader_ask(struct reader *reader, const char *sql, int count, const char *const *texts, const char *doing,
	PGresult **result, struct error *err)
{
	enum status status;

	TRY(reader_ready(reader, err));
	status = pg_ask(reader->conn, sql, count, texts, doing, result, err);
	if (status == OK || PQstatus(reader->conn) == CONNECTION_OK || reader->in_transaction)
		return status;
	TRY(reader_ready(reader, err));
	return pg_ask(reader->conn, sql, count, texts, doing, result, err);
}

enum status
reader_run(struct reader *reader, const char *sql, int count, const char *const *texts, const char *doing,
	struct error *err)
{
	PGresult *result;

	TRY(reader_ask(reader, sql, count, texts, doing, &result, err));
	PQclear(result);
	return OK;
}

enum status
reader_transaction(struct reader *reader, enum status (*work)(struct reader *reader, void *context, struct error *err),
	void *context, const char *doing, struct error *err)
{
	enum status status;
	struct error ignored;

	TRY(reader_run(reader, "begin", 0, NULL, doing, err));
	reader->in_transaction = true;
	status = work(reader, context, err);
	if (status == OK)
		status = reader_run(reader, "commit", 0, NULL, doing, err);
	reader->in_transaction = false;
	if (status != OK && pg_run(reader->conn, "rollback", doing, &ignored) != OK)
		disconnect(reader);
	return status;
}

int64_t
cell_number(const PGresult *result, int row, int column)
{
	return PQgetisnull(result, row, column) ? 0 : strtoll(PQgetvalue(result, row, column), NULL, 10);
}

const char *
cell_string(const PGresult *result, int row, int column, struct arena *arena)
{
	return PQgetisnull(result, row, column) ? NULL : arena_strdup(arena, PQgetvalue(result, row, column));
}

bool
cell_true(const PGresult *result, int row, int column)
{
	return PQgetvalue(result, row, column)[0] == 't';
}

const char *
array_text(struct arena *arena, const char *const *items, size_t count)
{
	struct text text;

	text_init(&text, arena);
	text_putc(&text, '{');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			text_putc(&text, ',');
		if (!items[i]) {
			text_puts(&text, "null");
			continue;
		}
		text_putc(&text, '"');
		for (const char *at = items[i]; *at; at++) {
			if (*at == '"' || *at == '\\')
				text_putc(&text, '\\');
			text_putc(&text, *at);
		}
		text_putc(&text, '"');
	}
	text_putc(&text, '}');
	return text_string(&text);
}

const char *
bytes_text(struct arena *arena, const void *bytes, size_t length)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *at = bytes;
	char *text = arena_alloc(arena, 2 * length + 3), *to = text;

	*to++ = '\\';
	*to++ = 'x';
	for (size_t i = 0; i < length; i++) {
		*to++ = digits[at[i] >> 4];
		*to++ = digits[at[i] & 15];
	}
	return text;
}

static int
digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

const void *
text_bytes(struct arena *arena, const char *hex, size_t *length)
{
	size_t count = strlen(hex) / 2;
	char *bytes = arena_alloc(arena, count + 1);

	for (size_t i = 0; i < count; i++)
		bytes[i] = (char)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
	*length = count;
	return bytes;
}

const char *
number_text(struct arena *arena, int64_t number)
{
	return arena_printf(arena, "%lld", (long long)number);
}

enum status
store_check_schema(struct reader *reader, struct error *err)
{
	PGresult *result;
	int number;

	TRY(reader_ask(reader, "select coalesce(max(number), 0) from migration", 0, NULL, "reading the schema's number",
		&result, err));
	number = (int)cell_number(result, 0, 0);
	PQclear(result);
	if (number == migration_newest())
		return OK;
	return FAIL(err, engine, "the database has schema %d, this program wants %d", number, migration_newest());
}
