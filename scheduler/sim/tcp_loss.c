/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: which segments are lost, and recovery: RACK and the tail loss probe of
 * RFC 8985, proportional rate reduction (RFC 6937), the timeout of RFC 6298.
 * Links keep the order, so reordering is never seen; a third duplicate is
 * enough, as in Linux; or that of QUIC (RFC 9002, 6.1).
 */
#include "scheduler/sim/tcp_impl.h"

#define TIMEOUT_SLACK_US 2000u

void tcp_rack_advance(struct tcp *t, const struct tcp_segment *seg, uint32_t n)
{
	uint64_t rtt_us = since_us(t, seg->tx_ns);

	/* It may be that what was sent before has been acknowledged. */
	if (rtt_us < t->min_rtt_us && (seg->flags & SEGMENT_EVER_AGAIN))
		return;
	t->rack_advanced = true;
	t->rack_rtt_us = rtt_us;
	if (seg->serial > t->rack_serial)
		t->rack_serial = seg->serial;
	if (sent_after(seg->tx_ns, n, t->rack_tx_ns, t->rack_segment)) {
		t->rack_tx_ns = seg->tx_ns;
		t->rack_segment = n;
	}
}

static void mark_lost(struct tcp *t, uint32_t n)
{
	struct tcp_segment *seg = segment_at(t, n);

	if (!(seg->flags & SEGMENT_LOST)) {
		seg->flags |= SEGMENT_LOST;
		t->lost++;
		t->lost_ever++;
	} else if (seg->flags & SEGMENT_AGAIN) {
		seg->flags &= (uint8_t)~SEGMENT_AGAIN;
		t->again--;
		t->lost_ever++;
	}
	if (n < t->again_from)
		t->again_from = n;
}

/* Of QUIC: an eighth more than a round trip, as long as no third packet that was sent
 * later has arrived. */
static uint64_t quic_window_us(const struct tcp *t, const struct tcp_segment *seg)
{
	uint64_t us = t->rack_rtt_us > t->srtt8_us / 8 ? t->rack_rtt_us : t->srtt8_us / 8;

	return (int32_t)(t->rack_serial - seg->serial) >= (int32_t)DUP_THRESH ? 0 : us + us / 8;
}

static uint64_t reorder_us(const struct tcp *t)
{
	if (t->state >= TCP_RECOVERY || t->sacked >= DUP_THRESH)
		return 0;
	uint64_t us = t->min_rtt_us / 4;
	return us < t->srtt8_us / 8 ? us : t->srtt8_us / 8;
}

/* Marks what was sent so long before something that arrived that it should
 * have too. How long until more may be: 0, nothing is in doubt. */
static uint64_t detect(struct tcp *t)
{
	uint64_t window_us = t->rack_rtt_us + reorder_us(t), wait_us = 0;
	uint32_t n, following;

	for (n = t->first_sent; n != SEGMENT_NONE; n = following) {
		const struct tcp_segment *seg = segment_at(t, n);
		following = seg->next;
		if ((seg->flags & (SEGMENT_LOST | SEGMENT_AGAIN)) == SEGMENT_LOST)
			continue;
		if (!sent_after(t->rack_tx_ns, t->rack_segment, seg->tx_ns, n))
			break;
		uint64_t age_us = since_us(t, seg->tx_ns);
		if (t->quic)
			window_us = quic_window_us(t, seg);
		if (age_us >= window_us) {
			mark_lost(t, n);
			tcp_unlist(t, n); /* until it is sent again */
		} else if (window_us - age_us > wait_us) {
			wait_us = window_us - age_us;
		}
	}
	return wait_us;
}

static bool identify(struct tcp *t)
{
	if (!t->rack_advanced)
		return false;
	t->rack_advanced = false;
	uint64_t wait_us = detect(t);
	if (wait_us)
		tcp_set_timer(t, TCP_TIMER_REORDER, wait_us + TIMEOUT_SLACK_US);
	return wait_us;
}

static void enter_recovery(struct tcp *t)
{
	t->high = t->next;
	t->prior_cwnd = t->cwnd;
	t->prr_delivered = t->prr_out = 0;
	t->ssthresh = t->cc->ssthresh(t);
	t->state = TCP_RECOVERY;
}

void tcp_reduce_cwnd(struct tcp *t, uint32_t acked, uint32_t lost, bool advanced)
{
	int64_t flight = tcp_flight(t), gap = (int64_t)t->ssthresh - flight, send;

	if (!acked || !t->prior_cwnd)
		return;
	t->prr_delivered += acked;
	if (gap < 0) {
		uint64_t share = (uint64_t)t->ssthresh * t->prr_delivered +
		                 t->prior_cwnd - 1;
		send = (int64_t)(share / t->prior_cwnd) - t->prr_out;
	} else {
		send = (int64_t)t->prr_delivered - t->prr_out;
		if (send < acked)
			send = acked;
		if (advanced && !lost)
			send++;
		if (send > gap)
			send = gap;
	}
	if (send < (t->prr_out ? 0 : 1))
		send = t->prr_out ? 0 : 1;
	t->cwnd = (uint32_t)(flight + send);
}

static void end_recovery(struct tcp *t)
{
	if (t->state == TCP_RECOVERY && !t->cc->controls &&
	    t->ssthresh < TCP_SSTHRESH_NONE)
		t->cwnd = t->ssthresh;
	t->state = TCP_OPEN;
}

bool tcp_recover(struct tcp *t)
{
	if (t->state >= TCP_RECOVERY && t->una >= t->high)
		end_recovery(t);
	bool waits = identify(t);
	if (t->state >= TCP_RECOVERY)
		return waits;
	if (t->lost)
		enter_recovery(t);
	else
		t->state = t->sacked ? TCP_DISORDER : TCP_OPEN;
	return waits;
}

/* The probe ------------------------------------------------------------- */

void tcp_on_probe(struct tcp *t)
{
	if (t->probe_high || !tcp_out(t)) {
		tcp_rearm_rto(t);
		return;
	}
	t->probe_again = !t->notsent_bytes;
	if (t->probe_again) {
		tcp_send_again(t, t->next - 1);
		t->probe_high = t->next;
	} else { /* new data does as well */
		uint32_t next = t->next, cwnd = t->cwnd;
		if (t->cwnd <= tcp_flight(t))
			t->cwnd = tcp_flight(t) + 1;
		tcp_push(t);
		t->cwnd = cwnd;
		if (t->next != next)
			t->probe_high = t->next;
	}
	t->timer_kind = TCP_TIMER_NONE;
	tcp_rearm_rto(t);
}

void tcp_probe_acked(struct tcp *t, const struct link_frame *frame)
{
	if (frame->acked < t->probe_high)
		return;
	if (!t->probe_again || (frame->flags & LINK_DOUBLE)) {
		t->probe_high = 0;
	} else if (frame->acked > t->probe_high) {
		/* Both arrived, or only the probe did: a loss was mended. */
		t->probe_high = 0;
		uint32_t threshold = t->cc->ssthresh(t);
		if (!t->cc->controls && t->state < TCP_RECOVERY)
			t->ssthresh = t->cwnd = threshold;
	} else if (!frame->sack_count) {
		t->probe_high = 0;
	}
}

/* Timers ---------------------------------------------------------------- */

void tcp_on_reorder(struct tcp *t)
{
	uint32_t flight = tcp_flight(t), lost = t->lost_ever;
	uint64_t wait_us = detect(t);

	if (wait_us)
		tcp_set_timer(t, TCP_TIMER_REORDER, wait_us + TIMEOUT_SLACK_US);
	if (tcp_flight(t) != flight) {
		if (t->state < TCP_RECOVERY) {
			enter_recovery(t);
			if (!t->cc->controls)
				tcp_reduce_cwnd(t, 1, t->lost_ever - lost, false);
		}
		tcp_resend(t);
	}
	if (t->timer_kind == TCP_TIMER_NONE)
		tcp_rearm_rto(t);
}

static void mark_all_lost(struct tcp *t)
{
	for (uint32_t n = t->una; n != t->next; n++) {
		struct tcp_segment *seg = segment_at(t, n);
		bool recent = n != t->una &&
			since_us(t, seg->tx_ns) < t->rack_rtt_us;
		if (recent || (seg->flags & SEGMENT_SACKED) ||
		    (seg->flags & (SEGMENT_LOST | SEGMENT_AGAIN)) == SEGMENT_LOST)
			continue;
		mark_lost(t, n);
		tcp_unlist(t, n);
	}
}

void tcp_on_rto(struct tcp *t)
{
	if (!tcp_out(t))
		return;
	mark_all_lost(t);
	if (t->state < TCP_RECOVERY || t->una >= t->high ||
	    (t->state == TCP_LOSS && !t->backoff)) {
		t->prior_cwnd = t->cwnd;
		t->ssthresh = t->cc->ssthresh(t);
	}
	t->cwnd = tcp_flight(t) + 1;
	t->state = TCP_LOSS;
	t->high = t->next;
	t->probe_high = 0;
	if (t->cc->on_timeout)
		t->cc->on_timeout(t);
	t->again_from = t->una;
	tcp_send_again(t, t->una);
	t->backoff++;
	tcp_rearm_rto(t);
}
