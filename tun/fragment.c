/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see fragment.h.
 */
#include "tun/fragment.h"

#include "tun/sum.h"

#include <assert.h>
#include <string.h>

#define IPV4_HEADER 20u

enum { MORE = 0x2000, OFFSET = 0x1fff, OPTION_END = 0, OPTION_NOTHING = 1,
       OPTION_COPIED = 0x80 };

void fragment_begin(struct fragment *f, const struct inspection *in, const uint8_t *p,
                    uint16_t mtu)
{
	uint16_t bits = sum_get16(p + 6);

	assert(in->key.family == AF_INET && in->may_fragment && mtu >= FRAGMENT_MTU_MIN);
	*f = (struct fragment){
		.p = p, .n = in->len, .header = in->upper,
		.size = (uint16_t)((mtu - in->upper) & ~7u),
		.offset = (uint16_t)((bits & OFFSET) * 8), .has_more = bits & MORE,
	};
}

/* Options that only the first fragment has do nothing in the others. */
static void clear_options(uint8_t *header, unsigned n)
{
	unsigned at = IPV4_HEADER, len;

	while (at < n && header[at] != OPTION_END) {
		len = header[at] == OPTION_NOTHING ? 1 : at + 1 < n ? header[at + 1] : 0;
		if (!len || at + len > n || (len == 1 && header[at] != OPTION_NOTHING))
			return; /* it makes no sense; its receiver shall see that */
		if (!(header[at] & OPTION_COPIED))
			memset(header + at, OPTION_NOTHING, len);
		at += len;
	}
}

size_t fragment_next(struct fragment *f, uint8_t *out)
{
	uint16_t left = (uint16_t)(f->n - f->header - f->at);
	uint16_t size = left < f->size ? left : f->size;
	unsigned bits = (unsigned)(f->offset + f->at) / 8;

	if (!left)
		return 0;
	memcpy(out, f->p, f->header);
	memcpy(out + f->header, f->p + f->header + f->at, size);
	if (f->at)
		clear_options(out, f->header);
	if (f->has_more || size < left)
		bits |= MORE;
	sum_put16(out + 2, (uint16_t)(f->header + size));
	sum_put16(out + 6, (uint16_t)bits);
	sum_put16(out + 10, 0);
	sum_put16(out + 10, (uint16_t)~sum_fold(sum_add(0, out, f->header)));
	f->at = (uint16_t)(f->at + size);
	return f->header + size;
}
