/* SPDX-License-Identifier: Apache-2.0
 * What a story expects of the engine in memory: lists of elements, values, fields as REST names them. */
#include "tests/stories/teller.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "base/when.h"

/* ---- comparing -------------------------------------------------------------------------------------------- */

const char *
value_as_json(struct arena *arena, const struct value *value)
{
	struct value opened;
	struct error ignored;
	struct text text;
	struct json json;

	if (value_open(arena, value, &opened, &ignored) != OK)
		opened = *value;
	text_init(&text, arena);
	json_init(&json, &text);
	json_value(&json, &opened);
	return text_string(&text);
}

static const struct value *
entry_value(const struct entries *entries, const char *name)
{
	size_t i;

	for (i = 0; i < entries->count; i++)
		if (text_equal(entries->list[i].name, name))
			return &entries->list[i].value;
	return NULL;
}

bool
entries_within(struct arena *arena, const struct entries *wanted, const struct entries *there)
{
	const struct value *value;
	const char *want;
	size_t i;

	for (i = 0; i < wanted->count; i++) {
		value = entry_value(there, wanted->list[i].name);
		want = value_as_json(arena, &wanted->list[i].value);
		if (value == NULL || !text_equal(value_as_json(arena, value), want))
			return false;
	}
	return true;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *
joined(struct arena *arena, const char *const *list, size_t count)
{
	struct text text;
	size_t i;

	text_init(&text, arena);
	for (i = 0; i < count; i++)
		text_printf(&text, "%s%s", i > 0 ? " " : "", list[i]);
	return count > 0 ? text_string(&text) : "nothing";
}

enum status
compare_lists(struct arena *arena, const struct words *wanted, size_t from, const char **got, size_t count,
	struct error *err)
{
	size_t wanted_count = wanted->count - from, i;
	const char **sorted = arena_copy(arena, wanted->list + from, wanted_count * sizeof *sorted);
	bool same;

	if (wanted_count == 0)
		return FAIL(err, invalid_request, "expect nothing is written 'nothing'");
	if (wanted_count == 1 && text_equal(sorted[0], "nothing"))
		wanted_count = 0;
	qsort(sorted, wanted_count, sizeof *sorted, by_text);
	if (count > 0)
		qsort(got, count, sizeof *got, by_text);
	same = wanted_count == count;
	for (i = 0; same && i < count; i++)
		same = text_equal(sorted[i], got[i]);
	if (same)
		return OK;
	return FAIL(err, engine, "expected %s, got %s", joined(arena, sorted, wanted_count), joined(arena, got, count));
}

/* ---- lists of elements ------------------------------------------------------------------------------------- */

struct list {
	const char **ids;
	size_t count, capacity;
};

static void
list_add(struct arena *arena, struct list *list, const char *id)
{
	list->ids = arena_grow(arena, list->ids, sizeof *list->ids, list->count, &list->capacity);
	list->ids[list->count++] = id;
}

typedef void list_visit(struct arena *arena, const struct activity *activity, struct list *list);

static void
list_open(struct arena *arena, const struct activity *activity, struct list *list)
{
	list_add(arena, list, activity->node->id);
}

static void
list_tasks(struct arena *arena, const struct activity *activity, struct list *list)
{
	if (activity->state == ACTIVITY_active && (activity->external.topic != NULL || activity->human != NULL))
		list_add(arena, list, activity->node->id);
}

static void
list_jobs(struct arena *arena, const struct activity *activity, struct list *list)
{
	const struct job *job;

	for (job = activity->jobs; job != NULL; job = job->next)
		list_add(arena, list, program_node(activity->instance->definition->program, job->key)->id);
}

static void
list_incidents(struct arena *arena, const struct activity *activity, struct list *list)
{
	const struct incident *incident;

	for (incident = activity->incidents; incident != NULL; incident = incident->next)
		list_add(arena, list, activity->node->id);
}

static enum status
compare_visited(struct teller *teller, const struct step *step, list_visit *visit, struct error *err)
{
	struct activity *at = NULL;
	struct list list = {0};
	struct actor *actor;

	TRY(teller_actor(teller, step, &actor, err));
	while ((at = sim_next(actor->sim, at)) != NULL)
		visit(teller->arena, at, &list);
	return compare_lists(teller->arena, &step->words, 1, list.ids, list.count, err);
}

static enum status
expect_at(struct teller *teller, const struct step *step, struct error *err)
{
	return compare_visited(teller, step, list_open, err);
}

static enum status
expect_tasks(struct teller *teller, const struct step *step, struct error *err)
{
	return compare_visited(teller, step, list_tasks, err);
}

static enum status
expect_jobs(struct teller *teller, const struct step *step, struct error *err)
{
	return compare_visited(teller, step, list_jobs, err);
}

static enum status
expect_incidents(struct teller *teller, const struct step *step, struct error *err)
{
	return compare_visited(teller, step, list_incidents, err);
}

static enum status
expect_history(struct teller *teller, const struct step *step, struct error *err)
{
	const struct effect *effect;
	struct list list = {0};
	struct actor *actor;
	size_t i;

	TRY(teller_actor(teller, step, &actor, err));
	for (i = 0; i < actor->sim->effects.count; i++) {
		effect = &actor->sim->effects.list[i];
		if (effect->kind != EFFECT_activity_close || effect->on.activity->state == ACTIVITY_before ||
		    effect->on.activity->state == ACTIVITY_after)
			continue;
		list_add(teller->arena, &list, arena_printf(teller->arena, "%s%s",
			effect->activity_close.canceled ? "-" : "", effect->on.activity->node->id));
	}
	return compare_lists(teller->arena, &step->words, 1, list.ids, list.count, err);
}

/* ---- the instance ------------------------------------------------------------------------------------------ */

static const char *
state_of(struct actor *actor)
{
	static const char *const ended[] = {
		[INSTANCE_completed] = "COMPLETED",
		[INSTANCE_externally_terminated] = "EXTERNALLY_TERMINATED",
		[INSTANCE_internally_terminated] = "INTERNALLY_TERMINATED",
	};
	const struct instance *root = actor->sim->tree->root;

	if (sim_ended(actor->sim))
		return ended[root->state];
	return root->suspended ? "SUSPENDED" : "ACTIVE";
}

static enum status
compare_state(struct teller *teller, const struct step *step, const char *wanted, struct error *err)
{
	struct actor *actor;

	TRY(teller_actor(teller, step, &actor, err));
	if (text_equal(state_of(actor), wanted))
		return OK;
	return FAIL(err, engine, "expected state %s, got %s", wanted, state_of(actor));
}

static enum status
expect_ended(struct teller *teller, const struct step *step, struct error *err)
{
	return compare_state(teller, step, "COMPLETED", err);
}

static enum status
expect_state(struct teller *teller, const struct step *step, struct error *err)
{
	if (step->words.count != 2)
		return FAIL(err, invalid_request, "expect state STATE");
	return compare_state(teller, step, step->words.list[1], err);
}

static enum status
expect_variables(struct teller *teller, const struct step *step, struct error *err)
{
	const struct variable *variable;
	const char *wanted, *got;
	struct entries entries;
	struct actor *actor;
	size_t i;

	TRY(teller_actor(teller, step, &actor, err));
	TRY(words_entries(teller->arena, &step->words, 1, &entries, err));
	for (i = 0; i < entries.count; i++) {
		variable = tree_variable_local(&actor->sim->tree->root->activity, entries.list[i].name);
		wanted = value_as_json(teller->arena, &entries.list[i].value);
		got = variable != NULL ? value_as_json(teller->arena, &variable->value) : "nothing";
		if (!text_equal(wanted, got))
			return FAIL(err, engine, "expected %s=%s, got %s", entries.list[i].name, wanted, got);
	}
	return OK;
}

static enum status
expect_absent(struct teller *teller, const struct step *step, struct error *err)
{
	struct actor *actor;
	size_t i;

	TRY(teller_actor(teller, step, &actor, err));
	for (i = 1; i < step->words.count; i++)
		if (tree_variable_local(&actor->sim->tree->root->activity, step->words.list[i]) != NULL)
			return FAIL(err, engine, "expected no variable %s, got one", step->words.list[i]);
	return OK;
}

/* ---- fields ------------------------------------------------------------------------------------------------ */

struct fields {
	struct arena *arena;
	struct entry list[16];
	size_t count;
};

static void
put(struct fields *fields, const char *name, struct value value)
{
	fields->list[fields->count++] = (struct entry){.name = name, .value = value};
}

static void
put_text(struct fields *fields, const char *name, const char *text)
{
	put(fields, name, text != NULL ? value_string(text) : value_null());
}

static void
put_date(struct fields *fields, const char *name, int64_t us)
{
	char *text = arena_alloc(fields->arena, WHEN_TEXT);

	put_text(fields, name, us != WHEN_NONE ? when_print(us, text) : NULL);
}

static void
put_people(struct fields *fields, const char *name, const struct people *people)
{
	struct value *items = ARENA_ARRAY(fields->arena, struct value, people->count);
	const char **sorted = arena_copy(fields->arena, people->list, people->count * sizeof *sorted);
	size_t i;

	if (people->count > 0)
		qsort(sorted, people->count, sizeof *sorted, by_text);
	for (i = 0; i < people->count; i++)
		items[i] = value_string(sorted[i]);
	put(fields, name, (struct value){.type = VALUE_list, .items = items, .length = people->count});
}

static void
external_fields(struct fields *fields, const struct activity *activity)
{
	const struct external *external = &activity->external;

	put_text(fields, "topicName", external->topic);
	put_text(fields, "workerId", external->worker);
	put(fields, "retries", external->retries >= 0 ? value_integer(external->retries) : value_null());
	put(fields, "priority", value_integer(external->priority));
	put_text(fields, "errorMessage", external->message);
	put_text(fields, "businessKey", activity->instance->business_key);
	put(fields, "suspended", value_boolean(activity->instance->suspended));
	put_text(fields, "processDefinitionVersionTag", activity->instance->definition->program->version_tag);
}

static void
human_fields(struct fields *fields, const struct activity *activity)
{
	const struct human *human = activity->human;

	put_text(fields, "name", human->name);
	put_text(fields, "description", human->description);
	put_text(fields, "assignee", human->assignee);
	put(fields, "priority", value_integer(human->priority));
	put_date(fields, "due", human->due_us);
	put_date(fields, "followUp", human->follow_up_us);
	put_text(fields, "formKey", human->form_key);
	put(fields, "suspended", value_boolean(activity->instance->suspended));
	put_people(fields, "users", &human->users);
	put_people(fields, "groups", &human->groups);
}

static enum status
compare_fields(struct arena *arena, const struct step *step, const struct entries *there, struct error *err)
{
	struct entries wanted;
	const struct value *value;
	const char *want, *got;
	size_t i;

	TRY(words_entries(arena, &step->words, 2, &wanted, err));
	for (i = 0; i < wanted.count; i++) {
		value = entry_value(there, wanted.list[i].name);
		if (value == NULL)
			return FAIL(err, invalid_request, "there is no field %s", wanted.list[i].name);
		want = value_as_json(arena, &wanted.list[i].value);
		got = value_as_json(arena, value);
		if (!text_equal(want, got))
			return FAIL(err, engine, "expected %s=%s, got %s", wanted.list[i].name, want, got);
	}
	return OK;
}

static enum status
expect_task(struct teller *teller, const struct step *step, struct error *err)
{
	struct fields fields = {.arena = teller->arena};
	struct activity *at = NULL;
	struct actor *actor;

	if (step->words.count < 3)
		return FAIL(err, invalid_request, "expect task ELEMENT name=value...");
	TRY(teller_actor(teller, step, &actor, err));
	while ((at = sim_next(actor->sim, at)) != NULL)
		if (text_equal(at->node->id, step->words.list[1]) && at->state == ACTIVITY_active &&
		    (at->human != NULL || at->external.topic != NULL))
			break;
	if (at == NULL)
		return FAIL(err, engine, "expected a task at %s, got none", step->words.list[1]);
	if (at->human != NULL)
		human_fields(&fields, at);
	else
		external_fields(&fields, at);
	return compare_fields(teller->arena, step,
		&(struct entries){.count = fields.count, .list = fields.list}, err);
}

static enum status
expect_job(struct teller *teller, const struct step *step, struct error *err)
{
	struct fields fields = {.arena = teller->arena};
	const struct program *program;
	const struct job *job;
	struct activity *at = NULL;
	struct actor *actor;

	if (step->words.count < 3)
		return FAIL(err, invalid_request, "expect job ELEMENT name=value...");
	TRY(teller_actor(teller, step, &actor, err));
	program = actor->sim->definition.program;
	while ((at = sim_next(actor->sim, at)) != NULL)
		for (job = at->jobs; job != NULL; job = job->next) {
			if (!text_equal(program_node(program, job->key)->id, step->words.list[1]))
				continue;
			put(&fields, "retries", value_integer(job->retries));
			put(&fields, "priority", value_integer(job->priority));
			put_text(&fields, "exceptionMessage", job->message);
			return compare_fields(teller->arena, step,
				&(struct entries){.count = fields.count, .list = fields.list}, err);
		}
	return FAIL(err, engine, "expected a job at %s, got none", step->words.list[1]);
}

static enum status
expect_definition(struct teller *teller, const struct step *step, struct error *err)
{
	struct fields fields = {.arena = teller->arena};
	const struct program *program;

	if (step->words.count < 3)
		return FAIL(err, invalid_request, "expect definition KEY name=value...");
	if (teller->deployed == NULL || !text_equal(teller->deployed->definition.key, step->words.list[1]))
		return FAIL(err, engine, "expected a definition %s, got none", step->words.list[1]);
	program = teller->deployed->definition.program;
	put_text(&fields, "name", program->name);
	put_text(&fields, "versionTag", program->version_tag);
	put(&fields, "historyTimeToLive", program->history_ttl_days >= 0 ? value_integer(program->history_ttl_days) :
		value_null());
	put(&fields, "startableInTasklist", value_boolean(program->startable_in_tasklist));
	return compare_fields(teller->arena, step,
		&(struct entries){.count = fields.count, .list = fields.list}, err);
}

/* ---- what was fetched -------------------------------------------------------------------------------------- */

static struct entries
properties_of(struct arena *arena, const struct node *node)
{
	struct entry *list = ARENA_ARRAY(arena, struct entry, (size_t)node->property_count);
	int32_t i;

	for (i = 0; i < node->property_count; i++)
		list[i] = (struct entry){
			.name = node->properties[i].name,
			.value = value_string(node->properties[i].value),
		};
	return (struct entries){.count = (size_t)node->property_count, .list = list};
}

static enum status
expect_fetched(struct teller *teller, const struct step *step, struct error *err)
{
	bool properties = text_equal(step->words.list[0], "properties");
	const struct fetched *fetched;
	struct entries wanted, there;
	size_t i;

	if (step->words.count < 3)
		return FAIL(err, invalid_request, "expect %s ELEMENT name=value...", step->words.list[0]);
	TRY(words_entries(teller->arena, &step->words, 2, &wanted, err));
	for (i = 0; i < teller->fetched_count; i++) {
		fetched = &teller->fetched[i];
		there = properties ? properties_of(teller->arena, fetched->node) : fetched->variables;
		if (text_equal(fetched->node->id, step->words.list[1]) &&
		    entries_within(teller->arena, &wanted, &there))
			return OK;
	}
	return FAIL(err, engine, "expected a fetched task at %s with these %s, got none", step->words.list[1],
		properties ? "properties" : "variables");
}

/* ---- all --------------------------------------------------------------------------------------------------- */

static const struct {
	const char *what;
	enum status (*expect)(struct teller *teller, const struct step *step, struct error *err);
} expectations[] = {
	{"at", expect_at},
	{"tasks", expect_tasks},
	{"jobs", expect_jobs},
	{"incidents", expect_incidents},
	{"history", expect_history},
	{"ended", expect_ended},
	{"state", expect_state},
	{"variables", expect_variables},
	{"absent", expect_absent},
	{"fetched", expect_fetched},
	{"properties", expect_fetched},
	{"task", expect_task},
	{"job", expect_job},
	{"definition", expect_definition},
};

enum status
teller_expect(struct teller *teller, const struct step *step, struct error *err)
{
	size_t i;

	for (i = 0; step->words.count > 0 && i < sizeof expectations / sizeof expectations[0]; i++)
		if (text_equal(step->words.list[0], expectations[i].what))
			return expectations[i].expect(teller, step, err);
	return FAIL(err, invalid_request, "there is nothing like that to expect");
}
