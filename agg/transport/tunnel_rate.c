/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see tunnel_rate.h. Pure: it owns nothing but its struct. Here is what leaves
 * and when, tunnel_hear.c is what feedback changes.
 */
#include "agg/transport/tunnel_rate_impl.h"

#include <string.h>

#define CAP_SLACK_US (10 * MS_US)
#define FIRST_US (20 * MS_US)        /* of the first rate: the first flight */
#define CAP_PACKETS 4u
#define PERCENT_START 200u
#define PERCENT_RESTART 150u
#define PERCENT_DRAIN 50u
#define PERCENT_UP 125u
#define PERCENT_DOWN 75u
#define TICK_MIN_US MS_US
#define LATE_MAX_US (20 * MS_US)
#define SUSPECT_MIN_US (125 * MS_US)
#define SUSPECT_FIRST_US S_US        /* before a round trip is known */
#define SHARE_LEAST_PART 10u         /* of what a path carries */
#define TRAIN_SHORT 10u              /* packets: as TCP begins (RFC 6928), */
#define TRAIN_LONG 40u
#define TRAIN_AGAIN_US (60 * S_US)   /* also where it was never filled for so long, */
#define TRAIN_DOUBLINGS 4u           /* to 16 minutes, where trains deceive */
#define MARK_US 250u
#define MARKS_A_TRIP 256u

uint64_t tunnel_rate_feedback_us(uint64_t srtt_us)
{
	return min_u64(max_u64(srtt_us / 4, RATE_FEEDBACK_MIN_US),
	               RATE_FEEDBACK_MAX_US);
}

static unsigned pace_percent(enum rate_state state)
{
	switch (state) {
	case RATE_START: return PERCENT_START;
	case RATE_RESTART: return PERCENT_RESTART;
	case RATE_DRAIN: return PERCENT_DRAIN;
	case RATE_CRUISE: return 100;
	case RATE_UP: return PERCENT_UP;
	case RATE_DOWN: return PERCENT_DOWN;
	}
	return 100;
}

uint64_t tunnel_rate_pace(const struct tunnel_rate *r)
{
	uint64_t bps = r->bw_bps * pace_percent(r->state) / 100;

	if (r->state == RATE_START)
		bps = max_u64(bps, r->promised_bps);
	return max_u64(max_u64(bps, r->share_bps), RATE_MIN_BPS);
}

static uint64_t cap_bytes(const struct tunnel_rate *r)
{
	uint64_t gap_us = min_u64(r->gap_us + 2 * r->gap_var_us, GAP_MAX_US);
	uint64_t us = r->min_rtt_us +
	              max_u64(gap_us, tunnel_rate_feedback_us(r->srtt_us)) +
	              r->jitter_us + max_u64(CAP_SLACK_US, r->min_rtt_us / 10);
	unsigned percent = r->state == RATE_START || r->state == RATE_RESTART ?
		pace_percent(r->state) : 100;

	if (!r->srtt_us) /* the first flight */
		us = FIRST_US;
	uint64_t own = r->bw_bps * us / S_US * percent / 100;
	if (r->state == RATE_START)
		own = max_u64(own, r->promised_bps * us / S_US);
	uint64_t share = r->share_bps * (us - r->min_rtt_us + r->srtt_us) / S_US;
	return max_u64(own, share) + CAP_PACKETS * RATE_PACKET_BYTES;
}

/* Life ------------------------------------------------------------------ */

void tunnel_rate_enter(struct tunnel_rate *r, enum rate_state state, uint64_t now_us)
{
	r->state = state;
	if (state != RATE_START)
		r->promised_bps = 0;
	r->entered_us = r->checked_us = now_us;
	r->checked_bps = r->bw_bps;
	r->flat = 0;
	if (r->over_since_us)
		r->over_since_us = now_us;
}

void tunnel_rate_init(struct tunnel_rate *r, uint64_t now_us)
{
	memset(r, 0, sizeof(*r));
	r->bw_bps = RATE_FIRST_BPS;
	r->filled_us = r->clocked_us = r->heard_us = now_us;
	tunnel_hear_forget(r, now_us);
	tunnel_rate_enter(r, RATE_START, now_us);
}

void tunnel_rate_restart(struct tunnel_rate *r, bool other, uint64_t now_us)
{
	bool untried = other || r->state == RATE_START;

	r->bw_bps = max_u64(other ? r->bw_bps / 2 : r->bw_bps, RATE_FIRST_BPS);
	r->lost = r->judged = 0;
	r->policed_until_us = r->excused_until_us = 0;
	if (untried)
		r->trains = 0;
	r->promised_bps = 0;
	tunnel_hear_forget(r, now_us);
	r->heard_us = now_us;
	tunnel_rate_enter(r, untried ? RATE_START : RATE_RESTART, now_us);
}

/* Step by step: what they take falls by what is sent here. */
void tunnel_rate_share(struct tunnel_rate *r, const struct path_load *load,
                       uint64_t own_bps, uint64_t fair_bps)
{
	uint64_t most_bps = load->taken_bps + own_bps;

	if (!load->taken_bps) {
		r->share_bps = 0;
		return;
	}
	most_bps -= most_bps / SHARE_LEAST_PART;
	uint64_t least_bps = load->taken_bps / min_u64(load->streams, SHARE_LEAST_PART);
	uint64_t bps = max_u64(min_u64(fair_bps, most_bps), least_bps);
	r->share_bps = (7 * r->share_bps + bps) / 8;
}

/* A quarter of it, as START goes at the double and doubles: so where it has become less
 * since, no more than half a flight of what it was is out before the queue is heard of. */
void tunnel_rate_hint(struct tunnel_rate *r, uint64_t bps)
{
	if (r->state == RATE_START && !tunnel_rate_in_flight(r) && bps / 4 > r->bw_bps)
		r->bw_bps = bps / 4;
}

/* Trains ---------------------------------------------------------------- */

unsigned tunnel_rate_train(const struct tunnel_rate *r, bool wanted, uint64_t now_us)
{
	unsigned doublings = r->deceived < TRAIN_DOUBLINGS ? r->deceived : TRAIN_DOUBLINGS;
	uint64_t again_us = TRAIN_AGAIN_US << doublings;

	if (r->trains == 1 && r->close && r->heard_counter >= r->train_last)
		return TRAIN_LONG;
	if (!wanted)
		return 0;
	if (r->state == RATE_START && !r->trains)
		return TRAIN_SHORT;
	if (now_us - max_u64(r->train_us, r->filled_whole_us) > again_us)
		return TRAIN_SHORT;
	return 0;
}

void tunnel_rate_trained(struct tunnel_rate *r, uint64_t first, uint64_t last,
                         uint32_t bytes, uint64_t now_us)
{
	uint64_t count = last - first + 1;

	r->trains = count > TRAIN_SHORT ? 2 : 1;
	r->train_us = now_us;
	r->train_first = first;
	r->train_last = last;
	r->train_bytes = bytes;
	r->train_from = 0;
	r->close = false;
	/* It is beside what the rate allows, which is not known yet. */
	r->tokens += (int64_t)(count * bytes * S_US);
	r->passed_bytes += count * bytes;
}

/* Sending --------------------------------------------------------------- */

static uint64_t tick_us(uint64_t pace_bps)
{
	return max_u64(TICK_MIN_US, 2 * RATE_PACKET_BYTES * S_US / pace_bps);
}

/* One cut to the tick's bytes would pin the rate at whole packets a tick. A turn that is
 * late, as others have the processor, sends what was due meanwhile: else the rate would
 * follow the processor's share down, and come to a tenth of the path's. */
static void fill(struct tunnel_rate *r, uint64_t now_us)
{
	uint64_t pace_bps = tunnel_rate_pace(r), us = now_us - r->filled_us;
	bool was_idle = r->idle_us >= r->filled_us;
	uint64_t depth_us = tick_us(pace_bps) + (was_idle ? 0 : min_u64(us, LATE_MAX_US));
	int64_t most = (int64_t)(pace_bps * depth_us + 2 * RATE_PACKET_BYTES * S_US);

	if (!us)
		return;
	r->tokens += (int64_t)(pace_bps * min_u64(us, S_US));
	r->filled_us = now_us;
	if (r->tokens > most)
		r->tokens = most;
}

static bool awaits(const struct tunnel_rate *r)
{
	return r->asked_counter > r->heard_counter;
}

uint64_t tunnel_rate_in_flight(const struct tunnel_rate *r)
{
	if (!awaits(r))
		return 0;
	return r->sent_bytes - r->passed_bytes;
}

uint64_t tunnel_rate_room(struct tunnel_rate *r, uint64_t now_us)
{
	uint64_t cap = cap_bytes(r), out = tunnel_rate_in_flight(r);

	fill(r, now_us);
	if (r->tokens < (int64_t)(RATE_PACKET_BYTES * S_US) || out >= cap)
		return 0;
	return min_u64((uint64_t)r->tokens / S_US, max_u64(cap - out, RATE_PACKET_BYTES));
}

uint64_t tunnel_rate_next_us(const struct tunnel_rate *r, uint64_t now_us)
{
	uint64_t pace_bps = tunnel_rate_pace(r);
	int64_t lack = (int64_t)(RATE_PACKET_BYTES * S_US) - r->tokens;

	if (tunnel_rate_in_flight(r) >= cap_bytes(r))
		return UINT64_MAX;
	if (lack <= 0)
		return now_us;
	/* With a tick's bytes at once. */
	uint64_t at_us = r->filled_us + ((uint64_t)lack + pace_bps - 1) / pace_bps;
	return max_u64(at_us, now_us + TICK_MIN_US);
}

void tunnel_rate_sent(struct tunnel_rate *r, uint64_t counter, uint32_t bytes,
                      bool asks, uint64_t now_us)
{
	uint64_t apart_us = max_u64(MARK_US, r->srtt_us / MARKS_A_TRIP);
	uint32_t last = (r->mark_end - 1) % RATE_MARKS;

	if (asks && !awaits(r)) {
		r->out_since_us = now_us;
		r->passed_bytes = r->sent_bytes;
	}
	if (r->mark_end == r->mark_first ||
	    now_us - r->marks[last].at_us >= apart_us) {
		last = r->mark_end++ % RATE_MARKS;
		r->marks[last].counter = counter;
		r->marks[last].at_us = now_us;
		r->marks[last].bytes = r->sent_bytes;
		if (r->mark_end - r->mark_first > RATE_MARKS)
			r->mark_first++;
	}
	r->sent_counter = counter;
	if (asks)
		r->asked_counter = counter;
	r->sent_bytes += bytes;
	r->tokens -= (int64_t)(bytes * S_US);
}

void tunnel_rate_idle(struct tunnel_rate *r, uint64_t now_us)
{
	r->idle_us = now_us;
}

uint64_t tunnel_rate_suspect_us(const struct tunnel_rate *r)
{
	uint64_t us = max_u64(SUSPECT_MIN_US, 2 * r->srtt_us + 4 * r->rttvar_us);

	if (!awaits(r))
		return UINT64_MAX;
	if (!r->srtt_us)
		us = SUSPECT_FIRST_US;
	return max_u64(r->heard_us, r->out_since_us) + us;
}
