/* SPDX-License-Identifier: Apache-2.0
 * The routes as a tree of segments. */
#include "api/router.h"

#include <string.h>

#include "api/handlers.h"

enum { SEGMENTS = 16, METHODS = 8 };

const struct route api_routes[] = {
#define ROUTE(method, path, handler, runs, body) {method, path, handler, RUNS_##runs, BODY_##body, #handler},
#include "api/routes.def"
#undef ROUTE
};
const size_t api_route_count = sizeof api_routes / sizeof api_routes[0];

struct branch {
	const char *literal;		/* NULL: a parameter */
	struct branch *first, *next;	/* children: literals before the parameter */
	const struct route *routes[METHODS];
	int route_count;
};

struct router {
	struct branch below;		/* the base paths */
	struct branch root;		/* ^ */
};

struct segments {
	const char *start[SEGMENTS];
	size_t length[SEGMENTS];
	int count;
};

/* Splits at slashes; empty segments are skipped, so a trailing slash does not matter. */
static bool
split(const char *path, size_t length, struct segments *segments)
{
	const char *end = path + length, *slash;

	segments->count = 0;
	while (path < end) {
		while (path < end && *path == '/')
			path++;
		if (path == end)
			break;
		slash = memchr(path, '/', (size_t)(end - path));
		if (segments->count == SEGMENTS)
			return false;
		segments->start[segments->count] = path;
		segments->length[segments->count++] = (size_t)((slash != NULL ? slash : end) - path);
		path = slash != NULL ? slash : end;
	}
	return true;
}

static bool
is(const struct segments *segments, int i, const char *text)
{
	return i < segments->count && segments->length[i] == strlen(text) &&
		memcmp(segments->start[i], text, segments->length[i]) == 0;
}

static struct branch *
child(struct arena *arena, struct branch *parent, const char *start, size_t length)
{
	bool parameter = start[0] == '{';
	struct branch **link = &parent->first, *made;

	for (; *link != NULL; link = &(*link)->next) {
		if (parameter ? (*link)->literal == NULL : ((*link)->literal != NULL &&
			    strlen((*link)->literal) == length && memcmp((*link)->literal, start, length) == 0))
			return *link;
		if (!parameter && (*link)->literal == NULL)
			break;
	}
	made = ARENA_NEW(arena, struct branch);
	made->literal = parameter ? NULL : arena_strndup(arena, start, length);
	made->next = *link;
	*link = made;
	return made;
}

struct router *
router_new(struct arena *arena)
{
	struct router *router = ARENA_NEW(arena, struct router);
	const struct route *route;
	struct segments segments;
	struct branch *branch;
	int i;

	for (route = api_routes; route < api_routes + api_route_count; route++) {
		bool root = route->path[0] == '^';

		split(route->path + root, strlen(route->path + root), &segments);
		branch = root ? &router->root : &router->below;
		for (i = 0; i < segments.count; i++)
			branch = child(arena, branch, segments.start[i], segments.length[i]);
		branch->routes[branch->route_count++] = route;
	}
	return router;
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 32) >= 'a' && (c | 32) <= 'f')
		return (c | 32) - 'a' + 10;
	return -1;
}

char *
uri_decode(struct arena *arena, const char *text, size_t length, bool plus)
{
	char *decoded = arena_alloc(arena, length + 1), *out = decoded;
	size_t i;

	for (i = 0; i < length; i++) {
		if (text[i] == '%') {
			if (length - i < 3)
				return NULL;
			if (digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0)
				return NULL;
			*out++ = (char)(digit(text[i + 1]) * 16 + digit(text[i + 2]));
			i += 2;
		} else {
			*out++ = plus && text[i] == '+' ? ' ' : text[i];
		}
	}
	return text_is_utf8(decoded, (size_t)(out - decoded)) ? decoded : NULL;
}

/* A path has no business with control bytes. */
static bool
has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

/* Walks down; params are decoded once, segment by segment, so an escaped slash stays in its segment. */
static const struct branch *
walk(struct exchange *exchange, const struct branch *branch, const struct segments *segments, int from, bool *malformed)
{
	const struct branch *next;
	int i, param = 0;
	char *value;

	for (i = from; i < segments->count; i++) {
		for (next = branch->first; next != NULL; next = next->next)
			if (next->literal == NULL || is(segments, i, next->literal))
				break;
		if (next == NULL)
			return NULL;
		if (next->literal == NULL) {
			value = uri_decode(exchange->arena, segments->start[i], segments->length[i], false);
			if (value == NULL || has_control(value)) {
				*malformed = true;
				return NULL;
			}
			if (param < EXCHANGE_PARAMS)
				exchange->params[param++] = value;
		}
		branch = next;
	}
	return branch;
}

static const char *
allowed_methods(struct arena *arena, const struct branch *branch)
{
	struct text text;
	int i;

	text_init(&text, arena);
	for (i = 0; i < branch->route_count; i++)
		text_printf(&text, "%s%s", i > 0 ? ", " : "", branch->routes[i]->method);
	return text_string(&text);
}

static const struct route *
by_method(const struct branch *branch, const char *method)
{
	int i;

	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (i = 0; i < branch->route_count; i++)
		if (strcmp(branch->routes[i]->method, method) == 0)
			return branch->routes[i];
	return NULL;
}

/* How many segments are the base; -1: none of ours.  *other: an engine that does not exist. */
static int
base_of(const struct segments *segments, bool *other)
{
	*other = false;
	if (!is(segments, 0, "engine-rest") && !is(segments, 0, "rest"))
		return -1;
	if (!is(segments, 1, "engine") || segments->count < 4)
		return is(segments, 1, "engine") && segments->count == 3 ? 3 : 1;
	*other = !is(segments, 2, "default") && !is(segments, 3, "version");
	return 3;
}

enum routed
router_find(const struct router *router, struct exchange *exchange, const char *path, const char **base,
	const char **allowed)
{
	const struct branch *branch;
	struct segments segments;
	bool malformed = false, other;
	int from;

	if (!split(path, strlen(path), &segments))
		return ROUTED_unknown;
	from = base_of(&segments, &other);
	if (other)
		return ROUTED_engine;
	if (from > 0)
		*base = arena_strndup(exchange->arena, path,
			(size_t)(segments.start[from - 1] + segments.length[from - 1] - path));
	branch = walk(exchange, from < 0 ? &router->root : &router->below, &segments, from < 0 ? 0 : from, &malformed);
	if (malformed)
		return ROUTED_malformed;
	if (branch == NULL || branch->route_count == 0)
		return ROUTED_unknown;
	exchange->route = by_method(branch, exchange->method);
	if (exchange->route != NULL)
		return ROUTED_found;
	*allowed = allowed_methods(exchange->arena, branch);
	return ROUTED_method;
}
