/* SPDX-License-Identifier: Apache-2.0
 * VariableValueDto both ways.  What is accepted and how it comes out was measured on Camunda 7.24 (api.md 0.1, 2.0). */
#include "api/variables.h"

#include <string.h>

#include "base/text.h"
#include "base/when.h"
#include "tests/api/unit.h"

static struct value
from_json(const char *text)
{
	struct value value;
	struct error err;

	ck_assert_msg(json_read(arena, text, strlen(text), &json_default_limits, &value, &err) == OK, "%s", text);
	return value;
}

static struct value
read_dto(const char *dto)
{
	struct value json = from_json(dto), value;
	struct error err;
	bool local;

	ck_assert_msg(variable_read(arena, &json, &value, &local, &err) == OK, "%s: %s", dto, err.message);
	return value;
}

static const char *
write_dto(const struct value *value, bool deserialize, bool content)
{
	struct text text;
	struct json json;

	text_init(&text, arena);
	json_init(&json, &text);
	json_open(&json, '{');
	variable_write(&json, arena, value, deserialize, content);
	json_close(&json, '}');
	return text_string(&text);
}

static void
expect_back(const char *dto, const char *out)
{
	struct value value = read_dto(dto);
	const char *written = write_dto(&value, false, true);

	ck_assert_msg(strcmp(written, out) == 0, "%s became %s, not %s", dto, written, out);
}

static void
expect_error(const char *dto, enum status status, const char *message)
{
	struct value json = from_json(dto), value;
	struct error err;
	bool local;

	ck_assert_msg(variable_read(arena, &json, &value, &local, &err) == status, "%s", dto);
	ck_assert_int_eq(err.status, status);
	ck_assert_str_eq(err.message, message);
}

#define OUT(type, value) "{\"type\":\"" type "\",\"value\":" value ",\"valueInfo\":{}}"

/* type stands before value (a client decides by it how to read value), and valueInfo is always an object. */
START_TEST(scalars)
{
	static const struct {
		const char *dto, *out;
	} rows[] = {
		{ "{\"type\":\"Null\",\"value\":null}", OUT("Null", "null") },
		{ "{\"type\":\"Null\"}", OUT("Null", "null") },
		{ "{\"type\":\"Boolean\",\"value\":true}", OUT("Boolean", "true") },
		{ "{\"type\":\"Boolean\",\"value\":false}", OUT("Boolean", "false") },
		{ "{\"type\":\"Boolean\",\"value\":\"true\"}", OUT("Boolean", "true") },
		{ "{\"type\":\"Boolean\",\"value\":\"false\"}", OUT("Boolean", "false") },
		{ "{\"type\":\"String\",\"value\":\"\"}", OUT("String", "\"\"") },
		{ "{\"type\":\"String\",\"value\":\"a\\\"\\u00e4\\n\"}", OUT("String", "\"a\\\"\xc3\xa4\\n\"") },
		{ "{\"type\":\"String\",\"value\":1}", OUT("String", "\"1\"") },
		{ "{\"type\":\"String\",\"value\":1.50}", OUT("String", "\"1.5\"") },
		{ "{\"type\":\"String\",\"value\":true}", OUT("String", "\"true\"") },
		{ "{\"type\":\"String\",\"value\":{\"a\":1}}", OUT("String", "\"{a=1}\"") },
		{ "{\"type\":\"String\",\"value\":[1,\"b\"]}", OUT("String", "\"[1, b]\"") },
		{ "{\"type\":\"Short\",\"value\":32767}", OUT("Short", "32767") },
		{ "{\"type\":\"Short\",\"value\":-32768}", OUT("Short", "-32768") },
		{ "{\"type\":\"Integer\",\"value\":2147483647}", OUT("Integer", "2147483647") },
		{ "{\"type\":\"Integer\",\"value\":-2147483648}", OUT("Integer", "-2147483648") },
		{ "{\"type\":\"Integer\",\"value\":\"12\"}", OUT("Integer", "12") },
		{ "{\"type\":\"Long\",\"value\":9223372036854775807}", OUT("Long", "9223372036854775807") },
		{ "{\"type\":\"Long\",\"value\":-9223372036854775808}", OUT("Long", "-9223372036854775808") },
		{ "{\"type\":\"Long\",\"value\":\"12\"}", OUT("Long", "12") },
		{ "{\"type\":\"Double\",\"value\":1.5}", OUT("Double", "1.5") },
		{ "{\"type\":\"Double\",\"value\":3}", OUT("Double", "3.0") },
		{ "{\"type\":\"Double\",\"value\":\"1.5\"}", OUT("Double", "1.5") },
		{ "{\"type\":\"Double\",\"value\":1e300}", OUT("Double", "1.0E300") },
		{ "{\"type\":\"Double\",\"value\":1.0E-10}", OUT("Double", "1.0E-10") },
		{ "{\"value\":\"x\",\"type\":\"String\"}", OUT("String", "\"x\"") },
		{ "{\"type\":\"String\",\"value\":\"x\",\"surplus\":2,\"valueInfo\":null}", OUT("String", "\"x\"") },
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++)
		expect_back(rows[i].dto, rows[i].out);
}
END_TEST

START_TEST(nulls_keep_their_type)
{
	static const char *const types[] = {
		"Null", "Boolean", "String", "Short", "Integer", "Long", "Double", "Date", "Bytes", "Json", "Xml",
	};
	size_t i;

	for (i = 0; i < sizeof types / sizeof *types; i++) {
		const char *out = arena_printf(arena, "{\"type\":\"%s\",\"value\":null,\"valueInfo\":{}}", types[i]);

		expect_back(arena_printf(arena, "{\"type\":\"%s\",\"value\":null}", types[i]), out);
		expect_back(arena_printf(arena, "{\"type\":\"%s\"}", types[i]), out);
	}
	ck_assert_int_eq(read_dto("{\"type\":\"Object\",\"value\":null}").type, VALUE_null);
	ck_assert_int_eq(read_dto("{\"type\":\"Object\",\"value\":null}").integer, VALUE_object);
}
END_TEST

START_TEST(untyped)
{
	expect_back("{}", OUT("Null", "null"));
	expect_back("{\"value\":null}", OUT("Null", "null"));
	expect_back("{\"value\":null,\"type\":null}", OUT("Null", "null"));
	expect_back("{\"value\":true}", OUT("Boolean", "true"));
	expect_back("{\"value\":\"2026-01-02T03:04:05.678+0000\"}", OUT("String", "\"2026-01-02T03:04:05.678+0000\""));
	expect_back("{\"value\":2147483647,\"type\":null}", OUT("Integer", "2147483647"));
	expect_back("{\"value\":2147483648}", OUT("Long", "2147483648"));
	expect_back("{\"value\":-2147483649}", OUT("Long", "-2147483649"));
	expect_back("{\"value\":1.0}", OUT("Double", "1.0"));
	expect_back("{\"value\":1e2}", OUT("Double", "100.0"));
	expect_back("{\"value\":0.1}", OUT("Double", "0.1"));
}
END_TEST

START_TEST(untyped_lists_and_maps_are_objects)
{
	struct value list = read_dto("{\"value\":[1, 2.50, {\"a\":null}]}"), map = read_dto("{\"value\":{\"k\":[]}}");

	ck_assert_int_eq(list.type, VALUE_object);
	ck_assert_str_eq(write_dto(&list, false, true), "{\"type\":\"Object\",\"value\":\"[1,2.50,{\\\"a\\\":null}]\","
		"\"valueInfo\":{\"objectTypeName\":\"java.util.ArrayList\",\"serializationDataFormat\":"
		"\"application/json\"}}");
	ck_assert_str_eq(write_dto(&list, true, true), "{\"type\":\"Object\",\"value\":[1,2.50,{\"a\":null}],"
		"\"valueInfo\":{\"objectTypeName\":\"java.util.ArrayList\",\"serializationDataFormat\":"
		"\"application/json\"}}");
	ck_assert_str_eq(write_dto(&map, true, true), "{\"type\":\"Object\",\"value\":{\"k\":[]},"
		"\"valueInfo\":{\"objectTypeName\":\"java.util.LinkedHashMap\",\"serializationDataFormat\":"
		"\"application/json\"}}");
}
END_TEST

/* The first letter alone may be small: the JavaScript client sends it so. */
START_TEST(type_names)
{
	static const char *const unknown[] = {
		"Nosuch", "INTEGER", "iNTEGER", "int", "String ", " String", "", "List", "list", "Map", "map", "5",
		"java.lang.String",
	};
	size_t i;

	expect_back("{\"type\":\"integer\",\"value\":1}", OUT("Integer", "1"));
	expect_back("{\"type\":\"null\"}", OUT("Null", "null"));
	expect_back("{\"type\":\"json\",\"value\":\"[1]\"}", OUT("Json", "\"[1]\""));
	expect_back("{\"type\":\"bytes\",\"value\":\"AAEC/w==\"}", OUT("Bytes", "\"AAEC/w==\""));
	for (i = 0; i < sizeof unknown / sizeof *unknown; i++)
		expect_error(arena_printf(arena, "{\"type\":\"%s\",\"value\":null}", unknown[i]), E_invalid_request,
			arena_printf(arena, "Unsupported value type '%s'", unknown[i]));
	expect_error("{\"type\":5,\"value\":1}", E_invalid_request, "Unsupported value type '5'");
}
END_TEST

START_TEST(what_does_not_convert)
{
	static const struct {
		const char *type, *json, *shown, *java;
	} rows[] = {
		{ "Integer", "\"x\"", "x", "java.lang.Integer" },
		{ "Integer", "\"no\"", "no", "java.lang.Integer" },
		{ "Integer", "3000000000", "3000000000", "java.lang.Integer" },
		{ "Integer", "\"2147483648\"", "2147483648", "java.lang.Integer" },
		{ "Integer", "-2147483649", "-2147483649", "java.lang.Integer" },
		{ "Integer", "1.5", "1.5", "java.lang.Integer" },
		{ "Integer", "true", "true", "java.lang.Integer" },
		{ "Integer", "[1]", "[1]", "java.lang.Integer" },
		{ "Integer", "\"1x\"", "1x", "java.lang.Integer" },
		{ "Integer", "\"0x10\"", "0x10", "java.lang.Integer" },
		{ "Short", "40000", "40000", "java.lang.Short" },
		{ "Short", "32768", "32768", "java.lang.Short" },
		{ "Short", "-32769", "-32769", "java.lang.Short" },
		{ "Long", "\"9223372036854775808\"", "9223372036854775808", "java.lang.Long" },
		{ "Long", "1.0", "1.0", "java.lang.Long" },
		{ "Double", "\"x\"", "x", "java.lang.Double" },
		{ "Double", "\"1e999\"", "1e999", "java.lang.Double" },
		{ "Double", "true", "true", "java.lang.Double" },
		{ "Double", "{}", "{}", "java.lang.Double" },
		{ "Boolean", "\"yes\"", "yes", "java.lang.Boolean" },
		{ "Boolean", "1", "1", "java.lang.Boolean" },
		{ "Boolean", "0", "0", "java.lang.Boolean" },
		{ "Boolean", "[]", "[]", "java.lang.Boolean" },
		{ "Null", "1", "1", "javax.lang.model.type.NullType" },
		{ "Bytes", "\"not base64!\"", "not base64!", "[B" },
		{ "Bytes", "5", "5", "[B" },
		{ "Bytes", "[1,2]", "[1, 2]", "[B" },
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++)
		expect_error(arena_printf(arena, "{\"type\":\"%s\",\"value\":%s}", rows[i].type, rows[i].json),
			E_invalid_request, arena_printf(arena, "Cannot convert value '%s' of type '%s' to java type %s",
			rows[i].shown, rows[i].type, rows[i].java));
}
END_TEST

START_TEST(dates)
{
	static const char *const refused[] = {
		"2026-01-02", "2026-01-02T03:04:05", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.678",
		"2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678+00:00", "2026-01-02T03:04:05+0000",
		"2026-01-02T03:04:05.67+0000", "2026-01-02T03:04:05.678901+0000", "2026-01-02 03:04:05.678+0000",
		"2026-02-30T03:04:05.678+0000", "2026-13-02T03:04:05.678+0000", "2026-01-02T24:04:05.678+0000",
		"2026-01-02T03:04:05.678+0000 ", "", "tomorrow",
	};
	struct value date = value_date(1767323045678901);
	size_t i;

	expect_back("{\"type\":\"Date\",\"value\":\"2026-01-02T03:04:05.678+0000\"}",
		OUT("Date", "\"2026-01-02T03:04:05.678+0000\""));
	expect_back("{\"type\":\"date\",\"value\":\"2026-01-02T05:04:05.678+0200\"}",
		OUT("Date", "\"2026-01-02T03:04:05.678+0000\""));
	expect_back("{\"type\":\"Date\",\"value\":\"1969-12-31T23:59:59.999+0000\"}",
		OUT("Date", "\"1969-12-31T23:59:59.999+0000\""));
	/* microseconds would be read as that many milliseconds by Java */
	ck_assert_str_eq(write_dto(&date, true, true), OUT("Date", "\"2026-01-02T03:04:05.678+0000\""));
	for (i = 0; i < sizeof refused / sizeof *refused; i++)
		expect_error(arena_printf(arena, "{\"type\":\"Date\",\"value\":\"%s\"}", refused[i]), E_invalid_request,
			arena_printf(arena, "Cannot convert value '%s' of type 'Date' to java type java.util.Date",
			refused[i]));
	expect_error("{\"type\":\"Date\",\"value\":1767323045678}", E_invalid_request,
		"Cannot convert value '1767323045678' of type 'Date' to java type java.util.Date");
}
END_TEST

START_TEST(bytes)
{
	struct value value = read_dto("{\"type\":\"Bytes\",\"value\":\"AAEC/w==\"}");

	ck_assert_int_eq(value.type, VALUE_bytes);
	ck_assert_uint_eq(value.length, 4);
	ck_assert_mem_eq(value.text, "\0\x01\x02\xff", 4);
	ck_assert_str_eq(write_dto(&value, true, true), OUT("Bytes", "\"AAEC/w==\""));
	/* lists leave binary content out */
	ck_assert_str_eq(write_dto(&value, true, false), OUT("Bytes", "null"));
	expect_back("{\"type\":\"Bytes\",\"value\":\"\"}", OUT("Bytes", "\"\""));
}
END_TEST

/* The content of a File comes from its own resource only. */
START_TEST(files)
{
	struct value value = read_dto("{\"type\":\"File\",\"value\":\"aGVsbG8=\",\"valueInfo\":{\"filename\":\"a.txt\","
		"\"mimeType\":\"text/plain\",\"encoding\":\"UTF-8\"}}");

	ck_assert_int_eq(value.type, VALUE_file);
	ck_assert_uint_eq(value.length, 5);
	ck_assert_mem_eq(value.text, "hello", 5);
	ck_assert_str_eq(write_dto(&value, true, true), "{\"type\":\"File\",\"value\":null,\"valueInfo\":{"
		"\"filename\":\"a.txt\",\"mimeType\":\"text/plain\",\"encoding\":\"UTF-8\"}}");
	/* the JavaScript client's misspelt mimetype is no mimeType */
	expect_back("{\"type\":\"file\",\"value\":\"aGk=\",\"valueInfo\":{\"filename\":\"b\",\"mimetype\":\"x/y\","
		"\"encoding\":null}}", "{\"type\":\"File\",\"value\":null,\"valueInfo\":{\"filename\":\"b\"}}");
	expect_back("{\"type\":\"File\",\"value\":\"aGk=\",\"valueInfo\":{\"filename\":5}}",
		"{\"type\":\"File\",\"value\":null,\"valueInfo\":{\"filename\":\"5\"}}");
	expect_error("{\"type\":\"File\",\"value\":\"aGk=\",\"valueInfo\":{}}", E_invalid_request,
		"Cannot create file without filename! Please set a name into ValueInfo with key filename");
	expect_error("{\"type\":\"File\",\"value\":\"aGk=\"}", E_invalid_request,
		"Cannot create file without filename! Please set a name into ValueInfo with key filename");
	expect_error("{\"type\":\"File\",\"value\":null,\"valueInfo\":{\"filename\":\"x\"}}", E_invalid_request,
		"A variable of type File needs a value");
}
END_TEST

START_TEST(texts_of_json_and_xml)
{
	struct value value;

	expect_back("{\"type\":\"Json\",\"value\":\"{\\\"a\\\": [1, 2.0, null]}\"}",
		OUT("Json", "\"{\\\"a\\\": [1, 2.0, null]}\""));
	/* broken text is the worker's to notice, as with Camunda */
	expect_back("{\"type\":\"Json\",\"value\":\"{broken\"}", OUT("Json", "\"{broken\""));
	expect_back("{\"type\":\"Xml\",\"value\":\"<a b=\\\"1\\\">text</a>\"}",
		OUT("Xml", "\"<a b=\\\"1\\\">text</a>\""));
	value = read_dto("{\"type\":\"Json\",\"value\":\"[1]\"}");
	ck_assert_str_eq(write_dto(&value, true, true), OUT("Json", "\"[1]\""));
	expect_error("{\"type\":\"Json\",\"value\":{\"a\":1}}", E_invalid_request,
		"Must provide 'null' or String value for value of SerializableValue type 'Json'.");
	expect_error("{\"type\":\"Xml\",\"value\":5}", E_invalid_request,
		"Must provide 'null' or String value for value of SerializableValue type 'Xml'.");
}
END_TEST

#define INFO(type, format) "\"valueInfo\":{\"objectTypeName\":\"" type "\",\"serializationDataFormat\":\"" format "\"}}"

START_TEST(objects)
{
	static const char list[] = "{\"type\":\"Object\",\"value\":\"[1, 2]\","
		INFO("java.util.ArrayList", "application/json");
	static const char java[] = "{\"type\":\"Object\",\"value\":\"rO0AB\","
		INFO("x.Y", "application/x-java-serialized-object");
	struct value value;

	expect_back(list, list);
	value = read_dto(list);
	ck_assert_str_eq(write_dto(&value, true, true),
		"{\"type\":\"Object\",\"value\":[1, 2]," INFO("java.util.ArrayList", "application/json"));
	/* what is no JSON stays text, whatever is asked for */
	value = read_dto(java);
	ck_assert_str_eq(write_dto(&value, true, true), java);
	value = read_dto("{\"type\":\"Object\",\"value\":\"{broken\"," INFO("x.Y", "application/json"));
	ck_assert_str_eq(write_dto(&value, true, true),
		"{\"type\":\"Object\",\"value\":\"{broken\"," INFO("x.Y", "application/json"));
	expect_error("{\"type\":\"Object\",\"value\":{\"a\":1}," INFO("x.Y", "application/json"), E_invalid_request,
		"Must provide 'null' or String value for value of SerializableValue type 'Object'.");
	expect_error("{\"type\":\"Object\",\"value\":\"{}\"}", E_engine,
		"Cannot find serializer for value 'ObjectValue "
		"[value=null, isDeserialized=false, serializationDataFormat=null, objectTypeName=null, "
		"serializedValue=2 chars, isTransient=false]'.");
	expect_error("{\"type\":\"Object\",\"value\":\"{}\",\"valueInfo\":{\"objectTypeName\":\"java.util.HashMap\"}}",
		E_engine, "Cannot find serializer for value 'ObjectValue [value=null, isDeserialized=false, "
		"serializationDataFormat=null, objectTypeName=java.util.HashMap, serializedValue=2 chars, "
		"isTransient=false]'.");
	expect_error("{\"type\":\"Object\",\"value\":\"{}\",\"valueInfo\":{\"serializationDataFormat\":"
		"\"application/json\"}}", E_engine,
		"Cannot write serialized value: no 'objectTypeName' provided for non-null value.");
}
END_TEST

START_TEST(transient_and_local)
{
	static const struct {
		const char *dto;
		bool transient, local;
	} rows[] = {
		{ "{\"value\":1}", false, false },
		{ "{\"value\":1,\"valueInfo\":{\"transient\":true}}", true, false },
		{ "{\"value\":1,\"type\":\"Integer\",\"valueInfo\":{\"transient\":true}}", true, false },
		{ "{\"value\":null,\"type\":\"String\",\"valueInfo\":{\"transient\":true}}", true, false },
		{ "{\"value\":[1],\"valueInfo\":{\"transient\":true}}", true, false },
		{ "{\"value\":1,\"valueInfo\":{\"transient\":false}}", false, false },
		{ "{\"value\":1,\"valueInfo\":{\"transient\":\"yes\"}}", false, false },
		{ "{\"value\":1,\"valueInfo\":{\"transient\":null}}", false, false },
		{ "{\"value\":1,\"transient\":true}", false, false },
		{ "{\"value\":1,\"local\":true}", false, true },
		{ "{\"value\":1,\"local\":\"true\"}", false, true },
		{ "{\"value\":1,\"local\":false}", false, false },
		{ "{\"value\":1,\"local\":null}", false, false },
	};
	size_t i;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct value json = from_json(rows[i].dto), value;
		struct error err;
		bool local = !rows[i].local;

		ck_assert_int_eq(variable_read(arena, &json, &value, &local, &err), OK);
		ck_assert_msg(value.transient == rows[i].transient, "%s", rows[i].dto);
		ck_assert_msg(local == rows[i].local, "%s", rows[i].dto);
		/* transience is no part of what is shown */
		ck_assert_ptr_null(strstr(write_dto(&value, false, true), "transient"));
	}
}
END_TEST

START_TEST(malformed_variables)
{
	static const char *const rows[] = {
		"\"just text\"", "5", "[]", "true", "null",
		"{\"value\":1,\"valueInfo\":\"x\"}", "{\"value\":1,\"valueInfo\":[]}",
	};
	struct value json, value;
	struct error err;
	size_t i;
	bool local;

	for (i = 0; i < sizeof rows / sizeof *rows; i++) {
		json = from_json(rows[i]);
		ck_assert_msg(variable_read(arena, &json, &value, &local, &err) == E_invalid_request, "%s", rows[i]);
	}
}
END_TEST

START_TEST(maps_of_variables)
{
	struct value map = from_json("{\"b\":{\"value\":1},\"a\":{\"value\":\"x\",\"local\":true},\"\xc3\xa4 \":{}}");
	struct value broken = from_json("{\"a\":{\"value\":1},\"b\":{\"value\":1,\"type\":\"Nosuch\"}}");
	struct value null = value_null(), list = from_json("[]");
	struct entries entries = { .count = 9 };
	struct text text;
	struct json json;
	struct error err;

	ck_assert_int_eq(variables_read(arena, NULL, &entries, &err), OK);
	ck_assert_uint_eq(entries.count, 0);
	entries.count = 9;
	ck_assert_int_eq(variables_read(arena, &null, &entries, &err), OK);
	ck_assert_uint_eq(entries.count, 0);
	ck_assert_int_eq(variables_read(arena, &list, &entries, &err), E_invalid_request);
	ck_assert_int_eq(variables_read(arena, &broken, &entries, &err), E_invalid_request);
	ck_assert_str_eq(err.message, "Unsupported value type 'Nosuch'");
	ck_assert_uint_eq(entries.count, 0);
	ck_assert_int_eq(variables_read(arena, &map, &entries, &err), OK);
	ck_assert_uint_eq(entries.count, 3);
	ck_assert(!entries.list[0].local && entries.list[1].local);
	text_init(&text, arena);
	json_init(&json, &text);
	variables_write(&json, arena, &entries, true);
	ck_assert_str_eq(text_string(&text), "{\"b\":" OUT("Integer", "1") ",\"a\":" OUT("String", "\"x\"")
		",\"\xc3\xa4 \":" OUT("Null", "null") "}");
}
END_TEST

START_TEST(raw_operands)
{
	struct value json, value;

	json = from_json("1.50");
	ck_assert(variable_raw(&json, &value));
	ck_assert_int_eq(value.type, VALUE_double);
	ck_assert_ptr_null(value.text);
	json = from_json("\"x\"");
	ck_assert(variable_raw(&json, &value));
	ck_assert_str_eq(value.text, "x");
	json = value_null();
	ck_assert(variable_raw(&json, &value));
	ck_assert_int_eq(value.type, VALUE_null);
	json = from_json("[1]");
	ck_assert(!variable_raw(&json, &value));
	json = from_json("{}");
	ck_assert(!variable_raw(&json, &value));
}
END_TEST

int
main(void)
{
	const TTest *const tests[] = {
		scalars, nulls_keep_their_type, untyped, untyped_lists_and_maps_are_objects, type_names,
		what_does_not_convert, dates, bytes, files, texts_of_json_and_xml, objects, transient_and_local,
		malformed_variables, maps_of_variables, raw_operands, NULL,
	};

	return run_units("variables", tests);
}
