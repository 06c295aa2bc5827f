/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what mbedTLS 2.28 does in its own way: TLS 1.2 is all it has, and gives no
 * secrets that seal.h could use. A server takes the suite that it likes best.
 */
#include "agg/transport/tls_mbedtls.h"

const int tls_mbedtls_aes[] = {
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, 0,
};
const int tls_mbedtls_chacha[] = {
	MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, 0,
};

int tls_mbedtls_init(void)
{
	return 0;
}

void tls_mbedtls_set_versions(mbedtls_ssl_config *conf, bool prefers_aes)
{
	static const mbedtls_ecp_group_id groups[] = {
		MBEDTLS_ECP_DP_CURVE25519, MBEDTLS_ECP_DP_SECP256R1,
		MBEDTLS_ECP_DP_NONE,
	};

	mbedtls_ssl_conf_curves(conf, groups);
	mbedtls_ssl_conf_min_version(conf, MBEDTLS_SSL_MAJOR_VERSION_3,
	                             MBEDTLS_SSL_MINOR_VERSION_3);
}

void tls_mbedtls_leave_13(mbedtls_ssl_config *conf)
{
}

int tls_mbedtls_prepare(mbedtls_ssl_context *ssl, struct tls_common *c)
{
	return 0;
}

int tls_mbedtls_state(const mbedtls_ssl_context *ssl)
{
	return ssl->state;
}

int tls_mbedtls_alert(const mbedtls_ssl_context *ssl)
{
	return ssl->in_msg[1];
}

uint16_t tls_mbedtls_suite13(const mbedtls_ssl_context *ssl)
{
	return 0;
}

bool tls_mbedtls_is_ticket(int rc)
{
	return false;
}

int tls_mbedtls_parse_key(mbedtls_pk_context *key, const uint8_t *pem, size_t n)
{
	return mbedtls_pk_parse_key(key, pem, n, NULL, 0);
}

int tls_mbedtls_set_serial(mbedtls_x509write_cert *made,
                           const uint8_t serial[TLS_MBEDTLS_SERIAL_BYTES])
{
	mbedtls_mpi number;

	mbedtls_mpi_init(&number);
	int rc = mbedtls_mpi_read_binary(&number, serial, TLS_MBEDTLS_SERIAL_BYTES);
	if (!rc)
		rc = mbedtls_x509write_crt_set_serial(made, &number);
	mbedtls_mpi_free(&number);
	return rc;
}

struct tls_mbedtls_ec tls_mbedtls_ec(const mbedtls_pk_context *key)
{
	const mbedtls_ecp_keypair *ec = mbedtls_pk_ec(*key);

	return (struct tls_mbedtls_ec){ &ec->grp, &ec->d, &ec->Q };
}
