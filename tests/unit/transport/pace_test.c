/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/transport/pace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define S UINT64_C(1000000)
#define BPS UINT64_C(1000000)
#define PIECE 1400u

/* Sends what it may for so long, asked so often: how many bytes. */
static uint64_t send_for(struct pace *pace, uint64_t *now_us, uint64_t us, uint64_t step_us)
{
	uint64_t end_us = *now_us + us, sent = 0;

	for (; *now_us < end_us; *now_us += step_us) {
		pace_set(pace, pace->bps, *now_us);
		for (; !pace_is_used_up(pace) && sent < 100 * BPS; sent += PIECE)
			pace_sent(pace, PIECE);
	}
	return sent;
}

static void it_is_kept_however_often_one_asks(void **state)
{
	const uint64_t steps_us[] = { 10, 900, PACE_RECHECK_US };

	for (unsigned i = 0; i < sizeof(steps_us) / sizeof(steps_us[0]); i++) {
		struct pace pace = { 0 };
		uint64_t now_us = 5 * S;
		pace_set(&pace, BPS, now_us);
		assert_in_range(send_for(&pace, &now_us, S, steps_us[i]),
		                BPS * 99 / 100, BPS * 102 / 100);
	}
}

static void what_is_not_used_is_not_kept_long(void **state)
{
	struct pace pace = { 0 };
	uint64_t now_us = 5 * S;

	pace_set(&pace, BPS, now_us);
	now_us += 10 * S;
	assert_in_range(send_for(&pace, &now_us, 1, 1), 1,
	                BPS * PACE_DEPTH_US / S + PIECE);
}

static void without_one_all_may_go(void **state)
{
	struct pace pace = { 0 };
	uint64_t now_us = 5 * S;

	pace_sent(&pace, 1000 * BPS);
	assert_false(pace_is_used_up(&pace));
	pace_set(&pace, BPS, now_us);
	assert_false(pace_is_used_up(&pace));
	pace_sent(&pace, BPS);
	assert_true(pace_is_used_up(&pace));
	pace_set(&pace, 0, now_us);
	assert_false(pace_is_used_up(&pace));
}

static void no_rate_overflows(void **state)
{
	struct pace pace = { 0 };

	pace_set(&pace, UINT64_MAX, UINT64_MAX);
	pace_set(&pace, UINT64_MAX, 0);
	assert_false(pace_is_used_up(&pace));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_kept_however_often_one_asks),
		cmocka_unit_test(what_is_not_used_is_not_kept_long),
		cmocka_unit_test(without_one_all_may_go),
		cmocka_unit_test(no_rate_overflows),
	};

	return cmocka_run_group_tests_name("transport/pace", tests, NULL, NULL);
}
