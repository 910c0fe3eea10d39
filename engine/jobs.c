/* SPDX-License-Identifier: Apache-2.0
 * Jobs: asynchronous continuations, timers, what becomes of those that fail; and incidents. */
#include "engine/machine.h"

#include <stdlib.h>
#include <string.h>

#include "base/cron.h"

static enum status
open_job(struct machine *machine, struct activity *host, enum job_kind kind, const struct node *node, int64_t due_us,
	const char *cycle, struct error *err)
{
	const struct node *process = node_at(host, 0);
	int64_t priority;

	TRY(eval_priority(machine, host, node, node->job_priority != NULL ? node->job_priority : process->job_priority,
		"jobPriority", &priority, err));
	MUST_EMIT(machine, err, job_open,
		.job = new_id(machine),
		.activity = host->id,
		.kind = kind,
		.key = node->key,
		.due_us = due_us,
		.retries = machine->command->limits->default_retries,
		.priority = priority,
		.cycle = cycle,
		.created_us = machine->command->now_us);
	return OK;
}

enum status
open_continuation(struct machine *machine, struct activity *token, enum job_kind kind, struct error *err)
{
	return open_job(machine, token, kind, token->node, WHEN_NONE, NULL, err);
}

enum status
open_instances(struct machine *machine, struct activity *body, int64_t number, struct error *err)
{
	return open_job(machine, body, JOB_instances, body->node, WHEN_NONE,
		arena_printf(machine->arena, "%lld", (long long)number), err);
}

/* ---- timers ---------------------------------------------------------------------------------------------- */

enum status
instant_of(struct machine *machine, const struct value *value, int64_t *us, struct error *err)
{
	struct period period;

	if (value->type == VALUE_date) {
		*us = value->integer;
		return OK;
	}
	if (value->type != VALUE_string)
		return FAIL(err, engine, "a date or an ISO 8601 text is needed, not a value of type %s",
			value_type_name(value->type));
	if (value->text[0] == 'P') {
		TRY(period_parse(value->text, &period, err));
		*us = period_add(machine->command->now_us, &period, 1);
		return OK;
	}
	return when_parse(value->text, us, err);
}

/* What is kept of a cycle: the number of its last occurrence, its anchor and its period, so that a firing that is late,
 * or that somebody moved, knows what it missed.  One with an end is kept as it is: its occurrences are counted back
 * from there (CB DurationHelper). */
static const char *
cycle_text(struct machine *machine, const struct cycle *cycle, const char *period)
{
	char start[WHEN_TEXT];

	when_print(cycle->start_us, start);
	if (cycle->repeats < 0)
		return arena_printf(machine->arena, "R/%s/%s", start, period);
	return arena_printf(machine->arena, "R%lld/%s/%s", (long long)cycle->repeats, start, period);
}

/* The part of a cycle's text that is its period: it begins with P. */
static const char *
period_part(struct machine *machine, const char *text)
{
	const char *part = text, *end;

	while (part != NULL && *part != 'P') {
		part = strchr(part, '/');
		if (part != NULL)
			part++;
	}
	if (part == NULL)
		return text;
	end = strchr(part, '/');
	return end != NULL ? arena_strndup(machine->arena, part, (size_t)(end - part)) : part;
}

/* A timeCycle that does not begin like a cycle of ISO 8601 is a cron expression (CB CycleBusinessCalendar). */
static bool
is_cron(const char *cycle)
{
	return cycle[0] != 'R';
}

/* The next instant of a cron expression, which is the same text each time. */
static enum status
next_of_cron(struct machine *machine, const char *text, int64_t *due_us, struct error *err)
{
	struct cron cron;

	TRY(cron_parse(text, &cron, err));
	*due_us = cron_next(&cron, machine->command->now_us);
	if (*due_us == WHEN_NONE)
		return FAIL(err, engine, "the cron expression '%s' never comes", text);
	return OK;
}

/* The number of the last of so many occurrences, the first of which has this number; there is one at least. */
static int64_t
last_index(int64_t first, int64_t count)
{
	if (count <= 0)
		return first;
	return count - 1 <= INT64_MAX - first ? first + count - 1 : INT64_MAX;
}

static enum status
first_of_cycle(struct machine *machine, const char *text, int64_t *due_us, const char **kept, struct error *err)
{
	struct cycle cycle;
	int64_t index;

	*kept = text;
	if (is_cron(text))
		return next_of_cron(machine, text, due_us, err);
	TRY(cycle_parse(text, &cycle, err));
	if (cycle.start_us == WHEN_NONE && cycle.end_us == WHEN_NONE)
		/* as precise as the text that keeps it */
		cycle.start_us = machine->command->now_us / 1000 * 1000;
	*due_us = cycle_next(&cycle, machine->command->now_us, &index);
	if (*due_us == WHEN_NONE)
		return FAIL(err, engine, "the cycle '%s' is over before it begins", text);
	if (cycle.end_us != WHEN_NONE)
		return OK;
	if (cycle.repeats >= 0)
		cycle.repeats = last_index(index, cycle.repeats);
	*kept = cycle_text(machine, &cycle, period_part(machine, text));
	if (strlen(*kept) >= CYCLE_TEXT)
		return FAIL(err, engine, "the cycle '%.100s...' is too long", text);
	return OK;
}

enum status
open_timer(struct machine *machine, struct activity *host, const struct node *event, struct error *err)
{
	int64_t due_us = WHEN_NONE;
	const char *cycle = NULL;
	struct value value;
	enum status status;

	TRY(eval(machine, host, event, event->timer->expression, &value, err));
	if (event->timer->kind == TIMER_cycle && value.type == VALUE_string)
		status = first_of_cycle(machine, value.text, &due_us, &cycle, err);
	else
		status = instant_of(machine, &value, &due_us, err);
	if (status != OK) {
		err->status = E_engine;
		return blame(err, event);
	}
	/* only a non-interrupting boundary event can fire again */
	if (event->element != EL_boundary_timer || event->interrupting)
		cycle = NULL;
	return open_job(machine, host, JOB_timer, event, due_us, cycle, err);
}

/* The follow-up of a repeating timer; occurrences missed by a late execution count (semantics.md 2.9), and so does one
 * that is executed before it is due. */
static enum status
repeat_timer(struct machine *machine, struct activity *host, const struct node *event, const char *text,
	int64_t fired_us, struct error *err)
{
	struct cycle cycle;
	int64_t index, due_us;

	if (is_cron(text)) {
		TRY(next_of_cron(machine, text, &due_us, err));
		return open_job(machine, host, JOB_timer, event, due_us, text, err);
	}
	TRY(cycle_parse(text, &cycle, err));
	due_us = cycle_next(&cycle, machine->command->now_us > fired_us ? machine->command->now_us : fired_us, &index);
	if (due_us == WHEN_NONE || (cycle.repeats >= 0 && index > cycle.repeats))
		return OK;
	return open_job(machine, host, JOB_timer, event, due_us, text, err);
}

static enum status
execute_timer(struct machine *machine, struct job *job, struct error *err)
{
	struct activity *host = job->host;
	const struct node *event = program_node(program_of(host), job->key);
	const char *cycle = job->cycle;
	int64_t fired_us = job->due_us;

	MUST_EMIT(machine, err, job_close, .job = job->id);
	if (event->element == EL_boundary_timer) {
		if (cycle != NULL)
			TRY(repeat_timer(machine, host, event, cycle, fired_us, err));
		return fire_boundary(machine, host, event, err);
	}
	return leave(machine, host, err);
}

/* ---- execution and failure -------------------------------------------------------------------------------- */

static enum status
execute_before(struct machine *machine, struct job *job, struct error *err)
{
	struct activity *token = job->host;

	MUST_EMIT(machine, err, job_close, .job = job->id);
	push_begin(machine, token);
	return OK;
}

static enum status
execute_after(struct machine *machine, struct job *job, struct error *err)
{
	struct activity *token = job->host, *scope = token->scope;
	const struct flow *flow = program_flow(program_of(token), token->flow);

	MUST_EMIT(machine, err, job_close, .job = job->id);
	if (scope->node->element == EL_multi_instance_body)
		return instance_done(machine, token, err);
	TRY(close_activity(machine, token, false, err));
	push_check(machine, scope);
	if (flow != NULL)
		push_enter(machine, scope, node_at(scope, flow->target), flow->key);
	return OK;
}

static enum status
execute_instances(struct machine *machine, struct job *job, struct error *err)
{
	struct activity *body = job->host;
	int64_t number = job->cycle != NULL ? strtoll(job->cycle, NULL, 10) : 0;

	MUST_EMIT(machine, err, job_close, .job = job->id);
	push_next_instance(machine, body, number);
	return OK;
}

enum status
execute_job(struct machine *machine, struct job *job, struct error *err)
{
	const struct node *node = program_node(program_of(job->host), job->key);

	if (job->host->instance->suspended)
		return FAIL(err, suspended, "ENGINE-03043 Process instance with id '%lld' is suspended.",
			(long long)job->host->instance->id);
	machine->outcome->element_key = node->key;
	machine->outcome->activity = job->host->id;
	TRY(close_incidents(machine, job->host, job->id, true, err));
	switch (job->kind) {
	case JOB_timer:
		return execute_timer(machine, job, err);
	case JOB_before:
		return execute_before(machine, job, err);
	case JOB_after:
		return execute_after(machine, job, err);
	case JOB_instances:
		return execute_instances(machine, job, err);
	}
	return OK;
}

/* A retry cycle as the model's text gives it: R3/PT5M is three attempts, PT1M,PT2M three with those waits between. */
static enum status
parse_retry(struct machine *machine, const char *text, struct retry *retry, struct error *err)
{
	struct period *waits;
	struct cycle cycle;
	const char *comma;
	size_t length;
	int32_t n = 0;

	*retry = (struct retry){0};
	if (text[0] == 'R') {
		TRY(cycle_parse(text, &cycle, err));
		waits = ARENA_NEW(machine->arena, struct period);
		*waits = cycle.period;
		*retry = (struct retry){.attempts = (int32_t)cycle.repeats, .waits = waits, .wait_count = 1};
		return OK;
	}
	waits = ARENA_ARRAY(machine->arena, struct period, strlen(text) / 2 + 1);
	for (; text != NULL; text = comma != NULL ? comma + 1 : NULL) {
		comma = strchr(text, ',');
		while (*text == ' ')
			text++;
		length = comma != NULL ? (size_t)(comma - text) : strlen(text);
		TRY(period_parse(arena_strndup(machine->arena, text, length), &waits[n++], err));
	}
	*retry = (struct retry){.attempts = n + 1, .waits = waits, .wait_count = n};
	return OK;
}

enum status
retry_of(struct machine *machine, const struct activity *from, const struct node *node, int32_t failure,
	int32_t *attempts, int64_t *due_us, struct error *err)
{
	struct retry dynamic;
	const struct retry *retry = node->retry;
	const char *text;
	int32_t wait;

	*attempts = 0;
	*due_us = WHEN_NONE;
	if (retry == NULL)
		return OK;
	if (retry->expression != NULL) {
		TRY(eval_text(machine, from, node, retry->expression, &text, err));
		if (text == NULL || parse_retry(machine, text, &dynamic, err) != OK)
			return OK;	/* nonsense means the default, as in Camunda */
		retry = &dynamic;
	}
	if (retry->attempts <= 0 || retry->wait_count == 0)
		return OK;
	wait = failure < retry->wait_count ? failure : retry->wait_count - 1;
	*attempts = retry->attempts;
	*due_us = period_add(machine->command->now_us, &retry->waits[wait], 1);
	return OK;
}

enum status
fail_job(struct machine *machine, struct job *job, struct error *err)
{
	const struct command *command = machine->command;
	const struct program *program = program_of(job->host);
	const struct node *node = program_node(program, job->key), *failed;
	int32_t retries = job->retries, attempts, failures;
	int64_t due_us;

	failed = command->error_code != NULL ? program_node_by_id(program, command->error_code) : NULL;
	if (failed == NULL)
		failed = node;
	/* a job that never failed has the default attempts; the model's count from its first failure on */
	TRY(retry_of(machine, job->host, node, 0, &attempts, &due_us, err));
	if (attempts > 0) {
		if (job->message == NULL)
			retries = attempts;
		failures = attempts - retries;
		TRY(retry_of(machine, job->host, node, failures > 0 ? failures : 0, &attempts, &due_us, err));
	}
	retries = retries > 0 && !command->for_good ? retries - 1 : 0;
	MUST_EMIT(machine, err, job_set, .job = job->id, .due_us = attempts > 0 ? due_us : job->due_us,
		.retries = retries, .message = command->error_message, .failed_key = failed->key);
	machine->outcome->element_key = failed->key;
	machine->outcome->activity = job->host->id;
	if (retries > 0 || job->retries > 0)
		return OK;
	return open_incident(machine, job->host, INCIDENT_failed_job, job->id, command->error_message, failed->key,
		err);
}

/* ---- incidents -------------------------------------------------------------------------------------------- */

static struct incident *
find_incident(const struct activity *activity, int64_t configuration)
{
	struct incident *incident;

	for (incident = activity->incidents; incident != NULL; incident = incident->next)
		if (incident->configuration == configuration)
			return incident;
	return NULL;
}

enum status
open_incident(struct machine *machine, struct activity *activity, enum incident_kind kind, int64_t configuration,
	const char *message, int32_t failed_key, struct error *err)
{
	if (find_incident(activity, configuration) != NULL)
		return OK;
	MUST_EMIT(machine, err, incident_open, .incident = new_id(machine), .activity = activity->id, .kind = kind,
		.configuration = configuration, .message = message, .failed_key = failed_key,
		.created_us = machine->command->now_us);
	return OK;
}

enum status
close_incidents(struct machine *machine, struct activity *activity, int64_t configuration, bool resolved,
	struct error *err)
{
	const struct incident *incident;

	while ((incident = find_incident(activity, configuration)) != NULL)
		MUST_EMIT(machine, err, incident_close, .incident = incident->id, .resolved = resolved,
			.ended_us = machine->command->now_us);
	return OK;
}
