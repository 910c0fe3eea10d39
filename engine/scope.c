/* SPDX-License-Identifier: Apache-2.0
 * Tokens in and out of scopes: opening, leaving, ending, canceling.  Whether a scope is complete is seen from what is
 * in it, never counted up and down. */
#include "engine/machine.h"

#include <assert.h>

enum status
open_activity(struct machine *machine, struct activity *scope, const struct node *node, enum activity_state state,
	int32_t flow, struct activity **opened, struct error *err)
{
	struct effect *effect = emit(machine,
		(struct effect){
			.kind = EFFECT_activity_open,
			.activity_open = {
				.activity = new_id(machine),
				.instance = scope->instance->id,
				.parent = scope->id,
				.key = node->key,
				.state = state,
				.flow = flow,
				.started_us = machine->command->now_us,
			},
		}, err);

	if (effect == NULL)
		return err->status;
	*opened = effect->on.activity;
	touch_scope(machine, scope);
	return OK;
}

enum status
close_attached(struct machine *machine, struct activity *activity, struct error *err)
{
	while (activity->jobs != NULL)
		MUST_EMIT(machine, err, job_close, .job = activity->jobs->id);
	while (activity->incidents != NULL)
		MUST_EMIT(machine, err, incident_close, .incident = activity->incidents->id, .resolved = false,
			.ended_us = machine->command->now_us);
	return OK;
}

enum status
close_activity(struct machine *machine, struct activity *activity, bool canceled, struct error *err)
{
	TRY(close_attached(machine, activity, err));
	MUST_EMIT(machine, err, activity_close, .activity = activity->id, .canceled = canceled,
		.ended_us = machine->command->now_us);
	touch_scope(machine, activity->scope);
	return OK;
}

void
take_flows(struct machine *machine, struct activity *scope, const int32_t *flows, size_t count)
{
	const struct program *program = program_of(scope);
	const struct flow *flow;
	size_t i;

	push_check(machine, scope);
	for (i = count; i-- > 0;) {
		flow = &program->flows[flows[i]];
		push_enter(machine, scope, &program->nodes[flow->target], flow->key);
	}
}

/* asyncAfter: the activity instance is over, and a job waits for each flow (or for the end, without one). */
static enum status
continue_later(struct machine *machine, struct activity *scope, const struct node *node, const int32_t *flows,
	size_t count, struct error *err)
{
	const struct program *program = program_of(scope);
	struct activity *token;
	size_t i;

	for (i = 0; i < count || i == 0; i++) {
		TRY(open_activity(machine, scope, node, ACTIVITY_after, count > 0 ? program->flows[flows[i]].key : 0,
			&token, err));
		TRY(open_continuation(machine, token, JOB_after, err));
	}
	return OK;
}

enum status
leave(struct machine *machine, struct activity *activity, struct error *err)
{
	struct activity *scope = activity->scope;
	const struct node *node = activity->node;
	const int32_t *flows;
	size_t count;

	if (scope->node->element == EL_multi_instance_body)
		return instance_done(machine, activity, err);
	/* conditions see what the activity sees, before its outputs are handed out (CB BpmnActivityBehavior) */
	TRY(select_flows(machine, activity, &flows, &count, err));
	TRY(map_outputs(machine, activity, err));
	TRY(close_activity(machine, activity, false, err));
	if (node->async_after)
		return continue_later(machine, scope, node, flows, count, err);
	take_flows(machine, scope, flows, count);
	return OK;
}

enum status
end_token(struct machine *machine, struct activity *activity, struct error *err)
{
	struct activity *scope = activity->scope;

	if (scope->node->element == EL_multi_instance_body)
		return instance_done(machine, activity, err);
	TRY(map_outputs(machine, activity, err));
	TRY(close_activity(machine, activity, false, err));
	push_check(machine, scope);
	return OK;
}

/* Every activity below top in the order of opening; those inside others come behind them. */
static size_t
collect(struct machine *machine, struct activity *top, struct activity ***list)
{
	struct activity *at;
	size_t count = 0, capacity = 0;

	*list = NULL;
	for (at = top; at != NULL; at = activity_walk(top, at)) {
		*list = arena_grow(machine->arena, *list, sizeof(struct activity *), count, &capacity);
		(*list)[count++] = at;
	}
	return count;
}

/* Whether one is the other or lies in it. */
static bool
lies_in(const struct activity *inner, const struct activity *outer)
{
	for (; inner != NULL; inner = inner->scope)
		if (inner == outer)
			return true;
	return false;
}

enum status
cancel_inside(struct machine *machine, struct activity *scope, const struct activity *spared, bool mappings,
	struct error *err)
{
	struct activity **list;
	size_t count = collect(machine, scope, &list), i;

	for (i = count; i-- > 1;) {
		if (spared != NULL && lies_in(list[i], spared))
			continue;
		if (mappings && list[i]->state == ACTIVITY_active)
			TRY(map_outputs(machine, list[i], err));
		TRY(close_activity(machine, list[i], true, err));
	}
	return OK;
}

enum status
cancel(struct machine *machine, struct activity *activity, bool mappings, struct error *err)
{
	TRY(cancel_inside(machine, activity, NULL, mappings, err));
	if (mappings && activity->state == ACTIVITY_active)
		TRY(map_outputs(machine, activity, err));
	return close_activity(machine, activity, true, err);
}

enum status
complete_scope(struct machine *machine, struct activity *scope, struct error *err)
{
	if (scope->scope == NULL) {
		TRY(close_attached(machine, scope, err));
		MUST_EMIT(machine, err, instance_close, .instance = scope->id, .state = INSTANCE_completed,
			.ended_us = machine->command->now_us);
		return OK;
	}
	if (scope->node->element == EL_multi_instance_body)
		return OK;	/* instance_done() sees to it */
	return leave(machine, scope, err);
}

enum status
fire_boundary(struct machine *machine, struct activity *host, const struct node *boundary, struct error *err)
{
	struct activity *scope = host->scope, *event;

	if (boundary->interrupting)
		TRY(cancel(machine, host, true, err));
	TRY(open_activity(machine, scope, boundary, ACTIVITY_active, 0, &event, err));
	return leave(machine, event, err);
}
