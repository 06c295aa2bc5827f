/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see segments.h. A block is a sixteenth of the window, so that a small
 * window costs little, within bounds that keep both the number of blocks and
 * the two that are filled in part small. Everything goes when the last byte is
 * taken; the next window may have blocks of another size.
 */
#include "agg/transport/segments.h"

#include "agg/base/budget.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SHIFT_MIN 8u
#define SHIFT_MAX 15u
#define BLOCKS_PER_WINDOW 16u
#define RING_MIN 16u

struct segments_block {
	uint64_t number;
	uint32_t count;  /* of the bytes that were put */
	uint32_t end;    /* of the last of them; the bits behind are not made yet */
	uint64_t have[]; /* a bit for each byte, then the bytes */
};

static uint32_t shift_for(uint64_t window)
{
	uint32_t shift = SHIFT_MIN;

	while (shift < SHIFT_MAX &&
	       UINT64_C(1) << (shift + 1) <= window / BLOCKS_PER_WINDOW)
		shift++;
	return shift;
}

static size_t block_bytes(uint32_t shift)
{
	size_t bytes = (size_t)1 << shift;

	return sizeof(struct segments_block) + bytes / 8 + bytes;
}

size_t segments_cost(uint64_t window)
{
	uint32_t shift = shift_for(window);
	size_t blocks = (size_t)(window >> shift) + 2; /* both ends in part */

	return blocks * (block_bytes(shift) + BUDGET_MALLOC_BYTES +
	                 2 * sizeof(void *));
}

static uint8_t *bytes_of(const struct segments *q, struct segments_block *block)
{
	return (uint8_t *)(block->have + ((size_t)1 << q->shift) / 64);
}

static struct segments_block *block_at(const struct segments *q, uint64_t at)
{
	uint64_t number = at >> q->shift;

	if (!q->cap)
		return NULL;
	struct segments_block *block = q->ring[number & (q->cap - 1)];
	return block && block->number == number ? block : NULL;
}

static void free_block(struct segments *q, struct segments_block *block)
{
	q->ring[block->number & (q->cap - 1)] = NULL;
	q->held -= block_bytes(q->shift) + BUDGET_MALLOC_BYTES;
	free(block);
}

void segments_finish(struct segments *q)
{
	for (uint32_t i = 0; i < q->cap; i++)
		if (q->ring[i])
			free_block(q, q->ring[i]);
	free(q->ring);
	*q = (struct segments){ 0 };
}

/* A ring that has a place for each of that many blocks in a row. */
static int grow_ring(struct segments *q, uint64_t blocks)
{
	uint32_t cap = q->cap ? q->cap : RING_MIN;

	while (cap < blocks)
		cap *= 2;
	if (cap == q->cap)
		return 0;
	struct segments_block **ring = calloc(cap, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	for (uint32_t i = 0; i < q->cap; i++)
		if (q->ring[i])
			ring[q->ring[i]->number & (cap - 1)] = q->ring[i];
	free(q->ring);
	q->held += (cap - q->cap) * sizeof(*ring);
	q->ring = ring;
	q->cap = cap;
	return 0;
}

static struct segments_block *make_block(struct segments *q, uint64_t at)
{
	struct segments_block *block = malloc(block_bytes(q->shift));

	if (!block)
		return NULL;
	block->number = at >> q->shift;
	block->count = block->end = 0;
	q->ring[block->number & (q->cap - 1)] = block;
	q->held += block_bytes(q->shift) + BUDGET_MALLOC_BYTES;
	return block;
}

/* The bits from .. to of the word w of a row of them. */
static uint64_t mask_of(size_t w, size_t from, size_t to)
{
	uint64_t mask = UINT64_MAX;

	if (w == from / 64)
		mask &= UINT64_MAX << from % 64;
	if (w == (to - 1) / 64)
		mask &= UINT64_MAX >> (63 - (to - 1) % 64);
	return mask;
}

static size_t count_word(uint64_t word)
{
	return word == UINT64_MAX ? 64 : (size_t)__builtin_popcountll(word);
}

/* How many bytes from .. to of a block are there. */
static size_t count_bytes(const struct segments_block *block, size_t from,
                          size_t to)
{
	size_t set = 0;

	if (to > block->end)
		to = block->end;
	for (size_t w = from / 64; from < to && w <= (to - 1) / 64; w++)
		set += count_word(mask_of(w, from, to) & block->have[w]);
	return set;
}

static void set_bits(uint64_t *words, size_t from, size_t to)
{
	size_t first = from / 64, last = (to - 1) / 64;

	words[first] |= mask_of(first, from, to);
	if (last > first)
		words[last] |= mask_of(last, from, to);
	if (last > first + 1)
		memset(words + first + 1, 0xff, (last - first - 1) * sizeof(*words));
}

/* Bytes from .. to of it are there now; how many were not. Most come in order: of
 * those that lie behind all others nothing needs to be counted. */
static size_t add_bytes(struct segments_block *block, size_t from, size_t to)
{
	size_t fresh = to - from - count_bytes(block, from, to);
	size_t valid = (block->end + 63) / 64, wanted = (to + 63) / 64;

	if (wanted > valid)
		memset(block->have + valid, 0, (wanted - valid) * sizeof(uint64_t));
	if (to > block->end)
		block->end = (uint32_t)to;
	set_bits(block->have, from, to);
	block->count += (uint32_t)fresh;
	return fresh;
}

ssize_t segments_put(struct segments *q, uint64_t base, uint64_t window,
                     uint64_t offset, const uint8_t *p, size_t n)
{
	size_t fresh = 0;

	if (!q->bytes)
		q->shift = shift_for(window);
	uint64_t blocks = ((offset + n - 1) >> q->shift) - (base >> q->shift) + 1;
	if (grow_ring(q, blocks) < 0)
		return -ENOMEM;
	while (n) {
		size_t at = offset & (((size_t)1 << q->shift) - 1);
		size_t part = ((size_t)1 << q->shift) - at;
		struct segments_block *block = block_at(q, offset);
		if (!block && !(block = make_block(q, offset)))
			return -ENOMEM;
		if (part > n)
			part = n;
		memcpy(bytes_of(q, block) + at, p, part);
		size_t new_here = add_bytes(block, at, at + part);
		q->bytes += new_here;
		fresh += new_here;
		offset += part;
		p += part;
		n -= part;
	}
	return (ssize_t)fresh;
}

/* How many bits are set in a row; those behind `to` are not, or not there. */
static size_t run_length(const uint64_t *words, size_t from, size_t to)
{
	for (size_t w = from / 64; w < (to + 63) / 64; w++) {
		uint64_t holes = ~words[w];
		if (w == from / 64)
			holes &= UINT64_MAX << from % 64;
		if (holes)
			return w * 64 + (size_t)__builtin_ctzll(holes) - from;
	}
	return to - from;
}

size_t segments_peek(const struct segments *q, uint64_t at, const uint8_t **p)
{
	struct segments_block *block = block_at(q, at);
	size_t bytes = (size_t)1 << q->shift, from = at & (bytes - 1);

	if (!block)
		return 0;
	*p = bytes_of(q, block) + from;
	if (block->count == bytes)
		return bytes - from;
	return from < block->end ? run_length(block->have, from, block->end) : 0;
}

bool segments_has(const struct segments *q, uint64_t at)
{
	const struct segments_block *block = block_at(q, at);
	size_t bit = at & (((size_t)1 << q->shift) - 1);

	return block && bit < block->end && block->have[bit / 64] >> bit % 64 & 1;
}

size_t segments_release(struct segments *q, uint64_t from, uint64_t to)
{
	size_t bytes = (size_t)1 << q->shift, were = 0;

	while (from < to && q->bytes) {
		struct segments_block *block = block_at(q, from);
		uint64_t end = (from | (bytes - 1)) + 1;
		if (end > to)
			end = to;
		if (block) {
			size_t n = (size_t)(end - from);
			if (block->count < bytes)
				n = count_bytes(block, from & (bytes - 1),
				                (from & (bytes - 1)) + n);
			were += n;
			q->bytes -= n;
			if (!(end & (bytes - 1)))
				free_block(q, block);
		}
		from = end;
	}
	if (!q->bytes)
		segments_finish(q);
	return were;
}
