/* SPDX-License-Identifier: Apache-2.0
 * Private to bpmn/: an XML file as a tree of elements that remember where they stood. */
#ifndef BPMN_TREE_H
#define BPMN_TREE_H

#include "base/map.h"
#include "bpmn/bpmn.h"

/* camunda, activiti, operaton and fox are the same namespace to us. */
enum xml_space { XML_SPACE_none, XML_SPACE_bpmn, XML_SPACE_camunda, XML_SPACE_di, XML_SPACE_xsi, XML_SPACE_other };

struct xml_attribute {
	enum xml_space space;
	const char *name, *value;
};

struct xml_element {
	enum xml_space space;
	const char *name;			/* local */
	const char *id;				/* its id attribute, or NULL */
	int line, column;			/* of the end of its start tag, as Xerces counts: both from 1 */
	int end_line, end_column;		/* of the end of its end tag */
	/* 1, 2, ... in document order; the process of a program restarts at 1 */
	int32_t ordinal;
	const struct xml_attribute *attributes;
	int attribute_count;
	struct xml_element *parent, *first, *last, *next;	/* children in document order */
	const char *text;			/* its own character data, whole, trimmed of nothing; "" if none */
};

/* Collects problems in the order found. */
struct report {
	struct arena *arena;
	struct problem *list;
	size_t count, capacity, errors;
};

/* An error or warning at an element (NULL: no place).  Camunda's texts where it has them. */
void report_error(struct report *report, const struct xml_element *at, const char *format, ...)
	PRINTF_LIKE(3, 4);
void report_warning(struct report *report, const struct xml_element *at, const char *format, ...)
	PRINTF_LIKE(3, 4);
/* An error at a place without an element. */
void report_at(struct report *report, bool warning, int line, int column, const char *element,
	const char *format, ...) PRINTF_LIKE(6, 7);

/* All errors in the form of Camunda's ParseException (ENGINE-09005), in the report's arena. */
const char *report_text(const struct report *report, const char *name);

/* read.c: pre-scan (size, DOCTYPE, tag length, attributes, depth, count, UTF-8), then SAX into a tree. */
enum status xml_read(struct arena *arena, const char *name, const char *xml, size_t length,
	struct xml_element **root, struct error *err) MUST_CHECK;

const char *xml_attribute(const struct xml_element *element, enum xml_space space, const char *name);
struct xml_element *xml_child(const struct xml_element *element, enum xml_space space, const char *name);
/* The first child of element behind `after` (NULL: from the start) with that tag. */
struct xml_element *xml_next_child(const struct xml_element *element, const struct xml_element *after,
	enum xml_space space, const char *name);

/* schema.c: the schema compiled by bpmn_init(); its findings become problems with Camunda's (Xerces') texts
 * where a client may match them. */
enum status schema_init(struct error *err) MUST_CHECK;
void schema_done(void);
void schema_validate(const struct xml_element *root, const char *xml, size_t length, struct report *report);

/* The schema's files, embedded; NULL behind the last. */
struct schema_file {
	const char *name;
	const char *start, *end;
};
extern const struct schema_file schema_files[];

/* vocabulary.c: every element and attribute against attrs.def: what is refused becomes an error, what is
 * unknown in the camunda namespaces a warning, what is ignored nothing (the table says why). */
void vocabulary_check(const struct xml_element *root, struct report *report);

/* What the processes of a file share. */
struct file {
	const struct xml_element *root;		/* definitions, for errors, and so on */
	struct map ids;				/* each id of the file to its xml_element */
	bool drawing_checked;			/* it is looked at once, with the first process */
};

/* references.c: looks for all ids below root, a definitions element. */
void file_init(struct file *file, struct arena *arena, const struct xml_element *root);

/* compile.c: one process element of the file into a program.  Problems go to the report; NULL when there were
 * errors. */
const struct program *compile_process(struct arena *arena, struct file *file, const struct xml_element *process,
	struct report *report, struct error *err);

#endif
