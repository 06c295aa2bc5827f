/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see spill.h: a flow's home, where it may go beside it, and how deep.
 */
#include "agg/transport/spill_impl.h"

#define LONG_BYTES 1000000u          /* of what a long flow is placed for */
#define LONG_REST_US S_US            /* then it is placed anew */
#define MOVE_AGAIN_US S_US           /* it stays so long where it went, */
#define LEAVES_MAX_US (2 * S_US)     /* and waits so long, so that its order is kept; */
#define LEAVES_LITTLE_US (S_US / 2)  /* where it has little there, so long */
#define HOME_PERCENT 125u            /* another home must be so much faster */
#define SURE_PERCENT 106u            /* or so much, for one of which losses are known */
#define FAR_FACTOR 4u                /* unless so much faster than a home that was full */
#define FULL_SECONDS 5u              /* for so long: it will be worth a second start */
#define CALL_BETTER_US (10 * MS_US)  /* or a quarter, for a second: a call moves */
#define CALL_AFTER_US S_US
#define CALL_LOSS_PPM 5000u
#define RETRY_US S_US                /* who asks for a name, or opens something, waits so long */
#define QUICK_US (5 * MS_US)         /* of a round trip less than the home's, or a third */
#define LITTLE_PART 10u              /* of its home's: not worth its losses, nor its order */
#define FILLS_US (100 * MS_US)       /* later, by as good as that, comes what fills a path */
#define FILLS_PERCENT 80u            /* of what its home has, or what another one has: */
#define REFILLS_PERCENT 50u          /* so it does not go to and fro */
#define OVERTAKEN_PART 16            /* of them one in so many may be overtaken */
#define WORN_BYTES 80u               /* by a packet on the wire */

/* Homes ------------------------------------------------------------------- */

/* Small as it is, it is too much for that one, or would soon be again. */
static bool fills(const struct spill_paths *ps, const struct spill_flow *f, unsigned path)
{
	uint64_t bps = spill_all_bps(f);

	bps += bps * WORN_BYTES * THIN_SHARE / max_u64(f->len_sum, 1);
	unsigned percent = path + 1u == f->home ? FILLS_PERCENT : REFILLS_PERCENT;
	return !ps->path[path].untried && bps * 100 > spill_share_bps(ps, f, path) * percent;
}

static uint64_t may_have_bps(const struct spill_path *p)
{
	return p->untried ? max_u64(p->rate_bps, p->promised_bps) : p->rate_bps;
}

/* What is lost comes when it is asked for again, if it does. Losses of long ago may be over:
 * nobody would find out. */
static uint64_t expected_us(const struct spill_path *p)
{
	return (uint64_t)p->later_us + (p->known ? p->loss_ppm * RETRY_US / S_US : 0);
}

/* For the packet that comes next, or for a long flow's first LONG_BYTES. */
static uint64_t arrival_us(const struct spill_paths *ps, const struct spill_flow *f,
                           unsigned path, const struct spill_ask *ask)
{
	const struct spill_path *p = &ps->path[path];
	uint64_t us = (uint64_t)p->later_us + p->wait_us;
	uint64_t bps = spill_share_bps(ps, f, path);

	if (!ask->is_long)
		us = expected_us(p) + p->wait_us;
	if (!ask->is_long || spill_is_thin(f))
		return us + (fills(ps, f, path) ? FILLS_US : 0);
	/* What was not tried may be as good as the best, or never would be. */
	for (unsigned i = 0; p->untried && i < ps->count; i++)
		bps = max_u64(bps, may_have_bps(&ps->path[ps->order[i]]));
	return us + LONG_BYTES * S_US / max_u64(spill_bound_by_loss(ps, f, path, bps), 1);
}

static unsigned first_home(const struct spill_paths *ps, const struct spill_flow *f,
                           const struct spill_ask *ask)
{
	unsigned best = ps->order[0];

	for (unsigned i = 0; i < ps->count; i++) {
		unsigned path = ps->order[i];
		if (spill_is_offered(ps, path) && (!spill_is_offered(ps, best) ||
		    arrival_us(ps, f, path, ask) < arrival_us(ps, f, best, ask)))
			best = path;
	}
	return best;
}

static bool may_stay(const struct spill_paths *ps, const struct spill_flow *f)
{
	return f->home && spill_is_offered(ps, f->home - 1u);
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

	return ask->is_long && spill_is_thin(f) &&
	       (int64_t)(ask->now_us - f->moved_us) > ahead_us * OVERTAKEN_PART;
}

static void place_small(const struct spill_paths *ps, struct spill_flow *f,
                        const struct spill_ask *ask)
{
	unsigned best = first_home(ps, f, ask);

	/* A long one is under way: what it gets, or would get, says more (place_bulk). */
	if (may_stay(ps, f) && ask->is_long && !spill_is_thin(f) &&
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
		if (ps->order[i] + 1u != f->home && spill_is_offered(ps, ps->order[i]))
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
	uint64_t by_us = max_u64(CALL_BETTER_US, home->rtt_us / 2 / 4);
	bool loses = home->loss_ppm > CALL_LOSS_PPM && to->loss_ppm < home->loss_ppm / 2 &&
	             expected_us(to) <= expected_us(home) + by_us;
	bool better = expected_us(home) > expected_us(to) + by_us;
	if (!better)
		f->better_us = 0;
	else if (!f->better_us)
		f->better_us = ask->now_us;
	if (loses || (better && ask->now_us - f->better_us >= CALL_AFTER_US)) {
		f->home = (uint8_t)(other + 1);
		f->better_us = 0;
	}
}

static uint64_t hoped_bps(const struct spill_paths *ps, const struct spill_flow *f,
                          unsigned path)
{
	return spill_bound_by_loss(ps, f, path, spill_share_bps(ps, f, path));
}

static bool is_too_far(const struct spill_flow *f, const struct spill_path *home,
                       const struct spill_path *to, uint64_t more)
{
	return spill_is_farther(to, home) && !f->minds &&
	       (f->full < FULL_SECONDS || more < FAR_FACTOR);
}

/* What is under way would arrive before what goes there now, or the peer puts it in order
 * by its numbers, which it does not for long (merge.h): then it waits, but not for ever. */
static bool may_leave(const struct spill_paths *ps, const struct spill_flow *f,
                      unsigned to, uint64_t now_us)
{
	int64_t ahead_us = ps->path[f->home - 1].later_us - ps->path[to].later_us;
	uint64_t most_us = f->found == f->home ? LEAVES_LITTLE_US : LEAVES_MAX_US;

	if (has_gap(ps, f, to, now_us))
		return true;
	if (!f->numbered_us || (int64_t)(now_us - f->numbered_us) <= 2 * ahead_us)
		return false;
	return ahead_us <= (int64_t)SPILL_SPREAD_US || now_us - f->leaves_us >= most_us;
}

/* Others see it there at once: else all of them would go. */
static void move(struct spill_paths *ps, struct spill_flow *f, unsigned to, uint64_t now_us)
{
	struct spill_path *old = &ps->path[f->home - 1], *new = &ps->path[to];

	if (spill_is_counted(ps, f, f->home - 1u) && old->busy)
		old->busy--;
	if (!spill_is_counted(ps, f, to))
		new->busy++;
	if (f->serial[to] != (uint16_t)ps->serial)
		new->busy_now++;
	f->serial[to] = (uint16_t)ps->serial;
	f->serial[f->home - 1] = 0;
	f->home = (uint8_t)(to + 1);
	f->leaves_us = 0;
	f->moved_us = now_us;
}

/* Of its home; what it minds there was seen, and no promise changes that. What is left of a
 * start is lost soon: while it is much it is gone with, as to climb anew takes long. */
static uint64_t home_bps(const struct spill_paths *ps, const struct spill_flow *f,
                         uint64_t now_bps)
{
	unsigned home = f->home - 1u;
	uint64_t bps = max_u64(hoped_bps(ps, f, home), f->minds ? now_bps / 2 : now_bps);

	if (!ps->path[home].untried)
		return bps;
	uint64_t promised_bps = ps->path[home].promised_bps;
	return max_u64(bps, f->minds ? spill_bound_by_loss(ps, f, home, promised_bps) :
	                               promised_bps);
}

static bool is_quicker(const struct spill_path *p, const struct spill_path *home)
{
	return p->trip_us + max_u64(QUICK_US, p->trip_us / 2) < home->trip_us;
}

/* Whatever holds it up at its home, a nearer one holds it up less. */
static bool helps_slack(const struct spill_flow *f, const struct spill_path *home,
                        const struct spill_path *to)
{
	return f->found == f->home && is_quicker(to, home) &&
	       to->later_us < home->later_us;
}

/* The one that gives it most; a change must be worth it. */
static void place_bulk(struct spill_paths *ps, struct spill_flow *f,
                       const struct spill_ask *ask, uint64_t now_bps)
{
	if (!may_stay(ps, f))
		f->home = (uint8_t)(first_home(ps, f, ask) + 1);
	unsigned best = f->home - 1u;
	const struct spill_path *home = &ps->path[best];
	unsigned percent = spill_takes_losses(f) || f->minds ? SURE_PERCENT : HOME_PERCENT;
	uint64_t best_bps = home_bps(ps, f, now_bps) * percent / 100;
	uint64_t near_bps = f->found_bps * (uint64_t)HOME_PERCENT / 100;

	if (f->found == f->home && ask->kind == SPILL_SMALL)
		best_bps = UINT64_MAX; /* it has no use for more */
	for (unsigned i = 0; i < ps->count; i++) {
		unsigned path = ps->order[i];
		const struct spill_path *p = &ps->path[path];
		uint64_t bps = hoped_bps(ps, f, path);
		if (p->untried) /* half of it is enough to see */
			bps = max_u64(bps, spill_bound_by_loss(ps, f, path, p->promised_bps / 2));
		bool helps = best + 1 == f->home && helps_slack(f, home, p) && bps > near_bps;
		if (path + 1 == f->home || !spill_is_offered(ps, path) ||
		    (bps <= best_bps && !helps) ||
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
	bool quick = !f->heedless && is_quicker(p, home);
	bool little = path + 1u != f->home && !p->untried && !f->heedless &&
		spill_share_bps(ps, f, path) * LITTLE_PART < spill_share_bps(ps, f, f->home - 1u);

	spread_us = spread_us < 0 ? -spread_us : spread_us;
	return (spill_is_offered(ps, path) || spill_is_overflow(ps, path)) &&
	       !quick && !little && (f->found != path + 1 || f->found == f->home) &&
	       spread_us <= (int64_t)SPILL_SPREAD_US && spill_bears_loss(ps, f, path);
}

static void set_paths(const struct spill_paths *ps, struct spill_flow *f,
                      const struct spill_ask *ask)
{
	f->paths = (uint8_t)(1u << (f->home - 1));
	if (ask->kind == SPILL_BULK && ask->now_us >= f->stopped_us)
		for (unsigned i = 0; i < ps->count; i++)
			if (may_spill(ps, f, ps->order[i]))
				f->paths |= (uint8_t)(1u << ps->order[i]);
	f->spills = (f->paths & (f->paths - 1)) != 0;
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
			spill_share_bps(ps, f, fast);
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
		if (!(f->paths >> path & 1) || spill_is_overflow(ps, path) != overflow)
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
	int other = other_home(ps, f);

	out[0] = (struct spill_choice){ (uint8_t)(f->home - 1), 0 };
	if (other < 0)
		return 1;
	out[1] = (struct spill_choice){ (uint8_t)other, 0 };
	return 2;
}

unsigned spill_choose(struct spill_paths *ps, struct spill_flow *f,
                      const struct spill_ask *ask,
                      struct spill_choice out[SPILL_PATHS])
{
	if (!ps->count)
		return 0;
	spill_roll(f, ask->now_us);
	if (ask->kind == SPILL_REALTIME)
		place_call(ps, f, ask);
	else if (ask->kind == SPILL_SMALL || (ask->is_long && spill_is_thin(f)))
		place_small(ps, f, ask);
	else
		place_bulk(ps, f, ask, f->before_bps);
	if (ask->kind != SPILL_REALTIME) {
		/* It fills its home not, and elsewhere it would come to more. */
		if (spill_judge(ps, f, ask->now_us) && (f->minds || f->found == f->home))
			place_bulk(ps, f, ask, f->before_bps);
		spill_watch_trial(f);
		spill_watch_offer(ps, f, ask);
	}
	if (ask->kind == SPILL_SMALL && f->leaves_us)
		place_bulk(ps, f, ask, f->before_bps);
	set_paths(ps, f, ask);
	if (ask->kind == SPILL_REALTIME)
		return choose_call(ps, f, out);
	return choose_bulk(ps, f, ask, out);
}
