/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what a gateway has: the devices that lead to the Internet, and the one of
 * its LAN. What the kernel tells is asked for once; what it means is pure.
 */
#ifndef AGG_PAIR_FOUND_H
#define AGG_PAIR_FOUND_H

#include "agg/conf/conf.h"
#include "agg/kernel/netdev.h"

#define FOUND_LANS_MAX 8

struct found_device {
	char name[IFNAMSIZ];
	struct addr v4, v6; /* its best address; family 0: none */
	bool has_v4, has_v6; /* and with a default route, of an uplink */
};

struct found {
	struct found_device uplinks[CONF_UPLINKS_MAX];
	unsigned uplink_count;
	/* Which may be the LAN's, the likeliest first. */
	struct found_device lans[FOUND_LANS_MAX];
	unsigned lan_count;
};

/* Adds the device to what it may be: an uplink has a default route; the LAN's has
 * a private address and none. Neither is a tunnel's, a container's or our own. */
void found_add(struct found *found, const struct netdev *dev);
/* The host's devices, now. 0 or -errno. */
int found_read(struct found *out);

#endif
