/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how a run went, in samples, for a player. Frame k is at k * step_us after
 * the loads' begin. A run that outgrows TRACE_FRAMES_MAX frames keeps every
 * second one, and is sampled half as often from then on; of more objects than
 * TRACE_STREAMS_MAX the first of each load are kept.
 *
 * As JSON: {"version":1,"title","note","seed","repeat","step_us",
 *   "paths":[{"name","rate_bps","delay_us","queue_bytes"}...],
 *   "loads":[{"name","kind","count","bound_ms"}...],
 *   "runs":[{"scheduler","order","reinjection","end_us","twice_percent",
 *     "stats":[{"mean_ms","p50_ms","p95_ms","p99_ms","slowdown","goodput_mbit",
 *               "late_percent","stall_ms","quality_percent",
 *               "silence_ms","worst_half_mbit"} per load],
 *     "streams":[{"name","load","size","start_us","end_us","bound_us"}...],
 *     "frames":[[[[stream, left, in flight]...],
 *                [[queue, pipe, rate] per path]]...]}...]}
 * left is what the reader does not have yet; all sizes are bytes, rates
 * bytes/s; paths are in the scenario's direction. stats are of all repetitions,
 * the rest is of the first. No mean can be less than bound_ms. null is what a
 * load has not, and the end of what was not done; a stream that never began
 * starts when its run is given up.
 */
#ifndef SCHEDULER_SIM_TRACE_H
#define SCHEDULER_SIM_TRACE_H

#include "agg/base/buf.h"
#include "scheduler/sim/scenario.h"

#define TRACE_FRAMES_MAX 600u
#define TRACE_STREAMS_MAX 200u
#define TRACE_STEP_US 1000u      /* at first */
#define TRACE_BYTES_MAX (128u << 20)

struct loads;
struct result;
struct result_limit;
struct trace_run;

/* NULL: no memory. */
struct trace_run *trace_create(void);
void trace_free(struct trace_run *t);

/* By the run, at the loads' begin and at its end, while the world is there. A
 * trace is good for one run. */
void trace_begin(struct trace_run *t, const struct loads *loads);
void trace_end(struct trace_run *t);

struct trace_shown {
	const struct trace_run *trace;
	const struct result *result; /* of the same run */
};

/* Appends the JSON; a limit per load. 0, or -ENOBUFS. */
int trace_write(const struct scenario *scenario,
                const struct result_limit *limits,
                const struct trace_shown *runs, unsigned count, struct buf *out);

#endif
