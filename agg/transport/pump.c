/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the pump: what goes out now, and where. Control frames first, each on
 * the best live lane; then pieces: the stream that is first in the policy's
 * order offers one, and it goes on the lane that the scheduler picks, or the
 * stream is passed over; until no lane has room (then their writability is
 * asked for) or no stream has work.
 *
 * A class has one candidate per path: of those that it may use the one that
 * would be rid of a piece first, or, while they are down, any other. So no
 * stream is stuck with a half-connected bundle.
 */
#include "agg/transport/pump.h"

#include "agg/transport/deep.h"
#include "agg/transport/lane.h"
#include "agg/transport/overdue.h"
#include "agg/transport/reinject.h"
#include "agg/transport/send.h"
#include "agg/transport/work.h"

#include <string.h>
#include <utlist.h>

#define RECHECK_US 5000u
#define FLUSH_BYTES 262144u /* are sent at once, while they are in the cache */

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

static enum stream_class class_of(const struct stream *stream)
{
	return stream->bulk ? STREAM_BULK : STREAM_INTERACTIVE;
}

/* Sends what the stream has to say, lowest bit first: OPEN before all. */
static bool send_todo(struct stream *stream)
{
	struct session *s = stream->session;
	struct wire_frame frame;

	if (stream->closing)
		stream->todo &= TODO_RESET | TODO_OPEN;
	while (stream->todo) {
		uint8_t todo = stream->todo & (uint8_t)-stream->todo;
		struct lane *lane = lane_best_but(s, class_of(stream),
		                                  stream->todo_late);
		if (!lane)
			return false;
		uint64_t before = lane->tx_bytes;
		fill_todo(stream, todo, &frame);
		if (lane_send(lane, &frame, todo, stream->id) < 0)
			continue;
		stream->todo &= (uint8_t)~todo;
		if (!stream->todo_late)
			continue;
		s->again_bytes[REINJECT_OVERDUE] += lane->tx_bytes - before;
		flights_at(&lane->flights, lane->flights.len - 1)->redone = true;
	}
	stream->todo_late = 0;
	return true;
}

static void send_refusals(struct session *s)
{
	struct refused *r = &s->refused;
	struct lane *lane;

	while (r->len && (lane = lane_best(s, STREAM_INTERACTIVE))) {
		struct wire_frame frame = {
			.type = WIRE_RESET,
			.reset = { .stream = r->ids[r->len - 1],
			           .end = STREAM_END_LIMIT },
		};
		if (lane_send(lane, &frame, TODO_REFUSE, frame.reset.stream) == 0)
			r->len--;
	}
}

/* Sent, or never said. */
static bool send_said(struct lane *lane, const struct wire_frame *frame)
{
	return !frame->type || lane_send(lane, frame, 0, 0) == 0;
}

static void send_settings(struct session *s)
{
	struct wire_frame frame = { .type = WIRE_SETTINGS, .settings = s->settings };
	struct lane *lane;

	if (s->settings_todo && (lane = lane_best(s, STREAM_BULK)))
		s->settings_todo = !send_said(lane, &frame);
	if (s->tunnel_todo && (lane = lane_best(s, STREAM_BULK)))
		s->tunnel_todo = !send_said(lane, &s->tunnel_key) ||
		                 !send_said(lane, &s->tunnel_net);
}

static void send_controls(struct session *s)
{
	struct stream *stream, *tmp;

	send_settings(s);
	send_refusals(s);
	DL_FOREACH_SAFE2(s->todo, stream, tmp, todo_next) {
		if (!send_todo(stream))
			return;
		stream->is_todo = false;
		DL_DELETE2(s->todo, stream, todo_prev, todo_next);
	}
}

/* On the lane that was asked; the last question stands for those before it. */
static void send_pongs(struct session *s)
{
	struct lane *lane;

	DL_FOREACH(s->lanes, lane) {
		struct wire_frame pong = { .type = WIRE_PONG,
		                           .ping.stamp = lane->pong_stamp };
		if (lane->pong_due && !lane->full)
			lane->pong_due = lane_send(lane, &pong, 0, 0) < 0;
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
			by = lane_best(s, lane_class(lane));
		} while (by && lane_send(by, &frame, 0, 0) < 0);
		if (!by)
			return;
		lane->rx_acked = lane->rx_bytes;
		lane->ack_due_us = 0;
		lane->must_acknowledge = false;
	}
}

/* The lanes that a class may use now, one a path, and how they look. */
struct candidates {
	const struct session *session; /* borrowed */
	enum stream_class class;
	struct lane *lanes[SCHED_PATHS_MAX];
	struct sched_path paths[SCHED_PATHS_MAX];
	unsigned count;
	bool room;
	bool stale;              /* the other class sent something */
};

/* One filling of the lanes. */
struct filling {
	struct session *session; /* borrowed */
	struct candidates candidates[STREAM_CLASS_COUNT]; /* made when asked for */
	struct stream *passed[ORDER_LOOKAHEAD];
	unsigned passed_count;
	uint64_t passed_bytes;   /* thought to be left of them */
};

/* 2: for this class. Bundle 0 is for bulk, which leaves the others alone; where
 * bulk yields, interactive streams may use it too. 1: only where the path has
 * no other. 0: not now. */
static int rank(const struct lane *lane, enum stream_class class)
{
	if (!lane_is_good(lane) || lane_rests(lane))
		return 0;
	return lane_class(lane) == class ||
	       (class == STREAM_INTERACTIVE &&
	        lane->session->args.policy.order->bulk_yields) ? 2 : 1;
}

/* The lanes of a path share its queue, but each paces itself: a slow one that
 * has room is worse than a fast one that will have it soon. */
static struct lane *choose_lane(const struct session *s, unsigned path,
                                enum stream_class class)
{
	struct lane *lane, *best = NULL;
	uint64_t best_us = 0;
	int best_rank = 0;

	DL_FOREACH(s->lanes, lane) {
		if (lane->hello.path != path)
			continue;
		int r = rank(lane, class);
		uint64_t us = lane_drain_us(lane);
		if (!best || r > best_rank || (r == best_rank && us < best_us)) {
			best = lane;
			best_rank = r;
			best_us = us;
		}
	}
	return best;
}

/* The window of a path is that of all lanes that may be used. */
static void look(struct candidates *among, unsigned i)
{
	struct lane *lane, *chosen = among->lanes[i];

	lane_sched_path(chosen, &among->paths[i]);
	DL_FOREACH(among->session->lanes, lane)
		if (lane != chosen && lane->hello.path == chosen->hello.path &&
		    rank(lane, among->class) == 2)
			among->paths[i].cwnd_bytes += lane->info.cwnd_bytes;
}

static void note_room(struct candidates *among)
{
	among->room = false;
	for (unsigned i = 0; i < among->count; i++)
		among->room |= among->paths[i].room_bytes > 0;
}

/* How path i looks now that its lane took something. */
static void renew_path(struct candidates *among, unsigned i)
{
	among->lanes[i] = choose_lane(among->session, among->lanes[i]->hello.path,
	                              among->class);
	look(among, i);
}

static void find_candidates(const struct session *s, enum stream_class class,
                       struct candidates *out)
{
	*out = (struct candidates){ .session = s, .class = class };
	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++) {
		if (s->resting & 1u << p)
			continue;
		out->lanes[out->count] = choose_lane(s, p, class);
		if (out->lanes[out->count])
			look(out, out->count++);
	}
	note_room(out);
}

/* What is thought to be left of a stream (order.h), and what goes again. Where
 * its source is not held back, what waits is all there is. */
static uint64_t left_bytes(const struct stream *stream)
{
	return stream->again_bytes + order_left(send_remaining(stream),
		stream->starved ? stream->burst_bytes : 0,
		send_unsent(stream));
}

/* Bytes that wait, up to the end of this stream; in turn, those of all. */
static uint64_t queued_bytes(const struct filling *f, const struct stream *stream)
{
	const struct session *s = f->session;
	uint64_t left = f->passed_bytes + left_bytes(stream);

	return s->args.policy.order->in_turn && s->queued[stream->bulk] > left ?
		s->queued[stream->bulk] : left;
}

static enum sched_unit_kind kind_of(const struct stream *stream)
{
	const struct piece *piece = stream->again;

	if (!piece)
		return SCHED_STREAM;
	return piece->copies > piece->stuck && !piece->hurries ? SCHED_DOUBLE
	                                                         : SCHED_REINJECT;
}

static void describe_unit(const struct filling *f, const struct stream *stream,
                          struct sched_unit *unit)
{
	const struct candidates *among = &f->candidates[stream->bulk];
	unsigned tried = stream->again ? stream->again->path_mask : 0;

	*unit = (struct sched_unit){
		.kind = kind_of(stream),
		.len_bytes = stream->again ? stream->again->len
		                           : WIRE_PIECE_BYTES_MAX,
		.remaining_bytes = send_remaining(stream),
		.left_bytes = left_bytes(stream),
		.sent_bytes = stream->burst_bytes,
		.pending_bytes = send_unsent(stream),
		.ahead_bytes = f->passed_bytes,
		.queued_bytes = queued_bytes(f, stream),
		.window_bytes = stream->peer_max - send_head(stream),
	};
	for (unsigned i = 0; i < among->count; i++)
		if (tried & 1u << among->lanes[i]->hello.path)
			unit->tried_mask |= 1u << i;
	/* All were tried: the same path, newly connected, is as good. */
	if (unit->tried_mask == (1u << among->count) - 1)
		unit->tried_mask = 0;
}

/* Gives one piece to each lane of the mask: the first cuts it. A lane that
 * cannot take it is full from now on. False: there is no memory for a piece. */
static bool send_piece(struct stream *stream, struct candidates *among, uint32_t mask,
                       uint64_t from)
{
	struct piece *piece = NULL;

	for (unsigned i = 0; i < among->count; i++) {
		struct lane *lane = among->lanes[i];
		if (!(mask & 1u << i))
			continue;
		if (!piece)
			piece = send_next_piece(stream, lane_piece_bytes(lane),
			                          lane->hello.path, from);
		if (!piece)
			break;
		if (lane_send_piece(lane, piece) == 0)
			send_tell_scheduler(stream, SCHED_EV_SENT,
			                    lane->hello.path, piece->len);
		if (lane->unflushed_bytes >= FLUSH_BYTES)
			lane_flush(lane);
		renew_path(among, i);
	}
	if (!piece)
		return false;
	if (!piece->copies)
		send_untaken(piece);
	note_room(among);
	return true;
}

/* A burst that proved large goes on as bulk. */
static void note_bulk(struct stream *stream)
{
	const struct session *s = stream->session;

	if (!stream->class_fixed && !stream->bulk &&
	    stream->burst_level >= s->args.policy.bulk_after_bytes)
		send_change_class(stream, STREAM_BULK);
}

/* A double is not queued, where others wait behind it that would go by another
 * path: it is thought of anew when there is room. False: it is passed over. */
static bool make_wait(struct stream *stream, struct candidates *among,
                 const struct sched_unit *unit,
                 const struct sched_decision *decision)
{
	struct session *s = stream->session;

	if (decision->recheck_us < s->wait_until_us)
		s->wait_until_us = decision->recheck_us;
	if (unit->kind != SCHED_DOUBLE)
		return false;
	among->lanes[decision->wait_for]->wants_write |=
		lane_is_backlogged(among->lanes[decision->wait_for]);
	reinject_withdraw(stream);
	send_list(stream);
	return true;
}

/* The scheduler's word on what deep pull leaves of the paths. */
static void decide(const struct filling *f, struct stream *stream,
                   const struct deep *deep, const struct sched_unit *unit,
                   struct sched_decision *out)
{
	struct session *s = f->session;
	const struct candidates *among = &f->candidates[stream->bulk];
	struct sched_path paths[SCHED_PATHS_MAX];
	struct sched_view view = { s->now_us, among->paths, among->count, unit };

	if (overdue_place(stream, among->lanes, &view, out))
		return;
	if (deep->left_out) {
		memcpy(paths, among->paths, among->count * sizeof(paths[0]));
		for (unsigned i = 0; i < among->count; i++)
			if (deep->left_out & 1u << i)
				paths[i].room_bytes = 0;
		view.paths = paths;
	}
	s->args.policy.scheduler[stream->bulk]->pick(s->instance[stream->bulk],
	                                             stream->scope, &view, out);
	/* Who waits for a path that was left out would wait for ever: the two
	 * order paths by different clocks. It takes from the head. */
	if (out->verdict == SCHED_WAIT && deep->left_out & 1u << out->wait_for)
		sched_send(out, out->wait_for);
}

/* Where each path has its own part, the first of them all is what several get. */
static uint64_t from_of(const struct deep *deep, uint32_t mask)
{
	uint64_t from = UINT64_MAX;

	for (unsigned i = 0; i < SCHED_PATHS_MAX; i++)
		if (mask & 1u << i && deep->from[i] < from)
			from = deep->from[i];
	return from;
}

static bool has_room(const struct candidates *among, uint32_t without)
{
	for (unsigned i = 0; i < among->count; i++)
		if (among->paths[i].room_bytes && !(without & 1u << i))
			return true;
	return false;
}

static void note_pick(struct session *s, const struct sched_decision *decision,
                      const struct sched_unit *unit)
{
	if (decision->verdict != SCHED_SEND)
		s->picks.waited++;
	else if (unit->kind == SCHED_DOUBLE || decision->mask & (decision->mask - 1))
		s->picks.again++;
	else
		s->picks.sent++;
}

/* One turn of a stream: true if a piece went out, or found a lane full. */
static bool serve(struct filling *f, struct stream *stream)
{
	struct candidates *among = &f->candidates[stream->bulk];
	struct sched_decision decision = { 0 };
	struct sched_unit unit;
	struct deep deep;

	deep_plan(stream, among->lanes, among->paths, among->count, &deep);
	if (!has_room(among, deep.left_out))
		return false;
	describe_unit(f, stream, &unit);
	decide(f, stream, &deep, &unit, &decision);
	note_pick(stream->session, &decision, &unit);
	if (decision.verdict != SCHED_SEND)
		return make_wait(stream, among, &unit, &decision);
	if (!send_piece(stream, among, decision.mask, from_of(&deep, decision.mask)))
		return false;
	f->candidates[!stream->bulk].stale = true;
	work_served(stream);
	note_bulk(stream);
	send_list(stream);
	return true;
}

static void pass_over(struct filling *f, struct stream *stream)
{
	f->passed_bytes += left_bytes(stream);
	f->passed[f->passed_count++] = stream;
	work_remove(stream);
}

static struct candidates *candidates_for(struct filling *f, enum stream_class class)
{
	struct candidates *among = &f->candidates[class];

	if (!among->count)
		find_candidates(f->session, class, among);
	for (unsigned i = 0; among->stale && i < among->count; i++)
		renew_path(among, i);
	if (among->stale)
		note_room(among);
	among->stale = false;
	return among;
}

/* Of the classes of the mask, and of those with room. NULL: none. */
static struct stream *next_stream(struct filling *f, unsigned classes)
{
	struct stream *best = NULL;

	for (unsigned c = 0; c < STREAM_CLASS_COUNT; c++) {
		struct stream *first = work_first(f->session,
		                                   (enum stream_class)c);
		if (first && (classes & 1u << c) &&
		    candidates_for(f, (enum stream_class)c)->room &&
		    (!best || work_before(first, best)))
			best = first;
	}
	return best;
}

/* Of the lanes that were chosen, and of those that could be. */
static void ask_writability(const struct candidates *among)
{
	struct lane *lane;

	for (unsigned i = 0; i < among->count; i++)
		among->lanes[i]->wants_write |= lane_is_backlogged(among->lanes[i]);
	DL_FOREACH(among->session->lanes, lane)
		if (rank(lane, among->class) == 2)
			lane->wants_write |= lane_is_backlogged(lane);
}

/* Where bulk yields, a share is kept for it of what goes before it. */
static void note_share(struct session *s, const uint64_t sent[STREAM_CLASS_COUNT])
{
	s->bulk_share -= sent[STREAM_BULK] < s->bulk_share ? sent[STREAM_BULK]
	                                                   : s->bulk_share;
	if (s->args.policy.order->bulk_yields && s->ready[STREAM_BULK].len)
		s->bulk_share += sent[STREAM_INTERACTIVE] / BULK_SHARE;
	if (s->bulk_share > BULK_SHARE_MAX)
		s->bulk_share = BULK_SHARE_MAX;
}

/* Serves the classes' streams until there is no room, or most bytes are sent.
 * Those passed over keep their turn. */
static void fill_lanes(struct session *s, unsigned classes, uint64_t most)
{
	struct filling f = { .session = s };
	uint64_t sent[STREAM_CLASS_COUNT] = { 0 };
	struct stream *stream;

	while (sent[STREAM_INTERACTIVE] + sent[STREAM_BULK] < most &&
	       f.passed_count < ORDER_LOOKAHEAD &&
	       (stream = next_stream(&f, classes))) {
		uint64_t before = send_sent(stream);
		bool bulk = stream->bulk;
		if (!serve(&f, stream))
			pass_over(&f, stream);
		sent[bulk] += send_sent(stream) - before;
	}
	for (unsigned i = 0; i < f.passed_count; i++)
		work_put_back(f.passed[i]);
	for (unsigned c = 0; c < STREAM_CLASS_COUNT; c++)
		if (f.candidates[c].count && work_first(s, (enum stream_class)c))
			ask_writability(&f.candidates[c]);
	note_share(s, sent);
}

/* Where bulk yields the order is one for all: bulk with little left comes
 * before a young stream with much. Else each class has its own lanes. */
static void fill_all(struct session *s)
{
	unsigned young = 1u << STREAM_INTERACTIVE, bulk = 1u << STREAM_BULK;

	if (s->bulk_share)
		fill_lanes(s, bulk, s->bulk_share);
	if (s->args.policy.order->bulk_yields) {
		fill_lanes(s, young | bulk, UINT64_MAX);
	} else {
		fill_lanes(s, young, UINT64_MAX);
		fill_lanes(s, bulk, UINT64_MAX);
	}
}

/* No writability tells when a window opens again. */
static void ask_closed(struct session *s)
{
	const struct lane *lane;

	DL_FOREACH(s->lanes, lane)
		if (lane_closed_us(lane) && s->wait_until_us > s->now_us + RECHECK_US)
			s->wait_until_us = s->now_us + RECHECK_US;
}

static void flush_lanes(struct session *s)
{
	struct lane *lane;

	DL_FOREACH(s->lanes, lane) {
		lane_flush(lane);
		lane->ops->want_write(lane->ctx, lane->wants_write || lane->full);
	}
}

static void notify_owners(struct session *s)
{
	struct stream *stream, *tmp;

	DL_FOREACH_SAFE2(s->starved, stream, tmp, starved_next)
		send_notify_space(stream);
}

void pump(struct session *s)
{
	struct lane *lane;

	DL_FOREACH(s->lanes, lane)
		lane->wants_write = false;
	s->wait_until_us = UINT64_MAX;
	lane_estimate_paths(s);
	overdue_controls(s);
	send_pongs(s);
	send_controls(s);
	send_acks(s);
	overdue_collect(s);
	fill_all(s);
	if (reinject_collect(s))
		fill_all(s);
	if (work_any(s))
		ask_closed(s);
	flush_lanes(s);
	notify_owners(s);
}
