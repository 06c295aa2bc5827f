/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the session itself: lifetimes, the turn, timers. An entry from outside
 * takes in what it is told, and notes that there is work (work_note()). It is
 * done in session_turn(), once for all that was noted: lanes are judged, if it is
 * time, what can go out goes, owners of ended streams hear so, the deadline is
 * told.
 */
#include "agg/transport/session_impl.h"

#include "agg/transport/admit.h"
#include "agg/transport/credit.h"
#include "agg/transport/frames.h"
#include "agg/transport/lane.h"
#include "agg/transport/memory.h"
#include "agg/transport/overdue.h"
#include "agg/transport/pump.h"
#include "agg/transport/receive.h"
#include "agg/transport/reinject.h"
#include "agg/transport/send.h"
#include "agg/transport/stream_impl.h"
#include "agg/transport/verdict.h"
#include "agg/transport/watch.h"
#include "agg/transport/work.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define TAKEN_AGE_US 500000u     /* later nobody takes any more */
#define PROBE_MAX_US 5000000u /* an echo that takes longer is lost */

static void read_clock(struct session *s)
{
	s->now_us = s->args.events->now_us(s->args.ctx);
}

static void reap(struct session *s)
{
	while (s->dead) {
		struct stream *stream = s->dead;
		s->dead = stream->dead_next;
		stream_reap(stream);
	}
}

static uint64_t next_deadline(struct session *s)
{
	struct lane *lane;
	uint64_t at = s->wait_until_us;
	uint64_t overdue_us = overdue_deadline(s);

	if (overdue_us < at)
		at = overdue_us;
	bool speechless = !lane_best(s, STREAM_BULK); /* what is due must wait */
	DL_FOREACH(s->lanes, lane) {
		uint64_t lane_at = watch_deadline(lane);
		if (lane_at < at)
			at = lane_at;
		lane_at = reinject_deadline(lane);
		if (lane_at < at)
			at = lane_at;
		if (lane->ack_due_us && lane->ack_due_us < at && !speechless)
			at = lane->ack_due_us;
	}
	if (s->laneless_us && s->laneless_us + s->args.linger_us < at)
		at = s->laneless_us + s->args.linger_us;
	return at;
}

struct session *session_create(const struct session_args *args)
{
	struct session *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->args = *args;
	s->deadline_us = UINT64_MAX;
	s->wait_until_us = UINT64_MAX;
	s->next_id = 1;
	reinject_init(&s->again_budget);
	s->seen_floor = 1;
	memory_init(s);
	memory_set(s, args->memory_max);
	s->peer_settings.stream_credit = CREDIT_ACCEPTED(SESSION_MEMORY_MIN);
	read_clock(s);
	return s;
}

void session_set_ctx(struct session *s, void *ctx)
{
	s->args.ctx = ctx;
	s->noted = false; /* that was told to another */
	s->deadline_us = 0;
	work_note(s);
}

static void close_streams(struct session *s)
{
	struct stream *stream, *tmp;

	HASH_ITER(hh, s->streams, stream, tmp)
		stream_close(stream, STREAM_END_SESSION_LOST);
}

static void drop_lanes(struct session *s, const char *why)
{
	while (s->lanes) {
		const struct subflow_ops *ops = s->lanes->ops;
		void *ctx = s->lanes->ctx;
		verdict_end(s->lanes);
		if (s->said_why && ops->part)
			ops->part(ctx, why);
		else
			ops->drop(ctx, why);
	}
}

void session_destroy(struct session *s)
{
	if (!s)
		return;
	s->over = s->noted = true; /* owners that write now are not heard */
	close_streams(s);
	drop_lanes(s, "session ended");
	reap(s);
	admit_finish(s);
	sendq_pool_finish(&s->blocks);
	free(s);
}

/* The end is told at the next tick: the callers still hold pointers. */
static void fail(struct session *s, const char *why)
{
	if (s->over)
		return;
	s->over = true;
	if (why != s->why) /* the peer's own words are there already */
		snprintf(s->why, sizeof(s->why), "%s", why);
	close_streams(s);
}

static void fail_if(struct session *s, const char *why) /* NULL: not */
{
	if (why)
		fail(s, why);
}

/* On every lane: one of them may be reset by what it had not read yet. */
static void send_close(struct session *s, const char *why)
{
	struct wire_frame frame = { .type = WIRE_CLOSE };
	struct lane *lane;

	snprintf(frame.close.reason, sizeof(frame.close.reason), "%s", why);
	s->said_why = true;
	DL_FOREACH(s->lanes, lane)
		if (lane_send(lane, &frame, 0, 0) == 0)
			lane_flush(lane);
}

void session_close(struct session *s, const char *why)
{
	work_note(s);
	send_close(s, why);
	fail(s, why);
	drop_lanes(s, why);
}

struct slice *session_slice(struct session *s)
{
	return &s->slice;
}

struct lane *session_attach(struct session *s, const struct wire_hello *hello,
                            const struct subflow_ops *ops, void *ctx)
{
	work_note(s);
	errno = s->over ? EPIPE : s->lane_count >= WIRE_SUBFLOWS_MAX ? ENOSPC :
		lane_find(s, hello->subflow_id) ? EEXIST : 0;
	if (errno)
		return NULL;
	struct lane *lane = lane_create(s, hello, ops, ctx);
	if (!lane)
		return NULL;
	s->laneless_us = 0;
	if (s->lane_count == 1)
		s->settings_todo = s->tunnel_todo = true;
	return lane;
}

void session_detach(struct lane *lane)
{
	struct session *s = lane->session;

	work_note(s);
	fail_if(s, verdict_end(lane));
}

void session_writable(struct lane *lane)
{
	struct session *s = lane->session;

	work_note(s);
	lane->full = false;
	fail_if(s, verdict_refresh(lane, 0));
}

static void watch(struct session *s)
{
	fail_if(s, verdict_judge(s));
	if (s->laneless_us && s->now_us - s->laneless_us >= s->args.linger_us)
		fail(s, "no subflow for too long");
}

/* The pump is to see things as they are. */
static void refresh(struct session *s)
{
	struct lane *lane;

	DL_FOREACH(s->lanes, lane)
		fail_if(s, verdict_refresh(lane, lane_is_empty(lane) ?
		                           INFO_EMPTY_US : INFO_AGE_US));
}

static void tell_deadline(struct session *s, uint64_t at_us)
{
	if (at_us == s->deadline_us)
		return;
	s->deadline_us = at_us;
	s->args.events->on_deadline(s->args.ctx, at_us);
}

/* What the pump left, and why. */
static void note_limits(struct session *s)
{
	const struct lane *lane;
	unsigned full = 0;

	DL_FOREACH(s->lanes, lane)
		full |= lane->wants_write ? 1u << lane->hello.path : 0;
	holdup_note(&s->limits, work_any(s) ? HOLDUP_PATHS :
	            s->starved ? HOLDUP_CREDIT : HOLDUP_SOURCE, full, s->now_us);
}

void session_turn(struct session *s)
{
	bool due = !s->noted; /* why else? */

	read_clock(s);
	s->noted = false; /* what owners do from now on is for the next turn */
	if (due || s->now_us >= s->deadline_us) {
		s->deadline_us = 0; /* passed: to be told anew */
		if (!s->over)
			watch(s);
	}
	if (!s->over && work_any(s))
		refresh(s);
	if (!s->over) {
		pump(s);
		note_limits(s);
	}
	reap(s);
	if (!s->over) {
		tell_deadline(s, next_deadline(s));
		return;
	}
	s->noted = true; /* nothing more is to be done */
	drop_lanes(s, s->why);
	tell_deadline(s, UINT64_MAX);
	s->args.events->on_over(s->args.ctx, s->why);
}

/* Streams ------------------------------------------------------------- */

struct stream *session_open(struct session *s, const struct dest *dest,
                            const struct addr *client,
                            const struct stream_events *events, void *ctx)
{
	work_note(s);
	errno = s->over ? EPIPE : s->open_count >= WIRE_STREAMS_MAX ||
		s->stream_count >= STREAMS_MAX ||
		s->next_id > UINT32_MAX - 2 ? ENOSPC : 0;
	if (errno)
		return NULL;
	struct stream *stream = stream_create(s, s->next_id);
	if (!stream)
		return NULL;
	if (!credit_init_ours(stream)) {
		stream_free(stream);
		errno = ENOSPC;
		return NULL;
	}
	s->next_id += 2;
	s->streams_opened++;
	stream->known = true;
	stream->dest = *dest;
	stream->client = *client;
	stream->events = events;
	stream->ctx = ctx;
	stream->peer_max = wire_first_credit(s->peer_settings.stream_credit,
	                                     s->open_count - 1);
	work_todo(stream, TODO_OPEN);
	return stream;
}

static void end(struct session *s, int err, const char *why)
{
	frames_deliver(s);
	if (err == -EPROTO)
		send_close(s, why);
	fail(s, why);
}

static ssize_t input(struct lane *lane, const uint8_t *p, size_t n,
                     size_t opens_max)
{
	struct session *s = lane->session;
	const char *why = NULL;
	size_t used;

	work_note(s);
	int err = frames_in(lane, p, n, opens_max, &used, &why);
	if (err < 0)
		end(s, err, why);
	if (s->settings_news && !s->over)
		s->args.events->on_settings(s->args.ctx, &s->peer_settings);
	s->settings_news = false;
	if (!s->over)
		return (ssize_t)used;
	frames_deliver(s);
	drop_lanes(s, s->why);
	return -EPROTO;
}

ssize_t session_input(struct lane *lane, const uint8_t *p, size_t n)
{
	return input(lane, p, n, SIZE_MAX);
}

ssize_t session_input_part(struct lane *lane, const uint8_t *p, size_t n)
{
	return input(lane, p, n, SESSION_OPENS_MAX);
}

void session_deliver(struct lane *lane)
{
	frames_deliver(lane->session);
}

/* How it sends ---------------------------------------------------------- */

void session_policy_init(struct session_policy *policy,
                         const struct sched_ops *sched)
{
	*policy = (struct session_policy){
		.scheduler = { sched, sched },
		.order = order_find(sched->order),
		.reinjection = REINJECT_TAIL,
		.bulk_after_bytes = BULK_AFTER_BYTES,
		.deep = true,
	};
}

/* The memory of a scheduler that is no longer used is another's. */
static void forget_decisions(struct session *s, enum stream_class class)
{
	struct stream *stream, *tmp;

	memset(s->instance[class], 0, sizeof(s->instance[class]));
	HASH_ITER(hh, s->streams, stream, tmp)
		memset(stream->scope, 0, sizeof(stream->scope));
}

/* Those with something to send, by the new policy. */
static void list_anew(struct session *s)
{
	struct stream *stream, *tmp;

	HASH_ITER(hh, s->streams, stream, tmp)
		if (stream->ready_at)
			send_list(stream);
}

void session_set_policy(struct session *s, const struct session_policy *policy)
{
	struct session_policy old = s->args.policy;

	s->args.policy = *policy;
	for (int c = 0; c < STREAM_CLASS_COUNT; c++)
		if (old.scheduler[c] != policy->scheduler[c])
			forget_decisions(s, (enum stream_class)c);
	if (old.order != policy->order)
		list_anew(s);
	work_note(s);
}

void session_set_limits(struct session *s, size_t memory_max,
                        uint64_t linger_us)
{
	work_note(s);
	s->args.linger_us = linger_us;
	if (memory_max != s->args.memory_max) {
		memory_set(s, memory_max);
		s->settings.serial++;
		s->settings_todo = true;
	}
}

void session_set_settings(struct session *s, uint32_t flags,
                          const struct wire_wish *wish)
{
	work_note(s);
	s->settings.serial++;
	s->settings.flags = flags;
	s->settings.wish = wish ? *wish : (struct wire_wish){ 0 };
	s->settings_todo = true;
}

void session_say_tunnel(struct session *s, const struct wire_frame *frame)
{
	work_note(s);
	if (frame->type == WIRE_TUNNEL_KEY)
		s->tunnel_key = *frame;
	else
		s->tunnel_net = *frame;
	s->tunnel_todo = true;
}

bool session_carry(struct session *s, const uint8_t *p, size_t n)
{
	struct lane *lane = s->over ? NULL : lane_best(s, STREAM_BULK);

	if (lane) {
		work_note(s);
		fail_if(s, verdict_refresh(lane, INFO_AGE_US));
	}
	if (!lane || s->over || lane_room(lane) < WIRE_HEADER_BYTES + n)
		return false;
	return !p || lane_send_datagram(lane, p, n) == 0;
}

void session_tell_limits(struct session *s, const struct wire_limits *limits)
{
	work_note(s);
	struct lane *lane = lane_best(s, STREAM_INTERACTIVE);
	struct wire_frame frame = { .type = WIRE_LIMITS, .limits = *limits };

	if (lane)
		lane_send(lane, &frame, 0, 0);
}

/* What was acknowledged of late is told by turns, which end with the streams. */
void session_path_load(const struct session *s, unsigned path, uint64_t beside_bps,
                       struct path_load *out)
{
	const struct path *p = &s->path[path];
	uint64_t now_us = s->args.events->now_us(s->args.ctx);
	uint32_t streams = s->ready[STREAM_BULK].len;

	out->taken_bps = beside_bps;
	if (now_us - p->window_us <= TAKEN_AGE_US)
		out->taken_bps += p->taken_bps;
	out->rate_bps = p->rate_bps > out->taken_bps ? p->rate_bps : out->taken_bps;
	out->streams = streams ? streams : 1;
}

void session_probe(struct session *s)
{
	work_note(s);
	struct lane *lane = lane_best(s, STREAM_INTERACTIVE);
	bool awaited = s->probe_lane && lane_find(s, s->probe_lane) &&
	               s->now_us - s->probe_us < PROBE_MAX_US;
	struct wire_frame ping = { .type = WIRE_PING, .ping.stamp = s->now_us };

	if (lane && !awaited && lane_send(lane, &ping, 0, 0) == 0) {
		s->probe_lane = lane->hello.subflow_id;
		s->probe_us = s->now_us;
	}
}

void session_set_class(struct session *s, unsigned path, unsigned path_class)
{
	uint32_t said = path_class + 1, classes = s->classes;

	classes = (classes & ~(UINT32_C(3) << 2 * path)) | said << 2 * path;
	if (classes == s->classes)
		return;
	work_note(s);
	s->classes = classes;
	s->settings.serial++;
	s->settings.classes = classes;
	s->settings_todo = true;
}

void session_set_reserve(struct session *s, unsigned paths)
{
	if (paths == s->reserve)
		return;
	work_note(s);
	s->reserve = paths;
	s->settings.serial++;
	s->settings.reserve = (uint16_t)paths;
	s->settings_todo = true;
}
