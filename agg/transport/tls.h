/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: TLS for one subflow, without I/O: ciphertext goes in and out through
 * byte queues, so that the same contract suite runs every library against
 * every other (tests/contract/tls_contract_test.c), and no call ever blocks.
 * After the handshake records are sealed and opened in these queues themselves,
 * by seal.h; or by the library, where it gives no secrets.
 *
 * TLS 1.3 (RFC 8446); 1.2 with ECDHE and an AEAD where a library has no better; no
 * tickets, no early data, no renegotiation, ALPN "aggd/1". Both sides show a
 * self-signed certificate; no authority and no name is checked: who the peer is,
 * is said by its pin. A client knows the one that it expects, and refuses any
 * other in the handshake; a server's caller decides after it. A peer without a
 * certificate is refused in it.
 *
 * A server shows its certificate to nobody who does not offer the ALPN: such
 * a one gets the alert no_application_protocol (RFC 7301, 3.2), as any TLS
 * server gives it. Nothing in a certificate says whose it is.
 */
#ifndef AGG_TRANSPORT_TLS_H
#define AGG_TRANSPORT_TLS_H

#include "agg/base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TLS_RECORD_PAYLOAD_MAX 16384 /* RFC 8446, 5.1 */
#define TLS_RECORD_OVERHEAD 22       /* header 5, content type 1, tag 16 */
#define TLS_RECORD_OVERHEAD_MAX 29   /* of TLS 1.2: header 5, nonce 8, tag 16 */
#define TLS_PIN_TEXT_LEN 50          /* "sha256:" and 43 of base64url */

/* SHA-256 of the peer's SubjectPublicKeyInfo (RFC 7469's pin). */
struct tls_pin {
	uint8_t sha256[32];
};

/* "sha256:" + base64url without padding. 0 or -EINVAL. */
int tls_pin_parse(struct tls_pin *out, const char *text);
const char *tls_pin_format(const struct tls_pin *pin,
                           char buf[TLS_PIN_TEXT_LEN + 1]);
bool tls_pin_equal(const struct tls_pin *a, const struct tls_pin *b);

/* An identity: a P-256 key (PKCS#8, PEM; of anything else in it nothing is
 * read) in the file DIR/identity.pem, mode 0600. generate makes DIR (0700) if
 * needed and never overwrites: -EEXIST. Others: -errno; -EBADMSG: the file is
 * no identity; -EPERM: others may read it. */
int tls_identity_generate(const char *dir);
int tls_identity_pin(const char *dir, struct tls_pin *out);

enum tls_side { TLS_CLIENT, TLS_SERVER };

/* What all connections of one side share. NULL: errno as for the identity.
 * Connections may outlive its destruction: what they need of it goes with the
 * last of them. */
struct tls_context;
struct tls_context *tls_context_create(enum tls_side side, const char *dir);
void tls_context_destroy(struct tls_context *ctx);
#define TLS_OFFER_MAX 31
/* A client's later connections offer that ALPN, too (wire_offer). */
void tls_context_offer(struct tls_context *ctx, const char *name);
/* Its later connections have the library's own records. */
void tls_context_leave_records(struct tls_context *ctx);
/* Gives back the memory of what the library needs to begin and to shake hands; it
 * comes again when it is needed. */
void tls_rest(void);
const char *tls_library(void); /* "OpenSSL 3.0.22 ..." */

/* One connection. in: ciphertext from the peer, out: to the peer; both are
 * the caller's and outlive it. NULL: errno. */
struct tls;
struct tls *tls_create(struct tls_context *ctx, struct buf *in, struct buf *out);
void tls_destroy(struct tls *tls);

/* Before the handshake: a peer with another pin is refused in it, before it is
 * told anything. Copied. */
void tls_expect_pin(struct tls *tls, const struct tls_pin *pin);
/* Goes on with the handshake with what is in `in`. 1: complete; 0: more is
 * needed; -EKEYREJECTED: the peer's pin is another than the expected one;
 * -EPROTO: failed, tls_error() says why (an alert may be in out). */
int tls_handshake(struct tls *tls);
/* After the handshake, or -EKEYREJECTED. */
void tls_peer_pin(const struct tls *tls, struct tls_pin *out);
const char *tls_cipher(const struct tls *tls); /* after the handshake */

/* Lets go of what only the handshake needed. */
void tls_settle(struct tls *tls);

/* Room for n bytes more of plaintext, then tls_commit() of them: in the record at
 * hand, or, where they do not fit, in the next one. They stand in `out` behind
 * what is sealed: nobody takes from `out` or puts to it before tls_flush(). NULL:
 * there is no room for a whole record; or the connection is broken, as
 * tls_flush() tells. */
uint8_t *tls_reserve(struct tls *tls, size_t n);
void tls_commit(struct tls *tls, size_t n);
size_t tls_begun(const struct tls *tls); /* bytes in the record at hand */
/* Seals the record at hand, if any. 0 or -EPROTO. */
int tls_flush(struct tls *tls);
/* Seals a copy of n bytes in records of its own, of TLS_RECORD_PAYLOAD_MAX.
 * 0 (n = 0 is nothing to do); -ENOBUFS: out is full, nothing was sealed;
 * -EPROTO. */
int tls_write(struct tls *tls, const uint8_t *p, size_t n);
/* Opens the next record of `in`, in place: bytes (> 0) at *p; 0: it is not whole
 * yet; -EPIPE: the peer closed; -EPROTO: broken or forged. What was opened stays
 * until tls_taken(); before it, nobody takes from `in` or puts to it. */
ssize_t tls_open(struct tls *tls, uint8_t **p);
void tls_taken(struct tls *tls);
/* Tells the peer that nothing follows (close_notify), into out. */
void tls_close(struct tls *tls);
const char *tls_error(const struct tls *tls);

#endif
