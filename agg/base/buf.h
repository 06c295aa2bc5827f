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
