/* SPDX-License-Identifier: Apache-2.0
 * Fuzzes escapes and paths: what a query decodes to, and where a path leads. */
#include "tests/fuzz/fuzz.h"

#include "api/router.h"

/* What was decoded is UTF-8 that got no longer, and a text without escapes stays as it is. */
static void
decode(struct arena *arena, const char *text, size_t length, bool plus)
{
	const char *decoded = uri_decode(arena, text, length, plus);

	if (decoded == NULL)
		return;
	MUST(strlen(decoded) <= length, "it got longer");
	must_be_text(decoded);
	if (memchr(text, '%', length) == NULL && !(plus && memchr(text, '+', length) != NULL))
		MUST(memcmp(decoded, text, length) == 0, "without escapes it changed");
}

static void
route(struct arena *arena, const char *path)
{
	struct exchange exchange = { .arena = arena, .method = "GET" };
	const char *base = NULL, *allowed = NULL;
	enum routed routed = router_find(router_new(arena), &exchange, path, &base, &allowed);

	MUST((routed == ROUTED_found) == (exchange.route != NULL), "'%s'", path);
	MUST((routed == ROUTED_method) == (allowed != NULL), "'%s'", path);
	MUST(routed != ROUTED_found || exchange.route->path[0] == '^' || base != NULL, "'%s'", path);
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
