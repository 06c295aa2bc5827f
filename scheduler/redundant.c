/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: redundant: a copy of every piece on every path with room at the moment
 * (mptcp v0.9x's mptcp_redundant.c; Frommgen, Erbshaeusser, Buchmann,
 * Zimmermann, Wehrle, "ReMP TCP: Low latency multipath TCP", ICC 2016). It
 * blocks on no path: a full one does without, so what is more than the slowest
 * path carries has fewer copies. For streams of little rate, to which latency is
 * all. The copies are made at one moment, so none is the first.
 *
 * Paths of one class only, as always; on backups, which are there for outages,
 * and of what is sent again, which is a copy already and paid for from a budget,
 * there is one: by least round-trip time.
 */
#include "scheduler/schedulers.h"

static void pick(void *instance, void *scope, const struct sched_view *view,
                 struct sched_decision *out)
{
	int best = sched_lowest_rtt(view);

	if (best < 0) {
		sched_nothing(view, out);
		return;
	}
	sched_send(out, (unsigned)best);
	if (view->paths[best].path_class == SCHED_CLASS_BACKUP ||
	    sched_is_again(view->unit))
		return;
	for (unsigned i = 0; i < view->count; i++)
		if (sched_usable(view, i) &&
		    view->paths[i].path_class == view->paths[best].path_class)
			out->mask |= 1u << i;
}

const struct sched_ops sched_redundant = {
	.name = "redundant",
	.summary = "a copy on every path with room, for the least latency",
	.order = "roundrobin",
	.caps = SCHED_DUPLICATES,
	.pick = pick,
};
