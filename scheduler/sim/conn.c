/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: connections over a simulated session. Counts run from a stream's first
 * byte: what is to be sent, what was, what was read. An item is a range of
 * each direction.
 */
#include "scheduler/sim/conn.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN_STEP 251u    /* prime: no piece is a multiple of it */
#define PATTERN_BYTES 65536u /* of a run at once, behind any of its starts */
#define PORT 80

/* Errors ---------------------------------------------------------------- */

void conns_fail(struct conns *c, const char *fmt, ...)
{
	va_list args;

	if (*c->error)
		return;
	va_start(args, fmt);
	vsnprintf(c->error, sizeof(c->error), fmt, args);
	va_end(args);
	world_stop(c->world);
}

static void on_over(void *ctx, const char *why)
{
	conns_fail(ctx, "the session ended: %s", why);
}

/* Bytes ----------------------------------------------------------------- */

/* The byte at an offset of any stream is the offset's rest. */
static void put_pattern(const struct conns *c, uint64_t offset, uint8_t *to,
                        size_t n)
{
	while (n) {
		size_t part = n < PATTERN_BYTES ? n : PATTERN_BYTES;
		memcpy(to, c->pattern + offset % PATTERN_STEP, part);
		offset += part;
		to += part;
		n -= part;
	}
}

static bool is_pattern(const struct conns *c, uint64_t offset, const uint8_t *p,
                       size_t n)
{
	bool same = true;

	while (n && same) {
		size_t part = n < PATTERN_BYTES ? n : PATTERN_BYTES;
		same = !memcmp(p, c->pattern + offset % PATTERN_STEP, part);
		offset += part;
		p += part;
		n -= part;
	}
	return same;
}

static void serve(struct conn *conn, int side)
{
	struct stream *stream = conn->stream[side];

	while (stream && conn->sent[side] < conn->want[side]) {
		uint64_t left = conn->want[side] - conn->sent[side];
		size_t n = left < SIZE_MAX ? (size_t)left : SIZE_MAX;
		uint8_t *to = stream_reserve(stream, &n);
		if (!to)
			return;
		if (n > left)
			n = (size_t)left;
		put_pattern(conn->all, conn->sent[side], to, n);
		conn->sent[side] += n; /* before: commit may come back here */
		stream_commit(stream, n);
	}
	if (stream && conn->last[side] && !conn->finished[side] &&
	    conn->sent[side] == conn->want[side]) {
		conn->finished[side] = true;
		stream_finish(stream);
	}
}

/* Items ----------------------------------------------------------------- */

static void finish(struct conn *conn, int side)
{
	conn->last[side] = true;
	serve(conn, side);
}

static bool is_done(const struct conn *conn, const struct conn_item *item)
{
	switch (item->mode) {
	case CONN_EXCHANGE:
	case CONN_PUSH_DOWN:
		return item->down_end != CONN_UNKNOWN &&
		       conn->got[WORLD_GATEWAY] >= item->down_end;
	case CONN_PUSH_UP:
		return conn->got[WORLD_CONCENTRATOR] >= item->up_end;
	}
	return false;
}

static void note_done(struct conn *conn)
{
	while (conn->answered && is_done(conn, conn->answered)) {
		struct conn_item *item = conn->answered;
		conn->answered = item->next;
		item->end_us = world_now_us(conn->all->world);
		conn->owner->on_done(conn->ctx, item);
	}
	if (conn->last_item && !conn->answered)
		finish(conn, WORLD_GATEWAY);
}

/* The server has whole requests: it answers. */
static void note_asked(struct conn *conn)
{
	struct conn_item *item;

	while ((item = conn->asked) &&
	       (item->mode == CONN_PUSH_DOWN ||
	        conn->got[WORLD_CONCENTRATOR] >= item->up_end)) {
		conn->asked = item->next;
		if (item->mode != CONN_EXCHANGE)
			continue;
		conn->want[WORLD_CONCENTRATOR] += item->down_bytes;
		item->down_end = conn->want[WORLD_CONCENTRATOR];
		if (conn->last_item && !conn->asked)
			conn->last[WORLD_CONCENTRATOR] = true;
	}
	serve(conn, WORLD_CONCENTRATOR);
}

/* Streams --------------------------------------------------------------- */

static void on_opened(void *ctx, const struct addr *bound)
{
}

static void check_bytes(struct conn *conn, int side, const uint8_t *p, size_t n)
{
	if (!is_pattern(conn->all, conn->got[side], p, n))
		conns_fail(conn->all, "stream %u: wrong bytes behind offset %llu",
		           conn->index, (unsigned long long)conn->got[side]);
	conn->got[side] += n;
}

static size_t on_data(void *ctx, struct iovec *parts, int count)
{
	struct conn *conn = ((struct conn_end *)ctx)->conn;
	int side = ((struct conn_end *)ctx)->side;
	uint64_t before = conn->got[side];

	for (int i = 0; i < count; i++)
		check_bytes(conn, side, parts[i].iov_base, parts[i].iov_len);
	size_t n = (size_t)(conn->got[side] - before);
	if (conn->owner->on_read)
		conn->owner->on_read(conn->ctx, conn, side, n);
	if (side == WORLD_CONCENTRATOR)
		note_asked(conn);
	note_done(conn);
	return n;
}

static void on_finished(void *ctx)
{
	const struct conn_end *end = ctx;

	if (end->side == WORLD_CONCENTRATOR)
		finish(end->conn, WORLD_CONCENTRATOR);
}

static void on_writable(void *ctx)
{
	const struct conn_end *end = ctx;

	serve(end->conn, end->side);
}

static void on_closed(void *ctx, enum stream_end why)
{
	struct conn *conn = ((struct conn_end *)ctx)->conn;
	int side = ((struct conn_end *)ctx)->side;
	struct conns *c = conn->all;

	conn->stream[side] = NULL;
	if (!c->world) /* it ends */
		return;
	if (why != STREAM_END_FINISHED)
		conns_fail(c, "stream %u: %s", conn->index, stream_end_text(why));
	else if (conn->got[side] != conn->want[!side])
		conns_fail(c, "stream %u: %llu bytes of %llu came", conn->index,
		           (unsigned long long)conn->got[side],
		           (unsigned long long)conn->want[!side]);
	if (++conn->closed == 2 && !--c->open)
		c->on_idle(c->ctx);
}

static const struct stream_events stream_events = {
	.on_opened = on_opened, .on_data = on_data, .on_finished = on_finished,
	.on_writable = on_writable, .on_closed = on_closed,
};

static void accept_stream(void *ctx)
{
	struct conn *conn = ctx;

	if (conn->stream[WORLD_CONCENTRATOR])
		stream_accept(conn->stream[WORLD_CONCENTRATOR],
		              &(struct addr){ .family = AF_INET });
	serve(conn, WORLD_CONCENTRATOR);
}

static enum stream_end on_stream(void *ctx, struct stream *stream,
                                 const struct dest *dest,
                                 const struct stream_events **events,
                                 void **stream_ctx)
{
	struct conns *c = ctx;
	uint32_t index;

	memcpy(&index, dest->addr.ip, sizeof(index));
	if (index >= c->count) {
		conns_fail(c, "a stream came that nobody opened");
		return STREAM_END_NOT_ALLOWED;
	}
	struct conn *conn = c->list[index];
	conn->stream[WORLD_CONCENTRATOR] = stream;
	*events = &stream_events;
	*stream_ctx = &conn->end[WORLD_CONCENTRATOR];
	world_at(c->world, world_now_us(c->world), accept_stream, conn);
	return STREAM_END_FINISHED;
}

const struct world_events conns_events = {
	.on_stream = on_stream, .on_over = on_over,
};

/* The owner's ----------------------------------------------------------- */

int conns_init(struct conns *c, void (*on_idle)(void *ctx), void *ctx)
{
	*c = (struct conns){ .on_idle = on_idle, .ctx = ctx };
	c->pattern = malloc(PATTERN_BYTES + PATTERN_STEP);
	if (!c->pattern)
		return -ENOMEM;
	for (unsigned i = 0; i < PATTERN_BYTES + PATTERN_STEP; i++)
		c->pattern[i] = (uint8_t)(i % PATTERN_STEP);
	return 0;
}

void conns_finish(struct conns *c)
{
	for (unsigned i = 0; i < c->count; i++)
		free(c->list[i]);
	free(c->list);
	free(c->pattern);
}

static struct conn *add_conn(struct conns *c)
{
	struct conn *conn;

	if (c->count == CONNS_MAX)
		return NULL;
	if (c->count == c->cap) {
		unsigned cap = c->cap ? 2 * c->cap : 64;
		struct conn **list = realloc(c->list, cap * sizeof(*list));
		if (!list)
			return NULL;
		c->list = list;
		c->cap = cap;
	}
	conn = calloc(1, sizeof(*conn));
	if (!conn)
		return NULL;
	conn->index = c->count;
	c->list[c->count++] = conn;
	return conn;
}

struct conn *conn_open(struct conns *c, const struct conn_owner *owner, void *ctx)
{
	struct addr client = { .family = AF_INET, .port = PORT };
	struct dest dest = { .addr = client };
	struct conn *conn = add_conn(c);

	if (!conn) {
		conns_fail(c, "no memory for a stream more");
		return NULL;
	}
	conn->all = c;
	conn->owner = owner;
	conn->ctx = ctx;
	for (int side = 0; side < 2; side++) {
		conn->end[side].conn = conn;
		conn->end[side].side = side;
	}
	memcpy(dest.addr.ip, &conn->index, sizeof(conn->index));
	c->open++;
	conn->stream[WORLD_GATEWAY] =
		session_open(world_session(c->world, WORLD_GATEWAY), &dest, &client,
		             &stream_events, &conn->end[WORLD_GATEWAY]);
	if (conn->stream[WORLD_GATEWAY])
		return conn;
	conns_fail(c, "stream %u cannot be opened: %s", conn->index,
	           strerror(errno));
	return NULL;
}

void conn_add(struct conn *conn, struct conn_item *item, bool last)
{
	assert(!conn->last_item);
	item->conn = conn;
	item->start_us = world_now_us(conn->all->world);
	item->next = NULL;
	item->up_end = item->down_end = CONN_UNKNOWN;
	conn->last_item = last;
	if (conn->tail && conn->answered)
		conn->tail->next = item;
	conn->tail = item;
	if (!conn->asked)
		conn->asked = item;
	if (!conn->answered)
		conn->answered = item;
	if (item->mode == CONN_PUSH_DOWN) {
		conn->want[WORLD_CONCENTRATOR] += item->down_bytes;
		item->down_end = conn->want[WORLD_CONCENTRATOR];
		note_asked(conn);
		return;
	}
	conn->want[WORLD_GATEWAY] += item->up_bytes;
	item->up_end = conn->want[WORLD_GATEWAY];
	/* A client leaves its half open until it has its answer; what it
	 * uploads ends with its end. */
	if (last && item->up_bytes > item->down_bytes)
		conn->last[WORLD_GATEWAY] = true;
	serve(conn, WORLD_GATEWAY);
}

void conn_cut(struct conn *conn, struct conn_item *item)
{
	bool up = item->up_bytes == CONN_ENDLESS;
	int side = up ? WORLD_GATEWAY : WORLD_CONCENTRATOR;

	conn->last_item = true;
	if (up)
		item->up_bytes = conn->sent[side];
	else
		item->down_bytes = conn->sent[side];
	if (up || item->down_end != CONN_UNKNOWN) /* else it has not begun */
		conn->want[side] = conn->sent[side];
	if (up)
		item->up_end = conn->want[side];
	else if (item->down_end != CONN_UNKNOWN)
		item->down_end = conn->want[side];
	finish(conn, side);
	note_asked(conn);
	note_done(conn);
}

void conn_close(struct conn *conn)
{
	conn->last_item = true;
	note_done(conn);
}

void conn_progress(const struct conn_item *item, int side, uint64_t unsent,
                   uint64_t *read, uint64_t *in_flight)
{
	const struct conn *conn = item->conn;
	bool down = side == WORLD_GATEWAY;
	uint64_t bytes = down ? item->down_bytes : item->up_bytes;
	uint64_t end = down ? item->down_end : item->up_end;
	uint64_t sent = conn->sent[!side] > unsent ? conn->sent[!side] - unsent : 0;
	uint64_t first = end - bytes, got = conn->got[side];

	*read = *in_flight = 0;
	if (end == CONN_UNKNOWN)
		return;
	*read = got <= first ? 0 : got >= end ? bytes : got - first;
	sent = sent <= first ? 0 : sent >= end ? bytes : sent - first;
	*in_flight = sent > *read ? sent - *read : 0;
}
