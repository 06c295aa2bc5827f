/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: wrong peers by OpenSSL, over its memory BIOs. Owns its keys; the
 * queues are the caller's.
 */
#include "tests/contract/tls_stranger.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#define VALID_S 86400

struct tls_stranger {
	SSL_CTX *ctx;
	SSL *ssl;
	BIO *rx, *tx;         /* ssl's */
	struct buf *in, *out; /* borrowed */
	uint8_t alpn[32];     /* a length byte and the name */
};

static void need(bool ok)
{
	if (ok)
		return;
	ERR_print_errors_fp(stderr);
	abort();
}

static EVP_PKEY *make_key(enum stranger_key kind)
{
	switch (kind) {
	case STRANGER_RSA:
		return EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	case STRANGER_P384:
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
	case STRANGER_ED25519:
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	case STRANGER_P256:
	case STRANGER_NO_CERTIFICATE:
	case STRANGER_CHAIN:
		return EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	}
	abort();
}

static X509 *make_cert(const char *name, EVP_PKEY *key, EVP_PKEY *issuer_key,
                       const char *issuer)
{
	X509 *cert = X509_new();
	const EVP_MD *md = EVP_PKEY_get_base_id(issuer_key) == EVP_PKEY_ED25519
		? NULL : EVP_sha256();

	need(cert && X509_set_version(cert, X509_VERSION_3) &&
	     ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) &&
	     X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN",
	                                MBSTRING_ASC, (const uint8_t *)name,
	                                -1, -1, 0) &&
	     X509_NAME_add_entry_by_txt(X509_get_issuer_name(cert), "CN",
	                                MBSTRING_ASC, (const uint8_t *)issuer,
	                                -1, -1, 0) &&
	     X509_gmtime_adj(X509_getm_notBefore(cert), 0) &&
	     X509_gmtime_adj(X509_getm_notAfter(cert), VALID_S) &&
	     X509_set_pubkey(cert, key) && X509_sign(cert, issuer_key, md));
	return cert;
}

static void use_identity(struct tls_stranger *s, enum stranger_key kind)
{
	EVP_PKEY *key = make_key(kind);

	if (kind == STRANGER_NO_CERTIFICATE) {
		EVP_PKEY_free(key);
		return;
	}
	if (kind == STRANGER_CHAIN) {
		EVP_PKEY *above = make_key(kind);
		X509 *leaf = make_cert("leaf", key, above, "above");
		X509 *upper = make_cert("above", above, above, "above");
		need(SSL_CTX_use_certificate(s->ctx, leaf) &&
		     SSL_CTX_add0_chain_cert(s->ctx, upper));
		X509_free(leaf);
		EVP_PKEY_free(above);
	} else {
		X509 *cert = make_cert("stranger", key, key, "stranger");
		need(SSL_CTX_use_certificate(s->ctx, cert));
		X509_free(cert);
	}
	need(SSL_CTX_use_PrivateKey(s->ctx, key));
	EVP_PKEY_free(key);
}

static int accept_any(X509_STORE_CTX *store, void *ctx)
{
	return 1;
}

/* As a server: says its own name, whatever was offered. */
static int on_alpn(SSL *ssl, const uint8_t **out, uint8_t *out_len,
                   const uint8_t *in, unsigned in_len, void *ctx)
{
	struct tls_stranger *s = ctx;

	*out = s->alpn + 1;
	*out_len = s->alpn[0];
	return SSL_TLSEXT_ERR_OK;
}

static void use_alpn(struct tls_stranger *s, const char *name)
{
	s->alpn[0] = (uint8_t)strlen(name);
	memcpy(s->alpn + 1, name, s->alpn[0]);
	need(!SSL_CTX_set_alpn_protos(s->ctx, s->alpn, s->alpn[0] + 1u));
	SSL_CTX_set_alpn_select_cb(s->ctx, on_alpn, s);
}

struct tls_stranger *tls_stranger_create(const struct tls_stranger_args *args,
                                         struct buf *in, struct buf *out)
{
	struct tls_stranger *s = calloc(1, sizeof(*s));

	need(s);
	s->in = in;
	s->out = out;
	s->ctx = SSL_CTX_new(TLS_method());
	need(s->ctx);
	if (args->version)
		need(SSL_CTX_set_min_proto_version(s->ctx, args->version) &&
		     SSL_CTX_set_max_proto_version(s->ctx, args->version));
	if (args->version == TLS1_1_VERSION)
		SSL_CTX_set_security_level(s->ctx, 0); /* else it has none to offer */
	if (args->suites)
		need(SSL_CTX_set_cipher_list(s->ctx, args->suites));
	if (args->alpn)
		use_alpn(s, args->alpn);
	SSL_CTX_set_verify(s->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(s->ctx, accept_any, NULL);
	SSL_CTX_set_num_tickets(s->ctx, args->tickets);
	use_identity(s, args->key);
	s->ssl = SSL_new(s->ctx);
	s->rx = BIO_new(BIO_s_mem());
	s->tx = BIO_new(BIO_s_mem());
	need(s->ssl && s->rx && s->tx);
	SSL_set_bio(s->ssl, s->rx, s->tx);
	if (args->side == TLS_CLIENT)
		SSL_set_connect_state(s->ssl);
	else
		SSL_set_accept_state(s->ssl);
	return s;
}

void tls_stranger_destroy(struct tls_stranger *s)
{
	if (!s)
		return;
	SSL_free(s->ssl);
	SSL_CTX_free(s->ctx);
	free(s);
}

static void fetch(struct tls_stranger *s)
{
	if (s->in->len)
		need(BIO_write(s->rx, buf_head(s->in), (int)s->in->len) > 0);
	buf_take(s->in, s->in->len);
}

static void deliver(struct tls_stranger *s)
{
	uint8_t bytes[4096];
	int n;

	while ((n = BIO_read(s->tx, bytes, sizeof(bytes))) > 0)
		need(!buf_put(s->out, bytes, (size_t)n));
}

int tls_stranger_shake(struct tls_stranger *s)
{
	fetch(s);
	int rc = SSL_do_handshake(s->ssl);
	int code = rc == 1 ? SSL_ERROR_NONE : SSL_get_error(s->ssl, rc);
	deliver(s);
	ERR_clear_error();
	return rc == 1 ? 1 : code == SSL_ERROR_WANT_READ ? 0 : -EPROTO;
}

void tls_stranger_rekey(struct tls_stranger *s)
{
	if (SSL_version(s->ssl) >= TLS1_3_VERSION) /* 1.2 has none */
		need(SSL_key_update(s->ssl, SSL_KEY_UPDATE_REQUESTED));
}

void tls_stranger_write(struct tls_stranger *s, const uint8_t *p, size_t n)
{
	size_t done;

	need(SSL_write_ex(s->ssl, p, n, &done) && done == n);
	deliver(s);
}

size_t tls_stranger_certificate(struct tls_stranger *s, uint8_t *der, size_t n)
{
	X509 *cert = SSL_get0_peer_certificate(s->ssl);
	int len = cert ? i2d_X509(cert, NULL) : 0;

	need(cert && len > 0 && (size_t)len <= n);
	need(i2d_X509(cert, &der) == len);
	return (size_t)len;
}

size_t tls_stranger_read(struct tls_stranger *s, uint8_t *p, size_t n)
{
	size_t got = 0;

	fetch(s);
	if (!SSL_read_ex(s->ssl, p, n, &got))
		got = 0;
	deliver(s);
	ERR_clear_error();
	return got;
}
