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
 */
#include "agg/kernel/nft.h"

#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>

#define NOT_FIRST "tcp flags & (fin | syn | rst | ack) != syn"

/* A buffer that remembers the first failure. */
struct writer {
	struct buf *out; /* borrowed */
	int rc;
};

#define put(w, ...) \
	((w)->rc = (w)->rc ? (w)->rc : buf_printf((w)->out, __VA_ARGS__))

/* In nft's quotes '"' ends the name and '*' is a wildcard: names are kept to
 * what people use. */
static bool device_is_plain(const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+@";
	size_t len = strlen(name);

	return len > 0 && len < IFNAMSIZ && strspn(name, plain) == len;
}

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
		if (!device_is_plain(want->devices[i]))
			return kerr_set(err, -EINVAL, "LAN device '%s'",
			                want->devices[i]);
	return 0;
}

/* An interval set of the prefixes of one family; auto-merge takes those that
 * overlap or repeat. */
static void put_set(struct writer *w, const char *name, sa_family_t family,
                    const struct prefix *prefixes, size_t count)
{
	int version = family == AF_INET ? 4 : 6;
	const char *before = "\t\telements = { ", *after = "";
	char text[ADDR_TEXT_MAX];

	put(w, "\tset %s%d {\n\t\ttype ipv%d_addr\n"
	    "\t\tflags interval\n\t\tauto-merge\n", name, version, version);
	for (size_t i = 0; i < count; i++) {
		if (prefixes[i].family != family)
			continue;
		put(w, "%s%s", before, prefix_format(&prefixes[i], text));
		before = ", ";
		after = " }\n";
	}
	put(w, "%s\t}\n", after);
}

static void put_sets(struct writer *w, const struct intercept *want)
{
	static const sa_family_t families[] = { AF_INET, AF_INET6 };

	for (int i = 0; i < 2; i++) {
		put_set(w, "bypass", families[i], want->bypass,
		        want->bypass_count);
		put_set(w, "connected", families[i], want->connected,
		        want->connected_count);
	}
}

static void put_prerouting(struct writer *w, const struct intercept *want)
{
	put(w, "\tchain prerouting {\n\t\ttype filter hook prerouting "
	    "priority mangle + 10; policy accept;\n\t\tiifname { ");
	for (size_t i = 0; i < want->devices_count; i++)
		put(w, "%s\"%s\"", i ? ", " : "", want->devices[i]);
	put(w, " } meta l4proto tcp jump lan\n\t}\n");
}

static void put_mode(struct writer *w, const struct intercept *want,
                     sa_family_t family)
{
	bool v4 = family == AF_INET;

	switch (v4 ? want->v4_mode : want->v6_mode) {
	case INTERCEPT_TAKE:
		put(w, "\t\tmeta nfproto %s meta l4proto tcp tproxy %s to %s:%u "
		    "meta mark set mark or 0x%08x accept\n",
		    v4 ? "ipv4" : "ipv6", v4 ? "ip" : "ip6",
		    v4 ? "127.0.0.1" : "[::1]", want->port, want->mark);
		break;
	case INTERCEPT_REJECT:
		put(w, "\t\tmeta nfproto %s meta l4proto tcp reject with tcp reset\n",
		    v4 ? "ipv4" : "ipv6");
		break;
	case INTERCEPT_FORWARD:
		break;
	}
}

static void put_lan(struct writer *w, const struct intercept *want)
{
	put(w, "\tchain lan {\n"
	    "\t\t" NOT_FIRST " socket transparent 1 "
	    "meta mark set mark or 0x%08x accept\n"
	    "\t\t" NOT_FIRST " return\n", want->mark);
	put(w, "\t\tfib daddr type { local, broadcast, anycast, multicast } "
	    "return\n"
	    "\t\tip daddr { 0.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16, "
	    "224.0.0.0/3 } return\n"
	    "\t\tip6 daddr { ::/127, fe80::/10, ff00::/8 } return\n"
	    "\t\tip daddr @bypass4 return\n"
	    "\t\tip6 daddr @bypass6 return\n"
	    "\t\tip daddr @connected4 return\n"
	    "\t\tip6 daddr @connected6 return\n");
	put_mode(w, want, AF_INET);
	put_mode(w, want, AF_INET6);
	put(w, "\t}\n");
}

int intercept_ruleset(struct buf *out, const struct intercept *want,
                      struct kerr *err)
{
	struct writer w = { .out = out };
	int rc = check(want, err);

	if (rc)
		return rc;
	put(&w, "add table inet " NFT_TABLE "\ndelete table inet " NFT_TABLE
	    "\ntable inet " NFT_TABLE " {\n");
	put_sets(&w, want);
	put_prerouting(&w, want);
	put_lan(&w, want);
	put(&w, "}\n");
	return w.rc ? kerr_set(err, w.rc, "writing the nft ruleset") : 0;
}
