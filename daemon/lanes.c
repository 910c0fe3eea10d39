/* SPDX-License-Identifier: Apache-2.0
 * The shell around each lane: a thread, an inbox, the clock. */
#include "daemon/daemon.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include "base/counters.h"
#include "base/log.h"

enum { FOLLOW_US = 50000 };	/* how often the other lanes look whether the first one has become active */

struct lane_thread {
	struct lanes *lanes;
	int32_t number;
	struct lane *lane;
	struct store *store;
	pthread_t thread;
	pthread_mutex_t mutex;		/* inbox, stop */
	pthread_cond_t arrived;
	struct request *first, **last;
	int64_t queued;
	bool stop;
	_Atomic bool active;
	_Atomic bool standby;
	bool stepped;			/* at least once; under lanes->deciding */
};

struct lanes {
	struct lanes_config config;
	struct arena *arena;
	int32_t count;
	struct lane_thread *threads;
	_Atomic uint32_t next_start;
	pthread_mutex_t deciding;
	pthread_cond_t decided;
};

int64_t
monotonic_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
on_ready(void *context, struct lane *lane, const char *topic)
{
	struct lane_thread *thread = context;

	thread->lanes->config.ready(thread->lanes->config.context, thread->number, topic, lane_ready(lane, topic));
}

static void
on_owned(void *context, struct lane *lane, bool active)
{
	struct lane_thread *thread = context;

	(void)lane;
	atomic_store(&thread->active, active);
	pthread_mutex_lock(&thread->lanes->deciding);
	pthread_cond_broadcast(&thread->lanes->decided);
	pthread_mutex_unlock(&thread->lanes->deciding);
}

/* Waits until something has arrived, the lane wants its step, or the end has come; takes what is there. */
static bool
wait_for_work(struct lane_thread *thread, int64_t wake_us, struct request **inbox)
{
	struct timespec until = {.tv_sec = wake_us / 1000000, .tv_nsec = wake_us % 1000000 * 1000};
	struct request **end = inbox;
	bool stop;

	pthread_mutex_lock(&thread->mutex);
	while (thread->first == NULL && *inbox == NULL && !thread->stop && monotonic_now() < wake_us)
		if (pthread_cond_timedwait(&thread->arrived, &thread->mutex, &until) == ETIMEDOUT)
			break;
	while (*end != NULL)
		end = &(*end)->next;
	*end = thread->first;
	thread->first = NULL;
	thread->last = &thread->first;
	counter_add(COUNT_queue_length, -thread->queued);
	thread->queued = 0;
	stop = thread->stop;
	pthread_mutex_unlock(&thread->mutex);
	return !stop;
}

/* All lanes of a daemon move together: the first one leads. */
static bool
may_step(const struct lane_thread *thread)
{
	return thread->number == 0 || atomic_load(&thread->active) || atomic_load(&thread->lanes->threads[0].active);
}

static void
refuse(struct request *list)
{
	struct request *next;

	for (; list != NULL; list = next) {
		next = list->next;
		list->next = NULL;
		list->status = FAIL(&list->error, unavailable, "this daemon is not active now; try again");
		list->done(list);
	}
}

/* One step of the lane, and what it means to those who look from outside. */
static int64_t
step(struct lane_thread *thread, struct request **inbox)
{
	struct lanes *lanes = thread->lanes;
	int64_t wake_us = lane_step(thread->lane, monotonic_now(), inbox);

	atomic_store(&thread->standby, lane_standby(thread->lane));
	if (!thread->stepped) {
		pthread_mutex_lock(&lanes->deciding);
		thread->stepped = true;
		pthread_cond_broadcast(&lanes->decided);
		pthread_mutex_unlock(&lanes->deciding);
	}
	return wake_us;
}

static void *
lane_main(void *argument)
{
	struct lane_thread *thread = argument;
	struct request *inbox = NULL;
	int64_t wake_us = 0;

	while (wait_for_work(thread, wake_us, &inbox)) {
		if (!may_step(thread)) {
			refuse(inbox);
			inbox = NULL;
			wake_us = monotonic_now() + FOLLOW_US;
			continue;
		}
		wake_us = step(thread, &inbox);
	}
	/* what was accepted before the end is still done */
	while (inbox != NULL && lane_active(thread->lane))
		lane_step(thread->lane, monotonic_now(), &inbox);
	lane_stop(thread->lane, &inbox);
	return NULL;
}

static enum status
start_one(struct lanes *lanes, int32_t number, int64_t owner, struct error *err)
{
	struct lane_thread *thread = &lanes->threads[number];
	const struct settings *settings = lanes->config.settings;
	pthread_condattr_t monotonic;
	struct lane_config config = {
		.range = {
			.lane = number,
			.first_part = number * PART_COUNT / lanes->count,
			.last_part = (number + 1) * PART_COUNT / lanes->count - 1,
		},
		.definitions = lanes->config.definitions,
		.settings = settings,
		.cache_bytes = (size_t)(settings->cache_bytes / lanes->count),
		.ready = on_ready,
		.owned = on_owned,
		.context = thread,
		.owner = owner,
	};

	thread->lanes = lanes;
	thread->number = number;
	thread->last = &thread->first;
	TRY(store_open_postgres(lanes->config.database, settings, &thread->store, err));
	config.store = thread->store;
	thread->lane = lane_new(&config);
	pthread_mutex_init(&thread->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&thread->arrived, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (pthread_create(&thread->thread, NULL, lane_main, thread) != 0)
		return FAIL(err, internal, "cannot start the thread of lane %d", (int)number);
	return OK;
}

enum status
lanes_start(const struct lanes_config *config, struct lanes **started, struct error *err)
{
	struct arena *arena = arena_new();
	struct lanes *lanes = ARENA_NEW(arena, struct lanes);
	int64_t owner = 0;
	int32_t i;

	lanes->config = *config;
	lanes->arena = arena;
	lanes->count = (int32_t)config->settings->lanes;
	lanes->threads = ARENA_ARRAY(arena, struct lane_thread, (size_t)lanes->count);
	pthread_mutex_init(&lanes->deciding, NULL);
	pthread_cond_init(&lanes->decided, NULL);
	while (owner <= 0)
		if (getrandom(&owner, sizeof owner, 0) != (ssize_t)sizeof owner)
			return FAIL(err, internal, "no random numbers for an owner id");
	for (i = 0; i < lanes->count; i++)
		TRY(start_one(lanes, i, owner, err));
	*started = lanes;
	return OK;
}

bool
lanes_await(struct lanes *lanes)
{
	int32_t i;

	pthread_mutex_lock(&lanes->deciding);
	while (!lanes->threads[0].stepped)
		pthread_cond_wait(&lanes->decided, &lanes->deciding);
	/* the others follow when the first one is active */
	for (i = 1; i < lanes->count; i++)
		while (!lanes->threads[i].stepped && atomic_load(&lanes->threads[0].active))
			pthread_cond_wait(&lanes->decided, &lanes->deciding);
	pthread_mutex_unlock(&lanes->deciding);
	return lanes_active(lanes);
}

void
lanes_stop(struct lanes *lanes)
{
	struct lane_thread *thread;
	int32_t i;

	for (i = 0; i < lanes->count; i++) {
		thread = &lanes->threads[i];
		pthread_mutex_lock(&thread->mutex);
		thread->stop = true;
		pthread_cond_signal(&thread->arrived);
		pthread_mutex_unlock(&thread->mutex);
	}
	for (i = 0; i < lanes->count; i++)
		pthread_join(lanes->threads[i].thread, NULL);
}

void
lanes_free(struct lanes *lanes)
{
	struct lane_thread *thread;
	int32_t i;

	for (i = 0; i < lanes->count; i++) {
		thread = &lanes->threads[i];
		lane_free(thread->lane);
		thread->store->ops->close(thread->store);
		pthread_cond_destroy(&thread->arrived);
		pthread_mutex_destroy(&thread->mutex);
	}
	pthread_cond_destroy(&lanes->decided);
	pthread_mutex_destroy(&lanes->deciding);
	arena_free(lanes->arena);
}

void
lanes_submit_to(struct lanes *lanes, int32_t lane, struct request *request)
{
	struct lane_thread *thread = &lanes->threads[lane];
	bool full;

	request->next = NULL;
	pthread_mutex_lock(&thread->mutex);
	full = thread->stop || thread->queued >= lanes->config.settings->queue_commands;
	if (!full) {
		*thread->last = request;
		thread->last = &request->next;
		thread->queued++;
		counter_add(COUNT_queue_length, 1);
		pthread_cond_signal(&thread->arrived);
	}
	pthread_mutex_unlock(&thread->mutex);
	if (!full)
		return;
	request->status = FAIL(&request->error, unavailable, "too many requests are waiting; try again");
	request->done(request);
}

static int32_t
lane_of_part(const struct lanes *lanes, int32_t part)
{
	int32_t lane = part * lanes->count / PART_COUNT;

	while ((lane + 1) * PART_COUNT / lanes->count <= part)
		lane++;
	return lane;
}

void
lanes_submit(struct lanes *lanes, struct request *request)
{
	const struct command *command = &request->command;
	int32_t lane;

	if (command->kind != COMMAND_start)
		lane = lane_of_part(lanes, id_part(command->target));
	else if (command->business_key != NULL)
		lane = lane_of_part(lanes, part_of_key(command->definition->tenant, command->business_key));
	else
		lane = (int32_t)(atomic_fetch_add(&lanes->next_start, 1) % (uint32_t)lanes->count);
	lanes_submit_to(lanes, lane, request);
}

int32_t
lanes_count(const struct lanes *lanes)
{
	return lanes->count;
}

bool
lanes_active(const struct lanes *lanes)
{
	int32_t i;

	for (i = 0; i < lanes->count; i++)
		if (!atomic_load(&lanes->threads[i].active) || lanes->threads[i].store->away)
			return false;
	return true;
}

bool
lanes_standby(const struct lanes *lanes)
{
	return atomic_load(&lanes->threads[0].standby);
}
