/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a share of memory, in bytes, and what is used of it. Shares form a tree:
 * what is taken from one is taken from all above it too, so that the limits
 * below may be more in sum than the limit above. Pure. Counted is what is
 * allocated, with its header and slack, or what was promised.
 */
#ifndef AGG_BASE_BUDGET_H
#define AGG_BASE_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What malloc adds to a block, rounding included, on 64 bit. */
#define BUDGET_MALLOC_BYTES 16u

struct budget {
	uint64_t used, max;
	uint64_t peak;         /* of used, since budget_fell() was true */
	struct budget *parent; /* borrowed; outlives it; NULL: none */
};

/* A NULL budget is nobody's: it has no limit. */
void budget_init(struct budget *b, uint64_t max, struct budget *parent);
/* Takes n bytes here and above, or none: false. */
bool budget_take(struct budget *b, uint64_t n);
/* Takes n bytes over the limit, if need be: what must be, and is small. */
void budget_force(struct budget *b, uint64_t n);
void budget_give(struct budget *b, uint64_t n);
/* What may still be taken; 0 where more was forced than there is. */
uint64_t budget_left(const struct budget *b);
/* True once when use has fallen to half of its peak, and by `least` bytes: the
 * system may have the rest back. */
bool budget_fell(struct budget *b, uint64_t least);

#endif
