/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a stream's receiving half. What arrives stays where it was opened
 * (struct fresh) until the shell has read what there is. Then the owner is
 * offered all that is in order, kept or fresh, in one call; what is behind a hole,
 * or what it does not take, is kept (segments.h). So bytes in order are never
 * copied. All of it lies inside the credit that the peer was granted (credit.h).
 */
#include "agg/transport/receive.h"

#include "agg/transport/credit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define LONG_US 100000u /* longer than any but a dead path says nothing, in a flow */

void receive_finish(struct stream *stream)
{
	struct session *s = stream->session;

	s->buffered -= stream->segments.bytes;
	segments_finish(&stream->segments);
	credit_finish(stream);
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
	credit_finish(stream); /* the next stream may open before this one ends */
	stream->events->on_finished(stream->ctx);
}

void receive_deliver(struct stream *stream)
{
	uint64_t before = stream->in_offset;

	offer(stream);
	if (stream->in_offset != before) {
		stream->hole_us = stream->session->now_us;
		credit_taken(stream);
	}
	deliver_fin(stream);
}

bool receive_is_reset(const struct stream *stream)
{
	return stream->reset_offset != UINT64_MAX &&
	       stream->in_offset >= stream->reset_offset;
}

/* Keeps bytes, new or not. Only a peer that counts upon more than it may, or a
 * machine without memory, can make that fail. */
static void keep(struct stream *stream, uint64_t offset, const uint8_t *p,
                 size_t n)
{
	struct session *s = stream->session;
	uint64_t need = offset + n - stream->in_offset;
	ssize_t fresh = -ENOMEM;

	if (!stream->segments.bytes)
		stream->hole_us = s->now_us;
	if (credit_reach(stream, need))
		fresh = segments_put(&stream->segments, stream->in_offset,
		                     stream->window_bytes, offset, p, n);
	if (fresh < 0) {
		stream->unkept = true;
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

	if (from < end && !stream->closing && !stream->unkept)
		keep(stream, from, f->p + (from - f->offset), (size_t)(end - from));
}

/* Which path brought the byte that is next. */
static unsigned path_at(const struct session *s, const struct stream *stream)
{
	for (unsigned i = 0; i < s->fresh_count; i++) {
		const struct fresh *f = &s->fresh[i];
		if (f->stream == stream && f->offset <= stream->in_offset &&
		    f->offset + f->n > stream->in_offset)
			return f->path;
	}
	return 0;
}

/* Where a path was heard when the hole began, and in the later half of a long wait no
 * more, it is that one that is late, though another filled the hole in its place: a
 * path that is dead will never say so itself. */
static unsigned late_path(const struct session *s, uint64_t hole_us, unsigned filled_by)
{
	uint64_t heard_us[WIRE_PATHS_MAX] = { 0 }, half_us = (s->now_us - hole_us) / 2;
	unsigned late = filled_by;
	const struct lane *lane;

	if (2 * half_us < LONG_US)
		return filled_by;

	DL_FOREACH(s->lanes, lane)
		if (lane->heard_us > heard_us[lane->hello.path])
			heard_us[lane->hello.path] = lane->heard_us;
	for (unsigned p = 0; p < WIRE_PATHS_MAX; p++)
		if (heard_us[p] < hole_us + half_us && heard_us[p] + LONG_US > hole_us &&
		    (late == filled_by || heard_us[p] > heard_us[late]))
			late = p;
	return late;
}

static void settle(struct stream *stream)
{
	struct session *s = stream->session;

	uint64_t before = stream->in_offset;
	uint64_t hole_us = stream->hole_us;
	bool waited = stream->segments.bytes && !stream->sated;
	unsigned path = path_at(s, stream);

	receive_deliver(stream);
	if (waited && stream->in_offset != before)
		silence_note(&s->silence, s->now_us, s->now_us - hole_us, stream->id,
		             before, late_path(s, hole_us, path));
	for (unsigned i = 0; i < s->fresh_count; i++) {
		if (s->fresh[i].stream != stream)
			continue;
		keep_rest(stream, &s->fresh[i]);
		s->fresh[i].stream = NULL;
	}
	if (!stream->closing)
		credit_hole(stream);
}

struct stream *receive_next(struct session *s)
{
	for (unsigned i = 0; i < s->fresh_count; i++) {
		struct stream *stream = s->fresh[i].stream;
		if (!stream)
			continue;
		settle(stream);
		return stream;
	}
	s->fresh_count = 0;
	return NULL;
}

bool receive_is_full(const struct session *s)
{
	return s->fresh_count == FRESH_MAX;
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
	if (end <= stream->in_offset)
		silence_late(&s->silence, stream->id, data->offset, end, path);
	s->doubles_bytes += data->len; /* until one knows better */
	s->fresh[s->fresh_count++] = (struct fresh){
		stream, data->offset, data->bytes, data->len, (uint8_t)path,
	};
	return 0;
}
