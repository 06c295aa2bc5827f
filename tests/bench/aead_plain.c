/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: aead.h where nobody listens: nothing is hidden, and the tag says only which key
 * and nonce it was. A simulation of many links spends a third of its time in the real one.
 */
#include "agg/base/siphash.h"
#include "agg/transport/aead.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct aead { uint8_t key[SIPHASH_KEY_BYTES]; };

struct aead *aead_create(enum aead_suite suite, enum aead_use use)
{
	return calloc(1, sizeof(struct aead));
}

void aead_destroy(struct aead *aead)
{
	free(aead);
}

int aead_set_key(struct aead *aead, const uint8_t *key)
{
	memcpy(aead->key, key, sizeof(aead->key));
	return 0;
}

int aead_seal(struct aead *aead, const struct aead_text *text)
{
	uint64_t proof = siphash(aead->key, text->nonce, sizeof(text->nonce));

	memset(text->p + text->n, 0, AEAD_TAG_BYTES);
	memcpy(text->p + text->n, &proof, sizeof(proof));
	return 0;
}

int aead_open(struct aead *aead, const struct aead_text *text)
{
	uint64_t proof = siphash(aead->key, text->nonce, sizeof(text->nonce));

	return memcmp(text->p + text->n, &proof, sizeof(proof)) ? -EBADMSG : 0;
}

int aead_hmac(enum aead_suite suite, const uint8_t *key, size_t key_len,
              const uint8_t *p, size_t n, uint8_t out[AEAD_HASH_BYTES_MAX])
{
	uint8_t short_key[SIPHASH_KEY_BYTES] = { 0 };

	for (size_t i = 0; i < key_len; i++)
		short_key[i % sizeof(short_key)] ^= key[i];
	for (size_t at = 0; at < AEAD_HASH_BYTES_MAX; at += sizeof(uint64_t)) {
		short_key[0]++;
		uint64_t hash = siphash(short_key, p, n);
		memcpy(out + at, &hash, sizeof(hash));
	}
	return 0;
}
