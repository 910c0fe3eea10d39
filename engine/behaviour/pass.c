/* SPDX-License-Identifier: Apache-2.0
 * Behaviours that do nothing of their own: start and end events, undefined and manual tasks, boundary events, and
 * exclusive gateways, whose choice is made when the token leaves. */
#include "engine/machine.h"

enum progress
enter_pass(struct machine *machine, struct activity *activity, struct error *err)
{
	(void)machine;
	(void)activity;
	(void)err;
	return MORE;
}

enum progress
enter_exclusive(struct machine *machine, struct activity *activity, struct error *err)
{
	return enter_pass(machine, activity, err);
}
