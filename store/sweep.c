/* SPDX-License-Identifier: Apache-2.0
 * What nobody can see any more goes in the background, some rows at a time, so that no statement is long. */
#include "store/store_priv.h"

enum { SWEEP_INSTANCES = 200 };		/* history of so many instances goes in one round */

/* Ended instances of a swept definition, and every row of theirs.  The event log and large values go by root. */
static const char sweep_rows[] =
	"with i as (select h.part, h.id, h.root, h.root_started from history_process h join swept s on s.definition = "
	"h.definition limit $1::int8), "
	"a as (delete from history_activity t using i where t.part = i.part and t.inst = i.id), "
	"b as (delete from big_value t using history_variable x, i where x.part = i.part and x.inst = i.id and t.part "
	"= x.part and t.id = x.big), "
	"v as (delete from history_variable t using i where t.part = i.part and t.inst = i.id), "
	"c as (delete from history_incident t using i where t.part = i.part and t.inst = i.id), "
	"e as (delete from event t using i where t.part = i.part and t.root = i.id and i.root = i.id), "
	"p as (delete from history_process t using i where t.part = i.part and t.id = i.id) select count(*) from i";

/* Definitions of which no instance is left, and what else is left of their deployments. */
static const char sweep_definitions[] =
	"with s as (delete from swept s where not exists (select from history_process h where h.definition = "
	"s.definition) and not exists (select from instance i where i.definition = s.definition) returning definition) "
	"delete from definition d using s where d.id = s.definition";

static const char sweep_resources[] =
	"delete from resource r using deployment p where p.id = r.deployment and p.deleted "
	"and not exists (select from definition d where d.deployment = p.id)";

static const char sweep_deployments[] =
	"delete from deployment p where p.deleted and not exists (select from resource r where r.deployment = p.id)";

enum status
store_sweep(struct reader *reader, bool *more, struct error *err)
{
	const char *limit;
	int64_t count;
	PGresult *result;

	arena_reset(reader->scratch);
	*more = false;
	limit = number_text(reader->scratch, SWEEP_INSTANCES);
	TRY(reader_ask(reader, sweep_rows, 1, &limit, "sweeping history", &result, err));
	count = cell_number(result, 0, 0);
	PQclear(result);
	if (count > 0) {
		*more = true;
		return OK;
	}
	TRY(reader_run(reader, sweep_definitions, 0, NULL, "sweeping definitions", err));
	TRY(reader_run(reader, sweep_resources, 0, NULL, "sweeping resources", err));
	return reader_run(reader, sweep_deployments, 0, NULL, "sweeping deployments", err);
}
