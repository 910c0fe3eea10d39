/* SPDX-License-Identifier: Apache-2.0
 * Immutable values: what variables hold, expressions compute and JSON carries. */
#ifndef BASE_VALUE_H
#define BASE_VALUE_H

#include <stdbool.h>

#include "base/error.h"

enum value_type {
#define TYPE(number, name, camunda, storage) VALUE_##name = number,
#include "base/types.def"
#undef TYPE
	VALUE_COUNT
};

/* What a File or Object carries besides its content; absent texts are NULL. */
struct value_info {
	const char *filename, *mime, *encoding;		/* file */
	const char *object_type, *format;		/* object: objectTypeName, serializationDataFormat */
};

struct value {
	enum value_type type;
	bool transient;			/* seen by this command only, never stored */
	int64_t integer;		/* boolean (0, 1), short, integer, long, date (us); null: its declared type */
	double real;			/* double */
	const char *text;		/* string, json, xml, object: NUL-ended UTF-8.  bytes, file: content.
					 * double: its source text, or NULL */
	size_t length;			/* bytes in text; count of items or entries */
	const struct value *items;	/* list: length values */
	const struct entry *entries;	/* map: length entries, in their order */
	const struct value_info *info;	/* file, object; or NULL */
};

struct entry {
	const char *name;
	struct value value;
	bool local;			/* a variable to be set in its own scope only */
};

/* Named values, in order; a name occurs once. */
struct entries {
	size_t count;
	const struct entry *list;
};

const char *value_type_name(enum value_type type);

/* The type with Camunda's name, first letter in either case (CB VariableValueDto); false if none. */
bool value_type_find(const char *camunda, enum value_type *type);

struct value value_null(void);
struct value value_boolean(bool b);
struct value value_integer(int64_t number);	/* Integer if it fits 32 bits, else Long */
struct value value_long(int64_t number);
struct value value_double(double real);
struct value value_string(const char *text);	/* borrows text */
struct value value_date(int64_t us);

/* A deep copy into the arena. */
struct value value_copy(struct arena *arena, struct value value);

/* Same type and same content. */
bool value_equal(const struct value *a, const struct value *b);

/* Bytes the value takes when stored: what limits and the 2 kB rule count. */
size_t value_size(const struct value *value);

/* The text Java's toString would give (Camunda concatenates so): 1.0, true, [1, 2], {k=v}. */
const char *value_to_text(struct arena *arena, const struct value *value);

/* The list or map behind a json, or an object whose format is application/json, parsed into the arena;
 * any other value as it is.  E_invalid_request when its text is not JSON. */
enum status value_open(struct arena *arena, const struct value *value, struct value *opened,
	struct error *err) MUST_CHECK;

/* Entry of a map by name, or NULL. */
const struct value *value_get(const struct value *map, const char *name);

#endif
