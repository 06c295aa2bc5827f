/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the devices of packet tunnels, and the addresses inside: what follows from
 * the configuration alone. Pure.
 */
#ifndef AGG_ROLE_TUNNEL_NAMES_H
#define AGG_ROLE_TUNNEL_NAMES_H

#include "agg/conf/conf.h"

#include <net/if.h>

#define TUNNEL_DEVICE "agg-tun"  /* the gateway's */
#define TUNNEL_PREFIX "agg-"     /* of sites' devices */

/* "agg-home"; a long name is cut, and has the site's number. */
void tunnel_device(const struct conf_site *site, char out[IFNAMSIZ]);
/* The address inside of a site's gateway, and with number 0 the concentrator's. */
struct prefix tunnel_inner4(const struct conf *conf, unsigned number);
/* A site's gateway's of IPv6: of a unique local network (RFC 4193), which is translated. */
struct prefix tunnel_inner6(unsigned number);

#endif
