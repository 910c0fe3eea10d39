/* SPDX-License-Identifier: Apache-2.0
 * malloc() of this program, libraries included: it ends the process rather than answer that there is no memory
 * (docs/decisions/0002).  Not all libraries look at the answer: json-c goes on with half a document.  The memory is
 * glibc's, which also gives what aligned_alloc() and its like return, and takes everything back. */
#define BASE_ASKS_SYSTEM
#include <stdlib.h>

#include "base/memory.h"
#include "base/banned.h"

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);

void *
malloc(size_t size)
{
	void *memory = __libc_malloc(size);

	if (!memory)
		memory_out();
	return memory;
}

void *
calloc(size_t count, size_t size)
{
	void *memory = __libc_calloc(count, size);

	if (!memory)
		memory_out();
	return memory;
}

/* To no size it is free(), which answers NULL. */
void *
realloc(void *memory, size_t size)
{
	void *resized = __libc_realloc(memory, size);

	if (!resized && size > 0)
		memory_out();
	return resized;
}
