/* SPDX-License-Identifier: Apache-2.0
 * simulate [--schedules N] [--seed S] [--jobs N] [--quick] [--no-shrink] [--out FOLDER]: the real engine and lanes on a
 * store in memory, in schedules made of random numbers.  Schedule i has the seed S + i, so that a failure is played
 * again with --seed S --schedules 1. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "base/text.h"
#include "bpmn/bpmn.h"
#include "tests/simulate/guard.h"
#include "tests/simulate/shrink.h"

enum { QUICK_SCHEDULES = 1000, SCHEDULES = 3000, SHRINK_SECONDS = 60 };

struct options {
	int64_t schedules, seed, jobs;
	bool shrinks;
	const char *out;		/* folder for what failed */
};

static int
usage(void)
{
	fprintf(stderr,
		"usage: simulate [--schedules N] [--seed S] [--jobs N] [--quick] [--no-shrink] [--out FOLDER]\n");
	return EXIT_FAILURE;
}

static bool
read_options(struct options *options, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		int64_t *number = !strcmp(argv[i], "--schedules") ? &options->schedules :
			!strcmp(argv[i], "--seed") ? &options->seed :
			!strcmp(argv[i], "--jobs") ? &options->jobs : NULL;

		if (!strcmp(argv[i], "--quick")) {
			options->schedules = QUICK_SCHEDULES;
		} else if (!strcmp(argv[i], "--no-shrink")) {
			options->shrinks = false;
		} else if (!strcmp(argv[i], "--out") && *value) {
			options->out = value;
			i++;
		} else if (number && text_to_int(value, number) && *number > 0) {
			i++;
		} else {
			return false;
		}
	}
	return options->jobs <= 16;
}

/* ---- a failure -------------------------------------------------------------------------------------------------- */

static void
write_file(const char *folder, const char *name, const char *text)
{
	char path[500];
	FILE *file;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	file = fopen(path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		perror(path);
}

/* Diagrams, and the steps as a story: what it cannot say is a comment there. */
static void
write_story(const struct plan *plan, const struct options *options, const char *failed, const char *steps)
{
	struct arena *arena = arena_new();
	const char *folder = arena_printf(arena, "%s/seed-%" PRIu64, options->out, plan->seed);
	struct text text;

	mkdir(options->out, 0777);
	mkdir(folder, 0777);
	text_init(&text, arena);
	text_printf(&text, "story \"seed %" PRIu64 "\"\n# %s\n# %s\n", plan->seed, failed, plan_settings(plan, arena));
	for (size_t i = 0; i < plan->sketch_count; i++) {
		const char *name = arena_printf(arena, "diagram-%zu.bpmn", i + 1);

		write_file(folder, name, plan_diagram(plan, i, arena));
		text_printf(&text, "deploy %s\n", name);
	}
	text_puts(&text, steps);
	write_file(folder, "story", text_string(&text));
	printf("# diagrams and story: %s\n%s", folder, text_string(&text));
	arena_free(arena);
}

static int
report_failure(const struct options *options, uint64_t seed, const char *failed)
{
	struct arena *arena = arena_new();
	struct plan *plan = plan_random(arena, seed);
	struct verdict verdict;
	char *story = arena_alloc(arena, GUARD_STORY);

	printf("not ok simulate: %s\n# played again by: simulate --seed %" PRIu64 " --schedules 1\n", failed, seed);
	if (!options->shrinks)
		return EXIT_FAILURE;
	shrink(plan, arena, SHRINK_SECONDS);
	verdict = guard_play(plan, story);
	printf("# shrunk to %zu steps: %s\n", plan->step_count, verdict.failed);
	write_story(plan, options, verdict.failed, story);
	return EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	struct options options = { .schedules = SCHEDULES, .seed = 1, .jobs = 2, .shrinks = true,
		.out = "simulate-failed" };
	struct world_count *sum;
	struct timespec began, ended;
	struct verdict verdict;
	uint64_t seed = 0;
	struct error err;

	if (!read_options(&options, argc, argv))
		return usage();
	if (bpmn_init(&err) != OK)
		return EXIT_FAILURE;
	log_set_level(LOG_ERROR_LEVEL + 1);
	clock_gettime(CLOCK_MONOTONIC, &began);
	verdict = guard_range((uint64_t)options.seed, options.schedules, (int)options.jobs, &seed);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	sum = &verdict.counted;
	printf("# seed %" PRId64 ": %" PRId64 " schedules, %" PRId64 " commands, %" PRId64 " answers, %" PRId64
		" steps of lanes, %.1f s\n", options.seed, sum->schedules, sum->commands, sum->answers, sum->steps,
		(double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9);
	printf("# transactions: %" PRId64 " commit, %" PRId64 " abort, %" PRId64 " unheard, %" PRId64 " late\n",
		sum->commits, sum->aborts, sum->unheard, sum->late);
	printf("# faults: %" PRId64 " calls failed, %" PRId64 " blamed, %" PRId64 " crashes (%" PRId64 " in a job), %"
		PRId64 " pauses, %" PRId64 " jumps of the clock, %" PRId64 " takeovers\n", sum->weather, sum->blamed,
		sum->crashes, sum->poisoned, sum->pauses, sum->jumps, sum->takeovers);
	if (verdict.failed[0] != '\0')
		return report_failure(&options, seed, verdict.failed);
	printf("ok simulate\n");
	bpmn_done();
	return EXIT_SUCCESS;
}
