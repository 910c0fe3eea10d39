/* SPDX-License-Identifier: Apache-2.0
 * The face of bpmn/: what is read is validated, judged and compiled; one list of problems comes of it. */
#include "bpmn/bpmn.h"

#include <libxml/parser.h>
#include <libxml/xmlmemory.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "bpmn/tree.h"

/* Nothing is ever loaded: neither for diagrams nor for the schema, whose imports come from memory. */
static xmlParserInputPtr
load_nothing(const char *url, const char *id, xmlParserCtxtPtr parser)
{
	(void)url, (void)id, (void)parser;
	return NULL;
}

/* Out of memory, libxml2 would call a good diagram a bad one. */
static void
share_memory(void)
{
	if (xmlMemSetup(free, memory_must, memory_resize, memory_text) != 0)
		abort();
}

enum status
bpmn_init(struct error *err)
{
	share_memory();
	LIBXML_TEST_VERSION
	xmlInitParser();
	TRY(schema_init(err));
	xmlSetExternalEntityLoader(load_nothing);
	return OK;
}

void
bpmn_done(void)
{
	schema_done();
	xmlCleanupParser();
}

static bool
is_executable(const struct xml_element *process)
{
	const char *text = xml_attribute(process, XML_SPACE_none, "isExecutable");

	return text != NULL && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0);
}

/* Every executable process, in document order; what fails leaves its problems in the report, or says in err why
 * it is not even a list of problems. */
static void
compile_all(struct arena *arena, const struct xml_element *root, struct report *report, struct diagram *diagram,
	struct error *err)
{
	const struct program **programs = NULL;
	const struct xml_element *process = NULL;
	struct file file;
	size_t capacity = 0;

	file_init(&file, arena, root);
	while ((process = xml_next_child(root, process, XML_SPACE_bpmn, "process")) != NULL) {
		struct error failure = { .status = OK };
		const struct program *program;

		if (!is_executable(process))
			continue;
		program = compile_process(arena, &file, process, report, &failure);
		if (failure.status != OK && err->status == OK)
			*err = failure;
		if (program == NULL)
			continue;
		programs = arena_grow(arena, programs, sizeof(*programs), diagram->program_count, &capacity);
		programs[diagram->program_count++] = program;
	}
	diagram->programs = programs;
}

enum status
bpmn_compile(struct arena *arena, const char *name, const char *xml, size_t length, struct diagram *diagram,
	struct error *err)
{
	struct report report = { .arena = arena };
	struct diagram result = { 0 };
	struct error failure = { .status = OK };
	struct xml_element *root = NULL;

	TRY(xml_read(arena, name, xml, length, &root, err));
	schema_validate(root, xml, length, &report);
	vocabulary_check(root, &report);
	compile_all(arena, root, &report, &result, &failure);
	if (report.errors == 0 && failure.status != OK) {
		*err = failure;
		return failure.status;
	}
	result.problems = (struct problems){ .count = report.count, .errors = report.errors, .list = report.list };
	if (report.errors > 0) {
		result.programs = NULL;
		result.program_count = 0;
		result.problems.text = report_text(&report, name);
		*diagram = result;
		return FAIL(err, parse, "%s", result.problems.text);
	}
	*diagram = result;
	return OK;
}
