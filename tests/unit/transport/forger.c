/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see forger.h.
 */
#include "tests/unit/transport/forger.h"

#include <stdlib.h>
#include <string.h>

static void need(bool ok)
{
	if (!ok)
		abort();
}

static void use_secret(struct forger *f)
{
	uint8_t key[AEAD_KEY_BYTES_MAX];

	need(!seal_expand(f->suite, f->secret, "key", key,
	                  seal_key_bytes(f->suite)) &&
	     !seal_expand(f->suite, f->secret, "iv", f->iv, sizeof(f->iv)) &&
	     !aead_set_key(f->aead, key));
}

void forger_init(struct forger *f, enum aead_suite suite, const uint8_t *secret)
{
	*f = (struct forger){ .suite = suite,
	                      .aead = aead_create(suite, AEAD_SEAL) };
	need(f->aead);
	memcpy(f->secret, secret, seal_hash_bytes(suite));
	use_secret(f);
}

void forger_finish(struct forger *f)
{
	aead_destroy(f->aead);
}

void forger_say(struct forger *f, struct buf *to, const void *inner, size_t n)
{
	size_t body = n + AEAD_TAG_BYTES;
	uint8_t *record = buf_reserve(to, SEAL_HEADER_BYTES + body);

	need(record && body <= UINT16_MAX);
	const uint8_t header[] = { 23, 3, 3, (uint8_t)(body >> 8),
	                           (uint8_t)body };
	memcpy(record, header, sizeof(header));
	if (n)
		memcpy(record + SEAL_HEADER_BYTES, inner, n);
	struct aead_text text = { .ad = record, .ad_len = SEAL_HEADER_BYTES,
	                          .p = record + SEAL_HEADER_BYTES, .n = n };
	memcpy(text.nonce, f->iv, sizeof(text.nonce));
	for (unsigned i = 0; i < 8; i++)
		text.nonce[11 - i] ^= (uint8_t)(f->sequence >> 8 * i);
	need(!aead_seal(f->aead, &text));
	f->sequence++;
	buf_added(to, SEAL_HEADER_BYTES + body);
}

void forger_update(struct forger *f)
{
	uint8_t next[AEAD_HASH_BYTES_MAX];

	need(!seal_expand(f->suite, f->secret, "traffic upd", next,
	                  seal_hash_bytes(f->suite)));
	memcpy(f->secret, next, sizeof(next));
	f->sequence = 0;
	use_secret(f);
}
