/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: a segment arrives: it is put in order, and acknowledged at once or
 * later as Linux has it: every second full segment, all of them while the
 * sender is young or was quiet, what closes or opens a hole at once, with a
 * pause between them from the fourth on.
 */
#include "scheduler/sim/tcp_impl.h"

#define ACK_FRAME_BYTES 70u
#define DELACK_MIN_US 40000u
#define DELACK_MAX_US 200000u
#define QUICK_MAX 16u
#define EARLY_ACKS 3u           /* of segments out of order, at once */
#define PACKED_ACKS 44u         /* then so many in one */
#define PACK_MAX_US 1000u

/* Some frame told it. */
static void ack_sent(struct tcp *t)
{
	if (t->ack_wanted && t->quick && !--t->quick)
		t->ato_us = DELACK_MIN_US;
	t->told = t->arrived;
	t->told_bytes = t->arrived_bytes;
	t->ack_wanted = t->ack_now = false;
	t->pushed = 0;
	t->packed_acks = 0;
	t->delack_ns = 0;
}

static void send_ack(struct tcp *t)
{
	struct link_frame frame = { .to = t->peer, .segment = t->next };

	tcp_fill_ack(t, &frame);
	/* A block is 8 bytes, all of them 4 more. */
	frame.bytes = (uint16_t)(ACK_FRAME_BYTES +
		(frame.sack_count ? 4 + 8 * frame.sack_count : 0));
	ack_sent(t);
	link_push(t->link, &frame);
}

void tcp_data_sent(struct tcp *t)
{
	/* An answer that came soon: acknowledgements may wait for the next. */
	if (since_us(t, t->last_rx_ns) < t->ato_us)
		t->pingpong = true;
	ack_sent(t);
}

static void be_quick(struct tcp *t)
{
	if (t->quick < QUICK_MAX)
		t->quick = QUICK_MAX;
}

/* How long acknowledgements wait follows the pace of arrivals. */
static void note_arrival(struct tcp *t, const struct tcp_segment *seg,
                         bool pushed)
{
	uint64_t gap_us = since_us(t, t->last_rx_ns);
	const uint64_t least = DELACK_MIN_US;

	t->ack_wanted = true;
	if (seg->len >= t->heard_mss) {
		t->heard_mss = seg->len;
		if (pushed && !t->pushed)
			t->pushed = 1;
	} else if (t->pushed < 2) {
		t->pushed++;
	}
	if (gap_us <= least / 2) {
		t->ato_us = t->ato_us / 2 + least / 2;
	} else if (gap_us < t->ato_us) {
		t->ato_us = t->ato_us / 2 + gap_us;
		if (t->ato_us > t->rto_us)
			t->ato_us = t->rto_us;
	} else if (gap_us > t->rto_us) {
		be_quick(t);
	}
	t->last_rx_ns = now_ns(t);
}

/* Out of order ----------------------------------------------------------- */

static void drop_block(struct tcp *t, uint32_t i)
{
	for (t->block_count--; i < t->block_count; i++) {
		t->blocks[i][0] = t->blocks[i + 1][0];
		t->blocks[i][1] = t->blocks[i + 1][1];
	}
}

/* The latest block is [from, to) now; those that it touches are part of it. */
static void put_block(struct tcp *t, uint32_t from, uint32_t to)
{
	for (uint32_t i = 0; i < t->block_count;) {
		const uint32_t *old = t->blocks[i];
		if (old[0] > to || old[1] < from) {
			i++;
			continue;
		}
		from = old[0] < from ? old[0] : from;
		to = old[1] > to ? old[1] : to;
		drop_block(t, i);
	}
	if (t->block_count == TCP_BLOCKS)
		t->block_count--;
	for (uint32_t i = t->block_count++; i > 0; i--) {
		t->blocks[i][0] = t->blocks[i - 1][0];
		t->blocks[i][1] = t->blocks[i - 1][1];
	}
	t->blocks[0][0] = from;
	t->blocks[0][1] = to;
}

/* Segment n is here: in order now is what follows it without a hole. */
static void take_in_order(struct tcp *t)
{
	struct tcp *sender = t->peer;
	uint32_t first = t->arrived;

	while (t->arrived != sender->next) {
		struct tcp_segment *seg = segment_at(sender, t->arrived);
		if (!(seg->flags & SEGMENT_ARRIVED))
			break;
		t->arrived_bytes = seg->end;
		t->arrived++;
	}
	t->ofo -= t->arrived - first - 1;
	for (uint32_t i = 0; i < t->block_count;)
		if (t->blocks[i][0] <= t->arrived)
			drop_block(t, i);
		else
			i++;
}

/* When to acknowledge ---------------------------------------------------- */

static void ack_later(struct tcp *t)
{
	uint64_t us = t->ato_us, most = t->srtt8_us / 8;

	if (most < DELACK_MIN_US)
		most = DELACK_MIN_US;
	if (us > most)
		us = most;
	if (us > DELACK_MAX_US)
		us = DELACK_MAX_US;
	uint64_t at_ns = now_ns(t) + us * NS_PER_US;
	if (t->delack_ns && t->delack_ns <= now_ns(t) + us * NS_PER_US / 4)
		send_ack(t);
	else if (!t->delack_ns || at_ns < t->delack_ns)
		tcp_set_delack(t, at_ns);
}

/* Out of order: the first few at once, then together. */
static void ack_hole(struct tcp *t)
{
	uint64_t us = t->srtt8_us / 8 / 20;

	if (t->early_acks < EARLY_ACKS || t->packed_acks >= PACKED_ACKS) {
		t->early_acks++;
		send_ack(t);
		return;
	}
	if (t->packed_acks++)
		return; /* the timer runs */
	tcp_set_delack(t, now_ns(t) + (us < PACK_MAX_US ? us : PACK_MAX_US) *
	               NS_PER_US);
}

static void decide_ack(struct tcp *t)
{
	if (t->arrived_bytes - t->told_bytes > t->heard_mss || t->ack_now ||
	    (t->quick && !t->pingpong))
		send_ack(t);
	else if (t->ofo)
		ack_hole(t);
	else
		ack_later(t);
}

void tcp_on_delack(struct tcp *t)
{
	if (!t->ack_wanted)
		return;
	if (!t->packed_acks) {
		if (t->pingpong) {
			t->pingpong = false;
			t->ato_us = DELACK_MIN_US;
		} else {
			t->ato_us = t->ato_us * 2 < t->rto_us ? t->ato_us * 2
			                                      : t->rto_us;
		}
	}
	send_ack(t);
}

void tcp_read(struct tcp *t)
{
	if (t->dead)
		return;
	tcp_window_read(t);
	if (!t->ack_wanted)
		return;
	if (t->arrived_bytes - t->told_bytes > t->heard_mss || t->pushed == 2 ||
	    (t->pushed && !t->pingpong && !t->ofo))
		send_ack(t);
}

void tcp_receive(struct tcp *t, const struct link_frame *frame)
{
	uint32_t n = frame->segment;

	/* What is acknowledged is no longer in the ring. */
	bool known = n < t->arrived ||
		(segment_at(t->peer, n)->flags & SEGMENT_ARRIVED);
	if (known) {
		t->ack_wanted = t->ack_now = t->doubled = true;
		be_quick(t);
		t->pingpong = false;
		t->ato_us = DELACK_MIN_US;
		send_ack(t);
		return;
	}
	struct tcp_segment *seg = segment_at(t->peer, n);
	seg->flags |= SEGMENT_ARRIVED;
	note_arrival(t, seg, frame->flags & LINK_PUSHED);
	tcp_window_arrived(t, seg, frame);
	if (n == t->arrived) {
		bool had_hole = t->ofo;
		take_in_order(t);
		t->ack_now |= had_hole && !t->ofo;
		t->early_acks = 0;
		decide_ack(t);
		t->owner->on_arrived(t->ctx);
		return;
	}
	t->ofo++;
	put_block(t, n, n + 1);
	decide_ack(t);
}
