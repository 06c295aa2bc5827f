/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the host's part of the concentrator's packet tunnels. A worker opens a site's
 * device (site_tunnel.h); the monitor tells of it, and here it gets what is the daemon's
 * own thread's to give: address and settings, the site's routing table, and the rules
 * of NAT. What others take away of that is put again (upkeep.h, ruleset.h). Nothing of
 * it is touched before the first such device is there.
 */
#ifndef AGG_ROLE_TUNNELS_H
#define AGG_ROLE_TUNNELS_H

#include "agg/base/loop.h"
#include "agg/conf/conf.h"
#include "agg/kernel/netmon.h"

struct tunnels;

/* All borrowed; they outlive it. NULL: errno. */
struct tunnels *tunnels_create(struct loop *loop, struct netmon *netmon,
                               const struct conf *conf);
/* Removes what it made, but where that is a successor's; the devices are gone. NULL is
 * fine. */
void tunnels_destroy(struct tunnels *t, bool is_successors);
void tunnels_set_conf(struct tunnels *t, const struct conf *conf);
void tunnels_on_netdev(struct tunnels *t, const struct netdev *dev);
/* Why there can be none, or what is not as it shall be; "": nothing is wrong. */
const char *tunnels_why(const struct tunnels *t);

#endif
