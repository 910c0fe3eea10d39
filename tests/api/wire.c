/* SPDX-License-Identifier: Apache-2.0
 * A backend without lanes or database: one thread answers what it is given. */
#include "tests/api/wire.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

struct fake fake;

struct poll_of {			/* a fetch that may ask for its client */
	struct request *request;
	bool (*still_there)(struct request *);
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct request *first, **last = &first;
static struct poll_of parked;
static bool ending;
static pthread_t worker;
static struct api *api;
static int port;
static char address_text[32];

/* ---- the backend -------------------------------------------------------------------------------------------- */

static const char *
fake_state(void *context, bool *active)
{
	(void)context;
	*active = fake.active;
	return fake.active ? "active" : "standby";
}

static void
fake_gather(void *context, bool on)
{
	(void)context;
	(void)on;
}

static void
fake_submit(void *context, struct request *request)
{
	(void)context;
	pthread_mutex_lock(&mutex);
	request->next = NULL;
	*last = request;
	last = &request->next;
	fake.waiting++;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&mutex);
}

static void
fake_fetch(void *context, struct request *request, int64_t deadline_us, bool (*still_there)(struct request *))
{
	if (deadline_us > 0) {
		pthread_mutex_lock(&mutex);
		parked = (struct poll_of){ .request = request, .still_there = still_there };
		pthread_mutex_unlock(&mutex);
	}
	fake_submit(context, request);
}

/* The database is away. */
static void
fake_read(void *context, bool is_long, void (*work)(struct reader *reader, void *argument), void *argument)
{
	(void)context;
	(void)is_long;
	work(NULL, argument);
}

static void
answer(struct request *request)
{
	struct error err;

	fake.duration_us = request->command.duration_us;
	request->status = (enum status)fake.status;
	if (request->status != OK) {
		error_set(&err, request->status, "the fake refused");
		request_fail(request, &err);
	}
	fake.answered++;
	request->done(request);
}

/* Whether the client of a parked fetch has gone is asked in short rounds, as the daemon does. */
static void
ask_for_client(void)
{
	if (parked.request != NULL && !parked.still_there(parked.request)) {
		parked.request = NULL;
		fake.gone++;
	}
}

static void *
work(void *context)
{
	struct request *request;
	struct timespec soon;

	(void)context;
	pthread_mutex_lock(&mutex);
	while (!ending || first != NULL) {
		if (first == NULL || (fake.held && !ending)) {
			clock_gettime(CLOCK_REALTIME, &soon);
			soon.tv_nsec += 5000000;
			soon.tv_sec += soon.tv_nsec / 1000000000;
			soon.tv_nsec %= 1000000000;
			pthread_cond_timedwait(&changed, &mutex, &soon);
			ask_for_client();
			continue;
		}
		request = first;
		first = request->next;
		if (first == NULL)
			last = &first;
		fake.waiting--;
		if (parked.request == request)
			parked.request = NULL;
		pthread_mutex_unlock(&mutex);
		answer(request);
		pthread_mutex_lock(&mutex);
	}
	pthread_mutex_unlock(&mutex);
	return NULL;
}

void
fake_release(void)
{
	pthread_mutex_lock(&mutex);
	fake.held = false;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&mutex);
}

/* ---- start and stop ------------------------------------------------------------------------------------------ */

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void
await_count(const _Atomic int *counter, int count)
{
	int64_t end = now_ms() + DEADLINE_MS;

	while (*counter < count) {
		ck_assert_msg(now_ms() < end, "%d, not %d", *counter, count);
		poll(NULL, 0, 1);
	}
}

static struct sockaddr_in
loopback(int at_port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_port = htons((uint16_t)at_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

/* A port that was free a moment ago. */
static int
free_port(void)
{
	struct sockaddr_in address = loopback(0);
	socklen_t length = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	close(fd);
	return ntohs(address.sin_port);
}

void
wire_start(void)
{
	struct error err;
	int tries = 20;

	signal(SIGPIPE, SIG_IGN);
	memset(&fake, 0, sizeof fake);
	ending = false;
	settings_init(&fake.settings);
	fake.settings.body_bytes = BODY_BYTES;
	fake.active = true;
	fake.backend = (struct backend){
		.settings = &fake.settings, .context = &fake, .state = fake_state, .gather = fake_gather,
		.submit = fake_submit,
		.fetch = fake_fetch, .read = fake_read,
	};
	do {
		ck_assert_msg(tries-- > 0, "%s", err.message);
		port = free_port();
		snprintf(address_text, sizeof address_text, "127.0.0.1:%d", port);
	} while (api_start(&fake.backend, address_text, &api, &err) != OK);
	ck_assert_int_eq(pthread_create(&worker, NULL, work, NULL), 0);
}

const char *
wire_address(void)
{
	return address_text;
}

void
wire_stop_api(void)
{
	api_stop(api);
	api = NULL;
}

void
wire_stop(void)
{
	pthread_mutex_lock(&mutex);
	ending = true;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&mutex);
	pthread_join(worker, NULL);
	if (api != NULL)
		wire_stop_api();
}

/* ---- the client ---------------------------------------------------------------------------------------------- */

bool
wire_try_open(struct wire *wire)
{
	struct sockaddr_in address = loopback(port);
	int on = 1;

	wire->have = 0;
	wire->fd = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_ge(wire->fd, 0);
	setsockopt(wire->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (connect(wire->fd, (struct sockaddr *)&address, sizeof address) == 0)
		return true;
	close(wire->fd);
	return false;
}

void
wire_open(struct wire *wire)
{
	ck_assert_msg(wire_try_open(wire), "%s", strerror(errno));
}

void
wire_close(struct wire *wire)
{
	close(wire->fd);
}

void
wire_send_bytes(struct wire *wire, const void *bytes, size_t length)
{
	ck_assert_int_eq(send(wire->fd, bytes, length, MSG_NOSIGNAL), (ssize_t)length);
}

void
wire_send(struct wire *wire, const char *text)
{
	wire_send_bytes(wire, text, strlen(text));
}

/* More bytes; false when the other side has closed. */
static bool
more(struct wire *wire)
{
	struct pollfd ready = { .fd = wire->fd, .events = POLLIN };
	ssize_t n;

	ck_assert_uint_lt(wire->have, WIRE_BUFFER);
	ck_assert_msg(poll(&ready, 1, DEADLINE_MS) == 1, "nothing came in time behind '%.*s'", (int)wire->have,
		wire->bytes);
	n = recv(wire->fd, wire->bytes + wire->have, WIRE_BUFFER - wire->have, 0);
	if (n <= 0)
		return false;
	wire->have += (size_t)n;
	return true;
}

static void
take(struct wire *wire, size_t length)
{
	wire->have -= length;
	memmove(wire->bytes, wire->bytes + length, wire->have);
}

const char *
wire_closed(struct wire *wire, struct arena *arena)
{
	const char *bytes;

	while (more(wire))
		;
	bytes = arena_strndup(arena, wire->bytes, wire->have);
	wire->have = 0;
	return bytes;
}

const char *
header(struct arena *arena, const struct reply *reply, const char *name)
{
	size_t length = strlen(name);
	const char *line = reply->head;

	while ((line = strstr(line, "\r\n")) != NULL) {
		line += 2;
		if (strncasecmp(line, name, length) == 0 && strncmp(line + length, ": ", 2) == 0)
			return arena_strndup(arena, line + length + 2, strcspn(line + length + 2, "\r"));
	}
	return NULL;
}

struct reply
wire_reply(struct wire *wire, struct arena *arena, bool without_body)
{
	const char *end, *length;
	struct reply reply = { 0 };
	size_t head;

	while ((end = memmem(wire->bytes, wire->have, "\r\n\r\n", 4)) == NULL)
		ck_assert_msg(more(wire), "closed behind '%.*s'", (int)wire->have, wire->bytes);
	head = (size_t)(end - wire->bytes) + 2;
	reply.head = arena_strndup(arena, wire->bytes, head);
	take(wire, head + 2);
	ck_assert_msg(sscanf(reply.head, "HTTP/1.%*1[01] %d ", &reply.status) == 1, "%s", reply.head);
	length = header(arena, &reply, "Content-Length");
	reply.length = length != NULL && !without_body ? strtoul(length, NULL, 10) : 0;
	while (wire->have < reply.length)
		ck_assert(more(wire));
	reply.body = arena_strndup(arena, wire->bytes, reply.length);
	take(wire, reply.length);
	return reply;
}

struct reply
ask(struct arena *arena, const char *request, const char *head, const char *body)
{
	struct text text;
	struct reply reply;
	struct wire wire;

	text_init(&text, arena);
	text_printf(&text, "%s HTTP/1.1\r\nHost: h\r\n%s", request, head);
	if (body != NULL)
		text_printf(&text, "Content-Length: %zu\r\n", strlen(body));
	text_printf(&text, "\r\n%s", body != NULL ? body : "");
	wire_open(&wire);
	wire_send(&wire, text_string(&text));
	reply = wire_reply(&wire, arena, strncmp(request, "HEAD ", 5) == 0);
	wire_close(&wire);
	return reply;
}
