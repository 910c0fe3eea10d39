/* SPDX-License-Identifier: Apache-2.0
 * The event history of an instance, beyond Camunda: what was asked, by whom, and what it changed, in the order in which
 * it was committed.  It is the log that replay reads, so nothing that happened is missing from it. */
#include "api/command.h"
#include "api/handlers.h"

#include <string.h>

#include "base/map.h"

enum { PAGE = 100, LONGEST_PAGE = 1000 };

struct page {
	struct exchange *exchange;
	int64_t root;
	struct stored_event *events;
	struct effects *effects;	/* by event */
	size_t count;
	int64_t *ids;			/* activities that are named by id alone */
	size_t id_count, id_capacity;
	struct map keys;		/* activity to its element's key, as a pointer */
};

/* ---- which elements the activities are of -------------------------------------------------------------------------
 * */

/* The activity an effect is about; 0 when it is about none, or says its element itself. */
static int64_t
activity_of(const struct effect *effect)
{
	switch (effect->kind) {
	case EFFECT_activity_close:
		return effect->activity_close.activity;
	case EFFECT_activity_state:
		return effect->activity_state.activity;
	case EFFECT_task_open:
		return effect->task_open.activity;
	case EFFECT_task_lock:
		return effect->task_lock.activity;
	case EFFECT_task_fail:
		return effect->task_fail.activity;
	case EFFECT_task_priority:
		return effect->task_priority.activity;
	case EFFECT_user_open:
		return effect->user_open.activity;
	case EFFECT_user_assign:
		return effect->user_assign.activity;
	case EFFECT_variable_set:
		return effect->variable_set.scope;
	case EFFECT_variable_drop:
		return effect->variable_drop.scope;
	case EFFECT_incident_open:
		return effect->incident_open.activity;
	case EFFECT_instance_open:
	case EFFECT_instance_close:
	case EFFECT_instance_suspend:
	case EFFECT_activity_open:
	case EFFECT_job_open:
	case EFFECT_job_set:
	case EFFECT_job_close:
	case EFFECT_incident_close:
		return 0;
	}
	return 0;
}

static void
remember(struct page *page, int64_t id, int32_t key)
{
	map_put(&page->keys, id, (void *)(intptr_t)key);
}

static int32_t
key_of(const struct page *page, int64_t id)
{
	return id != 0 ? (int32_t)(intptr_t)map_get(&page->keys, id) : 0;
}

/* Activities opened on this page are known from it; the others are asked for. */
static void
collect(struct page *page, const struct effects *effects)
{
	for (size_t i = 0; i < effects->count; i++) {
		const struct effect *effect = &effects->list[i];
		int64_t id = activity_of(effect);

		if (effect->kind == EFFECT_activity_open)
			remember(page, effect->activity_open.activity, (int32_t)effect->activity_open.key);
		if (id == 0 || id == page->root || map_get(&page->keys, id) != NULL)
			continue;
		page->ids = arena_grow(page->exchange->arena, page->ids, sizeof *page->ids, page->id_count,
			&page->id_capacity);
		page->ids[page->id_count++] = id;
	}
}

static enum status
resolve(struct page *page, struct reader *reader, struct error *err)
{
	int32_t *keys = ARENA_ARRAY(page->exchange->arena, int32_t, page->id_count);

	if (page->id_count == 0)
		return OK;
	TRY(store_elements(reader, page->root, page->ids, page->id_count, keys, err));
	for (size_t i = 0; i < page->id_count; i++)
		if (keys[i] != 0)
			remember(page, page->ids[i], keys[i]);
	return OK;
}

static enum status
read_page(struct page *page, struct reader *reader, int64_t after, size_t limit, struct error *err)
{
	struct arena *arena = page->exchange->arena;

	TRY(store_events(reader, arena, page->root, after, limit, &page->events, &page->count, err));
	page->effects = ARENA_ARRAY(arena, struct effects, page->count);
	for (size_t i = 0; i < page->count; i++) {
		effects_init(&page->effects[i], arena);
		TRY(effects_decode(page->events[i].data, page->events[i].length, &page->effects[i], err));
		collect(page, &page->effects[i]);
	}
	return resolve(page, reader, err);
}

/* ---- as JSON
 * --------------------------------------------------------------------------------------------------------- */

/* Members that are left out when there is nothing to say. */
static void
put_text(struct json *json, const char *name, const char *text)
{
	if (text == NULL)
		return;
	json_put_string(json, name, text);
}

static void
put_date(struct json *json, const char *name, int64_t us)
{
	if (us == WHEN_NONE)
		return;
	json_put_date(json, name, us);
}

static void
put_element(struct json *json, const struct program *program, int32_t key)
{
	const struct node *node = key != 0 && program != NULL ? program_node(program, key) : NULL;

	if (node == NULL)
		return;
	put_text(json, "elementId", node->id);
	put_text(json, "elementName", node->name);
}

static const char *const state_words[] = {
	[ACTIVITY_active] = "active", [ACTIVITY_before] = "waiting-before", [ACTIVITY_after] = "waiting-after",
	[ACTIVITY_joining] = "joining",
};
static const char *const end_words[] = {
	[INSTANCE_active] = "ACTIVE", [INSTANCE_completed] = "COMPLETED",
	[INSTANCE_externally_terminated] = "EXTERNALLY_TERMINATED",
	[INSTANCE_internally_terminated] = "INTERNALLY_TERMINATED",
};
static const char *const job_words[] = {
	[JOB_timer] = "timer", [JOB_before] = "continuation-before", [JOB_after] = "continuation-after",
	[JOB_instances] = "next-instances",
};

/* What is particular to each effect; variables are named, their values are the history's. */
static void
put_details(struct json *json, const struct program *program, const struct effect *effect)
{
	switch (effect->kind) {
	case EFFECT_instance_open:
		put_text(json, "businessKey", effect->instance_open.business_key);
		break;
	case EFFECT_instance_close:
		put_text(json, "state", end_words[effect->instance_close.state & 3]);
		put_text(json, "reason", effect->instance_close.reason);
		break;
	case EFFECT_instance_suspend:
		json_put_bool(json, "suspended", effect->instance_suspend.suspended != 0);
		break;
	case EFFECT_activity_open:
		put_text(json, "state", state_words[effect->activity_open.state & 3]);
		break;
	case EFFECT_activity_state:
		put_text(json, "state", state_words[effect->activity_state.state & 3]);
		break;
	case EFFECT_activity_close:
		json_put_bool(json, "canceled", effect->activity_close.canceled != 0);
		break;
	case EFFECT_task_open:
		put_text(json, "topic", effect->task_open.topic);
		break;
	case EFFECT_task_lock:
		put_text(json, "workerId", effect->task_lock.worker);
		put_date(json, "until", effect->task_lock.until_us);
		break;
	case EFFECT_task_fail:
		json_put_int(json, "retries", effect->task_fail.retries);
		break;
	case EFFECT_task_priority:
		json_put_int(json, "priority", effect->task_priority.priority);
		break;
	case EFFECT_user_open:
		put_text(json, "name", effect->user_open.name);
		put_text(json, "assignee", effect->user_open.assignee);
		break;
	case EFFECT_user_assign:
		put_text(json, "assignee", effect->user_assign.assignee);
		break;
	case EFFECT_variable_set:
		put_text(json, "name", effect->variable_set.name);
		put_text(json, "type", value_type_name(effect->variable_set.value.type));
		break;
	case EFFECT_variable_drop:
		put_text(json, "name", effect->variable_drop.name);
		break;
	case EFFECT_job_open:
		put_element(json, program, (int32_t)effect->job_open.key);
		put_text(json, "kind", job_words[effect->job_open.kind & 3]);
		put_date(json, "due", effect->job_open.due_us);
		break;
	case EFFECT_job_set:
		json_put_int(json, "retries", effect->job_set.retries);
		put_date(json, "due", effect->job_set.due_us);
		break;
	case EFFECT_incident_open:
		put_text(json, "message", effect->incident_open.message);
		break;
	case EFFECT_job_close:
		break;
	case EFFECT_incident_close:
		json_put_bool(json, "resolved", effect->incident_close.resolved != 0);
		break;
	}
}

static void
put_change(const struct page *page, const struct program *program, const struct effect *effect)
{
	struct json *json = &page->exchange->writer;
	int64_t activity = effect->kind == EFFECT_activity_open ? effect->activity_open.activity : activity_of(effect);

	json_open(json, '{');
	put_text(json, "change", effect_name(effect->kind));
	put_element(json, program, key_of(page, activity));
	if (activity != 0) {
		json_put_id(json, "executionId", activity);
	}
	put_details(json, program, effect);
	json_close(json, '}');
}

static void
put_event(const struct page *page, size_t number)
{
	const struct definitions *definitions = page->exchange->backend->definitions;
	const struct stored_event *event = &page->events[number];
	const struct definition *definition = definitions->get(definitions->context, event->definition);
	const struct program *program = definition != NULL ? definition->program : NULL;
	struct json *json = &page->exchange->writer;

	json_open(json, '{');
	json_put_id(json, "id", event->id);
	put_date(json, "time", event->at_us);
	put_text(json, "event", command_word((enum command_kind)event->kind));
	put_element(json, program, event->elem);
	put_text(json, "workerId", event->worker);
	put_date(json, "lockedAt", event->locked_us);
	put_text(json, "message", event->message);
	json_key(json, "changes");
	json_open(json, '[');
	for (size_t i = 0; i < page->effects[number].count; i++)
		put_change(page, program, &page->effects[number].list[i]);
	json_close(json, ']');
	json_close(json, '}');
}

/* A number of the query between 1 and most, or the default. */
static bool
read_number(struct exchange *exchange, const char *name, int64_t otherwise, int64_t least, int64_t most,
	int64_t *number)
{
	const char *text = exchange_query(exchange, name);

	*number = otherwise;
	if (text == NULL || (text_to_int(text, number) && *number >= least && *number <= most))
		return true;
	reply_error(exchange, E_invalid_request, "The query parameter '%s' is a number from %lld to %lld, not '%s'",
		name,
		(long long)least, (long long)most, text);
	return false;
}

void
list_events(struct exchange *exchange, struct reader *reader)
{
	struct page page = { .exchange = exchange };
	struct json *json = &exchange->writer;
	int64_t after, limit;
	struct error err;

	if (!read_number(exchange, "after", 0, 0, INT64_MAX, &after) ||
	    !read_number(exchange, "maxResults", PAGE, 1, LONGEST_PAGE, &limit))
		return;
	map_init(&page.keys, exchange->arena);
	if (!path_id(exchange, 0, &page.root)) {
		reply_error(exchange, E_invalid_missing, "Process instance with id %s does not exist",
			exchange->params[0]);
		return;
	}
	if (read_page(&page, reader, after, (size_t)limit, &err) != OK) {
		exchange_error(exchange, &err);
		return;
	}
	if (page.count == 0 && after == 0) {
		reply_error(exchange, E_invalid_missing, "Process instance with id %s does not exist",
			exchange->params[0]);
		return;
	}
	json_open(json, '{');
	json_key(json, "events");
	json_open(json, '[');
	for (size_t i = 0; i < page.count; i++)
		put_event(&page, i);
	json_close(json, ']');
	json_put_id(json, "next", page.count == (size_t)limit ? page.events[page.count - 1].id : 0);
	json_close(json, '}');
	exchange_json(exchange);
}
