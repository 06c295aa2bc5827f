/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one key of the packet tunnel: of one direction and epoch. The receiver says
 * how it wants to be written to: an index, a suite and 32 random bytes, through the
 * session's TLS. Key and IV are made of these by HKDF (RFC 5869), with the session's
 * id as salt and direction and epoch as info. Pure.
 *
 * A nonce is the IV xor (path in 32 bits, counter in 64), as in multipath QUIC. A
 * counter belongs to a path's number and only ever rises while the key lives, whatever
 * becomes of the path: so none is used twice.
 */
#ifndef AGG_TRANSPORT_DATAGRAM_KEY_H
#define AGG_TRANSPORT_DATAGRAM_KEY_H

#include "agg/transport/datagram.h"
#include "agg/transport/replay.h"
#include "agg/transport/wire.h"

/* A new key is asked for after so many packets or so long; beyond the maximum
 * nothing is sealed: the limit of AES-GCM for packets up to 2^11 bytes (RFC 9001,
 * 6.6 and B.1). */
#define DATAGRAM_KEY_RENEW_PACKETS (UINT64_C(1) << 26)
#define DATAGRAM_KEY_RENEW_US 600000000u
#define DATAGRAM_KEY_PACKETS_MAX (UINT64_C(1) << 28)
#define DATAGRAM_KEY_FORGED_MAX (UINT64_C(1) << 30) /* failed openings: as well */

struct datagram_key_args {
	struct wire_tunnel_key key;
	uint8_t session_id[WIRE_SESSION_ID_BYTES];
	bool from_gateway; /* the direction */
	enum aead_use use; /* the sender's AEAD_SEAL, the receiver's AEAD_OPEN */
};

struct datagram_key {
	uint32_t epoch, index;
	struct aead *aead;
	uint8_t iv[AEAD_NONCE_BYTES];
	uint64_t packets, forged;
	union {
		uint64_t next[DATAGRAM_PATHS_MAX]; /* counters; when sealing */
		struct replay seen[DATAGRAM_PATHS_MAX]; /* when opening */
	};
};

/* NULL: errno (EINVAL: no such suite). */
struct datagram_key *datagram_key_create(const struct datagram_key_args *args);
void datagram_key_destroy(struct datagram_key *key);

/* Seals a datagram of n bytes in all: writes its header and its tag; the plaintext
 * stands between them. Returns its counter's low half in *counter. 0; -EKEYEXPIRED:
 * the key may seal no more; -EIO. */
int datagram_key_seal(struct datagram_key *key, uint8_t path, uint8_t *p, size_t n,
                      uint64_t *counter);
/* The same in the other direction, of one whose header was read; the plaintext stands
 * where it was sealed then. Notes it. 0; -EBADMSG: forged; -EALREADY: seen before, or
 * too old to tell. *is_highest: of its path so far. */
int datagram_key_open(struct datagram_key *key, const struct datagram_header *header,
                      uint8_t *p, size_t n, uint64_t *counter, bool *is_highest);

#endif
