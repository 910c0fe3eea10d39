/* SPDX-License-Identifier: Apache-2.0
 * Wires the threads together and takes them down again in order. */
#include "daemon/daemon.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "bpmn/bpmn.h"

enum { STOP_US = 1800000 };	/* between the signal and the end, whatever is under way */

struct server {
	const struct settings *settings;
	struct definition_cache *definitions;
	struct lanes *lanes;
	struct polls *polls;
	struct readers *readers;
	struct backend backend;
	_Atomic bool stopping;
};

static const char *
server_state(void *context, bool *active)
{
	struct server *server = context;

	if (atomic_load(&server->stopping)) {
		*active = false;
		return "stopping";
	}
	*active = lanes_active(server->lanes);
	if (*active)
		return lanes_recover(server->lanes) ? "recovering" : "active";
	return lanes_standby(server->lanes) ? "standby" : "disconnected";
}

static void
server_gather(void *context, bool on)
{
	struct server *server = context;

	lanes_gather(server->lanes, on);
}

static void
server_submit(void *context, struct request *request)
{
	struct server *server = context;

	lanes_submit(server->lanes, request);
}

static void
server_fetch(void *context, struct request *request, int64_t deadline_us, bool (*still_there)(struct request *))
{
	struct server *server = context;

	polls_fetch(server->polls, request, deadline_us, still_there);
}

static void
server_read(void *context, bool is_long, void (*work)(struct reader *reader, void *argument), void *argument)
{
	struct server *server = context;

	readers_run(server->readers, is_long, work, argument);
}

static void
on_ready(void *context, int32_t lane, const char *topic, size_t count)
{
	struct server *server = context;

	polls_ready(server->polls, lane, topic, count);
}

/* As many descriptors as the system allows: each parked poll holds one. */
static void
raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* Work that needs no hurry: rows of history that nobody can see any more. */
static void
sweep(struct reader *reader, void *argument)
{
	const struct server *server = argument;
	struct error err;
	bool more = true;
	int rounds;

	for (rounds = 0; reader != NULL && more && rounds < 100 && !atomic_load(&server->stopping); rounds++)
		if (store_sweep(reader, &more, &err) != OK)
			return;
}

enum { PAUSE_SECONDS = 10, PAUSES_PER_SWEEP = 6 };

/* Waits for the signal to stop; meanwhile starts the background work now and then, and gives back what was freed in the
 * midst of the heap: libc keeps that, 80 MB after 10,000 polls that were parked at a time. */
static void
await_signal(struct server *server, const sigset_t *signals)
{
	struct timespec pause = {.tv_sec = PAUSE_SECONDS};
	int number, pauses = 0;

	for (;;) {
		number = sigtimedwait(signals, NULL, &pause);
		if (number > 0) {
			log_event(LOG_INFO_LEVEL, "stopping", "signal=%d", number);
			return;
		}
		if (errno != EAGAIN)
			continue;
		if (++pauses % PAUSES_PER_SWEEP == 0 && lanes_active(server->lanes))
			readers_run(server->readers, true, sweep, server);
		malloc_trim(0);
	}
}

/* The end is never late: what has been answered is durable, and a successor knows how to go on. */
static void *
force_end(void *unused)
{
	(void)unused;
	usleep(STOP_US);
	log_event(LOG_WARN_LEVEL, "stopped-by-force", "after_ms=%d", STOP_US / 1000);
	_exit(0);
}

/* Whoever may still be asked is freed last: until api_stop() requests come in, and are refused. */
static void
stop(struct server *server, struct api *api)
{
	pthread_t forcing;

	atomic_store(&server->stopping, true);
	if (pthread_create(&forcing, NULL, force_end, NULL) == 0)
		pthread_detach(forcing);
	polls_stop(server->polls);
	lanes_stop(server->lanes);
	readers_stop(server->readers);
	api_stop(api);
	lanes_free(server->lanes);
	readers_free(server->readers);
	polls_free(server->polls);
	definition_cache_free(server->definitions);
}

enum status
serve(const struct settings *settings, const char *database, struct error *err)
{
	struct server server = {.settings = settings};
	struct api *api;
	sigset_t signals;
	int from, to;

	TRY(api_check_address(settings, err));
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	raise_limits();
	TRY(bpmn_init(err));
	TRY(store_migrate(database, &from, &to, err));
	if (from != to)
		log_event(LOG_INFO_LEVEL, "migrated", "from=%d to=%d", from, to);
	server.definitions = definition_cache_new(database, settings);
	server.polls = polls_start();
	server.readers = readers_start(database, settings);
	TRY(lanes_start(&(struct lanes_config){
		.database = database,
		.settings = settings,
		.definitions = definition_cache_face(server.definitions),
		.ready = on_ready,
		.context = &server,
	}, &server.lanes, err));
	polls_use(server.polls, server.lanes);
	server.backend = (struct backend){
		.settings = settings,
		.definitions = definition_cache_face(server.definitions),
		.context = &server,
		.state = server_state,
		.gather = server_gather,
		.submit = server_submit,
		.fetch = server_fetch,
		.read = server_read,
	};
	TRY(api_start(&server.backend, settings->listen, &api, err));
	printf("bpmnd is ready at http://%s/engine-rest%s\n", settings->listen,
		lanes_await(server.lanes) ? "" : " (standby: another daemon is active)");
	fflush(stdout);
	await_signal(&server, &signals);
	stop(&server, api);
	bpmn_done();
	return OK;
}
