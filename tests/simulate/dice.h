/* SPDX-License-Identifier: Apache-2.0
 * Random numbers that a seed gives again, on every machine (SplitMix64, Steele et al. 2014). */
#ifndef TESTS_SIMULATE_DICE_H
#define TESTS_SIMULATE_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
	uint64_t state;
};

static inline uint64_t
dice_next(struct dice *dice)
{
	uint64_t z = dice->state += UINT64_C(0x9E3779B97F4A7C15);

	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/* 0 to sides - 1; sides > 0. */
static inline int64_t
dice_roll(struct dice *dice, int64_t sides)
{
	return (int64_t)(dice_next(dice) % (uint64_t)sides);
}

/* True in `percent` of a hundred throws. */
static inline bool
dice_chance(struct dice *dice, int percent)
{
	return dice_roll(dice, 100) < percent;
}

/* Dice of their own for a part of the work, so that what another part throws does not change them. */
static inline struct dice
dice_split(struct dice *dice)
{
	return (struct dice){ .state = dice_next(dice) };
}

#endif
