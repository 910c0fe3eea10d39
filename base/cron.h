/* SPDX-License-Identifier: Apache-2.0
 * Cron expressions as timeCycle takes them: six fields (seconds first), in UTC. */
#ifndef BASE_CRON_H
#define BASE_CRON_H

#include <stdbool.h>

#include "base/error.h"

enum { CRON_WEEKDAYS = 7 };

/* Bit n of a set stands for n: days from 1, weekdays from 0, Sunday. */
struct cron {
	uint64_t seconds, minutes, hours, days, months, weekdays;
	bool last_day;			/* L: of the month */
	bool last_working_day;		/* LW: the last from Monday to Friday */
	int near;			/* 15W: the day from Monday to Friday nearest to the 15th; 0: none */
	uint8_t nth[CRON_WEEKDAYS];	/* MON#2, FRIL: bit n for the n-th of the month, bit 0 for the last */
};

/* Seconds, minutes, hours, days, months, weekdays, divided by blanks; or @yearly, @annually, @monthly, @weekly, @daily,
 * @midnight, @hourly.  A field: *, ?, 5, 1-5, MON-FRI, 0/15, lists of these, and for days what struct cron says. */
enum status cron_parse(const char *text, struct cron *cron, struct error *err) MUST_CHECK;

/* The first instant after now_us that all fields allow; WHEN_NONE when none comes within a hundred years. */
int64_t cron_next(const struct cron *cron, int64_t now_us);

#endif
