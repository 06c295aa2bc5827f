/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the bounds against values that were computed by hand or elsewhere.
 */
#include "scheduler/sim/bound.h"

#include "agg/base/rand.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MBIT 125000.0
#define MS 1e3
#define JOBS 200

static const struct bound uneven = { { { 20 * MBIT, 15 * MS },
                                       { 20 * MBIT, 50 * MS } }, 2 };

static void assert_near(double got, double want, double by)
{
	if (!(fabs(got - want) <= by))
		fail_msg("got %g, wanted %g", got, want);
}

static void one_flow_takes_the_paths_that_pay(void **state)
{
	/* 25 Mbit/s 25 ms + 5 Mbit/s 65 ms: even at 125 kB, which take 65 ms. */
	const struct bound b = { { { 5 * MBIT, 65 * MS }, { 25 * MBIT, 25 * MS } },
	                         2 };

	assert_near(bound_flow_us(&b, 0), 25 * MS, 1e-6);
	assert_near(bound_flow_us(&b, 62500), 45 * MS, 1e-6);
	assert_near(bound_flow_us(&b, 125000), 65 * MS, 1e-6);
	/* Then 30 Mbit/s: 375 kB more take 100 ms. */
	assert_near(bound_flow_us(&b, 500000), 165 * MS, 1e-6);
	assert_near(bound_least_delay_us(&b), 25 * MS, 0);
	assert_near(bound_rate_bps(&b), 30 * MBIT, 0);
}

static void ten_megabytes_over_one_and_two_paths(void **state)
{
	const struct bound two = { { { 20 * MBIT, 15 * MS },
	                             { 20 * MBIT, 50 * MS } }, 2 };
	const struct bound one = { { { 20 * MBIT, 15 * MS } }, 1 };

	assert_near(bound_flow_us(&one, 1e7) / 1e6, 4.015, 0.0005);
	assert_near(bound_flow_us(&two, 1e7) / 1e6, 2.0325, 0.0005);
}

static void a_batch_of_twenty(void **state)
{
	struct bound_job jobs[20];
	double mean_us;

	for (int i = 0; i < 20; i++)
		jobs[i] = (struct bound_job){ 0, 100000 };
	assert_int_equal(bound_batch(&uneven, jobs, 20, &mean_us), 0);
	assert_near(mean_us / 1e6, 0.0325 + 10.5 / 50, 1e-9); /* .243 */
	assert_int_equal(bound_batch_sharing(&uneven, jobs, 20, &mean_us), 0);
	assert_near(mean_us / 1e6, 0.0325 + 20 / 50.0, 1e-9); /* .433 */
}

static void order_does_not_count_in_a_batch(void **state)
{
	struct bound_job up[] = { { 0, 1000 }, { 0, 20000 }, { 0, 300000 } };
	struct bound_job down[] = { { 0, 300000 }, { 0, 20000 }, { 0, 1000 } };
	double a_us, b_us;

	bound_batch(&uneven, up, 3, &a_us);
	bound_batch(&uneven, down, 3, &b_us);
	assert_near(a_us, b_us, 1e-9);
	assert_near(a_us, (bound_flow_us(&uneven, 1000) +
	                   bound_flow_us(&uneven, 21000) +
	                   bound_flow_us(&uneven, 321000)) / 3, 1e-6);
}

/* One path of 1 byte a microsecond, no delay: a queue by hand. */
static void arrivals_by_hand(void **state)
{
	const struct bound b = { { { 1e6, 0 } }, 1 };
	/* SRPT: the first has 6 left at 4, the second passes it and is done at
	 * 6, the first at 12, the third from 20 to 25. */
	const struct bound_job jobs[] = { { 0, 10 }, { 4, 2 }, { 20, 5 } };
	double mean_us;

	assert_int_equal(bound_arrivals(&b, jobs, 3, &mean_us), 0);
	assert_near(mean_us, (12 + 2 + 5) / 3.0, 1e-9);
	/* Shared from 4 on: the second gets its 2 by 8, the first is done at 12. */
	assert_int_equal(bound_arrivals_sharing(&b, jobs, 3, &mean_us), 0);
	assert_near(mean_us, (12 + 4 + 5) / 3.0, 1e-9);
}

static void arrivals_at_once_are_a_batch(void **state)
{
	const struct bound b = { { { 3e6, 7000 } }, 1 };
	struct bound_job jobs[JOBS];
	struct rand r = { 3 };
	double as_batch_us, as_arrivals_us;

	for (int i = 0; i < JOBS; i++)
		jobs[i] = (struct bound_job){ 0, 1 + (double)rand_below(&r, 99999) };
	bound_batch(&b, jobs, JOBS, &as_batch_us);
	bound_arrivals(&b, jobs, JOBS, &as_arrivals_us);
	assert_near(as_arrivals_us, as_batch_us, 1e-3);
	bound_batch_sharing(&b, jobs, JOBS, &as_batch_us);
	bound_arrivals_sharing(&b, jobs, JOBS, &as_arrivals_us);
	assert_near(as_arrivals_us, as_batch_us, 1e-3);
}

static void shortest_first_is_never_worse_than_sharing(void **state)
{
	struct bound_job jobs[JOBS];
	struct rand r = { 11 };

	for (int run = 0; run < 20; run++) {
		double at_us = 0, srpt_us, sharing_us;
		for (int i = 0; i < JOBS; i++) {
			at_us += (double)rand_below(&r, 40000);
			jobs[i] = (struct bound_job){
				at_us, 1 + (double)rand_below(&r, 180000) };
		}
		bound_arrivals(&uneven, jobs, JOBS, &srpt_us);
		bound_arrivals_sharing(&uneven, jobs, JOBS, &sharing_us);
		assert_true(srpt_us <= sharing_us + 1e-6 ||
		            srpt_us <= bound_flow_us(&uneven, 180000));
		assert_true(srpt_us >= bound_least_delay_us(&uneven));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_flow_takes_the_paths_that_pay),
		cmocka_unit_test(ten_megabytes_over_one_and_two_paths),
		cmocka_unit_test(a_batch_of_twenty),
		cmocka_unit_test(order_does_not_count_in_a_batch),
		cmocka_unit_test(arrivals_by_hand),
		cmocka_unit_test(arrivals_at_once_are_a_batch),
		cmocka_unit_test(shortest_first_is_never_worse_than_sharing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
