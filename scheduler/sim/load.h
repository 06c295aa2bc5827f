/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the loads of a scenario on a world: state machines that open
 * connections, ask for objects and note when they are there. They begin at
 * loads_begin() and call on_over when all is done and every stream has ended
 * well, or when something went wrong (conns.error).
 */
#ifndef SCHEDULER_SIM_LOAD_H
#define SCHEDULER_SIM_LOAD_H

#include "scheduler/sim/conn.h"
#include "scheduler/sim/plan.h"
#include "scheduler/sim/steady.h"

struct load;

struct load_ops {
	void (*begin)(struct load *load);
	/* (optional) An item is done, in a callback of the session. */
	void (*on_done)(struct load *load, struct conn_item *item);
};

struct load_video {
	unsigned level;
	double rates[3];         /* of the last chunks, bits per microsecond */
	uint64_t buffered_us;    /* of media, at noted_us */
	uint64_t noted_us, stalled_us, level_bits_sum;
	bool plays;
};

struct load {
	struct loads *all;                 /* borrowed */
	const struct scenario_load *args;  /* borrowed */
	const struct load_ops *ops;
	struct plan_item *plan;
	struct conn_item *items;           /* in the order of plan */
	size_t count, begun, done;
	struct conn **conns;               /* borrowed; kept ones, and bulk's */
	unsigned conn_count;
	uint64_t begin_us;                 /* when plan's times begin */
	uint64_t counted_from_us, counted_until_us; /* bulk */
	uint64_t counted_bytes;
	struct steady *steady;             /* bulk: of each conn, then of all */
	struct load_video video;
	bool cut;
};

struct loads {
	const struct scenario *scenario;   /* borrowed */
	struct world *world;               /* borrowed */
	struct conns conns;
	struct load load[SCENARIO_LOADS_MAX];
	struct load warmup;                /* count 0: none */
	struct scenario_load warmup_args;
	uint64_t zero_us;                  /* the loads' begin; 0: not yet */
	bool done;
	/* zero_us is known now. */
	void (*on_zero)(void *ctx);
	void *ctx;
	/* run_setup's, put there before loads_begin() */
	void (*on_read)(void *ctx, uint64_t after_us, size_t n);
	void *read_ctx;
};

/* 0, -ENOMEM. The world is made with conns_events and &loads->conns, and put
 * into loads->world and loads->conns.world before loads_begin(). */
int loads_init(struct loads *all, const struct scenario *scenario,
               uint64_t seed);
void loads_finish(struct loads *all); /* the world is gone, conns.world NULL */
void loads_begin(struct loads *all, void (*on_zero)(void *ctx), void *ctx);

/* The side that reads the item. */
int load_reader(const struct load *load, const struct conn_item *item);

#endif
