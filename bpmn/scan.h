/* SPDX-License-Identifier: Apache-2.0
 * Private to bpmn/: one linear look at an XML text before any library sees it. */
#ifndef BPMN_SCAN_H
#define BPMN_SCAN_H

#include "base/error.h"

/* What a diagram may be at most.  The reader behind is quadratic in attributes, and recursive in depth. */
enum scan_limit {
	SCAN_BYTES = 10 * 1024 * 1024,
	SCAN_ELEMENTS = 200000,
	SCAN_DEPTH = 128,
	SCAN_TAG_BYTES = 64 * 1024,
	SCAN_ATTRIBUTES = 256,
};

/* The end of a tag, both from 1; a column is a UTF-16 unit, as Xerces counts. */
struct scan_place {
	int line, column;
};

struct scan {
	const char *xml;		/* UTF-8 without byte order mark, in the arena or the caller's */
	size_t length;
	size_t element_count;
	struct scan_place *starts, *ends;	/* per element in document order: end of its start tag, its end tag */
};

/* Refuses what is over a limit, not UTF-8 or UTF-16, has a DOCTYPE, a processing instruction or tags that do
 * not match.  What it lets pass need not be well-formed.  E_engine with the text of ENGINE-09003. */
enum status scan_xml(struct arena *arena, const char *name, const char *xml, size_t length,
	struct scan *scan, struct error *err) MUST_CHECK;

/* The text as UTF-8 without its mark: a part of xml, or in the arena when it was UTF-16. */
enum status scan_decode(struct arena *arena, const char *name, const char *xml, size_t length,
	const char **utf8, size_t *utf8_length, struct error *err) MUST_CHECK;

/* The failure of a file that is not XML: ENGINE-09003. */
enum status scan_fail(struct error *err, const char *name, const struct scan_place *place, const char *format, ...)
	PRINTF_LIKE(4, 5);

#endif
