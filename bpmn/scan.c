/* SPDX-License-Identifier: Apache-2.0
 * The look before the parser: limits, encoding, forbidden markup, matching tags, and where every tag ends. */
#include "bpmn/scan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

struct scanner {
	struct arena *arena;
	struct scan *scan;
	const char *name;		/* of the file */
	struct error *err;
	const char *at, *end;		/* next byte to look at, end of the text */
	const char *counted;		/* `place` is the place of this byte */
	struct scan_place place;
	size_t starts_capacity, ends_capacity;
	int depth;
	struct {
		const char *tag;	/* as written, in the text */
		size_t length, element;
	} open[SCAN_DEPTH];
};

enum status
scan_fail(struct error *err, const char *name, const struct scan_place *place, const char *format, ...)
{
	char message[ERROR_TEXT / 2];
	enum status status;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	status = FAIL(err, engine, "ENGINE-09003 Could not parse '%.200s'. %s", name, message);
	if (place != NULL)
		err->line = place->line;
	return status;
}

/* Moves the counted place up to a byte ahead. */
static void
count_to(struct scanner *s, const char *to)
{
	for (; s->counted < to; s->counted++) {
		unsigned char c = (unsigned char)*s->counted;

		if (c == '\n' || (c == '\r' && (s->counted + 1 == s->end || s->counted[1] != '\n'))) {
			s->place.line++;
			s->place.column = 1;
		} else if ((c & 0xc0) != 0x80) {
			s->place.column += c >= 0xf0 ? 2 : 1;
		}
	}
}

#define REFUSE(s, ...) (count_to((s), (s)->at), scan_fail((s)->err, (s)->name, &(s)->place, __VA_ARGS__))

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool
starts_with(const struct scanner *s, const char *word)
{
	size_t length = strlen(word);

	return (size_t)(s->end - s->at) >= length && memcmp(s->at, word, length) == 0;
}

/* Steps behind the next occurrence of a word, from `skip` bytes ahead. */
static enum status
step_behind(struct scanner *s, size_t skip, const char *word)
{
	const char *found = NULL;

	if ((size_t)(s->end - s->at) >= skip)
		found = memmem(s->at + skip, (size_t)(s->end - s->at) - skip, word, strlen(word));
	if (found == NULL)
		return REFUSE(s, "XML document structures must start and end within the same entity.");
	s->at = found + strlen(word);
	return OK;
}

/* Text between markup; outside of the root there may be none. */
static enum status
scan_text(struct scanner *s)
{
	const char *next = memchr(s->at, '<', (size_t)(s->end - s->at));

	if (next == NULL)
		next = s->end;
	while (s->depth == 0 && s->at < next) {
		if (!is_blank(*s->at)) {
			return REFUSE(s, "Content is not allowed in %s.",
				s->scan->element_count == 0 ? "prolog" : "trailing section");
		}
		s->at++;
	}
	s->at = next;
	return OK;
}

static size_t
tag_length(const struct scanner *s, const char *tag)
{
	const char *end = tag;

	while (end < s->end && !is_blank(*end) && *end != '>' && *end != '/' && *end != '<' && *end != '=')
		end++;
	return (size_t)(end - tag);
}

/* Finds the '>' of the start tag at s->at, past quoted values; counts attributes. */
static enum status
find_tag_end(struct scanner *s, const char **end)
{
	const char *limit = (size_t)(s->end - s->at) > SCAN_TAG_BYTES ? s->at + SCAN_TAG_BYTES : s->end;
	char quote = '\0';
	int attributes = 0;
	const char *p = s->at + 1;

	for (; p < limit && (quote != '\0' || *p != '>'); p++) {
		if (quote == '\0' && (*p == '"' || *p == '\''))
			quote = *p;
		else if (quote == *p)
			quote = '\0';
		else if (*p == '<')
			break;
		else if (quote == '\0' && *p == '=' && ++attributes > SCAN_ATTRIBUTES)
			return REFUSE(s, "An element has more than %d attributes.", SCAN_ATTRIBUTES);
	}
	if (p < limit && *p == '>') {
		*end = p;
		return OK;
	}
	if (p == limit && limit < s->end)
		return REFUSE(s, "A tag is longer than %d bytes.", SCAN_TAG_BYTES);
	if (p == s->end)
		return REFUSE(s, "XML document structures must start and end within the same entity.");
	if (quote != '\0')
		return REFUSE(s, "The value of an attribute must not contain the '<' character.");
	return REFUSE(s, "Element type \"%.*s\" must be followed by either attribute specifications, \">\" or \"/>\".",
		(int)tag_length(s, s->at + 1), s->at + 1);
}

static enum status
scan_start_tag(struct scanner *s)
{
	struct scan *scan = s->scan;
	const char *tag = s->at + 1, *end = NULL;
	size_t element = scan->element_count;

	if (s->depth == 0 && element > 0)
		return REFUSE(s, "The markup in the document following the root element must be well-formed.");
	if (element == SCAN_ELEMENTS)
		return REFUSE(s, "The document has more than %d elements.", SCAN_ELEMENTS);
	TRY(find_tag_end(s, &end));
	scan->starts = arena_grow(s->arena, scan->starts, sizeof(*scan->starts), element, &s->starts_capacity);
	scan->ends = arena_grow(s->arena, scan->ends, sizeof(*scan->ends), element, &s->ends_capacity);
	scan->element_count++;
	s->at = end + 1;
	count_to(s, s->at);
	scan->starts[element] = scan->ends[element] = s->place;
	if (end[-1] == '/')
		return OK;
	if (s->depth == SCAN_DEPTH)
		return REFUSE(s, "Elements are nested deeper than %d.", SCAN_DEPTH);
	s->open[s->depth].tag = tag;
	s->open[s->depth].length = tag_length(s, tag);
	s->open[s->depth++].element = element;
	return OK;
}

static enum status
scan_end_tag(struct scanner *s)
{
	const char *tag = s->at + 2, *end = memchr(s->at, '>', (size_t)(s->end - s->at));
	size_t length = tag_length(s, tag);

	if (s->depth == 0) {
		return REFUSE(s, "The markup in the document %s the root element must be well-formed.",
			s->scan->element_count == 0 ? "preceding" : "following");
	}
	s->depth--;
	if (end == NULL || length != s->open[s->depth].length || memcmp(tag, s->open[s->depth].tag, length) != 0) {
		int width = s->open[s->depth].length < 200 ? (int)s->open[s->depth].length : 200;
		const char *open = s->open[s->depth].tag;

		return REFUSE(s, "The element type \"%.*s\" must be terminated by the matching end-tag \"</%.*s>\".",
			width, open, width, open);
	}
	s->at = end + 1;
	count_to(s, s->at);
	s->scan->ends[s->open[s->depth].element] = s->place;
	return OK;
}

/* The XML declaration passes at the very start; any other instruction would be silently without effect. */
static enum status
scan_instruction(struct scanner *s)
{
	size_t length = tag_length(s, s->at + 2);

	if (s->at == s->scan->xml && length == 3 && memcmp(s->at + 2, "xml", 3) == 0)
		return step_behind(s, 2, "?>");
	if (length == 3 && strncasecmp(s->at + 2, "xml", 3) == 0)
		return REFUSE(s, "The processing instruction target matching \"[xX][mM][lL]\" is not allowed.");
	return REFUSE(s, "The processing instruction \"%.*s\" is not supported.", (int)(length < 100 ? length : 100),
		s->at + 2);
}

static enum status
scan_markup(struct scanner *s)
{
	if (starts_with(s, "<!--"))
		return step_behind(s, 4, "-->");
	if (starts_with(s, "<![CDATA[") && s->depth > 0)
		return step_behind(s, 9, "]]>");
	if (starts_with(s, "<!DOCTYPE")) {
		return REFUSE(s, "DOCTYPE is disallowed when the feature "
			"\"http://apache.org/xml/features/disallow-doctype-decl\" set to true.");
	}
	if (starts_with(s, "<!")) {
		return REFUSE(s, "The content of elements must consist of well-formed character data or markup.");
	}
	if (starts_with(s, "<?"))
		return scan_instruction(s);
	if (starts_with(s, "</"))
		return scan_end_tag(s);
	return scan_start_tag(s);
}

static void
put_utf8(struct text *text, uint32_t c)
{
	int more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };

	text_putc(text, (char)(lead[more] | (c >> (6 * more))));
	while (more-- > 0)
		text_putc(text, (char)(0x80 | ((c >> (6 * more)) & 0x3f)));
}

/* UTF-16 behind its byte order mark; false when it is none. */
static bool
from_utf16(struct text *text, const unsigned char *bytes, size_t length, bool big)
{
	for (size_t i = 0; i < length; i += 2) {
		uint32_t c, low;

		if (i + 2 > length)
			return false;
		c = (uint32_t)(bytes[i + !big] << 8 | bytes[i + big]);
		if (c >= 0xdc00 && c < 0xe000)
			return false;
		if (c >= 0xd800 && c < 0xdc00) {
			i += 2;
			if (i + 2 > length)
				return false;
			low = (uint32_t)(bytes[i + !big] << 8 | bytes[i + big]);
			if (low < 0xdc00 || low >= 0xe000)
				return false;
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		}
		put_utf8(text, c);
	}
	return true;
}

enum status
scan_decode(struct arena *arena, const char *name, const char *xml, size_t length, const char **utf8,
	size_t *utf8_length, struct error *err)
{
	const unsigned char *bytes = (const unsigned char *)xml;
	const char *result = xml;
	size_t result_length = length;
	struct text text;

	if (length >= 2 && ((bytes[0] == 0xfe && bytes[1] == 0xff) || (bytes[0] == 0xff && bytes[1] == 0xfe))) {
		text_init(&text, arena);
		if (!from_utf16(&text, bytes + 2, length - 2, bytes[0] == 0xfe))
			return scan_fail(err, name, NULL, "The file is not well-formed UTF-16.");
		result = text_string(&text);
		result_length = text.length;
	} else if (length >= 3 && memcmp(xml, "\xef\xbb\xbf", 3) == 0) {
		result = xml + 3;
		result_length = length - 3;
	}
	if (!text_is_utf8(result, result_length))
		return scan_fail(err, name, NULL, "The file is neither UTF-8 nor UTF-16 with a byte order mark.");
	*utf8 = result;
	*utf8_length = result_length;
	return OK;
}

enum status
scan_xml(struct arena *arena, const char *name, const char *xml, size_t length, struct scan *result,
	struct error *err)
{
	struct scan scan = { 0 };
	struct scanner s = { .arena = arena, .scan = &scan, .name = name, .err = err, .place = { 1, 1 } };

	if (length > SCAN_BYTES)
		return scan_fail(err, name, NULL, "The file is longer than %d bytes.", SCAN_BYTES);
	TRY(scan_decode(arena, name, xml, length, &scan.xml, &scan.length, err));
	s.at = s.counted = scan.xml;
	s.end = scan.xml + scan.length;
	while (s.at < s.end) {
		TRY(scan_text(&s));
		if (s.at < s.end)
			TRY(scan_markup(&s));
	}
	if (s.depth > 0)
		return REFUSE(&s, "XML document structures must start and end within the same entity.");
	if (scan.element_count == 0)
		return REFUSE(&s, "Premature end of file.");
	*result = scan;
	return OK;
}
