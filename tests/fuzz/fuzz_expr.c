/* SPDX-License-Identifier: Apache-2.0
 * Fuzzes JUEL: compiled twice it is the same code, evaluated twice the same value, and the ways to evaluate agree. */
#include "tests/fuzz/fuzz.h"

#include <math.h>

#include "expr/expr.h"

#define TEXT(of, s) { .type = VALUE_##of, .text = (s), .length = sizeof(s) - 1 }

static const struct value numbers[] = {
	{ .type = VALUE_integer, .integer = 1 },
	{ .type = VALUE_long, .integer = INT64_MIN },
	{ .type = VALUE_double, .real = -0.5 },
	TEXT(string, "x"),
};
static const struct entry members[] = {
	{ .name = "k", .value = TEXT(string, "v") },
	{ .name = "1", .value = { .type = VALUE_list, .length = 4, .items = numbers } },
};
static const struct value_info as_json = { .format = "application/json", .object_type = "Thing" };
static const struct value_info as_file = { .filename = "a.txt", .mime = "text/plain", .encoding = "UTF-8" };

/* One letter each, so that they are found soon. */
static const struct entry variables[] = {
	{ .name = "n", .value = { .type = VALUE_null } },
	{ .name = "b", .value = { .type = VALUE_boolean, .integer = 1 } },
	{ .name = "h", .value = { .type = VALUE_short, .integer = -7 } },
	{ .name = "i", .value = { .type = VALUE_integer, .integer = INT32_MAX } },
	{ .name = "l", .value = { .type = VALUE_long, .integer = INT64_MIN } },
	{ .name = "L", .value = { .type = VALUE_long, .integer = INT64_MAX } },
	{ .name = "d", .value = { .type = VALUE_double, .real = 1e300 } },
	{ .name = "N", .value = { .type = VALUE_double, .real = NAN } },
	{ .name = "s", .value = TEXT(string, "a,b,\303\244\360\237\230\200") },
	{ .name = "t", .value = { .type = VALUE_date, .integer = INT64_C(253402300799999999) } },
	{ .name = "y", .value = TEXT(bytes, "\0\xff") },
	{ .name = "f", .value = { .type = VALUE_file, .text = "a", .length = 1, .info = &as_file } },
	{ .name = "j", .value = TEXT(json, "{\"a\":[1,{\"c\":null}],\"b\":1.50}") },
	{ .name = "J", .value = TEXT(json, "{") },
	{ .name = "x", .value = TEXT(xml, "<a/>") },
	{ .name = "o", .value = { .type = VALUE_object, .text = "[1,2]", .length = 5, .info = &as_json } },
	{ .name = "O", .value = TEXT(object, "rO0AB") },
	{ .name = "v", .value = { .type = VALUE_list, .length = 4, .items = numbers } },
	{ .name = "m", .value = { .type = VALUE_map, .length = 2, .entries = members } },
};

static bool
lookup(const void *context, const char *name, struct value *value)
{
	(void)context;
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
		if (strcmp(variables[i].name, name) == 0) {
			*value = variables[i].value;
			return true;
		}
	return false;
}

static const struct expr_scope scope = { .lookup = lookup, .now_us = INT64_C(1709164800000000) };

static void
same_failure(enum status status, enum status again, const struct error *err, const struct error *other)
{
	MUST(status == again && strcmp(err->message, other->message) == 0, "'%s' and '%s'", err->message,
		other->message);
	MUST(status == E_engine, "%d", (int)status);
	must_be_text(err->message);
}

/* A value that is what it says; its text is text unless it is made of bytes. */
static void
check(struct arena *arena, const struct value *value)
{
	const char *text = value_to_text(arena, value);
	struct value copy = value_copy(arena, *value);

	MUST(value->type < VALUE_COUNT, "type %d", (int)value->type);
	MUST(value_equal(value, &copy), "a copy differs");
	if (value->type == VALUE_string)
		MUST(text_is_utf8(value->text, value->length), "no text");
	if (value->type != VALUE_bytes && value->type != VALUE_file && value->type != VALUE_null)
		must_be_text(text);
	if (value->type == VALUE_integer)
		MUST(value->integer == (int32_t)value->integer, "an Integer of more than 32 bits");
	if (value->type == VALUE_boolean)
		MUST(value->integer == 0 || value->integer == 1, "neither true nor false");
}

/* Condition, text and integer fit the value. */
static void
other_ways(struct arena *arena, const struct expr *expr, const struct value *value)
{
	const char *text;
	int64_t number;
	struct error err;
	bool yes;

	if (expr_eval_condition(expr, &scope, arena, &yes, &err) == OK)
		MUST(value->type == VALUE_boolean && yes == (value->integer != 0), "the condition differs");
	else
		MUST(value->type != VALUE_boolean, "%s", err.message);
	if (expr_eval_text(expr, &scope, arena, &text, &err) == OK && text != NULL && value->type != VALUE_bytes &&
		value->type != VALUE_file)
		must_be_text(text);
	if (expr_eval_integer(expr, &scope, arena, "it", &number, &err) == OK && value->type == VALUE_long)
		MUST(number == value->integer, "the number differs");
}

static void
evaluate(struct arena *arena, const struct expr *expr)
{
	struct value value, again;
	struct error err, other;
	enum status status = expr_eval(expr, &scope, arena, &value, &err);
	enum status second = expr_eval(expr, &scope, arena, &again, &other);

	if (status != OK) {
		MUST(!expr_is_literal(expr), "%s", err.message);
		same_failure(status, second, &err, &other);
		return;
	}
	MUST(second == OK && value_equal(&value, &again), "evaluated twice it differs");
	check(arena, &value);
	other_ways(arena, expr, &value);
	if (expr_is_literal(expr))
		MUST(value.type == VALUE_string && strcmp(value.text, expr_source(expr)) == 0, "a literal changed");
	if (expr_identifier(expr) != NULL) {
		MUST(lookup(NULL, expr_identifier(expr), &again), "%s", expr_identifier(expr));
		MUST(value_equal(&value, &again) || again.type == VALUE_json || again.type == VALUE_object, "%s",
			expr_identifier(expr));
	}
}

static void
compile(struct arena *arena, const char *text)
{
	const struct expr *expr, *again;
	const char *code, *same;
	struct error err, other;
	enum status status = expr_compile(arena, text, &expr, &err);
	enum status second = expr_compile(arena, text, &again, &other);

	if (status != OK) {
		same_failure(status, second, &err, &other);
		return;
	}
	MUST(second == OK, "%s", other.message);
	MUST(strcmp(expr_source(expr), text) == 0, "the source changed");
	expr_dump(expr, arena, &code);
	expr_dump(again, arena, &same);
	MUST(strcmp(code, same) == 0, "compiled twice it differs");
	evaluate(arena, expr);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct arena *arena = arena_new();
	const char *text = arena_strndup(arena, (const char *)bytes, length);

	if (text_is_utf8(text, strlen(text)))
		compile(arena, text);
	arena_free(arena);
	return 0;
}
