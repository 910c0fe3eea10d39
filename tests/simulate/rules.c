/* SPDX-License-Identifier: Apache-2.0
 * See rules.h. */
#include "tests/simulate/rules.h"

#include <inttypes.h>

#include "base/text.h"
#include "tests/simulate/tree_hash.h"

/* ---- the store has what the lane had (load(save(state)) = state) ---------------------------------------------- */

struct promised {
	uint64_t hash;
	const struct saved_command *last;	/* of the tree in its batch */
};

void
rules_promise(struct place *place, const struct batch *batch)
{
	struct world *world = place->world;

	for (size_t i = 0; i < batch->count; i++) {
		int64_t root = batch->commands[i].tree->root->id;
		struct promised *promised = map_get(&place->expected, root);

		if (!promised) {
			promised = ARENA_NEW(world->arena, struct promised);
			map_put(&place->expected, root, promised);
		}
		promised->last = &batch->commands[i];
		promised->hash = tree_hash(batch->commands[i].tree, true);
	}
}

static void
check_promise(struct place *place, const struct saved_command *command, const struct tree *stored)
{
	const struct promised *promised = map_get(&place->expected, command->tree->root->id);

	if (!promised || promised->last != command || promised->hash == tree_hash(stored, true))
		return;
	world_fail(place->world, "after %s of %" PRId64 " the store has another tree than the lane",
		command_word(command->command->kind), command->command->target);
}

/* ---- what may be stored --------------------------------------------------------------------------------------- */

/* I11: an id is new when it is first stored. */
static void
check_new_id(struct world *world, int64_t id, const char *what)
{
	if (id == 0)
		return;
	if (map_get(&world->ids, id))
		world_fail(world, "id %" PRId64 " of a new %s was used before", id, what);
	map_put(&world->ids, id, world);
}

/* I4: nobody takes a task from another before that one's lock has run out. */
static void
check_lock(struct world *world, const struct effect *effect, const struct tree *stored)
{
	const struct activity *at = tree_activity(stored, effect->task_lock.activity);
	const char *worker = effect->task_lock.worker;

	if (!at || effect->task_lock.until_us == WHEN_NONE || !at->external.worker || !worker)
		return;
	if (text_equal(at->external.worker, worker) || at->external.until_us == WHEN_NONE)
		return;
	if (effect->task_lock.locked_us < at->external.until_us)
		world_fail(world, "task %" PRId64 " is locked by %s before the lock of %s has run out", at->id, worker,
			at->external.worker);
}

static void
note_topic(struct world *world, const char *topic)
{
	for (size_t i = 0; i < world->topic_count; i++)
		if (text_equal(world->topics[i], topic))
			return;
	if (world->topic_count < WORLD_TOPICS)
		world->topics[world->topic_count++] = arena_strdup(world->arena, topic);
}

static void
check_effect(struct world *world, const struct effect *effect, const struct tree *stored)
{
	switch (effect->kind) {
	case EFFECT_instance_open:
		check_new_id(world, effect->instance_open.instance, "instance");
		break;
	case EFFECT_activity_open:
		check_new_id(world, effect->activity_open.activity, "activity");
		break;
	case EFFECT_job_open:
		check_new_id(world, effect->job_open.job, "job");
		break;
	case EFFECT_incident_open:
		check_new_id(world, effect->incident_open.incident, "incident");
		break;
	case EFFECT_task_lock:
		check_lock(world, effect, stored);
		break;
	case EFFECT_task_open:
		note_topic(world, effect->task_open.topic);
		break;
	case EFFECT_instance_close:
	case EFFECT_instance_suspend:
	case EFFECT_activity_state:
	case EFFECT_activity_close:
	case EFFECT_task_fail:
	case EFFECT_task_priority:
	case EFFECT_user_open:
	case EFFECT_user_assign:
	case EFFECT_variable_set:
	case EFFECT_variable_drop:
	case EFFECT_job_set:
	case EFFECT_job_close:
	case EFFECT_incident_close:
		break;
	}
}

/* I3: what a lane runs by itself is due, and its clock is the database's. */
static void
check_job(struct world *world, const struct saved_command *command, const struct ask *ask, const struct tree *stored)
{
	const struct job *job = tree_job(stored, command->command->target);

	if (command->command->now_us > world->latest_us)
		world_fail(world, "a lane's clock is %" PRId64 " us ahead of the database's",
			command->command->now_us - world->latest_us);
	if (command->command->kind != COMMAND_execute_job || ask || !job)
		return;
	if (job->due_us != WHEN_NONE && job->due_us > command->command->now_us)
		world_fail(world, "job %" PRId64 " was run %" PRId64 " us before it was due", job->id,
			job->due_us - command->command->now_us);
	if (job->retries <= 0 || job->host->instance->suspended)
		world_fail(world, "job %" PRId64 " was run without attempts left, or suspended", job->id);
}

/* The only timer that a command opens at the activity for the event, or NULL. */
static const struct effect *
timer_opened(const struct effects *effects, const struct job *like)
{
	for (size_t i = 0; i < effects->count; i++) {
		const struct effect *effect = &effects->list[i];

		if (effect->kind == EFFECT_job_open && effect->job_open.kind == JOB_timer &&
		    effect->job_open.activity == like->host->id && effect->job_open.key == like->key)
			return effect;
	}
	return NULL;
}

static bool
is_closed(const struct effects *effects, int64_t job)
{
	for (size_t i = 0; i < effects->count; i++)
		if (effects->list[i].kind == EFFECT_job_close && effects->list[i].job_close.job == job)
			return true;
	return false;
}

/* I3: of a cycle what comes next is the first of its occurrences that lies ahead, and nothing after the last. */
static void
check_cycle(struct world *world, const struct command *command, const struct effects *effects,
	const struct tree *stored)
{
	const struct job *job = command->kind == COMMAND_execute_job ? tree_job(stored, command->target) : NULL;
	const struct effect *opened;
	struct cycle cycle;
	struct error err;
	int64_t past_us, number;

	if (!job || job->kind != JOB_timer || !job->cycle || !is_closed(effects, job->id))
		return;
	if (cycle_parse(job->cycle, &cycle, &err) != OK) {
		world_fail(world, "timer %" PRId64 ": %s", job->id, err.message);
		return;
	}
	past_us = (command->now_us > job->due_us ? command->now_us : job->due_us) - cycle.start_us;
	number = past_us < 0 ? 0 : past_us / cycle.period.us + 1;
	opened = timer_opened(effects, job);
	if (number > cycle.repeats && opened)
		world_fail(world, "timer %" PRId64 " of %s fires again", job->id, job->cycle);
	else if (number <= cycle.repeats && !opened)
		world_fail(world, "timer %" PRId64 " of %s does not fire again", job->id, job->cycle);
	else if (opened && opened->job_open.due_us != cycle.start_us + number * cycle.period.us)
		world_fail(world, "timer %" PRId64 " of %s fires again at another time", job->id, job->cycle);
}

/* The worker has to hold the task that it ends or prolongs (an operator's command names none). */
static void
check_worker(struct world *world, const struct command *command, const struct tree *stored)
{
	const struct activity *at = tree_activity(stored, command->target);

	if (!command->worker || (command->kind != COMMAND_complete_task && command->kind != COMMAND_fail_task &&
	    command->kind != COMMAND_error_task && command->kind != COMMAND_extend_lock))
		return;
	if (!at || !text_equal(at->external.worker, command->worker))
		world_fail(world, "%s of task %" PRId64 " by %s, who does not hold it", command_word(command->kind),
			command->target, command->worker);
}

/* I2: a task ends once, whoever asks how often. */
static void
count_completion(struct world *world, const struct command *command)
{
	if (command->kind != COMMAND_complete_task && command->kind != COMMAND_error_task &&
	    command->kind != COMMAND_complete_user && command->kind != COMMAND_error_user)
		return;
	if (map_get(&world->done, command->target))
		world_fail(world, "task %" PRId64 " is completed twice", command->target);
	map_put(&world->done, command->target, world);
}

static struct ask *
ask_of(struct world *world, const struct command *command)
{
	return map_get(&world->by_arena, (int64_t)(intptr_t)command->arena);
}

static void
note_committed(struct world *world, struct ask *ask, const struct command *command)
{
	if (!ask || command->kind == COMMAND_expire_lock)
		return;
	if (ask->request.kind == REQUEST_fetch) {
		ask->locked = arena_grow(world->arena, ask->locked, sizeof *ask->locked, ask->lock_count,
			&ask->lock_capacity);
		ask->locked[ask->lock_count++] = command->target;
		return;
	}
	if (++ask->committed > 1)
		world_fail(world, "%s of %" PRId64 " was asked once and done twice", command_word(command->kind),
			command->target);
	if (ask->answered)
		world_fail(world, "%s of %" PRId64 " is done after its answer", command_word(command->kind),
			command->target);
}

void
rules_saving(struct place *place, const struct saved_command *command, const struct effects *effects,
	const struct tree *stored)
{
	struct world *world = place->world;
	struct ask *ask = ask_of(world, command->command);

	if (stored->root) {
		check_job(world, command, ask, stored);
		check_cycle(world, command->command, effects, stored);
		check_worker(world, command->command, stored);
	}
	check_new_id(world, command->event_id, "event");
	for (size_t i = 0; i < effects->count; i++)
		check_effect(world, &effects->list[i], stored);
	count_completion(world, command->command);
	note_committed(world, ask, command->command);
}

/* ---- what a stored tree looks like ------------------------------------------------------------------------------ */

static const struct program *
program_of(const struct activity *at)
{
	return at->instance->definition->program;
}

static bool
has_job(const struct activity *at, int32_t key)
{
	for (const struct job *job = at->jobs; job; job = job->next)
		if (job->key == key)
			return true;
	return false;
}

/* I1: a leaf waits for something that somebody can see. */
static const char *
check_leaf(const struct activity *at)
{
	if (at->first || at->called_count > 0)
		return NULL;
	if (at->state == ACTIVITY_joining)
		return element_flags(at->node->element) & EL_JOIN ? NULL : "waits at what is no join";
	if (at->state != ACTIVITY_active)
		return at->jobs ? NULL : "waits for a job that is not there";
	if (at->external.topic || at->human || at->jobs)
		return NULL;
	return "waits for nothing";
}

/* Boundary timers that end their host are there as long as it is (I3, I8). */
static const char *
check_boundaries(const struct activity *at)
{
	for (int32_t i = 0; i < at->node->boundary_count && at->state == ACTIVITY_active; i++) {
		const struct node *event = &program_of(at)->nodes[at->node->boundaries[i]];

		if (event->element == EL_boundary_timer && event->interrupting && event->attached_to ==
		    at->node->index && !has_job(at, event->key))
			return "has lost its timer";
	}
	return NULL;
}

/* How often something happened in a scope, by any two numbers. */
static int64_t *
tally_of(struct world *world, int64_t scope, int64_t a, int64_t b)
{
	int64_t key = (int64_t)hash_number(hash_number(hash_number(11, scope), a), b);
	int64_t *tally = map_get(&world->tallies, key);

	if (!tally) {
		tally = ARENA_NEW(world->arena, int64_t);
		map_put(&world->tallies, key, tally);
	}
	return tally;
}

/* Tokens that wait at the join and came by the flow. */
static int64_t
waiting_by(const struct activity *scope, const struct node *join, int32_t flow)
{
	int64_t count = 0;

	for (const struct activity *at = scope->first; at; at = at->next)
		count += at->node == join && at->state == ACTIVITY_joining && at->flow == flow;
	return count;
}

/* I6, I1: a parallel join with a token on each flow has fired, and uses up one of each when it does. */
static const char *
check_join(struct world *world, const struct activity *at)
{
	const struct program *program = program_of(at);

	if (at->state != ACTIVITY_joining || at->node->element != EL_parallel_gateway)
		return NULL;
	if (waiting_by(at->scope, at->node, at->flow) != *tally_of(world, at->parent, at->node->key, at->flow) -
	    *tally_of(world, at->parent, at->node->key, 0))
		return "has another number of tokens than came and were used";
	for (int32_t i = 0; i < at->node->incoming_count; i++)
		if (!waiting_by(at->scope, at->node, program->flows[at->node->incoming[i]].key))
			return NULL;
	return "has all its tokens and does not fire";
}

/* Marks the flows that a token at the node can still take without passing the join. */
static void
mark_flows(const struct program *program, int32_t node, int32_t join, bool *seen, bool *taken)
{
	if (node == join || seen[node])
		return;
	seen[node] = true;
	for (int32_t i = 0; i < program->flow_count; i++)
		if (program->flows[i].source == node) {
			taken[i] = true;
			mark_flows(program, program->flows[i].target, join, seen, taken);
		}
	for (int32_t i = 0; i < program->node_count; i++)
		if (element_flags(program->nodes[i].element) & EL_BOUNDARY && program->nodes[i].attached_to == node)
			mark_flows(program, i, join, seen, taken);
}

/* BPMN 13.4.3: it can come by a flow on which nobody waits, and by none on which somebody does.  A token that has not
 * come into its node yet, or has left it, is on its flow. */
static bool
holds_join(struct arena *arena, const struct activity *at, const struct activity *waiting)
{
	const struct program *program = program_of(at);
	const struct node *join = waiting->node;
	bool *seen = ARENA_ARRAY(arena, bool, (size_t)program->node_count);
	bool *taken = ARENA_ARRAY(arena, bool, (size_t)program->flow_count);
	bool by_empty = false;

	if (at->node == join && at->state == ACTIVITY_joining)
		return false;
	if (at->state != ACTIVITY_after)
		mark_flows(program, at->node->index, join->index, seen, taken);
	for (int32_t i = 0; i < program->flow_count; i++) {
		if (program->flows[i].key != at->flow || at->state == ACTIVITY_active)
			continue;
		taken[i] = true;
		mark_flows(program, program->flows[i].target, join->index, seen, taken);
	}
	for (int32_t i = 0; i < join->incoming_count; i++) {
		if (!taken[join->incoming[i]])
			continue;
		if (waiting_by(waiting->scope, join, program->flows[join->incoming[i]].key) > 0)
			return false;
		by_empty = true;
	}
	return by_empty;
}

static bool
is_held_up(const struct activity *waiting)
{
	struct arena *arena = arena_new();
	const struct activity *other = waiting->scope->first;
	bool held = false;

	for (; other && !held; other = other->next)
		held = holds_join(arena, other, waiting);
	arena_free(arena);
	return held;
}

static bool
waits_inclusively(const struct activity *at)
{
	return at && at->state == ACTIVITY_joining && at->node->element == EL_inclusive_gateway;
}

/* I6: an inclusive join waits as long as some token can still come, and no longer. */
static const char *
check_inclusive(const struct activity *at)
{
	return waits_inclusively(at) && !is_held_up(at) ? "waits for tokens that cannot come" : NULL;
}

/* The same before an effect by which one fires: of its tokens all but the first end, then that one goes on.  *firing is
 * the scope of the one that has begun to. */
static void
check_inclusive_firing(struct world *world, const struct tree *tree, const struct effect *effect,
	const struct activity **firing)
{
	bool ends = effect->kind == EFFECT_activity_close && !effect->activity_close.canceled;
	int64_t id = ends ? effect->activity_close.activity : effect->kind == EFFECT_activity_state ?
		effect->activity_state.activity : 0;
	const struct activity *at = id != 0 ? tree_activity(tree, id) : NULL;

	if (!waits_inclusively(at))
		return;
	if (*firing != at->scope && is_held_up(at))
		world_fail(world, "join %s (%" PRId64 ") fires while a token can still come", at->node->id, at->id);
	*firing = ends ? at->scope : NULL;
}

/* I6: a parallel join fires no more often than a token came by each of its flows. */
static void
count_firing(struct world *world, const struct effect *effect)
{
	const struct activity *at = effect->on.activity;
	const struct program *program = program_of(at);
	int64_t fired;

	if (at->node->element != EL_parallel_gateway || at->node->incoming_count <= 1)
		return;
	if (effect->activity_state.state == ACTIVITY_joining) {
		++*tally_of(world, at->parent, at->node->key, effect->activity_state.flow);
		return;
	}
	if (((const struct activity *)effect->before)->state != ACTIVITY_joining)
		return;			/* its asynchronous continuation */
	fired = ++*tally_of(world, at->parent, at->node->key, 0);
	for (int32_t i = 0; i < at->node->incoming_count; i++)
		if (fired > *tally_of(world, at->parent, at->node->key, program->flows[at->node->incoming[i]].key))
			world_fail(world, "join %s fires more often than tokens come", at->node->id);
}

/* What has used up its attempts is an incident, and nothing else is. */
static const char *
check_incidents(const struct activity *at)
{
	size_t want = at->external.topic && at->external.retries == 0, have = 0;

	for (const struct job *job = at->jobs; job; job = job->next)
		want += job->retries <= 0;
	for (const struct incident *incident = at->incidents; incident; incident = incident->next)
		have++;
	return want == have ? NULL : "has another number of incidents than of things that failed";
}

static int64_t
number_of(const struct activity *scope, const char *name)
{
	const struct variable *variable = tree_variable_local(scope, name);

	return variable ? variable->value.integer : 0;
}

/* A multi-instance body's counters are those of what it holds. */
static const char *
check_multi(const struct activity *at)
{
	int64_t all, active, completed;

	if (at->node->element != EL_multi_instance_body || at->state != ACTIVITY_active || at->jobs)
		return NULL;
	all = number_of(at, "nrOfInstances");
	active = number_of(at, "nrOfActiveInstances");
	completed = number_of(at, "nrOfCompletedInstances");
	if (completed < 0 || active < 0 || active + completed > all)
		return "counts more instances than there are";
	if (!at->node->multi->sequential && at->child_count + completed != all)
		return "has another number of instances than it counts";
	return at->child_count > 0 ? NULL : "has no instance left and goes on";
}

static void
check_tree(struct world *world, const struct tree *tree)
{
	for (const struct activity *at = memory_walk(tree, NULL); at; at = memory_walk(tree, at)) {
		const char *wrong = check_leaf(at);

		wrong = wrong ? wrong : check_boundaries(at);
		wrong = wrong ? wrong : check_join(world, at);
		wrong = wrong ? wrong : check_inclusive(at);
		wrong = wrong ? wrong : check_incidents(at);
		wrong = wrong ? wrong : check_multi(at);
		if (wrong)
			world_fail(world, "%s (%" PRId64 ") %s", at->node->id, at->id, wrong);
	}
}

/* I5: the log alone leads to the same tree, but for locks. */
static void
check_replay(struct world *world, const struct saved_command *command, const struct effects *effects,
	const struct tree *stored)
{
	struct tree *tree = map_get(&world->replayed, stored->root->id);
	const struct activity *firing = NULL;
	struct error err;

	if (!tree) {
		tree = tree_new(&world->definitions);
		map_put(&world->replayed, stored->root->id, tree);
	}
	for (size_t i = 0; i < effects->count && command->event_id != 0; i++) {
		struct effect effect = effects->list[i];

		check_inclusive_firing(world, tree, &effect, &firing);
		if (engine_apply(tree, &effect, &err) != OK) {
			world_fail(world, "replay of %" PRId64 ": %s", stored->root->id, err.message);
			return;
		}
	}
	if (tree_hash(tree, false) != tree_hash(stored, false))
		world_fail(world, "replay of %" PRId64 " leads to another tree after %s", stored->root->id,
			command_word(command->command->kind));
	if (stored->root->activity.closed) {
		map_remove(&world->replayed, stored->root->id);
		tree_free(tree);
	}
}

/* One that is loaded is the same again. */
static void
check_copy(struct world *world, const struct tree *stored)
{
	struct tree *copy = tree_copy(stored);

	if (tree_hash(copy, true) != tree_hash(stored, true))
		world_fail(world, "copied, tree %" PRId64 " is another", stored->root->id);
	tree_free(copy);
}

void
rules_saved(struct place *place, const struct saved_command *command, const struct effects *effects,
	const struct tree *stored)
{
	struct world *world = place->world;

	check_promise(place, command, stored);
	for (size_t i = 0; i < effects->count; i++)
		if (effects->list[i].kind == EFFECT_activity_state)
			count_firing(world, &effects->list[i]);
	world->hash = hash_number(world->hash, (int64_t)tree_hash(stored, true));
	world->hash = hash_number(world->hash, command->command->kind);
	check_replay(world, command, effects, stored);
	if (stored->root->activity.closed)
		return;
	check_tree(world, stored);
	if (world->hash % 8 == 0)
		check_copy(world, stored);
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

static bool
has_locked(const struct ask *ask, int64_t task)
{
	for (size_t i = 0; i < ask->lock_count; i++)
		if (ask->locked[i] == task)
			return true;
	return false;
}

static void
remember_tasks(struct world *world, struct ask *ask)
{
	for (size_t i = 0; i < ask->request.task_count; i++) {
		const struct fetched *task = &ask->request.tasks[i];

		if (!has_locked(ask, task->activity))
			world_fail(world, "task %" PRId64 " was handed out before its lock was durable",
				task->activity);
		if (!text_equal(task->external.worker, ask->request.fetch.worker))
			world_fail(world, "task %" PRId64 " was handed out with the lock of %s", task->activity,
				task->external.worker);
		world->holdings = arena_grow(world->arena, world->holdings, sizeof *world->holdings,
			world->holding_count, &world->holding_capacity);
		world->holdings[world->holding_count++] = (struct holding){ .task = task->activity,
			.worker = ask->request.fetch.worker };
		world->hash = hash_number(world->hash, task->activity);
	}
}

/* I10 and I2: acknowledged is durable; refused is not done; only when nobody knows it may be either. */
static void
check_command(struct world *world, const struct ask *ask)
{
	const struct command *command = &ask->request.command;
	enum status status = ask->request.status;

	if (status == OK && ask->committed != 1)
		world_fail(world, "%s of %" PRId64 " was acknowledged and is not stored", command_word(command->kind),
			command->target);
	if (status != OK && status != E_fenced && ask->committed > 0)
		world_fail(world, "%s of %" PRId64 " was refused (%s) and is stored", command_word(command->kind),
			command->target, status_name(status));
}

void
rules_answered(struct world *world, struct ask *ask)
{
	enum status status = ask->request.status;

	if (ask->answered)
		world_fail(world, "a request was answered twice");
	ask->answered = true;
	world->counted.answers++;
	world->hash = hash_number(world->hash, status);
	if (status != OK)
		world->hash = hash_string(world->hash, ask->request.error->message);
	if (world->quiet && (status == E_weather || status == E_held || status == E_fenced || status == E_internal))
		world_fail(world, "without faults: %s", ask->request.error->message);
	if (ask->request.kind == REQUEST_fetch)
		remember_tasks(world, ask);
	else
		check_command(world, ask);
}

static bool
ends_task(enum command_kind kind)
{
	return kind == COMMAND_complete_task || kind == COMMAND_complete_user;
}

void
rules_end(struct world *world)
{
	for (const struct ask *ask = world->asks; ask; ask = ask->next) {
		const struct command *command = &ask->request.command;
		const struct memory_ended *ended;

		if (!ask->answered && !ask->lost)
			world_fail(world, "a request (%s of %" PRId64 ") was never answered",
				ask->request.kind == REQUEST_fetch ? "fetch" : command_word(command->kind),
				command->target);
		if (!ask->answered || ask->request.kind == REQUEST_fetch || ask->request.status != OK ||
		    !ends_task(command->kind))
			continue;
		ended = map_get(&world->memory->history, command->target);
		if (!ended || ended->times != 1)
			world_fail(world, "task %" PRId64 " was acknowledged and is %d times in the history",
				command->target, ended ? ended->times : 0);
	}
}

void
rules_free(struct world *world)
{
	for (size_t i = 0; i < world->memory->tree_count; i++) {
		struct tree *tree = map_remove(&world->replayed, world->memory->trees[i]->root->id);

		if (tree)
			tree_free(tree);
	}
}
