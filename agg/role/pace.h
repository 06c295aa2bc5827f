/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how often something that somebody keeps undoing is done again, and how
 * often that is said. At once after a calm time; with pauses that double while
 * it goes on, and never more than a second. Pure.
 */
#ifndef AGG_ROLE_PACE_H
#define AGG_ROLE_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_CALM_US 10000000u     /* without a word: it is over */
#define PACE_PAUSE_MIN_US 50000u   /* after the second time, doubled then */
#define PACE_PAUSE_MAX_US 800000u
#define PACE_WORDS_MAX 10          /* lines of log in PACE_WORDS_US */
#define PACE_WORDS_US 60000000u

struct pace { /* all 0 at first */
	uint64_t last_us, pause_us; /* of doing */
	uint64_t words_us;          /* since when words are counted */
	unsigned words, unsaid;
};

/* Not to be done before. */
uint64_t pace_due_us(const struct pace *p);
/* It was found undone, and is done again now. */
void pace_done(struct pace *p, uint64_t now_us);
/* May a line be logged about it? Then *unsaid is how often it was not. */
bool pace_say(struct pace *p, uint64_t now_us, unsigned *unsaid);

#endif
