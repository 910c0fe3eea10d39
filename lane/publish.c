/* SPDX-License-Identifier: Apache-2.0
 * After a commit: what is durable enters the index, the ready queues and the timers, and the requests get their answers
 * (which the caller sends).  A batch that has run but is not committed yet may have gone on with the same trees: queues
 * follow the trees as they are now, and once more if that batch is taken back. */
#include "lane/lane_priv.h"

#include "base/counters.h"

/* Everything of a tree whose tasks and jobs became available again (or ceased to be) as a whole. */
static void
sync_whole(struct lane *lane, struct tree *tree)
{
	struct activity *activity;
	const struct job *job;

	for (activity = tree_walk(tree, NULL); activity != NULL; activity = tree_walk(tree, activity)) {
		if (activity->external.topic != NULL)
			tasks_sync(lane, tree, activity->id);
		for (job = activity->jobs; job != NULL; job = job->next)
			timers_sync(lane, tree, job->id);
	}
}

/* The activity or job that an effect is about; 0: neither. */
static int64_t
touched(const struct effect *effect)
{
	switch (effect->kind) {
	case EFFECT_activity_open:
	case EFFECT_activity_state:
	case EFFECT_activity_close:
	case EFFECT_task_open:
	case EFFECT_task_lock:
	case EFFECT_task_fail:
	case EFFECT_task_priority:
		return effect->on.activity->external.topic != NULL ? effect->on.activity->id : 0;
	case EFFECT_job_open:
	case EFFECT_job_set:
	case EFFECT_job_close:
		return effect->on.job->id;
	case EFFECT_instance_suspend:
	case EFFECT_instance_open:
	case EFFECT_instance_close:
	case EFFECT_user_open:
	case EFFECT_user_assign:
	case EFFECT_variable_set:
	case EFFECT_variable_drop:
	case EFFECT_incident_open:
	case EFFECT_incident_close:
		return 0;
	}
	return 0;
}

static bool
is_about_job(enum effect_kind kind)
{
	return kind == EFFECT_job_open || kind == EFFECT_job_set || kind == EFFECT_job_close;
}

/* Ready queues and timers as the tree says, after an effect of that kind on that activity or job. */
static void
sync_one(struct lane *lane, struct tree *tree, enum effect_kind kind, int64_t id)
{
	if (kind == EFFECT_instance_suspend)
		sync_whole(lane, tree);
	else if (id != 0 && is_about_job(kind))
		timers_sync(lane, tree, id);
	else if (id != 0)
		tasks_sync(lane, tree, id);
}

/* Which tree an id is in. */
static void
index_effect(struct lane *lane, struct work *work, const struct effect *effect)
{
	switch (effect->kind) {
	case EFFECT_activity_open:
		if (!effect->on.activity->closed)
			cache_index(lane, work->cached, effect->on.activity->id);
		break;
	case EFFECT_activity_close:
		cache_unindex(lane, effect->on.activity->id);
		break;
	case EFFECT_job_open:
	case EFFECT_job_set:
	case EFFECT_job_close:
		if (tree_job(work->tree, effect->on.job->id) != NULL)
			cache_index(lane, work->cached, effect->on.job->id);
		else
			cache_unindex(lane, effect->on.job->id);
		break;
	case EFFECT_instance_open:
		cache_index(lane, work->cached, effect->on.instance->id);
		break;
	case EFFECT_instance_close:
		cache_unindex(lane, effect->on.instance->id);
		break;
	case EFFECT_activity_state:
	case EFFECT_task_open:
	case EFFECT_task_lock:
	case EFFECT_task_fail:
	case EFFECT_task_priority:
	case EFFECT_instance_suspend:
	case EFFECT_user_open:
	case EFFECT_user_assign:
	case EFFECT_variable_set:
	case EFFECT_variable_drop:
	case EFFECT_incident_open:
	case EFFECT_incident_close:
		break;
	}
}

/* Effects that /metrics counts. */
static const struct {
	enum effect_kind kind;
	enum counter counter;
} counted[] = {
	{ EFFECT_activity_open, COUNT_activities_started },
	{ EFFECT_activity_close, COUNT_activities_ended },
	{ EFFECT_instance_open, COUNT_instances_started },
	{ EFFECT_instance_close, COUNT_instances_ended },
	{ EFFECT_incident_open, COUNT_incidents_opened },
};
enum { COUNTED = sizeof counted / sizeof counted[0] };

static void
publish_effect(struct lane *lane, struct work *work, const struct effect *effect)
{
	index_effect(lane, work, effect);
	sync_one(lane, work->tree, effect->kind, touched(effect));
	for (size_t i = 0; i < COUNTED; i++)
		if (counted[i].kind == effect->kind)
			counter_add(counted[i].counter, 1);
}

/* Another batch may have been published since the work ran, and the queues then followed its effects, too. */
void
publish_undo(struct lane *lane, struct work *work)
{
	size_t count = work->effects.count, i;
	int64_t *ids = ARENA_ARRAY(lane->scratch, int64_t, count);

	for (i = 0; i < count; i++)
		ids[i] = touched(&work->effects.list[i]);
	engine_undo(work->tree, &work->effects, 0);
	for (i = 0; i < count; i++)
		sync_one(lane, work->tree, work->effects.list[i].kind, ids[i]);
}

static void
publish(struct lane *lane, struct work *work)
{
	size_t i;

	if (work->cached == NULL) {
		work->cached = cache_add(lane, work->tree);
		work->cached->pins++;
	}
	for (i = 0; i < work->effects.count; i++)
		publish_effect(lane, work, &work->effects.list[i]);
	if (work->command.kind == COMMAND_execute_job)
		counter_add(COUNT_jobs_executed, 1);
	if (work->command.kind == COMMAND_complete_task)
		counter_add(COUNT_tasks_completed, 1);
	if (work->command.kind == COMMAND_fail_task)
		counter_add(COUNT_tasks_failed, 1);
	cache_touch(lane, work->cached);
}

/* The batch is done with its trees; those whose root has ended hold nothing that runs. */
static void
release_trees(struct lane *lane, struct gathered *gathered)
{
	struct work *work;
	size_t i;

	for (i = 0; i < gathered->count; i++) {
		work = &gathered->list[i];
		if (work->cached != NULL && --work->cached->pins == 0 && work->cached->tree->root->activity.closed)
			cache_forget(lane, work->cached);
		work->cached = NULL;
	}
}

static void
settle_fetched(const struct lane *lane, const struct work *work)
{
	struct request *request = work->request;

	request->tasks[request->task_count++] = *work->fetched;
	counter_add(COUNT_tasks_fetched, 1);
	histogram_add(TIME_ready_seconds, (double)(lane->last_now_us - work->fetched->created_us) / (double)SECOND_US);
}

static void
settle(struct lane *lane, struct work *work)
{
	struct request *request = work->request;

	if (work->status != OK)
		counter_add(COUNT_commands_refused, 1);
	if (work->picked) {
		if (work->ran && work->fetched != NULL)
			settle_fetched(lane, work);
		else if (!work->ran && work->tree != NULL)
			tasks_sync(lane, work->tree, work->command.target);	/* as the batch has left it */
		else if (!work->ran)
			tasks_forget(lane, work->command.target);
		return;
	}
	if (request == NULL)
		return;
	request->status = work->status;
	request->outcome = work->outcome;
	if (work->status != OK)
		request_fail(request, work->error);
}

void
publish_all(struct lane *lane, struct gathered *gathered)
{
	size_t i;

	for (i = 0; i < gathered->count; i++)
		if (gathered->list[i].ran)
			publish(lane, &gathered->list[i]);
	for (i = 0; i < gathered->count; i++)
		settle(lane, &gathered->list[i]);
	release_trees(lane, gathered);
}
