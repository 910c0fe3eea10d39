/* SPDX-License-Identifier: Apache-2.0
 * Tests of the schema: what is valid passes in silence, what is not is told with its place, all at once. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bpmn/tree.h"
#include "tests/bpmn/run.h"
#include "tests/bpmn/models.h"

static struct arena *arena;
static struct report report;

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

static void
validate(const char *xml)
{
	struct error err = { .status = OK };
	struct xml_element *root;

	ck_assert_msg(xml_read(arena, "test.bpmn", xml, strlen(xml), &root, &err) == OK, "%s", err.message);
	report = (struct report){ .arena = arena };
	schema_validate(root, xml, strlen(xml), &report);
	ck_assert_uint_eq(report.errors, report.count);
}

static void
assert_valid(const char *xml)
{
	validate(xml);
	ck_assert_msg(report.count == 0, "%s", report.count == 0 ? "" : report.list[0].message);
}

/* The i-th problem. */
static void
assert_problem(size_t i, int line, int column, const char *message)
{
	ck_assert_uint_lt(i, report.count);
	ck_assert_str_eq(report.list[i].message, message);
	ck_assert_int_eq(report.list[i].line, line);
	ck_assert_int_eq(report.list[i].column, column);
}

/* Asserts that this is all that is wrong. */
static void
assert_invalid(const char *xml, int line, int column, const char *message)
{
	validate(xml);
	assert_problem(0, line, column, message);
	ck_assert_uint_eq(report.count, 1);
}

START_TEST(valid)
{
	assert_valid(MODEL_HEAD MODEL_TAIL);
	assert_valid(LINE(EXTERNAL("a", "")));
	assert_valid(PROCESS(START("s") CHOICE("f", "s", "g", "${x}") "<exclusiveGateway id=\"g\" default=\"h\"/>"
		FLOW("h", "g", "u") "<userTask id=\"u\"/>"
		"<boundaryEvent id=\"b\" attachedToRef=\"u\" cancelActivity=\"false\">"
		"<timerEventDefinition><timeDuration>PT1M</timeDuration></timerEventDefinition></boundaryEvent>"
		"<callActivity id=\"c\" calledElement=\"not a QName\"/>"));
}
END_TEST

START_TEST(valid_collaboration)
{
	assert_valid(MODEL_HEAD "<collaboration id=\"c\"><participant id=\"one\" name=\"One\" processRef=\"p\"/>"
		"<participant id=\"two\"/><messageFlow id=\"m\" sourceRef=\"a\" targetRef=\"two\"/></collaboration>"
		"<process id=\"p\"><laneSet id=\"l\"><lane id=\"l1\"><flowNodeRef>a</flowNodeRef></lane></laneSet>"
		"<task id=\"a\"/><textAnnotation id=\"t\"><text>x</text></textAnnotation>"
		"<association id=\"as\" sourceRef=\"a\" targetRef=\"t\"/></process>"
		"<BPMNDiagram xmlns=\"http://www.omg.org/spec/BPMN/20100524/DI\""
		" xmlns:dc=\"http://www.omg.org/spec/DD/20100524/DC\" id=\"d\">"
		"<BPMNPlane id=\"pl\" bpmnElement=\"c\"><BPMNShape id=\"sh\" bpmnElement=\"a\">"
		"<dc:Bounds x=\"1\" y=\"2\" width=\"3\" height=\"4.5\"/></BPMNShape></BPMNPlane></BPMNDiagram>"
		MODEL_TAIL);
}
END_TEST

/* Extensions are not the schema's matter, wherever they may stand. */
START_TEST(extensions)
{
	assert_valid(PROCESS("<task id=\"a\" camunda:odd=\"1\" xmlns:z=\"urn:z\" z:odd=\"2\"><extensionElements>"
		"<camunda:odd odd=\"1\">text</camunda:odd><z:odd/></extensionElements></task>"));
	validate(PROCESS("<task id=\"a\"><camunda:inputOutput/></task>"));
	ck_assert_uint_eq(report.count, 1);
	ck_assert_int_eq(report.list[0].line, 4);
	ck_assert_str_eq(report.list[0].element == NULL ? "none" : report.list[0].element, "none");
}
END_TEST

START_TEST(attributes)
{
	assert_invalid(PROCESS("<task id=\"a\"/><sequenceFlow id=\"f\" sourceRef=\"a\"/>"), 4, 51,
		"cvc-complex-type.4: Attribute 'targetRef' must appear on element 'sequenceFlow'.");
	assert_invalid(PROCESS("<task id=\"a\" colour=\"red\"/>"), 4, 28,
		"cvc-complex-type.3.2.2: Attribute 'colour' is not allowed to appear in element 'task'.");
	validate(PROCESS("<task id=\"a\" isForCompensation=\"maybe\"/>"));
	ck_assert_uint_ge(report.count, 1);
	ck_assert_ptr_nonnull(strstr(report.list[0].message, "'maybe' is not a valid value of the"));
	ck_assert_str_eq(report.list[0].element, "a");
	validate(PROCESS("<task id=\"1a\"/>"));
	ck_assert_uint_ge(report.count, 1);
}
END_TEST

/* The tag is told as it was written. */
START_TEST(prefixes)
{
	assert_invalid("<b:definitions xmlns:b=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" targetNamespace=\"x\">"
		"<b:process id=\"p\" odd=\"1\"/></b:definitions>", 1, 117,
		"cvc-complex-type.3.2.2: Attribute 'odd' is not allowed to appear in element 'b:process'.");
}
END_TEST

START_TEST(children)
{
	validate(PROCESS("<task id=\"a\"><startEvent id=\"s\"/></task>"));
	ck_assert_uint_eq(report.count, 1);
	ck_assert_ptr_nonnull(strstr(report.list[0].message, "Element 'startEvent': This element is not expected."));
	ck_assert_int_eq(report.list[0].line, 4);
	ck_assert_str_eq(report.list[0].element, "s");
	validate(PROCESS("<task id=\"a\"><outgoing>f</outgoing><documentation/></task>"));
	ck_assert_uint_eq(report.count, 1);
	ck_assert_ptr_nonnull(strstr(report.list[0].message, "Element 'documentation': This element is not expected."));
	/* a child that is missing is told where the element ends */
	validate(PROCESS("<intermediateCatchEvent id=\"a\"><conditionalEventDefinition id=\"c\">\n"
		"</conditionalEventDefinition></intermediateCatchEvent>"));
	ck_assert_uint_eq(report.count, 1);
	ck_assert_ptr_nonnull(strstr(report.list[0].message, "Missing child element(s)"));
	ck_assert_int_eq(report.list[0].line, 5);
}
END_TEST

START_TEST(wrong_root)
{
	assert_invalid("<html/>", 1, 8, "cvc-elt.1.a: Cannot find the declaration of element 'html'.");
	assert_invalid("<definitions targetNamespace=\"x\"/>", 1, 35,
		"cvc-elt.1.a: Cannot find the declaration of element 'definitions'.");
}
END_TEST

START_TEST(duplicate_ids)
{
	validate(PROCESS("<task id=\"a\"/>\n<userTask id=\"a\"/>\n"));
	assert_problem(0, 5, 19, "cvc-id.2: There are multiple occurrences of ID value 'a'.");
	assert_problem(1, 5, 19, "cvc-attribute.3: The value 'a' of attribute 'id' on element 'userTask' is not valid "
		"with respect to its type, 'ID'.");
	ck_assert_uint_eq(report.count, 2);
	/* those of extensions are their own matter */
	assert_valid(PROCESS("<task id=\"a\"><extensionElements><camunda:formField id=\"a\"/></extensionElements>"
		"</task>"));
}
END_TEST

START_TEST(dangling_references)
{
	validate(PROCESS("<task id=\"a\" default=\"d\"/>" FLOW("f", "a", "no") FLOW("g", "no", "a")
		"<boundaryEvent id=\"b\" attachedToRef=\"elsewhere\"/>"));
	assert_problem(0, 7, 15, "cvc-id.1: There is no ID/IDREF binding for IDREF 'd'.");
	assert_problem(1, 7, 15, "cvc-id.1: There is no ID/IDREF binding for IDREF 'no'.");
	ck_assert_uint_eq(report.count, 2);
}
END_TEST

START_TEST(all_at_once)
{
	validate(PROCESS("<task id=\"a\" x=\"1\"/>\n<task id=\"b\" y=\"1\"/>\n"
		"<sequenceFlow id=\"f\" sourceRef=\"a\"/>\n"));
	ck_assert_uint_eq(report.count, 3);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(report.list[i].line, 4 + i);
}
END_TEST

/* A file of nothing but faults is not answered with a longer one. */
START_TEST(many_findings)
{
	struct text text;

	text_init(&text, arena);
	text_puts(&text, MODEL_HEAD "<process id=\"p\">");
	for (int i = 0; i < 1000; i++)
		text_printf(&text, "<task id=\"t%d\" x=\"1\"/>", i);
	text_puts(&text, "</process>" MODEL_TAIL);
	validate(text_string(&text));
	ck_assert_uint_eq(report.count, 100);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		valid,
		valid_collaboration,
		extensions,
		attributes,
		prefixes,
		children,
		wrong_root,
		duplicate_ids,
		dangling_references,
		all_at_once,
		many_findings,
		NULL,
	};

	return run_bpmn_suite("bpmn/schema", setup, teardown, RUN_SECONDS, tests);
}
