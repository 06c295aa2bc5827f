/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the parts of tls.h by OpenSSL know of each other: tls_openssl.c, the
 * handshake, and from there on seal.h; tls_key_openssl.c, the identity;
 * tls_records_openssl.c, the library's own records. Included by nobody else.
 *
 * OpenSSL keeps its errors in a queue of the thread. Every function that can
 * fail leaves that queue empty, so that the next need not clear it first.
 */
#ifndef AGG_TRANSPORT_TLS_OPENSSL_H
#define AGG_TRANSPORT_TLS_OPENSSL_H

#include "agg/transport/seal.h"
#include "agg/transport/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#define TLS_ERROR_TEXT_MAX 160

struct tls_context {
	enum tls_side side;
	_Atomic unsigned users; /* its creator, and each connection, which may
	                         * end in another thread */
	SSL_CTX *ssl;
	BIO_METHOD *queues;
	bool library_records;
};

/* A traffic secret; n is 0: not known. */
struct tls_secret {
	uint8_t bytes[AEAD_HASH_BYTES_MAX];
	size_t n;
};

struct tls {
	struct tls_context *ctx; /* one of its users */
	SSL *ssl;          /* NULL: it has done its part */
	struct seal *seal; /* NULL: in the handshake, or records are OpenSSL's */
	struct buf *in, *out; /* borrowed */
	struct tls_secret secrets[2]; /* of enum tls_side; in the handshake */
	const char *cipher;
	struct tls_pin peer;     /* as shown */
	struct tls_pin expected; /* if expects */
	bool expects, wrong_pin;
	char error[TLS_ERROR_TEXT_MAX];
	/* OpenSSL's records */
	struct buf plain;        /* to be sealed */
	struct buf opened;       /* not taken yet */
	bool starved;            /* SSL_read took part of a record and waits */
	unsigned records_sealed; /* under the present key */
};

/* tls_openssl.c */
void tls_openssl_init(void);
/* The first is the cause. */
void tls_openssl_blame(struct tls *tls, const char *text);
/* What an SSL_... call that returned rc means: 0 to wait, or -errno. */
int tls_openssl_outcome(struct tls *tls, int rc);
/* A library call failed where only memory, or we, can be at fault. */
int tls_openssl_errno(void);

/* tls_key_openssl.c */
bool tls_key_is_p256(EVP_PKEY *key);
int tls_key_pin(X509 *cert, struct tls_pin *out); /* 0 or -errno */
/* The identity and a certificate of it, the caller's. 0 or as tls_context_create. */
int tls_key_load(const char *dir, EVP_PKEY **key, X509 **cert);

/* tls_records_openssl.c: as the functions of tls.h that are named so. */
void tls_records_init(struct tls *tls);
void tls_records_finish(struct tls *tls);
uint8_t *tls_records_reserve(struct tls *tls, size_t n);
int tls_records_flush(struct tls *tls);
size_t tls_records_room(const struct tls *tls, size_t n);
ssize_t tls_records_open(struct tls *tls, uint8_t **p);

#endif
