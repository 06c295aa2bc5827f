/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see arrival.h. A byte that is sent on a path of rate r now arrives after
 *
 *     d + max(0, backlog - r * min_rtt) / r,    d = min_rtt / 2
 *
 * What fills the pipe is no queue, so it is not waited for; a smoothed RTT
 * would count the queue a second time. All paths together have delivered
 * C(T) = sum of r_i * max(0, T - first_i) bytes by T; the pooled time of b bytes
 * is the T at which C(T) = b: no schedule is earlier, and one that lays each
 * byte on the path where it arrives first reaches it.
 *
 * The driver binds late: it offers the next piece only, and a path that is full
 * refuses it. Earliest arrival for that piece by itself would always be the
 * fast path, a moment from now, and no other path would ever be used. What an
 * early binding (OTIAS, STTF) answers by its growing queues is asked here of
 * the bytes that are to follow: if they, pooled, take longer than a piece by the
 * slow path, one of them had better be on it, and it may as well be this one.
 */
#include "scheduler/arrival.h"

#define SECOND_US 1000000u
#define BYTES_MAX (UINT64_C(1) << 40) /* keep the products inside 64 bits */
#define RATE_MAX_BPS (UINT64_C(1) << 38)
#define RTT_MAX_US (UINT64_C(1) << 24)

static uint64_t at_most(uint64_t value, uint64_t max)
{
	return value < max ? value : max;
}

uint64_t arrival_rate_bps(const struct sched_path *path)
{
	uint64_t rate = path->rate_bps;

	if (path->srtt_us && (!rate || path->flags & SCHED_APP_LIMITED)) {
		uint64_t least = at_most(path->cwnd_bytes, BYTES_MAX) *
		                 SECOND_US / path->srtt_us;
		rate = rate > least ? rate : least;
	}
	return at_most(rate, RATE_MAX_BPS);
}

static uint64_t time_us(uint64_t bytes, uint64_t rate_bps)
{
	return rate_bps ? at_most(bytes, BYTES_MAX) * SECOND_US / rate_bps : 0;
}

static void look_at(const struct sched_path *path, struct arrival_path *out)
{
	uint64_t least = at_most(path->min_rtt_us ? path->min_rtt_us
	                                          : path->srtt_us, RTT_MAX_US);
	uint64_t own = at_most(path->inflight_bytes, BYTES_MAX) +
	               at_most(path->queued_bytes, BYTES_MAX);
	uint64_t backlog = path->backlog_bytes > own ? path->backlog_bytes : own;

	out->rate_bps = arrival_rate_bps(path);
	uint64_t pipe = out->rate_bps * least / SECOND_US;
	out->queue_us = backlog > pipe ? time_us(backlog - pipe, out->rate_bps) : 0;
	out->first_us = least / 2 + out->queue_us;
}

void arrival_init(struct arrival *a, const struct sched_view *view)
{
	a->view = view;
	for (unsigned i = 0; i < view->count; i++)
		if (view->paths[i].state == SCHED_PATH_UP)
			look_at(&view->paths[i], &a->paths[i]);
}

uint64_t arrival_us(const struct arrival *a, unsigned i, uint64_t bytes)
{
	return a->paths[i].first_us + time_us(bytes, a->paths[i].rate_bps);
}

/* The paths of the pool, those first that deliver first: how many. */
static unsigned pool(const struct arrival *a, int path_class,
                     const struct arrival_path **sorted)
{
	unsigned count = 0;

	for (unsigned i = 0; i < a->view->count; i++) {
		const struct sched_path *p = &a->view->paths[i];
		const struct arrival_path *path = &a->paths[i];
		unsigned at = count;
		if (p->state != SCHED_PATH_UP || p->path_class > path_class ||
		    !path->rate_bps || a->view->unit->tried_mask & 1u << i)
			continue;
		for (; at && sorted[at - 1]->first_us > path->first_us; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = path;
		count++;
	}
	return count;
}

uint64_t arrival_pooled_us(const struct arrival *a, int path_class,
                           uint64_t bytes)
{
	const struct arrival_path *sorted[SCHED_PATHS_MAX];
	unsigned count = pool(a, path_class, sorted);
	uint64_t left = at_most(bytes, BYTES_MAX), rate = 0, at_us = 0;

	for (unsigned i = 0; i < count; i++) {
		uint64_t gap_us = sorted[i]->first_us - at_us;
		uint64_t need_us = time_us(left, rate);
		if (rate && need_us <= gap_us)
			return at_us + need_us;
		left -= rate * gap_us / SECOND_US;
		rate += sorted[i]->rate_bps;
		at_us = sorted[i]->first_us;
	}
	return at_us + time_us(left, rate);
}

/* With room, in the class of the moment: by which it arrives first. */
static int best_with_room(const struct arrival *a, int class_now,
                          uint64_t *best_us)
{
	int best = -1;

	for (unsigned i = 0; i < a->view->count; i++) {
		if (!sched_usable(a->view, i) ||
		    a->view->paths[i].path_class != class_now)
			continue;
		uint64_t us = arrival_us(a, i, sched_piece_bytes(a->view, i));
		if (best < 0 || us < *best_us) {
			best = (int)i;
			*best_us = us;
		}
	}
	return best;
}

/* One that is full, but by which it would arrive before that time. */
static int earlier_and_full(const struct arrival *a, int class_now,
                            uint64_t before_us)
{
	int best = -1;

	for (unsigned i = 0; i < a->view->count; i++) {
		const struct sched_path *p = &a->view->paths[i];
		if (p->state != SCHED_PATH_UP || p->room_bytes ||
		    p->path_class > class_now || !a->paths[i].rate_bps ||
		    a->view->unit->tried_mask & 1u << i)
			continue;
		uint64_t us = arrival_us(a, i, at_most(p->mss,
		                         a->view->unit->len_bytes));
		if (us < before_us) {
			best = (int)i;
			before_us = us;
		}
	}
	return best;
}

/* Until it has drained and said so, but no longer than two round trips. */
static void wait_for(const struct arrival *a, unsigned i,
                     struct sched_decision *out)
{
	uint64_t rtt = at_most(a->view->paths[i].srtt_us, SCHED_WAIT_MAX_US);

	sched_wait(a->view, out, i, rtt + at_most(a->paths[i].queue_us, rtt));
}

void arrival_pick(const struct sched_view *view, uint64_t rest_bytes,
                  unsigned slack, struct sched_decision *out)
{
	struct arrival a;
	uint64_t by_us = 0;
	int class_now = sched_class_now(view);

	arrival_init(&a, view);
	int path = best_with_room(&a, class_now, &by_us);
	if (path < 0) {
		sched_nothing(view, out);
		return;
	}
	int other = view->unit->kind == SCHED_REINJECT ? -1 :
		earlier_and_full(&a, class_now, by_us);
	if (other >= 0) {
		uint64_t pooled = arrival_pooled_us(&a, class_now, rest_bytes);
		if (slack)
			pooled += pooled / slack;
		if (by_us > pooled) {
			wait_for(&a, (unsigned)other, out);
			return;
		}
	}
	sched_send(out, (unsigned)path);
}
