/* SPDX-License-Identifier: Apache-2.0
 * A tiny engine in memory: one definition, one tree, a virtual clock.  For unit tests and the story driver. */
#ifndef TESTS_ENGINE_SIM_H
#define TESTS_ENGINE_SIM_H

#include "bpmn/bpmn.h"
#include "engine/engine.h"

struct sim {
	struct arena *arena;
	struct definition definition;
	struct definitions definitions;
	struct limits limits;
	struct tree *tree;		/* NULL until started */
	struct effects effects;		/* of all commands */
	int64_t now_us, next_id;
	struct outcome outcome;		/* of the last command */
	struct error error;		/* of the last command that failed */
};

/* Compiles the first executable process of the XML; fails the test with the problems when it is refused. */
struct sim *sim_new(const char *xml);
void sim_free(struct sim *sim);

/* The same without a test around it; E_parse and others as bpmn_compile(). */
enum status sim_open(const char *name, const char *xml, size_t length, struct sim **sim, struct error *err) MUST_CHECK;

/* One of a program that was compiled before, and stays the caller's. */
struct sim *sim_of(const struct program *program);

/* A process with these flow nodes inside, as XML with all namespaces. */
const char *sim_process(struct arena *arena, const char *body);

/* Runs a command (clock, ids, limits are filled in); tree_check() after it, and a refused one must leave the tree as it
 * was. */
enum status sim_run(struct sim *sim, struct command command);
/* The same without a test around it: *broken says what is wrong with the tree now, or is NULL. */
enum status sim_step(struct sim *sim, struct command command, const char **broken);
/* The effects so far, written as bytes and read back, make the same tree again; so does a copy of it
 * while it runs (a copy leaves out what has ended). */
enum status sim_replay(struct sim *sim, struct error *err) MUST_CHECK;
enum status sim_start(struct sim *sim, struct entries variables);

/* A process with these flow nodes inside, compiled and started. */
struct sim *sim_begin(const char *body, struct entries variables);

/* The open activities in document order of the tree: the first for NULL, NULL after the last. */
struct activity *sim_next(struct sim *sim, struct activity *at);
/* The one open activity of that element (any state), NULL when there is none; fails when there are several. */
struct activity *sim_at(struct sim *sim, const char *element);
int sim_count(struct sim *sim, const char *element);
/* Completes the external or user task at the element. */
enum status sim_complete(struct sim *sim, const char *element, struct entries variables);
/* Executes the one job of that element. */
enum status sim_fire(struct sim *sim, const char *element);

/* Ids of elements with open activities, in order of opening, joined by blanks; "" when the instance is over. */
const char *sim_active(struct sim *sim);
/* Elements closed so far in order: id, or -id when canceled. */
const char *sim_history(struct sim *sim);
/* A variable of the instance as text, or "-". */
const char *sim_variable(struct sim *sim, const char *name);
bool sim_ended(const struct sim *sim);

#endif
