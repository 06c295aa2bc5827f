/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: whose packets may pass the packet tunnel, and whereto; at either end, in either
 * direction. Pure.
 *
 * From a site come only its own addresses: its gateway's inside, its LAN's, its
 * prefix; and they go where its streams may go (proxy/egress.h). To a site goes only
 * what is for these. What the gateway lets out of the tunnel is from elsewhere, and
 * for its LAN.
 */
#ifndef AGG_ROLE_TUNNEL_GUARD_H
#define AGG_ROLE_TUNNEL_GUARD_H

#include "agg/transport/wire.h"
#include "proxy/egress.h"
#include "tun/inspect.h"

#define TUNNEL_GUARD_CACHE 256u        /* destinations whose verdict is known */
#define TUNNEL_GUARD_KEPT_US 1000000u  /* for so long */

enum tunnel_verdict {
	TUNNEL_PASSES,
	TUNNEL_FALSE_SOURCE, /* nobody behind that end has it */
	TUNNEL_NO_WAY,       /* to a destination that is not for it */
	TUNNEL_VERDICTS
};

struct tunnel_guard {
	/* Where packets from a site may go; NULL: this is the gateway's end. */
	const struct egress *egress; /* borrowed */
	/* (optional) And where else, as other sites are there. */
	bool (*reaches)(const void *ctx, const struct addr *to);
	const void *reaches_ctx;     /* borrowed */
	struct wire_tunnel_net net;  /* what stands at the site's end */
	struct prefix own;           /* and its IPv6 network; AF_UNSPEC: none */
	uint64_t passed, dropped[TUNNEL_VERDICTS]; /* ever */
	struct {
		uint8_t ip[16];
		uint64_t until_us;
		uint8_t family;
		bool allowed;
	} cache[TUNNEL_GUARD_CACHE];
};

/* Nobody passes until the net is known. */
void tunnel_guard_init(struct tunnel_guard *g, const struct egress *egress);
/* Of the site's end: addresses given to the gateway, LANs told by it. Networks that
 * nobody has, or that are all there is, are left out. */
void tunnel_guard_know(struct tunnel_guard *g, const struct addr *inner4,
                       const struct prefix *inner6, const struct prefix *lan,
                       unsigned lan_count, const struct prefix *own);
/* The rules of the egress are others. */
void tunnel_guard_forget(struct tunnel_guard *g);

/* A packet from the site to the world; at the gateway, on its way into the tunnel.
 * Counted. */
enum tunnel_verdict tunnel_guard_from(struct tunnel_guard *g,
                                      const struct inspection *in,
                                      uint64_t now_us);
/* And one to the site; at the gateway, out of the tunnel. */
enum tunnel_verdict tunnel_guard_to(struct tunnel_guard *g,
                                    const struct inspection *in);

#endif
