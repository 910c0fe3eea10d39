/* SPDX-License-Identifier: Apache-2.0
 * multipart/form-data (RFC 7578): parts are views into the body. */
#include "api/http.h"

#include <string.h>
#include <strings.h>

enum { PARTS = 1000, HEAD_BYTES = 8192 };

/* Behind a parameter's value; a quoted one may hold semicolons.  NULL when its quote does not end. */
static const char *
behind_value(const char *at)
{
	if (*at != '"')
		return at + strcspn(at, "; \t");
	for (at++; *at != '\0' && *at != '"'; at++)
		if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
	return *at == '"' ? at + 1 : NULL;
}

/* The value without its quotes; a backslash that escapes nothing is one of a path of Windows. */
static char *
unquote(struct arena *arena, const char *at, const char *end)
{
	char *value, *out;

	if (*at != '"')
		return arena_strndup(arena, at, (size_t)(end - at));
	value = out = arena_alloc(arena, (size_t)(end - at));
	for (at++; at < end - 1; at++) {
		if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		*out++ = *at;
	}
	return value;
}

/* The value of a parameter of a header line; NULL when it is not there. */
static char *
parameter(struct arena *arena, const char *line, const char *name)
{
	const char *at = line + strcspn(line, ";"), *end;
	size_t length = strlen(name);
	bool found;

	while (*at == ';') {
		at += 1 + strspn(at + 1, " \t");
		found = strncasecmp(at, name, length) == 0 && at[length] == '=';
		at += strcspn(at, "=;");
		if (*at != '=')
			continue;
		end = behind_value(++at);
		if (end == NULL)
			return NULL;
		if (found)
			return unquote(arena, at, end);
		at = end + strcspn(end, ";");
	}
	return NULL;
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

/* Behind the first delimiter, which may stand at the very beginning; NULL when there is none. */
static const char *
first_part(const char *at, const char *end, const char *delimiter, size_t length)
{
	if ((size_t)(end - at) >= length - 2 && memcmp(at, delimiter + 2, length - 2) == 0)
		return at + length - 2;
	at = find(at, end, delimiter, length);
	return at != NULL ? at + length : NULL;
}

/* One part; *at stands behind the delimiter before it, then behind the one after it. */
static enum status
read_part(struct exchange *exchange, struct part *part, const char **at, const char *end, const char *delimiter,
	struct error *err)
{
	size_t length = strlen(delimiter);
	const char *head = find(*at, end, "\r\n", 2), *next = head != NULL ? find(head, end, "\r\n\r\n", 4) : NULL;

	/* a head without an end would swallow the parts behind it */
	if (next == NULL || find(head, next, delimiter, length) != NULL)
		return malformed(err, "a part's head does not end");
	TRY(read_head(exchange, part, head + 2, next > head + 2 ? (size_t)(next - head - 2) : 0, err));
	*at = find(next + 2, end, delimiter, length);
	if (*at == NULL)
		return malformed(err, "a part does not end");
	part->bytes = next + 4;
	part->length = *at > next + 4 ? (size_t)(*at - next - 4) : 0;
	*at += length;
	return OK;
}

enum status
multipart_read(struct exchange *exchange, struct error *err)
{
	const char *at = exchange->body, *end = at + exchange->body_length, *boundary = NULL, *delimiter;
	struct part *parts = ARENA_ARRAY(exchange->arena, struct part, PARTS);
	size_t count = 0;

	if (exchange->content_type != NULL)
		boundary = parameter(exchange->arena, exchange->content_type, "boundary");
	if (boundary == NULL || boundary[0] == '\0')
		return malformed(err, "there is no boundary");
	delimiter = arena_printf(exchange->arena, "\r\n--%s", boundary);
	at = first_part(at, end, delimiter, strlen(delimiter));
	if (at == NULL)
		return malformed(err, "the boundary does not occur");
	while (end - at < 2 || memcmp(at, "--", 2) != 0) {
		if (count == PARTS)
			return FAIL(err, too_large, "more than %d parts", PARTS);
		TRY(read_part(exchange, &parts[count++], &at, end, delimiter, err));
	}
	exchange->parts = parts;
	exchange->part_count = count;
	return OK;
}
