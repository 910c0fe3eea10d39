/* SPDX-License-Identifier: Apache-2.0
 * Whole files. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

/* The file's bytes, in the arena, with a NUL behind them that does not count.  E_invalid_request, with the path and
 * what the system says, when it cannot be opened or read (open(2), read(2)). */
enum status file_read(struct arena *arena, const char *path, const char **bytes, size_t *length, struct error *err)
	MUST_CHECK;

#endif
