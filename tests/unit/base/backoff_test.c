/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/backoff.h"

static void pauses_grow_up_to_the_longest(void **state)
{
	assert_int_equal(backoff_us(100, 0, 1000), 100);
	assert_int_equal(backoff_us(100, 1, 1000), 100);
	assert_int_equal(backoff_us(100, 2, 1000), 200);
	assert_int_equal(backoff_us(100, 4, 1000), 800);
	assert_int_equal(backoff_us(100, 5, 1000), 1000);
	assert_int_equal(backoff_us(100, UINT32_MAX, 1000), 1000);
	assert_int_equal(backoff_us(2000, 1, 1000), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pauses_grow_up_to_the_longest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
