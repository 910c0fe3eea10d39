/* SPDX-License-Identifier: Apache-2.0
 * Arenas: memory that lives and dies together.  Four lifetimes use them and never mix: process,
 * program (one compiled definition), command (one request or batch), scratch (one loop round). */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

struct arena;

/* A new, empty arena.  Like every allocation here it never fails: out of memory aborts the
 * process, which loses nothing, since only what is committed was answered. */
struct arena *arena_new(void);

/* Gives back all memory of the arena and the arena itself.  NULL is allowed. */
void arena_free(struct arena *arena);

/* Forgets all allocations but keeps some memory for the next round. */
void arena_reset(struct arena *arena);

/* Zeroed memory of size bytes, aligned for any type.  Never NULL, also for size 0. */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy of size bytes, NULs among them kept, with a NUL behind.  NULL gives NULL. */
char *arena_bytes(struct arena *arena, const void *bytes, size_t size);

/* A copy of size bytes. */
void *arena_copy(struct arena *arena, const void *bytes, size_t size);

/* Copies of NUL-ended text.  NULL gives NULL. */
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t length);
char *arena_printf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

/* Bytes handed out since the last reset (what a cache counts). */
size_t arena_used(const struct arena *arena);

#define ARENA_NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define ARENA_ARRAY(arena, type, n) ((type *)arena_array((arena), sizeof(type), (n)))

/* count * size zeroed bytes; aborts when the product overflows. */
void *arena_array(struct arena *arena, size_t size, size_t count);

/* Grows an array that lives in the arena: when *capacity is reached, a copy of twice the room.
 * Returns the place of the array; the old one stays valid until the arena goes. */
void *arena_grow(struct arena *arena, void *array, size_t size, size_t count, size_t *capacity);

#endif
