/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see sum.h. A sum does not care for the byte order in which it is made (RFC
 * 1071, 2 B), so words are added as they lie in memory, and turned at the end.
 */
#include "tun/sum.h"

#include <arpa/inet.h>
#include <string.h>

static inline uint64_t halves(uint64_t w)
{
	return (w & UINT32_MAX) + (w >> 32);
}

static inline uint64_t load(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static uint64_t add_rest(uint64_t sum, const uint8_t *p, size_t n)
{
	uint64_t last = 0;

	for (; n >= 8; n -= 8, p += 8)
		sum += halves(load(p));
	memcpy(&last, p, n);
	return sum + halves(last);
}

uint64_t sum_add(uint64_t sum, const uint8_t *p, size_t n)
{
	uint64_t other = 0;

	for (; n >= 32; n -= 32, p += 32) {
		sum += halves(load(p)) + halves(load(p + 8));
		other += halves(load(p + 16)) + halves(load(p + 24));
	}
	return add_rest(sum + other, p, n);
}

uint64_t sum_copy(uint64_t sum, uint8_t *to, const uint8_t *from, size_t n)
{
	memcpy(to, from, n);
	return sum_add(sum, to, n); /* which is in the cache now */
}

uint16_t sum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ntohs((uint16_t)sum);
}

uint64_t sum_pseudo(const uint8_t *ip, uint8_t protocol, uint32_t n)
{
	uint64_t sum = ip[0] >> 4 == 4 ? sum_add(0, ip + 12, 8) : sum_add(0, ip + 8, 32);

	return sum + htonl(n) + htons(protocol);
}
