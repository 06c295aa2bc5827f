/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: CUBIC, RFC 9438, with Linux's HyStart (Ha, Rhee, 2011) that ends slow
 * start before the queue overflows: when a round's acknowledgements come in a
 * train of half a round trip, or the round trip has grown by an eighth.
 */
#include "scheduler/sim/tcp.h"

#include <assert.h>
#include <math.h>

#define BETA 0.7
#define CUBE 0.4                 /* segments a second cubed */
#define RENO_SHARE (3 * (1 - BETA) / (1 + BETA)) /* a round trip */
#define SLOWEST 100.0            /* windows for one segment more */
#define FASTEST 2.0              /* acknowledgements for one more */
#define FIRST_EPOCH_MAX 20.0     /* of these, before the first loss */
#define CWND_MIN 2u
#define TRAIN_CWND_MIN 16u
#define TRAIN_GAP_NS 2000000u
#define TRAIN_SLACK_US_MAX 1000u
#define TRAIN_BYTES 262144u      /* four bursts of offload */
#define SAMPLES_MIN 8u
#define RISE_MIN_US 4000u
#define RISE_MAX_US 16000u
#define CALM_NS UINT64_C(1000000000) /* after a loss, round trips are queue */

struct cubic {
	double last_max, origin, k_s, reno, count;
	uint64_t epoch_ns;           /* 0: none runs */
	uint64_t delay_min_us;
	uint64_t round_ns, train_ns; /* HyStart: this round's start, last ack */
	uint64_t round_rtt_us;
	uint32_t round_end, samples;
	bool found;
};
static_assert(sizeof(struct cubic) <= CC_STATE_BYTES, "its place in struct tcp");

static struct cubic *of(struct tcp *t) { return (struct cubic *)t->cc_state; }

static void start_round(struct tcp *t)
{
	struct cubic *c = of(t);

	c->round_ns = c->train_ns = t->events->now_ns;
	c->round_end = t->next;
	c->round_rtt_us = UINT64_MAX;
	c->samples = 0;
}

static void cubic_init(struct tcp *t)
{
	*of(t) = (struct cubic){ .delay_min_us = t->min_rtt_us };
	start_round(t);
}

static bool train_is_long(const struct tcp *t, struct cubic *c)
{
	uint64_t now = t->events->now_ns, slack_us = TRAIN_SLACK_US_MAX;

	if (now - c->train_ns > TRAIN_GAP_NS)
		return false;
	c->train_ns = now;
	if (t->pacing_bps)
		slack_us = TRAIN_BYTES * UINT64_C(1000000) / t->pacing_bps;
	if (slack_us > TRAIN_SLACK_US_MAX)
		slack_us = TRAIN_SLACK_US_MAX;
	return (now - c->round_ns) / 1000 > (c->delay_min_us + slack_us) / 2;
}

static bool delay_has_risen(struct cubic *c, uint64_t rtt_us)
{
	uint64_t rise_us = c->delay_min_us / 8;

	if (rtt_us < c->round_rtt_us)
		c->round_rtt_us = rtt_us;
	if (c->samples < SAMPLES_MIN) {
		c->samples++;
		return false;
	}
	rise_us = rise_us < RISE_MIN_US ? RISE_MIN_US : rise_us;
	rise_us = rise_us > RISE_MAX_US ? RISE_MAX_US : rise_us;
	return c->round_rtt_us > c->delay_min_us + rise_us;
}

static void hystart(struct tcp *t, uint64_t rtt_us)
{
	struct cubic *c = of(t);

	if (t->una > c->round_end)
		start_round(t);
	bool train = train_is_long(t, c), risen = delay_has_risen(c, rtt_us);
	if (c->found || t->cwnd < TRAIN_CWND_MIN || (!train && !risen))
		return;
	c->found = true;
	t->ssthresh = t->cwnd;
}

static void start_epoch(struct tcp *t, struct cubic *c)
{
	c->epoch_ns = t->events->now_ns;
	c->count = 0;
	c->reno = t->cwnd;
	c->origin = t->cwnd > c->last_max ? t->cwnd : c->last_max;
	c->k_s = t->cwnd < c->last_max ?
		cbrt((c->last_max - t->cwnd) / CUBE) : 0;
}

/* How many acknowledged segments make one more. */
static double needed(const struct tcp *t, const struct cubic *c)
{
	double at_s = (double)(t->events->now_ns - c->epoch_ns) / 1e9 +
	              (double)c->delay_min_us / 1e6 - c->k_s;
	double target = c->origin + CUBE * at_s * at_s * at_s;
	double cwnd = t->cwnd;
	double n = target > cwnd ? cwnd / (target - cwnd) : SLOWEST * cwnd;

	if (c->last_max == 0 && n > FIRST_EPOCH_MAX)
		n = FIRST_EPOCH_MAX;
	if (c->reno > cwnd && n > cwnd / (c->reno - cwnd))
		n = cwnd / (c->reno - cwnd);
	return n < FASTEST ? FASTEST : n;
}

static void grow(struct tcp *t, uint32_t acked)
{
	struct cubic *c = of(t);

	if (t->cwnd < t->ssthresh) {
		uint32_t room = t->ssthresh - t->cwnd;
		uint32_t more = acked < room ? acked : room;
		t->cwnd += more;
		acked -= more;
	}
	if (!acked)
		return;
	if (!c->epoch_ns)
		start_epoch(t, c);
	c->reno += acked * RENO_SHARE / t->cwnd;
	c->count += acked;
	double n = needed(t, c);
	if (c->count < n)
		return;
	uint32_t more = (uint32_t)(c->count / n);
	c->count -= more * n;
	t->cwnd += more;
	if (t->cwnd > TCP_CWND_MAX)
		t->cwnd = TCP_CWND_MAX;
}

static void cubic_on_ack(struct tcp *t, const struct cc_ack *ack)
{
	struct cubic *c = of(t);

	if (ack->rtt_us > 0 && !(c->epoch_ns &&
	    t->events->now_ns - c->epoch_ns < CALM_NS)) {
		if ((uint64_t)ack->rtt_us < c->delay_min_us)
			c->delay_min_us = (uint64_t)ack->rtt_us;
		if (t->cwnd < t->ssthresh)
			hystart(t, (uint64_t)ack->rtt_us);
	}
	if (tcp_is_limited(t))
		grow(t, ack->acked);
}

static uint32_t cubic_ssthresh(struct tcp *t)
{
	struct cubic *c = of(t);
	double cwnd = t->cwnd;

	c->epoch_ns = 0;
	/* Below the last: somebody new needs room. */
	c->last_max = cwnd < c->last_max ? cwnd * (1 + BETA) / 2 : cwnd;
	uint32_t to = (uint32_t)(cwnd * BETA);
	return to > CWND_MIN ? to : CWND_MIN;
}

static void cubic_on_timeout(struct tcp *t)
{
	uint64_t delay_us = of(t)->delay_min_us;

	*of(t) = (struct cubic){ .delay_min_us = delay_us };
	start_round(t);
}

/* Idle time does not count as time in which the window could have grown. */
static void cubic_on_start(struct tcp *t)
{
	struct cubic *c = of(t);

	if (c->epoch_ns && t->events->now_ns > t->last_tx_ns)
		c->epoch_ns += t->events->now_ns - t->last_tx_ns;
	if (c->epoch_ns > t->events->now_ns)
		c->epoch_ns = t->events->now_ns;
}

const struct cc_ops cc_cubic = {
	.name = "cubic",
	.init = cubic_init, .on_ack = cubic_on_ack,
	.ssthresh = cubic_ssthresh, .on_timeout = cubic_on_timeout,
	.on_start = cubic_on_start,
};
