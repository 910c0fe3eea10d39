/* SPDX-License-Identifier: Apache-2.0
 * From a story file to steps: words, then a verb with its words and clauses. */
#include "tests/stories/story.h"

#include <stddef.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"

/* ---- words ----------------------------------------------------------------------------------------------- */

struct list {
	const char **words;
	size_t count, capacity;
};

/* One word: up to a blank that is in no quotes and no brackets, so that x=["a b", 1] is one. */
static const char *
end_of_word(const char *at)
{
	bool quoted = false;
	int depth = 0;

	for (; *at != '\0' && *at != '\n'; at++) {
		if (quoted && *at == '\\' && at[1] != '\0')
			at++;
		else if (*at == '"')
			quoted = !quoted;
		else if (!quoted && (*at == '[' || *at == '{'))
			depth++;
		else if (!quoted && (*at == ']' || *at == '}'))
			depth--;
		else if (!quoted && depth <= 0 && (*at == ' ' || *at == '\t'))
			break;
	}
	return at;
}

/* The words of the line at *text, which moves to the next line. */
static void
split_line(struct arena *arena, const char **text, struct list *line)
{
	const char *at = *text, *end;

	line->count = 0;
	while (*at != '\0' && *at != '\n') {
		if (*at == ' ' || *at == '\t') {
			at++;
			continue;
		}
		if (*at == '#')
			break;
		end = end_of_word(at);
		line->words = arena_grow(arena, line->words, sizeof(const char *), line->count, &line->capacity);
		line->words[line->count++] = arena_strndup(arena, at, (size_t)(end - at));
		at = end;
	}
	at += strcspn(at, "\n");
	*text = *at == '\n' ? at + 1 : at;
}

struct value
word_value(struct arena *arena, const char *word)
{
	struct value value;
	struct error ignored;

	if (json_read(arena, word, strlen(word), &json_default_limits, &value, &ignored) != OK)
		return value_string(arena_strdup(arena, word));
	return value;
}

const char *
word_text(struct arena *arena, const char *word)
{
	struct value value;

	if (word[0] != '"')
		return word;
	value = word_value(arena, word);
	return value.type == VALUE_string ? value.text : word;
}

enum status
words_entries(struct arena *arena, const struct words *words, size_t from, struct entries *entries, struct error *err)
{
	size_t i, count = words->count - from;
	struct entry *list = ARENA_ARRAY(arena, struct entry, count);
	const char *word, *equals;

	for (i = 0; i < count; i++) {
		word = words->list[from + i];
		equals = strchr(word, '=');
		if (equals == NULL || equals == word)
			return FAIL(err, invalid_request, "'%s' is not of the form name=value", word);
		list[i].name = arena_strndup(arena, word, (size_t)(equals - word));
		list[i].value = word_value(arena, equals + 1);
	}
	*entries = (struct entries){.count = count, .list = list};
	return OK;
}

/* ---- steps ----------------------------------------------------------------------------------------------- */

enum clause_kind { CLAUSE_text, CLAUSE_entries, CLAUSE_words };

static const struct clause {
	const char *name;
	enum clause_kind kind;
	size_t offset;
} clauses[] = {
	{"as", CLAUSE_text, offsetof(struct step, as)},
	{"of", CLAUSE_text, offsetof(struct step, of)},
	{"by", CLAUSE_text, offsetof(struct step, by)},
	{"key", CLAUSE_text, offsetof(struct step, key)},
	{"message", CLAUSE_text, offsetof(struct step, message)},
	{"refused", CLAUSE_text, offsetof(struct step, refused)},
	{"retries", CLAUSE_text, offsetof(struct step, retries)},
	{"timeout", CLAUSE_text, offsetof(struct step, timeout)},
	{"most", CLAUSE_text, offsetof(struct step, most)},
	{"with", CLAUSE_entries, offsetof(struct step, with)},
	{"locally", CLAUSE_entries, offsetof(struct step, locally)},
	{"where", CLAUSE_entries, offsetof(struct step, where)},
	{"gets", CLAUSE_words, offsetof(struct step, gets)},
};

static const struct clause *
find_clause(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof clauses / sizeof clauses[0]; i++)
		if (text_equal(word, clauses[i].name))
			return &clauses[i];
	return NULL;
}

/* Words from *at up to the next clause. */
static struct words
run_of_words(struct arena *arena, const struct list *line, size_t *at)
{
	struct words words = {0};
	size_t from = *at;

	while (*at < line->count && find_clause(line->words[*at]) == NULL)
		(*at)++;
	words.count = *at - from;
	words.list = arena_copy(arena, line->words + from, words.count * sizeof(const char *));
	return words;
}

static enum status
read_clause(struct arena *arena, const struct list *line, size_t *at, struct step *step, struct error *err)
{
	const struct clause *clause = find_clause(line->words[(*at)++]);
	void *place = (char *)step + clause->offset;
	struct words words;

	if (clause->kind == CLAUSE_text) {
		if (*at == line->count)
			return FAIL(err, invalid_request, "'%s' wants a word", clause->name);
		*(const char **)place = word_text(arena, line->words[(*at)++]);
		return OK;
	}
	words = run_of_words(arena, line, at);
	if (words.count == 0)
		return FAIL(err, invalid_request, "'%s' wants words", clause->name);
	if (clause->kind == CLAUSE_entries)
		return words_entries(arena, &words, 0, place, err);
	*(struct words *)place = words;
	return OK;
}

static enum status
read_step(struct arena *arena, const struct list *line, struct step *step, struct error *err)
{
	size_t at = 0;

	if (text_equal(line->words[0], "only")) {
		if (line->count < 3)
			return FAIL(err, invalid_request, "'only' wants a driver and a step");
		step->only = line->words[1];
		at = 2;
	}
	step->verb = line->words[at++];
	step->words = run_of_words(arena, line, &at);
	while (at < line->count) {
		if (find_clause(line->words[at]) == NULL)
			return FAIL(err, invalid_request, "'%s' stands behind a clause", line->words[at]);
		TRY(read_clause(arena, line, &at, step, err));
	}
	return OK;
}

/* ---- the file --------------------------------------------------------------------------------------------- */

struct reading {
	struct arena *arena;
	struct story *stories;
	size_t story_count, story_capacity;
	struct step *steps;		/* of the story that is open */
	size_t step_count, step_capacity;
};

static void
close_story(struct reading *reading)
{
	struct story *story;

	if (reading->story_count == 0)
		return;
	story = &reading->stories[reading->story_count - 1];
	story->steps = reading->steps;
	story->count = reading->step_count;
	reading->steps = NULL;
	reading->step_count = reading->step_capacity = 0;
}

static enum status
read_line(struct reading *reading, const struct list *line, int number, struct error *err)
{
	struct step *step;

	if (text_equal(line->words[0], "story")) {
		if (line->count != 2)
			return FAIL(err, invalid_request, "'story' wants a title in quotes");
		close_story(reading);
		reading->stories = arena_grow(reading->arena, reading->stories, sizeof *reading->stories,
			reading->story_count, &reading->story_capacity);
		reading->stories[reading->story_count++] = (struct story){
			.title = word_text(reading->arena, line->words[1]),
			.line = number,
		};
		return OK;
	}
	if (reading->story_count == 0)
		return FAIL(err, invalid_request, "a step stands before the first 'story'");
	reading->steps = arena_grow(reading->arena, reading->steps, sizeof *reading->steps, reading->step_count,
		&reading->step_capacity);
	step = &reading->steps[reading->step_count++];
	*step = (struct step){.line = number};
	return read_step(reading->arena, line, step, err);
}

enum status
stories_read(struct arena *arena, const char *text, struct stories *stories, struct error *err)
{
	struct reading reading = {.arena = arena};
	struct list line = {0};
	enum status status;
	int number;

	for (number = 1; *text != '\0'; number++) {
		split_line(arena, &text, &line);
		if (line.count == 0)
			continue;
		status = read_line(&reading, &line, number, err);
		if (status != OK) {
			err->line = number;
			return status;
		}
	}
	close_story(&reading);
	if (reading.story_count == 0)
		return FAIL(err, invalid_request, "no story in the file");
	*stories = (struct stories){.count = reading.story_count, .list = reading.stories};
	return OK;
}
