/* SPDX-License-Identifier: Apache-2.0
 * The machine: a pure function from (tree, command) to effects.  No clock, no random, no I/O: time and new ids
 * come with the command; the same input gives the same effects, always. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "base/map.h"
#include "bpmn/program.h"

/* Ids: positive, part in bits 62 to 55, below it the part's own counter.  The engine hands out even numbers only: an
 * activity's id is its execution on the wire, id + 1 its external or user task there. */
enum { PART_COUNT = 256, PART_SHIFT = 55, ID_STEP = 2 };
static inline int32_t
id_part(int64_t id)
{
	return (int32_t)(id >> PART_SHIFT);
}

/* Where the engine finds the definition of an instance: thread-safe, NULL when there is none. */
struct definitions {
	const struct definition *(*get)(void *context, int32_t id);
	void *context;
};

/* ---- what is stored -------------------------------------------------------------------------------- */

enum activity_state {
	ACTIVITY_active = 0,	/* an activity instance: runs, waits, or holds others */
	ACTIVITY_before = 1,	/* asyncBefore: a job will enter it; no activity instance yet */
	ACTIVITY_after = 2,	/* asyncAfter: has ended, a job will take flow; no activity instance any more */
	ACTIVITY_joining = 3,	/* a token that waits at a join, arrived by flow; an activity instance */
};

enum instance_state {
	INSTANCE_active = 0,
	INSTANCE_completed = 1,
	INSTANCE_externally_terminated = 2,
	INSTANCE_internally_terminated = 3,
};

enum job_kind {
	JOB_timer = 1,		/* boundary or intermediate timer; key is the event's node */
	JOB_before = 2,		/* asynchronous continuation before the activity */
	JOB_after = 3,
	JOB_instances = 4,	/* a parallel multi-instance body creates its next instances */
};

enum incident_kind { INCIDENT_failed_job = 1, INCIDENT_failed_external_task = 2 };

/* A list of user or group names. */
struct people {
	size_t count;
	const char *const *list;
};

struct external {			/* an activity with a topic */
	const char *topic;		/* NULL: not an external task */
	const char *worker;		/* who holds or last held it */
	int64_t locked_us, until_us;	/* WHEN_NONE: no lock */
	int32_t retries;		/* -1: no failure yet (null on the wire) */
	int32_t expiries;		/* locks that ran out in a row */
	int64_t priority;
	const char *message, *details;	/* of the last failure */
};

struct human {				/* a user task */
	const char *name, *description, *assignee, *form_key;
	int64_t priority, due_us, follow_up_us;		/* WHEN_NONE */
	struct people users, groups;
};

struct activity {
	int64_t id;
	int64_t parent;			/* activity that is its scope, or the instance */
	const struct node *node;
	enum activity_state state;
	int32_t flow;			/* key of the flow it came by (joining) or will take (after); 0 */
	int64_t started_us;
	struct external external;
	struct human *human;		/* or NULL */
	/* derived, kept by engine_apply() and engine_undo() alone */
	struct instance *instance;
	struct activity *scope;		/* NULL for an instance's own activity */
	struct activity *first, *last, *next, *prev;	/* children in order of opening; siblings */
	int64_t child_count;
	int64_t called_count;		/* instances it called and that run */
	int32_t *tokens;		/* in scopes with an inclusive join: children per node index */
	struct variable *variables;	/* of this scope, by list */
	struct map *variable_names;	/* index once there are more than a few, or NULL */
	struct job *jobs;		/* that hang on it */
	struct incident *incidents;
	int64_t ended_us;		/* once closed */
	bool closed, canceled;
	bool alone;			/* once closed: nothing else was open in its scope */
};

struct instance {
	int64_t id;
	int64_t parent;			/* calling activity, 0 for the root */
	const struct definition *definition;
	const char *business_key;	/* or NULL */
	const char *case_instance;	/* what a client named its case, or NULL; the engine has no use for it */
	bool suspended;
	enum instance_state state;
	int32_t start_key;		/* node where it began */
	int64_t started_us, ended_us;
	const char *reason;		/* of a deletion, or NULL */
	struct activity activity;	/* its root scope: node is the process, id the instance's */
	struct instance *next, *prev;	/* in order of opening */
};

/* In the lists of instances, variables, jobs and incidents prev of the first is the last; next ends with NULL. */
struct variable {
	int64_t id;
	int64_t scope;			/* activity or instance */
	const char *name;
	struct value value;
	int64_t created_us;
	struct activity *owner;
	struct variable *next, *prev;
};

struct job {
	int64_t id;
	int64_t activity;		/* it hangs on: the timer's host, the waiting token */
	enum job_kind kind;
	int32_t key;			/* node: timer event, or the activity itself */
	int64_t due_us;			/* WHEN_NONE: at once */
	int32_t retries;
	int64_t priority;
	const char *cycle;		/* repeating timer: cron, or ISO 8601 with the number of its last occurrence
					 * (the start is 0); JOB_instances: number of the next one; or NULL */
	const char *message;		/* of the last failure */
	int32_t failed_key;		/* node where it failed, 0 */
	int64_t created_us;
	struct activity *host;
	struct job *next, *prev;
};

struct incident {
	int64_t id;
	int64_t activity;
	enum incident_kind kind;
	int64_t configuration;		/* job, or activity of the external task */
	const char *message;
	int32_t failed_key;
	int64_t created_us;
	struct activity *host;
	struct incident *next, *prev;
};

/* A root instance with all that it called: one unit of load, cache and lane. */
struct tree {
	struct arena *arena;		/* everything below lives here */
	struct instance *root;		/* first of its instances; NULL before it is started */
	struct map instances, activities, jobs, incidents;	/* by id; activities has each instance's own too */
	const struct definitions *definitions;
	size_t live_bytes;		/* rough size of what is not garbage */
	void *owner_data;		/* the lane's */
};

struct tree *tree_new(const struct definitions *definitions);
void tree_free(struct tree *tree);

/* A copy without garbage; the original is to be freed by the caller. */
struct tree *tree_copy(const struct tree *tree);

/* Rows into a tree, parents before children.  Texts are copied.  The pointers of the argument are ignored but for
 * node's key given apart; E_internal when a row refers to what is not there. */
enum status tree_restore_instance(struct tree *tree, const struct instance *row, int32_t definition,
	struct error *err) MUST_CHECK;
enum status tree_restore_activity(struct tree *tree, const struct activity *row, int64_t instance, int32_t key,
	struct error *err) MUST_CHECK;
enum status tree_restore_variable(struct tree *tree, const struct variable *row, struct error *err) MUST_CHECK;
enum status tree_restore_job(struct tree *tree, const struct job *row, struct error *err) MUST_CHECK;
enum status tree_restore_incident(struct tree *tree, const struct incident *row, struct error *err) MUST_CHECK;

struct activity *tree_activity(const struct tree *tree, int64_t id);	/* NULL when not running */
struct instance *tree_instance(const struct tree *tree, int64_t id);
struct job *tree_job(const struct tree *tree, int64_t id);

/* The variable visible from an activity (own scope first, then outward), or only in its own scope. */
const struct variable *tree_variable(const struct activity *from, const char *name);
const struct variable *tree_variable_local(const struct activity *scope, const char *name);

/* Recounts everything derived; false and a text when something is wrong (debug builds, simulator, auditor). */
bool tree_check(const struct tree *tree, struct error *err);

/* Everything that can be reached, derived things too, as text in the arena: for comparing two trees. */
const char *tree_dump(const struct tree *tree, struct arena *arena);

/* Before comparing with a tree of other origin: takes away what no row tells (transient variables) or rows alone tell
 * (when a variable was created), and the locks, which the event log does not tell.  E_internal: the tree is broken. */
enum status tree_forget_unstored(struct tree *tree, struct error *err) MUST_CHECK;
enum status tree_forget_locks(struct tree *tree, struct error *err) MUST_CHECK;

/* ---- commands -------------------------------------------------------------------------------------- */

enum command_kind {
#define COMMAND(number, name, word, logged) COMMAND_##name = number,
#include "engine/commands.def"
#undef COMMAND
};
const char *command_word(enum command_kind kind);
bool command_logged(enum command_kind kind);

struct limits {
	int64_t steps;			/* most steps of a command */
	int32_t default_retries;	/* attempts of a job without a cycle */
	int32_t lock_expiries;		/* 0: never an incident */
};

struct command {
	enum command_kind kind;
	int64_t now_us;			/* the only clock the engine sees */
	int64_t next_id;		/* first id it may hand out, even */
	const struct limits *limits;
	int64_t target;			/* activity, job or instance id; 0 for start */
	const struct definition *definition;	/* start */
	const char *business_key;		/* start */
	const char *case_instance;		/* start */
	const char *worker;			/* external tasks; NULL skips the check (operators) */
	struct entries variables;		/* set by the rule of semantics.md 2.3 */
	struct entries local_variables;		/* set in the target's own scope */
	const char *const *deletions;		/* set_variables: names */
	size_t deletion_count;
	bool local;				/* set_variables, deletions: the target's own scope only */
	int64_t duration_us;			/* lock_task, extend_lock: from now; fail_task: until it is retried */
	int64_t due_us;				/* set_job_due, and set_job_retries with set_due; may be WHEN_NONE */
	bool set_due;
	int32_t retries;			/* fail_task: -1 when the worker gave none; set_*_retries */
	int64_t priority;			/* set_task_priority */
	const char *error_code, *error_message, *error_details;
	const char *user;			/* assign_user: NULL unassigns */
	bool claim;				/* assign_user: refused when another has it */
	bool suspended;				/* suspend */
	bool for_good;				/* fail_job: no attempt is left */
	const char *reason;			/* delete_instance */
	bool want_variables;			/* outcome.variables is wanted */
	struct arena *arena;			/* scratch of the command; outcome's texts live here */
};

struct outcome {
	int64_t instance;		/* the instance concerned */
	bool ended;			/* that instance is over */
	int64_t next_id;		/* first id not used */
	int64_t steps;
	struct entries variables;	/* when wanted: of the instance, after the command */
	int32_t element_key;		/* element the event is about, 0: none */
	int64_t activity;		/* activity the event is about, 0: none */
	int64_t locked_us;		/* complete, failure: since when the worker had it, or WHEN_NONE */
};

/* ---- effects --------------------------------------------------------------------------------------- */

enum effect_kind {
#define EFFECT(number, name, fields) EFFECT_##name = number,
#include "engine/effects.def"
#undef EFFECT
};

typedef const char *effect_text;	/* only so that fields can be declared by table */
#define F_id int64_t
#define F_num int64_t
#define F_text effect_text
#define F_value struct value
#define F_people struct people
struct effect {
	enum effect_kind kind;
	union {
#define F(type, name) F_##type name;
#define EFFECT(number, name, fields) struct { fields } name;
#include "engine/effects.def"
#undef EFFECT
#undef F
	};
	/* filled in by engine_apply(): the object changed, and what it replaced */
	union {
		struct instance *instance;
		struct activity *activity;
		struct variable *variable;
		struct job *job;
		struct incident *incident;
	} on;
	const void *before;		/* instance_suspend: bool; activity_state: struct activity; task_*: struct
					 * external; user_assign: its text; variable_set: struct value, or NULL when
					 * created; job_set: struct job; others: NULL */
	bool created;			/* variable_set: it did not exist */
};

struct effects {
	struct arena *arena;		/* of the command; must live until the batch is saved */
	struct effect *list;
	size_t count, capacity;
};

void effects_init(struct effects *effects, struct arena *arena);

/* Runs one command until every branch waits or has ended.  Effects are appended and applied to the tree as they
 * arise.  On failure all of this command's effects are taken back and removed, the tree is as before, and err names
 * Camunda's reason (element and line where an expression or flow is to blame).
 * A start needs an empty tree; a delete or an end leaves the root instance closed. */
enum status engine_run(struct tree *tree, const struct command *command, struct effects *effects,
	struct outcome *outcome, struct error *err) MUST_CHECK;

/* The only writer of a tree; also replay.  E_internal when the effect does not fit the tree. */
enum status engine_apply(struct tree *tree, struct effect *effect, struct error *err) MUST_CHECK;

/* Takes back the effects from number `from` on, last first, and removes them from the list. */
void engine_undo(struct tree *tree, struct effects *effects, size_t from);

/* ---- the event log --------------------------------------------------------------------------------- */

enum { EVENT_FORMAT = 1 };		/* first byte of the encoded effects; every older format stays readable */

/* Effects [from, count) as bytes. */
void effects_encode(const struct effects *effects, size_t from, struct arena *arena, const void **bytes,
	size_t *length);

/* Back again, appended; E_internal when the bytes are not what effects_encode() wrote, in any format. */
enum status effects_decode(const void *bytes, size_t length, struct effects *effects, struct error *err) MUST_CHECK;

const char *effect_name(enum effect_kind kind);

#endif
