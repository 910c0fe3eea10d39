/* SPDX-License-Identifier: Apache-2.0
 * Private to api/: lists, counts and single objects of the store's query tables, as Camunda's resources give them. */
#ifndef API_LIST_H
#define API_LIST_H

#include "api/exchange.h"

/* The list or the count that the request's filters ask for. */
void list_reply(struct exchange *exchange, struct reader *reader, enum query query);
void count_reply(struct exchange *exchange, struct reader *reader, enum query query);

/* Writes the one row whose filter is that text as an object into exchange->writer; *found tells whether there was one.
 * deserialize: as variable_write(). */
enum status object_write(struct exchange *exchange, struct reader *reader, enum query query, const char *filter,
	const char *text, bool deserialize, bool *found, struct error *err) MUST_CHECK;

/* The rows whose filter is that text, as they come: for what is no plain list. */
enum status rows_where(struct reader *reader, enum query query, const char *filter, const char *text, query_row *row,
	void *context, struct error *err) MUST_CHECK;

/* The text of one field of the row whose filter is that id: as text/plain, 204 when it is null.  *found tells whether
 * there was such a row; then a reply was sent. */
enum status field_reply(struct exchange *exchange, struct reader *reader, enum query query, const char *filter,
	const char *field, bool *found, struct error *err) MUST_CHECK;

/* Number of the first cell of a field of the table. */
size_t cell_of(enum query query, const char *field);

#endif
