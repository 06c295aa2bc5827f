/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: our policy routes. Each uplink has a routing table of its own per
 * family, and rules that lead there: `oif DEVICE`, for sockets bound to the
 * device, whatever the main table holds; and `from ADDRESS`, by which the
 * kernel looks for the way back to who sends to the address (rp_filter), after
 * what the main table has but its default route. TPROXY has a rule `fwmark
 * MARK/MARK iif DEVICE lookup TABLE` for each LAN device, and a route that makes
 * every address local; the like leads what bypasses the concentrator by an
 * uplink into that one's table. Without the device the kernel would find itself on the
 * way back to a LAN host where src_valid_mark is set, as wg-quick does.
 *
 * The packet tunnel has a table with a default route by its device; on the gateway one,
 * to which the rule `fwmark MARK/MARK iif DEVICE` of each LAN device leads; on the
 * concentrator one for each site, for what carries the site's mark.
 *
 * All of them carry our protocol number, so that a later run finds and
 * removes what an earlier one left. Nothing else is ever touched.
 *
 * What is set stays wanted: others may remove it (`ip rule del`, a network
 * manager), and so does the kernel with an address; route_look() puts it again.
 * The rules come before everybody else's that are not far before: a packet of
 * TPROXY that another rule leads away belongs to nobody and is dropped.
 */
#ifndef AGG_KERNEL_ROUTE_H
#define AGG_KERNEL_ROUTE_H

#include "agg/base/addr.h"
#include "agg/kernel/kerr.h"

#include <net/if.h>
#include <stddef.h>

#define ROUTE_PROTOCOL 169            /* rtm_protocol, FRA_PROTOCOL: 'aggd' */
#define ROUTE_TABLE_BASE 0x61670000u  /* + the uplink's index; "ag" */
#define ROUTE_TABLE_TPROXY 0x6167ffffu
#define ROUTE_TABLE_TUNNEL 0x61680000u /* + the tunnel's number */
#define ROUTE_UPLINKS_MAX 64
#define ROUTE_TUNNELS_MAX 4096
#define ROUTE_CONNECTED_MAX 32        /* of an uplink and family */
#define ROUTE_LAN_DEVICES_MAX 16
#define ROUTE_PREFERENCE 700          /* of the first of our rules */
#define ROUTE_PREFERENCES 4           /* so many in a row */
#define ROUTE_WORDS_MAX 128

struct route; /* the connection to the kernel, and what is wanted */

struct route_uplink {
	unsigned index;          /* names the table; < ROUTE_UPLINKS_MAX */
	char device[IFNAMSIZ];
	sa_family_t family;
	struct addr gateway;     /* AF_UNSPEC: point to point. May be IPv6
	                          * for IPv4 (RFC 5549). */
	struct addr source;      /* preferred, or AF_UNSPEC */
	const struct prefix *connected; /* borrowed: reached without gateway */
	size_t connected_count;
};

struct route *route_create(struct kerr *err); /* NULL: errno */
void route_destroy(struct route *r);          /* leaves the routes */

/* Where our rules stand, ROUTE_PREFERENCE until then; those that are there
 * move at the next look. */
void route_set_preference(struct route *r, uint32_t preference);
/* Nothing is put or removed any more, nor looked for; or again. */
void route_rest(struct route *r, bool rests);

/* Makes table and rules be as told; what differs is changed in place, what is
 * no longer told is removed. Asking again for the same changes nothing. It is
 * wanted from here on, also if it fails now. 0 or -errno: -ENODEV no such
 * device, -ENETDOWN it is down, -EPERM. */
int route_set_uplink(struct route *r, const struct route_uplink *want,
                     struct kerr *err);
/* Removes rules and table of that uplink and family. Absent is success. */
int route_clear_uplink(struct route *r, unsigned index, sa_family_t family,
                       struct kerr *err);

/* TPROXY's rule and route, both families. A host without IPv6 gets IPv4's.
 * mark is one bit; other bits of a packet's mark are others'. Of packets that
 * come in by these devices; count 0: by any. */
int route_set_tproxy(struct route *r, uint32_t mark,
                     const char (*devices)[IFNAMSIZ], unsigned count,
                     struct kerr *err);
int route_clear_tproxy(struct route *r, struct kerr *err);

/* A packet tunnel's rules and routes, both families: what carries the mark (under
 * the mask) and comes in by one of the devices leads to the tunnel's. */
struct route_tunnel {
	unsigned number;         /* names the table; < ROUTE_TUNNELS_MAX */
	char device[IFNAMSIZ];
	uint32_t mark, mask;
	const char (*from)[IFNAMSIZ]; /* borrowed; from_count of them; 0: any */
	unsigned from_count;
};
/* As route_set_uplink. A host without IPv6 gets IPv4's. */
int route_set_tunnel(struct route *r, const struct route_tunnel *want,
                     struct kerr *err);
int route_clear_tunnel(struct route *r, unsigned number, struct kerr *err);

/* What packets that come in by these devices are led by the table of uplink
 * `index`: those whose mark has waymark_of(bit, WAYMARK_UPLINK + index) under its
 * mask (waymark.h). bit 0: none are. Of the uplinks that are set, and of those
 * that will be. 0 or -errno. */
int route_set_ways(struct route *r, uint32_t bit,
                   const char (*devices)[IFNAMSIZ], unsigned count,
                   struct kerr *err);

struct route_look {
	unsigned missing; /* rules and routes that should be there and were not */
	unsigned moved;   /* rules that stood at another preference */
	int error;        /* reading or putting failed: the last -errno */
	char words[ROUTE_WORDS_MAX]; /* the first missing: "TPROXY's rule (IPv4)" */
	char failure[ROUTE_WORDS_MAX]; /* the last error's words */
	char before[ROUTE_WORDS_MAX]; /* another's rule that came before ours, or "" */
};

/* Looks whether all that is wanted is there, and with mend puts what is not.
 * The answers below are of the last look or change. */
void route_look(struct route *r, bool mend, struct route_look *out);

/* Why TPROXY's, an uplink's or a tunnel's rules and routes are not in force; "": they are,
 * or are not wanted. */
const char *route_tproxy_why(const struct route *r);
const char *route_uplink_why(const struct route *r, unsigned index);
const char *route_tunnel_why(const struct route *r, unsigned number);

/* Removes every rule and route that carries our protocol, in both families:
 * at the end, and at the start for what a crash left. */
int route_cleanup(struct route *r, struct kerr *err);

#endif
