/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one row of the table: compiled once for each library, with the names
 * of tls.h and TLS_IMPL, TLS_IMPL_NAME given by meson.build.
 */
#include "tests/contract/tls_impl.h"

const struct tls_impl TLS_IMPL = {
	.name = TLS_IMPL_NAME,
	.identity_generate = tls_identity_generate,
	.identity_pin = tls_identity_pin,
	.context_create = tls_context_create,
	.context_destroy = tls_context_destroy,
	.library = tls_library,
	.create = tls_create,
	.destroy = tls_destroy,
	.expect_pin = tls_expect_pin,
	.handshake = tls_handshake,
	.peer_pin = tls_peer_pin,
	.cipher = tls_cipher,
	.write = tls_write,
	.read = tls_read,
	.close = tls_close,
	.error = tls_error,
	.export = tls_export,
};
