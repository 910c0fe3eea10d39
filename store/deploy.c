/* SPDX-License-Identifier: Apache-2.0
 * Deployments: files, the definitions in them with their next versions, and what lists need to know of each.  One
 * transaction under the lock of a counter's row, so that versions and ids have no gaps that two deployers made. */
#include "store/store_priv.h"

#include <string.h>

struct deploy {
	struct arena *arena;		/* of the caller: what is answered lives here */
	const struct new_deployment *deployment;
	struct deployed *deployed;
	struct arena *scratch;
	bool *wanted;			/* by resource: it is to be stored */
	struct definition *definitions;
	size_t definition_count;
	int64_t next;			/* number */
};

/* Takes `count` numbers; the row stays locked until the transaction ends. */
static enum status
take_numbers(struct reader *reader, int64_t count, int64_t *first, struct error *err)
{
	const char *const texts[] = { number_text(reader->scratch, count) };
	PGresult *result;

	TRY(reader_ask(reader, "update counter set next = next + $1::int8 where name = 'reference' returning next - "
		"$1::int8",
		1, texts, "numbering", &result, err));
	*first = cell_number(result, 0, 0);
	PQclear(result);
	return OK;
}

/* ---- duplicate filtering (Camunda: enable-duplicate-filtering, deploy-changed-only) ----------------------- */

/* Deployments are compared with those of the same name, tenant and source (parameters 1 to 3); without a source, with
 * those of "process application", as in Camunda. */
#define SAME_DEPLOYMENT(row) row ".name is not distinct from $1 and " row ".tenant is not distinct from $2 and " \
	"coalesce(" row ".source, 'process application') = $3 and not " row ".deleted"

static const char *
source_of(const struct new_deployment *deployment)
{
	return deployment->source ? deployment->source : "process application";
}

/* Whether the newest deployment of that name and tenant (only: or any of them) has the resource with these bytes. */
static enum status
is_unchanged(struct reader *reader, struct deploy *deploy, const struct new_resource *resource, bool newest,
	bool *unchanged, struct error *err)
{
	const struct new_deployment *new = deploy->deployment;
	const char *const texts[] = { new->name, new->tenant, source_of(new), resource->name,
		bytes_text(deploy->scratch, resource->bytes, resource->length), newest ? "true" : "false" };
	PGresult *result;

	TRY(reader_ask(reader, "select coalesce((select r.bytes = $5::bytea from deployment p "
		"join resource r on r.deployment = p.id and r.name = $4 where " SAME_DEPLOYMENT("p") " "
		"and (not $6::bool or p.id = (select max(q.id) from deployment q where " SAME_DEPLOYMENT("q") ")) "
		"order by p.id desc limit 1), false)",
		6, texts, "comparing with what is deployed", &result, err));
	*unchanged = cell_true(result, 0, 0);
	PQclear(result);
	return OK;
}

/* Which resources are to be stored: all, none (a duplicate), or those that changed. */
static enum status
choose_resources(struct reader *reader, struct deploy *deploy, struct error *err)
{
	const struct new_deployment *new = deploy->deployment;
	size_t changed = 0;

	for (size_t i = 0; i < new->resource_count; i++) {
		bool unchanged = false;

		if (new->duplicate_filtering || new->changed_only)
			TRY(is_unchanged(reader, deploy, &new->resources[i], !new->changed_only, &unchanged, err));
		deploy->wanted[i] = !unchanged;
		changed += !unchanged;
	}
	deploy->deployed->duplicate = changed == 0;
	for (size_t i = 0; i < new->resource_count && changed > 0 && !new->changed_only; i++)
		deploy->wanted[i] = true;
	return OK;
}

static enum status
find_existing(struct reader *reader, struct deploy *deploy, struct error *err)
{
	const struct new_deployment *new = deploy->deployment;
	const char *const texts[] = { new->name, new->tenant, source_of(new) };
	PGresult *result;

	TRY(reader_ask(reader, "select p.id, (extract(epoch from p.created) * 1000000)::int8, p.source from deployment "
		"p where "
		SAME_DEPLOYMENT("p") " order by p.id desc limit 1", 3, texts, "looking for the deployment", &result,
		err));
	deploy->deployed->id = cell_number(result, 0, 0);
	deploy->deployed->created_us = cell_number(result, 0, 1);
	deploy->deployed->source = cell_string(result, 0, 2, deploy->arena);
	PQclear(result);
	return OK;
}

/* ---- what lists need to know of a definition --------------------------------------------------------------- */

/* Rows that are inserted in one statement, by column. */
enum { COLUMNS = 15 };
struct columns {
	struct arena *arena;
	int width;
	size_t count, capacity[COLUMNS];
	const char **cells[COLUMNS];
};

static void
put_columns(struct columns *columns, const char *const cells[])
{
	for (int i = 0; i < columns->width; i++) {
		columns->cells[i] = arena_grow(columns->arena, columns->cells[i], sizeof *columns->cells[i],
			columns->count,
			&columns->capacity[i]);
		columns->cells[i][columns->count] = cells[i];
	}
	columns->count++;
}

/* The statement's parameters are the columns as arrays. */
static enum status
insert_columns(struct reader *reader, struct columns *columns, const char *sql, struct error *err)
{
	const char *texts[COLUMNS];

	for (int i = 0; i < columns->width; i++)
		texts[i] = array_text(columns->arena, columns->cells[i], columns->count);
	return columns->count > 0 ? reader_run(reader, sql, columns->width, texts, "storing a definition", err) : OK;
}

/* Whether a token in the node has no execution of its own while it is alone in its scope: what needs none (Camunda's
 * notion of scope), but for the instances of a parallel multi-instance activity. */
static bool
shares_execution(const struct program *program, const struct node *node)
{
	const struct node *scope = node->scope >= 0 ? &program->nodes[node->scope] : NULL;

	return scope && !node->is_scope && !(scope->multi && !scope->multi->sequential);
}

static void
put_elements(struct columns *columns, const char *definition, const struct program *program)
{
	struct arena *arena = columns->arena;

	for (int32_t i = 0; i < program->node_count; i++) {
		const struct node *node = &program->nodes[i];

		put_columns(columns, (const char *const[]){
			definition,
			number_text(arena, node->key),
			node->id ? node->id : "",
			/* History names the activity only, not the body around its instances (Camunda). */
			node->element == EL_multi_instance_body ? NULL : node->name,
			element_type(node->element),
			number_text(arena, node->scope >= 0 ? program->nodes[node->scope].key : 0),
			shares_execution(program, node) ? "true" : "false",
		});
	}
}

static void
put_job_definition(struct columns *columns, const char *definition, const struct node *node, enum job_kind kind,
	const char *type, const char *configuration)
{
	put_columns(columns, (const char *const[]){ definition, number_text(columns->arena, node->key),
		number_text(columns->arena, kind), type, configuration });
}

static void
put_timer_definition(struct columns *columns, const char *definition, const struct node *node)
{
	static const char *const kinds[] = { [TIMER_date] = "DATE", [TIMER_duration] = "DURATION",
		[TIMER_cycle] = "CYCLE" };

	put_job_definition(columns, definition, node, JOB_timer,
		(element_flags(node->element) & EL_BOUNDARY) ? "timer-transition" : "timer-intermediate-transition",
		arena_printf(columns->arena, "%s: %s", kinds[node->timer->kind], expr_source(node->timer->expression)));
}

/* Job definitions, as Camunda names them (CB TimerCatchIntermediateEventJobHandler and others). */
static void
put_job_definitions(struct columns *columns, const char *definition, const struct program *program)
{
	for (int32_t i = 0; i < program->node_count; i++) {
		const struct node *node = &program->nodes[i];

		if (node->timer)
			put_timer_definition(columns, definition, node);
		if (node->async_before)
			put_job_definition(columns, definition, node, JOB_before, "async-continuation", "async-before");
		if (node->async_after)
			put_job_definition(columns, definition, node, JOB_after, "async-continuation", "async-after");
	}
}

/* ---- storing ------------------------------------------------------------------------------------------------ */

/* The next version of each program of a file, in a result of one column. */
static enum status
next_versions(struct reader *reader, struct deploy *deploy, const struct new_resource *resource, PGresult **result,
	struct error *err)
{
	const char **keys = ARENA_ARRAY(deploy->scratch, const char *, resource->program_count);

	for (size_t i = 0; i < resource->program_count; i++)
		keys[i] = resource->programs[i]->key;
	const char *const texts[] = { array_text(deploy->scratch, keys, resource->program_count),
		deploy->deployment->tenant };
	return reader_ask(reader, "select coalesce((select max(version) from definition where key = u.key and tenant "
		"is not distinct from $2 and not deleted), 0) + 1 from unnest($1::text[]) with ordinality u (key, n) "
		"order by n", 2, texts, "numbering versions", result, err);
}

enum { WIRE_ID = 64 };			/* longest id that Camunda's columns take */

static struct definition *
add_definition(struct deploy *deploy, const struct program *program, int32_t version)
{
	struct definition *definition = &deploy->definitions[deploy->definition_count++];
	int64_t id = deploy->next++;

	*definition = (struct definition){
		.id = (int32_t)id,
		.wire_id = arena_printf(deploy->arena, "%s:%d:%lld", program->key, (int)version, (long long)id),
		.key = program->key,
		.version = version,
		.deployment = deploy->deployed->id,
		.tenant = deploy->deployment->tenant,
		.program = program,
	};
	if (strlen(definition->wire_id) > WIRE_ID)
		definition->wire_id = number_text(deploy->arena, id);
	return definition;
}

static void
put_definition(struct columns *columns, const struct deploy *deploy, const char *id, const char *resource,
	size_t process_index, const struct definition *definition)
{
	const struct program *program = definition->program;
	struct arena *arena = columns->arena;

	put_columns(columns, (const char *const[]){
		id,
		number_text(arena, definition->deployment),
		resource,
		number_text(arena, (int64_t)process_index),
		definition->wire_id,
		program->key,
		number_text(arena, definition->version),
		definition->tenant,
		program->name,
		program->category,
		program->description,
		program->version_tag,
		program->history_ttl_days < 0 ? NULL : number_text(arena, program->history_ttl_days),
		program->startable_in_tasklist ? "true" : "false",
		deploy->deployment->suspended ? "true" : "false",
	});
}

/* In as many statements for a file of a thousand processes as for one. */
static enum status
insert_definitions(struct reader *reader, struct deploy *deploy, const char *resource_id,
	const struct new_resource *resource, struct error *err)
{
	struct columns definitions = { .arena = deploy->scratch, .width = 15 };
	struct columns elements = { .arena = deploy->scratch, .width = 7 };
	struct columns jobs = { .arena = deploy->scratch, .width = 5 };
	PGresult *versions;

	TRY(next_versions(reader, deploy, resource, &versions, err));
	for (size_t i = 0; i < resource->program_count; i++) {
		const struct definition *definition = add_definition(deploy, resource->programs[i],
			(int32_t)cell_number(versions, (int)i, 0));
		const char *id = number_text(deploy->scratch, definition->id);

		put_definition(&definitions, deploy, id, resource_id, i, definition);
		put_elements(&elements, id, definition->program);
		put_job_definitions(&jobs, id, definition->program);
	}
	PQclear(versions);
	TRY(insert_columns(reader, &definitions, "insert into definition (id, deployment, resource, process_index, "
		"wire_id, key, version, tenant, name, category, description, version_tag, ttl_days, startable, "
		"suspended) select * from unnest($1::int4[], $2::int8[], $3::int8[], $4::int4[], $5::text[], "
		"$6::text[], $7::int4[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::int4[], "
		"$14::bool[], $15::bool[])", err));
	TRY(insert_columns(reader, &elements, "insert into element (definition, elem, id, name, type, scope, shares) "
		"select * from unnest($1::int4[], $2::int4[], $3::text[], $4::text[], $5::text[], $6::int4[], "
		"$7::bool[])", err));
	return insert_columns(reader, &jobs, "insert into job_definition (definition, elem, kind, type, configuration) "
		"select * from unnest($1::int4[], $2::int4[], $3::int2[], $4::text[], $5::text[])", err);
}

static enum status
insert_resource(struct reader *reader, struct deploy *deploy, const struct new_resource *resource, struct error *err)
{
	int64_t id = deploy->next++;
	const char *const texts[] = { number_text(deploy->scratch, id), number_text(deploy->scratch,
		deploy->deployed->id),
		resource->name, bytes_text(deploy->scratch, resource->bytes, resource->length) };
	TRY(reader_run(reader, "insert into resource (id, deployment, name, bytes) values ($1::int8, $2::int8, $3, "
		"$4::bytea)",
		4, texts, "storing a resource", err));
	return insert_definitions(reader, deploy, texts[0], resource, err);
}

/* All at once: each time the row is updated again within a transaction it takes longer to find. */
static enum status
take_all_numbers(struct reader *reader, struct deploy *deploy, struct error *err)
{
	const struct new_deployment *new = deploy->deployment;
	int64_t count = 1;

	for (size_t i = 0; i < new->resource_count; i++)
		if (deploy->wanted[i])
			count += 1 + (int64_t)new->resources[i].program_count;
	return take_numbers(reader, count, &deploy->next, err);
}

static enum status
insert_deployment(struct reader *reader, struct deploy *deploy, struct error *err)
{
	const struct new_deployment *new = deploy->deployment;
	struct deployed *deployed = deploy->deployed;
	PGresult *result;

	TRY(take_all_numbers(reader, deploy, err));
	deployed->id = deploy->next++;
	const char *const texts[] = { number_text(deploy->scratch, deployed->id), new->name, new->source, new->tenant };
	TRY(reader_ask(reader, "insert into deployment (id, name, source, tenant, created) values ($1::int8, $2, $3, "
		"$4, now()) "
		"returning (extract(epoch from created) * 1000000)::int8", 4, texts, "storing a deployment", &result,
		err));
	deployed->created_us = cell_number(result, 0, 0);
	deployed->source = new->source;
	PQclear(result);
	for (size_t i = 0; i < new->resource_count; i++)
		if (deploy->wanted[i])
			TRY(insert_resource(reader, deploy, &new->resources[i], err));
	return OK;
}

static enum status
run_deploy(struct reader *reader, void *context, struct error *err)
{
	struct deploy *deploy = context;
	int64_t ignored;

	TRY(take_numbers(reader, 0, &ignored, err));	/* the lock, before anything is looked at */
	TRY(choose_resources(reader, deploy, err));
	return deploy->deployed->duplicate ? find_existing(reader, deploy, err) : insert_deployment(reader, deploy,
		err);
}

enum status
store_deploy(struct reader *reader, struct arena *arena, const struct new_deployment *deployment,
	struct deployed *deployed, struct error *err)
{
	struct deploy deploy = { .arena = arena, .deployment = deployment, .deployed = deployed,
		.scratch = reader->scratch };
	size_t programs = 0;

	arena_reset(reader->scratch);
	for (size_t i = 0; i < deployment->resource_count; i++)
		programs += deployment->resources[i].program_count;
	*deployed = (struct deployed){ .name = deployment->name, .tenant = deployment->tenant };
	deploy.wanted = ARENA_ARRAY(reader->scratch, bool, deployment->resource_count);
	deploy.definitions = ARENA_ARRAY(arena, struct definition, programs);
	TRY(reader_transaction(reader, run_deploy, &deploy, "deploying", err));
	deployed->definitions = deploy.definitions;
	deployed->definition_count = deploy.definition_count;
	return OK;
}

/* ---- deletion ------------------------------------------------------------------------------------------------ */

struct deletion {
	int64_t deployment;
	bool cascade;
};

/* Rows that runtime or history may refer to stay, marked; a cascade lets the sweep remove what history there is. */
static enum status
run_delete(struct reader *reader, void *context, struct error *err)
{
	const struct deletion *deletion = context;
	const char *const texts[] = { number_text(reader->scratch, deletion->deployment) };
	PGresult *result;
	bool found;

	TRY(reader_ask(reader, "update deployment set deleted = true where id = $1::int8 and not deleted returning 1",
		1, texts,
		"deleting a deployment", &result, err));
	found = PQntuples(result) == 1;
	PQclear(result);
	if (!found)
		return FAIL(err, not_found, "Deployment with id '%s' does not exist", texts[0]);
	TRY(reader_run(reader, "update definition set deleted = true where deployment = $1::int8", 1, texts,
		"deleting a deployment", err));
	if (!deletion->cascade)
		return OK;
	return reader_run(reader, "insert into swept (definition) select id from definition where deployment = "
		"$1::int8", 1,
		texts, "deleting a deployment", err);
}

enum status
store_delete_deployment(struct reader *reader, int64_t deployment, bool cascade, struct error *err)
{
	struct deletion deletion = { deployment, cascade };

	arena_reset(reader->scratch);
	return reader_transaction(reader, run_delete, &deletion, "deleting a deployment", err);
}
