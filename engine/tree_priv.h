/* SPDX-License-Identifier: Apache-2.0
 * What tree.c and apply.c share: things enter and leave a tree here, and nowhere else. */
#ifndef ENGINE_TREE_PRIV_H
#define ENGINE_TREE_PRIV_H

#include "engine/engine.h"

/* Lists of variables, jobs, incidents and instances: next ends with NULL, prev of the first is the last, so that
 * appending is O(1) without a second pointer.  What is unlinked keeps its own links; as effects are taken back
 * strictly last first, they are right again when it is relinked. */
#define LIST_APPEND(head, item) \
	do { \
		(item)->next = NULL; \
		if ((head) == NULL) { \
			(item)->prev = (item); \
			(head) = (item); \
		} else { \
			(item)->prev = (head)->prev; \
			(head)->prev->next = (item); \
			(head)->prev = (item); \
		} \
	} while (0)

#define LIST_UNLINK(head, item) \
	do { \
		if ((item)->next != NULL) \
			(item)->next->prev = (item)->prev; \
		else \
			(head)->prev = (item)->prev; \
		if ((head) == (item)) \
			(head) = (item)->next; \
		else \
			(item)->prev->next = (item)->next; \
	} while (0)

/* It was the first when its successor, which may be NULL, is the first now. */
#define LIST_RELINK(head, item) \
	do { \
		if ((head) == (item)->next) \
			(head) = (item); \
		else \
			(item)->prev->next = (item); \
		if ((item)->next != NULL) \
			(item)->next->prev = (item); \
		else \
			(head)->prev = (item); \
	} while (0)

/* Sizes as live_bytes counts them: the same before and after being unlinked. */
size_t external_bytes(const struct external *external);
size_t human_bytes(const struct human *human);		/* NULL allowed */
size_t activity_bytes(const struct activity *activity);	/* with its variables */
size_t variable_bytes(const struct variable *variable);
size_t job_bytes(const struct job *job);
size_t incident_bytes(const struct incident *incident);
size_t instance_bytes(const struct instance *instance);	/* without its own activity */

/* Copies of what an effect or a row carries, into the arena of the tree. */
struct external external_copy(struct arena *arena, const struct external *from);
struct human *human_copy(struct arena *arena, const struct human *from);	/* NULL gives NULL */

/* Whether a variable can hold it: lists and maps live while an expression computes, and are stored serialised. */
bool value_stored(const struct value *value);

/* No task: no topic, no lock, no failure. */
struct external external_none(void);

/* Something new, from a row whose pointers are ignored; E_internal, and nothing changed, when it does not fit. */
enum status tree_open_instance(struct tree *tree, const struct instance *row, int64_t definition,
	struct instance **opened, struct error *err) MUST_CHECK;
enum status tree_open_activity(struct tree *tree, const struct activity *row, int64_t instance, int64_t key,
	struct activity **opened, struct error *err) MUST_CHECK;
enum status tree_open_variable(struct tree *tree, const struct variable *row, struct variable **opened,
	struct error *err) MUST_CHECK;
enum status tree_open_job(struct tree *tree, const struct job *row, struct job **opened,
	struct error *err) MUST_CHECK;
enum status tree_open_incident(struct tree *tree, const struct incident *row, struct incident **opened,
	struct error *err) MUST_CHECK;

/* Out of lists, maps and counts, and exactly back again, last out first in. */
void tree_detach_instance(struct tree *tree, struct instance *instance);
void tree_attach_instance(struct tree *tree, struct instance *instance);
void tree_detach_activity(struct tree *tree, struct activity *activity);
void tree_attach_activity(struct tree *tree, struct activity *activity);
void tree_detach_variable(struct tree *tree, struct variable *variable);
void tree_attach_variable(struct tree *tree, struct variable *variable);
void tree_detach_job(struct tree *tree, struct job *job);
void tree_attach_job(struct tree *tree, struct job *job);
void tree_detach_incident(struct tree *tree, struct incident *incident);
void tree_attach_incident(struct tree *tree, struct incident *incident);

struct incident *tree_incident(const struct tree *tree, int64_t id);
struct variable *tree_own_variable(const struct activity *scope, const char *name);

/* The next one below top, depth first, children in order of opening; NULL after the last.  Starts with top. */
struct activity *activity_walk(struct activity *top, struct activity *at);

#endif
