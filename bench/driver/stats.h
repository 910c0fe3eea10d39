/* SPDX-License-Identifier: Apache-2.0
 * Latencies: a histogram whose buckets are less than 1 % wide, so that percentiles need no list of all values. */
#ifndef BENCH_DRIVER_STATS_H
#define BENCH_DRIVER_STATS_H

#include <stdint.h>
#include <stdio.h>

enum { STATS_FINE = 128, STATS_BUCKETS = STATS_FINE * 40 };

struct stats {
	int64_t count, max_us;
	int64_t buckets[STATS_BUCKETS];
};

void stats_add(struct stats *stats, int64_t us);

/* The latency that so many of a thousand do not exceed; 0 when there is none. */
int64_t stats_permille(const struct stats *stats, int permille);

/* {"p50": ..., "p95": ..., "p99": ..., "max": ..., "n": ...} */
void stats_print(const struct stats *stats, FILE *out);

#endif
