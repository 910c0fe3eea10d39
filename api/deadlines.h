/* SPDX-License-Identifier: Apache-2.0
 * Deadlines for whole heads and whole bodies, and a least speed for those who take a reply: libmicrohttpd's own timeout
 * begins anew with every byte, so a client that drips would hold its connection, and its reply in memory, for ever. */
#ifndef API_DEADLINES_H
#define API_DEADLINES_H

#include <stdint.h>

#include "base/error.h"

/* What a connection is waiting for. */
enum phase {
	PHASE_head,		/* the rest of a head, the first one included */
	PHASE_body,
	PHASE_reply,		/* us: no deadline */
	PHASE_sending,		/* the client, to take its reply */
	PHASE_idle,		/* the next request, of which nothing has come yet */
	PHASE_COUNT
};

enum { DEADLINES_READER_RATE = 16 * 1024 };	/* bytes a second that a client takes at least, over body_seconds */

struct deadlines;
struct watched;			/* one connection */

enum status deadlines_start(int64_t head_seconds, int64_t body_seconds, struct deadlines **started, struct error *err)
	MUST_CHECK;
void deadlines_stop(struct deadlines *deadlines);

/* A connection came, entered a phase, and is about to be closed. */
struct watched *deadlines_watch(struct deadlines *deadlines, int socket);
void deadlines_enter(struct deadlines *deadlines, struct watched *watched, enum phase phase);
void deadlines_forget(struct deadlines *deadlines, struct watched *watched);

#endif
