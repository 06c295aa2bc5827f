/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see siphash.h.
 */
#include "agg/base/siphash.h"

#include <endian.h>
#include <string.h>

static uint64_t get64(const uint8_t *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return le64toh(x);
}

static inline uint64_t left(uint64_t x, unsigned bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void mix(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = left(v[1], 13) ^ v[0];
	v[3] = left(v[3], 16) ^ v[2];
	v[0] = left(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = left(v[1], 17) ^ v[2];
	v[3] = left(v[3], 21) ^ v[0];
	v[2] = left(v[2], 32);
}

static inline void absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	mix(v);
	mix(v);
	v[0] ^= word;
}

uint64_t siphash(const uint8_t key[SIPHASH_KEY_BYTES], const void *p, size_t n)
{
	uint64_t k0 = get64(key), k1 = get64(key + 8);
	uint64_t v[4] = { k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
	                  k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u };
	const uint8_t *bytes = p;
	uint8_t last[8] = { [7] = (uint8_t)n };

	for (; n >= 8; n -= 8, bytes += 8)
		absorb(v, get64(bytes));
	memcpy(last, bytes, n);
	absorb(v, get64(last));
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		mix(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
