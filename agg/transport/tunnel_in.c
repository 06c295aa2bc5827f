/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_in.h. What is not genuine changes nothing but a count, and is never
 * answered. What is genuine and yet not understood is dropped alone: a later version may
 * say more.
 */
#include "agg/transport/tunnel_in.h"

#include "agg/transport/tunnel_control.h"
#include "agg/transport/tunnel_keys.h"
#include "agg/transport/tunnel_mtu.h"
#include "agg/transport/tunnel_probe.h"
#include "agg/transport/tunnel_split.h"

#include <errno.h>
#include <string.h>

#define HELD_BYTES_MAX (4u << 20) /* of flows that are put in order */
/* 4 to 5 % of a core that seals at 1 GB/s. */
#define FORGED_MAX 4000u
#define FORGED_WINDOW_US 100000u

struct arrival {
	unsigned path;
	uint32_t epoch;
	uint64_t counter;
	size_t n;
	uint64_t waited_us;
	bool is_highest, ce;
};

/* An inner packet, to our side. */
static void deliver(void *ctx, struct packet *packet)
{
	struct tunnel *t = ctx;
	struct inspection in;

	if (inspect_packet(&in, packet_data(packet), packet->len) < 0) {
		t->refused[TUNNEL_MALFORMED]++;
		packet_put(packet);
		return;
	}
	packet->len = in.len; /* what is behind it is none of its */
	t->rx_packets++;
	t->rx_bytes += in.len;
	flows_heard(t->flows, &in, t->now_us);
	t->args.ops->deliver(t->args.ctx, packet, &in);
}

struct merge *tunnel_in_merge(struct tunnel *t)
{
	static const struct merge_ops ops = { .deliver = deliver };

	return merge_create(HELD_BYTES_MAX, t->args.budget, &ops, t);
}

static struct packet *keep(struct tunnel *t, const uint8_t *p, size_t n)
{
	struct packet *packet = n <= PACKET_LEN_MAX ? packet_get(t->args.pool) : NULL;

	if (!packet) {
		t->unkept++;
		return NULL;
	}
	packet->len = (uint16_t)n;
	memcpy(packet_data(packet), p, n);
	return packet;
}

static void take(struct tunnel *t, const struct arrival *a, const struct datagram *d)
{
	struct packet *packet = keep(t, d->body, d->body_len);

	if (!packet)
		return;
	if (d->type == DATAGRAM_PLAIN) {
		deliver(t, packet);
		return;
	}
	struct merge_order order = {
		.slot = d->ordered.slot, .sequence = d->ordered.sequence,
		.skip = d->ordered.skip, .paths = d->ordered.paths,
	};
	merge_put(t->merge, &order, a->path, packet, t->now_us);
}

static void take_half(struct tunnel *t, unsigned path, const struct datagram *d)
{
	struct packet *whole = tunnel_split_join(t, path, d);

	if (whole)
		deliver(t, whole);
}

static void note(struct tunnel *t, const struct arrival *a, const struct datagram *d)
{
	struct feedback_came came = {
		.epoch = a->epoch, .counter = a->counter, .sent = d->sent,
		.bytes = (uint32_t)a->n, .ce = a->ce,
		.asks = d->type == DATAGRAM_PLAIN || d->type == DATAGRAM_ORDERED ||
		        d->type == DATAGRAM_SPLIT ||
		        (d->type == DATAGRAM_PROBE && d->body_len),
	};

	tunnel_control_came(t, a->path, &came, t->now_us - a->waited_us);
}

static void on_feedback(struct tunnel *t, const struct datagram_feedback *feedback,
                        uint64_t waited_us)
{
	struct tunnel_path *p = &t->path[feedback->path];

	tunnel_probe_answered(t, feedback->path);
	tunnel_fit_told(&p->fit, feedback, p->srtt_us, t->now_us);
	tunnel_control_feedback(t, feedback, waited_us);
}

static void dispatch(struct tunnel *t, const struct arrival *a, const struct datagram *d)
{
	note(t, a, d);
	if (d->has_feedback)
		on_feedback(t, &d->feedback, a->waited_us);
	switch ((enum datagram_type)d->type) {
	case DATAGRAM_PLAIN:
	case DATAGRAM_ORDERED:
		take(t, a, d);
		break;
	case DATAGRAM_SPLIT:
		take_half(t, a->path, d);
		break;
	case DATAGRAM_PROBE:
		if (d->probe.nonce)
			tunnel_probe_asked(t, a->path, d->probe.nonce);
		break;
	case DATAGRAM_PROBE_ECHO:
		tunnel_probe_echoed(t, a->path, d->probe.nonce, t->now_us - a->waited_us);
		tunnel_mtu_echoed(t, a->path, d->probe.nonce);
		break;
	case DATAGRAM_FEEDBACK:
		break; /* alone */
	}
}

void tunnel_in_carried(struct tunnel *t, const uint8_t *p, size_t n)
{
	struct datagram d;

	if (datagram_decode(&d, p, n) == 0 && d.type == DATAGRAM_PLAIN && !d.has_feedback)
		take(t, &(struct arrival){ 0 }, &d);
	else
		t->refused[TUNNEL_MALFORMED]++;
}

/* What is known of the path by that it came. */
static void heard(struct tunnel *t, const struct arrival *a, const struct tunnel_ends *ends)
{
	struct tunnel_path *p = &t->path[a->path];
	unsigned moves = p->moves;

	p->rx_packets++;
	p->rx_bytes += a->n;
	p->rx_ce += a->ce;
	tunnel_probe_heard(t, a->path, ends, a->is_highest, a->n);
	if (p->moves != moves)
		tunnel_mtu_reset(t, a->path, ends->peer.family);
}

/* Of an index that somebody has seen he can have us open as many as he likes. When that
 * are too many, only those are opened that come from where the peer is. */
static bool is_flooded(struct tunnel *t, unsigned path, const struct tunnel_ends *ends)
{
	const struct tunnel_path *p = &t->path[path];

	if (t->now_us - t->forged_us >= FORGED_WINDOW_US) {
		t->forged_us = t->now_us;
		t->forged = 0;
	}
	return t->forged >= FORGED_MAX && ends && p->has_ends &&
	       !addr_equal(&ends->peer, &p->ends.peer);
}

void tunnel_in(struct tunnel *t, const struct tunnel_came *came, uint8_t *p, size_t n)
{
	struct datagram_header header;
	struct arrival a = { .n = n, .waited_us = came->waited_us, .ce = came->ce };
	struct datagram d;
	struct tunnel_epoch *epoch = NULL;

	if (datagram_read_header(&header, p, n) == 0)
		epoch = tunnel_keys_find(t, header.index);
	if (!epoch) {
		t->refused[TUNNEL_UNKNOWN]++;
		return;
	}
	if (is_flooded(t, header.path, came->ends)) {
		t->refused[TUNNEL_FORGED]++;
		return;
	}
	int err = datagram_key_open(epoch->key, &header, p, n, &a.counter, &a.is_highest);
	if (err) {
		t->refused[err == -EALREADY ? TUNNEL_REPLAYED : TUNNEL_FORGED]++;
		t->forged += err != -EALREADY;
		return;
	}
	a.path = header.path;
	a.epoch = epoch->key->epoch;
	tunnel_keys_used(t, epoch);
	heard(t, &a, came->ends);
	if (datagram_decode(&d, p + DATAGRAM_HEADER_BYTES, n - DATAGRAM_SEAL_BYTES) == 0)
		dispatch(t, &a, &d);
	else
		t->refused[TUNNEL_MALFORMED]++;
}
