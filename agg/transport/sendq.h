/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the bytes of a stream's sending half, from the first that is not yet
 * acknowledged to the last that was written, addressed by stream offset.
 * Blocks are small for a stream that has said little.
 */
#ifndef AGG_TRANSPORT_SENDQ_H
#define AGG_TRANSPORT_SENDQ_H

#include <stddef.h>
#include <stdint.h>

#define SENDQ_CURSORS 10u

struct budget;
struct sendq_block;

struct sendq {
	struct sendq_block *head, *tail;
	/* Where the last copy ended, of each reader: one a path. */
	struct sendq_block *cursor[SENDQ_CURSORS];
	uint64_t base, end;         /* held: base .. end */
	struct budget *budget;      /* borrowed; what is allocated is of it */
};

/* The budget stays. */
void sendq_finish(struct sendq *q);
/* What sendq_reserve() would allocate now. */
size_t sendq_wants(const struct sendq *q);
/* Memory behind the end: *n is set to how much, >= 1. NULL: no memory. */
uint8_t *sendq_reserve(struct sendq *q, size_t *n);
void sendq_commit(struct sendq *q, size_t n);
/* Copies base <= offset, offset + n <= end. */
void sendq_copy(struct sendq *q, unsigned cursor, uint64_t offset, uint8_t *to,
                size_t n);
/* Forgets all below offset. */
void sendq_release(struct sendq *q, uint64_t offset);

#endif
