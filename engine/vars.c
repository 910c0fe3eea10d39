/* SPDX-License-Identifier: Apache-2.0
 * Variables, expressions and the mappings of camunda:inputOutput. */
#include "engine/machine.h"

#include "base/json.h"

/* ---- values that can be stored -------------------------------------------------------------------------- */

/* A list or map that an expression gave becomes an Object of JSON, since values are stored serialised. */
static struct value
storable(struct machine *machine, struct value value)
{
	struct value_info *info;
	struct text text;
	struct json json;

	if (value_stored(&value))
		return value;
	info = ARENA_NEW(machine->arena, struct value_info);
	info->object_type = value.type == VALUE_list ? "java.util.ArrayList" : "java.util.TreeMap";
	info->format = "application/json";
	text_init(&text, machine->arena);
	json_init(&json, &text);
	json_value(&json, &value);
	return (struct value){
		.type = VALUE_object,
		.transient = value.transient,
		.text = text_string(&text),
		.length = text.length,
		.info = info,
	};
}

enum status
set_local(struct machine *machine, struct activity *scope, const char *name, struct value value, struct error *err)
{
	struct transient *transient;

	value = storable(machine, value);
	MUST_EMIT(machine, err, variable_set, .scope = scope->id, .name = name, .value = value,
		.variable = new_id(machine));
	if (!value.transient)
		return OK;
	machine->transients = arena_grow(machine->arena, machine->transients, sizeof *machine->transients,
		machine->transient_count, &machine->transient_capacity);
	transient = &machine->transients[machine->transient_count++];
	*transient = (struct transient){.scope = scope, .name = name};
	return OK;
}

enum status
set_variable(struct machine *machine, struct activity *from, const char *name, struct value value, struct error *err)
{
	struct activity *scope = from;

	while (scope->scope != NULL && tree_own_variable(scope, name) == NULL)
		scope = scope->scope;
	return set_local(machine, scope, name, value, err);
}

enum status
set_variables(struct machine *machine, struct activity *from, const struct entries *variables, bool local,
	struct error *err)
{
	size_t i;

	for (i = 0; i < variables->count; i++) {
		const struct entry *entry = &variables->list[i];

		if (local || entry->local)
			TRY(set_local(machine, from, entry->name, entry->value, err));
		else
			TRY(set_variable(machine, from, entry->name, entry->value, err));
	}
	return OK;
}

/* What was for this command only goes, where its scope is still there. */
enum status
drop_transients(struct machine *machine, struct error *err)
{
	const struct variable *variable;
	size_t i;

	for (i = machine->transient_count; i-- > 0;) {
		const struct transient *transient = &machine->transients[i];

		if (transient->scope->closed)
			continue;
		variable = tree_own_variable(transient->scope, transient->name);
		if (variable != NULL && variable->value.transient)
			MUST_EMIT(machine, err, variable_drop, .scope = transient->scope->id,
				.name = transient->name);
	}
	return OK;
}

/* ---- expressions ----------------------------------------------------------------------------------------- */

static bool
lookup(const void *context, const char *name, struct value *value)
{
	const struct variable *variable = tree_variable(context, name);

	if (variable == NULL)
		return false;
	*value = variable->value;
	return true;
}

struct expr_scope
scope_of(const struct machine *machine, const struct activity *from)
{
	return (struct expr_scope){.lookup = lookup, .context = from, .now_us = machine->command->now_us};
}

enum status
eval(struct machine *machine, const struct activity *from, const struct node *node, const struct expr *expr,
	struct value *value, struct error *err)
{
	struct expr_scope scope = scope_of(machine, from);

	if (expr == NULL) {
		*value = value_null();
		return OK;
	}
	if (expr_eval(expr, &scope, machine->arena, value, err) != OK)
		return blame(err, node);
	return OK;
}

enum status
eval_condition(struct machine *machine, const struct activity *from, const struct node *node, const struct expr *expr,
	bool *result, struct error *err)
{
	struct expr_scope scope = scope_of(machine, from);

	*result = false;
	if (expr != NULL && expr_eval_condition(expr, &scope, machine->arena, result, err) != OK)
		return blame(err, node);
	return OK;
}

enum status
eval_text(struct machine *machine, const struct activity *from, const struct node *node, const struct expr *expr,
	const char **text, struct error *err)
{
	struct expr_scope scope = scope_of(machine, from);

	*text = NULL;
	if (expr != NULL && expr_eval_text(expr, &scope, machine->arena, text, err) != OK)
		return blame(err, node);
	return OK;
}

enum status
eval_integer(struct machine *machine, const struct activity *from, const struct node *node, const struct expr *expr,
	const char *what, int64_t otherwise, int64_t *number, struct error *err)
{
	struct expr_scope scope = scope_of(machine, from);

	*number = otherwise;
	if (expr != NULL && expr_eval_integer(expr, &scope, machine->arena, what, number, err) != OK)
		return blame(err, node);
	return OK;
}

enum status
eval_priority(struct machine *machine, const struct activity *from, const struct node *node, const struct expr *expr,
	const char *what, int64_t *priority, struct error *err)
{
	struct error ignored;
	struct value value;

	*priority = 0;
	error_clear(&ignored);
	if (expr == NULL || expr_is_literal(expr))
		return eval_integer(machine, from, node, expr, what, 0, priority, err);
	/* Camunda's server goes on with 0, too: an order of work is no reason to stop it (DefaultPriorityProvider) */
	if (eval(machine, from, node, expr, &value, &ignored) != OK)
		return OK;
	if (value.type >= VALUE_short && value.type <= VALUE_long) {
		*priority = value.integer;
		return OK;
	}
	if (value.type == VALUE_double)
		FAIL(err, engine, "%s: Priority value must be either Short, Integer, or Long", what);
	else
		FAIL(err, engine, "%s: Priority value is not an Integer", what);
	return blame(err, node);
}

/* ---- mappings -------------------------------------------------------------------------------------------- */

enum { ASSIGN_DEPTH = 64 };		/* lists and maps inside each other in a mapping */

/* A parameter's value.  Lists and maps nest in the model, so the depth is the model's, and limited. */
static enum status
assigned(struct machine *machine, const struct activity *from, const struct node *node, const struct assign *assign,
	int depth, struct value *value, struct error *err)
{
	struct value *items;
	struct entry *entries;
	int32_t i;

	if (depth > ASSIGN_DEPTH)
		return FAIL(err, engine, "the mapping '%s' is nested too deeply", assign->name);
	switch (assign->kind) {
	case ASSIGN_null:
		*value = value_null();
		return OK;
	case ASSIGN_expression:
		return eval(machine, from, node, assign->expression, value, err);
	case ASSIGN_list:
		items = ARENA_ARRAY(machine->arena, struct value, (size_t)assign->part_count);
		for (i = 0; i < assign->part_count; i++)
			TRY(assigned(machine, from, node, &assign->parts[i], depth + 1, &items[i], err));
		*value = (struct value){.type = VALUE_list, .items = items, .length = (size_t)assign->part_count};
		return OK;
	case ASSIGN_map:
		entries = ARENA_ARRAY(machine->arena, struct entry, (size_t)assign->part_count);
		for (i = 0; i < assign->part_count; i++) {
			entries[i].name = assign->parts[i].name;
			TRY(assigned(machine, from, node, &assign->parts[i], depth + 1, &entries[i].value, err));
		}
		*value = (struct value){.type = VALUE_map, .entries = entries, .length = (size_t)assign->part_count};
		return OK;
	}
	return OK;
}

/* Inputs are the activity's own, and see what is around it but not each other, as in Camunda. */
enum status
map_inputs(struct machine *machine, struct activity *activity, struct error *err)
{
	const struct node *node = activity->node;
	struct value *values = ARENA_ARRAY(machine->arena, struct value, (size_t)node->input_count);
	int32_t i;

	for (i = 0; i < node->input_count; i++)
		TRY(assigned(machine, activity, node, &node->inputs[i], 0, &values[i], err));
	for (i = 0; i < node->input_count; i++)
		TRY(set_local(machine, activity, node->inputs[i].name, values[i], err));
	return OK;
}

/* Outputs are computed inside and set from the scope outside. */
enum status
map_outputs(struct machine *machine, struct activity *activity, struct error *err)
{
	const struct node *node = activity->node;
	struct value value;
	int32_t i;

	for (i = 0; i < node->output_count; i++) {
		TRY(assigned(machine, activity, node, &node->outputs[i], 0, &value, err));
		TRY(set_variable(machine, activity->scope, node->outputs[i].name, value, err));
	}
	return OK;
}
