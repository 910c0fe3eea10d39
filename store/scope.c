/* SPDX-License-Identifier: Apache-2.0
 * What a running scope sees: its own variables, then outward those that no nearer one hides. */
#include "store/store_priv.h"

/* One row at least when the scope runs; the name is null when it sees nothing.  Scopes of parents only when not local.
 * */
static const char sql[] =
	"with recursive chain (id, parent, depth) as ("
	"select c.id, c.parent, 0 from (select id, null::int8 as parent from instance where part = $1::int2 and id = "
	"$2::int8 union all select id, parent from activity where part = $1::int2 and id = $2::int8) c "
	"union all select n.id, n.parent, chain.depth + 1 from chain join lateral ("
	"select id, parent from activity where part = $1::int2 and id = chain.parent "
	"union all select id, null from instance where part = $1::int2 and id = chain.parent) n on not $3::bool) "
	"select distinct on (v.name) v.name, v.type, v.number, v.real, encode(coalesce(v.value, b.bytes), 'hex'), "
	"v.info from chain left join variable v on v.part = $1::int2 and v.scope = chain.id "
	"left join big_value b on b.part = v.part and b.id = v.big order by v.name, chain.depth";

enum { NAME, FIRST_CELL, CELLS = 5 };

static enum status
read_rows(const PGresult *result, struct arena *arena, struct entries *entries, struct error *err)
{
	struct entry *list = ARENA_ARRAY(arena, struct entry, (size_t)PQntuples(result));
	size_t count = 0;

	for (int row = 0; row < PQntuples(result); row++) {
		const char *cells[CELLS];

		if (PQgetisnull(result, row, NAME))
			continue;
		for (int i = 0; i < CELLS; i++)
			cells[i] = PQgetisnull(result, row, FIRST_CELL + i) ? NULL : PQgetvalue(result, row,
				FIRST_CELL + i);
		list[count].name = cell_string(result, row, NAME, arena);
		TRY(store_value(arena, cells, &list[count].value, err));
		count++;
	}
	*entries = (struct entries){ .count = count, .list = list };
	return OK;
}

enum status
store_scope_variables(struct reader *reader, struct arena *arena, int64_t scope, bool local, struct entries *entries,
	bool *exists, struct error *err)
{
	const char *texts[3];
	enum status status;
	PGresult *result;

	arena_reset(reader->scratch);
	texts[0] = number_text(reader->scratch, id_part(scope));
	texts[1] = number_text(reader->scratch, scope);
	texts[2] = local ? "true" : "false";
	TRY(reader_ask(reader, sql, 3, texts, "reading variables", &result, err));
	*exists = PQntuples(result) > 0;
	status = read_rows(result, arena, entries, err);
	PQclear(result);
	return status;
}
