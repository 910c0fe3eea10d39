/* SPDX-License-Identifier: Apache-2.0
 * See load.h.  A run has a warm-up, a window that counts, and a drain in which nothing is started any more. */
#include "bench/driver/load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
	EVENTS = 256,
	TICK_MS = 20,			/* how late a start of the open loop may be noticed meanwhile */
	RETRIES = 5,			/* of a completion that was answered 500 or 503, as stock workers try again */
	RETRY_US = 100000,
	DRAIN_US = 10000000,		/* without a completion, and what is left will not be worked off */
	BODY = 65536,
};

const char *const answer_names[ANSWERS] = {"2xx", "404", "409", "500", "503", "other", "lost"};

enum asking { ASKING_nothing, ASKING_start, ASKING_fetch, ASKING_complete };

struct client {
	struct connection connection;
	enum asking asking;
	int64_t sent_us;		/* or due, in the open loop */
	bool starter;
	int number;
	/* a worker's: the tasks of its last fetch */
	char (*tasks)[ID_ROOM], (*instances)[ID_ROOM];
	int count, at;
	int tries;
	int64_t retry_us;		/* 0: no completion waits to be tried again */
};

struct load {
	const struct options *options;
	struct result *result;
	int epoll;
	struct client *clients;
	int client_count;
	struct instances open;
	int64_t begun, done;		/* instances: starts sent, last completion acknowledged */
	int64_t begin_us, window_us, end_us;
	int64_t progress_us;		/* last completion */
	int64_t due_us;			/* open loop: of the next start */
	FILE *ledger;
	char *payload;			/* its member of "variables", with a comma before it */
	char *body;
	bool failed;
};

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool
in_window(const struct load *load, int64_t us)
{
	return us >= load->window_us && us < load->end_us;
}

static bool
is_over(const struct load *load, int64_t us)
{
	const struct options *options = load->options;

	if (options->only == ONLY_start && options->count > 0 && load->begun >= options->count)
		return true;
	if (options->only == ONLY_work && options->count > 0 && load->result->completed_total >= options->count)
		return true;
	return us >= load->end_us;
}

/* ---- requests -------------------------------------------------------------------------------------------- */

static void
post(struct load *load, struct client *client, enum asking asking, int64_t since_us, const char *path, int length)
{
	const struct options *options = load->options;

	client->asking = asking;
	client->sent_us = since_us;
	if (!http_post(&client->connection, options->host, path, load->body, (size_t)length)) {
		fprintf(stderr, "bench-driver: a request to %s was not taken: %s\n", options->host, strerror(errno));
		load->failed = true;
	}
}

static void
start(struct load *load, struct client *client, int64_t since_us)
{
	const struct options *options = load->options;
	char path[256];
	int length = snprintf(load->body, BODY, "{\"businessKey\":\"b-%" PRId64 "\",\"variables\":{\"customer\":"
		"{\"value\":\"c-%" PRId64 "\",\"type\":\"String\"}%s}}", load->begun, load->begun, load->payload);

	load->begun++;
	snprintf(path, sizeof path, "%s/process-definition/key/%s/start", options->base, options->workload.name);
	post(load, client, ASKING_start, since_us, path, length);
}

static void
fetch(struct load *load, struct client *client)
{
	const struct options *options = load->options;
	char path[256];
	int length = snprintf(load->body, BODY, "{\"workerId\":\"w%d\",\"maxTasks\":%d,\"usePriority\":false,"
		"\"asyncResponseTimeout\":20000,\"topics\":[{\"topicName\":\"%s\",\"lockDuration\":600000,"
		"\"variables\":[%s]}]}", client->number, options->fetch, options->topic,
		options->payload > 0 ? "\"payload\"" : "");

	snprintf(path, sizeof path, "%s/external-task/fetchAndLock", options->base);
	post(load, client, ASKING_fetch, now_us(), path, length);
}

static void
complete(struct load *load, struct client *client)
{
	char path[256];
	int length = snprintf(load->body, BODY, "{\"workerId\":\"w%d\",\"variables\":{\"n\":{\"value\":%d,"
		"\"type\":\"Integer\"}%s}}", client->number, client->at, load->payload);

	client->retry_us = 0;
	snprintf(path, sizeof path, "%s/external-task/%s/complete", load->options->base, client->tasks[client->at]);
	post(load, client, ASKING_complete, now_us(), path, length);
}

/* When the next start is due; INT64_MAX: not now. */
static int64_t
next_start(struct load *load, int64_t us)
{
	const struct options *options = load->options;
	int64_t due = load->due_us;

	if (is_over(load, us))
		return INT64_MAX;
	if (options->rate > 0) {
		if (due > us)
			return INT64_MAX;
		load->due_us = load->begin_us + (int64_t)((double)(load->begun + 1) * 1e6 / options->rate);
		return due;
	}
	return options->only == ONLY_start || load->begun - load->done < options->in_flight ? us : INT64_MAX;
}

/* What the client does when it has its answer. */
static void
go_on(struct load *load, struct client *client)
{
	int64_t us = now_us(), since;

	client->asking = ASKING_nothing;
	if (client->starter) {
		since = next_start(load, us);
		if (since != INT64_MAX)
			start(load, client, since);
		return;
	}
	if (load->options->only == ONLY_work && is_over(load, us))
		return;
	if (client->at < client->count)
		complete(load, client);
	else
		fetch(load, client);
}

/* ---- answers --------------------------------------------------------------------------------------------- */

static enum answer
answer_of(int status)
{
	switch (status) {
	case 404:
		return ANSWER_404;
	case 409:
		return ANSWER_409;
	case 500:
		return ANSWER_500;
	case 503:
		return ANSWER_503;
	default:
		return status >= 200 && status < 300 ? ANSWER_2xx : ANSWER_other;
	}
}

static struct instance *
instance_of(struct load *load, const char *id)
{
	return instances_get(&load->open, id, load->options->workload.tasks);
}

/* The last completion may have been acknowledged before the reply to the start came. */
static void
finish_instance(struct load *load, struct instance *instance, int64_t us)
{
	char id[ID_ROOM];

	if (instance->left > 0 || instance->begun_us == 0)
		return;
	if (in_window(load, us)) {
		load->result->instances++;
		stats_add(&load->result->instance, us - instance->begun_us);
	}
	load->done++;
	memcpy(id, instance->id, sizeof id);
	instances_remove(&load->open, id);
}

static void
started(struct load *load, const struct client *client, const struct reply *reply, int64_t us)
{
	struct instance *instance;
	const char *at = reply->body;
	char id[ID_ROOM];

	if (answer_of(reply->status) != ANSWER_2xx || !ids_next(&at, 1, "id", id, NULL, NULL)) {
		fprintf(stderr, "bench-driver: starting %s was answered %d: %.200s\n", load->options->workload.name,
			reply->status, reply->body);
		load->failed = true;
		return;
	}
	load->result->started_total++;
	if (in_window(load, us)) {
		load->result->starts++;
		stats_add(&load->result->start, us - client->sent_us);
	}
	if (load->options->only == ONLY_start)
		return;
	instance = instance_of(load, id);
	instance->begun_us = client->sent_us;
	finish_instance(load, instance, us);
}

static void
fetched(struct load *load, struct client *client, const struct reply *reply, int64_t us)
{
	const char *at = reply->body;

	client->count = client->at = client->tries = 0;
	if (answer_of(reply->status) != ANSWER_2xx)
		return;
	while (client->count < load->options->fetch && ids_next(&at, 2, "id", client->tasks[client->count],
		       "processInstanceId", client->instances[client->count]))
		client->count++;
	if (client->count == 0 || !in_window(load, us))
		return;
	load->result->fetches++;
	load->result->tasks_fetched += client->count;
	stats_add(&load->result->fetch, us - client->sent_us);
}

static void
completed(struct load *load, struct client *client, const struct reply *reply, int64_t us)
{
	enum answer answer = answer_of(reply->status);
	struct instance *instance;

	if ((answer == ANSWER_500 || answer == ANSWER_503) && client->tries++ < RETRIES) {
		client->retry_us = us + RETRY_US;
		return;
	}
	client->tries = 0;
	if (answer == ANSWER_2xx) {
		load->result->completed_total++;
		load->progress_us = us;
		if (load->ledger != NULL)
			fprintf(load->ledger, "%s\n", client->tasks[client->at]);
		if (in_window(load, us)) {
			load->result->completions++;
			stats_add(&load->result->complete, us - client->sent_us);
		}
		if (load->options->only == ONLY_both) {
			instance = instance_of(load, client->instances[client->at]);
			instance->left--;
			finish_instance(load, instance, us);
		}
	}
	client->at++;
}

static void
take_answer(struct load *load, struct client *client, const struct reply *reply)
{
	int64_t us = now_us();

	load->result->answers[answer_of(reply->status)]++;
	switch (client->asking) {
	case ASKING_start:
		started(load, client, reply, us);
		break;
	case ASKING_fetch:
		fetched(load, client, reply, us);
		break;
	case ASKING_complete:
		completed(load, client, reply, us);
		break;
	case ASKING_nothing:
		break;
	}
	client->asking = ASKING_nothing;
	if (client->retry_us == 0)
		go_on(load, client);
}

/* ---- connections ----------------------------------------------------------------------------------------- */

static bool
connect_client(struct load *load, struct client *client)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};

	if (!http_connect(&client->connection, &load->options->address) ||
	    epoll_ctl(load->epoll, EPOLL_CTL_ADD, client->connection.fd, &event) != 0) {
		fprintf(stderr, "bench-driver: cannot connect to %s: %s\n", load->options->host, strerror(errno));
		load->failed = true;
		return false;
	}
	return true;
}

/* The answer is lost, and what it said: the task may be completed or not. */
static void
reconnect(struct load *load, struct client *client)
{
	if (client->asking != ASKING_nothing)
		load->result->answers[ANSWER_lost]++;
	if (client->asking == ASKING_complete)
		client->at++;
	close(client->connection.fd);
	if (connect_client(load, client))
		go_on(load, client);
}

static void
receive(struct load *load, struct client *client)
{
	struct reply reply;

	switch (http_receive(&client->connection, &reply)) {
	case RECEIVED_part:
		break;
	case RECEIVED_reply:
		take_answer(load, client, &reply);
		break;
	case RECEIVED_end:
		reconnect(load, client);
		break;
	}
}

static void *
must(void *memory)
{
	if (memory == NULL)
		abort();
	return memory;
}

static void
make_clients(struct load *load)
{
	const struct options *options = load->options;
	struct client *client;
	int i;

	load->client_count = options->workers + options->starters;
	load->clients = must(calloc((size_t)load->client_count, sizeof *load->clients));
	for (i = 0; i < load->client_count && !load->failed; i++) {
		client = &load->clients[i];
		client->starter = i >= options->workers;
		client->number = i;
		client->tasks = must(calloc((size_t)options->fetch, ID_ROOM));
		client->instances = must(calloc((size_t)options->fetch, ID_ROOM));
		if (connect_client(load, client))
			go_on(load, client);
	}
}

/* ---- the run --------------------------------------------------------------------------------------------- */

/* Starts that are due, completions to be tried again. */
static void
look_round(struct load *load)
{
	int64_t us = now_us();
	struct client *client;
	int i;

	for (i = 0; i < load->client_count; i++) {
		client = &load->clients[i];
		if (client->starter && client->asking == ASKING_nothing)
			go_on(load, client);
		else if (client->retry_us != 0 && us >= client->retry_us)
			complete(load, client);
	}
}

static bool
is_drained(const struct load *load)
{
	int i;

	if (load->options->only != ONLY_both) {
		for (i = 0; i < load->client_count; i++)
			if (load->clients[i].asking == ASKING_start || load->clients[i].asking == ASKING_complete)
				return false;
		return true;
	}
	return load->done == load->begun;
}

/* A task that a worker has given up is locked for as long as the run may last: such an instance stays open. */
static bool
is_stuck(const struct load *load, int64_t us)
{
	int64_t since = load->progress_us > load->end_us ? load->progress_us : load->end_us;

	return us > since + DRAIN_US;
}

static void
run(struct load *load)
{
	struct epoll_event events[EVENTS];
	int64_t us = now_us();
	int n, i;

	while (!load->failed && !(is_over(load, us) && is_drained(load)) && !is_stuck(load, us)) {
		n = epoll_wait(load->epoll, events, EVENTS, TICK_MS);
		for (i = 0; i < n; i++)
			receive(load, events[i].data.ptr);
		look_round(load);
		us = now_us();
	}
	load->result->drained = is_drained(load);
	if (us > load->end_us)
		us = load->end_us;
	load->result->seconds = us > load->window_us ? (double)(us - load->window_us) / 1e6 : 0;
}

static char *
payload_of(int64_t bytes)
{
	static const char before[] = ",\"payload\":{\"value\":\"", after[] = "\",\"type\":\"String\"}";
	char *text = must(calloc(1, sizeof before + sizeof after + (size_t)bytes));

	if (bytes > 0) {
		strcpy(text, before);
		memset(text + strlen(before), 'p', (size_t)bytes);
		strcpy(text + strlen(before) + bytes, after);
	}
	return text;
}

static void
free_load(struct load *load)
{
	int i;

	for (i = 0; i < load->client_count; i++) {
		close(load->clients[i].connection.fd);
		free(load->clients[i].connection.bytes);
		free(load->clients[i].tasks);
		free(load->clients[i].instances);
	}
	close(load->epoll);
	free(load->clients);
	free(load->open.slots);
	free(load->payload);
	free(load->body);
}

bool
load_run(const struct options *options, struct result *result)
{
	struct load load = {
		.options = options,
		.result = result,
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.payload = payload_of(options->payload),
		.body = must(malloc(BODY)),
		.begin_us = now_us(),
	};

	if (options->ledger != NULL && (load.ledger = fopen(options->ledger, "w")) == NULL) {
		fprintf(stderr, "bench-driver: cannot write %s: %s\n", options->ledger, strerror(errno));
		load.failed = true;
	}
	load.due_us = load.begin_us;
	load.window_us = load.begin_us + (int64_t)(options->warm_up * 1e6);
	load.end_us = load.window_us + (int64_t)(options->seconds * 1e6);
	if (!load.failed)
		make_clients(&load);
	run(&load);
	if (load.ledger != NULL && fclose(load.ledger) != 0) {
		fprintf(stderr, "bench-driver: writing %s failed: %s\n", options->ledger, strerror(errno));
		load.failed = true;
	}
	free_load(&load);
	return !load.failed;
}
