/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: round robin over the paths with room, a piece each (mptcp v0.9x's
 * mptcp_rr.c with cwnd_limited=1 and num_segments as the driver's piece). A
 * baseline: draft-bonaventure-iccrg-schedulers-02 does not recommend it.
 */
#include "scheduler/schedulers.h"


struct roundrobin {
	unsigned next; /* the path whose turn it is */
};

static void pick(void *instance, void *scope, const struct sched_view *view,
                 struct sched_decision *out)
{
	struct roundrobin *rr = instance;
	int class_now = sched_class_now(view);

	for (unsigned k = 0; k < view->count; k++) {
		unsigned i = (rr->next + k) % view->count;
		if (!sched_usable(view, i) ||
		    view->paths[i].path_class != class_now)
			continue;
		rr->next = i + 1;
		sched_send(out, i);
		return;
	}
	sched_nothing(view, out);
}

const struct sched_ops sched_roundrobin = {
	.name = "roundrobin",
	.summary = "the paths with room in turn, a piece each",
	.order = "roundrobin",
	.instance_bytes = sizeof(struct roundrobin),
	.pick = pick,
};
