/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what any LAN host can send to the SOCKS5 listener, and to an association. The first byte
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

/* A datagram of a client's: what was read can be written, and is read the same. */
static void try_datagram(const uint8_t *p, size_t n)
{
	uint8_t head[SOCKS5_UDP_HEAD_MAX];
	struct dest dest, again;
	size_t len = socks5_udp_read(p, n, &dest);

	assert(len <= n);
	if (!len || *dest.name)
		return;
	size_t written = socks5_udp_write(head, &dest.addr);
	assert(socks5_udp_read(head, written, &again) == written);
	assert(addr_equal(&dest.addr, &again.addr));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct socks5 whole, pieces;

	if (!size)
		return 0;
	socks5_init(&whole, &auths[data[0] & 1]);
	socks5_init(&pieces, &auths[data[0] & 1]);
	whole.may_associate = pieces.may_associate = data[0] & 2;
	try_datagram(data + 1, size - 1);
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
