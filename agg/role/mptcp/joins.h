/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which uplinks the kernel's MPTCP has joined to which bundles, and what
 * they moved: from what the kernel tells of each bundle's subflows. Pure.
 *
 * A look is joins_begin(), then joins_bundle() for every bundle.
 */
#ifndef AGG_ROLE_MPTCP_JOINS_H
#define AGG_ROLE_MPTCP_JOINS_H

#include "agg/kernel/mptcpinfo.h"
#include "agg/transport/wire.h"

#define JOINS_BUNDLES_MAX (2 * WIRE_BUNDLES_MAX) /* of both families */

/* An uplink's, as the last look found it. */
struct join {
	unsigned bundles;       /* joined, and not stalled: a bit each */
	unsigned stalled;       /* in these it has not answered for long */
	uint64_t srtt_us, min_rtt_us; /* the least; 0: not known */
	uint64_t rate_bps;      /* of all its subflows; 0: not known */
	uint64_t sent_bytes, retrans_bytes; /* of those that live */
	uint64_t tx_bytes, rx_bytes; /* moved, ever */
};

struct joins {
	struct join uplinks[WIRE_UPLINKS_MAX];
	unsigned bundles;       /* that were looked at: a bit each */

	/* private state: the counters of the last look, for what is new */
	struct joins_reading {
		struct addr local, remote; /* family AF_UNSPEC: none */
		uint64_t tx_bytes, rx_bytes;
	} readings[JOINS_BUNDLES_MAX][MPTCPINFO_SUBFLOWS_MAX];
};

void joins_begin(struct joins *j);
/* address: the uplinks' own, AF_UNSPEC where there is none. A subflow that had
 * no answer for stall_ms, not to what it sent again either, is stalled. */
void joins_bundle(struct joins *j, unsigned bundle, const struct mptcpinfo *info,
                  const struct addr address[WIRE_UPLINKS_MAX],
                  uint32_t stall_ms);
/* The uplink of a subflow; -1: of none. */
int joins_uplink(const struct addr address[WIRE_UPLINKS_MAX],
                 const struct addr *local);

#endif
