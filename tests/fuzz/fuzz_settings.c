/* SPDX-License-Identifier: Apache-2.0
 * Fuzzes files of settings: refused they change nothing; read they are in range, and written they are read again. */
#include "tests/fuzz/fuzz.h"

#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/settings.h"

/* A file in memory. */
static enum status
read_file(struct settings *settings, struct arena *arena, const void *bytes, size_t length, struct error *err)
{
	int file = memfd_create("settings", 0);
	enum status status;

	MUST(file >= 0 && write(file, bytes, length) == (ssize_t)length, "no file in memory");
	status = settings_file(settings, arena, arena_printf(arena, "/proc/self/fd/%d", file), err);
	close(file);
	return status;
}

static void
in_range_text(const char *name, const char *text, int64_t min, int64_t max)
{
	(void)min, (void)max;
	MUST(text_is_utf8(text, strlen(text)), "%s", name);
}

static void
in_range_flag(const char *name, bool flag, int64_t min, int64_t max)
{
	MUST(flag >= min && flag <= max, "%s", name);
}

static void
in_range_num(const char *name, int64_t number, int64_t min, int64_t max)
{
	MUST(number >= min && number <= max, "%s is %" PRId64, name, number);
}

static void
in_range(const struct settings *settings)
{
#define SETTING(type, name, initial, min, max, help) in_range_##type(#name, settings->name, min, max);
#include "base/settings.def"
#undef SETTING
}

#define PRINT_text(text, name, value) text_printf(text, "%s = %s\n", name, value)
#define PRINT_flag(text, name, value) text_printf(text, "%s = %s\n", name, (value) ? "on" : "off")
#define PRINT_num(text, name, value) text_printf(text, "%s = %" PRId64 "\n", name, value)

static const char *
print(const struct settings *settings, struct arena *arena)
{
	struct text text;

	text_init(&text, arena);
#define SETTING(type, name, initial, min, max, help) PRINT_##type(&text, #name, settings->name);
#include "base/settings.def"
#undef SETTING
	return text_string(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct arena *arena = arena_new();
	struct settings settings, again;
	const char *before, *after;
	struct error err;

	settings_init(&settings);
	before = print(&settings, arena);
	if (read_file(&settings, arena, bytes, length, &err) == OK) {
		in_range(&settings);
		after = print(&settings, arena);
		settings_init(&again);
		MUST(read_file(&again, arena, after, strlen(after), &err) == OK, "%s", err.message);
		MUST(strcmp(print(&again, arena), after) == 0, "%s", after);
		MUST(memchr(bytes, '\0', length) == NULL, "what is behind a NUL was left out");
	} else {
		MUST(strcmp(print(&settings, arena), before) == 0, "a refused file changed them");
	}
	arena_free(arena);
	return 0;
}
