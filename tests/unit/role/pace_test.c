/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/role/pace.h"

#include <stdio.h>

#define START UINT64_C(5000000)

static void a_flood_is_a_few_lines_a_minute(void **state)
{
	struct pace p = { 0 };
	unsigned said = 0, unsaid, counted = 0;
	char earlier[PACE_WORDS_MAX];

	for (unsigned i = 0; i < 1000; i++) {
		if (!pace_may_say(&p, START + i * UINT64_C(100000), earlier))
			continue;
		said++;
		if (sscanf(earlier, "; so %u times before", &unsaid) == 1)
			counted += unsaid;
	}
	assert_int_equal(said, 2 * PACE_LINES_MAX); /* in 100 s */
	assert_int_equal(counted + said + p.unsaid, 1000);
}

static void who_does_it_seldom_is_always_said(void **state)
{
	struct pace p = { 0 };
	char earlier[PACE_WORDS_MAX];

	for (unsigned i = 0; i < 100; i++) {
		assert_true(pace_may_say(&p, START + i * UINT64_C(10000000),
		                         earlier));
		assert_string_equal(earlier, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flood_is_a_few_lines_a_minute),
		cmocka_unit_test(who_does_it_seldom_is_always_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
