/* SPDX-License-Identifier: Apache-2.0
 * Counters and histograms, and the text that Prometheus reads. */
#include "base/counters.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "tests/base/run.h"

static const char *
printed(struct arena *arena)
{
	struct text text;

	text_init(&text, arena);
	counters_print(&text);
	return text_string(&text);
}

static void
expect(const char *line)
{
	struct arena *arena = arena_new();
	const char *text = printed(arena), *whole = arena_printf(arena, "\n%s\n", line);

	ck_assert_msg(strstr(text, whole) != NULL, "no line '%s' in:\n%.3000s", line, text);
	arena_free(arena);
}

START_TEST(counters)
{
	ck_assert_int_eq(counter_get(COUNT_commands), 0);
	counter_add(COUNT_commands, 2);
	counter_add(COUNT_commands, 3);
	ck_assert_int_eq(counter_get(COUNT_commands), 5);
	counter_set(COUNT_cache_bytes, 7);
	counter_add(COUNT_cache_bytes, -9);
	expect("bpmnd_commands 5");
	expect("bpmnd_cache_bytes -2");
	expect("# TYPE bpmnd_commands counter");
	expect("# TYPE bpmnd_cache_bytes gauge");
	expect("# HELP bpmnd_commands commands committed");
}
END_TEST

/* Buckets count all below their bound; what is no time is not counted, what is before now is no time at all. */
START_TEST(histograms)
{
	histogram_add(TIME_commit_seconds, 0.0001);
	histogram_add(TIME_commit_seconds, 0.3);
	histogram_add(TIME_commit_seconds, 1000);
	histogram_add(TIME_commit_seconds, -5);
	histogram_add(TIME_commit_seconds, NAN);
	histogram_add(TIME_commit_seconds, INFINITY);
	expect("# TYPE bpmnd_commit_seconds histogram");
	expect("bpmnd_commit_seconds_bucket{le=\"0.0001\"} 2");
	expect("bpmnd_commit_seconds_bucket{le=\"0.25\"} 2");
	expect("bpmnd_commit_seconds_bucket{le=\"0.5\"} 3");
	expect("bpmnd_commit_seconds_bucket{le=\"60\"} 3");
	expect("bpmnd_commit_seconds_bucket{le=\"+Inf\"} 4");
	expect("bpmnd_commit_seconds_sum 1000.300100");
	expect("bpmnd_commit_seconds_count 4");
}
END_TEST

START_TEST(a_histogram_of_counts)
{
	histogram_add(TIME_batch_commands, 1);
	histogram_add(TIME_batch_commands, 256);
	histogram_add(TIME_batch_commands, 257);
	expect("bpmnd_batch_commands_bucket{le=\"1\"} 1");
	expect("bpmnd_batch_commands_bucket{le=\"256\"} 2");
	expect("bpmnd_batch_commands_bucket{le=\"512\"} 3");
	expect("bpmnd_batch_commands_sum 514.000000");
}
END_TEST

static void *
count(void *unused)
{
	(void)unused;
	for (int i = 0; i < 10000; i++) {
		counter_add(COUNT_reads, 1);
		histogram_add(TIME_read_seconds, 1);
	}
	return NULL;
}

START_TEST(from_several_threads)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, count, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(counter_get(COUNT_reads), 40000);
	expect("bpmnd_read_seconds_count 40000");
	expect("bpmnd_read_seconds_sum 40000.000000");
}
END_TEST

/* Every line is a comment or a name and a number, and every row is there. */
START_TEST(the_whole_page)
{
	struct arena *arena = arena_new();
	const char *text = printed(arena);
	struct text table;

	text_init(&table, arena);
	counters_describe(&table);
#define HAS(name) \
	ck_assert_msg(strstr(text, "\n# TYPE bpmnd_" #name " ") && strstr(text_string(&table), "bpmnd_" #name), #name);
#define COUNTER(name, help) HAS(name)
#define GAUGE(name, help) HAS(name)
#define HISTOGRAM(name, help) HAS(name)
#include "base/counters.def"
#undef COUNTER
#undef GAUGE
#undef HISTOGRAM
	for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
		ck_assert_msg(!strncmp(line, "# HELP bpmnd_", 13) || !strncmp(line, "# TYPE bpmnd_", 13) ||
			!strncmp(line, "bpmnd_", 6), "%.80s", line);
		ck_assert_ptr_nonnull(strchr(line, '\n'));
	}
	arena_free(arena);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { counters, histograms, a_histogram_of_counts, from_several_threads,
		the_whole_page,
		NULL };

	return run_suite("counters", tests);
}
