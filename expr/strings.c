/* SPDX-License-Identifier: Apache-2.0
 * Methods of strings.  As in Java, lengths and indexes count UTF-16 units (a character beyond U+FFFF is two);
 * letters change case by the simple mappings of Latin, Greek and Cyrillic, without a locale. */
#include "expr/expr_priv.h"

#include <string.h>

/* An argument that Java declares as String or CharSequence: null has no text. */
static enum status
argument(struct eval *e, const struct value *arg, struct value *text)
{
	if (arg->type == VALUE_null)
		return eval_fail(e, FAILURE_other, "an argument is null");
	return to_text(e, arg, text);
}

/* Bytes of the UTF-8 character that begins with this byte, and its UTF-16 units; a stray byte counts as one. */
static size_t
bytes_of(unsigned char first)
{
	return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static size_t
step(const struct value *text, size_t at)
{
	size_t n = bytes_of((unsigned char)text->text[at]);

	return n > text->length - at ? text->length - at : n;
}

static int64_t
units_of(const struct value *text, size_t bytes)
{
	int64_t units = 0;

	for (size_t at = 0, n; at < bytes; at += n) {
		n = step(text, at);
		units += n == 4 ? 2 : 1;
	}
	return units;
}

/* The byte where a UTF-16 unit begins; false beyond the end and inside of a character. */
static bool
byte_at(const struct value *text, int64_t unit, size_t *at)
{
	size_t i = 0;

	while (unit > 0 && i < text->length) {
		size_t n = step(text, i);

		unit -= n == 4 ? 2 : 1;
		i += n;
	}
	*at = i;
	return unit == 0;
}

static enum status
make(struct eval *e, const char *bytes, size_t length, struct value *result)
{
	TRY(eval_charge_text(e, length));
	*result = value_string(arena_strndup(e->arena, bytes, length));
	return OK;
}

static uint32_t
decode(const char *p, size_t n)
{
	static const unsigned char masks[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = (unsigned char)*p & (n == 1 ? 0xff : masks[n]);

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3f);
	return c;
}

/* Case pairs of two bytes in UTF-8 on both sides: upper first, how many, distance to the lower one; step 2
 * means that upper and lower take turns. */
struct case_range {
	uint16_t first, last;
	int16_t distance;
	uint16_t step;
};

static const struct case_range cases[] = {
	{ 'A', 'Z', 32, 1 },
	{ 0xc0, 0xd6, 32, 1 },
	{ 0xd8, 0xde, 32, 1 },
	{ 0x100, 0x12e, 1, 2 },
	{ 0x132, 0x136, 1, 2 },
	{ 0x139, 0x147, 1, 2 },
	{ 0x14a, 0x176, 1, 2 },
	{ 0x178, 0x178, -121, 1 },
	{ 0x179, 0x17d, 1, 2 },
	{ 0x391, 0x3a1, 32, 1 },
	{ 0x3a3, 0x3ab, 32, 1 },
	{ 0x400, 0x40f, 80, 1 },
	{ 0x410, 0x42f, 32, 1 },
	{ 0x460, 0x480, 1, 2 },
	{ 0x48a, 0x4be, 1, 2 },
};

static uint32_t
change_case(uint32_t c, bool upper)
{
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct case_range *range = &cases[i];
		uint32_t from = upper ? c - (uint32_t)range->distance : c;

		if (from >= range->first && from <= range->last && (from - range->first) % range->step == 0)
			return upper ? from : c + (uint32_t)range->distance;
	}
	return c;
}

static enum status
with_case(struct eval *e, const struct value *self, bool upper, struct value *result)
{
	struct text text;

	TRY(eval_charge_text(e, self->length));
	text_init(&text, e->arena);
	for (size_t at = 0, n; at < self->length; at += n) {
		uint32_t c;

		n = step(self, at);
		c = decode(self->text + at, n);
		if (n > 2 || (n == 1 && c >= 0x80))
			text_put(&text, self->text + at, n);
		else if (n == 2 && upper && c == 0xdf)
			text_puts(&text, "SS");
		else if (n == 2) {
			c = change_case(c, upper);
			text_putc(&text, (char)(0xc0 | c >> 6));
			text_putc(&text, (char)(0x80 | (c & 0x3f)));
		} else
			text_putc(&text, (char)change_case(c, upper));
	}
	*result = value_string(text_string(&text));
	return OK;
}

enum status
method_string_to_upper(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	(void)args;
	return with_case(e, self, true, result);
}

enum status
method_string_to_lower(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	(void)args;
	return with_case(e, self, false, result);
}

enum status
method_string_equals_ignore_case(struct eval *e, const struct value *self, const struct value *args,
	struct value *result)
{
	struct value a, b;

	if (args[0].type == VALUE_null) {
		*result = value_boolean(false);
		return OK;
	}
	TRY(to_text(e, &args[0], &b));
	TRY(with_case(e, &b, false, &b));
	TRY(with_case(e, self, false, &a));
	*result = value_boolean(strcmp(a.text, b.text) == 0);
	return OK;
}

enum status
method_string_contains(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	struct value part;

	TRY(argument(e, &args[0], &part));
	TRY(eval_charge_text(e, self->length));
	*result = value_boolean(strstr(self->text, part.text) != NULL);
	return OK;
}

enum status
method_string_starts_with(struct eval *e, const struct value *self, const struct value *args,
	struct value *result)
{
	struct value part;

	TRY(argument(e, &args[0], &part));
	*result = value_boolean(strncmp(self->text, part.text, part.length) == 0);
	return OK;
}

enum status
method_string_ends_with(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	struct value part;

	TRY(argument(e, &args[0], &part));
	*result = value_boolean(part.length <= self->length &&
		memcmp(self->text + self->length - part.length, part.text, part.length) == 0);
	return OK;
}

enum status
method_string_length(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	(void)args;
	TRY(eval_charge_text(e, self->length));
	*result = value_integer(units_of(self, self->length));
	return OK;
}

enum status
method_string_is_empty(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	(void)e;
	(void)args;
	*result = value_boolean(self->length == 0);
	return OK;
}

static enum status
substring(struct eval *e, const struct value *self, int64_t begin, int64_t end, struct value *result)
{
	size_t from, to;

	if (begin < 0 || begin > end || !byte_at(self, begin, &from) || !byte_at(self, end, &to))
		return eval_fail(e, FAILURE_other, "begin %lld, end %lld, length %lld", (long long)begin,
			(long long)end, (long long)units_of(self, self->length));
	return make(e, self->text + from, to - from, result);
}

enum status
method_string_substring(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	int64_t begin;

	TRY(to_long(e, &args[0], &begin));
	TRY(eval_charge_text(e, self->length));
	return substring(e, self, begin, units_of(self, self->length), result);
}

enum status
method_string_substring_to(struct eval *e, const struct value *self, const struct value *args,
	struct value *result)
{
	int64_t begin, end;

	TRY(to_long(e, &args[0], &begin));
	TRY(to_long(e, &args[1], &end));
	TRY(eval_charge_text(e, self->length));
	return substring(e, self, begin, end, result);
}

/* Java's trim takes off everything up to the space, control characters included. */
enum status
method_string_trim(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	size_t from = 0, to = self->length;

	(void)args;
	while (from < to && (unsigned char)self->text[from] <= ' ')
		from++;
	while (to > from && (unsigned char)self->text[to - 1] <= ' ')
		to--;
	return make(e, self->text + from, to - from, result);
}

enum status
method_string_concat(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	struct value tail;

	TRY(argument(e, &args[0], &tail));
	TRY(eval_charge_text(e, self->length + tail.length));
	*result = value_string(arena_printf(e->arena, "%s%s", self->text, tail.text));
	return OK;
}

/* Where part stands at or behind `at`; self->length + 1 when it does not. */
static size_t
find(const struct value *self, const struct value *part, size_t at)
{
	const char *found = at > self->length ? NULL : strstr(self->text + at, part->text);

	return found == NULL ? self->length + 1 : (size_t)(found - self->text);
}

/* All places, literally.  An empty text stands before every character and at the end. */
enum status
method_string_replace(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	struct value from, to;
	struct text text;
	size_t at = 0, found;

	TRY(argument(e, &args[0], &from));
	TRY(argument(e, &args[1], &to));
	TRY(eval_charge_text(e, self->length));
	text_init(&text, e->arena);
	while ((found = find(self, &from, at)) <= self->length) {
		if (text.length + (found - at) + to.length > EXPR_TEXT_MAX)
			return eval_charge_text(e, EXPR_TEXT_MAX + 1);
		text_put(&text, self->text + at, found - at);
		text_put(&text, to.text, to.length);
		at = found + from.length;
		if (from.length == 0) {
			size_t n = at < self->length ? step(self, at) : 0;

			text_put(&text, self->text + at, n);
			at += n;
			if (n == 0)
				break;
		}
	}
	if (at < self->length)
		text_put(&text, self->text + at, self->length - at);
	*result = value_string(text_string(&text));
	return eval_charge_text(e, result->length);
}

enum status
method_string_index_of(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	struct value part;
	size_t at;

	TRY(argument(e, &args[0], &part));
	TRY(eval_charge_text(e, self->length));
	at = find(self, &part, 0);
	*result = value_integer(at > self->length ? -1 : units_of(self, at));
	return OK;
}

enum status
method_string_last_index_of(struct eval *e, const struct value *self, const struct value *args,
	struct value *result)
{
	struct value part;
	int64_t index = -1;

	TRY(argument(e, &args[0], &part));
	TRY(eval_charge_text(e, self->length));
	for (size_t i = self->length + 1; i-- > 0 && index < 0;)
		if (part.length <= self->length - i && memcmp(self->text + i, part.text, part.length) == 0)
			index = units_of(self, i);
	*result = value_integer(index);
	return OK;
}

/* The separator as literal text; false when it is a real regular expression. */
static bool
literal_pattern(struct arena *arena, const char *pattern, struct value *literal)
{
	char *out = arena_strdup(arena, pattern);
	size_t n = 0;

	for (; *pattern != '\0'; pattern++) {
		if (*pattern == '\\') {
			pattern++;
			if (strchr(".$|()[{^?*+\\-/", *pattern) == NULL || *pattern == '\0')
				return false;
		} else if (strchr(".$|()[{^?*+", *pattern) != NULL) {
			return false;
		}
		out[n++] = *pattern;
	}
	out[n] = '\0';
	*literal = value_string(out);
	return n > 0;
}

/* By a separator that is literal text; empty parts at the end are dropped, as in Java. */
enum status
method_string_split(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	struct value separator, *parts = NULL;
	size_t count = 0, capacity = 0, at = 0, next;

	TRY(argument(e, &args[0], &separator));
	if (!literal_pattern(e->arena, separator.text, &separator))
		return eval_fail(e, FAILURE_other, "split by the pattern '%.200s' is not supported yet",
			separator.text);
	TRY(eval_charge_text(e, self->length));
	do {
		next = find(self, &separator, at);
		parts = arena_grow(e->arena, parts, sizeof *parts, count, &capacity);
		TRY(eval_charge(e, 1));
		TRY(make(e, self->text + at, (next > self->length ? self->length : next) - at, &parts[count++]));
		at = next + separator.length;
	} while (next <= self->length);
	while (count > 1 && parts[count - 1].length == 0)
		count--;
	if (count == 1 && parts[0].length == 0 && self->length > 0)
		count = 0;
	*result = (struct value){ .type = VALUE_list, .length = count, .items = parts };
	return OK;
}
