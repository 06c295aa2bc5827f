/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "scheduler/sim/steady.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static void nothing_counts_before_and_after(void **state)
{
	struct steady s = { 0 };

	steady_read(&s, 900000, 5);
	steady_begin(&s, 1000000);
	steady_read(&s, 1100000, 7);
	steady_end(&s, 1500000);
	steady_read(&s, 9000000, 9);
	assert_int_equal(s.longest_us, 400000);
	assert_int_equal(s.worst_bytes, 7);
}

static void a_silence_spans_half_seconds(void **state)
{
	struct steady s;

	steady_begin(&s, 0);
	for (uint64_t us = 0; us <= 4000000; us += 10000)
		if (us < 1300000 || us >= 2600000)
			steady_read(&s, us, 10);
	steady_end(&s, 4000000);
	assert_int_equal(s.longest_us, 1310000);
	assert_int_equal(s.worst_bytes, 0);
}

static void a_half_second_that_has_not_ended_is_none(void **state)
{
	struct steady s;

	steady_begin(&s, 0);
	steady_read(&s, 100000, 100);
	steady_end(&s, 400000);
	assert_true(s.worst_bytes == UINT64_MAX);
	steady_begin(&s, 0);
	steady_read(&s, 100000, 100);
	steady_read(&s, 600000, 30);
	steady_end(&s, 1400000);
	assert_int_equal(s.worst_bytes, 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_counts_before_and_after),
		cmocka_unit_test(a_silence_spans_half_seconds),
		cmocka_unit_test(a_half_second_that_has_not_ended_is_none),
	};

	return cmocka_run_group_tests_name("steady", tests, NULL, NULL);
}
