/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see redo.h.
 */
#include "agg/role/redo.h"

#include "agg/base/backoff.h"

static uint64_t failure_pause_us(unsigned times)
{
	return backoff_us(REDO_FAILURE_MIN_US, times, REDO_FAILURE_MAX_US);
}

static uint64_t loss_pause_us(unsigned times)
{
	return times ? backoff_us(REDO_LOSS_MIN_US, times, REDO_LOSS_MAX_US) : 0;
}

void redo_init(struct redo *r)
{
	*r = (struct redo){ .due_us = UINT64_MAX };
}

/* What fails for another reason than what is wanted fails again: changes that
 * come in plenty must not make the pauses vain. */
void redo_want(struct redo *r, uint64_t now_us)
{
	uint64_t at_us = r->failures ? now_us + REDO_FAILURE_MIN_US : now_us;

	if (at_us < r->due_us)
		r->due_us = at_us;
}

void redo_begin(struct redo *r)
{
	r->putting = true;
	r->due_us = UINT64_MAX;
}

void redo_end(struct redo *r, bool good, uint64_t now_us)
{
	r->putting = false;
	if (good) {
		r->present = true;
		r->failures = 0;
	} else {
		r->due_us = now_us + failure_pause_us(++r->failures);
	}
}

void redo_lose(struct redo *r, uint64_t now_us)
{
	if (r->losses && now_us - r->loss_us >= REDO_CALM_US)
		r->losses = 0;
	/* One act of taking away is told in several messages. */
	if (!r->present && r->due_us != UINT64_MAX)
		return;
	r->present = false;
	r->loss_us = now_us;
	r->due_us = now_us + loss_pause_us(r->losses);
	r->losses++;
}
