/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see testbytes.h.
 */
#include "agg/role/testbytes.h"

#include <string.h>

bool testbytes_are_asked(const struct dest *dest)
{
	return !strcmp(dest->name, TESTBYTES_DOWN) ||
	       !strcmp(dest->name, TESTBYTES_UP);
}

/* What is reserved holds what others left there: it is cleared. */
static void fill(struct testbytes *t)
{
	uint8_t *to;
	size_t n;

	while (t->stream && (n = stream_space(t->stream)) &&
	       (to = stream_reserve(t->stream, &n))) {
		memset(to, 0, n);
		stream_commit(t->stream, n);
	}
}

static void on_accept(void *ctx)
{
	struct testbytes *t = ctx;
	const struct addr nowhere = { .family = AF_INET };

	if (!t->stream)
		return;
	stream_accept(t->stream, &nowhere);
	if (t->down)
		fill(t);
}

static void on_end(void *ctx)
{
	struct testbytes *t = ctx;

	if (t->stream)
		stream_reset(t->stream, STREAM_END_LIMIT);
}

static void on_opened(void *ctx, const struct addr *bound)
{
}

static size_t on_data(void *ctx, struct iovec *parts, int count)
{
	return stream_parts_bytes(parts, count);
}

static void on_finished(void *ctx)
{
	struct testbytes *t = ctx;

	stream_finish(t->stream);
}

static void on_writable(void *ctx)
{
	struct testbytes *t = ctx;

	if (t->down)
		fill(t);
}

static void on_closed(void *ctx, enum stream_end end)
{
	struct testbytes *t = ctx;

	t->used_us += loop_now_us(t->loop) - t->since_us;
	t->stream = NULL;
	loop_task_cancel(&t->accept);
	loop_timer_disarm(t->end);
}

static const struct stream_events test_events = {
	.on_opened = on_opened, .on_data = on_data, .on_finished = on_finished,
	.on_writable = on_writable, .on_closed = on_closed,
};

static bool may_begin(struct testbytes *t, uint64_t now_us)
{
	if (!t->window_us || now_us - t->window_us >= TESTBYTES_WINDOW_US) {
		t->window_us = now_us;
		t->used_us = 0;
	}
	return !t->stream && t->used_us < TESTBYTES_ALL_US_MAX;
}

enum stream_end testbytes_take(struct testbytes *t, struct loop *loop,
                               struct stream *s, const struct dest *dest,
                               const struct stream_events **events,
                               void **stream_ctx)
{
	uint64_t now_us = loop_now_us(loop);

	if (!t->end)
		t->end = loop_timer_create(loop, on_end, t);
	if (!t->end || !may_begin(t, now_us))
		return STREAM_END_LIMIT;
	t->loop = loop;
	t->stream = s;
	t->down = !strcmp(dest->name, TESTBYTES_DOWN);
	t->since_us = now_us;
	loop_timer_arm(t->end, now_us + TESTBYTES_US_MAX);
	loop_task_init(&t->accept, loop, on_accept, t);
	loop_task_post(&t->accept);
	*events = &test_events;
	*stream_ctx = t;
	return STREAM_END_FINISHED;
}

void testbytes_finish(struct testbytes *t)
{
	if (!t->end)
		return;
	loop_task_cancel(&t->accept);
	loop_timer_destroy(t->end);
	t->end = NULL;
}
