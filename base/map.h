/* SPDX-License-Identifier: Apache-2.0
 * Hash maps with pointers as values; memory comes from an arena.  They are never iterated: order by hash
 * must not reach any output. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include "base/arena.h"

struct map {
	struct arena *arena;
	struct map_slot *slots;
	size_t used, capacity;
};

void map_init(struct map *map, struct arena *arena);
size_t map_count(const struct map *map);

/* By 64-bit id, 0 excluded.  put replaces; get gives NULL when absent; remove returns what was there. */
void map_put(struct map *map, int64_t id, void *value);
void *map_get(const struct map *map, int64_t id);
void *map_remove(struct map *map, int64_t id);

/* The same by text (borrowed, must outlive the entry). A map is used with ids or with texts, never both. */
void map_put_text(struct map *map, const char *key, void *value);
void *map_get_text(const struct map *map, const char *key);
void *map_remove_text(struct map *map, const char *key);

/* 64-bit FNV-1a with a final mix: the documented hash behind `part` too, so it never changes. */
uint64_t hash_text(const char *text);

#endif
