/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: DAPS, delay-aware packet scheduling: Kuhn, Lochin, Mifdaoui, Sarwar,
 * Mehani, Boreli, "DAPS: Intelligent delay-aware packet scheduling for multipath
 * transport", ICC 2014, as its authors' kernel module does it. One-way delays,
 * srtt / 2, are counted in units of 4 ms; in a cycle of their least common
 * multiple each path has a turn at every multiple of its delay, of a window
 * (smoothed, 7/8 to 1/8) of bytes; then the plan is carried out, whatever
 * happens meanwhile: where a path is full it is waited for.
 *
 * For the simulator only. A plan that is blind to change does worse than LowRTT
 * in every measurement that is published, and nobody should run it; as a foil it
 * shows what a change costs who planned ahead. A path that is no longer up loses
 * its turns, as the contract wants it; a new one has none before the next cycle.
 */
#include "scheduler/sim/daps.h"

#include <assert.h>

#define UNIT_US 4000u
#define CYCLE_MAX 1024u /* units; 4 s */
#define NEVER UINT32_MAX

struct daps_path {
	uint32_t delay;        /* units */
	uint32_t turn;         /* the unit of its next turn; NEVER: none */
	uint64_t window_bytes; /* smoothed; 0: none yet */
};

struct daps {
	uint32_t cycle;        /* units; 0: nothing planned */
	uint32_t id;           /* whose turn it is, */
	uint64_t left_bytes;   /* and how much of it is left; 0: nobody's */
	struct daps_path paths[SCHED_PATHS_MAX]; /* by id */
};
static_assert(sizeof(struct daps) <= SCHED_INSTANCE_BYTES_MAX,
              "too large for an instance");

static uint32_t common_multiple(uint32_t a, uint32_t b)
{
	uint32_t x = a, y = b;

	while (y) {
		uint32_t rest = x % y;
		x = y;
		y = rest;
	}
	return a / x * b < CYCLE_MAX ? a / x * b : CYCLE_MAX;
}

static uint32_t delay_of(const struct sched_path *p)
{
	uint64_t units = (p->srtt_us / 2 + UNIT_US / 2) / UNIT_US;

	return !units ? 1 : units < CYCLE_MAX ? (uint32_t)units : CYCLE_MAX;
}

/* Of the paths that are up, those of the best class take part. */
static int best_class(const struct sched_view *view)
{
	int best = -1;

	for (unsigned i = 0; i < view->count; i++) {
		const struct sched_path *p = &view->paths[i];
		if (p->state == SCHED_PATH_UP && (best < 0 || p->path_class < best))
			best = p->path_class;
	}
	return best;
}

static void plan(struct daps *d, const struct sched_view *view, int class_now)
{
	d->cycle = 1;
	for (unsigned i = 0; i < SCHED_PATHS_MAX; i++)
		d->paths[i].turn = NEVER;
	for (unsigned i = 0; i < view->count; i++) {
		const struct sched_path *p = &view->paths[i];
		struct daps_path *own = &d->paths[p->id % SCHED_PATHS_MAX];
		if (p->state != SCHED_PATH_UP || p->path_class != class_now)
			continue;
		own->delay = own->turn = delay_of(p);
		own->window_bytes = own->window_bytes ?
			own->window_bytes - own->window_bytes / 8 +
			p->cwnd_bytes / 8 : p->cwnd_bytes;
		d->cycle = common_multiple(d->cycle, own->delay);
	}
}

/* Whose turn is next; false where the cycle is over, or there is none. */
static bool next_turn(struct daps *d)
{
	uint32_t best = 0;

	if (!d->cycle)
		return false;
	for (uint32_t i = 1; i < SCHED_PATHS_MAX; i++)
		if (d->paths[i].turn < d->paths[best].turn)
			best = i;
	struct daps_path *own = &d->paths[best];
	if (own->turn > d->cycle)
		return false;
	d->id = best;
	d->left_bytes = own->window_bytes ? own->window_bytes : 1;
	own->turn += own->delay;
	return true;
}

/* The path of the view whose turn it is; -1: none that can have one. */
static int planned(struct daps *d, const struct sched_view *view)
{
	int class_now = best_class(view);

	for (unsigned tries = 0; tries < 2 * SCHED_PATHS_MAX; tries++) {
		if (!d->left_bytes && !next_turn(d)) {
			plan(d, view, class_now);
			continue;
		}
		for (unsigned i = 0; i < view->count; i++)
			if (view->paths[i].id % SCHED_PATHS_MAX == d->id &&
			    view->paths[i].state == SCHED_PATH_UP &&
			    view->paths[i].path_class == class_now)
				return (int)i;
		d->left_bytes = 0;
		d->paths[d->id].turn = NEVER;
	}
	return -1;
}

static void pick(void *instance, void *scope, const struct sched_view *view,
                 struct sched_decision *out)
{
	int path = planned(instance, view);

	/* What has gone by that path is no part of the plan. */
	if (path < 0 || view->unit->tried_mask & 1u << path)
		path = sched_lowest_rtt(view);
	if (path < 0)
		sched_nothing(view, out);
	else if (view->paths[path].room_bytes)
		sched_send(out, (unsigned)path);
	else
		sched_wait(view, out, (unsigned)path,
		           view->paths[path].srtt_us < SCHED_WAIT_MAX_US
		           ? 2 * view->paths[path].srtt_us : SCHED_WAIT_MAX_US);
}

static void event(void *instance, const struct sched_event *event)
{
	struct daps *d = instance;

	if (event->type == SCHED_EV_SENT && event->path == d->id)
		d->left_bytes -= event->bytes < d->left_bytes ? event->bytes
		                                              : d->left_bytes;
}

const struct sched_ops sched_daps = {
	.name = "daps",
	.summary = "a plan by delays and windows, carried out blindly",
	.order = "roundrobin",
	.caps = SCHED_MAY_WAIT,
	.instance_bytes = sizeof(struct daps),
	.pick = pick,
	.event = event,
};
