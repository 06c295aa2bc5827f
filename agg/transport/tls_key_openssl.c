/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the identity, by OpenSSL: its key, its pin, and the certificate that is made
 * of it at every start, which says nothing but the key: any name would tell
 * strangers who we are.
 */
#include "agg/transport/tls_openssl.h"

#include "agg/transport/tls_identity.h"

#include <errno.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/rand.h>

#define CURVE "prime256v1" /* OpenSSL's word for P-256 */
#define CERT_DAYS 36500    /* nobody checks it: a key is withdrawn by its pin */
#define CERT_NAME "localhost" /* as a thousand others */
#define SERIAL_BITS 159    /* RFC 5280, 4.1.2.2: positive, up to 20 bytes */

bool tls_key_is_p256(EVP_PKEY *key)
{
	char curve[32];

	return key && EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
	       EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) == 1 &&
	       !strcmp(curve, CURVE);
}

int tls_key_pin(X509 *cert, struct tls_pin *out)
{
	uint8_t *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	int ok = n > 0 && EVP_Digest(der, (size_t)n, out->sha256, NULL,
	                             EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return ok ? 0 : -tls_openssl_errno();
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

/* X509_set_pubkey() would load every encoder that the library has, and keep them. */
static bool set_public_key(X509 *cert, EVP_PKEY *key)
{
	uint8_t *point = NULL;
	size_t n = EVP_PKEY_get1_encoded_public_key(key, &point);

	if (n && X509_PUBKEY_set0_param(X509_get_X509_PUBKEY(cert),
	                                OBJ_nid2obj(NID_X9_62_id_ecPublicKey),
	                                V_ASN1_OBJECT,
	                                OBJ_nid2obj(NID_X9_62_prime256v1), point, (int)n))
		return true;
	OPENSSL_free(point);
	return false;
}

/* As a peer reads it: only then the library knows the key in it. Takes cert. */
static X509 *read_again(X509 *cert)
{
	uint8_t *der = NULL;
	int n = i2d_X509(cert, &der);
	const uint8_t *p = der;
	X509 *read = n > 0 ? d2i_X509(NULL, &p, n) : NULL;

	OPENSSL_free(der);
	X509_free(cert);
	return read;
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
	    set_public_key(cert, key) && X509_sign(cert, key, EVP_sha256()))
		return read_again(cert);
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

int tls_identity_generate(const char *dir)
{
	char *pem;
	int rc = tls_identity_is_vacant(dir);

	if (rc < 0)
		return rc;
	tls_openssl_init();
	BIO *text = BIO_new(BIO_s_secmem()); /* wiped when freed */
	if (!text || !identity_print(text)) {
		rc = -tls_openssl_errno();
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
	if (tls_key_is_p256(*key))
		return 0;
	EVP_PKEY_free(*key);
	return -EBADMSG;
}

int tls_key_load(const char *dir, EVP_PKEY **key, X509 **cert)
{
	uint8_t pem[TLS_IDENTITY_BYTES_MAX];
	size_t n;
	int rc = tls_identity_load(dir, pem, &n);

	if (rc < 0)
		return rc;
	tls_openssl_init();
	rc = identity_parse(pem, n, key);
	OPENSSL_cleanse(pem, sizeof(pem));
	if (rc < 0)
		return rc;
	*cert = certificate_create(*key);
	if (*cert)
		return 0;
	EVP_PKEY_free(*key);
	return -tls_openssl_errno();
}

int tls_identity_pin(const char *dir, struct tls_pin *out)
{
	EVP_PKEY *key;
	X509 *cert;
	int rc = tls_key_load(dir, &key, &cert);

	if (rc < 0)
		return rc;
	rc = tls_key_pin(cert, out);
	X509_free(cert);
	EVP_PKEY_free(key);
	return rc;
}
