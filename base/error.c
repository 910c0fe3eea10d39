/* SPDX-License-Identifier: Apache-2.0
 * Failures: the message is written here, the table of what they are is status.def. */
#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

struct row {
	const char *name, *type, *text;
	int http, code;
};

static const struct row rows[STATUS_COUNT] = {
	[OK] = { .name = "ok", .type = "", .text = "", .http = 200, .code = -1 },
#define STATUS(name_, http_, type_, code_, text_) \
	[E_##name_] = { .name = #name_, .type = type_, .text = text_, .http = http_, .code = code_ },
#include "base/status.def"
#undef STATUS
};

static const struct row *
row_of(enum status status)
{
	assert((unsigned)status < STATUS_COUNT);
	return &rows[status];
}

/* Leaves out what is no UTF-8: half a character where a text was cut, or bytes of a client that were none. */
static void
clean(char *message, size_t length)
{
	size_t from = text_utf8_prefix(message, length), to = from, good;

	while (from < length) {
		from++;
		good = text_utf8_prefix(message + from, length - from);
		memmove(message + to, message + from, good);
		from += good;
		to += good;
	}
	message[to] = '\0';
}

enum status
error_set(struct error *err, enum status status, const char *format, ...)
{
	char message[ERROR_TEXT];	/* the arguments may point into err->message */
	va_list args;
	int length;

	assert(status != OK);
	if (!err)
		return status;
	va_start(args, format);
	length = vsnprintf(message, sizeof message, format, args);
	va_end(args);
	clean(message, length > 0 ? strlen(message) : 0);
	if (!message[0])
		snprintf(message, sizeof message, "%s", row_of(status)->text);
	err->status = status;
	err->element = NULL;
	err->line = 0;
	memcpy(err->message, message, strlen(message) + 1);
	return status;
}

int
status_http(enum status status)
{
	return row_of(status)->http;
}

const char *
status_type(enum status status)
{
	return row_of(status)->type;
}

int
status_code(enum status status)
{
	return row_of(status)->code;
}

const char *
status_name(enum status status)
{
	return row_of(status)->name;
}
