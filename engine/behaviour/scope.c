/* SPDX-License-Identifier: Apache-2.0
 * Sub-processes and the process itself: a scope begins at its none start event. */
#include "engine/machine.h"

enum progress
enter_scope(struct machine *machine, struct activity *activity, struct error *err)
{
	if (activity->node->start < 0) {
		FAIL(err, engine, "the sub-process '%s' has no none start event", activity->node->id);
		return FAILED;
	}
	push_check(machine, activity);
	push_enter(machine, activity, node_at(activity, activity->node->start), 0);
	return DONE;
}

enum progress
enter_process(struct machine *machine, struct activity *activity, struct error *err)
{
	return enter_scope(machine, activity, err);
}
