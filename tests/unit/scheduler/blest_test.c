/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: blest and blest_kernel, worked by hand from their formulas. The fast
 * path of 20 ms is full with its window of 100,000 bytes, the slow one of
 * 100 ms has room. Asked is from which credit on a piece goes to the slow path:
 * that gives lambda * X.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scheduler/scheduler.h"

#include <string.h>

#define START_US 100000000u
#define PIECE 1000u
#define CWND 100000u
#define FAST_US 20000u
#define SLOW_US 100000u
#define CREDIT_MAX (UINT64_C(1) << 36)

struct subject {
	const struct sched_ops *ops;
	uint64_t instance[SCHED_INSTANCE_BYTES_MAX / sizeof(uint64_t)];
	uint64_t now_us;
	struct sched_path paths[3]; /* fast, slow, another */
	unsigned count;
	struct sched_unit unit;
};

static void begin(struct subject *s, const char *name)
{
	*s = (struct subject){
		.ops = sched_find(name), .now_us = START_US, .count = 2,
		.paths = {
			{ .id = 3, .srtt_us = FAST_US, .cwnd_bytes = CWND,
			  .mss = 1000, .inflight_bytes = CWND },
			{ .id = 1, .srtt_us = SLOW_US, .cwnd_bytes = CWND,
			  .mss = 1000, .inflight_bytes = 30000,
			  .room_bytes = 5000 },
			{ .id = 0, .srtt_us = SLOW_US, .mss = 1000 },
		},
		.unit = { .len_bytes = 16384, .pending_bytes = PIECE,
		          .queued_bytes = SCHED_UNKNOWN },
	};
	assert_non_null(s->ops);
}

static void ask(struct subject *s, struct sched_decision *got)
{
	struct sched_view view = { s->now_us, s->paths, s->count, &s->unit };

	s->ops->pick(s->instance, NULL, &view, got);
}

/* Asks at a time, of a subject that is left as it was. */
static bool sends(const struct subject *s, uint64_t credit)
{
	struct subject copy = *s;
	struct sched_decision got;

	copy.unit.window_bytes = credit;
	ask(&copy, &got);
	return got.verdict == SCHED_SEND;
}

/* lambda * X: what the credit and the rest of |M| must be. */
static uint64_t needs(const struct subject *s)
{
	uint64_t least = 0, most = CREDIT_MAX;
	uint64_t others = s->paths[0].inflight_bytes;

	if (s->count > 2)
		others += s->paths[2].inflight_bytes + s->paths[2].queued_bytes;
	assert_true(sends(s, most));
	while (least < most) {
		uint64_t middle = (least + most) / 2;
		if (sends(s, middle))
			most = middle;
		else
			least = middle + 1;
	}
	return most + others - PIECE;
}

static void blocked(struct subject *s)
{
	struct sched_event event = { .type = SCHED_EV_HOL_BLOCKED, .path = 1,
	                             .now_us = s->now_us };
	s->ops->event(s->instance, &event);
}

/* So much later it is asked once. */
static void later(struct subject *s, uint64_t us)
{
	struct sched_decision got;

	s->now_us += us;
	ask(s, &got);
}

/* Both ------------------------------------------------------------------- */

static const char *const names[] = { "blest", "blest_kernel" };

static void test_wait(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		struct subject s;
		struct sched_decision got;
		begin(&s, names[i]);
		ask(&s, &got);
		assert_int_equal(got.verdict, SCHED_WAIT);
		assert_int_equal(got.wait_for, 0);
		assert_int_equal(got.recheck_us, START_US + 2 * FAST_US);
		s.unit.window_bytes = CREDIT_MAX;
		ask(&s, &got);
		assert_int_equal(got.verdict, SCHED_SEND);
		assert_int_equal(got.mask, 2);
	}
}

static void test_no_wait(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		struct subject s;
		begin(&s, names[i]);
		assert_false(sends(&s, 0));
		s.unit.kind = SCHED_REINJECT; /* has its place already */
		assert_true(sends(&s, 0));
		s.unit.kind = SCHED_STREAM;
		s.unit.tried_mask = 1;        /* nothing to wait for */
		assert_true(sends(&s, 0));
		s.unit.tried_mask = 0;
		s.paths[0].state = SCHED_PATH_SUSPECT;
		assert_true(sends(&s, 0));
		s.paths[0].state = SCHED_PATH_UP;
		s.paths[0].path_class = SCHED_CLASS_METERED;
		assert_true(sends(&s, 0));
		s.paths[0].path_class = SCHED_CLASS_NORMAL;
		s.paths[0].srtt_us = SLOW_US; /* no faster */
		assert_true(sends(&s, 0));
		s.paths[0].srtt_us = 0;       /* nobody knows */
		assert_true(sends(&s, 0));
	}
}

/* What others have in flight is of the window, and of what f sends. */
static void test_window(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		struct subject s;
		begin(&s, names[i]);
		uint64_t x = needs(&s);
		s.paths[1].inflight_bytes += 10000; /* its own is neither */
		assert_int_equal(needs(&s), x);
		s.count = 3;
		s.paths[2].inflight_bytes = 7000;
		s.paths[2].queued_bytes = 3000;
		assert_int_equal(needs(&s), x);
		s.paths[2].state = SCHED_PATH_SUSPECT;
		assert_int_equal(needs(&s), x + 10000);
	}
}

/* The paper -------------------------------------------------------------- */

static void test_paper_x(void **state)
{
	struct subject s;

	begin(&s, "blest"); /* n = 5: (100000 + 1000 * 2) * 5 */
	assert_int_equal(needs(&s), 510000);
	s.paths[1].srtt_us = 50000; /* n = 2.5: (100000 + 1000 * 0.75) * 2.5 */
	assert_int_equal(needs(&s), 251875);
	s.paths[0].ssthresh_bytes = UINT64_MAX; /* no matter */
	assert_int_equal(needs(&s), 251875);
}

static void test_paper_learns(void **state)
{
	struct subject s;

	begin(&s, "blest");
	later(&s, 0);
	blocked(&s);
	later(&s, FAST_US - 1); /* not yet */
	assert_int_equal(needs(&s), 510000);
	later(&s, 1);
	assert_int_equal(needs(&s), 510 * 1010);
	blocked(&s);
	blocked(&s); /* in one round trip: once */
	later(&s, FAST_US);
	assert_int_equal(needs(&s), 510 * 1020);
	later(&s, FAST_US);
	assert_int_equal(needs(&s), 510 * 1010);
	later(&s, 1000 * FAST_US); /* nobody asked meanwhile */
	assert_int_equal(needs(&s), 510 * 1000);
}

static void test_paper_bounds(void **state)
{
	struct subject s;

	begin(&s, "blest");
	for (int i = 0; i < 200; i++) {
		blocked(&s);
		later(&s, FAST_US);
	}
	assert_int_equal(needs(&s), 510 * 2000);
	for (int i = 0; i < 200; i++)
		later(&s, FAST_US);
	assert_int_equal(needs(&s), 510 * 500);
}

/* The kernel ------------------------------------------------------------- */

static void test_kernel_x(void **state)
{
	struct subject s;

	begin(&s, "blest_kernel"); /* 6 rounds: (100000 + 2 * 1000) * 6 * 1.2 */
	assert_int_equal(needs(&s), 612 * 1200);
	s.paths[0].ssthresh_bytes = 150000; /* + 1000, as if it were there */
	assert_int_equal(needs(&s), (151000 + 2000) * 6 * 12 / 10);
	s.paths[0].ssthresh_bytes = UINT64_MAX; /* 63 windows */
	assert_int_equal(needs(&s), 6300 * 1200);
	s.paths[1].srtt_us = 2000000; /* 101 rounds, but 16 doublings */
	assert_int_equal(needs(&s), UINT64_C(6553500) * 1200);
}

static void test_kernel_lingers(void **state)
{
	struct subject s;

	begin(&s, "blest_kernel");
	s.paths[1].srtt_us = 300000;
	later(&s, 0);
	s.paths[1].srtt_us = SLOW_US;
	later(&s, 1000);
	s.paths[1].inflight_bytes = 49000; /* half of it with the piece: 200 ms */
	assert_int_equal(needs(&s), (100000 + 5000) * 11 * 12 / 10);
	s.paths[1].inflight_bytes = 99000; /* all of it: 300 ms */
	assert_int_equal(needs(&s), (100000 + 7000) * 16 * 12 / 10);
	s.paths[1].srtt_us = 250000;       /* and never less than now */
	s.paths[1].inflight_bytes = 49000;
	assert_int_equal(needs(&s), (100000 + 6000) * 13 * 12 / 10);
}

/* The kernel remembers for ever; here a bad second is forgotten in time. */
static void test_kernel_forgets(void **state)
{
	struct subject s;

	begin(&s, "blest_kernel");
	s.paths[1].inflight_bytes = 99000;
	s.paths[1].srtt_us = 300000;
	later(&s, 0);
	s.paths[1].srtt_us = SLOW_US;
	later(&s, 5000000);
	later(&s, 4999999);
	uint64_t lambda = 1200 - 2 * 10;
	assert_int_equal(needs(&s), 107 * 16 * lambda);
	later(&s, 1);
	assert_int_equal(needs(&s), 612 * lambda);
	s.paths[1].srtt_us = 300000;
	later(&s, 1);
	s.paths[1].srtt_us = SLOW_US;
	later(&s, 20000000); /* silence */
	assert_int_equal(needs(&s), 612 * (lambda - 10));
}

/* Its past goes with a path, wherever it stands in the view. */
static void test_kernel_knows_paths(void **state)
{
	struct subject s;

	begin(&s, "blest_kernel");
	s.paths[1].inflight_bytes = 99000;
	s.paths[1].srtt_us = 300000;
	later(&s, 0);
	s.paths[1].srtt_us = SLOW_US;
	struct sched_path slow = s.paths[1];
	s.paths[1] = s.paths[0];
	s.paths[0] = slow;
	s.paths[0].inflight_bytes = CWND; /* what others have in flight is equal */
	assert_int_equal(needs(&s), 107 * 16 * 1200);
}

static void test_kernel_learns(void **state)
{
	struct subject s;

	begin(&s, "blest_kernel");
	later(&s, 0);
	later(&s, SLOW_US - 1); /* not yet */
	assert_int_equal(needs(&s), 612 * 1200);
	later(&s, 1);
	assert_int_equal(needs(&s), 612 * 1190);
	blocked(&s);
	later(&s, SLOW_US);
	assert_int_equal(needs(&s), 612 * 1230);
	for (int i = 0; i < 3; i++) {
		blocked(&s);
		later(&s, SLOW_US);
	}
	assert_int_equal(needs(&s), 612 * 1300);
	for (int i = 0; i < 40; i++)
		later(&s, SLOW_US);
	assert_int_equal(needs(&s), 612 * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_no_wait),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_paper_x),
		cmocka_unit_test(test_paper_learns),
		cmocka_unit_test(test_paper_bounds),
		cmocka_unit_test(test_kernel_x),
		cmocka_unit_test(test_kernel_lingers),
		cmocka_unit_test(test_kernel_forgets),
		cmocka_unit_test(test_kernel_knows_paths),
		cmocka_unit_test(test_kernel_learns),
	};

	return cmocka_run_group_tests_name("scheduler/blest", tests, NULL, NULL);
}
