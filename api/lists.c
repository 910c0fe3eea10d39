/* SPDX-License-Identifier: Apache-2.0
 * The handlers that lists.def and objects.def stand for, and the content of variables. */
#include "api/command.h"
#include "api/handlers.h"
#include "api/list.h"

#include <string.h>

#include "api/variables.h"

#define LIST(name) \
	void list_##name(struct exchange *exchange, struct reader *reader) \
	{ \
		list_reply(exchange, reader, QUERY_##name); \
	} \
	void count_##name(struct exchange *exchange, struct reader *reader) \
	{ \
		count_reply(exchange, reader, QUERY_##name); \
	}
#include "api/lists.def"
#undef LIST

/* The text of a row of objects.def has one %s, for the id. */
static void
object_reply(struct exchange *exchange, struct reader *reader, enum query query, const char *filter, int http,
	const char *type, int code, const char *format)
{
	const char *id = exchange->params[0], *mark = strstr(format, "%s");
	struct error err;
	bool found;

	if (object_write(exchange, reader, query, filter, id, exchange_query_flag(exchange, "deserializeValue", true),
		&found,
		&err) != OK)
		exchange_error(exchange, &err);
	else if (found)
		exchange_json(exchange);
	else
		exchange_error_as(exchange, http, type, code, arena_printf(exchange->arena, "%.*s%s%s",
		(int)(mark - format),
			format, id, mark + 2));
}

#define OBJECT(name, filter, http, type, code, text) \
	void get_##name(struct exchange *exchange, struct reader *reader) \
	{ \
		object_reply(exchange, reader, QUERY_##name, filter, http, type, code, text); \
	}
#include "api/objects.def"
#undef OBJECT

/* ---- content of a variable by its own id --------------------------------------------------------------------------
 * */

struct content {
	struct exchange *exchange;
	bool found;
	enum status status;
	struct value value;
	struct error *err;
};

static bool
take_content(void *context, const char *const *cells)
{
	struct content *content = context;

	content->found = true;
	content->status = store_value(content->exchange->arena, cells, &content->value, content->err);
	return false;
}

static void
content_reply(struct exchange *exchange, struct reader *reader, enum query query, const char *what)
{
	struct error err;
	struct content content = { .exchange = exchange, .err = &err };
	enum status status = rows_where(reader, query, "id", exchange->params[0], take_content, &content, &err);

	if (status != OK || content.status != OK)
		exchange_error(exchange, &err);
	else if (!content.found)
		reply_error(exchange, E_invalid_missing, "%s with Id '%s' does not exist.", what, exchange->params[0]);
	else
		reply_content(exchange, &content.value, exchange->params[0]);
}

void
get_variable_instance_data(struct exchange *exchange, struct reader *reader)
{
	content_reply(exchange, reader, QUERY_variable_instance, "Variable instance");
}

void
get_history_variable_instance_data(struct exchange *exchange, struct reader *reader)
{
	content_reply(exchange, reader, QUERY_history_variable_instance, "Historic variable instance");
}
