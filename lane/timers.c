/* SPDX-License-Identifier: Apache-2.0
 * Jobs due soon, held in memory.  Invariant: every job of the range with retries left, of an instance that is not
 * suspended, whose (due, id) lies before the horizon is in the set. */
#include "lane/lane_priv.h"

/* Most jobs taken from the store at once; the horizon then ends at the last of them. */
enum { REFILL = 20000 };

void
timers_init(struct lane *lane)
{
	lane->due = ordered_new();
	lane->horizon = (struct order){.first = INT64_MIN};
}

void
timers_clear(struct lane *lane)
{
	ordered_clear(lane->due);
	lane->horizon = (struct order){.first = INT64_MIN};
	lane->free_timers = NULL;
}

static void
forget(struct lane *lane, int64_t id)
{
	struct timer_entry *entry = map_remove(&lane->jobs, id);

	if (entry == NULL)
		return;
	ordered_remove(lane->due, (struct order){.first = entry->due_us, .id = id});
	entry->next_free = lane->free_timers;
	lane->free_timers = entry;
}

void
timers_put_back(struct lane *lane, int64_t id, int64_t due_us)
{
	struct timer_entry *entry;

	forget(lane, id);
	entry = lane->free_timers;
	if (entry != NULL)
		lane->free_timers = entry->next_free;
	else
		entry = ARENA_NEW(lane->arena, struct timer_entry);
	*entry = (struct timer_entry){.id = id, .due_us = due_us};
	map_put(&lane->jobs, id, entry);
	ordered_add(lane->due, (struct order){.first = due_us, .id = id});
}

/* Keeps what lies before the horizon; the store remembers the rest. */
static void
timers_add(struct lane *lane, int64_t id, int64_t due_us)
{
	if (due_us < lane->horizon.first || (due_us == lane->horizon.first && id < lane->horizon.id))
		timers_put_back(lane, id, due_us);
	else
		forget(lane, id);
}

void
timers_sync(struct lane *lane, struct tree *tree, int64_t id)
{
	const struct job *job = tree_job(tree, id);

	if (job == NULL || job->retries <= 0 || job->host->instance->suspended)
		forget(lane, id);
	else
		timers_add(lane, id, job->due_us != WHEN_NONE ? job->due_us : job->created_us);
}

size_t
timers_due(struct lane *lane, int64_t now_us, size_t limit, int64_t *ids)
{
	struct order order;
	size_t n = 0;

	while (n < limit && ordered_first(lane->due, &order) && order.first <= now_us) {
		forget(lane, order.id);
		ids[n++] = order.id;
	}
	return n;
}

bool
timers_take(struct lane *lane, int64_t id)
{
	const struct timer_entry *entry = map_get(&lane->jobs, id);

	if (entry == NULL || entry->due_us > lane->last_now_us)
		return false;
	forget(lane, id);
	return true;
}

static int64_t
window_us(const struct lane *lane)
{
	return lane->config.settings->job_window_seconds * SECOND_US;
}

static bool
horizon_is_near(const struct lane *lane, int64_t now_us)
{
	return lane->horizon.first == INT64_MIN || lane->horizon.first <= now_us + window_us(lane) / 2;
}

bool
timers_want_store(const struct lane *lane)
{
	return horizon_is_near(lane, lane->last_now_us) ||
		(lane->config.settings->executor && timers_next_us(lane) <= lane->last_now_us);
}

enum status
timers_refill(struct lane *lane, int64_t now_us, struct error *err)
{
	int64_t until_us = now_us + window_us(lane);
	struct order horizon = lane->horizon;
	struct due_job *jobs;
	size_t count, i;

	if (!horizon_is_near(lane, now_us))
		return OK;
	TRY(lane->config.store->ops->jobs(lane->config.store, until_us, horizon.first, horizon.id - 1, REFILL,
		lane->scratch, &jobs, &count, err));
	if (count == REFILL)
		lane->horizon = (struct order){.first = jobs[count - 1].due_us, .id = jobs[count - 1].id + 1};
	else if (until_us > horizon.first)
		lane->horizon = (struct order){.first = until_us};
	for (i = 0; i < count; i++)
		timers_add(lane, jobs[i].id, jobs[i].due_us);
	return OK;
}

int64_t
timers_next_us(const struct lane *lane)
{
	struct order order;

	return ordered_first(lane->due, &order) ? order.first : INT64_MAX;
}
