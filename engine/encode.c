/* SPDX-License-Identifier: Apache-2.0
 * Effects as the bytes of an event log.
 *
 * Format 1: the byte 1, then effects until the end.  An effect is its number, then its fields in the order of
 * effects.def.  Numbers are varints (seven bits a byte, low ones first, the shortest form); signed ones zigzag.
 *   id      signed difference to the id field written before it, wherever that was; the first one's to 0
 *   num     signed
 *   text    length + 1 and the bytes without NUL; 0 for NULL
 *   value   a byte: type, plus 128 when transient (then nothing follows, and it reads back as null); then
 *           null: nothing; stored as integer: signed; double: 8 bytes of IEEE 754, low first, and the source text;
 *           string, json, xml, bytes: text; file, object: text and info (0, or 1 and its five texts)
 *   people  count and texts */
#include "engine/tree_priv.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"

/* What is read is limited before memory is taken for it: an effect takes more room than its bytes. */
enum { BYTES_MAX = 256 * 1024 * 1024, EFFECTS_MAX = 4 * 1024 * 1024, TRANSIENT = 128 };

/* ---- names ------------------------------------------------------------------------------------------ */

const char *
effect_name(enum effect_kind kind)
{
	switch (kind) {
#define EFFECT(number, name, fields) \
	case EFFECT_##name: \
		return #name;
#include "engine/effects.def"
#undef EFFECT
	}
	return NULL;
}

const char *
command_word(enum command_kind kind)
{
	switch (kind) {
#define COMMAND(number, name, word, logged) \
	case COMMAND_##name: \
		return word;
#include "engine/commands.def"
#undef COMMAND
	}
	return NULL;
}

bool
command_logged(enum command_kind kind)
{
	switch (kind) {
#define COMMAND(number, name, word, logged) \
	case COMMAND_##name: \
		return logged;
#include "engine/commands.def"
#undef COMMAND
	}
	return false;
}

/* ---- writing ---------------------------------------------------------------------------------------- */

struct writer {
	struct text out;
	int64_t last_id;
};

static void
put_varint(struct writer *writer, uint64_t number)
{
	for (; number >= 128; number >>= 7)
		text_putc(&writer->out, (char)(unsigned char)(number | 128));
	text_putc(&writer->out, (char)number);
}

/* Zigzag: small numbers of either sign stay short. */
static void
put_num(struct writer *writer, const int64_t *number)
{
	uint64_t bits = (uint64_t)*number;

	put_varint(writer, bits << 1 ^ (*number < 0 ? UINT64_MAX : 0));
}

/* The difference wraps around instead of overflowing. */
static void
put_id(struct writer *writer, const int64_t *id)
{
	int64_t difference = (int64_t)((uint64_t)*id - (uint64_t)writer->last_id);

	put_num(writer, &difference);
	writer->last_id = *id;
}

static void
put_bytes(struct writer *writer, const void *bytes, size_t length)
{
	if (bytes == NULL) {
		put_varint(writer, 0);
		return;
	}
	put_varint(writer, (uint64_t)length + 1);
	text_put(&writer->out, bytes, length);
}

static void
put_text(struct writer *writer, const effect_text *text)
{
	put_bytes(writer, *text, *text != NULL ? strlen(*text) : 0);
}

static void
put_people(struct writer *writer, const struct people *people)
{
	size_t i;

	put_varint(writer, people->count);
	for (i = 0; i < people->count; i++)
		put_text(writer, &people->list[i]);
}

static void
put_info(struct writer *writer, const struct value_info *info)
{
	put_varint(writer, info != NULL);
	if (info == NULL)
		return;
	put_text(writer, &info->filename);
	put_text(writer, &info->mime);
	put_text(writer, &info->encoding);
	put_text(writer, &info->object_type);
	put_text(writer, &info->format);
}

static void
put_double(struct writer *writer, const struct value *value)
{
	uint64_t bits;
	int i;

	memcpy(&bits, &value->real, sizeof(bits));
	for (i = 0; i < 8; i++)
		text_putc(&writer->out, (char)(unsigned char)(bits >> 8 * i));
	put_text(writer, &value->text);
}

static void
put_value(struct writer *writer, const struct value *value)
{
	put_varint(writer, value->transient ? TRANSIENT | VALUE_null : (uint64_t)value->type);
	if (value->transient)
		return;
	switch (value->type) {
	case VALUE_null:
	case VALUE_boolean:
	case VALUE_short:
	case VALUE_integer:
	case VALUE_long:
	case VALUE_date:
		put_num(writer, &value->integer);
		return;
	case VALUE_double:
		put_double(writer, value);
		return;
	case VALUE_string:
	case VALUE_bytes:
	case VALUE_json:
	case VALUE_xml:
		put_bytes(writer, value->text, value->length);
		return;
	case VALUE_file:
	case VALUE_object:
		put_bytes(writer, value->text, value->length);
		put_info(writer, value->info);
		return;
	case VALUE_list:
	case VALUE_map:
	case VALUE_COUNT:
		break;
	}
	assert(!"engine_apply() lets no such value pass");
}

static void
put_effect(struct writer *writer, const struct effect *effect)
{
	put_varint(writer, (uint64_t)effect->kind);
	switch (effect->kind) {
#define F(type, name) put_##type(writer, &with->name);
#define EFFECT(number, name, fields) \
	case EFFECT_##name: { \
		const __typeof__(effect->name) *with = &effect->name; \
		fields \
		return; \
	}
#include "engine/effects.def"
#undef EFFECT
#undef F
	}
	assert(!"engine_apply() lets no such effect pass");
}

void
effects_encode(const struct effects *effects, size_t from, struct arena *arena, const void **bytes,
	size_t *length)
{
	struct writer writer = { .last_id = 0 };
	size_t i;

	text_init(&writer.out, arena);
	text_putc(&writer.out, EVENT_FORMAT);
	for (i = from; i < effects->count; i++)
		put_effect(&writer, &effects->list[i]);
	*bytes = text_string(&writer.out);
	*length = writer.out.length;
}

/* ---- reading ---------------------------------------------------------------------------------------- */

/* After the first fault `bad` is set, `at` is the end and everything reads as zero. */
struct reader {
	struct arena *arena;
	const unsigned char *start, *at, *end;
	int64_t last_id;
	const char *bad;
	size_t bad_at;
};

static void
spoil(struct reader *reader, const char *what)
{
	if (reader->bad != NULL)
		return;
	reader->bad = what;
	reader->bad_at = (size_t)(reader->at - reader->start);
	reader->at = reader->end;
}

static uint64_t
get_varint(struct reader *reader)
{
	uint64_t number = 0;
	unsigned shift;

	for (shift = 0; reader->at < reader->end; shift += 7) {
		unsigned char byte = *reader->at++;

		if (shift == 63 && byte > 1)
			break;
		number |= (uint64_t)(byte & 127) << shift;
		if (byte >= 128)
			continue;
		if (byte == 0 && shift > 0)
			break;
		return number;
	}
	spoil(reader, "no number");
	return 0;
}

static void
get_num(struct reader *reader, int64_t *number)
{
	uint64_t bits = get_varint(reader);

	*number = (int64_t)(bits >> 1 ^ (bits & 1 ? UINT64_MAX : 0));
}

static void
get_id(struct reader *reader, int64_t *id)
{
	int64_t difference;

	get_num(reader, &difference);
	reader->last_id = (int64_t)((uint64_t)reader->last_id + (uint64_t)difference);
	*id = reader->last_id;
}

/* NUL-ended for good measure; NULL when there was none. */
static const char *
get_bytes(struct reader *reader, size_t *length)
{
	uint64_t stored = get_varint(reader);
	char *bytes;

	*length = 0;
	if (stored == 0)
		return NULL;
	if (stored - 1 > (uint64_t)(reader->end - reader->at)) {
		spoil(reader, "text beyond the end");
		return NULL;
	}
	*length = (size_t)stored - 1;
	bytes = arena_alloc(reader->arena, *length + 1);
	memcpy(bytes, reader->at, *length);
	reader->at += *length;
	return bytes;
}

static void
get_text(struct reader *reader, effect_text *text)
{
	size_t length;

	*text = get_bytes(reader, &length);
	if (length > 0 && memchr(*text, '\0', length) != NULL)
		spoil(reader, "NUL inside a text");
}

/* Each name takes a byte at least, so that the count cannot ask for more memory than the input justifies. */
static void
get_people(struct reader *reader, struct people *people)
{
	uint64_t count = get_varint(reader);
	const char **list;
	size_t i;

	*people = (struct people){ 0 };
	if (count > (uint64_t)(reader->end - reader->at))
		spoil(reader, "too many names");
	if (count == 0 || reader->bad != NULL)
		return;
	list = ARENA_ARRAY(reader->arena, const char *, (size_t)count);
	for (i = 0; i < count && reader->bad == NULL; i++) {
		get_text(reader, &list[i]);
		if (list[i] == NULL)
			spoil(reader, "a name is missing");
	}
	*people = (struct people){ .count = (size_t)count, .list = list };
}

static const struct value_info *
get_info(struct reader *reader)
{
	uint64_t present = get_varint(reader);
	struct value_info *info;

	if (present > 1)
		spoil(reader, "no flag");
	if (present != 1)
		return NULL;
	info = ARENA_NEW(reader->arena, struct value_info);
	get_text(reader, &info->filename);
	get_text(reader, &info->mime);
	get_text(reader, &info->encoding);
	get_text(reader, &info->object_type);
	get_text(reader, &info->format);
	return info;
}

static void
get_double(struct reader *reader, struct value *value)
{
	uint64_t bits = 0;
	int i;

	if (reader->end - reader->at < 8) {
		spoil(reader, "double beyond the end");
		return;
	}
	for (i = 0; i < 8; i++)
		bits |= (uint64_t)*reader->at++ << 8 * i;
	memcpy(&value->real, &bits, sizeof(bits));
	get_text(reader, &value->text);
	value->length = value->text != NULL ? strlen(value->text) : 0;
}

/* Text of a value, which must not hold NUL. */
static void
get_string(struct reader *reader, struct value *value)
{
	get_text(reader, &value->text);
	value->length = value->text != NULL ? strlen(value->text) : 0;
}

static void
get_content(struct reader *reader, struct value *value)
{
	switch (value->type) {
	case VALUE_null:
	case VALUE_boolean:
	case VALUE_short:
	case VALUE_integer:
	case VALUE_long:
	case VALUE_date:
		get_num(reader, &value->integer);
		return;
	case VALUE_double:
		get_double(reader, value);
		return;
	case VALUE_string:
	case VALUE_json:
	case VALUE_xml:
		get_string(reader, value);
		return;
	case VALUE_bytes:
		value->text = get_bytes(reader, &value->length);
		return;
	case VALUE_file:
		value->text = get_bytes(reader, &value->length);
		value->info = get_info(reader);
		return;
	case VALUE_object:
		get_string(reader, value);
		value->info = get_info(reader);
		return;
	case VALUE_list:
	case VALUE_map:
	case VALUE_COUNT:
		break;
	}
	spoil(reader, "no type of a value");
}

static void
get_value(struct reader *reader, struct value *value)
{
	uint64_t head = get_varint(reader);

	*value = value_null();
	if (head == (TRANSIENT | VALUE_null)) {
		value->transient = true;
		return;
	}
	value->type = head < VALUE_COUNT ? (enum value_type)head : VALUE_COUNT;
	get_content(reader, value);
}

static void
get_effect(struct reader *reader, struct effect *effect)
{
	uint64_t kind = get_varint(reader);

	effect->kind = (enum effect_kind)(kind <= INT32_MAX ? kind : 0);
	switch (effect->kind) {
#define F(type, name) get_##type(reader, &with->name);
#define EFFECT(number, name, fields) \
	case EFFECT_##name: { \
		__typeof__(effect->name) *with = &effect->name; \
		fields \
		return; \
	}
#include "engine/effects.def"
#undef EFFECT
#undef F
	}
	spoil(reader, "no such effect");
}

enum status
effects_decode(const void *bytes, size_t length, struct effects *effects, struct error *err)
{
	struct reader reader = { .arena = effects->arena, .start = bytes, .at = bytes };
	size_t first = effects->count;

	if (length == 0 || length > BYTES_MAX || *reader.at != EVENT_FORMAT)
		return FAIL(err, internal, "event log: not of format %d", EVENT_FORMAT);
	reader.end = reader.start + length;
	reader.at++;
	while (reader.at < reader.end && effects->count - first < EFFECTS_MAX) {
		effects->list = arena_grow(effects->arena, effects->list, sizeof(*effects->list), effects->count,
			&effects->capacity);
		effects->list[effects->count] = (struct effect){ 0 };
		get_effect(&reader, &effects->list[effects->count++]);
	}
	if (reader.at < reader.end)
		spoil(&reader, "too many effects");
	if (reader.bad == NULL)
		return OK;
	effects->count = first;
	return FAIL(err, internal, "event log: %s at byte %zu", reader.bad, reader.bad_at);
}
