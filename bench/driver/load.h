/* SPDX-License-Identifier: Apache-2.0
 * Workers and starters as state machines on one epoll: what they ask, what they count. */
#ifndef BENCH_DRIVER_LOAD_H
#define BENCH_DRIVER_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "bench/driver/stats.h"

struct workload {
	const char *name;
	int tasks;			/* of one instance */
};

enum only { ONLY_both, ONLY_start, ONLY_work };

struct options {
	struct sockaddr_in address;
	const char *host;		/* of the Host header, with the port */
	const char *base;		/* path before the resources */
	struct workload workload;
	const char *topic;
	int workers, fetch, starters;
	double seconds, warm_up;
	int64_t payload;		/* bytes of one more variable; 0: none */
	int64_t in_flight;
	double rate;			/* instances per second; 0: closed loop */
	const char *ledger;		/* file, or NULL */
	enum only only;
	bool await_polls;		/* stay until the last is answered: not all engines see us go */
	int64_t count;			/* with `only`: so many, then the end; 0: until the window is over */
};

enum answer { ANSWER_2xx, ANSWER_404, ANSWER_409, ANSWER_500, ANSWER_503, ANSWER_other, ANSWER_lost, ANSWERS };
extern const char *const answer_names[ANSWERS];

struct result {
	double seconds;			/* the window as it was */
	int64_t completions, instances, starts, fetches, tasks_fetched;		/* inside the window */
	int64_t answers[ANSWERS];	/* of the whole run */
	struct stats complete, fetch, start, instance;
	int64_t started_total, completed_total;
	bool drained;
};

/* Runs the load from beginning to end; false with a word on stderr when there was nothing to be measured. */
bool load_run(const struct options *options, struct result *result);

#endif
