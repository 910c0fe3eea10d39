/* SPDX-License-Identifier: Apache-2.0
 * The HTTP layer over a fake backend, and a client that talks to it byte by byte. */
#ifndef TESTS_API_WIRE_H
#define TESTS_API_WIRE_H

#include <stdatomic.h>

#include "api/api.h"

/* Any task: the fake backend knows none. */
#define TASK "/engine-rest/external-task/1025"

enum { WIRE_BUFFER = 65536, DEADLINE_MS = 20000, BODY_BYTES = 4096 };

/* What the fake backend does; the tests change it. */
struct fake {
	struct settings settings;
	struct backend backend;
	_Atomic bool active;
	_Atomic bool held;		/* requests wait until fake_release() */
	_Atomic int status;		/* enum status that commands are answered with */
	_Atomic int64_t duration_us;	/* of the last command */
	_Atomic int waiting;		/* requests held */
	_Atomic int answered;
	_Atomic int gone;		/* parked polls whose client was found gone */
};
extern struct fake fake;

/* Starts the API over the fake; aborts the test when that fails.  wire_stop() ends both. */
void wire_start(void);
void wire_stop(void);
const char *wire_address(void);	/* where it listens */
void wire_stop_api(void);	/* api_stop() alone, from the caller's thread */

/* Lets held requests and all later ones go. */
void fake_release(void);

/* Waits until *counter is at least that many; aborts the test at the deadline. */
void await_count(const _Atomic int *counter, int count);

/* A connection and what has arrived on it. */
struct wire {
	int fd;
	size_t have;
	char bytes[WIRE_BUFFER];
};

struct reply {
	int status;
	const char *head;		/* with the status line */
	const char *body;		/* NUL-ended */
	size_t length;
};

void wire_open(struct wire *wire);
bool wire_try_open(struct wire *wire);
void wire_close(struct wire *wire);
void wire_send(struct wire *wire, const char *text);
void wire_send_bytes(struct wire *wire, const void *bytes, size_t length);

/* The next reply; its texts are in the arena.  without_body: of a HEAD. */
struct reply wire_reply(struct wire *wire, struct arena *arena, bool without_body);

/* Waits until the other side has closed; what came before that. */
const char *wire_closed(struct wire *wire, struct arena *arena);

/* A request on a connection of its own: METHOD /path, lines of head behind Host (each with its end), body or NULL. */
struct reply ask(struct arena *arena, const char *request, const char *head, const char *body);

/* The value of a header, or NULL when it is not there. */
const char *header(struct arena *arena, const struct reply *reply, const char *name);

#endif
