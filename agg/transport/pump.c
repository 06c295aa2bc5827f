/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the pump: what goes out now, and where. Control frames first, each on
 * the best live lane; then pieces, bundle by bundle: the streams with work in
 * turn, a piece each, on the lane that the scheduler picks, until no lane has
 * room (then their writability is asked for) or no stream has work.
 *
 * A bundle offers one lane per path: its own, or one that it may share, or,
 * while those are down, any other. So a stream is never stuck with a
 * half-connected bundle.
 */
#include "agg/transport/session_impl.h"

#include <string.h>
#include <utlist.h>

#define PUMP_ROUNDS_MAX 64 /* re-entries through on_writable in one go */

void pump_todo(struct stream *stream, uint8_t todo)
{
	stream->todo |= todo;
	if (stream->is_todo)
		return;
	stream->is_todo = true;
	DL_APPEND2(stream->session->todo, stream, todo_prev, todo_next);
}

void pump_ready(struct stream *stream)
{
	struct session *s = stream->session;
	bool ready = stream_has_work(stream);

	if (ready == stream->is_ready)
		return;
	stream->is_ready = ready;
	if (ready)
		DL_APPEND2(s->ready[stream->bundle], stream, ready_prev, ready_next);
	else
		DL_DELETE2(s->ready[stream->bundle], stream, ready_prev, ready_next);
}

void pump_unready(struct stream *stream)
{
	struct session *s = stream->session;

	if (!stream->is_ready)
		return;
	stream->is_ready = false;
	DL_DELETE2(s->ready[stream->bundle], stream, ready_prev, ready_next);
}

static void fill_todo(struct stream *stream, uint8_t todo,
                      struct wire_frame *frame)
{
	memset(frame, 0, sizeof(*frame));
	switch (todo) {
	case TODO_OPEN:
		frame->type = WIRE_OPEN;
		frame->open.stream = stream->id;
		frame->open.credit = (uint32_t)stream->granted_max;
		frame->open.dest = stream->dest;
		frame->open.client = stream->client;
		break;
	case TODO_ACCEPT:
		frame->type = WIRE_ACCEPT;
		frame->accept.stream = stream->id;
		frame->accept.bound = stream->bound;
		break;
	case TODO_CREDIT:
		frame->type = WIRE_CREDIT;
		frame->credit.stream = stream->id;
		frame->credit.offset_max = stream->granted_max;
		break;
	case TODO_CLASS:
		frame->type = WIRE_CLASS;
		frame->class.stream = stream->id;
		frame->class.class = stream->bulk;
		break;
	case TODO_RESET:
		frame->type = WIRE_RESET;
		frame->reset.stream = stream->id;
		frame->reset.end = stream->end;
		frame->reset.offset = stream->out.end;
		break;
	}
}

/* Sends what the stream has to say, lowest bit first: OPEN before all. */
static bool send_todo(struct stream *stream)
{
	struct wire_frame frame;

	if (stream->closing)
		stream->todo &= TODO_RESET | TODO_OPEN;
	while (stream->todo) {
		uint8_t todo = stream->todo & (uint8_t)-stream->todo;
		struct lane *lane = lane_best(stream->session, stream->bundle);
		if (!lane)
			return false;
		fill_todo(stream, todo, &frame);
		if (lane_send(lane, &frame, todo, stream->id) == 0)
			stream->todo &= (uint8_t)~todo;
	}
	return true;
}

static void send_controls(struct session *s)
{
	struct stream *stream, *tmp;
	struct lane *lane;

	if (s->settings_todo && (lane = lane_best(s, 0))) {
		struct wire_frame frame = { .type = WIRE_SETTINGS,
		                            .settings = s->settings };
		s->settings_todo = lane_send(lane, &frame, 0, 0) < 0;
	}
	DL_FOREACH_SAFE2(s->todo, stream, tmp, todo_next) {
		if (!send_todo(stream))
			return;
		stream->is_todo = false;
		DL_DELETE2(s->todo, stream, todo_prev, todo_next);
	}
}

/* What was received on any lane is acknowledged on the best one. */
static void send_acks(struct session *s)
{
	struct lane *lane, *by;

	DL_FOREACH(s->lanes, lane) {
		if (!lane->ack_due_us || lane->ack_due_us > s->now_us)
			continue;
		struct wire_frame frame = {
			.type = WIRE_ACK,
			.ack = { lane->hello.subflow_id, lane->rx_bytes },
		};
		do {
			by = lane_best(s, lane->hello.bundle);
		} while (by && lane_send(by, &frame, 0, 0) < 0);
		if (!by)
			return;
		lane->rx_acked = lane->rx_bytes;
		lane->ack_due_us = 0;
		lane->must_acknowledge = false;
	}
}

/* The lanes that a bundle may use now, one a path, and how they look. */
struct offer {
	unsigned bundle;
	struct lane *lanes[WIRE_PATHS_MAX];
	struct sched_path paths[WIRE_PATHS_MAX];
	unsigned count;
	bool room;
};

/* May a bundle's streams use the lane at any time? Their own; and the young
 * streams, of all bundles but 0, share theirs: one burst then gets the windows
 * of several connections, like a browser's. Bulk leaves those alone. */
static bool shares(const struct lane *lane, unsigned bundle)
{
	return lane->hello.bundle == bundle || (lane->hello.bundle && bundle);
}

static int rank(const struct lane *lane, unsigned bundle)
{
	bool own = lane->hello.bundle == bundle;
	bool room = lane_room(lane) > 0;

	if (!lane_is_good(lane))
		return 0;
	if (!shares(lane, bundle))
		return 1; /* where the path has no other */
	return room ? own ? 4 : 3 : 2;
}

static struct lane *choose_lane(struct session *s, unsigned path,
                                unsigned bundle)
{
	struct lane *lane, *best = NULL;
	int best_rank = 0;

	DL_FOREACH(s->lanes, lane) {
		if (lane->hello.path != path)
			continue;
		lane_refresh(lane, INFO_AGE_US);
		int r = rank(lane, bundle);
		if (!best || r > best_rank ||
		    (r == best_rank && lane->since_us > best->since_us)) {
			best = lane;
			best_rank = r;
		}
	}
	return best;
}

static void fill_path(struct offer *offer, unsigned i, struct lane *lane)
{
	offer->lanes[i] = lane;
	lane_sched_path(lane, &offer->paths[i]);
}

static void note_room(struct offer *offer)
{
	offer->room = false;
	for (unsigned i = 0; i < offer->count; i++)
		offer->room |= offer->paths[i].room_bytes > 0;
}

static void make_offer(struct session *s, unsigned bundle, struct offer *out)
{
	out->bundle = bundle;
	out->count = 0;
	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++) {
		struct lane *lane = choose_lane(s, p, bundle);
		if (lane)
			fill_path(out, out->count++, lane);
	}
	note_room(out);
}

/* The lane took something: how it looks now, or the one in its place. */
static void renew_path(struct session *s, struct offer *offer, unsigned i)
{
	struct lane *lane = offer->lanes[i];

	if (!lane_room(lane))
		lane = choose_lane(s, lane->hello.path, offer->bundle);
	fill_path(offer, i, lane);
}

static void describe_unit(const struct stream *stream, const struct offer *offer,
                          struct sched_unit *unit)
{
	const struct session *s = stream->session;
	uint8_t tried = stream->again ? stream->again->path_mask : 0;

	*unit = (struct sched_unit){
		.kind = stream->again ? SCHED_REINJECT : SCHED_STREAM,
		.len_bytes = stream->again ? stream->again->len
		                           : WIRE_PIECE_BYTES_MAX,
		.remaining_bytes = stream->fin_wanted ?
			stream->out.end - stream->next_offset : SCHED_UNKNOWN,
		.sent_bytes = stream->next_offset,
		.queued_bytes = stream->starved ? SCHED_UNKNOWN
		                                : s->unsent[stream->bundle],
		.window_bytes = stream->peer_max - stream->next_offset,
	};
	for (unsigned i = 0; i < offer->count; i++)
		if (tried & 1u << offer->lanes[i]->hello.path)
			unit->tried_mask |= 1u << i;
	/* All were tried: the same path, newly connected, is as good. */
	if (unit->tried_mask == (1u << offer->count) - 1)
		unit->tried_mask = 0;
}

static void pick(struct stream *stream, const struct offer *offer,
                 struct sched_decision *out)
{
	struct session *s = stream->session;
	struct sched_unit unit;
	struct sched_view view = { s->now_us, offer->paths, offer->count, &unit };

	describe_unit(stream, offer, &unit);
	s->args.policy.scheduler[stream->bulk]->pick(s->instance[stream->bulk],
	                                             stream->scope, &view, out);
}

/* Gives one piece to each lane of the mask: the first cuts it. A lane that
 * cannot take it is full from now on. False: there is no memory for a piece. */
static bool send_piece(struct stream *stream, struct offer *offer, uint32_t mask)
{
	struct piece *piece = NULL;

	for (unsigned i = 0; i < offer->count; i++) {
		struct lane *lane = offer->lanes[i];
		if (!(mask & 1u << i))
			continue;
		if (!piece)
			piece = stream_next_piece(stream, lane_piece_bytes(lane));
		if (!piece)
			break;
		lane_send_piece(lane, piece);
		renew_path(stream->session, offer, i);
	}
	if (!piece)
		return false;
	if (!piece->copies)
		stream_piece_unsent(piece);
	note_room(offer);
	return true;
}

/* A burst that proved large goes on as bulk. */
static void note_bulk(struct stream *stream)
{
	const struct session *s = stream->session;

	if (!stream->class_fixed &&
	    stream->burst_bytes >= s->args.policy.bulk_after_bytes)
		stream_change_class(stream, STREAM_BULK);
}

/* One turn of a stream: true if a piece went out, or found a lane full. */
static bool serve(struct stream *stream, struct offer *offer)
{
	struct session *s = stream->session;
	struct sched_decision decision = { 0 };

	pick(stream, offer, &decision);
	if (decision.verdict != SCHED_SEND) {
		if (decision.recheck_us < s->wait_until_us)
			s->wait_until_us = decision.recheck_us;
		return false;
	}
	bool sent = send_piece(stream, offer, decision.mask);
	pump_unready(stream);
	note_bulk(stream);
	pump_ready(stream);
	return sent;
}

static void pump_bundle(struct session *s, unsigned bundle)
{
	struct offer offer;
	struct stream *stream, *next;
	struct lane *lane;
	bool sent = true;

	if (!s->ready[bundle])
		return;
	make_offer(s, bundle, &offer);
	while (sent && offer.room && s->ready[bundle] &&
	       s->retained < SESSION_RETAIN_MAX) {
		sent = false;
		for (stream = s->ready[bundle]; stream && offer.room; stream = next) {
			next = stream->ready_next;
			sent |= serve(stream, &offer);
		}
	}
	if (!s->ready[bundle])
		return;
	DL_FOREACH(s->lanes, lane)
		if (shares(lane, bundle))
			lane->wants_write |= lane_is_backlogged(lane);
}

static void flush_lanes(struct session *s)
{
	struct lane *lane;

	DL_FOREACH(s->lanes, lane) {
		if (lane->touched)
			lane->ops->flush(lane->ctx);
		lane->touched = false;
		lane->ops->want_write(lane->ctx, lane->wants_write || lane->full);
	}
}

static void notify_owners(struct session *s)
{
	struct stream *stream, *tmp;

	DL_FOREACH_SAFE2(s->starved, stream, tmp, starved_next)
		stream_notify_space(stream);
}

void pump(struct session *s)
{
	if (s->pumping) {
		s->pump_again = true;
		return;
	}
	s->pumping = true;
	for (int round = 0; round < PUMP_ROUNDS_MAX; round++) {
		struct lane *lane;
		DL_FOREACH(s->lanes, lane)
			lane->wants_write = false;
		s->pump_again = false;
		s->wait_until_us = UINT64_MAX;
		lane_path_rtts(s);
		send_controls(s);
		send_acks(s);
		for (unsigned b = WIRE_BUNDLES_MAX; b > 0; b--)
			pump_bundle(s, b - 1);
		notify_owners(s);
		if (!s->pump_again)
			break;
	}
	if (s->pump_again) /* the rest in the next turn */
		s->wait_until_us = s->now_us;
	flush_lanes(s);
	s->pumping = false;
}
