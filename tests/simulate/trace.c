/* SPDX-License-Identifier: Apache-2.0
 * See trace.h. */
#include "tests/simulate/trace.h"

#include <stdlib.h>

#include "base/text.h"

#define BODY "#multiInstanceBody"

/* ---- both ----------------------------------------------------------------------------------------- */

static struct trace *
new_trace(struct arena *arena, const char *line)
{
	struct trace *trace = ARENA_NEW(arena, struct trace);

	trace->line = line;
	trace->timer = SKETCH_NONE;
	return trace;
}

static void
put_inside(struct arena *arena, struct trace *trace, struct trace *inner)
{
	trace->inside = arena_grow(arena, trace->inside, sizeof(*trace->inside), trace->count, &trace->room);
	trace->inside[trace->count++] = inner;
}

static struct trace *
put_job(struct arena *arena, struct trace *trace, const char *line, int64_t id)
{
	struct trace *job = new_trace(arena, line);

	job->kind = TRACE_job;
	job->id = id;
	put_inside(arena, trace, job);
	return job;
}

/* Two timers that will not fire equally often are not equal. */
static const char *
timer_line(struct arena *arena, const char *event, int64_t times)
{
	if (times == 1)
		return arena_printf(arena, "timer %s", event);
	return arena_printf(arena, "timer %s, %d times", event, (int)times);
}

static int
by_text(const void *a, const void *b)
{
	return strcmp((*(struct trace *const *)a)->text, (*(struct trace *const *)b)->text);
}

/* Sorts what is inside and writes the text, each level two blanks further in. */
static void
write_text(struct arena *arena, struct trace *trace, int depth)
{
	struct text text;
	size_t i;

	for (i = 0; i < trace->count; i++)
		write_text(arena, trace->inside[i], depth + 1);
	if (trace->count > 0)
		qsort(trace->inside, trace->count, sizeof(*trace->inside), by_text);
	text_init(&text, arena);
	text_printf(&text, "%*s%s\n", 2 * depth, "", trace->line);
	for (i = 0; i < trace->count; i++)
		text_puts(&text, trace->inside[i]->text);
	trace->text = text_string(&text);
}

static void
gather(struct arena *arena, const struct trace *trace, const struct trace ***list, size_t *count, size_t *room)
{
	size_t i;

	if (trace->kind != TRACE_plain) {
		*list = arena_grow(arena, *list, sizeof(**list), *count, room);
		(*list)[(*count)++] = trace;
	}
	for (i = 0; i < trace->count; i++)
		gather(arena, trace->inside[i], list, count, room);
}

size_t
trace_choices(struct arena *arena, const struct trace *trace, const struct trace ***choices)
{
	size_t count = 0, room = 0;

	*choices = NULL;
	gather(arena, trace, choices, &count, &room);
	return count;
}

/* ---- what has ended -------------------------------------------------------------------------------- */

struct endings {
	const char **over, **canceled;
	size_t over_count, canceled_count;
};

static struct endings
new_endings(struct arena *arena, size_t most)
{
	return (struct endings){
		.over = ARENA_ARRAY(arena, const char *, most),
		.canceled = ARENA_ARRAY(arena, const char *, most),
	};
}

static void
put_ending(struct endings *endings, const char *id, bool canceled)
{
	if (canceled)
		endings->canceled[endings->canceled_count++] = id;
	else
		endings->over[endings->over_count++] = id;
}

static int
by_word(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
write_words(struct text *text, const char **words, size_t count, const char *before, bool in_order)
{
	size_t i;

	if (count > 0 && !in_order)
		qsort(words, count, sizeof(*words), by_word);
	for (i = 0; i < count; i++)
		text_printf(text, "%s%s%s", text->length > 0 ? " " : "", before, words[i]);
}

/* In which order things are canceled nobody has promised. */
static const char *
write_endings(struct arena *arena, struct endings *endings, bool in_order)
{
	struct text text;

	text_init(&text, arena);
	write_words(&text, endings->over, endings->over_count, "", in_order);
	write_words(&text, endings->canceled, endings->canceled_count, "-", false);
	return text_string(&text);
}

/* ---- the engine ----------------------------------------------------------------------------------- */

static void
write_variable(struct text *text, struct arena *arena, const char *name, const struct variable *variable)
{
	if (variable != NULL)
		text_printf(text, " %s=%s", name, value_to_text(arena, &variable->value));
}

static void
write_local(struct text *text, struct arena *arena, const struct activity *scope, const char *name)
{
	write_variable(text, arena, name, tree_variable_local(scope, name));
}

static const char *
engine_line(struct arena *arena, const struct activity *activity)
{
	static const char *const locals[] = {
		"nrOfInstances", "nrOfActiveInstances", "nrOfCompletedInstances",
	};
	static const char *const states[] = {
		[ACTIVITY_active] = "", [ACTIVITY_before] = " before", [ACTIVITY_after] = " after",
		[ACTIVITY_joining] = " joining",
	};
	const struct flow *flow = NULL;
	struct text text;
	size_t i;

	if (activity->flow != 0 && activity->state != ACTIVITY_active)
		flow = program_flow(activity->instance->definition->program, activity->flow);
	text_init(&text, arena);
	text_printf(&text, "%s%s%s%s", activity->node->id, states[activity->state], flow != NULL ? " " : "",
		flow != NULL ? flow->id : "");
	/* instances in turn share one, which the body has */
	if (activity->scope != NULL && activity->scope->node->element == EL_multi_instance_body)
		write_variable(&text, arena, "loopCounter", tree_variable(activity, "loopCounter"));
	for (i = 0; i < sizeof(locals) / sizeof(*locals); i++)
		write_local(&text, arena, activity, locals[i]);
	return text_string(&text);
}

/* How often it will fire if it is never late. */
static int64_t
times_left(const struct job *job)
{
	struct cycle cycle;
	struct error err;

	if (job->cycle == NULL)
		return 1;
	if (cycle_parse(job->cycle, &cycle, &err) != OK)
		return INT32_MAX;
	return cycle.repeats + 1 - (job->due_us - cycle.start_us) / cycle.period.us;
}

static const char *
job_line(struct arena *arena, const struct activity *activity, const struct job *job)
{
	static const char *const kinds[] = {
		[JOB_before] = "job before", [JOB_after] = "job after", [JOB_instances] = "job instances",
	};
	const char *id = program_node(activity->instance->definition->program, job->key)->id;

	if (job->kind == JOB_timer)
		return timer_line(arena, id, times_left(job));
	return arena_printf(arena, "%s %s", kinds[job->kind], id);
}

static void
put_engine_jobs(struct arena *arena, struct trace *trace, const struct activity *activity)
{
	const struct job *job;

	for (job = activity->jobs; job != NULL; job = job->next)
		put_job(arena, trace, job_line(arena, activity, job), job->id);
}

static struct trace *
engine_activity(struct arena *arena, const struct activity *activity)
{
	struct trace *trace = new_trace(arena, engine_line(arena, activity));
	const struct activity *at;

	if (activity->state == ACTIVITY_active && (activity->external.topic != NULL || activity->human != NULL)) {
		trace->kind = TRACE_task;
		trace->id = activity->id;
		trace->is_user = activity->human != NULL;
	}
	put_engine_jobs(arena, trace, activity);
	for (at = activity->first; at != NULL; at = at->next)
		put_inside(arena, trace, engine_activity(arena, at));
	return trace;
}

struct trace *
trace_engine(struct arena *arena, const struct tree *tree)
{
	struct text text;
	struct trace *trace;
	int i;

	text_init(&text, arena);
	text_puts(&text, "process");
	if (tree->root->activity.closed) {
		trace = new_trace(arena, "over");
	} else {
		trace = engine_activity(arena, &tree->root->activity);
		for (i = 0; i < SKETCH_VARIABLES; i++)
			write_local(&text, arena, &tree->root->activity, arena_printf(arena, "v%d", i));
		trace->line = text_string(&text);
	}
	write_text(arena, trace, 0);
	return trace;
}

static bool
is_end(const struct effect *effect)
{
	if (effect->kind == EFFECT_activity_state)
		return effect->activity_state.state == ACTIVITY_after;
	return effect->kind == EFFECT_activity_close && effect->on.activity->state != ACTIVITY_before &&
	       effect->on.activity->state != ACTIVITY_after;
}

const char *
trace_engine_ended(struct arena *arena, const struct effects *effects, size_t from, bool in_order)
{
	struct endings endings = new_endings(arena, effects->count);
	const struct effect *effect;
	size_t i;

	for (i = from; i < effects->count; i++) {
		effect = &effects->list[i];
		if (is_end(effect))
			put_ending(&endings, effect->on.activity->node->id,
				effect->kind == EFFECT_activity_close && effect->activity_close.canceled);
	}
	return write_endings(arena, &endings, in_order);
}

/* ---- the reference -------------------------------------------------------------------------------- */

static const char *
reference_line(struct arena *arena, const struct reference *reference, const struct token *token)
{
	static const char *const states[] = {
		[TOKEN_active] = "", [TOKEN_before] = " before", [TOKEN_after] = " after", [TOKEN_joining] = " joining",
		[TOKEN_moving] = " moving",
	};
	const struct sketch_node *node = &reference->sketch->nodes[token->node];
	/* it is the loop as a whole that waits for a job, before or after */
	bool waits = token->state == TOKEN_before || token->state == TOKEN_after;
	bool whole = token->is_body || (waits && node->loop != SKETCH_once);
	struct text text;

	text_init(&text, arena);
	text_printf(&text, "n%d%s%s", node->number, whole ? BODY : "", states[token->state]);
	if (token->flow != SKETCH_NONE && token->state != TOKEN_active)
		text_printf(&text, " f%d", reference->sketch->flows[token->flow].number);
	if (token->counter != SKETCH_NONE)
		text_printf(&text, " loopCounter=%d", token->counter);
	if (token->is_body)
		text_printf(&text, " nrOfInstances=%d nrOfActiveInstances=%d nrOfCompletedInstances=%d", token->total,
			node->loop == SKETCH_in_turn ? 1 : token->total - token->completed, token->completed);
	return text_string(&text);
}

static void
put_reference_jobs(struct arena *arena, struct trace *trace, const struct reference *reference,
	const struct token *token)
{
	const struct sketch_node *node = &reference->sketch->nodes[token->node];
	const char *id = arena_printf(arena, "n%d", node->number);
	int i, times;

	if (token->state == TOKEN_active && node->kind == SKETCH_timer)
		put_job(arena, trace, timer_line(arena, id, 1), token->id);
	if (token->state == TOKEN_before)
		put_job(arena, trace, arena_printf(arena, "job before %s%s", id,
			node->loop != SKETCH_once ? BODY : ""), token->id);
	if (token->state == TOKEN_after)
		put_job(arena, trace, arena_printf(arena, "job after %s%s", id,
			node->loop != SKETCH_once ? BODY : ""), token->id);
	for (i = 0; i < (int)reference->sketch->node_count; i++) {
		times = reference_rings(reference, token, i);
		id = arena_printf(arena, "n%d", reference->sketch->nodes[i].number);
		if (times > 0)
			put_job(arena, trace, timer_line(arena, id, times), token->id)->timer = i;
	}
}

static struct trace *
reference_token(struct arena *arena, const struct reference *reference, const struct token *token)
{
	bool process = token->node == SKETCH_NONE;
	const struct sketch_node *node = process ? NULL : &reference->sketch->nodes[token->node];
	struct trace *trace = new_trace(arena, process ? "process" : reference_line(arena, reference, token));
	const struct token *at;

	if (!process && token->state == TOKEN_active && !token->is_body && sketch_is(node, SKETCH_IS_task)) {
		trace->kind = TRACE_task;
		trace->id = token->id;
		trace->is_user = node->kind == SKETCH_user;
	}
	if (!process)
		put_reference_jobs(arena, trace, reference, token);
	for (at = token->first; at != NULL; at = at->next)
		put_inside(arena, trace, reference_token(arena, reference, at));
	return trace;
}

struct trace *
trace_reference(struct arena *arena, const struct reference *reference)
{
	struct text text;
	struct trace *trace;
	int i;

	if (reference->process->dead) {
		trace = new_trace(arena, "over");
	} else {
		text_init(&text, arena);
		text_puts(&text, "process");
		for (i = 0; i < SKETCH_VARIABLES; i++)
			text_printf(&text, " v%d=%d", i, reference->variables[i]);
		trace = reference_token(arena, reference, reference->process);
		trace->line = text_string(&text);
	}
	write_text(arena, trace, 0);
	return trace;
}

const char *
trace_reference_ended(struct arena *arena, const struct reference *reference, bool in_order)
{
	struct endings endings = new_endings(arena, reference->ended_count);
	const struct ended *ended;
	size_t i;

	for (i = 0; i < reference->ended_count; i++) {
		ended = &reference->ended[i];
		put_ending(&endings, arena_printf(arena, "n%d%s", reference->sketch->nodes[ended->node].number,
			ended->is_body ? BODY : ""), ended->canceled);
	}
	return write_endings(arena, &endings, in_order);
}
