/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: ECF, Earliest Completion First: Lim, Nahum, Towsley, Gibbens, "ECF: An
 * MPTCP path scheduler to manage heterogeneous paths", CoNEXT 2017, Algorithm
 * 1. Where the fastest path f is full and LowRTT would take a slower one s, it
 * waits for f if f, though it must send all k queued bytes by itself, is done
 * before s would have brought the next:
 *
 *     n * RTT_f < (1 + waiting * beta) * (RTT_s + delta)
 *     with n = 1 + k / CWND_f, delta = max(sigma_f, sigma_s), beta = 1/4
 *
 * unless s is no slower for k: (k / CWND_s) * RTT_s must be >= 2 * RTT_f + delta.
 * Here a part of a window takes s a round trip as a whole one does, as it is in
 * the authors' code (mptcp v0.95): with the fraction that is printed in the
 * paper the last bytes of every object would take the slow path.
 *
 * Else the paper's form, in 64 bits and multiplied out, so that nothing is
 * rounded away. With more than two paths s is compared with every faster path that was
 * measured, and `waiting` is kept per stream. A wait ends after two round trips
 * of f.
 */
#include "scheduler/schedulers.h"

#define BETA_DIVISOR 4u
#define BYTES_MAX (UINT64_C(1) << 40) /* keeps the products inside 64 bits */
#define RTT_MAX_US (UINT64_C(1) << 24)

struct ecf_scope {
	bool waiting;
};

static uint64_t at_most(uint64_t value, uint64_t max)
{
	return value < max ? value : max;
}

/* a * b / c, c > 0, where a and b are below the limits above. */
static uint64_t scaled(uint64_t a, uint64_t b, uint64_t c)
{
	return at_most(a, BYTES_MAX) * at_most(b, RTT_MAX_US) / c;
}

static uint64_t cwnd_of(const struct sched_path *p)
{
	return p->cwnd_bytes ? p->cwnd_bytes : p->mss ? p->mss : 1;
}

/* Is it better to wait for f than to send on s? Sets *waiting as the paper
 * does: it stays as it was where the second condition fails. */
static bool better_wait(const struct sched_path *f, const struct sched_path *s,
                        uint64_t k, bool *waiting)
{
	uint64_t rtt_f = at_most(f->srtt_us, RTT_MAX_US);
	uint64_t rtt_s = at_most(s->srtt_us, RTT_MAX_US);
	uint64_t delta = at_most(f->rttvar_us > s->rttvar_us ? f->rttvar_us
	                                                     : s->rttvar_us,
	                         RTT_MAX_US);
	uint64_t by_f = rtt_f + scaled(k, rtt_f, cwnd_of(f));
	uint64_t by_s = rtt_s + delta;

	if (*waiting)
		by_s += by_s / BETA_DIVISOR;
	if (by_f >= by_s) {
		*waiting = false;
		return false;
	}
	if (rtt_s < 2 * rtt_f + delta &&
	    scaled(k, rtt_s, cwnd_of(s)) < 2 * rtt_f + delta)
		return false;
	*waiting = true;
	return true;
}

static void pick(void *instance, void *scope, const struct sched_view *view,
                 struct sched_decision *out)
{
	struct ecf_scope *own = scope;
	int s = sched_lowest_rtt(view);
	uint64_t k = view->unit->queued_bytes;

	if (s < 0) {
		sched_nothing(view, out);
		return;
	}
	for (unsigned f = 0; f < view->count; f++) {
		const struct sched_path *p = &view->paths[f];
		if (p->state != SCHED_PATH_UP || !p->srtt_us ||
		    p->srtt_us >= view->paths[s].srtt_us ||
		    p->path_class > view->paths[s].path_class ||
		    (view->unit->tried_mask & 1u << f) ||
		    !better_wait(p, &view->paths[s], k, &own->waiting))
			continue;
		sched_wait(view, out, f, 2 * at_most(p->srtt_us, RTT_MAX_US));
		return;
	}
	sched_send(out, (unsigned)s);
}

const struct sched_ops sched_ecf = {
	.name = "ecf",
	.summary = "waits for a faster path where that completes earlier",
	.order = "roundrobin",
	.caps = SCHED_MAY_WAIT,
	.scope_bytes = sizeof(struct ecf_scope),
	.pick = pick,
};
