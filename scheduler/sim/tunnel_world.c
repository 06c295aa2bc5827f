/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_world.h. A datagram waits in a ring of its link, by the number of
 * its frame; what the link has no room for is overwritten by the next.
 */
#include "scheduler/sim/tunnel_world.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_US 1000u
#define S_US UINT64_C(1000000)
#define RING_MAX 16384u       /* datagrams in a link; a power of two */
#define RING_MIN 128u
#define DATAGRAM_MIN 100u     /* bytes on the wire: so many fit */
#define WIRE_MORE 46u         /* IPv4, UDP, Ethernet with FCS */
#define IP_UDP 28u
#define FRAME_US 15000u       /* the session's frames take so long */
#define FRAMES_MAX 64u
#define POOL 32768u
#define QUEUE_BYTES (8u << 20)
#define TURN_US 20u           /* of the loop: what comes together is done together */
#define CALL_PACKET 160u
#define CALL_GAP_US 20000u
#define DELAYS_MAX (1u << 18)
#define SEEN_WORDS (1u << 13)
#define HELLO_US 1000000u     /* said again */
#define HELLO 1200u           /* of a handshake: its round trip is the first measured */
#define EVENTS 4096u
#define HELD_MAX 4096u        /* frames that come while an end does not run */

struct payload { /* of every packet, behind its headers */
	uint32_t flow, number;
	uint64_t sent_us;
	uint8_t back;             /* against the flow's direction */
	struct link_frame frame;  /* QUIC */
};

struct datagram_slot {
	uint32_t n;
	uint8_t bytes[DATAGRAM_BYTES_MAX];
};

struct way { /* one direction of a path */
	struct tunnel_world *w;
	struct link link;
	unsigned path;
	bool from_gateway;
	struct datagram_slot *ring;
	uint32_t ring_size, next;
};

struct side {
	struct tunnel_world *w;
	struct tunnel *tunnel;
	struct packet_pool *pool;
	struct event work, deadline, frames_event;
	struct { uint64_t at_ns; struct wire_frame frame; } frames[FRAMES_MAX];
	unsigned frame_first, frame_end;
	struct event stall;
	bool stalled, turn_due;
	struct { struct link_frame frame; uint64_t at_us; } held[HELD_MAX]; /* came meanwhile */
	unsigned held_count;
	uint8_t scratch[DATAGRAM_BYTES_MAX];
};

struct flow_state {
	struct tunnel_world *w;
	unsigned number;
	struct tunnel_world_flow_args args;
	struct event next;
	struct tcp tcp[2];        /* the sender, the receiver */
	struct link link[2];      /* of them, diverted */
	uint32_t count[2];        /* packets so far, forth and back */
	uint64_t hello_us;
	/* what arrived */
	uint32_t high, base;      /* base: the first number that is measured */
	uint32_t back_high;
	uint64_t last_us;
	uint64_t seen[SEEN_WORDS];
	struct tunnel_world_flow figures;
};

struct tunnel_world {
	struct events events;
	struct rand rand;
	struct side side[2];      /* the gateway, the concentrator */
	struct way ways[TUNNEL_PATHS_MAX][2]; /* from the gateway, to it */
	unsigned path_count;
	struct flow_state *flows[TUNNEL_WORLD_FLOWS];
	unsigned flow_count;
	uint64_t measured_us;
	uint64_t run_us, stall_us;
};

static uint64_t clock_us(const struct tunnel_world *w)
{
	return w->events.now_ns / NS_PER_US;
}

static bool is_gateway(const struct side *s) { return s == &s->w->side[0]; }

/* What a tunnel asks for ------------------------------------------------------ */

static uint64_t now_us(void *ctx)
{
	const struct side *s = ctx;

	return clock_us(s->w);
}

static void on_work(void *ctx)
{
	struct side *s = ctx;

	event_set(&s->w->events, &s->work, s->w->events.now_ns + TURN_US * NS_PER_US);
}

static void on_deadline(void *ctx, uint64_t at_us)
{
	struct side *s = ctx;

	if (at_us == UINT64_MAX)
		event_clear(&s->w->events, &s->deadline);
	else
		event_set(&s->w->events, &s->deadline, at_us * NS_PER_US);
}

static void turn(void *ctx)
{
	struct side *s = ctx;

	s->turn_due = s->stalled;
	if (!s->stalled)
		tunnel_turn(s->tunnel);
}

static void stall(struct side *s, uint64_t mean_us)
{
	double us = -log(1 - rand_unit(&s->w->rand)) * (double)mean_us;

	event_set(&s->w->events, &s->stall,
	          s->w->events.now_ns + (uint64_t)(us * NS_PER_US));
}

static void fill_random(void *ctx, uint8_t *p, size_t n)
{
	struct side *s = ctx;

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)rand_u64(&s->w->rand);
}

static int take_index(void *ctx, uint32_t *index)
{
	struct side *s = ctx;

	*index = (uint32_t)rand_u64(&s->w->rand);
	return 0;
}

static void drop_index(void *ctx, uint32_t index)
{
}

static uint8_t *reserve(void *ctx, unsigned path, size_t n)
{
	struct side *s = ctx;

	return s->scratch;
}

static void commit(void *ctx, unsigned path, size_t n)
{
	struct side *s = ctx;
	struct way *way = &s->w->ways[path][!is_gateway(s)];
	struct datagram_slot *slot = &way->ring[way->next % way->ring_size];
	struct link_frame frame = { .to = way, .segment = way->next,
	                            .bytes = (uint16_t)(n + WIRE_MORE) };
	uint32_t tail = way->link.tail;

	slot->n = (uint32_t)n;
	memcpy(slot->bytes, s->scratch, n);
	link_push(&way->link, &frame);
	way->next += way->link.tail != tail; /* else there was no room */
}

static void flush(void *ctx)
{
}

static void take(struct side *to, const struct link_frame *frame, uint64_t waited_us)
{
	struct way *way = frame->to;
	struct datagram_slot *slot = &way->ring[frame->segment % way->ring_size];
	struct tunnel_ends ends = {
		.peer = { .family = AF_INET, .port = 40000,
		          .ip = { 192, 0, 2, (uint8_t)(way->path + 1) } },
		.local = { .family = AF_INET, .port = 443, .ip = { 198, 51, 100, 1 } },
	};

	struct tunnel_came came = { .ends = way->from_gateway ? &ends : NULL,
	                            .waited_us = waited_us };

	tunnel_input(to->tunnel, &came, slot->bytes, slot->n);
}

static void on_frame(const struct link_frame *frame)
{
	struct way *way = frame->to;
	struct side *to = &way->w->side[way->from_gateway];

	if (!to->stalled) {
		take(to, frame, 0);
	} else if (to->held_count < HELD_MAX) {
		to->held[to->held_count].frame = *frame;
		to->held[to->held_count++].at_us = clock_us(way->w);
	}
}

/* It has run, or not run, for so long. */
static void on_stall(void *ctx)
{
	struct side *s = ctx;

	s->stalled = !s->stalled;
	stall(s, s->stalled ? s->w->stall_us : s->w->run_us);
	if (s->stalled)
		return;
	for (unsigned i = 0; i < s->held_count; i++)
		take(s, &s->held[i].frame, clock_us(s->w) - s->held[i].at_us);
	s->held_count = 0;
	if (s->turn_due)
		turn(s);
}

static void say(void *ctx, const struct wire_frame *frame)
{
	struct side *s = ctx;
	unsigned at = s->frame_end++ % FRAMES_MAX;

	s->frames[at].frame = *frame;
	s->frames[at].at_ns = s->w->events.now_ns + FRAME_US * NS_PER_US;
	if (!event_is_set(&s->frames_event))
		event_set(&s->w->events, &s->frames_event, s->frames[at].at_ns);
}

static void frame_arrives(void *ctx)
{
	struct side *s = ctx;
	struct side *to = &s->w->side[is_gateway(s)];

	tunnel_frame(to->tunnel, &s->frames[s->frame_first++ % FRAMES_MAX].frame);
	if (s->frame_first != s->frame_end)
		event_set(&s->w->events, &s->frames_event,
		          s->frames[s->frame_first % FRAMES_MAX].at_ns);
}

/* Packets ----------------------------------------------------------------------- */

static void put(uint8_t *p, uint32_t value, unsigned bytes)
{
	for (unsigned i = bytes; i > 0; i--, value >>= 8)
		p[i - 1] = (uint8_t)value;
}

/* back: against the flow's direction. */
static void send_packet(struct flow_state *f, bool back, uint32_t len,
                        const struct link_frame *frame)
{
	struct side *s = &f->w->side[f->args.up == back];
	struct packet *packet = packet_get(s->pool);
	struct payload payload = { .flow = f->number, .number = f->count[back]++,
		.sent_us = clock_us(f->w), .back = back };
	uint16_t there = 443, here = (uint16_t)(10000 + f->number);

	if (!packet)
		return;
	if (frame)
		payload.frame = *frame;
	if (len < IP_UDP + sizeof(payload))
		len = IP_UDP + sizeof(payload);
	uint8_t *b = packet_data(packet);
	memset(b, 0, IP_UDP);
	packet->len = (uint16_t)len;
	b[0] = 0x45;
	b[1] = (uint8_t)(f->args.dscp << 2);
	put(b + 2, len, 2);
	b[8] = 64;
	b[9] = IPPROTO_UDP;
	bool from_lan = s == &f->w->side[0];
	put(b + 12, from_lan ? 0xc0a80102 : 0xcb007105, 4);
	put(b + 16, from_lan ? 0xcb007105 : 0xc0a80102, 4);
	put(b + 20, from_lan ? here : there, 2);
	put(b + 22, from_lan ? there : here, 2);
	put(b + 24, len - 20, 2);
	memcpy(b + IP_UDP, &payload, sizeof(payload));
	if (!back)
		f->figures.sent++;
	tunnel_put(s->tunnel, packet);
}

static bool is_first(struct flow_state *f, uint32_t number)
{
	uint64_t bit = UINT64_C(1) << number % 64;
	uint64_t *word = &f->seen[number / 64 % SEEN_WORDS];

	/* What is ahead begins a word anew. */
	if (number > f->high)
		for (uint32_t at = f->high / 64 + 1; at <= number / 64; at++)
			f->seen[at % SEEN_WORDS] = 0;
	bool first = !(*word & bit);
	*word |= bit;
	return first;
}

static void note(struct flow_state *f, const struct payload *payload, uint32_t len)
{
	struct tunnel_world_flow *out = &f->figures;
	uint64_t now = clock_us(f->w), way_us = now - payload->sent_us;

	if (!is_first(f, payload->number)) {
		out->twice++;
		return;
	}
	if (payload->number < f->base)
		return;
	out->received++;
	out->bytes += len;
	out->disordered += payload->number < f->high;
	if (payload->number > f->high)
		f->high = payload->number;
	if (way_us > out->oldest_us)
		out->oldest_us = way_us;
	if (f->last_us && now - f->last_us > out->gap_us) {
		out->gap_us = now - f->last_us;
		out->gap_at_us = f->last_us;
	}
	f->last_us = now;
	if (out->delay_count < DELAYS_MAX)
		out->delays_us[out->delay_count++] = (uint32_t)way_us;
}

static void note_back(struct flow_state *f, uint32_t number)
{
	f->figures.back++;
	f->figures.back_disordered += number < f->back_high;
	if (number > f->back_high)
		f->back_high = number;
}

static void begin_quic(struct flow_state *f, uint64_t rtt_us);

static void deliver(void *ctx, struct packet *p, const struct inspection *in)
{
	struct side *s = ctx;
	struct payload payload;
	uint32_t len = p->len;

	/* Where a path's size shrinks the tunnel cuts packets: the first piece says whose. */
	bool ours = in->fragment != INSPECT_FRAGMENT_OTHER;
	memcpy(&payload, packet_data(p) + IP_UDP, sizeof(payload));
	packet_put(p);
	if (!ours)
		return;
	struct flow_state *f = s->w->flows[payload.flow];
	if (payload.back)
		note_back(f, payload.number);
	else
		note(f, &payload, len);
	if (f->args.kind != TUNNEL_WORLD_QUIC)
		return;
	if (payload.frame.to)
		tcp_on_frame(&payload.frame);
	else if (!payload.back)
		send_packet(f, true, HELLO, NULL);
	else if (!f->tcp[0].events)
		begin_quic(f, clock_us(s->w) - f->hello_us);
}

static const struct tunnel_ops ops = {
	.now_us = now_us, .on_work = on_work, .on_deadline = on_deadline,
	.random = fill_random, .take_index = take_index, .drop_index = drop_index,
	.reserve = reserve, .commit = commit, .flush = flush, .deliver = deliver,
	.say = say,
};

/* Flows ------------------------------------------------------------------------- */

static void quic_sends(void *ctx, const struct link_frame *frame)
{
	struct flow_state *f = ctx;
	bool back = frame->to == &f->tcp[0];

	send_packet(f, back, frame->bytes >= TCP_MSS ? TUNNEL_WORLD_PACKET : frame->bytes,
	            frame);
}

static void quic_arrived(void *ctx)
{
	struct flow_state *f = ctx;

	tcp_read(&f->tcp[1]);
}

static void quic_sent(void *ctx)
{
}

static const struct tcp_events quic_events = { quic_arrived, quic_sent };

static void begin_quic(struct flow_state *f, uint64_t rtt_us)
{
	struct tunnel_world *w = f->w;

	for (unsigned i = 0; i < 2; i++) {
		struct tcp_args args = {
			.link = &f->link[i], .events = &w->events, .owner = &quic_events,
			.ctx = f, .cc = f->args.cc, .rand = &w->rand,
			.rtt_us = rtt_us, .quic = true,
		};
		f->link[i].divert = quic_sends;
		f->link[i].divert_ctx = f;
		if (tcp_init(&f->tcp[i], &args, &f->tcp[!i]) < 0)
			abort();
	}
	for (unsigned i = 0; i < 2; i++) {
		f->tcp[i].peer = &f->tcp[!i];
		f->tcp[i].window_end = UINT32_MAX;
	}
	tcp_write(&f->tcp[0], UINT64_C(1) << 40);
}

static void on_next(void *ctx)
{
	struct flow_state *f = ctx;
	uint64_t now = clock_us(f->w), gap_us = CALL_GAP_US;
	uint32_t len = f->args.packet ? f->args.packet : TUNNEL_WORLD_PACKET;

	if (f->args.kind == TUNNEL_WORLD_QUIC) {
		if (f->tcp[0].events)
			return;
		f->hello_us = now;
		send_packet(f, false, HELLO, NULL);
		event_set(&f->w->events, &f->next, f->next.at_ns + HELLO_US * NS_PER_US);
		return;
	}
	if (now >= f->args.until_us)
		return;
	if (f->args.kind == TUNNEL_WORLD_CALL) {
		send_packet(f, false, CALL_PACKET, NULL);
		send_packet(f, true, CALL_PACKET, NULL);
	} else {
		send_packet(f, false, len, NULL);
		gap_us = len * S_US / f->args.rate_bps;
	}
	event_set(&f->w->events, &f->next, f->next.at_ns + gap_us * NS_PER_US);
}

unsigned tunnel_world_add(struct tunnel_world *w,
                          const struct tunnel_world_flow_args *args)
{
	struct flow_state *f = calloc(1, sizeof(*f));

	if (!f || w->flow_count == TUNNEL_WORLD_FLOWS)
		abort();
	f->w = w;
	f->number = w->flow_count;
	f->args = *args;
	if (!f->args.until_us)
		f->args.until_us = UINT64_MAX;
	f->figures.delays_us = calloc(DELAYS_MAX, sizeof(uint32_t));
	if (!f->figures.delays_us)
		abort();
	event_init(&f->next, on_next, f);
	w->flows[w->flow_count] = f;
	event_set(&w->events, &f->next, args->from_us * NS_PER_US);
	return w->flow_count++;
}

/* The world --------------------------------------------------------------------- */

static uint32_t ring_size(const struct world_link *args)
{
	uint64_t us = args->delay_us + args->jitter_us;
	uint64_t bytes = args->queue_bytes + args->rate_bps * us / S_US;
	uint32_t size = RING_MIN;

	while (size < RING_MAX && size / 2 < bytes / DATAGRAM_MIN)
		size *= 2;
	return size;
}

static int make_way(struct tunnel_world *w, unsigned path, bool from_gateway,
                    const struct world_link *args)
{
	struct way *way = &w->ways[path][!from_gateway];

	*way = (struct way){ .w = w, .path = path, .from_gateway = from_gateway };
	way->ring_size = ring_size(args);
	way->ring = calloc(way->ring_size, sizeof(*way->ring));
	if (!way->ring)
		return -ENOMEM;
	return link_init(&way->link, args, &w->events, rand_u64(&w->rand), 0, on_frame);
}

static int make_side(struct tunnel_world *w, unsigned i)
{
	struct side *s = &w->side[i];
	struct tunnel_args args = {
		.is_gateway = i == 0, .session_id = { 1, 2, 3 },
		.suite = AEAD_AES_128_GCM_SHA256, .queue_bytes_max = QUEUE_BYTES,
		.ops = &ops, .ctx = s,
	};

	s->w = w;
	event_init(&s->work, turn, s);
	event_init(&s->deadline, turn, s);
	event_init(&s->stall, on_stall, s);
	event_init(&s->frames_event, frame_arrives, s);
	args.pool = s->pool = packet_pool_create(POOL, NULL);
	if (!s->pool)
		return -ENOMEM;
	s->tunnel = tunnel_create(&args);
	return s->tunnel ? 0 : -errno;
}

struct tunnel_world *tunnel_world_create(const struct tunnel_world_args *args)
{
	struct tunnel_world *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return NULL;
	events_init(&w->events, 0);
	w->rand.state = args->seed;
	w->path_count = args->path_count;
	err = events_reserve(&w->events, EVENTS);
	w->events.now_ns = 1000 * NS_PER_US;
	for (unsigned i = 0; !err && i < args->path_count; i++) {
		err = make_way(w, i, true, &args->paths[i].up);
		err = err ? err : make_way(w, i, false, &args->paths[i].down);
	}
	for (unsigned i = 0; !err && i < 2; i++)
		err = make_side(w, i);
	if (err) {
		tunnel_world_destroy(w);
		errno = -err;
		return NULL;
	}
	for (unsigned i = 0; i < args->path_count; i++)
		tunnel_path(w->side[0].tunnel, i, TUNNEL_PATH_UP, 0);
	w->run_us = args->run_us;
	w->stall_us = args->stall_us;
	for (unsigned i = 0; i < 2 && args->stall_us; i++)
		stall(&w->side[i], args->run_us);
	return w;
}

void tunnel_world_destroy(struct tunnel_world *w)
{
	for (unsigned i = 0; i < w->flow_count; i++) {
		struct flow_state *f = w->flows[i];
		if (f->tcp[0].events) {
			tcp_finish(&f->tcp[0]);
			tcp_finish(&f->tcp[1]);
		}
		free(f->figures.delays_us);
		free(f);
	}
	for (unsigned i = 0; i < 2; i++) {
		tunnel_destroy(w->side[i].tunnel);
		packet_pool_destroy(w->side[i].pool);
	}
	for (unsigned i = 0; i < w->path_count; i++)
		for (unsigned k = 0; k < 2; k++) {
			link_finish(&w->ways[i][k].link);
			free(w->ways[i][k].ring);
		}
	events_finish(&w->events);
	free(w);
}

struct tunnel *tunnel_world_tunnel(struct tunnel_world *w, bool gateway)
{
	return w->side[!gateway].tunnel;
}

void tunnel_world_run(struct tunnel_world *w, uint64_t until_us)
{
	uint64_t until_ns = until_us * NS_PER_US;

	while (events_next_ns(&w->events) <= until_ns)
		events_step(&w->events);
	w->events.now_ns = until_ns;
}

void tunnel_world_measure(struct tunnel_world *w)
{
	w->measured_us = clock_us(w);
	for (unsigned i = 0; i < w->flow_count; i++) {
		struct flow_state *f = w->flows[i];
		uint32_t *delays_us = f->figures.delays_us;
		f->figures = (struct tunnel_world_flow){ .delays_us = delays_us };
		f->base = f->count[0];
		f->last_us = w->measured_us;
	}
}

const struct tunnel_world_flow *tunnel_world_flow(const struct tunnel_world *w,
                                                  unsigned flow)
{
	return &w->flows[flow]->figures;
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

uint32_t tunnel_world_delay_us(struct tunnel_world *w, unsigned flow, double share)
{
	struct tunnel_world_flow *f = &w->flows[flow]->figures;

	if (!f->delay_count)
		return UINT32_MAX;
	qsort(f->delays_us, f->delay_count, sizeof(*f->delays_us), compare);
	return f->delays_us[(size_t)((double)(f->delay_count - 1) * share)];
}

void tunnel_world_cut(struct tunnel_world *w, unsigned path, bool down, bool up,
                      bool cut)
{
	if (up)
		link_cut(&w->ways[path][0].link, cut);
	if (down)
		link_cut(&w->ways[path][1].link, cut);
}
