/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the reader waits for goes again. A piece that a slow path took deep
 * in a stream is passed when the head comes to it: all before it is sent, and
 * from then on it holds up what the faster paths bring. Passed pieces that are
 * not acknowledged are in a list of the session, which is looked through every
 * few milliseconds; those for which the reader waits too long, or will, go again
 * on another path, before anything new.
 *
 * What the head itself gave to a thin path is waited for when it should have been
 * there: with it a loss is repaired no sooner than elsewhere. And what opens a stream,
 * takes it or lets it send (control frames) goes again when it is late: to say it
 * twice costs nothing, and nothing moves before it is there.
 *
 * So does what a lane has that fell silent (watch.c), as far as all before it was
 * sent, at once and from the budget of guesses. All that, and what a lane lost or
 * stalls with, goes by the time when it would be there, not by the scheduler.
 */
#include "agg/transport/overdue.h"

#include "agg/transport/lane.h"
#include "agg/transport/reinject.h"
#include "agg/transport/send.h"
#include "agg/transport/stream_impl.h"
#include "agg/transport/work.h"

#include <utlist.h>

#define LOOK_US 5000u
#define CONTROL_SCAN 64u /* flights of a lane looked at in one go */

static bool is_allowed(const struct session *s)
{
	return s->args.policy.reinjection >= REINJECT_TAIL;
}

/* When a lane's i-th flight is late; UINT64_MAX: nobody knows. */
static uint64_t late_at(const struct lane *lane, uint32_t i)
{
	const struct path *path = &lane->session->path[lane->hello.path];

	if (!path->usual_us)
		return UINT64_MAX;
	return flights_at(&lane->flights, i)->sent_us +
	       reinject_overdue_us(path->usual_us, path->usual_var_us);
}

static bool is_control(const struct flight *flight)
{
	return flight->stream && flight->todo != TODO_REFUSE && !flight->redone;
}

static void redo(struct lane *lane, struct flight *flight)
{
	struct stream *stream = stream_find(lane->session, flight->stream);

	flight->redone = true;
	if (!stream)
		return;
	stream->todo_late |= (uint16_t)(1u << lane->hello.path);
	work_todo(stream, flight->todo);
}

void overdue_controls(struct session *s)
{
	struct lane *lane;

	if (!is_allowed(s))
		return;
	DL_FOREACH(s->lanes, lane)
		for (uint32_t i = 0; i < lane->flights.len && i < CONTROL_SCAN &&
		                     late_at(lane, i) <= s->now_us; i++)
			if (is_control(flights_at(&lane->flights, i)))
				redo(lane, flights_at(&lane->flights, i));
}

static uint64_t controls_deadline(const struct session *s)
{
	uint64_t at = UINT64_MAX;
	const struct lane *lane;

	DL_FOREACH(s->lanes, lane)
		if (lane->flights.len && is_control(flights_at(&lane->flights, 0)) &&
		    late_at(lane, 0) < at)
			at = late_at(lane, 0);
	return is_allowed(s) ? at : UINT64_MAX;
}

/* How things stand with a piece that one path has. */
static bool is_overdue(const struct session *s, const struct piece *piece)
{
	unsigned p = (unsigned)__builtin_ctz(piece->path_mask);
	const struct path *path = &s->path[p];
	struct reinject_passed is = {
		.waited_us = s->now_us > piece->passed_us ?
			s->now_us - piece->passed_us : 0,
		.age_us = s->now_us - piece->sent_us,
		.usual_us = path->usual_us,
		.var_us = path->usual_var_us,
		.rtt_us = path->rtt_us,
		.minor = path->minor,
		.other_us = reinject_elsewhere_us(s, piece, false),
	};

	return reinject_overdue(&is);
}

static bool is_on(const struct session *s)
{
	return is_allowed(s) && s->args.policy.deep;
}

/* It may arrive, and no other lane has it. */
static bool is_alone(const struct piece *piece)
{
	return piece && piece->stream && !piece->acked && !piece->again &&
	       !piece->doubled && piece->copies == 1;
}

/* And all before it was sent. */
static bool is_awaited(const struct piece *piece)
{
	return is_alone(piece) && piece->offset < send_head(piece->stream);
}

/* What its path has of it is for nothing. */
static void again(struct session *s, struct piece *piece)
{
	if (piece->path_mask)
		path_wasted(&s->path[__builtin_ctz(piece->path_mask)], piece->len);
	piece->doubled = true;
	send_again(piece, REINJECT_OVERDUE);
}

/* Its window closed: what the kernel has not sent waits for that, and goes again
 * where that is sooner. */
static bool collect_closed(const struct lane *lane)
{
	const struct flights *flights = &lane->flights;
	uint64_t left = lane_left_bytes(lane), closed_us = lane_closed_us(lane);
	uint32_t i = flights->len;
	bool found = false;

	while (closed_us && i && flights_at(flights, i - 1)->wire_end > left)
		i--;
	for (; closed_us && i < flights->len; i++) {
		const struct flight *flight = flights_at(flights, i);
		uint64_t own_us = lane->info.srtt_us + closed_us *
			(flight->wire_end - left) / (lane->tx_bytes - left);
		if (!is_alone(flight->piece) ||
		    reinject_elsewhere_us(lane->session, flight->piece, false) >= own_us)
			continue;
		again(lane->session, flight->piece);
		found = true;
	}
	return found;
}

static bool collect_passed(struct session *s)
{
	struct piece *piece, *tmp;
	bool found = false;

	DL_FOREACH_SAFE2(s->passed, piece, tmp, passed_next) {
		if (!is_alone(piece) || !piece->path_mask || !is_overdue(s, piece))
			continue;
		again(s, piece);
		found = true;
	}
	return found;
}

bool overdue_collect(struct session *s)
{
	const struct lane *lane;
	bool found = false;

	if (!is_on(s) || s->now_us < s->overdue_us)
		return false;
	s->overdue_us = s->now_us + LOOK_US;
	DL_FOREACH(s->lanes, lane)
		found |= collect_closed(lane);
	return collect_passed(s) || found;
}

/* The peer's kernel has what is below it: only its session's word for that was lost,
 * and comes by another lane as soon as the peer sees the silence. */
static uint64_t there_bytes(const struct lane *lane)
{
	uint64_t waits = lane->info.unacked_bytes + lane->info.notsent_bytes +
	                 lane->pushed_bytes;

	return lane->tx_bytes > waits ? lane->tx_bytes - waits : 0;
}

/* In the order of sending, which is the reader's, but for what was deep. */
void overdue_silent(const struct lane *lane)
{
	struct session *s = lane->session;
	uint64_t there = there_bytes(lane);

	for (uint32_t i = 0; i < lane->flights.len; i++) {
		const struct flight *flight = flights_at(&lane->flights, i);
		struct piece *piece = flight->piece;
		if (flight->wire_end <= there || !is_awaited(piece))
			continue;
		if (!reinject_spend(&s->again_budget, piece->len))
			return;
		piece->doubled = piece->hurries = true;
		send_again(piece, REINJECT_OVERDUE);
	}
}

/* Until path i of the view would have the unit there. */
static uint64_t takes_us(struct lane *const *lanes, const struct sched_view *view,
                         unsigned i)
{
	if (view->paths[i].state != SCHED_PATH_UP || !view->paths[i].rate_bps ||
	    view->unit->tried_mask & 1u << i)
		return UINT64_MAX;
	return lane_would_take_us(lanes[i], view->unit->len_bytes);
}

/* What the paths by which it is there sooner bring of all that goes again until path
 * p, though it be late, would have its piece there. */
static uint64_t sooner_bytes(struct lane *const *lanes, const struct sched_view *view,
                             unsigned p)
{
	uint64_t late_us = lanes[p]->session->path[lanes[p]->hello.path].late_us;
	uint64_t us = takes_us(lanes, view, p), bytes = 0;

	us = us > late_us ? us : late_us;
	for (unsigned i = 0; i < view->count; i++) {
		uint64_t own_us = takes_us(lanes, view, i);
		if (i != p && own_us < us)
			bytes += view->paths[i].rate_bps * (us - own_us) / 1000000;
	}
	return bytes;
}

/* Where it is there first; another path with room takes what is so far behind that it
 * is needed when it has it there. */
bool overdue_place(struct stream *stream, struct lane *const *lanes,
                   const struct sched_view *view, struct sched_decision *out)
{
	uint64_t best_us = UINT64_MAX, free_us = UINT64_MAX;
	unsigned best = 0, free = 0;

	if (!stream->again || (!stream->again->hurries &&
	                       stream->again->why != REINJECT_OVERDUE))
		return false;
	for (unsigned i = 0; i < view->count; i++) {
		uint64_t us = takes_us(lanes, view, i);
		if (us < best_us) {
			best_us = us;
			best = i;
		}
		if (us < free_us && view->paths[i].room_bytes) {
			free_us = us;
			free = i;
		}
	}
	if (best_us == UINT64_MAX)
		return false;
	if (free_us <= best_us ||
	    (free_us != UINT64_MAX &&
	     send_again_pull(stream, sooner_bytes(lanes, view, free),
	                     1u << lanes[free]->hello.path)))
		sched_send(out, free);
	else
		sched_wait(view, out, best, best_us);
	return true;
}

uint64_t overdue_deadline(const struct session *s)
{
	uint64_t at = controls_deadline(s);
	uint64_t look_us = s->overdue_us > s->now_us ? s->overdue_us
	                                             : s->now_us + LOOK_US;

	return is_on(s) && s->passed && look_us < at ? look_us : at;
}
