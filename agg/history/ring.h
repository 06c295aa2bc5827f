/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: bytes over time, in slots of one length: a ring of those that are over, and the
 * open one. Pure.
 *
 * A slot is the time since 1970 divided by its length, in UTC: no slot is longer
 * than others, and none comes twice. The open one is counted exactly; one that is over
 * is kept in 16 bits a number, within a thousandth, so that what a month takes is
 * little. Where nothing was, there is no memory.
 */
#ifndef AGG_HISTORY_RING_H
#define AGG_HISTORY_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ring_level { RING_SECONDS, RING_MINUTES, RING_HOURS, RING_DAYS };
#define RING_LEVELS (RING_DAYS + 1)

struct ring_shape {
	const char *name; /* "seconds" */
	unsigned step_s, slots;
};
extern const struct ring_shape ring_shapes[RING_LEVELS]; /* by enum ring_level */

/* What is counted in a moment. */
struct ring_sample {
	uint64_t down_bytes, up_bytes;
	uint32_t rtt_us;              /* 0: not measured */
	uint64_t sent_bytes, again_bytes; /* for the loss */
};

/* What a slot has. */
struct ring_value {
	uint64_t down_bytes, up_bytes;
	uint32_t rtt_us;   /* the mean; 0: not known */
	uint32_t loss_ppm; /* of what was sent, sent again */
};

struct ring {
	uint8_t level;     /* enum ring_level */
	bool has_quality;  /* rtt and loss are kept */
	uint64_t slot;     /* the open one; 0: none yet */
	uint64_t busy;     /* the last one that is over and has bytes */
	struct {
		uint64_t down_bytes, up_bytes, rtt_us, rtts, sent_bytes, again_bytes;
	} open;
	uint16_t *over;    /* numbers of each slot; NULL: nothing in any */
};

void ring_init(struct ring *r, enum ring_level level, bool has_quality);
void ring_finish(struct ring *r);

/* It is that time; slots in between have nothing. A time before the open slot: none. */
void ring_go(struct ring *r, uint64_t now_s);
/* Into the open slot. */
void ring_add(struct ring *r, const struct ring_sample *s);
/* What was counted before now, later than now, was the clock's mistake: it is now's. */
void ring_go_back(struct ring *r, uint64_t now_s);

/* False: it is later than the open one, or too old. */
bool ring_get(const struct ring *r, uint64_t slot, struct ring_value *out);
bool ring_is_nothing(const struct ring_value *v);
/* Adds to a slot, as ring_get() had it; one that is later becomes the open one, and
 * one that is too old is nothing. */
void ring_put(struct ring *r, uint64_t slot, const struct ring_value *v);
/* All of the other's. */
void ring_join(struct ring *r, const struct ring *other);
/* The oldest slot that has something; the open one if none has. */
uint64_t ring_first(const struct ring *r);
/* Of all slots. */
void ring_total(const struct ring *r, struct ring_value *out);
size_t ring_bytes(const struct ring *r); /* of memory, beside itself */

/* A number in 16 bits: below 1024 it is exact. */
uint16_t ring_pack(uint64_t n);
uint64_t ring_unpack(uint16_t packed);

#endif
