/* SPDX-License-Identifier: Apache-2.0
 * The trees a lane has in memory, found by any id inside them, least recently used first out. */
#include "lane/lane_priv.h"

#include <assert.h>

#include "base/counters.h"

/* Garbage below this many bytes is not worth a copy. */
enum { COMPACT_FROM = 64 * 1024 };

/* Depth first, children in their order, by the links alone: a tree may be any number of levels deep. */
struct activity *
tree_walk(const struct tree *tree, struct activity *at)
{
	struct instance *instance;

	if (at == NULL)
		return tree->root != NULL ? &tree->root->activity : NULL;
	if (at->first != NULL)
		return at->first;
	while (at->next == NULL) {
		if (at->scope == NULL) {
			instance = at->instance->next;
			return instance != NULL ? &instance->activity : NULL;
		}
		at = at->scope;
	}
	return at->next;
}

struct cached *
cache_find(struct lane *lane, int64_t id)
{
	return map_get(&lane->index, id);
}

void
cache_index(struct lane *lane, struct cached *cached, int64_t id)
{
	map_put(&lane->index, id, cached);
}

void
cache_unindex(struct lane *lane, int64_t id)
{
	map_remove(&lane->index, id);
}

static void
unlink_cached(struct lane *lane, struct cached *cached)
{
	if (cached->newer != NULL)
		cached->newer->older = cached->older;
	else
		lane->newest = cached->older;
	if (cached->older != NULL)
		cached->older->newer = cached->newer;
	else
		lane->oldest = cached->newer;
	cached->newer = cached->older = NULL;
}

static void
link_newest(struct lane *lane, struct cached *cached)
{
	cached->older = lane->newest;
	if (lane->newest != NULL)
		lane->newest->newer = cached;
	else
		lane->oldest = cached;
	lane->newest = cached;
}

/* Counts what the tree takes now. */
static void
recount(struct lane *lane, struct cached *cached)
{
	size_t bytes = arena_used(cached->tree->arena);

	lane->cache_used += bytes;
	lane->cache_used -= cached->bytes;
	cached->bytes = bytes;
}

void
cache_touch(struct lane *lane, struct cached *cached)
{
	cached->used = lane->step;
	if (lane->newest != cached) {
		unlink_cached(lane, cached);
		link_newest(lane, cached);
	}
	recount(lane, cached);
}

struct cached *
cache_add(struct lane *lane, struct tree *tree)
{
	struct cached *cached = lane->free_cached;
	struct activity *activity;
	const struct job *job;

	if (cached != NULL)
		lane->free_cached = cached->next_free;
	else
		cached = ARENA_NEW(lane->arena, struct cached);
	*cached = (struct cached){.tree = tree, .used = lane->step};
	tree->owner_data = cached;
	link_newest(lane, cached);
	recount(lane, cached);
	for (activity = tree_walk(tree, NULL); activity != NULL; activity = tree_walk(tree, activity)) {
		cache_index(lane, cached, activity->id);
		for (job = activity->jobs; job != NULL; job = job->next)
			cache_index(lane, cached, job->id);
	}
	return cached;
}

void
cache_forget(struct lane *lane, struct cached *cached)
{
	struct activity *activity;
	const struct job *job;

	for (activity = tree_walk(cached->tree, NULL); activity != NULL;
	     activity = tree_walk(cached->tree, activity)) {
		cache_unindex(lane, activity->id);
		for (job = activity->jobs; job != NULL; job = job->next)
			cache_unindex(lane, job->id);
	}
	lane->cache_used -= cached->bytes;
	unlink_cached(lane, cached);
	tree_free(cached->tree);
	cached->tree = NULL;
	cached->next_free = lane->free_cached;
	lane->free_cached = cached;
}

/* A long-lived tree gathers garbage in its arena with every step: copy it out when more than half is. */
static void
compact(struct lane *lane, struct cached *cached)
{
	struct tree *copy;

	if (cached->bytes < COMPACT_FROM + 2 * cached->tree->live_bytes)
		return;
	if (cached->pins > 0) {
		/* a tree that is always in use would never be copied */
		if (cached->bytes > 2 * COMPACT_FROM + 4 * cached->tree->live_bytes)
			lane->crowded = true;
		return;
	}
	copy = tree_copy(cached->tree);
	copy->owner_data = cached;
	tree_free(cached->tree);
	cached->tree = copy;
	recount(lane, cached);
}

void
cache_trim(struct lane *lane)
{
	struct cached *cached;

	if (lane->flying == NULL)
		lane->crowded = false;
	for (cached = lane->newest; cached != NULL && cached->used == lane->step; cached = cached->older)
		compact(lane, cached);
	while (lane->oldest != NULL && lane->oldest->pins == 0 && lane->cache_used > lane->config.cache_bytes) {
		cache_forget(lane, lane->oldest);
		counter_add(COUNT_trees_evicted, 1);
	}
	counter_set(COUNT_cache_bytes, (int64_t)lane->cache_used);
}

void
cache_clear(struct lane *lane)
{
	while (lane->oldest != NULL)
		cache_forget(lane, lane->oldest);
	assert(map_count(&lane->index) == 0);
}
