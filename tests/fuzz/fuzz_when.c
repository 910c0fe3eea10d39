/* SPDX-License-Identifier: Apache-2.0
 * Fuzzes dates, periods and cycles of ISO 8601: each is also printed and read back, and the calendar goes forward. */
#include "tests/fuzz/fuzz.h"

#include <inttypes.h>

#include "base/when.h"

static const int64_t MILLISECOND_US = 1000;

static void
instant(const char *text)
{
	struct when_parts parts;
	char printed[WHEN_TEXT];
	int64_t us, strict, again;
	struct error err;

	if (when_parse(text, &us, &err) != OK) {
		must_be_text(err.message);
		MUST(when_parse_strict(text, &strict, &err) != OK, "the strict form takes more: '%s'", text);
		return;
	}
	MUST(us >= WHEN_FIRST && us <= WHEN_LAST, "%" PRId64, us);
	when_split(us, &parts);
	MUST(when_join(&parts) == us, "%" PRId64, us);
	MUST(when_parse_strict(when_print(us, printed), &again, &err) == OK, "%s", err.message);
	MUST(again <= us && us - again < MILLISECOND_US, "'%s' became %s", text, printed);
	if (when_parse_strict(text, &strict, &err) == OK)
		MUST(strict == us, "'%s' means two instants", text);
}

/* In the largest units that leave nothing out. */
static const char *
period_print(struct arena *arena, const struct period *period)
{
	const char *date = arena_printf(arena, "P%" PRId64 "Y%" PRId64 "M%" PRId64 "D", period->months / 12,
		period->months % 12, period->days);

	return arena_printf(arena, "%sT%" PRId64 ".%06" PRId64 "S", date, period->us / 1000000,
		period->us % 1000000);
}

static bool
period_same(const struct period *a, const struct period *b)
{
	return a->months == b->months && a->days == b->days && a->us == b->us;
}

/* Printed with its parts in other units it may be over a unit's limit; else it is the same again. */
static void
print_period(struct arena *arena, const struct period *period)
{
	const char *printed = period_print(arena, period);
	struct period again;
	struct error err;

	if (period_parse(printed, &again, &err) == OK)
		MUST(period_same(period, &again), "%s", printed);
	else
		MUST(period->months >= 12 * 9999 || period->days >= 9999 * 366 ||
			period->us >= INT64_C(9999) * 31622400 * 1000000, "%s", printed);
}

/* More of it is not earlier, and both ends hold. */
static void
add_period(const struct period *period)
{
	static const int64_t starts[] = { WHEN_FIRST, 0, INT64_C(1709164800000000), WHEN_LAST };
	static const int64_t counts[] = { INT64_MIN, -1000, -1, 0, 1, 2, 1000, INT64_MAX };
	int64_t before, now;

	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		before = WHEN_FIRST;
		for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
			now = period_add(starts[i], period, counts[n]);
			MUST(now >= before && now <= WHEN_LAST, "%" PRId64 " times from %" PRId64, counts[n],
				starts[i]);
			MUST(counts[n] != 0 || now == starts[i], "nothing added moved %" PRId64, starts[i]);
			before = now;
		}
	}
}

static void
period(struct arena *arena, const char *text)
{
	struct period period;
	struct error err;

	if (period_parse(text, &period, &err) != OK) {
		must_be_text(err.message);
		return;
	}
	MUST(period.months >= 0 && period.days >= 0 && period.us >= 0, "'%s' goes back", text);
	print_period(arena, &period);
	add_period(&period);
}

/* What comes next lies ahead, and stays next until it has come. */
static void
occurrences(const struct cycle *cycle, int64_t now_us)
{
	int64_t index, next = cycle_next(cycle, now_us, &index), again;

	MUST(index >= 0, "%" PRId64, index);
	if (next == WHEN_NONE)
		return;
	MUST(next > now_us || next == WHEN_LAST, "%" PRId64 " after %" PRId64, next, now_us);
	MUST(next <= WHEN_LAST, "%" PRId64, next);
	MUST(cycle->end_us == WHEN_NONE || next <= cycle->end_us, "%" PRId64 " is behind the end", next);
	if (cycle->start_us == WHEN_NONE && cycle->end_us == WHEN_NONE)
		return;
	again = cycle_next(cycle, now_us + (next - now_us) / 2, &index);
	MUST(again == next || next == WHEN_LAST, "%" PRId64 " and on the way %" PRId64, next, again);
}

static const char *
cycle_print(struct arena *arena, const struct cycle *cycle)
{
	const char *repeats = cycle->repeats < 0 ? "R" : arena_printf(arena, "R%" PRId64, cycle->repeats);
	const char *period = period_print(arena, &cycle->period);
	char date[WHEN_TEXT];

	if (cycle->start_us != WHEN_NONE)
		return arena_printf(arena, "%s/%s/%s", repeats, when_print(cycle->start_us, date), period);
	if (cycle->end_us != WHEN_NONE)
		return arena_printf(arena, "%s/%s/%s", repeats, period, when_print(cycle->end_us, date));
	return arena_printf(arena, "%s/%s", repeats, period);
}

/* Dates are printed in milliseconds. */
static bool
near(int64_t a_us, int64_t b_us)
{
	return a_us == b_us || (a_us != WHEN_NONE && b_us != WHEN_NONE && a_us - b_us >= 0 &&
				       a_us - b_us < MILLISECOND_US);
}

static void
print_cycle(struct arena *arena, const struct cycle *cycle)
{
	const char *printed = cycle_print(arena, cycle);
	struct cycle again;
	struct error err;

	if (cycle_parse(printed, &again, &err) != OK)
		return;		/* a period over a unit's limit, as above */
	MUST(again.repeats == cycle->repeats && period_same(&again.period, &cycle->period) &&
			near(cycle->start_us, again.start_us) && near(cycle->end_us, again.end_us),
		"%s", printed);
}

static void
cycle(struct arena *arena, const char *text)
{
	static const int64_t nows[] = { WHEN_FIRST, -1, 0, INT64_C(1709164800000000), WHEN_LAST - 1, WHEN_LAST };
	struct cycle cycle;
	struct error err;

	if (cycle_parse(text, &cycle, &err) != OK) {
		must_be_text(err.message);
		return;
	}
	MUST(cycle.repeats >= -1, "%" PRId64, cycle.repeats);
	print_cycle(arena, &cycle);
	for (size_t i = 0; i < sizeof nows / sizeof *nows; i++)
		occurrences(&cycle, nows[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct arena *arena = arena_new();
	const char *text = arena_strndup(arena, (const char *)bytes, length);

	if (text_is_utf8(text, strlen(text))) {
		instant(text);
		period(arena, text);
		cycle(arena, text);
	}
	arena_free(arena);
	return 0;
}
