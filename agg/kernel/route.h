/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: our policy routes. Each uplink has a routing table of its own per
 * family and a rule `oif DEVICE lookup TABLE`: a socket bound to the device
 * finds its way out whatever the main table holds. TPROXY has a rule
 * `fwmark MARK lookup TABLE` and a route that makes every address local.
 *
 * All of them carry our protocol number, so that a later run finds and
 * removes what an earlier one left. Nothing else is ever touched.
 */
#ifndef AGG_KERNEL_ROUTE_H
#define AGG_KERNEL_ROUTE_H

#include "agg/base/addr.h"
#include "agg/kernel/kerr.h"

#include <net/if.h>
#include <stddef.h>

#define ROUTE_PROTOCOL 169            /* rtm_protocol, FRA_PROTOCOL: 'aggd' */
#define ROUTE_TABLE_BASE 0x61670000u  /* + the uplink's index; "ag" */
#define ROUTE_TABLE_TPROXY 0x6167ffffu
#define ROUTE_UPLINKS_MAX 64
#define ROUTE_CONNECTED_MAX 32        /* of an uplink and family */
#define ROUTE_PRIORITY_TPROXY 1690    /* of the rules: before main (32766) */
#define ROUTE_PRIORITY_UPLINK 1691

struct route; /* the connection to the kernel */

struct route_uplink {
	unsigned index;          /* names the table; < ROUTE_UPLINKS_MAX */
	char device[IFNAMSIZ];
	sa_family_t family;
	struct addr gateway;     /* AF_UNSPEC: point to point. May be IPv6
	                          * for IPv4 (RFC 5549). */
	struct addr source;      /* preferred, or AF_UNSPEC */
	const struct prefix *connected; /* borrowed: reached without gateway */
	size_t connected_count;
};

struct route *route_create(struct kerr *err); /* NULL: errno */
void route_destroy(struct route *r);          /* leaves the routes */

/* Makes table and rule be as told; what differs is changed in place, what is
 * no longer told is removed. Asking again for the same changes nothing. 0 or
 * -errno: -ENODEV no such device, -ENETDOWN it is down, -EPERM. */
int route_set_uplink(struct route *r, const struct route_uplink *want,
                     struct kerr *err);
/* Removes rule and table of that uplink and family. Absent is success. */
int route_clear_uplink(struct route *r, unsigned index, sa_family_t family,
                       struct kerr *err);

/* TPROXY's rule and route, both families. A host without IPv6 gets IPv4's. */
int route_set_tproxy(struct route *r, uint32_t mark, struct kerr *err);
int route_clear_tproxy(struct route *r, struct kerr *err);

/* Removes every rule and route that carries our protocol, in both families:
 * at the end, and at the start for what a crash left. */
int route_cleanup(struct route *r, struct kerr *err);

#endif
