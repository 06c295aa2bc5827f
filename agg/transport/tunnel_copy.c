/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_copy.h. Token buckets, a second deep.
 */
#include "agg/transport/tunnel_copy.h"

#define S_US UINT64_C(1000000)

uint64_t copy_path_bps(uint64_t rate_bps)
{
	uint64_t bps = rate_bps / COPY_PATH_PART;

	return bps > COPY_PATH_MIN_BPS ? bps : COPY_PATH_MIN_BPS;
}

static void fill(struct copy_budget *b, uint64_t bps, uint64_t now_us)
{
	uint64_t us = b->at_us ? now_us - b->at_us : COPY_BURST_US;
	uint64_t most = bps * COPY_BURST_US / S_US;

	us = us < COPY_BURST_US ? us : COPY_BURST_US;
	b->bytes += bps * us / S_US;
	b->bytes = b->bytes < most ? b->bytes : most;
	b->at_us = now_us;
}

bool copy_take(struct copy_budget *flow, struct copy_budget *path, uint64_t path_bps,
               uint32_t bytes, uint64_t now_us)
{
	fill(flow, COPY_FLOW_BPS, now_us);
	fill(path, path_bps, now_us);
	if (flow->bytes < bytes || path->bytes < bytes)
		return false;
	flow->bytes -= bytes;
	path->bytes -= bytes;
	return true;
}
