/* SPDX-License-Identifier: Apache-2.0
 * The HTTP layer as clients see it: real sockets, a fake backend, no database. */
#include <pthread.h>
#include <string.h>

#include "base/text.h"
#include "tests/api/unit.h"
#include "tests/api/wire.h"

#define JSON "Content-Type: application/json\r\n"
#define WORKER "{\"workerId\":\"w\"}"
#define COMPLETE "POST " TASK "/complete HTTP/1.1\r\nHost: h\r\n" JSON "Content-Length: 16\r\n\r\n" WORKER
#define UNLOCK "POST " TASK "/unlock HTTP/1.1\r\nHost: h\r\n"
#define ASK_VERSION "GET /engine-rest/version HTTP/1.1\r\nHost: h\r\n\r\n"
#define ERROR(type, message) "{\"type\":\"" type "\",\"message\":\"" message "\",\"code\":null}"

/* Every refusal is Camunda's error object, its type the exact bytes that clients compare with. */
static void
expect_error(const char *request, const char *head, const char *body, int status, const char *object)
{
	struct reply reply = ask(arena, request, head, body);

	ck_assert_msg(reply.status == status, "%s: %d %s", request, reply.status, reply.body);
	ck_assert_pstr_eq(header(arena, &reply, "Content-Type"), "application/json");
	ck_assert_str_eq(reply.body, object);
}

START_TEST(errors_are_objects)
{
	static const char none[] = "";

	wire_start();
	expect_error("GET /engine-rest/nosuch", none, NULL, 404, ERROR("NotFoundException", "HTTP 404 Not Found"));
	expect_error("GET /", none, NULL, 404, ERROR("NotFoundException", "HTTP 404 Not Found"));
	expect_error("DELETE /engine-rest/version", none, NULL, 405,
		ERROR("NotAllowedException", "HTTP 405 Method Not Allowed"));
	expect_error("GET /engine-rest/version", "Accept: text/html\r\n", NULL, 406,
		ERROR("NotAcceptableException", "HTTP 406 Not Acceptable"));
	expect_error("POST " TASK "/complete", "Content-Type: text/plain\r\n", WORKER, 415,
		ERROR("NotSupportedException", "HTTP 415 Unsupported Media Type"));
	expect_error("POST " TASK "/complete", "Content-Type: application/jsonx\r\n", WORKER, 415,
		ERROR("NotSupportedException", "HTTP 415 Unsupported Media Type"));
	expect_error("POST " TASK "/complete", none, WORKER, 415,
		ERROR("NotSupportedException", "HTTP 415 Unsupported Media Type"));
	expect_error("POST /engine-rest/deployment/create", JSON, "{}", 415,
		ERROR("NotSupportedException", "HTTP 415 Unsupported Media Type"));
	expect_error("GET /engine-rest/engine/nosuch/task", none, NULL, 400,
		ERROR("InvalidRequestException", "No process engine available"));
	expect_error("GET /engine-rest/task/%zz", none, NULL, 400,
		ERROR("InvalidRequestException", "the path is malformed"));
	expect_error("GET /engine-rest/version?a=%zz", none, NULL, 400,
		ERROR("InvalidRequestException", "the query is malformed"));
	expect_error("GET /engine-rest/version?a=%00", none, NULL, 400,
		ERROR("InvalidRequestException", "the query is malformed"));
	expect_error("POST " TASK "/complete", JSON, "{broken", 400, ERROR("InvalidRequestException", ""));
	expect_error("POST " TASK "/complete", JSON, "[]", 400, ERROR("InvalidRequestException", ""));
	expect_error("POST " TASK "/complete", JSON, "{} {}", 400, ERROR("InvalidRequestException", ""));
	expect_error("POST /engine-rest/external-task/x/complete", JSON, WORKER, 404,
		"{\"type\":\"RestException\",\"message\":\"External task with id x does not exist\",\"code\":0}");
	/* the database is away */
	expect_error("GET /engine-rest/task", none, NULL, 503,
		ERROR("ServiceUnavailableException", "the database is away, try again"));
	wire_stop();
}
END_TEST

START_TEST(methods_allowed_are_named)
{
	struct reply reply;

	wire_start();
	reply = ask(arena, "DELETE /engine-rest/task", "", NULL);
	ck_assert_int_eq(reply.status, 405);
	ck_assert_pstr_eq(header(arena, &reply, "Allow"), "GET, POST");
	reply = ask(arena, "BREW /engine-rest/version", "", NULL);
	ck_assert_int_eq(reply.status, 405);
	ck_assert_pstr_eq(header(arena, &reply, "Allow"), "GET");
	reply = ask(arena, "GET /engine-rest/version", "", NULL);
	ck_assert_ptr_null(header(arena, &reply, "Allow"));
	wire_stop();
}
END_TEST

START_TEST(accepted_types)
{
	static const char *const accepts[] = {
		"", "Accept: */*\r\n", "Accept: application/json\r\n", "Accept: application/*\r\n",
		"Accept: text/html, application/json;q=0.5\r\n", "Accept: Application/JSON\r\n",
		"Accept: application/hal+json, application/json; q=0.5\r\n",
	};
	struct reply reply;
	size_t i;

	wire_start();
	for (i = 0; i < sizeof accepts / sizeof *accepts; i++) {
		reply = ask(arena, "GET /engine-rest/version", accepts[i], NULL);
		ck_assert_msg(reply.status == 200, "%s", accepts[i]);
		ck_assert_pstr_eq(header(arena, &reply, "Content-Type"), "application/json");
		ck_assert_str_eq(reply.body, "{\"version\":\"7.24.0\"}");
	}
	reply = ask(arena, "GET /metrics", "Accept: text/plain\r\n", NULL);
	ck_assert_int_eq(reply.status, 200);
	wire_stop();
}
END_TEST

/* A client that finds a type reads a body: 204 has neither, and the next reply comes right behind. */
START_TEST(no_content_has_no_type)
{
	struct wire wire;
	struct reply reply;
	int i;

	wire_start();
	wire_open(&wire);
	for (i = 0; i < 2; i++) {
		wire_send(&wire, COMPLETE);
		reply = wire_reply(&wire, arena, false);
		ck_assert_int_eq(reply.status, 204);
		ck_assert_ptr_null(header(arena, &reply, "Content-Type"));
		ck_assert_ptr_null(header(arena, &reply, "Transfer-Encoding"));
		ck_assert_ptr_null(header(arena, &reply, "Cache-Control"));
		ck_assert_uint_eq(wire.have, 0);
	}
	wire_close(&wire);
	wire_stop();
}
END_TEST

START_TEST(caching)
{
	static const struct {
		const char *request;
		bool forbidden;
	} rows[] = {
		{ "GET /engine-rest/version", true },
		{ "GET /engine-rest/task?x=xml", true },
		{ "GET /engine-rest/nosuch", true },
		{ "GET /engine-rest/process-definition/7/xml", false },
		{ "GET /engine-rest/process-definition/7/xml?a=b", false },
		{ "POST /engine-rest/version", false },
	};
	size_t i;

	wire_start();
	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct reply reply = ask(arena, rows[i].request, "", NULL);

		ck_assert_pstr_eq(header(arena, &reply, "Cache-Control"), rows[i].forbidden ? "no-cache" : NULL);
	}
	wire_stop();
}
END_TEST

START_TEST(connections_are_kept)
{
	struct wire wire;
	struct reply reply;
	int i;

	wire_start();
	wire_open(&wire);
	for (i = 0; i < 100; i++) {
		wire_send(&wire, i % 3 == 0 ? "GET /engine-rest/nosuch HTTP/1.1\r\nHost: h\r\n\r\n" :
			ASK_VERSION);
		reply = wire_reply(&wire, arena, false);
		ck_assert_int_eq(reply.status, i % 3 == 0 ? 404 : 200);
		ck_assert_pstr_ne(header(arena, &reply, "Connection"), "close");
	}
	wire_send(&wire, "GET /engine-rest/version HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	reply = wire_reply(&wire, arena, false);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_pstr_eq(header(arena, &reply, "Connection"), "close");
	ck_assert_str_eq(wire_closed(&wire, arena), "");
	wire_close(&wire);
	wire_stop();
}
END_TEST

/* Replies come in the order of the requests, whoever is done first. */
START_TEST(pipelined_requests)
{
	static const int statuses[] = { 200, 204, 404 };
	struct text text;
	struct wire wire;
	struct reply reply;
	int i;

	wire_start();
	wire_open(&wire);
	text_init(&text, arena);
	for (i = 0; i < 60; i++) {
		if (i % 3 == 0)
			text_puts(&text, ASK_VERSION);
		else if (i % 3 == 1)
			text_puts(&text, COMPLETE);
		else
			text_printf(&text, "GET /engine-rest/n%d HTTP/1.1\r\nHost: h\r\n\r\n", i);
	}
	wire_send(&wire, text_string(&text));
	for (i = 0; i < 60; i++) {
		reply = wire_reply(&wire, arena, false);
		ck_assert_int_eq(reply.status, statuses[i % 3]);
	}
	ck_assert_uint_eq(wire.have, 0);
	wire_close(&wire);
	wire_stop();
}
END_TEST

/* However the bytes come. */
START_TEST(requests_in_pieces)
{
	static const char request[] = COMPLETE ASK_VERSION;
	struct wire wire;
	size_t i;

	wire_start();
	wire_open(&wire);
	for (i = 0; i < sizeof request - 1; i++)
		wire_send_bytes(&wire, request + i, 1);
	ck_assert_int_eq(wire_reply(&wire, arena, false).status, 204);
	ck_assert_int_eq(wire_reply(&wire, arena, false).status, 200);
	wire_close(&wire);
	wire_stop();
}
END_TEST

START_TEST(heads_alone)
{
	struct wire wire;
	struct reply get, head;

	wire_start();
	wire_open(&wire);
	wire_send(&wire, ASK_VERSION);
	get = wire_reply(&wire, arena, false);
	wire_send(&wire, "HEAD /engine-rest/version HTTP/1.1\r\nHost: h\r\n\r\n");
	head = wire_reply(&wire, arena, true);
	ck_assert_int_eq(head.status, 200);
	ck_assert_pstr_eq(header(arena, &head, "Content-Length"), header(arena, &get, "Content-Length"));
	ck_assert_pstr_eq(header(arena, &head, "Content-Type"), "application/json");
	/* nothing of a body stands before the next reply */
	wire_send(&wire, "HEAD /engine-rest/nosuch HTTP/1.1\r\nHost: h\r\n\r\n");
	ck_assert_int_eq(wire_reply(&wire, arena, true).status, 404);
	wire_send(&wire, ASK_VERSION);
	ck_assert_str_eq(wire_reply(&wire, arena, false).body, get.body);
	wire_close(&wire);
	wire_stop();
}
END_TEST

START_TEST(pages_of_other_origins)
{
	struct reply reply;

	wire_start();
	reply = ask(arena, "OPTIONS " TASK "/complete", "Origin: http://example.org\r\n"
		"Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n", NULL);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_uint_eq(reply.length, 0);
	ck_assert_pstr_eq(header(arena, &reply, "Access-Control-Allow-Origin"), "*");
	ck_assert_ptr_nonnull(strstr(header(arena, &reply, "Access-Control-Allow-Methods"), "POST"));
	ck_assert_ptr_nonnull(strstr(header(arena, &reply, "Access-Control-Allow-Headers"), "Content-Type"));
	ck_assert_ptr_null(header(arena, &reply, "Content-Type"));
	reply = ask(arena, "GET /engine-rest/version", "Origin: http://example.org\r\n", NULL);
	ck_assert_pstr_eq(header(arena, &reply, "Access-Control-Allow-Origin"), "*");
	reply = ask(arena, "GET /engine-rest/nosuch", "Origin: http://example.org\r\n", NULL);
	ck_assert_pstr_eq(header(arena, &reply, "Access-Control-Allow-Origin"), "*");
	reply = ask(arena, "GET /engine-rest/version", "", NULL);
	ck_assert_ptr_null(header(arena, &reply, "Access-Control-Allow-Origin"));
	/* without an origin it is a method like any */
	reply = ask(arena, "OPTIONS /engine-rest/task", "", NULL);
	ck_assert_int_eq(reply.status, 405);
	wire_stop();
}
END_TEST

/* What a proxy may read otherwise than we do: one refusal, and the connection ends, so that nothing hides behind it. */
START_TEST(smuggled_requests)
{
	static const char hidden[] = ASK_VERSION;
	static const char *const heads[] = {
		UNLOCK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		UNLOCK "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
		UNLOCK "Content-Length: 0\r\nContent-Length: 5\r\n\r\n",
		UNLOCK "Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
		UNLOCK "Content-Length: x\r\n\r\n",
		UNLOCK "Content-Length: -1\r\n\r\n",
		UNLOCK "Content-Length: +0\r\n\r\n",
		UNLOCK "Content-Length: 0, 0\r\n\r\n",
		UNLOCK "Content-Length: 99999999999999999999\r\n\r\n",
		UNLOCK "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n"
			"0\r\n\r\n",
		UNLOCK "Transfer-Encoding: xchunked\r\n\r\n",
		UNLOCK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		UNLOCK "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
		"GET /engine-rest/version HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n",
		"GET /engine-rest/version HTTP/1.1\r\nHost: h\r\nhost: other\r\n\r\n",
		"GET /engine-rest/version HTTP/1.1\r\n\r\n",
		"GET /engine-rest/version HTTP/1.1\r\nHost: h\r\nBad Name: x\r\n\r\n",
		"GET /engine-rest/version HTTP/1.1\r\nHost: h\r\nNo-Colon\r\n\r\n",
		UNLOCK "Content-Length: 5\r\n 0\r\n\r\n",
		UNLOCK "Transfer-Encoding:\r\n\tchunked\r\n\r\n",
		UNLOCK "Content-: 5\r\n Length\r\n\r\n",
		"GET /engine-rest/version HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n",
		UNLOCK "X: y\rTransfer-Encoding: chunked\r\n\r\n",
	};
	struct reply reply;
	struct wire wire;
	size_t i;

	wire_start();
	for (i = 0; i < sizeof heads / sizeof *heads; i++) {
		wire_open(&wire);
		wire_send(&wire, arena_printf(arena, "%s%s", heads[i], hidden));
		reply = wire_reply(&wire, arena, false);
		ck_assert_msg(reply.status == 400 || reply.status == 413, "%s: %d", heads[i], reply.status);
		/* what the library itself refuses is a page, and no later reply */
		ck_assert_pstr_eq(header(arena, &reply, "Connection"), "close");
		ck_assert_ptr_null(strstr(wire_closed(&wire, arena), "7.24.0"));
		wire_close(&wire);
	}
	ck_assert_int_eq(fake.answered, 0);
	expect_error("POST " TASK "/unlock", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", NULL, 400,
		ERROR("InvalidRequestException", "Content-Length and Transfer-Encoding exclude each other"));
	expect_error("GET /engine-rest/version", "Host: h\r\n", NULL, 400,
		ERROR("InvalidRequestException", "a header that may stand once stands twice"));
	wire_stop();
}
END_TEST

static struct reply
send_chunked(const char *chunks)
{
	struct reply reply;
	struct wire wire;

	wire_open(&wire);
	wire_send(&wire, arena_printf(arena, "POST " TASK "/complete HTTP/1.1\r\nHost: h\r\n" JSON
		"Transfer-Encoding: chunked\r\n\r\n%s", chunks));
	reply = wire_reply(&wire, arena, false);
	wire_close(&wire);
	return reply;
}

START_TEST(chunked_bodies)
{
	wire_start();
	ck_assert_int_eq(send_chunked("10\r\n" WORKER "\r\n0\r\n\r\n").status, 204);
	ck_assert_int_eq(send_chunked("1\r\n{\r\n00E\r\n\"workerId\":\"w\"\r\n1;x=y\r\n}\r\n0\r\n\r\n").status, 204);
	ck_assert_int_eq(send_chunked("10\r\n" WORKER "\r\n0\r\nTrailer: x\r\n\r\n").status, 204);
	ck_assert_int_eq(fake.answered, 3);
	ck_assert_int_eq(send_chunked("z\r\n" WORKER "\r\n0\r\n\r\n").status, 400);
	ck_assert_int_eq(send_chunked("-1\r\n" WORKER "\r\n0\r\n\r\n").status, 400);
	ck_assert_int_eq(send_chunked("5\r\n" WORKER "\r\n0\r\n\r\n").status, 400);
	ck_assert_int_eq(fake.answered, 3);
	/* nothing came: an empty object, whose worker is missing */
	ck_assert_str_eq(send_chunked("0\r\n\r\n").body,
		"{\"type\":\"NullValueException\",\"message\":\"workerId is null\",\"code\":0}");
	wire_stop();
}
END_TEST

/* A completion whose body has that many bytes. */
static struct reply
complete_with(size_t length)
{
	char *body = arena_alloc(arena, length + 1);

	memset(body, ' ', length);
	memcpy(body, WORKER, sizeof WORKER - 1);
	return ask(arena, "POST " TASK "/complete", JSON, body);
}

START_TEST(bodies_have_a_limit)
{
	struct reply reply;
	struct text text;
	struct wire wire;
	int i;

	wire_start();
	ck_assert_int_eq(complete_with(BODY_BYTES).status, 204);
	reply = complete_with(BODY_BYTES + 1);
	ck_assert_int_eq(reply.status, 413);
	ck_assert_pstr_eq(header(arena, &reply, "Content-Type"), "application/json");
	ck_assert_pstr_eq(header(arena, &reply, "Connection"), "close");
	ck_assert_str_eq(reply.body, ERROR("InvalidRequestException",
		"the body is larger than the setting body_bytes allows"));
	/* in chunks as well */
	text_init(&text, arena);
	text_puts(&text, "POST " TASK "/complete HTTP/1.1\r\nHost: h\r\n" JSON "Transfer-Encoding: chunked\r\n\r\n");
	for (i = 0; i < 300; i++)
		text_puts(&text, "10\r\n" WORKER "\r\n");
	text_puts(&text, "0\r\n\r\n");
	wire_open(&wire);
	wire_send(&wire, text_string(&text));
	ck_assert_int_eq(wire_reply(&wire, arena, false).status, 413);
	ck_assert_str_eq(wire_closed(&wire, arena), "");
	wire_close(&wire);
	ck_assert_int_eq(fake.answered, 1);
	wire_stop();
}
END_TEST

START_TEST(standby)
{
	static const char body[] = ERROR("ServiceUnavailableException",
		"this daemon is not active now (standby), try again");
	struct reply reply;

	wire_start();
	fake.active = false;
	reply = ask(arena, "POST " TASK "/complete", JSON, WORKER);
	ck_assert_int_eq(reply.status, 503);
	ck_assert_pstr_eq(header(arena, &reply, "Retry-After"), "1");
	ck_assert_pstr_eq(header(arena, &reply, "Content-Type"), "application/json");
	ck_assert_str_eq(reply.body, body);
	expect_error("GET /engine-rest/task", "", NULL, 503, body);
	/* what is wrong whoever is active is told at once */
	ck_assert_int_eq(ask(arena, "GET /engine-rest/nosuch", "", NULL).status, 404);
	ck_assert_int_eq(ask(arena, "GET /engine-rest/version", "", NULL).status, 200);
	ck_assert_int_eq(ask(arena, "GET /engine-rest/engine", "", NULL).status, 200);
	ck_assert_int_eq(ask(arena, "GET /metrics", "", NULL).status, 200);
	reply = ask(arena, "GET /health", "", NULL);
	ck_assert_int_eq(reply.status, 503);
	ck_assert_ptr_nonnull(strstr(reply.body, "\"status\":\"STANDBY\""));
	ck_assert_int_eq(fake.answered, 0);
	fake.active = true;
	reply = ask(arena, "GET /health", "", NULL);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_ptr_null(header(arena, &reply, "Retry-After"));
	ck_assert_ptr_nonnull(strstr(reply.body, "\"status\":\"UP\""));
	wire_stop();
}
END_TEST

START_TEST(answers_of_lanes)
{
	struct reply reply;

	wire_start();
	fake.status = E_unavailable;
	reply = ask(arena, "POST " TASK "/complete", JSON, WORKER);
	ck_assert_int_eq(reply.status, 503);
	ck_assert_pstr_eq(header(arena, &reply, "Retry-After"), "1");
	ck_assert_str_eq(reply.body, ERROR("ServiceUnavailableException", "the fake refused"));
	fake.status = E_not_found;
	reply = ask(arena, "POST " TASK "/complete", JSON, WORKER);
	ck_assert_int_eq(reply.status, 404);
	ck_assert_str_eq(reply.body,
		"{\"type\":\"RestException\",\"message\":\"External task with id 1025 does not exist\",\"code\":0}");
	fake.status = E_bad_user_request;
	reply = ask(arena, "POST " TASK "/complete", JSON, WORKER);
	ck_assert_int_eq(reply.status, 400);
	ck_assert_str_eq(reply.body, "{\"type\":\"RestException\",\"message\":\"the fake refused\",\"code\":0}");
	wire_stop();
}
END_TEST

/* They are in milliseconds, and the longest stays long. */
START_TEST(durations)
{
#define FOR_EVER "9223372036854775807"
	wire_start();
	fake.status = E_bad_user_request;
	ask(arena, "POST " TASK "/failure", JSON, "{\"workerId\":\"w\",\"retries\":1,\"retryTimeout\":1500}");
	ck_assert(fake.duration_us == 1500000);
	ask(arena, "POST " TASK "/failure", JSON, "{\"workerId\":\"w\",\"retries\":1,\"retryTimeout\":" FOR_EVER "}");
	ck_assert(fake.duration_us == INT64_MAX);
	ask(arena, "POST " TASK "/lock", JSON, "{\"workerId\":\"w\",\"lockDuration\":" FOR_EVER "}");
	ck_assert(fake.duration_us == INT64_MAX);
	wire_stop();
#undef FOR_EVER
}
END_TEST

START_TEST(bodies_that_say_nothing)
{
	static const char no_worker[] = "{\"type\":\"NullValueException\",\"message\":\"workerId is null\",\"code\":0}";
	static const char no_body[] = ERROR("InvalidRequestException", "The request needs a body: a JSON object");

	wire_start();
	expect_error("POST " TASK "/complete", JSON, "null", 400, no_body);
	expect_error("POST " TASK "/complete", "", NULL, 400, no_body);
	expect_error("POST " TASK "/complete", "", "", 400, no_body);
	/* empty with a type is an empty object */
	expect_error("POST " TASK "/complete", JSON, "", 500, no_worker);
	expect_error("POST " TASK "/complete", JSON, NULL, 500, no_worker);
	expect_error("POST " TASK "/complete", JSON, "{}", 500, no_worker);
	expect_error("POST " TASK "/complete", "Content-Type: application/json; charset=utf-8\r\n", "{}", 500,
		no_worker);
	expect_error("POST " TASK "/complete", "content-type: Application/JSON;charset=UTF-8\r\n", "{}", 500,
		no_worker);
	ck_assert_int_eq(fake.answered, 0);
	/* clients unlock with null, with nothing, and without a type */
	ck_assert_int_eq(ask(arena, "POST " TASK "/unlock", JSON, "null").status, 204);
	ck_assert_int_eq(ask(arena, "POST " TASK "/unlock", JSON, "").status, 204);
	ck_assert_int_eq(ask(arena, "POST " TASK "/unlock", "", NULL).status, 204);
	ck_assert_int_eq(ask(arena, "POST " TASK "/unlock", JSON, "{}").status, 204);
	wire_stop();
}
END_TEST

#define FETCH "POST /engine-rest/external-task/fetchAndLock HTTP/1.1\r\nHost: h\r\n" JSON \
	"Content-Length: 104\r\n\r\n{\"workerId\":\"w\",\"maxTasks\":1,\"asyncResponseTimeout\":60000," \
	"\"topics\":[{\"topicName\":\"t\",\"lockDuration\":9}]}"

/* While one connection waits the others are served, and its answer comes when it is there. */
START_TEST(parked_polls)
{
	struct wire wire;
	struct reply reply;

	wire_start();
	fake.held = true;
	wire_open(&wire);
	wire_send(&wire, FETCH);
	await_count(&fake.waiting, 1);
	ck_assert_int_eq(ask(arena, "GET /engine-rest/version", "", NULL).status, 200);
	ck_assert_int_eq(fake.answered, 0);
	ck_assert_int_eq(fake.gone, 0);
	fake_release();
	reply = wire_reply(&wire, arena, false);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_str_eq(reply.body, "[]");
	wire_close(&wire);
	wire_stop();
}
END_TEST

/* A worker that hung up is noticed before tasks are locked for it, and its late answer hurts nobody. */
START_TEST(clients_that_hang_up)
{
	struct wire wire;

	wire_start();
	fake.held = true;
	wire_open(&wire);
	wire_send(&wire, FETCH);
	await_count(&fake.waiting, 1);
	wire_close(&wire);
	await_count(&fake.gone, 1);
	fake_release();
	await_count(&fake.answered, 1);
	ck_assert_int_eq(ask(arena, "GET /engine-rest/version", "", NULL).status, 200);
	/* half a request as well */
	wire_open(&wire);
	wire_send(&wire, "POST " TASK "/complete HTTP/1.1\r\nHost: h\r\n" JSON "Content-Length: 16\r\n\r\n{\"wor");
	wire_close(&wire);
	wire_open(&wire);
	wire_send(&wire, "POST " TASK "/comp");
	wire_close(&wire);
	ck_assert_int_eq(ask(arena, "GET /engine-rest/version", "", NULL).status, 200);
	ck_assert_int_eq(fake.answered, 1);
	wire_stop();
}
END_TEST

static void *
stop(void *context)
{
	(void)context;
	wire_stop_api();
	return NULL;
}

/* What was accepted is answered: the command may be committed already. */
START_TEST(stopping_with_requests_under_way)
{
	enum { WIRES = 8 };
	static struct wire wires[WIRES], late;
	pthread_t thread;
	int i;

	wire_start();
	fake.held = true;
	for (i = 0; i < WIRES; i++) {
		wire_open(&wires[i]);
		wire_send(&wires[i], COMPLETE);
	}
	await_count(&fake.waiting, WIRES);
	ck_assert_int_eq(pthread_create(&thread, NULL, stop, NULL), 0);
	/* it stops once nobody gets in any more */
	while (wire_try_open(&late))
		wire_close(&late);
	ck_assert_int_eq(fake.answered, 0);
	fake_release();
	for (i = 0; i < WIRES; i++) {
		ck_assert_int_eq(wire_reply(&wires[i], arena, false).status, 204);
		ck_assert_str_eq(wire_closed(&wires[i], arena), "");
		wire_close(&wires[i]);
	}
	pthread_join(thread, NULL);
	wire_stop();
}
END_TEST

/* Idle connections do not hold it up. */
START_TEST(stopping_with_idle_connections)
{
	struct wire idle, half;

	wire_start();
	wire_open(&idle);
	wire_send(&idle, ASK_VERSION);
	ck_assert_int_eq(wire_reply(&idle, arena, false).status, 200);
	wire_open(&half);
	wire_send(&half, "POST " TASK "/complete HTTP/1.1\r\nHost: h\r\nContent-Len");
	wire_stop();
	ck_assert_str_eq(wire_closed(&idle, arena), "");
	ck_assert_ptr_null(strstr(wire_closed(&half, arena), "HTTP/1.1 2"));
	wire_close(&idle);
	wire_close(&half);
}
END_TEST

static void *
many(void *context)
{
	struct arena *own = arena_new();
	struct wire wire;
	int i;

	wire_open(&wire);
	for (i = 0; i < 100; i++) {
		wire_send(&wire, COMPLETE
			ASK_VERSION);
		*(int *)context += wire_reply(&wire, own, false).status == 204;
		*(int *)context += wire_reply(&wire, own, false).status == 200;
		arena_reset(own);
	}
	wire_close(&wire);
	arena_free(own);
	return NULL;
}

START_TEST(many_clients)
{
	enum { CLIENTS = 8 };
	pthread_t threads[CLIENTS];
	int good[CLIENTS] = { 0 }, i;

	wire_start();
	for (i = 0; i < CLIENTS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, many, &good[i]), 0);
	for (i = 0; i < CLIENTS; i++) {
		pthread_join(threads[i], NULL);
		ck_assert_int_eq(good[i], 200);
	}
	ck_assert_int_eq(fake.answered, 100 * CLIENTS);
	wire_stop();
}
END_TEST

START_TEST(addresses_to_listen_on)
{
	static const char *const addresses[] = {
		"8080", "", "nosuch.invalid:8080",
		"127.0.0.1:http",
		"[::1:8080", "127.0.0.1:99999",
	};
	struct api *other;
	struct error err;
	size_t i;

	wire_start();
	for (i = 0; i < sizeof addresses / sizeof *addresses; i++)
		ck_assert_msg(api_start(&fake.backend, addresses[i], &other, &err) == E_invalid_request, "%s",
			addresses[i]);
	/* a port has one owner: two would share its connections */
	ck_assert_int_eq(api_start(&fake.backend, wire_address(), &other, &err), E_internal);
	ck_assert_ptr_nonnull(strstr(err.message, "in use"));
	wire_stop();
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		errors_are_objects, methods_allowed_are_named, accepted_types, no_content_has_no_type, caching,
		connections_are_kept, pipelined_requests, requests_in_pieces, heads_alone, pages_of_other_origins,
		smuggled_requests, chunked_bodies, bodies_have_a_limit, standby, answers_of_lanes, durations,
		bodies_that_say_nothing, parked_polls, clients_that_hang_up, stopping_with_requests_under_way,
		stopping_with_idle_connections, many_clients, addresses_to_listen_on, NULL,
	};

	return run_units("http", tests);
}
