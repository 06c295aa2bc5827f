/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see retry.h. Owns its timer.
 */
#include "agg/role/retry.h"

#include "agg/base/backoff.h"

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

/* Half of it at least, so that many do not try at once. */
static void pause_for(struct retry *r, uint64_t first_us, unsigned times,
                      uint64_t most_us)
{
	uint64_t pause = backoff_us(first_us, times, most_us);

	retry_hold(r, pause / 2 + rand_below(r->rand, (uint32_t)(pause / 2)));
}

static void count_failure(struct retry *r)
{
	if (!r->failures++)
		r->failing_us = loop_now_us(r->loop);
}

void retry_failed(struct retry *r)
{
	count_failure(r);
	retry_pause(r);
}

void retry_refused(struct retry *r)
{
	count_failure(r);
	pause_for(r, RETRY_REFUSED_US, ++r->refusals, RETRY_PAUSE_LONG_US);
}

void retry_pause(struct retry *r)
{
	uint64_t failing_us = loop_now_us(r->loop) - r->failing_us;

	pause_for(r, RETRY_PAUSE_MIN_US, r->failures,
	          failing_us < RETRY_PATIENT_US ? RETRY_PAUSE_MAX_US
	                                        : RETRY_PAUSE_LONG_US);
}

void retry_hold(struct retry *r, uint64_t us)
{
	r->waiting = true;
	loop_timer_arm(r->timer, loop_now_us(r->loop) + us);
}

void retry_reset(struct retry *r)
{
	r->failures = r->refusals = 0;
	r->waiting = false;
	loop_timer_disarm(r->timer);
}
