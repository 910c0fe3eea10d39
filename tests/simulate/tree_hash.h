/* SPDX-License-Identifier: Apache-2.0
 * A tree as one number: what is stored of it, in order, without what is derived and without transient values. */
#ifndef TESTS_SIMULATE_TREE_HASH_H
#define TESTS_SIMULATE_TREE_HASH_H

#include "engine/engine.h"

/* Mixes more into a hash. */
uint64_t hash_number(uint64_t hash, int64_t number);
uint64_t hash_string(uint64_t hash, const char *text);	/* NULL allowed */
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length);

/* Equal for trees that are equal as they are stored.  locks: those of external tasks count, too (the event log does not
 * have them). A tree whose root has ended is 0. */
uint64_t tree_hash(const struct tree *tree, bool locks);

#endif
