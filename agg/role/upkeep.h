/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: keeps the gateway's rules and routes (route.h) and the settings of its
 * devices' ARP (arp.h) in force. Others remove them, and the kernel does with an
 * address: netmon says when that may have happened; then, and every ten seconds,
 * upkeep looks and puts again what is gone, within a second. What is not in force
 * meanwhile, route.h knows. (The nft table: ruleset.h.)
 */
#ifndef AGG_ROLE_UPKEEP_H
#define AGG_ROLE_UPKEEP_H

#include "agg/base/loop.h"
#include "agg/kernel/netmon.h"
#include "agg/kernel/route.h"
#include "agg/role/links.h"

struct upkeep;

/* All are borrowed, and outlive it. NULL: errno. */
struct upkeep *upkeep_create(struct loop *loop, struct netmon *netmon,
                             struct route *route);
void upkeep_destroy(struct upkeep *u); /* NULL is fine */

/* Keeps the ARP of these devices apart, and of no others. What is as before
 * changes nothing. */
void upkeep_set_links(struct upkeep *u, const struct links *links);

/* What is wanted has changed: looks now. */
void upkeep_look(struct upkeep *u);

#endif
