/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see gso.h.
 */
#include "tun/gso.h"

#include "tun/sum.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#define IPV4_HEADER 20u
#define IPV6_HEADER 40u
#define UDP_HEADER 8u
#define TCP_HEADER 20u

enum { TCP_FIN = 1, TCP_PSH = 8, TCP_ACK = 16, TCP_ECE = 64, TCP_CWR = 128 };

/* Where the checksum is in the upper header. */
static unsigned sum_offset(uint8_t type)
{
	return type == GSO_UDP ? 6 : 16;
}

static uint8_t protocol_of(uint8_t type)
{
	return type == GSO_UDP ? IPPROTO_UDP : IPPROTO_TCP;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)sum_get16(p) << 16 | sum_get16(p + 2);
}

static void put32(uint8_t *p, uint32_t x)
{
	sum_put16(p, (uint16_t)(x >> 16));
	sum_put16(p + 2, (uint16_t)x);
}

/* A checksum of 0 would mean that there is none. */
static void put_sum(uint8_t *p, uint64_t sum)
{
	uint16_t folded = (uint16_t)~sum_fold(sum);

	sum_put16(p, folded ? folded : 0xffff);
}

static void put_ipv4_sum(uint8_t *ip, size_t header)
{
	sum_put16(ip + 10, 0);
	sum_put16(ip + 10, (uint16_t)~sum_fold(sum_add(0, ip, header)));
}

/* ---- To cut ---- */

/* Another flag is of a packet whose checksum the kernel has found to be right. */
static bool needs_sum(const struct gso_header *h)
{
	return h->flags & GSO_NEEDS_SUM;
}

static int begin_whole(struct gso_cut *cut, const struct gso_header *h)
{
	cut->size = (uint16_t)cut->n;
	if (!needs_sum(h))
		return 0;
	if (h->sum_start < IPV4_HEADER ||
	    h->sum_start + (uint32_t)h->sum_offset + 2 > cut->n)
		return -EBADMSG;
	cut->upper = h->sum_start;
	cut->sum_at = (uint16_t)(h->sum_start + h->sum_offset);
	return 0;
}

/* Where the upper header begins, by the IP header and what the kernel says; 0: the
 * two do not agree. */
static unsigned find_upper(const struct gso_cut *cut, const struct gso_header *h)
{
	const uint8_t *p = cut->p;
	unsigned upper;

	if (p[0] >> 4 == 4) {
		upper = (p[0] & 15u) * 4;
		if (upper < IPV4_HEADER || p[9] != protocol_of(cut->type) ||
		    (needs_sum(h) && h->sum_start != upper))
			return 0;
		return upper;
	}
	if (cut->n < IPV6_HEADER)
		return 0;
	upper = needs_sum(h) ? h->sum_start : IPV6_HEADER;
	if (upper < IPV6_HEADER ||
	    (upper == IPV6_HEADER && p[6] != protocol_of(cut->type)))
		return 0;
	return upper;
}

static int begin_segments(struct gso_cut *cut, const struct gso_header *h)
{
	const uint8_t *p = cut->p;
	unsigned upper = find_upper(cut, h), headers;

	if (!upper || upper + TCP_HEADER > cut->n + (cut->type == GSO_UDP) * 12u)
		return -EBADMSG;
	headers = upper + UDP_HEADER;
	if (cut->type != GSO_UDP) {
		headers = upper + (p[upper + 12] >> 4) * 4u;
		if (headers < upper + TCP_HEADER)
			return -EBADMSG;
	}
	if (headers >= cut->n || !h->size)
		return -EBADMSG;
	cut->upper = (uint16_t)upper;
	cut->headers = (uint16_t)headers;
	cut->size = h->size;
	cut->sum_at = (uint16_t)(upper + sum_offset(cut->type));
	/* What is the same in all: the pseudo header but its length, and the upper one. */
	cut->sum = sum_pseudo(p, protocol_of(cut->type), 0);
	return 0;
}

int gso_cut_begin(struct gso_cut *cut, const struct gso_header *h, const uint8_t *p,
                  size_t n)
{
	unsigned version = n ? p[0] >> 4 : 0;

	if (n < IPV4_HEADER || n > GSO_BYTES_MAX || (version != 4 && version != 6))
		return -EBADMSG;
	*cut = (struct gso_cut){ .p = p, .n = (uint32_t)n,
	                         .type = (uint8_t)(h->type & ~GSO_CWR_ONCE),
	                         .is_once = h->type & GSO_CWR_ONCE };
	if (cut->type == GSO_NONE)
		return begin_whole(cut, h);
	if (cut->type == GSO_UDP || (cut->type == GSO_TCP4 && version == 4) ||
	    (cut->type == GSO_TCP6 && version == 6))
		return begin_segments(cut, h);
	return -EBADMSG;
}

static uint32_t segment_size(const struct gso_cut *cut)
{
	uint32_t left = cut->n - cut->headers - cut->at;

	return left < cut->size ? left : cut->size;
}

size_t gso_cut_length(const struct gso_cut *cut)
{
	uint32_t size = segment_size(cut);

	return size ? cut->headers + size : 0;
}

static void write_whole(struct gso_cut *cut, uint8_t *out)
{
	uint64_t sum;

	if (!cut->sum_at) {
		memcpy(out, cut->p, cut->n);
		return;
	}
	memcpy(out, cut->p, cut->upper);
	sum = sum_copy(0, out + cut->upper, cut->p + cut->upper, cut->n - cut->upper);
	put_sum(out + cut->sum_at, sum); /* with the pseudo header's, that was there */
}

static void write_ip(const struct gso_cut *cut, uint8_t *out, size_t n)
{
	if (out[0] >> 4 == 4) {
		sum_put16(out + 2, (uint16_t)n);
		sum_put16(out + 4, (uint16_t)(sum_get16(out + 4) + cut->index));
		put_ipv4_sum(out, cut->upper);
	} else {
		sum_put16(out + 4, (uint16_t)(n - IPV6_HEADER));
	}
}

static void write_tcp(const struct gso_cut *cut, uint8_t *tcp, bool is_last)
{
	put32(tcp + 4, get32(tcp + 4) + cut->at);
	if (!is_last)
		tcp[13] &= (uint8_t)~(TCP_FIN | TCP_PSH);
	if (cut->index && cut->is_once)
		tcp[13] &= (uint8_t)~TCP_CWR;
}

static void write_segment(const struct gso_cut *cut, uint8_t *out, uint32_t size)
{
	uint8_t *upper = out + cut->upper;
	uint16_t upper_bytes = (uint16_t)(cut->headers - cut->upper + size);
	uint64_t sum;

	memcpy(out, cut->p, cut->headers);
	write_ip(cut, out, cut->headers + size);
	if (cut->type == GSO_UDP)
		sum_put16(upper + 4, upper_bytes);
	else
		write_tcp(cut, upper, cut->headers + cut->at + size == cut->n);
	sum_put16(out + cut->sum_at, 0);
	sum = sum_copy(cut->sum + htons(upper_bytes), out + cut->headers,
	               cut->p + cut->headers + cut->at, size);
	put_sum(out + cut->sum_at,
	        sum_add(sum, upper, (size_t)(cut->headers - cut->upper)));
}

void gso_cut_next(struct gso_cut *cut, uint8_t *out)
{
	uint32_t size = segment_size(cut);

	if (cut->type == GSO_NONE)
		write_whole(cut, out);
	else
		write_segment(cut, out, size);
	cut->at += size;
	cut->index++;
}

/* ---- To merge ---- */

/* Where the ports are; 0: there are none that all of its flow's packets have. */
static unsigned find_ports(const uint8_t *p, size_t n)
{
	bool v4 = p[0] >> 4 == 4;
	unsigned at = v4 ? (p[0] & 15u) * 4 : IPV6_HEADER;
	uint8_t protocol = v4 ? p[9] : p[6];

	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return 0;
	if (v4 && sum_get16(p + 6) & 0x3fff) /* a fragment */
		return 0;
	return at >= IPV4_HEADER && at + 4 <= n ? at : 0;
}

/* The same number for all packets of a flow. */
static uint32_t flow_of(const uint8_t *p, size_t n)
{
	unsigned from = p[0] >> 4 == 4 ? 12 : 8, to = from == 12 ? 20 : 40, ports;
	uint32_t flow;

	if (n < to)
		return 0;
	flow = p[from == 12 ? 9 : 6]; /* the protocol */
	for (unsigned i = from; i < to; i += 4)
		flow = (flow ^ get32(p + i)) * 2654435761u;
	ports = find_ports(p, n);
	return ports ? (flow ^ get32(p + ports)) * 2654435761u : flow;
}

/* The upper header of a packet whose IP header may be merged; 0: it may not. */
static unsigned plain_upper(const uint8_t *p, size_t n, uint8_t *protocol)
{
	if (n >= IPV4_HEADER && p[0] == 0x45) {
		*protocol = p[9];
		return sum_get16(p + 2) == n && !(p[6] & 0xbf) && !p[7] &&
		       sum_fold(sum_add(0, p, IPV4_HEADER)) == 0xffff ? IPV4_HEADER : 0;
	}
	if (n >= IPV6_HEADER && p[0] >> 4 == 6) {
		*protocol = p[6];
		return sum_get16(p + 4) + IPV6_HEADER == n ? IPV6_HEADER : 0;
	}
	return 0;
}

/* How long both headers are; 0: it is not to be merged. */
static unsigned plain_headers(const uint8_t *p, size_t n, unsigned upper, uint8_t type)
{
	const uint8_t *q = p + upper;
	size_t left = n - upper;
	unsigned header;

	if (type == GSO_UDP)
		return left > UDP_HEADER && sum_get16(q + 4) == left && sum_get16(q + 6)
		       ? upper + UDP_HEADER : 0;
	if (left <= TCP_HEADER)
		return 0;
	header = (q[12] >> 4) * 4u;
	if (header < TCP_HEADER || header >= left || q[12] & 15 ||
	    (q[13] & ~(TCP_PSH | TCP_ECE)) != TCP_ACK)
		return 0;
	return upper + header;
}

static bool is_sum_right(const uint8_t *p, size_t n, unsigned upper, uint8_t type)
{
	uint64_t sum = sum_pseudo(p, protocol_of(type), (uint32_t)(n - upper));

	return sum_fold(sum_add(sum, p + upper, n - upper)) == 0xffff;
}

static uint8_t type_of(const uint8_t *p, uint8_t protocol, bool tcp, bool udp)
{
	if (protocol == IPPROTO_UDP && udp)
		return GSO_UDP;
	if (protocol == IPPROTO_TCP && tcp)
		return p[0] >> 4 == 4 ? GSO_TCP4 : GSO_TCP6;
	return GSO_NONE;
}

void gso_group_begin(struct gso_group *g, struct packet *p, bool tcp, bool udp)
{
	const uint8_t *ip = packet_data(p);
	uint8_t protocol = 0;
	unsigned upper = plain_upper(ip, p->len, &protocol), headers;
	uint8_t type = upper ? type_of(ip, protocol, tcp, udp) : (uint8_t)GSO_NONE;

	p->next = NULL;
	g->first = g->last = p;
	g->packets = 1;
	g->is_open = g->may_join = false;
	g->flow = flow_of(ip, p->len);
	headers = type ? plain_headers(ip, p->len, upper, type) : 0;
	if (!headers || !is_sum_right(ip, p->len, upper, type))
		return;
	g->type = type;
	g->upper = (uint16_t)upper;
	g->headers = (uint16_t)headers;
	g->size = (uint16_t)(p->len - headers);
	g->payload = g->size;
	g->id = sum_get16(ip + 4);
	g->may_join = true;
	g->is_open = type == GSO_UDP || !(ip[upper + 13] & TCP_PSH);
	if (type != GSO_UDP)
		g->tcp_next = get32(ip + upper + 4) + g->size;
}

static bool is_same_ip(const struct gso_group *a, const uint8_t *p, const uint8_t *q)
{
	if (p[0] >> 4 != q[0] >> 4)
		return false;
	if (p[0] >> 4 == 6)
		return !memcmp(p, q, 4) && !memcmp(p + 6, q + 6, IPV6_HEADER - 6);
	if (!(p[6] & 0x40) && sum_get16(q + 4) != (uint16_t)(a->id + 1))
		return false;
	return p[1] == q[1] && !memcmp(p + 6, q + 6, 4) && !memcmp(p + 12, q + 12, 8);
}

static bool is_same_tcp(const struct gso_group *a, const uint8_t *p, const uint8_t *q)
{
	unsigned options = a->headers - a->upper - TCP_HEADER;

	return get32(q + 4) == a->tcp_next && !memcmp(p + 8, q + 8, 5) &&
	       (p[13] | TCP_PSH) == (q[13] | TCP_PSH) && !memcmp(p + 14, q + 14, 2) &&
	       !memcmp(p + 18, q + 18, 2 + options);
}

/* Would the kernel cut b off again just as it is? */
static bool goes_on(const struct gso_group *a, const struct gso_group *b)
{
	const uint8_t *p = packet_data(a->first), *q = packet_data(b->first);

	if (!b->may_join || a->type != b->type || a->headers != b->headers ||
	    b->size > a->size || a->packets == GSO_SEGMENTS_MAX ||
	    a->headers + a->payload + b->size > GSO_BYTES_MAX)
		return false;
	if (!is_same_ip(a, p, q) || memcmp(p + a->upper, q + a->upper, 4))
		return false;
	return a->type == GSO_UDP || is_same_tcp(a, p + a->upper, q + a->upper);
}

bool gso_group_join(struct gso_group *a, const struct gso_group *b)
{
	if (a->flow != b->flow)
		return false;
	if (!a->is_open || !goes_on(a, b)) {
		a->is_open = false;
		return false;
	}
	a->last->next = b->first;
	a->last = b->first;
	a->packets++;
	a->payload += b->size;
	a->id = b->id;
	a->tcp_next = b->tcp_next;
	a->is_open = b->is_open && b->size == a->size;
	return true;
}

/* The headers of one packet that is as large as all. */
static void write_merged(struct gso_group *g)
{
	uint8_t *p = g->merged, *upper = p + g->upper;
	uint32_t upper_bytes = g->headers - g->upper + g->payload;

	memcpy(p, packet_data(g->first), g->headers);
	if (p[0] >> 4 == 4) {
		sum_put16(p + 2, (uint16_t)(g->upper + upper_bytes));
		put_ipv4_sum(p, IPV4_HEADER);
	} else {
		sum_put16(p + 4, (uint16_t)upper_bytes);
	}
	if (g->type == GSO_UDP)
		sum_put16(upper + 4, (uint16_t)upper_bytes);
	else
		upper[13] |= packet_data(g->last)[g->upper + 13] & TCP_PSH;
	sum_put16(upper + sum_offset(g->type),
	          sum_fold(sum_pseudo(p, protocol_of(g->type), upper_bytes)));
}

unsigned gso_group_pieces(struct gso_group *g, struct iovec piece[GSO_IOVECS_MAX])
{
	unsigned n = 0;

	memset(&g->header, 0, sizeof(g->header));
	piece[n++] = (struct iovec){ &g->header, sizeof(g->header) };
	if (g->packets == 1) {
		piece[n++] = (struct iovec){ packet_data(g->first), g->first->len };
		return n;
	}
	write_merged(g);
	g->header = (struct gso_header){ GSO_NEEDS_SUM, g->type, g->headers, g->size, g->upper,
	                                 (uint16_t)sum_offset(g->type) };
	piece[n++] = (struct iovec){ g->merged, g->headers };
	for (struct packet *p = g->first; p; p = p->next)
		piece[n++] = (struct iovec){ packet_data(p) + g->headers,
		                             (size_t)p->len - g->headers };
	return n;
}
