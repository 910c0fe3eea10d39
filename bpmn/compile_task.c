/* SPDX-License-Identifier: Apache-2.0
 * What tasks and events hold: services, human tasks, loops, timers, errors. */
#include "bpmn/compile.h"

#include <string.h>
#include <strings.h>

#include "base/cron.h"

static const char *const implementations[] = { "class", "delegateExpression", "decisionRef" };

/* A bpmn:error the file defines, or NULL. */
static const struct xml_element *
find_error(const struct build *b, const char *reference)
{
	const struct xml_element *found = reference == NULL ? NULL : map_get_text(&b->file->ids, reference);

	return found != NULL && found->parent == b->file->root && found->space == XML_SPACE_bpmn &&
		strcmp(found->name, "error") == 0 ? found : NULL;
}

/* The code behind errorRef: that of the error (NULL when it has none), or the reference itself when there is no such
 * error. */
static const char *
error_code(const struct build *b, const char *reference)
{
	const struct xml_element *error = find_error(b, reference);

	return error == NULL ? reference : xml_attribute(error, XML_SPACE_none, "errorCode");
}

static void
build_error_cases(struct build *b, struct service *service, const struct xml_element *xml)
{
	const struct xml_element *item = NULL;
	struct error_case *cases = NULL;
	size_t count = 0, capacity = 0;

	while ((item = xml_extension(xml, item, "errorEventDefinition")) != NULL) {
		const char *reference = xml_attribute(item, XML_SPACE_none, "errorRef");
		const char *text = xml_attribute(item, XML_SPACE_none, "expression");

		if (reference == NULL)
			continue;
		if (text == NULL) {
			build_bad(b, item, xml->id, "errorEventDefinition needs the attribute 'expression'");
			continue;
		}
		cases = arena_grow(b->arena, cases, sizeof(*cases), count, &capacity);
		cases[count].code = error_code(b, reference);
		cases[count].condition = build_expr(b, item, xml->id, text);
		count++;
	}
	service->error_cases = cases;
	service->error_case_count = (int32_t)count;
}

static void
build_external(struct build *b, struct service *service, const struct xml_element *xml)
{
	service->implementation = IMPLEMENTATION_external;
	service->topic = build_attribute(b, xml, "topic");
	if (xml_camunda(xml, "topic") == NULL)
		problem(b, SEVERITY_error, xml, xml->id, NULL,
			"External tasks must specify a 'topic' attribute in the camunda namespace");
	service->priority = build_priority(b, xml, "taskPriority");
	if (service->priority == NULL)
		service->priority = b->task_priority;
	build_error_cases(b, service, xml);
}

/* Which implementation a service-like task names; what only Java could run was refused by the vocabulary. */
static void
build_other_service(struct build *b, struct service *service, const struct xml_element *xml, const char *type)
{
	if (type != NULL) {
		problem(b, SEVERITY_error, xml, xml->id, NULL, "Invalid usage of type attribute on %s: '%s'",
			xml->name, type);
		return;
	}
	if (xml_camunda(xml, "expression") != NULL) {
		service->implementation = IMPLEMENTATION_expression;
		service->expression = build_attribute(b, xml, "expression");
		service->result_variable = xml_camunda(xml, "resultVariable");
		if (service->result_variable == NULL)
			service->result_variable = xml_camunda(xml, "resultVariableName");
		return;
	}
	for (size_t i = 0; i < sizeof(implementations) / sizeof(implementations[0]); i++) {
		if (xml_camunda(xml, implementations[i]) == NULL)
			continue;
		if (b->report->errors == 0)
			problem(b, SEVERITY_error, xml, xml->id, NULL,
				"attribute '%s' is not supported: use camunda:type=\"external\"",
				implementations[i]);
		return;
	}
	problem(b, SEVERITY_error, xml, xml->id, NULL,
		"One of the attributes 'class', 'delegateExpression', 'type', or 'expression' is mandatory on %s. "
		"If you are using a connector, make sure the connect process engine plugin is registered with the "
		"process engine.", xml->name);
}

void
build_service(struct build *b, struct node *node, const struct xml_element *xml)
{
	struct service *service = ARENA_NEW(b->arena, struct service);
	const char *type = xml_camunda(xml, "type");

	node->service = service;
	if (type != NULL && strcasecmp(type, "external") == 0)
		build_external(b, service, xml);
	else
		build_other_service(b, service, xml, type);
}

/* The text in <humanPerformer|potentialOwner><resourceAssignmentExpression><formalExpression>, or NULL. */
static const char *
resource_text(struct build *b, const struct xml_element *role)
{
	const struct xml_element *box = xml_child(role, XML_SPACE_bpmn, "resourceAssignmentExpression");
	const struct xml_element *formal =
		box == NULL ? NULL : xml_child(box, XML_SPACE_bpmn, "formalExpression");
	const char *text = formal == NULL ? "" : xml_trimmed(b->arena, formal);

	return text[0] != '\0' ? text : NULL;
}

/* "user(kermit)" or "group(management)" without its wrapping; NULL when the item is not of that kind. */
static const char *
unwrap(struct build *b, const char *item, size_t length, const char *kind)
{
	size_t head = strlen(kind);

	if (length < head + 2 || strncmp(item, kind, head) != 0 || item[head] != '(' || item[length - 1] != ')')
		return NULL;
	return arena_strndup(b->arena, item + head + 1, length - head - 2);
}

/* Candidates while they are collected. */
struct candidates {
	struct build *b;
	const struct xml_element *xml;
	const struct expr **list;
	size_t count, capacity;
};

static void
add_candidate(struct candidates *candidates, const char *text)
{
	const struct expr *expr = build_expr(candidates->b, candidates->xml, candidates->xml->id, text);

	if (expr == NULL)
		return;
	candidates->list = arena_grow(candidates->b->arena, candidates->list, sizeof(*candidates->list),
		candidates->count, &candidates->capacity);
	candidates->list[candidates->count++] = expr;
}

/* The next item of a list with commas outside of brackets, without the blanks around it; NULL at the end. */
static const char *
next_item(const char **rest, size_t *length)
{
	const char *at = *rest, *item;
	int depth = 0;

	while (*at == ' ' || *at == ',')
		at++;
	for (item = at; *at != '\0' && (*at != ',' || depth > 0); at++)
		depth += (*at == '(' || *at == '{') - (*at == ')' || *at == '}');
	*rest = at;
	while (at > item && at[-1] == ' ')
		at--;
	*length = (size_t)(at - item);
	return *length > 0 ? item : NULL;
}

/* An item of potentialOwner without a kind is a group. */
static void
add_owners(const char *owners, struct candidates *users, struct candidates *groups)
{
	struct build *b = users->b;
	const char *item, *user, *group;
	size_t length;

	while ((item = next_item(&owners, &length)) != NULL) {
		user = unwrap(b, item, length, "user");
		group = unwrap(b, item, length, "group");
		if (user != NULL)
			add_candidate(users, user);
		else
			add_candidate(groups, group != NULL ? group : arena_strndup(b->arena, item, length));
	}
}

static void
add_items(const char *items, struct candidates *candidates)
{
	const char *item;
	size_t length;

	while (items != NULL && (item = next_item(&items, &length)) != NULL)
		add_candidate(candidates, arena_strndup(candidates->b->arena, item, length));
}

static void
build_candidates(struct build *b, struct user *user, const struct xml_element *xml)
{
	struct candidates users = { .b = b, .xml = xml }, groups = users;
	const struct xml_element *owner = NULL;

	while ((owner = xml_next_child(xml, owner, XML_SPACE_bpmn, "potentialOwner")) != NULL) {
		const char *text = resource_text(b, owner);

		if (text != NULL)
			add_owners(text, &users, &groups);
	}
	add_items(xml_camunda(xml, "candidateUsers"), &users);
	add_items(xml_camunda(xml, "candidateGroups"), &groups);
	user->users = (struct exprs){ users.list, (int32_t)users.count };
	user->groups = (struct exprs){ groups.list, (int32_t)groups.count };
}

/* What Camunda refuses about forms, though none is served here. */
static void
check_form(struct build *b, const struct xml_element *xml)
{
	static const char *const bindings[] = { "deployment", "latest", "version" };
	const char *binding = xml_camunda(xml, "formRefBinding");

	if (xml_camunda(xml, "formRef") == NULL)
		return;
	if (xml_camunda(xml, "formKey") != NULL)
		problem(b, SEVERITY_error, xml, xml->id, NULL,
			"Invalid element definition: only one of the attributes formKey and formRef is allowed.");
	for (size_t i = 0; i < sizeof(bindings) / sizeof(bindings[0]); i++) {
		if (text_equal(binding, bindings[i]))
			return;
	}
	problem(b, SEVERITY_error, xml, xml->id, NULL, "Invalid element definition: value for formRefBinding attribute "
		"has to be one of [deployment, latest, version] but was %s", binding != NULL ? binding : "null");
}

/* One person is to do it, and said to be so once. */
static void
check_assignee(struct build *b, const struct node *node, const struct xml_element *xml,
	const struct xml_element *performer)
{
	const char *name = node->name != NULL ? node->name : "null";

	if (performer == NULL)
		return;
	if (xml_next_child(xml, performer, XML_SPACE_bpmn, "humanPerformer") != NULL)
		problem(b, SEVERITY_error, xml, xml->id, NULL,
			"Invalid task definition: multiple humanPerformer sub elements defined for %s", name);
	else if (resource_text(b, performer) != NULL && xml_camunda(xml, "assignee") != NULL)
		problem(b, SEVERITY_error, xml, xml->id, NULL,
			"Invalid usage: duplicate assignee declaration for task %s", name);
}

/* The process's own start event names the variable for who started it. */
void
build_start(struct build *b, const struct node *node, const struct xml_element *xml)
{
	check_form(b, xml);
	if (node->scope == 0)
		b->program->initiator = xml_camunda(xml, "initiator");
}

void
build_user(struct build *b, struct node *node, const struct xml_element *xml)
{
	const struct xml_element *performer = xml_child(xml, XML_SPACE_bpmn, "humanPerformer");
	struct user *user = ARENA_NEW(b->arena, struct user);

	node->user = user;
	user->assignee = build_attribute(b, xml, "assignee");
	if (user->assignee == NULL && performer != NULL)
		user->assignee = build_expr(b, performer, xml->id, resource_text(b, performer));
	build_candidates(b, user, xml);
	user->due_date = build_attribute(b, xml, "dueDate");
	user->follow_up_date = build_attribute(b, xml, "followUpDate");
	user->priority = build_priority(b, xml, "priority");
	user->form_key = build_attribute(b, xml, "formKey");
	check_form(b, xml);
	check_assignee(b, node, xml, performer);
	user->name = build_expr(b, xml, xml->id, node->name);
	user->description = build_expr(b, xml, xml->id, build_documentation(b, xml));
}

/* What the loop runs over: the extension attribute wins over loopDataInputRef, a later inputDataItem over
 * elementVariable. */
static void
build_collection(struct build *b, struct multi *multi, const struct node *body, const struct xml_element *loop)
{
	const struct xml_element *reference = xml_child(loop, XML_SPACE_bpmn, "loopDataInputRef");
	const struct xml_element *item = xml_child(loop, XML_SPACE_bpmn, "inputDataItem");
	const char *collection = xml_camunda(loop, "collection");

	if (collection == NULL && reference != NULL)
		collection = xml_trimmed(b->arena, reference);
	if (collection != NULL && collection[0] != '\0')
		multi->collection = build_expr(b, loop, body->id, collection);
	multi->element_variable = xml_camunda(loop, "elementVariable");
	if (item != NULL && xml_plain(item, "name") != NULL)
		multi->element_variable = xml_plain(item, "name");
}

void
build_multi(struct build *b, struct node *body, const struct xml_element *loop)
{
	const struct xml_element *cardinality = xml_child(loop, XML_SPACE_bpmn, "loopCardinality");
	const struct xml_element *completion = xml_child(loop, XML_SPACE_bpmn, "completionCondition");
	struct multi *multi = ARENA_NEW(b->arena, struct multi);
	size_t bad_before = b->bad_count;

	body->multi = multi;
	multi->sequential = xml_true(xml_plain(loop, "isSequential"));
	if (cardinality != NULL) {
		const char *text = xml_trimmed(b->arena, cardinality);

		if (text[0] == '\0')
			problem(b, SEVERITY_error, cardinality, body->id, NULL, "loopCardinality must be defined "
				"for a multiInstanceLoopCharacteristics definition ");
		multi->cardinality = build_expr(b, cardinality, body->id, text);
	}
	if (completion != NULL)
		multi->completion = build_expr(b, completion, body->id, xml_trimmed(b->arena, completion));
	build_collection(b, multi, body, loop);
	if (b->bad_count > bad_before)
		return;
	if (multi->cardinality == NULL && multi->collection == NULL)
		problem(b, SEVERITY_error, loop, body->id, NULL,
			"Either loopCardinality or loopDataInputRef/activiti:collection must be set");
	if (multi->collection == NULL && multi->element_variable != NULL)
		problem(b, SEVERITY_error, loop, body->id, NULL, "loopDataInputRef/activiti:collection must be set "
			"when using inputDataItem or activiti:elementVariable");
}

/* A literal that cannot be read fails when the timer is made, as in Camunda; whoever deploys hears of it now. */
static void
check_literal(struct build *b, const struct timer *timer, const struct node *node, const struct xml_element *at)
{
	struct error err = { .status = OK };
	const char *text = expr_source(timer->expression);
	struct period period;
	struct cycle cycle;
	struct cron cron;
	enum status status = OK;
	int64_t us;

	switch (timer->kind) {
	case TIMER_date:
		status = when_parse(text, &us, &err);
		break;
	case TIMER_duration:
		status = period_parse(text, &period, &err);
		break;
	case TIMER_cycle:
		status = text[0] == 'R' ? cycle_parse(text, &cycle, &err) : cron_parse(text, &cron, &err);
		break;
	}
	if (status != OK)
		problem(b, SEVERITY_warning, at, node->id, NULL, "timer '%s' will fail when it is started: %s", text,
			err.message);
}

void
build_timer(struct build *b, struct node *node, const struct xml_element *xml)
{
	static const struct {
		const char *tag;
		enum timer_kind kind;
	} forms[] = { { "timeDate", TIMER_date }, { "timeCycle", TIMER_cycle }, { "timeDuration", TIMER_duration } };
	const struct xml_element *definition = xml_child(xml, XML_SPACE_bpmn, "timerEventDefinition");

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const struct xml_element *form = xml_child(definition, XML_SPACE_bpmn, forms[i].tag);
		struct timer *timer;

		if (form == NULL)
			continue;
		timer = ARENA_NEW(b->arena, struct timer);
		timer->kind = forms[i].kind;
		timer->expression = build_expr(b, form, node->id, xml_trimmed(b->arena, form));
		node->timer = timer;
		if (timer->expression != NULL && expr_is_literal(timer->expression))
			check_literal(b, timer, node, definition);
		return;
	}
	problem(b, SEVERITY_error, definition, node->id, NULL,
		"Timer needs configuration (either timeDate, timeCycle or timeDuration is needed).");
}

void
build_error_end(struct build *b, struct node *node, const struct xml_element *xml)
{
	const struct xml_element *definition = xml_child(xml, XML_SPACE_bpmn, "errorEventDefinition");
	const char *reference = xml_plain(definition, "errorRef");
	const struct xml_element *error = find_error(b, reference);

	if (reference == NULL) {
		problem(b, SEVERITY_error, definition, node->id, NULL,
			"'errorRef' attribute is mandatory on error end event");
		return;
	}
	node->error_code = error_code(b, reference);
	if (node->error_code == NULL || node->error_code[0] == '\0')
		problem(b, SEVERITY_error, definition, node->id, NULL, "'errorCode' is mandatory on errors referenced "
			"by throwing error event definitions, but the error '%s' does not define one.", reference);
	if (error != NULL)
		node->error_message = build_expr(b, error, node->id, xml_camunda(error, "errorMessage"));
}

void
build_error_catch(struct build *b, struct node *node, const struct xml_element *xml)
{
	const struct xml_element *definition = xml_child(xml, XML_SPACE_bpmn, "errorEventDefinition");
	struct catch_error *caught = ARENA_NEW(b->arena, struct catch_error);

	caught->code = error_code(b, xml_plain(definition, "errorRef"));
	caught->code_variable = xml_camunda(definition, "errorCodeVariable");
	caught->message_variable = xml_camunda(definition, "errorMessageVariable");
	node->catch_error = caught;
}
