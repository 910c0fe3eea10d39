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
enum { COLUMNS = 6 };
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

static enum status
insert_columns(struct reader *reader, struct columns *columns, const char *sql, int32_t definition, struct error *err)
{
	const char *texts[COLUMNS + 1] = { number_text(columns->arena, definition) };

	for (int i = 0; i < columns->width; i++)
		texts[i + 1] = array_text(columns->arena, columns->cells[i], columns->count);
	return columns->count > 0 ? reader_run(reader, sql, columns->width + 1, texts, "storing a definition",
		err) : OK;
}

/* Whether a token in the node has no execution of its own while it is alone in its scope: what needs none (Camunda's
 * notion of scope), but for the instances of a parallel multi-instance activity. */
static bool
shares_execution(const struct program *program, const struct node *node)
{
	const struct node *scope = node->scope >= 0 ? &program->nodes[node->scope] : NULL;

	return scope && !node->is_scope && !(scope->multi && !scope->multi->sequential);
}

static enum status
insert_elements(struct reader *reader, struct arena *arena, int32_t definition, const struct program *program,
	struct error *err)
{
	struct columns columns = { .arena = arena, .width = 6 };

	for (int32_t i = 0; i < program->node_count; i++) {
		const struct node *node = &program->nodes[i];

		put_columns(&columns, (const char *const[]){
			number_text(arena, node->key),
			node->id ? node->id : "",
			/* History names the activity only, not the body around its instances (Camunda). */
			node->element == EL_multi_instance_body ? NULL : node->name,
			element_type(node->element),
			number_text(arena, node->scope >= 0 ? program->nodes[node->scope].key : 0),
			shares_execution(program, node) ? "true" : "false",
		});
	}
	return insert_columns(reader, &columns, "insert into element (definition, elem, id, name, type, scope, shares) "
		"select $1::int4, * from unnest($2::int4[], $3::text[], $4::text[], $5::text[], $6::int4[], "
		"$7::bool[])", definition,
		err);
}

static void
put_job_definition(struct columns *columns, const struct node *node, enum job_kind kind, const char *type,
	const char *configuration)
{
	put_columns(columns, (const char *const[]){ number_text(columns->arena, node->key), number_text(columns->arena,
		kind),
		type, configuration });
}

static void
put_timer_definition(struct columns *columns, const struct node *node)
{
	static const char *const kinds[] = { [TIMER_date] = "DATE", [TIMER_duration] = "DURATION",
		[TIMER_cycle] = "CYCLE" };

	put_job_definition(columns, node, JOB_timer,
		(element_flags(node->element) & EL_BOUNDARY) ? "timer-transition" : "timer-intermediate-transition",
		arena_printf(columns->arena, "%s: %s", kinds[node->timer->kind], expr_source(node->timer->expression)));
}

/* Job definitions, as Camunda names them (CB TimerCatchIntermediateEventJobHandler and others). */
static enum status
insert_job_definitions(struct reader *reader, struct arena *arena, int32_t definition, const struct program *program,
	struct error *err)
{
	struct columns columns = { .arena = arena, .width = 4 };

	for (int32_t i = 0; i < program->node_count; i++) {
		const struct node *node = &program->nodes[i];

		if (node->timer)
			put_timer_definition(&columns, node);
		if (node->async_before)
			put_job_definition(&columns, node, JOB_before, "async-continuation", "async-before");
		if (node->async_after)
			put_job_definition(&columns, node, JOB_after, "async-continuation", "async-after");
	}
	return insert_columns(reader, &columns, "insert into job_definition (definition, elem, kind, type, "
		"configuration) "
		"select $1::int4, * from unnest($2::int4[], $3::int2[], $4::text[], $5::text[])", definition, err);
}

/* ---- storing ------------------------------------------------------------------------------------------------ */

static enum status
next_version(struct reader *reader, struct deploy *deploy, const struct program *program, int32_t *version,
	struct error *err)
{
	const char *const texts[] = { program->key, deploy->deployment->tenant };
	PGresult *result;

	TRY(reader_ask(reader, "select coalesce(max(version), 0) + 1 from definition "
		"where key = $1 and tenant is not distinct from $2 and not deleted", 2, texts, "numbering a version",
		&result, err));
	*version = (int32_t)cell_number(result, 0, 0);
	PQclear(result);
	return OK;
}

enum { WIRE_ID = 64 };			/* longest id that Camunda's columns take */

static enum status
insert_definition(struct reader *reader, struct deploy *deploy, int64_t resource, size_t process_index,
	const struct program *program, struct error *err)
{
	struct arena *scratch = deploy->scratch;
	struct definition *definition = &deploy->definitions[deploy->definition_count];
	int64_t id;
	int32_t version;

	TRY(next_version(reader, deploy, program, &version, err));
	TRY(take_numbers(reader, 1, &id, err));
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
	const char *const texts[] = { number_text(scratch, id), number_text(scratch, deploy->deployed->id),
		number_text(scratch, resource), number_text(scratch, (int64_t)process_index), definition->wire_id,
		program->key,
		number_text(scratch, version), definition->tenant, program->name, program->category,
		program->description,
		program->version_tag, program->history_ttl_days < 0 ? NULL : number_text(scratch,
		program->history_ttl_days),
		program->startable_in_tasklist ? "true" : "false", deploy->deployment->suspended ? "true" : "false" };
	TRY(reader_run(reader, "insert into definition (id, deployment, resource, process_index, wire_id, key, "
		"version, tenant, name, category, description, version_tag, ttl_days, startable, suspended) "
		"values ($1::int4, $2::int8, $3::int8, $4::int4, $5, $6, $7::int4, $8, $9, $10, $11, $12, $13::int4, "
		"$14::bool, $15::bool)", sizeof texts / sizeof texts[0], texts, "storing a definition", err));
	deploy->definition_count++;
	TRY(insert_elements(reader, scratch, definition->id, program, err));
	return insert_job_definitions(reader, scratch, definition->id, program, err);
}

static enum status
insert_resource(struct reader *reader, struct deploy *deploy, const struct new_resource *resource, struct error *err)
{
	int64_t id;

	TRY(take_numbers(reader, 1, &id, err));
	const char *const texts[] = { number_text(deploy->scratch, id), number_text(deploy->scratch,
		deploy->deployed->id),
		resource->name, bytes_text(deploy->scratch, resource->bytes, resource->length) };
	TRY(reader_run(reader, "insert into resource (id, deployment, name, bytes) values ($1::int8, $2::int8, $3, "
		"$4::bytea)",
		4, texts, "storing a resource", err));
	for (size_t i = 0; i < resource->program_count; i++)
		TRY(insert_definition(reader, deploy, id, i, resource->programs[i], err));
	return OK;
}

static enum status
insert_deployment(struct reader *reader, struct deploy *deploy, struct error *err)
{
	const struct new_deployment *new = deploy->deployment;
	struct deployed *deployed = deploy->deployed;
	PGresult *result;

	TRY(take_numbers(reader, 1, &deployed->id, err));
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
