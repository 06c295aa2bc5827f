/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: EAT, earliest arrival: OTIAS (Yang, Wang, Amer, "Out-of-order
 * transmission for in-order arrival scheduling for multipath TCP", WAINA 2014)
 * and STTF (Hurtig, Grinnemo, Brunstrom, Ferlin, Alay, Kuhn, "Low-latency
 * scheduling in MPTCP", IEEE/ACM ToN 2019) lay every byte on the path by which
 * it arrives first, its queue counted in. So does this one in thought, with all
 * that is queued, by the rate of each path and its backlog (arrival.h), which
 * counts no queue twice as srtt/2 and a backlog together do. A path with room
 * has the next piece if the queued bytes have one that would arrive by it first;
 * else it is left alone, and the earlier path is waited for.
 */
#include "scheduler/arrival.h"
#include "scheduler/schedulers.h"

static void pick(void *instance, void *scope, const struct sched_view *view,
                 struct sched_decision *out)
{
	arrival_pick(view, view->unit->queued_bytes, 0, out);
}

const struct sched_ops sched_eat = {
	.name = "eat",
	.summary = "the path by which what is queued arrives earliest",
	.order = "roundrobin",
	.caps = SCHED_MAY_WAIT,
	.pick = pick,
};
