/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: SplitMix64, with the constants of its reference implementation.
 */
#include "agg/base/rand.h"

uint64_t rand_u64(struct rand *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

uint64_t rand_below(struct rand *r, uint64_t n)
{
	return rand_u64(r) % n; /* the bias is below n / 2^64 */
}

double rand_unit(struct rand *r)
{
	return (double)(rand_u64(r) >> 11) * 0x1p-53;
}
