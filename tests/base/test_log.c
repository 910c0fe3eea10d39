/* SPDX-License-Identifier: Apache-2.0
 * The log: one line per event whatever is in it, levels, quoting. */
#include "base/log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/base/run.h"

static char said[16384];
static int saved_stderr, ends[2];

/* From here on the log goes into a pipe. */
static void
listen_to(void)
{
	ck_assert_int_eq(pipe(ends), 0);
	saved_stderr = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
}

/* What was said, and stderr is what it was. */
static const char *
heard(void)
{
	size_t length = 0;
	ssize_t n;

	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	while ((n = read(ends[0], said + length, sizeof said - 1 - length)) > 0)
		length += (size_t)n;
	close(ends[0]);
	said[length] = '\0';
	return said;
}

START_TEST(a_line)
{
	int year, month, day, hour, minute, second, ms, end = 0;

	listen_to();
	log_event(LOG_INFO_LEVEL, "deployed", "definition=%s version=%d", "p:1:2", 7);
	heard();
	ck_assert_int_eq(sscanf(said, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hour, &minute, &second,
		&ms,
		&end), 7);
	ck_assert_str_eq(said + end, " info deployed definition=p:1:2 version=7\n");
	ck_assert_int_ge(year, 2024);
}
END_TEST

START_TEST(levels)
{
	listen_to();
	log_event(LOG_DEBUG_LEVEL, "no-debug", "%s", "");
	log_set_level(LOG_ERROR_LEVEL);
	log_event(LOG_WARN_LEVEL, "no-warn", "%s", "");
	log_event(LOG_ERROR_LEVEL, "an-error", "%s", "");
	log_set_level(LOG_DEBUG_LEVEL);
	log_event(LOG_DEBUG_LEVEL, "a-debug", "%s", "");
	heard();
	ck_assert_ptr_null(strstr(said, "no-"));
	ck_assert_ptr_nonnull(strstr(said, " error an-error\n"));
	ck_assert_ptr_nonnull(strstr(said, " debug a-debug\n"));
}
END_TEST

/* What came unquoted makes no second line, what is too long is cut, and both end with one. */
START_TEST(always_one_line)
{
	char large[10000];

	memset(large, 'x', sizeof large - 1);
	large[sizeof large - 1] = '\0';
	listen_to();
	log_event(LOG_INFO_LEVEL, "odd", "text=a\nb\r\x01%s", "c");
	log_event(LOG_INFO_LEVEL, "large", "text=%s", large);
	log_event(LOG_INFO_LEVEL, large, "%s", "");
	heard();
	ck_assert_ptr_nonnull(strstr(said, " odd text=a b  c\n"));
	ck_assert_ptr_nonnull(strstr(said, "xxx\n"));
	ck_assert_ptr_eq(strrchr(said, '\n'), said + strlen(said) - 1);
	int lines = 0;
	for (const char *at = said; *at; at++)
		lines += *at == '\n';
	ck_assert_int_eq(lines, 3);
}
END_TEST

START_TEST(quoting)
{
	static const struct {
		const char *text, *quoted;
	} rows[] = {
		{ "plain-1.2:3", "plain-1.2:3" },
		{ "", "\"\"" },
		{ NULL, "\"\"" },
		{ "a b", "\"a b\"" },
		{ "a=b", "\"a=b\"" },
		{ "say \"x\"\\", "\"say \\\"x\\\"\\\\\"" },
		{ "1\n2\r3\t4\x01", "\"1\\n2\\r3\\t4?\"" },
		{ "\xc3\xa4", "\xc3\xa4" },
	};
	char out[512];

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		ck_assert_str_eq(log_quote(rows[i].text, out), rows[i].quoted);
}
END_TEST

/* At 200 bytes, or before a character that would be cut in two; the worst fits its room. */
START_TEST(quoting_what_is_long)
{
	char text[301], out[512];

	memset(text, 'x', 300);
	text[300] = '\0';
	ck_assert_uint_eq(strlen(log_quote(text, out)), 203);
	ck_assert_str_eq(out + 200, "...");
	text[200] = '\0';
	ck_assert_uint_eq(strlen(log_quote(text, out)), 200);
	memset(text, '"', 300);
	ck_assert_uint_eq(strlen(log_quote(text, out)), 2 * 200 + 5);
	memset(text, 'x', 300);
	memcpy(text + 199, "\xc3\xa4", 2);
	log_quote(text, out);
	ck_assert_uint_eq(strlen(out), 202);
	ck_assert(text_is_utf8(out, strlen(out)));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { a_line, levels, always_one_line, quoting, quoting_what_is_long, NULL };

	return run_suite("log", tests);
}
