/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a path's control inside of the tunnel: what feedback is due to the peer, and what
 * the peer's says of what we sent. All datagrams of a path are one row of counters here,
 * whatever key they were sealed with.
 */
#ifndef AGG_TRANSPORT_TUNNEL_CONTROL_H
#define AGG_TRANSPORT_TUNNEL_CONTROL_H

#include "agg/transport/feedback.h"
#include "agg/transport/tunnel_impl.h"

/* IPv4 and UDP in front of each datagram. */
#define TUNNEL_WIRE_BYTES 28u
/* Feedback rides on what leaves so long before it is due. */
#define TUNNEL_FEEDBACK_EARLY_US 2000u

struct tunnel_control {
	struct tunnel_rate rate;
	struct feedback_heard heard;
	struct feedback told;
	uint64_t own_bytes, own_bps; /* sent in all; and of late, that arrived */
	bool suspect;        /* what was sent is not told of, and should be */
	/* Of the key in use, and the one before: the counters before it, the last. */
	struct tunnel_row { uint32_t epoch; uint64_t base, last; } rows[2];
};

/* A path's begins with the first datagram that leaves or comes there. */
void tunnel_control_finish(struct tunnel *t);

/* A datagram of n bytes has left. */
void tunnel_control_sent(struct tunnel *t, unsigned path, uint64_t counter, size_t n,
                         bool asks);
/* One was good; and when it came. */
void tunnel_control_came(struct tunnel *t, unsigned path,
                         const struct feedback_came *came, uint64_t at_us);
/* It waited so long for us. */
void tunnel_control_feedback(struct tunnel *t, const struct datagram_feedback *f,
                             uint64_t waited_us);
/* Something came back of what was sent there. */
void tunnel_control_answered(struct tunnel *t, unsigned path);
/* It is another path now. */
void tunnel_control_renew(struct tunnel *t, unsigned path);

/* Feedback is due, and goes into this datagram: writes it. */
bool tunnel_control_adds(struct tunnel *t, unsigned path, struct datagram *d);
/* Feedback that found no datagram goes alone; what is silent becomes suspect. */
void tunnel_control_turn(struct tunnel *t);
uint64_t tunnel_control_deadline(const struct tunnel *t);
/* What was sent there is not told of: only an echo, or news of it, ends that. */
bool tunnel_control_is_suspect(const struct tunnel *t, unsigned path);
/* Packets go there: it works, and is not suspect while another is not. */
bool tunnel_control_is_usable(const struct tunnel *t, unsigned path);

#endif
