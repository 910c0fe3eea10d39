/* SPDX-License-Identifier: Apache-2.0
 * The code of expressions: appended by the parser, checked against the tables, printed. */
#include "expr/expr_priv.h"

#include <assert.h>
#include <string.h>

enum operand { OPERAND_none, OPERAND_constant, OPERAND_name, OPERAND_call, OPERAND_count, OPERAND_jump };

struct op_row {
	const char *name;
	enum operand operand;
	int effect;
};

static const struct op_row ops[OP_COUNT] = {
#define OP(name, operand, effect) [OP_##name] = { #name, OPERAND_##operand, effect },
#include "expr/ops.def"
#undef OP
};

enum status
compile_emit(struct compiler *c, struct code code, size_t *at)
{
	const struct op_row *row = &ops[code.op];
	size_t taken = row->operand == OPERAND_call || row->operand == OPERAND_count ? code.n : 0;

	if (c->count >= EXPR_NODES_MAX)
		return lex_fail(&c->lexer, "more than %d parts", EXPR_NODES_MAX);
	c->code = arena_grow(c->lexer.arena, c->code, sizeof *c->code, c->count, &c->capacity);
	if (at != NULL)
		*at = c->count;
	c->code[c->count++] = code;
	c->depth = c->depth - taken + (size_t)row->effect;
	if (c->depth > c->deepest)
		c->deepest = c->depth;
	return OK;
}

enum status
compile_op(struct compiler *c, enum op op)
{
	return compile_emit(c, (struct code){ .op = op }, NULL);
}

enum status
compile_constant(struct compiler *c, struct value value)
{
	const struct value *constant = arena_copy(c->lexer.arena, &value, sizeof value);

	return compile_emit(c, (struct code){ .op = OP_constant, .constant = constant }, NULL);
}

void
compile_land(struct compiler *c, size_t at)
{
	c->code[at].n = (uint32_t)c->count;
}

enum status
compile_method(struct compiler *c, const char *name, size_t argc)
{
	struct code code = { .op = OP_method, .n = (uint32_t)argc, .name = name };

	if (method_find(name, argc, 0, &code.row))
		return compile_emit(c, code, NULL);
	if (method_known(name))
		return lex_fail(&c->lexer, "method '%.*s' does not take %zu arguments", lex_shown(name, LEX_NAME),
			name, argc);
	return lex_fail(&c->lexer, "method '%.*s' is not supported yet", lex_shown(name, LEX_NAME), name);
}

enum status
compile_function(struct compiler *c, const char *name, size_t argc)
{
	struct code code = { .op = OP_function, .n = (uint32_t)argc, .name = name };
	size_t arity;

	if (!function_find(name, &code.row, &arity))
		return lex_fail(&c->lexer, "function '%.*s' is not supported yet", lex_shown(name, LEX_NAME), name);
	if (argc != arity)
		return lex_fail(&c->lexer, "function '%.*s' does not take %zu arguments", lex_shown(name, LEX_NAME),
			name, argc);
	return compile_emit(c, code, NULL);
}

enum status
expr_compile(struct arena *arena, const char *text, const struct expr **expr, struct error *err)
{
	struct compiler c = { .lexer = { .arena = arena, .err = err, .length = strlen(text) } };
	struct expr *made;

	c.lexer.source = text;
	if (c.lexer.length > EXPR_SOURCE_MAX)
		return lex_fail(&c.lexer, "more than %d bytes", EXPR_SOURCE_MAX);
	c.lexer.source = arena_strdup(arena, text);
	TRY(parse_composite(&c));
	assert(c.depth == 1 && c.levels == 0);
	made = ARENA_NEW(arena, struct expr);
	*made = (struct expr){
		.source = c.lexer.source,
		.code = c.code,
		.count = c.count,
		.stack = c.deepest,
	};
	made->literal = c.count == 1 && c.code[0].op == OP_constant &&
		c.code[0].constant->type == VALUE_string && strcmp(c.code[0].constant->text, made->source) == 0;
	*expr = made;
	return OK;
}

const char *
expr_source(const struct expr *expr)
{
	return expr->source;
}

bool
expr_is_literal(const struct expr *expr)
{
	return expr->literal;
}

const char *
expr_identifier(const struct expr *expr)
{
	return expr->count == 1 && expr->code[0].op == OP_name ? expr->code[0].name : NULL;
}

static void
dump_constant(struct text *text, struct arena *arena, const struct value *value)
{
	text_puts(text, value_type_name(value->type));
	if (value->type == VALUE_null)
		return;
	text_putc(text, ' ');
	text_puts(text, value_to_text(arena, value));
}

void
expr_dump(const struct expr *expr, struct arena *arena, const char **out)
{
	struct text text;

	text_init(&text, arena);
	for (size_t i = 0; i < expr->count; i++) {
		const struct code *code = &expr->code[i];

		text_printf(&text, "%zu %s", i, ops[code->op].name);
		switch (ops[code->op].operand) {
		case OPERAND_none:
			break;
		case OPERAND_constant:
			text_putc(&text, ' ');
			dump_constant(&text, arena, code->constant);
			break;
		case OPERAND_name:
			text_printf(&text, " %s", code->name);
			break;
		case OPERAND_call:
			text_printf(&text, " %s %u", code->name, code->n);
			break;
		case OPERAND_count:
		case OPERAND_jump:
			text_printf(&text, " %u", code->n);
			break;
		}
		text_putc(&text, '\n');
	}
	*out = text_string(&text);
}
