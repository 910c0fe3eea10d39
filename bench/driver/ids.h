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
};

struct instances {
	struct instance *slots;	/* an empty id is a free one */
	size_t capacity, count;
};

/* The instance with that id, made with so much left when it is not there. */
struct instance *instances_get(struct instances *instances, const char *id, int left);
void instances_remove(struct instances *instances, const char *id);

/* The string members `first` and `second` (NULL: none) of the next object at that depth of a JSON text: 1 is the text's
 * own object, 2 one in its array.  *at moves on; false when there is none any more. */
bool ids_next(const char **at, int depth, const char *first, char into_first[ID_ROOM], const char *second,
	char into_second[ID_ROOM]);

#endif
