/* SPDX-License-Identifier: Apache-2.0
 * Reads an XML file into a tree: the pre-scan, then libxml2's SAX events. */
#include "bpmn/tree.h"

#include <libxml/parserInternals.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "bpmn/scan.h"

/* Without them nothing from outside is loaded and no entity is replaced. */
enum { PARSE_OPTIONS = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA |
	XML_PARSE_IGNORE_ENC };

struct reader {
	struct arena *arena;
	const char *name;		/* of the file */
	struct scan scan;
	xmlParserCtxt *parser;
	struct xml_element *root, *open;
	size_t count;
	struct text text[SCAN_DEPTH + 1];	/* character data of the open elements */
	int depth;
	struct error *err;
	enum status status;
};

static const struct space_row {
	const char *uri;
	enum xml_space space;
} spaces[] = {
	{ "http://www.omg.org/spec/BPMN/20100524/MODEL", XML_SPACE_bpmn },
	{ "http://www.omg.org/spec/BPMN/20100524/DI", XML_SPACE_di },
	{ "http://www.omg.org/spec/DD/20100524/DI", XML_SPACE_di },
	{ "http://www.omg.org/spec/DD/20100524/DC", XML_SPACE_di },
	{ "http://camunda.org/schema/1.0/bpmn", XML_SPACE_camunda },
	{ "http://activiti.org/bpmn", XML_SPACE_camunda },
	{ "http://operaton.org/schema/1.0/bpmn", XML_SPACE_camunda },
	{ "http://www.camunda.com/fox", XML_SPACE_camunda },
	{ "http://www.w3.org/2001/XMLSchema-instance", XML_SPACE_xsi },
};

static enum xml_space
space_of(const xmlChar *uri)
{
	if (uri == NULL)
		return XML_SPACE_none;
	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		if (strcmp(spaces[i].uri, (const char *)uri) == 0)
			return spaces[i].space;
	}
	return XML_SPACE_other;
}

/* The value of an attribute.  libxml2 leaves "&" as "&#38;" here, whichever way it was written, since it does not
 * replace entities; nothing else is left. */
static char *
copy_value(struct arena *arena, const char *start, const char *end)
{
	char *copy = arena_strndup(arena, start, (size_t)(end - start)), *to = copy;

	for (const char *from = copy; *from != '\0'; to++) {
		*to = *from;
		from += strncmp(from, "&#38;", 5) == 0 ? 5 : 1;
	}
	*to = '\0';
	return copy;
}

/* libxml2 gives five pointers per attribute: name, prefix, namespace, value, end of the value. */
static void
copy_attributes(struct reader *r, struct xml_element *element, int count, const xmlChar **given)
{
	struct xml_attribute *list = ARENA_ARRAY(r->arena, struct xml_attribute, (size_t)count);

	for (int i = 0; i < count; i++, given += 5) {
		list[i].space = space_of(given[2]);
		list[i].name = arena_strdup(r->arena, (const char *)given[0]);
		list[i].value = copy_value(r->arena, (const char *)given[3], (const char *)given[4]);
		if (list[i].space == XML_SPACE_none && strcmp(list[i].name, "id") == 0)
			element->id = list[i].value;
	}
	element->attributes = list;
	element->attribute_count = count;
}

static void
append_child(struct xml_element *parent, struct xml_element *child)
{
	child->parent = parent;
	if (parent->last != NULL)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
}

/* Stops at the first failure; later ones are only its consequences. */
static void
stop(struct reader *r, enum status status)
{
	if (r->status == OK)
		r->status = status;
	xmlStopParser(r->parser);
}

static void
start_element(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespace_count,
	const xmlChar **namespaces, int attribute_count, int defaulted, const xmlChar **attributes)
{
	struct reader *r = data;
	struct xml_element *element;

	(void)prefix, (void)namespace_count, (void)namespaces, (void)defaulted;
	if (r->status != OK)
		return;
	if (r->count == r->scan.element_count || r->depth > SCAN_DEPTH) {
		stop(r, scan_fail(r->err, r->name, NULL, "The document is not well-formed."));
		return;
	}
	element = ARENA_NEW(r->arena, struct xml_element);
	element->space = space_of(uri);
	element->name = arena_strdup(r->arena, (const char *)name);
	element->line = r->scan.starts[r->count].line;
	element->column = r->scan.starts[r->count].column;
	element->end_line = r->scan.ends[r->count].line;
	element->end_column = r->scan.ends[r->count].column;
	element->ordinal = (int32_t)++r->count;
	copy_attributes(r, element, attribute_count, attributes);
	if (r->open != NULL)
		append_child(r->open, element);
	else
		r->root = element;
	r->open = element;
	text_init(&r->text[r->depth++], r->arena);
}

static void
end_element(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct reader *r = data;

	(void)name, (void)prefix, (void)uri;
	if (r->status != OK || r->open == NULL)
		return;
	r->open->text = text_string(&r->text[--r->depth]);
	r->open = r->open->parent;
}

static void
add_text(void *data, const xmlChar *bytes, int length)
{
	struct reader *r = data;

	if (r->status == OK && r->depth > 0)
		text_put(&r->text[r->depth - 1], bytes, (size_t)length);
}

static const char *
or_empty(const char *text)
{
	return text == NULL ? "" : text;
}

/* What the Java parser says where libxml2 would say it in other words. */
static const char *
translate(struct arena *arena, const xmlError *error)
{
	const char *one = or_empty(error->str1), *two = or_empty(error->str2), *three = or_empty(error->str3);

	switch (error->code) {
	case XML_ERR_DOCUMENT_EMPTY:
		return "Premature end of file.";
	case XML_ERR_UNDECLARED_ENTITY:
		return arena_printf(arena, "The entity \"%s\" was referenced, but not declared.", one);
	case XML_ERR_ATTRIBUTE_REDEFINED:
		return arena_printf(arena, "Attribute \"%s\" was already specified.", one);
	case XML_NS_ERR_UNDEFINED_NAMESPACE:
		if (three[0] != '\0') {
			return arena_printf(arena, "The prefix \"%s\" for attribute \"%s:%s\" associated with an "
				"element type \"%s\" is not bound.", one, one, two, three);
		}
		return arena_printf(arena, "The prefix \"%s\" for element \"%s:%s\" is not bound.", one, one, two);
	default:
		return NULL;
	}
}

static void
take_error(void *data, xmlErrorPtr error)
{
	struct reader *r = data;
	const char *message;
	int length;

	if (r->status != OK || error->level < XML_ERR_ERROR)
		return;
	message = translate(r->arena, error);
	if (message == NULL)
		message = or_empty(error->message);
	length = (int)strcspn(message, "\n");
	stop(r, scan_fail(r->err, r->name, &(struct scan_place){ error->line, error->int2 }, "%.*s", length, message));
}

static void
parse(struct reader *r)
{
	xmlSAXHandler handler = {
		.initialized = XML_SAX2_MAGIC,
		.startElementNs = start_element,
		.endElementNs = end_element,
		.characters = add_text,
		.cdataBlock = add_text,
		.ignorableWhitespace = add_text,
		.serror = take_error,
	};

	r->parser = xmlCreateMemoryParserCtxt(r->scan.xml, (int)r->scan.length);
	if (r->parser == NULL) {
		r->status = scan_fail(r->err, r->name, NULL, "Premature end of file.");
		return;
	}
	xmlCtxtUseOptions(r->parser, PARSE_OPTIONS);
	*r->parser->sax = handler;
	r->parser->userData = r;
	xmlParseDocument(r->parser);
	if (r->status == OK && (!r->parser->wellFormed || !r->parser->nsWellFormed || r->root == NULL))
		r->status = scan_fail(r->err, r->name, NULL, "The document is not well-formed.");
	xmlFreeParserCtxt(r->parser);
}

enum status
xml_read(struct arena *arena, const char *name, const char *xml, size_t length, struct xml_element **root,
	struct error *err)
{
	struct reader *r = ARENA_NEW(arena, struct reader);

	r->arena = arena;
	r->name = name;
	r->err = err;
	TRY(scan_xml(arena, name, xml, length, &r->scan, err));
	parse(r);
	if (r->status == OK)
		*root = r->root;
	return r->status;
}

const char *
xml_attribute(const struct xml_element *element, enum xml_space space, const char *name)
{
	for (int i = 0; i < element->attribute_count; i++) {
		const struct xml_attribute *attribute = &element->attributes[i];

		if (attribute->space == space && strcmp(attribute->name, name) == 0)
			return attribute->value;
	}
	return NULL;
}

struct xml_element *
xml_next_child(const struct xml_element *element, const struct xml_element *after, enum xml_space space,
	const char *name)
{
	struct xml_element *child = after == NULL ? element->first : after->next;

	while (child != NULL && (child->space != space || strcmp(child->name, name) != 0))
		child = child->next;
	return child;
}

struct xml_element *
xml_child(const struct xml_element *element, enum xml_space space, const char *name)
{
	return xml_next_child(element, NULL, space, name);
}
