/* SPDX-License-Identifier: Apache-2.0
 * What can be seen of an instance, of the engine's and of the reference's, in one form: what is open where, the jobs
 * that wait, the variables, and what has ended.  Equal texts mean equal states: what is beside each other is sorted. */
#ifndef TESTS_SIMULATE_TRACE_H
#define TESTS_SIMULATE_TRACE_H

#include "engine/engine.h"
#include "tests/simulate/reference.h"

enum trace_kind { TRACE_plain, TRACE_task, TRACE_job };

/* Something open, with what is in it.  Of tasks and jobs, what a command needs to name them: */
struct trace {
	enum trace_kind kind;
	int64_t id;			/* engine: activity or job; reference: token */
	int timer;			/* reference, boundary timers: the node; else SKETCH_NONE */
	bool is_user;			/* a user task; else an external one */
	const char *line;		/* in words */
	const char *text;		/* line, and below it those of what is inside, sorted */
	struct trace **inside;
	size_t count, room;
};

/* In the arena; of an instance that is over only that. */
struct trace *trace_engine(struct arena *arena, const struct tree *tree);
struct trace *trace_reference(struct arena *arena, const struct reference *reference);

/* The tasks and jobs in the order of the text; two equal texts have equal lists.  How many. */
size_t trace_choices(struct arena *arena, const struct trace *trace, const struct trace ***choices);

/* What has ended since effect `from`, or by the reference's last command: ids, and after them, with -, those of what
 * was canceled, in the order of the alphabet.  in_order: the former as they ended (depth first), else sorted too. */
const char *trace_engine_ended(struct arena *arena, const struct effects *effects, size_t from, bool in_order);
const char *trace_reference_ended(struct arena *arena, const struct reference *reference, bool in_order);

#endif
