/* SPDX-License-Identifier: Apache-2.0
 * Chunked bump allocation: small objects share chunks, big ones get a chunk of their own. */
#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
	ALIGNMENT = 16,
	FIRST_CHUNK = 1024,	/* room in bytes; a cached tree may need no more */
	LARGEST_CHUNK = 65536,	/* chunks double up to here; also what a reset keeps */
	BIG_OBJECT = 16384,	/* from here on an object has its own chunk */
};

struct chunk {
	struct chunk *next;
	size_t room;		/* bytes behind the head */
	_Alignas(ALIGNMENT) char bytes[];
};

struct arena {
	struct chunk *current;	/* head of the list; the one that is being filled, unless NULL */
	size_t filled;		/* bytes of current that are taken */
	size_t used;		/* bytes handed out since the last reset */
};

void
memory_out(void)
{
	static const char message[] = "out of memory\n";

	fwrite(message, 1, sizeof message - 1, stderr);
	abort();
}

void *
memory_must(size_t size)
{
	void *memory = malloc(size);

	if (!memory)
		memory_out();
	return memory;
}

void *
memory_resize(void *memory, size_t size)
{
	void *resized = realloc(memory, size);

	if (!resized && size > 0)
		memory_out();
	return resized;
}

char *
memory_text(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(memory_must(size), text, size);
}

static struct chunk *
chunk_new(size_t room)
{
	struct chunk *chunk = memory_must(sizeof *chunk + room);

	chunk->next = NULL;
	chunk->room = room;
	return chunk;
}

struct arena *
arena_new(void)
{
	struct arena *arena = memory_must(sizeof *arena);

	*arena = (struct arena){ 0 };
	return arena;
}

/* Gives back every chunk except keep, which may be NULL. */
static void
free_chunks(struct arena *arena, const struct chunk *keep)
{
	struct chunk *next;

	for (struct chunk *chunk = arena->current; chunk; chunk = next) {
		next = chunk->next;
		if (chunk != keep)
			free(chunk);
	}
}

void
arena_free(struct arena *arena)
{
	if (!arena)
		return;
	free_chunks(arena, NULL);
	free(arena);
}

void
arena_reset(struct arena *arena)
{
	struct chunk *keep = NULL;

#ifndef ARENA_EMULATOR
	for (struct chunk *chunk = arena->current; chunk; chunk = chunk->next) {
		if (chunk->room <= LARGEST_CHUNK && (!keep || chunk->room > keep->room))
			keep = chunk;
	}
#endif
	free_chunks(arena, keep);
	if (keep)
		keep->next = NULL;
	*arena = (struct arena){ .current = keep };
}

#ifdef ARENA_EMULATOR
/* Each object is its own malloc of exactly its size, so that a sanitizer sees the byte behind it. */
static void *
take(struct arena *arena, size_t size)
{
	struct chunk *chunk = chunk_new(size);

	chunk->next = arena->current;
	arena->current = chunk;
	arena->used += size;
	return chunk->bytes;
}
#else
/* An object of its own chunk goes behind the current one, which stays the one to fill. */
static void *
take_big(struct arena *arena, size_t size)
{
	struct chunk *chunk = chunk_new(size);

	if (!arena->current) {
		arena->current = chunk;
		arena->filled = size;
	} else {
		chunk->next = arena->current->next;
		arena->current->next = chunk;
	}
	return chunk->bytes;
}

/* Uninitialised memory. */
static void *
take(struct arena *arena, size_t size)
{
	struct chunk *current = arena->current;
	char *taken;

	size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
	arena->used += size;
	if (!current || size > current->room - arena->filled) {
		size_t room = current ? current->room * 2 : FIRST_CHUNK;

		if (size >= BIG_OBJECT)
			return take_big(arena, size);
		while (room < size)
			room *= 2;
		current = chunk_new(room < LARGEST_CHUNK ? room : LARGEST_CHUNK);
		current->next = arena->current;
		arena->current = current;
		arena->filled = 0;
	}
	taken = current->bytes + arena->filled;
	arena->filled += size;
	return taken;
}
#endif

/* What no caller may ask for, since head and alignment must still fit a size_t. */
static void
check_size(size_t size)
{
	if (size > PTRDIFF_MAX / 2)
		abort();
}

void *
arena_alloc(struct arena *arena, size_t size)
{
	void *memory;

	check_size(size);
	memory = take(arena, size ? size : 1);
	return memset(memory, 0, size ? size : 1);
}

void *
arena_copy(struct arena *arena, const void *bytes, size_t size)
{
	void *memory;

	check_size(size);
	memory = take(arena, size ? size : 1);
	return size ? memcpy(memory, bytes, size) : memory;
}

char *
arena_strdup(struct arena *arena, const char *text)
{
	return text ? arena_copy(arena, text, strlen(text) + 1) : NULL;
}

char *
arena_bytes(struct arena *arena, const void *bytes, size_t size)
{
	char *copy;

	if (!bytes)
		return NULL;
	check_size(size);
	copy = take(arena, size + 1);
	if (size)
		memcpy(copy, bytes, size);
	copy[size] = '\0';
	return copy;
}

char *
arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *copy;

	if (!text)
		return NULL;
	length = strnlen(text, length);
	check_size(length);
	copy = take(arena, length + 1);
	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *
arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	assert(length >= 0);
	text = take(arena, (size_t)length + 1);
	va_start(args, format);
	vsnprintf(text, (size_t)length + 1, format, args);
	va_end(args);
	return text;
}

size_t
arena_used(const struct arena *arena)
{
	return arena->used;
}

void *
arena_array(struct arena *arena, size_t size, size_t count)
{
	size_t product;

	if (__builtin_mul_overflow(size, count, &product))
		abort();
	return arena_alloc(arena, product);
}

void *
arena_grow(struct arena *arena, void *array, size_t size, size_t count, size_t *capacity)
{
	size_t wanted, bytes;
	void *grown;

	if (array && count < *capacity)
		return array;
	wanted = *capacity < 4 ? 8 : *capacity;
	while (wanted <= count) {
		if (__builtin_mul_overflow(wanted, (size_t)2, &wanted))
			abort();
	}
	if (__builtin_mul_overflow(size, wanted, &bytes))
		abort();
	check_size(bytes);
	grown = take(arena, bytes);
	if (array && count)
		memcpy(grown, array, size * count);
	else
		count = 0;
	memset((char *)grown + size * count, 0, bytes - size * count);
	*capacity = wanted;
	return grown;
}
