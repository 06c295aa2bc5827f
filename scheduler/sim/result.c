/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: runs a scenario by one scheduler after the other and makes figures of
 * what came of it.
 */
#include "scheduler/sim/result.h"

#include "scheduler/sim/plan.h"
#include "scheduler/sim/simsched.h"
#include "scheduler/sim/steady.h"
#include "scheduler/sim/trace.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define US_PER_MS 1000.0
#define BITS_PER_BYTE 8.0

/* What the paths allow -------------------------------------------------- */

static double mean_alone_us(const struct bound *b, const struct bound_job *jobs,
                            size_t n)
{
	double sum_us = 0;

	for (size_t i = 0; i < n; i++)
		sum_us += bound_flow_us(b, jobs[i].bytes);
	return sum_us / (double)n;
}

static double all_of_it_us(const struct bound *b, const struct bound_job *jobs,
                           size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += jobs[i].bytes;
	return bound_flow_us(b, sum);
}

static int limit_jobs(const struct scenario_load *args, const struct bound *b,
                      const struct bound_job *jobs, size_t n,
                      struct result_limit *out)
{
	int err = 0;

	switch (args->kind) {
	case SCENARIO_BATCH:
		err = bound_batch(b, jobs, n, &out->bound_us);
		if (!err)
			err = bound_batch_sharing(b, jobs, n, &out->sharing_us);
		out->total_us = all_of_it_us(b, jobs, n);
		break;
	case SCENARIO_POISSON:
		err = bound_arrivals(b, jobs, n, &out->bound_us);
		if (!err)
			err = bound_arrivals_sharing(b, jobs, n, &out->sharing_us);
		break;
	case SCENARIO_PAGE:
		out->total_us = all_of_it_us(b, jobs, n);
		out->bound_us = mean_alone_us(b, jobs, n);
		break;
	case SCENARIO_OBJECTS:
	case SCENARIO_REQUESTS:
	case SCENARIO_CALL:
		out->bound_us = mean_alone_us(b, jobs, n);
		break;
	case SCENARIO_VIDEO:
	case SCENARIO_BULK:
		break;
	}
	return err;
}

static void add_extra(const struct scenario *s, const struct scenario_load *args,
                      struct result_limit *limit)
{
	double extra_us = run_bound_extra_us(s, args);

	if (limit->bound_us > 0)
		limit->bound_us += extra_us;
	if (limit->sharing_us > 0)
		limit->sharing_us += extra_us;
	if (limit->total_us > 0)
		limit->total_us += extra_us;
}

static int limit_load(const struct scenario *s, unsigned nth,
                      struct result_limit *out)
{
	const struct scenario_load *args = &s->loads[nth];
	size_t n = plan_count(args);
	struct plan_item *plan = calloc(n, sizeof(*plan));
	struct bound_job *jobs = calloc(n, sizeof(*jobs));
	struct bound b;
	int err = plan && jobs ? 0 : -ENOMEM;

	*out = (struct result_limit){ 0 };
	if (!err) {
		plan_load(args, nth, s->main.seed, plan);
		for (size_t i = 0; i < n; i++)
			jobs[i] = (struct bound_job){ (double)plan[i].at_us,
			                              (double)plan[i].size_bytes };
		run_bound(s, args->direction, &b);
		err = limit_jobs(args, &b, jobs, n, out);
		add_extra(s, args, out);
	}
	free(plan);
	free(jobs);
	return err;
}

int result_set_init(struct result_set *set, const struct scenario *s)
{
	int err = 0;

	set->scenario = s;
	set->count = 0;
	for (unsigned i = 0; !err && i < s->load_count; i++)
		err = limit_load(s, i, &set->limits[i]);
	return err;
}

/* Figures --------------------------------------------------------------- */

/* What is gathered of a load over all repetitions. */
struct pool {
	double *time_us, *slowdown;
	size_t count;
	double total_us, counted_us, counted_bytes, stalled_us, level_bits;
	double silent_us, worst_half_bps;
	size_t chunks;
};

static double best_quality_bits(const struct scenario *s,
                                const struct scenario_load *args)
{
	double top = (double)args->level_bits[args->level_count - 1];
	struct bound b;

	run_bound(s, args->direction, &b);
	return fmin(top, bound_rate_bps(&b) * BITS_PER_BYTE);
}

/* The worst of all runs. */
static void pool_steadiness(const struct run_load *run, struct pool *pool)
{
	double bps = (double)run->worst_half_bytes * 1e6 / STEADY_HALF_US;

	pool->silent_us = fmax(pool->silent_us, (double)run->silent_us);
	if (run->worst_half_bytes != UINT64_MAX)
		pool->worst_half_bps = fmin(pool->worst_half_bps, bps);
}

static void pool_run(const struct scenario_load *args, const struct run_load *run,
                     struct pool *pool, struct result_load *out)
{
	for (size_t i = 0; i < run->count; i++) {
		const struct run_item *item = &run->items[i];
		if (item->end_us == UINT64_MAX) {
			out->undone++;
			continue;
		}
		double us = (double)(item->end_us - item->start_us);
		pool->time_us[pool->count] = us;
		pool->slowdown[pool->count] = us / (double)item->bound_us;
		out->late += args->deadline_us && us > (double)args->deadline_us;
		pool->count++;
	}
	pool->total_us += (double)run->counted_us;
	pool->counted_us += (double)run->counted_us;
	pool->counted_bytes += (double)run->counted_bytes;
	pool->stalled_us += (double)run->stalled_us;
	pool->level_bits += (double)run->level_bits_sum;
	pool_steadiness(run, pool);
	pool->chunks += args->kind == SCENARIO_VIDEO ? run->count : 0;
}

static void settle_load(const struct scenario *s, const struct scenario_load *args,
                        struct pool *pool, unsigned runs,
                        struct result_load *out)
{
	struct stats slowdown;

	stats_of(pool->time_us, pool->count, &out->time_us);
	stats_of(pool->slowdown, pool->count, &slowdown);
	out->silent_us = out->worst_half_bps = NAN;
	out->slowdown_mean = slowdown.mean;
	out->slowdown_p99 = slowdown.p99;
	out->total_us = pool->total_us / runs;
	out->stalled_us = pool->stalled_us / runs;
	if (pool->counted_us > 0)
		out->goodput_bps = pool->counted_bytes / pool->counted_us * 1e6;
	if (args->kind == SCENARIO_BULK && isfinite(pool->worst_half_bps)) {
		out->silent_us = pool->silent_us;
		out->worst_half_bps = pool->worst_half_bps;
	}
	if (pool->chunks)
		out->quality = pool->level_bits / (double)pool->chunks /
		               best_quality_bits(s, args);
}

struct adding {
	const struct scenario *s;
	struct result *out;
	struct pool pools[SCENARIO_LOADS_MAX];
	double twice, frames[SCENARIO_PATHS_MAX];
};

static int make_pools(struct adding *a)
{
	for (unsigned i = 0; i < a->s->load_count; i++) {
		size_t n = plan_count(&a->s->loads[i]) * a->s->main.repeat;
		a->pools[i].time_us = calloc(n, sizeof(double));
		a->pools[i].slowdown = calloc(n, sizeof(double));
		a->pools[i].worst_half_bps = INFINITY;
		if (!a->pools[i].time_us || !a->pools[i].slowdown)
			return -ENOMEM;
	}
	return 0;
}

static void pool_all(struct adding *a, const struct run *run, unsigned nth)
{
	for (unsigned i = 0; i < run->load_count; i++)
		pool_run(&a->s->loads[i], &run->loads[i], &a->pools[i],
		         &a->out->loads[i]);
	for (unsigned i = 0; i < a->s->path_count; i++)
		a->frames[i] += (double)run->path_bytes[i];
	a->twice += (double)run->twice_bytes;
	a->out->events += run->events;
	a->out->policy = run->policy;
	if (!nth)
		a->out->end_us = run->end_us;
	if (*run->error && !*a->out->error)
		memcpy(a->out->error, run->error, sizeof(a->out->error));
}

static void settle(struct adding *a)
{
	double frames = 0;

	for (unsigned i = 0; i < a->s->load_count; i++)
		settle_load(a->s, &a->s->loads[i], &a->pools[i],
		            a->s->main.repeat, &a->out->loads[i]);
	for (unsigned i = 0; i < a->s->path_count; i++)
		frames += a->frames[i];
	if (!(frames > 0))
		return;
	a->out->twice = a->twice / frames;
	for (unsigned i = 0; i < a->s->path_count; i++)
		a->out->share[i] = a->frames[i] / frames;
}

static int run_all(struct adding *a, struct run_setup *setup,
                   struct trace_run *trace)
{
	int err = make_pools(a);

	for (unsigned i = 0; !err && i < a->s->main.repeat; i++) {
		struct run run;
		setup->seed = a->s->main.seed + i;
		setup->trace = i ? NULL : trace;
		err = run_scenario(setup, &run);
		if (!err)
			pool_all(a, &run, i);
		run_finish(&run);
	}
	if (!err)
		settle(a);
	return err;
}

int result_add(struct result_set *set, const struct sched_ops *scheduler,
               const struct result_choice *choice, struct trace_run *trace)
{
	const struct scenario *s = set->scenario;
	struct run_setup setup = {
		.scenario = s, .scheduler = scheduler, .bulk = choice->bulk,
		.order = choice->order ? choice->order : order_find(s->main.order),
		.reinjection = choice->reinjection >= 0
			? choice->reinjection : reinject_find(s->main.reinjection),
	};
	struct adding a = { .s = s, .out = &set->runs[set->count] };
	int err;

	if (set->count == SCENARIO_SCHEDULERS_MAX)
		return -ENOSPC;
	*a.out = (struct result){ .scheduler = scheduler };
	err = run_all(&a, &setup, trace);
	for (unsigned i = 0; i < s->load_count; i++) {
		free(a.pools[i].time_us);
		free(a.pools[i].slowdown);
	}
	if (!err)
		set->count++;
	return err;
}

unsigned result_schedulers(const struct scenario *s, const struct sched_ops **out,
                           unsigned max)
{
	unsigned count = 0;

	for (unsigned i = 0; i < s->main.scheduler_count && count < max; i++)
		out[count++] = simsched_find(s->main.scheduler[i]);
	for (size_t i = 0; !s->main.scheduler_count && i < simsched_count() &&
	     count < max; i++)
		out[count++] = simsched_at(i);
	return count;
}

const struct result *result_find(const struct result_set *set,
                                 const char *scheduler)
{
	for (unsigned i = 0; i < set->count; i++)
		if (!strcmp(set->runs[i].scheduler->name, scheduler))
			return &set->runs[i];
	return NULL;
}

double result_metric(const struct result_set *set, const struct result *result,
                     enum scenario_metric metric, unsigned load, unsigned path)
{
	const struct result_limit *limit = &set->limits[load];
	const struct result_load *l = result ? &result->loads[load] : NULL;
	size_t items = l ? l->time_us.count + l->undone : 0;

	if (metric == SCENARIO_BOUND)
		return limit->bound_us / US_PER_MS;
	if (metric == SCENARIO_SHARING)
		return limit->sharing_us / US_PER_MS;
	if (!l)
		return NAN;
	switch (metric) {
	case SCENARIO_MEAN: return l->time_us.mean / US_PER_MS;
	case SCENARIO_P50: return l->time_us.p50 / US_PER_MS;
	case SCENARIO_P95: return l->time_us.p95 / US_PER_MS;
	case SCENARIO_P99: return l->time_us.p99 / US_PER_MS;
	case SCENARIO_LONGEST: return l->time_us.max / US_PER_MS;
	case SCENARIO_TOTAL: return l->total_us / US_PER_MS;
	case SCENARIO_GOODPUT: return l->goodput_bps * BITS_PER_BYTE / 1e6;
	case SCENARIO_SLOWDOWN: return l->slowdown_mean;
	case SCENARIO_SLOWDOWN_P99: return l->slowdown_p99;
	case SCENARIO_TWICE: return result->twice * 100;
	case SCENARIO_SHARE: return result->share[path] * 100;
	case SCENARIO_STALL: return l->stalled_us / US_PER_MS;
	case SCENARIO_QUALITY: return l->quality * 100;
	case SCENARIO_SILENCE: return l->silent_us / US_PER_MS;
	case SCENARIO_WORST_HALF: return l->worst_half_bps * BITS_PER_BYTE / 1e6;
	case SCENARIO_LATE:
		return items ? (double)(l->late + l->undone) * 100 / (double)items
		             : NAN;
	case SCENARIO_BOUND:
	case SCENARIO_SHARING:
		break;
	}
	return NAN;
}
