/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: when to connect again to somebody else: pauses that double (backoff.h),
 * with jitter, short for the first minute without success, longer then. Has a
 * timer. (Of what we put into the kernel ourselves: redo.h.)
 */
#ifndef AGG_ROLE_RETRY_H
#define AGG_ROLE_RETRY_H

#include "agg/base/loop.h"
#include "agg/base/rand.h"

#include <stdbool.h>

#define RETRY_PAUSE_MIN_US 100000u   /* after a failure, doubled each time */
#define RETRY_PAUSE_MAX_US 1000000u  /* in the first minute without success */
#define RETRY_PAUSE_LONG_US 20000000u
#define RETRY_PATIENT_US 60000000u   /* that minute */
#define RETRY_REFUSED_US 1000000u    /* after a refusal, doubled each time, up to
                                      * the long one */

struct retry {
	struct loop *loop;      /* borrowed, as rand */
	struct rand *rand;
	struct loop_timer *timer;
	bool waiting;           /* the pause is not over */
	unsigned failures;      /* in a row */
	unsigned refusals;      /* among them */
	uint64_t failing_us;    /* since when */
	void (*on_retry)(void *ctx); /* the pause is over */
	void *ctx;
};

/* 0 or -ENOMEM. */
int retry_init(struct retry *r, struct loop *loop, struct rand *rand,
               void (*on_retry)(void *ctx), void *ctx);
void retry_finish(struct retry *r);
/* A failure: the pause gets longer. */
void retry_failed(struct retry *r);
/* A failure for good reasons, which will not be gone in a moment: who knocks
 * often is only a burden to the other side. */
void retry_refused(struct retry *r);
/* A pause as long as the failures so far want it. */
void retry_pause(struct retry *r);
/* A pause of that length. */
void retry_hold(struct retry *r, uint64_t us);
/* It went well, or all is different: no pause. */
void retry_reset(struct retry *r);

#endif
