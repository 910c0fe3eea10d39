/* SPDX-License-Identifier: Apache-2.0
 * One pass of the loop: wait, resume who has a reply, run libmicrohttpd once (reads, handlers, writes). */
#include "api/loop.h"

#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/wake.h"

struct loop {
	struct arena *arena;
	struct MHD_Daemon *daemon;
	const struct backend *backend;
	pthread_t thread;		/* for whoever ends it */
	bool started;
	pthread_t self;			/* the same, as the thread itself knows it before its first request */
	int events;			/* libmicrohttpd's epoll */
	int wake;			/* base/wake.h */
	pthread_mutex_t mutex;		/* what follows */
	pthread_cond_t changed;		/* quiet */
	struct exchange *replied;	/* to be resumed, newest first */
	bool asleep;			/* or about to: needs a word through wake */
	bool quiesce, quiet, stop;
};

bool
loop_is_here(const struct loop *loop)
{
	return pthread_equal(pthread_self(), loop->self) != 0;
}

/* Under the mutex. */
static void
wake(struct loop *loop)
{
	if (!loop->asleep)
		return;
	loop->asleep = false;
	wake_say(loop->wake);
}

void
loop_resume(struct loop *loop, struct exchange *exchange)
{
	pthread_mutex_lock(&loop->mutex);
	exchange->next_replied = loop->replied;
	loop->replied = exchange;
	wake(loop);
	pthread_mutex_unlock(&loop->mutex);
}

/* How long libmicrohttpd may be left alone. */
static int
patience(struct loop *loop)
{
	MHD_UNSIGNED_LONG_LONG milliseconds;

	if (MHD_get_timeout(loop->daemon, &milliseconds) != MHD_YES)
		return -1;
	return milliseconds < INT_MAX ? (int)milliseconds : INT_MAX;
}

static void
wait_for_events(struct loop *loop)
{
	struct pollfd fds[] = {{.fd = loop->events, .events = POLLIN}, {.fd = loop->wake, .events = POLLIN}};
	int milliseconds = patience(loop);

	pthread_mutex_lock(&loop->mutex);
	loop->asleep = loop->replied == NULL && !loop->stop && loop->quiesce == loop->quiet;
	if (!loop->asleep)
		milliseconds = 0;
	pthread_mutex_unlock(&loop->mutex);
	poll(fds, 2, milliseconds);
	if (fds[1].revents != 0)
		wake_hear(loop->wake);
}

/* A listening socket that nobody accepts from refuses, as one that is closed does. */
static void
be_quiet(struct loop *loop)
{
	int listening = MHD_quiesce_daemon(loop->daemon);

	if (listening >= 0) {
		shutdown(listening, SHUT_RDWR);
		close(listening);
	}
	pthread_mutex_lock(&loop->mutex);
	loop->quiet = true;
	pthread_cond_signal(&loop->changed);
	pthread_mutex_unlock(&loop->mutex);
}

/* Who has got a reply meanwhile goes on; says whether the loop does. */
static bool
take_news(struct loop *loop)
{
	struct exchange *exchange, *next;
	bool quiesce, stop;

	pthread_mutex_lock(&loop->mutex);
	loop->asleep = false;
	exchange = loop->replied;
	loop->replied = NULL;
	quiesce = loop->quiesce && !loop->quiet;
	stop = loop->stop;
	pthread_mutex_unlock(&loop->mutex);
	for (; exchange != NULL; exchange = next) {
		next = exchange->next_replied;
		MHD_resume_connection(exchange->connection);
	}
	if (quiesce)
		be_quiet(loop);
	return !stop;
}

static void *
loop_main(void *argument)
{
	struct loop *loop = argument;

	loop->self = pthread_self();
	pthread_setname_np(loop->self, "http");
	while (take_news(loop)) {
		loop->backend->gather(loop->backend->context, true);
		MHD_run(loop->daemon);
		loop->backend->gather(loop->backend->context, false);
		wait_for_events(loop);
	}
	return NULL;
}

enum status
loop_new(struct MHD_Daemon *daemon, const struct backend *backend, struct loop **made, struct error *err)
{
	struct arena *arena = arena_new();
	struct loop *loop = ARENA_NEW(arena, struct loop);

	loop->arena = arena;
	loop->daemon = daemon;
	loop->backend = backend;
	loop->events = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	loop->wake = wake_new();
	if (loop->wake < 0) {
		arena_free(arena);
		return FAIL(err, internal, "no event descriptor for the HTTP thread: %s", strerror(errno));
	}
	pthread_mutex_init(&loop->mutex, NULL);
	pthread_cond_init(&loop->changed, NULL);
	*made = loop;
	return OK;
}

enum status
loop_start(struct loop *loop, struct error *err)
{
	loop->started = pthread_create(&loop->thread, NULL, loop_main, loop) == 0;
	return loop->started ? OK : FAIL(err, internal, "cannot start the HTTP thread");
}

void
loop_quiesce(struct loop *loop)
{
	pthread_mutex_lock(&loop->mutex);
	loop->quiesce = true;
	wake(loop);
	while (!loop->quiet)
		pthread_cond_wait(&loop->changed, &loop->mutex);
	pthread_mutex_unlock(&loop->mutex);
}

void
loop_free(struct loop *loop)
{
	pthread_mutex_lock(&loop->mutex);
	loop->stop = true;
	wake(loop);
	pthread_mutex_unlock(&loop->mutex);
	if (loop->started)
		pthread_join(loop->thread, NULL);
	close(loop->wake);
	pthread_cond_destroy(&loop->changed);
	pthread_mutex_destroy(&loop->mutex);
	arena_free(loop->arena);
}
