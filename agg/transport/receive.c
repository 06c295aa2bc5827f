/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a stream's receiving half. What arrives in order goes straight to the
 * owner; what does not, or what the owner cannot take, is kept in segments
 * sorted by offset, without overlap. All of it lies inside the credit that
 * the peer was granted.
 *
 * Credit grows, inside the session's memory, where it is the window that
 * limits: as in Linux's receive buffer (Dynamic Right-Sizing, Fisk and Feng,
 * 2001) when the owner took half of it within two of the longest round trips;
 * and, as a slow path may hold up what a fast one brought long ago, when what
 * arrived is past half of the window while the owner waits for a hole: more
 * must be told before it is needed, and the telling takes a round trip. So
 * a fast stream gets twice the delay-bandwidth product of all paths and what
 * a resend on the slowest takes, and a slow reader stops itself only.
 */
#include "agg/transport/session_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define EPOCH_RTTS 2u
#define EPOCH_MIN_US 20000u

uint64_t receive_first_credit(const struct session *s)
{
	uint64_t credit = CREDIT_FIRST_ALL / (s->stream_count + 1);

	if (credit < CREDIT_FIRST_MIN)
		return CREDIT_FIRST_MIN;
	return credit > CREDIT_FIRST_MAX ? CREDIT_FIRST_MAX : credit;
}

void receive_init(struct stream *stream, uint64_t credit)
{
	stream->window_bytes = credit;
	stream->granted_max = credit;
	stream->epoch_us = stream->session->now_us;
}

static void free_segment(struct stream *stream, struct segment *segment)
{
	uint32_t left = segment->len - segment->taken;

	DL_DELETE(stream->segments, segment);
	stream->segment_count--;
	stream->buffered -= left;
	stream->session->buffered -= left;
	free(segment);
}

void receive_finish(struct stream *stream)
{
	while (stream->segments)
		free_segment(stream, stream->segments);
	stream->session->grown -= stream->window_grown;
	stream->window_grown = 0;
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
	struct session *s = stream->session;
	uint64_t more = stream->window_bytes;

	if (s->grown + more > s->args.memory_max)
		return false;
	stream->window_bytes += more;
	stream->window_grown += more;
	s->grown += more;
	return true;
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

static void grant(struct stream *stream)
{
	uint64_t max = stream->in_offset + stream->window_bytes;

	if (stream->fin_offset == UINT64_MAX &&
	    max - stream->granted_max >= stream->window_bytes / 4) {
		stream->granted_max = max;
		pump_todo(stream, TODO_CREDIT);
	}
}

static void taken(struct stream *stream)
{
	grow_by_rate(stream);
	grant(stream);
}

/* Something arrived behind a hole. */
static void grow_by_hole(struct stream *stream)
{
	const struct segment *first = stream->segments;

	if (!first || first->offset <= stream->in_offset ||
	    stream->granted_max - stream->highest > stream->window_bytes / 2)
		return;
	if (double_window(stream))
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
		stream_drop_output(stream);
		stream_check_done(stream);
	}
	check_reset(stream);
}

void receive_deliver(struct stream *stream)
{
	uint64_t before = stream->in_offset;

	while (stream->segments && !stream->closing &&
	       stream->segments->offset + stream->segments->taken ==
	       stream->in_offset) {
		struct segment *seg = stream->segments;
		uint32_t left = seg->len - seg->taken;
		size_t n = offer(stream, seg->bytes + seg->taken, left);
		if (n == left) {
			free_segment(stream, seg);
			continue;
		}
		seg->taken += (uint32_t)n;
		stream->buffered -= n;
		stream->session->buffered -= n;
		break;
	}
	if (stream->in_offset != before)
		taken(stream);
	deliver_fin(stream);
	check_reset(stream);
}

/* Keeps n bytes at offset, which overlap with nothing, before `next` (NULL:
 * at the end). */
static int keep(struct stream *stream, uint64_t offset, const uint8_t *p,
                size_t n, struct segment *next)
{
	struct session *s = stream->session;
	struct segment *seg;

	if (stream->segment_count >= SEGMENTS_MAX ||
	    s->buffered + n > MEMORY_HARD_FACTOR * s->args.memory_max)
		return -ENOBUFS;
	seg = malloc(sizeof(*seg) + n);
	if (!seg)
		return -ENOMEM;
	stream->segment_count++;
	seg->offset = offset;
	seg->len = (uint32_t)n;
	seg->taken = 0;
	memcpy(seg->bytes, p, n);
	if (next)
		DL_PREPEND_ELEM(stream->segments, next, seg);
	else
		DL_APPEND(stream->segments, seg);
	stream->buffered += n;
	s->buffered += n;
	return 0;
}

/* The first segment that ends behind offset; NULL: none. New bytes belong to
 * the front (a slow path fills the hole) or to the end (a fast one goes on),
 * so both ends are tried first. */
static struct segment *find_segment(struct stream *stream, uint64_t offset)
{
	struct segment *seg = stream->segments;

	if (!seg || offset < seg->offset + seg->len)
		return seg;
	for (seg = stream->segments->prev; offset < seg->offset + seg->len;
	     seg = seg->prev)
		;
	return seg->next;
}

/* Stores what of [offset, end) is not there yet, gap by gap. */
static int insert(struct stream *stream, uint64_t offset, const uint8_t *p,
                  uint64_t end)
{
	struct segment *seg = find_segment(stream, offset);

	while (offset < end) {
		uint64_t gap_end = seg && seg->offset < end ? seg->offset : end;
		if (offset < gap_end) {
			int err = keep(stream, offset, p, gap_end - offset, seg);
			if (err)
				return err;
			p += gap_end - offset;
			offset = gap_end;
		}
		if (!seg || offset >= end)
			break;
		uint64_t seg_end = seg->offset + seg->len;
		uint64_t to = seg_end < end ? seg_end : end;
		stream->session->doubles_bytes += to - offset;
		p += to - offset;
		offset = to;
		seg = seg->next;
	}
	return 0;
}

static int check(struct stream *stream, const struct wire_data *data, bool fin,
                 const char **why)
{
	uint64_t end = data->offset + data->len;

	if (end > stream->granted_max)
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
	if (took < n && !stream->closing &&
	    insert(stream, stream->in_offset, p + took,
	           stream->in_offset + n - took) < 0)
		stream_reset(stream, STREAM_END_LIMIT);
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
	if (stream->segments || offset != stream->in_offset + g->len ||
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
	if (offset == stream->in_offset && offset < end && !stream->segments)
		take_in_order(stream, p, (uint32_t)(end - offset));
	else if (offset < end && !stream->closing &&
	         insert(stream, offset, p, end) < 0)
		stream_reset(stream, STREAM_END_LIMIT);
	grow_by_hole(stream);
	receive_deliver(stream);
	return 0;
}
