/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see redo.h.
 */
#include "agg/role/redo.h"

static uint64_t pause_us(uint64_t first, uint64_t most, unsigned times)
{
	uint64_t pause = first;

	for (unsigned i = 1; i < times && pause < most; i++)
		pause *= 2;
	return pause < most ? pause : most;
}

static uint64_t failure_pause_us(unsigned times)
{
	return pause_us(REDO_FAILURE_MIN_US, REDO_FAILURE_MAX_US, times);
}

static uint64_t loss_pause_us(unsigned times)
{
	return times ? pause_us(REDO_LOSS_MIN_US, REDO_LOSS_MAX_US, times) : 0;
}

void redo_init(struct redo *u)
{
	*u = (struct redo){ .due_us = UINT64_MAX };
}

/* What fails for another reason than what is wanted fails again: changes that
 * come in plenty must not make the pauses vain. */
void redo_want(struct redo *u, uint64_t now_us)
{
	uint64_t at_us = u->failures ? now_us + REDO_FAILURE_MIN_US : now_us;

	if (at_us < u->due_us)
		u->due_us = at_us;
}

void redo_begin(struct redo *u)
{
	u->putting = true;
	u->due_us = UINT64_MAX;
}

void redo_end(struct redo *u, bool good, uint64_t now_us)
{
	u->putting = false;
	if (good) {
		u->present = true;
		u->failures = 0;
	} else {
		u->due_us = now_us + failure_pause_us(++u->failures);
	}
}

void redo_lose(struct redo *u, uint64_t now_us)
{
	if (u->losses && now_us - u->loss_us >= REDO_CALM_US)
		u->losses = 0;
	/* One act of taking away is told in several messages. */
	if (!u->present && u->due_us != UINT64_MAX)
		return;
	u->present = false;
	u->loss_us = now_us;
	u->due_us = now_us + loss_pause_us(u->losses);
	u->losses++;
}
