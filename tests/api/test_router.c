/* SPDX-License-Identifier: Apache-2.0
 * From paths to routes. */
#include "api/router.h"

#include <string.h>

#include "base/text.h"
#include "tests/api/unit.h"

static const char *const bases[] = { "/engine-rest", "/engine-rest/engine/default", "/rest" };
enum { BASES = sizeof bases / sizeof *bases };

struct found {
	enum routed routed;
	struct exchange exchange;
	const char *base, *allowed;
};

static struct found
look_up(const char *method, const char *path)
{
	struct found found = { .exchange = { .arena = arena, .method = method } };

	found.routed = router_find(router_new(arena), &found.exchange, path, &found.base, &found.allowed);
	return found;
}

static void
expect(const char *method, const char *path, enum routed routed)
{
	struct found found = look_up(method, path);

	ck_assert_msg(found.routed == routed, "%s %s: %d, not %d", method, path, (int)found.routed, (int)routed);
}

/* The route that is found is that row of the table. */
static struct found
expect_row(const char *method, const char *path, const char *row)
{
	struct found found = look_up(method, path);

	ck_assert_msg(found.routed == ROUTED_found, "%s %s: %d", method, path, (int)found.routed);
	ck_assert_msg(strcmp(found.exchange.route->path, row) == 0, "%s %s is %s", method, path,
		found.exchange.route->path);
	return found;
}

/* The row's path with p0, p1 ... in place of its parameters; their count. */
static int
fill(const char *row, struct text *path)
{
	int count = 0;

	for (; *row != '\0'; row++) {
		if (*row == '{') {
			text_printf(path, "p%d", count++);
			row += strcspn(row, "}");
		} else {
			text_putc(path, *row);
		}
	}
	return count;
}

static void
expect_own_path(const struct route *route, const char *base)
{
	bool root = route->path[0] == '^';
	struct found found;
	struct text path;
	int count, i;

	text_init(&path, arena);
	text_puts(&path, root ? "" : base);
	count = fill(route->path + root, &path);
	ck_assert_int_le(count, EXCHANGE_PARAMS);
	found = look_up(route->method, text_string(&path));
	ck_assert_msg(found.routed == ROUTED_found, "%s %s", route->method, text_string(&path));
	ck_assert_msg(found.exchange.route == route, "%s %s finds %s", route->method, text_string(&path),
		found.exchange.route->path);
	for (i = 0; i < count; i++)
		ck_assert_str_eq(found.exchange.params[i], arena_printf(arena, "p%d", i));
	for (; i < EXCHANGE_PARAMS; i++)
		ck_assert_ptr_null(found.exchange.params[i]);
	if (!root)
		ck_assert_str_eq(found.base, base);
}

START_TEST(every_route_is_found_below_every_base)
{
	size_t i, base;

	ck_assert_uint_gt(api_route_count, 100);
	for (base = 0; base < BASES; base++)
		for (i = 0; i < api_route_count; i++)
			expect_own_path(&api_routes[i], bases[base]);
}
END_TEST

/* Two rows that differ in the names of their parameters alone would hide one another. */
START_TEST(no_two_routes_collide)
{
	struct text one, other;
	size_t i, k;

	for (i = 0; i < api_route_count; i++) {
		for (k = 0; k < i; k++) {
			text_init(&one, arena);
			text_init(&other, arena);
			text_printf(&one, "%s ", api_routes[i].method);
			fill(api_routes[i].path, &one);
			text_printf(&other, "%s ", api_routes[k].method);
			fill(api_routes[k].path, &other);
			ck_assert_str_ne(text_string(&one), text_string(&other));
		}
	}
}
END_TEST

START_TEST(rows_are_well_formed)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "DELETE" };
	size_t i, m;

	for (i = 0; i < api_route_count; i++) {
		const struct route *route = &api_routes[i];
		bool known = false;

		for (m = 0; m < sizeof methods / sizeof *methods; m++)
			known |= strcmp(route->method, methods[m]) == 0;
		ck_assert_msg(known, "%s", route->method);
		ck_assert_msg(route->path[route->path[0] == '^'] == '/', "%s", route->path);
		ck_assert_ptr_nonnull(route->handle);
		if (strcmp(route->method, "GET") == 0)
			ck_assert_int_eq(route->body, BODY_none);
	}
}
END_TEST

/* The words of the table win over parameters that stand in the same place. */
START_TEST(literals_win)
{
	expect_row("GET", "/engine-rest/process-instance/count", "/process-instance/count");
	expect_row("GET", "/engine-rest/process-instance/counts", "/process-instance/{id}");
	expect_row("GET", "/engine-rest/process-instance/coun", "/process-instance/{id}");
	expect_row("PUT", "/engine-rest/process-definition/suspended", "/process-definition/suspended");
	expect_row("GET", "/engine-rest/process-definition/key/count", "/process-definition/key/{key}");
	expect("GET", "/engine-rest/process-instance/COUNT/variables/x/y", ROUTED_unknown);
}
END_TEST

START_TEST(parameters_are_decoded_once)
{
	static const struct {
		const char *raw, *decoded;
	} rows[] = {
		{ "abc", "abc" },
		{ "a%2Fb", "a/b" },
		{ "a%2fb%2F", "a/b/" },
		{ "%252F", "%2F" },
		{ "a+b", "a+b" },
		{ "a%20b", "a b" },
		{ "a%2Bb", "a+b" },
		{ "gr%C3%BC%C3%9Fe", "gr\xc3\xbc\xc3\x9f" "e" },
		{ "gr\xc3\xbc\xc3\x9f" "e", "gr\xc3\xbc\xc3\x9f" "e" },
		{ "%F0%9F%9A%80", "\xf0\x9f\x9a\x80" },
		{ "%3Fa%3Db%26c%23", "?a=b&c#" },
		{ "%7Bid%7D", "{id}" },
		{ "{id}", "{id}" },
		{ "%22%27%5C", "\"'\\" },
		{ ";a=b", ";a=b" },
		{ "%c2%80", "\xc2\x80" },
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *path = arena_printf(arena, "/engine-rest/process-instance/1/variables/%s/data",
			rows[i].raw);
		struct found found = expect_row("GET", path, "/process-instance/{id}/variables/{name}/data");

		ck_assert_str_eq(found.exchange.params[0], "1");
		ck_assert_str_eq(found.exchange.params[1], rows[i].decoded);
	}
}
END_TEST

START_TEST(malformed_parameters_are_refused)
{
	static const char *const rows[] = {
		"%", "%4", "a%", "a%2", "%zz", "%2g", "%g2", "% 1", "%-1", "%%41", "%u0041",
		"%00", "a%00b", "%01", "%0a", "%0D%0A", "%09", "%1f", "%7F", "\x01", "\x7f",
		"%ff", "%C3", "%c3%28", "%C0%AF", "%e2%82", "%ED%A0%80", "%F4%90%80%80", "\xff", "\xc3",
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		expect("GET", arena_printf(arena, "/engine-rest/task/%s", rows[i]), ROUTED_malformed);
		expect("PUT", arena_printf(arena, "/engine-rest/task/7/variables/%s", rows[i]), ROUTED_malformed);
	}
}
END_TEST

START_TEST(slashes_more_than_needed)
{
	expect_row("GET", "/engine-rest/task/", "/task");
	expect_row("GET", "/engine-rest/task//", "/task");
	expect_row("GET", "//engine-rest//task/count/", "/task/count");
	expect_row("GET", "/engine-rest/task/7/", "/task/{id}");
	expect_row("GET", "/engine-rest/engine/default/task/", "/task");
	expect_row("GET", "/engine-rest/engine/", "/engine");
	expect_row("PUT", "/engine-rest/job/7/retries/", "/job/{id}/retries");
	expect_row("GET", "/health/", "^/health");
}
END_TEST

START_TEST(engines)
{
	static const char *const others[] = { "nosuch", "Default", "defaul", "defaults", "default%20" };
	size_t i;

	for (i = 0; i < sizeof others / sizeof *others; i++) {
		expect("GET", arena_printf(arena, "/engine-rest/engine/%s/task", others[i]), ROUTED_engine);
		expect("GET", arena_printf(arena, "/rest/engine/%s/task/7", others[i]), ROUTED_engine);
		expect("GET", arena_printf(arena, "/rest/engine/%s/nosuch", others[i]), ROUTED_engine);
	}
	expect_row("GET", "/rest/engine/default/task", "/task");
	expect_row("GET", "/rest/engine", "/engine");
	/* Camunda answers its version whatever the engine's name */
	expect_row("GET", "/engine-rest/engine/nosuch/version", "/version");
	expect("GET", "/engine-rest/engine/default", ROUTED_unknown);
	expect("GET", "/engine-rest/engine/default/engine/default/task", ROUTED_unknown);
}
END_TEST

START_TEST(unknown_paths)
{
	static const char *const paths[] = {
		"", "/", "*", "//", "/engine-rest", "/engine-rest/", "/rest", "/engine-rest/nosuch", "/engine-rest/tas",
		"/engine-rest/tasks", "/engine-rest/Task", "/engine-restx/task", "/Engine-rest/task", "/task",
		"/engine-rest/task/7/nosuch", "/engine-rest/task/7/variables/x/data/y", "/engine-rest/rest/task",
		"/engine-rest/%74ask/nosuch", "/nosuch", "/index.html", "/engine-rest/process-definition/key",
		"/engine-rest/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t",
	};
	size_t i;

	for (i = 0; i < sizeof paths / sizeof *paths; i++)
		expect("GET", paths[i], ROUTED_unknown);
}
END_TEST

START_TEST(traversal_is_a_parameter_like_any)
{
	struct found found;

	found = expect_row("GET", "/engine-rest/deployment/7/resources/..%2F..%2Fetc%2Fpasswd",
		"/deployment/{id}/resources/{resource}");
	ck_assert_str_eq(found.exchange.params[1], "../../etc/passwd");
	found = expect_row("GET", "/engine-rest/task/..", "/task/{id}");
	ck_assert_str_eq(found.exchange.params[0], "..");
	found = expect_row("GET", "/engine-rest/task/%2e%2e", "/task/{id}");
	ck_assert_str_eq(found.exchange.params[0], "..");
	expect("GET", "/engine-rest/task/../job", ROUTED_unknown);
	expect("GET", "/nosuch/../engine-rest/task", ROUTED_unknown);
	expect("GET", "/engine-rest/../health", ROUTED_unknown);
}
END_TEST

START_TEST(root_routes_are_at_the_root_alone)
{
	size_t base;

	expect_row("GET", "/health", "^/health");
	expect_row("GET", "/metrics", "^/metrics");
	ck_assert_str_eq(expect_row("GET", "/bpmnd/instances/7/events", "^/bpmnd/instances/{id}/events")
		.exchange.params[0], "7");
	for (base = 0; base < BASES; base++) {
		expect("GET", arena_printf(arena, "%s/health", bases[base]), ROUTED_unknown);
		expect("GET", arena_printf(arena, "%s/metrics", bases[base]), ROUTED_unknown);
		expect("GET", arena_printf(arena, "%s/bpmnd/instances/7/events", bases[base]), ROUTED_unknown);
	}
	expect("GET", "/version", ROUTED_unknown);
	expect("GET", "/engine", ROUTED_unknown);
	expect("GET", "/engine/default/task", ROUTED_unknown);
}
END_TEST

static void
expect_allowed(const char *method, const char *path, const char *allowed)
{
	struct found found = look_up(method, path);

	ck_assert_msg(found.routed == ROUTED_method, "%s %s", method, path);
	ck_assert_str_eq(found.allowed, allowed);
	ck_assert_ptr_null(found.exchange.route);
}

START_TEST(methods)
{
	expect_allowed("DELETE", "/engine-rest/task", "GET, POST");
	expect_allowed("GET", "/engine-rest/task/7/complete", "POST");
	expect_allowed("PATCH", "/rest/task/7/variables/x", "GET, PUT, DELETE");
	expect_allowed("POST", "/health", "GET");
	expect_allowed("get", "/engine-rest/task", "GET, POST");
	expect_allowed("OPTIONS", "/engine-rest/engine/default/task", "GET, POST");
	expect_allowed("", "/engine-rest/version", "GET");
	expect_allowed("HEAD", "/engine-rest/task/7/complete", "POST");
	ck_assert_str_eq(look_up("HEAD", "/engine-rest/task").exchange.route->method, "GET");
	ck_assert_str_eq(look_up("HEAD", "/engine-rest/task").exchange.route->name, "list_task");
}
END_TEST

START_TEST(bases_as_they_were_written)
{
	ck_assert_str_eq(look_up("GET", "/engine-rest/task").base, "/engine-rest");
	ck_assert_str_eq(look_up("GET", "/rest/engine/default/task/7").base, "/rest/engine/default");
	ck_assert_str_eq(look_up("GET", "/engine-rest/engine").base, "/engine-rest");
}
END_TEST

START_TEST(escapes_of_queries)
{
	static const struct {
		const char *raw, *plus, *plain;		/* NULL: malformed */
	} rows[] = {
		{ "", "", "" },
		{ "a+b", "a b", "a+b" },
		{ "a%2Bb", "a+b", "a+b" },
		{ "%00", NULL, NULL },
		{ "%0A", "\n", "\n" },
		{ "%", NULL, NULL },
		{ "%a", NULL, NULL },
		{ "%C3%A4", "\xc3\xa4", "\xc3\xa4" },
		{ "%C3+%A4", NULL, NULL },
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t length = strlen(rows[i].raw);

		ck_assert_pstr_eq(uri_decode(arena, rows[i].raw, length, true), rows[i].plus);
		ck_assert_pstr_eq(uri_decode(arena, rows[i].raw, length, false), rows[i].plain);
	}
	/* what stands behind the length is not looked at */
	ck_assert_pstr_eq(uri_decode(arena, "a%41", 2, false), NULL);
	ck_assert_pstr_eq(uri_decode(arena, "a%41", 1, false), "a");
	ck_assert_pstr_eq(uri_decode(arena, "a%412", 4, false), "aA");
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		every_route_is_found_below_every_base, no_two_routes_collide, rows_are_well_formed, literals_win,
		parameters_are_decoded_once, malformed_parameters_are_refused, slashes_more_than_needed, engines,
		unknown_paths, traversal_is_a_parameter_like_any, root_routes_are_at_the_root_alone, methods,
		bases_as_they_were_written, escapes_of_queries, NULL,
	};

	return run_units("router", tests);
}
