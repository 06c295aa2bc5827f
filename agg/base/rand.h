/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a seeded generator for jitter, tests and simulations, not for secrets.
 * SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): any seed is a good one.
 */
#ifndef AGG_BASE_RAND_H
#define AGG_BASE_RAND_H

#include <stdint.h>

struct rand {
	uint64_t state; /* the seed, at first */
};

uint64_t rand_u64(struct rand *r);
uint64_t rand_below(struct rand *r, uint64_t n); /* 0 .. n-1; n > 0 */
double rand_unit(struct rand *r);                /* 0 <= x < 1 */

#endif
