/* SPDX-License-Identifier: Apache-2.0
 * Fuzzes values as stored: whatever a row holds is a value or refused, and stored again it is the same value. */
#include "tests/fuzz/fuzz.h"

#include <math.h>

#include "base/json.h"
#include "store/store_priv.h"

/* A row of the variables' table. */
static struct stored_value
choose_row(struct arena *arena, struct choices *choices)
{
	struct stored_value row = { .type = (int16_t)(choose_byte(choices) % 20 - 2) };
	uint8_t present = choose_byte(choices), info = choose_byte(choices);
	size_t rest;

	row.has_number = present & 1;
	row.number = row.has_number ? choose_number(choices) : 0;
	row.has_real = present & 2;
	if (row.has_real) {
		int64_t bits = choose_number(choices);

		memcpy(&row.real, &bits, sizeof bits);
	}
	rest = (size_t)(choices->end - choices->at);
	if (present & 4 && info < rest) {
		row.info = arena_strndup(arena, (const char *)choices->at, info);
		choices->at += info;
		rest -= info;
	}
	if (present & 8) {
		row.bytes = arena_bytes(arena, choices->at, rest);
		row.length = rest;
	}
	return row;
}

/* Texts come from a database in UTF-8, which never lets others in. */
static bool
database_has_it(const struct stored_value *row)
{
	enum value_type type = (enum value_type)row->type;

	if (row->info != NULL && !text_is_utf8(row->info, strlen(row->info)))
		return false;
	return type == VALUE_bytes || type == VALUE_file || row->bytes == NULL || text_is_utf8(row->bytes, row->length);
}

static void
same_info(const struct value_info *a, const struct value_info *b)
{
	if (a == NULL) {
		MUST(b == NULL, "an info came up");
		return;
	}
	MUST(b != NULL, "the info is lost");
	MUST(text_equal(a->filename, b->filename) && text_equal(a->mime, b->mime) &&
			text_equal(a->encoding, b->encoding) && text_equal(a->object_type, b->object_type) &&
			text_equal(a->format, b->format),
		"the info differs");
}

static void
there_and_back(struct arena *arena, const struct value *value)
{
	struct stored_value row, third;
	struct value again;
	struct error err;

	MUST(value_store(arena, value, &row, &err) == OK, "%s", err.message);
	MUST(value_load(arena, &row, &again, &err) == OK, "%s", err.message);
	MUST(value_equal(value, &again), "type %d", (int)value->type);
	same_info(value->info, again.info);
	MUST(value_store(arena, &again, &third, &err) == OK, "%s", err.message);
	MUST(third.length == row.length && third.has_number == row.has_number && third.has_real == row.has_real &&
			text_equal(third.info, row.info),
		"type %d", (int)value->type);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct arena *arena = arena_new();
	struct choices choices = { .at = bytes, .end = bytes + length };
	struct stored_value row = choose_row(arena, &choices);
	struct value value;
	struct error err;

	if (database_has_it(&row)) {
		if (value_load(arena, &row, &value, &err) == OK) {
			there_and_back(arena, &value);
			(void)value_to_text(arena, &value);
			(void)value_size(&value);
		} else {
			must_be_text(err.message);
		}
	}
	arena_free(arena);
	return 0;
}
