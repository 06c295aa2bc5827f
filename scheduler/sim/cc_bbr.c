/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: BBR, version 1, as Linux has it (draft-cardwell-iccrg-bbr-congestion-
 * control-00): a model of the path - the most that it delivered in ten round
 * trips, the least round-trip time in ten seconds -, and a rate and a window
 * from that. Its policer detection is left out: nothing here polices.
 */
#include "scheduler/sim/tcp.h"

#include <assert.h>

#define UNIT 256u                 /* of gains */
#define GAIN_HIGH 739u            /* 2 / ln 2, and a little */
#define GAIN_DRAIN 88u
#define GAIN_CWND 512u
#define BW_SHIFT 24u              /* of rates in segments/us */
#define PACING_PERCENT 99u
#define CWND_MIN 4u
#define BW_ROUNDS 10u
#define MIN_RTT_NS UINT64_C(10000000000)
#define PROBE_RTT_NS UINT64_C(200000000)
#define FULL_BW_GROWTH 320u       /* a quarter more a round, or it is full */
#define FULL_BW_ROUNDS 3u
#define CYCLE 8u
#define CYCLE_RANDOM 7u
#define SLOW_RATE_BPS 150000u     /* below, single segments */
#define EXTRA_ROUNDS 5u
#define EXTRA_MAX_US 100000u
#define EXTRA_SEGMENTS_MAX (1u << 20)

enum mode { STARTUP, DRAIN, PROBE_BW, PROBE_RTT };

struct best { uint64_t value; uint32_t round; }; /* of a windowed maximum */

struct bbr {
	enum mode mode;
	struct best bw[3];            /* the best, and those after it */
	uint64_t min_rtt_us, min_rtt_ns;
	uint64_t probe_done_ns;       /* 0: not at the bottom yet */
	uint64_t cycle_ns;
	uint32_t cycle;
	uint32_t round, round_end;    /* a round: until what was sent is delivered */
	uint64_t full_bw;
	uint32_t full_rounds;
	uint32_t prior_cwnd;
	uint32_t pacing_gain, cwnd_gain;
	uint64_t epoch_ns;            /* acknowledgements that come in heaps */
	uint32_t epoch_acked;
	uint32_t extra[2], extra_rounds, extra_at;
	bool round_start, full, probe_round_done, idle_restart;
	bool was_in_recovery, was_in_loss, conserve, has_rtt;
};
static_assert(sizeof(struct bbr) <= CC_STATE_BYTES, "its place in struct tcp");

/* The share of a phase of PROBE_BW. */
static const uint16_t cycle_gains[CYCLE] = {
	UNIT * 5 / 4, UNIT * 3 / 4, UNIT, UNIT, UNIT, UNIT, UNIT, UNIT,
};

static struct bbr *of(struct tcp *t) { return (struct bbr *)t->cc_state; }
static const struct bbr *see(const struct tcp *t)
{
	return (const struct bbr *)t->cc_state;
}

static uint64_t now_ns(const struct tcp *t) { return t->events->now_ns; }

/* Kathleen Nichols' running maximum: the best, and the best of those after it,
 * twice. The second and third are renewed in the second quarter and the second
 * half of the window, so that a good one is at hand when the best is too old. */
static void best_add(struct best best[3], uint32_t round, uint64_t value)
{
	struct best now = { value, round };

	if (value >= best[0].value || round - best[2].round > BW_ROUNDS) {
		best[0] = best[1] = best[2] = now;
		return;
	}
	if (value >= best[1].value)
		best[1] = best[2] = now;
	else if (value >= best[2].value)
		best[2] = now;
	uint32_t age = round - best[0].round;
	if (age <= BW_ROUNDS) {
		if (best[1].round == best[0].round && age > BW_ROUNDS / 4)
			best[1] = best[2] = now;
		else if (best[2].round == best[1].round && age > BW_ROUNDS / 2)
			best[2] = now;
		return;
	}
	for (int i = 0; i < 2 && round - best[0].round > BW_ROUNDS; i++) {
		best[0] = best[1];
		best[1] = best[2];
		best[2] = now;
	}
}

static uint64_t bw_of(const struct bbr *b) { return b->bw[0].value; }

static uint64_t to_bps(uint64_t bw, uint32_t gain)
{
	uint64_t bps = bw * TCP_MSS >> 4; /* room for what follows */

	bps = bps * gain / UNIT * 1000000 / 100 * PACING_PERCENT;
	return bps >> (BW_SHIFT - 4);
}

static void set_pacing(struct tcp *t, uint64_t bw, uint32_t gain)
{
	struct bbr *b = of(t);
	uint64_t bps = to_bps(bw, gain);

	if (!b->has_rtt && t->srtt8_us) {
		b->has_rtt = true;
		t->pacing_bps = to_bps(((uint64_t)t->cwnd << BW_SHIFT) * 8 /
		                       t->srtt8_us, GAIN_HIGH);
	}
	if (b->full || bps > t->pacing_bps)
		t->pacing_bps = bps;
}

/* Windows ---------------------------------------------------------------- */

static uint32_t bdp(const struct bbr *b, uint64_t bw, uint32_t gain)
{
	if (b->min_rtt_us == UINT64_MAX)
		return TCP_CWND_FIRST;
	uint64_t n = bw * b->min_rtt_us * gain / UNIT;
	return (uint32_t)((n + (1u << BW_SHIFT) - 1) >> BW_SHIFT);
}

static uint32_t bbr_burst_min(const struct tcp *t)
{
	return t->pacing_bps < SLOW_RATE_BPS ? 1 : 2;
}

static uint32_t burst_goal(const struct tcp *t)
{
	uint32_t n = (uint32_t)(t->pacing_bps >> 10) / TCP_MSS;
	uint32_t least = bbr_burst_min(t);

	return n < least ? least : n > 0x7f ? 0x7f : n;
}

/* Room for what offload keeps together: three bursts, even. */
static uint32_t quantized(const struct tcp *t, uint32_t cwnd)
{
	const struct bbr *b = see(t);

	cwnd += 3 * burst_goal(t);
	cwnd = (cwnd + 1) & ~1u;
	if (b->mode == PROBE_BW && b->cycle == 0)
		cwnd += 2;
	return cwnd;
}

static uint32_t inflight(const struct tcp *t, uint64_t bw, uint32_t gain)
{
	return quantized(t, bdp(see(t), bw, gain));
}

/* What will be on the path when the next burst, paced, leaves. */
static uint32_t inflight_then(const struct tcp *t, uint32_t flight)
{
	const struct bbr *b = see(t);
	uint64_t now = now_ns(t), at = t->pace_ns > now ? t->pace_ns : now;
	uint64_t gone = (bw_of(b) * ((at - now) / 1000)) >> BW_SHIFT;

	if (b->pacing_gain > UNIT)
		flight += burst_goal(t);
	return gone >= flight ? 0 : flight - (uint32_t)gone;
}

static uint32_t extra_cwnd(const struct bbr *b)
{
	uint64_t most = bw_of(b) * EXTRA_MAX_US >> BW_SHIFT;
	uint32_t extra = b->extra[0] > b->extra[1] ? b->extra[0] : b->extra[1];

	if (!b->full)
		return 0;
	return extra < most ? extra : (uint32_t)most;
}

static void save_cwnd(struct tcp *t)
{
	struct bbr *b = of(t);

	if (!b->was_in_recovery && !b->was_in_loss && b->mode != PROBE_RTT)
		b->prior_cwnd = t->cwnd;
	else if (t->cwnd > b->prior_cwnd)
		b->prior_cwnd = t->cwnd;
}

/* In the first round of recovery as much leaves as arrives. True: that is the
 * window. */
static bool cwnd_of_recovery(struct tcp *t, const struct cc_ack *ack,
                             uint32_t *cwnd)
{
	struct bbr *b = of(t);
	uint32_t arrived = tcp_flight(t) + ack->acked;
	bool was = b->was_in_recovery || b->was_in_loss;

	if (ack->lost)
		*cwnd = *cwnd > ack->lost ? *cwnd - ack->lost : 1;
	if (t->state == TCP_RECOVERY && !b->was_in_recovery) {
		b->conserve = true;
		b->round_end = t->delivered;
		*cwnd = arrived;
	} else if (was && t->state < TCP_RECOVERY) {
		*cwnd = *cwnd > b->prior_cwnd ? *cwnd : b->prior_cwnd;
		b->conserve = false;
	}
	b->was_in_recovery = t->state == TCP_RECOVERY;
	b->was_in_loss = t->state == TCP_LOSS;
	if (b->conserve && *cwnd < arrived)
		*cwnd = arrived;
	return b->conserve;
}

static void set_cwnd(struct tcp *t, const struct cc_ack *ack)
{
	struct bbr *b = of(t);
	uint32_t cwnd = t->cwnd;

	if (ack->acked && !cwnd_of_recovery(t, ack, &cwnd)) {
		uint32_t target = quantized(t, bdp(b, bw_of(b), b->cwnd_gain) +
		                               extra_cwnd(b));
		if (b->full)
			cwnd = cwnd + ack->acked < target ? cwnd + ack->acked
			                                  : target;
		else if (cwnd < target || t->delivered < TCP_CWND_FIRST)
			cwnd += ack->acked;
		if (cwnd < CWND_MIN)
			cwnd = CWND_MIN;
	}
	if (cwnd > TCP_CWND_MAX)
		cwnd = TCP_CWND_MAX;
	if (b->mode == PROBE_RTT && cwnd > CWND_MIN)
		cwnd = CWND_MIN;
	t->cwnd = cwnd;
}

/* The model --------------------------------------------------------------- */

static void update_bw(struct tcp *t, const struct cc_ack *ack)
{
	struct bbr *b = of(t);

	b->round_start = false;
	if (ack->interval_us <= 0)
		return;
	if (ack->delivered_before >= b->round_end) {
		b->round_end = t->delivered;
		b->round++;
		b->round_start = true;
		b->conserve = false;
	}
	uint64_t bw = ((uint64_t)ack->delivered << BW_SHIFT) /
	              (uint64_t)ack->interval_us;
	if (!ack->app_limited || bw >= bw_of(b))
		best_add(b->bw, b->round, bw);
}

/* How much more than the rate came at once of late: links that gather. */
static void update_extra(struct tcp *t, const struct cc_ack *ack)
{
	struct bbr *b = of(t);

	if (ack->interval_us <= 0 || !ack->acked)
		return;
	if (b->round_start && ++b->extra_rounds >= EXTRA_ROUNDS) {
		b->extra_rounds = 0;
		b->extra_at ^= 1;
		b->extra[b->extra_at] = 0;
	}
	uint64_t epoch_us = (t->delivered_ns - b->epoch_ns) / 1000;
	uint64_t expected = bw_of(b) * epoch_us >> BW_SHIFT;
	if (b->epoch_acked <= expected ||
	    b->epoch_acked + ack->acked >= EXTRA_SEGMENTS_MAX) {
		b->epoch_acked = 0;
		b->epoch_ns = t->delivered_ns;
		expected = 0;
	}
	b->epoch_acked += ack->acked;
	uint64_t extra = b->epoch_acked - expected;
	if (extra > t->cwnd)
		extra = t->cwnd;
	if (extra > b->extra[b->extra_at])
		b->extra[b->extra_at] = (uint32_t)extra;
}

static void next_phase(struct tcp *t)
{
	struct bbr *b = of(t);

	b->cycle = (b->cycle + 1) % CYCLE;
	b->cycle_ns = t->delivered_ns;
}

static bool phase_is_over(const struct tcp *t, const struct cc_ack *ack)
{
	const struct bbr *b = see(t);
	bool full = (int64_t)(t->delivered_ns - b->cycle_ns) >
	            (int64_t)(b->min_rtt_us * 1000);
	uint32_t flight = inflight_then(t, ack->flight_before);

	if (b->pacing_gain == UNIT)
		return full;
	if (b->pacing_gain > UNIT)
		return full && (ack->lost ||
			flight >= inflight(t, bw_of(b), b->pacing_gain));
	return full || flight <= inflight(t, bw_of(b), UNIT);
}

static void enter_probe_bw(struct tcp *t)
{
	struct bbr *b = of(t);

	b->mode = PROBE_BW;
	b->cycle = CYCLE - 1 - (uint32_t)rand_below(t->rand, CYCLE_RANDOM);
	next_phase(t);
}

static void check_full(const struct cc_ack *ack, struct bbr *b)
{
	if (b->full || !b->round_start || ack->app_limited)
		return;
	if (bw_of(b) >= b->full_bw * FULL_BW_GROWTH / UNIT) {
		b->full_bw = bw_of(b);
		b->full_rounds = 0;
		return;
	}
	b->full = ++b->full_rounds >= FULL_BW_ROUNDS;
}

static void check_drain(struct tcp *t)
{
	struct bbr *b = of(t);

	if (b->mode == STARTUP && b->full) {
		b->mode = DRAIN;
		t->ssthresh = inflight(t, bw_of(b), UNIT);
	}
	if (b->mode == DRAIN && inflight_then(t, tcp_flight(t)) <=
	                        inflight(t, bw_of(b), UNIT))
		enter_probe_bw(t);
}

static void check_probe_done(struct tcp *t)
{
	struct bbr *b = of(t);

	if (!b->probe_done_ns || now_ns(t) <= b->probe_done_ns)
		return;
	b->min_rtt_ns = now_ns(t);
	if (t->cwnd < b->prior_cwnd)
		t->cwnd = b->prior_cwnd;
	if (b->full)
		enter_probe_bw(t);
	else
		b->mode = STARTUP;
}

static void probe_rtt(struct tcp *t)
{
	struct bbr *b = of(t);
	uint32_t limit = t->delivered + tcp_flight(t);

	t->app_limited = limit ? limit : 1; /* the samples are small by will */
	if (!b->probe_done_ns && tcp_flight(t) <= CWND_MIN) {
		b->probe_done_ns = now_ns(t) + PROBE_RTT_NS;
		b->probe_round_done = false;
		b->round_end = t->delivered;
	} else if (b->probe_done_ns) {
		b->probe_round_done |= b->round_start;
		if (b->probe_round_done)
			check_probe_done(t);
	}
}

static void update_min_rtt(struct tcp *t, const struct cc_ack *ack)
{
	struct bbr *b = of(t);
	bool expired = now_ns(t) > b->min_rtt_ns + MIN_RTT_NS;

	if (ack->rtt_us >= 0 && ((uint64_t)ack->rtt_us < b->min_rtt_us ||
	                         (expired && !ack->maybe_delayed))) {
		b->min_rtt_us = (uint64_t)ack->rtt_us;
		b->min_rtt_ns = now_ns(t);
	}
	if (expired && !b->idle_restart && b->mode != PROBE_RTT) {
		b->mode = PROBE_RTT;
		save_cwnd(t);
		b->probe_done_ns = 0;
	}
	if (b->mode == PROBE_RTT)
		probe_rtt(t);
	if (ack->delivered > 0)
		b->idle_restart = false;
}

static void update_gains(struct bbr *b)
{
	switch (b->mode) {
	case STARTUP:
		b->pacing_gain = b->cwnd_gain = GAIN_HIGH;
		break;
	case DRAIN:
		b->pacing_gain = GAIN_DRAIN;
		b->cwnd_gain = GAIN_HIGH;
		break;
	case PROBE_BW:
		b->pacing_gain = cycle_gains[b->cycle];
		b->cwnd_gain = GAIN_CWND;
		break;
	case PROBE_RTT:
		b->pacing_gain = b->cwnd_gain = UNIT;
		break;
	}
}

static void bbr_on_ack(struct tcp *t, const struct cc_ack *ack)
{
	struct bbr *b = of(t);

	update_bw(t, ack);
	update_extra(t, ack);
	if (b->mode == PROBE_BW && phase_is_over(t, ack))
		next_phase(t);
	check_full(ack, b);
	check_drain(t);
	update_min_rtt(t, ack);
	update_gains(b);
	set_pacing(t, bw_of(b), b->pacing_gain);
	set_cwnd(t, ack);
}

static void bbr_init(struct tcp *t)
{
	struct bbr *b = of(t);

	*b = (struct bbr){
		.mode = STARTUP, .min_rtt_us = t->min_rtt_us,
		.min_rtt_ns = now_ns(t), .epoch_ns = now_ns(t),
		.round_end = t->delivered,
		.pacing_gain = GAIN_HIGH, .cwnd_gain = GAIN_HIGH,
	};
	set_pacing(t, 0, GAIN_HIGH);
}

static uint32_t bbr_ssthresh(struct tcp *t)
{
	save_cwnd(t);
	return t->ssthresh;
}

static void bbr_on_timeout(struct tcp *t)
{
	struct bbr *b = of(t);

	b->was_in_loss = true;
	b->was_in_recovery = false;
	b->full_bw = 0;
	b->round_start = true;
}

static void bbr_on_start(struct tcp *t)
{
	struct bbr *b = of(t);

	if (!t->app_limited)
		return;
	b->idle_restart = true;
	b->epoch_ns = now_ns(t);
	b->epoch_acked = 0;
	if (b->mode == PROBE_BW)
		set_pacing(t, bw_of(b), UNIT);
	else if (b->mode == PROBE_RTT)
		check_probe_done(t);
}

static uint64_t bbr_rate_bps(const struct tcp *t)
{
	return (bw_of(see(t)) * TCP_MSS >> 8) * 1000000 >> (BW_SHIFT - 8);
}

const struct cc_ops cc_bbr = {
	.name = "bbr", .controls = true,
	.init = bbr_init, .on_ack = bbr_on_ack,
	.ssthresh = bbr_ssthresh, .on_timeout = bbr_on_timeout,
	.on_start = bbr_on_start, .burst_min = bbr_burst_min,
	.rate_bps = bbr_rate_bps,
};
