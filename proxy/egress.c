/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see egress.h. Pure: tables and a walk over them. The registries are
 * IANA's special-purpose addresses (RFC 6890); documentation prefixes are not
 * among the refused, as nothing of ours can hide behind them.
 */
#include "proxy/egress.h"

#include <string.h>

static const struct prefix refused[] = {
	{ AF_INET, 8, { 0 } },               /* "this" network, unspecified */
	{ AF_INET, 8, { 10 } },              /* RFC 1918 */
	{ AF_INET, 10, { 100, 64 } },        /* CGNAT, RFC 6598 */
	{ AF_INET, 8, { 127 } },             /* loopback */
	{ AF_INET, 16, { 169, 254 } },       /* link-local, RFC 3927 */
	{ AF_INET, 12, { 172, 16 } },        /* RFC 1918 */
	{ AF_INET, 24, { 192, 0, 0 } },      /* protocol assignments, RFC 6890 */
	{ AF_INET, 16, { 192, 168 } },       /* RFC 1918 */
	{ AF_INET, 15, { 198, 18 } },        /* benchmarks, RFC 2544 */
	{ AF_INET, 4, { 224 } },             /* multicast */
	{ AF_INET, 4, { 240 } },             /* reserved, broadcast */
	{ AF_INET6, 127, { 0 } },            /* unspecified, loopback */
	{ AF_INET6, 10, { 0xfe, 0x80 } },    /* link-local */
	{ AF_INET6, 10, { 0xfe, 0xc0 } },    /* site-local, RFC 3879 */
	{ AF_INET6, 7, { 0xfc } },           /* unique local, RFC 4193 */
	{ AF_INET6, 8, { 0xff } },           /* multicast */
};

/* Where IPv6 addresses carry IPv4 addresses: those whose bytes from `from` on
 * are match[0 .. match_len) carry one in the bytes at[0..3]. */
struct embedding {
	uint8_t from, match_len;
	uint8_t match[12];
	uint8_t at[4];
	bool inverted; /* Teredo hides the client's address from NATs */
	/* RFC 8215 leaves the length of the NAT64 prefix open, so each length
	 * is tried; one that gives 0.0.0.0/8 is not the one in use. */
	bool guess;
};

static const struct embedding embeddings[] = {
	{ 0, 12, { [10] = 0xff, 0xff }, { 12, 13, 14, 15 } },        /* mapped */
	{ 0, 12, { 0 }, { 12, 13, 14, 15 } },                        /* compatible */
	{ 0, 12, { [8] = 0xff, 0xff }, { 12, 13, 14, 15 } },         /* translated */
	{ 0, 12, { 0, 0x64, 0xff, 0x9b }, { 12, 13, 14, 15 } },      /* NAT64 */
	{ 0, 6, { 0, 0x64, 0xff, 0x9b, 0, 1 }, { 6, 7, 9, 10 }, .guess = true },
	{ 0, 6, { 0, 0x64, 0xff, 0x9b, 0, 1 }, { 7, 9, 10, 11 }, .guess = true },
	{ 0, 6, { 0, 0x64, 0xff, 0x9b, 0, 1 }, { 9, 10, 11, 12 }, .guess = true },
	{ 0, 6, { 0, 0x64, 0xff, 0x9b, 0, 1 }, { 12, 13, 14, 15 }, .guess = true },
	{ 0, 2, { 0x20, 0x02 }, { 2, 3, 4, 5 } },                    /* 6to4 */
	{ 0, 4, { 0x20, 0x01, 0, 0 }, { 4, 5, 6, 7 } },              /* Teredo */
	{ 0, 4, { 0x20, 0x01, 0, 0 }, { 12, 13, 14, 15 }, .inverted = true },
	{ 8, 4, { 0, 0, 0x5e, 0xfe }, { 12, 13, 14, 15 } },          /* ISATAP */
	{ 8, 4, { 2, 0, 0x5e, 0xfe }, { 12, 13, 14, 15 } },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static bool names(const struct egress *e, const struct addr *a,
                  unsigned length_min)
{
	for (size_t i = 0; i < e->allow_count; i++)
		if (e->allow[i].length >= length_min &&
		    prefix_has(&e->allow[i], a))
			return true;
	return false;
}

static bool is_refused(const struct egress *e, const struct addr *a)
{
	for (size_t i = 0; i < COUNT(refused); i++)
		if (prefix_has(&refused[i], a))
			return true;
	struct addr ip = *a;
	ip.port = 0;
	ip.scope_id = 0;
	return e->is_local && e->is_local(e->ctx, &ip);
}

static bool is_carrier(const struct embedding *m, const struct addr *a)
{
	return !memcmp(a->ip + m->from, m->match, m->match_len);
}

static struct addr inner(const struct embedding *m, const struct addr *a)
{
	struct addr v4 = { .family = AF_INET };

	for (int i = 0; i < 4; i++)
		v4.ip[i] = a->ip[m->at[i]] ^ (m->inverted ? 0xff : 0);
	return v4;
}

/* Everything inside of an IPv6 address may be gone to. */
static bool inner_allowed(const struct egress *e, const struct addr *a)
{
	bool guessing = false, guessed = false;

	for (size_t i = 0; i < COUNT(embeddings); i++) {
		const struct embedding *m = &embeddings[i];
		if (!is_carrier(m, a))
			continue;
		unsigned length = 8u * (m->from + m->match_len);
		if (names(e, a, length))
			continue;
		struct addr v4 = inner(m, a);
		guessing |= m->guess;
		if (m->guess && v4.ip[0] == 0)
			continue;
		guessed |= m->guess;
		if (is_refused(e, &v4) && !names(e, &v4, 0))
			return false;
	}
	return guessed == guessing;
}

struct addr egress_unmapped(const struct addr *a)
{
	const struct embedding *mapped = &embeddings[0];

	if (a->family != AF_INET6 || !is_carrier(mapped, a))
		return *a;
	struct addr v4 = inner(mapped, a);
	v4.port = a->port;
	return v4;
}

bool egress_allows(const struct egress *e, const struct addr *a)
{
	if (!addr_ip_len(a))
		return false;
	if (is_refused(e, a) && !names(e, a, 0))
		return false;
	/* :: and ::1 are no v4-compatible addresses: decided above. */
	struct prefix plain = { AF_INET6, 127, { 0 } };
	return a->family == AF_INET || prefix_has(&plain, a) ||
	       inner_allowed(e, a);
}
