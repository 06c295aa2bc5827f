/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: does a flow mind losses, and is it faster by spilling? Its last second says.
 */
#include "agg/transport/spill_impl.h"

#include <math.h>

#define FULL_PERCENT 80u
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
#define QUEUE_US (5 * MS_US)         /* CoDel's target, at least */
#define MEEK_FACTOR 3.0              /* a third of it would be hard to bear */
#define MEEK_SHARE 0.7               /* of what its home has */
#define MEEK_SECONDS 2u
#define SLACK_SECONDS 2u
#define FOUND_SECONDS 20u            /* doubled each time, */
#define FOUND_DOUBLINGS 3u           /* to 160 */
#define GROWS 1.25                   /* so it has not met its losses yet */
#define WORTH_MAX 200.0
#define CLIMB_US (3 * S_US)
#define DEAF_DROPS 10u
#define DEAF_PACKETS 50u
#define WATCH_US (250 * MS_US)       /* a window, of an offer */
#define PRESSED_PERCENT 110u         /* so much of what goes is more than that */
#define PRESSED_GROWS 1.25           /* from one to the next: it only begins, as QUIC does */
#define PRESSED_TRIPS 6u             /* the sum is what goes in so many: windows are less */
#define PRESSED_WINDOWS 2u           /* after the one with the first drop */
#define HEEDLESS_KEEPS 0.75          /* of the rate by which it was found */
#define STOP_US (30 * S_US)
#define STOP_DOUBLINGS 4u            /* to 8 minutes */

/* What a sender bears ------------------------------------------------------ */

static double bearable(double bps, uint64_t trip_us)
{
	double window = bps * (double)max_u64(trip_us, MS_US) / 1e6 / MSS;

	return window > 1 ? 1.5 / (window * window) : 1.5;
}

/* Who minds losses asks what seems to be lost: less of it is more than luck the less went
 * there. Of a few packets that would be too much for who is unknown. */
static uint32_t loss_ppm(const struct spill_flow *f, const struct spill_path *p)
{
	return f->minds && p->likely_ppm > p->loss_ppm ? p->likely_ppm : p->loss_ppm;
}

static bool is_far(const struct spill_paths *ps, const struct spill_path *p)
{
	for (unsigned i = 0; i < ps->count; i++) {
		unsigned other = ps->order[i];
		if (spill_is_offered(ps, other) && spill_is_farther(p, &ps->path[other]))
			return true;
	}
	return false;
}

static double mathis_bps(const struct spill_flow *f, const struct spill_path *p)
{
	return sqrt(1.5e6 / loss_ppm(f, p)) * MSS * 1e6 / (double)max_u64(p->trip_us, MS_US);
}

/* What a flow that minds losses comes to there, at most. Who is unknown may mind or not: in
 * between, so that neither loses much by it, unless he could not go there later. */
uint64_t spill_bound_by_loss(const struct spill_paths *ps, const struct spill_flow *f,
                             unsigned path, uint64_t bps)
{
	const struct spill_path *p = &ps->path[path];

	if (f->found == path + 1 && f->found != f->home)
		bps = min_u64(bps, f->found_bps);
	if (!loss_ppm(f, p) || spill_takes_losses(f) || (!f->minds && is_far(ps, p)))
		return bps;
	double most = mathis_bps(f, p);
	if (f->minds && f->worth)
		most = most * f->worth / 100;
	if (most >= (double)bps)
		return bps;
	return (uint64_t)(f->minds ? most : sqrt(most * (double)bps));
}

/* Of a path's losses it sees the path's share. */
bool spill_bears_loss(const struct spill_paths *ps, const struct spill_flow *f,
                      unsigned path)
{
	const struct spill_path *p = &ps->path[path];
	uint64_t all_bps = 0, trip_us = ps->path[f->home - 1].trip_us;

	if (!p->loss_ppm || spill_takes_losses(f))
		return true;
	for (unsigned i = 0; i < ps->count; i++)
		all_bps += spill_share_bps(ps, f, ps->order[i]);
	double share = (double)spill_share_bps(ps, f, path) / (double)max_u64(all_bps, 1);
	return p->loss_ppm * 1e-6 * share <=
	       bearable((double)all_bps, max_u64(trip_us, p->trip_us));
}

/* What came of a second ---------------------------------------------------- */

void spill_dropped(struct spill_flow *f)
{
	f->dropped++;
	f->watch_dropped = true;
}

static uint8_t count_up(uint8_t n, bool up)
{
	return (uint8_t)(up ? n + (n < UINT8_MAX) : 0);
}

/* Who goes by losses has one by then, as it sends more and more until its queue is longer
 * than it may be: by CUBIC's cube or by a packet in two round trips (RFC 9438, 4.2, 4.3);
 * first to what it had before, of which it may lack as much as calm may. */
static bool is_calm(const struct spill_paths *ps, const struct spill_flow *f, double bps)
{
	double trip_s = (double)(ps->path[f->home - 1].trip_us + SERVER_US) / S_US;
	double queue_us = spill_queue_us(ps, f, QUEUE_US);
	double more = bps * queue_us / S_US / MSS + 1;
	double lacks = (1 - CALM_SHARE) * bps * trip_s / MSS;
	double after_s = 1 + fmin(cbrt(lacks / 0.4) + cbrt(more / 0.4),
	                          (lacks + more) / 0.53 * trip_s);

	/* Who has shown that it minds losses must be calm for long. */
	return f->calm > after_s * (1u << 2 * (f->trials + f->minds));
}

/* A receiver's window can make a sender calm, too, which minds losses nonetheless: its
 * first second with them ends at the first sign of that. */
void spill_watch_trial(struct spill_flow *f)
{
	if (!f->trial || (double)spill_all_bps(f) >= TRIAL_KEEPS * f->before_bps)
		return;
	f->tolerant = f->trial = false;
	f->trials = count_up(f->trials, f->trials < TRIALS_MAX);
}

/* So much came of it in a window, at such a rate; that is more than went? */
static void press(struct spill_flow *f, uint64_t came, uint64_t bps)
{
	bool more = bps && came * 100 > (uint64_t)f->watch_bytes * PRESSED_PERCENT;
	bool grows = (double)bps > f->watch_bps * PRESSED_GROWS;
	uint64_t excess = f->pressed && !grows ? f->excess_bytes : 0;

	f->pressed = count_up(grows ? 0 : f->pressed, more && (f->pressed || f->watch_dropped));
	if (f->pressed)
		excess += came - f->watch_bytes;
	f->excess_bytes = (uint32_t)min_u64(excess, UINT32_MAX);
}

/* What its queue drops it hears of in a round trip, two of which a window is: whoever goes by
 * losses, delays or answers (CUBIC, BBR) sends no more than goes by then, or soon, and never
 * has much more under way than a window. Who does all the same is heedless, until he sends
 * less. */
void spill_watch_offer(const struct spill_paths *ps, struct spill_flow *f,
                       const struct spill_ask *ask)
{
	uint64_t trip_us = ps->path[f->home - 1].trip_us + SERVER_US;
	uint64_t window_us = max_u64(WATCH_US, 2 * trip_us), us = ask->now_us - f->watch_us;

	if (us < window_us)
		return;
	uint64_t came = (uint64_t)(ask->put - f->watch_put) * f->len_sum / THIN_SHARE;
	uint64_t bps = us < 2 * window_us ? came * S_US / us : 0;
	press(f, came, bps);
	if (!f->heedless && f->pressed > PRESSED_WINDOWS &&
	    f->excess_bytes > f->watch_bytes * PRESSED_TRIPS * trip_us / us) {
		f->heedless = true;
		f->heedless_bps = (uint32_t)min_u64(bps, UINT32_MAX);
		f->minds = false;
	}
	f->heedless &= (double)bps >= HEEDLESS_KEEPS * f->heedless_bps;
	f->watch_us = ask->now_us;
	f->watch_bytes = 0;
	f->watch_dropped = false;
	f->watch_put = ask->put;
	f->watch_bps = (uint32_t)min_u64(bps, UINT32_MAX);
}

/* Many more are lost than a sender that minds would have sent into, and it goes on, no
 * slower than before; in its first second it had no rate to keep, and must have much. */
static bool is_deaf(const struct spill_flow *f, const struct spill_path *home, double lost,
                    double bps, double much_bps)
{
	return lost > DEAF_FACTOR * bearable(bps, home->trip_us + STAY_US) &&
	       bps > (f->before_bps ? DEAF_KEEPS * f->before_bps : much_bps);
}

/* It comes to no more than who minds would, with room left, and does not begin only. */
static bool is_meek(const struct spill_flow *f, const struct spill_path *home, double lost,
                    double bps, double much_bps)
{
	bool grows = f->before_bps && bps > GROWS * f->before_bps;

	return home->loss_ppm && lost > bearable(bps * MEEK_FACTOR, home->trip_us) &&
	       bps < much_bps && !grows;
}

static void hear_reaction(const struct spill_paths *ps, struct spill_flow *f, double bps)
{
	const struct spill_path *home = &ps->path[f->home - 1];
	double share_bps = (double)spill_share_bps(ps, f, f->home - 1u);
	uint32_t packets = f->proof_bytes / MSS;

	if (packets < DEAF_PACKETS || spill_is_thin(f))
		return;
	double lost = home->loss_ppm * 1e-6;
	if (f->dropped >= DEAF_DROPS)
		lost += (double)f->dropped / packets;
	bool deaf = is_deaf(f, home, lost, bps, MEEK_SHARE * share_bps);
	bool meek = !deaf && is_meek(f, home, lost, bps, MEEK_SHARE * share_bps);
	bool calm = !home->loss_ppm && !f->dropped && bps > CALM_SHARE * share_bps;
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

/* It leaves much of its home, and none knows why: losses that are not seen, as others keep
 * a queue there; a window that is full; or it has no more to send. */
static void hear_slack(const struct spill_paths *ps, struct spill_flow *f, uint64_t got_bps)
{
	bool known = f->proof_bytes >= DEAF_PACKETS * MSS && !spill_is_thin(f);
	bool leaves = known && !f->minds && (double)got_bps <
		MEEK_SHARE * (double)spill_share_bps(ps, f, f->home - 1u);

	f->slack = count_up(f->slack, leaves);
	if (f->minds || (f->found == f->home && known && !leaves))
		f->found = f->finds = 0;
	if (f->found && f->found != f->home && !--f->found_s)
		f->found = 0;
	if (f->slack < SLACK_SECONDS || (f->found && f->found != f->home))
		return;
	if (!f->found) {
		f->found_s = (uint8_t)(FOUND_SECONDS << f->finds);
		f->finds += f->finds < FOUND_DOUBLINGS;
	}
	f->found = f->home;
	f->found_bps = (uint32_t)min_u64(got_bps, UINT32_MAX);
}

/* A formula knows neither its sender nor how far behind us that is. What it says is of losses
 * alone; so while it climbs after a move, it is not held against it. */
static void learn_worth(const struct spill_paths *ps, struct spill_flow *f, double bps,
                        uint64_t now_us)
{
	const struct spill_path *home = &ps->path[f->home - 1];

	if (!f->minds)
		f->worth = 0;
	if (!f->minds || !loss_ppm(f, home) || now_us - f->moved_us < CLIMB_US)
		return;
	double most = mathis_bps(f, home);
	if (most >= (double)spill_share_bps(ps, f, f->home - 1u))
		return;
	unsigned worth = (unsigned)fmin(bps * 100 / most, WORTH_MAX);
	f->worth = (uint8_t)(((f->worth ? f->worth : 100u) * 3 + worth) / 4);
}

/* Was it faster than its home alone? */
static void prove(const struct spill_paths *ps, struct spill_flow *f, uint64_t got_bps,
                  uint64_t now_us)
{
	uint64_t alone_bps = max_u64(spill_share_bps(ps, f, f->home - 1), 1);

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

bool spill_judge(struct spill_paths *ps, struct spill_flow *f, uint64_t now_us)
{
	uint64_t us = now_us - f->proof_us;
	bool is_known = us < 2 * PROOF_US;

	if (us < PROOF_US)
		return false;
	uint64_t got_bps = f->proof_bytes * S_US / us;
	f->trial = false;
	if (is_known) {
		f->full = count_up(f->full, got_bps * 100 >=
		                   spill_share_bps(ps, f, f->home - 1u) * FULL_PERCENT);
		hear_reaction(ps, f, (double)got_bps);
		hear_slack(ps, f, got_bps);
		learn_worth(ps, f, (double)got_bps, now_us);
		prove(ps, f, got_bps, now_us);
	}
	f->before_bps = (uint32_t)min_u64(got_bps, UINT32_MAX);
	f->proof_us = now_us;
	f->proof_bytes = f->spilled_bytes = f->dropped = 0;
	return is_known;
}
