/* SPDX-License-Identifier: Apache-2.0
 * Validation against OMG's schema.  The file is parsed a second time, its events go through libxml2's validator,
 * and the tree walks along: it knows the places.  libxml2 leaves ids and their references to us. */
#include <libxml/parserInternals.h>
#include <libxml/xmlschemas.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "base/text.h"
#include "bpmn/scan.h"
#include "bpmn/tree.h"

enum { MAX_FINDINGS = 100 };	/* of the schema per file; the rest would say nothing new */

static xmlSchema *schema;

struct checker {
	struct report *report;
	xmlParserCtxt *parser;
	const struct xml_element *root, *last, *open;	/* last: the latest whose start tag was seen */
	const char *tag;		/* of the latest, as written */
	bool at_end;			/* the validator looks at the end tag of `ended`, else at last's start tag */
	const struct xml_element *ended;
	struct map ids, missing;
	size_t findings;
};

/* Serves the schema's imports from memory, by their last name. */
static xmlParserInputPtr
load_schema_file(const char *url, const char *id, xmlParserCtxtPtr parser)
{
	const char *slash = url == NULL ? NULL : strrchr(url, '/');
	const char *name = slash == NULL ? url : slash + 1;
	xmlParserInputBufferPtr buffer;

	(void)id;
	for (const struct schema_file *file = schema_files; name != NULL && file->name != NULL; file++) {
		if (strcmp(file->name, name) != 0)
			continue;
		buffer = xmlParserInputBufferCreateMem(file->start, (int)(file->end - file->start),
			XML_CHAR_ENCODING_NONE);
		return buffer == NULL ? NULL : xmlNewIOInputStream(parser, buffer, XML_CHAR_ENCODING_NONE);
	}
	return NULL;
}

static void
note_schema_error(void *data, xmlErrorPtr error)
{
	struct error *err = data;

	if (err->status == OK)
		error_set(err, E_engine, "the schema of BPMN: %.200s", error->message);
}

enum status
schema_init(struct error *err)
{
	xmlExternalEntityLoader loader = xmlGetExternalEntityLoader();
	const struct schema_file *main_file = &schema_files[0];
	struct error failure = { .status = OK };
	xmlSchemaParserCtxt *parser;

	if (schema != NULL)
		return OK;
	xmlSetExternalEntityLoader(load_schema_file);
	parser = xmlSchemaNewMemParserCtxt(main_file->start, (int)(main_file->end - main_file->start));
	if (parser != NULL) {
		xmlSchemaSetParserStructuredErrors(parser, note_schema_error, &failure);
		schema = xmlSchemaParse(parser);
		xmlSchemaFreeParserCtxt(parser);
	}
	xmlSetExternalEntityLoader(loader);
	if (schema != NULL)
		return OK;
	return FAIL(err, engine, "%s", failure.status == OK ? "the schema of BPMN: out of memory" : failure.message);
}

void
schema_done(void)
{
	xmlSchemaFree(schema);
	schema = NULL;
}

static const struct xml_element *
next_in_document(const struct xml_element *element)
{
	if (element->first != NULL)
		return element->first;
	while (element != NULL && element->next == NULL)
		element = element->parent;
	return element == NULL ? NULL : element->next;
}

/* Every id of the schema's own elements is an ID: unique in the file. */
static void
check_id(struct checker *c, const struct xml_element *element)
{
	if (element->id == NULL || (element->space != XML_SPACE_bpmn && element->space != XML_SPACE_di))
		return;
	if (map_get_text(&c->ids, element->id) == NULL) {
		map_put_text(&c->ids, element->id, (void *)(uintptr_t)element);
		return;
	}
	if (c->findings++ >= MAX_FINDINGS)
		return;
	report_at(c->report, false, element->line, element->column, NULL,
		"cvc-id.2: There are multiple occurrences of ID value '%s'.", element->id);
	report_at(c->report, false, element->line, element->column, NULL,
		"cvc-attribute.3: The value '%s' of attribute 'id' on element '%s' is not valid with respect to its "
		"type, 'ID'.", element->id, c->tag);
}

static void
walk_start(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespace_count,
	const xmlChar **namespaces, int attribute_count, int defaulted, const xmlChar **attributes)
{
	struct checker *c = data;

	(void)uri, (void)namespace_count, (void)namespaces, (void)attribute_count, (void)defaulted, (void)attributes;
	c->last = c->last == NULL ? c->root : next_in_document(c->last);
	if (c->last == NULL) {		/* cannot be: the tree is of the same text */
		xmlStopParser(c->parser);
		return;
	}
	c->open = c->last;
	c->at_end = false;
	c->tag = arena_printf(c->report->arena, "%s%s%s", prefix == NULL ? "" : (const char *)prefix,
		prefix == NULL ? "" : ":", (const char *)name);
	check_id(c, c->last);
}

static void
walk_end(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct checker *c = data;

	(void)name, (void)prefix, (void)uri;
	c->ended = c->open;
	c->at_end = true;
	if (c->open != NULL)
		c->open = c->open->parent;
}

/* The validator wants to see text, which the tree does not need again. */
static void
walk_text(void *data, const xmlChar *bytes, int length)
{
	(void)data, (void)bytes, (void)length;
}

/* What stands between the first quotes behind a word; "" when there is none. */
static const char *
quoted(struct arena *arena, const char *message, const char *word)
{
	const char *start = strstr(message, word), *end;

	if (start == NULL || (start = strchr(start, '\'')) == NULL || (end = strchr(start + 1, '\'')) == NULL)
		return "";
	return arena_strndup(arena, start + 1, (size_t)(end - start - 1));
}

/* libxml2's words without the namespaces in braces and the end of line. */
static const char *
plain_words(struct arena *arena, const char *message)
{
	struct text text;
	const char *close;

	text_init(&text, arena);
	for (const char *p = message; *p != '\0' && *p != '\n'; p++) {
		if (*p == '{' && (close = strchr(p, '}')) != NULL)
			p = close;
		else
			text_putc(&text, *p);
	}
	return text_string(&text);
}

static void
take_finding(void *data, xmlErrorPtr error)
{
	struct checker *c = data;
	struct arena *arena = c->report->arena;
	const struct xml_element *at = c->at_end ? c->ended : c->last;
	const char *message = error->message == NULL ? "" : error->message;
	int line, column;

	if (at == NULL || c->findings++ >= MAX_FINDINGS)
		return;
	line = c->at_end ? at->end_line : at->line;
	column = c->at_end ? at->end_column : at->column;
	switch (error->code) {
	case XML_SCHEMAV_CVC_ELT_1:
		report_at(c->report, false, line, column, NULL,
			"cvc-elt.1.a: Cannot find the declaration of element '%s'.", c->tag);
		break;
	case XML_SCHEMAV_CVC_COMPLEX_TYPE_3_2_1:
	case XML_SCHEMAV_CVC_COMPLEX_TYPE_3_2_2:
		report_at(c->report, false, line, column, NULL, "cvc-complex-type.3.2.2: Attribute '%s' is not allowed "
			"to appear in element '%s'.", quoted(arena, message, "The attribute"), c->tag);
		break;
	case XML_SCHEMAV_CVC_COMPLEX_TYPE_4:
		report_at(c->report, false, line, column, NULL, "cvc-complex-type.4: Attribute '%s' must appear on "
			"element '%s'.", quoted(arena, message, "The attribute"), c->tag);
		break;
	default:
		report_at(c->report, false, line, column, at->id, "%s", plain_words(arena, message));
	}
}

/* What the schema types as IDREF; everything else that ends in Ref is a QName and may lead out of the file. */
static const struct reference_row {
	const char *element;		/* NULL: any */
	const char *attribute;		/* NULL: the element's text */
} references[] = {
	{ "sequenceFlow", "sourceRef" }, { "sequenceFlow", "targetRef" }, { NULL, "default" },
	{ "dataObjectReference", "dataObjectRef" },
	{ "ioBinding", "inputDataRef" }, { "ioBinding", "outputDataRef" },
	{ "flowNodeRef", NULL },
	{ "dataInputRefs", NULL }, { "optionalInputRefs", NULL }, { "whileExecutingInputRefs", NULL },
	{ "outputSetRefs", NULL },
	{ "dataOutputRefs", NULL }, { "optionalOutputRefs", NULL }, { "whileExecutingOutputRefs", NULL },
	{ "inputSetRefs", NULL },
};

static const char *
trimmed(struct arena *arena, const char *text)
{
	static const char blanks[] = " \t\r\n";
	size_t length;

	text += strspn(text, blanks);
	length = strlen(text);
	while (length > 0 && strchr(blanks, text[length - 1]) != NULL)
		length--;
	return arena_strndup(arena, text, length);
}

/* Each missing id once; the place is the end of the document, as in Xerces. */
static void
check_reference(struct checker *c, const char *value)
{
	if (value[0] == '\0' || map_get_text(&c->ids, value) != NULL || map_get_text(&c->missing, value) != NULL ||
	    c->findings++ >= MAX_FINDINGS)
		return;
	map_put_text(&c->missing, value, c);
	report_at(c->report, false, c->root->end_line, c->root->end_column, NULL,
		"cvc-id.1: There is no ID/IDREF binding for IDREF '%s'.", value);
}

static void
check_references(struct checker *c)
{
	struct arena *arena = c->report->arena;

	for (const struct xml_element *element = c->root; element != NULL; element = next_in_document(element)) {
		if (element->space != XML_SPACE_bpmn)
			continue;
		for (size_t i = 0; i < sizeof(references) / sizeof(references[0]); i++) {
			const struct reference_row *row = &references[i];
			const char *value;

			if (row->element != NULL && strcmp(row->element, element->name) != 0)
				continue;
			value = row->attribute == NULL ? element->text :
				xml_attribute(element, XML_SPACE_none, row->attribute);
			if (value != NULL)
				check_reference(c, trimmed(arena, value));
		}
	}
}

/* Sends the events of the text through the validator. */
static void
validate(struct checker *c, const char *xml, size_t length)
{
	xmlSAXHandler walk = {
		.initialized = XML_SAX2_MAGIC,
		.startElementNs = walk_start,
		.endElementNs = walk_end,
		.characters = walk_text,
		.cdataBlock = walk_text,
		.ignorableWhitespace = walk_text,
	};
	xmlSAXHandler *handler = &walk, *own;
	void *data = c;
	xmlSchemaValidCtxt *validator = xmlSchemaNewValidCtxt(schema);
	xmlSchemaSAXPlugPtr plug;

	c->parser = xmlCreateMemoryParserCtxt(xml, (int)length);
	xmlCtxtUseOptions(c->parser, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA |
		XML_PARSE_IGNORE_ENC);
	xmlSchemaSetValidStructuredErrors(validator, take_finding, c);
	plug = xmlSchemaSAXPlug(validator, &handler, &data);
	own = c->parser->sax;
	c->parser->sax = handler;
	c->parser->userData = data;
	xmlParseDocument(c->parser);
	c->parser->sax = own;
	xmlSchemaSAXUnplug(plug);
	xmlSchemaFreeValidCtxt(validator);
	xmlFreeParserCtxt(c->parser);
}

void
schema_validate(const struct xml_element *root, const char *xml, size_t length, struct report *report)
{
	struct checker c = { .report = report, .root = root };
	struct error ignored = { .status = OK };
	const char *utf8;
	size_t utf8_length;

	if (scan_decode(report->arena, "", xml, length, &utf8, &utf8_length, &ignored) != OK)
		return;			/* cannot be: xml_read() took it */
	map_init(&c.ids, report->arena);
	map_init(&c.missing, report->arena);
	validate(&c, utf8, utf8_length);
	check_references(&c);
}
