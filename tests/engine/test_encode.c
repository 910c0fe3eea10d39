/* SPDX-License-Identifier: Apache-2.0
 * Effects as bytes: format 1 to the byte, there and back, and whatever else comes from a disk. */
#include "engine/engine.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tests/engine/hand.h"

static struct arena *arena;
static struct effects effects;
static struct error err;

static void
setup(void)
{
	arena = arena_new();
	effects_init(&effects, arena);
}

static void
teardown(void)
{
	arena_free(arena);
}

static const char *
hex(const void *bytes, size_t length)
{
	const unsigned char *at = bytes;
	struct text out;
	size_t i;

	text_init(&out, arena);
	for (i = 0; i < length; i++)
		text_printf(&out, "%02x", at[i]);
	return text_string(&out);
}

/* One of everything, by way of a tree that lets it pass. */
static const void *
encode_all(size_t *length)
{
	struct tree *tree = tree_new(&hand_definitions);
	const void *bytes;

	hand_fill(tree, &effects);
	effects_encode(&effects, 0, arena, &bytes, length);
	tree_free(tree);
	return bytes;
}

/* What was once written must stay readable: this text never changes, a new format gets one of its own. */
static const char format_1[] =
	"010104030e086f72646572203110d00f0004080300180000d20f070406746f7069630a080007776f726b6572d40fa4"
	"1f020900040762726f6b656e06737461636b0a000c04040700200000d60f0b08054e616d65000064ffffffffffff"
	"ffffff01f02e05666f726d0204616e6e04626f62010673616c65730c0004616e6e04040b00380000d80f04100f0c"
	"400200d80f0f08030440ffffffffffffffffff01060000d80f0f08070228904e06000852332f50543148d80f1004"
	"b81700086e6f206c75636b4012080b0204086e6f206c75636b40da0f040c1f0c480660da0f0418230c480000da0f"
	"05180668dc0f0104170e0010dc0f000318020d27026103008c030d8b030262030290030d8f030263030494030d9303"
	"0264030698030d9703026503089c030d9b030266030aa0030d9f030267030ca4030da3030268030ea8030da70302"
	"690310ac030dab03026a0312b0030daf030263060574657874030d080566696c6509040001020106612e62696e04"
	"782f79000000c4030dc303056e6f6e650000c8030dc703057265616c05000000000000f83f05312e3530cc030dcb03"
	"077365637265748001d0030ecf03056e6f6e65";

START_TEST(test_golden)
{
	size_t length;
	const void *bytes = encode_all(&length);

	ck_assert_str_eq(hex(bytes, length), format_1);
}
END_TEST

START_TEST(test_read_golden)
{
	struct tree *tree = tree_new(&hand_definitions), *other = tree_new(&hand_definitions);
	size_t length = strlen(format_1) / 2, i;
	unsigned char *bytes = arena_alloc(arena, length);
	const void *again;
	struct effects read;
	unsigned byte;

	for (i = 0; i < length; i++) {
		ck_assert_int_eq(sscanf(format_1 + 2 * i, "%2x", &byte), 1);
		bytes[i] = (unsigned char)byte;
	}
	effects_init(&read, arena);
	ck_assert_int_eq(effects_decode(bytes, length, &read, &err), OK);
	for (i = 0; i < read.count; i++)
		ck_assert_int_eq(engine_apply(tree, &read.list[i], &err), OK);
	hand_fill(other, &effects);
	ck_assert_uint_eq(read.count, effects.count);
	/* a transient value is never written, so in its place is null */
	ck_assert_int_eq(tree_variable(tree_activity(tree, 4), "secret")->value.type, VALUE_null);
	ck_assert(tree_variable(tree_activity(tree, 4), "secret")->value.transient);
	for (i = 0; i < 2; i++)
		ck_assert_int_eq(
			hand_apply(i ? tree : other, &effects, HAND(variable_drop, 4, "secret"), &err), OK);
	ck_assert_str_eq(tree_dump(tree, arena), tree_dump(other, arena));
	effects_encode(&read, 0, arena, &again, &i);
	ck_assert_uint_eq(i, length);
	ck_assert_mem_eq(again, bytes, length);
	tree_free(tree);
	tree_free(other);
}
END_TEST

/* Extremes of every kind of field. */
START_TEST(test_extremes)
{
	static const int64_t numbers[] = { 0, 1, -1, 63, 64, -64, -65, INT64_MAX, INT64_MIN, INT64_MAX, 2 };
	struct effects read;
	const void *bytes;
	size_t length, i;

	effects.list = ARENA_ARRAY(arena, struct effect, 11);
	for (i = 0; i < 11; i++)
		effects.list[i] = HAND(task_fail, numbers[i], numbers[10 - i], i % 2 ? "" : NULL, "t");
	effects.count = effects.capacity = 11;
	effects_encode(&effects, 0, arena, &bytes, &length);
	effects_init(&read, arena);
	ck_assert_int_eq(effects_decode(bytes, length, &read, &err), OK);
	ck_assert_uint_eq(read.count, 11);
	for (i = 0; i < 11; i++) {
		ck_assert(read.list[i].task_fail.activity == numbers[i]);
		ck_assert(read.list[i].task_fail.retries == numbers[10 - i]);
		ck_assert(text_equal(read.list[i].task_fail.message, i % 2 ? "" : NULL));
		ck_assert_str_eq(read.list[i].task_fail.details, "t");
	}
	effects_encode(&effects, 11, arena, &bytes, &length);
	ck_assert_uint_eq(length, 1);
}
END_TEST

static void
round_trip(struct value value)
{
	struct effects read;
	const void *bytes;
	size_t length;

	effects.list = ARENA_NEW(arena, struct effect);
	effects.list[0] = HAND(variable_set, 2, "x", value, 4);
	effects.count = effects.capacity = 1;
	effects_encode(&effects, 0, arena, &bytes, &length);
	effects_init(&read, arena);
	ck_assert_msg(effects_decode(bytes, length, &read, &err) == OK, "%s", err.message);
	ck_assert_msg(value_equal(&read.list[0].variable_set.value, &value), "type %d", (int)value.type);
}

START_TEST(test_values)
{
	static const struct value_info info = { "f", NULL, "utf-8", "java.util.List", "application/json" };
	int64_t i;

	round_trip(value_null());
	round_trip(value_boolean(true));
	for (i = -70000; i < 70000; i += 6999)
		round_trip(value_integer(i));
	round_trip(value_long(INT64_MIN));
	round_trip(value_date(-1));
	round_trip(value_double(-1e300));
	round_trip(value_string(""));
	round_trip(value_string("\xc3\xa9"));
	round_trip((struct value){ .type = VALUE_short, .integer = -3 });
	round_trip((struct value){ .type = VALUE_bytes, .text = "\0\0a", .length = 3 });
	round_trip((struct value){ .type = VALUE_bytes, .text = "", .length = 0 });
	round_trip((struct value){ .type = VALUE_file, .text = "\0", .length = 1, .info = &info });
	round_trip((struct value){ .type = VALUE_json, .text = "{}", .length = 2 });
	round_trip((struct value){ .type = VALUE_xml, .text = "<a/>", .length = 4 });
	round_trip((struct value){ .type = VALUE_object, .text = "[]", .length = 2, .info = &info });
}
END_TEST

/* Whatever is cut off inside an effect is found; what ends between two is a shorter list. */
START_TEST(test_cut)
{
	size_t length, cut, whole = 0;
	const void *bytes = encode_all(&length);

	for (cut = 0; cut < length; cut++) {
		void *copy = malloc(cut > 0 ? cut : 1);
		struct effects read;

		memcpy(copy, bytes, cut);
		effects_init(&read, arena);
		if (effects_decode(copy, cut, &read, &err) == OK)
			whole++;
		else
			ck_assert_uint_eq(read.count, 0);
		free(copy);
	}
	ck_assert_uint_eq(whole, effects.count);
}
END_TEST

/* Any byte changed to any other: read or refused, applied or refused, never worse. */
START_TEST(test_damage)
{
	struct tree *tree;
	struct arena *scratch;
	size_t length, at, i;
	const unsigned char *bytes = encode_all(&length);
	unsigned char *copy = malloc(length);

	for (at = (size_t)_i; at < length * 6; at += 7) {
		static const unsigned char masks[] = { 1, 2, 64, 127, 128, 255 };
		struct effects read;

		scratch = arena_new();
		tree = tree_new(&hand_definitions);
		memcpy(copy, bytes, length);
		copy[at / 6] ^= masks[at % 6];
		effects_init(&read, scratch);
		if (effects_decode(copy, length, &read, &err) == OK)
			for (i = 0; i < read.count; i++)
				if (engine_apply(tree, &read.list[i], &err) != OK)
					ck_assert_int_eq(err.status, E_internal);
		ck_assert_msg(tree_check(tree, &err), "%s", err.message);
		engine_undo(tree, &read, 0);
		ck_assert_uint_eq(tree->live_bytes, 0);
		tree_free(tree);
		arena_free(scratch);
	}
	free(copy);
}
END_TEST

static void
refused(const char *bytes, size_t length)
{
	struct effects read;

	effects_init(&read, arena);
	ck_assert_int_eq(effects_decode(bytes, length, &read, &err), E_internal);
	ck_assert_uint_eq(read.count, 0);
}

START_TEST(test_refuses)
{
#define BYTES(literal) literal, sizeof(literal) - 1
	refused(BYTES(""));
	refused(BYTES("\x02"));					/* format */
	refused(BYTES("\x01\x00"));				/* effect 0 */
	refused(BYTES("\x01\x14"));				/* effect 20 */
	refused(BYTES("\x01\x11\x80\x00"));			/* not the shortest form */
	refused(BYTES("\x01\x11\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));	/* 65 bits */
	refused(BYTES("\x01\x11\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"));
	refused(BYTES("\x01\x0c\x02\x03" "a"));			/* text beyond the end */
	refused(BYTES("\x01\x0c\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" "a"));
	refused(BYTES("\x01\x0c\x02\x03" "a\0"));		/* NUL in a text */
	refused(BYTES("\x01\x0d\x02\x02" "a\x0d\x00"));		/* value: a list */
	refused(BYTES("\x01\x0d\x02\x02" "a\x81\x01\x00"));	/* value: transient, but not null */
	refused(BYTES("\x01\x0b\x02\0\0\0\0\0\0\0\x7f\x00"));	/* too many names */
	refused(BYTES("\x01\x0b\x02\0\0\0\0\0\0\0\x01\x00\x00"));	/* a name of NULL */
#undef BYTES
}
END_TEST

START_TEST(test_names)
{
	ck_assert_str_eq(effect_name(EFFECT_instance_open), "instance_open");
	ck_assert_str_eq(effect_name(EFFECT_incident_close), "incident_close");
	ck_assert_ptr_null(effect_name((enum effect_kind)0));
	ck_assert_str_eq(command_word(COMMAND_complete_task), "complete");
	ck_assert(command_logged(COMMAND_complete_task));
	ck_assert(!command_logged(COMMAND_lock_task));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("encode");
	TCase *tcase = tcase_create("encode");
	SRunner *runner = srunner_create(suite);
	int failed;

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_golden);
	tcase_add_test(tcase, test_read_golden);
	tcase_add_test(tcase, test_extremes);
	tcase_add_test(tcase, test_values);
	tcase_add_test(tcase, test_cut);
	tcase_add_loop_test(tcase, test_damage, 0, 7);
	tcase_add_test(tcase, test_refuses);
	tcase_add_test(tcase, test_names);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
