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

/* Behind the string that begins at the quote; what is between goes to *text, *length. */
static const char *
read_string(const char *quote, const char **text, size_t *length)
{
	const char *at = quote + 1;

	while (*at != '\0' && *at != '"')
		at += at[0] == '\\' && at[1] != '\0' ? 2 : 1;
	*text = quote + 1;
	*length = (size_t)(at - *text);
	return *at != '\0' ? at + 1 : at;
}

static bool
is(const char *text, size_t length, const char *name)
{
	return name != NULL && strlen(name) == length && memcmp(text, name, length) == 0;
}

static void
take(char into[ID_ROOM], const char *value)
{
	const char *text;
	size_t length;

	if (*value != '"')
		return;
	read_string(value, &text, &length);
	snprintf(into, ID_ROOM, "%.*s", (int)length, text);
}

bool
ids_next(const char **at, int depth, const char *first, char into_first[ID_ROOM], const char *second,
	char into_second[ID_ROOM])
{
	const char *p = *at, *text;
	int level = depth - 1;	/* *at is the text's beginning, or behind an object */
	size_t length;

	if (depth == 2 && *p == '[')
		p++;
	into_first[0] = '\0';
	if (second != NULL)
		into_second[0] = '\0';
	while (*p != '\0') {
		if (*p == '"') {
			p = read_string(p, &text, &length);
			if (level != depth || *p != ':')
				continue;
			if (is(text, length, first))
				take(into_first, p + 1);
			else if (is(text, length, second))
				take(into_second, p + 1);
			continue;
		}
		if (*p == '{' || *p == '[')
			level++;
		if (*p == '}' || *p == ']')
			level--;
		p++;
		if (level == depth - 1 && p[-1] == '}') {
			*at = p;
			return true;
		}
	}
	return false;
}
