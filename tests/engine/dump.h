/* SPDX-License-Identifier: Apache-2.0
 * A tree as text, for comparing before and after: everything that can be reached, derived things too. */
#ifndef TESTS_ENGINE_DUMP_H
#define TESTS_ENGINE_DUMP_H

#include "engine/engine.h"

/* Lives in the arena. */
const char *tree_dump(const struct tree *tree, struct arena *arena);

#endif
