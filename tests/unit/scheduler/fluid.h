/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a scheduler at work on ideal links: no loss, no queue but the sender's
 * own of 10 ms, rates known exactly. What it makes of them can be held against
 * what nobody can do better.
 */
#ifndef TESTS_UNIT_SCHEDULER_FLUID_H
#define TESTS_UNIT_SCHEDULER_FLUID_H

#include "scheduler/order.h"
#include "scheduler/scheduler.h"

#define FLUID_STREAMS_MAX 64
#define FLUID_NEVER UINT64_MAX

struct fluid_path {
	uint64_t rate_bps; /* bytes/s */
	uint64_t delay_us; /* one way */
};

struct fluid {
	const struct sched_ops *ops;
	const char *order;              /* NULL: the one ops is made for */
	struct fluid_path paths[SCHED_PATHS_MAX];
	unsigned path_count;
	uint64_t sizes[FLUID_STREAMS_MAX]; /* all there at first */
	unsigned stream_count;
	bool sizes_unknown;
	/* Results: when each stream was there, and what each path carried. */
	uint64_t done_us[FLUID_STREAMS_MAX];
	uint64_t path_bytes[SCHED_PATHS_MAX];
};

void fluid_run(struct fluid *f); /* fails the test if it does not end */
uint64_t fluid_mean_us(const struct fluid *f);
/* No scheduler has so many bytes there earlier. */
uint64_t fluid_bound_us(const struct fluid *f, uint64_t bytes);
/* Nor a lower mean time of the streams. */
uint64_t fluid_mean_bound_us(const struct fluid *f);

#endif
