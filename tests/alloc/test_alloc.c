/* SPDX-License-Identifier: Apache-2.0
 * The n-th allocation fails, for every n until none is left: a parser then ends the process by the one abort that says
 * so (docs/decisions/0002), and by nothing else.  The allocator is the daemon's, so that also what libraries ask for is
 * counted; what fails is glibc's below it. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/http.h"
#include "base/json.h"
#include "bpmn/bpmn.h"
#include "expr/expr.h"
#include "tests/base/run.h"

/* ---- the allocator ---------------------------------------------------------------------------------------------- */

enum { ENDLESS = -1, WRONG = 3, SURVIVED = 4, TEXT = 4096, MOST = 200000 };

/* The linker gives the daemon's calls to the first, and calls of the second to glibc. */
void *__wrap___libc_malloc(size_t size);
void *__wrap___libc_calloc(size_t count, size_t size);
void *__wrap___libc_realloc(void *memory, size_t size);
void *__real___libc_malloc(size_t size);
void *__real___libc_calloc(size_t count, size_t size);
void *__real___libc_realloc(void *memory, size_t size);

static int left = ENDLESS;	/* allocations until one fails; 0: it has */

static bool
fails(void)
{
	if (left <= 0 || --left > 0)
		return false;
	errno = ENOMEM;
	return true;
}

void *
__wrap___libc_malloc(size_t size)
{
	return fails() ? NULL : __real___libc_malloc(size);
}

void *
__wrap___libc_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real___libc_calloc(count, size);
}

void *
__wrap___libc_realloc(void *memory, size_t size)
{
	return fails() ? NULL : __real___libc_realloc(memory, size);
}

/* ---- the parsers ------------------------------------------------------------------------------------------------- */

static const char diagram_xml[] =
	"<definitions xmlns=\"http://www.omg.org/spec/BPMN/20100524/MODEL\""
	" xmlns:camunda=\"http://camunda.org/schema/1.0/bpmn\" targetNamespace=\"t\">"
	"<process id=\"p\" isExecutable=\"true\" camunda:historyTimeToLive=\"P1D\"><startEvent id=\"s\"/>"
	"<sequenceFlow id=\"f\" sourceRef=\"s\" targetRef=\"a\"/>"
	"<serviceTask id=\"a\" camunda:type=\"external\" camunda:topic=\"${n &lt; 1 ? 'x' : m[0]}\">"
	"<extensionElements><camunda:inputOutput><camunda:inputParameter name=\"i\">1</camunda:inputParameter>"
	"</camunda:inputOutput></extensionElements></serviceTask>"
	"<sequenceFlow id=\"g\" sourceRef=\"a\" targetRef=\"e\"/><endEvent id=\"e\"/></process></definitions>";

static const char *
compile(struct arena *arena)
{
	struct diagram diagram;
	struct error err;
	struct text text;

	if (bpmn_compile(arena, "a.bpmn", diagram_xml, sizeof diagram_xml - 1, &diagram, &err) != OK)
		return arena_strdup(arena, err.message);
	text_init(&text, arena);
	program_dump(diagram.programs[0], &text);
	return text_string(&text);
}

/* Long enough that json-c grows its buffers, tables and arrays. */
static const char *
read_json(struct arena *arena)
{
	struct text text, out;
	struct value value;
	struct error err;
	struct json json;

	text_init(&text, arena);
	text_puts(&text, "{\"list\":[1.50,null,true");
	for (int i = 0; i < 40; i++)
		text_printf(&text, ",\"\\u00fc a string of some length, number %d\"", i);
	text_puts(&text, "]");
	for (int i = 0; i < 20; i++)
		text_printf(&text, ",\"name%d\":{\"x\":%d}", i, i);
	text_puts(&text, "}");
	if (json_read(arena, text_string(&text), text.length, &json_default_limits, &value, &err) != OK)
		return arena_strdup(arena, err.message);
	text_init(&out, arena);
	json_init(&json, &out);
	json_value(&json, &value);
	return text_string(&out);
}

static bool
lookup(const void *context, const char *name, struct value *value)
{
	(void)context;
	*value = value_string(name);
	value->type = *name == 'j' ? VALUE_json : VALUE_string;
	return true;
}

static const char *
evaluate(struct arena *arena)
{
	const struct expr_scope scope = { .lookup = lookup };
	const struct expr *expr;
	const char *text;
	struct error err;

	if (expr_compile(arena, "a ${s.toUpperCase().concat(t)} and ${x.split(',').size() + 1.5}", &expr, &err) != OK ||
		expr_eval_text(expr, &scope, arena, &text, &err) != OK)
		return arena_strdup(arena, err.message);
	return text;
}

static const char *
read_multipart(struct arena *arena)
{
	static const char body[] = "--b\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\nvalue\r\n"
				   "--b\r\nContent-Disposition: form-data; name=\"d\"; filename=\"\xc3\xbc.bpmn\"\r\n"
				   "Content-Type: text/xml\r\n\r\n<a/>\r\n--b--\r\n";
	struct exchange exchange = {
		.arena = arena,
		.content_type = "multipart/form-data; boundary=b",
		.body = body,
		.body_length = sizeof body - 1,
	};
	struct error err;

	if (multipart_read(&exchange, &err) != OK)
		return arena_strdup(arena, err.message);
	return arena_printf(arena, "%s=%.*s %s=%s", exchange.parts[0].name, (int)exchange.parts[0].length,
		(const char *)exchange.parts[0].bytes, exchange.parts[1].name, exchange.parts[1].filename);
}

/* ---- the walk ---------------------------------------------------------------------------------------------------- */

/* In the child: 0 when all went well before the n-th allocation. */
static int
attempt(const char *(*parser)(struct arena *arena), int n, const char *wanted)
{
	struct arena *arena;
	const char *got;

	left = n;
	arena = arena_new();
	got = parser(arena);
	if (left == 0)
		return SURVIVED;
	left = ENDLESS;
	return strcmp(got, wanted) == 0 ? 0 : WRONG;
}

/* How the child ended, and what it said. */
static int
fail_at(const char *(*parser)(struct arena *arena), int n, const char *wanted, char said[TEXT])
{
	int ends[2], status;
	ssize_t got, length = 0;
	pid_t child;

	ck_assert_int_eq(pipe(ends), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		dup2(ends[1], STDERR_FILENO);
		_exit(attempt(parser, n, wanted));
	}
	close(ends[1]);
	while (length < TEXT - 1 && (got = read(ends[0], said + length, (size_t)(TEXT - 1 - length))) > 0)
		length += got;
	said[length] = '\0';
	close(ends[0]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return status;
}

static void
walk(const char *(*parser)(struct arena *arena), int least)
{
	struct arena *arena = arena_new();
	const char *wanted = parser(arena);
	char said[TEXT];
	int n, status = -1;

	for (n = 1; n < MOST; n++) {
		status = fail_at(parser, n, wanted, said);
		if (status == 0)
			break;
		ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
				strcmp(said, "out of memory\n") == 0,
			"allocation %d: status %x, said '%s'", n, (unsigned)status, said);
	}
	ck_assert_int_eq(status, 0);
	ck_assert_int_gt(n, least);
	arena_free(arena);
}

START_TEST(diagrams)
{
	struct error err;

	ck_assert_int_eq(bpmn_init(&err), OK);
	walk(compile, 100);
	bpmn_done();
}
END_TEST

START_TEST(json)
{
	walk(read_json, 100);
}
END_TEST

START_TEST(expressions)
{
	walk(evaluate, 2);
}
END_TEST

START_TEST(multipart)
{
	walk(read_multipart, 1);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { diagrams, json, expressions, multipart, NULL };

	return run_suite_with("alloc", NULL, NULL, 120, tests);
}
