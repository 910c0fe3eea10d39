/* SPDX-License-Identifier: Apache-2.0
 * Tests of the reader: limits, encodings, what is no XML, namespaces, and where elements stand. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bpmn/scan.h"
#include "bpmn/tree.h"
#include "tests/bpmn/run.h"

static struct arena *arena;
static struct error failure;

static void
setup(void)
{
	arena = arena_new();
}

static void
teardown(void)
{
	arena_free(arena);
}

/* The tree, or NULL with the failure. */
static const struct xml_element *
read_bytes(const char *xml, size_t length)
{
	struct xml_element *root = NULL;

	failure = (struct error){ .status = OK };
	if (xml_read(arena, "test.bpmn", xml, length, &root, &failure) == OK) {
		ck_assert_ptr_nonnull(root);
		return root;
	}
	ck_assert_int_eq(failure.status, E_engine);
	return NULL;
}

static const struct xml_element *
read_text(const char *xml)
{
	const struct xml_element *root = read_bytes(xml, strlen(xml));

	ck_assert_msg(root != NULL, "%s", failure.message);
	return root;
}

#define REFUSAL "ENGINE-09003 Could not parse 'test.bpmn'. "

/* Asserts that a text is refused with that message; line 0: at no place. */
static void
assert_refused(const char *xml, size_t length, int line, const char *message)
{
	ck_assert_ptr_null(read_bytes(xml, length));
	ck_assert_msg(strncmp(failure.message, REFUSAL, strlen(REFUSAL)) == 0, "%s", failure.message);
	ck_assert_str_eq(failure.message + strlen(REFUSAL), message);
	ck_assert_int_eq(failure.line, line);
}

#define REFUSED(xml, line, message) assert_refused((xml), strlen(xml), (line), (message))

/* head, then middle n times, then tail. */
static const char *
repeated(const char *head, const char *middle, size_t n, const char *tail)
{
	struct text text;

	text_init(&text, arena);
	text_puts(&text, head);
	for (size_t i = 0; i < n; i++)
		text_puts(&text, middle);
	text_puts(&text, tail);
	return text_string(&text);
}

START_TEST(tree)
{
	const struct xml_element *root = read_text("<?xml version=\"1.0\"?>\n<!-- <no/> -->\n"
		"<a id=\"1\" x=\"&lt;&amp;&#38;&quot;\">t<b/>u<![CDATA[<v>]]><b id=\"3\">w</b></a>\n");
	const struct xml_element *first = root->first, *second = first->next;

	ck_assert_str_eq(root->name, "a");
	ck_assert_str_eq(root->id, "1");
	ck_assert_str_eq(root->text, "tu<v>");
	ck_assert_str_eq(xml_attribute(root, XML_SPACE_none, "x"), "<&&\"");
	ck_assert_ptr_null(xml_attribute(root, XML_SPACE_camunda, "x"));
	ck_assert_ptr_null(root->parent);
	ck_assert_ptr_eq(first->parent, root);
	ck_assert_ptr_null(first->id);
	ck_assert_str_eq(first->text, "");
	ck_assert_str_eq(second->text, "w");
	ck_assert_ptr_eq(root->last, second);
	ck_assert_ptr_null(second->next);
	ck_assert_int_eq(root->ordinal, 1);
	ck_assert_int_eq(second->ordinal, 3);
	ck_assert_ptr_eq(xml_child(root, XML_SPACE_none, "b"), first);
	ck_assert_ptr_eq(xml_next_child(root, first, XML_SPACE_none, "b"), second);
	ck_assert_ptr_null(xml_next_child(root, second, XML_SPACE_none, "b"));
	ck_assert_ptr_null(xml_child(root, XML_SPACE_bpmn, "b"));
}
END_TEST

static void
assert_place(const struct xml_element *xml, int line, int column, int end_line, int end_column)
{
	ck_assert_int_eq(xml->line, line);
	ck_assert_int_eq(xml->column, column);
	ck_assert_int_eq(xml->end_line, end_line);
	ck_assert_int_eq(xml->end_column, end_column);
}

START_TEST(places)
{
	/* a column is a UTF-16 unit: one for u umlaut, two for the smiley; a tab is one */
	const struct xml_element *root = read_text("<a>\n\t<b\n x=\">\"/>\r\n\303\274\360\237\230\200<c>\r</c></a>");
	const struct xml_element *b = root->first, *c = b->next;

	assert_place(root, 1, 4, 5, 9);
	assert_place(b, 3, 9, 3, 9);
	assert_place(c, 4, 7, 5, 5);
}
END_TEST

START_TEST(namespaces)
{
	static const struct {
		const char *uri;
		enum xml_space space;
	} rows[] = {
		{ "http://www.omg.org/spec/BPMN/20100524/MODEL", XML_SPACE_bpmn },
		{ "http://www.omg.org/spec/BPMN/20100524/DI", XML_SPACE_di },
		{ "http://www.omg.org/spec/DD/20100524/DI", XML_SPACE_di },
		{ "http://www.omg.org/spec/DD/20100524/DC", XML_SPACE_di },
		{ "http://camunda.org/schema/1.0/bpmn", XML_SPACE_camunda },
		{ "http://activiti.org/bpmn", XML_SPACE_camunda },
		{ "http://operaton.org/schema/1.0/bpmn", XML_SPACE_camunda },
		{ "http://www.camunda.com/fox", XML_SPACE_camunda },
		{ "http://www.w3.org/2001/XMLSchema-instance", XML_SPACE_xsi },
		{ "http://example.org/", XML_SPACE_other },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct xml_element *root = read_text(arena_printf(arena,
			"<p:a xmlns:p=\"%s\" p:x=\"1\" x=\"2\" p:id=\"3\"/>", rows[i].uri));

		ck_assert_int_eq(root->space, rows[i].space);
		ck_assert_str_eq(xml_attribute(root, rows[i].space, "x"), "1");
		ck_assert_str_eq(xml_attribute(root, XML_SPACE_none, "x"), "2");
		ck_assert_ptr_null(root->id);
	}
}
END_TEST

START_TEST(encodings)
{
	static const char utf8[] = "<a x=\"\303\274\360\237\230\200\"/>";
	/* <a>U+00FC U+1F600</a> */
	static const char little[] = "\377\376<\0a\0>\0\374\0\75\330\0\336<\0/\0a\0>\0";
	static const char big[] = "\376\377\0<\0a\0>\0\374\330\75\336\0\0<\0/\0a\0>";
	const struct xml_element *root;

	ck_assert_str_eq(xml_attribute(read_text(utf8), XML_SPACE_none, "x"), "\303\274\360\237\230\200");
	ck_assert_str_eq(read_text("\357\273\277<a/>")->name, "a");
	root = read_bytes(little, sizeof(little) - 1);
	ck_assert_msg(root != NULL, "%s", failure.message);
	ck_assert_str_eq(root->text, "\303\274\360\237\230\200");
	assert_place(root, 1, 4, 1, 11);
	root = read_bytes(big, sizeof(big) - 1);
	ck_assert_msg(root != NULL, "%s", failure.message);
	ck_assert_str_eq(root->text, "\303\274\360\237\230\200");
	/* what it says of itself does not count */
	ck_assert_str_eq(read_text("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\303\274</a>")->text, "\303\274");
}
END_TEST

START_TEST(wrong_encodings)
{
	static const char neither[] = "The file is neither UTF-8 nor UTF-16 with a byte order mark.";
	static const char half[] = "The file is not well-formed UTF-16.";

	REFUSED("<a>\374</a>", 0, neither);
	assert_refused("<a>\0</a>", 8, 0, neither);
	assert_refused("<\0a\0/\0>\0", 8, 0, neither);
	assert_refused("\377\376<\0a", 5, 0, half);
	assert_refused("\377\376\75\330a\0", 6, 0, half);
	assert_refused("\377\376\0\336a\0", 6, 0, half);
}
END_TEST

START_TEST(doctype)
{
	static const char message[] = "DOCTYPE is disallowed when the feature "
		"\"http://apache.org/xml/features/disallow-doctype-decl\" set to true.";

	REFUSED("<!DOCTYPE a><a/>", 1, message);
	REFUSED("<?xml version=\"1.0\"?>\n<!-- x -->\n"
		"<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><a>&e;</a>", 3, message);
	ck_assert_str_eq(read_text("<a><!-- <!DOCTYPE a> --><![CDATA[<!DOCTYPE a>]]></a>")->text, "<!DOCTYPE a>");
	REFUSED("<a>&e;</a>", 1, "The entity \"e\" was referenced, but not declared.");
}
END_TEST

START_TEST(not_well_formed)
{
	static const char cut[] = "XML document structures must start and end within the same entity.";

	REFUSED("", 1, "Premature end of file.");
	REFUSED(" \n", 2, "Premature end of file.");
	REFUSED("\nx<a/>", 2, "Content is not allowed in prolog.");
	REFUSED("<a/>\n\ny", 3, "Content is not allowed in trailing section.");
	REFUSED("<a>\n<b>", 2, cut);
	REFUSED("<a x=\"1", 1, cut);
	REFUSED("<a><!-- ", 1, cut);
	REFUSED("<a>\n</b></a>", 2, "The element type \"a\" must be terminated by the matching end-tag \"</a>\".");
	REFUSED("<a/><b/>", 1, "The markup in the document following the root element must be well-formed.");
	REFUSED("</a>", 1, "The markup in the document preceding the root element must be well-formed.");
	REFUSED("<a x=\"<\"/>", 1, "The value of an attribute must not contain the '<' character.");
	REFUSED("<a\n x=\"1\" x=\"2\"/>", 2, "Attribute \"x\" was already specified.");
	REFUSED("<a>\n<p:b/></a>", 2, "The prefix \"p\" for element \"p:b\" is not bound.");
	REFUSED("<a p:x=\"1\"/>", 1, "The prefix \"p\" for attribute \"p:x\" associated with an element type \"a\" is "
		"not bound.");
	REFUSED("<a>\n<?php x?></a>", 2, "The processing instruction \"php\" is not supported.");
	REFUSED(" <?xml version=\"1.0\"?><a/>", 1,
		"The processing instruction target matching \"[xX][mM][lL]\" is not allowed.");
}
END_TEST

START_TEST(depth_limit)
{
	const char *closing = repeated("", "</a>", SCAN_DEPTH, "");
	const struct xml_element *xml = read_text(repeated("", "<a>", SCAN_DEPTH, closing));
	int depth = 1;

	for (; xml->first != NULL; xml = xml->first)
		depth++;
	ck_assert_int_eq(depth, SCAN_DEPTH);
	REFUSED(repeated("<r>\n", "<a>", SCAN_DEPTH, ""), 2, "Elements are nested deeper than 128.");
}
END_TEST

START_TEST(element_limit)
{
	const struct xml_element *root = read_text(repeated("<r>", "<a/>", SCAN_ELEMENTS - 1, "</r>"));

	ck_assert_int_eq(root->last->ordinal, SCAN_ELEMENTS);
	REFUSED(repeated("<r>", "<a/>", SCAN_ELEMENTS, "</r>"), 1, "The document has more than 200000 elements.");
}
END_TEST

static const char *
with_attributes(int count)
{
	struct text text;

	text_init(&text, arena);
	text_puts(&text, "<a");
	for (int i = 0; i < count; i++)
		text_printf(&text, " x%d='='", i);
	text_puts(&text, "/>");
	return text_string(&text);
}

START_TEST(attribute_limit)
{
	ck_assert_int_eq(read_text(with_attributes(SCAN_ATTRIBUTES))->attribute_count, SCAN_ATTRIBUTES);
	REFUSED(with_attributes(SCAN_ATTRIBUTES + 1), 1, "An element has more than 256 attributes.");
}
END_TEST

START_TEST(tag_limit)
{
	/* <a x=" in front, "> behind the value, which the limit includes */
	const size_t most = SCAN_TAG_BYTES - 8;
	const struct xml_element *root = read_text(repeated("<a x=\"", "y", most, "\"></a>"));

	ck_assert_uint_eq(strlen(xml_attribute(root, XML_SPACE_none, "x")), most);
	REFUSED(repeated("<a x=\"", "y", most + 1, "\"></a>"), 1, "A tag is longer than 65536 bytes.");
}
END_TEST

START_TEST(size_limit)
{
	ck_assert_uint_eq(strlen(read_text(repeated("<a>", "y", SCAN_BYTES - 7, "</a>"))->text), SCAN_BYTES - 7);
	REFUSED(repeated("<a>", "y", SCAN_BYTES - 6, "</a>"), 0, "The file is longer than 10485760 bytes.");
}
END_TEST

/* Whatever is cut off a file, the rest is refused, never half taken. */
START_TEST(every_prefix)
{
	static const char xml[] = "<?xml version=\"1.0\"?><p:a xmlns:p='u' x=\"&amp;\"><!-- c -->"
		"<b><![CDATA[d]]></b>\303\274</p:a>";

	for (size_t length = 0; length < sizeof(xml) - 1; length++)
		ck_assert_msg(read_bytes(xml, length) == NULL, "%.*s", (int)length, xml);
	ck_assert_ptr_nonnull(read_bytes(xml, sizeof(xml) - 1));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		tree,
		places,
		namespaces,
		encodings,
		wrong_encodings,
		doctype,
		not_well_formed,
		depth_limit,
		element_limit,
		attribute_limit,
		tag_limit,
		size_limit,
		every_prefix,
		NULL,
	};

	return run_bpmn_suite("bpmn/read", setup, teardown, 60, tests);
}
