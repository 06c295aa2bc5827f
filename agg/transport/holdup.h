/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what held up a session's bytes, counted as time. Pure. After each turn it
 * is in one of three states, in which it stays until the next: nothing waits to be
 * sent, so who gives the bytes is the limit; something waits as no path takes it;
 * something waits though a path would, as the peer takes no more (its credit). In
 * the second a path that is full is told from one that was left out.
 */
#ifndef AGG_TRANSPORT_HOLDUP_H
#define AGG_TRANSPORT_HOLDUP_H

#include "agg/transport/wire.h"

#include <stdint.h>

#define HOLDUP_TURN_US_MAX 1000000u /* after which a turn is overdue anyway */

enum holdup_state { HOLDUP_SOURCE, HOLDUP_PATHS, HOLDUP_CREDIT };
#define HOLDUP_COUNT (HOLDUP_CREDIT + 1)

struct holdup {
	uint64_t since_us;         /* the last turn; 0: none yet */
	enum holdup_state state;   /* since then */
	unsigned full;             /* of PATHS: those that are, a bit each */
	uint64_t us[HOLDUP_COUNT]; /* in each state, ever */
	uint64_t full_us[WIRE_PATHS_MAX];
};

/* A turn ended so. */
void holdup_note(struct holdup *l, enum holdup_state state, unsigned full,
                 uint64_t now_us);
/* What was from one to another, later one of the same session, for the peer. */
void holdup_between(const struct holdup *from, const struct holdup *to,
                    struct wire_limits *out);

#endif
