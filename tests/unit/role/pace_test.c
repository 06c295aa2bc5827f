/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: what others undo is done again at once, then with pauses below a second,
 * and said a few times a minute.
 */
#include "agg/role/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOW_US 1000000000ull

static void the_first_time_is_at_once(void **state)
{
	struct pace p = { 0 };

	assert_true(pace_due_us(&p) <= NOW_US);
	pace_done(&p, NOW_US);
	assert_int_equal(pace_due_us(&p), NOW_US); /* and the second */
}

static void pauses_double_and_stay_below_a_second(void **state)
{
	struct pace p = { 0 };
	uint64_t now = NOW_US, last = 0;

	pace_done(&p, now);
	for (int i = 0; i < 20; i++) {
		now = pace_due_us(&p);
		pace_done(&p, now);
		assert_true(p.pause_us >= last && p.pause_us <= 1000000);
		last = p.pause_us;
	}
	assert_int_equal(last, PACE_PAUSE_MAX_US);
	now += PACE_CALM_US;
	pace_done(&p, now);
	assert_int_equal(pace_due_us(&p), now);
}

static void few_words_a_minute(void **state)
{
	struct pace p = { 0 };
	unsigned said = 0, unsaid = 99;

	for (unsigned i = 0; i < 100; i++)
		said += pace_say(&p, NOW_US + i * 1000, &unsaid);
	assert_int_equal(said, PACE_WORDS_MAX);
	assert_int_equal(unsaid, 0);
	assert_true(pace_say(&p, NOW_US + PACE_WORDS_US, &unsaid));
	assert_int_equal(unsaid, 100 - PACE_WORDS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_time_is_at_once),
		cmocka_unit_test(pauses_double_and_stay_below_a_second),
		cmocka_unit_test(few_words_a_minute),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
