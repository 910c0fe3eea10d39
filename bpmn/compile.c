/* SPDX-License-Identifier: Apache-2.0
 * One process element becomes a program: nodes and flows are collected, linked, filled in and checked. */
#include "bpmn/compile.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct tag_row {
	const char *xml, *definition;
};

static const struct tag_row tags[] = {
#define ELEMENT(name, xml, definition, type, flags, behaviour) { xml, definition },
#include "bpmn/elements.def"
#undef ELEMENT
};

/* Elements that are no nodes, yet the compiler looks into or knows them: their ids are no dead ends. */
static const char *const not_nodes[] = {
	"documentation", "extensionElements", "ioSpecification", "incoming", "outgoing", "laneSet",
	"dataObject", "dataObjectReference", "dataStoreReference", "textAnnotation", "association",
	"group", "category", "property", "auditing", "monitoring", "artifact",
	"multiInstanceLoopCharacteristics", "standardLoopCharacteristics", "dataInputAssociation",
	"dataOutputAssociation", "correlationSubscription", "ioBinding", "supportedInterfaceRef",
	"resourceRole", "performer", "potentialOwner", "humanPerformer", "supports",
};

const char *
xml_plain(const struct xml_element *xml, const char *name)
{
	const char *value = xml_attribute(xml, XML_SPACE_none, name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

const char *
xml_camunda(const struct xml_element *xml, const char *name)
{
	const char *value = xml_attribute(xml, XML_SPACE_camunda, name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

bool
xml_true(const char *text)
{
	return text != NULL && (strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0);
}

const char *
xml_trimmed(struct arena *arena, const struct xml_element *xml)
{
	const char *start = xml->text;
	size_t length;

	while (isspace((unsigned char)*start))
		start++;
	length = strlen(start);
	while (length > 0 && isspace((unsigned char)start[length - 1]))
		length--;
	return arena_strndup(arena, start, length);
}

const struct xml_element *
xml_extension(const struct xml_element *xml, const struct xml_element *after, const char *name)
{
	const struct xml_element *box = xml_child(xml, XML_SPACE_bpmn, "extensionElements");

	return box == NULL ? NULL : xml_next_child(box, after, XML_SPACE_camunda, name);
}

const char *
build_documentation(struct build *b, const struct xml_element *xml)
{
	const struct xml_element *part = xml_child(xml, XML_SPACE_bpmn, "documentation");
	struct text text;

	if (part == NULL)
		return NULL;
	text_init(&text, b->arena);
	for (; part != NULL; part = xml_next_child(xml, part, XML_SPACE_bpmn, "documentation")) {
		if (text.length > 0)
			text_puts(&text, "\n\n");
		text_puts(&text, xml_trimmed(b->arena, part));
	}
	return text_string(&text);
}

void
build_bad(struct build *b, const struct xml_element *at, const char *element, const char *message)
{
	bool coded = strncmp(message, "ENGINE-", 7) == 0;
	struct bad_expression *bad;

	b->bad = arena_grow(b->arena, b->bad, sizeof(*b->bad), b->bad_count, &b->bad_capacity);
	bad = &b->bad[b->bad_count++];
	bad->at = at;
	bad->element = element;
	bad->message = arena_printf(b->arena, coded ? "%s" : "ENGINE-01009 Error while parsing process. %s.", message);
}

const struct expr *
build_expr(struct build *b, const struct xml_element *at, const char *element, const char *text)
{
	struct error err = { .status = OK };
	const struct expr *expr = NULL;

	if (text == NULL || expr_compile(b->arena, text, &expr, &err) == OK)
		return expr;
	build_bad(b, at, element, err.message);
	return NULL;
}

const struct expr *
build_attribute(struct build *b, const struct xml_element *xml, const char *name)
{
	return build_expr(b, xml, xml->id, xml_camunda(xml, name));
}

/* The row for a tag with what it contains: the first event definition decides.  ELEMENT_COUNT: none of ours. */
static enum element
classify(const struct xml_element *xml)
{
	enum element found = ELEMENT_COUNT;
	const char *definition = "";

	if (xml->space != XML_SPACE_bpmn)
		return ELEMENT_COUNT;
	for (const struct xml_element *child = xml->first; child != NULL; child = child->next) {
		size_t length = strlen(child->name);

		if (child->space == XML_SPACE_bpmn && length > 15 &&
		    strcmp(child->name + length - 15, "EventDefinition") == 0) {
			definition = child->name;
			break;
		}
	}
	for (int i = 0; i < ELEMENT_COUNT; i++) {
		if (strcmp(tags[i].xml, xml->name) == 0 && strcmp(tags[i].definition, definition) == 0)
			found = (enum element)i;
	}
	if (found == EL_process || (found == EL_sub_process && xml_true(xml_plain(xml, "triggeredByEvent"))))
		return ELEMENT_COUNT;
	return found;
}

static struct node *
add_node(struct build *b, enum element element, const struct xml_element *xml, int32_t role)
{
	struct node *node;

	b->nodes = arena_grow(b->arena, b->nodes, sizeof(*b->nodes), b->node_count, &b->node_capacity);
	b->node_xml = arena_grow(b->arena, b->node_xml, sizeof(void *), b->node_count, &b->xml_capacity);
	b->node_xml[b->node_count] = xml;
	node = &b->nodes[b->node_count];
	memset(node, 0, sizeof(*node));
	node->element = element;
	node->index = (int32_t)b->node_count++;
	node->key = (xml->ordinal - b->process->ordinal + 1) * KEY_ROLES + role;
	node->id = xml->id;
	node->name = xml_attribute(xml, XML_SPACE_none, "name");
	node->line = xml->line;
	node->scope = -1;
	node->default_flow = -1;
	node->start = -1;
	node->attached_to = -1;
	node->exclusive = true;
	return node;
}

static void
add_flow(struct build *b, const struct xml_element *xml, int32_t scope)
{
	struct flow *flow;

	b->flows = arena_grow(b->arena, b->flows, sizeof(*b->flows), b->flow_count, &b->flow_capacity);
	b->flow_origin = arena_grow(b->arena, b->flow_origin, sizeof(*b->flow_origin), b->flow_count,
		&b->origin_capacity);
	b->flow_origin[b->flow_count] = (struct flow_origin){ xml, scope };
	flow = &b->flows[b->flow_count];
	memset(flow, 0, sizeof(*flow));
	flow->index = (int32_t)b->flow_count++;
	flow->key = (xml->ordinal - b->process->ordinal + 1) * KEY_ROLES;
	flow->id = xml->id;
	flow->name = xml_attribute(xml, XML_SPACE_none, "name");
	flow->line = xml->line;
	flow->source = flow->target = -1;
}

static void
register_node(struct build *b, const struct node *node)
{
	if (node->id != NULL && map_get_text(&b->node_by_id, node->id) == NULL)
		map_put_text(&b->node_by_id, node->id, (void *)(intptr_t)(node->index + 1));
}

/* What we cannot execute was refused by the vocabulary; here it only must not cause a second complaint at every
 * flow that touches it. */
static void
skip(struct build *b, const struct xml_element *xml)
{
	if (xml->space != XML_SPACE_bpmn)
		return;
	for (size_t i = 0; i < sizeof(not_nodes) / sizeof(not_nodes[0]); i++) {
		if (strcmp(not_nodes[i], xml->name) == 0)
			return;
	}
	if (b->first_skipped == NULL)
		b->first_skipped = xml;
	if (xml->id != NULL)
		map_put_text(&b->skipped, xml->id, (void *)(uintptr_t)xml);
}

/* Adds what an element stands for in a scope.  Returns the index of the scope for what it contains, or -1. */
static int32_t
add_element(struct build *b, const struct xml_element *xml, int32_t scope)
{
	enum element element = classify(xml);
	const struct xml_element *loop;
	struct node *node;

	if (xml->space == XML_SPACE_bpmn && strcmp(xml->name, "sequenceFlow") == 0) {
		add_flow(b, xml, scope);
		return -1;
	}
	if (element == ELEMENT_COUNT) {
		skip(b, xml);
		return -1;
	}
	loop = xml_child(xml, XML_SPACE_bpmn, "multiInstanceLoopCharacteristics");
	if (loop != NULL && (element_flags(element) & EL_ACTIVITY)) {
		node = add_node(b, EL_multi_instance_body, xml, KEY_BODY);
		node->id = arena_printf(b->arena, "%s#multiInstanceBody", xml->id != NULL ? xml->id : "");
		node->scope = scope;
		if (xml->id != NULL)
			map_put_text(&b->node_by_id, xml->id, (void *)(intptr_t)(node->index + 1));
		scope = node->index;
	}
	node = add_node(b, element, xml, 0);
	node->scope = scope;
	register_node(b, node);
	return element == EL_sub_process ? node->index : -1;
}

/* Walks the process in document order without recursion; only sub-processes are entered. */
static void
collect(struct build *b)
{
	const struct xml_element *xml = b->process->first;
	struct node *root = add_node(b, EL_process, b->process, 0);
	int32_t scope = root->index;

	register_node(b, root);
	while (xml != NULL) {
		int32_t inner = add_element(b, xml, scope);

		if (inner >= 0 && xml->first != NULL) {
			scope = inner;
			xml = xml->first;
			continue;
		}
		while (xml->next == NULL && xml->parent != b->process) {
			xml = xml->parent;
			scope = b->nodes[scope].scope;
			if (b->nodes[scope].element == EL_multi_instance_body)
				scope = b->nodes[scope].scope;
		}
		xml = xml->next;
	}
}

static void
build_async(struct node *node, const struct xml_element *xml)
{
	const char *exclusive = xml_camunda(xml, "exclusive");

	node->async_before = xml_true(xml_camunda(xml, "asyncBefore")) || xml_true(xml_camunda(xml, "async"));
	node->async_after = xml_true(xml_camunda(xml, "asyncAfter"));
	node->exclusive = exclusive == NULL || xml_true(exclusive);
}

/* The details only one element or group of elements has. */
static void
build_kind(struct build *b, struct node *node, const struct xml_element *xml)
{
	unsigned flags = element_flags(node->element);

	if (flags & EL_SERVICE)
		build_service(b, node, xml);
	if (node->element == EL_start_event)
		build_start(b, node, xml);
	if (node->element == EL_user_task)
		build_user(b, node, xml);
	if (node->element == EL_timer_catch || node->element == EL_boundary_timer)
		build_timer(b, node, xml);
	if (node->element == EL_boundary_error)
		build_error_catch(b, node, xml);
	if (node->element == EL_error_end_event)
		build_error_end(b, node, xml);
	if (flags & EL_BOUNDARY) {
		const char *cancel = xml_plain(xml, "cancelActivity");

		node->interrupting = node->element == EL_boundary_error || cancel == NULL || xml_true(cancel);
	}
}

static void
build_node(struct build *b, struct node *node)
{
	const struct xml_element *xml = b->node_xml[node->index];
	const struct xml_element *loop = xml_child(xml, XML_SPACE_bpmn, "multiInstanceLoopCharacteristics");
	bool body = node->element == EL_multi_instance_body;
	bool inner = !body && node->scope >= 0 && b->nodes[node->scope].element == EL_multi_instance_body;

	if (node->scope < 0)
		return;
	if ((element_flags(node->element) & EL_BOUNDARY) && !graph_attach(b, node))
		return;
	build_async(node, inner ? loop : xml);
	node->job_priority = build_priority(b, xml, "jobPriority");
	if (node->job_priority == NULL)
		node->job_priority = b->job_priority;
	build_retry(b, node, inner && xml_extension(loop, NULL, "failedJobRetryTimeCycle") != NULL ? loop : xml);
	if (body) {
		build_multi(b, node, loop);
		return;
	}
	build_mapping(b, node, xml);
	build_properties(b, node, xml);
	build_kind(b, node, xml);
}

/* Activities first, boundary events after them, as Camunda reports. */
static void
build_nodes(struct build *b)
{
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < b->node_count; i++) {
			bool boundary = element_flags(b->nodes[i].element) & EL_BOUNDARY;

			if (boundary == (pass == 1))
				build_node(b, &b->nodes[i]);
		}
	}
}

/* What a conditionExpression says besides its text. */
static bool
condition_usable(struct build *b, const struct xml_element *condition, const struct flow *flow)
{
	const char *type = xml_attribute(condition, XML_SPACE_xsi, "type");
	const char *language = xml_plain(condition, "language");

	if (type != NULL) {
		const char *colon = strchr(type, ':');

		if (strcmp(colon != NULL ? colon + 1 : type, "tFormalExpression") != 0) {
			problem(b, SEVERITY_error, condition, flow->id, NULL,
				"Invalid type, only tFormalExpression is currently supported");
			return false;
		}
	}
	if (language != NULL && strcasecmp(language, "juel") != 0) {
		problem(b, SEVERITY_error, condition, flow->id, NULL,
			"conditions in the language '%s' are not supported yet, only juel", language);
		return false;
	}
	return true;
}

static void
build_conditions(struct build *b)
{
	for (size_t i = 0; i < b->flow_count; i++) {
		struct flow *flow = &b->flows[i];
		const struct xml_element *condition =
			xml_child(b->flow_origin[i].xml, XML_SPACE_bpmn, "conditionExpression");

		if (condition != NULL && condition_usable(b, condition, flow))
			flow->condition = build_expr(b, condition, flow->id, xml_trimmed(b->arena, condition));
		if (condition != NULL && flow->condition == NULL && flow->source >= 0)
			b->maimed[flow->source] = true;
	}
}

/* 30 or P30D; Camunda doubles its own text when it cannot read it. */
static int32_t
parse_ttl(struct build *b, const char *text)
{
	size_t length = text != NULL ? strlen(text) : 0;
	int64_t days;

	if (text == NULL || text[0] == '\0')
		return -1;
	if (length > 2 && text[0] == 'P' && text[length - 1] == 'D')
		text = arena_strndup(b->arena, text + 1, length - 2);
	if (!text_to_int(text, &days) || days > INT32_MAX || days < INT32_MIN) {
		problem(b, SEVERITY_error, b->process, b->process->id, NULL,
			"Cannot parse historyTimeToLive: For input string: \"%s\": "
			"Cannot parse historyTimeToLive: For input string: \"%s\"", text, text);
		return -1;
	}
	if (days < 0) {
		problem(b, SEVERITY_error, b->process, b->process->id, NULL,
			"Cannot parse historyTimeToLive: negative value is not allowed");
		return -1;
	}
	return (int32_t)days;
}

static void
build_header(struct build *b)
{
	const struct xml_element *xml = b->process;
	const char *startable = xml_camunda(xml, "isStartableInTasklist");
	struct program *program = b->program;

	if (xml->id == NULL)
		problem(b, SEVERITY_error, xml, NULL, NULL,
			"an executable process must have an id: it is started by it");
	program->key = xml->id;
	program->name = xml_attribute(xml, XML_SPACE_none, "name");
	program->category = xml_attribute(b->file->root, XML_SPACE_none, "targetNamespace");
	program->description = build_documentation(b, xml);
	program->version_tag = xml_camunda(xml, "versionTag");
	program->history_ttl_days = parse_ttl(b, xml_camunda(xml, "historyTimeToLive"));
	program->startable_in_tasklist = startable == NULL || xml_true(startable);
	b->job_priority = build_priority(b, xml, "jobPriority");
	b->task_priority = build_priority(b, xml, "taskPriority");
	b->nodes[0].job_priority = b->job_priority;
	build_properties(b, &b->nodes[0], xml);
}

static int
compare_ids(const void *left, const void *right, void *nodes)
{
	const struct node *list = nodes;

	return strcmp(list[*(const int32_t *)left].id, list[*(const int32_t *)right].id);
}

static void
build_index(struct build *b)
{
	int32_t *by_id = ARENA_ARRAY(b->arena, int32_t, b->node_count);
	int32_t count = 0;

	for (size_t i = 0; i < b->node_count; i++) {
		if (b->nodes[i].id != NULL)
			by_id[count++] = (int32_t)i;
	}
	qsort_r(by_id, (size_t)count, sizeof(*by_id), compare_ids, b->nodes);
	b->program->by_id = by_id;
	b->program->by_id_count = count;
}

/* Expressions that do not parse: alone they are Camunda's 500, beside other problems they are listed. */
static void
settle_bad_expressions(struct build *b, struct error *err)
{
	if (b->bad_count == 0)
		return;
	if (b->report->errors == 0) {
		error_set(err, E_engine, "%s", b->bad[0].message);
		err->element = b->bad[0].element;
		err->line = b->bad[0].at->line;
		return;
	}
	for (size_t i = 0; i < b->bad_count; i++)
		problem(b, SEVERITY_error, b->bad[i].at, b->bad[i].element, NULL, "%s", b->bad[i].message);
}

const struct program *
compile_process(struct arena *arena, struct file *file, const struct xml_element *process, struct report *report,
	struct error *err)
{
	struct build b = { .arena = arena, .file = file, .process = process, .report = report };
	size_t errors_before = report->errors;

	b.program = ARENA_NEW(arena, struct program);
	map_init(&b.node_by_id, arena);
	map_init(&b.skipped, arena);
	collect(&b);
	build_header(&b);
	build_nodes(&b);
	graph_link(&b);
	build_conditions(&b);
	graph_scopes(&b);
	graph_reach(&b);
	rules_check(&b);
	references_check(&b);
	if (b.first_skipped != NULL && report->errors == 0)
		problem(&b, SEVERITY_error, b.first_skipped, b.first_skipped->id, NULL,
			"element '%s' is not supported", b.first_skipped->name);
	settle_bad_expressions(&b, err);
	if (report->errors != errors_before || b.bad_count > 0 || b.first_skipped != NULL)
		return NULL;
	b.program->nodes = b.nodes;
	b.program->node_count = (int32_t)b.node_count;
	b.program->flows = b.flows;
	b.program->flow_count = (int32_t)b.flow_count;
	build_index(&b);
	return b.program;
}
