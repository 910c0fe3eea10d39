/* SPDX-License-Identifier: Apache-2.0
 * From query parameters or a body to conditions of a query table, and from its rows to Camunda's DTOs.  What can be
 * filtered and sorted is said by the tables alone (store/queries/). */
#include "api/list.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/variables.h"
#include "base/when.h"

enum { MOST_CONDITIONS = 20, MOST_REPLY_BYTES = 128 * 1024 * 1024 };

/* A query while the request is read. */
struct asked {
	struct exchange *exchange;
	struct query_table table;
	struct query_request request;
	struct argument *arguments;
	struct ordering *orderings;
	bool from_body;
	struct error *err;
};

/* ---- conversions, with Camunda's complaints (api.md 2.0) ---------------------------------------------------- */

static enum status
cannot_set(struct asked *asked, const char *name, const char *text, const char *why)
{
	return FAIL(asked->err, invalid_request, "Cannot set query parameter '%s' to value '%s'%s%s", name, text,
		why ? ": " : "", why ? why : "");
}

static enum status
read_date(struct asked *asked, const char *name, const char *text, int64_t *us)
{
	struct error ignored;

	if (when_parse_strict(text, us, &ignored) == OK)
		return OK;
	if (asked->from_body)
		return FAIL(asked->err, invalid_request, "%s", "");
	return cannot_set(asked, name, text,
		arena_printf(asked->exchange->arena, "Cannot convert value \"%s\" to java type java.util.Date", text));
}

/* Priorities of external tasks and jobs are Long in Camunda, every other number is Integer. */
static const char *
number_type(const struct asked *asked, const char *name)
{
	bool is_long = !strncmp(name, "priority", 8) &&
		(asked->request.query == QUERY_external_task || asked->request.query == QUERY_job);

	return is_long ? "Long" : "Integer";
}

static enum status
read_number(struct asked *asked, const char *name, const char *text)
{
	int64_t number;

	if (text_to_int(text, &number))
		return OK;
	return cannot_set(asked, name, text, arena_printf(asked->exchange->arena,
		"Cannot convert value %s to java type java.lang.%s", text, number_type(asked, name)));
}

static enum status
read_flag(struct asked *asked, const char *name, const char *text, const char **flag)
{
	if (strcasecmp(text, "true") != 0 && strcasecmp(text, "false") != 0)
		return cannot_set(asked, name, text, arena_printf(asked->exchange->arena,
			"Cannot convert value %s to java type java.lang.Boolean", text));
	*flag = strcasecmp(text, "true") == 0 ? "true" : "false";
	return OK;
}

/* ---- texts ------------------------------------------------------------------------------------------ */

static void
take_text(struct asked *asked, const char *text, struct argument *argument)
{
	const char **texts = ARENA_ARRAY(asked->exchange->arena, const char *, 1);

	texts[0] = text;
	argument->texts = texts;
	argument->count = 1;
}

static void
split_texts(struct exchange *exchange, const char *text, struct argument *argument)
{
	size_t count = 1, i = 0;
	const char **texts;

	for (const char *at = text; *at != '\0'; at++)
		count += *at == ',';
	texts = ARENA_ARRAY(exchange->arena, const char *, count);
	for (const char *at = text; i < count; i++) {
		size_t length = strcspn(at, ",");

		texts[i] = arena_strndup(exchange->arena, at, length);
		at += length + 1;
	}
	argument->texts = texts;
	argument->count = count;
}

static enum status
take_texts(struct asked *asked, const struct value *json, struct argument *argument)
{
	const char **texts;

	if (argument->filter->type == FILTER_activity_ids && json->type == VALUE_string) {
		take_text(asked, json->text, argument);
		return OK;
	}
	if (json->type != VALUE_list)
		return FAIL(asked->err, invalid_request, "%s", "");
	texts = ARENA_ARRAY(asked->exchange->arena, const char *, json->length);
	for (size_t i = 0; i < json->length; i++) {
		if (json->items[i].type == VALUE_null || json->items[i].type == VALUE_list ||
			json->items[i].type == VALUE_map)
			return FAIL(asked->err, invalid_request, "%s", "");
		texts[i] = value_to_text(asked->exchange->arena, &json->items[i]);
	}
	argument->texts = texts;
	argument->count = json->length;
	return OK;
}

/* ---- conditions on variables and dates ----------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum variable_operator op;
} operators[] = {
	{ "eq", OP_eq }, { "neq", OP_neq }, { "gt", OP_gt }, { "gteq", OP_gteq }, { "lt", OP_lt }, { "lteq", OP_lteq },
	{ "like", OP_like }, { "notLike", OP_not_like },
};

/* What Camunda calls the operator of each list of conditions in its complaint; notLike is not known to all. */
static const char *
operator_kind(const char *filter)
{
	if (strcmp(filter, "processVariables") == 0)
		return "process variable";
	if (strcmp(filter, "taskVariables") == 0)
		return "task variable";
	if (strcmp(filter, "dueDates") == 0)
		return "due date";
	return strcmp(filter, "createTimes") == 0 ? "create time" : "variable";
}

static enum status
read_operator(struct asked *asked, const struct filter *filter, const char *name, enum variable_operator *op)
{
	bool dates = filter->type == FILTER_dates;
	bool no_not_like = asked->request.query == QUERY_process_instance || asked->request.query == QUERY_execution ||
		asked->request.query == QUERY_variable_instance;

	for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
		if (strcmp(operators[i].name, name) != 0)
			continue;
		*op = operators[i].op;
		if (dates ? *op == OP_gt || *op == OP_lt : *op != OP_not_like || !no_not_like)
			return OK;
	}
	return FAIL(asked->err, invalid_request, "Invalid %s comparator specified: %s", operator_kind(filter->name),
		name);
}

/* A text that is a date in Camunda's form is one. */
static struct value
text_operand(const char *text)
{
	struct error ignored;
	int64_t us;

	return when_parse_strict(text, &us, &ignored) == OK ? value_date(us) : value_string(text);
}

/* name_operator_value, exactly three parts. */
static enum status
read_condition_text(struct asked *asked, const struct argument *argument, const char *whole, const char *text,
	struct variable_condition *condition)
{
	struct arena *arena = asked->exchange->arena;
	const char *first = strchr(text, '_'), *second = first != NULL ? strchr(first + 1, '_') : NULL;

	if (second == NULL || second[1] == '\0' || strchr(second + 1, '_') != NULL)
		return cannot_set(asked, argument->filter->name, whole,
			"variable query parameter has to have format KEY_OPERATOR_VALUE.");
	condition->name = arena_strndup(arena, text, (size_t)(first - text));
	condition->value = text_operand(second + 1);
	return read_operator(asked, argument->filter, arena_strndup(arena, first + 1, (size_t)(second - first - 1)),
		&condition->op);
}

static enum status
read_condition_json(struct asked *asked, const struct argument *argument, const struct value *json,
	struct variable_condition *condition)
{
	const struct value *name = json->type == VALUE_map ? value_get(json, "name") : NULL;
	const struct value *op = json->type == VALUE_map ? value_get(json, "operator") : NULL;
	const struct value *value = json->type == VALUE_map ? value_get(json, "value") : NULL;

	if (json->type != VALUE_map)
		return FAIL(asked->err, invalid_request, "%s", "");
	if (op == NULL || op->type != VALUE_string)
		return FAIL(asked->err, invalid_request, "operator is null");
	TRY(read_operator(asked, argument->filter, op->text, &condition->op));
	if (argument->filter->type != FILTER_dates && (name == NULL || name->type == VALUE_null))
		return FAIL(asked->err, null_value, "name is null");
	condition->name = name != NULL ? value_to_text(asked->exchange->arena, name) : NULL;
	condition->value = value_null();
	if (value != NULL && !variable_raw(value, &condition->value))
		return FAIL(asked->err, engine, "Object values cannot be used to query");
	if (condition->value.type == VALUE_string)
		condition->value = text_operand(condition->value.text);
	return OK;
}

static enum status
read_date_condition(struct asked *asked, const struct argument *argument, const char *text,
	struct variable_condition *condition)
{
	const char *bar = strchr(text, '_');
	struct error ignored;
	int64_t us;

	if (bar == NULL || strchr(bar + 1, '_') != NULL)
		return cannot_set(asked, argument->filter->name, text,
			"condition query parameter has to have format OPERATOR_VALUE.");
	TRY(read_operator(asked, argument->filter, arena_strndup(asked->exchange->arena, text, (size_t)(bar - text)),
		&condition->op));
	if (when_parse_strict(bar + 1, &us, &ignored) != OK)
		return FAIL(asked->err, invalid_request, "Invalid %s format: Cannot convert value \"%s\" to java type "
			"java.util.Date",
			operator_kind(argument->filter->name), bar + 1);
	condition->value = value_date(us);
	return OK;
}

static enum status
read_conditions_text(struct asked *asked, const char *text, struct argument *argument)
{
	struct variable_condition *conditions;

	split_texts(asked->exchange, text, argument);
	conditions = ARENA_ARRAY(asked->exchange->arena, struct variable_condition, argument->count);
	for (size_t i = 0; i < argument->count; i++) {
		if (argument->filter->type == FILTER_dates)
			TRY(read_date_condition(asked, argument, argument->texts[i], &conditions[i]));
		else
			TRY(read_condition_text(asked, argument, text, argument->texts[i], &conditions[i]));
	}
	argument->conditions = conditions;
	return OK;
}

static enum status
read_conditions_json(struct asked *asked, const struct value *json, struct argument *argument)
{
	struct variable_condition *conditions;

	if (json->type != VALUE_list)
		return FAIL(asked->err, invalid_request, "%s", "");
	conditions = ARENA_ARRAY(asked->exchange->arena, struct variable_condition, json->length);
	argument->count = json->length;
	for (size_t i = 0; i < json->length; i++) {
		TRY(read_condition_json(asked, argument, &json->items[i], &conditions[i]));
		if (argument->filter->type == FILTER_dates && conditions[i].value.type != VALUE_date)
			return FAIL(asked->err, invalid_request, "Invalid %s format: Cannot convert value \"%s\" to "
				"java type java.util.Date", operator_kind(argument->filter->name),
				value_to_text(asked->exchange->arena, &conditions[i].value));
	}
	argument->conditions = conditions;
	return OK;
}

/* ---- one filter ------------------------------------------------------------------------------------------------ */

static void
take_value(struct asked *asked, struct value value, struct argument *argument)
{
	struct variable_condition *condition = ARENA_NEW(asked->exchange->arena, struct variable_condition);

	condition->value = value;
	argument->conditions = condition;
	argument->count = 1;
}

static enum status
take_date(struct asked *asked, const char *text, struct argument *argument)
{
	int64_t us;

	TRY(read_date(asked, argument->filter->name, text, &us));
	take_text(asked, arena_printf(asked->exchange->arena, "%lld", (long long)us), argument);
	return OK;
}

static enum status
take_flag(struct asked *asked, const char *text, struct argument *argument)
{
	const char *flag = "false";

	TRY(read_flag(asked, argument->filter->name, text, &flag));
	take_text(asked, flag, argument);
	return OK;
}

static enum status
refuse(struct asked *asked, const struct filter *filter)
{
	return FAIL(asked->err, invalid_request, "The filter '%s' is not supported yet", filter->name);
}

static enum status
read_text(struct asked *asked, const char *text, struct argument *argument)
{
	switch (argument->filter->type) {
	case FILTER_text:
	case FILTER_like:
	case FILTER_id:
	case FILTER_choice:
	case FILTER_ignored:
		take_text(asked, text, argument);
		return OK;
	case FILTER_texts:
	case FILTER_ids:
	case FILTER_types:
	case FILTER_activity_ids:
		split_texts(asked->exchange, text, argument);
		return OK;
	case FILTER_number:
		take_text(asked, text, argument);
		return read_number(asked, argument->filter->name, text);
	case FILTER_date:
		return take_date(asked, text, argument);
	case FILTER_true:
	case FILTER_unless:
	case FILTER_include:
	case FILTER_flag:
		return take_flag(asked, text, argument);
	case FILTER_variables:
	case FILTER_dates:
		return read_conditions_text(asked, text, argument);
	case FILTER_value:
		take_value(asked, value_string(text), argument);
		return OK;
	case FILTER_refused:
		return refuse(asked, argument->filter);
	}
	return OK;
}

/* A number of a body may be a text that is one, as Jackson reads it. */
static enum status
read_json_number(struct asked *asked, const struct value *json, struct argument *argument)
{
	int64_t number;

	if (json->type != VALUE_integer && json->type != VALUE_long &&
	    (json->type != VALUE_string || !text_to_int(json->text, &number)))
		return FAIL(asked->err, invalid_request, "%s", "");
	take_text(asked, value_to_text(asked->exchange->arena, json), argument);
	return OK;
}

static enum status
read_json_flag(struct asked *asked, const struct value *json, struct argument *argument)
{
	bool on = json->type == VALUE_string ? strcmp(json->text, "true") == 0 : json->integer != 0;
	bool word = json->type == VALUE_string && (on || strcmp(json->text, "false") == 0);

	if (json->type != VALUE_boolean && json->type != VALUE_integer && !word)
		return FAIL(asked->err, invalid_request, "%s", "");
	take_text(asked, on ? "true" : "false", argument);
	return OK;
}

static enum status
read_json_text(struct asked *asked, const struct value *json, struct argument *argument)
{
	if (json->type == VALUE_list || json->type == VALUE_map)
		return FAIL(asked->err, invalid_request, "%s", "");
	return read_text(asked, value_to_text(asked->exchange->arena, json), argument);
}

static enum status
read_json(struct asked *asked, const struct value *json, struct argument *argument)
{
	struct value value;

	switch (argument->filter->type) {
	case FILTER_text:
	case FILTER_like:
	case FILTER_id:
	case FILTER_choice:
	case FILTER_date:
		return read_json_text(asked, json, argument);
	case FILTER_texts:
	case FILTER_ids:
	case FILTER_types:
	case FILTER_activity_ids:
		return take_texts(asked, json, argument);
	case FILTER_number:
		return read_json_number(asked, json, argument);
	case FILTER_true:
	case FILTER_unless:
	case FILTER_include:
	case FILTER_flag:
		return read_json_flag(asked, json, argument);
	case FILTER_variables:
	case FILTER_dates:
		return read_conditions_json(asked, json, argument);
	case FILTER_value:
		if (!variable_raw(json, &value))
			return FAIL(asked->err, engine, "Object values cannot be used to query");
		take_value(asked, value, argument);
		return OK;
	case FILTER_refused:
		if ((json->type == VALUE_list && json->length == 0) || (json->type == VALUE_boolean &&
			json->integer == 0)) {
			take_text(asked, "", argument);
			return OK;
		}
		return refuse(asked, argument->filter);
	case FILTER_ignored:
		take_text(asked, "", argument);
		return OK;
	}
	return OK;
}

/* ---- the whole request ------------------------------------------------------------------------------------------ */

/* PostgreSQL plans each condition as a join, and needs seconds for fifty of them. */
static enum status
check_conditions(const struct asked *asked)
{
	size_t count = 0;

	for (size_t i = 0; i < asked->request.argument_count; i++)
		count += asked->arguments[i].conditions != NULL ? asked->arguments[i].count : 0;
	if (count > MOST_CONDITIONS)
		return FAIL(asked->err, invalid_request, "a query has at most %d conditions on variables, not %zu",
			MOST_CONDITIONS, count);
	return OK;
}

static enum status
read_filters(struct asked *asked)
{
	asked->arguments = ARENA_ARRAY(asked->exchange->arena, struct argument, asked->table.filter_count);
	for (size_t i = 0; i < asked->table.filter_count; i++) {
		const struct filter *filter = &asked->table.filters[i];
		struct argument *argument = &asked->arguments[asked->request.argument_count];
		const char *text = asked->from_body ? NULL : exchange_query(asked->exchange, filter->name);
		const struct value *json = asked->from_body ? body_get(asked->exchange, filter->name) : NULL;

		if (text == NULL && json == NULL)
			continue;
		argument->filter = filter;
		TRY(json != NULL ? read_json(asked, json, argument) : read_text(asked, text, argument));
		asked->request.argument_count++;
	}
	asked->request.arguments = asked->arguments;
	return check_conditions(asked);
}

/* Case insensitivity is a filter of its own that changes the others. */
static void
apply_flags(struct asked *asked)
{
	bool names = false, values = false;

	for (size_t i = 0; i < asked->request.argument_count; i++) {
		const struct argument *argument = &asked->arguments[i];

		if (argument->filter->type != FILTER_flag || strcmp(argument->texts[0], "true") != 0)
			continue;
		names = names || strcmp(argument->filter->sql, "names") == 0;
		values = values || strcmp(argument->filter->sql, "values") == 0;
	}
	for (size_t i = 0; i < asked->request.argument_count; i++) {
		struct argument *argument = &asked->arguments[i];

		argument->ignore_case = names && strcmp(argument->filter->name, "variableName") == 0;
		if (argument->filter->type != FILTER_variables && argument->filter->type != FILTER_value)
			continue;
		for (size_t j = 0; j < argument->count; j++) {
			/* made here, by this request */
			struct variable_condition *condition = (struct variable_condition *)&argument->conditions[j];

			condition->ignore_name_case = names;
			condition->ignore_value_case = values;
		}
	}
}

static const struct sort *
find_sort(const struct asked *asked, const char *name)
{
	for (size_t i = 0; name != NULL && i < asked->table.sort_count; i++)
		if (strcmp(asked->table.sorts[i].name, name) == 0)
			return &asked->table.sorts[i];
	return NULL;
}

static void
add_ordering(struct asked *asked, const struct sort *sort, bool descending)
{
	asked->orderings[asked->request.ordering_count++] = (struct ordering){ .sort = sort, .descending = descending };
	asked->request.orderings = asked->orderings;
}

static enum status
read_parameter_sorting(struct asked *asked)
{
	const char *by = exchange_query(asked->exchange, "sortBy"), *order = exchange_query(asked->exchange,
		"sortOrder");
	const struct sort *sort = find_sort(asked, by);

	if (by == NULL && order == NULL)
		return OK;
	if (order != NULL && strcmp(order, "asc") != 0 && strcmp(order, "desc") != 0)
		return cannot_set(asked, "sortOrder", order, NULL);
	if (by != NULL && sort == NULL)
		return cannot_set(asked, "sortBy", by, NULL);
	if (by == NULL || order == NULL)
		return FAIL(asked->err, invalid_request,
			"Only a single sorting parameter specified. sortBy and sortOrder required");
	asked->orderings = ARENA_ARRAY(asked->exchange->arena, struct ordering, 1);
	add_ordering(asked, sort, strcmp(order, "desc") == 0);
	return OK;
}

static const char *
member_text(const struct value *map, const char *name)
{
	const struct value *member = map->type == VALUE_map ? value_get(map, name) : NULL;

	return member != NULL && member->type == VALUE_string ? member->text : NULL;
}

/* In a body what is not known counts as absent, and Camunda's query complains. */
static enum status
read_body_sorting(struct asked *asked)
{
	const struct value *list = body_get(asked->exchange, "sorting");

	if (list == NULL)
		return OK;
	if (list->type != VALUE_list)
		return FAIL(asked->err, invalid_request, "%s", "");
	asked->orderings = ARENA_ARRAY(asked->exchange->arena, struct ordering, list->length);
	for (size_t i = 0; i < list->length; i++) {
		const char *order = member_text(&list->items[i], "sortOrder");
		const struct sort *sort = find_sort(asked, member_text(&list->items[i], "sortBy"));

		if (sort == NULL)
			return FAIL(asked->err, not_valid, "You should call any of the orderBy methods first before "
				"specifying a direction: currentOrderingProperty is null");
		if (order == NULL || (strcmp(order, "asc") != 0 && strcmp(order, "desc") != 0))
			return FAIL(asked->err, not_valid,
				"Invalid query: call asc() or desc() after using orderByXX(): direction is null");
		add_ordering(asked, sort, strcmp(order, "desc") == 0);
	}
	return OK;
}

/* Pages are query parameters also with a body; an empty one is absent, a negative one gives no rows. */
static enum status
read_page(struct asked *asked)
{
	const char *first = exchange_query(asked->exchange, "firstResult"),
		*max = exchange_query(asked->exchange, "maxResults");

	asked->request.max = -1;
	if ((first != NULL && first[0] != '\0' && !text_to_int(first, &asked->request.first)) ||
	    (max != NULL && max[0] != '\0' && !text_to_int(max, &asked->request.max)))
		return FAIL(asked->err, query_param, "HTTP 404 Not Found");
	if (asked->request.first < 0 || (max != NULL && max[0] != '\0' && asked->request.max < 0)) {
		asked->request.first = 0;
		asked->request.max = 0;
	}
	return OK;
}

static bool
has(const struct asked *asked, const char *name)
{
	for (size_t i = 0; i < asked->request.argument_count; i++)
		if (strcmp(asked->arguments[i].filter->name, name) == 0)
			return true;
	return false;
}

static bool
is_true(const struct asked *asked, const char *name)
{
	for (size_t i = 0; i < asked->request.argument_count; i++)
		if (strcmp(asked->arguments[i].filter->name, name) == 0)
			return asked->arguments[i].count == 1 && strcmp(asked->arguments[i].texts[0], "true") == 0;
	return false;
}

/* Filters that Camunda takes one at a time, or together only. */
static enum status
check_exclusive(struct asked *asked)
{
	static const char *const states[] = { "open", "resolved", "deleted" };
	const char *first = NULL;

	if (asked->request.query == QUERY_history_variable_instance && has(asked, "variableValue") && !has(asked,
		"variableName"))
		return FAIL(asked->err, invalid_request, "Only a single variable value parameter specified: variable "
			"name and value are required to be able to query after a specific variable value.");
	if (asked->request.query == QUERY_job && is_true(asked, "timers") && is_true(asked, "messages"))
		return FAIL(asked->err, invalid_request, "Parameter timers cannot be used together with parameter "
			"messages.");
	for (size_t i = 0; asked->request.query == QUERY_history_incident && i < 3; i++) {
		if (!is_true(asked, states[i]))
			continue;
		if (first != NULL)
			return FAIL(asked->err, engine, "Already querying for incident state <%s>", first);
		first = states[i];
	}
	return OK;
}

static enum status
read_request(struct asked *asked, struct exchange *exchange, enum query query, bool page, struct error *err)
{
	*asked = (struct asked){
		.exchange = exchange,
		.table = query_table(query),
		.request = { .query = query, .max = -1 },
		.from_body = strcmp(exchange->method, "POST") == 0,
		.err = err,
	};
	if (asked->from_body && exchange->json.type != VALUE_map)
		return FAIL(err, invalid_request, "%s", "");
	if (page)
		TRY(read_page(asked));
	TRY(read_filters(asked));
	apply_flags(asked);
	TRY(check_exclusive(asked));
	if (!page)
		return OK;
	return asked->from_body ? read_body_sorting(asked) : read_parameter_sorting(asked);
}

/* ---- rows as objects ------------------------------------------------------------------------------------------- */

enum { VALUE_CELLS = 5 };

struct output {
	struct exchange *exchange;
	struct query_table table;
	bool deserialize;
	size_t rows;
	enum status status;
	struct error *err;
};

static enum status
write_variable(struct output *output, const char *const *cells)
{
	struct value value;

	TRY(store_value(output->exchange->arena, cells, &value, output->err));
	variable_write(&output->exchange->writer, output->exchange->arena, &value, output->deserialize, false);
	return OK;
}

static void
write_cell(struct json *json, enum field_type type, const char *cell)
{
	if (cell == NULL) {
		json_null(json);
		return;
	}
	switch (type) {
	case FIELD_text:
	case FIELD_id:
		json_string(json, cell);
		break;
	case FIELD_number:
		json_int(json, strtoll(cell, NULL, 10));
		break;
	case FIELD_bool:
		json_bool(json, cell[0] == 't');
		break;
	case FIELD_date:
		json_date(json, strtoll(cell, NULL, 10));
		break;
	case FIELD_list:
		json_raw(json, cell);
		break;
	case FIELD_null:
	case FIELD_value:
	case FIELD_hidden:
		break;
	}
}

static enum status
write_row(struct output *output, const char *const *cells)
{
	struct json *json = &output->exchange->writer;

	json_open(json, '{');
	for (size_t i = 0; i < output->table.field_count; i++) {
		const struct field *field = &output->table.fields[i];

		if (field->type == FIELD_value) {
			TRY(write_variable(output, cells));
			cells += VALUE_CELLS;
			continue;
		}
		if (field->type != FIELD_hidden) {
			json_key(json, field->name);
			write_cell(json, field->type, field->type == FIELD_null ? NULL : cells[0]);
		}
		cells += field->type != FIELD_null;
	}
	json_close(json, '}');
	return OK;
}

static bool
take_row(void *context, const char *const *cells)
{
	struct output *output = context;

	output->rows++;
	output->status = write_row(output, cells);
	/* a reply is made in memory: without an end to it one request would be the end of the daemon */
	if (output->status == OK && output->exchange->out.length > MOST_REPLY_BYTES)
		output->status = FAIL(output->err, invalid_request, "the list is longer than %d bytes: ask for pages "
			"of it with firstResult and maxResults", MOST_REPLY_BYTES);
	return output->status == OK;
}

static enum status
write_rows(struct output *output, struct reader *reader, const struct query_request *request)
{
	output->table = query_table(request->query);
	TRY(store_query(reader, request, take_row, output, output->err));
	return output->status;
}

void
list_reply(struct exchange *exchange, struct reader *reader, enum query query)
{
	struct error err;
	struct asked asked;
	struct output output = {
		.exchange = exchange,
		.deserialize = exchange_query_flag(exchange, "deserializeValues", true),
		.err = &err,
	};

	if (read_request(&asked, exchange, query, true, &err) != OK) {
		exchange_error(exchange, &err);
		return;
	}
	json_open(&exchange->writer, '[');
	if (write_rows(&output, reader, &asked.request) != OK) {
		exchange_error(exchange, &err);
		return;
	}
	json_close(&exchange->writer, ']');
	exchange_json(exchange);
}

void
count_reply(struct exchange *exchange, struct reader *reader, enum query query)
{
	struct error err;
	struct asked asked;
	int64_t count;

	if (read_request(&asked, exchange, query, false, &err) != OK ||
	    store_count(reader, &asked.request, &count, &err) != OK) {
		exchange_error(exchange, &err);
		return;
	}
	json_open(&exchange->writer, '{');
	json_put_int(&exchange->writer, "count", count);
	json_close(&exchange->writer, '}');
	exchange_json(exchange);
}

/* ---- one object -------------------------------------------------------------------------------------------------- */

static void
ask_where(struct query_request *request, enum query query, const char *filter, const char *const *text,
	struct argument *argument)
{
	struct query_table table = query_table(query);

	*request = (struct query_request){ .query = query, .arguments = argument, .argument_count = 1, .max = -1 };
	for (size_t i = 0; i < table.filter_count; i++)
		if (strcmp(table.filters[i].name, filter) == 0)
			*argument = (struct argument){ .filter = &table.filters[i], .texts = text, .count = 1 };
}

enum status
object_write(struct exchange *exchange, struct reader *reader, enum query query, const char *filter, const char *text,
	bool deserialize, bool *found, struct error *err)
{
	struct output output = { .exchange = exchange, .deserialize = deserialize, .err = err };
	struct query_request request;
	struct argument argument;

	ask_where(&request, query, filter, &text, &argument);
	request.max = 1;
	TRY(write_rows(&output, reader, &request));
	*found = output.rows == 1;
	return OK;
}

enum status
rows_where(struct reader *reader, enum query query, const char *filter, const char *text, query_row *row, void *context,
	struct error *err)
{
	struct query_request request;
	struct argument argument;

	ask_where(&request, query, filter, &text, &argument);
	return store_query(reader, &request, row, context, err);
}

size_t
cell_of(enum query query, const char *field)
{
	struct query_table table = query_table(query);
	size_t cell = 0;

	for (size_t i = 0; i < table.field_count && strcmp(table.fields[i].name, field) != 0; i++) {
		if (table.fields[i].type == FIELD_value)
			cell += VALUE_CELLS;
		else
			cell += table.fields[i].type != FIELD_null;
	}
	return cell;
}

/* ---- one text -------------------------------------------------------------------------------------------------------
 * */

struct one_text {
	struct exchange *exchange;
	size_t cell;
	bool found;
	const char *text;
};

static bool
take_one_text(void *context, const char *const *cells)
{
	struct one_text *one = context;

	one->found = true;
	one->text = arena_strdup(one->exchange->arena, cells[one->cell]);
	return true;
}

enum status
field_reply(struct exchange *exchange, struct reader *reader, enum query query, const char *filter, const char *field,
	bool *found, struct error *err)
{
	struct one_text one = { .exchange = exchange, .cell = cell_of(query, field) };

	TRY(rows_where(reader, query, filter, exchange->params[0], take_one_text, &one, err));
	*found = one.found;
	if (one.found && one.text == NULL)
		exchange_empty(exchange);
	else if (one.found)
		exchange_bytes(exchange, 200, "text/plain", one.text, strlen(one.text), NULL);
	return OK;
}
