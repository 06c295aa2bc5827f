/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how a person wants the packet tunnel's packets to be treated. The gateway's
 * configuration says it; the concentrator hears of it (wire.h). Pure.
 */
#ifndef AGG_ROLE_TUNNEL_CLASS_H
#define AGG_ROLE_TUNNEL_CLASS_H

#include "agg/conf/conf.h"
#include "agg/transport/wire.h"
#include "tun/inspect.h"

/* The hosts of class bulk are those of the streams' (policy.h). */
void tunnel_class_read(struct wire_traffic *out, const struct conf *conf);
/* Are hosts named by their cards? Then tunnel_class_meet(), of each neighbor, adds the
 * addresses of those. */
bool tunnel_class_hangs_on_mac(const struct conf *conf);
void tunnel_class_meet(struct wire_traffic *out, const struct conf *conf,
                       const struct addr *ip, const uint8_t *mac);
/* Of a packet of either direction: by its mark, else by a port at either end, else by
 * the host. TRAFFIC_UNTOLD: nothing was said of it. */
enum traffic tunnel_class(const struct wire_traffic *t, const struct inspection *in);

#endif
