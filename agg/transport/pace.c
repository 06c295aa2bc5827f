/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see pace.h.
 */
#include "agg/transport/pace.h"

#define BPS_MAX (UINT64_C(1) << 36)

void pace_set(struct pace *pace, uint64_t bps, uint64_t now_us)
{
	uint64_t us = now_us - pace->at_us;

	if (bps > BPS_MAX)
		bps = BPS_MAX;
	if (us > PACE_DEPTH_US || !pace->bps)
		us = PACE_DEPTH_US;
	int64_t most = (int64_t)(bps * PACE_DEPTH_US / 1000000);
	pace->left_bytes += (int64_t)(bps * us / 1000000);
	if (pace->left_bytes > most)
		pace->left_bytes = most;
	pace->bps = bps;
	pace->at_us = now_us;
}

void pace_sent(struct pace *pace, uint64_t bytes)
{
	pace->left_bytes -= pace->bps ? (int64_t)bytes : 0;
}

bool pace_is_used_up(const struct pace *pace)
{
	return pace->bps && pace->left_bytes <= 0;
}
