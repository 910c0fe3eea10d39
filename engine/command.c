/* SPDX-License-Identifier: Apache-2.0
 * What each command asks of a tree, and the run as a whole.  Texts are Camunda's where clients may match them. */
#include "engine/machine.h"

#include <string.h>

#include "base/text.h"

enum { MESSAGE_CHARACTERS = 666 };	/* an error message is cut there (CB ExternalTaskEntity) */

/* ---- targets --------------------------------------------------------------------------------------------- */

static int64_t
task_id(const struct activity *activity)
{
	return activity->id + 1;	/* on the wire (engine.h) */
}

static void
about(struct machine *machine, const struct activity *activity)
{
	machine->outcome->activity = activity->id;
	machine->outcome->element_key = activity->node->key;
	machine->outcome->locked_us = activity->external.locked_us;
}

/* The external task that is the target and waits. */
static enum status
external_target(struct machine *machine, struct activity **target, struct error *err)
{
	struct activity *activity = tree_activity(machine->tree, machine->command->target);

	if (activity == NULL || activity->external.topic == NULL || activity->state != ACTIVITY_active)
		return FAIL(err, not_found, "External task with id %lld does not exist",
			(long long)machine->command->target + 1);
	about(machine, activity);
	*target = activity;
	return OK;
}

static enum status
user_target(struct machine *machine, struct activity **target, struct error *err)
{
	struct activity *activity = tree_activity(machine->tree, machine->command->target);

	if (activity == NULL || activity->human == NULL || activity->state != ACTIVITY_active)
		return FAIL(err, not_found, "Cannot find task with id %lld: task is null",
			(long long)machine->command->target + 1);
	about(machine, activity);
	*target = activity;
	return OK;
}

static enum status
job_target(struct machine *machine, struct job **target, struct error *err)
{
	struct job *job = tree_job(machine->tree, machine->command->target);

	if (job == NULL)
		return FAIL(err, not_found, "No job found with id '%lld'", (long long)machine->command->target);
	about(machine, job->host);
	machine->outcome->element_key = job->key;
	*target = job;
	return OK;
}

static enum status
scope_target(struct machine *machine, struct activity **target, struct error *err)
{
	struct activity *activity = tree_activity(machine->tree, machine->command->target);

	if (activity == NULL)
		return FAIL(err, not_found, "execution %lld doesn't exist: execution is null",
			(long long)machine->command->target);
	about(machine, activity);
	*target = activity;
	return OK;
}

/* Ownership is the worker's name alone: an expired lock that nobody took is still its own (api.md 0). */
static enum status
check_worker(const struct machine *machine, const struct activity *activity, const char *before, const char *after,
	struct error *err)
{
	const char *worker = machine->command->worker, *holder = activity->external.worker;

	if (worker == NULL || text_equal(worker, holder))
		return OK;
	return FAIL(err, bad_user_request, "%s %lld %s '%s'. It is locked by worker '%s'.", before,
		(long long)task_id(activity), after, worker, holder != NULL ? holder : "null");
}

static enum status
check_active(const struct activity *activity, const char *what, int64_t id, struct error *err)
{
	if (!activity->instance->suspended)
		return OK;
	return FAIL(err, suspended, "ENGINE-03043 %s with id '%lld' is suspended.", what, (long long)id);
}

/* When the command's duration is over; the calendar's end is the latest. */
static int64_t
after_duration(const struct command *command)
{
	const struct period duration = { .us = command->duration_us };

	return period_add(command->now_us, &duration, 1);
}

/* ---- external tasks --------------------------------------------------------------------------------------- */

/* The first camunda:errorEventDefinition whose expression is true; anything else but an error is no, and on failure
 * reports an error is, too (CB ExternalTaskEntity). */
static enum status
error_case_of(struct machine *machine, const struct activity *activity, bool lenient, const struct error_case **found,
	struct error *err)
{
	const struct service *service = activity->node->service;
	struct error ignored;
	enum status status;
	struct value value;
	int32_t i;

	*found = NULL;
	error_clear(&ignored);
	for (i = 0; i < service->error_case_count; i++) {
		status = eval(machine, activity, activity->node, service->error_cases[i].condition, &value,
			lenient ? &ignored : err);
		if (status != OK && !lenient)
			return status;
		if (status != OK || value.type != VALUE_boolean || value.integer == 0)
			continue;
		*found = &service->error_cases[i];
		return OK;
	}
	return OK;
}

static enum status
run_complete_task(struct machine *machine, struct error *err)
{
	const struct command *command = machine->command;
	const struct error_case *error_case;
	struct activity *activity;

	TRY(external_target(machine, &activity, err));
	TRY(check_worker(machine, activity, "External Task", "cannot be completed by worker", err));
	TRY(check_active(activity, "ExternalTask", task_id(activity), err));
	TRY(set_variables(machine, activity, &command->variables, false, err));
	TRY(set_variables(machine, activity, &command->local_variables, true, err));
	TRY(error_case_of(machine, activity, false, &error_case, err));
	if (error_case != NULL)
		return throw_error(machine, activity, error_case->code, activity->external.message, err);
	return leave(machine, activity, err);
}

/* At most so many characters of UTF-8. */
static const char *
cut(struct arena *arena, const char *text, size_t characters)
{
	size_t i = 0;

	if (text == NULL)
		return NULL;
	for (; text[i] != '\0'; i++)
		if (((unsigned char)text[i] & 0xc0) != 0x80 && characters-- == 0)
			break;
	return arena_strndup(arena, text, i);
}

/* The worker's word, or without one the model's retry cycle; Camunda takes a missing number for 0. */
static enum status
retries_left(struct machine *machine, const struct activity *activity, int32_t *retries, int64_t *until_us,
	struct error *err)
{
	const struct command *command = machine->command;
	int32_t attempts, before = activity->external.retries;
	int64_t due_us;

	*retries = command->retries;
	*until_us = after_duration(command);
	if (command->retries >= 0)
		return OK;
	*retries = 0;
	TRY(retry_of(machine, activity, activity->node, 0, &attempts, &due_us, err));
	if (attempts <= 0)
		return OK;
	if (before < 0 || before > attempts)
		before = attempts;
	TRY(retry_of(machine, activity, activity->node, attempts - before, &attempts, &due_us, err));
	*retries = before > 0 ? before - 1 : 0;	/* an operator may have taken them all meanwhile */
	if (command->duration_us == 0)
		*until_us = due_us;
	return OK;
}

static enum status
run_fail_task(struct machine *machine, struct error *err)
{
	const struct command *command = machine->command;
	const struct error_case *error_case;
	struct activity *activity;
	const char *message;
	int64_t until_us;
	int32_t retries;

	TRY(external_target(machine, &activity, err));
	TRY(check_worker(machine, activity, "Failure of External Task", "cannot be reported by worker", err));
	TRY(check_active(activity, "ExternalTask", task_id(activity), err));
	TRY(set_variables(machine, activity, &command->variables, false, err));
	TRY(set_variables(machine, activity, &command->local_variables, true, err));
	TRY(error_case_of(machine, activity, true, &error_case, err));
	message = cut(machine->arena, command->error_message, MESSAGE_CHARACTERS);
	if (error_case != NULL)
		return throw_error(machine, activity, error_case->code, message, err);
	TRY(retries_left(machine, activity, &retries, &until_us, err));
	MUST_EMIT(machine, err, task_fail, .activity = activity->id, .retries = retries, .message = message,
		.details = command->error_details != NULL ? command->error_details : activity->external.details);
	/* not a lock any more (locked_us is gone), but a time before which nobody gets it */
	MUST_EMIT(machine, err, task_lock, .activity = activity->id, .worker = activity->external.worker,
		.locked_us = WHEN_NONE, .until_us = until_us, .expiries = 0);
	if (retries > 0)
		return close_incidents(machine, activity, activity->id, true, err);
	return open_incident(machine, activity, INCIDENT_failed_external_task, activity->id, message,
		activity->node->key, err);
}

static enum status
run_error_task(struct machine *machine, struct error *err)
{
	const struct command *command = machine->command;
	struct activity *activity;

	TRY(external_target(machine, &activity, err));
	TRY(check_worker(machine, activity, "Bpmn error of External Task", "cannot be reported by worker", err));
	TRY(check_active(activity, "ExternalTask", task_id(activity), err));
	TRY(set_variables(machine, activity, &command->local_variables, true, err));
	TRY(set_variables(machine, activity, &command->variables, false, err));
	return throw_error(machine, activity, command->error_code, command->error_message, err);
}

static bool
lock_lives(const struct machine *machine, const struct external *external)
{
	return external->until_us != WHEN_NONE && external->until_us > machine->command->now_us;
}

static enum status
run_lock_task(struct machine *machine, struct error *err)
{
	const struct command *command = machine->command;
	const struct external *external;
	struct activity *activity;
	bool ran_out;

	TRY(external_target(machine, &activity, err));
	external = &activity->external;
	if (lock_lives(machine, external) && !text_equal(external->worker, command->worker))
		return FAIL(err, bad_user_request,
			"External Task %lld cannot be locked by worker '%s'. It is locked by worker '%s'.",
			(long long)task_id(activity), command->worker,
			external->worker != NULL ? external->worker : "null");
	ran_out = external->locked_us != WHEN_NONE && !lock_lives(machine, external);
	MUST_EMIT(machine, err, task_lock, .activity = activity->id, .worker = command->worker,
		.locked_us = command->now_us, .until_us = after_duration(command),
		.expiries = external->expiries + (ran_out ? 1 : 0));
	return OK;
}

static enum status
run_extend_lock(struct machine *machine, struct error *err)
{
	const struct command *command = machine->command;
	const struct external *external;
	struct activity *activity;

	TRY(external_target(machine, &activity, err));
	external = &activity->external;
	if (command->worker != NULL && !text_equal(command->worker, external->worker))
		return FAIL(err, bad_user_request,	/* the second quote is Camunda's */
			"The lock of the External Task %lld cannot be extended by worker '%s''. "
			"It is locked by worker '%s'.", (long long)task_id(activity), command->worker,
			external->worker != NULL ? external->worker : "null");
	if (!lock_lives(machine, external))
		return FAIL(err, bad_user_request,
			"Cannot extend a lock that expired: lockExpirationTime is not greater than or equal to %lld",
			(long long)(command->now_us / 1000));
	MUST_EMIT(machine, err, task_lock, .activity = activity->id, .worker = external->worker,
		.locked_us = external->locked_us, .until_us = after_duration(command),
		.expiries = external->expiries);
	return OK;
}

static enum status
run_unlock_task(struct machine *machine, struct error *err)
{
	struct activity *activity;

	TRY(external_target(machine, &activity, err));
	MUST_EMIT(machine, err, task_lock, .activity = activity->id, .worker = NULL, .locked_us = WHEN_NONE,
		.until_us = WHEN_NONE, .expiries = 0);
	return OK;
}

/* A lock ran out once too often: nobody is told for ever, so somebody must be told now. */
static enum status
run_expire_lock(struct machine *machine, struct error *err)
{
	const struct external *external;
	struct activity *activity;
	const char *message;
	int64_t expiries;

	TRY(external_target(machine, &activity, err));
	external = &activity->external;
	expiries = external->expiries + 1;
	message = arena_printf(machine->arena,
		"the lock of worker '%s' ran out without a word from it, %lld times in a row",
		external->worker != NULL ? external->worker : "", (long long)expiries);
	MUST_EMIT(machine, err, task_fail, .activity = activity->id, .retries = 0, .message = message,
		.details = external->details);
	MUST_EMIT(machine, err, task_lock, .activity = activity->id, .worker = external->worker,
		.locked_us = WHEN_NONE, .until_us = WHEN_NONE, .expiries = 0);
	return open_incident(machine, activity, INCIDENT_failed_external_task, activity->id, message,
		activity->node->key, err);
}

static enum status
run_set_task_retries(struct machine *machine, struct error *err)
{
	int32_t retries = machine->command->retries;
	const struct external *external;
	struct activity *activity;

	TRY(external_target(machine, &activity, err));
	external = &activity->external;
	MUST_EMIT(machine, err, task_fail, .activity = activity->id, .retries = retries, .message = external->message,
		.details = external->details);
	if (retries > 0)
		return close_incidents(machine, activity, activity->id, true, err);
	return open_incident(machine, activity, INCIDENT_failed_external_task, activity->id, external->message,
		activity->node->key, err);
}

static enum status
run_set_task_priority(struct machine *machine, struct error *err)
{
	struct activity *activity;

	TRY(external_target(machine, &activity, err));
	MUST_EMIT(machine, err, task_priority, .activity = activity->id, .priority = machine->command->priority);
	return OK;
}

/* ---- jobs -------------------------------------------------------------------------------------------------- */

static enum status
run_execute_job(struct machine *machine, struct error *err)
{
	struct job *job = NULL;

	TRY(job_target(machine, &job, err));
	return execute_job(machine, job, err);
}

static enum status
run_fail_job(struct machine *machine, struct error *err)
{
	struct job *job = NULL;

	TRY(job_target(machine, &job, err));
	return fail_job(machine, job, err);
}

static enum status
run_set_job_retries(struct machine *machine, struct error *err)
{
	const struct command *command = machine->command;
	struct job *job;

	TRY(job_target(machine, &job, err));
	MUST_EMIT(machine, err, job_set, .job = job->id, .due_us = command->set_due ? command->due_us : job->due_us,
		.retries = command->retries, .message = job->message, .failed_key = job->failed_key);
	if (command->retries > 0)
		return close_incidents(machine, job->host, job->id, true, err);
	return open_incident(machine, job->host, INCIDENT_failed_job, job->id, job->message,
		job->failed_key != 0 ? job->failed_key : job->key, err);
}

static enum status
run_set_job_due(struct machine *machine, struct error *err)
{
	struct job *job;

	TRY(job_target(machine, &job, err));
	MUST_EMIT(machine, err, job_set, .job = job->id, .due_us = machine->command->due_us, .retries = job->retries,
		.message = job->message, .failed_key = job->failed_key);
	return OK;
}

/* ---- user tasks -------------------------------------------------------------------------------------------- */

static enum status
run_complete_user(struct machine *machine, struct error *err)
{
	struct activity *activity;

	TRY(user_target(machine, &activity, err));
	TRY(check_active(activity, "task", task_id(activity), err));
	TRY(set_variables(machine, activity, &machine->command->variables, false, err));
	return leave(machine, activity, err);
}

static enum status
run_error_user(struct machine *machine, struct error *err)
{
	const struct command *command = machine->command;
	struct activity *activity;

	TRY(user_target(machine, &activity, err));
	TRY(check_active(activity, "task", task_id(activity), err));
	TRY(set_variables(machine, activity, &command->variables, false, err));
	return throw_error(machine, activity, command->error_code, command->error_message, err);
}

static enum status
run_assign_user(struct machine *machine, struct error *err)
{
	const struct command *command = machine->command;
	struct activity *activity;

	TRY(user_target(machine, &activity, err));
	if (command->claim && command->user != NULL && activity->human->assignee != NULL &&
	    !text_equal(command->user, activity->human->assignee))
		return FAIL(err, task_claimed, "Task '%lld' is already claimed by someone else.",
			(long long)task_id(activity));
	TRY(check_active(activity, "task", task_id(activity), err));
	MUST_EMIT(machine, err, user_assign, .activity = activity->id, .assignee = command->user);
	return OK;
}

/* ---- executions and instances ------------------------------------------------------------------------------ */

static enum status
run_signal(struct machine *machine, struct error *err)
{
	struct activity *activity;

	TRY(scope_target(machine, &activity, err));
	/* A token that is alone in its scope runs in the scope's execution: clients know it by that id. */
	while (activity->child_count == 1 && !activity->first->node->is_scope)
		activity = activity->first;
	about(machine, activity);
	TRY(check_active(activity, "Execution", activity->id, err));
	if (activity->state != ACTIVITY_active || activity->child_count > 0 ||
	    !(element_flags(activity->node->element) & EL_TASK))
		return FAIL(err, engine, "cannot signal execution %lld: it has no current activity",
			(long long)activity->id);
	TRY(set_variables(machine, activity, &machine->command->variables, false, err));
	return leave(machine, activity, err);
}

static enum status
run_set_variables(struct machine *machine, struct error *err)
{
	const struct command *command = machine->command;
	const struct variable *variable;
	struct activity *activity;
	size_t i;

	TRY(scope_target(machine, &activity, err));
	TRY(set_variables(machine, activity, &command->variables, command->local, err));
	for (i = 0; i < command->deletion_count; i++) {
		variable = command->local ? tree_variable_local(activity, command->deletions[i]) :
					    tree_variable(activity, command->deletions[i]);
		if (variable != NULL)
			MUST_EMIT(machine, err, variable_drop, .scope = variable->scope, .name = command->deletions[i]);
	}
	return OK;
}

static enum status
run_delete_instance(struct machine *machine, struct error *err)
{
	struct instance *instance = tree_instance(machine->tree, machine->command->target);

	if (instance == NULL)
		return FAIL(err, not_found, "No process instance found for id '%lld': processInstance is null",
			(long long)machine->command->target);
	TRY(cancel_inside(machine, &instance->activity, NULL, false, err));
	TRY(close_attached(machine, &instance->activity, err));
	MUST_EMIT(machine, err, instance_close, .instance = instance->id, .state = INSTANCE_externally_terminated,
		.reason = machine->command->reason, .ended_us = machine->command->now_us);
	return OK;
}

static enum status
run_suspend(struct machine *machine, struct error *err)
{
	struct instance *instance = tree_instance(machine->tree, machine->command->target);

	if (instance == NULL)
		return FAIL(err, not_found, "Process instance with id '%lld' does not exist",
			(long long)machine->command->target);
	MUST_EMIT(machine, err, instance_suspend, .instance = instance->id, .suspended = machine->command->suspended);
	return OK;
}

static enum status
run_start(struct machine *machine, struct error *err)
{
	const struct command *command = machine->command;
	const struct definition *definition = command->definition;
	const struct node *process = &definition->program->nodes[0], *start;
	struct effect *effect;
	struct activity *root;

	if (process->start < 0)
		return FAIL(err, engine, "the process '%s' has no none start event", definition->key);
	start = &definition->program->nodes[process->start];
	effect = emit(machine,
		(struct effect){
			.kind = EFFECT_instance_open,
			.instance_open = {
				.instance = new_id(machine),
				.definition = definition->id,
				.business_key = command->business_key,
				.case_instance = command->case_instance,
				.start_key = start->key,
				.started_us = command->now_us,
			},
		}, err);
	if (effect == NULL)
		return err->status;
	root = &effect->on.instance->activity;
	machine->outcome->element_key = start->key;
	machine->outcome->activity = root->id;
	/* Nobody is known to have started it: there are no users yet. */
	if (definition->program->initiator != NULL)
		TRY(set_local(machine, root, definition->program->initiator, value_null(), err));
	TRY(set_variables(machine, root, &command->variables, true, err));
	push_check(machine, root);
	push_enter(machine, root, start, 0);
	return OK;
}

/* ---- the run ------------------------------------------------------------------------------------------------ */

static enum status (*const runs[])(struct machine *machine, struct error *err) = {
#define COMMAND(number, name, word, logged) [COMMAND_##name] = run_##name,
#include "engine/commands.def"
#undef COMMAND
};

/* The instance the command was about; it may be over by now. */
static struct instance *
instance_concerned(const struct machine *machine)
{
	const struct activity *activity = tree_activity(machine->tree, machine->command->target);
	const struct job *job = tree_job(machine->tree, machine->command->target);

	if (activity != NULL)
		return activity->instance;
	return job != NULL ? job->host->instance : machine->tree->root;
}

static void
collect_variables(const struct machine *machine, const struct instance *instance, struct outcome *outcome)
{
	const struct variable *variable;
	struct entry *list;
	size_t count = 0;

	for (variable = instance->activity.variables; variable != NULL; variable = variable->next)
		count++;
	list = ARENA_ARRAY(machine->arena, struct entry, count);
	count = 0;
	for (variable = instance->activity.variables; variable != NULL; variable = variable->next) {
		if (variable->value.transient)
			continue;
		list[count].name = arena_strdup(machine->arena, variable->name);
		list[count++].value = value_copy(machine->arena, variable->value);
	}
	outcome->variables = (struct entries){.count = count, .list = list};
}

static enum status
run(struct machine *machine, struct instance **instance, struct error *err)
{
	*instance = machine->command->kind == COMMAND_start ? NULL : instance_concerned(machine);
	TRY(runs[machine->command->kind](machine, err));
	if (*instance == NULL)
		*instance = machine->tree->root;
	TRY(run_works(machine, err));
	return drop_transients(machine, err);
}

enum status
engine_run(struct tree *tree, const struct command *command, struct effects *effects, struct outcome *outcome,
	struct error *err)
{
	struct machine machine = {
		.tree = tree,
		.command = command,
		.effects = effects,
		.outcome = outcome,
		.arena = command->arena,
		.next_id = command->next_id,
	};
	struct instance *instance;
	size_t from = effects->count;

	*outcome = (struct outcome){.locked_us = WHEN_NONE};
	error_clear(err);
	map_init(&machine.pending, command->arena);
	if (run(&machine, &instance, err) != OK) {
		engine_undo(tree, effects, from);
		return err->status;
	}
	outcome->instance = instance->id;
	outcome->ended = instance->activity.closed;
	outcome->next_id = machine.next_id;
	outcome->steps = machine.steps;
	if (command->want_variables)
		collect_variables(&machine, instance, outcome);
	return OK;
}
