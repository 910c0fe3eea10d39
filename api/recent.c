/* SPDX-License-Identifier: Apache-2.0
 * A map that is thrown away whole: when definitions change, and when it has become large. */
#include "api/recent.h"

#include <pthread.h>

#include "base/map.h"

enum { KEPT_US = 1000000, MOST_PATHS = 1000 };

struct known {
	struct found_definition found;
	int64_t asked_us;
};

struct recent {
	struct arena *forever;
	pthread_mutex_t mutex;		/* what follows */
	struct arena *arena;		/* of the map */
	struct map by_path;
	int64_t changes;
};

static void
clear(struct recent *recent)
{
	arena_reset(recent->arena);
	map_init(&recent->by_path, recent->arena);
}

struct recent *
recent_new(void)
{
	struct arena *forever = arena_new();
	struct recent *recent = ARENA_NEW(forever, struct recent);

	recent->forever = forever;
	recent->arena = arena_new();
	pthread_mutex_init(&recent->mutex, NULL);
	clear(recent);
	return recent;
}

void
recent_free(struct recent *recent)
{
	pthread_mutex_destroy(&recent->mutex);
	arena_free(recent->arena);
	arena_free(recent->forever);
}

bool
recent_find(struct recent *recent, const char *path, int64_t now_us, struct found_definition *found)
{
	const struct known *known;
	bool fresh;

	pthread_mutex_lock(&recent->mutex);
	known = map_get_text(&recent->by_path, path);
	fresh = known != NULL && now_us - known->asked_us < KEPT_US;
	if (fresh)
		*found = known->found;
	pthread_mutex_unlock(&recent->mutex);
	return fresh;
}

int64_t
recent_ticket(struct recent *recent)
{
	int64_t changes;

	pthread_mutex_lock(&recent->mutex);
	changes = recent->changes;
	pthread_mutex_unlock(&recent->mutex);
	return changes;
}

void
recent_learn(struct recent *recent, int64_t ticket, const char *path, int64_t now_us,
	const struct found_definition *found)
{
	struct known *known;

	pthread_mutex_lock(&recent->mutex);
	if (ticket == recent->changes) {
		if (map_count(&recent->by_path) >= MOST_PATHS)
			clear(recent);
		known = map_get_text(&recent->by_path, path);
		if (known == NULL) {
			known = ARENA_NEW(recent->arena, struct known);
			map_put_text(&recent->by_path, arena_strdup(recent->arena, path), known);
		}
		*known = (struct known){.found = *found, .asked_us = now_us};
	}
	pthread_mutex_unlock(&recent->mutex);
}

void
recent_forget(struct recent *recent)
{
	pthread_mutex_lock(&recent->mutex);
	recent->changes++;
	clear(recent);
	pthread_mutex_unlock(&recent->mutex);
}
