/* SPDX-License-Identifier: Apache-2.0
 * An ordered set of (key, id) for timers and queues: a pairing of a 64-bit key with an id, smallest first,
 * removal by content.  malloc-backed, grows and shrinks. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

/* Sorted by first, then second, then id. */
struct order {
	int64_t first, second, id;
};

struct ordered;		/* a set of struct order, O(log n) everywhere */

struct ordered *ordered_new(void);
void ordered_free(struct ordered *set);
void ordered_clear(struct ordered *set);
size_t ordered_count(const struct ordered *set);
bool ordered_add(struct ordered *set, struct order order);	/* false: it was there */
bool ordered_remove(struct ordered *set, struct order order);	/* false: it was not */
bool ordered_first(const struct ordered *set, struct order *order);
bool ordered_last(const struct ordered *set, struct order *order);
/* The next one after `after`, which need not be in the set. */
bool ordered_next(const struct ordered *set, struct order after, struct order *order);

#endif
