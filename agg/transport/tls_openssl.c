/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: tls.h by OpenSSL 3.0 or later; the only file that names it.
 *
 * OpenSSL reads and writes through a BIO of our own that stands right on the
 * caller's two queues, so that no ciphertext is copied once more on its way.
 * SSL_read() is called only when a whole record is in the queue: a record on
 * its way needs no buffer besides the queue, and an idle connection none.
 *
 * OpenSSL's own chain building is replaced by on_peer_certificate(): there is
 * no authority, no name and no clock to check against. That the peer has the
 * key is proved by its CertificateVerify (RFC 8446, 4.4.3), which OpenSSL
 * checks; whose key it is, the pin tells.
 *
 * The identity is the key. A certificate is made of it at every start, and
 * says nothing but the key: any name would tell strangers who we are.
 *
 * OpenSSL keeps its errors in a queue of the thread. Every function that can
 * fail leaves that queue empty, so that the next need not clear it first.
 */
#include "agg/transport/tls.h"
#include "agg/transport/tls_identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#define ALPN "\x06" "aggd/1" /* RFC 7301: a length byte before each name */
#define NO_ALPN "no shared ALPN"
#define GROUPS "X25519:P-256"
#define SUITES_AES "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384"
#define SUITES_CHACHA "TLS_CHACHA20_POLY1305_SHA256"
#define CURVE "prime256v1" /* OpenSSL's word for P-256 */

#define PEER_CERT_BYTES_MAX 8192 /* what a stranger can make us hold */
/* The alert by which a client of ours says so (on_peer_certificate). */
#define PEER_REJECTS_US SSL_R_SSLV3_ALERT_BAD_CERTIFICATE
#define RECORD_HEADER 5
#define RECORD_BODY_MAX (TLS_RECORD_PAYLOAD_MAX + 256) /* RFC 8446, 5.2 */
/* RFC 8446, 5.5: AES-GCM is good for 2^24.5 full records; then a new key. */
#define RECORDS_PER_KEY (1u << 23)
#define KEY_UPDATE_ROOM 64 /* a KeyUpdate's record, sealed */
#define CERT_DAYS 36500    /* nobody checks it: a key is withdrawn by its pin */
#define CERT_NAME "localhost" /* as a thousand others */
#define SERIAL_BITS 159    /* RFC 5280, 4.1.2.2: positive, up to 20 bytes */
#define ERROR_TEXT_MAX 160

struct tls_context {
	enum tls_side side;
	unsigned users; /* its creator, and each connection */
	SSL_CTX *ssl;
	BIO_METHOD *queues;
};

struct tls {
	struct tls_context *ctx; /* one of its users */
	SSL *ssl;
	struct buf *in, *out; /* borrowed */
	bool starved;         /* SSL_read took part of a record and waits */
	unsigned records_sealed; /* under the present key */
	struct tls_pin peer;     /* as shown */
	struct tls_pin expected; /* if expects */
	bool expects, wrong_pin;
	char error[ERROR_TEXT_MAX];
};

/* Errors. */

static void set_error(struct tls *tls, const char *text)
{
	if (!tls->error[0]) /* the first is the cause */
		snprintf(tls->error, sizeof(tls->error), "%s", text);
}

/* What an SSL_... call that returned rc means: 0 to wait, or -errno. */
static int outcome(struct tls *tls, int rc)
{
	int code = SSL_get_error(tls->ssl, rc);

	if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE)
		return 0;
	if (code == SSL_ERROR_ZERO_RETURN) {
		set_error(tls, "the peer closed");
		return -EPIPE;
	}
	unsigned long error = ERR_peek_error();
	const char *reason = ERR_GET_REASON(error) == PEER_REJECTS_US ?
		"the peer rejects our certificate" : ERR_reason_error_string(error);
	set_error(tls, reason ? reason : "OpenSSL gave no reason");
	ERR_clear_error();
	return -EPROTO;
}

/* A library call failed where only memory, or we, can be at fault. */
static int library_errno(void)
{
	bool memory = ERR_GET_REASON(ERR_peek_error()) == ERR_R_MALLOC_FAILURE;

	ERR_clear_error();
	return memory ? ENOMEM : EINVAL;
}

/* The BIO on the caller's queues. */

static int bio_read(BIO *bio, char *p, size_t n, size_t *got)
{
	struct buf *in = ((struct tls *)BIO_get_data(bio))->in;

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
	struct buf *out = ((struct tls *)BIO_get_data(bio))->out;

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

/* Keys and certificates. */

static bool key_is_p256(EVP_PKEY *key)
{
	char curve[32];

	return key && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
	       EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) == 1 &&
	       !strcmp(curve, CURVE);
}

static int pin_of(X509 *cert, struct tls_pin *out)
{
	uint8_t *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	int ok = n > 0 && EVP_Digest(der, (size_t)n, out->sha256, NULL,
	                             EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return ok ? 0 : -library_errno();
}

static bool serial_set_random(X509 *cert)
{
	BIGNUM *serial = BN_new();
	bool ok = serial &&
	          BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE,
	                  BN_RAND_BOTTOM_ANY) &&
	          BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert));

	BN_free(serial);
	return ok;
}

static X509 *certificate_create(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name = cert ? X509_get_subject_name(cert) : NULL;

	if (cert && X509_set_version(cert, X509_VERSION_3) &&
	    serial_set_random(cert) &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	                               (const uint8_t *)CERT_NAME, -1, -1, 0) &&
	    X509_set_issuer_name(cert, name) &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), 0) &&
	    X509_time_adj_ex(X509_getm_notAfter(cert), CERT_DAYS, 0, NULL) &&
	    X509_set_pubkey(cert, key) && X509_sign(cert, key, EVP_sha256()))
		return cert;
	X509_free(cert);
	return NULL;
}

static bool identity_print(BIO *to)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	bool ok = key && PEM_write_bio_PKCS8PrivateKey(to, key, NULL, NULL, 0,
	                                               NULL, NULL);

	EVP_PKEY_free(key);
	return ok;
}

/* Our settings are in this file, not in the system's openssl.cnf. */
static void library_init(void)
{
	OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

int tls_identity_generate(const char *dir)
{
	char *pem;
	int rc = tls_identity_is_vacant(dir);

	if (rc < 0)
		return rc;
	library_init();
	BIO *text = BIO_new(BIO_s_secmem()); /* wiped when freed */
	if (!text || !identity_print(text)) {
		rc = -library_errno();
	} else {
		long n = BIO_get_mem_data(text, &pem);
		rc = tls_identity_store(dir, (uint8_t *)pem, (size_t)n);
	}
	BIO_free(text);
	return rc;
}

/* An encrypted key cannot be used: do not ask for its pass phrase. */
static int on_pass_phrase(char *buf, int size, int writing, void *ctx)
{
	return -1;
}

/* What else is in the file, as a certificate of earlier versions, is passed
 * over. */
static int identity_parse(const uint8_t *pem, size_t n, EVP_PKEY **key)
{
	BIO *text = BIO_new_mem_buf(pem, (int)n);

	if (!text)
		return -ENOMEM;
	*key = PEM_read_bio_PrivateKey(text, NULL, on_pass_phrase, NULL);
	BIO_free(text);
	ERR_clear_error();
	if (key_is_p256(*key))
		return 0;
	EVP_PKEY_free(*key);
	return -EBADMSG;
}

static int identity_load(const char *dir, EVP_PKEY **key, X509 **cert)
{
	uint8_t pem[TLS_IDENTITY_BYTES_MAX];
	size_t n;
	int rc = tls_identity_load(dir, pem, &n);

	if (rc < 0)
		return rc;
	library_init();
	rc = identity_parse(pem, n, key);
	OPENSSL_cleanse(pem, sizeof(pem));
	if (rc < 0)
		return rc;
	*cert = certificate_create(*key);
	if (*cert)
		return 0;
	EVP_PKEY_free(*key);
	return -library_errno();
}

int tls_identity_pin(const char *dir, struct tls_pin *out)
{
	EVP_PKEY *key;
	X509 *cert;
	int rc = identity_load(dir, &key, &cert);

	if (rc < 0)
		return rc;
	rc = pin_of(cert, out);
	X509_free(cert);
	EVP_PKEY_free(key);
	return rc;
}

/* What both sides demand of the other. */

static const char *peer_objection(struct tls *tls, STACK_OF(X509) *chain)
{
	const uint8_t *alpn;
	unsigned alpn_len;

	SSL_get0_alpn_selected(tls->ssl, &alpn, &alpn_len);
	if (!alpn_len)
		return NO_ALPN;
	if (sk_X509_num(chain) != 1)
		return "peer's certificate is not alone";
	X509 *cert = sk_X509_value(chain, 0);
	if (!key_is_p256(X509_get0_pubkey(cert)))
		return "peer's certificate is not P-256";
	if (pin_of(cert, &tls->peer) < 0)
		return "no memory for the peer's pin";
	tls->wrong_pin = tls->expects &&
	                 !tls_pin_equal(&tls->peer, &tls->expected);
	return tls->wrong_pin ? "wrong pin" : NULL;
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
	set_error(tls, objection);
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
	set_error(SSL_get_app_data(ssl), NO_ALPN);
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
		set_error(SSL_get_app_data(ssl), NO_ALPN);
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	}
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* The context. */

/* Whether OpenSSL has AES instructions to use here; by its own account, as
 * a test of the processor would be one file for each kind. The bits: man
 * OPENSSL_ia32cap, and ARMV8_AES of OpenSSL's arm_arch.h. */
static bool cpu_has_aes(void)
{
	const char *caps = OPENSSL_info(OPENSSL_INFO_CPU_SETTINGS);
	const char *value = caps ? strchr(caps, '=') : NULL;
	uint64_t bits = value ? strtoull(value + 1, NULL, 16) : 0;

	if (caps && !strncmp(caps, "OPENSSL_ia32cap=", 16))
		return bits >> 57 & 1;
	if (caps && !strncmp(caps, "OPENSSL_armcap=", 15))
		return bits >> 2 & 1;
	return false;
}

/* The suite must be fast on both sides, and the slower side decides: who has
 * no AES instructions puts ChaCha20 first; a server that has them follows a
 * client that put ChaCha20 first. */
static bool set_suites(SSL_CTX *ssl)
{
	SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE |
	                         SSL_OP_PRIORITIZE_CHACHA);
	return SSL_CTX_set_ciphersuites(ssl, cpu_has_aes() ?
		SUITES_AES ":" SUITES_CHACHA : SUITES_CHACHA ":" SUITES_AES);
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
	SSL_CTX_set_max_cert_list(ssl, PEER_CERT_BYTES_MAX);
	SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER |
	                        SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ssl, on_peer_certificate, NULL);
	SSL_CTX_set_client_hello_cb(ssl, on_client_hello, NULL);
	SSL_CTX_set_alpn_select_cb(ssl, on_client_alpn, NULL);
	if (side == TLS_CLIENT &&
	    SSL_CTX_set_alpn_protos(ssl, (const uint8_t *)ALPN, sizeof(ALPN) - 1))
		return false;
	return SSL_CTX_set_min_proto_version(ssl, TLS1_3_VERSION) &&
	       SSL_CTX_set_max_proto_version(ssl, TLS1_3_VERSION) &&
	       SSL_CTX_set1_groups_list(ssl, groups) &&
	       SSL_CTX_set_num_tickets(ssl, 0) && set_suites(ssl);
}

static int set_identity(SSL_CTX *ssl, const char *dir)
{
	EVP_PKEY *key;
	X509 *cert;
	int rc = identity_load(dir, &key, &cert);

	if (rc < 0)
		return rc;
	if (!SSL_CTX_use_certificate(ssl, cert) ||
	    !SSL_CTX_use_PrivateKey(ssl, key))
		rc = -library_errno();
	X509_free(cert);
	EVP_PKEY_free(key);
	return rc;
}

struct tls_context *tls_context_create(enum tls_side side, const char *dir)
{
	int rc = -ENOMEM;
	struct tls_context *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	library_init();
	ctx->side = side;
	ctx->users = 1;
	ctx->queues = bio_method_create();
	ctx->ssl = SSL_CTX_new(side == TLS_CLIENT ? TLS_client_method()
	                                          : TLS_server_method());
	if (!ctx->queues || !ctx->ssl || !set_protocol(ctx->ssl, side))
		rc = -library_errno();
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
	tls->ssl = SSL_new(ctx->ssl);
	if (!bio || !tls->ssl) {
		BIO_free(bio);
		tls_destroy(tls);
		errno = library_errno();
		return NULL;
	}
	tls->in = in;
	tls->out = out;
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
	context_put(tls->ctx);
	free(tls);
}

void tls_expect_pin(struct tls *tls, const struct tls_pin *pin)
{
	tls->expects = true;
	tls->expected = *pin;
}

int tls_handshake(struct tls *tls)
{
	int rc = SSL_do_handshake(tls->ssl);

	if (rc == 1)
		return 1;
	if (!outcome(tls, rc))
		return 0;
	return tls->wrong_pin ? -EKEYREJECTED : -EPROTO;
}

void tls_peer_pin(const struct tls *tls, struct tls_pin *out)
{
	*out = tls->peer;
}

const char *tls_cipher(const struct tls *tls)
{
	return SSL_get_cipher_name(tls->ssl);
}

int tls_write(struct tls *tls, const uint8_t *p, size_t n)
{
	size_t sealed;
	size_t records = (n + TLS_RECORD_PAYLOAD_MAX - 1) / TLS_RECORD_PAYLOAD_MAX;
	size_t room = n + records * TLS_RECORD_OVERHEAD;

	if (!n)
		return 0;
	if (tls->records_sealed > RECORDS_PER_KEY &&
	    SSL_key_update(tls->ssl, SSL_KEY_UPDATE_NOT_REQUESTED))
		tls->records_sealed = 0;
	if (SSL_get_key_update_type(tls->ssl) != SSL_KEY_UPDATE_NONE)
		room += KEY_UPDATE_ROOM;
	if (!buf_reserve(tls->out, room))
		return -ENOBUFS;
	tls->records_sealed += (unsigned)records;
	int rc = SSL_write_ex(tls->ssl, p, n, &sealed);
	if (rc == 1)
		return 0;
	if (!outcome(tls, rc))
		set_error(tls, "cannot write now"); /* the room was there: no */
	return -EPROTO;
}

/* With no part of a record inside OpenSSL: is the next one whole? One that
 * is too long is left to OpenSSL to refuse. */
static bool record_is_whole(const struct buf *in)
{
	if (in->len < RECORD_HEADER)
		return false;
	const uint8_t *header = buf_head(in);
	size_t body = (size_t)header[3] << 8 | header[4];
	return body > RECORD_BODY_MAX || in->len >= RECORD_HEADER + body;
}

ssize_t tls_read(struct tls *tls, uint8_t *p, size_t n)
{
	size_t opened;

	if (!tls->starved && !SSL_has_pending(tls->ssl) &&
	    !record_is_whole(tls->in))
		return 0;
	int rc = SSL_read_ex(tls->ssl, p, n, &opened);
	tls->starved = rc != 1;
	return rc == 1 ? (ssize_t)opened : outcome(tls, rc);
}

void tls_close(struct tls *tls)
{
	if (SSL_shutdown(tls->ssl) < 0)
		ERR_clear_error(); /* in the handshake, or broken: nothing to say */
}

const char *tls_error(const struct tls *tls)
{
	return tls->error[0] ? tls->error : "no error";
}

int tls_export(struct tls *tls, const char *label, uint8_t *out, size_t n)
{
	if (SSL_export_keying_material(tls->ssl, out, n, label, strlen(label),
	                               NULL, 0, 0) == 1)
		return 0;
	ERR_clear_error();
	return -EPROTO;
}
