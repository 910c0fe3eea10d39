/* SPDX-License-Identifier: Apache-2.0
 * Fuzzes cron expressions: printed and read back they are the same, and the next instant is what a simpler look at the
 * calendar says. */
#include "tests/fuzz/fuzz.h"

#include <inttypes.h>

#include "base/cron.h"
#include "base/when.h"

static const int64_t SECOND_US = 1000000, DAY_US = INT64_C(86400000000);
enum { SATURDAY = 6, EPOCH_WEEKDAY = 4, LOOKS = 64 };

static void
print_numbers(struct text *text, uint64_t set)
{
	bool comma = false;

	for (int i = 0; i < 64; i++)
		if (set >> i & 1) {
			text_printf(text, "%s%d", comma ? "," : "", i);
			comma = true;
		}
}

/* Adds an item to a field that may have some. */
static void
print_item(struct text *text, size_t start, const char *item)
{
	if (text->length > start)
		text_putc(text, ',');
	text_puts(text, item);
}

static void
print_days(struct text *text, const struct cron *cron, struct arena *arena)
{
	size_t start = text->length;

	print_numbers(text, cron->days);
	if (cron->last_day)
		print_item(text, start, "L");
	if (cron->last_working_day)
		print_item(text, start, "LW");
	if (cron->near > 0)
		print_item(text, start, arena_printf(arena, "%dW", cron->near));
}

static void
print_weekdays(struct text *text, const struct cron *cron, struct arena *arena)
{
	size_t start = text->length;

	print_numbers(text, cron->weekdays);
	for (int day = 0; day < CRON_WEEKDAYS; day++)
		for (int nth = 0; nth < 8; nth++) {
			if (!(cron->nth[day] >> nth & 1))
				continue;
			print_item(text, start,
				nth > 0 ? arena_printf(arena, "%d#%d", day, nth) : arena_printf(arena, "%dL", day));
		}
}

static const char *
print(struct arena *arena, const struct cron *cron)
{
	struct text text;

	text_init(&text, arena);
	print_numbers(&text, cron->seconds);
	text_putc(&text, ' ');
	print_numbers(&text, cron->minutes);
	text_putc(&text, ' ');
	print_numbers(&text, cron->hours);
	text_putc(&text, ' ');
	print_days(&text, cron, arena);
	text_putc(&text, ' ');
	print_numbers(&text, cron->months);
	text_putc(&text, ' ');
	print_weekdays(&text, cron, arena);
	return text_string(&text);
}

static bool
same(const struct cron *a, const struct cron *b)
{
	return a->seconds == b->seconds && a->minutes == b->minutes && a->hours == b->hours && a->days == b->days &&
		a->months == b->months && a->weekdays == b->weekdays && a->last_day == b->last_day &&
		a->last_working_day == b->last_working_day && a->near == b->near &&
		memcmp(a->nth, b->nth, sizeof a->nth) == 0;
}

/* Sunday is 0. */
static int
weekday_of(int64_t us)
{
	int64_t days = us / DAY_US - (us % DAY_US < 0);

	return (int)(((days + EPOCH_WEEKDAY) % CRON_WEEKDAYS + CRON_WEEKDAYS) % CRON_WEEKDAYS);
}

/* Whether the instant's day is the working day that stands for the wanted one: at a weekend the nearest of the
 * month. */
static bool
stands_for(int64_t us, int day, int wanted, int last)
{
	int weekday = weekday_of(us + (wanted - day) * DAY_US), moved = wanted;

	if (weekday == SATURDAY)
		moved += wanted > 1 ? -1 : 2;
	if (weekday == 0)
		moved += wanted < last ? 1 : -2;
	return day == moved;
}

static bool
day_fits(const struct cron *cron, const struct when_parts *at, int64_t us)
{
	int last = when_month_days(at->year, at->month), weekday = weekday_of(us);
	bool day = cron->days >> at->day & 1;

	day = day || (cron->last_day && at->day == last);
	day = day || (cron->last_working_day && stands_for(us, at->day, last, last));
	day = day || (cron->near > 0 && cron->near <= last && stands_for(us, at->day, cron->near, last));
	if (!day)
		return false;
	return cron->weekdays >> weekday & 1 || cron->nth[weekday] >> ((at->day + 6) / 7) & 1 ||
		(cron->nth[weekday] & 1 && at->day + 7 > last);
}

static bool
fits(const struct cron *cron, int64_t us)
{
	struct when_parts at;

	when_split(us, &at);
	return at.us == 0 && cron->seconds >> at.second & 1 && cron->minutes >> at.minute & 1 &&
		cron->hours >> at.hour & 1 && cron->months >> at.month & 1 && day_fits(cron, &at, us);
}

/* Nothing fits behind `from` and before `to`, both left out, looked at every `step`. */
static void
nothing_fits(const struct cron *cron, const char *text, int64_t from_us, int64_t to_us, int64_t step_us)
{
	int64_t us = from_us + step_us;

	for (int i = 0; i < LOOKS && us > from_us && us < to_us; i++, us += step_us)
		MUST(!fits(cron, us), "'%s' comes before, at %" PRId64, text, us);
}

/* What comes next fits and lies ahead; nothing before it does: some seconds behind now, and some days at its time. */
static void
next(const struct cron *cron, const char *text, int64_t now_us)
{
	int64_t next_us = cron_next(cron, now_us), second = now_us / SECOND_US * SECOND_US;

	nothing_fits(cron, text, second, next_us != WHEN_NONE ? next_us : WHEN_LAST, SECOND_US);
	if (next_us == WHEN_NONE)
		return;
	MUST(next_us > now_us && fits(cron, next_us), "'%s' %" PRId64, text, next_us);
	MUST(cron_next(cron, now_us + (next_us - now_us) / 2) == next_us, "'%s' %" PRId64, text, next_us);
	nothing_fits(cron, text, next_us - ((next_us - now_us - 1) / DAY_US + 1) * DAY_US, next_us, DAY_US);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static const int64_t nows[] = { 0, INT64_C(951782399000001), INT64_C(1709164800000000),
		INT64_C(4107542399999999) };
	struct arena *arena = arena_new();
	const char *text = arena_strndup(arena, (const char *)bytes, length);
	struct cron cron, again;
	struct error err;

	if (!text_is_utf8(text, strlen(text))) {
		arena_free(arena);
		return 0;
	}
	if (cron_parse(text, &cron, &err) == OK) {
		MUST(cron_parse(print(arena, &cron), &again, &err) == OK, "'%s': %s", text, err.message);
		MUST(same(&cron, &again), "'%s' %s", text, print(arena, &cron));
		for (size_t i = 0; i < sizeof nows / sizeof *nows; i++)
			next(&cron, text, nows[i]);
	} else {
		must_be_text(err.message);
	}
	arena_free(arena);
	return 0;
}
