/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see puppet.h. It checks the session's manners by the way: no op of a
 * lane that was dropped, no commit without reserve, no event after on_closed.
 */
#include "puppet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define START_US 1000000u
#define TURNS_AT_ONCE_MAX 1000 /* more of one instant: it spins */

static void check_manners(bool good)
{
	if (!good)
		abort();
}

/* The subflow ----------------------------------------------------------- */

static struct puppet_lane *alive(void *ctx)
{
	struct puppet_lane *l = ctx;

	check_manners(!l->dropped[0]);
	return l;
}

static uint8_t *on_reserve(void *ctx, size_t n)
{
	struct puppet_lane *l = alive(ctx);

	return l->full ? NULL : buf_reserve(&l->out, n);
}

static void on_commit(void *ctx, size_t n)
{
	struct puppet_lane *l = alive(ctx);

	check_manners(!l->full);
	buf_added(&l->out, n);
	l->sent_bytes += n;
}

static void on_flush(void *ctx)
{
	struct puppet_lane *l = alive(ctx);

	l->flushes++;
}

static void on_info(void *ctx, struct subflow_info *out)
{
	struct puppet_lane *l = alive(ctx);

	if (l->dying) { /* zeroes, as of a closed socket */
		*out = (struct subflow_info){ 0 };
		return;
	}
	if (!l->stalled)
		l->kernel_acked = l->sent_bytes - (l->stuck && l->sent_bytes);
	uint64_t window = l->window_bytes ? l->window_bytes : 1 << 20;
	uint64_t waits = l->sent_bytes - l->kernel_acked;
	*out = (struct subflow_info){
		.srtt_us = 20000 + 1000 * l->id, .rttvar_us = 2000,
		.min_rtt_us = 20000 + 1000 * l->id, .mss = 1400, .cwnd_bytes = window,
		.notsent_bytes = waits > window ? waits - window : 0,
		.acked_bytes = l->kernel_acked,
		.unacked_bytes = waits < window ? waits : window,
		.rate_bps = l->rate_bps ? l->rate_bps : 10000000,
		.pacing_bps = l->rate_bps ? l->rate_bps : 10000000,
		.quiet_us = l->quiet_us, .stuck = l->stuck, .spread_us = l->spread_us,
		.first_rtt_us = l->first_rtt_us,
	};
}

static void on_set_lowat(void *ctx, size_t bytes)
{
	struct puppet_lane *l = alive(ctx);

	check_manners(bytes > 0);
	l->lowat = bytes;
}

static void on_set_pace(void *ctx, uint64_t bps)
{
	struct puppet_lane *l = alive(ctx);

	l->pace_bps = bps;
}

static void on_want_write(void *ctx, bool on)
{
	struct puppet_lane *l = alive(ctx);

	l->want_write = on;
}

static void on_drop(void *ctx, const char *why)
{
	struct puppet_lane *l = alive(ctx);

	snprintf(l->dropped, sizeof(l->dropped), "%s", why);
	check_manners(l->dropped[0]);
	l->lane = NULL;
}

static const struct subflow_ops puppet_ops = {
	.reserve = on_reserve, .commit = on_commit, .flush = on_flush,
	.info = on_info, .set_lowat = on_set_lowat, .set_pace = on_set_pace,
	.want_write = on_want_write, .drop = on_drop,
};

/* The reader ------------------------------------------------------------ */

static struct reader *open_reader(void *ctx)
{
	struct reader *r = ctx;

	check_manners(!r->closed);
	return r;
}

static void call_hook(struct reader *r)
{
	bool inside = r->puppet->inside;

	r->puppet->inside = true;
	if (r->puppet->hook && r->stream)
		r->puppet->hook(r);
	r->puppet->inside = inside;
}

static void on_opened(void *ctx, const struct addr *bound)
{
	struct reader *r = open_reader(ctx);

	r->opened++;
	call_hook(r);
}

static void eat(struct reader *r, const uint8_t *p, size_t n)
{
	check_manners(n > 0);
	if (n > r->appetite)
		n = r->appetite;
	if (r->keep)
		memcpy(r->keep + r->received, p, n);
	r->appetite -= n;
	r->received += n;
}

static size_t on_data(void *ctx, struct iovec *parts, int count)
{
	struct reader *r = open_reader(ctx);
	uint64_t before = r->received;

	check_manners(count > 0 && count <= STREAM_PARTS_MAX && !r->finished);
	r->offers++;
	for (int i = 0; i < count; i++)
		eat(r, parts[i].iov_base, parts[i].iov_len);
	size_t n = (size_t)(r->received - before);
	call_hook(r);
	return n;
}

static void on_finished(void *ctx)
{
	struct reader *r = open_reader(ctx);

	check_manners(!r->finished);
	r->finished++;
	call_hook(r);
}

uint8_t puppet_pattern(uint64_t offset)
{
	return (uint8_t)(offset * 0x9e3779b97f4a7c15u >> 56);
}

static void write_more(struct reader *r)
{
	while (r->stream && r->written < r->to_write) {
		size_t n;
		uint8_t *to = stream_reserve(r->stream, &n);
		if (!to)
			return;
		if (n > r->to_write - r->written)
			n = r->to_write - r->written;
		for (size_t i = 0; i < n; i++)
			to[i] = puppet_pattern(r->written + i);
		r->written += n; /* on_writable may come inside of commit */
		stream_commit(r->stream, n);
	}
	if (r->stream && r->then_finish)
		stream_finish(r->stream);
}

void puppet_write(struct reader *r, uint64_t n, bool then_finish)
{
	r->to_write += n;
	r->then_finish = then_finish;
	write_more(r);
	puppet_turn(r->puppet);
}

static void on_writable(void *ctx)
{
	struct reader *r = open_reader(ctx);

	r->writable++;
	write_more(r);
	call_hook(r);
}

static void on_closed(void *ctx, enum stream_end end)
{
	struct reader *r = open_reader(ctx);

	r->closed++;
	r->end = end;
	r->stream = NULL;
}

static const struct stream_events reader_events = {
	.on_opened = on_opened, .on_data = on_data, .on_finished = on_finished,
	.on_writable = on_writable, .on_closed = on_closed,
};

static struct reader *new_reader(struct puppet *p)
{
	struct reader *r = &p->reader[p->reader_count++ % PUPPET_READERS_MAX];

	check_manners(!r->stream);
	*r = (struct reader){ .puppet = p, .appetite = SIZE_MAX,
	                      .keep = p->keep };
	return r;
}

/* The session ----------------------------------------------------------- */

static uint64_t on_now_us(void *ctx)
{
	struct puppet *p = ctx;

	p->clock_reads++;
	return p->now_us;
}

static void on_work(void *ctx)
{
	struct puppet *p = ctx;

	check_manners(!p->has_work);
	p->has_work = true;
}

static void on_deadline(void *ctx, uint64_t at_us)
{
	struct puppet *p = ctx;

	p->deadline_us = at_us;
}

static enum stream_end on_stream(void *ctx, struct stream *stream,
                                 const struct dest *dest,
                                 const struct addr *client,
                                 const struct stream_events **events,
                                 void **stream_ctx)
{
	struct puppet *p = ctx;

	if (p->accept != STREAM_END_FINISHED)
		return p->accept;
	struct reader *r = new_reader(p);
	r->stream = stream;
	r->dest = *dest;
	r->client = *client;
	*events = &reader_events;
	*stream_ctx = r;
	return STREAM_END_FINISHED;
}

static void on_tunnel(void *ctx, const struct wire_frame *frame)
{
	struct puppet *p = ctx;

	p->tunnel_seen++;
	p->tunnel = *frame;
}

static void on_settings(void *ctx, const struct wire_settings *settings)
{
	struct puppet *p = ctx;

	p->settings_seen++;
	p->settings = *settings;
}

static void on_suspect(void *ctx, const struct lane *lane)
{
	struct puppet *p = ctx;
	struct lane_stats stats;

	session_lane(lane, &stats);
	p->suspects += stats.suspect;
	p->recoveries += !stats.suspect;
}

static void on_over(void *ctx, const char *why)
{
	struct puppet *p = ctx;

	p->over++;
	snprintf(p->why, sizeof(p->why), "%s", why);
}

static const struct session_events puppet_events = {
	.now_us = on_now_us, .on_work = on_work, .on_deadline = on_deadline,
	.on_stream = on_stream,
	.on_settings = on_settings, .on_tunnel = on_tunnel, .on_suspect = on_suspect,
	.on_over = on_over,
};

void puppet_turn(struct puppet *p)
{
	unsigned turns = 0;

	while (p->has_work && !p->inside) {
		p->has_work = false;
		session_turn(p->session);
		check_manners(++turns < TURNS_AT_ONCE_MAX);
	}
}

void puppet_init(struct puppet *p, const struct puppet_args *args)
{
	memset(p, 0, sizeof(*p));
	p->now_us = START_US;
	p->deadline_us = UINT64_MAX;
	p->reader = calloc(PUPPET_READERS_MAX, sizeof(*p->reader));
	check_manners(p->reader);
	for (int i = 0; i < PUPPET_LANES_MAX; i++) {
		p->lane[i].puppet = p;
		buf_init(&p->lane[i].out, PUPPET_OUT_MAX);
	}
	struct session_args a = {
		.opens = args->opens,
		.memory_max = args->memory_max ? args->memory_max
		                               : SESSION_MEMORY_MIN,
		.linger_us = SESSION_LINGER_DEFAULT_US,
		.give_up_us = 15000000,
		.events = &puppet_events, .ctx = p,
	};
	session_policy_init(&a.policy,
	                    sched_find(args->scheduler ? args->scheduler
	                                               : "lowrtt"));
	p->session = session_create(&a);
	check_manners(p->session);
}

void puppet_finish(struct puppet *p)
{
	session_destroy(p->session);
	for (int i = 0; i < PUPPET_LANES_MAX; i++)
		buf_finish(&p->lane[i].out);
	for (unsigned i = 0; i < p->reader_count && i < PUPPET_READERS_MAX; i++)
		check_manners(!p->reader[i].stream);
	free(p->reader);
}

struct puppet_lane *puppet_attach_as(struct puppet *p, unsigned i,
                                     const struct wire_hello *hello)
{
	struct puppet_lane *l = &p->lane[i];

	check_manners(!l->lane);
	buf_take(&l->out, l->out.len);
	l->sent_bytes = l->kernel_acked = 0;
	l->stalled = l->full = l->dying = false;
	l->dropped[0] = 0;
	l->id = hello->subflow_id;
	l->lane = session_attach(p->session, hello, &puppet_ops, l);
	puppet_turn(p);
	return l->lane ? l : NULL;
}

struct puppet_lane *puppet_attach(struct puppet *p, unsigned i)
{
	struct puppet_lane *l = &p->lane[i];
	struct wire_hello hello = {
		.version = WIRE_VERSION, .path = (uint8_t)(i % WIRE_PATHS_MAX),
		.subflow_id = l->id ? l->id + PUPPET_LANES_MAX : i + 1,
	};

	return puppet_attach_as(p, i, &hello);
}

void puppet_detach(struct puppet_lane *l)
{
	struct lane *lane = l->lane;

	l->lane = NULL;
	session_detach(lane);
	puppet_turn(l->puppet);
}

/* The peer -------------------------------------------------------------- */

ssize_t puppet_say_bytes(struct puppet_lane *l, const void *p, size_t n)
{
	ssize_t used = session_input(l->lane, p, n);

	if (used >= 0)
		session_deliver(l->lane);
	puppet_turn(l->puppet);
	return used;
}

ssize_t puppet_say(struct puppet_lane *l, const struct wire_frame *frame)
{
	uint8_t bytes[WIRE_CONTROL_BYTES_MAX];
	size_t n = wire_encode(bytes, frame);

	return puppet_say_bytes(l, bytes, n);
}

ssize_t puppet_say_data(struct puppet_lane *l, uint32_t stream, uint64_t offset,
                        const void *p, uint32_t len, bool fin)
{
	uint8_t bytes[WIRE_DATA_HEADER_BYTES + WIRE_PIECE_BYTES_MAX];

	wire_encode_data_header(bytes, fin, stream, offset, len);
	if (len)
		memcpy(bytes + WIRE_DATA_HEADER_BYTES, p, len);
	return puppet_say_bytes(l, bytes, WIRE_DATA_HEADER_BYTES + len);
}

ssize_t puppet_say_open(struct puppet_lane *l, uint32_t stream)
{
	struct wire_frame open = { .type = WIRE_OPEN,
		.open = { stream, 65536, { { .family = AF_INET, .port = 80,
		          .ip = { 192, 0, 2, 1 } }, "" }, { 0 } } };

	return puppet_say(l, &open);
}

ssize_t puppet_say_credit(struct puppet_lane *l, uint32_t stream,
                          uint64_t offset_max)
{
	struct wire_frame credit = { .type = WIRE_CREDIT,
	                             .credit = { stream, offset_max } };

	return puppet_say(l, &credit);
}

ssize_t puppet_say_ack(struct puppet_lane *l, const struct puppet_lane *of)
{
	struct wire_frame ack = { .type = WIRE_ACK,
	                          .ack = { of->id, of->sent_bytes } };

	return puppet_say(l, &ack);
}

bool puppet_hear(struct puppet_lane *l, struct wire_frame *out)
{
	const char *why = NULL;

	puppet_turn(l->puppet);
	if (!l->out.len)
		return false;
	ssize_t n = wire_decode(out, buf_head(&l->out), l->out.len, &why);
	check_manners(n > 0);
	/* The bytes stay where they are until more is reserved. */
	l->out.off += (size_t)n;
	l->out.len -= (size_t)n;
	return true;
}

bool puppet_hear_type(struct puppet_lane *l, uint8_t type,
                      struct wire_frame *out)
{
	while (puppet_hear(l, out))
		if (out->type == type)
			return true;
	return false;
}

void puppet_pass(struct puppet *p, uint64_t us)
{
	uint64_t until = p->now_us + us;
	unsigned turns = 0;

	puppet_turn(p);
	while (!p->over && p->deadline_us <= until) {
		if (p->deadline_us > p->now_us) {
			p->now_us = p->deadline_us;
			turns = 0;
		}
		p->deadline_us = UINT64_MAX;
		session_turn(p->session);
		puppet_turn(p);
		check_manners(++turns < TURNS_AT_ONCE_MAX);
	}
	p->now_us = until;
}

struct reader *puppet_open(struct puppet *p)
{
	struct dest dest = { { .family = AF_INET, .port = 80,
	                       .ip = { 192, 0, 2, 1 } }, "" };
	struct addr client = { 0 };
	struct reader *r = new_reader(p);

	r->stream = session_open(p->session, &dest, &client, &reader_events, r);
	puppet_turn(p);
	return r->stream ? r : NULL;
}

void puppet_feed(struct reader *r, size_t appetite)
{
	r->appetite = appetite;
	if (r->stream)
		stream_pull(r->stream);
	puppet_turn(r->puppet);
}
