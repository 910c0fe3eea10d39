/* SPDX-License-Identifier: Apache-2.0
 * Looking things up in a program. */
#include "bpmn/program.h"

#include <string.h>

struct element_row {
	const char *name, *type;
	unsigned flags;
};

static const struct element_row rows[] = {
#define ELEMENT(name, xml, definition, type, flags, behaviour) { #name, type, flags },
#include "bpmn/elements.def"
#undef ELEMENT
};

unsigned
element_flags(enum element element)
{
	return rows[element].flags;
}

const char *
element_name(enum element element)
{
	return rows[element].name;
}

const char *
element_type(enum element element)
{
	return rows[element].type;
}

/* Nodes are in document order, so ordinals grow; only a body and its activity share one. */
const struct node *
program_node(const struct program *program, int32_t key)
{
	int32_t low = 0, high = program->node_count;

	while (low < high) {
		int32_t middle = low + (high - low) / 2;

		if (program->nodes[middle].key / KEY_ROLES < key / KEY_ROLES)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < program->node_count && program->nodes[low].key / KEY_ROLES == key / KEY_ROLES; low++) {
		if (program->nodes[low].key == key)
			return &program->nodes[low];
	}
	return NULL;
}

const struct flow *
program_flow(const struct program *program, int32_t key)
{
	int32_t low = 0, high = program->flow_count;

	while (low < high) {
		int32_t middle = low + (high - low) / 2;

		if (program->flows[middle].key < key)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < program->flow_count && program->flows[low].key == key)
		return &program->flows[low];
	return NULL;
}

/* Programs made by hand have no index. */
static const struct node *
search_all(const struct program *program, const char *id)
{
	for (int32_t i = 0; i < program->node_count; i++) {
		if (program->nodes[i].id != NULL && strcmp(program->nodes[i].id, id) == 0)
			return &program->nodes[i];
	}
	return NULL;
}

const struct node *
program_node_by_id(const struct program *program, const char *id)
{
	int32_t low = 0, high = program->by_id_count;

	if (program->by_id == NULL)
		return search_all(program, id);
	while (low < high) {
		int32_t middle = low + (high - low) / 2;
		const struct node *node = &program->nodes[program->by_id[middle]];
		int order = strcmp(node->id, id);

		if (order == 0)
			return node;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
