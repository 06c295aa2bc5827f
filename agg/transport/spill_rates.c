/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the order of the paths by arrival, and what a flow has of each of them.
 */
#include "agg/transport/spill_impl.h"

#include "agg/transport/feedback.h"
#include "scheduler/scheduler.h"

#define SLICE_US (50 * MS_US)        /* of a flow's rate on a path */
#define TURN_MIN_US (3 * MS_US)      /* another order: by so much, for so long */
#define TURN_AFTER_US (100 * MS_US)
#define CARRIER_SHARE 64u            /* less than that of its rate is the past */
#define QUEUE_PART 4u                /* of a round trip may stand in the flow's queue */
#define THIN_BYTES 300u              /* in the mean: they are mostly acknowledgements */

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

bool spill_is_offered(const struct spill_paths *ps, unsigned path)
{
	return ps->path[path].usable && ps->path[path].cost == least_cost(ps);
}

bool spill_is_overflow(const struct spill_paths *ps, unsigned path)
{
	return ps->path[path].usable && ps->path[path].cost == SCHED_CLASS_METERED &&
	       least_cost(ps) == SCHED_CLASS_NORMAL;
}

/* A flow's rates ---------------------------------------------------------- */

void spill_roll(struct spill_flow *f, uint64_t now_us)
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

uint64_t spill_all_bps(const struct spill_flow *f)
{
	uint64_t bps = 0;

	for (unsigned i = 0; i < SPILL_PATHS; i++)
		bps += f->rate_bps[i];
	return bps;
}

bool spill_is_counted(const struct spill_paths *ps, const struct spill_flow *f,
                      unsigned path)
{
	return f->serial[path] && (uint16_t)(ps->serial - f->serial[path]) <= 1;
}

uint64_t spill_share_bps(const struct spill_paths *ps, const struct spill_flow *f,
                         unsigned path)
{
	const struct spill_path *p = &ps->path[path];
	unsigned others = p->busy - (spill_is_counted(ps, f, path) && p->busy);

	return p->rate_bps / (1 + others);
}

void spill_took(struct spill_paths *ps, struct spill_flow *f, unsigned path,
                uint32_t bytes, bool bulk, uint64_t now_us)
{
	spill_roll(f, now_us);
	f->len_sum = f->len_sum ? f->len_sum - f->len_sum / THIN_SHARE + bytes :
		bytes * THIN_SHARE;
	f->slice_bytes[path] += bytes;
	f->took_us = now_us;
	if (bulk && f->serial[path] != (uint16_t)ps->serial) {
		f->serial[path] = (uint16_t)ps->serial;
		ps->path[path].busy_now++;
	}
	f->proof_bytes += bytes;
	f->watch_bytes += bytes;
	if (f->home != path + 1)
		f->spilled_bytes += bytes;
}

uint8_t spill_carriers(const struct spill_flow *f)
{
	uint64_t all_bps = spill_all_bps(f);
	uint8_t paths = 0;

	for (unsigned i = 0; i < SPILL_PATHS; i++)
		if (f->slice_bytes[i] || f->rate_bps[i] > all_bps / CARRIER_SHARE)
			paths |= (uint8_t)(1u << i);
	return paths;
}

bool spill_is_thin(const struct spill_flow *f)
{
	return f->len_sum && f->len_sum < THIN_BYTES * THIN_SHARE;
}

uint32_t spill_queue_us(const struct spill_paths *ps, const struct spill_flow *f,
                        uint64_t least_us)
{
	int64_t first_us = INT64_MAX, last_us = 0;
	uint64_t us = least_us;

	for (unsigned i = 0; i < ps->count; i++) {
		const struct spill_path *p = &ps->path[ps->order[i]];
		if (!(f->paths >> ps->order[i] & 1))
			continue;
		us = max_u64(us, p->rtt_us / QUEUE_PART);
		first_us = p->later_us < first_us ? p->later_us : first_us;
		last_us = p->later_us > last_us ? p->later_us : last_us;
	}
	if (last_us > first_us)
		us += (uint64_t)(last_us - first_us) * 10 / 7;
	return (uint32_t)us;
}
