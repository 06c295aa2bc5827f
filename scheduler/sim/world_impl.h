/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the files of the world share with each other and nobody else.
 *
 *     world.c    the sessions, the time, what a load may ask
 *     uplink.c   a path: its links, its subflows, and how they come to be
 */
#ifndef SCHEDULER_SIM_WORLD_IMPL_H
#define SCHEDULER_SIM_WORLD_IMPL_H

#include "scheduler/sim/end.h"
#include "scheduler/sim/world.h"

#define SIDES 2

enum { DOWN, UP };

struct subflow {
	struct world *world;     /* borrowed */
	struct wire_hello hello;
	struct end end[SIDES];   /* WORLD_GATEWAY, WORLD_CONCENTRATOR */
	bool alive[SIDES];       /* not closed */
	struct event reset[SIDES]; /* the other side's end arrives there */
	struct subflow *next;    /* world.subflows */
};

enum slot_state {
	SLOT_EMPTY,
	SLOT_SYN,      /* sent, or to be sent again */
	SLOT_ANSWERED, /* the SYN is on its way, and comes back */
	SLOT_GREETING,
	SLOT_JOINED,
};

struct slot { /* a bundle of a path: role/uplink.c's */
	struct world *world;     /* borrowed */
	unsigned path, bundle;
	enum slot_state state;
	struct subflow *subflow; /* borrowed: GREETING, JOINED */
	uint64_t give_up_ns, syn_again_ns;
	struct event step;
};

struct path {
	struct world *world;     /* borrowed */
	struct link link[2];     /* DOWN, UP */
	struct slot slots[WIRE_BUNDLES_MAX];
	unsigned failures;
	bool waiting, cut;
	struct event retry;
};

struct call { /* of world_at() */
	struct event event;
	struct world *world;     /* borrowed */
	void (*fn)(void *ctx);
	void *ctx;
	struct call *next_free;  /* world.free_calls */
	struct call *next;       /* world.calls: all */
};

struct side {
	struct world *world;     /* borrowed */
	struct session *session;
	struct event turn, deadline;
	bool over;
};

struct world {
	struct world_args args;
	struct world_events on;
	void *ctx;
	struct events events;
	struct rand own;
	struct path paths[WIRE_UPLINKS_MAX];
	struct side side[SIDES];
	struct subflow *subflows;
	uint32_t next_id;
	struct call *calls, *free_calls;
	bool stopped, ending;
};

/* uplink.c */
int uplink_create(struct world *w, unsigned path); /* -ENOMEM */
void uplink_finish(struct path *path);
void uplink_connect(struct path *path);
bool uplink_is_whole(const struct path *path); /* all its bundles are joined */
uint32_t uplink_events(const struct world_args *args); /* of one path */
void uplink_finish_subflows(struct world *w);

#endif
