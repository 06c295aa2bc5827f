/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a lane remembers of the frames that it sent, until they are
 * acknowledged: a ring, oldest first, in the order of the wire. Pure.
 */
#ifndef AGG_TRANSPORT_FLIGHTS_H
#define AGG_TRANSPORT_FLIGHTS_H

#include <stdbool.h>
#include <stdint.h>

#define FLIGHTS_MAX 16384u /* frames in flight on a lane */

struct budget;
struct piece;

struct flight {
	uint64_t wire_end;   /* how many bytes the lane had sent behind it */
	uint64_t sent_us;
	struct piece *piece; /* borrowed: DATA; else NULL */
	uint32_t stream;     /* control: whose */
	uint8_t todo;        /* control: what to do again when lost */
	bool first;          /* of the piece's copies */
	bool redone;         /* control: said twice, as one of them was late */
};

struct flights {
	struct budget *budget; /* borrowed: its memory is of it */
	struct flight *ring;   /* a power of two, or 0 */
	uint32_t head, len, cap;
};

void flights_init(struct flights *f, struct budget *budget);
void flights_finish(struct flights *f);
/* 0, or -ENOBUFS: there are too many, or there is no memory. */
int flights_push(struct flights *f, const struct flight *flight);
struct flight flights_pop(struct flights *f); /* the oldest; len > 0 */
/* 0: the oldest. */
static inline struct flight *flights_at(const struct flights *f, uint32_t i)
{
	return &f->ring[(f->head + i) & (f->cap - 1)];
}

#endif
