/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the session itself: lifetimes, frames in, timers. An entry from outside
 * takes in what it is told, and notes that there is work (work_note()). It is
 * done in session_turn(), once for all that was noted: lanes are judged, if it is
 * time, what can go out goes, owners of ended streams hear so, the deadline is
 * told.
 */
#include "agg/transport/session_impl.h"

#include "agg/transport/admit.h"
#include "agg/transport/credit.h"
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
		s->settings_todo = true;
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
	if (!s->over)
		pump(s);
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
	if (!credit_init(stream, CREDIT_OURS(s->args.memory_max))) {
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

static void on_open(struct stream *stream, const struct wire_open *open)
{
	struct session *s = stream->session;
	enum stream_end end;

	if (stream->known || stream->closing)
		return; /* a double */
	stream->known = true;
	stream->dest = open->dest;
	stream->client = open->client;
	if (open->credit > stream->peer_max)
		stream->peer_max = open->credit;
	s->streams_opened++;
	end = s->args.events->on_stream(s->args.ctx, stream, &stream->dest,
	                                &stream->client, &stream->events,
	                                &stream->ctx);
	if (end != STREAM_END_FINISHED)
		stream_reset(stream, end);
	else
		stream_deliver(stream);
}

static void on_credit(struct stream *stream, uint64_t offset_max)
{
	if (offset_max <= stream->peer_max)
		return;
	stream->peer_max = offset_max;
	stream->blocked = false;
	send_list(stream);
}

static void on_accept(struct stream *stream, const struct addr *bound)
{
	if (stream->accepted || stream->closing)
		return;
	stream->accepted = true;
	stream->bound = *bound;
	if (stream->events)
		stream->events->on_opened(stream->ctx, &stream->bound);
}

/* The owner hears of the last of those that came together. */
static void on_settings(struct session *s, const struct wire_settings *settings)
{
	if (settings->serial < s->peer_settings.serial)
		return;
	s->peer_settings = *settings;
	if (!s->args.opens)
		s->reserve = settings->reserve;
	s->settings_news = true;
}

/* What came to the streams. */
static void deliver(struct session *s)
{
	struct stream *stream;

	while ((stream = receive_next(s)))
		stream_check_done(stream);
}

/* Frames about a stream. */
static int stream_frame(struct lane *lane, const struct wire_frame *f,
                        const char **why)
{
	struct session *s = lane->session;
	/* All of these begin with the stream's id. */
	struct stream *stream = admit_stream(s, f->data.stream, why);

	if (!stream)
		return *why ? -EPROTO : 0;
	switch ((enum wire_type)f->type) {
	case WIRE_OPEN:
		if (s->args.opens)
			*why = "OPEN for a stream of ours";
		else
			on_open(stream, &f->open);
		break;
	case WIRE_ACCEPT:
		if (!s->args.opens)
			*why = "ACCEPT for a stream of its own";
		else
			on_accept(stream, &f->accept.bound);
		break;
	case WIRE_DATA:
	case WIRE_DATA_FIN:
		if (receive_is_full(s))
			deliver(s);
		return receive_data(stream, &f->data, f->type == WIRE_DATA_FIN,
		                    lane->hello.path, why);
	case WIRE_CREDIT:
		on_credit(stream, f->credit.offset_max);
		break;
	case WIRE_RESET:
		stream_on_reset(stream, &f->reset);
		break;
	case WIRE_CLASS:
		send_fix_class(stream, f->class.class);
		break;
	case WIRE_HELLO:
	case WIRE_WELCOME:
	case WIRE_CLOSE:
	case WIRE_SETTINGS:
	case WIRE_PING:
	case WIRE_PONG:
	case WIRE_ACK:
		break; /* session_frame's */
	}
	return *why ? -EPROTO : 0;
}

static int on_ack(struct session *s, const struct wire_ack *ack,
                  const char **why)
{
	struct lane *lane = lane_find(s, ack->subflow_id);

	if (lane && verdict_acked(lane, ack->bytes) < 0) {
		*why = "ACK of what was not sent";
		return -EPROTO;
	}
	return 0;
}

static void on_pong(struct lane *lane, uint64_t stamp)
{
	struct session *s = lane->session;

	if (s->probe_lane != lane->hello.subflow_id || stamp != s->probe_us)
		return;
	s->echo_us += s->now_us - s->probe_us;
	s->echoes++;
	s->probe_lane = 0;
}

static int one_frame(struct lane *lane, const struct wire_frame *f,
                     const char **why)
{
	struct session *s = lane->session;

	switch ((enum wire_type)f->type) {
	case WIRE_HELLO:
	case WIRE_WELCOME:
		*why = "HELLO or WELCOME out of place";
		return -EPROTO;
	case WIRE_CLOSE:
		snprintf(s->why, sizeof(s->why), "peer: %.100s", f->close.reason);
		*why = s->why;
		return -ECONNRESET;
	case WIRE_SETTINGS:
		on_settings(s, &f->settings);
		return 0;
	case WIRE_PING:
		lane->pong_due = true;
		lane->pong_stamp = f->ping.stamp;
		return 0;
	case WIRE_PONG:
		on_pong(lane, f->ping.stamp);
		return 0;
	case WIRE_ACK:
		return on_ack(s, &f->ack, why);
	case WIRE_OPEN:
	case WIRE_ACCEPT:
	case WIRE_DATA:
	case WIRE_DATA_FIN:
	case WIRE_CREDIT:
	case WIRE_RESET:
	case WIRE_CLASS:
		return stream_frame(lane, f, why);
	}
	return 0; /* unknown and ignorable */
}

static bool is_tracked(uint8_t type)
{
	return type == WIRE_SETTINGS || type >= WIRE_OPEN;
}

/* What came before it is delivered first. */
static bool is_behind_data(uint8_t type)
{
	return type == WIRE_CLOSE || type == WIRE_OPEN || type == WIRE_ACCEPT ||
	       type == WIRE_RESET;
}

static ssize_t input(struct lane *lane, const uint8_t *p, size_t n,
                     size_t opens_max)
{
	struct session *s = lane->session;
	const char *why = NULL;
	struct wire_frame frame;
	size_t used = 0;
	int err = 0;

	work_note(s);
	while (!s->over && opens_max) {
		ssize_t len = wire_decode(&frame, p + used, n - used, &why);
		if (len <= 0) {
			err = (int)len;
			break;
		}
		used += (size_t)len;
		opens_max -= frame.type == WIRE_OPEN;
		if (is_behind_data(frame.type))
			deliver(s);
		err = one_frame(lane, &frame, &why);
		if (err < 0 || s->over)
			break;
		lane_heard(lane, (size_t)len, is_tracked(frame.type));
		fail_if(s, verdict_heard(s));
	}
	if (err < 0)
		deliver(s);
	if (err == -EPROTO)
		send_close(s, why);
	if (err < 0)
		fail(s, why);
	if (s->settings_news && !s->over)
		s->args.events->on_settings(s->args.ctx, &s->peer_settings);
	s->settings_news = false;
	if (!s->over)
		return (ssize_t)used;
	deliver(s);
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
	deliver(lane->session);
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
