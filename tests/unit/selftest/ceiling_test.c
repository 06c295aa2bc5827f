/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/selftest/ceiling.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NEAR 0.0001

static void rates_and_times(void **state)
{
	assert_float_equal(ceiling_ns_of_rate(1000), 1, NEAR);
	assert_float_equal(ceiling_ns_of_rate(50), 20, NEAR);
	assert_float_equal(ceiling_ns_of_rate(0), 0, NEAR);
	assert_float_equal(ceiling_ns_of_rate(-1), 0, NEAR);
	assert_float_equal(ceiling_rate(1, 1), 1000, NEAR);
	assert_float_equal(ceiling_rate(16384, 16384), 1000, NEAR);
	assert_float_equal(ceiling_rate(1, 0), 0, NEAR);
	assert_float_equal(ceiling_rate(1, ceiling_ns_of_rate(266)), 266, NEAR);
}

static void one_core(void **state)
{
	const struct ceiling_cost even = { 1, 1 };
	const struct ceiling_cost slow_cipher = { 100, 0.001 };

	assert_float_equal(ceiling_mbit(&even), 4000, NEAR);
	assert_float_equal(ceiling_cipher_part(&even), 0.5, NEAR);
	assert_float_equal(ceiling_mbit(&slow_cipher), 80, 0.01);
	assert_float_equal(ceiling_cipher_part(&slow_cipher), 1, 0.001);
}

static void what_is_not_known(void **state)
{
	const struct ceiling_cost no_cipher = { 0, 1 }, no_system = { 1, 0 };

	assert_float_equal(ceiling_mbit(&no_cipher), 0, NEAR);
	assert_float_equal(ceiling_mbit(&no_system), 0, NEAR);
	assert_float_equal(ceiling_cipher_part(&no_cipher), 0, NEAR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_and_times),
		cmocka_unit_test(one_core),
		cmocka_unit_test(what_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
