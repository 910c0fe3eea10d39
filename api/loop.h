/* SPDX-License-Identifier: Apache-2.0
 * The HTTP thread.  libmicrohttpd is driven by a loop of ours instead of its own, for three reasons: replies that come
 * together from a lane cost one wake-up and not one each; requests that arrive together reach their lane together; and
 * its own epoll loop hangs when exactly 128 events are ready (it waits again before it serves them), while one run
 * without waiting does not. */
#ifndef API_LOOP_H
#define API_LOOP_H

#include "api/exchange.h"

struct MHD_Daemon;
struct loop;

/* A loop for the daemon (made with MHD_USE_EPOLL, without a thread of its own), and its thread: from its start on there
 * are requests, so whoever they need must know the loop by then. */
enum status loop_new(struct MHD_Daemon *daemon, const struct backend *backend, struct loop **made, struct error *err)
	MUST_CHECK;
enum status loop_start(struct loop *loop, struct error *err) MUST_CHECK;

/* Whether the caller is the HTTP thread. */
bool loop_is_here(const struct loop *loop);

/* Resumes the suspended connection of an exchange that has its reply; from any thread. */
void loop_resume(struct loop *loop, struct exchange *exchange);

/* Accepts no connection any more.  Returns when that is so. */
void loop_quiesce(struct loop *loop);

/* Ends the thread, if it was started; the daemon is the caller's again. */
void loop_free(struct loop *loop);

#endif
