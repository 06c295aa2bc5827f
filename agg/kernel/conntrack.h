/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the kernel remembers of flows that are led elsewhere. A rule of NAT is asked
 * for a flow's first packet alone: who goes on sending, as a VPN's peer does, stays where
 * that led, though the rule is new, is another, or is gone. Such flows are forgotten, so
 * that their next packet is a first one.
 */
#ifndef AGG_KERNEL_CONNTRACK_H
#define AGG_KERNEL_CONNTRACK_H

#include "agg/base/addr.h"

#include <stdbool.h>

#define CONNTRACK_TIMEOUT_MS 1000 /* without a word of the kernel */
#define CONNTRACK_FORGOTTEN_MAX 1024 /* at once */

/* Of the usual zone. */
struct conntrack_flow {
	uint8_t protocol;    /* IPPROTO_... */
	uint32_t mark;
	struct addr to;      /* as its first packet says, with its port */
	struct addr reached; /* and who got that: another one by DNAT */
};

/* Forgets those of which fn says so. How many those are, or -errno: -ENOENT or another
 * where the kernel cannot tell. */
typedef bool conntrack_fn(void *ctx, const struct conntrack_flow *flow);
int conntrack_forget(conntrack_fn *fn, void *ctx);

#endif
