/* SPDX-License-Identifier: Apache-2.0
 * The statements of sql.def: their types, preparing and sending them. */
#include "store/store_priv.h"

#include <assert.h>
#include <endian.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const struct sql_type types[] = {
	{ "int2", 21, 1005 }, { "int4", 23, 1007 }, { "int8", 20, 1016 }, { "float8", 701, 1022 },
	{ "bool", 16, 1000 }, { "time", 1184, 1185 }, { "text", 25, 1009 }, { "bytea", 17, 1001 },
};

static const struct {
	const char *name, *types, *text;
} table[SQL_COUNT] = {
#define SQL(name, types, text) { #name, types, text },
#include "store/sql.def"
#undef SQL
};

static struct sql_statement statements[SQL_COUNT];
static struct arena *texts;		/* of the statements, for ever */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const struct sql_type *
find_type(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strlen(types[i].name) == length && !memcmp(types[i].name, name, length))
			return &types[i];
	assert(!"unknown type in sql.def");
	return NULL;
}

/* Reads a list of type names, those of arrays with [] behind. */
static void
read_types(struct sql_statement *statement, const char *list)
{
	while (*list) {
		size_t length = strcspn(list, " ["), end = strcspn(list, " ");

		assert(statement->count < SQL_PARAMETERS);
		statement->types[statement->count] = find_type(list, length);
		statement->arrays[statement->count++] = end > length;
		list += end;
		list += strspn(list, " ");
	}
}

/* unnest($1), unnest($2), ... one for each name in the list, which stands behind it then; without a list one for each
 * array. */
static void
put_arrays(struct text *text, const struct sql_statement *statement, const char *names, size_t length)
{
	size_t at = 0;

	for (int i = 0; i < statement->count && statement->arrays[i] && (!names || at < length); i++) {
		size_t end = at + strcspn(names ? names + at : ")", ",)");

		text_printf(text, "%sunnest($%d)", i > 0 ? ", " : "", i + 1);
		if (names)
			text_printf(text, " as %.*s", (int)(end - at), names + at);
		at = end + 2;
	}
}

/* The text with each @ written out (sql.def). */
static const char *
write_out(const struct sql_statement *statement, const char *from)
{
	struct text text;

	text_init(&text, texts);
	for (; *from; from++) {
		size_t length = strcspn(from, ")");

		if (*from != '@') {
			text_putc(&text, *from);
		} else if (from[1] == '(') {
			text_puts(&text, "(select ");
			put_arrays(&text, statement, from + 2, length - 2);
			text_puts(&text, ") u");
			from += length;
		} else {
			put_arrays(&text, statement, NULL, 0);
		}
	}
	return text_string(&text);
}

static void
read_all(void)
{
	texts = arena_new();
	for (int i = 0; i < SQL_COUNT; i++) {
		statements[i].name = table[i].name;
		statements[i].list = table[i].types;
		read_types(&statements[i], table[i].types);
		statements[i].text = write_out(&statements[i], table[i].text);
	}
}

const struct sql_statement *
sql_statement(enum sql sql)
{
	pthread_once(&once, read_all);
	return &statements[sql];
}

static bool
send_prepare(PGconn *conn, const struct sql_statement *statement)
{
	Oid oids[SQL_PARAMETERS];

	for (int i = 0; i < statement->count; i++)
		oids[i] = statement->arrays[i] ? statement->types[i]->array : statement->types[i]->oid;
	return PQsendPrepare(conn, statement->name, statement->text, statement->count, oids) == 1;
}

/* The answers to one pipeline of sql_prepare(); the first failure counts. */
static enum status
take_prepared(PGconn *conn, struct error *err)
{
	enum status status = OK;

	for (int i = 0; i < SQL_COUNT; i++) {
		PGresult *result = PQgetResult(conn);

		if (PQresultStatus(result) != PGRES_COMMAND_OK && status == OK) {
			char doing[64];

			snprintf(doing, sizeof doing, "preparing %s", table[i].name);
			status = pg_failed(conn, result, doing, err);
		}
		PQclear(result);
		PQclear(PQgetResult(conn));
	}
	PQclear(PQgetResult(conn));
	return status;
}

enum status
sql_prepare(PGconn *conn, struct error *err)
{
	enum status status;
	bool sent = PQenterPipelineMode(conn) == 1;

	for (int i = 0; i < SQL_COUNT && sent; i++)
		sent = send_prepare(conn, sql_statement((enum sql)i));
	if (!sent || !PQpipelineSync(conn))
		return pg_failed(conn, NULL, "preparing statements", err);
	status = take_prepared(conn, err);
	if (!PQexitPipelineMode(conn) && status == OK)
		status = pg_failed(conn, NULL, "preparing statements", err);
	return status;
}

static void
put32(char *at, uint32_t number)
{
	number = htobe32(number);
	memcpy(at, &number, sizeof number);
}

/* Completes the header of an array: dimensions, has nulls, element type, length, lower bound. */
static void
end_array(struct rows *rows, int column)
{
	char *header;

	if (rows->filled[column] == 0)	/* an empty array has no dimensions and ends behind its element type */
		text_put(&rows->columns[column], (const char[12]){ 0 }, 12);
	header = rows->columns[column].bytes;
	put32(header, rows->filled[column] > 0);
	put32(header + 4, rows->nulls[column]);
	put32(header + 8, rows->statement->types[column]->oid);
	if (rows->filled[column] == 0)
		return;
	put32(header + 12, (uint32_t)rows->filled[column]);
	put32(header + 16, 1);
}

/* The parameters as libpq takes them. */
static void
collect(struct rows *rows, const char **values, int *lengths, int *formats)
{
	assert(rows->at == 0);
	for (int i = 0; i < rows->statement->count; i++) {
		if (rows->statement->arrays[i])
			end_array(rows, i);
		values[i] = !rows->statement->arrays[i] && rows->nulls[i] ? NULL : text_string(&rows->columns[i]);
		lengths[i] = (int)rows->columns[i].length;
		formats[i] = 1;
	}
}

bool
sql_send(PGconn *conn, struct rows *rows)
{
	const char *values[SQL_PARAMETERS];
	int lengths[SQL_PARAMETERS], formats[SQL_PARAMETERS];

	collect(rows, values, lengths, formats);
	return PQsendQueryPrepared(conn, rows->statement->name, rows->statement->count, values, lengths, formats,
		1) == 1;
}

enum status
sql_run(PGconn *conn, struct rows *rows, PGresult **result, struct error *err)
{
	const char *values[SQL_PARAMETERS];
	int lengths[SQL_PARAMETERS], formats[SQL_PARAMETERS];
	PGresult *answer;
	ExecStatusType type;

	collect(rows, values, lengths, formats);
	answer = PQexecPrepared(conn, rows->statement->name, rows->statement->count, values, lengths, formats, 1);
	type = PQresultStatus(answer);
	if (type != PGRES_COMMAND_OK && type != PGRES_TUPLES_OK) {
		enum status status = pg_failed(conn, answer, rows->statement->name, err);

		PQclear(answer);
		return status;
	}
	*result = answer;
	return OK;
}
