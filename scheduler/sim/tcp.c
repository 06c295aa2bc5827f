/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what leaves, and when: new segments are cut from the backlog when the
 * window and the pacing let them go, several at once as segmentation offload
 * has it. An event that is due too early is set anew when it fires: timers
 * move with every acknowledgement, mostly away.
 */
#include "scheduler/sim/tcp_impl.h"

#include <errno.h>
#include <stdlib.h>

#define SEGMENTS_MIN 64u
#define BURST_SHIFT 10u         /* about 1 ms of the pacing rate at once */
#define BURST_MAX 44u           /* 64 KB */
#define BURST_RTT_SHIFT 9u      /* and, the shorter the round trip, the more */
#define BURST_RTT_BYTES 65536u
#define UNPACED_SEGMENTS 10u    /* the first of a connection */
#define HEARD_MSS_FIRST 536u
#define TIMEOUT_MIN_US 2000u
#define PROBE_MIN_US 2000u

static void on_pace(void *ctx);
static void on_timer(void *ctx);
static void on_delack(void *ctx);

/* As after one sample of that round-trip time. */
static void init_rtt(struct tcp *t, uint64_t rtt_us)
{
	t->srtt8_us = rtt_us * 8;
	t->mdev4_us = rtt_us * 2;
	t->mdev_max_us = t->rttvar_us =
		t->mdev4_us > TCP_RTO_MIN_US ? t->mdev4_us : TCP_RTO_MIN_US;
	t->rto_us = rtt_us + t->rttvar_us;
	t->min_rtt_us = rtt_us;
}

int tcp_init(struct tcp *t, const struct tcp_args *args, struct tcp *peer)
{
	*t = (struct tcp){
		.peer = peer, .link = args->link, .events = args->events,
		.owner = args->owner, .ctx = args->ctx, .cc = args->cc,
		.rand = args->rand, .quic = args->quic,
		.segments_cap = SEGMENTS_MIN, .una = 1, .next = 1, .high = 1,
		.arrived = 1, .told = 1, .again_from = 1,
		.rtt_until = 1, .window_used_until = 1,
		.first_sent = SEGMENT_NONE, .last_sent = SEGMENT_NONE,
		.delivered = 1, /* the SYN */
		.cwnd = TCP_CWND_FIRST, .ssthresh = TCP_SSTHRESH_NONE,
		.delivered_ns = args->events->now_ns,
		.first_tx_ns = args->events->now_ns,
		.last_tx_ns = args->events->now_ns,
		.used_ns = args->events->now_ns,
		.last_rx_ns = args->events->now_ns,
		.ato_us = 40000,
		.heard_mss = HEARD_MSS_FIRST,
	};
	t->segments = calloc(t->segments_cap, sizeof(*t->segments));
	if (!t->segments)
		return -ENOMEM;
	tcp_window_init(t);
	init_rtt(t, args->rtt_us);
	event_init(&t->pace, on_pace, t);
	event_init(&t->timer, on_timer, t);
	event_init(&t->delack, on_delack, t);
	t->cc->init(t);
	return 0;
}

void tcp_kill(struct tcp *t)
{
	t->dead = true;
	event_clear(t->events, &t->pace);
	event_clear(t->events, &t->timer);
	event_clear(t->events, &t->delack);
}

void tcp_finish(struct tcp *t)
{
	free(t->segments);
	t->segments = NULL;
}

/* Sending --------------------------------------------------------------- */

static bool grow(struct tcp *t)
{
	uint32_t cap = t->segments_cap * 2;
	struct tcp_segment *ring = cap <= TCP_SEGMENTS_MAX ?
		calloc(cap, sizeof(*ring)) : NULL;

	if (!ring)
		return false;
	for (uint32_t n = t->una; n != t->next; n++)
		ring[n & (cap - 1)] = *segment_at(t, n);
	free(t->segments);
	t->segments = ring;
	t->segments_cap = cap;
	return true;
}

static void list_last(struct tcp *t, uint32_t n)
{
	struct tcp_segment *seg = segment_at(t, n);

	seg->flags |= SEGMENT_LISTED;
	seg->prev = t->last_sent;
	seg->next = SEGMENT_NONE;
	if (t->last_sent != SEGMENT_NONE)
		segment_at(t, t->last_sent)->next = n;
	else
		t->first_sent = n;
	t->last_sent = n;
}

void tcp_unlist(struct tcp *t, uint32_t n)
{
	struct tcp_segment *seg = segment_at(t, n);

	if (!(seg->flags & SEGMENT_LISTED))
		return;
	seg->flags &= (uint8_t)~SEGMENT_LISTED;
	if (seg->prev != SEGMENT_NONE)
		segment_at(t, seg->prev)->next = seg->next;
	else
		t->first_sent = seg->next;
	if (seg->next != SEGMENT_NONE)
		segment_at(t, seg->next)->prev = seg->prev;
	else
		t->last_sent = seg->prev;
}

void tcp_fill_ack(struct tcp *t, struct link_frame *frame)
{
	frame->acked = t->arrived;
	frame->window = tcp_window_now(t);
	frame->stamp_ms = now_ms(t);
	frame->echo_ms = t->stamp_ms;
	frame->sack_count = 0;
	for (uint32_t i = 0; i < t->block_count && i < LINK_SACKS; i++) {
		frame->sacks[i][0] = t->blocks[i][0];
		frame->sacks[i][1] = t->blocks[i][1];
		frame->sack_count++;
	}
	frame->flags |= t->doubled ? LINK_DOUBLE : 0;
	t->doubled = false;
}

/* Puts the segment on the path, and remembers how things stand. */
static void transmit(struct tcp *t, uint32_t n)
{
	struct tcp_segment *seg = segment_at(t, n);
	struct link_frame frame = { .to = t->peer, .segment = n,
		.bytes = (uint16_t)(seg->len + TCP_HEADERS) };

	if (tcp_flight(t) == 0 && t->cc->on_start)
		t->cc->on_start(t);
	if (t->una == t->next)
		t->first_tx_ns = t->delivered_ns = now_ns(t);
	seg->tx_ns = now_ns(t);
	seg->first_tx_ns = t->first_tx_ns;
	seg->delivered_ns = t->delivered_ns;
	seg->delivered = t->delivered;
	seg->flags = (uint8_t)((seg->flags & ~SEGMENT_APP_LIMITED) |
	                       (t->app_limited ? SEGMENT_APP_LIMITED : 0));
	seg->serial = (uint32_t)t->sent_segments;
	t->sent_bytes += seg->len;
	t->sent_segments++;
	t->last_tx_ns = now_ns(t);
	frame.flags = LINK_DATA;
	if (seg->end == t->written_bytes)
		frame.flags |= LINK_PUSHED;
	tcp_fill_ack(t, &frame);
	tcp_data_sent(t);
	link_push(t->link, &frame);
}

void tcp_send_again(struct tcp *t, uint32_t n)
{
	struct tcp_segment *seg = segment_at(t, n);

	transmit(t, n);
	t->again_bytes += seg->len;
	if (seg->flags & SEGMENT_AGAIN)
		t->again--; /* a probe of what was sent again already */
	seg->flags |= SEGMENT_AGAIN | SEGMENT_EVER_AGAIN;
	t->again++;
	tcp_unlist(t, n);
	list_last(t, n);
}

static uint16_t next_len(const struct tcp *t)
{
	return t->notsent_bytes < TCP_MSS ? (uint16_t)t->notsent_bytes : TCP_MSS;
}

static bool fits_window(const struct tcp *t)
{
	return t->written_bytes - t->notsent_bytes + next_len(t) <= t->window_end;
}

static bool send_one_new(struct tcp *t)
{
	if (tcp_out(t) == t->segments_cap && !grow(t))
		return false;
	struct tcp_segment *seg = segment_at(t, t->next);
	uint16_t len = next_len(t);
	*seg = (struct tcp_segment){ .len = len };
	t->notsent_bytes -= len;
	seg->end = t->written_bytes - t->notsent_bytes;
	transmit(t, t->next);
	list_last(t, t->next);
	t->next++;
	return true;
}

/* Pacing ---------------------------------------------------------------- */

/* bytes/s; 0: not known. */
static uint64_t pacing(const struct tcp *t)
{
	if (t->pace_max_bps && (!t->pacing_bps || t->pacing_bps > t->pace_max_bps))
		return t->pace_max_bps;
	return t->pacing_bps;
}

/* How many segments leave at once. */
static uint32_t burst(const struct tcp *t)
{
	uint32_t least = t->cc->burst_min ? t->cc->burst_min(t) : 2;
	uint64_t bytes = pacing(t) ? pacing(t) >> BURST_SHIFT
	                               : BURST_MAX * TCP_MSS;
	uint64_t shift = t->min_rtt_us >> BURST_RTT_SHIFT;

	if (shift < 32)
		bytes += BURST_RTT_BYTES >> shift;
	uint64_t n = bytes / TCP_MSS;
	if (n < least)
		n = least;
	return n < BURST_MAX ? (uint32_t)n : BURST_MAX;
}

static bool paced_out(struct tcp *t)
{
	if (!t->cc->controls || t->pace_ns <= now_ns(t))
		return false;
	if (!event_is_set(&t->pace))
		event_set(t->events, &t->pace, t->pace_ns);
	return true;
}

/* A burst of so many bytes left now. Who was late leaves the next earlier. */
static void pace(struct tcp *t, uint64_t bytes)
{
	uint64_t late_ns = t->pace_ns < now_ns(t) ? now_ns(t) - t->pace_ns : 0;

	if (t->pace_ns < now_ns(t))
		t->pace_ns = now_ns(t);
	if (!pacing(t) || t->sent_segments < UNPACED_SEGMENTS)
		return;
	uint64_t len_ns = bytes * NS_PER_S / pacing(t);
	t->pace_ns += len_ns - (late_ns < len_ns / 2 ? late_ns : len_ns / 2);
}

/* What leaves ----------------------------------------------------------- */

/* The next segment to be sent again, from n on; t->next: none. */
static uint32_t find_again(const struct tcp *t, uint32_t n)
{
	for (; n != t->next; n++)
		if ((segment_at(t, n)->flags & (SEGMENT_LOST | SEGMENT_AGAIN)) ==
		    SEGMENT_LOST)
			break;
	return n;
}

void tcp_resend(struct tcp *t)
{
	uint32_t at_once = burst(t);

	if (t->again_from < t->una)
		t->again_from = t->una;
	while (t->lost > t->again && t->cwnd > tcp_flight(t) && !paced_out(t)) {
		uint32_t room = t->cwnd - tcp_flight(t);
		uint64_t bytes = 0;
		if (room > at_once)
			room = at_once;
		for (; room; room--) {
			uint32_t n = find_again(t, t->again_from);
			t->again_from = n;
			if (n == t->next)
				break;
			tcp_send_again(t, n);
			bytes += segment_at(t, n)->len;
			if (t->state == TCP_RECOVERY)
				t->prr_out++;
			if (n == t->una && t->timer_kind != TCP_TIMER_REORDER)
				tcp_rearm_rto(t);
		}
		if (!bytes)
			break;
		pace(t, bytes);
	}
}

/* How far the window was used: without a controller of its own it does not
 * grow where it is not, and shrinks after a while (RFC 7661's idea). */
static void note_window(struct tcp *t, bool limited)
{
	if (t->una >= t->window_used_until || limited ||
	    (!t->cwnd_limited && tcp_out(t) > t->window_used)) {
		t->cwnd_limited = limited;
		t->window_used = tcp_out(t);
		t->window_used_until = t->next;
	}
	if (tcp_is_limited(t)) {
		t->used_max = 0;
		t->used_ns = now_ns(t);
		return;
	}
	if (tcp_out(t) > t->used_max)
		t->used_max = tcp_out(t);
	if (t->cc->controls || since_us(t, t->used_ns) < t->rto_us)
		return;
	if (t->state == TCP_OPEN) {
		uint32_t used = t->used_max > TCP_CWND_FIRST ? t->used_max
		                                             : TCP_CWND_FIRST;
		uint32_t most = t->cwnd / 2 + t->cwnd / 4;
		if (used < t->cwnd) {
			t->ssthresh = t->ssthresh > most ? t->ssthresh : most;
			t->cwnd = (t->cwnd + used) / 2;
		}
		t->used_max = 0;
	}
	t->used_ns = now_ns(t);
}

static void send_new(struct tcp *t)
{
	uint32_t out_before = tcp_out(t), at_once = burst(t);
	uint64_t sent = t->next;
	bool limited = false;

	while (t->notsent_bytes && fits_window(t) && !paced_out(t)) {
		uint32_t flight = tcp_flight(t);
		uint64_t before = t->notsent_bytes;
		if (flight >= t->cwnd) {
			limited = true;
			break;
		}
		uint32_t room = t->cwnd - flight;
		if (room > t->cwnd / 2 && t->cwnd > 1)
			room = t->cwnd / 2; /* never the whole window at once */
		if (room > at_once)
			room = at_once;
		while (room-- && t->notsent_bytes && fits_window(t))
			if (!send_one_new(t))
				break;
		if (t->notsent_bytes == before)
			break; /* no memory: the next acknowledgement tries again */
		pace(t, before - t->notsent_bytes);
		if (!out_before || t->timer_kind == TCP_TIMER_PROBE)
			tcp_rearm_rto(t);
		out_before = tcp_out(t);
	}
	sent = t->next - sent;
	if (!sent)
		return;
	if (t->state == TCP_RECOVERY)
		t->prr_out += (uint32_t)sent;
	note_window(t, limited || tcp_flight(t) >= t->cwnd);
	tcp_schedule_probe(t);
	t->owner->on_sent(t->ctx);
}

void tcp_push(struct tcp *t)
{
	if (t->dead)
		return;
	if (t->lost > t->again)
		tcp_resend(t);
	send_new(t);
}

static void on_pace(void *ctx)
{
	tcp_push(ctx);
}

/* After a time without sending a window says nothing of the path any more. */
static void restart_after_idle(struct tcp *t)
{
	uint64_t idle_us = since_us(t, t->last_tx_ns);
	uint32_t most = t->cwnd / 2 + t->cwnd / 4;

	if (t->cc->controls || tcp_out(t) || idle_us <= t->rto_us)
		return;
	t->ssthresh = t->ssthresh > most ? t->ssthresh : most;
	for (; idle_us > t->rto_us && t->cwnd > TCP_CWND_FIRST; idle_us -= t->rto_us)
		t->cwnd /= 2;
	if (t->cwnd < TCP_CWND_FIRST)
		t->cwnd = TCP_CWND_FIRST;
	t->used_max = 0;
}

void tcp_write(struct tcp *t, uint64_t bytes)
{
	if (t->dead)
		return;
	if (t->notsent_bytes < TCP_MSS && tcp_flight(t) < t->cwnd &&
	    t->lost <= t->again)
		t->app_limited = t->delivered + tcp_flight(t) ?
			t->delivered + tcp_flight(t) : 1;
	restart_after_idle(t);
	t->written_bytes += bytes;
	t->notsent_bytes += bytes;
	tcp_push(t);
}

/* Timers ---------------------------------------------------------------- */

void tcp_set_timer(struct tcp *t, enum tcp_timer kind, uint64_t us)
{
	t->timer_kind = kind;
	t->timer_ns = now_ns(t) + us * NS_PER_US;
	if (!event_is_set(&t->timer) || t->timer.at_ns > t->timer_ns)
		event_set(t->events, &t->timer, t->timer_ns);
}

static uint64_t rto_us(const struct tcp *t)
{
	uint64_t us = t->rto_us << (t->backoff < 16 ? t->backoff : 16);

	return us < TCP_RTO_MAX_US ? us : TCP_RTO_MAX_US;
}

/* How long it is until the oldest segment is overdue. */
static uint64_t rto_left_us(const struct tcp *t)
{
	uint64_t gone_us = since_us(t, segment_at(t, t->una)->tx_ns);
	uint64_t us = rto_us(t);

	return us > gone_us + 1 ? us - gone_us : 1;
}

void tcp_rearm_rto(struct tcp *t)
{
	if (!tcp_out(t)) {
		t->timer_kind = TCP_TIMER_NONE;
		return;
	}
	bool from_sent = t->timer_kind == TCP_TIMER_PROBE ||
	                 t->timer_kind == TCP_TIMER_REORDER;
	tcp_set_timer(t, TCP_TIMER_RTO, from_sent ? rto_left_us(t) : rto_us(t));
}

bool tcp_schedule_probe(struct tcp *t)
{
	if (!tcp_out(t) || t->state != TCP_OPEN)
		return false;
	uint64_t us = t->srtt8_us / 4;
	us += tcp_out(t) == 1 ? TCP_RTO_MIN_US : PROBE_MIN_US;
	uint64_t left_us = rto_left_us(t);
	tcp_set_timer(t, TCP_TIMER_PROBE, us < left_us ? us : left_us);
	return true;
}

static void on_timer(void *ctx)
{
	struct tcp *t = ctx;
	enum tcp_timer kind = t->timer_kind;

	if (kind == TCP_TIMER_NONE)
		return;
	if (t->timer_ns > now_ns(t)) {
		event_set(t->events, &t->timer, t->timer_ns);
		return;
	}
	t->timer_kind = TCP_TIMER_NONE;
	switch (kind) {
	case TCP_TIMER_NONE:
		break;
	case TCP_TIMER_RTO:
		tcp_on_rto(t);
		break;
	case TCP_TIMER_PROBE:
		tcp_on_probe(t);
		break;
	case TCP_TIMER_REORDER:
		tcp_on_reorder(t);
		break;
	}
}

void tcp_set_delack(struct tcp *t, uint64_t at_ns)
{
	t->delack_ns = at_ns;
	if (!event_is_set(&t->delack) || t->delack.at_ns > at_ns)
		event_set(t->events, &t->delack, at_ns);
}

static void on_delack(void *ctx)
{
	struct tcp *t = ctx;

	if (!t->delack_ns)
		return;
	if (t->delack_ns > now_ns(t)) {
		event_set(t->events, &t->delack, t->delack_ns);
		return;
	}
	t->delack_ns = 0;
	tcp_on_delack(t);
}

void tcp_on_frame(const struct link_frame *frame)
{
	struct tcp *t = frame->to;

	if (t->dead)
		return;
	if (frame->segment <= t->told) /* RFC 7323, 4.3 */
		t->stamp_ms = frame->stamp_ms;
	tcp_ack(t, frame);
	if (frame->flags & LINK_DATA)
		tcp_receive(t, frame);
}

/* As subflow.c has it of TCP_INFO. */
void tcp_info(const struct tcp *t, struct subflow_info *out)
{
	uint64_t rate = t->rate_interval_us ?
		(uint64_t)t->rate_delivered * TCP_MSS * 1000000 /
		t->rate_interval_us : 0;

	if (t->cc->rate_bps)
		rate = t->cc->rate_bps(t);
	*out = (struct subflow_info){
		.srtt_us = t->srtt8_us / 8,
		.rttvar_us = t->mdev4_us / 4,
		.min_rtt_us = t->min_rtt_us,
		.mss = TCP_MSS,
		.cwnd_bytes = (uint64_t)t->cwnd * TCP_MSS,
		.ssthresh_bytes = t->ssthresh >= TCP_SSTHRESH_NONE ?
			UINT64_MAX : (uint64_t)t->ssthresh * TCP_MSS,
		.inflight_bytes = (uint64_t)tcp_flight(t) * TCP_MSS,
		.notsent_bytes = t->notsent_bytes,
		.acked_bytes = t->acked_bytes,
		.unacked_bytes = t->written_bytes - t->notsent_bytes -
		                 t->acked_bytes,
		.quiet_us = since_us(t, t->heard_ns),
		.rate_bps = rate,
		.pacing_bps = pacing(t),
		.retrans_bytes = t->again_bytes,
		.sent_bytes = t->sent_bytes,
		.in_recovery = t->state >= TCP_RECOVERY,
		.app_limited = t->rate_app_limited,
	};
}
