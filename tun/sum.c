/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see sum.h. A sum does not care for the byte order in which it is made (RFC
 * 1071, 2 B), so words are added as they lie in memory, and turned at the end.
 */
#include "tun/sum.h"

#include <arpa/inet.h>
#include <string.h>

/* Two words at once, as all compilers know them; where the machine has no such
 * registers, they make it two words one by one. */
typedef uint64_t words __attribute__((vector_size(16)));

static inline uint64_t halves(uint64_t w)
{
	return (w & UINT32_MAX) + (w >> 32);
}

/* By its address: a machine without such registers has no rule for returning one. */
static inline void add_halves(words *sum, const uint8_t *p)
{
	const words low = { UINT32_MAX, UINT32_MAX };
	words w;

	memcpy(&w, p, sizeof(w));
	*sum += (w & low) + (w >> 32);
}

static uint64_t add_rest(uint64_t sum, const uint8_t *p, size_t n)
{
	uint64_t w = 0;

	for (; n >= sizeof(w); n -= sizeof(w), p += sizeof(w)) {
		memcpy(&w, p, sizeof(w));
		sum += halves(w);
	}
	w = 0;
	memcpy(&w, p, n);
	return sum + halves(w);
}

uint64_t sum_add(uint64_t sum, const uint8_t *p, size_t n)
{
	words even = { sum, 0 }, odd = { 0, 0 };

	for (; n >= 32; n -= 32, p += 32) {
		add_halves(&even, p);
		add_halves(&odd, p + 16);
	}
	even += odd;
	return add_rest(even[0] + even[1], p, n);
}

uint64_t sum_copy(uint64_t sum, uint8_t *to, const uint8_t *from, size_t n)
{
	words even = { sum, 0 }, odd = { 0, 0 };

	for (; n >= 32; n -= 32, from += 32, to += 32) {
		memcpy(to, from, 32);
		add_halves(&even, from);
		add_halves(&odd, from + 16);
	}
	even += odd;
	memcpy(to, from, n);
	return add_rest(even[0] + even[1], from, n);
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
