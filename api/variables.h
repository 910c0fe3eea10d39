/* SPDX-License-Identifier: Apache-2.0
 * Private to api/: variables as Camunda's VariableValueDto, both ways (api.md 2.0). */
#ifndef API_VARIABLES_H
#define API_VARIABLES_H

#include "base/json.h"

/* {"type", "value", "valueInfo"} as a value in the arena; local from the DTO.  E_invalid_request with Camunda's text.
 * */
enum status variable_read(struct arena *arena, const struct value *dto, struct value *value, bool *local,
	struct error *err) MUST_CHECK;

/* A map of such objects; NULL or null gives none. */
enum status variables_read(struct arena *arena, const struct value *map, struct entries *entries,
	struct error *err) MUST_CHECK;

/* A raw JSON value (a query's operand) as a value; lists and maps are refused by returning false. */
bool variable_raw(const struct value *json, struct value *value);

/* The members type, value, valueInfo, in this order, into the object that is open.  deserialize: Objects of JSON as
 * JSON; content: bytes of Bytes values too. */
void variable_write(struct json *json, struct arena *arena, const struct value *value, bool deserialize, bool content);

/* A whole object {name: {type, value, valueInfo}}. */
void variables_write(struct json *json, struct arena *arena, const struct entries *entries, bool deserialize);

#endif
