/* SPDX-License-Identifier: Apache-2.0
 * Tables of text for what the daemon prints about itself: aligned, and Markdown at the same time. */
#ifndef BASE_DESCRIBE_H
#define BASE_DESCRIBE_H

#include "base/text.h"

/* cells: row after row, each of `columns` texts; head names the columns. */
void describe_table(struct text *text, const char *const *head, const char *const *cells, size_t columns,
	size_t rows);

#endif
