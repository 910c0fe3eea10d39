/* SPDX-License-Identifier: Apache-2.0
 * The requests as bytes: the same for each engine.  What does not change is made once. */
#ifndef BENCH_DRIVER_REQUESTS_H
#define BENCH_DRIVER_REQUESTS_H

#include <stddef.h>
#include <stdint.h>

#include "bench/driver/load.h"

struct text {
	char *bytes;
	size_t length;
};

struct requests {
	struct text start_head, fetch_head;	/* until the length of the body */
	struct text complete_path, complete_rest;	/* before and behind the task's id */
	struct text topics;			/* the end of a fetch */
	struct text payload;			/* a member of "variables", with a comma before it; may be empty */
	char *bytes;				/* where they are put together */
	char *body, *end;			/* in there: the head ends where the body begins */
};

void requests_make(struct requests *requests, const struct options *options);
void requests_free(struct requests *requests);

/* Each is valid until the next one is made. */
struct text requests_start(struct requests *requests, int64_t number);
struct text requests_fetch(struct requests *requests, int worker);
struct text requests_complete(struct requests *requests, const char *task, int worker, int64_t n);

#endif
