/* SPDX-License-Identifier: Apache-2.0
 * multipart/form-data (RFC 7578): parts are views into the body. */
#include "api/http.h"

#include <string.h>
#include <strings.h>

enum { PARTS = 1000, HEAD_BYTES = 8192 };

/* The boundary parameter of the content type. */
static const char *
boundary_of(struct exchange *exchange)
{
	const char *at = exchange->content_type, *end;

	while (at != NULL && strncasecmp(at, "boundary=", 9) != 0) {
		at = strchr(at, ';');
		if (at == NULL)
			return NULL;
		at += strspn(at, "; \t");
	}
	if (at == NULL)
		return NULL;
	at += 9;
	if (*at == '"') {
		end = strchr(++at, '"');
		return end != NULL ? arena_strndup(exchange->arena, at, (size_t)(end - at)) : NULL;
	}
	return arena_strndup(exchange->arena, at, strcspn(at, "; \t"));
}

/* The quoted or bare value of a parameter in a header line; NULL when it is not there. */
static char *
parameter(struct arena *arena, const char *line, const char *name)
{
	size_t length = strlen(name), n = 0;
	const char *at = line;
	char *value;

	for (;;) {
		at = strchr(at, ';');
		if (at == NULL)
			return NULL;
		at += 1 + strspn(at + 1, " \t");
		if (strncasecmp(at, name, length) == 0 && at[length] == '=')
			break;
	}
	at += length + 1;
	value = arena_alloc(arena, strlen(at) + 1);
	if (*at != '"') {
		memcpy(value, at, strcspn(at, "; \t"));
		return value;
	}
	for (at++; *at != '\0' && *at != '"'; at++) {
		if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		value[n++] = *at;
	}
	return value;
}

static const void *
find(const char *bytes, const char *end, const char *needle, size_t length)
{
	return end > bytes ? memmem(bytes, (size_t)(end - bytes), needle, length) : NULL;
}

static enum status
malformed(struct error *err, const char *why)
{
	return FAIL(err, invalid_request, "the multipart body is malformed: %s", why);
}

/* The head of a part: lines up to an empty one. */
static enum status
read_head(struct exchange *exchange, struct part *part, const char *head, size_t length, struct error *err)
{
	char *text = arena_strndup(exchange->arena, head, length), *line, *rest = text;

	if (length > HEAD_BYTES || !text_is_utf8(head, length))
		return malformed(err, "a part's head is too long or no UTF-8");
	while ((line = strsep(&rest, "\n")) != NULL) {
		line[strcspn(line, "\r")] = '\0';
		if (strncasecmp(line, "content-disposition:", 20) == 0) {
			part->name = parameter(exchange->arena, line, "name");
			part->filename = parameter(exchange->arena, line, "filename");
		} else if (strncasecmp(line, "content-type:", 13) == 0) {
			part->type = arena_strdup(exchange->arena, line + 13 + strspn(line + 13, " \t"));
		}
	}
	return part->name != NULL ? OK : malformed(err, "a part has no name");
}

enum status
multipart_read(struct exchange *exchange, struct error *err)
{
	const char *boundary = boundary_of(exchange), *at = exchange->body, *end = at + exchange->body_length, *next,
		*head;
	struct part *parts = ARENA_ARRAY(exchange->arena, struct part, PARTS);
	const char *delimiter;
	size_t length, count = 0;

	if (boundary == NULL || boundary[0] == '\0')
		return malformed(err, "there is no boundary");
	delimiter = arena_printf(exchange->arena, "\r\n--%s", boundary);
	length = strlen(delimiter);
	/* the first delimiter may stand at the very beginning */
	if (exchange->body_length >= length - 2 && memcmp(at, delimiter + 2, length - 2) == 0) {
		at += length - 2;
	} else {
		at = find(at, end, delimiter, length);
		if (at == NULL)
			return malformed(err, "the boundary does not occur");
		at += length;
	}
	while (end - at >= 2 && memcmp(at, "--", 2) != 0) {
		if (count == PARTS)
			return FAIL(err, too_large, "more than %d parts", PARTS);
		head = find(at, end, "\r\n", 2);
		next = head != NULL ? find(head, end, "\r\n\r\n", 4) : NULL;
		if (next == NULL)
			return malformed(err, "a part's head does not end");
		TRY(read_head(exchange, &parts[count], head + 2, next > head + 2 ? (size_t)(next - head - 2) : 0, err));
		parts[count].bytes = next + 4;
		at = find(next + 2, end, delimiter, length);
		if (at == NULL)
			return malformed(err, "a part does not end");
		parts[count].length = at > next + 4 ? (size_t)(at - next - 4) : 0;
		count++;
		at += length;
	}
	exchange->parts = parts;
	exchange->part_count = count;
	return OK;
}
