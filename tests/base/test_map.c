/* SPDX-License-Identifier: Apache-2.0
 * Maps by id and by text, against a plain array that knows better. */
#include "base/map.h"

#include <stdbool.h>

#include "tests/base/run.h"

START_TEST(nothing_in_it)
{
	struct arena *arena = arena_new();
	struct map map;

	map_init(&map, arena);
	ck_assert_uint_eq(map_count(&map), 0);
	ck_assert_ptr_null(map_get(&map, 1));
	ck_assert_ptr_null(map_get(&map, 0));
	ck_assert_ptr_null(map_remove(&map, 1));
	ck_assert_ptr_null(map_get_text(&map, ""));
	ck_assert_ptr_null(map_remove_text(&map, "x"));
	arena_free(arena);
}
END_TEST

START_TEST(put_replaces)
{
	struct arena *arena = arena_new();
	struct map map;
	int one, two;

	map_init(&map, arena);
	map_put(&map, -1, &one);
	map_put(&map, -1, &two);
	ck_assert_uint_eq(map_count(&map), 1);
	ck_assert_ptr_eq(map_get(&map, -1), &two);
	ck_assert_ptr_eq(map_remove(&map, -1), &two);
	ck_assert_ptr_null(map_get(&map, -1));
	ck_assert_uint_eq(map_count(&map), 0);
	arena_free(arena);
}
END_TEST

/* Steps of a generator stand for chance, the same on every run. */
static uint32_t
next(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* Ids that share their low bits, as those of a part do; removals in every place of a run. */
START_TEST(comes_and_goes)
{
	enum { IDS = 500, ROUNDS = 50000 };
	struct arena *arena = arena_new();
	int values[IDS] = { 0 };
	bool there[IDS] = { false };
	uint32_t state = 1;
	size_t count = 0;
	struct map map;

	map_init(&map, arena);
	for (int i = 0; i < ROUNDS; i++) {
		size_t n = next(&state) % IDS;
		int64_t id = (int64_t)(n + 1) << 33;

		if (next(&state) % 2) {
			map_put(&map, id, &values[n]);
			count += !there[n];
			there[n] = true;
		} else {
			ck_assert_ptr_eq(map_remove(&map, id), there[n] ? &values[n] : NULL);
			count -= there[n];
			there[n] = false;
		}
		ck_assert_uint_eq(map_count(&map), count);
		n = next(&state) % IDS;
		ck_assert_ptr_eq(map_get(&map, (int64_t)(n + 1) << 33), there[n] ? &values[n] : NULL);
	}
	arena_free(arena);
}
END_TEST

START_TEST(by_text)
{
	enum { TEXTS = 2000 };
	struct arena *arena = arena_new();
	const char *texts[TEXTS];
	struct map map;

	map_init(&map, arena);
	for (int i = 0; i < TEXTS; i++) {
		texts[i] = arena_printf(arena, "name-%d", i);
		map_put_text(&map, texts[i], &texts[i]);
	}
	map_put_text(&map, "", &map);
	ck_assert_uint_eq(map_count(&map), TEXTS + 1);
	for (int i = 0; i < TEXTS; i += 2)
		ck_assert_ptr_eq(map_remove_text(&map, arena_printf(arena, "name-%d", i)), &texts[i]);
	for (int i = 0; i < TEXTS; i++)
		ck_assert_ptr_eq(map_get_text(&map, arena_printf(arena, "name-%d", i)), i % 2 ? &texts[i] : NULL);
	ck_assert_ptr_eq(map_get_text(&map, ""), &map);
	ck_assert_ptr_null(map_get_text(&map, "name-"));
	arena_free(arena);
}
END_TEST

/* It is behind the part of a business key, so what is stored depends on it. */
START_TEST(the_hash_is_for_ever)
{
	ck_assert(hash_text("") == UINT64_C(0xefd01f60ba992926));
	ck_assert(hash_text("order 1") == UINT64_C(0xe0fa85a64063aa6b));
	ck_assert(hash_text("\xc3\xa4") != hash_text("a"));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { nothing_in_it, put_replaces, comes_and_goes, by_text, the_hash_is_for_ever,
		NULL };

	return run_suite("map", tests);
}
