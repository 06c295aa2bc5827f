/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the identity, by mbedTLS: its key, its pin, and the certificate that is made
 * of it at every start, which says nothing but the key: any name would tell
 * strangers who we are.
 *
 * mbedTLS writes a key in a form of its own for each kind; the file has the one that
 * is common (PKCS#8, RFC 5958), which for a P-256 key (RFC 5915) is a frame of
 * fixed bytes round the private number and the point.
 */
#include "agg/transport/tls_mbedtls.h"

#include "agg/transport/tls_identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <mbedtls/ecp.h>
#include <mbedtls/md.h>
#include <mbedtls/pem.h>

#define CERT_YEARS 100     /* nobody checks it: a key is withdrawn by its pin */
#define CERT_NAME "CN=localhost" /* as a thousand others */
#define DER_MAX 1024
#define NUMBER_BYTES 32
#define POINT_BYTES 65
#define PEM_BEGIN "-----BEGIN PRIVATE KEY-----\n"
#define PEM_END "-----END PRIVATE KEY-----\n"

bool tls_key_is_p256(const mbedtls_pk_context *key)
{
	return mbedtls_pk_get_type(key) == MBEDTLS_PK_ECKEY &&
	       tls_mbedtls_ec(key).group->id == MBEDTLS_ECP_DP_SECP256R1;
}

static int pin_of(const uint8_t *spki, size_t n, struct tls_pin *out)
{
	return mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA256), spki, n,
	                  out->sha256) ? -EINVAL : 0;
}

int tls_key_pin(const mbedtls_x509_crt *cert, struct tls_pin *out)
{
	return pin_of(cert->pk_raw.p, cert->pk_raw.len, out);
}

static int sign_certificate(mbedtls_pk_context *key, mbedtls_x509write_cert *made,
                            mbedtls_x509_crt *cert)
{
	uint8_t der[DER_MAX];
	int n = mbedtls_x509write_crt_der(made, der, sizeof(der),
	                                  tls_mbedtls_random, NULL);

	/* It is written to the end. */
	return n < 0 ? n : mbedtls_x509_crt_parse_der(
		cert, der + sizeof(der) - n, (size_t)n);
}

static int set_serial(mbedtls_x509write_cert *made)
{
	uint8_t serial[TLS_MBEDTLS_SERIAL_BYTES];
	int rc = tls_mbedtls_random(NULL, serial, sizeof(serial));

	serial[0] &= 0x7f;
	serial[0] |= 0x40;
	return rc ? rc : tls_mbedtls_set_serial(made, serial);
}

static int set_validity(mbedtls_x509write_cert *made)
{
	char from[16], to[16];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(from, sizeof(from), "%Y%m%d%H%M%S", &tm);
	tm.tm_year += CERT_YEARS;
	tm.tm_mday = 1; /* one that every month has */
	strftime(to, sizeof(to), "%Y%m%d%H%M%S", &tm);
	return mbedtls_x509write_crt_set_validity(made, from, to);
}

static int make_certificate(mbedtls_pk_context *key, mbedtls_x509_crt *cert)
{
	mbedtls_x509write_cert made;

	mbedtls_x509write_crt_init(&made);
	mbedtls_x509write_crt_set_version(&made, MBEDTLS_X509_CRT_VERSION_3);
	mbedtls_x509write_crt_set_md_alg(&made, MBEDTLS_MD_SHA256);
	mbedtls_x509write_crt_set_subject_key(&made, key);
	mbedtls_x509write_crt_set_issuer_key(&made, key);
	int rc = set_serial(&made);
	if (!rc)
		rc = set_validity(&made);
	if (!rc)
		rc = mbedtls_x509write_crt_set_subject_name(&made, CERT_NAME);
	if (!rc)
		rc = mbedtls_x509write_crt_set_issuer_name(&made, CERT_NAME);
	if (!rc)
		rc = sign_certificate(key, &made, cert);
	mbedtls_x509write_crt_free(&made);
	return rc ? -tls_mbedtls_errno(rc) : 0;
}

/* The key as PKCS#8. 0 or the library's error. */
static int print_der(const mbedtls_pk_context *key, uint8_t der[DER_MAX], size_t *n)
{
	static const uint8_t before_number[] = {
		0x30, 0x81, 0x87, 2, 1, 0, /* PrivateKeyInfo, its version */
		0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, /* EC */
		6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, /* P-256 */
		4, 0x6d, 0x30, 0x6b, 2, 1, 1, 4, NUMBER_BYTES,
	};
	static const uint8_t before_point[] = {
		0xa1, 0x44, 3, 0x42, 0, /* [1] BIT STRING */
	};
	struct tls_mbedtls_ec ec = tls_mbedtls_ec(key);
	uint8_t *p = der;
	size_t point;

	memcpy(p, before_number, sizeof(before_number));
	p += sizeof(before_number);
	int rc = mbedtls_mpi_write_binary(ec.d, p, NUMBER_BYTES);
	p += NUMBER_BYTES;
	memcpy(p, before_point, sizeof(before_point));
	p += sizeof(before_point);
	if (!rc)
		rc = mbedtls_ecp_point_write_binary(
			ec.group, ec.q, MBEDTLS_ECP_PF_UNCOMPRESSED, &point, p,
			POINT_BYTES);
	*n = (size_t)(p - der) + POINT_BYTES;
	return rc;
}

static int store(const char *dir, const mbedtls_pk_context *key)
{
	uint8_t der[DER_MAX], pem[TLS_IDENTITY_BYTES_MAX];
	size_t n;
	int rc = print_der(key, der, &n);

	if (!rc)
		rc = mbedtls_pem_write_buffer(PEM_BEGIN, PEM_END, der, n, pem,
		                              sizeof(pem), &n);
	explicit_bzero(der, sizeof(der));
	rc = rc ? -tls_mbedtls_errno(rc)
	        : tls_identity_store(dir, pem, n - 1); /* without its NUL */
	explicit_bzero(pem, sizeof(pem));
	return rc;
}

int tls_identity_generate(const char *dir)
{
	mbedtls_pk_context key;
	int rc = tls_identity_is_vacant(dir);

	if (rc < 0)
		return rc;
	mbedtls_pk_init(&key);
	rc = mbedtls_pk_setup(&key, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
	if (!rc)
		rc = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1,
		                         mbedtls_pk_ec(key), tls_mbedtls_random,
		                         NULL);
	rc = rc ? -tls_mbedtls_errno(rc) : store(dir, &key);
	mbedtls_pk_free(&key);
	return rc;
}

/* What else is in the file, as a certificate of earlier versions, is passed
 * over. */
static int parse(const uint8_t *pem, size_t n, mbedtls_pk_context *key)
{
	if (!strstr((const char *)pem, "-----BEGIN "))
		return -EBADMSG; /* it would be taken as DER */
	return !tls_mbedtls_parse_key(key, pem, n + 1) && tls_key_is_p256(key)
		? 0 : -EBADMSG;
}

static int load(const char *dir, mbedtls_pk_context *key)
{
	uint8_t pem[TLS_IDENTITY_BYTES_MAX + 1];
	size_t n;
	int rc = tls_identity_load(dir, pem, &n);

	if (rc < 0)
		return rc;
	pem[n] = 0;
	rc = parse(pem, n, key);
	explicit_bzero(pem, sizeof(pem));
	return rc;
}

int tls_key_load(const char *dir, mbedtls_pk_context *key, mbedtls_x509_crt *cert)
{
	int rc = load(dir, key);

	return rc < 0 ? rc : make_certificate(key, cert);
}

int tls_identity_pin(const char *dir, struct tls_pin *out)
{
	mbedtls_pk_context key;
	uint8_t der[DER_MAX];

	mbedtls_pk_init(&key);
	int rc = load(dir, &key);
	if (!rc) {
		int n = mbedtls_pk_write_pubkey_der(&key, der, sizeof(der));
		rc = n < 0 ? -tls_mbedtls_errno(n)
		           : pin_of(der + sizeof(der) - n, (size_t)n, out);
	}
	mbedtls_pk_free(&key);
	return rc;
}
