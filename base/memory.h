/* SPDX-License-Identifier: Apache-2.0
 * Memory from the system, for base/ alone: everybody else has arenas. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stddef.h>

/* Uninitialised; the process aborts when there is none.  Given back by free(). */
void *memory_must(size_t size);

#endif
