/* SPDX-License-Identifier: Apache-2.0
 * Inside expr/: tokens, the code of the stack machine, and the state of one evaluation. */
#ifndef EXPR_EXPR_PRIV_H
#define EXPR_EXPR_PRIV_H

#include "base/text.h"
#include "expr/expr.h"

enum {
	EXPR_SOURCE_MAX = 64 * 1024,	/* bytes of an expression */
	EXPR_LEVELS_MAX = 200,		/* parentheses, calls, indexes, prefixes inside each other */
	EXPR_NODES_MAX = 10000,		/* instructions */
	EXPR_TEXT_MAX = 1024 * 1024,	/* bytes of any text that an evaluation makes */
	EXPR_STEPS_MAX = 100000,
	EXPR_STEP_BYTES = 64,		/* bytes of text that cost one step */
	EXPR_STEP_JSON = 128,		/* bytes of JSON whose parsing costs one step */
	EXPR_STEP_ITEMS = 16,		/* items of a list whose visit costs one step */
};

/* --- lex.c */

enum token {
#define TOKEN(name, mark, word, order, op) TOKEN_##name,
#include "expr/tokens.def"
#undef TOKEN
	TOKEN_identifier,	/* lexer.string: its name */
	TOKEN_string,		/* lexer.string: unescaped */
	TOKEN_integer,		/* lexer.integer */
	TOKEN_real,		/* lexer.real */
	TOKEN_end,		/* of the whole text, inside ${ */
};

struct lexer {
	struct arena *arena;
	const char *source;
	size_t length;		/* of source */
	size_t at;		/* where the next token is looked for */
	size_t start;		/* where the current token begins */
	enum token token;	/* the current one */
	const char *string;
	int64_t integer;
	double real;
	struct error *err;
};

enum { LEX_NAME = 200 };	/* bytes of a name in a message */

/* Fails with what is ours to refuse, and where the current token begins. */
enum status lex_fail(struct lexer *lexer, const char *format, ...) PRINTF_LIKE(2, 3);

/* Fails as JUEL does: kind is lexical or syntax, the place is where the current token begins. */
enum status lex_reject(struct lexer *lexer, const char *kind, const char *encountered, const char *expected);

/* Reads literal text up to an opener or the end and unescapes it: an opener behind a backslash is text. */
const char *lex_text(struct lexer *lexer);

/* Whether ${ or #{ stands here; then it is read, and *kind is its first character. */
bool lex_opener(struct lexer *lexer, char *kind);

/* Reads the next token into the lexer. */
enum status lex_next(struct lexer *lexer) MUST_CHECK;

/* How many bytes of a text a message shows, for %.*s: whole characters, and no more bytes than that. */
int lex_shown(const char *text, size_t most);

/* How a mark or word of tokens.def is written. */
const char *lex_name(enum token token);

/* The current token as it is called in messages: "null" is the end. */
const char *lex_image(const struct lexer *lexer);

/* --- compile.c */

enum op {
#define OP(name, operand, effect) OP_##name,
#include "expr/ops.def"
#undef OP
	OP_COUNT
};

/* One instruction; what of it counts is the operand column of ops.def. */
struct code {
	enum op op;
	uint32_t n;			/* call, concat: values taken; jump: the instruction to go on with */
	uint32_t row;			/* method: first row to try; function: its row */
	const char *name;		/* name, property, method, function */
	const struct value *constant;
};

struct expr {
	const char *source;
	const struct code *code;
	size_t count;
	size_t stack;			/* values on the stack at most */
	bool literal;			/* no expression in it, and the value is the source as it stands */
};

/* The code under construction. */
struct compiler {
	struct lexer lexer;
	struct code *code;
	size_t count, capacity;
	size_t depth, deepest;		/* of the stack */
	int levels;			/* of the parser's recursion */
};

/* Appends an instruction and returns its place through *at, which may be NULL. */
enum status compile_emit(struct compiler *c, struct code code, size_t *at) MUST_CHECK;

enum status compile_op(struct compiler *c, enum op op) MUST_CHECK;
enum status compile_constant(struct compiler *c, struct value value) MUST_CHECK;

/* Lets the jump at `at` lead to the next instruction. */
void compile_land(struct compiler *c, size_t at);

/* Calls of what is not in the tables fail here, not when they would run. */
enum status compile_method(struct compiler *c, const char *name, size_t argc) MUST_CHECK;
enum status compile_function(struct compiler *c, const char *name, size_t argc) MUST_CHECK;

/* --- parse.c */

/* Reads the whole text and appends its code. */
enum status parse_composite(struct compiler *c) MUST_CHECK;

/* --- eval.c */

enum { EVAL_OPENED = 8 };

/* One evaluation. */
struct eval {
	const struct expr *expr;
	const struct expr_scope *scope;
	struct arena *arena;
	int64_t steps;			/* taken so far */
	struct error *err;
	/* JSON that was parsed already, found by the address of its text: a.b + a.c parses `a` once */
	struct {
		const char *text;
		struct value value;
	} opened[EVAL_OPENED];
	size_t opened_next;
};

/* What went wrong decides the first words of the message. */
enum eval_failure { FAILURE_property, FAILURE_method, FAILURE_other };

enum status eval_fail(struct eval *e, enum eval_failure failure, const char *format, ...) PRINTF_LIKE(3, 4);

/* Takes steps for work that grows with the data. */
enum status eval_charge(struct eval *e, size_t steps) MUST_CHECK;

/* Fails when a text is longer than EXPR_TEXT_MAX, and takes steps for it. */
enum status eval_charge_text(struct eval *e, size_t length) MUST_CHECK;

/* The list or map behind a JSON, else the value itself. */
enum status eval_open(struct eval *e, const struct value *value, struct value *opened) MUST_CHECK;

/* --- operate.c: coercions and operators (JSR-245 1.8, 1.18) */

const char *java_class(const struct value *value);

enum status to_long(struct eval *e, const struct value *value, int64_t *number) MUST_CHECK;
enum status to_double(struct eval *e, const struct value *value, double *real) MUST_CHECK;
enum status to_boolean(struct eval *e, const struct value *value, bool *b) MUST_CHECK;
/* null gives "". */
enum status to_text(struct eval *e, const struct value *value, struct value *text) MUST_CHECK;

int64_t double_to_long(double real);
bool is_integer(const struct value *value);

enum status operate_binary(struct eval *e, enum op op, const struct value *a, const struct value *b,
	struct value *result) MUST_CHECK;
enum status operate_negate(struct eval *e, const struct value *a, struct value *result) MUST_CHECK;
enum status operate_empty(struct eval *e, const struct value *a, bool *result) MUST_CHECK;
/* <0, 0, >0; both are not null. */
enum status operate_compare(struct eval *e, const struct value *a, const struct value *b, int *order) MUST_CHECK;

/* --- methods.c, dates.c */

enum kind { KIND_any, KIND_string, KIND_list, KIND_map, KIND_number, KIND_boolean, KIND_date };

typedef enum status method_fn(struct eval *e, const struct value *self, const struct value *args,
	struct value *result);

/* The first row at or behind `from` with this name and arity; false if there is none. */
bool method_find(const char *name, size_t arity, uint32_t from, uint32_t *row);

/* Whether a method of that name takes any other count of arguments. */
bool method_known(const char *name);
bool function_find(const char *name, uint32_t *row, size_t *arity);

enum status method_call(struct eval *e, const struct code *code, const struct value *self,
	const struct value *args, struct value *result) MUST_CHECK;
enum status function_call(struct eval *e, const struct code *code, const struct value *args,
	struct value *result) MUST_CHECK;

/* Of dates.c; methods.def says what they are. */
#define DATE_METHOD(name) method_fn method_date_##name;
DATE_METHOD(millis) DATE_METHOD(to_string) DATE_METHOD(before) DATE_METHOD(after)
DATE_METHOD(plus_years) DATE_METHOD(plus_months) DATE_METHOD(plus_weeks) DATE_METHOD(plus_days)
DATE_METHOD(plus_hours) DATE_METHOD(plus_minutes) DATE_METHOD(plus_seconds) DATE_METHOD(plus_millis)
DATE_METHOD(minus_years) DATE_METHOD(minus_months) DATE_METHOD(minus_weeks) DATE_METHOD(minus_days)
DATE_METHOD(minus_hours) DATE_METHOD(minus_minutes) DATE_METHOD(minus_seconds) DATE_METHOD(minus_millis)
DATE_METHOD(start_of_day) DATE_METHOD(with_hour) DATE_METHOD(with_minute) DATE_METHOD(with_second)
DATE_METHOD(with_milli) DATE_METHOD(with_day) DATE_METHOD(with_month) DATE_METHOD(with_year)
DATE_METHOD(with_weekday) DATE_METHOD(year) DATE_METHOD(month) DATE_METHOD(day) DATE_METHOD(weekday)
DATE_METHOD(hour) DATE_METHOD(minute)
#undef DATE_METHOD

/* Of strings.c. */
#define STRING_METHOD(name) method_fn method_string_##name;
STRING_METHOD(equals_ignore_case) STRING_METHOD(contains) STRING_METHOD(starts_with) STRING_METHOD(ends_with)
STRING_METHOD(length) STRING_METHOD(is_empty) STRING_METHOD(substring) STRING_METHOD(substring_to)
STRING_METHOD(to_upper) STRING_METHOD(to_lower) STRING_METHOD(trim) STRING_METHOD(concat)
STRING_METHOD(replace) STRING_METHOD(index_of) STRING_METHOD(last_index_of) STRING_METHOD(split)
#undef STRING_METHOD

#endif
