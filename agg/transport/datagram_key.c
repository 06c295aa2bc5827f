/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see datagram_key.h.
 */
#include "agg/transport/datagram_key.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEY_BYTES_AES_128 16
#define INFO_LABEL "aggd datagram "
/* The label, what is made ("key", "iv "), direction, epoch, and HKDF's block number. */
#define INFO_BYTES (sizeof(INFO_LABEL) - 1 + 3 + 1 + 4 + 1)

static size_t hash_bytes(enum aead_suite suite)
{
	return suite == AEAD_AES_256_GCM_SHA384 ? 48 : 32;
}

static void put(uint8_t *p, uint64_t value, unsigned bytes)
{
	for (unsigned i = bytes; i > 0; i--, value >>= 8)
		p[i - 1] = (uint8_t)value;
}

/* HKDF-Expand to n bytes of at most one block (RFC 5869, 2.3). */
static int expand(const struct datagram_key_args *args,
                  const uint8_t prk[AEAD_HASH_BYTES_MAX], const char what[4],
                  uint8_t *out, size_t n)
{
	enum aead_suite suite = (enum aead_suite)args->key.suite;
	uint8_t info[INFO_BYTES] = INFO_LABEL, block[AEAD_HASH_BYTES_MAX];
	uint8_t *at = info + sizeof(INFO_LABEL) - 1;

	assert(n <= hash_bytes(suite));
	memcpy(at, what, 3);
	at[3] = args->from_gateway ? 'u' : 'd';
	put(at + 4, args->key.epoch, 4);
	at[8] = 1;
	int err = aead_hmac(suite, prk, hash_bytes(suite), info, sizeof(info), block);
	if (!err)
		memcpy(out, block, n);
	explicit_bzero(block, sizeof(block));
	return err;
}

static int derive(struct datagram_key *key, const struct datagram_key_args *args)
{
	const struct wire_tunnel_key *k = &args->key;
	enum aead_suite suite = (enum aead_suite)k->suite;
	size_t n = suite == AEAD_AES_128_GCM_SHA256 ? KEY_BYTES_AES_128 :
		AEAD_KEY_BYTES_MAX;
	uint8_t prk[AEAD_HASH_BYTES_MAX], secret[AEAD_KEY_BYTES_MAX];

	int err = aead_hmac(suite, args->session_id, sizeof(args->session_id),
	                    k->random, sizeof(k->random), prk); /* extract: 2.2 */
	if (!err)
		err = expand(args, prk, "key", secret, n);
	if (!err)
		err = expand(args, prk, "iv ", key->iv, sizeof(key->iv));
	if (!err)
		err = aead_set_key(key->aead, secret);
	explicit_bzero(prk, sizeof(prk));
	explicit_bzero(secret, sizeof(secret));
	return err;
}

struct datagram_key *datagram_key_create(const struct datagram_key_args *args)
{
	if (args->key.suite > AEAD_CHACHA20_POLY1305_SHA256) {
		errno = EINVAL;
		return NULL;
	}
	struct datagram_key *key = calloc(1, sizeof(*key));
	if (!key)
		return NULL;
	key->epoch = args->key.epoch;
	key->index = args->key.index;
	key->aead = aead_create((enum aead_suite)args->key.suite, args->use);
	int err = key->aead ? derive(key, args) : -ENOMEM;
	if (!err)
		return key;
	datagram_key_destroy(key);
	errno = -err;
	return NULL;
}

void datagram_key_destroy(struct datagram_key *key)
{
	if (!key)
		return;
	aead_destroy(key->aead);
	explicit_bzero(key, sizeof(*key));
	free(key);
}

static void make_nonce(const struct datagram_key *key, uint8_t path, uint64_t counter,
                       uint8_t nonce[AEAD_NONCE_BYTES])
{
	put(nonce, path, 4);
	put(nonce + 4, counter, 8);
	for (int i = 0; i < AEAD_NONCE_BYTES; i++)
		nonce[i] ^= key->iv[i];
}

static struct aead_text text_of(uint8_t *p, size_t n)
{
	assert(n >= DATAGRAM_BYTES_MIN);
	return (struct aead_text){
		.ad = p,
		.ad_len = DATAGRAM_HEADER_BYTES,
		.p = p + DATAGRAM_HEADER_BYTES,
		.n = n - DATAGRAM_SEAL_BYTES,
	};
}

int datagram_key_seal(struct datagram_key *key, uint8_t path, uint8_t *p, size_t n,
                      uint64_t *counter)
{
	struct aead_text text = text_of(p, n);

	assert(path < DATAGRAM_PATHS_MAX);
	if (key->packets >= DATAGRAM_KEY_PACKETS_MAX)
		return -EKEYEXPIRED;
	key->packets++;
	*counter = key->next[path]++;
	datagram_write_header(p, &(struct datagram_header){
		.path = path, .index = key->index, .counter = (uint32_t)*counter });
	make_nonce(key, path, *counter, text.nonce);
	return aead_seal(key->aead, &text);
}

int datagram_key_open(struct datagram_key *key, const struct datagram_header *header,
                      uint8_t *p, size_t n, uint64_t *counter, bool *is_highest)
{
	struct replay *seen = &key->seen[header->path];
	struct aead_text text = text_of(p, n);

	*counter = replay_rebuild(seen, header->counter);
	if (!replay_is_fresh(seen, *counter))
		return -EALREADY;
	make_nonce(key, header->path, *counter, text.nonce);
	int err = aead_open(key->aead, &text);
	if (err < 0) {
		key->forged++;
		return err;
	}
	*is_highest = replay_is_highest(seen, *counter);
	replay_note(seen, *counter);
	key->packets++;
	return 0;
}
