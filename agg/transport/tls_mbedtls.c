/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: tls.h by mbedTLS, 2.28 or 3: it shakes hands. By TLS 1.3, which 3 has, it
 * gives the secrets of the connection to seal.h, which has the records from there
 * on; of TLS 1.2 the records stay its own.
 *
 * mbedTLS reads a record's own bytes only: when the handshake is complete, what
 * follows is in the caller's queue still. It sends no tickets. So with TLS 1.3
 * both directions begin with record 0.
 *
 * There is no authority, no name and no clock to check a certificate against:
 * on_peer_certificate() sets aside what mbedTLS finds, and looks at the key alone.
 * That the peer has it is proved by its CertificateVerify, or in TLS 1.2 by its
 * signature under the exchanged keys; whose key it is, the pin tells.
 */
#include "agg/transport/tls_mbedtls.h"

#include "agg/base/pages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <mbedtls/error.h>
#include <mbedtls/version.h>

_Static_assert(MBEDTLS_SSL_IN_CONTENT_LEN >= TLS_RECORD_PAYLOAD_MAX,
               "peers send records of full size (MBEDTLS_SSL_IN_CONTENT_LEN)");

#define ALPN "aggd/1"
#define SUITES_MAX 8 /* of both kinds */
#define OUT_RECORDS ((TLS_RECORD_PAYLOAD_MAX + MBEDTLS_SSL_OUT_CONTENT_LEN - 1) / \
                     MBEDTLS_SSL_OUT_CONTENT_LEN)

struct tls_context {
	enum tls_side side;
	_Atomic unsigned users; /* its creator, and each connection, which may
	                         * end in another thread */
	mbedtls_ssl_config conf;
	mbedtls_pk_context key;
	mbedtls_x509_crt cert;
	int suites[SUITES_MAX + 1]; /* in the order of our liking, then 0 */
	char offer[TLS_OFFER_MAX + 1];
	const char *alpn[3]; /* ALPN, and what it offers, then NULL */
};

struct tls {
	struct tls_common common; /* the first */
	struct tls_context *ctx;  /* one of its users */
	mbedtls_ssl_context *ssl; /* NULL: it has done its part */
	int broken;               /* -errno, for good */
};

/* Errors, and chance. */

int tls_mbedtls_random(void *ctx, unsigned char *p, size_t n)
{
	while (n) {
		ssize_t got = getrandom(p, n, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return MBEDTLS_ERR_PK_BAD_INPUT_DATA;
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

int tls_mbedtls_errno(int rc)
{
	switch (rc) {
	case MBEDTLS_ERR_SSL_ALLOC_FAILED:
	case MBEDTLS_ERR_PK_ALLOC_FAILED:
	case MBEDTLS_ERR_X509_ALLOC_FAILED:
	case MBEDTLS_ERR_MPI_ALLOC_FAILED:
		return ENOMEM;
	}
	return EINVAL;
}

static bool peer_rejects_us(const struct tls *tls, int rc)
{
	return rc == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE &&
	       tls_mbedtls_alert(tls->ssl) == MBEDTLS_SSL_ALERT_MSG_BAD_CERT;
}

/* By the alert that mbedTLS sent: of a bad ClientHello its error says no more. */
static bool we_said_no_alpn(const struct tls *tls)
{
	static const uint8_t alert[] = {
		MBEDTLS_SSL_ALERT_LEVEL_FATAL,
		MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL,
	};
	const struct buf *out = tls->common.out;

	return !tls->common.cipher[0] && out->len >= sizeof(alert) &&
	       !memcmp(buf_head(out) + out->len - sizeof(alert), alert,
	               sizeof(alert));
}

/* What an mbedtls_ssl_... call that returned rc means: 0 to wait, or -errno. */
static int outcome_of(struct tls *tls, int rc)
{
	char words[TLS_ERROR_TEXT_MAX];

	if (rc == MBEDTLS_ERR_SSL_WANT_READ || rc == MBEDTLS_ERR_SSL_WANT_WRITE)
		return 0;
	if (rc == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) {
		tls_common_blame(&tls->common, "the peer closed");
		return tls->broken = -EPIPE;
	}
	if (peer_rejects_us(tls, rc)) {
		tls_common_blame(&tls->common, TLS_PEER_REJECTS_US);
	} else if (we_said_no_alpn(tls)) {
		tls_common_blame(&tls->common, TLS_NO_ALPN);
	} else {
		mbedtls_strerror(rc, words, sizeof(words));
		tls_common_blame(&tls->common, words);
	}
	return tls->broken = -EPROTO;
}

/* On the caller's queues. */

static int on_receive(void *ctx, unsigned char *p, size_t n)
{
	struct buf *in = ((struct tls_common *)ctx)->in;

	if (!in->len)
		return MBEDTLS_ERR_SSL_WANT_READ;
	if (n > in->len)
		n = in->len;
	memcpy(p, buf_head(in), n);
	buf_take(in, n);
	return (int)n;
}

static int on_send(void *ctx, const unsigned char *p, size_t n)
{
	struct buf *out = ((struct tls_common *)ctx)->out;

	return buf_put(out, p, n) < 0 ? MBEDTLS_ERR_SSL_WANT_WRITE : (int)n;
}

/* What both sides demand of the other. */

static unsigned count(const mbedtls_x509_crt *chain)
{
	unsigned n = 0;

	for (; chain; chain = chain->next)
		n++;
	return n;
}

static bool has_alpn(const struct tls *tls)
{
	return mbedtls_ssl_get_alpn_protocol(tls->ssl) != NULL;
}

/* Of the peer's own (depth 0), and of what is above it. */
static int on_peer_certificate(void *ctx, mbedtls_x509_crt *cert, int depth,
                               uint32_t *flags)
{
	struct tls *tls = ctx;

	*flags = 0;
	if (depth > 0)
		return 0;
	const char *objection = tls_key_pin(cert, &tls->common.peer) < 0 ?
		"no memory for the peer's pin" :
		tls_common_objection(&tls->common, has_alpn(tls), count(cert),
		                     tls_key_is_p256(&cert->pk));
	if (!objection)
		return 0;
	tls_common_blame(&tls->common, objection);
	*flags = MBEDTLS_X509_BADCERT_CN_MISMATCH; /* the alert bad_certificate */
	return 0;
}

/* Who knocks without an ALPN is sent away as one with another is, before any
 * certificate. 0, or a fatal error. */
static int refuse_who_has_no_alpn(struct tls *tls)
{
	if (tls->ctx->side == TLS_CLIENT || has_alpn(tls) ||
	    tls_mbedtls_state(tls->ssl) <= MBEDTLS_SSL_CLIENT_HELLO)
		return 0;
	tls_common_blame(&tls->common, TLS_NO_ALPN);
	(void)mbedtls_ssl_send_alert_message(
		tls->ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL,
		MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL);
	return tls->broken = -EPROTO;
}

/* The context. */

static void set_suites(struct tls_context *ctx)
{
	bool aes_first = tls_common_aes_is_faster();
	int *to = ctx->suites;

	for (const int *p = aes_first ? tls_mbedtls_aes : tls_mbedtls_chacha; *p; p++)
		*to++ = *p;
	for (const int *p = aes_first ? tls_mbedtls_chacha : tls_mbedtls_aes; *p; p++)
		*to++ = *p;
	mbedtls_ssl_conf_ciphersuites(&ctx->conf, ctx->suites);
	tls_mbedtls_set_versions(&ctx->conf, aes_first);
}

static int set_up(struct tls_context *ctx)
{
	mbedtls_ssl_config *conf = &ctx->conf;
	int rc = mbedtls_ssl_config_defaults(
		conf, ctx->side == TLS_CLIENT ? MBEDTLS_SSL_IS_CLIENT
		                              : MBEDTLS_SSL_IS_SERVER,
		MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);

	if (rc)
		return rc;
	mbedtls_ssl_conf_rng(conf, tls_mbedtls_random, NULL);
	mbedtls_ssl_conf_authmode(conf, MBEDTLS_SSL_VERIFY_REQUIRED);
	/* It wants an authority, though on_peer_certificate() does not ask it. */
	mbedtls_ssl_conf_ca_chain(conf, &ctx->cert, NULL);
	if (ctx->side == TLS_SERVER)
		mbedtls_ssl_conf_cert_req_ca_list(
			conf, MBEDTLS_SSL_CERT_REQ_CA_LIST_DISABLED);
	set_suites(ctx);
	ctx->alpn[0] = ALPN;
	rc = mbedtls_ssl_conf_alpn_protocols(conf, ctx->alpn);
	return rc ? rc : mbedtls_ssl_conf_own_cert(conf, &ctx->cert, &ctx->key);
}

struct tls_context *tls_context_create(enum tls_side side, const char *dir)
{
	struct tls_context *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	ctx->side = side;
	ctx->users = 1;
	mbedtls_ssl_config_init(&ctx->conf);
	mbedtls_pk_init(&ctx->key);
	mbedtls_x509_crt_init(&ctx->cert);
	int rc = tls_mbedtls_init();
	int err = rc ? -tls_mbedtls_errno(rc)
	             : tls_key_load(dir, &ctx->key, &ctx->cert);
	if (!err) {
		rc = set_up(ctx);
		err = rc ? -tls_mbedtls_errno(rc) : 0;
	}
	if (!err)
		return ctx;
	tls_context_destroy(ctx);
	errno = -err;
	return NULL;
}

static void context_put(struct tls_context *ctx)
{
	if (--ctx->users)
		return;
	mbedtls_ssl_config_free(&ctx->conf);
	mbedtls_x509_crt_free(&ctx->cert);
	mbedtls_pk_free(&ctx->key);
	free(ctx);
}

void tls_context_destroy(struct tls_context *ctx)
{
	if (ctx)
		context_put(ctx);
}

void tls_context_offer(struct tls_context *ctx, const char *name)
{
	snprintf(ctx->offer, sizeof(ctx->offer), "%s", name);
	ctx->alpn[1] = ctx->offer; /* the library reads the list at each handshake */
}

void tls_context_leave_records(struct tls_context *ctx)
{
	tls_mbedtls_leave_13(&ctx->conf);
}

void tls_rest(void)
{
	pages_drop("libmbedtls");
	pages_drop("libmbedx509");
	pages_drop("libmbedcrypto");
}

const char *tls_library(void)
{
	return MBEDTLS_VERSION_STRING_FULL;
}

/* A connection. */

static int ssl_create(struct tls *tls)
{
	tls->ssl = calloc(1, sizeof(*tls->ssl));
	if (!tls->ssl)
		return -ENOMEM;
	mbedtls_ssl_init(tls->ssl);
	int rc = mbedtls_ssl_setup(tls->ssl, &tls->ctx->conf);
	if (rc)
		return -tls_mbedtls_errno(rc);
	mbedtls_ssl_set_bio(tls->ssl, &tls->common, on_send, on_receive, NULL);
	mbedtls_ssl_set_verify(tls->ssl, on_peer_certificate, tls);
	rc = tls_mbedtls_prepare(tls->ssl, &tls->common);
	return rc ? -tls_mbedtls_errno(rc) : 0;
}

static void ssl_destroy(struct tls *tls)
{
	if (!tls->ssl)
		return;
	mbedtls_ssl_free(tls->ssl);
	free(tls->ssl);
	tls->ssl = NULL;
}

struct tls *tls_create(struct tls_context *ctx, struct buf *in, struct buf *out)
{
	struct tls *tls = calloc(1, sizeof(*tls));

	if (!tls)
		return NULL;
	tls->ctx = ctx;
	ctx->users++;
	tls_common_init(&tls->common, in, out);
	int err = ssl_create(tls);
	if (!err)
		return tls;
	tls_destroy(tls);
	errno = -err;
	return NULL;
}

void tls_destroy(struct tls *tls)
{
	if (!tls)
		return;
	ssl_destroy(tls);
	tls_common_finish(&tls->common);
	context_put(tls->ctx);
	free(tls);
}

/* As IANA names it, with underscores. */
static void name_cipher(struct tls *tls)
{
	char *name = tls->common.cipher;

	snprintf(name, sizeof(tls->common.cipher), "%s",
	         mbedtls_ssl_get_ciphersuite(tls->ssl));
	for (char *dash = name; (dash = strchr(dash, '-'));)
		*dash = '_';
	if (!strncmp(name, "TLS1_3_", 7)) { /* mbedTLS's own word */
		name[3] = '_';
		memmove(name + 4, name + 7, strlen(name + 7) + 1);
	}
}

/* The handshake is complete: from here on the records are ours, where they can
 * be. 1 or -EPROTO. */
static int take_over(struct tls *tls)
{
	uint16_t suite = tls_mbedtls_suite13(tls->ssl);

	name_cipher(tls);
	if (suite && mbedtls_ssl_check_pending(tls->ssl)) {
		tls_common_blame(&tls->common, "bytes behind the handshake");
		return tls->broken = -EPROTO;
	}
	int rc = tls_common_take_over(&tls->common, tls->ctx->side, suite);
	return rc < 0 ? (tls->broken = rc) : 1;
}

static bool is_shaken(const struct tls *tls)
{
	return tls_mbedtls_state(tls->ssl) == MBEDTLS_SSL_HANDSHAKE_OVER;
}

int tls_handshake(struct tls *tls)
{
	int rc = 0;

	if (tls->common.cipher[0])
		return 1;
	while (!tls->broken && !rc && !is_shaken(tls)) {
		rc = mbedtls_ssl_handshake_step(tls->ssl);
		if (!rc)
			(void)refuse_who_has_no_alpn(tls);
	}
	if (rc && !tls->broken && !outcome_of(tls, rc))
		return 0;
	if (!tls->broken)
		return take_over(tls);
	return tls->common.wrong_pin ? -EKEYREJECTED : -EPROTO;
}

void tls_settle(struct tls *tls)
{
	if (tls->common.seal)
		ssl_destroy(tls);
}

/* mbedTLS's records. */

bool tls_lib_has_pending(const struct tls *tls)
{
	return tls->broken || mbedtls_ssl_check_pending(tls->ssl);
}

size_t tls_lib_overhead(const struct tls *tls)
{
	int each = mbedtls_ssl_get_record_expansion(tls->ssl);

	return OUT_RECORDS * (each > 0 ? (size_t)each : TLS_RECORD_OVERHEAD_MAX);
}

/* It has no new key but in a new connection. */
bool tls_lib_renew_key(struct tls *tls)
{
	return false;
}

int tls_lib_write(struct tls *tls, const uint8_t *p, size_t n)
{
	while (n && !tls->broken) {
		int sent = mbedtls_ssl_write(tls->ssl, p, n);
		if (sent <= 0) {
			if (!outcome_of(tls, sent)) /* the room was there: no */
				tls_common_blame(&tls->common, "cannot write now");
			return -EPROTO;
		}
		p += sent;
		n -= (size_t)sent;
	}
	return tls->broken ? -EPROTO : 0;
}

ssize_t tls_lib_read(struct tls *tls, uint8_t *p)
{
	int n;

	if (tls->broken)
		return tls->broken;
	do {
		n = mbedtls_ssl_read(tls->ssl, p, TLS_RECORD_PAYLOAD_MAX);
	} while (tls_mbedtls_is_ticket(n));
	return n > 0 ? n : outcome_of(tls, n);
}

void tls_lib_close(struct tls *tls)
{
	if (!tls->broken)
		(void)mbedtls_ssl_close_notify(tls->ssl);
}
