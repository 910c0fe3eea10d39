/* SPDX-License-Identifier: Apache-2.0
 * Counters of the process (atomic, any thread), printed in Prometheus' text format. */
#ifndef BASE_COUNTERS_H
#define BASE_COUNTERS_H

#include "base/text.h"

enum counter {
#define COUNTER(name, help) COUNT_##name,
#define GAUGE(name, help) COUNT_##name,
#define HISTOGRAM(name, help)
#include "base/counters.def"
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
	COUNTER_COUNT
};
enum histogram {
#define COUNTER(name, help)
#define GAUGE(name, help)
#define HISTOGRAM(name, help) TIME_##name,
#include "base/counters.def"
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
	HISTOGRAM_COUNT
};

void counter_add(enum counter counter, int64_t n);
void counter_set(enum counter counter, int64_t n);
int64_t counter_get(enum counter counter);

/* One observation: seconds, or a count for histograms named so. */
void histogram_add(enum histogram histogram, double observed);

/* Everything in Prometheus text format 0.0.4, names with the prefix bpmnd_. */
void counters_print(struct text *text);

/* The table for `bpmnd print metrics`. */
void counters_describe(struct text *text);

#endif
