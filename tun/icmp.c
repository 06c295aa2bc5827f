/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see icmp.h.
 */
#include "tun/icmp.h"

#include "tun/sum.h"

#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#define IPV4_HEADER 20u
#define IPV6_HEADER 40u
#define ICMP_HEADER 8u
#define IPV4_ANSWER_MAX 576u /* RFC 1812, 4.3.2.3 */
#define TTL 64
#define DSCP_CS6 48 /* RFC 1812, 4.3.2.5: internetwork control */

/* ---- How often ---- */

bool icmp_may(struct icmp_limit *limit, const struct inspection *in, uint64_t now_us)
{
	const uint64_t each_us = 1000000 / ICMP_ANSWERS_PER_SECOND;
	uint32_t h = 2166136261u; /* FNV-1a: who shares with whom does not matter much */
	uint64_t *full_us;

	for (unsigned i = 0; i < sizeof(in->src); i++)
		h = (h ^ in->src[i]) * 16777619u;
	full_us = &limit->full_us[h % ICMP_HOSTS];
	if (*full_us < now_us)
		*full_us = now_us;
	if (*full_us - now_us > each_us * (ICMP_ANSWERS_PER_SECOND - 1))
		return false;
	*full_us += each_us;
	return true;
}

/* ---- Whom ---- */

/* Is it the address of one host? Loopback, multicast, broadcast and :: are not. */
static bool is_unicast(uint8_t family, const uint8_t *ip)
{
	static const uint8_t none[16] = { 0 }, self[16] = { [15] = 1 };

	if (family == AF_INET)
		return ip[0] != 0 && ip[0] != 127 && ip[0] < 224;
	return ip[0] != 0xff && memcmp(ip, none, 16) && memcmp(ip, self, 16);
}

static bool is_answered(const struct inspection *in)
{
	return !in->is_error && in->fragment != INSPECT_FRAGMENT_OTHER &&
	       is_unicast(in->key.family, in->src) && is_unicast(in->key.family, in->dst);
}

/* ---- What ---- */

struct words {
	uint8_t type, code;
	uint32_t rest; /* the second half of the ICMP header */
};

/* Behind an IP header of so many bytes; how many there are then. */
static size_t write_icmp(uint8_t *out, size_t header, size_t most, const struct words *w,
                         const struct inspection *in, const uint8_t *p)
{
	size_t quoted = in->len;

	if (quoted > most - header - ICMP_HEADER)
		quoted = most - header - ICMP_HEADER;
	out[header] = w->type;
	out[header + 1] = w->code;
	sum_put16(out + header + 2, 0);
	sum_put16(out + header + 4, (uint16_t)(w->rest >> 16));
	sum_put16(out + header + 6, (uint16_t)w->rest);
	memcpy(out + header + ICMP_HEADER, p, quoted);
	return header + ICMP_HEADER + quoted;
}

static size_t write_ipv4(uint8_t *out, const struct words *w, const struct inspection *in,
                         const uint8_t *p, const uint8_t *from)
{
	size_t n = write_icmp(out, IPV4_HEADER, IPV4_ANSWER_MAX, w, in, p);

	memset(out, 0, IPV4_HEADER);
	out[0] = 0x45;
	out[1] = DSCP_CS6 << 2;
	sum_put16(out + 2, (uint16_t)n);
	out[8] = TTL;
	out[9] = IPPROTO_ICMP;
	memcpy(out + 12, from, 4);
	memcpy(out + 16, in->src, 4);
	sum_put16(out + 10, (uint16_t)~sum_fold(sum_add(0, out, IPV4_HEADER)));
	sum_put16(out + IPV4_HEADER + 2,
	          (uint16_t)~sum_fold(sum_add(0, out + IPV4_HEADER, n - IPV4_HEADER)));
	return n;
}

static size_t write_ipv6(uint8_t *out, const struct words *w, const struct inspection *in,
                         const uint8_t *p, const uint8_t *from)
{
	size_t n = write_icmp(out, IPV6_HEADER, ICMP_ANSWER_MAX, w, in, p);
	uint32_t upper = (uint32_t)(n - IPV6_HEADER);

	memset(out, 0, IPV6_HEADER);
	out[0] = 0x60 | DSCP_CS6 >> 2;
	sum_put16(out + 4, (uint16_t)upper);
	out[6] = IPPROTO_ICMPV6;
	out[7] = TTL;
	memcpy(out + 8, from, 16);
	memcpy(out + 24, in->src, 16);
	sum_put16(out + IPV6_HEADER + 2,
	          (uint16_t)~sum_fold(sum_add(sum_pseudo(out, IPPROTO_ICMPV6, upper),
	                                      out + IPV6_HEADER, upper)));
	return n;
}

static size_t write_answer(uint8_t *out, const struct words *v4, const struct words *v6,
                           const struct inspection *in, const uint8_t *p,
                           const uint8_t *from)
{
	if (!is_answered(in))
		return 0;
	return in->key.family == AF_INET ? write_ipv4(out, v4, in, p, from)
	                                 : write_ipv6(out, v6, in, p, from);
}

size_t icmp_too_big(uint8_t out[ICMP_ANSWER_MAX], const struct inspection *in,
                    const uint8_t *p, uint16_t mtu, const uint8_t *from)
{
	const struct words v4 = { ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu };
	const struct words v6 = { ICMP6_PACKET_TOO_BIG, 0, mtu };

	return write_answer(out, &v4, &v6, in, p, from);
}

size_t icmp_unreachable(uint8_t out[ICMP_ANSWER_MAX], const struct inspection *in,
                        const uint8_t *p, const uint8_t *from)
{
	const struct words v4 = { ICMP_DEST_UNREACH, ICMP_NET_UNREACH, 0 };
	const struct words v6 = { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOROUTE, 0 };

	return write_answer(out, &v4, &v6, in, p, from);
}
