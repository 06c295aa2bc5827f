/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see fake_stream.h. All callbacks come from one task, so
 * never from inside a call of stream.h.
 */
#include "fake_stream.h"

#include "agg/base/buf.h"

#include <assert.h>
#include <stdlib.h>

struct stream {
	struct loop_task step;
	struct stream *peer;
	const struct stream_events *events;
	void *ctx;
	struct buf in;
	size_t window;
	struct addr bound;
	enum stream_end end;
	unsigned reserves;
	bool opened;    /* to be told */
	bool pulled;    /* what waits is offered again */
	bool starved;   /* was told that there is no space */
	bool writable;  /* to be told */
	bool fin;       /* nothing follows what is in `in` */
	bool fin_told;
	bool closing;   /* on_closed is to be told */
	bool closed;
};

static void step(void *ctx);

static void schedule(struct stream *s)
{
	if (!s->closed)
		loop_task_post(&s->step);
}

void fake_streams(struct loop *loop, size_t window, struct stream *ends[2])
{
	for (int i = 0; i < 2; i++) {
		ends[i] = calloc(1, sizeof(*ends[i]));
		assert(ends[i]);
		loop_task_init(&ends[i]->step, loop, step, ends[i]);
		ends[i]->window = window;
		buf_init(&ends[i]->in, window);
	}
	ends[0]->peer = ends[1];
	ends[1]->peer = ends[0];
}

void fake_attach(struct stream *s, const struct stream_events *events, void *ctx)
{
	s->events = events;
	s->ctx = ctx;
	s->pulled = true;
	schedule(s);
}

unsigned fake_reserves(const struct stream *s)
{
	return s->reserves;
}

static void offer(struct stream *s)
{
	if (!s->in.len || !s->pulled)
		return;
	s->pulled = false;
	size_t offered = s->in.len;
	/* In two parts, where there are two bytes. */
	size_t first = (offered + 1) / 2;
	struct iovec parts[] = {
		{ buf_head(&s->in), first },
		{ buf_head(&s->in) + first, offered - first },
	};
	size_t n = s->events->on_data(s->ctx, parts, offered > 1 ? 2 : 1);
	assert(n <= offered);
	buf_take(&s->in, n);
	if (n == offered)
		s->pulled = true;
	if (n && s->peer->starved) {
		s->peer->starved = false;
		s->peer->writable = true;
		schedule(s->peer);
	}
}

static void close_both(struct stream *s, enum stream_end end)
{
	struct stream *ends[] = { s, s->peer };

	for (int i = 0; i < 2; i++) {
		if (ends[i]->closing)
			continue;
		ends[i]->closing = true;
		ends[i]->end = end;
		schedule(ends[i]);
	}
}

static void tell_closed(struct stream *s)
{
	s->closed = true;
	s->events->on_closed(s->ctx, s->end);
	if (!s->peer->closed)
		return;
	buf_finish(&s->in);
	buf_finish(&s->peer->in);
	loop_task_cancel(&s->peer->step);
	free(s->peer);
	free(s);
}

static void step(void *ctx)
{
	struct stream *s = ctx;

	if (!s->events)
		return;
	if (s->opened && !s->closing) {
		s->opened = false;
		s->events->on_opened(s->ctx, &s->bound);
	}
	offer(s);
	if (s->writable && !s->closing) {
		s->writable = false;
		s->events->on_writable(s->ctx);
	}
	if (s->fin && !s->in.len && !s->fin_told && !s->closing) {
		s->fin_told = true;
		s->events->on_finished(s->ctx);
		if (s->peer->fin_told)
			close_both(s, STREAM_END_FINISHED);
	}
	if (s->closing && !s->step.turn)
		tell_closed(s);
}

size_t stream_space(struct stream *s)
{
	return s->window - s->peer->in.len;
}

uint8_t *stream_reserve(struct stream *s, size_t *n)
{
	size_t space = stream_space(s);

	s->reserves++;
	if (*n > space)
		*n = space;
	s->starved = !space;
	return space ? buf_reserve(&s->peer->in, *n) : NULL;
}

int stream_reserve_parts(struct stream *s, struct iovec *parts, int max)
{
	size_t n = SIZE_MAX;
	uint8_t *p = stream_reserve(s, &n);

	if (!p)
		return 0;
	parts[0] = (struct iovec){ p, n > 1 ? n / 2 : n };
	parts[1] = (struct iovec){ p + n / 2, n - n / 2 };
	return n > 1 && max > 1 ? 2 : 1;
}

void stream_commit(struct stream *s, size_t n)
{
	assert(!s->peer->fin);
	buf_added(&s->peer->in, n);
	schedule(s->peer);
}

void stream_finish(struct stream *s)
{
	assert(!s->peer->fin);
	s->peer->fin = true;
	schedule(s->peer);
}

void stream_pull(struct stream *s)
{
	s->pulled = true;
	schedule(s);
}

void stream_accept(struct stream *s, const struct addr *bound)
{
	s->peer->bound = *bound;
	s->peer->opened = true;
	schedule(s->peer);
}

void stream_reset(struct stream *s, enum stream_end end)
{
	close_both(s, end);
}

const char *stream_end_text(enum stream_end end)
{
	return "an end";
}
