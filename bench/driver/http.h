/* SPDX-License-Identifier: Apache-2.0
 * One keep-alive connection that never waits: what is asked goes out in one write, the reply comes in with one read. */
#ifndef BENCH_DRIVER_HTTP_H
#define BENCH_DRIVER_HTTP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

struct reply {
	int status;
	const char *body;		/* NUL-ended, without the sizes of chunks; valid until the next request */
	bool closing;			/* the other side takes no more requests here */
};

struct connection {
	int fd;				/* -1: closed */
	struct reply reply;
	char *bytes;			/* what has come of it, NUL-ended */
	size_t length, room;
	size_t head, whole;		/* its lengths; head is 0 while it is not there, whole with chunks */
	char *unsent;			/* the rest of a request that the socket did not take at once */
	size_t unsent_at, unsent_length, unsent_room;
};

enum received { RECEIVED_part, RECEIVED_reply, RECEIVED_end };

/* Begins to connect; false with errno.  Edge-triggered events for both directions tell when to go on. */
bool http_connect(struct connection *connection, const struct sockaddr_in *address);

/* Whether it is connected now: 0, EINPROGRESS, or why it is not. */
int http_connected(const struct connection *connection);

void http_close(struct connection *connection);
void http_free(struct connection *connection);

/* A whole request; false when the connection is lost. */
bool http_send(struct connection *connection, const char *bytes, size_t length);

/* Sends what http_send() could not; false when the connection is lost. */
bool http_flush(struct connection *connection);

/* Reads what is there.  RECEIVED_end: the other side has closed, or sends what is no reply that we know. */
enum received http_receive(struct connection *connection);

#endif
