/* SPDX-License-Identifier: Apache-2.0
 * Trees from their rows: which roots the ids belong to, then everything of those roots, in two round trips. */
#include "store/store_priv.h"

#include <string.h>

/* The results of the second round trip. */
static const enum sql parts[] = { SQL_load_instance, SQL_load_activity, SQL_load_variable, SQL_load_job,
	SQL_load_incident };
enum { INSTANCES, ACTIVITIES, VARIABLES, JOBS, INCIDENTS, PARTS };

struct load {
	struct postgres *pg;
	const struct definitions *definitions;
	struct map trees;		/* by root id */
	int64_t *roots;			/* by question, 0: nothing runs there */
	size_t count;
	const PGresult *result;		/* being read */
	int row;
	struct error *err;
};

/* The tree a row belongs to: its root is the first column. */
static struct tree *
tree_of(const struct load *load)
{
	return map_get(&load->trees, cell_int(load->result, load->row, 0));
}

static int64_t
number(const struct load *load, int column)
{
	return cell_int(load->result, load->row, column);
}

static int64_t
when(const struct load *load, int column)
{
	return cell_time(load->result, load->row, column);
}

static const char *
text(const struct load *load, int column)
{
	return cell_text(load->result, load->row, column);
}

static enum status
restore_instance(struct load *load)
{
	struct instance row = {
		.id = number(load, 1),
		.parent = number(load, 2),
		.business_key = text(load, 4),
		.case_instance = text(load, 8),
		.suspended = cell_bool(load->result, load->row, 5),
		.start_key = (int32_t)number(load, 6),
		.started_us = when(load, 7),
		.ended_us = WHEN_NONE,
	};

	return tree_restore_instance(tree_of(load), &row, (int32_t)number(load, 3), load->err);
}

static struct human
read_human(const struct load *load)
{
	return (struct human){
		.name = text(load, 18),
		.description = text(load, 19),
		.assignee = text(load, 20),
		.form_key = text(load, 21),
		.priority = number(load, 22),
		.due_us = when(load, 23),
		.follow_up_us = when(load, 24),
		.users = cell_texts(load->result, load->row, 25, load->pg->scratch),
		.groups = cell_texts(load->result, load->row, 26, load->pg->scratch),
	};
}

static enum status
restore_activity(struct load *load)
{
	bool tried = !PQgetisnull(load->result, load->row, 12);
	struct human human = read_human(load);
	struct activity row = {
		.id = number(load, 3),
		.parent = number(load, 4),
		.state = (enum activity_state)number(load, 5),
		.flow = (int32_t)number(load, 6),
		.started_us = when(load, 7),
		.external = {
			.topic = text(load, 8),
			.worker = text(load, 9),
			.locked_us = when(load, 10),
			.until_us = when(load, 11),
			.retries = tried ? (int32_t)number(load, 12) : -1,
			.expiries = (int32_t)number(load, 13),
			.priority = number(load, 14),
			.message = text(load, 15),
			.details = text(load, 16),
		},
		.human = number(load, 17) ? &human : NULL,
	};

	return tree_restore_activity(tree_of(load), &row, number(load, 1), (int32_t)number(load, 2), load->err);
}

static enum status
restore_variable(struct load *load)
{
	struct variable row = {
		.id = number(load, 1),
		.scope = number(load, 2),
		.name = text(load, 3),
		.created_us = when(load, 4),
	};
	struct stored_value stored = {
		.type = (int16_t)number(load, 5),
		.number = number(load, 6),
		.real = cell_real(load->result, load->row, 7),
		.info = text(load, 9),
	};

	stored.bytes = cell_bytes(load->result, load->row, 8, &stored.length);
	TRY(value_load(load->pg->scratch, &stored, &row.value, load->err));
	return tree_restore_variable(tree_of(load), &row, load->err);
}

static enum status
restore_job(struct load *load)
{
	struct job row = {
		.id = number(load, 1),
		.activity = number(load, 2),
		.kind = (enum job_kind)number(load, 3),
		.key = (int32_t)number(load, 4),
		.due_us = when(load, 5),
		.retries = (int32_t)number(load, 6),
		.priority = number(load, 7),
		.cycle = text(load, 8),
		.message = text(load, 9),
		.failed_key = (int32_t)number(load, 10),
		.created_us = when(load, 11),
	};

	return tree_restore_job(tree_of(load), &row, load->err);
}

static enum status
restore_incident(struct load *load)
{
	struct incident row = {
		.id = number(load, 1),
		.activity = number(load, 2),
		.kind = (enum incident_kind)number(load, 3),
		.configuration = number(load, 4),
		.message = text(load, 5),
		.failed_key = (int32_t)number(load, 6),
		.created_us = when(load, 7),
	};

	return tree_restore_incident(tree_of(load), &row, load->err);
}

static enum status
restore_all(struct load *load, const PGresult *result, enum status (*restore)(struct load *load))
{
	load->result = result;
	for (load->row = 0; load->row < PQntuples(result); load->row++)
		TRY(restore(load));
	return OK;
}

/* Ids ascend within a tree and a parent is opened before its child: by id, over both, is parents first.  A called
 * instance comes behind the activity that calls it. */
static enum status
restore_scopes(struct load *load, const PGresult *instances, const PGresult *activities)
{
	int i = 0, a = 0;

	while (i < PQntuples(instances) || a < PQntuples(activities)) {
		bool instance = a == PQntuples(activities) ||
			(i < PQntuples(instances) && cell_int(instances, i, 1) < cell_int(activities, a, 3));

		load->result = instance ? instances : activities;
		load->row = instance ? i++ : a++;
		TRY(instance ? restore_instance(load) : restore_activity(load));
	}
	return OK;
}

static enum status
restore(struct load *load, PGresult *const *results)
{
	TRY(restore_scopes(load, results[INSTANCES], results[ACTIVITIES]));
	TRY(restore_all(load, results[VARIABLES], restore_variable));
	TRY(restore_all(load, results[JOBS], restore_job));
	return restore_all(load, results[INCIDENTS], restore_incident);
}

/* The root of each id. */
static enum status
resolve(struct load *load, const int64_t *ids)
{
	struct rows rows, *list[] = { &rows };
	PGresult *result;

	rows_init(&rows, SQL_resolve, load->pg->scratch);
	for (size_t i = 0; i < load->count; i++) {
		put_int(&rows, id_part(ids[i]));
		put_int(&rows, ids[i]);
		put_int(&rows, (int64_t)i);
	}
	TRY(postgres_read(load->pg, list, 1, &result, load->err));
	for (int i = 0; i < PQntuples(result); i++)
		load->roots[cell_int(result, i, 0)] = cell_int(result, i, 1);
	PQclear(result);
	return OK;
}

/* An empty tree for each root, and the roots as parameters of the five statements. */
static size_t
make_trees(struct load *load, struct rows *rows)
{
	size_t made = 0;

	for (int part = 0; part < PARTS; part++)
		rows_init(&rows[part], parts[part], load->pg->scratch);
	for (size_t i = 0; i < load->count; i++) {
		int64_t root = load->roots[i];

		if (!root || map_get(&load->trees, root))
			continue;
		map_put(&load->trees, root, tree_new(load->definitions));
		made++;
		for (int part = 0; part < PARTS; part++) {
			put_int(&rows[part], id_part(root));
			put_int(&rows[part], root);
		}
	}
	return made;
}

static enum status
fill_trees(struct load *load, struct rows *rows)
{
	struct rows *list[PARTS];
	PGresult *results[PARTS];
	enum status status;

	for (int part = 0; part < PARTS; part++)
		list[part] = &rows[part];
	TRY(postgres_read(load->pg, list, PARTS, results, load->err));
	status = restore(load, results);
	for (int part = 0; part < PARTS; part++)
		PQclear(results[part]);
	return status;
}

static void
free_trees(struct load *load)
{
	for (size_t i = 0; i < load->count; i++)
		if (load->roots[i])
			tree_free(map_remove(&load->trees, load->roots[i]));
}

static enum status
load_trees(struct load *load, const int64_t *ids, struct tree **trees)
{
	struct rows rows[PARTS];
	enum status status = OK;

	map_init(&load->trees, load->pg->scratch);
	load->roots = ARENA_ARRAY(load->pg->scratch, int64_t, load->count);
	if (load->count > 0)
		TRY(resolve(load, ids));
	if (make_trees(load, rows) > 0)
		status = fill_trees(load, rows);
	if (status != OK) {
		free_trees(load);
		return status;
	}
	for (size_t i = 0; i < load->count; i++)
		trees[i] = load->roots[i] ? map_get(&load->trees, load->roots[i]) : NULL;
	return OK;
}

enum status
postgres_load(struct store *store, const int64_t *ids, size_t count, const struct definitions *definitions,
	struct tree **trees, struct error *err)
{
	struct postgres *pg = (struct postgres *)store;
	struct load load = { .pg = pg, .definitions = definitions, .count = count, .err = err };

	arena_reset(pg->scratch);
	if (count > 0)
		TRY(postgres_ready(pg, err));
	return load_trees(&load, ids, trees);
}

/* The reader's connection in a writer's clothes, which owns nothing: enough for reading. */
enum status
reader_load(struct reader *reader, int64_t id, const struct definitions *definitions, struct tree **tree,
	struct error *err)
{
	struct postgres pg = { .scratch = reader->scratch, .conn = reader->conn };
	struct load load = { .pg = &pg, .definitions = definitions, .count = 1, .err = err };
	enum status status;

	arena_reset(pg.scratch);
	status = load_trees(&load, &id, tree);
	reader->conn = pg.conn;
	return status;
}
