/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see replay.h.
 */
#include "agg/transport/replay.h"

#include <string.h>

#define BLOCKS (REPLAY_BITS / 64)

uint64_t replay_rebuild(const struct replay *replay, uint32_t low)
{
	uint64_t next = replay->next;
	uint64_t counter = (next & ~(uint64_t)UINT32_MAX) | low;
	uint64_t half = UINT64_C(1) << 31;

	if (next > counter && next - counter > half && counter <= UINT64_MAX - 2 * half)
		return counter + 2 * half;
	if (counter > next && counter - next > half && counter >= 2 * half)
		return counter - 2 * half;
	return counter;
}

bool replay_is_highest(const struct replay *replay, uint64_t counter)
{
	return counter >= replay->next;
}

bool replay_is_fresh(const struct replay *replay, uint64_t counter)
{
	if (counter >= replay->next)
		return counter != UINT64_MAX; /* else none could be next */
	if (replay->next - counter > REPLAY_WINDOW)
		return false;
	return !(replay->blocks[counter / 64 % BLOCKS] >> counter % 64 & 1);
}

/* The blocks that the window enters are forgotten, all of them at most. */
static void advance(struct replay *replay, uint64_t counter)
{
	uint64_t from = replay->next ? (replay->next - 1) / 64 : 0;
	uint64_t n = counter / 64 - from;

	if (n >= BLOCKS)
		memset(replay->blocks, 0, sizeof(replay->blocks));
	for (uint64_t i = 1; i <= n && n < BLOCKS; i++)
		replay->blocks[(from + i) % BLOCKS] = 0;
	replay->next = counter + 1;
}

void replay_note(struct replay *replay, uint64_t counter)
{
	if (counter >= replay->next)
		advance(replay, counter);
	replay->blocks[counter / 64 % BLOCKS] |= UINT64_C(1) << counter % 64;
}
