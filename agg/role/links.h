/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: uplinks whose devices are on one link (two modems behind one switch):
 * known by an IPv4 network that they share. Their ARP is kept apart (arp.h), or
 * the routers there learn the wrong device.
 */
#ifndef AGG_ROLE_LINKS_H
#define AGG_ROLE_LINKS_H

#include "agg/conf/conf.h"
#include "agg/kernel/netdev.h"

/* Those that share a link, in the order of their uplinks. */
struct links {
	char devices[CONF_UPLINKS_MAX][IFNAMSIZ];
	unsigned count;
};

/* devs: of the uplinks that are on, NULL where there is none. */
void links_find(const struct netdev *const *devs, unsigned count,
                struct links *out);
bool links_equal(const struct links *a, const struct links *b);

#endif
