/* SPDX-License-Identifier: Apache-2.0
 * Private to api/: what lies between exchanges and libmicrohttpd. */
#ifndef API_HTTP_H
#define API_HTTP_H

#include "api/exchange.h"

/* What is to be sent; lives in the exchange's arena. */
struct http_reply {
	int status;
	const char *content_type;	/* NULL: none */
	const char *disposition;	/* Content-Disposition, or NULL */
	const char *allow;		/* with 405 */
	const void *bytes;
	size_t length;
	bool close;			/* the connection is of no use any more */
};

/* Hands the reply over; from any thread, once for each exchange. */
void http_send(struct exchange *exchange, struct http_reply *reply);

/* body.c: what the route wants of the body; false when a reply was sent already. */
bool body_prepare(struct exchange *exchange);

/* multipart.c: multipart/form-data (RFC 7578) into exchange->parts. E_invalid_request when malformed. */
enum status multipart_read(struct exchange *exchange, struct error *err) MUST_CHECK;

/* filter.c: what smuggles or malforms heads (reliability.md 4.2); NULL when the head is sane, else why not. */
const char *head_problem(struct exchange *exchange);

/* The value of a request header, or NULL. */
const char *http_header(const struct exchange *exchange, const char *name);

#endif
