/* SPDX-License-Identifier: Apache-2.0
 * The statements and query tables as a page for the reader: `bpmnd print sql`. */
#include "store/store_priv.h"

void
store_describe(struct text *text)
{
	text_puts(text, "# The writer's statements\n");
	for (int i = 0; i < SQL_COUNT; i++) {
		const struct sql_statement *statement = sql_statement((enum sql)i);

		text_printf(text, "\n## %s (%s)\n\n%s\n", statement->name, statement->list, statement->text);
	}
	queries_describe(text);
}
