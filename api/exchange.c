/* SPDX-License-Identifier: Apache-2.0
 * Replies, and what a handler reads of a request. */
#include "api/exchange.h"

#include <strings.h>
#include <time.h>

#include "api/http.h"
#include "base/counters.h"

static struct http_reply *
reply_new(struct exchange *exchange, int status)
{
	struct http_reply *reply = ARENA_NEW(exchange->arena, struct http_reply);

	reply->status = status;
	return reply;
}

void
exchange_json_status(struct exchange *exchange, int http)
{
	struct http_reply *reply = reply_new(exchange, http);

	reply->content_type = "application/json";
	reply->bytes = text_string(&exchange->out);
	reply->length = exchange->out.length;
	http_send(exchange, reply);
}

void
exchange_json(struct exchange *exchange)
{
	exchange_json_status(exchange, 200);
}

void
exchange_empty(struct exchange *exchange)
{
	http_send(exchange, reply_new(exchange, 204));
}

void
exchange_bytes(struct exchange *exchange, int http, const char *content_type, const void *bytes, size_t length,
	const char *disposition)
{
	struct http_reply *reply = reply_new(exchange, http);

	reply->content_type = content_type;
	reply->bytes = bytes;
	reply->length = length;
	reply->disposition = disposition;
	http_send(exchange, reply);
}

void
exchange_error_as(struct exchange *exchange, int http, const char *type, int code, const char *message)
{
	struct json *json = &exchange->writer;

	text_init(&exchange->out, exchange->arena);
	json_init(json, &exchange->out);
	json_open(json, '{');
	json_put_string(json, "type", type);
	json_put_string(json, "message", message);
	json_key(json, "code");
	if (code < 0)
		json_null(json);
	else
		json_int(json, code);
	json_close(json, '}');
	exchange_json_status(exchange, http);
}

void
exchange_error(struct exchange *exchange, const struct error *err)
{
	exchange_error_as(exchange, status_http(err->status), status_type(err->status), status_code(err->status),
		err->message);
}

const char *
exchange_query(const struct exchange *exchange, const char *name)
{
	size_t i;

	for (i = 0; i < exchange->query_count; i++)
		if (text_equal(exchange->query[i].name, name))
			return exchange->query[i].value;
	return NULL;
}

bool
exchange_query_flag(const struct exchange *exchange, const char *name, bool otherwise)
{
	const char *value = exchange_query(exchange, name);

	return value != NULL ? strcasecmp(value, "true") == 0 : otherwise;
}

const struct value *
body_get(const struct exchange *exchange, const char *name)
{
	const struct value *member;

	if (exchange->json.type != VALUE_map)
		return NULL;
	member = value_get(&exchange->json, name);
	return member != NULL && member->type != VALUE_null ? member : NULL;
}

/* Scalars become text, as Jackson does for a String property. */
const char *
body_text(const struct exchange *exchange, const char *name)
{
	const struct value *member = body_get(exchange, name);

	if (member == NULL || member->type == VALUE_list || member->type == VALUE_map)
		return NULL;
	return value_to_text(exchange->arena, member);
}

int
body_number(const struct exchange *exchange, const char *name, int64_t *number)
{
	const struct value *member = body_get(exchange, name);

	if (member == NULL)
		return 0;
	if (member->type == VALUE_integer || member->type == VALUE_long) {
		*number = member->integer;
		return 1;
	}
	if (member->type == VALUE_double && member->real > -0x1p63 && member->real < 0x1p63) {
		*number = (int64_t)member->real;
		return 1;
	}
	return member->type == VALUE_string && text_to_int(member->text, number) ? 1 : -1;
}

bool
body_flag(const struct exchange *exchange, const char *name, bool otherwise)
{
	const struct value *member = body_get(exchange, name);

	if (member == NULL)
		return otherwise;
	if (member->type == VALUE_boolean || member->type == VALUE_integer || member->type == VALUE_long)
		return member->integer != 0;
	return member->type == VALUE_string && text_equal(member->text, "true");
}

/* ---- to a reader or a lane --------------------------------------------------------------------------------- */

static int64_t
monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
work_of_reader(struct reader *reader, void *argument)
{
	struct exchange *exchange = argument;
	int64_t arrived_us = exchange->arrived_us;	/* once answered, the exchange is gone */
	struct error err;

	if (reader == NULL) {
		FAIL(&err, weather, "the database is away, try again");
		exchange_error(exchange, &err);
		return;
	}
	counter_add(COUNT_reads, 1);
	exchange->handle(exchange, reader);
	histogram_add(TIME_read_seconds, (double)(monotonic_us() - arrived_us) / 1e6);
}

void
exchange_read(struct exchange *exchange, handler *handle)
{
	exchange->handle = handle;
	exchange->backend->read(exchange->backend->context, exchange->route->runs == RUNS_report, work_of_reader,
		exchange);
}

static void
lane_done(struct request *request)
{
	struct exchange *exchange = request->context;

	histogram_add(TIME_command_seconds, (double)(monotonic_us() - exchange->arrived_us) / 1e6);
	exchange->answered(exchange);
}

void
exchange_submit(struct exchange *exchange, void (*answered)(struct exchange *exchange))
{
	struct request *request = &exchange->request;

	exchange->answered = answered;
	request->arena = exchange->arena;
	request->context = exchange;
	request->done = lane_done;
	request->arrived_us = exchange->arrived_us;
	exchange->backend->submit(exchange->backend->context, request);
}
