/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see verdict.h. A lane (lane.c) says what was acknowledged, a watch (watch.c)
 * how it fares; here streams and controls get what is theirs of it, and the lane
 * its state: no other place sets that.
 */
#include "agg/transport/verdict.h"

#include "agg/transport/admit.h"
#include "agg/transport/lane.h"
#include "agg/transport/overdue.h"
#include "agg/transport/send.h"
#include "agg/transport/stream_impl.h"
#include "agg/transport/watch.h"

#include <utlist.h>

/* What was in flight ------------------------------------------------------ */

static void arrived(struct session *s, const struct flight *flight)
{
	struct stream *stream = flight->piece ? flight->piece->stream : NULL;

	if (flight->piece)
		send_acked(flight->piece);
	else if (flight->stream)
		stream_todo_acked(s, flight->stream, flight->todo);
	if (stream)
		stream_check_done(stream);
}

int verdict_acked(struct lane *lane, uint64_t bytes)
{
	struct flight flight;
	int err = lane_acknowledged(lane, bytes);

	while (!err && lane_next_acked(lane, &flight))
		arrived(lane->session, &flight);
	return err;
}

/* A control frame that may not have arrived is made again from what is true
 * now. */
static const char *lost(struct lane *lane, const struct flight *flight)
{
	struct session *s = lane->session;

	if (flight->piece)
		send_lost(flight->piece, lane->hello.path);
	else if (flight->todo == TODO_REFUSE)
		return admit_refuse(s, flight->stream) < 0 ?
			"more streams than allowed" : NULL;
	else if (flight->stream)
		stream_redo(s, flight->stream, flight->todo);
	else
		s->settings_todo = s->tunnel_todo = true; /* one of these */
	return NULL;
}

/* The state of a lane ----------------------------------------------------- */

/* What it carries goes again elsewhere, or need not any more. */
static const char *mark_stuck(struct lane *lane, bool stuck)
{
	const char *over = NULL;

	for (uint32_t i = 0; i < lane->flights.len; i++) {
		struct flight *flight = flights_at(&lane->flights, i);
		if (flight->piece)
			send_stuck(flight->piece, stuck);
		else if (stuck && !over)
			over = lost(lane, flight);
	}
	return over;
}

static const char *become(struct lane *lane, enum lane_state state);

/* Those of its path, and those that rested, must show what they are worth. */
static void doubt_others(const struct lane *lane)
{
	struct lane *other;

	DL_FOREACH(lane->session->lanes, other) {
		if (!lane_is_good(other) ||
		    (!lane_rests(other) && other->hello.path != lane->hello.path))
			continue;
		become(other, LANE_DOUBTED);
		lane_ask(other);
	}
}

/* The one door to it. */
static const char *become(struct lane *lane, enum lane_state state)
{
	struct session *s = lane->session;
	bool stalled = lane_stalls(lane);
	const char *over;

	lane->state = state;
	if (lane_stalls(lane) == stalled)
		return NULL;
	over = mark_stuck(lane, !stalled);
	if (!stalled) {
		lane->suspect_us = s->now_us;
		lane_acknowledge_all(s); /* one may have been lost in it */
		doubt_others(lane);
	}
	if (s->args.events->on_suspect)
		s->args.events->on_suspect(s->args.ctx, lane);
	return over;
}

const char *verdict_refresh(struct lane *lane, uint64_t age_us)
{
	bool progress = lane_refresh(lane, age_us);

	if (!progress || lane->state == LANE_GOOD || lane->state == LANE_MUTE)
		return NULL;
	return become(lane, LANE_GOOD);
}

const char *verdict_heard(struct session *s)
{
	const char *over = NULL;
	struct lane *lane;

	if (s->asked_us)
		DL_FOREACH(s->lanes, lane)
			if (lane->state == LANE_MUTE && !over)
				over = become(lane, LANE_GOOD);
	s->asked_us = 0;
	return over;
}

const char *verdict_end(struct lane *lane)
{
	struct session *s = lane->session;
	const char *over = NULL;

	if (lane_stalls(lane))
		mark_stuck(lane, false);
	while (lane->flights.len) {
		struct flight flight = flights_pop(&lane->flights);
		const char *why = lost(lane, &flight);
		over = why ? why : over;
	}
	lane_destroy(lane);
	if (!s->lanes)
		s->laneless_us = s->now_us;
	lane_acknowledge_all(s); /* one may have died with it */
	return over;
}

static const char *give_up(struct lane *lane, const char *why)
{
	const struct subflow_ops *ops = lane->ops;
	void *ctx = lane->ctx;
	const char *over = verdict_end(lane);

	ops->drop(ctx, why);
	return over;
}

/* Controls go again as from one that stalls: to say them twice costs nothing. */
static const char *fall_silent(struct lane *lane)
{
	const char *over = NULL;

	if (lane->session->args.policy.reinjection < REINJECT_TAIL)
		return NULL;
	become(lane, LANE_SILENT);
	for (uint32_t i = 0; i < lane->flights.len; i++) {
		const struct flight *flight = flights_at(&lane->flights, i);
		if (!flight->piece && !over)
			over = lost(lane, flight);
	}
	overdue_silent(lane);
	lane_acknowledge_all(lane->session);
	doubt_others(lane);
	return over;
}

static const char *judge(struct lane *lane)
{
	const char *over = verdict_refresh(lane, INFO_AGE_US), *why;

	if (over)
		return over;
	switch (watch_lane(lane, &why)) {
	case WATCH_OK:
		break;
	case WATCH_SILENT:
		return fall_silent(lane);
	case WATCH_SUSPECT:
		return become(lane, LANE_SUSPECT);
	case WATCH_GIVE_UP:
		return give_up(lane, why);
	}
	return NULL;
}

const char *verdict_judge(struct session *s)
{
	const char *over = NULL;
	struct lane *lane, *tmp;

	DL_FOREACH_SAFE(s->lanes, lane, tmp)
		if (!over)
			over = judge(lane);
	if (over || !watch_peer(s))
		return over;
	DL_FOREACH(s->lanes, lane)
		if (!over && watch_is_mute(lane))
			over = become(lane, LANE_MUTE);
	return over;
}
