/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the guard at the concentrator's door: who may begin a handshake. Pure.
 *
 * Handshakes under way are capped, in all and per source (an IPv4 address, an
 * IPv6 /64). A source whose handshakes fail is shut out for a time that
 * doubles with each failure, as OpenSSH's PerSourcePenalties does, before it
 * costs a key exchange; a success forgives. The table of offenders is small:
 * when it is full the oldest is forgotten. When all places are taken, one of
 * those inside should go for a newcomer: that is the owner's to do.
 */
#ifndef AGG_ROLE_GUARD_H
#define AGG_ROLE_GUARD_H

#include "agg/base/addr.h"

#define GUARD_HANDSHAKES_MAX 256
#define GUARD_PER_SOURCE_MAX 32
#define GUARD_OFFENDERS_MAX 256
#define GUARD_FREE_FAILURES 8        /* that are not punished yet */
#define GUARD_PENALTY_MIN_US 1000000u
#define GUARD_PENALTY_MAX_US 60000000u

struct guard_source {
	uint8_t ip[16];         /* masked; IPv4 as ::ffff:a.b.c.d */
	unsigned under_way;
	unsigned failures;
	uint64_t shut_until_us;
	uint64_t seen_us;       /* 0: the entry is free */
};

struct guard {
	unsigned under_way;
	struct guard_source sources[GUARD_OFFENDERS_MAX];
};

/* Has the source itself nothing against it, no cap and no penalty? */
bool guard_welcomes(const struct guard *g, const struct addr *from,
                    uint64_t now_us);
/* Are as many under way as can be? */
bool guard_is_full(const struct guard *g);
/* May this source begin a handshake? True: it is counted, and guard_leave
 * must follow. */
bool guard_enter(struct guard *g, const struct addr *from, uint64_t now_us);
/* The handshake ended. */
void guard_leave(struct guard *g, const struct addr *from, bool good,
                 uint64_t now_us);

#endif
