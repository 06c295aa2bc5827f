/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: an acknowledgement arrives: what it takes from the path, the round-trip
 * time (RFC 6298 with Linux's care for its variance), the delivery rate
 * (draft-cheng-iccrg-delivery-rate-estimation), then recovery and congestion
 * control.
 */
#include "scheduler/sim/tcp_impl.h"

/* What one acknowledgement brought, while it is looked at. */
struct news {
	uint64_t first_ns, last_ns;   /* sent: of what was acked for the first */
	uint64_t sack_first_ns, sack_last_ns; /* time, 0: none; of what was sacked */
	uint32_t delivered_before, sampled; /* the sample's segment */
	uint64_t sample_ns, interval_us;    /* its acknowledged state */
	bool has_sample, app_limited, again; /* some were sent twice */
	uint32_t flight_before, delivered, lost_before;
};

/* The segment sent last is the rate's sample. */
static void sample(struct tcp *t, struct news *news,
                   const struct tcp_segment *seg, uint32_t n)
{
	if (news->has_sample &&
	    !sent_after(seg->tx_ns, n, t->first_tx_ns, news->sampled))
		return;
	news->has_sample = true;
	news->sampled = n;
	news->delivered_before = seg->delivered;
	news->sample_ns = seg->delivered_ns;
	news->app_limited = seg->flags & SEGMENT_APP_LIMITED;
	news->interval_us = (seg->tx_ns - seg->first_tx_ns) / NS_PER_US;
	t->first_tx_ns = seg->tx_ns;
}

static void forget_marks(struct tcp *t, struct tcp_segment *seg)
{
	if (seg->flags & SEGMENT_LOST)
		t->lost--;
	if (seg->flags & SEGMENT_AGAIN)
		t->again--;
	seg->flags &= (uint8_t)~(SEGMENT_LOST | SEGMENT_AGAIN);
}

static void sack_one(struct tcp *t, struct news *news, uint32_t n)
{
	struct tcp_segment *seg = segment_at(t, n);

	if (seg->flags & SEGMENT_SACKED)
		return;
	if (!(seg->flags & SEGMENT_EVER_AGAIN)) {
		if (!news->sack_first_ns)
			news->sack_first_ns = seg->tx_ns;
		news->sack_last_ns = seg->tx_ns;
	}
	tcp_rack_advance(t, seg, n);
	sample(t, news, seg, n);
	forget_marks(t, seg);
	seg->flags |= SEGMENT_SACKED;
	t->sacked++;
	t->delivered++;
	news->delivered++;
	tcp_unlist(t, n);
}

static void sack_range(struct tcp *t, struct news *news, uint32_t from,
                       uint32_t to)
{
	if (from < t->una)
		from = t->una;
	for (; from < to && from < t->next; from++)
		sack_one(t, news, from);
}

/* Blocks grow: what was looked at last time is left out. */
static void take_sacks(struct tcp *t, struct news *news,
                       const struct link_frame *frame)
{
	for (unsigned i = 0; i < frame->sack_count; i++) {
		uint32_t from = frame->sacks[i][0], to = frame->sacks[i][1];
		for (unsigned k = 0; k < LINK_SACKS; k++) {
			const uint32_t *old = t->seen[k];
			if (old[0] < from || old[1] > to || old[0] == old[1])
				continue;
			sack_range(t, news, from, old[0]);
			from = old[1];
			break;
		}
		sack_range(t, news, from, to);
	}
	for (unsigned k = 0; k < LINK_SACKS; k++) {
		t->seen[k][0] = k < frame->sack_count ? frame->sacks[k][0] : 0;
		t->seen[k][1] = k < frame->sack_count ? frame->sacks[k][1] : 0;
	}
}

static void ack_one(struct tcp *t, struct news *news, uint32_t n)
{
	struct tcp_segment *seg = segment_at(t, n);

	t->acked_bytes = seg->end;
	if (seg->flags & SEGMENT_SACKED) {
		t->sacked--;
		return;
	}
	if (!(seg->flags & SEGMENT_EVER_AGAIN)) {
		if (!news->first_ns)
			news->first_ns = seg->tx_ns;
		news->last_ns = seg->tx_ns;
	} else {
		news->again = true;
	}
	tcp_rack_advance(t, seg, n);
	sample(t, news, seg, n);
	forget_marks(t, seg);
	t->delivered++;
	news->delivered++;
	tcp_unlist(t, n);
}

/* Round trips ----------------------------------------------------------- */

static void add_rtt(struct tcp *t, uint64_t rtt_us)
{
	int64_t err = (int64_t)rtt_us - (int64_t)(t->srtt8_us / 8);
	int64_t mdev;

	t->srtt8_us = (uint64_t)((int64_t)t->srtt8_us + err);
	if (err < 0) {
		/* That it got shorter shall not widen the timeout by much. */
		mdev = -err - (int64_t)(t->mdev4_us / 4);
		if (mdev > 0)
			mdev /= 8;
	} else {
		mdev = err - (int64_t)(t->mdev4_us / 4);
	}
	t->mdev4_us = (uint64_t)((int64_t)t->mdev4_us + mdev);
	if (t->mdev4_us > t->mdev_max_us) {
		t->mdev_max_us = t->mdev4_us;
		if (t->mdev_max_us > t->rttvar_us)
			t->rttvar_us = t->mdev_max_us;
	}
	if (t->una > t->rtt_until) { /* once a round trip */
		if (t->mdev_max_us < t->rttvar_us)
			t->rttvar_us -= (t->rttvar_us - t->mdev_max_us) / 4;
		t->rtt_until = t->next;
		t->mdev_max_us = TCP_RTO_MIN_US;
	}
	t->rto_us = t->srtt8_us / 8 + t->rttvar_us;
	t->backoff = 0;
}

/* The last segment's round trip, us; -1: none can be told. For what was sent
 * twice only the timestamp tells, in milliseconds. */
static int64_t take_rtt(struct tcp *t, const struct news *news,
                        const struct link_frame *frame)
{
	uint64_t first = news->again ? 0 : news->first_ns;
	uint64_t last = news->sack_last_ns ? news->sack_last_ns : news->last_ns;

	if (!first)
		first = news->sack_first_ns;
	uint64_t first_us = since_us(t, first), last_us = since_us(t, last);
	if (!first && news->again && frame->echo_ms)
		first_us = last_us = (now_ms(t) - frame->echo_ms) * UINT64_C(1000);
	else if (!first)
		return -1;
	last_us = last_us ? last_us : 1;
	if (last_us < t->min_rtt_us)
		t->min_rtt_us = last_us;
	add_rtt(t, first_us ? first_us : 1);
	return (int64_t)last_us;
}

/* The rate -------------------------------------------------------------- */

static void take_rate(struct tcp *t, const struct news *news,
                      struct cc_ack *out)
{
	if (t->app_limited && t->delivered > t->app_limited)
		t->app_limited = 0;
	if (news->delivered)
		t->delivered_ns = now_ns(t);
	out->interval_us = -1;
	if (!news->has_sample)
		return;
	uint64_t ack_us = since_us(t, news->sample_ns);
	uint64_t us = ack_us > news->interval_us ? ack_us : news->interval_us;
	out->delivered = t->delivered - news->delivered_before;
	out->delivered_before = news->delivered_before;
	out->app_limited = news->app_limited;
	if (us < t->min_rtt_us)
		return;
	out->interval_us = (int64_t)us;
	if (!out->app_limited ||
	    (uint64_t)out->delivered * t->rate_interval_us >=
	    (uint64_t)t->rate_delivered * us) {
		t->rate_delivered = out->delivered;
		t->rate_interval_us = us;
		t->rate_app_limited = out->app_limited;
	}
}

/* For who has no rate of his own: twice the window a round trip in slow start,
 * then 1.2 times. It sizes bursts, and is what TCP_INFO shows. */
static void set_pacing(struct tcp *t)
{
	uint64_t cwnd = t->cwnd > tcp_out(t) ? t->cwnd : tcp_out(t);
	unsigned percent = t->cwnd < t->ssthresh / 2 ? 200 : 120;

	if (t->srtt8_us)
		t->pacing_bps = cwnd * TCP_MSS * 8 * 10000 * percent / t->srtt8_us;
}

static void control(struct tcp *t, const struct cc_ack *ack, bool advanced)
{
	if (t->cc->controls) {
		t->cc->on_ack(t, ack);
		return;
	}
	if (t->state == TCP_RECOVERY)
		tcp_reduce_cwnd(t, ack->acked, ack->lost, advanced);
	else if (advanced || ack->acked)
		t->cc->on_ack(t, ack);
	set_pacing(t);
}

/* A lone short segment: the receiver may have waited with it. */
static bool maybe_delayed(const struct tcp *t, const struct news *news,
                          uint64_t acked_bytes)
{
	return news->delivered == 1 && acked_bytes < TCP_MSS && !news->again &&
	       news->delivered_before + 1 == t->delivered;
}

static bool is_news(const struct tcp *t, const struct link_frame *frame)
{
	return frame->acked > t->una || (frame->acked == t->una &&
		(frame->sack_count || (frame->flags & LINK_DOUBLE)));
}

static void take_window(struct tcp *t, const struct link_frame *frame)
{
	if (t->acked_bytes + frame->window > t->window_end)
		t->window_end = t->acked_bytes + frame->window;
}

void tcp_ack(struct tcp *t, const struct link_frame *frame)
{
	struct news news = { .flight_before = tcp_flight(t),
	                     .lost_before = t->lost_ever };
	uint64_t acked_bytes = t->acked_bytes;
	bool sacked = t->sacked;

	t->heard_ns = now_ns(t);
	if (frame->acked < t->una)
		return;
	if (!is_news(t, frame)) {
		take_window(t, frame);
		return;
	}
	take_sacks(t, &news, frame);
	for (; t->una < frame->acked; t->una++)
		ack_one(t, &news, t->una);
	take_window(t, frame);
	bool advanced = t->acked_bytes != acked_bytes;
	struct cc_ack ack = {
		.rtt_us = take_rtt(t, &news, frame), .acked = news.delivered,
		.flight_before = news.flight_before,
		.maybe_delayed = !sacked && maybe_delayed(t, &news,
			t->acked_bytes - acked_bytes),
	};
	if (t->probe_high)
		tcp_probe_acked(t, frame);
	bool waits = tcp_recover(t);
	if (!waits && (advanced || news.delivered) && !tcp_schedule_probe(t))
		tcp_rearm_rto(t);
	ack.lost = t->lost_ever - news.lost_before;
	take_rate(t, &news, &ack);
	control(t, &ack, advanced);
	tcp_push(t);
}
