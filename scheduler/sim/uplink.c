/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a path of the world: its two links and, as role/uplink.c has it, a
 * subflow per bundle: a scout first, the others when it has joined, and again
 * with growing pauses when they end.
 *
 * A subflow that is gone stays until the end of the world, without its buffers:
 * what is under way still names it.
 */
#include "scheduler/sim/world_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_US 1000u
#define PAUSE_MIN_US 100000u               /* role/uplink.h */
#define PAUSE_MAX_US 1000000u
#define HANDSHAKE_MAX_US 5000000u          /* subflow.h */
#define SYN_AGAIN_US 1000000u              /* doubled each time */
#define SUBFLOWS_EVER_MAX 65536u

static void failed(struct path *path);
static void pause_then_retry(struct path *path);

static struct slot *slot_of(const struct subflow *sf)
{
	return &sf->world->paths[sf->hello.path].slots[sf->hello.bundle];
}

/* This side's end is over; its lane is gone. */
static void end_side(struct subflow *sf, int side)
{
	struct slot *slot = slot_of(sf);

	if (!sf->alive[side])
		return;
	sf->alive[side] = false;
	end_kill(&sf->end[side]);
	if (!sf->alive[!side]) /* nobody reads or writes any more */
		for (int i = 0; i < SIDES; i++)
			end_finish(&sf->end[i]);
	if (side != WORLD_GATEWAY || slot->subflow != sf || sf->world->ending)
		return;
	bool joined = slot->state == SLOT_JOINED;
	slot->state = SLOT_EMPTY;
	slot->subflow = NULL;
	event_clear(&sf->world->events, &slot->step);
	if (joined)
		pause_then_retry(&sf->world->paths[sf->hello.path]);
	else
		failed(&sf->world->paths[sf->hello.path]);
}

static void detach_side(struct subflow *sf, int side)
{
	struct lane *lane = sf->end[side].lane;

	if (!sf->alive[side])
		return;
	sf->end[side].lane = NULL;
	if (lane)
		session_detach(lane);
	end_side(sf, side);
}

static void on_reset_gateway(void *ctx) { detach_side(ctx, WORLD_GATEWAY); }
static void on_reset_concentrator(void *ctx)
{
	detach_side(ctx, WORLD_CONCENTRATOR);
}

/* Closes a side; the other hears it, if the path is there. */
static void close_side(struct subflow *sf, int side)
{
	struct world *w = sf->world;
	const struct path *path = &w->paths[sf->hello.path];
	const struct link *link = &path->link[side == WORLD_GATEWAY ? UP : DOWN];

	end_side(sf, side);
	if (!path->cut && sf->alive[!side] && !w->ending)
		event_set(&w->events, &sf->reset[!side], w->events.now_ns +
		          link->args.delay_us * NS_PER_US);
}

static int side_of(const struct subflow *sf, const struct end *end)
{
	return end == &sf->end[WORLD_GATEWAY] ? WORLD_GATEWAY
	                                      : WORLD_CONCENTRATOR;
}

static void on_drop(void *ctx, struct end *end)
{
	close_side(ctx, side_of(ctx, end));
}

/* The gateway gave the old one up: its new one is here. */
static void replace_old(struct subflow *by)
{
	for (struct subflow *sf = by->next; sf; sf = sf->next)
		if (sf->hello.path == by->hello.path &&
		    sf->hello.bundle == by->hello.bundle)
			detach_side(sf, WORLD_CONCENTRATOR);
}

static void on_join(void *ctx, struct end *end)
{
	struct subflow *sf = ctx;
	struct world *w = sf->world;
	int side = side_of(sf, end);

	if (side == WORLD_CONCENTRATOR)
		replace_old(sf);
	if (w->side[side].over ||
	    end_attach(end, w->side[side].session, &sf->hello) < 0) {
		close_side(sf, side);
		return;
	}
	if (side == WORLD_CONCENTRATOR)
		return;
	slot_of(sf)->state = SLOT_JOINED;
	event_clear(&w->events, &slot_of(sf)->step);
	w->paths[sf->hello.path].failures = 0;
	uplink_connect(&w->paths[sf->hello.path]);
}

static const struct end_events end_events = {
	.on_join = on_join, .on_drop = on_drop,
};

static uint64_t rtt_us(const struct world *w, unsigned path)
{
	const struct world_path *args = &w->args.paths[path];
	uint64_t us = args->down.delay_us + args->up.delay_us +
	              args->down.jitter_us / 2 + args->up.jitter_us / 2;

	for (int d = DOWN; d <= UP; d++) {
		struct world_link_state state;
		link_state(&w->paths[path].link[d], &state);
		if (state.rate_bps)
			us += state.queue_bytes * 1000000 / state.rate_bps;
	}
	return us ? us : 1;
}

static int init_ends(struct subflow *sf)
{
	struct world *w = sf->world;
	struct path *path = &w->paths[sf->hello.path];
	struct end_args args = {
		.events = &w->events, .cc = w->args.congestion, .rand = &w->own,
		.rtt_us = rtt_us(w, sf->hello.path),
		.host_us = w->args.host_us, .owner = &end_events, .ctx = sf,
	};

	for (int side = 0; side < SIDES; side++) {
		args.link = &path->link[side == WORLD_GATEWAY ? UP : DOWN];
		args.is_gateway = side == WORLD_GATEWAY;
		int err = end_init(&sf->end[side], &args, &sf->end[!side]);
		if (err < 0)
			return err;
		sf->alive[side] = true;
	}
	return 0;
}

static struct subflow *create_subflow(struct world *w, unsigned path,
                                      unsigned bundle)
{
	struct subflow *sf;

	if (w->next_id > SUBFLOWS_EVER_MAX ||
	    events_reserve(&w->events, SIDES * (END_EVENTS + 1)) < 0 ||
	    !(sf = calloc(1, sizeof(*sf))))
		return NULL;
	sf->world = w;
	sf->hello = (struct wire_hello){
		.version = WIRE_VERSION, .subflow_id = w->next_id++,
		.path = (uint8_t)path, .bundle = (uint8_t)bundle,
		.path_class = w->args.paths[path].path_class,
	};
	memcpy(sf->hello.name, w->args.paths[path].name, sizeof(sf->hello.name));
	event_init(&sf->reset[WORLD_GATEWAY], on_reset_gateway, sf);
	event_init(&sf->reset[WORLD_CONCENTRATOR], on_reset_concentrator, sf);
	sf->next = w->subflows;
	w->subflows = sf;
	return init_ends(sf) < 0 ? NULL : sf;
}

/* Connecting --------------------------------------------------------------- */

static bool is_joined(const struct path *path)
{
	for (unsigned b = 0; b < WIRE_BUNDLES_MAX; b++)
		if (path->slots[b].state == SLOT_JOINED)
			return true;
	return false;
}

static void pause_then_retry(struct path *path)
{
	struct world *w = path->world;
	uint64_t pause_us = PAUSE_MIN_US;

	for (unsigned i = 1; i < path->failures && pause_us < PAUSE_MAX_US; i++)
		pause_us *= 2;
	if (pause_us > PAUSE_MAX_US)
		pause_us = PAUSE_MAX_US;
	path->waiting = true;
	event_set(&w->events, &path->retry, w->events.now_ns + NS_PER_US *
	          (pause_us / 2 + rand_below(&w->own, pause_us / 2)));
}

static void failed(struct path *path)
{
	path->failures++;
	pause_then_retry(path);
}

/* The SYN leaves: it is lost, or answered in a round trip. */
static void send_syn(struct slot *slot)
{
	struct world *w = slot->world;
	uint64_t now = w->events.now_ns, at = now + slot->syn_again_ns;

	slot->state = SLOT_SYN;
	slot->syn_again_ns *= 2;
	if (!w->paths[slot->path].cut) {
		slot->state = SLOT_ANSWERED;
		at = now + rtt_us(w, slot->path) * NS_PER_US;
	}
	event_set(&w->events, &slot->step,
	          at < slot->give_up_ns ? at : slot->give_up_ns);
}

static void start_greeting(struct slot *slot)
{
	struct world *w = slot->world;

	slot->subflow = create_subflow(w, slot->path, slot->bundle);
	if (!slot->subflow) {
		slot->state = SLOT_EMPTY;
		failed(&w->paths[slot->path]);
		return;
	}
	slot->state = SLOT_GREETING;
	event_set(&w->events, &slot->step, slot->give_up_ns);
	end_greet(&slot->subflow->end[WORLD_GATEWAY]);
}

static void on_step(void *ctx)
{
	struct slot *slot = ctx;
	struct path *path = &slot->world->paths[slot->path];

	if (slot->world->events.now_ns < slot->give_up_ns) {
		if (slot->state == SLOT_ANSWERED && !path->cut)
			start_greeting(slot);
		else
			send_syn(slot);
	} else if (slot->state == SLOT_GREETING) {
		close_side(slot->subflow, WORLD_GATEWAY);
	} else {
		slot->state = SLOT_EMPTY;
		failed(path);
	}
}

void uplink_connect(struct path *path)
{
	struct world *w = path->world;
	bool scouting = !is_joined(path);

	for (unsigned b = 0; b < w->args.bundles; b++) {
		struct slot *slot = &path->slots[b];
		if (slot->state != SLOT_EMPTY || path->waiting ||
		    (scouting && b > 0))
			continue;
		/* At first it may take what it takes. */
		uint64_t most_us = w->events.now_ns / NS_PER_US + HANDSHAKE_MAX_US;
		if (most_us < WORLD_START_US)
			most_us = WORLD_START_US;
		slot->give_up_ns = most_us * NS_PER_US;
		slot->syn_again_ns = SYN_AGAIN_US * (uint64_t)NS_PER_US;
		send_syn(slot);
	}
}

static void on_retry(void *ctx)
{
	struct path *path = ctx;

	path->waiting = false;
	uplink_connect(path);
}

/* Lifetime ------------------------------------------------------------------ */

int uplink_create(struct world *w, unsigned number)
{
	struct path *path = &w->paths[number];
	const struct world_path *args = &w->args.paths[number];
	int err;

	path->world = w;
	event_init(&path->retry, on_retry, path);
	for (unsigned b = 0; b < w->args.bundles; b++) {
		path->slots[b] = (struct slot){ .world = w, .path = number,
		                                .bundle = b };
		event_init(&path->slots[b].step, on_step, &path->slots[b]);
	}
	err = link_init(&path->link[DOWN], &args->down, &w->events,
	                rand_u64(&w->own), WORLD_START_US, tcp_on_frame);
	if (err < 0)
		return err;
	return link_init(&path->link[UP], &args->up, &w->events,
	                 rand_u64(&w->own), WORLD_START_US, tcp_on_frame);
}

void uplink_finish(struct path *path)
{
	for (int d = DOWN; d <= UP; d++)
		link_finish(&path->link[d]);
}

bool uplink_is_whole(const struct path *path)
{
	for (unsigned b = 0; b < path->world->args.bundles; b++)
		if (path->slots[b].state != SLOT_JOINED)
			return false;
	return true;
}

/* Two links, the retry, the slots. */
uint32_t uplink_events(const struct world_args *args)
{
	return 3 + args->bundles;
}

void uplink_finish_subflows(struct world *w)
{
	while (w->subflows) {
		struct subflow *sf = w->subflows;
		w->subflows = sf->next;
		for (int side = 0; side < SIDES; side++)
			end_finish(&sf->end[side]);
		free(sf);
	}
}
