/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: connections to the concentrator, each over a device of its own, all at
 * once: who reaches it by which way, and one that asks. Blocks, for a program
 * that has nothing else to do.
 */
#ifndef AGG_PAIR_REACH_H
#define AGG_PAIR_REACH_H

#include "agg/pair/redeem.h"

#define REACH_MAX 64
#define REACH_WAIT_MS 6000 /* for all of them */

enum reach_state {
	REACH_NOT_TRIED,  /* there is no such address there */
	REACH_OK,
	REACH_NO_ANSWER,  /* in time */
	REACH_REFUSED,    /* the host answers, and nobody listens */
	REACH_NO_ROUTE,
	REACH_WRONG_PIN,
	REACH_BROKEN,     /* why says how */
};

/* One way. */
struct reach {
	const char *device;   /* "": any; borrowed */
	struct addr to;
	enum reach_state state;
	unsigned took_us;     /* to connect, of REACH_OK */
	char why[WIRE_WHY_MAX + 1];
};

/* Tries them all, and fills the rest of each. 0 or -errno. */
int reach_try(struct tls_context *tls, const struct tls_pin *pin,
              struct reach *ways, unsigned count);
/* By that one, with the secret. 0, and *answer is filled; else -EIO: its state and
 * why say what happened. */
int reach_redeem(struct tls_context *tls, const struct tls_pin *pin,
                 struct reach *way, const uint8_t secret[WIRE_SECRET_BYTES],
                 struct wire_redeemed *answer);
/* "no answer": for a table and a sentence. */
const char *reach_text(const struct reach *way);

#endif
