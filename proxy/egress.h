/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: where a stream may go. The concentrator stands in a network of its own
 * (loopback services, a provider's metadata server, a private LAN) that a
 * site has no business in. Refused are
 *
 *   0.0.0.0/8, 10/8, 100.64/10, 127/8, 169.254/16, 172.16/12, 192.0.0/24,
 *   192.168/16, 198.18/15, 224/4, 240/4 with the broadcast address;
 *   ::, ::1, fe80::/10, fec0::/10, fc00::/7, ff00::/8;
 *   every address that is the concentrator's own;
 *   and an IPv6 address that carries such an IPv4 address inside: v4-mapped,
 *   v4-compatible, v4-translated (RFC 2765), NAT64 (RFC 6052, RFC 8215), 6to4
 *   (RFC 3056), Teredo (RFC 4380: server and client), ISATAP (RFC 5214).
 *
 * An `allow` prefix that has the address lifts that. An address inside
 * another is allowed by a prefix that has the inner one, or by one that has
 * the outer and is no shorter than the embedding's own prefix: 64:ff9b::/96
 * speaks of NAT64, ::/0 does not.
 *
 * Check the address that is connected to, after every name was resolved.
 */
#ifndef PROXY_EGRESS_H
#define PROXY_EGRESS_H

#include "agg/base/addr.h"

#include <stddef.h>

/* The owner may change the values between calls (reload). */
struct egress {
	const struct prefix *allow; /* borrowed; allow_count of them */
	size_t allow_count;
	/* Is the address (port and scope 0) one of this host? May be NULL. */
	bool (*is_local)(void *ctx, const struct addr *a);
	void *ctx;
};

bool egress_allows(const struct egress *e, const struct addr *a);

/* ::ffff:a.b.c.d is a.b.c.d to the kernel; so it is to us. Others are copied. */
struct addr egress_unmapped(const struct addr *a);

#endif
