/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see cert.h: a P-256 key and an X.509 certificate (RFC 5280) that it signs itself.
 */
#include "web/cert.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#define FROM ((time_t)1704067200) /* 2024: whatever the clock says at a first start */
#define SERIAL_BYTES 16           /* RFC 5280, 4.1.2.2: positive, up to 20 */
#define X509_V3 3

static int name(gnutls_x509_crt_t crt, const struct addr *at, unsigned count)
{
	int rc = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, "aggd",
	                                       4);

	for (unsigned i = 0; rc >= 0 && i < count; i++)
		rc = gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_IPADDRESS, at[i].ip,
			at[i].family == AF_INET6 ? 16 : 4, GNUTLS_FSAN_APPEND);
	return rc;
}

static int sign(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
                const struct addr *at, unsigned count)
{
	uint8_t serial[SERIAL_BYTES];
	int rc = gnutls_x509_crt_set_key(crt, key);

	if (getrandom(serial, sizeof(serial), 0) != sizeof(serial))
		return GNUTLS_E_RANDOM_FAILED;
	serial[0] &= 0x7f;
	if (rc >= 0)
		rc = gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	if (rc >= 0)
		rc = gnutls_x509_crt_set_version(crt, X509_V3);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_activation_time(crt, FROM);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_expiration_time(
			crt, GNUTLS_X509_NO_WELL_DEFINED_EXPIRATION);
	if (rc >= 0)
		rc = name(crt, at, count);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_key_purpose_oid(crt, GNUTLS_KP_TLS_WWW_SERVER, 0);
	if (rc >= 0)
		rc = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
	return rc < 0 ? rc : gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
}

static int put(struct buf *out, int rc, gnutls_datum_t *pem)
{
	if (rc < 0)
		return -ENOMEM;
	int err = buf_put(out, pem->data, pem->size);
	gnutls_memset(pem->data, 0, pem->size);
	gnutls_free(pem->data);
	return err;
}

static int make(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const struct addr *at,
                unsigned count, struct buf *out)
{
	gnutls_datum_t pem;
	int rc = gnutls_x509_privkey_generate(
		key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);

	if (rc >= 0)
		rc = sign(crt, key, at, count);
	if (rc < 0)
		return -EIO;
	int err = put(out, gnutls_x509_privkey_export2_pkcs8(
		key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &pem), &pem);
	return err ? err : put(out, gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem),
	                       &pem);
}

int cert_make(const struct addr *at, unsigned count, struct buf *out)
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t crt = NULL;
	int err = -ENOMEM;

	if (gnutls_x509_privkey_init(&key) >= 0 && gnutls_x509_crt_init(&crt) >= 0)
		err = make(crt, key, at, count, out);
	if (crt)
		gnutls_x509_crt_deinit(crt);
	if (key)
		gnutls_x509_privkey_deinit(key);
	return err;
}

static gnutls_datum_t datum(const struct buf *pem)
{
	return (gnutls_datum_t){ .data = buf_head(pem), .size = (unsigned)pem->len - 1 };
}

int cert_check(const struct cert *cert)
{
	gnutls_certificate_credentials_t both;
	gnutls_datum_t key = datum(&cert->key), chain = datum(&cert->chain);

	if (gnutls_certificate_allocate_credentials(&both) < 0)
		return -ENOMEM;
	int rc = gnutls_certificate_set_x509_key_mem(both, &chain, &key,
	                                             GNUTLS_X509_FMT_PEM);
	gnutls_certificate_free_credentials(both);
	return rc < 0 ? -EBADMSG : 0;
}
