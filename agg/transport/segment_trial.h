/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: whether datagrams that leave several in a message (UDP_SEGMENT) are spoilt by a
 * path's device, as some are, and nobody tells. Pure. Where many are lost, they leave one
 * by one for a while; if they arrive then, several at once again; and only if those are
 * lost again it stays at one by one, for a day. A link that loses by itself loses all
 * three times. It does not take much: a path that loses is given little, and of that few
 * leave together.
 */
#ifndef AGG_TRANSPORT_SEGMENT_TRIAL_H
#define AGG_TRANSPORT_SEGMENT_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#define SEGMENT_TRIAL_PACKETS 50u      /* that a verdict takes, at least, */
#define SEGMENT_TRIAL_US 1000000u      /* and so long */
#define SEGMENT_TRIAL_LOST 5u          /* percent: many, */
#define SEGMENT_TRIAL_LOST_MIN 5u      /* if they are so many packets */
#define SEGMENT_TRIAL_SETTLE_US 500000u /* what left before a change is not counted */
#define SEGMENT_TRIAL_REST_US 60000000u /* after one that found nothing */
#define SEGMENT_TRIAL_OFF_US 86400000000u

enum segment_trial_state {
	SEGMENT_TRIAL_NONE,   /* several at once */
	SEGMENT_TRIAL_SINGLY, /* one by one, to see */
	SEGMENT_TRIAL_AGAIN,  /* several at once, to be sure */
	SEGMENT_TRIAL_OFF,    /* one by one */
};

/* Zeroed: nothing is known. */
struct segment_trial {
	enum segment_trial_state state;
	uint64_t since_us;    /* this window's begin; before it nothing is counted */
	uint64_t until_us;    /* rest, or off */
	uint64_t counter, packets; /* as they were then */
	unsigned lost_percent; /* of the first window */
};

/* The receiver has heard of that counter, and has got so many packets in all: as of late.
 * Fewer than before is another receiver. */
void segment_trial_note(struct segment_trial *t, uint64_t counter, uint64_t packets,
                        uint64_t now_us);
/* One by one now? */
static inline bool segment_trial_is_single(const struct segment_trial *t)
{
	return t->state == SEGMENT_TRIAL_SINGLY || t->state == SEGMENT_TRIAL_OFF;
}

#endif
