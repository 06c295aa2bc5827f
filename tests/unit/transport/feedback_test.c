/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/transport/feedback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MS 1000u

static uint16_t sent_at(uint64_t us) { return (uint16_t)(us / DATAGRAM_TIME_US); }

/* 100 bytes, 5 ms on the way. */
static void note(struct feedback *f, uint64_t counter, uint64_t now_us)
{
	struct feedback_came came = { .epoch = 1, .counter = counter, .bytes = 100,
		.sent = sent_at(now_us - 5 * MS), .asks = true };

	feedback_note(f, &came, now_us);
}

static void test_says_what_came(void **state)
{
	struct feedback f = { 0 };
	struct datagram_feedback told = { 0 };

	note(&f, 7, 1000 * MS);
	note(&f, 8, 1001 * MS);
	note(&f, 11, 1002 * MS);
	note(&f, 10, 1003 * MS);
	feedback_tell(&f, &told, 1004 * MS);
	assert_int_equal(told.largest, 11);
	assert_int_equal(told.held_us, 2 * MS);
	assert_int_equal(told.packets, 4);
	assert_int_equal(told.bytes, 400);
	assert_int_equal(told.before, 1u << 0 | 1u << 2 | 1u << 3); /* 10, 8, 7 */
	assert_in_range(told.delay_min, 5 * MS / 64 - 1, 5 * MS / 64 + 1);
}

static void test_a_far_step_forgets_what_was_before(void **state)
{
	struct feedback f = { 0 };
	struct datagram_feedback told;

	note(&f, 1, 1000 * MS);
	note(&f, 65, 1000 * MS);
	feedback_tell(&f, &told, 1000 * MS);
	assert_true(told.before == UINT64_C(1) << 63);
	note(&f, 129 + 1, 1000 * MS);
	feedback_tell(&f, &told, 1000 * MS);
	assert_true(told.before == 0);
	note(&f, 5, 1000 * MS); /* much too late: counted only */
	feedback_tell(&f, &told, 1000 * MS);
	assert_int_equal(told.packets, 4);
	assert_int_equal(told.largest, 130);
}

static void test_percentile_of_many(void **state)
{
	struct feedback f = { 0 };
	struct datagram_feedback told;
	uint64_t now_us = 1000000;

	for (unsigned i = 0; i < 1000; i++) { /* delays of 0 to 63.9 ms, in a row */
		struct feedback_came came = { .counter = i, .bytes = 1, .asks = true,
			.sent = sent_at(now_us - i * 64) };
		feedback_note(&f, &came, now_us);
	}
	feedback_tell(&f, &told, now_us);
	uint16_t above = (uint16_t)(told.delay_p90 - told.delay_min);
	assert_in_range(above, 850, 930);
}

static void test_tells_at_once_and_then_in_turn(void **state)
{
	struct feedback f = { 0 };
	struct datagram_feedback told;

	assert_true(feedback_due_us(&f, 0, 0) == UINT64_MAX);
	note(&f, 1, 1000 * MS);
	assert_true(feedback_due_us(&f, 40 * MS, 0) == 1000 * MS);
	feedback_tell(&f, &told, 1000 * MS);
	assert_true(feedback_due_us(&f, 40 * MS, 0) == UINT64_MAX);
	note(&f, 2, 1001 * MS);
	assert_true(feedback_due_us(&f, 40 * MS, 0) == 1010 * MS);
	assert_true(feedback_due_us(&f, 400 * MS, 0) == 1025 * MS);
	/* 0.4 Mbit/s back: each 91 ms, which is 2 % of it. */
	assert_true(feedback_due_us(&f, 40 * MS, 50000) == 1091 * MS);
	assert_true(feedback_due_us(&f, 40 * MS, 8000) == 1100 * MS); /* or it seems dead */
	feedback_tell(&f, &told, 1010 * MS);
	note(&f, 3, 1500 * MS); /* after silence */
	assert_true(feedback_due_us(&f, 40 * MS, 0) == 1500 * MS);
}

static void test_is_understood_across_all_wraps(void **state)
{
	struct feedback f = { .epoch = 1, .bytes = UINT32_MAX - 50, .packets = UINT32_MAX };
	struct feedback_heard heard = { 0 };
	struct datagram_feedback told;
	struct rate_news news, first;
	uint64_t counter = UINT32_MAX - UINT64_C(1), now_us = UINT32_MAX - 5 * MS;

	f.largest = counter - 1;
	note(&f, counter, now_us);
	feedback_tell(&f, &told, now_us);
	assert_true(feedback_hear(&heard, &told, 0, counter + 3, &first));
	assert_true(first.largest == counter);
	for (unsigned i = 1; i <= 3; i++)
		note(&f, counter + i, now_us + i * 4 * MS);
	feedback_tell(&f, &told, now_us + 12 * MS);
	assert_true(feedback_hear(&heard, &told, 0, counter + 3, &news));
	assert_true(news.largest == counter + 3);
	assert_int_equal(news.packets - first.packets, 3);
	assert_int_equal(news.bytes - first.bytes, 300);
	assert_int_equal(news.told_us - first.told_us, 12 * MS);
	assert_in_range(news.delay_min_us - first.delay_min_us + 1000, 872, 1128);
}

static void test_refuses_what_cannot_be(void **state)
{
	struct feedback f = { 0 };
	struct feedback_heard heard = { 0 };
	struct datagram_feedback told, old;
	struct rate_news news;

	note(&f, 5, 1000 * MS);
	feedback_tell(&f, &old, 1000 * MS);
	note(&f, 6, 1001 * MS);
	feedback_tell(&f, &told, 1001 * MS);
	assert_false(feedback_hear(&heard, &told, 0, 5, &news)); /* 6 was never sent */
	assert_true(feedback_hear(&heard, &told, 0, 6, &news));
	assert_false(feedback_hear(&heard, &old, 0, 6, &news)); /* overtaken */
	assert_true(feedback_hear(&heard, &told, 0, 6, &news)); /* nothing new */
	assert_false(news.congested);
}

static void test_marks_are_told_once(void **state)
{
	struct feedback f = { 0 };
	struct feedback_heard heard = { 0 };
	struct datagram_feedback told;
	struct rate_news news;

	note(&f, 1, 1000 * MS);
	feedback_tell(&f, &told, 1000 * MS);
	assert_true(feedback_hear(&heard, &told, 0, 9, &news));
	struct feedback_came marked = { .epoch = 1, .counter = 2, .bytes = 100,
		.sent = sent_at(1000 * MS), .ce = true, .asks = true };
	feedback_note(&f, &marked, 1001 * MS);
	feedback_tell(&f, &told, 1001 * MS);
	assert_true(feedback_hear(&heard, &told, 0, 9, &news));
	assert_true(news.congested);
	note(&f, 3, 1002 * MS);
	feedback_tell(&f, &told, 1002 * MS);
	assert_true(feedback_hear(&heard, &told, 0, 9, &news));
	assert_false(news.congested);
}

/* A new key counts from 0, and to the sender it is one row. */
static void test_goes_on_across_keys(void **state)
{
	struct feedback f = { 0 };
	struct feedback_heard heard = { 0 };
	struct datagram_feedback told;
	struct rate_news news;
	struct feedback_came came = { .epoch = 2, .bytes = 100, .asks = true };

	note(&f, 99, 1000 * MS);
	feedback_tell(&f, &told, 1000 * MS);
	assert_int_equal(told.epoch, 1);
	assert_true(feedback_hear(&heard, &told, 0, 99, &news));
	feedback_note(&f, &came, 1001 * MS);
	note(&f, 98, 1001 * MS); /* of the old key: counted */
	feedback_tell(&f, &told, 1001 * MS);
	assert_int_equal(told.epoch, 2);
	assert_int_equal(told.largest, 0);
	assert_true(feedback_hear(&heard, &told, 100, 0, &news));
	assert_int_equal(news.largest, 100);
	assert_int_equal(news.packets, 3);
}

static void test_who_carries_nothing_is_not_told_of(void **state)
{
	struct feedback f = { 0 };
	struct feedback_came came = { .counter = 1, .bytes = 100 };

	feedback_note(&f, &came, 1000 * MS);
	assert_true(feedback_due_us(&f, 0, 0) == UINT64_MAX);
	note(&f, 2, 1001 * MS);
	assert_true(feedback_due_us(&f, 0, 0) == 1001 * MS);
}

static void test_paths_are_compared_across_the_wrap(void **state)
{
	int64_t unit = DATAGRAM_TIME_US;

	assert_true(feedback_longer_us(20 * unit, 10 * unit) == 10 * unit);
	assert_true(feedback_longer_us(3 * unit, 65533 * unit) == 6 * unit);
	assert_true(feedback_longer_us(65533 * unit, 3 * unit) == -6 * unit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_says_what_came),
		cmocka_unit_test(test_a_far_step_forgets_what_was_before),
		cmocka_unit_test(test_percentile_of_many),
		cmocka_unit_test(test_tells_at_once_and_then_in_turn),
		cmocka_unit_test(test_is_understood_across_all_wraps),
		cmocka_unit_test(test_refuses_what_cannot_be),
		cmocka_unit_test(test_marks_are_told_once),
		cmocka_unit_test(test_goes_on_across_keys),
		cmocka_unit_test(test_who_carries_nothing_is_not_told_of),
		cmocka_unit_test(test_paths_are_compared_across_the_wrap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
