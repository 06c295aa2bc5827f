/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the Internet checksum (RFC 1071). A sum is of 16-bit words in network
 * order that are added up without folding; sums can be added. Pure.
 */
#ifndef TUN_SUM_H
#define TUN_SUM_H

#include <stddef.h>
#include <stdint.h>

/* All but the last of the parts that are added have an even length. */
uint64_t sum_add(uint64_t sum, const uint8_t *p, size_t n);
/* The same, and copies. */
uint64_t sum_copy(uint64_t sum, uint8_t *to, const uint8_t *from, size_t n);
uint16_t sum_fold(uint64_t sum); /* ready to be stored, but for its complement */

/* The pseudo header of a packet's upper part, of n bytes. */
uint64_t sum_pseudo(const uint8_t *ip, uint8_t protocol, uint32_t n);

static inline uint16_t sum_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void sum_put16(uint8_t *p, uint16_t x)
{
	p[0] = (uint8_t)(x >> 8);
	p[1] = (uint8_t)x;
}

#endif
