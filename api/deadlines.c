/* SPDX-License-Identifier: Apache-2.0
 * A thread that looks at all connections once a second and shuts down those that are too slow. */
#include "api/deadlines.h"

#include <linux/tcp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <time.h>

#include "base/arena.h"

enum { SWEEP_MS = 500, SECOND_MS = 1000 };

struct watched {
	int socket;
	enum phase phase;
	int64_t since_ms;		/* when the phase began */
	uint64_t bytes;			/* idle: received, sending: taken by the client; at the last look that counts */
	bool looked;
	struct watched *next, *prev;	/* of all connections; next alone: of free ones */
};

struct deadlines {
	struct arena *arena;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;		/* a first connection has come; stop */
	int64_t limit_ms[PHASE_COUNT];		/* 0: none */
	struct watched *first, *free;
	bool stop;
};

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool
ask_kernel(const struct watched *watched, struct tcp_info *info)
{
	socklen_t length = sizeof *info;

	return getsockopt(watched->socket, IPPROTO_TCP, TCP_INFO, info, &length) == 0 &&
		length >= offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info->tcpi_bytes_received;
}

/* An idle connection over which something comes is in the head of its next request; libmicrohttpd tells that only when
 * the first line is complete, the kernel counts the bytes. */
static void
look_for_head(struct watched *watched, int64_t now)
{
	struct tcp_info info = {0};

	if (!ask_kernel(watched, &info))
		return;
	if (watched->looked && info.tcpi_bytes_received != watched->bytes) {
		watched->phase = PHASE_head;
		watched->since_ms = now;
	}
	watched->bytes = info.tcpi_bytes_received;
	watched->looked = true;
}

/* A client that takes its reply fast enough gets the whole time again: a reply may be as long as it likes. */
static void
look_at_reader(struct watched *watched, int64_t now, int64_t limit)
{
	struct tcp_info info = {0};

	if (!ask_kernel(watched, &info))
		return;
	if (!watched->looked)
		watched->bytes = info.tcpi_bytes_acked;
	watched->looked = true;
	if (info.tcpi_bytes_acked - watched->bytes >= (uint64_t)(limit / SECOND_MS) * DEADLINES_READER_RATE) {
		watched->bytes = info.tcpi_bytes_acked;
		watched->since_ms = now;
	}
}

/* Ends what is late.  The socket stays open until its owner has forgotten it here, so no other one is hit. */
static void
sweep(struct deadlines *deadlines)
{
	struct watched *watched;
	int64_t now = now_ms(), limit;

	for (watched = deadlines->first; watched != NULL; watched = watched->next) {
		if (watched->phase == PHASE_idle)
			look_for_head(watched, now);
		limit = deadlines->limit_ms[watched->phase];
		if (watched->phase == PHASE_sending)
			look_at_reader(watched, now, limit);
		if (limit > 0 && now - watched->since_ms >= limit)
			shutdown(watched->socket, SHUT_RDWR);
	}
}

static void *
deadlines_main(void *argument)
{
	struct deadlines *deadlines = argument;
	struct timespec until;
	int64_t wake;

	pthread_mutex_lock(&deadlines->mutex);
	while (!deadlines->stop) {
		if (deadlines->first == NULL) {
			pthread_cond_wait(&deadlines->changed, &deadlines->mutex);
			continue;
		}
		wake = now_ms() + SWEEP_MS;
		until = (struct timespec){.tv_sec = wake / 1000, .tv_nsec = wake % 1000 * 1000000};
		while (!deadlines->stop && now_ms() < wake)
			pthread_cond_timedwait(&deadlines->changed, &deadlines->mutex, &until);
		sweep(deadlines);
	}
	pthread_mutex_unlock(&deadlines->mutex);
	return NULL;
}

enum status
deadlines_start(int64_t head_seconds, int64_t body_seconds, struct deadlines **started, struct error *err)
{
	struct arena *arena = arena_new();
	struct deadlines *deadlines = ARENA_NEW(arena, struct deadlines);
	pthread_condattr_t monotonic;

	deadlines->arena = arena;
	deadlines->limit_ms[PHASE_head] = head_seconds * SECOND_MS;
	deadlines->limit_ms[PHASE_body] = body_seconds * SECOND_MS;
	deadlines->limit_ms[PHASE_sending] = body_seconds * SECOND_MS;
	pthread_mutex_init(&deadlines->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&deadlines->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&deadlines->thread, NULL, deadlines_main, deadlines) != 0) {
		arena_free(arena);
		return FAIL(err, internal, "cannot start the thread of the deadlines");
	}
	*started = deadlines;
	return OK;
}

void
deadlines_stop(struct deadlines *deadlines)
{
	pthread_mutex_lock(&deadlines->mutex);
	deadlines->stop = true;
	pthread_cond_signal(&deadlines->changed);
	pthread_mutex_unlock(&deadlines->mutex);
	pthread_join(deadlines->thread, NULL);
	pthread_cond_destroy(&deadlines->changed);
	pthread_mutex_destroy(&deadlines->mutex);
	arena_free(deadlines->arena);
}

struct watched *
deadlines_watch(struct deadlines *deadlines, int socket)
{
	struct watched *watched;

	pthread_mutex_lock(&deadlines->mutex);
	watched = deadlines->free;
	if (watched != NULL)
		deadlines->free = watched->next;
	else
		watched = ARENA_NEW(deadlines->arena, struct watched);
	*watched = (struct watched){.socket = socket, .since_ms = now_ms(), .next = deadlines->first};
	if (deadlines->first != NULL)
		deadlines->first->prev = watched;
	else
		pthread_cond_signal(&deadlines->changed);
	deadlines->first = watched;
	pthread_mutex_unlock(&deadlines->mutex);
	return watched;
}

void
deadlines_enter(struct deadlines *deadlines, struct watched *watched, enum phase phase)
{
	pthread_mutex_lock(&deadlines->mutex);
	if (watched->phase != phase)
		watched->since_ms = now_ms();
	watched->phase = phase;
	watched->looked = false;
	pthread_mutex_unlock(&deadlines->mutex);
}

void
deadlines_forget(struct deadlines *deadlines, struct watched *watched)
{
	pthread_mutex_lock(&deadlines->mutex);
	if (watched->prev != NULL)
		watched->prev->next = watched->next;
	else
		deadlines->first = watched->next;
	if (watched->next != NULL)
		watched->next->prev = watched->prev;
	watched->next = deadlines->free;
	deadlines->free = watched;
	pthread_mutex_unlock(&deadlines->mutex);
}
