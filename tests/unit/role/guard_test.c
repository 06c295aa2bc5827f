/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the guard at the door: caps, penalties, forgiveness, and a table that
 * strangers fill.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/rand.h"
#include "agg/role/guard.h"

#include <string.h>

#define SECOND UINT64_C(1000000)

static struct addr source(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(&a, text, 1), 0);
	return a;
}

static struct addr source_number(unsigned i)
{
	return (struct addr){ .family = AF_INET, .port = 1,
		.ip = { 198, 18, (uint8_t)(i >> 8), (uint8_t)i } };
}

/* One handshake that fails at once. */
static bool fail_once(struct guard *g, const struct addr *from, uint64_t now)
{
	if (!guard_enter(g, from, now))
		return false;
	guard_leave(g, from, false, now);
	return true;
}

static void fail_freely(struct guard *g, const struct addr *from, uint64_t now)
{
	for (int i = 0; i < GUARD_FREE_FAILURES; i++)
		assert_true(fail_once(g, from, now));
}

static void test_per_source(void **state)
{
	struct addr a = source("192.0.2.1"), b = source("192.0.2.2");
	struct guard g = { 0 };

	for (int i = 0; i < GUARD_PER_SOURCE_MAX; i++)
		assert_true(guard_enter(&g, &a, 1));
	assert_false(guard_enter(&g, &a, 1));
	assert_true(guard_enter(&g, &b, 1)); /* others are not harmed */
	guard_leave(&g, &a, true, 1);
	assert_true(guard_enter(&g, &a, 1));
	assert_int_equal(g.under_way, GUARD_PER_SOURCE_MAX + 1);
}

static void test_in_all(void **state)
{
	struct guard g = { 0 };
	struct addr a;

	for (unsigned i = 0; i < GUARD_HANDSHAKES_MAX; i++) {
		a = source_number(i);
		assert_true(guard_enter(&g, &a, 1));
	}
	a = source_number(GUARD_HANDSHAKES_MAX);
	assert_false(guard_enter(&g, &a, 1));
	assert_int_equal(g.under_way, GUARD_HANDSHAKES_MAX);
	struct addr first = source_number(0);
	guard_leave(&g, &first, true, 2);
	assert_true(guard_enter(&g, &a, 2));
}

/* Who may take a place of another, when one is made free for it. */
static void test_full_but_welcome(void **state)
{
	struct guard g = { 0 };
	struct addr a = source("192.0.2.1"), bad = source("192.0.2.2");

	fail_freely(&g, &bad, SECOND);
	assert_true(fail_once(&g, &bad, SECOND));
	assert_true(guard_welcomes(&g, &a, SECOND));
	assert_false(guard_welcomes(&g, &bad, SECOND));
	for (unsigned i = 0; i < GUARD_HANDSHAKES_MAX; i++) {
		struct addr other = source_number(i / GUARD_PER_SOURCE_MAX);
		assert_false(guard_is_full(&g));
		assert_true(guard_enter(&g, &other, SECOND));
	}
	struct addr capped = source_number(0);
	assert_true(guard_is_full(&g));
	assert_false(guard_welcomes(&g, &capped, SECOND));
	assert_true(guard_welcomes(&g, &a, SECOND));
	assert_false(guard_enter(&g, &a, SECOND));
	guard_leave(&g, &capped, false, SECOND);
	assert_true(guard_enter(&g, &a, SECOND));
}

/* The port says nothing; an IPv6 source is its /64. */
static void test_who_is_one_source(void **state)
{
	struct addr a = source("[2001:db8::1]:1"), b = source("[2001:db8::2]:2");
	struct addr far = source("[2001:db8:0:1::1]:1");
	struct addr v4 = source("192.0.2.1:1"), port = source("192.0.2.1:2");
	struct guard g = { 0 };

	fail_freely(&g, &a, 1);
	assert_true(fail_once(&g, &b, 1));
	assert_false(guard_enter(&g, &a, 1));
	assert_false(guard_enter(&g, &b, 1));
	assert_true(fail_once(&g, &far, 1));
	fail_freely(&g, &v4, 1);
	assert_true(fail_once(&g, &port, 1));
	assert_false(guard_enter(&g, &v4, 1));
}

static void test_penalty_doubles(void **state)
{
	struct addr a = source("192.0.2.1");
	uint64_t now = SECOND, penalty = GUARD_PENALTY_MIN_US;
	struct guard g = { 0 };

	fail_freely(&g, &a, now);
	for (int i = 0; i < 12; i++) {
		assert_true(fail_once(&g, &a, now));
		assert_false(guard_enter(&g, &a, now));
		assert_false(guard_enter(&g, &a, now + penalty - 1));
		now += penalty;
		penalty *= 2;
		if (penalty > GUARD_PENALTY_MAX_US)
			penalty = GUARD_PENALTY_MAX_US;
	}
	assert_int_equal(g.under_way, 0);
}

static void test_success_forgives(void **state)
{
	struct addr a = source("192.0.2.1");
	struct guard g = { 0 };

	fail_freely(&g, &a, 1);
	assert_true(guard_enter(&g, &a, 1));
	guard_leave(&g, &a, true, 1);
	fail_freely(&g, &a, 1);
	assert_true(guard_enter(&g, &a, 1));
}

/* Failures of what began before the source was shut out count as well. */
static void test_parallel_failures(void **state)
{
	struct addr a = source("192.0.2.1");
	struct guard g = { 0 };

	for (int i = 0; i < GUARD_FREE_FAILURES + 2; i++)
		assert_true(guard_enter(&g, &a, SECOND));
	for (int i = 0; i < GUARD_FREE_FAILURES + 2; i++)
		guard_leave(&g, &a, false, SECOND);
	assert_false(guard_enter(&g, &a, SECOND + 2 * GUARD_PENALTY_MIN_US - 1));
	assert_true(guard_enter(&g, &a, SECOND + 2 * GUARD_PENALTY_MIN_US));
}

/* A table full of strangers: the oldest idle one is forgotten, one with a
 * handshake under way never is. */
static void test_full_table(void **state)
{
	struct addr busy = source("192.0.2.1"), bad = source("192.0.2.2"), a;
	struct guard g = { 0 };

	assert_true(guard_enter(&g, &busy, 1));
	fail_freely(&g, &bad, 2);
	assert_true(fail_once(&g, &bad, 2));
	for (unsigned i = 0; i < 2 * GUARD_OFFENDERS_MAX; i++) {
		a = source_number(i);
		assert_true(fail_once(&g, &a, 3 + i));
	}
	assert_true(guard_enter(&g, &bad, 1000)); /* forgotten */
	guard_leave(&g, &bad, true, 1000);
	for (int i = 1; i < GUARD_PER_SOURCE_MAX; i++)
		assert_true(guard_enter(&g, &busy, 1000));
	assert_false(guard_enter(&g, &busy, 1000)); /* counted all along */
	for (int i = 0; i < GUARD_PER_SOURCE_MAX; i++)
		guard_leave(&g, &busy, true, 1000);
	assert_int_equal(g.under_way, 0);
}

/* Whatever comes and goes: the counts are those of who is inside. */
static void test_random(void **state)
{
	struct guard g = { 0 };
	struct rand r = { 1 };
	unsigned inside[64] = { 0 }, all = 0;

	for (uint64_t step = 1; step < 100000; step++) {
		unsigned i = (unsigned)rand_below(&r, 64);
		struct addr a = source_number(i);
		if (rand_below(&r, 2) && inside[i]) {
			guard_leave(&g, &a, rand_below(&r, 2), step * 1000);
			inside[i]--;
			all--;
		} else if (guard_enter(&g, &a, step * 1000)) {
			inside[i]++;
			all++;
		}
		assert_true(inside[i] <= GUARD_PER_SOURCE_MAX);
		assert_true(all <= GUARD_HANDSHAKES_MAX);
		assert_int_equal(g.under_way, all);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_per_source),
		cmocka_unit_test(test_in_all),
		cmocka_unit_test(test_full_but_welcome),
		cmocka_unit_test(test_who_is_one_source),
		cmocka_unit_test(test_penalty_doubles),
		cmocka_unit_test(test_success_forgives),
		cmocka_unit_test(test_parallel_failures),
		cmocka_unit_test(test_full_table),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("role/guard", tests, NULL, NULL);
}
