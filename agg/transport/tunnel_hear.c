/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what feedback changes in a tunnel_rate: what is known of the path, and the
 * state that follows from it. All filters look at a window W, which is a round trip
 * and 40 ms at least.
 */
#include "agg/transport/tunnel_rate_impl.h"

#include <stddef.h>

#define DELAY_WINDOW_MAX_US (100 * MS_US)
#define LOW_SLOT_US S_US             /* a base of 15 s */
#define BEST_WINDOWS 10u             /* the best rate is of so many W, */
#define BEST_MIN_US S_US             /* and a second at least */
#define JITTER_SHARE 20              /* of a sample */
#define JITTER_MAX_US (25 * MS_US)
#define QUEUE_HIGH_MIN_US (8 * MS_US)
#define QUEUE_LOW_US (5 * MS_US)
#define PERCENT_FELL 65u
#define FALLEN_REPORTS 2u
#define GROWTH_START 125u            /* percent a window */
#define GROWTH_UP 112u
#define FLAT_MAX 3u
#define UPS_MAX 2u
#define DRAIN_MAX_US (500 * MS_US)
#define CRUISE_WINDOWS 6u
#define POLICED_US (2 * S_US)
#define EXCUSED_US (30 * S_US)
#define JUMP_US (int64_t)S_US        /* of a clock against the other */
#define JUMP_TOLD_US (200 * MS_US)   /* until nobody tells of before it, or two round trips */
#define POLICED_LOSS 10u             /* percent */
#define TRAIN_LEAST 3u               /* of a train, after the first */
#define TRAIN_CLOSE_US (4 * MS_US)   /* from first to last, less tells little */
#define TRAIN_LEAST_US 2000u
#define PERCENT_PROMISED 90u         /* delivered: as it was promised */
#define PERCENT_MORE 125u
#define JUDGED_MAX (1u << 18)        /* packets: older ones fade */
#define PPM UINT64_C(1000000)

/* Windows -------------------------------------------------------------- */

static void window_clear(struct rate_window *w, uint64_t now_us, int64_t none)
{
	for (unsigned i = 0; i < RATE_SLOTS; i++)
		w->values[i] = none;
	w->since_us = now_us;
}

static int64_t *window_now(struct rate_window *w, uint64_t now_us,
                           uint64_t slot_us, int64_t none)
{
	for (unsigned i = 0; i < RATE_SLOTS && now_us - w->since_us >= slot_us; i++) {
		w->at = (w->at + 1) % RATE_SLOTS;
		w->values[w->at] = none;
		w->since_us += slot_us;
	}
	if (now_us - w->since_us >= slot_us)
		w->since_us = now_us;
	return &w->values[w->at];
}

static int64_t window_least(struct rate_window *w, uint64_t now_us, int64_t value)
{
	int64_t *slot = window_now(w, now_us, LOW_SLOT_US, INT64_MAX);

	if (value < *slot)
		*slot = value;
	int64_t least = INT64_MAX;
	for (unsigned i = 0; i < RATE_SLOTS; i++)
		least = w->values[i] < least ? w->values[i] : least;
	return least;
}

static int64_t window_most(struct rate_window *w, uint64_t now_us,
                           uint64_t slot_us, int64_t value)
{
	int64_t *slot = window_now(w, now_us, slot_us, 0);

	if (value > *slot)
		*slot = value;
	int64_t most = 0;
	for (unsigned i = 0; i < RATE_SLOTS; i++)
		most = w->values[i] > most ? w->values[i] : most;
	return most;
}

/* Limits that follow from the path -------------------------------------- */

/* The least delay is of a shorter one where that is long. */
static uint64_t delay_window_us(const struct tunnel_rate *r)
{
	return min_u64(max_u64(r->min_rtt_us / 2, WINDOW_MIN_US), DELAY_WINDOW_MAX_US);
}

static uint64_t packet_us(const struct tunnel_rate *r)
{
	return RATE_PACKET_BYTES * S_US / r->bw_bps;
}

static uint64_t queue_high_us(const struct tunnel_rate *r)
{
	uint64_t us = max_u64(QUEUE_HIGH_MIN_US, r->min_rtt_us / 10);

	return max_u64(us, 2 * packet_us(r)) + r->jitter_us;
}

static uint64_t queue_low_us(const struct tunnel_rate *r)
{
	return max_u64(QUEUE_LOW_US, packet_us(r)) + r->jitter_us / 2;
}

void tunnel_hear_forget(struct tunnel_rate *r, uint64_t now_us)
{
	window_clear(&r->rtt_low, now_us, INT64_MAX);
	window_clear(&r->delay_low, now_us, INT64_MAX);
	window_clear(&r->best, r->clock_us, 0);
	r->srtt_us = r->rttvar_us = r->min_rtt_us = r->jitter_us = 0;
	r->queue_us = r->over_since_us = r->out_since_us = 0;
	r->told_us = r->jumps_until_us = 0;
	r->report_end = 0;
	r->passed_bytes = r->sent_bytes;
	r->mark_first = r->mark_end;
	r->heard_counter = r->asked_counter = r->sent_counter;
}

/* As long as there is nothing to send, the filter of the best rate ages not. */
static void run_clock(struct tunnel_rate *r, uint64_t now_us)
{
	if (r->idle_us < r->clocked_us && !sends_less(r))
		r->clock_us += now_us - r->clocked_us;
	r->clocked_us = now_us;
}

/* Hearing --------------------------------------------------------------- */

/* When that counter was sent; passed_bytes is up to it. */
static uint64_t pass(struct tunnel_rate *r, uint64_t counter)
{
	uint32_t i = r->mark_first;

	while (r->mark_end - i > 1 &&
	       r->marks[(i + 1) % RATE_MARKS].counter <= counter)
		i++;
	r->mark_first = i;
	uint32_t at = i % RATE_MARKS, next = (i + 1) % RATE_MARKS;
	bool last = r->mark_end - i <= 1;
	uint64_t end = last ? r->sent_counter + 1 : r->marks[next].counter;
	uint64_t bytes = (last ? r->sent_bytes : r->marks[next].bytes) -
	                 r->marks[at].bytes;
	uint64_t packets = max_u64(end - r->marks[at].counter, 1);
	uint64_t part = counter + 1 - r->marks[at].counter;
	r->passed_bytes = max_u64(r->passed_bytes, r->marks[at].bytes +
	                          bytes * min_u64(part, packets) / packets);
	return r->marks[at].at_us;
}

static void take_rtt(struct tunnel_rate *r, uint64_t rtt_us, uint64_t now_us)
{
	uint64_t err = rtt_us > r->srtt_us ? rtt_us - r->srtt_us : r->srtt_us - rtt_us;

	if (!r->srtt_us) {
		r->srtt_us = rtt_us;
		r->rttvar_us = rtt_us / 2;
	} else {
		r->rttvar_us = (3 * r->rttvar_us + err) / 4;
		r->srtt_us = (7 * r->srtt_us + rtt_us) / 8;
	}
	r->min_rtt_us = (uint64_t)window_least(&r->rtt_low, now_us, (int64_t)rtt_us);
}

static const struct rate_report *report(const struct tunnel_rate *r, uint32_t back)
{
	return &r->reports[(r->report_end - 1 - back) % RATE_REPORTS];
}

/* What the window says, from the newest report back. */
struct seen {
	uint64_t rx_bps;         /* received; 0: too short a time */
	uint64_t proved_bps;     /* and not only because it came in a heap */
	uint64_t lost, packets;
	int64_t delay_us;
	bool limited;
};

static struct seen look(const struct tunnel_rate *r)
{
	const struct rate_report *new = report(r, 0), *old = new;
	uint32_t most = min_u64(r->report_end, RATE_REPORTS);
	struct seen seen = { .delay_us = INT64_MAX };

	for (uint32_t i = 0; i < most; i++) {
		const struct rate_report *one = report(r, i);
		old = one;
		if (new->received_us - one->received_us >= window_us(r))
			break;
		bool late = new->received_us - one->received_us < delay_window_us(r);
		if (late && one->delay_us < seen.delay_us)
			seen.delay_us = one->delay_us;
	}
	uint64_t span_us = new->received_us - old->received_us;
	seen.packets = new->counter - old->counter;
	uint64_t got = new->packets - old->packets;
	seen.lost = seen.packets > got ? seen.packets - got : 0;
	/* What left in less than half of the time was held up by the path alone. */
	seen.limited = r->idle_us >= old->sent_us &&
	               2 * (new->sent_us - old->sent_us) >= span_us;
	uint64_t bytes = new->bytes - old->bytes;
	if (span_us < window_us(r) * 3 / 4 && (most < RATE_REPORTS || !span_us))
		return seen;
	seen.rx_bps = bytes * S_US / span_us;
	seen.proved_bps = bytes * S_US / max_u64(span_us, new->sent_us - old->sent_us);
	return seen;
}

static void take_gap(struct tunnel_rate *r, uint64_t gap_us)
{
	uint64_t err = gap_us > r->gap_us ? gap_us - r->gap_us : r->gap_us - gap_us;

	gap_us = min_u64(gap_us, GAP_MAX_US);
	r->gap_var_us = (7 * r->gap_var_us + err) / 8;
	r->gap_us = (7 * r->gap_us + gap_us) / 8;
}

static void put_report(struct tunnel_rate *r, const struct rate_news *news,
                       uint64_t sent_us)
{
	const struct rate_report *last = r->report_end ? report(r, 0) : NULL;
	uint64_t received_us = news->told_us - news->hold_us;

	if (last && received_us < last->received_us)
		received_us = last->received_us;
	/* What is out until the next is heard must not stop the sender. */
	if (last && !sends_less(r) && r->idle_us < last->sent_us)
		take_gap(r, received_us - last->received_us);
	r->reports[r->report_end++ % RATE_REPORTS] = (struct rate_report){
		.received_us = received_us, .sent_us = sent_us,
		.counter = news->largest, .packets = news->packets,
		.bytes = news->bytes, .delay_us = news->delay_min_us,
	};
}

/* Where a queue overflows its least delay is of before: so most of them count, and those
 * of the report before, as what is lost at last is missed by the next one. */
static void judge_loss(struct tunnel_rate *r, const struct rate_news *news)
{
	bool was_full = r->full;

	r->full = news->delay_p90_us - r->base_us > (int64_t)queue_high_us(r);
	if (r->report_end < 2 || r->queue_us > queue_high_us(r) || r->full || was_full)
		return;
	const struct rate_report *new = report(r, 0), *old = report(r, 1);
	uint64_t sent = new->counter - old->counter;
	uint64_t got = new->packets - old->packets;
	r->judged += sent;
	/* What came late, overtaken, was counted as lost until then. */
	r->lost = sent > got ? r->lost + (sent - got) : r->lost - min_u64(r->lost, got - sent);
	if (r->judged > JUDGED_MAX) {
		r->judged /= 2;
		r->lost /= 2;
	}
}

static uint64_t root(uint64_t n)
{
	uint64_t x = 0;

	while ((x + 1) * (x + 1) <= n)
		x++;
	return x;
}

uint32_t tunnel_rate_loss_ppm(const struct tunnel_rate *r)
{
	uint64_t luck = 2 * root(min_u64(r->lost, UINT32_MAX));

	if (r->lost <= luck || !r->judged)
		return 0;
	return (uint32_t)((r->lost - luck) * PPM / r->judged);
}

uint32_t tunnel_rate_likely_ppm(const struct tunnel_rate *r)
{
	return r->lost > 1 ? (uint32_t)(r->lost * PPM / max_u64(r->judged, r->lost)) : 0;
}

/* They left together: by so much more as the last of those told of took than the first, the
 * path needs for those between. What came beside them was few, and took no longer. */
static void hear_train(struct tunnel_rate *r, const struct rate_news *news,
                       uint64_t heard_before, uint64_t now_us)
{
	uint64_t from = max_u64(heard_before + 1, r->train_first);
	uint64_t to = min_u64(news->largest, r->train_last);
	uint64_t all = report(r, 0)->packets - (r->report_end > 1 ? report(r, 1)->packets : 0);

	if (!r->trains || to < from || all > 2 * (to - from + 1))
		return;
	if (!r->train_from) {
		r->train_from = from;
		r->train_delay_us = news->delay_min_us;
	}
	/* Up to the 90th percentile (feedback.c). */
	uint64_t end = to - (all - 1 - (all - 1) * 9 / 10);
	if (end < r->train_from + TRAIN_LEAST)
		return;
	uint64_t us = (uint64_t)(news->delay_p90_us - r->train_delay_us);
	r->close = us < TRAIN_CLOSE_US;
	if (r->close && r->trains == 1)
		return; /* a longer one goes next */
	uint64_t bps = (end - r->train_from) * r->train_bytes * S_US /
	               max_u64(us, TRAIN_LEAST_US);
	if (r->state != RATE_START && bps * 100 <= r->bw_bps * PERCENT_MORE)
		return;
	if (r->state != RATE_START)
		tunnel_rate_enter(r, RATE_START, now_us);
	r->promised_bps = bps;
}

/* States ---------------------------------------------------------------- */

static void take_rate(struct tunnel_rate *r, const struct seen *seen, uint64_t now_us)
{
	uint64_t slot_us = max_u64(BEST_WINDOWS * window_us(r), BEST_MIN_US) /
	                   (RATE_SLOTS - 1), bps = seen->proved_bps;

	run_clock(r, now_us);
	r->rx_bps = seen->rx_bps ? seen->rx_bps : r->rx_bps;
	if (!bps || (bps < r->bw_bps && (seen->limited || sends_less(r))))
		return;
	uint64_t best_bps = (uint64_t)window_most(&r->best, r->clock_us, slot_us,
	                                          (int64_t)bps);
	/* Until a queue stands, what was guessed may be right. */
	if (best_bps > r->bw_bps || r->state != RATE_START)
		r->bw_bps = max_u64(best_bps, RATE_MIN_BPS);
	if (now_us < r->policed_until_us)
		r->bw_bps = min_u64(r->bw_bps, r->policed_bps);
}

static void cut_to(struct tunnel_rate *r, uint64_t bps)
{
	window_clear(&r->best, r->clock_us, 0);
	r->best.values[r->best.at] = (int64_t)bps;
	r->bw_bps = max_u64(bps, RATE_MIN_BPS);
}

/* Much is lost and no queue stands: the rate goes down to what comes through.
 * What is still lost then is not lost to a policer. */
static void police(struct tunnel_rate *r, const struct seen *seen, uint64_t now_us)
{
	uint64_t loss = seen->packets ? seen->lost * 100 / seen->packets : 0;

	if (loss < POLICED_LOSS || seen->limited || !seen->rx_bps ||
	    r->queue_us >= queue_low_us(r) || now_us < r->excused_until_us)
		return;
	if (now_us < r->policed_until_us) {
		bool settled = now_us + POLICED_US - r->policed_until_us >
		               2 * (window_us(r) + r->srtt_us);
		if (settled && loss * 2 >= r->policed_loss) {
			r->policed_until_us = 0;
			r->excused_until_us = now_us + EXCUSED_US;
			tunnel_rate_enter(r, RATE_RESTART, now_us);
		}
		return;
	}
	r->policed_until_us = now_us + POLICED_US;
	r->policed_bps = seen->rx_bps;
	r->policed_loss = loss;
	cut_to(r, seen->rx_bps);
	tunnel_rate_enter(r, RATE_CRUISE, now_us);
}

/* A window has passed in which it could have grown. */
static void step_start(struct tunnel_rate *r, bool over, bool limited, uint64_t now_us)
{
	if (over) {
		/* What it got says nothing where there was no more to send. */
		if (!limited && r->rx_bps)
			cut_to(r, r->rx_bps);
		r->deceived += r->bw_bps * 100 < r->promised_bps * PERCENT_FELL;
		tunnel_rate_enter(r, RATE_DRAIN, now_us);
		return;
	}
	if (r->state == RATE_START && r->promised_bps && !r->close &&
	    r->bw_bps * 100 >= r->promised_bps * PERCENT_PROMISED) {
		tunnel_rate_enter(r, RATE_UP, now_us);
		return;
	}
	if (now_us - r->checked_us < window_us(r))
		return;
	if (r->bw_bps * 100 >= r->checked_bps * GROWTH_START)
		r->flat = 0;
	else if (!limited)
		r->flat++;
	r->checked_us = now_us;
	r->checked_bps = r->bw_bps;
	if (r->flat >= FLAT_MAX)
		tunnel_rate_enter(r, RATE_DRAIN, now_us);
}

static void step_up(struct tunnel_rate *r, bool over, uint64_t now_us)
{
	if (!over && now_us - r->entered_us < window_us(r) + r->min_rtt_us)
		return;
	bool grew = r->bw_bps * 100 > r->checked_bps * GROWTH_UP;
	if (over || !grew) {
		r->ups = 0;
		tunnel_rate_enter(r, RATE_DOWN, now_us);
	} else if (++r->ups >= UPS_MAX) {
		r->ups = 0;
		tunnel_rate_enter(r, RATE_RESTART, now_us);
	} else {
		tunnel_rate_enter(r, RATE_UP, now_us);
	}
}

static void step(struct tunnel_rate *r, bool over, bool limited, uint64_t now_us)
{
	uint64_t in_us = now_us - r->entered_us;

	switch (r->state) {
	case RATE_START:
	case RATE_RESTART:
		step_start(r, over, limited, now_us);
		break;
	case RATE_DRAIN:
		if (r->queue_us < queue_low_us(r) || in_us >= DRAIN_MAX_US)
			tunnel_rate_enter(r, RATE_CRUISE, now_us);
		break;
	case RATE_CRUISE:
		if (in_us >= CRUISE_WINDOWS * window_us(r) &&
		    now_us >= r->policed_until_us)
			tunnel_rate_enter(r, RATE_UP, now_us);
		break;
	case RATE_UP:
		step_up(r, over, now_us);
		break;
	case RATE_DOWN:
		if (r->queue_us < queue_low_us(r) ||
		    in_us >= window_us(r) + r->min_rtt_us)
			tunnel_rate_enter(r, RATE_CRUISE, now_us);
		break;
	}
}

/* It must be sustained, but not where much less is delivered than was: then each
 * packet more stands in the queue for long. */
static bool must_cut(struct tunnel_rate *r, bool over, const struct seen *seen,
                     uint64_t now_us)
{
	bool fell = over && !seen->limited && seen->rx_bps &&
	            seen->rx_bps * 100 < r->bw_bps * PERCENT_FELL;

	r->fallen = fell ? r->fallen + 1 : 0;
	if (!over)
		r->over_since_us = 0;
	else if (!r->over_since_us)
		r->over_since_us = now_us;
	if (r->state == RATE_START || r->state == RATE_RESTART || !seen->rx_bps)
		return false;
	if (r->fallen >= FALLEN_REPORTS)
		return true;
	return over && !sends_less(r) && !seen->limited &&
	       now_us - r->over_since_us >= window_us(r) * 3 / 2 &&
	       now_us - r->cut_us >= window_us(r);
}

static void cut(struct tunnel_rate *r, uint64_t now_us)
{
	r->cut_us = now_us;
	r->fallen = 0;
	cut_to(r, r->rx_bps);
	tunnel_rate_enter(r, RATE_DRAIN, now_us);
}

static void take_delay(struct tunnel_rate *r, const struct rate_news *news,
                       int64_t least_us, uint64_t now_us)
{
	int64_t spread_us = news->delay_p90_us - news->delay_min_us;

	r->base_us = window_least(&r->delay_low, now_us, news->delay_min_us);
	r->delay_us = least_us;
	r->queue_us = (uint64_t)(least_us - r->base_us);
	if (r->state != RATE_CRUISE)
		return;
	spread_us = (int64_t)r->jitter_us + (spread_us - (int64_t)r->jitter_us) /
	            JITTER_SHARE;
	r->jitter_us = min_u64((uint64_t)(spread_us > 0 ? spread_us : 0), JITTER_MAX_US);
}

/* One of the two clocks jumped: no time of before means anything. Nor does what is told at
 * first, as it is of packets of before, too. */
static void forget_clocks(struct tunnel_rate *r, bool told, int64_t jump_us, uint64_t now_us)
{
	if (told && (jump_us > JUMP_US || jump_us < -JUMP_US))
		r->jumps_until_us = now_us + max_u64(JUMP_TOLD_US, 2 * r->srtt_us);
	if (now_us >= r->jumps_until_us)
		return;
	r->report_end = 0;
	r->over_since_us = 0;
	window_clear(&r->delay_low, now_us, INT64_MAX);
}

void tunnel_rate_heard(struct tunnel_rate *r, const struct rate_news *news,
                       uint64_t now_us)
{
	if (news->largest > r->sent_counter || news->largest < r->heard_counter ||
	    r->mark_end == r->mark_first)
		return;
	uint64_t sent_us = pass(r, news->largest);
	uint64_t before = r->heard_counter;
	bool fresh = news->largest > before, told = r->told_us != 0;
	int64_t jump_us = (int64_t)(news->told_us - r->told_us - (now_us - r->heard_us));
	r->heard_us = now_us;
	r->told_us = news->told_us;
	r->heard_counter = news->largest;
	if (!fresh)
		return;
	forget_clocks(r, told, jump_us, now_us);
	uint64_t away_us = now_us - sent_us, held_us = news->hold_us + news->waited_us;
	take_rtt(r, max_u64(away_us > held_us ? away_us - held_us : 0, 1), now_us);
	put_report(r, news, sent_us);
	struct seen seen = look(r);
	take_delay(r, news, seen.delay_us, now_us);
	if (!seen.limited)
		r->filled_whole_us = now_us;
	hear_train(r, news, before, now_us);
	judge_loss(r, news);
	take_rate(r, &seen, now_us);
	bool over = r->queue_us > queue_high_us(r) || news->congested;
	police(r, &seen, now_us);
	if (must_cut(r, over, &seen, now_us))
		cut(r, now_us);
	step(r, over, seen.limited, now_us);
}
