/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: who on the link has an address: the kernel's table of ARP and Neighbour
 * Discovery, read once per question.
 */
#ifndef AGG_KERNEL_NEIGHBOR_H
#define AGG_KERNEL_NEIGHBOR_H

#include "agg/base/addr.h"

#define NEIGHBOR_MAC_BYTES 6
#define NEIGHBOR_TIMEOUT_MS 200 /* no answer of the kernel is awaited longer */

/* The address of the card that has ip, of whatever device; port and scope are
 * not looked at. 0 or -errno: -ENOENT, it is not known. */
int neighbor_mac(const struct addr *ip, uint8_t mac[NEIGHBOR_MAC_BYTES]);

/* Tells of all whose card is known, of both families, in no order. 0 or -errno. */
typedef void neighbor_fn(void *ctx, const struct addr *ip,
                         const uint8_t mac[NEIGHBOR_MAC_BYTES]);
int neighbor_each(neighbor_fn *fn, void *ctx);

/* Is the message one of the table, that says who has what card? Pure; size is what is
 * left of the buffer. */
struct nlmsghdr;
bool neighbor_read(const struct nlmsghdr *msg, size_t size, struct addr *ip,
                   uint8_t mac[NEIGHBOR_MAC_BYTES]);

#endif
