/* SPDX-License-Identifier: Apache-2.0
 * The query tables: store/queries/<name>.def, read once for each kind of row. */
#include "store/store_priv.h"

/* What ends every sort, and where the rows come from. */
struct query_from {
	const char *id, *sql;
};

/* Whether nothing else is open in the scope of activity a; and the execution that Camunda says a token has (of element
 * e): its scope's, as long as it is alone there and needs none of its own. */
#define ALONE(a) "not exists (select from activity s where s.part = " a ".part and s.inst = " a ".inst and s.parent = " a ".parent " \
	"and s.id <> " a ".id)"
#define EXECUTION(a, e) "(case when (" e ".shares or " a ".state in (1, 2)) and " ALONE(a) " then " a ".parent else " a ".id end)"

#define FROM(id, sql) {id, sql},
#define FIELD(name, type, sql)
#define FILTER(name, type, sql)
#define SORT(name, sql)
static const struct query_from deployment_from[] = {
#include "store/queries/deployment.def"
};
static const struct query_from resource_from[] = {
#include "store/queries/resource.def"
};
static const struct query_from process_definition_from[] = {
#include "store/queries/process_definition.def"
};
static const struct query_from process_instance_from[] = {
#include "store/queries/process_instance.def"
};
static const struct query_from external_task_from[] = {
#include "store/queries/external_task.def"
};
static const struct query_from task_from[] = {
#include "store/queries/task.def"
};
static const struct query_from job_from[] = {
#include "store/queries/job.def"
};
static const struct query_from job_definition_from[] = {
#include "store/queries/job_definition.def"
};
static const struct query_from incident_from[] = {
#include "store/queries/incident.def"
};
static const struct query_from variable_instance_from[] = {
#include "store/queries/variable_instance.def"
};
static const struct query_from execution_from[] = {
#include "store/queries/execution.def"
};
static const struct query_from event_subscription_from[] = {
#include "store/queries/event_subscription.def"
};
static const struct query_from history_process_instance_from[] = {
#include "store/queries/history_process_instance.def"
};
static const struct query_from history_activity_instance_from[] = {
#include "store/queries/history_activity_instance.def"
};
static const struct query_from history_variable_instance_from[] = {
#include "store/queries/history_variable_instance.def"
};
static const struct query_from history_incident_from[] = {
#include "store/queries/history_incident.def"
};
#undef FROM
#undef FIELD
#undef FILTER
#undef SORT

#define FROM(id, sql)
#define FIELD(name, type, sql) {name, FIELD_##type, sql},
#define FILTER(name, type, sql)
#define SORT(name, sql)
static const struct field deployment_field[] = {
#include "store/queries/deployment.def"
};
static const struct field resource_field[] = {
#include "store/queries/resource.def"
};
static const struct field process_definition_field[] = {
#include "store/queries/process_definition.def"
};
static const struct field process_instance_field[] = {
#include "store/queries/process_instance.def"
};
static const struct field external_task_field[] = {
#include "store/queries/external_task.def"
};
static const struct field task_field[] = {
#include "store/queries/task.def"
};
static const struct field job_field[] = {
#include "store/queries/job.def"
};
static const struct field job_definition_field[] = {
#include "store/queries/job_definition.def"
};
static const struct field incident_field[] = {
#include "store/queries/incident.def"
};
static const struct field variable_instance_field[] = {
#include "store/queries/variable_instance.def"
};
static const struct field execution_field[] = {
#include "store/queries/execution.def"
};
static const struct field event_subscription_field[] = {
#include "store/queries/event_subscription.def"
};
static const struct field history_process_instance_field[] = {
#include "store/queries/history_process_instance.def"
};
static const struct field history_activity_instance_field[] = {
#include "store/queries/history_activity_instance.def"
};
static const struct field history_variable_instance_field[] = {
#include "store/queries/history_variable_instance.def"
};
static const struct field history_incident_field[] = {
#include "store/queries/history_incident.def"
};
#undef FROM
#undef FIELD
#undef FILTER
#undef SORT

#define FROM(id, sql)
#define FIELD(name, type, sql)
#define FILTER(name, type, sql) {name, FILTER_##type, sql},
#define SORT(name, sql)
static const struct filter deployment_filter[] = {
#include "store/queries/deployment.def"
};
static const struct filter resource_filter[] = {
#include "store/queries/resource.def"
};
static const struct filter process_definition_filter[] = {
#include "store/queries/process_definition.def"
};
static const struct filter process_instance_filter[] = {
#include "store/queries/process_instance.def"
};
static const struct filter external_task_filter[] = {
#include "store/queries/external_task.def"
};
static const struct filter task_filter[] = {
#include "store/queries/task.def"
};
static const struct filter job_filter[] = {
#include "store/queries/job.def"
};
static const struct filter job_definition_filter[] = {
#include "store/queries/job_definition.def"
};
static const struct filter incident_filter[] = {
#include "store/queries/incident.def"
};
static const struct filter variable_instance_filter[] = {
#include "store/queries/variable_instance.def"
};
static const struct filter execution_filter[] = {
#include "store/queries/execution.def"
};
static const struct filter event_subscription_filter[] = {
#include "store/queries/event_subscription.def"
};
static const struct filter history_process_instance_filter[] = {
#include "store/queries/history_process_instance.def"
};
static const struct filter history_activity_instance_filter[] = {
#include "store/queries/history_activity_instance.def"
};
static const struct filter history_variable_instance_filter[] = {
#include "store/queries/history_variable_instance.def"
};
static const struct filter history_incident_filter[] = {
#include "store/queries/history_incident.def"
};
#undef FROM
#undef FIELD
#undef FILTER
#undef SORT

#define FROM(id, sql)
#define FIELD(name, type, sql)
#define FILTER(name, type, sql)
#define SORT(name, sql) {name, sql},
static const struct sort deployment_sort[] = {
#include "store/queries/deployment.def"
};
static const struct sort resource_sort[] = {
#include "store/queries/resource.def"
};
static const struct sort process_definition_sort[] = {
#include "store/queries/process_definition.def"
};
static const struct sort process_instance_sort[] = {
#include "store/queries/process_instance.def"
};
static const struct sort external_task_sort[] = {
#include "store/queries/external_task.def"
};
static const struct sort task_sort[] = {
#include "store/queries/task.def"
};
static const struct sort job_sort[] = {
#include "store/queries/job.def"
};
static const struct sort job_definition_sort[] = {
#include "store/queries/job_definition.def"
};
static const struct sort incident_sort[] = {
#include "store/queries/incident.def"
};
static const struct sort variable_instance_sort[] = {
#include "store/queries/variable_instance.def"
};
static const struct sort execution_sort[] = {
#include "store/queries/execution.def"
};
static const struct sort event_subscription_sort[] = {
#include "store/queries/event_subscription.def"
};
static const struct sort history_process_instance_sort[] = {
#include "store/queries/history_process_instance.def"
};
static const struct sort history_activity_instance_sort[] = {
#include "store/queries/history_activity_instance.def"
};
static const struct sort history_variable_instance_sort[] = {
#include "store/queries/history_variable_instance.def"
};
static const struct sort history_incident_sort[] = {
#include "store/queries/history_incident.def"
};
#undef FROM
#undef FIELD
#undef FILTER
#undef SORT

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* from and id are constants of the first row, which C does not let into an initialiser: struct with pointers to them. */
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
		#query, query##_from, query##_field, COUNT(query##_field), query##_filter, COUNT(query##_filter), \
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
