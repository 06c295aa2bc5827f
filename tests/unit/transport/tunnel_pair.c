/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_pair.h.
 */
#include "tunnel_pair.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NONCES (1u << 20)
#define FRAME_DELAY_US 15000u
#define CARRY_BPS 1000000u       /* bytes/s that a session carries, */
#define CARRY_BACKLOG_US 10000u /* of which so much may wait */
#define HEADERS 28u /* of IPv4 and UDP */

uint64_t pair_random(struct pair *p)
{
	p->rng ^= p->rng << 13, p->rng ^= p->rng >> 7, p->rng ^= p->rng << 17;
	return p->rng;
}

/* On the wire ---------------------------------------------------------------- */

/* A set of what was used: index, path and the low counter name a nonce and its key. */
static void assert_fresh_nonce(struct pair *p, const uint8_t *bytes, size_t n)
{
	struct datagram_header h;

	assert(datagram_read_header(&h, bytes, n) == 0);
	uint64_t id = (uint64_t)h.index << 32 ^ (uint64_t)h.path << 56 ^ h.counter;
	size_t at = (size_t)(id * UINT64_C(0x9e3779b97f4a7c15) >> 44) % NONCES;
	for (; p->nonces[at]; at = (at + 1) % NONCES)
		assert(p->nonces[at] != id + 1);
	p->nonces[at] = id + 1;
	assert(++p->nonce_count < NONCES / 2);
}

static void fly(struct pair *p, const struct pair_datagram *d)
{
	struct pair_datagram **at = &p->flying, *copy = malloc(sizeof(*copy));

	assert(copy);
	*copy = *d;
	while (*at && (*at)->at_us <= d->at_us)
		at = &(*at)->next;
	copy->next = *at;
	*at = copy;
}

static struct addr gateway_addr(unsigned path, uint16_t port)
{
	return (struct addr){ .family = AF_INET, .port = port,
	                      .ip = { 192, 0, 2, (uint8_t)(path + 1) } };
}

static struct tunnel_ends ends_of(unsigned path, uint16_t port)
{
	return (struct tunnel_ends){
		.peer = gateway_addr(path, port),
		.local = { .family = AF_INET, .port = 443, .ip = { 198, 51, 100, 1 } },
	};
}

static uint64_t arrival_us(struct pair *p, unsigned from, struct pair_path *path, size_t n)
{
	uint64_t start = path->free_us[from] > p->now_us ? path->free_us[from] : p->now_us;
	uint64_t jitter = path->jitter_us ? pair_random(p) % path->jitter_us : 0;

	if (path->rate_bps)
		start += n * 1000000 / path->rate_bps;
	path->free_us[from] = start;
	if (path->late_ppm && pair_random(p) % 1000000 < path->late_ppm)
		start += path->late_us;
	return start + path->delay_us + path->more_us[from] + jitter;
}

static void transmit(struct pair *p, unsigned from, unsigned number, uint8_t *bytes, size_t n)
{
	struct pair_path *path = &p->path[number];
	struct pair_datagram d = { .to = !from, .path = number, .n = n };
	uint16_t towards = p->side[from].ends[number].peer.port;

	assert_fresh_nonce(p, bytes, n);
	p->side[from].sent[number]++;
	if (p->tap && !p->tap(p, from, number, bytes, n))
		return;
	if (path->mtu && n + HEADERS > path->mtu)
		return;
	if (path->cut[from] || pair_random(p) % 1000000 < path->loss_ppm)
		return;
	if (from == PAIR_CONCENTRATOR && towards != path->port)
		return; /* nobody is there any more */
	d.ends = ends_of(number, path->port);
	d.at_us = arrival_us(p, from, path, n + HEADERS);
	memcpy(d.bytes, bytes, n);
	fly(p, &d);
}

void pair_inject(struct pair *p, unsigned to, unsigned path, uint16_t port,
                 const uint8_t *bytes, size_t n)
{
	struct pair_datagram d = { .to = to, .path = path, .n = n, .at_us = p->now_us,
	                           .ends = ends_of(path, port) };

	assert(n <= sizeof(d.bytes));
	memcpy(d.bytes, bytes, n);
	fly(p, &d);
}

/* What a tunnel asks for ------------------------------------------------------ */

/* What its clock says. */
static uint64_t now_us(void *ctx)
{
	struct pair_side *side = ctx;
	int64_t now = (int64_t)side->pair->now_us;

	return (uint64_t)(now + now * side->ppm / 1000000) + side->clock_us;
}

/* When its clock says that, or a little later. */
static uint64_t when_us(const struct pair_side *side, uint64_t at_us)
{
	if (at_us == UINT64_MAX)
		return at_us;
	if (at_us < side->clock_us)
		return 0;
	at_us -= side->clock_us;
	return side->ppm ? at_us * 1000000 / (uint64_t)(1000000 + side->ppm) + 2 : at_us;
}

static void on_work(void *ctx)
{
	struct pair_side *side = ctx;

	assert(!side->noted);
	side->noted = true;
}

static void on_deadline(void *ctx, uint64_t at_us)
{
	struct pair_side *side = ctx;

	side->deadline_us = when_us(side, at_us);
}

static void fill_random(void *ctx, uint8_t *p, size_t n)
{
	struct pair_side *side = ctx;

	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(pair_random(side->pair) >> 24);
}

static int take_index(void *ctx, uint32_t *index)
{
	struct pair_side *side = ctx;

	*index = (uint32_t)pair_random(side->pair);
	return 0;
}

static void drop_index(void *ctx, uint32_t index)
{
}

static uint8_t *reserve(void *ctx, unsigned path, size_t n)
{
	struct pair_side *side = ctx;
	unsigned from = (unsigned)(side - side->pair->side);

	assert(n <= sizeof(side->scratch));
	return side->pair->path[path].busy[from] ? NULL : side->scratch;
}

static void commit(void *ctx, unsigned path, size_t n)
{
	struct pair_side *side = ctx;

	transmit(side->pair, (unsigned)(side - side->pair->side), path, side->scratch, n);
}

static void flush(void *ctx)
{
}

static void on_moved(void *ctx, unsigned path, const struct tunnel_ends *ends)
{
	struct pair_side *side = ctx;

	side->ends[path] = *ends;
}

static void on_dead(void *ctx, unsigned path)
{
	struct pair_side *side = ctx;

	side->deaths++;
}

static uint64_t get(const uint8_t *p, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value = value << 8 | p[i];
	return value;
}

static void put(uint8_t *p, uint64_t value, unsigned bytes)
{
	for (unsigned i = bytes; i > 0; i--, value >>= 8)
		p[i - 1] = (uint8_t)value;
}

static void deliver(void *ctx, struct packet *packet, const struct inspection *in)
{
	struct pair_side *side = ctx;
	const uint8_t *p = packet_data(packet);
	uint32_t seq = (uint32_t)get(p + HEADERS, 4);
	uint64_t way_us = side->pair->now_us - get(p + HEADERS + 4, 8);

	side->bytes += packet->len;
	side->marked += in->ecn == INSPECT_CE;
	side->of_host[p[15]]++;
	if (side->pieces_only) {
		side->received++;
		packet_put(packet);
		return;
	}
	assert(in->len == packet->len && seq < PAIR_SEQ_MAX);
	for (size_t i = HEADERS + 12; i < packet->len; i++)
		assert(p[i] == (uint8_t)(seq + i));
	side->received++;
	side->doubles += side->seen[seq];
	side->seen[seq] = 1;
	side->disordered += side->received > 1 && seq < side->highest;
	if (seq > side->highest)
		side->highest = seq;
	if (way_us > side->worst_us)
		side->worst_us = way_us;
	packet_put(packet);
}

static void answer(void *ctx, struct packet *packet)
{
	struct pair_side *side = ctx;
	const uint8_t *p = packet_data(packet);

	assert(p[0] == 0x45 && p[9] == IPPROTO_ICMP && p[20] == 3 && p[21] == 4);
	side->answers++;
	side->answered_mtu = (uint16_t)get(p + 26, 2);
	packet_put(packet);
}

/* At the rate of a path: so many at once, and then time must pass. */
static bool carry(void *ctx, const uint8_t *p, size_t n)
{
	struct pair_side *side = ctx;
	struct pair_datagram d = { .to = !(side - side->pair->side), .is_frame = true,
		.n = n, .at_us = side->pair->now_us + FRAME_DELAY_US };

	if (!side->carries || side->carry_us > side->pair->now_us + CARRY_BACKLOG_US)
		return false;
	if (!p)
		return true;
	if (side->carry_us < side->pair->now_us)
		side->carry_us = side->pair->now_us;
	side->carry_us += n * 1000000 / CARRY_BPS;
	assert(n <= sizeof(d.bytes));
	memcpy(d.bytes, p, n);
	d.frame.type = WIRE_DATAGRAM;
	fly(side->pair, &d);
	return true;
}

static void say(void *ctx, const struct wire_frame *frame)
{
	struct pair_side *side = ctx;
	struct pair_datagram d = { .to = !(side - side->pair->side), .is_frame = true,
	                           .frame = *frame,
	                           .at_us = side->pair->now_us + FRAME_DELAY_US };

	side->frames++;
	if (!side->silent)
		fly(side->pair, &d);
}

static const struct tunnel_ops ops = {
	.now_us = now_us, .on_work = on_work, .on_deadline = on_deadline,
	.random = fill_random, .take_index = take_index, .drop_index = drop_index,
	.reserve = reserve, .commit = commit, .flush = flush, .on_moved = on_moved,
	.on_dead = on_dead, .deliver = deliver, .answer = answer,
	.carry = carry, .say = say,
};

/* The pair --------------------------------------------------------------------- */

static void make(struct pair *p, unsigned side)
{
	struct pair_side *s = &p->side[side];
	struct tunnel_args args = {
		.is_gateway = side == PAIR_GATEWAY,
		.session_id = { 1, 2, 3 },
		.suite = p->suite[side],
		.pool = s->pool,
		.queue_bytes_max = 1u << 20,
		.budget = &s->tables,
		.renew_packets = p->renew_packets,
		.epoch_kept_us = p->epoch_kept_us,
		.ops = &ops,
		.ctx = s,
	};

	s->noted = false;
	s->deadline_us = UINT64_MAX;
	s->tunnel = tunnel_create(&args);
	assert(s->tunnel);
}

void pair_init(struct pair *p)
{
	uint64_t renew_packets = p->renew_packets, kept_us = p->epoch_kept_us;

	*p = (struct pair){ .suite = { p->suite[0], p->suite[1] },
	                    .now_us = 1000000, .rng = 88172645463325252u,
	                    .renew_packets = renew_packets, .epoch_kept_us = kept_us };
	p->nonces = calloc(NONCES, sizeof(*p->nonces));
	assert(p->nonces);
	for (unsigned i = 0; i < TUNNEL_PATHS_MAX; i++)
		p->path[i] = (struct pair_path){ .delay_us = 10000,
		                                 .port = (uint16_t)(40000 + i) };
	for (unsigned i = 0; i < PAIR_SIDES; i++) {
		p->side[i].pair = p;
		p->side[i].pool = packet_pool_create(4096, NULL);
		assert(p->side[i].pool);
		budget_init(&p->side[i].tables, UINT64_MAX, NULL);
		make(p, i);
	}
}

void pair_finish(struct pair *p)
{
	while (p->flying) {
		struct pair_datagram *d = p->flying;
		p->flying = d->next;
		free(d);
	}
	for (unsigned i = 0; i < PAIR_SIDES; i++) {
		tunnel_destroy(p->side[i].tunnel);
		assert(!packet_pool_used(p->side[i].pool));
		assert(!p->side[i].tables.used);
		packet_pool_destroy(p->side[i].pool);
	}
	free(p->nonces);
	*p = (struct pair){ 0 };
}

void pair_restart(struct pair *p, unsigned side)
{
	tunnel_destroy(p->side[side].tunnel);
	make(p, side);
}

void pair_up(struct pair *p, unsigned path)
{
	tunnel_renewed(p->side[PAIR_GATEWAY].tunnel, path, AF_INET);
	tunnel_path(p->side[PAIR_GATEWAY].tunnel, path, TUNNEL_PATH_UP, 0);
}

static void turns(struct pair *p)
{
	for (unsigned i = 0; i < PAIR_SIDES; i++) {
		struct pair_side *s = &p->side[i];
		if (!s->noted && s->deadline_us > p->now_us)
			continue;
		s->noted = false;
		if (s->deadline_us <= p->now_us)
			s->deadline_us = UINT64_MAX; /* a timer goes off once */
		tunnel_turn(s->tunnel);
		assert(s->deadline_us > p->now_us || s->noted);
	}
}

static void arrive(struct pair *p)
{
	while (p->flying && p->flying->at_us <= p->now_us) {
		struct pair_datagram *d = p->flying;
		struct tunnel *t = p->side[d->to].tunnel;
		p->flying = d->next;
		if (d->is_frame && d->frame.type == WIRE_DATAGRAM)
			d->frame.datagram = (struct wire_datagram){ d->bytes, (uint32_t)d->n };
		if (d->is_frame)
			assert(tunnel_frame(t, &d->frame) == 0);
		else
			tunnel_input(t, &(struct tunnel_came){
				.ends = d->to == PAIR_GATEWAY ? NULL : &d->ends }, d->bytes, d->n);
		free(d);
	}
}

static uint64_t next_us(const struct pair *p)
{
	uint64_t at = p->flying ? p->flying->at_us : UINT64_MAX;

	for (unsigned i = 0; i < PAIR_SIDES; i++) {
		if (p->side[i].noted)
			return p->now_us;
		if (p->side[i].deadline_us < at)
			at = p->side[i].deadline_us;
	}
	return at;
}

void pair_run(struct pair *p, uint64_t us)
{
	uint64_t end_us = p->now_us + us, at;

	while ((at = next_us(p)) <= end_us) {
		if (at > p->now_us)
			p->now_us = at;
		arrive(p);
		turns(p);
	}
	p->now_us = end_us;
}

void pair_send(struct pair *p, unsigned side, uint16_t flow, size_t n)
{
	struct pair_side *s = &p->side[side];
	struct packet *packet = packet_get(s->pool);
	uint32_t seq = s->next_seq++;

	assert(packet && n >= HEADERS + 12);
	uint8_t *b = packet_data(packet);
	memset(b, 0, HEADERS);
	packet->len = (uint16_t)n;
	b[0] = 0x45;
	b[1] = s->tos;
	put(b + 2, n, 2);
	b[6] = 0x40; /* DF */
	b[8] = 64;
	b[9] = IPPROTO_UDP;
	memcpy(b + 12, (uint8_t[]){ 192, 168, 1, 2, 203, 0, 113, 5 }, 8);
	if (s->host)
		b[15] = s->host;
	put(b + 20, flow, 2);
	put(b + 22, 9000, 2);
	put(b + 24, n - 20, 2);
	put(b + HEADERS, seq, 4);
	put(b + HEADERS + 4, p->now_us, 8);
	for (size_t i = HEADERS + 12; i < n; i++)
		b[i] = (uint8_t)(seq + i);
	tunnel_put(s->tunnel, packet);
}

void pair_load(struct pair *p, unsigned per_s, uint64_t us)
{
	uint64_t end_us = p->now_us + us;

	while (p->now_us < end_us) {
		for (unsigned side = 0; side < PAIR_SIDES; side++)
			pair_send(p, side, 1000, 40 + pair_random(p) % 1200);
		pair_run(p, 1000000 / per_s);
	}
}

struct tunnel_stats pair_stats(const struct pair *p, unsigned side)
{
	struct tunnel_stats stats;

	tunnel_stats(p->side[side].tunnel, &stats);
	return stats;
}

void pair_begin(struct pair *p, unsigned paths)
{
	pair_init(p);
	for (unsigned i = 0; i < paths; i++)
		pair_up(p, i);
	pair_run(p, 200000);
}

bool pair_is_usable(const struct pair *p, unsigned side, unsigned path)
{
	return pair_stats(p, side).path[path].usable;
}
