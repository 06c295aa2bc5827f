/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see nat.h. Pure: text in a buffer.
 *
 * Conntrack keeps what a site begins in a zone of its own, and the answers in that
 * of all: there the translated addresses tell them apart. The mark of the connection
 * says whose it is; it becomes that of each answer, by which a rule leads to the
 * site's routing table (route.h).
 *
 * What is forwarded to a site is the other way round: its connection's mark is that
 * of packets to the site, and nobody but the site answers. It is in no zone, so of
 * two sites that have one LAN, two hosts of one address may not be reached from one
 * address and port at one time.
 *
 * Two sites that may reach each other have networks that differ: what the one begins
 * goes on to the other as it is, and the answers go by the connection's mark as all do.
 *
 * What the host itself says of a packet, as that it has no hops left or is too big,
 * bears the packet's mark (net.ipv4.fwmark_reflect). Said to a site, it has to lose the
 * bit NAT_FROM, with which it would go the way of all packets; said of a packet that
 * goes to a site, it goes out, and is translated as that was: so it needs its zone.
 */
#include "agg/kernel/nat.h"
#include "agg/kernel/nft.h"
#include "agg/kernel/nft_text.h"

#include <errno.h>
#include <netinet/in.h>

/* RFC 4787, REQ-5: two minutes at least; games and calls are quiet for longer. */
#define UDP_UNREPLIED_S 120
#define UDP_REPLIED_S 300

static int check(const struct nat *want, struct kerr *err)
{
	for (size_t i = 0; i < want->count; i++)
		if (!nft_device_is_plain(want->sites[i].device))
			return kerr_set(err, -EINVAL, "device '%s'",
			                want->sites[i].device);
	return 0;
}

enum value { OF_DEVICE, MARK_FROM, MARK_TO, OF_ZONE, OF_END };

static void put_value(struct nft_text *w, const struct nat_site *site,
                      enum value value)
{
	uint32_t to = site->number << NAT_NUMBER_SHIFT;

	switch (value) {
	case OF_DEVICE: nft_put(w, "\"%s\"", site->device); break;
	case MARK_FROM: nft_put(w, "0x%08x", to | NAT_FROM); break;
	case MARK_TO: nft_put(w, "0x%08x", to); break;
	case OF_END: nft_put(w, "\"%s\" . 0x%08x", site->device, to); break;
	case OF_ZONE: nft_put(w, "%u", NAT_ZONE_BASE + site->number); break;
	}
}

/* "{ KEY : VALUE, ... }", or where they are the same of keys alone. */
static void put_all(struct nft_text *w, const struct nat *want, enum value key,
                    enum value value)
{
	for (size_t i = 0; i < want->count; i++) {
		nft_put(w, i ? ", " : "{ ");
		put_value(w, &want->sites[i], key);
		if (value == key)
			continue;
		nft_put(w, " : ");
		put_value(w, &want->sites[i], value);
	}
	nft_put(w, " }");
}

static void put_named(struct nft_text *w, const struct nat *want,
                      const char *what, enum value key, enum value value)
{
	nft_put(w, "\t%s\n\t\telements = ", what);
	put_all(w, want, key, value);
	nft_put(w, "\n\t}\n");
}

static void put_maps(struct nft_text *w, const struct nat *want)
{
	put_named(w, want, "set sites {\n\t\ttype ifname", OF_DEVICE, OF_DEVICE);
	put_named(w, want, "map marks {\n\t\ttype ifname : mark", OF_DEVICE,
	          MARK_FROM);
	put_named(w, want, "set ends {\n\t\ttype ifname . mark", OF_END, OF_END);
	put_named(w, want, "map answers {\n\t\ttype mark : mark", MARK_FROM,
	          MARK_TO);
	put_named(w, want, "set to_sites {\n\t\ttype mark", MARK_TO, MARK_TO);
	put_named(w, want, "set of_sites {\n\t\ttype mark", MARK_FROM, MARK_FROM);
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

/* Sites that reach each other ---------------------------------------------------- */

static bool is_any_reached(const struct nat *want)
{
	bool any = false;

	for (size_t i = 0; i < want->count; i++)
		any |= want->sites[i].reach_count;
	return any;
}

static void put_reached(struct nft_text *w, const struct nat *want, sa_family_t family)
{
	const char *start = "\t\telements = { ", *end = "";
	char text[ADDR_TEXT_MAX];

	nft_put(w, "\tmap reach%s {\n\t\ttype %s : mark\n\t\tflags interval\n",
	        family == AF_INET ? "4" : "6", family == AF_INET ? "ipv4_addr" : "ipv6_addr");
	for (size_t i = 0; i < want->count; i++)
		for (size_t k = 0; k < want->sites[i].reach_count; k++) {
			const struct prefix *net = &want->sites[i].reach[k];
			if (net->family != family)
				continue;
			nft_put(w, "%s%s : 0x%08x", start, prefix_format(net, text),
			        want->sites[i].number << NAT_NUMBER_SHIFT);
			start = ", ";
			end = " }\n";
		}
	nft_put(w, "%s\t}\n", end);
}

static void put_reachers(struct nft_text *w, const struct nat *want, const char *what,
                         enum value value)
{
	const char *start = "{ ";

	nft_put(w, "\tset %s\n\t\telements = ", what);
	for (size_t i = 0; i < want->count; i++) {
		if (!want->sites[i].reach_count)
			continue;
		nft_put(w, "%s", start);
		put_value(w, &want->sites[i], value);
		start = ", ";
	}
	nft_put(w, " }\n\t}\n");
}

static void put_reach(struct nft_text *w, const struct nat *want)
{
	if (!is_any_reached(want))
		return;
	put_reachers(w, want, "reachers {\n\t\ttype ifname", OF_DEVICE);
	put_reachers(w, want, "of_reachers {\n\t\ttype mark", MARK_FROM);
	put_reached(w, want, AF_INET);
	put_reached(w, want, AF_INET6);
}

/* The answer to another site's, before it is taken for something new. */
static void put_reach_answers(struct nft_text *w, const struct nat *want)
{
	if (is_any_reached(want))
		nft_put(w, "\t\tiifname @reachers ct direction reply ct mark @of_reachers "
		        "meta mark set ct mark map @answers accept\n");
}

/* What is for another's network goes there, and not the way of all. */
static void put_reach_ways(struct nft_text *w, const struct nat *want)
{
	if (is_any_reached(want))
		nft_put(w, "\t\tiifname @reachers meta mark set ip daddr map @reach4\n"
		        "\t\tiifname @reachers meta mark set ip6 daddr map @reach6\n");
}

static void put_between_sites(struct nft_text *w, const struct nat *want)
{
	bool any = is_any_reached(want);

	if (any)
		nft_put(w, "\t\tiifname @sites oifname @sites iifname != @reachers drop\n");
	nft_put(w, "\t\tiifname @sites oifname @sites %sdrop\n",
	        any ? "oifname != @reachers " : "");
}

static void put_zones(struct nft_text *w, const struct nat *want)
{
	nft_put(w, "\tchain zones {\n\t\ttype filter hook prerouting "
	        "priority raw; policy accept;\n"
	        "\t\tct original zone set iifname map ");
	put_all(w, want, OF_DEVICE, OF_ZONE);
	nft_put(w, "\n\t}\n\tchain own_zones {\n\t\ttype filter hook output "
	        "priority raw; policy accept;\n"
	        "\t\tct original zone set meta mark map ");
	put_all(w, want, MARK_TO, OF_ZONE);
	nft_put(w, "\n\t}\n");
}

/* Forwards ---------------------------------------------------------------------- */

static void put_forward(struct nft_text *w, const struct nat_forward *f,
                        uint8_t protocol)
{
	const char *family = f->to.family == AF_INET ? "ip" : "ip6";
	uint32_t mark = f->number << NAT_NUMBER_SHIFT;
	char text[ADDR_TEXT_MAX];

	if (addr_is_any(&f->listen))
		nft_put(w, "\t\tmeta nfproto %s fib daddr type local ",
		        f->to.family == AF_INET ? "ipv4" : "ipv6");
	else
		nft_put(w, "\t\t%s daddr %s ", family,
		        addr_format_ip(&f->listen, text));
	nft_put(w, "%s dport %u meta mark set 0x%08x ct mark set 0x%08x "
	        "dnat %s to %s\n", protocol == IPPROTO_TCP ? "tcp" : "udp",
	        f->listen.port, mark, mark, family, addr_format(&f->to, text));
}

static const char *family_of(const struct addr *a)
{
	return a->family == AF_INET ? "ip" : "ip6";
}

static void put_address(struct nft_text *w, const struct nat *want,
                        const struct nat_address *a)
{
	uint32_t mark = a->number << NAT_NUMBER_SHIFT;
	char own[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];

	addr_format_ip(&a->address, own);
	for (size_t i = 0; i < want->kept_count; i++)
		nft_put(w, "\t\t%s daddr %s meta l4proto { tcp, udp } th dport %u "
		        "accept\n", family_of(&a->to), own, want->kept[i]);
	nft_put(w, "\t\t%s daddr %s meta mark set 0x%08x ct mark set 0x%08x "
	        "dnat %s to %s\n", family_of(&a->to), own, mark, mark,
	        family_of(&a->to), addr_format_ip(&a->to, to));
}

/* What the host of a whole address begins. */
static void put_own_addresses(struct nft_text *w, const struct nat *want)
{
	char own[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];

	for (size_t i = 0; i < want->address_count; i++) {
		const struct nat_address *a = &want->addresses[i];
		nft_put(w, "\t\tmeta mark 0x%08x %s saddr %s snat %s to %s\n",
		        a->number << NAT_NUMBER_SHIFT | NAT_FROM, family_of(&a->to),
		        addr_format_ip(&a->to, to), family_of(&a->to),
		        addr_format_ip(&a->address, own));
	}
}

static void put_forwards(struct nft_text *w, const struct nat *want)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP };

	if (!want->forward_count && !want->address_count)
		return;
	nft_put(w, "\tchain forwards {\n\t\ttype nat hook prerouting "
	        "priority dstnat; policy accept;\n"
	        "\t\tiifname @sites accept\n");
	for (size_t i = 0; i < want->forward_count; i++)
		for (unsigned p = 0; p < 2; p++)
			if (!want->forwards[i].protocol ||
			    want->forwards[i].protocol == protocols[p])
				put_forward(w, &want->forwards[i], protocols[p]);
	for (size_t i = 0; i < want->address_count; i++)
		put_address(w, want, &want->addresses[i]);
	nft_put(w, "\t}\n");
}

static bool is_kept(const struct nat *want, uint16_t port)
{
	for (size_t i = 0; i < want->kept_count; i++)
		if (want->kept[i] == port)
			return true;
	return false;
}

bool nat_leads(const struct nat *want, uint8_t protocol, const struct addr *to,
               struct addr *out)
{
	for (size_t i = 0; i < want->forward_count; i++) {
		const struct nat_forward *f = &want->forwards[i];
		*out = f->to;
		if ((!f->protocol || f->protocol == protocol) &&
		    f->to.family == to->family && f->listen.port == to->port &&
		    (addr_is_any(&f->listen) || addr_equal_ip(&f->listen, to)))
			return true;
	}
	for (size_t i = 0; i < want->address_count; i++) {
		*out = want->addresses[i].to;
		out->port = to->port;
		if (addr_equal_ip(&want->addresses[i].address, to))
			return !is_kept(want, to->port);
	}
	return false;
}

/* The rest ------------------------------------------------------------------------ */

static void put_marks(struct nft_text *w, const struct nat *want)
{
	nft_put(w, "\tchain prerouting {\n\t\ttype filter hook prerouting "
	        "priority mangle + 10; policy accept;\n"
	        "\t\tiifname @sites ct direction reply "
	        "iifname . ct mark @ends accept\n"
	        "\t\tiifname @sites ct direction reply ct mark @to_sites drop\n"
	        "\t\tct direction original ct mark @to_sites "
	        "meta mark set ct mark accept\n");
	put_reach_answers(w, want);
	nft_put(w, "\t\tiifname @sites jump from_sites\n"
	        "\t\tct direction reply meta mark set ct mark map @answers accept\n"
	        "\t\tmeta mark set ip6 daddr map @prefixes\n"
	        "\t}\n\tchain from_sites {\n"
	        "\t\tmeta mark set iifname map @marks\n"
	        "\t\tct mark set meta mark\n");
	if (want->patient)
		nft_put(w, "\t\tmeta l4proto udp ct timeout set \"patient\"\n");
	put_reach_ways(w, want);
	nft_put(w, "\t\taccept\n\t}\n\tchain output {\n"
	        "\t\ttype route hook output priority mangle + 10; "
	        "policy accept;\n"
	        "\t\tmeta mark @to_sites meta mark set 0 accept\n"
	        "\t\tmeta mark set meta mark map @answers\n\t}\n");
}

static void put_exempt(struct nft_text *w, const struct nat *want)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < want->count; i++) {
		if (want->sites[i].prefix.family != AF_INET6)
			continue;
		nft_put(w, "\t\tmeta mark ");
		put_value(w, &want->sites[i], MARK_FROM);
		nft_put(w, " ip6 saddr %s accept\n",
		        prefix_format(&want->sites[i].prefix, text));
	}
}

static void put_ways_out(struct nft_text *w, const struct nat *want)
{
	nft_put(w, "\tchain forward {\n\t\ttype filter hook forward "
	        "priority filter; policy accept;\n");
	put_between_sites(w, want);
	nft_put(w, "\t\tiifname @sites tcp flags syn "
	        "tcp option maxseg size set rt mtu\n"
	        "\t\toifname @sites tcp flags syn "
	        "tcp option maxseg size set rt mtu\n"
	        "\t}\n\tchain postrouting {\n\t\ttype nat hook postrouting "
	        "priority srcnat; policy accept;\n"
	        "\t\toifname @sites accept\n");
	put_own_addresses(w, want);
	put_exempt(w, want);
	nft_put(w, "\t\tmeta mark @of_sites masquerade\n\t}\n");
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
	put_reach(&w, want);
	put_zones(&w, want);
	put_marks(&w, want);
	put_forwards(&w, want);
	put_ways_out(&w, want);
	nft_put(&w, "}\n");
	return w.rc ? kerr_set(err, w.rc, "writing the nft ruleset") : 0;
}
