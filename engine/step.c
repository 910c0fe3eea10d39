/* SPDX-License-Identifier: Apache-2.0
 * The machine's loop: effects, the work list, and the run of one command. */
#include "engine/machine.h"

#include <assert.h>

struct effect *
emit(struct machine *machine, struct effect effect, struct error *err)
{
	struct effects *effects = machine->effects;

	effects->list = arena_grow(effects->arena, effects->list, sizeof *effects->list, effects->count,
		&effects->capacity);
	effects->list[effects->count] = effect;
	if (engine_apply(machine->tree, &effects->list[effects->count], err) != OK)
		return NULL;
	return &effects->list[effects->count++];
}

int64_t
new_id(struct machine *machine)
{
	int64_t id = machine->next_id;

	machine->next_id += ID_STEP;
	return id;
}

const struct program *
program_of(const struct activity *activity)
{
	return activity->instance->definition->program;
}

const struct node *
node_at(const struct activity *activity, int32_t index)
{
	return &program_of(activity)->nodes[index];
}

enum status
blame(struct error *err, const struct node *node)
{
	if (err->element == NULL) {
		err->element = node->id;
		err->line = node->line;
	}
	return err->status;
}

/* ---- the work list ------------------------------------------------------------------------------------- */

static struct pending *
pending_of(struct machine *machine, const struct activity *scope)
{
	struct pending *pending = map_get(&machine->pending, scope->id);

	if (pending == NULL) {
		pending = ARENA_NEW(machine->arena, struct pending);
		map_put(&machine->pending, scope->id, pending);
	}
	return pending;
}

bool
is_pending(const struct machine *machine, const struct activity *scope)
{
	const struct pending *pending = map_get(&machine->pending, scope->id);

	return pending != NULL && pending->count > 0;
}

void
push(struct machine *machine, struct work work)
{
	machine->works = arena_grow(machine->arena, machine->works, sizeof *machine->works, machine->work_count,
		&machine->work_capacity);
	machine->works[machine->work_count++] = work;
}

void
push_enter(struct machine *machine, struct activity *scope, const struct node *node, int32_t flow)
{
	pending_of(machine, scope)->count++;
	push(machine, (struct work){.step = STEP_enter, .activity = scope, .node = node, .flow = flow});
}

void
push_begin(struct machine *machine, struct activity *activity)
{
	push(machine, (struct work){.step = STEP_begin, .activity = activity});
}

void
push_check(struct machine *machine, struct activity *scope)
{
	push(machine, (struct work){.step = STEP_check_scope, .activity = scope});
}

void
push_next_instance(struct machine *machine, struct activity *body, int64_t number)
{
	pending_of(machine, body)->count++;
	push(machine, (struct work){.step = STEP_next_instance, .activity = body, .number = number});
}

void
drop_pending(struct machine *machine, const struct activity *scope)
{
	struct work *work;
	size_t i, kept = 0;

	for (i = 0; i < machine->work_count; i++) {
		work = &machine->works[i];
		if (work->activity == scope && work->step == STEP_enter)
			pending_of(machine, scope)->count--;
		else
			machine->works[kept++] = *work;
	}
	machine->work_count = kept;
}

void
touch_scope(struct machine *machine, struct activity *scope)
{
	size_t i;

	if (!scope->node->has_inclusive_join)
		return;
	for (i = 0; i < machine->dirty_count; i++)
		if (machine->dirty[i] == scope)
			return;
	machine->dirty = arena_grow(machine->arena, machine->dirty, sizeof(struct activity *), machine->dirty_count,
		&machine->dirty_capacity);
	machine->dirty[machine->dirty_count++] = scope;
}

/* ---- steps --------------------------------------------------------------------------------------------- */

static enum status
step_enter(struct machine *machine, const struct work *work, struct error *err)
{
	enum activity_state state = work->node->async_before ? ACTIVITY_before : ACTIVITY_active;
	struct activity *opened;

	pending_of(machine, work->activity)->count--;
	if (work->activity->closed)
		return OK;
	TRY(open_activity(machine, work->activity, work->node, state, work->flow, &opened, err));
	if (state == ACTIVITY_before)
		return open_continuation(machine, opened, JOB_before, err);
	push_begin(machine, opened);
	return OK;
}

static behaviour *const behaviours[ELEMENT_COUNT] = {
#define ELEMENT(name, xml, definition, type, flags, behaviour) [EL_##name] = enter_##behaviour,
#include "bpmn/elements.def"
#undef ELEMENT
};

/* Timers of boundary events are armed after the input mappings, whose values they may use (CB ActivityImpl). */
static enum status
arm_boundaries(struct machine *machine, struct activity *activity, struct error *err)
{
	const struct node *node = activity->node, *boundary;
	int32_t i;

	for (i = 0; i < node->boundary_count; i++) {
		boundary = node_at(activity, node->boundaries[i]);
		if (boundary->timer != NULL)
			TRY(open_timer(machine, activity, boundary, err));
	}
	return OK;
}

static enum status
step_begin(struct machine *machine, const struct work *work, struct error *err)
{
	struct activity *activity = work->activity;

	if (activity->closed)
		return OK;
	if (activity->state == ACTIVITY_before) {
		MUST_EMIT(machine, err, activity_state, .activity = activity->id, .state = ACTIVITY_active,
			.flow = activity->flow, .started_us = machine->command->now_us);
		touch_scope(machine, activity->scope);
	}
	TRY(map_inputs(machine, activity, err));
	TRY(arm_boundaries(machine, activity, err));
	switch (behaviours[activity->node->element](machine, activity, err)) {
	case MORE:
		return leave(machine, activity, err);
	case WAIT:
	case DONE:
		return OK;
	case FAILED:
		return blame(err, activity->node);
	}
	return OK;
}

static enum status
step_check_scope(struct machine *machine, const struct work *work, struct error *err)
{
	struct activity *scope = work->activity;

	if (scope->closed || scope->child_count > 0 || is_pending(machine, scope))
		return OK;
	return complete_scope(machine, scope, err);
}

static enum status (*const steps[])(struct machine *machine, const struct work *work, struct error *err) = {
#define STEP(name, says) [STEP_##name] = step_##name,
#include "engine/steps.def"
#undef STEP
};

/* When everything waits, joins that no token can reach any more fire, and the machine goes on. */
static enum status
test_joins(struct machine *machine, struct error *err)
{
	struct activity *scope;
	bool fired = false;

	while (machine->dirty_count > 0 && !fired) {
		scope = machine->dirty[--machine->dirty_count];
		if (!scope->closed)
			TRY(test_inclusive(machine, scope, &fired, err));
	}
	return OK;
}

enum status
run_works(struct machine *machine, struct error *err)
{
	struct work work;

	do {
		while (machine->work_count > 0) {
			work = machine->works[--machine->work_count];
			if (++machine->steps > machine->command->limits->steps) {
				FAIL(err, engine, "the command took more than %lld steps without reaching a wait "
					"state; is there a loop in the model?",
					(long long)machine->command->limits->steps);
				return blame(err, work.node != NULL ? work.node : work.activity->node);
			}
			TRY(steps[work.step](machine, &work, err));
		}
		TRY(test_joins(machine, err));
		/* a join that fires into a job (asyncAfter) leaves no work, but perhaps others to be asked */
	} while (machine->work_count > 0 || machine->dirty_count > 0);
	return OK;
}
