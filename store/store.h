/* SPDX-License-Identifier: Apache-2.0
 * What the lanes and the readers need of a memory that survives: load, save, query, migrate.  PostgreSQL is behind it
 * (store_open_postgres), or plain memory with the same rules, for tests (tests/memory_store).
 * Functions that talk to the database block; E_weather means that it is away or asked to retry: nothing was done unless
 * said otherwise. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/json.h"
#include "base/settings.h"
#include "engine/engine.h"

struct store;			/* one connection; used by one thread at a time */

/* ---- the writer of a lane ---------------------------------------------------------------------------- */

struct lane_range {
	int32_t lane;			/* number of the lane, 0.. */
	int32_t first_part, last_part;	/* inclusive */
};

/* What a takeover finds. */
struct claim {
	int64_t owner;			/* our fresh owner id */
	int64_t now_us;			/* database time */
	int64_t next_id[PART_COUNT];	/* first id not handed out, of the parts of the range */
	bool unclean;			/* an owner before us did not give up its parts by itself; stays set, and is set
					   even when the claim fails: the answer may be lost, and next time the owner
					   before us is ourselves */
	int64_t tried;			/* job that try_job() noted last, 0: none */
	int32_t tries;			/* how often in a row */
};

/* One command of a batch, as it is to be stored. */
struct saved_command {
	struct tree *tree;
	const struct command *command;
	const struct outcome *outcome;
	const struct effects *effects;	/* applied already, in order */
	int64_t event_id;		/* id of its row in the event log; 0: not logged */
	int64_t big_id;			/* first of store_big_values() free ids, ID_STEP apart */
};

struct batch {
	const struct saved_command *commands;	/* in the order in which they ran */
	size_t count;
	const int64_t *reserved;		/* by part: new value of part.next_id, 0: unchanged */
	struct arena *arena;			/* scratch for the save */
};

/* An external task that can be, or will be, fetched. */
struct ready_task {
	int64_t id;			/* activity */
	int64_t instance;
	int32_t definition;
	const char *topic;
	int64_t priority;
	int64_t created_us;
	int64_t until_us;		/* lock that must run out first, or WHEN_NONE */
};

struct due_job {
	int64_t id;
	int64_t due_us;			/* created_us when at once */
};

/* How many values among the effects are too large for a row (each needs an id). */
size_t store_big_values(const struct effects *effects);

/* The operations.  A store is one of these with its data behind it. */
struct store_ops {
	void (*close)(struct store *store);

	/* Whether the range may be taken: nobody owns it, its owner was not seen for takeover_us (database time), or
	 * force.  Terminates the previous owner's backend, fences (new owner id, seq 0), makes missing lane and part
	 * rows and this and next month's partitions.  E_fenced: a living owner has it. */
	enum status (*claim)(struct store *store, const struct lane_range *range, int64_t owner, int64_t takeover_us,
		struct claim *claim, struct error *err);

	/* Gives the range up, so that a standby needs not wait. */
	enum status (*release)(struct store *store, struct error *err);

	/* Says that the owner lives (every 3 s), and gives the database's time. E_fenced when it does not own any more.
	 * */
	enum status (*renew)(struct store *store, int64_t *now_us, struct error *err);

	/* Notes that the owner is about to run this job, in a transaction of its own (0: none any more). *tries is how
	 * often it was noted in a row, so that a job which ends the daemon is found out. E_fenced as renew(). */
	enum status (*try_job)(struct store *store, int64_t job, int32_t *tries, struct error *err);

	/* Loads the trees that hold the given ids (instances, activities or jobs), in one set-based read.  trees[i] is
	 * the tree of ids[i], NULL when nothing running has that id; ids of one tree share it. Trees are owned by the
	 * caller. */
	enum status (*load)(struct store *store, const int64_t *ids, size_t count,
		const struct definitions *definitions, struct tree **trees, struct error *err);

	/* Saves a whole batch in one transaction ended by the fence.  On OK it is durable and *now_us is the database's
	 * time.  E_fenced: nothing was written, step down.  E_weather: nothing was written (a COMMIT whose answer was
	 * lost has been resolved by reading the fence row), try again.  E_held: nothing was written, since a session
	 * that is none of ours holds one of its rows. Any other status: nothing was written and something in the batch
	 * is to blame. */
	enum status (*save)(struct store *store, const struct batch *batch, int64_t *now_us, struct error *err);

	/* The same in two steps, so that the caller can go on meanwhile.  When send() fails nothing was written, as
	 * after save(); when not, await() tells how it ended, and has to be called before anything else but these. */
	enum status (*send)(struct store *store, const struct batch *batch, struct error *err);
	enum status (*await)(struct store *store, int64_t *now_us, struct error *err);
	/* Whether await() has its answer and would not block. */
	bool (*arrived)(struct store *store);
	/* What becomes readable when that may have changed; -1: there is nothing to wait for. */
	int (*socket)(const struct store *store);

	/* Up to limit tasks of the range that have retries left or none yet (suspended instances excluded), of one
	 * topic and definition behind `after` in the order (priority descending, created, id), or of all topics when
	 * topic is NULL (then ordered by id, behind after->id). For a takeover scan and to refill a queue's window. */
	enum status (*ready)(struct store *store, const char *topic, int32_t definition, const struct ready_task *after,
		size_t limit, struct arena *arena, struct ready_task **tasks, size_t *count, struct error *err);

	/* Jobs with retries left that are due before until_us (suspended instances excluded), behind (after_due,
	 * after_id), in order of (due, id). */
	enum status (*jobs)(struct store *store, int64_t until_us, int64_t after_due, int64_t after_id, size_t limit,
		struct arena *arena, struct due_job **jobs, size_t *count, struct error *err);

	/* Which of the candidate tasks fulfil the rarer filters of a fetch. */
	enum status (*filter)(struct store *store, const int64_t *candidates, size_t count, const char *business_key,
		const struct entries *process_variables, bool *keep, struct error *err);
};

struct store {
	const struct store_ops *ops;
	_Atomic bool away;		/* no connection can be made; may be asked from any thread */
};

/* A writer's connection: hot statements prepared in pipeline mode, binary parameters (store/sql.def). */
enum status store_open_postgres(const char *database, const struct settings *settings, struct store **store,
	struct error *err) MUST_CHECK;

/* ---- readers: plain connections for lists, single objects, deployments -------------------------------- */

struct reader;
enum status reader_open(const char *database, const struct settings *settings, struct reader **reader,
	struct error *err) MUST_CHECK;
void reader_close(struct reader *reader);

/* Queries are rows: store/queries/<name>.def has the fields, filters and sorts of each. */
enum query {
#define QUERY(name) QUERY_##name,
#include "store/queries.def"
#undef QUERY
	QUERY_COUNT
};

/* What a cell is on the wire. */
enum field_type {
	FIELD_text,		/* string or null */
	FIELD_id,		/* decimal string or null */
	FIELD_number,		/* integer or null */
	FIELD_bool,
	FIELD_date,		/* cell is microseconds since 1970 */
	FIELD_null,		/* always null: Camunda has it, we do not; no cell */
	FIELD_list,		/* cell is a JSON text */
	FIELD_value,		/* type, value, valueInfo of a variable: cells type, number, real, bytes (hex), info */
	FIELD_hidden,		/* for the caller only, not on the wire */
};
struct field {
	const char *name;
	enum field_type type;
	const char *sql;
};

enum filter_type {
	FILTER_text, FILTER_texts, FILTER_like,
	FILTER_id, FILTER_ids,		/* what is no id matches nothing */
	FILTER_number, FILTER_date,
	FILTER_true,			/* only true filters, false is as if absent (api.md 2.0) */
	FILTER_unless,			/* the condition holds unless the parameter is true */
	FILTER_include,			/* widens tenantIdIn */
	FILTER_flag,			/* changes how others compare: "names" or "values" without regard to case */
	FILTER_variables,		/* name_op_value lists; sql says where the variables are */
	FILTER_value,			/* the value of the variable that variableName names */
	FILTER_dates,			/* op_date lists on the column sql */
	FILTER_choice,			/* sql is value=condition|value=condition */
	FILTER_types,			/* names of value types */
	FILTER_activity_ids,		/* activity instance ids: "x:123" or "123" */
	FILTER_refused,			/* Camunda has it, we do not yet: a clear 400 */
	FILTER_ignored,			/* accepted, says nothing here */
};
struct filter {
	const char *name;
	enum filter_type type;
	const char *sql;		/* condition with $ for the parameter, PARTS for the parts of its ids */
};
struct sort {
	const char *name;
	const char *sql;
};

struct query_table {
	const char *name;
	const char *from;		/* from and where that always hold */
	const char *id_sql;		/* what ends every sort */
	const struct field *fields;
	size_t field_count;
	const struct filter *filters;
	size_t filter_count;
	const struct sort *sorts;
	size_t sort_count;
};
struct query_table query_table(enum query query);

enum variable_operator { OP_eq, OP_neq, OP_gt, OP_gteq, OP_lt, OP_lteq, OP_like, OP_not_like };
struct variable_condition {
	const char *name;
	enum variable_operator op;
	struct value value;
	bool ignore_name_case, ignore_value_case;
};

struct argument {
	const struct filter *filter;
	const char *const *texts;	/* value or values as text; dates as microseconds in decimal */
	size_t count;
	bool ignore_case;		/* FILTER_text whose condition is column = $ */
	/* FILTER_variables, _value: count of them; _dates: op and date */
	const struct variable_condition *conditions;
};
struct ordering {
	const struct sort *sort;
	bool descending;
};
struct query_request {
	enum query query;
	const struct argument *arguments;
	size_t argument_count;
	const struct ordering *orderings;
	size_t ordering_count;
	int64_t first, max;		/* max -1: all */
};

/* One row: one cell per field that has cells, in table order (FIELD_value has five), NULL for SQL null.  Valid only
 * during the call; returning false ends the query. */
typedef bool query_row(void *context, const char *const *cells);

enum status store_query(struct reader *reader, const struct query_request *request, query_row *row, void *context,
	struct error *err) MUST_CHECK;
enum status store_count(struct reader *reader, const struct query_request *request, int64_t *count,
	struct error *err) MUST_CHECK;

/* A variable's cells as a value in the arena (content of files only when wanted). */
enum status store_value(struct arena *arena, const char *const *cells, struct value *value,
	struct error *err) MUST_CHECK;

/* The variables that a running activity or instance sees (local: those of its own scope), by name, in the arena;
 * *exists tells whether it runs. */
enum status store_scope_variables(struct reader *reader, struct arena *arena, int64_t scope, bool local,
	struct entries *entries, bool *exists, struct error *err) MUST_CHECK;

/* A running instance as a tree of what is active in it, by id within each scope. */
struct running_activity {
	int64_t id;
	const char *id_text, *name, *type;	/* of the element; of the root the definition's wire id and name */
	bool transition;			/* waits before or behind the activity: no activity instance */
	bool shares;				/* has its scope's execution while it is alone there */
	const int64_t *incidents;
	size_t incident_count;
	struct running_activity *first, *last, *next;	/* children; siblings */
};
struct running_instance {
	int64_t id;
	const char *definition;			/* wire id */
	struct running_activity *root;
};
/* By the id of the instance, or of anything in it; E_not_found when it does not run. */
enum status store_running_instance(struct reader *reader, struct arena *arena, int64_t id,
	struct running_instance **instance, struct error *err) MUST_CHECK;

/* ---- deployments and definitions ---------------------------------------------------------------------- */

struct new_resource {
	const char *name;
	const void *bytes;
	size_t length;
	const struct program *const *programs;	/* of a BPMN file */
	size_t program_count;
};
struct new_deployment {
	const char *name, *source, *tenant;
	const struct new_resource *resources;
	size_t resource_count;
	bool duplicate_filtering, changed_only;
	bool suspended;			/* definitions start suspended */
};
struct deployed {
	int64_t id;
	bool duplicate;			/* nothing changed: id is the existing one */
	int64_t created_us;
	const char *name, *source, *tenant;
	const struct definition *definitions;	/* new ones */
	size_t definition_count;
};
/* One transaction: resources, definitions with the next versions, elements. */
enum status store_deploy(struct reader *reader, struct arena *arena, const struct new_deployment *deployment,
	struct deployed *deployed, struct error *err) MUST_CHECK;

/* Removes a deployment: cascade removes definitions and, in the background, their history; without it definitions are
 * only marked deleted.  The caller has ended the running instances.  E_not_found when there is none. */
enum status store_delete_deployment(struct reader *reader, int64_t deployment, bool cascade,
	struct error *err) MUST_CHECK;

/* Removes rows of history that no definition claims any more, a bounded number; *more says whether some are left. */
enum status store_sweep(struct reader *reader, bool *more, struct error *err) MUST_CHECK;

/* A definition as stored, with the XML it came from (in the arena). */
struct stored_definition {
	struct definition definition;	/* program NULL */
	const char *resource;		/* name */
	const void *xml;
	size_t length;
	int32_t process_index;		/* which of the file's executable processes it is */
	bool suspended;
};
enum status store_definition(struct reader *reader, struct arena *arena, int32_t id,
	struct stored_definition *definition, struct error *err) MUST_CHECK;
/* A definition that can be started: its number, and whether it is suspended. */
struct found_definition {
	int32_t id;
	bool suspended;
};
/* The newest version of a key without tenant (or of that tenant), not deleted; E_not_found when there is none. */
enum status store_latest(struct reader *reader, const char *key, const char *tenant, struct found_definition *found,
	struct error *err) MUST_CHECK;
/* By wire id; E_not_found. */
enum status store_find_definition(struct reader *reader, const char *wire_id, struct found_definition *found,
	struct error *err) MUST_CHECK;
enum status store_suspend_definition(struct reader *reader, int32_t id, bool suspended, struct error *err) MUST_CHECK;

/* The content of a resource of a deployment, in the arena; E_not_found. */
enum status store_resource(struct reader *reader, struct arena *arena, int64_t deployment, int64_t id,
	const char **name, const void **bytes, size_t *length, struct error *err) MUST_CHECK;

/* ---- event log ---------------------------------------------------------------------------------------- */

struct stored_event {
	int64_t id, root;
	int32_t kind, elem, definition;
	int64_t activity, at_us, locked_us;
	const char *worker, *message;
	const void *data;
	size_t length;
};
/* Events of the tree of that root instance behind `after`, oldest first. */
enum status store_events(struct reader *reader, struct arena *arena, int64_t root, int64_t after, size_t limit,
	struct stored_event **events, size_t *count, struct error *err) MUST_CHECK;

/* The elements of activities of that instance, ended ones included: keys[i] is that of ids[i], 0 when there is none. */
enum status store_elements(struct reader *reader, int64_t instance, const int64_t *ids, size_t count, int32_t *keys,
	struct error *err) MUST_CHECK;

/* ---- schema ------------------------------------------------------------------------------------------- */

/* Brings the database to this program's schema: numbered, forward, one transaction each; safe to run from several
 * daemons at once.  E_engine when the schema is newer than the program. */
enum status store_migrate(const char *database, int *from, int *to, struct error *err) MUST_CHECK;
/* Whether the schema is exactly what this program wants. */
enum status store_check_schema(struct reader *reader, struct error *err) MUST_CHECK;

/* `bpmnd print sql` */
void store_describe(struct text *text);

/* ---- audit: does a database hold what was promised? ------------------------------------------------------ */

/* What is wrong, as long as the call lasts. */
struct audit_finding {
	const char *check, *invariant;	/* row of audit.def, or "ids", "replay"; "note" is told but is no fault */
	const char *ids;		/* what it concerns */
	const char *sentence;
};
/* One check that is done. */
struct audit_summary {
	const char *check, *invariant;
	int64_t rows;			/* looked at; trees replayed; -1: not done in time (notes alone) */
	int64_t findings;
	int64_t us;
};
struct audit_options {
	const struct definitions *definitions;
	size_t sample;			/* running and ended instances to replay, as many of each */
	uint64_t seed;			/* which ones */
	void (*found)(void *context, const struct audit_finding *finding);	/* the first few of each check */
	void (*checked)(void *context, const struct audit_summary *summary);
	void *context;
};
/* Looks through all tables range by range and replays a sample, while daemons work: on the reader's connection, which
 * from then on only reads, each statement with its time limit, and rests as long as it worked.  Nothing that moves
 * between two statements is a finding: a suspect is looked at again.  *findings counts, notes excluded.  E_weather:
 * the database went away or was too slow; E_engine: it is none of ours. */
enum status store_audit(struct reader *reader, const struct audit_options *options, int64_t *findings,
	struct error *err) MUST_CHECK;

/* `bpmnd print audit` */
void store_describe_audit(struct text *text);

#endif
