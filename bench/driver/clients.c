/* SPDX-License-Identifier: Apache-2.0
 * Workers and starters: what they ask next, what their answers mean, what is counted. */
#include <inttypes.h>
#include <string.h>

#include "bench/driver/load_priv.h"

enum {
	TRIES = 6,			/* of a completion that is answered 500 or 503, as stock workers try again */
};

const char *const answer_names[ANSWERS] = {"2xx", "404", "409", "500", "503", "other", "lost"};

static bool
in_window(const struct load *load, int64_t us)
{
	return us >= load->window_us && us < load->end_us;
}

/* ---- requests -------------------------------------------------------------------------------------------- */

static void
ask(struct load *load, struct client *client, enum doing doing, struct text request, int64_t us)
{
	client->doing = doing;
	load->asked += doing != DOING_fetch;
	if (!http_send(&client->connection, request.bytes, request.length))
		load_lose(load, client, us);
}

int64_t
clients_due_us(const struct load *load, int64_t us)
{
	const struct options *options = load->options;
	int64_t open = load->begun - load->refused - load->done - load->given_up;

	if (load_is_over(load, us))
		return INT64_MAX;
	if (options->rate > 0)
		return load->begin_us + (int64_t)((double)load->begun * 1e6 / options->rate);
	return options->only == ONLY_start || open < options->in_flight ? us : INT64_MAX;
}

static void
go_on_starting(struct load *load, struct client *client, int64_t us)
{
	int64_t due_us = clients_due_us(load, us);

	if (due_us > us) {
		client->doing = DOING_nothing;
		load->idle[load->idle_count++] = client;
		return;
	}
	client->sent_us = due_us;
	ask(load, client, DOING_start, requests_start(&load->requests, load->begun++), us);
}

static void
go_on_working(struct load *load, struct client *client, int64_t us)
{
	client->sent_us = us;
	if (load_is_finished(load, us))
		client->doing = DOING_nothing;
	else if (client->at < client->count)
		ask(load, client, DOING_complete, requests_complete(&load->requests, client->tasks[client->at],
			client->number, client->n), us);
	else
		ask(load, client, DOING_fetch, requests_fetch(&load->requests, client->number), us);
}

void
client_go_on(struct load *load, struct client *client, int64_t us)
{
	if (client->connection.fd < 0)
		load_connect(load, client, us);
	else if (client->starter)
		go_on_starting(load, client, us);
	else
		go_on_working(load, client, us);
}

void
clients_start(struct load *load, int64_t us)
{
	while (load->idle_count > 0 && clients_due_us(load, us) <= us)
		client_go_on(load, load->idle[--load->idle_count], us);
}

/* ---- instances ------------------------------------------------------------------------------------------- */

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

	if (instance->left > 0 || instance->begun_us == 0 || instance->given_up)
		return;
	if (in_window(load, us)) {
		load->result->instances++;
		stats_add(&load->result->instance, us - instance->begun_us);
	}
	load->done++;
	memcpy(id, instance->id, sizeof id);
	instances_remove(&load->open, id);
}

/* The task stays locked for longer than the run lasts, so its instance is not waited for. */
static void
give_up_instance(struct load *load, const char *id)
{
	struct instance *instance;

	if (load->options->only != ONLY_both)
		return;
	instance = instance_of(load, id);
	if (!instance->given_up && instance->begun_us != 0)
		load->given_up++;
	instance->given_up = true;
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

/* A start or a fetch that failed: the other side's trouble may pass, ours does not. */
static void
refused(struct load *load, struct client *client, const char *what, int64_t us)
{
	const struct reply *reply = &client->connection.reply;
	const struct options *options = load->options;

	if (reply->status == 404)
		load_fail(load, "%s is not there at %s%s: is it deployed, is --base right? (404 %.300s)", what,
			options->host, options->base, reply->body);
	else if (reply->status < 500)
		load_fail(load, "%s was refused: %d %.300s", what, reply->status, reply->body);
	else
		load_pause(load, client, us);
}

static void
started(struct load *load, struct client *client, int64_t us)
{
	const struct reply *reply = &client->connection.reply;
	struct instance *instance;
	char id[ID_ROOM];

	if (answer_of(reply->status) != ANSWER_2xx) {
		load->refused++;
		refused(load, client, load->options->workload.name, us);
		return;
	}
	if (!ids_of_object(reply->body, id)) {
		load_fail(load, "the reply to a start has no \"id\": %.300s", reply->body);
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
	load->given_up += instance->given_up;
	finish_instance(load, instance, us);
}

static void
fetched(struct load *load, struct client *client, int64_t us)
{
	const char *at = client->connection.reply.body;

	client->count = client->at = client->tries = 0;
	if (answer_of(client->connection.reply.status) != ANSWER_2xx) {
		refused(load, client, "fetchAndLock", us);
		return;
	}
	while (client->count < load->options->fetch &&
	       ids_next(&at, client->tasks[client->count], client->instances[client->count]))
		client->count++;
	if (client->count == 0 || !in_window(load, us))
		return;
	load->result->fetches++;
	load->result->tasks_fetched += client->count;
	stats_add(&load->result->fetch, us - client->sent_us);
}

static void
next_task(struct client *client)
{
	client->at++;
	client->n++;
	client->tries = 0;
}

static void
acknowledged(struct load *load, const struct client *client, int64_t us)
{
	struct instance *instance;

	load->result->completed_total++;
	if (load->ledger != NULL) {
		fputs_unlocked(client->tasks[client->at], load->ledger);
		putc_unlocked('\n', load->ledger);
	}
	if (in_window(load, us)) {
		load->result->completions++;
		stats_add(&load->result->complete, us - client->sent_us);
	}
	if (load->options->only != ONLY_both)
		return;
	instance = instance_of(load, client->instances[client->at]);
	instance->left--;
	finish_instance(load, instance, us);
}

static void
completed(struct load *load, struct client *client, int64_t us)
{
	enum answer answer = answer_of(client->connection.reply.status);

	if (answer == ANSWER_2xx) {
		acknowledged(load, client, us);
	} else if ((answer == ANSWER_500 || answer == ANSWER_503) && ++client->tries < TRIES) {
		load_pause(load, client, us);
		return;
	} else {
		give_up_instance(load, client->instances[client->at]);
	}
	next_task(client);
}

void
client_take_reply(struct load *load, struct client *client, int64_t us)
{
	enum doing did = client->doing;

	if (did != DOING_start && did != DOING_fetch && did != DOING_complete) {
		load_lose(load, client, us);	/* what nobody asked for: it ends the connection */
		return;
	}
	load->result->answers[answer_of(client->connection.reply.status)]++;
	client->doing = DOING_nothing;
	load->asked -= did != DOING_fetch;
	if (did == DOING_start)
		started(load, client, us);
	else if (did == DOING_fetch)
		fetched(load, client, us);
	else
		completed(load, client, us);
	if (client->doing == DOING_nothing && !load->failed)
		client_go_on(load, client, us);
}

void
client_give_up(struct load *load, struct client *client)
{
	load->result->answers[ANSWER_lost]++;
	load->asked -= client->doing != DOING_fetch;
	if (client->doing == DOING_start)
		load->given_up++;
	if (client->doing != DOING_complete)
		return;
	give_up_instance(load, client->instances[client->at]);
	next_task(client);
}
