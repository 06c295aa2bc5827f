/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: packets for tests, and the plain way to check one.
 */
#ifndef TESTS_UNIT_TUN_MADE_H
#define TESTS_UNIT_TUN_MADE_H

#include "tun/inspect.h"

struct made {
	uint8_t family;      /* AF_INET, AF_INET6 */
	uint8_t protocol;    /* UDP, TCP or another, which gets no header */
	uint8_t host, peer;  /* 192.168.1.HOST to 203.0.113.PEER, or fd00::HOST ... */
	uint8_t tos;
	uint16_t sport, dport;
	uint16_t payload;    /* bytes, of a pattern */
	uint8_t tcp_flags;
	uint8_t tcp_options; /* bytes, a multiple of 4 */
	uint32_t tcp_seq;
	uint16_t id;         /* of IPv4 */
	bool may_fragment;   /* IPv4 without DF */
};

/* Writes it with all its checksums right; its length. */
size_t made_write(const struct made *m, uint8_t *p);
/* Sums of RFC 1071, a byte pair at a time. */
uint16_t made_sum(const uint8_t *p, size_t n, uint32_t sum);
/* Every checksum that there is, and every length, is right. */
bool made_is_right(const uint8_t *p, size_t n);

#endif
