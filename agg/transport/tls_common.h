/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what every implementation of tls.h has in common: who the peer is, the
 * records after the handshake (seal.h's, or the library's), the first error. A
 * library begins its struct tls with a struct tls_common, gives the functions
 * below that are named tls_lib_..., and those of tls.h that make contexts and
 * connections, and shake hands. Included by nobody else.
 */
#ifndef AGG_TRANSPORT_TLS_COMMON_H
#define AGG_TRANSPORT_TLS_COMMON_H

#include "agg/transport/seal.h"
#include "agg/transport/tls.h"

#define TLS_ERROR_TEXT_MAX 160
#define TLS_CIPHER_MAX 63
#define TLS_PEER_CERT_BYTES_MAX 8192 /* what a stranger can make us hold */

/* Why, in the same words by every library. */
#define TLS_NO_ALPN "no shared ALPN"
#define TLS_PEER_REJECTS_US "the peer rejects our certificate"

/* A traffic secret; n is 0: not known. */
struct tls_secret {
	uint8_t bytes[AEAD_HASH_BYTES_MAX];
	size_t n;
};

struct tls_common {
	struct seal *seal;    /* NULL: in the handshake, or records are the library's */
	struct buf *in, *out; /* borrowed */
	struct tls_secret secrets[2]; /* of enum tls_side; in the handshake */
	char cipher[TLS_CIPHER_MAX + 1]; /* as IANA names it */
	struct tls_pin peer;     /* as shown */
	struct tls_pin expected; /* if expects */
	bool expects, wrong_pin;
	char error[TLS_ERROR_TEXT_MAX];
	/* the library's records */
	struct buf plain;     /* to be sealed */
	struct buf opened;    /* not taken yet */
	bool starved;         /* the library took part of a record and waits */
	unsigned records_sealed; /* under the present key */
};

void tls_common_init(struct tls_common *c, struct buf *in, struct buf *out);
void tls_common_finish(struct tls_common *c);
/* The first is the cause. */
void tls_common_blame(struct tls_common *c, const char *text);
/* What a peer shows, its pin already in c->peer. NULL: it may be; else why not. */
const char *tls_common_objection(struct tls_common *c, bool has_alpn,
                                 unsigned certificates, bool is_p256);
/* The handshake is complete, by this suite of TLS 1.3: the records are ours from
 * here on, where both secrets are known. 1; 0: they stay the library's; -EPROTO.
 * What was known of secrets is wiped. */
int tls_common_take_over(struct tls_common *c, enum tls_side us,
                         uint16_t suite);

/* Is AES-GCM faster here than ChaCha20-Poly1305? By a try of both. The suite must
 * be fast on both sides, and the slower side decides: who has no AES instructions
 * puts ChaCha20 first; a server that has them follows a client that did. */
bool tls_common_aes_is_faster(void);

/* The library's: */
/* Seals one record of n bytes into c->out. 0 or -EPROTO, with the blame. */
int tls_lib_write(struct tls *tls, const uint8_t *p, size_t n);
/* Opens from c->in to p, of TLS_RECORD_PAYLOAD_MAX: bytes, 0: more is needed,
 * -EPIPE, -EPROTO with the blame. */
ssize_t tls_lib_read(struct tls *tls, uint8_t *p);
bool tls_lib_has_pending(const struct tls *tls); /* bytes that it has opened */
/* A new key for what is sealed from now on. False: it cannot. */
bool tls_lib_renew_key(struct tls *tls);
/* What a record takes beside its payload, with what must be said before it. */
size_t tls_lib_overhead(const struct tls *tls);
void tls_lib_close(struct tls *tls); /* as tls_close */

#endif
