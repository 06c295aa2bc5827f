/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see budget.h.
 */
#include "agg/base/budget.h"

#include <assert.h>

void budget_init(struct budget *b, uint64_t max, struct budget *parent)
{
	*b = (struct budget){ .max = max, .parent = parent };
}

uint64_t budget_left(const struct budget *b)
{
	uint64_t left = UINT64_MAX;

	for (; b; b = b->parent) {
		uint64_t here = b->used < b->max ? b->max - b->used : 0;
		if (here < left)
			left = here;
	}
	return left;
}

void budget_force(struct budget *b, uint64_t n)
{
	for (; b; b = b->parent) {
		b->used += n;
		if (b->used > b->peak)
			b->peak = b->used;
	}
}

bool budget_take(struct budget *b, uint64_t n)
{
	if (n > budget_left(b))
		return false;
	budget_force(b, n);
	return true;
}

void budget_give(struct budget *b, uint64_t n)
{
	for (; b; b = b->parent) {
		assert(n <= b->used);
		b->used -= n;
	}
}

bool budget_fell(struct budget *b, uint64_t least)
{
	if (b->used > b->peak / 2 || b->peak - b->used < least)
		return false;
	b->peak = b->used;
	return true;
}
