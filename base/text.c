/* SPDX-License-Identifier: Apache-2.0
 * Growing text, numbers as text, and the checks of text from outside. */
#include "base/text.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
text_init(struct text *text, struct arena *arena)
{
	*text = (struct text){ .arena = arena };
}

/* Makes room for that many more bytes and the NUL. */
static void
reserve(struct text *text, size_t more)
{
	size_t wanted = text->capacity ? text->capacity : 64;
	size_t needed;
	char *bytes;

	if (__builtin_add_overflow(text->length, more, &needed) || needed >= SIZE_MAX / 4)
		abort();
	if (needed < text->capacity)
		return;
	while (wanted <= needed)
		wanted *= 2;
	bytes = arena_alloc(text->arena, wanted);
	if (text->length)
		memcpy(bytes, text->bytes, text->length);
	text->bytes = bytes;
	text->capacity = wanted;
}

char *
text_room(struct text *text, size_t length)
{
	char *room;

	reserve(text, length);
	room = text->bytes + text->length;
	text->length += length;
	text->bytes[text->length] = '\0';
	return room;
}

void
text_printf(struct text *text, const char *format, ...)
{
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(length >= 0);
	reserve(text, (size_t)length);
	va_start(args, format);
	vsnprintf(text->bytes + text->length, (size_t)length + 1, format, args);
	va_end(args);
	text->length += (size_t)length;
}

void
text_int(struct text *text, int64_t number)
{
	char digits[24];
	char *start = digits + sizeof digits;
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;

	do {
		*--start = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest);
	if (number < 0)
		*--start = '-';
	text_put(text, start, (size_t)(digits + sizeof digits - start));
}

/* The fewest significant digits that read back as the same number, as d.ddde+xx.  Fifteen digits are always
 * exact one way, so less is only a matter of zeros at the end; only subnormals have fewer good digits. */
static void
shortest(double real, char out[40])
{
	int first = fabs(real) < 2.2250738585072014e-308 ? 2 : 15;

	for (int digits = first; digits <= 17; digits++) {
		snprintf(out, 40, "%.*e", digits - 1, real);
		if (strtod(out, NULL) == real)
			return;
	}
}

/* The digits without point, sign and the zeros at their end; *exponent is that of the first digit. */
static size_t
take_apart(const char *scientific, char digits[40], int *exponent)
{
	const char *at = scientific + (scientific[0] == '-');
	size_t count = 0;

	for (; *at != 'e'; at++) {
		if (*at != '.')
			digits[count++] = *at;
	}
	while (count > 1 && digits[count - 1] == '0')
		count--;
	*exponent = (int)strtol(at + 1, NULL, 10);
	return count;
}

/* 123.45: digits with the point behind the digit of exponent 0; exponent is -3..6. */
static void
put_plain(struct text *text, const char *digits, size_t count, int exponent)
{
	size_t whole = exponent < 0 ? 0 : (size_t)exponent + 1;

	if (!whole)
		text_put(text, "0.000", 1 + (size_t)-exponent);
	for (size_t i = 0; i < count || i < whole; i++) {
		if (whole && i == whole)
			text_putc(text, '.');
		text_putc(text, i < count ? digits[i] : '0');
	}
	if (whole && count <= whole)
		text_puts(text, ".0");
}

void
text_double(struct text *text, double real)
{
	char scientific[40], digits[40];
	size_t count;
	int exponent;

	if (isnan(real)) {
		text_puts(text, "NaN");
		return;
	}
	if (signbit(real))
		text_putc(text, '-');
	if (isinf(real) || real == 0) {
		text_puts(text, real == 0 ? "0.0" : "Infinity");
		return;
	}
	shortest(real, scientific);
	count = take_apart(scientific, digits, &exponent);
	if (exponent >= -3 && exponent < 7) {
		put_plain(text, digits, count, exponent);
		return;
	}
	text_putc(text, digits[0]);
	text_putc(text, '.');
	text_put(text, count > 1 ? digits + 1 : "0", count > 1 ? count - 1 : 1);
	text_printf(text, "E%d", exponent);
}

const char *
text_string(struct text *text)
{
	return text->bytes ? text->bytes : "";
}

/* Length of the character that starts here, 0 when it is not well-formed. */
static size_t
utf8_character(const unsigned char *at, size_t left)
{
	unsigned char low = 0x80, high = 0xbf;	/* bounds of the second byte: no overlong, no surrogate */
	size_t length;

	if (at[0] < 0x80)
		return at[0] != 0;
	if (at[0] < 0xc2 || at[0] > 0xf4)
		return 0;
	length = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
	if (length > left)
		return 0;
	if (at[0] == 0xe0)
		low = 0xa0;
	else if (at[0] == 0xed)
		high = 0x9f;
	else if (at[0] == 0xf0)
		low = 0x90;
	else if (at[0] == 0xf4)
		high = 0x8f;
	if (at[1] < low || at[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

size_t
text_utf8_prefix(const char *bytes, size_t length)
{
	const unsigned char *at = (const unsigned char *)bytes;
	size_t done = 0;

	while (done < length) {
		size_t one = utf8_character(at + done, length - done);

		if (!one)
			break;
		done += one;
	}
	return done;
}

bool
text_is_utf8(const char *bytes, size_t length)
{
	return text_utf8_prefix(bytes, length) == length;
}

bool
text_to_int(const char *string, int64_t *number)
{
	bool negative = string[0] == '-';
	const char *at = string + negative;
	int64_t sum = 0;

	if (!*at)
		return false;
	for (; *at; at++) {
		int digit = *at - '0';

		if (digit < 0 || digit > 9 || __builtin_mul_overflow(sum, (int64_t)10, &sum))
			return false;
		if (__builtin_add_overflow(sum, (int64_t)(negative ? -digit : digit), &sum))
			return false;
	}
	*number = sum;
	return true;
}

bool
text_to_id(const char *string, int64_t *id)
{
	int64_t number;

	if (string[0] < '1' || string[0] > '9' || !text_to_int(string, &number))
		return false;
	*id = number;
	return true;
}

bool
text_equal(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}
