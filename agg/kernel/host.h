/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what this host is now, asked once and at once: its devices, their
 * addresses, its congestion controls. For what is told to a person; who
 * follows changes has netmon.h.
 */
#ifndef AGG_KERNEL_HOST_H
#define AGG_KERNEL_HOST_H

#include "agg/base/addr.h"

#include <net/if.h>

#define HOST_DEVICES_MAX 256 /* more are not seen */
#define HOST_ADDRESSES_MAX 1024
#define HOST_CONGESTIONS_MAX 256 /* bytes */

struct host_device {
	char name[IFNAMSIZ];
	bool has_address; /* IPv4, or one of IPv6 that is not link-local */
};

struct host {
	struct host_device devices[HOST_DEVICES_MAX];
	unsigned device_count;
	struct addr addresses[HOST_ADDRESSES_MAX]; /* port 0 */
	unsigned address_count;
	bool whole;           /* there are no others */
	bool has_congestion;  /* the one that was asked for, or nobody knows */
	char congestions[HOST_CONGESTIONS_MAX]; /* "reno cubic bbr" */
	bool forwards_v4;     /* net.ipv4.ip_forward, or nobody knows */
};

/* congestion: the one that is wanted; the kernel may load it for that. 0 or
 * -errno. */
int host_read(const char *congestion, struct host *out);
/* NULL: there is none of that name. */
const struct host_device *host_find(const struct host *host, const char *name);
bool host_has_address(const struct host *host, const struct addr *a);

#endif
