/* SPDX-License-Identifier: Apache-2.0
 * From text to tokens: literal text with its escapes outside of ${}, JUEL's tokens inside. */
#include "expr/expr_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct token_row {
	const char *name, *mark, *word;
};

static const struct token_row tokens[] = {
#define TOKEN(name, mark, word, order, op) { #name, mark, word },
#include "expr/tokens.def"
#undef TOKEN
};

enum { TOKEN_ROWS = sizeof tokens / sizeof *tokens, MESSAGE_SOURCE = 500, MESSAGE_PART = 200 };

int
lex_shown(const char *text, size_t most)
{
	size_t length = strnlen(text, most);

	return (int)text_utf8_prefix(text, length);
}

enum status
lex_fail(struct lexer *lexer, const char *format, ...)
{
	char reason[ERROR_TEXT / 2];
	va_list args;

	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	return FAIL(lexer->err, engine, "Error while parsing expression '%.*s%s': %s at position %zu",
		lex_shown(lexer->source, MESSAGE_SOURCE), lexer->source, lexer->length > MESSAGE_SOURCE ? "..." : "",
		reason, lexer->start);
}

/* Java counts in UTF-16. */
static size_t
java_position(const struct lexer *lexer)
{
	size_t position = 0;

	for (size_t i = 0; i < lexer->start; i++) {
		unsigned char byte = (unsigned char)lexer->source[i];

		position += ((byte & 0xc0) != 0x80) + (size_t)(byte >= 0xf0);
	}
	return position;
}

enum status
lex_reject(struct lexer *lexer, const char *kind, const char *encountered, const char *expected)
{
	return FAIL(lexer->err, engine,
		"Error parsing '%.*s%s': %s error at position %zu, encountered %.*s, expected %s",
		lex_shown(lexer->source, MESSAGE_SOURCE), lexer->source, lexer->length > MESSAGE_SOURCE ? "..." : "",
		kind, java_position(lexer), lex_shown(encountered, MESSAGE_PART), encountered, expected);
}

const char *
lex_name(enum token token)
{
	return tokens[token].mark != NULL ? tokens[token].mark : tokens[token].word;
}

const char *
lex_image(const struct lexer *lexer)
{
	if (lexer->token == TOKEN_end)
		return "null";
	if (lexer->token == TOKEN_string)
		return lexer->string;
	return arena_strndup(lexer->arena, lexer->source + lexer->start, lexer->at - lexer->start);
}

static bool
opens(const char *p)
{
	return (p[0] == '$' || p[0] == '#') && p[1] == '{';
}

const char *
lex_text(struct lexer *lexer)
{
	struct text text;
	const char *s = lexer->source;
	size_t i = lexer->at, from = i;

	text_init(&text, lexer->arena);
	for (; i < lexer->length && !opens(s + i); i++) {
		if (s[i] != '\\' || !opens(s + i + 1))
			continue;
		/* the backslash goes, the opener stays as text */
		text_put(&text, s + from, i - from);
		from = ++i;
	}
	text_put(&text, s + from, i - from);
	lexer->at = i;
	return text_string(&text);
}

bool
lex_opener(struct lexer *lexer, char *kind)
{
	const char *p = lexer->source + lexer->at;

	lexer->start = lexer->at;
	if (lexer->at >= lexer->length || !opens(p))
		return false;
	*kind = *p;
	lexer->at += 2;
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Bytes beyond ASCII count as letters: Java allows most of them. */
static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' || (c & 0x80) != 0;
}

/* Bytes of the character that begins here. */
static int
char_length(const char *s)
{
	int length = 1;

	while ((s[length] & 0xc0) == 0x80)
		length++;
	return length;
}

/* A backslash in a string, before what neither ends nor escapes it. */
static enum status
reject_escape(struct lexer *lexer, const char *escaped, char quote)
{
	if (*escaped == '\0')
		return lex_reject(lexer, "lexical", "unterminated string", quote == '"' ? "\" or \\" : "' or \\");
	return lex_reject(lexer, "lexical",
		arena_printf(lexer->arena, "invalid escape sequence \\%.*s", char_length(escaped), escaped),
		quote == '"' ? "\\\" or \\\\" : "\\' or \\\\");
}

static enum status
read_string(struct lexer *lexer)
{
	const char *s = lexer->source;
	char *out = arena_alloc(lexer->arena, lexer->length - lexer->at), quote = s[lexer->at];
	size_t i = lexer->at + 1, n = 0;

	for (; i < lexer->length && s[i] != quote; i++) {
		if (s[i] == '\\' && s[++i] != '\\' && s[i] != quote)
			return reject_escape(lexer, s + i, quote);
		out[n++] = s[i];
	}
	if (i >= lexer->length)
		return lex_reject(lexer, "lexical", "unterminated string", quote == '"' ? "\"" : "'");
	out[n] = '\0';
	lexer->at = i + 1;
	lexer->token = TOKEN_string;
	lexer->string = out;
	return OK;
}

static size_t
skip_digits(const char *s, size_t i)
{
	while (is_digit(s[i]))
		i++;
	return i;
}

/* Integers are Long; a point or an exponent makes a Double.  There is no sign: minus is an operator. */
static enum status
read_number(struct lexer *lexer)
{
	const char *s = lexer->source;
	size_t i = skip_digits(s, lexer->at), exponent;
	bool real = s[i] == '.';
	char *digits;

	if (real)
		i = skip_digits(s, i + 1);
	if (s[i] == 'e' || s[i] == 'E') {
		exponent = i + 1 + (s[i + 1] == '+' || s[i + 1] == '-');
		if (is_digit(s[exponent])) {
			real = true;
			i = skip_digits(s, exponent);
		}
	}
	digits = arena_strndup(lexer->arena, s + lexer->at, i - lexer->at);
	lexer->at = i;
	lexer->token = real ? TOKEN_real : TOKEN_integer;
	if (real)
		lexer->real = strtod(digits, NULL);
	else if (!text_to_int(digits + strspn(digits, "0") - (strspn(digits, "0") == strlen(digits)),
			 &lexer->integer))
		return lex_reject(lexer, "syntax", arena_printf(lexer->arena, "'%.40s'", digits), "<INTEGER>");
	return OK;
}

static void
read_word(struct lexer *lexer)
{
	const char *s = lexer->source;
	size_t i = lexer->at;

	while (is_letter(s[i]) || is_digit(s[i]))
		i++;
	lexer->string = arena_strndup(lexer->arena, s + lexer->at, i - lexer->at);
	lexer->at = i;
	lexer->token = TOKEN_identifier;
	for (int t = 0; t < TOKEN_ROWS; t++)
		if (text_equal(tokens[t].word, lexer->string))
			lexer->token = (enum token)t;
}

/* The longest mark that stands here. */
static enum status
read_mark(struct lexer *lexer)
{
	const char *s = lexer->source + lexer->at;
	size_t longest = 0;

	for (int t = 0; t < TOKEN_ROWS; t++) {
		size_t length = tokens[t].mark == NULL ? 0 : strlen(tokens[t].mark);

		if (length > longest && strncmp(s, tokens[t].mark, length) == 0) {
			longest = length;
			lexer->token = (enum token)t;
		}
	}
	if (longest == 0)
		return lex_reject(lexer, "lexical", arena_printf(lexer->arena, "invalid character '%c'",
			*s >= ' ' && *s < 0x7f ? *s : '?'), "expression token");
	lexer->at += longest;
	return OK;
}

enum status
lex_next(struct lexer *lexer)
{
	const char *s = lexer->source;

	lexer->at += strspn(s + lexer->at, " \t\r\n\f\v");
	lexer->start = lexer->at;
	s += lexer->at;
	if (*s == '\0') {
		lexer->token = TOKEN_end;
		return OK;
	}
	if (*s == '\'' || *s == '"')
		return read_string(lexer);
	if (is_digit(*s) || (*s == '.' && is_digit(s[1])))
		return read_number(lexer);
	if (!is_letter(*s))
		return read_mark(lexer);
	read_word(lexer);
	return OK;
}
