/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which bytes of a stream were never sent. The fast paths take from the
 * head, in order; a slow path may take some that are needed later, and leaves
 * a hole in what is left: ranges, in order of offset, of which the last goes on
 * as the owner writes. Each path remembers where it took last, so that no
 * search starts at the head.
 */
#ifndef AGG_TRANSPORT_UNSENT_H
#define AGG_TRANSPORT_UNSENT_H

#include <stddef.h>
#include <stdint.h>

#define UNSENT_CURSORS 10u      /* one a path */
#define UNSENT_RANGES_MAX 8192u /* then nothing is taken out of order */

struct budget;
struct piece;

struct unsent_range {
	uint64_t from, to;      /* to of the last: UINT64_MAX */
	struct piece *before;   /* borrowed: the sent one that ends at from; NULL:
	                         * it is acknowledged, or there was none */
	struct unsent_range *prev, *next;
};

struct unsent {
	struct unsent_range last;   /* of the list, always there */
	struct unsent_range *first; /* NULL: it is the last */
	struct unsent_range *cursor[UNSENT_CURSORS]; /* NULL: at the first */
	uint64_t inner_bytes;       /* of all but the last */
	unsigned count;             /* besides the last */
	struct budget *budget;      /* borrowed; what is allocated is of it */
};

/* Zeroed memory is a stream of which nothing was sent. */
struct unsent_range *unsent_first(struct unsent *u);
/* The least offset that was never sent. */
uint64_t unsent_head(const struct unsent *u);
/* Of those below end, which is the end of what was written. */
uint64_t unsent_bytes(const struct unsent *u, uint64_t end);
/* The first range with bytes at or behind offset, for a path. */
struct unsent_range *unsent_find(struct unsent *u, unsigned path, uint64_t offset);
/* Where the last len bytes below end begin, that were never sent and are in one
 * range; there is one. */
uint64_t unsent_tail(const struct unsent *u, uint64_t end, uint32_t len);
/* [offset, offset + len) of a range are sent now, with piece. What remains of the
 * range, or the next one, goes on behind it. -ENOMEM, -ENOSPC: nothing was taken;
 * never at the begin of a range. */
int unsent_take(struct unsent *u, struct unsent_range *range, uint64_t offset,
                uint32_t len, struct piece *piece);
/* The oldest piece of the stream is no longer. */
void unsent_released(struct unsent *u, const struct piece *piece);
/* As if nothing had been written and sent; the budget stays. */
void unsent_finish(struct unsent *u);

#endif
