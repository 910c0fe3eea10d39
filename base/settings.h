/* SPDX-License-Identifier: Apache-2.0
 * Settings as rows of settings.def: each is a member of struct settings. */
#ifndef BASE_SETTINGS_H
#define BASE_SETTINGS_H

#include "base/text.h"
#include "base/error.h"

#define SETTING_text(name) const char *name;
#define SETTING_flag(name) bool name;
#define SETTING_num(name) int64_t name;
struct settings {
#define SETTING(type, name, initial, min, max, help) SETTING_##type(name)
#include "base/settings.def"
#undef SETTING
};

/* Fills in the defaults. */
void settings_init(struct settings *settings);

/* Sets one by name from text; E_invalid_request names the setting, the value and what is allowed.
 * Flags take on/off, true/false, yes/no, 1/0.  The text is copied into the arena. */
enum status settings_set(struct settings *settings, struct arena *arena, const char *name,
	const char *text, struct error *err) MUST_CHECK;

/* Every BPMND_NAME of the environment. */
enum status settings_environment(struct settings *settings, struct arena *arena, struct error *err) MUST_CHECK;

/* A file of `name = value` lines, # comments; the error names file and line. */
enum status settings_file(struct settings *settings, struct arena *arena, const char *path,
	struct error *err) MUST_CHECK;

/* The table for `bpmnd print settings`. */
void settings_describe(struct text *text);

#endif
