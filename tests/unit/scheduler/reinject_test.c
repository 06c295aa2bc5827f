/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: reinjection: which piece each policy sends again and why, by table, and
 * what the budget allows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scheduler/reinject.h"

#include <string.h>

struct row {
	const char *about;
	struct reinject_piece piece;
	const char *want; /* off, suspect, tail, deadline: '-', or t, d for why */
};

/* Its path takes 100 ms, give or take 10: overdue after 140 ms. */
#define PIECE(age, other, is_idle) { .age_us = (age), .usual_us = 100000, \
	.var_us = 10000, .other_us = (other), .idle = (is_idle) }

static const struct row rows[] = {
	{ "new, and more waits", PIECE(0, 20000, false), "----" },
	{ "the last, and the other is faster", PIECE(0, 20000, true), "--tt" },
	{ "the last, and the other is a bit faster", PIECE(79999, 20000, true),
	  "--tt" },
	{ "the last, but it is there as soon", PIECE(80000, 20000, true), "----" },
	{ "the last, and about to arrive", PIECE(120000, 20000, true), "----" },
	{ "the last, about to arrive, but its path is fitful",
	  { .age_us = 120000, .usual_us = 100000, .var_us = 21000,
	    .other_us = 20000, .idle = true }, "--tt" },
	{ "the last, and late, though not yet overdue",
	  PIECE(125000, 20000, true), "--tt" },
	{ "the last, due, but much stands before it",
	  { .age_us = 99000, .usual_us = 100000, .var_us = 10000,
	    .ahead_us = 20001, .other_us = 20000, .idle = true }, "--tt" },
	{ "the last, and the other is slower", PIECE(0, 200000, true), "----" },
	{ "not yet overdue", PIECE(139999, 20000, false), "----" },
	{ "overdue", PIECE(140000, 20000, false), "---d" },
	{ "overdue, however slow the other is", PIECE(140000, 900000, false),
	  "---d" },
	{ "overdue and the last", PIECE(140000, 20000, true), "--td" },
	{ "overdue, the last, and the other is slower",
	  PIECE(140000, 100000, true), "---d" },
	{ "nobody knows how long it should take",
	  { .age_us = 9000000, .idle = true, .other_us = 1 }, "----" },
	{ "never overdue so soon", { .age_us = REINJECT_OVERDUE_MIN_US - 1,
	                             .usual_us = 1000, .var_us = 100 }, "----" },
	{ "but then", { .age_us = REINJECT_OVERDUE_MIN_US, .usual_us = 1000,
	                .var_us = 100 }, "---d" },
};

static void test_rows(void **state)
{
	static const char why[REINJECT_COUNT] = { '-', 's', 't', 'd' };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char got[REINJECT_COUNT + 1] = { 0 };
		for (int p = 0; p < REINJECT_COUNT; p++)
			got[p] = why[reinject_wanted((enum reinject_policy)p,
			                             &rows[i].piece)];
		if (strcmp(got, rows[i].want) != 0)
			fail_msg("%s: %s, not %s", rows[i].about, got,
			         rows[i].want);
	}
}

static void test_overdue(void **state)
{
	assert_int_equal(reinject_overdue_us(100000, 10000), 140000);
	assert_int_equal(reinject_overdue_us(1000, 0), REINJECT_OVERDUE_MIN_US);
}

static void test_budget(void **state)
{
	struct reinject_budget budget;

	reinject_init(&budget); /* full */
	assert_false(reinject_spend(&budget, REINJECT_SAVED_MAX + 1));
	assert_true(reinject_spend(&budget, REINJECT_SAVED_MAX));
	assert_false(reinject_spend(&budget, 1));
	reinject_sent(&budget, 100 * REINJECT_SHARE);
	assert_false(reinject_spend(&budget, 101)); /* and costs nothing */
	assert_true(reinject_spend(&budget, 60));
	assert_true(reinject_spend(&budget, 40));
	assert_false(reinject_spend(&budget, 1));
	reinject_sent(&budget, UINT64_C(1) << 40); /* no more than full */
	assert_false(reinject_spend(&budget, REINJECT_SAVED_MAX + 1));
	assert_true(reinject_spend(&budget, REINJECT_SAVED_MAX));
}

/* Of many small pieces the share is not rounded away. */
static void test_budget_of_small_pieces(void **state)
{
	struct reinject_budget budget;

	reinject_init(&budget);
	assert_true(reinject_spend(&budget, REINJECT_SAVED_MAX));
	for (unsigned i = 0; i < 10 * REINJECT_SHARE; i++)
		reinject_sent(&budget, REINJECT_SHARE / 2 + 3);
	assert_true(reinject_spend(&budget, 10 * (REINJECT_SHARE / 2 + 3)));
	assert_false(reinject_spend(&budget, 1));
}

/* What the reader waits for: 600 ms of a satellite, 60 ms elsewhere. */
static void test_the_reader_s_patience(void **state)
{
	const struct reinject_passed far = { .usual_us = 600000, .var_us = 20000,
		.rtt_us = 600000, .other_us = 60000, .age_us = 600000 };
	const struct reinject_passed near = { .usual_us = 60000, .var_us = 4000,
		.rtt_us = 60000, .other_us = 40000, .age_us = 60000 };
	struct reinject_passed is = far;

	assert_false(reinject_overdue(&is)); /* it is due now */
	is.waited_us = 59000;
	assert_false(reinject_overdue(&is));
	is.waited_us = 60000;
	assert_true(reinject_overdue(&is));
	is.waited_us = 31000; /* lost, and what TCP sends again is, too */
	is.age_us = 1300000;
	assert_true(reinject_overdue(&is));
	is = far;
	is.waited_us = 1000000;
	is.other_us = UINT64_MAX;
	assert_false(reinject_overdue(&is)); /* by what? */
	/* For what carries next to nothing nobody waits long. */
	is = near;
	is.minor = true;
	is.waited_us = 19000;
	assert_false(reinject_overdue(&is));
	is.waited_us = 20000;
	assert_true(reinject_overdue(&is));
	/* TCP repairs a near path's loss as soon as another path would. */
	is = near;
	is.age_us = 130000;
	is.waited_us = 100000;
	assert_false(reinject_overdue(&is));
	is.waited_us = 250000;
	assert_true(reinject_overdue(&is));
}

static void test_names(void **state)
{
	assert_int_equal(reinject_find("never"), -1);
	assert_int_equal(reinject_find(""), -1);
	for (int p = 0; p < REINJECT_COUNT; p++) {
		assert_int_equal(reinject_find(reinject_name(
			(enum reinject_policy)p)), p);
		assert_true(reinject_summary((enum reinject_policy)p)[0]);
	}
	assert_int_equal(reinject_find("deadline"), REINJECT_DEADLINE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_overdue),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_budget_of_small_pieces),
		cmocka_unit_test(test_the_reader_s_patience),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("scheduler/reinject", tests, NULL, NULL);
}
