/* SPDX-License-Identifier: Apache-2.0
 * Which definition a start meant a moment ago, by its path, so that the next one need not ask the database.  An answer
 * is forgotten at once when this daemon changes definitions, and after a second in any case: another may have. */
#ifndef API_RECENT_H
#define API_RECENT_H

#include "store/store.h"

struct recent;

struct recent *recent_new(void);
void recent_free(struct recent *recent);

/* Whether the path is known at this monotonic time, and what it meant.  From any thread, like all that follows. */
bool recent_find(struct recent *recent, const char *path, int64_t now_us, struct found_definition *found);

/* Before the database is asked: what it answers may be learned with the ticket, unless definitions change meanwhile. */
int64_t recent_ticket(struct recent *recent);
void recent_learn(struct recent *recent, int64_t ticket, const char *path, int64_t now_us,
	const struct found_definition *found);

/* Definitions have changed: after the commit, before anybody is told. */
void recent_forget(struct recent *recent);

#endif
