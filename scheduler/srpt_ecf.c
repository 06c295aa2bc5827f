/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: SRPT-ECF, stream-aware: Jonglez, Heusse, Gaujal, "SRPT-ECF: challenging
 * Round-Robin for stream-aware multipath scheduling", FIT 2020; what follows is
 * our reconstruction in the fluid model, where it is optimal for the mean
 * completion of streams that are there together.
 *
 * The streams come in the order of what is left of them (order.h, "srpt"). With
 * K bytes left of the stream that is offered and of those before it, no schedule
 * has it done before E(K), the time of K bytes over all paths together. So a
 * piece of it may go on any path that delivers it by then, and is no good on a
 * slower one: there it waits, and the path is offered to the next stream, whose
 * E is later. On the path by which a piece would be earliest of all, the first
 * stream goes at once.
 *
 * Of a stream whose end is not known there is left what waits, or, where its
 * source is held back, as much as it sent (order.h): the last bytes of a long
 * one may so come by a slow path, and reinjection mends that. A sixteenth of E
 * is allowed for, so that a path of nearly the same time is not taken and
 * left by turns.
 */
#include "scheduler/arrival.h"
#include "scheduler/schedulers.h"

#define SLACK 16u /* a sixteenth of E */

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

static void pick(void *instance, void *scope, const struct sched_view *view,
                 struct sched_decision *out)
{
	arrival_pick(view, sum(view->unit->ahead_bytes, view->unit->left_bytes),
	             SLACK, out);
}

const struct sched_ops sched_srpt_ecf = {
	.name = "srpt_ecf",
	.summary = "short streams first, by paths that do not hold them up",
	.order = "srpt",
	.caps = SCHED_MAY_WAIT | SCHED_NEEDS_SIZE,
	.pick = pick,
};
