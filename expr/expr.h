/* SPDX-License-Identifier: Apache-2.0
 * JUEL without Java: expressions are compiled once, at deployment, and evaluated without side effects
 * (semantics: JSR-245 unified EL, and what Camunda 7 was measured to answer). */
#ifndef EXPR_EXPR_H
#define EXPR_EXPR_H

#include "base/value.h"

struct expr;

/* Compiles text in which ${...} and #{...} mean the same: text without either is a String constant, one
 * expression alone keeps its type, anything else is concatenated.  The result is immutable and lives in the
 * arena.  E_engine with Camunda's ENGINE-01009 text on a syntax error, on mixing ${} with #{}, on a function
 * or method that is not known, and over the limits (64 kB of text, 200 levels deep, 10,000 nodes). */
enum status expr_compile(struct arena *arena, const char *text, const struct expr **expr,
	struct error *err) MUST_CHECK;

/* The text it was compiled from. */
const char *expr_source(const struct expr *expr);

/* Whether it has no ${} at all: its value is its text, always. */
bool expr_is_literal(const struct expr *expr);

/* The name, if the expression is ${name} and nothing else; NULL otherwise. */
const char *expr_identifier(const struct expr *expr);

/* Where names are looked up. */
struct expr_scope {
	/* Whether name is known; its value then. The value must outlive the evaluation. */
	bool (*lookup)(const void *context, const char *name, struct value *value);
	const void *context;
	int64_t now_us;			/* what now() and dateTime() answer */
};

/* Evaluates into the arena.  E_engine with Camunda's text when a name is unknown ("Unknown property used in
 * expression: ${x}. Cause: Cannot resolve identifier 'x'"), a coercion fails, or a limit is reached (1 MB of
 * text, 100,000 steps). */
enum status expr_eval(const struct expr *expr, const struct expr_scope *scope, struct arena *arena,
	struct value *value, struct error *err) MUST_CHECK;

/* A condition: anything but a Boolean is E_engine (CB UelExpressionCondition). */
enum status expr_eval_condition(const struct expr *expr, const struct expr_scope *scope, struct arena *arena,
	bool *result, struct error *err) MUST_CHECK;

/* As text; null gives NULL. */
enum status expr_eval_text(const struct expr *expr, const struct expr_scope *scope, struct arena *arena,
	const char **text, struct error *err) MUST_CHECK;

/* As an int64 (a number without its fraction, since a division always gives a Double, or a text that is one); E_engine
 * naming `what` otherwise. */
enum status expr_eval_integer(const struct expr *expr, const struct expr_scope *scope, struct arena *arena,
	const char *what, int64_t *number, struct error *err) MUST_CHECK;

/* One line per instruction, for dumps of programs and golden tests. */
void expr_dump(const struct expr *expr, struct arena *arena, const char **text);

#endif
