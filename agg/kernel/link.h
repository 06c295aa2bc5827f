/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a tunnel's device as the host shall see it: up, with its MTU and addresses,
 * and with settings by which what comes out of it is not dropped. Asking again for
 * the same changes nothing. What the device carries is tun/device.h's.
 */
#ifndef AGG_KERNEL_LINK_H
#define AGG_KERNEL_LINK_H

#include "agg/base/addr.h"
#include "agg/kernel/kerr.h"
#include "agg/kernel/netdev.h"

#include <net/if.h>

#define LINK_ADDRESSES_MAX 2
#define LINK_QUEUE 1000 /* packets; it is always emptied */

struct link {
	char device[IFNAMSIZ];
	unsigned mtu;       /* bytes; 0: as it is */
	/* AF_UNSPEC: none. Without one of IPv4 rp_filter, even where it is loose,
	 * drops whatever comes out of the device. */
	struct prefix addresses[LINK_ADDRESSES_MAX];
};

/* Waits for the kernel's answers, some 10 ms at most. 0 or -errno: -ENODEV. An
 * address of a family that the host has not is left out. */
int link_set(const struct link *want, struct kerr *err);
/* Its settings alone, which others may have changed; from any thread. */
void link_settle(const char *device);
/* Is it up, and are its addresses there? Pure. */
bool link_is_set(const struct link *want, const struct netdev *dev);
/* That alone, where it is another; from any thread. 0 or -errno: -ENODEV, also of one
 * that has another name now. */
int link_set_mtu(const char *device, unsigned mtu);
#endif
