/* SPDX-License-Identifier: Apache-2.0
 * What each step does to the engine in memory. */
#include "tests/stories/teller.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

static const char default_worker[] = "story";
enum { LOCK_US = 600 * 1000000 };

static const char *
worker_of(const struct step *step)
{
	return step->by != NULL ? step->by : default_worker;
}

/* ---- instances -------------------------------------------------------------------------------------------- */

void
teller_init(struct teller *teller, struct arena *arena, const char *folder)
{
	*teller = (struct teller){.arena = arena, .folder = folder, .now_us = INT64_C(1700000000000000)};
}

void
teller_done(struct teller *teller)
{
	size_t i;

	for (i = 0; i < teller->actor_count; i++)
		sim_free(teller->actors[i]->sim);
	if (teller->deployed != NULL)
		sim_free(teller->deployed);
}

enum status
teller_actor(struct teller *teller, const struct step *step, struct actor **actor, struct error *err)
{
	size_t i = teller->actor_count;

	while (i-- > 0) {
		*actor = teller->actors[i];
		if (step->of == NULL || text_equal(step->of, (*actor)->name))
			return OK;
	}
	return FAIL(err, invalid_request, "no instance '%s' was started", step->of != NULL ? step->of : "");
}

/* Runs a command at the story's time; a broken tree is an error whatever the command said. */
static enum status
run(struct teller *teller, struct actor *actor, struct command command, struct error *err)
{
	const char *broken;
	enum status status;

	actor->sim->now_us = teller->now_us;
	status = sim_step(actor->sim, command, &broken);
	if (broken != NULL)
		return FAIL(err, internal, "the tree is broken: %s", broken);
	if (status != OK)
		*err = actor->sim->error;
	return status;
}

/* A list or map goes in as it comes over the wire without a type: as a serialised object. */
static struct entries
as_sent(struct arena *arena, const struct entries *entries)
{
	static const struct value_info list = {.object_type = "java.util.ArrayList", .format = "application/json"};
	static const struct value_info map = {.object_type = "java.util.LinkedHashMap", .format = "application/json"};
	struct entry *copy = ARENA_ARRAY(arena, struct entry, entries->count);
	const struct value *value;
	const char *json;
	size_t i;

	for (i = 0; i < entries->count; i++) {
		copy[i] = entries->list[i];
		value = &entries->list[i].value;
		if (value->type != VALUE_list && value->type != VALUE_map)
			continue;
		json = value_as_json(arena, value);
		copy[i].value = (struct value){
			.type = VALUE_object,
			.text = json,
			.length = strlen(json),
			.info = value->type == VALUE_list ? &list : &map,
		};
	}
	return (struct entries){.count = entries->count, .list = copy};
}

static enum status
want_words(const struct step *step, size_t least, size_t most, struct error *err)
{
	if (step->words.count >= least && step->words.count <= most)
		return OK;
	return FAIL(err, invalid_request, "'%s' does not take %zu words", step->verb, step->words.count);
}

/* ---- deploy and start ------------------------------------------------------------------------------------- */

static enum status
play_deploy(struct teller *teller, const struct step *step, struct error *err)
{
	struct sim *sim;
	const char *path;

	TRY(want_words(step, 0, 1, err));
	teller->file = step->words.count > 0 ? step->words.list[0] : "diagram.bpmn";
	path = arena_printf(teller->arena, "%s/%s", teller->folder, teller->file);
	TRY(file_read(teller->arena, path, &teller->xml, &teller->xml_length, err));
	TRY(sim_open(teller->file, teller->xml, teller->xml_length, &sim, err));
	if (teller->deployed != NULL)
		sim_free(teller->deployed);
	teller->deployed = sim;
	return OK;
}

static enum status
play_start(struct teller *teller, const struct step *step, struct error *err)
{
	struct actor *actor = ARENA_NEW(teller->arena, struct actor);
	enum status status;

	TRY(want_words(step, 1, 1, err));
	if (teller->deployed == NULL || !text_equal(step->words.list[0], teller->deployed->definition.key))
		return FAIL(err, not_found, "no process '%s' is deployed", step->words.list[0]);
	TRY(sim_open(teller->file, teller->xml, teller->xml_length, &actor->sim, err));
	actor->name = step->as;
	status = run(teller, actor, (struct command){
		.kind = COMMAND_start,
		.definition = &actor->sim->definition,
		.business_key = step->key,
		.variables = as_sent(teller->arena, &step->with),
	}, err);
	if (status != OK) {
		sim_free(actor->sim);
		return status;
	}
	teller->actors = arena_grow(teller->arena, teller->actors, sizeof *teller->actors, teller->actor_count,
		&teller->actor_capacity);
	teller->actors[teller->actor_count++] = actor;
	return OK;
}

/* ---- fetching --------------------------------------------------------------------------------------------- */

/* All that the worker would see, innermost first. */
static struct entries
visible(struct arena *arena, const struct activity *activity)
{
	const struct variable *variable;
	const struct activity *scope;
	struct entry *list = NULL;
	size_t count = 0, capacity = 0;

	for (scope = activity; scope != NULL; scope = scope->scope)
		for (variable = scope->variables; variable != NULL; variable = variable->next) {
			if (tree_variable(activity, variable->name) != variable)
				continue;
			list = arena_grow(arena, list, sizeof *list, count, &capacity);
			list[count++] = (struct entry){
				.name = arena_strdup(arena, variable->name),
				.value = value_copy(arena, variable->value),
			};
		}
	return (struct entries){.count = count, .list = list};
}

/* Eligible as api.md 2.1 says: no live lock, not suspended, retries left. */
static bool
is_ready(const struct teller *teller, const struct activity *activity, const char *topic)
{
	const struct external *external = &activity->external;

	return activity->state == ACTIVITY_active && text_equal(external->topic, topic) && external->retries != 0 &&
		!activity->instance->suspended &&
		(external->until_us == WHEN_NONE || external->until_us <= teller->now_us);
}

static void
gather_ready(struct teller *teller, struct actor *actor, const char *topic, size_t *capacity)
{
	struct activity *at = NULL;

	while ((at = sim_next(actor->sim, at)) != NULL) {
		if (!is_ready(teller, at, topic))
			continue;
		teller->fetched = arena_grow(teller->arena, teller->fetched, sizeof *teller->fetched,
			teller->fetched_count, capacity);
		teller->fetched[teller->fetched_count++] = (struct fetched){
			.actor = actor,
			.activity = at->id,
			.node = at->node,
			.variables = visible(teller->arena, at),
		};
	}
}

static int64_t
priority_of(const struct fetched *fetched)
{
	return tree_activity(fetched->actor->sim->tree, fetched->activity)->external.priority;
}

static int
by_priority(const void *a, const void *b)
{
	int64_t one = priority_of(a), two = priority_of(b);

	return one < two ? 1 : one > two ? -1 : 0;
}

static enum status
play_fetch(struct teller *teller, const struct step *step, struct error *err)
{
	size_t capacity = 0, i;
	int64_t most = 1000;
	const char **got;

	TRY(want_words(step, 1, 1, err));
	if (step->gets.count == 0 || (step->most != NULL && !text_to_int(step->most, &most)))
		return FAIL(err, invalid_request, "fetch TOPIC [most N] gets ELEMENT...");
	teller->fetched = NULL;
	teller->fetched_count = 0;
	for (i = 0; i < teller->actor_count; i++)
		gather_ready(teller, teller->actors[i], step->words.list[0], &capacity);
	if (teller->fetched_count > 0)
		qsort(teller->fetched, teller->fetched_count, sizeof *teller->fetched, by_priority);
	if ((int64_t)teller->fetched_count > most)
		teller->fetched_count = (size_t)most;
	got = ARENA_ARRAY(teller->arena, const char *, teller->fetched_count);
	for (i = 0; i < teller->fetched_count; i++) {
		got[i] = teller->fetched[i].node->id;
		TRY(run(teller, teller->fetched[i].actor, (struct command){
			.kind = COMMAND_lock_task,
			.target = teller->fetched[i].activity,
			.worker = worker_of(step),
			.duration_us = LOCK_US,
		}, err));
	}
	return compare_lists(teller->arena, &step->gets, 0, got, teller->fetched_count, err);
}

/* ---- tasks ------------------------------------------------------------------------------------------------ */

static bool
is_task(const struct activity *activity)
{
	return activity->state == ACTIVITY_active && (activity->external.topic != NULL || activity->human != NULL);
}

/* With `where`: what the last fetch gave and is still open. */
static struct activity *
find_fetched(struct teller *teller, const struct step *step, struct actor *actor)
{
	const struct fetched *fetched;
	struct activity *activity;
	size_t i;

	for (i = 0; i < teller->fetched_count; i++) {
		fetched = &teller->fetched[i];
		activity = fetched->actor == actor ? tree_activity(actor->sim->tree, fetched->activity) : NULL;
		if (activity != NULL && text_equal(fetched->node->id, step->words.list[0]) &&
		    entries_within(teller->arena, &step->where, &fetched->variables))
			return activity;
	}
	return NULL;
}

static enum status
find_task(struct teller *teller, const struct step *step, struct actor **actor, struct activity **task,
	struct error *err)
{
	struct activity *at = NULL;

	TRY(teller_actor(teller, step, actor, err));
	if (step->where.count > 0)
		at = find_fetched(teller, step, *actor);
	else
		while ((at = sim_next((*actor)->sim, at)) != NULL)
			if (is_task(at) && text_equal(at->node->id, step->words.list[0]))
				break;
	if (at == NULL)
		return FAIL(err, not_found, "expected a task at %s, got none", step->words.list[0]);
	*task = at;
	return OK;
}

/* A worker must hold what it reports on; what another holds is not taken, so that the report itself is refused. */
static enum status
hold(struct teller *teller, const struct step *step, struct actor *actor, struct activity *task, struct error *err)
{
	if (task->human != NULL || task->external.worker != NULL)
		return OK;
	return run(teller, actor, (struct command){
		.kind = COMMAND_lock_task,
		.target = task->id,
		.worker = worker_of(step),
		.duration_us = LOCK_US,
	}, err);
}

static enum status
play_lock(struct teller *teller, const struct step *step, struct error *err)
{
	struct actor *actor;
	struct activity *task;

	TRY(want_words(step, 1, 1, err));
	TRY(find_task(teller, step, &actor, &task, err));
	return run(teller, actor, (struct command){
		.kind = COMMAND_lock_task,
		.target = task->id,
		.worker = worker_of(step),
		.duration_us = LOCK_US,
	}, err);
}

static enum status
play_unlock(struct teller *teller, const struct step *step, struct error *err)
{
	struct actor *actor;
	struct activity *task;

	TRY(want_words(step, 1, 1, err));
	TRY(find_task(teller, step, &actor, &task, err));
	return run(teller, actor, (struct command){.kind = COMMAND_unlock_task, .target = task->id}, err);
}

static enum status
play_complete(struct teller *teller, const struct step *step, struct error *err)
{
	struct actor *actor;
	struct activity *task;

	TRY(want_words(step, 1, 1, err));
	TRY(find_task(teller, step, &actor, &task, err));
	TRY(hold(teller, step, actor, task, err));
	return run(teller, actor, (struct command){
		.kind = task->human != NULL ? COMMAND_complete_user : COMMAND_complete_task,
		.target = task->id,
		.worker = task->human != NULL ? NULL : worker_of(step),
		.variables = as_sent(teller->arena, &step->with),
		.local_variables = as_sent(teller->arena, &step->locally),
	}, err);
}

static enum status
play_fail(struct teller *teller, const struct step *step, struct error *err)
{
	struct period period = {0};
	struct activity *task;
	struct actor *actor;
	int64_t retries = -1;

	TRY(want_words(step, 1, 1, err));
	if (step->retries != NULL && !text_to_int(step->retries, &retries))
		return FAIL(err, invalid_request, "'%s' is no number", step->retries);
	if (step->timeout != NULL)
		TRY(period_parse(step->timeout, &period, err));
	TRY(find_task(teller, step, &actor, &task, err));
	TRY(hold(teller, step, actor, task, err));
	return run(teller, actor, (struct command){
		.kind = COMMAND_fail_task,
		.target = task->id,
		.worker = worker_of(step),
		.retries = (int32_t)retries,
		.duration_us = period_add(0, &period, 1),
		.error_message = step->message,
		.variables = as_sent(teller->arena, &step->with),
	}, err);
}

static enum status
play_error(struct teller *teller, const struct step *step, struct error *err)
{
	struct actor *actor;
	struct activity *task;

	TRY(want_words(step, 2, 2, err));
	TRY(find_task(teller, step, &actor, &task, err));
	TRY(hold(teller, step, actor, task, err));
	return run(teller, actor, (struct command){
		.kind = task->human != NULL ? COMMAND_error_user : COMMAND_error_task,
		.target = task->id,
		.worker = task->human != NULL ? NULL : worker_of(step),
		.error_code = word_text(teller->arena, step->words.list[1]),
		.error_message = step->message,
		.variables = as_sent(teller->arena, &step->with),
	}, err);
}

static enum status
play_signal(struct teller *teller, const struct step *step, struct error *err)
{
	struct activity *at = NULL;
	struct actor *actor;

	TRY(want_words(step, 1, 1, err));
	TRY(teller_actor(teller, step, &actor, err));
	while ((at = sim_next(actor->sim, at)) != NULL && !text_equal(at->node->id, step->words.list[0]))
		continue;
	if (at == NULL)
		return FAIL(err, not_found, "expected something open at %s, got nothing", step->words.list[0]);
	return run(teller, actor, (struct command){
		.kind = COMMAND_signal,
		.target = at->id,
		.variables = as_sent(teller->arena, &step->with),
	}, err);
}

static enum status
play_assign(struct teller *teller, const struct step *step, struct error *err)
{
	struct actor *actor;
	struct activity *task;
	const char *user;

	TRY(want_words(step, 2, 2, err));
	TRY(find_task(teller, step, &actor, &task, err));
	user = word_text(teller->arena, step->words.list[1]);
	return run(teller, actor, (struct command){
		.kind = COMMAND_assign_user,
		.target = task->id,
		.user = text_equal(user, "nobody") ? NULL : user,
		.claim = text_equal(step->verb, "claim"),
	}, err);
}

/* ---- jobs and time ---------------------------------------------------------------------------------------- */

/* The first job of the element, or NULL. */
static struct job *
job_at(struct actor *actor, const char *element)
{
	const struct node *node = program_node_by_id(actor->sim->definition.program, element);
	struct activity *at = &actor->sim->tree->root->activity;
	struct job *job;

	for (; node != NULL && at != NULL; at = sim_next(actor->sim, at))
		for (job = at->jobs; job != NULL; job = job->next)
			if (job->key == node->key)
				return job;
	return NULL;
}

/* As the daemon does it: a job that fails is a second command, which counts the failure. */
static enum status
execute(struct teller *teller, struct actor *actor, int64_t job, struct error *err)
{
	struct error failure, second;
	enum status status = run(teller, actor, (struct command){.kind = COMMAND_execute_job, .target = job}, &failure);

	if (status == OK)
		return OK;
	*err = failure;
	if (failure.status == E_internal)
		return status;
	if (run(teller, actor, (struct command){
		.kind = COMMAND_fail_job,
		.target = job,
		.error_message = arena_strdup(teller->arena, failure.message),
		.error_code = failure.element,
	}, &second) != OK)
		return FAIL(err, internal, "the failure of a job could not be counted: %s", second.message);
	return status;
}

static enum status
play_fire(struct teller *teller, const struct step *step, struct error *err)
{
	struct actor *actor;
	struct job *job;

	TRY(want_words(step, 1, 1, err));
	TRY(teller_actor(teller, step, &actor, err));
	job = job_at(actor, step->words.list[0]);
	if (job == NULL)
		return FAIL(err, not_found, "expected a job at %s, got none", step->words.list[0]);
	return execute(teller, actor, job->id, err);
}

/* The job of all instances that is due first, not later than until_us. */
static struct job *
next_due(struct teller *teller, int64_t until_us, struct actor **owner)
{
	struct job *job, *found = NULL;
	struct activity *at;
	size_t i;

	for (i = 0; i < teller->actor_count; i++)
		for (at = &teller->actors[i]->sim->tree->root->activity; at != NULL;
		     at = sim_next(teller->actors[i]->sim, at))
			for (job = at->jobs; job != NULL; job = job->next) {
				if (job->due_us > until_us || job->retries == 0 || at->instance->suspended ||
				    (found != NULL && job->due_us >= found->due_us))
					continue;
				found = job;
				*owner = teller->actors[i];
			}
	return found;
}

static enum status
play_clock(struct teller *teller, const struct step *step, struct error *err)
{
	struct actor *owner = NULL;
	struct period period;
	struct error failure;
	struct job *job;
	int64_t until_us;

	TRY(want_words(step, 1, 1, err));
	TRY(period_parse(step->words.list[0], &period, err));
	until_us = period_add(teller->now_us, &period, 1);
	while ((job = next_due(teller, until_us, &owner)) != NULL) {
		if (job->due_us > teller->now_us)
			teller->now_us = job->due_us;
		if (execute(teller, owner, job->id, &failure) != OK && failure.status == E_internal) {
			*err = failure;
			return failure.status;
		}
	}
	teller->now_us = until_us;
	return OK;
}

static enum status
play_retries(struct teller *teller, const struct step *step, struct error *err)
{
	struct activity *task;
	struct actor *actor;
	struct job *job;
	int64_t number;

	TRY(want_words(step, 1, 1, err));
	if (step->retries == NULL || !text_to_int(step->retries, &number))
		return FAIL(err, invalid_request, "%s ELEMENT retries N", step->verb);
	if (find_task(teller, step, &actor, &task, err) == OK)
		return run(teller, actor, (struct command){
			.kind = COMMAND_set_task_retries,
			.target = task->id,
			.retries = (int32_t)number,
		}, err);
	TRY(teller_actor(teller, step, &actor, err));
	job = job_at(actor, step->words.list[0]);
	if (job == NULL)
		return FAIL(err, not_found, "expected a task or a job at %s, got none", step->words.list[0]);
	return run(teller, actor, (struct command){
		.kind = COMMAND_set_job_retries,
		.target = job->id,
		.retries = (int32_t)number,
	}, err);
}

/* ---- the instance ----------------------------------------------------------------------------------------- */

static enum status
play_set(struct teller *teller, const struct step *step, struct error *err)
{
	struct entries variables;
	struct actor *actor;

	TRY(teller_actor(teller, step, &actor, err));
	TRY(words_entries(teller->arena, &step->words, 0, &variables, err));
	return run(teller, actor, (struct command){
		.kind = COMMAND_set_variables,
		.target = actor->sim->tree->root->id,
		.variables = as_sent(teller->arena, &variables),
	}, err);
}

static enum status
play_suspend(struct teller *teller, const struct step *step, struct error *err)
{
	struct actor *actor;

	TRY(want_words(step, 0, 0, err));
	TRY(teller_actor(teller, step, &actor, err));
	return run(teller, actor, (struct command){
		.kind = COMMAND_suspend,
		.target = actor->sim->tree->root->id,
		.suspended = text_equal(step->verb, "suspend"),
	}, err);
}

static enum status
play_delete(struct teller *teller, const struct step *step, struct error *err)
{
	struct actor *actor;

	TRY(want_words(step, 0, 0, err));
	TRY(teller_actor(teller, step, &actor, err));
	return run(teller, actor, (struct command){
		.kind = COMMAND_delete_instance,
		.target = actor->sim->tree->root->id,
	}, err);
}

/* ---- all -------------------------------------------------------------------------------------------------- */

static const struct {
	const char *verb;
	enum status (*play)(struct teller *teller, const struct step *step, struct error *err);
} verbs[] = {
	{"deploy", play_deploy},
	{"start", play_start},
	{"fetch", play_fetch},
	{"lock", play_lock},
	{"unlock", play_unlock},
	{"complete", play_complete},
	{"fail", play_fail},
	{"error", play_error},
	{"repair", play_retries},
	{"signal", play_signal},
	{"claim", play_assign},
	{"assign", play_assign},
	{"fire", play_fire},
	{"clock", play_clock},
	{"set", play_set},
	{"suspend", play_suspend},
	{"activate", play_suspend},
	{"delete", play_delete},
	{"expect", teller_expect},
};

/* Turns a failure that the story wants into success, and the success it does not want into a failure. */
static enum status
settle(struct teller *teller, const struct step *step, enum status status, struct error *err)
{
	const char *message;

	if (step->refused == NULL)
		return status;
	if (status == OK)
		return FAIL(err, engine, "expected to be refused with \"%s\", but it was done", step->refused);
	if (status != E_internal && strstr(err->message, step->refused) != NULL)
		return OK;
	message = arena_strdup(teller->arena, err->message);
	return FAIL(err, engine, "expected to be refused with \"%s\", got \"%s\"", step->refused, message);
}

enum status
teller_step(struct teller *teller, const struct step *step, struct error *err)
{
	size_t i;

	for (i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (text_equal(step->verb, verbs[i].verb))
			return settle(teller, step, verbs[i].play(teller, step, err), err);
	return FAIL(err, invalid_request, "there is no step '%s'", step->verb);
}
