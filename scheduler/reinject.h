/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: reinjection: sending again on another path what is in flight already,
 * before it is known to be lost. A policy of its own beside the scheduler, as
 * pure. Each policy does what the one before does, and more:
 *
 *   off       only what a dead subflow carried is sent again
 *   suspect   and what a subflow carries that makes no progress
 *   tail      and, when its stream has nothing new to send, what another path
 *             would bring earlier (XLINK, SIGCOMM 2021: at an empty send queue);
 *             and when the peer's credit allows nothing new, what is late (of
 *             the idea of Raiciu et al., NSDI 2012: opportunistic
 *             retransmission of what fills the receive window)
 *   deadline  and what is overdue: not acknowledged within the time in which
 *             its path's pieces are (xquic's deadline controller, by the
 *             piece's own path in place of the least round-trip time)
 *
 * tail and deadline send a piece again once, on another path with room, and
 * only from a budget: REINJECT_SHARE of what is sent, REINJECT_SAVED_MAX at
 * once. What a dead or suspect subflow held needs no budget: it is not a
 * guess.
 */
#ifndef SCHEDULER_REINJECT_H
#define SCHEDULER_REINJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REINJECT_SHARE 20u             /* one byte of so many: 5 % */
#define REINJECT_SAVED_MAX 8388608u     /* budget kept for later, bytes: what
                                        * long and fast paths hold at once */
#define REINJECT_OVERDUE_MIN_US 20000u /* a piece is not overdue before */

enum reinject_policy {
	REINJECT_OFF,
	REINJECT_SUSPECT,
	REINJECT_TAIL,
	REINJECT_DEADLINE,
};
#define REINJECT_COUNT (REINJECT_DEADLINE + 1)

/* Why a piece went again: by which policy, where REINJECT_OFF is that what
 * carried it is dead; or as the reader waited for it (reinject_overdue()), or
 * will, as what carries it says nothing any more. */
#define REINJECT_OVERDUE REINJECT_COUNT
#define REINJECT_REASONS (REINJECT_COUNT + 1)

const char *reinject_name(enum reinject_policy policy);
const char *reinject_summary(enum reinject_policy policy);
int reinject_find(const char *name); /* -1: no such */

/* How many bytes may be sent again now; starts full. */
struct reinject_budget {
	uint64_t saved_bytes;
	uint32_t rest; /* of a share, not yet a byte */
};

void reinject_init(struct reinject_budget *budget);
void reinject_sent(struct reinject_budget *budget, uint64_t bytes);
void reinject_unspend(struct reinject_budget *budget, uint64_t bytes);
bool reinject_spend(struct reinject_budget *budget, uint64_t bytes);

/* A piece in flight. */
struct reinject_piece {
	uint64_t age_us;         /* since it was sent */
	uint64_t usual_us, var_us; /* its path: from sent to acknowledged, and the
	                          * mean deviation; 0: not known yet */
	uint64_t ahead_us;       /* what its path has before it, and itself, at the
	                          * path's rate; 0: not known */
	uint64_t other_us;       /* another path: so long, from now on */
	bool idle;               /* nothing new of its stream waits to be sent, or
	                          * may be, and this one is late */
};

/* Shall the piece be sent again, budget and room permitting? By which of the
 * policies up to this one; REINJECT_OFF: no. */
enum reinject_policy reinject_wanted(enum reinject_policy policy,
                                     const struct reinject_piece *piece);
/* A piece that a slow path took early, and that the reader has come to: all
 * before it is sent. */
struct reinject_passed {
	uint64_t waited_us;      /* since then */
	uint64_t age_us;         /* since it was sent */
	uint64_t usual_us, var_us; /* as above */
	uint64_t rtt_us;         /* of its path */
	uint64_t other_us;       /* as above; UINT64_MAX: there is none */
	bool minor;              /* others carry many times as much as its path */
};

/* Shall it be sent again? The reader's patience decides, not the age alone: on
 * near paths TCP repairs a loss before another path could. For a path that is minor
 * there is none: all that it has is little beside what would wait for it. */
bool reinject_overdue(const struct reinject_passed *piece);
/* The age from which on a piece is overdue. */
uint64_t reinject_overdue_us(uint64_t usual_us, uint64_t var_us);

#endif
