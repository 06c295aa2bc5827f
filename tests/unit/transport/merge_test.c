/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/transport/merge.h"

#include "agg/base/rand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define MS UINT64_C(1000)
#define FAST 0
#define SLOW 1
#define BOTH 3
#define OUT_MAX 4096

static struct merge *m;
static struct packet_pool *pool;
static struct budget budget;
static uint64_t now_us;
static uint32_t out[OUT_MAX]; /* marks, as they were delivered */
static unsigned out_count;

static void deliver(void *ctx, struct packet *p)
{
	assert_true(out_count < OUT_MAX);
	out[out_count++] = p->mark;
	packet_put(p);
}

static const struct merge_ops ops = { deliver };

static int begin(void **state)
{
	pool = packet_pool_create(2048, NULL);
	budget_init(&budget, UINT64_MAX, NULL);
	m = merge_create(1u << 20, &budget, &ops, NULL);
	now_us = 1000000;
	out_count = 0;
	return !pool || !m;
}

static int end(void **state)
{
	merge_destroy(m);
	int left = (int)packet_pool_used(pool);
	packet_pool_destroy(pool);
	return left || budget.used;
}

static void put(uint16_t slot, uint32_t n, uint8_t skip, uint8_t paths, unsigned path)
{
	struct merge_order order = { slot, (uint16_t)n, skip, paths };
	struct packet *p = packet_get(pool);

	assert_non_null(p);
	p->mark = n;
	p->len = 1000;
	merge_put(m, &order, path, p, now_us);
}

static void came(unsigned count, ...)
{
	va_list list;

	assert_int_equal(out_count, count);
	va_start(list, count);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(out[i], va_arg(list, unsigned));
	va_end(list);
}

static void wait_ms(unsigned ms)
{
	now_us += ms * MS;
	merge_turn(m, now_us);
}

static void test_in_order_nothing_waits(void **state)
{
	for (unsigned n = 0; n < 4; n++)
		put(1, n, 0, BOTH, n % 2);
	came(4, 0, 1, 2, 3);
}

static void test_an_early_one_waits_for_those_before(void **state)
{
	put(1, 0, 0, BOTH, FAST);
	put(1, 3, 0, BOTH, SLOW);
	came(1, 0);
	put(1, 1, 0, BOTH, FAST);
	put(1, 2, 0, BOTH, FAST);
	came(4, 0, 1, 2, 3);
}

/* Both paths are beyond the hole. */
static void test_what_is_below_all_paths_was_lost(void **state)
{
	put(1, 0, 0, BOTH, FAST);
	put(1, 5, 0, BOTH, SLOW);
	put(1, 2, 0, BOTH, FAST); /* 1 is missing; the slow one may have it not */
	came(2, 0, 2);
	put(1, 6, 0, BOTH, FAST); /* 3 and 4 were lost on the fast one */
	came(4, 0, 2, 5, 6);
}

static void test_one_path_alone_waits_for_nothing(void **state)
{
	put(1, 0, 0, 1, FAST);
	put(1, 2, 0, 1, FAST);
	put(1, 7, 0, 1, FAST);
	came(3, 0, 2, 7);
}

/* It is told of the slow path before it hears it. */
static void test_waits_for_a_path_not_heard_yet(void **state)
{
	put(1, 0, 0, BOTH, FAST);
	put(1, 2, 0, BOTH, FAST);
	came(1, 0);
	put(1, 1, 0, BOTH, SLOW);
	came(3, 0, 1, 2);
}

static void test_skipped_is_not_waited_for(void **state)
{
	put(1, 0, 0, BOTH, FAST);
	put(1, 4, 3, BOTH, FAST); /* 1 to 3 never come */
	came(2, 0, 4);
	put(1, 7, 1, BOTH, FAST); /* 6 does not, 5 does */
	came(2, 0, 4);
	put(1, 5, 0, BOTH, SLOW);
	came(4, 0, 4, 5, 7);
}

static void test_a_silent_path_is_waited_for_no_longer(void **state)
{
	put(1, 0, 0, BOTH, FAST);
	put(1, 2, 0, BOTH, FAST);
	assert_true(merge_next_us(m) <= now_us + 100 * MS);
	wait_ms(90);
	came(1, 0);
	wait_ms(11);
	came(2, 0, 2);
	put(1, 1, 0, BOTH, SLOW); /* and what comes late is not lost */
	came(3, 0, 2, 1);
}

static void test_a_path_that_went_is_not_waited_for(void **state)
{
	put(1, 0, 0, BOTH, SLOW);
	put(1, 2, 0, BOTH, FAST);
	came(1, 0);
	merge_forget_path(m, SLOW, now_us);
	came(2, 0, 2);
	put(1, 5, 0, BOTH, FAST);
	came(3, 0, 2, 5);
	put(1, 6, 0, BOTH, SLOW); /* it is back */
	put(1, 8, 0, BOTH, FAST);
	came(4, 0, 2, 5, 6);
}

static void test_copies_are_delivered_once_and_at_once(void **state)
{
	put(9, 0, 0, 0, FAST);
	put(9, 2, 0, 0, FAST);
	put(9, 0, 0, 0, SLOW);
	put(9, 1, 0, 0, SLOW);
	put(9, 2, 0, 0, SLOW);
	put(9, 1, 0, 0, FAST);
	came(3, 0, 2, 1);
	for (unsigned n = 3; n < 900; n++)
		put(9, n, 0, 0, FAST);
	put(9, 4, 0, 0, SLOW); /* long ago */
	assert_int_equal(out_count, 900);
}

static void test_flows_do_not_wait_for_each_other(void **state)
{
	put(1, 0, 0, BOTH, FAST);
	put(1, 2, 0, BOTH, FAST);
	put(2, 0, 0, BOTH, FAST);
	put(2, 1, 0, BOTH, FAST);
	came(3, 0, 0, 1);
}

/* A slow path's queue may be long: what overtakes it by that waits as well. */
static void test_far_ahead_is_put_in_order_too(void **state)
{
	for (unsigned n = 400; n < 900; n++) /* the first that is heard of it */
		put(1, n, 0, BOTH, SLOW);
	assert_int_equal(out_count, 0);
	for (unsigned n = 0; n < 400; n++)
		put(1, n, 0, BOTH, FAST);
	put(1, 900, 0, BOTH, FAST);
	assert_int_equal(out_count, 901);
	for (unsigned i = 0; i < out_count; i++)
		assert_int_equal(out[i], i);
}

static void test_no_more_is_held_than_may_be(void **state)
{
	struct merge_stats stats;

	put(1, 0, 0, BOTH, FAST);
	for (unsigned n = 2; n < MERGE_WINDOW + 300; n++) {
		put(1, n, 0, BOTH, FAST);
		merge_stats(m, &stats);
		assert_true(stats.held_packets <= MERGE_WINDOW);
		assert_true(stats.held_bytes <= MERGE_FLOW_BYTES);
	}
	for (unsigned i = 1; i < out_count; i++)
		assert_true(out[i] > out[i - 1]);
	for (uint16_t slot = 10; slot < 20; slot++)
		for (unsigned n = 1; n < 200; n++)
			put(slot, n, 0, BOTH, FAST);
	merge_stats(m, &stats);
	assert_true(stats.held_bytes <= 1u << 20);
}

static void test_numbers_wrap(void **state)
{
	for (uint32_t n = 0; n < 3 * 65536; n += 2) {
		out_count = 0;
		put(1, n + 1, 0, BOTH, SLOW);
		put(1, n, 0, BOTH, FAST);
		came(2, n, n + 1);
	}
}

static void test_a_slot_used_again_is_another_flow(void **state)
{
	put(5, 0, 0, BOTH, FAST);
	put(5, 2, 0, BOTH, FAST);
	put(5 + MERGE_SLOTS, 0, 0, BOTH, FAST); /* what was held is let out */
	came(3, 0, 2, 0);
	put(5, 1, 0, BOTH, SLOW);
	came(4, 0, 2, 0, 1);
	put(5 + MERGE_SLOTS, 1, 0, BOTH, FAST);
	came(5, 0, 2, 0, 1, 1);
}

static void test_a_slot_is_free_after_a_while(void **state)
{
	struct merge_stats stats;

	put(1, 700, 0, 1, FAST);
	put(1, 702, 0, 1, FAST);
	wait_ms(2001);
	merge_stats(m, &stats);
	assert_int_equal(stats.flows, 0);
	assert_true(merge_next_us(m) == UINT64_MAX);
	put(1, 703, 0, 1, FAST);
	came(3, 700, 702, 703);
}

/* Two paths that keep their order, losses, a random part of the numbers on each: what
 * comes goes out once, nothing later than it may, and in order but for what was late. */
static void run_random(uint64_t seed)
{
	struct rand r = { seed };
	uint32_t at[2][600], n = 0, count[2] = { 0, 0 }, next[2] = { 0, 0 };
	struct merge_stats stats;

	for (; n < 600; n++)
		if (rand_below(&r, 20)) {
			unsigned path = (unsigned)rand_below(&r, 2);
			at[path][count[path]++] = n;
		}
	while (next[0] < count[0] || next[1] < count[1]) {
		unsigned path = (unsigned)rand_below(&r, 2);
		if (next[path] == count[path])
			path = !path;
		put(1, at[path][next[path]++], 0, BOTH, path);
		wait_ms((unsigned)rand_below(&r, 3));
	}
	wait_ms(101);
	assert_int_equal(out_count, count[0] + count[1]);
	merge_stats(m, &stats);
	assert_int_equal(stats.twice, 0);
	assert_int_equal(stats.held_packets, 0);
	assert_int_equal(stats.in_order + stats.late, out_count);
}

static void test_seeded(void **state)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		run_random(seed);
		assert_int_equal(end(NULL), 0);
		assert_int_equal(begin(NULL), 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_in_order_nothing_waits),
		TEST(test_an_early_one_waits_for_those_before),
		TEST(test_what_is_below_all_paths_was_lost),
		TEST(test_one_path_alone_waits_for_nothing),
		TEST(test_waits_for_a_path_not_heard_yet),
		TEST(test_skipped_is_not_waited_for),
		TEST(test_a_silent_path_is_waited_for_no_longer),
		TEST(test_a_path_that_went_is_not_waited_for),
		TEST(test_copies_are_delivered_once_and_at_once),
		TEST(test_flows_do_not_wait_for_each_other),
		TEST(test_far_ahead_is_put_in_order_too),
		TEST(test_no_more_is_held_than_may_be),
		TEST(test_numbers_wrap),
		TEST(test_a_slot_used_again_is_another_flow),
		TEST(test_a_slot_is_free_after_a_while),
		TEST(test_seeded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
