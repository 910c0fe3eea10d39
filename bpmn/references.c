/* SPDX-License-Identifier: Apache-2.0
 * References from drawings and notes, which no schema follows: what they name has to be somewhere in the file. */
#include "bpmn/compile.h"

#include <string.h>

/* The element behind one in document order; NULL behind the last. */
static const struct xml_element *
walk(const struct xml_element *root, const struct xml_element *at)
{
	if (at->first != NULL)
		return at->first;
	while (at != root && at->next == NULL)
		at = at->parent;
	return at == root ? NULL : at->next;
}

static bool
names_something(const struct map *ids, const char *reference)
{
	return reference != NULL && map_get_text(ids, reference) != NULL;
}

/* An association may end at anything; the second end is looked at when the first is right, as in Camunda. */
static void
check_association(struct build *b, const struct map *ids, const struct xml_element *xml)
{
	const char *source = xml_plain(xml, "sourceRef"), *target = xml_plain(xml, "targetRef");

	if (!names_something(ids, source))
		problem(b, SEVERITY_error, xml, xml->id, NULL,
			"Invalid reference sourceRef '%s' of association element ", source != NULL ? source : "null");
	else if (!names_something(ids, target))
		problem(b, SEVERITY_error, xml, xml->id, NULL,
			"Invalid reference targetRef '%s' of association element ", target != NULL ? target : "null");
}

/* The two texts about what is not found differ in more than a word. */
static void
check_drawn(struct build *b, const struct map *ids, const struct xml_element *xml)
{
	bool is_edge = strcmp(xml->name, "BPMNEdge") == 0;
	const char *reference = xml_plain(xml, "bpmnElement");

	if (!is_edge && strcmp(xml->name, "BPMNShape") != 0)
		return;
	if (reference == NULL)
		problem(b, SEVERITY_error, xml, xml->id, NULL, "'bpmnElement' attribute is required on %s", xml->name);
	else if (names_something(ids, reference))
		return;
	else if (is_edge)
		problem(b, SEVERITY_error, xml, xml->id, NULL,
			"Invalid reference in 'bpmnElement' attribute, sequenceFlow %snot found", reference);
	else
		problem(b, SEVERITY_error, xml, xml->id, NULL,
			"Invalid reference in 'bpmnElement' attribute, activity %s not found", reference);
}

void
file_init(struct file *file, struct arena *arena, const struct xml_element *root)
{
	const struct xml_element *at;

	*file = (struct file){ .root = root };
	map_init(&file->ids, arena);
	for (at = root; at != NULL; at = walk(root, at))
		if (at->id != NULL)
			map_put_text(&file->ids, at->id, (void *)(uintptr_t)at);
}

void
references_check(struct build *b)
{
	const struct xml_element *root = b->file->root, *at;

	for (at = b->process; at != NULL; at = walk(b->process, at))
		if (at->space == XML_SPACE_bpmn && strcmp(at->name, "association") == 0)
			check_association(b, &b->file->ids, at);
	for (at = root; at != NULL && !b->file->drawing_checked; at = walk(root, at))
		if (at->space == XML_SPACE_di)
			check_drawn(b, &b->file->ids, at);
	b->file->drawing_checked = true;
}
