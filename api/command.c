/* SPDX-License-Identifier: Apache-2.0
 * From a handler to a lane and back. */
#include "api/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/variables.h"

static const struct {
	int missing_http;
	const char *missing_type;
	int missing_code;
	const char *missing;
	int http;
	const char *type;
	int code;
	const char *prefix;
} manners[] = {
#define MANNER(name, missing_http, missing_type, missing_code, missing, http, type, code, prefix) \
	{ missing_http, missing_type, missing_code, missing, http, type, code, prefix },
#include "api/manners.def"
#undef MANNER
};

/* The text with the id in place of each %s. */
static const char *
with_id(struct exchange *exchange, const char *format, const char *id)
{
	struct text text;

	text_init(&text, exchange->arena);
	for (const char *at = format; *at != '\0'; at++) {
		if (at[0] == '%' && at[1] == 's') {
			text_puts(&text, id);
			at++;
		} else {
			text_putc(&text, *at);
		}
	}
	return text_string(&text);
}

void
complain_missing(struct exchange *exchange, enum manner manner, const char *id)
{
	if (manners[manner].missing_http == 204)
		exchange_empty(exchange);
	else
		exchange_error_as(exchange, manners[manner].missing_http, manners[manner].missing_type,
			manners[manner].missing_code, with_id(exchange, manners[manner].missing, id));
}

/* What is not the request's fault keeps its own status: a worker tries again. */
static bool
is_weather(enum status status)
{
	return status_http(status) == 503 || status == E_internal;
}

void
complain(struct exchange *exchange, enum manner manner, const char *id, const struct error *err)
{
	int http = manners[manner].http;
	const char *message;

	if (err->status == E_not_found) {
		complain_missing(exchange, manner, id);
	} else if (http == 0 || is_weather(err->status) || (http == 400 && status_http(err->status) != 400)) {
		exchange_error(exchange, err);
	} else {
		message = arena_printf(exchange->arena, "%s%s", with_id(exchange, manners[manner].prefix, id),
			err->message);
		exchange_error_as(exchange, http, manners[manner].type, manners[manner].code, message);
	}
}

/* ---- sending ------------------------------------------------------------------------------------------------- */

struct sending {
	enum manner manner;
	const char *id;
	void (*done)(struct exchange *exchange);
	const int64_t *targets;
	size_t count, next;
	void *state;			/* the handler's own, put back before done() */
};

static void
finish(struct exchange *exchange, const struct sending *sending)
{
	exchange->state = sending->state;
	if (sending->done != NULL)
		sending->done(exchange);
	else
		exchange_empty(exchange);
}

static void
one_answered(struct exchange *exchange)
{
	const struct sending *sending = exchange->state;
	const struct request *request = &exchange->request;

	if (request->status != OK)
		complain(exchange, sending->manner, sending->id, request->error);
	else
		finish(exchange, sending);
}

void
command_send(struct exchange *exchange, enum manner manner, const char *id, void (*done)(struct exchange *exchange))
{
	struct sending *sending = ARENA_NEW(exchange->arena, struct sending);

	*sending = (struct sending){ .manner = manner, .id = id, .done = done, .state = exchange->state };
	exchange->state = sending;
	exchange->request.kind = REQUEST_command;
	exchange_submit(exchange, one_answered);
}

static void send_next(struct exchange *exchange);

static void
next_answered(struct exchange *exchange)
{
	const struct sending *sending = exchange->state;
	const struct request *request = &exchange->request;

	if (request->status != OK && request->status != E_not_found)
		complain(exchange, sending->manner, sending->id, request->error);
	else
		send_next(exchange);
}

static void
send_next(struct exchange *exchange)
{
	struct sending *sending = exchange->state;

	if (sending->next == sending->count) {
		finish(exchange, sending);
		return;
	}
	exchange->request.command.target = sending->targets[sending->next++];
	exchange_submit(exchange, next_answered);
}

void
command_send_all(struct exchange *exchange, enum manner manner, const int64_t *targets, size_t count,
	void (*done)(struct exchange *exchange))
{
	struct sending *sending = ARENA_NEW(exchange->arena, struct sending);

	*sending = (struct sending){
		.manner = manner, .id = "", .done = done, .targets = targets, .count = count, .state = exchange->state,
	};
	exchange->state = sending;
	exchange->request.kind = REQUEST_command;
	send_next(exchange);
}

/* ---- what handlers read ---------------------------------------------------------------------------------------- */

bool
path_id(const struct exchange *exchange, int param, int64_t *id)
{
	return text_to_id(exchange->params[param], id);
}

bool
path_task(const struct exchange *exchange, int param, int64_t *activity)
{
	int64_t id;

	if (!text_to_id(exchange->params[param], &id) || id % ID_STEP != 1)
		return false;
	*activity = id - 1;
	return true;
}

void
reply_error(struct exchange *exchange, enum status status, const char *format, ...)
{
	struct error err = { .status = status };
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(err.message, sizeof err.message, format, arguments);
	va_end(arguments);
	exchange_error(exchange, &err);
}

void
reply_bad_json(struct exchange *exchange)
{
	reply_error(exchange, E_invalid_request, "%s", "");
}

bool
has_body(struct exchange *exchange)
{
	if (exchange->json.type == VALUE_map)
		return true;
	reply_error(exchange, E_invalid_request, "The request needs a body: a JSON object");
	return false;
}

bool
body_variables(struct exchange *exchange, const char *name, const char *prefix, struct entries *entries)
{
	struct error err;

	if (variables_read(exchange->arena, body_get(exchange, name), entries, &err) == OK)
		return true;
	if (prefix != NULL)
		reply_error(exchange, err.status, "%s%s", prefix, err.message);
	else if (strncmp(err.message, "Unsupported value type", 22) == 0)
		reply_error(exchange, E_rest_invalid, "%s", err.message);
	else
		exchange_error(exchange, &err);
	return false;
}

void
put_self_link(struct exchange *exchange, const char *resource, int64_t id)
{
	struct json *json = &exchange->writer;

	json_key(json, "links");
	json_open(json, '[');
	json_open(json, '{');
	json_put_string(json, "method", "GET");
	json_put_string(json, "href",
		arena_printf(exchange->arena, "http://%s%s/%s/%lld", exchange->host, exchange->base, resource,
			(long long)id));
	json_put_string(json, "rel", "self");
	json_close(json, '}');
	json_close(json, ']');
}

/* Letters that stand for themselves in filename* (RFC 8187, attr-char). */
static bool
is_plain(unsigned char c)
{
	static const char others[] = "!#$&+-.^_`|~";

	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		(c != '\0' && strchr(others, c) != NULL);
}

const char *
attachment(struct exchange *exchange, const char *name)
{
	const char *slash = strrchr(name, '/'), *at;
	struct text text;

	if (slash != NULL)
		name = slash + 1;
	text_init(&text, exchange->arena);
	text_puts(&text, "attachment; filename=\"");
	for (at = name; *at != '\0'; at++)
		text_putc(&text, (unsigned char)*at < ' ' || *at == '"' || *at == '\\' || (*at & 0x80) ? '_' : *at);
	text_puts(&text, "\"; filename*=UTF-8''");
	for (at = name; *at != '\0'; at++) {
		if (is_plain((unsigned char)*at))
			text_putc(&text, *at);
		else
			text_printf(&text, "%%%02X", (unsigned char)*at);
	}
	return text_string(&text);
}
