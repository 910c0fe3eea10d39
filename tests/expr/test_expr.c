/* SPDX-License-Identifier: Apache-2.0
 * Expressions: what Camunda 7 was measured to answer, limits, messages, and random texts. */
#include "expr/expr.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tests/base/run.h"

static struct arena *arena;

static void
setup(void)
{
	arena = arena_new();
}

static void
teardown(void)
{
	arena_free(arena);
}

static const struct value numbers[] = {
	{ .type = VALUE_integer, .integer = 1 },
	{ .type = VALUE_integer, .integer = 2 },
	{ .type = VALUE_integer, .integer = 3 },
};
static const struct entry entries[] = {
	{ .name = "k", .value = { .type = VALUE_string, .text = "v", .length = 1 } },
	{ .name = "class", .value = { .type = VALUE_integer, .integer = 9 } },
	{ .name = "1", .value = { .type = VALUE_string, .text = "one", .length = 3 } },
};
static const char json_text[] = "{\"a\":{\"b\":[10,20,{\"c\":\"deep\"}]},\"t\":true,\"e\":[],\"n\":null}";
static const struct value_info json_info = { .format = "application/json", .object_type = "Thing" };

enum { NOW_HOURS = 12 };
#define NOW_US (INT64_C(1709164800000000) + NOW_HOURS * INT64_C(3600000000)) /* 2024-02-29 */

#define TEXT(s) { .type = VALUE_string, .text = (s), .length = sizeof(s) - 1 }

static const struct entry variables[] = {
	{ .name = "n", .value = { .type = VALUE_integer, .integer = 5 } },
	{ .name = "sh", .value = { .type = VALUE_short, .integer = 7 } },
	{ .name = "big", .value = { .type = VALUE_long, .integer = INT64_MAX } },
	{ .name = "d", .value = { .type = VALUE_double, .real = 2.5 } },
	{ .name = "s", .value = TEXT("abc") },
	{ .name = "b", .value = { .type = VALUE_boolean, .integer = 1 } },
	{ .name = "nul", .value = { .type = VALUE_null } },
	{ .name = "lst", .value = { .type = VALUE_list, .length = 3, .items = numbers } },
	{ .name = "map", .value = { .type = VALUE_map, .length = 3, .entries = entries } },
	{ .name = "j", .value = { .type = VALUE_json, .text = json_text, .length = sizeof json_text - 1 } },
	{ .name = "obj", .value = { .type = VALUE_object, .text = "[1,2]", .length = 5, .info = &json_info } },
	{ .name = "bad", .value = { .type = VALUE_json, .text = "{", .length = 1 } },
	{ .name = "day", .value = { .type = VALUE_date, .integer = 0 } },
	{ .name = "task", .value = TEXT("a plain name") },
	{ .name = "z\303\274", .value = TEXT("\303\244\360\237\230\200x") },
	{ .name = "csv", .value = TEXT("a,b,,c,,") },
	{ .name = "trans", .value = { .type = VALUE_integer, .integer = 1, .transient = true } },
};

static bool
lookup(const void *context, const char *name, struct value *value)
{
	(void)context;
	for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
		if (strcmp(variables[i].name, name) == 0) {
			*value = variables[i].value;
			return true;
		}
	}
	return false;
}

static const struct expr_scope scope = { .lookup = lookup, .now_us = NOW_US };

/* "Type text", "null", "deploy: message" or "error: message". */
static const char *
answer(const char *text)
{
	const struct expr *expr;
	struct value value;
	struct error err = { .status = OK };

	if (expr_compile(arena, text, &expr, &err) != OK) {
		ck_assert_int_eq(err.status, E_engine);
		return arena_printf(arena, "deploy: %s", err.message);
	}
	ck_assert_str_eq(expr_source(expr), text);
	if (expr_eval(expr, &scope, arena, &value, &err) != OK) {
		ck_assert_int_eq(err.status, E_engine);
		return arena_printf(arena, "error: %s", err.message);
	}
	ck_assert(!value.transient);
	if (value.type == VALUE_null)
		return "null";
	return arena_printf(arena, "%s %s", value_type_name(value.type), value_to_text(arena, &value));
}

struct vector {
	const char *text, *expected;	/* a beginning is enough when the answer is a failure */
};

static void
check_vectors(const struct vector *vectors, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const char *got = answer(vectors[i].text), *expected = vectors[i].expected;
		bool failure = strncmp(expected, "error", 5) == 0 || strncmp(expected, "deploy", 6) == 0;
		bool same = failure ? strncmp(got, expected, strlen(expected)) == 0 : strcmp(got, expected) == 0;

		ck_assert_msg(same, "%s\n  gives    %s\n  expected %s", vectors[i].text, got, expected);
	}
}
#define CHECK_VECTORS(v) check_vectors((v), sizeof(v) / sizeof *(v))

#define EVALUATING(x, cause) "error: Error while evaluating expression: " x ". Cause: " cause
#define UNKNOWN(x, cause) "error: Unknown property used in expression: " x ". Cause: " cause
#define NO_MEMBER(x, member, what) "deploy: Error while parsing expression '" x "': '" member "' is nothing that " what
#define REJECTED(x, kind, at, encountered, expected) "deploy: Error parsing '" x "': " kind " error at position " at \
	", encountered " encountered ", expected " expected
#define SYNTAX(x, at, encountered, expected) REJECTED(x, "syntax", at, encountered, expected)
#define LEXICAL(x, at, encountered, expected) REJECTED(x, "lexical", at, encountered, expected)
#define OPERAND "<IDENTIFIER>|<STRING>|<FLOAT>|<INTEGER>|'true'|'false'|'null'|'-'|'!'|'not'|'empty'|'('"

START_TEST(test_golden)
{
	static const struct vector vectors[] = {
		{ "${1+1}", "Long 2" },
		{ "${'1'+1}", "Long 2" },
		{ "${'1'+'2'}", "Long 3" },
		{ "${null+1}", "Long 1" },
		{ "${'a'+'b'}", EVALUATING("${'a'+'b'}", "Cannot coerce 'a' to class java.lang.Long") },
		{ "${1+'a'}", EVALUATING("${1+'a'}", "Cannot coerce 'a'") },
		{ "${b+1}", EVALUATING("${b+1}",
			"Cannot coerce from class java.lang.Boolean to class java.lang.Long") },
		{ "${null<1}", "Boolean false" },
		{ "${null<=null}", "Boolean true" },
		{ "${1/2}", "Double 0.5" },
		{ "${4/2}", "Double 2.0" },
		{ "${5 div 2}", "Double 2.5" },
		{ "${null==null}", "Boolean true" },
		{ "${nul==null}", "Boolean true" },
		{ "${7 mod 3}", "Long 1" },
		{ "${7 % 2.5}", "Double 2.0" },
		{ "${x_undefined==null}", UNKNOWN("${x_undefined==null}", "Cannot resolve identifier 'x_undefined'") },
		{ "${-'3'}", "Long -3" },
		{ "${b || undefinedVar}", "Boolean true" },
		{ "${'10' > 9}", "Boolean true" },
		{ "${'10' < '9'}", "Boolean true" },
		{ "${empty nul}", "Boolean true" },
		{ "${empty ''}", "Boolean true" },
		{ "${empty lst}", "Boolean false" },
		{ "${nul.foo}", "null" },
		{ "${map.missing}", "null" },
		{ "${1=='1'}", "Boolean true" },
		{ "${1==1.0}", "Boolean true" },
		{ "${true=='true'}", "Boolean true" },
		{ "${s.foo}", UNKNOWN("${s.foo}", "Could not find property foo in class java.lang.String") },
		{ "${s.foo()}", "deploy: Error while parsing expression '${s.foo()}': method 'foo' is not supported" },
		{ "${lst.contains(2)}", "Boolean true" },	/* false in Java: Long is no Integer */
		{ "${lst[0]}", "Integer 1" },
		{ "${map['k']}", "String v" },
		{ "${map.k}", "String v" },
		{ "${2147483648}", "Long 2147483648" },
		{ "${1e3}", "Double 1000.0" },
		{ "${1.5+1}", "Double 2.5" },
		{ "${lst.get(5)}", EVALUATING("${lst.get(5)}", "Index 5 out of bounds for length 3") },
		{ "x${nul}y", "String xy" },
		{ "x${1/2}y", "String x0.5y" },
		{ "x${n>4}y", "String xtruey" },
		{ " ${n} ", "String  5 " },
		{ "\\${n}", "String ${n}" },
		{ "${'${n}'}", "String ${n}" },
		{ "${n}#{s}", SYNTAX("${n}#{s}", "4", "'#{'", "'${'") },
		{ "${n=6}", LEXICAL("${n=6}", "3", "invalid character '='", "expression token") },
		{ "${n++}", SYNTAX("${n++}", "4", "'+'", OPERAND) },
		{ "${s+='x'}", LEXICAL("${s+='x'}", "4", "invalid character '='", "expression token") },
		{ "${n instanceof String}", SYNTAX("${n instanceof String}", "4", "'instanceof'", "'}'") },
		{ "${execution.setVariable('z',3)}", "deploy: Error while parsing expression "
			"'${execution.setVariable('z',3)}': 'execution.setVariable' is not supported yet" },
	};

	CHECK_VECTORS(vectors);
}
END_TEST

START_TEST(test_grammar)
{
	static const struct vector vectors[] = {
		{ "", "String " },
		{ "plain", "String plain" },
		{ "a$b#c{}", "String a$b#c{}" },
		{ "a\\b", "String a\\b" },
		{ "\\\\${n}", "String \\${n}" },
		{ "\\#{n}${n}", "String #{n}5" },
		{ "#{n}", "Integer 5" },
		{ "${ n }", "Integer 5" },
		{ "${n}${n}", "String 55" },
		{ "${n} and ${s}", "String 5 and abc" },
		{ "${'it\\'s'}", "String it's" },
		{ "${\"a\\\\b\"}", "String a\\b" },
		{ "${'}'}", "String }" },
		{ "${'a\\n'}", LEXICAL("${'a\\n'}", "2", "invalid escape sequence \\n", "\\' or \\\\") },
		{ "${\"a\\z\"}", LEXICAL("${\"a\\z\"}", "2", "invalid escape sequence \\z", "\\\" or \\\\") },
		{ "${'a}", LEXICAL("${'a}", "2", "unterminated string", "'") },
		{ "${'a\\", LEXICAL("${'a\\", "2", "unterminated string", "' or \\") },
		{ "${}", SYNTAX("${}", "2", "'}'", OPERAND) },
		{ "${n", SYNTAX("${n", "3", "'null'", "'}'") },
		{ "${n n}", SYNTAX("${n n}", "4", "'n'", "'}'") },
		{ "${n 'it'}", SYNTAX("${n 'it'}", "4", "'it'", "'}'") },
		{ "${(n}", SYNTAX("${(n}", "4", "'}'", "')'") },
		{ "${n[0}", SYNTAX("${n[0}", "5", "'}'", "']'") },
		{ "${b ? 1}", SYNTAX("${b ? 1}", "7", "'}'", "':'") },
		{ "${n.1}", SYNTAX("${n.1}", "3", "'.1'", "'}'") },
		{ "${n. }", SYNTAX("${n. }", "5", "'}'", "<IDENTIFIER>") },
		{ "${now(,)}", SYNTAX("${now(,)}", "6", "','", "')'") },
		{ "${now(1 2)}", SYNTAX("${now(1 2)}", "8", "'2'", "')'") },
		{ "${now(1,)}", SYNTAX("${now(1,)}", "8", "')'", OPERAND) },
		{ "\303\274\360\237\230\200${n n}", SYNTAX("\303\274\360\237\230\200${n n}", "7", "'n'", "'}'") },
		{ "${1.}", "Double 1.0" },
		{ "${.5}", "Double 0.5" },
		{ "${1e}", SYNTAX("${1e}", "3", "'e'", "'}'") },
		{ "${007}", "Long 7" },
		{ "${0}", "Long 0" },
		{ "${9223372036854775807}", "Long 9223372036854775807" },
		{ "${9223372036854775808}",
			SYNTAX("${9223372036854775808}", "2", "'9223372036854775808'", "<INTEGER>") },
		{ "${1+2*3}", "Long 7" },
		{ "${(1+2)*3}", "Long 9" },
		{ "${10-3-2}", "Long 5" },
		{ "${1 < 2 == true}", "Boolean true" },
		{ "${not false and true}", "Boolean true" },
		{ "${!b or n eq 5}", "Boolean true" },
		{ "${true || false && false}", "Boolean true" },
		{ "${n gt 4 ? 'big' : 'small'}", "String big" },
		{ "${n lt 4 ? 'big' : n ge 5 ? 'mid' : 'small'}", "String mid" },
		{ "${b ? 1 : nowhere}", "Long 1" },
		{ "${false && nowhere}", "Boolean false" },
		{ "${true && nowhere}", UNKNOWN("${true && nowhere}", "Cannot resolve identifier 'nowhere'") },
		{ "${'x' || true}", "Boolean true" },
		{ "${1 || true}", EVALUATING("${1 || true}", "Cannot coerce from class java.lang.Long") },
		{ "${- - n}", "Integer 5" },
		{ "${-n}", "Integer -5" },
		{ "${-d}", "Double -2.5" },
		{ "${-b}", EVALUATING("${-b}", "Cannot negate") },
		{ "${n != 5}", "Boolean false" },
		{ "${map.empty}", SYNTAX("${map.empty}", "6", "'empty'", "<IDENTIFIER>") },
		{ "${task}", "String a plain name" },
		{ "${execution}", UNKNOWN("${execution}", "Cannot resolve identifier 'execution'") },
		{ "${z\303\274.length()}", "Integer 4" },
	};

	CHECK_VECTORS(vectors);
}
END_TEST

START_TEST(test_operators)
{
	static const struct vector vectors[] = {
		{ "${null+null}", "Long 0" },
		{ "${null/null}", "Long 0" },
		{ "${''+1}", "Long 1" },
		{ "${'1.5'+1}", "Double 2.5" },
		{ "${'1e2'*1}", "Double 100.0" },
		{ "${'1e'*1}", EVALUATING("${'1e'*1}", "Cannot coerce '1e' to class java.lang.Double") },
		{ "${1/0}", "Double Infinity" },
		{ "${1%0}", EVALUATING("${1%0}", "/ by zero") },
		{ "${1.0%0 == 1.0%0}", "Boolean true" },
		{ "${-7 % 3}", "Long -1" },
		{ "${-7.5 % 2}", "Double -1.5" },
		{ "${1e300 % 7}", "Double 1.0" },
		{ "${(0-9223372036854775807-1) % -1}", "Long 0" },
		{ "${big+1}", EVALUATING("${big+1}", "long overflow") },
		{ "${-big-2}", EVALUATING("${-big-2}", "long overflow") },
		{ "${big*2}", EVALUATING("${big*2}", "long overflow") },
		{ "${-(-big-1)}", EVALUATING("${-(-big-1)}", "long overflow") },
		{ "${n}", "Integer 5" },
		{ "${n+0}", "Long 5" },
		{ "${sh}", "Short 7" },
		{ "${1=='a'}", EVALUATING("${1=='a'}", "Cannot coerce 'a'") },
		{ "${1==true}", EVALUATING("${1==true}", "Cannot coerce from class java.lang.Boolean") },
		{ "${'TRUE'==true}", "Boolean true" },
		{ "${'a'=='a'}", "Boolean true" },
		{ "${null=='a'}", "Boolean false" },
		{ "${nul!=1}", "Boolean true" },
		{ "${lst==lst}", "Boolean true" },
		{ "${lst<map}", EVALUATING("${lst<map}", "Cannot compare") },
		{ "${day<now()}", "Boolean true" },
		{ "${day==day}", "Boolean true" },
		{ "${n<=5.0}", "Boolean true" },
		{ "${empty map}", "Boolean false" },
		{ "${empty j.e}", "Boolean true" },
		{ "${empty obj}", "Boolean false" },
		{ "${empty 0}", "Boolean false" },
		{ "${trans}", "Integer 1" },
	};

	CHECK_VECTORS(vectors);
}
END_TEST

START_TEST(test_access)
{
	static const struct vector vectors[] = {
		{ "${j.a.b[1]}", "Integer 20" },
		{ "${j.a['b'][2].c}", "String deep" },
		{ "${j.a.b.size() + j.a.b[0]}", "Long 13" },
		{ "${j.none.none}", "null" },
		{ "${obj[1]}", "Integer 2" },
		{ "${obj.size()}", "Integer 2" },
		{ "${bad.a}", "error: Error while evaluating expression: ${bad.a}. Cause: " },
		{ "${lst[5]}", "null" },
		{ "${lst[-1]}", "null" },
		{ "${lst['1']}", "Integer 2" },
		{ "${lst['x']}", EVALUATING("${lst['x']}", "Cannot parse list index: 'x'") },
		{ "${lst[nul]}", "null" },
		{ "${map[1]}", "String one" },
		{ "${map.class}", "Integer 9" },
		{ "${''.class}", NO_MEMBER("${''.class}", "class", "a text has") },
		{ "${('a').b}", NO_MEMBER("${('a').b}", "b", "a text has") },
		{ "${1['class']}", NO_MEMBER("${1['class']}", "class", "a number has") },
		{ "${true.x}", NO_MEMBER("${true.x}", "x", "a truth value has") },
		{ "${now().class}", NO_MEMBER("${now().class}", "class", "a date has") },
		{ "${''[nul]}", "null" },
		{ "${null.class}", "null" },
		{ "${null['class']}", "null" },
		{ "${(true ? map : '').class}", "Integer 9" },
		{ "${(true ? '' : map).class}", UNKNOWN("${(true ? '' : map).class}",
			"Could not find property class") },
		{ "${n.class}", UNKNOWN("${n.class}", "Could not find property class in class java.lang.Integer") },
		{ "${n['class']}", UNKNOWN("${n['class']}", "Could not find property class") },
		{ "${lst.class}", EVALUATING("${lst.class}", "Cannot parse list index: 'class'") },
		{ "${s.class.forName('x')}", "deploy: " },
		{ "${s.getClass()}", "deploy: Error while parsing expression '${s.getClass()}': method 'getClass' is" },
		{ "${s['concat']('x')}", "deploy: " },
		{ "${nul.length()}", UNKNOWN("${nul.length()}", "Target unreachable") },
		{ "${n.length()}", "error: Unknown method used in expression: ${n.length()}. Cause: "
			"Could not find method length in class java.lang.Integer" },
		{ "${lst.add(1)}", "deploy: Error while parsing expression '${lst.add(1)}': method 'add' is not" },
		{ "${s.trim(1)}", "deploy: Error while parsing expression '${s.trim(1)}': method 'trim' does not "
			"take 1" },
		{ "${S(j)}", "deploy: Error while parsing expression '${S(j)}': function 'S' is not supported yet" },
		{ "${currentUser()}", "deploy: " },
		{ "${task.name}", "deploy: Error while parsing expression '${task.name}': 'task.name' is "
			"not supported" },
		{ "${execution['id']}", "deploy: " },
		{ "${now(1)}", "deploy: " },
	};

	CHECK_VECTORS(vectors);
	ck_assert_str_eq(answer("${j}"), arena_printf(arena, "Json %s", json_text));
}
END_TEST

START_TEST(test_methods)
{
	static const struct vector vectors[] = {
		{ "${s.equals('abc')}", "Boolean true" },
		{ "${s.equals(null)}", "Boolean false" },
		{ "${n.equals(5)}", "Boolean true" },
		{ "${!s.equals('yes')}", "Boolean true" },
		{ "${s.equalsIgnoreCase('ABC')}", "Boolean true" },
		{ "${s.contains('bc')}", "Boolean true" },
		{ "${s.contains(null)}", EVALUATING("${s.contains(null)}", "an argument is null") },
		{ "${s.startsWith('ab') && s.endsWith('bc')}", "Boolean true" },
		{ "${s.endsWith('xabc')}", "Boolean false" },
		{ "${s.length()}", "Integer 3" },
		{ "${''.isEmpty()}", "Boolean true" },
		{ "${s.substring(1)}", "String bc" },
		{ "${s.substring(1,2)}", "String b" },
		{ "${s.substring(3)}", "String " },
		{ "${s.substring(4)}", EVALUATING("${s.substring(4)}", "begin 4, end 3, length 3") },
		{ "${s.substring(2,1)}", "error: " },
		{ "${s.substring(-1)}", "error: " },
		{ "${z\303\274.substring(1,3)}", "String \360\237\230\200" },
		{ "${z\303\274.substring(2)}", "error: " },
		{ "${z\303\274.indexOf('x')}", "Integer 3" },
		{ "${z\303\274.toUpperCase()}", "String \303\204\360\237\230\200X" },
		{ "${'\303\204BC'.toLowerCase()}", "String \303\244bc" },
		{ "${'stra\303\237e'.toUpperCase()}", "String STRASSE" },
		{ "${' x\t'.trim()}", "String x" },
		{ "${s.concat(1)}", "String abc1" },
		{ "${'aXbX'.replace('X','--')}", "String a--b--" },
		{ "${'ab'.replace('','-')}", "String -a-b-" },
		{ "${s.indexOf('z')}", "Integer -1" },
		{ "${'abab'.lastIndexOf('ab')}", "Integer 2" },
		{ "${csv.split(',')}", "List [a, b, , c]" },
		{ "${''.split(',').size()}", "Integer 1" },
		{ "${','.split(',').size()}", "Integer 0" },
		{ "${'a.b'.split('\\\\.')}", "List [a, b]" },
		{ "${'a.b'.split('[.]')}", "error: " },
		{ "${'b'.compareTo('a')}", "Integer 1" },
		{ "${lst.size()}", "Integer 3" },
		{ "${lst.isEmpty()}", "Boolean false" },
		{ "${lst.get(1)}", "Integer 2" },
		{ "${lst.indexOf(3)}", "Integer 2" },
		{ "${lst.contains('2')}", "Boolean false" },
		{ "${map.size()}", "Integer 3" },
		{ "${map.containsKey('k')}", "Boolean true" },
		{ "${map.containsValue('v')}", "Boolean true" },
		{ "${map.get('nope')}", "null" },
		{ "${map.keySet()}", "List [k, class, 1]" },
		{ "${map.values().get(0)}", "String v" },
		{ "${d.intValue()}", "Integer 2" },
		{ "${1e30.longValue()}", "Long 9223372036854775807" },
		{ "${(4294967297).intValue()}", "Integer 1" },
		{ "${70000.0.shortValue()}", "Short 4464" },
		{ "${n.doubleValue()}", "Double 5.0" },
		{ "${n.compareTo(7)}", "Integer -1" },
		{ "${n.toString()}", "String 5" },
		{ "${lst.toString()}", "String [1, 2, 3]" },
	};

	CHECK_VECTORS(vectors);
}
END_TEST

START_TEST(test_dates)
{
	static const struct vector vectors[] = {
		{ "${now() == dateTime()}", "Boolean true" },
		{ "${dateTime().toString()}", "String 2024-02-29T12:00:00.000Z" },
		{ "${dateTime().plusWeeks(1).toDate().toString()}", "String 2024-03-07T12:00:00.000Z" },
		{ "${dateTime().plusDays(1).toString()}", "String 2024-03-01T12:00:00.000Z" },
		{ "${dateTime().plusMonths(12).toString()}", "String 2025-02-28T12:00:00.000Z" },
		{ "${dateTime().minusYears(4).toString()}", "String 2020-02-29T12:00:00.000Z" },
		{ "${dateTime().minusHours(13).toString()}", "String 2024-02-28T23:00:00.000Z" },
		{ "${dateTime().plusMinutes(n).plusSeconds(1).plusMillis(7).toString()}",
			"String 2024-02-29T12:05:01.007Z" },
		{ "${dateTime().withTimeAtStartOfDay().withHourOfDay(8).toString()}",
			"String 2024-02-29T08:00:00.000Z" },
		{ "${dateTime().withYear(2023).toString()}", "String 2023-02-28T12:00:00.000Z" },
		{ "${dateTime().withDayOfMonth(30)}", EVALUATING("${dateTime().withDayOfMonth(30)}",
			"Value 30 for dayOfMonth must be in the range [1,29]") },
		{ "${dateTime().getDayOfWeek()}", "Integer 4" },
		{ "${dateTime().withDayOfWeek(1).getDayOfMonth()}", "Integer 26" },
		{ "${day.getTime()}", "Long 0" },
		{ "${day.minusMillis(1).getTime()}", "Long -1" },
		{ "${day.before(now()) && now().isAfter(day)}", "Boolean true" },
		{ "${day.before('x')}", "error: " },
		{ "${now().plusDays(99999999)}", EVALUATING("${now().plusDays(99999999)}",
			"the date is out of range") },
		{ "${now().plusYears(99999999999)}", "error: " },
		{ "${now().plusDays('x')}", "error: " },
		{ "${day}", "Date Thu Jan 01 00:00:00 UTC 1970" },
	};

	CHECK_VECTORS(vectors);
}
END_TEST

static const char *
repeated(const char *head, const char *part, int times, const char *tail)
{
	struct text text;

	text_init(&text, arena);
	text_puts(&text, head);
	for (int i = 0; i < times; i++)
		text_puts(&text, part);
	text_puts(&text, tail);
	return text_string(&text);
}

static void
check_contains(const char *got, const char *part)
{
	ck_assert_msg(strstr(got, part) != NULL, "'%.300s' does not contain '%s'", got, part);
}

START_TEST(test_limits)
{
	const char *closing = repeated("1", ")", 199, "}");

	check_contains(answer(repeated("", "x", 65537, "")), "more than 65536 bytes");
	ck_assert_str_eq(answer(repeated("${", "(", 199, closing)), "Long 1");
	check_contains(answer(repeated("${", "(", 200, "1")), "more than 200 levels");
	check_contains(answer(repeated("${", "-", 20000, "1}")), "more than 200 levels");
	check_contains(answer(repeated("${", "b?1:", 5000, "1}")), "more than 200 levels");
	check_contains(answer(repeated("${", "lst[", 5000, "0]}")), "more than 200 levels");
	ck_assert_str_eq(answer(repeated("${1", "+1", 4999, "}")), "Long 5000");
	check_contains(answer(repeated("${1", "+1", 5000, "}")), "more than 10000 parts");
	check_contains(answer(repeated("", "a${n}", 5000, "")), "more than 10000 parts");
	check_contains(answer(repeated("${s", ".concat(s.concat(s))", 4000, "}")), "deploy");
	check_contains(answer(repeated("${s", ".replace('c','cccccccccccc')", 12, "}")), "1048576 bytes");
	check_contains(answer(repeated(
		"${s.replace('c','cccccccccccccccccccccccccccccccccccccccccccccccccc')"
		".replace('c','cccccccccccccccccccc')",
		".replace('c','cccccccccc').replace('cccccccccc','c')", 1200, "}")), "100000 steps");
}
END_TEST

START_TEST(test_message_is_cut_cleanly)
{
	const char *got = answer(repeated("${nope", " + '\303\274'", 500, "}"));

	check_contains(got, "Cannot resolve identifier 'nope'");
	ck_assert(text_is_utf8(got, strlen(got)));
	got = answer(repeated("${", "\303\274 ", 500, "}"));
	check_contains(got, "at position 4");
	ck_assert(text_is_utf8(got, strlen(got)));
	got = answer(repeated("${nope.", "\303\274", 500, "()}"));
	check_contains(got, "not supported yet");
	ck_assert(text_is_utf8(got, strlen(got)));
	got = answer(repeated("${x", "\303\274", 500, "}"));
	check_contains(got, "Cannot resolve");
	ck_assert(text_is_utf8(got, strlen(got)));
}
END_TEST

static const struct expr *
compiled(const char *text)
{
	const struct expr *expr;
	struct error err;

	ck_assert_msg(expr_compile(arena, text, &expr, &err) == OK, "%s", text);
	return expr;
}

START_TEST(test_accessors)
{
	const char *dump;

	ck_assert(expr_is_literal(compiled("abc")));
	ck_assert(expr_is_literal(compiled("")));
	ck_assert(!expr_is_literal(compiled("${n}")));
	ck_assert(!expr_is_literal(compiled("${'abc'}")));
	ck_assert(!expr_is_literal(compiled("\\${n}")));
	ck_assert_str_eq(expr_identifier(compiled("${ n }")), "n");
	ck_assert_ptr_null(expr_identifier(compiled("${n.a}")));
	ck_assert_ptr_null(expr_identifier(compiled(" ${n}")));
	ck_assert_ptr_null(expr_identifier(compiled("n")));
	expr_dump(compiled("a${b && s.length() > 2 ? now() : null}"), arena, &dump);
	ck_assert_str_eq(dump, "0 constant String a\n1 name b\n2 and_jump 8\n3 name s\n4 method length 0\n"
		"5 constant Long 2\n6 gt\n7 boolean\n8 false_jump 11\n9 function now 0\n10 jump 12\n"
		"11 constant Null\n12 text\n13 concat 2\n");
}
END_TEST

START_TEST(test_condition)
{
	static const struct vector failures[] = {
		{ "${nul}", "condition expression returns null: result is null" },
		{ "${n}", "condition expression returns non-Boolean: result has class java.lang.Integer and not" },
		{ "true", "condition expression returns non-Boolean: result has class java.lang.String and not" },
		{ "${missing > 1}",
			"Unknown property used in expression: ${missing > 1}. Cause: Cannot resolve identifier "
			"'missing'" },
	};
	struct error err;
	bool result = false;

	ck_assert(expr_eval_condition(compiled("${n > 4}"), &scope, arena, &result, &err) == OK);
	ck_assert(result);
	ck_assert(expr_eval_condition(compiled("${n > 5}"), &scope, arena, &result, &err) == OK);
	ck_assert(!result);
	for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
		ck_assert(expr_eval_condition(compiled(failures[i].text), &scope, arena, &result, &err) == E_engine);
		check_contains(err.message, failures[i].expected);
	}
}
END_TEST

START_TEST(test_text_and_integer)
{
	struct error err;
	const char *text = "unset";
	int64_t number = 0;

	ck_assert(expr_eval_text(compiled("${nul}"), &scope, arena, &text, &err) == OK);
	ck_assert_ptr_null(text);
	ck_assert(expr_eval_text(compiled("${n/2}"), &scope, arena, &text, &err) == OK);
	ck_assert_str_eq(text, "2.5");
	ck_assert(expr_eval_integer(compiled("50"), &scope, arena, "priority", &number, &err) == OK);
	ck_assert_int_eq(number, 50);
	ck_assert(expr_eval_integer(compiled("${n*2.0}"), &scope, arena, "priority", &number, &err) == OK);
	ck_assert_int_eq(number, 10);
	ck_assert(expr_eval_integer(compiled("${n/2}"), &scope, arena, "loopCardinality", &number, &err) == OK);
	ck_assert_int_eq(number, 2);
	ck_assert(expr_eval_integer(compiled("${-n/2}"), &scope, arena, "loopCardinality", &number, &err) == OK);
	ck_assert_int_eq(number, -2);
	number = 10;
	ck_assert(expr_eval_integer(compiled("${s}"), &scope, arena, "priority", &number, &err) == E_engine);
	ck_assert_str_eq(err.message, "priority must be an integer, but '${s}' is 'abc'");
	ck_assert(expr_eval_integer(compiled("${1e19}"), &scope, arena, "priority", &number, &err) == E_engine);
	ck_assert(expr_eval_integer(compiled("${nul}"), &scope, arena, "priority", &number, &err) == E_engine);
	ck_assert_int_eq(number, 10);
}
END_TEST

/* Deterministic random texts of tokens: each compiles or fails, and what compiles evaluates or fails; twice the
 * same. */
START_TEST(test_random_tokens)
{
	static const char *const tokens[] = { "${", "}", "#{", "\\", "(", ")", "[", "]", ".", ",", "?", ":", "+", "-",
		"*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "&&", "||", "!", " not ", " empty ", " div ", " mod ",
		" and ", " or ", " eq ", "n", "s", "lst", "map", "j", "nul", "day", "nope", "obj", "bad", "null",
		"true",
		"1", "0", "2.5", "'a'", "'10'", "\"", "'", ".length()", ".size()", ".get(", ".substring(", ".split(",
		".replace(", ".toUpperCase()", ".a", ".b", "now()", ".plusDays(", ".toString()", "=", "\303\274",
		"\377",
		"9223372036854775807", "1e308", "execution" };
	uint64_t seed = 42;
	int good = 0;

	for (int round = 0; round < 10000; round++) {
		struct text text;
		const char *string, *got;

		arena_reset(arena);
		text_init(&text, arena);
		text_puts(&text, round % 4 ? "${" : "");
		for (int i = (int)(seed >> 33) % 12; i >= 0; i--) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			text_puts(&text, tokens[(seed >> 33) % (sizeof tokens / sizeof *tokens)]);
		}
		text_puts(&text, round % 4 ? "}" : "");
		string = text_string(&text);
		got = answer(string);
		good += strncmp(got, "deploy", 6) != 0;
		ck_assert_str_eq(got, answer(string));
	}
	ck_assert_int_gt(good, 100);
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = { test_golden, test_grammar, test_operators, test_access, test_methods,
		test_dates, test_limits, test_message_is_cut_cleanly, test_accessors, test_condition,
		test_text_and_integer, test_random_tokens, NULL };

	return run_suite_with("expr", setup, teardown, 60, tests);
}
