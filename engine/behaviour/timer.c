/* SPDX-License-Identifier: Apache-2.0
 * Intermediate timer catch events. */
#include "engine/machine.h"

enum progress
enter_timer(struct machine *machine, struct activity *activity, struct error *err)
{
	return open_timer(machine, activity, activity->node, err) == OK ? WAIT : FAILED;
}
