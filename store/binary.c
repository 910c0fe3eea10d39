/* SPDX-License-Identifier: Apache-2.0
 * PostgreSQL's binary forms: cells of results, and parameters as arrays of one dimension. */
#include "store/store_priv.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#define EPOCH_US INT64_C(946684800000000)	/* 2000-01-01, where PostgreSQL counts from */

int64_t
time_to_pg(int64_t us)
{
	if (us < INT64_MIN + EPOCH_US)
		return INT64_MIN;
	return us == INT64_MAX ? INT64_MAX : us - EPOCH_US;
}

int64_t
time_from_pg(int64_t pg)
{
	if (pg == INT64_MIN)
		return WHEN_NONE + 1;
	return pg > INT64_MAX - EPOCH_US ? INT64_MAX : pg + EPOCH_US;
}

/* ---- cells -------------------------------------------------------------------------------------------- */

static int64_t
get_int(const char *bytes, int length)
{
	uint16_t two;
	uint32_t four;
	uint64_t eight;

	switch (length) {
	case 2:
		memcpy(&two, bytes, 2);
		return (int16_t)be16toh(two);
	case 4:
		memcpy(&four, bytes, 4);
		return (int32_t)be32toh(four);
	default:
		assert(length == 8);
		memcpy(&eight, bytes, 8);
		return (int64_t)be64toh(eight);
	}
}

int64_t
cell_int(const PGresult *result, int row, int column)
{
	if (PQgetisnull(result, row, column))
		return 0;
	return get_int(PQgetvalue(result, row, column), PQgetlength(result, row, column));
}

int64_t
cell_time(const PGresult *result, int row, int column)
{
	if (PQgetisnull(result, row, column))
		return WHEN_NONE;
	return time_from_pg(cell_int(result, row, column));
}

double
cell_real(const PGresult *result, int row, int column)
{
	int64_t bits = cell_int(result, row, column);
	double real;

	memcpy(&real, &bits, sizeof real);
	return real;
}

bool
cell_bool(const PGresult *result, int row, int column)
{
	return !PQgetisnull(result, row, column) && PQgetvalue(result, row, column)[0] != 0;
}

const char *
cell_text(const PGresult *result, int row, int column)
{
	return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

const void *
cell_bytes(const PGresult *result, int row, int column, size_t *length)
{
	*length = (size_t)PQgetlength(result, row, column);
	return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}

struct people
cell_texts(const PGresult *result, int row, int column, struct arena *arena)
{
	const char *at = PQgetvalue(result, row, column);
	struct people people = { 0, NULL };
	const char **list;
	int64_t count;

	if (PQgetisnull(result, row, column) || get_int(at, 4) == 0)
		return people;
	count = get_int(at + 12, 4);
	list = ARENA_ARRAY(arena, const char *, (size_t)count);
	at += ARRAY_HEADER;
	for (int64_t i = 0; i < count; i++) {
		int64_t length = get_int(at, 4);

		list[i] = arena_strndup(arena, at + 4, length > 0 ? (size_t)length : 0);
		at += 4 + (length > 0 ? length : 0);
	}
	people.count = (size_t)count;
	people.list = list;
	return people;
}

/* ---- parameters --------------------------------------------------------------------------------------- */

void
rows_init(struct rows *rows, enum sql sql, struct arena *arena)
{
	memset(rows, 0, sizeof *rows);
	rows->sql = sql;
	rows->statement = sql_statement(sql);
	for (int i = 0; i < rows->statement->count; i++)
		text_init(&rows->columns[i], arena);
}

/* One element of the column that is next; bytes NULL is null.  Arrays begin with room for their header. */
static void
put_element(struct rows *rows, const void *bytes, size_t length)
{
	static const char header[ARRAY_HEADER];
	struct text *column = &rows->columns[rows->at];
	uint32_t size = htobe32(bytes ? (uint32_t)length : UINT32_MAX);

	if (rows->statement->arrays[rows->at]) {
		if (rows->filled[rows->at] == 0)
			text_put(column, header, sizeof header);
		text_put(column, &size, sizeof size);
		if (bytes)
			text_put(column, bytes, length);
	} else if (rows->filled[rows->at] == 0 && bytes) {
		text_put(column, bytes, length);
	}
	if (!bytes)
		rows->nulls[rows->at] = true;
	rows->filled[rows->at]++;
	if (++rows->at == rows->statement->count) {
		rows->at = 0;
		rows->count++;
	}
}

static Oid
next_type(const struct rows *rows)
{
	return rows->statement->types[rows->at]->oid;
}

enum { OID_bool = 16, OID_bytea = 17, OID_int8 = 20, OID_int2 = 21, OID_int4 = 23, OID_text = 25, OID_float8 = 701,
	OID_time = 1184 };

void
put_int(struct rows *rows, int64_t number)
{
	uint16_t two = htobe16((uint16_t)number);
	uint32_t four = htobe32((uint32_t)number);
	uint64_t eight = htobe64((uint64_t)number);

	if (next_type(rows) == OID_int2) {
		assert(number == (int16_t)number);
		put_element(rows, &two, sizeof two);
	} else if (next_type(rows) == OID_int4) {
		assert(number == (int32_t)number);
		put_element(rows, &four, sizeof four);
	} else {
		assert(next_type(rows) == OID_int8);
		put_element(rows, &eight, sizeof eight);
	}
}

void
put_real(struct rows *rows, double real)
{
	uint64_t bits;

	assert(next_type(rows) == OID_float8);
	memcpy(&bits, &real, sizeof bits);
	bits = htobe64(bits);
	put_element(rows, &bits, sizeof bits);
}

void
put_bool(struct rows *rows, bool b)
{
	char byte = b;

	assert(next_type(rows) == OID_bool);
	put_element(rows, &byte, 1);
}

void
put_time(struct rows *rows, int64_t us)
{
	uint64_t bits = htobe64((uint64_t)time_to_pg(us));

	assert(next_type(rows) == OID_time);
	put_element(rows, us == WHEN_NONE ? NULL : &bits, sizeof bits);
}

void
put_text(struct rows *rows, const char *text)
{
	assert(next_type(rows) == OID_text);
	put_element(rows, text, text ? strlen(text) : 0);
}

void
put_bytes(struct rows *rows, const void *bytes, size_t length)
{
	assert(next_type(rows) == OID_bytea);
	put_element(rows, bytes, length);
}

void
put_null(struct rows *rows)
{
	put_element(rows, NULL, 0);
}

void
rows_seek(struct rows *rows, int column)
{
	rows->at = column;
}

void
rows_set_last(struct rows *rows, int64_t number)
{
	uint64_t eight = htobe64((uint64_t)number);
	struct text *column = &rows->columns[rows->statement->count - 1];

	assert(rows->count > 0 && column->length == sizeof eight);
	memcpy(column->bytes, &eight, sizeof eight);
}
