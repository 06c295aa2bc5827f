/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a network device as the rest of aggd sees it: facts that the kernel
 * told, sorted so that equal facts give equal structs.
 */
#ifndef AGG_KERNEL_NETDEV_H
#define AGG_KERNEL_NETDEV_H

#include "agg/base/addr.h"

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#define NETDEV_SOURCES_MAX 8    /* per family: the best are kept */
#define NETDEV_CONNECTED_MAX 32 /* both families */
#define NETDEV_TABLE_MAIN 254   /* the kernel's RT_TABLE_MAIN */

/* The best default route through the device: of any routing table, with the
 * lowest metric, and not one of ours. */
struct netdev_route {
	bool exists;
	struct addr gateway; /* AF_UNSPEC: none (point to point). A link-local
	                      * one has scope_id; it may be of the other family. */
	uint32_t metric;
	uint32_t table;
	unsigned nexthops;   /* of the whole route: > 1 is a multipath one */
};

struct netdev_ip {
	/* Addresses that a socket may use as its source, the best first: global
	 * before private (ULA), lasting before temporary, and deprecated ones
	 * last; none that is tentative, duplicate or link-local. */
	struct addr sources[NETDEV_SOURCES_MAX];
	unsigned sources_count;
	bool tentative, duplicate; /* there is an address besides that is so */
	struct netdev_route route;
};

struct netdev {
	char name[IFNAMSIZ];
	int ifindex;
	bool present;      /* false only in the last word about a device */
	bool admin_up;     /* someone has set it up */
	bool carrier;      /* the cable is in, the modem has its connection */
	uint8_t operstate; /* RFC 2863, IF_OPER_... of <linux/if.h> */
	struct netdev_ip v4, v6;
	struct prefix connected[NETDEV_CONNECTED_MAX]; /* networks on the link */
	unsigned connected_count;
	unsigned routed_count; /* behind them: networks that are routed through it */
};

static inline const struct netdev_ip *netdev_ip(const struct netdev *dev,
                                                sa_family_t family)
{
	return family == AF_INET ? &dev->v4 : &dev->v6;
}

/* Up, with carrier, and not waiting for a login (802.1X, a mobile modem). */
bool netdev_is_up(const struct netdev *dev);
/* Up, with a source address and a default route of that family. */
bool netdev_is_ready(const struct netdev *dev, sa_family_t family);
/* What it lacks to be ready for any family, in words; NULL: nothing. */
const char *netdev_obstacle(const struct netdev *dev);
/* Equal in every fact. */
bool netdev_equal(const struct netdev *a, const struct netdev *b);

#endif
