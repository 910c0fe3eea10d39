/* SPDX-License-Identifier: Apache-2.0
 * Private to engine/: one run of the machine.  What is to be done stands on a work list (last in, first out, so
 * branches run depth first in document order); every change of the tree is an effect, applied as soon as it is thought
 * of. */
#ifndef ENGINE_MACHINE_H
#define ENGINE_MACHINE_H

#include "engine/tree_priv.h"

enum step {
#define STEP(name, says) STEP_##name,
#include "engine/steps.def"
#undef STEP
};

/* What a behaviour answers. */
enum progress {
	MORE,		/* done: leave the activity */
	WAIT,		/* something must happen first */
	DONE,		/* it saw to everything itself, the activity may be gone */
	FAILED,		/* err is written: take the command back */
};

struct work {
	enum step step;
	struct activity *activity;	/* the scope to enter or check; the activity that begins */
	const struct node *node;	/* enter */
	int32_t flow;			/* enter: key of the flow it comes by, 0 */
	int64_t number;			/* next_instance: which, from 0 */
};

/* How many enter and next_instance steps wait for a scope: it is not complete while there are any. */
struct pending {
	int64_t count;
};

struct transient {
	struct activity *scope;
	const char *name;
};

struct machine {
	struct tree *tree;
	const struct command *command;
	struct effects *effects;
	struct outcome *outcome;
	struct arena *arena;		/* of the command */
	int64_t next_id;
	int64_t steps;
	struct work *works;
	size_t work_count, work_capacity;
	struct map pending;		/* scope id to struct pending */
	struct activity **dirty;	/* scopes with an inclusive join in which a token moved */
	size_t dirty_count, dirty_capacity;
	const struct activity *elements_of;	/* body whose collection is at hand */
	struct value elements;
	struct transient *transients;
	size_t transient_count, transient_capacity;
};

/* ---- step.c: effects and the work list ---- */

/* Appends and applies; on success the effect, with what it changed in ->on. NULL: err is written. */
struct effect *emit(struct machine *machine, struct effect effect, struct error *err);
#define EMIT(machine, err, of, ...) \
	(emit((machine), (struct effect){.kind = EFFECT_##of, .of = {__VA_ARGS__}}, (err)) != NULL)
/* The effect, or the function fails with its status. */
#define MUST_EMIT(machine, err, of, ...) \
	do { \
		if (!EMIT(machine, err, of, __VA_ARGS__)) \
			return (err)->status; \
	} while (0)

int64_t new_id(struct machine *machine);
void push(struct machine *machine, struct work work);
void push_enter(struct machine *machine, struct activity *scope, const struct node *node, int32_t flow);
void push_begin(struct machine *machine, struct activity *activity);
void push_check(struct machine *machine, struct activity *scope);
void push_next_instance(struct machine *machine, struct activity *body, int64_t number);
bool is_pending(const struct machine *machine, const struct activity *scope);
/* Steps that would still put tokens into the scope are forgotten: it is being terminated. */
void drop_pending(struct machine *machine, const struct activity *scope);
/* A token of the scope moved: its inclusive joins are looked at when nothing else is left to do. */
void touch_scope(struct machine *machine, struct activity *scope);
/* Runs the work list until it is empty. */
enum status run_works(struct machine *machine, struct error *err) MUST_CHECK;
const struct program *program_of(const struct activity *activity);
const struct node *node_at(const struct activity *activity, int32_t index);
/* Says in err which element is to blame, unless it says so already. Returns its status. */
enum status blame(struct error *err, const struct node *node);

/* ---- scope.c: tokens in and out of scopes ---- */

/* A new activity in scope; begin it with push_begin(). */
enum status open_activity(struct machine *machine, struct activity *scope, const struct node *node,
	enum activity_state state, int32_t flow, struct activity **opened, struct error *err) MUST_CHECK;
/* Closes what hangs on an activity: timers, incidents. */
enum status close_attached(struct machine *machine, struct activity *activity, struct error *err) MUST_CHECK;
/* Closes an activity that has no children, with what hangs on it. */
enum status close_activity(struct machine *machine, struct activity *activity, bool canceled,
	struct error *err) MUST_CHECK;
/* The behaviour is over: output mappings, then on by its flows. */
enum status leave(struct machine *machine, struct activity *activity, struct error *err) MUST_CHECK;
/* Ends the token: output mappings, but no flow is taken. */
enum status end_token(struct machine *machine, struct activity *activity, struct error *err) MUST_CHECK;
/* Takes these flows from node, in their order. */
void take_flows(struct machine *machine, struct activity *scope, const int32_t *flows, size_t count);
/* Everything inside scope but `spared` (or NULL), canceled; the scope itself stays. */
enum status cancel_inside(struct machine *machine, struct activity *scope, const struct activity *spared, bool mappings,
	struct error *err) MUST_CHECK;
/* The activity with all inside it, canceled. mappings: run its output mappings (not on deletion). */
enum status cancel(struct machine *machine, struct activity *activity, bool mappings, struct error *err) MUST_CHECK;
/* Nothing is left in the scope: it completes, if it does not hold out for something. */
enum status complete_scope(struct machine *machine, struct activity *scope, struct error *err) MUST_CHECK;
/* A boundary event of host fires. */
enum status fire_boundary(struct machine *machine, struct activity *host, const struct node *boundary,
	struct error *err) MUST_CHECK;

/* ---- flows.c: which flows a token takes ---- */

enum status select_flows(struct machine *machine, struct activity *activity, const int32_t **flows, size_t *count,
	struct error *err) MUST_CHECK;

/* ---- vars.c: variables, expressions, mappings ---- */

/* setVariable: the nearest scope from `from` outward that has the name, else the instance. */
enum status set_variable(struct machine *machine, struct activity *from, const char *name, struct value value,
	struct error *err) MUST_CHECK;
enum status set_local(struct machine *machine, struct activity *scope, const char *name, struct value value,
	struct error *err) MUST_CHECK;
enum status set_variables(struct machine *machine, struct activity *from, const struct entries *variables, bool local,
	struct error *err) MUST_CHECK;
enum status drop_transients(struct machine *machine, struct error *err) MUST_CHECK;
struct expr_scope scope_of(const struct machine *machine, const struct activity *from);
/* Evaluate from where `from` stands, for node (who is to blame). expr NULL gives null, false, NULL. */
enum status eval(struct machine *machine, const struct activity *from, const struct node *node, const struct expr *expr,
	struct value *value, struct error *err) MUST_CHECK;
enum status eval_condition(struct machine *machine, const struct activity *from, const struct node *node,
	const struct expr *expr, bool *result, struct error *err) MUST_CHECK;
enum status eval_text(struct machine *machine, const struct activity *from, const struct node *node,
	const struct expr *expr, const char **text, struct error *err) MUST_CHECK;
enum status eval_integer(struct machine *machine, const struct activity *from, const struct node *node,
	const struct expr *expr, const char *what, int64_t otherwise, int64_t *number, struct error *err) MUST_CHECK;
/* A priority of a job or external task; one that cannot be computed is 0, one that is no whole number an error. */
enum status eval_priority(struct machine *machine, const struct activity *from, const struct node *node,
	const struct expr *expr, const char *what, int64_t *priority, struct error *err) MUST_CHECK;
enum status map_inputs(struct machine *machine, struct activity *activity, struct error *err) MUST_CHECK;
enum status map_outputs(struct machine *machine, struct activity *activity, struct error *err) MUST_CHECK;

/* ---- jobs.c ---- */

enum status open_continuation(struct machine *machine, struct activity *token, enum job_kind kind,
	struct error *err) MUST_CHECK;
/* The body goes on with that instance in a command of its own. */
enum status open_instances(struct machine *machine, struct activity *body, int64_t number,
	struct error *err) MUST_CHECK;
/* A timer of event that hangs on host. */
enum status open_timer(struct machine *machine, struct activity *host, const struct node *event,
	struct error *err) MUST_CHECK;
enum status execute_job(struct machine *machine, struct job *job, struct error *err) MUST_CHECK;
enum status fail_job(struct machine *machine, struct job *job, struct error *err) MUST_CHECK;
/* An instant from an ISO 8601 text (an instant, or a duration from now) or a date. */
enum status instant_of(struct machine *machine, const struct value *value, int64_t *us, struct error *err) MUST_CHECK;
/* The retry configuration of a node: attempts (0: none) and the wait after failure number i (from 0). */
enum status retry_of(struct machine *machine, const struct activity *from, const struct node *node, int32_t failure,
	int32_t *attempts, int64_t *due_us, struct error *err) MUST_CHECK;
enum status open_incident(struct machine *machine, struct activity *activity, enum incident_kind kind,
	int64_t configuration, const char *message, int32_t failed_key, struct error *err) MUST_CHECK;
/* Those of the activity with that configuration. */
enum status close_incidents(struct machine *machine, struct activity *activity, int64_t configuration, bool resolved,
	struct error *err) MUST_CHECK;

/* ---- errors.c ---- */

/* A BPMN error thrown at activity: the nearest handler outward takes it; without one the path ends. */
enum status throw_error(struct machine *machine, struct activity *activity, const char *code, const char *message,
	struct error *err) MUST_CHECK;

/* ---- multi.c ---- */

/* An instance of the body is done but not closed yet. */
enum status instance_done(struct machine *machine, struct activity *inner, struct error *err) MUST_CHECK;
enum status step_next_instance(struct machine *machine, const struct work *work, struct error *err) MUST_CHECK;

/* ---- behaviours: enter_<behaviour>() of elements.def ---- */

typedef enum progress behaviour(struct machine *machine, struct activity *activity, struct error *err);
#define ELEMENT(name, xml, definition, type, flags, does) behaviour enter_##does;
#include "bpmn/elements.def"
#undef ELEMENT
/* Fires the inclusive joins of the scope that no further token can reach; *fired says whether one did. */
enum status test_inclusive(struct machine *machine, struct activity *scope, bool *fired, struct error *err) MUST_CHECK;

#endif
