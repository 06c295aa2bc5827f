/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what there is to do: that the session wants a turn, which streams have
 * control frames to send, and which have bytes.
 *
 * The latter, of each class, in the order of the session's policy: a binary heap
 * by (key, turn). The key is the policy's; the turn is when the stream was served
 * last, so that streams of one key take turns. A key is what was true when its
 * stream was put: whatever changes it puts the stream again.
 */
#include "agg/transport/work.h"

#include <stdlib.h>

#include <utlist.h>

#define ROOM_FIRST 16u

void work_note(struct session *s)
{
	if (s->noted)
		return;
	s->noted = true;
	s->now_us = s->args.events->now_us(s->args.ctx);
	s->args.events->on_work(s->args.ctx);
}

void work_todo(struct stream *stream, uint8_t todo)
{
	stream->todo |= todo;
	if (stream->is_todo)
		return;
	stream->is_todo = true;
	DL_APPEND2(stream->session->todo, stream, todo_prev, todo_next);
}

bool work_make_room(struct session *s)
{
	for (int c = 0; c < STREAM_CLASS_COUNT; c++) {
		struct ready *ready = &s->ready[c];
		uint32_t cap = ready->cap ? 2 * ready->cap : ROOM_FIRST;
		if (s->stream_count < ready->cap)
			continue;
		struct stream **heap = realloc(ready->heap,
		                               cap * sizeof(*heap));
		if (!heap)
			return false;
		ready->heap = heap;
		ready->cap = cap;
	}
	return true;
}

void work_give_room(struct session *s)
{
	for (int c = 0; c < STREAM_CLASS_COUNT; c++) {
		free(s->ready[c].heap);
		s->ready[c] = (struct ready){ 0 };
	}
}

static struct ready *ready_of(const struct stream *stream)
{
	return &stream->session->ready[stream->bulk];
}

bool work_before(const struct stream *a, const struct stream *b)
{
	return a->order_key != b->order_key ? a->order_key < b->order_key
	                                    : a->turn < b->turn;
}

static void place(struct ready *ready, struct stream *stream, uint32_t at)
{
	ready->heap[at] = stream;
	stream->ready_at = at + 1;
}

/* Moves what stands at a place to where it belongs. */
static void sift(struct ready *ready, uint32_t at)
{
	struct stream *stream = ready->heap[at];
	uint32_t child;

	for (; at && work_before(stream, ready->heap[(at - 1) / 2]); at = (at - 1) / 2)
		place(ready, ready->heap[(at - 1) / 2], at);
	while ((child = 2 * at + 1) < ready->len) {
		if (child + 1 < ready->len &&
		    work_before(ready->heap[child + 1], ready->heap[child]))
			child++;
		if (!work_before(ready->heap[child], stream))
			break;
		place(ready, ready->heap[child], at);
		at = child;
	}
	place(ready, stream, at);
}

void work_served(struct stream *stream)
{
	stream->turn = ++stream->session->turns;
}

void work_put_back(struct stream *stream)
{
	struct ready *ready = ready_of(stream);

	if (!stream->ready_at) {
		stream->ready_at = ++ready->len;
		ready->heap[ready->len - 1] = stream;
	}
	sift(ready, stream->ready_at - 1);
}

void work_put(struct stream *stream, uint64_t key)
{
	if (!stream->ready_at)
		work_served(stream);
	stream->order_key = key;
	work_put_back(stream);
}

void work_remove(struct stream *stream)
{
	struct ready *ready = ready_of(stream);
	uint32_t at = stream->ready_at - 1;

	if (!stream->ready_at)
		return;
	stream->ready_at = 0;
	struct stream *last = ready->heap[--ready->len];
	if (last == stream)
		return;
	place(ready, last, at);
	sift(ready, at);
}

bool work_any(const struct session *s)
{
	return s->ready[STREAM_INTERACTIVE].len || s->ready[STREAM_BULK].len;
}

struct stream *work_first(const struct session *s, enum stream_class class)
{
	return s->ready[class].len ? s->ready[class].heap[0] : NULL;
}
