/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: aead.h by mbedTLS, 2.28 or 3.
 */
#include "agg/transport/aead.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <mbedtls/chachapoly.h>
#include <mbedtls/gcm.h>
#include <mbedtls/md.h>

struct aead {
	enum aead_suite suite;
	enum aead_use use;
	union {
		mbedtls_gcm_context gcm;
		mbedtls_chachapoly_context chacha;
	};
};

static bool is_chacha(const struct aead *aead)
{
	return aead->suite == AEAD_CHACHA20_POLY1305_SHA256;
}

struct aead *aead_create(enum aead_suite suite, enum aead_use use)
{
	struct aead *aead = calloc(1, sizeof(*aead));

	if (!aead)
		return NULL;
	aead->suite = suite;
	aead->use = use;
	if (is_chacha(aead))
		mbedtls_chachapoly_init(&aead->chacha);
	else
		mbedtls_gcm_init(&aead->gcm);
	return aead;
}

void aead_destroy(struct aead *aead)
{
	if (!aead)
		return;
	if (is_chacha(aead)) /* both wipe the key */
		mbedtls_chachapoly_free(&aead->chacha);
	else
		mbedtls_gcm_free(&aead->gcm);
	free(aead);
}

int aead_set_key(struct aead *aead, const uint8_t *key)
{
	unsigned bits = aead->suite == AEAD_AES_128_GCM_SHA256 ? 128 : 256;
	int rc = is_chacha(aead) ?
		mbedtls_chachapoly_setkey(&aead->chacha, key) :
		mbedtls_gcm_setkey(&aead->gcm, MBEDTLS_CIPHER_ID_AES, key, bits);

	return rc ? -EIO : 0;
}

int aead_seal(struct aead *aead, const struct aead_text *text)
{
	uint8_t *tag = text->p + text->n;
	int rc;

	assert(aead->use == AEAD_SEAL);
	if (is_chacha(aead))
		rc = mbedtls_chachapoly_encrypt_and_tag(
			&aead->chacha, text->n, text->nonce, text->ad,
			text->ad_len, text->p, text->p, tag);
	else
		rc = mbedtls_gcm_crypt_and_tag(
			&aead->gcm, MBEDTLS_GCM_ENCRYPT, text->n, text->nonce,
			AEAD_NONCE_BYTES, text->ad, text->ad_len, text->p,
			text->p, AEAD_TAG_BYTES, tag);
	return rc ? -EIO : 0;
}

/* Both leave nothing where the tag is wrong. */
int aead_open(struct aead *aead, const struct aead_text *text)
{
	const uint8_t *tag = text->p + text->n;
	int rc;

	assert(aead->use == AEAD_OPEN);
	if (is_chacha(aead))
		rc = mbedtls_chachapoly_auth_decrypt(
			&aead->chacha, text->n, text->nonce, text->ad,
			text->ad_len, tag, text->p, text->p);
	else
		rc = mbedtls_gcm_auth_decrypt(
			&aead->gcm, text->n, text->nonce, AEAD_NONCE_BYTES,
			text->ad, text->ad_len, tag, AEAD_TAG_BYTES, text->p,
			text->p);
	return rc ? -EBADMSG : 0;
}

int aead_hmac(enum aead_suite suite, const uint8_t *key, size_t key_len,
              const uint8_t *p, size_t n, uint8_t out[AEAD_HASH_BYTES_MAX])
{
	const mbedtls_md_info_t *hash = mbedtls_md_info_from_type(
		suite == AEAD_AES_256_GCM_SHA384 ? MBEDTLS_MD_SHA384
		                                 : MBEDTLS_MD_SHA256);

	return hash && !mbedtls_md_hmac(hash, key, key_len, p, n, out) ? 0 : -EIO;
}
