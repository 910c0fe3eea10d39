/* SPDX-License-Identifier: Apache-2.0
 * The query tables: store/queries/<name>.def, read once for each kind of row. */
#include "store/store_priv.h"

/* What ends every sort, and where the rows come from. */
struct query_from {
	const char *id, *sql;
};

/* Whether nothing else is open in the scope of activity a; and the execution that Camunda says a token has (of element
 * e): its scope's, as long as it is alone there and needs none of its own. */
#define ALONE(a) \
	"not exists (select from activity s where s.part = " a ".part and s.inst = " a ".inst " \
	"and s.parent = " a ".parent and s.id <> " a ".id)"
#define EXECUTION(a, e) \
	"(case when (" e ".shares or " a ".state in (1, 2)) and " ALONE(a) " then " a ".parent else " a ".id end)"

#define ROWS(name, kind) ROWS_(name, kind)
#define ROWS_(name, kind) name##_##kind

#define QUERY_NAME deployment
#define QUERY_FILE "store/queries/deployment.def"
#include "store/query_rows.inc"
#define QUERY_NAME resource
#define QUERY_FILE "store/queries/resource.def"
#include "store/query_rows.inc"
#define QUERY_NAME process_definition
#define QUERY_FILE "store/queries/process_definition.def"
#include "store/query_rows.inc"
#define QUERY_NAME process_instance
#define QUERY_FILE "store/queries/process_instance.def"
#include "store/query_rows.inc"
#define QUERY_NAME external_task
#define QUERY_FILE "store/queries/external_task.def"
#include "store/query_rows.inc"
#define QUERY_NAME task
#define QUERY_FILE "store/queries/task.def"
#include "store/query_rows.inc"
#define QUERY_NAME job
#define QUERY_FILE "store/queries/job.def"
#include "store/query_rows.inc"
#define QUERY_NAME job_definition
#define QUERY_FILE "store/queries/job_definition.def"
#include "store/query_rows.inc"
#define QUERY_NAME incident
#define QUERY_FILE "store/queries/incident.def"
#include "store/query_rows.inc"
#define QUERY_NAME variable_instance
#define QUERY_FILE "store/queries/variable_instance.def"
#include "store/query_rows.inc"
#define QUERY_NAME execution
#define QUERY_FILE "store/queries/execution.def"
#include "store/query_rows.inc"
#define QUERY_NAME event_subscription
#define QUERY_FILE "store/queries/event_subscription.def"
#include "store/query_rows.inc"
#define QUERY_NAME history_process_instance
#define QUERY_FILE "store/queries/history_process_instance.def"
#include "store/query_rows.inc"
#define QUERY_NAME history_activity_instance
#define QUERY_FILE "store/queries/history_activity_instance.def"
#include "store/query_rows.inc"
#define QUERY_NAME history_variable_instance
#define QUERY_FILE "store/queries/history_variable_instance.def"
#include "store/query_rows.inc"
#define QUERY_NAME history_incident
#define QUERY_FILE "store/queries/history_incident.def"
#include "store/query_rows.inc"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct {
	const char *name;
	const struct query_from *from;
	const struct field *fields;
	size_t field_count;
	const struct filter *filters;
	size_t filter_count;
	const struct sort *sorts;
	size_t sort_count;
} tables[QUERY_COUNT] = {
#define QUERY(query) \
	[QUERY_##query] = { \
		#query, &query##_from, query##_field, COUNT(query##_field), query##_filter, COUNT(query##_filter), \
		query##_sort, COUNT(query##_sort), \
	},
#include "store/queries.def"
#undef QUERY
};

struct query_table
query_table(enum query query)
{
	return (struct query_table){
		.name = tables[query].name,
		.from = tables[query].from->sql,
		.id_sql = tables[query].from->id,
		.fields = tables[query].fields,
		.field_count = tables[query].field_count,
		.filters = tables[query].filters,
		.filter_count = tables[query].filter_count,
		.sorts = tables[query].sorts,
		.sort_count = tables[query].sort_count,
	};
}

/* The tables for the reader: what can be filtered and sorted, and what is refused. */
void
queries_describe(struct text *text)
{
	size_t i;
	int query;

	text_puts(text, "\n# Lists\n");
	for (query = 0; query < QUERY_COUNT; query++) {
		struct query_table table = query_table((enum query)query);

		text_printf(text, "\n## %s\n\n    from %s\n\nfilters:", table.name, table.from);
		for (i = 0; i < table.filter_count; i++)
			text_printf(text, " %s%s", table.filters[i].name,
				table.filters[i].type == FILTER_refused ? " (refused)" : "");
		text_puts(text, "\n\nsorts:");
		for (i = 0; i < table.sort_count; i++)
			text_printf(text, " %s", table.sorts[i].name);
		text_puts(text, "\n");
	}
}
