/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see found.h.
 */
#include "agg/pair/found.h"

#include "agg/kernel/netmon.h"
#include "agg/kernel/public.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Of others, by the names that they have everywhere: a VPN may have a default
 * route, and is no Internet access. */
static const char *const tunnels[] = { "lo", "tun", "tap", "wg", "tailscale", "zt",
	"aggd", "docker", "veth", "dummy", NULL };
static const char *const others[] = { "br-", "virbr", "vnet", "lxc", "podman",
	"cni", NULL };
/* And of LANs. */
static const char *const usual[] = { "br-lan", "lan", "br0", "br1", NULL };

static bool begins_with_one(const char *name, const char *const *list)
{
	for (; *list; list++)
		if (!strncmp(name, *list, strlen(*list)))
			return true;
	return false;
}

static bool is_others(const char *name)
{
	return begins_with_one(name, tunnels) ||
	       (begins_with_one(name, others) && strncmp(name, "br-lan", 6));
}

static struct found_device device_of(const struct netdev *dev)
{
	struct found_device d = {
		.has_v4 = netdev_is_ready(dev, AF_INET),
		.has_v6 = netdev_is_ready(dev, AF_INET6),
	};

	snprintf(d.name, sizeof(d.name), "%s", dev->name);
	if (dev->v4.sources_count)
		d.v4 = dev->v4.sources[0];
	if (dev->v6.sources_count)
		d.v6 = dev->v6.sources[0];
	return d;
}

/* A VPS has a public address on a device without a default route at times; a LAN
 * has a private one. */
static bool is_lan(const struct netdev *dev)
{
	return netdev_is_up(dev) && !dev->v4.route.exists &&
	       !dev->v6.route.exists && dev->v4.sources_count &&
	       !public_is(&dev->v4.sources[0]) && !is_others(dev->name);
}

static void add_lan(struct found *found, const struct found_device *d)
{
	unsigned at = found->lan_count;

	if (at == FOUND_LANS_MAX)
		return;
	if (begins_with_one(d->name, usual))
		for (at = 0; at < found->lan_count; at++)
			if (!begins_with_one(found->lans[at].name, usual))
				break;
	memmove(&found->lans[at + 1], &found->lans[at],
	        (found->lan_count - at) * sizeof(found->lans[0]));
	found->lans[at] = *d;
	found->lan_count++;
}

void found_add(struct found *found, const struct netdev *dev)
{
	struct found_device d = device_of(dev);

	if (d.has_v4 || d.has_v6) {
		if (found->uplink_count < CONF_UPLINKS_MAX &&
		    !begins_with_one(d.name, tunnels))
			found->uplinks[found->uplink_count++] = d;
	} else if (is_lan(dev)) {
		add_lan(found, &d);
	}
}

static void on_change(void *ctx, const struct netdev *dev)
{
}

int found_read(struct found *out)
{
	const struct netdev *dev;
	struct loop *loop = loop_create();
	struct netmon *mon = loop ? netmon_create(loop, 0, on_change, NULL) : NULL;
	int err = mon ? 0 : -errno;

	*out = (struct found){ .uplink_count = 0 };
	for (unsigned i = 0; mon && (dev = netmon_at(mon, i)); i++)
		found_add(out, dev);
	netmon_destroy(mon);
	loop_destroy(loop);
	return err;
}
