/* SPDX-License-Identifier: Apache-2.0
 * Multi-instance activities: a body scope that holds one instance after the other, or all at once (BPMN 13.3.7). */
#include "engine/machine.h"

static const char nr_of_instances[] = "nrOfInstances";
static const char nr_of_active[] = "nrOfActiveInstances";
static const char nr_of_completed[] = "nrOfCompletedInstances";
static const char loop_counter[] = "loopCounter";

/* Parallel instances that one command creates; a job goes on with the next ones, so that a body of 100,000 does not
 * keep others waiting.  Camunda 7 creates all in one transaction. */
enum { INSTANCES_AT_ONCE = 1000 };

/* A client may have put anything under that name; what is no Integer would end in a ClassCastException in Camunda. */
static enum status
count_in(const struct activity *body, const char *name, int64_t *count, struct error *err)
{
	const struct variable *variable = tree_variable_local(body, name);

	*count = 0;
	if (variable == NULL)
		return OK;
	*count = variable->value.integer;
	if (variable->value.type >= VALUE_short && variable->value.type <= VALUE_long && *count >= INT32_MIN &&
	    *count <= INT32_MAX)
		return OK;
	return FAIL(err, engine, "the variable '%s' of '%s' is not a whole number of 32 bits", name, body->node->id);
}

static enum status
set_count(struct machine *machine, struct activity *body, const char *name, int64_t count, struct error *err)
{
	return set_local(machine, body, name, value_integer(count), err);
}

/* The collection's elements; a literal name means the variable of that name. */
static enum status
collection_of(struct machine *machine, struct activity *body, struct value *list, struct error *err)
{
	const struct expr *expr = body->node->multi->collection;
	const struct variable *variable;
	struct value value;

	if (expr_is_literal(expr)) {
		variable = tree_variable(body, expr_source(expr));
		if (variable == NULL) {
			FAIL(err, engine, "ENGINE-02025 Variable '%s' is not found", expr_source(expr));
			return blame(err, body->node);
		}
		value = variable->value;
	} else {
		TRY(eval(machine, body, body->node, expr, &value, err));
	}
	if (value_open(machine->arena, &value, list, err) == OK && list->type == VALUE_list)
		return OK;
	if (expr_is_literal(expr))
		FAIL(err, engine, "ENGINE-02026 Variable '%s' isn't a collection", expr_source(expr));
	else
		FAIL(err, engine, "ENGINE-02024 Expression '%s' didn't resolve to type 'Collection'.",
			expr_source(expr));
	return blame(err, body->node);
}

static enum status
count_instances(struct machine *machine, struct activity *body, int64_t *count, struct error *err)
{
	const struct multi *multi = body->node->multi;
	struct value list;

	if (multi->cardinality != NULL) {
		TRY(eval_integer(machine, body, body->node, multi->cardinality, "loopCardinality", 0, count,
			err));
	} else {
		TRY(collection_of(machine, body, &list, err));
		*count = (int64_t)list.length;
	}
	if (*count > machine->command->limits->steps) {
		FAIL(err, engine, "%lld instances are more than the %lld steps that a command may take",
			(long long)*count, (long long)machine->command->limits->steps);
		return blame(err, body->node);
	}
	if (*count >= 0)
		return OK;
	FAIL(err, engine, "ENGINE-02023 Invalid number of instances: must be a positive number or zero, "
		"but was '%lld'.", (long long)*count);
	return blame(err, body->node);
}

enum progress
enter_multi(struct machine *machine, struct activity *body, struct error *err)
{
	bool sequential = body->node->multi->sequential;
	int64_t count;

	if (count_instances(machine, body, &count, err) != OK)
		return FAILED;
	if (count == 0)
		return MORE;
	if (set_count(machine, body, nr_of_instances, count, err) != OK ||
	    set_count(machine, body, nr_of_completed, 0, err) != OK ||
	    set_count(machine, body, nr_of_active, sequential ? 1 : count, err) != OK)
		return FAILED;
	push_next_instance(machine, body, 0);
	return DONE;
}

/* Where an instance's loop variables lie: those that come one after the other have the body's, as in Camunda, where
 * they share its execution; so each is one variable that changes. */
static struct activity *
loop_scope(struct activity *body, struct activity *inner)
{
	return body->node->multi->sequential ? body : inner;
}

/* The element of the collection that belongs to an instance.  A collection that is read anew may have shrunk. */
static enum status
set_element(struct machine *machine, struct activity *body, struct activity *inner, int64_t number, struct error *err)
{
	const struct multi *multi = body->node->multi;
	struct value list;

	if (multi->collection == NULL || multi->element_variable == NULL)
		return OK;
	if (machine->elements_of != body || multi->sequential) {
		TRY(collection_of(machine, body, &list, err));
		machine->elements_of = body;
		machine->elements = list;
	}
	if ((size_t)number >= machine->elements.length) {
		FAIL(err, engine, "the collection has no element number %lld any more", (long long)number);
		return blame(err, body->node);
	}
	return set_local(machine, loop_scope(body, inner), multi->element_variable, machine->elements.items[number],
		err);
}

/* Parallel instances begin when all of a command are open: each has its variables then, whatever becomes of those
 * before it. */
static void
begin_last(struct machine *machine, const struct activity *body, int64_t count)
{
	struct activity *inner;

	for (inner = body->last; count > 0; inner = inner->prev, count--)
		push_begin(machine, inner);
}

enum status
step_next_instance(struct machine *machine, const struct work *work, struct error *err)
{
	struct activity *body = work->activity, *inner;
	const struct node *node = node_at(body, body->node->start);
	struct pending *pending = map_get(&machine->pending, body->id);
	int64_t total, next = work->number + 1;

	pending->count--;
	if (body->closed)
		return OK;
	TRY(count_in(body, nr_of_instances, &total, err));
	TRY(open_activity(machine, body, node, ACTIVITY_before, 0, &inner, err));
	TRY(set_local(machine, loop_scope(body, inner), loop_counter, value_integer(work->number), err));
	TRY(set_element(machine, body, inner, work->number, err));
	if (node->async_before)
		TRY(open_continuation(machine, inner, JOB_before, err));
	if (body->node->multi->sequential) {
		if (!node->async_before)
			push_begin(machine, inner);
		return OK;
	}
	if (next < total && next % INSTANCES_AT_ONCE != 0) {
		push_next_instance(machine, body, next);
		return OK;
	}
	if (next < total)
		TRY(open_instances(machine, body, next, err));
	if (!node->async_before)
		begin_last(machine, body, next - work->number / INSTANCES_AT_ONCE * INSTANCES_AT_ONCE);
	return OK;
}

/* The body is over: what is left of its instances goes, and it leaves once. */
static enum status
body_done(struct machine *machine, struct activity *body, struct error *err)
{
	TRY(cancel_inside(machine, body, NULL, true, err));
	return leave(machine, body, err);
}

/* asyncAfter of an instance: it has ended, a job counts it later. */
static enum status
count_later(struct machine *machine, struct activity *inner, struct error *err)
{
	TRY(close_attached(machine, inner, err));
	MUST_EMIT(machine, err, activity_state, .activity = inner->id, .state = ACTIVITY_after, .flow = 0,
		.started_us = inner->started_us);
	return open_continuation(machine, inner, JOB_after, err);
}

enum status
instance_done(struct machine *machine, struct activity *inner, struct error *err)
{
	struct activity *body = inner->scope;
	bool sequential = body->node->multi->sequential, satisfied = false;
	int64_t completed, total;

	if (inner->state == ACTIVITY_active) {
		TRY(map_outputs(machine, inner, err));
		if (inner->node->async_after)
			return count_later(machine, inner, err);
	}
	TRY(count_in(body, nr_of_completed, &completed, err));
	TRY(count_in(body, nr_of_instances, &total, err));
	TRY(set_count(machine, body, nr_of_completed, ++completed, err));
	if (!sequential)
		TRY(set_count(machine, body, nr_of_active, total - completed, err));
	TRY(eval_condition(machine, inner, body->node, body->node->multi->completion, &satisfied, err));
	TRY(close_activity(machine, inner, false, err));
	if (satisfied || completed >= total)
		return body_done(machine, body, err);
	if (sequential)
		push_next_instance(machine, body, completed);
	return OK;
}
