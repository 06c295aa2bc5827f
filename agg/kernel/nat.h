/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the concentrator's kernel does to the packets of the sites' tunnels: our
 * `table inet aggd` there, as text. Each site has a device of its own; its packets
 * leave as the host's own (NAT), and the answers find back to it, though several
 * sites may use the same addresses.
 */
#ifndef AGG_KERNEL_NAT_H
#define AGG_KERNEL_NAT_H

#include "agg/base/addr.h"
#include "agg/base/buf.h"
#include "agg/kernel/kerr.h"

#include <stdbool.h>
#include <stddef.h>

/* A site's number in the mark of a packet that goes to it; with NAT_FROM, of one
 * that comes from it. Of connections too. */
#define NAT_NUMBER_SHIFT 20
#define NAT_NUMBERS 0xfff00000u
#define NAT_FROM 0x00080000u
#define NAT_ZONE_BASE 24576u /* of conntrack, + the site's number */

struct nat_site {
	const char *device;    /* borrowed */
	unsigned number;       /* 1 to 4095 */
	struct prefix prefix;  /* of IPv6: not translated; AF_UNSPEC: none */
	const struct prefix *reach; /* its networks that other sites which have some reach */
	size_t reach_count;
};

/* What comes to one of this host's ports goes on to a host of a site, with whom it
 * is from unchanged: the site sends the answers back through its tunnel. */
struct nat_forward {
	unsigned number;       /* the site's */
	uint8_t protocol;      /* IPPROTO_TCP, IPPROTO_UDP; 0: both */
	struct addr listen;    /* any address: all of this host's of to's family */
	struct addr to;        /* an address that is not any */
};

/* What comes to one of this host's addresses goes on to a host of a site, and what that
 * sends leaves from there. */
struct nat_address {
	unsigned number;       /* the site's */
	struct addr address, to; /* of one family; without ports */
};

/* Borrowed for the call. */
struct nat {
	const struct nat_site *sites;
	size_t count;
	const struct nat_forward *forwards;
	size_t forward_count;
	const struct nat_address *addresses;
	size_t address_count;
	const uint16_t *kept;  /* ports, of TCP and UDP, that stay this host's own there */
	size_t kept_count;
	bool patient; /* this kernel can be told how long to remember UDP */
};

/* Where a new flow to that address of this host's goes by these rules, with its port.
 * False: it is this host's own. Pure. */
bool nat_leads(const struct nat *want, uint8_t protocol, const struct addr *to,
               struct addr *out);

/* Appends the ruleset: one transaction that replaces our table. Pure. 0;
 * -EINVAL: a device's name; -ENOBUFS. */
int nat_ruleset(struct buf *out, const struct nat *want, struct kerr *err);

#endif
