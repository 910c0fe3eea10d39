/* SPDX-License-Identifier: Apache-2.0
 * Instants and the calendar (proleptic Gregorian, UTC, no leap seconds): printing and reading. */
#include "base/when.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const int64_t SECOND_US = 1000000;
static const int64_t DAY_US = 86400 * (int64_t)1000000;

/* Days since 1970-01-01 of a date.  Years are counted from March, so that the leap day is the last one and
 * a month's first day in the year is (153 * month + 2) / 5. */
static int64_t
days_of(int64_t year, int month, int day)
{
	int64_t y = month > 2 ? year : year - 1;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t in_era = y - era * 400;
	int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

/* The inverse of days_of. */
static void
date_of(int64_t days, struct when_parts *parts)
{
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t in_era = shifted - era * 146097;
	int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * in_year + 2) / 153;

	parts->day = (int)(in_year - (153 * month + 2) / 5 + 1);
	parts->month = (int)(month < 10 ? month + 3 : month - 9);
	parts->year = year + era * 400 + (parts->month <= 2);
}

void
when_split(int64_t us, struct when_parts *parts)
{
	int64_t days = us / DAY_US - (us % DAY_US < 0);
	int64_t rest = us % DAY_US + (us % DAY_US < 0 ? DAY_US : 0);
	int64_t seconds = rest / SECOND_US;

	date_of(days, parts);
	parts->hour = (int)(seconds / 3600);
	parts->minute = (int)(seconds / 60 % 60);
	parts->second = (int)(seconds % 60);
	parts->us = (int)(rest % SECOND_US);
}

int64_t
when_join(const struct when_parts *parts)
{
	int64_t seconds = parts->hour * 3600 + parts->minute * 60 + parts->second;

	return days_of(parts->year, parts->month, parts->day) * DAY_US + seconds * SECOND_US + parts->us;
}

int
when_month_days(int64_t year, int month)
{
	static const int days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static void
put_digits(char *at, int count, int number)
{
	while (count-- > 0) {
		at[count] = (char)('0' + number % 10);
		number /= 10;
	}
}

const char *
when_print(int64_t us, char out[WHEN_TEXT])
{
	struct when_parts parts;

	when_split(us, &parts);
	if (parts.year < 0 || parts.year > 9999) {
		snprintf(out, WHEN_TEXT, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d.%03d+0000", parts.year, parts.month,
			parts.day, parts.hour, parts.minute, parts.second, parts.us / 1000);
		return out;
	}
	/* by hand: lists are full of dates, and printf costs more than all the rest of a line */
	memcpy(out, "yyyy-mm-ddThh:mm:ss.mmm+0000", sizeof "yyyy-mm-ddThh:mm:ss.mmm+0000");
	put_digits(out, 4, (int)parts.year);
	put_digits(out + 5, 2, parts.month);
	put_digits(out + 8, 2, parts.day);
	put_digits(out + 11, 2, parts.hour);
	put_digits(out + 14, 2, parts.minute);
	put_digits(out + 17, 2, parts.second);
	put_digits(out + 20, 3, parts.us / 1000);
	return out;
}

/* Exactly count digits; *at moves behind them. */
static bool
take_digits(const char **at, int count, int *number)
{
	int sum = 0;

	for (int i = 0; i < count; i++) {
		char c = (*at)[i];

		if (c < '0' || c > '9')
			return false;
		sum = sum * 10 + (c - '0');
	}
	*at += count;
	*number = sum;
	return true;
}

static bool
take_char(const char **at, char c)
{
	if (**at != c)
		return false;
	++*at;
	return true;
}

static bool
take_date(const char **at, struct when_parts *parts)
{
	int year;

	if (!take_digits(at, 4, &year) || !take_char(at, '-') || !take_digits(at, 2, &parts->month) ||
		!take_char(at, '-') || !take_digits(at, 2, &parts->day))
		return false;
	parts->year = year;
	return true;
}

static bool
take_minutes(const char **at, struct when_parts *parts)
{
	return take_digits(at, 2, &parts->hour) && take_char(at, ':') && take_digits(at, 2, &parts->minute);
}

/* One or more digits of a second; more than six are cut off. */
static bool
take_fraction(const char **at, int *us)
{
	int place = 100000;

	*us = 0;
	if (**at < '0' || **at > '9')
		return false;
	for (; **at >= '0' && **at <= '9'; ++*at) {
		*us += (**at - '0') * place;
		place /= 10;
	}
	return true;
}

/* A numeric zone in minutes east; colon says whether one must stand between, -1 that it may. */
static bool
take_offset(const char **at, int colon, int *minutes)
{
	bool west = **at == '-';
	int hour, minute = 0;

	if (**at != '+' && **at != '-')
		return false;
	++*at;
	if (!take_digits(at, 2, &hour))
		return false;
	if (colon == 0 || **at) {
		if (colon != 0)
			take_char(at, ':');
		if (!take_digits(at, 2, &minute))
			return false;
	}
	if (hour > 23 || minute > 59)
		return false;
	*minutes = (hour * 60 + minute) * (west ? -1 : 1);
	return true;
}

/* The instant of fields as written; false when one is out of its range. */
static bool
finish(const struct when_parts *parts, int offset_minutes, int64_t *us)
{
	int64_t instant;

	if (parts->year < 1 || parts->month < 1 || parts->month > 12 || parts->day < 1)
		return false;
	if (parts->day > when_month_days(parts->year, parts->month))
		return false;
	if (parts->hour > 23 || parts->minute > 59 || parts->second > 59)
		return false;
	instant = when_join(parts) - offset_minutes * 60 * SECOND_US;
	if (instant < WHEN_FIRST || instant > WHEN_LAST)
		return false;
	*us = instant;
	return true;
}

enum status
when_parse_strict(const char *text, int64_t *us, struct error *err)
{
	struct when_parts parts = { 0 };
	const char *at = text;
	int ms, offset;

	if (take_date(&at, &parts) && take_char(&at, 'T') && take_minutes(&at, &parts) && take_char(&at, ':') &&
		take_digits(&at, 2, &parts.second) && take_char(&at, '.') && take_digits(&at, 3, &ms) &&
		take_offset(&at, 0, &offset) && !*at) {
		parts.us = ms * 1000;
		if (finish(&parts, offset, us))
			return OK;
	}
	return FAIL(err, invalid_request, "'%.100s' is not a date of the form yyyy-MM-dd'T'HH:mm:ss.SSSZ", text);
}

/* The time behind T: minutes, then optionally seconds and their fraction. */
static bool
take_time(const char **at, struct when_parts *parts)
{
	if (!take_minutes(at, parts))
		return false;
	if (!take_char(at, ':'))
		return true;
	if (!take_digits(at, 2, &parts->second))
		return false;
	if (take_char(at, '.') || take_char(at, ','))
		return take_fraction(at, &parts->us);
	return true;
}

/* The rest of the text as a zone; none is UTC. */
static bool
take_zone(const char **at, int *offset)
{
	*offset = 0;
	if (!**at || take_char(at, 'Z'))
		return !**at;
	return take_offset(at, -1, offset) && !**at;
}

enum status
when_parse(const char *text, int64_t *us, struct error *err)
{
	struct when_parts parts = { 0 };
	const char *at = text;
	int offset = 0;
	bool good = take_date(&at, &parts);

	if (good && *at)
		good = take_char(&at, 'T') && take_time(&at, &parts) && take_zone(&at, &offset);
	if (good && finish(&parts, offset, us))
		return OK;
	return FAIL(err, invalid_request, "'%.100s' is not an ISO 8601 date or date-time", text);
}
