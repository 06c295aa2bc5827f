/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see retry.h. Owns its timer.
 */
#include "agg/role/retry.h"

#include <errno.h>
#include <stddef.h>

static void on_timer(void *ctx)
{
	struct retry *r = ctx;

	r->waiting = false;
	r->on_retry(r->ctx);
}

int retry_init(struct retry *r, struct loop *loop, struct rand *rand,
               void (*on_retry)(void *ctx), void *ctx)
{
	*r = (struct retry){ .loop = loop, .rand = rand, .on_retry = on_retry,
	                     .ctx = ctx };
	r->timer = loop_timer_create(loop, on_timer, r);
	return r->timer ? 0 : -ENOMEM;
}

void retry_finish(struct retry *r)
{
	loop_timer_destroy(r->timer);
	r->timer = NULL;
}

void retry_failed(struct retry *r)
{
	if (!r->failures++)
		r->failing_us = loop_now_us(r->loop);
	retry_pause(r);
}

void retry_pause(struct retry *r)
{
	uint64_t now = loop_now_us(r->loop);
	uint64_t pause = RETRY_PAUSE_MIN_US;
	uint64_t most = now - r->failing_us < RETRY_PATIENT_US ?
		RETRY_PAUSE_MAX_US : RETRY_PAUSE_LONG_US;

	for (unsigned i = 1; i < r->failures && pause < most; i++)
		pause *= 2;
	if (pause > most)
		pause = most;
	r->waiting = true;
	loop_timer_arm(r->timer, now + pause / 2 +
	               rand_below(r->rand, (uint32_t)(pause / 2)));
}

void retry_hold(struct retry *r, uint64_t us)
{
	r->waiting = true;
	loop_timer_arm(r->timer, loop_now_us(r->loop) + us);
}

void retry_reset(struct retry *r)
{
	r->failures = 0;
	r->waiting = false;
	loop_timer_disarm(r->timer);
}
