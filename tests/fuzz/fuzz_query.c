/* SPDX-License-Identifier: Apache-2.0
 * Fuzzes escapes and paths: what a query decodes to, and where a path leads. */
#include <stdlib.h>
#include <string.h>

#include "api/router.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* What was decoded is UTF-8 that got no longer, and a text without escapes stays as it is. */
static void
decode(struct arena *arena, const char *text, size_t length, bool plus)
{
	const char *decoded = uri_decode(arena, text, length, plus);

	if (decoded == NULL)
		return;
	if (strlen(decoded) > length || !text_is_utf8(decoded, strlen(decoded)))
		abort();
	if (memchr(text, '%', length) == NULL && !(plus && memchr(text, '+', length) != NULL) &&
		memcmp(decoded, text, length) != 0)
		abort();
}

static void
route(struct arena *arena, const char *path)
{
	struct exchange exchange = { .arena = arena, .method = "GET" };
	const char *base = NULL, *allowed = NULL;
	enum routed routed = router_find(router_new(arena), &exchange, path, &base, &allowed);

	if ((routed == ROUTED_found) != (exchange.route != NULL) || (routed == ROUTED_method) != (allowed != NULL))
		abort();
	if (routed == ROUTED_found && exchange.route->path[0] != '^' && base == NULL)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct arena *arena = arena_new();
	const char *text = arena_copy(arena, bytes, length);

	decode(arena, text, length, true);
	decode(arena, text, length, false);
	route(arena, arena_strndup(arena, text, length));
	route(arena, arena_printf(arena, "/engine-rest/%.*s", (int)length, text));
	arena_free(arena);
	return 0;
}
