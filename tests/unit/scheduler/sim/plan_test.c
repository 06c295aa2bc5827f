/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what is drawn has the sums, means and limits that were asked for, and
 * comes from the seed and the load alone.
 */
#include "scheduler/sim/plan.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT 4000u

static struct plan_item plan[2 * COUNT];

static void draw(const struct scenario_load *load, uint64_t seed)
{
	assert_true(plan_count(load) <= sizeof(plan) / sizeof(plan[0]));
	plan_load(load, 0, seed, plan);
}

static uint64_t sum(void)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < COUNT; i++)
		bytes += plan[i].size_bytes;
	return bytes;
}

static int by_size(const void *a, const void *b)
{
	const struct plan_item *x = a, *y = b;

	return (x->size_bytes > y->size_bytes) - (x->size_bytes < y->size_bytes);
}

static void fixed_sizes_come_in_turn(void **state)
{
	struct scenario_load load = { .kind = SCENARIO_BATCH, .count = 5,
		.size_bytes = { 10, 20 }, .size_count = 2, .start_us = 7 };

	draw(&load, 1);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(plan[i].size_bytes, i % 2 ? 20 : 10);
		assert_int_equal(plan[i].at_us, 7);
	}
}

static void lognormal_sizes_have_their_sum(void **state)
{
	struct scenario_load load = { .kind = SCENARIO_PAGE, .count = COUNT,
		.sizes = SCENARIO_LOGNORMAL, .sigma = 1500000,
		.size_sum_bytes = 10000019 };

	for (uint64_t seed = 0; seed < 20; seed++) {
		draw(&load, seed);
		assert_int_equal(sum(), load.size_sum_bytes);
		qsort(plan, COUNT, sizeof(plan[0]), by_size);
		assert_true(plan[0].size_bytes >= 1);
		/* mean by median of a lognormal: e^(sigma^2 / 2) = 3.08 */
		double ratio = 10000019.0 / COUNT /
		               (double)plan[COUNT / 2].size_bytes;
		assert_true(ratio > 2.4 && ratio < 4.2);
	}
}

static void no_lognormal_size_is_nothing(void **state)
{
	struct scenario_load load = { .kind = SCENARIO_BATCH, .count = COUNT,
		.sizes = SCENARIO_LOGNORMAL, .sigma = 4000000,
		.size_sum_bytes = COUNT + 3 };

	draw(&load, 5);
	assert_int_equal(sum(), COUNT + 3);
	for (unsigned i = 0; i < COUNT; i++)
		assert_true(plan[i].size_bytes >= 1 && plan[i].size_bytes <= 4);
}

static void pareto_sizes_have_their_tail(void **state)
{
	struct scenario_load load = { .kind = SCENARIO_BATCH, .count = COUNT,
		.sizes = SCENARIO_PARETO, .alpha = 1200000,
		.size_min_bytes = 1000, .size_max_bytes = 1000000 };
	unsigned above = 0;

	draw(&load, 9);
	for (unsigned i = 0; i < COUNT; i++) {
		assert_in_range(plan[i].size_bytes, 1000, 1000000);
		above += plan[i].size_bytes > 10000;
	}
	/* (1/10)^1.2 = 6.3 % are above ten times the least. */
	assert_in_range(above, COUNT * 5 / 100, COUNT * 8 / 100);
}

static void uniform_sizes_keep_their_limits(void **state)
{
	struct scenario_load load = { .kind = SCENARIO_BATCH, .count = COUNT,
		.sizes = SCENARIO_UNIFORM, .size_min_bytes = 10,
		.size_max_bytes = 12 };
	unsigned seen[3] = { 0 };

	draw(&load, 2);
	for (unsigned i = 0; i < COUNT; i++) {
		assert_in_range(plan[i].size_bytes, 10, 12);
		seen[plan[i].size_bytes - 10]++;
	}
	for (int i = 0; i < 3; i++)
		assert_in_range(seen[i], COUNT / 4, COUNT / 2);
}

static void poisson_times_have_their_rate(void **state)
{
	struct scenario_load load = { .kind = SCENARIO_POISSON, .count = COUNT,
		.size_bytes = { 1 }, .size_count = 1, .rate = 50000000,
		.start_us = 1000000 };

	draw(&load, 4);
	assert_int_equal(plan[0].at_us, 1000000);
	for (unsigned i = 1; i < COUNT; i++)
		assert_true(plan[i].at_us >= plan[i - 1].at_us);
	/* 4000 at 50 a second: 80 s, with a deviation of 1.3 s. */
	assert_in_range(plan[COUNT - 1].at_us, 76000000, 86000000);
}

static void a_call_has_both_ways(void **state)
{
	struct scenario_load load = { .kind = SCENARIO_CALL, .count = 3,
		.size_bytes = { 160 }, .size_count = 1, .interval_us = 20000 };

	assert_int_equal(plan_count(&load), 6);
	draw(&load, 1);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(plan[i].at_us, i / 2 * 20000);
		assert_int_equal(plan[i].size_bytes, 160);
	}
}

static void the_seed_is_all(void **state)
{
	struct scenario_load load = { .kind = SCENARIO_POISSON, .count = COUNT,
		.sizes = SCENARIO_PARETO, .alpha = 1200000, .rate = 1000000,
		.size_min_bytes = 1000, .size_max_bytes = 1000000 };
	static struct plan_item first[2 * COUNT];

	draw(&load, 1);
	memcpy(first, plan, sizeof(first));
	draw(&load, 1);
	assert_memory_equal(first, plan, sizeof(first));
	draw(&load, 2);
	assert_memory_not_equal(first, plan, sizeof(first));
	plan_load(&load, 1, 1, plan); /* another load draws apart */
	assert_memory_not_equal(first, plan, sizeof(first));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixed_sizes_come_in_turn),
		cmocka_unit_test(lognormal_sizes_have_their_sum),
		cmocka_unit_test(no_lognormal_size_is_nothing),
		cmocka_unit_test(pareto_sizes_have_their_tail),
		cmocka_unit_test(uniform_sizes_keep_their_limits),
		cmocka_unit_test(poisson_times_have_their_rate),
		cmocka_unit_test(a_call_has_both_ways),
		cmocka_unit_test(the_seed_is_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
