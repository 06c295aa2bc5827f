/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a world under virtual time: the two ends of a shipped session, joined by
 * simulated subflows over simulated paths. Nothing here knows of loads,
 * scenarios or figures.
 *
 *     session (gateway)                                session (concentrator)
 *       lane -> tcp sender -> link (queue, rate, delay, loss) -> tcp receiver -> lane
 *
 * All bundles of all paths are connected when world_create() returns: warm,
 * with the congestion windows of new connections. The same arguments give the
 * same run to the last event.
 */
#ifndef SCHEDULER_SIM_WORLD_H
#define SCHEDULER_SIM_WORLD_H

#include "agg/transport/session.h"

#define WORLD_GATEWAY 0
#define WORLD_CONCENTRATOR 1

/* The time when world_create() returns; later where a path loses much. */
#define WORLD_START_US 600000000u

/* What a path can carry over time, recorded: from at_us after WORLD_START_US
 * on, so much. Ordered; after the last the first comes again, period_us after
 * its time. */
struct world_rate {
	uint64_t at_us;
	uint64_t rate_bps; /* bytes/s of frames on the link; 0: nothing passes */
};
struct world_trace {
	const struct world_rate *rates; /* borrowed */
	size_t count;
	uint64_t period_us;
};

/* One direction of a path; rates are of whole frames (Ethernet). */
struct world_link {
	uint64_t rate_bps;             /* bytes/s */
	uint64_t delay_us;             /* one way */
	uint64_t jitter_us;            /* up to so much more, order kept */
	uint64_t queue_bytes;          /* before it, drop-tail */
	uint32_t loss_ppm;
	uint32_t loss_burst;           /* mean number of frames lost in a row; 1 */
	struct world_trace trace;      /* count 0: rate_bps always */
};

struct world_path {
	char name[WIRE_NAME_MAX + 1];
	uint8_t path_class;            /* enum sched_path_class */
	struct world_link down, up;    /* towards the gateway, from it */
};

struct cc_ops; /* cc.h: how a simulated congestion window grows */

struct world_args {
	struct world_path paths[WIRE_UPLINKS_MAX];
	unsigned path_count;
	unsigned bundles;
	const struct cc_ops *congestion;
	struct session_policy policy;  /* of both ends */
	uint64_t seed;
	/* What happens at each end outside of the paths: time from a byte's
	 * arrival until an owner has it (relay, loopback, process), one way;
	 * the mean of half of it to one and a half times. */
	uint64_t host_us;
	size_t memory_max;             /* 0: SESSION_MEMORY_DEFAULT */
};

struct world_events {
	/* The concentrator got a new stream: as session_events.on_stream. */
	enum stream_end (*on_stream)(void *ctx, struct stream *stream,
	                             const struct dest *dest,
	                             const struct stream_events **events,
	                             void **stream_ctx);
	/* A session ended by itself: a bug. */
	void (*on_over)(void *ctx, const char *why);
};

struct world;

/* NULL: errno. events and args are copied, what they borrow is not. */
struct world *world_create(const struct world_args *args,
                           const struct world_events *events, void *ctx);
void world_destroy(struct world *w);

struct session *world_session(struct world *w, int side);
uint64_t world_now_us(const struct world *w);
/* Calls fn at that time; events of one time in the order of their making. */
void world_at(struct world *w, uint64_t at_us, void (*fn)(void *ctx), void *ctx);
/* Until that time, or until world_stop() was called by an event. */
void world_run(struct world *w, uint64_t until_us);
void world_stop(struct world *w);
/* Silent loss of everything, both ways, until it is undone. */
void world_cut(struct world *w, unsigned path, bool cut);

/* Events handled so far: one each for a segment or acknowledgement that leaves
 * a queue or arrives, a timer, a call of world_at(). */
uint64_t world_events_count(const struct world *w);

/* For a player: how a direction of a path looks now. */
struct world_link_state {
	uint64_t rate_bps;        /* now; 0: nothing passes, or it is cut */
	uint64_t queue_bytes;     /* standing before it */
	uint64_t pipe_bytes;      /* on their way */
	uint64_t delivered_bytes; /* ever, of frames */
	uint64_t lost_frames;     /* ever: queue full, or by chance */
};
void world_link_state(const struct world *w, unsigned path, bool down,
                      struct world_link_state *out);

#endif
