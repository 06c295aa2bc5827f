/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see inspect.h.
 */
#include "tun/inspect.h"

#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>
#include <sys/socket.h>

#define IPV4_HEADER 20u
#define IPV6_HEADER 40u
#define IPV4_DF 0x4000u
#define IPV4_MF 0x2000u
#define IPV4_OFFSET 0x1fffu

enum { DSCP_LE = 1, DSCP_CS1 = 8, DSCP_AF41 = 34, DSCP_AF42 = 36, DSCP_AF43 = 38,
       DSCP_CS5 = 40, DSCP_VA = 44, DSCP_EF = 46 };

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

/* ---- IP: 0 or -EBADMSG; of a quoted packet the end may be cut ---- */

static int read_ipv4(struct inspection *out, const uint8_t *p, size_t n, bool is_cut)
{
	unsigned header = (p[0] & 15u) * 4, bits;

	if (n < IPV4_HEADER || header < IPV4_HEADER || header > n)
		return -EBADMSG;
	out->len = get16(p + 2);
	if (out->len < header || (out->len > n && !is_cut))
		return -EBADMSG;
	bits = get16(p + 6);
	if (bits & (IPV4_MF | IPV4_OFFSET)) {
		out->fragment = bits & IPV4_OFFSET ? INSPECT_FRAGMENT_OTHER
		                                   : INSPECT_FRAGMENT_FIRST;
		out->fragment_id = get16(p + 4);
	}
	out->may_fragment = !(bits & IPV4_DF);
	out->dscp = p[1] >> 2;
	out->ecn = p[1] & 3;
	out->ttl = p[8];
	out->protocol = p[9];
	out->upper = (uint16_t)header;
	out->key.family = AF_INET;
	memcpy(out->src, p + 12, 4);
	memcpy(out->dst, p + 16, 4);
	return 0;
}

/* Past one extension header at out->upper, if it is one and whole: true. */
static bool pass_extension(struct inspection *out, const uint8_t *p, size_t end)
{
	const uint8_t *ext = p + out->upper;
	size_t left = end - out->upper, len;

	switch (out->protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		if (left < 8)
			return false;
		len = (ext[1] + 1u) * 8;
		break;
	case IPPROTO_FRAGMENT:
		if (left < 8)
			return false;
		len = 8;
		if (get16(ext + 2) & 0xfff9) { /* else it is a packet in one piece */
			out->fragment = get16(ext + 2) & 0xfff8 ? INSPECT_FRAGMENT_OTHER
			                                        : INSPECT_FRAGMENT_FIRST;
			out->fragment_id = get32(ext + 4);
		}
		break;
	default:
		return false;
	}
	if (len > left)
		return false;
	out->protocol = ext[0];
	out->upper = (uint16_t)(out->upper + len);
	return out->fragment != INSPECT_FRAGMENT_OTHER;
}

static int read_ipv6(struct inspection *out, const uint8_t *p, size_t n, bool is_cut)
{
	size_t len;

	if (n < IPV6_HEADER)
		return -EBADMSG;
	len = IPV6_HEADER + get16(p + 4);
	if ((len > n && !is_cut) || len > UINT16_MAX)
		return -EBADMSG;
	out->len = (uint16_t)len;
	out->dscp = (uint8_t)(get16(p) >> 6 & 63);
	out->ecn = p[1] >> 4 & 3;
	out->ttl = p[7];
	out->protocol = p[6];
	out->upper = IPV6_HEADER;
	out->key.family = AF_INET6;
	memcpy(out->src, p + 8, 16);
	memcpy(out->dst, p + 24, 16);
	for (unsigned i = 0; i < INSPECT_EXTENSIONS_MAX; i++)
		if (!pass_extension(out, p, len < n ? len : n))
			break;
	return 0;
}

static int read_ip(struct inspection *out, const uint8_t *p, size_t n, bool is_cut)
{
	int rc = -EBADMSG;

	memset(out, 0, sizeof(*out));
	if (n && p[0] >> 4 == 4)
		rc = read_ipv4(out, p, n, is_cut);
	else if (n && p[0] >> 4 == 6)
		rc = read_ipv6(out, p, n, is_cut);
	if (rc)
		return rc;
	memcpy(out->key.src, out->src, sizeof(out->src));
	memcpy(out->key.dst, out->dst, sizeof(out->dst));
	out->key.protocol = out->protocol;
	return 0;
}

/* ---- Above IP ---- */

static bool is_icmp_error(uint8_t family, uint8_t type)
{
	if (family == AF_INET6)
		return type < ICMP6_ECHO_REQUEST; /* RFC 4443, 2.1 */
	return type == ICMP_DEST_UNREACH || type == ICMP_SOURCE_QUENCH ||
	       type == ICMP_REDIRECT || type == ICMP_TIME_EXCEEDED ||
	       type == ICMP_PARAMETERPROB;
}

static bool is_icmp_echo(uint8_t family, uint8_t type)
{
	if (family == AF_INET6)
		return type == ICMP6_ECHO_REQUEST || type == ICMP6_ECHO_REPLY;
	return type == ICMP_ECHO || type == ICMP_ECHOREPLY || type == ICMP_TIMESTAMP ||
	       type == ICMP_TIMESTAMPREPLY;
}

static bool is_icmp(const struct inspection *in)
{
	return in->protocol == (in->key.family == AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

static void read_ports(struct inspection *out, const uint8_t *p, size_t n)
{
	const uint8_t *upper = p + out->upper;
	size_t left = n - out->upper;

	if (out->fragment)
		return;
	switch (out->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_ESP:
		if (left < 4)
			return;
		out->key.sport = get16(upper);
		out->key.dport = get16(upper + 2);
		return;
	default:
		if (!is_icmp(out) || left < 2)
			return;
		out->icmp_type = upper[0];
		out->icmp_code = upper[1];
		out->is_error = is_icmp_error(out->key.family, upper[0]);
		if (left >= 6 && is_icmp_echo(out->key.family, upper[0]))
			out->key.sport = get16(upper + 4);
	}
}

static void swap_ports_of_echo(struct inspect_key *key)
{
	if (key->protocol == IPPROTO_ICMP || key->protocol == IPPROTO_ICMPV6) {
		key->sport = key->dport; /* the identifier is the same both ways */
		key->dport = 0;
	}
}

/* The flow of an error is that of its quote, which went the other way. */
static void read_quote(struct inspection *out, const uint8_t *p, size_t n)
{
	struct inspection quoted;
	size_t at = out->upper + 8u;

	if (n <= at || read_ip(&quoted, p + at, n - at, true) ||
	    quoted.key.family != out->key.family)
		return;
	if (n - at > quoted.upper)
		read_ports(&quoted, p + at, n - at);
	inspect_turn(&out->key, &quoted.key);
}

int inspect_packet(struct inspection *out, const uint8_t *p, size_t n)
{
	int rc = read_ip(out, p, n, false);

	if (rc)
		return rc;
	read_ports(out, p, out->len);
	if (out->is_error)
		read_quote(out, p, out->len);
	return 0;
}

enum traffic inspect_traffic(const struct inspection *in)
{
	switch (in->dscp) {
	case DSCP_EF:
	case DSCP_VA:
	case DSCP_CS5:
	case DSCP_AF41:
	case DSCP_AF42:
	case DSCP_AF43:
		return TRAFFIC_REALTIME;
	case DSCP_LE:
	case DSCP_CS1:
		return TRAFFIC_BULK;
	default:
		return TRAFFIC_NORMAL;
	}
}

void inspect_turn(struct inspect_key *out, const struct inspect_key *key)
{
	struct inspect_key turned = { .sport = key->dport, .dport = key->sport,
	                              .family = key->family, .protocol = key->protocol };

	memcpy(turned.src, key->dst, sizeof(turned.src));
	memcpy(turned.dst, key->src, sizeof(turned.dst));
	swap_ports_of_echo(&turned);
	*out = turned;
}

/* ---- ECN ---- */

static bool mark_ipv4(uint8_t *p)
{
	uint16_t before = get16(p), after;
	uint32_t sum;

	p[1] |= INSPECT_CE;
	after = get16(p);
	/* RFC 1624: the new sum, of what was and what is. */
	sum = (uint16_t)~get16(p + 10) + (uint32_t)(uint16_t)~before + after;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum;
	p[10] = (uint8_t)(sum >> 8);
	p[11] = (uint8_t)sum;
	return true;
}

bool inspect_mark(uint8_t *p, size_t n)
{
	if (n >= IPV4_HEADER && p[0] >> 4 == 4) {
		if ((p[1] & 3) == INSPECT_NOT_ECT)
			return false;
		return (p[1] & 3) == INSPECT_CE || mark_ipv4(p);
	}
	if (n < IPV6_HEADER || p[0] >> 4 != 6 || (p[1] >> 4 & 3) == INSPECT_NOT_ECT)
		return false;
	p[1] |= INSPECT_CE << 4;
	return true;
}
