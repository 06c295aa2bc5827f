/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: congestion control of a simulated connection: how many segments may be
 * on the path, and, where it paces, how fast they leave. What it looks at and
 * changes are the fields of struct tcp that are marked so.
 */
#ifndef SCHEDULER_SIM_CC_H
#define SCHEDULER_SIM_CC_H

#include <stdbool.h>
#include <stdint.h>

#define CC_STATE_BYTES 256u

struct tcp;

/* What an acknowledgement told: RFC draft-cheng-iccrg-delivery-rate-
 * estimation's sample, counted in segments. */
struct cc_ack {
	int64_t interval_us;      /* that delivered took; <= 0: no sample */
	uint32_t delivered;
	int64_t rtt_us;           /* of the last segment acknowledged; < 0: none */
	uint32_t acked, lost;     /* by this acknowledgement; SACK counts */
	uint32_t flight_before;
	uint32_t delivered_before; /* when the sampled segment was sent */
	bool app_limited, maybe_delayed;
};

struct cc_ops {
	const char *name;
	/* It sets tcp.cwnd and tcp.pacing_bps at each acknowledgement itself,
	 * in recovery too; and is not restarted after idleness. */
	bool controls;
	void (*init)(struct tcp *t);
	void (*on_ack)(struct tcp *t, const struct cc_ack *ack);
	/* A loss: the threshold from now on, segments. */
	uint32_t (*ssthresh)(struct tcp *t);
	/* (optional) All was lost: a timeout. */
	void (*on_timeout)(struct tcp *t);
	/* (optional) The first segment after all was acknowledged leaves. */
	void (*on_start)(struct tcp *t);
	/* (optional) Segments sent at once at the least; 2 without. */
	uint32_t (*burst_min)(const struct tcp *t);
	/* (optional) Its own estimate, bytes/s; 0: not known. */
	uint64_t (*rate_bps)(const struct tcp *t);
};

extern const struct cc_ops *const cc_all[];
extern const unsigned cc_count;
const struct cc_ops *cc_find(const char *name); /* NULL: no such */

extern const struct cc_ops cc_cubic;
extern const struct cc_ops cc_bbr;

#endif
