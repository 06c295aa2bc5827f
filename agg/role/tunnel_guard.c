/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_guard.h. A packet costs a walk over the few networks of a site,
 * and a look at the cache: the rules of the egress are a longer walk.
 */
#include "agg/role/tunnel_guard.h"

#include <string.h>

#define LENGTH4_MIN 8  /* of a LAN's network */
#define LENGTH6_MIN 16

static struct addr address(const uint8_t ip[16], uint8_t family)
{
	struct addr a = { .family = family };

	memcpy(a.ip, ip, family == AF_INET ? 4 : 16);
	return a;
}

void tunnel_guard_init(struct tunnel_guard *g, const struct egress *egress)
{
	memset(g, 0, sizeof(*g));
	g->egress = egress;
}

void tunnel_guard_forget(struct tunnel_guard *g)
{
	memset(g->cache, 0, sizeof(g->cache));
}

/* Addresses that are nobody's on a wire: never a source, nor a LAN. */
static bool is_nobodys(const struct addr *a)
{
	static const struct prefix none[] = {
		{ AF_INET, 8, { 0 } }, { AF_INET, 8, { 127 } },
		{ AF_INET, 16, { 169, 254 } }, { AF_INET, 3, { 224 } },
		{ AF_INET6, 96, { 0 } }, /* unspecified, loopback, compatible */
		{ AF_INET6, 96, { [10] = 0xff, 0xff } }, /* mapped */
		{ AF_INET6, 10, { 0xfe, 0x80 } }, { AF_INET6, 8, { 0xff } },
	};

	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++)
		if (prefix_has(&none[i], a))
			return true;
	return false;
}

static bool is_lan(const struct prefix *p)
{
	struct addr first = { .family = p->family };

	memcpy(first.ip, p->ip, addr_ip_len(&first));
	return (p->family == AF_INET || p->family == AF_INET6) &&
	       p->length >= (p->family == AF_INET ? LENGTH4_MIN : LENGTH6_MIN) &&
	       !is_nobodys(&first);
}

void tunnel_guard_know(struct tunnel_guard *g, const struct addr *inner4,
                       const struct prefix *inner6, const struct prefix *lan,
                       unsigned lan_count, const struct prefix *own)
{
	memset(&g->net, 0, sizeof(g->net));
	if (inner4)
		g->net.inner4 = *inner4;
	if (inner6)
		g->net.inner6 = *inner6;
	for (unsigned i = 0; i < lan_count &&
	     g->net.lan_count < WIRE_LAN_PREFIXES_MAX; i++)
		if (is_lan(&lan[i]))
			g->net.lan[g->net.lan_count++] = lan[i];
	g->own = own ? *own : (struct prefix){ .family = AF_UNSPEC };
}

/* Does somebody at the site's end have that address? */
static bool is_sites(const struct tunnel_guard *g, const struct addr *a)
{
	if (is_nobodys(a))
		return false;
	if (addr_equal_ip(a, &g->net.inner4) || prefix_has(&g->net.inner6, a) ||
	    prefix_has(&g->own, a))
		return true;
	for (unsigned i = 0; i < g->net.lan_count; i++)
		if (prefix_has(&g->net.lan[i], a))
			return true;
	return false;
}

static bool may_go(struct tunnel_guard *g, const struct addr *to,
                   uint64_t now_us)
{
	uint32_t words[4], at;

	memcpy(words, to->ip, sizeof(words));
	at = words[0] ^ words[1] ^ words[2] ^ words[3];
	at ^= at >> 16;
	at = (at ^ at >> 8) % TUNNEL_GUARD_CACHE;
	if (g->cache[at].until_us > now_us &&
	    g->cache[at].family == to->family &&
	    !memcmp(g->cache[at].ip, to->ip, sizeof(to->ip)))
		return g->cache[at].allowed;
	g->cache[at].allowed = egress_allows(g->egress, to) ||
	                       (g->reaches && g->reaches(g->reaches_ctx, to));
	g->cache[at].family = (uint8_t)to->family;
	g->cache[at].until_us = now_us + TUNNEL_GUARD_KEPT_US;
	memcpy(g->cache[at].ip, to->ip, sizeof(to->ip));
	return g->cache[at].allowed;
}

static enum tunnel_verdict count(struct tunnel_guard *g, enum tunnel_verdict v)
{
	if (v == TUNNEL_PASSES)
		g->passed++;
	else
		g->dropped[v]++;
	return v;
}

enum tunnel_verdict tunnel_guard_from(struct tunnel_guard *g,
                                      const struct inspection *in,
                                      uint64_t now_us)
{
	struct addr src = address(in->src, in->key.family);
	struct addr dst = address(in->dst, in->key.family);

	if (!is_sites(g, &src))
		return count(g, TUNNEL_FALSE_SOURCE);
	if (g->egress ? !may_go(g, &dst, now_us) : is_nobodys(&dst))
		return count(g, TUNNEL_NO_WAY);
	return count(g, TUNNEL_PASSES);
}

enum tunnel_verdict tunnel_guard_to(struct tunnel_guard *g,
                                    const struct inspection *in)
{
	struct addr src = address(in->src, in->key.family);
	struct addr dst = address(in->dst, in->key.family);

	if (is_nobodys(&src) || is_sites(g, &src))
		return count(g, TUNNEL_FALSE_SOURCE);
	return count(g, is_sites(g, &dst) ? TUNNEL_PASSES : TUNNEL_NO_WAY);
}
