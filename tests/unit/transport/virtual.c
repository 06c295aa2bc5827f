/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see virtual.h. One heap of events by time, ties in the order of their
 * making, so that a seed gives the same run. Subflow ends are freed at the end
 * only: a run is short, and a late event must find its end.
 */
#include "virtual.h"

#include "agg/base/buf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 4096u
#define CONNECT_RTTS 3u
#define RETRY_US 200000u
#define PIPE_MAX (8u << 20)

struct event {
	uint64_t at_us, serial;
	void (*fn)(void *);
	void *ctx;
};

struct vsub;
struct chunk;

struct vend { /* one end of a subflow */
	struct vsub *sub;
	int side;
	struct lane *lane;      /* NULL: not attached (any more) */
	struct buf out;         /* committed, not on the path */
	struct chunk *under_way, *under_way_tail; /* in order, an event each */
	struct buf in;          /* arrived, not a whole frame yet */
	uint64_t acked_bytes, unacked_bytes, last_arrival_us, heard_us;
	uint64_t held_until_us; /* something before was lost: wait for it */
	size_t lowat;
	bool busy, want_write;
};

struct vsub {
	struct virtual_net *net;
	struct wire_hello hello;
	struct vend end[2];
	bool broken;            /* a reset was seen by both ends */
	struct vsub *next;
};

struct chunk {
	struct chunk *next; /* vend.under_way */
	size_t n;
	uint8_t bytes[CHUNK];
};

struct attempt { /* to connect path and bundle */
	struct virtual_net *net;
	unsigned path, bundle;
};

struct side_ctx { struct virtual_net *net; int side; };

struct virtual_net {
	struct virtual_args args;
	struct rand rand;
	uint64_t now_us, serial;
	struct event *heap;
	size_t heap_len, heap_cap;
	struct session *session[2];
	struct side_ctx side[2];
	const char *over[2];
	uint64_t tick_at[2];
	struct vsub *subs;
	unsigned made;
	uint32_t next_id;
	virtual_accept_fn *accept;
	void *ctx;
};

static bool earlier(const struct event *a, const struct event *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->serial < b->serial;
}

void virtual_at(struct virtual_net *net, uint64_t at_us, void (*fn)(void *),
                void *ctx)
{
	if (net->heap_len == net->heap_cap) {
		net->heap_cap = net->heap_cap ? net->heap_cap * 2 : 256;
		net->heap = realloc(net->heap, net->heap_cap * sizeof(*net->heap));
		assert(net->heap);
	}
	struct event e = { at_us, net->serial++, fn, ctx };
	size_t i = net->heap_len++;
	for (; i && earlier(&e, &net->heap[(i - 1) / 2]); i = (i - 1) / 2)
		net->heap[i] = net->heap[(i - 1) / 2];
	net->heap[i] = e;
}

static struct event pop(struct virtual_net *net)
{
	struct event top = net->heap[0], last = net->heap[--net->heap_len];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < net->heap_len) {
		if (child + 1 < net->heap_len &&
		    earlier(&net->heap[child + 1], &net->heap[child]))
			child++;
		if (!earlier(&net->heap[child], &last))
			break;
		net->heap[i] = net->heap[child];
		i = child;
	}
	net->heap[i] = last;
	return top;
}

void virtual_run(struct virtual_net *net, uint64_t until_us)
{
	while (net->heap_len && net->heap[0].at_us <= until_us) {
		struct event e = pop(net);
		if (e.at_us > net->now_us)
			net->now_us = e.at_us;
		e.fn(e.ctx);
	}
	if (net->now_us < until_us)
		net->now_us = until_us;
}

/* The path's own work --------------------------------------------------- */

static void serve(struct vend *from);

static struct virtual_path *path_of(struct vend *end)
{
	return &end->sub->net->args.path[end->sub->hello.path];
}

struct acked { struct vend *end; size_t n; };

static void on_acked(void *ctx)
{
	struct acked *a = ctx;

	a->end->acked_bytes += a->n;
	a->end->heard_us = a->end->sub->net->now_us;
	a->end->unacked_bytes -= a->n;
	free(a);
}

static void feed(struct vend *to)
{
	while (to->lane && to->in.len) {
		ssize_t used = session_input(to->lane, buf_head(&to->in), to->in.len);
		if (used >= 0)
			session_deliver(to->lane);
		if (used <= 0)
			break;
		buf_take(&to->in, (size_t)used);
	}
}

/* One of the end's chunks is due: as TCP keeps the order, it is the oldest. */
static void on_arrival(void *ctx)
{
	struct vend *from = ctx, *to = &from->sub->end[!from->side];
	struct virtual_net *net = from->sub->net;
	struct chunk *chunk = from->under_way;

	if (from->sub->broken || !to->lane)
		return;
	if (net->now_us < from->held_until_us) {
		virtual_at(net, from->held_until_us, on_arrival, from);
		return;
	}
	if (path_of(from)->cut) { /* lost; TCP tries again, with backoff */
		from->held_until_us = net->now_us + 200000 +
		                      rand_below(&net->rand, 400000);
		virtual_at(net, from->held_until_us, on_arrival, from);
		return;
	}
	from->under_way = chunk->next;
	int err = buf_put(&to->in, chunk->bytes, chunk->n);
	assert(!err);
	struct acked *a = malloc(sizeof(*a));
	*a = (struct acked){ from, chunk->n };
	virtual_at(net, net->now_us + path_of(from)->delay_us, on_acked, a);
	free(chunk);
	feed(to);
}

static void on_sent(void *ctx)
{
	struct vend *from = ctx;

	from->busy = false;
	serve(from);
}

/* Puts the next chunk on the path, if it is free. */
static void serve(struct vend *from)
{
	struct virtual_net *net = from->sub->net;
	struct virtual_path *path = path_of(from);

	if (from->busy || from->sub->broken || !from->lane)
		return;
	if (from->want_write && from->out.len < from->lowat / 2)
		session_writable(from->lane);
	if (!from->lane || !from->out.len)
		return;
	struct chunk *chunk = malloc(sizeof(*chunk));
	chunk->next = NULL;
	if (from->under_way)
		from->under_way_tail->next = chunk;
	else
		from->under_way = chunk;
	from->under_way_tail = chunk;
	chunk->n = from->out.len < CHUNK ? from->out.len : CHUNK;
	memcpy(chunk->bytes, buf_head(&from->out), chunk->n);
	buf_take(&from->out, chunk->n);
	from->unacked_bytes += chunk->n;
	from->busy = true;
	uint64_t sent = net->now_us + chunk->n * 1000000 / path->rate_bps[from->side];
	uint64_t arrival = sent + path->delay_us;
	if (rand_below(&net->rand, 1000000) < path->stall_ppm)
		arrival += 2 * path->delay_us + rand_below(&net->rand, 50000);
	if (arrival < from->last_arrival_us)
		arrival = from->last_arrival_us;
	from->last_arrival_us = arrival;
	virtual_at(net, sent, on_sent, from);
	virtual_at(net, arrival, on_arrival, from);
}

/* What the session asks of a subflow ------------------------------------ */

static uint8_t *vend_reserve(void *ctx, size_t n)
{
	struct vend *end = ctx;

	return buf_reserve(&end->out, n);
}

static void vend_commit(void *ctx, size_t n)
{
	struct vend *end = ctx;

	buf_added(&end->out, n);
}

static void on_flush(void *ctx)
{
	serve(ctx);
}

static void vend_flush(void *ctx)
{
	struct vend *end = ctx;

	virtual_at(end->sub->net, end->sub->net->now_us, on_flush, end);
}

static void vend_info(void *ctx, struct subflow_info *out)
{
	struct vend *end = ctx;
	struct virtual_path *path = path_of(end);
	uint64_t rtt = 2 * path->delay_us + 1000;

	*out = (struct subflow_info){
		.srtt_us = rtt, .rttvar_us = rtt / 8, .min_rtt_us = rtt,
		.mss = 1400,
		.cwnd_bytes = path->rate_bps[end->side] * rtt / 1000000 + 14000,
		.inflight_bytes = end->unacked_bytes,
		.notsent_bytes = end->out.len,
		.acked_bytes = end->acked_bytes,
		.unacked_bytes = end->unacked_bytes,
		.quiet_us = end->sub->net->now_us - end->heard_us,
		.rate_bps = path->rate_bps[end->side],
		.pacing_bps = path->rate_bps[end->side],
	};
}

static void vend_lowat(void *ctx, size_t bytes)
{
	struct vend *end = ctx;

	end->lowat = bytes;
}

static void vend_pace(void *ctx, uint64_t bps)
{
}

static void vend_want_write(void *ctx, bool on)
{
	struct vend *end = ctx;

	if (on && !end->want_write && !end->busy)
		vend_flush(end);
	end->want_write = on;
}

static void on_connect(void *ctx);

static void retry(struct virtual_net *net, unsigned path, unsigned bundle)
{
	struct attempt *a = malloc(sizeof(*a));

	*a = (struct attempt){ net, path, bundle };
	virtual_at(net, net->now_us + RETRY_US + rand_below(&net->rand, RETRY_US),
	           on_connect, a);
}

/* A reset reaches the other end, unless the path is cut. */
static void on_peer_reset(void *ctx)
{
	struct vend *end = ctx;
	struct lane *lane = end->lane;

	end->sub->broken = true;
	if (!lane)
		return;
	end->lane = NULL;
	session_detach(lane);
	if (end->side == V_GATEWAY)
		retry(end->sub->net, end->sub->hello.path, end->sub->hello.bundle);
}

static void vend_drop(void *ctx, const char *why)
{
	struct vend *end = ctx;
	struct virtual_net *net = end->sub->net;

	end->lane = NULL;
	if (!path_of(end)->cut)
		virtual_at(net, net->now_us + path_of(end)->delay_us,
		           on_peer_reset, &end->sub->end[!end->side]);
	if (end->side == V_GATEWAY)
		retry(net, end->sub->hello.path, end->sub->hello.bundle);
}

static const struct subflow_ops vend_ops = {
	.reserve = vend_reserve, .commit = vend_commit, .flush = vend_flush,
	.info = vend_info, .set_lowat = vend_lowat, .set_pace = vend_pace,
	.want_write = vend_want_write, .drop = vend_drop,
};

/* The role's part: connecting, and one lane a path and bundle. */

static void attach(struct vend *end)
{
	struct virtual_net *net = end->sub->net;

	if (!end->sub->broken && !net->over[end->side])
		end->lane = session_attach(net->session[end->side],
		                           &end->sub->hello, &vend_ops, end);
	feed(end);
}

static void replace_old(struct virtual_net *net, const struct vsub *by)
{
	for (struct vsub *sub = net->subs; sub; sub = sub->next) {
		struct lane *lane = sub->end[V_CONCENTRATOR].lane;
		if (sub == by || !lane || sub->hello.path != by->hello.path ||
		    sub->hello.bundle != by->hello.bundle)
			continue;
		sub->end[V_CONCENTRATOR].lane = NULL;
		session_detach(lane);
	}
}

static void on_hello(void *ctx)
{
	struct vsub *sub = ctx;

	replace_old(sub->net, sub);
	attach(&sub->end[V_CONCENTRATOR]);
}

static void on_welcome(void *ctx)
{
	struct vsub *sub = ctx;

	attach(&sub->end[V_GATEWAY]);
}

static void on_connect(void *ctx)
{
	struct attempt a = *(struct attempt *)ctx;
	struct virtual_net *net = a.net;
	struct virtual_path *path = &net->args.path[a.path];

	free(ctx);
	if (path->cut) {
		retry(net, a.path, a.bundle);
		return;
	}
	struct vsub *sub = calloc(1, sizeof(*sub));
	sub->net = net;
	sub->hello = (struct wire_hello){ .version = WIRE_VERSION,
		.subflow_id = net->next_id++, .path = (uint8_t)a.path,
		.bundle = (uint8_t)a.bundle };
	for (int side = 0; side < 2; side++) {
		sub->end[side].sub = sub;
		sub->end[side].side = side;
		buf_init(&sub->end[side].out, PIPE_MAX);
		buf_init(&sub->end[side].in, PIPE_MAX);
	}
	sub->next = net->subs;
	net->subs = sub;
	net->made++;
	uint64_t at = net->now_us + CONNECT_RTTS * 2 * path->delay_us;
	virtual_at(net, at, on_hello, sub);
	virtual_at(net, at + path->delay_us, on_welcome, sub);
}

void virtual_break(struct virtual_net *net, unsigned path)
{
	for (struct vsub *sub = net->subs; sub; sub = sub->next)
		if (sub->hello.path == path && sub->end[V_GATEWAY].lane) {
			on_peer_reset(&sub->end[V_GATEWAY]);
			on_peer_reset(&sub->end[V_CONCENTRATOR]);
		}
}

void virtual_cut(struct virtual_net *net, unsigned path, bool cut)
{
	net->args.path[path].cut = cut;
}

/* The sessions' environment --------------------------------------------- */

static uint64_t side_now(void *ctx)
{
	struct side_ctx *c = ctx;

	return c->net->now_us;
}

static void on_tick(void *ctx)
{
	struct side_ctx *c = ctx;
	struct session *s = c->net->session[c->side];

	/* Only the latest armed time counts, as with a timer. */
	if (c->net->over[c->side] || c->net->tick_at[c->side] > c->net->now_us)
		return;
	c->net->tick_at[c->side] = UINT64_MAX;
	session_turn(s);
}

static void on_turn(void *ctx)
{
	struct side_ctx *c = ctx;

	if (!c->net->over[c->side])
		session_turn(c->net->session[c->side]);
}

static void side_work(void *ctx)
{
	struct side_ctx *c = ctx;

	virtual_at(c->net, c->net->now_us, on_turn, c);
}

static void side_deadline(void *ctx, uint64_t at_us)
{
	struct side_ctx *c = ctx;

	if (at_us == UINT64_MAX)
		return;
	if (at_us < c->net->now_us)
		at_us = c->net->now_us;
	c->net->tick_at[c->side] = at_us;
	virtual_at(c->net, at_us, on_tick, c);
}

static enum stream_end side_stream(void *ctx, struct stream *stream,
                                   const struct dest *dest,
                                   const struct addr *client,
                                   const struct stream_events **events,
                                   void **stream_ctx)
{
	struct side_ctx *c = ctx;

	return c->net->accept(c->net->ctx, stream, dest, events, stream_ctx);
}

static void side_settings(void *ctx, const struct wire_settings *settings)
{
}

static void side_over(void *ctx, const char *why)
{
	struct side_ctx *c = ctx;

	c->net->over[c->side] = why;
}

static const struct session_events side_events = {
	.now_us = side_now, .on_work = side_work, .on_deadline = side_deadline,
	.on_stream = side_stream, .on_settings = side_settings,
	.on_over = side_over,
};

struct virtual_net *virtual_create(const struct virtual_args *args,
                                   virtual_accept_fn *accept, void *ctx)
{
	struct virtual_net *net = calloc(1, sizeof(*net));

	net->args = *args;
	net->rand.state = args->seed;
	net->accept = accept;
	net->ctx = ctx;
	net->now_us = 1000000;
	for (int side = 0; side < 2; side++) {
		net->side[side] = (struct side_ctx){ net, side };
		struct session_args a = {
			.opens = side == V_GATEWAY,
			.memory_max = args->memory_max,
			.linger_us = args->linger_us,
			.give_up_us = side == V_GATEWAY ? 1500000 : 15000000,
			.policy = args->policy,
			.events = &side_events, .ctx = &net->side[side],
		};
		net->session[side] = session_create(&a);
	}
	for (unsigned p = 0; p < args->paths; p++)
		for (unsigned b = 0; b < args->bundles; b++)
			retry(net, p, b);
	return net;
}

void virtual_destroy(struct virtual_net *net)
{
	for (int side = 0; side < 2; side++) {
		net->over[side] = "destroyed";
		session_destroy(net->session[side]);
	}
	while (net->heap_len) { /* chunks and the like under way */
		struct event e = pop(net);
		if (e.fn == on_acked || e.fn == on_connect)
			free(e.ctx);
	}
	while (net->subs) {
		struct vsub *sub = net->subs;
		net->subs = sub->next;
		for (int side = 0; side < 2; side++) {
			while (sub->end[side].under_way) {
				struct chunk *chunk = sub->end[side].under_way;
				sub->end[side].under_way = chunk->next;
				free(chunk);
			}
			buf_finish(&sub->end[side].out);
			buf_finish(&sub->end[side].in);
		}
		free(sub);
	}
	free(net->heap);
	free(net);
}

struct session *virtual_session(struct virtual_net *net, int side)
{
	return net->session[side];
}

uint64_t virtual_now(const struct virtual_net *net)
{
	return net->now_us;
}

struct rand *virtual_rand(struct virtual_net *net)
{
	return &net->rand;
}

unsigned virtual_subflows_made(const struct virtual_net *net)
{
	return net->made;
}

const char *virtual_over(const struct virtual_net *net, int side)
{
	return net->over[side];
}
