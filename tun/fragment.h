/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: an IPv4 packet that is too large, and may be fragmented, in pieces (RFC 791).
 * What comes as a fragment can be cut again. Pure.
 */
#ifndef TUN_FRAGMENT_H
#define TUN_FRAGMENT_H

#include "tun/inspect.h"

#define FRAGMENT_MTU_MIN 68u /* RFC 791: what each link carries */

struct fragment {
	const uint8_t *p;  /* borrowed; until the last piece is out */
	uint16_t n, at;    /* bytes; of the payload is out */
	uint16_t header;
	uint16_t size;     /* payload of a piece, a multiple of 8 */
	uint16_t offset;   /* of its first byte in the datagram */
	bool has_more;     /* fragments follow the packet itself */
};

/* p is what inspect_packet() took, and may_fragment; mtu is FRAGMENT_MTU_MIN or
 * more. */
void fragment_begin(struct fragment *f, const struct inspection *in, const uint8_t *p,
                    uint16_t mtu);
/* Writes the next piece, of mtu bytes at most; its length; 0: there is none. */
size_t fragment_next(struct fragment *f, uint8_t *out);

#endif
