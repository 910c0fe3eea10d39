/* SPDX-License-Identifier: Apache-2.0
 * Private to api/: from a method and a raw path to a route.  Built once; a lookup costs one step per segment. */
#ifndef API_ROUTER_H
#define API_ROUTER_H

#include "api/exchange.h"

enum routed {
	ROUTED_found,
	ROUTED_unknown,		/* no such path */
	ROUTED_method,		/* the path is served, but not by this method: *allowed lists those */
	ROUTED_malformed,	/* bad escapes, NUL, control bytes, bad UTF-8 */
	ROUTED_engine,		/* another engine than default was named */
};

struct router;
struct router *router_new(struct arena *arena);

/* path: raw, without the query.  Fills exchange->route, params; *base gets the part of the path that is the base. */
enum routed router_find(const struct router *router, struct exchange *exchange, const char *path, const char **base,
	const char **allowed);

/* Decodes %xx (and + as blank when plus) into the arena; NULL when malformed. */
char *uri_decode(struct arena *arena, const char *text, size_t length, bool plus);

extern const struct route api_routes[];
extern const size_t api_route_count;

#endif
