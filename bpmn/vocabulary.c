/* SPDX-License-Identifier: Apache-2.0
 * Judges every element and attribute of a file by the rows of attrs.def, and prints them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "bpmn/tree.h"

enum verdict { VERDICT_supported, VERDICT_ignored, VERDICT_warned, VERDICT_refused, VERDICT_java };

static const char *const verdicts[] = {
	"supported", "ignored", "ignored, with a warning", "refused", "refused without camunda:type=\"external\"",
};

struct row {
	enum verdict verdict;
	const char *in, *name, *fine, *reason;
};

#define ELEMENT(verdict, in, name, reason) { VERDICT_##verdict, in, name, "", reason },
#define ATTRIBUTE(verdict, in, name, fine, reason)
static const struct row elements[] = {
#include "bpmn/attrs.def"
};
#undef ELEMENT
#undef ATTRIBUTE

#define ELEMENT(verdict, in, name, reason)
#define ATTRIBUTE(verdict, in, name, fine, reason) { VERDICT_##verdict, in, name, fine, reason },
static const struct row attributes[] = {
#include "bpmn/attrs.def"
};
#undef ELEMENT
#undef ATTRIBUTE

static const struct list {
	const struct row *rows;
	size_t count;
} element_list = { elements, sizeof(elements) / sizeof(elements[0]) },
  attribute_list = { attributes, sizeof(attributes) / sizeof(attributes[0]) };

/* A name as the table has it; one that does not fit is in no row. */
struct word {
	char text[64];
};

static struct word
word_of(enum xml_space space, const char *name)
{
	struct word word;

	snprintf(word.text, sizeof(word.text), "%s%s", space == XML_SPACE_camunda ? "camunda:" : "", name);
	return word;
}

static int
compare_rows(const void *left, const void *right)
{
	const struct row *a = left, *b = right;
	int order = strcmp(a->in, b->in);

	return order != 0 ? order : strcmp(a->name, b->name);
}

static const struct row *
find_row(const struct list *list, const char *in, const char *name)
{
	const struct row key = { .in = in, .name = name };

	return bsearch(&key, list->rows, list->count, sizeof(key), compare_rows);
}

/* The row for a name inside an element, or for anywhere. */
static const struct row *
find(const struct list *list, const struct xml_element *in, const char *name)
{
	struct word holder = word_of(in->space, in->name);
	const struct row *row = find_row(list, holder.text, name);

	/* What an extension element calls name or default is not what BPMN calls so. */
	if (row != NULL || (list == &attribute_list && in->space != XML_SPACE_bpmn))
		return row;
	return find_row(list, "*", name);
}

static bool
is_bpmn(const struct xml_element *xml, const char *name)
{
	return xml->space == XML_SPACE_bpmn && strcmp(xml->name, name) == 0;
}

/* What holds an element; extensionElements is only a wrapping. */
static const struct xml_element *
holder_of(const struct xml_element *xml)
{
	return is_bpmn(xml->parent, "extensionElements") ? xml->parent->parent : xml->parent;
}

/* Refused sub-processes are looked into all the same: what is wrong inside is no consequence of that. */
static bool
is_refused_scope(const struct xml_element *xml)
{
	return is_bpmn(xml, "transaction") || is_bpmn(xml, "adHocSubProcess");
}

static bool
is_scope(const struct xml_element *xml)
{
	return is_bpmn(xml, "definitions") || is_bpmn(xml, "process") || is_bpmn(xml, "subProcess") ||
		is_refused_scope(xml);
}

/* The element of the diagram to which a detail belongs. */
static const struct xml_element *
main_element(const struct xml_element *xml)
{
	while (xml->parent != NULL && (xml->id == NULL || !is_scope(xml->parent)))
		xml = xml->parent;
	return xml;
}

/* The place is that of the detail, the first id its own, the main id that of the diagram's element. */
static void
complain(struct report *report, bool warning, const struct xml_element *at, const char *message)
{
	const struct xml_element *whole = main_element(at);
	struct problem *made;
	const char **ids;

	report_at(report, warning, at->line, at->column, whole->id, "%s", message);
	if (whole == at || whole->id == NULL || at->id == NULL)
		return;
	made = &report->list[report->count - 1];
	ids = ARENA_ARRAY(report->arena, const char *, 2);
	ids[0] = at->id;
	ids[1] = whole->id;
	made->elements = ids;
	made->element_count = 2;
}

/* Says what a row, or none, means for what was found. */
static void
tell(struct report *report, const struct row *row, const struct xml_element *at, const char *what)
{
	const char *message;

	if (row == NULL)
		message = arena_printf(report->arena, "%s is unknown and ignored", what);
	else
		message = arena_printf(report->arena, "%s is %s%s%s", what,
			row->verdict >= VERDICT_refused ? "not supported yet" : "ignored",
			row->reason[0] != '\0' ? ": " : "", row->reason);
	complain(report, row == NULL || row->verdict == VERDICT_warned, at, message);
}

/* Whether the value asks for nothing: the schema's default, written down. */
static bool
is_fine(const struct row *row, const char *value)
{
	if (row->fine[0] == '\0')
		return false;
	return strcmp(value, row->fine) == 0 || (strcmp(row->fine, "false") == 0 && strcmp(value, "0") == 0);
}

/* The type goes before what else would say how a task is done, and nobody asks the class. */
static bool
is_for_worker(const struct xml_element *xml)
{
	const char *type = xml_attribute(xml, XML_SPACE_camunda, "type");

	return type != NULL && strcasecmp(type, "external") == 0;
}

static void
judge_attribute(struct report *report, const struct xml_element *xml, const struct xml_attribute *attribute)
{
	struct word name = word_of(attribute->space, attribute->name), holder = word_of(xml->space, xml->name);
	const struct row *row = find(&attribute_list, xml, name.text);
	const char *what;

	if (row == NULL && attribute->space == XML_SPACE_none && xml->space == XML_SPACE_bpmn)
		return;		/* the schema says so */
	if (row != NULL && (row->verdict < VERDICT_warned || is_fine(row, attribute->value)))
		return;
	if (row != NULL && row->verdict == VERDICT_java && is_for_worker(xml))
		return;
	if (row != NULL && row->fine[0] != '\0')
		what = arena_printf(report->arena, "%s=\"%.40s\" of %s", name.text, attribute->value, holder.text);
	else
		what = arena_printf(report->arena, "%s of %s", name.text, holder.text);
	tell(report, row, xml, what);
}

static void
judge_attributes(struct report *report, const struct xml_element *xml)
{
	for (int i = 0; i < xml->attribute_count; i++) {
		const struct xml_attribute *attribute = &xml->attributes[i];

		if (attribute->space == XML_SPACE_none || attribute->space == XML_SPACE_camunda)
			judge_attribute(report, xml, attribute);
	}
}

/* Says what is wrong with an element; whether what lies inside is to be judged, too. */
static bool
judge(struct report *report, const struct xml_element *xml)
{
	const struct xml_element *in = holder_of(xml);
	struct word name = word_of(xml->space, xml->name), holder = word_of(in->space, in->name);
	const struct row *row;

	if (xml->space != XML_SPACE_bpmn && xml->space != XML_SPACE_camunda)
		return false;
	row = find(&element_list, in, name.text);
	if (row == NULL && xml->space == XML_SPACE_bpmn)
		return false;		/* the schema says so */
	if (row != NULL && row->verdict == VERDICT_supported) {
		judge_attributes(report, xml);
		return true;
	}
	if (row == NULL || row->verdict >= VERDICT_warned)
		tell(report, row, xml, main_element(xml) == xml ? name.text :
			arena_printf(report->arena, "%s of %s", name.text, holder.text));
	return row != NULL && row->verdict == VERDICT_refused && is_refused_scope(xml);
}

/* A process that is never executed may hold anything. */
static bool
is_drawing(const struct xml_element *xml)
{
	const char *executable;

	if (!is_bpmn(xml, "process"))
		return false;
	executable = xml_attribute(xml, XML_SPACE_none, "isExecutable");
	return executable == NULL || (strcmp(executable, "true") != 0 && strcmp(executable, "1") != 0);
}

void
vocabulary_check(const struct xml_element *root, struct report *report)
{
	const struct xml_element *xml = root->first;

	if (!is_bpmn(root, "definitions"))
		return;			/* the schema says so */
	judge_attributes(report, root);
	while (xml != NULL) {
		if (!is_drawing(xml) && judge(report, xml) && xml->first != NULL) {
			xml = xml->first;
			continue;
		}
		while (xml->next == NULL && xml->parent != root)
			xml = xml->parent;
		xml = xml->next;
	}
}

static void
describe(struct text *text, const char *title, const struct list *list)
{
	text_printf(text, "## %s\n\n| name | in | verdict | remark |\n| --- | --- | --- | --- |\n", title);
	for (size_t i = 0; i < list->count; i++) {
		const struct row *row = &list->rows[i];

		text_printf(text, "| %s | %s | %s | %s", row->name, row->in[0] == '*' ? "any" : row->in,
			verdicts[row->verdict], row->reason);
		if (row->fine[0] != '\0')
			text_printf(text, "%s\"%s\" is fine", row->reason[0] != '\0' ? "; " : "", row->fine);
		text_puts(text, " |\n");
	}
}

void
bpmn_describe(struct text *text)
{
	text_puts(text, "# The vocabulary\n\n"
		"What becomes of every element and attribute of BPMN 2.0 and of Camunda's extensions in a process that "
		"is executed.  A row for any element holds where there is none for the one in question.  What is "
		"ignored or refused is judged as a whole, with all that lies inside.  What is unknown in the "
		"extensions gives a warning; other namespaces are left alone.\n\n");
	describe(text, "Elements", &element_list);
	text_puts(text, "\n");
	describe(text, "Attributes", &attribute_list);
}
