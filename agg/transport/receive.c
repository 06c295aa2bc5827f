/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a stream's receiving half. What arrives stays where it was opened
 * (struct fresh) until the shell has read what there is. Then the owner is
 * offered all that is in order, kept or fresh, in one call; what is behind a hole,
 * or what it does not take, is kept (segments.h). So bytes in order are never
 * copied. All of it lies inside the credit that the peer was granted.
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

static bool grow_window(struct stream *stream, unsigned times)
{
	const struct session *s = stream->session;
	uint64_t window = times * stream->window_bytes;
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
	/* At twice as fast, or more, it is doubled twice at once. */
	uint64_t rtt_us = longest_rtt_us(s), took_us = s->now_us - stream->epoch_us;
	if (took_us >= EPOCH_RTTS * rtt_us / 2 || !grow_window(stream, 4))
		if (took_us < EPOCH_RTTS * rtt_us)
			grow_window(stream, 2);
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
	return stream->segments.bytes &&
	       !segments_has(&stream->segments, stream->in_offset);
}

/* Something arrived behind a hole. */
static void grow_by_hole(struct stream *stream)
{
	uint64_t granted = stream->granted_max > stream->highest ?
		stream->granted_max - stream->highest : 0;

	if (granted <= stream->window_bytes / 2 && waits_for_hole(stream))
		grow_window(stream, 2);
	grant(stream);
}

/* The bytes of a stream from there on that came just now; NULL: none. */
static const struct fresh *fresh_at(const struct stream *stream, uint64_t at)
{
	const struct session *s = stream->session;

	for (unsigned i = 0; i < s->fresh_count; i++) {
		const struct fresh *f = &s->fresh[i];
		if (f->stream == stream && at >= f->offset && at - f->offset < f->n)
			return f;
	}
	return NULL;
}

/* A part of what is in order from there on, without a copy. */
static size_t find_part(const struct stream *stream, uint64_t at,
                        const uint8_t **p)
{
	size_t n = segments_peek(&stream->segments, at, p);
	const struct fresh *f = n ? NULL : fresh_at(stream, at);

	if (!f)
		return n;
	*p = f->p + (at - f->offset);
	return (size_t)(f->offset + f->n - at);
}

static int list_parts(const struct stream *stream,
                      struct iovec parts[STREAM_PARTS_MAX])
{
	uint64_t at = stream->in_offset;
	const uint8_t *p;
	int count = 0;
	size_t n;

	while (count < STREAM_PARTS_MAX && (n = find_part(stream, at, &p))) {
		parts[count++] = (struct iovec){ (void *)(uintptr_t)p, n };
		at += n;
	}
	return count;
}

/* The owner took so much more. */
static void pass(struct stream *stream, size_t n)
{
	struct session *s = stream->session;
	uint64_t to = stream->in_offset + n;
	size_t kept = segments_release(&stream->segments, stream->in_offset, to);

	s->buffered -= kept;
	s->doubles_bytes -= n - kept; /* of the fresh ones, these were none */
	stream->in_offset = to;
}

/* Offers the owner what is in order, as long as it takes all. To list it costs, so
 * one that did not is left alone until it pulls. */
static void offer(struct stream *stream)
{
	struct iovec parts[STREAM_PARTS_MAX];
	size_t bytes, took;
	int count;

	if (!stream->events || stream->sated)
		return;
	do {
		count = stream->closing ? 0 : list_parts(stream, parts);
		if (!count)
			return;
		bytes = stream_parts_bytes(parts, count);
		stream->delivering = stream->sated = true;
		took = stream->events->on_data(stream->ctx, parts, count);
		stream->delivering = false;
		pass(stream, took);
		if (took == bytes)
			stream->sated = false;
	} while (!stream->sated);
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

	offer(stream);
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
	s->doubles_bytes -= (size_t)fresh;
}

/* What is left of a fresh piece, when the owner had what it takes. */
static void keep_rest(struct stream *stream, const struct fresh *f)
{
	uint64_t end = f->offset + f->n;
	uint64_t from = f->offset > stream->in_offset ? f->offset
	                                              : stream->in_offset;

	if (from < end && !stream->closing)
		keep(stream, from, f->p + (from - f->offset), (size_t)(end - from));
}

static void settle(struct stream *stream)
{
	struct session *s = stream->session;

	receive_deliver(stream);
	for (unsigned i = 0; i < s->fresh_count; i++) {
		if (s->fresh[i].stream != stream)
			continue;
		keep_rest(stream, &s->fresh[i]);
		s->fresh[i].stream = NULL;
	}
	if (!stream->closing)
		grow_by_hole(stream);
}

void receive_flush(struct session *s)
{
	for (unsigned i = 0; i < s->fresh_count; i++)
		if (s->fresh[i].stream)
			settle(s->fresh[i].stream);
	s->fresh_count = 0;
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

int receive_data(struct stream *stream, const struct wire_data *data, bool fin,
                 unsigned path, const char **why)
{
	struct session *s = stream->session;
	uint64_t end = data->offset + data->len;

	if (stream->closing)
		return 0;
	if (check(stream, data, fin, why) < 0)
		return -EPROTO;
	stream->path_rx[path] += data->len;
	if (fin)
		stream->fin_offset = end;
	if (end > stream->highest)
		stream->highest = end;
	if (s->fresh_count == FRESH_MAX)
		receive_flush(s);
	s->doubles_bytes += data->len; /* until one knows better */
	s->fresh[s->fresh_count++] = (struct fresh){
		stream, data->offset, data->bytes, data->len,
	};
	return 0;
}
