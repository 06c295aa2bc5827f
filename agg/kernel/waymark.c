/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see waymark.h. Writes text in a buffer.
 *
 * A rule is three chains: one for each of its conditions. Who meets one goes to
 * the next, and behind the last to a chain that says the way; who does not
 * returns, to the next rule. That is asked packet by packet, before they are
 * tracked, as what goes into the tunnel is tracked apart.
 *
 * Then, with its connection known, a packet goes the way that this one began
 * with, whatever the rules say by now; and one that begins, the way that was said.
 * Here it turns out who leads a way: by an uplink goes what was decided so, and
 * stays with the uplink that led it at its first packet, while that one works:
 * moving it would end it, as others translate its address.
 */
#include "agg/kernel/waymark.h"
#include "agg/kernel/nft.h"
#include "agg/kernel/nft_text.h"

#include <netinet/in.h>
#include <stdio.h>

#define SET_TIMEOUT "1d" /* longer than a name's answer is kept anywhere */
#define SET_ELEMENTS_MAX 65535
#define HOOK "type filter hook prerouting priority %s; policy accept;"
#define EARLY "raw - 11" /* before intercept.c's rules about the tunnel, */
#define LATE "mangle + 9" /* and before those about TCP */

struct writer {
	struct nft_text text;
	const struct waymark_plan *plan; /* borrowed, as want */
	const struct intercept *want;
};

#define put(w, ...) nft_put(&(w)->text, __VA_ARGS__)

static const struct { sa_family_t family; char digit; const char *word; }
families[] = {
	{ AF_INET, '4', "ip" }, { AF_INET6, '6', "ip6" },
};
#define FAMILIES 2

/* Sets ------------------------------------------------------------------------ */

static bool has_family(const struct prefix *p, size_t count, sa_family_t family)
{
	for (size_t i = 0; i < count; i++)
		if (p[i].family == family)
			return true;
	return false;
}

/* One of each family, emptied and filled; auto-merge takes prefixes that
 * overlap or repeat. */
static void put_prefixes(struct writer *w, const char *name,
                         const struct prefix *prefixes, size_t count)
{
	char text[ADDR_TEXT_MAX];

	for (unsigned f = 0; f < FAMILIES; f++) {
		const char *comma = "";
		char digit = families[f].digit;
		put(w, "add set inet " WAYMARK_TABLE " %s%c { type ipv%c_addr; "
		    "flags interval; auto-merge; }\n"
		    "flush set inet " WAYMARK_TABLE " %s%c\n", name, digit, digit,
		    name, digit);
		if (!has_family(prefixes, count, families[f].family))
			continue;
		put(w, "add element inet " WAYMARK_TABLE " %s%c {", name, digit);
		for (size_t i = 0; i < count; i++) {
			if (prefixes[i].family != families[f].family)
				continue;
			put(w, "%s %s", comma, prefix_format(&prefixes[i], text));
			comma = ",";
		}
		put(w, " }\n");
	}
}

/* Those of names keep what is in them. */
static void put_sets(struct writer *w, unsigned n)
{
	const struct waymark_rule *rule = &w->plan->rules[n];
	char name[16];

	snprintf(name, sizeof(name), "dest%u_", n);
	if (rule->dest_count)
		put_prefixes(w, name, rule->dests, rule->dest_count);
	for (unsigned f = 0; f < FAMILIES && rule->named; f++)
		put(w, "add set inet " WAYMARK_TABLE " bypass_%s%c { type ipv%c_addr; "
		    "flags timeout; timeout " SET_TIMEOUT "; size %d; }\n",
		    rule->name, families[f].digit, families[f].digit,
		    SET_ELEMENTS_MAX);
}

/* Ways ------------------------------------------------------------------------ */

/* What stands before "set": a packet's mark, or its connection's. */
static void put_mark(struct writer *w, const char *what, unsigned way)
{
	uint32_t mask = waymark_mask(w->plan->bit);

	put(w, "%s set %s and 0x%08x or 0x%08x ", what, what, ~mask,
	    waymark_of(w->plan->bit, way));
}

static void put_way(struct writer *w, unsigned way)
{
	put(w, "\tchain way%u {\n", way);
	for (unsigned f = 0; f < FAMILIES; f++) {
		unsigned led = way == WAYMARK_DIRECT ? w->plan->direct[f] :
			way == WAYMARK_TUNNEL ? w->plan->tunnel[f] :
			WAYMARK_UPLINK + w->plan->led[f][way - WAYMARK_UPLINK];
		put(w, "\t\tmeta nfproto ipv%c ", families[f].digit);
		put_mark(w, "meta mark", led);
		put_mark(w, "ct mark", led);
		put(w, "accept\n");
	}
	put(w, "\t}\n");
}

static void put_say(struct writer *w, unsigned way)
{
	put(w, "\tchain say%u {\n\t\t", way);
	put_mark(w, "meta mark", way);
	put(w, "accept\n\t}\n");
}

static void put_ways(struct writer *w)
{
	for (unsigned way = WAYMARK_DIRECT;
	     way < WAYMARK_UPLINK + w->plan->uplinks; way++) {
		put_way(w, way);
		put_say(w, way);
	}
	put_say(w, WAYMARK_LOOK);
}

/* Conditions ------------------------------------------------------------------ */

static void put_names(struct writer *w, const struct waymark_rule *rule)
{
	/* The tunnel takes packets: nobody can be asked for a name by then. */
	bool tcp_too = rule->way == WAYMARK_TUNNEL;

	for (unsigned f = 0; f < FAMILIES; f++)
		put(w, "\t\t%s%s daddr @bypass_%s%c goto say%u\n",
		    tcp_too ? "" : "meta l4proto != tcp ", families[f].word,
		    rule->name, families[f].digit, rule->way);
	if (!tcp_too)
		put(w, "\t\tmeta l4proto tcp goto say%d\n", WAYMARK_LOOK);
}

static void put_dests(struct writer *w, unsigned n)
{
	const struct waymark_rule *rule = &w->plan->rules[n];

	put(w, "\tchain dests%u {\n", n);
	for (unsigned f = 0; f < FAMILIES; f++)
		if (has_family(rule->dests, rule->dest_count, families[f].family))
			put(w, "\t\t%s daddr @dest%u_%c goto say%u\n",
			    families[f].word, n, families[f].digit, rule->way);
	if (rule->named)
		put_names(w, rule);
	else if (!rule->dest_count)
		put(w, "\t\tgoto say%u\n", rule->way);
	put(w, "\t}\n");
}

static void put_port(struct writer *w, const struct selector_ports *p, unsigned n)
{
	static const struct { uint8_t protocol; const char *word; } words[] = {
		{ IPPROTO_TCP, "tcp" }, { IPPROTO_UDP, "udp" },
	};

	for (unsigned i = 0; i < 2; i++) {
		if (p->protocol && p->protocol != words[i].protocol)
			continue;
		if (p->first && p->first == p->last)
			put(w, "\t\t%s dport %u goto dests%u\n", words[i].word,
			    p->first, n);
		else if (p->first)
			put(w, "\t\t%s dport %u-%u goto dests%u\n", words[i].word,
			    p->first, p->last, n);
		else
			put(w, "\t\tmeta l4proto %s goto dests%u\n", words[i].word,
			    n);
	}
}

static void put_ports(struct writer *w, unsigned n)
{
	const struct waymark_rule *rule = &w->plan->rules[n];

	put(w, "\tchain ports%u {\n", n);
	for (size_t i = 0; i < rule->port_count; i++)
		put_port(w, &rule->ports[i], n);
	if (!rule->port_count)
		put(w, "\t\tgoto dests%u\n", n);
	put(w, "\t}\n");
}

static void put_host(struct writer *w, const struct selector_host *h, unsigned n)
{
	char text[SELECTOR_TEXT_MAX];

	put(w, "\t\t%s saddr %s goto ports%u\n", h->is_mac ? "ether" :
	    h->net.family == AF_INET ? "ip" : "ip6",
	    selector_host_format(h, text), n);
}

static void put_hosts(struct writer *w, unsigned n)
{
	const struct waymark_rule *rule = &w->plan->rules[n];

	put(w, "\tchain hosts%u {\n", n);
	for (size_t i = 0; i < rule->host_count; i++)
		put_host(w, &rule->hosts[i], n);
	if (!rule->host_count)
		put(w, "\t\tgoto ports%u\n", n);
	put(w, "\t}\n");
}

/* The table ------------------------------------------------------------------- */

/* What the rules say. Of TCP the first packet is enough. */
static void put_rules(struct writer *w)
{
	put(w, "\tchain rules {\n\t\tmeta mark set mark and 0x%08x\n"
	    "\t\tmeta l4proto tcp " NFT_NOT_FIRST " return\n" NFT_SPARED,
	    ~waymark_mask(w->plan->bit));
	for (unsigned n = 0; n < w->plan->count; n++)
		put(w, "\t\tjump hosts%u\n", n);
	put(w, "\t}\n");
}

/* From a mark, of packet or connection, to the chain of its way. */
static void put_map(struct writer *w, const char *what)
{
	uint32_t bit = w->plan->bit;

	put(w, "\t\t%s and 0x%08x vmap { ", what, waymark_mask(bit));
	for (unsigned way = WAYMARK_DIRECT;
	     way < WAYMARK_UPLINK + w->plan->uplinks; way++)
		put(w, "%s0x%08x : goto way%u", way > WAYMARK_DIRECT ? ", " : "",
		    waymark_of(bit, way), way);
	put(w, " }\n");
}

/* Where its connection began without a way, it has none. */
static void put_connections(struct writer *w)
{
	put(w, "\tchain connections {\n");
	put_map(w, "ct mark");
	put(w, "\t\tmeta l4proto tcp " NFT_NOT_FIRST " goto without\n"
	    "\t\tmeta l4proto != tcp ct state established,related goto without\n");
	put_map(w, "meta mark");
	put(w, "\t}\n\tchain without {\n\t\tmeta mark set mark and 0x%08x\n"
	    "\t}\n", ~waymark_mask(w->plan->bit));
}

static void put_hook(struct writer *w, const char *name, const char *priority,
                     const char *chain)
{
	put(w, "\tchain %s {\n\t\t" HOOK "\n\t\tiifname { ", name, priority);
	for (size_t i = 0; i < w->want->devices_count; i++)
		put(w, "%s\"%s\"", i ? ", " : "", w->want->devices[i]);
	put(w, " } jump %s\n\t}\n", chain);
}

int waymark_ruleset(struct buf *out, const struct waymark_plan *plan,
                    const struct intercept *want)
{
	struct writer w = { .text = { .out = out }, .plan = plan, .want = want };

	put(&w, "add table inet " WAYMARK_TABLE "\n");
	if (!plan->count) {
		put(&w, "delete table inet " WAYMARK_TABLE "\n");
		return w.text.rc;
	}
	/* The rules go, and the chains and sets stay. */
	put(&w, "flush table inet " WAYMARK_TABLE "\n");
	put_prefixes(&w, "connected", want->connected, want->connected_count);
	for (unsigned n = 0; n < plan->count; n++)
		put_sets(&w, n);
	put(&w, "table inet " WAYMARK_TABLE " {\n");
	put_ways(&w);
	for (unsigned n = 0; n < plan->count; n++) {
		put_dests(&w, n);
		put_ports(&w, n);
		put_hosts(&w, n);
	}
	put_rules(&w);
	put_connections(&w);
	put_hook(&w, "early", EARLY, "rules");
	put_hook(&w, "late", LATE, "connections");
	put(&w, "}\n");
	return w.text.rc;
}
