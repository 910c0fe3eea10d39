/* SPDX-License-Identifier: Apache-2.0
 * JUEL's grammar, by recursive descent; code is appended as soon as an operand or operator is known, so there
 * is no tree in between.  Recursion is counted (EXPR_LEVELS_MAX). */
#include "expr/expr_priv.h"

#include <string.h>

struct binary_row {
	int order;		/* 0: not a binary operator */
	enum op op;
};

static const struct binary_row binaries[] = {
#define TOKEN(name, mark, word, order, op) [TOKEN_##name] = { order, OP_##op },
#include "expr/tokens.def"
#undef TOKEN
	[TOKEN_end] = { 0, OP_constant },
};

enum { ORDER_LOWEST = 1 };

static enum status parse_expression(struct compiler *c);

/* What an operand can begin with, in JUEL's words and by token. */
static const char operand[] =
	"<IDENTIFIER>|<STRING>|<FLOAT>|<INTEGER>|'true'|'false'|'null'|'-'|'!'|'not'|'empty'|'('";

static const bool begins_operand[TOKEN_end + 1] = {
	[TOKEN_identifier] = true, [TOKEN_string] = true, [TOKEN_integer] = true, [TOKEN_real] = true,
	[TOKEN_true] = true, [TOKEN_false] = true, [TOKEN_null] = true,
	[TOKEN_minus] = true, [TOKEN_not] = true, [TOKEN_empty] = true, [TOKEN_paren] = true,
};

static enum status
fail_token(struct compiler *c, const char *expected)
{
	struct lexer *lexer = &c->lexer;

	return lex_reject(lexer, "syntax", arena_printf(lexer->arena, "'%s'", lex_image(lexer)), expected);
}

static enum status
fail_mark(struct compiler *c, enum token token)
{
	return fail_token(c, arena_printf(c->lexer.arena, "'%s'", lex_name(token)));
}

static enum status
expect(struct compiler *c, enum token token)
{
	if (c->lexer.token != token)
		return fail_mark(c, token);
	return lex_next(&c->lexer);
}

static enum status
enter(struct compiler *c)
{
	if (++c->levels > EXPR_LEVELS_MAX)
		return lex_fail(&c->lexer, "more than %d levels", EXPR_LEVELS_MAX);
	return OK;
}

/* The arguments of a call, from its opening parenthesis on. */
static enum status
parse_arguments(struct compiler *c, size_t *count)
{
	size_t n = 0;

	TRY(expect(c, TOKEN_paren));
	while (c->lexer.token != TOKEN_unparen) {
		if (n++ > 0 ? c->lexer.token != TOKEN_comma : !begins_operand[c->lexer.token])
			return fail_mark(c, TOKEN_unparen);
		if (n > 1)
			TRY(lex_next(&c->lexer));
		TRY(parse_expression(c));
	}
	*count = n;
	return lex_next(&c->lexer);
}

/* Objects that exist in Java only.  Alone they are names like others. */
static bool
is_implicit(const char *name)
{
	static const char *const implicit[] = { "execution", "task", "externalTask", "caseExecution" };

	for (size_t i = 0; i < sizeof implicit / sizeof *implicit; i++)
		if (text_equal(name, implicit[i]))
			return true;
	return false;
}

/* What stands left of a member or index, and begins at this instruction, is a text, number, date or truth value
 * whatever the variables are: such a thing has no members, so `${''.class}` can only fail.  It does so before it
 * runs. */
static enum status
check_members(struct compiler *c, size_t base, size_t end, const char *member)
{
	const struct code *code = &c->code[base];
	const char *what;

	if (end != base + 1 || (code->op != OP_constant && code->op != OP_function))
		return OK;
	if (code->op == OP_constant && code->constant->type == VALUE_null)
		return OK;
	what = code->op == OP_function ? "a date" : code->constant->type == VALUE_string ? "a text" :
		code->constant->type == VALUE_boolean ? "a truth value" : "a number";
	return lex_fail(&c->lexer, "'%.*s' is nothing that %s has", lex_shown(member, LEX_NAME), member, what);
}

/* .name or .name(...); owner is the name left of it, if it is no more than that, base its first instruction. */
static enum status
parse_member(struct compiler *c, const char *owner, size_t base)
{
	const char *name;
	size_t argc;

	if (c->lexer.token != TOKEN_identifier)
		return fail_token(c, "<IDENTIFIER>");
	name = c->lexer.string;
	if (is_implicit(owner))
		return lex_fail(&c->lexer, "'%s.%.*s' is not supported yet", owner, lex_shown(name, LEX_NAME), name);
	TRY(lex_next(&c->lexer));
	if (c->lexer.token != TOKEN_paren) {
		TRY(check_members(c, base, c->count, name));
		return compile_emit(c, (struct code){ .op = OP_property, .name = name }, NULL);
	}
	TRY(parse_arguments(c, &argc));
	return compile_method(c, name, argc);
}

static enum status
parse_index(struct compiler *c, const char *owner, size_t base)
{
	size_t end = c->count;
	const struct code *key;

	if (is_implicit(owner))
		return lex_fail(&c->lexer, "'%s[]' is not supported yet", owner);
	TRY(parse_expression(c));
	TRY(expect(c, TOKEN_unbracket));
	if (c->lexer.token == TOKEN_paren)
		return lex_fail(&c->lexer, "a method call by index is not supported yet");
	key = &c->code[end];
	if (c->count == end + 1 && key->op == OP_constant && key->constant->type != VALUE_null)
		TRY(check_members(c, base, end, value_to_text(c->lexer.arena, key->constant)));
	return compile_op(c, OP_index);
}

/* A name or a call of a function; *name stays when it is a name alone. */
static enum status
parse_name(struct compiler *c, const char **name)
{
	const char *called = c->lexer.string;
	size_t argc;

	TRY(lex_next(&c->lexer));
	if (c->lexer.token != TOKEN_paren) {
		*name = called;
		return compile_emit(c, (struct code){ .op = OP_name, .name = called }, NULL);
	}
	TRY(parse_arguments(c, &argc));
	return compile_function(c, called, argc);
}

static enum status
parse_literal(struct compiler *c)
{
	const struct lexer *lexer = &c->lexer;
	struct value value;

	if (lexer->token == TOKEN_string)
		value = value_string(lexer->string);
	else if (lexer->token == TOKEN_integer)
		value = value_long(lexer->integer);
	else if (lexer->token == TOKEN_real)
		value = value_double(lexer->real);
	else if (lexer->token == TOKEN_true || lexer->token == TOKEN_false)
		value = value_boolean(lexer->token == TOKEN_true);
	else if (lexer->token == TOKEN_null)
		value = value_null();
	else
		return fail_token(c, operand);
	TRY(compile_constant(c, value));
	return lex_next(&c->lexer);
}

/* A literal, a name, a call or parentheses, then any number of members and indexes. */
static enum status
parse_value(struct compiler *c)
{
	const char *owner = NULL;
	size_t base = c->count;

	if (c->lexer.token == TOKEN_identifier) {
		TRY(parse_name(c, &owner));
	} else if (c->lexer.token == TOKEN_paren) {
		TRY(lex_next(&c->lexer));
		TRY(parse_expression(c));
		TRY(expect(c, TOKEN_unparen));
	} else {
		TRY(parse_literal(c));
	}
	for (;; owner = NULL) {
		if (c->lexer.token == TOKEN_dot) {
			TRY(lex_next(&c->lexer));
			TRY(parse_member(c, owner, base));
		} else if (c->lexer.token == TOKEN_bracket) {
			TRY(lex_next(&c->lexer));
			TRY(parse_index(c, owner, base));
		} else {
			return OK;
		}
	}
}

static enum status
parse_unary(struct compiler *c)
{
	enum token token = c->lexer.token;

	if (token != TOKEN_minus && token != TOKEN_not && token != TOKEN_empty)
		return parse_value(c);
	TRY(enter(c));
	TRY(lex_next(&c->lexer));
	TRY(parse_unary(c));
	c->levels--;
	return compile_op(c, token == TOKEN_minus ? OP_negate : binaries[token].op);
}

/* Operators of at least this order; `and` and `or` skip their right side when the left decides. */
static enum status
parse_binary(struct compiler *c, int order)
{
	TRY(parse_unary(c));
	while (c->lexer.token < TOKEN_identifier && binaries[c->lexer.token].order >= order) {
		struct binary_row row = binaries[c->lexer.token];
		bool jumps = row.op == OP_and_jump || row.op == OP_or_jump;
		size_t at = 0;

		TRY(lex_next(&c->lexer));
		if (jumps)
			TRY(compile_emit(c, (struct code){ .op = row.op }, &at));
		TRY(parse_binary(c, row.order + 1));
		TRY(compile_op(c, jumps ? OP_boolean : row.op));
		if (jumps)
			compile_land(c, at);
	}
	return OK;
}

/* a ? b : c, or no more than a. */
static enum status
parse_expression(struct compiler *c)
{
	size_t otherwise, end;

	TRY(enter(c));
	TRY(parse_binary(c, ORDER_LOWEST));
	if (c->lexer.token == TOKEN_question) {
		TRY(lex_next(&c->lexer));
		TRY(compile_emit(c, (struct code){ .op = OP_false_jump }, &otherwise));
		TRY(parse_expression(c));
		TRY(expect(c, TOKEN_colon));
		TRY(compile_emit(c, (struct code){ .op = OP_jump }, &end));
		compile_land(c, otherwise);
		c->depth--;	/* one of the two values only */
		TRY(parse_expression(c));
		compile_land(c, end);
	}
	c->levels--;
	return OK;
}

/* One ${...}, behind its opener.  What follows the brace is text again, so it is not read as a token. */
static enum status
parse_braces(struct compiler *c)
{
	TRY(lex_next(&c->lexer));
	TRY(parse_expression(c));
	if (c->lexer.token != TOKEN_brace)
		return fail_mark(c, TOKEN_brace);
	return OK;
}

enum status
parse_composite(struct compiler *c)
{
	struct lexer *lexer = &c->lexer;
	uint32_t parts = 0;
	char first = '\0', kind;

	for (;;) {
		const char *text = lex_text(lexer);

		if (*text != '\0' || (parts == 0 && lexer->at == lexer->length)) {
			TRY(compile_constant(c, value_string(text)));
			parts++;
		}
		if (!lex_opener(lexer, &kind))
			break;
		if (first != '\0' && first != kind)
			return lex_reject(lexer, "syntax", kind == '#' ? "'#{'" : "'${'",
				first == '#' ? "'#{'" : "'${'");
		first = kind;
		TRY(parse_braces(c));
		if (parts++ > 0 || lexer->at < lexer->length)
			TRY(compile_op(c, OP_text));
	}
	if (parts > 1)
		TRY(compile_emit(c, (struct code){ .op = OP_concat, .n = parts }, NULL));
	return OK;
}
