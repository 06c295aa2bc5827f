/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the world: the two sessions, the time, and what a load may ask. Before
 * it is handed out, everything connects and falls quiet.
 */
#include "scheduler/sim/world_impl.h"

#include <errno.h>
#include <stdlib.h>

#define NS_PER_US 1000u
#define GIVE_UP_GATEWAY_US 1000000u        /* role/gateway.c */
#define GIVE_UP_CONCENTRATOR_US 15000000u  /* role/concentrator.c */
#define SIDE_EVENTS 2u                     /* of a side: turn, deadline */
#define LEAD_RTTS 8u                       /* to connect, before the start, */
#define LEAD_US 4000000u                   /* and to be quiet */
#define LATE_MAX_US 60000000u              /* what it may take longer */
#define LATE_STEP_US 10000u

/* The sessions' environment -------------------------------------------------- */

static uint64_t side_now_us(void *ctx)
{
	const struct side *side = ctx;

	return side->world->events.now_ns / NS_PER_US;
}

/* After all else of its instant, and at the deadline. */
static void on_turn(void *ctx)
{
	struct side *side = ctx;

	if (!side->over)
		session_turn(side->session);
}

static void side_on_work(void *ctx)
{
	struct side *side = ctx;

	event_set(&side->world->events, &side->turn, side->world->events.now_ns);
}

static void side_on_deadline(void *ctx, uint64_t at_us)
{
	struct side *side = ctx;

	if (at_us > UINT64_MAX / NS_PER_US)
		event_clear(&side->world->events, &side->deadline);
	else
		event_set(&side->world->events, &side->deadline,
		          at_us * NS_PER_US);
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
	.now_us = side_now_us, .on_work = side_on_work,
	.on_deadline = side_on_deadline,
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
	event_init(&side->turn, on_turn, side);
	event_init(&side->deadline, on_turn, side);
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
	if (!args->path_count || args->path_count > WIRE_UPLINKS_MAX ||
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

static int fill(struct world *w)
{
	int err = events_reserve(&w->events, SIDE_EVENTS * SIDES + w->args.path_count *
	                         uplink_events(&w->args));

	for (unsigned p = 0; p < w->args.path_count && !err; p++)
		err = uplink_create(w, p);
	for (int side = 0; side < SIDES && !err; side++)
		err = create_side(w, side);
	return err;
}

static bool are_whole(const struct world *w)
{
	for (unsigned p = 0; p < w->args.path_count; p++)
		if (!uplink_is_whole(&w->paths[p]))
			return false;
	return true;
}

/* A path that loses may take longer than most need. */
static int connect_all(struct world *w)
{
	for (unsigned p = 0; p < w->args.path_count; p++)
		uplink_connect(&w->paths[p]);
	world_run(w, WORLD_START_US);
	while (!are_whole(w) && world_now_us(w) < WORLD_START_US + LATE_MAX_US)
		world_run(w, world_now_us(w) + LATE_STEP_US);
	return are_whole(w) ? 0 : -ETIMEDOUT; /* or no memory */
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
	uplink_finish_subflows(w);
	for (unsigned p = 0; p < w->args.path_count; p++)
		uplink_finish(&w->paths[p]);
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
