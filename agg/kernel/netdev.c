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

static const char *without_address(const struct netdev *dev)
{
	if (dev->v4.tentative || dev->v6.tentative)
		return "its address is still being checked for a double";
	if (dev->v4.duplicate || dev->v6.duplicate)
		return "somebody else on the link has its address";
	return "no address yet: is its DHCP client running?";
}

const char *netdev_obstacle(const struct netdev *dev)
{
	bool v4 = dev->v4.sources_count, v6 = dev->v6.sources_count;

	if (netdev_is_ready(dev, AF_INET) || netdev_is_ready(dev, AF_INET6))
		return NULL;
	if (!dev->present)
		return "no such device now; 'ip link' lists those that there are";
	if (!netdev_is_up(dev))
		return dev->admin_up ?
			"no carrier: the cable is out, or the modem not connected" :
			"device is down: 'ip link set' it up, or its manager does";
	if (!v4 && !v6)
		return without_address(dev);
	if (dev->v4.route.exists)
		return "an IPv4 default route, and an IPv6 address only";
	if (dev->v6.route.exists)
		return "an IPv6 default route, and an IPv4 address only";
	return "no default route by this device, in no table";
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
	    a->tentative != b->tentative || a->duplicate != b->duplicate ||
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
	    a->connected_count != b->connected_count ||
	    a->routed_count != b->routed_count)
		return false;
	for (unsigned i = 0; i < a->connected_count + a->routed_count; i++)
		if (!prefix_equal(&a->connected[i], &b->connected[i]))
			return false;
	return ip_equal(&a->v4, &b->v4) && ip_equal(&a->v6, &b->v6);
}
