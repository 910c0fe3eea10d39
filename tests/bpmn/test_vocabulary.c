/* SPDX-License-Identifier: Apache-2.0
 * Tests of the vocabulary: every row of attrs.def by itself, then what diagrams hear of it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "bpmn/tree.h"
#include "tests/bpmn/models.h"
#include "tests/bpmn/run.h"

enum verdict { supported, ignored, warned, refused, java };

struct row {
	enum verdict verdict;
	const char *in, *name, *fine;
};

#define ELEMENT(verdict, in, name, reason) { verdict, in, name, "" },
#define ATTRIBUTE(verdict, in, name, fine, reason)
static const struct row elements[] = {
#include "bpmn/attrs.def"
};
#undef ELEMENT
#undef ATTRIBUTE

#define ELEMENT(verdict, in, name, reason)
#define ATTRIBUTE(verdict, in, name, fine, reason) { verdict, in, name, fine },
static const struct row attributes[] = {
#include "bpmn/attrs.def"
};
#undef ELEMENT
#undef ATTRIBUTE

enum {
	ELEMENTS = sizeof(elements) / sizeof(elements[0]),
	ATTRIBUTES = sizeof(attributes) / sizeof(attributes[0]),
};

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

/* --- Rows, on trees made by hand */

/* Appends an element; the camunda prefix gives the namespace. */
static struct xml_element *
append(struct xml_element *parent, const char *name)
{
	struct xml_element *made = ARENA_NEW(arena, struct xml_element);
	bool extension = strncmp(name, "camunda:", 8) == 0;

	if (extension && parent != NULL && parent->space == XML_SPACE_bpmn)
		parent = append(parent, "extensionElements");
	made->space = extension ? XML_SPACE_camunda : XML_SPACE_bpmn;
	made->name = extension ? name + 8 : name;
	made->parent = parent;
	made->text = "";
	if (parent == NULL)
		return made;
	if (parent->last != NULL)
		parent->last->next = made;
	else
		parent->first = made;
	parent->last = made;
	return made;
}

static void
set(struct xml_element *xml, const char *name, const char *value)
{
	struct xml_attribute *list = ARENA_ARRAY(arena, struct xml_attribute, (size_t)xml->attribute_count + 1);
	bool extension = strncmp(name, "camunda:", 8) == 0;

	for (int i = 0; i < xml->attribute_count; i++)
		list[i] = xml->attributes[i];
	list[xml->attribute_count].space = extension ? XML_SPACE_camunda : XML_SPACE_none;
	list[xml->attribute_count].name = extension ? name + 8 : name;
	list[xml->attribute_count++].value = value;
	xml->attributes = list;
}

/* An element of that name where it is supported, with all that it lies in, under root; NULL when it never is.
 * No row is about what lies in a manual task. */
static struct xml_element *
place(struct xml_element *root, const char *name)
{
	if (strcmp(name, "definitions") == 0)
		return root;
	if (strcmp(name, "process") == 0) {
		struct xml_element *process = append(root, "process");

		set(process, "isExecutable", "true");
		return process;
	}
	if (strcmp(name, "*") == 0)
		return append(place(root, "process"), "manualTask");
	for (size_t i = ELEMENTS; i-- > 0; ) {
		const struct row *row = &elements[i];

		if (row->verdict == supported && strcmp(row->name, name) == 0) {
			struct xml_element *holder = place(root, row->in);

			return holder == NULL ? NULL : append(holder, name);
		}
	}
	return NULL;
}

static void
check(const struct xml_element *root)
{
	report = (struct report){ .arena = arena };
	vocabulary_check(root, &report);
}

/* The only problem there is, or none. */
static void
expect(enum verdict verdict, const struct row *row)
{
	size_t count = verdict >= warned;

	ck_assert_msg(report.count == count, "%s in %s: %zu problems, first '%s'", row->name, row->in, report.count,
		report.count > 0 ? report.list[0].message : "");
	if (count == 0)
		return;
	ck_assert_int_eq(report.list[0].warning, verdict == warned);
	ck_assert_msg(strncmp(report.list[0].message, row->name, strlen(row->name)) == 0, "%s in %s: '%s'",
		row->name, row->in, report.list[0].message);
	ck_assert_ptr_nonnull(strstr(report.list[0].message, verdict == warned ? " is ignored: " :
		" is not supported yet"));
}

static void
assert_sorted(const struct row *rows, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		int order = strcmp(rows[i - 1].in, rows[i].in);

		if (order == 0)
			order = strcmp(rows[i - 1].name, rows[i].name);
		ck_assert_msg(order < 0, "%s in %s stands wrong", rows[i].name, rows[i].in);
	}
}

START_TEST(rows_are_sorted)
{
	assert_sorted(elements, ELEMENTS);
	assert_sorted(attributes, ATTRIBUTES);
}
END_TEST

/* What is never reached lies in what is judged as a whole. */
static void
assert_unreached(const struct row *row)
{
	ck_assert_msg(row->verdict == ignored || row->verdict == refused, "%s in %s", row->name, row->in);
}

START_TEST(element_rows)
{
	size_t reached = 0;

	for (size_t i = 0; i < ELEMENTS; i++) {
		const struct row *row = &elements[i];
		struct xml_element *root = append(NULL, "definitions"), *holder = place(root, row->in), *made;

		if (holder == NULL) {
			assert_unreached(row);
			continue;
		}
		reached++;
		made = append(holder, row->name);
		if (row->verdict == supported && strcmp(row->name, "process") == 0)
			set(made, "isExecutable", "true");
		check(root);
		expect(row->verdict, row);
		/* what is supported is looked into */
		append(made, "camunda:executionListener");
		check(root);
		if (row->verdict == supported)
			ck_assert_uint_eq(report.count, 1);
		else if (strcmp(row->name, "transaction") != 0 && strcmp(row->name, "adHocSubProcess") != 0)
			expect(row->verdict, row);
	}
	ck_assert_uint_gt(reached, ELEMENTS * 3 / 4);
}
END_TEST

/* False when the attribute's element is never supported. */
static bool
check_attribute(const struct row *row, const char *value)
{
	struct xml_element *root = append(NULL, "definitions"), *made = place(root, row->in);

	if (made == NULL)
		return false;
	set(made, row->name, value);
	check(root);
	return true;
}

START_TEST(attribute_rows)
{
	size_t reached = 0;

	for (size_t i = 0; i < ATTRIBUTES; i++) {
		const struct row *row = &attributes[i];

		if (!check_attribute(row, "v")) {
			assert_unreached(row);
			continue;
		}
		reached++;
		expect(row->verdict, row);
		if (row->fine[0] == '\0')
			continue;
		ck_assert(check_attribute(row, row->fine));
		ck_assert_uint_eq(report.count, 0);
	}
	ck_assert_uint_gt(reached, 100);
}
END_TEST

static bool
has_row(const struct row *rows, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].name, name) == 0)
			return true;
	}
	return false;
}

/* The names that a schema declares with that tag; gives how many. */
static size_t
assert_declared(const struct schema_file *file, const char *tag, const struct row *rows, size_t count)
{
	static const char *const abstract[] = {
		"activity", "baseElement", "baseElementWithMixedContent", "callableElement", "catchEvent",
		"choreographyActivity", "dataAssociation", "flowNode", "gateway", "throwEvent", "definitions",
	};
	char *text = arena_strndup(arena, file->start, (size_t)(file->end - file->start));
	size_t found = 0;

	for (char *at = text; (at = strstr(at, tag)) != NULL; found++) {
		char *name = at + strlen(tag), *end = strchr(name, '"');
		bool usable = true;

		*end = '\0';
		for (size_t i = 0; i < sizeof(abstract) / sizeof(abstract[0]); i++)
			usable = usable && strcmp(abstract[i], name) != 0;
		ck_assert_msg(!usable || has_row(rows, count, name), "no row for %s of %s", name, file->name);
		at = end + 1;
	}
	return found;
}

START_TEST(schema_is_covered)
{
	size_t found_elements = 0, found_attributes = 0;

	for (const struct schema_file *file = schema_files; file->name != NULL; file++) {
		if (strcmp(file->name, "Semantic.xsd") != 0 && strcmp(file->name, "BPMN20.xsd") != 0)
			continue;
		found_elements += assert_declared(file, "<xsd:element name=\"", elements, ELEMENTS);
		found_attributes += assert_declared(file, "<xsd:attribute name=\"", attributes, ATTRIBUTES);
	}
	ck_assert_uint_gt(found_elements, 150);
	ck_assert_uint_gt(found_attributes, 150);
}
END_TEST

START_TEST(rows_are_printed)
{
	const char *page;
	struct text text;

	text_init(&text, arena);
	bpmn_describe(&text);
	page = text_string(&text);
	for (size_t i = 0; i < ELEMENTS + ATTRIBUTES; i++) {
		const struct row *row = i < ELEMENTS ? &elements[i] : &attributes[i - ELEMENTS];
		const char *in = strcmp(row->in, "*") == 0 ? "any" : row->in;

		ck_assert_ptr_nonnull(strstr(page, arena_printf(arena, "\n| %s | %s | ", row->name, in)));
	}
	ck_assert_ptr_nonnull(strstr(page, "\n| scriptTask | any | refused |"));
	ck_assert_ptr_nonnull(strstr(page,
		"\n| isForCompensation | any | refused | compensation; \"false\" is fine |\n"));
	ck_assert_ptr_nonnull(strstr(page, "\n| camunda:formRef | startEvent | ignored, with a warning | "));
}
END_TEST

/* --- Diagrams */

static void
read_and_check(const char *xml)
{
	struct error err = { .status = OK };
	struct xml_element *root;

	ck_assert_msg(xml_read(arena, "test.bpmn", xml, strlen(xml), &root, &err) == OK, "%s", err.message);
	check(root);
}

static void
assert_problem(size_t i, bool warning, int line, const char *element, const char *message)
{
	const struct problem *problem;

	ck_assert_uint_lt(i, report.count);
	problem = &report.list[i];
	ck_assert_str_eq(problem->message, message);
	ck_assert_int_eq(problem->warning, warning);
	ck_assert_int_eq(problem->line, line);
	ck_assert_int_gt(problem->column, 1);
	ck_assert_str_eq(problem->element, element);
}

#define SUPPORTED_MAPPING \
	"<camunda:inputOutput><camunda:inputParameter name=\"x\"><camunda:list><camunda:value>1</camunda:value>" \
	"</camunda:list></camunda:inputParameter><camunda:outputParameter name=\"y\"><camunda:map>" \
	"<camunda:entry key=\"k\">1</camunda:entry></camunda:map></camunda:outputParameter></camunda:inputOutput>"
#define SUPPORTED_LOOP \
	"<multiInstanceLoopCharacteristics isSequential=\"true\" behavior=\"All\"" \
	" camunda:collection=\"l\" camunda:elementVariable=\"e\"><completionCondition>${false}</completionCondition>" \
	"</multiInstanceLoopCharacteristics>"

START_TEST(silence)
{
	read_and_check(PROCESS(START("s")
		"<serviceTask id=\"a\" name=\"A\" camunda:type=\"external\" camunda:topic=\"t\""
		" camunda:asyncBefore=\"true\" camunda:exclusive=\"false\" camunda:jobPriority=\"5\""
		" camunda:taskPriority=\"7\" startQuantity=\"1\" completionQuantity=\"1\" isForCompensation=\"false\">"
		"<documentation>why</documentation><extensionElements>" SUPPORTED_MAPPING
		"<camunda:properties><camunda:property name=\"p\" value=\"v\"/></camunda:properties>"
		"<camunda:failedJobRetryTimeCycle>R3/PT1M</camunda:failedJobRetryTimeCycle>"
		"<camunda:errorEventDefinition id=\"x1\" errorRef=\"boom\" expression=\"${true}\"/></extensionElements>"
		"<incoming>f1</incoming>" SUPPORTED_LOOP "</serviceTask>"
		"<subProcess id=\"sub\" triggeredByEvent=\"0\"><startEvent id=\"in\" isInterrupting=\"true\"/>"
		"</subProcess>"
		"<userTask id=\"u\" camunda:assignee=\"me\" camunda:formKey=\"f\"><extensionElements><camunda:formData>"
		"<camunda:formField id=\"x\" nonsense=\"1\"/></camunda:formData></extensionElements></userTask>"
		"<dataObject id=\"d\"/><textAnnotation id=\"t\"><text>note</text></textAnnotation>"));
	ck_assert_uint_eq(report.count, 0);
}
END_TEST

START_TEST(all_at_once)
{
	read_and_check(PROCESS(START("s")
		"<scriptTask id=\"a\" scriptFormat=\"x\"><script>1</script></scriptTask>\n"
		"<serviceTask id=\"b\" camunda:class=\"org.example.B\"/>\n"
		"<subProcess id=\"c\" triggeredByEvent=\"true\">\n"
		"<startEvent id=\"d\"><messageEventDefinition id=\"m\" messageRef=\"x\"/></startEvent></subProcess>\n"
		"<transaction id=\"t\" method=\"x\">\n<userTask id=\"u\" isForCompensation=\"true\"/></transaction>\n"
		"<task id=\"e\"><extensionElements>\n<camunda:executionListener event=\"start\" class=\"X\"/>"
		"</extensionElements></task>\n"
		"<startEvent id=\"f\" camunda:formRef=\"paper\"/>\n"));
	assert_problem(0, false, 5, "a", "scriptTask is not supported yet");
	assert_problem(1, false, 6, "b", "camunda:class of serviceTask is not supported yet: only Java could run it; "
		"use camunda:type=\"external\" and a worker");
	assert_problem(2, false, 7, "c",
		"triggeredByEvent=\"true\" of subProcess is not supported yet: event sub-process");
	assert_problem(3, false, 8, "d", "messageEventDefinition of startEvent is not supported yet");
	ck_assert_int_eq(report.list[3].element_count, 2);
	ck_assert_str_eq(report.list[3].elements[0], "m");
	ck_assert_str_eq(report.list[3].elements[1], "d");
	assert_problem(4, false, 9, "t", "transaction is not supported yet");
	assert_problem(5, false, 10, "u", "isForCompensation=\"true\" of userTask is not supported yet: compensation");
	ck_assert_int_eq(report.list[5].element_count, 1);
	assert_problem(6, false, 12, "e",
		"camunda:executionListener of task is not supported yet: put the work into a task");
	assert_problem(7, true, 13, "f", "camunda:formRef of startEvent is ignored: forms are not served");
	ck_assert_uint_eq(report.count, 8);
	ck_assert_uint_eq(report.errors, 7);
}
END_TEST

START_TEST(unknown_extensions)
{
	read_and_check(PROCESS(START("s")
		"<task id=\"a\" camunda:colour=\"red\">\n"
		"<extensionElements><camunda:wish><camunda:inner/></camunda:wish>\n"
		"<camunda:inputOutput><camunda:inputParameter name=\"x\" unit=\"m\"/></camunda:inputOutput>"
		"</extensionElements></task>"));
	assert_problem(0, true, 5, "a", "camunda:colour of task is unknown and ignored");
	assert_problem(1, true, 6, "a", "camunda:wish of task is unknown and ignored");
	assert_problem(2, true, 7, "a", "unit of camunda:inputParameter is unknown and ignored");
	ck_assert_uint_eq(report.count, 3);
	ck_assert_uint_eq(report.errors, 0);
}
END_TEST

/* A name longer than any row's is unknown, not cut to something known. */
START_TEST(long_names)
{
	char name[200];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	read_and_check(arena_printf(arena,
		MODEL_HEAD "<process id=\"p\" isExecutable=\"1\" camunda:%s=\"1\"/>" MODEL_TAIL, name));
	ck_assert_uint_eq(report.count, 1);
	ck_assert(report.list[0].warning);
}
END_TEST

START_TEST(other_namespaces)
{
	static const char *const same[] = {
		"http://camunda.org/schema/1.0/bpmn", "http://activiti.org/bpmn",
		"http://operaton.org/schema/1.0/bpmn", "http://www.camunda.com/fox",
	};
	static const char model[] =
		"<definitions xmlns=\"http://www.omg.org/spec/BPMN/20100524/MODEL\" xmlns:x=\"%s\">"
		"<process id=\"p\" isExecutable=\"true\">"
		"<serviceTask id=\"a\" x:delegateExpression=\"${b}\" x:odd=\"1\">"
		"<extensionElements><x:odd/></extensionElements></serviceTask></process></definitions>";

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		read_and_check(arena_printf(arena, model, same[i]));
		ck_assert_uint_eq(report.count, 3);
		ck_assert_uint_eq(report.errors, 1);
		ck_assert_ptr_nonnull(strstr(report.list[0].message,
			"camunda:delegateExpression of serviceTask is not supported yet"));
	}
	read_and_check(arena_printf(arena, model, "http://example.org/foreign"));
	ck_assert_uint_eq(report.count, 0);
}
END_TEST

#define COLLABORATION \
	"<collaboration id=\"c\"><participant id=\"x\" processRef=\"p\"/></collaboration>" \
	"<messageEventDefinition id=\"m\"/><choreography id=\"ch\"><choreographyTask id=\"ct\"/></choreography>"
#define DRAWING(executable) \
	MODEL_HEAD COLLABORATION "<process id=\"p\"" executable ">" \
	"<scriptTask id=\"a\" camunda:odd=\"1\"/></process>" MODEL_TAIL

START_TEST(drawings_are_let_alone)
{
	read_and_check(DRAWING(""));
	ck_assert_uint_eq(report.count, 0);
	read_and_check(DRAWING(" isExecutable=\"false\""));
	ck_assert_uint_eq(report.count, 0);
	read_and_check(DRAWING(" isExecutable=\"1\""));
	ck_assert_uint_eq(report.count, 1);
	assert_problem(0, false, 3, "a", "scriptTask is not supported yet");
}
END_TEST

START_TEST(events_by_place)
{
	read_and_check(PROCESS("<startEvent id=\"a\"><timerEventDefinition/></startEvent>"
		"<intermediateCatchEvent id=\"b\"><timerEventDefinition/></intermediateCatchEvent>"
		"<boundaryEvent id=\"c\" attachedToRef=\"x\"><timerEventDefinition/></boundaryEvent>"
		"<boundaryEvent id=\"d\" attachedToRef=\"x\"><errorEventDefinition/></boundaryEvent>"
		"<endEvent id=\"e\"><errorEventDefinition/></endEvent>"
		"<endEvent id=\"f\"><terminateEventDefinition/></endEvent>"
		"<endEvent id=\"g\"><cancelEventDefinition/></endEvent><intermediateThrowEvent id=\"h\"/>"));
	ck_assert_uint_eq(report.count, 3);
	ck_assert_str_eq(report.list[0].element, "a");
	ck_assert_str_eq(report.list[1].element, "g");
	ck_assert_str_eq(report.list[2].element, "h");
}
END_TEST

/* What the vocabulary refuses is not complained of again by the compiler, nor what hangs on it. */
START_TEST(no_consequences)
{
	static const char xml[] = LINE("<scriptTask id=\"a\"/>");
	struct diagram diagram;
	struct error err = { .status = OK };

	ck_assert_int_eq(bpmn_compile(arena, "t.bpmn", xml, strlen(xml), &diagram, &err), E_parse);
	ck_assert_uint_eq(diagram.problems.count, 1);
	ck_assert_str_eq(err.message, "ENGINE-09005 Could not parse BPMN process. Errors: \n"
		"* scriptTask is not supported yet | resource t.bpmn | line 5 | column 21");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		rows_are_sorted,
		element_rows,
		attribute_rows,
		schema_is_covered,
		rows_are_printed,
		silence,
		all_at_once,
		unknown_extensions,
		long_names,
		other_namespaces,
		drawings_are_let_alone,
		events_by_place,
		no_consequences,
		NULL,
	};

	return run_bpmn_suite("bpmn/vocabulary", setup, teardown, RUN_SECONDS, tests);
}
