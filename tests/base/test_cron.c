/* SPDX-License-Identifier: Apache-2.0
 * Cron expressions: which instants they mean, and which texts are none. */
#include "base/cron.h"

#include <string.h>

#include "base/when.h"
#include "tests/base/run.h"

/* The instants after `from`, each after the one before, as far as `then` lists them (blanks between). */
static void
expect(const char *text, const char *from, const char *then)
{
	struct error err = { .status = OK };
	char wanted[32], printed[WHEN_TEXT];
	struct cron cron;
	int64_t us;

	ck_assert_msg(cron_parse(text, &cron, &err) == OK, "%s", err.message);
	ck_assert(when_parse(from, &us, &err) == OK);
	for (size_t n; *then != '\0'; then += n + (then[n] == ' ')) {
		n = strcspn(then, " ");
		ck_assert_uint_lt(n, sizeof wanted);
		memcpy(wanted, then, n);
		wanted[n] = '\0';
		us = cron_next(&cron, us);
		ck_assert_int_ne(us, WHEN_NONE);
		when_print(us, printed);
		printed[strlen("2024-01-01T00:00:00")] = '\0';
		ck_assert_msg(strcmp(printed, wanted) == 0, "%s after %s: %s is not %s", text, from, printed, wanted);
	}
}

static void
expect_none(const char *text)
{
	struct error err = { .status = OK };
	struct cron cron;

	ck_assert_msg(cron_parse(text, &cron, &err) == E_invalid_request, "'%s' was taken", text);
	ck_assert_ptr_nonnull(strstr(err.message, "no cron expression"));
}

START_TEST(steps_and_ranges)
{
	expect("0/2 * * * * ?", "2024-05-01T10:00:00.500Z", "2024-05-01T10:00:02 2024-05-01T10:00:04");
	expect("0 0/5 * * * ?", "2024-05-01T10:58:00Z", "2024-05-01T11:00:00 2024-05-01T11:05:00");
	expect("0 0/5 * * * ?", "2024-05-01T11:00:00Z", "2024-05-01T11:05:00");
	expect("10,20 59 23 * * *", "2024-12-31T23:59:10Z", "2024-12-31T23:59:20 2025-01-01T23:59:10");
	expect("0 0 9-17/4 * * *", "2024-05-01T12:00:00Z",
		"2024-05-01T13:00:00 2024-05-01T17:00:00 2024-05-02T09:00:00");
	expect("*/30 * * * * *", "2024-05-01T00:00:00Z", "2024-05-01T00:00:30 2024-05-01T00:01:00");
}
END_TEST

START_TEST(days_and_months)
{
	expect("0 0 0 29 FEB ?", "2023-01-01T00:00:00Z", "2024-02-29T00:00:00 2028-02-29T00:00:00");
	expect("0 0 0 31 * *", "2024-01-31T00:00:00Z", "2024-03-31T00:00:00 2024-05-31T00:00:00");
	expect("0 0 12 * 1,jul *", "2024-07-31T12:00:00Z", "2025-01-01T12:00:00");
	expect("0 0 0 L * *", "2024-02-01T00:00:00Z", "2024-02-29T00:00:00 2024-03-31T00:00:00");
	expect("0 0 0 LW * *", "2024-06-01T00:00:00Z", "2024-06-28T00:00:00");
	expect("0 0 0 1W * *", "2024-06-01T00:00:00Z", "2024-06-03T00:00:00 2024-07-01T00:00:00");
	expect("0 0 0 15W * *", "2024-06-01T00:00:00Z", "2024-06-14T00:00:00 2024-07-15T00:00:00");
	expect("0 0 0 13 * FRI", "2024-01-01T00:00:00Z", "2024-09-13T00:00:00 2024-12-13T00:00:00");
}
END_TEST

START_TEST(weekdays)
{
	expect("0 0 8 * * MON-FRI", "2024-05-03T08:00:00Z", "2024-05-06T08:00:00");
	expect("0 0 8 ? * 0", "2024-05-03T08:00:00Z", "2024-05-05T08:00:00");
	expect("0 0 8 ? * 7", "2024-05-03T08:00:00Z", "2024-05-05T08:00:00");
	expect("0 0 8 ? * SAT-SUN", "2024-05-03T08:00:00Z",
		"2024-05-04T08:00:00 2024-05-05T08:00:00 2024-05-11T08:00:00");
	expect("0 0 0 ? * MON#2", "2024-05-01T00:00:00Z", "2024-05-13T00:00:00 2024-06-10T00:00:00");
	expect("0 0 0 ? * 5L", "2024-05-01T00:00:00Z", "2024-05-31T00:00:00 2024-06-28T00:00:00");
	expect("0 0 0 ? * THU", "1969-12-24T00:00:00Z", "1969-12-25T00:00:00 1970-01-01T00:00:00");
}
END_TEST

START_TEST(words)
{
	expect("@daily", "2024-05-01T10:00:00Z", "2024-05-02T00:00:00 2024-05-03T00:00:00");
	expect("@hourly", "2024-05-01T10:30:00Z", "2024-05-01T11:00:00");
	expect("@weekly", "2024-05-01T10:30:00Z", "2024-05-05T00:00:00");
	expect("@monthly", "2024-05-01T10:30:00Z", "2024-06-01T00:00:00");
	expect("@yearly", "2024-05-01T10:30:00Z", "2025-01-01T00:00:00");
}
END_TEST

START_TEST(never)
{
	struct error err = { .status = OK };
	struct cron cron;

	ck_assert(cron_parse("0 0 0 30 2 *", &cron, &err) == OK);
	ck_assert_int_eq(cron_next(&cron, 0), WHEN_NONE);
}
END_TEST

START_TEST(no_expressions)
{
	static const char *const texts[] = { "", " ", "R3/PT5M", "0 0 0 * *", "0 0 0 * * * *", "60 * * * * *",
		"* 60 * * * *",
		"* * 24 * * *", "* * * 0 * *", "* * * 32 * *", "* * * * 13 *", "* * * * * 8", "a * * * * *",
		"1- * * * * *", "5-0 * * * * *", "* 6-0/2 * * * *",
		"5-1 * * * * *", "0/0 * * * * *", "1,,2 * * * * *", "@never", "* * * 1W,2W * *", "* * * * * MON#6",
		"*x * * * * *",
		"99999999999 * * * * *" };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		expect_none(texts[i]);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { steps_and_ranges, days_and_months, weekdays, words, never, no_expressions,
		NULL };

	return run_suite("cron", tests);
}
