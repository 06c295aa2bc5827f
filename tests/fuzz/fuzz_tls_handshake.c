/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a stranger's bytes instead of a handshake. The first byte chooses who
 * gets them: 's', a server; else a client that has said its hello. They must
 * never complete a handshake, as they cannot know the keys of this run.
 */
#include "tests/contract/tls_pair.h"

#include <assert.h>
#include <stdlib.h>

#define PIECE_BYTES 100

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Kept from one input to the next, as contexts are costly to make. */
static struct tls_pair_home home;
static struct tls_pair pair;

static void on_exit_remove(void)
{
	tls_pair_finish(&pair);
	tls_pair_home_finish(&home);
}

static void feed(struct tls_end *end, const uint8_t *data, size_t size)
{
	uint8_t *p;

	tls_end_shake(end);
	while (size && end->shaken == 0) {
		size_t n = size < PIECE_BYTES ? size : PIECE_BYTES;
		assert(buf_put(&end->in, data, n) == 0);
		data += n;
		size -= n;
		tls_end_shake(end);
		assert(end->shaken <= 0);
	}
	assert(end->lib->open(end->tls, &p) <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!home.root[0]) {
		tls_pair_home_init(&home, &tls_impl_openssl);
		tls_pair_init(&pair, &tls_impl_openssl, &tls_impl_openssl, &home);
		atexit(on_exit_remove);
	}
	if (!size)
		return 0;
	struct tls_end *end = data[0] == 's' ? &pair.server : &pair.client;
	tls_end_renew(end);
	feed(end, data + 1, size - 1);
	return 0;
}
