/* SPDX-License-Identifier: Apache-2.0
 * Fuzzes the event log: what is decoded is encoded to the same bytes, and applied or refused without harm to a tree. */
#include "tests/fuzz/fuzz.h"

#include "engine/engine.h"
#include "tests/engine/hand.h"

/* The encoding is the only one there is for its effects. */
static void
encode(struct arena *arena, const struct effects *effects, const uint8_t *bytes, size_t length)
{
	const void *again;
	size_t again_length;

	effects_encode(effects, 0, arena, &again, &again_length);
	MUST(again_length == length && memcmp(again, bytes, length) == 0, "%zu bytes became %zu", length,
		again_length);
}

/* Applies them in turn; those that are refused leave the tree as it was, and are left out. */
static void
apply(struct tree *tree, struct effects *effects)
{
	const char *before = tree_dump(tree, effects->arena), *after;
	struct error err;
	size_t kept = 0;

	for (size_t i = 0; i < effects->count; i++) {
		effects->list[kept] = effects->list[i];
		if (engine_apply(tree, &effects->list[kept], &err) == OK) {
			kept++;
			before = tree_dump(tree, effects->arena);
			continue;
		}
		MUST(err.status == E_internal, "%s", err.message);
		after = tree_dump(tree, effects->arena);
		MUST(strcmp(before, after) == 0, "a refused %s changed the tree",
			effect_name(effects->list[kept].kind));
	}
	effects->count = kept;
}

static void
play(struct arena *arena, struct effects *effects, bool filled)
{
	struct tree *tree = tree_new(&hand_definitions);
	struct effects first;
	const char *before;
	struct error err;

	effects_init(&first, arena);
	if (filled)
		hand_fill(tree, &first);
	before = tree_dump(tree, arena);
	apply(tree, effects);
	MUST(tree_check(tree, &err), "%s", err.message);
	engine_undo(tree, effects, 0);
	MUST(strcmp(before, tree_dump(tree, arena)) == 0, "taken back, the tree is another");
	engine_undo(tree, &first, 0);
	MUST(tree->live_bytes == 0 && tree->root == NULL, "taken back, the tree is not empty");
	tree_free(tree);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct arena *arena = arena_new();
	struct effects effects;
	struct error err;

	for (int filled = 0; filled < 2; filled++) {
		effects_init(&effects, arena);
		if (effects_decode(bytes, length, &effects, &err) != OK) {
			MUST(err.status == E_internal && effects.count == 0, "%s", err.message);
			break;
		}
		encode(arena, &effects, bytes, length);
		play(arena, &effects, filled);
	}
	arena_free(arena);
	return 0;
}
