/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: tls.h by OpenSSL 3.0 or later: it shakes hands, and gives the secrets of
 * the connection to seal.h, which has the records from there on.
 *
 * OpenSSL reads and writes through a BIO of our own that stands right on the
 * caller's two queues, and takes a record's own bytes only (no read-ahead): when
 * the handshake is complete, what follows is in the caller's queue still, and
 * OpenSSL has written nothing with the new keys, as there are no tickets. So both
 * directions begin with record 0.
 *
 * The secrets come through the callback that is made to log them: nothing of it is
 * logged, and they are wiped as soon as seal.h has them.
 *
 * OpenSSL's own chain building is replaced by on_peer_certificate(): there is
 * no authority, no name and no clock to check against. That the peer has the
 * key is proved by its CertificateVerify (RFC 8446, 4.4.3), which OpenSSL
 * checks; whose key it is, the pin tells.
 */
#include "agg/transport/tls_openssl.h"

#include "agg/base/pages.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/objects.h>

#define ALPN "\x06" "aggd/1" /* RFC 7301: a length byte before each name */
#define GROUPS "X25519:P-256"
#define SUITES_AES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"
#define SUITES_CHACHA "TLS_CHACHA20_POLY1305_SHA256"
/* For peers that have no TLS 1.3. */
#define SUITES12_AES "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"
#define SUITES12_CHACHA "ECDHE-ECDSA-CHACHA20-POLY1305"

/* The alert by which a client of ours says so (on_peer_certificate). */
#define ALERT_BAD_CERTIFICATE SSL_R_SSLV3_ALERT_BAD_CERTIFICATE
#define RANDOM_HEX_LEN 64 /* of a line of secrets: the client's random */

#define KEY_UPDATE_ROOM 64 /* a KeyUpdate's record, sealed */
#define CHACHA12_OVERHEAD 21 /* header 5, tag 16 (RFC 7905) */

struct tls_context {
	enum tls_side side;
	_Atomic unsigned users; /* its creator, and each connection, which may
	                         * end in another thread */
	SSL_CTX *ssl;
	BIO_METHOD *queues;
	bool library_records;
};

struct tls {
	struct tls_common common; /* the first */
	struct tls_context *ctx;  /* one of its users */
	SSL *ssl;                 /* NULL: it has done its part */
};

/* Errors. */

/* What an SSL_... call that returned rc means: 0 to wait, or -errno. */
static int outcome_of(struct tls *tls, int rc)
{
	int code = SSL_get_error(tls->ssl, rc);

	if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE)
		return 0;
	if (code == SSL_ERROR_ZERO_RETURN) {
		tls_common_blame(&tls->common, "the peer closed");
		return -EPIPE;
	}
	unsigned long error = ERR_peek_error();
	const char *reason = ERR_GET_REASON(error) == ALERT_BAD_CERTIFICATE ?
		TLS_PEER_REJECTS_US : ERR_reason_error_string(error);
	tls_common_blame(&tls->common, reason ? reason : "OpenSSL gave no reason");
	ERR_clear_error();
	return -EPROTO;
}

int tls_openssl_errno(void)
{
	bool memory = ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE;

	ERR_clear_error();
	return memory ? ENOMEM : EINVAL;
}

/* The BIO on the caller's queues. */

static int bio_read(BIO *bio, char *p, size_t n, size_t *got)
{
	struct buf *in = ((struct tls_common *)BIO_get_data(bio))->in;

	BIO_clear_retry_flags(bio);
	if (!in->len) {
		BIO_set_retry_read(bio);
		return 0;
	}
	*got = n < in->len ? n : in->len;
	memcpy(p, buf_head(in), *got);
	buf_take(in, *got);
	return 1;
}

static int bio_write(BIO *bio, const char *p, size_t n, size_t *put)
{
	struct buf *out = ((struct tls_common *)BIO_get_data(bio))->out;

	BIO_clear_retry_flags(bio);
	if (buf_put(out, p, n) < 0) {
		BIO_set_retry_write(bio);
		return 0;
	}
	*put = n;
	return 1;
}

static long bio_ctrl(BIO *bio, int command, long num, void *p)
{
	return command == BIO_CTRL_FLUSH; /* all else: not known */
}

static BIO_METHOD *bio_method_create(void)
{
	BIO_METHOD *queues = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "byte queues");

	if (queues && BIO_meth_set_read_ex(queues, bio_read) &&
	    BIO_meth_set_write_ex(queues, bio_write) &&
	    BIO_meth_set_ctrl(queues, bio_ctrl))
		return queues;
	BIO_meth_free(queues);
	return NULL;
}

/* What both sides demand of the other. */

static const char *peer_objection(struct tls *tls, STACK_OF(X509) *chain)
{
	X509 *cert = sk_X509_value(chain, 0);
	const uint8_t *alpn;
	unsigned alpn_len;

	SSL_get0_alpn_selected(tls->ssl, &alpn, &alpn_len);
	if (tls_key_pin(cert, &tls->common.peer) < 0)
		return "no memory for the peer's pin";
	return tls_common_objection(&tls->common, alpn_len > 0,
	                            (unsigned)sk_X509_num(chain),
	                            tls_key_is_p256(X509_get0_pubkey(cert)));
}

static int on_peer_certificate(X509_STORE_CTX *store, void *ctx)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
		store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *tls = SSL_get_app_data(ssl);
	const char *objection =
		peer_objection(tls, X509_STORE_CTX_get0_untrusted(store));

	if (!objection)
		return 1;
	tls_common_blame(&tls->common, objection);
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED); /* the alert
	                                                            * bad_certificate */
	return 0;
}

/* Who knocks without an ALPN is sent away as one with another is, before any
 * certificate: OpenSSL itself asks on_client_alpn() only where there is one. */
static int on_client_hello(SSL *ssl, int *alert, void *ctx)
{
	const uint8_t *alpn;
	size_t n;

	if (SSL_client_hello_get0_ext(
		    ssl, TLSEXT_TYPE_application_layer_protocol_negotiation,
		    &alpn, &n))
		return SSL_CLIENT_HELLO_SUCCESS;
	tls_common_blame(SSL_get_app_data(ssl), TLS_NO_ALPN);
	*alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	return SSL_CLIENT_HELLO_ERROR;
}

static int on_client_alpn(SSL *ssl, const uint8_t **out, uint8_t *out_len,
                          const uint8_t *in, unsigned in_len, void *ctx)
{
	uint8_t *chosen;

	if (SSL_select_next_proto(&chosen, out_len, (const uint8_t *)ALPN,
	                          sizeof(ALPN) - 1, in, in_len) !=
	    OPENSSL_NPN_NEGOTIATED) {
		tls_common_blame(SSL_get_app_data(ssl), TLS_NO_ALPN);
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* The secrets. */

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
	     : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void secret_parse(struct tls_secret *secret, const char *hex)
{
	secret->n = 0;
	while (secret->n < sizeof(secret->bytes)) {
		int high = nibble(hex[0]), low = high < 0 ? -1 : nibble(hex[1]);
		if (low < 0)
			break;
		secret->bytes[secret->n++] = (uint8_t)(high << 4 | low);
		hex += 2;
	}
}

/* A line: label, the client's random, the secret, a space between. OpenSSL wipes
 * it. */
static void on_secret(const SSL *ssl, const char *line)
{
	static const char *const labels[] = {
		[TLS_CLIENT] = "CLIENT_TRAFFIC_SECRET_0 ",
		[TLS_SERVER] = "SERVER_TRAFFIC_SECRET_0 ",
	};
	struct tls *tls = SSL_get_app_data(ssl);

	for (int side = TLS_CLIENT; side <= TLS_SERVER; side++) {
		size_t n = strlen(labels[side]);
		if (!strncmp(line, labels[side], n) &&
		    strlen(line) > n + RANDOM_HEX_LEN)
			secret_parse(&tls->common.secrets[side],
			             line + n + RANDOM_HEX_LEN + 1);
	}
}

/* The context. */

static bool set_suites(SSL_CTX *ssl)
{
	SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE |
	                         SSL_OP_PRIORITIZE_CHACHA);
	if (tls_common_aes_is_faster())
		return SSL_CTX_set_ciphersuites(ssl, SUITES_AES ":" SUITES_CHACHA) &&
		       SSL_CTX_set_cipher_list(ssl, SUITES12_AES ":" SUITES12_CHACHA);
	return SSL_CTX_set_ciphersuites(ssl, SUITES_CHACHA ":" SUITES_AES) &&
	       SSL_CTX_set_cipher_list(ssl, SUITES12_CHACHA ":" SUITES12_AES);
}

static bool set_protocol(SSL_CTX *ssl, enum tls_side side)
{
	char groups[] = GROUPS; /* OpenSSL's macro casts const away */

	SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
	                         SSL_OP_NO_COMPRESSION);
	/* Idle connections hold no buffers; our queues may move when they grow. */
	SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN |
	                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(ssl, TLS_PEER_CERT_BYTES_MAX);
	SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER |
	                        SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ssl, on_peer_certificate, NULL);
	SSL_CTX_set_client_hello_cb(ssl, on_client_hello, NULL);
	SSL_CTX_set_alpn_select_cb(ssl, on_client_alpn, NULL);
	SSL_CTX_set_keylog_callback(ssl, on_secret);
	if (side == TLS_CLIENT &&
	    SSL_CTX_set_alpn_protos(ssl, (const uint8_t *)ALPN, sizeof(ALPN) - 1))
		return false;
	return SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) &&
	       SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) &&
	       SSL_CTX_set1_groups_list(ssl, groups) &&
	       SSL_CTX_set_num_tickets(ssl, 0) && set_suites(ssl);
}

static int set_identity(SSL_CTX *ssl, const char *dir)
{
	EVP_PKEY *key;
	X509 *cert;
	int rc = tls_key_load(dir, &key, &cert);

	if (rc < 0)
		return rc;
	if (!SSL_CTX_use_certificate(ssl, cert) ||
	    !SSL_CTX_use_PrivateKey(ssl, key))
		rc = -tls_openssl_errno();
	X509_free(cert);
	EVP_PKEY_free(key);
	return rc;
}

/* Our settings are in this file, not in the system's openssl.cnf. */
void tls_openssl_init(void)
{
	OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

struct tls_context *tls_context_create(enum tls_side side, const char *dir)
{
	int rc = -ENOMEM;
	struct tls_context *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	tls_openssl_init();
	ctx->side = side;
	ctx->users = 1;
	ctx->queues = bio_method_create();
	ctx->ssl = SSL_CTX_new(side == TLS_CLIENT ? TLS_client_method()
	                                          : TLS_server_method());
	if (!ctx->queues || !ctx->ssl || !set_protocol(ctx->ssl, side))
		rc = -tls_openssl_errno();
	else
		rc = set_identity(ctx->ssl, dir);
	if (!rc)
		return ctx;
	tls_context_destroy(ctx);
	errno = -rc;
	return NULL;
}

/* A connection's BIO has its methods in the context. */
static void context_put(struct tls_context *ctx)
{
	if (--ctx->users)
		return;
	SSL_CTX_free(ctx->ssl);
	BIO_meth_free(ctx->queues);
	free(ctx);
}

void tls_context_destroy(struct tls_context *ctx)
{
	if (ctx)
		context_put(ctx);
}

void tls_context_offer(struct tls_context *ctx, const char *name)
{
	uint8_t both[sizeof(ALPN) + TLS_OFFER_MAX] = ALPN;
	size_t n = strlen(name);

	both[sizeof(ALPN) - 1] = (uint8_t)n;
	memcpy(both + sizeof(ALPN), name, n);
	SSL_CTX_set_alpn_protos(ctx->ssl, both, (unsigned)(sizeof(ALPN) + n));
}

void tls_context_leave_records(struct tls_context *ctx)
{
	ctx->library_records = true;
}

void tls_rest(void)
{
	pages_drop("libcrypto");
	pages_drop("libssl");
}

const char *tls_library(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}

/* A connection. */

struct tls *tls_create(struct tls_context *ctx, struct buf *in, struct buf *out)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	if (!tls)
		return NULL;
	BIO *bio = BIO_new(ctx->queues);
	tls->ctx = ctx;
	ctx->users++;
	tls_common_init(&tls->common, in, out);
	tls->ssl = SSL_new(ctx->ssl);
	if (!bio || !tls->ssl) {
		BIO_free(bio);
		tls_destroy(tls);
		errno = tls_openssl_errno();
		return NULL;
	}
	BIO_set_data(bio, tls);
	BIO_set_init(bio, 1);
	SSL_set_bio(tls->ssl, bio, bio); /* takes it */
	SSL_set_app_data(tls->ssl, tls);
	if (ctx->side == TLS_CLIENT)
		SSL_set_connect_state(tls->ssl);
	else
		SSL_set_accept_state(tls->ssl);
	return tls;
}

void tls_destroy(struct tls *tls)
{
	if (!tls)
		return;
	SSL_free(tls->ssl);
	tls_common_finish(&tls->common);
	context_put(tls->ctx);
	free(tls);
}

/* The handshake is complete: from here on the records are ours, where they can
 * be. 1 or -EPROTO. */
static int take_over(struct tls *tls)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(tls->ssl);
	bool ours = !tls->ctx->library_records &&
	            SSL_version(tls->ssl) == TLS1_3_VERSION;

	assert(!SSL_get_read_ahead(tls->ssl));
	snprintf(tls->common.cipher, sizeof(tls->common.cipher), "%s",
	         SSL_CIPHER_standard_name(cipher));
	if (ours && SSL_has_pending(tls->ssl)) {
		tls_common_blame(&tls->common, "bytes behind the handshake");
		return -EPROTO;
	}
	int rc = tls_common_take_over(&tls->common, tls->ctx->side, ours ?
	                              SSL_CIPHER_get_protocol_id(cipher) : 0);
	return rc < 0 ? rc : 1;
}

int tls_handshake(struct tls *tls)
{
	if (tls->common.seal)
		return 1;
	int rc = SSL_do_handshake(tls->ssl);
	if (rc == 1)
		return tls->common.cipher[0] ? 1 : take_over(tls);
	if (!outcome_of(tls, rc))
		return 0;
	return tls->common.wrong_pin ? -EKEYREJECTED : -EPROTO;
}

void tls_settle(struct tls *tls)
{
	if (!tls->common.seal)
		return;
	SSL_free(tls->ssl);
	tls->ssl = NULL;
}

/* OpenSSL's records. */

bool tls_lib_has_pending(const struct tls *tls)
{
	return SSL_has_pending(tls->ssl);
}

static size_t overhead12(const struct tls *tls)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(tls->ssl);

	return SSL_CIPHER_get_cipher_nid(cipher) == NID_chacha20_poly1305 ?
		CHACHA12_OVERHEAD : TLS_RECORD_OVERHEAD_MAX;
}

size_t tls_lib_overhead(const struct tls *tls)
{
	bool update = tls->common.records_sealed > SEAL_RECORDS_PER_KEY ||
	              SSL_get_key_update_type(tls->ssl) != SSL_KEY_UPDATE_NONE;

	if (SSL_version(tls->ssl) < TLS1_3_VERSION)
		return overhead12(tls);
	return TLS_RECORD_OVERHEAD + (update ? KEY_UPDATE_ROOM : 0);
}

/* TLS 1.2 has none but in a new connection. */
bool tls_lib_renew_key(struct tls *tls)
{
	return SSL_version(tls->ssl) >= TLS1_3_VERSION &&
	       SSL_key_update(tls->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1;
}

int tls_lib_write(struct tls *tls, const uint8_t *p, size_t n)
{
	size_t sealed;

	int rc = SSL_write_ex(tls->ssl, p, n, &sealed);
	if (rc == 1)
		return 0;
	if (!outcome_of(tls, rc)) /* the room was there: no */
		tls_common_blame(&tls->common, "cannot write now");
	return -EPROTO;
}

ssize_t tls_lib_read(struct tls *tls, uint8_t *p)
{
	size_t n;
	int rc = SSL_read_ex(tls->ssl, p, TLS_RECORD_PAYLOAD_MAX, &n);

	return rc == 1 ? (ssize_t)n : outcome_of(tls, rc);
}

void tls_lib_close(struct tls *tls)
{
	if (SSL_shutdown(tls->ssl) < 0)
		ERR_clear_error(); /* in the handshake, or broken: nothing to say */
}
