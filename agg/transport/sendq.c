/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a list of blocks. Copies of one path go forward mostly, so a cursor
 * remembers the block of the last one; only what is sent again starts from the
 * head.
 */
#include "agg/transport/sendq.h"

#include "agg/base/budget.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_TINY 1024u
#define BLOCK_SMALL 4096u   /* with the malloc header and ours: one page */
#define BLOCK_LARGE 65536u
#define TINY_BELOW 1900u    /* offsets below are kept in tiny blocks, */
#define SMALL_BELOW 16384u  /* and these in small ones */
#define BLOCK_HEADER 48u

struct sendq_block {
	struct sendq_block *next; /* sendq.head */
	uint64_t start;           /* offset of bytes[0] */
	uint32_t len, cap;
	uint8_t bytes[];
};

static size_t allocated(uint32_t cap)
{
	return sizeof(struct sendq_block) + cap + BUDGET_MALLOC_BYTES;
}

static void drop_head(struct sendq *q)
{
	struct sendq_block *block = q->head;

	q->head = block->next;
	budget_give(q->budget, allocated(block->cap));
	free(block);
}

void sendq_finish(struct sendq *q)
{
	while (q->head)
		drop_head(q);
	*q = (struct sendq){ .budget = q->budget };
}

/* A stream that stands still keeps its last block. */
static bool is_scarce(const struct budget *budget)
{
	return budget && budget_left(budget) < budget->max / 2;
}

static uint32_t next_cap(const struct sendq *q)
{
	uint32_t block = q->end < TINY_BELOW ? BLOCK_TINY :
		q->end < SMALL_BELOW || is_scarce(q->budget) ? BLOCK_SMALL :
		BLOCK_LARGE;

	return block - BLOCK_HEADER;
}

size_t sendq_wants(const struct sendq *q)
{
	bool room = q->tail && q->tail->len < q->tail->cap;

	return room ? 0 : allocated(next_cap(q));
}

uint8_t *sendq_reserve(struct sendq *q, size_t *n)
{
	struct sendq_block *tail = q->tail;

	if (!tail || tail->len == tail->cap) {
		uint32_t cap = next_cap(q);
		struct sendq_block *block = malloc(sizeof(*block) + cap);
		if (!block)
			return NULL;
		*block = (struct sendq_block){ .start = q->end, .cap = cap };
		budget_force(q->budget, allocated(cap));
		if (tail)
			tail->next = block;
		else
			q->head = block;
		tail = q->tail = block;
	}
	*n = tail->cap - tail->len;
	return tail->bytes + tail->len;
}

void sendq_commit(struct sendq *q, size_t n)
{
	assert(q->tail && n <= q->tail->cap - q->tail->len);
	q->tail->len += (uint32_t)n;
	q->end += n;
}

void sendq_copy(struct sendq *q, unsigned cursor, uint64_t offset, uint8_t *to,
                size_t n)
{
	struct sendq_block *block = q->cursor[cursor];

	assert(offset >= q->base && offset + n <= q->end);
	if (!block || offset < block->start)
		block = q->head;
	while (n) {
		while (offset >= block->start + block->len)
			block = block->next;
		size_t at = offset - block->start;
		size_t part = block->len - at < n ? block->len - at : n;
		memcpy(to, block->bytes + at, part);
		to += part;
		offset += part;
		n -= part;
		q->cursor[cursor] = block;
	}
}

void sendq_release(struct sendq *q, uint64_t offset)
{
	assert(offset >= q->base && offset <= q->end);
	q->base = offset;
	while (q->head && q->head->start + q->head->len <= offset &&
	       (q->head->next || q->head->len == q->head->cap || offset == q->end)) {
		if (q->tail == q->head)
			q->tail = NULL;
		for (unsigned i = 0; i < SENDQ_CURSORS; i++)
			if (q->cursor[i] == q->head)
				q->cursor[i] = NULL;
		drop_head(q);
	}
}
