/* SPDX-License-Identifier: Apache-2.0
 * The shell around each lane: a thread, an inbox, the clock. */
#include "daemon/daemon.h"

#include <poll.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/log.h"
#include "base/wake.h"

enum {
	FOLLOW_US = 50000,	/* how often the other lanes look whether the first one has become active */
	GATHER_SOME = 16,	/* requests worth waking a lane for that waits for the database anyway */
	GATHER_MOST = 32,	/* requests that a sleeping lane is left to sleep for while they gather */
};

struct lane_thread {
	struct lanes *lanes;
	int32_t number;
	struct lane *lane;
	struct store *store;
	pthread_t thread;
	int wake;			/* base/wake.h */
	pthread_mutex_t mutex;		/* what follows, as far as stop */
	struct request *first, **last;
	int64_t queued;
	int64_t enough;			/* queued: worth a word through wake while it is asleep */
	bool asleep;
	bool stop;
	_Atomic bool active;
	_Atomic bool standby;
	_Atomic bool recovers;
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

/* Whether this thread hands over many requests at once. */
static _Thread_local bool gathering;

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

/* Milliseconds until then, rounded up. */
static int
until(int64_t wake_us)
{
	int64_t left_us = wake_us - monotonic_now();

	return left_us <= 0 ? 0 : left_us > 3600 * INT64_C(1000000) ? 3600 * 1000 : (int)((left_us + 999) / 1000);
}

/* Sleeps until there is enough to do, the database has answered, the time has come, or the end.  Called and left with
 * the mutex held. */
static void
sleep_for(struct lane_thread *thread, int64_t wake_us)
{
	struct pollfd fds[] = {
		{.fd = thread->wake, .events = POLLIN},
		{.fd = lane_socket(thread->lane), .events = POLLIN},	/* -1 is passed over */
	};
	int ready = 0;

	while (ready == 0 && !thread->stop && thread->queued < thread->enough && monotonic_now() < wake_us) {
		thread->asleep = true;
		pthread_mutex_unlock(&thread->mutex);
		ready = poll(fds, 2, until(wake_us));
		if (fds[0].revents != 0)
			wake_hear(thread->wake);
		pthread_mutex_lock(&thread->mutex);
		thread->asleep = false;
		if (ready > 0 && fds[1].revents == 0)
			ready = 0;	/* the loop looks why it was woken */
	}
}

/* What would be worth a step: anything while the lane is idle; while it waits for the database a good many, and none
 * that it would not take. */
static int64_t
enough(const struct lane_thread *thread)
{
	if (!lane_flying(thread->lane))
		return 1;
	return lane_takes(thread->lane) ? GATHER_SOME : INT64_MAX;
}

/* Waits until there is something to do; takes what has arrived.  False when the end has come. */
static bool
wait_for_work(struct lane_thread *thread, int64_t wake_us, struct request **inbox)
{
	struct request **end = inbox;
	bool stop;

	pthread_mutex_lock(&thread->mutex);
	thread->enough = enough(thread);
	sleep_for(thread, wake_us);
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
	struct error err;

	FAIL(&err, unavailable, "this daemon is not active now; try again");
	for (; list != NULL; list = next) {
		next = list->next;
		list->next = NULL;
		request_fail(list, &err);
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
	atomic_store(&thread->recovers, lane_recovers(thread->lane));
	if (!thread->stepped) {
		pthread_mutex_lock(&lanes->deciding);
		thread->stepped = true;
		pthread_cond_broadcast(&lanes->decided);
		pthread_mutex_unlock(&lanes->deciding);
	}
	return wake_us;
}

static void
await_answer(const struct lane_thread *thread)
{
	struct pollfd fd = {.fd = lane_socket(thread->lane), .events = POLLIN};

	if (fd.fd >= 0)
		poll(&fd, 1, -1);
}

static int64_t
on_clock(void *context)
{
	(void)context;
	return monotonic_now();
}

static void *
lane_main(void *argument)
{
	struct lane_thread *thread = argument;
	struct request *inbox = NULL;
	int64_t wake_us = 0;
	char name[16];

	snprintf(name, sizeof name, "lane-%d", (int)thread->number);
	pthread_setname_np(pthread_self(), name);
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
	while ((inbox != NULL || lane_flying(thread->lane)) && lane_active(thread->lane)) {
		await_answer(thread);
		lane_step(thread->lane, monotonic_now(), &inbox);
	}
	lane_stop(thread->lane, &inbox);
	return NULL;
}

static enum status
start_one(struct lanes *lanes, int32_t number, int64_t owner, struct error *err)
{
	struct lane_thread *thread = &lanes->threads[number];
	const struct settings *settings = lanes->config.settings;
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
		.monotonic = on_clock,
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
	thread->wake = wake_new();
	if (thread->wake < 0)
		return FAIL(err, internal, "no event descriptor for lane %d", (int)number);
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

/* Under the mutex. */
static void
rouse(struct lane_thread *thread)
{
	if (!thread->asleep)
		return;
	thread->asleep = false;
	wake_say(thread->wake);
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
		rouse(thread);
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
		close(thread->wake);
		pthread_mutex_destroy(&thread->mutex);
	}
	pthread_cond_destroy(&lanes->decided);
	pthread_mutex_destroy(&lanes->deciding);
	arena_free(lanes->arena);
}

void
lanes_gather(struct lanes *lanes, bool on)
{
	struct lane_thread *thread;
	int32_t i;

	gathering = on;
	for (i = 0; !on && i < lanes->count; i++) {
		thread = &lanes->threads[i];
		pthread_mutex_lock(&thread->mutex);
		if (thread->queued >= thread->enough)
			rouse(thread);
		pthread_mutex_unlock(&thread->mutex);
	}
}

static int64_t
gather_up_to(const struct lane_thread *thread)
{
	return thread->enough > GATHER_MOST ? thread->enough : GATHER_MOST;
}

void
lanes_submit_to(struct lanes *lanes, int32_t lane, struct request *request)
{
	struct lane_thread *thread = &lanes->threads[lane];
	struct error err;
	bool full;

	request->next = NULL;
	pthread_mutex_lock(&thread->mutex);
	full = thread->stop || thread->queued >= lanes->config.settings->queue_commands;
	if (!full) {
		*thread->last = request;
		thread->last = &request->next;
		thread->queued++;
		counter_add(COUNT_queue_length, 1);
		if (thread->queued >= (gathering ? gather_up_to(thread) : thread->enough))
			rouse(thread);
	}
	pthread_mutex_unlock(&thread->mutex);
	if (!full)
		return;
	FAIL(&err, unavailable, "too many requests are waiting; try again");
	request_fail(request, &err);
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
lanes_recover(const struct lanes *lanes)
{
	for (int32_t i = 0; i < lanes->count; i++)
		if (atomic_load(&lanes->threads[i].recovers))
			return true;
	return false;
}

bool
lanes_standby(const struct lanes *lanes)
{
	return atomic_load(&lanes->threads[0].standby);
}
