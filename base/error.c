/* SPDX-License-Identifier: Apache-2.0
 * Failures: the message is written here, the table of what they are is status.def. */
#include "base/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

/* Takes the last UTF-8 character off a message that was cut there, since it may be half of one. */
static void
cut_clean(char *message, size_t length)
{
	size_t start = length;

	while (start > 0 && ((unsigned char)message[start - 1] & 0xc0) == 0x80)
		start--;
	if (start > 0 && (unsigned char)message[start - 1] >= 0xc0)
		message[start - 1] = '\0';
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
	if (length < 0 || !message[0])
		snprintf(message, sizeof message, "%s", row_of(status)->text);
	else if ((size_t)length >= sizeof message)
		cut_clean(message, sizeof message - 1);
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
