/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: two rows of the table: compiled once for each library, with the names of
 * tls.h and TLS_IMPL, TLS_IMPL_RECORDS, TLS_IMPL_NAME given by meson.build.
 */
#include "tests/contract/tls_impl.h"

static struct tls_context *with_library_records(enum tls_side side,
                                                const char *dir)
{
	struct tls_context *ctx = tls_context_create(side, dir);

	if (ctx)
		tls_context_leave_records(ctx);
	return ctx;
}

#define REST \
	.identity_generate = tls_identity_generate, \
	.identity_pin = tls_identity_pin, \
	.context_destroy = tls_context_destroy, \
	.context_offer = tls_context_offer, \
	.library = tls_library, \
	.create = tls_create, \
	.destroy = tls_destroy, \
	.expect_pin = tls_expect_pin, \
	.handshake = tls_handshake, \
	.settle = tls_settle, \
	.peer_pin = tls_peer_pin, \
	.cipher = tls_cipher, \
	.reserve = tls_reserve, \
	.commit = tls_commit, \
	.begun = tls_begun, \
	.flush = tls_flush, \
	.write = tls_write, \
	.open = tls_open, \
	.taken = tls_taken, \
	.close = tls_close, \
	.error = tls_error

const struct tls_impl TLS_IMPL = {
	.name = TLS_IMPL_NAME, .context_create = tls_context_create, REST
};

const struct tls_impl TLS_IMPL_RECORDS = {
	.name = TLS_IMPL_NAME "'s records", .context_create = with_library_records,
	REST
};
