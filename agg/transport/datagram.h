/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the datagram of the packet tunnel: every field, every length and every limit.
 * Pure.
 *
 *     0  u8   version (4 bits) = 1, kind (4 bits) = 0: sealed      all big-endian
 *     1  u8   path: an uplink of the gateway
 *     2  u32  index: chosen by the receiver, names tunnel and key
 *     6  u32  counter of path and direction, the low half of it
 *    10  sealed: u8 type, u16 send time, the type's fields, what it carries
 *    ..  tag (16)                     bytes 0 to 9 are proved with it, not hidden
 *
 *     PLAIN       -                          an inner packet
 *     ORDERED     u16 slot, u16 sequence, u8 skip, u8 paths    and one of a flow
 *                                            that the receiver puts in order
 *     SPLIT       u8 part, u16 id            half of an inner packet
 *     FEEDBACK    see struct datagram_feedback; then nothing, or another type with
 *                 its fields (but no time) and what it carries
 *     PROBE       u64 nonce, padding         to be answered, unless nonce is 0, by
 *     PROBE_ECHO  u64 nonce, padding
 *
 * The plaintext, from `type` on, is also what a session's DATAGRAM frame carries where
 * UDP does not pass.
 */
#ifndef AGG_TRANSPORT_DATAGRAM_H
#define AGG_TRANSPORT_DATAGRAM_H

#include "agg/transport/aead.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DATAGRAM_VERSION 1
#define DATAGRAM_FIRST_BYTE (DATAGRAM_VERSION << 4) /* sealed */
#define DATAGRAM_PATHS_MAX 8 /* as many as `paths` has bits */
#define DATAGRAM_HEADER_BYTES 10
#define DATAGRAM_PLAIN_BYTES 3 /* in front of the packet, sealed with it */
#define DATAGRAM_ORDERED_BYTES (DATAGRAM_PLAIN_BYTES + 6)
#define DATAGRAM_SPLIT_BYTES (DATAGRAM_PLAIN_BYTES + 3)
#define DATAGRAM_FEEDBACK_FIELDS 34
/* In front of a datagram that has a type of its own: the type, the fields. */
#define DATAGRAM_FEEDBACK_BYTES (1 + DATAGRAM_FEEDBACK_FIELDS)
#define DATAGRAM_PROBE_BYTES (DATAGRAM_PLAIN_BYTES + 8)
/* What a datagram is longer than its plaintext. */
#define DATAGRAM_SEAL_BYTES (DATAGRAM_HEADER_BYTES + AEAD_TAG_BYTES)
#define DATAGRAM_BYTES_MIN (DATAGRAM_SEAL_BYTES + DATAGRAM_PLAIN_BYTES)
#define DATAGRAM_BYTES_MAX 1472 /* an Ethernet frame's, less IPv4 and UDP */
#define DATAGRAM_TEXT_MAX (DATAGRAM_BYTES_MAX - DATAGRAM_SEAL_BYTES)
#define DATAGRAM_TIME_US 64u    /* the unit of the send time, which wraps */

struct datagram_header {
	uint8_t path;     /* < DATAGRAM_PATHS_MAX */
	uint32_t index;
	uint32_t counter; /* its low half */
};

enum datagram_type {
	DATAGRAM_PLAIN = 1,
	DATAGRAM_ORDERED = 2,
	DATAGRAM_SPLIT = 3,
	DATAGRAM_FEEDBACK = 4, /* alone */
	DATAGRAM_PROBE = 5,
	DATAGRAM_PROBE_ECHO = 6,
};

struct datagram_ordered {
	uint16_t slot;     /* which flow */
	uint16_t sequence;
	uint8_t skip;      /* so many numbers just before this one never come */
	uint8_t paths;     /* that carry the flow now, a bit each */
};

struct datagram_split {
	uint8_t part; /* 0 or 1: the last */
	uint16_t id;
};

/* What arrived at its sender, on a path, of an epoch. */
struct datagram_feedback {
	uint8_t path, epoch;      /* epoch: its low bits */
	uint32_t largest;         /* counter */
	uint16_t held_us;         /* it waited so long there, at most this */
	uint32_t packets, bytes;  /* ever, of that path; they wrap */
	/* Time of arrival less the send time, in DATAGRAM_TIME_US, which has a
	 * meaning only relative to others; since the last feedback. */
	uint16_t delay_min, delay_p90;
	uint16_t ce;              /* marked by the network, ever; wraps */
	uint64_t before;          /* bit i: largest - 1 - i came too */
	uint32_t now_us;          /* the receiver's clock; wraps */
};

struct datagram_probe { uint64_t nonce; };

/* A datagram's plaintext. */
struct datagram {
	uint8_t type;       /* enum datagram_type */
	uint16_t sent;      /* in DATAGRAM_TIME_US */
	bool has_feedback;  /* always with DATAGRAM_FEEDBACK */
	struct datagram_feedback feedback;
	union {
		struct datagram_ordered ordered;
		struct datagram_split split;
		struct datagram_probe probe; /* and PROBE_ECHO */
	};
	/* What it carries: a packet, half of one, padding. Borrowed. */
	const uint8_t *body;
	size_t body_len;
};

/* 0; -EBADMSG: too short or too long, of another version or kind, no such path. */
int datagram_read_header(struct datagram_header *out, const uint8_t *p, size_t n);
void datagram_write_header(uint8_t p[DATAGRAM_HEADER_BYTES],
                           const struct datagram_header *header);

/* Of a plaintext. 0 or -EBADMSG. */
int datagram_decode(struct datagram *out, const uint8_t *p, size_t n);
/* How many bytes of plaintext stand before its body. */
size_t datagram_fields_bytes(const struct datagram *d);
/* Writes these; the body follows them. Returns their number. */
size_t datagram_encode(uint8_t *p, const struct datagram *d);

/* The send time now, and what it is older than that, of at most half of its range. */
uint16_t datagram_time(uint64_t now_us);

#endif
