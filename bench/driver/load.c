/* SPDX-License-Identifier: Apache-2.0
 * A run has a warm-up, a window that counts, and a drain in which nothing is started any more; one epoll for all. */
#include "bench/driver/load.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "bench/driver/load_priv.h"

enum {
	EVENTS = 256,
	PAUSE_US = 100000,		/* before a completion is tried again, or a connection */
	DRAIN_US = 60000000,
	POLLS_US = 25000000,		/* a long poll takes 20 s */
	GRACE_US = 5000000,		/* for answers that are still on their way when the drain is over */
	LEDGER_ROOM = 1 << 16,
};

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void *
must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

bool
load_is_over(const struct load *load, int64_t us)
{
	const struct options *options = load->options;

	if (options->only == ONLY_start && options->count > 0 && load->begun - load->refused >= options->count)
		return true;
	if (options->only == ONLY_work && options->count > 0 && load->result->completed_total >= options->count)
		return true;
	return us >= load->end_us;
}

bool
load_is_finished(const struct load *load, int64_t us)
{
	return load_is_over(load, us) && (load->options->only != ONLY_both || us >= load->drain_us ||
		load->begun == load->refused + load->done + load->given_up);
}

void
load_fail(struct load *load, const char *format, ...)
{
	va_list values;

	if (!load->failed) {
		va_start(values, format);
		fputs("bench-driver: ", stderr);
		vfprintf(stderr, format, values);
		fputc('\n', stderr);
		va_end(values);
	}
	load->failed = true;
}

/* ---- pauses ---------------------------------------------------------------------------------------------- */

void
load_pause(struct load *load, struct client *client, int64_t us)
{
	client->doing = DOING_pause;
	client->wake_us = us + PAUSE_US;
	client->next = NULL;
	if (load->pausing == NULL)
		load->pausing = client;
	else
		load->last_pausing->next = client;
	load->last_pausing = client;
}

static void
wake(struct load *load, int64_t us)
{
	struct client *client;

	while ((client = load->pausing) != NULL && client->wake_us <= us) {
		load->pausing = client->next;
		client->doing = DOING_nothing;
		client_go_on(load, client, us);
	}
}

/* ---- connections ----------------------------------------------------------------------------------------- */

void
load_connect(struct load *load, struct client *client, int64_t us)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = client};

	client->doing = DOING_connect;
	if (!http_connect(&client->connection, &load->options->address))
		load_lose(load, client, us);
	else if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, client->connection.fd, &event) != 0)
		load_fail(load, "epoll: %s", strerror(errno));
}

/* Nobody had to hear of it where nothing was asked. */
void
load_lose(struct load *load, struct client *client, int64_t us)
{
	enum doing did = client->doing;

	http_close(&client->connection);
	if (did == DOING_nothing || did == DOING_pause)
		return;
	if (did != DOING_connect)
		client_give_up(load, client);
	else if (!load->reached || errno == EMFILE)
		load_fail(load, "cannot connect to %s: %s", load->options->host, strerror(errno));
	load_pause(load, client, us);
}

static void
take_connected(struct load *load, struct client *client, int64_t us)
{
	errno = http_connected(&client->connection);
	if (errno == EINPROGRESS)
		return;
	if (errno != 0) {
		load_lose(load, client, us);
		return;
	}
	load->reached = true;
	client->doing = DOING_nothing;
	client_go_on(load, client, us);
}

static void
take_event(struct load *load, struct client *client, uint32_t what)
{
	bool ended = (what & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
	int64_t us = now_us();
	enum received received = RECEIVED_end;

	if (client->doing == DOING_connect) {
		take_connected(load, client, us);
		return;
	}
	if (http_flush(&client->connection))
		received = http_receive(&client->connection);
	if (received == RECEIVED_end || (received == RECEIVED_part && ended)) {
		load_lose(load, client, us);
	} else if (received == RECEIVED_reply) {
		if (ended || client->connection.reply.closing)
			http_close(&client->connection);
		client_take_reply(load, client, us);
	}
}

static void
make_clients(struct load *load)
{
	const struct options *options = load->options;
	struct client *client;
	int i;

	load->client_count = options->workers + options->starters;
	load->clients = must(calloc((size_t)load->client_count + 1, sizeof *load->clients));
	load->idle = must(calloc((size_t)options->starters + 1, sizeof *load->idle));
	for (i = 0; i < load->client_count && !load->failed; i++) {
		client = &load->clients[i];
		client->connection.fd = -1;
		client->starter = i >= options->workers;
		client->number = i;
		client->tasks = must(calloc((size_t)options->fetch, ID_ROOM));
		client->instances = must(calloc((size_t)options->fetch, ID_ROOM));
		client_go_on(load, client, load->begin_us);
	}
}

/* ---- the run --------------------------------------------------------------------------------------------- */

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Until something is to be done that no event tells of. */
static struct timespec
time_to_wait(const struct load *load, int64_t us)
{
	int64_t until = us < load->drain_us ? load->drain_us : load->drain_us + GRACE_US;

	if (us < load->end_us)
		until = load->end_us;
	if (load->idle_count > 0)
		until = least(until, clients_due_us(load, us));
	if (load->pausing != NULL)
		until = least(until, load->pausing->wake_us);
	until = until > us ? until - us : 0;
	return (struct timespec){.tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000};
}

/* In milliseconds, and so a little late for the open loop, where the system (Linux before 5.11, valgrind) cannot do
 * better. */
static int
wait_for_events(const struct load *load, struct epoll_event *events, struct timespec timeout)
{
	int n = epoll_pwait2(load->epoll, events, EVENTS, &timeout, NULL);

	if (n < 0 && errno == ENOSYS)
		n = epoll_wait(load->epoll, events, EVENTS,
			(int)(timeout.tv_sec * 1000 + (timeout.tv_nsec + 999999) / 1000000));
	return n < 0 && errno == EINTR ? 0 : n;
}

static void
run(struct load *load)
{
	struct epoll_event events[EVENTS];
	int64_t us = now_us();
	int n, i;

	while (!load->failed && us < load->drain_us + GRACE_US && !(load_is_finished(load, us) && load->asked == 0)) {
		n = wait_for_events(load, events, time_to_wait(load, us));
		if (n < 0)
			load_fail(load, "epoll: %s", strerror(errno));
		for (i = 0; i < n && !load->failed; i++)
			take_event(load, events[i].data.ptr, events[i].events);
		us = now_us();
		wake(load, us);
		clients_start(load, us);
	}
	load->result->drained = load->asked == 0 && load->begun == load->refused + (load->options->only == ONLY_both ?
		load->done : load->result->started_total);
	us = least(us, load->end_us);
	load->result->seconds = us > load->window_us ? (double)(us - load->window_us) / 1e6 : 0;
}

static bool
somebody_polls(const struct load *load)
{
	int i;

	for (i = 0; i < load->client_count; i++)
		if (load->clients[i].doing == DOING_fetch)
			return true;
	return false;
}

static void
await_polls(struct load *load)
{
	struct epoll_event events[EVENTS];
	int64_t end_us = now_us() + POLLS_US;
	int n, i;

	while (!load->failed && somebody_polls(load) && now_us() < end_us) {
		n = wait_for_events(load, events, (struct timespec){.tv_sec = 1});
		for (i = 0; i < n; i++)
			take_event(load, events[i].data.ptr, events[i].events);
	}
}

static void
free_load(struct load *load)
{
	int i;

	for (i = 0; i < load->client_count; i++) {
		http_free(&load->clients[i].connection);
		free(load->clients[i].tasks);
		free(load->clients[i].instances);
	}
	close(load->epoll);
	free(load->clients);
	free(load->idle);
	free(load->open.slots);
	requests_free(&load->requests);
}

static void
open_ledger(struct load *load)
{
	const char *path = load->options->ledger;

	if (path == NULL)
		return;
	load->ledger = fopen(path, "w");
	if (load->ledger == NULL)
		load_fail(load, "cannot write %s: %s", path, strerror(errno));
	else
		setvbuf(load->ledger, NULL, _IOFBF, LEDGER_ROOM);
}

static void
close_ledger(struct load *load)
{
	bool wrong;

	if (load->ledger == NULL)
		return;
	wrong = ferror(load->ledger) != 0;
	if (fclose(load->ledger) != 0 || wrong)
		load_fail(load, "writing %s failed: %s", load->options->ledger, strerror(errno));
}

bool
load_run(const struct options *options, struct result *result)
{
	struct load load = {.options = options, .result = result, .epoll = epoll_create1(EPOLL_CLOEXEC)};

	requests_make(&load.requests, options);
	open_ledger(&load);
	load.begin_us = now_us();
	load.window_us = load.begin_us + (int64_t)(options->warm_up * 1e6);
	load.end_us = load.window_us + (int64_t)(options->seconds * 1e6);
	load.drain_us = load.end_us + DRAIN_US;
	if (!load.failed)
		make_clients(&load);
	run(&load);
	if (options->await_polls)
		await_polls(&load);
	close_ledger(&load);
	free_load(&load);
	return !load.failed;
}
