/* SPDX-License-Identifier: Apache-2.0
 * The server about itself: version, engines, health, metrics; and the tables behind `bpmnd print`. */
#include "api/handlers.h"

#include <string.h>

#include "api/router.h"
#include "base/counters.h"

/* The version whose API we speak: the last community edition. */
static const char camunda_version[] = "7.24.0";

void
get_version(struct exchange *exchange, struct reader *reader)
{
	struct json *json = &exchange->writer;

	(void)reader;
	json_open(json, '{');
	json_put_string(json, "version", camunda_version);
	json_close(json, '}');
	exchange_json(exchange);
}

void
get_engines(struct exchange *exchange, struct reader *reader)
{
	(void)reader;
	json_raw(&exchange->writer, "[{\"name\":\"default\"}]");
	exchange_json(exchange);
}

void
get_health(struct exchange *exchange, struct reader *reader)
{
	struct json *json = &exchange->writer;
	const char *state, *word = "DOWN";
	bool active;

	(void)reader;
	state = exchange->backend->state(exchange->backend->context, &active);
	active = active && strcmp(state, "recovering") != 0;
	if (active)
		word = "UP";
	else if (strcmp(state, "standby") == 0)
		word = "STANDBY";
	json_open(json, '{');
	json_put_string(json, "status", word);
	json_put_string(json, "state", state);
	json_put_string(json, "version", PACKAGE_VERSION);
	json_close(json, '}');
	exchange_json_status(exchange, active ? 200 : 503);
}

void
get_metrics(struct exchange *exchange, struct reader *reader)
{
	(void)reader;
	counters_print(&exchange->out);
	exchange_bytes(exchange, 200, "text/plain; version=0.0.4", text_string(&exchange->out), exchange->out.length,
		NULL);
}

void
api_describe_routes(struct text *text)
{
	const struct route *route;

	text_puts(text, "| method | path | handler |\n| --- | --- | --- |\n");
	for (route = api_routes; route < api_routes + api_route_count; route++)
		text_printf(text, "| %s | `%s%s` | %s |\n", route->method, route->path[0] == '^' ? "" : "/engine-rest",
			route->path + (route->path[0] == '^'), route->name);
}

void
api_describe_statuses(struct text *text)
{
	int i;

	text_puts(text, "| name | HTTP | type | code |\n| --- | --- | --- | --- |\n");
	for (i = OK + 1; i < STATUS_COUNT; i++) {
		text_printf(text, "| %s | %d | %s | ", status_name((enum status)i), status_http((enum status)i),
			status_type((enum status)i));
		if (status_code((enum status)i) < 0)
			text_puts(text, "null |\n");
		else
			text_printf(text, "%d |\n", status_code((enum status)i));
	}
}
