/* SPDX-License-Identifier: Apache-2.0
 * One keep-alive connection: a request goes out in one write, its reply is read without waiting. */
#ifndef BENCH_DRIVER_HTTP_H
#define BENCH_DRIVER_HTTP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

struct connection {
	int fd;
	char *bytes;			/* what has come of the reply, NUL-ended */
	size_t length, room;
};

struct reply {
	int status;
	char *body;			/* NUL-ended, without its chunks' sizes; valid until the next request */
	size_t length;
};

enum received { RECEIVED_part, RECEIVED_reply, RECEIVED_end };

/* False with errno. */
bool http_connect(struct connection *connection, const struct sockaddr_in *address);

/* POSTs a JSON body; false when the connection is lost. */
bool http_post(struct connection *connection, const char *host, const char *path, const char *body, size_t length);

/* Reads what is there.  RECEIVED_end: the other side has closed, or does not speak HTTP. */
enum received http_receive(struct connection *connection, struct reply *reply);

#endif
