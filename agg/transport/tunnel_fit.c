/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_fit.h.
 */
#include "agg/transport/tunnel_fit.h"

#define HEADERS4 28u
#define HEADERS6 48u

void tunnel_fit_init(struct tunnel_fit *l, sa_family_t family)
{
	*l = (struct tunnel_fit){ .ipv4 = family == AF_INET };
	mtu_init(&l->mtu);
}

size_t tunnel_fit_headers(const struct tunnel_fit *l)
{
	return l->ipv4 ? HEADERS4 : HEADERS6;
}

size_t tunnel_fit_room(const struct tunnel_fit *l)
{
	size_t n = mtu_bytes(&l->mtu) - tunnel_fit_headers(l);

	return n < DATAGRAM_BYTES_MAX ? n : DATAGRAM_BYTES_MAX;
}

bool tunnel_fit_is_busy(const struct tunnel_fit *l, uint64_t now_us)
{
	return l->sent_us && now_us - l->sent_us < FIT_BUSY_US;
}

/* Long is what shows that more than the base passes; not a probe, which is longer. */
void tunnel_fit_sent(struct tunnel_fit *l, uint64_t counter, size_t n, uint64_t now_us)
{
	uint64_t bit = UINT64_C(1) << counter % 64;
	uint64_t *word = &l->recent[counter / 64 % FIT_WORDS];

	*word &= ~bit;
	if (n + tunnel_fit_headers(l) <= MTU_BASE || n > tunnel_fit_room(l))
		return;
	*word |= bit;
	l->sent_us = now_us;
	if (!l->untold_us)
		l->untold_us = now_us;
}

static bool was_long(const struct tunnel_fit *l, uint32_t counter)
{
	return l->recent[counter / 64 % FIT_WORDS] >> counter % 64 & 1;
}

/* One that arrived was long. */
static bool tells_of_long(const struct tunnel_fit *l, const struct datagram_feedback *f)
{
	bool found = was_long(l, f->largest);

	for (unsigned i = 0; i < 64 && !found; i++)
		found = f->before >> i & 1 && was_long(l, f->largest - 1 - i);
	return found;
}

void tunnel_fit_told(struct tunnel_fit *l, const struct datagram_feedback *feedback,
                      uint64_t srtt_us, uint64_t now_us)
{
	uint64_t patience_us = 3 * srtt_us > FIT_UNTOLD_US ? 3 * srtt_us : FIT_UNTOLD_US;

	if (feedback && tells_of_long(l, feedback))
		l->untold_us = 0; /* those after it are told of next */
	else if (l->untold_us && now_us - l->untold_us > patience_us)
		mtu_doubt(&l->mtu);
}
