/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: no more than so many bytes in a second: a token bucket. Pure: the time is an
 * argument.
 */
#ifndef AGG_TRANSPORT_PACE_H
#define AGG_TRANSPORT_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_DEPTH_US 10000u  /* what was not used is kept so long; who asks */
#define PACE_RECHECK_US 5000u /* again after that loses nothing */

/* Zeroed: as much as one likes. */
struct pace {
	uint64_t bps;        /* bytes/s; 0: no limit */
	int64_t left_bytes;  /* of what may be sent now; the last piece is whole */
	uint64_t at_us;
};

/* From now on: so many bytes/s. To be called before it is asked, with what holds. */
void pace_set(struct pace *pace, uint64_t bps, uint64_t now_us);
void pace_sent(struct pace *pace, uint64_t bytes);
/* Nothing is left now. */
bool pace_is_used_up(const struct pace *pace);

#endif
