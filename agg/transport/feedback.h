/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the receiver of a path's datagrams tells their sender, both sides of
 * it. Pure. Counts are of all that ever came, so that a feedback that is lost
 * takes nothing with it; delays are of two clocks, so that only their
 * differences mean anything: in time, and between paths of one peer.
 */
#ifndef AGG_TRANSPORT_FEEDBACK_H
#define AGG_TRANSPORT_FEEDBACK_H

#include "agg/transport/datagram.h"
#include "agg/transport/tunnel_rate.h"

#define FEEDBACK_SAMPLES 64u /* of delay, of what came since the last one */

/* The receiver's side of a path. Zeroed: nothing has come. */
struct feedback {
	uint32_t epoch;                       /* of the newest key */
	uint64_t largest, largest_us, before; /* counter, when it came; of that key */
	uint32_t packets, bytes;              /* ever */
	uint16_t ce;
	/* since it was told last */
	uint64_t untold_us;                   /* the first came; 0: none */
	uint64_t told_us;
	uint16_t delays[FEEDBACK_SAMPLES];
	uint16_t count, every, passed;        /* one of `every` is sampled */
	uint16_t least;
};

/* A datagram that was good. */
struct feedback_came {
	uint32_t epoch;
	uint64_t counter;
	uint16_t sent;       /* its send time */
	uint32_t bytes;      /* as the sender counts them */
	bool ce;             /* the network marked it */
	bool asks;           /* carries something: its sender wants to hear of it */
};
void feedback_note(struct feedback *f, const struct feedback_came *came,
                   uint64_t now_us);
/* When to tell; UINT64_MAX: there is nothing to. srtt_us and back_bps are of the way
 * back; 0: not known. */
uint64_t feedback_due_us(const struct feedback *f, uint64_t srtt_us,
                         uint64_t back_bps);
/* All but the path. */
void feedback_tell(struct feedback *f, struct datagram_feedback *out,
                   uint64_t now_us);

/* The sender's side of a path. Zeroed: nothing was heard. */
struct feedback_heard {
	bool any;
	uint64_t largest, packets, bytes, told_us;
	int64_t delay;               /* DATAGRAM_TIME_US */
	uint16_t ce;
};

/* False: it is older than what is known, or of what was never sent. sent is the largest
 * counter that was with the key it tells of, base what was before that key: counters
 * of one key after the other are one row. */
bool feedback_hear(struct feedback_heard *h, const struct datagram_feedback *f,
                   uint64_t base, uint64_t sent, struct rate_news *out);
/* By how much one path's delay is longer than another's of the same peer. */
int64_t feedback_longer_us(int64_t delay_us, int64_t other_us);

#endif
