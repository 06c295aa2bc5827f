/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the bytes of a stream's sending half, from the first that is not yet
 * acknowledged to the last that was written, addressed by stream offset.
 * Blocks are small for a stream that has said little. Those of a busy one go round
 * by a pool.
 */
#ifndef AGG_TRANSPORT_SENDQ_H
#define AGG_TRANSPORT_SENDQ_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define SENDQ_CURSORS 10u
#define SENDQ_POOL_MAX 64u /* blocks kept for reuse: 1 MiB */

struct budget;
struct sendq_block;

/* Large blocks of which nothing is used, for all queues that share it. Zeroed:
 * empty. */
struct sendq_pool {
	struct sendq_block *free;
	unsigned count;
};

void sendq_pool_finish(struct sendq_pool *pool); /* it may be used again */

struct sendq {
	struct sendq_block *head, *tail;
	struct sendq_block *spare; /* reserved behind the tail, not committed */
	/* Where the last copy ended, of each reader: one a path. */
	struct sendq_block *cursor[SENDQ_CURSORS];
	uint64_t base, end;         /* held: base .. end */
	struct budget *budget;      /* borrowed; what is allocated is of it */
	struct sendq_pool *pool;    /* borrowed; NULL: none */
};

/* The budget and the pool stay. */
void sendq_finish(struct sendq *q);
/* What sendq_reserve() would allocate now. */
size_t sendq_wants(const struct sendq *q);
/* Memory behind the end, as parts in order: up to max of them, with `most` bytes
 * or as little more as the last part brings. How many; 0: no memory. */
int sendq_reserve(struct sendq *q, struct iovec *parts, int max, size_t most);
/* The first n bytes of what was reserved last are filled; the rest is given back. */
void sendq_commit(struct sendq *q, size_t n);
/* Copies base <= offset, offset + n <= end. */
void sendq_copy(struct sendq *q, unsigned cursor, uint64_t offset, uint8_t *to,
                size_t n);
/* Forgets all below offset. */
void sendq_release(struct sendq *q, uint64_t offset);

#endif
