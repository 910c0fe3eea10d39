/* SPDX-License-Identifier: Apache-2.0
 * Open addressing with linear probing, and a scanner that knows just enough of JSON. */
#include "bench/driver/ids.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t
hash(const char *id)
{
	uint64_t sum = 0xcbf29ce484222325u;

	for (; *id != '\0'; id++)
		sum = (sum ^ (unsigned char)*id) * 0x100000001b3u;
	return sum ^ sum >> 29;
}

static size_t
slot_of(const struct instances *instances, const char *id)
{
	size_t mask = instances->capacity - 1, at = hash(id) & mask;

	while (instances->slots[at].id[0] != '\0' && strcmp(instances->slots[at].id, id) != 0)
		at = (at + 1) & mask;
	return at;
}

static void
grow(struct instances *instances)
{
	struct instances old = *instances;
	size_t i;

	instances->capacity = old.capacity > 0 ? old.capacity * 2 : 1024;
	instances->slots = calloc(instances->capacity, sizeof *instances->slots);
	if (instances->slots == NULL)
		abort();
	for (i = 0; i < old.capacity; i++)
		if (old.slots[i].id[0] != '\0')
			instances->slots[slot_of(instances, old.slots[i].id)] = old.slots[i];
	free(old.slots);
}

struct instance *
instances_get(struct instances *instances, const char *id, int left)
{
	struct instance *instance;

	if (instances->count * 2 >= instances->capacity)
		grow(instances);
	instance = &instances->slots[slot_of(instances, id)];
	if (instance->id[0] == '\0') {
		*instance = (struct instance){.left = left};
		snprintf(instance->id, ID_ROOM, "%s", id);
		instances->count++;
	}
	return instance;
}

/* Later entries of the run move up, so that no gravestone is needed. */
void
instances_remove(struct instances *instances, const char *id)
{
	size_t mask = instances->capacity - 1, hole = slot_of(instances, id), at, home;

	if (instances->slots[hole].id[0] == '\0')
		return;
	for (at = (hole + 1) & mask; instances->slots[at].id[0] != '\0'; at = (at + 1) & mask) {
		home = hash(instances->slots[at].id) & mask;
		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		instances->slots[hole] = instances->slots[at];
		hole = at;
	}
	instances->slots[hole] = (struct instance){0};
	instances->count--;
}

/* ---- replies -------------------------------------------------------------------------------------------- */

struct scan {
	const char *at;
	int depth;
	const char *text;	/* the last string, between its quotes */
	size_t length;
};

/* Moves behind the string that begins here. */
static void
pass_string(struct scan *scan)
{
	const char *end = scan->at, *slash;

	scan->text = scan->at + 1;
	do {
		end = strchrnul(end + 1, '"');
		for (slash = end; slash > scan->text && slash[-1] == '\\'; slash--)
			;
	} while (*end != '\0' && (end - slash) % 2 != 0);
	scan->length = (size_t)(end - scan->text);
	scan->at = *end != '\0' ? end + 1 : end;
}

static void
pass_space(struct scan *scan)
{
	while (*scan->at == ' ' || *scan->at == '\t' || *scan->at == '\r' || *scan->at == '\n')
		scan->at++;
}

static bool
is(const struct scan *scan, const char *name, size_t length)
{
	return scan->length == length && memcmp(scan->text, name, length) == 0;
}

/* Behind the name of a member: takes the value if it is a string. */
static void
take(struct scan *scan, char into[ID_ROOM])
{
	size_t length;

	scan->at++;
	pass_space(scan);
	if (*scan->at != '"')
		return;
	pass_string(scan);
	length = scan->length < ID_ROOM ? scan->length : 0;
	memcpy(into, scan->text, length);
	into[length] = '\0';
}

/* The two members of the next object that lies so deep. */
static bool
next_object(struct scan *scan, int depth, char id[ID_ROOM], char instance[ID_ROOM])
{
	id[0] = instance[0] = '\0';
	while (*scan->at != '\0') {
		if (*scan->at == '"') {
			pass_string(scan);
			if (scan->depth != depth)
				continue;
			pass_space(scan);
			if (*scan->at == ':' && is(scan, "id", 2))
				take(scan, id);
			else if (*scan->at == ':' && is(scan, "processInstanceId", 17))
				take(scan, instance);
			continue;
		}
		if (*scan->at == '{' || *scan->at == '[')
			scan->depth++;
		if (*scan->at == '}' || *scan->at == ']')
			scan->depth--;
		if (*scan->at++ == '}' && scan->depth == depth - 1)
			return true;
	}
	return false;
}

bool
ids_of_object(const char *text, char id[ID_ROOM])
{
	struct scan scan = {.at = text};
	char instance[ID_ROOM];

	return next_object(&scan, 1, id, instance) && id[0] != '\0';
}

bool
ids_next(const char **at, char id[ID_ROOM], char instance[ID_ROOM])
{
	struct scan scan = {.at = *at, .depth = 1};	/* in the array, behind an object */
	bool found;

	pass_space(&scan);
	if (*scan.at == '[')
		scan.at++;
	found = next_object(&scan, 2, id, instance) && id[0] != '\0' && instance[0] != '\0';
	*at = scan.at;
	return found;
}
