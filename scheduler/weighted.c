/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: weighted round robin, bytes in proportion to the rates of the paths
 * (draft-bonaventure-iccrg-schedulers-02), by start-time fair
 * queueing: Goyal, Vin, Cheng, "Start-time fair queueing", SIGCOMM 1996, with
 * the paths for flows. Each path has a time of its own, which goes on by
 * bytes / rate with what it is given; the piece goes to the path whose time is
 * the earliest. A path that was full, away or of no use catches up with the
 * time of the others at once: what it missed is not made up for in a burst.
 *
 * It never waits, so where there is more to send than the paths carry, each
 * gets what it carries; the weights tell where there is less.
 */
#include "scheduler/arrival.h"
#include "scheduler/schedulers.h"

#include <assert.h>

#define SECOND_US 1000000u
#define RATE_UNKNOWN_BPS 125000u       /* until something is known: 1 Mbit/s */
#define BYTES_MAX (UINT64_C(1) << 40)  /* keep the products inside 64 bits */
#define STEP_MAX_US (UINT64_C(1) << 34)

struct weighted {
	uint64_t start_us;  /* the time of the path that was picked last */
	uint64_t end_us[SCHED_PATHS_MAX];   /* of each, with all it was given */
	uint64_t rate_bps[SCHED_PATHS_MAX]; /* when it was picked */
};
static_assert(sizeof(struct weighted) <= SCHED_INSTANCE_BYTES_MAX,
              "too large for an instance");

static uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void pick(void *instance, void *scope, const struct sched_view *view,
                 struct sched_decision *out)
{
	struct weighted *w = instance;
	int class_now = sched_class_now(view), best = -1;
	uint64_t best_us = 0;

	for (unsigned i = 0; i < view->count; i++) {
		const struct sched_path *p = &view->paths[i];
		uint64_t at_us = later(w->end_us[p->id % SCHED_PATHS_MAX],
		                       w->start_us);
		if (!sched_usable(view, i) || p->path_class != class_now ||
		    (best >= 0 && at_us >= best_us))
			continue;
		best = (int)i;
		best_us = at_us;
	}
	if (best < 0) {
		sched_nothing(view, out);
		return;
	}
	uint64_t rate = arrival_rate_bps(&view->paths[best]);
	w->start_us = best_us;
	w->rate_bps[view->paths[best].id % SCHED_PATHS_MAX] =
		rate ? rate : RATE_UNKNOWN_BPS;
	sched_send(out, (unsigned)best);
}

static void event(void *instance, const struct sched_event *event)
{
	struct weighted *w = instance;
	unsigned id = event->path % SCHED_PATHS_MAX;
	uint64_t bytes = event->bytes < BYTES_MAX ? event->bytes : BYTES_MAX;

	if (event->type != SCHED_EV_SENT || !w->rate_bps[id])
		return;
	uint64_t step_us = bytes * SECOND_US / w->rate_bps[id];
	w->end_us[id] = later(w->end_us[id], w->start_us) +
	                (step_us < STEP_MAX_US ? step_us : STEP_MAX_US);
}

const struct sched_ops sched_weighted = {
	.name = "weighted",
	.summary = "the paths with room in proportion to their rates",
	.order = "roundrobin",
	.instance_bytes = sizeof(struct weighted),
	.pick = pick,
	.event = event,
};
