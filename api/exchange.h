/* SPDX-License-Identifier: Apache-2.0
 * Private to api/: one request and its reply.  A handler gets an exchange, and sooner or later, from any thread,
 * exactly one exchange_* reply function is called for it. */
#ifndef API_EXCHANGE_H
#define API_EXCHANGE_H

#include "api/api.h"
#include "api/recent.h"

struct exchange;
typedef void handler(struct exchange *exchange, struct reader *reader);	/* reader NULL when RUNS_here */

enum { EXCHANGE_PARAMS = 6 };

struct pair {
	const char *name, *value;	/* decoded */
};

struct part {				/* of multipart/form-data */
	const char *name, *filename, *type;	/* filename, type: NULL when absent */
	const void *bytes;
	size_t length;
};

struct exchange {
	const struct backend *backend;
	struct recent *recent;		/* definitions found lately, of all exchanges */
	struct arena *arena;		/* everything about the exchange */
	const struct route *route;
	const char *method, *path;
	const char *params[EXCHANGE_PARAMS];	/* decoded path parameters, in order */
	const struct pair *query;
	size_t query_count;
	const void *body;
	size_t body_length;
	const char *content_type;	/* of the request, or NULL */
	const char *host, *base;	/* "http://" host base is where this API is, for links */
	bool has_json;
	struct value json;		/* the body read, when the route wants JSON; a map, or null for an empty body */
	const struct part *parts;	/* when the route wants multipart */
	size_t part_count;
	int64_t arrived_us;		/* monotonic */
	struct text out;		/* where a reply may be written before it is sent */
	struct json writer;		/* over out */
	struct request request;		/* to the lane, if the handler needs one; request.context is the exchange */
	void *state;			/* the handler's own, between its callbacks */
	/* the HTTP glue's */
	void *connection;
	struct http_reply *reply;	/* once there is one */
	int stage;			/* enum stage of http.c; the HTTP thread's alone */
	struct exchange *next_replied;	/* in the loop's list */
	void (*answered)(struct exchange *exchange);	/* what exchange_submit() was given */
	handler *handle;		/* what exchange_read() was given */
};

/* Where a route's handler runs. */
enum runs {
	RUNS_here,		/* on the HTTP thread: must not block (no database) */
	RUNS_reader,		/* on a reader's thread, with a connection: looks a few rows up */
	RUNS_report,		/* the same, and may take long, or wait for others */
};
enum body { BODY_none, BODY_json, BODY_json_optional, BODY_multipart, BODY_any };

struct route {
	const char *method, *path;	/* below /engine-rest; {x} is a parameter */
	handler *handle;
	enum runs runs;
	enum body body;
	const char *name;		/* of the handler */
};

/* Replies.  Each may be called from any thread, once. */
void exchange_json(struct exchange *exchange);				/* 200, application/json, exchange->out */
void exchange_json_status(struct exchange *exchange, int http);
void exchange_empty(struct exchange *exchange);				/* 204, no content type */
void exchange_bytes(struct exchange *exchange, int http, const char *content_type, const void *bytes, size_t length,
	const char *disposition);
void exchange_error(struct exchange *exchange, const struct error *err);	/* Camunda's error object */
/* The same with other type, status or code than the status's row says: where a resource of Camunda's differs. */
void exchange_error_as(struct exchange *exchange, int http, const char *type, int code, const char *message);

/* Whether the client of a parked request has not hung up. */
bool exchange_client_there(struct exchange *exchange);

/* First value of a query parameter, or NULL. */
const char *exchange_query(const struct exchange *exchange, const char *name);
/* "true" in any case is true (Java's Boolean.valueOf). */
bool exchange_query_flag(const struct exchange *exchange, const char *name, bool otherwise);

/* Members of a JSON body: NULL when absent or null. */
const struct value *body_get(const struct exchange *exchange, const char *name);
/* numbers and booleans as text, as Jackson */
const char *body_text(const struct exchange *exchange, const char *name);
/* 0 absent, 1 present, -1 of the wrong type (an error object with empty message, as Camunda's). */
int body_number(const struct exchange *exchange, const char *name, int64_t *number);
bool body_flag(const struct exchange *exchange, const char *name, bool otherwise);

/* Runs the handler on a reader's thread, or answers that the database is away. */
void exchange_read(struct exchange *exchange, handler *handle);

/* Sends exchange->request to the lane; answered() runs when it is done. */
void exchange_submit(struct exchange *exchange, void (*answered)(struct exchange *exchange));

#endif
