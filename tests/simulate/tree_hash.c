/* SPDX-License-Identifier: Apache-2.0
 * See tree_hash.h. */
#include "tests/simulate/tree_hash.h"

#include <string.h>

#include "tests/memory_store.h"

uint64_t
hash_number(uint64_t hash, int64_t number)
{
	hash ^= (uint64_t)number;
	hash *= UINT64_C(0x9E3779B97F4A7C15);
	return hash ^ (hash >> 29);
}

uint64_t
hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
	const char *at = bytes;
	int64_t word;

	hash = hash_number(hash, (int64_t)length);
	for (; length >= sizeof word; at += sizeof word, length -= sizeof word) {
		memcpy(&word, at, sizeof word);
		hash = hash_number(hash, word);
	}
	for (; length > 0; at++, length--)
		hash = hash_number(hash, *at);
	return hash;
}

uint64_t
hash_string(uint64_t hash, const char *text)
{
	return text ? hash_bytes(hash, text, strlen(text)) : hash_number(hash, -1);
}

static uint64_t
hash_value(uint64_t hash, const struct value *value)
{
	hash = hash_number(hash, value->type);
	hash = hash_number(hash, value->integer);
	hash = hash_bytes(hash, &value->real, sizeof value->real);
	return value->text ? hash_bytes(hash, value->text, value->length) : hash;
}

static uint64_t
hash_task(uint64_t hash, const struct external *task, bool locks)
{
	hash = hash_string(hash, task->topic);
	hash = hash_number(hash, task->retries);
	hash = hash_number(hash, task->priority);
	hash = hash_string(hash, task->message);
	if (!locks)
		return hash;
	hash = hash_string(hash, task->worker);
	hash = hash_number(hash, task->locked_us);
	hash = hash_number(hash, task->until_us);
	return hash_number(hash, task->expiries);
}

static uint64_t
hash_human(uint64_t hash, const struct human *human)
{
	hash = hash_string(hash, human->name);
	hash = hash_string(hash, human->assignee);
	hash = hash_number(hash, human->priority);
	hash = hash_number(hash, human->due_us);
	return hash_number(hash, (int64_t)(human->users.count + human->groups.count));
}

static uint64_t
hash_job(uint64_t hash, const struct job *job)
{
	hash = hash_number(hash, job->id);
	hash = hash_number(hash, job->kind);
	hash = hash_number(hash, job->key);
	hash = hash_number(hash, job->due_us);
	hash = hash_number(hash, job->retries);
	hash = hash_string(hash, job->cycle);
	hash = hash_string(hash, job->message);
	return hash_number(hash, job->failed_key);
}

static uint64_t
hash_belongings(uint64_t hash, const struct activity *at)
{
	for (const struct variable *variable = at->variables; variable; variable = variable->next) {
		if (variable->value.transient)
			continue;
		hash = hash_number(hash, variable->id);
		hash = hash_string(hash, variable->name);
		hash = hash_value(hash, &variable->value);
	}
	for (const struct job *job = at->jobs; job; job = job->next)
		hash = hash_job(hash, job);
	for (const struct incident *incident = at->incidents; incident; incident = incident->next) {
		hash = hash_number(hash, incident->id);
		hash = hash_number(hash, incident->configuration);
		hash = hash_string(hash, incident->message);
	}
	return hash;
}

uint64_t
tree_hash(const struct tree *tree, bool locks)
{
	const struct instance *root = tree->root;
	uint64_t hash = 1;

	if (!root || root->activity.closed)
		return 0;
	hash = hash_string(hash, root->business_key);
	hash = hash_number(hash, root->suspended);
	hash = hash_number(hash, root->definition->id);
	for (const struct activity *at = memory_walk(tree, NULL); at; at = memory_walk(tree, at)) {
		hash = hash_number(hash, at->id);
		hash = hash_number(hash, at->parent);
		hash = hash_number(hash, at->node->key);
		hash = hash_number(hash, at->state);
		hash = hash_number(hash, at->flow);
		hash = hash_number(hash, at->started_us);
		if (at->external.topic)
			hash = hash_task(hash, &at->external, locks);
		if (at->human)
			hash = hash_human(hash, at->human);
		hash = hash_belongings(hash, at);
	}
	return hash;
}
