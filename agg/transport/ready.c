/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the streams of a class that have something to send, in the order of the
 * session's policy: a binary heap by (key, turn). The key is the policy's; the
 * turn is when the stream was served last, so that streams of one key take
 * turns. A key is what was true when its stream was put: whatever changes it
 * puts the stream again.
 */
#include "agg/transport/session_impl.h"

static struct ready *ready_of(const struct stream *stream)
{
	return &stream->session->ready[stream->bulk];
}

bool ready_before(const struct stream *a, const struct stream *b)
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

	for (; at && ready_before(stream, ready->heap[(at - 1) / 2]); at = (at - 1) / 2)
		place(ready, ready->heap[(at - 1) / 2], at);
	while ((child = 2 * at + 1) < ready->len) {
		if (child + 1 < ready->len &&
		    ready_before(ready->heap[child + 1], ready->heap[child]))
			child++;
		if (!ready_before(ready->heap[child], stream))
			break;
		place(ready, ready->heap[child], at);
		at = child;
	}
	place(ready, stream, at);
}

static uint64_t key_of(const struct stream *stream)
{
	struct order_stream is = {
		.burst = stream->burst,
		.bulk = stream->bulk,
		.sent_bytes = stream->burst_bytes,
		.pending_bytes = stream_unsent(stream),
		.remaining_bytes = stream_remaining(stream),
	};

	return stream->session->args.policy.order->key(&is);
}

void ready_put(struct stream *stream)
{
	struct ready *ready = ready_of(stream);

	if (!stream->ready_at) {
		stream->ready_at = ++ready->len;
		ready->heap[ready->len - 1] = stream;
	}
	stream->order_key = key_of(stream);
	sift(ready, stream->ready_at - 1);
}

void ready_remove(struct stream *stream)
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

void ready_turn(struct stream *stream)
{
	stream->turn = ++stream->session->turns;
}

struct stream *ready_first(const struct session *s, enum stream_class class)
{
	return s->ready[class].len ? s->ready[class].heap[0] : NULL;
}

void ready_resort(struct session *s)
{
	for (int c = 0; c < STREAM_CLASS_COUNT; c++) {
		struct ready *ready = &s->ready[c];
		for (uint32_t i = 0; i < ready->len; i++)
			ready->heap[i]->order_key = key_of(ready->heap[i]);
		for (uint32_t i = ready->len; i > 0; i--)
			sift(ready, i - 1);
	}
}
