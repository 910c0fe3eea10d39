/* SPDX-License-Identifier: Apache-2.0
 * A pool of threads for reads and deployments, each with a connection of its own, so that a long report slows no
 * worker.  One of them takes no reports: who starts an instance or asks for one waits for no list. */
#include "daemon/daemon.h"

#include "base/log.h"

struct read_job {
	void (*work)(struct reader *reader, void *argument);
	void *argument;
	struct read_job *next;
};

struct job_queue {
	struct read_job *first, **last;
};

struct readers {
	const char *database;
	const struct settings *settings;
	struct arena *arena;
	pthread_mutex_t mutex;
	pthread_cond_t arrived, brief_arrived;	/* the latter for the thread that takes no reports */
	struct job_queue brief, reports;
	struct read_job *free;
	bool stop, brief_thread_waits;
	int64_t count;
	pthread_t *threads;
};

static struct read_job *
take(struct job_queue *queue)
{
	struct read_job *taken = queue->first;

	if (taken == NULL)
		return NULL;
	queue->first = taken->next;
	if (queue->first == NULL)
		queue->last = &queue->first;
	return taken;
}

/* Takes the next job; false at the end. */
static bool
next_job(struct readers *readers, bool brief_only, struct read_job *job)
{
	struct read_job *taken;

	pthread_mutex_lock(&readers->mutex);
	for (;;) {
		taken = take(&readers->brief);
		if (taken == NULL && !brief_only)
			taken = take(&readers->reports);
		if (taken != NULL || readers->stop)
			break;
		readers->brief_thread_waits = readers->brief_thread_waits || brief_only;
		pthread_cond_wait(brief_only ? &readers->brief_arrived : &readers->arrived, &readers->mutex);
	}
	if (taken != NULL) {
		*job = *taken;
		taken->next = readers->free;
		readers->free = taken;
	}
	pthread_mutex_unlock(&readers->mutex);
	return taken != NULL;
}

static void
read_all(struct readers *readers, bool brief_only)
{
	struct reader *reader = NULL;
	struct read_job job;
	struct error err;
	char quoted[512];

	while (next_job(readers, brief_only, &job)) {
		if (reader == NULL && reader_open(readers->database, readers->settings, &reader, &err) != OK) {
			log_event(LOG_WARN_LEVEL, "reader-not-connected", "error=%s", log_quote(err.message, quoted));
			reader = NULL;
		}
		job.work(reader, job.argument);
	}
	if (reader != NULL)
		reader_close(reader);
}

static void *
reader_main(void *argument)
{
	read_all(argument, false);
	return NULL;
}

static void *
brief_reader_main(void *argument)
{
	read_all(argument, true);
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
	readers->brief.last = &readers->brief.first;
	readers->reports.last = &readers->reports.first;
	pthread_mutex_init(&readers->mutex, NULL);
	pthread_cond_init(&readers->arrived, NULL);
	pthread_cond_init(&readers->brief_arrived, NULL);
	readers->threads = ARENA_ARRAY(arena, pthread_t, (size_t)settings->readers);
	for (i = 0; i < settings->readers; i++) {
		bool brief_only = settings->readers > 1 && readers->count == 0;
		void *(*begin)(void *) = brief_only ? brief_reader_main : reader_main;

		if (pthread_create(&readers->threads[readers->count], NULL, begin, readers) == 0)
			readers->count++;
	}
	return readers;
}

void
readers_stop(struct readers *readers)
{
	int64_t i;

	pthread_mutex_lock(&readers->mutex);
	readers->stop = true;
	pthread_cond_broadcast(&readers->arrived);
	pthread_cond_broadcast(&readers->brief_arrived);
	pthread_mutex_unlock(&readers->mutex);
	for (i = 0; i < readers->count; i++)
		pthread_join(readers->threads[i], NULL);
}

void
readers_free(struct readers *readers)
{
	pthread_cond_destroy(&readers->arrived);
	pthread_cond_destroy(&readers->brief_arrived);
	pthread_mutex_destroy(&readers->mutex);
	arena_free(readers->arena);
}

void
readers_run(struct readers *readers, bool is_long, void (*work)(struct reader *reader, void *argument), void *argument)
{
	struct job_queue *queue = is_long ? &readers->reports : &readers->brief;
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
	*queue->last = job;
	queue->last = &job->next;
	pthread_cond_signal(!is_long && readers->brief_thread_waits ? &readers->brief_arrived : &readers->arrived);
	if (!is_long)
		readers->brief_thread_waits = false;
	pthread_mutex_unlock(&readers->mutex);
}
