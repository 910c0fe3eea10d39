/* SPDX-License-Identifier: Apache-2.0
 * Periods and cycles: reading them, and arithmetic by the calendar. */
#include "base/when.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"

static const int64_t DAY_US = 86400 * (int64_t)1000000;

enum { MOST_YEARS = 9999 };	/* a longer period could reach no date */

/* What a letter counts in, in the order ISO 8601 prescribes; the time's letters follow a T. */
struct unit {
	char letter;
	bool time;
	int64_t months, days, us, most;
};

static const struct unit units[] = {
	{ 'Y', false, 12, 0, 0, MOST_YEARS },
	{ 'M', false, 1, 0, 0, MOST_YEARS * 12 },
	{ 'W', false, 0, 7, 0, MOST_YEARS * 53 },
	{ 'D', false, 0, 1, 0, MOST_YEARS * 366 },
	{ 'H', true, 0, 0, 3600000000, MOST_YEARS * (int64_t)8784 },
	{ 'M', true, 0, 0, 60000000, MOST_YEARS * (int64_t)527040 },
	{ 'S', true, 0, 0, 1000000, MOST_YEARS * (int64_t)31622400 },
};
enum { UNITS = sizeof units / sizeof *units, WEEK = 2 };

/* A number that is not above most; *at moves behind it. */
static bool
take_number(const char **at, int64_t most, int64_t *number)
{
	int64_t sum = 0;

	if (**at < '0' || **at > '9')
		return false;
	for (; **at >= '0' && **at <= '9'; ++*at) {
		sum = sum * 10 + (**at - '0');
		if (sum > most)
			return false;
	}
	*number = sum;
	return true;
}

/* The fraction of a second in microseconds; further digits are cut off. */
static bool
take_fraction(const char **at, int64_t *us)
{
	int64_t place = 100000;

	if (**at < '0' || **at > '9')
		return false;
	for (; **at >= '0' && **at <= '9'; ++*at) {
		*us += (**at - '0') * place;
		place /= 10;
	}
	return true;
}

/* Index of the unit with that letter, -1 when there is none. */
static int
unit_find(char letter, bool time)
{
	for (int i = 0; i < UNITS; i++) {
		if (units[i].letter == letter && units[i].time == time)
			return i;
	}
	return -1;
}

/* One number with its letter; *last is the unit before it, which must come earlier in the order. */
static bool
take_part(const char **at, bool time, int *last, struct period *period)
{
	int64_t number, fraction = 0;
	bool fractional;
	int unit;

	if (!take_number(at, units[UNITS - 1].most, &number))
		return false;
	fractional = **at == '.' || **at == ',';
	if (fractional) {
		++*at;
		if (!take_fraction(at, &fraction))
			return false;
	}
	unit = unit_find(**at, time);
	if (unit <= *last || number > units[unit].most || (fractional && unit != UNITS - 1))
		return false;
	if (*last == WEEK && unit > WEEK)
		return false;
	++*at;
	period->months += number * units[unit].months;
	period->days += number * units[unit].days;
	period->us += number * units[unit].us + fraction;
	*last = unit;
	return true;
}

/* A period that ends the text. */
static bool
take_period(const char *text, struct period *period)
{
	struct period sum = { 0 };
	const char *at = text;
	bool time = false;
	int last = -1;

	if (*at++ != 'P' || !*at)
		return false;
	while (*at) {
		if (*at == 'T') {
			if (time || !at[1])
				return false;
			time = true;
			at++;
		}
		if (!take_part(&at, time, &last, &sum))
			return false;
		if (last == WEEK && (*at || sum.months))
			return false;
	}
	*period = sum;
	return true;
}

enum status
period_parse(const char *text, struct period *period, struct error *err)
{
	if (take_period(text, period))
		return OK;
	return FAIL(err, invalid_request, "'%.100s' is not an ISO 8601 duration (PnYnMnDTnHnMnS or PnW)", text);
}

static int64_t
clamp(int64_t us)
{
	return us < WHEN_FIRST ? WHEN_FIRST : us > WHEN_LAST ? WHEN_LAST : us;
}

/* What an overflow means: beyond the last date, or before the first. */
static int64_t
beyond(int64_t times)
{
	return times < 0 ? WHEN_FIRST : WHEN_LAST;
}

/* Moves by months; the day is kept, or becomes the last one of a shorter month. */
static bool
add_months(int64_t from_us, int64_t months, int64_t *us)
{
	struct when_parts parts;
	int64_t month;
	int days;

	when_split(from_us, &parts);
	if (__builtin_add_overflow(parts.year * 12 + parts.month - 1, months, &month))
		return false;
	if (month < 12 || month >= (int64_t)(MOST_YEARS + 1) * 12)
		return false;
	parts.year = month / 12;
	parts.month = (int)(month % 12) + 1;
	days = when_month_days(parts.year, parts.month);
	if (parts.day > days)
		parts.day = days;
	*us = when_join(&parts);
	return true;
}

int64_t
period_add(int64_t from_us, const struct period *period, int64_t times)
{
	int64_t months, days, us, moved = clamp(from_us);

	if (__builtin_mul_overflow(period->months, times, &months) ||
		__builtin_mul_overflow(period->days, times, &days) ||
		__builtin_mul_overflow(days, DAY_US, &days) ||
		__builtin_mul_overflow(period->us, times, &us))
		return beyond(times);
	if (months && !add_months(moved, months, &moved))
		return beyond(times);
	if (__builtin_add_overflow(moved, days, &moved) || __builtin_add_overflow(moved, us, &moved))
		return beyond(times);
	return clamp(moved);
}

/* The next part of a text that is divided by slashes; NULL behind the last. */
static char *
next_part(char **rest)
{
	char *part = *rest;
	char *slash;

	if (!part)
		return NULL;
	slash = strchr(part, '/');
	if (slash)
		*slash = '\0';
	*rest = slash ? slash + 1 : NULL;
	return part;
}

static bool
take_repeats(const char *text, int64_t *repeats)
{
	if (text[0] != 'R')
		return false;
	*repeats = -1;
	if (!text[1])
		return true;
	return text[1] != '-' && text_to_int(text + 1, repeats);
}

static enum status
bad_cycle(const char *text, struct error *err)
{
	return FAIL(err, invalid_request,
		"'%.100s' is not an ISO 8601 cycle (Rn/duration, Rn/start/duration or Rn/duration/end)", text);
}

enum status
cycle_parse(const char *text, struct cycle *cycle, struct error *err)
{
	struct cycle parsed = { .start_us = WHEN_NONE, .end_us = WHEN_NONE };
	char copy[CYCLE_TEXT];
	char *rest = copy, *repeats, *first, *second;

	if (strlen(text) >= sizeof copy)
		return bad_cycle(text, err);
	memcpy(copy, text, strlen(text) + 1);
	repeats = next_part(&rest);
	first = next_part(&rest);
	second = next_part(&rest);
	if (!first || rest || !take_repeats(repeats, &parsed.repeats))
		return bad_cycle(text, err);
	if (second && *first != 'P') {
		TRY(when_parse(first, &parsed.start_us, err));
		TRY(period_parse(second, &parsed.period, err));
	} else {
		TRY(period_parse(first, &parsed.period, err));
		if (second)
			TRY(when_parse(second, &parsed.end_us, err));
	}
	if (!parsed.period.months && !parsed.period.days && !parsed.period.us)
		return FAIL(err, invalid_request, "the duration in '%.100s' must not be zero", text);
	*cycle = parsed;
	return OK;
}

/* The smallest k >= 0 with anchor + k * period after now_us.  The sum grows with k, so doubling and halving
 * find it; at the last date there is an end. */
static int64_t
first_after(int64_t anchor_us, const struct period *period, int64_t now_us)
{
	int64_t low = 0, high = 1;

	if (anchor_us > now_us)
		return 0;
	while (period_add(anchor_us, period, high) <= now_us) {
		low = high;
		high *= 2;
	}
	while (high - low > 1) {
		int64_t middle = low + (high - low) / 2;

		if (period_add(anchor_us, period, middle) <= now_us)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/* The largest k in 0..most with end - k * period after now_us, -1 when there is none. */
static int64_t
last_after(int64_t end_us, const struct period *period, int64_t now_us, int64_t most)
{
	int64_t low = 0, high = most;

	if (end_us <= now_us)
		return -1;
	while (low < high) {
		int64_t middle = low + (high - low) / 2 + 1;

		if (period_add(end_us, period, -middle) > now_us)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

/* Without a start, occurrences are counted back from the end. */
static int64_t
next_before_end(const struct cycle *cycle, int64_t now_us)
{
	int64_t most = cycle->repeats < 0 ? INT32_MAX : cycle->repeats;
	int64_t back = last_after(cycle->end_us, &cycle->period, now_us, most);

	return back < 0 ? WHEN_NONE : period_add(cycle->end_us, &cycle->period, -back);
}

int64_t
cycle_next(const struct cycle *cycle, int64_t now_us, int64_t *index)
{
	int64_t next;

	assert(cycle->period.months || cycle->period.days || cycle->period.us);
	*index = 0;
	if (now_us >= WHEN_LAST)
		return WHEN_NONE;
	if (cycle->start_us == WHEN_NONE && cycle->end_us != WHEN_NONE)
		return next_before_end(cycle, now_us);
	if (cycle->start_us == WHEN_NONE)
		return period_add(now_us, &cycle->period, 1);
	*index = first_after(cycle->start_us, &cycle->period, now_us);
	next = period_add(cycle->start_us, &cycle->period, *index);
	if (cycle->end_us != WHEN_NONE && next > cycle->end_us)
		return WHEN_NONE;
	return next;
}
