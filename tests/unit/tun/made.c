/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "made.h"

#include <string.h>

static void put16(uint8_t *p, unsigned x)
{
	p[0] = (uint8_t)(x >> 8);
	p[1] = (uint8_t)x;
}

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

uint16_t made_sum(const uint8_t *p, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i++) {
		sum += i % 2 ? p[i] : (uint32_t)p[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint32_t pseudo(const uint8_t *p, unsigned protocol, size_t n)
{
	uint32_t sum = p[0] >> 4 == 4 ? made_sum(p + 12, 8, 0) : made_sum(p + 8, 32, 0);

	return sum + protocol + (uint32_t)n;
}

static unsigned sum_at(unsigned protocol)
{
	return protocol == IPPROTO_TCP ? 16 : 6;
}

static void write_upper(const struct made *m, uint8_t *ip, uint8_t *p, size_t n)
{
	size_t header = 0;
	unsigned sum;

	memset(p, 0, n);
	if (m->protocol == IPPROTO_UDP) {
		header = 8;
		put16(p + 4, (unsigned)n);
	} else if (m->protocol == IPPROTO_TCP) {
		header = 20u + m->tcp_options;
		for (int i = 0; i < 4; i++)
			p[4 + i] = (uint8_t)(m->tcp_seq >> (24 - 8 * i));
		p[12] = (uint8_t)(header / 4 << 4);
		p[13] = m->tcp_flags;
		memset(p + 20, 1, m->tcp_options);
	}
	for (size_t i = header; i < n; i++)
		p[i] = (uint8_t)(i * 7 + m->sport + m->tcp_seq);
	if (!header)
		return;
	put16(p, m->sport);
	put16(p + 2, m->dport);
	sum = made_sum(p, n, pseudo(ip, m->protocol, n)) ^ 0xffffu;
	put16(p + sum_at(m->protocol), sum ? sum : 0xffff);
}

size_t made_write(const struct made *m, uint8_t *p)
{
	bool v4 = m->family == AF_INET;
	size_t header = v4 ? 20 : 40, n = m->payload;

	if (m->protocol == IPPROTO_UDP)
		n += 8;
	else if (m->protocol == IPPROTO_TCP)
		n += 20u + m->tcp_options;
	memset(p, 0, header);
	if (v4) {
		const uint8_t addresses[8] = { 192, 168, 1, m->host, 203, 0, 113, m->peer };
		p[0] = 0x45;
		p[1] = m->tos;
		put16(p + 2, (unsigned)(header + n));
		put16(p + 4, m->id);
		p[6] = m->may_fragment ? 0 : 0x40;
		p[8] = 64;
		p[9] = m->protocol;
		memcpy(p + 12, addresses, 8);
		put16(p + 10, made_sum(p, 20, 0) ^ 0xffffu);
	} else {
		p[0] = (uint8_t)(0x60 | m->tos >> 4);
		p[1] = (uint8_t)(m->tos << 4);
		put16(p + 4, (unsigned)n);
		p[6] = m->protocol;
		p[7] = 64;
		p[8] = p[24] = 0xfd;
		p[23] = m->host;
		p[38] = 1;
		p[39] = m->peer;
	}
	write_upper(m, p, p + header, n);
	return header + n;
}

bool made_is_right(const uint8_t *p, size_t n)
{
	bool v4 = p[0] >> 4 == 4;
	size_t header = v4 ? (p[0] & 15u) * 4 : 40;
	unsigned protocol = v4 ? p[9] : p[6];

	if (v4 && (made_sum(p, header, 0) != 0xffff || get16(p + 2) != n))
		return false;
	if (!v4 && get16(p + 4) + 40u != n)
		return false;
	if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP)
		return true;
	if (protocol == IPPROTO_UDP) {
		if (get16(p + header + 4) != n - header)
			return false;
		if (v4 && !get16(p + header + 6))
			return true; /* none */
	}
	return made_sum(p + header, n - header, pseudo(p, protocol, n - header)) == 0xffff;
}
