/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * A world with flows in it: each is a stream that the gateway opens and the
 * concentrator fills, with bytes that can be checked.
 */
#ifndef FLOW_H
#define FLOW_H

#include "scheduler/sim/cc.h"
#include "scheduler/sim/world.h"

#define FLOWS_MAX 8
#define FLOW_ENDLESS UINT64_MAX

struct flow {
	struct flows *flows;         /* borrowed */
	struct stream *client, *server; /* NULL: closed */
	uint64_t left, sent, received; /* bytes */
	uint64_t done_us;            /* all came; 0: not yet */
};

struct flows {
	struct world *world;
	struct flow flow[FLOWS_MAX];
	unsigned count;
	const char *over;            /* a session ended, and why */
	uint64_t wrong_bytes, hash;  /* of what came, and when */
};

/* Paths alike: rates in Mbit/s of frames, times in ms. */
struct flow_path { double down, up, delay, queue, loss; };

void flow_args(struct world_args *args, const char *congestion, unsigned paths,
               const struct flow_path *each);
void flows_start(struct flows *f, const struct world_args *args);
/* Opens one of so many bytes, now. */
struct flow *flow_add(struct flows *f, uint64_t bytes);
void flows_finish(struct flows *f);
/* Mbit/s of payload over that time. */
double flow_mbps(struct flow *flow, uint64_t us);

#endif
