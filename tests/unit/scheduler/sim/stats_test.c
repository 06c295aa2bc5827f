/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "scheduler/sim/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void of_nothing_all_is_zero(void **state)
{
	struct stats s = { .mean = 1 };

	stats_of(NULL, 0, &s);
	assert_int_equal(s.count, 0);
	assert_true(s.mean == 0 && s.p50 == 0 && s.p99 == 0 && s.max == 0);
}

static void of_one_all_is_that(void **state)
{
	double value = 7;
	struct stats s;

	stats_of(&value, 1, &s);
	assert_true(s.mean == 7 && s.p50 == 7 && s.p95 == 7 && s.p99 == 7 &&
	            s.max == 7);
}

static void percentiles_are_values_by_rank(void **state)
{
	double values[200];
	struct stats s;

	for (int i = 0; i < 200; i++)
		values[i] = (i * 77 + 13) % 200 + 1; /* 1 .. 200, shuffled */
	stats_of(values, 200, &s);
	assert_int_equal(s.count, 200);
	assert_true(s.mean == 100.5 && s.p50 == 100 && s.p95 == 190);
	assert_true(s.p99 == 198 && s.max == 200);
	assert_true(stats_percentile(values, 200, 100) == 200);
	assert_true(stats_percentile(values, 200, 0.1) == 1);
	assert_true(stats_percentile(values, 3, 50) == 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_nothing_all_is_zero),
		cmocka_unit_test(of_one_all_is_that),
		cmocka_unit_test(percentiles_are_values_by_rank),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
