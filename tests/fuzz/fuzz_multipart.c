/* SPDX-License-Identifier: Apache-2.0
 * Fuzzes multipart/form-data: the first line is the content type, the rest the body. */
#include "tests/fuzz/fuzz.h"

#include "api/http.h"

/* Parts are views into the body, one behind the other, and named; a file's name, which a deployment stores, is text. */
static void
check(const struct exchange *exchange)
{
	const char *at = exchange->body, *end = at + exchange->body_length;
	const struct part *part;

	for (part = exchange->parts; part < exchange->parts + exchange->part_count; part++) {
		const char *start = part->bytes;

		MUST(start >= at && start <= end && part->length <= (size_t)(end - start), "outside of the body");
		must_be_text(part->name);
		if (part->filename != NULL)
			must_be_text(part->filename);
		at = start + part->length;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct arena *arena = arena_new();
	const uint8_t *line_end = memchr(bytes, '\n', length);
	size_t line = line_end != NULL ? (size_t)(line_end - bytes) : length;
	size_t behind = line_end != NULL ? line + 1 : length;
	struct exchange exchange = {
		.arena = arena,
		.content_type = arena_strndup(arena, (const char *)bytes, line),
		.body = arena_copy(arena, bytes + behind, length - behind),
		.body_length = length - behind,
	};
	struct error err;

	if (multipart_read(&exchange, &err) == OK) {
		check(&exchange);
	} else {
		MUST(exchange.part_count == 0, "refused with %zu parts", exchange.part_count);
		must_be_text(err.message);
	}
	arena_free(arena);
	return 0;
}
