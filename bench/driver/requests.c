/* SPDX-License-Identifier: Apache-2.0
 * The body is written first, its head before it, since the head names the body's length. */
#include "bench/driver/requests.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/driver/ids.h"

enum {
	BODY_ROOM = 256,		/* besides topics and payload */
	DIGITS = 20,
};

static void
put(struct requests *requests, const char *bytes, size_t length)
{
	memcpy(requests->end, bytes, length);
	requests->end += length;
}

#define PUT(requests, literal) put(requests, literal, sizeof literal - 1)

static void
put_text(struct requests *requests, const struct text *text)
{
	put(requests, text->bytes, text->length);
}

/* Writes a number that is not negative so that it ends before `end`; where it begins. */
static char *
digits_before(char *end, uint64_t number)
{
	do
		*--end = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	return end;
}

static void
put_number(struct requests *requests, int64_t number)
{
	char room[DIGITS], *digits = digits_before(room + DIGITS, (uint64_t)number);

	put(requests, digits, (size_t)(room + DIGITS - digits));
}

static char *
bytes_before(char *end, const char *bytes, size_t length)
{
	return memcpy(end - length, bytes, length);
}

/* Puts the head before the body: `head`, `id` where it is not NULL, `rest`, the length. */
static struct text
finish(struct requests *requests, const struct text *head, const char *id, const struct text *rest)
{
	char *at = bytes_before(requests->body, "\r\n\r\n", 4);

	at = digits_before(at, (uint64_t)(requests->end - requests->body));
	if (id != NULL) {
		at = bytes_before(at, rest->bytes, rest->length);
		at = bytes_before(at, id, strlen(id));
	}
	at = bytes_before(at, head->bytes, head->length);
	return (struct text){at, (size_t)(requests->end - at)};
}

struct text
requests_start(struct requests *requests, int64_t number)
{
	requests->end = requests->body;
	PUT(requests, "{\"businessKey\":\"b-");
	put_number(requests, number);
	PUT(requests, "\",\"variables\":{\"customer\":{\"value\":\"c-");
	put_number(requests, number);
	PUT(requests, "\",\"type\":\"String\"}");
	put_text(requests, &requests->payload);
	PUT(requests, "}}");
	return finish(requests, &requests->start_head, NULL, NULL);
}

struct text
requests_fetch(struct requests *requests, int worker)
{
	requests->end = requests->body;
	PUT(requests, "{\"workerId\":\"w");
	put_number(requests, worker);
	put_text(requests, &requests->topics);
	return finish(requests, &requests->fetch_head, NULL, NULL);
}

struct text
requests_complete(struct requests *requests, const char *task, int worker, int64_t n)
{
	requests->end = requests->body;
	PUT(requests, "{\"workerId\":\"w");
	put_number(requests, worker);
	PUT(requests, "\",\"variables\":{\"n\":{\"value\":");
	put_number(requests, n);
	PUT(requests, ",\"type\":\"Integer\"}");
	put_text(requests, &requests->payload);
	PUT(requests, "}}");
	return finish(requests, &requests->complete_path, task, &requests->complete_rest);
}

/* ---- what does not change -------------------------------------------------------------------------------- */

static struct text
format(const char *format, ...)
{
	struct text text;
	va_list values;
	int length;

	va_start(values, format);
	length = vasprintf(&text.bytes, format, values);
	va_end(values);
	if (length < 0)
		abort();
	text.length = (size_t)length;
	return text;
}

/* Letters and digits without a pattern, the same in each run: what is stored must not be compressed to nothing. */
static struct text
make_payload(int64_t bytes)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char *value = calloc(1, (size_t)bytes + 1);
	uint64_t state = 88172645463325252u;
	struct text text;

	if (value == NULL)
		abort();
	for (int64_t i = 0; i < bytes; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		value[i] = letters[state >> 58];
	}
	text = bytes > 0 ? format(",\"payload\":{\"value\":\"%s\",\"type\":\"String\"}", value) : format("%s", "");
	free(value);
	return text;
}

void
requests_make(struct requests *requests, const struct options *options)
{
	static const char common[] = "Content-Type: application/json\r\nContent-Length: ";
	const char *base = options->base, *host = options->host;
	size_t head_room;

	requests->start_head = format("POST %s/process-definition/key/%s/start HTTP/1.1\r\nHost: %s\r\n%s", base,
		options->workload.name, host, common);
	requests->fetch_head = format("POST %s/external-task/fetchAndLock HTTP/1.1\r\nHost: %s\r\n%s", base, host,
		common);
	requests->complete_path = format("POST %s/external-task/", base);
	requests->complete_rest = format("/complete HTTP/1.1\r\nHost: %s\r\n%s", host, common);
	requests->topics = format("\",\"maxTasks\":%d,\"usePriority\":false,\"asyncResponseTimeout\":20000,"
		"\"topics\":[{\"topicName\":\"%s\",\"lockDuration\":600000,\"variables\":[%s]}]}", options->fetch,
		options->topic, options->payload > 0 ? "\"payload\"" : "");
	requests->payload = make_payload(options->payload);
	head_room = requests->start_head.length + requests->fetch_head.length + requests->complete_path.length +
		requests->complete_rest.length + ID_ROOM + DIGITS + 4;
	requests->bytes = malloc(head_room + BODY_ROOM + requests->topics.length + requests->payload.length);
	if (requests->bytes == NULL)
		abort();
	requests->body = requests->bytes + head_room;
}

void
requests_free(struct requests *requests)
{
	free(requests->start_head.bytes);
	free(requests->fetch_head.bytes);
	free(requests->complete_rest.bytes);
	free(requests->complete_path.bytes);
	free(requests->topics.bytes);
	free(requests->payload.bytes);
	free(requests->bytes);
}
