/* SPDX-License-Identifier: Apache-2.0
 * External tasks as a fetch wants them: ready queues per topic and definition, and the locks that will run out.  A
 * queue is a window of the store's order: what lies behind it is fetched when the window runs dry, so no task is
 * forgotten. */
#include "lane/lane_priv.h"

#include <string.h>

#include "base/counters.h"

enum {
	SCAN_PAGE = 10000,	/* rows a scan reads at once */
	FILTER_PAGE = 1000,	/* candidates asked about in one statement */
};

void
tasks_init(struct lane *lane)
{
	lane->locks = ordered_new();
	lane->rescan_us = INT64_MAX;
}

void
tasks_clear(struct lane *lane)
{
	struct queue *queue;

	for (queue = lane->queues; queue != NULL; queue = queue->next)
		ordered_free(queue->tasks);
	lane->queues = NULL;
	lane->free_waiting = NULL;
	ordered_clear(lane->locks);
	lane->rescan_us = INT64_MAX;
}

static struct queue *
queue_of(struct lane *lane, const char *topic, int32_t definition)
{
	struct queue *first = map_get_text(&lane->topics, topic), *queue;

	for (queue = first; queue != NULL; queue = queue->next_of_topic)
		if (queue->definition == definition)
			return queue;
	queue = ARENA_NEW(lane->arena, struct queue);
	*queue = (struct queue){
		.topic = first != NULL ? first->topic : arena_strdup(lane->arena, topic),
		.definition = definition,
		.tasks = ordered_new(),
		.behind = {.first = INT64_MAX},
		.next_of_topic = first,
		.next = lane->queues,
	};
	lane->queues = queue;
	map_put_text(&lane->topics, queue->topic, queue);
	return queue;
}

static struct order
order_of(const struct waiting *waiting)
{
	return (struct order){.first = -waiting->priority, .second = waiting->created_us, .id = waiting->id};
}

void
tasks_forget(struct lane *lane, int64_t id)
{
	struct waiting *waiting = map_remove(&lane->tasks, id);

	if (waiting == NULL)
		return;
	if (waiting->queued)
		ordered_remove(waiting->queue->tasks, order_of(waiting));
	if (waiting->locked)
		ordered_remove(lane->locks, (struct order){.first = waiting->until_us, .id = id});
	waiting->next_free = lane->free_waiting;
	lane->free_waiting = waiting;
}

static bool
order_less(struct order a, struct order b)
{
	if (a.first != b.first)
		return a.first < b.first;
	return a.second != b.second ? a.second < b.second : a.id < b.id;
}

static bool
window_is_full(const struct lane *lane, const struct queue *queue)
{
	return ordered_count(queue->tasks) >= (size_t)lane->config.settings->ready_window;
}

/* The store alone knows the task from now on. */
static void
leave_to_store(struct lane *lane, struct waiting *waiting)
{
	struct queue *queue = waiting->queue;
	struct order before = order_of(waiting);

	before.id--;
	if (!queue->more || order_less(before, queue->behind))
		queue->behind = before;
	queue->more = true;
	tasks_forget(lane, waiting->id);
}

/* Puts the task into its queue.  A window holds the best there are: when it is full the last gives way, and while the
 * store has better ones than this it stays there too. */
static void
enqueue(struct lane *lane, struct waiting *waiting)
{
	struct queue *queue = waiting->queue;
	struct order last, order = order_of(waiting);

	queue->announced = true;
	if (queue->more && order_less(queue->behind, order)) {
		tasks_forget(lane, waiting->id);
		return;
	}
	if (window_is_full(lane, queue) && ordered_last(queue->tasks, &last)) {
		if (order_less(last, order)) {
			leave_to_store(lane, waiting);
			return;
		}
		leave_to_store(lane, map_get(&lane->tasks, last.id));
	}
	waiting->queued = ordered_add(queue->tasks, order);
}

/* A task as it stands: ready now, or when its lock has run out. */
static void
offer(struct lane *lane, const struct ready_task *task, int64_t now_us)
{
	struct waiting *waiting;

	tasks_forget(lane, task->id);
	waiting = lane->free_waiting;
	if (waiting != NULL)
		lane->free_waiting = waiting->next_free;
	else
		waiting = ARENA_NEW(lane->arena, struct waiting);
	*waiting = (struct waiting){
		.id = task->id,
		.queue = queue_of(lane, task->topic, task->definition),
		.priority = task->priority,
		.created_us = task->created_us,
		.until_us = task->until_us,
	};
	map_put(&lane->tasks, task->id, waiting);
	if (task->until_us == WHEN_NONE || task->until_us <= now_us) {
		enqueue(lane, waiting);
		return;
	}
	/* far and many: let the store remember them, and look again when the first may have run out */
	if (ordered_count(lane->locks) >= (size_t)lane->config.settings->ready_window * 10) {
		if (task->until_us < lane->rescan_us)
			lane->rescan_us = task->until_us;
		tasks_forget(lane, task->id);
		return;
	}
	waiting->locked = ordered_add(lane->locks, (struct order){.first = task->until_us, .id = task->id});
}

void
tasks_sync(struct lane *lane, struct tree *tree, int64_t id)
{
	const struct activity *activity = tree_activity(tree, id);

	if (activity == NULL || activity->external.topic == NULL || activity->state != ACTIVITY_active ||
	    activity->external.retries == 0 || activity->instance->suspended) {
		tasks_forget(lane, id);
		return;
	}
	offer(lane,
		&(struct ready_task){
			.id = id,
			.instance = activity->instance->id,
			.definition = activity->instance->definition->id,
			.topic = activity->external.topic,
			.priority = activity->external.priority,
			.created_us = activity->started_us,
			.until_us = activity->external.until_us,
		},
		lane->last_now_us);
}

enum status
tasks_scan(struct lane *lane, struct error *err)
{
	struct ready_task after = {0}, *tasks;
	struct arena *page = arena_new();
	enum status status = OK;
	size_t count, i;

	lane->rescan_us = INT64_MAX;
	do {
		arena_reset(page);
		status = lane->config.store->ops->ready(lane->config.store, NULL, 0, &after, SCAN_PAGE, page, &tasks,
			&count, err);
		if (status != OK)
			break;
		for (i = 0; i < count; i++)
			offer(lane, &tasks[i], lane->last_now_us);
		if (count > 0)
			after.id = tasks[count - 1].id;
	} while (count == SCAN_PAGE);
	arena_free(page);
	return status;
}

/* One page from behind what was read before; false when there is none, or weather. */
static bool
refill_page(struct lane *lane, struct queue *queue)
{
	const struct order behind = queue->behind;
	const struct ready_task after = {.priority = -behind.first, .created_us = behind.second, .id = behind.id};
	size_t count, i, limit = (size_t)lane->config.settings->ready_window;
	struct ready_task *tasks;
	struct error err;

	if (lane->config.store->ops->ready(lane->config.store, queue->topic, queue->definition, &after, limit,
		    lane->scratch, &tasks, &count, &err) != OK)
		return false;
	queue->more = count == limit;
	if (queue->more)
		queue->behind = (struct order){
			.first = -tasks[count - 1].priority,
			.second = tasks[count - 1].created_us,
			.id = tasks[count - 1].id,
		};
	for (i = 0; i < count; i++)
		offer(lane, &tasks[i], lane->last_now_us);
	return queue->more;
}

/* Fills a window that ran dry from the store.  Many of a page may be locked, so it can take several. */
static void
refill(struct lane *lane, struct queue *queue)
{
	while (ordered_count(queue->tasks) == 0 && refill_page(lane, queue))
		;
}

bool
tasks_want_store(const struct lane *lane)
{
	const struct queue *queue;

	for (queue = lane->queues; queue != NULL; queue = queue->next)
		if (queue->more && ordered_count(queue->tasks) == 0)
			return true;
	return lane->rescan_us <= lane->last_now_us;
}

void
tasks_refill(struct lane *lane)
{
	struct queue *queue;
	struct error err;

	for (queue = lane->queues; queue != NULL; queue = queue->next)
		if (queue->more && ordered_count(queue->tasks) == 0)
			refill(lane, queue);
	if (lane->rescan_us <= lane->last_now_us && tasks_scan(lane, &err) != OK)
		lane->rescan_us = lane->last_now_us;
}

void
tasks_expire(struct lane *lane, int64_t now_us)
{
	struct waiting *waiting;
	struct order order;

	while (ordered_first(lane->locks, &order) && order.first <= now_us) {
		ordered_remove(lane->locks, order);
		waiting = map_get(&lane->tasks, order.id);
		waiting->locked = false;
		enqueue(lane, waiting);
	}
}

int64_t
tasks_next_us(const struct lane *lane)
{
	struct order order;
	int64_t next = lane->rescan_us;

	if (ordered_first(lane->locks, &order) && order.first < next)
		next = order.first;
	return next;
}

void
tasks_announce(struct lane *lane)
{
	struct queue *queue;

	for (queue = lane->queues; queue != NULL; queue = queue->next) {
		if (!queue->announced)
			continue;
		queue->announced = false;
		if (lane->config.ready != NULL && (queue->more || ordered_count(queue->tasks) > 0))
			lane->config.ready(lane->config.context, lane, queue->topic);
	}
}

void
tasks_put_back(struct lane *lane, int64_t id)
{
	struct waiting *waiting = map_get(&lane->tasks, id);

	if (waiting != NULL && !waiting->queued && !waiting->locked)
		enqueue(lane, waiting);
}

void
tasks_postpone(struct lane *lane, int64_t id, int64_t until_us)
{
	struct waiting *waiting = map_get(&lane->tasks, id);

	if (waiting == NULL || waiting->locked)
		return;
	if (waiting->queued)
		ordered_remove(waiting->queue->tasks, order_of(waiting));
	waiting->queued = false;
	waiting->until_us = until_us;
	waiting->locked = ordered_add(lane->locks, (struct order){.first = until_us, .id = id});
}

size_t
lane_ready(const struct lane *lane, const char *topic)
{
	const struct queue *queue;
	size_t n = 0;

	for (queue = map_get_text(&lane->topics, topic); queue != NULL; queue = queue->next_of_topic)
		n += ordered_count(queue->tasks) + queue->more;
	return n;
}

/* ---- picking ------------------------------------------------------------------------------------------ */

static bool
any_of(const char *const *list, size_t count, const char *text)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (text_equal(list[i], text))
			return true;
	return false;
}

/* SQL's LIKE with % and _, as the version tag of a fetch is compared; iterative, so that no pattern is slow. */
static bool
like(const char *pattern, const char *text)
{
	const char *star = NULL, *mark = NULL;

	while (*text != '\0') {
		if (*pattern == '%') {
			star = ++pattern;
			mark = text;
		} else if (*pattern == '_' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star != NULL) {
			pattern = star;
			text = ++mark;
		} else {
			return false;
		}
	}
	while (*pattern == '%')
		pattern++;
	return *pattern == '\0';
}

/* What can be decided by the definition alone, once per queue. */
static bool
topic_takes(const struct lane *lane, const struct fetch_topic *topic, const struct queue *queue)
{
	const struct definition *definition;

	definition = lane->config.definitions->get(lane->config.definitions->context, queue->definition);
	if (definition == NULL)
		return false;
	if (topic->definition_id_count > 0 &&
	    !any_of(topic->definition_ids, topic->definition_id_count, definition->wire_id))
		return false;
	if (topic->definition_key_count > 0 &&
	    !any_of(topic->definition_keys, topic->definition_key_count, definition->key))
		return false;
	if (topic->version_tag != NULL && (definition->program->version_tag == NULL ||
		    !like(topic->version_tag, definition->program->version_tag)))
		return false;
	if (topic->without_tenant && definition->tenant != NULL)
		return false;
	return topic->tenant_count == 0 ||
		(definition->tenant != NULL && any_of(topic->tenants, topic->tenant_count, definition->tenant));
}

/* A place in a queue, on behalf of a topic of the fetch. */
struct cursor {
	struct queue *queue;
	const struct fetch_topic *topic;
	struct order at;
	bool valid;
	struct order *matches;		/* rare filters: what remained, in order; else NULL */
	size_t match_count, match_next;
};

/* The tasks of the window that fulfil business key and process variables: asked of the store in pages. */
static void
filter_window(struct lane *lane, struct cursor *cursor)
{
	int64_t *ids = ARENA_ARRAY(lane->scratch, int64_t, FILTER_PAGE);
	struct order *orders = ARENA_ARRAY(lane->scratch, struct order, FILTER_PAGE);
	bool *keep = ARENA_ARRAY(lane->scratch, bool, FILTER_PAGE);
	struct order at;
	struct error err;
	size_t i, n;
	bool more;

	cursor->matches = ARENA_ARRAY(lane->scratch, struct order, ordered_count(cursor->queue->tasks));
	more = ordered_first(cursor->queue->tasks, &at);
	while (more) {
		for (n = 0; more && n < FILTER_PAGE; n++) {
			orders[n] = at;
			ids[n] = at.id;
			more = ordered_next(cursor->queue->tasks, at, &at);
		}
		memset(keep, 0, n * sizeof *keep);
		if (lane->config.store->ops->filter(lane->config.store, ids, n, cursor->topic->business_key,
			    &cursor->topic->process_variables, keep, &err) != OK)
			return;
		for (i = 0; i < n; i++)
			if (keep[i])
				cursor->matches[cursor->match_count++] = orders[i];
	}
}

static void
cursor_start(struct lane *lane, struct cursor *cursor)
{
	if (cursor->topic->business_key != NULL || cursor->topic->process_variables.count > 0) {
		filter_window(lane, cursor);
		cursor->valid = cursor->match_count > 0;
		if (cursor->valid)
			cursor->at = cursor->matches[0];
		return;
	}
	cursor->valid = ordered_first(cursor->queue->tasks, &cursor->at);
}

static void
cursor_next(struct cursor *cursor)
{
	if (cursor->matches == NULL) {
		cursor->valid = ordered_next(cursor->queue->tasks, cursor->at, &cursor->at);
		return;
	}
	cursor->valid = ++cursor->match_next < cursor->match_count;
	if (cursor->valid)
		cursor->at = cursor->matches[cursor->match_next];
}

/* How the fetch wants its tasks ordered: priority counts only when asked for. */
static struct order
wanted_order(const struct fetch *fetch, struct order at)
{
	if (!fetch->use_priority && fetch->order != FETCH_any)
		at.first = 0;
	if (fetch->order == FETCH_newest)
		at.second = -at.second;
	return at;
}

static size_t
cursors_of(struct lane *lane, const struct fetch *fetch, struct cursor **cursors)
{
	struct queue *queue;
	size_t i, n = 0, room = 0;

	for (i = 0; i < fetch->topic_count; i++)
		for (queue = map_get_text(&lane->topics, fetch->topics[i].topic); queue != NULL;
		     queue = queue->next_of_topic)
			room++;
	*cursors = ARENA_ARRAY(lane->scratch, struct cursor, room);
	for (i = 0; i < fetch->topic_count; i++)
		for (queue = map_get_text(&lane->topics, fetch->topics[i].topic); queue != NULL;
		     queue = queue->next_of_topic) {
			if (!topic_takes(lane, &fetch->topics[i], queue))
				continue;
			(*cursors)[n] = (struct cursor){.queue = queue, .topic = &fetch->topics[i]};
			cursor_start(lane, &(*cursors)[n++]);
		}
	return n;
}

/* Takes the task out of its queue; false when another topic of the same fetch took it already. */
static bool
take(struct lane *lane, struct queue *queue, struct order at)
{
	struct waiting *waiting = map_get(&lane->tasks, at.id);

	if (waiting == NULL || !waiting->queued || !ordered_remove(queue->tasks, at))
		return false;
	waiting->queued = false;
	return true;
}

/* Oldest or newest first without priority: the windows are in another order, so look at all of them. */
static size_t
pick_sorted(struct lane *lane, const struct fetch *fetch, struct cursor *cursors, size_t n, size_t limit, int64_t *ids,
	const struct fetch_topic **topics)
{
	struct order best_order = { 0 }, order;
	struct cursor *cursor, scan, best;
	size_t picked = 0, i;

	while (picked < limit) {
		best.queue = NULL;
		for (i = 0; i < n; i++) {
			cursor = &cursors[i];
			scan = *cursor;
			scan.match_next = 0;
			scan.valid = scan.matches != NULL ? scan.match_count > 0 :
							    ordered_first(scan.queue->tasks, &scan.at);
			if (scan.matches != NULL && scan.valid)
				scan.at = scan.matches[0];
			for (; scan.valid; cursor_next(&scan)) {
				const struct waiting *waiting = map_get(&lane->tasks, scan.at.id);

				if (waiting == NULL || !waiting->queued)
					continue;
				order = wanted_order(fetch, scan.at);
				if (best.queue == NULL || order_less(order, best_order)) {
					best = scan;
					best_order = order;
				}
			}
		}
		if (best.queue == NULL || !take(lane, best.queue, best.at))
			break;
		ids[picked] = best.at.id;
		topics[picked++] = best.topic;
	}
	return picked;
}

size_t
tasks_pick(struct lane *lane, const struct fetch *fetch, size_t limit, int64_t *ids, const struct fetch_topic **topics)
{
	struct cursor *cursors, *best;
	struct order at;
	size_t n = cursors_of(lane, fetch, &cursors), picked = 0, i;

	if (fetch->order == FETCH_newest || (fetch->order == FETCH_oldest && !fetch->use_priority))
		return pick_sorted(lane, fetch, cursors, n, limit, ids, topics);
	while (picked < limit) {
		best = NULL;
		for (i = 0; i < n; i++)
			if (cursors[i].valid && (best == NULL || order_less(cursors[i].at, best->at)))
				best = &cursors[i];
		if (best == NULL)
			break;
		at = best->at;
		cursor_next(best);
		if (!take(lane, best->queue, at))
			continue;
		ids[picked] = at.id;
		topics[picked++] = best->topic;
	}
	return picked;
}
