/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the records of TLS 1.3 after the handshake (RFC 8446, 5), sealed and opened
 * where they lie, between two byte queues. The keys come from the handshake's
 * traffic secrets (7.1), and from one another by KeyUpdate (4.6.3, 7.2). Pure.
 *
 * Going out, the record at hand stands behind what is sealed in `out`: plaintext is
 * written right to its place, and nobody takes from `out` or puts to it while it
 * is open: seal_flush() closes it. Coming in, records are opened in `in` itself
 * and their bytes stay there until seal_taken().
 *
 * Of all handshake messages only KeyUpdate is known, alone in its record. Whatever
 * else is not allowed is refused for good, and the peer told why by an alert (6.2).
 */
#ifndef AGG_TRANSPORT_SEAL_H
#define AGG_TRANSPORT_SEAL_H

#include "agg/base/buf.h"
#include "agg/transport/aead.h"

#include <stdbool.h>
#include <sys/types.h>

#define SEAL_HEADER_BYTES 5
#define SEAL_PAYLOAD_MAX 16384 /* 5.1 */
#define SEAL_OVERHEAD (SEAL_HEADER_BYTES + 1 + AEAD_TAG_BYTES) /* type, tag */
/* 5.5: AES-GCM is good for 2^24.5 full records under a key. */
#define SEAL_RECORDS_PER_KEY (UINT64_C(1) << 23)
#define SEAL_UPDATE_BYTES (SEAL_OVERHEAD + 5) /* a KeyUpdate, sealed */
#define SEAL_ALERT_BYTES (SEAL_OVERHEAD + 2)
/* Records without data that may come in a row: each costs us, not the peer. */
#define SEAL_EMPTY_MAX 32

size_t seal_key_bytes(enum aead_suite suite);
size_t seal_hash_bytes(enum aead_suite suite); /* of its hash, and a secret */

/* HKDF-Expand-Label (7.1) with no context, for n of at most seal_hash_bytes().
 * 0 or -EIO. */
int seal_expand(enum aead_suite suite, const uint8_t *secret, const char *label,
                uint8_t *out, size_t n);

struct seal_args {
	enum aead_suite suite;
	/* application_traffic_secret_0, of each side; copied. */
	const uint8_t *send_secret, *receive_secret;
	struct buf *in, *out;     /* the caller's; outlive it */
	uint64_t records_per_key; /* 0: SEAL_RECORDS_PER_KEY */
	/* The next records' numbers: 0 after a handshake. */
	uint64_t send_sequence, receive_sequence;
};

/* Both directions of a connection. NULL with errno. */
struct seal;
struct seal *seal_create(const struct seal_args *args);
void seal_destroy(struct seal *seal);

/* Room for n bytes more of plaintext, then seal_commit() of them: in the record
 * at hand, or, where they do not fit, in the next one. NULL: `out` has no room for
 * a whole record, or n is no record's, or all is over. */
uint8_t *seal_reserve(struct seal *seal, size_t n);
void seal_commit(struct seal *seal, size_t n);
size_t seal_begun(const struct seal *seal); /* bytes in the record at hand */
/* Seals the record at hand, if any. 0, or -EPROTO: all is over. */
int seal_flush(struct seal *seal);
/* What n bytes take of `out`, in full records, with a KeyUpdate that is due. */
size_t seal_room(const struct seal *seal, size_t n);

/* Opens the next record of `in` that has data: bytes (> 0) at *p; 0: it is not
 * whole yet; -EPIPE: the peer said that nothing follows; -EPROTO: refused.
 * seal_error() says why. The last two stay. */
ssize_t seal_open(struct seal *seal, uint8_t **p);
/* Takes from `in` what was opened: before anybody else takes or puts. */
void seal_taken(struct seal *seal);

/* Seals what is at hand and says that nothing follows (close_notify), if there
 * is room. */
void seal_close(struct seal *seal);
const char *seal_error(const struct seal *seal); /* "": none */

#endif
