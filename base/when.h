/* SPDX-License-Identifier: Apache-2.0
 * Instants, durations and cycles (ISO 8601), always in microseconds since 1970 UTC (suffix _us). */
#ifndef BASE_WHEN_H
#define BASE_WHEN_H

#include "base/error.h"

#define WHEN_NONE INT64_MIN
#define WHEN_FIRST ((int64_t)-62135596800000000)	/* 0001-01-01T00:00:00.000000 */
#define WHEN_LAST ((int64_t)253402300799999999)		/* 9999-12-31T23:59:59.999999 */
enum { WHEN_TEXT = 40 };

/* An instant by the calendar, in UTC. */
struct when_parts {
	int64_t year;
	int month, day;		/* from 1 */
	int hour, minute, second, us;
};
void when_split(int64_t us, struct when_parts *parts);
int64_t when_join(const struct when_parts *parts);
int when_month_days(int64_t year, int month);

/* yyyy-MM-ddTHH:mm:ss.SSS+0000, the only form Camunda's REST prints; truncates to milliseconds. */
const char *when_print(int64_t us, char out[WHEN_TEXT]);

/* The same form, strictly: exactly three fraction digits and a numeric zone without colon. */
enum status when_parse_strict(const char *text, int64_t *us, struct error *err) MUST_CHECK;

/* An ISO 8601 date or date-time as timeDate and dueDate take it (Joda): date alone, optional seconds and
 * fraction, Z, +hh, +hhmm or +hh:mm; without a zone it is UTC. */
enum status when_parse(const char *text, int64_t *us, struct error *err) MUST_CHECK;

/* PnYnMnDTnHnMnS or PnW; a part may be fractional only for seconds. */
struct period {
	int64_t months;		/* years * 12 + months */
	int64_t days;		/* weeks * 7 + days */
	int64_t us;
};
enum status period_parse(const char *text, struct period *period, struct error *err) MUST_CHECK;

/* from + times * period by the calendar (a month keeps the day where it can); stops at WHEN_FIRST and
 * WHEN_LAST. */
int64_t period_add(int64_t from_us, const struct period *period, int64_t times);

/* Rn/P, R/P, Rn/start/P, Rn/P/end.  The period is not zero. */
struct cycle {
	int64_t repeats;	/* -1: endless */
	int64_t start_us;	/* or WHEN_NONE */
	int64_t end_us;		/* or WHEN_NONE */
	struct period period;
};
enum { CYCLE_TEXT = 256 };	/* bytes of its text at most, the end included */
enum status cycle_parse(const char *text, struct cycle *cycle, struct error *err) MUST_CHECK;

/* The first start + k * period (k >= 0) after now_us (semantics.md 2.9: late execution skips occurrences and
 * they count); *index is that k.  Without a start it is now_us, or with an end the occurrences count back from there;
 * *index is 0 then.  WHEN_NONE when nothing comes any more.  Does not look at repeats, but to count back. */
int64_t cycle_next(const struct cycle *cycle, int64_t now_us, int64_t *index);

#endif
