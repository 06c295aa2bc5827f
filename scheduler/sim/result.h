/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the figures of a scenario: what each scheduler reached, and what the
 * paths allow. The table and the JSON show the same numbers.
 */
#ifndef SCHEDULER_SIM_RESULT_H
#define SCHEDULER_SIM_RESULT_H

#include "agg/base/buf.h"
#include "scheduler/sim/run.h"
#include "scheduler/sim/stats.h"

#define RESULT_TEXT_MAX (4u << 20)

/* Of one load, over all repetitions. Times in microseconds. */
struct result_load {
	struct stats time_us;         /* of what was done */
	double slowdown_mean, slowdown_p99; /* time by bound, each alone */
	size_t undone, late;
	double total_us;              /* first start to last end; mean of runs */
	double goodput_bps;           /* bytes/s of payload */
	double stalled_us;            /* video: mean of runs */
	double quality;               /* video: 0 .. 1 */
	/* bulk, the worst run: how long a stream was silent, and what all were
	 * together in a half second, bytes/s; NAN */
	double silent_us, worst_half_bps;
};

/* Of one load, for all schedulers; of the first seed. */
struct result_limit {
	double bound_us;              /* least mean time; 0: bulk */
	double sharing_us;            /* batch, poisson: with equal shares; 0 */
	double total_us;              /* batch, page: all of it; 0 */
};

struct result {
	const struct sched_ops *scheduler;
	struct session_policy policy;
	struct result_load loads[SCENARIO_LOADS_MAX];
	uint64_t end_us;              /* of the first run */
	double twice;                 /* received again, share of the frames */
	double share[SCENARIO_PATHS_MAX];
	uint64_t events;
	char error[CONN_ERROR_MAX + 1]; /* of the first run that had one */
};

struct result_choice {
	int reinjection;               /* -1: the scenario's */
	const struct order_ops *order; /* NULL: the scenario's */
	const struct sched_ops *bulk;  /* for this class; NULL: the same */
};

struct result_set {
	const struct scenario *scenario; /* borrowed */
	struct result_limit limits[SCENARIO_LOADS_MAX];
	struct result runs[SCENARIO_SCHEDULERS_MAX];
	unsigned count;
};

/* 0, -ENOMEM. */
int result_set_init(struct result_set *set, const struct scenario *scenario);
/* Runs it with another scheduler, as often as the scenario says, and adds what
 * came of it; trace (NULL: none) gets the first. 0, -ENOMEM, -ENOSPC. */
int result_add(struct result_set *set, const struct sched_ops *scheduler,
               const struct result_choice *choice, struct trace_run *trace);

/* What a scenario names: its schedulers, all where it names none; at most max
 * of them are written. How many there are. */
unsigned result_schedulers(const struct scenario *scenario,
                           const struct sched_ops **out, unsigned max);
const struct result *result_find(const struct result_set *set,
                                 const char *scheduler);
/* A metric in its unit; NAN: it has none here. */
double result_metric(const struct result_set *set, const struct result *result,
                     enum scenario_metric metric, unsigned load, unsigned path);

/* Append. 0 or -ENOBUFS. The table has lines of at most line_max characters; 0:
 * one a row. */
int result_table(const struct result_set *set, unsigned line_max,
                 struct buf *out);
int result_json(const struct result_set *const *sets, unsigned count,
                struct buf *out);

#endif
