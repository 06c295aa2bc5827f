/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a byte queue with a limit: put at the end, take from the front. Memory
 * grows by doubling up to max and is given back when the queue runs empty
 * after having been large.
 */
#ifndef AGG_BASE_BUF_H
#define AGG_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#define BUF_KEEP_DEFAULT 4096

struct budget;

struct buf {
	uint8_t *data;
	size_t off, len; /* the bytes are data[off .. off + len) */
	size_t cap, max;
	size_t keep; /* a queue that ran empty keeps no more; may be set */
	struct budget *budget; /* borrowed; see buf_set_budget */
};

void buf_init(struct buf *b, size_t max);
void buf_finish(struct buf *b);

/* From now on the memory is of that budget, and grows only as far as it has some
 * left; NULL: of none. It outlives the queue, or is taken back. */
void buf_set_budget(struct buf *b, struct budget *budget);

/* The first byte; of an empty queue, of no meaning. */
static inline uint8_t *buf_head(const struct buf *b)
{
	return b->len ? b->data + b->off : b->data;
}
static inline size_t buf_space(const struct buf *b) { return b->max - b->len; }

/* Memory that queues pass on to each other while they are empty: many quiet ones
 * need little then, and who is busy finds it in the cache. All 0: none yet. */
#define BUF_SPARES_MAX 8
struct buf_spares {
	unsigned count;
	struct {
		uint8_t *data;
		size_t cap;
	} of[BUF_SPARES_MAX];
};
/* A queue without memory takes what was returned last, if its budget has as much
 * left. */
void buf_borrow(struct buf *b, struct buf_spares *spares);
/* A queue that is empty, and not reserved, gives its memory. */
void buf_return(struct buf *b, struct buf_spares *spares);
void buf_spares_finish(struct buf_spares *spares); /* they may come again */

/* Room for n more bytes behind the last: a pointer to write to, then
 * buf_added(n). NULL: past max, or no memory, or not so much of the budget. */
uint8_t *buf_reserve(struct buf *b, size_t n);
void buf_added(struct buf *b, size_t n);
int buf_put(struct buf *b, const void *p, size_t n); /* 0, -ENOBUFS */
void buf_take(struct buf *b, size_t n);              /* drops the first n */
/* Appends text, without the NUL. 0, or -ENOBUFS and nothing is appended. */
int buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
