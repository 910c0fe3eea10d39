/* SPDX-License-Identifier: Apache-2.0
 * A definition made by hand, and effects to apply to trees of it. */
#ifndef TESTS_ENGINE_HAND_H
#define TESTS_ENGINE_HAND_H

#include "engine/engine.h"

/* Keys of its nodes.  Process and sub-process have an inclusive join inside. */
enum {
	KEY_process = 4,
	KEY_start = 8,
	KEY_task = 12,
	KEY_user = 16,
	KEY_timer = 20,
	KEY_join = 24,
	KEY_sub = 28,
	KEY_inner = 32,
	KEY_inner_join = 36,
	KEY_loop = 40,
	KEY_loop_body = 41,
};

enum { HAND_DEFINITION = 7 };	/* the only one there is */

extern const struct definitions hand_definitions;

#define HAND(of, ...) ((struct effect){ .kind = EFFECT_##of, .of = { __VA_ARGS__ } })

/* Appends the effect and applies it; one that is refused is not appended. */
enum status hand_apply(struct tree *tree, struct effects *effects, struct effect effect, struct error *err);

/* A tree with one of everything, effects as they were. */
void hand_fill(struct tree *tree, struct effects *effects);

#endif
