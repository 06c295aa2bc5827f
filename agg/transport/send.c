/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a stream's sending half. Bytes wait in the send queue until
 * a lane takes them as a piece; the piece list, in order of offset, is what was
 * sent and is not released, as it or one before it is not acknowledged. A piece
 * that a lane lost, or stalls with, is queued to be sent again; whichever copy is
 * acknowledged first ends it.
 */
#include "agg/transport/send.h"

#include "agg/transport/memory.h"
#include "agg/transport/work.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define SPACE_GOOD 65536u
#define PIECE_BYTES (sizeof(struct piece) + BUDGET_MALLOC_BYTES)

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

void send_unstarve(struct stream *stream)
{
	set_starved(stream, false);
}

uint64_t send_unsent(const struct stream *stream)
{
	return unsent_bytes(&stream->unsent, stream->out.end);
}

uint64_t send_sent(const struct stream *stream)
{
	return stream->out.end - send_unsent(stream);
}

uint64_t send_head(const struct stream *stream)
{
	return unsent_head(&stream->unsent);
}

uint64_t send_remaining(const struct stream *stream)
{
	return stream->fin_wanted ? send_unsent(stream) : SCHED_UNKNOWN;
}

static void count_unsent(struct stream *stream, uint64_t more)
{
	stream->session->queued[stream->bulk] += more;
}

static void uncount_unsent(struct stream *stream, uint64_t less)
{
	stream->session->queued[stream->bulk] -= less;
}

static void drop_piece(struct piece *piece)
{
	budget_give(piece->budget, PIECE_BYTES);
	free(piece);
}

/* Neither its stream nor a lane needs it? */
static void put_piece(struct piece *piece)
{
	if (!piece->stream && !piece->copies)
		drop_piece(piece);
}

/* All before it was sent: the reader waits for it, or will then. */
static void note_passed(struct session *s, struct piece *piece, uint64_t at_us)
{
	if (piece->passed_us || piece->acked)
		return;
	piece->passed_us = at_us;
	DL_APPEND2(s->passed, piece, passed_prev, passed_next);
}

static void forget_passed(struct session *s, struct piece *piece)
{
	if (piece->passed_us)
		DL_DELETE2(s->passed, piece, passed_prev, passed_next);
	piece->passed_us = 0;
}

/* The lanes' copies may live on; they no longer belong to anybody. */
void send_drop(struct stream *stream)
{
	struct session *s = stream->session;

	uncount_unsent(stream, send_unsent(stream));
	while (stream->pieces) {
		struct piece *piece = stream->pieces;
		stream->pieces = piece->next;
		if (!piece->acked)
			s->retained -= piece->len;
		forget_passed(s, piece);
		piece->stream = NULL;
		put_piece(piece);
	}
	stream->pieces_tail = stream->again = stream->again_tail = NULL;
	stream->again_bytes = 0;
	sendq_finish(&stream->out);
	unsent_finish(&stream->unsent);
	stream->out.base = stream->out.end = 0;
	work_remove(stream);
	set_starved(stream, false);
}

void send_tell_scheduler(const struct stream *stream, enum sched_event_type type,
                         unsigned path, uint64_t bytes)
{
	struct session *s = stream->session;
	const struct sched_ops *sched = s->args.policy.scheduler[stream->bulk];
	struct sched_event event = { .type = (uint8_t)type, .path = (uint8_t)path,
	                             .bytes = bytes, .now_us = s->now_us };

	if (sched->event)
		sched->event(s->instance[stream->bulk], &event);
}

static bool has_work(const struct stream *stream)
{
	if (stream->again)
		return true;
	if (send_unsent(stream))
		return send_head(stream) < stream->peer_max;
	return stream->fin_wanted && !stream->fin_sent && !stream->closing;
}

static uint64_t key_of(const struct stream *stream)
{
	struct order_stream is = {
		.burst = stream->burst,
		.bulk = stream->bulk,
		.sent_bytes = stream->burst_bytes,
		.pending_bytes = send_unsent(stream),
		.remaining_bytes = send_remaining(stream),
	};

	return stream->session->args.policy.order->key(&is);
}

void send_list(struct stream *stream)
{
	if (has_work(stream))
		work_put(stream, key_of(stream));
	else
		work_remove(stream);
}

uint64_t send_unsent_most(const struct stream *stream)
{
	const struct session *s = stream->session;
	uint32_t streams = s->ready[STREAM_BULK].len;

	return s->sent.max / 2 / (streams ? streams : 1);
}

/* How much a stream may have waiting, not yet in a lane. */
static uint64_t unsent_max(const struct stream *stream)
{
	const struct session *s = stream->session;
	unsigned count = s->stream_count + 1;
	uint64_t limit = s->sent.max / 2 / count;
	uint64_t fair = UNSENT_ALL / count > UNSENT_LEAST ? UNSENT_ALL / count
	                                                  : UNSENT_LEAST;

	if (limit > fair)
		limit = fair;
	if (limit < UNSENT_MIN)
		limit = UNSENT_MIN;
	if (limit > UNSENT_MAX)
		limit = UNSENT_MAX;
	if (!stream->bulk || stream->wish_bytes <= limit)
		return limit;
	uint64_t most = send_unsent_most(stream);
	if (most > stream->wish_bytes)
		most = stream->wish_bytes;
	return most > limit ? most : limit;
}

/* What deep pulls ask for, besides. */
static uint64_t deep_bytes(const struct stream *stream)
{
	const struct session *s = stream->session;
	uint64_t all = stream->wish_bytes * s->ready[STREAM_BULK].len;

	if (!stream->bulk || stream->wish_bytes <= UNSENT_MAX)
		return 0;
	return all < s->sent.max / 2 ? all : s->sent.max / 2;
}

/* Those who hold much hold no more in all than the paths are worth, and leave some
 * for those who hold little; who has used up its credit leaves half; and an eighth
 * is there whatever other uses have taken, so that something always moves. */
static bool has_memory(const struct stream *stream)
{
	const struct sendq *out = &stream->out;
	const struct budget *sent = &stream->session->sent;
	uint64_t wants = sendq_wants(out);

	if (sent->used + wants <= sent->max / 8)
		return true;
	if (out->end >= stream->peer_max) /* who knows when it can go */
		wants += sent->max / 2;
	else if (out->end - out->base >= SMALL_HOLDER) {
		wants += sent->max / 16;
		if (sent->used >= memory_retain_max(stream->session) +
		                  deep_bytes(stream))
			return false;
	}
	return memory_may_wait(stream->session, sent, wants);
}

static size_t space(const struct stream *stream)
{
	uint64_t limit = unsent_max(stream);

	if (stream->closing || stream->fin_wanted ||
	    send_unsent(stream) >= limit || !has_memory(stream))
		return 0;
	return limit - send_unsent(stream);
}

size_t send_space(struct stream *stream)
{
	size_t n = space(stream);

	if (!n && !stream->closing)
		set_starved(stream, true);
	return n;
}

int send_reserve(struct stream *stream, struct iovec *parts, int max)
{
	size_t most = send_space(stream);
	int count = most ? sendq_reserve(&stream->out, parts, max, most) : 0;

	for (int i = 0; i < count; i++) {
		if (parts[i].iov_len > most)
			parts[i].iov_len = most;
		most -= parts[i].iov_len;
	}
	return count;
}

void send_change_class(struct stream *stream, enum stream_class class)
{
	work_remove(stream);
	if (stream->bulk != (class == STREAM_BULK))
		memset(stream->scope, 0, sizeof(stream->scope));
	uncount_unsent(stream, send_unsent(stream));
	stream->bulk = class == STREAM_BULK;
	count_unsent(stream, send_unsent(stream));
	send_list(stream);
}

void send_fix_class(struct stream *stream, enum stream_class class)
{
	stream->class_fixed = true;
	if (!stream->closing)
		send_change_class(stream, class);
}

/* What makes a stream bulk fades in BURST_GAP_US of having nothing to send: little
 * things that come and go all the time are no burst. */
static bool is_burst_over(struct stream *stream)
{
	const struct session *s = stream->session;
	uint64_t quiet_us = s->now_us - stream->burst_us;
	uint64_t leaked;

	if (!stream->burst_us || quiet_us >= BURST_GAP_US)
		return true;
	leaked = s->args.policy.bulk_after_bytes * quiet_us / BURST_GAP_US;
	stream->burst_level -= leaked < stream->burst_level ? leaked : stream->burst_level;
	return !stream->burst_level;
}

static void start_burst(struct stream *stream)
{
	stream->burst_level = 0;
	stream->burst_bytes = 0;
	stream->share = (struct depth_share){ 0 };
	stream->wish_bytes = 0;
	stream->burst = ++stream->session->bursts;
	if (!stream->class_fixed)
		send_change_class(stream, STREAM_INTERACTIVE);
}

void send_commit(struct stream *stream, size_t n)
{
	struct session *s = stream->session;

	if (n && !send_unsent(stream) && is_burst_over(stream))
		start_burst(stream);
	if (n)
		stream->burst_us = s->now_us;
	sendq_commit(&stream->out, n);
	count_unsent(stream, n);
	send_list(stream);
}

void send_finish(struct stream *stream)
{
	stream->fin_wanted = true;
	send_list(stream);
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

/* The head skips what was taken behind this piece, which goes by that path. */
static void pass(struct stream *stream, struct piece *piece, unsigned path)
{
	struct session *s = stream->session;
	uint64_t head = send_head(stream);
	struct piece *next;

	if (s->path[path].minor)
		note_passed(s, piece, s->now_us + s->path[path].usual_us);
	for (next = piece->next; next && next->offset < head; next = next->next)
		note_passed(s, next, s->now_us);
}

static void fill_burst(struct stream *stream, uint64_t n)
{
	uint64_t full = stream->session->args.policy.bulk_after_bytes;

	stream->burst_level += n;
	if (stream->burst_level > full)
		stream->burst_level = full;
}

static struct piece *cut_piece(struct stream *stream, uint32_t max,
                               unsigned path, uint64_t from)
{
	struct session *s = stream->session;
	struct unsent_range *range = unsent_find(&stream->unsent, path, from);
	struct piece *before = range->before;
	uint64_t head = send_head(stream);
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
	if (offset == head)
		pass(stream, piece, path);
	uncount_unsent(stream, piece->len);
	stream->fin_sent |= piece->fin;
	stream->burst_bytes += piece->len;
	fill_burst(stream, piece->len);
	s->retained += piece->len;
	s->laid_bytes += piece->len;
	depth_sent(&stream->share, s->now_us, piece->len, s->laid_bytes);
	return piece;
}

struct piece *send_again_pop(struct stream *stream)
{
	struct piece *piece = stream->again;

	stream->again = piece->next_again;
	if (!stream->again)
		stream->again_tail = NULL;
	piece->next_again = NULL;
	piece->again = piece->hurries = false;
	stream->again_bytes -= piece->len;
	return piece;
}

bool send_again_pull(struct stream *stream, uint64_t behind_bytes, unsigned paths)
{
	struct piece *piece = stream->again, *last = NULL;

	for (; piece && (behind_bytes || piece->path_mask & paths);
	     piece = piece->next_again) {
		behind_bytes -= piece->len < behind_bytes ? piece->len : behind_bytes;
		last = piece;
	}
	if (!piece)
		return false;
	if (!last)
		return true;
	last->next_again = piece->next_again;
	if (!last->next_again)
		stream->again_tail = last;
	piece->next_again = stream->again;
	stream->again = piece;
	return true;
}

struct piece *send_next_piece(struct stream *stream, uint32_t max,
                                unsigned path, uint64_t from)
{
	return stream->again ? send_again_pop(stream)
	                     : cut_piece(stream, max, path, from);
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
		put_piece(piece);
	}
	if (base != stream->out.base)
		sendq_release(&stream->out, base);
}

/* A later piece has arrived, and the credit is used up: it is the oldest one
 * that holds the stream up. */
static void note_blocked(struct stream *stream)
{
	const struct piece *oldest = stream->pieces;

	if (stream->blocked || !oldest || !oldest->path_mask ||
	    !send_unsent(stream) || send_head(stream) < stream->peer_max)
		return;
	stream->blocked = true;
	send_tell_scheduler(stream, SCHED_EV_HOL_BLOCKED,
	           (unsigned)__builtin_ctz(oldest->path_mask),
	           send_unsent(stream));
}

void send_acked(struct piece *piece)
{
	struct stream *stream = piece->stream;

	piece->copies--;
	if (!stream) {
		put_piece(piece);
		return;
	}
	if (piece->acked)
		return;
	piece->acked = true;
	forget_passed(stream->session, piece);
	stream->session->retained -= piece->len;
	if (piece->again) {
		unlist_again(stream, piece);
		send_list(stream);
	}
	if (piece != stream->pieces)
		note_blocked(stream);
	release_acked(stream);
}

void send_again(struct piece *piece, unsigned why)
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
	send_list(stream);
}

/* No lane that is alive has it: it goes again. */
static void rescue(struct piece *piece, enum reinject_policy why)
{
	if (!piece->stream || piece->acked || piece->copies != piece->stuck)
		return;
	piece->hurries = true;
	send_again(piece, why);
}

void send_lost(struct piece *piece, unsigned path)
{
	piece->copies--;
	piece->path_mask &= (uint16_t)~(1u << path);
	rescue(piece, REINJECT_OFF);
	put_piece(piece);
}

void send_untaken(struct piece *piece)
{
	send_again(piece, REINJECT_OFF);
}

void send_stuck(struct piece *piece, bool stuck)
{
	piece->stuck = (uint8_t)(piece->stuck + (stuck ? 1 : -1));
	if (stuck && piece->stream &&
	    piece->stream->session->args.policy.reinjection >= REINJECT_SUSPECT)
		rescue(piece, REINJECT_SUSPECT);
}

void send_notify_space(struct stream *stream)
{
	uint64_t good = unsent_max(stream) / 4;

	/* A good part at once: the owner reads as much as there is space. */
	if (good > SPACE_GOOD)
		good = SPACE_GOOD;
	if (!stream->events || space(stream) < good)
		return;
	set_starved(stream, false);
	stream->events->on_writable(stream->ctx);
}
