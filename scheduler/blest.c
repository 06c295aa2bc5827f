/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: BLEST, BLocking ESTimation: Ferlin, Alay, Mehani, Boreli, "BLEST:
 * Blocking estimation-based MPTCP scheduler for heterogeneous networks", IFIP
 * Networking 2016. Where the fastest path f is full and LowRTT would take a
 * slower one s, it leaves s alone if what s then holds of the send window would
 * be missed by f before it is acknowledged:
 *
 *     lambda * X > |M| - MSS_s * (inflight_s + 1)
 *
 * X is what f can send meanwhile, |M| the window. The window is the stream's:
 * |M| = the credit that is left + what is in flight. What is in flight is that
 * of the subflows, whoever's it is: where f carries other streams too, theirs
 * takes up of X what it adds to |M|. So the right side is the credit that is
 * left, plus what the other paths carry, less this piece.
 *
 * Two schedulers, which differ in X and in how lambda learns:
 *
 *   blest         the paper: X = (CWND_f + MSS_f * (n - 1) / 2) * n with
 *                 n = RTT_s / RTT_f; lambda starts at 1.0, +0.01 after a round
 *                 trip of f in which a stream was blocked, else -0.01 (the
 *                 paper tries 0.001 to 0.02). That it stays between 0.5 and
 *                 2.0 is ours: the paper gives no bounds.
 *   blest_kernel  mptcp v0.95: s lingers for as long as its queue has made it
 *                 before, f sends in whole rounds and doubles its window in
 *                 initial slow start; lambda 1.2, 1.0 to 1.3, +0.04 or -0.01
 *                 once in a least round trip of s. The kernel keeps the least
 *                 and the greatest RTT of a path for ever, so that one bad
 *                 second spoils it; here they are those of the last 5 to 10 s.
 *
 * What is sent again has its place in the window and waits for nothing. Never
 * a stall (multipath-tcp/mptcp issue 330): a wait ends after two round trips of
 * f, and a path that is suspect or down is no f.
 */
#include "scheduler/schedulers.h"

#include <assert.h>

#define MILLI 1000u
#define BYTES_MAX (UINT64_C(1) << 40) /* keep the products inside 64 bits */
#define MSS_MAX (UINT64_C(1) << 28)
#define RTT_MAX_US (UINT64_C(1) << 24)
#define RATIO_BITS 8                  /* of a ratio of round-trip times */
#define RATIO_MAX (UINT64_C(1) << 14)
#define ROUNDS_MAX (UINT64_C(1) << 14)
#define DOUBLINGS_MAX 16u             /* rounds of slow start, as the kernel */
#define SPAN_US 5000000u              /* half of how long an RTT is remembered */

/* The least and the greatest smoothed RTT of a path: now and the span before. */
struct span {
	uint32_t least_us[2], greatest_us[2];
};

struct blest {
	uint64_t learnt_us;   /* when lambda moved */
	uint32_t lambda;      /* in thousandths; 0: not started */
	bool blocked;         /* a stream was, since then */
};

struct blest_kernel {
	struct blest common;  /* first: both share event() */
	uint64_t span_us;     /* when the span began */
	struct span spans[SCHED_PATHS_MAX];
};
static_assert(sizeof(struct blest_kernel) <= SCHED_INSTANCE_BYTES_MAX,
               "too large for an instance");

struct rule {
	uint32_t start, least, greatest, more, less; /* lambda, thousandths */
};
static const struct rule paper = { 1000, 500, 2000, 10, 10 };
static const struct rule kernel = { 1200, 1000, 1300, 40, 10 };

static uint64_t at_most(uint64_t value, uint64_t max)
{
	return value < max ? value : max;
}

static uint64_t rtt_of(const struct sched_path *p)
{
	return at_most(p->srtt_us, RTT_MAX_US);
}

static uint64_t in_flight(const struct sched_path *p)
{
	return at_most(p->inflight_bytes, BYTES_MAX) +
	       at_most(p->queued_bytes, BYTES_MAX);
}

/* Lambda moves at most once in every_us, and only while it is asked for. */
static void learn(struct blest *b, const struct rule *rule, uint64_t now_us,
                  uint64_t every_us)
{
	if (!b->lambda)
		*b = (struct blest){ .learnt_us = now_us, .lambda = rule->start,
		                     .blocked = b->blocked };
	if (now_us - b->learnt_us < every_us)
		return;
	b->learnt_us = now_us;
	b->lambda = b->blocked ? b->lambda + rule->more : b->lambda - rule->less;
	b->blocked = false;
	if (b->lambda > rule->greatest)
		b->lambda = rule->greatest;
	if (b->lambda < rule->least)
		b->lambda = rule->least;
}

/* Would lambda * x be more than s leaves of the window? */
static bool would_block(const struct blest *b, const struct sched_view *view,
                        int s, uint64_t x_bytes)
{
	uint64_t left = at_most(view->unit->window_bytes, BYTES_MAX);
	uint64_t piece = sched_piece_bytes(view, (unsigned)s);

	for (unsigned i = 0; i < view->count; i++)
		if (i != (unsigned)s && view->paths[i].state == SCHED_PATH_UP)
			left += in_flight(&view->paths[i]);
	left = left > piece ? left - piece : 0;
	return at_most(x_bytes, BYTES_MAX * MILLI) * b->lambda / MILLI > left;
}

static void decide(const struct sched_view *view, int s, int f, bool wait,
                   struct sched_decision *out)
{
	if (wait)
		sched_wait(view, out, (unsigned)f, 2 * rtt_of(&view->paths[f]));
	else
		sched_send(out, (unsigned)s);
}

/* The path that LowRTT takes, and a faster one in *f: -1 where there is nothing
 * to be decided, and out says what. */
static int candidates(const struct sched_view *view, int *f,
                      struct sched_decision *out)
{
	int s = sched_lowest_rtt(view);

	if (s < 0) {
		sched_nothing(view, out);
		return -1;
	}
	*f = sched_faster(view, s);
	if (*f != s && !sched_is_again(view->unit))
		return s;
	sched_send(out, (unsigned)s);
	return -1;
}

static void event(void *instance, const struct sched_event *event)
{
	struct blest *b = instance;

	if (event->type == SCHED_EV_HOL_BLOCKED)
		b->blocked = true;
}

/* The paper -------------------------------------------------------------- */

static uint64_t sent_meanwhile(const struct sched_path *f,
                               const struct sched_path *s)
{
	uint64_t one = UINT64_C(1) << RATIO_BITS;
	uint64_t n = at_most((rtt_of(s) << RATIO_BITS) / rtt_of(f),
	                     RATIO_MAX << RATIO_BITS);
	uint64_t growth = at_most(f->mss, MSS_MAX) * (n - one) / (2 * one);

	return at_most(at_most(f->cwnd_bytes, BYTES_MAX) + growth, BYTES_MAX) *
	       n / one;
}

static void pick(void *instance, void *scope, const struct sched_view *view,
                 struct sched_decision *out)
{
	struct blest *b = instance;
	int f, s = candidates(view, &f, out);

	if (s < 0)
		return;
	learn(b, &paper, view->now_us, rtt_of(&view->paths[f]));
	decide(view, s, f, would_block(b, view, s,
		sent_meanwhile(&view->paths[f], &view->paths[s])), out);
}

const struct sched_ops sched_blest = {
	.name = "blest",
	.summary = "waits for a faster path where a slower one would block it",
	.order = "roundrobin",
	.caps = SCHED_MAY_WAIT | SCHED_NEEDS_WINDOW,
	.instance_bytes = sizeof(struct blest),
	.pick = pick,
	.event = event,
};

/* The kernel ------------------------------------------------------------- */

static struct span *span_of(struct blest_kernel *k, const struct sched_path *p)
{
	return &k->spans[p->id % SCHED_PATHS_MAX];
}

static void begin_span(struct blest_kernel *k, uint64_t now_us)
{
	bool stale = !k->span_us || now_us - k->span_us >= 2 * SPAN_US;

	for (unsigned i = 0; i < SCHED_PATHS_MAX; i++) {
		struct span *span = &k->spans[i];
		span->least_us[1] = stale ? UINT32_MAX : span->least_us[0];
		span->greatest_us[1] = stale ? 0 : span->greatest_us[0];
		span->least_us[0] = UINT32_MAX;
		span->greatest_us[0] = 0;
	}
	k->span_us = now_us;
}

static void note_rtts(struct blest_kernel *k, const struct sched_view *view)
{
	if (!k->span_us || view->now_us - k->span_us >= SPAN_US)
		begin_span(k, view->now_us);
	for (unsigned i = 0; i < view->count; i++) {
		const struct sched_path *p = &view->paths[i];
		struct span *span = span_of(k, p);
		uint32_t rtt_us = (uint32_t)rtt_of(p);
		if (p->state != SCHED_PATH_UP || !rtt_us)
			continue;
		if (rtt_us < span->least_us[0])
			span->least_us[0] = rtt_us;
		if (rtt_us > span->greatest_us[0])
			span->greatest_us[0] = rtt_us;
	}
}

static uint64_t least_us(const struct span *span)
{
	return at_most(span->least_us[0], span->least_us[1]);
}

static uint64_t greatest_us(const struct span *span)
{
	return span->greatest_us[0] > span->greatest_us[1]
		? span->greatest_us[0] : span->greatest_us[1];
}

/* How long a piece on s will take: as long as its queue made others take. */
static uint64_t linger_us(const struct span *span, const struct sched_path *s,
                          uint64_t piece_bytes)
{
	uint64_t load = in_flight(s) + at_most(piece_bytes, BYTES_MAX);
	uint64_t cwnd = at_most(s->cwnd_bytes, BYTES_MAX);
	uint64_t least = least_us(span), greatest = greatest_us(span);
	uint64_t linger = greatest;

	if (load < cwnd)
		linger = least + (greatest - least) * load / cwnd;
	return linger > rtt_of(s) ? linger : rtt_of(s);
}

/* What f sends in whole rounds until then. */
static uint64_t sent_in_rounds(const struct span *span,
                               const struct sched_path *f, uint64_t linger)
{
	uint64_t rounds = at_most(2 * linger / (least_us(span) + greatest_us(span)),
	                          ROUNDS_MAX) + 1;
	uint64_t cwnd = at_most(f->cwnd_bytes, BYTES_MAX);
	uint64_t mss = at_most(f->mss, MSS_MAX);

	if (f->ssthresh_bytes == UINT64_MAX)
		return cwnd * ((UINT64_C(1) << at_most(rounds, DOUBLINGS_MAX)) - 1);
	uint64_t soon = at_most(f->ssthresh_bytes, BYTES_MAX) + mss;

	if (cwnd < soon) /* as if it were there already */
		cwnd = soon;
	return (cwnd + (rounds - 1) / 2 * mss) * rounds;
}

static void pick_kernel(void *instance, void *scope,
                        const struct sched_view *view,
                        struct sched_decision *out)
{
	struct blest_kernel *k = instance;
	int f, s;

	note_rtts(k, view);
	s = candidates(view, &f, out);
	if (s < 0)
		return;
	const struct sched_path *fast = &view->paths[f], *slow = &view->paths[s];
	uint64_t linger = linger_us(span_of(k, slow), slow,
	                            sched_piece_bytes(view, (unsigned)s));
	learn(&k->common, &kernel, view->now_us, least_us(span_of(k, slow)));
	decide(view, s, f, would_block(&k->common, view, s,
		sent_in_rounds(span_of(k, fast), fast, linger)), out);
}

const struct sched_ops sched_blest_kernel = {
	.name = "blest_kernel",
	.summary = "blest with the figures of the Linux kernel of MPTCP v0.95",
	.order = "roundrobin",
	.caps = SCHED_MAY_WAIT | SCHED_NEEDS_WINDOW,
	.instance_bytes = sizeof(struct blest_kernel),
	.pick = pick_kernel,
	.event = event,
};
