/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * See flow.h.
 */
#include "flow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#define US_PER_MS 1000
#define BYTES_PER_MBIT 125000

static uint8_t byte_at(uint64_t offset)
{
	return (uint8_t)(offset * 0x9e3779b1u >> 16);
}

static void note(struct flows *f, uint64_t value)
{
	f->hash = (f->hash ^ value) * UINT64_C(0x100000001b3);
}

static void fill(struct flow *flow)
{
	while (flow->left) {
		size_t space = stream_space(flow->server), n = 0;
		if (!space)
			return;
		uint8_t *to = stream_reserve(flow->server, &n);
		assert_non_null(to);
		n = n < space ? n : space;
		n = n < flow->left ? n : (size_t)flow->left;
		for (size_t i = 0; i < n; i++)
			to[i] = byte_at(flow->sent + i);
		flow->sent += n;
		flow->left -= n;
		bool last = !flow->left;
		stream_commit(flow->server, n); /* may call us again */
		if (last)
			stream_finish(flow->server);
	}
}

static void server_opened(void *ctx, const struct addr *bound) { }
static size_t server_data(void *ctx, struct iovec *parts, int count)
{
	return stream_parts_bytes(parts, count);
}
static void server_finished(void *ctx) { }
static void server_writable(void *ctx) { fill(ctx); }

static void server_closed(void *ctx, enum stream_end end)
{
	((struct flow *)ctx)->server = NULL;
}

static const struct stream_events server_events = {
	server_opened, server_data, server_finished, server_writable,
	server_closed,
};

static void begin(void *ctx)
{
	struct flow *flow = ctx;

	stream_accept(flow->server, &(struct addr){ .family = AF_INET });
	fill(flow);
}

static enum stream_end on_stream(void *ctx, struct stream *stream,
                                 const struct dest *dest,
                                 const struct stream_events **events,
                                 void **stream_ctx)
{
	struct flows *f = ctx;
	struct flow *flow = &f->flow[dest->addr.port];

	flow->server = stream;
	*events = &server_events;
	*stream_ctx = flow;
	world_at(f->world, world_now_us(f->world), begin, flow);
	return STREAM_END_FINISHED;
}

static void client_opened(void *ctx, const struct addr *bound) { }
static void client_writable(void *ctx) { }

static size_t client_data(void *ctx, struct iovec *parts, int count)
{
	struct flow *flow = ctx;
	struct flows *f = flow->flows;

	for (int part = 0; part < count; part++) {
		const uint8_t *p = parts[part].iov_base;
		for (size_t i = 0; i < parts[part].iov_len; i++, flow->received++)
			f->wrong_bytes += p[i] != byte_at(flow->received);
	}
	note(f, flow->received);
	note(f, world_now_us(f->world));
	return stream_parts_bytes(parts, count);
}

static void client_finished(void *ctx)
{
	struct flow *flow = ctx;

	flow->done_us = world_now_us(flow->flows->world);
	stream_finish(flow->client);
}

static void client_closed(void *ctx, enum stream_end end)
{
	((struct flow *)ctx)->client = NULL;
}

static const struct stream_events client_events = {
	client_opened, client_data, client_finished, client_writable,
	client_closed,
};

struct flow *flow_add(struct flows *f, uint64_t bytes)
{
	struct flow *flow = &f->flow[f->count];
	struct dest dest = { .addr = { .family = AF_INET,
	                               .port = (uint16_t)f->count } };
	struct addr client = { .family = AF_INET };

	*flow = (struct flow){ .flows = f, .left = bytes };
	f->count++;
	flow->client = session_open(world_session(f->world, WORLD_GATEWAY),
	                            &dest, &client, &client_events, flow);
	assert_non_null(flow->client);
	return flow;
}

static void on_over(void *ctx, const char *why)
{
	((struct flows *)ctx)->over = why;
}

void flow_args(struct world_args *args, const char *congestion, unsigned paths,
               const struct flow_path *each)
{
	*args = (struct world_args){
		.path_count = paths, .bundles = 4, .seed = 1, .host_us = 100,
		.congestion = cc_find(congestion),
	};
	session_policy_init(&args->policy, sched_find("lowrtt"));
	for (unsigned i = 0; i < paths; i++) {
		struct world_path *path = &args->paths[i];
		struct world_link link = {
			.delay_us = (uint64_t)(each[i].delay * US_PER_MS),
			.loss_ppm = (uint32_t)(each[i].loss * 10000),
		};
		snprintf(path->name, sizeof(path->name), "path%u", i);
		path->down = path->up = link;
		path->down.rate_bps = (uint64_t)(each[i].down * BYTES_PER_MBIT);
		path->up.rate_bps = (uint64_t)(each[i].up * BYTES_PER_MBIT);
		path->down.queue_bytes = (uint64_t)((double)path->down.rate_bps *
		                                    each[i].queue / 1000);
		path->up.queue_bytes = (uint64_t)((double)path->up.rate_bps *
		                                  each[i].queue / 1000);
	}
}

void flows_start(struct flows *f, const struct world_args *args)
{
	static const struct world_events events = { on_stream, on_over };

	*f = (struct flows){ .hash = UINT64_C(0xcbf29ce484222325) };
	f->world = world_create(args, &events, f);
	assert_non_null(f->world);
}

void flows_finish(struct flows *f)
{
	world_destroy(f->world);
}

double flow_mbps(struct flow *flow, uint64_t us)
{
	uint64_t before = flow->received;
	struct world *w = flow->flows->world;

	world_run(w, world_now_us(w) + us);
	return (double)(flow->received - before) * 8 / (double)us;
}
