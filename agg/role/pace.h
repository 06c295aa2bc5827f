/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how often a line may be said of what others do to this host at will: a
 * device that flaps, a rule that is removed again and again. Those that are not
 * said are counted. Pure.
 */
#ifndef AGG_ROLE_PACE_H
#define AGG_ROLE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_LINES_MAX 10 /* in PACE_US */
#define PACE_US 60000000u
#define PACE_WORDS_MAX 48

struct pace { /* all zero at the start */
	uint64_t since_us; /* lines are counted */
	unsigned lines;
	unsigned unsaid;   /* since the last that was said */
};

/* May it be said? Then earlier, for its end, tells of those that were not:
 * "; so 3 times before", or "". */
bool pace_may_say(struct pace *p, uint64_t now_us,
                  char earlier[PACE_WORDS_MAX]);

#endif
