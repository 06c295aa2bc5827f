/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/rand.h"

/* Of the reference implementation, seed 1234567. */
static void known_values(void **state)
{
	static const uint64_t values[] = {
		6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
		4593380528125082431u, 16408922859458223821u,
	};
	struct rand r = { 1234567 };

	for (int i = 0; i < 5; i++)
		assert_true(rand_u64(&r) == values[i]);
}

static void below_reaches_every_number_and_no_other(void **state)
{
	struct rand r = { 1 };
	unsigned hits[7] = { 0 };

	for (int i = 0; i < 7000; i++) {
		uint64_t n = rand_below(&r, 7);
		assert_true(n < 7);
		hits[n]++;
	}
	for (int i = 0; i < 7; i++)
		assert_in_range(hits[i], 800, 1200);
	assert_int_equal(rand_below(&r, 1), 0);
}

static void unit_is_between_0_and_1(void **state)
{
	struct rand r = { 0 };
	double sum = 0;

	for (int i = 0; i < 10000; i++) {
		double x = rand_unit(&r);
		assert_true(x >= 0 && x < 1);
		sum += x;
	}
	assert_true(sum > 4800 && sum < 5200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values),
		cmocka_unit_test(below_reaches_every_number_and_no_other),
		cmocka_unit_test(unit_is_between_0_and_1),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
