/* SPDX-License-Identifier: Apache-2.0
 * Lists: SQL put together from the rows of store/queries/, values as parameters only. */
#include "store/store_priv.h"

#include <stdlib.h>
#include <string.h>

/* A statement while it is being put together. */
struct draft {
	struct arena *arena;
	const struct query_request *request;
	struct query_table table;
	struct text sql;
	const char **texts;		/* parameters */
	size_t count, capacity;
};

/* Adds a parameter; its number, from 1. */
static size_t
add_parameter(struct draft *draft, const char *text)
{
	draft->texts = arena_grow(draft->arena, draft->texts, sizeof *draft->texts, draft->count, &draft->capacity);
	draft->texts[draft->count] = text;
	return ++draft->count;
}

/* A parameter in its form: # is its number. */
static void
put_form(struct draft *draft, const char *form, size_t parameter)
{
	size_t before = strcspn(form, "#");

	text_put(&draft->sql, form, before);
	text_int(&draft->sql, (int64_t)parameter);
	text_puts(&draft->sql, form + before + 1);
}

/* Puts a condition with the parameter for each $, and parts for PARTS. */
static void
put_condition(struct draft *draft, const char *condition, const char *form, size_t parameter, const char *parts)
{
	size_t parts_parameter = parts && strstr(condition, "PARTS") ? add_parameter(draft, parts) : 0;

	for (const char *at = condition; *at;) {
		if (*at == '$') {
			put_form(draft, form, parameter);
			at++;
		} else if (parts && !strncmp(at, "PARTS", 5)) {
			put_form(draft, "$#::int8[]", parts_parameter);
			at += 5;
		} else {
			text_putc(&draft->sql, *at++);
		}
	}
}

/* The forms of a parameter in a condition, by what the filter takes. */
static const char form_text[] = "$#::text", form_texts[] = "$#::text[]", form_number[] = "$#::int8",
	form_numbers[] = "$#::int8[]", form_type[] = "$#::int2", form_real[] = "$#::float8",
	form_date[] = "(timestamptz 'epoch' + $#::int8 * interval '1 microsecond')";

/* ---- ids ------------------------------------------------------------------------------------------------ */

/* An activity instance is "element:id" or, for a process instance, its id alone. */
static const char *
id_text(const char *text, enum filter_type type)
{
	const char *colon = type == FILTER_activity_ids ? strrchr(text, ':') : NULL;

	return colon ? colon + 1 : text;
}

/* The ids among the texts; what is none cannot match anything and is left out. */
static void
put_ids(struct draft *draft, const struct argument *argument)
{
	const char **ids = ARENA_ARRAY(draft->arena, const char *, argument->count);
	const char **parts = ARENA_ARRAY(draft->arena, const char *, argument->count);
	size_t count = 0;
	int64_t id;

	for (size_t i = 0; i < argument->count; i++) {
		const char *text = id_text(argument->texts[i], argument->filter->type);

		if (!text_to_id(text, &id))
			continue;
		ids[count] = text;
		parts[count++] = number_text(draft->arena, id_part(id));
	}
	put_condition(draft, argument->filter->sql, form_numbers, add_parameter(draft, array_text(draft->arena, ids,
		count)),
		array_text(draft->arena, parts, count));
}

static void
put_id(struct draft *draft, const struct argument *argument)
{
	int64_t id;

	if (!text_to_id(argument->texts[0], &id)) {
		text_puts(&draft->sql, "false");
		return;
	}
	put_condition(draft, argument->filter->sql, form_number, add_parameter(draft, argument->texts[0]), NULL);
}

/* ---- variables ------------------------------------------------------------------------------------------ */

static const char *const operators[] = {
	[OP_eq] = "=", [OP_neq] = "<>", [OP_gt] = ">", [OP_gteq] = ">=", [OP_lt] = "<", [OP_lteq] = "<=",
	[OP_like] = "like", [OP_not_like] = "not like",
};

static void
put_parameter(struct draft *draft, const char *form, const char *text)
{
	put_condition(draft, "$", form, add_parameter(draft, text), NULL);
}

/* Text is compared as text, by order too; equality by bytes needs no conversion. */
static void
put_text_comparison(struct draft *draft, const struct variable_condition *condition)
{
	const char *operator = operators[condition->op];
	bool exact = (condition->op == OP_eq || condition->op == OP_neq) && !condition->ignore_value_case;

	if (exact) {
		text_printf(&draft->sql, " and v.value %s ", operator);
		put_parameter(draft, "$#::bytea", bytes_text(draft->arena, condition->value.text,
			condition->value.length));
		return;
	}
	text_printf(&draft->sql, " and %s(convert_from(v.value, 'UTF8')) %s %s(",
		condition->ignore_value_case ? "lower" : "", operator, condition->ignore_value_case ? "lower" : "");
	put_parameter(draft, form_text, condition->value.text);
	text_putc(&draft->sql, ')');
}

/* Numbers compare whatever their types. */
static void
put_number(struct draft *draft, const struct variable_condition *condition)
{
	const char *operator = operators[condition->op];
	bool real = condition->value.type == VALUE_double;

	text_printf(&draft->sql, "(case when v.type = %d then v.real %s ", VALUE_double, operator);
	put_parameter(draft, form_real, real ? arena_printf(draft->arena, "%.17g", condition->value.real) :
		number_text(draft->arena, condition->value.integer));
	text_printf(&draft->sql, " when v.type in (%d, %d, %d) then v.number %s ", VALUE_short, VALUE_integer,
		VALUE_long, operator);
	if (real)
		put_parameter(draft, form_real, arena_printf(draft->arena, "%.17g", condition->value.real));
	else
		put_parameter(draft, form_number, number_text(draft->arena, condition->value.integer));
	text_printf(&draft->sql, " else %s end)", condition->op == OP_neq ? "true" : "false");
}

/* Other values must be of the same type, as in Camunda: a String "1" is no number. */
static void
put_value(struct draft *draft, const struct variable_condition *condition)
{
	const struct value *value = &condition->value;
	bool differs = condition->op == OP_neq;

	/* Only texts are like anything. */
	if ((condition->op == OP_like || condition->op == OP_not_like) && value->type != VALUE_string) {
		text_puts(&draft->sql, "false");
		return;
	}
	if (value->type == VALUE_double || value->type == VALUE_short || value->type == VALUE_integer ||
	    value->type == VALUE_long) {
		put_number(draft, condition);
		return;
	}
	text_puts(&draft->sql, differs ? "(v.type <> " : "(v.type = ");
	put_parameter(draft, form_type, number_text(draft->arena, value->type));
	text_puts(&draft->sql, differs ? " or true" : "");
	if (value->type != VALUE_null && value->text) {
		put_text_comparison(draft, condition);
	} else if (value->type != VALUE_null) {
		text_printf(&draft->sql, " and v.number %s ", operators[condition->op]);
		put_parameter(draft, form_number, number_text(draft->arena, value->integer));
	} else if (differs) {
		text_puts(&draft->sql, " and v.type <> 0");
	}
	text_putc(&draft->sql, ')');
}

static void
put_name(struct draft *draft, const struct variable_condition *condition)
{
	if (!condition->name)
		return;
	text_puts(&draft->sql, condition->ignore_name_case ? "lower(v.name) = lower(" : "v.name = (");
	put_parameter(draft, form_text, condition->name);
	text_puts(&draft->sql, ") and ");
}

/* One condition on variables of the row's scope: `row` is its alias with part and id, "history:row" looks at those
 * that are gone too, "self:v" says that the row is the variable. */
static void
put_variable(struct draft *draft, const char *where, const struct variable_condition *condition)
{
	static const char columns[] = "select part, inst, scope, name, type, number, real, value from";
	const char *colon = strchr(where, ':'), *row = colon ? colon + 1 : where;

	if (!strncmp(where, "self:", 5)) {
		text_putc(&draft->sql, '(');
	} else if (colon) {
		text_printf(&draft->sql, "exists (select from (%s variable union all %s history_variable) v "
			"where v.part = %s.part and v.inst = %s.id and ", columns, columns, row, row);
	} else {
		text_printf(&draft->sql, "exists (select from variable v where v.part = %s.part and v.scope = %s.id "
			"and ",
			row, row);
	}
	put_name(draft, condition);
	put_value(draft, condition);
	text_putc(&draft->sql, ')');
}

static void
put_variables(struct draft *draft, const struct argument *argument)
{
	for (size_t i = 0; i < argument->count; i++) {
		text_puts(&draft->sql, i > 0 ? " and " : "");
		put_variable(draft, argument->filter->sql, &argument->conditions[i]);
	}
	if (argument->count == 0)
		text_puts(&draft->sql, "true");
}

/* ---- the other kinds ------------------------------------------------------------------------------------ */

static void
put_dates(struct draft *draft, const struct argument *argument)
{
	for (size_t i = 0; i < argument->count; i++) {
		const struct variable_condition *condition = &argument->conditions[i];

		text_printf(&draft->sql, "%s%s %s ", i > 0 ? " and " : "", argument->filter->sql,
			operators[condition->op]);
		put_parameter(draft, form_date, number_text(draft->arena, condition->value.integer));
	}
	if (argument->count == 0)
		text_puts(&draft->sql, "true");
}

static void
put_alternatives(struct draft *draft, const char *list)
{
	const char *divider = "";

	while (list) {
		const char *bar = strchr(list, '|'), *condition = strchr(list, '=') + 1;

		text_printf(&draft->sql, "%s(%.*s)", divider,
			(int)(bar ? (size_t)(bar - condition) : strlen(condition)), condition);
		divider = " or ";
		list = bar ? bar + 1 : NULL;
	}
}

/* The condition behind "value=" in a list divided by |; of an unknown value any of them (as in Camunda). */
static void
put_choice(struct draft *draft, const struct argument *argument)
{
	const char *at = argument->filter->sql;
	size_t length = strlen(argument->texts[0]);

	while (at) {
		const char *bar = strchr(at, '|');

		if (!strncmp(at, argument->texts[0], length) && at[length] == '=') {
			const char *condition = at + length + 1;

			text_put(&draft->sql, condition, bar ? (size_t)(bar - condition) : strlen(condition));
			return;
		}
		at = bar ? bar + 1 : NULL;
	}
	put_alternatives(draft, argument->filter->sql);
}

static void
put_types(struct draft *draft, const struct argument *argument)
{
	const char **numbers = ARENA_ARRAY(draft->arena, const char *, argument->count);
	size_t count = 0;
	enum value_type type;

	for (size_t i = 0; i < argument->count; i++)
		if (value_type_find(argument->texts[i], &type))
			numbers[count++] = number_text(draft->arena, type);
	put_condition(draft, argument->filter->sql, form_numbers, add_parameter(draft, array_text(draft->arena, numbers,
		count)),
		NULL);
}

/* What widens tenantIdIn, when it was given and is true; or NULL. */
static const char *
widening(const struct draft *draft)
{
	for (size_t i = 0; i < draft->request->argument_count; i++) {
		const struct argument *argument = &draft->request->arguments[i];

		if (argument->filter->type == FILTER_include && !strcmp(argument->texts[0], "true"))
			return argument->filter->sql;
	}
	return NULL;
}

static void
put_texts(struct draft *draft, const struct argument *argument)
{
	const char *wider = strcmp(argument->filter->name, "tenantIdIn") ? NULL : widening(draft);

	text_putc(&draft->sql, '(');
	put_condition(draft, argument->filter->sql, form_texts,
		add_parameter(draft, array_text(draft->arena, argument->texts, argument->count)), NULL);
	if (wider)
		text_printf(&draft->sql, " or %s", wider);
	text_putc(&draft->sql, ')');
}

static void
put_one(struct draft *draft, const struct argument *argument, const char *form)
{
	const char *equals = argument->ignore_case ? strstr(argument->filter->sql, " = $") : NULL;

	if (equals) {
		text_printf(&draft->sql, "lower(%.*s) = lower(", (int)(equals - argument->filter->sql),
			argument->filter->sql);
		put_parameter(draft, form, argument->texts[0]);
		text_putc(&draft->sql, ')');
		return;
	}
	put_condition(draft, argument->filter->sql, form, add_parameter(draft, argument->texts[0]), NULL);
}

/* Whether the argument is a condition at all. */
static bool
restricts(const struct argument *argument)
{
	switch (argument->filter->type) {
	case FILTER_true:
		return !strcmp(argument->texts[0], "true");
	case FILTER_unless:
	case FILTER_include:
	case FILTER_flag:
	case FILTER_refused:
	case FILTER_ignored:
		return false;
	case FILTER_text:
	case FILTER_texts:
	case FILTER_like:
	case FILTER_id:
	case FILTER_ids:
	case FILTER_number:
	case FILTER_date:
	case FILTER_variables:
	case FILTER_value:
	case FILTER_dates:
	case FILTER_choice:
	case FILTER_types:
	case FILTER_activity_ids:
		return true;
	}
	return true;
}

static void
put_argument(struct draft *draft, const struct argument *argument)
{
	text_puts(&draft->sql, " and (");
	switch (argument->filter->type) {
	case FILTER_text:
	case FILTER_like:
		put_one(draft, argument, form_text);
		break;
	case FILTER_texts:
		put_texts(draft, argument);
		break;
	case FILTER_id:
		put_id(draft, argument);
		break;
	case FILTER_ids:
	case FILTER_activity_ids:
		put_ids(draft, argument);
		break;
	case FILTER_number:
		put_one(draft, argument, form_number);
		break;
	case FILTER_date:
		put_one(draft, argument, form_date);
		break;
	case FILTER_true:
		text_puts(&draft->sql, argument->filter->sql);
		break;
	case FILTER_variables:
	case FILTER_value:
		put_variables(draft, argument);
		break;
	case FILTER_dates:
		put_dates(draft, argument);
		break;
	case FILTER_choice:
		put_choice(draft, argument);
		break;
	case FILTER_types:
		put_types(draft, argument);
		break;
	case FILTER_unless:
	case FILTER_include:
	case FILTER_flag:
	case FILTER_refused:
	case FILTER_ignored:
		break;
	}
	text_putc(&draft->sql, ')');
}

/* Conditions that hold unless a parameter is true. */
static void
put_unless(struct draft *draft)
{
	for (size_t i = 0; i < draft->table.filter_count; i++) {
		const struct filter *filter = &draft->table.filters[i];
		bool lifted = filter->type != FILTER_unless;

		for (size_t j = 0; j < draft->request->argument_count && !lifted; j++)
			lifted = draft->request->arguments[j].filter == filter &&
				!strcmp(draft->request->arguments[j].texts[0], "true");
		if (!lifted)
			text_printf(&draft->sql, " and (%s)", filter->sql);
	}
}

/* ---- the whole ------------------------------------------------------------------------------------------ */

static void
put_fields(struct draft *draft)
{
	const char *divider = "";

	for (size_t i = 0; i < draft->table.field_count; i++) {
		if (draft->table.fields[i].type == FIELD_null)
			continue;
		text_printf(&draft->sql, "%s%s", divider, draft->table.fields[i].sql);
		divider = ", ";
	}
}

static void
put_source(struct draft *draft)
{
	text_printf(&draft->sql, " from %s", draft->table.from);
	for (size_t i = 0; i < draft->request->argument_count; i++)
		if (restricts(&draft->request->arguments[i]))
			put_argument(draft, &draft->request->arguments[i]);
	put_unless(draft);
}

static void
put_order(struct draft *draft)
{
	text_puts(&draft->sql, " order by ");
	for (size_t i = 0; i < draft->request->ordering_count; i++) {
		const struct ordering *ordering = &draft->request->orderings[i];

		text_printf(&draft->sql, "%s%s, ", ordering->sort->sql, ordering->descending ? " desc" : "");
	}
	text_puts(&draft->sql, draft->table.id_sql);
	if (draft->request->max >= 0)
		put_condition(draft, " limit $", form_number,
			add_parameter(draft, number_text(draft->arena, draft->request->max)), NULL);
	if (draft->request->first > 0)
		put_condition(draft, " offset $", form_number,
			add_parameter(draft, number_text(draft->arena, draft->request->first)), NULL);
}

static void
start(struct draft *draft, struct reader *reader, const struct query_request *request)
{
	arena_reset(reader->scratch);
	*draft = (struct draft){
		.arena = reader->scratch,
		.request = request,
		.table = query_table(request->query),
	};
	text_init(&draft->sql, draft->arena);
	text_puts(&draft->sql, "select ");
}

enum status
store_count(struct reader *reader, const struct query_request *request, int64_t *count, struct error *err)
{
	struct draft draft;
	PGresult *result;

	start(&draft, reader, request);
	text_puts(&draft.sql, "count(*)");
	put_source(&draft);
	TRY(reader_ask(reader, text_string(&draft.sql), (int)draft.count, draft.texts, "counting", &result, err));
	*count = cell_number(result, 0, 0);
	PQclear(result);
	return OK;
}

/* The cells of a row, in memory that the next row uses again. */
static bool
take_row(const PGresult *result, const char **cells, query_row *row, void *context)
{
	for (int i = 0; i < PQnfields(result); i++)
		cells[i] = PQgetisnull(result, 0, i) ? NULL : PQgetvalue(result, 0, i);
	return row(context, cells);
}

/* The rest of a list is not wanted: it need not be made either. */
static void
cancel(struct reader *reader)
{
	PGcancel *request = PQgetCancel(reader->conn);
	char why[256];

	PQcancel(request, why, sizeof why);
	PQfreeCancel(request);
}

/* Takes row after row as they come, so that a long list needs no memory. */
static enum status
take_rows(struct reader *reader, query_row *row, void *context, bool *begun, struct error *err)
{
	enum status status = OK;
	const char **cells = NULL;
	bool wanted = true;
	PGresult *result;

	while ((result = PQgetResult(reader->conn)) != NULL) {
		ExecStatusType type = PQresultStatus(result);

		/* who has left may have said why in err: that the list was cancelled is no news */
		if (type != PGRES_SINGLE_TUPLE && type != PGRES_TUPLES_OK && status == OK && wanted)
			status = pg_failed(reader->conn, result, "listing", err);
		if (type == PGRES_SINGLE_TUPLE && wanted && status == OK) {
			if (!cells)
				cells = ARENA_ARRAY(reader->scratch, const char *, (size_t)PQnfields(result));
			*begun = true;
			wanted = take_row(result, cells, row, context);
			if (!wanted)
				cancel(reader);
		}
		PQclear(result);
	}
	return wanted ? status : OK;
}

static enum status
send_and_take(struct reader *reader, struct draft *draft, query_row *row, void *context, bool *begun, struct error *err)
{
	TRY(reader_ready(reader, err));
	if (!PQsendQueryParams(reader->conn, text_string(&draft->sql), (int)draft->count, NULL, draft->texts, NULL,
		NULL, 0) ||
	    !PQsetSingleRowMode(reader->conn))
		return pg_failed(reader->conn, NULL, "listing", err);
	return take_rows(reader, row, context, begun, err);
}

enum status
store_query(struct reader *reader, const struct query_request *request, query_row *row, void *context,
	struct error *err)
{
	struct draft draft;
	bool begun = false;
	enum status status;

	start(&draft, reader, request);
	put_fields(&draft);
	put_source(&draft);
	put_order(&draft);
	status = send_and_take(reader, &draft, row, context, &begun, err);
	/* A connection that died while it was idle shows here; nothing was handed out yet. */
	if (status != OK && !begun && PQstatus(reader->conn) != CONNECTION_OK)
		status = send_and_take(reader, &draft, row, context, &begun, err);
	return status;
}

enum status
store_value(struct arena *arena, const char *const *cells, struct value *value, struct error *err)
{
	struct stored_value stored = {
		.type = (int16_t)strtol(cells[0], NULL, 10),
		.number = cells[1] ? strtoll(cells[1], NULL, 10) : 0,
		.real = cells[2] ? strtod(cells[2], NULL) : 0,
		.info = cells[4],
	};

	if (cells[3])
		stored.bytes = text_bytes(arena, cells[3], &stored.length);
	return value_load(arena, &stored, value, err);
}
