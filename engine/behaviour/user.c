/* SPDX-License-Identifier: Apache-2.0
 * User tasks: they wait for a person; who may take them is evaluated on entry. */
#include "engine/machine.h"

#include <string.h>

enum { DEFAULT_PRIORITY = 50 };		/* CB Task.PRIORITY_NORMAL */

/* Names while they are collected. */
struct names {
	struct arena *arena;
	const char **list;
	size_t count, capacity;
};

/* Appends the comma-separated names in text, without blanks around them. */
static void
add_names(struct names *names, const char *text)
{
	const char *end;
	size_t length;

	while (*text != '\0') {
		while (*text == ' ' || *text == ',')
			text++;
		end = strchr(text, ',');
		length = end != NULL ? (size_t)(end - text) : strlen(text);
		while (length > 0 && text[length - 1] == ' ')
			length--;
		if (length > 0) {
			names->list = arena_grow(names->arena, names->list, sizeof(const char *), names->count,
				&names->capacity);
			names->list[names->count++] = arena_strndup(names->arena, text, length);
		}
		text = end != NULL ? end : text + strlen(text);
	}
}

/* Names from an expression that gives a text with commas, or a list. */
static enum status
add_people(struct machine *machine, struct activity *activity, const struct expr *expr, struct names *names,
	struct error *err)
{
	struct value value, opened;
	size_t i;

	TRY(eval(machine, activity, activity->node, expr, &value, err));
	if (value.type == VALUE_string) {
		add_names(names, value.text);
		return OK;
	}
	if (value_open(machine->arena, &value, &opened, err) != OK || opened.type != VALUE_list) {
		FAIL(err, engine, "Expression did not resolve to a string or collection of strings");
		return blame(err, activity->node);
	}
	for (i = 0; i < opened.length; i++)
		add_names(names, value_to_text(machine->arena, &opened.items[i]));
	return OK;
}

static enum status
people_of(struct machine *machine, struct activity *activity, const struct exprs *exprs, struct people *people,
	struct error *err)
{
	struct names names = {.arena = machine->arena};
	int32_t i;

	for (i = 0; i < exprs->count; i++)
		TRY(add_people(machine, activity, exprs->list[i], &names, err));
	*people = (struct people){.count = names.count, .list = names.list};
	return OK;
}

static enum status
date_of(struct machine *machine, struct activity *activity, const struct expr *expr, int64_t *us, struct error *err)
{
	struct value value;

	*us = WHEN_NONE;
	TRY(eval(machine, activity, activity->node, expr, &value, err));
	if (value.type == VALUE_null)
		return OK;
	if (instant_of(machine, &value, us, err) != OK) {
		err->status = E_engine;
		return blame(err, activity->node);
	}
	return OK;
}

/* A priority that is null is that of a task without one. */
static enum status
priority_of(struct machine *machine, struct activity *activity, const struct expr *expr, int64_t *priority,
	struct error *err)
{
	struct value value;

	*priority = DEFAULT_PRIORITY;
	TRY(eval(machine, activity, activity->node, expr, &value, err));
	if (value.type == VALUE_null)
		return OK;
	return eval_integer(machine, activity, activity->node, expr, "priority", DEFAULT_PRIORITY, priority, err);
}

static enum status
open_user(struct machine *machine, struct activity *activity, struct error *err)
{
	const struct node *node = activity->node;
	const struct user *user = node->user;
	struct effect effect = {.kind = EFFECT_user_open, .user_open = {.activity = activity->id}};

	TRY(eval_text(machine, activity, node, user->name, &effect.user_open.name, err));
	TRY(eval_text(machine, activity, node, user->description, &effect.user_open.description, err));
	TRY(eval_text(machine, activity, node, user->assignee, &effect.user_open.assignee, err));
	TRY(eval_text(machine, activity, node, user->form_key, &effect.user_open.form_key, err));
	TRY(priority_of(machine, activity, user->priority, &effect.user_open.priority, err));
	TRY(date_of(machine, activity, user->due_date, &effect.user_open.due_us, err));
	TRY(date_of(machine, activity, user->follow_up_date, &effect.user_open.follow_up_us, err));
	TRY(people_of(machine, activity, &user->users, &effect.user_open.users, err));
	TRY(people_of(machine, activity, &user->groups, &effect.user_open.groups, err));
	return emit(machine, effect, err) != NULL ? OK : err->status;
}

enum progress
enter_user(struct machine *machine, struct activity *activity, struct error *err)
{
	return open_user(machine, activity, err) == OK ? WAIT : FAILED;
}
