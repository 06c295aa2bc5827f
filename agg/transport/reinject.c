/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what is sent again though it may still arrive, by the session's
 * reinjection policy (scheduler/reinject.h). A lane's flights are in the order
 * of their sending: the oldest are overdue first, the youngest would gain most
 * from another path. What a dead or suspect lane held is not decided here.
 */
#include "agg/transport/reinject.h"

#include "agg/transport/lane.h"
#include "agg/transport/send.h"

#include <utlist.h>

#define AGAIN_SCAN 64u /* flights of a lane looked at in one go */

/* Others of its class, or a more urgent one, have something new to send. */
static bool others_wait(const struct stream *stream)
{
	const struct session *s = stream->session;
	uint32_t waiting = s->ready[STREAM_INTERACTIVE].len;

	if (stream->bulk)
		waiting += s->ready[STREAM_BULK].len;
	return waiting > (stream->ready_at ? 1u : 0u);
}

/* One that has no room now will have it soon, and the scheduler waits or does
 * not; but where others wait for that room, only what they left is taken. */
uint64_t reinject_elsewhere_us(const struct session *s, const struct piece *piece,
                               bool yields)
{
	uint64_t best = UINT64_MAX;
	const struct lane *lane;

	DL_FOREACH(s->lanes, lane) {
		if ((piece->path_mask & 1u << lane->hello.path) ||
		    lane_rests(lane) ||
		    !(yields ? lane_room(lane) : lane_is_good(lane)))
			continue;
		uint64_t us = lane_would_take_us(lane, piece->len);
		best = us < best ? us : best;
	}
	return best;
}

static bool is_idle(const struct stream *stream)
{
	return !send_unsent(stream) && !stream->starved;
}

/* It may send nothing new: the oldest piece holds it up. */
static bool is_held(const struct stream *stream)
{
	return send_unsent(stream) && send_head(stream) >= stream->peer_max;
}

/* How things stand with a flight's piece. Where another path could have it is
 * looked for only where it may matter. */
static struct reinject_piece look_at(const struct lane *lane,
                                     const struct flight *flight)
{
	const struct session *s = lane->session;
	const struct path *path = &s->path[lane->hello.path];
	struct reinject_piece is = {
		.age_us = s->now_us - flight->sent_us,
		.usual_us = path->usual_us,
		.var_us = path->usual_var_us,
		.other_us = UINT64_MAX,
	};

	is.idle = is_idle(flight->piece->stream) ||
		(is_held(flight->piece->stream) &&
		 is.age_us >= path->usual_us + path->usual_var_us);
	if (path->rate_bps)
		is.ahead_us = (flight->wire_end - lane->tx_acked) * 1000000 /
		              path->rate_bps;
	if (is.idle || is.age_us >= reinject_overdue_us(is.usual_us, is.var_us))
		is.other_us = reinject_elsewhere_us(s, flight->piece,
			others_wait(flight->piece->stream));
	return is;
}

/* No policy would have anything of the stream sent again now. */
static bool is_busy(const struct stream *stream)
{
	return stream->session->args.policy.reinjection < REINJECT_DEADLINE &&
	       !is_idle(stream) && !is_held(stream);
}

/* Sends a flight's piece again if the policy wants it. False: there is nothing
 * to send it again from. */
static bool consider(const struct lane *lane, const struct flight *flight)
{
	struct session *s = lane->session;
	struct piece *piece = flight->piece;

	if (!piece || !piece->stream || piece->acked || piece->again ||
	    piece->doubled || piece->copies > 1 || is_busy(piece->stream))
		return true; /* nothing to be done; the next one, perhaps */
	struct reinject_piece is = look_at(lane, flight);
	enum reinject_policy why = reinject_wanted(s->args.policy.reinjection, &is);
	if (why == REINJECT_OFF || is.other_us == UINT64_MAX)
		return true;
	if (!reinject_spend(&s->again_budget, piece->len))
		return false;
	piece->doubled = true;
	send_again(piece, why);
	return true;
}

void reinject_withdraw(struct stream *stream)
{
	struct session *s = stream->session;
	struct piece *piece = send_again_pop(stream);

	piece->doubled = false;
	s->again_bytes[piece->why] -= piece->len;
	if (piece->why == REINJECT_OVERDUE) {
		s->overdue_us = 0; /* what is new must not come first */
		if (piece->path_mask)
			path_wasted_not(&s->path[__builtin_ctz(piece->path_mask)],
			                piece->len);
	} else {
		reinject_unspend(&s->again_budget, piece->len);
	}
}

/* The oldest from one end, the youngest from the other, none of them twice. */
static void scan(const struct lane *lane)
{
	const struct flights *f = &lane->flights;
	uint32_t n = f->len < AGAIN_SCAN ? f->len : AGAIN_SCAN, oldest = 0;

	while (oldest < n && consider(lane, flights_at(f, oldest)))
		oldest++;
	uint32_t least = f->len - n > oldest ? f->len - n : oldest;
	for (uint32_t i = f->len; i > least; i--)
		if (!consider(lane, flights_at(f, i - 1)))
			break;
}

bool reinject_collect(struct session *s)
{
	uint64_t before = s->again_budget.saved_bytes;
	struct lane *lane;

	if (s->args.policy.reinjection < REINJECT_TAIL)
		return false;
	DL_FOREACH(s->lanes, lane)
		scan(lane);
	return s->again_budget.saved_bytes != before;
}

uint64_t reinject_deadline(const struct lane *lane)
{
	const struct session *s = lane->session;
	const struct path *path = &s->path[lane->hello.path];

	if (s->args.policy.reinjection != REINJECT_DEADLINE ||
	    !lane->flights.len || !path->usual_us)
		return UINT64_MAX;
	uint64_t at = flights_at(&lane->flights, 0)->sent_us +
	              reinject_overdue_us(path->usual_us, path->usual_var_us);
	/* Where it could not be sent: budget and room come with time. */
	return at > s->now_us ? at : s->now_us + ACK_DELAY_US;
}
