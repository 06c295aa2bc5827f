/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: packets that are too large: the answer is a packet of its own that is never
 * answered, and the pieces are as long together.
 */
#include "tun/fragment.h"
#include "tun/icmp.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answer(const struct inspection *in, const uint8_t *p)
{
	static const uint8_t from[16] = { 100, 64, 0, 1 };
	uint8_t *out = malloc(ICMP_ANSWER_MAX), again[ICMP_ANSWER_MAX];
	struct inspection of;
	size_t n;

	assert(out);
	n = icmp_too_big(out, in, p, 1280, from);
	if (n) {
		assert(n <= ICMP_ANSWER_MAX && !in->is_error);
		assert(!inspect_packet(&of, out, n) && of.len == n && of.is_error);
		assert(!memcmp(of.dst, in->src, sizeof(of.dst)));
		assert(!icmp_unreachable(again, &of, out, from));
	}
	free(out);
}

static void cut(const struct inspection *in, const uint8_t *p, uint16_t mtu)
{
	uint8_t *out = malloc(mtu);
	struct fragment f;
	size_t n, total = 0;

	assert(out);
	fragment_begin(&f, in, p, mtu);
	while ((n = fragment_next(&f, out))) {
		assert(n <= mtu && n > in->upper);
		total += n - in->upper;
	}
	assert(total == (size_t)in->len - in->upper);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct inspection in;
	uint8_t *p = malloc(size ? size : 1);

	assert(p);
	memcpy(p, data, size);
	if (!inspect_packet(&in, p, size)) {
		answer(&in, p);
		if (in.key.family == AF_INET && in.may_fragment) {
			cut(&in, p, FRAGMENT_MTU_MIN);
			cut(&in, p, 1280);
		}
	}
	free(p);
	return 0;
}
