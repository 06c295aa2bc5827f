/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one rtnetlink message as a struct: the parser behind netmon. Pure.
 */
#ifndef AGG_KERNEL_NETMSG_H
#define AGG_KERNEL_NETMSG_H

#include "agg/base/addr.h"

#include <net/if.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#define NETMSG_HOPS_MAX 32 /* nexthops of a route; more are left out */

enum netmsg_kind {
	NETMSG_OTHER, /* well-formed, and of no interest here */
	NETMSG_LINK,
	NETMSG_ADDR,
	NETMSG_LOCAL,   /* a route that says which addresses are the host's */
	NETMSG_DEFAULT, /* a default route, not one of ours */
	NETMSG_ROUTED,  /* one of the main table to a network that somebody gave */
	NETMSG_POLICY,  /* another's rule, or a change of our rules or routes */
};

struct netmsg_link {
	int ifindex;
	char name[IFNAMSIZ];
	bool admin_up, carrier;
	uint8_t operstate;
};

struct netmsg_addr {
	int ifindex;
	struct addr addr;      /* our own */
	struct prefix network; /* what is reached through it, the peer at least */
	uint8_t scope;         /* RT_SCOPE_... */
	uint32_t flags;        /* IFA_F_... */
};

struct netmsg_hop {
	int ifindex;
	struct addr gateway; /* AF_UNSPEC: none */
	bool dead;           /* RTNH_F_DEAD or RTNH_F_LINKDOWN */
};

struct netmsg_route {
	struct prefix dest;
	uint32_t table, metric;
	uint8_t preference;  /* RFC 4191: 0 high, 1 medium, 2 low */
	unsigned hops_count;
	struct netmsg_hop hops[NETMSG_HOPS_MAX];
};

struct netmsg {
	enum netmsg_kind kind;
	bool removed; /* a DEL message */
	union {
		struct netmsg_link link;
		struct netmsg_addr addr;
		struct netmsg_route route; /* LOCAL (dest only), DEFAULT, ROUTED */
	};
};

/* Reads the message at data, of which size bytes are there. 0, or -EBADMSG:
 * too short, or an attribute that is not what it must be. */
int netmsg_parse(struct netmsg *out, const void *data, size_t size);

#endif
