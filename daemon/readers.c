/* SPDX-License-Identifier: Apache-2.0
 * A pool of threads for reads and deployments, each with a connection of its own, so that a long report slows no
 * worker. */
#include "daemon/daemon.h"

#include "base/log.h"

struct read_job {
	void (*work)(struct reader *reader, void *argument);
	void *argument;
	struct read_job *next;
};

struct readers {
	const char *database;
	const struct settings *settings;
	struct arena *arena;
	pthread_mutex_t mutex;
	pthread_cond_t arrived;
	struct read_job *first, **last, *free;
	bool stop;
	int64_t count;
	pthread_t *threads;
};

/* Takes the next job; false at the end. */
static bool
next_job(struct readers *readers, struct read_job *job)
{
	struct read_job *taken;

	pthread_mutex_lock(&readers->mutex);
	while (readers->first == NULL && !readers->stop)
		pthread_cond_wait(&readers->arrived, &readers->mutex);
	taken = readers->first;
	if (taken != NULL) {
		*job = *taken;
		readers->first = taken->next;
		if (readers->first == NULL)
			readers->last = &readers->first;
		taken->next = readers->free;
		readers->free = taken;
	}
	pthread_mutex_unlock(&readers->mutex);
	return taken != NULL;
}

static void *
reader_main(void *argument)
{
	struct readers *readers = argument;
	struct reader *reader = NULL;
	struct read_job job;
	struct error err;
	char quoted[512];

	while (next_job(readers, &job)) {
		if (reader == NULL && reader_open(readers->database, readers->settings, &reader, &err) != OK) {
			log_event(LOG_WARN_LEVEL, "reader-not-connected", "error=%s", log_quote(err.message, quoted));
			reader = NULL;
		}
		job.work(reader, job.argument);
	}
	if (reader != NULL)
		reader_close(reader);
	return NULL;
}

struct readers *
readers_start(const char *database, const struct settings *settings)
{
	struct arena *arena = arena_new();
	struct readers *readers = ARENA_NEW(arena, struct readers);
	int64_t i;

	readers->database = database;
	readers->settings = settings;
	readers->arena = arena;
	readers->last = &readers->first;
	pthread_mutex_init(&readers->mutex, NULL);
	pthread_cond_init(&readers->arrived, NULL);
	readers->threads = ARENA_ARRAY(arena, pthread_t, (size_t)settings->readers);
	for (i = 0; i < settings->readers; i++)
		if (pthread_create(&readers->threads[readers->count], NULL, reader_main, readers) == 0)
			readers->count++;
	return readers;
}

void
readers_stop(struct readers *readers)
{
	int64_t i;

	pthread_mutex_lock(&readers->mutex);
	readers->stop = true;
	pthread_cond_broadcast(&readers->arrived);
	pthread_mutex_unlock(&readers->mutex);
	for (i = 0; i < readers->count; i++)
		pthread_join(readers->threads[i], NULL);
}

void
readers_free(struct readers *readers)
{
	pthread_cond_destroy(&readers->arrived);
	pthread_mutex_destroy(&readers->mutex);
	arena_free(readers->arena);
}

void
readers_run(struct readers *readers, void (*work)(struct reader *reader, void *argument), void *argument)
{
	struct read_job *job;

	pthread_mutex_lock(&readers->mutex);
	if (readers->stop) {
		pthread_mutex_unlock(&readers->mutex);
		work(NULL, argument);
		return;
	}
	job = readers->free;
	if (job != NULL)
		readers->free = job->next;
	else
		job = ARENA_NEW(readers->arena, struct read_job);
	*job = (struct read_job){.work = work, .argument = argument};
	*readers->last = job;
	readers->last = &job->next;
	pthread_cond_signal(&readers->arrived);
	pthread_mutex_unlock(&readers->mutex);
}
