/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: bytes of a stream that arrived and were not taken yet, in any order,
 * doubled and overlapping. Pure. They lie in blocks at their offset, with a bit
 * for each byte that is there: so what a window of them costs is known before,
 * however small the parts are in which it is filled, and putting n bytes costs
 * a copy and n / 64 words, wherever they belong.
 */
#ifndef AGG_TRANSPORT_SEGMENTS_H
#define AGG_TRANSPORT_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct segments_block;

/* Zeroed: empty. */
struct segments {
	struct segments_block **ring; /* by the block's number */
	uint32_t cap;   /* of the ring: a power of two, or 0 */
	uint32_t shift; /* a block is 1 << shift bytes, while there is one */
	uint64_t bytes; /* there */
	size_t held;    /* allocated for them */
};

void segments_finish(struct segments *q);
/* What any filling of a window of so many bytes allocates at most. */
size_t segments_cost(uint64_t window);
/* Puts n > 0 bytes at an offset from `base` on, of which all is taken below;
 * window: how far it may reach at most, by which the blocks are made. How many
 * of the bytes are new; -ENOMEM: the rest of them was not put. */
ssize_t segments_put(struct segments *q, uint64_t base, uint64_t window,
                     uint64_t offset, const uint8_t *p, size_t n);
bool segments_has(const struct segments *q, uint64_t at); /* this byte */
/* The bytes from an offset on that are there without a hole, or a part of
 * them; 0: none. */
size_t segments_peek(const struct segments *q, uint64_t at, const uint8_t **p);
/* All from `from` up to `to` is taken, there or not: how many bytes of it were. */
size_t segments_release(struct segments *q, uint64_t from, uint64_t to);

#endif
