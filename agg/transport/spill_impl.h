/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the files of spill.h share with each other and nobody else.
 */
#ifndef AGG_TRANSPORT_SPILL_IMPL_H
#define AGG_TRANSPORT_SPILL_IMPL_H

#include "agg/transport/spill.h"

#define S_US UINT64_C(1000000)
#define MS_US UINT64_C(1000)
#define MSS 1400u
#define STAY_US (5 * MS_US) /* a small flow stays for that and a fifth */
#define HOME_TRIPS 20u      /* another home's round trip: tenths of the old one's at most */
#define THIN_SHARE 16u      /* len_sum is of so many packets */

static inline uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* So far that a sender which goes by its least round trip (BBR) has to find out anew, when
 * it is moved there. */
static inline bool spill_is_farther(const struct spill_path *to, const struct spill_path *from)
{
	return to->trip_us * 10 > HOME_TRIPS * from->trip_us;
}

/* spill_rates.c ----------------------------------------------------------- */

/* Where no cheaper one is: backup paths only when all others are gone. */
bool spill_is_offered(const struct spill_paths *ps, unsigned path);
/* Metered, it takes what is more than the normal ones can, and nothing else. */
bool spill_is_overflow(const struct spill_paths *ps, unsigned path);
/* A new slice of time for the flow's rates, where one is over. */
void spill_roll(struct spill_flow *f, uint64_t now_us);
/* What it has of late, of all paths. */
uint64_t spill_all_bps(const struct spill_flow *f);
/* What the flow would have of the path, were it alone there with its like. */
uint64_t spill_share_bps(const struct spill_paths *ps, const struct spill_flow *f,
                         unsigned path);
/* It is one of those that are busy there. */
bool spill_is_counted(const struct spill_paths *ps, const struct spill_flow *f,
                      unsigned path);
/* It does not mind losses, as far as is known. */
static inline bool spill_takes_losses(const struct spill_flow *f)
{
	return f->tolerant || f->heedless;
}
/* It says what came of another flow, which waits for that. */
bool spill_is_thin(const struct spill_flow *f);

/* spill_judge.c ----------------------------------------------------------- */

/* Of bps, what a flow that minds losses comes to on the path. */
uint64_t spill_bound_by_loss(const struct spill_paths *ps, const struct spill_flow *f,
                             unsigned path, uint64_t bps);
bool spill_bears_loss(const struct spill_paths *ps, const struct spill_flow *f,
                      unsigned path);
/* True: a second of it is over, and what came of it is known. */
bool spill_judge(struct spill_paths *ps, struct spill_flow *f, uint64_t now_us);
void spill_watch_trial(struct spill_flow *f);
/* Is it heedless? */
void spill_watch_offer(const struct spill_paths *ps, struct spill_flow *f,
                       const struct spill_ask *ask);

#endif
