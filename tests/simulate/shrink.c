/* SPDX-License-Identifier: Apache-2.0
 * See shrink.h. */
#include "tests/simulate/shrink.h"

#include <string.h>
#include <time.h>

#include "tests/simulate/guard.h"

static bool
fails(const struct plan *plan)
{
	return guard_play(plan, NULL).failed[0] != '\0';
}

/* Without `length` steps from `from` on; whether it still fails. */
static bool
drop_steps(struct plan *plan, struct arena *arena, size_t from, size_t length)
{
	struct plan less = *plan;
	size_t behind = plan->step_count - from - length;

	less.steps = arena_copy(arena, plan->steps, plan->step_count * sizeof *plan->steps);
	memmove(less.steps + from, less.steps + from + length, behind * sizeof *less.steps);
	less.step_count = from + behind;
	if (!fails(&less))
		return false;
	*plan = less;
	return true;
}

/* Halves first, single steps last. */
static bool
shrink_steps(struct plan *plan, struct arena *arena, time_t end)
{
	bool any = false;

	for (size_t length = plan->step_count / 2; length > 0; length /= 2)
		for (size_t from = 0; from + length <= plan->step_count && time(NULL) < end;) {
			if (drop_steps(plan, arena, from, length))
				any = true;
			else
				from += length;
		}
	return any;
}

static bool
shrink_sketch(struct plan *plan, struct arena *arena, size_t number, time_t end)
{
	bool any = false;

	for (size_t part = 0; part < sketch_parts(plan->sketches[number]) && time(NULL) < end;) {
		struct sketch *whole = plan->sketches[number], *less = sketch_without(arena, whole, part);

		plan->sketches[number] = less ? less : whole;
		if (less && fails(plan)) {
			any = true;
			continue;
		}
		plan->sketches[number] = whole;
		part++;
	}
	return any;
}

/* One daemon, one lane, usual settings: each alone. */
static void
shrink_settings(struct plan *plan)
{
	enum { SETTINGS = 6 };

	for (int i = 0; i < SETTINGS; i++) {
		struct plan less = *plan;

		switch (i) {
		case 0: less.lanes = 1; break;
		case 1: less.daemons = 1; break;
		case 2: less.batch_commands = 256; break;
		case 3: less.ready_window = 100000; break;
		case 4: less.cache_bytes = 1 << 20; break;
		default: less.poison = 0; break;
		}
		if (fails(&less))
			*plan = less;
	}
}

void
shrink(struct plan *plan, struct arena *arena, int seconds)
{
	time_t end = time(NULL) + seconds;
	bool more = true;

	shrink_settings(plan);
	while (more && time(NULL) < end) {
		more = shrink_steps(plan, arena, end);
		for (size_t i = 0; i < plan->sketch_count; i++)
			more |= shrink_sketch(plan, arena, i, end);
	}
}
