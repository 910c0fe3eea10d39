/* SPDX-License-Identifier: Apache-2.0
 * libmicrohttpd: one thread (api/loop.c); a request is suspended while somebody else works on it.
 *
 * Only that thread suspends, resumes and queues.  A reply from another thread goes through the loop, which sees it when
 * the handler has returned; one that the handler itself makes is queued at once. */
#include "api/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "api/deadlines.h"
#include "api/loop.h"
#include "api/router.h"
#include "base/counters.h"
#include "base/log.h"

enum stage {
	STAGE_reading,		/* head and body arrive */
	STAGE_running,		/* a handler has it; the connection is not suspended yet */
	STAGE_suspended,	/* waits for its reply, or for its turn once it has one */
	STAGE_answered,		/* by its handler, at once */
};

enum { SPARE_ARENAS = 256, MEMORY_PER_CONNECTION = 8192 };

struct api {
	struct arena *arena;
	const struct backend *backend;
	const struct router *router;
	struct recent *recent;
	struct MHD_Daemon *daemon;
	struct loop *loop;
	struct deadlines *deadlines;
	struct arena *spare[SPARE_ARENAS];	/* used by the HTTP thread alone */
	int spare_count;
	pthread_mutex_t mutex;
	pthread_cond_t finished;	/* under_way became 0 */
	int under_way;			/* requests dispatched and not sent their reply */
	bool stopping;			/* connections end with their reply */
	bool stopped;			/* nothing is dispatched any more */
};

/* What MHD carries along for a request. */
struct incoming {
	struct exchange exchange;
	struct api *api;
	const char *uri;		/* raw */
	struct text body;
	bool first;			/* the handler's first call is over */
	bool too_large;
	bool under_way;			/* counted */
};

static int64_t
monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

const char *
http_header(const struct exchange *exchange, const char *name)
{
	return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

bool
exchange_client_there(struct exchange *exchange)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(exchange->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	char byte;
	ssize_t n;

	if (info == NULL)
		return false;
	n = recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR));
}

/* ---- what is under way --------------------------------------------------------------------------------------- */

/* Whether a request may be dispatched; it is counted from then on. */
static bool
enter(struct incoming *incoming)
{
	struct api *api = incoming->api;

	pthread_mutex_lock(&api->mutex);
	incoming->under_way = !api->stopped;
	api->under_way += incoming->under_way;
	pthread_mutex_unlock(&api->mutex);
	return incoming->under_way;
}

static void
leave(struct api *api)
{
	pthread_mutex_lock(&api->mutex);
	if (--api->under_way == 0)
		pthread_cond_signal(&api->finished);
	pthread_mutex_unlock(&api->mutex);
}

static bool
is_stopping(struct api *api)
{
	bool stopping;

	pthread_mutex_lock(&api->mutex);
	stopping = api->stopping;
	pthread_mutex_unlock(&api->mutex);
	return stopping;
}

/* Tells the watcher what the connection is waiting for now. */
static void
enter_phase(struct api *api, struct MHD_Connection *connection, enum phase phase)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	if (info != NULL && info->socket_context != NULL)
		deadlines_enter(api->deadlines, info->socket_context, phase);
}

/* ---- replies ------------------------------------------------------------------------------------------------- */

void
http_send(struct exchange *exchange, struct http_reply *reply)
{
	struct incoming *incoming = (struct incoming *)exchange;	/* its first member */
	struct loop *loop = incoming->api->loop;

	exchange->reply = reply;
	if (loop_is_here(loop) && exchange->stage == STAGE_running)
		exchange->stage = STAGE_answered;
	else
		loop_resume(loop, exchange);
}

/* Camunda lets nothing of its state be cached, but diagrams (CB CacheControlFilter). */
static bool
is_cacheable(const struct incoming *incoming)
{
	size_t length = strcspn(incoming->uri, "?");

	return length >= 3 && strncmp(incoming->uri + length - 3, "xml", 3) == 0;
}

static void
add(struct MHD_Response *response, const char *name, const char *value)
{
	if (value != NULL)
		MHD_add_response_header(response, name, value);
}

static enum MHD_Result
queue(struct incoming *incoming)
{
	struct exchange *exchange = &incoming->exchange;
	const struct http_reply *reply = exchange->reply;
	struct MHD_Response *response;
	enum MHD_Result result;

	counter_add(COUNT_http_requests, 1);
	if (reply->status >= 400)
		counter_add(COUNT_http_errors, 1);
	response = MHD_create_response_from_buffer(reply->length, (void *)(uintptr_t)reply->bytes,
		MHD_RESPMEM_PERSISTENT);
	if (response == NULL)
		return MHD_NO;
	add(response, "Content-Type", reply->content_type);
	add(response, "Content-Disposition", reply->disposition);
	add(response, "Allow", reply->allow);
	if (strcmp(exchange->method, "GET") == 0 && !is_cacheable(incoming))
		add(response, "Cache-Control", "no-cache");
	if (reply->status == 503)
		add(response, "Retry-After", "1");
	if (http_header(exchange, "Origin") != NULL)
		add(response, "Access-Control-Allow-Origin", "*");
	if (reply->close || is_stopping(incoming->api))
		add(response, "Connection", "close");
	enter_phase(incoming->api, exchange->connection, PHASE_sending);
	result = MHD_queue_response(exchange->connection, (unsigned)reply->status, response);
	MHD_destroy_response(response);
	return result;
}

/* ---- before the handler --------------------------------------------------------------------------------------- */

static void
refuse(struct exchange *exchange, enum status status, const char *message)
{
	struct error err;

	error_set(&err, status, "%s", message);
	exchange_error(exchange, &err);
}

static bool
read_query(struct incoming *incoming)
{
	struct exchange *exchange = &incoming->exchange;
	const char *at = strchr(incoming->uri, '?'), *end, *equals;
	struct pair *pairs = NULL;
	size_t count = 0, capacity = 0;

	for (at = at != NULL ? at + 1 : ""; *at != '\0'; at = *end == '&' ? end + 1 : end) {
		end = at + strcspn(at, "&");
		equals = memchr(at, '=', (size_t)(end - at));
		if (end == at)
			continue;
		pairs = arena_grow(exchange->arena, pairs, sizeof *pairs, count, &capacity);
		pairs[count].name = uri_decode(exchange->arena, at, (size_t)((equals != NULL ? equals : end) - at),
			true);
		pairs[count].value = equals != NULL ?
			uri_decode(exchange->arena, equals + 1, (size_t)(end - equals - 1), true) :
			"";
		if (pairs[count].name == NULL || pairs[count].value == NULL)
			return false;
		count++;
	}
	exchange->query = pairs;
	exchange->query_count = count;
	return true;
}

static bool
preflight(struct incoming *incoming)
{
	struct exchange *exchange = &incoming->exchange;
	struct MHD_Response *response;

	if (strcmp(exchange->method, "OPTIONS") != 0 || http_header(exchange, "Origin") == NULL)
		return false;
	response = MHD_create_response_from_buffer(0, (void *)"", MHD_RESPMEM_PERSISTENT);
	add(response, "Access-Control-Allow-Origin", "*");
	add(response, "Access-Control-Allow-Methods", "GET,POST,HEAD,OPTIONS,PUT,DELETE");
	add(response, "Access-Control-Allow-Headers", "Authorization,Content-Type,Accept,Origin,X-Requested-With");
	add(response, "Access-Control-Max-Age", "1800");
	MHD_queue_response(exchange->connection, 200, response);
	MHD_destroy_response(response);
	return true;
}

/* Finds the route; false when a reply was made. */
static bool
route(struct incoming *incoming)
{
	struct exchange *exchange = &incoming->exchange;
	const char *base = "", *allowed = NULL, *host = http_header(exchange, "Host");
	char *path = arena_strndup(exchange->arena, incoming->uri, strcspn(incoming->uri, "?"));

	exchange->path = path;
	switch (router_find(incoming->api->router, exchange, path, &base, &allowed)) {
	case ROUTED_found:
		exchange->host = host != NULL ? host : "localhost";
		exchange->base = base;
		return true;
	case ROUTED_unknown:
		refuse(exchange, E_no_route, "HTTP 404 Not Found");
		return false;
	case ROUTED_method:
		refuse(exchange, E_not_allowed, "HTTP 405 Method Not Allowed");
		exchange->reply->allow = allowed;
		return false;
	case ROUTED_malformed:
		refuse(exchange, E_invalid_request, "the path is malformed");
		return false;
	case ROUTED_engine:
		refuse(exchange, E_invalid_request, "No process engine available");
		return false;
	}
	return false;
}

/* Whether the client takes what the route gives: JSON, but for downloads and plain texts. */
static bool
is_acceptable(const struct exchange *exchange)
{
	static const char *const others[] = {"/data", "/errorDetails", "/stacktrace", "/metrics"};
	static const char *const ranges[] = {"application/json", "application/*", "*/*", "application/hal+json"};
	const char *accept = http_header(exchange, "Accept"), *path = exchange->route->path;
	size_t i, length = strlen(path);

	if (accept == NULL || accept[0] == '\0')
		return true;
	for (i = 0; i < sizeof others / sizeof others[0]; i++)
		if (length >= strlen(others[i]) && strcmp(path + length - strlen(others[i]), others[i]) == 0)
			return true;
	for (i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
		if (strcasestr(accept, ranges[i]) != NULL)
			return true;
	return false;
}

/* These answer whatever state the daemon is in. */
static bool
needs_no_state(const struct route *route)
{
	static const char *const names[] = {"get_version", "get_engines", "get_health", "get_metrics"};
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(route->name, names[i]) == 0)
			return true;
	return false;
}

/* Runs or hands over the request; a reply may be there afterwards. */
static void
dispatch(struct incoming *incoming)
{
	struct exchange *exchange = &incoming->exchange;
	const struct backend *backend = exchange->backend;
	const char *state;
	bool active;

	if (incoming->too_large) {
		refuse(exchange, E_too_large, "the body is larger than the setting body_bytes allows");
		exchange->reply->close = true;
		return;
	}
	if (!read_query(incoming)) {
		refuse(exchange, E_invalid_request, "the query is malformed");
		return;
	}
	if (!route(incoming))
		return;
	if (!is_acceptable(exchange)) {
		refuse(exchange, E_not_acceptable, "HTTP 406 Not Acceptable");
		return;
	}
	state = backend->state(backend->context, &active);
	if (!active && !needs_no_state(exchange->route)) {
		refuse(exchange, E_unavailable, arena_printf(exchange->arena, "this daemon is not active now (%s), try "
			"again", state));
		return;
	}
	exchange->body = incoming->body.bytes != NULL ? incoming->body.bytes : "";
	exchange->body_length = incoming->body.length;
	exchange->content_type = http_header(exchange, "Content-Type");
	if (!body_prepare(exchange))
		return;
	if (exchange->route->runs == RUNS_here)
		exchange->route->handle(exchange, NULL);
	else
		exchange_read(exchange, exchange->route->handle);
}

/* ---- deadlines ------------------------------------------------------------------------------------------------- */

static void
on_connection(void *context, struct MHD_Connection *connection, void **watched,
enum MHD_ConnectionNotificationCode code)
{
	struct api *api = context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		*watched = deadlines_watch(api->deadlines, MHD_get_connection_info(connection,
			MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
	else
		deadlines_forget(api->deadlines, *watched);
}

/* ---- MHD's callbacks -------------------------------------------------------------------------------------------- */

static struct arena *
arena_take(struct api *api)
{
	return api->spare_count > 0 ? api->spare[--api->spare_count] : arena_new();
}

static void *
on_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
	struct api *api = context;
	struct arena *arena = arena_take(api);
	struct incoming *incoming = ARENA_NEW(arena, struct incoming);

	incoming->api = api;
	incoming->uri = arena_strdup(arena, uri);
	incoming->exchange.arena = arena;
	incoming->exchange.backend = api->backend;
	incoming->exchange.recent = api->recent;
	incoming->exchange.connection = connection;
	incoming->exchange.arrived_us = monotonic_us();
	enter_phase(api, connection, PHASE_head);
	text_init(&incoming->body, arena);
	text_init(&incoming->exchange.out, arena);
	json_init(&incoming->exchange.writer, &incoming->exchange.out);
	return incoming;
}

/* A head that smuggles is refused before its body, whose length nobody knows, and the connection ends with that. */
static enum MHD_Result
on_head(struct incoming *incoming)
{
	struct exchange *exchange = &incoming->exchange;
	const char *problem = head_problem(exchange);

	if (problem == NULL)
		return MHD_YES;
	exchange->stage = STAGE_running;
	refuse(exchange, E_invalid_request, problem);
	exchange->reply->close = true;
	return queue(incoming);
}

static enum MHD_Result
on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
	const char *data, size_t *size, void **state)
{
	struct incoming *incoming = *state;
	struct exchange *exchange = &incoming->exchange;

	(void)url;
	(void)version;
	if (!incoming->first) {
		/* a reply queued in the first call closes the connection */
		incoming->first = true;
		exchange->method = arena_strdup(exchange->arena, method);
		enter_phase(context, connection, PHASE_body);
		return on_head(incoming);
	}
	if (*size > 0) {
		if (incoming->body.length + *size > (size_t)exchange->backend->settings->body_bytes)
			incoming->too_large = true;
		else
			text_put(&incoming->body, data, *size);
		*size = 0;
		return MHD_YES;
	}
	if (exchange->stage == STAGE_suspended)		/* resumed: the reply is there */
		return queue(incoming);
	enter_phase(context, connection, PHASE_reply);
	if (preflight(incoming))
		return MHD_YES;
	if (!enter(incoming))
		return MHD_NO;
	exchange->stage = STAGE_running;
	dispatch(incoming);
	if (exchange->stage == STAGE_answered)
		return queue(incoming);
	exchange->stage = STAGE_suspended;
	MHD_suspend_connection(connection);
	return MHD_YES;
}

static void
on_completed(void *context, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode code)
{
	struct api *api = context;
	struct incoming *incoming = *state;
	struct arena *arena;

	(void)code;
	if (incoming == NULL)
		return;
	enter_phase(api, connection, PHASE_idle);
	if (incoming->under_way)
		leave(api);
	arena = incoming->exchange.arena;
	*state = NULL;
	if (api->spare_count == SPARE_ARENAS) {
		arena_free(arena);
		return;
	}
	arena_reset(arena);
	api->spare[api->spare_count++] = arena;
}

/* ---- start and stop ---------------------------------------------------------------------------------------------- */

static enum status
resolve(const char *listen, struct arena *arena, struct addrinfo **found, struct error *err)
{
	struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	const char *colon = strrchr(listen, ':');
	char *host;
	size_t length;
	int64_t port;

	/* getaddrinfo() takes a port beyond 65535 for the rest of it */
	if (colon == NULL || !text_to_int(colon + 1, &port) || port < 0 || port > UINT16_MAX)
		return FAIL(err, invalid_request, "listen wants ADDRESS:PORT, not '%s'", listen);
	host = arena_strndup(arena, listen, (size_t)(colon - listen));
	length = strlen(host);
	if (length > 1 && host[0] == '[' && host[length - 1] == ']') {
		host[length - 1] = '\0';
		host++;
	}
	if (getaddrinfo(host[0] != '\0' ? host : NULL, colon + 1, &hints, found) != 0)
		return FAIL(err, invalid_request, "there is no address '%s' to listen on", listen);
	return OK;
}

static bool
is_loopback(const struct sockaddr *address)
{
	const struct sockaddr_in6 *six = (const void *)address;
	const struct sockaddr_in *four = (const void *)address;

	if (address->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
	return address->sa_family == AF_INET && ntohl(four->sin_addr.s_addr) >> 24 == 127;
}

enum status
api_check_address(const struct settings *settings, struct error *err)
{
	struct arena *arena = arena_new();
	struct addrinfo *found = NULL, *address;
	enum status status = resolve(settings->listen, arena, &found, err);

	for (address = found; status == OK && address != NULL; address = address->ai_next)
		if (!settings->insecure && !is_loopback(address->ai_addr))
			status = FAIL(err, invalid_request, "'%s' can be reached from other machines, and there is no "
				"authentication yet: --insecure listens there all the same", settings->listen);
	if (found != NULL)
		freeaddrinfo(found);
	arena_free(arena);
	return status;
}

static void
api_free(struct api *api)
{
	int i;

	if (api->loop != NULL)
		loop_free(api->loop);
	if (api->daemon != NULL)
		MHD_stop_daemon(api->daemon);
	if (api->deadlines != NULL)
		deadlines_stop(api->deadlines);
	for (i = 0; i < api->spare_count; i++)
		arena_free(api->spare[i]);
	recent_free(api->recent);
	pthread_mutex_destroy(&api->mutex);
	pthread_cond_destroy(&api->finished);
	arena_free(api->arena);
}

/* Without SO_REUSEPORT (MHD_OPTION_LISTENING_ADDRESS_REUSE): two daemons on one port would share its connections. */
static enum status
serve(struct api *api, const char *listen, struct error *err)
{
	const struct settings *settings = api->backend->settings;
	/* without the event descriptor by which other threads would wake the daemon: the loop has its own */
	unsigned flags = MHD_USE_EPOLL | (MHD_ALLOW_SUSPEND_RESUME & ~MHD_USE_ITC);
	struct addrinfo *address;

	TRY(resolve(listen, api->arena, &address, err));
	if (address->ai_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	api->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, api,
		MHD_OPTION_SOCK_ADDR, address->ai_addr,
		MHD_OPTION_URI_LOG_CALLBACK, on_uri, api,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, api,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, api,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)settings->connections,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)settings->body_seconds,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_PER_CONNECTION,
		MHD_OPTION_LISTEN_BACKLOG_SIZE, 4096u,
		MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_END);
	freeaddrinfo(address);
	if (api->daemon == NULL)
		return FAIL(err, internal, "cannot listen on %s: %s", listen, strerror(errno));
	return OK;
}

enum status
api_start(const struct backend *backend, const char *listen, struct api **started, struct error *err)
{
	struct arena *arena = arena_new();
	struct api *api = ARENA_NEW(arena, struct api);
	enum status status;

	api->arena = arena;
	api->backend = backend;
	api->router = router_new(arena);
	api->recent = recent_new();
	pthread_mutex_init(&api->mutex, NULL);
	pthread_cond_init(&api->finished, NULL);
	status = deadlines_start(backend->settings->header_seconds, backend->settings->body_seconds, &api->deadlines,
		err);
	if (status == OK)
		status = serve(api, listen, err);
	if (status == OK)
		status = loop_new(api->daemon, backend, &api->loop, err);
	if (status == OK)
		status = loop_start(api->loop, err);
	if (status == OK)
		*started = api;
	else
		api_free(api);
	return status;
}

/* libmicrohttpd does not wait for suspended connections (it aborts): we do. */
void
api_stop(struct api *api)
{
	loop_quiesce(api->loop);
	pthread_mutex_lock(&api->mutex);
	api->stopping = true;
	while (api->under_way > 0)
		pthread_cond_wait(&api->finished, &api->mutex);
	api->stopped = true;
	pthread_mutex_unlock(&api->mutex);
	api_free(api);
}
