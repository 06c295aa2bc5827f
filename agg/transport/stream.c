/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a stream's sending half, and its end. Bytes wait in the send queue until
 * a lane takes them as a piece; the piece list, in order of offset, is what was
 * sent and is not released, as it or one before it is not acknowledged. A piece
 * that a lane lost, or stalls with, is queued to be sent again; whichever copy is
 * acknowledged first ends it.
 *
 * A stream is done when its last byte and FIN are acknowledged and the peer's
 * FIN was delivered; or when a RESET, and all bytes before it, were
 * acknowledged; or when the peer's RESET was reached.
 */
#include "agg/transport/session_impl.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define PIECE_BYTES (sizeof(struct piece) + BUDGET_MALLOC_BYTES)

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
	stream = calloc(1, sizeof(*stream));
	if (!stream) {
		budget_give(&s->memory, STREAM_BYTES);
		return NULL;
	}
	stream->session = s;
	stream->id = id;
	stream->since_us = s->now_us;
	stream->out.budget = stream->unsent.budget = &s->sent;
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

static void set_starved(struct stream *stream, bool starved)
{
	struct session *s = stream->session;

	if (stream->starved == starved)
		return;
	stream->starved = starved;
	if (starved)
		DL_APPEND2(s->starved, stream, starved_prev, starved_next);
	else
		DL_DELETE2(s->starved, stream, starved_prev, starved_next);
}

uint64_t stream_unsent(const struct stream *stream)
{
	return unsent_bytes(&stream->unsent, stream->out.end);
}

uint64_t stream_sent(const struct stream *stream)
{
	return stream->out.end - stream_unsent(stream);
}

uint64_t stream_head(const struct stream *stream)
{
	return unsent_head(&stream->unsent);
}

uint64_t stream_remaining(const struct stream *stream)
{
	return stream->fin_wanted ? stream_unsent(stream) : SCHED_UNKNOWN;
}

static void count_unsent(struct stream *stream, uint64_t more)
{
	stream->session->queued[stream->bulk] += more;
}

static void uncount_unsent(struct stream *stream, uint64_t less)
{
	stream->session->queued[stream->bulk] -= less;
}

/* The lanes' copies may live on; they no longer belong to anybody. */
void stream_drop_output(struct stream *stream)
{
	struct session *s = stream->session;

	uncount_unsent(stream, stream_unsent(stream));
	while (stream->pieces) {
		struct piece *piece = stream->pieces;
		stream->pieces = piece->next;
		if (!piece->acked)
			s->retained -= piece->len;
		piece->stream = NULL;
		piece_put(piece);
	}
	stream->pieces_tail = stream->again = stream->again_tail = NULL;
	stream->again_bytes = 0;
	sendq_finish(&stream->out);
	unsent_finish(&stream->unsent);
	stream->out.base = stream->out.end = 0;
	ready_remove(stream);
	set_starved(stream, false);
}

void stream_free(struct stream *stream)
{
	struct session *s = stream->session;

	stream_drop_output(stream);
	receive_finish(stream);
	if (stream->is_todo)
		DL_DELETE2(s->todo, stream, todo_prev, todo_next);
	HASH_DELETE(hh, s->streams, stream);
	s->stream_count--;
	s->open_count -= !stream->closing;
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
}

void stream_close(struct stream *stream, enum stream_end end)
{
	set_closing(stream, end);
	stream_drop_output(stream);
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
	session_note(stream->session);
	set_closing(stream, end);
	/* Where the peer has reset too, it wants our bytes no more. */
	if (end != STREAM_END_RESET || stream->reset_offset != UINT64_MAX)
		stream_drop_output(stream);
	set_starved(stream, false);
	pump_todo(stream, TODO_RESET);
	bury(stream, false);
}

void stream_check_done(struct stream *stream)
{
	if (!stream->closing && stream->fin_acked && stream->fin_delivered)
		stream_close(stream, STREAM_END_FINISHED);
	else if ((stream->acked & TODO_RESET) && (stream->acked & TODO_OPEN) &&
	         stream->out.base == stream->out.end)
		bury(stream, true);
}

/* How much a stream may have waiting, not yet in a lane. */
static uint64_t unsent_max(const struct stream *stream)
{
	const struct session *s = stream->session;
	uint64_t limit = s->sent.max / 2 / (s->stream_count + 1);

	if (limit < UNSENT_MIN)
		return UNSENT_MIN;
	return limit < UNSENT_MAX ? limit : UNSENT_MAX;
}

/* Who holds much leaves some for those who hold little, and who has used up its
 * credit leaves half; and an eighth is there whatever other uses have taken, so
 * that something always moves. */
static bool has_memory(const struct stream *stream)
{
	const struct sendq *out = &stream->out;
	const struct budget *sent = &stream->session->sent;
	uint64_t wants = sendq_wants(out);

	if (sent->used + wants <= sent->max / 8)
		return true;
	if (out->end >= stream->peer_max) /* who knows when it can go */
		wants += sent->max / 2;
	else if (out->end - out->base >= SMALL_HOLDER)
		wants += sent->max / 16;
	return memory_may_wait(stream->session, sent, wants);
}

static size_t space(const struct stream *stream)
{
	uint64_t limit = unsent_max(stream);

	if (stream->closing || stream->fin_wanted ||
	    stream_unsent(stream) >= limit || !has_memory(stream))
		return 0;
	return limit - stream_unsent(stream);
}

size_t stream_space(struct stream *stream)
{
	size_t n = space(stream);

	if (!n && !stream->closing)
		set_starved(stream, true);
	return n;
}

uint8_t *stream_reserve(struct stream *stream, size_t *n)
{
	size_t most = stream_space(stream);
	uint8_t *to = most ? sendq_reserve(&stream->out, n) : NULL;

	if (to && *n > most)
		*n = most;
	return to;
}

void stream_change_class(struct stream *stream, enum stream_class class)
{
	ready_remove(stream);
	if (stream->bulk != (class == STREAM_BULK))
		memset(stream->scope, 0, sizeof(stream->scope));
	uncount_unsent(stream, stream_unsent(stream));
	stream->bulk = class == STREAM_BULK;
	count_unsent(stream, stream_unsent(stream));
	pump_ready(stream);
}

void stream_fix_class(struct stream *stream, enum stream_class class)
{
	stream->class_fixed = true;
	if (!stream->closing)
		stream_change_class(stream, class);
}

void stream_set_class(struct stream *stream, enum stream_class class)
{
	if (stream->closing)
		return;
	session_note(stream->session);
	stream_fix_class(stream, class);
	pump_todo(stream, TODO_CLASS);
}

/* A stream that was quiet starts a new burst. */
static void start_burst(struct stream *stream)
{
	stream->burst_bytes = 0;
	stream->burst = ++stream->session->bursts;
	if (!stream->class_fixed)
		stream_change_class(stream, STREAM_INTERACTIVE);
}

void stream_commit(struct stream *stream, size_t n)
{
	struct session *s = stream->session;

	session_note(s);
	if (!stream_unsent(stream) &&
	    (!stream->burst_us || s->now_us - stream->burst_us >= BURST_GAP_US))
		start_burst(stream);
	stream->burst_us = s->now_us;
	sendq_commit(&stream->out, n);
	count_unsent(stream, n);
	pump_ready(stream);
}

void stream_finish(struct stream *stream)
{
	if (stream->fin_wanted || stream->closing)
		return;
	session_note(stream->session);
	stream->fin_wanted = true;
	pump_ready(stream);
}

void stream_accept(struct stream *stream, const struct addr *bound)
{
	if (stream->closing)
		return;
	session_note(stream->session);
	stream->bound = *bound;
	stream->accepted = true;
	pump_todo(stream, TODO_ACCEPT);
}

void stream_pull(struct stream *stream)
{
	if (stream->delivering)
		return;
	session_note(stream->session);
	receive_deliver(stream);
}

bool stream_has_work(const struct stream *stream)
{
	if (stream->again)
		return true;
	if (stream_unsent(stream))
		return stream_head(stream) < stream->peer_max;
	return stream->fin_wanted && !stream->fin_sent && !stream->closing;
}

/* The piece list is in order of offset. */
static void list_piece(struct stream *stream, struct piece *piece,
                       struct piece *before)
{
	struct piece **at = before ? &before->next : &stream->pieces;

	piece->next = *at;
	*at = piece;
	if (!piece->next)
		stream->pieces_tail = piece;
}

/* How long a piece from there can be. */
static uint64_t whole_bytes(const struct stream *stream,
                            const struct unsent_range *range, uint64_t offset)
{
	uint64_t end = range->to < stream->out.end ? range->to : stream->out.end;

	if (end > stream->peer_max)
		end = stream->peer_max;
	return end > offset ? end - offset : 0;
}

static struct piece *new_piece(struct stream *stream, uint64_t offset, uint32_t len)
{
	struct budget *budget = &stream->session->sent;
	struct piece *piece = calloc(1, sizeof(*piece));

	if (!piece)
		return NULL;
	budget_force(budget, PIECE_BYTES);
	*piece = (struct piece){
		.stream = stream, .offset = offset, .len = len, .budget = budget,
		.fin = stream->fin_wanted && offset + len == stream->out.end,
	};
	return piece;
}

static void drop_piece(struct piece *piece)
{
	budget_give(piece->budget, PIECE_BYTES);
	free(piece);
}

static struct piece *cut_piece(struct stream *stream, uint32_t max,
                               unsigned path, uint64_t from)
{
	struct session *s = stream->session;
	struct unsent_range *range = unsent_find(&stream->unsent, path, from);
	struct piece *before = range->before;
	uint64_t offset = from > range->from ? from : range->from;
	uint64_t len = whole_bytes(stream, range, offset);
	struct piece *piece = new_piece(stream, offset, (uint32_t)(len < max ? len : max));

	if (!piece)
		return NULL;
	if (unsent_take(&stream->unsent, range, offset, piece->len, piece) < 0) {
		drop_piece(piece);
		return NULL;
	}
	list_piece(stream, piece, before);
	uncount_unsent(stream, piece->len);
	stream->fin_sent |= piece->fin;
	stream->burst_bytes += piece->len;
	s->retained += piece->len;
	return piece;
}

struct piece *stream_again_pop(struct stream *stream)
{
	struct piece *piece = stream->again;

	stream->again = piece->next_again;
	if (!stream->again)
		stream->again_tail = NULL;
	piece->next_again = NULL;
	piece->again = false;
	stream->again_bytes -= piece->len;
	return piece;
}

struct piece *stream_next_piece(struct stream *stream, uint32_t max,
                                unsigned path, uint64_t from)
{
	return stream->again ? stream_again_pop(stream)
	                     : cut_piece(stream, max, path, from);
}

void piece_put(struct piece *piece)
{
	if (!piece->stream && !piece->copies)
		drop_piece(piece);
}

static void unlist_again(struct stream *stream, struct piece *piece)
{
	struct piece **at = &stream->again, *last = NULL;

	while (*at && *at != piece) {
		last = *at;
		at = &(*at)->next_again;
	}
	*at = piece->next_again;
	if (stream->again_tail == piece)
		stream->again_tail = last;
	piece->again = false;
	stream->again_bytes -= piece->len;
}

/* The oldest pieces are acknowledged: their bytes are needed no more. */
static void release_acked(struct stream *stream)
{
	uint64_t base = stream->out.base;

	while (stream->pieces && stream->pieces->acked &&
	       stream->pieces->offset == base) {
		struct piece *piece = stream->pieces;
		stream->pieces = piece->next;
		if (!stream->pieces)
			stream->pieces_tail = NULL;
		base = piece->offset + piece->len;
		stream->fin_acked |= piece->fin;
		unsent_released(&stream->unsent, piece);
		piece->stream = NULL;
		piece_put(piece);
	}
	if (base != stream->out.base)
		sendq_release(&stream->out, base);
	stream_check_done(stream);
}

/* A later piece has arrived, and the credit is used up: it is the oldest one
 * that holds the stream up. */
static void note_blocked(struct stream *stream)
{
	const struct piece *oldest = stream->pieces;

	if (stream->blocked || !oldest || !oldest->path_mask ||
	    !stream_unsent(stream) || stream_head(stream) < stream->peer_max)
		return;
	stream->blocked = true;
	pump_event(stream, SCHED_EV_HOL_BLOCKED,
	           (unsigned)__builtin_ctz(oldest->path_mask),
	           stream_unsent(stream));
}

void stream_piece_acked(struct piece *piece)
{
	struct stream *stream = piece->stream;

	piece->copies--;
	if (!stream) {
		piece_put(piece);
		return;
	}
	if (piece->acked)
		return;
	piece->acked = true;
	stream->session->retained -= piece->len;
	if (piece->again) {
		unlist_again(stream, piece);
		pump_ready(stream);
	}
	if (piece != stream->pieces)
		note_blocked(stream);
	release_acked(stream);
}

void stream_piece_again(struct piece *piece, enum reinject_policy why)
{
	struct stream *stream = piece->stream;

	if (piece->again)
		return;
	stream->session->again_bytes[why] += piece->len;
	stream->again_bytes += piece->len;
	piece->again = true;
	piece->why = (uint8_t)why;
	piece->next_again = NULL;
	if (stream->again_tail)
		stream->again_tail->next_again = piece;
	else
		stream->again = piece;
	stream->again_tail = piece;
	pump_ready(stream);
}

/* No lane that is alive has it: it goes again. */
static void rescue(struct piece *piece, enum reinject_policy why)
{
	if (piece->stream && !piece->acked && piece->copies == piece->stuck)
		stream_piece_again(piece, why);
}

void stream_piece_lost(struct piece *piece, unsigned path)
{
	piece->copies--;
	piece->path_mask &= (uint16_t)~(1u << path);
	rescue(piece, REINJECT_OFF);
	piece_put(piece);
}

void stream_piece_unsent(struct piece *piece)
{
	stream_piece_again(piece, REINJECT_OFF);
}

void stream_piece_stuck(struct piece *piece, bool stuck)
{
	piece->stuck = (uint8_t)(piece->stuck + (stuck ? 1 : -1));
	if (stuck && piece->stream &&
	    piece->stream->session->args.policy.reinjection >= REINJECT_SUSPECT)
		rescue(piece, REINJECT_SUSPECT);
}

void stream_notify_space(struct stream *stream)
{
	/* A good part at once: the owner reads as much as there is space. */
	if (!stream->events || space(stream) < unsent_max(stream) / 4)
		return;
	set_starved(stream, false);
	stream->events->on_writable(stream->ctx);
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
		pump_todo(stream, todo);
}

void stream_todo_acked(struct session *s, uint32_t id, uint8_t todo)
{
	struct stream *stream = stream_find(s, id);

	if (!stream)
		return;
	stream->acked |= todo;
	stream_check_done(stream);
}
