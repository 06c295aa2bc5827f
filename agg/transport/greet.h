/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the greeting: what the ends of a subflow say before it is joined. Pure:
 * bytes, numbers and a time in, a verdict out.
 *
 *     gateway                        concentrator
 *     PAD, HELLO        ->
 *                       <-           PAD, WELCOME; or CLOSE, with the reason
 *     INVITE            ->           in place of HELLO
 *                       <-           REDEEMED
 *
 * A PAD makes a greeting as long as two full packets: a way on which only small
 * ones pass is found before a stream is on it (measure_full_size_lost).
 */
#ifndef AGG_TRANSPORT_GREET_H
#define AGG_TRANSPORT_GREET_H

#include "agg/transport/wire.h"

/* A greeting that is not answered for so long, and four round trips, is looked
 * at: do only small packets pass? */
#define GREET_LOOK_US 1000000u
#define GREET_PAD_MAX 12000u

/* How long a PAD is, of two packets of mss bytes; 0: none. */
size_t greet_pad_bytes(uint32_t mss);
/* When to look, and at the last at end_us. */
uint64_t greet_look_at_us(uint64_t now_us, uint32_t srtt_us, uint64_t end_us);

enum greet_answer {
	GREET_MORE,    /* not yet: more bytes are needed, or it was a PAD */
	GREET_HEARD,   /* frame is the greeting */
	GREET_INVITED, /* frame is an INVITE, where a HELLO was wanted */
	GREET_REFUSED, /* frame is a CLOSE */
	GREET_FOREIGN, /* a greeting of a version that is not spoken here */
	GREET_NONE,    /* something else, or nothing that can be decoded */
};

/* Looks at the next frame of the other side, whose greeting is a `wanted`,
 * WIRE_HELLO, WIRE_WELCOME or WIRE_REDEEMED. *used: how many of the n bytes it was. *why: of
 * GREET_FOREIGN and GREET_NONE, in words. */
enum greet_answer greet_hear(enum wire_type wanted, const uint8_t *p, size_t n,
                             size_t *used, struct wire_frame *frame,
                             const char **why);

#endif
