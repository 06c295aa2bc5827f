/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what mbedTLS 3.6 does in its own way: it has TLS 1.3, and gives its secrets.
 * It hides the fields of its structs behind a macro.
 */
#include "agg/transport/tls_mbedtls.h"

#include <string.h>

#include <psa/crypto.h>

const int tls_mbedtls_aes[] = {
	MBEDTLS_TLS1_3_AES_128_GCM_SHA256, MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, 0,
};
const int tls_mbedtls_chacha[] = {
	MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, 0,
};

int tls_mbedtls_init(void)
{
	return psa_crypto_init() == PSA_SUCCESS ? 0 : MBEDTLS_ERR_SSL_ALLOC_FAILED;
}

/* The slower side decides: who has AES instructions follows who has not. */
void tls_mbedtls_set_versions(mbedtls_ssl_config *conf, bool prefers_aes)
{
	static const uint16_t groups[] = {
		MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
		MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1, 0,
	};

	mbedtls_ssl_conf_groups(conf, groups);
	mbedtls_ssl_conf_min_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
	mbedtls_ssl_conf_preference_order(conf, prefers_aes ?
		MBEDTLS_SSL_SRV_CIPHERSUITE_ORDER_CLIENT :
		MBEDTLS_SSL_SRV_CIPHERSUITE_ORDER_SERVER);
}

void tls_mbedtls_leave_13(mbedtls_ssl_config *conf)
{
	mbedtls_ssl_conf_max_tls_version(conf, MBEDTLS_SSL_VERSION_TLS1_2);
}

static void on_secret(void *ctx, mbedtls_ssl_key_export_type type,
                      const unsigned char *secret, size_t n,
                      const unsigned char client_random[32],
                      const unsigned char server_random[32],
                      mbedtls_tls_prf_types prf)
{
	struct tls_common *c = ctx;
	struct tls_secret *to =
		type == MBEDTLS_SSL_KEY_EXPORT_TLS1_3_CLIENT_APPLICATION_TRAFFIC_SECRET ?
		&c->secrets[TLS_CLIENT] :
		type == MBEDTLS_SSL_KEY_EXPORT_TLS1_3_SERVER_APPLICATION_TRAFFIC_SECRET ?
		&c->secrets[TLS_SERVER] : NULL;

	if (!to || n > sizeof(to->bytes))
		return;
	memcpy(to->bytes, secret, n);
	to->n = n;
}

/* Nobody is asked by a name, which mbedTLS wants to be told. */
int tls_mbedtls_prepare(mbedtls_ssl_context *ssl, struct tls_common *c)
{
	mbedtls_ssl_set_export_keys_cb(ssl, on_secret, c);
	return mbedtls_ssl_set_hostname(ssl, NULL);
}

int tls_mbedtls_state(const mbedtls_ssl_context *ssl)
{
	return ssl->MBEDTLS_PRIVATE(state);
}

int tls_mbedtls_alert(const mbedtls_ssl_context *ssl)
{
	return ssl->MBEDTLS_PRIVATE(in_msg)[1];
}

uint16_t tls_mbedtls_suite13(const mbedtls_ssl_context *ssl)
{
	if (mbedtls_ssl_get_version_number(ssl) != MBEDTLS_SSL_VERSION_TLS1_3)
		return 0;
	return (uint16_t)mbedtls_ssl_get_ciphersuite_id_from_ssl(ssl);
}

bool tls_mbedtls_is_ticket(int rc)
{
	return rc == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET;
}

int tls_mbedtls_parse_key(mbedtls_pk_context *key, const uint8_t *pem, size_t n)
{
	return mbedtls_pk_parse_key(key, pem, n, NULL, 0, tls_mbedtls_random, NULL);
}

int tls_mbedtls_set_serial(mbedtls_x509write_cert *made,
                           const uint8_t serial[TLS_MBEDTLS_SERIAL_BYTES])
{
	uint8_t copy[TLS_MBEDTLS_SERIAL_BYTES]; /* its argument is not const */

	memcpy(copy, serial, sizeof(copy));
	return mbedtls_x509write_crt_set_serial_raw(made, copy, sizeof(copy));
}

struct tls_mbedtls_ec tls_mbedtls_ec(const mbedtls_pk_context *key)
{
	const mbedtls_ecp_keypair *ec = mbedtls_pk_ec(*key);

	return (struct tls_mbedtls_ec){
		&ec->MBEDTLS_PRIVATE(grp), &ec->MBEDTLS_PRIVATE(d),
		&ec->MBEDTLS_PRIVATE(Q),
	};
}
