/* SPDX-License-Identifier: Apache-2.0
 * What a sketch is made of: flat lists of nodes and flows, in document order within each scope.  For the generator and
 * for the reference semantics; others use sketch.h. */
#ifndef TESTS_SIMULATE_SKETCH_MODEL_H
#define TESTS_SIMULATE_SKETCH_MODEL_H

#include <stdbool.h>

#include "tests/simulate/sketch.h"

enum { SKETCH_VARIABLES = 4 };		/* integers v0, v1 ... of the instance, which the driver sets */
enum { SKETCH_NONE = -1 };		/* no node, no flow; as a scope: the process */

enum sketch_flag {
	SKETCH_IS_end = 1,
	SKETCH_IS_activity = 2,		/* may be a loop, carry boundary events and be asynchronous */
	SKETCH_IS_task = 4,		/* waits until it is completed */
	SKETCH_IS_gateway = 8,
	SKETCH_IS_boundary = 16,
	SKETCH_IS_error = 32,		/* has an error code */
};

enum sketch_kind {
#define KIND(name, tag, attributes, inside, flags) SKETCH_##name,
#include "tests/simulate/kinds.def"
#undef KIND
	SKETCH_KINDS
};

enum sketch_operand {
	SKETCH_variable,		/* v0 + number */
	SKETCH_completed,		/* nrOfCompletedInstances: of completion conditions only, as the next */
	SKETCH_active,			/* nrOfActiveInstances */
};

enum sketch_comparison { SKETCH_always, SKETCH_equal, SKETCH_unequal, SKETCH_less, SKETCH_at_least };

/* operand <comparison> constant; SKETCH_always when there is no condition. */
struct sketch_condition {
	enum sketch_comparison comparison;
	enum sketch_operand operand;
	int variable;
	int constant;
};

enum sketch_loop { SKETCH_once, SKETCH_side_by_side, SKETCH_in_turn };

struct sketch_node {
	int number;			/* id "n<number>"; shrinking keeps it */
	enum sketch_kind kind;
	int scope;			/* the sub-process it lies in, or SKETCH_NONE */
	int host;			/* of a boundary event, or SKETCH_NONE */
	int code;			/* of errors: E<code>; 0 at a boundary event catches all */
	bool stays;			/* boundary timer that does not interrupt */
	int repeats;			/* of such a timer: how often it fires, 0: once, by a duration */
	bool before, after;		/* asynchronous */
	enum sketch_loop loop;
	int cardinality;		/* 0 to 3, or */
	int cardinality_variable;	/* v<n>, or SKETCH_NONE */
	struct sketch_condition completion;
};

struct sketch_flow {
	int number;			/* id "f<number>" */
	int source, target;
	struct sketch_condition condition;
	bool is_default;
};

struct sketch {
	struct sketch_node *nodes;
	size_t node_count, node_room;
	struct sketch_flow *flows;
	size_t flow_count, flow_room;
};

/* Whether the kind has one of the flags. */
bool sketch_is(const struct sketch_node *node, unsigned flags);

/* The kind's word, as in kinds.def. */
const char *sketch_kind_name(enum sketch_kind kind);

/* The start event of a scope; SKETCH_NONE when there is none. */
int sketch_start_of(const struct sketch *sketch, int scope);

#endif
