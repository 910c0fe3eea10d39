/* SPDX-License-Identifier: Apache-2.0
 * The instances that are open, by id, and how much of each is left to do; and ids found in replies. */
#ifndef BENCH_DRIVER_IDS_H
#define BENCH_DRIVER_IDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ID_ROOM = 64 };		/* decimal numbers and UUIDs, with the NUL */

struct instance {
	char id[ID_ROOM];
	int64_t begun_us;	/* due or sent; 0: the reply to its start is still on its way */
	int left;		/* completions */
	bool given_up;		/* one of them failed for good, so it will not end in this run */
};

struct instances {
	struct instance *slots;	/* an empty id is a free one */
	size_t capacity, count;
};

/* The instance with that id, made with so much left when it is not there. */
struct instance *instances_get(struct instances *instances, const char *id, int left);
void instances_remove(struct instances *instances, const char *id);

/* The member "id" of a JSON object; false when it has none that is a string. */
bool ids_of_object(const char *text, char id[ID_ROOM]);

/* The members "id" and "processInstanceId" of the next object in a JSON array.  *at is the text's beginning at first,
 * and moves on; false when there is no such object any more. */
bool ids_next(const char **at, char id[ID_ROOM], char instance[ID_ROOM]);

#endif
