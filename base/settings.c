/* SPDX-License-Identifier: Apache-2.0
 * Settings: one row of settings.def each, set by name. */
#include "base/settings.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/describe.h"

enum {
	LINE_BYTES = 4096,	/* longest line of a file */
	VALUE_SHOWN = 100,	/* bytes of a wrong value in a message */
};

enum kind { KIND_text, KIND_flag, KIND_num };

struct row {
	enum kind kind;
	const char *name, *help;
	size_t offset;		/* of the member in struct settings */
	int64_t min, max;
};

static const struct row rows[] = {
#define SETTING(type, name_, initial, min_, max_, help_) \
	{ .kind = KIND_##type, .name = #name_, .help = help_, .offset = offsetof(struct settings, name_), \
	  .min = min_, .max = max_ },
#include "base/settings.def"
#undef SETTING
};
enum { ROWS = sizeof rows / sizeof *rows };

void
settings_init(struct settings *settings)
{
	*settings = (struct settings){
#define SETTING(type, name, initial, min, max, help) .name = initial,
#include "base/settings.def"
#undef SETTING
	};
}

static const struct row *
row_find(const char *name)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}

static bool
read_flag(const char *text, bool *flag)
{
	static const struct {
		const char *text;
		bool flag;
	} words[] = {
		{ "on", true }, { "true", true }, { "yes", true }, { "1", true },
		{ "off", false }, { "false", false }, { "no", false }, { "0", false },
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcasecmp(words[i].text, text) == 0) {
			*flag = words[i].flag;
			return true;
		}
	}
	return false;
}

static enum status
set_flag(bool *member, const struct row *row, const char *text, struct error *err)
{
	if (read_flag(text, member))
		return OK;
	return FAIL(err, invalid_request, "setting '%s' is '%.*s', allowed are on, true, yes, 1, off, false, no, 0",
		row->name, (int)VALUE_SHOWN, text);
}

static enum status
set_num(int64_t *member, const struct row *row, const char *text, struct error *err)
{
	int64_t number;

	if (text_to_int(text, &number) && number >= row->min && number <= row->max) {
		*member = number;
		return OK;
	}
	return FAIL(err, invalid_request, "setting '%s' is '%.*s', allowed are numbers from %" PRId64 " to %" PRId64,
		row->name, (int)VALUE_SHOWN, text, row->min, row->max);
}

static enum status
set_text(const char **member, struct arena *arena, const struct row *row, const char *text, struct error *err)
{
	if (!text_is_utf8(text, strlen(text)))
		return FAIL(err, invalid_request, "setting '%s' is not UTF-8, allowed is any UTF-8 text", row->name);
	*member = arena_strdup(arena, text);
	return OK;
}

enum status
settings_set(struct settings *settings, struct arena *arena, const char *name, const char *text,
	struct error *err)
{
	const struct row *row = row_find(name);
	char *member;

	if (!row)
		return FAIL(err, invalid_request, "there is no setting '%.*s'", (int)VALUE_SHOWN, name);
	member = (char *)settings + row->offset;
	switch (row->kind) {
	case KIND_text:
		return set_text((const char **)(void *)member, arena, row, text, err);
	case KIND_flag:
		return set_flag((bool *)(void *)member, row, text, err);
	case KIND_num:
		return set_num((int64_t *)(void *)member, row, text, err);
	}
	return OK;
}

/* Other variables that begin with BPMND_ are let be: they may be anybody's. */
enum status
settings_environment(struct settings *settings, struct arena *arena, struct error *err)
{
	for (size_t i = 0; i < ROWS; i++) {
		char variable[80];
		const char *text;

		snprintf(variable, sizeof variable, "BPMND_%s", rows[i].name);
		for (char *c = variable; *c; c++)
			*c = (char)toupper((unsigned char)*c);
		text = getenv(variable);
		if (text)
			TRY(settings_set(settings, arena, rows[i].name, text, err));
	}
	return OK;
}

/* Takes the blanks off both ends, in place. */
static char *
trim(char *text)
{
	size_t length;

	while (isspace((unsigned char)*text))
		text++;
	length = strlen(text);
	while (length > 0 && isspace((unsigned char)text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

/* One line of a file.  A # begins a comment only at the start, since a password may have one. */
static enum status
read_line(struct settings *settings, struct arena *arena, char *line, struct error *err)
{
	char *equals;

	line = trim(line);
	if (!*line || *line == '#')
		return OK;
	equals = strchr(line, '=');
	if (!equals)
		return FAIL(err, invalid_request, "not of the form name = value");
	*equals = '\0';
	return settings_set(settings, arena, trim(line), trim(equals + 1), err);
}

/* One line with its end; false at the end of the file. */
static bool
take_line(FILE *file, char line[LINE_BYTES], size_t *length)
{
	int c = 0;

	for (*length = 0; *length < LINE_BYTES - 1 && c != '\n' && (c = getc(file)) != EOF;)
		line[(*length)++] = (char)c;
	line[*length] = '\0';
	return *length > 0;
}

static enum status
read_lines(struct settings *settings, struct arena *arena, FILE *file, int *number, struct error *err)
{
	char line[LINE_BYTES];
	size_t length;

	while (take_line(file, line, &length)) {
		++*number;
		if (strlen(line) < length)
			return FAIL(err, invalid_request, "the line has a NUL byte");
		if (length == sizeof line - 1 && line[length - 1] != '\n')
			return FAIL(err, invalid_request, "the line is longer than %d bytes", LINE_BYTES - 2);
		TRY(read_line(settings, arena, line, err));
	}
	if (ferror(file))
		return FAIL(err, invalid_request, "cannot read on: %s", strerror(errno));
	return OK;
}

enum status
settings_file(struct settings *settings, struct arena *arena, const char *path, struct error *err)
{
	struct settings read = *settings;
	struct error cause;
	enum status status;
	int number = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		return FAIL(err, invalid_request, "cannot open '%s': %s", path, strerror(errno));
	status = read_lines(&read, arena, file, &number, &cause);
	fclose(file);
	if (status != OK)
		return FAIL(err, invalid_request, "%s:%d: %s", path, number, cause.message);
	*settings = read;
	return OK;
}

static const char *
show_default(struct arena *arena, const struct settings *settings, const struct row *row)
{
	const char *member = (const char *)settings + row->offset;

	switch (row->kind) {
	case KIND_text:
		return *(const char *const *)(const void *)member;
	case KIND_flag:
		return *(const bool *)(const void *)member ? "on" : "off";
	case KIND_num:
		return arena_printf(arena, "%" PRId64, *(const int64_t *)(const void *)member);
	}
	return "";
}

static const char *
show_allowed(struct arena *arena, const struct row *row)
{
	switch (row->kind) {
	case KIND_text:
		return "text";
	case KIND_flag:
		return "on, off";
	case KIND_num:
		return arena_printf(arena, "%" PRId64 " to %" PRId64, row->min, row->max);
	}
	return "";
}

void
settings_describe(struct text *text)
{
	static const char *const head[] = { "setting", "default", "allowed", "help" };
	const char *cells[ROWS * 4];
	struct settings settings;

	settings_init(&settings);
	for (size_t i = 0; i < ROWS; i++) {
		cells[i * 4] = rows[i].name;
		cells[i * 4 + 1] = show_default(text->arena, &settings, &rows[i]);
		cells[i * 4 + 2] = show_allowed(text->arena, &rows[i]);
		cells[i * 4 + 3] = rows[i].help;
	}
	describe_table(text, head, cells, 4, ROWS);
}
