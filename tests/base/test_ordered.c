/* SPDX-License-Identifier: Apache-2.0
 * The ordered set, against a sorted array. */
#include "base/heap.h"

#include <stdlib.h>

#include "tests/base/run.h"

static struct order
order_of(int64_t first, int64_t second, int64_t id)
{
	return (struct order){ .first = first, .second = second, .id = id };
}

static void
expect_first(const struct ordered *set, int64_t id)
{
	struct order order;

	ck_assert(ordered_first(set, &order));
	ck_assert_int_eq(order.id, id);
}

START_TEST(in_order)
{
	struct ordered *set = ordered_new();
	struct order order;

	ck_assert(!ordered_first(set, &order));
	ck_assert(!ordered_last(set, &order));
	ck_assert(ordered_add(set, order_of(2, 0, 1)));
	ck_assert(ordered_add(set, order_of(1, 5, 2)));
	ck_assert(ordered_add(set, order_of(1, 4, 9)));
	ck_assert(ordered_add(set, order_of(1, 4, 3)));
	ck_assert(!ordered_add(set, order_of(1, 4, 3)));
	ck_assert_uint_eq(ordered_count(set), 4);
	expect_first(set, 3);
	ck_assert(ordered_remove(set, order_of(1, 4, 3)));
	ck_assert(!ordered_remove(set, order_of(1, 4, 3)));
	expect_first(set, 9);
	ck_assert(ordered_next(set, order_of(1, 4, 9), &order));
	ck_assert_int_eq(order.id, 2);
	ck_assert(ordered_next(set, order_of(1, 6, 0), &order));	/* not in it itself */
	ck_assert_int_eq(order.id, 1);
	ck_assert(!ordered_next(set, order_of(2, 0, 1), &order));
	ck_assert(ordered_next(set, order_of(INT64_MIN, INT64_MIN, INT64_MIN), &order));
	ck_assert_int_eq(order.id, 9);
	ck_assert(ordered_last(set, &order));
	ck_assert_int_eq(order.id, 1);
	ordered_free(set);
}
END_TEST

START_TEST(the_ends_of_the_range)
{
	struct ordered *set = ordered_new();
	struct order order;

	ck_assert(ordered_add(set, order_of(INT64_MAX, INT64_MAX, INT64_MAX)));
	ck_assert(ordered_add(set, order_of(INT64_MIN, INT64_MIN, INT64_MIN)));
	ck_assert(ordered_first(set, &order));
	ck_assert_int_eq(order.first, INT64_MIN);
	ck_assert(ordered_next(set, order, &order));
	ck_assert_int_eq(order.first, INT64_MAX);
	ck_assert(!ordered_next(set, order, &order));
	ordered_free(set);
}
END_TEST

static int
compare(const void *left, const void *right)
{
	const int64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* Half of it is taken out again; what is left comes in order, however it went in. */
START_TEST(many)
{
	enum { COUNT = 20000 };
	struct ordered *set = ordered_new();
	int64_t *numbers = calloc(COUNT, sizeof *numbers);
	struct order order;
	uint32_t state = 7;
	size_t kept = 0;

	for (int i = 0; i < COUNT; i++) {
		state = state * 1664525u + 1013904223u;
		numbers[i] = (int64_t)(state >> 4) * COUNT + i;
		ck_assert(ordered_add(set, order_of(numbers[i], 0, 1)));
	}
	for (int i = 0; i < COUNT; i++)
		if (i % 2)
			ck_assert(ordered_remove(set, order_of(numbers[i], 0, 1)));
		else
			numbers[kept++] = numbers[i];
	qsort(numbers, kept, sizeof *numbers, compare);
	ck_assert_uint_eq(ordered_count(set), kept);
	for (size_t i = 0; i < kept; i++) {
		ck_assert(i == 0 ? ordered_first(set, &order) : ordered_next(set, order, &order));
		ck_assert_int_eq(order.first, numbers[i]);
	}
	ck_assert(!ordered_next(set, order, &order));
	free(numbers);
	ordered_free(set);
}
END_TEST

/* Ascending, as time makes them: no deep tree, no recursion. */
START_TEST(clear)
{
	enum { COUNT = 300000 };
	struct ordered *set = ordered_new();
	struct order order;

	for (int i = 0; i < COUNT; i++)
		ck_assert(ordered_add(set, order_of(i, 0, i)));
	ck_assert_uint_eq(ordered_count(set), COUNT);
	ordered_clear(set);
	ck_assert_uint_eq(ordered_count(set), 0);
	ck_assert(!ordered_first(set, &order));
	ck_assert(ordered_add(set, order_of(1, 1, 1)));
	expect_first(set, 1);
	ordered_free(set);
	ordered_free(NULL);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { in_order, the_ends_of_the_range, many, clear, NULL };

	return run_suite("ordered", tests);
}
