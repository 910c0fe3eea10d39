/* SPDX-License-Identifier: Apache-2.0
 * A tree as text, and what one tree cannot know of another taken out of it. */
#include "engine/tree_priv.h"

#include <inttypes.h>

#include "base/text.h"

static const char *
shown(const char *text)
{
	return text != NULL ? text : "-";
}

static void
dump_time(struct text *out, const char *name, int64_t us)
{
	if (us == WHEN_NONE)
		text_printf(out, " %s=-", name);
	else
		text_printf(out, " %s=%" PRId64, name, us);
}

static void
dump_people(struct text *out, const char *name, const struct people *people)
{
	size_t i;

	text_printf(out, " %s=", name);
	for (i = 0; i < people->count; i++)
		text_printf(out, "%s,", people->list[i]);
}

static void
dump_external(struct text *out, const struct external *external)
{
	if (external->topic == NULL)
		return;
	text_printf(out, "\n  task topic=%s worker=%s retries=%" PRId32 " expiries=%" PRId32 " priority=%" PRId64,
		external->topic, shown(external->worker), external->retries, external->expiries,
		external->priority);
	dump_time(out, "locked", external->locked_us);
	dump_time(out, "until", external->until_us);
	text_printf(out, " message=%s details=%s", shown(external->message), shown(external->details));
}

static void
dump_human(struct text *out, const struct human *human)
{
	if (human == NULL)
		return;
	text_printf(out, "\n  user name=%s description=%s assignee=%s form=%s priority=%" PRId64,
		shown(human->name), shown(human->description), shown(human->assignee),
		shown(human->form_key), human->priority);
	dump_time(out, "due", human->due_us);
	dump_time(out, "follow", human->follow_up_us);
	dump_people(out, "users", &human->users);
	dump_people(out, "groups", &human->groups);
}

static void
dump_info(struct text *out, const struct value_info *info)
{
	if (info != NULL)
		text_printf(out, " (%s %s %s %s %s)", shown(info->filename), shown(info->mime),
			shown(info->encoding), shown(info->object_type), shown(info->format));
}

/* Of a transient one its value is in no log, so it is no part of what a tree is. */
static void
dump_value(struct text *out, struct arena *arena, const struct value *value)
{
	if (value->transient) {
		text_puts(out, "transient");
		return;
	}
	text_printf(out, "%s = %s", value_type_name(value->type), value_to_text(arena, value));
	dump_info(out, value->info);
}

static void
dump_variables(struct text *out, struct arena *arena, const struct activity *activity)
{
	const struct variable *variable;

	for (variable = activity->variables; variable != NULL; variable = variable->next) {
		text_printf(out, "\n  variable %" PRId64 " scope=%" PRId64 " prev=%" PRId64 " %s:", variable->id,
			variable->scope, variable->prev->id, variable->name);
		dump_value(out, arena, &variable->value);
		dump_time(out, "created", variable->created_us);
		if (tree_variable_local(activity, variable->name) != variable)
			text_puts(out, " LOST");
	}
}

static void
dump_jobs(struct text *out, const struct tree *tree, const struct activity *activity)
{
	const struct job *job;

	for (job = activity->jobs; job != NULL; job = job->next) {
		text_printf(out, "\n  job %" PRId64 " kind=%d key=%" PRId32 " retries=%" PRId32 " priority=%" PRId64,
			job->id, (int)job->kind, job->key, job->retries, job->priority);
		dump_time(out, "due", job->due_us);
		dump_time(out, "created", job->created_us);
		text_printf(out, " cycle=%s message=%s failed=%" PRId32 " on=%" PRId64 " prev=%" PRId64 "%s",
			shown(job->cycle), shown(job->message), job->failed_key, job->host->id, job->prev->id,
			tree_job(tree, job->id) == job ? "" : " LOST");
	}
}

static void
dump_incidents(struct text *out, const struct activity *activity)
{
	const struct incident *incident;

	for (incident = activity->incidents; incident != NULL; incident = incident->next)
		text_printf(out,
			"\n  incident %" PRId64 " kind=%d of=%" PRId64 " message=%s failed=%" PRId32 " created=%" PRId64
			" on=%" PRId64 " prev=%" PRId64, incident->id, (int)incident->kind,
			incident->configuration, shown(incident->message), incident->failed_key,
			incident->created_us, incident->host->id, incident->prev->id);
}

static int64_t
id_of(const struct activity *activity)
{
	return activity != NULL ? activity->id : 0;
}

static void
dump_tokens(struct text *out, const struct activity *activity)
{
	int32_t i;

	if (activity->tokens == NULL)
		return;
	text_puts(out, " tokens=");
	for (i = 0; i < activity->instance->definition->program->node_count; i++)
		text_printf(out, "%" PRId32 ",", activity->tokens[i]);
}

static void
dump_activity(struct text *out, struct arena *arena, const struct tree *tree, const struct activity *activity)
{
	text_printf(out, "\n activity %" PRId64 " %s parent=%" PRId64 " scope=%" PRId64 " state=%d flow=%" PRId32,
		activity->id, shown(activity->node->id), activity->parent, id_of(activity->scope),
		(int)activity->state, activity->flow);
	dump_time(out, "started", activity->started_us);
	text_printf(out, " first=%" PRId64 " last=%" PRId64 " prev=%" PRId64 " next=%" PRId64 " children=%" PRId64,
		id_of(activity->first), id_of(activity->last), id_of(activity->prev), id_of(activity->next),
		activity->child_count);
	if (activity->called_count != 0)
		text_printf(out, " called=%" PRId64, activity->called_count);
	dump_tokens(out, activity);
	if (activity->closed) {
		text_puts(out, activity->canceled ? " canceled" : " closed");
		dump_time(out, "ended", activity->ended_us);
	}
	if (!activity->closed && tree_activity(tree, activity->id) != activity)
		text_puts(out, " LOST");
	dump_external(out, &activity->external);
	dump_human(out, activity->human);
	dump_variables(out, arena, activity);
	dump_jobs(out, tree, activity);
	dump_incidents(out, activity);
}

const char *
tree_dump(const struct tree *tree, struct arena *arena)
{
	struct instance *instance;
	struct activity *at;
	struct text out;

	text_init(&out, arena);
	text_printf(&out, "tree bytes=%zu instances=%zu activities=%zu jobs=%zu incidents=%zu", tree->live_bytes,
		map_count(&tree->instances), map_count(&tree->activities), map_count(&tree->jobs),
		map_count(&tree->incidents));
	for (instance = tree->root; instance != NULL; instance = instance->next) {
		text_printf(&out, "\ninstance %" PRId64 " parent=%" PRId64 " definition=%" PRId32 " key=%s",
			instance->id, instance->parent, instance->definition->id, shown(instance->business_key));
		text_printf(&out, " state=%d start=%" PRId32 " prev=%" PRId64 "%s reason=%s", (int)instance->state,
			instance->start_key, instance->prev->id, instance->suspended ? " suspended" : "",
			shown(instance->reason));
		dump_time(&out, "started", instance->started_us);
		dump_time(&out, "ended", instance->ended_us);
		for (at = &instance->activity; at != NULL; at = activity_walk(&instance->activity, at))
			dump_activity(&out, arena, tree, at);
	}
	text_putc(&out, '\n');
	return text_string(&out);
}

/* ---- forgetting ------------------------------------------------------------------------------------- */

static enum status
forget_variables(struct tree *tree, struct activity *activity, struct error *err)
{
	struct variable *variable, *next;

	for (variable = activity->variables; variable != NULL; variable = next) {
		struct effect drop = {.kind = EFFECT_variable_drop,
			.variable_drop = {.scope = variable->scope, .name = variable->name}};

		next = variable->next;
		variable->created_us = WHEN_NONE;
		if (variable->value.transient)
			TRY(engine_apply(tree, &drop, err));
	}
	return OK;
}

static enum status
forget_lock(struct tree *tree, struct activity *activity, struct error *err)
{
	struct effect unlock = {.kind = EFFECT_task_lock, .task_lock = {.activity = activity->id,
		.locked_us = WHEN_NONE, .until_us = WHEN_NONE}};

	return activity->external.topic != NULL ? engine_apply(tree, &unlock, err) : OK;
}

static enum status
forget(struct tree *tree, enum status (*each)(struct tree *tree, struct activity *activity, struct error *err),
	struct error *err)
{
	struct instance *instance;
	struct activity *at;

	for (instance = tree->root; instance != NULL; instance = instance->next)
		for (at = &instance->activity; at != NULL; at = activity_walk(&instance->activity, at))
			TRY(each(tree, at, err));
	return OK;
}

enum status
tree_forget_unstored(struct tree *tree, struct error *err)
{
	return forget(tree, forget_variables, err);
}

enum status
tree_forget_locks(struct tree *tree, struct error *err)
{
	return forget(tree, forget_lock, err);
}
