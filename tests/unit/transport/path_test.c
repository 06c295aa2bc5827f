/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what the users of a path tell of it together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/transport/path.h"

#define NOW_US 10000000u
#define MBYTE 1000000u

static void judge(struct path *path, const struct path_user *users, unsigned n,
                  uint64_t now_us)
{
	path_begin(path);
	for (unsigned i = 0; i < n; i++)
		path_add(path, &users[i], now_us);
	path_end(path, now_us);
}

/* The one that had an answer last knows the queue. */
static void its_rtt_is_the_latest(void **state)
{
	struct path_user users[] = {
		{ .srtt_us = 30000, .min_rtt_us = 10000, .sampled_us = NOW_US - 2000 },
		{ .srtt_us = 90000, .min_rtt_us = 11000, .sampled_us = NOW_US - 1000 },
		{ .srtt_us = 20000, .min_rtt_us = 12000, .sampled_us = NOW_US - 3000 },
	};
	struct path path = { 0 };

	judge(&path, users, 3, NOW_US);
	assert_int_equal(path.rtt_us, 90000);
}

/* The pace of a path of that round trip, now with a queue of so long. */
static uint64_t pace(struct path *path, uint64_t min_rtt_us, uint64_t queue_us,
                     uint64_t now_us)
{
	struct path_user user = { .srtt_us = min_rtt_us + queue_us,
	                          .min_rtt_us = min_rtt_us, .sampled_us = now_us,
	                          .rate_bps = MBYTE };

	path->window_us = now_us;
	judge(path, &user, 1, now_us);
	return path->pace_bps;
}

/* Only of one that is far: by more as long as no queue shows what it carries. */
static void a_far_path_is_paced(void **state)
{
	struct path path = { 0 }, near = { 0 };

	assert_int_equal(pace(&near, 50000, 50000, NOW_US), 0);
	assert_int_equal(near.most_percent, 0);
	uint64_t starts = pace(&path, 560000, 20000, NOW_US);
	assert_in_range(starts, MBYTE / 100 * 130, MBYTE / 100 * 199);
	assert_in_range(path.most_percent, 130, 199);
	uint64_t queued = pace(&path, 560000, 100000, NOW_US + 1000);
	assert_in_range(queued, MBYTE / 100 * 70, MBYTE / 100 * 90);
	assert_in_range(path.most_percent, 110, 140);
	uint64_t free = pace(&path, 560000, 20000, NOW_US + 2000);
	assert_in_range(free, MBYTE / 100 * 102, MBYTE / 100 * 110);
	judge(&path, NULL, 0, NOW_US + 3000); /* who comes then starts anew */
	assert_int_equal(pace(&path, 560000, 20000, NOW_US + 4000), starts);
}

/* So little that nobody would miss what it loses may double, and more. */
static void a_minor_path_starts_as_it_likes(void **state)
{
	struct path path = { .minor = true };

	assert_true(pace(&path, 560000, 0, NOW_US) >= 2 * MBYTE);
	assert_true(path.most_percent >= 200);
}

/* Its own loss, of a random kind, and what it loses in the queue that we built. */
static void what_a_queue_loses_is_not_its_own(void **state)
{
	struct path path = { 0 };
	struct path_user user = { .srtt_us = 700000, .min_rtt_us = 600000,
		.sampled_us = NOW_US, .rate_bps = MBYTE, .sent_bytes = MBYTE };

	path.window_us = NOW_US;
	judge(&path, &user, 1, NOW_US);
	user.sent_bytes += MBYTE;
	user.retrans_bytes += MBYTE / 10;
	judge(&path, &user, 1, NOW_US + 600000);
	assert_true(path.loss_ppm > 20000);
	assert_true(path.pace_bps > 0);
	user.srtt_us = 600000;
	user.sampled_us += 1800000;
	user.sent_bytes += MBYTE;
	judge(&path, &user, 1, NOW_US + 1800000 + 1);
	assert_true(path.pace_bps > 0);
	user.sent_bytes += MBYTE;
	user.retrans_bytes += MBYTE / 10;
	judge(&path, &user, 1, NOW_US + 1900000);
	assert_int_equal(path.pace_bps, 0);
	assert_int_equal(path.most_percent, 0);
}

/* What comes when a hole is filled came long before. */
static void a_hole_that_fills_is_no_rate(void **state)
{
	struct path_user user = { .srtt_us = 10000, .rate_bps = MBYTE };
	struct path path = { .window_us = NOW_US };

	path_acked(&path, MBYTE);
	judge(&path, &user, 1, NOW_US + 100000);
	assert_int_equal(path.rate_bps, MBYTE);
}

/* From one loss to the next, which may be some seconds. */
static void the_latest_is_remembered(void **state)
{
	struct path path = { .rtt_us = 600000 };

	for (unsigned i = 0; i < 50; i++)
		path_took(&path, 300000);
	path_took(&path, 900000);
	for (unsigned i = 0; i < 1000; i++)
		path_took(&path, 300000);
	assert_in_range(path.late_us, 720000, 900000);
	for (unsigned i = 0; i < 20000; i++)
		path_took(&path, 300000);
	assert_in_range(path.late_us, 300000, 330000);
}

/* Without a queue for long it may carry more by now; and what it loses by itself hides
 * what it could. */
static void what_may_carry_more_is_not_paced(void **state)
{
	struct path path = { 0 };
	struct path_user user = { .srtt_us = 660000, .min_rtt_us = 560000,
		.sampled_us = NOW_US, .rate_bps = MBYTE, .sent_bytes = MBYTE,
		.retrans_bytes = MBYTE / 50 };

	assert_true(pace(&path, 560000, 100000, NOW_US) > 0);
	assert_true(pace(&path, 560000, 0, NOW_US + 5 * 560000) > 0);
	assert_true(pace(&path, 560000, 0, NOW_US + 9 * 560000) > MBYTE / 100 * 130);
	path = (struct path){ 0 };
	judge(&path, &user, 1, NOW_US);
	assert_int_equal(path.pace_bps, 0);
}

/* Only beside those that are near and carry more by far, though they be silent. */
static void the_main_path_is_not_paced(void **state)
{
	struct path paths[2] = { { 0 }, { .min_rtt_us = 12000, .rate_bps = 3 * MBYTE } };

	pace(&paths[0], 560000, 100000, NOW_US);
	path_compare(paths, 2, 1);
	assert_true(paths[0].pace_bps > 0);
	paths[1].rate_bps = MBYTE;
	path_compare(paths, 2, 3);
	assert_int_equal(paths[0].pace_bps, 0);
}

/* It is somebody else's, or the way has become longer. */
static void a_queue_that_stays_is_not_yielded_to(void **state)
{
	struct path path = { 0 };
	uint64_t at_us = NOW_US;

	assert_true(pace(&path, 560000, 200000, at_us) > 0);
	for (; at_us < NOW_US + 10 * 560000; at_us += 100000)
		if (!pace(&path, 560000, 200000, at_us))
			break;
	assert_in_range(at_us, NOW_US + 4 * 560000, NOW_US + 9 * 560000);
	assert_int_equal(pace(&path, 560000, 200000, at_us + 20000000), 0);
	assert_true(pace(&path, 560000, 10000, at_us + 21000000) > MBYTE);
}

/* What was measured in a queue that is long gone is not what it takes now. */
static void when_all_are_quiet_it_is_the_least(void **state)
{
	struct path_user users[] = {
		{ .srtt_us = 300000, .min_rtt_us = 14000, .sampled_us = 1 },
		{ .srtt_us = 90000, .min_rtt_us = 11000, .sampled_us = 2 },
	};
	struct path path = { 0 };

	judge(&path, users, 2, NOW_US);
	assert_int_equal(path.rtt_us, 11000);
	users[0].sampled_us = NOW_US - PATH_RTT_AGE_US + 1;
	judge(&path, users, 2, NOW_US);
	assert_int_equal(path.rtt_us, 300000);
	judge(&path, users, 0, NOW_US);
	assert_int_equal(path.rtt_us, UINT64_MAX);
}

static void its_rate_is_that_of_all_users(void **state)
{
	struct path_user users[] = {
		{ .srtt_us = 10000, .rate_bps = MBYTE, .busy = true },
		{ .srtt_us = 10000, .rate_bps = MBYTE / 2, .busy = true },
	};
	struct path path = { .window_us = NOW_US };

	judge(&path, users, 2, NOW_US);
	assert_int_equal(path.rate_bps, MBYTE);
	path_acked(&path, MBYTE / 10);
	path_acked(&path, MBYTE / 25);
	judge(&path, users, 2, NOW_US + PATH_WINDOW_MIN_US / 2); /* too soon */
	assert_int_equal(path.rate_bps, MBYTE);
	judge(&path, users, 2, NOW_US + 100000);
	assert_int_equal(path.rate_bps, MBYTE / 5 * 7);
}

/* A quiet path does not look slow; one that has enough to do, and delivers
 * less, is. */
static void its_rate_decays_by_what_it_does(void **state)
{
	struct path_user user = { .srtt_us = 10000 };
	struct path quiet = { .rate_bps = MBYTE, .window_us = NOW_US };
	struct path busy = quiet;

	judge(&quiet, &user, 1, NOW_US + 1000000);
	assert_in_range(quiet.rate_bps, MBYTE / 100 * 94, MBYTE / 100 * 96);
	user.busy = true;
	judge(&busy, &user, 1, NOW_US + 1000000);
	assert_int_equal(busy.rate_bps, MBYTE / 2);
	assert_int_equal(path_rate_decayed(MBYTE, UINT64_MAX, false), MBYTE / 2);
}

static void backlog_and_loss_are_sums(void **state)
{
	struct path_user users[] = {
		{ .backlog_bytes = 1000, .sent_bytes = 900000, .retrans_bytes = 9000 },
		{ .backlog_bytes = 500, .under_way_bytes = 400,
		  .sent_bytes = 100000, .retrans_bytes = 11000 },
	};
	struct path path = { 0 };

	judge(&path, users, 2, NOW_US);
	path_sent(&path, 250);
	assert_int_equal(path.backlog_bytes, 1750);
	assert_int_equal(path.under_way_bytes, 650);
	assert_int_equal(path.loss_ppm, 20000);
	judge(&path, users + 1, 1, NOW_US);
	assert_int_equal(path.loss_ppm, 0); /* 100,000 bytes tell nothing */
	assert_int_equal(path.backlog_bytes, 500);
}

static void what_is_usual_is_learnt(void **state)
{
	struct path path = { 0 };

	path_took(&path, 40000);
	assert_int_equal(path.usual_us, 40000);
	assert_int_equal(path.usual_var_us, 20000);
	for (unsigned i = 0; i < 50; i++)
		path_took(&path, 80000);
	assert_in_range(path.usual_us, 79000, 80000);
	assert_in_range(path.usual_var_us, 0, 1000);
}

static bool judged(struct path *path, uint64_t all_bytes, uint64_t now_us)
{
	path_judge(path, all_bytes, now_us);
	return path->wasteful;
}

/* A round trip of 600 ms: judged over 1.8 s, rests as long, but not at once. */
static void who_wastes_much_rests(void **state)
{
	struct path path = { .rtt_us = 600000 };
	uint64_t all = 1000000, now_us = 10000000;

	assert_false(judged(&path, all, now_us));
	for (unsigned i = 0; i < 3; i++) { /* by turns */
		path_sent(&path, 300000);
		path_wasted(&path, 120000);
		assert_false(judged(&path, all += 1000000, now_us += 1900000));
		assert_false(judged(&path, all += 1000000, now_us += 1900000));
	}
	path_sent(&path, 300000);
	path_wasted(&path, 120000);
	assert_false(judged(&path, all += 1000000, now_us += 1900000));
	path_sent(&path, 300000);
	path_wasted(&path, 120000);
	assert_false(judged(&path, all += 1000000, now_us += 1700000));
	assert_true(judged(&path, all, now_us += 200000));
	assert_true(judged(&path, all, now_us += 1700000));
	/* What went again while it rested was sent before. */
	path_wasted(&path, 120000);
	assert_true(judged(&path, all, now_us += 50000));
	assert_false(judged(&path, all, now_us += 100000));
	path_sent(&path, 300000);
	path_wasted(&path, 120000);
	assert_true(judged(&path, all += 1000000, now_us += 2000000));
	assert_false(judged(&path, all, now_us += 2000000));
	assert_false(judged(&path, all, now_us += 2000000));
	/* Much of its own, but little of all; and little of its own. */
	for (unsigned i = 0; i < 2; i++) {
		path_sent(&path, 300000);
		path_wasted(&path, 120000);
		assert_false(judged(&path, all += 4000000, now_us += 2000000));
	}
	for (unsigned i = 0; i < 2; i++) {
		path_sent(&path, 900000);
		path_wasted(&path, 200000);
		assert_false(judged(&path, all += 1000000, now_us += 2000000));
	}
	/* What was taken back in a later while is no waste at all. */
	path_wasted_not(&path, 200000);
	path_sent(&path, 300000);
	assert_false(judged(&path, all += 1000000, now_us += 2000000));
}

/* By what those carry that carry something new. */
static void who_carries_little_is_minor(void **state)
{
	struct path paths[] = { { .rate_bps = 10000000 }, { .rate_bps = 1000000 },
	                        { .rate_bps = 700000 }, { .rate_bps = 90000000 } };

	path_compare(paths, 4, 7);
	assert_false(paths[0].minor);
	assert_false(paths[1].minor);
	assert_true(paths[2].minor);
	assert_false(paths[3].minor); /* it is not there */
	path_compare(paths, 4, 15);
	assert_false(paths[0].minor);
	assert_true(paths[1].minor);
	path_compare(paths, 4, 4);
	assert_false(paths[2].minor); /* it is alone */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_rtt_is_the_latest),
		cmocka_unit_test(when_all_are_quiet_it_is_the_least),
		cmocka_unit_test(a_far_path_is_paced),
		cmocka_unit_test(a_minor_path_starts_as_it_likes),
		cmocka_unit_test(what_a_queue_loses_is_not_its_own),
		cmocka_unit_test(a_hole_that_fills_is_no_rate),
		cmocka_unit_test(the_latest_is_remembered),
		cmocka_unit_test(what_may_carry_more_is_not_paced),
		cmocka_unit_test(the_main_path_is_not_paced),
		cmocka_unit_test(a_queue_that_stays_is_not_yielded_to),
		cmocka_unit_test(its_rate_is_that_of_all_users),
		cmocka_unit_test(its_rate_decays_by_what_it_does),
		cmocka_unit_test(backlog_and_loss_are_sums),
		cmocka_unit_test(what_is_usual_is_learnt),
		cmocka_unit_test(who_wastes_much_rests),
		cmocka_unit_test(who_carries_little_is_minor),
	};

	return cmocka_run_group_tests_name("transport/path", tests, NULL, NULL);
}
