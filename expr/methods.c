/* SPDX-License-Identifier: Apache-2.0
 * Calls of methods and functions by their tables, and the methods of lists, maps, numbers and of any value.
 * Integers of all widths equal each other (`list.contains(2)` holds for an Integer 2, not so in Java). */
#include "expr/expr_priv.h"

#include <string.h>

/* --- What the rows name */

static bool
values_same(const struct value *a, const struct value *b)
{
	if (is_integer(a) && is_integer(b))
		return a->integer == b->integer;
	return value_equal(a, b);
}

static enum status
method_any_equals(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	TRY(eval_charge(e, self->length / EXPR_STEP_ITEMS));
	*result = value_boolean(values_same(self, &args[0]));
	return OK;
}

static enum status
method_any_to_string(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	(void)args;
	return to_text(e, self, result);
}

static enum status
method_any_self(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	(void)e;
	(void)args;
	*result = *self;
	return OK;
}

/* compareTo knows its own kind and texts for it; -1, 0 or 1. */
static enum status
method_any_compare(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	int order;

	if (args[0].type == VALUE_null)
		return eval_fail(e, FAILURE_other, "cannot compare with null");
	TRY(operate_compare(e, self, &args[0], &order));
	*result = value_integer((order > 0) - (order < 0));
	return OK;
}

static enum status
method_list_size(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	(void)e;
	(void)args;
	*result = value_integer((int64_t)self->length);
	return OK;
}

static enum status
method_list_is_empty(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	(void)e;
	(void)args;
	*result = value_boolean(self->length == 0);
	return OK;
}

static enum status
method_list_index_of(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	size_t i = 0;

	TRY(eval_charge(e, self->length / EXPR_STEP_ITEMS));
	while (i < self->length && !values_same(&self->items[i], &args[0]))
		i++;
	*result = value_integer(i < self->length ? (int64_t)i : -1);
	return OK;
}

static enum status
method_list_contains(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	struct value index;

	TRY(method_list_index_of(e, self, args, &index));
	*result = value_boolean(index.integer >= 0);
	return OK;
}

/* Unlike list[i], an index beyond the ends is an error. */
static enum status
method_list_get(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	int64_t i;

	TRY(to_long(e, &args[0], &i));
	if (i < 0 || (uint64_t)i >= self->length)
		return eval_fail(e, FAILURE_other, "Index %lld out of bounds for length %zu", (long long)i,
			self->length);
	*result = self->items[i];
	return OK;
}

static enum status
find_entry(struct eval *e, const struct value *map, const struct value *key, const struct value **found)
{
	struct value name;

	*found = NULL;
	if (key->type == VALUE_null)
		return OK;
	TRY(to_text(e, key, &name));
	TRY(eval_charge(e, map->length / EXPR_STEP_ITEMS));
	*found = value_get(map, name.text);
	return OK;
}

static enum status
method_map_contains_key(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	const struct value *found;

	TRY(find_entry(e, self, &args[0], &found));
	*result = value_boolean(found != NULL);
	return OK;
}

static enum status
method_map_get_key(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	const struct value *found;

	TRY(find_entry(e, self, &args[0], &found));
	*result = found == NULL ? value_null() : *found;
	return OK;
}

static enum status
method_map_contains_value(struct eval *e, const struct value *self, const struct value *args,
	struct value *result)
{
	size_t i = 0;

	TRY(eval_charge(e, self->length / EXPR_STEP_ITEMS));
	while (i < self->length && !values_same(&self->entries[i].value, &args[0]))
		i++;
	*result = value_boolean(i < self->length);
	return OK;
}

static enum status
list_of_map(struct eval *e, const struct value *map, bool keys, struct value *result)
{
	struct value *items;

	TRY(eval_charge(e, map->length / EXPR_STEP_ITEMS));
	items = ARENA_ARRAY(e->arena, struct value, map->length);
	for (size_t i = 0; i < map->length; i++)
		items[i] = keys ? value_string(map->entries[i].name) : map->entries[i].value;
	*result = (struct value){ .type = VALUE_list, .length = map->length, .items = items };
	return OK;
}

static enum status
method_map_keys(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	(void)args;
	return list_of_map(e, self, true, result);
}

static enum status
method_map_values(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	(void)args;
	return list_of_map(e, self, false, result);
}

/* A number narrowed as Java does it: a Double saturates, an integer keeps its low bits. */
static int64_t
narrowed(const struct value *self, int bits)
{
	int64_t limit = bits == 64 ? INT64_MAX : ((int64_t)1 << (bits - 1)) - 1, number = self->integer;

	if (self->type == VALUE_double) {
		number = double_to_long(self->real);
		number = number > limit ? limit : number;
		return number < -limit - 1 ? -limit - 1 : number;
	}
	return bits == 64 ? number : bits == 32 ? (int32_t)number : (int16_t)number;
}

static enum status
method_number_short(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	(void)e;
	(void)args;
	*result = (struct value){ .type = VALUE_short, .integer = (int16_t)narrowed(self, 32) };
	if (self->type != VALUE_double)
		result->integer = narrowed(self, 16);
	return OK;
}

static enum status
method_number_int(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	(void)e;
	(void)args;
	*result = value_integer(narrowed(self, 32));
	return OK;
}

static enum status
method_number_long(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	(void)e;
	(void)args;
	*result = value_long(narrowed(self, 64));
	return OK;
}

static enum status
method_number_double(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	double real;

	(void)args;
	TRY(to_double(e, self, &real));
	*result = value_double(real);
	return OK;
}

static enum status
function_now(struct eval *e, const struct value *args, struct value *result)
{
	(void)args;
	*result = value_date(e->scope->now_us);
	return OK;
}

/* --- The tables */

struct method_row {
	enum kind kind;
	size_t arity;
	const char *name;
	method_fn *call;
};

static const struct method_row methods[] = {
#define METHOD(type, name, arity, function) { KIND_##type, arity, #name, method_##function },
#include "expr/methods.def"
#undef METHOD
};

struct function_row {
	const char *name;
	size_t arity;
	enum status (*call)(struct eval *e, const struct value *args, struct value *result);
};

static const struct function_row functions[] = {
#define FUNCTION(name, arity, function) { #name, arity, function_##function },
#include "expr/functions.def"
#undef FUNCTION
};

enum { METHODS = sizeof methods / sizeof *methods, FUNCTIONS = sizeof functions / sizeof *functions };

static enum kind
kind_of(const struct value *value)
{
	if (is_integer(value) || value->type == VALUE_double)
		return KIND_number;
	if (value->type == VALUE_string)
		return KIND_string;
	if (value->type == VALUE_list)
		return KIND_list;
	if (value->type == VALUE_map)
		return KIND_map;
	if (value->type == VALUE_boolean)
		return KIND_boolean;
	return value->type == VALUE_date ? KIND_date : KIND_any;
}

bool
method_find(const char *name, size_t arity, uint32_t from, uint32_t *row)
{
	for (uint32_t i = from; i < METHODS; i++) {
		if (methods[i].arity == arity && strcmp(methods[i].name, name) == 0) {
			*row = i;
			return true;
		}
	}
	return false;
}

bool
method_known(const char *name)
{
	for (size_t i = 0; i < METHODS; i++)
		if (strcmp(methods[i].name, name) == 0)
			return true;
	return false;
}

bool
function_find(const char *name, uint32_t *row, size_t *arity)
{
	for (uint32_t i = 0; i < FUNCTIONS; i++) {
		if (strcmp(functions[i].name, name) == 0) {
			*row = i;
			*arity = functions[i].arity;
			return true;
		}
	}
	return false;
}

enum status
method_call(struct eval *e, const struct code *code, const struct value *self, const struct value *args,
	struct value *result)
{
	struct value opened;
	enum kind kind;
	uint32_t row = code->row;

	if (self->type == VALUE_null)
		return eval_fail(e, FAILURE_property,
			"Target unreachable, base expression of method '%.200s' resolved to null", code->name);
	TRY(eval_open(e, self, &opened));
	kind = kind_of(&opened);
	for (bool found = true; found; found = method_find(code->name, code->n, row + 1, &row))
		if (methods[row].kind == kind || methods[row].kind == KIND_any)
			return methods[row].call(e, &opened, args, result);
	return eval_fail(e, FAILURE_method, "Could not find method %.200s in %s", code->name, java_class(&opened));
}

enum status
function_call(struct eval *e, const struct code *code, const struct value *args, struct value *result)
{
	return functions[code->row].call(e, args, result);
}
