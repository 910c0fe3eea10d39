/* SPDX-License-Identifier: Apache-2.0
 * Bodies: which content types a route takes, and what an empty one means (api.md 2.0, 0.1). */
#include "api/http.h"

#include <string.h>
#include <strings.h>

static bool
has_type(const char *content_type, const char *wanted)
{
	size_t length = strlen(wanted);

	return content_type != NULL && strncasecmp(content_type, wanted, length) == 0 &&
		(content_type[length] == '\0' || content_type[length] == ';' || content_type[length] == ' ');
}

static bool
refuse(struct exchange *exchange, enum status status)
{
	/* not by error_set(), which puts a text in place of the empty one */
	exchange_error_as(exchange, status_http(status), status_type(status), status_code(status),
		status == E_not_supported_media ? "HTTP 415 Unsupported Media Type" : "");
	return false;
}

/* An empty body with a JSON type is an empty object; a wrong one is Camunda's error object without a message. */
static bool
prepare_json(struct exchange *exchange)
{
	struct error err;

	if (exchange->body_length == 0) {
		exchange->json = (struct value){.type = VALUE_map};
		return true;
	}
	if (json_read(exchange->arena, exchange->body, exchange->body_length, &json_default_limits, &exchange->json,
		&err) !=
	    OK)
		return refuse(exchange, E_invalid_request);
	if (exchange->json.type == VALUE_null)
		return true;
	if (exchange->json.type != VALUE_map)
		return refuse(exchange, E_invalid_request);
	exchange->has_json = true;
	return true;
}

bool
body_prepare(struct exchange *exchange)
{
	struct error err;

	switch (exchange->route->body) {
	case BODY_none:
	case BODY_any:
		return true;
	case BODY_json_optional:
		if (exchange->body_length == 0)
			return true;
		return prepare_json(exchange);
	case BODY_json:
		/* No body at all: the handler says what is missing. */
		if (exchange->body_length == 0 && exchange->content_type == NULL) {
			exchange->json = value_null();
			return true;
		}
		if (!has_type(exchange->content_type, "application/json"))
			return refuse(exchange, E_not_supported_media);
		return prepare_json(exchange);
	case BODY_multipart:
		if (!has_type(exchange->content_type, "multipart/form-data"))
			return refuse(exchange, E_not_supported_media);
		if (multipart_read(exchange, &err) == OK)
			return true;
		exchange_error(exchange, &err);
		return false;
	}
	return true;
}
