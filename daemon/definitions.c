/* SPDX-License-Identifier: Apache-2.0
 * The cache of compiled definitions: the one mutable thing that all threads share.  Entries are immutable and stay as
 * long as the daemon runs, so that nobody needs to count who looks at a program. */
#include "daemon/daemon.h"

#include "base/log.h"
#include "bpmn/bpmn.h"

struct definition_cache {
	struct arena *arena;
	const char *database;
	const struct settings *settings;
	pthread_rwlock_t lock;		/* map */
	struct map by_id;
	pthread_mutex_t loading;	/* reader; taken before lock */
	struct reader *reader;
	struct definitions face;
};

static const struct definition *
find(struct definition_cache *cache, int32_t id)
{
	const struct definition *definition;

	pthread_rwlock_rdlock(&cache->lock);
	definition = map_get(&cache->by_id, id);
	pthread_rwlock_unlock(&cache->lock);
	return definition;
}

/* Reads the definition and compiles its diagram into an arena that is never freed. */
static enum status
load(struct definition_cache *cache, int32_t id, struct definition **loaded, struct error *err)
{
	struct arena *arena = arena_new();
	struct stored_definition stored;
	struct diagram diagram;
	struct definition *definition;
	enum status status = OK;

	if (cache->reader == NULL)
		status = reader_open(cache->database, cache->settings, &cache->reader, err);
	if (status == OK)
		status = store_definition(cache->reader, arena, id, &stored, err);
	if (status == OK)
		status = bpmn_compile(arena, stored.resource, stored.xml, stored.length, &diagram, err);
	if (status == OK && (size_t)stored.process_index >= diagram.program_count)
		status = FAIL(err, internal, "definition %d is not in its diagram", (int)id);
	if (status != OK) {
		arena_free(arena);
		return status;
	}
	definition = ARENA_NEW(arena, struct definition);
	*definition = stored.definition;
	definition->program = diagram.programs[stored.process_index];
	*loaded = definition;
	return OK;
}

static const struct definition *
get(void *context, int32_t id)
{
	struct definition_cache *cache = context;
	const struct definition *definition = find(cache, id);
	struct definition *loaded = NULL;
	struct error err;
	char quoted[512];

	if (definition != NULL)
		return definition;
	pthread_mutex_lock(&cache->loading);
	definition = find(cache, id);
	if (definition == NULL) {
		if (load(cache, id, &loaded, &err) == OK) {
			pthread_rwlock_wrlock(&cache->lock);
			map_put(&cache->by_id, id, loaded);
			pthread_rwlock_unlock(&cache->lock);
		} else {
			log_event(LOG_ERROR_LEVEL, "definition-not-loaded", "definition=%d error=%s", (int)id,
				log_quote(err.message, quoted));
		}
		definition = loaded;
	}
	pthread_mutex_unlock(&cache->loading);
	return definition;
}

struct definition_cache *
definition_cache_new(const char *database, const struct settings *settings)
{
	struct arena *arena = arena_new();
	struct definition_cache *cache = ARENA_NEW(arena, struct definition_cache);

	cache->arena = arena;
	cache->database = database;
	cache->settings = settings;
	cache->face = (struct definitions){.get = get, .context = cache};
	map_init(&cache->by_id, arena);
	pthread_rwlock_init(&cache->lock, NULL);
	pthread_mutex_init(&cache->loading, NULL);
	return cache;
}

void
definition_cache_free(struct definition_cache *cache)
{
	if (cache->reader != NULL)
		reader_close(cache->reader);
	pthread_mutex_destroy(&cache->loading);
	pthread_rwlock_destroy(&cache->lock);
	arena_free(cache->arena);
}

const struct definitions *
definition_cache_face(struct definition_cache *cache)
{
	return &cache->face;
}
