/* SPDX-License-Identifier: Apache-2.0
 * Memory from the system, for base/ and for libraries that take theirs from us: everybody else has arenas. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* Uninitialised; the process aborts when there is none.  Given back by free(). */
void *memory_must(size_t size);

/* The same as realloc() and strdup(). */
void *memory_resize(void *memory, size_t size);
char *memory_text(const char *text);

/* What ends the process: says so on stderr and aborts. */
_Noreturn void memory_out(void);

#endif
