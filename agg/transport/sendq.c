/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a list of blocks. Copies of one path go forward mostly, so a cursor
 * remembers the block of the last one; a copy starts at the nearest cursor before
 * it. (What is sent again is mostly near the head.)
 */
#include "agg/transport/sendq.h"

#include "agg/base/budget.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_TINY 1024u
#define BLOCK_SMALL 4096u   /* with the malloc header and ours: one page */
#define BLOCK_LARGE 16384u  /* small enough for a heap to have them back */
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

static bool is_large(const struct sendq_block *block)
{
	return block->cap == BLOCK_LARGE - BLOCK_HEADER;
}

static struct sendq_block *take_block(struct sendq *q, uint32_t cap)
{
	struct sendq_pool *pool = q->pool;
	struct sendq_block *block = pool ? pool->free : NULL;

	if (block && cap == block->cap) {
		pool->free = block->next;
		pool->count--;
	} else {
		block = malloc(sizeof(*block) + cap);
		if (!block)
			return NULL;
	}
	*block = (struct sendq_block){ .cap = cap };
	budget_force(q->budget, allocated(cap));
	return block;
}

static void give_block(struct sendq *q, struct sendq_block *block)
{
	struct sendq_pool *pool = q->pool;

	budget_give(q->budget, allocated(block->cap));
	if (!pool || pool->count >= SENDQ_POOL_MAX || !is_large(block)) {
		free(block);
		return;
	}
	block->next = pool->free;
	pool->free = block;
	pool->count++;
}

void sendq_pool_finish(struct sendq_pool *pool)
{
	while (pool->free) {
		struct sendq_block *block = pool->free;
		pool->free = block->next;
		free(block);
	}
	pool->count = 0;
}

static void give_list(struct sendq *q, struct sendq_block **list)
{
	while (*list) {
		struct sendq_block *block = *list;
		*list = block->next;
		give_block(q, block);
	}
}

static void drop_head(struct sendq *q)
{
	struct sendq_block *block = q->head;

	q->head = block->next;
	give_block(q, block);
}

void sendq_finish(struct sendq *q)
{
	give_list(q, &q->head);
	give_list(q, &q->spare);
	*q = (struct sendq){ .budget = q->budget, .pool = q->pool };
}

/* A stream that stands still keeps its last block. */
static bool is_scarce(const struct budget *budget)
{
	return budget && budget_left(budget) < budget->max / 4;
}

static uint32_t next_cap(const struct sendq *q)
{
	uint32_t block = q->end < TINY_BELOW ? BLOCK_TINY :
		q->end < SMALL_BELOW || is_scarce(q->budget) ? BLOCK_SMALL :
		BLOCK_LARGE;

	return block - BLOCK_HEADER;
}

static uint32_t tail_room(const struct sendq *q)
{
	return q->tail ? q->tail->cap - q->tail->len : 0;
}

size_t sendq_wants(const struct sendq *q)
{
	return tail_room(q) || q->spare ? 0 : allocated(next_cap(q));
}

int sendq_reserve(struct sendq *q, struct iovec *parts, int max, size_t most)
{
	struct sendq_block **spare = &q->spare;
	uint32_t room = tail_room(q);
	size_t bytes = room;
	int count = 0;

	if (room)
		parts[count++] = (struct iovec){ q->tail->bytes + q->tail->len, room };
	while (count < max && bytes < most) {
		/* Who has said little has little to say. */
		if (!*spare && (!count || q->end >= SMALL_BELOW))
			*spare = take_block(q, next_cap(q));
		if (!*spare)
			break;
		parts[count++] = (struct iovec){ (*spare)->bytes, (*spare)->cap };
		bytes += (*spare)->cap;
		spare = &(*spare)->next;
	}
	return count;
}

/* The first of the spare ones is the tail now. */
static void attach_spare(struct sendq *q)
{
	struct sendq_block *block = q->spare;

	assert(block);
	q->spare = block->next;
	block->next = NULL;
	block->start = q->end;
	if (q->tail)
		q->tail->next = block;
	else
		q->head = block;
	q->tail = block;
}

void sendq_commit(struct sendq *q, size_t n)
{
	while (n) {
		if (!tail_room(q))
			attach_spare(q);
		uint32_t part = tail_room(q) < n ? tail_room(q) : (uint32_t)n;
		q->tail->len += part;
		q->end += part;
		n -= part;
	}
	give_list(q, &q->spare);
}

/* The last block that a copy ended in and that begins no later than there. */
static struct sendq_block *block_before(const struct sendq *q, uint64_t offset)
{
	struct sendq_block *best = q->head;

	for (unsigned i = 0; i < SENDQ_CURSORS; i++) {
		struct sendq_block *block = q->cursor[i];
		if (block && block->start <= offset && block->start > best->start)
			best = block;
	}
	return best;
}

void sendq_copy(struct sendq *q, unsigned cursor, uint64_t offset, uint8_t *to,
                size_t n)
{
	assert(offset >= q->base && offset + n <= q->end);
	struct sendq_block *block = n ? block_before(q, offset) : NULL;

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
