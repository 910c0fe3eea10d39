/* SPDX-License-Identifier: Apache-2.0
 * The stack machine.  It does not recurse and loops only forward, so its steps are at most its instructions and
 * what the methods charge for the data they visit. */
#include "expr/expr_priv.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_SOURCE = 500 };

/* The first bytes of a long source, so that the cause still has room in the message. */
static const char *
shown_source(const struct eval *e)
{
	const char *source = e->expr->source;
	size_t cut = MESSAGE_SOURCE;

	if (strlen(source) <= MESSAGE_SOURCE)
		return source;
	while (cut > 0 && ((unsigned char)source[cut] & 0xc0) == 0x80)
		cut--;
	return arena_printf(e->arena, "%.*s...", (int)cut, source);
}

enum status
eval_fail(struct eval *e, enum eval_failure failure, const char *format, ...)
{
	static const char *const heads[] = {
		[FAILURE_property] = "Unknown property used in expression",
		[FAILURE_method] = "Unknown method used in expression",
		[FAILURE_other] = "Error while evaluating expression",
	};
	char cause[ERROR_TEXT / 2];
	va_list args;

	va_start(args, format);
	vsnprintf(cause, sizeof cause, format, args);
	va_end(args);
	cause[text_utf8_prefix(cause, strlen(cause))] = '\0';
	return FAIL(e->err, engine, "%s: %s. Cause: %s", heads[failure], shown_source(e), cause);
}

enum status
eval_charge(struct eval *e, size_t steps)
{
	if (steps > EXPR_STEPS_MAX || (e->steps += (int64_t)steps) > EXPR_STEPS_MAX)
		return eval_fail(e, FAILURE_other, "more than %d steps", EXPR_STEPS_MAX);
	return OK;
}

enum status
eval_charge_text(struct eval *e, size_t length)
{
	if (length > EXPR_TEXT_MAX)
		return eval_fail(e, FAILURE_other, "a text of more than %d bytes", EXPR_TEXT_MAX);
	return eval_charge(e, length / EXPR_STEP_BYTES);
}

enum status
eval_open(struct eval *e, const struct value *value, struct value *opened)
{
	struct error err;

	if ((value->type != VALUE_json && value->type != VALUE_object) || value->text == NULL) {
		*opened = *value;
		return OK;
	}
	for (size_t i = 0; i < EVAL_OPENED; i++) {
		if (e->opened[i].text == value->text) {
			*opened = e->opened[i].value;
			return OK;
		}
	}
	TRY(eval_charge(e, value->length / EXPR_STEP_JSON));
	if (value_open(e->arena, value, opened, &err) != OK)
		return eval_fail(e, FAILURE_other, "%s", err.message);
	e->opened[e->opened_next].text = value->text;
	e->opened[e->opened_next].value = *opened;
	e->opened_next = (e->opened_next + 1) % EVAL_OPENED;
	return OK;
}

static enum status
look_up(struct eval *e, const char *name, struct value *value)
{
	if (!e->scope->lookup(e->scope->context, name, value))
		return eval_fail(e, FAILURE_property, "Cannot resolve identifier '%.200s'", name);
	value->transient = false;
	return OK;
}

/* list[index]: beyond its ends there is null. */
static enum status
get_item(struct eval *e, const struct value *list, const struct value *index, struct value *result)
{
	bool plain = is_integer(index) || index->type == VALUE_double;
	int64_t i;

	if (!plain && (index->type != VALUE_string || !text_to_int(index->text, &i)))
		return eval_fail(e, FAILURE_other, "Cannot parse list index: '%.200s'",
			index->type == VALUE_string ? index->text : java_class(index));
	TRY(to_long(e, index, &i));
	*result = i < 0 || (uint64_t)i >= list->length ? value_null() : list->items[i];
	return OK;
}

static enum status
get_entry(struct eval *e, const struct value *map, const struct value *key, struct value *result)
{
	const struct value *found;
	struct value name;

	TRY(to_text(e, key, &name));
	TRY(eval_charge(e, map->length / EXPR_STEP_ITEMS));
	found = value_get(map, name.text);
	*result = found == NULL ? value_null() : *found;
	return OK;
}

/* base.key and base[key]: of null there is null; only maps and lists have anything, so no property of a Java
 * object, `class` above all, is ever reached. */
static enum status
get_property(struct eval *e, const struct value *base, const struct value *key, struct value *result)
{
	struct value opened, name;

	TRY(eval_open(e, base, &opened));
	if (opened.type == VALUE_null || key->type == VALUE_null) {
		*result = value_null();
		return OK;
	}
	if (opened.type == VALUE_map)
		return get_entry(e, &opened, key, result);
	if (opened.type == VALUE_list)
		return get_item(e, &opened, key, result);
	TRY(to_text(e, key, &name));
	return eval_fail(e, FAILURE_property, "Could not find property %.200s in %s", name.text, java_class(base));
}

static enum status
concat(struct eval *e, const struct value *parts, size_t count, struct value *result)
{
	struct text text;

	text_init(&text, e->arena);
	for (size_t i = 0; i < count; i++) {
		TRY(eval_charge_text(e, text.length + parts[i].length > EXPR_TEXT_MAX ? EXPR_TEXT_MAX + 1 :
			parts[i].length));
		text_put(&text, parts[i].text, parts[i].length);
	}
	*result = value_string(text_string(&text));
	return OK;
}

/* A jump that depends on the top value; *taken says whether it is done. */
static enum status
decide(struct eval *e, enum op op, struct value *top, bool *taken)
{
	bool b;

	TRY(to_boolean(e, top, &b));
	*top = value_boolean(b);
	*taken = b == (op == OP_or_jump);
	return OK;
}

/* Instructions that replace the top value. */
static enum status
run_unary(struct eval *e, const struct code *code, struct value *top)
{
	struct value value = *top, name;
	bool b = false;

	if (code->op == OP_property) {
		name = value_string(code->name);
		return get_property(e, &value, &name, top);
	}
	if (code->op == OP_negate)
		return operate_negate(e, &value, top);
	if (code->op == OP_text)
		return to_text(e, &value, top);
	if (code->op == OP_empty) {
		TRY(operate_empty(e, &value, &b));
	} else {
		TRY(to_boolean(e, &value, &b));
		b = b == (code->op == OP_boolean);
	}
	*top = value_boolean(b);
	return OK;
}

/* Runs one instruction at the top of the stack; *stack is where the next value goes. */
static enum status
run_code(struct eval *e, const struct code *code, struct value **stack, size_t *next)
{
	struct value *sp = *stack, result;
	bool taken = true;

	switch (code->op) {
	case OP_constant:
		*sp++ = *code->constant;
		break;
	case OP_name:
		TRY(look_up(e, code->name, sp++));
		break;
	case OP_property:
	case OP_negate:
	case OP_not:
	case OP_empty:
	case OP_boolean:
	case OP_text:
		TRY(run_unary(e, code, sp - 1));
		break;
	case OP_index:
		TRY(get_property(e, sp - 2, sp - 1, &result));
		*(--sp - 1) = result;
		break;
	case OP_method:
		sp -= code->n;
		TRY(method_call(e, code, sp - 1, sp, &result));
		sp[-1] = result;
		break;
	case OP_function:
		sp -= code->n;
		TRY(function_call(e, code, sp, &result));
		*sp++ = result;
		break;
	case OP_concat:
		sp -= code->n;
		TRY(concat(e, sp, code->n, &result));
		*sp++ = result;
		break;
	case OP_add:
	case OP_subtract:
	case OP_multiply:
	case OP_divide:
	case OP_modulo:
	case OP_eq:
	case OP_ne:
	case OP_lt:
	case OP_gt:
	case OP_le:
	case OP_ge:
		TRY(operate_binary(e, code->op, sp - 2, sp - 1, &result));
		*(--sp - 1) = result;
		break;
	case OP_and_jump:
	case OP_or_jump:
		TRY(decide(e, code->op, sp - 1, &taken));
		sp -= !taken;
		*next = taken ? code->n : *next;
		break;
	case OP_false_jump:
		TRY(decide(e, code->op, --sp, &taken));
		*next = taken ? code->n : *next;
		break;
	case OP_jump:
		*next = code->n;
		break;
	case OP_COUNT:
		assert(!"no instruction");
	}
	*stack = sp;
	return OK;
}

/* The result may borrow from the scope and from the expression. */
static enum status
run(const struct expr *expr, const struct expr_scope *scope, struct arena *arena, struct value *value,
	struct error *err)
{
	struct eval e = { .expr = expr, .scope = scope, .arena = arena, .err = err };
	struct value *stack = ARENA_ARRAY(arena, struct value, expr->stack), *sp = stack;

	for (size_t next = 0; next < expr->count;) {
		const struct code *code = &expr->code[next++];

		TRY(eval_charge(&e, 1));
		TRY(run_code(&e, code, &sp, &next));
	}
	assert(sp == stack + 1);
	*value = *stack;
	return OK;
}

enum status
expr_eval(const struct expr *expr, const struct expr_scope *scope, struct arena *arena, struct value *value,
	struct error *err)
{
	struct value result;

	TRY(run(expr, scope, arena, &result, err));
	*value = value_copy(arena, result);
	return OK;
}

enum status
expr_eval_condition(const struct expr *expr, const struct expr_scope *scope, struct arena *arena, bool *result,
	struct error *err)
{
	struct value value;

	TRY(run(expr, scope, arena, &value, err));
	if (value.type == VALUE_null)
		return FAIL(err, engine, "condition expression returns null: result is null");
	if (value.type != VALUE_boolean)
		return FAIL(err, engine,
			"condition expression returns non-Boolean: result has %s and not java.lang.Boolean",
			java_class(&value));
	*result = value.integer != 0;
	return OK;
}

enum status
expr_eval_text(const struct expr *expr, const struct expr_scope *scope, struct arena *arena, const char **text,
	struct error *err)
{
	struct value value;

	TRY(run(expr, scope, arena, &value, err));
	*text = value.type == VALUE_null ? NULL : value_to_text(arena, &value);
	return OK;
}

enum status
expr_eval_integer(const struct expr *expr, const struct expr_scope *scope, struct arena *arena, const char *what,
	int64_t *number, struct error *err)
{
	struct value value;
	int64_t n;

	TRY(run(expr, scope, arena, &value, err));
	if (is_integer(&value))
		n = value.integer;
	else if (value.type == VALUE_double && !isnan(value.real) && fabs(value.real) < (double)INT64_MAX)
		n = double_to_long(value.real);
	else if (value.type != VALUE_string || !text_to_int(value.text, &n))
		return FAIL(err, engine, "%s must be an integer, but '%.200s' is '%.200s'", what, expr->source,
			value.type == VALUE_null ? "null" : value_to_text(arena, &value));
	*number = n;
	return OK;
}
