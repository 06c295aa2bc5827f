/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: see scheduler_driver.h. A third of the snapshots are of ordinary links, a
 * third at the limits of the types, the rest a mixture.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/contract/scheduler_driver.h"

#include <stdlib.h>
#include <string.h>

void subject_init(struct subject *s, const struct sched_ops *ops)
{
	s->ops = ops;
	s->instance = ops->instance_bytes ? calloc(1, ops->instance_bytes) : NULL;
	s->scope = ops->scope_bytes ? calloc(1, ops->scope_bytes) : NULL;
}

void subject_finish(struct subject *s)
{
	free(s->instance);
	free(s->scope);
}

void subject_pick(struct subject *s, const struct snapshot *snap,
                  struct sched_decision *out)
{
	memset(out, 0, sizeof(*out));
	s->ops->pick(s->instance, s->scope, &snap->view, out);
}

void subject_obey(struct subject *s, const struct snapshot *snap,
                  const struct sched_decision *d, uint64_t bytes)
{
	struct sched_event sent = { .type = SCHED_EV_SENT, .bytes = bytes,
	                            .now_us = snap->view.now_us };

	for (unsigned i = 0; s->ops->event && i < snap->view.count; i++) {
		sent.path = snap->paths[i].id;
		if (d->verdict == SCHED_SEND && d->mask >> i & 1)
			s->ops->event(s->instance, &sent);
	}
}

void subject_block(struct subject *s, struct rand *r, uint64_t now_us)
{
	struct sched_event blocked = { .type = SCHED_EV_HOL_BLOCKED,
		.path = (uint8_t)rand_below(r, SCHED_PATHS_MAX),
		.bytes = any_u64(r), .now_us = now_us };

	if (s->ops->event)
		s->ops->event(s->instance, &blocked);
}

/* Snapshots ------------------------------------------------------------- */

uint64_t any_u64(struct rand *r)
{
	static const uint64_t edges[] = { 0, 1, UINT32_MAX, INT64_MAX,
		UINT64_C(125000000000), /* 100 Gbit/s for 10 s, bytes */
		UINT64_MAX - 1, UINT64_MAX };

	if (rand_below(r, 3) == 0)
		return edges[rand_below(r, sizeof(edges) / sizeof(edges[0]))];
	return rand_u64(r) >> rand_below(r, 64);
}

static void wild_path(struct rand *r, struct sched_path *p)
{
	p->flags = (uint8_t)rand_below(r, 16);
	p->mss = (uint32_t)any_u64(r);
	p->loss_ppm = (uint32_t)any_u64(r);
	p->srtt_us = any_u64(r);
	p->rttvar_us = any_u64(r);
	p->min_rtt_us = any_u64(r);
	p->est_age_us = any_u64(r);
	p->rate_bps = any_u64(r);
	p->backlog_bytes = any_u64(r);
	p->cwnd_bytes = any_u64(r);
	p->ssthresh_bytes = any_u64(r);
	p->inflight_bytes = any_u64(r);
	p->queued_bytes = any_u64(r);
	p->room_bytes = rand_below(r, 3) ? any_u64(r) : 0;
}

void ordinary_path(struct rand *r, struct sched_path *p)
{
	p->flags = (uint8_t)rand_below(r, 16);
	p->mss = 500 + (uint32_t)rand_below(r, 9000);
	p->loss_ppm = (uint32_t)rand_below(r, 100000);
	p->min_rtt_us = UINT64_C(100) << rand_below(r, 17);
	p->srtt_us = p->min_rtt_us + rand_below(r, p->min_rtt_us);
	p->rttvar_us = rand_below(r, p->srtt_us);
	p->est_age_us = rand_below(r, 20000000);
	p->rate_bps = (UINT64_C(8000) << rand_below(r, 21)) +
	              rand_below(r, UINT64_C(4000000000));
	p->cwnd_bytes = 10 * p->mss + p->rate_bps / 1000 * p->srtt_us / 1000;
	p->ssthresh_bytes = rand_below(r, 2) ? UINT64_MAX : p->cwnd_bytes;
	p->inflight_bytes = rand_below(r, p->cwnd_bytes);
	p->queued_bytes = rand_below(r, 1 << 20);
	p->backlog_bytes = p->inflight_bytes + p->queued_bytes;
	p->room_bytes = rand_below(r, 2) ? rand_below(r, 1 << 20) : 0;
}

void random_unit(struct rand *r, struct sched_unit *u, unsigned count,
                 bool wild)
{
	*u = (struct sched_unit){
		.kind = (uint8_t)rand_below(r, 4),
		.tried_mask = rand_below(r, 3) ? 0 :
			(uint32_t)rand_below(r, UINT64_C(1) << count),
		.len_bytes = 1 + rand_below(r, 16384),
		.remaining_bytes = rand_below(r, 2) ? SCHED_UNKNOWN
		                                    : rand_below(r, 1 << 30),
		.sent_bytes = rand_below(r, 1 << 30),
		.pending_bytes = rand_below(r, 1 << 20),
		.left_bytes = rand_below(r, 1 << 24),
		.ahead_bytes = rand_below(r, 1 << 20),
		.queued_bytes = rand_below(r, 8) ? rand_below(r, 1 << 24)
		                                 : SCHED_UNKNOWN,
		.window_bytes = rand_below(r, 1 << 24),
	};
	if (!wild)
		return;
	u->len_bytes = 1 + (any_u64(r) >> 1);
	u->remaining_bytes = any_u64(r);
	u->sent_bytes = any_u64(r);
	u->pending_bytes = any_u64(r);
	u->left_bytes = any_u64(r);
	u->ahead_bytes = any_u64(r);
	u->queued_bytes = any_u64(r);
	u->window_bytes = any_u64(r);
}

void random_snapshot(struct rand *r, struct snapshot *snap)
{
	unsigned count = 1 + (unsigned)rand_below(r, SCHED_PATHS_MAX);
	unsigned mood = (unsigned)rand_below(r, 3);

	unsigned first_id = (unsigned)rand_below(r, SCHED_PATHS_MAX);

	memset(snap, 0, sizeof(*snap));
	for (unsigned i = 0; i < count; i++) {
		struct sched_path *p = &snap->paths[i];
		p->id = (uint8_t)((first_id + i) % SCHED_PATHS_MAX);
		if (mood == 0 || (mood == 1 && rand_below(r, 2)))
			ordinary_path(r, p);
		else
			wild_path(r, p);
		p->state = rand_below(r, 3) ? SCHED_PATH_UP
		                            : (uint8_t)rand_below(r, 3);
		p->path_class = rand_below(r, 2) ? SCHED_CLASS_NORMAL
		                                 : (uint8_t)rand_below(r, 3);
	}
	random_unit(r, &snap->unit, count, mood != 0);
	snap->view = (struct sched_view){ NOW_US + rand_below(r, NOW_US),
		snap->paths, count, &snap->unit };
}

/* The rules, said once more and in other words than the registry says them. */
static bool usable(const struct snapshot *snap, unsigned i)
{
	const struct sched_path *p = &snap->paths[i];

	return p->state == SCHED_PATH_UP && p->room_bytes &&
	       !(snap->unit.tried_mask >> i & 1);
}

static bool has_up(const struct snapshot *snap, unsigned path_class)
{
	for (unsigned i = 0; i < snap->view.count; i++)
		if (snap->paths[i].state == SCHED_PATH_UP &&
		    snap->paths[i].path_class == path_class)
			return true;
	return false;
}

static bool has_usable(const struct snapshot *snap, unsigned path_class)
{
	for (unsigned i = 0; i < snap->view.count; i++)
		if (usable(snap, i) && snap->paths[i].path_class == path_class)
			return true;
	return false;
}

static bool allowed(const struct snapshot *snap, unsigned i)
{
	if (!usable(snap, i))
		return false;
	switch ((enum sched_path_class)snap->paths[i].path_class) {
	case SCHED_CLASS_NORMAL:
		return true;
	case SCHED_CLASS_METERED:
		return !has_usable(snap, SCHED_CLASS_NORMAL);
	case SCHED_CLASS_BACKUP:
		return !has_up(snap, SCHED_CLASS_NORMAL) &&
		       !has_up(snap, SCHED_CLASS_METERED);
	}
	return false;
}

static unsigned allowed_mask(const struct snapshot *snap)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < snap->view.count; i++)
		mask |= (unsigned)allowed(snap, i) << i;
	return mask;
}

/* The contract ---------------------------------------------------------- */

bool snapshot_any_up(const struct snapshot *snap)
{
	for (unsigned i = 0; i < snap->view.count; i++)
		if (snap->paths[i].state == SCHED_PATH_UP)
			return true;
	return false;
}

/* A path may be waited for though others have room (those of the mask) if the
 * unit could use it: it has none, and is of no lesser class. */
static void check_wait(const struct sched_ops *ops, const struct snapshot *snap,
                       const struct sched_decision *d, unsigned mask)
{
	const struct sched_path *p = &snap->paths[d->wait_for];

	assert_true(d->recheck_us > snap->view.now_us);
	assert_true(d->recheck_us - snap->view.now_us <= SCHED_WAIT_MAX_US);
	assert_true(d->wait_for < snap->view.count);
	assert_true(!snapshot_any_up(snap) || p->state == SCHED_PATH_UP);
	if (!mask)
		return;
	assert_true(ops->caps & SCHED_MAY_WAIT);
	assert_true(!p->room_bytes && !(snap->unit.tried_mask >> d->wait_for & 1));
	assert_true(p->path_class <= snap->paths[__builtin_ctz(mask)].path_class);
}

void snapshot_check(const struct sched_ops *ops, const struct snapshot *snap,
                    const struct sched_decision *d)
{
	unsigned mask = allowed_mask(snap);

	switch ((enum sched_verdict)d->verdict) {
	case SCHED_SEND:
		assert_true(d->mask != 0 && (d->mask & ~mask) == 0);
		assert_true(!(d->mask & (d->mask - 1)) ||
		            ops->caps & SCHED_DUPLICATES);
		return;
	case SCHED_WAIT:
		check_wait(ops, snap, d, mask);
		return;
	case SCHED_DROP:
		assert_int_equal(snap->unit.kind, SCHED_DATAGRAM);
		return;
	}
	fail_msg("%s: verdict %u", ops->name, d->verdict);
}
