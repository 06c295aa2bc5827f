/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: authenticated encryption (AEAD, RFC 5116) and the hash that goes with it,
 * of the crypto library: a file for each (aead_openssl.c). It works in place, on
 * one record or one datagram at a time; the nonce is the caller's, who never uses
 * one twice under a key.
 */
#ifndef AGG_TRANSPORT_AEAD_H
#define AGG_TRANSPORT_AEAD_H

#include <stddef.h>
#include <stdint.h>

#define AEAD_KEY_BYTES_MAX 32
#define AEAD_NONCE_BYTES 12
#define AEAD_TAG_BYTES 16
#define AEAD_HASH_BYTES_MAX 48

/* A cipher suite of TLS 1.3 (RFC 8446, B.4): cipher and hash. */
enum aead_suite {
	AEAD_AES_128_GCM_SHA256,
	AEAD_AES_256_GCM_SHA384,
	AEAD_CHACHA20_POLY1305_SHA256,
};

enum aead_use { AEAD_SEAL, AEAD_OPEN };

/* One direction. Without a key until aead_set_key(). NULL: no memory. */
struct aead;
struct aead *aead_create(enum aead_suite suite, enum aead_use use);
void aead_destroy(struct aead *aead);
/* From now on; of as many bytes as the cipher's key has. 0 or -EIO. */
int aead_set_key(struct aead *aead, const uint8_t *key);

/* What is sealed, and what is not hidden but proved with it. */
struct aead_text {
	uint8_t nonce[AEAD_NONCE_BYTES];
	const uint8_t *ad; /* the additional data */
	size_t ad_len;
	uint8_t *p;        /* n bytes, and behind them AEAD_TAG_BYTES for the tag */
	size_t n;
};

/* 0 or -EIO. */
int aead_seal(struct aead *aead, const struct aead_text *text);
/* 0; -EBADMSG: forged, or of another key: nothing is left of it in p. */
int aead_open(struct aead *aead, const struct aead_text *text);

/* HMAC (RFC 2104) with the suite's hash, into out. 0 or -EIO. */
int aead_hmac(enum aead_suite suite, const uint8_t *key, size_t key_len,
              const uint8_t *p, size_t n, uint8_t out[AEAD_HASH_BYTES_MAX]);

#endif
