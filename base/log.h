/* SPDX-License-Identifier: Apache-2.0
 * One line per event on stderr, logfmt: time level event key=value...  Never the value of a variable. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/arena.h"

enum log_level { LOG_DEBUG_LEVEL, LOG_INFO_LEVEL, LOG_WARN_LEVEL, LOG_ERROR_LEVEL };

void log_set_level(enum log_level level);

/* event is one word; format continues the line in logfmt, e.g. log_event(LOG_INFO_LEVEL, "deployed",
 * "definition=%s version=%d", ...).  Strings from outside go through log_quote(). Thread-safe. */
void log_event(enum log_level level, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);

/* text as a logfmt value: quoted and escaped where needed, cut at 200 bytes. out holds 512. */
const char *log_quote(const char *text, char out[512]);

#endif
