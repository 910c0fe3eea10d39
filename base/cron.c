/* SPDX-License-Identifier: Apache-2.0
 * Cron expressions: read into sets of numbers, and the next instant that is in all of them. */
#include "base/cron.h"

#include <string.h>
#include <strings.h>

#include "base/when.h"

static const int64_t SECOND_US = 1000000;
static const int64_t DAY_US = 86400 * (int64_t)1000000;

enum { FIELDS = 6, NAME = 3, MONTHS_AHEAD = 1200, SUNDAY_TOO = 7, EPOCH_WEEKDAY = 4, MOST_NTH = 5 };
enum field_of { OF_seconds, OF_minutes, OF_hours, OF_days, OF_months, OF_weekdays };

/* What a field may hold; names stand for first, first + 1 and so on. */
static const struct field {
	const char *what;
	int first, last;
	const char *names;
} fields[FIELDS] = {
	{ "seconds", 0, 59, "" },
	{ "minutes", 0, 59, "" },
	{ "hours", 0, 23, "" },
	{ "days", 1, 31, "" },
	{ "months", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC" },
	{ "weekdays", 0, SUNDAY_TOO, "SUNMONTUEWEDTHUFRISAT" },
};

static const struct {
	const char *name, *fields;
} macros[] = {
	{ "@yearly", "0 0 0 1 1 *" }, { "@annually", "0 0 0 1 1 *" }, { "@monthly", "0 0 0 1 * *" },
	{ "@weekly", "0 0 0 * * 0" }, { "@daily", "0 0 0 * * *" }, { "@midnight", "0 0 0 * * *" },
	{ "@hourly", "0 0 * * * *" },
};

/* ---- reading ------------------------------------------------------------------------------------------- */

/* A number or a name of the field at *at, which moves behind it. */
static bool
take(const struct field *field, const char **at, int *number)
{
	int sum = 0;

	for (int i = 0; field->names[i] != '\0'; i += NAME) {
		if (strncasecmp(*at, field->names + i, NAME) != 0)
			continue;
		*number = field->first + i / NAME;
		*at += NAME;
		return true;
	}
	if (**at < '0' || **at > '9')
		return false;
	for (; **at >= '0' && **at <= '9'; ++*at)
		if ((sum = sum * 10 + (**at - '0')) > field->last)
			return false;
	*number = sum;
	return sum >= field->first;
}

static bool
take_step(const char **at, int *step)
{
	static const struct field steps = { "steps", 1, 60, "" };

	++*at;
	return take(&steps, at, step);
}

/* Every number, one, or from one to another; with a step not all between. */
static bool
take_range(const struct field *field, const char **at, uint64_t *set)
{
	int first = field->first, last = field->last, step = 1;

	if (**at == '*' || **at == '?') {
		++*at;
	} else {
		if (!take(field, at, &first))
			return false;
		last = **at == '/' ? field->last : first;
		if (**at == '-') {
			++*at;
			if (!take(field, at, &last))
				return false;
			if (field->last == SUNDAY_TOO && last == 0 && first > 0)
				last = SUNDAY_TOO;
		}
	}
	if (**at == '/' && !take_step(at, &step))
		return false;
	for (int i = first; i <= last; i += step)
		*set |= (uint64_t)1 << i;
	return first <= last;
}

static bool
is_end(char c)
{
	return c == ',' || c == ' ' || c == '\0';
}

/* What only days may say: L, LW and 15W. */
static bool
take_day(struct cron *cron, const char **at)
{
	const char *look = *at;
	int day;

	if (look[0] == 'L' && look[1] == 'W') {
		cron->last_working_day = true;
		*at = look + 2;
		return true;
	}
	if (look[0] == 'L') {
		cron->last_day = true;
		*at = look + 1;
		return true;
	}
	if (cron->near != 0 || !take(&fields[OF_days], &look, &day) || *look != 'W')
		return false;
	cron->near = day;
	*at = look + 1;
	return true;
}

/* What only weekdays may say: FRIL and MON#2. */
static bool
take_weekday(struct cron *cron, const char **at)
{
	static const struct field nths = { "nth", 1, MOST_NTH, "" };
	const char *look = *at;
	int weekday, nth = 0;

	if (!take(&fields[OF_weekdays], &look, &weekday))
		return false;
	if (*look == '#') {
		look++;
		if (!take(&nths, &look, &nth))
			return false;
	} else if (*look++ != 'L') {
		return false;
	}
	cron->nth[weekday % CRON_WEEKDAYS] |= (uint8_t)(1 << nth);
	*at = look;
	return true;
}

static bool
take_field(struct cron *cron, enum field_of of, const char **at, uint64_t *set)
{
	bool good;

	for (;; ++*at) {
		good = (of == OF_days && take_day(cron, at)) || (of == OF_weekdays && take_weekday(cron, at)) ||
			take_range(&fields[of], at, set);
		if (!good || !is_end(**at))
			return false;
		if (**at != ',')
			return true;
	}
}

enum status
cron_parse(const char *text, struct cron *cron, struct error *err)
{
	uint64_t *const sets[FIELDS] = { &cron->seconds, &cron->minutes, &cron->hours, &cron->days, &cron->months,
		&cron->weekdays };
	const char *at = text;

	*cron = (struct cron){ 0 };
	for (size_t i = 0; i < sizeof macros / sizeof *macros; i++)
		if (strcmp(macros[i].name, text) == 0)
			at = macros[i].fields;
	for (int i = 0; i < FIELDS; i++) {
		while (*at == ' ')
			at++;
		if (!take_field(cron, (enum field_of)i, &at, sets[i]))
			return FAIL(err, invalid_request, "'%.100s' is no cron expression: see its %s", text,
				fields[i].what);
	}
	while (*at == ' ')
		at++;
	if (*at != '\0')
		return FAIL(err, invalid_request, "'%.100s' is no cron expression: it has more than six fields", text);
	cron->weekdays |= cron->weekdays >> SUNDAY_TOO & 1;
	return OK;
}

/* ---- the calendar -------------------------------------------------------------------------------------- */

/* Of the first day of a month, 0 for Sunday. */
static int
first_weekday(const struct when_parts *month)
{
	struct when_parts first = { .year = month->year, .month = month->month, .day = 1 };
	int64_t days = when_join(&first) / DAY_US;

	return (int)((days % CRON_WEEKDAYS + CRON_WEEKDAYS + EPOCH_WEEKDAY) % CRON_WEEKDAYS);
}

/* The day from Monday to Friday nearest to that one, in the same month. */
static int
working_day(int day, int last, int first)
{
	int weekday = (first + day - 1) % CRON_WEEKDAYS;

	if (weekday == 6)
		return day > 1 ? day - 1 : day + 2;
	if (weekday == 0)
		return day < last ? day + 1 : day - 2;
	return day;
}

/* Which days of the month the expression allows. */
static uint64_t
days_of(const struct cron *cron, const struct when_parts *month)
{
	int last = when_month_days(month->year, month->month), first = first_weekday(month), weekday;
	uint64_t days = cron->days, allowed = 0;

	if (cron->last_day)
		days |= (uint64_t)1 << last;
	if (cron->last_working_day)
		days |= (uint64_t)1 << working_day(last, last, first);
	if (cron->near > 0 && cron->near <= last)
		days |= (uint64_t)1 << working_day(cron->near, last, first);
	for (int day = 1; day <= last; day++) {
		weekday = (first + day - 1) % CRON_WEEKDAYS;
		if (cron->weekdays >> weekday & 1 || cron->nth[weekday] >> ((day - 1) / CRON_WEEKDAYS + 1) & 1 ||
		    (cron->nth[weekday] & 1 && day + CRON_WEEKDAYS > last))
			allowed |= (uint64_t)1 << day;
	}
	return days & allowed;
}

/* The first number in the set from `from` on; -1 when there is none. */
static int
first_in(uint64_t set, int from)
{
	set = from < 64 ? set >> from << from : 0;
	return set != 0 ? __builtin_ctzll(set) : -1;
}

/* Moves on to the first time of the day that is allowed; false when the day has none left. */
static bool
find_time(const struct cron *cron, struct when_parts *at)
{
	int hour, minute, second;

	for (hour = first_in(cron->hours, at->hour); hour >= 0; hour = first_in(cron->hours, hour + 1)) {
		minute = first_in(cron->minutes, hour == at->hour ? at->minute : 0);
		for (; minute >= 0; minute = first_in(cron->minutes, minute + 1)) {
			second = first_in(cron->seconds,
				hour == at->hour && minute == at->minute ? at->second : 0);
			if (second < 0)
				continue;
			at->hour = hour;
			at->minute = minute;
			at->second = second;
			return true;
		}
	}
	return false;
}

/* Moves on within the month; false when it has no day left. */
static bool
find_day(const struct cron *cron, struct when_parts *at)
{
	uint64_t days = days_of(cron, at);
	int day;

	for (day = first_in(days, at->day); day >= 0; day = first_in(days, day + 1)) {
		if (day > at->day)
			at->hour = at->minute = at->second = 0;
		at->day = day;
		if (find_time(cron, at))
			return true;
	}
	return false;
}

int64_t
cron_next(const struct cron *cron, int64_t now_us)
{
	struct when_parts at;

	when_split(now_us + SECOND_US, &at);
	at.us = 0;
	for (int i = 0; i < MONTHS_AHEAD && at.year <= 9999; i++) {
		if (cron->months >> at.month & 1 && find_day(cron, &at))
			return when_join(&at);
		at.month = at.month % 12 + 1;
		at.year += at.month == 1;
		at.day = 1;
		at.hour = at.minute = at.second = 0;
	}
	return WHEN_NONE;
}
