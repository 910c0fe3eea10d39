/* SPDX-License-Identifier: Apache-2.0
 * The sim driver's state while it tells a story: the diagram, the instances by name, what was fetched. */
#ifndef TESTS_STORIES_TELLER_H
#define TESTS_STORIES_TELLER_H

#include "tests/engine/sim.h"
#include "tests/stories/story.h"

struct actor {				/* an instance, in an engine of its own */
	const char *name;		/* or NULL */
	struct sim *sim;
};

struct fetched {			/* a task as its worker got it */
	struct actor *actor;
	int64_t activity;
	const struct node *node;
	struct entries variables;
};

struct teller {
	struct arena *arena;
	const char *folder;
	const char *file, *xml;		/* deployed last */
	size_t xml_length;
	struct sim *deployed;		/* only its definition is used */
	struct actor **actors;		/* in order of their start */
	size_t actor_count, actor_capacity;
	struct fetched *fetched;	/* of the last fetch */
	size_t fetched_count;
	int64_t now_us;			/* the clock of all instances */
};

void teller_init(struct teller *teller, struct arena *arena, const char *folder);
void teller_done(struct teller *teller);

/* One step; the error says what was expected and what came. */
enum status teller_step(struct teller *teller, const struct step *step, struct error *err) MUST_CHECK;
enum status teller_expect(struct teller *teller, const struct step *step, struct error *err) MUST_CHECK;

/* The instance the step is about. */
enum status teller_actor(struct teller *teller, const struct step *step, struct actor **actor, struct error *err)
	MUST_CHECK;

/* Whether all wanted entries are among those there, by value. */
bool entries_within(struct arena *arena, const struct entries *wanted, const struct entries *there);
/* The value as JSON; objects and Json values opened. */
const char *value_as_json(struct arena *arena, const struct value *value);

/* Compares lists in any order; E_engine and both when they differ.  "nothing" alone is the empty list. */
enum status compare_lists(struct arena *arena, const struct words *wanted, size_t from, const char **got, size_t count,
	struct error *err) MUST_CHECK;

#endif
