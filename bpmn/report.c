/* SPDX-License-Identifier: Apache-2.0
 * Collects what is wrong with a diagram, and says it in Camunda's words. */
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "bpmn/tree.h"

static void
add(struct report *report, const struct problem *problem)
{
	report->list = arena_grow(report->arena, report->list, sizeof(*report->list), report->count,
		&report->capacity);
	report->list[report->count++] = *problem;
	report->errors += !problem->warning;
}

static void PRINTF_LIKE(3, 0)
add_formatted(struct report *report, struct problem *problem, const char *format, va_list arguments)
{
	va_list again;
	char *message;
	int length;

	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	message = arena_alloc(report->arena, (size_t)length + 1);
	vsnprintf(message, (size_t)length + 1, format, arguments);
	problem->message = message;
	if (problem->element != NULL) {
		problem->elements = arena_copy(report->arena, &problem->element, sizeof(problem->element));
		problem->element_count = 1;
	}
	add(report, problem);
}

static struct problem
problem_at(const struct xml_element *at, bool warning)
{
	struct problem problem = { .warning = warning };

	if (at != NULL) {
		problem.line = at->line;
		problem.column = at->column;
		problem.element = at->id;
	}
	return problem;
}

void
report_error(struct report *report, const struct xml_element *at, const char *format, ...)
{
	struct problem problem = problem_at(at, false);
	va_list arguments;

	va_start(arguments, format);
	add_formatted(report, &problem, format, arguments);
	va_end(arguments);
}

void
report_warning(struct report *report, const struct xml_element *at, const char *format, ...)
{
	struct problem problem = problem_at(at, true);
	va_list arguments;

	va_start(arguments, format);
	add_formatted(report, &problem, format, arguments);
	va_end(arguments);
}

void
report_at(struct report *report, bool warning, int line, int column, const char *element, const char *format, ...)
{
	struct problem problem = { .warning = warning, .line = line, .column = column, .element = element };
	va_list arguments;

	va_start(arguments, format);
	add_formatted(report, &problem, format, arguments);
	va_end(arguments);
}

const char *
report_text(const struct report *report, const char *name)
{
	struct text text;

	text_init(&text, report->arena);
	text_puts(&text, "ENGINE-09005 Could not parse BPMN process. Errors: ");
	for (size_t i = 0; i < report->count; i++) {
		const struct problem *problem = &report->list[i];

		if (problem->warning)
			continue;
		text_printf(&text, "\n* %s | resource %s", problem->message, name);
		if (problem->line > 0)
			text_printf(&text, " | line %d", problem->line);
		if (problem->column > 0)
			text_printf(&text, " | column %d", problem->column);
	}
	return text_string(&text);
}
