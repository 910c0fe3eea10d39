/* SPDX-License-Identifier: Apache-2.0
 * Settings: defaults, by name, from the environment and from a file; what is refused says why. */
#include "base/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/base/run.h"

static struct settings settings;
static struct error err;

static enum status
set(struct arena *arena, const char *name, const char *text)
{
	return settings_set(&settings, arena, name, text, &err);
}

START_TEST(defaults_are_allowed)
{
	struct arena *arena = arena_new();

	settings_init(&settings);
#define SHOW_text(name) (settings.name)
#define SHOW_flag(name) (settings.name ? "on" : "off")
#define SHOW_num(name) arena_printf(arena, "%lld", (long long)settings.name)
#define SETTING(type, name, initial, min, max, help) \
	ck_assert_msg(set(arena, #name, SHOW_##type(name)) == OK, "%s", err.message);
#include "base/settings.def"
#undef SETTING
	ck_assert_str_eq(settings.listen, "127.0.0.1:8080");
	ck_assert(settings.executor);
	ck_assert_int_eq(settings.lock_expiries, 10);
	arena_free(arena);
}
END_TEST

/* Each limit is allowed, one beyond it is not, and then nothing has changed. */
START_TEST(limits)
{
	struct arena *arena = arena_new();

	settings_init(&settings);
#define TRY_text(name, min, max)
#define TRY_flag(name, min, max)
#define TRY_num(name, min, max) \
	ck_assert_int_eq(set(arena, #name, arena_printf(arena, "%lld", (long long)(min))), OK); \
	ck_assert_int_eq(settings.name, min); \
	ck_assert_int_eq(set(arena, #name, arena_printf(arena, "%lld", (long long)(max))), OK); \
	ck_assert_int_eq(set(arena, #name, arena_printf(arena, "%lld", (long long)(max) + 1)), E_invalid_request); \
	ck_assert_int_eq(set(arena, #name, arena_printf(arena, "%lld", (long long)(min) - 1)), E_invalid_request); \
	ck_assert_int_eq(settings.name, max);
#define SETTING(type, name, initial, min, max, help) TRY_##type(name, min, max)
#include "base/settings.def"
#undef SETTING
	arena_free(arena);
}
END_TEST

START_TEST(what_is_refused)
{
	struct arena *arena = arena_new();

	settings_init(&settings);
	ck_assert_int_eq(set(arena, "no_such_thing", "1"), E_invalid_request);
	ck_assert_ptr_nonnull(strstr(err.message, "no_such_thing"));
	ck_assert_int_eq(set(arena, "lanes", "two"), E_invalid_request);
	ck_assert_ptr_nonnull(strstr(err.message, "'lanes' is 'two'"));
	ck_assert_ptr_nonnull(strstr(err.message, "1 to 16"));
	ck_assert_int_eq(set(arena, "lanes", "1.5"), E_invalid_request);
	ck_assert_int_eq(set(arena, "lanes", ""), E_invalid_request);
	ck_assert_int_eq(set(arena, "executor", "perhaps"), E_invalid_request);
	ck_assert_int_eq(set(arena, "listen", "\xff"), E_invalid_request);
	ck_assert_int_eq(settings.lanes, 1);
	arena_free(arena);
}
END_TEST

START_TEST(flags)
{
	static const char *const on[] = { "on", "TRUE", "yes", "1" }, *const off[] = { "off", "False", "no", "0" };
	struct arena *arena = arena_new();

	settings_init(&settings);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(set(arena, "executor", off[i]), OK);
		ck_assert(!settings.executor);
		ck_assert_int_eq(set(arena, "executor", on[i]), OK);
		ck_assert(settings.executor);
	}
	arena_free(arena);
}
END_TEST

START_TEST(environment)
{
	struct arena *arena = arena_new();

	settings_init(&settings);
	setenv("BPMND_LANES", "4", 1);
	setenv("BPMND_LISTEN", "0.0.0.0:1", 1);
	setenv("BPMND_SOMETHING_ELSE", "x", 1);
	ck_assert_int_eq(settings_environment(&settings, arena, &err), OK);
	ck_assert_int_eq(settings.lanes, 4);
	ck_assert_str_eq(settings.listen, "0.0.0.0:1");
	setenv("BPMND_LANES", "many", 1);
	ck_assert_int_eq(settings_environment(&settings, arena, &err), E_invalid_request);
	arena_free(arena);
}
END_TEST

/* Reads a file with that content. */
static enum status
read_bytes(struct arena *arena, const char *content, size_t length)
{
	char path[] = "settings.XXXXXX";
	int fd = mkstemp(path);
	enum status status;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, content, length), (ssize_t)length);
	close(fd);
	status = settings_file(&settings, arena, path, &err);
	unlink(path);
	return status;
}

static enum status
read_file(struct arena *arena, const char *content)
{
	return read_bytes(arena, content, strlen(content));
}

START_TEST(files)
{
	struct arena *arena = arena_new();
	char *line = arena_alloc(arena, 5001);

	settings_init(&settings);
	ck_assert_int_eq(read_file(arena, "# a comment\n\n  lanes =  3  \r\ndatabase=host=/tmp user=a#b\nexecutor = "
		"off"), OK);
	ck_assert_int_eq(settings.lanes, 3);
	ck_assert_str_eq(settings.database, "host=/tmp user=a#b");
	ck_assert(!settings.executor);
	/* nothing of a file that is wrong counts */
	ck_assert_int_eq(read_file(arena, "lanes = 5\n\nlanes : 6\n"), E_invalid_request);
	ck_assert_ptr_nonnull(strstr(err.message, ":3: "));
	ck_assert_int_eq(settings.lanes, 3);
	memset(line, 'x', 5000);
	ck_assert_int_eq(read_file(arena, line), E_invalid_request);
	memcpy(line, "log_level = info\0\nlanes = 7\n", 27);
	ck_assert_int_eq(read_bytes(arena, line, 27), E_invalid_request);
	ck_assert_ptr_nonnull(strstr(err.message, ":1: the line has a NUL byte"));
	ck_assert_int_eq(settings.lanes, 3);
	ck_assert_int_eq(settings_file(&settings, arena, "does/not/exist", &err), E_invalid_request);
	ck_assert_ptr_nonnull(strstr(err.message, "does/not/exist"));
	ck_assert_int_eq(read_file(arena, ""), OK);
	arena_free(arena);
}
END_TEST

START_TEST(every_setting_is_described)
{
	struct arena *arena = arena_new();
	struct text text;

	text_init(&text, arena);
	settings_describe(&text);
#define SETTING(type, name, initial, min, max, help) \
	ck_assert_msg(strstr(text_string(&text), #name) && strstr(text_string(&text), help), #name);
#include "base/settings.def"
#undef SETTING
	arena_free(arena);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { defaults_are_allowed, limits, what_is_refused, flags, environment, files,
		every_setting_is_described, NULL };

	return run_suite("settings", tests);
}
