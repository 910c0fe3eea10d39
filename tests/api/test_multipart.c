/* SPDX-License-Identifier: Apache-2.0
 * multipart/form-data as clients send it, and as they should not. */
#include <string.h>

#include "api/http.h"
#include "base/text.h"
#include "tests/api/unit.h"

#define FORM "multipart/form-data; boundary=b"
#define HEAD "Content-Disposition: form-data; name=\"data\"\r\n"

static struct exchange exchange;
static struct error err;

static enum status
read_bytes(const char *type, const void *body, size_t length)
{
	exchange = (struct exchange){ .arena = arena, .content_type = type, .body = body, .body_length = length };
	return multipart_read(&exchange, &err);
}

static enum status
read_text(const char *type, const char *body)
{
	return read_bytes(type, body, strlen(body));
}

static void
expect_part(size_t i, const char *name, const char *filename, const char *type, const char *content)
{
	const struct part *part = &exchange.parts[i];

	ck_assert_uint_lt(i, exchange.part_count);
	ck_assert_pstr_eq(part->name, name);
	ck_assert_pstr_eq(part->filename, filename);
	ck_assert_pstr_eq(part->type, type);
	ck_assert_uint_eq(part->length, strlen(content));
	ck_assert_mem_eq(part->bytes, content, part->length);
}

static void
expect_refused(const char *type, const char *body, const char *why)
{
	ck_assert_msg(read_text(type, body) == E_invalid_request, "%s: %s", type, body);
	ck_assert_msg(strstr(err.message, why) != NULL, "%s: %s", err.message, body);
	ck_assert_uint_eq(exchange.part_count, 0);
}

START_TEST(parts_in_order)
{
	ck_assert_int_eq(read_text(FORM,
		"--b\r\n" "Content-Disposition: form-data; name=\"deployment-name\"\r\n\r\nfirst\r\n"
		"--b\r\n" "Content-Disposition: form-data; name=\"a.bpmn\"; filename=\"a.bpmn\"\r\n"
		"Content-Type: text/xml\r\n\r\n<a/>\r\n\r\n"
		"--b\r\n" "content-type:application/json\r\nCONTENT-DISPOSITION:form-data;name=x\r\nX-Other: y\r\n\r\n"
		"{}\r\n"
		"--b--\r\n"), OK);
	ck_assert_uint_eq(exchange.part_count, 3);
	expect_part(0, "deployment-name", NULL, NULL, "first");
	expect_part(1, "a.bpmn", "a.bpmn", "text/xml", "<a/>\r\n");
	expect_part(2, "x", NULL, "application/json", "{}");
}
END_TEST

START_TEST(boundaries)
{
	static const struct {
		const char *type, *boundary;
	} rows[] = {
		{ "multipart/form-data; boundary=b", "b" },
		{ "multipart/form-data;boundary=b", "b" },
		{ "multipart/form-data; boundary=\"b\"", "b" },
		{ "multipart/form-data; BOUNDARY=b; charset=UTF-8", "b" },
		{ "multipart/form-data; charset=UTF-8;\tboundary=b ", "b" },
		{ "multipart/form-data; boundary=\"with blank; and=more\"", "with blank; and=more" },
		{ "multipart/form-data; boundary=----WebKitFormBoundary7MA4", "----WebKitFormBoundary7MA4" },
		{ "multipart/form-data; boundary=a:b/c'd()+_,-.=?", "a:b/c'd()+_,-.=?" },
		{ "multipart/form-data; xboundary=no; boundary=b", "b" },
		{ "multipart/form-data; x=\"a; boundary=no\"; boundary=b", "b" },
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *body = arena_printf(arena, "--%s\r\n" HEAD "\r\nx\r\n--%s--", rows[i].boundary,
			rows[i].boundary);

		ck_assert_msg(read_text(rows[i].type, body) == OK, "%s: %s", rows[i].type, err.message);
		ck_assert_uint_eq(exchange.part_count, 1);
		expect_part(0, "data", NULL, NULL, "x");
	}
}
END_TEST

START_TEST(no_boundary)
{
	static const char *const types[] = {
		"multipart/form-data", "multipart/form-data;", "multipart/form-data; boundary",
		"multipart/form-data; boundary=", "multipart/form-data; boundary=\"\"",
		"multipart/form-data; boundary=\"b", "multipart/form-data; bound=b",
		"multipart/form-data; boundary=;x=b",
	};
	size_t i;

	for (i = 0; i < sizeof types / sizeof *types; i++)
		expect_refused(types[i], "--b\r\n" HEAD "\r\nx\r\n--b--\r\n", "there is no boundary");
}
END_TEST

START_TEST(names_and_file_names)
{
	static const struct {
		const char *parameters, *name, *filename;
	} rows[] = {
		{ "name=\"data\"; filename=\"a b.txt\"", "data", "a b.txt" },
		{ "name=\"data\"; filename=\"say \\\"hi\\\".txt\"", "data", "say \"hi\".txt" },
		{ "name=\"data\"; filename=\"C:\\dir\\x.txt\"", "data", "C:\\dir\\x.txt" },
		{ "name=\"data\"; filename=\"a\\\\b\"", "data", "a\\b" },
		{ "name=\"data\"; filename=\"gr\xc3\xbc\xc3\x9f" "e.bpmn\"", "data", "gr\xc3\xbc\xc3\x9f" "e.bpmn" },
		{ "name=\"data\"; filename=\"dir/sub/x.bpmn\"", "data", "dir/sub/x.bpmn" },
		{ "name=\"data\"; filename=\"\"", "data", "" },
		{ "name=\"\"", "", NULL },
		{ "name=data;filename=x.txt", "data", "x.txt" },
		{ "filename=x.txt ; name=data ", "data", "x.txt" },
		{ "NAME=\"data\"; FileName=\"x\"", "data", "x" },
		/* what a user may call a file names no other parameter */
		{ "filename=\"x; name=evil\"; name=\"data\"", "data", "x; name=evil" },
		{ "name=\"a; filename=evil\"", "a; filename=evil", NULL },
		{ "name=\"a\\\"; filename=evil\"", "a\"; filename=evil", NULL },
		{ "name=\"data\"; filename=\"x; y.txt\"", "data", "x; y.txt" },
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *body = arena_printf(arena, "--b\r\nContent-Disposition: form-data; %s\r\n\r\nx\r\n--b--",
			rows[i].parameters);

		ck_assert_msg(read_text(FORM, body) == OK, "%s: %s", rows[i].parameters, err.message);
		expect_part(0, rows[i].name, rows[i].filename, NULL, "x");
	}
}
END_TEST

START_TEST(nameless_parts_are_refused)
{
	static const char *const heads[] = {
		"", "\r\n", "Content-Type: text/plain\r\n", "Content-Disposition: form-data\r\n",
		"Content-Disposition: form-data; filename=\"x\"\r\n", "Content-Disposition form-data; name=x\r\n",
		"X-Content-Disposition: form-data; name=x\r\n", "Content-Disposition: form-data; names=x\r\n",
		"Content-Disposition: form-data; filename=\"; name=x\"\r\n",
		"Content-Disposition: form-data; filename=\"; name=x\r\n",
		"Content-Disposition: form-data; name=\"x\r\n",
	};
	size_t i;

	for (i = 0; i < sizeof heads / sizeof *heads; i++)
		expect_refused(FORM, arena_printf(arena, "--b\r\n%s\r\nx\r\n--b--\r\n", heads[i]), "has no name");
}
END_TEST

START_TEST(ends_and_beginnings)
{
	/* what stands before the first boundary and behind the last is no part */
	ck_assert_int_eq(read_text(FORM, "preamble\r\n--b\r\n" HEAD "\r\nx\r\n--b--\r\nepilogue\r\n--b\r\n"), OK);
	ck_assert_uint_eq(exchange.part_count, 1);
	expect_part(0, "data", NULL, NULL, "x");
	/* blanks behind a boundary are padding */
	ck_assert_int_eq(read_text(FORM, "--b \t\r\n" HEAD "\r\nx\r\n--b--"), OK);
	expect_part(0, "data", NULL, NULL, "x");
	/* no part at all */
	ck_assert_int_eq(read_text(FORM, "--b--\r\n"), OK);
	ck_assert_uint_eq(exchange.part_count, 0);
}
END_TEST

START_TEST(what_was_cut_off_is_refused)
{
	static const char *const bodies[] = {
		"", "-", "--", "--c\r\n" HEAD "\r\nx\r\n--c--", "x--b\r\n" HEAD "\r\nx\r\n", "b",
		"--b", "--b\r", "--b\r\n", "--b-",
		"--b\r\n" HEAD, "--b\r\n" HEAD "\r\n",
		"--b\r\n" HEAD "\r\nx",
		"--b\r\n" HEAD "\r\nx\r\n", "--b\r\n" HEAD "\r\nx\r\n--", "--b\r\n" HEAD "\r\nx\r\n--b",
		"--b\r\n" HEAD "\r\nx\r\n--b-", "--b\r\n" HEAD "\r\nx\r\n--b\r\n", "--b\r\n" HEAD "\r\nx\n--b--",
	};
	size_t i;

	for (i = 0; i < sizeof bodies / sizeof *bodies; i++)
		expect_refused(FORM, bodies[i], "the multipart body is malformed");
}
END_TEST

START_TEST(line_feeds_alone_are_refused)
{
	expect_refused(FORM, "--b\nContent-Disposition: form-data; name=\"data\"\n\nx\n--b--\n", "malformed");
	expect_refused(FORM, "--b\r\nContent-Disposition: form-data; name=\"data\"\n\nx\r\n--b--\r\n", "malformed");
}
END_TEST

/* A head that has no end must not swallow the part behind it. */
START_TEST(a_head_ends_before_the_next_boundary)
{
	expect_refused(FORM,
		"--b\r\nContent-Disposition: form-data; name=\"one\"\r\n--b\r\n" HEAD "\r\nx\r\n--b--\r\n", "head");
}
END_TEST

START_TEST(empty_parts)
{
	ck_assert_int_eq(read_text(FORM,
		"--b\r\n" HEAD "\r\n\r\n--b\r\n" HEAD "\r\n--b\r\n" HEAD "\r\n\r\n\r\n--b--"), OK);
	ck_assert_uint_eq(exchange.part_count, 3);
	expect_part(0, "data", NULL, NULL, "");
	expect_part(1, "data", NULL, NULL, "");
	expect_part(2, "data", NULL, NULL, "\r\n");
}
END_TEST

START_TEST(heads_have_a_limit)
{
	static const char with_nul[] = "--b\r\n" HEAD "X: \0\r\n\r\nx\r\n--b--";
	char *pad = arena_alloc(arena, 9001);

	memset(pad, 'x', 9000);
	pad[7000] = '\0';
	ck_assert_int_eq(read_text(FORM, arena_printf(arena, "--b\r\n" HEAD "X-Pad: %s\r\n\r\nx\r\n--b--", pad)), OK);
	pad[7000] = 'x';
	expect_refused(FORM, arena_printf(arena, "--b\r\n" HEAD "X-Pad: %s\r\n\r\nx\r\n--b--", pad), "too long");
	expect_refused(FORM, "--b\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\nx\r\n--b--", "no UTF-8");
	ck_assert_int_eq(read_bytes(FORM, with_nul, sizeof with_nul - 1), E_invalid_request);
}
END_TEST

/* A body of that many parts, named by their numbers. */
static const char *
many(int count)
{
	struct text text;
	int i;

	text_init(&text, arena);
	for (i = 0; i < count; i++)
		text_printf(&text, "--b\r\nContent-Disposition: form-data; name=n%d\r\n\r\n%d\r\n", i, i);
	text_puts(&text, "--b--\r\n");
	return text_string(&text);
}

START_TEST(parts_have_a_limit)
{
	size_t i;

	ck_assert_int_eq(read_text(FORM, many(1000)), OK);
	ck_assert_uint_eq(exchange.part_count, 1000);
	for (i = 0; i < 1000; i++)
		expect_part(i, arena_printf(arena, "n%zu", i), NULL, NULL, arena_printf(arena, "%zu", i));
	ck_assert_int_eq(read_text(FORM, many(1001)), E_too_large);
	ck_assert_int_eq(status_http(E_too_large), 413);
}
END_TEST

START_TEST(content_is_bytes)
{
	static const char head[] = "--b\r\n" HEAD "\r\n", end[] = "\r\n--b--\r\n";
	static const char content[] = "\0\xff\r\n\r\n--a\r\n--\r\n-b\r\n-- b--b\n--b\r--b--\r\n\r\r\n";
	struct text body;
	int i;

	text_init(&body, arena);
	text_put(&body, head, sizeof head - 1);
	text_put(&body, content, sizeof content - 1);
	for (i = 0; i < 256; i++)
		text_putc(&body, (char)i);
	text_put(&body, end, sizeof end - 1);
	ck_assert_int_eq(read_bytes(FORM, body.bytes, body.length), OK);
	ck_assert_uint_eq(exchange.part_count, 1);
	ck_assert_uint_eq(exchange.parts[0].length, sizeof content - 1 + 256);
	ck_assert_mem_eq(exchange.parts[0].bytes, content, sizeof content - 1);
}
END_TEST

/* Every beginning of a body is answered, and nothing is read behind its end: each is a copy of its own. */
START_TEST(every_beginning_is_answered)
{
	static const char body[] =
		"--b\r\n" HEAD "Content-Type: text/plain\r\n\r\nx\r\n--b\r\n" HEAD "\r\n\r\n--b--";
	size_t length;

	for (length = 0; length < sizeof body - 1; length++)
		ck_assert_msg(read_bytes(FORM, arena_copy(arena, body, length), length) == E_invalid_request, "%zu",
			length);
	ck_assert_int_eq(read_bytes(FORM, arena_copy(arena, body, length), length), OK);
	ck_assert_uint_eq(exchange.part_count, 2);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		parts_in_order, boundaries, no_boundary, names_and_file_names, nameless_parts_are_refused,
		ends_and_beginnings, what_was_cut_off_is_refused, line_feeds_alone_are_refused,
		a_head_ends_before_the_next_boundary, empty_parts, heads_have_a_limit, parts_have_a_limit,
		content_is_bytes, every_beginning_is_answered, NULL,
	};

	return run_units("multipart", tests);
}
