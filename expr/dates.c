/* SPDX-License-Identifier: Apache-2.0
 * Methods of dates: those of java.util.Date and of Joda's DateTime, which are one type here, in UTC.  Every
 * one gives a new date. */
#include "expr/expr_priv.h"

#include <stdio.h>

#include "base/when.h"

enum { MOST_AMOUNT = INT32_MAX };	/* Joda's parameters are Java's int */

static enum status
amount_of(struct eval *e, const struct value *value, int64_t *amount)
{
	TRY(to_long(e, value, amount));
	if (*amount > MOST_AMOUNT || *amount < -(int64_t)MOST_AMOUNT)
		return eval_fail(e, FAILURE_other, "the amount %lld is too large", (long long)*amount);
	return OK;
}

/* Moves by times * period * amount; a date beyond the calendar's ends is an error, not the end. */
static enum status
move(struct eval *e, const struct value *self, const struct value *amount, struct period period, int sign,
	struct value *result)
{
	int64_t times, us;

	TRY(amount_of(e, amount, &times));
	us = period_add(self->integer, &period, sign * times);
	if (us <= WHEN_FIRST || us >= WHEN_LAST)
		return eval_fail(e, FAILURE_other, "the date is out of range");
	*result = value_date(us);
	return OK;
}

#define MOVES(unit, ...) \
	enum status \
	method_date_plus_##unit(struct eval *e, const struct value *self, const struct value *args, \
		struct value *result) \
	{ \
		return move(e, self, &args[0], (struct period){ __VA_ARGS__ }, 1, result); \
	} \
	enum status \
	method_date_minus_##unit(struct eval *e, const struct value *self, const struct value *args, \
		struct value *result) \
	{ \
		return move(e, self, &args[0], (struct period){ __VA_ARGS__ }, -1, result); \
	}
MOVES(years, .months = 12)
MOVES(months, .months = 1)
MOVES(weeks, .days = 7)
MOVES(days, .days = 1)
MOVES(hours, .us = INT64_C(3600000000))
MOVES(minutes, .us = 60000000)
MOVES(seconds, .us = 1000000)
MOVES(millis, .us = 1000)
#undef MOVES

enum field { FIELD_year, FIELD_month, FIELD_day, FIELD_hour, FIELD_minute, FIELD_second, FIELD_milli };

/* Joda's names, for its message. */
static const char *const field_names[] = {
	[FIELD_year] = "year",
	[FIELD_month] = "monthOfYear",
	[FIELD_day] = "dayOfMonth",
	[FIELD_hour] = "hourOfDay",
	[FIELD_minute] = "minuteOfHour",
	[FIELD_second] = "secondOfMinute",
	[FIELD_milli] = "millisOfSecond",
};

static void
put_field(struct when_parts *parts, enum field field, int n)
{
	int days;

	switch (field) {
	case FIELD_year:
		parts->year = n;
		break;
	case FIELD_month:
		parts->month = n;
		break;
	case FIELD_day:
		parts->day = n;
		break;
	case FIELD_hour:
		parts->hour = n;
		break;
	case FIELD_minute:
		parts->minute = n;
		break;
	case FIELD_second:
		parts->second = n;
		break;
	case FIELD_milli:
		parts->us = n * 1000;
		break;
	}
	days = when_month_days(parts->year, parts->month);
	parts->day = parts->day > days ? days : parts->day;
}

/* Replaces one field; the day gives way when the month becomes too short, as in Joda. */
static enum status
with(struct eval *e, const struct value *self, const struct value *value, enum field field, struct value *result)
{
	static const int least[] = { 1, 1, 1, 0, 0, 0, 0 }, most[] = { 9999, 12, 31, 23, 59, 59, 999 };
	struct when_parts parts;
	int64_t n, last = most[field];

	TRY(to_long(e, value, &n));
	when_split(self->integer, &parts);
	if (field == FIELD_day)
		last = when_month_days(parts.year, parts.month);
	if (n < least[field] || n > last)
		return eval_fail(e, FAILURE_other, "Value %lld for %s must be in the range [%d,%lld]", (long long)n,
			field_names[field], least[field], (long long)last);
	put_field(&parts, field, (int)n);
	*result = value_date(when_join(&parts));
	return OK;
}

#define WITH(name) \
	enum status \
	method_date_with_##name(struct eval *e, const struct value *self, const struct value *args, \
		struct value *result) \
	{ \
		return with(e, self, &args[0], FIELD_##name, result); \
	}
WITH(year)
WITH(month)
WITH(day)
WITH(hour)
WITH(minute)
WITH(second)
WITH(milli)
#undef WITH

#define GETS(name) \
	enum status \
	method_date_##name(struct eval *e, const struct value *self, const struct value *args, \
		struct value *result) \
	{ \
		struct when_parts parts; \
\
		(void)e; \
		(void)args; \
		when_split(self->integer, &parts); \
		*result = value_integer(parts.name); \
		return OK; \
	}
GETS(year)
GETS(month)
GETS(day)
GETS(hour)
GETS(minute)
#undef GETS

static const int64_t DAY_US = INT64_C(86400000000);

static int64_t
start_of_day(int64_t us)
{
	int64_t into = us % DAY_US;

	return us - (into < 0 ? into + DAY_US : into);
}

/* 1 is Monday, 7 Sunday. */
static int64_t
weekday(int64_t us)
{
	int64_t day = start_of_day(us) / DAY_US + 3;	/* 1970-01-01 was a Thursday */

	return (day % 7 + 7) % 7 + 1;
}

enum status
method_date_start_of_day(struct eval *e, const struct value *self, const struct value *args,
	struct value *result)
{
	(void)e;
	(void)args;
	*result = value_date(start_of_day(self->integer));
	return OK;
}

enum status
method_date_weekday(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	(void)e;
	(void)args;
	*result = value_integer(weekday(self->integer));
	return OK;
}

enum status
method_date_with_weekday(struct eval *e, const struct value *self, const struct value *args,
	struct value *result)
{
	int64_t n;

	TRY(to_long(e, &args[0], &n));
	if (n < 1 || n > 7)
		return eval_fail(e, FAILURE_other, "Value %lld for dayOfWeek must be in the range [1,7]",
			(long long)n);
	*result = value_date(self->integer + (n - weekday(self->integer)) * DAY_US);
	return OK;
}

enum status
method_date_millis(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	int64_t us = self->integer;

	(void)e;
	(void)args;
	*result = value_long(us / 1000 - (us % 1000 < 0));
	return OK;
}

/* As Joda's DateTime prints itself, which is what due dates read; Date.toString() has no use there. */
enum status
method_date_to_string(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	struct when_parts parts;

	(void)args;
	when_split(self->integer, &parts);
	*result = value_string(arena_printf(e->arena, "%04lld-%02d-%02dT%02d:%02d:%02d.%03dZ", (long long)parts.year,
		parts.month, parts.day, parts.hour, parts.minute, parts.second, parts.us / 1000));
	return OK;
}

static enum status
compare(struct eval *e, const struct value *self, const struct value *other, bool before, struct value *result)
{
	int64_t a = self->integer, b = other->integer;

	if (other->type != VALUE_date)
		return eval_fail(e, FAILURE_other, "Cannot coerce from %s to class java.util.Date",
			java_class(other));
	*result = value_boolean(before ? a < b : a > b);
	return OK;
}

enum status
method_date_before(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	return compare(e, self, &args[0], true, result);
}

enum status
method_date_after(struct eval *e, const struct value *self, const struct value *args, struct value *result)
{
	return compare(e, self, &args[0], false, result);
}
