/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the two files of tunnel_rate.h share with each other and nobody else.
 */
#ifndef AGG_TRANSPORT_TUNNEL_RATE_IMPL_H
#define AGG_TRANSPORT_TUNNEL_RATE_IMPL_H

#include "agg/transport/tunnel_rate.h"

#define S_US UINT64_C(1000000)
#define MS_US UINT64_C(1000)
#define WINDOW_MIN_US (40 * MS_US)
#define GAP_MAX_US (100 * MS_US) /* between feedbacks */

static inline uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }
static inline uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* W: what all filters look at. */
static inline uint64_t window_us(const struct tunnel_rate *r)
{
	return max_u64(r->min_rtt_us, WINDOW_MIN_US);
}

/* So what is delivered is less than what could be. */
static inline bool sends_less(const struct tunnel_rate *r)
{
	return r->state == RATE_DRAIN || r->state == RATE_DOWN;
}

/* tunnel_rate.c */
void tunnel_rate_enter(struct tunnel_rate *r, enum rate_state state, uint64_t now_us);

/* tunnel_hear.c */
void tunnel_hear_forget(struct tunnel_rate *r, uint64_t now_us);

#endif
