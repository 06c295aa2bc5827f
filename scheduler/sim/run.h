/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one scenario run once, by one scheduler, with one seed.
 */
#ifndef SCHEDULER_SIM_RUN_H
#define SCHEDULER_SIM_RUN_H

#include "scheduler/sim/bound.h"
#include "scheduler/sim/conn.h"
#include "scheduler/sim/scenario.h"

struct trace_run;

struct run_setup {
	const struct scenario *scenario;     /* checked */
	const struct sched_ops *scheduler;
	const struct sched_ops *bulk;        /* for this class; NULL: the same */
	const struct order_ops *order;       /* NULL: the scheduler's own */
	int reinjection;                     /* -1: the session's default */
	uint64_t seed;
	struct trace_run *trace;             /* NULL: none; trace.h */
	/* (optional) Of an item of the first load so many bytes more were read,
	 * so long after it began. */
	void (*on_read)(void *ctx, uint64_t after_us, size_t n);
	void *ctx;
};

/* Times are after the loads' begin. */
struct run_item {
	uint64_t size_bytes, start_us;
	uint64_t end_us;                     /* UINT64_MAX: not done */
	uint64_t bound_us;                   /* of its time, were it alone */
};

struct run_load {
	struct run_item *items;              /* bulk: none */
	size_t count;
	uint64_t counted_us, counted_bytes;  /* for goodput */
	uint64_t stalled_us, level_bits_sum; /* video; the sum is over chunks */
	/* bulk: of the stream that was silent longest; of all together, in a
	 * half second; UINT64_MAX: none was counted */
	uint64_t silent_us, worst_half_bytes;
};

struct run {
	struct run_load loads[SCENARIO_LOADS_MAX];
	unsigned load_count;
	struct session_policy policy;        /* as it was */
	uint64_t end_us;
	uint64_t events;
	/* In the scenario's direction, of the whole run: */
	uint64_t twice_bytes;                /* received again */
	uint64_t path_bytes[SCENARIO_PATHS_MAX]; /* frames sent */
	char error[CONN_ERROR_MAX + 1];      /* "": all is well */
};

/* Fills out, to be finished also where out->error says what went wrong; what
 * was done until then is there. 0, or -ENOMEM. */
int run_scenario(const struct run_setup *setup, struct run *out);
void run_finish(struct run *run);

/* The paths of a direction, as payload. */
void run_bound(const struct scenario *scenario,
               enum scenario_direction direction, struct bound *out);
/* What an item of a load needs at the least: its own way, and, but for a call,
 * that of its request or answer. up: towards the concentrator. */
double run_bound_us(const struct scenario *scenario,
                    const struct scenario_load *load, bool up, double bytes);
/* What is added to bounds of one way, for a load's items. */
double run_bound_extra_us(const struct scenario *scenario,
                          const struct scenario_load *load);

#endif
