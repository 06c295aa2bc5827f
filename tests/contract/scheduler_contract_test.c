/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one suite for every scheduler of the registry: what scheduler.h promises
 * to the driver, on seeded random snapshots. A third of them are of ordinary
 * links, a third at the limits of the types, the rest a mixture, so that an
 * overflow or a division by nothing shows (under the sanitizers at once).
 *
 * Not asked: which path is best. That is each scheduler's own test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/rand.h"
#include "scheduler/scheduler.h"

#include <stdlib.h>
#include <string.h>

#define SNAPSHOTS 40000
#define RECHECK_MAX_US UINT64_C(60000000) /* "finite", for a person */
#define NOW_US UINT64_C(1000000000)

struct snapshot {
	struct sched_path paths[SCHED_PATHS_MAX];
	struct sched_unit unit;
	struct sched_view view;
};

/* A scheduler with its memory, guarded behind its end. */
struct subject {
	const struct sched_ops *ops;
	uint8_t *instance, *scope;
};

static void subject_init(struct subject *s, const struct sched_ops *ops)
{
	s->ops = ops;
	s->instance = ops->instance_bytes ? calloc(1, ops->instance_bytes) : NULL;
	s->scope = ops->scope_bytes ? calloc(1, ops->scope_bytes) : NULL;
}

static void subject_finish(struct subject *s)
{
	free(s->instance);
	free(s->scope);
}

static void pick(struct subject *s, const struct snapshot *snap,
                 struct sched_decision *out)
{
	memset(out, 0, sizeof(*out));
	s->ops->pick(s->instance, s->scope, &snap->view, out);
}

/* Snapshots ------------------------------------------------------------- */

/* Any value of its order of magnitude; the greatest and none, too. */
static uint64_t any_u64(struct rand *r)
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
	p->cwnd_bytes = any_u64(r);
	p->ssthresh_bytes = any_u64(r);
	p->inflight_bytes = any_u64(r);
	p->queued_bytes = any_u64(r);
	p->room_bytes = rand_below(r, 3) ? any_u64(r) : 0;
}

/* 64 kbit/s to 100 Gbit/s, 100 us to 10 s. */
static void ordinary_path(struct rand *r, struct sched_path *p)
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
	p->room_bytes = rand_below(r, 2) ? rand_below(r, 1 << 20) : 0;
}

static void random_unit(struct rand *r, struct sched_unit *u, unsigned count,
                        bool wild)
{
	*u = (struct sched_unit){
		.kind = (uint8_t)rand_below(r, 3),
		.tried_mask = rand_below(r, 3) ? 0 :
			(uint32_t)rand_below(r, UINT64_C(1) << count),
		.len_bytes = 1 + rand_below(r, 16384),
		.remaining_bytes = rand_below(r, 2) ? SCHED_UNKNOWN
		                                    : rand_below(r, 1 << 30),
		.sent_bytes = rand_below(r, 1 << 30),
		.ahead_bytes = rand_below(r, 1 << 20),
		.queued_bytes = rand_below(r, 1 << 24),
		.window_bytes = rand_below(r, 1 << 24),
	};
	if (!wild)
		return;
	u->len_bytes = 1 + (any_u64(r) >> 1);
	u->remaining_bytes = any_u64(r);
	u->sent_bytes = any_u64(r);
	u->ahead_bytes = any_u64(r);
	u->queued_bytes = any_u64(r);
	u->window_bytes = any_u64(r);
}

static void random_snapshot(struct rand *r, struct snapshot *snap)
{
	unsigned count = 1 + (unsigned)rand_below(r, SCHED_PATHS_MAX);
	unsigned mood = (unsigned)rand_below(r, 3);

	memset(snap, 0, sizeof(*snap));
	for (unsigned i = 0; i < count; i++) {
		struct sched_path *p = &snap->paths[i];
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

static void check_wait(const struct sched_ops *ops, const struct snapshot *snap,
                       const struct sched_decision *d, unsigned mask)
{
	bool any_up = false;

	for (unsigned i = 0; i < snap->view.count; i++)
		any_up |= snap->paths[i].state == SCHED_PATH_UP;
	assert_true(!mask || ops->caps & SCHED_MAY_WAIT);
	assert_true(d->recheck_us > snap->view.now_us);
	assert_true(d->recheck_us - snap->view.now_us <= RECHECK_MAX_US);
	assert_true(d->wait_for < snap->view.count);
	assert_true(!any_up || snap->paths[d->wait_for].state == SCHED_PATH_UP);
}

static void check(const struct sched_ops *ops, const struct snapshot *snap,
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

static void test_decisions(void **state)
{
	for (size_t i = 0; i < sched_count; i++) {
		struct rand r = { 42 };
		struct subject s;
		subject_init(&s, sched_all[i]);
		for (int k = 0; k < SNAPSHOTS; k++) {
			struct snapshot snap;
			struct sched_decision d;
			random_snapshot(&r, &snap);
			pick(&s, &snap, &d);
			check(s.ops, &snap, &d);
		}
		subject_finish(&s);
	}
}

static void test_one_usable_path(void **state)
{
	for (size_t i = 0; i < sched_count; i++) {
		struct rand r = { 43 };
		struct subject s;
		subject_init(&s, sched_all[i]);
		for (int k = 0; k < SNAPSHOTS; k++) {
			struct snapshot snap;
			struct sched_decision d;
			random_snapshot(&r, &snap);
			unsigned last = snap.view.count - 1;
			for (unsigned p = 0; p < last; p++)
				snap.paths[p].state = SCHED_PATH_SUSPECT +
				                      (uint8_t)rand_below(&r, 2);
			snap.paths[last].state = SCHED_PATH_UP;
			snap.paths[last].room_bytes = 1 + rand_below(&r, 1 << 20);
			snap.unit.tried_mask &= ~(1u << last);
			pick(&s, &snap, &d);
			assert_int_equal(d.verdict, SCHED_SEND);
			assert_int_equal(d.mask, 1u << last);
		}
		subject_finish(&s);
	}
}

/* Two of them, the same questions and events: the same answers. */
static void test_deterministic(void **state)
{
	for (size_t i = 0; i < sched_count; i++) {
		struct rand r = { 44 };
		struct subject a, b;
		subject_init(&a, sched_all[i]);
		subject_init(&b, sched_all[i]);
		for (int k = 0; k < SNAPSHOTS; k++) {
			struct snapshot snap;
			struct sched_decision of_a, of_b;
			random_snapshot(&r, &snap);
			pick(&a, &snap, &of_a);
			pick(&b, &snap, &of_b);
			assert_int_equal(of_a.verdict, of_b.verdict);
			assert_int_equal(of_a.mask, of_b.mask);
			assert_int_equal(of_a.wait_for, of_b.wait_for);
			assert_int_equal(of_a.recheck_us, of_b.recheck_us);
		}
		subject_finish(&a);
		subject_finish(&b);
	}
}

/* What is asked is not changed by the asking. */
static void test_snapshot_is_left_alone(void **state)
{
	for (size_t i = 0; i < sched_count; i++) {
		struct rand r = { 45 };
		struct subject s;
		subject_init(&s, sched_all[i]);
		for (int k = 0; k < 1000; k++) {
			struct snapshot snap, before;
			struct sched_decision d;
			random_snapshot(&r, &snap);
			before = snap;
			pick(&s, &snap, &d);
			assert_memory_equal(snap.paths, before.paths,
			                    sizeof(snap.paths));
			assert_memory_equal(&snap.unit, &before.unit,
			                    sizeof(snap.unit));
		}
		subject_finish(&s);
	}
}

static void test_events(void **state)
{
	for (size_t i = 0; i < sched_count; i++) {
		struct rand r = { 46 };
		struct subject s;
		subject_init(&s, sched_all[i]);
		for (int k = 0; s.ops->event && k < SNAPSHOTS; k++) {
			struct snapshot snap;
			struct sched_decision d;
			struct sched_event event = {
				.type = (uint8_t)rand_below(&r, SCHED_EV_COUNT),
				.path = (uint8_t)rand_below(&r, SCHED_PATHS_MAX),
				.bytes = any_u64(&r),
				.now_us = NOW_US + (uint64_t)k,
			};
			s.ops->event(s.instance, &event);
			random_snapshot(&r, &snap);
			pick(&s, &snap, &d);
			check(s.ops, &snap, &d);
		}
		subject_finish(&s);
	}
}

/* Whoever waits for a better path finds none among equals: there ECF and
 * BLEST are LowRTT. */
static void test_equal_paths(void **state)
{
	static const char *const names[] = { "blest", "blest_kernel", "ecf" };
	const struct sched_ops *lowrtt = sched_find("lowrtt");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct sched_ops *ops = sched_find(names[i]);
		struct rand r = { 47 };
		struct subject s;
		if (!ops)
			continue;
		subject_init(&s, ops);
		for (int k = 0; k < SNAPSHOTS; k++) {
			struct snapshot snap;
			struct sched_decision d, want;
			random_snapshot(&r, &snap);
			ordinary_path(&r, &snap.paths[0]);
			snap.paths[0].room_bytes |= 1;
			snap.paths[0].state = SCHED_PATH_UP;
			for (unsigned p = 1; p < snap.view.count; p++)
				snap.paths[p] = snap.paths[0];
			pick(&s, &snap, &d);
			lowrtt->pick(NULL, NULL, &snap.view, &want);
			assert_int_equal(d.verdict, want.verdict);
			assert_int_equal(d.mask, want.mask);
		}
		subject_finish(&s);
	}
}

static void test_registry(void **state)
{
	assert_true(sched_count >= 2);
	for (size_t i = 0; i < sched_count; i++) {
		const struct sched_ops *ops = sched_all[i];
		assert_non_null(ops->pick);
		assert_true(ops->name[0] && strlen(ops->name) <= SCHED_NAME_MAX);
		assert_true(ops->summary && ops->summary[0]);
		assert_true(ops->instance_bytes <= SCHED_INSTANCE_BYTES_MAX);
		assert_true(ops->scope_bytes <= SCHED_SCOPE_BYTES_MAX);
		assert_ptr_equal(sched_find(ops->name), ops);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registry),
		cmocka_unit_test(test_decisions),
		cmocka_unit_test(test_one_usable_path),
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_snapshot_is_left_alone),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_equal_paths),
	};

	return cmocka_run_group_tests_name("contract/scheduler", tests, NULL, NULL);
}
