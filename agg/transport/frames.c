/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the peer says: each frame is taken to where it belongs.
 */
#include "agg/transport/frames.h"

#include "agg/transport/admit.h"
#include "agg/transport/lane.h"
#include "agg/transport/receive.h"
#include "agg/transport/send.h"
#include "agg/transport/stream_impl.h"
#include "agg/transport/verdict.h"

#include <errno.h>
#include <stdio.h>

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
	if (!s->args.opens) {
		s->reserve = settings->reserve;
		s->classes = settings->classes;
	}
	s->settings_news = true;
}

void frames_deliver(struct session *s)
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
			frames_deliver(s);
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
	case WIRE_INVITE:
	case WIRE_REDEEMED:
	case WIRE_CLOSE:
	case WIRE_SETTINGS:
	case WIRE_PING:
	case WIRE_PONG:
	case WIRE_ACK:
	case WIRE_TUNNEL_KEY:
	case WIRE_TUNNEL_NET:
	case WIRE_DATAGRAM:
	case WIRE_LIMITS:
		break; /* one_frame's */
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
	case WIRE_INVITE:
	case WIRE_REDEEMED:
		*why = "a greeting out of place";
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
	case WIRE_TUNNEL_KEY:
	case WIRE_TUNNEL_NET:
	case WIRE_DATAGRAM:
		if (s->args.events->on_tunnel)
			s->args.events->on_tunnel(s->args.ctx, f);
		return 0;
	case WIRE_LIMITS:
		s->peer_limits = f->limits;
		s->peer_limits_us = s->now_us;
		return 0;
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
	return type == WIRE_SETTINGS || (type >= WIRE_OPEN && type != WIRE_LIMITS &&
	                                   type != WIRE_DATAGRAM);
}

/* What came before it is delivered first. */
static bool is_behind_data(uint8_t type)
{
	return type == WIRE_CLOSE || type == WIRE_OPEN || type == WIRE_ACCEPT ||
	       type == WIRE_RESET;
}

int frames_in(struct lane *lane, const uint8_t *p, size_t n, size_t opens_max,
              size_t *used, const char **why)
{
	struct session *s = lane->session;
	struct wire_frame frame;
	int err = 0;

	*used = 0;
	while (!err && !s->over && opens_max) {
		ssize_t len = wire_decode(&frame, p + *used, n - *used, why);
		if (len <= 0)
			return (int)len;
		*used += (size_t)len;
		opens_max -= frame.type == WIRE_OPEN;
		if (is_behind_data(frame.type))
			frames_deliver(s);
		err = one_frame(lane, &frame, why);
		if (err || s->over)
			break;
		lane_heard(lane, (size_t)len, is_tracked(frame.type));
		*why = verdict_heard(s);
		err = *why ? -ENOBUFS : 0;
	}
	return err;
}
