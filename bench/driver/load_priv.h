/* SPDX-License-Identifier: Apache-2.0
 * What load.c (the run and its connections) and clients.c (what is asked and counted on them) share. */
#ifndef BENCH_DRIVER_LOAD_PRIV_H
#define BENCH_DRIVER_LOAD_PRIV_H

#include "bench/driver/http.h"
#include "bench/driver/ids.h"
#include "bench/driver/load.h"
#include "bench/driver/requests.h"

enum doing { DOING_nothing, DOING_connect, DOING_start, DOING_fetch, DOING_complete, DOING_pause };

struct client {
	struct connection connection;
	enum doing doing;
	bool starter;
	int number;
	int64_t sent_us;		/* or due, in the open loop */
	/* a worker's: the tasks of its last fetch */
	char (*tasks)[ID_ROOM], (*instances)[ID_ROOM];
	int count, at;
	int tries;			/* of the task it is at */
	int64_t n;			/* the value of its next completion */
	/* in a pause */
	int64_t wake_us;
	struct client *next;
};

struct load {
	const struct options *options;
	struct result *result;
	struct requests requests;
	int epoll;
	struct client *clients;
	int client_count;
	struct client **idle;		/* starters that have nothing to do, the last one first */
	int idle_count;
	struct client *pausing, *last_pausing;	/* who wakes first is first, as all pauses are equally long */
	struct instances open;
	int64_t begun;			/* starts sent; of them ... */
	int64_t refused;		/* ... answered with an error that may pass */
	int64_t done;			/* ... last completion acknowledged */
	int64_t given_up;		/* ... not known to exist, or with a completion that failed for good */
	int64_t asked;			/* starts and completions that wait for their answer */
	int64_t begin_us, window_us, end_us, drain_us;
	FILE *ledger;
	bool reached;			/* somebody was connected once */
	bool failed;
};

/* ---- load.c */

/* No more starts, or in a run of one kind only: enough of it. */
bool load_is_over(const struct load *load, int64_t us);

/* Nobody asks for anything any more. */
bool load_is_finished(const struct load *load, int64_t us);

/* Ends the run with a word on stderr, the first one only. */
void load_fail(struct load *load, const char *format, ...) __attribute__((format(printf, 2, 3)));

void load_connect(struct load *load, struct client *client, int64_t us);

/* The connection has ended, errno says why. */
void load_lose(struct load *load, struct client *client, int64_t us);

/* The client goes on a little later. */
void load_pause(struct load *load, struct client *client, int64_t us);

/* ---- clients.c */

void client_go_on(struct load *load, struct client *client, int64_t us);
void client_take_reply(struct load *load, struct client *client, int64_t us);

/* There will be no answer to what it asked, and nobody knows what became of it. */
void client_give_up(struct load *load, struct client *client);

/* Starts what is due. */
void clients_start(struct load *load, int64_t us);

/* When the next start is due: now or earlier, at a time of the open loop, or never (INT64_MAX). */
int64_t clients_due_us(const struct load *load, int64_t us);

#endif
