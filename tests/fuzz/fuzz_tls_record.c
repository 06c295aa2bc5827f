/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: an established connection under a man in the middle. The client seals
 * three records; the input is a list of changes to what is on the wire:
 *
 *     position (2 bytes), kind (1 byte: 'x' flip, 'i' insert, 'd' drop,
 *     'c' cut off the rest), argument (1 byte)
 *
 * Whatever it does, the server reads a beginning of what was sent and nothing
 * else; and with no change, all of it.
 */
#include "tests/contract/tls_pair.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CHANGE_BYTES 4
#define RECORDS 3
#define RECORD_BYTES 50

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Kept from one input to the next, as contexts are costly to make. */
static struct tls_pair_home home;
static struct tls_pair pair;

static void on_exit_remove(void)
{
	tls_pair_finish(&pair);
	tls_pair_home_finish(&home);
}

/* Copies the wire to `to` with one change applied. True: it differs. */
static bool change(struct buf *to, const struct buf *wire, const uint8_t *how)
{
	size_t at = ((size_t)how[0] << 8 | how[1]) % (wire->len + 1);
	size_t drop = how[2] == 'd' ? how[3] : how[2] == 'c' ? wire->len : 0;
	const uint8_t *p = buf_head(wire);

	if (drop > wire->len - at)
		drop = wire->len - at;
	assert(buf_put(to, p, at) == 0);
	if (how[2] == 'i')
		assert(buf_put(to, &how[3], 1) == 0);
	assert(buf_put(to, p + at + drop, wire->len - at - drop) == 0);
	bool flip = how[2] == 'x' && at < wire->len;
	if (flip)
		buf_head(to)[at] ^= how[3];
	return drop || how[2] == 'i' || (flip && how[3]);
}

/* All changes in turn, from the client's queue into the server's. */
static bool tamper(const uint8_t *data, size_t size)
{
	bool changed = false;
	struct buf wire = pair.client.out;

	buf_init(&pair.client.out, TLS_PAIR_QUEUE_MAX);
	for (; size >= CHANGE_BYTES && wire.len; size -= CHANGE_BYTES) {
		struct buf next;
		buf_init(&next, TLS_PAIR_QUEUE_MAX);
		changed |= change(&next, &wire, data);
		buf_finish(&wire);
		wire = next;
		data += CHANGE_BYTES;
	}
	tls_pair_move(&wire, &pair.server.in, wire.len);
	buf_finish(&wire);
	return changed;
}

static void connect_pair(void)
{
	struct rand r = { 1 };

	if (!home.root[0]) {
		tls_pair_home_init(&home, &tls_impl_openssl);
		tls_pair_init(&pair, &tls_impl_openssl, &tls_impl_openssl, &home);
		atexit(on_exit_remove);
	}
	tls_end_renew(&pair.client);
	tls_end_renew(&pair.server);
	assert(tls_pair_shake(&pair, TLS_PAIR_QUEUE_MAX, &r));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf got;
	uint8_t sent[RECORDS * RECORD_BYTES];

	connect_pair();
	for (size_t i = 0; i < sizeof(sent); i++)
		sent[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(sent); i += RECORD_BYTES)
		assert(pair.client.lib->write(pair.client.tls, sent + i,
		                              RECORD_BYTES) == 0);
	bool changed = tamper(data, size);
	buf_init(&got, TLS_PAIR_QUEUE_MAX);
	int rc = tls_end_read(&pair.server, &got);
	assert(got.len <= sizeof(sent) && rc <= 0);
	assert(!got.len || !memcmp(buf_head(&got), sent, got.len));
	assert(changed || (got.len == sizeof(sent) && rc == 0));
	buf_finish(&got);
	return 0;
}
