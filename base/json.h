/* SPDX-License-Identifier: Apache-2.0
 * JSON (RFC 8259).  Read by json-c behind a border check, written by a streaming writer. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/text.h"
#include "base/value.h"

struct json_limits {
	size_t depth;		/* arrays and objects inside each other */
	size_t values;		/* in all */
};
extern const struct json_limits json_default_limits;	/* 64 deep, 1,000,000 values */

/* Reads one JSON text into a value: null, boolean, integer/long, double (source text kept), string,
 * list, map (a repeated name: the last wins, as Jackson does).  Refused with E_invalid_request and
 * the byte offset: invalid UTF-8, U+0000, control characters in strings, NaN, integers beyond int64,
 * anything behind the value, and what goes over the limits. */
enum status json_read(struct arena *arena, const char *bytes, size_t length,
	const struct json_limits *limits, struct value *value, struct error *err) MUST_CHECK;

/* The writer puts commas by itself. Keys and strings are escaped; output is compact UTF-8. */
struct json {
	struct text *text;
	bool comma;		/* a value stands before in this array or object */
};

void json_init(struct json *json, struct text *text);
void json_open(struct json *json, char bracket);	/* '{' or '[' */
void json_close(struct json *json, char bracket);	/* '}' or ']' */
void json_key(struct json *json, const char *name);
void json_null(struct json *json);
void json_bool(struct json *json, bool b);
void json_int(struct json *json, int64_t number);
void json_double(struct json *json, double real, const char *source);	/* source text wins if not NULL */
void json_string(struct json *json, const char *string);	/* NULL writes null */
void json_id(struct json *json, int64_t id);		/* decimal string; 0 writes null */
void json_date(struct json *json, int64_t us);		/* Camunda's form; WHEN_NONE writes null */
void json_value(struct json *json, const struct value *value);	/* as plain JSON, without type */
void json_raw(struct json *json, const char *text);	/* one value that is JSON already */

/* A whole member of the object that is open: key and value. */
void json_put_null(struct json *json, const char *name);
void json_put_bool(struct json *json, const char *name, bool b);
void json_put_int(struct json *json, const char *name, int64_t number);
void json_put_string(struct json *json, const char *name, const char *string);	/* NULL writes null */
void json_put_id(struct json *json, const char *name, int64_t id);		/* 0 writes null */
void json_put_date(struct json *json, const char *name, int64_t us);		/* WHEN_NONE writes null */

#endif
