/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which way the LAN's traffic takes that does not go through the
 * concentrator, or into the tunnel though it is TCP, as nft rules: those of
 * `table inet aggd_bypass` put a way into four bits of a packet's mark, before
 * intercept.c's rules look at it and before it is routed. It is decided by the
 * first packet of a connection, and kept in the same bits of its mark.
 *
 * The table is one of its own because other programs put elements into its
 * sets: of the addresses behind names. When the rules change those stay.
 */
#ifndef AGG_KERNEL_WAYMARK_H
#define AGG_KERNEL_WAYMARK_H

#include "agg/base/addr.h"
#include "agg/base/buf.h"
#include "agg/base/selector.h"

#include <stddef.h>

#define WAYMARK_TABLE "aggd_bypass"
#define WAYMARK_BITS 4
#define WAYMARK_UPLINKS_MAX 12
#define WAYMARK_NAME_MAX 31

/* What is in the four bits. */
enum waymark {
	WAYMARK_NONE = 0,    /* as what no rule speaks of */
	WAYMARK_DIRECT = 1,  /* the host's own route */
	WAYMARK_TUNNEL = 2,  /* the packet tunnel, TCP too */
	WAYMARK_UPLINK = 3,  /* and more: of uplink 0 and so on */
	WAYMARK_LOOK = 15,   /* TCP that is taken, to be asked for its name */
};

/* What has one of dests or of names, one of hosts and one of ports; of an empty
 * list every one. All borrowed. */
struct waymark_rule {
	char name[WAYMARK_NAME_MAX + 1]; /* of its sets: letters, digits, '_' */
	const struct prefix *dests;
	size_t dest_count;
	bool named;                /* it has names */
	const struct selector_host *hosts;
	size_t host_count;
	const struct selector_ports *ports;
	size_t port_count;
	unsigned way;              /* never NONE, never LOOK */
};

struct waymark_plan {
	const struct waymark_rule *rules; /* the first that fits holds */
	size_t count;                     /* 0: nothing is marked */
	uint32_t bit;                     /* the lowest of the four */
	/* What goes by uplink i, [0] IPv4, [1] IPv6, is led by this one now: it is
	 * another one where i is down. And the ways of what is DIRECT, and of what is
	 * TUNNEL. */
	uint8_t led[2][WAYMARK_UPLINKS_MAX], direct[2], tunnel[2];
	unsigned uplinks;                 /* from 0 on */
};

static inline uint32_t waymark_of(uint32_t bit, unsigned way)
{
	return bit * way;
}

static inline uint32_t waymark_mask(uint32_t bit)
{
	return bit * ((1u << WAYMARK_BITS) - 1);
}

struct intercept;
/* Appends the part of a ruleset that makes the table for these LAN devices, or
 * removes it. Pure; the devices were checked. 0 or -ENOBUFS. */
int waymark_ruleset(struct buf *out, const struct waymark_plan *plan,
                    const struct intercept *want);

#endif
