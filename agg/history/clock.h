/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the time of the history, out of a clock that a person, NTP or a flat battery sets.
 * Pure.
 *
 * A clock that goes back is not believed at once: time stands still, and what is counted
 * belongs to the last moment. When it has said so for ten minutes it is believed. A
 * router without a battery begins years ago: that is never believed.
 */
#ifndef AGG_HISTORY_CLOCK_H
#define AGG_HISTORY_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_LEAST_S UINT64_C(1735689600) /* 2025: no clock that is right says less */
#define CLOCK_DOUBT_S 600u

/* All 0: nothing is known. */
struct clock {
	uint64_t now_s;      /* since 1970, UTC; 0: not known */
	uint64_t doubt_s;    /* since then, by the steady clock, it is behind; 0: it is not */
};

/* What it says; steady_s only goes forward. True: it was believed to have gone back. */
bool clock_step(struct clock *c, uint64_t says_s, uint64_t steady_s);

/* The begin of the month that goes from that day on, at 0:00 UTC; a month without such
 * a day begins with its last. day: 1 to 31. */
uint64_t clock_month(uint64_t now_s, unsigned day);

#endif
