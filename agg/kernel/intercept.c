/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: writes the ruleset of our nft table. Pure: text in a buffer.
 *
 * The hook is prerouting a little after mangle priority, where the mark is set
 * early enough for the routing rule that brings the packet to a local socket,
 * and after others that set the whole mark there. Of a
 * LAN host's TCP packets: one to the host itself, to a connected or bypassed
 * network or to no unicast address is left alone; one that has a transparent
 * socket (the listener is bound to loopback, so it is a connection's) goes to
 * it; the first of a connection is taken, forwarded or rejected; any other
 * belongs to a connection that was forwarded, and is left alone.
 *
 * What goes into the packet tunnel is decided packet by packet, before it is
 * tracked: it gets a conntrack zone of its own, and after others have set their
 * marks that zone its mark. The address translation of others, which is meant for
 * uplinks, is forestalled in the tunnel: the LAN's addresses are kept.
 */
#include "agg/kernel/nft.h"
#include "agg/kernel/nft_text.h"

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>


static int check(const struct intercept *want, struct kerr *err)
{
	if (!want->devices_count || want->devices_count > NFT_DEVICES_MAX)
		return kerr_set(err, -EINVAL, "%zu LAN devices, 1 to %d can be",
		                want->devices_count, NFT_DEVICES_MAX);
	if (want->bypass_count > NFT_PREFIXES_MAX ||
	    want->connected_count > NFT_PREFIXES_MAX)
		return kerr_set(err, -EINVAL, "more than %d prefixes",
		                NFT_PREFIXES_MAX);
	for (size_t i = 0; i < want->devices_count; i++)
		if (!nft_device_is_plain(want->devices[i]))
			return kerr_set(err, -EINVAL, "LAN device '%s'",
			                want->devices[i]);
	if (want->tunnel && !nft_device_is_plain(want->tunnel))
		return kerr_set(err, -EINVAL, "tunnel '%s'", want->tunnel);
	return 0;
}

static void put_sets(struct nft_text *w, const struct intercept *want)
{
	static const sa_family_t families[] = { AF_INET, AF_INET6 };

	for (int i = 0; i < 2; i++) {
		nft_put_set(w, "bypass", families[i], want->bypass,
		        want->bypass_count);
		nft_put_set(w, "connected", families[i], want->connected,
		        want->connected_count);
	}
}

static void put_devices(struct nft_text *w, const struct intercept *want)
{
	nft_put(w, "\t\tiifname { ");
	for (size_t i = 0; i < want->devices_count; i++)
		nft_put(w, "%s\"%s\"", i ? ", " : "", want->devices[i]);
	nft_put(w, " }");
}

/* Who answers a connection that came by the tunnel answers by it; so does one that
 * a rule leads there (waymark.h). */
static void put_tunnel_marks(struct nft_text *w, const struct intercept *want)
{
	uint32_t mask = waymark_mask(want->ways.bit);
	uint32_t mark = waymark_of(want->ways.bit, WAYMARK_TUNNEL);

	nft_put(w, "\t\tiifname \"%s\" ct direction original "
	        "ct mark set ct mark and 0x%08x or 0x%08x accept\n", want->tunnel,
	        ~mask, mark);
	put_devices(w, want);
	nft_put(w, " ct mark and 0x%08x == 0x%08x "
	        "meta mark set mark or 0x%08x accept\n", mask, mark,
	        want->tunnel_mark);
}

static void put_prerouting(struct nft_text *w, const struct intercept *want)
{
	nft_put(w, "\tchain prerouting {\n\t\ttype filter hook prerouting "
	    "priority mangle + 10; policy accept;\n");
	if (want->tunnel) {
		put_devices(w, want);
		nft_put(w, " ct original zone %u meta mark set mark or 0x%08x accept\n",
		    NFT_TUNNEL_ZONE, want->tunnel_mark);
		put_tunnel_marks(w, want);
	}
	if (want->port) {
		put_devices(w, want);
		nft_put(w, " meta l4proto tcp jump lan\n");
	}
	nft_put(w, "\t}\n");
}

/* match: what else is asked of a connection, or "". */
static void put_take(struct nft_text *w, const struct intercept *want, bool v4,
                     const char *match)
{
	nft_put(w, "\t\tmeta nfproto %s meta l4proto tcp %stproxy %s to %s:%u "
	    "meta mark set mark or 0x%08x accept\n",
	    v4 ? "ipv4" : "ipv6", match, v4 ? "ip" : "ip6",
	    v4 ? "127.0.0.1" : "[::1]", want->port, want->mark);
}

/* What may pass by because of its name is asked for it, whatever happens to the
 * others: the listener refuses those. (IPv6 alone is rejected so that clients
 * fall back: that must be at once.) */
static void put_look(struct nft_text *w, const struct intercept *want, bool v4)
{
	char match[64];

	if (!want->ways.count || want->v4_mode != INTERCEPT_REJECT)
		return;
	snprintf(match, sizeof(match), "meta mark and 0x%08x == 0x%08x ",
	         waymark_mask(want->ways.bit),
	         waymark_of(want->ways.bit, WAYMARK_LOOK));
	put_take(w, want, v4, match);
}

static void put_mode(struct nft_text *w, const struct intercept *want,
                     sa_family_t family)
{
	bool v4 = family == AF_INET;

	switch (v4 ? want->v4_mode : want->v6_mode) {
	case INTERCEPT_TAKE:
		put_take(w, want, v4, "");
		break;
	case INTERCEPT_REJECT:
		put_look(w, want, v4);
		nft_put(w, "\t\tmeta nfproto %s meta l4proto tcp reject with tcp reset\n",
		    v4 ? "ipv4" : "ipv6");
		break;
	case INTERCEPT_FORWARD:
		break;
	}
}

static void put_left_alone(struct nft_text *w)
{
	nft_put(w, NFT_SPARED
	        "\t\tip daddr @bypass4 return\n"
	        "\t\tip6 daddr @bypass6 return\n");
}

/* What has a way of its own (waymark.h), but that one, is left alone. */
static void put_ways_apart(struct nft_text *w, const struct intercept *want,
                           enum waymark but)
{
	if (want->ways.count)
		nft_put(w, "\t\tmeta mark and 0x%08x != { 0x00000000, 0x%08x } "
		        "return\n", waymark_mask(want->ways.bit),
		        waymark_of(want->ways.bit, but));
}

static void put_lan(struct nft_text *w, const struct intercept *want)
{
	nft_put(w, "\tchain lan {\n"
	    "\t\t" NFT_NOT_FIRST " socket transparent 1 "
	    "meta mark set mark or 0x%08x accept\n"
	    "\t\t" NFT_NOT_FIRST " return\n", want->mark);
	put_ways_apart(w, want, WAYMARK_LOOK);
	put_left_alone(w);
	put_mode(w, want, AF_INET);
	put_mode(w, want, AF_INET6);
	nft_put(w, "\t}\n");
}

static void put_tunnel_mode(struct nft_text *w, const struct intercept *want,
                            sa_family_t family)
{
	const char *protocol = family == AF_INET ? "ipv4" : "ipv6";

	switch (family == AF_INET ? want->v4_tunnel : want->v6_tunnel) {
	case INTERCEPT_TAKE:
		nft_put(w, "\t\tmeta nfproto %s ct original zone set %u\n", protocol,
		    NFT_TUNNEL_ZONE);
		break;
	case INTERCEPT_REJECT:
		nft_put(w, "\t\tmeta nfproto %s reject with icmpx admin-prohibited\n",
		    protocol);
		break;
	case INTERCEPT_FORWARD:
		break;
	}
}

static void put_tunnel(struct nft_text *w, const struct intercept *want)
{
	nft_put(w, "\tchain early {\n\t\ttype filter hook prerouting "
	    "priority raw - 10; policy accept;\n");
	put_devices(w, want);
	nft_put(w, "%s jump others\n\t}\n\tchain others {\n",
	        want->port ? " meta l4proto != tcp" : "");
	put_ways_apart(w, want, WAYMARK_TUNNEL);
	put_left_alone(w);
	put_tunnel_mode(w, want, AF_INET);
	put_tunnel_mode(w, want, AF_INET6);
	nft_put(w, "\t}\n\tchain forward {\n\t\ttype filter hook forward "
	    "priority filter; policy accept;\n"
	    "\t\tiifname \"%s\" tcp flags syn tcp option maxseg size set rt mtu\n"
	    "\t\toifname \"%s\" tcp flags syn tcp option maxseg size set rt mtu\n"
	    "\t}\n\tchain postrouting {\n\t\ttype nat hook postrouting "
	    "priority srcnat - 10; policy accept;\n"
	    "\t\toifname \"%s\" snat ip to ip saddr\n"
	    "\t\toifname \"%s\" snat ip6 to ip6 saddr\n\t}\n",
	    want->tunnel, want->tunnel, want->tunnel, want->tunnel);
}

int intercept_ruleset(struct buf *out, const struct intercept *want,
                      struct kerr *err)
{
	struct nft_text w = { .out = out };
	int rc = check(want, err);

	if (rc)
		return rc;
	nft_put(&w, "add table inet " NFT_TABLE "\ndelete table inet " NFT_TABLE
	    "\ntable inet " NFT_TABLE " {\n");
	put_sets(&w, want);
	put_prerouting(&w, want);
	if (want->port)
		put_lan(&w, want);
	if (want->tunnel)
		put_tunnel(&w, want);
	nft_put(&w, "}\n");
	if (!w.rc)
		w.rc = waymark_ruleset(out, &want->ways, want);
	return w.rc ? kerr_set(err, w.rc, "writing the nft ruleset") : 0;
}
