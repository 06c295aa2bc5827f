/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what mptcp.c and mptcp_report.c share. Included by nobody else.
 */
#ifndef AGG_ROLE_MPTCP_MPTCP_IMPL_H
#define AGG_ROLE_MPTCP_MPTCP_IMPL_H

#include "agg/role/mptcp/joins.h"
#include "agg/role/mptcp/mptcp.h"
#include "agg/role/mptcp/mptcp_host.h"

#define MPTCP_FAMILIES 2 /* IPv4, IPv6 */

struct mptcp_uplink {
	bool exists, enabled;
	enum conf_cost cost;
	char name[CONF_NAME_MAX + 1];
	struct netdev dev;
	int family;             /* 0: IPv4, 1: IPv6; -1: none */
	uint64_t stripped_us;   /* the option did not arrive; 0: it did */
	bool dropped;           /* nor did what carried it */
	unsigned unanswered;    /* connections in a row */
	uint64_t missing_us;    /* should be joined and is not, since then */
	uint64_t join_us;       /* how long a join may take, now */
	bool healthy;           /* our own worked on it, when last looked at */
	bool withheld;          /* its endpoint, for a moment */
	bool in_vain;           /* the last join was, though our own work */
};

struct mptcp {
	struct mptcp_args args;
	struct mptcp_host host;
	bool peer_has, settling;
	struct pool *pools[MPTCP_FAMILIES];
	struct mptcp_uplink uplinks[WIRE_UPLINKS_MAX];
	struct addr address[WIRE_UPLINKS_MAX]; /* of each, in its family */
	struct joins joins;
	struct loop_timer *soon; /* a look, after an event */
	uint64_t syn_disabled;   /* the kernel's counter, when last read */
};

static inline bool mptcp_is_metered(const struct mptcp_uplink *u)
{
	return u->exists && u->cost == CONF_COST_METERED;
}

static inline bool mptcp_is_stripped(const struct mptcp_uplink *u)
{
	return u->stripped_us != 0;
}

/* The configured carrier is for it: not subflows, nor auto where an uplink is
 * metered. */
bool mptcp_is_wanted(const struct mptcp *m);
/* And both ends have it: then there are endpoints and bundles. */
bool mptcp_is_active(const struct mptcp *m);

#endif
