/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: one suite for every scheduler, those of the registry and the simulator's:
 * what scheduler.h promises to the driver, on seeded random snapshots. A third
 * of them are of ordinary links, a third at the limits of the types, the rest a
 * mixture, so that a division by nothing shows. An overflow shows as a decision
 * that changes where all bytes are multiplied by one number, which changes
 * nothing; a stall, in a driver that does no more than what it is told.
 *
 * Not asked: which path is best. That is each scheduler's own test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scheduler/sim/daps.h"
#include "tests/contract/scheduler_driver.h"

#include <string.h>

#define SNAPSHOTS 40000

/* The registry's, and then others. */
static const struct sched_ops *const others[] = { &sched_daps };
#define OTHERS (sizeof(others) / sizeof(others[0]))

static const struct sched_ops *every(size_t i)
{
	return i < sched_count ? sched_all[i] : others[i - sched_count];
}

static void test_decisions(void **state)
{
	for (size_t i = 0; i < sched_count + OTHERS; i++) {
		struct rand r = { 42 };
		struct subject s;
		subject_init(&s, every(i));
		for (int k = 0; k < SNAPSHOTS; k++) {
			struct snapshot snap;
			struct sched_decision d;
			random_snapshot(&r, &snap);
			subject_pick(&s, &snap, &d);
			snapshot_check(s.ops, &snap, &d);
		}
		subject_finish(&s);
	}
}

static void test_one_usable_path(void **state)
{
	for (size_t i = 0; i < sched_count + OTHERS; i++) {
		struct rand r = { 43 };
		struct subject s;
		subject_init(&s, every(i));
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
			subject_pick(&s, &snap, &d);
			assert_int_equal(d.verdict, SCHED_SEND);
			assert_int_equal(d.mask, 1u << last);
		}
		subject_finish(&s);
	}
}

static void assert_same(const struct sched_ops *ops,
                        const struct sched_decision *a,
                        const struct sched_decision *b)
{
	if (a->verdict != b->verdict || a->mask != b->mask ||
	    a->wait_for != b->wait_for || a->recheck_us != b->recheck_us)
		fail_msg("%s: %u %x %u, then %u %x %u", ops->name, a->verdict,
		         a->mask, a->wait_for, b->verdict, b->mask, b->wait_for);
}

/* Two of them, the same questions and events: the same answers. */
static void test_deterministic(void **state)
{
	for (size_t i = 0; i < sched_count + OTHERS; i++) {
		struct rand r = { 44 };
		struct subject a, b;
		subject_init(&a, every(i));
		subject_init(&b, every(i));
		for (int k = 0; k < SNAPSHOTS; k++) {
			struct snapshot snap;
			struct sched_decision of_a, of_b;
			random_snapshot(&r, &snap);
			subject_pick(&a, &snap, &of_a);
			subject_pick(&b, &snap, &of_b);
			assert_same(a.ops, &of_a, &of_b);
			subject_obey(&a, &snap, &of_a, snap.unit.len_bytes);
			subject_obey(&b, &snap, &of_b, snap.unit.len_bytes);
			struct rand of_event = r;
			subject_block(&a, &r, snap.view.now_us);
			subject_block(&b, &of_event, snap.view.now_us);
		}
		subject_finish(&a);
		subject_finish(&b);
	}
}

/* What is asked is not changed by the asking. */
static void test_snapshot_is_left_alone(void **state)
{
	for (size_t i = 0; i < sched_count + OTHERS; i++) {
		struct rand r = { 45 };
		struct subject s;
		subject_init(&s, every(i));
		for (int k = 0; k < 1000; k++) {
			struct snapshot snap, before;
			struct sched_decision d;
			random_snapshot(&r, &snap);
			before = snap;
			subject_pick(&s, &snap, &d);
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
	for (size_t i = 0; i < sched_count + OTHERS; i++) {
		struct rand r = { 46 };
		struct subject s;
		subject_init(&s, every(i));
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
			subject_pick(&s, &snap, &d);
			snapshot_check(s.ops, &snap, &d);
		}
		subject_finish(&s);
	}
}

/* Whoever waits for a better path finds none among equals: there ECF and
 * BLEST are LowRTT. */
static void equalize(struct rand *r, struct snapshot *snap)
{
	ordinary_path(r, &snap->paths[0]);
	snap->paths[0].room_bytes |= 1;
	snap->paths[0].state = SCHED_PATH_UP;
	for (unsigned p = 1; p < snap->view.count; p++) {
		uint8_t id = snap->paths[p].id;
		snap->paths[p] = snap->paths[0];
		snap->paths[p].id = id;
		snap->paths[p].room_bytes *= rand_below(r, 2);
	}
}

/* Also with a history among unequal ones. */
static void test_equal_paths(void **state)
{
	static const char *const names[] = { "blest", "blest_kernel", "ecf" };
	const struct sched_ops *lowrtt = sched_find("lowrtt");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct rand r = { 47 };
		struct subject s;
		subject_init(&s, sched_find(names[i]));
		for (int k = 0; k < SNAPSHOTS; k++) {
			struct snapshot snap;
			struct sched_decision d, want = { 0 };
			random_snapshot(&r, &snap);
			subject_pick(&s, &snap, &d);
			subject_obey(&s, &snap, &d, snap.unit.len_bytes);
			if (rand_below(&r, 4) == 0)
				subject_block(&s, &r, snap.view.now_us);
			equalize(&r, &snap);
			subject_pick(&s, &snap, &d);
			lowrtt->pick(NULL, NULL, &snap.view, &want);
			assert_same(s.ops, &d, &want);
		}
		subject_finish(&s);
	}
}

/* Overflow --------------------------------------------------------------- */

/* Links of up to 95 KB/s and 10 s; times 2^17 they are of up to 100 Gbit/s. */
#define SCALE_BITS 17
#define SCALE_WORLDS 1500
#define SCALE_PICKS 20
#define SCALE_DIFFER_MAX 5u /* worlds, by rounding */

static void small_snapshot(struct rand *r, struct snapshot *snap)
{
	random_snapshot(r, snap);
	for (unsigned i = 0; i < snap->view.count; i++) {
		struct sched_path *p = &snap->paths[i];
		bool room = p->room_bytes > 0;
		ordinary_path(r, p);
		p->state = SCHED_PATH_UP;
		p->path_class = SCHED_CLASS_NORMAL;
		p->srtt_us = 1000 + rand_below(r, 10000000);
		p->min_rtt_us = p->srtt_us / (1 + rand_below(r, 3));
		p->rate_bps = 8000 + rand_below(r, 87000);
		p->cwnd_bytes = p->rate_bps * p->srtt_us / 1000000;
		p->inflight_bytes = rand_below(r, p->cwnd_bytes + 1);
		p->queued_bytes = rand_below(r, p->rate_bps);
		p->backlog_bytes = p->inflight_bytes + p->queued_bytes;
		p->ssthresh_bytes = rand_below(r, 2) ? UINT64_MAX : p->cwnd_bytes;
		p->mss = 1400;
		p->room_bytes = room ? 1 + rand_below(r, p->rate_bps) : 0;
	}
	random_unit(r, &snap->unit, snap->view.count, false);
	snap->unit.window_bytes = rand_below(r, 3000000);
	snap->unit.queued_bytes = rand_below(r, 1000000);
	snap->unit.ahead_bytes = rand_below(r, 300000);
	snap->unit.pending_bytes = rand_below(r, 300000);
	snap->unit.left_bytes = rand_below(r, 3000000);
	snap->unit.sent_bytes = rand_below(r, 1000000);
	if (snap->unit.remaining_bytes != SCHED_UNKNOWN)
		snap->unit.remaining_bytes = rand_below(r, 1000000);
}

static uint64_t times(uint64_t bytes)
{
	return bytes == UINT64_MAX ? bytes : bytes << SCALE_BITS;
}

static void scale(const struct snapshot *small, struct snapshot *large)
{
	struct sched_unit *u = &large->unit;

	*large = *small;
	for (unsigned i = 0; i < small->view.count; i++) {
		struct sched_path *p = &large->paths[i];
		p->mss <<= SCALE_BITS;
		p->rate_bps = times(p->rate_bps);
		p->backlog_bytes = times(p->backlog_bytes);
		p->cwnd_bytes = times(p->cwnd_bytes);
		p->ssthresh_bytes = times(p->ssthresh_bytes);
		p->inflight_bytes = times(p->inflight_bytes);
		p->queued_bytes = times(p->queued_bytes);
		p->room_bytes = times(p->room_bytes);
	}
	u->len_bytes = times(u->len_bytes);
	u->remaining_bytes = times(u->remaining_bytes);
	u->sent_bytes = times(u->sent_bytes);
	u->pending_bytes = times(u->pending_bytes);
	u->left_bytes = times(u->left_bytes);
	u->ahead_bytes = times(u->ahead_bytes);
	u->queued_bytes = times(u->queued_bytes);
	u->window_bytes = times(u->window_bytes);
	large->view.paths = large->paths;
	large->view.unit = u;
}

/* Does one of a row of decisions differ between a world and the larger one? */
static bool differs(const struct sched_ops *ops, struct rand *r)
{
	struct subject a, b;
	bool differ = false;

	subject_init(&a, ops);
	subject_init(&b, ops);
	for (int k = 0; k < SCALE_PICKS && !differ; k++) {
		struct snapshot small, large;
		struct sched_decision of_a, of_b;
		small_snapshot(r, &small);
		small.view.now_us = NOW_US + (uint64_t)k * 100000;
		scale(&small, &large);
		subject_pick(&a, &small, &of_a);
		subject_pick(&b, &large, &of_b);
		differ = of_a.verdict != of_b.verdict ||
		         of_a.mask != of_b.mask ||
		         of_a.wait_for != of_b.wait_for;
		subject_obey(&a, &small, &of_a, small.unit.len_bytes);
		subject_obey(&b, &large, &of_b, large.unit.len_bytes);
	}
	subject_finish(&a);
	subject_finish(&b);
	return differ;
}

static void test_scale(void **state)
{
	for (size_t i = 0; i < sched_count + OTHERS; i++) {
		struct rand r = { 48 };
		unsigned differ = 0;
		for (int k = 0; k < SCALE_WORLDS; k++)
			differ += differs(every(i), &r);
		if (differ > SCALE_DIFFER_MAX)
			fail_msg("%s: %u worlds differ at 100 Gbit/s",
			         every(i)->name, differ);
	}
}

/* Liveness --------------------------------------------------------------- */

#define LIVE_WORLDS 3000
#define LIVE_STEPS_MAX 2000

static unsigned count_up(const struct snapshot *snap)
{
	unsigned count = 0;

	for (unsigned i = 0; i < snap->view.count; i++)
		count += snap->paths[i].state == SCHED_PATH_UP;
	return count;
}

/* The path that is waited for has room after all, or, once, nothing moves on
 * it. */
static void let_wait(struct rand *r, struct snapshot *snap,
                     const struct sched_decision *d, bool *failed)
{
	struct sched_path *p = &snap->paths[d->wait_for];

	snap->view.now_us = d->recheck_us;
	if (*failed || count_up(snap) < 2 || rand_below(r, 16)) {
		p->room_bytes += 1 + rand_below(r, 20000);
		return;
	}
	p->state = SCHED_PATH_SUSPECT;
	*failed = true;
}

static uint64_t let_send(struct subject *s, struct snapshot *snap,
                         const struct sched_decision *d)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < snap->view.count; i++) {
		struct sched_path *p = &snap->paths[i];
		if (!(d->mask >> i & 1))
			continue;
		if (!bytes)
			bytes = p->room_bytes < snap->unit.len_bytes
				? p->room_bytes : snap->unit.len_bytes;
		p->room_bytes -= bytes < p->room_bytes ? bytes : p->room_bytes;
		p->queued_bytes += bytes;
		p->backlog_bytes += bytes;
	}
	subject_obey(s, snap, d, bytes);
	return bytes;
}

/* Everything is sent in the end by a driver whose world stands still, but for
 * the paths that it was told to wait for. */
static void live(struct subject *s, struct rand *r)
{
	struct snapshot snap;
	struct sched_decision d;
	uint64_t left = 1 + rand_below(r, 300000);
	bool failed = false;
	int steps = 0;

	do {
		random_snapshot(r, &snap);
	} while (!snapshot_any_up(&snap));
	random_unit(r, &snap.unit, snap.view.count, false);
	snap.unit.tried_mask = 0;
	snap.unit.kind = SCHED_STREAM;
	snap.unit.len_bytes = 1000 + rand_below(r, 15000);
	for (; left && steps < LIVE_STEPS_MAX; steps++) {
		if (snap.unit.len_bytes > left)
			snap.unit.len_bytes = left;
		snap.unit.remaining_bytes = snap.unit.pending_bytes = left;
		snap.unit.left_bytes = left;
		if (snap.unit.queued_bytes != SCHED_UNKNOWN)
			snap.unit.queued_bytes = left;
		subject_pick(s, &snap, &d);
		snapshot_check(s->ops, &snap, &d);
		if (d.verdict == SCHED_SEND)
			left -= let_send(s, &snap, &d);
		else
			let_wait(r, &snap, &d, &failed);
	}
	if (left)
		fail_msg("%s: stalled", s->ops->name);
}

static void test_liveness(void **state)
{
	for (size_t i = 0; i < sched_count + OTHERS; i++) {
		struct rand r = { 49 };
		struct subject s;
		subject_init(&s, every(i));
		for (int k = 0; k < LIVE_WORLDS; k++)
			live(&s, &r);
		subject_finish(&s);
	}
}

static void test_registry(void **state)
{
	assert_true(sched_count >= 2);
	assert_null(sched_find("daps"));
	for (size_t i = 0; i < sched_count + OTHERS; i++) {
		const struct sched_ops *ops = every(i);
		assert_non_null(ops->pick);
		assert_true(ops->name[0] && strlen(ops->name) <= SCHED_NAME_MAX);
		assert_true(ops->summary && ops->summary[0]);
		assert_true(ops->instance_bytes <= SCHED_INSTANCE_BYTES_MAX);
		assert_true(ops->scope_bytes <= SCHED_SCOPE_BYTES_MAX);
		if (i < sched_count)
			assert_ptr_equal(sched_find(ops->name), ops);
		if (i && i < sched_count) /* in order, for whoever looks */
			assert_true(strcmp(every(i - 1)->name, ops->name) < 0);
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
		cmocka_unit_test(test_scale),
		cmocka_unit_test(test_liveness),
	};

	return cmocka_run_group_tests_name("contract/scheduler", tests, NULL, NULL);
}
