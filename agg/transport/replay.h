/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which counters of a path were seen (RFC 6479: a ring of blocks, nothing is
 * ever shifted), and the 64 bits of one of which 32 were sent. Pure.
 *
 * A counter is asked for before its datagram is opened and noted only when that was
 * genuine: so what is forged moves nothing.
 */
#ifndef AGG_TRANSPORT_REPLAY_H
#define AGG_TRANSPORT_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#define REPLAY_BITS 4096u
#define REPLAY_WINDOW (REPLAY_BITS - 64) /* one block is being filled */

struct replay { /* all zero: nothing was seen */
	uint64_t next; /* the highest seen, and one; 0: none */
	uint64_t blocks[REPLAY_BITS / 64];
};

/* The counter with these low bits that is nearest to the one expected next. */
uint64_t replay_rebuild(const struct replay *replay, uint32_t low);
/* Neither seen nor older than the window tells. */
bool replay_is_fresh(const struct replay *replay, uint64_t counter);
/* It is the highest so far? */
bool replay_is_highest(const struct replay *replay, uint64_t counter);
/* Of one that is fresh. */
void replay_note(struct replay *replay, uint64_t counter);

#endif
