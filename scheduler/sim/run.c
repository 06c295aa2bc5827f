/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: makes a world of a scenario, sets the loads on it, and gathers what
 * came of it.
 */
#include "scheduler/sim/run.h"

#include "scheduler/sim/cc.h"
#include "scheduler/sim/load.h"
#include "scheduler/sim/trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cut {
	struct running *r;
	const struct scenario_cut *args;
	unsigned path;
};

struct running {
	const struct run_setup *setup;
	struct loads loads;
	struct cut cuts[SCENARIO_CUTS_MAX];
};

/* Bounds ---------------------------------------------------------------- */

static double best_rate(const struct world_link *link)
{
	uint64_t best = link->trace.count ? 0 : link->rate_bps;

	for (size_t i = 0; i < link->trace.count; i++)
		if (link->trace.rates[i].rate_bps > best)
			best = link->trace.rates[i].rate_bps;
	return (double)best;
}

void run_bound(const struct scenario *s, enum scenario_direction direction,
               struct bound *out)
{
	out->count = s->path_count;
	for (unsigned i = 0; i < s->path_count; i++) {
		struct world_link link;
		scenario_link(&s->paths[i], direction, &link);
		out->paths[i] = (struct bound_path){
			.rate_bps = best_rate(&link) * SCENARIO_PAYLOAD_BYTES /
			            SCENARIO_FRAME_BYTES,
			.delay_us = (double)link.delay_us,
		};
	}
}

double run_bound_extra_us(const struct scenario *s,
                          const struct scenario_load *load)
{
	struct bound back;

	run_bound(s, load->direction == SCENARIO_UP ? SCENARIO_DOWN : SCENARIO_UP,
	          &back);
	/* A host takes half of its time at the least. */
	if (load->kind == SCENARIO_CALL)
		return (double)s->main.host_us / 2;
	return bound_least_delay_us(&back) + (double)s->main.host_us;
}

double run_bound_us(const struct scenario *s, const struct scenario_load *load,
                    bool up, double bytes)
{
	struct bound way;

	run_bound(s, up ? SCENARIO_UP : SCENARIO_DOWN, &way);
	return bound_flow_us(&way, bytes) + run_bound_extra_us(s, load);
}

/* The world ------------------------------------------------------------- */

static void set_policy(const struct run_setup *setup,
                       struct session_policy *policy)
{
	const struct scenario_main *main = &setup->scenario->main;

	session_policy_init(policy, setup->scheduler);
	if (setup->bulk)
		policy->scheduler[STREAM_BULK] = setup->bulk;
	if (setup->order)
		policy->order = setup->order;
	if (setup->reinjection >= 0)
		policy->reinjection = (enum reinject_policy)setup->reinjection;
	policy->deep = main->deep_pull;
	if (main->bulk_after_bytes)
		policy->bulk_after_bytes = main->bulk_after_bytes;
}

static struct world *create_world(struct running *r)
{
	const struct scenario *s = r->setup->scenario;
	struct world_args args = {
		.path_count = s->path_count, .bundles = s->main.bundles,
		.congestion = cc_find(s->main.congestion),
		.seed = r->setup->seed, .host_us = s->main.host_us,
		.memory_max = s->main.memory_bytes,
	};

	set_policy(r->setup, &args.policy);
	for (unsigned i = 0; i < s->path_count; i++) {
		struct world_path *path = &args.paths[i];
		snprintf(path->name, sizeof(path->name), "%s", s->paths[i].name);
		path->path_class = (uint8_t)s->paths[i].cost;
		scenario_link(&s->paths[i], SCENARIO_DOWN, &path->down);
		scenario_link(&s->paths[i], SCENARIO_UP, &path->up);
	}
	return world_create(&args, &conns_events, &r->loads.conns);
}

static void cut_begins(void *ctx)
{
	const struct cut *cut = ctx;

	world_cut(cut->r->loads.world, cut->path, true);
}

static void cut_ends(void *ctx)
{
	const struct cut *cut = ctx;

	world_cut(cut->r->loads.world, cut->path, false);
}

static void on_zero(void *ctx)
{
	struct running *r = ctx;
	const struct scenario *s = r->setup->scenario;
	struct world *w = r->loads.world;

	for (unsigned i = 0; i < s->cut_count; i++) {
		uint64_t at_us = r->loads.zero_us + s->cuts[i].at_us;
		struct cut *cut = &r->cuts[i];
		*cut = (struct cut){ r, &s->cuts[i],
			(unsigned)scenario_find_path(s, s->cuts[i].path) };
		world_at(w, at_us, cut_begins, cut);
		if (cut->args->duration_us)
			world_at(w, at_us + cut->args->duration_us, cut_ends, cut);
	}
	if (r->setup->trace)
		trace_begin(r->setup->trace, &r->loads);
}

/* What came of it ------------------------------------------------------- */

static void gather_item(const struct running *r, const struct load *load,
                        size_t at, struct run_item *out)
{
	const struct conn_item *item = &load->items[at];
	bool up = load_reader(load, item) == WORLD_CONCENTRATOR;
	uint64_t zero_us = r->loads.zero_us;

	*out = (struct run_item){ .size_bytes = load->plan[at].size_bytes,
	                          .end_us = UINT64_MAX };
	out->bound_us = (uint64_t)run_bound_us(r->setup->scenario, load->args, up,
	                                       (double)out->size_bytes);
	if (at < load->begun)
		out->start_us = item->start_us - zero_us;
	if (item->end_us)
		out->end_us = item->end_us - zero_us;
}

/* From the first start to the last end. */
static void count_items(struct run_load *out)
{
	uint64_t first_us = UINT64_MAX, last_us = 0;

	for (size_t i = 0; i < out->count; i++) {
		const struct run_item *item = &out->items[i];
		if (item->end_us == UINT64_MAX)
			continue;
		out->counted_bytes += item->size_bytes;
		first_us = item->start_us < first_us ? item->start_us : first_us;
		last_us = item->end_us > last_us ? item->end_us : last_us;
	}
	out->counted_us = last_us > first_us ? last_us - first_us : 0;
}

static void gather_bulk(const struct load *load, struct run_load *out)
{
	out->counted_us = load->counted_until_us - load->counted_from_us;
	out->counted_bytes = load->counted_until_us ? load->counted_bytes : 0;
	out->worst_half_bytes = UINT64_MAX;
	if (!load->counted_until_us)
		return;
	for (size_t i = 0; i < load->count; i++)
		if (load->steady[i].longest_us > out->silent_us)
			out->silent_us = load->steady[i].longest_us;
	out->worst_half_bytes = load->steady[load->count].worst_bytes;
}

static int gather_load(const struct running *r, const struct load *load,
                       struct run_load *out)
{
	if (load->args->kind == SCENARIO_BULK) {
		gather_bulk(load, out);
		return 0;
	}
	out->count = load->count;
	out->items = calloc(load->count, sizeof(*out->items));
	if (!out->items)
		return -ENOMEM;
	for (size_t i = 0; i < load->count; i++)
		gather_item(r, load, i, &out->items[i]);
	count_items(out);
	out->stalled_us = load->video.stalled_us;
	out->level_bits_sum = load->video.level_bits_sum;
	return 0;
}

static void gather_session(const struct running *r, struct run *out)
{
	bool up = r->setup->scenario->main.direction == SCENARIO_UP;
	int sender = up ? WORLD_GATEWAY : WORLD_CONCENTRATOR;
	struct session_stats stats;

	session_stats(world_session(r->loads.world, sender), &stats);
	memcpy(out->path_bytes, stats.path_tx_bytes, sizeof(out->path_bytes));
	out->policy = stats.policy;
	session_stats(world_session(r->loads.world, !sender), &stats);
	out->twice_bytes = stats.doubles_bytes;
}

/* When the last item was done. */
static uint64_t end_us(const struct loads *loads)
{
	uint64_t last_us = loads->zero_us;

	for (unsigned i = 0; i < loads->scenario->load_count; i++)
		for (size_t j = 0; j < loads->load[i].begun; j++)
			if (loads->load[i].items[j].end_us > last_us)
				last_us = loads->load[i].items[j].end_us;
	return last_us - loads->zero_us;
}

static int gather(const struct running *r, struct run *out)
{
	const struct loads *loads = &r->loads;
	int err = 0;

	out->load_count = r->setup->scenario->load_count;
	out->events = world_events_count(loads->world);
	out->end_us = end_us(loads);
	snprintf(out->error, sizeof(out->error), "%s", loads->conns.error);
	if (!*out->error && (!loads->done || loads->conns.open))
		snprintf(out->error, sizeof(out->error), "not done after %llu s; "
		         "%u streams are open", (unsigned long long)
		         (r->setup->scenario->main.limit_us / 1000000),
		         loads->conns.open);
	gather_session(r, out);
	for (unsigned i = 0; !err && i < out->load_count; i++)
		err = gather_load(r, &loads->load[i], &out->loads[i]);
	return err;
}

static int run_world(struct running *r, struct run *out)
{
	struct loads *loads = &r->loads;
	int err;

	loads->world = loads->conns.world = create_world(r);
	if (!loads->world) {
		snprintf(out->error, sizeof(out->error), "%s", errno == ETIMEDOUT
		         ? "a path is too slow, or loses too much, to connect"
		         : strerror(errno));
		return errno == ENOMEM ? -ENOMEM : 0;
	}
	loads_begin(loads, on_zero, r);
	world_run(loads->world, world_now_us(loads->world) +
	          r->setup->scenario->main.limit_us);
	err = gather(r, out);
	if (r->setup->trace)
		trace_end(r->setup->trace);
	loads->conns.world = NULL;
	world_destroy(loads->world);
	return err;
}

int run_scenario(const struct run_setup *setup, struct run *out)
{
	struct running *r = calloc(1, sizeof(*r));
	int err;

	*out = (struct run){ 0 };
	if (!r)
		return -ENOMEM;
	r->setup = setup;
	err = loads_init(&r->loads, setup->scenario, setup->seed);
	if (!err) {
		r->loads.on_read = setup->on_read;
		r->loads.read_ctx = setup->ctx;
		err = run_world(r, out);
		loads_finish(&r->loads);
	}
	free(r);
	return err;
}

void run_finish(struct run *run)
{
	for (unsigned i = 0; i < run->load_count; i++)
		free(run->loads[i].items);
}
