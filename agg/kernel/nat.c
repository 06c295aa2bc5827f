/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see nat.h. Pure: text in a buffer.
 *
 * Conntrack keeps what a site begins in a zone of its own, and the answers in that
 * of all: there the translated addresses tell them apart. The mark of the connection
 * says whose it is; it becomes that of each answer, by which a rule leads to the
 * site's routing table (route.h). What the host itself answers to a site's packet, as
 * when that has no hops left, bears the packet's mark (net.ipv4.fwmark_reflect),
 * and has to lose the bit NAT_FROM, with which it would go the way of all packets.
 */
#include "agg/kernel/nat.h"
#include "agg/kernel/nft.h"
#include "agg/kernel/nft_text.h"

#include <errno.h>

/* RFC 4787, REQ-5: two minutes at least; games and calls are quiet for longer. */
#define UDP_UNREPLIED_S 120
#define UDP_REPLIED_S 300

#define IS_FROM "meta mark & 0x00080000 != 0 meta mark & 0xfff00000 != 0"
_Static_assert(NAT_FROM == 0x00080000u && NAT_NUMBERS == 0xfff00000u, "marks");

static int check(const struct nat *want, struct kerr *err)
{
	for (size_t i = 0; i < want->count; i++)
		if (!nft_device_is_plain(want->sites[i].device))
			return kerr_set(err, -EINVAL, "device '%s'",
			                want->sites[i].device);
	return 0;
}

static const char *before(size_t i)
{
	return i ? ", " : "";
}

static void put_maps(struct nft_text *w, const struct nat *want)
{
	nft_put(w, "\tset sites {\n\t\ttype ifname\n\t\telements = { ");
	for (size_t i = 0; i < want->count; i++)
		nft_put(w, "%s\"%s\"", before(i), want->sites[i].device);
	nft_put(w, " }\n\t}\n\tmap marks {\n\t\ttype ifname : mark\n"
	        "\t\telements = { ");
	for (size_t i = 0; i < want->count; i++)
		nft_put(w, "%s\"%s\" : 0x%08x", before(i), want->sites[i].device,
		        want->sites[i].number << NAT_NUMBER_SHIFT | NAT_FROM);
	nft_put(w, " }\n\t}\n");
}

/* Networks that are sites' own: where they lead. */
static void put_prefixes(struct nft_text *w, const struct nat *want)
{
	const char *start = "\t\telements = { ", *end = "";
	char text[ADDR_TEXT_MAX];

	nft_put(w, "\tmap prefixes {\n\t\ttype ipv6_addr : mark\n"
	        "\t\tflags interval\n");
	for (size_t i = 0; i < want->count; i++) {
		const struct nat_site *site = &want->sites[i];
		if (site->prefix.family != AF_INET6)
			continue;
		nft_put(w, "%s%s : 0x%08x", start,
		        prefix_format(&site->prefix, text),
		        site->number << NAT_NUMBER_SHIFT);
		start = ", ";
		end = " }\n";
	}
	nft_put(w, "%s\t}\n", end);
}

static void put_zones(struct nft_text *w, const struct nat *want)
{
	nft_put(w, "\tchain zones {\n\t\ttype filter hook prerouting "
	        "priority raw; policy accept;\n"
	        "\t\tct original zone set iifname map { ");
	for (size_t i = 0; i < want->count; i++)
		nft_put(w, "%s\"%s\" : %u", before(i), want->sites[i].device,
		        NAT_ZONE_BASE + want->sites[i].number);
	nft_put(w, " }\n\t}\n");
}

static void put_marks(struct nft_text *w, const struct nat *want)
{
	nft_put(w, "\tchain prerouting {\n\t\ttype filter hook prerouting "
	        "priority mangle + 10; policy accept;\n"
	        "\t\tiifname @sites jump from_sites\n"
	        "\t\tct direction reply ct mark & 0x%08x != 0 "
	        "ct mark & 0x%08x != 0 meta mark set ct mark & 0x%08x accept\n"
	        "\t\tmeta mark set ip6 daddr map @prefixes\n"
	        "\t}\n\tchain from_sites {\n"
	        "\t\tmeta mark set iifname map @marks\n"
	        "\t\tct mark set meta mark\n", NAT_FROM, NAT_NUMBERS,
	        NAT_NUMBERS);
	if (want->patient)
		nft_put(w, "\t\tmeta l4proto udp ct timeout set \"patient\"\n");
	nft_put(w, "\t\taccept\n\t}\n\tchain output {\n"
	        "\t\ttype route hook output priority mangle + 10; "
	        "policy accept;\n"
	        "\t\t" IS_FROM " meta mark set meta mark & 0x%08x\n\t}\n",
	        NAT_NUMBERS);
}

static void put_ways_out(struct nft_text *w)
{
	nft_put(w, "\tchain forward {\n\t\ttype filter hook forward "
	        "priority filter; policy accept;\n"
	        "\t\tiifname @sites oifname @sites drop\n"
	        "\t\tiifname @sites tcp flags syn "
	        "tcp option maxseg size set rt mtu\n"
	        "\t\toifname @sites tcp flags syn "
	        "tcp option maxseg size set rt mtu\n"
	        "\t}\n\tchain postrouting {\n\t\ttype nat hook postrouting "
	        "priority srcnat; policy accept;\n"
	        "\t\toifname @sites accept\n"
	        "\t\tip6 saddr @prefixes accept\n"
	        "\t\t" IS_FROM " masquerade\n\t}\n");
}

int nat_ruleset(struct buf *out, const struct nat *want, struct kerr *err)
{
	struct nft_text w = { .out = out };
	int rc = check(want, err);

	if (rc)
		return rc;
	nft_put(&w, "add table inet " NFT_TABLE "\ndelete table inet " NFT_TABLE
	        "\ntable inet " NFT_TABLE " {\n");
	if (want->patient)
		nft_put(&w, "\tct timeout patient {\n\t\tprotocol udp;\n"
		        "\t\tpolicy = { unreplied : %u, replied : %u }\n\t}\n",
		        UDP_UNREPLIED_S, UDP_REPLIED_S);
	put_maps(&w, want);
	put_prefixes(&w, want);
	put_zones(&w, want);
	put_marks(&w, want);
	put_ways_out(&w);
	nft_put(&w, "}\n");
	return w.rc ? kerr_set(err, w.rc, "writing the nft ruleset") : 0;
}
