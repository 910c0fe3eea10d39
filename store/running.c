/* SPDX-License-Identifier: Apache-2.0
 * What is active in an instance, as a tree, read in one statement. */
#include "store/store_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/map.h"

static const char sql[] =
	"select i.id, d.wire_id, d.name, a.id, a.parent, a.state, e.id, e.name, e.type, e.shares, "
	"(select string_agg(n.id::text, ',' order by n.id) from incident n where n.part = a.part and n.activity = a.id "
	"and n.inst = a.inst), "
	"(select string_agg(n.id::text, ',' order by n.id) from incident n where n.part = i.part and n.activity = i.id "
	"and n.inst = i.id) from instance i join definition d on d.id = i.definition "
	"left join activity a on a.part = i.part and a.inst = i.id "
	"left join element e on e.definition = a.definition and e.elem = a.elem "
	"where i.part = $1::int2 and i.id = coalesce((select inst from activity where part = $1::int2 and id = "
	"$2::int8), $2::int8) order by a.id";

enum { INSTANCE, WIRE_ID, NAME, ACTIVITY, PARENT, STATE, ELEMENT, ELEMENT_NAME, TYPE, SHARES, INCIDENTS,
	ROOT_INCIDENTS };

/* A list of ids divided by commas. */
static void
read_ids(const PGresult *result, int row, int column, struct arena *arena, struct running_activity *activity)
{
	const char *at = PQgetvalue(result, row, column);
	int64_t *ids = ARENA_ARRAY(arena, int64_t, strlen(at) / 2 + 1);

	activity->incidents = ids;
	while (*at) {
		char *end;

		ids[activity->incident_count++] = strtoll(at, &end, 10);
		at = *end ? end + 1 : end;
	}
}

static struct running_activity *
read_root(const PGresult *result, struct arena *arena)
{
	struct running_activity *root = ARENA_NEW(arena, struct running_activity);

	root->id = cell_number(result, 0, INSTANCE);
	root->id_text = cell_string(result, 0, WIRE_ID, arena);
	root->name = cell_string(result, 0, NAME, arena);
	root->type = element_type(EL_process);
	read_ids(result, 0, ROOT_INCIDENTS, arena, root);
	return root;
}

static struct running_activity *
read_activity(const PGresult *result, int row, struct arena *arena)
{
	struct running_activity *activity = ARENA_NEW(arena, struct running_activity);
	int64_t state = cell_number(result, row, STATE);

	activity->id = cell_number(result, row, ACTIVITY);
	activity->id_text = cell_string(result, row, ELEMENT, arena);
	activity->name = cell_string(result, row, ELEMENT_NAME, arena);
	activity->type = cell_string(result, row, TYPE, arena);
	activity->transition = state == ACTIVITY_before || state == ACTIVITY_after;
	activity->shares = cell_true(result, row, SHARES) || activity->transition;
	read_ids(result, row, INCIDENTS, arena, activity);
	return activity;
}

/* A parent has a lower id than its children, so it is in the map before them. */
static void
read_tree(const PGresult *result, struct arena *arena, struct running_instance *instance)
{
	struct map by_id;

	instance->id = cell_number(result, 0, INSTANCE);
	instance->definition = cell_string(result, 0, WIRE_ID, arena);
	instance->root = read_root(result, arena);
	map_init(&by_id, arena);
	map_put(&by_id, instance->id, instance->root);
	for (int row = 0; row < PQntuples(result) && !PQgetisnull(result, row, ACTIVITY); row++) {
		struct running_activity *activity = read_activity(result, row, arena);
		struct running_activity *parent = map_get(&by_id, cell_number(result, row, PARENT));

		map_put(&by_id, activity->id, activity);
		if (!parent)
			parent = instance->root;
		if (parent->last)
			parent->last->next = activity;
		else
			parent->first = activity;
		parent->last = activity;
	}
}

enum status
store_running_instance(struct reader *reader, struct arena *arena, int64_t id, struct running_instance **instance,
	struct error *err)
{
	const char *texts[2];
	bool found;
	PGresult *result;

	arena_reset(reader->scratch);
	texts[0] = number_text(reader->scratch, id_part(id));
	texts[1] = number_text(reader->scratch, id);
	TRY(reader_ask(reader, sql, 2, texts, "reading an instance", &result, err));
	found = PQntuples(result) > 0;
	if (found) {
		*instance = ARENA_NEW(arena, struct running_instance);
		read_tree(result, arena, *instance);
	}
	PQclear(result);
	return found ? OK : FAIL(err, not_found, "Process instance with id '%s' does not exist", texts[1]);
}
