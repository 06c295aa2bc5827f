/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: LowRTT, the default of MPTCP v0.9x: of the paths with room the one of
 * least smoothed round-trip time. It never waits: a slow path with room is
 * used as soon as the faster ones are full. Paasch, Ferlin, Alay, Bonaventure,
 * "Experimental evaluation of multipath TCP schedulers", CSWS 2014.
 */
#include "scheduler/schedulers.h"


static void pick(void *instance, void *scope, const struct sched_view *view,
                 struct sched_decision *out)
{
	int best = sched_lowest_rtt(view);

	if (best >= 0)
		sched_send(out, (unsigned)best);
	else
		sched_nothing(view, out);
}

const struct sched_ops sched_lowrtt = {
	.name = "lowrtt",
	.summary = "the path of least round-trip time that has room",
	.order = "roundrobin",
	.pick = pick,
};
