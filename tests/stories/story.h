/* SPDX-License-Identifier: Apache-2.0
 * A story file, read: see README.md beside this file for what it may say. */
#ifndef TESTS_STORIES_STORY_H
#define TESTS_STORIES_STORY_H

#include "base/value.h"

struct words {
	size_t count;
	const char *const *list;	/* as written, quotes included */
};

struct step {
	int line;
	const char *only;		/* driver it is for, or NULL */
	const char *verb;
	struct words words;		/* what follows, without clauses */
	/* clauses; NULL or empty when not given */
	const char *as, *of, *by, *key, *message, *refused, *retries, *timeout, *most;
	struct entries with, locally, where;
	struct words gets;
};

struct story {
	const char *title;
	int line;
	size_t count;
	const struct step *steps;
};

struct stories {
	size_t count;
	const struct story *list;
};

/* Everything lives in the arena; err->line says where the file is wrong. */
enum status stories_read(struct arena *arena, const char *text, struct stories *stories, struct error *err) MUST_CHECK;

/* A word as a value: JSON, or else the word itself as text.  And as text: without its quotes. */
struct value word_value(struct arena *arena, const char *word);
const char *word_text(struct arena *arena, const char *word);

/* Words x=1 as entries; E_invalid_request when one is not of that form. */
enum status words_entries(struct arena *arena, const struct words *words, size_t from, struct entries *entries,
	struct error *err) MUST_CHECK;

#endif
