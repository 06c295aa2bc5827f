/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the world: links, subflows, the two sessions, and what the roles do for
 * them - connecting again when a subflow was given up, as role/uplink.c does.
 *
 * A subflow that is gone stays until the end of the world, without its buffers:
 * what is under way still names it.
 */
#include "scheduler/sim/world.h"

#include "scheduler/sim/end.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_US 1000u
#define SIDES 2
#define GIVE_UP_GATEWAY_US 1000000u        /* role/gateway.c */
#define GIVE_UP_CONCENTRATOR_US 15000000u  /* role/concentrator.c */
#define PAUSE_MIN_US 100000u               /* role/uplink.h */
#define PAUSE_MAX_US 1000000u
#define HANDSHAKE_MAX_US 5000000u          /* subflow.h */
#define SYN_AGAIN_US 1000000u              /* doubled each time */
#define SUBFLOWS_EVER_MAX 65536u
#define LEAD_RTTS 8u                       /* to connect, before the start, */
#define LEAD_US 4000000u                   /* and to be quiet */

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
	struct event tick;
	bool over;
};

struct world {
	struct world_args args;
	struct world_events on;
	void *ctx;
	struct events events;
	struct rand loads, own;
	struct path paths[WIRE_PATHS_MAX];
	struct side side[SIDES];
	struct subflow *subflows;
	uint32_t next_id;
	struct call *calls, *free_calls;
	bool stopped, ending;
};

/* Subflows ------------------------------------------------------------------ */

static void settle(struct path *path);
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
	settle(&w->paths[sf->hello.path]);
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

/* As role/uplink.c: a scout first, then all. */
static void settle(struct path *path)
{
	struct world *w = path->world;
	bool scouting = !is_joined(path);

	for (unsigned b = 0; b < w->args.bundles; b++) {
		struct slot *slot = &path->slots[b];
		if (slot->state != SLOT_EMPTY || path->waiting ||
		    (scouting && b > 0))
			continue;
		slot->give_up_ns = w->events.now_ns +
		                   HANDSHAKE_MAX_US * (uint64_t)NS_PER_US;
		slot->syn_again_ns = SYN_AGAIN_US * (uint64_t)NS_PER_US;
		send_syn(slot);
	}
}

static void on_retry(void *ctx)
{
	struct path *path = ctx;

	path->waiting = false;
	settle(path);
}

/* The sessions' environment -------------------------------------------------- */

static uint64_t side_now_us(void *ctx)
{
	const struct side *side = ctx;

	return side->world->events.now_ns / NS_PER_US;
}

static void on_tick(void *ctx)
{
	struct side *side = ctx;

	if (!side->over)
		session_tick(side->session);
}

static void side_on_deadline(void *ctx, uint64_t at_us)
{
	struct side *side = ctx;

	if (at_us > UINT64_MAX / NS_PER_US)
		event_clear(&side->world->events, &side->tick);
	else
		event_set(&side->world->events, &side->tick, at_us * NS_PER_US);
}

static enum stream_end side_on_stream(void *ctx, struct stream *stream,
                                      const struct dest *dest,
                                      const struct addr *client,
                                      const struct stream_events **events,
                                      void **stream_ctx)
{
	struct world *w = ((struct side *)ctx)->world;

	return w->on.on_stream(w->ctx, stream, dest, events, stream_ctx);
}

static void side_on_settings(void *ctx, const struct wire_settings *settings)
{
}

static void side_on_over(void *ctx, const char *why)
{
	struct side *side = ctx;

	side->over = true;
	if (!side->world->ending)
		side->world->on.on_over(side->world->ctx, why);
}

static const struct session_events side_events = {
	.now_us = side_now_us, .on_deadline = side_on_deadline,
	.on_stream = side_on_stream, .on_settings = side_on_settings,
	.on_over = side_on_over,
};

static int create_side(struct world *w, int number)
{
	struct side *side = &w->side[number];
	struct session_args args = {
		.opens = number == WORLD_GATEWAY,
		.memory_max = w->args.memory_max ? w->args.memory_max
		                                 : SESSION_MEMORY_DEFAULT,
		.linger_us = SESSION_LINGER_DEFAULT_US,
		.give_up_us = number == WORLD_GATEWAY ? GIVE_UP_GATEWAY_US
		                                      : GIVE_UP_CONCENTRATOR_US,
		.policy = w->args.policy, .events = &side_events, .ctx = side,
	};

	side->world = w;
	event_init(&side->tick, on_tick, side);
	side->session = session_create(&args);
	return side->session ? 0 : -ENOMEM;
}

/* The world ------------------------------------------------------------------ */

/* How long before the start it begins, so that all are connected and quiet. */
static uint64_t lead_us(const struct world_args *args)
{
	uint64_t longest = 0;

	for (unsigned p = 0; p < args->path_count; p++) {
		const struct world_path *path = &args->paths[p];
		uint64_t us = path->down.delay_us + path->down.jitter_us +
		              path->up.delay_us + path->up.jitter_us;
		longest = us > longest ? us : longest;
	}
	return LEAD_US + LEAD_RTTS * longest;
}

static bool args_are_good(const struct world_args *args)
{
	if (!args->path_count || args->path_count > WIRE_PATHS_MAX ||
	    !args->bundles || args->bundles > WIRE_BUNDLES_MAX ||
	    args->path_count * args->bundles > WIRE_SUBFLOWS_MAX ||
	    !args->congestion || lead_us(args) >= WORLD_START_US)
		return false;
	for (unsigned p = 0; p < args->path_count; p++)
		if (link_check(&args->paths[p].down) ||
		    link_check(&args->paths[p].up))
			return false;
	return true;
}

static int create_path(struct world *w, unsigned number)
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

/* Links, their retries, slots and the sessions' ticks. */
static uint32_t own_events(const struct world_args *args)
{
	return args->path_count * (3 + args->bundles) + SIDES;
}

static int fill(struct world *w)
{
	int err = events_reserve(&w->events, own_events(&w->args));

	for (unsigned p = 0; p < w->args.path_count && !err; p++)
		err = create_path(w, p);
	for (int side = 0; side < SIDES && !err; side++)
		err = create_side(w, side);
	return err;
}

static int connect_all(struct world *w)
{
	for (unsigned p = 0; p < w->args.path_count; p++)
		settle(&w->paths[p]);
	world_run(w, WORLD_START_US);
	for (unsigned p = 0; p < w->args.path_count; p++)
		for (unsigned b = 0; b < w->args.bundles; b++)
			if (w->paths[p].slots[b].state != SLOT_JOINED)
				return -ETIMEDOUT; /* or no memory */
	return 0;
}

struct world *world_create(const struct world_args *args,
                           const struct world_events *events, void *ctx)
{
	struct world *w;

	if (!args_are_good(args)) {
		errno = EINVAL;
		return NULL;
	}
	w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->args = *args;
	w->on = *events;
	w->ctx = ctx;
	w->loads.state = args->seed;
	w->own.state = ~args->seed;
	w->next_id = 1;
	events_init(&w->events,
	            (WORLD_START_US - lead_us(args)) * (uint64_t)NS_PER_US);
	int err = fill(w);
	if (!err)
		err = connect_all(w);
	if (!err)
		return w;
	world_destroy(w);
	errno = -err;
	return NULL;
}

void world_destroy(struct world *w)
{
	if (!w)
		return;
	w->ending = true;
	for (int side = 0; side < SIDES; side++) {
		w->side[side].over = true;
		session_destroy(w->side[side].session);
	}
	while (w->subflows) {
		struct subflow *sf = w->subflows;
		w->subflows = sf->next;
		for (int side = 0; side < SIDES; side++)
			end_finish(&sf->end[side]);
		free(sf);
	}
	for (unsigned p = 0; p < w->args.path_count; p++)
		for (int d = DOWN; d <= UP; d++)
			link_finish(&w->paths[p].link[d]);
	while (w->calls) {
		struct call *call = w->calls;
		w->calls = call->next;
		free(call);
	}
	events_finish(&w->events);
	free(w);
}

struct session *world_session(struct world *w, int side)
{
	return w->side[side].session;
}

uint64_t world_now_us(const struct world *w)
{
	return w->events.now_ns / NS_PER_US;
}

struct rand *world_rand(struct world *w)
{
	return &w->loads;
}

static void on_call(void *ctx)
{
	struct call *call = ctx;

	call->next_free = call->world->free_calls;
	call->world->free_calls = call;
	call->fn(call->ctx);
}

static struct call *take_call(struct world *w)
{
	struct call *call = w->free_calls;

	if (call) {
		w->free_calls = call->next_free;
		return call;
	}
	call = events_reserve(&w->events, 1) < 0 ? NULL
	                                         : calloc(1, sizeof(*call));
	if (!call)
		abort(); /* a load has no way to go on */
	event_init(&call->event, on_call, call);
	call->world = w;
	call->next = w->calls;
	w->calls = call;
	return call;
}

void world_at(struct world *w, uint64_t at_us, void (*fn)(void *ctx), void *ctx)
{
	struct call *call = take_call(w);

	call->fn = fn;
	call->ctx = ctx;
	event_set(&w->events, &call->event, at_us * NS_PER_US);
}

void world_run(struct world *w, uint64_t until_us)
{
	uint64_t until_ns = until_us * NS_PER_US;

	w->stopped = false;
	while (!w->stopped && events_next_ns(&w->events) <= until_ns)
		events_step(&w->events);
	if (!w->stopped && w->events.now_ns < until_ns)
		w->events.now_ns = until_ns;
}

void world_stop(struct world *w)
{
	w->stopped = true;
}

void world_cut(struct world *w, unsigned path, bool cut)
{
	w->paths[path].cut = cut;
	for (int d = DOWN; d <= UP; d++)
		link_cut(&w->paths[path].link[d], cut);
}

uint64_t world_events_count(const struct world *w)
{
	return w->events.count;
}

void world_link_state(const struct world *w, unsigned path, bool down,
                      struct world_link_state *out)
{
	link_state(&w->paths[path].link[down ? DOWN : UP], out);
}
