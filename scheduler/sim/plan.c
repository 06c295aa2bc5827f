/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: draws the sizes and times of a load. Distributions by their textbook
 * inverses; the normal one by Box and Muller (1958).
 */
#include "scheduler/sim/plan.h"

#include "agg/base/rand.h"

#include <math.h>

#define MILLION 1e6
#define LOAD_SEED_STEP 0x9e3779b97f4a7c15u /* loads draw apart */

size_t plan_count(const struct scenario_load *load)
{
	return load->kind == SCENARIO_CALL ? 2 * (size_t)load->count : load->count;
}

static double draw_open(struct rand *r) /* 0 < x <= 1 */
{
	return 1 - rand_unit(r);
}

static double draw_normal(struct rand *r)
{
	double radius = sqrt(-2 * log(draw_open(r)));

	return radius * cos(2 * M_PI * rand_unit(r));
}

/* Pareto's, cut at both ends. */
static uint64_t draw_pareto(const struct scenario_load *load, struct rand *r)
{
	double alpha = (double)load->alpha / MILLION;
	double low = (double)load->size_min_bytes;
	double high = (double)load->size_max_bytes;
	double beyond = pow(low / high, alpha); /* of the uncut one's mass */
	double size = low / pow(1 - rand_unit(r) * (1 - beyond), 1 / alpha);

	return (uint64_t)fmin(fmax(size, low), high);
}

static uint64_t draw_uniform(const struct scenario_load *load, struct rand *r)
{
	uint64_t span = load->size_max_bytes - load->size_min_bytes;

	return load->size_min_bytes + rand_below(r, span + 1);
}

/* Sizes whose logarithms are normal, and whose sum is what it should be: the
 * rounding is spread over all, and no size is 0. */
static void draw_lognormal(const struct scenario_load *load, struct rand *r,
                           struct plan_item *items)
{
	double sigma = (double)load->sigma / MILLION, sum = 0, done = 0;
	struct rand again = *r;
	uint64_t given = 0;

	for (unsigned i = 0; i < load->count; i++)
		sum += exp(sigma * draw_normal(&again));
	for (unsigned i = 0; i < load->count; i++) {
		uint64_t rest = load->count - i - 1, most = load->size_sum_bytes - given - rest;
		done += exp(sigma * draw_normal(r)) / sum;
		uint64_t until = (uint64_t)(done * (double)load->size_sum_bytes + 0.5);
		uint64_t size = until > given ? until - given : 0;
		size = size < 1 ? 1 : size > most || !rest ? most : size;
		items[i].size_bytes = size;
		given += size;
	}
}

static void draw_sizes(const struct scenario_load *load, struct rand *r,
                       struct plan_item *items)
{
	if (load->sizes == SCENARIO_LOGNORMAL) {
		draw_lognormal(load, r, items);
		return;
	}
	for (unsigned i = 0; i < load->count; i++) {
		if (load->sizes == SCENARIO_PARETO)
			items[i].size_bytes = draw_pareto(load, r);
		else if (load->sizes == SCENARIO_UNIFORM)
			items[i].size_bytes = draw_uniform(load, r);
		else
			items[i].size_bytes = load->size_bytes[i % load->size_count];
	}
}

static void draw_poisson_times(const struct scenario_load *load,
                               struct rand *r, struct plan_item *items)
{
	double at_us = 0, mean_us = MILLION * MILLION / (double)load->rate;

	for (unsigned i = 0; i < load->count; i++) {
		items[i].at_us = load->start_us + (uint64_t)at_us;
		at_us -= mean_us * log(draw_open(r));
	}
}

/* Frame by frame, both ways at the same time. */
static void plan_call(const struct scenario_load *load, struct plan_item *items)
{
	for (size_t i = 0; i < plan_count(load); i++)
		items[i] = (struct plan_item){
			.at_us = load->start_us + i / 2 * load->interval_us,
			.size_bytes = load->size_bytes[i / 2 % load->size_count],
		};
}

void plan_load(const struct scenario_load *load, unsigned nth, uint64_t seed,
               struct plan_item *items)
{
	struct rand r = { seed + nth * LOAD_SEED_STEP };

	for (unsigned i = 0; i < load->count; i++)
		items[i] = (struct plan_item){ .at_us = load->start_us };
	switch (load->kind) {
	case SCENARIO_VIDEO:
	case SCENARIO_BULK:
		return;
	case SCENARIO_CALL:
		plan_call(load, items);
		return;
	case SCENARIO_POISSON:
		draw_poisson_times(load, &r, items);
		break;
	case SCENARIO_REQUESTS:
		for (unsigned i = 0; i < load->count; i++)
			items[i].at_us += i * load->interval_us;
		break;
	case SCENARIO_BATCH:
	case SCENARIO_OBJECTS:
	case SCENARIO_PAGE:
		break;
	}
	draw_sizes(load, &r, items);
}
