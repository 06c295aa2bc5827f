/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: when bytes would arrive: by one path, and by all of them together. For
 * schedulers; times are from now on.
 */
#ifndef SCHEDULER_ARRIVAL_H
#define SCHEDULER_ARRIVAL_H

#include "scheduler/scheduler.h"

/* Bytes/s that a path carries: its rate, or its window in a round trip where
 * the rate is unknown, or is but what was offered and the window is more. 0:
 * nothing is known. */
uint64_t arrival_rate_bps(const struct sched_path *path);

/* How things stand on the paths of a view. */
struct arrival {
	const struct sched_view *view; /* borrowed */
	struct arrival_path {
		uint64_t rate_bps;
		uint64_t queue_us; /* until what stands before the path is gone */
		uint64_t first_us; /* a byte sent now is there then */
	} paths[SCHED_PATHS_MAX];
};

void arrival_init(struct arrival *a, const struct sched_view *view);
/* The last of so many bytes, all by path i. */
uint64_t arrival_us(const struct arrival *a, unsigned i, uint64_t bytes);
/* The last of so many bytes, striped over the paths that are up and not tried,
 * in this class or a better one, as they come to arrive soonest. */
uint64_t arrival_pooled_us(const struct arrival *a, int path_class,
                           uint64_t bytes);

/* Decides for a unit that is the first of rest_bytes. Of the paths with room it
 * has the one by which it arrives first, if none that is full would be earlier,
 * or if it comes no later that way than the last of rest_bytes by all paths;
 * else it waits for the earlier one. A slack of n adds 1/n to that time; 0:
 * nothing. */
void arrival_pick(const struct sched_view *view, uint64_t rest_bytes,
                  unsigned slack, struct sched_decision *out);

#endif
