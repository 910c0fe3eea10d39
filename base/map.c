/* SPDX-License-Identifier: Apache-2.0
 * Open addressing with linear probing; a removal moves later entries back, so there are no gravestones. */
#include "base/map.h"

#include <assert.h>
#include <string.h>

/* A key of 0 marks a free slot. */
struct map_slot {
	uint64_t key;		/* the id, or the hash of text */
	const char *text;	/* NULL in a map of ids */
	void *value;
};

/* Spreads the bits of a key: ids are dense and often differ only in few bits. */
static uint64_t
mix(uint64_t x)
{
	x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
	x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
	return x ^ x >> 33;
}

uint64_t
hash_text(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (const unsigned char *at = (const unsigned char *)text; *at; at++)
		hash = (hash ^ *at) * 0x100000001b3u;
	return mix(hash);
}

void
map_init(struct map *map, struct arena *arena)
{
	*map = (struct map){ .arena = arena };
}

size_t
map_count(const struct map *map)
{
	return map->used;
}

static uint64_t
text_key(const char *text)
{
	uint64_t hash = hash_text(text);

	return hash ? hash : 1;
}

/* Index of the slot with the key, or of the free one where it would go. */
static size_t
find(const struct map *map, uint64_t key, const char *text)
{
	size_t mask = map->capacity - 1;
	size_t at = mix(key) & mask;

	for (;; at = (at + 1) & mask) {
		const struct map_slot *slot = &map->slots[at];

		if (!slot->key)
			return at;
		if (slot->key == key && (!text || strcmp(slot->text, text) == 0))
			return at;
	}
}

/* Doubles the table. */
static void
grow(struct map *map)
{
	struct map old = *map;

	map->capacity = old.capacity ? old.capacity * 2 : 8;
	map->slots = ARENA_ARRAY(map->arena, struct map_slot, map->capacity);
	for (size_t i = 0; i < old.capacity; i++) {
		const struct map_slot *slot = &old.slots[i];

		if (slot->key)
			map->slots[find(map, slot->key, slot->text)] = *slot;
	}
}

static void
put(struct map *map, uint64_t key, const char *text, void *value)
{
	struct map_slot *slot;

	if (map->used * 4 >= map->capacity * 3)
		grow(map);
	slot = &map->slots[find(map, key, text)];
	map->used += !slot->key;
	*slot = (struct map_slot){ .key = key, .text = text, .value = value };
}

static void *
get(const struct map *map, uint64_t key, const char *text)
{
	return map->capacity ? map->slots[find(map, key, text)].value : NULL;
}

/* Fills the hole with the next entry of the run that may stand there, until the run ends. */
static void
close_hole(struct map *map, size_t hole)
{
	size_t mask = map->capacity - 1;

	for (size_t at = (hole + 1) & mask; map->slots[at].key; at = (at + 1) & mask) {
		size_t home = mix(map->slots[at].key) & mask;

		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		map->slots[hole] = map->slots[at];
		hole = at;
	}
	map->slots[hole] = (struct map_slot){ 0 };
}

static void *
take_out(struct map *map, uint64_t key, const char *text)
{
	size_t at;
	void *value;

	if (!map->capacity)
		return NULL;
	at = find(map, key, text);
	if (!map->slots[at].key)
		return NULL;
	value = map->slots[at].value;
	close_hole(map, at);
	map->used--;
	return value;
}

void
map_put(struct map *map, int64_t id, void *value)
{
	assert(id);
	put(map, (uint64_t)id, NULL, value);
}

void *
map_get(const struct map *map, int64_t id)
{
	size_t mask = map->capacity - 1;
	const struct map_slot *slot;

	if (!id || !map->capacity)
		return NULL;
	/* the same as get(), but for the text, which a map of ids has not: this is what the engine does most */
	for (size_t at = mix((uint64_t)id) & mask;; at = (at + 1) & mask) {
		slot = &map->slots[at];
		if (slot->key == (uint64_t)id || !slot->key)
			return slot->value;
	}
}

void *
map_remove(struct map *map, int64_t id)
{
	return id ? take_out(map, (uint64_t)id, NULL) : NULL;
}

void
map_put_text(struct map *map, const char *key, void *value)
{
	put(map, text_key(key), key, value);
}

void *
map_get_text(const struct map *map, const char *key)
{
	return get(map, text_key(key), key);
}

void *
map_remove_text(struct map *map, const char *key)
{
	return take_out(map, text_key(key), key);
}
