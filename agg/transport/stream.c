/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a stream: its public face (stream.h), its beginning and its end.
 *
 * A stream is done when its last byte and FIN are acknowledged and the peer's
 * FIN was delivered; or when a RESET, and all bytes before it, were
 * acknowledged; or when the peer's RESET was reached.
 */
#include "agg/transport/stream_impl.h"

#include "agg/transport/memory.h"
#include "agg/transport/receive.h"
#include "agg/transport/send.h"
#include "agg/transport/work.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

const char *stream_end_text(enum stream_end end)
{
	switch (end) {
	case STREAM_END_FINISHED: return "finished";
	case STREAM_END_RESET: return "reset";
	case STREAM_END_REFUSED: return "connection refused";
	case STREAM_END_NET_UNREACH: return "network unreachable";
	case STREAM_END_HOST_UNREACH: return "host unreachable";
	case STREAM_END_TIMED_OUT: return "timed out";
	case STREAM_END_NAME_NOT_FOUND: return "name not found";
	case STREAM_END_NOT_ALLOWED: return "destination not allowed";
	case STREAM_END_LIMIT: return "too many streams";
	case STREAM_END_SESSION_LOST: return "session lost";
	}
	return "unknown";
}

struct stream *stream_create(struct session *s, uint32_t id)
{
	struct stream *stream;

	errno = ENOSPC;
	if (!budget_take(&s->memory, STREAM_BYTES))
		return NULL;
	stream = work_make_room(s) ? calloc(1, sizeof(*stream)) : NULL;
	if (!stream) {
		budget_give(&s->memory, STREAM_BYTES);
		return NULL;
	}
	stream->session = s;
	stream->id = id;
	stream->since_us = s->now_us;
	stream->out.budget = stream->unsent.budget = &s->sent;
	stream->out.pool = &s->blocks;
	stream->fin_offset = stream->reset_offset = UINT64_MAX;
	HASH_ADD(hh, s->streams, id, sizeof(id), stream);
	s->stream_count++;
	s->open_count++;
	return stream;
}

const char *stream_class_name(enum stream_class c)
{
	return c == STREAM_BULK ? "bulk" : "interactive";
}

void stream_free(struct stream *stream)
{
	struct session *s = stream->session;

	send_drop(stream);
	receive_finish(stream);
	if (stream->is_todo)
		DL_DELETE2(s->todo, stream, todo_prev, todo_next);
	HASH_DELETE(hh, s->streams, stream);
	s->stream_count--;
	s->open_count -= !stream->closing;
	if (!s->stream_count)
		work_give_room(s);
	budget_give(&s->memory, STREAM_BYTES);
	free(stream);
}

/* The owner hears the end at the end of the turn; what is gone is freed. */
static void bury(struct stream *stream, bool gone)
{
	stream->gone |= gone;
	if (stream->is_dead)
		return;
	stream->is_dead = true;
	stream->dead_next = stream->session->dead;
	stream->session->dead = stream;
}

/* The first reason is the one. */
static void set_closing(struct stream *stream, enum stream_end end)
{
	if (stream->closing)
		return;
	stream->closing = true;
	stream->end = (uint8_t)end;
	stream->session->open_count--;
	stream->session->ends[end]++;
}

void stream_close(struct stream *stream, enum stream_end end)
{
	set_closing(stream, end);
	send_drop(stream);
	bury(stream, true);
}

void stream_reap(struct stream *stream)
{
	const struct stream_events *events = stream->events;

	stream->is_dead = false;
	stream->events = NULL;
	if (events)
		events->on_closed(stream->ctx, stream->end);
	if (stream->gone)
		stream_free(stream);
}

void stream_reset(struct stream *stream, enum stream_end end)
{
	if (stream->closing)
		return;
	work_note(stream->session);
	set_closing(stream, end);
	/* Where the peer has reset too, it wants our bytes no more. */
	if (end != STREAM_END_RESET || stream->reset_offset != UINT64_MAX)
		send_drop(stream);
	send_unstarve(stream);
	work_todo(stream, TODO_RESET);
	bury(stream, false);
}

struct stream *stream_find(struct session *s, uint32_t id)
{
	struct stream *stream;

	HASH_FIND(hh, s->streams, &id, sizeof(id), stream);
	return stream;
}

void stream_redo(struct session *s, uint32_t id, uint8_t todo)
{
	struct stream *stream = stream_find(s, id);

	if (stream)
		work_todo(stream, todo);
}

void stream_todo_acked(struct session *s, uint32_t id, uint8_t todo)
{
	struct stream *stream = stream_find(s, id);

	if (!stream)
		return;
	stream->acked |= todo;
	stream_check_done(stream);
}

void stream_check_done(struct stream *stream)
{
	if (stream->unkept)
		stream_reset(stream, STREAM_END_LIMIT);
	if (!stream->closing && receive_is_reset(stream))
		stream_close(stream, (enum stream_end)stream->reset_end);
	else if (!stream->closing && stream->fin_acked && stream->fin_delivered)
		stream_close(stream, STREAM_END_FINISHED);
	else if ((stream->acked & TODO_RESET) && (stream->acked & TODO_OPEN) &&
	         stream->out.base == stream->out.end)
		bury(stream, true);
}

void stream_deliver(struct stream *stream)
{
	receive_deliver(stream);
	stream_check_done(stream);
}

void stream_on_reset(struct stream *stream, const struct wire_reset *reset)
{
	stream->reset_offset = reset->offset;
	stream->reset_end = reset->end;
	if (stream->closing) /* we did too: nobody wants our bytes any more */
		send_drop(stream);
	stream_check_done(stream);
}

/* For owners ------------------------------------------------------------- */

size_t stream_space(struct stream *stream)
{
	return send_space(stream);
}

int stream_reserve_parts(struct stream *stream, struct iovec *parts, int max)
{
	return send_reserve(stream, parts, max);
}

uint8_t *stream_reserve(struct stream *stream, size_t *n)
{
	struct iovec part;

	if (!send_reserve(stream, &part, 1))
		return NULL;
	*n = part.iov_len;
	return part.iov_base;
}

void stream_commit(struct stream *stream, size_t n)
{
	work_note(stream->session);
	send_commit(stream, n);
}

void stream_set_class(struct stream *stream, enum stream_class class)
{
	if (stream->closing)
		return;
	work_note(stream->session);
	send_fix_class(stream, class);
	work_todo(stream, TODO_CLASS);
}

void stream_finish(struct stream *stream)
{
	if (stream->fin_wanted || stream->closing)
		return;
	work_note(stream->session);
	send_finish(stream);
}

void stream_accept(struct stream *stream, const struct addr *bound)
{
	if (stream->closing)
		return;
	work_note(stream->session);
	stream->bound = *bound;
	stream->accepted = true;
	work_todo(stream, TODO_ACCEPT);
}

void stream_pull(struct stream *stream)
{
	stream->sated = false;
	if (stream->delivering)
		return;
	work_note(stream->session);
	stream_deliver(stream);
}
