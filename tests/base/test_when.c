/* SPDX-License-Identifier: Apache-2.0
 * Instants, periods and cycles: what is read, what is refused, and the calendar between. */
#include "base/when.h"

#include <string.h>

#include "tests/base/run.h"

static struct error err;

static const char *
text_of(int64_t us)
{
	static char text[WHEN_TEXT];

	return us == WHEN_NONE ? "none" : when_print(us, text);
}

static int64_t
at(const char *text)
{
	int64_t us = WHEN_NONE;

	ck_assert_msg(when_parse(text, &us, &err) == OK, "%s", err.message);
	return us;
}

/* ---- instants --------------------------------------------------------------------------------------------- */

START_TEST(printing)
{
	ck_assert_str_eq(text_of(0), "1970-01-01T00:00:00.000+0000");
	ck_assert_str_eq(text_of(-1), "1969-12-31T23:59:59.999+0000");
	ck_assert_str_eq(text_of(INT64_C(1700000000123999)), "2023-11-14T22:13:20.123+0000");
	ck_assert_str_eq(text_of(WHEN_FIRST), "0001-01-01T00:00:00.000+0000");
	ck_assert_str_eq(text_of(WHEN_LAST), "9999-12-31T23:59:59.999+0000");
}
END_TEST

START_TEST(reading)
{
	static const struct {
		const char *text, *same;
	} rows[] = {
		{ "2024-02-29", "2024-02-29T00:00:00.000+0000" },
		{ "2024-02-29T12:30", "2024-02-29T12:30:00.000+0000" },
		{ "2024-02-29T12:30:15", "2024-02-29T12:30:15.000+0000" },
		{ "2024-02-29T12:30:15Z", "2024-02-29T12:30:15.000+0000" },
		{ "2024-02-29T12:30:15.5Z", "2024-02-29T12:30:15.500+0000" },
		{ "2024-02-29T12:30:15,1234567Z", "2024-02-29T12:30:15.123+0000" },
		{ "2024-02-29T12:30+02", "2024-02-29T10:30:00.000+0000" },
		{ "2024-02-29T12:30:15+0530", "2024-02-29T07:00:15.000+0000" },
		{ "2024-02-29T12:30:15-05:30", "2024-02-29T18:00:15.000+0000" },
		{ "2024-12-31T23:30:00-01:00", "2025-01-01T00:30:00.000+0000" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_str_eq(text_of(at(rows[i].text)), rows[i].same);
	ck_assert_int_eq(at("1970-01-01T00:00:00.000001Z"), 1);
}
END_TEST

START_TEST(what_is_no_date)
{
	static const char *const rows[] = { "", "today", "2024", "2024-1-01", "2024-13-01", "2024-00-01", "2024-02-30",
		"2023-02-29", "1900-02-29", "2024-01-01T", "2024-01-01T24:00:00Z", "2024-01-01T12:60Z",
		"2024-01-01T12:00:60Z",
		"2024-01-01T12:00:00.Z", "2024-01-01 12:00:00", "2024-01-01T12:00:00Zx", "2024-01-01T12:00:00+24:00",
		"2024-01-01T12:00:00+1", "0000-01-01", "-2024-01-01", "0001-01-01T00:00:00+01:00",
		"9999-12-31T23:59:59-01:00" };
	int64_t us = 42;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_msg(when_parse(rows[i], &us, &err) == E_invalid_request, "'%s' was read", rows[i]);
	ck_assert_int_eq(us, 42);
}
END_TEST

/* The one form of REST: Camunda takes no other. */
START_TEST(reading_strictly)
{
	static const char *const rows[] = { "2024-01-01T12:00:00.000Z", "2024-01-01T12:00:00.000+00:00",
		"2024-01-01T12:00:00+0000",
		"2024-01-01T12:00:00.0000+0000", "2024-01-01T12:00:00.00+0000", "2024-01-01",
		"2024-01-01T12:00:00.000+0000 ",
		"2024-01-01T12:00:00.000", "2024-01-01T12:00:00.000+00", "2024-02-30T12:00:00.000+0000" };
	int64_t us;

	ck_assert_int_eq(when_parse_strict("2024-01-01T12:00:00.001+0200", &us, &err), OK);
	ck_assert_str_eq(text_of(us), "2024-01-01T10:00:00.001+0000");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_msg(when_parse_strict(rows[i], &us, &err) == E_invalid_request, "'%s' was read", rows[i]);
}
END_TEST

/* Every day of four centuries there and back, through all rules for leap years. */
START_TEST(the_calendar)
{
	struct when_parts parts;
	int64_t day = INT64_C(86400000000), us = at("1899-12-31");
	int month = 12;

	for (int i = 0; i < 146097; i++, us += day) {
		when_split(us, &parts);
		ck_assert_int_eq(when_join(&parts), us);
		ck_assert(parts.day == 1 ? parts.month == month % 12 + 1 : parts.month == month);
		ck_assert_int_le(parts.day, when_month_days(parts.year, parts.month));
		month = parts.month;
	}
	ck_assert_str_eq(text_of(us), "2299-12-31T00:00:00.000+0000");
	/* also what no calendar has: rows and logs may be damaged */
	when_split(INT64_MIN, &parts);
	ck_assert_int_eq(parts.us, 224192);
	when_split(INT64_MAX, &parts);
	ck_assert_int_eq(parts.us, 775807);
	ck_assert_int_eq(when_month_days(2000, 2), 29);
	ck_assert_int_eq(when_month_days(1900, 2), 28);
}
END_TEST

/* ---- periods ---------------------------------------------------------------------------------------------- */

START_TEST(periods)
{
	static const struct {
		const char *text;
		int64_t months, days, us;
	} rows[] = {
		{ "P1Y2M3DT4H5M6S", 14, 3, INT64_C(14706000000) },
		{ "P2W", 0, 14, 0 },
		{ "PT0.5S", 0, 0, 500000 },
		{ "PT1M", 0, 0, 60000000 },
		{ "P1M", 1, 0, 0 },
		{ "PT36H", 0, 0, INT64_C(129600000000) },
		{ "PT0S", 0, 0, 0 },
	};
	static const char *const bad[] = { "", "P", "PT", "P1", "1D", "P1H", "PT1D", "P1DT", "PT1S1M", "P1.5D",
		"PT1.5H", "PT.S",
		"P-", "PT1S ", "P1Dx", "PT99999999999999999999S" };
	struct period period;

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ck_assert_msg(period_parse(rows[i].text, &period, &err) == OK, "%s", err.message);
		ck_assert_int_eq(period.months, rows[i].months);
		ck_assert_int_eq(period.days, rows[i].days);
		ck_assert_int_eq(period.us, rows[i].us);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(period_parse(bad[i], &period, &err) != OK, "'%s' was read", bad[i]);
}
END_TEST

static const char *
sum(const char *from, const char *text, int64_t times)
{
	struct period period;

	ck_assert_int_eq(period_parse(text, &period, &err), OK);
	return text_of(period_add(at(from), &period, times));
}

START_TEST(adding)
{
	ck_assert_str_eq(sum("2024-01-31", "P1M", 1), "2024-02-29T00:00:00.000+0000");
	/* from the start, not from February */
	ck_assert_str_eq(sum("2024-01-31", "P1M", 2), "2024-03-31T00:00:00.000+0000");
	ck_assert_str_eq(sum("2024-02-29", "P1Y", 1), "2025-02-28T00:00:00.000+0000");
	ck_assert_str_eq(sum("2024-02-28", "P1DT1S", 2), "2024-03-01T00:00:02.000+0000");
	ck_assert_str_eq(sum("2024-03-31", "P1M", -1), "2024-02-29T00:00:00.000+0000");
	ck_assert_str_eq(sum("2024-03-31", "PT1H", 0), "2024-03-31T00:00:00.000+0000");
	ck_assert_str_eq(sum("2024-03-31", "P100Y", 1000), "9999-12-31T23:59:59.999+0000");
	ck_assert_str_eq(sum("2024-03-31", "P100Y", INT64_MAX), "9999-12-31T23:59:59.999+0000");
	ck_assert_str_eq(sum("2024-03-31", "PT1H", INT64_MIN), "0001-01-01T00:00:00.000+0000");
}
END_TEST

/* ---- cycles ----------------------------------------------------------------------------------------------- */

START_TEST(cycles)
{
	static const char *const bad[] = { "", "R", "R3", "R3/", "R3/PT0S", "R/PT", "Rx/PT1H", "R-1/PT1H", "3/PT1H",
		"R3/PT1H/PT1H",
		"R3/2024-01-01/2024-01-02", "PT1H", "R3/2024-01-01/PT1H/x", "R99999999999999999999/PT1H" };
	struct cycle cycle;

	ck_assert_int_eq(cycle_parse("R3/PT1H", &cycle, &err), OK);
	ck_assert_int_eq(cycle.repeats, 3);
	ck_assert_int_eq(cycle.start_us, WHEN_NONE);
	ck_assert_int_eq(cycle.end_us, WHEN_NONE);
	ck_assert_int_eq(cycle_parse("R/PT1H", &cycle, &err), OK);
	ck_assert_int_eq(cycle.repeats, -1);
	ck_assert_int_eq(cycle_parse("R2/2024-01-01T00:00:00Z/P1M", &cycle, &err), OK);
	ck_assert_int_eq(cycle.start_us, at("2024-01-01"));
	ck_assert_int_eq(cycle.period.months, 1);
	ck_assert_int_eq(cycle_parse("R2/PT1H/2024-01-01T00:00:00Z", &cycle, &err), OK);
	ck_assert_int_eq(cycle.end_us, at("2024-01-01"));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ck_assert_msg(cycle_parse(bad[i], &cycle, &err) != OK, "'%s' was read", bad[i]);
}
END_TEST

static void
expect_next(const char *text, const char *now, const char *next, int64_t index)
{
	struct cycle cycle;
	int64_t found, which = 0;

	ck_assert_msg(cycle_parse(text, &cycle, &err) == OK, "%s", err.message);
	found = cycle_next(&cycle, at(now), &which);
	ck_assert_msg(!strncmp(text_of(found), next, strlen(next)), "%s after %s is %s", text, now, text_of(found));
	if (found != WHEN_NONE)
		ck_assert_int_eq(which, index);
}

/* From a start, occurrences that were missed count; the 31st stays the 31st behind a short month. */
START_TEST(the_next_of_a_cycle)
{
	expect_next("R/2024-01-01T00:00:00Z/PT1H", "2023-12-31", "2024-01-01T00:00", 0);
	expect_next("R/2024-01-01T00:00:00Z/PT1H", "2024-01-01T00:00", "2024-01-01T01:00", 1);
	expect_next("R/2024-01-01T00:00:00Z/PT1H", "2024-01-01T03:30", "2024-01-01T04:00", 4);
	expect_next("R/2024-01-31T00:00:00Z/P1M", "2024-02-29", "2024-03-31", 2);
	expect_next("R/2024-01-01T00:00:00Z/PT1S", "2034-01-01", "2034-01-01T00:00:01", INT64_C(315619201));
	expect_next("R/PT1H/2024-01-02T00:00:00Z", "2024-01-01T22:30", "2024-01-01T23:00", 0);
	expect_next("R/PT1H/2024-01-02T00:00:00Z", "2024-01-02T00:00", "none", 0);
	expect_next("R/PT1H", "2024-01-02T00:00", "2024-01-02T01:00", 0);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { printing, reading, what_is_no_date, reading_strictly, the_calendar, periods,
		adding,
		cycles, the_next_of_a_cycle, NULL };

	return run_suite("when", tests);
}
