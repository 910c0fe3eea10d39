/* SPDX-License-Identifier: Apache-2.0
 * What the fuzz targets share: how a broken property is told, and bytes taken as choices. */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);
int LLVMFuzzerInitialize(int *count, char ***arguments);

/* Ends the process with a line that says which property does not hold; the fuzzer then keeps the input. */
#define MUST(holds, ...) \
	do { \
		if (!(holds)) { \
			fprintf(stderr, "%s:%d: not so: %s: ", __FILE__, __LINE__, #holds); \
			fprintf(stderr, __VA_ARGS__); \
			fputc('\n', stderr); \
			abort(); \
		} \
	} while (0)

/* What goes to a client is text. */
static inline void
must_be_text(const char *text)
{
	MUST(text != NULL && text_is_utf8(text, strlen(text)), "'%s'", text != NULL ? text : "(null)");
}

/* The input as choices; behind its end everything is 0. */
struct choices {
	const uint8_t *at, *end;
};

static inline uint8_t
choose_byte(struct choices *choices)
{
	return choices->at < choices->end ? *choices->at++ : 0;
}

/* From 0 to count - 1. */
static inline size_t
choose(struct choices *choices, size_t count)
{
	return choose_byte(choices) % count;
}

/* Small ones, the ends of the range and what lies between them. */
static inline int64_t
choose_number(struct choices *choices)
{
	static const int64_t ends[] = { INT64_MIN, INT64_MIN + 1, INT32_MIN, -1, INT32_MAX, INT64_MAX - 1, INT64_MAX };
	size_t form = choose(choices, 16);
	uint64_t number = 0;

	if (form < sizeof ends / sizeof *ends)
		return ends[form];
	if (form < 14)
		return choose_byte(choices);
	for (int i = 0; i < 8; i++)
		number = number << 8 | choose_byte(choices);
	return (int64_t)number;
}

#endif
