/* SPDX-License-Identifier: Apache-2.0
 * The log: one write per line, so lines of several threads never mix. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "base/when.h"

enum {
	LINE_BYTES = 4096,	/* a longer line is cut */
	QUOTE_INPUT = 200,	/* bytes of a text that log_quote shows */
};

static _Atomic int lowest = LOG_INFO_LEVEL;

void
log_set_level(enum log_level level)
{
	atomic_store(&lowest, (int)level);
}

static const char *
level_name(enum log_level level)
{
	switch (level) {
	case LOG_DEBUG_LEVEL:
		return "debug";
	case LOG_INFO_LEVEL:
		return "info";
	case LOG_WARN_LEVEL:
		return "warn";
	case LOG_ERROR_LEVEL:
		return "error";
	}
	return "error";
}

/* Time, level and event: 2026-01-02T03:04:05.678Z info deployed. */
static size_t
put_head(char line[LINE_BYTES], enum log_level level, const char *event)
{
	struct when_parts parts;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	when_split((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, &parts);
	return (size_t)snprintf(line, LINE_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ %s %.100s", (int)parts.year,
		parts.month, parts.day, parts.hour, parts.minute, parts.second, parts.us / 1000,
		level_name(level), event);
}

/* Whatever slipped through unquoted must not begin a line of its own. */
static void
flatten(char *line, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = ' ';
	}
}

void
log_event(enum log_level level, const char *event, const char *format, ...)
{
	char line[LINE_BYTES];
	size_t length;
	ssize_t written;
	va_list args;

	if ((int)level < atomic_load_explicit(&lowest, memory_order_relaxed))
		return;
	length = put_head(line, level, event);
	line[length++] = ' ';
	va_start(args, format);
	vsnprintf(line + length, sizeof line - length - 1, format, args);
	va_end(args);
	length += strlen(line + length);
	while (length > 0 && line[length - 1] == ' ')
		length--;
	flatten(line, length);
	line[length++] = '\n';
	written = write(STDERR_FILENO, line, length);
	(void)written;	/* nowhere to complain */
}

/* The part of a text that is shown: at most QUOTE_INPUT bytes, no half of a character. */
static size_t
shown_length(const char *text)
{
	size_t length = strnlen(text, QUOTE_INPUT);

	if (length < QUOTE_INPUT || !text[length])
		return length;
	while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
		length--;
	return length;
}

static bool
needs_quotes(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f)
			return true;
	}
	return length == 0;
}

/* Escapes grow a byte to two at most: 2 * 200 and the frame fit 512. */
const char *
log_quote(const char *text, char out[512])
{
	size_t length, done = 0;

	if (!text)
		text = "";
	length = shown_length(text);
	if (!needs_quotes(text, length)) {
		memcpy(out, text, length);
		memcpy(out + length, text[length] ? "..." : "", text[length] ? 4 : 1);
		return out;
	}
	out[done++] = '"';
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t')
			out[done++] = '\\';
		out[done++] = c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' :
			c < 0x20 || c == 0x7f ? '?' : (char)c;
	}
	memcpy(out + done, text[length] ? "...\"" : "\"", text[length] ? 5 : 2);
	return out;
}
