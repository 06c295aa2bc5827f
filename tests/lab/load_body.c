/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: load_body.c - the body of a transfer: SplitMix64 by position, so that
 * any part of it can be made or checked alone, by any processor; and the sizes of many
 * transfers.
 */
#include "agg/base/rand.h"
#include "tests/lab/load.h"

#include <endian.h>
#include <math.h>
#include <string.h>

#define WORD sizeof(uint64_t)
#define STEP 0x9e3779b97f4a7c15u /* how far rand_u64 moves its state */

static uint64_t word_at(uint64_t seed, uint64_t index)
{
	struct rand r = { .state = seed + index * STEP };

	return rand_u64(&r);
}

void body_fill(uint64_t seed, uint64_t offset, uint8_t *out, size_t n)
{
	while (n > 0) {
		uint64_t word = htole64(word_at(seed, offset / WORD));
		size_t skip = offset % WORD, part = WORD - skip;

		part = part < n ? part : n;
		memcpy(out, (uint8_t *)&word + skip, part);
		out += part;
		offset += part;
		n -= part;
	}
}

size_t body_check(uint64_t seed, uint64_t offset, const uint8_t *in, size_t n)
{
	size_t done = 0;

	while (done < n) {
		uint64_t word = htole64(word_at(seed, (offset + done) / WORD));
		size_t skip = (offset + done) % WORD, part = WORD - skip;
		const uint8_t *right = (uint8_t *)&word + skip;

		part = part < n - done ? part : n - done;
		if (memcmp(in + done, right, part) != 0) {
			while (in[done] == *right) {
				done++;
				right++;
			}
			return done;
		}
		done += part;
	}
	return n;
}

uint64_t body_size(uint64_t seed, uint64_t index, uint64_t min, uint64_t max)
{
	double part = (double)(word_at(seed, index) >> 11) * 0x1p-53;

	if (min == 0 || max == 0)
		return max;
	return (uint64_t)((double)min * pow((double)max / (double)min, part));
}
