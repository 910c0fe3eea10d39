/* SPDX-License-Identifier: Apache-2.0
 * Fetches of external tasks.  A fetch asks one lane after the other; when none has a task and it may wait, it is parked
 * here until a lane says that its topic is ready, its time is over, or its client has gone.  A parked poll costs no
 * query and no thread.
 *
 * A poll hangs in the list of each of its topics from the start, also while it is with a lane: a task that becomes
 * ready meanwhile marks it, so that it asks again instead of being parked beside the task. */
#include "daemon/daemon.h"

#include <errno.h>
#include <time.h>

#include "base/counters.h"
#include "base/heap.h"
#include "base/map.h"

enum { SWEEP_US = 1000000 };	/* how often clients that have hung up are looked for */

struct place {			/* of a poll in a topic's list, oldest first */
	struct poll *poll;
	struct topic *topic;
	struct place *next, *prev;
};

struct topic {
	const char *name;
	struct place *first, *last;
	struct topic *next_free;
};

struct poll {
	int64_t id;			/* ascending: for the deadline order */
	struct polls *polls;
	struct request *request;
	int64_t deadline_us;
	bool (*still_there)(struct request *);
	void (*done)(struct request *);	/* of the caller */
	void *context;
	int32_t lanes_left;		/* to be asked before it is parked */
	int32_t lane;			/* asked last */
	bool parked;
	bool again;			/* something became ready while a lane had it */
	int32_t again_lane;
	struct place *places;		/* one for each topic of the fetch */
	struct poll *next, *prev;	/* of all parked ones */
};

struct polls {
	struct arena *arena;
	struct lanes *lanes;
	pthread_t sweeper;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct map topics;
	struct topic *free_topics;
	struct poll *first;		/* parked ones */
	struct ordered *deadlines;	/* (deadline, 0, id) of parked ones */
	struct map by_id;		/* parked ones */
	int64_t next_id;
	uint32_t next_lane;
	bool stop;
};

/* ---- lists, all under the mutex ------------------------------------------------------------------------ */

static void
enter_topics(struct polls *polls, struct poll *poll)
{
	const struct fetch *fetch = &poll->request->fetch;
	struct topic *topic;
	struct place *place;
	size_t i;

	poll->places = ARENA_ARRAY(poll->request->arena, struct place, fetch->topic_count);
	for (i = 0; i < fetch->topic_count; i++) {
		topic = map_get_text(&polls->topics, fetch->topics[i].topic);
		if (topic == NULL) {
			topic = polls->free_topics;
			if (topic != NULL)
				polls->free_topics = topic->next_free;
			else
				topic = ARENA_NEW(polls->arena, struct topic);
			*topic = (struct topic){.name = fetch->topics[i].topic};
			map_put_text(&polls->topics, topic->name, topic);
		}
		place = &poll->places[i];
		*place = (struct place){.poll = poll, .topic = topic, .prev = topic->last};
		if (topic->last != NULL)
			topic->last->next = place;
		else
			topic->first = place;
		topic->last = place;
	}
}

static void
leave_topics(struct polls *polls, struct poll *poll)
{
	struct place *place;
	struct topic *topic;
	size_t i;

	for (i = 0; i < poll->request->fetch.topic_count; i++) {
		place = &poll->places[i];
		topic = place->topic;
		if (place->prev != NULL)
			place->prev->next = place->next;
		else
			topic->first = place->next;
		if (place->next != NULL)
			place->next->prev = place->prev;
		else
			topic->last = place->prev;
		if (topic->first == NULL) {
			map_remove_text(&polls->topics, topic->name);
			topic->next_free = polls->free_topics;
			polls->free_topics = topic;
		} else {
			/* the name is borrowed from some poll of the list: keep it with one that stays */
			const struct poll *stays = topic->first->poll;
			size_t k = (size_t)(topic->first - stays->places);

			if (topic->name != stays->request->fetch.topics[k].topic) {
				map_remove_text(&polls->topics, topic->name);
				topic->name = stays->request->fetch.topics[k].topic;
				map_put_text(&polls->topics, topic->name, topic);
			}
		}
	}
}

static void
park(struct polls *polls, struct poll *poll)
{
	poll->parked = true;
	poll->prev = NULL;
	poll->next = polls->first;
	if (polls->first != NULL)
		polls->first->prev = poll;
	polls->first = poll;
	map_put(&polls->by_id, poll->id, poll);
	ordered_add(polls->deadlines, (struct order){.first = poll->deadline_us, .id = poll->id});
	counter_add(COUNT_polls_parked, 1);
	pthread_cond_signal(&polls->changed);
}

static void
unpark(struct polls *polls, struct poll *poll)
{
	poll->parked = false;
	if (poll->prev != NULL)
		poll->prev->next = poll->next;
	else
		polls->first = poll->next;
	if (poll->next != NULL)
		poll->next->prev = poll->prev;
	map_remove(&polls->by_id, poll->id);
	ordered_remove(polls->deadlines, (struct order){.first = poll->deadline_us, .id = poll->id});
	counter_add(COUNT_polls_parked, -1);
}

/* ---- flying and landing -------------------------------------------------------------------------------- */

static void landed(struct request *request);

/* Sends the poll to a lane; without the mutex, since a full queue answers at once. */
static void
fly(struct poll *poll, int32_t lane)
{
	poll->lane = lane;
	poll->request->done = landed;
	poll->request->context = poll;
	lanes_submit_to(poll->polls->lanes, lane, poll->request);
}

/* Gives the request back to its owner. */
static void
answer(struct poll *poll)
{
	struct request *request = poll->request;

	request->done = poll->done;
	request->context = poll->context;
	request->done(request);
}

/* A lane has answered: hand the tasks on, ask the next lane, or park. */
static void
landed(struct request *request)
{
	struct poll *poll = request->context;
	struct polls *polls = poll->polls;
	int32_t next = -1;

	pthread_mutex_lock(&polls->mutex);
	if (request->status == OK && request->task_count == 0) {
		if (poll->again) {
			poll->again = false;
			next = poll->again_lane;
		} else if (--poll->lanes_left > 0) {
			next = (poll->lane + 1) % lanes_count(polls->lanes);
		} else if (!polls->stop && poll->deadline_us > monotonic_now()) {
			park(polls, poll);
			pthread_mutex_unlock(&polls->mutex);
			return;
		}
	}
	if (next < 0)
		leave_topics(polls, poll);
	pthread_mutex_unlock(&polls->mutex);
	if (next < 0)
		answer(poll);
	else
		fly(poll, next);
}

void
polls_fetch(struct polls *polls, struct request *request, int64_t deadline_us, bool (*still_there)(struct request *))
{
	struct poll *poll = ARENA_NEW(request->arena, struct poll);
	int32_t lane;

	*poll = (struct poll){
		.polls = polls,
		.request = request,
		.deadline_us = deadline_us,
		.still_there = still_there,
		.done = request->done,
		.context = request->context,
		.lanes_left = lanes_count(polls->lanes),
	};
	pthread_mutex_lock(&polls->mutex);
	poll->id = ++polls->next_id;
	lane = (int32_t)(polls->next_lane++ % (uint32_t)lanes_count(polls->lanes));
	enter_topics(polls, poll);
	pthread_mutex_unlock(&polls->mutex);
	fly(poll, lane);
}

/* Wakes the oldest polls of the topic, as many as there are tasks for; those that are with a lane are told to ask
 * again. */
void
polls_ready(struct polls *polls, int32_t lane, const char *name, size_t count)
{
	struct poll *woken = NULL, *poll;
	const struct topic *topic;
	struct place *place, *next;
	int64_t left = (int64_t)count;

	pthread_mutex_lock(&polls->mutex);
	topic = map_get_text(&polls->topics, name);
	for (place = topic != NULL ? topic->first : NULL; place != NULL && left > 0; place = next) {
		next = place->next;
		poll = place->poll;
		if (!poll->parked) {
			poll->again = true;
			poll->again_lane = lane;
			continue;
		}
		unpark(polls, poll);
		if (!poll->still_there(poll->request)) {
			poll->deadline_us = 0;
			poll->request->task_count = 0;
		} else {
			left -= poll->request->fetch.max_tasks;
		}
		poll->lanes_left = 1;
		poll->next = woken;
		woken = poll;
	}
	pthread_mutex_unlock(&polls->mutex);
	while (woken != NULL) {
		poll = woken;
		woken = poll->next;
		if (poll->deadline_us != 0) {
			fly(poll, lane);
			continue;
		}
		pthread_mutex_lock(&polls->mutex);
		leave_topics(polls, poll);
		pthread_mutex_unlock(&polls->mutex);
		answer(poll);
	}
}

/* ---- time ----------------------------------------------------------------------------------------------- */

/* Takes out the parked polls whose time is over, or (when sweeping) whose client has gone; linked by next. */
static struct poll *
take_over_due(struct polls *polls, int64_t now_us, bool sweep)
{
	struct poll *due = NULL, *poll, *next;
	struct order order;

	while (ordered_first(polls->deadlines, &order) && (order.first <= now_us || polls->stop)) {
		poll = map_get(&polls->by_id, order.id);
		unpark(polls, poll);
		leave_topics(polls, poll);
		poll->next = due;
		due = poll;
	}
	for (poll = sweep ? polls->first : NULL; poll != NULL; poll = next) {
		next = poll->next;
		if (poll->still_there(poll->request))
			continue;
		unpark(polls, poll);
		leave_topics(polls, poll);
		poll->next = due;
		due = poll;
	}
	return due;
}

static void *
sweeper_main(void *argument)
{
	struct polls *polls = argument;
	struct poll *due, *next;
	struct timespec until;
	struct order order;
	int64_t now_us, sweep_us = 0, wake_us;
	bool stop = false;

	while (!stop) {
		pthread_mutex_lock(&polls->mutex);
		now_us = monotonic_now();
		due = take_over_due(polls, now_us, now_us >= sweep_us);
		if (now_us >= sweep_us)
			sweep_us = now_us + SWEEP_US;
		wake_us = polls->first != NULL ? sweep_us : now_us + 3600 * INT64_C(1000000);
		if (ordered_first(polls->deadlines, &order) && order.first < wake_us)
			wake_us = order.first;
		until = (struct timespec){.tv_sec = wake_us / 1000000, .tv_nsec = wake_us % 1000000 * 1000};
		if (due == NULL && !polls->stop)
			pthread_cond_timedwait(&polls->changed, &polls->mutex, &until);
		stop = polls->stop && polls->first == NULL;
		pthread_mutex_unlock(&polls->mutex);
		for (; due != NULL; due = next) {
			next = due->next;
			answer(due);
		}
	}
	return NULL;
}

struct polls *
polls_start(void)
{
	struct arena *arena = arena_new();
	struct polls *polls = ARENA_NEW(arena, struct polls);
	pthread_condattr_t monotonic;

	polls->arena = arena;
	polls->deadlines = ordered_new();
	map_init(&polls->topics, arena);
	map_init(&polls->by_id, arena);
	pthread_mutex_init(&polls->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&polls->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_create(&polls->sweeper, NULL, sweeper_main, polls);
	return polls;
}

void
polls_use(struct polls *polls, struct lanes *lanes)
{
	polls->lanes = lanes;
}

void
polls_stop(struct polls *polls)
{
	pthread_mutex_lock(&polls->mutex);
	polls->stop = true;
	pthread_cond_signal(&polls->changed);
	pthread_mutex_unlock(&polls->mutex);
	pthread_join(polls->sweeper, NULL);
}

void
polls_free(struct polls *polls)
{
	ordered_free(polls->deadlines);
	pthread_cond_destroy(&polls->changed);
	pthread_mutex_destroy(&polls->mutex);
	arena_free(polls->arena);
}
