/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one end of a simulated subflow: what agg/transport/subflow.c is of a
 * real one, with its TCP below it. Takes frames from its lane and gives those
 * that arrived to it, each after the time that the host needs.
 */
#ifndef SCHEDULER_SIM_END_H
#define SCHEDULER_SIM_END_H

#include "scheduler/sim/pipe.h"
#include "scheduler/sim/tcp.h"

#define END_EVENTS (TCP_EVENTS + 2u)

struct end {
	struct tcp tcp;
	struct end *peer;           /* borrowed */
	struct events *events;      /* borrowed */
	struct rand *rand;          /* borrowed */
	struct pipe out;            /* sent, not read by the peer */
	struct lane *lane;          /* NULL: not attached (any more) */
	uint64_t host_ns, lowat;
	bool want_write;
	bool is_gateway, greeted;
	struct event input, output;
	const struct end_events *owner; /* borrowed */
	void *ctx;
};

struct end_events {
	/* Greeted: now end_attach() it. */
	void (*on_join)(void *ctx, struct end *end);
	/* The session is done with it. */
	void (*on_drop)(void *ctx, struct end *end);
};

struct end_args {
	struct link *link;
	struct events *events;
	const struct cc_ops *cc;
	struct rand *rand;
	uint64_t rtt_us, host_us;
	bool is_gateway;
	const struct end_events *owner;
	void *ctx;
};

/* -ENOMEM. events_reserve() is the caller's: END_EVENTS an end. */
int end_init(struct end *end, const struct end_args *args, struct end *peer);
void end_finish(struct end *end);
/* The gateway's says the first word of the TLS handshake; the rest follows. */
void end_greet(struct end *end);
/* -errno */
int end_attach(struct end *end, struct session *session,
               const struct wire_hello *hello);
/* No more events, and no memory but its own; the lane is somebody else's. */
void end_kill(struct end *end);

#endif
