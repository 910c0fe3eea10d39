/* SPDX-License-Identifier: Apache-2.0
 * Camunda 7's REST API (and ours beside it) over HTTP: libmicrohttpd behind a router that is a table. */
#ifndef API_API_H
#define API_API_H

#include "lane/lane.h"

/* What the API needs of the daemon. */
struct backend {
	const struct settings *settings;
	const struct definitions *definitions;
	void *context;

	/* Whether commands can be answered: "active", or "recovering" while the database may take none again;
	 * "standby", "stopping", "disconnected". */
	const char *(*state)(void *context, bool *active);

	/* Between gather(true) and gather(false), both called by the HTTP thread, many requests may be submitted: lanes
	 * that sleep need not be woken for the first of them. */
	void (*gather)(void *context, bool on);

	/* Hands a request to the lane of its target's part (or, for a start, of its business key's part); request->done
	 * is called later, from another thread. A full queue or an inactive lane answers through done() at once. */
	void (*submit)(void *context, struct request *request);

	/* A fetch: tries the lanes, then parks it until monotonic deadline_us (0: answers at once). still_there is
	 * asked before tasks are locked for a parked poll: whether the client has not hung up. */
	void (*fetch)(void *context, struct request *request, int64_t deadline_us,
		bool (*still_there)(struct request *));

	/* Runs work(reader, argument) on a reader's thread; what is long never keeps all of them.  reader is NULL when
	 * the database is away. */
	void (*read)(void *context, bool is_long, void (*work)(struct reader *reader, void *argument), void *argument);
};

struct api;

/* E_invalid_request when settings->listen is no address, or, without settings->insecure, one that other machines
 * reach. */
enum status api_check_address(const struct settings *settings, struct error *err) MUST_CHECK;

/* Listens and serves in its own threads until api_stop(). */
enum status api_start(const struct backend *backend, const char *listen, struct api **api,
	struct error *err) MUST_CHECK;

/* Stops accepting, lets requests under way finish (parked polls are the backend's to answer first). */
void api_stop(struct api *api);

/* `bpmnd print routes` and statuses. */
void api_describe_routes(struct text *text);
void api_describe_statuses(struct text *text);

#endif
