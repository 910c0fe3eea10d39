/* SPDX-License-Identifier: Apache-2.0
 * Coercions and operators, in the order of the unified EL (JSR-245 1.7, 1.8 and 1.18): Double before Long,
 * then Boolean (equality only), then String.  There is no BigDecimal.  Other than in Java, an overflow of Long
 * is an error. */
#include "expr/expr_priv.h"

#include <stdlib.h>
#include <string.h>

const char *
java_class(const struct value *value)
{
	static const char *const classes[VALUE_COUNT] = {
		[VALUE_null] = "null",
		[VALUE_boolean] = "class java.lang.Boolean",
		[VALUE_short] = "class java.lang.Short",
		[VALUE_integer] = "class java.lang.Integer",
		[VALUE_long] = "class java.lang.Long",
		[VALUE_double] = "class java.lang.Double",
		[VALUE_string] = "class java.lang.String",
		[VALUE_date] = "class java.util.Date",
		[VALUE_bytes] = "class [B",
		[VALUE_file] = "class org.camunda.bpm.engine.variable.impl.value.FileValueImpl",
		[VALUE_json] = "class org.camunda.spin.impl.json.jackson.JacksonJsonNode",
		[VALUE_xml] = "class org.camunda.spin.impl.xml.dom.DomXmlElement",
		[VALUE_object] = "class java.lang.Object",
		[VALUE_list] = "class java.util.ArrayList",
		[VALUE_map] = "class java.util.LinkedHashMap",
	};

	return classes[value->type];
}

bool
is_integer(const struct value *value)
{
	return value->type == VALUE_short || value->type == VALUE_integer || value->type == VALUE_long;
}

int64_t
double_to_long(double real)
{
	if (real != real)
		return 0;
	if (real >= 9223372036854775808.0)
		return INT64_MAX;
	return real < -9223372036854775808.0 ? INT64_MIN : (int64_t)real;
}

/* null and "" are the zero of every type. */
static bool
is_blank(const struct value *value)
{
	return value->type == VALUE_null || (value->type == VALUE_string && value->length == 0);
}

static enum status
fail_class(struct eval *e, const struct value *value, const char *wanted)
{
	return eval_fail(e, FAILURE_other, "Cannot coerce from %s to class java.lang.%s", java_class(value), wanted);
}

static enum status
fail_value(struct eval *e, const struct value *value, const char *wanted)
{
	return eval_fail(e, FAILURE_other, "Cannot coerce '%.200s' to class java.lang.%s", value->text, wanted);
}

enum status
to_long(struct eval *e, const struct value *value, int64_t *number)
{
	const char *digits;

	if (is_blank(value))
		*number = 0;
	else if (is_integer(value))
		*number = value->integer;
	else if (value->type == VALUE_double)
		*number = double_to_long(value->real);
	else if (value->type != VALUE_string)
		return fail_class(e, value, "Long");
	else {
		digits = value->text + (value->text[0] == '+');
		if (digits > value->text && *digits == '-')
			return fail_value(e, value, "Long");
		if (!text_to_int(digits, number))
			return fail_value(e, value, "Long");
	}
	return OK;
}

/* [sign] digits [. digits] [e [sign] digits], blanks around it: the decimal part of Double.valueOf. */
static bool
is_decimal(const char *text)
{
	static const char digits[] = "0123456789";
	size_t whole, part = 0;

	text += strspn(text, " \t\r\n");
	text += *text == '-' || *text == '+';
	whole = strspn(text, digits);
	text += whole;
	if (*text == '.') {
		part = strspn(++text, digits);
		text += part;
	}
	if (whole + part == 0)
		return false;
	if (*text == 'e' || *text == 'E') {
		text += 1 + (text[1] == '-' || text[1] == '+');
		part = strspn(text, digits);
		if (part == 0)
			return false;
		text += part;
	}
	return text[strspn(text, " \t\r\n")] == '\0';
}

enum status
to_double(struct eval *e, const struct value *value, double *real)
{
	if (is_blank(value))
		*real = 0;
	else if (is_integer(value))
		*real = (double)value->integer;
	else if (value->type == VALUE_double)
		*real = value->real;
	else if (value->type != VALUE_string)
		return fail_class(e, value, "Double");
	else if (!is_decimal(value->text))
		return fail_value(e, value, "Double");
	else
		*real = strtod(value->text, NULL);
	return OK;
}

enum status
to_boolean(struct eval *e, const struct value *value, bool *b)
{
	if (is_blank(value))
		*b = false;
	else if (value->type == VALUE_boolean)
		*b = value->integer != 0;
	else if (value->type == VALUE_string)
		*b = strcasecmp(value->text, "true") == 0;
	else
		return fail_class(e, value, "Boolean");
	return OK;
}

enum status
to_text(struct eval *e, const struct value *value, struct value *text)
{
	if (value->type == VALUE_string)
		*text = *value;
	else if (value->type == VALUE_null)
		*text = value_string("");
	else {
		TRY(eval_charge(e, value->length / EXPR_STEP_ITEMS));
		*text = value_string(value_to_text(e->arena, value));
	}
	return eval_charge_text(e, text->length);
}

/* A Double, or a text that looks like one: it decides that the operation is one of Doubles. */
static bool
is_real(const struct value *value)
{
	if (value->type == VALUE_string)
		return strpbrk(value->text, ".eE") != NULL;
	return value->type == VALUE_double;
}

/* The remainder with the sign of a, exactly, as Java's %; both halves of the loop only double and halve b. */
static double
remainder_of(double a, double b)
{
	double rest = a < 0 ? -a : a, least = b < 0 ? -b : b, part = least;

	if (a != a || b != b || b == 0 || rest - rest != 0)
		return __builtin_nan("");
	if (least - least != 0 || rest < least)
		return a;
	while (part <= rest / 2)
		part *= 2;
	for (; part >= least; part /= 2)
		if (rest >= part)
			rest -= part;
	return a < 0 ? -rest : rest;
}

static double
calculate_real(enum op op, double a, double b)
{
	if (op == OP_add)
		return a + b;
	if (op == OP_subtract)
		return a - b;
	if (op == OP_multiply)
		return a * b;
	return op == OP_divide ? a / b : remainder_of(a, b);
}

static enum status
calculate_long(struct eval *e, enum op op, int64_t a, int64_t b, int64_t *number)
{
	bool overflow = false;

	if (op == OP_add)
		overflow = __builtin_add_overflow(a, b, number);
	else if (op == OP_subtract)
		overflow = __builtin_sub_overflow(a, b, number);
	else if (op == OP_multiply)
		overflow = __builtin_mul_overflow(a, b, number);
	else if (b == 0)
		return eval_fail(e, FAILURE_other, "/ by zero");
	else
		*number = b == -1 ? 0 : a % b;
	if (overflow)
		return eval_fail(e, FAILURE_other, "long overflow");
	return OK;
}

static enum status
arithmetic(struct eval *e, enum op op, const struct value *a, const struct value *b, struct value *result)
{
	double x, y;
	int64_t m, n, number = 0;

	if (a->type == VALUE_null && b->type == VALUE_null) {
		*result = value_long(0);
		return OK;
	}
	if (op == OP_divide || is_real(a) || is_real(b)) {
		TRY(to_double(e, a, &x));
		TRY(to_double(e, b, &y));
		*result = value_double(calculate_real(op, x, y));
		return OK;
	}
	TRY(to_long(e, a, &m));
	TRY(to_long(e, b, &n));
	TRY(calculate_long(e, op, m, n, &number));
	*result = value_long(number);
	return OK;
}

enum status
operate_negate(struct eval *e, const struct value *a, struct value *result)
{
	int64_t number;
	double real;

	if (is_real(a)) {
		TRY(to_double(e, a, &real));
		*result = value_double(-real);
		return OK;
	}
	if (a->type != VALUE_null && a->type != VALUE_string && !is_integer(a))
		return eval_fail(e, FAILURE_other, "Cannot negate '%s'", java_class(a));
	TRY(to_long(e, a, &number));
	if (number == INT64_MIN)
		return eval_fail(e, FAILURE_other, "long overflow");
	*result = value_long(-number);
	/* Java keeps the narrower type; its smallest number has no opposite in it */
	if (is_integer(a) && (a->type != VALUE_short || -number <= INT16_MAX) &&
		(a->type != VALUE_integer || -number <= INT32_MAX))
		result->type = a->type;
	return OK;
}

/* Double.compare: NaN is above all and equal to itself, -0.0 is below 0.0. */
static int
compare_real(double a, double b)
{
	bool a_nan = a != a, b_nan = b != b;

	if (a_nan || b_nan)
		return a_nan - b_nan;
	if (a != b)
		return a < b ? -1 : 1;
	return (__builtin_signbit(b) != 0) - (__builtin_signbit(a) != 0);
}

static int
compare_long(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

enum status
operate_compare(struct eval *e, const struct value *a, const struct value *b, int *order)
{
	struct value s, t;
	int64_t m, n;
	double x, y;

	if (a->type == VALUE_double || b->type == VALUE_double) {
		TRY(to_double(e, a, &x));
		TRY(to_double(e, b, &y));
		*order = compare_real(x, y);
	} else if (is_integer(a) || is_integer(b)) {
		TRY(to_long(e, a, &m));
		TRY(to_long(e, b, &n));
		*order = compare_long(m, n);
	} else if (a->type == VALUE_string || b->type == VALUE_string) {
		TRY(to_text(e, a, &s));
		TRY(to_text(e, b, &t));
		*order = strcmp(s.text, t.text);
	} else if (a->type == b->type && (a->type == VALUE_date || a->type == VALUE_boolean)) {
		*order = compare_long(a->integer, b->integer);
	} else {
		return eval_fail(e, FAILURE_other, "Cannot compare '%s' and '%s'", java_class(a), java_class(b));
	}
	return OK;
}

/* null equals null only. */
static enum status
equal(struct eval *e, const struct value *a, const struct value *b, bool *result)
{
	bool p, q, number = a->type == VALUE_double || b->type == VALUE_double || is_integer(a) || is_integer(b);
	bool boolean = a->type == VALUE_boolean || b->type == VALUE_boolean;
	int order;

	if (a->type == VALUE_null || b->type == VALUE_null) {
		*result = a->type == b->type;
	} else if (boolean && !number) {
		TRY(to_boolean(e, a, &p));
		TRY(to_boolean(e, b, &q));
		*result = p == q;
	} else if (number || a->type == VALUE_string || b->type == VALUE_string) {
		TRY(operate_compare(e, a, b, &order));
		*result = order == 0;
	} else {
		TRY(eval_charge(e, a->length / EXPR_STEP_ITEMS));
		*result = value_equal(a, b);
	}
	return OK;
}

/* Comparison with null is false, but null <= null and null >= null are true: both are the same. */
static enum status
relation(struct eval *e, enum op op, const struct value *a, const struct value *b, bool *result)
{
	bool same = a->type == VALUE_null && b->type == VALUE_null;
	int order;

	if (a->type == VALUE_null || b->type == VALUE_null) {
		*result = same && (op == OP_le || op == OP_ge);
		return OK;
	}
	TRY(operate_compare(e, a, b, &order));
	if (op == OP_lt || op == OP_ge)
		*result = (order < 0) == (op == OP_lt);
	else
		*result = (order > 0) == (op == OP_gt);
	return OK;
}

enum status
operate_binary(struct eval *e, enum op op, const struct value *a, const struct value *b, struct value *result)
{
	bool is = false;

	if (op >= OP_add && op <= OP_modulo)
		return arithmetic(e, op, a, b, result);
	if (op == OP_eq || op == OP_ne) {
		TRY(equal(e, a, b, &is));
		is = is == (op == OP_eq);
	} else {
		TRY(relation(e, op, a, b, &is));
	}
	*result = value_boolean(is);
	return OK;
}

enum status
operate_empty(struct eval *e, const struct value *a, bool *result)
{
	struct value opened;

	TRY(eval_open(e, a, &opened));
	*result = is_blank(&opened) ||
		((opened.type == VALUE_list || opened.type == VALUE_map) && opened.length == 0);
	return OK;
}
