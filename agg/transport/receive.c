/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a stream's receiving half. What arrives in order goes straight to the
 * owner; what does not, or what the owner cannot take, is kept (segments.h).
 * All of it lies inside the credit that the peer was granted.
 *
 * Credit is a promise: the memory that a stream's window can cost is taken out of
 * the session's budget before it is granted, and given back when the stream
 * ends. So nobody who keeps to the credit is ever cut for want of memory. The
 * first credit is large where there are few streams and small where there are
 * many, by a rule that both ends know (wire_first_credit); where not even the
 * least is left, the stream is refused before it begins.
 *
 * Credit grows, inside the budget, where it is the window that
 * limits: as in Linux's receive buffer (Dynamic Right-Sizing, Fisk and Feng,
 * 2001) when the owner took half of it within two of the longest round trips;
 * and, as a slow path may hold up what a fast one brought long ago, when what
 * arrived is past half of the window while the owner waits for a hole: more
 * must be told before it is needed, and the telling takes a round trip. So
 * a fast stream gets twice the delay-bandwidth product of all paths and what
 * a resend on the slowest takes, and a slow reader stops itself only.
 */
#include "agg/transport/receive.h"

#include "agg/transport/lane.h"
#include "agg/transport/memory.h"
#include "agg/transport/send.h"
#include "agg/transport/stream_impl.h"
#include "agg/transport/work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define EPOCH_RTTS 2u
#define EPOCH_MIN_US 20000u
#define WINDOW_SMALL 16384u /* larger ones leave memory for such */

/* Makes the window that large, if the budget has it. */
static bool set_window(struct stream *stream, uint64_t window)
{
	size_t cost = segments_cost(window);

	if (cost > stream->reserved_bytes &&
	    !budget_take(&stream->session->received,
	                 cost - stream->reserved_bytes))
		return false;
	if (cost > stream->reserved_bytes)
		stream->reserved_bytes = cost;
	stream->window_bytes = window;
	return true;
}

/* Who reads no more keeps its window: not all may be taken by large ones. */
static bool may_have_window(const struct session *s, uint64_t window,
                            size_t more)
{
	uint64_t left = window > WINDOW_SMALL ? s->received.max / 16 : 0;

	return memory_may_wait(s, &s->received, more + left);
}

bool receive_init(struct stream *stream, uint64_t most)
{
	const struct session *s = stream->session;
	uint64_t window = wire_first_credit(most, s->open_count - 1);

	/* The early ones leave something for those that come. */
	while (window > WIRE_CREDIT_LEAST &&
	       (segments_cost(window) > budget_left(&s->received) / 4 ||
	        !may_have_window(s, window, segments_cost(window))))
		window /= 2;
	if (window < WIRE_CREDIT_LEAST)
		window = WIRE_CREDIT_LEAST;
	stream->epoch_us = s->now_us;
	if (!set_window(stream, window))
		return false;
	stream->granted_max = window;
	return true;
}

void receive_finish(struct stream *stream)
{
	struct session *s = stream->session;

	s->buffered -= stream->segments.bytes;
	segments_finish(&stream->segments);
	budget_give(&s->received, stream->reserved_bytes);
	stream->reserved_bytes = 0;
}

static uint64_t longest_rtt_us(const struct session *s)
{
	const struct lane *lane;
	uint64_t longest = EPOCH_MIN_US;

	DL_FOREACH(s->lanes, lane)
		if (lane_is_good(lane) && lane->info.srtt_us > longest)
			longest = lane->info.srtt_us;
	return longest;
}

static bool double_window(struct stream *stream)
{
	const struct session *s = stream->session;
	uint64_t window = 2 * stream->window_bytes;
	size_t cost = segments_cost(window);

	return (cost <= stream->reserved_bytes ||
	        may_have_window(s, window, cost - stream->reserved_bytes)) &&
	       set_window(stream, window);
}

/* The owner took something. */
static void grow_by_rate(struct stream *stream)
{
	struct session *s = stream->session;

	if (stream->in_offset - stream->epoch_offset < stream->window_bytes / 2)
		return;
	if (s->now_us - stream->epoch_us < EPOCH_RTTS * longest_rtt_us(s))
		double_window(stream);
	stream->epoch_us = s->now_us;
	stream->epoch_offset = stream->in_offset;
}

/* Tells the peer of more when it is a good part of the window; and at once where
 * it was told nothing yet and may count upon less than we think it does. */
static void grant(struct stream *stream)
{
	uint64_t max = stream->in_offset + stream->window_bytes;
	bool unsure = !stream->session->args.opens && !stream->was_granted &&
	              stream->highest >= WIRE_CREDIT_LEAST / 2;

	if (stream->fin_offset != UINT64_MAX || max < stream->granted_max)
		return;
	if (max - stream->granted_max < stream->window_bytes / 4 && !unsure)
		return;
	stream->granted_max = max;
	stream->was_granted = true;
	work_todo(stream, TODO_CREDIT);
}

static void taken(struct stream *stream)
{
	grow_by_rate(stream);
	grant(stream);
}

static bool waits_for_hole(const struct stream *stream)
{
	const uint8_t *p;

	return stream->segments.bytes &&
	       !segments_peek(&stream->segments, stream->in_offset, &p);
}

/* Something arrived behind a hole. */
static void grow_by_hole(struct stream *stream)
{
	uint64_t granted = stream->granted_max > stream->highest ?
		stream->granted_max - stream->highest : 0;

	if (granted <= stream->window_bytes / 2 && waits_for_hole(stream))
		double_window(stream);
	grant(stream);
}

/* Offers bytes to the owner; how many it took. */
static size_t offer(struct stream *stream, const uint8_t *p, size_t n)
{
	if (!n || !stream->events || stream->closing)
		return 0;
	stream->delivering = true;
	size_t taken = stream->events->on_data(stream->ctx, p, n);
	stream->delivering = false;
	stream->in_offset += taken;
	return taken;
}

static void deliver_fin(struct stream *stream)
{
	if (stream->in_offset != stream->fin_offset || stream->fin_delivered ||
	    stream->closing || !stream->events)
		return;
	stream->fin_delivered = true;
	stream->events->on_finished(stream->ctx);
	stream_check_done(stream);
}

/* The peer's RESET is reached when all bytes before it were taken. */
static void check_reset(struct stream *stream)
{
	if (stream->reset_offset != UINT64_MAX &&
	    stream->in_offset >= stream->reset_offset && !stream->closing)
		stream_close(stream, (enum stream_end)stream->reset_end);
}

void receive_reset(struct stream *stream, const struct wire_reset *reset)
{
	stream->reset_offset = reset->offset;
	stream->reset_end = reset->end;
	if (stream->closing) { /* we did too: nobody wants our bytes any more */
		send_drop(stream);
		stream_check_done(stream);
	}
	check_reset(stream);
}

void receive_deliver(struct stream *stream)
{
	uint64_t before = stream->in_offset;
	const uint8_t *p;
	size_t n, took;

	while (!stream->closing &&
	       (n = segments_peek(&stream->segments, stream->in_offset, &p))) {
		took = offer(stream, p, n);
		stream->session->buffered -= took;
		segments_take(&stream->segments, stream->in_offset - took, took);
		if (took < n)
			break;
	}
	if (stream->in_offset != before)
		taken(stream);
	deliver_fin(stream);
	check_reset(stream);
}

/* Keeps bytes, new or not. Only a peer that counts upon more than it may, or a
 * machine without memory, can make that fail. */
static void keep(struct stream *stream, uint64_t offset, const uint8_t *p,
                 size_t n)
{
	struct session *s = stream->session;
	uint64_t need = offset + n - stream->in_offset;
	ssize_t fresh = -ENOMEM;

	if (need <= stream->window_bytes || set_window(stream, need))
		fresh = segments_put(&stream->segments, stream->in_offset,
		                     stream->window_bytes, offset, p, n);
	if (fresh < 0) {
		stream_reset(stream, STREAM_END_LIMIT);
		return;
	}
	s->buffered += (size_t)fresh;
	s->doubles_bytes += n - (size_t)fresh;
}

static int check(struct stream *stream, const struct wire_data *data, bool fin,
                 const char **why)
{
	uint64_t end = data->offset + data->len;

	if (end > stream->granted_max && end > stream->announced)
		*why = "DATA beyond the credit";
	else if (end > stream->fin_offset || (fin && end < stream->highest))
		*why = "DATA behind the end of its stream";
	else
		return 0;
	return -EPROTO;
}

/* In order: offered, and what the owner does not take is kept. */
static void take_in_order(struct stream *stream, const uint8_t *p, uint32_t n)
{
	size_t took = offer(stream, p, n);

	if (took)
		taken(stream);
	if (took < n && !stream->closing)
		keep(stream, stream->in_offset, p + took, n - took);
}

void receive_flush(struct session *s)
{
	struct stream *stream = s->gather.stream;
	uint32_t n = s->gather.len;

	s->gather.stream = NULL;
	s->gather.len = 0;
	if (!stream)
		return;
	take_in_order(stream, s->gather.bytes, n);
	receive_deliver(stream); /* its end may have come before */
}

/* True: the bytes wait in the gather for more of their kind. */
static bool gather(struct stream *stream, uint64_t offset, const uint8_t *p,
                   uint32_t n)
{
	struct gather *g = &stream->session->gather;

	if (g->stream && (g->stream != stream ||
	                  offset != stream->in_offset + g->len ||
	                  n > GATHER_BYTES - g->len))
		receive_flush(stream->session);
	if (stream->segments.bytes || offset != stream->in_offset + g->len ||
	    n > GATHER_BYTES || (!g->stream && !stream->session->more_input))
		return false;
	if (!g->bytes && !(g->bytes = malloc(GATHER_BYTES)))
		return false;
	g->stream = stream;
	memcpy(g->bytes + g->len, p, n);
	g->len += n;
	return true;
}

int receive_data(struct stream *stream, const struct wire_data *data, bool fin,
                 unsigned path, const char **why)
{
	uint64_t offset = data->offset, end = data->offset + data->len;
	const uint8_t *p = data->bytes;

	if (stream->closing)
		return 0;
	if (check(stream, data, fin, why) < 0)
		return -EPROTO;
	stream->path_rx[path] += data->len;
	if (fin)
		stream->fin_offset = end;
	if (end > stream->highest)
		stream->highest = end;
	bool gathered = gather(stream, offset, p, data->len);
	if (!gathered || fin)
		receive_flush(stream->session);
	if (gathered)
		return 0;
	if (offset < stream->in_offset) {
		uint64_t old = (end < stream->in_offset ? end : stream->in_offset) -
		               offset;
		stream->session->doubles_bytes += old;
		offset += old;
		p += old;
	}
	if (offset == stream->in_offset && offset < end &&
	    !stream->segments.bytes)
		take_in_order(stream, p, (uint32_t)(end - offset));
	else if (offset < end && !stream->closing)
		keep(stream, offset, p, end - offset);
	grow_by_hole(stream);
	receive_deliver(stream);
	return 0;
}
