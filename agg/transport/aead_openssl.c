/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: aead.h by OpenSSL 3.0 or later. The key is set once; a record or datagram
 * sets the nonce only, which makes 0.2 us a call.
 */
#include "agg/transport/aead.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

struct aead {
	enum aead_suite suite;
	enum aead_use use;
	EVP_CIPHER_CTX *cipher;
};

static const EVP_CIPHER *cipher_of(enum aead_suite suite)
{
	switch (suite) {
	case AEAD_AES_128_GCM_SHA256:
		return EVP_aes_128_gcm();
	case AEAD_AES_256_GCM_SHA384:
		return EVP_aes_256_gcm();
	case AEAD_CHACHA20_POLY1305_SHA256:
		return EVP_chacha20_poly1305();
	}
	return NULL;
}

static const EVP_MD *hash_of(enum aead_suite suite)
{
	switch (suite) {
	case AEAD_AES_256_GCM_SHA384:
		return EVP_sha384();
	case AEAD_AES_128_GCM_SHA256:
	case AEAD_CHACHA20_POLY1305_SHA256:
		break;
	}
	return EVP_sha256();
}

/* The library's errors stay in a queue of the thread, if nobody clears it. */
static int errno_of(bool ok, int err)
{
	if (ok)
		return 0;
	ERR_clear_error();
	return err;
}

struct aead *aead_create(enum aead_suite suite, enum aead_use use)
{
	struct aead *aead = calloc(1, sizeof(*aead));

	if (!aead)
		return NULL;
	aead->suite = suite;
	aead->use = use;
	aead->cipher = EVP_CIPHER_CTX_new();
	if (aead->cipher)
		return aead;
	ERR_clear_error();
	free(aead);
	return NULL;
}

void aead_destroy(struct aead *aead)
{
	if (!aead)
		return;
	EVP_CIPHER_CTX_free(aead->cipher); /* wipes the key */
	free(aead);
}

int aead_set_key(struct aead *aead, const uint8_t *key)
{
	return errno_of(EVP_CipherInit_ex(aead->cipher, cipher_of(aead->suite),
	                                  NULL, key, NULL,
	                                  aead->use == AEAD_SEAL) == 1, -EIO);
}

/* All but the tag. */
static bool run(struct aead *aead, const struct aead_text *text)
{
	EVP_CIPHER_CTX *cipher = aead->cipher;
	int n;

	assert(text->n <= INT_MAX && text->ad_len <= INT_MAX);
	return EVP_CipherInit_ex(cipher, NULL, NULL, NULL, text->nonce, -1) == 1 &&
	       EVP_CipherUpdate(cipher, NULL, &n, text->ad,
	                        (int)text->ad_len) == 1 &&
	       EVP_CipherUpdate(cipher, text->p, &n, text->p, (int)text->n) == 1;
}

int aead_seal(struct aead *aead, const struct aead_text *text)
{
	uint8_t *tag = text->p + text->n;
	int n;

	assert(aead->use == AEAD_SEAL);
	return errno_of(run(aead, text) &&
	                EVP_CipherFinal_ex(aead->cipher, tag, &n) == 1 &&
	                EVP_CIPHER_CTX_ctrl(aead->cipher, EVP_CTRL_AEAD_GET_TAG,
	                                    AEAD_TAG_BYTES, tag) == 1, -EIO);
}

int aead_open(struct aead *aead, const struct aead_text *text)
{
	uint8_t *tag = text->p + text->n;
	uint8_t none[AEAD_TAG_BYTES]; /* these ciphers have no last bytes */
	int n;

	assert(aead->use == AEAD_OPEN);
	int err = errno_of(run(aead, text) &&
	                   EVP_CIPHER_CTX_ctrl(aead->cipher, EVP_CTRL_AEAD_SET_TAG,
	                                       AEAD_TAG_BYTES, tag) == 1 &&
	                   EVP_CipherFinal_ex(aead->cipher, none, &n) == 1,
	                   -EBADMSG);
	if (err < 0)
		OPENSSL_cleanse(text->p, text->n);
	return err;
}

int aead_hmac(enum aead_suite suite, const uint8_t *key, size_t key_len,
              const uint8_t *p, size_t n, uint8_t out[AEAD_HASH_BYTES_MAX])
{
	assert(key_len <= INT_MAX);
	return errno_of(HMAC(hash_of(suite), key, (int)key_len, p, n, out,
	                     NULL) != NULL, -EIO);
}
