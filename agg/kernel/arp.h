/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: devices of one host on one link. Linux answers ARP for each of its
 * addresses by every device, so that a router learns the wrong one of two
 * uplinks, whose packets are then lost. With arp_ignore=1 a device answers for
 * its own addresses alone; with arp_announce=2 it asks in its own name. What
 * they were is kept in a file, so that it comes back after a crash as well.
 */
#ifndef AGG_KERNEL_ARP_H
#define AGG_KERNEL_ARP_H

#include "agg/kernel/kerr.h"

#include <net/if.h>
#include <stdbool.h>

#define ARP_DEVICES_MAX 32
#define ARP_PATH_MAX 256
#define ARP_IGNORE 1
#define ARP_ANNOUNCE 2

/* Where things are. */
struct arp_place {
	const char *root;    /* of the files of sysctl; NULL: "/proc/sys" */
	const char *journal; /* its directory is there */
};

/* A journal for this network namespace. 0 or -errno. */
int arp_journal_path(char out[ARP_PATH_MAX]);

/* Keeps these devices apart, and no others: those of an earlier call that are
 * not named get back what they had, unless somebody else has changed it since.
 * 0 or -errno. */
int arp_keep_apart(const struct arp_place *place,
                   const char (*devices)[IFNAMSIZ], unsigned count,
                   struct kerr *err);

/* Have all of them what that set, or stricter? True also where it cannot be
 * read, as of a device that is gone. */
bool arp_is_kept(const struct arp_place *place,
                 const char (*devices)[IFNAMSIZ], unsigned count);

#endif
