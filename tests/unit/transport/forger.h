/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one direction of a peer that knows the keys and seals what it likes: any
 * content, any type, any zeros. It keeps to the key schedule only.
 */
#ifndef TESTS_UNIT_TRANSPORT_FORGER_H
#define TESTS_UNIT_TRANSPORT_FORGER_H

#include "agg/transport/seal.h"

struct forger {
	enum aead_suite suite;
	struct aead *aead;
	uint8_t secret[AEAD_HASH_BYTES_MAX];
	uint8_t iv[AEAD_NONCE_BYTES];
	uint64_t sequence;
};

/* Aborts where it cannot. */
void forger_init(struct forger *f, enum aead_suite suite, const uint8_t *secret);
void forger_finish(struct forger *f);
/* A record of these n bytes, type and zeros included, to the end of the queue. */
void forger_say(struct forger *f, struct buf *to, const void *inner, size_t n);
void forger_update(struct forger *f); /* as the peer of who said KeyUpdate */

#endif
