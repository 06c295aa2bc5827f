/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how much of what is real time goes twice: so much that a call does, and so little
 * that nobody's link is filled by copies. Pure.
 */
#ifndef AGG_TRANSPORT_TUNNEL_COPY_H
#define AGG_TRANSPORT_TUNNEL_COPY_H

#include <stdbool.h>
#include <stdint.h>

#define COPY_FLOW_BPS 32000u     /* bytes/s of a flow: 256 kbit/s */
#define COPY_PATH_PART 10u       /* and of a path's rate, this part */
#define COPY_PATH_MIN_BPS 16000u /* but a call, whatever is known of the path */
#define COPY_BURST_US 1000000u   /* what was not used up for so long */

/* Bytes that may go; zeroed: what a second gives. */
struct copy_budget {
	uint64_t at_us;  /* 0: nothing went yet */
	uint64_t bytes;  /* left then */
};

uint64_t copy_path_bps(uint64_t rate_bps);
/* May so many bytes go at that rate? Then they are taken off both. */
bool copy_take(struct copy_budget *flow, struct copy_budget *path, uint64_t path_bps,
               uint32_t bytes, uint64_t now_us);

#endif
