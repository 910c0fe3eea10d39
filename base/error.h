/* SPDX-License-Identifier: Apache-2.0
 * The one idiom for failure: a call that can fail returns enum status and takes struct error *err
 * last; err is written only on failure, once, where the cause is known. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/arena.h"

enum status {
	OK,
#define STATUS(name, http, type, code, text) E_##name,
#include "base/status.def"
#undef STATUS
	STATUS_COUNT
};

enum { ERROR_TEXT = 1024 };

struct error {
	enum status status;
	const char *element;		/* id of the BPMN element concerned, or NULL */
	int line;			/* its line in the XML, 0 when unknown */
	char message[ERROR_TEXT];	/* complete enough for the client; cut at the end if longer */
};

/* Nothing has been written to it.  The message, a kilobyte, stays as it is. */
static inline void
error_clear(struct error *err)
{
	err->status = OK;
	err->element = NULL;
	err->line = 0;
}

/* Writes err and returns status, so that a failure is one line: return FAIL(err, invalid_request,
 * "..."). */
enum status error_set(struct error *err, enum status status, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* The row of status.def: HTTP status, Camunda's type name, its code (-1 for null), its text. */
int status_http(enum status status);
const char *status_type(enum status status);
int status_code(enum status status);
const char *status_name(enum status status);

#define TRY(expr) \
	do { \
		enum status try_status_ = (expr); \
		if (try_status_ != OK) \
			return try_status_; \
	} while (0)
#define FAIL(err, name, ...) error_set((err), E_##name, __VA_ARGS__)

#endif
