/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/role/quota.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define GB UINT64_C(1000000000)
#define T0 UINT64_C(1790000000) /* 2026-09-21 */
#define DAY 86400u
#define MBIT 125000u

static void test_month(void **state)
{
	const struct conf_site conf = { .quota_bytes = 100 * GB, .rate_mbps = 50 };
	char words[QUOTA_WORDS_MAX + 1];
	struct quota q = { 0 };

	quota_count(&q, 20 * GB, 1000); /* the clock is not set yet */
	quota_count(&q, 60 * GB, T0);
	assert_int_equal(q.bytes, 60 * GB);
	assert_int_equal(quota_rate_bps(&q, &conf), 50 * MBIT);
	quota_words(&q, &conf, words);
	assert_string_equal(words, "");
	quota_count(&q, 100 * GB, T0 + DAY);
	assert_int_equal(quota_rate_bps(&q, &conf), QUOTA_SLOW_MBPS * MBIT);
	quota_words(&q, &conf, words);
	assert_string_equal(words, "its quota of 100 GB is used up: 1 Mbit/s until 2026-10-01");
	quota_count(&q, 100 * GB, T0 - 30 * DAY); /* the clock goes back: it stays so */
	assert_true(quota_is_used_up(&q, &conf));
	quota_count(&q, 101 * GB, T0 + 11 * DAY);
	assert_int_equal(q.bytes, GB);
	assert_int_equal(quota_rate_bps(&q, &conf), 50 * MBIT);
}

static void test_none(void **state)
{
	const struct conf_site conf = { .name = "home" };
	struct quota q = { 0 };

	quota_count(&q, 1000 * GB, T0);
	assert_false(quota_is_used_up(&q, &conf));
	assert_int_equal(quota_rate_bps(&q, &conf), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_month),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
