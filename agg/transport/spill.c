/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see spill.h.
 */
#include "agg/transport/spill.h"

#include "agg/transport/feedback.h"
#include "scheduler/scheduler.h"

#include <math.h>

#define S_US UINT64_C(1000000)
#define MS_US UINT64_C(1000)
#define MSS 1400u
#define SLICE_US (50 * MS_US)        /* of a flow's rate on a path */
#define TURN_MIN_US (3 * MS_US)      /* another order: by so much, for so long */
#define TURN_AFTER_US (100 * MS_US)
#define STAY_US (5 * MS_US)          /* a small flow stays for that and a fifth */
#define CARRIER_SHARE 64u            /* less than that of its rate is the past */
#define LONG_BYTES 1000000u          /* of what a long flow is placed for */
#define LONG_REST_US S_US            /* then it is placed anew */
#define MOVE_AGAIN_US S_US           /* it stays so long where it went, */
#define LEAVES_MAX_US (2 * S_US)     /* and waits so long, so that its order is kept */
#define HOME_PERCENT 125u            /* another home must be so much faster */
#define SURE_PERCENT 106u            /* or so much, for one of which losses are known */
#define HOME_TRIPS 25u               /* and not of more than so many tenths of its round trip, */
#define FAR_FACTOR 4u                /* unless so much faster than a home that was full */
#define FULL_SECONDS 5u              /* for so long: it will be worth a second start */
#define FULL_PERCENT 80u
#define CALL_BETTER_US (10 * MS_US)  /* or a quarter, for a second: a call moves */
#define CALL_AFTER_US S_US
#define CALL_LOSS_PPM 5000u
#define QUICK_US (5 * MS_US)         /* of a round trip less than the home's, or a third */
#define PROOF_US S_US
#define GAIN_MAX 50                  /* what is lost by more than that of a second stops it */
#define PROOF_SHARE 20u              /* a twentieth at least was spilled */
#define DEAF_FACTOR 4                /* so much more was lost than it would bear, */
#define DEAF_SECONDS 2u              /* so long: it does not mind, */
#define DEAF_KEEPS 0.9               /* as it keeps its rate */
#define CALM_SHARE 0.97              /* of what its home has, and nothing is lost */
#define TRIAL_KEEPS 0.75             /* so much of its rate, in the first second with losses; */
#define TRIALS_MAX 2u                /* after each that failed it waits four times as long */
#define SERVER_US (20 * MS_US)       /* from the tunnel to the sender, and back */
#define QUEUE_US (5 * MS_US)         /* CoDel's target, beside the spread */
#define MEEK_FACTOR 3.0              /* a third of it would be hard to bear */
#define MEEK_SHARE 0.7               /* of what its home has */
#define MEEK_SECONDS 2u
#define DEAF_DROPS 10u
#define DEAF_PACKETS 50u
#define STOP_US (30 * S_US)
#define STOP_DOUBLINGS 4u            /* to 8 minutes */
#define FILLS_US (100 * MS_US)       /* later, by as good as that, comes what fills a path */
#define FILLS_PERCENT 80u            /* of what its home has, or what another one has: */
#define REFILLS_PERCENT 50u          /* so it does not go to and fro */
#define THIN_BYTES 300u              /* of packets that are mostly acknowledgements: */
#define THIN_SHARE 16u               /* their mean, over so many */
#define OVERTAKEN_PART 16            /* of them one in so many may be overtaken */
#define WORN_BYTES 80u               /* by a packet on the wire */

static uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* Paths ----------------------------------------------------------------- */

static uint64_t send_us(const struct spill_path *p, uint64_t bytes)
{
	return bytes * S_US / max_u64(p->rate_bps, 1);
}

/* Against the first that is known; of one that is not, half of the round trip says. */
static void compare_delays(struct spill_paths *ps)
{
	const struct spill_path *first = NULL;
	int64_t least_us = INT64_MAX;
	uint64_t least_rtt_us = UINT64_MAX;

	for (unsigned i = 0; !first && i < SPILL_PATHS; i++)
		if (ps->path[i].usable && ps->path[i].known)
			first = &ps->path[i];
	for (unsigned i = 0; i < SPILL_PATHS; i++) {
		struct spill_path *p = &ps->path[i];
		int64_t half_us = (int64_t)(p->rtt_us / 2);
		if (!p->usable)
			continue;
		p->later_us = !first ? half_us : p->known ?
			feedback_longer_us(p->delay_us, first->delay_us) :
			half_us - (int64_t)(first->rtt_us / 2);
		p->later_us += (int64_t)send_us(p, MSS);
		if (p->later_us < least_us)
			least_us = p->later_us;
		least_rtt_us = min_u64(least_rtt_us, p->rtt_us);
	}
	for (unsigned i = 0; i < SPILL_PATHS; i++) {
		struct spill_path *p = &ps->path[i];
		if (!p->usable)
			continue;
		p->later_us -= least_us;
		p->trip_us = (p->rtt_us + least_rtt_us) / 2;
	}
}

static unsigned sort(const struct spill_paths *ps, uint8_t order[SPILL_PATHS])
{
	unsigned count = 0;

	for (unsigned i = 0; i < SPILL_PATHS; i++) {
		unsigned at = count;
		if (!ps->path[i].usable)
			continue;
		for (; at && ps->path[i].later_us < ps->path[order[at - 1]].later_us; at--)
			order[at] = order[at - 1];
		order[at] = (uint8_t)i;
		count++;
	}
	return count;
}

/* Jitter does not turn it round. */
static void set_order(struct spill_paths *ps, uint64_t now_us)
{
	uint8_t order[SPILL_PATHS];
	unsigned count = sort(ps, order);
	bool same = count == ps->count, clear = false, gone = false;

	for (unsigned i = 0; same && i < count; i++) {
		gone |= !ps->path[ps->order[i]].usable;
		same &= order[i] == ps->order[i];
	}
	for (unsigned i = 0; i + 1 < ps->count; i++)
		clear |= ps->path[ps->order[i]].later_us >
		         ps->path[ps->order[i + 1]].later_us + (int64_t)TURN_MIN_US;
	if (count == ps->count && !gone && (same || !clear)) {
		ps->turned_us = 0;
		return;
	}
	if (!ps->turned_us)
		ps->turned_us = now_us;
	if (count == ps->count && !gone && now_us - ps->turned_us < TURN_AFTER_US)
		return;
	ps->turned_us = 0;
	ps->count = count;
	for (unsigned i = 0; i < count; i++)
		ps->order[i] = order[i];
}

void spill_begin(struct spill_paths *ps, uint64_t now_us)
{
	uint64_t us = now_us - ps->slice_us;

	compare_delays(ps);
	set_order(ps, now_us);
	if (us < 2 * SLICE_US)
		return;
	ps->slice_us = now_us;
	ps->serial++;
	for (unsigned i = 0; i < SPILL_PATHS; i++) {
		/* Between two turns that are further apart nothing went. */
		ps->path[i].busy = us < 4 * SLICE_US ? ps->path[i].busy_now : 0;
		ps->path[i].busy_now = 0;
	}
}

static uint8_t least_cost(const struct spill_paths *ps)
{
	uint8_t least = UINT8_MAX;

	for (unsigned i = 0; i < ps->count; i++)
		if (ps->path[ps->order[i]].cost < least)
			least = ps->path[ps->order[i]].cost;
	return least;
}

/* Where no cheaper one is: backup paths only when all others are gone. */
static bool is_offered(const struct spill_paths *ps, unsigned path)
{
	return ps->path[path].usable && ps->path[path].cost == least_cost(ps);
}

/* Metered, it takes what is more than the normal ones can, and nothing else. */
static bool is_overflow(const struct spill_paths *ps, unsigned path)
{
	return ps->path[path].usable && ps->path[path].cost == SCHED_CLASS_METERED &&
	       least_cost(ps) == SCHED_CLASS_NORMAL;
}

/* A flow's rates ---------------------------------------------------------- */

static void roll(struct spill_flow *f, uint64_t now_us)
{
	uint64_t us = now_us - f->slice_us;

	if (us < SLICE_US)
		return;
	for (unsigned i = 0; i < SPILL_PATHS; i++) {
		uint64_t bps = min_u64(f->slice_bytes[i] * S_US / us, UINT32_MAX);
		f->rate_bps[i] = us >= 4 * SLICE_US ? (uint32_t)bps :
			(uint32_t)((f->rate_bps[i] + bps) / 2);
		f->slice_bytes[i] = 0;
	}
	f->slice_us = now_us;
}

/* It is one of those that are busy there. */
static bool is_counted(const struct spill_paths *ps, const struct spill_flow *f,
                       unsigned path)
{
	return f->serial[path] && (uint16_t)(ps->serial - f->serial[path]) <= 1;
}

/* What the flow would have of the path, were it alone there with its like. */
static uint64_t share_bps(const struct spill_paths *ps, const struct spill_flow *f,
                          unsigned path)
{
	const struct spill_path *p = &ps->path[path];
	unsigned others = p->busy - (is_counted(ps, f, path) && p->busy);

	return p->rate_bps / (1 + others);
}

/* So far that a sender which goes by its least round trip (BBR) has to find out anew, when
 * it is moved there. */
static bool is_farther(const struct spill_path *to, const struct spill_path *from)
{
	return to->trip_us * 10 > HOME_TRIPS * from->trip_us;
}

static bool is_far(const struct spill_paths *ps, const struct spill_path *p)
{
	for (unsigned i = 0; i < ps->count; i++)
		if (is_offered(ps, ps->order[i]) && is_farther(p, &ps->path[ps->order[i]]))
			return true;
	return false;
}

/* What a flow that minds losses comes to there, at most. Who is unknown may mind or not: in
 * between, so that neither loses much by it, unless he could not go there later. */
static uint64_t bound_by_loss(const struct spill_paths *ps, const struct spill_flow *f,
                              unsigned path, uint64_t bps)
{
	const struct spill_path *p = &ps->path[path];

	if (!p->loss_ppm || f->tolerant || (!f->minds && is_far(ps, p)))
		return bps;
	double window = sqrt(1.5e6 / p->loss_ppm);
	double most = window * MSS * 1e6 / (double)max_u64(p->trip_us, MS_US);
	if (most >= (double)bps)
		return bps;
	return (uint64_t)(f->minds ? most : sqrt(most * (double)bps));
}

static uint64_t hoped_bps(const struct spill_paths *ps, const struct spill_flow *f,
                          unsigned path)
{
	return bound_by_loss(ps, f, path, share_bps(ps, f, path));
}

void spill_took(struct spill_paths *ps, struct spill_flow *f, unsigned path,
                uint32_t bytes, bool bulk, uint64_t now_us)
{
	roll(f, now_us);
	f->len_sum = f->len_sum ? f->len_sum - f->len_sum / THIN_SHARE + bytes :
		bytes * THIN_SHARE;
	f->slice_bytes[path] += bytes;
	f->took_us = now_us;
	if (bulk && f->serial[path] != (uint16_t)ps->serial) {
		f->serial[path] = (uint16_t)ps->serial;
		ps->path[path].busy_now++;
	}
	f->proof_bytes += bytes;
	if (f->home != path + 1)
		f->spilled_bytes += bytes;
}

uint8_t spill_carriers(const struct spill_flow *f)
{
	uint64_t all_bps = 0;
	uint8_t paths = 0;

	for (unsigned i = 0; i < SPILL_PATHS; i++)
		all_bps += f->rate_bps[i];
	for (unsigned i = 0; i < SPILL_PATHS; i++)
		if (f->slice_bytes[i] || f->rate_bps[i] > all_bps / CARRIER_SHARE)
			paths |= (uint8_t)(1u << i);
	return paths;
}

/* Homes ------------------------------------------------------------------- */

/* It says what came of another flow, which waits for that. */
static bool is_thin(const struct spill_flow *f)
{
	return f->len_sum && f->len_sum < THIN_BYTES * THIN_SHARE;
}

/* Small as it is, it is too much for that one, or would soon be again. */
static bool fills(const struct spill_paths *ps, const struct spill_flow *f, unsigned path)
{
	uint64_t bps = 0;

	for (unsigned i = 0; i < SPILL_PATHS; i++)
		bps += f->rate_bps[i];
	bps += bps * WORN_BYTES * THIN_SHARE / max_u64(f->len_sum, 1);
	unsigned percent = path + 1u == f->home ? FILLS_PERCENT : REFILLS_PERCENT;
	return !ps->path[path].untried && bps * 100 > share_bps(ps, f, path) * percent;
}

static uint64_t may_have_bps(const struct spill_path *p)
{
	return p->untried ? max_u64(p->rate_bps, p->promised_bps) : p->rate_bps;
}

/* For the packet that comes next, or for a long flow's first LONG_BYTES. */
static uint64_t arrival_us(const struct spill_paths *ps, const struct spill_flow *f,
                           unsigned path, const struct spill_ask *ask)
{
	const struct spill_path *p = &ps->path[path];
	uint64_t us = (uint64_t)p->later_us + p->wait_us;
	uint64_t bps = share_bps(ps, f, path);

	if (!ask->is_long || is_thin(f))
		return us + (fills(ps, f, path) ? FILLS_US : 0);
	/* What was not tried may be as good as the best, or never would be. */
	for (unsigned i = 0; p->untried && i < ps->count; i++)
		bps = max_u64(bps, may_have_bps(&ps->path[ps->order[i]]));
	return us + LONG_BYTES * S_US / max_u64(bound_by_loss(ps, f, path, bps), 1);
}

static unsigned first_home(const struct spill_paths *ps, const struct spill_flow *f,
                           const struct spill_ask *ask)
{
	unsigned best = ps->order[0];

	for (unsigned i = 0; i < ps->count; i++) {
		unsigned path = ps->order[i];
		if (is_offered(ps, path) && (!is_offered(ps, best) ||
		    arrival_us(ps, f, path, ask) < arrival_us(ps, f, best, ask)))
			best = path;
	}
	return best;
}

static bool may_stay(const struct spill_paths *ps, const struct spill_flow *f)
{
	return f->home && is_offered(ps, f->home - 1u);
}

/* Nothing of it is under way that would be overtaken. */
static bool has_gap(const struct spill_paths *ps, const struct spill_flow *f,
                    unsigned to, uint64_t now_us)
{
	int64_t ahead_us = ps->path[f->home - 1].later_us - ps->path[to].later_us;

	return (int64_t)(now_us - f->took_us) > ahead_us;
}

/* Answers have no gap, and are awaited: they move all the same, but so seldom that few of
 * them are overtaken. */
static bool may_overtake(const struct spill_paths *ps, const struct spill_flow *f,
                         unsigned to, const struct spill_ask *ask)
{
	int64_t ahead_us = ps->path[f->home - 1].later_us - ps->path[to].later_us;

	return ask->is_long && is_thin(f) &&
	       (int64_t)(ask->now_us - f->moved_us) > ahead_us * OVERTAKEN_PART;
}

static void place_small(const struct spill_paths *ps, struct spill_flow *f,
                        const struct spill_ask *ask)
{
	unsigned best = first_home(ps, f, ask);

	/* A long one is under way: what it gets, or would get, says more (place_bulk). */
	if (may_stay(ps, f) && ask->is_long && !is_thin(f) &&
	    ask->now_us - f->took_us < LONG_REST_US)
		return;
	if (may_stay(ps, f)) {
		const struct spill_path *home = &ps->path[f->home - 1];
		uint64_t slack_us = max_u64(STAY_US, home->rtt_us / 2 / 5);
		if (arrival_us(ps, f, f->home - 1u, ask) <=
		    arrival_us(ps, f, best, ask) + slack_us ||
		    (!has_gap(ps, f, best, ask->now_us) && !may_overtake(ps, f, best, ask)))
			return;
	}
	if (f->home && f->home != best + 1)
		f->moved_us = ask->now_us;
	f->home = (uint8_t)(best + 1);
}

/* The quickest beside its home; -1: there is none. */
static int other_home(const struct spill_paths *ps, const struct spill_flow *f)
{
	for (unsigned i = 0; i < ps->count; i++)
		if (ps->order[i] + 1u != f->home && is_offered(ps, ps->order[i]))
			return ps->order[i];
	return -1;
}

static void place_call(const struct spill_paths *ps, struct spill_flow *f,
                       const struct spill_ask *ask)
{
	if (!may_stay(ps, f)) {
		f->home = (uint8_t)(first_home(ps, f, ask) + 1);
		return;
	}
	int other = other_home(ps, f);
	if (other < 0)
		return;
	const struct spill_path *home = &ps->path[f->home - 1], *to = &ps->path[other];
	bool loses = home->loss_ppm > CALL_LOSS_PPM && to->loss_ppm < home->loss_ppm / 2;
	uint64_t by_us = max_u64(CALL_BETTER_US, home->rtt_us / 2 / 4);
	bool better = home->later_us > to->later_us + (int64_t)by_us;
	if (!better)
		f->better_us = 0;
	else if (!f->better_us)
		f->better_us = ask->now_us;
	if (loses || (better && ask->now_us - f->better_us >= CALL_AFTER_US)) {
		f->home = (uint8_t)(other + 1);
		f->better_us = 0;
	}
}

/* Losses ------------------------------------------------------------------ */

static double bearable(double bps, uint64_t trip_us)
{
	double window = bps * (double)max_u64(trip_us, MS_US) / 1e6 / MSS;

	return window > 1 ? 1.5 / (window * window) : 1.5;
}

/* Of a path's losses it sees the path's share. */
static bool bears_loss(const struct spill_paths *ps, const struct spill_flow *f,
                       unsigned path)
{
	const struct spill_path *p = &ps->path[path];
	uint64_t all_bps = 0, trip_us = ps->path[f->home - 1].trip_us;

	if (!p->loss_ppm || f->tolerant)
		return true;
	for (unsigned i = 0; i < ps->count; i++)
		all_bps += share_bps(ps, f, ps->order[i]);
	double share = (double)share_bps(ps, f, path) / (double)max_u64(all_bps, 1);
	return p->loss_ppm * 1e-6 * share <=
	       bearable((double)all_bps, max_u64(trip_us, p->trip_us));
}

void spill_dropped(struct spill_flow *f)
{
	f->dropped++;
}

static uint8_t count_up(uint8_t n, bool up)
{
	return (uint8_t)(up ? n + (n < UINT8_MAX) : 0);
}

/* Who goes by losses has one by then, as it sends more and more until its queue is longer
 * than it may be: by CUBIC's cube or by a packet in two round trips (RFC 9438, 4.2, 4.3). */
static bool is_calm(const struct spill_paths *ps, const struct spill_flow *f, double bps)
{
	double trip_s = (double)(ps->path[f->home - 1].trip_us + SERVER_US) / S_US;
	double queue_us = QUEUE_US + spill_spread_us(ps, f) / 0.7;
	double more = bps * queue_us / S_US / MSS + 1;

	double after_s = 1 + fmin(cbrt(more / 0.4), more / 0.53 * trip_s);

	return f->calm > after_s * (1u << 2 * f->trials);
}

/* A receiver's window can make a sender calm, too, which minds losses nonetheless: its
 * first second with them ends at the first sign of that. */
static void watch_trial(struct spill_flow *f)
{
	uint64_t bps = 0;

	for (unsigned i = 0; i < SPILL_PATHS; i++)
		bps += f->rate_bps[i];
	if (!f->trial || (double)bps >= TRIAL_KEEPS * f->before_bps)
		return;
	f->tolerant = f->trial = false;
	f->trials = count_up(f->trials, f->trials < TRIALS_MAX);
}

/* Many more are lost than a sender that minds would have sent into, and it goes on, no
 * slower than before; or it comes to no more than such a one would, with room left. */
static void hear_reaction(const struct spill_paths *ps, struct spill_flow *f, double bps)
{
	const struct spill_path *home = &ps->path[f->home - 1];
	uint32_t packets = f->proof_bytes / MSS;

	if (packets < DEAF_PACKETS || is_thin(f))
		return;
	double lost = home->loss_ppm * 1e-6;
	if (f->dropped >= DEAF_DROPS)
		lost += (double)f->dropped / packets;
	bool deaf = lost > DEAF_FACTOR * bearable(bps, home->trip_us + STAY_US) &&
	            bps > DEAF_KEEPS * f->before_bps;
	bool meek = home->loss_ppm && lost > bearable(bps * MEEK_FACTOR, home->trip_us) &&
	            bps < MEEK_SHARE * (double)share_bps(ps, f, f->home - 1u) && !deaf;
	bool calm = !home->loss_ppm && !f->dropped &&
	            bps > CALM_SHARE * (double)share_bps(ps, f, f->home - 1u);
	f->deaf = count_up(f->deaf, deaf);
	f->meek = count_up(f->meek, meek);
	f->calm = count_up(f->calm, calm);
	f->trial = !f->tolerant && f->deaf < DEAF_SECONDS && is_calm(ps, f, bps);
	f->tolerant = (f->tolerant || f->deaf >= DEAF_SECONDS || f->trial) &&
	              f->meek < MEEK_SECONDS;
	if (f->trial)
		f->calm = 0;
	f->minds = !f->tolerant && (f->minds || f->meek >= MEEK_SECONDS);
}

static bool is_too_far(const struct spill_flow *f, const struct spill_path *home,
                       const struct spill_path *to, uint64_t more)
{
	return is_farther(to, home) && !f->minds &&
	       (f->full < FULL_SECONDS || more < FAR_FACTOR);
}

/* What is under way would arrive before what goes there now, or the peer puts it in order
 * by its numbers, which it does not for long (merge.h): then it waits, but not for ever. */
static bool may_leave(const struct spill_paths *ps, const struct spill_flow *f,
                      unsigned to, uint64_t now_us)
{
	int64_t ahead_us = ps->path[f->home - 1].later_us - ps->path[to].later_us;

	if (has_gap(ps, f, to, now_us))
		return true;
	if (!f->numbered_us || (int64_t)(now_us - f->numbered_us) <= 2 * ahead_us)
		return false;
	return ahead_us <= (int64_t)SPILL_SPREAD_US || now_us - f->leaves_us >= LEAVES_MAX_US;
}

/* Others see it there at once: else all of them would go. */
static void move(struct spill_paths *ps, struct spill_flow *f, unsigned to, uint64_t now_us)
{
	struct spill_path *old = &ps->path[f->home - 1], *new = &ps->path[to];

	if (is_counted(ps, f, f->home - 1u) && old->busy)
		old->busy--;
	if (!is_counted(ps, f, to))
		new->busy++;
	if (f->serial[to] != (uint16_t)ps->serial)
		new->busy_now++;
	f->serial[to] = (uint16_t)ps->serial;
	f->serial[f->home - 1] = 0;
	f->home = (uint8_t)(to + 1);
	f->leaves_us = 0;
	f->moved_us = now_us;
}

/* The one that gives it most; a change must be worth it. */
static void place_bulk(struct spill_paths *ps, struct spill_flow *f,
                       const struct spill_ask *ask, uint64_t now_bps)
{
	if (!may_stay(ps, f))
		f->home = (uint8_t)(first_home(ps, f, ask) + 1);
	unsigned best = f->home - 1u;
	const struct spill_path *home = &ps->path[best];
	uint64_t best_bps = max_u64(hoped_bps(ps, f, best), now_bps);

	if (home->untried)
		best_bps = max_u64(best_bps, home->promised_bps);
	best_bps = best_bps * (f->tolerant || f->minds ? SURE_PERCENT : HOME_PERCENT) / 100;

	for (unsigned i = 0; i < ps->count; i++) {
		unsigned path = ps->order[i];
		const struct spill_path *p = &ps->path[path];
		uint64_t bps = hoped_bps(ps, f, path);
		if (p->untried) /* half of it is enough to see */
			bps = max_u64(bps, bound_by_loss(ps, f, path, p->promised_bps / 2));
		if (!is_offered(ps, path) || bps <= best_bps ||
		    is_too_far(f, home, p, bps / max_u64(home->rate_bps, 1)))
			continue;
		best_bps = bps;
		best = path;
	}
	if (best + 1 == f->home ||
	    (f->moved_us && ask->now_us - f->moved_us < MOVE_AGAIN_US))
		f->leaves_us = 0;
	else if (!f->leaves_us)
		f->leaves_us = ask->now_us;
	if (f->leaves_us && may_leave(ps, f, best, ask->now_us))
		move(ps, f, best, ask->now_us);
}

/* Guards ------------------------------------------------------------------ */

static bool may_spill(const struct spill_paths *ps, const struct spill_flow *f,
                      unsigned path)
{
	const struct spill_path *p = &ps->path[path], *home = &ps->path[f->home - 1];
	int64_t spread_us = p->later_us - home->later_us;
	bool quick = p->trip_us + max_u64(QUICK_US, p->trip_us / 2) < home->trip_us;

	spread_us = spread_us < 0 ? -spread_us : spread_us;
	return (is_offered(ps, path) || is_overflow(ps, path)) && !quick &&
	       spread_us <= (int64_t)SPILL_SPREAD_US && bears_loss(ps, f, path);
}

/* Was it faster than its home alone? */
static void prove(const struct spill_paths *ps, struct spill_flow *f, uint64_t got_bps,
                  uint64_t now_us)
{
	uint64_t alone_bps = max_u64(share_bps(ps, f, f->home - 1), 1);

	if (!f->spills || f->spilled_bytes <= f->proof_bytes / PROOF_SHARE)
		return;
	int64_t gain = f->gain + (int64_t)min_u64(got_bps * 100 / alone_bps, 200) - 100;
	if (gain >= GAIN_MAX)
		f->failures = 0;
	f->gain = (int8_t)(gain >= GAIN_MAX ? GAIN_MAX : gain <= -GAIN_MAX ? 0 : gain);
	if (gain > -GAIN_MAX)
		return;
	f->tolerant = false;
	f->stopped_us = now_us + (STOP_US << f->failures);
	f->failures = (uint8_t)min_u64(f->failures + 1u, STOP_DOUBLINGS);
}

/* A second of it is over: what came of it. */
static void judge(struct spill_paths *ps, struct spill_flow *f,
                  const struct spill_ask *ask)
{
	uint64_t us = ask->now_us - f->proof_us;

	if (us < PROOF_US)
		return;
	uint64_t got_bps = f->proof_bytes * S_US / us;
	f->trial = false;
	if (us < 2 * PROOF_US) {
		f->full = count_up(f->full, got_bps * 100 >=
		                   share_bps(ps, f, f->home - 1u) * FULL_PERCENT);
		hear_reaction(ps, f, (double)got_bps);
		prove(ps, f, got_bps, ask->now_us);
		/* It fills its home not, and elsewhere nothing would be lost. */
		if (f->minds)
			place_bulk(ps, f, ask, got_bps);
	}
	f->before_bps = (uint32_t)min_u64(got_bps, UINT32_MAX);
	f->proof_us = ask->now_us;
	f->proof_bytes = f->spilled_bytes = f->dropped = 0;
}

static void set_paths(const struct spill_paths *ps, struct spill_flow *f,
                      const struct spill_ask *ask)
{
	f->paths = (uint8_t)(1u << (f->home - 1));
	if (ask->kind == SPILL_BULK && ask->now_us >= f->stopped_us)
		for (unsigned i = 0; i < ps->count; i++)
			if (may_spill(ps, f, ps->order[i]))
				f->paths |= (uint8_t)(1u << ps->order[i]);
	bool spills = f->paths & (f->paths - 1);
	f->spills = spills;
}

/* Choice ------------------------------------------------------------------ */

/* How far the faster ones come until the packet is there. */
static uint64_t depth_bytes(const struct spill_paths *ps, const struct spill_flow *f,
                            unsigned path)
{
	const struct spill_path *slow = &ps->path[path];
	uint64_t depth = 0;

	for (unsigned i = 0; i < ps->count && ps->order[i] != path; i++) {
		unsigned fast = ps->order[i];
		const struct spill_path *p = &ps->path[fast];
		int64_t ahead_us = slow->later_us - p->later_us - (int64_t)p->wait_us;
		if (!(f->paths >> fast & 1) || ahead_us <= 0)
			continue;
		uint64_t bps = f->rate_bps[fast] ? f->rate_bps[fast] :
			share_bps(ps, f, fast);
		depth += bps * (uint64_t)ahead_us / S_US;
	}
	return depth;
}

/* Those that are offered, or those that take what is more; from count on. */
static unsigned add_choices(const struct spill_paths *ps, const struct spill_flow *f,
                            const struct spill_ask *ask, bool overflow,
                            struct spill_choice *out, unsigned count)
{
	for (unsigned i = 0; i < ps->count; i++) {
		unsigned path = ps->order[i];
		if (!(f->paths >> path & 1) || is_overflow(ps, path) != overflow)
			continue;
		uint64_t depth = depth_bytes(ps, f, path);
		bool enough = !depth || depth + ask->len <= ask->backlog_bytes;
		if (path + 1u == f->home)
			out[count++] = (struct spill_choice){ (uint8_t)path,
				enough ? depth : 0 };
		else if (enough)
			out[count++] = (struct spill_choice){ (uint8_t)path, depth };
	}
	return count;
}

static unsigned choose_bulk(const struct spill_paths *ps, const struct spill_flow *f,
                            const struct spill_ask *ask, struct spill_choice *out)
{
	unsigned count = add_choices(ps, f, ask, false, out, 0);

	return add_choices(ps, f, ask, true, out, count);
}

/* Its home, then where a copy would be there first. */
static unsigned choose_call(const struct spill_paths *ps, const struct spill_flow *f,
                            struct spill_choice *out)
{
	unsigned count = 1;

	out[0] = (struct spill_choice){ (uint8_t)(f->home - 1), 0 };
	for (unsigned i = 0; i < ps->count && count < 2; i++)
		if (ps->order[i] + 1u != f->home && is_offered(ps, ps->order[i]))
			out[count++] = (struct spill_choice){ ps->order[i], 0 };
	return count;
}

unsigned spill_choose(struct spill_paths *ps, struct spill_flow *f,
                      const struct spill_ask *ask,
                      struct spill_choice out[SPILL_PATHS])
{
	if (!ps->count)
		return 0;
	roll(f, ask->now_us);
	if (ask->kind == SPILL_REALTIME)
		place_call(ps, f, ask);
	else if (ask->kind == SPILL_SMALL || (ask->is_long && is_thin(f)))
		place_small(ps, f, ask);
	else
		place_bulk(ps, f, ask, f->before_bps);
	if (ask->kind != SPILL_REALTIME) {
		judge(ps, f, ask);
		watch_trial(f);
	}
	if (ask->kind == SPILL_SMALL && f->leaves_us)
		place_bulk(ps, f, ask, f->before_bps);
	set_paths(ps, f, ask);
	if (ask->kind == SPILL_REALTIME)
		return choose_call(ps, f, out);
	return choose_bulk(ps, f, ask, out);
}

uint32_t spill_spread_us(const struct spill_paths *ps, const struct spill_flow *f)
{
	int64_t first_us = INT64_MAX, last_us = 0;

	for (unsigned i = 0; i < ps->count; i++) {
		const struct spill_path *p = &ps->path[ps->order[i]];
		if (!(f->paths >> ps->order[i] & 1))
			continue;
		first_us = p->later_us < first_us ? p->later_us : first_us;
		last_us = p->later_us > last_us ? p->later_us : last_us;
	}
	return last_us > first_us ? (uint32_t)(last_us - first_us) : 0;
}
