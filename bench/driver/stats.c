/* SPDX-License-Identifier: Apache-2.0
 * Buckets: below 2 * STATS_FINE one for each value, above as many for each power of two. */
#include "bench/driver/stats.h"

#include <inttypes.h>

static int
bucket_of(int64_t us)
{
	int shift = 0;

	while (us >> shift >= 2 * STATS_FINE)
		shift++;
	return shift * STATS_FINE + (int)(us >> shift);
}

/* The largest value of a bucket. */
static int64_t
value_of(int bucket)
{
	int shift = bucket < 2 * STATS_FINE ? 0 : bucket / STATS_FINE - 1;

	return ((int64_t)(bucket - shift * STATS_FINE + 1) << shift) - 1;
}

void
stats_add(struct stats *stats, int64_t us)
{
	int bucket = bucket_of(us < 0 ? 0 : us);

	stats->buckets[bucket < STATS_BUCKETS ? bucket : STATS_BUCKETS - 1]++;
	stats->count++;
	if (us > stats->max_us)
		stats->max_us = us;
}

int64_t
stats_permille(const struct stats *stats, int permille)
{
	int64_t rank = (stats->count * permille + 999) / 1000, seen = 0;
	int bucket;

	for (bucket = 0; bucket < STATS_BUCKETS && stats->count > 0; bucket++) {
		seen += stats->buckets[bucket];
		if (seen >= rank)
			return value_of(bucket) < stats->max_us ? value_of(bucket) : stats->max_us;
	}
	return 0;
}

void
stats_print(const struct stats *stats, FILE *out)
{
	fprintf(out, "{\"p50\": %" PRId64 ", \"p95\": %" PRId64 ", \"p99\": %" PRId64 ", \"max\": %" PRId64
		", \"n\": %" PRId64 "}", stats_permille(stats, 500), stats_permille(stats, 950),
		stats_permille(stats, 990), stats->max_us, stats->count);
}
