/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the gateway's end of a connection by which it joins, without a socket:
 * bytes in, bytes out, a state.
 *
 *     TLS with the pin of the invitation -> REACHED
 *     redeem_ask: INVITE -> (REDEEMED) ANSWERED
 *
 * The secret is said to nobody who has not proved that he has the pin's key.
 */
#ifndef AGG_PAIR_REDEEM_H
#define AGG_PAIR_REDEEM_H

#include "agg/base/buf.h"
#include "agg/transport/tls.h"
#include "agg/transport/wire.h"

enum redeem_state {
	REDEEM_SHAKING,
	REDEEM_REACHED,   /* it is he, and waits */
	REDEEM_ASKED,
	REDEEM_ANSWERED,
	REDEEM_WRONG_PIN, /* another than the invitation's concentrator */
	REDEEM_BROKEN,    /* why says how */
};

struct redeem {
	enum redeem_state state;
	struct buf in, out;  /* ciphertext: from him, and to him */
	struct buf plain;    /* the beginning of his answer */
	struct tls *tls;
	struct wire_redeemed answer; /* once ANSWERED */
	char why[WIRE_WHY_MAX + 1];
};

/* 0 or -ENOMEM; finish it in any case. */
int redeem_begin(struct redeem *r, struct tls_context *tls,
                 const struct tls_pin *pin);
void redeem_finish(struct redeem *r);
/* More has come into `in`. */
void redeem_input(struct redeem *r);
/* He has closed, or the connection broke. */
void redeem_end(struct redeem *r, const char *why);
/* Once REACHED. */
void redeem_ask(struct redeem *r, const uint8_t secret[WIRE_SECRET_BYTES]);

#endif
