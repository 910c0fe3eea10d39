/* SPDX-License-Identifier: Apache-2.0
 * Definitions as they are stored: found by number, wire id or key. */
#include "store/store_priv.h"

enum status
store_definition(struct reader *reader, struct arena *arena, int32_t id, struct stored_definition *definition,
	struct error *err)
{
	struct stored_definition found = { 0 };
	const char *text;
	PGresult *result;

	arena_reset(reader->scratch);
	text = number_text(reader->scratch, id);
	TRY(reader_ask(reader, "select d.wire_id, d.key, d.version, d.deployment, d.tenant, d.process_index, "
		"d.suspended, r.name, "
		"encode(r.bytes, 'hex') from definition d join resource r on r.id = d.resource where d.id = $1::int4",
		1, &text,
		"reading a definition", &result, err));
	if (PQntuples(result) == 0) {
		PQclear(result);
		return FAIL(err, not_found, "there is no definition %d", (int)id);
	}
	found.definition = (struct definition){
		.id = id,
		.wire_id = cell_string(result, 0, 0, arena),
		.key = cell_string(result, 0, 1, arena),
		.version = (int32_t)cell_number(result, 0, 2),
		.deployment = cell_number(result, 0, 3),
		.tenant = cell_string(result, 0, 4, arena),
	};
	found.process_index = (int32_t)cell_number(result, 0, 5);
	found.suspended = cell_true(result, 0, 6);
	found.resource = cell_string(result, 0, 7, arena);
	found.xml = text_bytes(arena, PQgetvalue(result, 0, 8), &found.length);
	PQclear(result);
	*definition = found;
	return OK;
}

static enum status
find_one(struct reader *reader, const char *sql, int count, const char *const *texts,
	struct found_definition *definition, struct error *err)
{
	bool found;
	PGresult *result;

	TRY(reader_ask(reader, sql, count, texts, "looking for a definition", &result, err));
	found = PQntuples(result) == 1;
	if (found) {
		definition->id = (int32_t)cell_number(result, 0, 0);
		definition->suspended = cell_true(result, 0, 1);
	}
	PQclear(result);
	return found ? OK : FAIL(err, not_found, "there is no such process definition");
}

enum status
store_latest(struct reader *reader, const char *key, const char *tenant, struct found_definition *found,
	struct error *err)
{
	const char *const texts[] = { key, tenant };

	return find_one(reader, "select id, suspended from definition where key = $1 and tenant is not distinct from "
		"$2 and not deleted order by version desc limit 1", 2, texts, found, err);
}

enum status
store_find_definition(struct reader *reader, const char *wire_id, struct found_definition *found, struct error *err)
{
	return find_one(reader, "select id, suspended from definition where wire_id = $1 and not deleted", 1, &wire_id,
		found, err);
}

enum status
store_suspend_definition(struct reader *reader, int32_t id, bool suspended, struct error *err)
{
	const char *texts[2];

	arena_reset(reader->scratch);
	texts[0] = number_text(reader->scratch, id);
	texts[1] = suspended ? "true" : "false";
	return reader_run(reader, "update definition set suspended = $2::bool where id = $1::int4", 2, texts,
		"suspending a definition", err);
}

enum status
store_resource(struct reader *reader, struct arena *arena, int64_t deployment, int64_t id, const char **name,
	const void **bytes, size_t *length, struct error *err)
{
	const char *texts[2];
	bool found;
	PGresult *result;

	arena_reset(reader->scratch);
	texts[0] = number_text(reader->scratch, deployment);
	texts[1] = number_text(reader->scratch, id);
	TRY(reader_ask(reader, "select r.name, encode(r.bytes, 'hex') from resource r join deployment p on p.id = "
		"r.deployment "
		"where p.id = $1::int8 and r.id = $2::int8 and not p.deleted", 2, texts, "reading a resource", &result,
		err));
	found = PQntuples(result) == 1;
	if (found) {
		*name = cell_string(result, 0, 0, arena);
		*bytes = text_bytes(arena, PQgetvalue(result, 0, 1), length);
	}
	PQclear(result);
	return found ? OK : FAIL(err, not_found, "there is no such resource");
}
