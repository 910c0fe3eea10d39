/* SPDX-License-Identifier: Apache-2.0
 * A program: one process of a diagram, compiled and immutable.  Threads share it; its arena goes when the
 * definition does.  Nodes and flows refer to each other by index; what is stored uses keys, never indices. */
#ifndef BPMN_PROGRAM_H
#define BPMN_PROGRAM_H

#include "base/value.h"
#include "base/when.h"
#include "expr/expr.h"

enum element {
#define ELEMENT(name, xml, definition, type, flags, behaviour) EL_##name,
#include "bpmn/elements.def"
#undef ELEMENT
	ELEMENT_COUNT
};

enum element_flag {
	EL_ACTIVITY = 1,	/* may carry boundary events, loops, mappings */
	EL_TASK = 2,
	EL_SERVICE = 4,		/* external or by expression */
	EL_GATEWAY = 8,
	EL_JOIN = 16,		/* tokens may wait here for others */
	EL_EVENT = 32,
	EL_END = 64,		/* no outgoing flow */
	EL_BOUNDARY = 128,
	EL_SCOPE = 256,		/* contains nodes */
};

/* The row of elements.def. */
unsigned element_flags(enum element element);
const char *element_name(enum element element);		/* our name, as in the table */
const char *element_type(enum element element);		/* Camunda's activityType */

/* What is stored for a node: the element's ordinal in document order of the XML (1 is the process), times 4,
 * plus its role: 0 the element itself, 1 its multi-instance body. Stable as long as the XML is. */
enum { KEY_ROLES = 4, KEY_BODY = 1 };

struct flow {
	int32_t index;
	int32_t key;			/* ordinal * 4, as for nodes */
	const char *id, *name;		/* id NULL when the XML has none */
	int32_t source, target;		/* nodes; a multi-instance activity is entered and left by its body */
	const struct expr *condition;	/* or NULL */
	int line;
};

/* A value assigned by camunda:inputParameter or outputParameter. */
enum assign_kind { ASSIGN_expression, ASSIGN_list, ASSIGN_map, ASSIGN_null };
struct assign {
	const char *name;		/* parameter or map key; NULL in lists */
	enum assign_kind kind;
	const struct expr *expression;
	const struct assign *parts;	/* list, map */
	int32_t part_count;
	int line;
};

enum timer_kind { TIMER_date, TIMER_duration, TIMER_cycle };
struct timer {
	enum timer_kind kind;
	const struct expr *expression;
};

/* How a service-like task is done. */
enum implementation { IMPLEMENTATION_none, IMPLEMENTATION_external, IMPLEMENTATION_expression };

/* camunda:errorEventDefinition of an external task: when true, the report becomes a BPMN error. */
struct error_case {
	const char *code;		/* errorCode of the referenced bpmn:error */
	const struct expr *condition;
};

struct service {
	enum implementation implementation;
	const struct expr *topic;		/* external */
	const struct expr *priority;		/* external, camunda:taskPriority of task or process; or NULL */
	const struct expr *expression;		/* expression */
	const char *result_variable;		/* or NULL */
	const struct error_case *error_cases;
	int32_t error_case_count;
};

struct exprs {
	const struct expr *const *list;
	int32_t count;
};

struct user {
	const struct expr *assignee, *due_date, *follow_up_date, *priority, *name, *description,
		*form_key;			/* each may be NULL */
	struct exprs users, groups;		/* candidates */
};

struct catch_error {
	const char *code;		/* NULL catches every code */
	const char *code_variable, *message_variable;	/* or NULL */
};

struct multi {
	bool sequential;
	const struct expr *cardinality;		/* or NULL */
	const struct expr *collection;		/* or NULL; an expression, or the literal name of a variable */
	const char *element_variable;		/* or NULL */
	const struct expr *completion;		/* or NULL */
};

/* Attempts of a job: the i-th wait is used after the i-th failure, the last one repeats. */
struct retry {
	const struct expr *expression;		/* dynamic text, or NULL when known at deployment: */
	int32_t attempts;
	const struct period *waits;
	int32_t wait_count;
};

struct property {
	const char *name, *value;
};

struct node {
	enum element element;
	int32_t index;
	int32_t key;
	const char *id, *name;		/* a body's id is "x#multiInstanceBody"; name may be NULL */
	int line;
	int32_t scope;			/* the node it lies in; -1 for the process.  Inner activity: its body */
	const int32_t *incoming, *outgoing;	/* flows in document order */
	int32_t incoming_count, outgoing_count;
	int32_t default_flow;		/* or -1 */
	bool async_before, async_after, exclusive;
	bool is_scope;			/* Camunda's notion: own execution (contains, boundary, mapping, external) */
	/* scopes */
	int32_t start;			/* where it begins: none start event; of a body its activity; or -1 */
	const int32_t *children;	/* nodes directly inside, document order */
	int32_t child_count;
	bool has_inclusive_join;	/* directly inside */
	/* activities */
	const int32_t *boundaries;	/* boundary events attached, document order; of a body those of the activity */
	int32_t boundary_count;
	const struct assign *inputs, *outputs;
	int32_t input_count, output_count;
	const struct service *service;	/* EL_SERVICE */
	const struct user *user;	/* user_task */
	const struct multi *multi;	/* multi_instance_body */
	const struct retry *retry;	/* or NULL: the default */
	const struct expr *job_priority;	/* or NULL */
	const struct property *properties;	/* camunda:properties */
	int32_t property_count;
	/* events */
	int32_t attached_to;		/* boundary: node (the body, for multi-instance); else -1 */
	bool interrupting;		/* boundary */
	const struct timer *timer;	/* timer_catch, boundary_timer */
	const struct catch_error *catch_error;	/* boundary_error */
	const char *error_code;		/* error_end_event */
	const struct expr *error_message;	/* or NULL */
	/* inclusive join: for incoming flow i, bit n of reach[i * reach_words + n / 64] says whether node n of the
	 * same scope can still send a token to that flow without passing this gateway (semantics.md 2.2) */
	const uint64_t *reach;
	int32_t reach_words;
};

struct program {
	const char *key;		/* process id */
	const char *name;		/* or NULL */
	const char *category;		/* targetNamespace */
	const char *description;	/* documentation, or NULL */
	const char *version_tag;	/* or NULL */
	const char *initiator;		/* variable that would name who started it, or NULL */
	int32_t history_ttl_days;	/* -1: none given */
	bool startable_in_tasklist;
	const struct node *nodes;	/* [0] is the process */
	int32_t node_count;
	const struct flow *flows;
	int32_t flow_count;
	const int32_t *by_id;		/* nodes that have an id, sorted by it; NULL: none made, search */
	int32_t by_id_count;
};

/* By stored key or by id; NULL when the program has none. */
const struct node *program_node(const struct program *program, int32_t key);
const struct node *program_node_by_id(const struct program *program, const char *id);
const struct flow *program_flow(const struct program *program, int32_t key);

/* A deployed version of a program. Immutable but for nothing; suspension is the store's matter. */
struct definition {
	int32_t id;			/* in the database */
	const char *wire_id;		/* key:version:id, or id alone when that is longer than 64 */
	const char *key;
	int32_t version;
	int64_t deployment;
	const char *tenant;		/* or NULL */
	const struct program *program;
};

#endif
