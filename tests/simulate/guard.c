/* SPDX-License-Identifier: Apache-2.0
 * See guard.h. */
#include "tests/simulate/guard.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TWICE = 8, MOST_JOBS = 64 };	/* one schedule in so many is played twice (I14) */

/* What a child tells, in memory that the parent sees. */
struct report {
	uint64_t seed;			/* of the schedule under way */
	struct verdict verdict;
	char story[GUARD_STORY];
};

static struct report *
shared(int count)
{
	void *memory = mmap(NULL, (size_t)count * sizeof(struct report), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(EXIT_FAILURE);
	}
	return memory;
}

static pid_t
split(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(EXIT_FAILURE);
	}
	return pid;
}

/* How the child ended, when it was not by itself. */
static void
note_death(struct report *report, int state)
{
	if (WIFEXITED(state) && WEXITSTATUS(state) == 0)
		return;
	if (report->verdict.failed[0] != '\0')
		return;
	if (WIFSIGNALED(state) && WTERMSIG(state) == SIGALRM)
		snprintf(report->verdict.failed, sizeof report->verdict.failed, "not over after %d s", GUARD_SECONDS);
	else if (WIFSIGNALED(state))
		snprintf(report->verdict.failed, sizeof report->verdict.failed, "ended by signal %d (%s)",
			WTERMSIG(state), strsignal(WTERMSIG(state)));
	else
		snprintf(report->verdict.failed, sizeof report->verdict.failed, "ended with code %d",
			WEXITSTATUS(state));
}

struct verdict
guard_play(const struct plan *plan, char *story)
{
	struct report *report = shared(1);
	struct verdict verdict;
	pid_t pid = split();
	int state;

	if (pid == 0) {
		alarm(GUARD_SECONDS);
		report->verdict = plan_play(plan, arena_new(), report->story, sizeof report->story);
		_exit(0);
	}
	while (waitpid(pid, &state, 0) != pid)
		;
	note_death(report, state);
	verdict = report->verdict;
	if (story)
		memcpy(story, report->story, sizeof report->story);
	munmap(report, sizeof *report);
	return verdict;
}

static void
add(struct world_count *sum, const struct world_count *count)
{
	enum { NUMBERS = sizeof *sum / sizeof(int64_t) };
	int64_t *to = (int64_t *)sum;
	const int64_t *from = (const int64_t *)count;

	for (size_t i = 0; i < NUMBERS; i++)
		to[i] += from[i];
	sum->schedules++;
}

static void
play_one(struct report *report, struct arena *arena)
{
	const struct plan *plan = plan_random(arena, report->seed);
	struct verdict verdict = plan_play(plan, arena, NULL, 0), again;

	add(&report->verdict.counted, &verdict.counted);
	if (verdict.failed[0] == '\0' && report->seed % TWICE == 0) {
		again = plan_play(plan, arena, NULL, 0);
		if (again.hash != verdict.hash)
			snprintf(verdict.failed, sizeof verdict.failed, "played again, the schedule goes another way");
	}
	memcpy(report->verdict.failed, verdict.failed, sizeof verdict.failed);
}

static void
play_share(struct report *report, uint64_t first, int64_t count, int step)
{
	struct arena *arena = arena_new();

	for (int64_t i = 0; i < count && report->verdict.failed[0] == '\0'; i += step) {
		report->seed = first + (uint64_t)i;
		alarm(GUARD_SECONDS);
		play_one(report, arena);
		arena_reset(arena);
	}
	_exit(report->verdict.failed[0] == '\0' ? 0 : 1);
}

struct verdict
guard_range(uint64_t first_seed, int64_t count, int jobs, uint64_t *seed)
{
	struct report *reports = shared(jobs);
	struct verdict sum = { .hash = 0 };
	pid_t children[MOST_JOBS];
	int state;

	for (int i = 0; i < jobs; i++) {
		children[i] = split();
		if (children[i] == 0)
			play_share(&reports[i], first_seed + (uint64_t)i, count - i, jobs);
	}
	for (int left = jobs; left > 0; left--) {
		pid_t pid = wait(&state);

		for (int i = 0; i < jobs; i++) {
			if (children[i] != pid)
				continue;
			children[i] = 0;
			note_death(&reports[i], state);
			add(&sum.counted, &reports[i].verdict.counted);
			sum.counted.schedules--;
			if (sum.failed[0] != '\0' || reports[i].verdict.failed[0] == '\0')
				continue;
			*seed = reports[i].seed;
			memcpy(sum.failed, reports[i].verdict.failed, sizeof sum.failed);
			for (int other = 0; other < jobs; other++)
				if (children[other] != 0)
					kill(children[other], SIGKILL);
		}
	}
	munmap(reports, (size_t)jobs * sizeof *reports);
	return sum;
}
