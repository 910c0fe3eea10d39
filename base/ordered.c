/* SPDX-License-Identifier: Apache-2.0
 * The ordered set as a treap: a search tree by content that is a heap by priority.  A priority is the hash of
 * the content, so the same set has the same shape on every run. */
#include "base/heap.h"

#include <stdlib.h>

#include "base/memory.h"

struct node {
	struct node *left, *right;
	struct order order;
	uint64_t priority;
};

struct ordered {
	struct node *root;
	size_t count;
};

static uint64_t
priority_of(struct order order)
{
	const int64_t parts[] = { order.first, order.second, order.id };
	uint64_t hash = 0x9e3779b97f4a7c15u;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		hash = (hash ^ (uint64_t)parts[i]) * 0xbf58476d1ce4e5b9u;
		hash = (hash ^ hash >> 29) * 0x94d049bb133111ebu;
		hash ^= hash >> 32;
	}
	return hash;
}

/* Below, equal or above 0 as a comes before, is, or comes after b. */
static int
compare(struct order a, struct order b)
{
	if (a.first != b.first)
		return a.first < b.first ? -1 : 1;
	if (a.second != b.second)
		return a.second < b.second ? -1 : 1;
	return (a.id > b.id) - (a.id < b.id);
}

struct ordered *
ordered_new(void)
{
	struct ordered *set = memory_must(sizeof *set);

	*set = (struct ordered){ 0 };
	return set;
}

void
ordered_free(struct ordered *set)
{
	if (!set)
		return;
	ordered_clear(set);
	free(set);
}

/* Turns left branches to the right until there is only a list: no stack for a deep tree. */
void
ordered_clear(struct ordered *set)
{
	struct node *node = set->root;

	while (node) {
		struct node *next = node->left;

		if (next) {
			node->left = next->right;
			next->right = node;
		} else {
			next = node->right;
			free(node);
		}
		node = next;
	}
	*set = (struct ordered){ 0 };
}

size_t
ordered_count(const struct ordered *set)
{
	return set->count;
}

static bool
contains(const struct ordered *set, struct order order)
{
	const struct node *node = set->root;

	while (node) {
		int c = compare(order, node->order);

		if (c == 0)
			return true;
		node = c < 0 ? node->left : node->right;
	}
	return false;
}

/* Divides a tree that has not the order into those before and those behind it. */
static void
split(struct node *tree, struct order order, struct node **before, struct node **behind)
{
	while (tree) {
		if (compare(order, tree->order) < 0) {
			*behind = tree;
			behind = &tree->left;
			tree = tree->left;
		} else {
			*before = tree;
			before = &tree->right;
			tree = tree->right;
		}
	}
	*before = NULL;
	*behind = NULL;
}

/* Puts together two trees of which all of before comes first. */
static void
join(struct node *before, struct node *behind, struct node **tree)
{
	while (before && behind) {
		if (before->priority >= behind->priority) {
			*tree = before;
			tree = &before->right;
			before = before->right;
		} else {
			*tree = behind;
			tree = &behind->left;
			behind = behind->left;
		}
	}
	*tree = before ? before : behind;
}

bool
ordered_add(struct ordered *set, struct order order)
{
	uint64_t priority = priority_of(order);
	struct node **place = &set->root;
	struct node *node;

	if (contains(set, order))
		return false;
	while (*place && (*place)->priority >= priority)
		place = compare(order, (*place)->order) < 0 ? &(*place)->left : &(*place)->right;
	node = memory_must(sizeof *node);
	*node = (struct node){ .order = order, .priority = priority };
	split(*place, order, &node->left, &node->right);
	*place = node;
	set->count++;
	return true;
}

bool
ordered_remove(struct ordered *set, struct order order)
{
	struct node **place = &set->root;
	struct node *node;

	for (node = *place; node; node = *place) {
		int c = compare(order, node->order);

		if (c == 0)
			break;
		place = c < 0 ? &node->left : &node->right;
	}
	if (!node)
		return false;
	join(node->left, node->right, place);
	free(node);
	set->count--;
	return true;
}

bool
ordered_first(const struct ordered *set, struct order *order)
{
	const struct node *node = set->root;

	if (!node)
		return false;
	while (node->left)
		node = node->left;
	*order = node->order;
	return true;
}

bool
ordered_last(const struct ordered *set, struct order *order)
{
	const struct node *node = set->root;

	if (!node)
		return false;
	while (node->right)
		node = node->right;
	*order = node->order;
	return true;
}

bool
ordered_next(const struct ordered *set, struct order after, struct order *order)
{
	const struct node *best = NULL;
	const struct node *node = set->root;

	while (node) {
		if (compare(after, node->order) < 0) {
			best = node;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	if (best)
		*order = best->order;
	return best != NULL;
}
