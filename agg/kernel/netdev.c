/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: predicates on struct netdev. Pure.
 */
#include "agg/kernel/netdev.h"

#include <string.h>

#define OPER_UNKNOWN 0 /* IF_OPER_... of <linux/if.h>, which some C libraries */
#define OPER_UP 6      /* do not let stand beside <net/if.h> */

bool netdev_is_up(const struct netdev *dev)
{
	/* Drivers that do not keep the state say unknown. */
	return dev->present && dev->admin_up && dev->carrier &&
	       (dev->operstate == OPER_UP || dev->operstate == OPER_UNKNOWN);
}

bool netdev_is_ready(const struct netdev *dev, sa_family_t family)
{
	const struct netdev_ip *ip = netdev_ip(dev, family);

	return netdev_is_up(dev) && ip->sources_count && ip->route.exists;
}

static bool route_equal(const struct netdev_route *a,
                        const struct netdev_route *b)
{
	return a->exists == b->exists && a->metric == b->metric &&
	       a->table == b->table && a->nexthops == b->nexthops &&
	       addr_equal(&a->gateway, &b->gateway);
}

static bool ip_equal(const struct netdev_ip *a, const struct netdev_ip *b)
{
	if (a->sources_count != b->sources_count ||
	    !route_equal(&a->route, &b->route))
		return false;
	for (unsigned i = 0; i < a->sources_count; i++)
		if (!addr_equal(&a->sources[i], &b->sources[i]))
			return false;
	return true;
}

static bool prefix_equal(const struct prefix *a, const struct prefix *b)
{
	return a->family == b->family && a->length == b->length &&
	       !memcmp(a->ip, b->ip, sizeof(a->ip));
}

bool netdev_equal(const struct netdev *a, const struct netdev *b)
{
	if (a->ifindex != b->ifindex || strcmp(a->name, b->name) ||
	    a->present != b->present || a->admin_up != b->admin_up ||
	    a->carrier != b->carrier || a->operstate != b->operstate ||
	    a->connected_count != b->connected_count)
		return false;
	for (unsigned i = 0; i < a->connected_count; i++)
		if (!prefix_equal(&a->connected[i], &b->connected[i]))
			return false;
	return ip_equal(&a->v4, &b->v4) && ip_equal(&a->v6, &b->v6);
}
