/* SPDX-License-Identifier: Apache-2.0
 * User tasks: they wait for a person; who may take them is evaluated on entry. */
#include "engine/machine.h"

#include <string.h>

enum { DEFAULT_PRIORITY = 50 };		/* CB Task.PRIORITY_NORMAL */

/* Appends the comma-separated names in text, without blanks around them. */
static void
split_names(struct arena *arena, const char *text, const char ***list, size_t *count, size_t *capacity)
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
			*list = arena_grow(arena, *list, sizeof(const char *), *count, capacity);
			(*list)[(*count)++] = arena_strndup(arena, text, length);
		}
		text = end != NULL ? end : text + strlen(text);
	}
}

/* Names from an expression that gives a text with commas, or a list. */
static enum status
people_of(struct machine *machine, struct activity *activity, const struct expr *expr, struct people *people,
	struct error *err)
{
	struct value value, opened;
	const char **list = NULL;
	size_t count = 0, capacity = 0, i;

	*people = (struct people){0};
	TRY(eval(machine, activity, activity->node, expr, &value, err));
	if (value.type == VALUE_null)
		return OK;
	if (value.type == VALUE_string) {
		split_names(machine->arena, value.text, &list, &count, &capacity);
	} else {
		TRY(value_open(machine->arena, &value, &opened, err));
		if (opened.type != VALUE_list) {
			FAIL(err, engine, "candidates are a text or a list, not a value of type %s",
				value_type_name(opened.type));
			return blame(err, activity->node);
		}
		for (i = 0; i < opened.length; i++)
			split_names(machine->arena, value_to_text(machine->arena, &opened.items[i]), &list, &count,
				&capacity);
	}
	*people = (struct people){.count = count, .list = list};
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
	TRY(eval_integer(machine, activity, node, user->priority, "priority", DEFAULT_PRIORITY,
		&effect.user_open.priority, err));
	TRY(date_of(machine, activity, user->due_date, &effect.user_open.due_us, err));
	TRY(date_of(machine, activity, user->follow_up_date, &effect.user_open.follow_up_us, err));
	TRY(people_of(machine, activity, user->candidate_users, &effect.user_open.users, err));
	TRY(people_of(machine, activity, user->candidate_groups, &effect.user_open.groups, err));
	return emit(machine, effect, err) != NULL ? OK : err->status;
}

enum progress
enter_user(struct machine *machine, struct activity *activity, struct error *err)
{
	return open_user(machine, activity, err) == OK ? WAIT : FAILED;
}
