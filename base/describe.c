/* SPDX-License-Identifier: Apache-2.0
 * Tables of text.  Cells are ours and plain ASCII, so bytes are columns of the screen. */
#include "base/describe.h"

#include <assert.h>
#include <string.h>

enum { MOST_COLUMNS = 8 };

static void
put_cell(struct text *text, const char *cell, size_t width)
{
	text_puts(text, "| ");
	text_puts(text, cell);
	for (size_t i = strlen(cell); i <= width; i++)
		text_putc(text, ' ');
}

static void
put_row(struct text *text, const char *const *cells, const size_t *widths, size_t columns)
{
	for (size_t i = 0; i < columns; i++)
		put_cell(text, cells[i], widths[i]);
	text_puts(text, "|\n");
}

void
describe_table(struct text *text, const char *const *head, const char *const *cells, size_t columns,
	size_t rows)
{
	size_t widths[MOST_COLUMNS] = { 0 };

	assert(columns <= MOST_COLUMNS);
	for (size_t i = 0; i < columns; i++) {
		widths[i] = strlen(head[i]);
		for (size_t row = 0; row < rows; row++) {
			size_t width = strlen(cells[row * columns + i]);

			if (width > widths[i])
				widths[i] = width;
		}
	}
	put_row(text, head, widths, columns);
	for (size_t i = 0; i < columns; i++) {
		text_puts(text, "| ");
		for (size_t dash = 0; dash < widths[i]; dash++)
			text_putc(text, '-');
		text_putc(text, ' ');
	}
	text_puts(text, "|\n");
	for (size_t row = 0; row < rows; row++)
		put_row(text, cells + row * columns, widths, columns);
}
