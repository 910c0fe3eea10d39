/* SPDX-License-Identifier: Apache-2.0
 * From BPMN 2.0 XML to programs: read, validate, compile, and say everything that is wrong at once. */
#ifndef BPMN_BPMN_H
#define BPMN_BPMN_H

#include "base/json.h"
#include "bpmn/program.h"

struct problem {
	bool warning;			/* else an error: the deployment is refused */
	const char *message;		/* Camunda's text where it has one */
	int line, column;
	const char *element;		/* id of the main element, or NULL */
	const char *const *elements;	/* ids concerned */
	int element_count;
};

struct problems {
	size_t count, errors;
	const struct problem *list;
	const char *text;			/* all errors in the form Camunda gives, uncut; NULL without errors */
};

/* What one XML file becomes. */
struct diagram {
	const struct program *const *programs;	/* executable processes, document order */
	size_t program_count;
	struct problems problems;
};

/* Builds what every later call shares: the schema of BPMN 2.0 (OMG formal/2011-01-03, with calledElement as
 * string), the tag tables, libxml2.  Once per process, before any thread. */
enum status bpmn_init(struct error *err) MUST_CHECK;
void bpmn_done(void);

/* Compiles a file into the arena, which must live as long as the programs.  name is the resource's name, for
 * messages.  OK also when there are warnings.  E_parse: problems in the model, all of them in diagram->problems
 * and in err->message in the form Camunda gives ("ENGINE-09005 Could not parse BPMN process. Errors: \n* ...").
 * E_engine: not well-formed XML, a DOCTYPE, over a limit, no BPMN (ENGINE-09003 or ENGINE-01009 text).
 * Thread-safe after bpmn_init(). */
enum status bpmn_compile(struct arena *arena, const char *name, const char *xml, size_t length,
	struct diagram *diagram, struct error *err) MUST_CHECK;

/* Readable text of a program, one node or flow per line: `bpmnd compile`, golden tests. */
void program_dump(const struct program *program, struct text *text);

/* The tables for `bpmnd print elements`: every element and attribute of BPMN and of the extensions, with
 * supported, ignored (why) or refused. */
void bpmn_describe(struct text *text);

#endif
