/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the part of a turn of the loop that one of many may take, as time. Who has
 * taken his goes on in the next turn, so that nobody waits longer for his own than
 * all others' parts take. Pure.
 */
#ifndef AGG_BASE_SLICE_H
#define AGG_BASE_SLICE_H

#include <stdbool.h>
#include <stdint.h>

/* All 0 at first. */
struct slice {
	uint64_t turn;    /* as loop_turn() */
	uint64_t used_us; /* in it */
};

static inline bool slice_is_used_up(const struct slice *s, uint64_t turn,
                                    uint64_t most_us)
{
	return s->turn == turn && s->used_us >= most_us;
}

static inline void slice_use(struct slice *s, uint64_t turn, uint64_t us)
{
	if (s->turn != turn)
		*s = (struct slice){ .turn = turn };
	s->used_us += us;
}

#endif
