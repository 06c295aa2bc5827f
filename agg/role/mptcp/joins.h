/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which uplinks the kernel's MPTCP has joined to which bundles, and what
 * they moved: from what the kernel tells of each bundle's subflows. Pure.
 *
 * A look is joins_begin(), then joins_bundle() for every bundle; or, at the other
 * end, joins_far(). joins_rate() after it says how fast the uplinks are.
 */
#ifndef AGG_ROLE_MPTCP_JOINS_H
#define AGG_ROLE_MPTCP_JOINS_H

#include "agg/kernel/mptcpinfo.h"
#include "agg/transport/wire.h"

#define JOINS_BUNDLES_MAX (2 * WIRE_BUNDLES_MAX) /* of both families */
#define JOINS_RATE_US 300000u /* of a far path acknowledgements come in heaps */

/* An uplink's, as the last look found it. */
struct join {
	unsigned bundles;       /* joined, and not stalled: a bit each */
	unsigned stalled;       /* in these it has not answered for long */
	uint64_t srtt_us, min_rtt_us; /* the least; 0: not known */
	uint64_t rate_bps;      /* of all its subflows; 0: not known */
	uint64_t sent_bytes, retrans_bytes; /* of those that live */
	uint64_t tx_bytes, rx_bytes; /* moved, ever */
	uint64_t tx_bps;        /* of late: joins_rate() */
};

struct joins {
	struct join uplinks[WIRE_UPLINKS_MAX];
	unsigned bundles;       /* that were looked at: a bit each */
	bool guesses;           /* joins_far(): not every uplink was told */

	/* private state */
	uint64_t rated_us, rated_bytes[WIRE_UPLINKS_MAX];
	/* the counters of the last look, for what is new */
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
/* At the end that has no uplinks. address: from where each uplink's own subflows come, as a
 * NAT may have it; AF_UNSPEC: not known in this family. The kernel tells no more of a
 * subflow than where it comes from: what comes from where none, or several, are is of those
 * of `uplinks`, a bit each, that have no other one in this bundle, in equal parts. Of
 * struct join only what was moved is filled. */
void joins_far(struct joins *j, unsigned bundle, const struct mptcpinfo *info,
               const struct addr address[WIRE_UPLINKS_MAX], unsigned uplinks);
/* After a look: tx_bps is of the time since the last one of JOINS_RATE_US or longer. */
void joins_rate(struct joins *j, uint64_t now_us);
/* The uplink of a subflow; -1: of none. */
int joins_uplink(const struct addr address[WIRE_UPLINKS_MAX],
                 const struct addr *local);

#endif
