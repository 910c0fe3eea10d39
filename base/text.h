/* SPDX-License-Identifier: Apache-2.0
 * Growing text in an arena, and checks of what comes from outside. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"

struct text {
	struct arena *arena;
	char *bytes;		/* always NUL-ended once something was put */
	size_t length;		/* without the NUL */
	size_t capacity;
};

void text_init(struct text *text, struct arena *arena);

/* That many more bytes, which the caller fills; NUL-ended already. */
char *text_room(struct text *text, size_t length);

/* Inline, since replies and parameters are made of very many small pieces. */
static inline void
text_put(struct text *text, const void *bytes, size_t length)
{
	char *to;

	if (length < text->capacity - text->length) {
		to = text->bytes + text->length;
		text->length += length;
		text->bytes[text->length] = '\0';
	} else {
		to = text_room(text, length);
	}
	if (length > 0)
		memcpy(to, bytes, length);
}

static inline void
text_puts(struct text *text, const char *string)
{
	text_put(text, string, strlen(string));
}

static inline void
text_putc(struct text *text, char c)
{
	text_put(text, &c, 1);
}

void text_printf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
void text_int(struct text *text, int64_t number);

/* The fewest digits that read back as the same number, in the form of Java's Double.toString: 1.0, 1.0E10,
 * NaN, -Infinity. */
void text_double(struct text *text, double real);

/* The text so far, NUL-ended, never NULL; valid until the next put. */
const char *text_string(struct text *text);

/* Whether the bytes are well-formed UTF-8 without U+0000 (RFC 3629: no surrogates, no overlong). */
bool text_is_utf8(const char *bytes, size_t length);

/* How many bytes at the start are so; length when all are. */
size_t text_utf8_prefix(const char *bytes, size_t length);

/* A decimal int64 that fills the whole string; false otherwise (no blanks, no plus sign). */
bool text_to_int(const char *string, int64_t *number);

/* Ids on the wire are positive decimal int64; false for anything else. */
bool text_to_id(const char *string, int64_t *id);

/* Equality that accepts NULL on both sides. */
bool text_equal(const char *a, const char *b);

/* RFC 4648 base64. Decoding accepts missing padding; NULL when the text is not base64. */
char *base64_encode(struct arena *arena, const void *bytes, size_t length);
void *base64_decode(struct arena *arena, const char *text, size_t *length);

#endif
