/* SPDX-License-Identifier: Apache-2.0
 * The event log of a tree, page by page. */
#include "store/store_priv.h"

static int64_t
cell_us(const PGresult *result, int row, int column)
{
	return PQgetisnull(result, row, column) ? WHEN_NONE : cell_number(result, row, column);
}

static void
read_event(const PGresult *result, int row, struct arena *arena, struct stored_event *event)
{
	*event = (struct stored_event){
		.id = cell_number(result, row, 0),
		.root = cell_number(result, row, 1),
		.kind = (int32_t)cell_number(result, row, 2),
		.elem = (int32_t)cell_number(result, row, 3),
		.definition = (int32_t)cell_number(result, row, 4),
		.activity = cell_number(result, row, 5),
		.at_us = cell_us(result, row, 6),
		.locked_us = cell_us(result, row, 7),
		.worker = cell_string(result, row, 8, arena),
		.message = cell_string(result, row, 9, arena),
	};
	event->data = text_bytes(arena, PQgetvalue(result, row, 10), &event->length);
}

enum status
store_events(struct reader *reader, struct arena *arena, int64_t root, int64_t after, size_t limit,
	struct stored_event **events, size_t *count, struct error *err)
{
	const char *texts[4];
	PGresult *result;

	arena_reset(reader->scratch);
	texts[0] = number_text(reader->scratch, id_part(root));
	texts[1] = number_text(reader->scratch, root);
	texts[2] = number_text(reader->scratch, after);
	texts[3] = number_text(reader->scratch, (int64_t)limit);
	TRY(reader_ask(reader, "select id, root, kind, elem, definition, activity, (extract(epoch from at) * "
		"1000000)::int8, "
		"(extract(epoch from locked) * 1000000)::int8, worker, message, encode(data, 'hex') from event "
		"where part = $1::int2 and root = $2::int8 and id > $3::int8 order by id limit $4::int8", 4, texts,
		"reading the event log", &result, err));
	*count = (size_t)PQntuples(result);
	*events = ARENA_ARRAY(arena, struct stored_event, *count);
	for (size_t i = 0; i < *count; i++)
		read_event(result, (int)i, arena, &(*events)[i]);
	PQclear(result);
	return OK;
}

enum status
store_elements(struct reader *reader, int64_t instance, const int64_t *ids, size_t count, int32_t *keys,
	struct error *err)
{
	const char *texts[3], **list;
	PGresult *result;

	arena_reset(reader->scratch);
	list = ARENA_ARRAY(reader->scratch, const char *, count);
	for (size_t i = 0; i < count; i++) {
		list[i] = number_text(reader->scratch, ids[i]);
		keys[i] = 0;
	}
	texts[0] = number_text(reader->scratch, id_part(instance));
	texts[1] = number_text(reader->scratch, instance);
	texts[2] = array_text(reader->scratch, list, count);
	TRY(reader_ask(reader, "select u.n - 1, x.elem from unnest($3::int8[]) with ordinality u (id, n) join ("
		"select id, elem from activity where part = $1::int2 and inst = $2::int8 and id = any($3::int8[]) "
		"union all select id, elem from history_activity where part = $1::int2 and inst = $2::int8 and id = "
		"any($3::int8[])) x on x.id = u.id", 3, texts, "reading elements", &result, err));
	for (int row = 0; row < PQntuples(result); row++)
		keys[cell_number(result, row, 0)] = (int32_t)cell_number(result, row, 1);
	PQclear(result);
	return OK;
}
