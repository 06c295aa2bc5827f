/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a peer that is not ours: OpenSSL set up wrong in one way at a time,
 * which tls.h does not let anybody do. For tests of what is refused.
 */
#ifndef TESTS_CONTRACT_TLS_STRANGER_H
#define TESTS_CONTRACT_TLS_STRANGER_H

#include "agg/transport/tls.h"

enum stranger_key {
	STRANGER_P256,
	STRANGER_NO_CERTIFICATE,
	STRANGER_RSA,
	STRANGER_P384,
	STRANGER_ED25519,
	STRANGER_CHAIN, /* P-256, and a second certificate above it */
};

struct tls_stranger_args {
	enum tls_side side;
	int version;            /* 0: the best; else this alone, as on the wire */
	const char *suites;     /* of TLS 1.2, in OpenSSL's words; NULL: its own */
	const char *alpn; /* NULL: none */
	enum stranger_key key;
	unsigned tickets; /* of a server */
};

struct tls_stranger;

/* in, out: as for tls_create(). Never NULL: aborts where it cannot. */
struct tls_stranger *tls_stranger_create(const struct tls_stranger_args *args,
                                         struct buf *in, struct buf *out);
void tls_stranger_destroy(struct tls_stranger *s);
/* Goes on with the handshake as far as it can: as tls_handshake(). */
int tls_stranger_shake(struct tls_stranger *s);
/* After the handshake: asks the peer for new keys, and says n bytes. */
void tls_stranger_rekey(struct tls_stranger *s);
void tls_stranger_write(struct tls_stranger *s, const uint8_t *p, size_t n);
/* After the handshake: the certificate that the peer showed, DER; bytes. */
size_t tls_stranger_certificate(struct tls_stranger *s, uint8_t *der, size_t n);
/* Bytes read (> 0), or 0. */
size_t tls_stranger_read(struct tls_stranger *s, uint8_t *p, size_t n);

#endif
