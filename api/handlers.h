/* SPDX-License-Identifier: Apache-2.0
 * Private to api/: every handler of routes.def. */
#ifndef API_HANDLERS_H
#define API_HANDLERS_H

#include "api/exchange.h"

#define ROUTE(method, path, handler, runs, body) void handler(struct exchange *exchange, struct reader *reader);
#include "api/routes.def"
#undef ROUTE

#endif
