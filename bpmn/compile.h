/* SPDX-License-Identifier: Apache-2.0
 * Private to bpmn/: a program while it is being built. */
#ifndef BPMN_COMPILE_H
#define BPMN_COMPILE_H

#include "base/text.h"
#include "bpmn/tree.h"

/* An expression that does not parse.  Camunda answers 500 for the first one; when there are other problems
 * these join them. */
struct bad_expression {
	const struct xml_element *at;
	const char *element;
	char *message;
};

/* Where a flow stood: its source and target have to lie in that scope. */
struct flow_origin {
	const struct xml_element *xml;
	int32_t scope;
};

struct build {
	struct arena *arena;
	struct file *file;
	const struct xml_element *process;
	struct report *report;
	struct program *program;

	struct node *nodes;
	const struct xml_element **node_xml;	/* where each node stood; a body's is that of its activity */
	size_t node_count, node_capacity, xml_capacity;
	struct flow *flows;
	struct flow_origin *flow_origin;
	size_t flow_count, flow_capacity, origin_capacity;
	bool *maimed;				/* nodes that lost a flow or condition to what we refuse */

	struct map node_by_id;			/* id to index + 1; a multi-instance activity's is its body's */
	struct map skipped;			/* ids of what is no node of ours, refused elsewhere */
	const struct xml_element *first_skipped;

	const struct expr *job_priority, *task_priority;	/* defaults of the process; or NULL */
	struct bad_expression *bad;
	size_t bad_count, bad_capacity;
};

/* compile.c */

/* Compiles text as an expression for the element with that id.  NULL when text is NULL or does not parse (which
 * is remembered). */
const struct expr *build_expr(struct build *b, const struct xml_element *at, const char *element,
	const char *text);
/* Remembers an expression that cannot be used. */
void build_bad(struct build *b, const struct xml_element *at, const char *element, const char *message);
/* The extension attribute as an expression, or NULL without it. */
const struct expr *build_attribute(struct build *b, const struct xml_element *xml, const char *name);
/* The text of an element without the blanks around it. */
const char *xml_trimmed(struct arena *arena, const struct xml_element *xml);
/* All documentation of an element, paragraph by paragraph; NULL without any. */
const char *build_documentation(struct build *b, const struct xml_element *xml);
/* The attribute in no namespace, NULL when absent or empty. */
const char *xml_plain(const struct xml_element *xml, const char *name);
const char *xml_camunda(const struct xml_element *xml, const char *name);
bool xml_true(const char *text);
/* The n-th extension element: the first one behind `after` with that tag inside bpmn:extensionElements. */
const struct xml_element *xml_extension(const struct xml_element *xml, const struct xml_element *after,
	const char *name);

/* compile_task.c: what activities and events hold. */
void build_service(struct build *b, struct node *node, const struct xml_element *xml);
void build_start(struct build *b, const struct node *node, const struct xml_element *xml);
void build_user(struct build *b, struct node *node, const struct xml_element *xml);
void build_multi(struct build *b, struct node *body, const struct xml_element *loop);
void build_timer(struct build *b, struct node *node, const struct xml_element *xml);
void build_error_end(struct build *b, struct node *node, const struct xml_element *xml);
void build_error_catch(struct build *b, struct node *node, const struct xml_element *xml);

/* compile_io.c: extension elements that every node may carry. */
void build_mapping(struct build *b, struct node *node, const struct xml_element *xml);
void build_retry(struct build *b, struct node *node, const struct xml_element *xml);
void build_properties(struct build *b, struct node *node, const struct xml_element *xml);
/* A priority: a whole number or an expression; a literal that is no number is an error. */
const struct expr *build_priority(struct build *b, const struct xml_element *xml, const char *name);

/* graph.c */

/* Finds what a boundary event is attached to; false, and an error, when it is nothing. */
bool graph_attach(struct build *b, struct node *node);
/* Children, boundary events, flows of every node.  Wrong references are errors. */
void graph_link(struct build *b);
/* Which nodes have an execution of their own, and where scopes begin; after the nodes' details. */
void graph_scopes(struct build *b);
/* What the inclusive joins have to know. */
void graph_reach(struct build *b);

/* rules.c: every row of rules.def against every node and flow. */
void rules_check(struct build *b);

/* references.c: what associations and the drawing refer to. */
void references_check(struct build *b);

enum severity { SEVERITY_error, SEVERITY_warning };

/* A problem as Camunda reports it: the place and id of `at` (or NULL), the main element, and one more; each id may
 * be NULL. */
void problem(struct build *b, enum severity severity, const struct xml_element *at, const char *element,
	const char *other, const char *format, ...) PRINTF_LIKE(6, 7);

#endif
