/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what any LAN host can send to the SOCKS5 listener. The first byte
 * chooses the configuration and the portions; in whatever portions the rest
 * comes, the outcome must be the same.
 */
#include "proxy/socks5.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct socks5_auth auths[] = { { 0 }, { "jo", "secret" } };

/* Returns how much was taken. */
static size_t feed(struct socks5 *s, const uint8_t *p, size_t n,
                   size_t portion)
{
	size_t at = 0, taken = 1;

	while (at < n && taken) {
		taken = socks5_feed(s, p + at, n - at < portion ? n - at : portion);
		at += taken;
	}
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct socks5 whole, pieces;

	if (!size)
		return 0;
	socks5_init(&whole, &auths[data[0] & 1]);
	socks5_init(&pieces, &auths[data[0] & 1]);
	size_t a = feed(&whole, data + 1, size - 1, size);
	size_t b = feed(&pieces, data + 1, size - 1, 1 + (data[0] >> 4));
	assert(a == b && whole.state == pieces.state);
	assert(whole.out_len == pieces.out_len);
	assert(!memcmp(whole.out, pieces.out, whole.out_len));
	assert(!memcmp(&whole.dest, &pieces.dest, sizeof(whole.dest)));
	if (whole.state == SOCKS5_DONE)
		assert((whole.dest.addr.family == AF_UNSPEC) ==
		       (strlen(whole.dest.name) > 0));
	return 0;
}
