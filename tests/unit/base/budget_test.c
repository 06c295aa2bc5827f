/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: shares of memory: what is taken below is taken above, nothing is taken
 * half, and use that fell is told once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agg/base/budget.h"

struct tree {
	struct budget process, site, other, use;
};

static void init(struct tree *t)
{
	budget_init(&t->process, 100, NULL);
	budget_init(&t->site, 80, &t->process);
	budget_init(&t->other, 80, &t->process);
	budget_init(&t->use, 60, &t->site);
}

static void what_is_taken_is_taken_above(void **state)
{
	struct tree t;

	init(&t);
	assert_true(budget_take(&t.use, 50));
	assert_int_equal(t.use.used, 50);
	assert_int_equal(t.site.used, 50);
	assert_int_equal(t.process.used, 50);
	assert_int_equal(t.other.used, 0);
	budget_give(&t.use, 20);
	assert_int_equal(t.process.used, 30);
	assert_int_equal(budget_left(&t.use), 30);
}

static void each_limit_holds_and_nothing_is_taken_half(void **state)
{
	struct tree t;

	init(&t);
	assert_false(budget_take(&t.use, 61));  /* its own */
	assert_true(budget_take(&t.other, 50));
	assert_false(budget_take(&t.use, 51));  /* the process's */
	assert_int_equal(t.use.used + t.site.used, 0);
	assert_int_equal(t.process.used, 50);
	assert_true(budget_take(&t.use, 50));
	assert_int_equal(budget_left(&t.use), 0);
	assert_int_equal(budget_left(&t.site), 0);
	assert_true(budget_take(&t.use, 0));
}

static void what_must_be_is_taken_over_the_limit(void **state)
{
	struct tree t;

	init(&t);
	budget_force(&t.use, 130);
	assert_int_equal(budget_left(&t.other), 0);
	assert_false(budget_take(&t.other, 1));
	budget_give(&t.use, 130);
	assert_int_equal(budget_left(&t.other), 80);
}

static void nobodys_budget_has_no_limit(void **state)
{
	assert_true(budget_take(NULL, UINT64_MAX));
	budget_give(NULL, UINT64_MAX);
	assert_int_equal(budget_left(NULL), UINT64_MAX);
}

static void a_fall_to_half_is_told_once(void **state)
{
	struct tree t;

	init(&t);
	budget_force(&t.site, 80);
	assert_false(budget_fell(&t.process, 10));
	budget_give(&t.site, 39);
	assert_false(budget_fell(&t.process, 10));
	budget_give(&t.site, 1);
	assert_true(budget_fell(&t.process, 10));
	assert_false(budget_fell(&t.process, 10));
	budget_give(&t.site, 40);
	assert_false(budget_fell(&t.process, 41)); /* too little to matter */
	assert_true(budget_fell(&t.process, 40));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_taken_is_taken_above),
		cmocka_unit_test(each_limit_holds_and_nothing_is_taken_half),
		cmocka_unit_test(what_must_be_is_taken_over_the_limit),
		cmocka_unit_test(nobodys_budget_has_no_limit),
		cmocka_unit_test(a_fall_to_half_is_told_once),
	};

	return cmocka_run_group_tests_name("base/budget", tests, NULL, NULL);
}
