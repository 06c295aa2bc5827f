/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/transport/silence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define S UINT64_C(1000000)

static void the_longest_of_the_last_minute_is_kept(void **state)
{
	struct silence s = { 0 };

	assert_int_equal(silence_longest(&s, 0).us, 0);
	silence_note(&s, 1000 * S, 300, 1, 0, 2);
	silence_note(&s, 1001 * S, 200, 1, 0, 0);
	silence_note(&s, 1040 * S, 100, 1, 0, 1);
	assert_int_equal(silence_longest(&s, 1050 * S).us, 300);
	assert_int_equal(silence_longest(&s, 1050 * S).path, 2);
	assert_int_equal(silence_longest(&s, 1080 * S).us, 100);
	assert_int_equal(silence_longest(&s, 1080 * S).path, 1);
	assert_int_equal(silence_longest(&s, 1200 * S).us, 0);
}

static void who_is_late_is_found_out_later(void **state)
{
	struct silence s = { 0 };

	silence_note(&s, 1000 * S, 300, 7, 5000, 0);
	silence_late(&s, 7, 5001, 6000, 1);
	silence_late(&s, 7, 4000, 5000, 1);
	silence_late(&s, 8, 4000, 6000, 1);
	assert_int_equal(silence_longest(&s, 1000 * S).path, 0);
	silence_late(&s, 7, 4000, 6000, 1);
	assert_int_equal(silence_longest(&s, 1000 * S).path, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_of_the_last_minute_is_kept),
		cmocka_unit_test(who_is_late_is_found_out_later),
	};

	return cmocka_run_group_tests_name("transport/silence", tests, NULL, NULL);
}
