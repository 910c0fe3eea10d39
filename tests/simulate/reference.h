/* SPDX-License-Identifier: Apache-2.0
 * The token semantics of BPMN 2.0.2 chapter 13, written down a second time: slow, plain, and without a line or header
 * of the engine.  Where the chapter leaves a choice, docs/semantics.md has made it. */
#ifndef TESTS_SIMULATE_REFERENCE_H
#define TESTS_SIMULATE_REFERENCE_H

#include "tests/simulate/sketch_model.h"

enum token_state {
	TOKEN_active,			/* waits at a task or timer, or holds what goes on in it */
	TOKEN_before,			/* a job will begin the node */
	TOKEN_after,			/* a job will let it go on by `flow` */
	TOKEN_joining,			/* waits at a join, arrived by `flow` */
	TOKEN_moving,			/* on `flow`; between commands there is none */
};

/* A token, and all that is inside of its scope, loop or process. */
struct token {
	int64_t id;			/* counted from 1; the process's own is 1 */
	struct token *parent;		/* NULL for the process */
	int node;			/* SKETCH_NONE for the process */
	enum token_state state;
	int flow;			/* or SKETCH_NONE */
	bool is_body;			/* of a loop: its instances are inside */
	int counter;			/* loopCounter of an instance of a loop, else SKETCH_NONE */
	int total, completed;		/* of a body: nrOfInstances, nrOfCompletedInstances */
	int *rings;			/* for each node: how often a boundary timer here still fires; or NULL */
	struct token *first, *next;	/* inside, in order of coming; beside */
	bool dead;
};

/* An activity, event or gateway that is over. */
struct ended {
	int node;
	bool is_body;
	bool canceled;
};

enum answer {
	ANSWER_done,
	ANSWER_refused,			/* no flow can be taken, or nothing has that id: nothing has changed */
	ANSWER_endless,			/* more than REFERENCE_STEPS steps: nothing has changed */
};

struct reference {
	struct arena *arena;
	const struct sketch *sketch;
	int variables[SKETCH_VARIABLES];
	struct token *process;		/* NULL before the start; dead once it is over */
	int64_t last_id;
	struct ended *ended;		/* by the last command */
	size_t ended_count, ended_room;
	struct token **moving;		/* work of the command: the last one goes first */
	size_t moving_count, moving_room;
	int steps;			/* of the last command */
	enum answer answer;		/* of the command so far */
};

enum { REFERENCE_STEPS = 400 };

/* Of one run of the sketch, not yet started; both live as long as the arena. */
struct reference *reference_new(struct arena *arena, const struct sketch *sketch);

/* Commands.  Each runs until every token waits.  The values are those of all variables from now on. */
enum answer reference_start(struct reference *reference, const int values[SKETCH_VARIABLES]);
/* The task at which the token is, service or user. */
enum answer reference_complete(struct reference *reference, int64_t token, const int values[SKETCH_VARIABLES]);
/* A BPMN error of that code (E<code>) instead. */
enum answer reference_error(struct reference *reference, int64_t token, int code);
/* The job of the token: an asynchronous continuation, its own timer, or with `timer` that boundary timer of its node (a
 * node of the sketch, else SKETCH_NONE). */
enum answer reference_job(struct reference *reference, int64_t token, int timer);
enum answer reference_set(struct reference *reference, const int values[SKETCH_VARIABLES]);

/* How often boundary timer `timer` still fires at the token. */
int reference_rings(const struct reference *reference, const struct token *token, int timer);

#endif
