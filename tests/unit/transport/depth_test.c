/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: how deep a path takes a stream's bytes: what the faster ones bring until
 * its piece is there.
 */
#include "agg/transport/depth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MOST (UINT64_C(1) << 40)

/* 10 MB/s in 20 ms, and 1 MB/s in 600. */
static struct depth_path fast = { .usable = true, .soonest_us = 20000,
	.usual_us = 20000, .late_us = 20000, .rate_bps = 10000000 };
static struct depth_path slow = { .usable = true, .soonest_us = 600000,
	.usual_us = 600000, .late_us = 600000, .rate_bps = 1000000 };

static struct depth of(const struct depth_path *paths, unsigned count, unsigned i,
                       uint32_t share, uint64_t most)
{
	struct depth depth;

	depth_of(paths, count, i, share, most, &depth);
	return depth;
}

static void a_slow_path_takes_what_is_needed_when_it_has_it_there(void **state)
{
	const struct depth_path paths[] = { fast, slow };
	struct depth depth = of(paths, 2, 1, DEPTH_WHOLE, MOST);

	assert_int_equal(depth.bytes, 5800000);
	assert_int_equal(depth.least_bytes, 5800000);
	assert_int_equal(of(paths, 2, 0, DEPTH_WHOLE, MOST).bytes, 0);
}

static void of_several_streams_each_has_its_share(void **state)
{
	const struct depth_path paths[] = { fast, slow };

	assert_int_equal(of(paths, 2, 1, DEPTH_WHOLE / 4, MOST).bytes, 1450000);
}

static void a_path_between_takes_part(void **state)
{
	struct depth_path mid = slow;

	mid.soonest_us = mid.usual_us = mid.late_us = 120000;
	const struct depth_path paths[] = { slow, mid, fast };
	assert_int_equal(of(paths, 3, 2, DEPTH_WHOLE, MOST).bytes, 0);
	assert_int_equal(of(paths, 3, 1, DEPTH_WHOLE, MOST).bytes, 1000000);
	assert_int_equal(of(paths, 3, 0, DEPTH_WHOLE, MOST).bytes, 5800000 + 480000);
}

static void a_late_piece_still_comes_in_time_if_there_is_room(void **state)
{
	struct depth_path lossy = slow;

	lossy.late_us = 1200000;
	const struct depth_path paths[] = { fast, lossy };
	struct depth depth = of(paths, 2, 1, DEPTH_WHOLE, MOST);
	assert_int_equal(depth.bytes, 11800000);
	assert_int_equal(depth.least_bytes, 5800000);
	depth = of(paths, 2, 1, DEPTH_WHOLE, 8000000);
	assert_int_equal(depth.bytes, 8000000);
	depth = of(paths, 2, 1, DEPTH_WHOLE, 1000000);
	assert_int_equal(depth.bytes, 5800000); /* it is left out, not late */
}

/* BBR looks for the least round-trip time with four segments: for 200 ms what
 * the fast path took is more than the slow one takes. It is still the head. */
static void who_is_first_does_not_flip(void **state)
{
	struct depth_path probing = fast;

	probing.usual_us = 900000;
	const struct depth_path paths[] = { probing, slow };
	assert_int_equal(of(paths, 2, 0, DEPTH_WHOLE, MOST).bytes, 0);
	assert_int_equal(of(paths, 2, 1, DEPTH_WHOLE, MOST).bytes, 5800000);
}

static void what_is_no_help_does_not_count(void **state)
{
	struct depth_path paths[] = { fast, slow };

	paths[0].usable = false;
	assert_int_equal(of(paths, 2, 1, DEPTH_WHOLE, MOST).bytes, 0);
	paths[0] = fast;
	paths[0].rate_bps = 0;
	assert_int_equal(of(paths, 2, 1, DEPTH_WHOLE, MOST).bytes, 0);
	paths[0] = fast;
	paths[0].path_class = 1; /* dearer: it takes what the other leaves */
	assert_int_equal(of(paths, 2, 1, DEPTH_WHOLE, MOST).bytes, 0);
}

/* The satellite's round trip of 600 ms holds 600 KB. */
static void a_far_path_is_filled_and_no_more(void **state)
{
	struct depth_path paths[] = { fast, slow };

	paths[0].min_rtt_us = 12000;
	paths[1].min_rtt_us = 600000;
	paths[1].rtt_us = 800000;
	paths[1].slack_bytes = 20000;
	paths[1].under_way_bytes = 679000;
	assert_false(depth_is_full(paths, 2, 1));
	paths[1].under_way_bytes = 681000;
	assert_true(depth_is_full(paths, 2, 1));
	paths[1].rtt_us = 740000; /* there is little queue: more may be carried */
	assert_false(depth_is_full(paths, 2, 1));
	paths[1].rtt_us = 760000;
	assert_true(depth_is_full(paths, 2, 1));
	paths[1].rtt_us = 600000;
	paths[1].most_percent = 140; /* it may carry more, but not much more at once */
	assert_false(depth_is_full(paths, 2, 1));
	paths[1].under_way_bytes = 861000;
	assert_true(depth_is_full(paths, 2, 1));
	paths[1].under_way_bytes = 681000;
	paths[1].most_percent = 0; /* what the other has may come to go this way */
	paths[0].quiet = true;
	assert_true(depth_is_full(paths, 2, 1));
	paths[0].quiet = false;
	paths[0].closed = true;
	assert_true(depth_is_full(paths, 2, 1));
	paths[1].under_way_bytes = 0;
	assert_false(depth_is_full(paths, 2, 1));
	assert_true(depth_is_other_closed(paths, 2, 1));
	assert_false(depth_is_other_closed(paths, 2, 0));
	paths[0].closed = false;
	assert_false(depth_is_other_closed(paths, 2, 1));
	paths[1].wasteful = true;
	assert_true(depth_is_full(paths, 2, 1));
	paths[0].wasteful = true;
	assert_false(depth_is_full(paths, 2, 0));
	paths[1].rate_bps = 5000000; /* it is half of all */
	assert_false(depth_is_full(paths, 2, 1));
	paths[1] = slow;
	paths[1].min_rtt_us = 40000; /* it is not far */
	paths[1].rtt_us = 200000;
	paths[1].under_way_bytes = 10000000;
	assert_false(depth_is_full(paths, 2, 1));
	paths[1].min_rtt_us = 600000;
	paths[1].rtt_us = 800000;
	paths[0].usable = false; /* it is all there is */
	assert_false(depth_is_full(paths, 2, 1));
}

static void nothing_overflows(void **state)
{
	struct depth_path paths[] = { fast, slow };

	paths[0].rate_bps = paths[1].rate_bps = UINT64_MAX;
	paths[1].usual_us = paths[1].late_us = paths[1].soonest_us = UINT64_MAX;
	struct depth depth = of(paths, 2, 1, DEPTH_WHOLE, 1);
	assert_true(depth.bytes > UINT64_C(1) << 40);
	assert_true(depth.bytes >= depth.least_bytes);
}

static void a_share_follows_what_is_sent(void **state)
{
	struct depth_share s = { 0 };
	uint64_t all = 1000000, now_us = 5000000;

	assert_int_equal(depth_share(&s, 4), DEPTH_WHOLE / 4);
	assert_int_equal(depth_share(&s, 0), DEPTH_WHOLE);
	for (int i = 0; i < 100; i++) { /* of four bytes one */
		all += 4000;
		depth_sent(&s, now_us += 10000, 1000, all);
	}
	assert_in_range(depth_share(&s, 1), DEPTH_WHOLE / 5, DEPTH_WHOLE / 3);
	for (int i = 0; i < 200; i++) { /* then all */
		all += 1000;
		depth_sent(&s, now_us += 10000, 1000, all);
	}
	assert_in_range(depth_share(&s, 4), DEPTH_WHOLE * 9 / 10, DEPTH_WHOLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slow_path_takes_what_is_needed_when_it_has_it_there),
		cmocka_unit_test(of_several_streams_each_has_its_share),
		cmocka_unit_test(a_path_between_takes_part),
		cmocka_unit_test(a_late_piece_still_comes_in_time_if_there_is_room),
		cmocka_unit_test(who_is_first_does_not_flip),
		cmocka_unit_test(what_is_no_help_does_not_count),
		cmocka_unit_test(a_far_path_is_filled_and_no_more),
		cmocka_unit_test(nothing_overflows),
		cmocka_unit_test(a_share_follows_what_is_sent),
	};

	return cmocka_run_group_tests_name("transport/depth", tests, NULL, NULL);
}
