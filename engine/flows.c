/* SPDX-License-Identifier: Apache-2.0
 * Which flows a token takes when it leaves a node (BPMN 13.3.1, 13.4; semantics of Camunda 7 where it is stricter). */
#include "engine/machine.h"

struct choice {
	struct machine *machine;
	struct activity *activity;	/* that leaves; conditions see its variables */
	int32_t *flows;
	size_t count;
};

static void
take(struct choice *choice, int32_t flow)
{
	choice->flows[choice->count++] = flow;
}

/* Among those taken already, in document order. */
static void
take_default(struct choice *choice)
{
	int32_t flow = choice->activity->node->default_flow;
	size_t at;

	for (at = choice->count++; at > 0 && choice->flows[at - 1] > flow; at--)
		choice->flows[at] = choice->flows[at - 1];
	choice->flows[at] = flow;
}

static enum status
holds(struct choice *choice, const struct flow *flow, bool *result, struct error *err)
{
	*result = true;
	if (flow->condition == NULL)
		return OK;
	return eval_condition(choice->machine, choice->activity, choice->activity->node, flow->condition, result, err);
}

/* The first flow that holds, else the default. */
static enum status
choose_exclusive(struct choice *choice, struct error *err)
{
	const struct node *node = choice->activity->node;
	const struct program *program = program_of(choice->activity);
	const struct flow *flow;
	bool result;
	int32_t i;

	for (i = 0; i < node->outgoing_count; i++) {
		flow = &program->flows[node->outgoing[i]];
		if (flow->index == node->default_flow)
			continue;
		TRY(holds(choice, flow, &result, err));
		if (result) {
			take(choice, flow->index);
			return OK;
		}
	}
	if (node->default_flow >= 0)
		take(choice, node->default_flow);
	return OK;
}

static void
choose_all(struct choice *choice)
{
	const struct node *node = choice->activity->node;
	int32_t i;

	for (i = 0; i < node->outgoing_count; i++)
		take(choice, node->outgoing[i]);
}

/* Every flow that holds.  The default is taken when nothing else is, and from an activity also beside unconditional
 * flows when it has conditional ones and none of them holds (BPMN 13.3.1). */
static enum status
choose_true(struct choice *choice, bool unconditional_counts, struct error *err)
{
	const struct node *node = choice->activity->node;
	const struct program *program = program_of(choice->activity);
	bool conditional = false, conditional_true = false, result;
	const struct flow *flow;
	int32_t i;

	for (i = 0; i < node->outgoing_count; i++) {
		flow = &program->flows[node->outgoing[i]];
		if (flow->index == node->default_flow)
			continue;
		conditional = conditional || flow->condition != NULL;
		TRY(holds(choice, flow, &result, err));
		if (!result)
			continue;
		take(choice, flow->index);
		conditional_true = conditional_true || flow->condition != NULL;
	}
	if (node->default_flow >= 0 &&
	    (choice->count == 0 || (conditional && !conditional_true && !unconditional_counts)))
		take_default(choice);
	return OK;
}

/* Camunda's texts, which operators search for (semantics.md 2.12). */
static enum status
none_selected(const struct node *node, struct error *err)
{
	if (element_flags(node->element) & EL_GATEWAY)
		FAIL(err, engine,
			"ENGINE-02004 No outgoing sequence flow for the element with id '%s' could be selected "
			"for continuing the process.", node->id);
	else
		FAIL(err, engine,
			"ENGINE-02006 No outgoing sequence flow for the element with id '%s' could be selected "
			"for continuing the process.", node->id);
	return blame(err, node);
}

enum status
select_flows(struct machine *machine, struct activity *activity, const int32_t **flows, size_t *count,
	struct error *err)
{
	const struct node *node = activity->node;
	struct choice choice = {.machine = machine, .activity = activity};

	*flows = NULL;
	*count = 0;
	if (node->outgoing_count == 0)
		return OK;
	choice.flows = ARENA_ARRAY(machine->arena, int32_t, (size_t)node->outgoing_count);
	if (node->element == EL_exclusive_gateway)
		TRY(choose_exclusive(&choice, err));
	else if (node->element == EL_parallel_gateway)
		choose_all(&choice);
	else
		TRY(choose_true(&choice, node->element == EL_inclusive_gateway, err));
	if (choice.count == 0)
		return none_selected(node, err);
	*flows = choice.flows;
	*count = choice.count;
	return OK;
}
