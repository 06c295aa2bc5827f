/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 */
#include "agg/history/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define T0 UINT64_C(1790000000)
#define DAY 86400u

static void test_goes(void **state)
{
	struct clock c = { 0 };

	assert_false(clock_step(&c, 1000, 1)); /* no battery */
	assert_int_equal(c.now_s, 0);
	assert_false(clock_step(&c, T0, 2));
	assert_false(clock_step(&c, T0 + 9 * DAY, 3));
	assert_int_equal(c.now_s, T0 + 9 * DAY);
	/* And never is one believed that begins years ago. */
	for (unsigned i = 4; i < 5000; i++)
		assert_false(clock_step(&c, i, i));
	assert_int_equal(c.now_s, T0 + 9 * DAY);
}

static void test_back(void **state)
{
	struct clock c = { 0 };
	unsigned steady_s = 0;

	clock_step(&c, T0, steady_s++);
	/* By a minute: time stands still, and goes on. */
	for (unsigned i = 0; i < 61; i++, steady_s++)
		assert_false(clock_step(&c, T0 - 60 + i, steady_s));
	assert_false(clock_step(&c, T0 + 1, steady_s++));
	assert_int_equal(c.now_s, T0 + 1);
	/* By an hour: believed after ten minutes, once. */
	unsigned believed = 0, at = 0;
	for (unsigned i = 0; i < 1200; i++, steady_s++) {
		bool back = clock_step(&c, T0 - 3600 + i, steady_s);
		believed += back;
		at = back ? i : at;
	}
	assert_int_equal(believed, 1);
	assert_int_equal(at, CLOCK_DOUBT_S);
	assert_int_equal(c.now_s, T0 - 3600 + 1199);
}

/* Of date -u -d. */
static void test_months(void **state)
{
	static const struct { uint64_t now_s; unsigned day; uint64_t begins_s; } rows[] = {
		{ 1790000000, 1, 1788220800 },  /* 2026-09-21 14:13 -> 09-01 */
		{ 1790000000, 21, 1789948800 }, /* the day itself: 09-21 */
		{ 1790000000, 22, 1787356800 }, /* -> 08-22 */
		{ 1772236800, 31, 1769817600 }, /* 2026-02-28 0:00: its last -> 02-28 */
		{ 1767225600, 5, 1764892800 },  /* 2026-01-01 -> 2025-12-05 */
		{ 1835395199, 30, 1832803200 }, /* 2028-02-28, a leap year -> 01-30 */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (i == 3) {
			assert_int_equal(clock_month(rows[i].now_s, rows[i].day),
			                 rows[i].now_s);
			assert_int_equal(clock_month(rows[i].now_s - 1, rows[i].day),
			                 rows[i].begins_s);
			continue;
		}
		assert_int_equal(clock_month(rows[i].now_s, rows[i].day),
		                 rows[i].begins_s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes),
		cmocka_unit_test(test_back),
		cmocka_unit_test(test_months),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
