/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/transport/holdup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define MS UINT64_C(1000)

static void time_is_of_the_state_before_it(void **state)
{
	struct holdup before = { 0 }, l = { 0 };
	struct wire_limits out;

	holdup_note(&l, HOLDUP_PATHS, 5, 1000 * MS); /* none is before it */
	before = l;
	holdup_note(&l, HOLDUP_CREDIT, 5, 1500 * MS);
	holdup_note(&l, HOLDUP_SOURCE, 0, 1800 * MS);
	holdup_note(&l, HOLDUP_PATHS, 1, 2000 * MS);
	holdup_between(&before, &l, &out);
	assert_int_equal(out.paths, 500);
	assert_int_equal(out.credit, 300);
	assert_int_equal(out.full[0], 500);
	assert_int_equal(out.full[1], 0);
	assert_int_equal(out.full[2], 500);
}

static void a_long_turn_counts_a_second(void **state)
{
	struct holdup before, l = { 0 };
	struct wire_limits out;

	holdup_note(&l, HOLDUP_SOURCE, 0, 1000 * MS);
	before = l;
	holdup_note(&l, HOLDUP_PATHS, 1, 3600 * 1000 * MS);
	holdup_note(&l, HOLDUP_PATHS, 1, 3601 * 1000 * MS);
	holdup_between(&before, &l, &out);
	assert_int_equal(out.paths, 500);
}

static void of_another_session_nothing_is_known(void **state)
{
	struct holdup before = { .us = { 0, 9000, 0 } }, l = { .us = { 5000, 1, 0 } };
	struct wire_limits out;

	holdup_between(&before, &l, &out);
	assert_int_equal(out.paths, 0);
	holdup_between(&l, &l, &out);
	assert_int_equal(out.paths + out.credit, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_is_of_the_state_before_it),
		cmocka_unit_test(a_long_turn_counts_a_second),
		cmocka_unit_test(of_another_session_nothing_is_known),
	};

	return cmocka_run_group_tests_name("holdup", tests, NULL, NULL);
}
