/* SPDX-License-Identifier: Apache-2.0
 * Counters and histograms: atomics without order, since nothing is concluded from one to another. */
#include "base/counters.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "base/describe.h"

enum { MOST_BOUNDS = 18 };

/* Upper bounds of the buckets: about x2.5 for seconds, powers of two for counts. */
struct scale {
	size_t count;
	double bounds[MOST_BOUNDS];
};

static const struct scale seconds_scale = {
	.count = 18,
	.bounds = { 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
		25, 60 },
};
static const struct scale counts_scale = {
	.count = 13,
	.bounds = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096 },
};

enum kind { KIND_counter, KIND_gauge, KIND_histogram };

struct row {
	enum kind kind;
	int index;		/* enum counter, or enum histogram */
	const char *name, *help;
};

static const struct row rows[] = {
#define COUNTER(name_, help_) { KIND_counter, COUNT_##name_, #name_, help_ },
#define GAUGE(name_, help_) { KIND_gauge, COUNT_##name_, #name_, help_ },
#define HISTOGRAM(name_, help_) { KIND_histogram, TIME_##name_, #name_, help_ },
#include "base/counters.def"
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
};
enum { ROWS = sizeof rows / sizeof *rows };

struct buckets {
	_Atomic int64_t counts[MOST_BOUNDS + 1];	/* the last is above all bounds; not cumulative */
	_Atomic int64_t sum_micros;			/* millionths of a second, or of one */
};

static _Atomic int64_t numbers[COUNTER_COUNT];
static struct buckets histograms[HISTOGRAM_COUNT];

void
counter_add(enum counter counter, int64_t n)
{
	assert((unsigned)counter < COUNTER_COUNT);
	atomic_fetch_add_explicit(&numbers[counter], n, memory_order_relaxed);
}

void
counter_set(enum counter counter, int64_t n)
{
	assert((unsigned)counter < COUNTER_COUNT);
	atomic_store_explicit(&numbers[counter], n, memory_order_relaxed);
}

int64_t
counter_get(enum counter counter)
{
	assert((unsigned)counter < COUNTER_COUNT);
	return atomic_load_explicit(&numbers[counter], memory_order_relaxed);
}

static const struct scale *
scale_of(enum histogram histogram)
{
	static const bool in_seconds[HISTOGRAM_COUNT] = {
#define COUNTER(name, help)
#define GAUGE(name, help)
#define HISTOGRAM(name, help) \
	[TIME_##name] = sizeof #name > 8 && __builtin_strcmp(&#name[sizeof #name - 8], "seconds") == 0,
#include "base/counters.def"
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
	};

	return in_seconds[histogram] ? &seconds_scale : &counts_scale;
}

void
histogram_add(enum histogram histogram, double observed)
{
	const struct scale *scale;
	size_t bucket = 0;

	assert((unsigned)histogram < HISTOGRAM_COUNT);
	if (!isfinite(observed) || observed > 1e12)
		return;
	if (observed < 0)	/* a clock that was set back */
		observed = 0;
	scale = scale_of(histogram);
	while (bucket < scale->count && observed > scale->bounds[bucket])
		bucket++;
	atomic_fetch_add_explicit(&histograms[histogram].counts[bucket], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&histograms[histogram].sum_micros, llround(observed * 1e6),
		memory_order_relaxed);
}

/* Micros as a decimal: Prometheus takes any number of digits. */
static void
put_micros(struct text *text, int64_t micros)
{
	text_printf(text, "%" PRId64 ".%06" PRId64, micros / 1000000, micros % 1000000);
}

static void
print_histogram(struct text *text, const struct row *row)
{
	const struct scale *scale = scale_of((enum histogram)row->index);
	struct buckets *buckets = &histograms[row->index];
	int64_t cumulative = 0;

	for (size_t i = 0; i <= scale->count; i++) {
		cumulative += atomic_load_explicit(&buckets->counts[i], memory_order_relaxed);
		text_printf(text, "bpmnd_%s_bucket{le=\"", row->name);
		if (i < scale->count)
			text_printf(text, "%g", scale->bounds[i]);
		else
			text_puts(text, "+Inf");
		text_printf(text, "\"} %" PRId64 "\n", cumulative);
	}
	text_printf(text, "bpmnd_%s_sum ", row->name);
	put_micros(text, atomic_load_explicit(&buckets->sum_micros, memory_order_relaxed));
	text_printf(text, "\nbpmnd_%s_count %" PRId64 "\n", row->name, cumulative);
}

static const char *
kind_name(enum kind kind)
{
	switch (kind) {
	case KIND_counter:
		return "counter";
	case KIND_gauge:
		return "gauge";
	case KIND_histogram:
		return "histogram";
	}
	return "untyped";
}

void
counters_print(struct text *text)
{
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *row = &rows[i];

		text_printf(text, "# HELP bpmnd_%s %s\n# TYPE bpmnd_%s %s\n", row->name, row->help, row->name,
			kind_name(row->kind));
		if (row->kind == KIND_histogram)
			print_histogram(text, row);
		else
			text_printf(text, "bpmnd_%s %" PRId64 "\n", row->name,
				counter_get((enum counter)row->index));
	}
}

void
counters_describe(struct text *text)
{
	static const char *const head[] = { "metric", "type", "help" };
	const char *cells[ROWS * 3];

	for (size_t i = 0; i < ROWS; i++) {
		cells[i * 3] = arena_printf(text->arena, "bpmnd_%s", rows[i].name);
		cells[i * 3 + 1] = kind_name(rows[i].kind);
		cells[i * 3 + 2] = rows[i].help;
	}
	describe_table(text, head, cells, 3, ROWS);
}
