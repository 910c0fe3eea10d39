/* SPDX-License-Identifier: Apache-2.0
 * Fuzzes diagrams: what is compiled is whole and starts, what is refused says why. */
#include "tests/fuzz/fuzz.h"

#include "tests/engine/sim.h"

enum { STEPS = 2000 };

int
LLVMFuzzerInitialize(int *count, char ***arguments)
{
	struct error err;

	(void)count, (void)arguments;
	MUST(bpmn_init(&err) == OK, "%s", err.message);
	return 0;
}

static bool
inside(int32_t index, int32_t count)
{
	return index >= 0 && index < count;
}

static void
check_flows(const struct program *program, const struct node *node)
{
	for (int32_t i = 0; i < node->incoming_count; i++)
		MUST(inside(node->incoming[i], program->flow_count) &&
				program->flows[node->incoming[i]].target == node->index,
			"a flow into '%s'", node->id);
	for (int32_t i = 0; i < node->outgoing_count; i++)
		MUST(inside(node->outgoing[i], program->flow_count) &&
				program->flows[node->outgoing[i]].source == node->index,
			"a flow out of '%s'", node->id);
	MUST(node->default_flow == -1 || inside(node->default_flow, program->flow_count), "its default");
}

/* Whatever a node refers to is there, and it is found by what is stored. */
static void
check_node(const struct program *program, const struct node *node)
{
	MUST(node == &program->nodes[node->index] && program_node(program, node->key) == node, "key %d", node->key);
	MUST(node->index == 0 ? node->scope == -1 : inside(node->scope, program->node_count), "its scope");
	if (node->id != NULL) {
		must_be_text(node->id);
		MUST(program_node_by_id(program, node->id) != NULL, "'%s'", node->id);
	}
	for (int32_t i = 0; i < node->child_count; i++)
		MUST(inside(node->children[i], program->node_count) &&
				program->nodes[node->children[i]].scope == node->index,
			"a child of '%s'", node->id);
	for (int32_t i = 0; i < node->boundary_count; i++)
		MUST(inside(node->boundaries[i], program->node_count), "an event at '%s'", node->id);
	MUST(node->start == -1 || inside(node->start, program->node_count), "where '%s' begins", node->id);
	check_flows(program, node);
}

static const char *
dump(struct arena *arena, const struct program *program)
{
	struct text text;

	text_init(&text, arena);
	program_dump(program, &text);
	must_be_text(text_string(&text));
	return text_string(&text);
}

static void
check_program(const struct program *program)
{
	must_be_text(program->key);
	for (int32_t i = 0; i < program->node_count; i++)
		check_node(program, &program->nodes[i]);
	for (int32_t i = 0; i < program->flow_count; i++) {
		const struct flow *flow = &program->flows[i];

		MUST(inside(flow->source, program->node_count) && inside(flow->target, program->node_count) &&
				program_flow(program, flow->key) == flow,
			"flow %d", i);
	}
}

/* A start succeeds or is refused; either way the tree is sound and its log gives it again. */
static void
start(const struct program *program)
{
	struct sim *sim = sim_of(program);
	const char *broken;
	enum status status;

	sim->limits.steps = STEPS;
	status = sim_step(sim, (struct command){ .kind = COMMAND_start, .definition = &sim->definition }, &broken);
	MUST(broken == NULL, "%s", broken);
	if (status == OK)
		MUST(sim_replay(sim, &sim->error) == OK, "%s", sim->error.message);
	else
		must_be_text(sim->error.message);
	sim_free(sim);
}

static void
check_problems(const struct diagram *diagram, enum status status, const struct error *err)
{
	must_be_text(err->message);
	if (status == E_engine)
		return;
	MUST(status == E_parse && diagram->problems.errors > 0 && diagram->program_count == 0, "status %d",
		(int)status);
	must_be_text(diagram->problems.text);
}

static void
check_list(const struct problems *problems)
{
	size_t errors = 0;

	for (size_t i = 0; i < problems->count; i++) {
		must_be_text(problems->list[i].message);
		MUST(problems->list[i].line >= 0 && problems->list[i].column >= 0, "%s", problems->list[i].message);
		errors += !problems->list[i].warning;
	}
	MUST(errors == problems->errors, "%zu of %zu", errors, problems->errors);
}

/* Compiled again it is the same. */
static void
again(struct arena *arena, const uint8_t *bytes, size_t length, const struct diagram *diagram)
{
	struct diagram other = { 0 };
	struct error err;

	MUST(bpmn_compile(arena, "fuzz.bpmn", (const char *)bytes, length, &other, &err) == OK, "%s", err.message);
	MUST(other.program_count == diagram->program_count, "%zu programs", other.program_count);
	for (size_t i = 0; i < other.program_count; i++)
		MUST(strcmp(dump(arena, diagram->programs[i]), dump(arena, other.programs[i])) == 0, "it differs");
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct arena *arena = arena_new();
	struct diagram diagram = { 0 };
	struct error err;
	enum status status = bpmn_compile(arena, "fuzz.bpmn", (const char *)bytes, length, &diagram, &err);

	check_list(&diagram.problems);
	if (status != OK)
		check_problems(&diagram, status, &err);
	for (size_t i = 0; i < diagram.program_count; i++) {
		check_program(diagram.programs[i]);
		start(diagram.programs[i]);
	}
	if (diagram.program_count > 0)
		again(arena, bytes, length, &diagram);
	arena_free(arena);
	return 0;
}
