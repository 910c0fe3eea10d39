/* SPDX-License-Identifier: Apache-2.0
 * Base64 (RFC 4648 section 4), for bytes and files in JSON. */
#include "base/text.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *
base64_encode(struct arena *arena, const void *bytes, size_t length)
{
	const unsigned char *in = bytes;
	char *text = arena_alloc(arena, (length + 2) / 3 * 4 + 1);
	char *out = text;

	for (size_t i = 0; i < length; i += 3) {
		size_t left = length - i;
		uint32_t group = (uint32_t)in[i] << 16;

		group |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
		group |= left > 2 ? in[i + 2] : 0;
		*out++ = alphabet[group >> 18];
		*out++ = alphabet[group >> 12 & 63];
		*out++ = '=';
		*out++ = '=';
		if (left > 1)
			out[-2] = alphabet[group >> 6 & 63];
		if (left > 2)
			out[-1] = alphabet[group & 63];
	}
	return text;
}

/* Six bits of a character, or -1. */
static int
sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Count of characters before the padding; SIZE_MAX when the padding is not what the count asks for. */
static size_t
without_padding(const char *text)
{
	size_t all = strlen(text), count = all;

	while (count > 0 && all - count < 2 && text[count - 1] == '=')
		count--;
	if (count % 4 == 1 || (count < all && all % 4 != 0))
		return SIZE_MAX;
	return count;
}

void *
base64_decode(struct arena *arena, const char *text, size_t *length)
{
	size_t count = without_padding(text), done = 0;
	unsigned char *bytes;
	uint32_t bits = 0;

	if (count == SIZE_MAX)
		return NULL;
	bytes = arena_alloc(arena, count / 4 * 3 + 3);
	for (size_t i = 0; i < count; i++) {
		int six = sextet(text[i]);

		if (six < 0)
			return NULL;
		bits = bits << 6 | (uint32_t)six;
		if (i % 4)
			bytes[done++] = (unsigned char)(bits >> (6 - i % 4 * 2));
	}
	if ((count % 4 == 2 && bits & 15) || (count % 4 == 3 && bits & 3))
		return NULL;
	*length = done;
	return bytes;
}
