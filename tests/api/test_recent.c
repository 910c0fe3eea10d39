/* SPDX-License-Identifier: Apache-2.0
 * What starts remember of definitions, and for how long. */
#include "api/recent.h"

#include <stdio.h>

#include "tests/api/unit.h"

enum { SECOND_US = 1000000 };

static struct recent *recent;

static int32_t
known(const char *path, int64_t now_us)
{
	struct found_definition found;

	return recent_find(recent, path, now_us, &found) ? found.id : 0;
}

static void
learn(int64_t ticket, const char *path, int64_t now_us, int32_t id)
{
	recent_learn(recent, ticket, path, now_us, &(struct found_definition){ .id = id });
}

START_TEST(for_a_second)
{
	recent = recent_new();
	ck_assert_int_eq(known("/a", 5), 0);
	learn(recent_ticket(recent), "/a", 5, 7);
	ck_assert_int_eq(known("/a", 5), 7);
	ck_assert_int_eq(known("/a", 5 + SECOND_US - 1), 7);
	ck_assert_int_eq(known("/a", 5 + SECOND_US), 0);
	ck_assert_int_eq(known("/b", 5), 0);
	learn(recent_ticket(recent), "/a", 5 + SECOND_US, 8);
	ck_assert_int_eq(known("/a", 6 + SECOND_US), 8);
	recent_free(recent);
}
END_TEST

START_TEST(until_definitions_change)
{
	int64_t before;

	recent = recent_new();
	before = recent_ticket(recent);
	learn(before, "/a", 5, 7);
	recent_forget(recent);
	ck_assert_int_eq(known("/a", 5), 0);
	/* the database was asked before the change, and answers late */
	learn(before, "/a", 5, 7);
	ck_assert_int_eq(known("/a", 5), 0);
	learn(recent_ticket(recent), "/a", 5, 8);
	ck_assert_int_eq(known("/a", 5), 8);
	recent_free(recent);
}
END_TEST

/* However many paths there are, memory has a limit, and what is known is right. */
START_TEST(many_paths)
{
	char path[32];

	recent = recent_new();
	for (int i = 1; i <= 5000; i++) {
		snprintf(path, sizeof path, "/%d", i);
		learn(recent_ticket(recent), path, 5, i);
		ck_assert_int_eq(known(path, 5), i);
	}
	ck_assert_int_eq(known("/1", 5), 0);
	recent_free(recent);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { for_a_second, until_definitions_change, many_paths, NULL };

	return run_units("recent", tests);
}
