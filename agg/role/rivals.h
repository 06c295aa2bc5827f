/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: two gateways with one key, as two boxes with a copied identity are: which
 * of their sessions is the site's. Pure.
 *
 * A gateway that begins anew comes with another session id, and the one before
 * never comes back: the newer one counts. With two gateways it does come back,
 * and if the newer always counted, each would end the other's session, many
 * times a second. So who comes back is refused, and from then on the site is
 * contended: it belongs to whom has it, until he was gone for a while, and
 * others are told why.
 */
#ifndef AGG_ROLE_RIVALS_H
#define AGG_ROLE_RIVALS_H

#include <stdbool.h>
#include <stdint.h>

#define RIVALS_ID_BYTES 16
#define RIVALS_IDS_MAX 8              /* that were replaced, the latest */
/* A subflow of a gateway that has begun anew may be on its way for so long. */
#define RIVALS_LATE_US 10000000u
#define RIVALS_CONTENDED_US 600000000u /* after the last attempt */
/* Who has it must be away for so long before another gets it. */
#define RIVALS_AWAY_US 10000000u
#define RIVALS_LOG_US 10000000u       /* between two lines of who began anew */

struct rivals {
	uint8_t current[RIVALS_ID_BYTES];
	bool any;                 /* there was a first */
	struct {
		uint8_t id[RIVALS_ID_BYTES];
		uint64_t at_us;   /* when it was replaced; 0: none */
	} replaced[RIVALS_IDS_MAX];
	unsigned next;            /* of replaced */
	uint64_t contended_until_us;
	uint64_t logged_us;       /* who began anew */
	unsigned unlogged;        /* and how often since */
};

enum rivals_answer {
	RIVALS_JOINS,     /* it is the session that has the site */
	RIVALS_ANEW,      /* from now on it is, and the one before is over */
	RIVALS_LATE,      /* refused: its gateway has begun anew since */
	RIVALS_REFUSED,   /* refused: another gateway has the site */
	RIVALS_CONTENDED, /* the same, for the first time: log it */
};

/* A HELLO with that id. away_us: since when who has the site has no subflow, 0
 * while he has one; UINT64_MAX: he has no session. */
enum rivals_answer rivals_hello(struct rivals *r,
                                const uint8_t id[RIVALS_ID_BYTES],
                                uint64_t away_us, uint64_t now_us);
bool rivals_contend(const struct rivals *r, uint64_t now_us);
/* After RIVALS_ANEW: may it be logged? Then *times is how often it was. */
bool rivals_may_log(struct rivals *r, unsigned *times, uint64_t now_us);

#endif
